//! What takes away: entries of one role, then entries that every role shares.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Entry, Pattern};

/// A list of entries that take away: a role's own, and behind them those that are shared.
///
/// A factory of a thousand roles has thousands of files that no role may write. They are kept once,
/// by what they begin with, so that neither a decision nor a proof looks at all of them.
/// Only the own entries are serialised: who reads a list gives it the shared ones again.
#[derive(Debug, Clone)]
pub struct Nevers<P> {
    own: Vec<Entry<P>>,
    shared: Arc<Shared<P>>,
}

/// Entries that many lists have in common.
#[derive(Debug)]
pub struct Shared<P> {
    entries: Vec<Entry<P>>,
    // By what everything that they take begins with, folded; and those that take what begins in many ways.
    by_start: HashMap<Box<str>, Vec<usize>>,
    anywhere: Vec<usize>,
}

impl<P> Default for Shared<P> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            by_start: HashMap::new(),
            anywhere: Vec::new(),
        }
    }
}

impl<P: Pattern> Shared<P> {
    /// Takes entries in, in this order.
    pub fn new(entries: Vec<Entry<P>>) -> Self {
        let mut shared = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            match entry.pattern.start() {
                Some(start) => shared.by_start.entry(start).or_default().push(index),
                None => shared.anywhere.push(index),
            }
        }
        shared.entries = entries;
        shared
    }

    // The indices of all entries that may take something that begins with `start`, in no order.
    fn starting(&self, start: Option<&str>) -> impl Iterator<Item = usize> + use<'_, P> {
        let (near, all) = match start {
            Some(start) => (self.by_start.get(start), 0),
            None => (None, self.entries.len()),
        };
        let anywhere = if all == 0 {
            self.anywhere.as_slice()
        } else {
            &[]
        };
        let near = near.into_iter().flatten().chain(anywhere).copied();
        near.chain(0..all)
    }
}

impl<P> Shared<P> {
    /// Returns the entries.
    pub fn entries(&self) -> &[Entry<P>] {
        &self.entries
    }
}

impl<P> Default for Nevers<P> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<P> From<Vec<Entry<P>>> for Nevers<P> {
    fn from(own: Vec<Entry<P>>) -> Self {
        Self {
            own,
            shared: Arc::default(),
        }
    }
}

impl<P> Extend<Entry<P>> for Nevers<P> {
    fn extend<I: IntoIterator<Item = Entry<P>>>(&mut self, entries: I) {
        self.own.extend(entries);
    }
}

impl<P> Nevers<P> {
    /// Adds an entry to the role's own.
    pub fn push(&mut self, entry: Entry<P>) {
        self.own.push(entry);
    }

    /// Puts `shared` behind the own entries, in place of what was shared before.
    pub fn share(&mut self, shared: Arc<Shared<P>>) {
        self.shared = shared;
    }

    /// Returns the role's own entries.
    pub fn own(&self) -> &[Entry<P>] {
        &self.own
    }

    /// Returns all entries, the own ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<P>> + Clone {
        self.own.iter().chain(&self.shared.entries)
    }

    /// Returns entry `index` of all.
    pub fn get(&self, index: usize) -> Option<&Entry<P>> {
        let behind = |index: usize| self.shared.entries.get(index);
        match index.checked_sub(self.own.len()) {
            None => self.own.get(index),
            Some(index) => behind(index),
        }
    }

    /// Returns whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.entries.is_empty()
    }

    // For serde, which writes the own entries alone.
    pub(super) fn has_no_own(&self) -> bool {
        self.own.is_empty()
    }
}

impl<P: Eq + Hash + Clone> Nevers<P> {
    /// Returns the shared entries that `other` does not share.
    pub fn shared_beyond(&self, other: &Self) -> Vec<Entry<P>> {
        let (own, others) = (&self.shared.entries, &other.shared.entries);
        if Arc::ptr_eq(&self.shared, &other.shared) || own == others {
            return Vec::new();
        }
        let known: HashSet<_> = others
            .iter()
            .map(|entry| (&entry.pattern, &entry.except))
            .collect();
        let beyond = own
            .iter()
            .filter(|entry| !known.contains(&(&entry.pattern, &entry.except)));
        beyond.cloned().collect()
    }
}

