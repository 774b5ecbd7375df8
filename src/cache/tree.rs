//! What a gate may look at: every input with its path, type, mode and content.
//!
//! A [`Tree`] compares and hashes the same wherever it was scanned: nothing in it names the folder
//! it came from, an owner, or a time. Its root digest is that of a Remote Execution `Directory`.
//! It does not know how it was scanned, nor which gate it is for.

use std::{
    cmp::Ordering,
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    Digest,
    folder::{Folder, compare_folders, is_within, join, split},
    merkle,
    proto::BlobRef,
    selection::Mask,
};

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The path below the root, as bytes, without a slash at either end.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
}

/// What an input is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// The digest of its bytes.
        digest: Digest,
        /// How many bytes it has.
        size: u64,
        /// Whether its owner may execute it; the other bits differ from checkout to checkout.
        executable: bool,
    },
    /// A symbolic link. It is not followed.
    Link {
        /// The text of the link.
        text: Box<[u8]>,
        /// Whether there is nothing where it leads, or a cycle.
        dangling: bool,
    },
    /// Something that is never opened.
    Other(Special),
}

/// What is neither file, nor link, nor directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// What the system has no name for.
    Unknown,
}

impl Special {
    const ALL: [Self; 5] = [
        Self::Fifo,
        Self::Socket,
        Self::CharacterDevice,
        Self::BlockDevice,
        Self::Unknown,
    ];

    /// Returns the name for people and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::CharacterDevice => "character-device",
            Self::BlockDevice => "block-device",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the kind with this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|special| special.name().as_bytes() == name)
    }
}

/// Where a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// To an input, or a directory that holds one: what it shows is in the tree.
    Inputs,
    /// To something that is not in the tree, so that a change there goes unseen.
    Elsewhere,
    /// To nothing.
    Nowhere,
}

/// How two trees differ; each list in the order of the bytes of the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// What only the later tree has.
    pub added: Vec<Box<[u8]>>,
    /// What only the earlier tree has.
    pub removed: Vec<Box<[u8]>>,
    /// What both have, and not the same.
    pub changed: Vec<Box<[u8]>>,
}

impl Diff {
    /// Returns whether the trees are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Returns how many paths differ.
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

/// A path for people: bytes that are no text, and control characters, are escaped.
#[derive(Debug, Clone, Copy)]
pub struct ShownPath<'a>(pub &'a [u8]);

impl fmt::Display for ShownPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if letter.is_control() {
                    write!(f, "{}", letter.escape_default())?;
                } else {
                    write!(f, "{letter}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// An input of a tree.
#[derive(Debug, Clone, Copy)]
pub struct InputRef<'a> {
    folder: &'a [u8],
    name: &'a [u8],
    /// What it is.
    pub kind: &'a Kind,
}

impl InputRef<'_> {
    /// Returns the path below the root, as bytes, without a slash at either end.
    pub fn path(&self) -> Box<[u8]> {
        join(self.folder, self.name)
    }

    /// Makes `path` the input's.
    pub(super) fn write_path(&self, path: &mut Vec<u8>) {
        path.clear();
        path.extend_from_slice(self.folder);
        if !self.folder.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(self.name);
    }

    /// Returns the input by itself.
    pub fn to_input(&self) -> Input {
        Input {
            path: self.path(),
            kind: self.kind.clone(),
        }
    }

    pub(super) const fn name(&self) -> &[u8] {
        self.name
    }

    fn is_at(&self, other: &Self) -> bool {
        self.name == other.name && self.folder == other.folder
    }
}

/// The inputs of one gate.
///
/// Cheap to clone, and several trees of one scan share their inputs. What is in a folder itself comes
/// before what is in the folders in it; each by the bytes of its names.
#[derive(Clone, Default)]
pub struct Tree {
    // Invariant: sorted by `compare_folders`, each path once.
    folders: Arc<[Folder]>,
    // Which inputs are of this tree: those that have a bit of it.
    mask: Mask,
    len: usize,
    root: Arc<OnceLock<BlobRef>>,
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.inputs()).finish()
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (InputRef<'_>, InputRef<'_>)| a.is_at(&b) && a.kind == b.kind;
        self.len == other.len && self.inputs().zip(other.inputs()).all(same)
    }
}

impl Eq for Tree {}

