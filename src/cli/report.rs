//! `factory report`, and `factory` alone in the morning

use std::{fmt::Write as _, io::Write};

use super::{
    Context, ExitStatus, count, exec,
    plain::one_line,
    tell::{self, short},
};
use crate::run::{
    Failure, ProjectError, Proven, RunEnd, RunSummary, Status, StepEnd, StepSummary, TaskSummary,
    events, report as look, status,
};

/// Tell of the last runs: what landed, waits, failed, was refused, and what it cost
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run to tell of; the latest unless it is named
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// One line for each run there is
    #[arg(long, conflicts_with = "run")]
    all: bool,

    /// The events of the run, one JSON object a line
    #[arg(long, conflicts_with = "all")]
    events: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    exec::asynchronous(async {
        let project = context.project().await?;
        if args.all {
            let mut text = String::new();
            let status = status(&project).map_err(super::chain)?;
            for run in &status.runs {
                let _ = writeln!(text, "{}", line(run));
            }
            text.push_str(&unreadable(&status));
            super::print(
                out,
                if text.is_empty() {
                    "nothing has run yet\n"
                } else {
                    &text
                },
            )?;
            return Ok(ExitStatus::Success);
        }
        let summary = match &args.run {
            Some(name) => {
                let run = name
                    .parse()
                    .map_err(|_| miette::miette!("`{name}` is no run"))?;
                Some(look(&project, &run).map_err(super::chain)?)
            }
            None => {
                let status = status(&project).map_err(super::chain)?;
                super::print(out, &unreadable(&status))?;
                status.runs.into_iter().next()
            }
        };
        let Some(summary) = summary else {
            super::print(
                out,
                "nothing has run yet; `factory plan \"…\"` makes a task\n",
            )?;
            return Ok(ExitStatus::Success);
        };
        if args.events {
            for entry in events(&project, &summary.run).map_err(super::chain)? {
                let line = serde_json::to_string(&entry).map_err(super::chain)?;
                super::print(out, &format!("{line}\n"))?;
            }
            return Ok(ExitStatus::Success);
        }
        let text = whole(&summary, context.colour_out);
        super::conclude(out, &text, exec::exit_status(&summary))
    })
}

/// What `factory` alone says: how things stand, and the next command.
pub(super) fn morning(context: &Context, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    if !context.root.join("factory.kdl").is_file() {
        super::print(
            out,
            "There is no factory here.\n\n  factory demo    shows a whole evening in ten seconds\n  \
             factory init    writes a first factory for this project\n  factory --help  lists all commands\n",
        )?;
        return Ok(ExitStatus::Success);
    }
    exec::asynchronous(async {
        let status = match context.open_project().await {
            Ok(project) => status(&project).map_err(super::chain)?,
            // A spec can be looked at outside of a repository; nothing can have run there.
            Err(ProjectError::NoRepository { .. } | ProjectError::NotTop { .. }) => {
                Status::default()
            }
            Err(error) => return Err(super::chain(error)),
        };
        super::print(out, &unreadable(&status))?;
        // What is at work, then what someone has to look at, then whatever came last.
        let running = |run: &&RunSummary| run.end == RunEnd::Running;
        let wanted = |run: &&RunSummary| run.wants_attention();
        let runs = || status.runs.iter();
        let first = runs()
            .find(running)
            .or_else(|| runs().find(wanted))
            .or_else(|| runs().next());
        let Some(first) = first else {
            super::print(
                out,
                "Nothing has run yet.\n\n  factory check       checks the spec\n  \
                 factory plan \"…\"    makes a task of a sentence\n  factory exec        runs what is locked\n",
            )?;
            return Ok(ExitStatus::Success);
        };
        let mut text = whole(first, context.colour_out);
        // The evening that is not told of in full because another waits from before.
        let latest = runs().next().filter(|latest| latest.run != first.run);
        if let Some(latest) = latest.filter(|latest| !latest.wants_attention()) {
            let _ = writeln!(text, "since then: {}", line(latest));
        }
        for run in runs().filter(wanted).filter(|run| run.run != first.run) {
            let _ = writeln!(text, "also open: {}", line(run));
            if let Some(next) = next(run) {
                let _ = writeln!(text, "  next: {next}");
            }
        }
        super::conclude(out, &text, exec::exit_status(first))
    })
}

