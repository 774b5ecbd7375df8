//! Findings as workflow commands, which GitHub shows beside the lines of a pull request.

use std::fmt::Write as _;

use super::{Finding, Findings, Level, Sources};

/// Returns one command a finding.
pub(super) fn github(findings: &Findings, sources: &Sources) -> String {
    let mut text = String::new();
    for finding in findings {
        command(finding, sources, &mut text);
    }
    text
}

fn command(finding: &Finding, sources: &Sources, text: &mut String) {
    let word = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Advice | Level::Off => "notice",
    };
    let _ = write!(text, "::{word} ");
    if let Some(place) = sources.place(finding.span) {
        let _ = write!(
            text,
            "file={},line={},endLine={},",
            property(place.path),
            place.line,
            place.end_line
        );
        // Columns mean something to it within one line alone.
        if place.line == place.end_line {
            let _ = write!(text, "col={},endColumn={},", place.column, place.end_column);
        }
    }
    let mut message = finding.fault.to_string();
    for label in finding.labels() {
        let (Some(said), Some(place)) = (&label.text, sources.place(label.span)) else {
            continue;
        };
        let _ = write!(message, "\n{}:{}: {said}", place.path, place.line);
    }
    if let Some(help) = finding.fault.help() {
        let _ = write!(message, "\nhelp: {help}");
    }
    let _ = writeln!(
        text,
        "title={}::{}",
        property(&finding.code),
        data(&message)
    );
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
