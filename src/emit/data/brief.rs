//! What a brief is made from.

use serde::Serialize;

use super::{FactoryData, factory};
use crate::{
    emit::phrase::{code, entries, list, sentence},
    model::{AcceptProof, Model, Step, Task, Work, Yields},
};

/// What a brief is made from.
#[derive(Debug, Serialize)]
pub(in crate::emit) struct BriefData {
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
    yields: YieldsData,
    judges: String,
    sends_back: String,
}

#[derive(Debug, Serialize)]
struct YieldsData {
    commit: bool,
    verdict: bool,
    report: bool,
}

#[derive(Debug, Serialize)]
struct ItemData {
    number: usize,
    text: String,
}

impl BriefData {
    /// Returns what the brief of the step is made from, or nothing where no agent works in it.
    pub(in crate::emit) fn of(model: &Model, task: &Task, step: &Step) -> Option<Self> {
        let Work::Agent {
            role,
            yields,
            sends_back,
            items,
            read_first,
            only,
            stop: _,
            budget: _,
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
                yields: YieldsData {
                    commit: *yields == Yields::Commit,
                    verdict: *yields == Yields::Verdict,
                    report: *yields == Yields::Report,
                },
                judges: after.clone(),
                sends_back: names(&mut sends_back.iter().map(|id| id.value.0)),
                after,
            },
        })
    }
}
