//! `exec`: carries out a plan, from the untouched base to the last commit.
//!
//! One process at a time works on a repository. It decides by the plan and by the journal's events
//! and by nothing else, and writes every event down before it does what follows from it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use tokio::sync::Notify as Bell;

use super::{
    agent::{self, AgentError, Assignment, Attempt},
    audit::AuditError,
    clock::RunId,
    event::{Event, Failure, Place, TaskEnd},
    gate::{GateCache, Judge},
    gates::Lanes,
    git::GitError,
    identity,
    jobs::Jobs,
    journal::{self, Journal, JournalError},
    land, notify,
    process::Cancel,
    progress::{Baseline, Progress, StepState},
    project::{Project, ProjectError},
    report::RunSummary,
    schedule::{Job, Schedule, gates_of, has_failed},
    workshop::{Checkout, Workshop, WorkshopError},
};
use crate::{
    cache::{Digest, Store},
    plan::{Agent, Notice, Plan, Step, StepKind, Usd},
};

/// What is to be carried out.
#[derive(Debug, Clone)]
pub enum Order {
    /// A new run.
    Start {
        /// The plan.
        plan: Box<Plan>,
        /// The accepted prompt of each role.
        prompts: BTreeMap<String, String>,
        /// The tasks, by name; all of them where none is named.
        tasks: Vec<String>,
        /// Whether tasks that have landed before are done again.
        again: bool,
    },
    /// A run that was begun before.
    Resume(RunId),
}

/// How it is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most steps at the same time; the plan's where it is not said.
    pub jobs: Option<u32>,
    /// What all attempts of a new run may cost together.
    pub cap: Option<Usd>,
    /// The commit that a new run starts from; the owner's `HEAD` where it is not said.
    pub base: Option<String>,
    /// The folder of the store in which passes of gates are kept; without one, none is.
    pub store: Option<PathBuf>,
    /// The binary of `factory`.
    pub exe: PathBuf,
}

/// Why a plan could not be carried out. The journal of a run that began can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The project can't be worked on.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A checkout could not be made ready or read.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The plan names a path that is none.
    #[error("{0}")]
    Plan(String),
    /// A file could not be used.
    #[error("can't use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no such task.
    #[error("the lock has no task `{name}`")]
    NoTask {
        /// Its name.
        name: String,
    },
    /// There is no commit to start from.
    #[error("there is no commit `{name}` to start from")]
    NoBase {
        /// What was named, or `HEAD`.
        name: String,
    },
    /// A prompt is not the accepted one.
    #[error("the prompt of `{role}` is not the accepted one")]
    Prompt {
        /// Whose.
        role: String,
    },
    /// There is no such run.
    #[error("there is no run {run}")]
    NoRun {
        /// Its name.
        run: RunId,
    },
    /// A run's folder is not what the run began with.
    #[error("the plan in the folder of run {run} is not the one that it began with")]
    Tampered {
        /// Its name.
        run: RunId,
    },
    /// The task's branch holds work that this run did not make.
    #[error(
        "the branch `{branch}` has commits that are not in the base; go on with the run that made them, \
         delete it, or start over with `--again`"
    )]
    BranchTaken {
        /// The branch.
        branch: String,
    },
    /// The task's branch is checked out, and what is checked out is never touched.
    #[error("the branch `{branch}` is checked out in `{folder}`; check out another one there")]
    CheckedOut {
        /// The branch.
        branch: String,
        /// Where.
        folder: String,
    },
    /// The branch was moved by someone else over and over again.
    #[error("the branch `{branch}` does not stand still")]
    Unsteady {
        /// The branch.
        branch: String,
    },
    /// The run was cancelled. Never returned by [`exec`].
    #[error("the run was cancelled")]
    Cancelled,
}

impl From<AuditError> for ExecError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Git(error) => error.into(),
            AuditError::Pattern(error) => Self::Plan(error.to_string()),
        }
    }
}

pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ExecError + '_ {
    move |cause| ExecError::File {
        path: path.to_owned(),
        cause,
    }
}

/// What an agent's attempt will have left.
pub(super) type AgentFuture = Pin<Box<dyn Future<Output = Result<Attempt, AgentError>>>>;

/// Who starts agents.
pub(super) type Agents<'a> = &'a dyn Fn(Assignment, Cancel) -> AgentFuture;

