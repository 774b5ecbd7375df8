//! Proofs of the user's rules: each is proven, or held by a layer, or broken with a shortest witness.

mod answer;
mod cannot;
mod cannot_both;
mod require;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::facts::Facts;
use crate::diagnostics::{Findings, Span};
pub use answer::{Answer, Proof};

/// The stories of what a proof finds.
pub(super) static STORIES: &[(&str, &str)] = &[
    (cannot::CODE, include_str!("cannot.md")),
    (cannot_both::CODE, include_str!("cannot_both.md")),
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

/// Proves every rule; what is broken or not decided is added to `findings`.
pub(super) fn run(facts: &Facts<'_>, findings: &mut Findings) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (at, rule) in facts.model.rules.iter().enumerate() {
        for cannot in &rule.cannot {
            cannot::prove(facts, (at, rule), cannot, findings, &mut proofs);
        }
        for both in &rule.cannot_both {
            cannot_both::prove(facts, (at, rule), both, findings, &mut proofs);
        }
        for require in &rule.require {
            require::prove(facts, (at, rule), require, findings, &mut proofs);
        }
    }
    proofs
}

fn undecided(facts: &Facts<'_>, role: crate::model::RoleId, rule: Span) -> Undecided {
    let role = facts.model.role(role);
    Undecided {
        role: role.name.value.clone(),
        rule: rule.into(),
        of_role: role.name.span.into(),
    }
}
