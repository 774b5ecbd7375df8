//! The table itself.

use super::{ArgDef, Kind, NodeDef, PropDef};
use crate::client::TARGET_NAMES;

const fn node(name: &'static str, doc: &'static str) -> NodeDef {
    NodeDef {
        name,
        doc,
        since: 1,
        args: &[],
        rest: None,
        props: &[],
        children: &[],
        many: false,
    }
}

const fn arg(name: &'static str, kind: Kind) -> ArgDef {
    ArgDef {
        name,
        kind,
        required: true,
    }
}

const fn any(name: &'static str, kind: Kind) -> ArgDef {
    ArgDef {
        name,
        kind,
        required: false,
    }
}

const fn prop(name: &'static str, kind: Kind, doc: &'static str) -> PropDef {
    PropDef {
        name,
        kind,
        required: false,
        doc,
    }
}

const fn must(name: &'static str, kind: Kind, doc: &'static str) -> PropDef {
    PropDef {
        name,
        kind,
        required: true,
        doc,
    }
}

const TEXT: &[ArgDef] = &[arg("TEXT", Kind::Prose)];
const FILE: &[ArgDef] = &[arg("FILE", Kind::File)];
const COMMAND: &[ArgDef] = &[arg("COMMAND", Kind::Command)];
const NAME: &[ArgDef] = &[arg("NAME", Kind::Name)];
const LAYER: Kind = Kind::Choice(&["advised", "guarded", "rejected", "prevented"]);

static DESCRIPTION: NodeDef = NodeDef {
    args: TEXT,
    ..node("description", "What it is, in one sentence.")
};
static TITLE: NodeDef = NodeDef {
    args: TEXT,
    ..node("title", "What people call it.")
};
static BECAUSE: NodeDef = NodeDef {
    args: TEXT,
    ..node(
        "because",
        "Why the rule exists; printed in the prompts it binds.",
    )
};

// What may be done, of every kind of thing.
static READ: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "read",
        "Files that are looked at. Reading inside the project is allowed unless a `never` takes it away.",
    )
};
static WRITE: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "write",
        "Files that are created, changed, deleted, moved, or linked.",
    )
};
static RUN: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::CommandPattern)),
    many: true,
    ..node(
        "run",
        "Commands, as parsed words; the word `*` is any number of words, also none.",
    )
};
static REACH: NodeDef = NodeDef {
    rest: Some(arg("HOST", Kind::Thing)),
    many: true,
    ..node("reach", "Hosts that are spoken to.")
};
static USE: NodeDef = NodeDef {
    rest: Some(arg("TOOL", Kind::Thing)),
    many: true,
    ..node(
        "use",
        "Servers and their tools: `mcp:server`, `mcp:server/tool`.",
    )
};
static ENV: NodeDef = NodeDef {
    rest: Some(arg("NAME", Kind::Thing)),
    many: true,
    ..node(
        "env",
        "Variables of the owner's environment that are given; PATH, `LD_*`, `GIT_*`, and their like never are.",
    )
};
static DELEGATE: NodeDef = NodeDef {
    rest: Some(arg("ROLE", Kind::Reference)),
    many: true,
    ..node(
        "delegate",
        "Roles that work is handed to, in interactive sessions.",
    )
};
static MAY: NodeDef = NodeDef {
    children: &[&WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node(
        "may",
        "What is granted. Everything that no `may` grants is denied.",
    )
};
static NEVER: NodeDef = NodeDef {
    children: &[&READ, &WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node("never", "What is taken away, whatever grants it.")
};
static CAN: NodeDef = NodeDef {
    children: &[&READ, &WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node(
        "can",
        "Examples of what the role can do; tested at every check.",
    )
};
static CANNOT_EXAMPLE: NodeDef = NodeDef {
    children: &[&READ, &WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node(
        "cannot",
        "Examples of what the role cannot do; tested at every check.",
    )
};
static ROLE_EXPECT: NodeDef = NodeDef {
    children: &[&CAN, &CANNOT_EXAMPLE],
    many: true,
    ..node(
        "expect",
        "Examples beside the boundary, tested at every check.",
    )
};
static HOLD: NodeDef = NodeDef {
    props: &[
        prop(
            "in",
            Kind::Choice(&["exec", "interactive"]),
            "Where it is required: in `exec`, or where a person's client runs the role; in both unless it says.",
        ),
        prop(
            "platform",
            Kind::Choice(&["linux", "macos"]),
            "The platform of `exec` on which it is required.",
        ),
    ],
    children: &[
        &HOLD_WRITE,
        &HOLD_RUN,
        &HOLD_READ,
        &HOLD_REACH,
        &HOLD_USE,
        &HOLD_ENV,
        &HOLD_DELEGATE,
    ],
    many: true,
    ..node(
        "hold",
        "The least layer that must hold each capability; less is an error.",
    )
};
static HOLD_READ: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("read", "What must hold reading.")
};
static HOLD_WRITE: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("write", "What must hold writing.")
};
static HOLD_RUN: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("run", "What must hold commands.")
};
static HOLD_REACH: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("reach", "What must hold hosts.")
};
static HOLD_USE: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("use", "What must hold tools.")
};
static HOLD_ENV: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("env", "What must hold variables.")
};
static HOLD_DELEGATE: NodeDef = NodeDef {
    args: &[arg("LAYER", LAYER)],
    ..node("delegate", "What must hold delegation.")
};

