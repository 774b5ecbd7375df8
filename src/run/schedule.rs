//! What can be started: the steps whose turn it is, and that get in nobody's way.
//!
//! Pure: what is ready follows from the plan, from how far the run is, and from what is running. The
//! order is the plan's.

use std::collections::BTreeSet;

use super::{
    event::Place,
    progress::{Phase, Progress, StepState, TaskState},
};
use crate::{
    boundary::{Grant, PathPattern},
    plan::{Plan, Step, StepKind, Task, Yields},
};

/// Something that the runner does in one go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    /// A step is carried to its end.
    Step(Place),
    /// The acceptance criteria of a task are looked at.
    Accept(String),
}

impl Job {
    fn task(&self) -> &str {
        match self {
            Self::Step(place) => &place.task,
            Self::Accept(task) => task,
        }
    }
}

/// What the plan says about the order of its steps.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    plan: &'a Plan,
    // Steps that come after landing, by themselves or since they follow one that does.
    late: BTreeSet<Place>,
    // Pairs of steps of one task that may write the same file.
    overlaps: BTreeSet<(Place, Place)>,
}

impl<'a> Schedule<'a> {
    /// Returns the schedule of the tasks named in `order`.
    pub(super) fn of(plan: &'a Plan, order: &[String]) -> Self {
        let mut schedule = Self {
            plan,
            late: BTreeSet::new(),
            overlaps: BTreeSet::new(),
        };
        for name in order {
            let Some(task) = plan.tasks.get(name) else {
                continue;
            };
            let late = late(task).into_iter().map(|step| place(name, step));
            schedule.late.extend(late);
            let grants: Vec<_> = task.steps.iter().map(|step| grant(plan, step)).collect();
            let steps = || task.steps.iter().zip(&grants);
            for (index, (left, left_grant)) in steps().enumerate() {
                for (right, right_grant) in steps().skip(index + 1) {
                    if overlap(left_grant.as_ref(), right_grant.as_ref()) {
                        let pair = (place(name, &left.name), place(name, &right.name));
                        schedule.overlaps.insert(pair);
                    }
                }
            }
        }
        schedule
    }

    /// Returns whether `step` starts only when everything that lands has landed.
    pub(super) fn is_late(&self, step: &Place) -> bool {
        self.late.contains(step)
    }

    /// Returns what can be started beside what is `running`, as far as there is `room`.
    pub(super) fn ready(&self, progress: &Progress, running: &[Job], room: usize) -> Vec<Job> {
        let mut chosen: Vec<Job> = Vec::new();
        for name in &progress.order {
            let (Some(task), Some(state)) = (self.plan.tasks.get(name), progress.tasks.get(name))
            else {
                continue;
            };
            if state.end.is_some() || has_failed(state) {
                continue;
            }
            let mut all_accepted = true;
            for step in &task.steps {
                let here = place(name, &step.name);
                if self.is_late(&here) && state.landed.is_none() {
                    continue;
                }
                if is_accepted(state, &step.name) {
                    continue;
                }
                all_accepted = false;
                let is_free = |job: &Job| match job {
                    Job::Step(other) => {
                        *other != here
                            && !self.overlaps.contains(&(here.clone(), other.clone()))
                            && !self.overlaps.contains(&(other.clone(), here.clone()))
                    }
                    Job::Accept(task) => task != name,
                };
                let approved = step.approval.is_none() || is_cleared(state, &step.name);
                if may_start(state, step)
                    && approved
                    && running.len() + chosen.len() < room
                    && running.iter().chain(&chosen).all(is_free)
                {
                    chosen.push(Job::Step(here));
                }
            }
            let idle = running.iter().chain(&chosen).all(|job| job.task() != name);
            if all_accepted && idle && state.landed.is_none() && running.len() + chosen.len() < room
            {
                chosen.push(Job::Accept(name.clone()));
            }
        }
        chosen
    }

    /// Returns the steps of a task that wait for nothing but an approval, and whose.
    pub(super) fn waiting(&self, progress: &Progress, name: &str) -> Vec<(Place, String)> {
        let (Some(task), Some(state)) = (self.plan.tasks.get(name), progress.tasks.get(name))
        else {
            return Vec::new();
        };
        let waiting = task.steps.iter().filter_map(|step| {
            let here = place(name, &step.name);
            let turn = state.landed.is_some() || !self.is_late(&here);
            let approval = step.approval.as_ref()?;
            (turn
                && !is_accepted(state, &step.name)
                && !is_cleared(state, &step.name)
                && may_start(state, step))
            .then(|| (here, approval.clone()))
        });
        waiting.collect()
    }
}

