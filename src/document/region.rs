//! Regions between marker comments, and whether their text is still the one that was written.

use std::ops::Range;

use super::markdown::{LineKind, lines_from};
use crate::cache::Digest;

/// What every marker starts with.
const MARKER: &str = "<!-- factory:";
/// What the first marker of a region tells its reader.
const NOTE: &str = "(made by `factory build`: edit its source, not this text)";
/// How many digits of a digest stand in a marker: it finds slips of the hand, and keeps nobody out.
const DIGITS: usize = 16;

/// A document with its managed regions.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    regions: Vec<Region>,
}

/// One managed region of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The name in its markers.
    pub slug: String,
    /// The digits of the digest of the text that was written.
    pub digest: String,
    /// Where it stands, both markers and the line end of the last included.
    pub span: Range<usize>,
    /// Where its text stands: all between the marker lines.
    pub body: Range<usize>,
    /// Whether the text is still the one that was written. Line ends play no part.
    pub untouched: bool,
}

/// Markers that make no regions. Each span is one of bytes in the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A marker that does not read as one.
    #[error("a marker of a managed section that can't be read")]
    Malformed {
        /// The line.
        span: Range<usize>,
    },
    /// A region inside of another.
    #[error("the managed section `{slug}` begins inside of `{within}`")]
    Nested {
        /// The inner one.
        slug: String,
        /// The outer one.
        within: String,
        /// The marker of the inner one.
        span: Range<usize>,
    },
    /// An end without a beginning.
    #[error("the managed section `{slug}` ends here and does not begin")]
    Unopened {
        /// The name in the marker.
        slug: String,
        /// The marker.
        span: Range<usize>,
    },
    /// A beginning without an end.
    #[error("the managed section `{slug}` begins here and does not end")]
    Unclosed {
        /// The name in the marker.
        slug: String,
        /// The marker.
        span: Range<usize>,
    },
    /// Two regions of one name.
    #[error("the managed section `{slug}` stands here a second time")]
    Duplicate {
        /// The name in both markers.
        slug: String,
        /// The marker of the second.
        span: Range<usize>,
        /// The first.
        first: Range<usize>,
    },
    /// A document that ends inside of a code block or a comment: nothing can be added behind it.
    #[error("the document ends inside of a code block or a comment")]
    OpenEnd,
    /// Two sections whose titles differ too little.
    #[error("the sections `{first}` and `{second}` would have one name, `{slug}`")]
    SameName {
        /// The name.
        slug: String,
        /// One title.
        first: String,
        /// The other.
        second: String,
    },
    /// A section whose text holds a marker.
    #[error("the text of the section `{title}` holds a marker of a managed section")]
    MarkerInText {
        /// Its title.
        title: String,
    },
}

impl DocumentError {
    /// Returns where in the document the fault is, where it is one of the document.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Malformed { span }
            | Self::Nested { span, .. }
            | Self::Unopened { span, .. }
            | Self::Unclosed { span, .. }
            | Self::Duplicate { span, .. } => Some(span.clone()),
            Self::OpenEnd | Self::SameName { .. } | Self::MarkerInText { .. } => None,
        }
    }
}

impl<'a> Document<'a> {
    /// Reads the markers of `text`. A marker is a line of its own; in a code block outside of every
    /// region it is an example.
    ///
    /// # Errors
    ///
    /// Where markers are unreadable, unpaired, nested, or repeated: then nothing may be written.
    pub fn parse(text: &'a str) -> Result<Self, DocumentError> {
        let mut regions: Vec<Region> = Vec::new();
        let mut from = 0;
        while let Some((begin, at)) = next_begin(text, from)? {
            let Marker::Begin { slug, digest } = begin else {
                continue;
            };
            let marker = at.start..at.start + bare(text.get(at.clone()).unwrap_or_default()).len();
            if let Some(first) = regions.iter().find(|region| region.slug == slug) {
                return Err(DocumentError::Duplicate {
                    slug,
                    span: marker,
                    first: first.span.clone(),
                });
            }
            let Some(end) = find_end(text, at.end, &slug)? else {
                return Err(DocumentError::Unclosed { slug, span: marker });
            };
            let body = at.end..end.start;
            let untouched = digits(text.get(body.clone()).unwrap_or_default()) == digest;
            from = end.end;
            regions.push(Region {
                slug,
                digest,
                span: at.start..end.end,
                body,
                untouched,
            });
        }
        Ok(Self { text, regions })
    }

