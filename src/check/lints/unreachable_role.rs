//! A role that nothing ever gives work to.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    model::{AcceptProof, Model, RoleId, Work},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::unreachable",
        level: Level::Advice,
        safety: false,
        story: include_str!("unreachable_role.md"),
    },
    absence: true,
    run: unreachable_role,
};

#[derive(Debug, Error, Diagnostic)]
#[error("nothing ever gives work to role `{role}`")]
#[diagnostic(help(
    "name a `planner` in `factory`, which may plan steps for every role; or give the role a step, or let another role `delegate` to it"
))]
struct Unreachable {
    role: String,
    #[label(primary, "no step, no delegation, no planner leads here")]
    name: SourceSpan,
}

fn unreachable_role(facts: &Facts<'_>, report: &mut Report<'_>) {
    // A planner may give every role a step.
    if facts.planner().is_some() {
        return;
    }
    let mut reached = in_tasks(facts.model);
    for (id, _) in facts.model.roles() {
        reached.extend(facts.delegates(id));
    }
    // One that was adopted from a client's file is asked by whoever works with that client.
    let left = facts.model.roles();
    let left = left.filter(|(id, role)| !reached.contains(id) && role.agent.is_none());
    for (id, role) in left {
        let name = role.name.span.into();
        let role = role.name.value.clone();
        report.of_role(id, Unreachable { role, name });
    }
}

fn in_tasks(model: &Model) -> BTreeSet<RoleId> {
    let tasks = || model.tasks.iter();
    let steps = tasks()
        .flat_map(|task| &task.steps)
        .filter_map(|step| match &step.work {
            Work::Agent { role, .. } => Some(role.value),
            Work::Effect(_) => None,
        });
    let accepts = tasks()
        .flat_map(|task| &task.accept)
        .filter_map(|accept| match &accept.proof {
            AcceptProof::By(role) => Some(role.value),
            AcceptProof::Run(_) | AcceptProof::Nobody => None,
        });
    steps.chain(accepts).collect()
}
