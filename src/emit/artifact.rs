//! What build writes, before it is compared with what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Composer, Prompt, agents_md, claude_code};
use crate::{
    cache::Digest,
    diagnostics::{Findings, Span},
    document::{
        ProjectFiles, Rendered, Section, SectionSource, Without, digest_of_text,
        render as render_section,
    },
    model::{Section as DocumentSection, SectionFrom},
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
    /// For an item of an array: the words that another item may not have without a note.
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
        /// The digest of its text, whatever the line ends.
        sha256: Digest,
    },
    /// Entries in a JSON file that is someone else's.
    Entries {
        /// The digest of their canonical text.
        sha256: Digest,
        /// Their values, by JSON pointer; `-` at the end of one is an item of an array.
        entries: BTreeMap<String, Value>,
        /// What stood there before the first build, if it held nothing, or nothing where ours belongs.
        found: Option<String>,
    },
    /// Sections of a document that is someone else's.
    Sections {
        /// Their titles, in the order of the spec.
        titles: Vec<String>,
        /// What stood there before the first build, if it held nothing, or nothing where ours belongs.
        found: Option<String>,
    },
}

impl Fact {
    pub(super) fn entries(entries: BTreeMap<String, Value>, found: Option<String>) -> Self {
        let text = serde_json::to_string(&entries).unwrap_or_default();
        Self::Entries {
            sha256: Digest::of(text),
            entries,
            found,
        }
    }
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

    // Whether all or some of what stands at the path is made for a target. Of a document what is outside of
    // the sections is its author's.
    fn is_made(&self, path: &str) -> bool {
        match self.by_path.get(path) {
            Some(Content::Owned(_) | Content::Unmarked(_) | Content::Entries(_)) => true,
            Some(Content::Sections(_)) | None => false,
        }
    }

    /// Returns the paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }

    /// Returns the paths of files that are someone else's too: those with entries or sections of ours.
    pub(super) fn shared(&self) -> impl Iterator<Item = &str> {
        let shared = self.by_path.iter().filter(|(_, content)| match content {
            Content::Entries(_) | Content::Sections(_) => true,
            Content::Owned(_) | Content::Unmarked(_) => false,
        });
        shared.map(|(path, _)| path.as_str())
    }

    /// Returns what the lock keeps of each path. `found` is what stood before the first build where a file
    /// held nothing, by path.
    pub fn facts(&self, found: &BTreeMap<String, String>) -> BTreeMap<String, Fact> {
        let fact = |path: &String, content: &Content| match content {
            Content::Owned(text) | Content::Unmarked(text) => Fact::File {
                sha256: digest_of_text(text),
            },
            Content::Entries(list) => {
                let entries: BTreeMap<_, _> = list
                    .iter()
                    .map(|entry| (entry.pointer(), entry.value.clone()))
                    .collect();
                Fact::entries(entries, found.get(path).cloned())
            }
            Content::Sections(sections) => {
                let titles = sections
                    .iter()
                    .map(|section| section.title.clone())
                    .collect();
                Fact::Sections {
                    titles,
                    found: found.get(path).cloned(),
                }
            }
        };
        self.by_path
            .iter()
            .map(|(path, content)| (path.clone(), fact(path, content)))
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
    render_unless(|_| false, composer, prompts, files)
}

/// Returns why [`render`] would fail. Texts that can't are not made.
pub fn faults(composer: &Composer<'_>, prompts: &[Prompt], files: &impl ProjectFiles) -> Findings {
    let certain = |name: &str| composer.is_certain(name);
    let rendered = render_unless(certain, composer, prompts, files);
    rendered.err().unwrap_or_default()
}

// Leaves out the sections of templates of which `left_out` says so.
fn render_unless(
    left_out: impl Fn(&str) -> bool,
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
    // What is written is on no list: it would change with what it stands in.
    let documents = model.documents.iter().map(|document| &document.path.value);
    let written: BTreeSet<String> = artifacts.by_path.keys().chain(documents).cloned().collect();
    let files = Without::new(files, written);
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
        let wanted = document.sections.iter().filter(|section| {
            !matches!(&section.from, SectionFrom::Template(name) if left_out(&name.value))
        });
        let sections = sections(composer, path, wanted, &artifacts, &files, &mut findings);
        artifacts.sections(path, sections);
    }
    if findings.is_empty() {
        Ok(artifacts)
    } else {
        Err(findings.sorted())
    }
}

// The sections that a document is to have; those that can't be made are findings.
fn sections<'a>(
    composer: &Composer<'_>,
    path: &str,
    wanted: impl Iterator<Item = &'a DocumentSection>,
    artifacts: &Artifacts,
    files: &impl ProjectFiles,
    findings: &mut Findings,
) -> Vec<Rendered> {
    let mut sections = Vec::new();
    for declared in wanted {
        let title = &declared.title.value;
        let mut fault = |message: String, help, span: Span| {
            findings.add(SectionError {
                message,
                help,
                span: span.into(),
            });
        };
        let (source, span) = match &declared.from {
            SectionFrom::File(file) if file.value == path => {
                let message =
                    format!("the section `{title}` is made from the document it stands in");
                let help = "name another file: the section would grow with every build";
                fault(message, help, file.span);
                continue;
            }
            SectionFrom::File(file) if artifacts.is_made(&file.value) => {
                let message = format!(
                    "the section `{title}` is made from `{}`, which `factory build` writes",
                    file.value
                );
                fault(message, "name what that file is made from", file.span);
                continue;
            }
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
            title: title.clone(),
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
    sections
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
