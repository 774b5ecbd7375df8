//! Which files are the inputs of a gate.

use std::collections::BTreeMap;

use crate::boundary::{Entry, PathPattern, Pattern as _};

use super::{Tree, folder::is_within};

/// Which of the files that git does not ignore are inputs.
///
/// An ignored file is one only where `patterns` or `always` name it literally, without a wildcard, or
/// `named` does, and then no exclusion takes it away; or where the segments of a pattern before its first wildcard name
/// the ignored directory that it is in, as `dist/**` does. Where a link stands at such a name or on
/// the way to it, that is an input, and so is what it leads to where the name has no wildcard. `.git`
/// never is one, at any depth. Patterns match exactly as written, exceptions too, so that a difference
/// of case never hides an input; in a path that is no UTF-8, U+FFFD stands for what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputSelection {
    /// What to take; everything if there is none.
    pub patterns: Option<Vec<Entry<PathPattern>>>,
    /// What to take besides, such as what the gate seals.
    pub always: Vec<Entry<PathPattern>>,
    /// Paths of files to take besides, if they are there, such as the script that the gate runs. Each
    /// costs one look.
    pub named: Vec<String>,
    /// What not to take: scratch files.
    pub exclude: Vec<Entry<PathPattern>>,
}

impl InputSelection {
    /// Returns the patterns that no input of this selection's tree answers to.
    pub fn unmatched<'a>(&'a self, tree: &Tree) -> Vec<&'a Entry<PathPattern>> {
        self.patterns
            .iter()
            .flatten()
            .filter(|entry| {
                let rule = EntryRule::new(entry);
                !tree.any_path(|path| rule.selects(path))
            })
            .collect()
    }
}

/// Several selections, made ready to be asked of every file of one walk.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    selections: Vec<Ready<'a>>,
}

#[derive(Debug)]
struct Ready<'a> {
    // Whether everything is wanted that git does not ignore; else what `wanted` says.
    everything: bool,
    wanted: Vec<EntryRule<'a>>,
    // What is looked for by its name, and so costs nothing for any other file.
    named: Vec<Named<'a>>,
    unwanted: Vec<EntryRule<'a>>,
}

/// A place that selections name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named<'a> {
    pub(super) path: &'a [u8],
    /// Whether it is meant only if it is a link, or behind one: all else there is met by the walk.
    pub(super) links_only: bool,
}

/// How many selections one walk can serve: one bit of a [`Mask`] each.
pub(super) const MOST_SELECTIONS: usize = 64;

/// Which selections have a file.
pub(super) type Mask = u64;

/// What one selection has to do with what is below a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    wanted: Wanted,
    // Whether an exclusion can match below it.
    unwanted: bool,
}

impl Reach {
    /// Returns whether all below it is wanted, apart from what is excluded.
    pub(super) fn is_everything(self) -> bool {
        self.wanted == Wanted::Everything
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Everything,
    Some,
    Nothing,
}

impl<'a> Selector<'a> {
    pub(super) fn new(selections: impl IntoIterator<Item = &'a InputSelection>) -> Self {
        Self {
            selections: selections.into_iter().map(Ready::new).collect(),
        }
    }

    /// Returns how the selections reach below the root.
    pub(super) fn root(&self) -> Vec<Reach> {
        let all = Reach {
            wanted: Wanted::Some,
            unwanted: true,
        };
        self.selections
            .iter()
            .map(|selection| selection.reach(b"", all))
            .collect()
    }

    /// Returns how the selections reach below `directory`, or `None` if none does.
    pub(super) fn below(&self, directory: &[u8], parent: &[Reach]) -> Option<Vec<Reach>> {
        let reaches: Vec<Reach> = self
            .selections
            .iter()
            .zip(parent)
            .map(|(selection, parent)| selection.reach(directory, *parent))
            .collect();
        reaches
            .iter()
            .any(|reach| reach.wanted != Wanted::Nothing)
            .then_some(reaches)
    }

