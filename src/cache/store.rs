//! The results of gates, by their keys.
//!
//! A folder that may be read and written by many processes at once, copied, shared by all checkouts
//! on a machine, damaged, or deleted at any time. Whatever is wrong with it is a miss: it makes a
//! run slower and never changes a verdict. Only passes are kept. No entry holds an absolute path,
//! or the value of a variable.
//!
//! In the folder: `v1/records/ab/KEY`, a line with the SHA-256 of the rest and then JSON;
//! `v1/blobs/ab/DIGEST`, the outputs and the manifests; `v1/unkept/ab/KEY`, why a pass was not kept;
//! `v1/locks/KEY`, with the process that holds it; `v1/stats/…`, the stat indices; `v1/salt`, which
//! hides the values of variables; `v1/sweep`, held shared by whoever stores and alone by whoever
//! clears away.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File},
    io::{self, BufWriter, Read as _, Write},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Action, Digest, Limits, Makes, Output, Tree, manifest,
    outputs::{Finder, digest_of},
    own,
    past::ActionRecord,
};

const FORMAT: u32 = 1;
/// No entry is as long, whatever its gate has made.
const LONGEST_ENTRY: u64 = 256 << 20;
/// Nor is the reason why a pass was not kept.
const LONGEST_REASON: u64 = 1 << 16;

/// What could not be done to a store, and why. A warning: nothing that a verdict hangs on.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} `{}`: {reason}", path.display())]
pub struct StoreError {
    verb: &'static str,
    path: PathBuf,
    reason: io::Error,
}

impl StoreError {
    pub(super) fn of(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |reason| Self { verb, path, reason }
    }
}

/// A store of results. Opening one touches nothing.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    pub(super) limits: Limits,
    // Whether anything in it may change.
    pub(super) writes: bool,
}

/// How a gate ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The name of the gate.
    pub gate: String,
    /// The exit code; what ended on a signal has none.
    pub exit_code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// When it started.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
}

/// A pass that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Digest,
    /// The name that the gate had then.
    pub gate: String,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// When it started, to the millisecond.
    pub started: SystemTime,
    /// How long it took, to the millisecond.
    pub duration: Duration,
    /// What it made.
    pub outputs: Vec<Output>,
}

/// What a store has for a key.
#[derive(Debug)]
pub enum Lookup {
    /// The result of the same work.
    Hit(Box<Record>),
    /// Nothing.
    Miss,
    /// An entry that can't be used. Treat it as a miss and say why.
    Damaged(String),
}

/// Whether a result was kept.
#[derive(Debug)]
#[must_use]
pub enum Kept {
    /// It was.
    Stored,
    /// It is not a pass.
    NotAPass,
    /// The store could not take it. Say why; the verdict stands.
    Failed(StoreError),
    /// What it made can't be kept, for the reason given; so neither is the pass.
    Unkept(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    format: u32,
    pub(super) key: Digest,
    pub(super) gate: String,
    stdout: BlobEntry,
    stderr: BlobEntry,
    pub(super) started_ms: u64,
    duration_ms: u64,
    pub(super) action: ActionRecord,
    pub(super) manifest: BlobEntry,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Output>,
}

impl Entry {
    /// Reads the entry in this file: nothing if there is none, or what is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match own::read(path, LONGEST_ENTRY) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("the entry cannot be read: {error}")),
        };
        let damaged = || "the entry is damaged".to_owned();
        let (sum, json) = bytes.split_at_checked(65).ok_or_else(damaged)?;
        if sum.strip_suffix(b"\n") != Some(&Digest::of(json).to_hex()) {
            return Err(damaged());
        }
        let entry: Self = serde_json::from_slice(json).map_err(|_| damaged())?;
        if entry.format != FORMAT {
            return Err("the entry has another format".to_owned());
        }
        Ok(Some(entry))
    }

    pub(super) fn all_blobs(&self) -> impl Iterator<Item = BlobEntry> {
        let made = self.outputs.iter().filter_map(Output::blob);
        [self.stdout, self.stderr, self.manifest]
            .into_iter()
            .chain(made)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobEntry {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl BlobEntry {
    /// Returns whether there is nothing to be stored.
    pub(super) fn is_empty(self) -> bool {
        self.size == 0 && self.digest == Digest::of(b"")
    }
}

/// Returns where the store is unless the user says otherwise: `FACTORY_CACHE_DIR`, else `factory`
/// in `XDG_CACHE_HOME`, else in `HOME/.cache`. A variable that is empty or no absolute path does
/// not count, but for the first, which may be relative.
pub fn default_dir(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| {
        env(name)
            .map(PathBuf::from)
            .filter(|path| !path.as_os_str().is_empty())
    };
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    path("FACTORY_CACHE_DIR")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|cache| cache.join("factory")))
        .or_else(|| absolute("HOME").map(|home| home.join(".cache/factory")))
}

