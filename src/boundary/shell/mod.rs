//! The judge of shell lines: everything that a line may run, write, or read, before it runs.
//!
//! It reads a line as `bash` and `sh` do and refuses whatever it does not understand. It knows what
//! common programs do with their arguments; what an allowed program does besides is for other layers.

mod arguments;
mod arithmetic;
mod braces;
mod builtins;
mod carried;
mod changes;
mod copies;
mod effects;
mod environment;
mod find;
mod git;
mod git_options;
mod globs;
mod judge;
mod looks;
mod options;
mod output;
mod parse;
mod places;
mod readers;
mod scope;
mod sed;
mod simple;
mod walk;
mod within;
mod words;
mod wrappers;

pub use effects::{Effect, effect, is_opaque};
pub use environment::denied_variable;
pub use judge::{judge, write_against};
pub use scope::{Kind, Obstacle, Refusal, Resolved, SYSTEM_DIRECTORIES, Scope, Thing, Tree};
pub use within::{
    lines_around, lines_within, lines_without_grant, may_run_within, runs_others, takes_ungranted,
};

#[cfg(test)]
mod tests;
