//! What a task is, whatever the rest of the lock says, and whether it has landed.

use serde::Serialize;

use super::{error::ExecError, project::Project};
use crate::{
    cache::Digest,
    plan::{Plan, Proof, StepKind, Task},
};

// What makes a task the same task: what is wanted and who does what. Budgets, prompts, and the
// boundaries of roles may change without its having to be done again.
#[derive(Serialize)]
struct Essence<'a> {
    name: &'a str,
    goal: &'a str,
    accept: Vec<(&'a str, &'a Proof)>,
    steps: Vec<(&'a str, &'a str, &'a str)>,
}

/// Returns the digest of what `task` is.
pub(super) fn of(name: &str, task: &Task) -> Result<Digest, ExecError> {
    let essence = Essence {
        name,
        goal: &task.goal,
        accept: task
            .accept
            .iter()
            .map(|accept| (accept.text.as_str(), &accept.proof))
            .collect(),
        steps: task
            .steps
            .iter()
            .map(|step| match &step.kind {
                StepKind::Agent(agent) => (
                    step.name.as_str(),
                    agent.role.as_str(),
                    agent.brief.as_str(),
                ),
                StepKind::Effect(effect) => (step.name.as_str(), "", effect.run.as_str()),
            })
            .collect(),
    };
    let text = serde_json::to_vec(&essence).map_err(|error| ExecError::Plan(error.to_string()))?;
    Ok(Digest::of(text))
}

/// Returns the reference that says that a task has landed.
pub(super) fn reference(name: &str, identity: Digest) -> String {
    format!("refs/factory/landed/{name}/{identity}")
}

/// Returns the commit that a task landed with, if it has.
pub(super) async fn landed(
    project: &Project,
    plan: &Plan,
    name: &str,
) -> Result<Option<String>, ExecError> {
    let Some(task) = plan.tasks.get(name) else {
        return Ok(None);
    };
    let reference = reference(name, of(name, task)?);
    Ok(super::land::resolve(&project.git(), &reference).await?)
}
