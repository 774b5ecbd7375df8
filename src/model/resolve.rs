//! Looks every name of a spec up.

use std::{collections::BTreeSet, sync::Arc};

use miette::LabeledSpan;

use super::{
    AgentFile, Bounds, Cannot, CannotBoth, Document, Driver, DriverKind, Example, Gate, GateId,
    GateKind, GuardMode, Hold, HoldPlace, LanguageModel, LintLevel, Memory, Mention, Model,
    ModelError, ModelId, Notice, Notify, Price, Protected, Require, Reserved, Role, RoleId, Rule,
    Section, SectionFrom, Server, ServerCommand, Set, SetMembers, Stop, Trust, Usd, Workspace,
    boundaries::{Sets, variable},
    names::{Names, circle},
    tasks,
    values::{Copy, CopyFor, External},
};
use crate::{
    boundary::{Entry, PathPattern, Shared},
    client::front::{Field, Head},
    diagnostics::{Findings, Span, Spanned},
    spec::{self, Grants, Loaded, SetKind, Spec, Text},
};

/// What a step may use where nobody says anything: a budget is on by default.
const DEFAULT_STOP: Stop = Stop {
    attempts: 3,
    usd: Usd { micros: 10_000_000 },
    wall: 3600,
};

/// How many steps run at the same time unless the factory says.
const DEFAULT_JOBS: u32 = 4;

/// How long a gate may take unless it says, in seconds.
const DEFAULT_TIMEOUT: u64 = 600;

/// Returns the resolved factory of what was loaded, or nothing where the spec has no `factory`
/// node. What does not resolve is left out and reported.
pub fn resolve(loaded: &Loaded, findings: &mut Findings) -> Option<Model> {
    let spec = &loaded.spec;
    let factory = spec.factory.as_ref()?;
    let tables = Tables::new(spec, findings);
    let members = set_members(spec, &tables.sets, findings);
    let sets = Sets {
        names: &tables.sets,
        members: &members,
        servers: &tables.servers,
        roles: &tables.roles,
    };
    let stop = stop(&factory.stop, DEFAULT_STOP);

    let gates = gates(spec, &tables.gates, &sets, findings);
    let protected = protected(loaded, findings);
    let universal = Arc::new(Shared::new(protected.entries()));
    let mut roles = Vec::new();
    let profiles = profile_closures(spec, &tables.profiles, findings);
    let inherited = Inherited::new(spec, &sets, findings);
    for role in &spec.roles {
        let sources = RoleSources {
            spec,
            tables: &tables,
            sets: &sets,
            profiles: &profiles,
            inherited: &inherited,
        };
        roles.push(sources.role(role, &universal, stop, findings));
    }
    let rules = spec
        .rules
        .iter()
        .map(|rule| self::rule(rule, &tables, &sets, findings))
        .collect();
    let agents = spec.roles.iter().filter_map(|role| role.agent.as_ref());
    Names::new("agent file", agents.map(|agent| &agent.path), findings);
    Names::new("rule", spec.rules.iter().map(|rule| &rule.title), findings);
    let documents = documents(spec, &sets, findings);
    let tasks = {
        let steps = tasks::Context {
            tables: &tables,
            sets: &sets,
            roles: &roles,
        };
        Names::new("task", spec.tasks.iter().map(|task| &task.name), findings);
        spec.tasks
            .iter()
            .map(|task| steps.task(task, findings))
            .collect()
    };
    let workspace = workspace(&spec.workspace, &sets, findings);
    let planner = factory
        .planner
        .as_ref()
        .and_then(|name| tables.role(name, findings));
    let sets_unused = tables.sets.unused(spec.sets.iter().map(|set| &set.name));
    let profiles = spec.profiles.iter().map(|profile| &profile.name);
    let unused = sets_unused
        .map(|name| ("set", name.clone()))
        .chain(
            tables
                .profiles
                .unused(profiles)
                .map(|name| ("profile", name.clone())),
        )
        .collect();
    Some(Model {
        unused,
        name: factory.name.clone(),
        description: factory.description.as_ref().map(|text| text.value.clone()),
        preamble: factory.preamble.clone(),
        planner,
        targets: factory.targets.clone(),
        driver: driver(factory.driver.as_ref(), findings),
        stop,
        jobs: factory.jobs.map_or(DEFAULT_JOBS, |jobs| jobs.value),
        notify: notify(&factory.notify, findings),
        models: spec.models.iter().map(language_model).collect(),
        servers: spec.servers.iter().map(server).collect(),
        sets: named_sets(spec, members),
        workspace,
        gates,
        roles,
        rules,
        documents,
        tasks,
        everyone: [&spec.grants.may, &spec.grants.never]
            .into_iter()
            .flatten()
            .map(|item| item.text.span)
            .collect(),
        protected,
        spec_files: loaded.spec_files.clone(),
        templates: loaded.templates.clone(),
        memories: loaded.memories.clone(),
        missing: loaded.missing.clone(),
        lints: lints(&factory.lints),
        hold: hold(&factory.hold),
    })
}

