//! White space as it should be, and nothing else.
//!
//! Works on a token stream of its own: every comment, string, and number stays as it was written, and
//! no line is joined or broken. What is set: the indentation, the blanks around braces and semicolons,
//! blank lines, and the end of the file. More than one blank within a line stays before a comment, and
//! where it aligns a column with the line above or below.

use kdl::{KdlDocument, KdlEntry, KdlNode};

use super::{parse::parse, scan::scan, stack::on_parse_stack, syntax::pieces};
use crate::diagnostics::{Findings, Sources};

/// Why a text was not formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The text is not KDL.
    #[error("the text is not KDL")]
    NotKdl,
    /// The result would mean something else. It is thrown away.
    #[error("formatting would change what the text means")]
    Changed,
}

/// Returns `text` with its white space as it should be.
///
/// What the text means is the same before and after, and formatting the result changes nothing.
///
/// # Errors
///
/// Where the text is not KDL.
///
/// ```
/// let text = "role   \"a\"{\nmay{ run \"ls\" ;}}";
/// assert_eq!(
///     factory::spec::format(text).unwrap(),
///     "role \"a\" {\n    may { run \"ls\"; } }\n"
/// );
/// ```
pub fn format(text: &str) -> Result<String, FormatError> {
    let mut sources = Sources::default();
    if scan(sources.add("", text)).is_some() {
        return Err(FormatError::NotKdl);
    }
    let text = text.to_owned();
    let work = move || {
        let before = parse(&text).map_err(|_| FormatError::NotKdl)?;
        let formatted = set(&text);
        match parse(&formatted) {
            Ok(after) if same_nodes(before.nodes(), after.nodes()) => Ok(formatted),
            Ok(_) | Err(_) => Err(FormatError::Changed),
        }
    };
    on_parse_stack(work).unwrap_or(Err(FormatError::NotKdl))
}

/// Returns why `text`, which was read from `path`, is not KDL.
pub fn not_kdl(path: &str, text: &str) -> (Sources, Findings) {
    let (path, text) = (path.to_owned(), text.to_owned());
    let work = move || {
        let (mut sources, mut findings) = (Sources::default(), Findings::default());
        pieces(sources.add(path, text), 1, &mut findings);
        (sources, findings)
    };
    on_parse_stack(work).unwrap_or_default()
}

fn same_nodes(one: &[KdlNode], two: &[KdlNode]) -> bool {
    let same_entry = |(one, two): (&KdlEntry, &KdlEntry)| {
        one.ty().map(kdl::KdlIdentifier::value) == two.ty().map(kdl::KdlIdentifier::value)
            && one.name().map(kdl::KdlIdentifier::value)
                == two.name().map(kdl::KdlIdentifier::value)
            // `#nan` is no value that equals itself.
            && (one.value() == two.value() || format!("{:?}", one.value()) == format!("{:?}", two.value()))
    };
    let same_node = |(one, two): (&KdlNode, &KdlNode)| {
        one.name().value() == two.name().value()
            && one.ty().map(kdl::KdlIdentifier::value) == two.ty().map(kdl::KdlIdentifier::value)
            && one.entries().len() == two.entries().len()
            && one.entries().iter().zip(two.entries()).all(same_entry)
            && one.children().is_some() == two.children().is_some()
            && same_nodes(
                one.children().map_or(&[], KdlDocument::nodes),
                two.children().map_or(&[], KdlDocument::nodes),
            )
    };
    one.len() == two.len() && one.iter().zip(two).all(same_node)
}

/// What a token is, as far as white space cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Open,
    Close,
    Semicolon,
    SlashDash,
    Continue,
    LineComment,
    BlockComment,
    Blank,
    Break,
}

const INDENT: usize = 4;

/// A piece of a text, and the byte at which it starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) at: usize,
}

/// Returns all of `text`, token by token.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    Lexer { text, at: 0 }.map(move |(kind, text)| {
        let token = Token { kind, text, at };
        at += text.len();
        token
    })
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = (Kind, &'a str);

    fn next(&mut self) -> Option<(Kind, &'a str)> {
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        let (kind, len) = match first {
            '{' => (Kind::Open, 1),
            '}' => (Kind::Close, 1),
            ';' => (Kind::Semicolon, 1),
            '\\' => (Kind::Continue, 1),
            '\r' if rest.starts_with("\r\n") => (Kind::Break, 2),
            _ if is_break(first) => (Kind::Break, first.len_utf8()),
            _ if is_blank(first) => {
                let len = rest.find(|c: char| !is_blank(c)).unwrap_or(rest.len());
                (Kind::Blank, len)
            }
            '/' if rest.starts_with("//") => {
                (Kind::LineComment, rest.find(is_break).unwrap_or(rest.len()))
            }
            '/' if rest.starts_with("/*") => (Kind::BlockComment, block_comment(rest)),
            '/' if rest.starts_with("/-") => (Kind::SlashDash, 2),
            _ => (Kind::Word, word(rest)),
        };
        self.at += len;
        Some((kind, rest.get(..len)?))
    }
}

