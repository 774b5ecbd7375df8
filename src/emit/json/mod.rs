//! Entries of ours in a JSON file that is someone else's: read with their places, changed in place.
//!
//! Comments and trailing commas are allowed, as the files' owners use them. What is not ours keeps
//! its bytes, its order, and its indent.

mod edit;
mod parse;

pub(super) use edit::{Edit, edited};
pub(super) use parse::{JsonError, Node, parse};
