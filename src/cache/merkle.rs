//! The root of a tree as a Remote Execution `Directory`.

use std::{
    iter,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Digest, Kind, Leads, Tree,
    digest::hex,
    folder::{Files, Folder, is_within},
    proto::{BlobRef, Message, text},
    scan::threads,
};

/// With fewer inputs it is not worth while to start a thread.
const WORTH_A_THREAD: usize = 4000;
/// How many folders a thread takes at once.
const CHUNK: usize = 8;

/// The nodes of the inputs that a folder holds itself.
#[derive(Default)]
struct Own {
    files: Message,
    links: Message,
}

impl Own {
    fn add(&mut self, node: &Message, kind: &Kind) {
        match kind {
            Kind::File { .. } | Kind::Other(_) => self.files.message(1, node),
            Kind::Link { .. } => self.links.message(3, node),
        }
    }
}

/// What a folder comes to before those in it are known.
enum Part {
    /// Nothing of this tree is in it.
    Empty,
    /// There are no folders in it, so it is done.
    Done(BlobRef),
    Open(Own),
}

/// Returns the digest and the length of the root's message.
pub(super) fn root(tree: &Tree) -> BlobRef {
    let parts = parts(tree);
    let mut open = vec![Open::default()];
    for (folder, part) in tree.folders().iter().zip(parts) {
        let path = &*folder.path;
        match part {
            Part::Empty => {}
            Part::Done(blob) if !path.is_empty() => {
                let (above, name) = super::folder::split(path);
                open_up_to(&mut open, above);
                if let Some(parent) = open.last_mut() {
                    parent.add(name, blob);
                }
            }
            Part::Done(blob) => return blob,
            Part::Open(own) => {
                open_up_to(&mut open, path);
                if let Some(last) = open.last_mut() {
                    last.own = own;
                }
            }
        }
    }
    open_up_to(&mut open, b"");
    open.pop().unwrap_or_default().close()
}

fn parts(tree: &Tree) -> Vec<Part> {
    let folders = tree.folders();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(rest) = folders.get(start..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            let chunk = rest.iter().take(CHUNK).enumerate();
            let made: Vec<Part> = chunk
                .map(|(at, folder)| part(tree, folder, rest.get(at + 1)))
                .collect();
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((start, made));
        }
    };
    let more = if tree.len() < WORTH_A_THREAD {
        0
    } else {
        threads() - 1
    };
    thread::scope(|scope| {
        for _ in 0..more {
            scope.spawn(work);
        }
        work();
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|(start, _)| *start);
    found.into_iter().flat_map(|(_, parts)| parts).collect()
}

/// Returns the message of a folder that holds these and nothing else; nothing unless they are plain files
/// whose names are text: what a link leads to is for a tree to say.
pub(super) fn message_of(path: &[u8], files: &Files) -> Option<BlobRef> {
    let (mut own, mut node) = (Own::default(), Message::default());
    for file in files.iter() {
        let is_plain = matches!(file.kind, Kind::File { .. });
        if !is_plain || !write_node(&mut node, file.name, file.kind, || Leads::Inputs) {
            return None;
        }
        own.add(&node, file.kind);
    }
    let name = super::folder::split(path).1;
    (files.len() > 0).then(|| close(own, &Message::default(), name))
}

fn part(tree: &Tree, folder: &Folder, next: Option<&Folder>) -> Part {
    let is_last = next.is_none_or(|next| !is_within(&next.path, &folder.path));
    if let Some(message) = folder
        .message
        .filter(|_| is_last && tree.has_all_of(folder))
    {
        return Part::Done(message);
    }
    let mut own = Own::default();
    let (mut node, mut empty, mut whole) = (Message::default(), true, true);
    for input in tree.within(folder) {
        empty = false;
        whole &= write_node(&mut node, input.name(), input.kind, || tree.leads(&input));
        own.add(&node, input.kind);
    }
    if !whole {
        own = in_order_as_written(tree, folder);
    }
    match (empty, is_last) {
        (true, _) => Part::Empty,
        (false, true) => Part::Done(close(own, &Message::default(), name_of(folder))),
        (false, false) => Part::Open(own),
    }
}

