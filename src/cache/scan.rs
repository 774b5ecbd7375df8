//! Looks at a folder: every input of one or more gates, in one walk on all cores.
//!
//! An input is read again only if the stat index can't tell that it is unchanged. Links are not
//! followed, special files not opened, `.git` not entered, ignored directories not looked into
//! unless git tracks something in them. What vanishes during the walk is not there.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::{
    InputSelection, Tree,
    selection::{MOST_SELECTIONS, Selector},
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

/// Scans one folder, as often as asked.
#[derive(Debug)]
pub struct Scanner {
    pub(super) root: PathBuf,
    pub(super) work_tree: WorkTree,
    pub(super) excludes: Option<PathBuf>,
    index_file: Option<PathBuf>,
    learns: bool,
    index: Mutex<Option<Arc<StatIndex>>>,
}

impl Scanner {
    /// Makes a scanner of the folder `root`, without an index.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            work_tree: WorkTree::default(),
            excludes: None,
            index_file: None,
            learns: true,
            index: Mutex::default(),
        }
    }

    /// Keeps the stat index in this file. It is made, replaced, and mended as need be; if it can't
    /// be, scans are slower.
    #[must_use]
    pub fn with_index(mut self, file: impl Into<PathBuf>) -> Self {
        self.index_file = Some(file.into());
        self
    }

    /// Leaves the index as it is.
    #[must_use]
    pub const fn without_learning(mut self) -> Self {
        self.learns = false;
        self
    }

    /// Takes what is tracked from elsewhere.
    #[must_use]
    pub fn with_work_tree(mut self, work_tree: WorkTree) -> Self {
        self.work_tree = work_tree;
        self
    }

    /// Ignores also what this file says (`core.excludesFile`).
    #[must_use]
    pub fn with_excludes_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.excludes = Some(file.into());
        self
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
            scans.into_iter().next().unwrap_or(empty)
        })
    }

    /// Scans for many selections and looks at each file once. Returns a scan for each, in order.
    pub fn scan_all<'a>(
        &self,
        selections: impl IntoIterator<Item = &'a InputSelection>,
    ) -> Result<Vec<Scan>, ScanError> {
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
        let mut scans = Vec::with_capacity(distinct.len());
        for batch in distinct.chunks(MOST_SELECTIONS) {
            scans.extend(self.walk(batch)?);
        }
        Ok(places
            .iter()
            .filter_map(|at| scans.get(*at).cloned())
            .collect())
    }

    fn walk(&self, selections: &[&InputSelection]) -> Result<Vec<Scan>, ScanError> {
        let index = self.known();
        let selector = Selector::new(selections.iter().copied());
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS);
        let walked = Walk::new(self, &selector, &index)?.run(threads)?;
        let mut scans: Vec<Scan> = Vec::with_capacity(walked.chosen.len());
        let mut seen: HashMap<Vec<u32>, Tree> = HashMap::new();
        for chosen in walked.chosen {
            // Selections that have the same inputs share one tree, and its root digest.
            let tree = seen
                .get(&chosen)
                .cloned()
                .unwrap_or_else(|| Tree::chosen(Arc::clone(&walked.inputs), chosen.clone()));
            seen.entry(chosen).or_insert_with(|| tree.clone());
            scans.push(Scan {
                tree,
                read: walked.read,
            });
        }
        if let Some(learnt) = walked.learnt {
            let file = self.index_file.as_deref().filter(|_| self.learns);
            let learnt = learnt.finish(file);
            *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(learnt));
        }
        Ok(scans)
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

/// More do not help: the walk waits for the kernel.
const MOST_THREADS: usize = 16;
