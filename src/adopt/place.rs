//! New prompts and the spec, put into a project together.
//!
//! Everything is staged where nobody looks, and moved from there: new prompts first, the spec last.
//! A process that is killed before the first move leaves the project as it was; one that is killed
//! between the moves leaves a record, and the next adoption takes back what stands there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::cache::Digest;

const RECORD: &str = "record";

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Another file stands where a new one belongs.
    #[error("`{0}` is there already, and is something else")]
    Taken(String),
    /// The spec is no longer the one that was read.
    #[error("`{0}` changed while it was to be written")]
    Changed(String),
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
    take_back(root, stage);
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
    let done = staged(stage, files).and_then(|()| {
        for (index, (path, _)) in prompts.iter().enumerate() {
            let failed = |cause| failed(path, cause);
            let target = root.join(path);
            make_folders(root, &target).map_err(failed)?;
            step().map_err(failed)?;
            fs::rename(stage.join(index.to_string()), &target).map_err(failed)?;
        }
        let failed = |cause| failed(spec, cause);
        let target = root.join(spec);
        let new = stage.join(prompts.len().to_string());
        if let Ok(data) = fs::metadata(&target) {
            fs::set_permissions(&new, data.permissions()).map_err(failed)?;
        }
        step().map_err(failed)?;
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(&target).unwrap_or(target);
        fs::rename(&new, &target).map_err(failed)
    });
    match done {
        Ok(()) => {
            let _ = fs::remove_dir_all(stage);
            debug_assert!(fs::read_to_string(root.join(spec)).is_ok_and(|now| now == *text));
            Ok(())
        }
        Err(error) => {
            take_back(root, stage);
            Err(error)
        }
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
    fs::create_dir_all(stage).map_err(fail)?;
    let write = |path: PathBuf, text: &str| -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let mut record = String::new();
    for (index, (path, text)) in files.iter().enumerate() {
        write(stage.join(index.to_string()), text).map_err(fail)?;
        record.push_str(&format!("{} {path}\n", Digest::of(text)));
    }
    write(stage.join("new"), &record).map_err(fail)?;
    fs::rename(stage.join("new"), stage.join(RECORD)).map_err(fail)?;
    if let Ok(folder) = File::open(stage) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Takes back what an adoption that was killed has left below `root`; nothing where its spec stands.
pub fn take_back(root: &Path, stage: &Path) {
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
        for (index, (digest, path)) in prompts.iter().enumerate() {
            // What is still staged was not moved, and what someone changed since is theirs.
            if !stage.join(index.to_string()).exists() && stands(digest, path) {
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
        for kill in [false, true] {
            for at in 0..3 {
                let folder = tempfile::tempdir().unwrap();
                let (root, stage) = (folder.path().join("p"), folder.path().join("stage"));
                fs::create_dir(&root).unwrap();
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
                assert_eq!(tree(&root), before, "{kill} at {at}");
                assert!(!stage.exists());
                place(&root, &stage, &files(), Some("old")).unwrap();
                assert_eq!(fs::read_to_string(root.join("factory.kdl")).unwrap(), "new");
                assert_eq!(tree(&root).len(), 4);
            }
        }
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
