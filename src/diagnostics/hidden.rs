//! Characters that a reader of a text does not see, or that show him something else than what is there.
//!
//! Hidden is, whatever stands around it,
//!
//! - a control character (general category Cc) other than tab, line feed, and carriage return,
//! - a line or paragraph separator (U+2028, U+2029): it ends a line for a parser, and for few editors,
//! - a mark of an interlinear annotation (U+FFF9 to U+FFFB),
//! - a mark that sets the direction of text (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069),
//!
//! and, unless the writing around it needs it, everything else that is shown as nothing: what has the
//! property `Default_Ignorable_Code_Point` (Unicode Character Database, DerivedCoreProperties.txt),
//! which UTS #39, table 1, keeps out of identifiers for that reason, and the blank Braille cell.
//! Needed is, after UAX #31, section 2.3, UTS #51, and StandardizedVariants.txt,
//!
//! - a joiner (U+200C, U+200D) within a word of a script whose letters join or stack: Arabic and its
//!   like, the scripts of India and their like. UAX #31 asks for the very letters that a joiner changes;
//!   people also write it where a suffix begins, behind a letter that does not join, a digit, or a
//!   foreign word, so that the script is what counts. A U+200D also at the end of such a word, and
//!   U+200C behind a mark that takes a vowel away;
//! - a zero-width space between two characters of a script that is written without blanks;
//! - U+200D between two pictographs, one variation selector behind a pictograph or in a keycap, and the
//!   tags of the three flags that have a picture of their own;
//! - one variation selector behind a character that has standardized or ideographic variants;
//! - what Mongolian words are shaped by, within these; a blank cell within a line of Braille;
//! - a byte order mark at the very start, which is how some editors write UTF-8.

use std::{borrow::Cow, collections::BTreeSet};

/// Returns the characters of `text` that are hidden, each with its offset.
pub(super) fn hidden_characters(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    // What stands before, where it is seen; where the tags of a flag end; and what is read next.
    let (mut before, mut flag, mut next) = (None, 0, 0);
    std::iter::from_fn(move || {
        loop {
            let at = next;
            let rest = text.get(at..)?;
            // Most of a text is such that nobody needs to look at it letter by letter.
            let seen = rest.bytes().take_while(plain).count();
            if let Some(last) = seen.checked_sub(1) {
                before = rest.as_bytes().get(last).copied().map(char::from);
                next = at + seen;
                continue;
            }
            let letter = rest.chars().next()?;
            next = at + letter.len_utf8();
            let rest = text.get(next..).unwrap_or_default();
            if letter == FLAG
                && let Some(tags) = FLAGS.iter().find(|tags| rest.starts_with(**tags))
            {
                flag = next + tags.len();
            }
            let hidden = at >= flag
                && is_ignorable(letter)
                && !(at == 0 && letter == '\u{feff}')
                && !is_needed(before, letter, rest);
            before = (!hidden).then_some(letter);
            if hidden {
                return Some((at, letter));
            }
        }
    })
}

/// Returns `text` on one line, with nothing hidden in it: what a reader would not see stands there by its
/// number, as `\u{1b}`.
///
/// ```
/// # use factory::diagnostics::in_the_open;
/// assert_eq!(in_the_open("a\nb\u{1b}[31m"), r"a\nb\u{1b}[31m");
/// ```
pub fn in_the_open(text: &str) -> Cow<'_, str> {
    let hidden: BTreeSet<usize> = hidden_characters(text).map(|(at, _)| at).collect();
    let odd = |at: usize, letter: char| letter.is_control() || hidden.contains(&at);
    if !text.char_indices().any(|(at, letter)| odd(at, letter)) {
        return Cow::Borrowed(text);
    }
    let shown = text.char_indices().map(|(at, letter)| match letter {
        '\n' | '\r' | '\t' => letter.escape_default().to_string(),
        letter if odd(at, letter) => letter.escape_unicode().to_string(),
        letter => letter.to_string(),
    });
    Cow::Owned(shown.collect())
}

/// Returns what to call a hidden character.
pub fn hidden_name(letter: char) -> &'static str {
    match letter {
        '\u{200b}' => "a zero-width space",
        '\u{200c}' | '\u{200d}' | '\u{2060}' => "a zero-width joiner",
        letter if is_directional(letter) => "a character that reorders the text around it",
        '\u{ad}' => "a soft hyphen",
        '\u{feff}' => "a byte order mark",
        '\u{2028}' | '\u{2029}' => "a line end that editors do not show",
        '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => {
            "a letter that is shown as a blank"
        }
        letter if is_variation_selector(letter) => "a variation selector that varies nothing",
        '\u{e0000}'..='\u{e007f}' => "an invisible tag",
        letter if letter.is_control() => "a control character",
        _ => "an invisible character",
    }
}

