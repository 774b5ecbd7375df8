//! Checked factory → plan → the text of `factory.lock`, and back.

use std::collections::BTreeMap;

use super::{
    Accept, Agent, Factory, Gate, Input, Model, Output, Plan, Price, Proof, Role, Step, StepKind,
    Task,
};
use serde_json::{Value, json};

use crate::{
    boundary::{Capability, Entry, Layer, PathPattern, standard, standard_names},
    cache::Digest,
    check::Checked,
    diagnostics::Sources,
    document::{Section, SectionSource},
    model::{self, SectionFrom, Work},
};

/// What the compiler made of a factory, beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The text of each role's prompt, by role.
    pub prompts: BTreeMap<String, String>,
    /// The path of each role's accepted prompt, by role.
    pub snapshots: BTreeMap<String, String>,
    /// The client's tools that each role is offered, by role.
    pub tools: BTreeMap<String, Vec<String>>,
    /// What each agent is asked, by task and step.
    pub briefs: BTreeMap<(String, String), String>,
    /// The text of each section that a template makes, by document and title.
    pub sections: BTreeMap<(String, String), String>,
    /// What was written, by path.
    pub outputs: BTreeMap<String, Output>,
    /// The client versions that the output was made for, by client.
    pub clients: BTreeMap<String, String>,
}

/// Returns the plan of a factory: equal factories make equal plans.
pub fn lock(checked: &Checked, sources: &Sources, mut compiled: Compiled) -> Plan {
    let model = checked.model();
    let input = |source: &crate::diagnostics::Source| {
        (
            source.path().to_owned(),
            Input {
                sha256: Digest::of(source.text()),
            },
        )
    };
    Plan {
        format: Plan::FORMAT,
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        factory: Factory {
            name: model.name.value.clone(),
            description: model.description.clone(),
            targets: model
                .targets
                .iter()
                .map(|target| target.value.clone())
                .collect(),
            planner: model
                .planner
                .map(|id| model.role(id.value).name.value.clone()),
            driver: model.driver.clone(),
            stop: model.stop,
            jobs: model.jobs,
            notify: model.notify.clone(),
        },
        clients: std::mem::take(&mut compiled.clients),
        inputs: sources.files().iter().map(input).collect(),
        outputs: std::mem::take(&mut compiled.outputs),
        models: model
            .models
            .iter()
            .map(|known| (known.name.value.clone(), language_model(known)))
            .collect(),
        servers: model
            .servers
            .iter()
            .map(|server| (server.name.value.clone(), server.start.clone()))
            .collect(),
        workspace: model.workspace.clone(),
        gates: model
            .gates
            .iter()
            .map(|known| (known.name.value.clone(), gate(known)))
            .collect(),
        roles: model
            .roles()
            .map(|(id, known)| {
                (
                    known.name.value.clone(),
                    role(checked, id, known, &mut compiled),
                )
            })
            .collect(),
        documents: documents(model, &compiled),
        tasks: model
            .tasks
            .iter()
            .map(|known| (known.name.value.clone(), task(model, known, &compiled)))
            .collect(),
    }
}

fn language_model(known: &model::LanguageModel) -> Model {
    let price = known.price.map(|price| Price { ..price });
    Model {
        id: known.id.value.clone(),
        price,
    }
}

fn gate(known: &model::Gate) -> Gate {
    Gate {
        title: known.title.clone(),
        kind: known.kind.clone(),
        inputs: known.inputs.clone(),
        env: known.env.clone(),
        tools: known.tools.clone(),
        sealed: known
            .sealed
            .iter()
            .map(|entry| entry.value.clone())
            .collect(),
        external: known.external.clone(),
        timeout: known.timeout,
    }
}

fn role(
    checked: &Checked,
    id: model::RoleId,
    known: &model::Role,
    compiled: &mut Compiled,
) -> Role {
    let model = checked.model();
    let name = &known.name.value;
    let mut boundary = known.bounds.boundary.clone();
    for sealed in sealed_for(model, known) {
        boundary.write.never.push(sealed);
    }
    Role {
        title: known.title.clone(),
        description: known
            .description
            .as_ref()
            .map(|text| text.value.clone())
            .unwrap_or_default(),
        model: model.model(known.model.value).name.value.clone(),
        snapshot: compiled.snapshots.remove(name).unwrap_or_default(),
        prompt: Digest::of(
            compiled
                .prompts
                .get(name)
                .map(String::as_str)
                .unwrap_or_default(),
        ),
        boundary,
        held: held(checked, id),
        gates: known
            .gates
            .iter()
            .map(|gate| model.gate(gate.value).name.value.clone())
            .collect(),
        tools: compiled.tools.remove(name).unwrap_or_default(),
        memory: known.memory.clone(),
        stop: known.stop,
    }
}

