//! An `only` that names what the role of the step may not write anyway.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::Capability,
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    model::{Origin, Work},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::task::outside-grant",
        level: Level::Warning,
        safety: false,
        story: include_str!("outside_grant.md"),
    },
    absence: true,
    run: outside_grant,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`only` names `{pattern}`, and role `{role}` may write nothing there")]
#[diagnostic(help(
    "`only` narrows what the role may do and gives nothing: name a part of its grant, or widen the grant"
))]
struct OutsideGrant {
    pattern: String,
    role: String,
    #[label(primary, "nothing of this is granted")]
    only: SourceSpan,
    #[label("to this role")]
    of_role: SourceSpan,
}

fn outside_grant(facts: &Facts<'_>, report: &mut Report<'_>) {
    for step in facts.model.tasks.iter().flat_map(|task| &task.steps) {
        let Work::Agent {
            role,
            only: Some(only),
            ..
        } = &step.work
        else {
            continue;
        };
        let granted = &facts.model.role(role.value).bounds.boundary.write;
        for (at, entry) in only.boundary.write.may.iter().enumerate() {
            let mut narrowed = granted.clone();
            narrowed.only = Some(vec![entry.clone()]);
            // What can't be decided is not said to be wrong.
            if !matches!(narrowed.overlap(&narrowed), Ok(None)) {
                continue;
            }
            let origin = only.may_origin(Capability::Write, at);
            let fault = OutsideGrant {
                pattern: entry.pattern.as_str().to_owned(),
                role: facts.model.role(role.value).name.value.clone(),
                only: origin
                    .and_then(Origin::span)
                    .unwrap_or(step.name.span)
                    .into(),
                of_role: role.span.into(),
            };
            report.of_role(role.value, fault);
        }
    }
}
