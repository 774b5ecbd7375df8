//! Findings as SARIF 2.1.0, which code scanners and editors read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Finding, Findings, Level, Sources, Span};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Returns all findings as one log of one run. `story` has the long story behind a code.
pub(super) fn sarif(
    findings: &Findings,
    sources: &Sources,
    story: fn(&str) -> Option<&'static str>,
) -> String {
    let mut codes: BTreeMap<&str, (usize, Level)> = findings
        .iter()
        .map(|finding| (finding.code.as_str(), (0, finding.level)))
        .collect();
    for (index, (at, _)) in codes.values_mut().enumerate() {
        *at = index;
    }
    let rules: Vec<_> = codes
        .iter()
        .map(|(code, (_, level))| rule(code, *level, story(code)))
        .collect();
    let results: Vec<_> = findings
        .iter()
        .map(|finding| {
            let index = codes.get(finding.code.as_str()).map(|(index, _)| *index);
            result(finding, index, sources)
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "factory",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                "%SRCROOT%": { "description": { "text": "The root of the project." } },
            },
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(code: &str, level: Level, story: Option<&'static str>) -> Value {
    let name = code.rsplit("::").next().unwrap_or(code).replace('-', " ");
    let mut rule = json!({
        "id": code,
        "shortDescription": { "text": name },
        "defaultConfiguration": { "level": word(level) },
    });
    if let (Some(story), Some(rule)) = (story, rule.as_object_mut()) {
        let help = json!({ "text": story, "markdown": story });
        rule.insert("help".to_owned(), help);
    }
    rule
}

fn result(finding: &Finding, index: Option<usize>, sources: &Sources) -> Value {
    let mut message = finding.fault.to_string();
    if let Some(help) = finding.fault.help() {
        message = format!("{message}\nhelp: {help}");
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": word(finding.level),
        "message": { "text": message },
        "locations": [],
    });
    let Some(fields) = result.as_object_mut() else {
        return result;
    };
    if let Some(index) = index {
        fields.insert("ruleIndex".to_owned(), json!(index));
    }
    if let Some(place) = physical(finding.span, sources) {
        fields.insert(
            "locations".to_owned(),
            json!([{ "physicalLocation": place }]),
        );
    }
    let related: Vec<_> = finding
        .labels()
        .filter_map(|label| Some((label.text?, physical(label.span, sources)?)))
        .enumerate()
        .map(|(id, (text, place))| json!({ "id": id, "message": { "text": text }, "physicalLocation": place }))
        .collect();
    if !related.is_empty() {
        fields.insert("relatedLocations".to_owned(), json!(related));
    }
    let changes: Vec<_> = finding
        .edits
        .iter()
        .filter_map(|edit| {
            let place = physical(edit.span, sources)?;
            Some(json!({
                "artifactLocation": place.get("artifactLocation")?,
                "replacements": [{
                    "deletedRegion": place.get("region")?,
                    "insertedContent": { "text": edit.text },
                }],
            }))
        })
        .collect();
    if !changes.is_empty() {
        fields.insert("fixes".to_owned(), json!([{ "artifactChanges": changes }]));
    }
    result
}

fn physical(span: Span, sources: &Sources) -> Option<Value> {
    let place = sources.place(span)?;
    Some(json!({
        "artifactLocation": { "uri": uri(place.path), "uriBaseId": "%SRCROOT%" },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
            "byteOffset": place.offset,
            "byteLength": span.len,
        },
    }))
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Advice | Level::Off => "note",
    }
}

// A path as a relative reference: what a URI can't hold as it is, in percent signs.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into());
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
