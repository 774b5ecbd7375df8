//! The typed nodes of a spec. Names are not looked up yet, patterns not parsed.

use crate::{
    boundary::{Capability, Layer},
    client::front::Style,
    diagnostics::{Level, Span, Spanned},
};

/// A text and where it was written.
pub type Text = Spanned<String>;

/// All nodes of all spec files.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// The factory; there is none only when a finding says so.
    pub factory: Option<Factory>,
    /// The models.
    pub models: Vec<Model>,
    /// The sets of paths and of commands.
    pub sets: Vec<Set>,
    /// What every role may and may never do.
    pub grants: Grants,
    /// The MCP servers.
    pub servers: Vec<Server>,
    /// What a checkout needs.
    pub workspace: Workspace,
    /// The gates.
    pub gates: Vec<Gate>,
    /// The profiles.
    pub profiles: Vec<Profile>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The documents with managed sections.
    pub documents: Vec<Document>,
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// `factory`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Factory {
    pub name: Text,
    pub description: Option<Text>,
    pub preamble: Option<Text>,
    pub planner: Option<Text>,
    pub targets: Vec<Text>,
    pub driver: Option<Driver>,
    pub stop: Stop,
    pub jobs: Option<Spanned<u32>>,
    pub notify: Vec<Notify>,
    pub guard: Option<Text>,
    pub hold: Vec<Hold>,
    pub lints: Vec<LintLevel>,
}

/// `driver`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Driver {
    pub name: Text,
    pub command: Vec<Text>,
    pub recordings: Option<Text>,
    pub env: Vec<Text>,
}

/// `stop`: what is not given comes from elsewhere.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Stop {
    pub attempts: Option<Spanned<u32>>,
    /// Millionths of a dollar.
    pub usd: Option<Spanned<u64>>,
    /// Seconds.
    pub wall: Option<Spanned<u64>>,
}

/// `notify`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Notify {
    pub span: Span,
    pub events: Vec<Text>,
    pub run: Option<Text>,
}

/// One line of a `hold`.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Hold {
    pub capability: Capability,
    pub layer: Spanned<Layer>,
    pub platform: Option<Text>,
    pub place: Option<Text>,
}

/// `lint`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct LintLevel {
    pub code: Text,
    pub level: Spanned<Level>,
    pub because: Text,
}

/// `model`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Model {
    pub name: Text,
    pub id: Text,
    pub price: Option<Price>,
}

/// `price`, in millionths of a dollar for a million tokens.
#[derive(Debug, Clone, Copy)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Price {
    pub input: u64,
    pub output: u64,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
}

/// Of what a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKind {
    /// `paths`
    Paths,
    /// `commands`
    Commands,
}

/// `paths` or `commands`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Set {
    pub kind: SetKind,
    pub name: Text,
    pub members: Vec<Text>,
    pub except: Vec<Text>,
    pub has: Vec<Text>,
    pub lacks: Vec<Text>,
}

/// `may` and `never`, each pattern by itself.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Grants {
    pub may: Vec<ActionItem>,
    pub never: Vec<ActionItem>,
}

/// One pattern of one capability.
#[derive(Debug, Clone)]
pub struct ActionItem {
    /// Of what it speaks.
    pub capability: Capability,
    /// The pattern, or `@set`.
    pub text: Text,
}

/// `server`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Server {
    pub name: Text,
    pub keep: bool,
    pub command: Vec<Text>,
    pub env: Vec<Text>,
}

/// `workspace`
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Workspace {
    pub setup: Vec<Text>,
    pub scratch: Vec<Text>,
    pub copy: Vec<Copy>,
    pub env: Vec<Variable>,
}

/// `copy`, one file.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Copy {
    pub path: Text,
    pub for_agents: bool,
}

/// `env` of a workspace.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Variable {
    pub name: Text,
    pub value: Text,
}

/// `gate`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Gate {
    pub name: Text,
    pub builtin: Option<Text>,
    pub title: Option<Text>,
    pub run: Option<Text>,
    pub inputs: Vec<Text>,
    pub env: Vec<Text>,
    pub tools: Vec<Text>,
    pub outputs: Vec<Text>,
    pub sealed: Vec<Text>,
    /// Seconds.
    pub timeout: Option<Spanned<u64>>,
    pub external: Option<External>,
    pub links: Vec<Text>,
    pub mentions: Vec<Mention>,
    pub covers: Vec<Text>,
    pub by: Vec<Text>,
    pub undo: Option<Text>,
    pub passes: Vec<Text>,
}

/// `external`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct External {
    pub name: Text,
    pub key: Option<Text>,
}

/// `mention`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Mention {
    pub files: Vec<Text>,
    pub within: Text,
}

