//! How far a run is: what its events add up to.
//!
//! The state of a run is made by [`Progress::apply`] alone, from the events of its journal alone, so
//! that a run that goes on after a crash knows what one that never stopped would know.

use std::collections::BTreeMap;

use super::{
    agent::Verdict,
    clock::RunId,
    event::{AttemptEnd, Complaint, Event, Failure, Place, Proven, Refusal, Sender, TaskEnd},
};
use crate::{cache::Digest, plan::Usd};

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The run's name.
    pub run: Option<RunId>,
    /// The digest of its lock.
    pub lock: Option<Digest>,
    /// The commit it starts from.
    pub base: String,
    /// Its tasks, in order, without those that are skipped.
    pub order: Vec<String>,
    /// What it may cost.
    pub cap: Option<Usd>,
    /// Whether tasks that have landed before are done again.
    pub again: bool,
    /// What was found on the untouched base.
    pub baseline: Baseline,
    /// Its tasks by name.
    pub tasks: BTreeMap<String, TaskState>,
    /// The tasks that had landed before, with their commits.
    pub skipped: BTreeMap<String, String>,
    /// What all attempts have cost.
    pub spent: Usd,
    /// How many times gates gave a verdict.
    pub judged: u32,
    /// How many of those verdicts were replayed.
    pub replayed: u32,
    /// What the owner may want to know.
    pub notes: Vec<String>,
    /// How the run stopped, where it did not simply vanish.
    pub stopped: Option<Stopped>,
}

/// What was found on the untouched base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Baseline {
    /// Nothing yet.
    #[default]
    Unknown,
    /// No gate fails.
    Held,
    /// These gates fail.
    Red(Vec<String>),
}

/// How a run stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is left that it can do.
    Ended,
    /// Its owner ended it.
    Cancelled,
}

/// How far a task is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskState {
    /// Its branch and the commit that the branch starts from, once work has begun.
    pub started: Option<(String, String)>,
    /// Its steps by name, as far as anything happened in them.
    pub steps: BTreeMap<String, StepState>,
    /// What proves its criteria, as last looked at, in order.
    pub criteria: Vec<(String, Proven)>,
    /// The tip of its branch, once all that lands has landed.
    pub landed: Option<String>,
    /// How it ended, or that it waits.
    pub end: Option<TaskEnd>,
    /// What outside of its steps keeps it from going on.
    pub trouble: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepState {
    /// What is next.
    pub phase: Phase,
    /// The attempts that count.
    pub attempts: u32,
    /// What all attempts have cost.
    pub spent: Usd,
    /// The attempts that count, and what they cost, before it was last tried again from the start.
    pub forgiven: (u32, Usd),
    /// How often in a row the provider's limit was met.
    pub limits: u32,
    /// How long that was waited for, in seconds.
    pub waited: u64,
    /// The commit that the present round works on.
    pub base: Option<String>,
    /// The tree of its files after the last attempt of this round, or as merged since.
    pub tree: Option<String>,
    /// Repositories among the files of its last attempt.
    pub repositories: Vec<String>,
    /// The trees that were judged and not accepted.
    pub refused_trees: Vec<String>,
    /// The files in which a merge left both versions, and the tree that it made.
    pub conflicts: Option<(String, Vec<String>)>,
    /// The session that can go on.
    pub session: Option<String>,
    /// The commit message that its agent proposes.
    pub message: Option<String>,
    /// The answer by schema of its last attempt.
    pub answer: Option<serde_json::Value>,
    /// What the next attempt is told.
    pub feedback: Option<String>,
    /// The verdict that was accepted, or the last that was fail.
    pub verdict: Option<Verdict>,
    /// The files that are kept in the run's folder.
    pub files: Vec<String>,
    /// The commits that have landed, with their subjects.
    pub commits: Vec<(String, String)>,
    /// Whether it was accepted before, in an earlier round.
    pub accepted_before: bool,
    /// Whether this round is to repair something.
    pub repairs: bool,
    /// What the audit has refused in any attempt.
    pub refused: Vec<Refusal>,
    /// What its guard has refused in any attempt.
    pub guarded: Vec<String>,
    /// Who approved it.
    pub approved: Option<String>,
    /// Whether it is known to wait for its approval.
    pub waits: bool,
    /// What was next before something outside the work stopped it.
    pub stopped_at: Option<Phase>,
    /// The reference that keeps its work, where it failed.
    pub kept: Option<String>,
}

/// What is next in a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Phase {
    /// A round of work on the tip of the branch.
    #[default]
    Pending,
    /// An attempt.
    Working,
    /// The audit and the gates.
    Judging {
        /// Whether the tree is what an attempt left, and not what a merge made of it.
        attempted: bool,
    },
    /// Moving the branch.
    Landing {
        /// The commit that is to be the tip.
        commit: String,
        /// The tip that it replaces.
        onto: String,
    },
    /// A command with an effect is on its way; nobody knows how far it came.
    Acting,
    /// Nothing: it is done.
    Accepted,
    /// Nothing: it has failed.
    Failed(Failure),
}

