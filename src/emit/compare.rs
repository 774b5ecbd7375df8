//! What build would change, compared with what is there. Reads, and writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    artifact::{Artifacts, Content, Fact},
    claude_code::{self, Owner},
    comparison::{Change, Comparison, Conflict, Note, Why, edit_of},
    json::parse,
    place::{Place, place},
};
use crate::{
    cache::Digest,
    document::{self, OnEdit, Rendered},
};

/// Compares `artifacts` with what is below `root`. `previous` is what the lock keeps of the last build
/// there; an empty one says only that it is not known.
pub fn compare(
    root: &Path,
    artifacts: &Artifacts,
    previous: &BTreeMap<String, Fact>,
    on_edit: OnEdit,
) -> Comparison {
    let mut work = Work::new(root, previous, on_edit);
    for (path, content) in &artifacts.by_path {
        work.one(path, content);
    }
    for (path, fact) in previous {
        if !artifacts.by_path.contains_key(path) {
            match fact {
                Fact::File { .. } => {}
                Fact::Entries { .. } => work.one(path, &Content::Entries(Vec::new())),
                Fact::Sections { .. } => work.one(path, &Content::Sections(Vec::new())),
            }
        }
    }
    work.orphans(artifacts);
    work.beside();
    let mut found = work.found;
    found.changes.sort_by(|a, b| a.path.cmp(&b.path));
    found.changes.append(&mut work.last);
    found
}

/// A comparison that is being made.
pub(super) struct Work<'a> {
    root: &'a Path,
    pub(super) previous: &'a BTreeMap<String, Fact>,
    pub(super) on_edit: OnEdit,
    pub(super) found: Comparison,
    // Changes of files that are ours by their path alone.
    last: Vec<Change>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        root: &'a Path,
        previous: &'a BTreeMap<String, Fact>,
        on_edit: OnEdit,
    ) -> Self {
        Self {
            root,
            previous,
            on_edit,
            found: Comparison {
                root: root.to_owned(),
                ..Comparison::default()
            },
            last: Vec::new(),
        }
    }
}

