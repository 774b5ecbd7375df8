//! What templates are given. The names here are those that a template uses.

use serde::Serialize;

use super::phrase::{code, entries, list, sentence, size};
use crate::{
    boundary::{Boundary, Capability, Decision, Entry, Grant, Pattern, Regular, overlap_entries},
    model::{
        AcceptProof, Bounds, Gate, GateKind, Model, Origin, RoleId, Rule, SetMembers, Step, Task,
        Work, Yields,
    },
    template::MEMORY,
};

/// What a compiled prompt is made from.
#[derive(Debug, Serialize)]
pub(super) struct PromptData {
    factory: FactoryData,
    role: RoleData,
    boundary: BoundaryData,
    rules: Vec<RuleData>,
    gates: Vec<GateData>,
    memory: Option<MemoryData>,
}

#[derive(Debug, Serialize)]
struct FactoryData {
    name: String,
    description: Option<String>,
}

#[derive(Debug, Serialize)]
struct RoleData {
    name: String,
    title: String,
    description: Option<String>,
    model: String,
    // Whether it may write anything at all.
    writes: bool,
}

// The phrases are lists of patterns, empty where there are none.
#[derive(Debug, Serialize)]
struct BoundaryData {
    read: GrantData,
    write: GrantData,
    run: GrantData,
    reach: GrantData,
    #[serde(rename = "use")]
    uses: GrantData,
    env: GrantData,
    delegate: String,
    // Whether any pattern holds a `*`.
    patterns: bool,
}

#[derive(Debug, Serialize)]
struct GrantData {
    may: String,
    never: String,
}

#[derive(Debug, Serialize)]
struct RuleData {
    title: String,
    because: Option<String>,
    means: String,
}

/// A gate in words.
#[derive(Debug, Serialize)]
pub(super) struct GateData {
    name: String,
    title: String,
    label: String,
    passes_when: String,
    sealed: String,
}

#[derive(Debug, Serialize)]
struct MemoryData {
    path: String,
    limit: String,
    writable: bool,
    place: &'static str,
}

impl PromptData {
    /// Returns what the prompt of the role is made from.
    pub(super) fn of(model: &Model, id: RoleId) -> Self {
        let role = model.role(id);
        let boundary = boundary(model, id);
        let rules: Vec<RuleData> = model
            .rules
            .iter()
            .filter_map(|rule| rule_for(rule, model, id))
            .collect();
        Self {
            factory: factory(model),
            role: RoleData {
                name: role.name.value.clone(),
                title: role.title.clone(),
                description: role.description.as_ref().map(|text| sentence(&text.value)),
                model: model.model(role.model.value).id.value.clone(),
                writes: !role.bounds.boundary.write.may.is_empty(),
            },
            boundary,
            rules,
            gates: role
                .gates
                .iter()
                .map(|gate| gate_data(model.gate(gate.value)))
                .collect(),
            memory: role.memory.as_ref().map(|memory| MemoryData {
                path: memory.path.clone(),
                limit: size(memory.limit),
                writable: role.bounds.boundary.write.permits(&memory.path),
                place: MEMORY,
            }),
        }
    }

    /// Returns whether any rule binds the role.
    pub(super) const fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Returns whether any gate judges the role.
    pub(super) const fn has_gates(&self) -> bool {
        !self.gates.is_empty()
    }

    /// Returns whether the role keeps a memory.
    pub(super) const fn has_memory(&self) -> bool {
        self.memory.is_some()
    }
}

fn factory(model: &Model) -> FactoryData {
    FactoryData {
        name: model.name.value.clone(),
        description: model.description.as_deref().map(sentence),
    }
}

fn boundary(model: &Model, id: RoleId) -> BoundaryData {
    let bounds = &model.role(id).bounds;
    let boundary = &bounds.boundary;
    let delegates = model
        .delegates(id)
        .map(|other| code(&model.role(other).name.value));
    let mut data = BoundaryData {
        read: grant(&boundary.read, bounds, Capability::Read),
        write: grant(&boundary.write, bounds, Capability::Write),
        run: grant(&boundary.run, bounds, Capability::Run),
        reach: grant(&boundary.reach, bounds, Capability::Reach),
        uses: grant(&boundary.uses, bounds, Capability::Use),
        env: grant(&boundary.env, bounds, Capability::Env),
        delegate: list(delegates),
        patterns: false,
    };
    let phrases = [&data.read, &data.write, &data.run];
    data.patterns = phrases
        .iter()
        .any(|phrase| phrase.may.contains('*') || phrase.never.contains('*'));
    data
}

