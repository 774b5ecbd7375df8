//! The inputs in one folder, by their names: what a scan finds and what a tree is made of.
//!
//! Names lie one behind the other in one piece of memory, so that a hundred thousand files take no
//! hundred thousand allocations.

use std::cmp::Ordering;

use super::{Kind, proto::BlobRef, selection::Mask};

/// A folder and the inputs that it holds itself.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The path below the root, without a slash at either end; empty for the root.
    pub(super) path: Box<[u8]>,
    pub(super) files: Files,
    /// The message of a `Directory` that holds all of these and nothing else, if it was worked out.
    pub(super) message: Option<BlobRef>,
}

/// Inputs of one folder.
#[derive(Debug, Default)]
pub(super) struct Files {
    names: Vec<u8>,
    // Invariant: in the order of the bytes of the names, each name once; `end` ascends.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    // Where the name ends; it starts where the one before it ends.
    end: usize,
    mask: Mask,
    kind: Kind,
}

/// One input of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) name: &'a [u8],
    /// Which selections have it.
    pub(super) mask: Mask,
    pub(super) kind: &'a Kind,
}

impl Files {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            names: Vec::with_capacity(count * 12),
            entries: Vec::with_capacity(count),
        }
    }

    /// Appends an input whose name comes behind all others.
    pub(super) fn push(&mut self, name: &[u8], mask: Mask, kind: Kind) {
        debug_assert!(
            self.iter().next_back().is_none_or(|last| last.name < name),
            "names are sorted"
        );
        self.names.extend_from_slice(name);
        let end = self.names.len();
        self.entries.push(Entry { end, mask, kind });
    }

    /// Appends inputs whose names come behind all others.
    pub(super) fn append(&mut self, mut more: Self) {
        if self.entries.is_empty() {
            *self = more;
            return;
        }
        let before = self.names.len();
        self.names.append(&mut more.names);
        let moved = more.entries.into_iter().map(|entry| Entry {
            end: entry.end + before,
            ..entry
        });
        self.entries.extend(moved);
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = File<'_>> {
        (0..self.entries.len()).filter_map(|at| self.at(at))
    }

    pub(super) fn at(&self, at: usize) -> Option<File<'_>> {
        let entry = self.entries.get(at)?;
        let start = at.checked_sub(1).map_or(Some(0), |before| {
            self.entries.get(before).map(|entry| entry.end)
        })?;
        Some(File {
            name: self.names.get(start..entry.end)?,
            mask: entry.mask,
            kind: &entry.kind,
        })
    }

    /// Returns where the input with this name is, or where it would be.
    pub(super) fn position(&self, name: &[u8]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).map(|file| file.name.cmp(name)) {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Equal) => return Ok(middle),
                Some(Ordering::Greater) | None => high = middle,
            }
        }
        Err(low)
    }

    /// Gives an input to more selections.
    pub(super) fn add_mask(&mut self, at: usize, mask: Mask) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.mask |= mask;
        }
    }

    /// Frees what was kept ready for more.
    pub(super) fn shrink(&mut self) {
        self.names.shrink_to_fit();
        self.entries.shrink_to_fit();
    }
}

/// Orders folders as a tree has them: each before those in it, and by the bytes of its names.
pub(super) fn compare_folders(a: &[u8], b: &[u8]) -> Ordering {
    let segments = |path| <[u8]>::split(path, |byte: &u8| *byte == b'/');
    segments(a).cmp(segments(b))
}

/// Splits a path into the folder and the name in it.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (
            path.get(..slash).unwrap_or_default(),
            path.get(slash + 1..).unwrap_or_default(),
        ),
        None => (b"", path),
    }
}

/// Puts a path together from a folder and a name in it.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Box<[u8]> {
    if folder.is_empty() {
        name.into()
    } else {
        [folder, b"/", name].concat().into()
    }
}

/// Returns whether `path` is `folder` or in it.
pub(super) fn is_within(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Returns the path and those of all directories above it, but for the root.
pub(super) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = (0..path.len()).filter(|at| path.get(*at) == Some(&b'/'));
    ends.chain([path.len()]).filter_map(|end| path.get(..end))
}
