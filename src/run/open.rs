//! The beginning of a process's work on a run: a new run, or one that was begun before.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    agent::{Reason, Ruling, Verdict},
    brief,
    clock::RunId,
    error::{ExecError, file_error},
    event::{Complaint, Event, Failure, Place},
    exec::Record,
    filter,
    folder::remove_tree,
    identity,
    journal::{self, Journal},
    keeper, land,
    progress::{Phase, Progress, TaskState},
    project::{Hold, Project},
    report::RunSummary,
    schedule, workshop,
};
use crate::{
    cache::{Digest, Store},
    plan::{Plan, StepKind, Usd},
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
    /// What all attempts of the run may cost together; of a run that goes on, what was said before
    /// where it is not said now.
    pub cap: Option<Usd>,
    /// Whether a run that goes on tries what failed by its work again, with attempts and budgets as at
    /// first.
    pub retry: bool,
    /// The commit that a new run starts from; the owner's `HEAD` where it is not said.
    pub base: Option<String>,
    /// Where passes of gates are kept; without one, none is.
    pub store: Option<Store>,
    /// The binary of `factory`, which keeps and confines what is started. Without one nobody does.
    pub exe: Option<PathBuf>,
}

/// A run that can be carried out.
pub(super) struct Opened<'a> {
    pub run: RunId,
    pub plan: Arc<Plan>,
    pub prompts: BTreeMap<String, String>,
    pub record: Record<'a>,
    pub hold: Hold,
    pub again: bool,
}

/// What came of beginning a new run.
pub(super) enum Begun<'a> {
    /// It can be carried out.
    Run(Box<Opened<'a>>),
    /// There is nothing to do, and nothing is written.
    Nothing(Box<RunSummary>),
}

/// Begins a new run: nothing is written before it is known that it can begin.
pub(super) async fn open_new<'a>(
    project: &Project,
    plan: Plan,
    prompts: BTreeMap<String, String>,
    tasks: Vec<String>,
    again: bool,
    options: &Options,
    events: &'a mut dyn FnMut(&Event),
) -> Result<Begun<'a>, ExecError> {
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
    let git = project.checkout();
    let named = options.base.as_deref().unwrap_or("HEAD");
    let Some(base) = land::resolve(git, named).await? else {
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
    let skipped = skipped
        .into_iter()
        .map(|(task, commit)| Event::TaskSkipped { task, commit });
    let skipped: Vec<Event> = skipped.collect();
    if tasks.is_empty() {
        for event in &skipped {
            events(event);
        }
        let started = Event::RunStarted {
            run: run.clone(),
            lock: Digest::of(""),
            compiler: env!("CARGO_PKG_VERSION").to_owned(),
            base,
            tasks,
            cap: None,
            again,
        };
        let all = [&started].into_iter().chain(&skipped);
        let progress = Progress::of(all.chain([&Event::RunEnded]));
        let summary = RunSummary::of(&run, &progress);
        return Ok(Begun::Nothing(Box::new(summary)));
    }
    for task in &tasks {
        land::refuse_in_the_way(project, task).await?;
        if land::standing(project, task, &base).await?.foreign && !again {
            let branch = land::branch(task);
            return Err(ExecError::BranchTaken { branch });
        }
    }
    let filtered = filter::all(&project.git(), &base).await?;
    let text = plan_text(&plan)?;
    let started = Event::RunStarted {
        run: run.clone(),
        lock: Digest::of(&text),
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        base,
        tasks,
        cap: options.cap,
        again,
    };
    let journal = found(project, &run, &text, &prompts, &started)?;
    let mut record = Record {
        journal,
        progress: Progress::default(),
        events,
    };
    record.take(&started);
    for event in &skipped {
        record.event(event)?;
    }
    if !git
        .output(["status", "--porcelain"], None)
        .await?
        .is_empty()
    {
        let text = "what is not committed in the checkout is not in the base".to_owned();
        record.event(&Event::Note { text })?;
    }
    if let Some(text) = filter::note(&filtered) {
        record.event(&Event::Note { text })?;
    }
    Ok(Begun::Run(Box::new(Opened {
        run,
        plan: Arc::new(plan),
        prompts,
        record,
        hold,
        again,
    })))
}

// Makes the folder of a run, whole or not at all: with its plan, its prompts, and its first event.
fn found(
    project: &Project,
    run: &RunId,
    plan: &str,
    prompts: &BTreeMap<String, String>,
    started: &Event,
) -> Result<Journal, ExecError> {
    let runs = project.runs();
    fs::create_dir_all(&runs).map_err(file_error(&runs))?;
    // What a process that was killed at this had not made whole yet.
    for entry in fs::read_dir(&runs).map_err(file_error(&runs))?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED) {
            let path = entry.path();
            remove_tree(&path).map_err(file_error(&path))?;
        }
    }
    let mut name = OsString::from_vec(UNFINISHED.to_vec());
    name.push(run.as_str());
    let making = runs.join(name);
    let write = |path: PathBuf, text: &str| {
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(file_error(&path))
    };
    let folder = making.join("prompts");
    fs::create_dir_all(&folder).map_err(file_error(&folder))?;
    write(making.join("plan.json"), plan)?;
    for (role, prompt) in prompts {
        write(folder.join(format!("{role}.md")), prompt)?;
    }
    let mut journal = Journal::create(&making.join(JOURNAL))?;
    journal.append(started)?;
    let made = project.run(run);
    let placed = fs::rename(&making, &made).and_then(|()| File::open(&runs)?.sync_all());
    placed.map_err(file_error(&made))?;
    Ok(journal.at(made.join(JOURNAL)))
}

// What the name of a folder begins with that is no run yet.
const UNFINISHED: &[u8] = b".new-";

