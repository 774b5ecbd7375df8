//! What a gate makes: found in its folder, kept with its pass, put back when that is replayed.
//!
//! Nothing outside of the root is read or written: no link on the way to an output is followed, and
//! what stands in the way of one is left alone. Nothing is ever deleted but what a replay that was
//! killed has left of its own.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, Dir, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat, readlinkat, renameat,
        symlinkat, unlinkat,
    },
    io::Errno,
    process::{Pid, test_kill_process},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Digest, InputSelection, ShownPath, Store, digest::hex, folder::join, own, selection::Selector,
    store::BlobEntry,
};
use crate::boundary::{Entry, PathPattern};

/// One thing that a gate has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The path below the root, as bytes.
    #[serde(with = "as_text")]
    pub path: Vec<u8>,
    /// What it is.
    #[serde(flatten)]
    pub(super) made: Made,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(super) enum Made {
    /// A file, with its permissions.
    File {
        #[serde(flatten)]
        blob: BlobEntry,
        mode: u32,
    },
    /// A symbolic link.
    Link {
        #[serde(with = "as_text")]
        text: Vec<u8>,
    },
    /// A folder of which all is kept, with its permissions.
    Folder { mode: u32 },
}

impl Output {
    pub(super) const fn blob(&self) -> Option<BlobEntry> {
        match &self.made {
            Made::File { blob, .. } => Some(*blob),
            Made::Link { .. } | Made::Folder { .. } => None,
        }
    }
}

/// Where a gate makes what.
#[derive(Debug, Clone, Copy)]
pub struct Makes<'a> {
    /// The folder that it runs in.
    pub root: &'a Path,
    /// What of it is kept.
    pub outputs: &'a [Entry<PathPattern>],
    /// What must not be in it: values, with the names of their variables.
    pub secrets: &'a [(String, Vec<u8>)],
}

/// What the name of a file begins with that is being put back; then comes the process that does so.
const ASIDE: &str = ".factory-put-back-";
/// The permissions that are kept: never those that make a program run as someone else.
const PERMISSIONS: u32 = 0o777;
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Makes<'_> {
    /// Returns the patterns that none of these outputs answers to.
    pub fn unmatched(&self, outputs: &[Output]) -> Vec<&Entry<PathPattern>> {
        let gives = |entry: &Entry<PathPattern>| {
            outputs.iter().any(|output| {
                let path = String::from_utf8_lossy(&output.path);
                // A folder of which all is kept is named by what is in it.
                let below = matches!(output.made, Made::Folder { .. }).then(|| format!("{path}/x"));
                entry.gives(below.as_deref().unwrap_or(&path))
            })
        };
        self.outputs.iter().filter(|entry| !gives(entry)).collect()
    }

    /// Returns the paths of all outputs that are there now, with what each of them is. With `cleans`
    /// what a replay that was killed has left goes.
    fn found(&self, cleans: bool) -> Result<BTreeMap<Vec<u8>, FileType>, String> {
        let mut found = BTreeMap::new();
        if self.outputs.is_empty() {
            return Ok(found);
        }
        let selection = InputSelection {
            patterns: Some(self.outputs.to_vec()),
            ..InputSelection::default()
        };
        let selector = Selector::new([&selection]);
        let root = self.open_root()?;
        let mut ahead = vec![(Vec::new(), selector.root())];
        while let Some((folder, reaches)) = ahead.pop() {
            let at = if folder.is_empty() { b"." } else { &folder[..] };
            let opened = match openat(&root, at, FOLDER, Mode::empty()) {
                Ok(opened) => opened,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(error) => return Err(unreadable(&folder, error)),
            };
            let entries = Dir::new(opened).map_err(|error| unreadable(&folder, error))?;
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&folder, error))?;
                let name = entry.file_name().to_bytes();
                if matches!(name, b"." | b".." | b".git") {
                    continue;
                }
                let path = join(&folder, name).into_vec();
                if let Some(process) = name.strip_prefix(ASIDE.as_bytes()) {
                    if cleans && is_over(process) {
                        let _ = unlinkat(&root, &path[..], AtFlags::empty());
                    }
                    continue;
                }
                let kind = match entry.file_type() {
                    FileType::Unknown => {
                        match rustix::fs::statat(&root, &path[..], AtFlags::SYMLINK_NOFOLLOW) {
                            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                            Err(Errno::NOENT) => continue,
                            Err(error) => return Err(unreadable(&path, error)),
                        }
                    }
                    known => known,
                };
                if kind == FileType::Directory {
                    if let Some(reaches) = selector.below(&path, &reaches) {
                        if reaches.iter().all(|reach| reach.is_everything()) {
                            found.insert(path.clone(), kind);
                        }
                        ahead.push((path, reaches));
                    }
                } else if selector.select(&path, &reaches) != 0 {
                    found.insert(path, kind);
                } else if kind == FileType::Symlink && selector.is_behind(&path) {
                    let path = ShownPath(&path);
                    return Err(format!(
                        "`{path}` is a link, and what is behind it is no output"
                    ));
                }
            }
        }
        Ok(found)
    }

    fn open_root(&self) -> Result<OwnedFd, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(self.root, flags, Mode::empty()).map_err(|error| unreadable(b".", error))
    }
}

