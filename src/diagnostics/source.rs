//! The texts that findings point into.

use std::{
    iter,
    sync::{Arc, OnceLock},
};

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::hidden::hidden_characters;

/// A range of bytes in the shared space of all [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte, counted over all sources.
    pub start: usize,
    /// The length in bytes.
    pub len: usize,
}

impl Span {
    /// Returns the span of `len` bytes at `start`.
    pub const fn new(start: usize, len: usize) -> Self {
        Self { start, len }
    }

    /// Returns the first byte behind the span.
    pub const fn end(self) -> usize {
        self.start + self.len
    }

    /// Returns the part of the span that starts `offset` bytes into it and is `len` bytes long,
    /// cut where the span ends.
    #[must_use]
    pub fn part(self, offset: usize, len: usize) -> Self {
        let offset = offset.min(self.len);
        Self::new(self.start + offset, len.min(self.len - offset))
    }
}

impl From<Span> for SourceSpan {
    fn from(span: Span) -> Self {
        (span.start, span.len).into()
    }
}

/// A value and the place where a person wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Returns `value` as written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Returns the same place with a value made from this one.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(make(self.value), self.span)
    }

    /// Returns the same place with a reference to the value.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned::new(&self.value, self.span)
    }
}

/// One text that a person wrote: a spec file, a prompt, a template.
#[derive(Debug, Clone)]
pub struct Source {
    path: String,
    text: Arc<str>,
    // The text without characters that hide, where it has some; just as long.
    shown: Option<Arc<str>>,
    base: usize,
    // Byte offsets within `text` at which lines start; the first is 0. Few texts are ever asked.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// Returns the path relative to the project root, with `/` between its parts.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the span of the whole text.
    pub fn span(&self) -> Span {
        Span::new(self.base, self.text.len())
    }

    /// Returns the span of `len` bytes that start at byte `offset` of this text.
    pub fn span_at(&self, offset: usize, len: usize) -> Span {
        self.span().part(offset, len)
    }

    /// Returns the characters that a reader does not see or that change how others are shown, each
    /// with its offset; what the writing around it needs is none.
    pub fn hidden_characters(&self) -> impl Iterator<Item = (usize, char)> + '_ {
        // Where there are none, the text is shown as it is.
        let hides = self.shown.as_ref().map(|_| hidden_characters(&self.text));
        hides.into_iter().flatten()
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let breaks = self.text.match_indices('\n');
            iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        })
    }

    // Returns the zero-based line that holds byte `offset` of the text.
    fn line_of(&self, offset: usize) -> usize {
        self.lines()
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }
}

/// Where a span stands, as people count: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// The path of the file, relative to the project root.
    pub path: &'a str,
    /// The line of the first character.
    pub line: usize,
    /// The column of the first character.
    pub column: usize,
    /// The line of the last character.
    pub end_line: usize,
    /// The column just behind the last character.
    pub end_column: usize,
    /// The byte offset of the first character within its file.
    pub offset: usize,
}

/// All texts of one run, in the order in which they were loaded.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
    next: usize,
}

impl Sources {
    /// Adds a text and returns it with its place in the shared space of offsets.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> &Source {
        let text = text.into();
        let shown = visible(&text).map(Arc::from);
        let base = self.next;
        // One byte between two files, so that an empty span at the end of one is not in the next.
        self.next = base + text.len() + 1;
        self.files.push(Source {
            path: path.into(),
            text,
            shown,
            base,
            lines: OnceLock::new(),
        });
        let [.., last] = self.files.as_slice() else {
            unreachable!("a source was just added")
        };
        last
    }

    /// Returns the texts in load order.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// Returns the text loaded from `path`.
    pub fn get(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|source| source.path == path)
    }

    /// Returns the text that holds `span`.
    pub fn of(&self, span: Span) -> Option<&Source> {
        let after = self
            .files
            .partition_point(|source| source.base <= span.start);
        let source = self.files.get(after.checked_sub(1)?)?;
        (span.end() <= source.base + source.text.len()).then_some(source)
    }

    /// Returns the words that `span` covers.
    pub fn text(&self, span: Span) -> Option<&str> {
        let source = self.of(span)?;
        source
            .text
            .get(span.start - source.base..span.end() - source.base)
    }

    /// Returns where `span` stands, as people count.
    pub fn place(&self, span: Span) -> Option<Place<'_>> {
        let source = self.of(span)?;
        let offset = span.start - source.base;
        let count = |at: usize| {
            let line = source.line_of(at);
            let start = source.lines().get(line).copied().unwrap_or_default();
            let column = source
                .text
                .get(start..at)
                .map_or(at - start, |text| text.chars().count());
            (line + 1, column + 1)
        };
        let (line, column) = count(offset);
        let (end_line, end_column) = count(offset + span.len);
        Some(Place {
            path: &source.path,
            line,
            column,
            end_line,
            end_column,
            offset,
        })
    }
}

