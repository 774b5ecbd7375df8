//! Plain values of a factory, as the model has them and the lock writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Usd;
use crate::boundary::{Entry, PathPattern};

/// How agents are started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// Which program speaks with the model.
    pub kind: DriverKind,
    /// The program and its arguments: for `command` what is started, for `claude-code` the client
    /// where it is not `claude` on the PATH.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The folder of recorded answers, for `replay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings: Option<String>,
    /// Variables of the owner's environment that the agent's process is given: credentials of the
    /// client itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// The drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriverKind {
    /// The headless client.
    ClaudeCode,
    /// Any program: the brief on standard input.
    Command,
    /// Recorded answers.
    Replay,
}

/// What the hook does with what a role may not do, where a person's client runs the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardMode {
    /// It lets it pass, and takes it down.
    Observe,
    /// It refuses it.
    #[default]
    Enforce,
}

impl GuardMode {
    /// Returns the mode that `word` names in a spec.
    pub fn from_word(word: &str) -> Self {
        match word {
            "observe" => Self::Observe,
            _ => Self::Enforce,
        }
    }

    /// Returns whether it is [`Self::Enforce`].
    pub fn is_enforce(&self) -> bool {
        *self == Self::Enforce
    }
}

/// What a step may use before it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// How often an agent may try.
    pub attempts: u32,
    /// What all attempts may cost together.
    pub usd: Usd,
    /// How long one attempt may take, in seconds.
    pub wall: u64,
}

/// A command that is run when something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Of what it tells.
    pub on: Vec<Notice>,
    /// The shell command; it finds the facts in `FACTORY_EVENT`, `FACTORY_TASK`, `FACTORY_SUMMARY`.
    pub run: String,
}

/// What a person may want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A task has landed.
    Finished,
    /// A task has stopped without landing.
    Failed,
    /// A task waits for an approval.
    Waiting,
}

/// Dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens that are read.
    pub input: Usd,
    /// Tokens that are written.
    pub output: Usd,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Usd>,
    /// Tokens written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Usd>,
}

/// An MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerCommand {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables of the owner's environment that it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// What a fresh checkout needs before anyone can work in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// Shell commands, run in this order in the root of the checkout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// Git-ignored paths that tools may write; they never land and are no gate inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scratch: Vec<Entry<PathPattern>>,
    /// Git-ignored files that are copied from the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy: Vec<Copy>,
    /// Variables that are set; `{step}` in a value stands for the step's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

/// A git-ignored file that a checkout needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Its path.
    pub path: String,
    /// Who gets it.
    #[serde(rename = "for")]
    pub for_whom: CopyFor,
}

/// Who gets a copied file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyFor {
    /// Only the checkout in which gates run.
    Gates,
    /// The agent's checkout too.
    Agents,
}

/// Something beside files that a verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Its name, for people.
    pub name: String,
    /// A shell command whose output stands for its state; without one, no result is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a gate does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GateKind {
    /// Runs a shell command; exit 0 is a pass.
    Run {
        /// The command line.
        command: String,
    },
    /// Paths and links named in Markdown exist; added files are mentioned.
    Consistency {
        /// The Markdown files whose links and paths are looked up.
        links: Vec<Entry<PathPattern>>,
        /// Which added files must be mentioned where.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<Mention>,
    },
    /// Managed sections are fresh; a change of `covers` comes with one of `by`.
    Docs {
        /// The files that are documented.
        covers: Vec<Entry<PathPattern>>,
        /// The files that document them.
        by: Vec<Entry<PathPattern>>,
    },
    /// The change can be taken back.
    Rollback {
        /// A shell command that undoes what a revert of files does not; runs in the changed tree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<String>,
        /// The gates that must pass on the reverted tree.
        passes: Vec<String>,
    },
}

/// Added files of a set are to be mentioned somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// Which files.
    pub files: Vec<Entry<PathPattern>>,
    /// The path of the file that is to name them.
    pub within: String,
}

/// The file that a role keeps between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Its path.
    pub path: String,
    /// How many bytes of it are put into a prompt.
    pub limit: u64,
}

/// What comes out of an agent's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Yields {
    /// A commit.
    Commit,
    /// Pass or fail, with reasons.
    Verdict,
    /// A file that is kept with the run.
    Report,
}

/// A command that runs after a task has landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The shell command.
    pub run: String,
    /// Variables of the owner's environment that it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}
