//! What build would change, compared with what is there. Reads, and writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use super::{
    artifact::{Artifacts, Content, Fact},
    claude_code::{self, Owner, Reading},
    comparison::{Change, Comparison, Conflict, Note, Seen, Why, edit_of},
    known::{Known, Record, is_blank},
    place::{Place, place},
};
use crate::document::{self, OnEdit, Rendered, sides, with_line_feeds};

/// Compares `artifacts` with what is below `root`, where `known` says what the last build wrote.
pub fn compare(root: &Path, artifacts: &Artifacts, known: &Known, on_edit: OnEdit) -> Comparison {
    let known = known.with_what_is_certain(root);
    let mut work = Work::new(root, &known, on_edit);
    for (path, content) in &artifacts.by_path {
        work.one(path, content);
    }
    for path in known.paths() {
        if artifacts.by_path.contains_key(path) {
            continue;
        }
        match known.facts(path).next() {
            Some(Fact::Entries { .. }) => work.one(path, &Content::Entries(Vec::new())),
            Some(Fact::Sections { .. }) => work.one(path, &Content::Sections(Vec::new())),
            Some(Fact::File { .. }) | None => {}
        }
    }
    work.orphans(artifacts);
    work.beside();
    let mut found = work.found;
    found.changes.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Compares also the `text` of a file that is ours by its path alone, such as the lock: what stands there is
/// replaced, last of all, unless it is known to be someone else's.
pub fn compare_last(
    found: Comparison,
    path: &str,
    text: String,
    known: &Known,
    on_edit: OnEdit,
) -> Comparison {
    let root = found.root.clone();
    let mut work = Work::after(&root, found, known, on_edit);
    if let Some(place) = work.place(path) {
        work.whole(path, place, text);
    }
    work.found
}

/// A comparison that is being made.
pub(super) struct Work<'a> {
    root: &'a Path,
    pub(super) known: &'a Known,
    pub(super) on_edit: OnEdit,
    pub(super) found: Comparison,
    // The places that have been looked at.
    seen: HashSet<PathBuf>,
}

impl<'a> Work<'a> {
    pub(super) fn new(root: &'a Path, known: &'a Known, on_edit: OnEdit) -> Self {
        let found = Comparison {
            root: root.to_owned(),
            ..Comparison::default()
        };
        Self::after(root, found, known, on_edit)
    }

    fn after(root: &'a Path, found: Comparison, known: &'a Known, on_edit: OnEdit) -> Self {
        let seen = found.seen.iter().map(|seen| seen.full.clone()).collect();
        Self {
            root,
            known,
            on_edit,
            found,
            seen,
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
            Ok(place) if self.seen.contains(&place.full) => {
                let why = Why::Unusable("is the same file as another that is written".to_owned());
                self.conflict(path, why, None);
                None
            }
            Ok(place) => {
                self.see(path, &place);
                Some(place)
            }
            Err(why) => {
                self.conflict(path, Why::Unusable(why), None);
                None
            }
        }
    }

    fn see(&mut self, path: &str, place: &Place) {
        self.seen.insert(place.full.clone());
        self.found.seen.push(Seen {
            path: path.to_owned(),
            full: place.full.clone(),
            text: place.text.clone(),
        });
    }

