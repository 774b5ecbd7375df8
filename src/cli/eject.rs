//! `factory eject`

use std::{fmt::Write as _, io::Write};

use super::{Context, ExitStatus, build, print};
use crate::{
    document::OnEdit,
    emit::{self, Record, text_at},
    plan::Plan,
};

/// Take the hooks, markers, and headers out, and leave plain files
///
/// What `factory build` has put into the client's files goes; what stood there before keeps its bytes.
/// Agent files and sections stay as they read, and work without this program. An entry that was edited by
/// hand is found and kept. factory.kdl, roles/, and snapshots/ are yours, and stay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove entries that were edited by hand too
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let root = &context.root;
    let lock = Plan::LOCK;
    let there = text_at(root, lock).map_err(|why| miette::miette!("`{lock}` {why}"))?;
    let last = build::last(root)?;
    if there.is_none() || last.known.is_empty() {
        return Err(miette::miette!(
            help = "`factory build` writes one; without it nobody knows what it has written",
            "{}",
            match last.known.record() {
                Record::Foreign => format!("`{lock}` is someone else's text"),
                Record::Missing => format!("there is no `{lock}` that says what was built here"),
                Record::Whole | Record::Damaged => {
                    format!("`{lock}` does not say what was built here")
                }
            }
        ));
    }
    let on_edit = if args.overwrite {
        OnEdit::Overwrite
    } else {
        OnEdit::Keep
    };
    let found = emit::eject(root, &last.known, lock, on_edit);
    let mut text = String::new();
    if let Some(error) = &last.fault {
        let _ = writeln!(
            text,
            "note: {error}; what it still says of the build is taken out"
        );
    }
    text.extend(found.conflicts.iter().map(build::conflict));
    for change in &found.changes {
        let done = !args.dry_run && found.conflicts.is_empty();
        let word = if done { "" } else { "would be " };
        let _ = writeln!(text, "{word}{} {}", change.verb(), change.path);
        if args.dry_run && change.path != lock {
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
