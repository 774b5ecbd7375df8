//! Looks at one thing on the disk: a folder's list, or what is in it under a name.

use std::{
    io,
    ops::Range,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

use super::{
    Digest, Kind, ScanError, ShownPath, Special,
    content::{Reader, Unread},
    folder::join,
    stat_index::{Stamp, StatIndex, file_time},
};

/// How often a thing that keeps changing what it is is looked at.
const TRIES: u32 = 4;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) kind: Kind,
    /// The state of a file that its digest stands for, if that can be trusted later.
    pub(super) stamp: Option<Stamp>,
    /// Whether it was read; else its digest was known.
    pub(super) read: bool,
}

/// Looks at one thing after another.
#[derive(Debug)]
pub(super) struct Looker {
    reader: Option<Reader>,
}

impl Looker {
    pub(super) const fn new() -> Self {
        Self { reader: None }
    }

    /// Looks at one thing that is no directory; there is nothing if it is gone or has become one.
    /// `folder` is the path of the directory, for people; `known` what is known of a file there.
    pub(super) fn look(
        &mut self,
        directory: BorrowedFd<'_>,
        folder: &[u8],
        name: &[u8],
        known: Option<(Stamp, Digest)>,
    ) -> Result<Option<Looked>, ScanError> {
        let failed = |error| unreadable(&join(folder, name), error);
        for _ in 0..TRIES {
            let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(error) => return Err(failed(error)),
            };
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => return Ok(None),
                FileType::RegularFile => {
                    let stamp = Stamp::of(&stat);
                    if let Some((known, digest)) = known
                        && Some(known) == stamp
                    {
                        return Ok(Some(Looked {
                            kind: Kind::File {
                                digest,
                                size: known.size,
                                executable: known.is_executable(),
                            },
                            stamp,
                            read: false,
                        }));
                    }
                    // Before it is read: what changes from now on has a later time.
                    let start = file_time();
                    let reader = self.reader.get_or_insert_with(Reader::new);
                    let content = match reader.read(directory, name, &stat) {
                        Ok(content) => content,
                        Err(Unread::Gone) => continue,
                        Err(Unread::Failed(error)) => return Err(failed(error)),
                        Err(Unread::Unsteady) => {
                            return Err(ScanError::Unreadable {
                                path: ShownPath(&join(folder, name)).to_string(),
                                reason: io::Error::other("it changes while it is read"),
                            });
                        }
                    };
                    let stamp = content.stamp;
                    let executable =
                        stamp.map_or(stat.st_mode & 0o100 != 0, |stamp| stamp.is_executable());
                    return Ok(Some(Looked {
                        kind: Kind::File {
                            digest: content.digest,
                            size: content.size,
                            executable,
                        },
                        stamp: stamp.filter(|stamp| stamp.is_older_than(start)),
                        read: true,
                    }));
                }
                FileType::Symlink => match readlinkat(directory, name, Vec::new()) {
                    Ok(text) => Kind::Link {
                        text: text.into_bytes().into(),
                        dangling: statat(directory, name, AtFlags::empty()).is_err(),
                    },
                    Err(Errno::NOENT | Errno::INVAL) => continue,
                    Err(error) => return Err(failed(error)),
                },
                FileType::Fifo => Kind::Other(Special::Fifo),
                FileType::Socket => Kind::Other(Special::Socket),
                FileType::CharacterDevice => Kind::Other(Special::CharacterDevice),
                FileType::BlockDevice => Kind::Other(Special::BlockDevice),
                FileType::Unknown => Kind::Other(Special::Unknown),
            };
            return Ok(Some(Looked {
                kind,
                stamp: None,
                read: false,
            }));
        }
        Err(failed(Errno::AGAIN))
    }
}

/// What was met at a path, or on the way there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Met {
    /// How much of the path leads to it: less than all where it is a link on the way.
    pub(super) end: usize,
    pub(super) looked: Looked,
}

