//! `exec`: carries out a plan, from the untouched base to the last commit.
//!
//! One process at a time works on a repository. It decides by the plan and by the journal's events
//! and by nothing else, and writes every event down before it does what follows from it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
};

use tokio::sync::Notify as Bell;

use super::{
    agent::{self, AgentError, Assignment, Attempt},
    clock::RunId,
    commands::Commands,
    error::{ExecError, with_causes},
    event::{Event, Failure, Place, TaskEnd},
    gate::{GateCache, Judge},
    gates::{Judged, Lanes},
    jobs::Jobs,
    journal::{Journal, JournalError},
    notify,
    open::{Begun, Opened, Options, Order, open_known, open_new},
    process::Cancel,
    progress::{Baseline, Phase, Progress, StepState},
    project::Project,
    report::RunSummary,
    schedule::{Job, Schedule, gates_of, has_failed},
    workshop::{Checkout, Workshop},
};
use crate::plan::{Agent, Notice, Plan, Step, StepKind, Usd};

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
        } => {
            let begun = open_new(project, *plan, prompts, tasks, again, options, events).await?;
            match begun {
                Begun::Run(opened) => *opened,
                Begun::Nothing(summary) => return Ok(*summary),
            }
        }
        Order::Resume(run) => open_known(project, run, options, events).await?,
    };
    let Opened {
        run,
        plan,
        prompts,
        record,
        hold: _hold,
        again,
    } = opened;
    let commands = match &options.exe {
        Some(exe) => Commands::kept_by(exe.clone()),
        None => Commands::default(),
    };
    let commands = commands
        .recorded_in(project.records(&run))
        .confined(project.environment().clone(), project.root().to_owned());
    let workshop = Workshop::open(
        project,
        Arc::clone(&plan),
        &run,
        commands.clone(),
        cancel.clone(),
    )?;
    let jobs = options.jobs.unwrap_or(plan.factory.jobs).max(1);
    let runner = Runner {
        project,
        run,
        prompts,
        workshop,
        lanes: Lanes::new(jobs as usize),
        judge: Judge {
            plan: Arc::clone(&plan),
            cache: Arc::new(GateCache::new(options.store.clone())),
            owner: project.environment().clone(),
            extra: BTreeMap::new(),
            commands: commands.clone(),
            cancel: cancel.clone(),
            // What an agent wrote is shown no more than is declared.
            probes: false,
        },
        commands,
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
        Err(error) => {
            runner.give_up(&error).await;
            return Err(error);
        }
    }
    let summary = runner.summary()?;
    if !summary.can_go_on() {
        runner.workshop.remove()?;
    }
    Ok(summary)
}

/// The journal, what it adds up to, and who is told.
pub(super) struct Record<'a> {
    pub journal: Journal,
    pub progress: Progress,
    pub events: &'a mut dyn FnMut(&Event),
}

