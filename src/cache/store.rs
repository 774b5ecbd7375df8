//! The results of gates, by their keys.
//!
//! A folder that may be read and written by many processes at once, copied, shared by all checkouts
//! on a machine, damaged, or deleted at any time. Whatever is wrong with it is a miss: it makes a
//! run slower and never changes a verdict. Only passes are kept. No entry holds an absolute path,
//! or the value of a variable.
//!
//! In the folder: `v1/records/ab/KEY`, a line with the SHA-256 of the rest and then JSON;
//! `v1/blobs/ab/DIGEST`, the outputs and the manifests; `v1/locks/KEY`; `v1/stats/…`, the stat
//! indices; `v1/salt`, which hides the values of variables; `v1/sweep`, held shared by whoever
//! stores and alone by whoever clears away.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{Action, Definition, Diff, Digest, EnvValue, Platform, Tree, manifest};

const FORMAT: u32 = 1;

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
}

/// What an earlier pass was reached on.
#[derive(Debug, Clone)]
pub struct Past {
    /// When it started.
    pub started: SystemTime,
    /// Its key.
    pub key: Digest,
    action: ActionRecord,
    inputs: Tree,
    salt: [u8; 32],
}

/// What is no longer as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The inputs.
    pub inputs: Diff,
    /// The variables, by name.
    pub environment: Vec<String>,
    /// The tools, by name.
    pub tools: Vec<String>,
    /// Whether what the gate does is another thing.
    pub definition: bool,
    /// Whether it was another system or architecture.
    pub platform: bool,
    /// Whether the sealed files are others.
    pub sealed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    format: u32,
    pub(super) key: Digest,
    gate: String,
    stdout: BlobEntry,
    stderr: BlobEntry,
    started_ms: u64,
    duration_ms: u64,
    action: ActionRecord,
    manifest: BlobEntry,
}

impl Entry {
    /// Reads the entry in this file: nothing if there is none, or what is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match fs::read(path) {
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

    pub(super) const fn all_blobs(&self) -> [BlobEntry; 3] {
        [self.stdout, self.stderr, self.manifest]
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct BlobEntry {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// An action without its inputs and without the values of its variables.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ActionRecord {
    definition: Definition,
    environment: BTreeMap<String, Mark>,
    tools: BTreeMap<String, Digest>,
    platform: Platform,
    sealed: Option<Digest>,
}

/// What is kept of a variable: enough to tell whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mark {
    Unset,
    Empty,
    Set(Digest),
}

impl Mark {
    fn of(value: &EnvValue, salt: &[u8; 32]) -> Self {
        match value {
            EnvValue::Unset => Self::Unset,
            EnvValue::Empty => Self::Empty,
            EnvValue::Set(value) => Self::Set(Digest::of([&salt[..], value].concat())),
            EnvValue::Secret(digest) => Self::Set(*digest),
        }
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
        }
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
        touch(&path);
        Lookup::Hit(Box::new(Record {
            key: entry.key,
            gate: entry.gate,
            stdout,
            stderr,
            started: UNIX_EPOCH + Duration::from_millis(entry.started_ms),
            duration: Duration::from_millis(entry.duration_ms),
        }))
    }

    /// Keeps how a gate ended, if that is a pass: it exited, and with 0.
    pub fn put(&self, action: &Action, outcome: &Outcome) -> Kept {
        if outcome.exit_code != Some(0) {
            return Kept::NotAPass;
        }
        match self.store(action, outcome) {
            Ok(()) => Kept::Stored,
            Err(error) => Kept::Failed(error),
        }
    }