/// The tables of names.
pub(super) struct Tables {
    sets: Names,
    servers: Names,
    models: Names,
    gates: Names,
    profiles: Names,
    roles: Names,
}

impl Tables {
    fn new(spec: &Spec, findings: &mut Findings) -> Self {
        Self {
            sets: Names::new("set", spec.sets.iter().map(|set| &set.name), findings),
            servers: Names::new(
                "server",
                spec.servers.iter().map(|server| &server.name),
                findings,
            ),
            models: Names::new(
                "model",
                spec.models.iter().map(|model| &model.name),
                findings,
            ),
            gates: Names::new("gate", spec.gates.iter().map(|gate| &gate.name), findings),
            profiles: Names::new(
                "profile",
                spec.profiles.iter().map(|profile| &profile.name),
                findings,
            ),
            roles: Names::new("role", spec.roles.iter().map(|role| &role.name), findings),
        }
    }

    pub(super) fn role(&self, name: &Text, findings: &mut Findings) -> Option<Spanned<RoleId>> {
        self.roles
            .find(name, findings)
            .map(|found| found.map(RoleId))
    }

    pub(super) fn gate(&self, name: &Text, findings: &mut Findings) -> Option<Spanned<GateId>> {
        self.gates
            .find(name, findings)
            .map(|found| found.map(GateId))
    }

    fn model(&self, name: &Text, findings: &mut Findings) -> Spanned<ModelId> {
        self.models
            .find(name, findings)
            .unwrap_or(Spanned::new(0, name.span))
            .map(ModelId)
    }

    // The roles that `names` stand for; `*` and no name at all are every role.
    fn roles(&self, names: &[Text], count: usize, findings: &mut Findings) -> Vec<RoleId> {
        if names.is_empty() || names.iter().any(|name| name.value == "*") {
            return (0..count).map(RoleId).collect();
        }
        names
            .iter()
            .filter_map(|name| self.role(name, findings))
            .map(|role| role.value)
            .collect()
    }
}

// The members of every set, those of the sets that it names among them.
fn set_members(spec: &Spec, names: &Names, findings: &mut Findings) -> Vec<SetMembers> {
    let named = |index: usize| -> Vec<usize> {
        let members = spec
            .sets
            .get(index)
            .into_iter()
            .flat_map(|set| &set.members);
        members
            .filter_map(|member| names.get(member.value.strip_prefix('@')?))
            .collect()
    };
    let looped = circle(spec.sets.len(), named);
    if let Some(way) = &looped {
        let name = |at: usize| spec.sets.get(at).map(|set| &set.name);
        let place = |from: usize, to: &str| {
            let members = spec.sets.get(from).into_iter().flat_map(|set| &set.members);
            named_at(members, |member| member.strip_prefix('@') == Some(to))
        };
        cycle("these sets contain each other", way, name, place, findings);
    }
    let empty = |set: &spec::Set| match set.kind {
        SetKind::Paths => SetMembers::Paths(Vec::new()),
        SetKind::Commands => SetMembers::Commands(Vec::new()),
    };
    let mut resolved: Vec<SetMembers> = spec.sets.iter().map(empty).collect();
    let mut done = vec![false; spec.sets.len()];
    for index in 0..spec.sets.len() {
        resolve_set(
            index,
            spec,
            names,
            &mut resolved,
            &mut done,
            looped.is_some(),
            findings,
        );
    }
    resolved
}

