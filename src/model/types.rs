//! What a resolved factory is made of.

use super::{
    Bounds, Driver, Effect, External, GateKind, GuardMode, Memory, Notify, Price, Protected,
    ServerCommand, Stop, Workspace, Yields,
};
use crate::{
    boundary::{Capability, CommandPattern, Entry, Layer, NamePattern, PathPattern},
    client::{ToolKind, front::Head},
    diagnostics::{Level, Span, Spanned},
    spec::{MissingFile, Text},
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);
    )*};
}

ids! {
    /// A role of [`Model::roles`].
    RoleId
    /// A gate of [`Model::gates`].
    GateId
    /// A model of [`Model::models`].
    ModelId
    /// A server of [`Model::servers`].
    ServerId
    /// A step of its task.
    StepId
}

/// The resolved factory.
#[derive(Debug, Clone)]
pub struct Model {
    /// The sets and profiles that nothing names, each with what it is.
    pub unused: Vec<(&'static str, Text)>,
    /// Its name.
    pub name: Text,
    /// What it is.
    pub description: Option<String>,
    /// The rules for everyone.
    pub preamble: Option<Text>,
    /// Who turns a sentence into a task.
    pub planner: Option<Spanned<RoleId>>,
    /// The clients that build writes files for.
    pub targets: Vec<Text>,
    /// How agents are started.
    pub driver: Driver,
    /// What a run may use unless a role or step says otherwise.
    pub stop: Stop,
    /// The most steps at the same time.
    pub jobs: u32,
    /// Whom to tell.
    pub notify: Vec<Notify>,
    /// The models that roles run on.
    pub models: Vec<LanguageModel>,
    /// The MCP servers.
    pub servers: Vec<Server>,
    /// The named sets.
    pub sets: Vec<Set>,
    /// What a checkout needs.
    pub workspace: Workspace,
    /// The gates.
    pub gates: Vec<Gate>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The documents with managed sections.
    pub documents: Vec<Document>,
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where what every role is given, and what is taken from every role, is written.
    pub everyone: Vec<Span>,
    /// What no role may write, whatever grants it: it stands behind every role's own nevers.
    pub protected: Protected,
    /// The paths of the spec files, the file that is checked first.
    pub spec_files: Vec<String>,
    /// The paths of the project's templates.
    pub templates: Vec<String>,
    /// The paths of the memories that are there: they are read, and are no inputs.
    pub memories: Vec<String>,
    /// The files that prompts send their readers to and that are not there.
    pub missing: Vec<MissingFile>,
    /// The levels that the factory sets for lints.
    pub lints: Vec<LintLevel>,
    /// The least layers that the factory asks for.
    pub hold: Vec<Hold>,
}

/// A layer that must hold a capability at least.
#[derive(Debug, Clone)]
pub struct Hold {
    /// The capability.
    pub capability: Capability,
    /// The layer.
    pub layer: Spanned<Layer>,
    /// The platform of `exec` that it is asked for; all without one.
    pub platform: Option<Text>,
    /// Where it is asked for; everywhere without one.
    pub place: Option<HoldPlace>,
}

/// Where a layer must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldPlace {
    /// In `exec`.
    Exec,
    /// Where a person's client runs the role.
    Interactive,
}

/// A level that is set for a lint.
#[derive(Debug, Clone)]
pub struct LintLevel {
    /// The code of the lint.
    pub code: Text,
    /// The level.
    pub level: Spanned<Level>,
}

/// A model that roles run on.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    /// Its name in the spec.
    pub name: Text,
    /// The full id.
    pub id: Text,
    /// Dollars for a million tokens.
    pub price: Option<Price>,
}

/// An MCP server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name.
    pub name: Text,
    /// Whether the entry in the client's file is the project's own.
    pub keep: bool,
    /// How it is started.
    pub start: ServerCommand,
}

/// A named set with its examples.
#[derive(Debug, Clone)]
pub struct Set {
    /// Its name.
    pub name: Text,
    /// Its members.
    pub members: SetMembers,
    /// Examples of what is in it.
    pub has: Vec<Text>,
    /// Examples of what is not.
    pub lacks: Vec<Text>,
}

/// The members of a set, those of the sets it names among them.
#[derive(Debug, Clone)]
pub enum SetMembers {
    /// Paths, each with where it is written.
    Paths(Vec<Spanned<Entry<PathPattern>>>),
    /// Commands, each with where it is written.
    Commands(Vec<Spanned<Entry<CommandPattern>>>),
}

