//! Text of agents and gates, as it may be shown on a terminal: what would steer it is made visible.

/// Returns `text` with its line feeds and tabs, without colours, and with everything else that steers a
/// terminal or turns letters around made visible.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(colour) = colour(rest) {
            rest = rest.get(colour..).unwrap_or_default();
            continue;
        }
        if steers(letter) && !matches!(letter, '\n' | '\t') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    shown
}

/// Returns `text` in one line, with everything that steers a terminal made visible.
pub(super) fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

// How long the colour is that `text` begins with, if it begins with one.
fn colour(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == ';'))?;
    rest.get(end..)?
        .starts_with('m')
        .then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::{one_line, visible};

    #[test]
    fn nothing_steers_the_terminal() {
        // (what an agent wrote, as it is shown, as it is shown in one line)
        let cases = [
            ("plain ü — text", "plain ü — text", "plain ü — text"),
            ("a\n\tb", "a\n\tb", "a\\n\\tb"),
            ("\u{1b}[31mred\u{1b}[0m", "red", "\\u{1b}[31mred\\u{1b}[0m"),
            (
                "\u{1b}[2J\u{1b}]0;x\u{7}",
                "\\u{1b}[2J\\u{1b}]0;x\\u{7}",
                "\\u{1b}[2J\\u{1b}]0;x\\u{7}",
            ),
            ("50%\r100%", "50%\\r100%", "50%\\r100%"),
            (
                "a\u{202e}b\u{9b}2J",
                "a\\u{202e}b\\u{9b}2J",
                "a\\u{202e}b\\u{9b}2J",
            ),
        ];
        for (text, shown, line) in cases {
            assert_eq!(visible(text), shown, "{text:?}");
            assert_eq!(one_line(text), line, "{text:?}");
        }
    }
}
