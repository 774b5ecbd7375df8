//! What build would change, compared with what is there. Reads, and writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::Value;
use similar::TextDiff;

use super::{
    artifact::{Artifacts, Content, Entry, Fact},
    claude_code::{self, Owner},
    json::{Edit, edited, parse},
    place::{Place, place},
};
use crate::document::{self, OnEdit, Rendered};

/// What build would change in one folder.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// The changes, in the order of their paths but for the files that are ours by their path alone:
    /// these come last.
    pub changes: Vec<Change>,
    /// What a person has to decide first. While there is one, nothing is written.
    pub conflicts: Vec<Conflict>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
    pub(super) root: PathBuf,
    /// Where everything of ours is, changed or not.
    pub(super) places: Vec<PathBuf>,
}

/// One file that would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What stands there, if anything.
    pub before: Option<String>,
    /// What is to stand there; nothing for a file that goes.
    pub after: Option<String>,
    pub(super) full: PathBuf,
}

impl Change {
    /// Returns what is done, in one word.
    pub const fn verb(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "created",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "removed",
        }
    }

    /// Returns the change line by line.
    pub fn diff(&self) -> String {
        let (before, after) = (
            self.before.as_deref().unwrap_or_default(),
            self.after.as_deref().unwrap_or_default(),
        );
        unified(before, after, &self.path, &self.path)
    }
}

/// Something that a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {why}")]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// What is the matter.
    pub why: Why,
    /// The edit, or what would be written, line by line.
    pub diff: Option<String>,
}

/// Why a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A whole file was edited by hand.
    #[error("was edited by hand")]
    Edited,
    /// A file that is no longer made was edited by hand.
    #[error("is no longer made from the spec, and was edited by hand")]
    EditedOrphan,
    /// An entry was edited by hand.
    #[error("has an entry `{0}` that was edited by hand")]
    EditedEntry(String),
    /// A section was edited by hand.
    #[error("has a section `{0}` that was edited by hand")]
    EditedSection(String),
    /// A file was not written by us.
    #[error("was not written by `factory build`")]
    NotOurs,
    /// An entry was not written by us.
    #[error("has an entry `{0}` that was not written by `factory build`")]
    EntryNotOurs(String),
    /// Nothing can be written there.
    #[error("{0}")]
    Unusable(String),
}

impl Conflict {
    /// Returns what to do.
    pub const fn help(&self) -> &'static str {
        match self.why {
            Why::Edited | Why::EditedEntry(_) | Why::EditedSection(_) => {
                "move the edit into what it is made from (spec, prompt, template, or file), then \
                 `factory build --overwrite` replaces it"
            }
            Why::EditedOrphan => {
                "remove it, or keep it under another name; `factory build --overwrite` removes it"
            }
            Why::NotOurs | Why::EntryNotOurs(_) => {
                "rename or remove it, or rename what the spec calls the same"
            }
            Why::Unusable(_) => "nothing is written until this is mended",
        }
    }
}

/// Something worth knowing that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// A section is left out: the document has a heading of the same words.
    #[error("`{path}` has a heading `{title}` of its own: the section is left out")]
    HeadingTaken {
        /// The document.
        path: String,
        /// The section.
        title: String,
    },
    /// The client's settings turn every hook off, and the guard with them.
    #[error(
        "`{path}` says `disableAllHooks`: the guard does not run, and no boundary is held in interactive sessions"
    )]
    HooksOff {
        /// The settings.
        path: String,
    },
    /// Another agent has a role's name, and which of the two the client takes is not known.
    #[error("`{path}` calls itself `{role}` too: the client may take it for the role")]
    SameName {
        /// The other agent's file.
        path: String,
        /// The role.
        role: String,
    },
}

impl Comparison {
    /// Returns whether what is there is what build would write.
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.conflicts.is_empty()
    }
}

/// Compares `artifacts` with what is below `root`. `previous` is what the lock keeps of the last build
/// there; an empty one says only that it is not known.
pub fn compare(
    root: &Path,
    artifacts: &Artifacts,
    previous: &BTreeMap<String, Fact>,
    on_edit: OnEdit,
) -> Comparison {
    let mut work = Work {
        root,
        previous,
        on_edit,
        found: Comparison::default(),
        last: Vec::new(),
    };
    work.found.root = root.to_owned();
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

struct Work<'a> {
    root: &'a Path,
    previous: &'a BTreeMap<String, Fact>,
    on_edit: OnEdit,
    found: Comparison,
    // Changes of files that are ours by their path alone.
    last: Vec<Change>,
}

