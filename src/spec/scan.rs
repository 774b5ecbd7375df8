//! A look at a text before the parser gets it, linear in its length.
//!
//! The parser recurses at every level of nesting, so a hostile text would overflow its stack; and one
//! missing brace makes it complain of everything behind. Both are found here first, by counting.

use super::{
    SpecError,
    format::{is_blank, is_break},
    grammar::{Kind, ROOT},
};
use crate::diagnostics::{Source, Span};

/// The most levels that nodes may be nested. The grammar needs 5.
const MAX_DEPTH: usize = 32;

/// Returns what keeps `source` from being given to the parser.
pub(super) fn scan(source: &Source) -> Option<SpecError> {
    let bytes = source.text().as_bytes();
    Scanner {
        source,
        bytes,
        at: 0,
        open: Vec::new(),
        crooked: None,
    }
    .run()
}

struct Scanner<'a> {
    source: &'a Source,
    bytes: &'a [u8],
    at: usize,
    // Where each brace that is still open stands.
    open: Vec<usize>,
    // The first brace whose partner stands further to the left than the line that it is on, and that
    // partner: here one is missing, if any is.
    crooked: Option<(usize, usize)>,
}

impl Scanner<'_> {
    fn run(mut self) -> Option<SpecError> {
        while let Some(byte) = self.peek(0) {
            let fault = match byte {
                b'"' => self.string(0),
                b'#' => self.raw_string(),
                b'/' if self.peek(1) == Some(b'/') => self.line_comment(),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                b'{' => self.open(),
                b'}' => self.close(),
                _ => {
                    self.at += 1;
                    None
                }
            };
            if fault.is_some() {
                return fault;
            }
        }
        let at = self.open.pop()?;
        let (at, next, next_is) = match self.crooked {
            Some((open, close)) => {
                let next = Some(self.source.span_at(close, 1).into());
                (
                    open,
                    next,
                    "this `}` seems to be meant for a `{` further out",
                )
            }
            None => (
                at,
                self.next_at_margin(at),
                "this looks like the start of the next node",
            ),
        };
        Some(SpecError::Unclosed {
            what: "this `{`",
            help: "add the `}` that closes it".to_owned(),
            span: self.source.span_at(at, 1).into(),
            next,
            next_is,
        })
    }

    // Returns how far the line that holds `at` is indented, and whether only blanks stand before `at`.
    fn indent(&self, at: usize) -> (usize, bool) {
        let before = self.bytes.get(..at).unwrap_or_default();
        let start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |line| line + 1);
        let line = self.bytes.get(start..).unwrap_or_default();
        let blanks = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        (blanks, start + blanks == at)
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &[u8]) -> bool {
        self.bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(text))
    }

    fn open(&mut self) -> Option<SpecError> {
        self.open.push(self.at);
        self.at += 1;
        (self.open.len() > MAX_DEPTH).then(|| SpecError::TooDeep {
            limit: MAX_DEPTH,
            span: self.source.span_at(self.at - 1, 1).into(),
        })
    }

    fn close(&mut self) -> Option<SpecError> {
        let at = self.at;
        self.at += 1;
        let Some(open) = self.open.pop() else {
            return Some(SpecError::Unopened {
                span: self.source.span_at(at, 1).into(),
            });
        };
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r') | None);
        // Only a brace that comes first on its line says something by where it stands.
        if self.crooked.is_none() && blank(self.bytes.get(at.wrapping_sub(1))) {
            let (indent, first) = self.indent(at);
            if first && indent < self.indent(open).0 {
                self.crooked = Some((open, at));
            }
        }
        None
    }

    // Whatever KDL takes for a line break ends a comment or a string: what stands behind it counts.
    fn at_break(&self) -> bool {
        let rest = self.source.text().get(self.at..);
        rest.is_some_and(|rest| rest.starts_with(is_break))
    }

    fn line_comment(&mut self) -> Option<SpecError> {
        while self.at < self.bytes.len() && !self.at_break() {
            self.at += 1;
        }
        None
    }

    fn block_comment(&mut self) -> Option<SpecError> {
        let start = self.at;
        let mut depth = 0;
        while self.at < self.bytes.len() {
            if self.starts(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.starts(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return None;
                }
            } else {
                self.at += 1;
            }
            if depth > MAX_DEPTH {
                let span = self.source.span_at(self.at - 2, 2).into();
                return Some(SpecError::TooDeep {
                    limit: MAX_DEPTH,
                    span,
                });
            }
        }
        let word = word_around(self.source, start).and_then(|span| {
            let at = span.start - self.source.span().start;
            self.source.text().get(at..at + span.len)
        });
        let help = match word {
            Some(word) if !swallowed(self.source, start).is_empty() => {
                format!("KDL reads `/*` as the start of a comment: write `\"{word}\"`, in quotes")
            }
            Some(word) => format!(
                "add the `*/` that ends it; if `{word}` is one word, write `\"{word}\"`, in quotes"
            ),
            None => "add the `*/` that ends it".to_owned(),
        };
        Some(SpecError::Unclosed {
            what: "this comment",
            help,
            span: self.source.span_at(start, 2).into(),
            next: None,
            next_is: "",
        })
    }

    fn raw_string(&mut self) -> Option<SpecError> {
        let mut hashes = 0;
        while self.peek(hashes) == Some(b'#') {
            hashes += 1;
        }
        self.at += hashes;
        if self.peek(0) == Some(b'"') {
            self.string(hashes)
        } else {
            None
        }
    }

    // A string whose quotes are followed by `hashes` hash signs; without any, it has escapes.
    fn string(&mut self, hashes: usize) -> Option<SpecError> {
        let start = self.at;
        let long = self.starts(b"\"\"\"")
            && (self.source.text().get(start + 3..)).is_some_and(|rest| rest.starts_with(is_break));
        let quotes = if long { 3 } else { 1 };
        self.at += quotes;
        let end: Vec<u8> = [vec![b'"'; quotes], vec![b'#'; hashes]].concat();
        while let Some(byte) = self.peek(0) {
            if self.starts(&end) {
                self.at += end.len();
                return None;
            }
            if !long && self.at_break() {
                break;
            }
            self.at += if byte == b'\\' && hashes == 0 { 2 } else { 1 };
        }
        Some(SpecError::Unclosed {
            what: "this string",
            help: if long {
                "add `\"\"\"` on a line of its own".to_owned()
            } else {
                "add the `\"` that closes it; a text of several lines stands between `\"\"\"`"
                    .to_owned()
            },
            span: self.source.span_at(start, (self.at - start).min(40)).into(),
            next: None,
            next_is: "",
        })
    }

    // A missing `}` shows where a node starts at the left margin although a brace is open.
    fn next_at_margin(&self, open: usize) -> Option<miette::SourceSpan> {
        let mut at = open;
        for line in self.source.text().get(open..)?.split_inclusive('\n') {
            let word = line
                .bytes()
                .take_while(|byte| byte.is_ascii_lowercase() || *byte == b'-')
                .count();
            if at > open && word > 0 {
                return Some(self.source.span_at(at, word).into());
            }
            at += line.len();
        }
        None
    }
}

