//! What no role may write, whatever its boundary says.

use std::collections::BTreeSet;

use super::{Output, Plan};
use crate::boundary::{PathPattern, Pattern as _, PatternError};

/// Why a path is kept from every role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The plan was made from it: a spec file, a prompt, a template.
    Input,
    /// `build` writes it, or entries in it.
    Output,
    /// `build` writes managed sections of it; the rest is anyone's.
    Sections,
    /// An accepted prompt.
    Snapshot,
    /// The lock.
    Lock,
    /// What git keeps about the repository.
    Repository,
    /// What steers the client.
    Client,
}

impl Reserved {
    /// Returns whether it is part of the factory, and not of the repository or the client as such.
    pub const fn is_of_the_factory(self) -> bool {
        match self {
            Self::Input | Self::Output | Self::Sections | Self::Snapshot | Self::Lock => true,
            Self::Repository | Self::Client => false,
        }
    }

    /// Returns the reason in words that follow the path.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Input => "the plan is made from it",
            Self::Output => "`factory build` writes it",
            Self::Sections => "`factory build` writes sections of it",
            Self::Snapshot => "it holds an accepted prompt",
            Self::Lock => "it is the lock",
            Self::Repository => "it belongs to the repository itself",
            Self::Client => "it steers the client",
        }
    }
}

/// A pattern of paths that no role may write.
#[derive(Debug, Clone)]
pub struct Reservation {
    /// Which paths.
    pub pattern: PathPattern,
    /// Why.
    pub reserved: Reserved,
}

impl Plan {
    /// The path of the lock.
    pub const LOCK: &'static str = "factory.lock";

    /// Returns what no role may write, whatever its boundary says. Each pattern counts as a `never`
    /// does: whatever the case and the Unicode normalisation.
    ///
    /// # Errors
    ///
    /// Where a path of the plan can't be one of a project.
    pub fn reservations(&self) -> Result<Vec<Reservation>, PatternError> {
        let mut found = Vec::new();
        let mut reserve = |pattern: &str, reserved| {
            found.push(Reservation {
                pattern: pattern.parse()?,
                reserved,
            });
            Ok::<(), PatternError>(())
        };
        for pattern in ["**/.git", "**/.git/**"] {
            reserve(pattern, Reserved::Repository)?;
        }
        reserve(Self::LOCK, Reserved::Lock)?;
        let snapshots: BTreeSet<_> = self.roles.values().map(|role| &role.snapshot).collect();
        for path in &snapshots {
            reserve(&escaped(path), Reserved::Snapshot)?;
        }
        for folder in snapshots
            .iter()
            .filter_map(|path| Some(path.rsplit_once('/')?.0))
            .collect::<BTreeSet<_>>()
        {
            reserve(&format!("{}/*.snap*", escaped(folder)), Reserved::Snapshot)?;
        }
        for path in self.inputs.keys() {
            reserve(&escaped(path), Reserved::Input)?;
        }
        for (path, output) in &self.outputs {
            let reserved = match output {
                Output::File { .. } | Output::Entries { .. } => Reserved::Output,
                Output::Sections { .. } => Reserved::Sections,
            };
            reserve(&escaped(path), reserved)?;
        }
        for pattern in ["**/.claude", "**/.claude/**"] {
            reserve(pattern, Reserved::Client)?;
        }
        Ok(found)
    }

    /// Returns why no role may write `path`, if none may.
    ///
    /// # Errors
    ///
    /// Where a path of the plan can't be one of a project.
    pub fn reserved(&self, path: &str) -> Result<Option<Reserved>, PatternError> {
        let found = self.reservations()?;
        let taken = found
            .iter()
            .find(|reservation| reservation.pattern.takes(path));
        Ok(taken.map(|reservation| reservation.reserved))
    }
}

// The path as a pattern that names it and nothing else.
fn escaped(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            pattern.extend(['[', c, ']']);
        } else {
            pattern.push(c);
        }
    }
    pattern
}
