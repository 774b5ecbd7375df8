//! Lists of patterns and sentences in words: plain, exact, each thing once.

use std::sync::LazyLock;

use crate::boundary::{CommandPattern, Entry, NamePattern, PathPattern, standard, standard_names};

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
pub(super) trait Shown: Sized + PartialEq + 'static {
    fn shown(&self) -> &str;

    /// Returns the sets that everyone knows by name, each with how it is shown.
    fn known_sets() -> &'static [(String, Vec<Entry<Self>>)] {
        &[]
    }
}

// A reader is helped by what a standard set is for, and not by its hundred patterns.
static STANDARD: LazyLock<Vec<(String, Vec<Entry<CommandPattern>>)>> = LazyLock::new(|| {
    let sets = standard_names().filter_map(standard);
    let shown = |doc: &str| {
        let mut doc = doc.trim_end_matches('.').to_owned();
        if let Some(first) = doc.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        doc
    };
    sets.map(|set| {
        (
            format!("{} ({})", code(set.name), shown(set.doc)),
            set.entries(),
        )
    })
    .collect()
});

impl Shown for PathPattern {
    fn shown(&self) -> &str {
        self.as_str()
    }
}

impl Shown for CommandPattern {
    fn shown(&self) -> &str {
        self.as_str()
    }

    fn known_sets() -> &'static [(String, Vec<Entry<Self>>)] {
        &STANDARD
    }
}

impl Shown for NamePattern {
    fn shown(&self) -> &str {
        self.as_str()
    }
}

/// Returns the entries in the order in which they are given, each once; those that make up a
/// standard set as that set.
pub(super) fn entries<'a, P: Shown>(given: impl IntoIterator<Item = &'a Entry<P>>) -> String {
    let given: Vec<_> = given.into_iter().collect();
    let whole: Vec<_> = P::known_sets()
        .iter()
        .filter(|(_, members)| members.iter().all(|member| given.contains(&member)))
        .collect();
    let mut parts: Vec<String> = Vec::new();
    for entry in given {
        let set = whole.iter().find(|(_, members)| members.contains(entry));
        let part = set.map_or_else(|| shown(entry), |(name, _)| name.clone());
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    list(parts)
}

fn shown<P: Shown>(Entry { pattern, except }: &Entry<P>) -> String {
    let part = code(pattern.shown());
    if except.is_empty() {
        return part;
    }
    let except = list(except.iter().map(|pattern| code(pattern.shown())));
    format!("{part} (but not {except})")
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
