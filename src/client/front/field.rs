//! One field of a front matter: what it says, and how it is spelled.

use super::yaml;

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as the client spells it.
    pub key: String,
    /// What it says.
    pub value: Value,
    /// How it is written.
    pub style: Style,
    /// Its lines as they stand in the file, where none of the styles makes them.
    pub spelled: Option<String>,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: no value stands there.
    Null,
    /// A text.
    Text(String),
    /// A number or truth value, as written.
    Plain(String),
    /// Texts.
    List(Vec<String>),
    /// Something with parts of its own.
    Other,
}

impl Value {
    /// Returns the texts that it holds; none where it has parts of its own.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Text(text) | Self::Plain(text) => vec![text.clone()],
            Self::List(items) => items.clone(),
            Self::Null | Self::Other => Vec::new(),
        }
    }

    fn of(key: &str, words: &[String], style: Style) -> Self {
        let listed = matches!(style, Style::Flow | Style::FlowQuoted | Style::Block);
        match words {
            [] if style == Style::Plain => Self::Null,
            [] if listed || WORDS.contains(&key) => Self::List(Vec::new()),
            [] => Self::Text(String::new()),
            _ if listed || WORDS.contains(&key) => Self::List(words.to_vec()),
            [text] => match says(key, &format!("{key}: {text}\n")) {
                Some(plain @ Self::Plain(_)) if style == Style::Plain => plain,
                Some(_) | None => Self::Text(text.clone()),
            },
            _ => Self::List(words.to_vec()),
        }
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; words with a comma and a blank between them.
    Plain,
    /// Without quotes, line ends as `\n`.
    Escaped,
    /// In double quotes.
    Double,
    /// In single quotes.
    Single,
    /// Words with a comma alone between them.
    Tight,
    /// Words with blanks alone between them.
    Blanks,
    /// A list in brackets.
    Flow,
    /// A list in brackets, its items in double quotes.
    FlowQuoted,
    /// A list, one line an item, indented.
    Block,
    /// In another way.
    Other,
}

impl Style {
    /// All styles that can be named, each with its word.
    pub const NAMED: [(&'static str, Self); 9] = [
        ("plain", Self::Plain),
        ("escaped", Self::Escaped),
        ("double", Self::Double),
        ("single", Self::Single),
        ("tight", Self::Tight),
        ("blanks", Self::Blanks),
        ("flow", Self::Flow),
        ("flow-quoted", Self::FlowQuoted),
        ("block", Self::Block),
    ];

    /// Returns its word; nothing for one that has none.
    pub fn word(self) -> Option<&'static str> {
        let named = Self::NAMED.iter().find(|(_, style)| *style == self);
        named.map(|(word, _)| *word)
    }

    /// Returns the style of the word.
    pub fn from_word(word: &str) -> Option<Self> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == word);
        named.map(|(_, style)| *style)
    }
}

/// The fields that hold words, however they are written.
const WORDS: [&str; 3] = ["tools", "disallowedTools", "skills"];

impl Field {
    /// Returns the field as read from a file, where it stands as `lines`.
    pub(super) fn spelled(key: &str, value: Value, lines: &str, whole: bool) -> Self {
        let value = meant(key, value);
        let bare = lines.strip_suffix('\n').unwrap_or(lines);
        let bare = bare
            .strip_suffix('\r')
            .unwrap_or(bare)
            .replace("\r\n", "\n");
        let styles = Style::NAMED.iter().map(|(_, style)| *style);
        let style = styles
            .filter(|_| whole && value != Value::Other)
            .find(|style| {
                written(key, &value, *style).as_ref() == Some(&bare)
                    && Value::of(key, &value.words(), *style) == value
            });
        Self {
            key: key.to_owned(),
            style: style.unwrap_or(Style::Other),
            spelled: (style.is_none() && whole).then(|| lines.to_owned()),
            value,
        }
    }

    /// Returns the field with this value, written in the plainest way that the client reads back.
    pub fn new(key: &str, value: Value) -> Self {
        Self {
            key: key.to_owned(),
            value,
            style: Style::Plain,
            spelled: None,
        }
    }

