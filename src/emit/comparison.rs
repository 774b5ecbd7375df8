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
    /// Everything of ours, changed or not.
    pub(super) seen: Vec<Seen>,
}

/// A place of ours, as it was when it was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) full: PathBuf,
    pub(super) text: Option<String>,
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
    /// From what stands there to what would, line by line.
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
    /// An entry that is to go was edited by hand.
    #[error("has an entry `{0}` that is to go, and was edited by hand")]
    EditedOrphanEntry(String),
    /// A section was edited by hand.
    #[error("has a section `{0}` that was edited by hand")]
    EditedSection(String),
    /// A section that is no longer made was edited by hand.
    #[error("has a section `{0}` that is no longer made from the spec, and was edited by hand")]
    EditedOrphanSection(String),
    /// A file was not written by us.
    #[error("was not written by `factory build`")]
    NotOurs,
    /// Another text stands where a file of ours belongs.
    #[error("is someone else's text: `factory build` never wrote it")]
    Foreign,
    /// A snapshot was not accepted by us.
    #[error("was not written by `factory snap accept`")]
    NotAccepted,
    /// An entry was not written by us.
    #[error("has an entry `{0}` that was not written by `factory build`")]
    EntryNotOurs(String),
    /// Nobody knows whose an entry is.
    #[error("has an entry `{0}`, and no lock says that `factory build` wrote it")]
    EntryUnknown(String),
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
            Why::EditedOrphan | Why::EditedOrphanEntry(_) => {
                "remove it, or keep it under another name; `--overwrite` removes it"
            }
            Why::EditedOrphanSection(_) => {
                "take its two markers out to keep the text as your own; `--overwrite` removes it"
            }
            Why::NotOurs | Why::EntryNotOurs(_) => {
                "rename or remove it, or rename what the spec calls the same"
            }
            Why::NotAccepted => "move it to another name: what stands there is not replaced",
            Why::EntryUnknown(_) => {
                "rename or remove it, or rename what the spec calls the same; if it is the entry of \
                 an earlier build, `factory build --overwrite` replaces it"
            }
            Why::Foreign => "move it elsewhere; `factory build --overwrite` replaces it",
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
    /// The client reads nothing of a file, for what someone else has written there.
    #[error("`{path}` {why}")]
    Ignored {
        /// The file.
        path: String,
        /// Why, in words that follow the path.
        why: String,
    },
    /// A file says that it was made here, and nothing says that a build wrote it there.
    #[error("`{path}` says that it was made by `factory build`, and no lock knows it: it stays")]
    Unclaimed {
        /// The file.
        path: String,
    },
    /// Someone else's hook runs what ours does.
    #[error("`{path}` has another hook that says `{words}`: it stays")]
    OtherHook {
        /// The settings.
        path: String,
        /// What it says.
        words: &'static str,
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

/// Returns the way from a text that was edited by hand to the one that is made from the spec; to nothing,
/// where that is to go.
pub(super) fn edit_of(edited: &str, made: Option<&str>) -> String {
    let to = made.map_or("no longer made", |_| "made from the spec");
    unified(edited, made.unwrap_or_default(), "edited by hand", to)
}

fn unified(before: &str, after: &str, from: &str, to: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(from, to)
        .to_string()
}