fn resolve_set(
    index: usize,
    spec: &Spec,
    names: &Names,
    resolved: &mut Vec<SetMembers>,
    done: &mut Vec<bool>,
    looped: bool,
    findings: &mut Findings,
) {
    let Some(set) = spec.sets.get(index) else {
        return;
    };
    if std::mem::replace(done.get_mut(index).unwrap_or(&mut true), true) {
        return;
    }
    for member in set.members.iter().filter(|_| !looped) {
        if let Some(inner) = member
            .value
            .strip_prefix('@')
            .and_then(|name| names.get(name))
        {
            resolve_set(inner, spec, names, resolved, done, looped, findings);
        }
    }
    let none = Names::new("", std::iter::empty(), findings);
    let sets = Sets {
        names,
        members: resolved,
        servers: &none,
        roles: &none,
    };
    let members = match set.kind {
        SetKind::Paths => {
            let except = set
                .except
                .iter()
                .flat_map(|text| sets.paths(text, findings));
            let except: Vec<_> = except.map(|(entry, _)| entry.pattern).collect();
            let entries = set.members.iter().flat_map(|text| {
                let entries = sets.paths(text, findings).into_iter();
                entries
                    .map(|(entry, _)| Spanned::new(less(entry, &except), text.span))
                    .collect::<Vec<_>>()
            });
            SetMembers::Paths(distinct(entries))
        }
        SetKind::Commands => {
            let except = set
                .except
                .iter()
                .flat_map(|text| sets.commands(text, findings));
            let except: Vec<_> = except.map(|(entry, _)| entry.pattern).collect();
            let entries = set.members.iter().flat_map(|text| {
                let entries = sets.commands(text, findings).into_iter();
                entries
                    .map(|(entry, _)| Spanned::new(less(entry, &except), text.span))
                    .collect::<Vec<_>>()
            });
            SetMembers::Commands(distinct(entries))
        }
    };
    if let Some(slot) = resolved.get_mut(index) {
        *slot = members;
    }
}

// Each member once: a set that holds others twice, which hold others twice, would double at every level.
fn distinct<P: std::fmt::Display>(
    members: impl Iterator<Item = Spanned<Entry<P>>>,
) -> Vec<Spanned<Entry<P>>> {
    let mut seen = BTreeSet::new();
    let key = |entry: &Entry<P>| {
        let except: BTreeSet<_> = entry.except.iter().map(ToString::to_string).collect();
        (entry.pattern.to_string(), except)
    };
    members
        .filter(|member| seen.insert(key(&member.value)))
        .collect()
}

fn less<P: Clone>(mut entry: Entry<P>, except: &[P]) -> Entry<P> {
    entry.except.extend(except.iter().cloned());
    entry
}

fn named_sets(spec: &Spec, members: Vec<SetMembers>) -> Vec<Set> {
    let with = |(set, members): (&spec::Set, SetMembers)| Set {
        name: set.name.clone(),
        members,
        has: set.has.clone(),
        lacks: set.lacks.clone(),
    };
    spec.sets.iter().zip(members).map(with).collect()
}