impl Work<'_> {
    pub(super) fn conflict(&mut self, path: &str, why: Why, diff: Option<String>) {
        self.found.conflicts.push(Conflict {
            path: path.to_owned(),
            why,
            diff,
        });
    }

    pub(super) fn place(&mut self, path: &str) -> Option<Place> {
        match place(self.root, path) {
            Ok(place) if self.found.places.contains(&place.full) => {
                let why = Why::Unusable("is the same file as another that is written".to_owned());
                self.conflict(path, why, None);
                None
            }
            Ok(place) => {
                self.found.places.push(place.full.clone());
                Some(place)
            }
            Err(why) => {
                self.conflict(path, Why::Unusable(why), None);
                None
            }
        }
    }

    pub(super) fn change(&mut self, path: &str, place: Place, after: Option<String>) {
        if place.text != after {
            if place.read_only {
                return self.conflict(path, Why::Unusable("is read-only".to_owned()), None);
            }
            self.found.changes.push(Change {
                path: path.to_owned(),
                before: place.text,
                after,
                full: place.full,
            });
        }
    }

    fn one(&mut self, path: &str, content: &Content) {
        let Some(place) = self.place(path) else {
            return;
        };
        match content {
            Content::Whole(text) => {
                if place
                    .text
                    .as_deref()
                    .is_none_or(|before| !same(before, text))
                {
                    if place.read_only {
                        let why = Why::Unusable("is read-only".to_owned());
                        return self.conflict(path, why, None);
                    }
                    let after = Some(text.clone());
                    self.last.push(Change {
                        path: path.to_owned(),
                        before: place.text,
                        after,
                        full: place.full,
                    });
                }
            }
            Content::Owned(text) => self.owned(path, place, text),
            Content::Unmarked(text) => self.unmarked(path, place, text),
            Content::Entries(entries) => self.entries(path, place, entries),
            Content::Sections(sections) => self.sections(path, place, sections),
        }
    }

    fn owned(&mut self, path: &str, place: Place, text: &str) {
        let Some(before) = &place.text else {
            self.change(path, place, Some(text.to_owned()));
            return;
        };
        if same(before, text) {
            return;
        }
        let was_ours = matches!(self.previous.get(path), Some(Fact::File { .. }));
        match (claude_code::owner(before), self.on_edit) {
            (Owner::Ours, _) | (Owner::Edited, OnEdit::Overwrite) => {}
            (Owner::Other, _) if self.is_as_built(path, before) => {}
            (Owner::Other, OnEdit::Overwrite) if was_ours => {}
            (Owner::Edited, OnEdit::Keep) => {
                let diff = edit_of(before, text);
                return self.conflict(path, Why::Edited, Some(diff));
            }
            (Owner::Other, OnEdit::Keep) if was_ours => {
                let diff = edit_of(before, text);
                return self.conflict(path, Why::Edited, Some(diff));
            }
            (Owner::Other, _) => return self.conflict(path, Why::NotOurs, None),
        }
        self.change(path, place, Some(text.to_owned()));
    }

    // A role's file as its owner wrote it. What stands there is replaced only where it is what the last
    // build wrote, carries our mark, or its owner says so.
    fn unmarked(&mut self, path: &str, place: Place, text: &str) {
        let replaced = match &place.text {
            None => true,
            Some(before) if same(before, text) => return,
            Some(before) => {
                self.on_edit == OnEdit::Overwrite
                    || self.is_as_built(path, before)
                    || claude_code::owner(before) == Owner::Ours
            }
        };
        if replaced {
            return self.change(path, place, Some(text.to_owned()));
        }
        let diff = edit_of(place.text.as_deref().unwrap_or_default(), text);
        self.conflict(path, Why::Edited, Some(diff));
    }

    fn is_as_built(&self, path: &str, text: &str) -> bool {
        matches!(self.previous.get(path), Some(Fact::File { sha256 }) if *sha256 == Digest::of(text))
    }

    fn sections(&mut self, path: &str, place: Place, sections: &[Rendered]) {
        let before = place.text.clone().unwrap_or_default();
        let refreshed = match document::refresh(&before, sections, self.on_edit) {
            Ok(refreshed) => refreshed,
            Err(error) => {
                let line = error.span().map(|span| {
                    before
                        .get(..span.start)
                        .unwrap_or_default()
                        .matches('\n')
                        .count()
                        + 1
                });
                let line = line
                    .map(|line| format!(", at line {line}"))
                    .unwrap_or_default();
                return self.conflict(
                    path,
                    Why::Unusable(format!("can't be refreshed: {error}{line}")),
                    None,
                );
            }
        };
        for change in refreshed.changes {
            match change {
                document::Change::Edited { title, diff, .. } => {
                    self.conflict(path, Why::EditedSection(title), Some(diff));
                }
                document::Change::Orphaned { slug, .. } => {
                    self.conflict(path, Why::EditedSection(slug), None);
                }
                document::Change::Taken { title, .. } => {
                    self.found.notes.push(Note::HeadingTaken {
                        path: path.to_owned(),
                        title,
                    });
                }
                document::Change::Replaced { .. }
                | document::Change::Added { .. }
                | document::Change::Removed { .. } => {}
            }
        }
        if refreshed.text != before {
            self.change(path, place, Some(refreshed.text));
        }
    }

    // Files of roles that are gone, and agents that someone else calls as we call a role.
    fn orphans(&mut self, artifacts: &Artifacts) {
        let ours = |path: &str| artifacts.by_path.contains_key(path);
        let names: BTreeSet<&str> = artifacts
            .by_path
            .values()
            .filter_map(|content| match content {
                Content::Owned(text) | Content::Unmarked(text) => claude_code::name_of(text),
                Content::Whole(_) | Content::Entries(_) | Content::Sections(_) => None,
            })
            .collect();
        let mut paths: BTreeSet<String> = agent_files(self.root);
        let files = self
            .previous
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::File { .. }));
        paths.extend(files.map(|(path, _)| path.clone()));
        for path in paths {
            if ours(&path) {
                continue;
            }
            // What can't be read is none of ours.
            let Ok(place) = place(self.root, &path) else {
                continue;
            };
            let Some(text) = place.text.clone() else {
                continue;
            };
            let owner = claude_code::owner(&text);
            match (owner, self.on_edit) {
                (Owner::Ours, _) | (Owner::Edited, OnEdit::Overwrite) => {
                    self.found.places.push(place.full.clone());
                    self.change(&path, place, None);
                }
                (Owner::Edited, OnEdit::Keep) => self.conflict(&path, Why::EditedOrphan, None),
                (Owner::Other, _) => {
                    let Some(role) = claude_code::name_of(&text) else {
                        continue;
                    };
                    if names.contains(role) {
                        let role = role.to_owned();
                        self.found.notes.push(Note::SameName { path, role });
                    }
                }
            }
        }
    }

    fn beside(&mut self) {
        for path in claude_code::BESIDE {
            let Ok(Place {
                text: Some(text), ..
            }) = place(self.root, path)
            else {
                continue;
            };
            if let Ok(Some(root)) = parse(&text)
                && claude_code::turns_hooks_off(path, &root.value())
            {
                self.found.notes.push(Note::HooksOff {
                    path: (*path).to_owned(),
                });
            }
        }
    }
}

// The paths of the client's agent files below `root`.
fn agent_files(root: &Path) -> BTreeSet<String> {
    let walk = walkdir::WalkDir::new(root.join(claude_code::FOLDER))
        .max_depth(4)
        .follow_links(false);
    let markdown = |path: &Path| path.extension().is_some_and(|extension| extension == "md");
    walk.into_iter()
        .flatten()
        .filter(|entry| !entry.file_type().is_dir() && markdown(entry.path()))
        .filter_map(|entry| {
            Some(
                entry
                    .path()
                    .strip_prefix(root)
                    .ok()?
                    .to_str()?
                    .replace('\\', "/"),
            )
        })
        .collect()
}

// Line ends are git's to choose.
fn same(before: &str, after: &str) -> bool {
    before == after || before.replace("\r\n", "\n") == after
}