/// `profile`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Profile {
    pub name: Text,
    pub profiles: Vec<Text>,
    pub gates: Vec<Text>,
    pub grants: Grants,
}

/// `role`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Role {
    pub span: Span,
    pub name: Text,
    pub model: Text,
    pub prompt: Text,
    pub title: Option<Text>,
    pub description: Option<Text>,
    pub profiles: Vec<Text>,
    pub grants: Grants,
    pub gates: Vec<Text>,
    pub memory: Option<Memory>,
    /// `compile="verbatim"`
    pub verbatim: bool,
    pub agent: Option<Agent>,
    pub guard: Option<Text>,
    pub stop: Stop,
    pub expect: Expect,
    pub hold: Vec<Hold>,
    pub lints: Vec<LintLevel>,
}

/// `agent` of a role: the client's file.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Agent {
    pub path: Text,
    pub bom: bool,
    pub crlf: bool,
    pub open: Option<String>,
    pub close: Option<String>,
    pub head: Option<String>,
    /// In the order of the file.
    pub fields: Vec<AgentField>,
    /// What `tools` names.
    pub tools: Vec<Text>,
    /// What `disallowed-tools` names.
    pub disallowed: Vec<Text>,
}

/// One field of the client's file.
#[derive(Debug, Clone)]
pub struct AgentField {
    /// As the client spells it.
    pub key: String,
    /// What it holds; nothing where that is the role's own, or nothing at all.
    pub words: Vec<String>,
    /// How it is written.
    pub style: Style,
    /// `as`
    pub spelled: Option<String>,
}

/// `memory`
#[derive(Debug, Clone)]
pub struct Memory {
    /// The file.
    pub path: Text,
    /// Bytes.
    pub limit: u64,
}

/// `expect` of a role.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Expect {
    pub can: Vec<ExampleItem>,
    pub cannot: Vec<ExampleItem>,
}

/// One example: not a pattern but a thing.
pub type ExampleItem = ActionItem;

/// `rule`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Rule {
    pub title: Text,
    pub because: Option<Text>,
    pub cannot: Vec<Cannot>,
    pub cannot_both: Vec<CannotBoth>,
    pub require: Vec<Require>,
    pub trust: Vec<Trust>,
}

/// `trust`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Trust {
    pub commands: Vec<Text>,
    pub because: Text,
}

/// `cannot` of a rule.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Cannot {
    pub span: Span,
    pub roles: Vec<Text>,
    pub direct_only: bool,
    pub what: Vec<ActionItem>,
}

/// `cannot-both`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct CannotBoth {
    pub span: Span,
    pub direct_only: bool,
    pub what: Vec<ActionItem>,
}

/// `require`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Require {
    pub span: Span,
    pub gates: Vec<Text>,
    /// Empty when the rule speaks of every role.
    pub when: Vec<ActionItem>,
}

/// `document`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Document {
    pub path: Text,
    pub sections: Vec<Section>,
}

/// `section`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Section {
    pub title: Text,
    pub from: SectionFrom,
}

/// Where a section's text comes from.
#[derive(Debug, Clone)]
pub enum SectionFrom {
    /// `from`
    File(Text),
    /// `template`
    Template(Text),
    /// `files` and `max`
    Files {
        /// The patterns.
        patterns: Vec<Text>,
        /// The most entries.
        max: usize,
    },
    /// None of them; a finding says so.
    Nothing,
}

/// `task`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Task {
    pub name: Text,
    pub goal: Option<Text>,
    pub accept: Vec<Accept>,
    pub steps: Vec<Step>,
}

/// `accept`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Accept {
    pub text: Text,
    pub proof: AcceptProof,
}

/// What proves a criterion.
#[derive(Debug, Clone)]
pub enum AcceptProof {
    /// `run`
    Run(Text),
    /// `by`
    By(Text),
    /// Neither.
    Nobody,
}

/// `step`
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is the node or property of its name; see the grammar"
)]
pub struct Step {
    pub name: Text,
    pub after: Vec<Text>,
    pub approval: Option<Text>,
    pub work: StepWork,
    pub stop: Stop,
}

/// What happens in a step.
#[derive(Debug, Clone)]
pub enum StepWork {
    /// An agent works.
    Agent {
        /// `role`
        role: Text,
        /// `yields`
        yields: Option<Text>,
        /// `sends-back`
        sends_back: Option<Text>,
        /// `item`
        items: Vec<Text>,
        /// `read-first`
        read_first: Vec<Text>,
        /// `only`; none where nothing is narrowed.
        only: Option<Vec<ActionItem>>,
    },
    /// A command runs.
    Effect {
        /// `run`
        run: Text,
        /// `env`
        env: Vec<Text>,
    },
    /// Neither; a finding says so.
    Nothing,
}
