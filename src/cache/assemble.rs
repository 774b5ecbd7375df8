//! Makes one sorted list of inputs, and the next stat index, of what the threads of a walk found.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    os::unix::ffi::OsStrExt as _,
};

use rustix::fs::FileType;

use super::{
    Digest, Kind,
    folder::{Files, Folder, ancestors, compare_folders, join, split},
    look::Looked,
    merkle,
    proto::BlobRef,
    seen::{How, Place, Sources},
    selection::Mask,
    stat_index::{Besides, Known, Stamp, StatIndex, Writer},
};

/// What a walk has found.
#[derive(Debug)]
pub(super) struct Walked {
    /// All inputs of all selections, as a tree has them.
    pub(super) folders: Vec<Folder>,
    /// How each of the folders itself was looked at.
    pub(super) hows: Vec<How>,
    /// The places that selections name and the walk has not met.
    pub(super) places: Vec<Place>,
    /// What says which files are inputs.
    pub(super) sources: Sources,
    /// How many files were read.
    pub(super) read: usize,
    /// Those of which no state can be trusted later.
    pub(super) young: HashSet<Box<[u8]>>,
    /// The next index, if it would know more than the last one.
    pub(super) learnt: Option<Writer>,
}

/// What one thread has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) directories: Vec<Visited>,
    pub(super) chunks: Vec<Chunk>,
    /// Directories that no selection reaches: what is known of them is kept.
    pub(super) passed: Vec<Vec<u8>>,
}

/// A directory that was looked into.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) id: u32,
    pub(super) path: Box<[u8]>,
    pub(super) children: Vec<u32>,
    /// How many files of it the index knows.
    pub(super) known: usize,
    /// Where the index knows files that no selection of this walk has.
    pub(super) kept: Vec<usize>,
    /// What it holds besides these and those in `chunks`.
    pub(super) others: Vec<(Box<[u8]>, FileType)>,
    /// Whether it was listed anew, and that can be trusted later.
    pub(super) is_relisted: bool,
    pub(super) how: How,
    pub(super) chunks: Vec<Chunk>,
}

/// Files of one directory, from the one at `start` on.
#[derive(Debug)]
pub(super) struct Chunk {
    directory: u32,
    start: usize,
    files: Files,
    // What is known of each now; nothing where that is what was known before.
    stamps: Vec<Option<Stamp>>,
    read: usize,
    // How many were read and are known now.
    news: usize,
    // How many were known before.
    known: usize,
    // The message of a directory that holds these files and nothing else, if it was worked out.
    message: Option<BlobRef>,
}

/// What was found apart from the walk.
#[derive(Debug)]
pub(super) struct Apart {
    pub(super) mask: Mask,
    pub(super) looked: Looked,
}

/// What was found apart from the walk, by path.
pub(super) type Aparts = BTreeMap<Box<[u8]>, Apart>;

/// The directories of a walk in the order that a tree has them in.
#[derive(Debug)]
pub(super) struct Ordered {
    directories: Vec<Visited>,
    passed: Vec<Vec<u8>>,
}

impl Chunk {
    pub(super) fn new(directory: u32, start: usize, count: usize) -> Self {
        Self {
            directory,
            start,
            files: Files::with_capacity(count),
            stamps: Vec::with_capacity(count),
            read: 0,
            news: 0,
            known: 0,
            message: None,
        }
    }

    /// Adds a file, whose name comes behind all others.
    pub(super) fn add(&mut self, name: &[u8], mask: Mask, looked: Looked) {
        let is_known = looked.stamp.is_some();
        self.read += usize::from(looked.read);
        self.news += usize::from(looked.read && is_known);
        self.known += usize::from(!looked.read && is_known);
        self.stamps.push(looked.stamp);
        self.files.push(name, mask, looked.kind);
    }

    /// Works out the message of the directory at `path`, of which these are all files, unless `known` has it.
    pub(super) fn sum_up(&mut self, path: &[u8], known: &Known<'_>) {
        let is_as_known = self.known == self.files.len() && self.known == known.len();
        let known = known.message().filter(|_| is_as_known);
        self.message = known.or_else(|| merkle::message_of(path, &self.files));
    }

    /// Frees what is not needed any more, once all files are added.
    pub(super) fn close(mut self) -> Self {
        if self.read == 0 {
            self.stamps = Vec::new();
        }
        self
    }
}

impl Visited {
    // The message of a directory that holds all its files and nothing else, if it was worked out.
    fn message(&self) -> Option<BlobRef> {
        match self.chunks.as_slice() {
            [all] => all.message,
            _ => None,
        }
    }

