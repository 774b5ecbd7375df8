//! How a statement of a rule stands for a role.

use std::{collections::BTreeSet, sync::OnceLock};

use crate::{
    boundary::{Capability, CommandPattern, Layer, StandardSet, standard, standard_names},
    check::held,
    diagnostics::Span,
    model::{Model, Role, RoleId},
};

/// How one statement of a rule stands for one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The index of the rule in the model.
    pub rule: usize,
    /// Where the statement is made.
    pub span: Span,
    /// The role that it speaks of.
    pub role: RoleId,
    /// How it stands.
    pub answer: Answer,
}

/// How a statement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The grants alone show it.
    Proven,
    /// The grants show it of what is asked for, and a layer holds what an allowed command might do
    /// besides.
    Held {
        /// The weakest layer that holds a capability of the statement.
        layer: Layer,
        /// The commands whose effects are not known, as written.
        opaque: Vec<String>,
    },
    /// It is not so; a finding says why.
    Broken,
    /// It could not be decided; a finding says so.
    Undecided,
}

/// Returns how a statement stands that the grants of `id` show, when it speaks of `capabilities`.
pub(super) fn shown(
    model: &Model,
    id: RoleId,
    capabilities: impl IntoIterator<Item = Capability>,
) -> Answer {
    let opaque = opaque(model.role(id));
    let held = held::held(model, id);
    let layers = capabilities
        .into_iter()
        .filter_map(|capability| held.get(&capability));
    match layers.map(|held| held.layer).min() {
        Some(layer) if !opaque.is_empty() => Answer::Held { layer, opaque },
        Some(_) | None => Answer::Proven,
    }
}

// The commands of `role` whose effects nobody can tell from their words.
fn opaque(role: &Role) -> Vec<String> {
    let grant = &role.bounds.boundary.run;
    let patterns = grant.may.iter().map(|may| &may.pattern);
    let mut opaque: Vec<_> = patterns
        .filter(|pattern| !is_known(pattern))
        .map(|pattern| pattern.as_str().to_owned())
        .collect();
    opaque.sort();
    opaque.dedup();
    opaque
}

// Programs of the standard sets do what their words say: options that run others are left out there,
// and what they write is judged by `write`.
fn is_known(pattern: &CommandPattern) -> bool {
    static KNOWN: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let sets = standard_names().filter_map(standard);
        let entries = sets.flat_map(StandardSet::entries);
        entries
            .filter_map(|entry| entry.pattern.literal_words().first())
            .map(String::as_str)
            .collect()
    });
    let words = pattern.literal_words();
    words
        .first()
        .is_some_and(|program| known.contains(program.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_of_the_standard_sets_are_known() {
        for (pattern, known) in [
            ("git status", true),
            ("cp a b", true),
            ("bin/rails test *", false),
            ("make", false),
            ("*", false),
        ] {
            assert_eq!(is_known(&pattern.parse().unwrap()), known, "{pattern}");
        }
    }
}
