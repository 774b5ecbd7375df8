//! Proofs of the user's rules: each is proven, or kept by something else, or broken with a shortest
//! witness.

mod answer;
mod cannot;
mod cannot_both;
mod not_held;
mod require;
#[cfg(test)]
mod tests;

use miette::{Diagnostic, LabeledSpan, SourceSpan};
use thiserror::Error;

use super::{
    facts::{Facts, Reached},
    meet::{Doubt, may_span},
};
use crate::{
    boundary::Capability,
    diagnostics::{Findings, Span},
    model::{RoleId, Rule},
};
pub(super) use answer::covers;
pub use answer::{Answer, Kept, Proof, Unseen};
use not_held::Collected;
pub use not_held::verb;

/// The stories of what a proof finds.
pub(super) static STORIES: &[(&str, &str)] = &[
    (cannot::CODE, include_str!("cannot.md")),
    (cannot_both::CODE, include_str!("cannot_both.md")),
    (not_held::CODE, include_str!("not_held.md")),
    (require::CODE, include_str!("require.md")),
];

/// A proof that needs more than its budget.
#[derive(Debug, Error, Diagnostic)]
#[error("this rule is not decided: the patterns of role `{role}` are too complex to be compared")]
#[diagnostic(
    code("factory::rule::undecided"),
    help(
        "what is not proven does not count as proven; write simpler patterns, with fewer `*` and `?` in one name"
    )
)]
struct Undecided {
    role: String,
    #[label(primary, "not decided")]
    rule: SourceSpan,
    #[label("for this role")]
    of_role: SourceSpan,
}

/// A grant that meets a rule, of which no line was found that may run.
#[derive(Debug, Error, Diagnostic)]
#[error(
    "this rule is not decided: role `{role}` is granted `{command}`, which meets it, and no line of that was found that may run"
)]
#[diagnostic(
    code("factory::rule::undecided"),
    help(
        "what is not proven does not count as proven; take away a grant of which nothing may run"
    )
)]
struct Unshown {
    role: String,
    command: String,
    #[label(primary, "not decided")]
    rule: SourceSpan,
    #[label("meets the rule")]
    grant: SourceSpan,
}

/// What the statements of one rule are proven with, and where what is found goes.
struct Statement<'a, 'f> {
    facts: &'a Facts<'f>,
    rule: &'a Rule,
    // The index of the rule.
    at: usize,
    findings: &'a mut Findings,
    proofs: &'a mut Vec<Proof>,
    not_held: Collected,
}

impl Statement<'_, '_> {
    /// Reports that it is not known whether `id` can do what stands at `item`.
    fn doubt(&mut self, id: RoleId, doubt: Doubt, item: Span) {
        let role = self.facts.model.role(id);
        let name = role.name.value.clone();
        match doubt {
            Doubt::TooComplex => self.findings.add(Undecided {
                role: name,
                rule: item.into(),
                of_role: role.name.span.into(),
            }),
            Doubt::Unshown { may } => {
                let grant = may_span(&role.bounds, Capability::Run, may);
                let entry = role.bounds.boundary.run.may.get(may);
                self.findings.add(Unshown {
                    role: name,
                    command: entry.map(|may| may.pattern.to_string()).unwrap_or_default(),
                    rule: item.into(),
                    grant: grant.unwrap_or(role.name.span).into(),
                });
            }
        }
    }
}

/// Proves every rule; what is broken, not held, or not decided is added to `findings`.
pub(super) fn run(facts: &Facts<'_>, findings: &mut Findings) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (at, rule) in facts.model.rules.iter().enumerate() {
        let mut statement = Statement {
            facts,
            rule,
            at,
            findings: &mut *findings,
            proofs: &mut proofs,
            not_held: Collected::default(),
        };
        for cannot in &rule.cannot {
            cannot::prove(&mut statement, cannot);
        }
        for both in &rule.cannot_both {
            cannot_both::prove(&mut statement, both);
        }
        for require in &rule.require {
            require::prove(&mut statement, require);
        }
        let Statement {
            not_held, findings, ..
        } = statement;
        not_held.report(rule, findings);
    }
    proofs
}

// The way by which work gets to `role`, both ends with it.
fn handed(reached: &[Reached], role: RoleId) -> Vec<RoleId> {
    let from = |role: &RoleId| {
        let mut reached = reached.iter();
        reached.find(|next| next.role == *role)?.from
    };
    let mut way: Vec<_> = std::iter::successors(Some(role), from).collect();
    way.reverse();
    way
}

// The grants that hand work on along a way.
fn handing(facts: &Facts<'_>, way: &[RoleId]) -> Vec<LabeledSpan> {
    let roles = || way.iter().map(|id| facts.model.role(*id));
    let hands = roles().zip(roles().skip(1)).filter_map(|(from, to)| {
        let mut mays = from.bounds.boundary.delegate.may.iter();
        let may = mays.position(|may| may.gives(&to.name.value))?;
        let span = may_span(&from.bounds, Capability::Delegate, may)?;
        let label = format!("hands work to `{}`", to.name.value);
        Some(LabeledSpan::new_with_span(Some(label), span))
    });
    hands.collect()
}
