//! One walk over a folder by several threads.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

use super::{
    Input, Kind, ScanError, Scanner, ShownPath, Special,
    assemble::{Found, FoundFile, FoundFiles, Visited, Walked},
    content::{Reader, Unread},
    selection::{Mask, Selector},
    stat_index::{Known, Stamp, StatIndex, file_time},
    state::{IGNORE_FILE, State, surroundings},
};

/// How many files of one directory a thread takes at once.
const CHUNK: usize = 128;
/// How often a thing that keeps changing what it is is looked at.
const TRIES: u32 = 4;

/// One walk for some selections.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    root: OwnedFd,
    root_path: &'a Path,
    selector: &'a Selector<'a>,
    index: &'a StatIndex,
    start: i64,
    // The root, as the top of its work tree sees it, with a slash behind it.
    prefix: Vec<u8>,
    queue: Mutex<Queue<'a>>,
    ready: Condvar,
    next: AtomicU32,
}

#[derive(Debug, Default)]
struct Queue<'a> {
    tasks: Vec<Task<'a>>,
    working: usize,
    failed: Option<ScanError>,
}

#[derive(Debug)]
enum Task<'a> {
    Directory(Directory),
    Files(Arc<Listing<'a>>, usize),
}

#[derive(Debug)]
struct Directory {
    id: u32,
    path: Vec<u8>,
    state: State,
}

