#![doc = include_str!("../ARCHITECTURE.md")]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

// The leaves: they know nothing of specs, roles, or each other's callers.
pub mod boundary;
pub mod cache;
pub mod client;
pub mod diagnostics;
pub mod document;
pub mod template;

// The rooms, in the order in which data flows through them.
pub mod spec;
pub mod model;
pub mod check;
pub mod emit;
pub mod plan;
pub mod guard;
pub mod run;
pub mod init;
pub mod adopt;
pub mod demo;
pub mod cli;
