//! A role that does not say what it is for.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::missing-description",
        level: Level::Advice,
        safety: false,
        story: include_str!("missing_description.md"),
    },
    absence: false,
    run: missing_description,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` does not say when to ask it")]
#[diagnostic(help("add `description \"…\"`, in one sentence"))]
struct MissingDescription {
    role: String,
    #[label(primary, "no `description`")]
    name: SourceSpan,
}

fn missing_description(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        if role.description.is_none() {
            let name = role.name.span.into();
            let role = role.name.value.clone();
            report.of_role(id, MissingDescription { role, name });
        }
    }
}