    pub(super) fn change(&mut self, path: &str, place: Place, after: Option<String>) {
        if place.text == after {
            return;
        }
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

    // Makes what stands there once all of ours is taken out: nothing, where nothing else is in it. A file
    // that was there before, or that a link leads to, stays.
    pub(super) fn emptied(&self, path: &str, place: &Place, text: String) -> Option<String> {
        if !is_blank(&text) {
            return Some(text);
        }
        match self.known.found(path) {
            Some(found) => Some(found.to_owned()),
            None => place.linked.then_some(text),
        }
    }

    // Makes a text of what stands there. Where git has left the marks of a merge in it, and both sides come
    // to the same, there is nothing for a person to decide.
    pub(super) fn made(
        &mut self,
        text: &str,
        make: impl Fn(&mut Self, &str) -> Option<String>,
    ) -> Option<String> {
        if let Some([ours, theirs]) = sides(text) {
            let outcome = |side: &str| {
                let mut trial = Work::new(self.root, self.known, self.on_edit);
                let made = make(&mut trial, side);
                made.filter(|_| trial.found.conflicts.is_empty())
            };
            if let Some(one) = outcome(&ours)
                && outcome(&theirs) == Some(one)
            {
                return make(self, &ours);
            }
        }
        make(self, text)
    }

    fn one(&mut self, path: &str, content: &Content) {
        let Some(place) = self.place(path) else {
            return;
        };
        match content {
            Content::Owned(text) => self.owned(path, place, text),
            Content::Unmarked(text) => self.unmarked(path, place, text),
            Content::Entries(entries) => self.entries(path, place, entries),
            Content::Sections(sections) => self.sections(path, place, sections),
        }
    }

    fn whole(&mut self, path: &str, place: Place, text: String) {
        match &place.text {
            Some(before) if same(before, &text) => return,
            Some(_) if self.known.record() == Record::Foreign && self.on_edit == OnEdit::Keep => {
                return self.conflict(path, Why::Foreign, None);
            }
            Some(_) | None => {}
        }
        self.change(path, place, Some(text));
    }

    fn owned(&mut self, path: &str, place: Place, text: &str) {
        let Some(before) = &place.text else {
            self.change(path, place, Some(text.to_owned()));
            return;
        };
        if same(before, text) {
            return;
        }
        let was_ours = self.known.wrote_file(path);
        match (owner(before), self.on_edit) {
            (Owner::Ours, _) | (Owner::Edited, OnEdit::Overwrite) => {}
            (Owner::Other, _) if self.is_as_built(path, before) => {}
            (Owner::Other, OnEdit::Overwrite) if was_ours => {}
            (Owner::Edited, OnEdit::Keep) => {
                let diff = edit_of(before, Some(text));
                return self.conflict(path, Why::Edited, Some(diff));
            }
            (Owner::Other, OnEdit::Keep) if was_ours => {
                let diff = edit_of(before, Some(text));
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
                    || owner(before) == Owner::Ours
            }
        };
        if replaced {
            return self.change(path, place, Some(text.to_owned()));
        }
        let diff = edit_of(place.text.as_deref().unwrap_or_default(), Some(text));
        self.conflict(path, Why::Edited, Some(diff));
    }

    // A merge that failed between two builds is no edit.
    fn is_as_built(&self, path: &str, text: &str) -> bool {
        let built = |text: &str| self.known.is_as_built(path, text);
        built(text) || sides(text).is_some_and(|sides| sides.iter().all(|side| built(side)))
    }

    fn sections(&mut self, path: &str, place: Place, sections: &[Rendered]) {
        let before = place.text.clone().unwrap_or_default();
        let after = self.made(&before, |work, text| work.refreshed(path, text, sections));
        let Some(after) = after.filter(|after| *after != before) else {
            return;
        };
        let after = if sections.is_empty() {
            self.emptied(path, &place, after)
        } else {
            Some(after)
        };
        self.change(path, place, after);
    }

    // Returns the document with its sections; nothing where its markers can't be read.
    fn refreshed(&mut self, path: &str, before: &str, sections: &[Rendered]) -> Option<String> {
        let refreshed = match document::refresh(before, sections, self.on_edit) {
            Ok(refreshed) => refreshed,
            Err(error) => {
                let line = error.span().map(|span| {
                    let above = before.get(..span.start).unwrap_or_default();
                    format!(", at line {}", above.matches('\n').count() + 1)
                });
                let why = format!("can't be refreshed: {error}{}", line.unwrap_or_default());
                self.conflict(path, Why::Unusable(why), None);
                return None;
            }
        };
        for change in refreshed.changes {
            match change {
                document::Change::Edited { title, diff, .. } => {
                    self.conflict(path, Why::EditedSection(title), Some(diff));
                }
                document::Change::Orphaned { slug, span } => {
                    let diff = edit_of(before.get(span).unwrap_or_default(), None);
                    self.conflict(path, Why::EditedOrphanSection(slug), Some(diff));
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
        Some(refreshed.text)
    }

    // Files of roles that are gone, and agents that someone else calls as we call a role.
    fn orphans(&mut self, artifacts: &Artifacts) {
        let names: BTreeSet<&str> = artifacts
            .by_path
            .values()
            .filter_map(|content| match content {
                Content::Owned(text) | Content::Unmarked(text) => claude_code::name_of(text),
                Content::Entries(_) | Content::Sections(_) => None,
            })
            .collect();
        let mut paths: BTreeSet<String> = agent_files(self.root);
        let known = self.known;
        let written = known.paths().into_iter();
        paths.extend(
            written
                .filter(|path| known.wrote_file(path))
                .map(str::to_owned),
        );
        for path in paths {
            if artifacts.by_path.contains_key(&path) {
                continue;
            }
            // What can't be read is none of ours.
            let Ok(place) = place(self.root, &path) else {
                continue;
            };
            let written = known.wrote_file(&path);
            let Some(text) = place.text.clone() else {
                // A build that was killed may have left something beside it.
                if written {
                    self.see(&path, &place);
                }
                continue;
            };
            let owner = owner(&text);
            // Whoever copies a file of ours has one of their own.
            let is_ours = written
                || (known.record() == Record::Missing
                    && owner == Owner::Ours
                    && is_at_home(&path, &text));
            match (owner, self.on_edit) {
                (Owner::Ours, _) | (Owner::Edited, OnEdit::Overwrite) if is_ours => {
                    self.see(&path, &place);
                    self.change(&path, place, None);
                    continue;
                }
                (Owner::Edited, OnEdit::Keep) if is_ours => {
                    let diff = edit_of(&text, None);
                    self.conflict(&path, Why::EditedOrphan, Some(diff));
                    continue;
                }
                (Owner::Ours | Owner::Edited, _) if known.record() != Record::Whole => {
                    let path = path.clone();
                    self.found.notes.push(Note::Unclaimed { path });
                }
                (Owner::Ours | Owner::Edited | Owner::Other, _) => {}
            }
            if let Some(role) = claude_code::name_of(&text).filter(|name| names.contains(name)) {
                let role = role.to_owned();
                self.found.notes.push(Note::SameName { path, role });
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
            if claude_code::reading(path, &text) == Reading::HooksOff {
                self.found.notes.push(Note::HooksOff {
                    path: (*path).to_owned(),
                });
            }
        }
    }
}

// Whose an agent file is. A merge that failed between two files of ours is one of ours.
fn owner(text: &str) -> Owner {
    let is_ours = |text: &String| claude_code::owner(text) == Owner::Ours;
    if sides(text).is_some_and(|sides| sides.iter().all(is_ours)) {
        return Owner::Ours;
    }
    claude_code::owner(text)
}

// Whether an agent file stands where build writes the one of the role that it names.
fn is_at_home(path: &str, text: &str) -> bool {
    claude_code::name_of(text).is_some_and(|name| claude_code::path(name) == path)
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
    with_line_feeds(before) == with_line_feeds(after)
}

/// Compares accepted prompts with what is below `root`: by path, the text of each snapshot, or nothing for
/// one that is to go. What nobody accepted here is not touched.
pub fn compare_snapshots(root: &Path, texts: &BTreeMap<String, Option<String>>) -> Comparison {
    let known = Known::default();
    let mut work = Work::new(root, &known, OnEdit::Keep);
    for (path, text) in texts {
        let Some(place) = work.place(path) else {
            continue;
        };
        let is_other = |text: &String| !super::snapshot::is_ours(text);
        if place.text.as_ref().is_some_and(is_other) {
            work.conflict(path, Why::NotAccepted, None);
            continue;
        }
        work.change(path, place, text.clone());
    }
    work.found
}