static STOP: NodeDef = NodeDef {
    props: &[
        prop("attempts", Kind::Integer, "How often an agent may try."),
        prop(
            "usd",
            Kind::Money,
            "What all attempts of a step may cost together.",
        ),
        prop("wall", Kind::Duration, "How long one attempt may take."),
    ],
    ..node("stop", "What a step may use before it is stopped.")
};
static LINT: NodeDef = NodeDef {
    args: &[arg("CODE", Kind::Word)],
    props: &[
        must(
            "level",
            Kind::Choice(&["off", "advice", "warning", "error"]),
            "The level that is in force.",
        ),
        must("because", Kind::Prose, "Why."),
    ],
    many: true,
    ..node(
        "lint",
        "Sets the level of a lint; one that guards a boundary can't be turned off.",
    )
};

// factory
static PREAMBLE: NodeDef = NodeDef {
    args: FILE,
    ..node(
        "preamble",
        "The rules for everyone, compiled into every prompt.",
    )
};
static PLANNER: NodeDef = NodeDef {
    args: &[arg("ROLE", Kind::Reference)],
    ..node("planner", "The role that turns a sentence into a task.")
};
static INCLUDE: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "include",
        "Further spec files. All paths in them are relative to the project root too.",
    )
};
static TARGET: NodeDef = NodeDef {
    args: &[arg("CLIENT", Kind::Choice(TARGET_NAMES))],
    many: true,
    ..node("target", "A client that build writes files for.")
};
static DRIVER_COMMAND: NodeDef = NodeDef {
    args: &[arg("PROGRAM", Kind::Word)],
    rest: Some(any("ARGUMENT", Kind::Word)),
    ..node(
        "command",
        "The program that is started, with its arguments.",
    )
};
static DRIVER_RECORDINGS: NodeDef = NodeDef {
    args: FILE,
    ..node(
        "recordings",
        "The folder of recorded answers, for `replay`.",
    )
};
static DRIVER_ENV: NodeDef = NodeDef {
    rest: Some(arg("NAME", Kind::Word)),
    many: true,
    ..node(
        "env",
        "Variables of yours that the client itself needs, such as its key.",
    )
};
static SERVER_ENV: NodeDef = NodeDef {
    rest: Some(arg("NAME", Kind::Word)),
    many: true,
    ..node(
        "env",
        "Variables of yours that the server needs, such as its token.",
    )
};
static STEP_ENV: NodeDef = NodeDef {
    rest: Some(arg("NAME", Kind::Word)),
    many: true,
    ..node(
        "env",
        "Variables of yours that the command of `run` needs, such as a key to deploy with.",
    )
};
static DRIVER: NodeDef = NodeDef {
    args: &[arg(
        "DRIVER",
        Kind::Choice(&["claude-code", "command", "replay"]),
    )],
    children: &[&DRIVER_COMMAND, &DRIVER_RECORDINGS, &DRIVER_ENV],
    ..node("driver", "How `exec` starts an agent.")
};
static LAND: NodeDef = NodeDef {
    args: &[arg("WHERE", Kind::Choice(&["branch"]))],
    ..node(
        "land",
        "Where accepted work goes: a branch named after the task.",
    )
};
static JOBS: NodeDef = NodeDef {
    args: &[arg("COUNT", Kind::Integer)],
    ..node("jobs", "The most steps that run at the same time.")
};
static NOTIFY_RUN: NodeDef = NodeDef {
    args: COMMAND,
    ..node(
        "run",
        "The command; it finds the facts in FACTORY_EVENT, FACTORY_TASK, FACTORY_SUMMARY.",
    )
};
static NOTIFY: NodeDef = NodeDef {
    rest: Some(arg(
        "EVENT",
        Kind::Choice(&["finished", "failed", "waiting"]),
    )),
    children: &[&NOTIFY_RUN],
    many: true,
    ..node(
        "notify",
        "A command that tells you what happened while you were away.",
    )
};
static FACTORY: NodeDef = NodeDef {
    args: NAME,
    props: &[
        must("spec", Kind::Integer, "The version of the language: 1."),
        prop(
            "requires",
            Kind::Prose,
            "The least version of the compiler.",
        ),
    ],
    children: &[
        &DESCRIPTION,
        &PREAMBLE,
        &PLANNER,
        &INCLUDE,
        &TARGET,
        &DRIVER,
        &LAND,
        &STOP,
        &JOBS,
        &NOTIFY,
        &GUARD,
        &HOLD,
        &LINT,
    ],
    ..node(
        "factory",
        "The factory itself; stands once, in the file that is checked.",
    )
};

