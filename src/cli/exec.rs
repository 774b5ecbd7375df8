//! `factory exec`

use std::{collections::BTreeMap, future::Future, io::Write};

use super::{Context, ExitStatus, locked, report, tell::Teller};
use crate::{
    plan::{Plan, Usd},
    run::{
        Event, Options, Order, Project, RunEnd, RunId, RunSummary, exec, process::Cancel, status,
    },
};

/// Run what is locked and has not landed
///
/// Each step works in a private clone; what it changed is audited against its role's boundary and
/// judged by its gates before it becomes a commit on `factory/TASK`. Your checkout, index, and current
/// branch are never touched. Ctrl-C ends the agents and leaves a run that `--resume` goes on with.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tasks to run; without any, all that have not landed
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,

    /// Run tasks again that have landed
    #[arg(long)]
    again: bool,

    /// Go on with a run, the latest one that can be unless it is named
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["tasks", "again"])]
    resume: Option<String>,

    /// The most steps at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,

    /// The most dollars that all attempts of this run may cost together
    #[arg(long, value_name = "USD")]
    cap: Option<Usd>,

    /// Say nothing until the end
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    asynchronous(async {
        let project = context.project().await?;
        let (order, plan) = order(args, context, &project)?;
        let options = Options {
            jobs: args.jobs,
            cap: args.cap,
            base: None,
            exe: context.exe()?,
            store: context.store()?,
        };
        let (stop, cancel) = Cancel::new();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = stop.send(true);
                // A second time is meant: the default action ends the process, and the journal holds.
                std::future::pending::<()>().await;
            }
        });
        let teller = Teller::new(context.colour_out, widest_step(plan.as_ref()));
        let mut tell = |event: &Event| {
            if !args.quiet {
                // A reader that is gone must not end the run; the journal has it all.
                let _ = out.write_all(teller.tell(event).as_bytes());
                let _ = out.flush();
            }
        };
        let summary = exec(&project, order, &options, &mut tell, cancel)
            .await
            .map_err(super::chain)?;
        super::print(out, &report::brief(&summary, context.colour_out))?;
        Ok(exit_status(&summary))
    })
}

/// Runs `tasks` as the command alone would.
pub(super) fn start(
    context: &Context,
    tasks: &[String],
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let args = Args {
        tasks: tasks.to_vec(),
        again: false,
        resume: None,
        jobs: None,
        cap: None,
        quiet: false,
    };
    run(&args, context, out)
}

fn order(
    args: &Args,
    context: &Context,
    project: &Project,
) -> miette::Result<(Order, Option<Plan>)> {
    if let Some(run) = &args.resume {
        return Ok((Order::Resume(resumable(run, project)?), None));
    }
    let locked::Locked { plan, prompts } = locked::current(context)?;
    let order = Order::Start {
        plan: Box::new(plan.clone()),
        prompts,
        tasks: args.tasks.clone(),
        again: args.again,
    };
    Ok((order, Some(plan)))
}

fn resumable(name: &str, project: &Project) -> miette::Result<RunId> {
    if !name.is_empty() {
        return name.parse().map_err(|_| {
            miette::miette!(
                help = "`factory report --all` lists them",
                "`{name}` is no run"
            )
        });
    }
    let runs = status(project).map_err(super::chain)?;
    let found = runs
        .into_iter()
        .find(RunSummary::can_go_on)
        .map(|run| run.run);
    found.ok_or_else(|| {
        miette::miette!(
            help = "`factory exec` starts a new one",
            "no run can be gone on with"
        )
    })
}

fn widest_step(plan: Option<&Plan>) -> usize {
    let tasks: Option<&BTreeMap<_, _>> = plan.map(|plan| &plan.tasks);
    let steps = tasks
        .into_iter()
        .flat_map(BTreeMap::values)
        .flat_map(|task| &task.steps);
    steps
        .map(|step| step.name.len())
        .max()
        .unwrap_or_default()
        .max("criterion".len())
}

/// Returns how a run ends for a script.
pub(super) fn exit_status(summary: &RunSummary) -> ExitStatus {
    match summary.end {
        RunEnd::Finished => ExitStatus::Success,
        RunEnd::Waiting => ExitStatus::Waiting,
        RunEnd::Failed | RunEnd::Red | RunEnd::Cancelled | RunEnd::Open => ExitStatus::Failed,
    }
}

/// Runs `work` on a runtime of this thread: what waits is child processes.
pub(super) fn asynchronous<T>(work: impl Future<Output = miette::Result<T>>) -> miette::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| miette::miette!("the runtime can't be started: {error}"))?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
