//! What people write who come from other languages, told where the parser gave up on a text.

use super::{
    SpecError,
    format::{Kind, Token, tokens},
};
use crate::diagnostics::Source;

/// Marks that open a text elsewhere, each with the one that ends it.
const QUOTES: [(char, char); 7] = [
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('„', '“'),
    ('”', '”'),
    ('‘', '’'),
    ('«', '»'),
];

/// Returns the slips of a text that is not KDL; each by itself is enough to make it none.
pub(super) fn slips(source: &Source) -> Vec<SpecError> {
    let mut found = Vec::new();
    // The name of the node at hand, and whether nothing but blanks stood behind it yet.
    let mut name: Option<Token<'_>> = None;
    let mut fresh = false;
    // Where a text began that other marks end, and the mark that does.
    let mut open: Option<(usize, char)> = None;
    // Whether the list at hand was told of already.
    let mut listed = false;
    for token in tokens(source.text()) {
        match token.kind {
            Kind::Blank | Kind::Continue | Kind::BlockComment => continue,
            Kind::Open | Kind::Close | Kind::Semicolon | Kind::Break | Kind::LineComment => {
                (name, open, listed) = (None, None, false);
                continue;
            }
            Kind::SlashDash => continue,
            Kind::Word => {}
        }
        if let Some((start, close)) = open {
            if token.text.ends_with(close) {
                open = None;
                found.push(other_quotes(source, start, token));
            }
            continue;
        }
        let Some(node) = name else {
            name = Some(token);
            fresh = true;
            if let Some((word, _)) = token.text.split_once('=')
                && !word.is_empty()
                && !word.contains(['"', '#'])
            {
                found.push(equals(source, word, token.at + word.len()));
            }
            continue;
        };
        if std::mem::take(&mut fresh) && token.text.starts_with('=') {
            found.push(equals(source, node.text, token.at));
            continue;
        }
        let value = token
            .text
            .split_once('=')
            .filter(|(name, _)| {
                name.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            })
            .map_or(token.text, |(_, value)| value);
        let at = token.at + token.text.len() - value.len();
        let is_list = value == "[" || value.starts_with("[\"") || value.starts_with("['");
        if is_list && !std::mem::replace(&mut listed, true) {
            found.push(list(source, node.text, at));
        } else if let Some((first, close)) = QUOTES
            .into_iter()
            .find(|(first, _)| value.starts_with(*first))
        {
            let rest = value.strip_prefix(first).unwrap_or_default();
            if rest.ends_with(close) {
                found.push(other_quotes(source, at, token));
            } else {
                open = Some((at, close));
            }
        }
    }
    found
}

/// Returns `text` without the marks around it that are quotes elsewhere, where it has such.
pub(super) fn without_quotes(text: &str) -> Option<&str> {
    QUOTES.into_iter().find_map(|(first, last)| {
        let inner = text.strip_prefix(first)?.strip_suffix(last)?;
        (!inner.is_empty() && !inner.contains([first, last])).then_some(inner)
    })
}

fn equals(source: &Source, name: &str, at: usize) -> SpecError {
    SpecError::Syntax {
        message: format!("`{name}` is a node, and no `=` stands behind the name of one"),
        label: "not here".to_owned(),
        help: Some(format!("write `{name} \"…\"`; only properties have a `=`")),
        span: source.span_at(at, 1).into(),
    }
}

fn list(source: &Source, node: &str, at: usize) -> SpecError {
    SpecError::Syntax {
        message: "there are no lists in brackets".to_owned(),
        label: "a bracket".to_owned(),
        help: Some(format!(
            "values stand side by side, without brackets and commas: `{node} \"…\" \"…\"`"
        )),
        span: source.span_at(at, 1).into(),
    }
}

fn other_quotes(source: &Source, start: usize, last: Token<'_>) -> SpecError {
    let end = last.at + last.text.len();
    let text = source.text().get(start..end).unwrap_or_default();
    let inner = without_quotes(text).unwrap_or("…");
    SpecError::BareWord {
        what: "a text between other marks than `\"`",
        written: format!("\"{inner}\""),
        span: source.span_at(start, end - start).into(),
    }
}