    // The paths of files that were read and may have changed within the same tick of the clock.
    fn young(&self) -> impl Iterator<Item = Box<[u8]>> {
        let chunks = self.chunks.iter().filter(|chunk| chunk.read > chunk.news);
        let files = chunks.flat_map(|chunk| chunk.files.iter().zip(&chunk.stamps));
        let young =
            files.filter(|(file, stamp)| stamp.is_none() && matches!(file.kind, Kind::File { .. }));
        young.map(|(file, _)| join(&self.path, file.name))
    }
}

impl Found {
    /// Adds what another thread has found.
    pub(super) fn add(&mut self, more: Self) {
        self.directories.extend(more.directories);
        self.chunks.extend(more.chunks);
        self.passed.extend(more.passed);
    }

    /// Puts the directories in order: each before those in it, which are in the order of their names.
    pub(super) fn in_order(mut self) -> Ordered {
        self.chunks
            .sort_unstable_by_key(|chunk| (chunk.directory, chunk.start));
        self.directories.sort_unstable_by_key(|visited| visited.id);
        let mut chunks = self.chunks.into_iter().peekable();
        for visited in &mut self.directories {
            let own = |chunk: &Chunk| chunk.directory == visited.id;
            visited
                .chunks
                .extend(std::iter::from_fn(|| chunks.next_if(own)));
        }
        let mut by_id: HashMap<u32, Visited> = self
            .directories
            .into_iter()
            .map(|visited| (visited.id, visited))
            .collect();
        let mut directories = Vec::with_capacity(by_id.len());
        let mut ahead = vec![0];
        while let Some(id) = ahead.pop() {
            // Those that could not be entered are gone.
            if let Some(visited) = by_id.remove(&id) {
                ahead.extend(visited.children.iter().rev());
                directories.push(visited);
            }
        }
        Ordered {
            directories,
            passed: self.passed,
        }
    }
}

impl Ordered {
    /// Gives what is at this path to more selections. Returns it, if the walk has met it.
    pub(super) fn add_mask(&mut self, path: &[u8], mask: Mask) -> Option<&Kind> {
        let (folder, name) = split(path);
        let visited = self.position(folder).ok()?;
        let visited = self.directories.get_mut(visited)?;
        visited.chunks.iter_mut().find_map(|chunk| {
            let at = chunk.files.position(name).ok()?;
            chunk.files.add_mask(at, mask);
            chunk.files.at(at).map(|file| file.kind)
        })
    }

    fn position(&self, folder: &[u8]) -> Result<usize, usize> {
        self.directories
            .binary_search_by(|visited| compare_folders(&visited.path, folder))
    }

    /// Puts all together, with files that were found apart from the walk.
    pub(super) fn assemble(
        mut self,
        apart: Aparts,
        places: Vec<Place>,
        index: &StatIndex,
        sources: Sources,
    ) -> Walked {
        for (path, Apart { mask, looked }) in apart {
            self.insert(&path, mask, looked, index);
        }
        let sum = |count: fn(&Chunk) -> usize| {
            let chunks = self.directories.iter().flat_map(|visited| &visited.chunks);
            chunks.map(count).sum::<usize>()
        };
        let (read, news) = (sum(|chunk| chunk.read), sum(|chunk| chunk.news));
        let lists = self.directories.iter();
        let told = sources.told();
        let news = news
            + lists.filter(|visited| visited.is_relisted).count()
            + told.iter().filter(|(.., is_new)| *is_new).count();
        let learnt = (news > 0).then(|| {
            let mut writer = self.learn(index, news);
            for (path, told, _) in &told {
                writer.told(path.as_os_str().as_bytes(), told);
            }
            writer
        });
        let young = self.directories.iter().flat_map(Visited::young).collect();
        let (mut folders, mut hows) = (Vec::new(), Vec::new());
        for visited in self.directories {
            let message = visited.message();
            let mut files = Files::default();
            for chunk in visited.chunks {
                files.append(chunk.files);
            }
            files.shrink();
            let path = visited.path;
            folders.push(Folder {
                path,
                files,
                message,
            });
            hows.push(visited.how);
        }
        Walked {
            folders,
            hows,
            places,
            sources,
            read,
            young,
            learnt,
        }
    }

