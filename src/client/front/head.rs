//! A whole front matter: fields, and how they are framed.

use super::{AgentText, Field, Value, read, yaml};

/// What stands before the prompt of an agent file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Whether a byte order mark stands first.
    pub bom: bool,
    /// Whether its lines end as those of Windows do.
    pub crlf: bool,
    /// The line that opens it, where that is not three dashes alone.
    pub open: Option<String>,
    /// What closes it, where that is not three dashes alone on a line.
    pub close: Option<String>,
    /// The lines between as they stand in a file, where the fields alone do not make them.
    pub written: Option<String>,
    /// The fields, in the order of the file.
    pub fields: Vec<Field>,
}

impl Head {
    /// Returns the head of a file that was read: its [`Self::text`] and the body are the file again,
    /// byte for byte.
    pub fn of(file: &AgentText<'_>) -> Self {
        let ends = file.head.matches("\r\n").count();
        let crlf = ends > 0 && ends == file.head.matches('\n').count();
        let usual = if crlf { "---\r\n" } else { "---\n" };
        let other = |part: &str| (part != usual).then(|| part.to_owned());
        let mut head = Self {
            bom: file.bom,
            crlf,
            open: other(file.open),
            close: other(file.close),
            written: None,
            fields: file
                .fields
                .iter()
                .map(|found| found.field.clone())
                .collect(),
        };
        if !file.by_line || head.lines() != file.head {
            head.written = Some(file.head.to_owned());
            for field in &mut head.fields {
                field.spelled = None;
            }
        }
        head
    }

    /// Returns all that stands before the prompt.
    pub fn text(&self) -> String {
        let bom = if self.bom { "\u{feff}" } else { "" };
        let usual = if self.crlf { "---\r\n" } else { "---\n" };
        let open = self.open.as_deref().unwrap_or(usual);
        let close = self.close.as_deref().unwrap_or(usual);
        [bom, open, &self.lines(), close].concat()
    }

    /// Returns the field called `key`: the last one, as the client takes it.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().rfind(|field| field.key == key)
    }

    /// Returns what the field called `key` says as JSON; nothing where it is not there, or can't be said so.
    pub fn json(&self, key: &str) -> Option<serde_json::Value> {
        yaml::json(&self.lines(), key)
    }

    fn lines(&self) -> String {
        if let Some(written) = &self.written
            && self.says(written)
        {
            return written.clone();
        }
        let end = if self.crlf { "\r\n" } else { "\n" };
        self.fields.iter().map(|field| field.lines(end)).collect()
    }

    fn says(&self, written: &str) -> bool {
        let text = format!("---\n{written}---\n");
        let Ok(file) = read(&text) else {
            return false;
        };
        let said = |field: &Field| {
            (
                field.key.clone(),
                field.value.words(),
                field.value == Value::Other,
            )
        };
        file.fields
            .iter()
            .map(|found| said(&found.field))
            .eq(self.fields.iter().map(said))
    }
}
