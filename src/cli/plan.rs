//! `factory plan`

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{self, IsTerminal as _, Write},
    path::Path,
    sync::Arc,
};

use super::{
    Context, ExitStatus, build, check, count, exec,
    interrupt::Interrupt,
    locked,
    plain::one_line,
    screen::{self, Screen},
};
use crate::{
    diagnostics::{Format, Level, render},
    plan::{Plan, Proof, StepKind, Task, Usd, Yields},
    run::{
        agent::PlannedTask,
        plan_task::{self, PlanTaskError, Planned},
        planned,
    },
    spec::{NewAccept, NewStep, NewTask},
};

/// How often findings go back to the planner.
const ROUNDS: u32 = 3;

/// Where planned tasks are written.
const FOLDER: &str = "tasks";

/// What an agent's step is taken to read and write where nothing is known yet: tokens read anew,
/// read from the provider's cache, and written.
const ASSUMED: (u64, u64, u64) = (40_000, 600_000, 12_000);

/// Let the planner break a sentence into a task
///
/// The planner reads the project and writes nothing; its answer is checked like everything else in the
/// spec, and findings go back to it. The task is written to tasks/NAME.kdl, where you can change it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What you want
    #[arg(value_name = "SENTENCE")]
    sentence: String,

    /// Run the task without asking
    #[arg(long, conflicts_with = "leave")]
    run: bool,

    /// Leave the task where it is without asking
    #[arg(long)]
    leave: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let locked::Locked { plan, prompts } = locked::current(context)?;
    let Some(planner) = plan.factory.planner.clone() else {
        return Err(miette::miette!(
            help = "add `planner \"ROLE\"` to the factory, or write tasks/NAME.kdl by hand",
            "the factory has no planner"
        ));
    };
    let Some(prompt) = prompts.get(&planner).cloned() else {
        return Err(miette::miette!(
            help = "`factory snap accept` accepts it",
            "nobody has accepted the prompt of {planner}"
        ));
    };
    let plan = Arc::new(plan);
    let interrupt = Interrupt::heard()?;
    let mut feedback = None;
    let mut cost = Usd::ZERO;
    for round in 1..=ROUNDS {
        let asked = plan_task::Asked {
            sentence: &args.sentence,
            prompt: &prompt,
            feedback: feedback.as_deref(),
            round,
        };
        let planned = match ask_planner(context, &plan, &planner, &asked, &interrupt, out)? {
            Ok(planned) => planned,
            Err(error) => {
                if let PlanTaskError::Unfinished { cost: more, .. } = &error {
                    cost += *more;
                }
                paid(context, None, cost)?;
                if cost > Usd::ZERO {
                    super::print(out, &format!("planning cost ${cost}\n"))?;
                }
                return Err(super::chain(error));
            }
        };
        cost += planned.cost;
        let sent_back = |fault: &str| {
            let last = if round == ROUNDS { "" } else { "; sent back" };
            format!("{planner}: {}{last}\n", one_line(fault))
        };
        let task = match planned.task {
            Ok(task) => task,
            Err(fault) => {
                super::print(out, &sent_back(&fault))?;
                feedback = Some(fault);
                continue;
            }
        };
        let task = proposed(task);
        let path = format!("{FOLDER}/{}.kdl", task.name);
        match try_out(context, &path, &task)? {
            Ok(()) => return settle(args, context, out, &path, &task, cost, &interrupt),
            Err(findings) => {
                super::print(out, &sent_back(&findings.summary))?;
                feedback = Some(findings.text);
            }
        }
    }
    paid(context, None, cost)?;
    Err(miette::miette!(
        help = feedback.unwrap_or_default(),
        "the planner's answer can't be used after {ROUNDS} rounds, which cost ${cost}; nothing was written"
    ))
}

