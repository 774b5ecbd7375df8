//! What is adopted, as KDL.

use std::fmt::Write as _;

use crate::{
    client::front::{Field, Head, Style},
    diagnostics::Sources,
};

/// A role as it is added to a spec.
#[derive(Debug)]
pub(super) struct NewRole {
    pub(super) name: String,
    /// What the client calls it.
    pub(super) client_name: String,
    pub(super) description: String,
    /// The name of its model, and its id.
    pub(super) model: (String, String),
    pub(super) prompt: String,
    pub(super) agent: String,
    pub(super) head: Head,
    pub(super) profiles: Vec<String>,
    /// Whether it has to say by itself that it is observed.
    pub(super) observe: bool,
}

/// The fields that have a node of their own.
const NODES: [(&str, &str); 16] = [
    ("name", "name"),
    ("description", "description"),
    ("tools", "tools"),
    ("disallowedTools", "disallowed-tools"),
    ("model", "model"),
    ("effort", "effort"),
    ("permissionMode", "permission-mode"),
    ("maxTurns", "max-turns"),
    ("skills", "skills"),
    ("mcpServers", "mcp-servers"),
    ("hooks", "hooks"),
    ("memory", "memory"),
    ("background", "background"),
    ("isolation", "isolation"),
    ("initialPrompt", "initial-prompt"),
    ("color", "color"),
];

impl NewRole {
    /// Returns the role's node.
    pub(super) fn to_kdl(&self) -> String {
        let mut text = String::new();
        let mut line = |depth: usize, words: &str| {
            let _ = writeln!(text, "{}{words}", "    ".repeat(depth));
        };
        line(
            0,
            &format!(
                "role {} model={} prompt={} compile=\"verbatim\" {{",
                quoted(&self.name),
                quoted(&self.model.0),
                quoted(&self.prompt)
            ),
        );
        if self.client_name != self.name {
            line(1, &format!("title {}", quoted(&printed(&self.client_name))));
        }
        line(
            1,
            &format!("description {}", quoted(&printed(&self.description))),
        );
        if !self.profiles.is_empty() {
            let profiles: Vec<_> = self.profiles.iter().map(|name| quoted(name)).collect();
            line(1, &format!("profile {}", profiles.join(" ")));
        }
        if self.observe {
            line(1, "guard \"observe\"");
        }
        line(
            1,
            &format!("agent {}{} {{", quoted(&self.agent), self.frame()),
        );
        let mut seen: Vec<&str> = Vec::new();
        for field in &self.head.fields {
            let again = seen.contains(&field.key.as_str());
            seen.push(&field.key);
            line(2, &self.field(field, again));
        }
        line(1, "}");
        line(0, "}");
        text
    }

    fn frame(&self) -> String {
        let head = &self.head;
        let mut words = String::new();
        if head.bom {
            words.push_str(" bom=#true");
        }
        if head.crlf {
            words.push_str(" lines=\"crlf\"");
        }
        for (name, part) in [
            ("open", &head.open),
            ("close", &head.close),
            ("head", &head.written),
        ] {
            if let Some(part) = part {
                let _ = write!(words, " {name}={}", quoted(part));
            }
        }
        words
    }

    fn field(&self, field: &Field, again: bool) -> String {
        let node = NODES.iter().find(|(key, _)| *key == field.key && !again);
        let mut line = match node {
            Some((_, node)) => (*node).to_owned(),
            None => format!("field {}", quoted(&field.key)),
        };
        let words = field.value.words();
        // What the role itself says is not said again; what is spelled in a way of its own is.
        let own = match field.key.as_str() {
            "name" => Some(&self.name),
            "description" => Some(&self.description),
            "model" => Some(&self.model.1),
            _ => None,
        };
        let same = own.is_some_and(|own| words == [own.as_str()]) && !again;
        let spelled = field.spelled.clone().or_else(|| {
            // Nothing at all, where nothing would mean the role's own.
            let end = if self.head.crlf { "\r\n" } else { "\n" };
            (own.is_some() && words.is_empty()).then(|| field.lines(end))
        });
        if !same || spelled.is_some() || printed(&self.description) != self.description {
            for word in &words {
                let _ = write!(line, " {}", quoted(word));
            }
        }
        if let Some(style) = field.style.word().filter(|_| field.style != Style::Plain) {
            let _ = write!(line, " style={}", quoted(style));
        }
        if let Some(spelled) = spelled {
            let _ = write!(line, " as={}", quoted(&spelled));
        }
        line
    }
}

// The text as a node for people has it: no control character but line ends, and not blank.
fn printed(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect();
    let text = text.trim();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

/// Returns `text` as a quoted string in which nothing is hidden.
pub(super) fn quoted(text: &str) -> String {
    let mut sources = Sources::default();
    let hidden: Vec<usize> = sources
        .add("", text)
        .hidden_characters()
        .map(|(at, _)| at)
        .collect();
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter
                if letter.is_control()
                    || hidden.contains(&at)
                    || matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') =>
            {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