/// Returns the nodes of a folder in the order of their names as they are written, which is another
/// than that of their bytes where some are no text.
fn in_order_as_written(tree: &Tree, folder: &Folder) -> Own {
    let mut nodes: Vec<_> = tree
        .within(folder)
        .map(|input| {
            let mut node = Message::default();
            write_node(&mut node, input.name(), input.kind, || tree.leads(&input));
            let name = text(input.name()).0.into_owned();
            (name, node, input.kind)
        })
        .collect();
    nodes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut own = Own::default();
    for (_, node, kind) in nodes {
        own.add(&node, kind);
    }
    own
}

fn name_of(folder: &Folder) -> &[u8] {
    super::folder::split(&folder.path).1
}

/// A `Directory` while the folders in it are added.
#[derive(Default)]
struct Open {
    path: Vec<u8>,
    own: Own,
    // By their names as they are written.
    directories: Vec<(String, BlobRef)>,
}

impl Open {
    fn add(&mut self, name: &[u8], blob: BlobRef) {
        self.directories.push((text(name).0.into_owned(), blob));
    }

    fn close(mut self) -> BlobRef {
        let name = super::folder::split(&self.path).1;
        self.directories.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut directories, mut node) = (Message::default(), Message::default());
        for (name, blob) in self.directories {
            node.clear();
            node.bytes(1, name.as_bytes());
            node.blob(2, blob);
            directories.message(2, &node);
        }
        close(self.own, &directories, name)
    }
}

fn close(own: Own, directories: &Message, name: &[u8]) -> BlobRef {
    let mut message = own.files;
    message.append(directories);
    message.append(&own.links);
    if !text(name).1 {
        message.message(5, &node_properties(&[("factory.name", hex(name))]));
    }
    message.blob_ref()
}

/// Closes what `path` is not in, and opens what leads to it.
fn open_up_to(open: &mut Vec<Open>, path: &[u8]) {
    while open.len() > 1 && open.last().is_some_and(|last| !is_within(path, &last.path)) {
        let Some(closed) = open.pop() else { return };
        let name = super::folder::split(&closed.path).1.to_vec();
        let blob = closed.close();
        if let Some(parent) = open.last_mut() {
            parent.add(&name, blob);
        }
    }
    let start = open.last().map_or(0, |last| last.path.len());
    let ends = path.iter().enumerate().skip(start + 1);
    let ends = ends.filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for end in ends
        .chain(iter::once(path.len()))
        .filter(|end| *end > start)
    {
        open.push(Open {
            path: path.get(..end).unwrap_or_default().to_vec(),
            ..Open::default()
        });
    }
}

/// Returns whether the name is written as it is.
fn write_node(node: &mut Message, name: &[u8], kind: &Kind, leads: impl FnOnce() -> Leads) -> bool {
    node.clear();
    let (shown, whole) = text(name);
    node.bytes(1, shown.as_bytes());
    let mut properties: Vec<(&str, String)> = Vec::new();
    if !whole {
        properties.push(("factory.name", hex(name)));
    }
    let field = match kind {
        Kind::File {
            digest,
            size,
            executable,
        } => {
            let (digest, size) = (*digest, *size);
            node.blob(2, BlobRef { digest, size });
            node.integer(4, u64::from(*executable));
            6
        }
        Kind::Other(special) => {
            let (digest, size) = (Digest::of(b""), 0);
            node.blob(2, BlobRef { digest, size });
            properties.push(("factory.kind", special.name().to_owned()));
            6
        }
        Kind::Link { text: target, .. } => {
            let (shown, target_whole) = text(target);
            node.bytes(2, shown.as_bytes());
            if !target_whole {
                properties.push(("factory.target", hex(target)));
            }
            match leads() {
                Leads::Inputs => {}
                Leads::Elsewhere => properties.push(("factory.leads", "elsewhere".to_owned())),
                Leads::Nowhere => properties.push(("factory.leads", "nowhere".to_owned())),
            }
            4
        }
    };
    if !properties.is_empty() {
        properties.sort_unstable();
        node.message(field, &node_properties(&properties));
    }
    whole
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
