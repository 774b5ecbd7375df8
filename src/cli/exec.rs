//! `factory exec`

use std::{cell::RefCell, collections::BTreeMap, future::Future, io::Write};

use super::{
    Context, ExitStatus,
    interrupt::Interrupt,
    locked, report,
    screen::{self, Screen},
    tell::Teller,
};
use crate::{
    plan::{Plan, Usd},
    run::{Event, Options, Order, Project, RunEnd, RunId, RunSummary, exec, status},
};

/// Run what is locked and has not landed
///
/// Each step works in a private clone; what it changed is audited against its role's boundary and
/// judged by its gates before it becomes a commit on `factory/TASK`. Your checkout, index, and current
/// branch are never touched. Ctrl-C ends the agents and leaves a run that `--resume` goes on with; a
/// second one ends at once.
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

    /// Go on with a run, and try what failed by its work again: with attempts and budgets as at first
    #[arg(long, conflicts_with_all = ["tasks", "again"])]
    retry: bool,

    /// The most steps at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,

    /// The most dollars that all attempts of this run may cost together, those before `--resume` too
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
    carry_out(args, context, out, &Interrupt::heard()?)
}

fn carry_out(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
    interrupt: &Interrupt,
) -> miette::Result<ExitStatus> {
    let summary = asynchronous(async {
        let project = context.project().await?;
        let (order, plan) = order(args, context, &project)?;
        let options = Options {
            jobs: args.jobs,
            cap: args.cap,
            retry: args.retry,
            base: None,
            store: context.store()?,
            exe: Some(context.exe()?),
        };
        let teller = Teller::new(context.colour_out, widest_step(plan.as_ref()));
        let screen = RefCell::new(Screen::new(&mut *out, context));
        let mut tell = |event: &Event| {
            if !args.quiet {
                let mut screen = screen.borrow_mut();
                screen.follow(event);
                screen.write(&teller.tell(event));
            }
        };
        let work = exec(&project, order, &options, &mut tell, interrupt.cancel());
        let work = Box::pin(work);
        let done = if args.quiet {
            work.await
        } else {
            screen::show(&screen, work).await
        };
        done.map_err(super::chain)
    })?;
    let text = report::brief(&summary, context.colour_out);
    super::conclude(out, &text, exit_status(&summary))
}

/// Runs `tasks` as the command alone would.
pub(super) fn start(
    context: &Context,
    tasks: &[String],
    out: &mut dyn Write,
    interrupt: &Interrupt,
) -> miette::Result<ExitStatus> {
    let args = Args {
        tasks: tasks.to_vec(),
        again: false,
        resume: None,
        retry: false,
        jobs: None,
        cap: None,
        quiet: false,
    };
    carry_out(&args, context, out, interrupt)
}

fn order(
    args: &Args,
    context: &Context,
    project: &Project,
) -> miette::Result<(Order, Option<Plan>)> {
    if args.resume.is_some() || args.retry {
        let name = args.resume.as_deref().unwrap_or_default();
        let run = resumable(name, args.retry, project)?;
        return Ok((Order::Resume(run), None));
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

fn resumable(name: &str, retry: bool, project: &Project) -> miette::Result<RunId> {
    if !name.is_empty() {
        return name.parse().map_err(|_| {
            miette::miette!(
                help = "`factory report --all` lists them",
                "`{name}` is no run"
            )
        });
    }
    let runs = status(project).map_err(super::chain)?.runs;
    let open = || runs.iter().filter(|run| run.closed_by.is_none());
    let goes_on = |run: &&RunSummary| {
        if retry {
            run.can_retry()
        } else {
            run.can_go_on()
        }
    };
    if let Some(run) = open().find(goes_on) {
        return Ok(run.run.clone());
    }
    if retry {
        return Err(miette::miette!(
            help = "`factory exec --resume` goes on with a run, `factory exec` starts a new one",
            "no step of any run has failed"
        ));
    }
    let help = if open().any(RunSummary::can_retry) {
        "`factory exec --retry` tries what has failed again, `factory exec` starts a new run"
    } else {
        "`factory exec` starts a new one"
    };
    Err(miette::miette!(help = help, "no run can be gone on with"))
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
        RunEnd::Finished | RunEnd::Running => ExitStatus::Success,
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
    let done = tokio::task::LocalSet::new().block_on(&runtime, work);
    // What was waited for is done; for a thread that still gives back its memory nobody waits.
    runtime.shutdown_background();
    done
}
