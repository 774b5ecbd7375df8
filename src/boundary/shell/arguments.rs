//! The words of a command as far as they are known before it runs.

use std::rc::Rc;

use crate::boundary::{
    PathPattern,
    command::BETWEEN,
    nfa::{Class, Nfa, Step},
};

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These characters.
    Text(String),
    /// These characters, which another shell reads otherwise: `$'…'`.
    Odd(String),
    /// What the shell replaces by the names of files: `*`, `?`, or `[…]`.
    Glob(String),
    /// A decimal number.
    Number {
        /// Whether it may be nothing at all.
        splits: bool,
    },
    /// The name of a commit: no blank, no colon, no dash at its start.
    Revision {
        /// Whether it may be several words or none.
        splits: bool,
    },
    /// One or all of the paths that a command has found.
    Found(Rc<Found>),
    /// Something that is only known when the line runs; `splits` if it may become several words or
    /// none.
    Unknown {
        /// Whether it may be several words.
        splits: bool,
    },
}

/// Paths that a command has found: all that it may print, as it would print them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// The paths.
    pub(super) paths: Vec<String>,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    /// As it stands in the line.
    pub(super) shown: String,
    /// What it is made of.
    pub(super) pieces: Vec<Piece>,
}

impl Argument {
    /// Makes a word of these characters.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            shown: text.clone(),
            pieces: vec![Piece::Text(text)],
        }
    }

    /// Makes a word that is not known.
    pub(super) fn unknown(shown: impl Into<String>, splits: bool) -> Self {
        Self {
            shown: shown.into(),
            pieces: vec![Piece::Unknown { splits }],
        }
    }

    /// Makes a number that is not known.
    pub(super) fn number() -> Self {
        Self {
            shown: "…".to_owned(),
            pieces: vec![Piece::Number { splits: false }],
        }
    }

    /// Returns the word if it is known to the last character.
    pub(super) fn literal(&self) -> Option<String> {
        let mut literal = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Odd(text) => literal.push_str(text),
                Piece::Glob(_)
                | Piece::Number { .. }
                | Piece::Revision { .. }
                | Piece::Found(_)
                | Piece::Unknown { .. } => return None,
            }
        }
        Some(literal)
    }

    /// Returns whether it is known and equal to `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        self.literal().as_deref() == Some(text)
    }

    /// Returns whether the shell may make several words of it, or none.
    pub(super) fn splits(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Unknown { splits } | Piece::Number { splits } | Piece::Revision { splits } => {
                *splits
            }
            Piece::Found(_) => true,
            Piece::Text(_) | Piece::Odd(_) | Piece::Glob(_) => false,
        })
    }

    /// Returns whether some part of it is not known, other than names of files.
    pub(super) fn is_unknown(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Unknown { .. }
            | Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_) => true,
            Piece::Text(_) | Piece::Odd(_) | Piece::Glob(_) => false,
        })
    }

    /// Returns whether the shell replaces it by the names of files.
    pub(super) fn has_globs(&self) -> bool {
        let glob = |piece: &Piece| matches!(piece, Piece::Glob(_));
        self.pieces.iter().any(glob)
    }

    /// Returns whether another shell reads some of it otherwise.
    pub(super) fn is_odd(&self) -> bool {
        let odd = |piece: &Piece| matches!(piece, Piece::Odd(_));
        self.pieces.iter().any(odd)
    }

    /// Returns how much of its start every shell reads alike.
    pub(super) fn plain_start(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.len()),
            Piece::Odd(_)
            | Piece::Glob(_)
            | Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_)
            | Piece::Unknown { .. } => None,
        };
        self.pieces.iter().map_while(length).sum()
    }

    /// Returns whether it is a number, known or not.
    pub(super) fn is_number(&self) -> bool {
        match self.literal() {
            Some(literal) => super::walk::is_number(&literal),
            None => self.pieces.iter().all(|piece| match piece {
                Piece::Number { .. } => true,
                Piece::Text(text) => text.is_empty(),
                Piece::Odd(_)
                | Piece::Glob(_)
                | Piece::Revision { .. }
                | Piece::Found(_)
                | Piece::Unknown { .. } => false,
            }),
        }
    }

    /// Returns whether what is not known of it can only be a number or the name of a commit.
    pub(super) fn is_revision(&self) -> bool {
        !self.pieces.iter().any(|piece| {
            matches!(
                piece,
                Piece::Glob(_) | Piece::Found(_) | Piece::Unknown { .. }
            )
        })
    }

    /// Returns what is known of its start.
    pub(super) fn prefix(&self) -> String {
        let known = |piece: &Piece| match piece {
            Piece::Text(text) | Piece::Odd(text) => Some(text.clone()),
            Piece::Glob(_)
            | Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_)
            | Piece::Unknown { .. } => None,
        };
        self.pieces.iter().map_while(known).collect()
    }

    /// Returns the word without its first `bytes` bytes, which must be known.
    pub(super) fn after(&self, bytes: usize) -> Option<Self> {
        let mut pieces = self.pieces.clone();
        let mut left = bytes;
        for piece in &mut pieces {
            let (Piece::Text(text) | Piece::Odd(text)) = piece else {
                break;
            };
            let cut = left.min(text.len());
            *text = text.get(cut..)?.to_owned();
            left -= cut;
        }
        (left == 0).then(|| Self {
            shown: self.shown.get(bytes..).unwrap_or(&self.shown).to_owned(),
            pieces,
        })
    }

    /// Returns the word with `text` before it.
    pub(super) fn behind(&self, text: &str) -> Self {
        let mut pieces = vec![Piece::Text(text.to_owned())];
        pieces.extend_from_slice(&self.pieces);
        Self {
            shown: format!("{text}{}", self.shown),
            pieces,
        }
    }

    /// Returns the pattern of all paths that a word of text and globs may become, the text before it
    /// being `directory` with a slash, or empty.
    pub(super) fn as_path_pattern(&self, directory: &str) -> Option<PathPattern> {
        let mut pattern = escape(directory);
        if may_lead_up(&self.pieces) {
            return None;
        }
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let starts = pattern.is_empty() || pattern.ends_with('/');
            let before_dot =
                matches!(pieces.peek(), Some(Piece::Text(text)) if text.starts_with('.'));
            match piece {
                Piece::Text(text) | Piece::Odd(text) => pattern.push_str(&escape(text)),
                // Without an option of the shell's, two stars are one.
                Piece::Glob(glob) if glob == "*" && pattern.ends_with('*') => {}
                // The shell's wildcards leave a leading dot alone.
                Piece::Glob(glob) if glob == "*" && starts && before_dot => {
                    pattern.push_str("[!.]*");
                }
                Piece::Glob(glob) if glob == "*" && starts && pieces.peek().is_some() => {
                    pattern.push_str("{,[!.]*}");
                }
                Piece::Glob(glob) if glob == "*" && starts => pattern.push_str("[!.]*"),
                Piece::Glob(glob) if glob == "?" && starts => pattern.push_str("[!.]"),
                // Not all shells know this mark.
                Piece::Glob(glob) if glob.starts_with("[^") => pattern.push('?'),
                Piece::Glob(glob) => pattern.push_str(glob),
                Piece::Number { .. }
                | Piece::Revision { .. }
                | Piece::Found(_)
                | Piece::Unknown { .. } => return None,
            }
        }
        pattern.trim_end_matches('/').parse().ok()
    }
}

