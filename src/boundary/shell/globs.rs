//! The shell's own patterns for names of files: which names they may stand for.
//!
//! What is said here is never too little: where locales or shells differ, more names match.

use super::arguments::Piece;

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This name.
    Name(String),
    /// All names that match.
    Pattern(NamePattern),
}

/// A pattern for a name without slashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NamePattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Char(char),
    One,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn reads(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One | Self::Any => true,
            Self::Class { negated, ranges } => {
                let within = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                if *negated {
                    return !within(c);
                }
                // What lies between two letters is the locale's to say.
                let spans = ranges.iter().any(|(low, high)| low != high);
                within(c)
                    || spans
                        && (!c.is_ascii()
                            || within(c.to_ascii_lowercase())
                            || within(c.to_ascii_uppercase()))
            }
        }
    }
}

impl NamePattern {
    /// Returns whether it is `**`, which some shells let stand for any number of directories.
    pub(super) fn is_deep(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Any, Part::Any])
    }

    /// Returns whether `name` may match.
    pub(super) fn matches(&self, name: &str) -> bool {
        // A leading dot is only matched by one.
        if name.starts_with('.') && !matches!(self.parts.first(), Some(Part::Char('.'))) {
            return false;
        }
        let length = self.parts.len();
        let mut at = vec![false; length + 1];
        let close = |at: &mut Vec<bool>| {
            for (index, part) in self.parts.iter().enumerate() {
                if *part == Part::Any && at.get(index) == Some(&true) {
                    set(at, index + 1);
                }
            }
        };
        set(&mut at, 0);
        close(&mut at);
        for c in name.chars() {
            let mut next = vec![false; length + 1];
            for (index, part) in self.parts.iter().enumerate() {
                if at.get(index) == Some(&true) && part.reads(c) {
                    set(
                        &mut next,
                        if *part == Part::Any { index } else { index + 1 },
                    );
                }
            }
            close(&mut next);
            at = next;
        }
        at.last() == Some(&true)
    }
}

fn set(at: &mut [bool], index: usize) {
    if let Some(here) = at.get_mut(index) {
        *here = true;
    }
}

/// Returns how long a class is that `text` begins with, brackets and all; nothing if it is not closed.
pub(super) fn class_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    let _ = chars.next_if(|(_, c)| matches!(c, '!' | '^'));
    let _ = chars.next_if(|(_, c)| *c == ']');
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => return Some(at + 1),
            // A slash ends what may be a class.
            '/' => return None,
            '[' => {
                let mark = chars.peek().map(|(_, mark)| *mark);
                let Some(mark @ (':' | '.' | '=')) = mark else {
                    continue;
                };
                chars.next();
                let mut last = '\0';
                loop {
                    let (_, c) = chars.next()?;
                    if last == mark && c == ']' {
                        break;
                    }
                    last = c;
                }
            }
            _ => {}
        }
    }
    None
}

fn class(text: &str) -> Part {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let inner = inner.unwrap_or_default();
    let (negated, inner) = match inner.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    // Named classes, what a locale takes for equal, and a mark that not all shells know, may be anything.
    if inner.starts_with('^')
        || inner.contains("[:")
        || inner.contains("[.")
        || inner.contains("[=")
    {
        return Part::One;
    }
    let mut ranges = Vec::new();
    let mut chars = inner.chars().peekable();
    while let Some(low) = chars.next() {
        let mut ahead = chars.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) => {
                ranges.push((low, high));
                chars = ahead;
            }
            (_, _) => ranges.push((low, low)),
        }
    }
    Part::Class { negated, ranges }
}

/// Returns the segments of a path of text and wildcards, an empty name first if it is absolute; nothing
/// if some of it is not known.
pub(super) fn segments(pieces: &[Piece]) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut end = |parts: &mut Vec<Part>| {
        let parts = std::mem::take(parts);
        let name: Option<String> = parts
            .iter()
            .map(|part| match part {
                Part::Char(c) => Some(*c),
                Part::One | Part::Any | Part::Class { .. } => None,
            })
            .collect();
        segments.push(match name {
            Some(name) => Segment::Name(name),
            None => Segment::Pattern(NamePattern { parts }),
        });
    };
    for piece in pieces {
        match piece {
            Piece::Text(text) | Piece::Odd(text) => {
                for c in text.chars() {
                    if c == '/' {
                        end(&mut parts);
                    } else {
                        parts.push(Part::Char(c));
                    }
                }
            }
            Piece::Glob(glob) => parts.push(match glob.as_str() {
                "*" => Part::Any,
                "?" => Part::One,
                glob => class(glob),
            }),
            Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_)
            | Piece::Unknown { .. } => return None,
        }
    }
    end(&mut parts);
    Some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '*' | '?' => 1,
                '[' => class_length(rest).unwrap(),
                _ => 0,
            };
            if length > 0 {
                pieces.push(Piece::Glob(rest[..length].to_owned()));
                rest = &rest[length..];
            } else {
                pieces.push(Piece::Text(c.to_string()));
                rest = &rest[c.len_utf8()..];
            }
        }
        pieces
    }

    #[test]
    fn names_match_as_a_shell_says() {
        for (glob, name, then) in [
            ("*.rb", "a.rb", true),
            ("*.rb", ".a.rb", false),
            ("*", ".a", false),
            (".*", ".a", true),
            (".*", "..", true),
            (".e*", "..", false),
            ("?b", "ab", true),
            ("?b", ".b", false),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[^a]", "b", true),
            ("[]a]", "]", true),
            ("[!]a]", "]", false),
            ("[!]a]", "b", true),
            ("[[:alpha:]]", "z", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1b2", false),
            ("**", "ab", true),
        ] {
            let segments = segments(&pieces(glob)).unwrap();
            let [Segment::Pattern(pattern)] = segments.as_slice() else {
                panic!("{glob}: {segments:?}");
            };
            assert_eq!(pattern.matches(name), then, "{glob} and {name}");
        }
    }

    #[test]
    fn a_path_has_segments() {
        let segments = segments(&pieces("/a/*/b")).unwrap();
        let name = |name: &str| Segment::Name(name.to_owned());
        assert_eq!(
            (&segments[0], &segments[1], &segments[3]),
            (&name(""), &name("a"), &name("b"))
        );
        for (text, length) in [
            ("[a]b", Some(3)),
            ("[]]", Some(3)),
            ("[a", None),
            ("[a/]", None),
        ] {
            assert_eq!(class_length(text), length, "{text}");
        }
    }
}