    /// Returns the latest pass of a gate with this name, to explain a miss.
    pub fn nearest(&self, gate: &str) -> Option<Past> {
        let mut entries: Vec<Entry> = self
            .files("records")
            .into_iter()
            .filter_map(|file| Entry::read(&file.path).ok().flatten())
            .filter(|entry| entry.gate == gate)
            .collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.started_ms));
        let salt = self.read_salt()?;
        entries.into_iter().find_map(|entry| {
            Some(Past {
                started: UNIX_EPOCH + Duration::from_millis(entry.started_ms),
                key: entry.key,
                inputs: manifest::decode(&self.blob(entry.manifest).ok()?)?,
                action: entry.action,
                salt,
            })
        })
    }

    /// Keeps sweeps away until the file is dropped. Nothing in a folder that can't be written.
    pub(super) fn hold(&self) -> Option<File> {
        let sweep = self.sweep_file().ok()?;
        sweep.lock_shared().ok().map(|()| sweep)
    }

    fn store(&self, action: &Action, outcome: &Outcome) -> Result<(), StoreError> {
        make_folder(&self.folder)?;
        let sweep = self.sweep_file()?;
        sweep
            .lock_shared()
            .map_err(StoreError::of("lock", &self.folder.join("sweep")))?;
        let salt = self.salt()?;
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
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
            action: ActionRecord {
                definition: action.definition.clone(),
                environment: action
                    .environment
                    .iter()
                    .map(|(name, value)| (name.clone(), Mark::of(value, &salt)))
                    .collect(),
                tools: action.tools.clone(),
                platform: action.platform.clone(),
                sealed: action.sealed,
            },
            manifest: self.put_blob(&manifest::encode(&action.inputs))?,
        };
        let path = self.record_path(&entry.key);
        let json = serde_json::to_vec_pretty(&entry)
            .map_err(|error| StoreError::of("write", &path)(error.into()))?;
        let mut bytes = Digest::of(&json).to_hex().to_vec();
        bytes.push(b'\n');
        bytes.extend_from_slice(&json);
        self.write(&path, &bytes)
    }

    /// Reads a blob and checks it.
    pub(super) fn blob(&self, blob: BlobEntry) -> Result<Vec<u8>, String> {
        if blob.size == 0 && blob.digest == Digest::of(b"") {
            return Ok(Vec::new());
        }
        let bytes = fs::read(self.blob_path(&blob.digest))
            .map_err(|error| format!("a stored output cannot be read: {error}"))?;
        if bytes.len() as u64 != blob.size || Digest::of(&bytes) != blob.digest {
            return Err("a stored output is damaged".to_owned());
        }
        Ok(bytes)
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
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(StoreError::of("open", &path))
    }

    fn read_salt(&self) -> Option<[u8; 32]> {
        fs::read(self.folder.join("salt")).ok()?.try_into().ok()
    }

    fn salt(&self) -> Result<[u8; 32], StoreError> {
        if let Some(salt) = self.read_salt() {
            return Ok(salt);
        }
        let path = self.folder.join("salt");
        let mut salt = [0; 32];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut salt))
            .map_err(StoreError::of("read", Path::new("/dev/urandom")))?;
        self.write(&path, &salt)?;
        // Another process may have been later: what is there now counts for both.
        Ok(self.read_salt().unwrap_or(salt))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn record_path(&self, key: &Digest) -> PathBuf {
        self.sharded("records", key)
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.sharded("blobs", digest)
    }

    fn sharded(&self, kind: &str, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let mut path = self.folder.join(kind);
        path.push(name.get(..2).unwrap_or_default());
        path.push(name);
        path
    }
}

/// What the names of files begin with that are not finished.
pub(super) const TEMPORARY: &str = ".tmp";

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    // Outputs of gates are their owner's business.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(StoreError::of("make", folder))
}

/// Marks an entry as used. One that can't be marked only looks older than it is.
fn touch(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

impl Past {
    /// Returns what is no longer as it was then.
    pub fn differences(&self, now: &Action) -> Differences {
        let marks: BTreeMap<&String, Mark> = now
            .environment
            .iter()
            .map(|(name, value)| (name, Mark::of(value, &self.salt)))
            .collect();
        let then: BTreeMap<&String, Mark> = self
            .action
            .environment
            .iter()
            .map(|(name, mark)| (name, mark.clone()))
            .collect();
        Differences {
            inputs: now.inputs.diff(&self.inputs),
            environment: differing(&then, &marks),
            tools: differing(
                &self.action.tools.iter().collect(),
                &now.tools.iter().collect(),
            ),
            definition: self.action.definition != now.definition,
            platform: self.action.platform != now.platform,
            sealed: self.action.sealed != now.sealed,
        }
    }
}

fn differing<V: PartialEq>(then: &BTreeMap<&String, V>, now: &BTreeMap<&String, V>) -> Vec<String> {
    let mut names: Vec<String> = now
        .keys()
        .filter(|name| then.get(*name) != now.get(*name))
        .map(|name| (*name).clone())
        .collect();
    names.extend(
        then.keys()
            .filter(|name| !now.contains_key(*name))
            .map(|name| (*name).clone()),
    );
    names.sort();
    names
}