impl Store {
    /// Keeps all outputs that are there. The caller holds sweeps away until they belong to a record.
    pub(super) fn keep_outputs(&self, makes: &Makes<'_>) -> Result<Vec<Output>, String> {
        let found = makes.found(true)?;
        let root = makes.open_root()?;
        let mut outputs = Vec::with_capacity(found.len());
        for (path, kind) in found {
            let (folder, name) = parent(root.as_fd(), &path, Folders::AreThere)?;
            let failed = |error: Errno| unreadable(&path, error);
            let mut finder = Finder::new(makes.secrets);
            finder.read(&path);
            if let Some(name) = finder.found() {
                return Err(format!("the name of an output shows the value of `{name}`"));
            }
            finder.forget();
            let made = match kind {
                FileType::RegularFile => {
                    let file = openat(&folder, name, FILE, Mode::empty()).map_err(failed)?;
                    let mode = fstat(&file).map_err(failed)?.st_mode & PERMISSIONS;
                    let blob = self
                        .put_file(File::from(file), &mut finder)
                        .map_err(|error| error.to_string())?;
                    Made::File { blob, mode }
                }
                FileType::Symlink => {
                    let text = readlinkat(&folder, name, Vec::new()).map_err(failed)?;
                    finder.read(text.as_bytes());
                    let text = text.into_bytes();
                    Made::Link { text }
                }
                FileType::Directory => {
                    let folder = openat(&folder, name, FOLDER, Mode::empty()).map_err(failed)?;
                    let mode = fstat(&folder).map_err(failed)?.st_mode & PERMISSIONS;
                    Made::Folder { mode }
                }
                _ => return Err(format!("the output `{}` is no file", ShownPath(&path))),
            };
            if let Some(name) = finder.found() {
                let path = ShownPath(&path);
                return Err(format!("the output `{path}` shows the value of `{name}`"));
            }
            outputs.push(Output { path, made });
        }
        Ok(outputs)
    }

    /// Makes the outputs what they were when they were kept. Returns whether something had to be
    /// written.
    ///
    /// # Errors
    ///
    /// The reason why that can't be done, in words: something in the store is damaged, something
    /// stands in the way, or there are outputs that were not made then. Some may have been put back.
    pub fn put_back(&self, outputs: &[Output], makes: &Makes<'_>) -> Result<bool, String> {
        let missing = self.missing(outputs, makes, true)?;
        let root = makes.open_root()?;
        for output in &missing {
            self.make_again(root.as_fd(), output)?;
        }
        // What is in a folder may not be made once it has its permissions.
        for output in missing.iter().rev() {
            if let Made::Folder { mode } = output.made {
                give_mode(root.as_fd(), &output.path, mode)?;
            }
        }
        Ok(!missing.is_empty())
    }

    /// Returns whether something would have to be written to make the outputs what they were; as
    /// [`Self::put_back`], and changes nothing.
    ///
    /// # Errors
    ///
    /// The reason why it is plain that this can't be done.
    pub fn would_put_back(&self, outputs: &[Output], makes: &Makes<'_>) -> Result<bool, String> {
        self.missing(outputs, makes, false)
            .map(|missing| !missing.is_empty())
    }

