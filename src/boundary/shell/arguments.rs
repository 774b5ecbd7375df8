//! The words of a command as far as they are known before it runs, and options among them.

use crate::boundary::{
    PathPattern,
    command::BETWEEN,
    nfa::{Nfa, Step},
};

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These characters.
    Text(String),
    /// What the shell replaces by the names of files: `*`, `?`, or `[…]`.
    Glob(String),
    /// Something that is only known when the line runs; `splits` if it may become several words or
    /// none.
    Unknown {
        /// Whether it may be several words.
        splits: bool,
    },
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

    /// Returns the word if it is known to the last character.
    pub(super) fn literal(&self) -> Option<String> {
        let mut literal = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => literal.push_str(text),
                Piece::Glob(_) | Piece::Unknown { .. } => return None,
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
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Unknown { splits: true }))
    }

    /// Returns whether some part of it is not known, other than names of files.
    pub(super) fn is_unknown(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Unknown { .. }))
    }

    /// Returns what is known of its start.
    pub(super) fn prefix(&self) -> String {
        let known = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Glob(_) | Piece::Unknown { .. } => None,
        };
        self.pieces.iter().map_while(known).collect()
    }

    /// Returns the word without its first `bytes` bytes, which must be known.
    pub(super) fn after(&self, bytes: usize) -> Option<Self> {
        let mut pieces = self.pieces.clone();
        let mut left = bytes;
        for piece in &mut pieces {
            let Piece::Text(text) = piece else {
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

    /// Returns the pattern of all paths that a word of text and globs may become, the text before it
    /// being `directory` with a slash, or empty.
    pub(super) fn as_path_pattern(&self, directory: &str) -> Option<PathPattern> {
        let mut pattern = escape(directory);
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let starts = pattern.is_empty() || pattern.ends_with('/');
            let before_dot =
                matches!(pieces.peek(), Some(Piece::Text(text)) if text.starts_with('.'));
            match piece {
                Piece::Text(text) => pattern.push_str(&escape(text)),
                // The shell's wildcards leave a leading dot alone.
                Piece::Glob(glob) if glob == "*" && starts && before_dot => {
                    pattern.push_str("[!.]*");
                }
                Piece::Glob(glob) if glob == "*" && starts && pieces.peek().is_some() => {
                    pattern.push_str("{,[!.]*}");
                }
                Piece::Glob(glob) if glob == "*" && starts => pattern.push_str("[!.]*"),
                Piece::Glob(glob) if glob == "?" && starts => pattern.push_str("[!.]"),
                Piece::Glob(glob) => pattern.push_str(glob),
                Piece::Unknown { .. } => return None,
            }
        }
        pattern.trim_end_matches('/').parse().ok()
    }
}

fn escape(text: &str) -> String {
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
        let starts_known = !word.prefix().is_empty();
        let globs = word
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Glob(_)));
        if word.splits() {
            if starts_known {
                steps.extend(word.prefix().chars().map(Step::Lit));
                steps.extend([Step::Star, Step::Lit(BETWEEN)]);
            }
            let start = steps.len();
            steps.extend([
                Step::Split(start + 4, start + 1),
                Step::Star,
                Step::Lit(BETWEEN),
                Step::Goto(start),
            ]);
            continue;
        }
        let start = steps.len();
        for piece in &word.pieces {
            match piece {
                Piece::Text(text) => steps.extend(text.chars().map(Step::Lit)),
                Piece::Glob(_) | Piece::Unknown { .. } => steps.push(Step::Star),
            }
        }
        steps.push(Step::Lit(BETWEEN));
        if globs {
            let here = steps.len();
            steps.push(Step::Split(start, here + 1));
        }
    }
    steps.push(Step::Accept);
    Nfa::new(steps, BETWEEN, false)
}

/// The options of a program, as far as they matter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// Short options without a value.
    pub(super) flags: &'static str,
    /// Short options with a value.
    pub(super) valued: &'static str,
    /// Long options without a value, or with one after `=`.
    pub(super) long: &'static [&'static str],
    /// Long options with a value.
    pub(super) long_valued: &'static [&'static str],
}

/// Arguments, told apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Options by their name without dashes, with their value.
    pub(super) options: Vec<(String, Option<Argument>)>,
    /// All that is no option.
    pub(super) operands: Vec<Argument>,
}

impl Parsed {
    /// Returns whether one of these options is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|(option, _)| names.contains(&option.as_str()))
    }

    /// Returns the values of these options.
    pub(super) fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Argument> {
        let named = move |(option, value): &'a (String, Option<Argument>)| {
            names
                .contains(&option.as_str())
                .then_some(value.as_ref())
                .flatten()
        };
        self.options.iter().filter_map(named)
    }
}

impl Options {
    /// Tells options from operands. An option that is not known, or a word that may turn out to be
    /// one, is an error: the reason, as the rest of a sentence about the command.
    pub(super) fn parse(&self, arguments: &[Argument]) -> Result<Parsed, String> {
        let mut parsed = Parsed::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let prefix = argument.prefix();
            if prefix.is_empty() && argument.literal().is_none() {
                return Err(format!(
                    "has the word `{}`, which might turn out to be an option",
                    argument.shown
                ));
            }
            if !prefix.starts_with('-') || argument.is("-") {
                parsed.operands.push(argument.clone());
                continue;
            }
            let Some(literal) = argument.literal() else {
                return Err(format!(
                    "has the option `{}`, which is not known before it runs",
                    argument.shown
                ));
            };
            if literal == "--" {
                parsed.operands.extend(rest.by_ref().cloned());
            } else if let Some(long) = literal.strip_prefix("--") {
                self.long(long, &mut rest, &mut parsed)?;
            } else {
                self.short(&literal, &mut rest, &mut parsed)?;
            }
        }
        Ok(parsed)
    }

    fn long<'a>(
        &self,
        long: &str,
        rest: &mut impl Iterator<Item = &'a Argument>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(Argument::text(value))),
            None => (long, None),
        };
        let value = if self.long.contains(&name) {
            value
        } else if self.long_valued.contains(&name) {
            Some(
                value
                    .or_else(|| rest.next().cloned())
                    .ok_or_else(|| lacks(&format!("--{name}")))?,
            )
        } else {
            return Err(strange(&format!("--{name}")));
        };
        parsed.options.push((name.to_owned(), value));
        Ok(())
    }

    fn short<'a>(
        &self,
        literal: &str,
        rest: &mut impl Iterator<Item = &'a Argument>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        for (at, flag) in literal.char_indices().skip(1) {
            if self.flags.contains(flag) {
                parsed.options.push((flag.to_string(), None));
            } else if self.valued.contains(flag) {
                let attached = literal.get(at + flag.len_utf8()..).unwrap_or("");
                let value = if attached.is_empty() {
                    rest.next()
                        .cloned()
                        .ok_or_else(|| lacks(&format!("-{flag}")))?
                } else {
                    Argument::text(attached)
                };
                parsed.options.push((flag.to_string(), Some(value)));
                return Ok(());
            } else {
                return Err(strange(&format!("-{flag}")));
            }
        }
        Ok(())
    }
}

fn strange(option: &str) -> String {
    format!("has the option `{option}`, whose effect is not known here")
}

fn lacks(option: &str) -> String {
    format!("has the option `{option}` without its value")
}
