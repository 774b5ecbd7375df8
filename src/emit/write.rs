//! Writes what was compared: all of it or nothing.
//!
//! Every file is staged beside its target and on the disk before the first target is touched; each
//! target is then replaced in one step. A failure puts back what was replaced. A process that is killed
//! in between leaves every file old or new, never a part of one, and the next build makes the rest.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Change, Comparison};

/// Why nothing was written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum WriteError {
    /// A person has to decide first.
    #[error("{count} things have to be decided first")]
    #[diagnostic(code("factory::emit::conflicts"))]
    Conflicts {
        /// How many.
        count: usize,
    },
    /// A file changed since it was compared.
    #[error("`{path}` changed while it was to be written")]
    #[diagnostic(code("factory::emit::changed"), help("run the command again"))]
    Changed {
        /// Which.
        path: String,
    },
    /// The system refuses.
    #[error("`{path}` can't be written; everything is as it was")]
    #[diagnostic(code("factory::emit::unwritable"))]
    Failed {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes the changes of `comparison`, all or none.
///
/// # Errors
///
/// Where there are conflicts, a file changed meanwhile, or the system refuses: then everything is as it
/// was.
pub fn write(comparison: &Comparison) -> Result<(), WriteError> {
    write_with(comparison, &mut |_| Ok(()))
}

// What is about to happen, for tests that make it fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Stage,
    Keep,
    Replace,
    Finish,
}

fn write_with(
    comparison: &Comparison,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    if !comparison.conflicts.is_empty() {
        return Err(WriteError::Conflicts {
            count: comparison.conflicts.len(),
        });
    }
    // What a killed build has left.
    for place in &comparison.places {
        for rest in [beside(place, "new"), beside(place, "old")] {
            let _ = fs::remove_file(rest);
        }
    }
    let mut made = Made::default();
    let done =
        stage(comparison, &mut made, before).and_then(|()| replace(comparison, &mut made, before));
    match done {
        Ok(()) => {
            for change in &comparison.changes {
                let _ = fs::remove_file(beside(&change.full, "old"));
                if let Some(folder) = change.full.parent() {
                    sync(folder);
                }
            }
            Ok(())
        }
        Err(error) => {
            made.undo();
            Err(error)
        }
    }
}

// What has been done so far.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    staged: Vec<PathBuf>,
    // Targets that were replaced, each with whether something stood there.
    replaced: Vec<(PathBuf, bool)>,
}

impl Made {
    // Puts everything back, as far as the system lets us.
    fn undo(&self) {
        for (target, stood) in self.replaced.iter().rev() {
            let _ = if *stood {
                fs::rename(beside(target, "old"), target)
            } else {
                fs::remove_file(target)
            };
        }
        for file in &self.staged {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn stage(
    comparison: &Comparison,
    made: &mut Made,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    for change in &comparison.changes {
        let failed = |source| WriteError::Failed {
            path: change.path.clone(),
            source,
        };
        let Some(text) = &change.after else { continue };
        let folder = change.full.parent().unwrap_or(&comparison.root);
        make_folders(folder, &mut made.folders).map_err(failed)?;
        before(Act::Stage).map_err(failed)?;
        let new = beside(&change.full, "new");
        made.staged.push(new.clone());
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&new)
            .map_err(failed)?;
        let written =
            file.write_all(text.as_bytes())
                .and_then(|()| match fs::metadata(&change.full) {
                    Ok(data) => file.set_permissions(data.permissions()),
                    Err(_) => Ok(()),
                });
        written.and_then(|()| file.sync_all()).map_err(failed)?;
    }
    Ok(())
}

fn replace(
    comparison: &Comparison,
    made: &mut Made,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    for change in &comparison.changes {
        let failed = |source| WriteError::Failed {
            path: change.path.clone(),
            source,
        };
        check(change)?;
        let old = beside(&change.full, "old");
        if change.before.is_some() {
            before(Act::Keep).map_err(failed)?;
            made.staged.push(old.clone());
            // Some file systems have no hard links.
            fs::hard_link(&change.full, &old)
                .or_else(|_| fs::copy(&change.full, &old).map(|_| ()))
                .map_err(failed)?;
        }
        before(Act::Replace).map_err(failed)?;
        match &change.after {
            Some(_) => fs::rename(beside(&change.full, "new"), &change.full),
            None => fs::remove_file(&change.full),
        }
        .map_err(failed)?;
        made.replaced
            .push((change.full.clone(), change.before.is_some()));
    }
    before(Act::Finish).map_err(|source| WriteError::Failed {
        path: String::new(),
        source,
    })
}

// Someone may have saved the file since it was read.
fn check(change: &Change) -> Result<(), WriteError> {
    let stands = match fs::read(&change.full) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(WriteError::Failed {
                path: change.path.clone(),
                source,
            });
        }
    };
    if stands.as_deref() == change.before.as_deref().map(str::as_bytes) {
        Ok(())
    } else {
        Err(WriteError::Changed {
            path: change.path.clone(),
        })
    }
}

