//! Steps that could run at the same time, were it not that they may write the same files.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Grant, PathPattern},
    check::{facts::Facts, meet::meet, report::Report},
    diagnostics::{Level, Lint},
    model::{Step, Task, Work, Yields},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::task::overlapping-steps",
        level: Level::Advice,
        safety: false,
        story: include_str!("overlapping_steps.md"),
    },
    absence: false,
    run: overlapping_steps,
};

#[derive(Debug, Error, Diagnostic)]
#[error(
    "steps `{first}` and `{second}` may both write `{witness}`, so they run one after the other"
)]
#[diagnostic(help(
    "narrow each with `only {{ write \"…\"; }}` to let them run at the same time, or say which comes first with `after`"
))]
struct OverlappingSteps {
    first: String,
    second: String,
    witness: String,
    #[label(primary, "and this one may write it")]
    one: SourceSpan,
    #[label("this step may write it")]
    two: SourceSpan,
}

fn overlapping_steps(facts: &Facts<'_>, report: &mut Report<'_>) {
    for task in &facts.model.tasks {
        let before = before(task);
        let writes: Vec<_> = task.steps.iter().map(|step| writes(facts, step)).collect();
        for (at, step) in task.steps.iter().enumerate() {
            // One finding a step is enough to act on.
            let earlier = task
                .steps
                .iter()
                .take(at)
                .enumerate()
                .find_map(|(other, earlier)| {
                    if before.get(at)?.contains(&other) {
                        return None;
                    }
                    let (one, two) = (writes.get(other)?.as_ref()?, writes.get(at)?.as_ref()?);
                    Some((earlier, overlap(one, two)?))
                });
            if let Some((earlier, witness)) = earlier {
                report.add(OverlappingSteps {
                    first: earlier.name.value.clone(),
                    second: step.name.value.clone(),
                    witness,
                    one: step.name.span.into(),
                    two: earlier.name.span.into(),
                });
            }
        }
    }
}

// What a step may write that ends in a commit.
fn writes(facts: &Facts<'_>, step: &Step) -> Option<Grant<PathPattern>> {
    let Work::Agent {
        role,
        yields: Yields::Commit,
        only,
        ..
    } = &step.work
    else {
        return None;
    };
    let mut grant = facts.model.role(role.value).bounds.boundary.write.clone();
    let only = only.as_ref().map(|only| only.boundary.write.may.clone());
    grant.only = only.filter(|only| !only.is_empty());
    Some(grant)
}

fn overlap(one: &Grant<PathPattern>, two: &Grant<PathPattern>) -> Option<String> {
    let what = two.only.as_ref().unwrap_or(&two.may);
    // The list is wider than the grant, which the second look makes up for; and what can't be
    // decided does not run at the same time either.
    if meet(one, what).is_empty() {
        return None;
    }
    one.overlap(two).unwrap_or_else(|_| Some("…".to_owned()))
}

// For each step, all that come before it. Steps stand behind what they come after.
fn before(task: &Task) -> Vec<BTreeSet<usize>> {
    let mut all: Vec<BTreeSet<usize>> = Vec::with_capacity(task.steps.len());
    for step in &task.steps {
        let mut before = BTreeSet::new();
        for id in &step.after {
            before.insert(id.value.0);
            before.extend(all.get(id.value.0).into_iter().flatten());
        }
        all.push(before);
    }
    all
}
