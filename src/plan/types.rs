//! What a plan is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Usd;
use crate::{
    boundary::{Boundary, Capability, CommandPattern, Entry, Layer, NamePattern, PathPattern},
    cache::Digest,
    document::Section,
};

/// The locked execution plan. Equal specs make equal plans, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format.
    pub format: u32,
    /// The version of `factory` that wrote it.
    pub compiler: String,
    /// What holds for the whole factory.
    pub factory: Factory,
    /// The client versions that the output was made for, by client.
    pub clients: BTreeMap<String, String>,
    /// What the plan was made from, by path: spec files, prompts, templates.
    pub inputs: BTreeMap<String, Input>,
    /// What build wrote, by path.
    pub outputs: BTreeMap<String, Output>,
    /// The models, by name.
    pub models: BTreeMap<String, Model>,
    /// The MCP servers, by name.
    pub servers: BTreeMap<String, Server>,
    /// What a fresh checkout needs.
    pub workspace: Workspace,
    /// The gates, by name.
    pub gates: BTreeMap<String, Gate>,
    /// The roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// The managed sections of each document, by path, in the order of the spec.
    pub documents: BTreeMap<String, Vec<Section>>,
    /// The tasks, by name.
    pub tasks: BTreeMap<String, Task>,
}

/// What holds for the whole factory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factory {
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The clients that build writes files for.
    pub targets: Vec<String>,
    /// Who turns a sentence into a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<String>,
    /// How agents are started.
    pub driver: Driver,
    /// What a run may use unless a role or step says otherwise.
    pub stop: Stop,
    /// The most steps that run at the same time.
    pub jobs: u32,
    /// Whom to tell, and of what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
}

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
    /// The shell command; it finds the facts in FACTORY_EVENT, FACTORY_TASK, FACTORY_SUMMARY.
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

/// One text that the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// One thing that build wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Output {
    /// A whole file.
    File {
        /// The digest of its bytes.
        sha256: Digest,
    },
    /// Entries of ours in a JSON file that is someone else's.
    Entries {
        /// The digest of the entries' canonical text.
        sha256: Digest,
        /// The entries, so that they are known again: JSON pointer to canonical value.
        entries: BTreeMap<String, serde_json::Value>,
    },
    /// Managed sections in a document that is someone else's, by section title.
    Sections {
        /// The titles, in document order.
        titles: Vec<String>,
    },
}

/// A model and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The full id that the client is given.
    pub id: String,
    /// Dollars for a million tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
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
pub struct Server {
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

/// A check that stands between work and the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What people call it.
    pub title: String,
    /// What it does.
    pub kind: GateKind,
    /// What its verdict depends on; without it, every file that git does not ignore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Entry<PathPattern>>>,
    /// The variables that are visible to it, and part of its key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<NamePattern>,
    /// Shell commands whose output is part of the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Files that are taken from the step's base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<Entry<PathPattern>>,
    /// On what else the verdict depends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
    /// How long it may take, in seconds.
    pub timeout: u64,
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

/// Who an agent is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// What people call it.
    pub title: String,
    /// When to ask it.
    pub description: String,
    /// The name of its model.
    pub model: String,
    /// The path of the accepted prompt.
    pub snapshot: String,
    /// The digest of the prompt's text: `exec` runs these bytes.
    pub prompt: Digest,
    /// What it may do.
    pub boundary: Boundary,
    /// Which layer holds each capability, on any platform.
    pub held: BTreeMap<Capability, Layer>,
    /// The gates that judge its work, by name.
    pub gates: Vec<String>,
    /// The client's tools that it is offered.
    pub tools: Vec<String>,
    /// The file that it keeps between runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What it may use.
    pub stop: Stop,
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

/// A sentence turned into steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What is wanted.
    pub goal: String,
    /// How one sees that it is there.
    pub accept: Vec<Accept>,
    /// The steps, in an order in which none stands before one that it comes after.
    pub steps: Vec<Step>,
}

/// An acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The criterion, in words.
    pub text: String,
    /// What proves it.
    pub proof: Proof,
}

/// What proves an acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A shell command that exits 0 on the tree that lands.
    Command {
        /// The command line.
        run: String,
    },
    /// The passing verdict of a role.
    Verdict {
        /// The role.
        role: String,
    },
    /// Nothing proves it; the report says so.
    Nobody,
}

/// One piece of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name within the task.
    pub name: String,
    /// The steps that must be accepted before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Whether it starts only when everything that lands has landed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_land: bool,
    /// Whose approval it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// What happens in it.
    pub kind: StepKind,
}

/// What happens in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StepKind {
    /// An agent works.
    Agent(Box<Agent>),
    /// A command runs, and no model is involved.
    Effect(Effect),
}

/// The work of one role in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Who works.
    pub role: String,
    /// What comes out.
    pub yields: Yields,
    /// The step that repairs what a failing verdict names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_back: Option<String>,
    /// What the agent is asked, compiled from the task.
    pub brief: String,
    /// What the role may write in this step; without it, all that the role may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_write: Option<Vec<Entry<PathPattern>>>,
    /// What the role may run in this step; without it, all that the role may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_run: Option<Vec<Entry<CommandPattern>>>,
    /// What this step may use.
    pub stop: Stop,
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

impl Plan {
    /// The format that this version reads and writes.
    pub const FORMAT: u32 = 1;

    /// Returns what `role` may do in the step of `agent`.
    pub fn boundary_in(role: &Role, agent: &Agent) -> Boundary {
        let mut boundary = role.boundary.clone();
        boundary.write.only.clone_from(&agent.only_write);
        boundary.run.only.clone_from(&agent.only_run);
        boundary
    }
}
