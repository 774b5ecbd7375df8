//! What a git repository says of the files in it: what it tracks, and what it excludes apart from
//! its `.gitignore` files. Reads git's own files; runs nothing and changes nothing.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use rustix::fs::stat;

use super::{
    Digest,
    digest::hex,
    stat_index::{Stamp, file_time},
};

/// A repository that some of the scanned files belong to.
#[derive(Debug)]
pub(super) struct Repository {
    directory: PathBuf,
    tracked: OnceLock<Result<Tracked, String>>,
    // What was told before, and whether that holds.
    before: Option<Told>,
    holds: OnceLock<bool>,
    told: Mutex<BTreeMap<Box<[u8]>, bool>>,
}

/// What was told of paths: whether they are tracked, or, with a slash at the end, something in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The state of git's index that tells so; it can be trusted later.
    pub(super) stamp: Stamp,
    pub(super) answers: BTreeMap<Box<[u8]>, bool>,
}

/// Of so many paths it is kept what was told: an index is read in less time than many more.
const MOST_TOLD: usize = 10_000;

/// The paths that a repository tracks, sorted by their bytes.
#[derive(Debug, Default)]
struct Tracked {
    names: Vec<u8>,
    // Invariant: ascending; where each name in `names` ends.
    ends: Vec<usize>,
    // Whether a name stands for all that is in a folder, as in a sparse index; it ends in a slash.
    sparse: bool,
    state: State,
}

/// What git's index was like when it was read.
#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// It was not there.
    #[default]
    Absent,
    /// It was like this, which can be trusted later.
    Stamped(Stamp),
    /// It had this content.
    Read(Digest),
}

/// Returns all paths that git tracks in the work tree at `root`, relative to it; nothing where that is not
/// known, or some path is no text.
pub fn tracked_paths(root: &Path) -> Option<Vec<String>> {
    let repository = Repository::at(&root.join(".git"))?;
    let tracked = repository
        .tracked()
        .ok()
        .filter(|tracked| !tracked.sparse)?;
    let path = |at| {
        let path = str::from_utf8(tracked.get(at)?).ok()?;
        Some(path.to_owned())
    };
    (0..tracked.ends.len()).map(path).collect()
}

impl Repository {
    /// Returns the repository whose work tree has `.git` at `dot_git`, if git would say so.
    pub(super) fn at(dot_git: &Path) -> Option<Self> {
        let directory = if fs::symlink_metadata(dot_git).ok()?.is_file() {
            let text = fs::read(dot_git).ok()?;
            let text = text.strip_prefix(b"gitdir: ")?;
            let text = text.trim_ascii_end();
            dot_git
                .parent()?
                .join(PathBuf::from(std::ffi::OsString::from_vec(text.to_vec())))
        } else {
            dot_git.to_path_buf()
        };
        fs::symlink_metadata(directory.join("HEAD")).ok()?;
        Some(Self::with_directory(directory))
    }

