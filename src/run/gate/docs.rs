//! The gate `docs`: managed sections are fresh, and what is documented does not change alone.

use std::io::{self, Read as _};

use super::{
    super::folder::open_plain,
    bench::Bench,
    change::ChangedFile,
    session::{Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    boundary::{Entry, PathPattern},
    document::{self, Change, Document, DocumentError, Folder, OnEdit, Without},
};

impl Session<'_> {
    /// Returns whether managed sections are fresh, and a change of `covers` comes with one of `by`.
    pub(super) async fn docs(
        &mut self,
        covers: &[Entry<PathPattern>],
        by: &[Entry<PathPattern>],
    ) -> Result<Verdict, SessionError> {
        let kept = self.kept_documents().await?;
        let mut findings = self.stale(&kept);
        let change = self.change().await?.clone();
        let covered: Vec<&ChangedFile> = change
            .among(covers)
            .filter(|file| !by.iter().any(|entry| entry.gives(&file.shown())))
            .collect();
        if !covered.is_empty() && !self.documented(&change, by).await? {
            let by: Vec<String> = by
                .iter()
                .map(|entry| format!("`{}`", entry.pattern))
                .collect();
            for file in &covered {
                findings.push(format!(
                    "{}:1: changed, and nothing of {} did",
                    file.shown(),
                    by.join(", ")
                ));
            }
        }
        let otherwise = if covered.is_empty() && kept.is_empty() {
            Outcome::Nothing(
                "no document has managed sections, and nothing of `covers` changed".into(),
            )
        } else {
            Outcome::Pass
        };
        Ok(Verdict::of_findings(&findings, otherwise))
    }

    // The documents that have managed sections, or had them in the base: a project need not keep what
    // build writes.
    async fn kept_documents(&mut self) -> Result<Vec<String>, SessionError> {
        let root = self.checkout.root.clone();
        let mut kept = Vec::new();
        let paths: Vec<String> = self.judge.plan.documents.keys().cloned().collect();
        let bench = self.bench().await?;
        for path in paths {
            let mut now = Vec::new();
            let _ = open_plain(&root.join(&path)).and_then(|mut file| file.read_to_end(&mut now));
            let before = bench.file(bench.base(), &path).await?.unwrap_or_default();
            if [now, before].iter().any(|bytes| has_markers(bytes)) {
                kept.push(path);
            }
        }
        Ok(kept)
    }

    // What is wrong with the managed sections.
    fn stale(&self, kept: &[String]) -> Vec<String> {
        let mut findings = Vec::new();
        let files = Without::new(Folder::new(&self.checkout.root), self.judge.plan.written());
        for (path, sections) in &self.judge.plan.documents {
            if !kept.contains(path) {
                continue;
            }
            let file = open_plain(&self.checkout.root.join(path));
            let text = match file.and_then(io::read_to_string) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                Err(error) => {
                    findings.push(format!("{path}:1: can't be read: {error}"));
                    continue;
                }
            };
            let mut rendered = Vec::with_capacity(sections.len());
            for section in sections {
                match document::render(path, section, &files) {
                    Ok(section) => rendered.push(section),
                    Err(error) => findings.push(format!("{path}:1: {error}")),
                }
            }
            if rendered.len() < sections.len() {
                continue;
            }
            match document::refresh(&text, &rendered, OnEdit::Keep) {
                Ok(refreshed) => {
                    for change in &refreshed.changes {
                        findings.extend(finding(path, &text, change));
                    }
                }
                Err(error) => {
                    let line = error.span().map_or(1, |span| line_at(&text, span.start));
                    findings.push(format!("{path}:{line}: {error}"));
                }
            }
        }
        findings
    }

    // Whether the change documents anything: adds or changes a file of `by`. Of a document with
    // managed sections only what is outside of them counts, since the runner writes the rest itself.
    async fn documented(
        &mut self,
        change: &super::change::Change,
        by: &[Entry<PathPattern>],
    ) -> Result<bool, SessionError> {
        let documents = &self.judge.plan.documents;
        let bench = self.bench().await?;
        for file in change.among(by).filter(|file| file.after.is_some()) {
            let shown = file.shown();
            if file.is_added() || !documents.contains_key(shown.as_ref()) {
                return Ok(true);
            }
            let old = outside(bench, bench.base(), &shown).await?;
            if old != outside(bench, bench.tree(), &shown).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

// Markers that can't be read are markers too.
fn has_markers(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    Document::parse(&text).map_or(true, |document| !document.regions().is_empty())
}

fn finding(path: &str, text: &str, change: &Change) -> Option<String> {
    let region = |slug: &str| {
        let document = Document::parse(text).ok()?;
        Some(line_at(text, document.region(slug)?.span.start))
    };
    match change {
        Change::Replaced { title } => {
            let line = region(&document::slug(title)).unwrap_or(1);
            Some(format!("{path}:{line}: the section `{title}` is stale"))
        }
        Change::Added { title } => Some(format!("{path}:1: the section `{title}` is missing")),
        Change::Removed { slug } => {
            let line = region(slug).unwrap_or(1);
            Some(format!(
                "{path}:{line}: the section `{slug}` is declared no more"
            ))
        }
        Change::Edited { title, span, diff } => {
            let line = line_at(text, span.start);
            let diff = diff.trim_end();
            Some(format!(
                "{path}:{line}: the section `{title}` was edited by hand\n{diff}"
            ))
        }
        Change::Orphaned { slug, span } => {
            let line = line_at(text, span.start);
            Some(format!(
                "{path}:{line}: the section `{slug}` is declared no more, and was edited by hand"
            ))
        }
        // Build has said so; the document is its author's.
        Change::Taken { .. } => None,
    }
}

fn line_at(text: &str, at: usize) -> usize {
    let above = text.as_bytes().iter().take(at);
    above.filter(|byte| **byte == b'\n').count() + 1
}

// The text of a document outside of its managed sections; all of it where they can't be told.
async fn outside(bench: &Bench, tree: &str, path: &str) -> Result<String, SessionError> {
    let bytes = bench.file(tree, path).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let parsed: Result<Vec<String>, DocumentError> = Document::parse(&text).map(|document| {
        document
            .outside()
            .filter_map(|span| text.get(span).map(|part| part.trim().to_owned()))
            .collect()
    });
    Ok(parsed.map_or_else(|_| text.clone(), |parts| parts.concat()))
}
