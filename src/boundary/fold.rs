//! Spellings that a file system may take for one another: case and Unicode normalisation.
//!
//! The folding is canonical decomposition, upper and then lower case of every character (which is
//! full case folding but for a few letters that it folds further), decomposition again, less the
//! characters that show nothing. It is what APFS, HFS+, and ext4's casefolding do, taken together.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

/// Returns `text` in the one spelling that stands for all that differ from it in case or
/// normalisation alone.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let folded = text.nfd().filter(|c| !shows_nothing(*c)).flat_map(caseless);
    Cow::Owned(folded.nfd().collect())
}

/// Returns what [`fold`] makes of a text that is the one character `c`.
pub(super) fn fold_char(c: char) -> Folded {
    let mut folded = Folded::default();
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return folded;
    }
    for part in fold(c.encode_utf8(&mut [0; 4])).chars() {
        folded.push(part);
    }
    folded
}

/// The few characters that one folds to.
#[derive(Debug, Default)]
pub(super) struct Folded {
    first: Option<char>,
    rest: Vec<char>,
}

impl Folded {
    fn push(&mut self, c: char) {
        if self.first.is_none() {
            self.first = Some(c);
        } else {
            self.rest.push(c);
        }
    }

    /// Returns the characters in order.
    pub(super) fn chars(&self) -> impl Iterator<Item = char> + '_ {
        self.first.iter().chain(&self.rest).copied()
    }
}

/// Returns the characters that a class must be asked about to know whether it takes `c` in any case.
pub(super) fn variants(c: char) -> impl Iterator<Item = char> {
    [Some(c), single(c.to_uppercase()), single(c.to_lowercase())]
        .into_iter()
        .flatten()
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

/// Returns whether `c` is a mark that joins the character before it.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && canonical_combining_class(c) != 0
}

fn caseless(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

// The default-ignorable characters: HFS+ and ext4 compare names as if they were not there.
const fn shows_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_fold_to_one() {
        for (given, same) in [
            ("README", "readme"),
            ("\u{e9}t\u{e9}", "e\u{301}T\u{c9}"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{212a}ey", "key"),
            ("\u{3a3}\u{3c2}", "\u{3c3}\u{3a3}"),
            (".g\u{200c}it", ".GIT"),
            ("a\u{323}\u{307}", "A\u{307}\u{323}"),
        ] {
            assert_eq!(fold(given), fold(same), "{given} and {same}");
        }
        assert_ne!(fold("e"), fold("\u{e9}"));
    }
}