/// The journal in the folder of a run.
pub(super) const JOURNAL: &str = "journal.jsonl";

/// Takes up a run that was begun before, as it was begun.
pub(super) async fn open_known<'a>(
    project: &Project,
    run: RunId,
    options: &Options,
    events: &'a mut dyn FnMut(&Event),
) -> Result<Opened<'a>, ExecError> {
    let folder = project.run(&run);
    if !folder.join(JOURNAL).is_file() {
        return Err(ExecError::NoRun { run });
    }
    let hold = project.hold(&format!("run {run}"))?;
    let (plan, text) = read_plan(&folder)?;
    let (journal, entries) = Journal::open(&folder.join(JOURNAL))?;
    let progress = Progress::of(entries.iter().map(|entry| &entry.event));
    if progress.lock.is_none() {
        return Err(ExecError::NeverBegan { run });
    }
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
    let again = progress.again;
    let failed = failed_verdicts(&progress);
    let mut record = Record {
        journal,
        progress,
        events,
    };
    record.event(&Event::RunResumed {
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        cap: options.cap,
        retry: options.retry,
    })?;
    for (task, commit) in landed_elsewhere(project, &plan, &run, &record.progress).await? {
        record.event(&Event::TaskSkipped { task, commit })?;
    }
    if options.retry {
        for (place, reasons) in failed {
            if let Some(repair) = repair(&plan, &record.progress, &place, reasons) {
                record.event(&repair)?;
            }
        }
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

// The tasks of a run that another has landed since: they are done, and paid for.
async fn landed_elsewhere(
    project: &Project,
    plan: &Plan,
    run: &RunId,
    progress: &Progress,
) -> Result<Vec<(String, String)>, ExecError> {
    let mut found = Vec::new();
    let mut later: Option<Vec<(String, Digest)>> = None;
    for name in &progress.order {
        let landed = |state: &TaskState| state.landed.is_some();
        if progress.tasks.get(name).is_some_and(landed) {
            continue;
        }
        let Some(commit) = identity::landed(project, plan, name).await? else {
            continue;
        };
        // What had landed before is what this run was to do again.
        if progress.again {
            let later = match &later {
                Some(later) => later,
                None => later.insert(landed_after(project, run)?),
            };
            let task = plan.tasks.get(name);
            let identity = task.map(|task| identity::of(name, task)).transpose()?;
            let is_it = |landed: &(String, Digest)| landed.0 == *name && Some(landed.1) == identity;
            if !later.iter().any(is_it) {
                continue;
            }
        }
        found.push((name.clone(), commit));
    }
    Ok(found)
}

// What runs that began after `run` have landed: the tasks, and what they are.
fn landed_after(project: &Project, run: &RunId) -> Result<Vec<(String, Digest)>, ExecError> {
    let mut found = Vec::new();
    for other in project.list_runs()?.into_iter().filter(|other| other > run) {
        // A run that can't be read has not landed this task as far as anyone can tell.
        let entries = journal::read(&project.run(&other).join(JOURNAL)).unwrap_or_default();
        for entry in entries {
            if let Event::TaskLanded { task, identity, .. } = entry.event {
                found.push((task, identity));
            }
        }
    }
    Ok(found)
}

// The steps that ended with a failing verdict, and its reasons.
fn failed_verdicts(progress: &Progress) -> Vec<(Place, Vec<String>)> {
    let mut found = Vec::new();
    for (task, state) in &progress.tasks {
        for (step, state) in &state.steps {
            if let Phase::Failed(Failure::Verdict { reasons }) = &state.phase {
                let place = Place {
                    task: task.clone(),
                    step: step.clone(),
                };
                found.push((place, reasons.clone()));
            }
        }
    }
    found
}

// What a failing verdict wants once its step has attempts again: a repair, where someone makes one.
fn repair(plan: &Plan, progress: &Progress, place: &Place, reasons: Vec<String>) -> Option<Event> {
    if !progress.order.contains(&place.task) {
        return None;
    }
    let task = plan.tasks.get(&place.task)?;
    let step = task.steps.iter().find(|step| step.name == place.step)?;
    let StepKind::Agent(agent) = &step.kind else {
        return None;
    };
    let to = agent.sends_back.clone()?;
    Some(Event::Repair {
        feedback: brief::of_reasons(&place.step, &reasons),
        again: schedule::again(task, &to, Some(&place.step)),
        place: Place {
            task: place.task.clone(),
            step: to,
        },
        by: Complaint::Verdict {
            from: place.step.clone(),
            verdict: Verdict {
                verdict: Ruling::Fail,
                reasons: reasons
                    .into_iter()
                    .map(|text| Reason { text, path: None })
                    .collect(),
            },
        },
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

// Checkouts of runs that can't go on are of no use; their folders may be left from a killed process,
// and what that started is waited for. Those that someone works in stay.
fn forget_old_checkouts(project: &Project) -> Result<(), ExecError> {
    let Ok(entries) = fs::read_dir(project.cache()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(run) = name.to_str().and_then(|name| name.parse::<RunId>().ok()) else {
            continue;
        };
        let path = entry.path();
        if workshop::is_in_use(&path) {
            continue;
        }
        let goes_on = journal::read(&project.run(&run).join(JOURNAL)).is_ok_and(|entries| {
            let progress = Progress::of(entries.iter().map(|entry| &entry.event));
            RunSummary::of(&run, &progress).can_go_on()
        });
        if !goes_on {
            let ended = keeper::end_all(&project.records(&run));
            ended.map_err(|cause| ExecError::StillRunning {
                folder: path.clone(),
                cause,
            })?;
            remove_tree(&path).map_err(file_error(&path))?;
        }
    }
    Ok(())
}
