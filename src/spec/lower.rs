//! Nodes that fit the grammar → typed nodes.

use super::{
    SpecError, Usd,
    ast::{
        Accept, AcceptProof, ActionItem, Agent, AgentField, Cannot, CannotBoth, Copy, Document,
        Driver, Expect, External, Factory, Gate, Grants, Hold, LintLevel, Memory, Mention, Model,
        Notify, Price, Profile, Require, Role, Rule, Section, SectionFrom, Server, Set, SetKind,
        Spec, Step, StepWork, Stop, Task, Text, Trust, Variable, Workspace,
    },
    syntax::{Node, Value},
};
use crate::{
    boundary::{Capability, Layer},
    client::front::Style,
    diagnostics::{Findings, Level, Span, Spanned},
};

/// How many files a `files` section lists unless it says so.
const DEFAULT_MAX: usize = 40;

/// What one file adds to the spec.
pub(super) struct Lowered {
    /// The version of the language that it asks for, if it says.
    pub(super) version: Option<Spanned<i128>>,
    /// The compiler that it asks for, if it says.
    pub(super) requires: Option<Text>,
    /// The patterns of its includes.
    pub(super) includes: Vec<Text>,
}

/// Adds `nodes` to `spec`. `root` tells whether they stand in the file that is checked.
pub(super) fn lower(
    nodes: &[Node],
    root: bool,
    spec: &mut Spec,
    findings: &mut Findings,
) -> Lowered {
    let mut lowered = Lowered {
        version: None,
        requires: None,
        includes: Vec::new(),
    };
    for node in nodes {
        let mut lower = Lower { node, findings };
        match node.def.name {
            "factory" if root => {
                lowered.version = lower.integer_prop("spec");
                lowered.requires = lower.prop("requires");
                lowered.includes.extend(lower.texts("include"));
                spec.factory = lower.factory();
            }
            "factory" => findings.add(SpecError::IncludedFactory {
                span: node.name.into(),
            }),
            "include" => lowered.includes.extend(lower.args(0)),
            "model" => spec.models.extend(lower.model()),
            "paths" => spec.sets.extend(lower.set(SetKind::Paths)),
            "commands" => spec.sets.extend(lower.set(SetKind::Commands)),
            "may" => spec.grants.may.extend(lower.actions()),
            "never" => spec.grants.never.extend(lower.actions()),
            "server" => spec.servers.extend(lower.server()),
            "workspace" => lower.workspace(&mut spec.workspace),
            "gate" => spec.gates.extend(lower.gate()),
            "profile" => spec.profiles.extend(lower.profile()),
            "role" => spec.roles.extend(lower.role()),
            "rule" => spec.rules.extend(lower.rule()),
            "document" => spec.documents.extend(lower.document()),
            "task" => spec.tasks.extend(lower.task()),
            // The grammar has no other node at the top; a test holds that.
            _ => {}
        }
    }
    lowered
}

// How amounts with a unit are written.
struct Measure {
    units: &'static [(&'static str, u64)],
    names: &'static str,
    expected: &'static str,
    found: &'static str,
}

const TIME: Measure = Measure {
    units: &[("s", 1), ("m", 60), ("h", 3600)],
    names: "`s` for seconds, `m` for minutes, or `h` for hours",
    expected: "a time such as \"90s\", \"5m\", or \"2h\"",
    found: "no time",
};

const SIZE: Measure = Measure {
    units: &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)],
    names: "`B`, `KiB` (1024 bytes), or `MiB`",
    expected: "a size such as \"8KiB\"",
    found: "no size",
};

struct Lower<'a, 'f> {
    node: &'a Node,
    findings: &'f mut Findings,
}

// `max-turns` as the client spells it.
fn camel(name: &str) -> String {
    let mut parts = name.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at_checked(1).unwrap_or((part, ""));
        name + &head.to_ascii_uppercase() + tail
    })
}

