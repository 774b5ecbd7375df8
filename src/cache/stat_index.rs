//! The digests of files that are not read again while their state stays the same, and the names in
//! directories that are not listed again.
//!
//! One flat file, a block a directory, each with its own checksum: what is damaged or cut off is
//! only hashed again. It is replaced as a whole by a rename, so that runs at the same time see one
//! or the other and at worst forget what the other has learnt.

use std::{cmp::Ordering, collections::BTreeMap, io::Write as _, path::Path};

use rustix::fs::{FileType, Stat};

use super::{Digest, git::Told, own, proto::BlobRef, store::make_folder};

/// Another number wherever the digest of a directory comes to something else.
const MAGIC: &[u8; 16] = b"factory-stats 2\n";
/// No index is as long; it would be made anew each time.
const LONGEST: u64 = 1 << 30;
const STATE_LENGTH: usize = 8 + 8 + 8 + 8 + 4;
const MESSAGE_LENGTH: usize = 8 + 32;
const ENTRY_LENGTH: usize = STATE_LENGTH + 32;

/// All that says that a file is still the one that was hashed, or that a directory still holds what was
/// listed. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
    device: u64,
    mode: u32,
}

const SECOND: i64 = 1_000_000_000;
/// Ticks of the clock that file systems stamp files with are at most this long.
const TICK: i64 = 20_000_000;

impl Stamp {
    /// Returns the stamp of a file, or `None` if its times can't be written down.
    #[expect(
        clippy::useless_conversion,
        reason = "the types of the fields differ from platform to platform"
    )]
    pub(super) fn of(stat: &Stat) -> Option<Self> {
        let time =
            |seconds: i64, nanoseconds: i64| seconds.checked_mul(SECOND)?.checked_add(nanoseconds);
        Some(Self {
            size: u64::try_from(stat.st_size).ok()?,
            modified: time(
                stat.st_mtime.try_into().ok()?,
                stat.st_mtime_nsec.try_into().ok()?,
            )?,
            changed: time(
                stat.st_ctime.try_into().ok()?,
                stat.st_ctime_nsec.try_into().ok()?,
            )?,
            inode: stat.st_ino.try_into().ok()?,
            device: stat.st_dev.try_into().ok()?,
            mode: stat.st_mode.into(),
        })
    }

    /// Returns whether the owner may execute the file.
    pub(super) const fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// Returns whether a change after `start` would give the file other times: git's rule against
    /// racy timestamps, with room for a clock that ticks slowly, or in whole seconds.
    pub(super) const fn is_older_than(&self, start: i64) -> bool {
        const fn settled(time: i64, start: i64) -> bool {
            let tick = if time % SECOND == 0 { 2 * SECOND } else { TICK };
            time.saturating_add(tick) < start
        }
        settled(self.modified, start) && settled(self.changed, start)
    }
}

/// Returns the time that file systems stamp a change with now, in nanoseconds.
pub(super) fn file_time() -> i64 {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::RealtimeCoarse;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Realtime;
    let now = rustix::time::clock_gettime(clock);
    now.tv_sec
        .saturating_mul(SECOND)
        .saturating_add(now.tv_nsec)
}

/// What is known of the files below one root.
#[derive(Debug, Default)]
pub(super) struct StatIndex {
    bytes: Vec<u8>,
    // Invariant: sorted by the bytes of the path. Ranges of `bytes`.
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    path: (usize, usize),
    // From the checksum to the end of the entries.
    all: (usize, usize),
}

impl StatIndex {
    /// Reads an index; whatever can't be read is empty.
    pub(super) fn load(file: &Path) -> Self {
        own::read(file, LONGEST)
            .ok()
            .and_then(Self::parse)
            .unwrap_or_default()
    }

    /// Puts the index in the place of the one in `file`. A folder that can't be written keeps what it
    /// has: the next run is slower.
    pub(super) fn write(&self, file: &Path) {
        if let Some(folder) = file.parent()
            && make_folder(folder).is_ok()
            && let Ok(mut temporary) = tempfile::NamedTempFile::new_in(folder)
            && temporary.write_all(&self.bytes).is_ok()
        {
            // A failed rename takes the temporary file away with it.
            let _ = temporary.persist(file);
        }
    }

