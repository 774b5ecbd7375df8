//! What is lost, doubtful, or worth knowing in what a client is given.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

impl Doubt {
    /// Codes of what matters most, whatever its level: restrictions that are lost, tools that do not
    /// exist, everything allowed.
    pub(super) const FIRST: [&'static str; 6] = [
        "factory::adopt::lost-restriction",
        "factory::adopt::broken-settings",
        "factory::adopt::whole-tool",
        "factory::adopt::dead-rule",
        "factory::adopt::unknown-tool",
        "factory::adopt::everything-allowed",
    ];
}

/// Something in an agent file or the client's settings that does not mean what it seems to.
#[derive(Debug, Error, Diagnostic)]
pub(super) enum Doubt {
    #[error("`{field}` is no field of the client: this restriction is lost")]
    #[diagnostic(code("factory::adopt::lost-restriction"), help("{help}"))]
    LostRestriction {
        field: String,
        help: String,
        #[label("ignored without a word")]
        span: SourceSpan,
    },
    #[error("`{tool}` is no tool of the client{effect}")]
    #[diagnostic(code("factory::adopt::unknown-tool"), help("{help}"))]
    UnknownTool {
        tool: String,
        effect: &'static str,
        help: String,
        #[label("names no tool")]
        span: SourceSpan,
    },
    #[error("`{written}` gives the whole of `{tool}`: the client drops what stands in parentheses")]
    #[diagnostic(
        code("factory::adopt::whole-tool"),
        help(
            "say it in the role, and the guard holds it: `may {{ run \"…\"; }}`, `may {{ write \"…\"; }}`"
        )
    )]
    WholeTool {
        written: String,
        tool: String,
        #[label("read as the whole tool")]
        span: SourceSpan,
    },
    #[error(
        "`{written}` takes the whole of `{tool}` away: the client drops what stands in parentheses"
    )]
    #[diagnostic(
        code("factory::adopt::whole-tool-gone"),
        severity(Warning),
        help("say it in the role: `never {{ run \"…\"; }}`")
    )]
    WholeToolGone {
        written: String,
        tool: String,
        #[label("read as the whole tool")]
        span: SourceSpan,
    },
    #[error("`{written}` is held where the agent is the main one, and not where another starts it")]
    #[diagnostic(
        code("factory::adopt::agents-not-held"),
        severity(Warning),
        help("say it in the role: `may {{ delegate \"…\"; }}`")
    )]
    AgentsNotHeld {
        written: String,
        #[label("nobody holds this in a subagent")]
        span: SourceSpan,
    },
    #[error("{count}: every tool of the session is theirs, as no `tools` say otherwise ({names})")]
    #[diagnostic(
        code("factory::adopt::everything-allowed"),
        severity(Advice),
        help(
            "`guard \"observe\"` takes down what they use, `factory refusals` turns that into grants"
        )
    )]
    Everything {
        count: String,
        names: String,
        #[label("this one, for example")]
        span: SourceSpan,
    },
    #[error("`permissionMode: {mode}` raises what the session allows whenever this agent works")]
    #[diagnostic(
        code("factory::adopt::raised-mode"),
        severity(Warning),
        help(
            "take `permission-mode` out of the role's `agent`, and let grants say what it may do"
        )
    )]
    RaisedMode {
        mode: String,
        #[label("wider than the session")]
        span: SourceSpan,
    },
    #[error("`memory` adds the tools Write and Edit, which `tools` leaves out")]
    #[diagnostic(
        code("factory::adopt::memory-writes"),
        severity(Warning),
        help("use the role's own `memory \"FILE\" limit=\"8KiB\"`, which the runner keeps")
    )]
    MemoryWrites {
        #[label("more than `tools` says")]
        span: SourceSpan,
    },
    #[error("`{field}: {value}` is no value that the client knows, and is ignored")]
    #[diagnostic(
        code("factory::adopt::unknown-value"),
        severity(Warning),
        help("{help}")
    )]
    UnknownValue {
        field: &'static str,
        value: String,
        help: &'static str,
        #[label("ignored without a word")]
        span: SourceSpan,
    },
    #[error("`{model}` is no model of this client")]
    #[diagnostic(
        code("factory::adopt::unknown-model"),
        severity(Warning),
        help("it is sent to the service as it stands, and fails there; name one in `model=`")
    )]
    UnknownModel {
        model: String,
        #[label("of another client, or misspelled")]
        span: SourceSpan,
    },
    #[error("`{field}` is no field of the client{near}")]
    #[diagnostic(
        code("factory::adopt::misspelled-field"),
        severity(Warning),
        help("the client ignores it; it is kept as it is")
    )]
    MisspelledField {
        field: String,
        near: String,
        #[label("ignored without a word")]
        span: SourceSpan,
    },
    #[error("{count} that the client does not know, kept as they are: {names}")]
    #[diagnostic(code("factory::adopt::unknown-fields"), severity(Advice))]
    UnknownFields {
        count: String,
        names: String,
        #[label("the first of them")]
        span: SourceSpan,
    },
    #[error("`tools` is empty: the agent has no tool at all")]
    #[diagnostic(
        code("factory::adopt::no-tool"),
        severity(Warning),
        help("name the tools that it needs, or take `tools` out: then it has all of the session")
    )]
    NoTool {
        #[label("names nothing")]
        span: SourceSpan,
    },
    #[error("this agent is not adopted, and works as before: {why}")]
    #[diagnostic(code("factory::adopt::not-adopted"), severity(Warning), help("{help}"))]
    NotAdopted {
        why: String,
        help: String,
        #[label("left as it is")]
        span: SourceSpan,
    },
    #[error("{count} without front matter, so no agent to the client: {names}")]
    #[diagnostic(
        code("factory::adopt::no-front-matter"),
        severity(Advice),
        help("an agent begins with a line of three dashes, `name:`, and `description:`")
    )]
    NoFrontMatter {
        count: String,
        names: String,
        #[label("this one, for example")]
        span: SourceSpan,
    },
    #[error("no rule becomes a grant, as the factory has errors with them: {why}")]
    #[diagnostic(
        code("factory::adopt::unfit-rules"),
        severity(Warning),
        help(
            "they stay in the settings as they are; grant by hand what the factory's rules allow"
        )
    )]
    UnfitRules {
        why: String,
        #[label("these stay as they are")]
        span: SourceSpan,
    },
    #[error("no server is read from this file: {why}")]
    #[diagnostic(
        code("factory::adopt::broken-servers"),
        severity(Warning),
        help("mend it, and adopt again")
    )]
    BrokenServers {
        why: String,
        #[label("here")]
        span: SourceSpan,
    },
    #[error("kept as it is; the server `{name}` {what}")]
    #[diagnostic(
        code("factory::adopt::kept-server"),
        severity(Advice),
        help("no role is granted its tools before a `server` node declares it")
    )]
    KeptServer {
        name: String,
        what: String,
        #[label("has no node that says just this")]
        span: SourceSpan,
    },
    #[error("the client does not load this agent: {why}")]
    #[diagnostic(code("factory::adopt::not-loaded"), severity(Warning), help("{help}"))]
    NotLoaded {
        why: String,
        help: String,
        #[label("left as it is")]
        span: SourceSpan,
    },
    #[error("the front matter ends at the first `---`, in the middle of a line")]
    #[diagnostic(
        code("factory::adopt::cut-front-matter"),
        severity(Warning),
        help("the client reads what follows as the prompt; write another dash")
    )]
    Cut {
        #[label("the end, to the client")]
        span: SourceSpan,
    },
    #[error(
        "`{name}` is the name of another agent too, in `{other}`, and the client takes that one"
    )]
    #[diagnostic(
        code("factory::adopt::shadowed"),
        severity(Warning),
        help("give it a name of its own, and adopt again")
    )]
    Shadowed {
        name: String,
        other: String,
        #[label("never used")]
        span: SourceSpan,
    },
    #[error("the client ignores this whole file: {why}")]
    #[diagnostic(
        code("factory::adopt::broken-settings"),
        help("mend it first: its rules and its hooks do nothing, and neither would the guard's")
    )]
    BrokenSettings {
        why: String,
        #[label("rules and hooks are lost")]
        span: SourceSpan,
    },
    #[error("`{rule}` is never consulted: {why}")]
    #[diagnostic(code("factory::adopt::dead-rule"), help("{help}"))]
    DeadRule {
        rule: String,
        why: &'static str,
        help: String,
        #[label("does nothing")]
        span: SourceSpan,
    },
    #[error("kept as it is; `{rule}` {what}")]
    #[diagnostic(code("factory::adopt::wide-rule"), severity(Warning), help("{help}"))]
    WideRule {
        rule: String,
        what: &'static str,
        help: &'static str,
        #[label("widens every agent")]
        span: SourceSpan,
    },
    #[error("kept as it is; `{rule}` {what}")]
    #[diagnostic(code("factory::adopt::kept-rule"), severity(Advice))]
    KeptRule {
        rule: String,
        what: &'static str,
        #[label("has no grant that says just this")]
        span: SourceSpan,
    },
}