pub(super) const fn is_break(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\r' | '\u{85}' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}'
    )
}

pub(super) const fn is_blank(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '\t' | '\u{feff}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest.starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

// Returns the length of what stands together without a blank: words, strings, `=`, parentheses.
fn word(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(first) = rest.chars().next() else {
            break;
        };
        let starts = |mark: &str| rest.starts_with(mark);
        let ends = matches!(first, '{' | '}' | ';' | '\\')
            || is_break(first)
            || is_blank(first)
            || starts("//")
            || starts("/*")
            || starts("/-");
        if ends && at > 0 {
            break;
        }
        at += match first {
            '"' | '#' => string(rest),
            _ => first.len_utf8(),
        };
    }
    at
}

// Returns the length of the string that `text` starts with, or that of its hashes where there is none.
fn string(text: &str) -> usize {
    let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
    let Some(body) = text.get(hashes..).filter(|body| body.starts_with('"')) else {
        return hashes.max(1);
    };
    let many = body
        .strip_prefix("\"\"\"")
        .is_some_and(|rest| rest.starts_with(is_break));
    let quotes = if many { "\"\"\"" } else { "\"" };
    let close = format!("{quotes}{}", "#".repeat(hashes));
    let mut at = hashes + quotes.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(&close) {
            return at + close.len();
        }
        let mut letters = rest.chars();
        at += letters.next().map_or(1, char::len_utf8);
        if hashes == 0 && rest.starts_with('\\') {
            at += letters.next().map_or(0, char::len_utf8);
        }
    }
    text.len()
}

/// A token with the blanks before it.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    kind: Kind,
    text: &'a str,
    gap: usize,
}

#[derive(Debug, Default)]
struct Line<'a> {
    pieces: Vec<Piece<'a>>,
    indent: usize,
    // The line break at its end; none at the end of the text.
    end: &'a str,
}

fn set(text: &str) -> String {
    let mark = text.strip_prefix('\u{feff}').map_or("", |_| "\u{feff}");
    let mut lines = lines(text.get(mark.len()..).unwrap_or_default());
    indent(&mut lines);
    lines = without_blank_lines(lines);
    for line in &mut lines {
        space(line);
    }
    align(&mut lines);
    let end = lines.iter().find(|line| !line.end.is_empty());
    let end = match end.map(|line| line.end) {
        Some(end @ ("\r\n" | "\r")) => end,
        Some(_) | None => "\n",
    };
    write(mark, &lines, end)
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut lines, mut line, mut gap) = (Vec::new(), Line::default(), 0);
    for (kind, text) in (Lexer { text, at: 0 }) {
        match kind {
            Kind::Blank => gap += text.chars().count(),
            Kind::Break => {
                line.end = text;
                lines.push(std::mem::take(&mut line));
                gap = 0;
            }
            _ => {
                let text = match kind {
                    Kind::LineComment => text.trim_end(),
                    _ => text,
                };
                line.pieces.push(Piece { kind, text, gap });
                gap = 0;
            }
        }
    }
    lines.push(line);
    lines
}