    fn missing<'o>(
        &self,
        outputs: &'o [Output],
        makes: &Makes<'_>,
        cleans: bool,
    ) -> Result<Vec<&'o Output>, String> {
        let found = makes.found(cleans)?;
        let known: BTreeMap<&[u8], &Made> = outputs
            .iter()
            .map(|output| (&output.path[..], &output.made))
            .collect();
        // An empty folder more is no input of anything, and none the less.
        let is_more = |(path, kind): &(&Vec<u8>, &FileType)| {
            **kind != FileType::Directory && !known.contains_key(&path[..])
        };
        if let Some((more, _)) = found.iter().find(is_more) {
            return Err(format!(
                "`{}` is none of the outputs that it had then",
                ShownPath(more)
            ));
        }
        let root = makes.open_root()?;
        let mut missing = Vec::new();
        for output in outputs {
            if !is_as_made(root.as_fd(), output)? {
                if let Made::File { blob, .. } = output.made {
                    self.check_blob(blob)?;
                }
                missing.push(output);
            }
        }
        Ok(missing)
    }

    fn make_again(&self, root: BorrowedFd<'_>, output: &Output) -> Result<(), String> {
        let (folder, name) = parent(root, &output.path, Folders::AreMade)?;
        let failed =
            |error: io::Error| format!("`{}` can't be put back: {error}", ShownPath(&output.path));
        let aside = format!("{ASIDE}{}", std::process::id());
        let gone = || {
            let _ = unlinkat(&folder, aside.as_str(), AtFlags::empty());
        };
        gone();
        let made = match &output.made {
            Made::Link { text } => {
                symlinkat(OsStr::from_bytes(text), &folder, aside.as_str()).map_err(io::Error::from)
            }
            Made::File { blob, mode } => self.copy_out(*blob, *mode, folder.as_fd(), &aside),
            Made::Folder { .. } => {
                return match mkdirat(&folder, name, Mode::from_raw_mode(0o700)) {
                    Ok(()) | Err(Errno::EXIST) => Ok(()),
                    Err(error) => Err(failed(error.into())),
                };
            }
        };
        let placed = made.and_then(|()| {
            renameat(&folder, aside.as_str(), &folder, name).map_err(io::Error::from)
        });
        placed.map_err(|error| {
            gone();
            failed(error)
        })
    }

    fn copy_out(
        &self,
        blob: BlobEntry,
        mode: u32,
        folder: BorrowedFd<'_>,
        name: &str,
    ) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
        let mut to = File::from(to);
        if !blob.is_empty() {
            let mut from = own::open(&self.blob_path(&blob.digest))?;
            if digest_of(&mut from, |bytes| to.write_all(bytes))?.0 != blob.digest {
                return Err(io::Error::other("a stored output is damaged"));
            }
        }
        Ok(fchmod(&to, Mode::from_raw_mode(mode & PERMISSIONS))?)
    }
}

/// Returns whether the process with this number is no more, or is this one, which puts nothing back now.
fn is_over(process: &[u8]) -> bool {
    let number = std::str::from_utf8(process)
        .ok()
        .and_then(|text| text.parse().ok());
    let Some(process) = number.and_then(Pid::from_raw) else {
        return true;
    };
    process == rustix::process::getpid() || test_kill_process(process) == Err(Errno::SRCH)
}

/// Gives a folder its permissions.
fn give_mode(root: BorrowedFd<'_>, path: &[u8], mode: u32) -> Result<(), String> {
    let failed = |error: Errno| {
        let error = io::Error::from(error);
        format!("`{}` can't be put back: {error}", ShownPath(path))
    };
    let (folder, name) = parent(root, path, Folders::AreThere)?;
    let folder = openat(&folder, name, FOLDER, Mode::empty()).map_err(failed)?;
    fchmod(&folder, Mode::from_raw_mode(mode & PERMISSIONS)).map_err(failed)
}

/// Looks for values in bytes that come piece by piece.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    wanted: &'a [(String, Vec<u8>)],
    // The end of what was read: a value may begin in it.
    tail: Vec<u8>,
    found: Option<&'a str>,
}

impl<'a> Finder<'a> {
    pub(super) const fn new(wanted: &'a [(String, Vec<u8>)]) -> Self {
        Self {
            wanted,
            tail: Vec::new(),
            found: None,
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        let longest = self.wanted.iter().map(|(_, value)| value.len()).max();
        let Some(longest) = longest.filter(|_| self.found.is_none()) else {
            return;
        };
        self.tail.extend_from_slice(bytes);
        let holds = |(_, value): &&(String, Vec<u8>)| holds(&self.tail, value);
        self.found = self
            .wanted
            .iter()
            .find(holds)
            .map(|(name, _)| name.as_str());
        let over = self.tail.len().saturating_sub(longest.saturating_sub(1));
        self.tail.drain(..over);
    }

    /// Begins anew: what comes next does not go on where this ended.
    pub(super) fn forget(&mut self) {
        self.tail.clear();
    }

    /// Returns the name of what was found first.
    pub(super) const fn found(&self) -> Option<&'a str> {
        self.found
    }
}

