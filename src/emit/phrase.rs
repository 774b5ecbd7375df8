//! Lists of patterns and sentences in words: plain, exact, each thing once.

use crate::boundary::{CommandPattern, Entry, NamePattern, PathPattern};

/// Returns `text` as Markdown code, whatever it holds.
pub(super) fn code(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest > 0 {
        format!("{fence} {text} {fence}")
    } else {
        format!("`{text}`")
    }
}

/// Returns `parts` one behind the other.
pub(super) fn list(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

/// Returns `text` as a sentence on one line, with an end.
pub(super) fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.ends_with(['.', '!', '?', ':', '…']) {
        text
    } else {
        format!("{text}.")
    }
}

/// A pattern that can be shown.
pub(super) trait Shown {
    fn shown(&self) -> &str;
}

impl Shown for PathPattern {
    fn shown(&self) -> &str {
        self.as_str()
    }
}

impl Shown for CommandPattern {
    fn shown(&self) -> &str {
        self.as_str()
    }
}

impl Shown for NamePattern {
    fn shown(&self) -> &str {
        self.as_str()
    }
}

/// Returns the entries in the order in which they are given, each once.
pub(super) fn entries<'a, P: Shown + 'a>(
    entries: impl IntoIterator<Item = &'a Entry<P>>,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    for Entry { pattern, except } in entries {
        let mut part = code(pattern.shown());
        if !except.is_empty() {
            let except = list(except.iter().map(|pattern| code(pattern.shown())));
            part = format!("{part} (but not {except})");
        }
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    list(parts)
}

/// Returns a number of bytes as people say it.
pub(super) fn size(bytes: u64) -> String {
    if bytes >= 1024 && bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain_and_say_each_thing_once() {
        assert_eq!(code("a `b` c"), "`` a `b` c ``");
        for (text, then) in [("a\n b", "a b."), ("a?", "a?"), ("", ""), ("a. ", "a.")] {
            assert_eq!(sentence(text), then);
        }
        let entry = |pattern: &str, except: &[&str]| Entry::<PathPattern> {
            pattern: pattern.parse().unwrap(),
            except: except.iter().map(|text| text.parse().unwrap()).collect(),
        };
        let given = [
            entry("app/**", &[]),
            entry("test/**", &["test/a", "test/b"]),
            entry("app/**", &[]),
        ];
        assert_eq!(
            entries(&given),
            "`app/**`, `test/**` (but not `test/a`, `test/b`)"
        );
        assert_eq!(
            (size(8192), size(1000)),
            ("8 KiB".to_owned(), "1000 bytes".to_owned())
        );
    }
}