fn unreadable(status: &Status) -> String {
    let runs = status.unreadable.iter();
    runs.map(|(run, why)| format!("note: run {run} is left out: {}\n", one_line(why)))
        .collect()
}

fn line(run: &RunSummary) -> String {
    let tasks: Vec<_> = run.tasks.iter().map(|task| task.name.as_str()).collect();
    let what = if tasks.is_empty() {
        "nothing new".to_owned()
    } else {
        tasks.join(", ")
    };
    let closed = match &run.closed_by {
        Some(by) => format!(" (taken up by {by})"),
        None => String::new(),
    };
    format!(
        "{}  {:9}  ${:<8} {what}{closed}",
        run.run,
        word(run.end),
        run.cost
    )
}

const fn word(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Finished => "finished",
        RunEnd::Waiting => "waiting",
        RunEnd::Failed => "failed",
        RunEnd::Red => "red base",
        RunEnd::Cancelled => "cancelled",
        RunEnd::Running => "running",
        RunEnd::Open => "open",
    }
}

/// Returns the end of a run in a few lines: what it came to, and the next command.
pub(super) fn brief(run: &RunSummary, colour: bool) -> String {
    let mut text = String::new();
    if run.tasks.is_empty() {
        let landed: Vec<_> = run.skipped.keys().map(String::as_str).collect();
        let why = match landed.as_slice() {
            [] => "no task is locked".to_owned(),
            [one] => format!("{one} has landed before"),
            all => format!("{} have landed before", all.join(", ")),
        };
        let _ = writeln!(text, "nothing to do: {why}");
    }
    let _ = writeln!(text, "{}", totals(run));
    if let Some(next) = next(run) {
        let _ = writeln!(text, "next: {}", bold(&next, colour));
    }
    text
}

/// Returns all that there is to tell of a run.
pub(super) fn whole(run: &RunSummary, colour: bool) -> String {
    let mut text = String::new();
    let began = run
        .began
        .map(|at| format!(", began {at}"))
        .unwrap_or_default();
    let _ = writeln!(text, "run {} {}{began}", run.run, word(run.end));
    if let Some(by) = &run.closed_by {
        let _ = writeln!(text, "what it left undone was taken up by run {by}");
    }
    for (name, commit) in &run.skipped {
        let _ = writeln!(text, "{name}: has landed before, at {}", short(commit));
    }
    if !run.red.is_empty() {
        let _ = writeln!(text, "red on the untouched base: {}", run.red.join(", "));
    }
    for task in &run.tasks {
        task_lines(task, &mut text);
    }
    for note in &run.notes {
        let _ = writeln!(text, "note: {}", one_line(note));
    }
    text.push_str(&brief(run, colour));
    text
}

fn task_lines(task: &TaskSummary, text: &mut String) {
    let landed = match (&task.landed, &task.branch) {
        (Some(commit), Some(branch)) => format!("landed on {branch} at {}", short(commit)),
        (None, Some(branch)) => format!("has not landed; its branch is {branch}"),
        (_, None) => "has not begun".to_owned(),
    };
    let _ = writeln!(text, "{}: {landed}", task.name);
    if let Some(what) = &task.trouble {
        let _ = writeln!(text, "  trouble: {}", one_line(what));
    }
    let width = task
        .steps
        .iter()
        .map(|step| step.name.len())
        .max()
        .unwrap_or_default();
    for step in &task.steps {
        step_lines(step, width, text);
    }
    for (criterion, proof) in &task.criteria {
        let how = match proof {
            Proven::Command { run } => format!("proven by `{run}`"),
            Proven::Refuted { run, .. } => format!("REFUTED by `{run}`"),
            Proven::Verdict { role, step } => format!("proven by the verdict of {role} in {step}"),
            Proven::Nobody => "proven by nobody".to_owned(),
        };
        let _ = writeln!(text, "  {}", one_line(&format!("{how}: {criterion}")));
    }
}

