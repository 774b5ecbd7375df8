//! What a walk has looked at, to tell later whether all of it still is as it was.
//!
//! That is cheaper than another walk: no rule is asked and nothing is put together. A folder that is
//! as it was holds the same names, by the rule against racy timestamps that files are under too; one
//! that may have changed within a tick of the clock is listed again. In doubt nothing stands.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use rustix::fs::fstat;

use super::{
    Kind, ScanError,
    folder::{Folder, join, split},
    git::{Repository, Told},
    look::{Listing, Looker, list, look_at, open, open_root},
    scan::{Touched, threads},
    stat_index::{Stamp, StatIndex},
    state::read_ignore_file,
    walk::CHUNK,
};

/// What one walk has looked at.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) folders: Arc<[Folder]>,
    /// How each of the folders was looked at.
    pub(super) hows: Vec<How>,
    /// The places that selections name and the walk has not met.
    pub(super) places: Vec<Place>,
    pub(super) sources: Sources,
    /// Files of which nothing could be known for later.
    pub(super) young: HashSet<Box<[u8]>>,
    /// What was known of files when the walk was over.
    pub(super) index: Arc<StatIndex>,
}

/// A place that was looked at apart from the walk.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: Box<[u8]>,
    /// Whether only links counted.
    pub(super) links_only: bool,
    /// How much of the path leads to what was met, and what that was.
    pub(super) met: Option<(usize, Kind)>,
}

/// How a folder itself was looked at.
#[derive(Debug)]
pub(super) enum How {
    /// This is the state in which its list was read; it can be trusted later.
    Stamped(Stamp),
    /// This was its list.
    Listed(Listing),
    /// Only for what patterns name in it.
    Apart,
}

/// What says which files are inputs, as it was read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    // What repositories told before, by where git's index is.
    told: BTreeMap<Box<[u8]>, Told>,
    read: Mutex<Read>,
}

/// What a file says, if it is there.
type Text = Option<Vec<u8>>;

#[derive(Debug, Default)]
struct Read {
    // Files anywhere.
    texts: Vec<(PathBuf, Text)>,
    // Ignore files below the root.
    rules: Vec<(Box<[u8]>, Text)>,
    // What was found at places where a repository may be.
    repositories: Vec<(PathBuf, Option<Arc<Repository>>)>,
    // Repositories that were given, not found.
    given: Vec<Arc<Repository>>,
}

impl Sources {
    /// Returns what knows what repositories told when `index` was written.
    pub(super) fn knowing(index: &StatIndex) -> Self {
        Self {
            told: index.told(),
            ..Self::default()
        }
    }

    /// Returns the repositories, with what they told before.
    pub(super) fn told(&self) -> Vec<(PathBuf, Told, bool)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let found = read
            .repositories
            .iter()
            .filter_map(|(_, found)| found.as_ref());
        let all = found.chain(&read.given).filter_map(|repository| {
            let (told, is_new) = repository.told()?;
            Some((repository.index(), told, is_new))
        });
        all.collect()
    }

    fn remembering(&self, repository: Repository) -> Repository {
        let told = self.told.get(repository.index().as_os_str().as_bytes());
        repository.with_told(told.cloned())
    }

    /// Reads a file that may not be there.
    pub(super) fn text(&self, path: PathBuf) -> Text {
        let text = fs::read(&path).ok();
        self.add(|read| read.texts.push((path, text.clone())));
        text
    }

    /// Notes what an ignore file below the root says.
    pub(super) fn add_rules(&self, path: Box<[u8]>, text: Text) {
        self.add(|read| read.rules.push((path, text)));
    }

    /// Returns the repository whose work tree has `.git` at this place, if there is one.
    pub(super) fn repository(&self, dot_git: PathBuf) -> Option<Arc<Repository>> {
        let found = Repository::at(&dot_git);
        let found = found.map(|found| Arc::new(self.remembering(found)));
        self.add(|read| read.repositories.push((dot_git, found.clone())));
        found
    }

    /// Returns the repository with this git directory, which was given.
    pub(super) fn given_repository(&self, directory: PathBuf) -> Arc<Repository> {
        let given = Arc::new(self.remembering(Repository::with_directory(directory)));
        self.add(|read| read.given.push(Arc::clone(&given)));
        given
    }

    fn add(&self, note: impl FnOnce(&mut Read)) {
        note(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn stand(&self, root: &OwnedFd) -> Result<bool, ScanError> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, text) in &read.rules {
            let Some(folder) = open(root, split(path).0)? else {
                return Ok(false);
            };
            let fd = folder
                .fd()
                .map_err(|error| super::look::unreadable(path, error))?;
            if read_ignore_file(fd).ok().as_ref() != Some(text) {
                return Ok(false);
            }
        }
        let is_found = |(dot_git, found): &(PathBuf, Option<Arc<Repository>>)| {
            let now = Repository::at(dot_git);
            now.as_ref().map(Repository::directory) == found.as_ref().map(|found| found.directory())
        };
        let found = read
            .repositories
            .iter()
            .filter_map(|(_, found)| found.as_ref());
        Ok(read
            .texts
            .iter()
            .all(|(path, text)| fs::read(path).ok() == *text)
            && read.repositories.iter().all(is_found)
            && found
                .chain(&read.given)
                .all(|repository| repository.stands()))
    }
}

