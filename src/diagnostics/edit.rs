//! Changes of sources.

use super::{Sources, Span};

/// A change of one place in a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced; empty where something is put in.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// Returns the path of each source that `edits` change, with its text before and after.
///
/// Of edits that overlap the first is made, and the others are left for another round.
pub fn edited<'a>(
    sources: &Sources,
    edits: impl IntoIterator<Item = &'a Edit>,
) -> Vec<(String, String, String)> {
    let mut edits: Vec<_> = edits.into_iter().collect();
    edits.sort();
    edits.dedup();
    let mut changed = Vec::new();
    for source in sources.files() {
        let (whole, text) = (source.span(), source.text());
        let within =
            |edit: &&&Edit| whole.start <= edit.span.start && edit.span.end() <= whole.end();
        let (mut after, mut at) = (String::new(), 0);
        for edit in edits.iter().filter(within) {
            let start = edit.span.start - whole.start;
            let Some(kept) = text.get(at..start) else {
                continue;
            };
            after.push_str(kept);
            after.push_str(&edit.text);
            at = start + edit.span.len;
        }
        after.push_str(text.get(at..).unwrap_or_default());
        if after != text {
            changed.push((source.path().to_owned(), text.to_owned(), after));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_in_their_files_and_never_over_each_other() {
        let mut sources = Sources::default();
        sources.add("a", "one two");
        sources.add("b", "three");
        let edit = |start, len, text: &str| Edit {
            span: Span::new(start, len),
            text: text.to_owned(),
        };
        let edits = [
            edit(8, 5, "3"),
            edit(0, 3, "1"),
            edit(2, 3, "!"),
            edit(0, 3, "1"),
            edit(7, 0, "."),
        ];
        let then = [("a", "one two", "1 two."), ("b", "three", "3")];
        let then = then.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(edited(&sources, &edits), then);
    }
}
