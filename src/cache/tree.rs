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
    digest::hex,
    proto::{BlobRef, Message, text},
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

/// The inputs of one gate.
///
/// Cheap to clone, and several trees of one scan share their inputs. In the order of
/// [`compare_paths`].
#[derive(Clone, Default)]
pub struct Tree {
    // Invariant: sorted by `compare_paths`, each path once.
    all: Arc<[Input]>,
    // Invariant: indices into `all`, ascending. `None` means all of it.
    chosen: Option<Arc<[u32]>>,
    root: Arc<OnceLock<BlobRef>>,
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.inputs()).finish()
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.inputs().eq(other.inputs())
    }
}

impl Eq for Tree {}

impl FromIterator<Input> for Tree {
    /// Makes a tree of these inputs, in any order. Of two with one path the later one stays.
    fn from_iter<I: IntoIterator<Item = Input>>(inputs: I) -> Self {
        let mut inputs: Vec<Input> = inputs.into_iter().collect();
        inputs.reverse();
        inputs.sort_by(|a, b| compare_paths(&a.path, &b.path));
        inputs.dedup_by(|a, b| a.path == b.path);
        Self::sorted(inputs.into())
    }
}

impl Tree {
    /// Makes a tree of inputs that are in order and have each path once.
    pub(super) fn sorted(all: Arc<[Input]>) -> Self {
        debug_assert!(
            all.is_sorted_by(|a, b| compare_paths(&a.path, &b.path) == Ordering::Less),
            "the inputs of a tree are sorted and distinct"
        );
        Self {
            all,
            chosen: None,
            root: Arc::default(),
        }
    }

    /// Makes a tree of some of these inputs.
    pub(super) fn chosen(all: Arc<[Input]>, chosen: Vec<u32>) -> Self {
        let mut tree = Self::sorted(all);
        if chosen.len() < tree.all.len() {
            tree.chosen = Some(chosen.into());
        }
        tree
    }

    /// Returns how many inputs there are.
    pub fn len(&self) -> usize {
        self.chosen
            .as_ref()
            .map_or(self.all.len(), |chosen| chosen.len())
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns every input, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        (0..self.len()).filter_map(|at| self.at(at))
    }

    /// Returns the input with this path.
    pub fn get(&self, path: &[u8]) -> Option<&Input> {
        self.at(self.first_not_before(path))
            .filter(|input| *input.path == *path)
    }

    /// Returns what one must do to `earlier` to make it `self`.
    pub fn diff(&self, earlier: &Self) -> Diff {
        let mut diff = Diff::default();
        if Arc::ptr_eq(&self.all, &earlier.all) && self.chosen == earlier.chosen {
            return diff;
        }
        let (mut before, mut after) = (earlier.inputs().peekable(), self.inputs().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => compare_paths(&old.path, &new.path),
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            match (old, new) {
                (Some(old), Some(new)) if old.kind != new.kind => {
                    diff.changed.push(new.path.clone());
                }
                (Some(old), None) => diff.removed.push(old.path.clone()),
                (None, Some(new)) => diff.added.push(new.path.clone()),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        for list in [&mut diff.added, &mut diff.removed, &mut diff.changed] {
            list.sort_unstable();
        }
        diff
    }

    /// Returns where a link of this tree leads, by the texts of the links alone.
    pub fn leads(&self, link: &Input) -> Leads {
        let Kind::Link { text, dangling } = &link.kind else {
            return Leads::Inputs;
        };
        if self.reaches(&link.path, text) {
            Leads::Inputs
        } else if *dangling {
            Leads::Nowhere
        } else {
            Leads::Elsewhere
        }
    }

    /// Returns the links that lead to something outside of the tree: what changes there is not in
    /// the key, so a result that may depend on it should not be kept.
    pub fn links_elsewhere(&self) -> Vec<&Input> {
        self.inputs()
            .filter(|input| self.leads(input) == Leads::Elsewhere)
            .collect()
    }

    /// Returns the digest of the tree as a Remote Execution `Directory`.
    ///
    /// Names are in the order of their true bytes. A name or a text of a link that is no UTF-8 is
    /// escaped and stands as it is, in hexadecimal digits, in the property `factory.name` or
    /// `factory.target` of its node, or of the directory itself. A special file is a file without
    /// content and with the property `factory.kind`; a link that leads to no input has the property
    /// `factory.leads`. A directory without inputs is no part of the tree.
    pub fn root_digest(&self) -> Digest {
        self.root_blob().digest
    }

    pub(super) fn root_blob(&self) -> BlobRef {
        *self.root.get_or_init(|| merkle_root(self))
    }

    fn at(&self, at: usize) -> Option<&Input> {
        match &self.chosen {
            None => self.all.get(at),
            Some(chosen) => self.all.get(usize::try_from(*chosen.get(at)?).ok()?),
        }
    }

    fn first_not_before(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let before = self
                .at(middle)
                .is_some_and(|input| compare_paths(&input.path, path) == Ordering::Less);
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn holds_directory(&self, path: &[u8]) -> bool {
        if path.is_empty() {
            return !self.is_empty();
        }
        // A path that ends in a slash sorts before all that is in the directory.
        let within = [path, b"/"].concat();
        self.at(self.first_not_before(&within))
            .is_some_and(|input| input.path.starts_with(&within))
    }

    fn reaches(&self, from: &[u8], text: &[u8]) -> bool {
        let parent = from.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let mut here: Vec<&[u8]> = segments(from.get(..parent).unwrap_or_default()).collect();
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
            if let Some(Input {
                kind: Kind::Link { text, .. },
                ..
            }) = self.get(&here.join(&b'/'))
            {
                if !follow(text) {
                    return false;
                }
                here.pop();
                ahead.extend(segments(text).collect::<Vec<_>>().into_iter().rev());
            }
        }
        let path = here.join(&b'/');
        self.get(&path).is_some() || self.holds_directory(&path)
    }
}

/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty())
}

