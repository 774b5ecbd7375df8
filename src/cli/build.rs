//! `factory build`

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use super::{Context, ExitStatus, check, compile};
use crate::{
    document::OnEdit,
    emit::{Comparison, Fact, compare, write},
    plan::{LockError, Plan},
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
    let target = args
        .into
        .clone()
        .map_or_else(|| context.root.clone(), |into| context.at(&into));
    let on_edit = if args.overwrite {
        OnEdit::Overwrite
    } else {
        OnEdit::Keep
    };
    let found = comparison(context, &target, on_edit)?;
    super::print(out, &show(&found, args))?;
    if args.check {
        return Ok(if found.is_clean() {
            ExitStatus::Success
        } else {
            ExitStatus::Findings
        });
    }
    if !found.conflicts.is_empty() {
        super::print(out, "nothing was written\n")?;
        return Ok(ExitStatus::Findings);
    }
    write(&found)?;
    Ok(ExitStatus::Success)
}

/// Builds what the spec says now into the project, for a command that has changed it.
pub(super) fn build_again(context: &Context) -> miette::Result<()> {
    let found = comparison(context, &context.root, OnEdit::Keep)?;
    if let Some(conflict) = found.conflicts.first() {
        return Err(miette::miette!(
            help = conflict.help(),
            "{conflict}; nothing was built"
        ));
    }
    write(&found)?;
    Ok(())
}

/// Returns the plan that the spec says now.
pub(super) fn plan(context: &Context) -> miette::Result<Plan> {
    let (checked, sources) = check::require(context)?;
    Ok(compile::build(context, &checked, &sources)?.plan)
}

fn comparison(context: &Context, target: &Path, on_edit: OnEdit) -> miette::Result<Comparison> {
    let (checked, sources) = check::require(context)?;
    let built = compile::build(context, &checked, &sources)?;
    Ok(compare(
        target,
        &built.artifacts,
        &previous(target)?,
        on_edit,
    ))
}

// What the lock in `target` says of the last build there. A lock that can't be read is written anew,
// and what it said is not known; one of a newer compiler is not for us to replace.
fn previous(target: &Path) -> miette::Result<BTreeMap<String, Fact>> {
    let Ok(text) = fs::read_to_string(target.join(Plan::LOCK)) else {
        return Ok(BTreeMap::new());
    };
    match Plan::outputs_from_text(&text) {
        Ok(outputs) => Ok(compile::facts(outputs)),
        Err(error @ LockError::NewerFormat { .. }) => Err(error.into()),
        Err(LockError::Conflict | LockError::Edited | LockError::Unreadable { .. }) => {
            Ok(BTreeMap::new())
        }
    }
}

fn show(found: &Comparison, args: &Args) -> String {
    let mut text = String::new();
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for conflict in &found.conflicts {
        let _ = writeln!(text, "conflict: {conflict}\n  help: {}", conflict.help());
        for line in conflict.diff.iter().flat_map(|diff| diff.lines()) {
            let _ = writeln!(text, "  | {line}");
        }
    }
    for change in &found.changes {
        let verb = match (args.check, change.verb()) {
            (true, "created") => "missing",
            (true, "changed") => "stale",
            (true, _) => "surplus",
            (false, verb) => verb,
        };
        let _ = writeln!(text, "{verb} {}", change.path);
        if args.diff {
            text.push_str(&change.diff());
        }
    }
    if found.is_clean() {
        text.push_str("up to date\n");
    }
    text
}