// Whether a wildcard behind a dot may stand for `..`, which some shells let it.
fn may_lead_up(pieces: &[Piece]) -> bool {
    super::globs::segments(pieces).is_none_or(|segments| {
        let patterns = segments.iter().filter_map(|segment| match segment {
            super::globs::Segment::Pattern(pattern) => Some(pattern),
            super::globs::Segment::Name(_) => None,
        });
        let mut patterns = patterns;
        patterns.any(|pattern| pattern.matches(".") || pattern.matches(".."))
    })
}

/// Returns `text` as a pattern that means it and nothing else.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "*?[]{}\\".contains(c) {
            escaped.extend(['[', c, ']']);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns the words as text, for a message.
pub(super) fn shown(words: &[Argument]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.shown.as_str()).collect();
    super::parse::excerpt(&words.join(" "))
}

/// Returns a machine that reads every command that the words may become.
pub(super) fn machine(words: &[Argument]) -> Nfa {
    let mut steps = Vec::new();
    for word in words {
        if word.splits() {
            several(word, &mut steps);
        } else {
            one(word, &mut steps);
        }
    }
    steps.push(Step::Accept);
    Nfa::new(steps, BETWEEN, false)
}

fn one(word: &Argument, steps: &mut Vec<Step>) {
    let start = steps.len();
    for piece in &word.pieces {
        let here = steps.len();
        match piece {
            Piece::Text(text) | Piece::Odd(text) => steps.extend(text.chars().map(Step::Lit)),
            Piece::Number { .. } => steps.extend([
                Step::Split(here + 1, here + 5),
                Step::Split(here + 2, here + 3),
                Step::Lit('-'),
                digit(),
                Step::Split(here + 3, here + 5),
            ]),
            Piece::Revision { .. } | Piece::Found(_) => {
                steps.extend([Step::Split(here + 1, here + 3), no_dash(), Step::Star]);
            }
            Piece::Glob(_) | Piece::Unknown { .. } => steps.push(Step::Star),
        }
    }
    steps.push(Step::Lit(BETWEEN));
    if word.has_globs() {
        let here = steps.len();
        steps.push(Step::Split(start, here + 1));
    }
}

// Any number of words, the first of which begins as it is known.
fn several(word: &Argument, steps: &mut Vec<Step>) {
    let known = word.prefix();
    if !known.is_empty() {
        steps.extend(known.chars().map(Step::Lit));
        steps.extend([Step::Star, Step::Lit(BETWEEN)]);
    }
    let start = steps.len();
    if !begin_without_dash(word) {
        steps.extend([
            Step::Split(start + 4, start + 1),
            Step::Star,
            Step::Lit(BETWEEN),
            Step::Goto(start),
        ]);
        return;
    }
    // A dash is the sign of a number, if anything.
    steps.extend([
        Step::Split(start + 9, start + 1),
        Step::Split(start + 2, start + 5),
        Step::Lit('-'),
        digit(),
        Step::Goto(start + 6),
        no_dash(),
        Step::Star,
        Step::Lit(BETWEEN),
        Step::Goto(start),
    ]);
}

// Whether none of the words that a word may become begins with a dash, but for numbers.
fn begin_without_dash(word: &Argument) -> bool {
    let known = |piece: &&Piece| matches!(piece, Piece::Text(_) | Piece::Odd(_));
    word.pieces
        .iter()
        .skip_while(known)
        .all(|piece| match piece {
            Piece::Text(text) | Piece::Odd(text) => !text.starts_with('-'),
            Piece::Number { .. } | Piece::Revision { .. } | Piece::Found(_) => true,
            Piece::Glob(_) | Piece::Unknown { .. } => false,
        })
}

// What counts puts blanks before a number.
fn digit() -> Step {
    Step::Class(Class {
        negated: false,
        ranges: vec![('0', '9'), (' ', ' ')],
    })
}

fn no_dash() -> Step {
    Step::Class(Class {
        negated: true,
        ranges: vec![('-', '-')],
    })
}
