//! What a git repository says of the files in it: what it tracks, and what it excludes apart from
//! its `.gitignore` files. Reads git's own files; runs nothing and changes nothing.

use std::{
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::digest::hex;

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
    // Invariant: ascending offsets into `names`, one more than there are paths.
    ends: Vec<usize>,
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

    /// Returns the text of `info/exclude`, which all work trees of the repository share.
    pub(super) fn excludes(&self) -> Vec<u8> {
        let common = fs::read(self.directory.join("commondir")).map_or_else(
            |_| self.directory.clone(),
            |text| {
                self.directory
                    .join(std::ffi::OsStr::from_bytes(text.trim_ascii_end()))
            },
        );
        fs::read(common.join("info/exclude")).unwrap_or_default()
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

    fn tracked(&self) -> Result<&Tracked, String> {
        self.tracked
            .get_or_init(|| self.read_index())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn read_index(&self) -> Result<Tracked, String> {
        let mut names = self.names_of("index")?;
        names.sort_unstable();
        names.dedup();
        let mut tracked = Tracked {
            names: Vec::new(),
            ends: vec![0],
        };
        for name in names {
            tracked.names.extend_from_slice(&name);
            tracked.ends.push(tracked.names.len());
        }
        Ok(tracked)
    }

    fn names_of(&self, file: &str) -> Result<Vec<Vec<u8>>, String> {
        let bytes = match fs::read(self.directory.join(file)) {
            Ok(bytes) => bytes,
            // A repository in which nothing was ever added.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("git's index cannot be read: {error}")),
        };
        // The length of a hash is not in the file; a wrong guess does not fit.
        let (mut names, shared) = parse(&bytes, 20)
            .or_else(|| parse(&bytes, 32))
            .ok_or("git's index is damaged, or of a version that is not known")?;
        if let Some(shared) = shared
            && file == "index"
        {
            names.extend(self.names_of(&format!("sharedindex.{shared}"))?);
        }
        Ok(names)
    }
}

impl Tracked {
    fn get(&self, at: usize) -> Option<&[u8]> {
        self.names.get(*self.ends.get(at)?..*self.ends.get(at + 1)?)
    }

    fn first_not_before(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len().saturating_sub(1));
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

/// Reads the names in an index of version 2, 3 or 4 whose hashes have this length, and the hash of
/// the index it shares entries with.
fn parse(bytes: &[u8], hash: usize) -> Option<(Vec<Vec<u8>>, Option<String>)> {
    let body = bytes.get(..bytes.len().checked_sub(hash)?)?;
    let number = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let version = number(4)?;
    if !body.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let count = usize::try_from(number(8)?).ok()?;
    let mut names: Vec<Vec<u8>> = Vec::with_capacity(count.min(body.len() / 60));
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
        let mut name = Vec::new();
        if version == 4 {
            let stripped = offset(body, &mut at)?;
            let previous = names.last().map_or(&[][..], Vec::as_slice);
            name.extend_from_slice(previous.get(..previous.len().checked_sub(stripped)?)?);
        }
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
        names.push(name);
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
    Some((names, shared))
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