    /// Returns whether an index can be read to its end and is as it was written, else why not.
    pub(super) fn check(file: &Path) -> Result<(), String> {
        let bytes = own::read(file, LONGEST)
            .map_err(|error| format!("the stat index cannot be read: {error}"))?;
        let length = bytes.len();
        let index = Self::parse(bytes).unwrap_or_default();
        let is_whole = index.blocks.iter().all(|block| {
            let all = slice(&index.bytes, block.all);
            Known::read(all, slice(&index.bytes, block.path)).is_some()
        });
        let end = index.blocks.iter().map(|block| block.all.1).max();
        if is_whole && end.unwrap_or(index.bytes.len()) == length && index.bytes.len() == length {
            Ok(())
        } else {
            Err("the stat index is damaged".to_owned())
        }
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut blocks = Vec::new();
        let mut at = bytes.starts_with(MAGIC).then_some(MAGIC.len())?;
        while let Some(block) = read_block(&bytes, at) {
            at = block.all.1;
            blocks.push(block);
        }
        blocks.sort_by(|a, b| slice(&bytes, a.path).cmp(slice(&bytes, b.path)));
        Some(Self { bytes, blocks })
    }

    /// Returns what is known of the files in this directory.
    pub(super) fn directory(&self, path: &[u8]) -> Known<'_> {
        self.position(path)
            .and_then(|block| Known::read(slice(&self.bytes, block.all), path))
            .unwrap_or_default()
    }

    /// Returns the encoded block of this directory, empty if there is none.
    pub(super) fn block(&self, path: &[u8]) -> &[u8] {
        self.position(path)
            .map_or(b"", |block| slice(&self.bytes, block.all))
    }

    fn position(&self, path: &[u8]) -> Option<&Block> {
        let found = self
            .blocks
            .binary_search_by(|block| slice(&self.bytes, block.path).cmp(path));
        found.ok().and_then(|at| self.blocks.get(at))
    }

    /// Returns what repositories told, by where git's index is: they are kept as directories are, by paths
    /// that none of those has, with an entry for each path that they were asked for.
    pub(super) fn told(&self) -> BTreeMap<Box<[u8]>, Told> {
        let blocks = self.blocks().filter(|(path, _)| path.starts_with(b"/"));
        let told = blocks.filter_map(|(path, _)| {
            let known = self.directory(path);
            let all = (0..known.len()).map(|at| known.at(at));
            let all: Vec<_> = all.collect::<Option<_>>()?;
            let (_, stamp, _) = *all.first()?;
            let mut answers = BTreeMap::new();
            for (of, _, answer) in all.into_iter().filter(|(_, its, _)| *its == stamp) {
                let answer = YES_AND_NO.iter().position(|known| *known == answer)?;
                answers.insert(of.into(), answer == 0);
            }
            Some((path.into(), Told { stamp, answers }))
        });
        told.collect()
    }

    /// Returns the paths and the encoded blocks of all directories.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.blocks.iter().map(|block| {
            (
                slice(&self.bytes, block.path),
                slice(&self.bytes, block.all),
            )
        })
    }
}

fn slice(bytes: &[u8], (start, end): (usize, usize)) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

/// A block is: the length of what follows (4), a checksum of what follows (8), the length of the
/// path (4), the path, the device of its files (8), the length (8) and the digest (32) of the directory's
/// message or nothing but zeros, the directory's own device (8) and state (36) or nothing but zeros, how
/// many others there are (4), the others, each of its type (1), the length of the name (4), and the name,
/// and the entries, each of the length of the name (4), the name, and `ENTRY_LENGTH` bytes. Numbers are
/// little-endian.
fn read_block(bytes: &[u8], at: usize) -> Option<Block> {
    let length = read_u32(bytes, at)?;
    let end = at.checked_add(4 + length)?;
    let path_length = read_u32(bytes, at + 12)?;
    let path = (at + 16, (at + 16).checked_add(path_length)?);
    (end <= bytes.len() && path.1 <= end).then_some(Block {
        path,
        all: (at, end),
    })
}

