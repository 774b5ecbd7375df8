//! Checked model → artifacts: prompts, briefs, client files, managed sections, snapshots.
//!
//! What is emitted follows from the factory alone: no time, no absolute path, no order of a hash table.

mod agents_md;
mod artifact;
pub mod claude_code;
mod compare;
mod comparison;
mod composer;
mod data;
mod eject;
mod entries;
#[cfg(test)]
mod fixture;
mod json;
mod known;
mod phrase;
mod place;
mod prompt;
mod review;
mod rewrite;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod write;

pub use artifact::{Artifacts, Fact, faults, render};
pub use compare::{compare, compare_last, compare_snapshots};
pub use comparison::{Change, Comparison, Conflict, Note, Why};
pub use composer::{Composer, TemplateError};
pub use eject::eject;
pub use known::{Known, Record};
pub use place::text_at;
pub use prompt::{Part, Prompt};
pub use review::{Change as PromptChange, Line, Origin, Review, Tag};
pub use rewrite::rewrite;
pub use write::{WriteError, write};