/// Looks at what is at a path below the root; no link is followed, and one on the way is what is met.
/// With `links_only` all else is not there.
pub(super) fn look_at(
    root: &OwnedFd,
    path: &[u8],
    links_only: bool,
    index: &StatIndex,
    looker: &mut Looker,
) -> Result<Option<Met>, ScanError> {
    let failed = |error| unreadable(path, error);
    let mut opened: Option<OwnedFd> = None;
    let mut start = 0;
    for segment in path.split(|byte| *byte == b'/') {
        if matches!(segment, b"" | b"." | b".." | b".git") {
            return Ok(None);
        }
        let end = start + segment.len();
        let directory = opened.as_ref().map_or(root.as_fd(), |above| above.as_fd());
        let kind = match statat(directory, segment, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            // What no file can be called is not there either.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::INVAL) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        if kind == FileType::Symlink || end == path.len() {
            if links_only && kind != FileType::Symlink {
                return Ok(None);
            }
            let folder = path.get(..start.saturating_sub(1)).unwrap_or_default();
            let is_file = kind == FileType::RegularFile;
            let known = is_file.then(|| index.directory(folder).get(segment));
            let looked = looker.look(directory, folder, segment, known.flatten())?;
            return Ok(looked.map(|looked| Met { end, looked }));
        }
        let below = match openat(directory, segment, FOLDER, Mode::empty()) {
            Ok(below) => below,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        opened = Some(below);
        start = end + 1;
    }
    Ok(None)
}

/// What a directory holds: names and types, sorted by the bytes of the names.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    names: Vec<u8>,
    entries: Vec<(Range<usize>, FileType)>,
}

impl Listing {
    /// Returns the list of these, which are in the order of their names.
    pub(super) fn of(all: &[(&[u8], FileType)]) -> Self {
        let mut names = Vec::with_capacity(all.iter().map(|(name, _)| name.len()).sum());
        let entries = all.iter().map(|(name, kind)| {
            let start = names.len();
            names.extend_from_slice(name);
            (start..names.len(), *kind)
        });
        Self {
            entries: entries.collect(),
            names,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns where each name is, and what has it.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Range<usize>, FileType)> {
        self.entries.iter().map(|(place, kind)| (place, *kind))
    }

    pub(super) fn name(&self, place: &Range<usize>) -> &[u8] {
        self.names.get(place.clone()).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        let found = self
            .entries
            .binary_search_by(|(place, _)| self.name(place).cmp(name));
        found.is_ok()
    }

    /// Returns whether another list says the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        let all = |listing: &Self| {
            let named = listing.entries.iter();
            named
                .map(|(place, kind)| (listing.name(place).to_vec(), *kind))
                .collect::<Vec<_>>()
        };
        self.len() == other.len() && all(self) == all(other)
    }

    /// Returns the names, to which the places stay true.
    pub(super) fn into_names(self) -> Vec<u8> {
        self.names
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens the root, which may be behind a link.
pub(super) fn open_root(root: &Path) -> Result<OwnedFd, ScanError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(root, flags, Mode::empty()).map_err(|error| unreadable(b"", error))
}

/// Opens a directory below the root; nothing if it is gone, or no directory any more.
pub(super) fn open(root: &OwnedFd, path: &[u8]) -> Result<Option<Dir>, ScanError> {
    let at = if path.is_empty() { b"." } else { path };
    let opened = match openat(root, at, FOLDER, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !path.is_empty() => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    let directory = Dir::new(opened).map_err(|error| unreadable(path, error))?;
    Ok(Some(directory))
}

/// Lists what a directory holds.
pub(super) fn list(directory: &mut Dir, path: &[u8]) -> Result<Listing, ScanError> {
    let (mut names, mut entries) = (Vec::new(), Vec::new());
    while let Some(entry) = directory.read() {
        let entry = entry.map_err(|error| unreadable(path, error))?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            let start = names.len();
            names.extend_from_slice(name);
            entries.push((start..names.len(), entry.file_type()));
        }
    }
    let name = |place: &Range<usize>| names.get(place.clone()).unwrap_or_default();
    entries.sort_unstable_by(|a, b| name(&a.0).cmp(name(&b.0)));
    Ok(Listing { names, entries })
}

/// Returns the error of a path that can't be read.
pub(super) fn unreadable(path: &[u8], error: Errno) -> ScanError {
    let path = if path.is_empty() { b"." } else { path };
    ScanError::Unreadable {
        path: ShownPath(path).to_string(),
        reason: error.into(),
    }
}
