//! Findings as one JSON object, for programs; docs/diagnostics.md has its schema.

use serde::Serialize;

use super::{Edit, Finding, Findings, Sources, Span};

// Raised when a program that reads the last one could misread the next.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a, T> {
    version: u32,
    findings: Vec<Entry<'a>>,
    #[serde(flatten)]
    more: &'a T,
}

#[derive(Serialize)]
struct NoMore {}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    level: &'static str,
    message: String,
    help: Option<String>,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Label<'a> {
    text: Option<String>,
    primary: bool,
    #[serde(flatten)]
    place: Range<'a>,
}

#[derive(Serialize)]
struct Change<'a> {
    #[serde(flatten)]
    place: Range<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct Range<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    offset: usize,
    length: usize,
}

/// Returns all findings as one object.
pub(super) fn json(findings: &Findings, sources: &Sources) -> String {
    json_with(findings, sources, &NoMore {})
}

/// Returns all findings as one object, with the fields of `more` behind them.
pub fn json_with(findings: &Findings, sources: &Sources, more: &impl Serialize) -> String {
    let report = Report {
        more,
        version: VERSION,
        findings: findings
            .iter()
            .map(|finding| entry(finding, sources))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

fn entry<'a>(finding: &'a Finding, sources: &'a Sources) -> Entry<'a> {
    let labels = finding.labels().filter_map(|label| {
        Some(Label {
            place: range(label.span, sources)?,
            text: label.text,
            primary: label.primary,
        })
    });
    let change = |edit: &'a Edit| {
        Some(Change {
            place: range(edit.span, sources)?,
            text: &edit.text,
        })
    };
    Entry {
        code: &finding.code,
        level: finding.level.word(),
        message: finding.fault.to_string(),
        help: finding.fault.help().map(|help| help.to_string()),
        labels: labels.collect(),
        edits: finding.edits.iter().filter_map(change).collect(),
    }
}

fn range(span: Span, sources: &Sources) -> Option<Range<'_>> {
    let place = sources.place(span)?;
    Some(Range {
        file: place.path,
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        offset: place.offset,
        length: span.len,
    })
}