/// Reports a circle of things: what each is called, and where one names another.
pub(super) fn cycle<'a>(
    what: &'static str,
    way: &[usize],
    name: impl Fn(usize) -> Option<&'a Text>,
    place: impl Fn(usize, &str) -> Option<Span>,
    findings: &mut Findings,
) {
    let shown: Vec<_> = way
        .iter()
        .filter_map(|at| name(*at))
        .map(|name| name.value.as_str())
        .collect();
    let label = |from: &usize, to: &usize| {
        let to = &name(*to)?.value;
        let span = place(*from, to).or(Some(name(*from)?.span))?;
        Some(LabeledSpan::new_with_span(
            Some(format!("leads to `{to}`")),
            span,
        ))
    };
    let places = way
        .iter()
        .zip(way.iter().skip(1))
        .filter_map(|(from, to)| label(from, to))
        .collect();
    findings.add(ModelError::Cycle {
        what,
        cycle: shown.join(" → "),
        places,
    });
}

/// Returns where the first of `names` that `is` says yes to is written.
pub(super) fn named_at<'a>(
    names: impl IntoIterator<Item = &'a Text>,
    is: impl Fn(&str) -> bool,
) -> Option<Span> {
    names
        .into_iter()
        .find(|name| is(&name.value))
        .map(|name| name.span)
}

// For each profile, itself and all that it takes over, each once.
fn profile_closures(spec: &Spec, names: &Names, findings: &mut Findings) -> Vec<Vec<usize>> {
    let direct: Vec<Vec<usize>> = spec
        .profiles
        .iter()
        .map(|profile| {
            profile
                .profiles
                .iter()
                .filter_map(|name| names.find(name, findings))
                .map(|at| at.value)
                .collect()
        })
        .collect();
    let next = |at: usize| direct.get(at).cloned().unwrap_or_default();
    if let Some(way) = circle(spec.profiles.len(), next) {
        let name = |at: usize| spec.profiles.get(at).map(|profile| &profile.name);
        let place = |from: usize, to: &str| {
            named_at(
                spec.profiles
                    .get(from)
                    .into_iter()
                    .flat_map(|profile| &profile.profiles),
                |name| name == to,
            )
        };
        cycle(
            "these profiles take each other over",
            &way,
            name,
            place,
            findings,
        );
    }
    (0..spec.profiles.len())
        .map(|start| {
            let mut closure = vec![start];
            let mut at = 0;
            while let Some(profile) = closure.get(at).copied() {
                for inner in next(profile) {
                    if !closure.contains(&inner) {
                        closure.push(inner);
                    }
                }
                at += 1;
            }
            closure
        })
        .collect()
}

// What no role may write, whatever the spec says: what the factory is made from, what it makes of that,
// and what steers git and the client. What no pattern can name is reported, and never left open.
fn protected(loaded: &Loaded, findings: &mut Findings) -> Protected {
    let spec = &loaded.spec;
    let mut protected = Protected::fixed();
    let mut keep = |reserved, path: &str, span: Span| match PathPattern::literal(path) {
        // What is missing was reported where it was read.
        _ if path.is_empty() => {}
        Ok(pattern) => protected.add(reserved, pattern),
        Err(error) => findings.add(ModelError::BadPattern {
            message: format!("`{path}` can't be kept from roles: {}", error.message),
            help: Some("give the file another name".to_owned()),
            span: span.into(),
        }),
    };
    if let Some(factory) = &spec.factory {
        for path in &loaded.spec_files {
            keep(Reserved::Input, path, factory.name.span);
        }
        if let Some(path) = &factory.preamble {
            keep(Reserved::Input, &path.value, path.span);
        }
    }
    for role in &spec.roles {
        keep(Reserved::Input, &role.prompt.value, role.prompt.span);
        if let Some(agent) = &role.agent {
            keep(Reserved::Output, &agent.path.value, agent.path.span);
        }
    }
    // A pattern that is none was reported where it was read.
    let includes = loaded.includes.iter().filter_map(|text| text.parse().ok());
    for pattern in includes {
        protected.add(Reserved::Input, pattern);
    }
    protected
}

struct RoleSources<'a> {
    spec: &'a Spec,
    tables: &'a Tables,
    sets: &'a Sets<'a>,
    profiles: &'a [Vec<usize>],
    inherited: &'a Inherited,
}

