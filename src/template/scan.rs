//! The tags of a template, found before the parser sees it: for faults in a reader's words, for the
//! names of partials, and so that nothing nested too deep reaches a parser that recurses.

use std::ops::Range;

/// How deep blocks and parentheses may be nested.
const DEPTH: usize = 32;

/// A fault without its template.
pub(super) type Fault = (Range<usize>, String, Option<String>);

/// The tag of a template: what stands between its braces, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// With its braces.
    pub(super) span: Range<usize>,
    /// Without them, trimmed, with its sign (`#`, `/`, `>`).
    pub(super) inner: &'a str,
}

impl<'a> Tag<'a> {
    /// Returns the words of the tag behind its sign, with the offset of each in the text.
    pub(super) fn words(&self, text: &'a str) -> Vec<(usize, &'a str)> {
        let whole = text.get(self.span.clone()).unwrap_or_default();
        let splits = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '{' | '}' | '#' | '/' | '>' | '^' | '(' | ')' | '~' | '&' | '|' | '='
                )
        };
        let mut words = Vec::new();
        let mut at = 0;
        let mut quote = None;
        let mut start: Option<usize> = None;
        for (index, c) in whole.char_indices().chain([(whole.len(), ' ')]) {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') => {
                    quote = Some(c);
                    start = None;
                }
                // A path such as `a/b` or `../a` is one word.
                None if splits(c) && !(c == '/' && start.is_some()) => {
                    if let Some(from) = start.take() {
                        words.push((
                            self.span.start + from,
                            whole.get(from..index).unwrap_or_default(),
                        ));
                    }
                    at = index;
                }
                None => {
                    start.get_or_insert(index);
                }
            }
        }
        let _ = at;
        words
    }

    /// Returns the name of the partial that the tag puts in.
    pub(super) fn partial(&self) -> Option<&'a str> {
        let rest = self
            .inner
            .strip_prefix("#>")
            .or_else(|| self.inner.strip_prefix('>'))?;
        let name = rest.split_whitespace().next().unwrap_or_default();
        Some(name.trim_matches('\''))
    }
}

/// Returns the tags of `text`, or what is wrong with how they stand.
pub(super) fn tags(text: &str) -> Result<Vec<Tag<'_>>, Fault> {
    let mut tags = Vec::new();
    let mut open: Vec<(&str, Range<usize>)> = Vec::new();
    let mut from = 0;
    while let Some(start) = text
        .get(from..)
        .and_then(|rest| rest.find("{{"))
        .map(|at| from + at)
    {
        let escaped = text
            .get(..start)
            .is_some_and(|before| before.ends_with('\\') && !before.ends_with("\\\\"));
        let rest = text.get(start..).unwrap_or_default();
        if escaped {
            from = start + 2;
            continue;
        }
        let (opening, closing) = if rest.starts_with("{{{{") {
            let help = "write `\\{{` for two braces that are text".to_owned();
            return Err((
                start..start + 4,
                "a raw block is not supported".to_owned(),
                Some(help),
            ));
        } else if rest.starts_with("{{!--") || rest.starts_with("{{~!--") {
            ("{{", "--")
        } else if rest.starts_with("{{{") {
            ("{{{", "}}}")
        } else {
            ("{{", "}}")
        };
        let body = start + opening.len();
        let found = text.get(body..).and_then(|rest| match closing {
            "--" => rest.find("--}}").or_else(|| rest.find("--~}}")).map(|at| {
                let end = rest
                    .get(at..)
                    .and_then(|tail| tail.find("}}"))
                    .unwrap_or_default();
                (at, at + end + 2)
            }),
            closing => rest.find(closing).map(|at| (at, at + closing.len())),
        });
        let Some((inner_len, len)) = found else {
            let line = rest.find('\n').unwrap_or(rest.len());
            let closing = if closing == "--" { "--}}" } else { closing };
            let help =
                format!("end it with `{closing}`, or write `\\{{{{` for two braces that are text");
            return Err((
                start..start + line,
                "this tag is not closed".to_owned(),
                Some(help),
            ));
        };
        let span = start..body + len;
        from = span.end;
        let inner = text.get(body..body + inner_len).unwrap_or_default();
        let inner = inner.trim_matches('~').trim();
        if inner.starts_with('!') {
            continue;
        }
        let tag = Tag {
            span: span.clone(),
            inner,
        };
        block(&tag, &mut open)?;
        if depth(inner) > DEPTH {
            return Err((
                span,
                format!("parentheses are nested more than {DEPTH} deep"),
                None,
            ));
        }
        tags.push(tag);
    }
    match open.pop() {
        Some((name, span)) => {
            let message = format!("the block `{name}` is not closed");
            Err((
                span,
                message,
                Some(format!("end it with `{{{{/{name}}}}}`")),
            ))
        }
        None => Ok(tags),
    }
}