/// Returns whether a text without the hidden character `letter` looks as it did with it.
pub fn shows_nothing(letter: char) -> bool {
    is_ignorable(letter)
        && !is_directional(letter)
        && !letter.is_control()
        && !matches!(
            letter,
            // Some of them are as wide as a letter, others break a line.
            '\u{115f}'
                | '\u{1160}'
                | '\u{3164}'
                | '\u{ffa0}'
                | '\u{2800}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

const fn is_directional(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

const fn is_variation_selector(letter: char) -> bool {
    matches!(
        letter,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

// Returns whether `letter` is shown as nothing by itself.
const fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The flag that takes tags, and the tags of England, Scotland, and Wales: those of other regions are
/// shown as the flag alone.
const FLAG: char = '\u{1f3f4}';
const FLAGS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

// Returns whether the writing needs `letter` between `before`, which is seen, and `rest`.
fn is_needed(before: Option<char>, letter: char, rest: &str) -> bool {
    let Some(before) = before else {
        return letter == '\u{2800}' && in_braille(None, rest);
    };
    let after = rest.chars().next();
    let behind = |is: fn(char) -> bool| is(before);
    let between = |is: fn(char) -> bool| is(before) && after.is_some_and(is);
    match letter {
        '\u{200b}' => between(has_no_blanks),
        '\u{200c}' => joins(before, after) || behind(takes_the_vowel),
        '\u{200d}' => {
            joins(before, after)
                || behind(is_joining)
                || (is_picture(before) || before == '\u{fe0f}') && after.is_some_and(is_picture)
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => behind(is_mongolian),
        '\u{180e}' => {
            (behind(is_mongolian) || behind(is_variation_selector))
                && after.is_some_and(is_mongolian)
        }
        // What else is shown as nothing is no place for one more such.
        '\u{2800}' => {
            (before == '\u{2800}' || !is_ignorable(before)) && in_braille(Some(before), rest)
        }
        '\u{fe0e}' | '\u{fe0f}' => {
            behind(is_picture) || is_keycap(before) && after == Some('\u{20e3}')
        }
        '\u{fe00}'..='\u{fe02}' => behind(has_variants) || behind(is_ideograph),
        '\u{e0100}'..='\u{e01ef}' => behind(is_ideograph),
        _ => false,
    }
}

// Within a word that has letters of a joining script, on one side at least.
fn joins(before: char, after: Option<char>) -> bool {
    let within =
        |letter: char| letter.is_alphanumeric() && !is_ignorable(letter) || is_joining(letter);
    let touches = |after: char| within(after) && (is_joining(before) || is_joining(after));
    within(before) && after.is_some_and(touches)
}

// Letters and marks of scripts whose letters join or stack.
const fn is_joining(letter: char) -> bool {
    let script = matches!(
        letter,
        // Arabic, Syriac, N'Ko, Mandaic, and the forms of Arabic.
        '\u{600}'..='\u{7ff}' | '\u{840}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}'
            // The scripts of India, Sri Lanka, Tibet, Burma, Cambodia, Mongolia, Indonesia.
            | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1700}'..='\u{18af}'
            | '\u{1a20}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}' | '\u{1cd0}'..='\u{1cff}'
            | '\u{a840}'..='\u{a8ff}' | '\u{a930}'..='\u{a95f}' | '\u{a980}'..='\u{aa7f}'
            | '\u{aae0}'..='\u{aaff}' | '\u{abc0}'..='\u{abff}'
            // Those that are written no more, Rohingya, and Adlam.
            | '\u{10ac0}'..='\u{10aff}' | '\u{10b80}'..='\u{10baf}' | '\u{10d00}'..='\u{10d3f}'
            | '\u{10ec0}'..='\u{10fdf}' | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}'
    );
    script && !is_ignorable(letter)
}

// The virama and its like.
const fn takes_the_vowel(letter: char) -> bool {
    matches!(
        letter,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d3b}'
            | '\u{d3c}'
            | '\u{d4d}'
            | '\u{dca}'
            | '\u{f84}'
            | '\u{1039}'
            | '\u{103a}'
            | '\u{17d2}'
            | '\u{1b44}'
            | '\u{a806}'
            | '\u{a8c4}'
            | '\u{a953}'
            | '\u{a9c0}'
            | '\u{aaf6}'
            | '\u{abed}'
    )
}

// Thai, Lao, Burmese, Khmer, Tai Le, and their like.
const fn has_no_blanks(letter: char) -> bool {
    let script = matches!(
        letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{1950}'..='\u{19ff}' | '\u{1a20}'..='\u{1aaf}' | '\u{a9e0}'..='\u{a9ff}'
            | '\u{aa60}'..='\u{aadf}'
    );
    script && !is_ignorable(letter)
}

const fn is_mongolian(letter: char) -> bool {
    matches!(letter, '\u{1820}'..='\u{18aa}')
}

const fn is_picture(letter: char) -> bool {
    matches!(
        letter,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{2194}'..='\u{21aa}' | '\u{2300}'..='\u{23ff}' | '\u{24c2}'
            | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
            | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

const fn is_keycap(letter: char) -> bool {
    matches!(letter, '0'..='9' | '#' | '*')
}

const fn is_ideograph(letter: char) -> bool {
    matches!(
        letter,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3fffd}'
    )
}

// Signs of mathematics, quotes and points that East Asia sets otherwise, and letters of Burmese and
// 'Phags-pa.
const fn has_variants(letter: char) -> bool {
    matches!(
        letter,
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{2200}'..='\u{22ff}'
            | '\u{2a00}'..='\u{2aff}' | '\u{3001}' | '\u{3002}' | '\u{ff01}' | '\u{ff0c}'
            | '\u{ff0e}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{1000}'..='\u{109f}'
            | '\u{a840}'..='\u{a87f}' | '\u{aa60}'..='\u{aa7f}'
    )
}

// Beside a cell with dots, over further blank ones.
fn in_braille(before: Option<char>, rest: &str) -> bool {
    let cell = |letter: char| matches!(letter, '\u{2800}'..='\u{28ff}');
    let dots = |letter: char| cell(letter) && letter != '\u{2800}';
    before.is_some_and(cell) || rest.trim_start_matches('\u{2800}').starts_with(dots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<char> {
        hidden_characters(text).map(|(_, letter)| letter).collect()
    }

    #[test]
    fn what_writing_needs_is_not_hidden() {
        for text in [
            "plain\ttext\r\n",
            "\u{feff}a mark in front",
            // Persian: between letters, behind one that does not join, behind a foreign word, a digit.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{6a9}\u{627}\u{631}\u{200c}\u{647}\u{627}",
            "API\u{200c}\u{647}\u{627}",
            "\u{6f2}\u{6f0}\u{200c}\u{633}\u{627}\u{644}\u{647}",
            // The letter heh as it is written within a word, by itself.
            "\u{647}\u{200d}.\u{642}",
            // Hindi, Bengali, Malayalam, Kannada, Sinhala.
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{9b0}\u{200d}\u{9cd}\u{9af}\u{9be}\u{9ac}",
            "\u{d28}\u{d4d}\u{200d} ",
            "\u{cac}\u{cb8}\u{ccd}\u{200c} ",
            "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
            // Thai and Khmer without blanks.
            "\u{e44}\u{e17}\u{e22}\u{200b}\u{e44}\u{e17}\u{e22}",
            "\u{1781}\u{17d2}\u{1798}\u{17c2}\u{179a}\u{200b}\u{1796}",
            // Mongolian.
            "\u{182e}\u{1823}\u{180b}\u{1829}\u{180e}\u{1820}",
            // Pictures: joined, with a tone, as a text or a picture, a keycap, flags.
            "\u{1f469}\u{200d}\u{1f4bb}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f3c3}\u{200d}\u{2640}\u{fe0f}\u{200d}\u{27a1}\u{fe0f}",
            "\u{a9}\u{fe0e} \u{2600}\u{fe0f} 1\u{fe0f}\u{20e3}",
            "\u{1f1e9}\u{1f1ea} \u{1f3f4}\u{200d}\u{2620}\u{fe0f}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}!",
            // A name in Japanese, a union of sets, a line of Braille.
            "\u{845b}\u{e0100}\u{98fe}\u{533a}",
            "a \u{222a}\u{fe00} b",
            "\u{2800}\u{2800}\u{280b}\u{2800}\u{2819}\u{2800}",
        ] {
            assert!(found(text).is_empty(), "{text:?}: {:?}", found(text));
        }
    }

    #[test]
    fn what_nobody_sees_is_hidden() {
        for (text, then) in [
            ("right\u{202e}left", "\u{202e}"),
            ("\u{5d0}\u{200f}!", "\u{200f}"),
            ("\u{645}\u{61c}\u{646}", "\u{61c}"),
            ("zero\u{200b}width", "\u{200b}"),
            ("zero\u{200c}width", "\u{200c}"),
            ("zero\u{200d}width", "\u{200d}"),
            ("soft\u{ad}hyphen", "\u{ad}"),
            ("word\u{2060}joiner", "\u{2060}"),
            ("g\u{34f}g", "\u{34f}"),
            ("a mark \u{feff}within", "\u{feff}"),
            ("colours \u{1b}[31m", "\u{1b}"),
            ("lines\u{b}and\u{c}pages\u{85}", "\u{b}\u{c}\u{85}"),
            ("lines\u{2028}and\u{2029}", "\u{2028}\u{2029}"),
            (
                "a\u{3164}b\u{115f}c\u{1160}d\u{ffa0}",
                "\u{3164}\u{115f}\u{1160}\u{ffa0}",
            ),
            ("a\u{2800}b", "\u{2800}"),
            ("\u{645}\u{200d}\u{2800}\u{280b}", "\u{2800}"),
            ("\u{fff9}a\u{fffa}b\u{fffb}", "\u{fff9}\u{fffa}\u{fffb}"),
            ("a\u{206f}\u{1d173}\u{1bca0}", "\u{206f}\u{1d173}\u{1bca0}"),
            // Joiners at the edge of a word, twice, or beside something of another kind.
            ("\u{645}\u{6cc}\u{200c} \u{62e}", "\u{200c}"),
            ("\u{645}\u{200c}\u{200c}\u{62e}", "\u{200c}\u{200c}"),
            (" \u{200d}\u{645}", "\u{200d}"),
            ("\u{1f469}\u{200d}a", "\u{200d}"),
            ("\u{1f469}\u{200c}\u{1f4bb}", "\u{200c}"),
            ("\u{e44}\u{200b}\u{200b}\u{e17}", "\u{200b}\u{200b}"),
            ("\u{e44}\u{200b}a", "\u{200b}"),
            // Selectors without anything to select, and more than one.
            ("a\u{fe0f}b", "\u{fe0f}"),
            ("1\u{fe0f}", "\u{fe0f}"),
            ("\u{2600}\u{fe0f}\u{fe0f}\u{fe01}", "\u{fe0f}\u{fe01}"),
            ("x\u{e0100}\u{e01ef}", "\u{e0100}\u{e01ef}"),
            ("\u{845b}\u{e0100}\u{e0101}", "\u{e0101}"),
            ("a\u{180b}", "\u{180b}"),
            // Tags without a flag, in one that has no picture, and behind its end.
            ("tags \u{e0041}\u{e0042}", "\u{e0041}\u{e0042}"),
            (
                "\u{1f3f4}\u{e0075}\u{e0073}\u{e007f}",
                "\u{e0075}\u{e0073}\u{e007f}",
            ),
            (
                "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e0041}",
                "\u{e0041}",
            ),
        ] {
            assert_eq!(found(text), then.chars().collect::<Vec<_>>(), "{text:?}");
            for letter in then.chars() {
                assert_ne!(hidden_name(letter), "", "{letter:?}");
            }
        }
    }

    // Selects, joins, and shapes, with what some of it needs.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a",
            "1",
            " ",
            "\u{645}",
            "\u{915}",
            "\u{94d}",
            "\u{e44}",
            "\u{1820}",
            "\u{180b}",
            "\u{180e}",
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{202e}",
            "\u{2028}",
            "\u{feff}",
            "\u{2800}",
            "\u{280b}",
            "\u{3164}",
            "\u{fe00}",
            "\u{fe0f}",
            "\u{20e3}",
            "\u{2600}",
            "\u{1f469}",
            "\u{1f3f4}",
            "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}",
            "\u{e007f}",
            "\u{845b}",
            "\u{e0100}",
            "\u{ad}",
            "\u{1b}",
            "\n",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        // Something that is shown as nothing needs something that is shown.
        #[test]
        fn nothing_is_needed_by_nothing(text in pieces()) {
            let text: String = text.chars().filter(|letter| is_ignorable(*letter)).collect();
            let marks = usize::from(text.starts_with('\u{feff}'));
            prop_assert_eq!(hidden_characters(&text).count() + marks, text.chars().count());
        }

        // Two that are shown as nothing stand together only where one shapes a word or a picture that
        // the other goes on with: a selector before a joiner or a separator, the tags of a flag, and
        // blank cells.
        #[test]
        fn no_message_is_written_in_what_is_not_shown(text in pieces()) {
            let hidden: Vec<_> = hidden_characters(&text).map(|(at, _)| at).collect();
            let shown: Vec<_> = text
                .char_indices()
                .filter(|(at, letter)| *at > 0 && is_ignorable(*letter) && !hidden.contains(at))
                .collect();
            for pair in shown.windows(2) {
                let [(at, one), (next, other)] = pair else { unreachable!() };
                if at + one.len_utf8() != *next {
                    continue;
                }
                let tags = |letter: char| matches!(letter, '\u{e0000}'..='\u{e007f}');
                prop_assert!(
                    is_variation_selector(*one) && matches!(other, '\u{200d}' | '\u{180e}')
                        || tags(*one) && tags(*other)
                        || (*one, *other) == ('\u{2800}', '\u{2800}'),
                    "{text:?}"
                );
            }
        }
    }
}