impl<P: Pattern> Nevers<P> {
    /// Returns the index of the first entry that takes `subject` away.
    pub fn taker(&self, subject: &P::Subject) -> Option<usize> {
        let own = self.own.iter().position(|entry| entry.takes(subject));
        own.or_else(|| {
            let start = P::start_of(subject);
            let takes = |index: &usize| {
                let entry = self.shared.entries.get(*index);
                entry.is_some_and(|entry| entry.takes(subject))
            };
            let taking = self.shared.starting(start.as_deref()).filter(takes);
            taking.min().map(|index| self.own.len() + index)
        })
    }

    /// Returns the entries that may take something that `pattern` gives: all own ones, and of the shared
    /// ones those that do not begin otherwise.
    pub fn about(&self, pattern: &P) -> impl Iterator<Item = &Entry<P>> {
        let start = pattern.start();
        let shared = self.shared.starting(start.as_deref());
        let shared = shared.filter_map(|index| self.shared.entries.get(index));
        self.own.iter().chain(shared)
    }
}

impl<P: PartialEq> PartialEq for Nevers<P> {
    fn eq(&self, other: &Self) -> bool {
        self.own == other.own && self.shared.entries == other.shared.entries
    }
}

impl<P: Eq> Eq for Nevers<P> {}

impl<P: Serialize + Clone> Serialize for Nevers<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.own.serialize(serializer)
    }
}

impl<'de, P: Deserialize<'de>> Deserialize<'de> for Nevers<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::PathPattern;

    fn entry(text: &str) -> Entry<PathPattern> {
        text.parse::<PathPattern>().unwrap().into()
    }

    // Every path that the list in order takes, the list kept by beginnings takes, at the same index.
    #[test]
    fn what_is_shared_takes_as_a_plain_list_would() {
        let own = [entry("app/secret/**"), entry("db/*.sql")];
        let shared = [
            entry("factory.kdl"),
            entry("roles/a.md"),
            entry("Roles/b.md"),
            entry("**/.git/**"),
            entry("{x,y}/z"),
            entry("caf\u{e9}/**"),
            entry("[st]ub"),
        ];
        let mut nevers = Nevers::from(own.to_vec());
        nevers.share(Arc::new(Shared::new(shared.to_vec())));
        let plain: Vec<_> = own.iter().chain(&shared).collect();
        for path in [
            "app/secret/a",
            "FACTORY.KDL",
            "./factory.kdl",
            "x/../roles/a.md",
            "roles/b.md",
            "roles/c.md",
            "a/.git/config",
            ".GIT/x",
            "y/z",
            "CAFE\u{301}/a",
            "tub",
            "/factory.kdl",
            "\u{17f}ub",
            "..",
            "",
        ] {
            let slow = plain.iter().position(|entry| entry.takes(path));
            assert_eq!(nevers.taker(path), slow, "{path}");
            if let Some(index) = slow {
                assert_eq!(nevers.get(index), plain.get(index).copied(), "{path}");
            }
        }
        assert_eq!(nevers.iter().count(), plain.len());
    }

    #[test]
    fn a_pattern_meets_all_that_may_take_of_it() {
        let mut nevers = Nevers::from(vec![entry("lib/**")]);
        let shared = ["roles/a.md", "ROLES/b.md", "**/.git", "snapshots/**"].map(entry);
        nevers.share(Arc::new(Shared::new(shared.to_vec())));
        let about = |pattern: &str| {
            let pattern: PathPattern = pattern.parse().unwrap();
            let mut found: Vec<_> = nevers.about(&pattern).map(|e| e.pattern.as_str()).collect();
            found.sort_unstable();
            found.join(" ")
        };
        assert_eq!(about("roles/*.md"), "**/.git ROLES/b.md lib/** roles/a.md");
        assert_eq!(about("app/**"), "**/.git lib/**");
        assert_eq!(
            about("**/*.md"),
            "**/.git ROLES/b.md lib/** roles/a.md snapshots/**"
        );
    }

    #[test]
    fn only_the_own_entries_are_written() {
        let mut nevers = Nevers::from(vec![entry("lib/**")]);
        nevers.share(Arc::new(Shared::new(vec![entry("factory.lock")])));
        let text = serde_json::to_string(&nevers).unwrap();
        assert_eq!(text, r#"["lib/**"]"#);
        let read: Nevers<PathPattern> = serde_json::from_str(&text).unwrap();
        assert_eq!((read.own(), read.iter().count()), (nevers.own(), 1));
    }
}