// Asks the planner once.
fn ask_planner(
    context: &Context,
    plan: &Arc<Plan>,
    planner: &str,
    asked: &plan_task::Asked<'_>,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> miette::Result<Result<Planned, PlanTaskError>> {
    exec::asynchronous(async {
        let project = context.project().await?;
        let exe = context.exe()?;
        let screen = RefCell::new(Screen::new(out, context));
        screen.borrow_mut().works(planner, "plans");
        let cancel = interrupt.cancel();
        let work = plan_task::plan_task(&project, Arc::clone(plan), asked, exe, cancel);
        Ok(screen::show(&screen, work).await)
    })
}

// Writes down what planning cost, for the report.
fn paid(context: &Context, task: Option<&str>, cost: Usd) -> miette::Result<()> {
    exec::asynchronous(async {
        let project = context.project().await?;
        planned::note(&project, task, cost)
            .map_err(|error| miette::miette!("what planning cost can't be written down: {error}"))
    })
}

fn proposed(task: PlannedTask) -> NewTask {
    let accept = |accept: crate::run::agent::PlannedAccept| NewAccept {
        text: accept.text,
        run: accept.run,
        by: accept.by,
    };
    let step = |step: crate::run::agent::PlannedStep| NewStep {
        name: step.name,
        role: step.role,
        yields: match step.yields {
            None | Some(Yields::Commit) => None,
            Some(Yields::Verdict) => Some("verdict"),
            Some(Yields::Report) => Some("report"),
        },
        items: step.items,
        files: step.files,
        read_first: step.read_first,
        after: step.after,
        sends_back: step.sends_back,
    };
    NewTask {
        name: task.name,
        goal: task.goal,
        accept: task.accept.into_iter().map(accept).collect(),
        steps: task.steps.into_iter().map(step).collect(),
    }
}

struct Complaint {
    summary: String,
    text: String,
}

// Checks the factory as it would be with the task; nothing is written.
fn try_out(context: &Context, path: &str, task: &NewTask) -> miette::Result<Result<(), Complaint>> {
    if context.root.join(path).exists() {
        let text = format!(
            "a task called `{}` exists already; choose another name",
            task.name
        );
        return Ok(Err(Complaint {
            summary: text.clone(),
            text,
        }));
    }
    let over = BTreeMap::from([(path.to_owned(), task.to_kdl())]);
    let check::Loaded {
        sources,
        findings,
        checked,
    } = check::load_over(context, over)?;
    let Some(checked) = checked else {
        return Ok(Err(Complaint {
            summary: count(findings.count(Level::Error), "finding"),
            text: render(
                &findings,
                &sources,
                Format::Human {
                    colour: false,
                    width: 100,
                },
            ),
        }));
    };
    let known = checked
        .model()
        .tasks
        .iter()
        .any(|known| known.name.value == task.name);
    if known {
        return Ok(Ok(()));
    }
    Err(miette::miette!(
        help = format!("add `include \"{FOLDER}/*.kdl\"` to the factory node"),
        "the spec includes no file in `{FOLDER}/`"
    ))
}

fn settle(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
    path: &str,
    task: &NewTask,
    cost: Usd,
    interrupt: &Interrupt,
) -> miette::Result<ExitStatus> {
    paid(context, Some(&task.name), cost)?;
    write_new(&context.root.join(path), &task.to_kdl())
        .map_err(|error| miette::miette!("`{path}`: {error}"))?;
    build::build_again(context)?;
    let Some(plan) = locked::read(context)? else {
        return Err(miette::miette!("`{}` is gone", Plan::LOCK));
    };
    let planned = plan.tasks.get(&task.name);
    let shown = planned
        .map(|planned| show(&task.name, planned, &plan))
        .unwrap_or_default();
    super::print(
        out,
        &format!("wrote {path} (planning cost ${cost})\n\n{shown}"),
    )?;
    let choice = if args.run {
        Choice::Run
    } else if args.leave || !io::stdin().is_terminal() {
        Choice::Leave
    } else {
        interrupt.while_idle(|| ask(out))?
    };
    match choice {
        Choice::Run => exec::start(context, std::slice::from_ref(&task.name), out, interrupt),
        Choice::Edit => {
            super::print(
                out,
                &format!(
                    "change {path}, then: factory build && factory exec {}\n",
                    task.name
                ),
            )?;
            Ok(ExitStatus::Success)
        }
        Choice::Leave => {
            super::print(out, &format!("next: factory exec {}\n", task.name))?;
            Ok(ExitStatus::Success)
        }
    }
}