// What the gates that judge a role seal is taken away from it.
fn sealed_for<'a>(
    model: &'a model::Model,
    role: &'a model::Role,
) -> impl Iterator<Item = Entry<PathPattern>> + 'a {
    let gates = role.gates.iter().map(|gate| model.gate(gate.value));
    gates.flat_map(|gate| gate.sealed.iter().map(|sealed| sealed.value.clone()))
}

fn held(checked: &Checked, role: model::RoleId) -> BTreeMap<Capability, Layer> {
    let held = checked.held(role).into_iter();
    held.map(|(capability, held)| (capability, held.layer))
        .collect()
}

fn documents(model: &model::Model, compiled: &Compiled) -> BTreeMap<String, Vec<Section>> {
    let mut documents = BTreeMap::new();
    for document in &model.documents {
        let path = &document.path.value;
        let section = |section: &model::Section| Section {
            title: section.title.value.clone(),
            source: match &section.from {
                SectionFrom::File(file) => SectionSource::File {
                    path: file.value.clone(),
                },
                SectionFrom::Template(_) => {
                    let key = (path.clone(), section.title.value.clone());
                    SectionSource::Text {
                        text: compiled.sections.get(&key).cloned().unwrap_or_default(),
                    }
                }
                SectionFrom::Files { patterns, max } => SectionSource::Files {
                    patterns: patterns.clone(),
                    max: *max,
                },
            },
        };
        documents.insert(
            path.clone(),
            document.sections.iter().map(section).collect(),
        );
    }
    documents
}

fn task(model: &model::Model, known: &model::Task, compiled: &Compiled) -> Task {
    let accept = |accept: &model::Accept| Accept {
        text: accept.text.value.clone(),
        proof: match &accept.proof {
            model::AcceptProof::Run(run) => Proof::Command {
                run: run.value.clone(),
            },
            model::AcceptProof::By(role) => Proof::Verdict {
                role: model.role(role.value).name.value.clone(),
            },
            model::AcceptProof::Nobody => Proof::Nobody,
        },
    };
    let name_of = |id: model::StepId| {
        known
            .steps
            .get(id.0)
            .map(|step| step.name.value.clone())
            .unwrap_or_default()
    };
    let step = |step: &model::Step| Step {
        name: step.name.value.clone(),
        after: step.after.iter().map(|id| name_of(id.value)).collect(),
        after_land: step.after_land,
        approval: step.approval.clone(),
        kind: match &step.work {
            Work::Effect(effect) => StepKind::Effect(effect.clone()),
            Work::Agent {
                role,
                yields,
                sends_back,
                only,
                stop,
                items: _,
                read_first: _,
            } => {
                let key = (known.name.value.clone(), step.name.value.clone());
                StepKind::Agent(Box::new(Agent {
                    role: model.role(role.value).name.value.clone(),
                    yields: *yields,
                    sends_back: sends_back.map(|id| name_of(id.value)),
                    brief: compiled.briefs.get(&key).cloned().unwrap_or_default(),
                    only_write: only
                        .as_ref()
                        .map(|only| only.boundary.write.may.clone())
                        .filter(|only| !only.is_empty()),
                    only_run: only
                        .as_ref()
                        .map(|only| only.boundary.run.may.clone())
                        .filter(|only| !only.is_empty()),
                    stop: *stop,
                }))
            }
        },
    };
    Task {
        goal: known.goal.clone(),
        accept: known.accept.iter().map(accept).collect(),
        steps: known.steps.iter().map(step).collect(),
    }
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// The lock was written by a newer compiler.
    #[error("`factory.lock` has format {found}, and this compiler knows {known}")]
    #[diagnostic(
        code("factory::lock::newer-format"),
        help("use the compiler that wrote it, or write it anew with `factory build`")
    )]
    NewerFormat {
        /// Its format.
        found: u64,
        /// The one that is known.
        known: u32,
    },
    /// Two branches changed it and git could not merge it.
    #[error("`factory.lock` has merge conflicts")]
    #[diagnostic(
        code("factory::lock::conflict"),
        help("`factory build` writes it anew from the spec")
    )]
    Conflict,
    /// The text is not a lock.
    #[error("`factory.lock` can't be read: {reason}")]
    #[diagnostic(
        code("factory::lock::unreadable"),
        help("it is written by `factory build`, and not by hand; run that to write it anew")
    )]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// The text does not match its own digest.
    #[error("`factory.lock` was edited by hand")]
    #[diagnostic(
        code("factory::lock::edited"),
        help("what may run is declared in factory.kdl; `factory build` writes the lock anew")
    )]
    Edited,
}