// An empty text stands for a value that a finding has already spoken of.
fn text(value: &Spanned<Value>) -> Option<Text> {
    match &value.value {
        Value::Text(text) if !text.is_empty() => Some(Spanned::new(text.clone(), value.span)),
        Value::Text(_) | Value::Integer(_) | Value::Bool(_) => None,
    }
}

impl<'a> Lower<'a, '_> {
    fn arg(&self, index: usize) -> Option<Text> {
        self.node.args.get(index).and_then(text)
    }

    // All arguments from `index` on.
    fn args(&self, index: usize) -> Vec<Text> {
        self.node.args.iter().skip(index).filter_map(text).collect()
    }

    fn prop(&self, name: &str) -> Option<Text> {
        self.node.props.get(name).and_then(text)
    }

    // A required property; where it is missing, a finding has said so, and the node is declared all
    // the same: what refers to it is not at fault.
    fn prop_or_none(&self, name: &str) -> Text {
        self.prop(name)
            .unwrap_or_else(|| Spanned::new(String::new(), self.node.name))
    }

    fn integer_prop(&self, name: &str) -> Option<Spanned<i128>> {
        let value = self.node.props.get(name)?;
        match value.value {
            Value::Integer(number) => Some(Spanned::new(number, value.span)),
            Value::Text(_) | Value::Bool(_) => None,
        }
    }

    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.node
            .children
            .iter()
            .filter(move |child| child.def.name == name)
    }

    fn child(&self, name: &'static str) -> Option<&'a Node> {
        self.all(name).next()
    }

    // The first argument of the child called `name`.
    fn text(&self, name: &'static str) -> Option<Text> {
        self.child(name)?.args.first().and_then(text)
    }

    // All arguments of all children called `name`.
    fn texts(&self, name: &'static str) -> Vec<Text> {
        self.all(name)
            .flat_map(|child| child.args.iter().filter_map(text))
            .collect()
    }

    fn within<'n, 'g>(&'g mut self, node: &'n Node) -> Lower<'n, 'g> {
        Lower {
            node,
            findings: self.findings,
        }
    }

    fn actions(&self) -> Vec<ActionItem> {
        let mut items = Vec::new();
        for child in &self.node.children {
            let Some(capability) = Capability::from_word(child.def.name) else {
                continue;
            };
            items.extend(
                child
                    .args
                    .iter()
                    .filter_map(text)
                    .map(|text| ActionItem { capability, text }),
            );
        }
        items
    }

    fn actions_of(&mut self, name: &'static str) -> Vec<ActionItem> {
        let nodes: Vec<_> = self.all(name).collect();
        nodes
            .into_iter()
            .flat_map(|node| self.within(node).actions())
            .collect()
    }

    fn grants(&mut self) -> Grants {
        Grants {
            may: self.actions_of("may"),
            never: self.actions_of("never"),
        }
    }

    fn wrong(&mut self, what: &str, expected: &str, found: &'static str, help: String, span: Span) {
        self.findings.add(SpecError::WrongValue {
            what: what.to_owned(),
            expected: expected.to_owned(),
            help: Some(help),
            span: span.into(),
            found,
        });
    }

    fn count(
        &mut self,
        what: &str,
        value: Option<Spanned<i128>>,
        least: i128,
    ) -> Option<Spanned<u32>> {
        let value = value?;
        match u32::try_from(value.value) {
            Ok(number) if value.value >= least => Some(Spanned::new(number, value.span)),
            Ok(_) | Err(_) => {
                let found = if value.value < least {
                    "too small"
                } else {
                    "too large"
                };
                let help = format!("write a number from {least} to {}", u32::MAX);
                self.wrong(what, "a count", found, help, value.span);
                None
            }
        }
    }

    fn money(&mut self, what: &str, value: Option<Text>) -> Option<Spanned<u64>> {
        let value = value?;
        if let Ok(Usd { micros }) = value.value.parse() {
            return Some(Spanned::new(micros, value.span));
        }
        let number: String = value
            .value
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let example = if number.parse::<Usd>().is_ok() {
            number
        } else {
            "15.00".to_owned()
        };
        let help = format!(
            "write a plain decimal such as \"{example}\"; the unit is always the US dollar"
        );
        self.wrong(what, "an amount of dollars", "no amount", help, value.span);
        None
    }

    // A number and its unit, in the smallest of `units`.
    fn measure(
        &mut self,
        what: &str,
        value: Option<Text>,
        measure: &Measure,
    ) -> Option<Spanned<u64>> {
        let value = value?;
        let units = measure.units;
        let digits = value.value.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = value.value.split_at_checked(digits)?;
        let factor = units
            .iter()
            .find(|(name, _)| *name == unit.trim())
            .map(|(_, factor)| *factor);
        match (number.parse::<u64>().ok(), factor) {
            (Some(number @ 1..), Some(factor)) if number.checked_mul(factor).is_some() => {
                Some(Spanned::new(number * factor, value.span))
            }
            _ => {
                let help = format!("write a whole number and its unit: {}", measure.names);
                self.wrong(what, measure.expected, measure.found, help, value.span);
                None
            }
        }
    }

    fn duration(&mut self, what: &str, value: Option<Text>) -> Option<Spanned<u64>> {
        self.measure(what, value, &TIME)
    }

    fn size(&mut self, what: &str, value: Option<Text>) -> Option<Spanned<u64>> {
        self.measure(what, value, &SIZE)
    }

    fn factory(&mut self) -> Option<Factory> {
        let name = self.arg(0)?;
        Some(Factory {
            name,
            description: self.text("description"),
            preamble: self.text("preamble"),
            planner: self.text("planner"),
            targets: self.texts("target"),
            driver: self
                .child("driver")
                .and_then(|node| self.within(node).driver()),
            stop: self.stop(),
            jobs: self.first_integer("jobs", 1),
            notify: self.notify(),
            guard: self.text("guard"),
            hold: self.hold(),
            lints: self.lints(),
        })
    }

    fn first_integer(&mut self, name: &'static str, least: i128) -> Option<Spanned<u32>> {
        let value = self.child(name)?.args.first()?;
        let Value::Integer(number) = value.value else {
            return None;
        };
        self.count(name, Some(Spanned::new(number, value.span)), least)
    }

    fn driver(&mut self) -> Option<Driver> {
        Some(Driver {
            name: self.arg(0)?,
            command: self.texts("command"),
            recordings: self.text("recordings"),
            env: self.texts("env"),
        })
    }

    fn notify(&mut self) -> Vec<Notify> {
        let lower = |node: &Node| Notify {
            span: node.name,
            events: node.args.iter().filter_map(text).collect(),
            run: node
                .children
                .first()
                .and_then(|run| run.args.first())
                .and_then(text),
        };
        self.all("notify").map(lower).collect()
    }

    fn stop(&mut self) -> Stop {
        let Some(node) = self.child("stop") else {
            return Stop::default();
        };
        let mut lower = self.within(node);
        let attempts = lower.integer_prop("attempts");
        let (usd, wall) = (lower.prop("usd"), lower.prop("wall"));
        Stop {
            attempts: lower.count("stop attempts=", attempts, 1),
            usd: lower.money("stop usd=", usd),
            wall: lower.duration("stop wall=", wall),
        }
    }

    fn hold(&mut self) -> Vec<Hold> {
        let mut holds = Vec::new();
        for node in self.all("hold") {
            let platform = node.props.get("platform").and_then(text);
            let place = node.props.get("in").and_then(text);
            for child in &node.children {
                let layer = child.args.first().and_then(text).and_then(|word| {
                    let layers = [
                        Layer::Advised,
                        Layer::Guarded,
                        Layer::Rejected,
                        Layer::Prevented,
                    ];
                    let layer = layers
                        .into_iter()
                        .find(|layer| layer.word() == word.value)?;
                    Some(Spanned::new(layer, word.span))
                });
                let capability = Capability::from_word(child.def.name);
                if let (Some(capability), Some(layer)) = (capability, layer) {
                    holds.push(Hold {
                        capability,
                        layer,
                        platform: platform.clone(),
                        place: place.clone(),
                    });
                }
            }
        }
        holds
    }

    fn lints(&mut self) -> Vec<LintLevel> {
        let lower = |node: &Node| {
            let level = node.props.get("level").and_then(text)?;
            let levels = [Level::Off, Level::Advice, Level::Warning, Level::Error];
            let found = levels
                .into_iter()
                .find(|known| known.word() == level.value)?;
            Some(LintLevel {
                code: node.args.first().and_then(text)?,
                level: Spanned::new(found, level.span),
                because: node.props.get("because").and_then(text)?,
            })
        };
        self.all("lint").filter_map(lower).collect()
    }

    fn model(&mut self) -> Option<Model> {
        let price = self.child("price").and_then(|node| {
            let mut lower = self.within(node);
            let mut amount = |name: &str| {
                let written = lower.prop(name);
                lower
                    .money(&format!("price {name}="), written)
                    .map(|amount| amount.value)
            };
            let (cache_read, cache_write) = (amount("cache-read"), amount("cache-write"));
            Some(Price {
                input: amount("input")?,
                output: amount("output")?,
                cache_read,
                cache_write,
            })
        });
        Some(Model {
            name: self.arg(0)?,
            id: self.prop_or_none("id"),
            price,
        })
    }

    fn set(&mut self, kind: SetKind) -> Option<Set> {
        let examples = |name: &'static str| {
            let all = self.all("expect").flat_map(|expect| &expect.children);
            let named = all.filter(|child| child.def.name == name);
            named
                .flat_map(|child| child.args.iter().filter_map(text))
                .collect()
        };
        Some(Set {
            kind,
            name: self.arg(0)?,
            members: self.args(1),
            except: self.texts("except"),
            has: examples("has"),
            lacks: examples("lacks"),
        })
    }

    fn server(&mut self) -> Option<Server> {
        let name = self.arg(0)?;
        let command = self.texts("command");
        if command.is_empty() && !self.node.flawed {
            self.findings.add(SpecError::Contradiction {
                message: format!("server `{}` has no command", name.value),
                help: "add `command \"PROGRAM\" \"ARGUMENT\"…`, with the version pinned".to_owned(),
                span: name.span.into(),
                label: "nothing can be started".to_owned(),
            });
        }
        let keep = self.node.props.get("keep").map(|value| &value.value);
        Some(Server {
            name,
            keep: keep == Some(&Value::Bool(true)),
            command,
            env: self.texts("env"),
        })
    }

    fn workspace(&mut self, workspace: &mut Workspace) {
        workspace.setup = self.texts("setup");
        workspace.scratch = self.texts("scratch");
        for node in self.all("copy") {
            let whom = node.props.get("for").and_then(text);
            let for_agents = whom.is_some_and(|whom| whom.value == "agents");
            workspace.copy.extend(
                node.args
                    .iter()
                    .filter_map(text)
                    .map(|path| Copy { path, for_agents }),
            );
        }
        let variable = |node: &Node| {
            let name = node.args.first().and_then(text)?;
            let value = node.props.get("value")?;
            let Value::Text(written) = &value.value else {
                return None;
            };
            Some(Variable {
                name,
                value: Spanned::new(written.clone(), value.span),
            })
        };
        workspace.env = self.all("env").filter_map(variable).collect();
    }

    fn gate(&mut self) -> Option<Gate> {
        let mention = |node: &Node| {
            let within = node.props.get("within").and_then(text)?;
            Some(Mention {
                files: node.args.iter().filter_map(text).collect(),
                within,
            })
        };
        let external = |node: &Node| {
            let key = node.props.get("key").and_then(text);
            Some(External {
                name: node.args.first().and_then(text)?,
                key,
            })
        };
        let timeout = self.text("timeout");
        let gate = Gate {
            name: self.arg(0)?,
            builtin: self.prop("builtin"),
            title: self.text("title"),
            run: self.text("run"),
            inputs: self.texts("inputs"),
            env: self.texts("env"),
            tools: self.texts("tool"),
            outputs: self.texts("outputs"),
            sealed: self.texts("sealed"),
            timeout: self.duration("timeout", timeout),
            external: self.child("external").and_then(external),
            links: self.texts("links"),
            mentions: self.all("mention").filter_map(mention).collect(),
            covers: self.texts("covers"),
            by: self.texts("by"),
            undo: self.text("undo"),
            passes: self.texts("passes"),
        };
        // Which kind it was to be is not known, or what is missing may be what is misspelled.
        if !self.node.flawed {
            self.gate_parts(&gate);
        }
        Some(gate)
    }

    // Which children make sense together depends on the kind of the gate.
    fn gate_parts(&mut self, gate: &Gate) {
        let name = &gate.name;
        let (kind, parts): (&str, &[&str]) =
            match gate.builtin.as_ref().map(|kind| kind.value.as_str()) {
                None => (
                    "run",
                    &[
                        "run", "inputs", "outputs", "env", "tool", "sealed", "external",
                    ],
                ),
                Some("consistency") => ("consistency", &["links", "mention"]),
                Some("docs") => ("docs", &["covers", "by"]),
                Some(_) => ("rollback", &["undo", "passes", "env"]),
            };
        if kind == "run" && gate.run.is_none() {
            self.findings.add(SpecError::Contradiction {
                message: format!("gate `{}` checks nothing", name.value),
                help: "add `run \"COMMAND\"`, or `builtin=\"consistency\"`, `\"docs\"`, `\"rollback\"`"
                    .to_owned(),
                span: name.span.into(),
                label: "it has neither `run` nor `builtin`".to_owned(),
            });
        }
        for child in &self.node.children {
            if !parts.contains(&child.def.name) && !matches!(child.def.name, "title" | "timeout") {
                let parts: Vec<_> = parts.iter().map(|part| format!("`{part}`")).collect();
                let parts = parts.join(", ");
                let (what, help) = if kind == "run" {
                    (
                        "that runs a command".to_owned(),
                        format!("such a gate has {parts}; or give it a `builtin`"),
                    )
                } else {
                    (
                        format!("with builtin=\"{kind}\""),
                        format!("such a gate has {parts}; factory itself does the rest"),
                    )
                };
                self.findings.add(SpecError::Contradiction {
                    message: format!("`{}` means nothing in a gate {what}", child.def.name),
                    help,
                    span: child.name.into(),
                    label: "would be ignored".to_owned(),
                });
            }
        }
        let missing = match kind {
            "consistency" if gate.links.is_empty() && gate.mentions.is_empty() => {
                "links \"**/*.md\""
            }
            "docs" if gate.covers.is_empty() => "covers \"src/**\"",
            "docs" if gate.by.is_empty() => "by \"docs/**\"",
            _ => return,
        };
        self.findings.add(SpecError::Contradiction {
            message: format!("gate `{}` has nothing to look at", name.value),
            help: format!("add `{missing}`, or patterns of your own"),
            span: name.span.into(),
            label: "would pass whatever happens".to_owned(),
        });
    }

    fn profile(&mut self) -> Option<Profile> {
        Some(Profile {
            name: self.arg(0)?,
            profiles: self.texts("profile"),
            gates: self.texts("gates"),
            grants: self.grants(),
        })
    }

    fn role(&mut self) -> Option<Role> {
        let limit = self.child("memory").and_then(|node| {
            let mut lower = self.within(node);
            let written = lower.prop("limit");
            lower.size("memory limit=", written)
        });
        let memory = self.text("memory").zip(limit);
        let expects: Vec<_> = self.all("expect").collect();
        let mut expect = Expect::default();
        for node in expects {
            let mut lower = self.within(node);
            expect.can.extend(lower.actions_of("can"));
            expect.cannot.extend(lower.actions_of("cannot"));
        }
        Some(Role {
            span: self.node.span,
            name: self.arg(0)?,
            model: self.prop_or_none("model"),
            prompt: self.prop_or_none("prompt"),
            title: self.text("title"),
            description: self.text("description"),
            profiles: self.texts("profile"),
            grants: self.grants(),
            gates: self.texts("gates"),
            memory: memory.map(|(path, limit)| Memory {
                path,
                limit: limit.value,
            }),
            verbatim: self.prop("compile").is_some(),
            agent: self
                .child("agent")
                .and_then(|node| self.within(node).agent()),
            guard: self.text("guard"),
            stop: self.stop(),
            expect,
            hold: self.hold(),
            lints: self.lints(),
        })
    }

    fn agent(&self) -> Option<Agent> {
        let verbatim = |node: &Node, name: &str| match &node.props.get(name)?.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(_) | Value::Bool(_) => None,
        };
        let words = |node: &Node| -> Vec<String> {
            let words = node.args.iter().map(|arg| &arg.value);
            words
                .filter_map(|word| match word {
                    Value::Text(text) => Some(text.clone()),
                    Value::Integer(_) | Value::Bool(_) => None,
                })
                .collect()
        };
        let field = |node: &Node| {
            let mut words = words(node);
            let key = match node.def.name {
                "field" if words.is_empty() => return None,
                "field" => words.remove(0),
                name => camel(name),
            };
            let style = verbatim(node, "style").and_then(|word| Style::from_word(&word));
            Some(AgentField {
                key,
                words,
                style: style.unwrap_or(Style::Plain),
                spelled: verbatim(node, "as"),
            })
        };
        let bom = self.node.props.get("bom").map(|value| &value.value);
        Some(Agent {
            path: self.arg(0)?,
            bom: bom == Some(&Value::Bool(true)),
            crlf: self.prop("lines").is_some(),
            open: verbatim(self.node, "open"),
            close: verbatim(self.node, "close"),
            head: verbatim(self.node, "head"),
            fields: self.node.children.iter().filter_map(field).collect(),
            tools: self.spelled("tools"),
            disallowed: self.spelled("disallowed-tools"),
        })
    }

    // The words of the client's fields of that name, as they stand there.
    fn spelled(&self, name: &str) -> Vec<Text> {
        let fields = self.node.children.iter();
        let words = fields
            .filter(|node| node.def.name == name)
            .flat_map(|node| &node.args);
        words
            .filter_map(|word| match &word.value {
                Value::Text(text) => Some(Text::new(text.clone(), word.span)),
                Value::Integer(_) | Value::Bool(_) => None,
            })
            .collect()
    }

    fn rule(&mut self) -> Option<Rule> {
        let title = self.arg(0)?;
        let (mut cannot, mut cannot_both, mut require) = (Vec::new(), Vec::new(), Vec::new());
        let mut trust = Vec::new();
        for child in &self.node.children {
            let mut lower = self.within(child);
            let span = child.name;
            let direct = child.props.get("direct-only").map(|value| &value.value);
            let direct_only = direct == Some(&Value::Bool(true));
            match child.def.name {
                "cannot" => cannot.push(Cannot {
                    span,
                    roles: lower.args(0),
                    direct_only,
                    what: lower.actions(),
                }),
                "cannot-both" => cannot_both.push(CannotBoth {
                    span,
                    direct_only,
                    what: lower.actions(),
                }),
                "trust" => trust.push(Trust {
                    commands: lower.args(0),
                    because: lower.prop_or_none("because"),
                }),
                "require" => {
                    require.push(Require {
                        span,
                        gates: lower.args(0),
                        when: lower.actions_of("when"),
                    });
                }
                _ => {}
            }
        }
        let flawed = self.node.flawed;
        let mut empty = |message: String, help: &str, span: Span| {
            if flawed {
                return;
            }
            self.findings.add(SpecError::Contradiction {
                message,
                help: help.to_owned(),
                span: span.into(),
                label: "says nothing".to_owned(),
            });
        };
        if cannot.is_empty() && cannot_both.is_empty() && require.is_empty() {
            let help = "add `cannot`, `cannot-both`, or `require`; what only a model can judge belongs in the prompts";
            empty(
                format!("rule `{}` states nothing that can be proven", title.value),
                help,
                title.span,
            );
        }
        for cannot in cannot.iter().filter(|cannot| cannot.what.is_empty()) {
            empty(
                "`cannot` forbids nothing".to_owned(),
                "say what, as in `{ write \"**\"; }`",
                cannot.span,
            );
        }
        for both in &cannot_both {
            let kinds: std::collections::BTreeSet<_> =
                both.what.iter().map(|item| item.capability).collect();
            if kinds.len() < 2 {
                let help =
                    "name things of two kinds, as in `{ write \"@source\"; run \"@deploy\"; }`";
                empty(
                    "`cannot-both` needs two kinds of things".to_owned(),
                    help,
                    both.span,
                );
            }
        }
        Some(Rule {
            title,
            because: self.text("because"),
            cannot,
            cannot_both,
            require,
            trust,
        })
    }

    fn document(&mut self) -> Option<Document> {
        let nodes: Vec<_> = self.all("section").collect();
        let sections = nodes
            .into_iter()
            .filter_map(|node| self.within(node).section())
            .collect();
        Some(Document {
            path: self.arg(0)?,
            sections,
        })
    }

    fn section(&mut self) -> Option<Section> {
        let title = self.arg(0)?;
        let files = self.texts("files");
        let mut sources = Vec::new();
        sources.extend(self.text("from").map(SectionFrom::File));
        sources.extend(self.text("template").map(SectionFrom::Template));
        if !files.is_empty() {
            let max = self.first_integer("max", 1);
            let max = max
                .and_then(|max| usize::try_from(max.value).ok())
                .unwrap_or(DEFAULT_MAX);
            sources.push(SectionFrom::Files {
                patterns: files,
                max,
            });
        } else if let Some(max) = self.child("max") {
            self.findings.add(SpecError::Contradiction {
                message: "`max` means nothing without `files`".to_owned(),
                help: "it bounds the list of `files`; take it away".to_owned(),
                span: max.name.into(),
                label: "would be ignored".to_owned(),
            });
        }
        if sources.len() != 1 && !self.node.flawed {
            let message = if sources.is_empty() {
                format!("section `{}` has no text", title.value)
            } else {
                format!("section `{}` has more than one text", title.value)
            };
            self.findings.add(SpecError::Contradiction {
                message,
                help: "give one of `from \"FILE\"`, `template \"FILE\"`, `files \"PATTERN\"`"
                    .to_owned(),
                span: title.span.into(),
                label: "one source, please".to_owned(),
            });
        }
        Some(Section {
            title,
            from: sources.into_iter().next().unwrap_or(SectionFrom::Nothing),
        })
    }

    fn task(&mut self) -> Option<Task> {
        let accepts: Vec<_> = self.all("accept").collect();
        let accept = accepts
            .into_iter()
            .filter_map(|node| self.within(node).accept())
            .collect();
        let nodes: Vec<_> = self.all("step").collect();
        let steps: Vec<_> = nodes
            .into_iter()
            .filter_map(|node| self.within(node).step())
            .collect();
        let name = self.arg(0)?;
        let goal = self.text("goal");
        if (goal.is_none() || steps.is_empty()) && !self.node.flawed {
            let missing = if goal.is_none() { "goal" } else { "step" };
            self.findings.add(SpecError::Contradiction {
                message: format!("task `{}` has no {missing}", name.value),
                help: format!("add `{missing} \"…\"`"),
                span: name.span.into(),
                label: format!("`{missing}` is missing"),
            });
        }
        Some(Task {
            name,
            goal,
            accept,
            steps,
        })
    }

    fn accept(&mut self) -> Option<Accept> {
        let text = self.arg(0)?;
        let proof = match (self.text("run"), self.text("by")) {
            (Some(run), None) => AcceptProof::Run(run),
            (None, Some(by)) => AcceptProof::By(by),
            (None, None) => AcceptProof::Nobody,
            (Some(_), Some(by)) => {
                self.findings.add(SpecError::Contradiction {
                    message: "a criterion has one proof".to_owned(),
                    help: "keep `run` or `by`; a second criterion can have the other".to_owned(),
                    span: by.span.into(),
                    label: "beside a `run`".to_owned(),
                });
                AcceptProof::By(by)
            }
        };
        Some(Accept { text, proof })
    }

    // A boundary that holds nothing is hardly meant.
    fn only(&mut self) {
        if let Some(node) = self.child("only")
            && !node.flawed
            && self.within(node).actions().is_empty()
        {
            self.findings.add(SpecError::Contradiction {
                message: "`only` leaves nothing".to_owned(),
                help:
                    "say what the step may do, as in `only { write \"docs/**\"; }`, or take it away"
                        .to_owned(),
                span: node.name.into(),
                label: "an empty boundary".to_owned(),
            });
        }
    }

    fn step(&mut self) -> Option<Step> {
        let name = self.arg(0)?;
        let run = self.text("run");
        let role = self.prop("role");
        let agent_parts = ["sends-back", "item", "read-first", "only", "stop"];
        let mut misplaced = Vec::new();
        let work = match (role, run) {
            (Some(role), None) => {
                misplaced.extend(self.child("env"));
                self.only();
                // What it was to yield is not known where that is misspelled.
                let unclear =
                    self.node.props.contains_key("yields") && self.prop("yields").is_none();
                StepWork::Agent {
                    role,
                    yields: self.prop("yields"),
                    sends_back: self.text("sends-back").filter(|_| !unclear),
                    items: self.texts("item"),
                    read_first: self.texts("read-first"),
                    only: self.child("only").map(|node| self.within(node).actions()),
                }
            }
            (None, Some(run)) => {
                misplaced.extend(agent_parts.into_iter().filter_map(|part| self.child(part)));
                StepWork::Effect {
                    run,
                    env: self.texts("env"),
                }
            }
            (None, None) if self.node.flawed => StepWork::Nothing,
            (role, _) => {
                let message = if role.is_some() {
                    format!("step `{}` has both a role and a command", name.value)
                } else {
                    format!("nobody works in step `{}`", name.value)
                };
                self.findings.add(SpecError::Contradiction {
                    message,
                    help:
                        "give it `role=\"NAME\"`, or `run \"COMMAND\"` for a step without a model"
                            .to_owned(),
                    span: name.span.into(),
                    label: "either an agent or a command".to_owned(),
                });
                StepWork::Nothing
            }
        };
        for child in misplaced {
            let with = if child.def.name == "env" {
                "a role: grant `env` to the role"
            } else {
                "`run`"
            };
            self.findings.add(SpecError::Contradiction {
                message: format!("`{}` means nothing in a step with {with}", child.def.name),
                help: "take it away".to_owned(),
                span: child.name.into(),
                label: "would be ignored".to_owned(),
            });
        }
        Some(Step {
            name,
            after: self.texts("after"),
            approval: self.text("approval"),
            work,
            stop: self.stop(),
        })
    }
}
