//! What a change of the spec does to what roles can do, and to what holds them back.
//!
//! Every node of a model is taken apart field by field, without a rest, so that a field that is new does
//! not compile here before somebody has decided what a change of it means. Three things are told apart:
//! what gives (a grant, a variable, a program that is started beside every boundary), what holds (a
//! gate, a rule, a limit, a judge), and what does neither. A change of what gives or holds that can't be
//! shown to give or hold as before counts as if it did not.

mod agent;
mod factory;
mod gates;
mod phrase;
mod roles;
mod rules;
mod surroundings;
mod tasks;

use std::collections::BTreeMap;

use super::Model;
use crate::{
    boundary::{Capability, Entry, PathPattern, paths_beyond},
    diagnostics::{Level, Sources, Spanned},
    spec::Text,
};

pub use phrase::Phrase;

use phrase::said;

/// Whether a change gives, takes, or only changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Someone can do more, or less holds someone back; also where nobody can tell that it does not.
    Widened,
    /// Someone can do less, or more holds someone back.
    Narrowed,
    /// Neither.
    Changed,
}

/// One change between two factories.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it does to rights.
    pub direction: Direction,
    /// The change as a sentence without its end.
    pub text: Phrase,
}

/// A factory as it is at one time: what it means, and the texts that it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// What it means.
    pub model: &'a Model,
    /// The texts.
    pub sources: &'a Sources,
}

impl Version<'_> {
    // The words of a file, whatever its line ends; nothing where it has none.
    fn words(self, path: &str) -> Option<String> {
        let source = self.sources.get(path)?;
        let text = source.text().replace("\r\n", "\n");
        (!text.trim().is_empty()).then_some(text)
    }
}

/// Returns all changes of rights and of what guards them from `old` to `new`, widened rights first.
/// `usual` knows the level that the lint of a code has unless a spec sets it. Two specs that say the same
/// in other words have none.
pub fn changes(
    old: Version<'_>,
    new: Version<'_>,
    usual: &dyn Fn(&str) -> Option<Level>,
) -> Vec<Change> {
    let mut comparison = Comparison {
        old,
        new,
        usual,
        found: Vec::new(),
        shared: BTreeMap::new(),
    };
    comparison.factory();
    comparison.done()
}

/// Two versions of a factory, and what was found of them.
struct Comparison<'a> {
    old: Version<'a>,
    new: Version<'a>,
    usual: &'a dyn Fn(&str) -> Option<Level>,
    found: Vec<Change>,
    // What may be true of several roles: a sentence around their names.
    shared: BTreeMap<(Direction, Phrase, Phrase), Vec<String>>,
}

impl Comparison<'_> {
    fn add(&mut self, direction: Direction, text: Phrase) {
        self.found.push(Change { direction, text });
    }

    fn widened(&mut self, text: Phrase) {
        self.add(Direction::Widened, text);
    }

    fn narrowed(&mut self, text: Phrase) {
        self.add(Direction::Narrowed, text);
    }

    fn changed(&mut self, text: Phrase) {
        self.add(Direction::Changed, text);
    }

    // Adds what is said once of all roles that it is true of, their names between `before` and `after`.
    fn of_role(&mut self, direction: Direction, role: &str, before: Phrase, after: Phrase) {
        let roles = self.shared.entry((direction, before, after)).or_default();
        if !roles.iter().any(|known| known == role) {
            roles.push(role.to_owned());
        }
    }

    // Adds the names that one side alone has of a list in which order and number mean nothing.
    fn names(
        &mut self,
        (old, new): (&[String], &[String]),
        gone: impl Fn(&str) -> (Direction, Phrase),
        come: impl Fn(&str) -> (Direction, Phrase),
    ) {
        for name in old.iter().filter(|name| !new.contains(name)) {
            let (direction, text) = gone(name);
            self.add(direction, text);
        }
        for name in new.iter().filter(|name| !old.contains(name)) {
            let (direction, text) = come(name);
            self.add(direction, text);
        }
    }

    // Adds a path that one side alone has of a set.
    fn paths(
        &mut self,
        (old, new): (&[Entry<PathPattern>], &[Entry<PathPattern>]),
        gone: impl Fn(&str) -> (Direction, Phrase),
        come: impl Fn(&str) -> (Direction, Phrase),
    ) {
        if let Some(path) = beside(old, new) {
            let (direction, text) = gone(&path);
            self.add(direction, text);
        }
        if let Some(path) = beside(new, old) {
            let (direction, text) = come(&path);
            self.add(direction, text);
        }
    }

    fn done(mut self) -> Vec<Change> {
        let known = |name: &str| find(&self.old.model.roles, name, |role| &role.name).is_some();
        let roles = self.new.model.roles.iter();
        let both = roles.filter(|role| known(&role.name.value)).count();
        for ((direction, before, after), names) in std::mem::take(&mut self.shared) {
            let who = if names.len() == both && both > 1 {
                said("every role", [])
            } else {
                Phrase::list(&names)
            };
            self.add(direction, before.and(who).and(after));
        }
        self.found.sort();
        self.found.dedup();
        self.found
    }
}

// What is called `name` in a list of things with names.
fn find<'m, T>(things: &'m [T], name: &str, name_of: impl Fn(&T) -> &Text) -> Option<&'m T> {
    things.iter().find(|thing| name_of(thing).value == name)
}

// A path that `these` name and `others` do not. What can't be decided counts as such a path, with the
// pattern itself for a witness.
fn beside(these: &[Entry<PathPattern>], others: &[Entry<PathPattern>]) -> Option<String> {
    paths_beyond(these, others).unwrap_or_else(|_| {
        let mut left = these.iter().filter(|entry| !others.contains(entry));
        left.next().map(|entry| entry.pattern.to_string())
    })
}

fn values<T: Clone>(spanned: &[Spanned<T>]) -> Vec<T> {
    spanned
        .iter()
        .map(|spanned| spanned.value.clone())
        .collect()
}

// What someone does who uses what is granted.
const fn verb(capability: Capability) -> &'static str {
    match capability {
        Capability::Read => "read",
        Capability::Write => "write",
        Capability::Run => "run",
        Capability::Reach => "reach",
        Capability::Use => "use",
        Capability::Env => "see",
        Capability::Delegate => "delegate to",
    }
}
