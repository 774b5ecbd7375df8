//! Writes what was compared: all of it or nothing.
//!
//! Every file is staged beside its target and on the disk before the first target is touched; each
//! target is then replaced in one step. A failure puts back what was replaced. A process that is killed
//! in between leaves every file old or new, never a part of one, and the next build makes the rest.
//! Whoever writes holds the project's folder, so two never write at the same time; who comes second finds
//! what the first has written, and goes on where it is the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{Change, Comparison, comparison::Seen, place::bytes_of};

/// How long one waits for another that writes: far longer than writing takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one waits for another process where only what is left over is to be cleared up.
const BRIEFLY: Duration = Duration::from_millis(200);
/// How long one waits before one looks again.
const PAUSE: Duration = Duration::from_millis(5);

/// How many files go to the disk at once, and how few do one after the other.
const SYNCED_AT_ONCE: usize = 8;
const SYNCED_BY_ONE: usize = 8;

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
    /// Another process writes, and does not come to an end.
    #[error("another `factory` is writing here")]
    #[diagnostic(
        code("factory::emit::busy"),
        help("run the command again once it is done")
    )]
    Busy,
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

impl WriteError {
    fn failed(path: &str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Failed {
            path: path.to_owned(),
            source,
        }
    }
}

/// Writes the changes of `comparison`, all or none.
///
/// # Errors
///
/// Where there are conflicts, a file changed meanwhile, another process does not let go, or the system
/// refuses: then everything is as it was.
pub fn write(comparison: &Comparison) -> Result<(), WriteError> {
    write_with(comparison, PATIENCE, &mut |_| Ok(()))
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
    patience: Duration,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    if !comparison.conflicts.is_empty() {
        return Err(WriteError::Conflicts {
            count: comparison.conflicts.len(),
        });
    }
    if comparison.changes.is_empty() {
        // Whoever writes now clears up too.
        if let Ok(_held) = hold(&comparison.root, BRIEFLY) {
            clear(comparison);
        }
        return Ok(());
    }
    let mut made = Made::default();
    let done = carry_out(comparison, patience, &mut made, before);
    if done.is_err() {
        made.undo();
    }
    done
}

fn carry_out(
    comparison: &Comparison,
    patience: Duration,
    made: &mut Made,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    make_folders(&comparison.root, &mut made.folders).map_err(WriteError::failed("."))?;
    let _held = hold(&comparison.root, patience)?;
    clear(comparison);
    let changes = unsettled(comparison)?;
    stage(&changes, made, before)?;
    replace(&changes, made, before)?;
    let mut folders: BTreeSet<&Path> = changes
        .iter()
        .filter_map(|change| change.full.parent())
        .collect();
    folders.extend(made.folders.iter().filter_map(|folder| folder.parent()));
    for change in changes.iter().filter(|change| change.before.is_some()) {
        let _ = fs::remove_file(beside(&change.full, OLD));
    }
    for folder in folders {
        sync(folder);
    }
    Ok(())
}