impl Store {
    /// Returns the store in this folder, which is made when something is stored.
    pub fn open(folder: impl AsRef<Path>) -> Self {
        Self {
            folder: folder.as_ref().join("v1"),
            limits: Limits::default(),
            writes: true,
        }
    }

    /// Returns the store for someone who looks, and changes nothing in it.
    #[must_use]
    pub const fn only_looking(mut self) -> Self {
        self.writes = false;
        self
    }

    /// Returns whether anything in it may change.
    pub const fn writes(&self) -> bool {
        self.writes
    }

    /// Returns the store with other limits than the usual ones; it keeps within them by itself.
    #[must_use]
    pub const fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the file for the stat index of the project in `root`.
    pub fn stat_index(&self, root: &Path) -> PathBuf {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let name = Digest::of(root.as_os_str().as_encoded_bytes());
        self.folder.join("stats").join(name.to_string())
    }

    /// Returns what is stored for a key, with every byte of it checked.
    pub fn get(&self, key: &Digest) -> Lookup {
        match self.look_up(key) {
            // Its outputs may have been swept away between two reads, and be back by now.
            Lookup::Damaged(_) => self.look_up(key),
            found @ (Lookup::Hit(_) | Lookup::Miss) => found,
        }
    }

    fn look_up(&self, key: &Digest) -> Lookup {
        let path = self.record_path(key);
        let entry = match Entry::read(&path) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Lookup::Miss,
            Err(reason) => return Lookup::Damaged(reason),
        };
        if entry.key != *key {
            return Lookup::Damaged("the entry is that of another key".to_owned());
        }
        let (stdout, stderr) = match (self.blob(entry.stdout), self.blob(entry.stderr)) {
            (Ok(stdout), Ok(stderr)) => (stdout, stderr),
            // A sweep takes the entry away first and then what belongs to it.
            (Err(_), _) | (_, Err(_)) if !path.exists() => return Lookup::Miss,
            (Err(reason), _) | (_, Err(reason)) => return Lookup::Damaged(reason),
        };
        Lookup::Hit(Box::new(Record {
            key: entry.key,
            gate: entry.gate,
            stdout,
            stderr,
            started: UNIX_EPOCH + Duration::from_millis(entry.started_ms),
            duration: Duration::from_millis(entry.duration_ms),
            outputs: entry.outputs,
        }))
    }

    /// Marks a result as used, so that it is not the next to go. One that can't be marked only looks
    /// older than it is.
    pub fn mark_used(&self, key: &Digest) {
        if let Ok(file) = own::open(&self.record_path(key)) {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Notes why a pass was not kept, for whoever asks.
    pub fn note_unkept(&self, key: &Digest, started: SystemTime, reason: &str) {
        if self.writes {
            let started_ms = milliseconds(started.duration_since(UNIX_EPOCH).unwrap_or_default());
            let reason = reason.to_owned();
            let unkept = Unkept { started_ms, reason };
            // One that can't be written is not told of.
            let text = serde_json::to_vec(&unkept).unwrap_or_default();
            let _ = self.write(&self.unkept_path(key), &text);
        }
    }

    /// Returns when a pass was reached that was not kept, and why it was not.
    pub fn unkept(&self, key: &Digest) -> Option<(SystemTime, String)> {
        let text = own::read(&self.unkept_path(key), LONGEST_REASON).ok()?;
        let unkept: Unkept = serde_json::from_slice(&text).ok()?;
        let started = UNIX_EPOCH.checked_add(Duration::from_millis(unkept.started_ms))?;
        Some((started, unkept.reason))
    }

    /// Keeps how a gate ended and what it made, if that is a pass: it exited, and with 0. Now and
    /// then takes away what the limits do not allow.
    pub fn put(&self, action: &Action, outcome: &Outcome, makes: Option<Makes<'_>>) -> Kept {
        if outcome.exit_code != Some(0) {
            return Kept::NotAPass;
        }
        match self.store(action, outcome, makes) {
            Ok(kept @ Kept::Stored) => {
                let _ = fs::remove_file(self.unkept_path(&action.key()));
                self.tidy();
                kept
            }
            Ok(kept) => kept,
            Err(error) => Kept::Failed(error),
        }
    }

    /// Keeps sweeps away until the file is dropped. Nothing in a folder that can't be written.
    pub(super) fn hold(&self) -> Option<File> {
        let sweep = self.sweep_file().ok()?;
        sweep.lock_shared().ok().map(|()| sweep)
    }

    fn store(
        &self,
        action: &Action,
        outcome: &Outcome,
        makes: Option<Makes<'_>>,
    ) -> Result<Kept, StoreError> {
        make_folder(&self.folder)?;
        let sweep = self.sweep_file()?;
        sweep
            .lock_shared()
            .map_err(StoreError::of("lock", &self.folder.join("sweep")))?;
        let salt = self.salt()?;
        let outputs = match makes.map(|makes| self.keep_outputs(&makes)) {
            None => Vec::new(),
            Some(Ok(outputs)) => outputs,
            Some(Err(reason)) => return Ok(Kept::Unkept(reason)),
        };
        let entry = Entry {
            format: FORMAT,
            key: action.key(),
            gate: outcome.gate.clone(),
            stdout: self.put_blob(&outcome.stdout)?,
            stderr: self.put_blob(&outcome.stderr)?,
            started_ms: milliseconds(
                outcome
                    .started
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
            duration_ms: milliseconds(outcome.duration),
            action: ActionRecord::of(action, &salt),
            manifest: self.put_manifest(&action.inputs)?,
            outputs,
        };
        let path = self.record_path(&entry.key);
        let json = serde_json::to_vec_pretty(&entry)
            .map_err(|error| StoreError::of("write", &path)(error.into()))?;
        let mut bytes = Digest::of(&json).to_hex().to_vec();
        bytes.push(b'\n');
        bytes.extend_from_slice(&json);
        self.write(&path, &bytes)?;
        self.note_growth(entry.all_blobs().map(|blob| blob.size).sum());
        Ok(Kept::Stored)
    }

    /// Reads a blob and checks it.
    pub(super) fn blob(&self, blob: BlobEntry) -> Result<Vec<u8>, String> {
        if blob.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = own::read(&self.blob_path(&blob.digest), blob.size)
            .map_err(|error| format!("a stored output cannot be read: {error}"))?;
        if bytes.len() as u64 != blob.size || Digest::of(&bytes) != blob.digest {
            return Err("a stored output is damaged".to_owned());
        }
        Ok(bytes)
    }

    /// Checks a blob that may be too long to be held at once.
    pub(super) fn check_blob(&self, blob: BlobEntry) -> Result<(), String> {
        if blob.is_empty() {
            return Ok(());
        }
        let checked = own::open(&self.blob_path(&blob.digest))
            .and_then(|mut file| digest_of(&mut file, |_| Ok(())));
        match checked {
            Ok(found) if found == (blob.digest, blob.size) => Ok(()),
            Ok(_) => Err("a stored output is damaged".to_owned()),
            Err(error) => Err(format!("a stored output cannot be read: {error}")),
        }
    }

    /// Keeps the content of a file that may be too long to be held at once, unless `finder` finds
    /// something in it.
    pub(super) fn put_file(
        &self,
        mut file: File,
        finder: &mut Finder<'_>,
    ) -> Result<BlobEntry, StoreError> {
        self.put_written(|temporary| {
            let found = digest_of(&mut file, |bytes| {
                finder.read(bytes);
                temporary.write_all(bytes)
            })?;
            Ok((found, finder.found().is_none()))
        })
    }

    /// Keeps the bytes of a tree.
    fn put_manifest(&self, tree: &Tree) -> Result<BlobEntry, StoreError> {
        self.put_written(|temporary| {
            let mut counted = Counted::new(temporary);
            manifest::write(tree, &mut BufWriter::with_capacity(64 << 10, &mut counted))?;
            Ok((counted.finish(), true))
        })
    }

    /// Keeps what `write` writes, which may be too long to be held at once, and returns with its digest and
    /// size; unless it says that this is not wanted after all.
    fn put_written(
        &self,
        write: impl FnOnce(&mut File) -> io::Result<((Digest, u64), bool)>,
    ) -> Result<BlobEntry, StoreError> {
        let folder = self.folder.join("blobs");
        make_folder(&folder)?;
        let written = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&folder)
            .and_then(|mut temporary| {
                let written = write(temporary.as_file_mut())?;
                Ok((temporary, written))
            });
        let (temporary, ((digest, size), is_wanted)) =
            written.map_err(StoreError::of("write", &folder))?;
        let blob = BlobEntry { digest, size };
        // One that is there and damaged is put right.
        if is_wanted && self.check_blob(blob).is_err() {
            let path = self.blob_path(&digest);
            make_folder(path.parent().unwrap_or(&folder))?;
            temporary
                .persist(&path)
                .map_err(|error| StoreError::of("write", &path)(error.error))?;
        }
        Ok(blob)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobEntry, StoreError> {
        let blob = BlobEntry {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
        };
        // One that is there and damaged is put right.
        if self.blob(blob).is_err() {
            self.write(&self.blob_path(&blob.digest), bytes)?;
        }
        Ok(blob)
    }

    /// Writes a file as a whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let folder = path.parent().unwrap_or(&self.folder);
        make_folder(folder)?;
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(folder)
            .and_then(|mut temporary| {
                temporary.write_all(bytes)?;
                temporary.persist(path).map_err(io::Error::from)
            })
            .map(drop)
            .map_err(StoreError::of("write", path))
    }

    pub(super) fn sweep_file(&self) -> Result<File, StoreError> {
        let path = self.folder.join("sweep");
        own::open_to_append(&path).map_err(StoreError::of("open", &path))
    }

    pub(super) fn read_salt(&self) -> Option<[u8; 32]> {
        own::read(&self.folder.join("salt"), 32)
            .ok()?
            .try_into()
            .ok()
    }

    /// Returns a hash of `value` that tells nobody what it is: it is keyed with what only this store
    /// has. In a folder that can't be written it is another one every time.
    pub fn hide(&self, value: &[u8]) -> Digest {
        let salt = if self.writes {
            make_folder(&self.folder).and_then(|()| self.salt())
        } else {
            self.read_salt().map_or_else(random, Ok)
        };
        let salt = salt.or_else(|_| random());
        salt.map_or_else(
            // Without any randomness nothing is ever the same again.
            |_| Digest::of(format!("{:?} {}", SystemTime::now(), std::process::id())),
            |salt| Digest::of([&salt[..], value].concat()),
        )
    }

    fn salt(&self) -> Result<[u8; 32], StoreError> {
        if let Some(salt) = self.read_salt() {
            return Ok(salt);
        }
        let path = self.folder.join("salt");
        let salt = random()?;
        self.write(&path, &salt)?;
        // Another process may have been later: what is there now counts for both.
        Ok(self.read_salt().unwrap_or(salt))
    }

    /// Makes the folder, if this store writes. One in the project is then there before anybody looks, and
    /// changes nothing by coming; where it can't be made, whoever needs it says so.
    pub fn prepare(&self) {
        if self.writes() {
            let _ = make_folder(&self.folder);
        }
    }

    /// Returns the folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the limits that it keeps within.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn record_path(&self, key: &Digest) -> PathBuf {
        self.named("records", key)
    }

    fn unkept_path(&self, key: &Digest) -> PathBuf {
        self.named("unkept", key)
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.named("blobs", digest)
    }

    // All in one folder: file systems find a name among many, and to make a folder takes longer than to
    // write what is kept.
    fn named(&self, kind: &str, digest: &Digest) -> PathBuf {
        let mut path = self.folder.join(kind);
        path.push(digest.to_string());
        path
    }
}

/// Writes on, and knows the digest and the size of all that was written.
struct Counted<W> {
    to: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Counted<W> {
    fn new(to: W) -> Self {
        Self {
            to,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> (Digest, u64) {
        (Digest::from_bytes(self.hasher.finalize().into()), self.size)
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Why a pass was not kept.
#[derive(Debug, Serialize, Deserialize)]
struct Unkept {
    started_ms: u64,
    reason: String,
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(StoreError::of("read", Path::new("/dev/urandom")))?;
    Ok(bytes)
}

/// What the names of files begin with that are not finished.
pub(super) const TEMPORARY: &str = ".tmp";

/// Makes a folder that is its owner's business, with those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    // Outputs of gates are their owner's business.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(StoreError::of("make", folder))
}