fn step_lines(step: &StepSummary, width: usize, text: &mut String) {
    let how = match &step.end {
        StepEnd::Pending => "not begun".to_owned(),
        StepEnd::Begun => "begun".to_owned(),
        StepEnd::Waiting { .. } => "waits for an approval".to_owned(),
        StepEnd::Accepted => "accepted".to_owned(),
        StepEnd::Failed(why) => format!("failed: {why}"),
    };
    let effort = if step.attempts == 0 {
        String::new()
    } else {
        format!(
            ", {}, ${}",
            count(step.attempts as usize, "attempt"),
            step.cost
        )
    };
    let how = one_line(&how);
    let _ = writeln!(text, "  {:width$}  {how}{effort}", step.name);
    if let StepEnd::Failed(Failure::Attempts { last, .. }) = &step.end {
        text.push_str(&tell::indented(tell::end(last)));
    }
    let mut detail = |line: String| {
        let _ = writeln!(text, "  {:width$}    {}", "", one_line(&line));
    };
    if step.end == (StepEnd::Waiting { started: true }) {
        detail(tell::STARTED.to_owned());
    }
    for (commit, subject) in &step.commits {
        detail(format!("{} {subject}", short(commit)));
    }
    for refusal in &step.refused {
        detail(format!(
            "refused: {} {}: {}",
            refusal.change, refusal.path, refusal.why
        ));
    }
    for refused in &step.guarded {
        detail(format!("guard refused: {refused}"));
    }
    if !step.files.is_empty() {
        detail(format!("kept with the run: {}", step.files.join(", ")));
    }
    if let Some(kept) = &step.kept {
        detail(format!("its work is kept as {kept}"));
    }
}

fn totals(run: &RunSummary) -> String {
    let steps = || run.tasks.iter().flat_map(|task| &task.steps);
    let commits: usize = steps().map(|step| step.commits.len()).sum();
    let refused: usize = steps()
        .map(|step| step.refused.len() + step.guarded.len())
        .sum();
    let criteria = || run.tasks.iter().flat_map(|task| &task.criteria);
    let nobody = criteria()
        .filter(|(_, proof)| *proof == Proven::Nobody)
        .count();
    let mut parts = vec![
        count(commits, "commit"),
        count(run.attempts as usize, "attempt"),
        format!("${}", run.cost),
        format!(
            "{} ({} replayed)",
            count(run.judged as usize, "gate verdict"),
            run.replayed
        ),
    ];
    if run.planning > crate::plan::Usd::ZERO {
        parts.push(format!("${} for planning before", run.planning));
    }
    if refused > 0 {
        parts.push(format!("{refused} refused"));
    }
    if nobody > 0 {
        parts.push(format!(
            "{nobody} of {} proven by nobody",
            criteria_word(criteria().count())
        ));
    }
    parts.join(", ")
}

fn criteria_word(number: usize) -> String {
    if number == 1 {
        "1 criterion".to_owned()
    } else {
        format!("{number} criteria")
    }
}

fn next(run: &RunSummary) -> Option<String> {
    let name = &run.run;
    if run.end == RunEnd::Running || run.closed_by.is_some() {
        return None;
    }
    if let Some((task, step)) = run.waiting().next() {
        return Some(format!(
            "factory approve {task}/{step}, then factory exec --resume {name}"
        ));
    }
    if run.end == RunEnd::Red {
        return Some(format!("factory gate {}", run.red.join(" ")));
    }
    let steps = || run.tasks.iter().flat_map(|task| &task.steps);
    let failed_by = |is: fn(&Failure) -> bool| {
        steps().any(|step| matches!(&step.end, StepEnd::Failed(why) if is(why)))
    };
    if failed_by(|why| matches!(why, Failure::Cap { .. })) {
        return Some(format!("factory exec --resume {name} --cap USD"));
    }
    if run.can_go_on() {
        return Some(format!("factory exec --resume {name}"));
    }
    if run.can_retry() {
        return Some(format!(
            "factory exec --retry --resume {name}, or change the task and factory exec --again"
        ));
    }
    let landed = run.tasks.iter().find(|task| task.landed.is_some());
    landed
        .and_then(|task| task.branch.as_ref())
        .map(|branch| format!("git log -p HEAD..{branch}"))
}

fn bold(text: &str, colour: bool) -> String {
    if colour {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
