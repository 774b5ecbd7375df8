//! A rule that speaks of no role at all.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, meet::can, report::Report},
    diagnostics::{Level, Lint},
    model::{Bounds, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::rule::vacuous",
        level: Level::Warning,
        safety: false,
        story: include_str!("vacuous_rule.md"),
    },
    absence: true,
    run: vacuous_rule,
};

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` asks nothing of anyone: no role can do what its `when` names")]
#[diagnostic(help("is it spelled as you meant it? `factory show` lists what each role can do"))]
struct VacuousRule {
    rule: String,
    #[label(primary, "no role can do this")]
    when: SourceSpan,
}

fn vacuous_rule(facts: &Facts<'_>, report: &mut Report<'_>) {
    for rule in &facts.model.rules {
        for require in &rule.require {
            let Some(when) = &require.when else {
                continue;
            };
            if facts.model.roles.iter().any(|role| speaks_of(when, role)) {
                continue;
            }
            let origins = when.origins.values().flat_map(|origins| &origins.may);
            let span = origins.filter_map(crate::model::Origin::span).min();
            report.add(VacuousRule {
                rule: rule.title.value.clone(),
                when: span.unwrap_or(require.span).into(),
            });
        }
    }
}

// What can't be decided may well be so.
fn speaks_of(when: &Bounds, role: &Role) -> bool {
    let mut capabilities = when.origins.keys().copied();
    capabilities.any(|capability| !matches!(can(role, capability, &when.boundary), Ok(None)))
}