enum Choice {
    Run,
    Edit,
    Leave,
}

fn ask(out: &mut dyn Write) -> miette::Result<Choice> {
    loop {
        super::print(out, "run, edit, or leave? ")?;
        out.flush().map_err(|error| miette::miette!("{error}"))?;
        let mut line = String::new();
        let read = io::stdin()
            .read_line(&mut line)
            .map_err(|error| miette::miette!("{error}"))?;
        match line.trim() {
            "run" | "r" => return Ok(Choice::Run),
            "edit" | "e" => return Ok(Choice::Edit),
            "leave" | "l" => return Ok(Choice::Leave),
            _ if read == 0 => return Ok(Choice::Leave),
            _ => {}
        }
    }
}

// Never over a file that is there.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn show(name: &str, task: &Task, plan: &Plan) -> String {
    let mut text = format!("{name}: {}\n", one_line(&task.goal));
    for accept in &task.accept {
        let proof = match &accept.proof {
            Proof::Command { run } => format!("`{run}`"),
            Proof::Verdict { role } => format!("the verdict of {role}"),
            Proof::Nobody => "nobody proves it".to_owned(),
        };
        let (what, proof) = (one_line(&accept.text), one_line(&proof));
        let _ = writeln!(text, "  done when {what} ({proof})");
    }
    let width = task
        .steps
        .iter()
        .map(|step| step.name.len())
        .max()
        .unwrap_or_default();
    let (mut about, mut most) = (Usd::ZERO, Usd::ZERO);
    for step in &task.steps {
        let StepKind::Agent(agent) = &step.kind else {
            let _ = writeln!(text, "  {:width$}  a command, after landing", step.name);
            continue;
        };
        let model = plan
            .roles
            .get(&agent.role)
            .map(|role| role.model.as_str())
            .unwrap_or_default();
        let cost = estimate(plan, model);
        about += cost.unwrap_or_default();
        most += agent.stop.usd;
        let after = if step.after.is_empty() {
            String::new()
        } else {
            format!(", after {}", step.after.join(", "))
        };
        let what = match agent.yields {
            Yields::Commit => "",
            Yields::Verdict => ", gives a verdict",
            Yields::Report => ", reports",
        };
        let about = cost.map_or_else(
            || "no price known".to_owned(),
            |cost| format!("about ${cost}"),
        );
        let _ = writeln!(
            text,
            "  {:width$}  {} on {model}{what}{after}: {about}",
            step.name, agent.role
        );
    }
    let (read, cached, written) = ASSUMED;
    let _ = writeln!(
        text,
        "about ${about}, at most ${most} (taking {read} tokens read, {cached} from the cache, {written} written for a step)"
    );
    text
}

// What one attempt of a step costs, if it is of the usual size.
fn estimate(plan: &Plan, model: &str) -> Option<Usd> {
    let price = plan.models.get(model)?.price?;
    let (read, cached, written) = ASSUMED;
    let part = |tokens: u64, million: Usd| tokens.saturating_mul(million.micros) / 1_000_000;
    let cache = price.cache_read.unwrap_or(price.input);
    let micros = part(read, price.input) + part(cached, cache) + part(written, price.output);
    // Cents: more digits would promise what nobody knows.
    Some(Usd {
        micros: micros.div_ceil(10_000) * 10_000,
    })
}