    /// Returns the document's text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the regions in the order of the document.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Returns the region of this name.
    pub fn region(&self, slug: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.slug == slug)
    }

    /// Returns the stretches of text that are in no region, in order: one more than there are
    /// regions.
    pub fn outside(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(0).chain(self.regions.iter().map(|region| region.span.end));
        let ends = self.regions.iter().map(|region| region.span.start);
        starts
            .zip(ends.chain(std::iter::once(self.text.len())))
            .map(|(start, end)| start..end)
    }
}

/// Returns the name that a section of this title has in its markers. Titles that differ only in
/// case and punctuation have one name.
///
/// ```
/// assert_eq!(factory::document::slug("API endpoints (v2)"), "api-endpoints-v2");
/// ```
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.ends_with('-') {
        slug.pop();
    }
    if slug.is_empty() {
        return format!("section-{}", Digest::of(title).short());
    }
    slug
}

/// Returns the line that begins the region of `slug` whose text is `body`.
pub(super) fn begin_marker(slug: &str, body: &str) -> String {
    format!("{MARKER}begin {slug} sha256={} {NOTE} -->", digits(body))
}

/// Returns the line that ends the region of `slug`.
pub(super) fn end_marker(slug: &str) -> String {
    format!("{MARKER}end {slug} -->")
}

/// Returns whether `line` is, or looks like, a marker.
pub(super) fn is_marker(line: &str) -> bool {
    let bare = line.trim_start_matches(' ');
    line.len() - bare.len() <= 3 && bare.starts_with(MARKER)
}

fn digits(body: &str) -> String {
    let mut hex = Digest::of(body.replace("\r\n", "\n")).to_string();
    hex.truncate(DIGITS);
    hex
}

enum Marker {
    Begin { slug: String, digest: String },
    End { slug: String },
}