impl Progress {
    /// Returns what `events` add up to.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut progress = Self::default();
        for event in events {
            progress.apply(event);
        }
        progress
    }

    /// Returns how far a step is, where anything happened in it.
    pub fn step(&self, place: &Place) -> Option<&StepState> {
        self.tasks.get(&place.task)?.steps.get(&place.step)
    }

    fn task_mut(&mut self, task: &str) -> &mut TaskState {
        self.tasks.entry(task.to_owned()).or_default()
    }

    fn step_mut(&mut self, place: &Place) -> &mut StepState {
        let steps = &mut self.task_mut(&place.task).steps;
        steps.entry(place.step.clone()).or_default()
    }

    /// Takes one more event into account.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                run,
                lock,
                base,
                tasks,
                cap,
                again,
                compiler: _,
            } => {
                self.run = Some(run.clone());
                self.lock = Some(*lock);
                self.base.clone_from(base);
                self.order.clone_from(tasks);
                self.cap = *cap;
                self.again = *again;
                for task in tasks {
                    self.task_mut(task);
                }
            }
            Event::RunResumed {
                cap,
                retry,
                compiler: _,
            } => {
                self.cap = cap.or(self.cap);
                self.resume(*retry);
            }
            Event::TaskSkipped { task, commit } => {
                self.order.retain(|name| name != task);
                self.skipped.insert(task.clone(), commit.clone());
            }
            Event::GateJudged { replayed, .. } => {
                self.judged += 1;
                self.replayed += u32::from(*replayed);
            }
            Event::BaselineHeld => self.baseline = Baseline::Held,
            Event::BaselineRed { gates, .. } => self.baseline = Baseline::Red(gates.clone()),
            Event::TaskStarted { task, branch, base } => {
                self.task_mut(task).started = Some((branch.clone(), base.clone()));
            }
            Event::Criterion { task, text, proof } => {
                let criteria = &mut self.task_mut(task).criteria;
                criteria.retain(|(known, _)| known != text);
                criteria.push((text.clone(), proof.clone()));
            }
            Event::TaskLanded { task, commit, .. } => {
                self.task_mut(task).landed = Some(commit.clone());
            }
            Event::TaskTroubled { task, what } => {
                self.task_mut(task).trouble = Some(what.clone());
            }
            Event::TaskEnded { task, end, .. } => self.task_mut(task).end = Some(*end),
            Event::Note { text } => self.notes.push(text.clone()),
            Event::RunCancelled => self.stopped = Some(Stopped::Cancelled),
            Event::RunEnded => self.stopped = Some(Stopped::Ended),
            Event::StepStarted { place, base } => {
                let step = self.step_mut(place);
                step.phase = Phase::Working;
                step.base = Some(base.clone());
                step.tree = None;
                step.conflicts = None;
                step.waits = false;
            }
            Event::AttemptStarted { place, .. } => {
                self.step_mut(place).phase = Phase::Working;
            }
            Event::LimitReached { place, seconds } => {
                let step = self.step_mut(place);
                step.phase = Phase::Working;
                step.limits += 1;
                step.waited += seconds;
            }
            Event::AttemptEnded {
                place,
                end,
                cost,
                tree,
                repositories,
                session,
                message,
                answer,
                guarded,
                ..
            } => {
                self.spent += *cost;
                let step = self.step_mut(place);
                step.attempts += u32::from(end.counts());
                if end.counts() {
                    (step.limits, step.waited) = (0, 0);
                }
                step.spent += *cost;
                step.tree = Some(tree.clone());
                step.repositories.clone_from(repositories);
                step.session.clone_from(session);
                if message.is_some() {
                    step.message.clone_from(message);
                }
                step.answer.clone_from(answer);
                step.guarded.extend(guarded.iter().cloned());
                step.phase = match end {
                    AttemptEnd::Completed => Phase::Judging { attempted: true },
                    AttemptEnd::Budget
                    | AttemptEnd::TimedOut
                    | AttemptEnd::Limit
                    | AttemptEnd::Failed { .. } => Phase::Working,
                };
            }
            Event::SentBack {
                place,
                by,
                feedback,
            } => {
                let step = self.step_mut(place);
                step.feedback = Some(feedback.clone());
                step.phase = Phase::Working;
                match by {
                    Sender::Audit { refused } => {
                        step.refused.extend(refused.iter().cloned());
                        // A tree shows nothing of repositories within it: the next may be the same
                        // tree and a better attempt.
                        if step.repositories.is_empty() {
                            step.refused_trees.extend(step.tree.clone());
                        }
                    }
                    Sender::Gates { .. } => step.refused_trees.extend(step.tree.clone()),
                    Sender::Runner => {}
                }
            }
            Event::Repair {
                place,
                by,
                feedback,
                again,
            } => self.repair(place, by, feedback, again),
            Event::Merged {
                place,
                onto,
                tree,
                conflicts,
                feedback,
            } => {
                let step = self.step_mut(place);
                step.base = Some(onto.clone());
                step.tree = Some(tree.clone());
                if conflicts.is_empty() {
                    step.phase = Phase::Judging { attempted: false };
                    step.conflicts = None;
                } else {
                    step.feedback.clone_from(feedback);
                    step.phase = Phase::Working;
                    step.conflicts = Some((tree.clone(), conflicts.clone()));
                }
            }
            Event::Landing {
                place,
                commit,
                onto,
            } => {
                self.step_mut(place).phase = Phase::Landing {
                    commit: commit.clone(),
                    onto: onto.clone(),
                };
            }
            Event::Landed {
                place,
                commit,
                subject,
            } => {
                let step = self.step_mut(place);
                step.commits.push((commit.clone(), subject.clone()));
                step.accept();
            }
            Event::Accepted {
                place,
                verdict,
                files,
            } => {
                let step = self.step_mut(place);
                step.verdict.clone_from(verdict);
                step.files.clone_from(files);
                step.accept();
            }
            Event::StepFailed { place, why, kept } => {
                let step = self.step_mut(place);
                let next = std::mem::replace(&mut step.phase, Phase::Failed(why.clone()));
                step.stopped_at = Some(next);
                step.kept.clone_from(kept);
            }
            Event::Waiting { place, .. } => self.step_mut(place).waits = true,
            Event::Approved { place, by } => {
                let step = self.step_mut(place);
                step.approved = Some(by.clone());
                step.waits = false;
                // An approval that comes after a start is one to start again.
                if step.phase == Phase::Acting {
                    step.phase = Phase::Pending;
                }
            }
            Event::EffectStarted { place, .. } => {
                let step = self.step_mut(place);
                step.phase = Phase::Acting;
                step.approved = None;
            }
            Event::EffectEnded { place, code, .. } => {
                self.step_mut(place).phase = match code {
                    Some(0) => Phase::Accepted,
                    code => Phase::Failed(Failure::Effect { code: *code }),
                };
            }
        }
    }

    fn repair(&mut self, place: &Place, by: &Complaint, feedback: &str, again: &[String]) {
        if let Complaint::Verdict { from, verdict } = by {
            let judge = Place {
                task: place.task.clone(),
                step: from.clone(),
            };
            self.step_mut(&judge).verdict = Some(verdict.clone());
        }
        for step in again {
            let place = Place {
                task: place.task.clone(),
                step: step.clone(),
            };
            self.step_mut(&place).phase = Phase::Pending;
        }
        let step = self.step_mut(place);
        step.phase = Phase::Pending;
        step.repairs = true;
        step.feedback = Some(feedback.to_owned());
    }

    // What has failed by no fault of the work is tried again; what waits is looked at again. What has
    // failed by its work is tried again where that is wished.
    fn resume(&mut self, retry: bool) {
        self.stopped = None;
        if matches!(self.baseline, Baseline::Red(_)) {
            self.baseline = Baseline::Unknown;
        }
        for task in self.tasks.values_mut() {
            task.trouble = None;
            let mut failed = false;
            let mut forgiven = false;
            for step in task.steps.values_mut() {
                let Phase::Failed(why) = &step.phase else {
                    continue;
                };
                let begun = if step.base.is_some() {
                    Phase::Working
                } else {
                    Phase::Pending
                };
                let next = match why {
                    Failure::Limit | Failure::Trouble { .. } | Failure::Cap { .. } => {
                        step.stopped_at.take().unwrap_or(begun)
                    }
                    _ if !retry => {
                        failed = true;
                        continue;
                    }
                    Failure::Attempts { .. }
                    | Failure::Usd { .. }
                    | Failure::Wall { .. }
                    | Failure::NoChange
                    | Failure::SameTree => begun,
                    // The criterion is looked at again, and then sends back.
                    Failure::Criterion { .. } => step.stopped_at.take().unwrap_or(begun),
                    Failure::Verdict { .. } | Failure::Effect { .. } => Phase::Pending,
                };
                forgiven |= retry;
                step.phase = next;
                (step.limits, step.waited) = (0, 0);
            }
            if forgiven {
                // What a failed step sends work back to needs attempts as well.
                for step in task.steps.values_mut() {
                    step.forgiven = (step.attempts, step.spent);
                }
            }
            if !failed && task.end != Some(TaskEnd::Finished) {
                task.end = None;
            }
        }
    }
}

impl StepState {
    /// Returns how many of the attempts that `stop` allows are used up.
    pub fn used(&self) -> u32 {
        self.attempts.saturating_sub(self.forgiven.0)
    }

    /// Returns how much of what `stop` allows is used up.
    pub fn cost(&self) -> Usd {
        self.spent.less(self.forgiven.1)
    }

    fn accept(&mut self) {
        self.phase = Phase::Accepted;
        self.accepted_before = true;
        self.repairs = false;
        self.feedback = None;
        self.tree = None;
        self.conflicts = None;
    }
}