fn indent(lines: &mut [Line<'_>]) {
    let (mut depth, mut continued) = (0_usize, false);
    for line in lines {
        let closing = |piece: &&Piece<'_>| piece.kind == Kind::Close;
        let closes = line.pieces.iter().take_while(closing).count();
        line.indent = depth.saturating_sub(closes) + usize::from(continued && closes == 0);
        for piece in &line.pieces {
            match piece.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let mut last = line.pieces.iter().rev();
        continued = last
            .find(|piece| !matches!(piece.kind, Kind::LineComment | Kind::BlockComment))
            .is_some_and(|piece| piece.kind == Kind::Continue);
    }
}

// Keeps one blank line of many, and none at the edges of a block or of the file.
fn without_blank_lines(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut kept: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut blank = None;
    for line in lines {
        let Some(first) = line.pieces.first() else {
            blank = Some(line);
            continue;
        };
        let last = kept.last().and_then(|line| line.pieces.last());
        let edge = last.is_none_or(|last| last.kind == Kind::Open) || first.kind == Kind::Close;
        if let Some(blank) = blank.take().filter(|_| !edge) {
            kept.push(blank);
        }
        kept.push(line);
    }
    kept
}

fn space(line: &mut Line<'_>) {
    let mut before: Option<Kind> = None;
    for piece in &mut line.pieces {
        piece.gap = match (before, piece.kind) {
            (None, _) | (_, Kind::Semicolon) | (Some(Kind::Open), Kind::Close) => 0,
            (Some(Kind::Open), Kind::LineComment) => piece.gap.max(1),
            (Some(Kind::Open), _) | (_, Kind::Close) => 1,
            (Some(Kind::SlashDash), _) => piece.gap.min(1),
            (Some(Kind::Semicolon), _) | (_, Kind::Open | Kind::LineComment) => piece.gap.max(1),
            _ => piece.gap,
        };
        before = Some(piece.kind);
    }
    // Columns behind a text of several lines are nobody's.
    if line
        .pieces
        .iter()
        .any(|piece| piece.text.contains(is_break))
    {
        for piece in &mut line.pieces {
            piece.gap = piece.gap.min(1);
        }
    }
}

impl Line<'_> {
    // Returns the column of each piece.
    fn columns(&self) -> Vec<usize> {
        let mut at = self.indent * INDENT;
        let column = |piece: &Piece<'_>| {
            at += piece.gap;
            let column = at;
            at += piece.text.chars().count();
            column
        };
        self.pieces.iter().map(column).collect()
    }
}

