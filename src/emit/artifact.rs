//! What build writes, before it is compared with what is there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Composer, Prompt, agents_md, claude_code};
use crate::{
    cache::Digest,
    diagnostics::{Findings, Span},
    document::{ProjectFiles, Rendered, Section, SectionSource, render as render_section},
    model::SectionFrom,
};

/// Everything that build writes, by path.
#[derive(Debug, Clone, Default)]
pub struct Artifacts {
    pub(super) by_path: BTreeMap<String, Content>,
}

/// What is written at one path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A whole file that carries the digest of its own content.
    Owned(String),
    /// A whole file without a mark of ours: it is ours as long as it is what the last build wrote.
    Unmarked(String),
    /// A whole file that is ours by its path alone.
    Whole(String),
    /// Entries in a JSON file that is someone else's.
    Entries(Vec<Entry>),
    /// Sections in a document that is someone else's.
    Sections(Vec<Rendered>),
}

/// One entry of ours in a JSON file that is someone else's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The members that lead to it, or to the array that it is an item of.
    pub(super) path: Vec<String>,
    /// For an item of an array: the words by which it is known after an edit.
    pub(super) sign: Option<&'static str>,
    /// Its value.
    pub(super) value: Value,
}

impl Entry {
    /// Returns a member.
    pub(super) fn member(path: &[&str], value: Value) -> Self {
        Self {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            sign: None,
            value,
        }
    }

    /// Returns an item of an array.
    pub(super) fn item(path: &[&str], value: Value, sign: &'static str) -> Self {
        Self {
            sign: Some(sign),
            ..Self::member(path, value)
        }
    }

    /// Returns the JSON pointer by which the entry is known; an item of an array has a `-` at its end.
    pub(super) fn pointer(&self) -> String {
        let escaped = self
            .path
            .iter()
            .map(|name| name.replace('~', "~0").replace('/', "~1"));
        let item = self.sign.map(|_| "-".to_owned());
        escaped
            .chain(item)
            .fold(String::new(), |pointer, name| pointer + "/" + &name)
    }
}

/// What the lock keeps of one path that build has written.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A whole file.
    File {
        /// The digest of its text.
        sha256: Digest,
    },
    /// Entries in a JSON file that is someone else's.
    Entries {
        /// The digest of their canonical text.
        sha256: Digest,
        /// Their values, by JSON pointer; `-` at the end of one is an item of an array.
        entries: BTreeMap<String, Value>,
    },
    /// Sections of a document that is someone else's.
    Sections {
        /// Their titles, in the order of the spec.
        titles: Vec<String>,
    },
}

impl Artifacts {
    pub(super) fn owned(&mut self, path: String, text: String) {
        self.by_path.insert(path, Content::Owned(text));
    }

    pub(super) fn unmarked(&mut self, path: String, text: String) {
        self.by_path.insert(path, Content::Unmarked(text));
    }

    pub(super) fn entries(&mut self, path: &str, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.by_path
                .insert(path.to_owned(), Content::Entries(entries));
        }
    }

    pub(super) fn sections(&mut self, path: &str, sections: Vec<Rendered>) {
        self.by_path
            .insert(path.to_owned(), Content::Sections(sections));
    }

    /// Adds a file that is ours by its path alone, such as the lock: whatever stands there is replaced.
    pub fn whole(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.by_path
            .insert(path.into(), Content::Whole(text.into()));
    }

    /// Returns the paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }

    /// Returns what the lock keeps of each path; not of a file that is ours by its path alone.
    pub fn facts(&self) -> BTreeMap<String, Fact> {
        let fact = |content: &Content| match content {
            Content::Whole(_) => None,
            Content::Owned(text) | Content::Unmarked(text) => Some(Fact::File {
                sha256: Digest::of(text),
            }),
            Content::Entries(list) => {
                let entries: BTreeMap<_, _> = list
                    .iter()
                    .map(|entry| (entry.pointer(), entry.value.clone()))
                    .collect();
                let text = serde_json::to_string(&entries).unwrap_or_default();
                Some(Fact::Entries {
                    sha256: Digest::of(text),
                    entries,
                })
            }
            Content::Sections(sections) => {
                let titles = sections
                    .iter()
                    .map(|section| section.title.clone())
                    .collect();
                Some(Fact::Sections { titles })
            }
        };
        self.by_path
            .iter()
            .filter_map(|(path, content)| Some((path.clone(), fact(content)?)))
            .collect()
    }
}

/// Adds what one target's clients read.
type RenderTarget =
    fn(&Composer<'_>, &[Prompt], &mut Artifacts) -> Result<(), super::TemplateError>;

/// Every target with its folder of this room: nothing else of it knows them.
static TARGETS: [(&str, RenderTarget); 2] = [
    (claude_code::TARGET, claude_code::render),
    (agents_md::TARGET, agents_md::render),
];

/// A section that can't be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
#[diagnostic(code("factory::emit::section"), help("{help}"))]
struct SectionError {
    message: String,
    help: &'static str,
    #[label("asked for here")]
    span: miette::SourceSpan,
}

/// Returns all that build writes but the lock, of a factory whose compiled prompts are `prompts` and
/// whose project has `files`. Equal factories with equal files have equal artifacts.
///
/// # Errors
///
/// Where a section can't be made: all such faults.
pub fn render(
    composer: &Composer<'_>,
    prompts: &[Prompt],
    files: &impl ProjectFiles,
) -> Result<Artifacts, Findings> {
    let model = composer.model();
    let mut artifacts = Artifacts::default();
    let mut findings = Findings::default();
    for target in &model.targets {
        let render = TARGETS.iter().find(|(name, _)| *name == target.value);
        if let Some(Err(error)) =
            render.map(|(_, render)| render(composer, prompts, &mut artifacts))
        {
            findings.add(error);
        }
    }
    for document in &model.documents {
        let path = &document.path.value;
        if artifacts.by_path.contains_key(path) {
            findings.add(SectionError {
                message: format!("`{path}` is written for a target already"),
                help: "name another file, or take the target away",
                span: document.path.span.into(),
            });
            continue;
        }
        let mut sections = Vec::new();
        for declared in &document.sections {
            let mut fault = |message: String, help, span: Span| {
                findings.add(SectionError {
                    message,
                    help,
                    span: span.into(),
                });
            };
            let (source, span) = match &declared.from {
                SectionFrom::File(file) => (
                    SectionSource::File {
                        path: file.value.clone(),
                    },
                    file.span,
                ),
                SectionFrom::Files { patterns, max } => (
                    SectionSource::Files {
                        patterns: patterns.clone(),
                        max: *max,
                    },
                    declared.title.span,
                ),
                SectionFrom::Template(name) => match composer.section(&name.value) {
                    Ok(text) => (SectionSource::Text { text }, name.span),
                    Err(error) => {
                        findings.add(error);
                        continue;
                    }
                },
            };
            let section = Section {
                title: declared.title.value.clone(),
                source,
            };
            match render_section(path, &section, files) {
                Ok(rendered) => sections.push(rendered),
                Err(error) => {
                    let help = "write the file, or take the section away";
                    fault(error.to_string(), help, span);
                }
            }
        }
        artifacts.sections(path, sections);
    }
    if findings.is_empty() {
        Ok(artifacts)
    } else {
        Err(findings.sorted())
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use crate::client::TARGET_NAMES;

    #[test]
    fn every_target_of_the_language_is_written() {
        assert_eq!(TARGETS.map(|(name, _)| name), TARGET_NAMES);
    }
}
