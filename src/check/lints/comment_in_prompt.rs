//! A comment in a prompt, which is left out where Markdown is shown.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    document::{InlineKind, LineKind, inlines, lines},
};

// No safety lint: whoever reads the file, and not what is made of it, sees the comment.
pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::hidden-comment",
        level: Level::Warning,
        safety: false,
        story: include_str!("comment_in_prompt.md"),
    },
    absence: false,
    run: comment_in_prompt,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{path}` has a comment, which the model reads as it reads the rest")]
#[diagnostic(help("say it in the open, or take it out"))]
struct HiddenComment {
    path: String,
    #[label(primary, "left out where Markdown is shown, sent with every call")]
    span: SourceSpan,
}

fn comment_in_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    for source in facts.prompts() {
        for (at, len) in comments(source.text()) {
            report.of_roles(
                &facts.readers(source.path()),
                HiddenComment {
                    path: source.path().to_owned(),
                    span: source.span_at(at, len).into(),
                },
            );
        }
    }
}

// Where comments start, and the length of the line that each starts with: HTML comments, and
// definitions of the link `//`, which people write for want of others. In code they are shown.
fn comments(text: &str) -> Vec<(usize, usize)> {
    if !text.contains("<!--") && !text.contains("[//]:") {
        return Vec::new();
    }
    let lines = lines(text);
    let inlines = inlines(text, &lines);
    let in_code = |at: usize| {
        let mut code = inlines
            .iter()
            .filter(|inline| inline.kind == InlineKind::Code);
        code.any(|code| code.span.contains(&at))
    };
    let mut found = Vec::new();
    let mut end = 0;
    for line in &lines {
        if matches!(line.kind, LineKind::Code | LineKind::Comment) {
            continue;
        }
        let start = line.text.len() - line.text.trim_start().len();
        if line
            .text
            .get(start..)
            .is_some_and(|text| text.starts_with("[//]:"))
        {
            found.push((line.span.start + start, line.text.len() - start));
            continue;
        }
        for (at, _) in line.text.match_indices("<!--") {
            let from = line.span.start + at;
            if from < end || in_code(from) {
                continue;
            }
            let rest = text.get(from..).unwrap_or_default();
            end = from + rest.find("-->").map_or(rest.len(), |at| at + "-->".len());
            let len = line
                .text
                .len()
                .min(end - line.span.start)
                .saturating_sub(at);
            found.push((from, len));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::comments;

    #[test]
    fn comments_are_found_where_markdown_leaves_them_out() {
        for (text, then) in [
            ("plain\n", vec![]),
            ("a <!-- b --> c\n", vec!["<!-- b -->"]),
            ("<!-- a\nb <!-- c -->\nd\n", vec!["<!-- a"]),
            (
                "<!-- a --> and <!-- b -->",
                vec!["<!-- a -->", "<!-- b -->"],
            ),
            ("# A <!-- b -->\n", vec!["<!-- b -->"]),
            ("a <!-- never ends\n", vec!["<!-- never ends"]),
            ("a\n\n[//]: # (b)\n", vec!["[//]: # (b)"]),
            ("write `<!-- a -->` there\n", vec![]),
            ("```html\n<!-- a -->\n```\n", vec![]),
            ("a\n\n    <!-- b -->\n", vec![]),
        ] {
            let found: Vec<_> = comments(text)
                .into_iter()
                .map(|(at, len)| &text[at..at + len])
                .collect();
            assert_eq!(found, then, "{text:?}");
        }
    }
}
