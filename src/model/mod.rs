//! Spec → the resolved factory: no names that still need looking up, boundaries built.
//!
//! Pure: no files, clock, environment, or process.

mod boundaries;
mod changes;
mod fault;
mod names;
mod reserved;
mod resolve;
mod tasks;
mod types;
mod values;

pub use crate::spec::{Usd, UsdError};
pub use boundaries::{Bounds, Origin, Origins};
pub use changes::{Change, Direction, Phrase, Version, changes};
pub use fault::ModelError;
pub use names::circle;
pub use reserved::{Protected, Reserved};
pub use resolve::resolve;
pub use types::{
    Accept, AcceptProof, AgentFile, Cannot, CannotBoth, Document, Example, Gate, GateId, Hold,
    HoldPlace, LanguageModel, LintLevel, Model, ModelId, Require, Role, RoleId, Rule, Section,
    SectionFrom, Server, ServerId, Set, SetMembers, Step, StepId, Task, Trust, Work,
};
pub use values::{
    Copy, CopyFor, Driver, DriverKind, Effect, External, GateKind, GuardMode, Memory, Mention,
    Notice, Notify, Price, ServerCommand, Stop, Workspace, Yields,
};