fn read_u32(bytes: &[u8], at: usize) -> Option<usize> {
    let number = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(number).ok()
}

fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn read_i64(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn read_state(bytes: &[u8], at: usize, device: u64) -> Option<Stamp> {
    Some(Stamp {
        size: read_u64(bytes, at)?,
        modified: read_i64(bytes, at + 8)?,
        changed: read_i64(bytes, at + 16)?,
        inode: read_u64(bytes, at + 24)?,
        device,
        mode: u32::try_from(read_u32(bytes, at + 32)?).ok()?,
    })
}

/// The types of what is no file, as a block has them.
const KINDS: [(u8, FileType); 8] = [
    (b'f', FileType::RegularFile),
    (b'd', FileType::Directory),
    (b'l', FileType::Symlink),
    (b'p', FileType::Fifo),
    (b's', FileType::Socket),
    (b'c', FileType::CharacterDevice),
    (b'b', FileType::BlockDevice),
    (b'?', FileType::Unknown),
];

/// What is known of the files in one directory, by their names.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    block: &'a [u8],
    device: u64,
    message: Option<BlobRef>,
    // The state of the directory itself in which what it holds was listed.
    listed: Option<Stamp>,
    // Invariant: where the entries of `block` start, in the order of the names.
    entries: Vec<u32>,
    // The same of what is no entry.
    others: Vec<u32>,
}

impl<'a> Known<'a> {
    fn read(block: &'a [u8], path: &[u8]) -> Option<Self> {
        let body = block.get(12..)?;
        if block.get(4..12)? != checksum(body) {
            return None;
        }
        let mut at = 16 + path.len();
        let device = read_u64(block, at)?;
        let size = read_u64(block, at + 8)?;
        let digest = Digest::from_bytes(*block.get(at + 16..)?.first_chunk()?);
        at += 8 + MESSAGE_LENGTH;
        let listed = read_state(block, at + 8, read_u64(block, at)?)?;
        at += 8 + STATE_LENGTH;
        let count = read_u32(block, at)?;
        at += 4;
        let mut others = Vec::new();
        for _ in 0..count {
            others.push(u32::try_from(at).ok()?);
            at = at.checked_add(1 + 4 + read_u32(block, at + 1)?)?;
        }
        let mut entries = Vec::new();
        while at < block.len() {
            entries.push(u32::try_from(at).ok()?);
            at = at.checked_add(4 + read_u32(block, at)? + ENTRY_LENGTH)?;
        }
        (at == block.len()).then_some(Self {
            block,
            device,
            message: (size > 0).then_some(BlobRef { digest, size }),
            // No directory has no mode.
            listed: Some(listed).filter(|listed| listed.mode != 0),
            entries,
            others,
        })
    }

    /// Returns what a directory in this state holds, in the order of the names, if that is known.
    pub(super) fn listing(&self, now: &Stamp) -> Option<Vec<Named<'a>>> {
        self.listed.as_ref().filter(|listed| *listed == now)?;
        let files = self.entries.iter().map(|at| {
            let name = self.name(*at)?;
            Some((name, FileType::RegularFile))
        });
        let others = self.others.iter().map(|at| {
            let byte = self.block.get(usize::try_from(*at).ok()?)?;
            let (_, kind) = KINDS.into_iter().find(|(known, _)| known == byte)?;
            Some((self.name(*at + 1)?, kind))
        });
        let mut all: Vec<_> = files.chain(others).collect::<Option<_>>()?;
        if !self.others.is_empty() {
            all.sort_unstable_by_key(|(name, _)| *name);
        }
        Some(all).filter(|all| all.is_sorted_by(|(a, _), (b, _)| a < b))
    }

    /// Returns the message of a `Directory` that holds the known files and nothing else, if it was worked
    /// out.
    pub(super) const fn message(&self) -> Option<BlobRef> {
        self.message
    }

    /// Returns the stamp and the digest of the file with this name.
    pub(super) fn get(&self, name: &[u8]) -> Option<(Stamp, Digest)> {
        self.from(name).find(name)
    }

    /// Returns how many files are known.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns a way to ask for files in the order of their names, from this one on.
    pub(super) fn from(&self, name: &[u8]) -> Cursor<'_, 'a> {
        let before = |at: &u32| self.name(*at).unwrap_or_default() < name;
        Cursor {
            at: self.entries.partition_point(before),
            known: self,
        }
    }

    /// Returns the name, the stamp, and the digest of the file that is known at this place.
    pub(super) fn at(&self, at: usize) -> Option<(&'a [u8], Stamp, Digest)> {
        let at = *self.entries.get(at)?;
        let name = self.name(at)?;
        let at = usize::try_from(at).ok()? + 4 + name.len();
        let stamp = read_state(self.block, at, self.device)?;
        let digest = self.block.get(at + STATE_LENGTH..)?.first_chunk()?;
        Some((name, stamp, Digest::from_bytes(*digest)))
    }

    fn name(&self, at: u32) -> Option<&'a [u8]> {
        let at = usize::try_from(at).ok()?;
        self.block.get(at + 4..)?.get(..read_u32(self.block, at)?)
    }
}