// The lock carries the digest of its own text, so that a hand edit is seen.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    sha256: Digest,
    /// The standard sets that boundaries name, so that a lock means the same to every compiler.
    sets: BTreeMap<String, Vec<Value>>,
    plan: Value,
}

fn unreadable(error: serde_json::Error) -> LockError {
    LockError::Unreadable {
        reason: error.to_string(),
    }
}

impl Sealed {
    // Reads the text of a lock and sees that it is as it was written.
    fn open(text: &str) -> Result<Self, LockError> {
        if text
            .lines()
            .any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
        {
            return Err(LockError::Conflict);
        }
        let sealed: Self = serde_json::from_str(text).map_err(unreadable)?;
        let found = sealed
            .plan
            .get("format")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if found > u64::from(Plan::FORMAT) {
            return Err(LockError::NewerFormat {
                found,
                known: Plan::FORMAT,
            });
        }
        if sealed.digest() != sealed.sha256 {
            return Err(LockError::Edited);
        }
        Ok(sealed)
    }

    fn digest(&self) -> Digest {
        Digest::of(json!([self.sets, self.plan]).to_string())
    }
}

impl Plan {
    /// Returns the text of the lock: pretty JSON in a stable order, with its own digest in front. The
    /// text ends with a line break.
    pub fn to_text(&self) -> String {
        // A plan is made of strings, numbers, and maps with string keys, so it can be written.
        let mut plan = serde_json::to_value(self).unwrap_or_default();
        let sets = fold(&mut plan);
        let mut sealed = Sealed {
            sha256: Digest::of(""),
            sets,
            plan,
        };
        sealed.sha256 = sealed.digest();
        let mut text = serde_json::to_string_pretty(&sealed).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// Where the text is no lock of this format, or is not as it was written.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        let mut sealed = Sealed::open(text)?;
        unfold(&mut sealed.plan, &sealed.sets);
        serde_json::from_value(sealed.plan).map_err(unreadable)
    }

    /// Reads of the text of a lock what was written with it, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Plan::from_text`].
    pub fn outputs_from_text(text: &str) -> Result<BTreeMap<String, Output>, LockError> {
        let mut sealed = Sealed::open(text)?;
        let outputs = sealed
            .plan
            .get_mut("outputs")
            .map(Value::take)
            .unwrap_or_default();
        serde_json::from_value(outputs).map_err(unreadable)
    }

    /// Returns the digest by which a run is bound to this plan.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_value(self).unwrap_or_default().to_string())
    }
}

// Puts the name of a standard set in place of its members wherever a boundary has all of them in a
// row, and returns the sets that are named.
fn fold(plan: &mut Value) -> BTreeMap<String, Vec<Value>> {
    let mut named = BTreeMap::new();
    for set in standard_names().filter_map(standard) {
        let Ok(Value::Array(members)) = serde_json::to_value(set.entries()) else {
            continue;
        };
        for list in grants(plan) {
            let row = list
                .windows(members.len().max(1))
                .position(|row| row == members);
            if let Some(at) = row {
                list.splice(at..at + members.len(), [Value::from(set.name)]);
                named.insert(set.name.to_owned(), members.clone());
            }
        }
    }
    named
}

fn unfold(plan: &mut Value, sets: &BTreeMap<String, Vec<Value>>) {
    for list in grants(plan) {
        for (name, members) in sets {
            while let Some(at) = list.iter().position(|entry| entry == name) {
                list.splice(at..=at, members.iter().cloned());
            }
        }
    }
}

// The lists of commands in the boundaries of a plan's roles.
fn grants(plan: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let roles = plan.get_mut("roles").and_then(Value::as_object_mut);
    let boundaries = roles
        .into_iter()
        .flatten()
        .filter_map(|(_, role)| role.get_mut("boundary"));
    let runs = boundaries.filter_map(|boundary| boundary.get_mut("run")?.as_object_mut());
    runs.flat_map(|run| run.values_mut().filter_map(Value::as_array_mut))
}