// What holds for every role is said once, by the template.
fn grant<P: Pattern + super::phrase::Shown>(
    grant: &Grant<P>,
    bounds: &Bounds,
    of: Capability,
) -> GrantData {
    let universal = |index: usize| bounds.never_origin(of, index) == Some(&Origin::Universal);
    let never = grant
        .never
        .iter()
        .enumerate()
        .filter(|(index, _)| !universal(*index));
    GrantData {
        may: entries(&grant.may),
        never: entries(never.map(|(_, entry)| entry)),
    }
}

// The rule as it is told to the role, if it binds it.
fn rule_for(rule: &Rule, model: &Model, id: RoleId) -> Option<RuleData> {
    let role = model.role(id);
    let boundary = &role.bounds.boundary;
    let cannot: Vec<_> = rule
        .cannot
        .iter()
        .filter(|cannot| cannot.roles.contains(&id))
        .collect();
    let both: Vec<_> = rule
        .cannot_both
        .iter()
        .filter(|both| meets(&both.what.boundary, boundary))
        .collect();
    let binds = !cannot.is_empty() || !both.is_empty();
    // What a `never` of the boundary says is not said again.
    let unsaid = |what: &Boundary| {
        kinds(what)
            .filter(|kind| !is_said(what, boundary, *kind))
            .collect::<Vec<_>>()
    };
    let mut means = Vec::new();
    for cannot in cannot {
        let kinds = unsaid(&cannot.what.boundary);
        if !kinds.is_empty() {
            means.push(format!(
                "You never {}.",
                actions(&cannot.what.boundary, kinds, " and never ")
            ));
        }
    }
    for both in both {
        let what = &both.what.boundary;
        if unsaid(what).len() == kinds(what).count() {
            means.push(format!(
                "No one role may both {}.",
                actions(what, kinds(what), " and ")
            ));
        }
    }
    if binds && means.is_empty() {
        means.push("Your boundary keeps it.".to_owned());
    }
    let required = rule.require.iter().any(|require| {
        let has = |gate| role.gates.iter().any(|known| known.value == gate);
        require.gates.iter().all(|gate| has(gate.value))
            && require
                .when
                .as_ref()
                .is_none_or(|when| meets(&when.boundary, boundary))
    });
    (required || binds).then(|| RuleData {
        title: sentence(&rule.title.value),
        because: rule
            .because
            .as_deref()
            .map(sentence)
            .filter(|because| !because.is_empty()),
        means: means.join(" "),
    })
}

// Whether a role of the boundary `role` can do one of the things in `what`. What is too complex to
// be proven counts as yes: a rule is rather told than left out.
fn meets(what: &Boundary, role: &Boundary) -> bool {
    fn any<P: Regular + Eq>(what: &Grant<P>, role: &Grant<P>) -> bool {
        let (what, may) = (&what.may, &role.may);
        let same = |entry: &Entry<P>| may.iter().any(|given| given.pattern == entry.pattern);
        !what.is_empty()
            && !may.is_empty()
            && (what.iter().any(same) || overlap_entries(what, may) != Ok(None))
    }
    any(&what.write, &role.write)
        || any(&what.run, &role.run)
        || any(&what.reach, &role.reach)
        || any(&what.uses, &role.uses)
        || any(&what.env, &role.env)
        || any(&what.delegate, &role.delegate)
}

// The kinds of things that `what` speaks of.
fn kinds(what: &Boundary) -> impl Iterator<Item = Capability> {
    Capability::ALL
        .into_iter()
        .filter(|kind| !things(what, *kind).is_empty())
}