impl Work<'_> {
    fn conflict(&mut self, path: &str, why: Why, diff: Option<String>) {
        self.found.conflicts.push(Conflict {
            path: path.to_owned(),
            why,
            diff,
        });
    }

    fn place(&mut self, path: &str) -> Option<Place> {
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

    fn change(&mut self, path: &str, place: Place, after: Option<String>) {
        if place.text != after {
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

    fn entries(&mut self, path: &str, place: Place, wanted: &[Entry]) {
        if place.text.is_none() && wanted.is_empty() {
            return;
        }
        let empty = BTreeMap::new();
        let known = match self.previous.get(path) {
            Some(Fact::Entries { entries, .. }) => entries,
            Some(Fact::File { .. } | Fact::Sections { .. }) | None => &empty,
        };
        let mut text = place.text.clone().unwrap_or_default();
        for entry in wanted {
            let done = self.entry(path, &text, entry, known.get(&entry.pointer()));
            match done {
                Some(new) => text = new,
                None => return,
            }
        }
        let pointers: BTreeSet<_> = wanted.iter().map(Entry::pointer).collect();
        for (pointer, value) in known {
            if pointers.contains(pointer) {
                continue;
            }
            match self.gone(path, &text, pointer, value) {
                Some(new) => text = new,
                None => return,
            }
        }
        if let Ok(Some(root)) = parse(&text)
            && claude_code::turns_hooks_off(path, &root.value())
        {
            self.found.notes.push(Note::HooksOff {
                path: path.to_owned(),
            });
        }
        self.change(path, place, Some(text));
    }

    // Returns the text with the entry in it; nothing after a conflict.
    fn entry(
        &mut self,
        path: &str,
        text: &str,
        entry: &Entry,
        known: Option<&Value>,
    ) -> Option<String> {
        let root = match parse(text) {
            Ok(root) => root,
            Err(error) => {
                self.conflict(path, Why::Unusable(format!("is no JSON: {error}")), None);
                return None;
            }
        };
        let name = shown(&entry.pointer());
        let value = &entry.value;
        let stands = root.as_ref().and_then(|root| {
            entry.path.iter().try_fold(root, |node, name| {
                node.get(name).map(|member| &member.value)
            })
        });
        let stands = stands.map(super::json::Node::value);
        let edit = match (&stands, entry.sign) {
            (Some(stands), None) if stands == value => return Some(text.to_owned()),
            (None, None) => Edit::Set(&entry.path, value),
            (Some(stands), None) => {
                let ours = known == Some(stands);
                if !ours && known.is_none() {
                    self.conflict(path, Why::EntryNotOurs(name), None);
                    return None;
                }
                if !ours && self.on_edit == OnEdit::Keep {
                    self.conflict(
                        path,
                        Why::EditedEntry(name),
                        Some(edit_of(&pretty(stands), &pretty(value))),
                    );
                    return None;
                }
                Edit::Set(&entry.path, value)
            }
            (Some(Value::Array(items)), Some(sign)) => {
                if items.contains(value) {
                    return Some(text.to_owned());
                }
                let ours = items.iter().find(|item| known == Some(*item));
                let like = items.iter().find(|item| item.to_string().contains(sign));
                match (ours, like) {
                    (Some(old), _) => Edit::Replace(&entry.path, old, value),
                    (None, Some(old)) if self.on_edit == OnEdit::Overwrite => {
                        Edit::Replace(&entry.path, old, value)
                    }
                    (None, Some(old)) => {
                        let diff = edit_of(&pretty(old), &pretty(value));
                        self.conflict(path, Why::EditedEntry(name), Some(diff));
                        return None;
                    }
                    (None, None) => Edit::Append(&entry.path, value),
                }
            }
            (_, Some(_)) => Edit::Append(&entry.path, value),
        };
        match edited(text, &edit) {
            Ok(Some(text)) => Some(text),
            Ok(None) | Err(_) => {
                let why = format!("has something else where `{name}` belongs");
                self.conflict(path, Why::Unusable(why), None);
                None
            }
        }
    }

    // Returns the text without an entry that is no longer made; nothing after a conflict.
    fn gone(&mut self, path: &str, text: &str, pointer: &str, value: &Value) -> Option<String> {
        let mut names: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|name| name.replace("~1", "/").replace("~0", "~"))
            .collect();
        let root = match parse(text) {
            Ok(root) => root,
            Err(error) => {
                self.conflict(path, Why::Unusable(format!("is no JSON: {error}")), None);
                return None;
            }
        };
        let item = names.last().is_some_and(|name| name == "-");
        let edit = if item {
            names.pop();
            Edit::RemoveItem(&names, value)
        } else {
            let node = root.as_ref().and_then(|root| {
                names.iter().try_fold(root, |node, name| {
                    node.get(name).map(|member| &member.value)
                })
            });
            match node.map(super::json::Node::value) {
                None => return Some(text.to_owned()),
                Some(stands) if stands != *value && self.on_edit == OnEdit::Keep => {
                    let diff = edit_of(&pretty(value), &pretty(&stands));
                    self.conflict(path, Why::EditedEntry(shown(pointer)), Some(diff));
                    return None;
                }
                Some(_) => Edit::Remove(&names),
            }
        };
        Some(
            edited(text, &edit)
                .ok()
                .flatten()
                .unwrap_or_else(|| text.to_owned()),
        )
    }

    // Files of roles that are gone, and agents that someone else calls as we call a role.
    fn orphans(&mut self, artifacts: &Artifacts) {
        let ours = |path: &str| artifacts.by_path.contains_key(path);
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
                    if ours(&format!("{}/{role}.md", claude_code::FOLDER)) {
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

fn pretty(value: &Value) -> String {
    format!(
        "{}\n",
        serde_json::to_string_pretty(value).unwrap_or_default()
    )
}

// The pointer as people write it.
fn shown(pointer: &str) -> String {
    let pointer = pointer.strip_suffix("/-").unwrap_or(pointer);
    pointer.trim_start_matches('/').replace('/', ".")
}

fn edit_of(edited: &str, made: &str) -> String {
    unified(made, edited, "made from the spec", "edited by hand")
}

fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(from, to)
        .to_string()
}
