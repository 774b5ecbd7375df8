//! Keeps a store small, and tells what is in it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{
    Digest, Store, StoreError, own,
    stat_index::StatIndex,
    store::{Entry, TEMPORARY},
};

/// How much a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In bytes, outputs and manifests and all.
    pub bytes: u64,
    /// For how long something is kept that nobody uses.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 2 << 30,
            age: Duration::from_hours(30 * 24),
        }
    }
}

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many results.
    pub records: usize,
    /// How many outputs and manifests.
    pub blobs: usize,
    /// How many stat indices.
    pub indices: usize,
    /// How many bytes they all have.
    pub bytes: u64,
}

/// What a sweep has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many results are gone.
    pub records: usize,
    /// How many bytes are free.
    pub bytes: u64,
}

/// What a look at every byte of a store has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many results are as they were stored.
    pub sound: usize,
    /// What can't be used: the file in the store, and why.
    pub damaged: Vec<(PathBuf, String)>,
}

/// What an entry takes besides what it refers to, roughly.
const OVERHEAD: u64 = 4096;

pub(super) struct Stored {
    pub(super) path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Limits {
    /// Returns the limits that the environment sets: `FACTORY_CACHE_SIZE`, such as `500MiB`, and
    /// `FACTORY_CACHE_AGE`, such as `30d`; the usual ones where it does not.
    ///
    /// # Errors
    ///
    /// Where a variable is no size, or no time.
    pub fn from_environment(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, LimitError> {
        let text = |name| {
            env(name)
                .map(|value| value.to_string_lossy().into_owned())
                .filter(|value| !value.is_empty())
        };
        let mut limits = Self::default();
        if let Some(size) = text("FACTORY_CACHE_SIZE") {
            limits.bytes = bytes(&size).ok_or(LimitError::Size(size))?;
        }
        if let Some(age) = text("FACTORY_CACHE_AGE") {
            limits.age = age_of(&age).ok_or(LimitError::Age(age))?;
        }
        Ok(limits)
    }
}

/// A limit that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// No number of bytes.
    #[error("`{0}` is no size: write `500MiB` or `2GiB`")]
    Size(String),
    /// No length of time.
    #[error("`{0}` is no time: write `12h` or `30d`")]
    Age(String),
}

/// Returns the number of bytes that a text such as `500MiB` means.
pub fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Returns the time that a text such as `30d` means.
pub fn age_of(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim()))
}

/// A store is swept when it may have grown by this part of what it may hold, or after a day.
const PART: u64 = 16;
const DAY: Duration = Duration::from_hours(24);
/// How long the note of what was stored can be.
const LONGEST_NOTE: u64 = 1 << 20;

impl Store {
    /// Notes that something was stored: sweeps are rare, and none is forgotten.
    pub(super) fn note_growth(&self, bytes: u64) {
        if let Ok(mut file) = own::open_to_append(&self.folder().join("grown")) {
            // One that is lost is made up for within a day.
            let _ = writeln!(file, "{}", bytes.saturating_add(OVERHEAD));
        }
    }

    /// Sweeps if it is time and nobody is storing something.
    pub(super) fn tidy(&self) {
        let grown = match own::read(&self.folder().join("grown"), LONGEST_NOTE) {
            Ok(grown) => String::from_utf8_lossy(&grown).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            // What can't be told may be much.
            Err(_) => self.limits.bytes.to_string(),
        };
        let grown = grown
            .lines()
            .filter_map(|line| line.parse().ok())
            .fold(0_u64, u64::saturating_add);
        let Ok(sweep) = self.sweep_file() else { return };
        let last = sweep.metadata().and_then(|facts| facts.modified()).ok();
        let is_late = last.is_none_or(|last| last.elapsed().is_ok_and(|since| since > DAY));
        if (is_late || grown > self.limits.bytes / PART) && sweep.try_lock().is_ok() {
            self.sweep(&sweep, &self.limits);
        }
    }

