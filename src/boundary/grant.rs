//! What `may` gives, less what `never` takes away; the rest is denied.

use serde::{Deserialize, Serialize};

use super::Nevers;

/// A pattern that does not mean anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong, in the words of a message: lower case, no full stop.
    pub message: String,
    /// What to write instead, when that is known.
    pub help: Option<String>,
    /// The byte offset of the fault within the pattern.
    pub at: usize,
}

/// A pattern for one kind of thing: a path, a command, or a name.
pub trait Pattern {
    /// The thing that is asked about: a path, the words of a command, a name.
    type Subject: ?Sized;

    /// Returns whether a `may` with this pattern gives `subject`: exactly as written.
    fn gives(&self, subject: &Self::Subject) -> bool;

    /// Returns whether a `never` with this pattern takes `subject` away: whatever the case and the
    /// Unicode normalisation, and for commands by base name and behind global options.
    fn takes(&self, subject: &Self::Subject) -> bool;

    /// Returns a thing that a `may` with this pattern gives, where one is told without a search.
    fn example(&self) -> Option<Box<Self::Subject>>;

    /// Returns whether a `never` with the pattern `never` may take something that a `may` with this pattern
    /// gives, as far as the texts that both begin with tell. Says no only for certain, and is told without
    /// a search.
    fn near_never(&self, never: &Self) -> bool;

    /// Writes `subject` as a person would.
    fn show(subject: &Self::Subject) -> String;

    /// Returns what everything that `takes` takes begins with, where that is one thing: a folded first
    /// segment. What a `may` with this pattern gives begins with it too.
    fn start(&self) -> Option<Box<str>> {
        None
    }

    /// Returns what `subject` begins with, to be compared with [`Pattern::start`].
    fn start_of(_subject: &Self::Subject) -> Option<Box<str>> {
        None
    }
}

/// Gives a pattern what follows from its being a text that was parsed.
macro_rules! written_as_text {
    ($pattern:ty) => {
        impl serde::Serialize for $pattern {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.text)
            }
        }

        impl $pattern {
            /// Returns the pattern as written.
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }

        impl TryFrom<String> for $pattern {
            type Error = PatternError;

            fn try_from(text: String) -> Result<Self, PatternError> {
                text.parse()
            }
        }

        impl From<$pattern> for String {
            fn from(pattern: $pattern) -> Self {
                pattern.text.as_ref().to_owned()
            }
        }

        impl std::fmt::Display for $pattern {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl PartialEq for $pattern {
            fn eq(&self, other: &Self) -> bool {
                self.text == other.text
            }
        }

        impl Eq for $pattern {}

        impl PartialOrd for $pattern {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $pattern {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.text.cmp(&other.text)
            }
        }

        impl std::hash::Hash for $pattern {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.text.hash(state);
            }
        }
    };
}
pub(super) use written_as_text;

/// A pattern less the exceptions of the set it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written<P>", into = "Written<P>")]
#[serde(bound(
    serialize = "P: Serialize + Clone",
    deserialize = "P: Deserialize<'de>"
))]
pub struct Entry<P> {
    /// What is meant.
    pub pattern: P,
    /// What is not meant although the pattern matches it.
    pub except: Vec<P>,
}

// How the lock writes an entry: most have no exception and are one string.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<P> {
    Plain(P),
    Less { pattern: P, except: Vec<P> },
}

impl<P> From<Written<P>> for Entry<P> {
    fn from(written: Written<P>) -> Self {
        match written {
            Written::Plain(pattern) => Self {
                pattern,
                except: Vec::new(),
            },
            Written::Less { pattern, except } => Self { pattern, except },
        }
    }
}

impl<P> From<Entry<P>> for Written<P> {
    fn from(entry: Entry<P>) -> Self {
        if entry.except.is_empty() {
            Self::Plain(entry.pattern)
        } else {
            Self::Less {
                pattern: entry.pattern,
                except: entry.except,
            }
        }
    }
}

impl<P> From<P> for Entry<P> {
    fn from(pattern: P) -> Self {
        Self {
            pattern,
            except: Vec::new(),
        }
    }
}

impl<P: Pattern> Entry<P> {
    /// Returns whether a `may` with this entry gives `subject`.
    pub fn gives(&self, subject: &P::Subject) -> bool {
        self.pattern.gives(subject) && !self.except.iter().any(|except| except.takes(subject))
    }

    /// Returns whether a `never` with this entry takes `subject` away. An exception of a `never`
    /// counts only as written, so that a spelling trick never widens it.
    pub fn takes(&self, subject: &P::Subject) -> bool {
        self.pattern.takes(subject) && !self.except.iter().any(|except| except.gives(subject))
    }
}

/// What is permitted of one kind of thing.
///
/// The order of the entries has no meaning but for the indices in a [`Decision`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "P: Serialize + Clone",
    deserialize = "P: Deserialize<'de>"
))]
pub struct Grant<P> {
    /// What is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may: Vec<Entry<P>>,
    /// What is taken away, whatever gives it.
    #[serde(default, skip_serializing_if = "Nevers::has_no_own")]
    pub never: Nevers<P>,
    /// What a step narrows it to: when there is one, a thing must be in it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<Entry<P>>>,
}

impl<P> Default for Grant<P> {
    fn default() -> Self {
        Self {
            may: Vec::new(),
            never: Nevers::default(),
            only: None,
        }
    }
}

/// What a [`Grant`] says of one thing, with the index of the entry that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Entry `may` gives it and nothing takes it away.
    Permitted {
        /// Which entry of `may`.
        may: usize,
    },
    /// Entry `never` takes it away.
    Taken {
        /// Which entry of `never`.
        never: usize,
    },
    /// It is granted, and the step's `only` leaves it out.
    Narrowed,
    /// Nothing gives it.
    NotGranted,
}

impl Decision {
    /// Returns whether the thing may be done.
    pub const fn permits(self) -> bool {
        matches!(self, Self::Permitted { .. })
    }
}

impl<P: Pattern> Grant<P> {
    /// Returns what is decided of `subject`.
    pub fn decide(&self, subject: &P::Subject) -> Decision {
        if let Some(never) = self.never.taker(subject) {
            return Decision::Taken { never };
        }
        let Some(may) = self.may.iter().position(|entry| entry.gives(subject)) else {
            return Decision::NotGranted;
        };
        match &self.only {
            Some(only) if !only.iter().any(|entry| entry.gives(subject)) => Decision::Narrowed,
            Some(_) | None => Decision::Permitted { may },
        }
    }

    /// Returns whether `subject` may be done.
    pub fn permits(&self, subject: &P::Subject) -> bool {
        self.decide(subject).permits()
    }
}
