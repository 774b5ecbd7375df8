//! Checked factory → plan → the text of `factory.lock`, and back.

use std::collections::BTreeMap;

use super::{
    Accept, Agent, Factory, Gate, Input, Model, Output, Plan, Previous, Price, Proof, Role, Step,
    StepKind, Task,
};
use crate::{
    boundary::{Capability, Entry, Layer, PathPattern},
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
        // A memory changes with the work.
        inputs: sources
            .files()
            .iter()
            .filter(|source| !model.memories.iter().any(|path| path == source.path()))
            .map(input)
            .collect(),
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
        sets: BTreeMap::new(),
        protected: model.protected.entries().to_vec(),
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
        outputs: known.outputs.clone(),
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
        agent: Some(model.client_name(id))
            .filter(|client| *client != name)
            .map(str::to_owned),
        guard: known.guard,
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
        help("use the compiler that wrote it; to go back for good, remove the lock and build")
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

fn unreadable(error: &serde_json::Error) -> LockError {
    LockError::Unreadable {
        reason: error.to_string(),
    }
}

// A lock is a JSON object whose first line is the digest of all that follows, so that a hand edit is seen.
const HEAD: &str = "{\n  \"sha256\": \"";
const HEAD_END: &str = "\",";

// Reads the text of a lock, sees that it is as it was written, and returns the object without its digest.
// Line breaks may have become those of another system on the way through git.
fn open(text: &str) -> Result<String, LockError> {
    let text = text.replace("\r\n", "\n");
    if text
        .lines()
        .any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
    {
        return Err(LockError::Conflict);
    }
    let sealed = text.strip_prefix(HEAD);
    let sealed = sealed.and_then(|sealed| sealed.split_once(HEAD_END));
    let Some((digest, rest)) = sealed else {
        return Err(LockError::Unreadable {
            reason: "it does not begin with its digest".to_owned(),
        });
    };
    let whole = format!("{{{rest}");
    let Head { format: found } =
        serde_json::from_str(&whole).map_err(|error| unreadable(&error))?;
    if found > u64::from(Plan::FORMAT) {
        return Err(LockError::NewerFormat {
            found,
            known: Plan::FORMAT,
        });
    }
    if Digest::of(rest).to_string() != digest {
        return Err(LockError::Edited);
    }
    Ok(whole)
}

// What every lock has, whatever its format.
#[derive(serde::Deserialize)]
struct Head {
    format: u64,
}

impl Plan {
    /// Returns the text of the lock: pretty JSON in a stable order, with its own digest in front. The
    /// text ends with a line break.
    pub fn to_text(&self) -> String {
        // A plan is made of strings, numbers, and maps with string keys, so it can be written.
        let whole = serde_json::to_string_pretty(self).unwrap_or_default();
        let rest = format!("{}\n", whole.strip_prefix('{').unwrap_or_default());
        format!("{HEAD}{}{HEAD_END}{rest}", Digest::of(&rest))
    }

    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// Where the text is no lock of this format, or is not as it was written.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        serde_json::from_str(&open(text)?).map_err(|error| unreadable(&error))
    }

    /// Reads of the text of a lock what it says of the build that wrote it, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Plan::from_text`].
    pub fn previous_from_text(text: &str) -> Result<Previous, LockError> {
        serde_json::from_str(&open(text)?).map_err(|error| unreadable(&error))
    }

    /// Returns the digest by which a run is bound to this plan.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_string(self).unwrap_or_default())
    }
}
