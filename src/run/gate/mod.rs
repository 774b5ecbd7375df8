//! Gates: what they say of a tree of files, and on what that depends.
//!
//! A [`Judge`] runs gates in a [`Checkout`] that no agent writes to. A `run` gate is a child process
//! in a closed environment, with sealed files as the base has them; its pass is kept under a key that
//! holds all that could change it, and only such a pass is ever replayed. The built-in gates look at
//! the tree in this process; what `consistency` and `docs` say is kept in the same way.
//! `docs/gates.md` defines them exactly.

mod bench;
mod change;
mod checkout;
mod command;
mod consistency;
mod docs;
mod environment;
mod explain;
mod judge;
mod kept;
mod key;
mod marks;
mod naming;
mod order;
mod paths;
mod rollback;
mod secrets;
mod session;
mod verdict;
mod wanted;

pub(super) use environment::{Environment, Ingredients};

pub use checkout::{Checkout, Hands};
pub use explain::{Explanation, Standing};
pub use judge::{GateCache, Judge, Progress};
pub use verdict::{Outcome, Verdict};

#[cfg(test)]
mod tests;