    /// Puts a file that was found apart from the walk in its place.
    fn insert(&mut self, path: &[u8], mask: Mask, looked: Looked, index: &StatIndex) {
        let (folder, name) = split(path);
        let known = index.directory(folder);
        let at = self.position(folder).unwrap_or_else(|at| {
            let visited = Visited {
                id: u32::MAX,
                path: folder.into(),
                children: Vec::new(),
                known: known.len(),
                kept: (0..known.len()).collect(),
                others: Vec::new(),
                is_relisted: false,
                how: How::Apart,
                chunks: Vec::new(),
            };
            self.directories.insert(at, visited);
            at
        });
        let Some(visited) = self.directories.get_mut(at) else {
            return;
        };
        let is_other = |at: &usize| known.at(*at).is_some_and(|(known, ..)| known != name);
        visited.kept.retain(is_other);
        visited.others.retain(|(other, _)| **other != *name);
        let mut all = Chunk::new(visited.id, 0, 0);
        let mut looked = Some(looked);
        for chunk in visited.chunks.drain(..) {
            for (at, file) in chunk.files.iter().enumerate() {
                if file.name > name
                    && let Some(looked) = looked.take()
                {
                    all.add(name, mask, looked);
                }
                let stamp = match chunk.stamps.get(at) {
                    Some(stamp) => *stamp,
                    None => known.get(file.name).map(|(stamp, _)| stamp),
                };
                let kind = file.kind.clone();
                let read = false;
                all.add(file.name, file.mask, Looked { kind, stamp, read });
            }
            all.read += chunk.read;
            all.news += chunk.news;
            all.known -= chunk.news;
        }
        if let Some(looked) = looked {
            all.add(name, mask, looked);
        }
        visited.chunks.push(all);
    }

    /// Writes what is known now: of what was visited, and of what lies where no selection reached.
    fn learn(&mut self, index: &StatIndex, news: usize) -> Writer {
        let mut writer = Writer::new(index, news);
        for visited in &mut self.directories {
            let sum = |count: fn(&Chunk) -> usize| visited.chunks.iter().map(count).sum::<usize>();
            let as_known = sum(|chunk| chunk.known) + visited.kept.len() == visited.known;
            if sum(|chunk| chunk.read) == 0 && as_known && !visited.is_relisted {
                writer.copy(index.block(&visited.path));
            } else {
                learn_directory(&mut writer, visited, &index.directory(&visited.path));
            }
            for chunk in &mut visited.chunks {
                chunk.stamps = Vec::new();
            }
        }
        let visited: HashSet<&[u8]> = self
            .directories
            .iter()
            .map(|visited| &*visited.path)
            .collect();
        let passed: HashSet<&[u8]> = self.passed.iter().map(Vec::as_slice).collect();
        for (path, block) in index.blocks() {
            let mut above = ancestors(path);
            if !visited.contains(path) && above.any(|above| passed.contains(above)) {
                writer.copy(block);
            }
        }
        writer
    }
}

fn learn_directory(writer: &mut Writer, visited: &Visited, known: &Known<'_>) {
    let kept = visited.kept.iter().filter_map(|at| known.at(*at));
    let mut entries: Vec<(&[u8], Stamp, Digest)> = kept.collect();
    let others = visited.others.iter();
    let mut others: Vec<(&[u8], FileType)> =
        others.map(|(name, kind)| (&name[..], *kind)).collect();
    for chunk in &visited.chunks {
        let first = chunk.files.at(0).map_or(&b""[..], |file| file.name);
        let mut before = known.from(first);
        for (at, file) in chunk.files.iter().enumerate() {
            let Kind::File { digest, .. } = *file.kind else {
                let kind = match file.kind {
                    Kind::Link { .. } => FileType::Symlink,
                    Kind::File { .. } | Kind::Other(_) => FileType::Unknown,
                };
                others.push((file.name, kind));
                continue;
            };
            let stamp = match chunk.stamps.get(at) {
                Some(stamp) => *stamp,
                None => before.find(file.name).map(|(stamp, _)| stamp),
            };
            match stamp {
                Some(stamp) => entries.push((file.name, stamp, digest)),
                None => others.push((file.name, FileType::RegularFile)),
            }
        }
    }
    if !visited.kept.is_empty() {
        entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
    }
    let message = visited.message().filter(|_| {
        let mut chunks = visited.chunks.iter();
        visited.kept.is_empty() && chunks.all(|chunk| chunk.files.len() == entries.len())
    });
    let listed = match &visited.how {
        How::Stamped(stamp) => Some((*stamp, others)),
        How::Listed(_) | How::Apart => None,
    };
    writer.directory(&visited.path, entries, Besides { message, listed });
}
