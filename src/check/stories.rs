//! The long stories behind the codes, for `factory explain`.

use super::{lints, proofs};

/// Returns the story of the lint or proof of that code: why, the fault, the cure, with a spec that
/// has it and one that has not.
pub fn explain(code: &str) -> Option<&'static str> {
    let mut stories = stories();
    stories
        .find(|(known, _)| *known == code)
        .map(|(_, story)| story)
}

/// Returns all codes that have a story, with it; in order.
pub fn stories() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lints = lints::all().map(|lint| (lint.code, lint.story));
    lints.chain(proofs::STORIES.iter().copied())
}
