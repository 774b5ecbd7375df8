//! The spec as it was at a revision.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

// Of these a spec is made.
const ENDINGS: [&str; 3] = [".kdl", ".md", ".hbs"];

/// Returns the texts of all files below `root` at `revision` that a spec may be made of, and those of
/// `named`, by their paths from `root`. No hook and no filter of git runs.
pub(super) fn texts(
    root: &Path,
    revision: &str,
    named: &[&str],
) -> miette::Result<BTreeMap<String, String>> {
    if revision.starts_with('-') {
        return Err(miette::miette!("`{revision}` is no revision"));
    }
    let commit = format!("{revision}^{{commit}}");
    let commit = git(
        root,
        &["rev-parse", "--verify", "--end-of-options", &commit],
    )
    .map_err(|error| {
        miette::miette!(
            help = "name a commit, a branch, or a tag of this repository",
            "there is no revision `{revision}`: {error}"
        )
    })?;
    let commit = commit.trim();
    let prefix = git(root, &["rev-parse", "--show-prefix"])?;
    let prefix = prefix.trim_end_matches('\n');
    let listed = git(
        root,
        &["ls-tree", "-r", "-z", "--name-only", commit, "--", "."],
    )?;
    let paths: Vec<&str> = listed
        .split('\0')
        .filter(|path| !path.is_empty() && !path.contains('\n'))
        .filter(|path| ENDINGS.iter().any(|end| path.ends_with(end)) || named.contains(path))
        .collect();
    blobs(root, commit, prefix, &paths)
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--no-optional-locks")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stderr(Stdio::piped());
    command
}

fn git(root: &Path, arguments: &[&str]) -> miette::Result<String> {
    let output = command(root, arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| miette::miette!("git can't be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("fatal: ");
        return Err(miette::miette!("git says: {said}"));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| miette::miette!("git names a path that is not UTF-8"))
}

fn blobs(
    root: &Path,
    commit: &str,
    prefix: &str,
    paths: &[&str],
) -> miette::Result<BTreeMap<String, String>> {
    let failed = |error: std::io::Error| miette::miette!("git can't be asked: {error}");
    let mut child = command(root, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(miette::miette!("git can't be asked"));
    };
    let asked: String = paths
        .iter()
        .map(|path| format!("{commit}:{prefix}{path}\n"))
        .collect();
    // Asked from a thread of its own, as git answers before it has read all.
    let bytes = std::thread::scope(|threads| {
        threads.spawn(move || {
            let _ = input.write_all(asked.as_bytes());
        });
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = bytes.map_err(failed)?;
    child.wait().map_err(failed)?;
    let mut rest = bytes.as_slice();
    let mut texts = BTreeMap::new();
    for path in paths {
        let Some((text, after)) = blob(rest) else {
            break;
        };
        // What is no text is no part of a spec either.
        if let Some(text) = text {
            texts.insert((*path).to_owned(), text);
        }
        rest = after;
    }
    Ok(texts)
}

// Reads `ID blob SIZE`, the bytes, and a line break.
fn blob(bytes: &[u8]) -> Option<(Option<String>, &[u8])> {
    let line = bytes.iter().position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(bytes.get(..line)?).ok()?;
    let body = bytes.get(line + 1..)?;
    let mut words = header.split(' ').skip(1);
    if words.next() != Some("blob") {
        return Some((None, body));
    }
    let size: usize = words.next()?.parse().ok()?;
    let text = std::str::from_utf8(body.get(..size)?).ok();
    Some((text.map(str::to_owned), body.get(size + 1..)?))
}
