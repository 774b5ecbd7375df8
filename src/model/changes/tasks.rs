//! Tasks: who works in their steps, who judges, what is waited for, and what leaves the machine.

use std::collections::BTreeSet;

use super::{
    Comparison, Direction, Phrase, find,
    roles::{limits, whole},
    said,
};
use crate::{
    boundary::{Capability, Entry},
    model::{Accept, AcceptProof, Bounds, Effect, Model, RoleId, Step, Stop, Task, Work, Yields},
};

/// A step with its place: sentences end with it.
#[derive(Clone, Copy)]
struct Place<'a> {
    task: &'a str,
    step: &'a str,
}

impl Place<'_> {
    // Returns "step `x` of task `y`" and what is said of it.
    fn said<const N: usize>(self, sentence: &str, things: [&str; N]) -> Phrase {
        let Self { task, step } = self;
        said("step {} of task {} ", [step, task]).and(said(sentence, things))
    }
}

/// What an agent's step says, with the names of a model.
struct Agent<'a> {
    model: &'a Model,
    role: RoleId,
    yields: Yields,
    only: Option<&'a Bounds>,
    stop: Stop,
    // Who repairs.
    back: Option<&'a str>,
    // What to do, and what to read first.
    brief: (&'a [String], Vec<&'a str>),
}

impl<'a> Agent<'a> {
    fn name(&self) -> &'a str {
        &self.model.role(self.role).name.value
    }
}

