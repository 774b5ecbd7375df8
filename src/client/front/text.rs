//! The text of an agent file, in its parts.

use super::{Field, Value, yaml};

/// An agent file as the client reads it. Its parts, one after the other, are the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentText<'a> {
    /// Whether a byte order mark stands in front.
    pub bom: bool,
    /// The line that opens the front matter, with its end.
    pub open: &'a str,
    /// The front matter.
    pub head: &'a str,
    /// What closes it: three dashes, and the rest of their line.
    pub close: &'a str,
    /// The prompt.
    pub body: &'a str,
    /// The fields, in the order of the file.
    pub fields: Vec<Found>,
    /// Whether each field starts a line of its own, and nothing stands before the first.
    pub by_line: bool,
}

/// A field and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The field, spelled as in the file.
    pub field: Field,
    /// The byte of the file at which its name starts.
    pub start: usize,
    /// How many bytes of its line, without what ends it.
    pub len: usize,
}

/// Why the client reads no agent in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It does not start with a front matter, or that has no end.
    NoFrontMatter,
    /// What stands there is no YAML, and can't be mended.
    NoYaml {
        /// What the parser says.
        why: String,
        /// Whether its line ends are those of Windows, which the client does not mend.
        crlf: bool,
    },
}

/// Returns the parts of the agent file `text`.
///
/// # Errors
///
/// Where the client reads no front matter in it.
pub fn read(text: &str) -> Result<AgentText<'_>, Unread> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bom = bare.len() < text.len();
    let rest = bare.strip_prefix("---").ok_or(Unread::NoFrontMatter)?;
    // Blank lines after the first belong to it.
    let blank = rest.len() - rest.trim_start().len();
    let open = rest
        .get(..blank)
        .and_then(|blank| blank.rfind('\n'))
        .ok_or(Unread::NoFrontMatter)?
        + 4;
    let (open, rest) = bare.split_at_checked(open).ok_or(Unread::NoFrontMatter)?;
    let end = rest.find("---").ok_or(Unread::NoFrontMatter)?;
    let (head, rest) = rest.split_at_checked(end).ok_or(Unread::NoFrontMatter)?;
    let after = rest.get(3..).unwrap_or_default();
    let blanks = after.len() - after.trim_start_matches([' ', '\t', '\r']).len();
    let line_end = usize::from(after.get(blanks..).is_some_and(|end| end.starts_with('\n')));
    let (close, body) = rest
        .split_at_checked(3 + blanks + line_end)
        .ok_or(Unread::NoFrontMatter)?;
    let members = yaml::members(head).map_err(|why| Unread::NoYaml {
        why,
        crlf: head.contains("\r\n") && yaml::members(&head.replace("\r\n", "\n")).is_ok(),
    })?;
    let lines = line_starts(head);
    let start_of = |line: usize| lines.get(line).copied().unwrap_or(head.len());
    let by_line = members.windows(2).all(|pair| match pair {
        [a, b] => a.line < b.line,
        _ => true,
    }) && members.iter().all(|member| member.column == 0)
        && members.first().is_some_and(|member| member.line == 0);
    let offset = bare.as_ptr() as usize - text.as_ptr() as usize + open.len();
    let fields = members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let start = start_of(member.line);
            let end = members
                .get(index + 1)
                .map_or(head.len(), |next| start_of(next.line));
            let spelled = head.get(start..end).unwrap_or_default();
            let line = spelled.lines().next().unwrap_or_default();
            Found {
                field: Field::spelled(&member.key, member.value.clone(), spelled, by_line),
                start: offset + start + member.column.min(line.len()),
                len: line.trim_start().len(),
            }
        })
        .collect();
    Ok(AgentText {
        bom,
        open,
        head,
        close,
        body,
        fields,
        by_line,
    })
}

/// The most bytes of an agent file that the client loads.
pub const MOST_BYTES: u64 = 1 << 20;

/// The most letters of an agent's name that the client loads.
const LONGEST_NAME: usize = 256;

// Whether the client takes `name` as an agent's: with no colon in it, no dash in front, and not too long.
fn is_name(name: &str) -> bool {
    !name.contains(':') && !name.starts_with('-') && name.chars().count() <= LONGEST_NAME
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect()
}

impl AgentText<'_> {
    /// Returns the field called `key`: the last one, where there are more, as the client takes it.
    pub fn field(&self, key: &str) -> Option<&Found> {
        self.fields.iter().rfind(|found| found.field.key == key)
    }

    /// Returns the text of the field called `key`, where it is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.field(key)?.field.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Plain(_) | Value::List(_) | Value::Other => None,
        }
    }

    /// Returns whether the client loads the agent: it needs a name that it takes, and a description.
    pub fn is_loaded(&self) -> bool {
        let given = |key| self.text(key).is_some_and(|text| !text.is_empty());
        given("name")
            && given("description")
            && self.text("name").is_some_and(is_name)
            && self.hooks_are_a_mapping()
    }

    /// Returns whether the field `hooks`, where it stands, can be one: with another, the client drops
    /// the agent.
    pub fn hooks_are_a_mapping(&self) -> bool {
        self.field("hooks")
            .is_none_or(|found| matches!(found.field.value, Value::Other | Value::Null))
    }
}