// Makes one blank of those that align nothing with a neighbouring line. A blank that goes moves what
// stands behind it, so that its neighbours are looked at again.
fn align(lines: &mut [Line<'_>]) {
    let mut columns: Vec<Vec<usize>> = lines.iter().map(Line::columns).collect();
    let mut open: Vec<usize> = (0..lines.len()).collect();
    while !open.is_empty() {
        let mut moved = Vec::new();
        for index in open.drain(..) {
            let Some(line) = lines.get(index) else {
                continue;
            };
            let aligned = |column: usize| {
                let neighbours = [index.checked_sub(1), index.checked_add(1)];
                let mut neighbours = neighbours.into_iter().flatten();
                neighbours.any(|at| {
                    let others = columns.get(at).map_or(&[][..], Vec::as_slice);
                    others.iter().skip(1).any(|other| *other == column)
                })
            };
            let own = columns.get(index).map_or(&[][..], Vec::as_slice);
            let mut pieces = line.pieces.iter().zip(own).enumerate();
            let loose = pieces.find(|(_, (piece, column))| {
                piece.gap > 1 && piece.kind != Kind::LineComment && !aligned(**column)
            });
            if let Some((at, _)) = loose {
                moved.push((index, at));
            }
        }
        for (index, at) in moved {
            if let Some(line) = lines.get_mut(index) {
                if let Some(piece) = line.pieces.get_mut(at) {
                    piece.gap = 1;
                }
                if let Some(columns) = columns.get_mut(index) {
                    *columns = line.columns();
                }
            }
            open.extend(index.checked_sub(1).into_iter().chain([index, index + 1]));
        }
        open.sort_unstable();
        open.dedup();
    }
}

fn write(mark: &str, lines: &[Line<'_>], end: &str) -> String {
    let mut text = mark.to_owned();
    for line in lines {
        if !line.pieces.is_empty() {
            text.push_str(&" ".repeat(line.indent * INDENT));
        }
        for piece in &line.pieces {
            text.push_str(&" ".repeat(piece.gap));
            text.push_str(piece.text);
        }
        text.push_str(match line.end {
            "" | "\n" | "\r" | "\r\n" => end,
            other => other,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPEC: &str = include_str!("../../tests/fixtures/check/aicpo/factory.kdl");

    #[test]
    fn white_space_is_set_and_nothing_else() {
        for (given, then) in [
            ("", ""),
            ("\n\n", ""),
            ("a", "a\n"),
            (
                "a {\n\n\nb 1\n\n\n\nc\n\n}\n\n\n",
                "a {\n    b 1\n\n    c\n}\n",
            ),
            ("a  \"x\"   // why  \n", "a \"x\"   // why\n"),
            ("a{b;c   1;}", "a { b; c 1; }\n"),
            ("a { }\nb {}\n", "a {}\nb {}\n"),
            // What aligns columns stays.
            (
                "may   { run \"a\"; }\nnever { run \"b\"; }\n",
                "may   { run \"a\"; }\nnever { run \"b\"; }\n",
            ),
            (
                "may   { run \"a\"; }\n\nnever { run \"b\"; }\n",
                "may { run \"a\"; }\n\nnever { run \"b\"; }\n",
            ),
            (
                "a 1    // one\nbb 2   // two\n",
                "a 1    // one\nbb 2   // two\n",
            ),
            // Numbers, strings, and comments are their author's.
            (
                "a  0xf_f 1_000 1e3  \"a  {b}  \\\" ;\"  #\" \" \"#  /* a  b */ c\n",
                "a 0xf_f 1_000 1e3 \"a  {b}  \\\" ;\" #\" \" \"# /* a  b */ c\n",
            ),
            (
                "a {\nb \"\"\"\n      one\n        two\n      \"\"\"\n}\n",
                "a {\n    b \"\"\"\n      one\n        two\n      \"\"\"\n}\n",
            ),
            (
                "a 1 \\\n  2 \\ // more\n  3\nb\n",
                "a 1 \\\n    2 \\ // more\n    3\nb\n",
            ),
            ("/-a\n/-  b {\nc}\n", "/-a\n/- b {\n    c }\n"),
            ("/-  a  ;b", "/- a; b\n"),
            (
                "a\r\n\r\n\r\nb {\r\nc\r\n}",
                "a\r\n\r\nb {\r\n    c\r\n}\r\n",
            ),
            ("\u{feff}a\n", "\u{feff}a\n"),
        ] {
            assert_eq!(format(given).as_deref(), Ok(then), "{given:?}");
        }
        assert_eq!(format("a {"), Err(FormatError::NotKdl));
        assert_eq!(format("a \"x"), Err(FormatError::NotKdl));
    }

    // A real spec whose tokens stand further apart, or on lines of their own, where that means nothing.
    fn loosened() -> impl Strategy<Value = String> {
        let blanks = prop::sample::select(vec![
            "  ",
            "\t",
            "   ",
            " /* c  c */ ",
            "",
            "\u{a0} ",
            " \\\n ",
        ]);
        let after = prop::sample::select(vec![
            "\n",
            "\n\n\n",
            "  \n \n",
            " // c  d  \n",
            "\r\n",
            "/* { */",
        ]);
        let places = prop::collection::vec(any::<prop::sample::Index>(), 0..30);
        (blanks, after, places).prop_map(|(blank, after, places)| {
            let tokens: Vec<_> = Lexer { text: SPEC, at: 0 }.collect();
            let chosen: Vec<_> = places.iter().map(|at| at.index(tokens.len())).collect();
            let mut text = String::new();
            for (index, (kind, token)) in tokens.iter().enumerate() {
                let here = chosen.contains(&index);
                match kind {
                    Kind::Blank if here && !blank.is_empty() => text.push_str(blank),
                    Kind::Open | Kind::Semicolon | Kind::Break if here => {
                        text.push_str(token);
                        text.push_str(after);
                    }
                    _ => text.push_str(token),
                }
            }
            text
        })
    }

    // Texts of all that the grammar of KDL has, most of them wrong.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a",
            "b",
            "{",
            "}",
            ";",
            "\n",
            " ",
            "  ",
            "\"s  t\"",
            "#\"r\"#",
            "/-",
            "// c\n",
            "/* c */",
            "\\\n",
            "1.0",
            "=",
            "(t)",
            "a=1",
            "#true",
            "\"\"\"\n  x\n  \"\"\"",
            "\r\n",
            "\t",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    fn holds(text: &str) -> Result<bool, TestCaseError> {
        let formatted = match format(text) {
            Ok(formatted) => formatted,
            Err(FormatError::NotKdl) => return Ok(false),
            Err(FormatError::Changed) => return Err(TestCaseError::fail("the meaning changed")),
        };
        prop_assert_eq!(format(&formatted), Ok(formatted.clone()));
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(bare(text), bare(&formatted));
        Ok(true)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

        #[test]
        fn a_loosened_spec_means_the_same(text in loosened()) {
            prop_assert!(holds(&text)?, "{}", text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_kdl_means_the_same(text in pieces()) {
            holds(&text)?;
        }
    }
}
