//! A role that judges its own work.

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
        code: "factory::task::self-review",
        level: Level::Warning,
        safety: false,
        story: include_str!("self_review.md"),
    },
    absence: false,
    run: self_review,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` judges its own work")]
#[diagnostic(help("give the verdict to another role: whoever wrote it will find it good"))]
struct SelfReview {
    role: String,
    #[label(primary, "gives the verdict")]
    verdict: SourceSpan,
    #[label("did the work")]
    work: SourceSpan,
}

fn self_review(facts: &Facts<'_>, report: &mut Report<'_>) {
    for task in &facts.model.tasks {
        for step in &task.steps {
            let Work::Agent {
                role,
                yields: Yields::Verdict,
                sends_back,
                ..
            } = &step.work
            else {
                continue;
            };
            let judged = match sends_back {
                Some(back) => vec![back.value.0],
                None => step.after.iter().map(|after| after.value.0).collect(),
            };
            let own =
                judged
                    .iter()
                    .filter_map(|at| task.steps.get(*at))
                    .find_map(|step| match &step.work {
                        Work::Agent {
                            role: worker,
                            yields: Yields::Commit,
                            ..
                        } if worker.value == role.value => Some(worker.span),
                        Work::Agent { .. } | Work::Effect(_) => None,
                    });
            if let Some(work) = own {
                report.of_role(
                    role.value,
                    SelfReview {
                        role: facts.model.role(role.value).name.value.clone(),
                        verdict: role.span.into(),
                        work: work.into(),
                    },
                );
            }
        }
    }
}
