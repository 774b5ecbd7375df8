//! The text of a section, made from its source.

use std::{fmt::Write as _, io};

use super::{
    files::ProjectFiles,
    markdown::{InlineKind, Line, LineKind, inlines, lines},
    refresh::Rendered,
    region::{Document, is_marker},
    section::{Section, SectionSource},
    summary::summary,
};

/// The level of a section's own heading.
const LEVEL: usize = 2;
/// How much of a file is searched for its first line of documentation.
const HEAD: u64 = 8 << 10;
/// The largest file that is a section's text.
const LIMIT: usize = 1 << 20;

/// Why a section has no text.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Its file does not exist.
    #[error("the section `{title}` is made from `{path}`, which is not there")]
    Missing {
        /// The section.
        title: String,
        /// The file.
        path: String,
    },
    /// Its file is no text, or far too long for a section.
    #[error("the section `{title}` is made from `{path}`, which is no text of at most 1 MiB")]
    NotText {
        /// The section.
        title: String,
        /// The file.
        path: String,
    },
    /// The system refuses.
    #[error("the files of the section `{title}` can't be read")]
    Unreadable {
        /// The section.
        title: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Returns `section` as it is to stand in the document at `document`, a path of the project.
///
/// - Text stands as it is.
/// - A file gives its content without its front matter, the heading it begins with, and its managed
///   sections: these are made from something else. Its other headings move below the section's, the highest to the third level, the others as far; relative
///   links keep their targets although the text moves to another folder.
/// - Files give a list, in the order of their paths, of at most `max` entries, each with the first
///   line of the file's own documentation; how many more there are is said.
///
/// # Errors
///
/// Where a file that is named is missing or no text, or the system refuses.
pub fn render(
    document: &str,
    section: &Section,
    files: &impl ProjectFiles,
) -> Result<Rendered, RenderError> {
    let title = &section.title;
    let unreadable = |source| RenderError::Unreadable {
        title: title.clone(),
        source,
    };
    let text = match &section.source {
        SectionSource::Text { text } => text.clone(),
        SectionSource::File { path } => {
            let bytes = files
                .read(path, LIMIT as u64 + 1)
                .map_err(unreadable)?
                .ok_or_else(|| RenderError::Missing {
                    title: title.clone(),
                    path: path.clone(),
                })?;
            let text = String::from_utf8(bytes).ok();
            let text = text.filter(|text| text.len() <= LIMIT);
            let text = text.ok_or_else(|| RenderError::NotText {
                title: title.clone(),
                path: path.clone(),
            })?;
            included(document, path, &text)
        }
        SectionSource::Files { patterns, max } => {
            listed(patterns, *max, files).map_err(unreadable)?
        }
    };
    Ok(Rendered {
        title: title.clone(),
        text,
    })
}

fn included(document: &str, path: &str, text: &str) -> String {
    let text = moved(document, path, &written(text));
    let lines = lines(&text);
    let front_matter = lines
        .first()
        .is_some_and(|first| first.kind == LineKind::Code && first.text.trim_end() == "---");
    let begin = if front_matter {
        lines
            .iter()
            .position(|line| line.kind != LineKind::Code)
            .unwrap_or(lines.len())
    } else {
        0
    };
    let mut rest: Vec<&Line<'_>> = lines
        .iter()
        .skip(begin)
        .skip_while(|line| line.kind == LineKind::Blank)
        .filter(|line| !is_marker(line.text))
        .collect();
    if rest
        .first()
        .is_some_and(|line| matches!(line.kind, LineKind::Heading { .. }))
    {
        rest.remove(0);
    }
    let highest = rest
        .iter()
        .filter_map(|line| match line.kind {
            LineKind::Heading { level, .. } => Some(level),
            LineKind::Text
            | LineKind::Blank
            | LineKind::Underline
            | LineKind::Code
            | LineKind::Comment => None,
        })
        .min()
        .unwrap_or(LEVEL + 1);
    let shift = (LEVEL + 1).saturating_sub(highest);
    let mut result = String::with_capacity(text.len());
    for line in rest {
        match line.kind {
            LineKind::Heading { level, title } => {
                let level = (level + shift).min(6);
                let _ = writeln!(result, "{} {title}", "#".repeat(level));
            }
            LineKind::Underline => {}
            LineKind::Text | LineKind::Blank | LineKind::Code | LineKind::Comment => {
                result.push_str(line.text);
                result.push('\n');
            }
        }
    }
    closed(result)
}

// The text without managed sections; all of it where they can't be told.
fn written(text: &str) -> String {
    let Ok(document) = Document::parse(text) else {
        return text.to_owned();
    };
    let outside = document.outside();
    outside.filter_map(|span| text.get(span)).collect()
}

// An open code block or comment would swallow the rest of the document.
fn closed(mut text: String) -> String {
    let probe = format!("{text}# probe");
    if let Some(last) = lines(&probe).last() {
        match last.kind {
            LineKind::Comment => text.push_str("-->\n"),
            LineKind::Code => {
                let fence = lines(&text)
                    .iter()
                    .rev()
                    .filter(|line| line.kind == LineKind::Code)
                    .map(|line| line.text.trim_start())
                    .find(|line| line.starts_with("```") || line.starts_with("~~~"))
                    .map_or_else(
                        || String::from("```"),
                        |line| {
                            let letter = if line.starts_with('`') { '`' } else { '~' };
                            line.chars().take_while(|found| *found == letter).collect()
                        },
                    );
                text.push_str(&fence);
                text.push('\n');
            }
            LineKind::Heading { .. } | LineKind::Text | LineKind::Blank | LineKind::Underline => {}
        }
    }
    text
}

// The text of `path` with its relative links as the document has to write them.
fn moved(document: &str, path: &str, text: &str) -> String {
    let (from, to) = (folder(path), folder(document));
    if from == to {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for link in inlines(text, &lines(text)) {
        let target = text.get(link.span.clone()).unwrap_or_default();
        if link.kind != InlineKind::Link || !is_relative(target) {
            continue;
        }
        result.push_str(text.get(done..link.span.start).unwrap_or_default());
        result.push_str(&retargeted(&from, &to, target));
        done = link.span.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    result
}

fn folder(path: &str) -> Vec<&str> {
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    parts
}

fn is_relative(target: &str) -> bool {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let first = path.split('/').next().unwrap_or_default();
    !(path.is_empty() || path.starts_with('/') || first.contains(':'))
}

// `target`, seen from folder `from`, as it is seen from folder `to`.
fn retargeted(from: &[&str], to: &[&str], target: &str) -> String {
    let split = target.find(['#', '?']).unwrap_or(target.len());
    let (path, anchor) = target.split_at(split);
    let mut whole: Vec<&str> = from.to_vec();
    let mut above = 0;
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                if whole.pop().is_none() {
                    above += 1;
                }
            }
            part => whole.push(part),
        }
    }
    let common = if above > 0 {
        0
    } else {
        to.iter()
            .zip(&whole)
            .take_while(|(one, two)| one == two)
            .count()
    };
    let mut parts = vec![".."; to.len() - common + above];
    parts.extend(whole.iter().skip(common));
    let mut result = parts.join("/");
    if result.is_empty() {
        result.push('.');
    }
    result.push_str(anchor);
    result
}

