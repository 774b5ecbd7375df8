//! One walk over a folder by several threads.

use std::{
    ffi::OsStr,
    ops::Range,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, fstat, statat},
    io::Errno,
};

use super::{
    Digest, Kind, ScanError, Scanner,
    assemble::{Apart, Aparts, Chunk, Found, Ordered, Visited, Walked},
    folder::{is_within, join, split},
    look::{Listing, Looked, Looker, Met, list, look_at, open, open_root, unreadable},
    scan::Listener,
    seen::{How, Place, Sources},
    selection::{Mask, Named, Selector},
    stat_index::{Cursor, Known, Stamp, StatIndex, file_time},
    state::{IGNORE_FILE, State, surroundings},
    tree::MOST_LINKS,
};

/// How many files of one directory a thread takes at once.
pub(super) const CHUNK: usize = 128;

/// One walk for some selections.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    root: OwnedFd,
    root_path: &'a Path,
    // A folder that is none of the project's.
    left_out: Option<&'a [u8]>,
    selector: &'a Selector<'a>,
    index: &'a StatIndex,
    // The root, as the top of its work tree sees it, with a slash behind it.
    prefix: Vec<u8>,
    sources: Sources,
    queue: Mutex<Queue<'a>>,
    ready: Condvar,
    next: AtomicU32,
    listener: Option<&'a Listener>,
    // Whether the listener has been told.
    told: AtomicBool,
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
    Files(Arc<Wanted<'a>>, usize),
}

#[derive(Debug)]
struct Directory {
    id: u32,
    path: Vec<u8>,
    state: State,
}

/// The files to look at in one directory.
#[derive(Debug)]
struct Wanted<'a> {
    id: u32,
    path: Vec<u8>,
    directory: Dir,
    known: Known<'a>,
    names: Vec<u8>,
    // Where the name is in `names`.
    files: Vec<(Range<usize>, Mask)>,
}

/// What is in a directory, sorted out.
struct Inside<'d, 'a> {
    walk: &'d Walk<'a>,
    state: &'d State,
    known: Cursor<'d, 'a>,
    files: Vec<(Range<usize>, Mask)>,
    kept: Vec<usize>,
    // What is none of these files.
    others: Vec<(Box<[u8]>, FileType)>,
    children: Vec<u32>,
    tasks: Vec<Task<'a>>,
    passed: &'d mut Vec<Vec<u8>>,
}

impl Inside<'_, '_> {
    /// Takes a file for the selections that have it.
    fn take(&mut self, place: &Range<usize>, name: &[u8], kind: FileType, mask: Mask) {
        if mask != 0 {
            self.files.push((place.clone(), mask));
            return;
        }
        let is_file = kind == FileType::RegularFile;
        match self.known.position(name).filter(|_| is_file) {
            Some(at) => self.kept.push(at),
            None => self.others.push((name.into(), kind)),
        }
    }

    /// Goes into a directory, if a selection wants something there. `top` is the outermost ignored
    /// directory that it is in.
    fn enter(&mut self, below: &[u8], id: u32, top: Option<Arc<[u8]>>, named: bool) {
        let state = self.state;
        let Some(reaches) = self.walk.selector.below(below, &state.reaches) else {
            self.passed.push(below.to_vec());
            return;
        };
        let same = reaches == *state.reaches;
        let reaches = if same {
            Arc::clone(&state.reaches)
        } else {
            Arc::new(reaches)
        };
        let state = State {
            reaches,
            ignored: top.is_some(),
            named,
            ignored_top: top,
            ..state.clone()
        };
        self.tasks.push(Task::Directory(Directory {
            id,
            path: below.to_vec(),
            state,
        }));
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        scanner: &'a Scanner,
        selector: &'a Selector<'a>,
        index: &'a StatIndex,
    ) -> Result<Self, ScanError> {
        let root = open_root(&scanner.root)?;
        let sources = Sources::knowing(index);
        let (prefix, state) = surroundings(scanner, selector, &sources)?;
        let first = Directory {
            id: 0,
            path: Vec::new(),
            state,
        };
        Ok(Self {
            root,
            root_path: &scanner.root,
            left_out: scanner.left_out.as_deref(),
            selector,
            index,
            prefix,
            sources,
            queue: Mutex::new(Queue {
                tasks: vec![Task::Directory(first)],
                ..Queue::default()
            }),
            ready: Condvar::new(),
            next: AtomicU32::new(1),
            listener: scanner.listener.as_ref(),
            told: AtomicBool::new(false),
        })
    }

