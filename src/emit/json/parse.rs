//! JSON with comments, each value with its place.

use std::ops::Range;

use serde_json::{Map, Value};

/// How deep values may be nested.
const DEPTH: usize = 64;

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}")]
pub(in crate::emit) struct JsonError {
    message: &'static str,
    line: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::emit) struct Node {
    /// The bytes of the value.
    pub(in crate::emit) span: Range<usize>,
    /// What it is.
    pub(in crate::emit) shape: Shape,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::emit) enum Shape {
    /// Members in the order of the text; a name may stand twice, and then the last counts.
    Object(Vec<Member>),
    /// Items.
    Array(Vec<Node>),
    /// Anything else.
    Plain(Value),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::emit) struct Member {
    /// Its name.
    pub(in crate::emit) name: String,
    /// Where the name starts.
    pub(in crate::emit) start: usize,
    /// Its value.
    pub(in crate::emit) value: Node,
}

impl Node {
    /// Returns the member that counts.
    pub(in crate::emit) fn get(&self, name: &str) -> Option<&Member> {
        match &self.shape {
            Shape::Object(members) => members.iter().rfind(|member| member.name == name),
            Shape::Array(_) | Shape::Plain(_) => None,
        }
    }

    /// Returns the value without its places.
    pub(in crate::emit) fn value(&self) -> Value {
        match &self.shape {
            Shape::Plain(value) => value.clone(),
            Shape::Array(items) => Value::Array(items.iter().map(Self::value).collect()),
            Shape::Object(members) => {
                let members = members
                    .iter()
                    .map(|member| (member.name.clone(), member.value.value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// Returns the value that `text` holds; nothing where it holds only blanks and comments.
pub(in crate::emit) fn parse(text: &str) -> Result<Option<Node>, JsonError> {
    let mut reader = Reader { text, at: 0 };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    reader.blanks()?;
    if reader.peek().is_none() {
        return Ok(None);
    }
    let node = reader.value(0)?;
    reader.blanks()?;
    match reader.peek() {
        None => Ok(Some(node)),
        Some(_) => Err(reader.fault("something behind the value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, message: &'static str) -> JsonError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        JsonError {
            message,
            line: before.matches('\n').count() + 1,
        }
    }

    // Goes over blanks and comments.
    fn blanks(&mut self) -> Result<(), JsonError> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.fault("a comment that does not end")),
                }
            } else if blank == 0 {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, JsonError> {
        if depth > DEPTH {
            return Err(self.fault("values nested too deep"));
        }
        let start = self.at;
        let shape = match self.peek() {
            Some(b'{') => Shape::Object(self.members(depth)?),
            Some(b'[') => Shape::Array(self.items(depth)?),
            Some(b'"') => Shape::Plain(Value::String(self.string()?)),
            Some(_) => self.word()?,
            None => return Err(self.fault("a value is missing")),
        };
        Ok(Node {
            span: start..self.at,
            shape,
        })
    }

    fn word(&mut self) -> Result<Shape, JsonError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let value = serde_json::from_str(word).map_err(|_| self.fault("no JSON value"))?;
        self.at += word.len();
        Ok(Shape::Plain(value))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'\\' => end += 2,
                b'"' => {
                    let text = self.rest().get(..=end).unwrap_or_default();
                    let value =
                        serde_json::from_str(text).map_err(|_| self.fault("no JSON string"))?;
                    self.at += end + 1;
                    return Ok(value);
                }
                _ => end += 1,
            }
        }
        Err(self.fault("a string that does not end"))
    }

    // Steps over what separates two things; returns whether the list is at its end.
    fn separator(&mut self, close: u8) -> Result<bool, JsonError> {
        self.blanks()?;
        let comma = self.peek() == Some(b',');
        if comma {
            self.at += 1;
            self.blanks()?;
        }
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(true);
        }
        if comma {
            Ok(false)
        } else {
            Err(self.fault("a comma or a closing bracket is missing"))
        }
    }

    fn opened(&mut self, close: u8) -> Result<bool, JsonError> {
        self.at += 1;
        self.blanks()?;
        let empty = self.peek() == Some(close);
        self.at += usize::from(empty);
        Ok(empty)
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, JsonError> {
        let mut members = Vec::new();
        if self.opened(b'}')? {
            return Ok(members);
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault("a member's name is missing"));
            }
            let name = self.string()?;
            self.blanks()?;
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon is missing"));
            }
            self.at += 1;
            self.blanks()?;
            members.push(Member {
                name,
                start,
                value: self.value(depth + 1)?,
            });
            if self.separator(b'}')? {
                return Ok(members);
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, JsonError> {
        let mut items = Vec::new();
        if self.opened(b']')? {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.separator(b']')? {
                return Ok(items);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_with_their_places() {
        let text = "\u{feff}// top\n{ \"a\": [1, -2.5e3, \"x\\\"y\",], /* c */ \"b\": {}, \"a\": null }\r\n";
        let node = parse(text).unwrap().unwrap();
        assert_eq!(node.value(), json!({ "a": null, "b": {} }));
        let member = node.get("b").unwrap();
        assert_eq!(&text[member.start..member.value.span.end], "\"b\": {}");
        assert_eq!(parse(" // nothing\n").unwrap(), None);
    }

    #[test]
    fn what_is_no_json_is_said_with_its_line() {
        let deep = "[".repeat(100);
        for (text, then) in [
            ("{\n\"a\" 1}", "a colon is missing at line 2"),
            ("{\"a\": }", "no JSON value at line 1"),
            ("[1 2]", "a comma or a closing bracket is missing at line 1"),
            ("{} x", "something behind the value at line 1"),
            ("[\"a", "a string that does not end at line 1"),
            ("/* ", "a comment that does not end at line 1"),
            ("{a: 1}", "a member's name is missing at line 1"),
            ("[", "a value is missing at line 1"),
            (&deep, "values nested too deep at line 1"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), then, "{text}");
        }
    }
}