// Returns the word that the `/*` at byte `at` stands in the middle of.
fn word_around(source: &Source, at: usize) -> Option<Span> {
    let ends =
        |letter: char| letter.is_whitespace() || matches!(letter, ';' | '{' | '}' | '"' | '=');
    let text = source.text();
    let start = text.get(..at)?.rfind(ends).map_or(0, |before| before + 1);
    let rest = text.get(at..)?;
    let end = at + rest.find(ends).unwrap_or(rest.len());
    (start < at && end - start < 80).then(|| source.span_at(start, end - start))
}

/// Returns the words that the comment which opens at byte `at`, and which nothing closes, has swallowed,
/// where they can't have been meant as one: they stand in a node of path patterns, between its name
/// and its end, with nothing but blanks and quoted patterns beside them. Else nothing.
pub(super) fn swallowed(source: &Source, at: usize) -> Vec<Span> {
    let text = source.text();
    let ends = |letter: char| matches!(letter, ';' | '{' | '}') || is_break(letter);
    let (Some(before), Some(behind)) = (text.get(..at), text.get(at..)) else {
        return Vec::new();
    };
    let start = before.rfind(ends).map_or(0, |end| {
        let letter = before.get(end..).and_then(|rest| rest.chars().next());
        end + letter.map_or(0, char::len_utf8)
    });
    let end = at + behind.find(ends).unwrap_or(behind.len());
    let rest = text.get(end..).unwrap_or_default();
    let words = words(text.get(start..end).unwrap_or_default());
    let Some(((_, name), words)) = words.split_first() else {
        return Vec::new();
    };
    if !takes_paths(name) || rest.starts_with('{') {
        return Vec::new();
    }
    // What is begun at the end of a line may be a comment after all.
    let is_begun =
        !rest.starts_with([';', '}']) && words.last().is_some_and(|(_, word)| word.ends_with("/*"));
    let bare = words.iter().filter(|(_, word)| !is_quoted(word));
    if is_begun || !bare.clone().all(|(_, word)| is_cut_path(word)) {
        return Vec::new();
    }
    let span = |(from, word): &(usize, &str)| source.span_at(start + from, word.len());
    let found: Vec<Span> = bare.map(span).collect();
    let opens = source.span_at(at, 2);
    let holds = |word: &Span| word.start < opens.start && opens.end() <= word.end();
    if found.iter().any(holds) {
        found
    } else {
        Vec::new()
    }
}

