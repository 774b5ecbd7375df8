//! What a role may do: patterns for paths, commands, and names; grants made of them; the judge of
//! shell lines. A leaf: nothing here knows of specs, roles, or files.

mod automata;
mod capability;
mod command;
mod fold;
mod glob;
mod grant;
mod name;
mod nevers;
mod nfa;
mod path;
mod programs;
mod search;
mod shell;
mod standard;

pub use automata::{Regular, STATE_BUDGET, TooComplex, entry_within, overlap_entries};
pub use capability::{Boundary, Capability, Layer, Platform, paths_beyond};
pub use command::CommandPattern;
pub use grant::{Decision, Entry, Grant, Pattern, PatternError};
pub use name::NamePattern;
pub use nevers::{Nevers, Shared};
pub use path::PathPattern;
pub use shell::{
    Effect, Kind, Obstacle, Refusal, Resolved, SYSTEM_DIRECTORIES, Scope, Thing, Tree,
    denied_variable, effect, is_opaque, judge, lines_around, lines_within, lines_without_grant,
    may_run_within, runs_others, takes_ungranted, write_against,
};
pub use standard::{StandardCommand, StandardSet, standard, standard_names};