// model, server
static PRICE: NodeDef = NodeDef {
    props: &[
        must("input", Kind::Money, "For a million tokens that are read."),
        must(
            "output",
            Kind::Money,
            "For a million tokens that are written.",
        ),
        prop(
            "cache-read",
            Kind::Money,
            "For a million tokens read from the provider's cache.",
        ),
        prop(
            "cache-write",
            Kind::Money,
            "For a million tokens written to the provider's cache.",
        ),
    ],
    ..node("price", "What the model costs, in dollars.")
};
static MODEL: NodeDef = NodeDef {
    args: NAME,
    props: &[must(
        "id",
        Kind::Word,
        "The full id that the client is given.",
    )],
    children: &[&PRICE],
    many: true,
    ..node("model", "A model that roles run on.")
};
static SERVER_COMMAND: NodeDef = NodeDef {
    args: &[arg("PROGRAM", Kind::Word)],
    rest: Some(any("ARGUMENT", Kind::Word)),
    ..node(
        "command",
        "The program and its arguments, with the version pinned.",
    )
};
static SERVER: NodeDef = NodeDef {
    args: NAME,
    props: &[prop(
        "keep",
        Kind::Bool,
        "Whether the entry in the client's file is the project's own: build leaves it as it is.",
    )],
    children: &[&SERVER_COMMAND, &SERVER_ENV],
    many: true,
    ..node(
        "server",
        "An MCP server; a role uses it through `may { use \"mcp:NAME\"; }`.",
    )
};

// sets
static EXCEPT_PATHS: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "except",
        "What is not in the set although a member matches it.",
    )
};
static HAS_PATH: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::File)),
    many: true,
    ..node("has", "Paths that are in the set.")
};
static LACKS_PATH: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::File)),
    many: true,
    ..node("lacks", "Paths that are not in the set.")
};
static EXPECT_PATHS: NodeDef = NodeDef {
    children: &[&HAS_PATH, &LACKS_PATH],
    many: true,
    ..node("expect", "Examples beside the set, tested at every check.")
};
static PATHS: NodeDef = NodeDef {
    args: NAME,
    rest: Some(arg("PATH", Kind::PathPattern)),
    children: &[&EXCEPT_PATHS, &EXPECT_PATHS],
    many: true,
    ..node(
        "paths",
        "A named set of paths: `@NAME` wherever a path pattern may stand.",
    )
};
static EXCEPT_COMMANDS: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::CommandPattern)),
    many: true,
    ..node(
        "except",
        "What is not in the set although a member matches it.",
    )
};
static HAS_COMMAND: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::Command)),
    many: true,
    ..node("has", "Commands that are in the set.")
};
static LACKS_COMMAND: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::Command)),
    many: true,
    ..node("lacks", "Commands that are not in the set.")
};
static EXPECT_COMMANDS: NodeDef = NodeDef {
    children: &[&HAS_COMMAND, &LACKS_COMMAND],
    many: true,
    ..node("expect", "Examples beside the set, tested at every check.")
};
static COMMANDS: NodeDef = NodeDef {
    args: NAME,
    rest: Some(arg("COMMAND", Kind::CommandPattern)),
    children: &[&EXCEPT_COMMANDS, &EXPECT_COMMANDS],
    many: true,
    ..node(
        "commands",
        "A named set of commands: `@NAME` wherever a command pattern may stand.",
    )
};