    /// Returns the repository with this git directory.
    pub(super) const fn with_directory(directory: PathBuf) -> Self {
        Self {
            directory,
            tracked: OnceLock::new(),
            before: None,
            holds: OnceLock::new(),
            told: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns the repository, knowing what was told of its paths before.
    pub(super) fn with_told(self, before: Option<Told>) -> Self {
        Self { before, ..self }
    }

    /// Returns what has been told of its paths, if that may be of use later, and whether git's index was read
    /// for it.
    pub(super) fn told(&self) -> Option<(Told, bool)> {
        let read = match self.tracked.get() {
            None => None,
            Some(Ok(tracked)) => match tracked.state {
                State::Stamped(stamp) => Some(stamp),
                State::Absent | State::Read(_) => return None,
            },
            Some(Err(_)) => return None,
        };
        let before = self
            .before
            .as_ref()
            .filter(|_| self.holds.get() == Some(&true));
        let before = before.map(|before| before.stamp);
        let stamp = read.or(before)?;
        let answers = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_one = before.is_none_or(|before| before == stamp);
        (is_of_one && !answers.is_empty() && answers.len() <= MOST_TOLD).then(|| {
            let answers = answers.clone();
            (Told { stamp, answers }, read.is_some())
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the file `info/exclude`, which all work trees of the repository share.
    pub(super) fn excludes(&self) -> PathBuf {
        self.common().join("info/exclude")
    }

    /// Returns the folder that all work trees of the repository share.
    fn common(&self) -> PathBuf {
        fs::read(self.directory.join("commondir")).map_or_else(
            |_| self.directory.clone(),
            |text| {
                self.directory
                    .join(std::ffi::OsStr::from_bytes(text.trim_ascii_end()))
            },
        )
    }

    /// Returns a digest of all that git's commands go by apart from the files of the work tree: where
    /// `HEAD` and every reference lead, what is staged, and how git is set up.
    fn state(&self) -> Result<Digest, String> {
        let mut state = Vec::new();
        let mut add = |name: &Path, bytes: &[u8]| {
            let name = name.as_os_str().as_bytes();
            state.extend_from_slice(Digest::of(name).as_bytes());
            state.extend_from_slice(Digest::of(bytes).as_bytes());
        };
        let mut folders = vec![self.directory.clone(), self.common()];
        folders.dedup();
        for folder in folders {
            let walk = walkdir::WalkDir::new(&folder).sort_by_file_name();
            let counts = |entry: &walkdir::DirEntry| {
                let name = entry.file_name().as_encoded_bytes();
                match entry.depth() {
                    0 => true,
                    1 if entry.file_type().is_dir() => STATE_FOLDERS.contains(&name),
                    1 => STATE_FILES.contains(&name) || name.ends_with(b"HEAD"),
                    _ => true,
                }
            };
            for entry in walk.into_iter().filter_entry(counts) {
                let entry =
                    entry.map_err(|error| format!("git's state cannot be read: {error}"))?;
                if !entry.file_type().is_dir() {
                    let path = entry.path();
                    let bytes = fs::read(path).map_err(|error| {
                        format!("git's state cannot be read: {}: {error}", path.display())
                    })?;
                    add(path.strip_prefix(&folder).unwrap_or(path), &bytes);
                }
            }
        }
        for file in ["/etc/gitconfig"].map(Path::new) {
            add(file, &fs::read(file).unwrap_or_default());
        }
        add(Path::new("index"), &self.staged()?);
        Ok(Digest::of(state))
    }

    /// Returns what is staged as bytes, without the times and numbers that tell whether a file was
    /// touched.
    fn staged(&self) -> Result<Vec<u8>, String> {
        let bytes = match fs::read(self.index()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("git's index cannot be read: {error}")),
        };
        for hash in HASHES {
            let mut staged = Vec::new();
            let parsed = parse(&bytes, hash, |entry| {
                staged.extend_from_slice(Digest::of(entry.name).as_bytes());
                staged.extend_from_slice(&entry.mode);
                staged.extend_from_slice(entry.content);
                staged.extend_from_slice(&entry.flags.to_be_bytes());
                staged.extend_from_slice(&entry.more.to_be_bytes());
            });
            match parsed {
                Some(None) => return Ok(staged),
                // It says of entries elsewhere which of them are gone.
                Some(Some(_)) => return Ok(bytes),
                None => {}
            }
        }
        Err(DAMAGED.to_owned())
    }

    /// Returns whether this path, as seen from the top of the work tree, is tracked.
    pub(super) fn tracks(&self, path: &[u8]) -> Result<bool, String> {
        self.answer(path, |tracked| tracked.tracks(path))
    }

    /// Returns whether something in this directory is tracked, or the directory itself as a
    /// submodule.
    pub(super) fn tracks_within(&self, path: &[u8]) -> Result<bool, String> {
        let within = [path, b"/"].concat();
        self.answer(&within, |tracked| {
            let first = tracked.get(tracked.first_not_before(&within));
            first.is_some_and(|first| first.starts_with(&within)) || tracked.tracks(path)
        })
    }

    fn answer(&self, of: &[u8], look: impl FnOnce(&Tracked) -> bool) -> Result<bool, String> {
        let before = self.before.as_ref().filter(|before| {
            let holds = || self.is_like(&before.stamp);
            *self.holds.get_or_init(holds)
        });
        let answer = match before.and_then(|before| before.answers.get(of)) {
            Some(answer) => *answer,
            None => look(self.tracked()?),
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() <= MOST_TOLD {
            told.insert(of.into(), answer);
        }
        Ok(answer)
    }

    // Whether git's index is in this state.
    fn is_like(&self, stamp: &Stamp) -> bool {
        stat(self.index()).is_ok_and(|now| Stamp::of(&now).as_ref() == Some(stamp))
    }

    /// Returns whether all that was said of what is tracked is still so.
    pub(super) fn stands(&self) -> bool {
        let before = self
            .before
            .as_ref()
            .filter(|_| self.holds.get() == Some(&true));
        if before.is_some_and(|before| !self.is_like(&before.stamp)) {
            return false;
        }
        match self.tracked.get() {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(tracked)) => match tracked.state {
                State::Absent => fs::symlink_metadata(self.index()).is_err(),
                State::Stamped(stamp) => self.is_like(&stamp),
                State::Read(digest) => {
                    fs::read(self.index()).is_ok_and(|bytes| Digest::of(bytes) == digest)
                }
            },
        }
    }

    /// Returns where git's index is.
    pub(super) fn index(&self) -> PathBuf {
        self.directory.join("index")
    }

    fn tracked(&self) -> Result<&Tracked, String> {
        self.tracked
            .get_or_init(|| self.read_index())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn read_index(&self) -> Result<Tracked, String> {
        let cannot = |error: io::Error| format!("git's index cannot be read: {error}");
        let start = file_time();
        let mut bytes = match fs::read(self.index()) {
            Ok(bytes) => bytes,
            // A repository in which nothing was ever added.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tracked::default()),
            Err(error) => return Err(cannot(error)),
        };
        let stamp = stat(self.index()).ok().and_then(|stat| Stamp::of(&stat));
        let is_trusted = |stamp: &Stamp| {
            stamp.is_older_than(start) && usize::try_from(stamp.size).ok() == Some(bytes.len())
        };
        let state = match stamp.filter(is_trusted) {
            Some(stamp) => State::Stamped(stamp),
            None => State::Read(Digest::of(&bytes)),
        };
        let mut tracked = Tracked::default();
        let shared = tracked.read(&bytes)?;
        if let Some(shared) = shared {
            bytes =
                fs::read(self.directory.join(format!("sharedindex.{shared}"))).map_err(cannot)?;
            tracked.read(&bytes)?;
        }
        drop(bytes);
        tracked.sort();
        Ok(Tracked { state, ..tracked })
    }
}

/// What of a git directory git's commands go by: files, besides those whose names end in `HEAD`, and
/// folders.
const STATE_FILES: [&[u8]; 4] = [b"config", b"config.worktree", b"packed-refs", b"shallow"];
const STATE_FOLDERS: [&[u8]; 3] = [b"info", b"refs", b"reftable"];

/// Returns a digest of what git's commands would say in `root` apart from what follows from its files,
/// or why it can't be told; nothing where no repository is.
pub fn state_of_git(root: &Path) -> Option<Result<Digest, String>> {
    let root = root.canonicalize().ok()?;
    let mut found = root
        .ancestors()
        .filter_map(|top| Repository::at(&top.join(".git")));
    found.next().map(|repository| repository.state())
}

impl Tracked {
    /// Adds what an index holds. Returns the hash of the index it shares entries with.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<String>, String> {
        let before = (self.names.len(), self.ends.len());
        // The length of a hash is not in the file; a wrong guess does not fit.
        for hash in HASHES {
            if let Some(shared) = parse(bytes, hash, |entry| self.add(entry.name)) {
                return Ok(shared);
            }
            self.names.truncate(before.0);
            self.ends.truncate(before.1);
        }
        Err(DAMAGED.to_owned())
    }

    fn add(&mut self, name: &[u8]) {
        self.names.extend_from_slice(name);
        self.ends.push(self.names.len());
        self.sparse |= name.ends_with(b"/");
    }

    fn tracks(&self, path: &[u8]) -> bool {
        self.has(path) || self.has_with_its_folder(path)
    }

    fn has(&self, name: &[u8]) -> bool {
        self.get(self.first_not_before(name)) == Some(name)
    }

    fn has_with_its_folder(&self, path: &[u8]) -> bool {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        self.sparse
            && slashes
                .filter_map(|(at, _)| path.get(..=at))
                .any(|folder| self.has(folder))
    }

    /// Sorts the names, where git has not.
    fn sort(&mut self) {
        let names = || (0..self.ends.len()).filter_map(|at| self.get(at));
        if !names().is_sorted() {
            let mut sorted: Vec<&[u8]> = names().collect();
            sorted.sort_unstable();
            let mut all = Self::default();
            for name in sorted {
                all.add(name);
            }
            *self = all;
        }
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let start = at
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.names.get(start..*self.ends.get(at)?)
    }

    fn first_not_before(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(|name| name < path) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// How long hashes can be.
const HASHES: [usize; 2] = [20, 32];
const DAMAGED: &str = "git's index is damaged, or of a version that is not known";

/// What an index says of one path.
#[derive(Debug)]
struct IndexEntry<'a> {
    name: &'a [u8],
    mode: [u8; 4],
    content: &'a [u8],
    // The stage, and what git is told to overlook.
    flags: u16,
    more: u16,
}

/// Reads an index of version 2, 3 or 4 whose hashes have this length, and gives `each` every entry.
/// Returns the hash of the index it shares entries with.
#[expect(
    clippy::option_option,
    reason = "an index that shares nothing is an index"
)]
fn parse(
    bytes: &[u8],
    hash: usize,
    mut each: impl FnMut(&IndexEntry<'_>),
) -> Option<Option<String>> {
    let body = bytes.get(..bytes.len().checked_sub(hash)?)?;
    let number = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let version = number(4)?;
    if !body.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let count = usize::try_from(number(8)?).ok()?;
    let mut name = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let start = at;
        let mode = *body.get(at + 24..)?.first_chunk()?;
        let content = body.get(at + 40..)?.get(..hash)?;
        at += 40 + hash;
        let short = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
        let flags = short(at)?;
        at += 2;
        let mut more = 0;
        if flags & 0x4000 != 0 && version > 2 {
            more = short(at)?;
            at += 2;
        }
        let kept = if version == 4 {
            let stripped = offset(body, &mut at)?;
            name.len().checked_sub(stripped)?
        } else {
            0
        };
        name.truncate(kept);
        let rest = body.get(at..)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(rest.get(..length)?);
        at += length + 1;
        if version < 4 {
            at = start + (at - 1 - start) / 8 * 8 + 8;
        }
        let stated = usize::from(flags & 0x0fff);
        if stated != 0x0fff && stated != name.len() {
            return None;
        }
        each(&IndexEntry {
            name: &name,
            mode,
            content,
            flags: flags & 0xf000,
            more,
        });
    }
    let mut shared = None;
    while at < body.len() {
        let length = usize::try_from(number(at + 4)?).ok()?;
        let data = body.get(at + 8..)?.get(..length)?;
        if body.get(at..at + 4)? == b"link" {
            shared = Some(hex(data.get(..hash)?));
        }
        at += 8 + length;
    }
    Some(shared)
}

/// Reads the number that version 4 writes before a name.
fn offset(body: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0_usize;
    for more in 0..5 {
        let byte = *body.get(*at)?;
        *at += 1;
        if more > 0 {
            value += 1;
        }
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
