//! `factory build`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    Context, ExitStatus, check,
    compile::{self, Target, both},
};
use crate::{
    check::Checked,
    diagnostics::{Findings, Sources},
    document::OnEdit,
    emit::{Comparison, Conflict, Known, Record, compare, compare_last, text_at, write},
    plan::{LockError, Plan, Previous, lock, salvage},
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

    /// Write nothing, and show line by line what would change
    #[arg(long)]
    diff: bool,

    /// Folder to write into, in place of the project
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,

    /// Replace what was edited by hand, and remove it where it is no longer made
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
    let in_the_way = !found.comparison.conflicts.is_empty();
    if !args.check && !args.diff && !in_the_way {
        write(&found.comparison)?;
    }
    // Nothing is said to be done before it is.
    super::print(out, &show(&found, args))?;
    if args.check {
        return Ok(if found.comparison.is_clean() {
            ExitStatus::Success
        } else {
            ExitStatus::Findings
        });
    }
    if in_the_way {
        super::print(out, "nothing was written\n")?;
        return Ok(ExitStatus::Findings);
    }
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
    let found = made(context, checked, sources, &context.root, OnEdit::Keep)?;
    Ok(found.comparison)
}

/// Returns the plan that the spec says now.
pub(super) fn plan(context: &Context) -> miette::Result<Plan> {
    let (checked, sources) = check::require(context)?;
    let target = Target {
        root: &context.root,
        known: &last(&context.root)?.known,
        gone: &BTreeSet::new(),
    };
    let built = compile::compose(&checked, &sources)
        .and_then(|composed| compile::build(context, &checked, &composed, &target));
    match built {
        Ok(built) => Ok(lock(&checked, &sources, built.compiled)),
        Err(findings) => Err(compile::refuse(context, &findings, &sources)),
    }
}

/// What is known of the last build.
#[derive(Default)]
pub(super) struct Last {
    /// What it wrote.
    pub(super) known: Known,
    /// What it was made from, as far as the lock can be believed.
    previous: Previous,
    /// What is wrong with the lock that is there, if it is one.
    pub(super) fault: Option<LockError>,
}

/// Returns what the lock below `root` says of the last build there. One that can't be read as a whole is
/// written anew; one of a newer compiler is not for us to replace.
pub(super) fn last(root: &Path) -> miette::Result<Last> {
    // What is no text is in the way, and whoever writes there says so.
    let Ok(Some(text)) = text_at(root, Plan::LOCK) else {
        return Ok(Last::default());
    };
    let fault = match Plan::previous_from_text(&text) {
        Ok(previous) => {
            let facts = compile::facts(previous.outputs.clone());
            return Ok(Last {
                known: Known::of(vec![facts], Record::Whole),
                previous,
                fault: None,
            });
        }
        Err(error @ LockError::NewerFormat { .. }) => return Err(error.into()),
        Err(error @ (LockError::Conflict | LockError::Edited | LockError::Unreadable { .. })) => {
            error
        }
    };
    let salvaged = salvage(&text);
    let record = if salvaged.is_a_lock {
        Record::Damaged
    } else {
        Record::Foreign
    };
    let builds = salvaged.outputs.into_iter().map(compile::facts).collect();
    Ok(Last {
        known: Known::of(builds, record),
        previous: Previous::default(),
        fault: Some(fault).filter(|_| record != Record::Foreign),
    })
}

/// Returns a conflict as people read it: what is the matter, what to do, and the lines.
pub(super) fn conflict(conflict: &Conflict) -> String {
    let mut text = format!("conflict: {conflict}\n  help: {}\n", conflict.help());
    for line in conflict.diff.iter().flat_map(|diff| diff.lines()) {
        let _ = writeln!(text, "  | {line}");
    }
    text
}

// What build would do, and why.
struct Found {
    comparison: Comparison,
    plan: Plan,
    // The prompts that agent files are made from, by the path of the file.
    made_from: BTreeMap<String, Vec<String>>,
    last: Last,
}

fn find(context: &Context, root: &Path, on_edit: OnEdit) -> miette::Result<Found> {
    let (checked, sources) = check::require(context)?;
    let found = made(context, &checked, &sources, root, on_edit);
    // The process ends soon, and gives everything back at once.
    std::mem::forget((checked, sources));
    found
}

fn made(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
    root: &Path,
    on_edit: OnEdit,
) -> miette::Result<Found> {
    let (last, composed) = both(|| last(root), || compile::compose(checked, sources));
    let last = last?;
    let refuse = |findings: Findings| compile::refuse(context, &findings, sources);
    let composed = composed.map_err(refuse)?;
    let known = &last.known;
    let round = |gone: &BTreeSet<String>| {
        let target = Target { root, known, gone };
        let built = compile::build(context, checked, &composed, &target)?;
        let plan = || {
            let mut plan = lock(checked, sources, built.compiled.clone());
            let text = plan.to_text();
            (plan, text)
        };
        let artifacts = || compare(root, &built.artifacts, known, on_edit);
        let ((plan, text), comparison) = both(plan, artifacts);
        let comparison = compare_last(comparison, Plan::LOCK, text, known, on_edit);
        Ok((comparison, plan, built.made_from))
    };
    let (mut comparison, mut plan, mut made_from) = round(&BTreeSet::new()).map_err(refuse)?;
    let removed = comparison
        .changes
        .iter()
        .filter(|change| change.after.is_none());
    let gone: BTreeSet<String> = removed.map(|change| change.path.clone()).collect();
    if !gone.is_empty() {
        // A list of files says what is there after the build.
        (comparison, plan, made_from) = round(&gone).map_err(refuse)?;
    }
    Ok(Found {
        comparison,
        plan,
        made_from,
        last,
    })
}

fn show(found: &Found, args: &Args) -> String {
    let Found {
        comparison,
        plan,
        made_from,
        last,
    } = found;
    let mut text = String::new();
    if let Some(error) = &last.fault {
        let _ = writeln!(text, "note: {error}; it is written anew from the spec");
    }
    if let Some(from) = last.previous.upgraded(plan) {
        let now = &plan.compiler;
        let _ = writeln!(
            text,
            "note: `{}` was written by factory {from}, and this is {now}",
            Plan::LOCK
        );
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text.extend(comparison.conflicts.iter().map(conflict));
    for change in &comparison.changes {
        let verb = match (args.check, change.verb()) {
            (true, "created") => "missing",
            (true, "changed") => "stale",
            (true, _) => "surplus",
            (false, verb) => verb,
        };
        let done = !args.diff && comparison.conflicts.is_empty();
        let would = if args.check || done { "" } else { "would be " };
        let path = &change.path;
        let made_from = made_from.get(path).map_or(&[][..], Vec::as_slice);
        let reason = last
            .previous
            .reason(path, plan, made_from, change.before.is_some());
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