/// A gate.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Its name.
    pub name: Text,
    /// What people call it.
    pub title: String,
    /// What it does.
    pub kind: GateKind,
    /// The gates that a `rollback` needs.
    pub passes: Vec<Spanned<GateId>>,
    /// What its verdict depends on.
    pub inputs: Option<Vec<Entry<PathPattern>>>,
    /// What it makes, to be kept with its pass.
    pub outputs: Vec<Entry<PathPattern>>,
    /// The variables visible to it.
    pub env: Vec<NamePattern>,
    /// Commands whose output is part of the key.
    pub tools: Vec<String>,
    /// What is taken from the step's base, each with where it is written.
    pub sealed: Vec<Spanned<Entry<PathPattern>>>,
    /// On what else the verdict depends.
    pub external: Option<External>,
    /// Seconds.
    pub timeout: u64,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub name: Text,
    /// The whole node.
    pub span: Span,
    /// What people call it.
    pub title: String,
    /// When to ask it.
    pub description: Option<Text>,
    /// Its model.
    pub model: Spanned<ModelId>,
    /// The path of its own text.
    pub prompt: Text,
    /// Whether that is the whole prompt, byte for byte.
    pub verbatim: bool,
    /// The client's file that it was adopted from.
    pub agent: Option<AgentFile>,
    /// What the hook does where a person's client runs it.
    pub guard: GuardMode,
    /// What it may do, and where each entry was written.
    pub bounds: Bounds,
    /// The gates that judge its work, each once.
    pub gates: Vec<Spanned<GateId>>,
    /// The file that it keeps.
    pub memory: Option<Memory>,
    /// Where that is written.
    pub memory_span: Option<Span>,
    /// What it may use.
    pub stop: Stop,
    /// Where the dollars of `stop` are written, unless they are the default.
    pub budget: Option<Span>,
    /// What it must be able to do.
    pub can: Vec<Example>,
    /// What it must not be able to do.
    pub cannot: Vec<Example>,
    /// The least layers it asks for.
    pub hold: Vec<Hold>,
    /// The levels that it sets for lints.
    pub lints: Vec<LintLevel>,
}

/// The client's file that a role was adopted from.
#[derive(Debug, Clone)]
pub struct AgentFile {
    /// Its path.
    pub path: Text,
    /// What the client calls the agent.
    pub name: String,
    /// Its front matter, the role's own values put in.
    pub head: Head,
    /// What its `tools` names.
    pub tools: Vec<Text>,
    /// What its `disallowed-tools` names.
    pub disallowed: Vec<Text>,
}

/// One example beside a boundary.
#[derive(Debug, Clone)]
pub struct Example {
    /// Of what it speaks.
    pub capability: Capability,
    /// The thing itself.
    pub thing: Text,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its title.
    pub title: Text,
    /// Why it exists.
    pub because: Option<String>,
    /// What roles cannot do.
    pub cannot: Vec<Cannot>,
    /// What no one role can do together.
    pub cannot_both: Vec<CannotBoth>,
    /// Which gates a role must have.
    pub require: Vec<Require>,
    /// Which granted commands keep to it although nothing looks into them.
    pub trust: Vec<Trust>,
}

/// A command into which nothing looks, and which somebody answers for.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Where it is stated: the pattern, or the `@set` that brought it.
    pub span: Span,
    /// The command.
    pub entry: Entry<CommandPattern>,
    /// Who or what answers for it.
    pub because: String,
}

/// What roles cannot do.
#[derive(Debug, Clone)]
pub struct Cannot {
    /// Where it is stated.
    pub span: Span,
    /// Which roles; every role where it names none.
    pub roles: Vec<RoleId>,
    /// Whether delegation is left aside.
    pub direct_only: bool,
    /// What, as grants.
    pub what: Bounds,
}

/// What no one role can do together.
#[derive(Debug, Clone)]
pub struct CannotBoth {
    /// Where it is stated.
    pub span: Span,
    /// Whether delegation is left aside.
    pub direct_only: bool,
    /// What, as grants of at least two capabilities.
    pub what: Bounds,
}

/// Which gates a role must have.
#[derive(Debug, Clone)]
pub struct Require {
    /// Where it is stated.
    pub span: Span,
    /// The gates.
    pub gates: Vec<Spanned<GateId>>,
    /// Of which roles it speaks: those that can do one of these; without it, all.
    pub when: Option<Bounds>,
}

/// A document with managed sections.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its path.
    pub path: Text,
    /// The sections, in the order of the spec.
    pub sections: Vec<Section>,
}

/// A managed section.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its heading.
    pub title: Text,
    /// Where its text comes from.
    pub from: SectionFrom,
}

