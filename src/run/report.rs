//! What became of runs: plain data for `factory report`, and for `factory` in the morning.

use std::collections::BTreeMap;

use super::{
    clock::{Moment, RunId},
    error::{ExecError, with_causes},
    event::{Event, Failure, Proven, Refusal, TaskEnd},
    journal::{self, Entry},
    open::{JOURNAL, read_plan},
    planned,
    progress::{Baseline, Phase, Progress, StepState, Stopped, TaskState},
    project::{Project, ProjectError},
};
use crate::plan::{Plan, Usd};

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Its name.
    pub run: RunId,
    /// How it stands.
    pub end: RunEnd,
    /// When it began.
    pub began: Option<Moment>,
    /// When anything last happened in it.
    pub last: Option<Moment>,
    /// The commit that it started from.
    pub base: String,
    /// The gates that fail on the untouched base.
    pub red: Vec<String>,
    /// Its tasks, in order.
    pub tasks: Vec<TaskSummary>,
    /// The tasks that had landed before, with their commits.
    pub skipped: BTreeMap<String, String>,
    /// What all attempts have cost, as far as that is known.
    pub cost: Usd,
    /// How many attempts there were.
    pub attempts: u32,
    /// How many verdicts gates gave.
    pub judged: u32,
    /// How many of them were replayed from the cache.
    pub replayed: u32,
    /// What the owner may want to know.
    pub notes: Vec<String>,
    /// What its tasks cost to plan.
    pub planning: Usd,
    /// The later run that has taken up what this one left undone, if one has.
    pub closed_by: Option<RunId>,
}