    /// Returns which selections have this file, which is in a directory they reach so.
    pub(super) fn select(&self, path: &[u8], reaches: &[Reach]) -> Mask {
        let mut mask = 0;
        for (at, (selection, reach)) in self.selections.iter().zip(reaches).enumerate() {
            mask |= Mask::from(selection.selects(path, *reach)) << at;
        }
        mask
    }

    /// Returns whether a pattern that names the ignored directory `top`, or something in it, can match
    /// something in `directory`.
    pub(super) fn goes_into(&self, directory: &[u8], top: &[u8]) -> bool {
        let mut rules = self
            .selections
            .iter()
            .flat_map(|selection| &selection.wanted);
        rules.any(|rule| rule.names(top) && rule.reaches(directory))
    }

    /// Returns which selections have this file by a pattern that names the ignored directory `top`, or
    /// something in it.
    pub(super) fn select_ignored(&self, path: &[u8], top: &[u8], reaches: &[Reach]) -> Mask {
        let mut mask = 0;
        for (at, selection) in self.selections.iter().enumerate() {
            let mut rules = selection.wanted.iter();
            let is_named = rules.any(|rule| rule.names(top) && rule.selects(path));
            mask |= Mask::from(is_named) << at;
        }
        mask & self.select(path, reaches)
    }

    /// Returns whether all that a pattern means is behind `path`, by the segments before its first
    /// wildcard.
    pub(super) fn is_behind(&self, path: &[u8]) -> bool {
        let mut rules = self
            .selections
            .iter()
            .flat_map(|selection| &selection.wanted);
        rules.any(|rule| {
            let is_itself = rule.shape == Shape::Literal && rule.prefix == path;
            !path.is_empty() && !is_itself && is_within(rule.prefix, path)
        })
    }

    /// Returns every place that a selection names, and the selections that do.
    pub(super) fn named(&self) -> BTreeMap<Named<'a>, Mask> {
        let mut named = BTreeMap::new();
        for (at, selection) in self.selections.iter().enumerate() {
            for place in &selection.named {
                *named.entry(*place).or_default() |= 1 << at;
            }
        }
        named
    }
}

impl<'a> Ready<'a> {
    fn new(selection: &'a InputSelection) -> Self {
        let rules = |entries: &'a [Entry<PathPattern>]| entries.iter().map(EntryRule::new);
        let patterns = selection.patterns.as_deref().unwrap_or_default();
        let wanted: Vec<_> = rules(patterns).chain(rules(&selection.always)).collect();
        let named = selection.named.iter().map(|path| Named {
            path: path.as_bytes(),
            links_only: false,
        });
        Self {
            everything: selection.patterns.is_none(),
            named: named
                .chain(wanted.iter().filter_map(EntryRule::named))
                .collect(),
            unwanted: rules(&selection.exclude).collect(),
            wanted,
        }
    }

    fn reach(&self, directory: &[u8], parent: Reach) -> Reach {
        let rules = &self.wanted;
        let wanted = match parent.wanted {
            Wanted::Nothing => Wanted::Nothing,
            Wanted::Everything => Wanted::Everything,
            Wanted::Some => {
                if self.everything || rules.iter().any(|rule| rule.covers(directory)) {
                    Wanted::Everything
                } else if rules.iter().any(|rule| rule.reaches(directory)) {
                    Wanted::Some
                } else {
                    Wanted::Nothing
                }
            }
        };
        if parent.unwanted && self.unwanted.iter().any(|rule| rule.covers(directory)) {
            return Reach {
                wanted: Wanted::Nothing,
                unwanted: false,
            };
        }
        let unwanted = parent.unwanted && self.unwanted.iter().any(|rule| rule.reaches(directory));
        Reach { wanted, unwanted }
    }