/// Orders paths as a tree has them: what is in a directory itself comes before what is in the
/// directories in it; each by the bytes of its names.
pub fn compare_paths(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    // The first segment in which they differ starts behind the last common slash.
    let start = a
        .get(..common)
        .and_then(|common| common.iter().rposition(|byte| *byte == b'/'))
        .map_or(0, |slash| slash + 1);
    let (a, b) = (
        a.get(start..).unwrap_or_default(),
        b.get(start..).unwrap_or_default(),
    );
    let a_end = a.iter().position(|byte| *byte == b'/');
    let b_end = b.iter().position(|byte| *byte == b'/');
    match (a_end, b_end) {
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (None, None) => a.cmp(b),
        (Some(a_end), Some(b_end)) => a.get(..a_end).cmp(&b.get(..b_end)),
    }
}

/// A `Directory` while its entries are written.
#[derive(Default)]
struct Open {
    // How much of the path of an input in it is the directory.
    path_length: usize,
    name: Box<[u8]>,
    files: Message,
    directories: Message,
    links: Message,
}

impl Open {
    fn close(mut self) -> (Box<[u8]>, BlobRef) {
        self.files.append(&self.directories);
        self.files.append(&self.links);
        if !text(&self.name).1 {
            self.files
                .message(5, &node_properties(&[("factory.name", hex(&self.name))]));
        }
        (self.name, self.files.blob_ref())
    }
}

fn merkle_root(tree: &Tree) -> BlobRef {
    let mut open = vec![Open::default()];
    let mut current: &[u8] = b"";
    let mut node = Message::default();
    for input in tree.inputs() {
        let slash = input.path.iter().rposition(|byte| *byte == b'/');
        let parent = slash
            .and_then(|slash| input.path.get(..slash))
            .unwrap_or_default();
        let name = slash
            .and_then(|slash| input.path.get(slash + 1..))
            .unwrap_or(&input.path);
        if parent != current {
            close_to(&mut open, |path_length| {
                is_within(parent, current.get(..path_length))
            });
            let mut end = open.last().map_or(0, |directory| directory.path_length);
            while end < parent.len() {
                let start = if end == 0 { 0 } else { end + 1 };
                let rest = parent.get(start..).unwrap_or_default();
                end = start
                    + rest
                        .iter()
                        .position(|byte| *byte == b'/')
                        .unwrap_or(rest.len());
                open.push(Open {
                    path_length: end,
                    name: parent.get(start..end).unwrap_or_default().into(),
                    ..Open::default()
                });
            }
            current = parent;
        }
        if let Some(directory) = open.last_mut() {
            write_node(&mut node, name, tree, input);
            match input.kind {
                Kind::File { .. } | Kind::Other(_) => directory.files.message(1, &node),
                Kind::Link { .. } => directory.links.message(3, &node),
            }
        }
    }
    close_to(&mut open, |path_length| path_length == 0);
    open.pop().unwrap_or_default().close().1
}

fn is_within(path: &[u8], directory: Option<&[u8]>) -> bool {
    directory.is_some_and(|directory| {
        directory.is_empty()
            || path
                .strip_prefix(directory)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// Closes the innermost directories up to one that stays, whose path has the length asked about.
fn close_to(open: &mut Vec<Open>, stays: impl Fn(usize) -> bool) {
    while open.len() > 1
        && open
            .last()
            .is_some_and(|directory| !stays(directory.path_length))
    {
        let Some((name, blob)) = open.pop().map(Open::close) else {
            return;
        };
        if let Some(parent) = open.last_mut() {
            let mut node = Message::default();
            node.bytes(1, text(&name).0.as_bytes());
            node.blob(2, blob);
            parent.directories.message(2, &node);
        }
    }
}

fn write_node(node: &mut Message, name: &[u8], tree: &Tree, input: &Input) {
    node.clear();
    let (shown, whole) = text(name);
    node.bytes(1, shown.as_bytes());
    let mut properties: Vec<(&str, String)> = Vec::new();
    if !whole {
        properties.push(("factory.name", hex(name)));
    }
    match &input.kind {
        Kind::File {
            digest,
            size,
            executable,
        } => {
            node.blob(
                2,
                BlobRef {
                    digest: *digest,
                    size: *size,
                },
            );
            node.integer(4, u64::from(*executable));
        }
        Kind::Other(special) => {
            node.blob(
                2,
                BlobRef {
                    digest: Digest::of(b""),
                    size: 0,
                },
            );
            properties.push(("factory.kind", special.name().to_owned()));
        }
        Kind::Link { text: target, .. } => {
            let (shown, whole) = text(target);
            node.bytes(2, shown.as_bytes());
            if !whole {
                properties.push(("factory.target", hex(target)));
            }
            match tree.leads(input) {
                Leads::Inputs => {}
                Leads::Elsewhere => properties.push(("factory.leads", "elsewhere".to_owned())),
                Leads::Nowhere => properties.push(("factory.leads", "nowhere".to_owned())),
            }
        }
    }
    if !properties.is_empty() {
        properties.sort_unstable();
        let field = if matches!(input.kind, Kind::Link { .. }) {
            4
        } else {
            6
        };
        node.message(field, &node_properties(&properties));
    }
}

fn node_properties(properties: &[(&str, String)]) -> Message {
    let mut all = Message::default();
    for (name, value) in properties {
        let mut property = Message::default();
        property.bytes(1, name.as_bytes());
        property.bytes(2, value.as_bytes());
        all.message(1, &property);
    }
    all
}
