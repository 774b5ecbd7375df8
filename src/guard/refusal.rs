//! Why a call is refused, for the model in words and for everyone else in kind.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::boundary::{self, Capability, Obstacle, Thing};

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What stands against it.
    pub kind: RefusalKind,
    /// What it is about; of a shell line that a grant would allow, that grant. Nothing where no grant
    /// speaks of it.
    pub wanted: Option<Thing>,
    /// Why, in the words that the model is given.
    pub why: String,
}

/// What stands against a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// Nothing gives it, and a grant would.
    NotGranted,
    /// A `never` takes it away.
    Taken,
    /// The step's `only` leaves it out.
    Narrowed,
    /// No role may.
    Reserved,
    /// It decides a gate that judges the work.
    Sealed,
    /// It lies outside the project.
    Outside,
    /// It can't be judged, or no grant speaks of it.
    #[default]
    Unclear,
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            wanted: None,
            why: why.into(),
        }
    }

    pub(super) fn unclear(why: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unclear, why)
    }

    /// Says what it is about, unless it does already.
    pub(super) fn about(mut self, thing: Option<Thing>) -> Self {
        self.wanted = self.wanted.or(thing);
        self
    }

    /// Puts words before and after its reason.
    pub(super) fn said(self, say: impl FnOnce(&str) -> String) -> Self {
        let why = say(&self.why);
        Self { why, ..self }
    }
}

impl From<boundary::Refusal> for Refusal {
    fn from(refusal: boundary::Refusal) -> Self {
        let why = refusal.to_string();
        let (kind, wanted) = match refusal.obstacle {
            Obstacle::NotGranted(thing) => (RefusalKind::NotGranted, Some(thing)),
            Obstacle::Taken(thing) => (RefusalKind::Taken, Some(thing)),
            Obstacle::Narrowed => (RefusalKind::Narrowed, None),
            Obstacle::Outside => (RefusalKind::Outside, None),
            Obstacle::Unclear => (RefusalKind::Unclear, None),
        };
        Self { kind, wanted, why }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Returns a thing of `capability`.
pub(super) fn thing(capability: Capability, name: impl Into<String>) -> Thing {
    Thing {
        capability,
        name: name.into(),
    }
}