/// Asks for files in the order of their names.
#[derive(Debug)]
pub(super) struct Cursor<'k, 'a> {
    known: &'k Known<'a>,
    at: usize,
}

impl Cursor<'_, '_> {
    /// Returns where the file with this name is known, which comes behind all that were asked for.
    pub(super) fn position(&mut self, name: &[u8]) -> Option<usize> {
        while let Some(at) = self.known.entries.get(self.at) {
            match self.known.name(*at).unwrap_or_default().cmp(name) {
                Ordering::Less => self.at += 1,
                Ordering::Equal => return Some(self.at),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// Returns the stamp and the digest of the file with this name, which comes behind all that were
    /// asked for.
    pub(super) fn find(&mut self, name: &[u8]) -> Option<(Stamp, Digest)> {
        let at = self.position(name)?;
        let (_, stamp, digest) = self.known.at(at)?;
        Some((stamp, digest))
    }
}

/// The first bytes of a digest: enough against damage.
fn checksum(body: &[u8]) -> [u8; 8] {
    Digest::of(body)
        .as_bytes()
        .first_chunk()
        .copied()
        .unwrap_or_default()
}

/// How an entry says whether a path is tracked.
const YES_AND_NO: [Digest; 2] = [Digest::from_bytes([1; 32]), Digest::from_bytes([0; 32])];

/// What is known of a directory besides its files.
#[derive(Debug, Default)]
pub(super) struct Besides<'a> {
    /// The message of a `Directory` of all its entries and nothing else.
    pub(super) message: Option<BlobRef>,
    /// Its own state in which it was listed, and what it holds that is no entry.
    pub(super) listed: Option<(Stamp, Vec<Named<'a>>)>,
}

/// A name in a directory, and what has it.
pub(super) type Named<'a> = (&'a [u8], FileType);

/// Writes an index, block by block.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts an index that may take the place of `index`, and knows about so much more.
    pub(super) fn new(index: &StatIndex, news: usize) -> Self {
        let mut bytes = Vec::with_capacity(index.bytes.len() + news * (ENTRY_LENGTH + 24) + 4096);
        bytes.extend_from_slice(MAGIC);
        Self { bytes }
    }

    /// Appends a block as it is in another index.
    pub(super) fn copy(&mut self, block: &[u8]) {
        self.bytes.extend_from_slice(block);
    }

    /// Appends a directory; its entries are in the order of the bytes of their names. Of those on another
    /// device than the first only the names are kept.
    pub(super) fn directory(
        &mut self,
        path: &[u8],
        mut entries: Vec<(&[u8], Stamp, Digest)>,
        besides: Besides<'_>,
    ) {
        let Besides {
            mut message,
            listed,
        } = besides;
        let first = entries.first().map(|(_, stamp, _)| *stamp);
        let (listed, mut others) =
            listed.map_or((None, Vec::new()), |(stamp, others)| (Some(stamp), others));
        // A directory may be on another device than what it holds, as on file systems of several layers.
        let Some(device) = first.or(listed).map(|stamp| stamp.device) else {
            return;
        };
        entries.retain(|(name, stamp, _)| {
            let is_here = stamp.device == device;
            if !is_here {
                message = None;
                others.push((*name, FileType::RegularFile));
            }
            is_here
        });
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 12]);
        self.text(path);
        self.bytes.extend_from_slice(&device.to_le_bytes());
        let (size, digest) = message.map_or((0, [0; 32]), |message| {
            (message.size, *message.digest.as_bytes())
        });
        self.bytes.extend_from_slice(&size.to_le_bytes());
        self.bytes.extend_from_slice(&digest);
        match listed {
            Some(listed) => {
                self.bytes.extend_from_slice(&listed.device.to_le_bytes());
                self.state(&listed);
            }
            None => {
                others.clear();
                self.bytes.extend_from_slice(&[0; 8 + STATE_LENGTH]);
            }
        }
        let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&count.to_le_bytes());
        for (name, kind) in others {
            let known = KINDS.into_iter().find(|(_, known)| *known == kind);
            self.bytes.push(known.map_or(b'?', |(byte, _)| byte));
            self.text(name);
        }
        for (name, stamp, digest) in entries {
            self.text(name);
            self.state(&stamp);
            self.bytes.extend_from_slice(digest.as_bytes());
        }
        let body = self.bytes.get(start + 12..).unwrap_or_default();
        let sum = checksum(body);
        let Ok(length) = u32::try_from(body.len() + 8) else {
            // More than four gigabytes of names: they are hashed every time.
            self.bytes.truncate(start);
            return;
        };
        let head = self.bytes.iter_mut().skip(start);
        head.zip(length.to_le_bytes().into_iter().chain(sum))
            .for_each(|(place, byte)| *place = byte);
    }

    /// Appends what the repository told whose index is at `path`.
    pub(super) fn told(&mut self, path: &[u8], told: &Told) {
        let [yes, no] = YES_AND_NO;
        let entries = told.answers.iter().map(|(of, answer)| {
            let answer = if *answer { yes } else { no };
            (&**of, told.stamp, answer)
        });
        if path.starts_with(b"/") {
            self.directory(path, entries.collect(), Besides::default());
        }
    }

    fn state(&mut self, stamp: &Stamp) {
        self.bytes.extend_from_slice(&stamp.size.to_le_bytes());
        self.bytes.extend_from_slice(&stamp.modified.to_le_bytes());
        self.bytes.extend_from_slice(&stamp.changed.to_le_bytes());
        self.bytes.extend_from_slice(&stamp.inode.to_le_bytes());
        self.bytes.extend_from_slice(&stamp.mode.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        // No name is that long; one that were would not be found again.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text);
    }

    /// Returns the index.
    pub(super) fn finish(self) -> StatIndex {
        StatIndex::parse(self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(device: u64, inode: u64) -> Stamp {
        Stamp {
            size: 1,
            modified: 2,
            changed: 3,
            inode,
            device,
            mode: 0o100_644,
        }
    }

    #[test]
    fn a_directory_may_be_on_another_device_than_its_files() {
        let mut writer = Writer::new(&StatIndex::default(), 3);
        let entries = [(&b"b"[..], 7), (b"c", 8), (b"d", 7)];
        let entries = entries.map(|(name, device)| (name, stamp(device, 9), Digest::of(name)));
        let directory = stamp(1, 10);
        let besides = Besides {
            message: Some(BlobRef {
                digest: Digest::of(b"x"),
                size: 1,
            }),
            listed: Some((directory, vec![(b"a", FileType::Directory)])),
        };
        writer.directory(b"e", entries.to_vec(), besides);
        let index = writer.finish();
        let known = index.directory(b"e");
        assert_eq!(known.get(b"b"), Some((stamp(7, 9), Digest::of(b"b"))));
        assert_eq!(known.get(b"d"), Some((stamp(7, 9), Digest::of(b"d"))));
        // It is named, and hashed every time.
        assert_eq!(known.get(b"c"), None);
        assert_eq!(known.message(), None);
        let names = known.listing(&directory).unwrap();
        let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [b"a", b"b", b"c", b"d"]);
        assert!(known.listing(&stamp(7, 10)).is_none());
    }
}