// Grants that several roles have, resolved once.
struct Inherited {
    profiles: Vec<Bounds>,
    everyone: Bounds,
}

impl Inherited {
    fn new(spec: &Spec, sets: &Sets<'_>, findings: &mut Findings) -> Self {
        let mut resolve = |grants: &Grants| {
            let mut bounds = Bounds::default();
            sets.add(grants, &mut bounds, findings);
            bounds
        };
        let profiles = spec
            .profiles
            .iter()
            .map(|profile| resolve(&profile.grants))
            .collect();
        Self {
            profiles,
            everyone: resolve(&spec.grants),
        }
    }
}

impl RoleSources<'_> {
    fn role(
        &self,
        role: &spec::Role,
        universal: &Arc<Shared<PathPattern>>,
        stop: Stop,
        findings: &mut Findings,
    ) -> Role {
        let mut profiles = Vec::new();
        for name in &role.profiles {
            let Some(found) = self.tables.profiles.find(name, findings) else {
                continue;
            };
            for profile in self.profiles.get(found.value).into_iter().flatten() {
                if !profiles.contains(profile) {
                    profiles.push(*profile);
                }
            }
        }
        let mut bounds = Bounds::default();
        self.sets.add(&role.grants, &mut bounds, findings);
        let shared = profiles.iter().filter_map(|at| self.spec.profiles.get(*at));
        for profile in &profiles {
            if let Some(grants) = self.inherited.profiles.get(*profile) {
                bounds.extend(grants);
            }
        }
        bounds.extend(&self.inherited.everyone);
        bounds.protect(Arc::clone(universal));
        let mut gates: Vec<Spanned<GateId>> = Vec::new();
        for name in role
            .gates
            .iter()
            .chain(shared.flat_map(|profile| &profile.gates))
        {
            if let Some(gate) = self.tables.gate(name, findings)
                && !gates.iter().any(|known| known.value == gate.value)
            {
                gates.push(gate);
            }
        }
        let examples = |items: &[spec::ExampleItem]| {
            let example = |item: &spec::ExampleItem| Example {
                capability: item.capability,
                thing: item.text.clone(),
            };
            items.iter().map(example).collect()
        };
        Role {
            name: role.name.clone(),
            span: role.span,
            title: role.title.as_ref().unwrap_or(&role.name).value.clone(),
            description: role.description.clone(),
            model: self.tables.model(&role.model, findings),
            prompt: role.prompt.clone(),
            verbatim: role.verbatim,
            agent: role.agent.as_ref().map(|agent| self.agent(agent, role)),
            guard: role
                .guard
                .as_ref()
                .or(self
                    .spec
                    .factory
                    .as_ref()
                    .and_then(|factory| factory.guard.as_ref()))
                .map_or(GuardMode::Enforce, |mode| GuardMode::from_word(&mode.value)),
            bounds,
            gates,
            memory: role.memory.as_ref().map(|memory| Memory {
                path: memory.path.value.clone(),
                limit: memory.limit,
            }),
            memory_span: role.memory.as_ref().map(|memory| memory.path.span),
            stop: self::stop(&role.stop, stop),
            budget: role
                .stop
                .usd
                .or(self
                    .spec
                    .factory
                    .as_ref()
                    .and_then(|factory| factory.stop.usd))
                .map(|usd| usd.span),
            can: examples(&role.expect.can),
            cannot: examples(&role.expect.cannot),
            hold: hold(&role.hold),
            lints: lints(&role.lints),
        }
    }
}

