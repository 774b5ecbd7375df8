//! What a role may do: patterns for paths, commands, and names; grants made of them; the judge of
//! shell lines. A leaf: nothing here knows of specs, roles, or files.

mod capability;
mod command;
mod grant;
mod name;
mod path;

pub use capability::{Boundary, Capability, Layer};
pub use command::CommandPattern;
pub use grant::{Decision, Entry, Grant, Pattern, PatternError};
pub use name::NamePattern;
pub use path::PathPattern;