impl FromIterator<Input> for Tree {
    /// Makes a tree of these inputs, in any order. Of two with one path the later one stays.
    fn from_iter<I: IntoIterator<Item = Input>>(inputs: I) -> Self {
        let mut inputs: Vec<Input> = inputs.into_iter().collect();
        inputs.reverse();
        inputs.sort_by(|a, b| {
            let (a, b) = (split(&a.path), split(&b.path));
            compare_folders(a.0, b.0).then_with(|| a.1.cmp(b.1))
        });
        inputs.dedup_by(|a, b| a.path == b.path);
        let len = inputs.len();
        let mut folders: Vec<Folder> = Vec::new();
        for Input { path, kind } in inputs {
            let (folder, name) = split(&path);
            if folders.last().is_none_or(|last| *last.path != *folder) {
                folders.push(Folder {
                    path: folder.into(),
                    ..Folder::default()
                });
            }
            if let Some(last) = folders.last_mut() {
                last.files.push(name, 1, kind);
            }
        }
        Self::chosen(folders.into(), 1, len, Arc::default())
    }
}

impl Tree {
    /// Makes a tree of the inputs in sorted folders that have a bit of `mask`; there are `len`. Trees
    /// of the same inputs share what is found out about their root.
    pub(super) fn chosen(
        folders: Arc<[Folder]>,
        mask: Mask,
        len: usize,
        root: Arc<OnceLock<BlobRef>>,
    ) -> Self {
        debug_assert!(
            folders.is_sorted_by(|a, b| compare_folders(&a.path, &b.path) == Ordering::Less),
            "the folders of a tree are sorted and distinct"
        );
        Self {
            folders,
            mask,
            len,
            root,
        }
    }

