//! `factory build`

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    Context, ExitStatus, check,
    compile::{self, Built},
};
use crate::{
    check::Checked,
    diagnostics::Sources,
    document::OnEdit,
    emit::{Comparison, Fact, compare, write},
    plan::{LockError, Plan, Previous},
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
    let found = find(context, &target, on_edit)?;
    super::print(out, &show(&found, args))?;
    let found = found.comparison;
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
    let found = find(context, &context.root, OnEdit::Keep)?.comparison;
    if let Some(conflict) = found.conflicts.first() {
        return Err(miette::miette!(
            help = conflict.help(),
            "{conflict}; nothing was built"
        ));
    }
    write(&found)?;
    Ok(())
}

/// Returns what build would change in the project if this were its spec.
pub(super) fn compared(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
) -> miette::Result<Comparison> {
    let built = compile::build(context, checked, sources)?;
    let previous = facts(&context.root)?;
    Ok(compare(
        &context.root,
        &built.artifacts,
        &previous,
        OnEdit::Keep,
    ))
}

/// Returns what the lock below `root` says of the last build there.
pub(super) fn facts(root: &Path) -> miette::Result<BTreeMap<String, Fact>> {
    Ok(compile::facts(previous(root)?.0.outputs))
}

/// Returns the plan that the spec says now.
pub(super) fn plan(context: &Context) -> miette::Result<Plan> {
    let (checked, sources) = check::require(context)?;
    Ok(compile::build(context, &checked, &sources)?.plan)
}

// What build would do, and why.
struct Found {
    comparison: Comparison,
    built: Built,
    previous: Previous,
    // What is wrong with the lock that is there.
    lock: Option<LockError>,
}

fn find(context: &Context, target: &Path, on_edit: OnEdit) -> miette::Result<Found> {
    let (checked, sources) = check::require(context)?;
    let built = compile::build(context, &checked, &sources)?;
    let (previous, lock) = previous(target)?;
    let facts = compile::facts(previous.outputs.clone());
    let comparison = compare(target, &built.artifacts, &facts, on_edit);
    Ok(Found {
        comparison,
        built,
        previous,
        lock,
    })
}

// What the lock in `target` says of the last build there. A lock that can't be read is written anew,
// and what it said is not known; one of a newer compiler is not for us to replace.
fn previous(target: &Path) -> miette::Result<(Previous, Option<LockError>)> {
    let Ok(text) = fs::read_to_string(target.join(Plan::LOCK)) else {
        return Ok((Previous::default(), None));
    };
    match Plan::previous_from_text(&text) {
        Ok(previous) => Ok((previous, None)),
        Err(error @ LockError::NewerFormat { .. }) => Err(error.into()),
        Err(error @ (LockError::Conflict | LockError::Edited | LockError::Unreadable { .. })) => {
            Ok((Previous::default(), Some(error)))
        }
    }
}

fn show(found: &Found, args: &Args) -> String {
    let Found {
        comparison,
        built,
        previous,
        lock,
    } = found;
    let mut text = String::new();
    if let Some(error) = lock {
        let _ = writeln!(text, "note: {error}; it is written anew from the spec");
    }
    if let Some(from) = previous.upgraded(&built.plan) {
        let now = &built.plan.compiler;
        let _ = writeln!(
            text,
            "note: `{}` was written by factory {from}, and this is {now}",
            Plan::LOCK
        );
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for conflict in &comparison.conflicts {
        let _ = writeln!(text, "conflict: {conflict}\n  help: {}", conflict.help());
        for line in conflict.diff.iter().flat_map(|diff| diff.lines()) {
            let _ = writeln!(text, "  | {line}");
        }
    }
    for change in &comparison.changes {
        let verb = match (args.check, change.verb()) {
            (true, "created") => "missing",
            (true, "changed") => "stale",
            (true, _) => "surplus",
            (false, verb) => verb,
        };
        let would = if args.check || comparison.conflicts.is_empty() {
            ""
        } else {
            "would be "
        };
        let path = &change.path;
        let made_from = built.made_from.get(path).map_or(&[][..], Vec::as_slice);
        let reason = previous.reason(path, &built.plan, made_from, change.before.is_some());
        let reason = reason.map(|reason| format!("  ({reason})"));
        let _ = writeln!(text, "{would}{verb} {path}{}", reason.unwrap_or_default());
        if args.diff {
            text.push_str(&change.diff());
        }
    }
    if comparison.is_clean() {
        text.push_str("up to date\n");
    }
    text
}
