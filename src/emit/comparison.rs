//! What build would change, what stands against it, and what is worth knowing.

use std::path::PathBuf;

use similar::TextDiff;

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

/// Returns what someone made of a text that was made from the spec.
pub(super) fn edit_of(edited: &str, made: &str) -> String {
    unified(made, edited, "made from the spec", "edited by hand")
}

fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(from, to)
        .to_string()
}
