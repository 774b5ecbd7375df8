//! The long stories behind the codes, for `factory explain`.

use super::{lints, proofs};

/// The short stories of findings that are neither of a lint nor of a proof: each a heading with its code.
const CODES: &str = include_str!("codes.md");

/// Returns the story of that code: why, the fault, the cure; that of a lint or proof with a spec that has it
/// and one that has not.
pub fn explain(code: &str) -> Option<&'static str> {
    let mut stories = stories().chain(short_stories());
    stories
        .find(|(known, _)| *known == code)
        .map(|(_, story)| story)
}

/// Returns all codes of lints and proofs, with their stories; in order.
pub fn stories() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lints = lints::all().map(|lint| (lint.code, lint.story));
    lints.chain(proofs::STORIES.iter().copied())
}

/// Returns all other codes that a finding or an error can have, with their stories; in order.
pub fn short_stories() -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = CODES
        .split("## ")
        .filter(|part| part.starts_with("factory::"));
    parts.filter_map(|part| {
        let (code, story) = part.split_once('\n')?;
        Some((code, story.trim_end_matches('\n')))
    })
}
