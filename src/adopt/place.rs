//! New prompts and the spec, put into a project together.
//!
//! Everything is staged where nobody looks, and moved from there: new prompts first, in one step where
//! their folder is new, and the spec last. A process that is killed before the first move leaves the
//! project as it was; one that is killed between the moves leaves a record, and whoever reads the spec
//! next takes back what stands there. Whoever writes holds the project's folder, as a build does.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::cache::Digest;

const RECORD: &str = "record";
const TREE: &str = "tree";

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Another file stands where a new one belongs.
    #[error("`{0}` is there already, and is something else")]
    Taken(String),
    /// The spec is no longer the one that was read.
    #[error("`{0}` changed while it was to be written")]
    Changed(String),
    /// Another process writes here.
    #[error("another `factory` is writing here")]
    Busy,
    /// The system refuses.
    #[error("`{path}` can't be written")]
    Failed {
        /// Which.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Writes `files` below `root`, all or none; `stage` is a folder of the same file system that can be
/// made. Only the last may stand there already, and must be `before` then.
///
/// # Errors
///
/// Where something else stands there, or the system refuses: then everything is as it was.
pub fn place(
    root: &Path,
    stage: &Path,
    files: &[(String, String)],
    before: Option<&str>,
) -> Result<(), PlaceError> {
    place_with(root, stage, files, before, &mut || Ok(()))
}

// `step` is called before each move, for tests that make it fail.
fn place_with(
    root: &Path,
    stage: &Path,
    files: &[(String, String)],
    before: Option<&str>,
    step: &mut dyn FnMut() -> io::Result<()>,
) -> Result<(), PlaceError> {
    let _held = hold(root)?;
    undo(root, stage);
    let Some(((spec, text), prompts)) = files.split_last() else {
        return Ok(());
    };
    for (path, _) in prompts {
        if fs::symlink_metadata(root.join(path)).is_ok() {
            return Err(PlaceError::Taken(path.clone()));
        }
    }
    let stands = fs::read(root.join(spec)).ok();
    if stands.as_deref() != before.map(str::as_bytes) {
        return Err(PlaceError::Changed(spec.clone()));
    }
    let tree = stage.join(TREE);
    let done = staged(stage, files).and_then(|()| {
        let (new, target) = (tree.join(spec), root.join(spec));
        let fail = |cause| failed(spec, cause);
        if let Ok(data) = fs::metadata(&target) {
            fs::set_permissions(&new, data.permissions()).map_err(fail)?;
        }
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(&target).unwrap_or(target);
        for path in moved(root, prompts) {
            let fail = |cause| failed(&path, cause);
            make_folders(root, &root.join(&path)).map_err(fail)?;
            step().map_err(fail)?;
            fs::rename(tree.join(&path), root.join(&path)).map_err(fail)?;
        }
        step().map_err(fail)?;
        fs::rename(&new, &target).map_err(fail)
    });
    match done {
        Ok(()) => {
            let _ = fs::remove_dir_all(stage);
            debug_assert!(fs::read_to_string(root.join(spec)).is_ok_and(|now| now == *text));
            Ok(())
        }
        Err(error) => {
            undo(root, stage);
            Err(error)
        }
    }
}

// What is moved for these prompts: a folder as a whole where it is new, else each of its files.
fn moved(root: &Path, prompts: &[(String, String)]) -> BTreeSet<String> {
    let whole = |path: &String| {
        let folder = path.split_once('/').map(|(folder, _)| folder)?;
        let is_new = fs::symlink_metadata(root.join(folder)).is_err();
        is_new.then(|| folder.to_owned())
    };
    prompts
        .iter()
        .map(|(path, _)| whole(path).unwrap_or_else(|| path.clone()))
        .collect()
}

// Keeps others from writing below `root` until it is dropped; some file systems know no locks.
fn hold(root: &Path) -> Result<Option<File>, PlaceError> {
    let Ok(folder) = File::open(root) else {
        return Ok(None);
    };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(PlaceError::Busy),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn failed(path: &str, cause: io::Error) -> PlaceError {
    PlaceError::Failed {
        path: path.to_owned(),
        cause,
    }
}

// Puts every text on the disk, and a record of what will be moved where.
fn staged(stage: &Path, files: &[(String, String)]) -> Result<(), PlaceError> {
    let shown = stage.display().to_string();
    let fail = |cause| failed(&shown, cause);
    let tree = stage.join(TREE);
    fs::create_dir_all(&tree).map_err(fail)?;
    let write = |path: PathBuf, text: &str| -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let mut record = String::new();
    for (path, text) in files {
        write(tree.join(path), text).map_err(fail)?;
        record.push_str(&format!("{} {path}\n", Digest::of(text)));
    }
    write(stage.join("new"), &record).map_err(fail)?;
    fs::rename(stage.join("new"), stage.join(RECORD)).map_err(fail)?;
    if let Ok(folder) = File::open(stage) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Takes back what an adoption that was killed has left below `root`; nothing where its spec stands, or
/// while one is at work.
pub fn take_back(root: &Path, stage: &Path) {
    if fs::symlink_metadata(stage).is_ok()
        && let Ok(_held) = hold(root)
    {
        undo(root, stage);
    }
}

fn undo(root: &Path, stage: &Path) {
    let record = fs::read_to_string(stage.join(RECORD)).unwrap_or_default();
    let entries: Vec<_> = record
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let stands = |digest: &str, path: &str| {
        fs::read_to_string(root.join(path)).is_ok_and(|text| Digest::of(text).to_string() == digest)
    };
    let finished = entries
        .last()
        .is_some_and(|(digest, spec)| stands(digest, spec));
    if !finished && let Some((_, prompts)) = entries.split_last() {
        for (digest, path) in prompts {
            // What is still staged was not moved, and what someone changed since is theirs.
            if !stage.join(TREE).join(path).exists() && stands(digest, path) {
                let _ = fs::remove_file(root.join(path));
            }
        }
        for (_, path) in prompts {
            let mut folder = Path::new(path).parent();
            while let Some(name) = folder.filter(|name| !name.as_os_str().is_empty()) {
                if fs::remove_dir(root.join(name)).is_err() {
                    break;
                }
                folder = name.parent();
            }
        }
    }
    let _ = fs::remove_dir_all(stage);
}

fn make_folders(root: &Path, target: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(root);
    let mut inner = folder;
    while inner.starts_with(root) && inner != root {
        if fs::symlink_metadata(inner).is_ok_and(|data| !data.is_dir()) {
            return Err(io::Error::other(format!(
                "`{}` is a link or a file, and a folder belongs there",
                inner.display()
            )));
        }
        inner = inner.parent().unwrap_or(root);
    }
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use super::*;

    fn tree(root: &Path) -> BTreeMap<String, Option<String>> {
        let entries = walkdir::WalkDir::new(root).min_depth(1);
        entries
            .into_iter()
            .flatten()
            .map(|entry| {
                let path = entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .display()
                    .to_string();
                (path, fs::read_to_string(entry.path()).ok())
            })
            .collect()
    }

    fn files() -> Vec<(String, String)> {
        [
            ("roles/a.md", "a"),
            ("roles/b.md", "b"),
            ("factory.kdl", "new"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .to_vec()
    }

    #[test]
    fn a_failure_or_a_kill_at_any_point_leaves_the_project_as_it_was() {
        for (kill, is_new) in [(false, true), (true, true), (false, false), (true, false)] {
            // A new folder is moved as a whole.
            for at in 0..if is_new { 2 } else { 3 } {
                let folder = tempfile::tempdir().unwrap();
                let (root, stage) = (folder.path().join("p"), folder.path().join("stage"));
                fs::create_dir(&root).unwrap();
                if !is_new {
                    fs::create_dir(root.join("roles")).unwrap();
                    fs::write(root.join("roles/mine.md"), "mine").unwrap();
                }
                fs::write(root.join("factory.kdl"), "old").unwrap();
                let before = tree(&root);
                let mut steps = 0;
                let mut step = || {
                    steps += 1;
                    if steps <= at {
                        return Ok(());
                    }
                    assert!(!kill, "killed");
                    Err(io::Error::other("full"))
                };
                let done = catch_unwind(AssertUnwindSafe(|| {
                    place_with(&root, &stage, &files(), Some("old"), &mut step)
                }));
                assert_eq!(done.is_err(), kill);
                if kill {
                    assert!(stage.exists());
                    take_back(&root, &stage);
                }
                assert_eq!(tree(&root), before, "{kill} {is_new} at {at}");
                assert!(!stage.exists());
                place(&root, &stage, &files(), Some("old")).unwrap();
                assert_eq!(fs::read_to_string(root.join("factory.kdl")).unwrap(), "new");
                assert_eq!(tree(&root).len(), if is_new { 4 } else { 5 });
            }
        }
    }

    #[test]
    fn nothing_is_taken_back_while_another_is_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let (root, stage) = (folder.path().join("p"), folder.path().join("stage"));
        fs::create_dir(&root).unwrap();
        let mut step = || {
            take_back(&root, &stage);
            Ok(())
        };
        place_with(&root, &stage, &files(), None, &mut step).unwrap();
        assert_eq!(tree(&root).len(), 4);
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (root, stage) = (folder.path().join("p"), folder.path().join("stage"));
        fs::create_dir_all(root.join("roles")).unwrap();
        fs::write(root.join("roles/b.md"), "mine").unwrap();
        let before = tree(&root);
        let error = place(&root, &stage, &files(), None).unwrap_err();
        assert!(matches!(error, PlaceError::Taken(path) if path == "roles/b.md"));
        fs::remove_file(root.join("roles/b.md")).unwrap();
        fs::write(root.join("factory.kdl"), "mine").unwrap();
        let error = place(&root, &stage, &files(), None).unwrap_err();
        assert!(matches!(error, PlaceError::Changed(_)));
        assert_ne!(tree(&root), before);
        assert_eq!(
            fs::read_to_string(root.join("factory.kdl")).unwrap(),
            "mine"
        );
    }
}
