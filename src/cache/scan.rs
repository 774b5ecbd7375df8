//! Looks at a folder: every input of one or more gates, in one walk on all cores.
//!
//! An input is read again only if the stat index can't tell that it is unchanged. Links are not
//! followed, special files not opened, `.git` not entered, ignored directories not looked into
//! unless git tracks something in them. What vanishes during the walk is not there.

use std::{
    collections::BTreeMap,
    fmt, io,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
    thread,
};

use super::{
    InputSelection, Tree,
    folder::Folder,
    seen::Seen,
    selection::{MOST_SELECTIONS, Mask, Selector},
    stat_index::StatIndex,
    walk::Walk,
};

/// Why the inputs can't be told.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// An input, or a directory that may hold one, can't be read.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// The path below the root, for people.
        path: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The list of what git tracks can't be read.
    #[error("cannot tell what git tracks: {0}")]
    Repository(String),
}

/// Which repository says what is tracked and, apart from `.gitignore` files, excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WorkTree {
    /// The one that git would find from the root upwards, if there is one. If it ignores the root,
    /// it is not the root's.
    #[default]
    Discover,
    /// The root is the top of a work tree, and this is its git directory.
    GitDirectory(PathBuf),
    /// None: only `.gitignore` files below the root count.
    None,
}

/// What a scan has found for one selection.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The inputs.
    pub tree: Tree,
    /// How many files of the whole walk were read.
    pub read: usize,
}

/// What a scan has found for some selections.
#[derive(Debug)]
pub struct Scans {
    /// For each selection, in their order.
    pub each: Vec<Scan>,
    // One for each walk.
    seen: Vec<Seen>,
}

impl Scans {
    pub(super) fn seen(&self) -> &[Seen] {
        &self.seen
    }
}

/// What has become of all that scans have looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was, and nothing was so much as touched.
    Untouched,
    /// It is as it was. These were touched, or were something else in between, or were too young when
    /// they were looked at for that to be told.
    Same(Touched),
    /// It may be something else.
    Changed,
}

/// Paths below the root, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    pub(super) folders: Vec<Box<[u8]>>,
    pub(super) files: Vec<Box<[u8]>>,
}

impl Touched {
    pub(super) fn add(&mut self, other: Self) {
        self.folders.extend(other.folders);
        self.files.extend(other.files);
    }

    /// Returns whether there is any.
    pub const fn is_any(&self) -> bool {
        !(self.folders.is_empty() && self.files.is_empty())
    }
}

/// Scans one folder, as often as asked.
#[derive(Debug)]
pub struct Scanner {
    pub(super) root: PathBuf,
    pub(super) work_tree: WorkTree,
    /// A folder below the root, by its path there, that is none of the project's.
    pub(super) left_out: Option<Vec<u8>>,
    index_file: Option<PathBuf>,
    index: Mutex<Option<Arc<StatIndex>>>,
    // Whether the file does not have all that is in the index.
    is_unwritten: Mutex<bool>,
    pub(super) listener: Option<Listener>,
}

/// Who hears of news.
pub(super) struct Listener(Box<dyn Fn() + Send + Sync>);

impl Listener {
    pub(super) fn tell(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Scanner {
    /// Makes a scanner of the folder `root`, without an index.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            work_tree: WorkTree::default(),
            left_out: None,
            index_file: None,
            index: Mutex::default(),
            is_unwritten: Mutex::default(),
            listener: None,
        }
    }

    /// Knows what the stat index in this file says. One that is missing or damaged says nothing; scans
    /// are slower then.
    #[must_use]
    pub fn with_index(mut self, file: impl Into<PathBuf>) -> Self {
        self.index_file = Some(file.into());
        self
    }