    fn selects(&self, path: &[u8], reach: Reach) -> bool {
        let wanted = match reach.wanted {
            Wanted::Nothing => false,
            Wanted::Everything => true,
            Wanted::Some => self.wanted.iter().any(|rule| rule.selects(path)),
        };
        wanted && !(reach.unwanted && self.unwanted.iter().any(|rule| rule.selects(path)))
    }
}

/// Which directories a pattern means with all that is in them.
#[derive(Debug)]
enum Whole {
    None,
    // Those that this matches, and so what is below them.
    Matching(PathPattern),
    Everything,
}

/// The forms of most patterns, which need no machine to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    // `prefix`.
    Literal,
    // `prefix/**`.
    Below,
    // `prefix/**/*suffix`.
    Suffix,
    // `prefix/*suffix`.
    Child,
    General,
}

#[derive(Debug)]
struct EntryRule<'a> {
    entry: &'a Entry<PathPattern>,
    // The leading segments without a wildcard.
    prefix: &'a [u8],
    // What stands behind the last wildcard: every match ends with it.
    suffix: &'a [u8],
    shape: Shape,
    whole: Whole,
}

impl<'a> EntryRule<'a> {
    fn new(entry: &'a Entry<PathPattern>) -> Self {
        let text = entry.pattern.as_str();
        let special = |byte: u8| matches!(byte, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'\\');
        let wild = text.bytes().position(special);
        let behind = text
            .bytes()
            .rposition(special)
            .and_then(|last| text.get(last + 1..));
        // A `**` stands for no directory too, and then there is no slash.
        let suffix = behind
            .unwrap_or_default()
            .trim_start_matches('/')
            .as_bytes();
        let end = wild.map_or(Some(text.len()), |wild| text.get(..wild)?.rfind('/'));
        let prefix = end
            .and_then(|end| text.get(..end))
            .unwrap_or_default()
            .as_bytes();
        // A spelling that a pattern might see through narrows nothing.
        let plain = prefix.is_empty()
            || prefix
                .split(|byte| *byte == b'/')
                .all(|segment| !matches!(segment, b"" | b"."));
        let plain = plain && !text.contains('\u{fffd}');
        let rest = if prefix.is_empty() {
            Some(text)
        } else {
            text.get(prefix.len() + 1..)
        };
        let is_suffix = |rest: &str| rest.as_bytes() == suffix && !suffix.contains(&b'/');
        let shape = match rest {
            _ if !plain => Shape::General,
            None => Shape::Literal,
            Some("**") => Shape::Below,
            Some(rest) if rest.strip_prefix("**/*").is_some_and(is_suffix) => Shape::Suffix,
            Some(rest) if rest.strip_prefix('*').is_some_and(is_suffix) => Shape::Child,
            Some(_) => Shape::General,
        };
        let (prefix, suffix) = if plain {
            (prefix, suffix)
        } else {
            (&b""[..], &b""[..])
        };
        let whole = match text.strip_suffix("**") {
            Some(_) | None if !entry.except.is_empty() => Whole::None,
            Some("") => Whole::Everything,
            Some(before) => before
                .strip_suffix('/')
                .and_then(|before| before.parse().ok())
                .map_or(Whole::None, Whole::Matching),
            None => Whole::None,
        };
        Self {
            entry,
            prefix,
            suffix,
            shape,
            whole,
        }
    }

