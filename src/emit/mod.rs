//! Checked model → artifacts: prompts, briefs, client files, managed sections, snapshots.
//!
//! What is emitted follows from the factory alone: no time, no absolute path, no order of a hash table.

mod composer;
mod data;
#[cfg(test)]
mod fixture;
mod json;
mod phrase;
mod prompt;
pub mod snapshot;

pub use composer::{Composer, TemplateError};
pub use prompt::{Part, Prompt};
