//! The lock: everything that `exec` may do and say, and everything that the guard decides by.
//!
//! [`Plan`] is the in-memory form, `factory.lock` its canonical JSON. Every reader below this room
//! (the guard, the runner) takes a plan and nothing else of the spec.


mod types;

pub use crate::boundary::{Boundary, Capability, Layer};
pub use crate::spec::{Usd, UsdError};
pub use types::{
    Accept, Agent, Copy, CopyFor, Driver, DriverKind, Effect, External,
    Factory, Gate, GateKind, Input, Memory, Mention, Model, Notice, Notify, Output, Plan,
    Price, Proof, Role, Server, Step, StepKind, Stop, Task, Workspace, Yields,
};
