//! Makes one sorted list of inputs, and the next stat index, of what the threads of a walk found.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Digest, Input, Kind,
    selection::Mask,
    stat_index::{Stamp, StatIndex, Writer},
    tree::compare_paths,
};

/// What a walk has found.
#[derive(Debug)]
pub(super) struct Walked {
    /// All inputs of all selections, as a tree has them.
    pub(super) inputs: Arc<[Input]>,
    /// For each selection, which of them it has.
    pub(super) chosen: Vec<Vec<u32>>,
    /// How many files were read.
    pub(super) read: usize,
    /// The next index, if it would know more than the last one.
    pub(super) learnt: Option<Writer>,
}

/// What one thread has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) directories: Vec<Visited>,
    pub(super) files: Vec<FoundFiles>,
    /// Directories that no selection reaches: what is known of them is kept.
    pub(super) passed: Vec<Vec<u8>>,
}

/// A directory that was looked into.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) id: u32,
    pub(super) path: Vec<u8>,
    pub(super) children: Vec<u32>,
    /// What is known of files that no selection of this walk has.
    pub(super) kept: Vec<(Box<[u8]>, Stamp, Digest)>,
    pub(super) files: Vec<FoundFile>,
}

/// Files of one directory, from the one at `start` on.
#[derive(Debug)]
pub(super) struct FoundFiles {
    pub(super) directory: u32,
    pub(super) start: usize,
    pub(super) files: Vec<FoundFile>,
}

/// An input, and which selections have it.
#[derive(Debug)]
pub(super) struct FoundFile {
    pub(super) input: Input,
    pub(super) mask: Mask,
    /// The state that its digest stands for, if that can be trusted later.
    pub(super) stamp: Option<Stamp>,
    pub(super) read: bool,
}

impl Found {
    /// Adds what another thread has found.
    pub(super) fn add(&mut self, more: Self) {
        self.directories.extend(more.directories);
        self.files.extend(more.files);
        self.passed.extend(more.passed);
    }

    /// Puts all together for so many selections, with files that were found apart from the walk.
    pub(super) fn assemble(
        mut self,
        named: Vec<FoundFile>,
        selections: usize,
        index: &StatIndex,
    ) -> Walked {
        self.files
            .sort_unstable_by_key(|chunk| (chunk.directory, chunk.start));
        self.directories.sort_unstable_by_key(|visited| visited.id);
        let mut chunks = self.files.into_iter().peekable();
        for visited in &mut self.directories {
            while let Some(chunk) = chunks.next_if(|chunk| chunk.directory == visited.id) {
                if visited.files.is_empty() {
                    visited.files = chunk.files;
                } else {
                    visited.files.extend(chunk.files);
                }
            }
        }
        let mut directories = in_order(self.directories);
        let elsewhere = add_named(&mut directories, named);
        let read = directories
            .iter()
            .flat_map(|visited| &visited.files)
            .filter(|file| file.read);
        let (read, news) = read.fold((0, false), |(count, news), file| {
            (count + 1, news || file.stamp.is_some())
        });
        let learnt = news.then(|| learn(index, &directories, &self.passed));
        let mut files: Vec<(Input, Mask)> = Vec::new();
        files.reserve_exact(directories.iter().map(|visited| visited.files.len()).sum());
        for visited in directories {
            files.extend(
                visited
                    .files
                    .into_iter()
                    .map(|file| (file.input, file.mask)),
            );
        }
        if elsewhere {
            files.sort_by(|(a, _), (b, _)| compare_paths(&a.path, &b.path));
        }
        let chosen = (0..selections)
            .map(|bit| {
                let chosen = (0_u32..)
                    .zip(&files)
                    .filter(|(_, (_, mask))| mask >> bit & 1 == 1);
                chosen.map(|(at, _)| at).collect()
            })
            .collect();
        let inputs = files.into_iter().map(|(input, _)| input).collect();
        Walked {
            inputs,
            chosen,
            read,
            learnt,
        }
    }
}

/// Writes what is known now: of what was visited, and of what lies where no selection reached.
fn learn(index: &StatIndex, directories: &[Visited], passed: &[Vec<u8>]) -> Writer {
    let mut writer = Writer::new();
    for visited in directories {
        let folder = if visited.path.is_empty() {
            0
        } else {
            visited.path.len() + 1
        };
        let mut entries: Vec<(&[u8], Stamp, Digest)> = visited
            .kept
            .iter()
            .map(|(name, stamp, digest)| (&**name, *stamp, *digest))
            .collect();
        let kept = entries.len();
        for file in &visited.files {
            if let (Some(stamp), Kind::File { digest, .. }) = (file.stamp, &file.input.kind) {
                let name = file.input.path.get(folder..).unwrap_or_default();
                entries.push((name, stamp, *digest));
            }
        }
        if kept > 0 {
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
        }
        writer.directory(&visited.path, entries);
    }
    let visited: HashSet<&[u8]> = directories
        .iter()
        .map(|visited| &visited.path[..])
        .collect();
    let passed: HashSet<&[u8]> = passed.iter().map(Vec::as_slice).collect();
    for (path, block) in index.blocks() {
        let mut above = ancestors(path);
        if !visited.contains(path) && above.any(|above| passed.contains(above)) {
            writer.copy(block);
        }
    }
    writer
}

/// Puts directories into the order that a tree has their files in: what is in a directory, then
/// what is in the directories in it. They come sorted by id, without gaps but for those that could
/// not be entered.
fn in_order(directories: Vec<Visited>) -> Vec<Visited> {
    let mut by_id: HashMap<u32, Visited> = directories
        .into_iter()
        .map(|visited| (visited.id, visited))
        .collect();
    let mut ordered = Vec::with_capacity(by_id.len());
    let mut ahead = vec![0];
    while let Some(id) = ahead.pop() {
        if let Some(visited) = by_id.remove(&id) {
            ahead.extend(visited.children.iter().rev());
            ordered.push(visited);
        }
    }
    ordered
}

/// Adds files that were found apart from the walk. Returns whether some are in a directory that
/// the walk has not visited; those stand at the end, out of order.
fn add_named(directories: &mut Vec<Visited>, named: Vec<FoundFile>) -> bool {
    if named.is_empty() {
        return false;
    }
    let mut by_folder: HashMap<Box<[u8]>, Vec<FoundFile>> = HashMap::new();
    for file in named {
        let slash = file
            .input
            .path
            .iter()
            .rposition(|byte| *byte == b'/')
            .unwrap_or(0);
        let folder = file.input.path.get(..slash).unwrap_or_default().into();
        by_folder.entry(folder).or_default().push(file);
    }
    for visited in &mut *directories {
        if let Some(files) = by_folder.remove(&*visited.path) {
            visited.files.extend(files);
            visited
                .files
                .sort_unstable_by(|a, b| a.input.path.cmp(&b.input.path));
        }
    }
    let elsewhere = !by_folder.is_empty();
    for (path, mut files) in by_folder {
        files.sort_unstable_by(|a, b| a.input.path.cmp(&b.input.path));
        let (id, children, kept) = (u32::MAX, Vec::new(), Vec::new());
        directories.push(Visited {
            id,
            path: path.into(),
            children,
            kept,
            files,
        });
    }
    elsewhere
}

/// Returns the path and those of all directories above it.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = (0..path.len()).filter(|at| path.get(*at) == Some(&b'/'));
    ends.chain([path.len()]).filter_map(|end| path.get(..end))
}
