//! What is different between two trees.

use std::borrow::Cow;

pub(super) use super::super::git::ChangedFile;
use crate::boundary::{Entry, PathPattern};

/// What is different between two trees, in the order of the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    files: Vec<ChangedFile>,
}

impl ChangedFile {
    /// Returns the path as patterns see it.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        self.path.to_string_lossy()
    }

    /// Returns whether it was not there before.
    pub(super) const fn is_added(&self) -> bool {
        self.before.is_none()
    }
}

impl Change {
    /// Returns the change of these files.
    pub(super) const fn of(files: Vec<ChangedFile>) -> Self {
        Self { files }
    }

    /// Returns the files, in the order of their paths.
    pub(super) fn files(&self) -> &[ChangedFile] {
        &self.files
    }

    /// Returns whether the trees are the same.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the files that `entries` mean.
    pub(super) fn among<'a>(
        &'a self,
        entries: &'a [Entry<PathPattern>],
    ) -> impl Iterator<Item = &'a ChangedFile> {
        self.files
            .iter()
            .filter(|file| entries.iter().any(|entry| entry.gives(&file.shown())))
    }
}
