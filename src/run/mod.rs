//! `exec`: a plan in, an outcome out. The only async room.
//!
//! [`exec`] carries a plan out. What it decides follows from the plan and from the events that its
//! journal holds; agents and gates are child processes, and whatever they did is judged by files
//! that the runner reads itself.

pub mod agent;
pub mod charge;
pub mod confine;
pub mod gate;
pub mod git;
pub mod keeper;
pub mod process;

mod accept;
mod audit;
mod brief;
mod budget;
mod clock;
mod commands;
mod domain;
mod error;
mod event;
mod exec;
mod filter;
mod folder;
mod gates;
mod identity;
mod jobs;
mod journal;
mod keep;
mod land;
mod links;
mod message;
mod notify;
mod open;
pub mod plan_task;
pub mod planned;
mod progress;
mod project;
mod proposal;
mod report;
mod schedule;
mod step;
mod wait;
mod workshop;

#[cfg(test)]
mod tests;

pub use clock::{Moment, MomentError, RunId, RunIdError};
pub use commands::Commands;
pub use error::ExecError;
pub use event::{
    AttemptEnd, ChangeKind, Complaint, Event, Failure, Judgement, Place, Proven, Refusal, Sender,
    TaskEnd,
};
pub use exec::exec;
pub use journal::{Entry, JournalError};
pub use open::{Options, Order};
pub use project::{Environment, Project, ProjectError};
pub use report::{
    ApproveError, RunEnd, RunSummary, Status, StepEnd, StepSummary, TaskSummary, approve, events,
    report, status,
};
pub use workshop::WorkshopError;