impl Comparison<'_> {
    /// Adds what is different of the tasks.
    pub(super) fn tasks(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for task in &new.tasks {
            let name = &task.name.value;
            match find(&old.tasks, name, |task| &task.name) {
                Some(known) => self.task(known, task),
                None => {
                    self.changed(said("the task {} is new", [name]));
                    self.effects(task, Direction::Widened);
                    for step in &task.steps {
                        self.beyond_role(place(task, step), task, step);
                    }
                }
            }
        }
        for task in &old.tasks {
            let name = &task.name.value;
            if find(&new.tasks, name, |task| &task.name).is_none() {
                self.changed(said("the task {} is gone", [name]));
                self.effects(task, Direction::Narrowed);
            }
        }
    }

    // The commands of a task that only one side has.
    fn effects(&mut self, task: &Task, direction: Direction) {
        for step in &task.steps {
            if let Work::Effect(effect) = &step.work {
                let place = place(task, step);
                self.effect_alone(place, effect, direction);
            }
        }
    }

    // A command of the owner that no role's boundary speaks of.
    fn effect_alone(&mut self, place: Place<'_>, effect: &Effect, direction: Direction) {
        let Effect { run, env } = effect;
        let now = match direction {
            Direction::Widened => "now",
            Direction::Narrowed | Direction::Changed => "no longer",
        };
        let text = place.said(&format!("{now} runs {{}}"), [run]);
        let text = if env.is_empty() {
            text
        } else {
            text.and(said(" with your ", [])).and(Phrase::list(env))
        };
        self.add(direction, text);
    }

    fn task(&mut self, known: &Task, task: &Task) {
        let Task {
            name,
            goal,
            accept,
            steps,
        } = task;
        let name = name.value.as_str();
        if known.goal != *goal {
            self.changed(said("the goal of task {}", [name]));
        }
        self.criteria(name, &known.accept, accept);
        for step in steps {
            let place = place(task, step);
            match find(&known.steps, place.step, |step| &step.name) {
                Some(before) => self.step(place, (known, before), (task, step)),
                None => {
                    self.step_alone(place, step, Direction::Widened);
                    self.beyond_role(place, task, step);
                }
            }
        }
        for step in &known.steps {
            let place = place(known, step);
            if find(steps, place.step, |step| &step.name).is_none() {
                self.step_alone(place, step, Direction::Narrowed);
            }
        }
    }

    // A step that one side alone has; `direction` is that of what a step may do by itself.
    fn step_alone(&mut self, place: Place<'_>, step: &Step, direction: Direction) {
        let (judges, other) = match direction {
            Direction::Widened => ("is new, and gives a verdict", "is new"),
            Direction::Narrowed | Direction::Changed => {
                ("is gone, and with it a verdict", "is gone")
            }
        };
        match &step.work {
            Work::Effect(effect) => self.effect_alone(place, effect, direction),
            Work::Agent {
                yields: Yields::Verdict,
                ..
            } => self.add(turned(direction), place.said(judges, [])),
            Work::Agent {
                yields: Yields::Commit | Yields::Report,
                ..
            } => self.changed(place.said(other, [])),
        }
    }

    // What a step that is new may use beyond the limits of its role.
    fn beyond_role(&mut self, place: Place<'_>, task: &Task, step: &Step) {
        let Some(agent) = agent(self.new.model, task, step) else {
            return;
        };
        let of_role = agent.model.role(agent.role).stop;
        for (direction, text) in limits(of_role, agent.stop) {
            if direction == Direction::Widened {
                self.widened(place.said("", []).and(text));
            }
        }
    }

    fn criteria(&mut self, task: &str, old: &[Accept], new: &[Accept]) {
        for (direction, these, others, now) in [
            (Direction::Widened, old, new, "no longer"),
            (Direction::Narrowed, new, old, "now"),
        ] {
            for accept in these {
                let Accept { text, proof: _ } = accept;
                if find(others, &text.value, |accept| &accept.text).is_none() {
                    let sentence = format!("task {{}} is {now} asked for {{}}");
                    self.add(direction, said(&sentence, [task, &text.value]));
                }
            }
        }
        for accept in new {
            let Some(known) = find(old, &accept.text.value, |accept| &accept.text) else {
                continue;
            };
            let (before, after) = (
                proof(self.old.model, &known.proof),
                proof(self.new.model, &accept.proof),
            );
            if before != after {
                let direction = match (&known.proof, &accept.proof) {
                    (AcceptProof::Nobody, _) => Direction::Narrowed,
                    // Whether another proof shows as much, nobody can tell from outside.
                    (AcceptProof::Run(_) | AcceptProof::By(_), _) => Direction::Widened,
                };
                let text = said("{} of task {} is proven by ", [&accept.text.value, task]);
                let text = text.and(after).and(said(", before by ", [])).and(before);
                self.add(direction, text);
            }
        }
    }

    fn step(
        &mut self,
        place: Place<'_>,
        (old_task, old): (&Task, &Step),
        (new_task, new): (&Task, &Step),
    ) {
        let Step {
            name: _,
            // Compared with all that it follows from.
            after: _,
            after_land,
            approval,
            work,
        } = new;
        match (&old.approval, approval) {
            (None, Some(who)) => {
                self.narrowed(place.said("now waits for an approval of {}", [who]));
            }
            (Some(who), None) => {
                self.widened(place.said("no longer waits for an approval of {}", [who]));
            }
            (Some(before), Some(who)) if before != who => {
                let text = "waits for an approval of {}, before of {}";
                self.widened(place.said(text, [who, before]));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        match (old.after_land, after_land) {
            (true, false) => self.widened(place.said("no longer waits for the landing", [])),
            (false, true) => self.narrowed(place.said("now waits for the landing", [])),
            (true, true) | (false, false) => {}
        }
        self.waits(place, (old_task, old), (new_task, new));
        match (&old.work, work) {
            (Work::Effect(known), Work::Effect(effect)) => {
                let Effect { run, env } = effect;
                if known.run != *run {
                    self.widened(place.said("runs {}, before {}", [run, &known.run]));
                }
                let names = [place.step, place.task];
                self.given(("step {} of task {}", &names), &known.env, env);
            }
            (Work::Agent { .. }, Work::Agent { .. }) => {
                let before = agent(self.old.model, old_task, old);
                let after = agent(self.new.model, new_task, new);
                if let (Some(before), Some(after)) = (before, after) {
                    self.work(place, &before, &after);
                }
            }
            (Work::Agent { .. }, Work::Effect(_)) | (Work::Effect(_), Work::Agent { .. }) => {
                self.step_alone(place, old, Direction::Narrowed);
                self.step_alone(place, new, Direction::Widened);
            }
        }
    }

    // A step that judges, or that waits for one that does, may find less when it comes earlier.
    fn waits(
        &mut self,
        place: Place<'_>,
        (old_task, old): (&Task, &Step),
        (new_task, new): (&Task, &Step),
    ) {
        let (before, after) = (waits_for(old_task, old), waits_for(new_task, new));
        for name in before.symmetric_difference(&after) {
            let is_there = |task: &Task| find(&task.steps, name, |step| &step.name).is_some();
            if !is_there(old_task) || !is_there(new_task) {
                continue;
            }
            let counts = |task: &Task, step: &Step| {
                let other = find(&task.steps, name, |step| &step.name);
                step.approval.is_some() || [Some(step), other].into_iter().flatten().any(is_verdict)
            };
            let (direction, now) = if before.contains(name) {
                let less = counts(old_task, old) || counts(new_task, new);
                let direction = if less {
                    Direction::Widened
                } else {
                    Direction::Changed
                };
                (direction, "no longer")
            } else {
                let more = counts(new_task, new);
                let direction = if more {
                    Direction::Narrowed
                } else {
                    Direction::Changed
                };
                (direction, "now")
            };
            let text = format!("{now} comes after {{}}");
            self.add(direction, place.said(&text, [name]));
        }
    }

    fn work(&mut self, place: Place<'_>, before: &Agent<'_>, after: &Agent<'_>) {
        let (old, new) = (before.name(), after.name());
        if old != new {
            let text = "is the work of {}, before of {}";
            self.widened(place.said(text, [new, old]));
        }
        match (before.yields, after.yields) {
            (Yields::Verdict, Yields::Commit | Yields::Report) => {
                self.widened(place.said("no longer gives a verdict", []));
            }
            (Yields::Commit | Yields::Report, Yields::Verdict) => {
                self.narrowed(place.said("now gives a verdict, and lands nothing", []));
            }
            (Yields::Report, Yields::Commit) => {
                self.widened(place.said("now lands what it writes", []));
            }
            (Yields::Commit, Yields::Report) => {
                self.narrowed(place.said("no longer lands what it writes", []));
            }
            (Yields::Commit, Yields::Commit)
            | (Yields::Verdict, Yields::Verdict)
            | (Yields::Report, Yields::Report) => {}
        }
        if before.back != after.back {
            self.changed(match after.back {
                Some(back) => place.said("sends work back to {}", [back]),
                None => place.said("no longer sends work back", []),
            });
        }
        if before.brief != after.brief {
            self.changed(place.said("asks for something else", []));
        }
        self.only(place, before.only, after);
        // What the role's own limits say is told of the role.
        let told: Vec<_> = find(&self.old.model.roles, new, |role| &role.name)
            .map(|role| limits(role.stop, after.model.role(after.role).stop))
            .unwrap_or_default();
        for limit in limits(before.stop, after.stop) {
            if !told.contains(&limit) {
                let (direction, text) = limit;
                self.add(direction, place.said("", []).and(text));
            }
        }
    }

    // What the step leaves of its role, on both sides of the role as it is now.
    fn only(&mut self, place: Place<'_>, old: Option<&Bounds>, after: &Agent<'_>) {
        let role = after.model.role(after.role);
        let narrowed = |only: Option<&Bounds>| {
            let mut boundary = whole(self.new, role);
            let only = only.map(|only| &only.boundary);
            boundary.write.only = only.and_then(|only| listed(&only.write.may));
            boundary.run.only = only.and_then(|only| listed(&only.run.may));
            boundary
        };
        let (before, after) = (narrowed(old), narrowed(after.only));
        let name = role.name.value.as_str();
        for capability in [Capability::Write, Capability::Run] {
            match after.beyond(&before, capability) {
                Ok(Some(thing)) => {
                    let text = format!("narrows {{}} less: it may {capability} {{}} there");
                    self.widened(place.said(&text, [name, &thing]));
                }
                Ok(None) => {}
                Err(error) => {
                    let text = format!("narrows {{}} in another way: {error}");
                    self.widened(place.said(&text, [name]));
                }
            }
            if let Ok(Some(thing)) = before.beyond(&after, capability) {
                let text = format!("narrows {{}} more: it may not {capability} {{}} there");
                self.narrowed(place.said(&text, [name, &thing]));
            }
        }
    }
}

// What is not listed is not narrowed.
fn listed<P: Clone>(only: &[Entry<P>]) -> Option<Vec<Entry<P>>> {
    (!only.is_empty()).then(|| only.to_vec())
}

fn place<'a>(task: &'a Task, step: &'a Step) -> Place<'a> {
    Place {
        task: &task.name.value,
        step: &step.name.value,
    }
}

// A verdict holds where other work does something.
const fn turned(direction: Direction) -> Direction {
    match direction {
        Direction::Widened => Direction::Narrowed,
        Direction::Narrowed => Direction::Widened,
        Direction::Changed => Direction::Changed,
    }
}

fn is_verdict(step: &Step) -> bool {
    matches!(
        step.work,
        Work::Agent {
            yields: Yields::Verdict,
            ..
        }
    )
}

// The names of all steps that come before `step`.
fn waits_for(task: &Task, step: &Step) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Step> = vec![step];
    while let Some(step) = open.pop() {
        let before = step
            .after
            .iter()
            .filter_map(|id| task.steps.get(id.value.0));
        open.extend(before.filter(|step| found.insert(step.name.value.clone())));
    }
    found
}

fn agent<'a>(model: &'a Model, task: &'a Task, step: &'a Step) -> Option<Agent<'a>> {
    let Work::Agent {
        role,
        yields,
        sends_back,
        items,
        read_first,
        only,
        stop,
        // Where it is written.
        budget: _,
    } = &step.work
    else {
        return None;
    };
    let back = sends_back.and_then(|id| task.steps.get(id.value.0));
    Some(Agent {
        model,
        role: role.value,
        yields: *yields,
        only: only.as_deref(),
        stop: *stop,
        back: back.map(|step| step.name.value.as_str()),
        brief: (
            items,
            read_first.iter().map(|path| path.value.as_str()).collect(),
        ),
    })
}

fn proof(model: &Model, proof: &AcceptProof) -> Phrase {
    match proof {
        AcceptProof::Run(run) => said("{}", [&run.value]),
        AcceptProof::By(role) => said("a verdict of {}", [&model.role(role.value).name.value]),
        AcceptProof::Nobody => said("nobody", []),
    }
}
