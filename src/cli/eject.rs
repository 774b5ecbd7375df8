//! `factory eject`

use std::{fmt::Write as _, io::Write};

use super::{Context, ExitStatus, build, print};
use crate::{emit, plan::Plan};

/// Take the hooks, markers, and headers out, and leave plain files
///
/// What `factory build` has put into the client's files goes; what stood there before keeps its bytes.
/// Agent files and sections stay as they read, and work without this program. factory.kdl, roles/, and
/// snapshots/ are yours, and stay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let root = &context.root;
    let previous = build::facts(root)?;
    if previous.is_empty() {
        return Err(miette::miette!(
            help = "`factory build` writes one; without it nobody knows what it has written",
            "there is no `{}` that says what was built here",
            Plan::LOCK
        ));
    }
    let found = emit::eject(root, &previous, Plan::LOCK);
    let mut text = String::new();
    for conflict in &found.conflicts {
        let _ = writeln!(text, "conflict: {conflict}\n  help: {}", conflict.help());
    }
    for change in &found.changes {
        let word = if args.dry_run { "would be " } else { "" };
        let _ = writeln!(text, "{word}{} {}", change.verb(), change.path);
        if args.dry_run && change.path != Plan::LOCK {
            text.push_str(&change.diff());
        }
    }
    if !found.conflicts.is_empty() {
        text.push_str("nothing was written\n");
        print(out, &text)?;
        return Ok(ExitStatus::Findings);
    }
    if !args.dry_run {
        emit::write(&found)?;
        text.push_str(
            "\nfactory.kdl, roles/, and snapshots/ are yours and stay; `factory build` brings all of it back\n",
        );
    }
    print(out, &text)?;
    Ok(ExitStatus::Success)
}