/// Where a section's text comes from.
#[derive(Debug, Clone)]
pub enum SectionFrom {
    /// A file of the project.
    File(Text),
    /// A template, by its name below `templates/`.
    Template(Text),
    /// A list of files.
    Files {
        /// Which files.
        patterns: Vec<Entry<PathPattern>>,
        /// The most entries.
        max: usize,
    },
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name.
    pub name: Text,
    /// What is wanted.
    pub goal: String,
    /// How one sees that it is there.
    pub accept: Vec<Accept>,
    /// The steps, none before one that it comes after.
    pub steps: Vec<Step>,
}

/// An acceptance criterion.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The criterion.
    pub text: Text,
    /// What proves it.
    pub proof: AcceptProof,
}

/// What proves a criterion.
#[derive(Debug, Clone)]
pub enum AcceptProof {
    /// A command.
    Run(Text),
    /// A role's verdict.
    By(Spanned<RoleId>),
    /// Nothing.
    Nobody,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name.
    pub name: Text,
    /// What must be accepted before; all of them stand before it in the task.
    pub after: Vec<Spanned<StepId>>,
    /// Whether it starts when the task has landed.
    pub after_land: bool,
    /// Who must approve.
    pub approval: Option<String>,
    /// What happens in it.
    pub work: Work,
}

/// What happens in a step.
#[derive(Debug, Clone)]
pub enum Work {
    /// An agent works.
    Agent {
        /// Who.
        role: Spanned<RoleId>,
        /// What comes out.
        yields: Yields,
        /// Who repairs.
        sends_back: Option<Spanned<StepId>>,
        /// What to do.
        items: Vec<String>,
        /// What to read before.
        read_first: Vec<Text>,
        /// What the step is narrowed to.
        only: Option<Box<Bounds>>,
        /// What it may use.
        stop: Stop,
        /// Where the dollars of that are written in the step itself.
        budget: Option<Span>,
    },
    /// A command runs.
    Effect(Effect),
}

impl Model {
    /// Returns whether what is written at `span` is given to every role, or taken from every role.
    pub fn is_everyones(&self, span: Span) -> bool {
        self.everyone.contains(&span)
    }

    /// Returns the role of `id`. Ids are made by `resolve` alone, from this list.
    #[expect(clippy::indexing_slicing, reason = "an id is an index into this list")]
    pub fn role(&self, id: RoleId) -> &Role {
        &self.roles[id.0]
    }

    /// Returns the gate of `id`. Ids are made by `resolve` alone, from this list.
    #[expect(clippy::indexing_slicing, reason = "an id is an index into this list")]
    pub fn gate(&self, id: GateId) -> &Gate {
        &self.gates[id.0]
    }

    /// Returns the model of `id`. Ids are made by `resolve` alone, from this list.
    #[expect(clippy::indexing_slicing, reason = "an id is an index into this list")]
    pub fn model(&self, id: ModelId) -> &LanguageModel {
        &self.models[id.0]
    }

    /// Returns every role with its id.
    pub fn roles(&self) -> impl Iterator<Item = (RoleId, &Role)> {
        self.roles
            .iter()
            .enumerate()
            .map(|(index, role)| (RoleId(index), role))
    }

    /// Returns what the client calls the role of `id`.
    pub fn client_name(&self, id: RoleId) -> &str {
        let role = self.role(id);
        let agent = role.agent.as_ref().map(|agent| agent.name.as_str());
        agent.unwrap_or(&role.name.value)
    }

    /// Returns the roles that `role` may hand work to, never itself.
    pub fn delegates(&self, id: RoleId) -> impl Iterator<Item = RoleId> + '_ {
        let grant = &self.role(id).bounds.boundary.delegate;
        self.roles()
            .filter(move |(other, role)| *other != id && grant.permits(&role.name.value))
            .map(|(other, _)| other)
    }

    /// Returns whether any of what tools of this kind do is open to the role `id`; how much of it, the
    /// guard says.
    pub fn offers(&self, id: RoleId, kind: ToolKind) -> bool {
        let boundary = &self.role(id).bounds.boundary;
        let mut reached = boundary.reach.may.iter();
        match kind {
            ToolKind::Harmless | ToolKind::ReadFile | ToolKind::Search | ToolKind::List => true,
            ToolKind::WriteFile => !boundary.write.may.is_empty(),
            ToolKind::Shell => !boundary.run.may.is_empty(),
            ToolKind::Fetch => reached.next().is_some(),
            // A search shows pages of any host.
            ToolKind::SearchWeb => reached.any(|entry| entry.pattern.as_str() == "*"),
            ToolKind::Delegate => self.delegates(id).next().is_some(),
            ToolKind::Server => !boundary.uses.may.is_empty(),
        }
    }
}
