//! One renderer per format.

use std::fmt::Write as _;

use super::{Finding, Findings, Sources, Span, github::github, json::json, sarif::sarif};
use miette::{GraphicalReportHandler, GraphicalTheme};

/// How findings are written.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// With the lines they point at, for people. `colour` turns on ANSI colours, `width` is that
    /// of the terminal in columns.
    Human {
        /// Whether to colour.
        colour: bool,
        /// Columns.
        width: usize,
    },
    /// One line a finding: `path:line:column: level[code]: message`.
    Short,
    /// One JSON object with all findings; docs/diagnostics.md has its schema.
    Json,
    /// One SARIF 2.1.0 log.
    Sarif {
        /// Returns the long story behind a code, where it has one.
        story: fn(&str) -> Option<&'static str>,
    },
    /// One workflow command a finding, which GitHub shows in the pull request.
    Github,
}

/// Returns `findings` written as `format` says. The text ends with a line break unless it is empty.
pub fn render(findings: &Findings, sources: &Sources, format: Format) -> String {
    match format {
        Format::Human { colour, width } => human(findings, sources, colour, width),
        Format::Short => short(findings, sources),
        Format::Json => json(findings, sources),
        Format::Sarif { story } => sarif(findings, sources, story),
        Format::Github => github(findings, sources),
    }
}

fn human(findings: &Findings, sources: &Sources, colour: bool, width: usize) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_context_lines(1)
        .with_links(false);
    let mut text = String::new();
    for finding in findings {
        if !drawable(finding, sources) {
            line(finding, sources, &mut text);
            continue;
        }
        let report = Located { finding, sources };
        // Writing to a `String` does not fail, and a label outside the sources shows no snippet.
        let _ = handler.render_report(&mut text, &report);
        text.push('\n');
    }
    text
}

// No terminal shows a line of this length, and the renderer can't count its columns.
const LONGEST_LINE: usize = 2000;

fn drawable(finding: &Finding, sources: &Sources) -> bool {
    let mut labels = finding.fault.labels().into_iter().flatten();
    labels.all(|label| {
        sources
            .place(Span::new(label.offset(), label.len()))
            .is_some_and(|place| place.column.max(place.end_column) <= LONGEST_LINE)
    })
}

fn line(finding: &Finding, sources: &Sources, text: &mut String) {
    let Finding {
        code,
        level,
        span,
        fault,
        edits: _,
    } = finding;
    if let Some(place) = sources.place(*span) {
        let _ = write!(text, "{}:{}:{}: ", place.path, place.line, place.column);
    }
    let _ = writeln!(text, "{level}[{code}]: {fault}");
}

fn short(findings: &Findings, sources: &Sources) -> String {
    let mut text = String::new();
    for finding in findings {
        line(finding, sources, &mut text);
    }
    text
}

// A finding with the texts that its labels point into.
#[derive(Debug)]
struct Located<'a> {
    finding: &'a Finding,
    sources: &'a Sources,
}

impl std::fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.finding.fault.fmt(f)
    }
}

impl std::error::Error for Located<'_> {}

impl miette::Diagnostic for Located<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(&self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        use super::Level;
        Some(match self.finding.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
            Level::Advice | Level::Off => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.finding.fault.help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self.sources)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.finding.fault.labels()
    }
}
