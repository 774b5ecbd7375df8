//! The kinds of things that a boundary speaks of, and what keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern as _, Regular, TooComplex,
    automata::taken_among,
};

/// A kind of thing that a boundary speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Looking at files.
    Read,
    /// Changing files.
    Write,
    /// Running commands.
    Run,
    /// Speaking to hosts.
    Reach,
    /// Using servers and tools.
    Use,
    /// Seeing variables.
    Env,
    /// Handing work on.
    Delegate,
}

impl Capability {
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Run,
        Self::Reach,
        Self::Use,
        Self::Env,
        Self::Delegate,
    ];

    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Run => "run",
            Self::Reach => "reach",
            Self::Use => "use",
            Self::Env => "env",
            Self::Delegate => "delegate",
        }
    }

    /// Returns the capability of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.word() == word)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What keeps a boundary, ordered by what it achieves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Words that a model may ignore.
    Advised,
    /// A hook refuses the call.
    Guarded,
    /// The audit keeps it from landing.
    Rejected,
    /// The kernel, a missing tool, or a missing credential.
    Prevented,
}

impl Layer {
    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advised => "advised",
            Self::Guarded => "guarded",
            Self::Rejected => "rejected",
            Self::Prevented => "prevented",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a role may do, of every kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// Reading inside the project is allowed unless a `never` takes it away; `may` has no meaning.
    #[serde(default)]
    pub read: Grant<PathPattern>,
    /// Files that it may create, change, or delete.
    #[serde(default)]
    pub write: Grant<PathPattern>,
    /// Commands that it may run.
    #[serde(default)]
    pub run: Grant<CommandPattern>,
    /// Hosts that it may speak to.
    #[serde(default)]
    pub reach: Grant<NamePattern>,
    /// Servers and tools that it may use.
    #[serde(default, rename = "use")]
    pub uses: Grant<NamePattern>,
    /// Variables of the owner's environment that it is given.
    #[serde(default)]
    pub env: Grant<NamePattern>,
    /// Roles that it may hand work to, in interactive sessions.
    #[serde(default)]
    pub delegate: Grant<NamePattern>,
}

impl Boundary {
    /// Returns a shortest thing of `capability` that `self` permits and `other` does not, if there is
    /// one. What no role may ever write is left aside, as it is the same for both.
    ///
    /// # Errors
    ///
    /// Where the patterns are too complex to be compared: then nothing is known.
    pub fn beyond(
        &self,
        other: &Self,
        capability: Capability,
    ) -> Result<Option<String>, TooComplex> {
        match capability {
            Capability::Read => beyond(&self.reading(), &other.reading()),
            Capability::Write => beyond(&self.write, &other.write),
            Capability::Run => beyond(&self.run, &other.run),
            Capability::Reach => beyond(&self.reach, &other.reach),
            Capability::Use => beyond(&self.uses, &other.uses),
            Capability::Env => beyond(&self.env, &other.env),
            Capability::Delegate => beyond(&self.delegate, &other.delegate),
        }
    }

    // Reading is allowed unless something takes it away.
    fn reading(&self) -> Grant<PathPattern> {
        let everything = "**".parse::<PathPattern>().ok();
        Grant {
            may: everything.into_iter().map(Into::into).collect(),
            never: self.read.never.own().to_vec().into(),
            only: None,
        }
    }
}

/// What everything that a pattern matches begins with, folded, where that is one thing.
trait Begins: Regular + Clone + PartialEq {
    fn begins(&self) -> Option<String>;
}

impl Begins for PathPattern {
    fn begins(&self) -> Option<String> {
        self.start().map(Into::into)
    }
}

impl Begins for CommandPattern {
    // A `never` goes by the base name.
    fn begins(&self) -> Option<String> {
        let words = self.literal_words();
        let base = words.first()?.rsplit('/').next()?.to_lowercase();
        base.is_ascii().then_some(base)
    }
}

impl Begins for NamePattern {
    fn begins(&self) -> Option<String> {
        None
    }
}