fn listed(
    patterns: &[crate::boundary::Entry<crate::boundary::PathPattern>],
    max: usize,
    files: &impl ProjectFiles,
) -> io::Result<String> {
    // A name with a control character in it would break the list, and is rather no name.
    let paths: Vec<_> = files
        .list(patterns)?
        .into_iter()
        .filter(|path| !path.contains(char::is_control))
        .collect();
    let mut result = String::new();
    for path in paths.iter().take(max) {
        let head = files.read(path, HEAD)?.unwrap_or_default();
        let ticks = if path.contains('`') { "``" } else { "`" };
        let _ = write!(result, "- {ticks}{path}{ticks}");
        if let Some(said) = summary(path, &String::from_utf8_lossy(&head)) {
            let _ = write!(result, ": {said}");
        }
        result.push('\n');
    }
    if let more @ 1.. = paths.len().saturating_sub(max) {
        let _ = writeln!(result, "- … and {more} more");
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::boundary::{Entry, PathPattern};

    struct Few(BTreeMap<&'static str, &'static str>);

    impl ProjectFiles for Few {
        fn list(&self, _: &[Entry<PathPattern>]) -> io::Result<Vec<String>> {
            Ok(self.0.keys().map(ToString::to_string).collect())
        }

        fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
            let limit = usize::try_from(limit).unwrap();
            Ok(self
                .0
                .get(path)
                .map(|text| text.bytes().take(limit).collect()))
        }
    }

    fn from_file(text: &'static str) -> String {
        let files = Few(BTreeMap::from([("docs/a.md", text)]));
        let section = Section {
            title: "A".into(),
            source: SectionSource::File {
                path: "docs/a.md".into(),
            },
        };
        render("CLAUDE.md", &section, &files).unwrap().text
    }

    #[test]
    fn a_file_gives_its_content_below_the_heading() {
        for (case, given, then) in [
            (
                "top heading",
                "# T\n\ntext\n\n## B\n### C\n",
                "\ntext\n\n### B\n#### C\n",
            ),
            ("no top heading", "text\n\n# B\n", "text\n\n### B\n"),
            ("deep enough", "# T\n\n### B\n", "\n### B\n"),
            (
                "no deeper than six",
                "# T\n# B\n##### C\n",
                "### B\n###### C\n",
            ),
            ("underlined", "T\n===\nB\n---\nx\n", "### B\nx\n"),
            ("front matter", "---\na: b\n---\n\n# T\nx\n", "x\n"),
            ("code", "# T\n```\n# not\n```\n", "```\n# not\n```\n"),
            ("open code", "# T\n~~~~\nx\n", "~~~~\nx\n~~~~\n"),
            ("carriage returns", "# T\r\n\r\nx\r\n", "\nx\n"),
            ("markers", "# T\n<!-- factory:end a -->\nx\n", "x\n"),
            (
                "managed sections",
                "# T\nx\n\n<!-- factory:begin a sha256=39ad5d9847b8a8e0 -->\n## A\n<!-- factory:end a -->\ny\n",
                "x\n\ny\n",
            ),
            (
                "links",
                "[x](b.md#c) [y](../d/) [z](https://e.f) [w](#g)\n",
                "[x](docs/b.md#c) [y](d/) [z](https://e.f) [w](#g)\n",
            ),
        ] {
            assert_eq!(from_file(given), then, "{case}");
        }
    }

    #[test]
    fn links_keep_their_targets() {
        for (path, document, target, then) in [
            ("docs/a.md", "CLAUDE.md", "b.md", "docs/b.md"),
            ("docs/a.md", "docs/x/C.md", "b.md", "../b.md"),
            ("a.md", "docs/C.md", "docs/b.md", "b.md"),
            ("a.md", "docs/C.md", "b.md#c", "../b.md#c"),
            ("a/b/c.md", "C.md", "../../../out", "../out"),
            ("docs/a.md", "C.md", "..", "."),
        ] {
            assert_eq!(retargeted(&folder(path), &folder(document), target), then);
        }
    }

    #[test]
    fn a_list_is_bounded_and_says_so() {
        let files = Few(BTreeMap::from([
            ("a.sh", "# One.\n"),
            ("b", ""),
            ("c`d", "# Two.\n"),
            ("e\nf", ""),
            ("g", ""),
        ]));
        let section = |max| Section {
            title: "Key files".into(),
            source: SectionSource::Files {
                patterns: Vec::new(),
                max,
            },
        };
        let text = |max| render("CLAUDE.md", &section(max), &files).unwrap().text;
        assert_eq!(
            text(3),
            "- `a.sh`: One.\n- `b`\n- ``c`d``: Two.\n- … and 1 more\n"
        );
        assert_eq!(text(4).lines().count(), 4);
    }

    #[test]
    fn a_missing_file_is_named() {
        let section = Section {
            title: "A".into(),
            source: SectionSource::File {
                path: "no.md".into(),
            },
        };
        let error = render("C.md", &section, &Few(BTreeMap::new())).unwrap_err();
        assert!(error.to_string().contains("`no.md`"), "{error}");
    }
}