// workspace
static SETUP: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::Command)),
    many: true,
    ..node(
        "setup",
        "Commands that a fresh checkout needs, in this order.",
    )
};
static SCRATCH: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "scratch",
        "Git-ignored paths that tools may write; they never land and are no gate inputs.",
    )
};
static COPY: NodeDef = NodeDef {
    rest: Some(arg("FILE", Kind::File)),
    props: &[must(
        "for",
        Kind::Choice(&["gates", "agents"]),
        "Who gets it: `agents` means the gates too.",
    )],
    many: true,
    ..node(
        "copy",
        "Git-ignored files that a checkout is given a copy of.",
    )
};
static WORKSPACE_ENV: NodeDef = NodeDef {
    args: &[arg("NAME", Kind::Word)],
    props: &[must(
        "value",
        Kind::Word,
        "Its value; `{step}` stands for the step's name.",
    )],
    many: true,
    ..node("env", "A variable that is set in every checkout.")
};
static WORKSPACE: NodeDef = NodeDef {
    children: &[&SETUP, &SCRATCH, &COPY, &WORKSPACE_ENV],
    ..node(
        "workspace",
        "What a fresh checkout needs before anyone can work in it.",
    )
};

// gate
static GATE_RUN: NodeDef = NodeDef {
    args: COMMAND,
    ..node(
        "run",
        "The command; exit 0 is a pass, everything else is none.",
    )
};
static INPUTS: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "inputs",
        "What the verdict depends on; without it, every file that git does not ignore.",
    )
};
static GATE_ENV: NodeDef = NodeDef {
    rest: Some(arg("NAME", Kind::Thing)),
    many: true,
    ..node(
        "env",
        "Variables that are visible to the gate, and part of its key.",
    )
};
static TOOL: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::Command)),
    many: true,
    ..node("tool", "Commands whose output is part of the key.")
};
static OUTPUTS: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "outputs",
        "Files that the gate makes; they are kept with its pass, and put back when that is replayed.",
    )
};
static SEALED: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "sealed",
        "Files that come from the step's base; a role judged by the gate may not write them.",
    )
};
static TIMEOUT: NodeDef = NodeDef {
    args: &[arg("TIME", Kind::Duration)],
    ..node(
        "timeout",
        "How long it may take; at the limit it has not passed.",
    )
};
static EXTERNAL: NodeDef = NodeDef {
    args: NAME,
    props: &[prop(
        "key",
        Kind::Command,
        "A command whose output stands for its state; without it no result is kept.",
    )],
    ..node(
        "external",
        "Something beside files that the verdict depends on.",
    )
};
static LINKS: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "links",
        "Markdown files whose links and paths must lead somewhere.",
    )
};
static MENTION: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    props: &[must("within", Kind::File, "The file that names them.")],
    many: true,
    ..node(
        "mention",
        "Files that, once added, must be named in a document.",
    )
};
static COVERS: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "covers",
        "Files whose changes must come with documentation.",
    )
};
static BY: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "by",
        "The documentation that a change of `covers` must touch.",
    )
};
static UNDO: NodeDef = NodeDef {
    args: COMMAND,
    ..node(
        "undo",
        "Undoes what a revert of files does not; runs in the changed tree.",
    )
};
static PASSES: NodeDef = NodeDef {
    rest: Some(arg("GATE", Kind::Reference)),
    many: true,
    ..node("passes", "The gates that must pass on the reverted tree.")
};
static GATE: NodeDef = NodeDef {
    args: NAME,
    props: &[prop(
        "builtin",
        Kind::Choice(&["consistency", "docs", "rollback"]),
        "A check that factory itself carries out, in place of `run`.",
    )],
    children: &[
        &TITLE, &GATE_RUN, &INPUTS, &OUTPUTS, &GATE_ENV, &TOOL, &SEALED, &TIMEOUT, &EXTERNAL,
        &LINKS, &MENTION, &COVERS, &BY, &UNDO, &PASSES,
    ],
    many: true,
    ..node(
        "gate",
        "A check that stands between a role's work and the branch.",
    )
};