    /// Calls `hear` from a thread that scans, once in a walk, when it meets a file whose content is not
    /// what the index knows. What is gone is not told.
    #[must_use]
    pub fn with_listener(mut self, hear: impl Fn() + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener(Box::new(hear)));
        self
    }

    /// Takes what is tracked from elsewhere.
    #[must_use]
    pub fn with_work_tree(mut self, work_tree: WorkTree) -> Self {
        self.work_tree = work_tree;
        self
    }

    /// Leaves out this folder, if it is in the root, whatever selections say. It may not be there yet.
    #[must_use]
    pub fn without(mut self, folder: &Path) -> Self {
        self.left_out = self.below(folder);
        self
    }

    // Returns the path of the folder below the root.
    fn below(&self, folder: &Path) -> Option<Vec<u8>> {
        let root = self.root.canonicalize().ok()?;
        let folder = real(folder)?;
        let below: PathBuf = folder.strip_prefix(root).ok()?.components().collect();
        (!below.as_os_str().is_empty()).then(|| below.into_os_string().into_vec())
    }

    /// Returns the folder that is scanned.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Scans for one selection.
    pub fn scan(&self, selection: &InputSelection) -> Result<Scan, ScanError> {
        self.scan_all([selection]).map(|scans| {
            let empty = Scan {
                tree: Tree::default(),
                read: 0,
            };
            scans.each.into_iter().next().unwrap_or(empty)
        })
    }

    /// Scans for many selections and looks at each file once. Returns a scan for each, in order.
    pub fn scan_all<'a>(
        &self,
        selections: impl IntoIterator<Item = &'a InputSelection>,
    ) -> Result<Scans, ScanError> {
        let selections: Vec<&InputSelection> = selections.into_iter().collect();
        let mut distinct: Vec<&InputSelection> = Vec::new();
        let places: Vec<usize> = selections
            .iter()
            .map(|selection| {
                distinct
                    .iter()
                    .position(|known| known == selection)
                    .unwrap_or_else(|| {
                        distinct.push(selection);
                        distinct.len() - 1
                    })
            })
            .collect();
        let (mut scans, mut seen) = (Vec::with_capacity(distinct.len()), Vec::new());
        for batch in distinct.chunks(MOST_SELECTIONS) {
            seen.push(self.walk(batch, &mut scans)?);
        }
        let each = places.iter().filter_map(|at| scans.get(*at).cloned());
        Ok(Scans {
            each: each.collect(),
            seen,
        })
    }

    /// Returns whether all that these scans of this folder have looked at is as it was then, and
    /// nothing has come that they would look at too. In doubt it is not; then only another scan
    /// tells what is different.
    pub fn standing(&self, scans: &Scans) -> Standing {
        let mut all = Touched::default();
        for seen in &scans.seen {
            match seen.touched(self.root()) {
                Ok(Some(touched)) => all.add(touched),
                Ok(None) | Err(_) => return Standing::Changed,
            }
        }
        if all.is_any() {
            Standing::Same(all)
        } else {
            Standing::Untouched
        }
    }

    /// Writes what scans have learnt to the file of the index, if it has one. What can't be written
    /// is learnt again.
    pub fn remember(&self) {
        // Whoever comes second writes no less than the first.
        let mut is_unwritten = self
            .is_unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(file)) = (std::mem::take(&mut *is_unwritten), &self.index_file) {
            self.known().write(file);
        }
    }

    fn walk(
        &self,
        selections: &[&InputSelection],
        scans: &mut Vec<Scan>,
    ) -> Result<Seen, ScanError> {
        let mut index = self.known();
        let selector = Selector::new(selections.iter().copied());
        let walked = Walk::new(self, &selector, &index)?.run(threads())?;
        let folders: Arc<[Folder]> = walked.folders.into();
        let counts = counts(&folders);
        let mut trees: Vec<Tree> = Vec::with_capacity(selections.len());
        for bit in (0..selections.len()).map(|at| 1 << at) {
            let has = |mask: Mask, bit: Mask| mask & bit != 0;
            let len = counts.iter().filter(|(mask, _)| has(**mask, bit));
            let len = len.map(|(_, count)| count).sum();
            // Selections that have the same inputs share one tree, and its root digest.
            let same = |other: &Mask| {
                counts
                    .keys()
                    .all(|mask| has(*mask, *other) == has(*mask, bit))
            };
            let before = (0..trees.len()).find(|at| same(&(1 << at)));
            let tree = before.and_then(|at| trees.get(at)).cloned();
            let root = Arc::new(OnceLock::new());
            trees.push(tree.unwrap_or_else(|| Tree::chosen(Arc::clone(&folders), bit, len, root)));
        }
        let read = walked.read;
        scans.extend(trees.into_iter().map(|tree| Scan { tree, read }));
        if let Some(learnt) = walked.learnt {
            index = Arc::new(learnt.finish());
            *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&index));
            *self
                .is_unwritten
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = true;
        }
        Ok(Seen {
            folders,
            hows: walked.hows,
            places: walked.places,
            sources: walked.sources,
            young: walked.young,
            index,
        })
    }

    fn known(&self) -> Arc<StatIndex> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || {
            self.index_file
                .as_deref()
                .map(StatIndex::load)
                .unwrap_or_default()
        };
        Arc::clone(index.get_or_insert_with(|| Arc::new(load())))
    }
}

/// Returns how many inputs each set of selections has.
fn counts(folders: &[Folder]) -> BTreeMap<Mask, usize> {
    let mut counts = BTreeMap::new();
    let mut masks = folders
        .iter()
        .flat_map(|folder| folder.files.iter().map(|file| file.mask));
    let Some(mut last) = masks.next() else {
        return counts;
    };
    let mut run = 1;
    for mask in masks {
        if mask != last {
            *counts.entry(last).or_default() += run;
            (last, run) = (mask, 0);
        }
        run += 1;
    }
    *counts.entry(last).or_default() += run;
    counts
}

/// Returns where a folder is, or would be, without links on the way.
fn real(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let mut above = folder.ancestors();
    above.find_map(|above| {
        let rest = folder.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    })
}

/// Returns how many threads look at files at the same time.
pub(super) fn threads() -> usize {
    // To find it out takes the reading of several files.
    static THREADS: LazyLock<usize> = LazyLock::new(|| {
        // More do not help: they wait for the kernel.
        thread::available_parallelism()
            .map_or(1, usize::from)
            .min(16)
    });
    *THREADS
}