/// Returns whether `part` is in `bytes`; what is empty is in nothing.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else {
        return false;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(part) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Reads all of `from`, hands it on piece by piece, and returns its digest and its length.
pub(super) fn digest_of(
    from: &mut File,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hasher.update(piece);
        each(piece)?;
        size += count as u64;
    }
    Ok((Digest::from_bytes(hasher.finalize().into()), size))
}

/// Whether folders on the way to an output may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folders {
    AreThere,
    AreMade,
}

/// Opens the folder of an output, going through nothing but folders, and returns it with the name.
fn parent<'p>(
    root: BorrowedFd<'_>,
    path: &'p [u8],
    folders: Folders,
) -> Result<(OwnedFd, &'p OsStr), String> {
    let failed = |error: Errno| unreadable(path, error);
    let mut here = openat(root, ".", FOLDER, Mode::empty()).map_err(failed)?;
    let mut segments = path.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        if matches!(segment, b"" | b"." | b".." | b".git") {
            return Err(format!("`{}` is no place for an output", ShownPath(path)));
        }
        if segments.peek().is_none() {
            return Ok((here, OsStr::from_bytes(segment)));
        }
        let below = match openat(&here, segment, FOLDER, Mode::empty()) {
            Err(Errno::NOENT) if folders == Folders::AreMade => {
                match mkdirat(&here, segment, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => openat(&here, segment, FOLDER, Mode::empty()),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        };
        here = below.map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => {
                format!("what leads to `{}` is no folder", ShownPath(path))
            }
            error => failed(error),
        })?;
    }
    Err(format!("`{}` is no place for an output", ShownPath(path)))
}

/// Returns whether an output is as it was made, without changing anything.
fn is_as_made(root: BorrowedFd<'_>, output: &Output) -> Result<bool, String> {
    let Ok((folder, name)) = parent(root, &output.path, Folders::AreThere) else {
        // It is missing, or something is in the way, which putting it back will tell.
        return Ok(false);
    };
    let failed = |error: io::Error| format!("cannot read `{}`: {error}", ShownPath(&output.path));
    match &output.made {
        Made::Link { text } => match readlinkat(&folder, name, Vec::new()) {
            Ok(now) => Ok(now.as_bytes() == &text[..]),
            Err(_) => Ok(false),
        },
        Made::Folder { mode } => match openat(&folder, name, FOLDER, Mode::empty()) {
            Ok(folder) => {
                let stat = fstat(&folder).map_err(|error| failed(error.into()))?;
                Ok(stat.st_mode & PERMISSIONS == *mode)
            }
            Err(_) => Ok(false),
        },
        Made::File { blob, mode } => {
            let file = match openat(&folder, name, FILE, Mode::empty()) {
                Ok(file) => file,
                Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ACCESS) => return Ok(false),
                Err(error) => return Err(failed(error.into())),
            };
            let stat = fstat(&file).map_err(|error| failed(error.into()))?;
            let same = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
                && stat.st_mode & 0o7777 == *mode
                && u64::try_from(stat.st_size) == Ok(blob.size);
            if !same {
                return Ok(false);
            }
            let (digest, _) = digest_of(&mut File::from(file), |_| Ok(())).map_err(failed)?;
            Ok(digest == blob.digest)
        }
    }
}

fn unreadable(path: &[u8], error: Errno) -> String {
    let error = io::Error::from(error);
    format!("cannot read `{}`: {error}", ShownPath(path))
}

/// Bytes as a text: as they are, or as hexadecimal digits where they are no UTF-8.
mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    const HEX: &str = "hex:";

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with(HEX) => to.serialize_str(text),
            Ok(_) | Err(_) => to.serialize_str(&format!("{HEX}{}", super::hex(bytes))),
        }
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let Some(digits) = text.strip_prefix(HEX) else {
            return Ok(text.into_bytes());
        };
        let pairs = (0..digits.len()).step_by(2);
        let bytes = pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
        bytes
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("no hexadecimal digits"))
    }
}
