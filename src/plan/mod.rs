//! The lock: everything that `exec` may do and say, and everything that the guard decides by.
//!
//! [`Plan`] is the in-memory form, `factory.lock` its canonical JSON. Every reader below this room
//! (the guard, the runner) takes a plan and nothing else of the spec.

mod lock;
mod previous;
mod reserved;
mod shared;
mod types;

pub use crate::{
    boundary::{Boundary, Capability, Layer, Platform},
    model::{
        Copy, CopyFor, Driver, DriverKind, Effect, External, GateKind, GuardMode, Memory, Mention,
        Notice, Notify, Price, Protected, Reserved, ServerCommand as Server, Stop, Usd, UsdError,
        Workspace, Yields,
    },
};
pub use lock::{Compiled, LockError, Salvaged, lock, salvage};
pub use previous::{Previous, Reason};
pub use reserved::{Reservation, Reservations};
pub use types::{
    Accept, Agent, Factory, Gate, Held, Input, Model, Output, Plan, Proof, Role, Step, StepKind,
    Task,
};