// Whether the boundary `role` takes away, in so many words, all that `what` has of the kind.
fn is_said(what: &Boundary, role: &Boundary, kind: Capability) -> bool {
    fn all<P: Eq>(what: &Grant<P>, role: &Grant<P>) -> bool {
        what.may.iter().all(|entry| role.never.contains(entry))
    }
    match kind {
        Capability::Read => all(&what.read, &role.read),
        Capability::Write => all(&what.write, &role.write),
        Capability::Run => all(&what.run, &role.run),
        Capability::Reach => all(&what.reach, &role.reach),
        Capability::Use => all(&what.uses, &role.uses),
        Capability::Env => all(&what.env, &role.env),
        Capability::Delegate => all(&what.delegate, &role.delegate),
    }
}

fn things(what: &Boundary, kind: Capability) -> String {
    match kind {
        Capability::Read => entries(&what.read.may),
        Capability::Write => entries(&what.write.may),
        Capability::Run => entries(&what.run.may),
        Capability::Reach => entries(&what.reach.may),
        Capability::Use => entries(&what.uses.may),
        Capability::Env => entries(&what.env.may),
        Capability::Delegate => entries(&what.delegate.may),
    }
}

// The things in `what` with the verb of each kind.
fn actions(what: &Boundary, kinds: impl IntoIterator<Item = Capability>, between: &str) -> String {
    let phrases = kinds.into_iter().map(|kind| {
        let verb = match kind {
            Capability::Env => "see the variables",
            Capability::Delegate => "hand work to",
            Capability::Read
            | Capability::Write
            | Capability::Run
            | Capability::Reach
            | Capability::Use => kind.word(),
        };
        format!("{verb} {}", things(what, kind))
    });
    phrases.collect::<Vec<_>>().join(between)
}

/// Returns the gate in words.
pub(super) fn gate_data(gate: &Gate) -> GateData {
    let name = code(&gate.name.value);
    let label = if gate.title == gate.name.value {
        format!("**{}**", gate.title)
    } else {
        format!("**{}** ({name})", gate.title)
    };
    GateData {
        name: gate.name.value.clone(),
        title: gate.title.clone(),
        label,
        passes_when: passes_when(&gate.kind),
        sealed: entries(gate.sealed.iter().map(|sealed| &sealed.value)),
    }
}

fn passes_when(kind: &GateKind) -> String {
    match kind {
        GateKind::Run { command } => format!("{} exits with 0", code(command)),
        GateKind::Consistency { links, mentions } => {
            let mut parts = Vec::new();
            if !links.is_empty() {
                parts.push(format!("the paths and links in {} exist", entries(links)));
            }
            for mention in mentions {
                let (files, within) = (entries(&mention.files), code(&mention.within));
                parts.push(format!("each file added to {files} is named in {within}"));
            }
            if parts.is_empty() {
                "paths and links exist".to_owned()
            } else {
                parts.join("; ")
            }
        }
        GateKind::Docs { covers, by } => {
            let fresh = "the managed sections are fresh";
            if covers.is_empty() || by.is_empty() {
                fresh.to_owned()
            } else {
                format!(
                    "{fresh}, and a changed file of {} is spoken of in {}",
                    entries(covers),
                    entries(by)
                )
            }
        }
        GateKind::Rollback { undo, passes } => {
            let mut text = "the change can be reverted cleanly".to_owned();
            if let Some(undo) = undo {
                text.push_str(&format!(" once {} has run", code(undo)));
            }
            if !passes.is_empty() {
                text.push_str(&format!(
                    ", and {} passes without it",
                    list(passes.iter().map(|name| code(name)))
                ));
            }
            text
        }
    }
}

/// What a brief is made from.
#[derive(Debug, Serialize)]
pub(super) struct BriefData {
    factory: FactoryData,
    task: TaskData,
    step: StepData,
}

#[derive(Debug, Serialize)]
struct TaskData {
    name: String,
    goal: String,
    accept: Vec<AcceptData>,
}

#[derive(Debug, Serialize)]
struct AcceptData {
    text: String,
    proof: String,
}

#[derive(Debug, Serialize)]
struct StepData {
    name: String,
    role: String,
    items: Vec<ItemData>,
    read_first: Vec<String>,
    after: String,
    narrowed: bool,
    write: String,
    run: String,
    commit: bool,
    verdict: bool,
    report: bool,
    judges: String,
    sends_back: String,
}