/// What became of the runs there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Those that can be told of, the latest first.
    pub runs: Vec<RunSummary>,
    /// Those whose folders can't be read, and why.
    pub unreadable: Vec<(RunId, String)>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Every task is finished or had landed before.
    Finished,
    /// A task waits for an approval; none has failed.
    Waiting,
    /// A task has failed.
    Failed,
    /// A gate fails on the untouched base; nothing was started.
    Red,
    /// Its owner ended it; it can be resumed.
    Cancelled,
    /// Its process is at work.
    Running,
    /// Its process vanished; it can be resumed.
    Open,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSummary {
    /// Its name.
    pub name: String,
    /// The branch that it lands on, once work has begun.
    pub branch: Option<String>,
    /// The tip of that branch, once all that lands has landed.
    pub landed: Option<String>,
    /// How it ended, if it has.
    pub end: Option<TaskEnd>,
    /// What outside of its steps keeps it from going on.
    pub trouble: Option<String>,
    /// Its steps, in the order of the plan.
    pub steps: Vec<StepSummary>,
    /// What proves its acceptance criteria, in order.
    pub criteria: Vec<(String, Proven)>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSummary {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub end: StepEnd,
    /// How many attempts there were.
    pub attempts: u32,
    /// What they cost.
    pub cost: Usd,
    /// The commits that have landed, with their subjects.
    pub commits: Vec<(String, String)>,
    /// The changes that the audit refused.
    pub refused: Vec<Refusal>,
    /// What its guard refused while it worked, one line each.
    pub guarded: Vec<String>,
    /// The files that are kept in the run's folder.
    pub files: Vec<String>,
    /// The reference that keeps work that is not accepted.
    pub kept: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepEnd {
    /// Its turn has not come.
    Pending,
    /// It was begun.
    Begun,
    /// It waits for an approval.
    Waiting {
        /// Whether its command was started before, and nobody knows how far it came.
        started: bool,
    },
    /// It is done.
    Accepted,
    /// It has failed.
    Failed(Failure),
}

impl RunSummary {
    /// Returns what `progress` amounts to. The times are not in it.
    pub(super) fn of(run: &RunId, progress: &Progress) -> Self {
        let tasks: Vec<TaskSummary> = progress
            .order
            .iter()
            .filter_map(|name| Some(TaskSummary::of(name, progress.tasks.get(name)?)))
            .collect();
        let any = |end: TaskEnd| tasks.iter().any(|task| task.end == Some(end));
        let (end, red) = match (&progress.baseline, progress.stopped) {
            (Baseline::Red(gates), _) => (RunEnd::Red, gates.clone()),
            (_, Some(Stopped::Cancelled)) => (RunEnd::Cancelled, Vec::new()),
            (_, None) => (RunEnd::Open, Vec::new()),
            (_, Some(Stopped::Ended)) if any(TaskEnd::Failed) => (RunEnd::Failed, Vec::new()),
            (_, Some(Stopped::Ended)) if any(TaskEnd::Waiting) => (RunEnd::Waiting, Vec::new()),
            (_, Some(Stopped::Ended)) => (RunEnd::Finished, Vec::new()),
        };
        let attempts = tasks.iter().flat_map(|task| &task.steps);
        Self {
            run: run.clone(),
            end,
            began: None,
            last: None,
            base: progress.base.clone(),
            red,
            skipped: progress.skipped.clone(),
            cost: progress.spent,
            attempts: attempts.map(|step| step.attempts).sum(),
            judged: progress.judged,
            replayed: progress.replayed,
            notes: progress.notes.clone(),
            planning: Usd::ZERO,
            closed_by: None,
            tasks,
        }
    }

    // The steps in the order of the plan, those that never began with them.
    fn complete(&mut self, plan: &Plan) {
        for task in &mut self.tasks {
            let Some(planned) = plan.tasks.get(&task.name) else {
                continue;
            };
            let mut known: BTreeMap<String, StepSummary> = std::mem::take(&mut task.steps)
                .into_iter()
                .map(|step| (step.name.clone(), step))
                .collect();
            for step in &planned.steps {
                let summary = known.remove(&step.name);
                let summary =
                    summary.unwrap_or_else(|| StepSummary::of(&step.name, &StepState::default()));
                task.steps.push(summary);
            }
        }
    }

    // What is known of a run besides its progress: when, what was planned, what planning cost, who is at
    // work.
    pub(super) fn furnish(&mut self, project: &Project) -> Result<(), ExecError> {
        let folder = project.run(&self.run);
        let entries = journal::read(&folder.join(JOURNAL))?;
        self.began = entries.first().map(|entry| entry.at);
        self.last = entries.last().map(|entry| entry.at);
        let (plan, _) = read_plan(&folder)?;
        self.complete(&plan);
        self.planning = planned::cost_of(project, |task| {
            self.tasks.iter().any(|known| known.name == task)
        });
        Ok(())
    }

    /// Returns whether `exec --resume` has something to do for this run, now or after an approval.
    pub fn can_go_on(&self) -> bool {
        let retried = |step: &StepSummary| {
            matches!(
                step.end,
                StepEnd::Failed(Failure::Limit | Failure::Cap { .. } | Failure::Trouble { .. })
            )
        };
        match self.end {
            RunEnd::Finished => false,
            RunEnd::Failed => {
                self.steps().any(retried)
                    || self
                        .tasks
                        .iter()
                        .any(|task| task.end == Some(TaskEnd::Waiting) || task.trouble.is_some())
            }
            RunEnd::Waiting | RunEnd::Red | RunEnd::Cancelled | RunEnd::Running | RunEnd::Open => {
                true
            }
        }
    }

    /// Returns whether a step has failed by its work, so that `exec --retry` has something to do.
    pub fn can_retry(&self) -> bool {
        self.steps()
            .any(|step| matches!(step.end, StepEnd::Failed(_)))
    }

    /// Returns whether its owner has something to decide or to do about it.
    pub fn wants_attention(&self) -> bool {
        self.closed_by.is_none()
            && (self.can_go_on() || self.can_retry() || self.end == RunEnd::Failed)
    }

    fn steps(&self) -> impl Iterator<Item = &StepSummary> {
        self.tasks.iter().flat_map(|task| &task.steps)
    }

    // The tasks that are not done.
    fn undone(&self) -> impl Iterator<Item = &TaskSummary> {
        let is_done = |task: &&TaskSummary| task.end == Some(TaskEnd::Finished);
        self.tasks.iter().filter(move |task| !is_done(task))
    }

    /// Returns what waits for an approval: the task, the step.
    pub fn waiting(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tasks.iter().flat_map(|task| {
            let waiting = task
                .steps
                .iter()
                .filter(|step| matches!(step.end, StepEnd::Waiting { .. }));
            waiting.map(|step| (task.name.as_str(), step.name.as_str()))
        })
    }
}

impl TaskSummary {
    fn of(name: &str, state: &TaskState) -> Self {
        Self {
            name: name.to_owned(),
            branch: state.started.as_ref().map(|(branch, _)| branch.clone()),
            landed: state.landed.clone(),
            end: state.end,
            trouble: state.trouble.clone(),
            steps: state
                .steps
                .iter()
                .map(|(name, step)| StepSummary::of(name, step))
                .collect(),
            criteria: state.criteria.clone(),
        }
    }
}

impl StepSummary {
    fn of(name: &str, state: &StepState) -> Self {
        Self {
            name: name.to_owned(),
            end: match &state.phase {
                Phase::Accepted => StepEnd::Accepted,
                Phase::Failed(why) => StepEnd::Failed(why.clone()),
                phase if state.waits => StepEnd::Waiting {
                    started: *phase == Phase::Acting,
                },
                Phase::Pending => StepEnd::Pending,
                Phase::Working | Phase::Judging { .. } | Phase::Landing { .. } | Phase::Acting => {
                    StepEnd::Begun
                }
            },
            attempts: state.attempts,
            cost: state.spent,
            commits: state.commits.clone(),
            refused: state.refused.clone(),
            guarded: state.guarded.clone(),
            files: state.files.clone(),
            kept: state.kept.clone(),
        }
    }
}

/// Returns what became of the runs there are, the latest first. A run that can't be read is named, and
/// is in nobody's way.
///
/// # Errors
///
/// Where the folder of runs can't be read.
pub fn status(project: &Project) -> Result<Status, ExecError> {
    let mut status = Status::default();
    for run in project.list_runs()? {
        match report(project, &run) {
            Ok(summary) => status.runs.push(summary),
            Err(error) => status.unreadable.push((run, with_causes(&error))),
        }
    }
    // Whoever does a task anew, does it instead of those who left it undone before.
    let mut taken: BTreeMap<String, RunId> = BTreeMap::new();
    for summary in &mut status.runs {
        let by: Option<Vec<&RunId>> = summary.undone().map(|task| taken.get(&task.name)).collect();
        summary.closed_by = by.and_then(|by| by.into_iter().min().cloned());
        for task in &summary.tasks {
            taken
                .entry(task.name.clone())
                .or_insert_with(|| summary.run.clone());
        }
    }
    Ok(status)
}

/// Returns what became of one run.
///
/// # Errors
///
/// Where there is no such run, or its folder can't be read.
pub fn report(project: &Project, run: &RunId) -> Result<RunSummary, ExecError> {
    let entries = events(project, run)?;
    let progress = Progress::of(entries.iter().map(|entry| &entry.event));
    if progress.lock.is_none() {
        return Err(ExecError::NeverBegan { run: run.clone() });
    }
    let mut summary = RunSummary::of(run, &progress);
    summary.furnish(project)?;
    if summary.end == RunEnd::Open && project.at_work().as_ref() == Some(run) {
        summary.end = RunEnd::Running;
    }
    Ok(summary)
}

/// Returns the events of a run, in order.
///
/// # Errors
///
/// Where there is no such run, or its journal can't be read.
pub fn events(project: &Project, run: &RunId) -> Result<Vec<Entry>, ExecError> {
    let path = project.run(run).join(JOURNAL);
    if !path.is_file() {
        return Err(ExecError::NoRun { run: run.clone() });
    }
    Ok(journal::read(&path)?)
}

/// Why a step can't be approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The run can't be looked at.
    #[error(transparent)]
    Run(#[from] ExecError),
    /// Another process works on the repository.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The step is none of the run's, or waits for no approval.
    #[error("`{task}/{step}` does not wait for an approval in run {run}")]
    NotWaiting {
        /// The run.
        run: RunId,
        /// The task.
        task: String,
        /// The step.
        step: String,
    },
}

/// Writes down that `by` approves a step that waits; `exec` goes on with it when it resumes the run.
///
/// # Errors
///
/// Where the step does not wait, or a run is at work in the repository.
pub fn approve(
    project: &Project,
    run: &RunId,
    task: &str,
    step: &str,
    by: &str,
) -> Result<(), ApproveError> {
    let _hold = project.hold(&format!("approval of run {run}"))?;
    let summary = report(project, run)?;
    if !summary.waiting().any(|waits| waits == (task, step)) {
        return Err(ApproveError::NotWaiting {
            run: run.clone(),
            task: task.to_owned(),
            step: step.to_owned(),
        });
    }
    let path = project.run(run).join(JOURNAL);
    let (mut journal, _) = journal::Journal::open(&path).map_err(ExecError::from)?;
    let event = Event::Approved {
        place: super::event::Place {
            task: task.to_owned(),
            step: step.to_owned(),
        },
        by: by.to_owned(),
    };
    journal.append(&event).map_err(ExecError::from)?;
    Ok(())
}
