//! The kinds of things that a boundary speaks of, and what keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CommandPattern, Grant, NamePattern, PathPattern};

/// A kind of thing that a boundary speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Looking at files.
    Read,
    /// Changing files.
    Write,
    /// Running commands.
    Run,
    /// Speaking to hosts.
    Reach,
    /// Using servers and tools.
    Use,
    /// Seeing variables.
    Env,
    /// Handing work on.
    Delegate,
}

impl Capability {
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Run,
        Self::Reach,
        Self::Use,
        Self::Env,
        Self::Delegate,
    ];

    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Run => "run",
            Self::Reach => "reach",
            Self::Use => "use",
            Self::Env => "env",
            Self::Delegate => "delegate",
        }
    }

    /// Returns the capability of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.word() == word)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What keeps a boundary, ordered by what it achieves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Words that a model may ignore.
    Advised,
    /// A hook refuses the call.
    Guarded,
    /// The audit keeps it from landing.
    Rejected,
    /// The kernel, a missing tool, or a missing credential.
    Prevented,
}

impl Layer {
    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advised => "advised",
            Self::Guarded => "guarded",
            Self::Rejected => "rejected",
            Self::Prevented => "prevented",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a role may do, of every kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// Reading inside the project is allowed unless a `never` takes it away; `may` has no meaning.
    #[serde(default)]
    pub read: Grant<PathPattern>,
    /// Files that it may create, change, or delete.
    #[serde(default)]
    pub write: Grant<PathPattern>,
    /// Commands that it may run.
    #[serde(default)]
    pub run: Grant<CommandPattern>,
    /// Hosts that it may speak to.
    #[serde(default)]
    pub reach: Grant<NamePattern>,
    /// Servers and tools that it may use.
    #[serde(default, rename = "use")]
    pub uses: Grant<NamePattern>,
    /// Variables of the owner's environment that it is given.
    #[serde(default)]
    pub env: Grant<NamePattern>,
    /// Roles that it may hand work to, in interactive sessions.
    #[serde(default)]
    pub delegate: Grant<NamePattern>,
}