// Returns `text` with a sign of the same length in place of each hidden character, if it has some.
fn visible(text: &str) -> Option<String> {
    let mut hidden = hidden_characters(text).peekable();
    hidden.peek()?;
    let sign = |letter: char| match letter.len_utf8() {
        1 => '?',
        2 => '\u{bf}',
        3 => '\u{fffd}',
        _ => '\u{1f6ab}',
    };
    let letters = text.char_indices();
    Some(
        letters
            .map(|(at, letter)| {
                let is_hidden = hidden.next_if(|(hidden, _)| *hidden == at).is_some();
                if is_hidden { sign(letter) } else { letter }
            })
            .collect(),
    )
}

impl SourceCode for Sources {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let span = Span::new(span.offset(), span.len());
        let source = self.of(span).ok_or(MietteError::OutOfBounds)?;
        // A finding never passes on what would play tricks on the reader's terminal.
        let text: &str = source.shown.as_deref().unwrap_or(&source.text);
        // What is read is counted from its start, so that it starts a line before those that are shown.
        let at = span.start - source.base;
        let first = source.line_of(at).saturating_sub(lines_before + 1);
        let behind = source.line_of(at + span.len) + lines_after + 2;
        let start = source.lines().get(first).copied().unwrap_or_default();
        let end = source.lines().get(behind).copied().unwrap_or(text.len());
        let window = text.get(start..end).ok_or(MietteError::OutOfBounds)?;
        let local = (at - start, span.len).into();
        let contents = window.read_span(&local, lines_before, lines_after)?;
        let shown = contents.span();
        Ok(Box::new(MietteSpanContents::new_named(
            source.path.clone(),
            contents.data(),
            (shown.offset() + start + source.base, shown.len()).into(),
            contents.line() + first,
            contents.column(),
            // Lines are counted from the start of the text: by that, near snippets are made one.
            contents.line_count() + first,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Sources {
        let mut sources = Sources::default();
        sources.add("a.kdl", "one\ntwo\n");
        sources.add("b.kdl", "drei\nvíer\n");
        sources
    }

    #[test]
    fn a_span_names_its_file() {
        let sources = two();
        let b = sources.files()[1].span_at(5, 5);
        assert_eq!(sources.text(b), Some("víer"));
        let place = sources.place(b).unwrap();
        assert_eq!(
            (place.path, place.line, place.column, place.end_column),
            ("b.kdl", 2, 1, 5)
        );
    }

    #[test]
    fn hidden_characters_are_found_and_never_shown() {
        for (text, count) in [
            ("plain\ttext\r\n", 0),
            ("\u{feff}with a mark in front", 0),
            ("an emoji \u{1f469}\u{200d}\u{1f4bb}", 0),
            ("a joiner \u{645}\u{200c}\u{62e}, and one \u{200c}", 1),
            ("two \u{2600}\u{fe0f}\u{fe0f} selectors", 1),
            ("\u{202e}in front", 1),
            ("right\u{202e}left", 1),
            ("zero\u{200b}width", 1),
            ("soft\u{ad}hyphen", 1),
            ("colours \u{1b}[31m", 1),
            ("tags \u{e0041}\u{e0042}", 2),
        ] {
            let mut sources = Sources::default();
            let source = sources.add("a.md", text);
            assert_eq!(source.hidden_characters().count(), count, "{text:?}");
            let span = source.span();
            let shown = sources.read_span(&span.into(), 0, 0).unwrap();
            assert_eq!(shown.data().len(), text.len(), "{text:?}");
            let shown = std::str::from_utf8(shown.data()).unwrap();
            assert_eq!(hidden_characters(shown).count(), 0, "{text:?}");
        }
    }

    #[test]
    fn a_part_of_a_text_is_read_as_the_whole_would_be() {
        let text = "one\n\ntwo two\r\nthree\n  four\nfive";
        let mut sources = Sources::default();
        sources.add("first.kdl", "first\n");
        let base = sources.add("a.kdl", text).span().start;
        for start in 0..=text.len() {
            for len in 0..=(text.len() - start) {
                for (before, after) in [(0, 0), (1, 1), (2, 0), (0, 3)] {
                    let whole = text.read_span(&(start, len).into(), before, after).unwrap();
                    let part = sources
                        .read_span(&(start + base, len).into(), before, after)
                        .unwrap();
                    let told = |contents: &dyn SpanContents<'_>, base: usize| {
                        (
                            contents.data().to_vec(),
                            contents.span().offset() - base,
                            contents.span().len(),
                            contents.line(),
                            contents.column(),
                            contents.line_count(),
                        )
                    };
                    assert_eq!(
                        told(part.as_ref(), base),
                        told(whole.as_ref(), 0),
                        "{start} {len} {before} {after}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_span_over_two_files_is_nowhere() {
        let sources = two();
        assert!(sources.of(Span::new(4, 9)).is_none());
        assert!(sources.read_span(&(4, 9).into(), 0, 0).is_err());
    }

    #[test]
    fn the_end_of_a_file_belongs_to_it() {
        let sources = two();
        let end = Span::new(8, 0);
        assert_eq!(sources.of(end).map(Source::path), Some("a.kdl"));
    }
}
