//! Reads one file for its digest.

use std::os::fd::BorrowedFd;

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::{Errno, read},
};
use sha2::{Digest as _, Sha256};

use super::{Digest, stat_index::Stamp};

/// What is read at once.
const BUFFER: usize = 128 * 1024;
/// How often a file that changes while it is read is read again.
const TRIES: u32 = 4;

/// A buffer that is used for file after file.
#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
}

/// What a file held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// The state in which it held that, unless it never stood still.
    pub(super) stamp: Option<Stamp>,
}

/// Why there is no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is gone, or no file any more.
    Gone,
    /// The system refuses.
    Failed(Errno),
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER],
        }
    }

    /// Reads the file `name` in `directory`, which looked like this a moment ago.
    pub(super) fn read(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        stat: &Stat,
    ) -> Result<Content, Unread> {
        let mut before = Stamp::of(stat);
        for _ in 1..TRIES {
            let (content, after) = self.read_once(directory, name, before)?;
            if before.is_some() && before == after {
                return Ok(Content {
                    stamp: after,
                    ..content
                });
            }
            match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => before = Stamp::of(&stat),
                Err(Errno::NOENT | Errno::NOTDIR) => return Err(Unread::Gone),
                Err(error) => return Err(Unread::Failed(error)),
            }
        }
        Ok(self.read_once(directory, name, None)?.0)
    }

    fn read_once(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        expected: Option<Stamp>,
    ) -> Result<(Content, Option<Stamp>), Unread> {
        // Without blocking: it may have become a pipe that nobody writes to.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = match openat(directory, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => {
                return Err(Unread::Gone);
            }
            Err(error) => return Err(Unread::Failed(error)),
        };
        let mut hasher = Sha256::new();
        let mut size = 0_u64;
        loop {
            let count = match read(&file, &mut self.buffer) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(Errno::ISDIR | Errno::AGAIN) => return Err(Unread::Gone),
                Err(error) => return Err(Unread::Failed(error)),
            };
            hasher.update(self.buffer.get(..count).unwrap_or_default());
            size += count as u64;
            // Short of a full buffer at the expected size is the end: the state after it tells.
            let ended = count < BUFFER && expected.is_some_and(|stamp| stamp.size == size);
            if count == 0 || ended {
                break;
            }
        }
        let after = fstat(&file).map_err(Unread::Failed)?;
        if FileType::from_raw_mode(after.st_mode) != FileType::RegularFile {
            return Err(Unread::Gone);
        }
        let digest = Digest::from_bytes(hasher.finalize().into());
        Ok((
            Content {
                digest,
                size,
                stamp: None,
            },
            Stamp::of(&after),
        ))
    }
}
