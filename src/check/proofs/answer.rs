//! How a statement of a rule stands for a role.

use crate::{
    boundary::{Capability, CommandPattern, Layer},
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

// Programs that do what their words say; their options that run others are left out of the standard
// sets, and what they write is judged by `write`.
const KNOWN: &[&str] = &[
    "base64",
    "basename",
    "cat",
    "chmod",
    "cksum",
    "cmp",
    "column",
    "comm",
    "command",
    "cp",
    "cut",
    "date",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "expr",
    "false",
    "fgrep",
    "file",
    "find",
    "fold",
    "git",
    "grep",
    "head",
    "hexdump",
    "id",
    "install",
    "join",
    "jq",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mv",
    "nl",
    "nproc",
    "od",
    "paste",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rev",
    "rg",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "shasum",
    "sleep",
    "sort",
    "stat",
    "strings",
    "tac",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "tree",
    "true",
    "truncate",
    "type",
    "uname",
    "uniq",
    "unlink",
    "wc",
    "which",
    "whoami",
];

fn is_known(pattern: &CommandPattern) -> bool {
    let words = pattern.literal_words();
    words
        .first()
        .is_some_and(|program| KNOWN.contains(&program.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::{standard, standard_names};

    #[test]
    fn every_standard_command_is_known() {
        for name in standard_names() {
            for entry in standard(name).unwrap().entries() {
                assert!(is_known(&entry.pattern), "{name}: {}", entry.pattern);
            }
        }
        assert!(!is_known(&"bin/rails test *".parse().unwrap()));
        assert!(!is_known(&"*".parse().unwrap()));
    }
}