impl Record<'_> {
    /// Writes `event` down, takes it into account, and tells of it.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), JournalError> {
        self.journal.append(event)?;
        self.take(event);
        Ok(())
    }

    /// Takes an event into account that is written down, and tells of it.
    pub(super) fn take(&mut self, event: &Event) {
        self.progress.apply(event);
        (self.events)(event);
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
    pub commands: Commands,
    record: RefCell<Record<'a>>,
    pub cancel: Cancel,
    pub agents: Agents<'a>,
    pub exe: Option<PathBuf>,
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

    /// Writes a note down, unless the run has it already.
    pub fn note_once(&self, text: String) -> Result<(), ExecError> {
        if self.look(|progress| progress.notes.contains(&text)) {
            return Ok(());
        }
        self.event(Event::Note { text })
    }

    fn summary(&self) -> Result<RunSummary, ExecError> {
        let mut summary = self.look(|progress| RunSummary::of(&self.run, progress));
        summary.furnish(self.project)?;
        Ok(summary)
    }

    async fn carry_out(&self, jobs: usize) -> Result<(), ExecError> {
        let order = self.look(|progress| progress.order.clone());
        if order.is_empty() {
            return Ok(());
        }
        if let Some(why) = self.commands.unconfined() {
            let text = format!(
                "nothing keeps agents, gates, and set-ups from what you can read and write: {why}; only \
                 the audit holds what lands"
            );
            self.event(Event::Note { text })?;
        }
        if !self.baseline(&order).await? {
            return Ok(());
        }
        for task in &order {
            if let Err(error) = self.begin_task(task).await {
                self.trouble(&Job::Accept(task.clone()), error)?;
            }
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
                Some((_, Ok(()))) => {}
                // Nobody else's work stops for it.
                Some((job, Err(error))) => self.trouble(&job, error)?,
                None => break,
            }
        }
        for task in &order {
            self.end_task(&schedule, task).await?;
        }
        Ok(())
    }

    // What is no agent's fault ends the step that met it, or the task, and nothing else; where not even
    // that can be written down, the run.
    fn trouble(&self, job: &Job, error: ExecError) -> Result<(), ExecError> {
        if self.cancel.is_made() || matches!(error, ExecError::Cancelled | ExecError::Journal(_)) {
            return Err(error);
        }
        let what = with_causes(&error);
        match job {
            Job::Step(place) => {
                let kept = self.state(place).tree.map(|_| self.kept_reference(place));
                self.fail(place, Failure::Trouble { what }, kept)
            }
            Job::Accept(task) => self.event(Event::TaskTroubled {
                task: task.clone(),
                what,
            }),
        }
    }

    // Says why the run can't go on, to the journal and to the owner, as far as that is possible still.
    async fn give_up(&self, error: &ExecError) {
        let what = with_causes(error);
        let text = format!("the run has stopped: {what}");
        let _ = self.event(Event::Note { text });
        let left: Vec<String> = self.look(|progress| {
            let tasks = progress.order.iter();
            let is_left = |name: &&String| {
                let state = progress.tasks.get(*name);
                state.is_none_or(|state| state.end.is_none())
            };
            tasks.filter(is_left).cloned().collect()
        });
        for task in left {
            let _ = self.tell(Notice::Failed, &task, &what).await;
        }
    }

    // Runs all gates of the plan's work on the untouched base. Returns whether work may begin.
    async fn baseline(&self, order: &[String]) -> Result<bool, ExecError> {
        if self.look(|progress| progress.baseline == Baseline::Held) {
            return Ok(true);
        }
        let base = self.look(|progress| progress.base.clone());
        let gates = gates_of(&self.plan, order);
        let rulings = match self.judge_base(&gates, &base).await? {
            Judged::Rulings { rulings, .. } => rulings,
            Judged::Unrefreshable(why) => {
                let text = format!("the managed sections of the base can't be refreshed: {why}");
                self.event(Event::Note { text })?;
                self.judge_tree(None, &gates, &base, &base).await?
            }
        };
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
        let mut said: Vec<String> = Vec::new();
        let end = if has_failed(&state) {
            TaskEnd::Failed
        } else if !waiting.is_empty() {
            for (place, approval) in &waiting {
                let state = self.state(place);
                let started = state.phase == Phase::Acting;
                if !state.waits {
                    self.event(Event::Waiting {
                        place: place.clone(),
                        approval: approval.clone(),
                        started,
                    })?;
                }
                let again = if started {
                    ", to be started again: it was started, and nobody knows how far it came"
                } else {
                    ""
                };
                said.push(format!("{} waits for {approval}{again}", place.step));
            }
            TaskEnd::Waiting
        } else if state.landed.is_some() {
            TaskEnd::Finished
        } else {
            TaskEnd::Failed
        };
        let landed = state.landed.is_some();
        self.event(Event::TaskEnded {
            task: task.to_owned(),
            end,
            landed,
        })?;
        let branch = state.started.map(|(branch, _)| branch).unwrap_or_default();
        let notice = match end {
            TaskEnd::Finished => {
                said.push(format!("landed on {branch}"));
                Notice::Finished
            }
            TaskEnd::Waiting => Notice::Waiting,
            TaskEnd::Failed => {
                if landed {
                    said.push(format!("landed on {branch}, and stopped after that"));
                }
                said.extend(state.trouble);
                said.extend(
                    state
                        .steps
                        .iter()
                        .filter_map(|(name, step)| match &step.phase {
                            Phase::Failed(why) => Some(format!("{name}: {why}")),
                            _ => None,
                        }),
                );
                Notice::Failed
            }
        };
        self.tell(notice, task, &said.join("; ")).await
    }

    // Runs the owner's commands for `notice`; one that fails is noted and nothing more.
    async fn tell(&self, notice: Notice, task: &str, summary: &str) -> Result<(), ExecError> {
        let news = notify::News {
            notice,
            task,
            summary,
        };
        let Self { project, plan, .. } = self;
        let notes = notify::tell(project, plan, news, &self.commands, &self.cancel).await;
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
