//! What a line is judged against, and the answer.

use std::fmt;

use crate::boundary::{Capability, CommandPattern, Grant, NamePattern, PathPattern};

/// The directories outside a project that hold the system and may be read.
pub const SYSTEM_DIRECTORIES: &[&str] = &[
    "/bin",
    "/etc/alternatives",
    "/lib",
    "/lib64",
    "/nix/store",
    "/opt",
    "/sbin",
    "/usr",
    "/Applications",
    "/Library",
    "/System",
];

/// What a shell line is judged against.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Commands that may be run.
    pub run: &'a Grant<CommandPattern>,
    /// Paths that may be written.
    pub write: &'a Grant<PathPattern>,
    /// Paths that may never be read; its `may` has no meaning.
    pub read: &'a Grant<PathPattern>,
    /// Variables that may be set for a command.
    pub env: &'a Grant<NamePattern>,
    /// The project root, absolute.
    pub root: &'a str,
    /// Where the line runs, relative to the root; empty for the root itself.
    pub cwd: &'a str,
    /// Absolute directories outside the project that may be written and read. The first is what
    /// `$TMPDIR` holds.
    pub scratch: &'a [String],
    /// Absolute directories outside the project that may be read besides [`SYSTEM_DIRECTORIES`].
    pub toolchains: &'a [String],
    /// What lies in the project now.
    pub tree: &'a (dyn Tree + Sync),
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Missing,
    /// A file, a link to one, or a special file.
    File,
    /// A file that has other names besides, or a link to one.
    Linked,
    /// A directory, or a link to one.
    Directory,
    /// Nobody looked.
    Unknown,
}

impl Kind {
    /// Returns whether something lies there, and it is no directory.
    pub(super) const fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Linked)
    }
}

/// Where a path leads once links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// To this path within the project, relative to the root.
    Inside(String),
    /// To this absolute path outside the project.
    Outside(String),
    /// Nobody looked.
    Unknown,
}

/// What lies in a project now, for the questions that names alone do not answer.
///
/// `()` knows nothing; the judge then assumes the worst.
pub trait Tree {
    /// Returns what lies at `path`, which is absolute.
    fn kind(&self, path: &str) -> Kind;

    /// Returns where `path`, which is absolute and may hold `..`, leads once all links are followed;
    /// what is missing counts as named.
    fn resolve(&self, path: &str) -> Resolved;

    /// Returns everything below the absolute `directory`, relative to it: files, links, and special
    /// files, links not followed. Returns nothing if that is unknown or too much.
    fn below(&self, directory: &str) -> Option<Vec<String>>;

    /// Returns the names of everything in the absolute `directory`, hidden or not.
    fn names(&self, _directory: &str) -> Option<Vec<String>> {
        None
    }

    /// Returns what the link at the absolute `path` says that it leads to, if one lies there.
    fn link(&self, _path: &str) -> Option<String> {
        None
    }

    /// Returns the files below the absolute `directory`, relative to it, that a search looks at which
    /// leaves out hidden files and those that ignore files name.
    fn searched(&self, _directory: &str) -> Option<Vec<String>> {
        None
    }

    /// Returns everything that git tracks in the project, relative to the root.
    fn tracked(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns everything in the project that git would track if it were told to track all, relative to
    /// the root: what no ignore file names.
    fn addable(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns whether the shell gives a variable of this name to the commands that it runs.
    fn exports(&self, _name: &str) -> bool {
        false
    }
}

impl Tree for () {
    fn kind(&self, _: &str) -> Kind {
        Kind::Unknown
    }

    fn resolve(&self, _: &str) -> Resolved {
        Resolved::Unknown
    }

    fn below(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}

/// Why a line may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The part of the line that it is about.
    pub part: String,
    /// Why, as the rest of a sentence that starts with the part.
    pub reason: String,
    /// What stands against it.
    pub obstacle: Obstacle,
}

/// What stands against a part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing gives it; this grant would.
    NotGranted(Thing),
    /// A `never` takes this away, whatever gives it.
    Taken(Thing),
    /// The step's `only` leaves it out.
    Narrowed,
    /// It lies outside the project.
    Outside,
    /// It can't be judged, or no grant speaks of it.
    Unclear,
}

/// What a grant speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Of which kind it is.
    pub capability: Capability,
    /// The thing, or a pattern for it.
    pub name: String,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "may {{ {} {:?}; }}", self.capability, self.name)
    }
}

impl Refusal {
    pub(super) fn new(part: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            part: part.into(),
            reason: reason.into(),
            obstacle: Obstacle::Unclear,
        }
    }

    pub(super) fn by(self, obstacle: Obstacle) -> Self {
        Self { obstacle, ..self }
    }

    pub(super) fn granted_by(self, capability: Capability, name: impl Into<String>) -> Self {
        let name = name.into();
        self.by(Obstacle::NotGranted(Thing { capability, name }))
    }

    pub(super) fn taken(self, capability: Capability, name: impl Into<String>) -> Self {
        let name = name.into();
        self.by(Obstacle::Taken(Thing { capability, name }))
    }

    /// Returns the grant that would allow it, when one would.
    pub const fn missing(&self) -> Option<&Thing> {
        match &self.obstacle {
            Obstacle::NotGranted(thing) => Some(thing),
            Obstacle::Taken(_) | Obstacle::Narrowed | Obstacle::Outside | Obstacle::Unclear => None,
        }
    }

    /// Returns the path that the part would write and may not, if that is what stands against it.
    pub fn written(&self) -> Option<&str> {
        match &self.obstacle {
            Obstacle::NotGranted(thing) | Obstacle::Taken(thing)
                if thing.capability == Capability::Write =>
            {
                Some(&thing.name)
            }
            Obstacle::NotGranted(_)
            | Obstacle::Taken(_)
            | Obstacle::Narrowed
            | Obstacle::Outside
            | Obstacle::Unclear => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.part, self.reason)?;
        match self.missing() {
            Some(missing) => write!(f, "; it would take `{missing}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
