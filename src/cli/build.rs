//! `factory build`

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use super::{Context, ExitStatus, check, compile};
use crate::{
    check::Checked,
    diagnostics::Sources,
    plan::{Plan, lock},
};

/// Compile the spec: prompts, client files, sections of CLAUDE.md, and factory.lock
///
/// All files or none are written; a file that is not ours is never touched, and a hand edit is found
/// and kept. Executes nothing of the project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write nothing, and fail where anything would change
    #[arg(long)]
    check: bool,

    /// Show the changes line by line
    #[arg(long)]
    diff: bool,

    /// Folder to write into, in place of the project
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,

    /// Write over hand edits in what is generated
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let target = args
        .into
        .clone()
        .map_or_else(|| context.root.clone(), |into| context.at(&into));
    let plan = plan(context, &checked, &sources)?;
    let text = plan.to_text();
    let path = target.join(Plan::LOCK);
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before == text {
        super::print(out, "up to date\n")?;
        return Ok(ExitStatus::Success);
    }
    let mut shown = String::new();
    let verb = match (before.is_empty(), args.check) {
        (true, false) => "created",
        (true, true) => "missing",
        (false, false) => "changed",
        (false, true) => "stale",
    };
    let _ = writeln!(shown, "{verb} {}", Plan::LOCK);
    if args.diff {
        let diff = similar::TextDiff::from_lines(&before, &text);
        let _ = write!(shown, "{}", diff.unified_diff().context_radius(2));
    }
    super::print(out, &shown)?;
    if args.check {
        return Ok(ExitStatus::Findings);
    }
    replace(&path, &text).map_err(|error| miette::miette!("`{}`: {error}", path.display()))?;
    Ok(ExitStatus::Success)
}

/// Locks what the spec says now, for a command that has changed it.
pub(super) fn lock_again(context: &Context) -> miette::Result<()> {
    let (checked, sources) = check::require(context)?;
    let text = plan(context, &checked, &sources)?.to_text();
    replace(&context.root.join(Plan::LOCK), &text)
        .map_err(|error| miette::miette!("`{}`: {error}", Plan::LOCK))
}

/// Returns the plan of a checked factory.
pub(super) fn plan(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
) -> miette::Result<Plan> {
    let mut compiled = compile::compile(context, checked, sources)?;
    for role in compiled.prompts.keys() {
        compiled
            .snapshots
            .insert(role.clone(), crate::emit::snapshot::path(role));
    }
    Ok(lock(checked, sources, compiled))
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".lock-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
