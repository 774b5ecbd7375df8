//! What a git repository says of the files in it: what it tracks, and what it excludes apart from
//! its `.gitignore` files. Reads git's own files; runs nothing and changes nothing.

use std::{
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    sync::OnceLock,
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
}

/// The paths that a repository tracks, sorted by their bytes.
#[derive(Debug, Default)]
struct Tracked {
    names: Vec<u8>,
    // Invariant: ascending; where each name in `names` ends.
    ends: Vec<usize>,
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
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the file `info/exclude`, which all work trees of the repository share.
    pub(super) fn excludes(&self) -> PathBuf {
        let common = fs::read(self.directory.join("commondir")).map_or_else(
            |_| self.directory.clone(),
            |text| {
                self.directory
                    .join(std::ffi::OsStr::from_bytes(text.trim_ascii_end()))
            },
        );
        common.join("info/exclude")
    }

    /// Returns whether this path, as seen from the top of the work tree, is tracked.
    pub(super) fn tracks(&self, path: &[u8]) -> Result<bool, String> {
        let tracked = self.tracked()?;
        Ok(tracked.get(tracked.first_not_before(path)) == Some(path))
    }

    /// Returns whether something in this directory is tracked, or the directory itself as a
    /// submodule.
    pub(super) fn tracks_within(&self, path: &[u8]) -> Result<bool, String> {
        let within = [path, b"/"].concat();
        let tracked = self.tracked()?;
        let first = tracked.get(tracked.first_not_before(&within));
        Ok(first.is_some_and(|first| first.starts_with(&within)) || self.tracks(path)?)
    }

    /// Returns whether all that was said of what is tracked is still so.
    pub(super) fn stands(&self) -> bool {
        match self.tracked.get() {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(tracked)) => match tracked.state {
                State::Absent => fs::symlink_metadata(self.index()).is_err(),
                State::Stamped(stamp) => {
                    stat(self.index()).is_ok_and(|now| Stamp::of(&now) == Some(stamp))
                }
                State::Read(digest) => {
                    fs::read(self.index()).is_ok_and(|bytes| Digest::of(bytes) == digest)
                }
            },
        }
    }

    fn index(&self) -> PathBuf {
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

impl Tracked {
    /// Adds what an index holds. Returns the hash of the index it shares entries with.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<String>, String> {
        let before = (self.names.len(), self.ends.len());
        // The length of a hash is not in the file; a wrong guess does not fit.
        for hash in [20, 32] {
            if let Some(shared) = parse(bytes, hash, self) {
                return Ok(shared);
            }
            self.names.truncate(before.0);
            self.ends.truncate(before.1);
        }
        Err("git's index is damaged, or of a version that is not known".to_owned())
    }

    fn add(&mut self, name: &[u8]) {
        self.names.extend_from_slice(name);
        self.ends.push(self.names.len());
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

/// Reads the names in an index of version 2, 3 or 4 whose hashes have this length. Returns the hash
/// of the index it shares entries with.
#[expect(
    clippy::option_option,
    reason = "an index that shares nothing is an index"
)]
fn parse(bytes: &[u8], hash: usize, tracked: &mut Tracked) -> Option<Option<String>> {
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
        at += 40 + hash;
        let flags = u16::from_be_bytes(*body.get(at..)?.first_chunk()?);
        at += if flags & 0x4000 != 0 && version > 2 {
            4
        } else {
            2
        };
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
        tracked.add(&name);
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