impl RoleSources<'_> {
    // The client's file; what it does not give by itself is the role's.
    fn agent(&self, agent: &spec::Agent, role: &spec::Role) -> AgentFile {
        let id = || {
            let models = &self.spec.models;
            let model = models
                .iter()
                .find(|model| model.name.value == role.model.value);
            model.map(|model| model.id.value.clone())
        };
        let field = |field: &spec::AgentField| {
            let own = match field.key.as_str() {
                _ if !field.words.is_empty() || field.spelled.is_some() => None,
                "name" => Some(role.name.value.clone()),
                "description" => role.description.as_ref().map(|text| text.value.clone()),
                "model" => id(),
                _ => None,
            };
            let words = own.map_or_else(|| field.words.clone(), |word| vec![word]);
            Field::of(&field.key, &words, field.style, field.spelled.clone())
        };
        let head = Head {
            bom: agent.bom,
            crlf: agent.crlf,
            open: agent.open.clone(),
            close: agent.close.clone(),
            written: agent.head.clone(),
            fields: agent.fields.iter().map(field).collect(),
        };
        let name = head.field("name").map(|field| field.value.words().concat());
        AgentFile {
            path: agent.path.clone(),
            name: name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| role.name.value.clone()),
            head,
            tools: agent.tools.clone(),
            disallowed: agent.disallowed.clone(),
        }
    }
}

fn gates(spec: &Spec, names: &Names, sets: &Sets<'_>, findings: &mut Findings) -> Vec<Gate> {
    let entries = |texts: &[Text], findings: &mut Findings| -> Vec<Entry<PathPattern>> {
        texts
            .iter()
            .flat_map(|text| sets.paths(text, findings))
            .map(|(entry, _)| entry)
            .collect()
    };
    let mut gates = Vec::new();
    let mut edges: Vec<Vec<usize>> = Vec::new();
    for gate in &spec.gates {
        let passes: Vec<_> = gate
            .passes
            .iter()
            .filter_map(|name| names.find(name, findings))
            .collect();
        edges.push(passes.iter().map(|gate| gate.value).collect());
        let kind = match gate.builtin.as_ref().map(|kind| kind.value.as_str()) {
            None => GateKind::Run {
                command: text_or_empty(gate.run.as_ref()),
            },
            Some("consistency") => GateKind::Consistency {
                links: entries(&gate.links, findings),
                mentions: gate
                    .mentions
                    .iter()
                    .map(|mention| Mention {
                        files: entries(&mention.files, findings),
                        within: mention.within.value.clone(),
                    })
                    .collect(),
            },
            Some("docs") => GateKind::Docs {
                covers: entries(&gate.covers, findings),
                by: entries(&gate.by, findings),
            },
            Some(_) => GateKind::Rollback {
                undo: gate.undo.as_ref().map(|undo| undo.value.clone()),
                passes: gate.passes.iter().map(|name| name.value.clone()).collect(),
            },
        };
        let inputs = (!gate.inputs.is_empty()).then(|| entries(&gate.inputs, findings));
        let sealed = gate.sealed.iter().flat_map(|text| {
            let found = sets.paths(text, findings).into_iter();
            found
                .map(|(entry, _)| Spanned::new(entry, text.span))
                .collect::<Vec<_>>()
        });
        gates.push(Gate {
            sealed: sealed.collect(),
            name: gate.name.clone(),
            title: gate.title.as_ref().unwrap_or(&gate.name).value.clone(),
            kind,
            passes: passes.into_iter().map(|gate| gate.map(GateId)).collect(),
            inputs,
            outputs: entries(&gate.outputs, findings),
            env: gate
                .env
                .iter()
                .filter_map(|name| variable(name, findings))
                .collect(),
            tools: gate.tools.iter().map(|tool| tool.value.clone()).collect(),
            external: gate.external.as_ref().map(|external| External {
                name: external.name.value.clone(),
                key: external.key.as_ref().map(|key| key.value.clone()),
            }),
            timeout: gate.timeout.map_or(DEFAULT_TIMEOUT, |time| time.value),
        });
    }
    let next = |at: usize| edges.get(at).cloned().unwrap_or_default();
    if let Some(way) = circle(spec.gates.len(), next) {
        let name = |at: usize| spec.gates.get(at).map(|gate| &gate.name);
        let place = |from: usize, to: &str| {
            named_at(
                spec.gates
                    .get(from)
                    .into_iter()
                    .flat_map(|gate| &gate.passes),
                |name| name == to,
            )
        };
        cycle("these gates need each other", &way, name, place, findings);
    }
    gates
}