    /// Returns the field called `key` that holds `words`, written in `style` or as `spelled`.
    pub fn of(key: &str, words: &[String], style: Style, spelled: Option<String>) -> Self {
        let told = spelled.as_deref().and_then(|lines| says(key, lines));
        let value = match told {
            Some(value) if value.words() == words => value,
            Some(_) | None => Value::of(key, words, style),
        };
        Self {
            key: key.to_owned(),
            value,
            style,
            spelled,
        }
    }

    /// Returns the lines of the field, each with `end`. How it was spelled counts as long as that
    /// says what the field says.
    pub fn lines(&self, end: &str) -> String {
        if let Some(spelled) = &self.spelled
            && (self.value == Value::Other || says(&self.key, spelled) == Some(self.value.clone()))
        {
            return spelled.clone();
        }
        let styles = [
            self.style,
            Style::Plain,
            Style::Escaped,
            Style::Double,
            Style::FlowQuoted,
        ];
        let found = styles.into_iter().find_map(|style| {
            let text = written(&self.key, &self.value, style)?;
            let text = text.replace('\n', end) + end;
            (says(&self.key, &text).as_ref() == Some(&self.value)).then_some(text)
        });
        found.unwrap_or_else(|| format!("{}:{end}", self.key))
    }
}

// What the one field `key` in `lines` says, if it is alone there.
fn says(key: &str, lines: &str) -> Option<Value> {
    match yaml::members(lines).ok()?.as_slice() {
        [member] if member.key == key => Some(meant(key, member.value.clone())),
        _ => None,
    }
}

// What the client makes of a value: words are a list, and a description has real line ends.
fn meant(key: &str, value: Value) -> Value {
    match value {
        Value::Text(text) if WORDS.contains(&key) => Value::List(tool_words(&text)),
        Value::List(items) if WORDS.contains(&key) => {
            Value::List(items.iter().flat_map(|item| tool_words(item)).collect())
        }
        Value::Text(text) if key == "description" => Value::Text(text.replace("\\n", "\n")),
        value => value,
    }
}

/// Returns the words of a list of tools, as the client parts them: at commas and blanks outside of
/// parentheses.
pub fn tool_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0usize;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match words.last_mut() {
            Some(word) if depth > 0 || !matches!(letter, ',' | ' ') => word.push(letter),
            Some(_) | None => words.push(String::new()),
        }
    }
    words
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

// The field in `style`, without the last line end; nothing where it can't be written so.
fn written(key: &str, value: &Value, style: Style) -> Option<String> {
    let words = |items: &[String], style| match style {
        Style::Plain => Some(items.join(", ")),
        Style::Tight => Some(items.join(",")),
        Style::Blanks => Some(items.join(" ")),
        Style::Double => Some(double(&items.join(", "))),
        Style::Flow => Some(format!("[{}]", items.join(", "))),
        Style::FlowQuoted => {
            let items: Vec<_> = items.iter().map(|item| double(item)).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        Style::Block => Some(items.iter().map(|item| format!("\n  - {item}")).collect()),
        Style::Single | Style::Escaped | Style::Other => None,
    };
    let text = match value {
        Value::Null if style == Style::Plain => String::new(),
        Value::Plain(text) if style == Style::Plain => text.clone(),
        Value::Text(text) => match style {
            Style::Plain => text.clone(),
            Style::Escaped => text.replace('\n', "\\n"),
            Style::Double => double(text),
            Style::Single => format!("'{}'", text.replace('\'', "''")),
            Style::Tight
            | Style::Blanks
            | Style::Flow
            | Style::FlowQuoted
            | Style::Block
            | Style::Other => return None,
        },
        Value::List(items) => words(items, style)?,
        Value::Null | Value::Plain(_) | Value::Other => return None,
    };
    let line = if text.is_empty() || text.starts_with('\n') {
        format!("{key}:{text}")
    } else {
        format!("{key}: {text}")
    };
    Some(line)
}

fn double(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n").replace('\t', "\\t"))
}
