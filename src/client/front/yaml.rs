//! The mapping of a front matter, strict first and mended after.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value as Json};

use super::Value;

/// One member of the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Value,
    /// The line of the key, from 0.
    pub(super) line: usize,
    /// The column of the key, from 0.
    pub(super) column: usize,
}

/// Reads the mapping in `head`: as it stands, else with its values put in quotes as the client does.
/// Nothing where the client reads nothing; the words say why.
pub(super) fn members(head: &str) -> Result<Vec<Member>, String> {
    let head = blanked(head);
    strict(&head).or_else(|first| strict(&mended(&head)).map_err(|_| first))
}

// Tabs between a name's colon and its value are blanks to the client.
fn blanked(head: &str) -> String {
    let lines = head.split('\n').map(|line| match line.split_once(":\t") {
        Some((key, rest)) if !key.contains([':', '"', '\'', '#', ' ']) => {
            let value = rest.trim_start_matches('\t');
            format!("{key}: {}{value}", " ".repeat(rest.len() - value.len()))
        }
        Some(_) | None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn strict(head: &str) -> Result<Vec<Member>, String> {
    let mut events = Parser::new_from_str(head);
    let mut next = || -> Result<Option<(Event<'_>, usize, usize)>, String> {
        match events.next() {
            Some(Ok((event, span))) => Ok(Some((
                event,
                span.start.line().saturating_sub(1),
                span.start.col(),
            ))),
            Some(Err(error)) => Err(error.info().to_owned()),
            None => Ok(None),
        }
    };
    let mut members = Vec::new();
    let mut anchors = Anchors::new();
    let mut inside = false;
    while let Some((event, line, column)) = next()? {
        match event {
            Event::MappingStart(..) if !inside => inside = true,
            Event::Scalar(key, ..) if inside => {
                let key = key.into_owned();
                let value = value(&mut next, &mut anchors)?;
                members.push(Member {
                    key,
                    value,
                    line,
                    column,
                });
            }
            Event::MappingEnd => inside = false,
            // A key that is no text, a list, or a text alone holds no field; it has to be YAML all
            // the same.
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                skip(&mut next)?;
                if inside {
                    value(&mut next, &mut anchors)?;
                }
            }
            _ => {}
        }
    }
    Ok(members)
}

type Next<'a, 'e> = dyn FnMut() -> Result<Option<(Event<'e>, usize, usize)>, String> + 'a;

// What has a name by which it can be meant again.
type Anchors = BTreeMap<usize, Value>;

fn value(next: &mut Next<'_, '_>, anchors: &mut Anchors) -> Result<Value, String> {
    match next()? {
        Some((Event::Scalar(text, style, anchor, tag), ..)) => {
            let plain = style == ScalarStyle::Plain && tag.is_none();
            let value = if plain && is_null(&text) {
                Value::Null
            } else if plain && is_no_text(&text) {
                Value::Plain(text.into_owned())
            } else {
                Value::Text(text.into_owned())
            };
            anchors.insert(anchor, value.clone());
            Ok(value)
        }
        Some((Event::SequenceStart(anchor, ..), ..)) => {
            let value = items(next)?;
            anchors.insert(anchor, value.clone());
            Ok(value)
        }
        Some((Event::MappingStart(..), ..)) => {
            skip(next)?;
            Ok(Value::Other)
        }
        Some((Event::Alias(anchor), ..)) => {
            Ok(anchors.get(&anchor).cloned().unwrap_or(Value::Other))
        }
        Some(_) | None => Ok(Value::Other),
    }
}

// The items of a list; texts alone, or something else as a whole.
fn items(next: &mut Next<'_, '_>) -> Result<Value, String> {
    let mut items = Vec::new();
    let mut texts = true;
    loop {
        match next()? {
            Some((Event::SequenceEnd, ..)) | None => break,
            Some((Event::Scalar(text, style, ..), ..)) => {
                texts &= style != ScalarStyle::Plain || !(is_null(&text) || is_no_text(&text));
                items.push(text.into_owned());
            }
            Some((Event::SequenceStart(..) | Event::MappingStart(..), ..)) => {
                skip(next)?;
                texts = false;
            }
            Some(_) => texts = false,
        }
    }
    Ok(if texts {
        Value::List(items)
    } else {
        Value::Other
    })
}

/// Returns the value of the member `key` of the mapping in `head`, as JSON: the last one, where there are
/// more. Nothing where it is not there, or can't be said in JSON.
pub(super) fn json(head: &str, key: &str) -> Option<Json> {
    let head = blanked(head);
    let mut events = Parser::new_from_str(&head);
    loop {
        if let Event::MappingStart(..) = events.next()?.ok()?.0 {
            break;
        }
    }
    let mut next = || Some(events.next()?.ok()?.0);
    let mut found = None;
    loop {
        match next()? {
            Event::MappingEnd => return found,
            Event::Scalar(name, ..) => {
                let value = json_value(next()?, &mut next);
                if name == key {
                    found = Some(value?);
                } else {
                    value?;
                }
            }
            _ => return None,
        }
    }
}

fn json_value<'e>(event: Event<'e>, next: &mut dyn FnMut() -> Option<Event<'e>>) -> Option<Json> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, _, None) => Some(match &*text {
            text if is_null(text) => Json::Null,
            "true" | "True" | "TRUE" => Json::Bool(true),
            "false" | "False" | "FALSE" => Json::Bool(false),
            text if is_no_text(text) => {
                let number: serde_json::Number = text.trim_start_matches('+').parse().ok()?;
                Json::Number(number)
            }
            text => Json::String(text.to_owned()),
        }),
        Event::Scalar(text, _, _, None) => Some(Json::String(text.into_owned())),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next()? {
                    Event::SequenceEnd => return Some(Json::Array(items)),
                    event => items.push(json_value(event, next)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut members = Map::new();
            loop {
                match next()? {
                    Event::MappingEnd => return Some(Json::Object(members)),
                    Event::Scalar(name, ..) => {
                        let value = json_value(next()?, next)?;
                        members.insert(name.into_owned(), value);
                    }
                    _ => return None,
                }
            }
        }
        // An alias means what it names, and a tag may mean anything.
        _ => None,
    }
}