fn text_or_empty(text: Option<&Text>) -> String {
    text.map(|text| text.value.clone()).unwrap_or_default()
}

fn rule(rule: &spec::Rule, tables: &Tables, sets: &Sets<'_>, findings: &mut Findings) -> Rule {
    let count = tables.roles.len();
    let cannot = rule.cannot.iter().map(|cannot| Cannot {
        span: cannot.span,
        roles: tables.roles(&cannot.roles, count, findings),
        direct_only: cannot.direct_only,
        what: sets.bounds(&cannot.what, findings),
    });
    let cannot: Vec<_> = cannot.collect();
    let both = rule.cannot_both.iter().map(|both| CannotBoth {
        span: both.span,
        direct_only: both.direct_only,
        what: sets.bounds(&both.what, findings),
    });
    let cannot_both: Vec<_> = both.collect();
    let require = rule.require.iter().map(|require| Require {
        span: require.span,
        gates: require
            .gates
            .iter()
            .filter_map(|gate| tables.gate(gate, findings))
            .collect(),
        when: (!require.when.is_empty()).then(|| sets.bounds(&require.when, findings)),
    });
    let require: Vec<_> = require.collect();
    let mut trust = Vec::new();
    for trusted in &rule.trust {
        for command in &trusted.commands {
            let entries = sets.commands(command, findings).into_iter();
            trust.extend(entries.map(|(entry, _)| Trust {
                span: command.span,
                entry,
                because: trusted.because.value.clone(),
            }));
        }
    }
    Rule {
        title: rule.title.clone(),
        because: rule.because.as_ref().map(|because| because.value.clone()),
        cannot,
        cannot_both,
        require,
        trust,
    }
}

fn documents(spec: &Spec, sets: &Sets<'_>, findings: &mut Findings) -> Vec<Document> {
    Names::new(
        "document",
        spec.documents.iter().map(|document| &document.path),
        findings,
    );
    let mut documents = Vec::new();
    for document in &spec.documents {
        Names::new(
            "section",
            document.sections.iter().map(|section| &section.title),
            findings,
        );
        let mut sections = Vec::new();
        for section in &document.sections {
            let from = match &section.from {
                spec::SectionFrom::File(path) => SectionFrom::File(path.clone()),
                spec::SectionFrom::Template(name) => SectionFrom::Template(name.clone()),
                spec::SectionFrom::Files { patterns, max } => SectionFrom::Files {
                    patterns: patterns
                        .iter()
                        .flat_map(|text| sets.paths(text, findings))
                        .map(|(entry, _)| entry)
                        .collect(),
                    max: *max,
                },
                spec::SectionFrom::Nothing => continue,
            };
            sections.push(Section {
                title: section.title.clone(),
                from,
            });
        }
        documents.push(Document {
            path: document.path.clone(),
            sections,
        });
    }
    documents
}

/// Returns what `stop` says, and `outer` where it says nothing.
pub(super) fn stop(stop: &spec::Stop, outer: Stop) -> Stop {
    Stop {
        attempts: stop
            .attempts
            .map_or(outer.attempts, |attempts| attempts.value),
        usd: stop.usd.map_or(outer.usd, |usd| Usd { micros: usd.value }),
        wall: stop.wall.map_or(outer.wall, |wall| wall.value),
    }
}

