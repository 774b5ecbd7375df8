//! The beginning of a process's work on a run: a new run, or one that was begun before.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    clock::RunId,
    error::{ExecError, file_error},
    event::Event,
    exec::Record,
    folder::remove_tree,
    identity,
    journal::{self, Journal},
    land,
    progress::Progress,
    project::{Hold, Project},
    report::RunSummary,
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
    /// What all attempts of a new run may cost together.
    pub cap: Option<Usd>,
    /// The commit that a new run starts from; the owner's `HEAD` where it is not said.
    pub base: Option<String>,
    /// Where passes of gates are kept; without one, none is.
    pub store: Option<Store>,
    /// The binary of `factory`.
    pub exe: PathBuf,
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

/// Begins a new run: nothing is written before it is known that it can begin.
pub(super) async fn open_new<'a>(
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

/// Takes up a run that was begun before, as it was begun.
pub(super) fn open_known<'a>(
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
            let path = entry.path();
            remove_tree(&path).map_err(file_error(&path))?;
        }
    }
    Ok(())
}
