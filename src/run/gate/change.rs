//! What is different between two trees.

use std::{borrow::Cow, ffi::OsString, os::unix::ffi::OsStringExt as _};

use crate::boundary::{Entry, PathPattern};

/// What is different between two trees, in the order of the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    files: Vec<ChangedFile>,
}

/// One file that is not the same in both trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedFile {
    /// Its path below the top.
    pub path: OsString,
    /// What it was, if it was there.
    pub before: Option<Blob>,
    /// What it is, if it is there.
    pub after: Option<Blob>,
}

/// A file as git knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its type and permissions, in octal digits.
    pub mode: String,
    /// The name of its content.
    pub id: String,
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
    /// Reads what `git diff-tree --raw -z` writes.
    pub(super) fn read(raw: &[u8]) -> Self {
        let mut files = Vec::new();
        let mut fields = raw.split(|byte| *byte == 0);
        while let (Some(facts), Some(path)) = (fields.next(), fields.next()) {
            let facts = String::from_utf8_lossy(facts);
            let mut words = facts.trim_start_matches(':').split(' ');
            let (Some(old), Some(new), Some(from), Some(to)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            let blob = |mode: &str, id: &str| {
                mode.bytes().any(|digit| digit != b'0').then(|| Blob {
                    mode: mode.to_owned(),
                    id: id.to_owned(),
                })
            };
            files.push(ChangedFile {
                path: OsString::from_vec(path.to_vec()),
                before: blob(old, from),
                after: blob(new, to),
            });
        }
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
