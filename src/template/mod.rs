//! Handlebars, strictly: an unknown variable, helper, or partial is a fault with its place in the
//! template, never an empty text. Nothing is escaped: what is rendered is Markdown for a model.
//!
//! A template of the project stands in for the shipped one of the same name. Only what is rendered is
//! compiled, but a template that a project changed is compiled at once, so that its faults show.
//! A leaf: nothing here knows what the texts are for, or reads a file.

mod engine;
mod fault;
mod memory;
mod scan;
mod shipped;

pub use engine::{Data, Engine};
pub use fault::TemplateFault;
pub use memory::{MEMORY, with_memory};
pub use shipped::{shipped, shipped_names};
