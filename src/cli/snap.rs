//! `factory snap`

use std::{collections::BTreeMap, fmt::Write as _, fs, io::Write, path::Path};

use super::{Context, ExitStatus, build, changes, check, compile, count, review};
use crate::{
    diagnostics::Sources,
    emit::{self, Prompt, Review, compare_snapshots, snapshot, text_at},
};

/// Show what changed in the compiled prompts, or accept it
///
/// `exec` runs the accepted prompts and no others. A change that several roles share, such as a line
/// of the preamble, is shown once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only look, for CI; that a prompt is not the accepted one is always exit code 1
    #[arg(long)]
    check: bool,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Decide on each change: accept, reject, skip, or open what it comes from
    Review,
    /// Accept the prompts as they are now
    Accept {
        /// Roles whose prompt to accept; all unless some are named
        #[arg(value_name = "ROLE")]
        roles: Vec<String>,
    },
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let prompts = compile::prompts(context, &checked, &sources)?;
    let accepted = accepted(&context.root)?;
    let review = Review::of(&prompts, &accepted);
    if let Some(Action::Review) = &args.action {
        let input = &mut std::io::stdin().lock();
        return review::run(context, &prompts, &accepted, &sources, input, out);
    }
    if let Some(Action::Accept { roles }) = &args.action {
        let all = roles.is_empty();
        for role in roles {
            if !prompts.iter().any(|prompt| prompt.role == *role) {
                return Err(miette::miette!("no role called `{role}`"));
            }
        }
        let chosen = |name: &String| all || roles.contains(name);
        let chosen: Vec<_> = prompts
            .iter()
            .filter(|prompt| chosen(&prompt.role))
            .collect();
        return accept(&context.root, &chosen, &review, all, out);
    }
    super::print(out, &show(&review, &sources, context.colour_out))?;
    Ok(if review.is_clean() {
        ExitStatus::Success
    } else {
        ExitStatus::Findings
    })
}

/// Returns the snapshot files that lie in the project, by path. What is no text file there, or lies
/// elsewhere, is none.
pub(super) fn accepted(root: &Path) -> miette::Result<BTreeMap<String, String>> {
    let folder = root.join(snapshot::FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        // A file there is told of when something is to be accepted.
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(miette::miette!("`{}`: {error}", snapshot::FOLDER)),
    };
    let mut files = BTreeMap::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_snapshot = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "snap");
        let Some(name) = name.to_str().filter(|_| is_snapshot) else {
            continue;
        };
        let path = format!("{}/{name}", snapshot::FOLDER);
        if let Ok(Some(text)) = text_at(root, &path) {
            files.insert(path, text);
        }
    }
    Ok(files)
}

// Accepts `prompts`, all or none; with `all`, the snapshots of roles that are gone are removed.
fn accept(
    root: &Path,
    prompts: &[&Prompt],
    review: &Review,
    all: bool,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let is_due = |role: &String| review.new.contains(role) || review.changed.contains(role);
    let due = prompts.iter().filter(|prompt| is_due(&prompt.role));
    let mut texts: BTreeMap<_, _> = due
        .map(|prompt| {
            let path = snapshot::path(&prompt.role);
            (path, Some(snapshot::render(prompt)))
        })
        .collect();
    let accepted = texts.len();
    let gone = if all { &review.orphans[..] } else { &[] };
    texts.extend(gone.iter().map(|path| (path.clone(), None)));
    let mut text = String::new();
    if let Some(conflicts) = put(root, &texts)? {
        super::print(out, &conflicts)?;
        return Ok(ExitStatus::Findings);
    }
    for path in gone {
        let _ = writeln!(text, "removed {path}: its role is gone");
    }
    let what = match accepted {
        0 => "nothing to accept: the prompts are the accepted ones".to_owned(),
        number => format!(
            "accepted {} in {}/",
            count(number, "prompt"),
            snapshot::FOLDER
        ),
    };
    let _ = writeln!(text, "{what}");
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

/// Writes the snapshots of these paths, all or none; one without a text goes. Returns what stands against
/// it, if anything: then nothing was written.
pub(super) fn put(
    root: &Path,
    texts: &BTreeMap<String, Option<String>>,
) -> miette::Result<Option<String>> {
    let found = compare_snapshots(root, texts);
    if found.conflicts.is_empty() {
        emit::write(&found)?;
        return Ok(None);
    }
    let mut text: String = found.conflicts.iter().map(build::conflict).collect();
    text.push_str("nothing was accepted\n");
    Ok(Some(text))
}

fn show(review: &Review, sources: &Sources, colour: bool) -> String {
    if review.is_clean() {
        return "the prompts are the accepted ones\n".to_owned();
    }
    let mut text = String::new();
    if !review.new.is_empty() {
        let _ = writeln!(text, "never accepted: {}", review.new.join(", "));
    }
    for change in &review.changes {
        text.push_str(&changes::heading(change, sources));
        text.push_str(&changes::lines(change, colour));
    }
    for path in &review.orphans {
        let _ = writeln!(text, "accepted, but its role is gone: {path}");
    }
    text.push_str(
        "`factory snap review` asks for each change, `factory snap accept` takes them all\n",
    );
    text
}