/// Returns the steps that run again when `repaired` was repaired, in order: those that come after it
/// and, where `judge` is given, that `judge` comes after, and itself.
pub(super) fn again(task: &Task, repaired: &str, judge: Option<&str>) -> Vec<String> {
    let followers = closure(task, repaired, |step, known| {
        step.after
            .iter()
            .any(|before| known.contains(before.as_str()))
    });
    let before_judge = judge.map(|judge| {
        let mut known = BTreeSet::from([judge]);
        for step in task.steps.iter().rev() {
            if known.contains(step.name.as_str()) {
                known.extend(step.after.iter().map(String::as_str));
            }
        }
        known
    });
    let counts = |name: &str| match (&before_judge, judge) {
        (Some(before), Some(judge)) => {
            name == judge || (before.contains(name) && followers.contains(name))
        }
        _ => followers.contains(name),
    };
    let steps = task.steps.iter().map(|step| step.name.clone());
    steps
        .filter(|name| name != repaired && counts(name))
        .collect()
}

// Steps stand in an order in which none comes before one that it follows.
fn closure<'t>(
    task: &'t Task,
    from: &'t str,
    follows: impl Fn(&Step, &BTreeSet<&str>) -> bool,
) -> BTreeSet<&'t str> {
    let mut known = BTreeSet::from([from]);
    for step in &task.steps {
        if follows(step, &known) {
            known.insert(&step.name);
        }
    }
    known
}

fn place(task: &str, step: &str) -> Place {
    Place {
        task: task.to_owned(),
        step: step.to_owned(),
    }
}

fn phase<'s>(state: &'s TaskState, step: &str) -> Option<&'s Phase> {
    Some(&state.steps.get(step)?.phase)
}

fn is_accepted(state: &TaskState, step: &str) -> bool {
    phase(state, step) == Some(&Phase::Accepted)
}

// An approval is used up by the start of a command; its end needs none.
fn is_cleared(state: &TaskState, step: &str) -> bool {
    state
        .steps
        .get(step)
        .is_some_and(|state| state.approved.is_some())
}

/// Returns whether a step of the task has failed, or something else keeps it from going on.
pub(super) fn has_failed(state: &TaskState) -> bool {
    let failed = |step: &StepState| matches!(step.phase, Phase::Failed(_));
    state.trouble.is_some() || state.steps.values().any(failed)
}

fn may_start(state: &TaskState, step: &Step) -> bool {
    let repaired = match &step.kind {
        StepKind::Agent(agent) => agent.sends_back.as_ref(),
        StepKind::Effect(_) => None,
    };
    step.after
        .iter()
        .chain(repaired)
        .all(|before| is_accepted(state, before))
}

// What a step may land; nothing where it lands nothing.
type Grants = Grant<PathPattern>;

// Whether both land files and may land the same one. What can't be decided counts as such.
fn overlap(left: Option<&Grants>, right: Option<&Grants>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    left.overlap(right) != Ok(None)
}

fn grant(plan: &Plan, step: &Step) -> Option<Grants> {
    let StepKind::Agent(agent) = &step.kind else {
        return None;
    };
    let role = plan.roles.get(&agent.role)?;
    (agent.yields == Yields::Commit).then(|| Plan::boundary_in(role, agent).write)
}

/// Returns the steps that start only when everything that lands has landed, by themselves or since they
/// follow one that does.
pub(super) fn late(task: &Task) -> BTreeSet<&str> {
    let mut late = BTreeSet::new();
    for step in &task.steps {
        let mut before = step.after.iter();
        if step.after_land || before.any(|before| late.contains(before.as_str())) {
            late.insert(step.name.as_str());
        }
    }
    late
}

/// Returns the gates that judge the work of a task, in the order of their names.
pub(super) fn gates_of(plan: &Plan, tasks: &[String]) -> Vec<String> {
    let mut gates = BTreeSet::new();
    for task in tasks.iter().filter_map(|name| plan.tasks.get(name)) {
        for step in &task.steps {
            let StepKind::Agent(agent) = &step.kind else {
                continue;
            };
            for gate in plan
                .roles
                .get(&agent.role)
                .into_iter()
                .flat_map(|role| &role.gates)
            {
                gates.insert(gate.clone());
            }
        }
    }
    gates.into_iter().collect()
}