#[derive(Debug, Serialize)]
struct ItemData {
    number: usize,
    text: String,
}

impl BriefData {
    /// Returns what the brief of the step is made from, or nothing where no agent works in it.
    pub(super) fn of(model: &Model, task: &Task, step: &Step) -> Option<Self> {
        let Work::Agent {
            role,
            yields,
            sends_back,
            items,
            read_first,
            only,
            stop: _,
        } = &step.work
        else {
            return None;
        };
        let names = |ids: &mut dyn Iterator<Item = usize>| {
            list(
                ids.filter_map(|at| task.steps.get(at))
                    .map(|step| code(&step.name.value)),
            )
        };
        let after = names(&mut step.after.iter().map(|id| id.value.0));
        let only = only.as_ref().map(|bounds| &bounds.boundary);
        let write = only
            .map(|only| entries(&only.write.may))
            .unwrap_or_default();
        let run = only.map(|only| entries(&only.run.may)).unwrap_or_default();
        let numbered = items.iter().enumerate();
        Some(Self {
            factory: factory(model),
            task: TaskData {
                name: task.name.value.clone(),
                goal: task.goal.trim().to_owned(),
                accept: task
                    .accept
                    .iter()
                    .map(|accept| AcceptData {
                        text: sentence(&accept.text.value),
                        proof: match &accept.proof {
                            AcceptProof::Run(command) => {
                                format!("shown by {}", code(&command.value))
                            }
                            AcceptProof::By(role) => {
                                format!("judged by {}", code(&model.role(role.value).name.value))
                            }
                            AcceptProof::Nobody => String::new(),
                        },
                    })
                    .collect(),
            },
            step: StepData {
                name: step.name.value.clone(),
                role: model.role(role.value).name.value.clone(),
                items: numbered
                    .map(|(index, text)| ItemData {
                        number: index + 1,
                        text: text.trim().to_owned(),
                    })
                    .collect(),
                read_first: read_first.iter().map(|path| code(&path.value)).collect(),
                narrowed: !write.is_empty() || !run.is_empty(),
                write,
                run,
                commit: *yields == Yields::Commit,
                verdict: *yields == Yields::Verdict,
                report: *yields == Yields::Report,
                judges: after.clone(),
                sends_back: names(&mut sends_back.iter().map(|id| id.value.0)),
                after,
            },
        })
    }
}

/// What a managed section is made from.
#[derive(Debug, Serialize)]
pub(super) struct SectionData {
    factory: FactoryData,
    planner: Option<String>,
    roles: Vec<SectionRole>,
    gates: Vec<GateData>,
    // The gates that run a command.
    checks: Vec<Check>,
    setup: Vec<String>,
    commands: Vec<CommandSet>,
    tasks: Vec<Flow>,
    services: Vec<Service>,
}

#[derive(Debug, Serialize)]
struct SectionRole {
    name: String,
    title: String,
    description: String,
    model: String,
    writes: String,
    delegates: String,
}

#[derive(Debug, Serialize)]
struct Check {
    title: String,
    command: String,
}

#[derive(Debug, Serialize)]
struct CommandSet {
    name: String,
    patterns: String,
}

#[derive(Debug, Serialize)]
struct Flow {
    name: String,
    flow: String,
}

#[derive(Debug, Serialize)]
struct Service {
    name: String,
    how: String,
    users: String,
}