// Makes what is missing of `folder`, the outermost first.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        fs::create_dir(path)?;
        made.push(path.to_owned());
    }
    Ok(())
}

// Where something for the target stands while it is written.
fn beside(target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.factory-{what}"))
}

// A name is on the disk once its folder is; where folders can't be synced there is nothing to do.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use super::*;
    use crate::emit::{Conflict, Why};

    type Tree = BTreeMap<String, String>;

    fn tree(root: &Path) -> Tree {
        let files = walkdir::WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .flatten();
        files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .display()
                    .to_string();
                (path, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    // A file to make, one to change, one to remove, and how the folder is before and after.
    fn project(root: &Path) -> (Comparison, Tree, Tree) {
        fs::write(root.join("b"), "old b").unwrap();
        fs::write(root.join("c"), "old c").unwrap();
        fs::write(root.join("mine"), "mine").unwrap();
        let change = |path: &str, before: Option<&str>, after: Option<&str>| Change {
            path: path.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            full: root.join(path),
        };
        let changes = vec![
            change("x/y/a", None, Some("new a")),
            change("b", Some("old b"), Some("new b")),
            change("c", Some("old c"), None),
        ];
        let places = changes.iter().map(|change| change.full.clone()).collect();
        let comparison = Comparison {
            changes,
            places,
            root: root.to_owned(),
            ..Comparison::default()
        };
        let before = tree(root);
        let mut after = before.clone();
        after.insert("x/y/a".into(), "new a".into());
        after.insert("b".into(), "new b".into());
        after.remove("c");
        (comparison, before, after)
    }

    #[test]
    fn all_is_written_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, _, after) = project(folder.path());
        write(&comparison).unwrap();
        assert_eq!(tree(folder.path()), after);
    }

    #[test]
    fn a_failure_at_any_point_leaves_everything_as_it_was() {
        for at in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (comparison, before, after) = project(folder.path());
            let mut acts = 0;
            let done = write_with(&comparison, &mut |_| {
                acts += 1;
                if acts == at + 1 {
                    Err(io::Error::other("full"))
                } else {
                    Ok(())
                }
            });
            if done.is_ok() {
                assert!(acts <= at && at > 5, "{acts} acts");
                assert_eq!(tree(folder.path()), after);
                break;
            }
            assert_eq!(tree(folder.path()), before, "failed at {at}");
            assert!(!folder.path().join("x").exists(), "failed at {at}");
        }
    }

    #[test]
    fn a_kill_at_any_point_leaves_every_file_old_or_new_and_the_next_build_heals() {
        for at in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (comparison, before, after) = project(folder.path());
            let mut acts = 0;
            let killed = catch_unwind(AssertUnwindSafe(|| {
                write_with(&comparison, &mut |_| {
                    acts += 1;
                    assert!(acts != at + 1, "killed");
                    Ok(())
                })
            }));
            if killed.is_ok() {
                assert!(at > 5);
                break;
            }
            let left = tree(folder.path());
            for path in ["x/y/a", "b", "c", "mine"] {
                let found = left.get(path);
                assert!(
                    found == before.get(path) || found == after.get(path),
                    "{path} at {at}"
                );
            }
            // The next build compares again, and finds less to do.
            let mut next = comparison.clone();
            next.changes
                .retain(|change| left.get(&change.path) != change.after.as_ref());
            for change in &mut next.changes {
                change.before = left.get(&change.path).cloned();
            }
            write(&next).unwrap();
            assert_eq!(tree(folder.path()), after, "killed at {at}");
        }
    }

    #[test]
    fn what_someone_saves_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, mut before, _) = project(folder.path());
        fs::write(folder.path().join("c"), "saved").unwrap();
        before.insert("c".into(), "saved".into());
        let error = write(&comparison).unwrap_err();
        assert_eq!(error.to_string(), "`c` changed while it was to be written");
        assert_eq!(tree(folder.path()), before);
    }

    #[test]
    fn a_conflict_stops_everything() {
        let folder = tempfile::tempdir().unwrap();
        let (mut comparison, before, _) = project(folder.path());
        comparison.conflicts.push(Conflict {
            path: "mine".into(),
            why: Why::NotOurs,
            diff: None,
        });
        assert!(matches!(
            write(&comparison),
            Err(WriteError::Conflicts { count: 1 })
        ));
        assert_eq!(tree(folder.path()), before);
    }
}
