//! What no role may write, whatever grants it: one table, each pattern with the reason for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::boundary::{Entry, PathPattern};

/// Why a path is kept from every role. Of several reasons for one path the first here is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reserved {
    /// What git keeps about the repository.
    Repository,
    /// The lock.
    Lock,
    /// A lock elsewhere in the project.
    OtherLock,
    /// An accepted prompt.
    Snapshot,
    /// The plan was made from it: a spec file, a prompt, a template.
    Input,
    /// `build` writes it, or entries in it.
    Output,
    /// `build` writes managed sections of it; the rest is anyone's.
    Sections,
    /// What steers the client.
    Client,
}

impl Reserved {
    /// Returns whether it is part of the factory, and not of the repository or the client as such.
    pub const fn is_of_the_factory(self) -> bool {
        match self {
            Self::Lock | Self::Snapshot | Self::Input | Self::Output | Self::Sections => true,
            Self::Repository | Self::OtherLock | Self::Client => false,
        }
    }

    /// Returns the reason in words that follow the path.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Repository => "it belongs to the repository itself",
            Self::Lock => "it is the lock",
            Self::OtherLock => "a session that starts beside it would be judged by it",
            Self::Snapshot => "it holds an accepted prompt",
            Self::Input => "the plan is made from it",
            Self::Output => "`factory build` writes it",
            Self::Sections => "`factory build` writes sections of it",
            Self::Client => "it steers the client",
        }
    }
}

// What is kept from every role in every project.
const FIXED: &[(Reserved, &[&str])] = &[
    (Reserved::Repository, &["**/.git", "**/.git/**"]),
    (Reserved::Lock, &["factory.lock"]),
    (Reserved::OtherLock, &["**/factory.lock"]),
    (Reserved::Snapshot, &["snapshots", "snapshots/**"]),
    (Reserved::Input, &["templates", "templates/**"]),
    (
        Reserved::Client,
        &[
            "**/.claude",
            "**/.claude/**",
            "**/.mcp.json",
            "**/CLAUDE.local.md",
        ],
    ),
];

/// Patterns of what no role may write, by the reason. Each counts as a `never` does: whatever the case
/// and the Unicode normalisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protected(BTreeMap<Reserved, BTreeSet<PathPattern>>);

impl Protected {
    /// Returns what is kept from every role in every project.
    pub fn fixed() -> Self {
        let mut protected = Self::default();
        for (reserved, patterns) in FIXED {
            // A test holds that each is a pattern.
            for pattern in patterns.iter().filter_map(|text| text.parse().ok()) {
                protected.add(*reserved, pattern);
            }
        }
        protected
    }

    /// Keeps from every role what `pattern` names.
    pub fn add(&mut self, reserved: Reserved, pattern: PathPattern) {
        self.0.entry(reserved).or_default().insert(pattern);
    }

    /// Returns every pattern with its reason, in the order in which reasons are told.
    pub fn iter(&self) -> impl Iterator<Item = (Reserved, &PathPattern)> {
        self.0.iter().flat_map(|(reserved, patterns)| {
            let reserved = *reserved;
            patterns.iter().map(move |pattern| (reserved, pattern))
        })
    }

    /// Returns the patterns as entries of a `never`.
    pub fn entries(&self) -> Vec<Entry<PathPattern>> {
        let mut patterns: Vec<_> = self.iter().map(|(_, pattern)| pattern.clone()).collect();
        patterns.sort();
        patterns.dedup();
        patterns.into_iter().map(Entry::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::Pattern as _;

    #[test]
    fn every_fixed_pattern_is_one_and_has_a_reason() {
        let all: usize = FIXED.iter().map(|(_, patterns)| patterns.len()).sum();
        let fixed = Protected::fixed();
        assert_eq!(fixed.iter().count(), all);
        let why = |path: &str| {
            let mut all = fixed.iter();
            all.find(|(_, pattern)| pattern.takes(path))
                .map(|(reserved, _)| reserved)
        };
        for (path, then) in [
            ("factory.lock", Some(Reserved::Lock)),
            ("app/Factory.lock", Some(Reserved::OtherLock)),
            ("app/.claude/settings.json", Some(Reserved::Client)),
            (".claude", Some(Reserved::Client)),
            ("app/.mcp.json", Some(Reserved::Client)),
            ("sub/.git/config", Some(Reserved::Repository)),
            ("snapshots", Some(Reserved::Snapshot)),
            ("templates/sections/x.md.hbs", Some(Reserved::Input)),
            ("app/templates/x", None),
            ("app/a.rb", None),
        ] {
            assert_eq!(why(path), then, "{path}");
        }
    }

    #[test]
    fn the_lock_has_the_table_by_reason() {
        let mut protected = Protected::default();
        protected.add(Reserved::Input, "roles/b.md".parse().unwrap());
        protected.add(Reserved::Input, "factory.kdl".parse().unwrap());
        protected.add(Reserved::OtherLock, "**/factory.lock".parse().unwrap());
        let text = serde_json::to_string(&protected).unwrap();
        assert_eq!(
            text,
            r#"{"other-lock":["**/factory.lock"],"input":["factory.kdl","roles/b.md"]}"#
        );
        assert_eq!(serde_json::from_str::<Protected>(&text).unwrap(), protected);
    }
}
