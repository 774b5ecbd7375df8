//! An agent at work: one attempt at one step, in a child process.
//!
//! [`attempt`] starts what the plan's driver names and says how it ended. The child has a closed
//! environment, a home of its own, a time limit, and on Linux a Landlock domain; whatever it did to
//! the checkout is judged afterwards by others. Nothing here decides whether work is accepted.

mod answer;
mod child;
mod claude;
mod command;
mod private;
pub mod replay;
mod reply;
mod types;

pub use answer::{
    AnswerError, PlannedAccept, PlannedStep, PlannedTask, Reason, Ruling, Verdict, task_schema,
    verdict_schema,
};
pub use reply::{Limit, Reply};
pub use types::{AgentError, Answer, Assignment, Attempt, Ended, Held};

use super::process::Cancel;
use crate::plan::DriverKind;

/// Starts the agent of `assignment` and waits for its end.
///
/// An agent that ran and did not do its work is no error: see [`Attempt::ended`].
///
/// # Errors
///
/// Where the agent can't be started, or the run was cancelled.
pub async fn attempt(assignment: Assignment, cancel: Cancel) -> Result<Attempt, AgentError> {
    match assignment.plan.factory.driver.kind {
        DriverKind::ClaudeCode => claude::attempt(&assignment, cancel).await,
        DriverKind::Command => command::attempt(&assignment, cancel).await,
        DriverKind::Replay => command::replay(&assignment, cancel).await,
    }
}
