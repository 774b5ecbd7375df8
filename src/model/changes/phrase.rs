//! Sentences in which the user's words stand apart from ours, so that each output shows them as what
//! they are and none of them is taken for more.

use std::fmt;

/// How many things a list names.
const MOST_NAMED: usize = 6;

/// How many characters of one thing are shown.
const MOST_SHOWN: usize = 160;

/// A sentence without its end, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Phrase(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Theirs(String),
    Ours(String),
}

/// Returns `sentence` with the user's `things` in the places of its `{}`, in order.
pub(super) fn said<const N: usize>(sentence: &str, things: [&str; N]) -> Phrase {
    Phrase::said(sentence, things)
}

impl Phrase {
    /// Returns `sentence`, which is ours, with the user's `things` in the places of its `{}`, in order.
    pub fn said<'t>(sentence: &str, things: impl IntoIterator<Item = &'t str>) -> Self {
        let mut pieces = Vec::new();
        let mut things = things.into_iter();
        for (index, ours) in sentence.split("{}").enumerate() {
            if index > 0 {
                pieces.extend(things.next().map(|thing| Piece::Theirs(thing.to_owned())));
            }
            if !ours.is_empty() {
                pieces.push(Piece::Ours(ours.to_owned()));
            }
        }
        Self(pieces)
    }

    /// Returns the user's `things` one behind the other, the first ones by name.
    pub fn list(things: &[String]) -> Self {
        let mut list = Self::default();
        for (index, thing) in things.iter().take(MOST_NAMED).enumerate() {
            let between = if index == 0 { "{}" } else { ", {}" };
            list = list.and(Self::said(between, [thing.as_str()]));
        }
        if let Some(more) = things
            .len()
            .checked_sub(MOST_NAMED)
            .filter(|more| *more > 0)
        {
            list = list.and(Self::said(&format!(", {more} more"), []));
        }
        list
    }

    /// Returns `self` with `next` behind it.
    #[must_use]
    pub fn and(mut self, next: Self) -> Self {
        self.0.extend(next.0);
        self
    }

    /// Returns the sentence as Markdown. The user's words are code in it, whatever they hold: no mark-up,
    /// no HTML, no mention.
    pub fn markdown(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Theirs(text) => code(&shown(text)),
            Piece::Ours(text) => text.clone(),
        };
        self.0.iter().map(piece).collect()
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Theirs(text) => write!(f, "`{}`", shown(text))?,
                Piece::Ours(text) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

// The text on one line, and not longer than anybody reads.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == MOST_SHOWN {
            shown.push('…');
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    if shown.is_empty() {
        shown.push_str("\"\"");
    }
    shown
}

// A code span ends at as many backticks as it begins with, and loses a blank at both of its ends.
fn code(text: &str) -> String {
    let runs = text.split(|letter| letter != '`');
    let fence = "`".repeat(runs.map(str::len).max().unwrap_or_default() + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_user_are_code_whatever_they_hold() {
        for (given, human, markdown) in [
            ("app/**", "`app/**`", "`app/**`"),
            ("a`b", "`a`b`", "``a`b``"),
            ("`", "```", "`` ` ``"),
            ("``a", "```a`", "``` ``a ```"),
            (" a ", "` a `", "`  a  `"),
            ("@all <b>x</b>", "`@all <b>x</b>`", "`@all <b>x</b>`"),
            (
                "a\n# b\u{1b}[1m",
                "`a\\n# b\\u{1b}[1m`",
                "`a\\n# b\\u{1b}[1m`",
            ),
            ("", "`\"\"`", "`\"\"`"),
        ] {
            let phrase = said("{} is new", [given]);
            assert_eq!(phrase.to_string(), format!("{human} is new"));
            assert_eq!(phrase.markdown(), format!("{markdown} is new"));
        }
        // What stands in the user's words is no place for others.
        assert_eq!(said("{}, {}", ["{}", "a"]).to_string(), "`{}`, `a`");
    }

    #[test]
    fn a_long_list_and_a_long_word_are_cut() {
        let things: Vec<_> = ('a'..='h').map(String::from).collect();
        assert_eq!(
            Phrase::list(&things).to_string(),
            "`a`, `b`, `c`, `d`, `e`, `f`, 2 more"
        );
        assert_eq!(Phrase::list(&things[..1]).to_string(), "`a`");
        let long = said("{}", [&"x".repeat(1000)]).to_string();
        assert_eq!(long.chars().count(), MOST_SHOWN + 3);
    }
}
