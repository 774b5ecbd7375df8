//! As much of Markdown as is needed to find headings, paths, and links, line by line.
//!
//! Follows `CommonMark` where documents of projects make a difference: fenced and indented code, front
//! matter, comments, setext headings, code spans over line ends. It does not build a tree, and HTML
//! other than comments is text.

use std::ops::Range;

/// One line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it stands, its line end included; a byte order mark is in no line.
    pub span: Range<usize>,
    /// Its text without the line end.
    pub text: &'a str,
    /// What it is.
    pub kind: LineKind<'a>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// Part of a paragraph, list, quote, or table.
    Text,
    /// Nothing but white space.
    Blank,
    /// A heading; one with an underline is the line above that.
    Heading {
        /// 1 to 6.
        level: usize,
        /// What it says, with its inline markup.
        title: &'a str,
    },
    /// The underline of a heading.
    Underline,
    /// Code, its fences included, or front matter.
    Code,
    /// Inside a comment that goes over several lines.
    Comment,
}

/// Something in running text that points elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// Where its content stands: without backticks, brackets, or `@`.
    pub span: Range<usize>,
    /// What it is.
    pub kind: InlineKind,
}

/// What points elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InlineKind {
    /// The content of a code span.
    Code,
    /// The target of a link or an image, or of a reference definition.
    Link,
    /// A word behind an `@`.
    Mention,
}

enum State {
    Plain,
    Fence { letter: u8, length: usize },
    FrontMatter,
    Comment,
}

/// Returns the lines of `text`, each with what it is.
pub fn lines(text: &str) -> Vec<Line<'_>> {
    lines_from(text, 0)
}

/// Returns the lines of `text` that begin at `from` or later; `from` is the start of a line that is
/// in no block of the lines above.
pub(super) fn lines_from(text: &str, from: usize) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut state = State::Plain;
    // Whether indented text belongs to a list item, and so is no code.
    let mut in_list = false;
    // A byte order mark is in no line.
    let mark = from == 0 && text.starts_with('\u{feff}');
    let mut start = if mark { '\u{feff}'.len_utf8() } else { from };
    let first = start;
    for raw in text.get(start..).unwrap_or_default().split_inclusive('\n') {
        let span = start..start + raw.len();
        start = span.end;
        let mut line = raw.strip_suffix('\n').unwrap_or(raw);
        line = line.strip_suffix('\r').unwrap_or(line);
        if from == 0 && span.start == first && line.trim_end() == "---" && closes_front_matter(text)
        {
            state = State::FrontMatter;
            lines.push(Line {
                span,
                text: line,
                kind: LineKind::Code,
            });
            continue;
        }
        let kind = match state {
            State::FrontMatter => {
                if matches!(line.trim_end(), "---" | "...") {
                    state = State::Plain;
                }
                LineKind::Code
            }
            State::Fence { letter, length } => {
                if fence(line).is_some_and(|(found, count, info)| {
                    found == letter && count >= length && info.is_empty()
                }) {
                    state = State::Plain;
                }
                LineKind::Code
            }
            State::Comment => {
                if line.contains("-->") {
                    state = State::Plain;
                }
                LineKind::Comment
            }
            State::Plain => {
                let after_blank = lines
                    .last()
                    .is_none_or(|last: &Line<'_>| last.kind != LineKind::Text);
                let indent = line.len() - line.trim_start().len();
                if line.trim().is_empty() {
                    LineKind::Blank
                } else if let Some((letter, length, _)) = fence(line) {
                    state = State::Fence { letter, length };
                    LineKind::Code
                } else if (indent >= 4 || line.starts_with('\t')) && after_blank && !in_list {
                    LineKind::Code
                } else if let Some((level, title)) = heading(line) {
                    in_list = false;
                    LineKind::Heading { level, title }
                } else if let Some(level) = underline(line)
                    && let Some(last) = lines.last_mut()
                    && last.kind == LineKind::Text
                    && !starts_block(last.text)
                {
                    last.kind = LineKind::Heading {
                        level,
                        title: last.text.trim(),
                    };
                    LineKind::Underline
                } else {
                    in_list = starts_item(line) || in_list && (indent > 0 || !after_blank);
                    if opens_comment(line) {
                        state = State::Comment;
                    }
                    LineKind::Text
                }
            }
        };
        lines.push(Line {
            span,
            text: line,
            kind,
        });
    }
    lines
}