    /// Walks with this many threads, the calling one among them.
    pub(super) fn run(self, threads: usize) -> Result<Walked, ScanError> {
        let found = thread::scope(|scope| {
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
        let mut directories = found.in_order();
        let (apart, places) = self.named(&mut directories)?;
        Ok(directories.assemble(apart, places, self.index, self.sources))
    }

    fn work(&self) -> Found {
        let mut found = Found::default();
        let mut looker = Looker::new();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.failed.is_some() {
                break;
            }
            if let Some(task) = queue.tasks.pop() {
                queue.working += 1;
                drop(queue);
                let result = match task {
                    Task::Directory(task) => self.directory(task, &mut found, &mut looker),
                    Task::Files(wanted, start) => {
                        self.files(&wanted, start, &mut found, &mut looker)
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
        looker: &mut Looker,
    ) -> Result<(), ScanError> {
        let Directory {
            id,
            path,
            mut state,
        } = task;
        // Before it is listed: what changes from now on has a later time.
        let start = file_time();
        let Some(mut directory) = open(&self.root, &path)? else {
            return Ok(());
        };
        let fd = directory.fd().map_err(|error| unreadable(&path, error))?;
        let now = Stamp::of(&fstat(fd).map_err(|error| unreadable(&path, error))?);
        let known = self.index.directory(&path);
        let as_known = now.and_then(|now| known.listing(&now));
        let is_new = as_known.is_none();
        let (stamp, listing) = match as_known {
            Some(names) => (now, Listing::of(&names)),
            None => (
                now.filter(|now| now.is_older_than(start)),
                list(&mut directory, &path)?,
            ),
        };
        let fd = directory.fd().map_err(|error| unreadable(&path, error))?;
        // Paths as the top of the work tree sees them; behind the prefix they start at the root.
        let mut full = [&self.prefix[..], &path].concat();
        if id > 0 && !state.named && listing.has(b".git") {
            let folder = self.root_path.join(OsStr::from_bytes(&path));
            state.enter_repository(&full, &folder, &self.sources);
        }
        if !state.ignored && listing.has(IGNORE_FILE.as_bytes()) {
            let file = join(&path, IGNORE_FILE.as_bytes());
            let text = state.read_rules(fd, &full);
            let text = text.map_err(|error| unreadable(&file, error))?;
            self.sources.add_rules(file, text);
        }
        if !path.is_empty() {
            full.push(b'/');
        }
        let mut inside = Inside {
            walk: self,
            state: &state,
            known: known.from(b""),
            files: Vec::with_capacity(listing.len()),
            kept: Vec::new(),
            others: Vec::new(),
            children: Vec::new(),
            tasks: Vec::new(),
            passed: &mut found.passed,
        };
        let folder = full.len();
        let mut ignored = Vec::new();
        for (place, kind) in listing.entries() {
            let name = listing.name(place);
            full.truncate(folder);
            full.extend_from_slice(name);
            let below = full.get(self.prefix.len()..).unwrap_or_default();
            let there = resolved(kind, fd, name).map_err(|error| unreadable(below, error))?;
            let is_directory = there == Some(FileType::Directory);
            if is_directory || name == b".git" || there.is_none() {
                inside.others.push((name.into(), there.unwrap_or(kind)));
            }
            let Some(kind) = there.filter(|_| name != b".git") else {
                continue;
            };
            if is_directory && self.left_out == Some(below) {
                continue;
            }
            let is_ignored = state.ignored
                || state
                    .rules
                    .as_ref()
                    .is_some_and(|rules| rules.ignores(&full, is_directory));
            if is_ignored {
                // An id for what may come of it, so that the order is that of the names.
                let id = self.next.fetch_add(1, Ordering::Relaxed);
                inside.children.push(id);
                ignored.push((place, kind, id));
            } else if is_directory {
                let id = self.next.fetch_add(1, Ordering::Relaxed);
                inside.children.push(id);
                inside.enter(below, id, None, false);
            } else {
                let mask = self.selector.select(below, &state.reaches);
                inside.take(place, name, kind, mask);
            }
        }
        // To tell what is tracked takes a while; meanwhile others have work.
        self.push(std::mem::take(&mut inside.tasks));
        inside.known = known.from(b"");
        let met = inside.files.len();
        for (place, kind, id) in ignored {
            let name = listing.name(place);
            let is_directory = kind == FileType::Directory;
            full.truncate(folder);
            full.extend_from_slice(name);
            let below = full.get(self.prefix.len()..).unwrap_or_default();
            let top = match &state.ignored_top {
                None if is_directory => Some(below.into()),
                top => top.clone(),
            };
            // Of what is ignored only what is tracked, or named.
            let given = state.tracks(&full, is_directory)?;
            let is_named = |top: &Arc<[u8]>| self.selector.goes_into(below, top);
            match &top {
                _ if given => {}
                Some(top) if !is_directory || is_named(top) => {}
                Some(_) | None => {
                    if !is_directory {
                        inside.others.push((name.into(), kind));
                    }
                    continue;
                }
            }
            if is_directory {
                inside.enter(below, id, top, !given);
            } else {
                let mask = match &top {
                    Some(top) if !given => self.selector.select_ignored(below, top, &state.reaches),
                    Some(_) | None => self.selector.select(below, &state.reaches),
                };
                inside.take(place, name, kind, mask);
            }
        }
        let Inside {
            mut files,
            kept,
            others,
            children,
            tasks,
            ..
        } = inside;
        if files.len() > met {
            files.sort_unstable_by(|(a, _), (b, _)| listing.name(a).cmp(listing.name(b)));
        }
        found.directories.push(Visited {
            id,
            path: path.as_slice().into(),
            children,
            known: known.len(),
            kept,
            others,
            is_relisted: is_new && stamp.is_some(),
            chunks: Vec::new(),
            how: stamp.map_or_else(|| How::Listed(listing.clone()), How::Stamped),
        });
        let wanted = Wanted {
            id,
            path,
            directory,
            known,
            names: listing.into_names(),
            files,
        };
        self.hand_on(wanted, tasks, found, looker)
    }

    /// Looks at the files of a directory now if they are few; else all threads share them.
    fn hand_on(
        &self,
        wanted: Wanted<'a>,
        mut tasks: Vec<Task<'a>>,
        found: &mut Found,
        looker: &mut Looker,
    ) -> Result<(), ScanError> {
        if wanted.files.len() <= CHUNK {
            self.push(tasks);
            return self.files(&wanted, 0, found, looker);
        }
        let wanted = Arc::new(wanted);
        let chunks = (0..wanted.files.len()).step_by(CHUNK);
        tasks.extend(chunks.map(|start| Task::Files(Arc::clone(&wanted), start)));
        self.push(tasks);
        Ok(())
    }

    /// Looks at some of the files of a directory.
    fn files(
        &self,
        wanted: &Wanted<'_>,
        start: usize,
        found: &mut Found,
        looker: &mut Looker,
    ) -> Result<(), ScanError> {
        let fd = wanted.directory.fd();
        let fd = fd.map_err(|error| unreadable(&wanted.path, error))?;
        let chunk = wanted.files.get(start..).unwrap_or_default();
        let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
        let name = |place: &Range<usize>| wanted.names.get(place.clone()).unwrap_or_default();
        let mut known = wanted
            .known
            .from(chunk.first().map_or(b"", |(place, _)| name(place)));
        let mut seen = Chunk::new(wanted.id, start, chunk.len());
        for (place, mask) in chunk {
            let name = name(place);
            let known = known.find(name);
            if let Some(looked) = looker.look(fd, &wanted.path, name, known)? {
                self.tell_news(&looked, known.map(|(_, digest)| digest));
                seen.add(name, *mask, looked);
            }
        }
        if wanted.files.len() <= CHUNK {
            seen.sum_up(&wanted.path, &wanted.known);
        }
        found.chunks.push(seen.close());
        Ok(())
    }

    // The first of the news is told.
    fn tell_news(&self, looked: &Looked, known: Option<Digest>) {
        let is_news = match looked.kind {
            Kind::File { digest, .. } => looked.read && known != Some(digest),
            Kind::Link { .. } | Kind::Other(_) => false,
        };
        if is_news
            && let Some(listener) = self.listener
            && !self.told.swap(true, Ordering::Relaxed)
        {
            listener.tell();
        }
    }

    /// Gives what selections name to the selections that do, and looks at what the walk has not met.
    /// Returns this, and all places that were looked at. A link that stands there, or on the way, is
    /// meant with what it leads to.
    fn named(&self, directories: &mut Ordered) -> Result<(Aparts, Vec<Place>), ScanError> {
        let mut looker = Looker::new();
        let (mut apart, mut places) = (Aparts::new(), Vec::new());
        let mut ahead: Vec<(Vec<u8>, bool, Mask, u32)> = Vec::new();
        for (Named { path, links_only }, mask) in self.selector.named() {
            ahead.push((path.to_vec(), links_only, mask, 0));
        }
        while let Some((path, links_only, mask, links)) = ahead.pop() {
            let is_left_out = |folder: &[u8]| is_within(&path, folder);
            if self.left_out.is_some_and(is_left_out) {
                continue;
            }
            let known = if links_only {
                None
            } else {
                directories.add_mask(&path, mask).cloned()
            };
            let (end, kind) = if let Some(kind) = known {
                (path.len(), kind)
            } else {
                let met = look_at(&self.root, &path, links_only, self.index, &mut looker)?;
                let place = met.as_ref().map(|met| (met.end, met.looked.kind.clone()));
                places.push(Place {
                    path: path.as_slice().into(),
                    links_only,
                    met: place.clone(),
                });
                let (Some(Met { end, looked }), Some((_, kind))) = (met, place) else {
                    continue;
                };
                let there = path.get(..end).unwrap_or_default();
                if end == path.len() && !links_only || directories.add_mask(there, mask).is_none() {
                    let known = apart.entry(there.into()).or_insert(Apart { mask, looked });
                    known.mask |= mask;
                }
                (end, kind)
            };
            if let (Kind::Link { text, .. }, false) = (&kind, links_only)
                && links < MOST_LINKS
                && let Some(behind) = behind(&path, end, text)
            {
                ahead.push((behind, false, mask, links + 1));
            }
        }
        Ok((apart, places))
    }
}

/// Returns where a path leads whose first `end` bytes are those of a link with this text; nothing if
/// that is not below the root, or not plain to see.
fn behind(path: &[u8], end: usize, text: &[u8]) -> Option<Vec<u8>> {
    let (link, rest) = path.split_at_checked(end)?;
    let mut segments: Vec<&[u8]> = split(link).0.split(|byte| *byte == b'/').collect();
    segments.retain(|segment| !segment.is_empty());
    let mut down = false;
    if text.starts_with(b"/") {
        return None;
    }
    let ahead = text.split(|byte| *byte == b'/');
    for segment in ahead.chain(rest.split(|byte| *byte == b'/')) {
        match segment {
            b"" | b"." => {}
            // It may lead out of a folder that is a link.
            b".." if down => return None,
            b".." => drop(segments.pop()?),
            name => {
                down = true;
                segments.push(name);
            }
        }
    }
    Some(segments.join(&b'/'))
}

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
