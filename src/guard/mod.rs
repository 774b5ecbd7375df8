//! The hook: one decision on one tool call of the client, in a few milliseconds.
//!
//! [`answer`] is the whole hook: input in, output and exit code out. [`decide`] is the decision alone.
//! In a role's session whatever is not known to be permitted is refused, and so is whatever can't be
//! read or looked up. A person's own session is left as the client has it; only a write to what the
//! factory is made of asks first. What an allowed program does once it runs is not known here.
//!
//! A session may start below a project, where the client finds the agents of every folder above: each
//! factory there has its say.

mod answer;
mod call;
mod context;
mod decide;
mod kept;
pub mod observed;
mod paths;
mod place;
mod refusal;
mod sections;
mod shell;
#[cfg(test)]
mod tests;

pub use answer::{Reply, Setting, answer};
pub use call::{CallError, ToolCall};
pub use context::context;
pub use decide::{Decision, decide};
pub use paths::without_dots;
pub use place::Place;
pub use refusal::{Refusal, RefusalKind};
pub use shell::Disk;
