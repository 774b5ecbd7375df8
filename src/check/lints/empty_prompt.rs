//! A prompt that says nothing.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::empty",
        level: Level::Warning,
        safety: false,
        story: include_str!("empty_prompt.md"),
    },
    absence: false,
    run: empty_prompt,
};

#[derive(Debug, Error, Diagnostic)]
#[error("the prompt of role `{role}` is empty")]
#[diagnostic(help("write into `{path}` who this is, how it works, and when it stops"))]
struct EmptyPrompt {
    role: String,
    path: String,
    #[label(primary, "there is nothing in this file")]
    prompt: SourceSpan,
}

fn empty_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        let text = facts.source(&role.prompt.value);
        if text.is_some_and(|text| text.text().trim().is_empty()) {
            let fault = EmptyPrompt {
                role: role.name.value.clone(),
                path: role.prompt.value.clone(),
                prompt: role.prompt.span.into(),
            };
            report.of_role(id, fault);
        }
    }
}