// profile, role
static PROFILE_USE: NodeDef = NodeDef {
    rest: Some(arg("PROFILE", Kind::Reference)),
    many: true,
    ..node("profile", "Profiles whose grants and gates are taken over.")
};
static GATES: NodeDef = NodeDef {
    rest: Some(arg("GATE", Kind::Reference)),
    many: true,
    ..node("gates", "The gates that judge the work.")
};
static PROFILE: NodeDef = NodeDef {
    args: NAME,
    children: &[&PROFILE_USE, &GATES, &MAY, &NEVER],
    many: true,
    ..node("profile", "Grants and gates that several roles share.")
};
static MEMORY: NodeDef = NodeDef {
    args: FILE,
    props: &[must(
        "limit",
        Kind::Size,
        "How much of it is put into a prompt.",
    )],
    ..node("memory", "A file that the role keeps between runs.")
};
static GUARD: NodeDef = NodeDef {
    args: &[arg("MODE", Kind::Choice(&["observe", "enforce"]))],
    ..node(
        "guard",
        "Whether the hook refuses what a role may not do, or lets it pass and takes it down; `exec` always refuses.",
    )
};

// The agent file of a client that a role was adopted from.
const SPELLED: &[PropDef] = &[
    prop(
        "style",
        Kind::Choice(&[
            "plain",
            "escaped",
            "double",
            "single",
            "tight",
            "blanks",
            "flow",
            "flow-quoted",
            "block",
        ]),
        "How the file writes it; `plain` unless said.",
    ),
    prop(
        "as",
        Kind::Verbatim,
        "Its lines in the file, used as long as they say the same.",
    ),
];
const fn field(name: &'static str, doc: &'static str) -> NodeDef {
    NodeDef {
        rest: Some(any("VALUE", Kind::Verbatim)),
        props: SPELLED,
        ..node(name, doc)
    }
}
static FIELD_NAME: NodeDef = field(
    "name",
    "What the client calls the agent; the role's name unless it is given.",
);
static FIELD_DESCRIPTION: NodeDef = field(
    "description",
    "When the client asks it; the role's description unless it is given.",
);
static FIELD_MODEL: NodeDef = field("model", "Its model; the role's unless it is given.");
static FIELD_TOOLS: NodeDef = field(
    "tools",
    "The tools that it is offered; all of the session without it, none where it names none.",
);
static FIELD_DISALLOWED: NodeDef = field(
    "disallowed-tools",
    "Tools that it is not offered, whole ones.",
);
static FIELD_EFFORT: NodeDef = field("effort", "How much the model thinks.");
static FIELD_MODE: NodeDef = field(
    "permission-mode",
    "Raises what the session allows; it can't lower it.",
);
static FIELD_TURNS: NodeDef = field("max-turns", "After how many turns it is stopped.");
static FIELD_SKILLS: NodeDef = field("skills", "Skills that are put into its first message.");
static FIELD_SERVERS: NodeDef = field("mcp-servers", "Servers of its own.");
static FIELD_HOOKS: NodeDef = field("hooks", "Hooks of its own.");
static FIELD_MEMORY: NodeDef = field(
    "memory",
    "A memory that the client keeps; it adds the tools Write and Edit.",
);
static FIELD_BACKGROUND: NodeDef = field("background", "Whether it works in the background.");
static FIELD_ISOLATION: NodeDef = field("isolation", "Where it works.");
static FIELD_INITIAL: NodeDef = field("initial-prompt", "What its session starts with.");
static FIELD_COLOR: NodeDef = field("color", "How the client shows it.");
static FIELD_OTHER: NodeDef = NodeDef {
    args: &[arg("KEY", Kind::Verbatim)],
    many: true,
    ..field("field", "A field that the client does not know, kept.")
};
static AGENT: NodeDef = NodeDef {
    args: FILE,
    props: &[
        prop("bom", Kind::Bool, "Whether a byte order mark stands first."),
        prop(
            "lines",
            Kind::Choice(&["crlf"]),
            "The line ends of the front matter.",
        ),
        prop("open", Kind::Verbatim, "The line that opens it."),
        prop("close", Kind::Verbatim, "What closes it."),
        prop(
            "head",
            Kind::Verbatim,
            "The front matter as it stands in the file, used as long as it says the same.",
        ),
    ],
    children: &[
        &FIELD_NAME,
        &FIELD_DESCRIPTION,
        &FIELD_TOOLS,
        &FIELD_DISALLOWED,
        &FIELD_MODEL,
        &FIELD_EFFORT,
        &FIELD_MODE,
        &FIELD_TURNS,
        &FIELD_SKILLS,
        &FIELD_SERVERS,
        &FIELD_HOOKS,
        &FIELD_MEMORY,
        &FIELD_BACKGROUND,
        &FIELD_ISOLATION,
        &FIELD_INITIAL,
        &FIELD_COLOR,
        &FIELD_OTHER,
    ],
    ..node(
        "agent",
        "The client's file of the role, its front matter field by field in the order of the file.",
    )
};
static ROLE: NodeDef = NodeDef {
    args: NAME,
    props: &[
        must("model", Kind::Reference, "The model it runs on."),
        must("prompt", Kind::File, "Its own text."),
        prop(
            "compile",
            Kind::Choice(&["verbatim"]),
            "`verbatim` makes its own text the whole prompt, byte for byte.",
        ),
    ],
    children: &[
        &TITLE,
        &DESCRIPTION,
        &PROFILE_USE,
        &MAY,
        &NEVER,
        &GATES,
        &MEMORY,
        &AGENT,
        &GUARD,
        &STOP,
        &ROLE_EXPECT,
        &HOLD,
        &LINT,
    ],
    many: true,
    ..node(
        "role",
        "An agent: its prompt, its model, its boundary, its gates.",
    )
};

