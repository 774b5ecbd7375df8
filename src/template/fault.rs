//! What is wrong with a template, and where.

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateFault {
    /// The name of the template.
    pub template: String,
    /// The byte offset of the fault in the template's text.
    pub offset: usize,
    /// How many bytes are at fault.
    pub len: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl TemplateFault {
    /// Returns the fault of `template` whose text is `text`, at `span`.
    pub(super) fn new(
        template: &str,
        text: &str,
        span: std::ops::Range<usize>,
        message: String,
        help: Option<String>,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            template: template.to_owned(),
            offset: span.start,
            len: span.len(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message,
            help,
        }
    }
}

/// Returns the one of `known` that `name` is most likely a misspelling of, if one is near.
pub(super) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    let distance = |known: &'a str| (strsim::damerau_levenshtein(name, known), known);
    known
        .into_iter()
        .map(distance)
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, known)| known)
}