impl Seen {
    /// Returns what of it was touched since then, if all of it is as it was, and nothing has come.
    pub(super) fn touched(&self, root: &Path) -> Result<Option<Touched>, ScanError> {
        let root = open_root(root)?;
        if !self.sources.stand(&root)? {
            return Ok(None);
        }
        let mut all = Touched::default();
        let mut looker = Looker::new();
        for place in &self.places {
            let met = look_at(
                &root,
                &place.path,
                place.links_only,
                &self.index,
                &mut looker,
            )?;
            if let Some(met) = met.as_ref().filter(|met| met.looked.read) {
                let there = place.path.get(..met.end).unwrap_or_default();
                all.files.push(there.into());
            }
            if met.map(|met| (met.end, met.looked.kind)) != place.met {
                return Ok(None);
            }
        }
        let (next, stands) = (AtomicUsize::new(0), AtomicBool::new(true));
        // A folder after the other, and of a large one so many files.
        let tasks: Vec<(usize, usize)> = self
            .folders
            .iter()
            .enumerate()
            .flat_map(|(at, folder)| {
                let starts = (0..folder.files.len().max(1)).step_by(CHUNK);
                starts.map(move |start| (at, start))
            })
            .collect();
        let work = || {
            let (mut looker, mut touched) = (Looker::new(), Touched::default());
            while stands.load(Ordering::Relaxed) {
                let Some((at, start)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                let stood = self.folder_stands(&root, *at, *start, &mut looker, &mut touched);
                if !stood.unwrap_or(false) {
                    stands.store(false, Ordering::Relaxed);
                }
            }
            touched
        };
        thread::scope(|scope| {
            let others = threads().min(tasks.len());
            let others: Vec<_> = (1..others).map(|_| scope.spawn(work)).collect();
            all.add(work());
            for other in others {
                match other.join() {
                    Ok(touched) => all.add(touched),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        Ok(stands.into_inner().then_some(all))
    }

    fn folder_stands(
        &self,
        root: &OwnedFd,
        at: usize,
        start: usize,
        looker: &mut Looker,
        touched: &mut Touched,
    ) -> Result<bool, ScanError> {
        let (Some(folder), Some(how)) = (self.folders.get(at), self.hows.get(at)) else {
            return Ok(false);
        };
        let path = &folder.path;
        // What patterns name was looked at apart, and without following links on the way.
        let is_apart = matches!(how, How::Apart);
        if is_apart {
            return Ok(true);
        }
        let Some(mut directory) = open(root, path)? else {
            return Ok(false);
        };
        let unreadable = |error| super::look::unreadable(path, error);
        match how {
            How::Stamped(stamp) => {
                let now = fstat(directory.fd().map_err(unreadable)?).map_err(unreadable)?;
                if Stamp::of(&now) != Some(*stamp) {
                    return Ok(false);
                }
            }
            How::Listed(listing) if start == 0 => {
                if !list(&mut directory, path)?.is(listing) {
                    return Ok(false);
                }
                // It may have been another in between.
                touched.folders.push(path.clone());
            }
            How::Listed(_) | How::Apart => {}
        }
        let fd = directory.fd().map_err(unreadable)?;
        let known = self.index.directory(path);
        let first = folder.files.at(start).map_or(&b""[..], |file| file.name);
        let mut known = known.from(first);
        for file in (start..folder.files.len())
            .take(CHUNK)
            .filter_map(|at| folder.files.at(at))
        {
            let looked = looker.look(fd, path, file.name, known.find(file.name))?;
            let Some(looked) = looked.filter(|looked| looked.kind == *file.kind) else {
                return Ok(false);
            };
            if looked.read {
                touched.files.push(join(path, file.name));
            }
        }
        Ok(true)
    }
}