fn driver(driver: Option<&spec::Driver>, findings: &mut Findings) -> Driver {
    let Some(driver) = driver else {
        return Driver {
            kind: DriverKind::ClaudeCode,
            command: Vec::new(),
            recordings: None,
            env: Vec::new(),
        };
    };
    let kind = match driver.name.value.as_str() {
        "command" => DriverKind::Command,
        "replay" => DriverKind::Replay,
        _ => DriverKind::ClaudeCode,
    };
    let missing = match kind {
        DriverKind::Command if driver.command.is_empty() => Some("command \"PROGRAM\""),
        DriverKind::Replay if driver.recordings.is_none() => Some("recordings \"FOLDER\""),
        DriverKind::ClaudeCode | DriverKind::Command | DriverKind::Replay => None,
    };
    if let Some(missing) = missing {
        findings.add(ModelError::Impossible {
            message: format!("driver `{}` can't start anything", driver.name.value),
            help: format!("add `{{ {missing}; }}`"),
            span: driver.name.span.into(),
            label: "has nothing to start".to_owned(),
        });
    }
    Driver {
        kind,
        command: driver
            .command
            .iter()
            .map(|word| word.value.clone())
            .collect(),
        recordings: driver.recordings.as_ref().map(|path| path.value.clone()),
        env: driver.env.iter().map(|name| name.value.clone()).collect(),
    }
}

fn notify(list: &[spec::Notify], findings: &mut Findings) -> Vec<Notify> {
    let mut all = Vec::new();
    for notify in list {
        let Some(run) = &notify.run else {
            findings.add(ModelError::Impossible {
                message: "`notify` tells nobody".to_owned(),
                help: "add `{ run \"COMMAND\"; }`".to_owned(),
                span: notify.span.into(),
                label: "no command".to_owned(),
            });
            continue;
        };
        let notice = |event: &Text| match event.value.as_str() {
            "failed" => Notice::Failed,
            "waiting" => Notice::Waiting,
            _ => Notice::Finished,
        };
        all.push(Notify {
            on: notify.events.iter().map(notice).collect(),
            run: run.value.clone(),
        });
    }
    all
}

fn language_model(model: &spec::Model) -> LanguageModel {
    let usd = |micros| Usd { micros };
    LanguageModel {
        name: model.name.clone(),
        id: model.id.clone(),
        price: model.price.map(|price| Price {
            input: usd(price.input),
            output: usd(price.output),
            cache_read: price.cache_read.map(usd),
            cache_write: price.cache_write.map(usd),
        }),
    }
}

fn server(server: &spec::Server) -> Server {
    let values = |texts: &[Text]| texts.iter().map(|text| text.value.clone()).collect();
    Server {
        name: server.name.clone(),
        keep: server.keep,
        start: ServerCommand {
            command: values(&server.command),
            env: values(&server.env),
        },
    }
}

fn workspace(workspace: &spec::Workspace, sets: &Sets<'_>, findings: &mut Findings) -> Workspace {
    let scratch = workspace
        .scratch
        .iter()
        .flat_map(|text| sets.paths(text, findings));
    Workspace {
        setup: workspace
            .setup
            .iter()
            .map(|line| line.value.clone())
            .collect(),
        scratch: scratch.map(|(entry, _)| entry).collect(),
        copy: workspace
            .copy
            .iter()
            .map(|copy| Copy {
                path: copy.path.value.clone(),
                for_whom: if copy.for_agents {
                    CopyFor::Agents
                } else {
                    CopyFor::Gates
                },
            })
            .collect(),
        env: workspace
            .env
            .iter()
            .map(|variable| (variable.name.value.clone(), variable.value.value.clone()))
            .collect(),
    }
}

fn lints(list: &[spec::LintLevel]) -> Vec<LintLevel> {
    list.iter()
        .map(|lint| LintLevel {
            code: lint.code.clone(),
            level: lint.level,
        })
        .collect()
}

fn hold(list: &[spec::Hold]) -> Vec<Hold> {
    let hold = |hold: &spec::Hold| Hold {
        capability: hold.capability,
        layer: hold.layer,
        platform: hold.platform.clone(),
        place: hold.place.as_ref().map(|place| match place.value.as_str() {
            "exec" => HoldPlace::Exec,
            _ => HoldPlace::Interactive,
        }),
    };
    list.iter().map(hold).collect()
}