/// The files to look at in one directory.
#[derive(Debug)]
struct Listing<'a> {
    id: u32,
    path: Vec<u8>,
    directory: Dir,
    known: Known<'a>,
    files: Vec<(Box<[u8]>, Mask)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        scanner: &'a Scanner,
        selector: &'a Selector<'a>,
        index: &'a StatIndex,
    ) -> Result<Self, ScanError> {
        // Before anything is looked at: what changes from now on has a later time.
        let start = file_time();
        let unreadable = |error: Errno| ScanError::Unreadable {
            path: ".".to_owned(),
            reason: error.into(),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&scanner.root, flags, Mode::empty()).map_err(unreadable)?;
        let (prefix, state) = surroundings(scanner, selector)?;
        let first = Directory {
            id: 0,
            path: Vec::new(),
            state,
        };
        Ok(Self {
            root,
            root_path: &scanner.root,
            selector,
            index,
            start,
            prefix,
            queue: Mutex::new(Queue {
                tasks: vec![Task::Directory(first)],
                ..Queue::default()
            }),
            ready: Condvar::new(),
            next: AtomicU32::new(1),
        })
    }

    /// Walks with this many threads, the calling one among them.
    pub(super) fn run(self, threads: usize) -> Result<Walked, ScanError> {
        let mut found = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| self.work())).collect();
            let mut found = self.work();
            for other in others {
                match other.join() {
                    Ok(more) => found.add(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            found
        });
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = queue.failed.take() {
            return Err(error);
        }
        drop(queue);
        let named = self.named(&mut found)?;
        Ok(found.assemble(named, self.selector.len(), self.index))
    }

    fn work(&self) -> Found {
        let mut found = Found::default();
        let mut reader = Reader::new();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.failed.is_some() {
                break;
            }
            if let Some(task) = queue.tasks.pop() {
                queue.working += 1;
                drop(queue);
                let result = match task {
                    Task::Directory(task) => self.directory(task, &mut found, &mut reader),
                    Task::Files(listing, start) => {
                        self.files(&listing, start, &mut found, &mut reader)
                    }
                };
                queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.working -= 1;
                if let Err(error) = result {
                    queue.failed = Some(error);
                }
                if queue.working == 0 && queue.tasks.is_empty() || queue.failed.is_some() {
                    self.ready.notify_all();
                }
            } else if queue.working == 0 {
                break;
            } else {
                queue = self
                    .ready
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        found
    }

    fn push(&self, tasks: Vec<Task<'a>>) {
        if !tasks.is_empty() {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.tasks.extend(tasks);
            drop(queue);
            self.ready.notify_all();
        }
    }

    fn directory(
        &self,
        task: Directory,
        found: &mut Found,
        reader: &mut Reader,
    ) -> Result<(), ScanError> {
        let Directory {
            id,
            path,
            mut state,
        } = task;
        let Some((directory, mut entries)) = self.list(&path)? else {
            return Ok(());
        };
        let fd = directory.fd().map_err(|error| unreadable(&path, error))?;
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        // Paths as the top of the work tree sees them; behind the prefix they start at the root.
        let mut full = [&self.prefix[..], &path].concat();
        let has = |wanted: &str| entries.iter().any(|(name, _)| **name == *wanted.as_bytes());
        if id > 0 && !state.named && has(".git") {
            let folder = self.root_path.join(OsStr::from_bytes(&path));
            state.enter_repository(&full, &folder);
        }
        if !state.ignored && has(IGNORE_FILE) {
            let unreadable = |error| unreadable(&join(&path, IGNORE_FILE.as_bytes()), error);
            state.read_rules(fd, &full).map_err(unreadable)?;
        }
        if !path.is_empty() {
            full.push(b'/');
        }
        let known = self.index.directory(&path);
        let mut visited = Visited {
            id,
            path,
            children: Vec::new(),
            kept: Vec::new(),
            files: Vec::new(),
        };
        let (mut files, mut tasks) = (Vec::new(), Vec::new());
        let folder = full.len();
        for (name, kind) in entries {
            if *name == *b".git" {
                continue;
            }
            full.truncate(folder);
            full.extend_from_slice(&name);
            let below = full.get(self.prefix.len()..).unwrap_or_default();
            let Some(kind) = resolved(kind, fd, &name).map_err(|error| unreadable(below, error))?
            else {
                continue;
            };
            let is_directory = kind == FileType::Directory;
            let ignored = state.ignored
                || state
                    .rules
                    .as_ref()
                    .is_some_and(|rules| rules.ignores(&full, is_directory));
            let top = match &state.ignored_top {
                None if ignored && is_directory => Some(below.into()),
                top => top.clone(),
            };
            // Of what is ignored only what is tracked, or named.
            let given = !ignored || state.tracks(&full, is_directory)?;
            let is_named = |top: &Arc<[u8]>| self.selector.goes_into(below, top);
            if !given
                && !top
                    .as_ref()
                    .is_some_and(|top| !is_directory || is_named(top))
            {
                continue;
            }
            if !is_directory {
                let mask = match &top {
                    Some(top) if !given => self.selector.select_ignored(below, top, &state.reaches),
                    Some(_) | None => self.selector.select(below, &state.reaches),
                };
                if mask != 0 {
                    files.push((name, mask));
                } else if let Some((stamp, digest)) = known.get(&name) {
                    visited.kept.push((name, stamp, digest));
                }
                continue;
            }
            let Some(reaches) = self.selector.below(below, &state.reaches) else {
                found.passed.push(below.to_vec());
                continue;
            };
            let same = reaches == *state.reaches;
            let reaches = if same {
                Arc::clone(&state.reaches)
            } else {
                Arc::new(reaches)
            };
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            visited.children.push(id);
            let state = State {
                reaches,
                ignored,
                named: !given,
                ignored_top: top,
                ..state.clone()
            };
            tasks.push(Task::Directory(Directory {
                id,
                path: below.to_vec(),
                state,
            }));
        }
        let listing = Listing {
            id,
            path: visited.path.clone(),
            directory,
            known,
            files,
        };
        found.directories.push(visited);
        self.hand_on(listing, tasks, found, reader)
    }

    /// Looks at the files of a directory now if they are few; else all threads share them.
    fn hand_on(
        &self,
        listing: Listing<'a>,
        mut tasks: Vec<Task<'a>>,
        found: &mut Found,
        reader: &mut Reader,
    ) -> Result<(), ScanError> {
        if listing.files.len() <= CHUNK {
            self.push(tasks);
            return self.files(&listing, 0, found, reader);
        }
        let listing = Arc::new(listing);
        let chunks = (0..listing.files.len()).step_by(CHUNK);
        tasks.extend(chunks.map(|start| Task::Files(Arc::clone(&listing), start)));
        self.push(tasks);
        Ok(())
    }

    fn list(&self, path: &[u8]) -> Result<Option<(Dir, Vec<Entry>)>, ScanError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let at = if path.is_empty() { b"." } else { path };
        let opened = match openat(&self.root, at, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !path.is_empty() => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(path, error)),
        };
        let mut directory = Dir::new(opened).map_err(|error| unreadable(path, error))?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(entry) = directory.read() {
            let entry = entry.map_err(|error| unreadable(path, error))?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                entries.push((name.into(), entry.file_type()));
            }
        }
        Ok(Some((directory, entries)))
    }

    fn files(
        &self,
        listing: &Listing<'_>,
        start: usize,
        found: &mut Found,
        reader: &mut Reader,
    ) -> Result<(), ScanError> {
        let fd = listing
            .directory
            .fd()
            .map_err(|error| unreadable(&listing.path, error))?;
        let mut files = Vec::with_capacity(listing.files.len().min(CHUNK));
        for (name, mask) in listing.files.iter().skip(start).take(CHUNK) {
            let path = join(&listing.path, name);
            files.extend(self.look(fd, name, path, *mask, &listing.known, reader)?);
        }
        found.files.push(FoundFiles {
            directory: listing.id,
            start,
            files,
        });
        Ok(())
    }

    /// Looks at one thing that is no directory; there is nothing if it is gone or has become one.
    fn look(
        &self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: Box<[u8]>,
        mask: Mask,
        known: &Known<'_>,
        reader: &mut Reader,
    ) -> Result<Option<FoundFile>, ScanError> {
        for _ in 0..TRIES {
            let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(error) => return Err(unreadable(&path, error)),
            };
            let (mut settled, mut read) = (None, false);
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => return Ok(None),
                FileType::RegularFile => {
                    let executable = stat.st_mode & 0o100 != 0;
                    let stamp = Stamp::of(&stat);
                    let same = known.get(name).filter(|(known, _)| Some(*known) == stamp);
                    if let Some((stamp, digest)) = same {
                        settled = Some(stamp);
                        Kind::File {
                            digest,
                            size: stamp.size,
                            executable,
                        }
                    } else {
                        let content = match reader.read(directory, name, &stat) {
                            Ok(content) => content,
                            Err(Unread::Gone) => continue,
                            Err(Unread::Failed(error)) => return Err(unreadable(&path, error)),
                        };
                        read = true;
                        settled = content
                            .stamp
                            .filter(|stamp| stamp.is_older_than(self.start));
                        let executable = content
                            .stamp
                            .map_or(executable, |stamp| stamp.is_executable());
                        Kind::File {
                            digest: content.digest,
                            size: content.size,
                            executable,
                        }
                    }
                }
                FileType::Symlink => match readlinkat(directory, name, Vec::new()) {
                    Ok(text) => Kind::Link {
                        text: text.into_bytes().into(),
                        dangling: statat(directory, name, AtFlags::empty()).is_err(),
                    },
                    Err(Errno::NOENT | Errno::INVAL) => continue,
                    Err(error) => return Err(unreadable(&path, error)),
                },
                FileType::Fifo => Kind::Other(Special::Fifo),
                FileType::Socket => Kind::Other(Special::Socket),
                FileType::CharacterDevice => Kind::Other(Special::CharacterDevice),
                FileType::BlockDevice => Kind::Other(Special::BlockDevice),
                FileType::Unknown => Kind::Other(Special::Unknown),
            };
            return Ok(Some(FoundFile {
                input: Input { path, kind },
                mask,
                stamp: settled,
                read,
            }));
        }
        Err(unreadable(&path, Errno::AGAIN))
    }

    /// Looks at the files that patterns name literally and the walk has not met, or has met and
    /// left out of a selection that names them.
    fn named(&self, found: &mut Found) -> Result<Vec<FoundFile>, ScanError> {
        let mut named: HashMap<&[u8], Mask> = HashMap::new();
        for (path, mask) in self.selector.named() {
            *named.entry(path).or_default() |= mask;
        }
        if named.is_empty() {
            return Ok(Vec::new());
        }
        for file in found.files.iter_mut().flat_map(|chunk| &mut chunk.files) {
            if let Some(mask) = named.remove(&*file.input.path) {
                file.mask |= mask;
            }
        }
        let mut reader = Reader::new();
        let mut extra = Vec::new();
        for (path, mask) in named {
            extra.extend(self.look_at(path, mask, &mut reader)?);
        }
        Ok(extra)
    }

    fn look_at(
        &self,
        path: &[u8],
        mask: Mask,
        reader: &mut Reader,
    ) -> Result<Option<FoundFile>, ScanError> {
        let mut segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        if segments
            .iter()
            .any(|segment| matches!(*segment, b"" | b"." | b".." | b".git"))
        {
            return Ok(None);
        }
        let Some(name) = segments.pop() else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory: Option<OwnedFd> = None;
        for segment in &segments {
            let above = directory
                .as_ref()
                .map_or(self.root.as_fd(), |above| above.as_fd());
            directory = match openat(above, *segment, flags, Mode::empty()) {
                Ok(opened) => Some(opened),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(error) => return Err(unreadable(path, error)),
            };
        }
        let directory = directory
            .as_ref()
            .map_or(self.root.as_fd(), |above| above.as_fd());
        let known = self.index.directory(&segments.join(&b'/'));
        self.look(directory, name, path.into(), mask, &known, reader)
    }
}

type Entry = (Box<[u8]>, FileType);

/// Returns the type of an entry also where the directory does not say; nothing if it is gone.
fn resolved(
    kind: FileType,
    directory: BorrowedFd<'_>,
    name: &[u8],
) -> Result<Option<FileType>, Errno> {
    if kind != FileType::Unknown {
        return Ok(Some(kind));
    }
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn join(directory: &[u8], name: &[u8]) -> Box<[u8]> {
    if directory.is_empty() {
        name.into()
    } else {
        [directory, b"/", name].concat().into()
    }
}

fn unreadable(path: &[u8], error: Errno) -> ScanError {
    let path = if path.is_empty() { b"." } else { path };
    ScanError::Unreadable {
        path: ShownPath(path).to_string(),
        reason: error.into(),
    }
}