fn read_marker(line: &str) -> Option<Marker> {
    let inside = bare(line)
        .trim_start_matches(' ')
        .strip_prefix(MARKER)?
        .trim_end()
        .strip_suffix("-->")?;
    let mut words = inside.split_ascii_whitespace();
    let (verb, name) = (words.next()?, words.next()?);
    if inside.contains("-->") || name.contains("--") {
        return None;
    }
    match verb {
        "begin" => {
            let digest = words.next()?.strip_prefix("sha256=")?;
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (digest.len() == DIGITS && digest.bytes().all(hex)).then(|| Marker::Begin {
                slug: name.to_owned(),
                digest: digest.to_owned(),
            })
        }
        "end" => words.next().is_none().then(|| Marker::End {
            slug: name.to_owned(),
        }),
        _ => None,
    }
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

// The next marker at `from` or later, which must be one that begins a region.
fn next_begin(text: &str, from: usize) -> Result<Option<(Marker, Range<usize>)>, DocumentError> {
    for line in lines_from(text, from) {
        if matches!(line.kind, LineKind::Code | LineKind::Comment) || !is_marker(line.text) {
            continue;
        }
        let span = line.span.start..line.span.start + bare(line.text).len();
        return match read_marker(line.text) {
            None => Err(DocumentError::Malformed { span }),
            Some(Marker::End { slug }) => Err(DocumentError::Unopened { slug, span }),
            Some(begin @ Marker::Begin { .. }) => Ok(Some((begin, line.span))),
        };
    }
    Ok(None)
}

// The marker that ends the region of `slug`. Inside of a region every marker counts, whatever the
// text around it.
fn find_end(text: &str, from: usize, slug: &str) -> Result<Option<Range<usize>>, DocumentError> {
    let mut start = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let whole = start..start + line.len();
        start = whole.end;
        if !is_marker(line) {
            continue;
        }
        let span = whole.start..whole.start + bare(line).len();
        return match read_marker(line) {
            None => Err(DocumentError::Malformed { span }),
            Some(Marker::End { slug: found }) if found == slug => Ok(Some(whole)),
            Some(Marker::End { slug }) => Err(DocumentError::Unopened { slug, span }),
            Some(Marker::Begin { slug: inner, .. }) => Err(DocumentError::Nested {
                slug: inner,
                within: slug.to_owned(),
                span,
            }),
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(slug: &str, body: &str) -> String {
        format!("{}\n{body}{}\n", begin_marker(slug, body), end_marker(slug))
    }

    #[test]
    fn regions_are_found_with_their_places() {
        let text = format!("# T\n{}\ntail", region("a", "## A\n"));
        let document = Document::parse(&text).unwrap();
        let a = document.region("a").unwrap();
        assert_eq!(&text[a.body.clone()], "## A\n");
        assert!(a.untouched);
        let outside: Vec<_> = document.outside().map(|span| &text[span]).collect();
        assert_eq!(outside, ["# T\n", "\ntail"]);
    }

    #[test]
    fn an_edit_is_seen_and_line_ends_are_none() {
        let text = region("a", "## A\n\none\n");
        let state = |text: &str| Document::parse(text).unwrap().regions()[0].untouched;
        assert!(state(&text.replace('\n', "\r\n")));
        assert!(!state(&text.replace("one", "two")));
        assert!(!state(&text.replace("one\n", "one\n\n")));
    }

    #[test]
    fn markers_that_make_no_regions_are_errors_with_their_places() {
        let (a, b) = (region("a", "x\n"), region("b", "y\n"));
        let begin = begin_marker("a", "");
        for (case, text, at) in [
            ("unclosed", format!("t\n{begin}\nx\n"), 2),
            ("unopened", format!("t\n{}\n", end_marker("a")), 2),
            (
                "nested",
                format!("{begin}\n{b}{}\n", end_marker("a")),
                begin.len() + 1,
            ),
            (
                "crossed",
                format!("{begin}\n{}\n", end_marker("b")),
                begin.len() + 1,
            ),
            ("duplicate", format!("{a}{a}"), a.len()),
            ("no digest", "<!-- factory:begin a -->\n".into(), 0),
            ("short digest", a.replace("sha256=", "sha256=0"), 0),
            ("unknown verb", "t\n\n<!-- factory:start a -->\n".into(), 3),
            ("open comment", "<!-- factory:end a\n".into(), 0),
        ] {
            let error = Document::parse(&text).unwrap_err();
            assert_eq!(
                error.span().map(|span| span.start),
                Some(at),
                "{case}: {error}"
            );
        }
    }

    #[test]
    fn examples_in_code_are_no_markers() {
        let text = format!(
            "```\n{}\n```\n{}",
            begin_marker("a", ""),
            region("b", "```\n")
        );
        let document = Document::parse(&text).unwrap();
        assert_eq!(document.regions().len(), 1);
        // The open fence inside of the region does not hide what comes after it.
        let more = format!("{text}{}", region("c", "x\n"));
        assert_eq!(Document::parse(&more).unwrap().regions().len(), 2);
    }

    #[test]
    fn names_are_safe_in_a_comment() {
        for (title, then) in [
            ("Key files", "key-files"),
            ("  A -- > B!", "a-b"),
            ("Überblick", "überblick"),
        ] {
            assert_eq!(slug(title), then);
        }
        assert!(slug("?!").starts_with("section-"));
        assert_ne!(slug("?!"), slug("!?"));
    }
}
