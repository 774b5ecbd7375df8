//! `factory prompt`

use std::{collections::BTreeMap, fmt::Write as _, io::Write, process::Command};

use super::{Context, ExitStatus, changes, check, compile};
use crate::{
    check::Checked,
    client::BYTES_A_TOKEN,
    diagnostics::Sources,
    emit::{Prompt, Review, snapshot},
    model::{StepId, Work},
    spec::nearest,
};

/// Print the compiled prompt of a role, as the client gets it
///
/// With a task and a step, what the agent is asked there follows. With `--parts`, says instead how large
/// it is and which file each part comes from.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role
    #[arg(value_name = "ROLE")]
    role: String,

    /// Task of the step
    #[arg(long, value_name = "TASK", requires = "step")]
    task: Option<String>,

    /// Step whose brief to print too
    #[arg(long, value_name = "STEP", requires = "task")]
    step: Option<String>,

    /// Say where each part comes from, and how large it is
    #[arg(long)]
    parts: bool,

    /// Show instead what is different from the prompt that was accepted in a commit
    #[arg(long, value_name = "REV", conflicts_with_all = ["parts", "task"])]
    diff: Option<String>,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let prompts = compile::prompts(context, &checked, &sources)?;
    let Some(prompt) = prompts.iter().find(|prompt| prompt.role == args.role) else {
        let names = prompts.iter().map(|prompt| prompt.role.as_str());
        return Err(unknown("role", &args.role, &names.collect::<Vec<_>>()));
    };
    if let Some(revision) = &args.diff {
        return diff(prompt, revision, &sources, context, out);
    }
    let brief = brief(args, context, &checked, &sources)?;
    let mut text = String::new();
    if args.parts {
        sizes(prompt, brief.as_deref(), &mut text);
    } else {
        text.push_str(&prompt.text);
        if let Some(brief) = &brief {
            let _ = write!(text, "\n----- the first message -----\n\n{brief}");
        }
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn sizes(prompt: &Prompt, brief: Option<&str>, text: &mut String) {
    for part in &prompt.parts {
        let line = part.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(text, "{:>7}  {}{line}", part.range.len(), part.source);
    }
    let mut size = prompt.text.len();
    if let Some(brief) = brief {
        let _ = writeln!(text, "{:>7}  templates/brief.md.hbs", brief.len());
        size += brief.len();
    }
    let _ = writeln!(
        text,
        "{size:>7}  bytes in all, about {} tokens at {BYTES_A_TOKEN} bytes each",
        size.div_ceil(BYTES_A_TOKEN)
    );
}

fn brief(
    args: &Args,
    context: &Context,
    checked: &Checked,
    sources: &Sources,
) -> miette::Result<Option<String>> {
    let (Some(task), Some(step)) = (&args.task, &args.step) else {
        return Ok(None);
    };
    let model = checked.model();
    let Some(known) = model.tasks.iter().find(|known| known.name.value == *task) else {
        let names = model.tasks.iter().map(|known| known.name.value.as_str());
        return Err(unknown("task", task, &names.collect::<Vec<_>>()));
    };
    let place = known
        .steps
        .iter()
        .position(|known| known.name.value == *step);
    let Some((at, found)) = place.and_then(|at| Some((at, known.steps.get(at)?))) else {
        let names = known.steps.iter().map(|known| known.name.value.as_str());
        return Err(unknown("step", step, &names.collect::<Vec<_>>()));
    };
    let who = match &found.work {
        Work::Agent { role, .. } => model.role(role.value).name.value.as_str(),
        Work::Effect(_) => {
            return Err(miette::miette!(
                "no agent works in `{step}`: it runs a command"
            ));
        }
    };
    if who != args.role {
        return Err(miette::miette!(
            help = format!("factory prompt {who} --task {task} --step {step}"),
            "the step `{step}` is `{who}`'s"
        ));
    }
    compile::brief(context, checked, sources, known, StepId(at))
}

// Compares with the snapshot that a commit holds.
fn diff(
    prompt: &Prompt,
    revision: &str,
    sources: &Sources,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let path = snapshot::path(&prompt.role);
    let shown = Command::new("git")
        .arg("-C")
        .arg(&context.root)
        .args(["show", "--end-of-options"])
        .arg(format!("{revision}:./{path}"))
        .output()
        .map_err(|error| miette::miette!("git can't be run: {error}"))?;
    if !shown.status.success() {
        let why = String::from_utf8_lossy(&shown.stderr);
        return Err(miette::miette!(
            help = "name a commit in which the prompt was accepted",
            "`{path}` can't be read at `{revision}`: {}",
            why.trim()
        ));
    }
    let file = String::from_utf8_lossy(&shown.stdout).into_owned();
    let review = Review::of(
        std::slice::from_ref(prompt),
        &BTreeMap::from([(path, file)]),
    );
    if review.is_clean() {
        super::print(out, "nothing is different\n")?;
        return Ok(ExitStatus::Success);
    }
    for change in &review.changes {
        super::print(out, &changes::heading(change, sources))?;
        super::print(out, &changes::lines(change, context.colour_out))?;
    }
    Ok(ExitStatus::Findings)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> miette::Report {
    let help = nearest(name, known.iter().copied()).map_or_else(
        || format!("there is {}", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    miette::miette!(help = help, "no {what} called `{name}`")
}