fn closes_front_matter(text: &str) -> bool {
    text.lines()
        .skip(1)
        .any(|line| matches!(line.trim_end(), "---" | "..."))
}

// The letter of a fence, its length, and what stands behind it.
fn fence(line: &str) -> Option<(u8, usize, &str)> {
    let text = line.trim_start().trim_start_matches(['>', ' ']);
    let letter = *text.as_bytes().first()?;
    if !matches!(letter, b'`' | b'~') {
        return None;
    }
    let info = text.trim_start_matches(char::from(letter));
    let length = text.len() - info.len();
    let usable = length >= 3 && !(letter == b'`' && info.contains('`'));
    usable.then_some((letter, length, info.trim()))
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches(' ');
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    if line.len() - text.len() > 3 || !(1..=6).contains(&level) {
        return None;
    }
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let title = rest.trim();
    let open = title.trim_end_matches('#');
    let closed = open.is_empty() || open.ends_with([' ', '\t']);
    Some((level, if closed { open.trim_end() } else { title }))
}

fn underline(line: &str) -> Option<usize> {
    let text = line.trim_end();
    let bare = text.trim_start_matches(' ');
    if text.len() - bare.len() > 3 || bare.is_empty() {
        return None;
    }
    if bare.bytes().all(|byte| byte == b'=') {
        Some(1)
    } else if bare.bytes().all(|byte| byte == b'-') {
        Some(2)
    } else {
        None
    }
}