// Keeps all others from writing below `root` until it is dropped, or the process ends, however it does. Some
// file systems know no locks; then nobody is kept.
fn hold(root: &Path, patience: Duration) -> Result<Option<File>, WriteError> {
    let Ok(folder) = File::open(root) else {
        return Ok(None);
    };
    let begun = Instant::now();
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(Some(folder)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Err(WriteError::Busy),
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

// Removes what a killed build has left beside its targets.
fn clear(comparison: &Comparison) {
    let ours: BTreeSet<&Path> = comparison
        .seen
        .iter()
        .map(|seen| seen.full.as_path())
        .collect();
    let folders: BTreeSet<&Path> = ours.iter().filter_map(|path| path.parent()).collect();
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(target) = name.to_str().and_then(target_of) else {
                continue;
            };
            let target = folder.join(target);
            if ours.contains(target.as_path()) || target.symlink_metadata().is_err() {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

// Returns what is left to do. All that was compared must be as it was, or, where another build came first,
// as it is to be.
fn unsettled(comparison: &Comparison) -> Result<Vec<&Change>, WriteError> {
    let mut changes: BTreeMap<&Path, &Change> = comparison
        .changes
        .iter()
        .map(|change| (change.full.as_path(), change))
        .collect();
    for Seen { path, full, text } in &comparison.seen {
        let stands = stands(full).map_err(WriteError::failed(path))?;
        let stands = stands.as_deref();
        let is = |text: &Option<String>| stands == text.as_deref().map(str::as_bytes);
        if is(text) {
            continue;
        }
        match changes.get(full.as_path()) {
            Some(change) if is(&change.after) => {
                changes.remove(full.as_path());
            }
            Some(_) | None => {
                return Err(WriteError::Changed { path: path.clone() });
            }
        }
    }
    let left = comparison.changes.iter();
    Ok(left
        .filter(|change| changes.contains_key(change.full.as_path()))
        .collect())
}

// The bytes that stand there, if any.
fn stands(full: &Path) -> io::Result<Option<Vec<u8>>> {
    match bytes_of(full) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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
                fs::rename(beside(target, OLD), target)
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
    changes: &[&Change],
    made: &mut Made,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    for change in changes {
        let failed = WriteError::failed(&change.path);
        let Some(text) = &change.after else { continue };
        if let Some(folder) = change.full.parent() {
            make_folders(folder, &mut made.folders).map_err(&failed)?;
        }
        before(Act::Stage).map_err(&failed)?;
        let new = beside(&change.full, NEW);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&new)
            .map_err(&failed)?;
        made.staged.push(new);
        let written =
            file.write_all(text.as_bytes())
                .and_then(|()| match fs::metadata(&change.full) {
                    Ok(data) => file.set_permissions(data.permissions()),
                    Err(_) => Ok(()),
                });
        written.map_err(&failed)?;
    }
    let staged: Vec<&Change> = changes
        .iter()
        .filter(|change| change.after.is_some())
        .copied()
        .collect();
    on_disk(&staged)
}

// Brings what is staged to the disk: all at once, as the system does many files nearly as fast as one.
fn on_disk(staged: &[&Change]) -> Result<(), WriteError> {
    let each = |part: &[&Change]| {
        part.iter().try_for_each(|change| {
            let file = File::open(beside(&change.full, NEW));
            file.and_then(|file| file.sync_all())
                .map_err(WriteError::failed(&change.path))
        })
    };
    if staged.len() <= SYNCED_BY_ONE {
        return each(staged);
    }
    thread::scope(|scope| {
        let parts = staged.chunks(staged.len().div_ceil(SYNCED_AT_ONCE));
        let threads: Vec<_> = parts.map(|part| scope.spawn(|| each(part))).collect();
        threads.into_iter().try_for_each(|thread| {
            let done = thread.join();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn replace(
    changes: &[&Change],
    made: &mut Made,
    before: &mut dyn FnMut(Act) -> io::Result<()>,
) -> Result<(), WriteError> {
    for change in changes {
        let failed = WriteError::failed(&change.path);
        // Someone may have saved the file since it was read.
        let stands = stands(&change.full).map_err(&failed)?;
        if stands.as_deref() != change.before.as_deref().map(str::as_bytes) {
            return Err(WriteError::Changed {
                path: change.path.clone(),
            });
        }
        let old = beside(&change.full, OLD);
        if change.before.is_some() {
            before(Act::Keep).map_err(&failed)?;
            made.staged.push(old.clone());
            // Some file systems have no hard links.
            fs::hard_link(&change.full, &old)
                .or_else(|_| fs::copy(&change.full, &old).map(|_| ()))
                .map_err(&failed)?;
        }
        before(Act::Replace).map_err(&failed)?;
        match &change.after {
            Some(_) => fs::rename(beside(&change.full, NEW), &change.full),
            None => fs::remove_file(&change.full),
        }
        .map_err(&failed)?;
        made.replaced
            .push((change.full.clone(), change.before.is_some()));
    }
    before(Act::Finish).map_err(WriteError::failed(""))
}

// Makes what is missing of `folder`, the outermost first.
fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        match fs::create_dir(path) {
            Ok(()) => made.push(path.to_owned()),
            // Another that writes made it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The endings of what stands beside a target while it is written: what is to replace it, and what it was.
const NEW: &str = ".factory-new";
const OLD: &str = ".factory-old";

// Where something for the target stands while it is written.
fn beside(target: &Path, ending: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}{ending}"))
}

// The name of the target that something of this name stands beside.
fn target_of(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.')?;
    let target = name.strip_suffix(NEW).or_else(|| name.strip_suffix(OLD))?;
    (!target.is_empty()).then_some(target)
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

    fn seen(change: &Change) -> Seen {
        Seen {
            path: change.path.clone(),
            full: change.full.clone(),
            text: change.before.clone(),
        }
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
        let mut seen: Vec<_> = changes.iter().map(seen).collect();
        seen.push(Seen {
            path: "mine".into(),
            full: root.join("mine"),
            text: Some("mine".into()),
        });
        let comparison = Comparison {
            changes,
            seen,
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
            let done = write_with(&comparison, PATIENCE, &mut |_| {
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
                write_with(&comparison, PATIENCE, &mut |_| {
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
            for seen in &mut next.seen {
                seen.text = left.get(&seen.path).cloned();
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
    fn what_someone_changed_of_the_rest_stops_everything() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, mut before, _) = project(folder.path());
        fs::write(folder.path().join("mine"), "saved").unwrap();
        before.insert("mine".into(), "saved".into());
        let error = write(&comparison).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`mine` changed while it was to be written"
        );
        assert_eq!(tree(folder.path()), before);
    }

    #[test]
    fn what_another_build_has_written_meanwhile_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, _, after) = project(folder.path());
        write(&comparison).unwrap();
        write(&comparison).unwrap();
        assert_eq!(tree(folder.path()), after);
        // A part of it, and something else in the place of the rest.
        fs::write(folder.path().join("b"), "other").unwrap();
        let error = write(&comparison).unwrap_err();
        assert!(matches!(error, WriteError::Changed { path } if path == "b"));
    }

    #[test]
    fn who_writes_is_alone_and_what_it_has_staged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, mut before, after) = project(folder.path());
        fs::write(folder.path().join(".b.factory-new"), "of another").unwrap();
        before.insert(".b.factory-new".into(), "of another".into());
        let held = hold(folder.path(), Duration::ZERO).unwrap();
        assert!(held.is_some());
        let busy = write_with(&comparison, Duration::ZERO, &mut |_| Ok(()));
        assert!(matches!(busy, Err(WriteError::Busy)));
        assert_eq!(tree(folder.path()), before);
        drop(held);
        write_with(&comparison, Duration::ZERO, &mut |_| Ok(())).unwrap();
        assert_eq!(tree(folder.path()), after);
    }

    #[test]
    fn what_was_left_beside_is_cleared_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (comparison, mut before, _) = project(folder.path());
        // Beside a file of ours, beside one that is gone, beside someone else's, and no leftover at all.
        let names = [
            (".b.factory-new", false),
            (".gone.md.factory-old", false),
            (".theirs.factory-old", true),
            ("b.factory-new", true),
            (".factory-new", true),
        ];
        fs::write(folder.path().join("theirs"), "").unwrap();
        before.insert("theirs".into(), String::new());
        for (name, stays) in names {
            fs::write(folder.path().join(name), "x").unwrap();
            if stays {
                before.insert(name.into(), "x".into());
            }
        }
        let nothing_to_do = Comparison {
            changes: Vec::new(),
            ..comparison
        };
        write(&nothing_to_do).unwrap();
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