// What stands between the blanks of `text`, and where.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.starts_with(is_blank);
        let len = rest.find(|letter| is_blank(letter) != blank);
        let len = len.unwrap_or(rest.len());
        words.extend(rest.get(..len).filter(|_| !blank).map(|word| (at, word)));
        at += len;
    }
    words
}

fn takes_paths(name: &str) -> bool {
    let mut found = false;
    ROOT.walk(&mut |_, def| {
        let mut arguments = def.args.iter().chain(&def.rest);
        found |= def.name == name && arguments.any(|arg| arg.kind == Kind::PathPattern);
    });
    found
}

fn is_quoted(word: &str) -> bool {
    let within = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    within.is_some_and(|within| !within.contains(['"', '\\']))
}

// A path without quotes in which KDL sees a comment begin. One that ends there too may be meant as such.
fn is_cut_path(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@*?[]/".contains(&byte);
    word.bytes().all(plain)
        && word
            .split_once("/*")
            .is_some_and(|(_, inside)| !inside.contains("*/"))
        && !word.starts_with('/')
        && !["//", "/-"].iter().any(|mark| word.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sources;

    fn code(text: &str) -> Option<String> {
        use miette::Diagnostic as _;
        let mut sources = Sources::default();
        scan(sources.add("factory.kdl", text)).map(|fault| fault.code().unwrap().to_string())
    }

    #[test]
    fn braces_in_strings_and_comments_are_no_braces() {
        for text in [
            r#"a "}" { b "\"}" }"#,
            r##"a #"}"}"# { }"##,
            "a { // }\n}",
            "a { /* } /* } */ */ }",
            "a \"\"\"\n } \" }\n\"\"\"",
            "a ##\"}\"#\"##",
            "a #true #false",
            // KDL knows further line breaks, and ends a comment at each.
            "a { // }\r}",
            "a { // }\u{2028}}",
            "a { // }\u{85}}",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (text, then) in [
            ("a {", "unclosed"),
            ("a }", "unopened"),
            ("a \"b\nc", "unclosed"),
            ("a /* b", "unclosed"),
            (&"a {".repeat(33), "too-deep"),
            (&format!("// b\r{}", "a {".repeat(33)), "too-deep"),
            (&format!("// b\u{b}{}", "a {".repeat(33)), "too-deep"),
            ("a \"b\rc\"", "unclosed"),
            ("a \"b\u{2029}c\"", "unclosed"),
            (&"/*".repeat(40), "too-deep"),
        ] {
            assert_eq!(code(text), Some(format!("factory::spec::{then}")), "{text}");
        }
    }

    #[test]
    fn words_that_a_comment_swallows_are_told_from_comments() {
        for (text, then) in [
            ("may { write app/**; }", "app/**"),
            ("may { write app/** }", "app/**"),
            ("write app/**\nrun", "app/**"),
            ("write \"a\" app/*.rb lib/** \"b\";", "app/*.rb lib/**"),
            ("paths \"source\" app/*;", "app/*"),
            // A comment is begun, or it may be.
            ("role b/* my comment", ""),
            ("role b/*", ""),
            ("role b/*;", ""),
            ("write app/* why", ""),
            ("write app/*\nwhy", ""),
            ("write app/**  // why", ""),
            ("write app/** why it is so", ""),
            ("write /-app/**;", ""),
            ("write /* a */ app/**;", ""),
            ("write a/**/ app/**;", ""),
            ("write a/*b*/ app/**;", ""),
            ("write \"a\"b/**;", ""),
            ("write app/**{a,b};", ""),
            ("write #\"a\"# app/**;", ""),
            ("run app/**;", ""),
            ("role \"a\" prompt=roles/**;", ""),
        ] {
            let mut sources = Sources::default();
            let source = sources.add("factory.kdl", text);
            let found = swallowed(source, text.rfind("/*").unwrap());
            let found: Vec<_> = found.iter().map(|span| source_text(text, *span)).collect();
            assert_eq!(found.join(" "), then, "{text}");
        }
    }

    fn source_text(text: &str, span: Span) -> &str {
        &text[span.start..span.end()]
    }
}