fn starts_item(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(['>', ' ']);
    let digits = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let rest = if digits.len() < text.len() {
        digits.strip_prefix(['.', ')'])
    } else {
        text.strip_prefix(['-', '*', '+'])
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

// A line that no code span goes into from the line above.
fn starts_block(line: &str) -> bool {
    starts_item(line) || line.trim_start().starts_with(['|', '>'])
}

fn opens_comment(line: &str) -> bool {
    line.rfind("<!--").is_some_and(|at| {
        let (before, comment) = line.split_at(at);
        !comment.contains("-->") && before.matches('`').count() % 2 == 0
    })
}

/// Returns what points elsewhere in the running text of `lines`, which are those of `text`, in the
/// order of the document. Code blocks and comments have none.
pub fn inlines(text: &str, lines: &[Line<'_>]) -> Vec<Inline> {
    let mut found = Vec::new();
    let mut block: Option<Range<usize>> = None;
    for line in lines {
        let (joins, is_text) = match line.kind {
            LineKind::Text => (!starts_block(line.text), true),
            LineKind::Heading { .. } => (false, true),
            LineKind::Blank | LineKind::Underline | LineKind::Code | LineKind::Comment => {
                (false, false)
            }
        };
        match &mut block {
            Some(open) if joins => open.end = line.span.end,
            Some(_) | None => {
                if let Some(whole) = block.take() {
                    scan(text, &whole, &mut found);
                }
                block = is_text.then(|| line.span.clone());
            }
        }
        if matches!(line.kind, LineKind::Heading { .. })
            && let Some(whole) = block.take()
        {
            scan(text, &whole, &mut found);
        }
    }
    if let Some(whole) = block {
        scan(text, &whole, &mut found);
    }
    found
}

fn scan(text: &str, block: &Range<usize>, found: &mut Vec<Inline>) {
    let Some(whole) = text.get(block.clone()) else {
        return;
    };
    let mut push = |kind, start: usize, content: &str| {
        let start = block.start + start;
        found.push(Inline {
            span: start..start + content.len(),
            kind,
        });
    };
    let mut at = 0;
    let mut line_start = true;
    let mut before = ' ';
    let mut open = 0_usize;
    while let Some(rest) = whole.get(at..)
        && let Some(letter) = rest.chars().next()
    {
        let mut step = letter.len_utf8();
        if line_start && let Some((offset, target)) = definition(rest) {
            push(InlineKind::Link, at + offset, target);
            step = offset + target.len();
        } else {
            match letter {
                '\\' => step += rest.chars().nth(1).map_or(0, char::len_utf8),
                '`' => {
                    let run = rest.len() - rest.trim_start_matches('`').len();
                    step = run;
                    if let Some(end) = closing(rest, run)
                        && let Some(content) = rest.get(run..end)
                    {
                        push(InlineKind::Code, at + run, content);
                        step = end + run;
                    }
                }
                '<' => {
                    if let Some(comment) = rest.strip_prefix("<!--") {
                        step = comment.find("-->").map_or(rest.len(), |end| end + 7);
                    } else if let Some(end) = rest.find('>')
                        && rest.get(..end).is_some_and(|inner| {
                            !inner.contains(char::is_whitespace) && inner.contains(':')
                        })
                    {
                        step = end + 1;
                    }
                }
                '[' => open += 1,
                ']' if open > 0 => {
                    open -= 1;
                    if let Some((offset, target)) = destination(rest) {
                        push(InlineKind::Link, at + offset, target);
                        step = offset + target.len();
                    }
                }
                '@' if before.is_whitespace() || before == '(' => {
                    let word = rest.get(1..).unwrap_or_default();
                    let word = word.split(char::is_whitespace).next().unwrap_or_default();
                    let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '*']);
                    push(InlineKind::Mention, at + 1, word);
                    step = 1 + word.len();
                }
                _ => {}
            }
        }
        let passed = rest.get(..step).unwrap_or(rest);
        before = passed.chars().next_back().unwrap_or(' ');
        line_start = before == '\n' || (line_start && before == ' ');
        at += step.max(1);
    }
}

// Where the run of backticks that closes the one at the start begins.
fn closing(rest: &str, run: usize) -> Option<usize> {
    let mut at = run;
    loop {
        let next = at + rest.get(at..)?.find('`')?;
        let tail = rest.get(next..)?;
        let length = tail.len() - tail.trim_start_matches('`').len();
        if length == run {
            return Some(next);
        }
        at = next + length;
    }
}

// The target of `](target "title")`, and where it starts.
fn destination(rest: &str) -> Option<(usize, &str)> {
    let inside = rest.strip_prefix("](")?;
    let target = inside.trim_start();
    let offset = rest.len() - target.len();
    if let Some(angled) = target.strip_prefix('<') {
        let end = angled.find(['>', '\n'])?;
        return Some((offset + 1, angled.get(..end)?));
    }
    let mut depth = 0_usize;
    for (index, letter) in target.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return Some((offset, target.get(..index)?)),
            ')' => depth -= 1,
            letter if letter.is_whitespace() => {
                return Some((offset, target.get(..index)?));
            }
            _ => {}
        }
    }
    None
}

// The target of `[label]: target`, and where it starts; a footnote has none.
fn definition(rest: &str) -> Option<(usize, &str)> {
    let line = rest.lines().next()?;
    let label = line.strip_prefix('[')?;
    let (name, tail) = label.split_once("]:")?;
    if name.starts_with('^') || name.is_empty() || name.contains(['[', ']']) {
        return None;
    }
    let target = tail.trim_start();
    let offset = line.len() - target.len();
    let word = target.split(char::is_whitespace).next()?;
    match word
        .strip_prefix('<')
        .and_then(|word| word.strip_suffix('>'))
    {
        Some(inner) => Some((offset + 1, inner)),
        None => (!word.is_empty()).then_some((offset, word)),
    }
}