/// Carries out `order` on `project`, and tells `events` everything as it happens.
///
/// The owner's checkout, index, and current branch are never touched. A run that was cancelled is an
/// outcome, not an error.
///
/// # Errors
///
/// Where something fails that is no agent's fault. The run can be resumed afterwards.
pub async fn exec(
    project: &Project,
    order: Order,
    options: &Options,
    events: &mut dyn FnMut(&Event),
    cancel: Cancel,
) -> Result<RunSummary, ExecError> {
    let start =
        |assignment, cancel| -> AgentFuture { Box::pin(agent::attempt(assignment, cancel)) };
    exec_with(project, order, options, events, cancel, &start).await
}

/// As [`exec`], with agents that are started by `agents`.
pub(super) async fn exec_with(
    project: &Project,
    order: Order,
    options: &Options,
    events: &mut dyn FnMut(&Event),
    cancel: Cancel,
    agents: Agents<'_>,
) -> Result<RunSummary, ExecError> {
    let opened = match order {
        Order::Start {
            plan,
            prompts,
            tasks,
            again,
        } => open_new(project, *plan, prompts, tasks, again, options, events).await?,
        Order::Resume(run) => open_known(project, run, events)?,
    };
    let Opened {
        run,
        plan,
        prompts,
        record,
        hold: _hold,
        again,
    } = opened;
    let workshop = Workshop::open(project, Arc::clone(&plan), &run, cancel.clone())?;
    let jobs = options.jobs.unwrap_or(plan.factory.jobs).max(1);
    let runner = Runner {
        project,
        run,
        prompts,
        workshop,
        lanes: Lanes::new(jobs as usize),
        judge: Judge {
            plan: Arc::clone(&plan),
            cache: Arc::new(GateCache::new(options.store.as_ref().map(Store::open))),
            owner: project.environment().clone(),
            extra: BTreeMap::new(),
            cancel: cancel.clone(),
        },
        record: RefCell::new(record),
        cancel,
        agents,
        exe: options.exe.clone(),
        identity: project.identity().await,
        clones: RefCell::default(),
        reserved: Cell::default(),
        bell: Bell::new(),
        again,
        plan: Arc::clone(&plan),
    };
    match runner.carry_out(jobs as usize).await {
        Ok(()) => runner.event(Event::RunEnded)?,
        Err(_) if runner.cancel.is_made() => runner.event(Event::RunCancelled)?,
        Err(error) => return Err(error),
    }
    let summary = runner.summary()?;
    if !summary.can_go_on() {
        runner.workshop.remove()?;
    }
    Ok(summary)
}

struct Opened<'a> {
    run: RunId,
    plan: Arc<Plan>,
    prompts: BTreeMap<String, String>,
    record: Record<'a>,
    hold: super::project::Hold,
    again: bool,
}

async fn open_new<'a>(
    project: &Project,
    plan: Plan,
    prompts: BTreeMap<String, String>,
    tasks: Vec<String>,
    again: bool,
    options: &Options,
    events: &'a mut dyn FnMut(&Event),
) -> Result<Opened<'a>, ExecError> {
    let mut tasks = tasks;
    if let Some(name) = tasks.iter().find(|name| !plan.tasks.contains_key(*name)) {
        return Err(ExecError::NoTask { name: name.clone() });
    }
    if tasks.is_empty() {
        tasks = plan.tasks.keys().cloned().collect();
    }
    check_names(&plan, &tasks)?;
    tasks.sort_unstable();
    tasks.dedup();
    for role in roles_of(&plan, &tasks) {
        let accepted = plan.roles.get(&role).map(|role| role.prompt);
        if accepted.is_none() || prompts.get(&role).map(Digest::of) != accepted {
            return Err(ExecError::Prompt { role });
        }
    }
    let run = RunId::new();
    let hold = project.hold(&format!("run {run}"))?;
    forget_old_checkouts(project)?;
    let git = project.checkout().await?;
    let named = options.base.as_deref().unwrap_or("HEAD");
    let Some(base) = land::resolve(&git, named).await? else {
        let name = named.to_owned();
        return Err(ExecError::NoBase { name });
    };
    let mut skipped = Vec::new();
    if !again {
        let mut left = Vec::new();
        for name in tasks {
            match identity::landed(project, &plan, &name).await? {
                Some(commit) => skipped.push((name, commit)),
                None => left.push(name),
            }
        }
        tasks = left;
    }
    for task in &tasks {
        if land::standing(project, task, &base).await?.foreign && !again {
            let branch = land::branch(task);
            return Err(ExecError::BranchTaken { branch });
        }
    }
    let folder = project.run(&run);
    fs::create_dir_all(folder.join("prompts")).map_err(file_error(&folder))?;
    let text = plan_text(&plan)?;
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(file_error(&path));
    write(folder.join("plan.json"), &text)?;
    for (role, prompt) in &prompts {
        write(folder.join("prompts").join(format!("{role}.md")), prompt)?;
    }
    let mut record = Record {
        journal: Journal::create(&folder.join("journal.jsonl"))?,
        progress: Progress::default(),
        events,
    };
    record.event(&Event::RunStarted {
        run: run.clone(),
        lock: Digest::of(&text),
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        base,
        tasks,
        cap: options.cap,
    })?;
    for (task, commit) in skipped {
        record.event(&Event::TaskSkipped { task, commit })?;
    }
    if !git
        .output(["status", "--porcelain"], None)
        .await?
        .is_empty()
    {
        let text = "what is not committed in the checkout is not in the base".to_owned();
        record.event(&Event::Note { text })?;
    }
    Ok(Opened {
        run,
        plan: Arc::new(plan),
        prompts,
        record,
        hold,
        again,
    })
}

