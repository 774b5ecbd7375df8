//! A step that is to commit, by a role that may write nothing.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    model::{Work, Yields},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::task::empty-commit",
        level: Level::Warning,
        safety: false,
        story: include_str!("empty_commit.md"),
    },
    absence: true,
    run: empty_commit,
};

#[derive(Debug, Error, Diagnostic)]
#[error("step `{step}` is to end in a commit, and role `{role}` may write nothing")]
#[diagnostic(help(
    "grant it what it is to write, let another role do it, or ask for words: `yields=\"report\"`"
))]
struct EmptyCommit {
    step: String,
    role: String,
    #[label(primary, "nothing can come of it")]
    name: SourceSpan,
    #[label("this role")]
    of_role: SourceSpan,
}

fn empty_commit(facts: &Facts<'_>, report: &mut Report<'_>) {
    for step in facts.model.tasks.iter().flat_map(|task| &task.steps) {
        let Work::Agent {
            role,
            yields: Yields::Commit,
            ..
        } = &step.work
        else {
            continue;
        };
        let boundary = &facts.model.role(role.value).bounds.boundary;
        // Whoever may hand work on may have it written by others.
        if boundary.write.may.is_empty() && boundary.delegate.may.is_empty() {
            let fault = EmptyCommit {
                step: step.name.value.clone(),
                role: facts.model.role(role.value).name.value.clone(),
                name: step.name.span.into(),
                of_role: role.span.into(),
            };
            report.of_role(role.value, fault);
        }
    }
}