/// Returns the anchor that forges give a heading: lower case, without punctuation, hyphens for
/// spaces. Of equal headings the second gets `-1` behind it, which is not done here.
///
/// ```
/// assert_eq!(factory::document::anchor("The `Gate` cache: why?"), "the-gate-cache-why");
/// ```
pub fn anchor(title: &str) -> String {
    let mut text = String::new();
    let mut rest = title;
    // Of a link only its words are read.
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    text.trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            letter if letter.is_alphanumeric() || matches!(letter, '-' | '_') => Some(letter),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> String {
        lines(text)
            .iter()
            .map(|line| match line.kind {
                LineKind::Text => 't',
                LineKind::Blank => '.',
                LineKind::Heading { .. } => 'h',
                LineKind::Underline => 'u',
                LineKind::Code => 'c',
                LineKind::Comment => 'x',
            })
            .collect()
    }

    #[test]
    fn lines_are_told_apart() {
        for (case, given, then) in [
            ("heading", "# a\ntext\n", "ht"),
            ("no space, no heading", "#a\n", "t"),
            ("setext", "a\n===\nb\n---\n", "huhu"),
            ("a rule is no underline", "a\n\n---\n", "t.t"),
            ("fence", "```sh\n# a\n```\nb\n", "ccct"),
            (
                "a fence closes with its own letter",
                "~~~\n```\n~~~\n# a\n",
                "ccch",
            ),
            ("a longer fence", "````\n```\n````\nb", "ccct"),
            ("front matter", "---\na: 1\n---\n# b\n", "ccch"),
            ("no end, no front matter", "---\na: 1\n# b\n", "tth"),
            ("indented code", "a\n\n    b\n", "t.c"),
            ("in a list it is text", "- a\n\n    b\n", "t.t"),
            ("a continued paragraph is text", "a\n    b\n", "tt"),
            ("comment", "<!-- a\n# b\n-->\n# c\n", "txxh"),
            ("carriage returns", "# a\r\n\r\nb\r\n", "h.t"),
            ("byte order mark", "\u{feff}# a\n", "h"),
        ] {
            assert_eq!(kinds(given), then, "{case}");
        }
        let LineKind::Heading { level, title } = lines("## A # b ##\n")[0].kind else {
            panic!("no heading");
        };
        assert_eq!((level, title), (2, "A # b"));
    }

    fn pointers(text: &str) -> Vec<(InlineKind, &str)> {
        inlines(text, &lines(text))
            .into_iter()
            .map(|inline| (inline.kind, &text[inline.span]))
            .collect()
    }

    #[test]
    fn what_points_elsewhere_is_found() {
        use InlineKind::{Code, Link, Mention};
        for (given, then) in [
            ("see `a/b` and ``c`d``", vec![(Code, "a/b"), (Code, "c`d")]),
            ("a span `over\na line` end", vec![(Code, "over\na line")]),
            ("- one ` tick\n- `b`", vec![(Code, "b")]),
            (
                "[a](b.md \"t\") ![i](<c d.png>)",
                vec![(Link, "b.md"), (Link, "c d.png")],
            ),
            ("[a](b_(c).md)", vec![(Link, "b_(c).md")]),
            ("[`a/b`](c.md)", vec![(Code, "a/b"), (Link, "c.md")]),
            ("[x]: docs/x.md\n[^1]: note", vec![(Link, "docs/x.md")]),
            ("see @docs/a.md, not a@b.com", vec![(Mention, "docs/a.md")]),
            ("`@a/b`", vec![(Code, "@a/b")]),
            ("<!-- [a](b) --> \\[c](d) [e](f)\n", vec![(Link, "f")]),
            ("<https://a.b/c>", vec![]),
            ("```\n[a](b)\n```\n", vec![]),
            ("# a `b/c`\n", vec![(Code, "b/c")]),
            (
                "| `a` | `b` |\n| `c` |",
                vec![(Code, "a"), (Code, "b"), (Code, "c")],
            ),
        ] {
            assert_eq!(pointers(given), then, "{given}");
        }
    }

    #[test]
    fn anchors_are_those_of_forges() {
        for (title, then) in [
            ("Gate cache", "gate-cache"),
            ("What build writes", "what-build-writes"),
            ("`a_b` & c", "a_b--c"),
            ("[A b](c.md) d", "a-b-d"),
            ("Übersicht", "übersicht"),
        ] {
            assert_eq!(anchor(title), then);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_all_its_lines(text in "[-#`~>|<!\\[\\]()@a/ \\\\\\r\\n\u{feff}é]{0,80}") {
            let lines = lines(&text);
            let mut end = if text.starts_with('\u{feff}') { 3 } else { 0 };
            for line in &lines {
                prop_assert_eq!(line.span.start, end);
                end = line.span.end;
            }
            prop_assert_eq!(end, text.len());
            for inline in inlines(&text, &lines) {
                prop_assert!(text.get(inline.span).is_some());
            }
        }
    }
}