    /// Returns the place that the entry names, if it names one.
    fn named(&self) -> Option<Named<'a>> {
        let links_only = self.shape != Shape::Literal;
        let is_one = if links_only {
            !self.prefix.is_empty()
        } else {
            self.selects(self.prefix)
        };
        is_one.then_some(Named {
            path: self.prefix,
            links_only,
        })
    }

    /// Returns whether the entry means all that is in `directory`.
    fn covers(&self, directory: &[u8]) -> bool {
        match &self.whole {
            Whole::None => false,
            Whole::Everything => true,
            Whole::Matching(before) => {
                !directory.is_empty()
                    && self.is_below_prefix(directory)
                    && before.gives(&String::from_utf8_lossy(directory))
            }
        }
    }

    /// Returns whether the entry can match something in `directory`.
    fn reaches(&self, directory: &[u8]) -> bool {
        directory.is_empty()
            || self.is_below_prefix(directory)
            || self
                .prefix
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with(b"/"))
    }

    /// Returns whether what stands before the first wildcard is `top`, or in it.
    fn names(&self, top: &[u8]) -> bool {
        let rest = self.prefix.strip_prefix(top);
        self.shape != Shape::Literal
            && !self.prefix.is_empty()
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    fn selects(&self, path: &[u8]) -> bool {
        let rest = match self.prefix {
            b"" => Some(path),
            prefix => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix(b"/")),
        };
        let ends = path.ends_with(self.suffix);
        let within = match (self.shape, rest) {
            (Shape::Literal, _) => path == self.prefix,
            (Shape::Below | Shape::Suffix | Shape::General, Some(_)) => ends,
            (Shape::Child, Some(rest)) => ends && !rest.contains(&b'/'),
            (Shape::Below | Shape::Suffix | Shape::Child | Shape::General, None) => false,
        };
        if !within || (self.shape != Shape::General && self.entry.except.is_empty()) {
            return within;
        }
        let path = String::from_utf8_lossy(path);
        (self.shape != Shape::General || self.entry.pattern.gives(&path))
            && !self.entry.except.iter().any(|except| except.gives(&path))
    }

    fn is_below_prefix(&self, path: &[u8]) -> bool {
        self.prefix.is_empty()
            || path
                .strip_prefix(self.prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Entry, EntryRule, PathPattern, Selector};
    use crate::{boundary::Pattern as _, cache::InputSelection};

    fn pattern() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "a", "b", "**", "*", "*.a", "a*", "*b*", "?", "[ab]", "{a,b}", "é", "*é", "a.a", "**",
        ]);
        prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
    }

    fn path() -> impl Strategy<Value = String> {
        let names = vec!["a", "b", "a.a", ".a", "ab", "é", "x\n"];
        prop::collection::vec(prop::sample::select(names), 1..5).prop_map(|names| names.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_decided_without_the_machine_is_decided_as_it_would(
            patterns in prop::collection::vec(pattern(), 1..4),
            except in prop::option::of(pattern()),
            exclude in prop::collection::vec(pattern(), 0..3),
            paths in prop::collection::vec(path(), 1..20),
        ) {
            let entry = |text: &String| text.parse::<PathPattern>().ok().map(Entry::from);
            let mut wanted: Vec<_> = patterns.iter().filter_map(entry).collect();
            if let (Some(first), Some(except)) = (wanted.first_mut(), &except) {
                first.except.extend(except.parse::<PathPattern>().ok());
            }
            let exclude: Vec<_> = exclude.iter().filter_map(entry).collect();
            let gives = |entries: &[Entry<PathPattern>], path: &str| {
                entries.iter().any(|entry| {
                    entry.pattern.gives(path) && !entry.except.iter().any(|not| not.gives(path))
                })
            };
            let patterns = Some(wanted.clone());
            let selection = InputSelection { patterns, exclude: exclude.clone(), ..InputSelection::default() };
            let selector = Selector::new([&selection]);
            for path in &paths {
                for entry in &wanted {
                    let alone = gives(std::slice::from_ref(entry), path);
                    prop_assert_eq!(EntryRule::new(entry).selects(path.as_bytes()), alone);
                }
                // The way that a walk goes down to it.
                let mut reaches = Some(selector.root());
                for (end, _) in path.match_indices('/') {
                    reaches = reaches.and_then(|above| selector.below(&path.as_bytes()[..end], &above));
                }
                let taken = reaches.is_some_and(|reaches| selector.select(path.as_bytes(), &reaches) == 1);
                prop_assert_eq!(taken, gives(&wanted, path) && !gives(&exclude, path), "{}", path);
            }
        }
    }
}