    /// Takes away what is older than the limits allow, then what was used least recently, until the
    /// rest is within them. Waits for whoever is storing something; results that are looked up
    /// meanwhile are found or missed.
    pub fn gc(&self, limits: &Limits) -> Result<Swept, StoreError> {
        if !self.folder().is_dir() {
            return Ok(Swept::default());
        }
        let path = self.folder().join("sweep");
        let sweep = self.sweep_file()?;
        match sweep.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => sweep.lock().map_err(StoreError::of("lock", &path))?,
            Err(TryLockError::Error(error)) => return Err(StoreError::of("lock", &path)(error)),
        }
        Ok(self.sweep(&sweep, limits))
    }

    // The caller has the file locked for itself.
    fn sweep(&self, sweep: &File, limits: &Limits) -> Swept {
        let _ = sweep.set_modified(SystemTime::now());
        let _ = fs::remove_file(self.folder().join("grown"));
        self.forget_locks();
        let oldest = SystemTime::now()
            .checked_sub(limits.age)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let mut swept = Swept::default();
        let mut left = limits.bytes;
        let mut remove = |file: &Stored| {
            if fs::remove_file(&file.path).is_ok() {
                swept.bytes += file.bytes;
                true
            } else {
                false
            }
        };
        for file in self.files("stats").into_iter().chain(self.files("unkept")) {
            if file.used < oldest || file.is_temporary() || file.bytes > left {
                remove(&file);
            } else {
                left -= file.bytes;
            }
        }
        let mut blobs: BTreeMap<Digest, (Stored, bool)> = BTreeMap::new();
        for blob in self.files("blobs") {
            match blob.digest() {
                Some(digest) => drop(blobs.insert(digest, (blob, false))),
                None => drop(remove(&blob)),
            }
        }
        let mut records = self.files("records");
        records.sort_by_key(|record| std::cmp::Reverse(record.used));
        let mut removed = 0;
        for record in records {
            let entry = Entry::read(&record.path).ok().flatten();
            let needs = entry.as_ref().map(|entry| {
                let missing = entry.blobs().filter_map(|digest| blobs.get(&digest));
                let missing = missing
                    .filter(|(_, kept)| !kept)
                    .map(|(blob, _)| blob.bytes);
                missing.sum::<u64>() + record.bytes
            });
            match (entry, needs) {
                (Some(entry), Some(needs)) if record.used >= oldest && needs <= left => {
                    left -= needs;
                    for digest in entry.blobs() {
                        if let Some((_, kept)) = blobs.get_mut(&digest) {
                            *kept = true;
                        }
                    }
                }
                (Some(_) | None, _) => removed += usize::from(remove(&record)),
            }
        }
        for (blob, kept) in blobs.values() {
            if !kept {
                remove(blob);
            }
        }
        swept.records = removed;
        swept
    }

    // Locks of processes that were killed. Whoever waits for one of them tries anew.
    fn forget_locks(&self) {
        for lock in self.files("locks") {
            let is_held = own::open(&lock.path).is_ok_and(|file| file.try_lock().is_err());
            if !is_held {
                let _ = fs::remove_file(&lock.path);
            }
        }
    }

    /// Takes everything away.
    pub fn clear(&self) -> Result<Swept, StoreError> {
        self.gc(&Limits {
            bytes: 0,
            age: Duration::ZERO,
        })
    }

    /// Returns what the store holds.
    pub fn stats(&self) -> Stats {
        let (records, blobs, indices, unkept) = (
            self.files("records"),
            self.files("blobs"),
            self.files("stats"),
            self.files("unkept"),
        );
        let all = records.iter().chain(&blobs).chain(&indices).chain(&unkept);
        Stats {
            bytes: all.map(|file| file.bytes).sum(),
            records: records.len(),
            blobs: blobs.len(),
            indices: indices.len(),
        }
    }

    /// Reads every result with all that belongs to it, and the stat indices.
    pub fn verify(&self) -> Verified {
        let mut verified = Verified::default();
        let _held = self.hold();
        let mut damaged = |file: &Stored, reason| {
            let path = file.path.strip_prefix(self.folder()).unwrap_or(&file.path);
            verified.damaged.push((path.to_path_buf(), reason));
        };
        for file in self.files("stats") {
            if !file.is_temporary()
                && let Err(reason) = StatIndex::check(&file.path)
            {
                damaged(&file, reason);
            }
        }
        let mut sounds = 0;
        for file in self.files("records") {
            if file.is_temporary() {
                continue;
            }
            let sound = match Entry::read(&file.path) {
                // It is gone, in a folder that can't be held.
                Ok(None) => continue,
                Ok(Some(entry)) if file.digest() == Some(entry.key) => {
                    entry.all_blobs().try_for_each(|blob| self.check_blob(blob))
                }
                Ok(Some(_)) => Err("the entry is that of another key".to_owned()),
                Err(reason) => Err(reason),
            };
            match sound {
                Ok(()) => sounds += 1,
                Err(reason) => damaged(&file, reason),
            }
        }
        verified.sound = sounds;
        verified
    }

    /// Returns the files below one folder of the store.
    pub(super) fn files(&self, kind: &str) -> Vec<Stored> {
        let walk = walkdir::WalkDir::new(self.folder().join(kind)).max_depth(2);
        walk.into_iter()
            .filter_map(Result::ok)
            .filter(|file| !file.file_type().is_dir())
            .filter_map(|file| {
                let metadata = file.metadata().ok()?;
                let used = metadata.modified().ok()?;
                Some(Stored {
                    bytes: metadata.len(),
                    used,
                    path: file.into_path(),
                })
            })
            .collect()
    }
}

impl Stored {
    fn digest(&self) -> Option<Digest> {
        self.path.file_name()?.to_str()?.parse().ok()
    }

    fn is_temporary(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        name.starts_with(TEMPORARY.as_bytes())
    }
}

impl Entry {
    fn blobs(&self) -> impl Iterator<Item = Digest> {
        self.all_blobs().map(|blob| blob.digest)
    }
}