    /// Returns how many inputs there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns every input, in order.
    pub fn inputs(&self) -> impl Iterator<Item = InputRef<'_>> {
        self.folders.iter().flat_map(|folder| self.within(folder))
    }

    /// Returns the folders that hold the inputs of this tree, and inputs of others maybe.
    pub(super) fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// Returns the inputs of this tree that a folder holds itself.
    pub(super) fn within<'a>(&self, folder: &'a Folder) -> impl Iterator<Item = InputRef<'a>> {
        let mask = self.mask;
        folder
            .files
            .iter()
            .filter(move |file| file.mask & mask != 0)
            .map(|file| InputRef {
                folder: &folder.path,
                name: file.name,
                kind: file.kind,
            })
    }

    /// Returns whether all inputs that a folder holds itself are of this tree.
    pub(super) fn has_all_of(&self, folder: &Folder) -> bool {
        let mut files = folder.files.iter();
        files.all(|file| file.mask & self.mask != 0)
    }

    /// Returns the input with this path.
    pub fn get(&self, path: &[u8]) -> Option<InputRef<'_>> {
        let (folder, name) = split(path);
        let folder = self.folders.get(self.position(folder).ok()?)?;
        let file = folder.files.at(folder.files.position(name).ok()?)?;
        (file.mask & self.mask != 0).then_some(InputRef {
            folder: &folder.path,
            name: file.name,
            kind: file.kind,
        })
    }

    /// Returns whether a path that satisfies `is` is one of an input.
    pub(super) fn any_path(&self, is: impl Fn(&[u8]) -> bool) -> bool {
        let mut path = Vec::new();
        self.folders.iter().any(|folder| {
            path.clear();
            path.extend_from_slice(&folder.path);
            if !path.is_empty() {
                path.push(b'/');
            }
            let start = path.len();
            self.within(folder).any(|input| {
                path.truncate(start);
                path.extend_from_slice(input.name);
                is(&path)
            })
        })
    }

    /// Returns what one must do to `earlier` to make it `self`.
    pub fn diff(&self, earlier: &Self) -> Diff {
        let mut diff = Diff::default();
        if Arc::ptr_eq(&self.folders, &earlier.folders) && self.mask == earlier.mask {
            return diff;
        }
        let (mut before, mut after) = (earlier.inputs().peekable(), self.inputs().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => {
                    compare_folders(old.folder, new.folder).then_with(|| old.name.cmp(new.name))
                }
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            match (old, new) {
                (Some(old), Some(new)) if old.kind != new.kind => diff.changed.push(new.path()),
                (Some(old), None) => diff.removed.push(old.path()),
                (None, Some(new)) => diff.added.push(new.path()),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        for list in [&mut diff.added, &mut diff.removed, &mut diff.changed] {
            list.sort_unstable();
        }
        diff
    }

    /// Returns where a link of this tree leads, by the texts of the links alone.
    pub fn leads(&self, link: &InputRef<'_>) -> Leads {
        let Kind::Link { text, dangling } = link.kind else {
            return Leads::Inputs;
        };
        if self.reaches(link.folder, text) {
            Leads::Inputs
        } else if *dangling {
            Leads::Nowhere
        } else {
            Leads::Elsewhere
        }
    }

    /// Returns the links that lead to something outside of the tree: what changes there is not in
    /// the key, so a result that may depend on it should not be kept.
    pub fn links_elsewhere(&self) -> Vec<InputRef<'_>> {
        self.inputs()
            .filter(|input| self.leads(input) == Leads::Elsewhere)
            .collect()
    }

    /// Returns a device among the inputs: what it gives when it is read is in no key.
    pub fn device(&self) -> Option<InputRef<'_>> {
        self.inputs().find(|input| match input.kind {
            Kind::Other(special) => match special {
                Special::CharacterDevice | Special::BlockDevice | Special::Unknown => true,
                Special::Fifo | Special::Socket => false,
            },
            Kind::File { .. } | Kind::Link { .. } => false,
        })
    }

    /// Returns the digest of the tree as a Remote Execution `Directory`.
    ///
    /// Names are in the order in which they are written. A name or a text of a link that is no UTF-8,
    /// or has `\x` in it, is escaped and stands as it is, in hexadecimal digits, in the property `factory.name` or
    /// `factory.target` of its node, or of the directory itself. A special file is a file without
    /// content and with the property `factory.kind`; a link that leads to no input has the property
    /// `factory.leads`. A directory without inputs is no part of the tree.
    pub fn root_digest(&self) -> Digest {
        self.root_blob().digest
    }

    pub(super) fn root_blob(&self) -> BlobRef {
        *self.root.get_or_init(|| merkle::root(self))
    }

    /// Returns whether it is made of these folders.
    pub(super) fn is_of(&self, folders: &Arc<[Folder]>) -> bool {
        Arc::ptr_eq(&self.folders, folders)
    }

    fn position(&self, folder: &[u8]) -> Result<usize, usize> {
        self.folders
            .binary_search_by(|known| compare_folders(&known.path, folder))
    }

    /// Returns whether there is an input in this folder, or in one in it.
    pub(super) fn holds_directory(&self, path: &[u8]) -> bool {
        let (Ok(from) | Err(from)) = self.position(path);
        let within = |folder: &&Folder| is_within(&folder.path, path);
        let folders = self.folders.get(from..).unwrap_or_default();
        folders
            .iter()
            .take_while(within)
            .any(|folder| self.within(folder).next().is_some())
    }

    fn reaches(&self, from: &[u8], text: &[u8]) -> bool {
        let mut here: Vec<&[u8]> = segments(from).collect();
        let mut ahead: Vec<&[u8]> = Vec::new();
        let mut links = 0;
        let mut follow = |text: &'_ [u8]| {
            links += 1;
            links <= MOST_LINKS && !text.starts_with(b"/") && !text.is_empty()
        };
        if !follow(text) {
            return false;
        }
        ahead.extend(segments(text).collect::<Vec<_>>().into_iter().rev());
        while let Some(segment) = ahead.pop() {
            match segment {
                b"." => continue,
                b".." => {
                    if here.pop().is_none() {
                        return false;
                    }
                    continue;
                }
                name => here.push(name),
            }
            let path = here.join(&b'/');
            if let Some(InputRef {
                kind: Kind::Link { text, .. },
                ..
            }) = self.get(&path)
            {
                if !follow(text) {
                    return false;
                }
                here.pop();
                ahead.extend(segments(text).collect::<Vec<_>>().into_iter().rev());
            } else if !ahead.is_empty() && !self.holds_directory(&path) {
                // It may be a link that is no input, and lead anywhere.
                return false;
            }
        }
        let path = here.join(&b'/');
        self.get(&path).is_some() || self.holds_directory(&path)
    }
}

/// As many links as the kernel follows.
pub(super) const MOST_LINKS: u32 = 40;

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty())
}
