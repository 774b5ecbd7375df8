//! Reads one file for its digest.

use std::os::fd::{BorrowedFd, OwnedFd};

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
/// After how many buffers one looks whether a file is still what it was.
const LOOK: u32 = 128;

/// Where what is read begins in memory. The kernel copies faster to the start of a page: on files of 5 KB that
/// is a tenth of what reading and hashing them takes.
const ALIGNED: usize = 4096;

/// A buffer that is used for file after file.
#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    // Where in it a page begins.
    start: usize,
    // Whether files may be opened so that reading leaves no trace.
    traceless: bool,
}

/// What a file held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// The state in which it held that, if that can be written down.
    pub(super) stamp: Option<Stamp>,
}

/// Why there is no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is gone, or no file any more.
    Gone,
    /// It never stood still.
    Unsteady,
    /// The system refuses.
    Failed(Errno),
}

impl Reader {
    pub(super) fn new() -> Self {
        let buffer = vec![0; BUFFER + ALIGNED];
        Self {
            start: buffer.as_ptr().align_offset(ALIGNED).min(ALIGNED),
            buffer,
            traceless: true,
        }
    }

    /// Reads the file `name` in `directory`, which looked like this a moment ago.
    pub(super) fn read(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        stat: &Stat,
    ) -> Result<Content, Unread> {
        let mut before = *stat;
        for _ in 0..TRIES {
            if let Some(content) = self.read_once(directory, name, &before)? {
                return Ok(content);
            }
            before = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT | Errno::NOTDIR) => return Err(Unread::Gone),
                Err(error) => return Err(Unread::Failed(error)),
            };
        }
        Err(Unread::Unsteady)
    }

    fn open(&mut self, directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
        // Without blocking: it may have become a pipe that nobody writes to.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        if self.traceless {
            match openat(directory, name, flags | TRACELESS, Mode::empty()) {
                // Only the owner of a file may ask for that.
                Err(Errno::PERM) => self.traceless = false,
                opened => return opened,
            }
        }
        openat(directory, name, flags, Mode::empty())
    }

    /// Reads a file that should be in this state; nothing if it is not, before or afterwards.
    fn read_once(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        before: &Stat,
    ) -> Result<Option<Content>, Unread> {
        let file = match self.open(directory, name) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => {
                return Err(Unread::Gone);
            }
            Err(error) => return Err(Unread::Failed(error)),
        };
        let (stamp, length) = (Stamp::of(before), length(before));
        let mut hasher = Sha256::new();
        let (mut size, mut reads) = (0_u64, 0);
        let place = self.start..self.start + BUFFER;
        let buffer = self.buffer.get_mut(place).unwrap_or_default();
        loop {
            let count = match read(&file, &mut *buffer) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(Errno::ISDIR | Errno::AGAIN) => return Err(Unread::Gone),
                Err(error) => return Err(Unread::Failed(error)),
            };
            hasher.update(buffer.get(..count).unwrap_or_default());
            size += count as u64;
            reads += 1;
            // Short of a full buffer at the expected size is the end: the state after it tells. Beyond
            // it there may be no end, if it grows faster than it is read.
            if count == 0 || size > length || (count < BUFFER && size == length) {
                break;
            }
            let is_other = |now: Stat| Stamp::of(&now) != stamp;
            if reads % LOOK == 0 && fstat(&file).is_ok_and(is_other) {
                return Ok(None);
            }
        }
        let after = fstat(&file).map_err(Unread::Failed)?;
        if FileType::from_raw_mode(after.st_mode) != FileType::RegularFile {
            return Err(Unread::Gone);
        }
        let is_steady = Stamp::of(&after) == stamp && size == length;
        Ok(is_steady.then(|| Content {
            digest: Digest::from_bytes(hasher.finalize().into()),
            size,
            stamp,
        }))
    }
}

#[cfg(target_os = "linux")]
const TRACELESS: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const TRACELESS: OFlags = OFlags::empty();

fn length(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}