impl SectionData {
    /// Returns what the sections of the factory are made from.
    pub(super) fn of(model: &Model) -> Self {
        let checks = model.gates.iter().filter_map(|gate| match &gate.kind {
            GateKind::Run { command } => Some(Check {
                title: gate.title.clone(),
                command: code(command),
            }),
            GateKind::Consistency { .. } | GateKind::Docs { .. } | GateKind::Rollback { .. } => {
                None
            }
        });
        let commands = model.sets.iter().filter_map(|set| match &set.members {
            SetMembers::Commands(members) => Some(CommandSet {
                name: set.name.value.clone(),
                patterns: entries(members.iter().map(|member| &member.value)),
            }),
            SetMembers::Paths(_) => None,
        });
        let roles = model.roles().map(|(id, role)| SectionRole {
            name: role.name.value.clone(),
            title: role.title.clone(),
            description: role
                .description
                .as_ref()
                .map(|text| sentence(&text.value))
                .unwrap_or_default(),
            model: model.model(role.model.value).name.value.clone(),
            writes: entries(&role.bounds.boundary.write.may),
            delegates: delegates(model, id),
        });
        Self {
            factory: factory(model),
            planner: model
                .planner
                .as_ref()
                .map(|id| model.role(id.value).name.value.clone()),
            roles: roles.collect(),
            gates: model.gates.iter().map(gate_data).collect(),
            checks: checks.collect(),
            setup: model
                .workspace
                .setup
                .iter()
                .map(|line| code(line))
                .collect(),
            commands: commands.collect(),
            tasks: model.tasks.iter().map(|task| flow(model, task)).collect(),
            services: services(model),
        }
    }
}

fn delegates(model: &Model, id: RoleId) -> String {
    let all = model.delegates(id).count();
    if all > 0 && all + 1 == model.roles.len() {
        return "every other role".to_owned();
    }
    list(
        model
            .delegates(id)
            .map(|other| code(&model.role(other).name.value)),
    )
}

// The steps of a task as one line.
fn flow(model: &Model, task: &Task) -> Flow {
    let steps = task.steps.iter().map(|step| {
        let name = &step.name.value;
        match &step.work {
            Work::Agent {
                role,
                yields,
                sends_back,
                ..
            } => {
                let who = code(&model.role(role.value).name.value);
                let what = match yields {
                    Yields::Commit => "",
                    Yields::Verdict => " gives a verdict",
                    Yields::Report => " reports",
                };
                let back = sends_back
                    .as_ref()
                    .and_then(|id| task.steps.get(id.value.0))
                    .map(|step| format!(", a fail goes back to {}", step.name.value));
                format!("{name} ({who}{what}{})", back.unwrap_or_default())
            }
            Work::Effect(effect) => {
                let approval = step
                    .approval
                    .as_ref()
                    .map(|who| format!(", once approved by {who}"));
                format!(
                    "{name} ({}{})",
                    code(&effect.run),
                    approval.unwrap_or_default()
                )
            }
        }
    });
    Flow {
        name: task.name.value.clone(),
        flow: steps.collect::<Vec<_>>().join(" → "),
    }
}

// Servers and hosts, each with the roles that may use it.
fn services(model: &Model) -> Vec<Service> {
    let users = |permits: &dyn Fn(&Boundary) -> bool| {
        let roles = model
            .roles
            .iter()
            .filter(|role| permits(&role.bounds.boundary));
        list(roles.map(|role| code(&role.name.value)))
    };
    let mut services = Vec::new();
    for server in &model.servers {
        let tool = format!("mcp:{}/", server.name.value);
        let uses = |boundary: &Boundary| {
            let starts = |text: &str| text.starts_with(&tool);
            let some = boundary
                .uses
                .may
                .iter()
                .any(|entry| starts(entry.pattern.as_str()));
            some || matches!(
                boundary.uses.decide(&format!("{tool}any")),
                Decision::Permitted { .. }
            )
        };
        let users = users(&uses);
        if !users.is_empty() {
            let how = format!("MCP server, {}", code(&server.start.command.join(" ")));
            services.push(Service {
                name: code(&server.name.value),
                how,
                users,
            });
        }
    }
    let mut hosts: Vec<&str> = Vec::new();
    for entry in model
        .roles
        .iter()
        .flat_map(|role| &role.bounds.boundary.reach.may)
    {
        if !hosts.contains(&entry.pattern.as_str()) {
            hosts.push(entry.pattern.as_str());
        }
    }
    hosts.sort_unstable();
    for host in hosts {
        let reaches = |boundary: &Boundary| {
            boundary
                .reach
                .may
                .iter()
                .any(|entry| entry.pattern.as_str() == host)
        };
        services.push(Service {
            name: code(host),
            how: String::new(),
            users: users(&reaches),
        });
    }
    services
}
