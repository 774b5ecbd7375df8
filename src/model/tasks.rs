//! Tasks: steps put in order.

use std::collections::BTreeSet;

use super::{
    Accept, AcceptProof, Effect, ModelError, Role, Step, StepId, Task, Work, Yields,
    boundaries::Sets,
    names::{Names, circle},
    resolve::{Tables, cycle, named_at, stop},
};
use crate::{
    diagnostics::{Findings, Spanned},
    spec::{self, StepWork, Text},
};

/// The word in `after` for the landing of the task.
const LAND: &str = "land";

/// What the names in a task are looked up in.
pub(super) struct Context<'a> {
    pub(super) tables: &'a Tables,
    pub(super) sets: &'a Sets<'a>,
    pub(super) roles: &'a [Role],
}

impl Context<'_> {
    /// Returns the task with its names looked up and its steps in order.
    pub(super) fn task(&self, task: &spec::Task, findings: &mut Findings) -> Task {
        let names = Names::new("step", task.steps.iter().map(|step| &step.name), findings);
        let mut after: Vec<Vec<Spanned<usize>>> = Vec::new();
        for step in &task.steps {
            let before = step.after.iter().filter(|name| name.value != LAND);
            after.push(
                before
                    .filter_map(|name| names.find(name, findings))
                    .collect(),
            );
        }
        let next = |at: usize| -> Vec<usize> {
            after
                .get(at)
                .into_iter()
                .flatten()
                .map(|step| step.value)
                .collect()
        };
        let order = match circle(task.steps.len(), next) {
            Some(way) => {
                let name = |at: usize| task.steps.get(at).map(|step| &step.name);
                let place = |from: usize, to: &str| {
                    named_at(
                        task.steps
                            .get(from)
                            .into_iter()
                            .flat_map(|step| &step.after),
                        |name| name == to,
                    )
                };
                cycle(
                    "these steps wait for each other",
                    &way,
                    name,
                    place,
                    findings,
                );
                (0..task.steps.len()).collect()
            }
            None => in_order(task.steps.len(), next),
        };
        let mut places = vec![0; order.len()];
        for (place, at) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*at) {
                *slot = place;
            }
        }
        let place = |written: usize| places.get(written).copied().unwrap_or_default();
        let mut steps = Vec::new();
        for at in &order {
            let (Some(step), Some(before)) = (task.steps.get(*at), after.get(*at)) else {
                continue;
            };
            let before: Vec<_> = before
                .iter()
                .map(|id| id.map(|id| StepId(place(id))))
                .collect();
            let back = |name: &Text, findings: &mut Findings| {
                names
                    .find(name, findings)
                    .map(|found| found.map(|id| StepId(place(id))))
            };
            steps.extend(self.step(step, before, &back, findings));
        }
        // Where a step is left out, the places of the others are not what they were.
        if steps.len() == task.steps.len() {
            Self::send_backs(&steps, findings);
        }
        Task {
            name: task.name.clone(),
            goal: task
                .goal
                .as_ref()
                .map(|goal| goal.value.clone())
                .unwrap_or_default(),
            accept: task
                .accept
                .iter()
                .map(|accept| self.accept(accept, findings))
                .collect(),
            steps,
        }
    }

    fn accept(&self, accept: &spec::Accept, findings: &mut Findings) -> Accept {
        let proof = match &accept.proof {
            spec::AcceptProof::Run(run) => AcceptProof::Run(run.clone()),
            spec::AcceptProof::By(role) => self
                .tables
                .role(role, findings)
                .map_or(AcceptProof::Nobody, AcceptProof::By),
            spec::AcceptProof::Nobody => AcceptProof::Nobody,
        };
        Accept {
            text: accept.text.clone(),
            proof,
        }
    }

    fn step(
        &self,
        step: &spec::Step,
        after: Vec<Spanned<StepId>>,
        back: &dyn Fn(&Text, &mut Findings) -> Option<Spanned<StepId>>,
        findings: &mut Findings,
    ) -> Option<Step> {
        let after_land = step.after.iter().any(|name| name.value == LAND);
        let work = match &step.work {
            StepWork::Agent {
                role,
                yields,
                sends_back,
                items,
                read_first,
                only,
            } => {
                let role = self.tables.role(role, findings)?;
                let of_role = self.roles.get(role.value.0)?.stop;
                Work::Agent {
                    role,
                    yields: match yields.as_ref().map(|word| word.value.as_str()) {
                        Some("verdict") => Yields::Verdict,
                        Some("report") => Yields::Report,
                        _ => Yields::Commit,
                    },
                    sends_back: sends_back.as_ref().and_then(|name| back(name, findings)),
                    items: items.iter().map(|item| item.value.clone()).collect(),
                    read_first: read_first.clone(),
                    only: only
                        .as_ref()
                        .map(|only| Box::new(self.sets.bounds(only, findings))),
                    stop: stop(&step.stop, of_role),
                    budget: step.stop.usd.map(|usd| usd.span),
                }
            }
            StepWork::Effect { run, env } => {
                if !after_land || step.approval.is_none() {
                    findings.add(ModelError::Impossible {
                        message: format!("step `{}` would run a command unasked", step.name.value),
                        help: "add `after \"land\"` and `approval \"WHO\"`: what leaves the machine waits for both"
                            .to_owned(),
                        span: run.span.into(),
                        label: "has an effect outside".to_owned(),
                    });
                }
                let env = env.iter().map(|name| name.value.clone()).collect();
                Work::Effect(Effect {
                    run: run.value.clone(),
                    env,
                })
            }
            StepWork::Nothing => return None,
        };
        Some(Step {
            name: step.name.clone(),
            after,
            after_land,
            approval: step.approval.as_ref().map(|who| who.value.clone()),
            work,
        })
    }

    // Only a verdict sends back, only to a step that commits, and only to one that came before it.
    fn send_backs(steps: &[Step], findings: &mut Findings) {
        for (at, step) in steps.iter().enumerate() {
            let Work::Agent {
                yields,
                sends_back: Some(back),
                ..
            } = &step.work
            else {
                continue;
            };
            let target = steps.get(back.value.0);
            let commits = target.is_some_and(|target| {
                matches!(
                    &target.work,
                    Work::Agent {
                        yields: Yields::Commit,
                        ..
                    }
                )
            });
            let (name, to) = (
                &step.name.value,
                target.map_or("", |target| target.name.value.as_str()),
            );
            let fault = if *yields != Yields::Verdict {
                let message = format!("step `{name}` sends work back and gives no verdict");
                Some((
                    message,
                    format!("add `yields=\"verdict\"` to step `{name}`"),
                ))
            } else if !commits {
                let message =
                    format!("step `{name}` sends work back to `{to}`, which commits nothing");
                Some((message, "name the step whose work it judges".to_owned()))
            } else if !before(steps, at).contains(&back.value.0) {
                let message = format!(
                    "step `{name}` sends work back to `{to}`, which does not come before it"
                );
                Some((message, format!("add `after \"{to}\"` to step `{name}`")))
            } else {
                None
            };
            if let Some((message, help)) = fault {
                findings.add(ModelError::Impossible {
                    message,
                    help,
                    span: back.span.into(),
                    label: "sent back to here".to_owned(),
                });
            }
        }
    }
}

// All steps that come before the one at `at`.
fn before(steps: &[Step], at: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![at];
    while let Some(at) = open.pop() {
        for id in steps.get(at).into_iter().flat_map(|step| &step.after) {
            if found.insert(id.value.0) {
                open.push(id.value.0);
            }
        }
    }
    found
}

// The nodes of a graph without circles, each after all that it leads to, else as written. Looks at each
// edge twice.
fn in_order(count: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut waits_for = vec![0_usize; count];
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); count];
    for at in 0..count {
        for before in next(at) {
            if let (Some(left), Some(list)) = (waits_for.get_mut(at), waiting.get_mut(before)) {
                *left += 1;
                list.push(at);
            }
        }
    }
    let is_free = |(at, left): (usize, &usize)| (*left == 0).then_some(at);
    let mut free: BTreeSet<usize> = waits_for.iter().enumerate().filter_map(is_free).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(at) = free.pop_first() {
        order.push(at);
        for later in waiting.get(at).into_iter().flatten() {
            if let Some(left) = waits_for.get_mut(*later) {
                *left -= 1;
                if *left == 0 {
                    free.insert(*later);
                }
            }
        }
    }
    if order.len() == count {
        order
    } else {
        (0..count).collect()
    }
}
