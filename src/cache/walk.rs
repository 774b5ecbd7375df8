//! One walk over a folder by several threads, and what it makes of what they found.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
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
    Digest, Input, Kind, ScanError, Scanner, ShownPath, Special, WorkTree,
    content::{Reader, Unread},
    git::Repository,
    gitignore::Rules,
    selection::{Mask, Reach, Selector},
    stat_index::{Known, Stamp, StatIndex, Writer, file_time},
    tree::compare_paths,
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

/// What a walk has found.
#[derive(Debug)]
pub(super) struct Walked {
    /// All inputs of all selections, as a tree has them.
    pub(super) inputs: Arc<[Input]>,
    /// For each selection, which of them it has.
    pub(super) chosen: Vec<Vec<u32>>,
    /// How many files were read.
    pub(super) read: usize,
    /// The next index, if it would know more than the last one.
    pub(super) learnt: Option<Writer>,
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

/// What a directory takes over from the one above it.
#[derive(Debug, Clone)]
struct State {
    reaches: Arc<Vec<Reach>>,
    rules: Option<Arc<Rules>>,
    repository: Option<Arc<At>>,
    // Whether all in it is ignored that is not tracked.
    ignored: bool,
}

/// A repository, and how long the path of its top is, with its last slash.
#[derive(Debug)]
struct At {
    repository: Repository,
    top: usize,
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

/// What one thread has found.
#[derive(Debug, Default)]
struct Found {
    directories: Vec<Visited>,
    files: Vec<FoundFiles>,
    // Directories that no selection reaches: what is known of them is kept.
    passed: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Visited {
    id: u32,
    path: Vec<u8>,
    children: Vec<u32>,
    // What is known of files that no selection of this walk has.
    kept: Vec<(Box<[u8]>, Stamp, Digest)>,
    files: Vec<FoundFile>,
}

#[derive(Debug)]
struct FoundFiles {
    directory: u32,
    start: usize,
    files: Vec<FoundFile>,
}

#[derive(Debug)]
struct FoundFile {
    input: Input,
    mask: Mask,
    // The state that its digest stands for, if that can be trusted later.
    stamp: Option<Stamp>,
    read: bool,
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
        Ok(self.assemble(found, named))
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
        if id > 0 && entries.iter().any(|(name, _)| **name == *b".git") {
            let top = full.len() + 1;
            let dot_git = self.root_path.join(OsStr::from_bytes(&path)).join(".git");
            let repository = Repository::at(&dot_git).map(|repository| At { repository, top });
            state = State {
                rules: None,
                repository: repository.map(Arc::new),
                ignored: false,
                reaches: state.reaches,
            };
        }
        if !state.ignored
            && entries.iter().any(|(name, _)| **name == *b".gitignore")
            && let Some(text) = read_ignore_file(fd, b".gitignore")
                .map_err(|error| unreadable(&join(&path, b".gitignore"), error))?
        {
            let directory = if path.is_empty() {
                full.strip_suffix(b"/").unwrap_or_default()
            } else {
                &full
            };
            state.rules = Some(Arc::new(Rules::parse(directory, &text, state.rules)));
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
            let kind = if kind == FileType::Unknown {
                match statat(fd, &*name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(unreadable(below, error)),
                }
            } else {
                kind
            };
            let is_directory = kind == FileType::Directory;
            let ignored = state.ignored
                || state
                    .rules
                    .as_ref()
                    .is_some_and(|rules| rules.ignores(&full, is_directory));
            if ignored && !state.tracks(&full, is_directory)? {
                continue;
            }
            if !is_directory {
                let mask = self.selector.select(below, &state.reaches);
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

    fn assemble(&self, mut found: Found, named: Vec<FoundFile>) -> Walked {
        found
            .files
            .sort_unstable_by_key(|chunk| (chunk.directory, chunk.start));
        found.directories.sort_unstable_by_key(|visited| visited.id);
        let mut chunks = found.files.into_iter().peekable();
        for visited in &mut found.directories {
            while let Some(chunk) = chunks.next_if(|chunk| chunk.directory == visited.id) {
                if visited.files.is_empty() {
                    visited.files = chunk.files;
                } else {
                    visited.files.extend(chunk.files);
                }
            }
        }
        let mut directories = in_order(found.directories);
        let elsewhere = add_named(&mut directories, named);
        let read = directories
            .iter()
            .flat_map(|visited| &visited.files)
            .filter(|file| file.read);
        let (read, news) = read.fold((0, false), |(count, news), file| {
            (count + 1, news || file.stamp.is_some())
        });
        let learnt = news.then(|| self.learn(&directories, &found.passed));
        let mut files: Vec<(Input, Mask)> = Vec::new();
        files.reserve_exact(directories.iter().map(|visited| visited.files.len()).sum());
        for visited in directories {
            files.extend(
                visited
                    .files
                    .into_iter()
                    .map(|file| (file.input, file.mask)),
            );
        }
        if elsewhere {
            files.sort_by(|(a, _), (b, _)| compare_paths(&a.path, &b.path));
        }
        let chosen = (0..self.selector.len())
            .map(|bit| {
                let chosen = (0_u32..)
                    .zip(&files)
                    .filter(|(_, (_, mask))| mask >> bit & 1 == 1);
                chosen.map(|(at, _)| at).collect()
            })
            .collect();
        let inputs = files.into_iter().map(|(input, _)| input).collect();
        Walked {
            inputs,
            chosen,
            read,
            learnt,
        }
    }

    fn learn(&self, directories: &[Visited], passed: &[Vec<u8>]) -> Writer {
        let mut writer = Writer::new();
        for visited in directories {
            let folder = if visited.path.is_empty() {
                0
            } else {
                visited.path.len() + 1
            };
            let mut entries: Vec<(&[u8], Stamp, Digest)> = visited
                .kept
                .iter()
                .map(|(name, stamp, digest)| (&**name, *stamp, *digest))
                .collect();
            let kept = entries.len();
            for file in &visited.files {
                if let (Some(stamp), Kind::File { digest, .. }) = (file.stamp, &file.input.kind) {
                    let name = file.input.path.get(folder..).unwrap_or_default();
                    entries.push((name, stamp, *digest));
                }
            }
            if kept > 0 {
                entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            }
            writer.directory(&visited.path, entries);
        }
        // What lies where no selection reached is still as well known as before.
        let visited: HashSet<&[u8]> = directories
            .iter()
            .map(|visited| &visited.path[..])
            .collect();
        let passed: HashSet<&[u8]> = passed.iter().map(Vec::as_slice).collect();
        for (path, block) in self.index.blocks() {
            let mut above = ancestors(path);
            if !visited.contains(path) && above.any(|above| passed.contains(above)) {
                writer.copy(block);
            }
        }
        writer
    }
}

type Entry = (Box<[u8]>, FileType);

impl State {
    fn tracks(&self, path: &[u8], is_directory: bool) -> Result<bool, ScanError> {
        let Some(at) = &self.repository else {
            return Ok(false);
        };
        let path = path.get(at.top..).unwrap_or_default();
        let tracks = if is_directory {
            at.repository.tracks_within(path)
        } else {
            at.repository.tracks(path)
        };
        tracks.map_err(ScanError::Repository)
    }
}

impl Found {
    fn add(&mut self, more: Self) {
        self.directories.extend(more.directories);
        self.files.extend(more.files);
        self.passed.extend(more.passed);
    }
}

/// Puts directories into the order that a tree has their files in: what is in a directory, then
/// what is in the directories in it. They come sorted by id, without gaps but for those that could
/// not be entered.
fn in_order(directories: Vec<Visited>) -> Vec<Visited> {
    let mut by_id: HashMap<u32, Visited> = directories
        .into_iter()
        .map(|visited| (visited.id, visited))
        .collect();
    let mut ordered = Vec::with_capacity(by_id.len());
    let mut ahead = vec![0];
    while let Some(id) = ahead.pop() {
        if let Some(visited) = by_id.remove(&id) {
            ahead.extend(visited.children.iter().rev());
            ordered.push(visited);
        }
    }
    ordered
}

/// Adds files that were found apart from the walk. Returns whether some are in a directory that
/// the walk has not visited; those stand at the end, out of order.
fn add_named(directories: &mut Vec<Visited>, named: Vec<FoundFile>) -> bool {
    if named.is_empty() {
        return false;
    }
    let mut by_folder: HashMap<Box<[u8]>, Vec<FoundFile>> = HashMap::new();
    for file in named {
        let slash = file
            .input
            .path
            .iter()
            .rposition(|byte| *byte == b'/')
            .unwrap_or(0);
        let folder = file.input.path.get(..slash).unwrap_or_default().into();
        by_folder.entry(folder).or_default().push(file);
    }
    for visited in &mut *directories {
        if let Some(files) = by_folder.remove(&*visited.path) {
            visited.files.extend(files);
            visited
                .files
                .sort_unstable_by(|a, b| a.input.path.cmp(&b.input.path));
        }
    }
    let elsewhere = !by_folder.is_empty();
    for (path, mut files) in by_folder {
        files.sort_unstable_by(|a, b| a.input.path.cmp(&b.input.path));
        let (id, children, kept) = (u32::MAX, Vec::new(), Vec::new());
        directories.push(Visited {
            id,
            path: path.into(),
            children,
            kept,
            files,
        });
    }
    elsewhere
}

/// Returns the path and those of all directories above it.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = (0..path.len()).filter(|at| path.get(*at) == Some(&b'/'));
    ends.chain([path.len()]).filter_map(|end| path.get(..end))
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

/// Reads an ignore file as git does: a regular file, and not through a link.
fn read_ignore_file(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {}
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = match openat(directory, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    let read = (&file).read_to_end(&mut text);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(Some(text))
}

/// Returns where the root lies in its work tree, and what holds for it from outside.
fn surroundings(scanner: &Scanner, selector: &Selector<'_>) -> Result<(Vec<u8>, State), ScanError> {
    let mut state = State {
        reaches: Arc::new(selector.root()),
        rules: None,
        repository: None,
        ignored: false,
    };
    let outside = Ok((Vec::new(), state.clone()));
    let root_failed = |reason: io::Error| ScanError::Unreadable {
        path: ".".to_owned(),
        reason,
    };
    let (top, repository) = match &scanner.work_tree {
        WorkTree::None => return outside,
        WorkTree::GitDirectory(directory) => (None, Repository::with_directory(directory.clone())),
        WorkTree::Discover => {
            let root = scanner.root.canonicalize().map_err(root_failed)?;
            let mut found = root.ancestors().filter_map(|top| {
                Repository::at(&top.join(".git")).map(|repository| (top.to_path_buf(), repository))
            });
            let Some((top, repository)) = found.next() else {
                return outside;
            };
            (Some((root.clone(), top)), repository)
        }
    };
    if let Some(excludes) = &scanner.excludes {
        let text = std::fs::read(excludes).unwrap_or_default();
        state.rules = Some(Arc::new(Rules::parse(b"", &text, None)));
    }
    state.rules = Some(Arc::new(Rules::parse(
        b"",
        &repository.excludes(),
        state.rules,
    )));
    let mut prefix: Vec<u8> = Vec::new();
    if let Some((root, top)) = top {
        let mut here = top.clone();
        for segment in root
            .strip_prefix(&top)
            .unwrap_or(Path::new(""))
            .components()
        {
            let opened = File::open(&here).map_err(root_failed)?;
            let folder = prefix.strip_suffix(b"/").unwrap_or_default();
            if let Some(text) = read_ignore_file(opened.as_fd(), b".gitignore")
                .map_err(|error| root_failed(error.into()))?
            {
                state.rules = Some(Arc::new(Rules::parse(folder, &text, state.rules)));
            }
            let name = segment.as_os_str();
            here.push(name);
            prefix.extend_from_slice(name.as_bytes());
            if state
                .rules
                .as_ref()
                .is_some_and(|rules| rules.ignores(&prefix, true))
            {
                // Ignored with all that is in it; it is in that work tree if something is tracked.
                state.ignored = true;
            }
            prefix.push(b'/');
        }
    }
    let within = prefix.strip_suffix(b"/").unwrap_or_default();
    if state.ignored
        && !repository
            .tracks_within(within)
            .map_err(ScanError::Repository)?
    {
        return outside;
    }
    state.repository = Some(Arc::new(At { repository, top: 0 }));
    Ok((prefix, state))
}