// What begins otherwise is left out of each question, and an entry that both give is only asked for
// what `other` takes away and `this` does not.
fn beyond<P: Begins>(this: &Grant<P>, other: &Grant<P>) -> Result<Option<String>, TooComplex> {
    fn near<P: Begins>(entry: &Entry<P>, others: &[Entry<P>]) -> Vec<Entry<P>> {
        let begins = entry.pattern.begins();
        let meets = |other: &&Entry<P>| {
            let (one, two) = (begins.as_ref(), other.pattern.begins());
            one.is_none() || two.is_none() || one == two.as_ref()
        };
        others.iter().filter(meets).cloned().collect()
    }
    let (nevers, others) = (this.never.own(), other.never.own());
    let removed: Vec<_> = others
        .iter()
        .filter(|never| !nevers.contains(never))
        .cloned()
        .collect();
    let mut shortest: Option<String> = None;
    for entry in &this.may {
        let alone = Grant {
            may: vec![entry.clone()],
            never: near(entry, nevers).into(),
            only: this.only.clone(),
        };
        let rest = if other.may.contains(entry) {
            let removed = near(entry, &removed);
            // What is read loosely is a larger question than what is written.
            let written = Grant {
                may: removed.clone(),
                ..Grant::default()
            };
            if let Some(found) = alone.overlap(&written)? {
                shorter(&mut shortest, found);
                continue;
            }
            if taken_among(std::slice::from_ref(entry), &removed.clone().into())?.is_none() {
                continue;
            }
            Grant {
                may: vec![entry.clone()],
                never: removed.into(),
                only: other.only.clone(),
            }
        } else {
            Grant {
                may: near(entry, &other.may),
                never: near(entry, others).into(),
                only: other.only.clone(),
            }
        };
        if let Some(found) = alone.beyond(&rest)? {
            shorter(&mut shortest, found);
        }
    }
    Ok(shortest)
}

fn shorter(shortest: &mut Option<String>, found: String) {
    let known = shortest.as_ref();
    if known.is_none_or(|known| (found.len(), &found) < (known.len(), known)) {
        *shortest = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_never_that_goes_is_seen_behind_all_that_may_be_run() {
        let inspect = crate::boundary::standard("@std/inspect").unwrap().entries();
        let never = |patterns: &[&str]| -> Vec<Entry<CommandPattern>> {
            let entries = patterns
                .iter()
                .map(|text| text.parse::<CommandPattern>().unwrap().into());
            entries.collect()
        };
        let with = |patterns: &[&str]| Boundary {
            run: Grant {
                may: inspect.to_vec(),
                never: never(patterns).into(),
                only: None,
            },
            ..Boundary::default()
        };
        let old = with(&["kamal *", "cap * deploy", "git push *", "git log *"]);
        for (new, then) in [
            (with(&["kamal *", "git push *", "git log *"]), None),
            (with(&["git push *"]), Some("git log")),
            (with(&["git *"]), None),
        ] {
            let found = new.beyond(&old, Capability::Run).unwrap();
            assert_eq!(found.as_deref(), then);
        }
    }

    #[test]
    fn what_one_boundary_gives_beyond_another() {
        fn grant<P>(may: &[&str], never: &[&str]) -> Grant<P>
        where
            P: std::str::FromStr<Err: fmt::Debug>,
        {
            let list = |texts: &[&str]| -> Vec<Entry<P>> {
                let entries = texts.iter().map(|text| text.parse::<P>().unwrap().into());
                entries.collect()
            };
            Grant {
                may: list(may),
                never: list(never).into(),
                only: None,
            }
        }
        let boundary = |write: (&[&str], &[&str]), run: (&[&str], &[&str])| Boundary {
            write: grant(write.0, write.1),
            run: grant(run.0, run.1),
            ..Boundary::default()
        };
        let old = boundary((&["app/**"], &["app/b*"]), (&["git *"], &["git push *"]));
        for (new, write, run) in [
            (old.clone(), None, None),
            // The same said otherwise is the same.
            (
                boundary(
                    (&["app/**", "app/a/**"], &["app/b*"]),
                    (&["git *"], &["git push *"]),
                ),
                None,
                None,
            ),
            (
                boundary((&["app/**", "lib/a"], &["app/b*"]), (&["git *"], &[])),
                Some("lib/a"),
                Some("git push"),
            ),
            (
                boundary((&["app/**"], &[]), (&["git status *"], &[])),
                Some("app/b"),
                None,
            ),
            (
                boundary((&[], &[]), (&["ls"], &["git *"])),
                None,
                Some("ls"),
            ),
        ] {
            assert_eq!(
                new.beyond(&old, Capability::Write).unwrap().as_deref(),
                write
            );
            assert_eq!(new.beyond(&old, Capability::Run).unwrap().as_deref(), run);
            assert_eq!(new.beyond(&old, Capability::Read), Ok(None));
        }
    }
}
