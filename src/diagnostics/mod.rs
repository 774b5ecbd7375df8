//! Sources, spans, findings, and one renderer per format. A leaf.
//!
//! All sources of one run share one space of byte offsets, in the order in which they were loaded, so
//! a [`Span`] names its file by itself, one diagnostic may label places in several files, and the
//! order of spans is the order of findings.

mod edit;
mod finding;
mod github;
mod hidden;
mod json;
mod render;
mod sarif;
mod source;

pub use edit::{Edit, edited};
pub use finding::{Finding, Findings, Label, Level, Lint};
pub use hidden::{hidden_name, in_the_open, shows_nothing};
pub use json::json_with;
pub use render::{Format, render};
pub use source::{Place, Source, Sources, Span, Spanned};
