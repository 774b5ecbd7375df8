//! The files of the project as they were at a revision.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{
    boundary::{PathPattern, Pattern as _},
    spec::{Files, Found, PASSED_OVER, ReadError, is_among},
};

// As many links may lead to one file.
const MOST_LINKS: usize = 8;

/// The files below the project root at a revision. No hook and no filter of git runs.
pub(super) struct Tree {
    files: BTreeMap<String, Blob>,
    objects: RefCell<Objects>,
}

struct Blob {
    id: String,
    link: bool,
}

/// A git that answers with one object after the other.
struct Objects {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tree {
    /// Returns the files below `root` at `revision`.
    pub(super) fn at(root: &Path, revision: &str) -> miette::Result<Self> {
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
        let commit = String::from_utf8_lossy(&commit);
        let listed = git(root, &["ls-tree", "-r", "-z", commit.trim(), "--", "."])?;
        // A path that is no text is named by no spec.
        let lines = listed.split(|byte| *byte == 0);
        let lines = lines.filter_map(|line| std::str::from_utf8(line).ok());
        Ok(Self {
            files: lines.filter_map(listed_file).collect(),
            objects: RefCell::new(Objects::open(root)?),
        })
    }

    /// Returns whether there is a file at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.find(path, MOST_LINKS).is_ok()
    }

    // The file that `path` leads to, through links to files and folders of the project.
    fn find(&self, path: &str, links: usize) -> Result<&Blob, ReadError> {
        if let Some(blob) = self.files.get(path).filter(|blob| !blob.link) {
            return Ok(blob);
        }
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let (start, rest) = path.split_at(end);
            let Some(link) = self.files.get(start).filter(|blob| blob.link) else {
                continue;
            };
            let target = self.text(start, link)?;
            let folder = start.rsplit_once('/').map_or("", |(folder, _)| folder);
            let joined = joined(folder, target.trim_end_matches('/'), rest);
            return match (joined, links.checked_sub(1)) {
                (Some(path), Some(links)) => self.find(&path, links),
                (_, _) => Err(ReadError::Missing),
            };
        }
        Err(ReadError::Missing)
    }

    fn text(&self, path: &str, blob: &Blob) -> Result<String, ReadError> {
        let bytes = self.objects.borrow_mut().bytes(&blob.id);
        let bytes = bytes.map_err(|error| {
            ReadError::Other(format!("git can't say what `{path}` was: {error}"))
        })?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            ReadError::Other(format!("`{path}` is not UTF-8 text, from byte {at} on"))
        })
    }
}

impl Files for Tree {
    fn read(&self, path: &str) -> Result<String, ReadError> {
        self.text(path, self.find(path, MOST_LINKS)?)
    }

    fn look(&self, pattern: &PathPattern) -> Found {
        let seen = |path: &str| !path.split('/').any(|part| PASSED_OVER.contains(&part));
        let files = self.files.iter().filter(|(_, blob)| !blob.link);
        let paths = files.map(|(path, _)| path);
        let paths = paths.filter(|path| seen(path) && pattern.gives(path));
        Found {
            paths: paths.cloned().collect(),
            passed_over: Vec::new(),
        }
    }

    fn exists(&self, path: &str) -> bool {
        self.has(path) || is_among(&self.files, path)
    }
}

impl Objects {
    fn open(root: &Path) -> miette::Result<Self> {
        let failed = |error: &std::io::Error| miette::miette!("git can't be asked: {error}");
        let mut child = command(root, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(&error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child,
                input,
                output: BufReader::new(output),
            }),
            (_, _) => Err(miette::miette!("git can't be asked")),
        }
    }

    // Asks for an object, and reads `ID blob SIZE`, the bytes, and a line break.
    fn bytes(&mut self, id: &str) -> std::io::Result<Vec<u8>> {
        writeln!(self.input, "{id}")?;
        self.input.flush()?;
        let mut header = String::new();
        self.output.read_line(&mut header)?;
        let size = match header.split_whitespace().collect::<Vec<_>>().as_slice() {
            [_, "blob", size] => size.parse().ok(),
            _ => None,
        };
        let size: usize = size.ok_or_else(|| std::io::Error::other(header.trim().to_owned()))?;
        let mut bytes = vec![0; size + 1];
        self.output.read_exact(&mut bytes)?;
        bytes.truncate(size);
        Ok(bytes)
    }
}

// Reads `MODE blob ID`, a tab, and the path.
fn listed_file(line: &str) -> Option<(String, Blob)> {
    let (facts, path) = line.split_once('\t')?;
    match facts.split(' ').collect::<Vec<_>>().as_slice() {
        [mode, "blob", id] => Some((
            path.to_owned(),
            Blob {
                id: (*id).to_owned(),
                link: *mode == "120000",
            },
        )),
        _ => None,
    }
}

// The path that `target` in `folder` and `rest` behind it lead to, if it stays in the project.
fn joined(folder: &str, target: &str, rest: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in [folder, target, rest]
        .iter()
        .flat_map(|path| path.split('/'))
    {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--no-optional-locks")
        .arg("-C")
        .arg(root)
        .args(arguments);
    command
}

fn git(root: &Path, arguments: &[&str]) -> miette::Result<Vec<u8>> {
    let output = command(root, arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| miette::miette!("git can't be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("fatal: ");
        return Err(miette::miette!("git says: {said}"));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_within_the_project() {
        for (folder, target, rest, then) in [
            ("roles", "../common/a.md", "", Some("common/a.md")),
            ("", "common", "/a.md", Some("common/a.md")),
            ("a/b", "./../c", "/d/e", Some("a/c/d/e")),
            ("", "../outside", "", None),
            ("a", "/etc/passwd", "", None),
        ] {
            assert_eq!(joined(folder, target, rest).as_deref(), then, "{target}");
        }
    }
}