// Follows the blocks that are open.
fn block<'a>(tag: &Tag<'a>, open: &mut Vec<(&'a str, Range<usize>)>) -> Result<(), Fault> {
    let span = tag.span.clone();
    if tag.inner.starts_with("#*") || tag.inner.starts_with('*') {
        let help =
            "write the text as a template of its own, and put it in with `{{> NAME}}`".to_owned();
        return Err((
            span,
            "an inline partial is not supported".to_owned(),
            Some(help),
        ));
    }
    if let Some(rest) = tag.inner.strip_prefix('#') {
        let rest = rest.trim_start_matches(['>', '^']).trim_start();
        let name = rest
            .split(|c: char| c.is_whitespace() || c == '}')
            .next()
            .unwrap_or_default();
        open.push((name, span.clone()));
        if open.len() > DEPTH {
            return Err((
                span,
                format!("blocks are nested more than {DEPTH} deep"),
                None,
            ));
        }
    } else if let Some(name) = tag.inner.strip_prefix('/') {
        let name = name.trim();
        match open.pop() {
            Some((opened, _)) if opened == name => {}
            Some((opened, _)) => {
                let message = format!("`{name}` is closed here, but `{opened}` was opened last");
                return Err((
                    span,
                    message,
                    Some(format!("end that block first, with `{{{{/{opened}}}}}`")),
                ));
            }
            None => {
                let message = format!("`{name}` is closed here, and was never opened");
                return Err((span, message, Some("take this tag away".to_owned())));
            }
        }
    } else if (tag.inner == "else" || tag.inner == "^") && open.is_empty() {
        let help = "`else` belongs between `{{#if …}}` and `{{/if}}`".to_owned();
        return Err((span, "`else` outside of a block".to_owned(), Some(help)));
    }
    Ok(())
}

fn depth(inner: &str) -> usize {
    let mut depth = 0_usize;
    let mut most = 0;
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_with_their_words() {
        let text = "a {{x}} {{{y.z}}} {{! no {{ }} {{!-- {{nor}} --}} \\{{text}} {{~#if (eq a 'b c')~}}{{/if}}{{> p/q.hbs}}";
        let tags = tags(text).unwrap();
        let inner: Vec<_> = tags.iter().map(|tag| tag.inner).collect();
        assert_eq!(inner, ["x", "y.z", "#if (eq a 'b c')", "/if", "> p/q.hbs"]);
        let words: Vec<_> = tags[2]
            .words(text)
            .into_iter()
            .map(|(_, word)| word)
            .collect();
        assert_eq!(words, ["if", "eq", "a"]);
        assert_eq!(tags[4].partial(), Some("p/q.hbs"));
        let (at, word) = tags[1].words(text)[0];
        assert_eq!(&text[at..at + word.len()], "y.z");
    }

    #[test]
    fn what_can_not_be_read_is_shown_where_it_starts() {
        let deep = "{{#if a}}".repeat(40);
        for (text, start, message) in [
            ("a\n{{#if x}}\nb", 2, "the block `if` is not closed"),
            ("a {{x", 2, "this tag is not closed"),
            ("a {{!-- x }}", 2, "this tag is not closed"),
            ("{{/if}}", 0, "`if` is closed here, and was never opened"),
            (
                "{{#if x}}{{/each}}",
                9,
                "`each` is closed here, but `if` was opened last",
            ),
            ("{{else}}", 0, "`else` outside of a block"),
            (
                "{{#*inline \"x\"}}{{/inline}}",
                0,
                "an inline partial is not supported",
            ),
            ("{{{{raw}}}}", 0, "a raw block is not supported"),
            (&deep, 288, "blocks are nested more than 32 deep"),
        ] {
            let (span, found, _) = tags(text).unwrap_err();
            assert_eq!((span.start, found.as_str()), (start, message), "{text}");
        }
    }
}
