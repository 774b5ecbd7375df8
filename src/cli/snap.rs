//! `factory snap`

use std::{collections::BTreeMap, fmt::Write as _, fs, io::Write, path::Path};

use super::{Context, ExitStatus, changes, check, compile, count, review};
use crate::{
    diagnostics::Sources,
    emit::{Prompt, Review, snapshot},
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
        let text = accept(&context.root, &chosen, &review, all)?;
        super::print(out, &text)?;
        return Ok(ExitStatus::Success);
    }
    super::print(out, &show(&review, &sources, context.colour_out))?;
    Ok(if review.is_clean() {
        ExitStatus::Success
    } else {
        ExitStatus::Findings
    })
}

/// Returns the snapshot files that lie in the project, by path.
pub(super) fn accepted(root: &Path) -> miette::Result<BTreeMap<String, String>> {
    let folder = root.join(snapshot::FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
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
        if let Ok(text) = fs::read_to_string(entry.path()) {
            files.insert(format!("{}/{name}", snapshot::FOLDER), text);
        }
    }
    Ok(files)
}

/// Accepts `prompts`; with `all`, the snapshots of roles that are gone are removed.
pub(super) fn accept(
    root: &Path,
    prompts: &[&Prompt],
    review: &Review,
    all: bool,
) -> miette::Result<String> {
    let failed = |path: &str, error: &std::io::Error| miette::miette!("`{path}`: {error}");
    let mut text = String::new();
    let mut written = 0;
    for prompt in prompts {
        if !review.new.contains(&prompt.role) && !review.changed.contains(&prompt.role) {
            continue;
        }
        let path = snapshot::path(&prompt.role);
        replace(&root.join(&path), &snapshot::render(prompt))
            .map_err(|error| failed(&path, &error))?;
        written += 1;
    }
    if all {
        for path in &review.orphans {
            fs::remove_file(root.join(path)).map_err(|error| failed(path, &error))?;
            let _ = writeln!(text, "removed {path}: its role is gone");
        }
    }
    let what = match written {
        0 => "nothing to accept: the prompts are the accepted ones".to_owned(),
        number => format!(
            "accepted {} in {}/",
            count(number, "prompt"),
            snapshot::FOLDER
        ),
    };
    let _ = writeln!(text, "{what}");
    Ok(text)
}

// A reader sees the old file or the new one, and never a half of it.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".snap-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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