fn open_known<'a>(
    project: &Project,
    run: RunId,
    events: &'a mut dyn FnMut(&Event),
) -> Result<Opened<'a>, ExecError> {
    let folder = project.run(&run);
    if !folder.join("journal.jsonl").is_file() {
        return Err(ExecError::NoRun { run });
    }
    let hold = project.hold(&format!("run {run}"))?;
    let (plan, text) = read_plan(&folder)?;
    let (journal, entries) = Journal::open(&folder.join("journal.jsonl"))?;
    let progress = Progress::of(entries.iter().map(|entry| &entry.event));
    if progress.lock != Some(Digest::of(&text)) {
        return Err(ExecError::Tampered { run });
    }
    let mut prompts = BTreeMap::new();
    for role in roles_of(&plan, &progress.order) {
        let path = folder.join("prompts").join(format!("{role}.md"));
        let prompt = fs::read_to_string(&path).map_err(file_error(&path))?;
        if plan.roles.get(&role).map(|role| role.prompt) != Some(Digest::of(&prompt)) {
            return Err(ExecError::Tampered { run });
        }
        prompts.insert(role, prompt);
    }
    let mut record = Record {
        journal,
        progress,
        events,
    };
    record.event(&Event::RunResumed {
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    Ok(Opened {
        run,
        plan: Arc::new(plan),
        prompts,
        record,
        hold,
        again: false,
    })
}

// Names become parts of paths and references; those of a lock that nobody tampered with can.
fn check_names(plan: &Plan, tasks: &[String]) -> Result<(), ExecError> {
    let steps = tasks
        .iter()
        .filter_map(|name| plan.tasks.get(name))
        .flat_map(|task| task.steps.iter().map(|step| &step.name));
    for name in tasks.iter().chain(steps).chain(plan.roles.keys()) {
        let mut bytes = name.bytes();
        let fits = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fits {
            return Err(ExecError::Plan(format!("`{name}` in the lock is no name")));
        }
    }
    Ok(())
}

/// Returns the plan in the folder of a run, and its text.
pub(super) fn read_plan(folder: &Path) -> Result<(Plan, String), ExecError> {
    let path = folder.join("plan.json");
    let text = fs::read_to_string(&path).map_err(file_error(&path))?;
    let plan = serde_json::from_str(&text)
        .map_err(io::Error::from)
        .map_err(file_error(&path))?;
    Ok((plan, text))
}

fn plan_text(plan: &Plan) -> Result<String, ExecError> {
    let mut text =
        serde_json::to_string_pretty(plan).map_err(|error| ExecError::Plan(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn roles_of(plan: &Plan, tasks: &[String]) -> Vec<String> {
    let steps = tasks
        .iter()
        .filter_map(|name| plan.tasks.get(name))
        .flat_map(|task| &task.steps);
    let mut roles: Vec<String> = steps
        .filter_map(|step| match &step.kind {
            StepKind::Agent(agent) => Some(agent.role.clone()),
            StepKind::Effect(_) => None,
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

// Checkouts of runs that can't go on are of no use; their folders may be left from a killed process.
fn forget_old_checkouts(project: &Project) -> Result<(), ExecError> {
    let Ok(entries) = fs::read_dir(project.cache()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(run) = name.to_str().and_then(|name| name.parse::<RunId>().ok()) else {
            continue;
        };
        let goes_on =
            journal::read(&project.run(&run).join("journal.jsonl")).is_ok_and(|entries| {
                let progress = Progress::of(entries.iter().map(|entry| &entry.event));
                RunSummary::of(&run, &progress).can_go_on()
            });
        if !goes_on {
            super::workshop::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// The journal, what it adds up to, and who is told.
pub(super) struct Record<'a> {
    journal: Journal,
    progress: Progress,
    events: &'a mut dyn FnMut(&Event),
}

impl Record<'_> {
    fn event(&mut self, event: &Event) -> Result<(), JournalError> {
        self.journal.append(event)?;
        self.progress.apply(event);
        (self.events)(event);
        Ok(())
    }
}

/// One process's work on one run.
pub(super) struct Runner<'a> {
    pub project: &'a Project,
    pub plan: Arc<Plan>,
    pub run: RunId,
    pub prompts: BTreeMap<String, String>,
    pub workshop: Workshop,
    pub lanes: Lanes,
    pub judge: Judge,
    record: RefCell<Record<'a>>,
    pub cancel: Cancel,
    pub agents: Agents<'a>,
    pub exe: PathBuf,
    pub identity: (String, String),
    // The clones that this process has made ready, with the commit and tree they were made from.
    pub clones: RefCell<BTreeMap<Place, (String, Checkout)>>,
    // What running attempts may still cost together.
    pub reserved: Cell<Usd>,
    pub bell: Bell,
    pub again: bool,
}

impl Runner<'_> {
    /// Writes `event` down, takes it into account, and tells of it.
    #[expect(clippy::needless_pass_by_value, reason = "events are made to be told")]
    pub fn event(&self, event: Event) -> Result<(), ExecError> {
        Ok(self.record.borrow_mut().event(&event)?)
    }

    /// Returns what `look` sees in how far the run is.
    pub fn look<T>(&self, look: impl FnOnce(&Progress) -> T) -> T {
        look(&self.record.borrow().progress)
    }

    /// Returns how far a step is.
    pub fn state(&self, place: &Place) -> StepState {
        self.look(|progress| progress.step(place).cloned().unwrap_or_default())
    }

    /// Returns the run's folder.
    pub fn folder(&self) -> PathBuf {
        self.project.run(&self.run)
    }

    /// Returns a step of the plan.
    pub fn step(&self, place: &Place) -> Result<&Step, ExecError> {
        let task = self.plan.tasks.get(&place.task);
        let step = task.and_then(|task| task.steps.iter().find(|step| step.name == place.step));
        step.ok_or_else(|| ExecError::Plan(format!("the lock has no step `{place}`")))
    }

    /// Returns the agent of a step.
    pub fn agent(&self, place: &Place) -> Result<&Agent, ExecError> {
        match &self.step(place)?.kind {
            StepKind::Agent(agent) => Ok(agent),
            StepKind::Effect(_) => Err(ExecError::Plan(format!("no agent works in `{place}`"))),
        }
    }

    /// Writes notes down.
    pub fn notes(&self, notes: Vec<String>) -> Result<(), ExecError> {
        notes
            .into_iter()
            .try_for_each(|text| self.event(Event::Note { text }))
    }

    fn summary(&self) -> Result<RunSummary, ExecError> {
        let mut summary = self.look(|progress| RunSummary::of(&self.run, progress));
        summary.read_times(&self.folder())?;
        Ok(summary)
    }

    async fn carry_out(&self, jobs: usize) -> Result<(), ExecError> {
        let order = self.look(|progress| progress.order.clone());
        if order.is_empty() {
            return Ok(());
        }
        if !self.baseline(&order).await? {
            return Ok(());
        }
        for task in &order {
            self.begin_task(task).await?;
        }
        let schedule = Schedule::of(&self.plan, &order);
        let mut running = Jobs::default();
        loop {
            if self.cancel.is_made() {
                // Each job ends by itself now; what it still has to say is heard.
                while running.next().await.is_some() {}
                return Err(ExecError::Cancelled);
            }
            let names: Vec<Job> = running.names().cloned().collect();
            let ready = self.look(|progress| schedule.ready(progress, &names, jobs));
            for job in ready {
                match &job {
                    Job::Step(place) => {
                        let place = place.clone();
                        running.push(job, async move { self.work_on(&place).await });
                    }
                    Job::Accept(task) => {
                        let task = task.clone();
                        running.push(job, async move { self.accept(&task).await });
                    }
                }
            }
            match running.next().await {
                Some((_, result)) => result?,
                None => break,
            }
        }
        for task in &order {
            self.end_task(&schedule, task).await?;
        }
        Ok(())
    }

    // Runs all gates of the plan's work on the untouched base. Returns whether work may begin.
    async fn baseline(&self, order: &[String]) -> Result<bool, ExecError> {
        if self.look(|progress| progress.baseline == Baseline::Held) {
            return Ok(true);
        }
        let base = self.look(|progress| progress.base.clone());
        let gates = gates_of(&self.plan, order);
        let rulings = self.judge_tree(None, &gates, &base, &base).await?;
        let red: Vec<_> = rulings
            .iter()
            .filter(|ruling| !ruling.outcome.lets_pass())
            .collect();
        if red.is_empty() {
            self.event(Event::BaselineHeld)?;
            return Ok(true);
        }
        let output = red
            .iter()
            .map(|ruling| ruling.for_people(&self.plan))
            .collect::<Vec<_>>();
        self.event(Event::BaselineRed {
            gates: red.iter().map(|ruling| ruling.gate.clone()).collect(),
            output: output.join("\n"),
        })?;
        let summary = "a gate fails on the untouched base; nothing was started";
        for task in order {
            self.tell(Notice::Failed, task, summary).await?;
        }
        Ok(false)
    }

    async fn end_task(&self, schedule: &Schedule<'_>, task: &str) -> Result<(), ExecError> {
        let Some(state) = self.look(|progress| progress.tasks.get(task).cloned()) else {
            return Ok(());
        };
        if state.end.is_some() {
            return Ok(());
        }
        let waiting = self.look(|progress| schedule.waiting(progress, task));
        let end = if has_failed(&state) {
            TaskEnd::Failed
        } else if !waiting.is_empty() {
            for (place, approval) in &waiting {
                if !self.state(place).waits {
                    self.event(Event::Waiting {
                        place: place.clone(),
                        approval: approval.clone(),
                    })?;
                }
            }
            TaskEnd::Waiting
        } else if state.landed.is_some() {
            TaskEnd::Finished
        } else {
            TaskEnd::Failed
        };
        self.event(Event::TaskEnded {
            task: task.to_owned(),
            end,
        })?;
        let branch = state.started.map(|(branch, _)| branch).unwrap_or_default();
        let (notice, summary) = match end {
            TaskEnd::Finished => (Notice::Finished, format!("landed on {branch}")),
            TaskEnd::Waiting => {
                let whom: Vec<_> = waiting
                    .iter()
                    .map(|(place, approval)| format!("{} waits for {approval}", place.step))
                    .collect();
                (Notice::Waiting, whom.join("; "))
            }
            TaskEnd::Failed => {
                let failed: Vec<_> = self.look(|progress| {
                    let steps = progress.tasks.get(task).map(|state| &state.steps);
                    steps
                        .into_iter()
                        .flatten()
                        .filter_map(|(name, step)| match &step.phase {
                            super::progress::Phase::Failed(why) => Some(format!("{name}: {why}")),
                            _ => None,
                        })
                        .collect()
                });
                (Notice::Failed, failed.join("; "))
            }
        };
        self.tell(notice, task, &summary).await
    }

    // Runs the owner's commands for `notice`; one that fails is noted and nothing more.
    async fn tell(&self, notice: Notice, task: &str, summary: &str) -> Result<(), ExecError> {
        let notes = notify::tell(self.project, &self.plan, notice, task, summary).await;
        self.notes(notes)
    }

    /// Ends a step that is not accepted.
    pub fn fail(&self, place: &Place, why: Failure, kept: Option<String>) -> Result<(), ExecError> {
        self.event(Event::StepFailed {
            place: place.clone(),
            why,
            kept,
        })
    }
}