// Goes to the end of the list or mapping that was just begun.
fn skip(next: &mut Next<'_, '_>) -> Result<(), String> {
    let mut depth = 1;
    while depth > 0 {
        match next()? {
            Some((Event::SequenceStart(..) | Event::MappingStart(..), ..)) => depth += 1,
            Some((Event::SequenceEnd | Event::MappingEnd, ..)) => depth -= 1,
            Some(_) => {}
            None => break,
        }
    }
    Ok(())
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

// Whether a word without quotes is a truth value or a number.
fn is_no_text(text: &str) -> bool {
    if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
        return true;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let digits = text.trim_start_matches(['-', '+']);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && text.parse::<f64>().is_ok()
}

// What the client makes of a text that is no YAML: each line of a name, a colon, and a value with
// characters that mean something in YAML has its value in quotes. A line that ends with a carriage
// return is none of these to it.
fn mended(head: &str) -> String {
    let lines = head.split('\n').map(|line| {
        let (key, value) = match line.split_once(':') {
            Some((key, value))
                if !key.is_empty()
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')) =>
            {
                (key, value)
            }
            Some(_) | None => return indented(line),
        };
        let text = value.trim_start();
        if value.len() == text.len() || text.is_empty() || text.ends_with('\r') {
            return indented(line);
        }
        let quoted = |quote| text.starts_with(quote) && text.ends_with(quote);
        let list = || {
            text.starts_with('[')
                && text.ends_with(']')
                && matches!(
                    strict(&format!("x: {text}")).as_deref(),
                    Ok([Member {
                        value: Value::List(_) | Value::Other,
                        ..
                    }])
                )
        };
        let special = text.contains(": ") || text.contains(|c: char| "{}[]*&#!|>%@`".contains(c));
        if quoted('"') || quoted('\'') || !special || list() {
            return line.to_owned();
        }
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{key}: \"{text}\"")
    });
    lines.collect::<Vec<_>>().join("\n")
}

// Tabs in front of a line are blanks to it.
fn indented(line: &str) -> String {
    let rest = line.trim_start_matches('\t');
    format!("{}{rest}", "  ".repeat(line.len() - rest.len()))
}