// rule
const DIRECT_ONLY: &[PropDef] = &[prop(
    "direct-only",
    Kind::Bool,
    "Whether delegation is left aside.",
)];
static CANNOT: NodeDef = NodeDef {
    rest: Some(any("ROLE", Kind::Reference)),
    props: DIRECT_ONLY,
    children: &[&READ, &WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node(
        "cannot",
        "None of these roles, of all roles where none is named, can do this, also not through a role it may delegate to.",
    )
};
static CANNOT_BOTH: NodeDef = NodeDef {
    props: DIRECT_ONLY,
    children: &[&WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    many: true,
    ..node(
        "cannot-both",
        "No one role can do something of each kind, also not together with roles it may delegate to.",
    )
};
static TRUST: NodeDef = NodeDef {
    rest: Some(arg("COMMAND", Kind::CommandPattern)),
    props: &[must("because", Kind::Prose, "Who or what answers for it.")],
    many: true,
    ..node(
        "trust",
        "Granted commands into which nothing looks, and which keep to the rule all the same: somebody answers for it. What a role can do by the words of a line is proven as ever.",
    )
};
static WHEN: NodeDef = NodeDef {
    children: &[&WRITE, &RUN, &REACH, &USE, &ENV, &DELEGATE],
    ..node("when", "The rule speaks of roles that can do this.")
};
static REQUIRE: NodeDef = NodeDef {
    rest: Some(arg("GATE", Kind::Reference)),
    children: &[&WHEN],
    many: true,
    ..node("require", "Gates that a role must have.")
};
static RULE: NodeDef = NodeDef {
    args: &[arg("TITLE", Kind::Prose)],
    children: &[&BECAUSE, &CANNOT, &CANNOT_BOTH, &REQUIRE, &TRUST],
    many: true,
    ..node(
        "rule",
        "What must be true of the factory. It changes nothing: it is proven, and printed in the prompts it binds.",
    )
};

// document
static FROM: NodeDef = NodeDef {
    args: FILE,
    ..node("from", "The file whose text it is.")
};
static TEMPLATE: NodeDef = NodeDef {
    args: FILE,
    ..node("template", "The template, relative to `templates/`.")
};
static FILES: NodeDef = NodeDef {
    rest: Some(arg("PATH", Kind::PathPattern)),
    many: true,
    ..node(
        "files",
        "Lists these files, each with the first line of its documentation.",
    )
};
static MAX: NodeDef = NodeDef {
    args: &[arg("COUNT", Kind::Integer)],
    ..node("max", "The most files that are listed.")
};
static SECTION: NodeDef = NodeDef {
    args: &[arg("TITLE", Kind::Prose)],
    children: &[&FROM, &TEMPLATE, &FILES, &MAX],
    many: true,
    ..node(
        "section",
        "One managed section; text outside of it is never touched.",
    )
};
static DOCUMENT: NodeDef = NodeDef {
    args: FILE,
    children: &[&SECTION],
    many: true,
    ..node(
        "document",
        "A document of yours in which some sections are kept up to date.",
    )
};

// task
static GOAL: NodeDef = NodeDef {
    args: TEXT,
    ..node("goal", "What is wanted.")
};
static ACCEPT_RUN: NodeDef = NodeDef {
    args: COMMAND,
    ..node("run", "A command that proves it on the tree that lands.")
};
static ACCEPT_BY: NodeDef = NodeDef {
    args: &[arg("ROLE", Kind::Reference)],
    ..node("by", "The role whose verdict proves it.")
};
static ACCEPT: NodeDef = NodeDef {
    args: TEXT,
    children: &[&ACCEPT_RUN, &ACCEPT_BY],
    many: true,
    ..node(
        "accept",
        "How one sees that the goal is reached, and what proves it.",
    )
};
static AFTER: NodeDef = NodeDef {
    rest: Some(arg("STEP", Kind::Reference)),
    many: true,
    ..node(
        "after",
        "Steps that must be accepted before; `land` is the landing of the task.",
    )
};
static SENDS_BACK: NodeDef = NodeDef {
    args: &[arg("STEP", Kind::Reference)],
    ..node(
        "sends-back",
        "The step that repairs what a failing verdict names.",
    )
};
static ITEM: NodeDef = NodeDef {
    args: TEXT,
    many: true,
    ..node("item", "One thing to do.")
};
static READ_FIRST: NodeDef = NodeDef {
    rest: Some(arg("FILE", Kind::File)),
    many: true,
    ..node("read-first", "Files that the agent reads before it starts.")
};
static ONLY: NodeDef = NodeDef {
    children: &[&WRITE, &RUN],
    ..node(
        "only",
        "Narrows the role for this step; it never widens it.",
    )
};
static APPROVAL: NodeDef = NodeDef {
    args: &[arg("WHO", Kind::Prose)],
    ..node("approval", "Who must approve before it starts.")
};
static STEP_RUN: NodeDef = NodeDef {
    args: COMMAND,
    ..node(
        "run",
        "A command in place of an agent; no model is involved.",
    )
};
static STEP: NodeDef = NodeDef {
    args: NAME,
    props: &[
        prop("role", Kind::Reference, "Who works."),
        prop(
            "yields",
            Kind::Choice(&["commit", "verdict", "report"]),
            "What comes out; `commit` unless said.",
        ),
    ],
    children: &[
        &AFTER,
        &SENDS_BACK,
        &ITEM,
        &READ_FIRST,
        &ONLY,
        &APPROVAL,
        &STEP_RUN,
        &STEP_ENV,
        &STOP,
    ],
    many: true,
    ..node("step", "One piece of the task: one role, one process.")
};
static TASK: NodeDef = NodeDef {
    args: NAME,
    children: &[&GOAL, &ACCEPT, &STEP],
    many: true,
    ..node("task", "A sentence turned into steps.")
};

/// The language: its children are the nodes that stand at the top of a file.
pub static ROOT: NodeDef = NodeDef {
    children: &[
        &FACTORY, &INCLUDE, &MODEL, &PATHS, &COMMANDS, &MAY, &NEVER, &SERVER, &WORKSPACE, &GATE,
        &PROFILE, &ROLE, &RULE, &DOCUMENT, &TASK,
    ],
    ..node("", "A spec file.")
};
