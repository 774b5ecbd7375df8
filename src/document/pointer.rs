//! The files of the project that a text sends its reader to.

use std::ops::Range;

use super::{
    markdown::{InlineKind, inlines, lines},
    path::{decoded, extension, is_path_letter},
};

/// A file that a text sends its reader to, by a link or by an `@` before its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Where it stands: the target of the link, or what follows the `@`.
    pub span: Range<usize>,
    /// The path, without an anchor.
    pub path: String,
}

/// What an `@` in running text makes a reference to a file. Others are also names of packages.
const PAGES: [&str; 13] = [
    "adoc", "kdl", "md", "mdx", "pdf", "py", "rb", "rs", "rst", "toml", "txt", "yaml", "yml",
];

/// What else a link shows.
const SHOWN: [&str; 18] = [
    "conf", "css", "csv", "go", "hbs", "htm", "html", "java", "js", "json", "lock", "png", "sh",
    "sql", "svg", "ts", "tsx", "xml",
];

/// Words that stand for any name in an example.
const ANY: [&str; 10] = [
    "any", "example", "file", "filename", "foo", "link", "name", "page", "path", "url",
];

/// Returns the files that `text` sends its reader to, in order. Code, comments, addresses, anchors,
/// patterns, and places to be filled in send nobody anywhere; and where it can't be told whether
/// something is a path, it is none.
///
/// ```
/// let text = "See [the style](docs/style.md#words), @NOTES.md, and [us](https://example.org/a.md).";
/// let found = factory::document::pointers(text);
/// let paths: Vec<_> = found.iter().map(|pointer| pointer.path.as_str()).collect();
/// assert_eq!(paths, ["docs/style.md", "NOTES.md"]);
/// ```
pub fn pointers(text: &str) -> Vec<Pointer> {
    // Most texts have none, and to read one as Markdown takes far longer than to see that.
    if !may_point(text) {
        return Vec::new();
    }
    let pointer = |kind, span: Range<usize>| {
        let word = text.get(span.clone())?;
        let path = match kind {
            InlineKind::Link => linked(word),
            InlineKind::Mention => mentioned(word),
            InlineKind::Code => None,
        }?;
        Some(Pointer { span, path })
    };
    let inlines = inlines(text, &lines(text)).into_iter();
    inlines
        .filter_map(|inline| pointer(inline.kind, inline.span))
        .collect()
}

// Whether something in `text` looks like a pointer, be it in code or not.
fn may_point(text: &str) -> bool {
    let after = |at: usize| text.get(at + 1..).unwrap_or_default();
    let word = |rest: &str| {
        let end = |letter: char| letter.is_whitespace() || matches!(letter, ')' | '>');
        rest.split(end).next().and_then(linked)
    };
    let mut brackets = text.match_indices(']');
    let mut at_signs = text.match_indices('@');
    brackets.any(|(at, _)| {
        let rest = after(at).strip_prefix(['(', ':']);
        rest.is_some_and(|rest| word(rest.trim_start().trim_start_matches('<')).is_some())
    }) || at_signs.any(|(at, _)| {
        let rest = after(at);
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        PAGES.iter().any(|known| word.contains(known))
    })
}

// The path that the target of a link is.
fn linked(target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next()?;
    let path = decoded(path);
    let kind = extension(&path)?;
    let host = path
        .split_once('/')
        .is_some_and(|(first, _)| first.trim_start_matches('.').contains('.'));
    let is_one = (PAGES.contains(&kind) || SHOWN.contains(&kind))
        && !host
        && path
            .chars()
            .all(|letter| is_path_letter(letter) || letter == ' ')
        && is_of_the_project(&path);
    is_one.then_some(path)
}

// The path that a word behind an `@` is.
fn mentioned(word: &str) -> Option<String> {
    let kind = extension(word)?;
    let plain = |letter: char| is_path_letter(letter) && letter != '@';
    let is_one = PAGES.contains(&kind) && word.chars().all(plain) && is_of_the_project(word);
    is_one.then(|| word.to_owned())
}

// Whether a path is relative, and not made up to show what one looks like.
fn is_of_the_project(path: &str) -> bool {
    let made_up = |part: &str| {
        let stem = part.split('.').next().unwrap_or_default();
        ANY.contains(&stem) || part.contains("...") || part.contains("YYYY")
    };
    !path.starts_with('/') && !path.contains("//") && !path.split('/').any(made_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_told_from_what_only_looks_like_one() {
        for (text, then) in [
            ("[a](docs/a.md)", &["docs/a.md"][..]),
            ("![a](docs/a.png \"A\")", &["docs/a.png"]),
            (
                "[a](<docs/a b.md>) [c](docs/c%20d.md)",
                &["docs/a b.md", "docs/c d.md"],
            ),
            (
                "[a](../a.md#b) and [b](./b.md?raw=1)",
                &["../a.md", "./b.md"],
            ),
            ("[a]: docs/a.md\n", &["docs/a.md"]),
            (
                "Read @docs/a.md, then @NOTES.md.",
                &["docs/a.md", "NOTES.md"],
            ),
            (
                "[a](.github/workflows/ci.yml)",
                &[".github/workflows/ci.yml"],
            ),
            // Elsewhere.
            ("[a](https://b.org/c.md) [d](mailto:e@f.md) [g](#h)", &[]),
            (
                "[a](b.org/c.md) [d](/e.md) [f](~/g.md) @~/.claude/h.md",
                &[],
            ),
            // Code and comments.
            ("`[a](b.md)` `@b.md` <!-- [a](b.md) -->", &[]),
            ("```md\n[a](b.md) @b.md\n```\n", &[]),
            ("a\n\n    [a](b.md)\n", &[]),
            // To be filled in, or any of many.
            ("[a](<name>.md) [b]({{b}}.md) [c]($C.md) [d]({d}.md)", &[]),
            (
                "[a](docs/*.md) @docs/*.md [b](b/.../c.md) [c](YYYY-MM-DD.md)",
                &[],
            ),
            (
                "[a](path/to/a.md) [title](link.md) [a](file.md) [a](example.md)",
                &[],
            ),
            ("[text](url) [a](docs/) [a](docs) [b](thumbnail_url)", &[]),
            // Packages, people, decorators.
            (
                "@types/node @hotwired/turbo.js @a.b @app.route @angular/core@1.2.md",
                &[],
            ),
            ("mail a@b.md and @someone.", &[]),
        ] {
            let found = pointers(text);
            let paths: Vec<_> = found.iter().map(|pointer| &*pointer.path).collect();
            assert_eq!(paths, then, "{text}");
        }
    }

    #[test]
    fn a_pointer_stands_where_its_path_is_written() {
        let text = "é [a](docs/a.md#b), @c.md.";
        let found: Vec<_> = pointers(text)
            .into_iter()
            .map(|pointer| &text[pointer.span])
            .collect();
        assert_eq!(found, ["docs/a.md#b", "c.md"]);
    }
}
