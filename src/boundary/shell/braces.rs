//! Braces in words: `a{b,c}` is two words, wherever it stands.

// What the braces of one word may come to, and how many marks they may have.
const MOST_WORDS: usize = 64;
const MOST_MARKS: usize = 256;

/// What braces make of a word.
#[derive(Debug)]
pub(super) enum Braces {
    /// It has none.
    None,
    /// These words.
    Words(Vec<String>),
    /// Something that is not worked out.
    Unclear,
}

/// Returns what `a{b,c}` becomes. Braces beside anything that is expanded are not looked into.
pub(super) fn expand_braces(word: &str) -> Braces {
    let Some(marks) = braces(word).filter(|marks| marks.len() <= MOST_MARKS) else {
        return if word.contains('{') {
            Braces::Unclear
        } else {
            Braces::None
        };
    };
    let open = marks.iter().any(|(_, c)| *c == '{');
    if !open || !word.contains([',', '.']) {
        return Braces::None;
    }
    if word.contains(['$', '`']) {
        // `${x}` is no brace; `{a,$x}` is one.
        return if marks.is_empty() {
            Braces::None
        } else {
            Braces::Unclear
        };
    }
    let mut done = Vec::new();
    let mut work = vec![word.to_owned()];
    while let Some(next) = work.pop() {
        if work.len() + done.len() > MOST_WORDS {
            return Braces::Unclear;
        }
        match expand_first(&next) {
            Some(Some(words)) => work.extend(words.into_iter().rev()),
            Some(None) => done.push(next),
            None => return Braces::Unclear,
        }
    }
    Braces::Words(done)
}

// The unquoted braces and commas of a word, where they stand; nothing if a quote is never closed.
fn braces(word: &str) -> Option<Vec<(usize, char)>> {
    let mut marks = Vec::new();
    let mut depth = 0usize;
    let mut chars = word.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' => while chars.next()?.1 != '\'' {},
            '"' => loop {
                match chars.next()?.1 {
                    '"' => break,
                    '\\' => {
                        chars.next();
                    }
                    _ => {}
                }
            },
            '$' if chars.next_if(|(_, c)| *c == '{').is_some() => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '{' | ',' | '}' if depth == 0 => marks.push((at, c)),
            _ => {}
        }
    }
    Some(marks)
}

// The words that the first braces make of a word; `Some(None)` if it has none, nothing if unclear.
#[expect(
    clippy::option_option,
    reason = "three answers: several words, one, and not known"
)]
fn expand_first(word: &str) -> Option<Option<Vec<String>>> {
    let marks = braces(word)?;
    for (open, _) in marks.iter().filter(|(_, c)| *c == '{') {
        let mut depth = 0usize;
        let mut cuts = vec![*open];
        let mut close = None;
        for (at, c) in marks.iter().filter(|(at, _)| at >= open) {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => {
                    close = Some(*at);
                    break;
                }
                '}' => depth -= 1,
                _ if depth == 1 => cuts.push(*at),
                _ => {}
            }
        }
        let Some(close) = close else {
            // One that is never closed stands for itself, but what is within it may not.
            return if marks.iter().any(|(_, c)| *c == ',') {
                None
            } else {
                Some(None)
            };
        };
        cuts.push(close);
        let (before, inside, after) = (
            word.get(..*open)?,
            word.get(open + 1..close)?,
            word.get(close + 1..)?,
        );
        if cuts.len() > 2 {
            let items = cuts.iter().zip(cuts.iter().skip(1));
            let item = |(start, end): (&usize, &usize)| {
                Some(format!("{before}{}{after}", word.get(start + 1..*end)?))
            };
            return Some(Some(items.map(item).collect::<Option<Vec<_>>>()?));
        }
        if inside.contains("..") {
            let items = sequence(inside)?;
            return Some(Some(
                items
                    .iter()
                    .map(|item| format!("{before}{item}{after}"))
                    .collect(),
            ));
        }
    }
    Some(None)
}

// `1..5`.
fn sequence(inside: &str) -> Option<Vec<String>> {
    let (first, last) = inside.split_once("..")?;
    let plain = |number: &str| number == "0" || !number.starts_with('0');
    if !plain(first) || !plain(last) {
        return None;
    }
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let most = u32::try_from(MOST_WORDS).ok()?;
    if last < first || last - first >= most {
        return None;
    }
    Some((first..=last).map(|number| number.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_become_words() {
        for (word, words) in [
            ("a{b,c}d", Some(vec!["abd", "acd"])),
            ("{a,{b,c}}", Some(vec!["a", "b", "c"])),
            ("x{1..3}", Some(vec!["x1", "x2", "x3"])),
            ("a{,.bak}", Some(vec!["a", "a.bak"])),
            ("'{a,b}'", Some(vec![])),
            ("{}", Some(vec![])),
            ("{a", Some(vec![])),
            ("{a,b", None),
            ("{a,$x}", None),
            ("${x}", Some(vec![])),
            ("${x:-a,b}", Some(vec![])),
            ("{a..z}", None),
            ("{1..99999}", None),
            ("./{}", Some(vec!["./{}"])),
            ("{a}.{b,c}", Some(vec!["{a}.b", "{a}.c"])),
        ] {
            let found = match expand_braces(word) {
                Braces::None => Some(Vec::new()),
                Braces::Words(words) => Some(words),
                Braces::Unclear => None,
            };
            assert_eq!(
                found,
                words.map(|words| words.into_iter().map(str::to_owned).collect()),
                "{word}"
            );
        }
    }
}
