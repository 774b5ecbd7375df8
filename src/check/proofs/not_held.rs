//! Commands that can do anything, under a rule that speaks of what no layer holds against them.

use std::collections::{BTreeMap, BTreeSet};

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::{Kept, Unseen};
use crate::{
    boundary::Capability,
    check::{facts::Facts, meet::may_span},
    diagnostics::{Findings, Span},
    model::Rule,
    spec::quoted,
};

pub(super) const CODE: &str = "factory::rule::not-held";

#[derive(Debug, Error, Diagnostic)]
#[error(
    "rule `{rule}` is not held: role `{role}` may run {commands}, and nothing looks into what {does}"
)]
#[diagnostic(
    code("factory::rule::not-held"),
    help(
        "grant what the work needs, one command each; or add `trust {patterns} because=\"…\"` to the rule, if somebody answers for it"
    )
)]
struct NotHeld {
    rule: String,
    role: String,
    commands: String,
    does: String,
    patterns: String,
    #[label(primary, "can do anything")]
    grant: SourceSpan,
    #[label("the rule asks for more than the words of a line")]
    statement: SourceSpan,
}

/// What no layer holds under one rule, by the grant that brings it.
#[derive(Default)]
pub(super) struct Collected(BTreeMap<Span, Grant>);

struct Grant {
    role: String,
    statement: Span,
    commands: BTreeSet<String>,
    capabilities: BTreeSet<Capability>,
}

impl Collected {
    /// Takes in what is kept by nothing.
    pub(super) fn add(&mut self, facts: &Facts<'_>, statement: Span, unseen: &[Unseen]) {
        for one in unseen.iter().filter(|one| one.kept == Kept::Nothing) {
            let role = facts.model.role(one.role);
            let span = may_span(&role.bounds, Capability::Run, one.may);
            let grant = self.0.entry(span.unwrap_or(role.name.span));
            let grant = grant.or_insert_with(|| Grant {
                role: role.name.value.clone(),
                statement,
                commands: BTreeSet::new(),
                capabilities: BTreeSet::new(),
            });
            grant.commands.insert(one.command(facts.model).to_owned());
            grant.capabilities.insert(one.capability);
        }
    }

    /// Reports each grant once.
    pub(super) fn report(self, rule: &Rule, findings: &mut Findings) {
        for (span, grant) in self.0 {
            let list = |word: fn(&str) -> String, between: &str| {
                let words = grant.commands.iter().map(|command| word(command));
                words.collect::<Vec<_>>().join(between)
            };
            let does: Vec<_> = grant.capabilities.iter().map(|what| verb(*what)).collect();
            let it = if grant.commands.len() > 1 {
                "these"
            } else {
                "it"
            };
            findings.add(NotHeld {
                rule: rule.title.value.clone(),
                role: grant.role.clone(),
                commands: list(|command| format!("`{command}`"), " and "),
                does: format!("{it} may {}", does.join(" or ")),
                patterns: list(quoted, " "),
                grant: span.into(),
                statement: grant.statement.into(),
            });
        }
    }
}

/// Returns what a command may do of that kind, as a verb.
pub const fn verb(capability: Capability) -> &'static str {
    match capability {
        Capability::Read => "read",
        Capability::Write => "write",
        Capability::Run => "start",
        Capability::Reach => "reach",
        Capability::Use => "use",
        Capability::Env => "see",
        Capability::Delegate => "hand on",
    }
}
