//! What a plan is made of.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    boundary::{
        Boundary, Capability, CommandPattern, Entry, Layer, NamePattern, PathPattern, Platform,
    },
    cache::Digest,
    document::{Section, digest_of_text},
    model::{
        Driver, Effect, External, GateKind, GuardMode, Memory, Notify, Price, Protected,
        ServerCommand, Stop, Workspace, Yields,
    },
};

/// The locked execution plan. Equal specs make equal plans, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
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
    pub servers: BTreeMap<String, ServerCommand>,
    /// What a fresh checkout needs.
    pub workspace: Workspace,
    /// The gates, by name.
    pub gates: BTreeMap<String, Gate>,
    /// The standard sets that the text of a lock names, so that it means the same to every compiler. In
    /// memory their members stand where they are named, and this is empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sets: BTreeMap<String, Vec<Entry<CommandPattern>>>,
    /// What no role may write, whatever grants it, by the reason. Every role's boundary has it behind its
    /// own nevers.
    pub protected: Protected,
    /// The roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// The managed sections of each document, by path, in the order of the spec.
    pub documents: BTreeMap<String, Vec<Section>>,
    /// The tasks, by name.
    pub tasks: BTreeMap<String, Task>,
    /// The inputs that are the text of one role's prompt and nothing else. The text of a lock knows them
    /// by their seals.
    #[serde(skip)]
    pub(super) prompts: BTreeSet<String>,
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

/// One text that the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The digest of its text, whatever the line ends.
    pub sha256: Digest,
}

impl Input {
    /// Returns the input whose text is `text`.
    pub fn of(text: &str) -> Self {
        Self {
            sha256: digest_of_text(text),
        }
    }
}

/// One thing that build wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Output {
    /// A whole file.
    File {
        /// The digest of its text, whatever the line ends.
        sha256: Digest,
    },
    /// Entries of ours in a JSON file that is someone else's.
    Entries {
        /// The digest of the entries' canonical text.
        sha256: Digest,
        /// The entries, so that they are known again: JSON pointer to canonical value.
        entries: BTreeMap<String, serde_json::Value>,
        /// What stood there before the first build, if it held nothing, or nothing where ours belongs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
    },
    /// Managed sections in a document that is someone else's, by section title.
    Sections {
        /// The titles, in document order.
        titles: Vec<String>,
        /// What stood there before the first build, if it held nothing, or nothing where ours belongs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<String>,
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
    /// What it makes: kept with its pass, and put back when that is replayed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Entry<PathPattern>>,
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
    /// Which layer holds each capability.
    pub held: Held,
    /// The gates that judge its work, by name.
    pub gates: Vec<String>,
    /// The client's tools that it is offered.
    pub tools: Vec<String>,
    /// What the client calls it, where that is not its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether its prompt is its owner's text alone, without its boundary and gates in words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verbatim: bool,
    /// What the hook does where a person's client runs it.
    #[serde(default, skip_serializing_if = "GuardMode::is_enforce")]
    pub guard: GuardMode,
    /// The file that it keeps between runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What it may use.
    pub stop: Stop,
}

/// Which layer holds each capability of a role, wherever it is at work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Held {
    /// In `exec`, by platform.
    pub exec: BTreeMap<Platform, BTreeMap<Capability, Layer>>,
    /// Where a person's client runs it, by the target that this client reads.
    pub interactive: BTreeMap<String, BTreeMap<Capability, Layer>>,
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

impl Plan {
    /// The format that this version reads and writes.
    pub const FORMAT: u32 = 2;

    /// Returns what `role` may do in the step of `agent`.
    pub fn boundary_in(role: &Role, agent: &Agent) -> Boundary {
        let mut boundary = role.boundary.clone();
        boundary.write.only.clone_from(&agent.only_write);
        boundary.run.only.clone_from(&agent.only_run);
        boundary
    }
}
