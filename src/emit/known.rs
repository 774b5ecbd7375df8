//! What is known of the builds that wrote what is there.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

use super::{
    Artifacts,
    artifact::{Content, Entry, Fact},
    claude_code,
    entries::{is_hollow, runs_same, value_at},
    json::parse,
    place::place,
};
use crate::document::{Document, digest_of_text};

/// The documents that clients read: where regions of ours are looked for when nothing says where they are.
const DOCUMENTS: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// What stands where the lock belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Record {
    /// Nothing: what was built is not known.
    #[default]
    Missing,
    /// All that was built.
    Whole,
    /// Some of what was built.
    Damaged,
    /// A text of someone else.
    Foreign,
}

/// What is known of the builds that wrote what is there: of one, or, where a merge left the records of two,
/// of both. The default one says nothing.
#[derive(Debug, Clone, Default)]
pub struct Known {
    builds: Vec<BTreeMap<String, Fact>>,
    record: Record,
}

impl Known {
    /// Returns what `builds` say that were read from a record in this state.
    pub const fn of(builds: Vec<BTreeMap<String, Fact>>, record: Record) -> Self {
        Self { builds, record }
    }

    /// Returns what stands where the lock belongs.
    pub const fn record(&self) -> Record {
        self.record
    }

    /// Returns what is known, and where no lock says all of it, also what stands below `root` and is ours
    /// beyond doubt: a hook that runs our very command, and regions between our markers.
    pub(super) fn with_what_is_certain(&self, root: &Path) -> Cow<'_, Self> {
        if self.record == Record::Whole {
            return Cow::Borrowed(self);
        }
        let mut certain = BTreeMap::new();
        let standing = |path: &str| place(root, path).ok()?.text;
        for path in DOCUMENTS {
            let has_regions = |text: &String| {
                Document::parse(text).is_ok_and(|document| !document.regions().is_empty())
            };
            if standing(path).as_ref().is_some_and(has_regions) {
                let fact = Fact::Sections {
                    titles: Vec::new(),
                    found: None,
                };
                certain.insert(path.to_owned(), fact);
            }
        }
        let (path, entries) = claude_code::hooks();
        let root = standing(path).and_then(|text| parse(&text).ok().flatten());
        let root = root.map(|root| root.value()).unwrap_or_default();
        let runs = |entry: &Entry| {
            let items = value_at(&root, &entry.path).and_then(Value::as_array);
            items.is_some_and(|items| items.iter().any(|item| runs_same(item, &entry.value)))
        };
        let ours = entries.into_iter().filter(runs);
        let ours: BTreeMap<_, _> = ours.map(|entry| (entry.pointer(), entry.value)).collect();
        if !ours.is_empty() {
            certain.insert(path.to_owned(), Fact::entries(ours, None));
        }
        let mut known = self.clone();
        known.builds.push(certain);
        Cow::Owned(known)
    }

    /// Returns whether nothing is known to be written.
    pub fn is_empty(&self) -> bool {
        self.builds.iter().all(BTreeMap::is_empty)
    }

    /// Returns the paths that were written, in order.
    pub(super) fn paths(&self) -> BTreeSet<&str> {
        let paths = self.builds.iter().flat_map(BTreeMap::keys);
        paths.map(String::as_str).collect()
    }

    /// Returns what was written at `path`.
    pub(super) fn facts(&self, path: &str) -> impl Iterator<Item = &Fact> {
        self.builds.iter().filter_map(move |build| build.get(path))
    }

    /// Returns whether a whole file was written at `path`.
    pub(super) fn wrote_file(&self, path: &str) -> bool {
        let mut facts = self.facts(path);
        facts.any(|fact| matches!(fact, Fact::File { .. }))
    }

    /// Returns whether `text` is what was written at `path`.
    pub(super) fn is_as_built(&self, path: &str, text: &str) -> bool {
        let digest = digest_of_text(text);
        let mut facts = self.facts(path);
        facts.any(|fact| matches!(fact, Fact::File { sha256 } if *sha256 == digest))
    }

    /// Returns the values that were written in the file `path`, by pointer: more than one where two builds
    /// wrote different ones.
    pub(super) fn entries(&self, path: &str) -> BTreeMap<&str, Vec<&Value>> {
        let mut all: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for fact in self.facts(path) {
            let Fact::Entries { entries, .. } = fact else {
                continue;
            };
            for (pointer, value) in entries {
                let values = all.entry(pointer).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        all
    }

    /// Returns what stood at `path` before the first build, if it held nothing, or nothing where ours belongs.
    pub(super) fn found(&self, path: &str) -> Option<&str> {
        self.facts(path).find_map(|fact| match fact {
            Fact::Entries { found, .. } | Fact::Sections { found, .. } => found.as_deref(),
            Fact::File { .. } => None,
        })
    }

    /// Returns, of the files below `root` that `artifacts` share with someone else, what stood there before
    /// the first build where it held nothing, or nothing where ours belongs: once all of ours is gone again,
    /// it is put back.
    pub fn found_below(&self, root: &Path, artifacts: &Artifacts) -> BTreeMap<String, String> {
        let found = artifacts.shared().filter_map(|path| {
            let text = if self.facts(path).next().is_some() {
                self.found(path)?.to_owned()
            } else {
                let text = place(root, path).ok()?.text?;
                let entries = match artifacts.by_path.get(path) {
                    Some(Content::Entries(entries)) => entries.as_slice(),
                    Some(_) | None => &[],
                };
                Some(text).filter(|text| is_blank(text) || is_hollow(text, entries))?
            };
            Some((path.to_owned(), text))
        });
        found.collect()
    }
}

/// Returns whether a file of this text holds nothing: no words, and no members.
pub(super) fn is_blank(text: &str) -> bool {
    let words = text.trim_start_matches('\u{feff}').trim();
    let inside = words
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    inside.unwrap_or(words).trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_blank;

    #[test]
    fn a_file_without_words_and_members_holds_nothing() {
        for (text, then) in [
            ("", true),
            ("\u{feff}\r\n\n", true),
            ("{}", true),
            ("{\n}\n", true),
            ("{ // mine\n}", false),
            ("[]", false),
            ("x", false),
        ] {
            assert_eq!(is_blank(text), then, "{text:?}");
        }
    }
}
