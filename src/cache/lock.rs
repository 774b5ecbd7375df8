//! One gate on the same work runs once, however often it is started.

use std::{
    fs::{self, File, TryLockError},
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{Digest, Store, own, store::make_folder};

/// Held while a gate runs. Ends when it is dropped, or its process dies, however it does.
#[derive(Debug)]
#[must_use]
pub struct Lock {
    // Nothing in a folder that can't be written.
    held: Option<(File, PathBuf)>,
}

impl Lock {
    /// Returns what keeps nobody from anything.
    pub const fn none() -> Self {
        Self { held: None }
    }

    /// Returns whether others wait. In a folder that can't be written, no one does.
    pub const fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.held {
            // Whoever waits finds that its file is no longer the one with the name, and tries anew.
            let _ = fs::remove_file(path);
        }
    }
}

impl Store {
    /// Waits until nobody else, in this or another process, holds the lock for `key`, and takes it.
    pub fn lock(&self, key: &Digest) -> Lock {
        self.acquire(key, |file| file.lock().map(|()| true))
            .unwrap_or(Lock::none())
    }

    /// Takes the lock for `key` unless someone holds it.
    pub fn try_lock(&self, key: &Digest) -> Option<Lock> {
        self.acquire(key, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    /// Returns the process that holds the lock for `key`, as far as can be told.
    pub fn holder(&self, key: &Digest) -> Option<u32> {
        let path = self.folder().join("locks").join(key.to_string());
        let text = own::read(&path, 20).ok()?;
        std::str::from_utf8(&text).ok()?.parse().ok()
    }

    fn acquire(&self, key: &Digest, lock: impl Fn(&File) -> std::io::Result<bool>) -> Option<Lock> {
        let path = self.folder().join("locks").join(key.to_string());
        loop {
            let Some(file) = open(&path) else {
                return Some(Lock::none());
            };
            match lock(&file) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => return Some(Lock::none()),
            }
            let is_named = match (file.metadata(), fs::metadata(&path)) {
                (Ok(held), Ok(named)) => held.ino() == named.ino() && held.dev() == named.dev(),
                (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
            };
            if is_named {
                // Who holds it, for those who wait. Where that can't be written they are not told.
                let _ = file.set_len(0);
                let _ = write!(&file, "{}", std::process::id());
                return Some(Lock {
                    held: Some((file, path)),
                });
            }
        }
    }
}

fn open(path: &Path) -> Option<File> {
    make_folder(path.parent()?).ok()?;
    own::open_to_append(path).ok()
}
