//! What the managed sections are made from that the spec alone decides.

use serde::Serialize;

use super::{
    FactoryData, factory,
    gate::{GateData, gate_data},
};
use crate::{
    boundary::{Boundary, Decision},
    emit::phrase::{code, entries, list, sentence},
    model::{GateKind, Model, RoleId, SetMembers, Task, Work, Yields},
};

/// What a managed section is made from.
#[derive(Debug, Serialize)]
pub(in crate::emit) struct SectionData {
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
    pub(in crate::emit) fn of(model: &Model) -> Self {
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
    let users_of = |permits: &dyn Fn(&Boundary) -> bool| {
        let roles = model
            .roles
            .iter()
            .filter(|role| permits(&role.bounds.boundary));
        list(roles.map(|role| code(&role.name.value)))
    };
    let mut services = Vec::new();
    for server in &model.servers {
        let tool = format!("mcp:{}/", server.name.value);
        let may_use = |boundary: &Boundary| {
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
        let users = users_of(&may_use);
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
            users: users_of(&reaches),
        });
    }
    services
}
