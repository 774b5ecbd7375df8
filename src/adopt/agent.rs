//! One agent file: what it says to the client, and where that is not what its writer thinks.

use super::doubt::Doubt;
use crate::{
    client::{
        front::{AgentText, Found, Value},
        parted, tool_exists,
    },
    diagnostics::{Findings, Source, Span},
    spec::{nearest, nearest_tool},
};

/// The fields that the client knows.
const KNOWN: [&str; 22] = [
    "name",
    "description",
    "tools",
    "disallowedTools",
    "model",
    "effort",
    "permissionMode",
    "maxTurns",
    "skills",
    "mcpServers",
    "hooks",
    "memory",
    "background",
    "isolation",
    "initialPrompt",
    "color",
    "omitClaudeMd",
    "autoCompactWindow",
    "observer",
    "observerMessage",
    "observeSubagents",
    "observeToolResults",
];

/// What people write where they mean to take tools away.
const RESTRICTIONS: [(&str, &str); 16] = [
    ("tool", "tools"),
    ("toolz", "tools"),
    ("tools", "tools"),
    ("allowedtools", "tools"),
    ("allowtools", "tools"),
    ("toolsallowed", "tools"),
    ("toollist", "tools"),
    ("availabletools", "tools"),
    ("disallowedtools", "disallowedTools"),
    ("disallowedtool", "disallowedTools"),
    ("deniedtools", "disallowedTools"),
    ("denytools", "disallowedTools"),
    ("blockedtools", "disallowedTools"),
    ("permissions", "tools"),
    ("permission", "tools"),
    ("readonly", "tools"),
];

/// What was seen in one file beside its doubts.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Whether every tool of the session is the agent's.
    pub(super) everything: bool,
    /// Names of fields that the client does not know, each with its place.
    pub(super) unknown: Vec<(String, Span)>,
}

/// Looks at the fields of `file`, which stands in `source`.
pub(super) fn look(file: &AgentText<'_>, source: &Source, findings: &mut Findings) -> Seen {
    let mut look = Look {
        file,
        source,
        findings,
        seen: Seen::default(),
    };
    look.fields();
    look.tools();
    look.values();
    look.seen
}

struct Look<'a> {
    file: &'a AgentText<'a>,
    source: &'a Source,
    findings: &'a mut Findings,
    seen: Seen,
}

impl Look<'_> {
    fn span(&self, found: &Found) -> Span {
        self.source.span_at(found.start, found.len)
    }

    // The word within its field, where it stands there as it is.
    fn word(&self, found: &Found, word: &str) -> Span {
        let text = self.source.text();
        let field = text.get(found.start..).unwrap_or_default();
        let end = field.find("\n---").unwrap_or(field.len());
        let field = field.get(..end).unwrap_or_default();
        match field.find(word) {
            Some(at) => self.source.span_at(found.start + at, word.len()),
            None => self.span(found),
        }
    }

    fn fields(&mut self) {
        for found in &self.file.fields {
            let key = found.field.key.as_str();
            if KNOWN.contains(&key) {
                continue;
            }
            let span = self.span(found).part(0, key.len());
            let plain: String = key
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|letter| letter.to_ascii_lowercase())
                .collect();
            let meant = RESTRICTIONS
                .iter()
                .find(|(word, _)| *word == plain)
                .map(|(_, meant)| *meant);
            let near = nearest(key, KNOWN);
            let meant = meant.or(near.filter(|near| matches!(*near, "tools" | "disallowedTools")));
            match (meant, near) {
                (Some(meant), _) => {
                    let now = if self.file.field("tools").is_some() {
                        "what `tools` says alone counts"
                    } else {
                        "the agent has every tool of the session"
                    };
                    self.findings.add(Doubt::LostRestriction {
                        field: key.to_owned(),
                        help: format!("{now}; did you mean `{meant}`?"),
                        span: span.into(),
                    });
                }
                (None, Some(near)) => self.findings.add(Doubt::MisspelledField {
                    field: key.to_owned(),
                    near: format!("; did you mean `{near}`?"),
                    span: span.into(),
                }),
                (None, None) => self.seen.unknown.push((key.to_owned(), span)),
            }
        }
    }

    fn tools(&mut self) {
        let Some(found) = self.file.field("tools") else {
            self.seen.everything = true;
            return self.disallowed();
        };
        let words = found.field.value.words();
        if words.iter().any(|word| word == "*") {
            self.seen.everything = true;
            return self.disallowed();
        }
        if words.is_empty() {
            let span = self.span(found).into();
            self.findings.add(Doubt::NoTool { span });
        }
        let none = !words.is_empty() && !words.iter().any(|word| tool_exists(parted(word).0));
        for word in &words {
            let span = self.word(found, word).into();
            let (tool, part) = parted(word);
            if !tool_exists(tool) {
                self.findings.add(Doubt::UnknownTool {
                    tool: word.clone(),
                    effect: if none {
                        ", and the agent has no tool at all"
                    } else {
                        ", and the agent does without it"
                    },
                    help: near_tool(tool),
                    span,
                });
            } else if part && matches!(tool, "Agent" | "Task") {
                self.findings.add(Doubt::AgentsNotHeld {
                    written: word.clone(),
                    span,
                });
            } else if part {
                self.findings.add(Doubt::WholeTool {
                    written: word.clone(),
                    tool: tool.to_owned(),
                    span,
                });
            }
        }
        let has = |name: &str| words.iter().any(|word| parted(word).0 == name);
        if let Some(memory) = self.file.field("memory")
            && is_one_of(&memory.field.value, &["user", "project", "local"])
            && !(has("Write") && has("Edit"))
        {
            let span = self.span(memory).into();
            self.findings.add(Doubt::MemoryWrites { span });
        }
        self.disallowed();
    }

    fn disallowed(&mut self) {
        let Some(found) = self.file.field("disallowedTools") else {
            return;
        };
        for word in found.field.value.words() {
            let span = self.word(found, &word).into();
            let (tool, part) = parted(&word);
            if !tool_exists(tool) {
                self.findings.add(Doubt::UnknownTool {
                    tool: word.clone(),
                    effect: ": nothing is taken away",
                    help: near_tool(tool),
                    span,
                });
            } else if part {
                self.findings.add(Doubt::WholeToolGone {
                    tool: tool.to_owned(),
                    written: word,
                    span,
                });
            }
        }
    }

    fn values(&mut self) {
        let choices: [(&'static str, &[&str], &'static str); 4] = [
            (
                "memory",
                &["user", "project", "local"],
                "it has `user`, `project`, `local`",
            ),
            (
                "isolation",
                &["worktree", "remote"],
                "it has `worktree`, `remote`",
            ),
            ("background", &["true", "false"], "it has `true`, `false`"),
            (
                "permissionMode",
                &[
                    "acceptEdits",
                    "auto",
                    "bypassPermissions",
                    "default",
                    "dontAsk",
                    "plan",
                    "manual",
                ],
                "it has `acceptEdits`, `auto`, `bypassPermissions`, `default`, `dontAsk`, `plan`",
            ),
        ];
        for (field, known, help) in choices {
            let Some(found) = self.file.field(field) else {
                continue;
            };
            if found.field.value == Value::Null || is_one_of(&found.field.value, known) {
                continue;
            }
            self.findings.add(Doubt::UnknownValue {
                field,
                value: found.field.value.words().join(", "),
                help,
                span: self.span(found).into(),
            });
        }
        if let Some(found) = self.file.field("maxTurns")
            && !found
                .field
                .value
                .words()
                .concat()
                .parse::<u32>()
                .is_ok_and(|turns| turns > 0)
        {
            self.findings.add(Doubt::UnknownValue {
                field: "maxTurns",
                value: found.field.value.words().concat(),
                help: "it takes a whole number from 1 on",
                span: self.span(found).into(),
            });
        }
        if let Some(found) = self.file.field("permissionMode")
            && is_one_of(
                &found.field.value,
                &["acceptEdits", "auto", "bypassPermissions"],
            )
        {
            self.findings.add(Doubt::RaisedMode {
                mode: found.field.value.words().concat(),
                span: self.span(found).into(),
            });
        }
        if let Some(found) = self.file.field("model")
            && let Value::Text(model) = &found.field.value
            && !is_model(model)
        {
            self.findings.add(Doubt::UnknownModel {
                model: model.clone(),
                span: self.word(found, model).into(),
            });
        }
        let end = self.file.head.chars().last();
        if end.is_some_and(|end| end != '\n') {
            let at = self.source.text().find(self.file.head).unwrap_or_default();
            let span = self.source.span_at(at + self.file.head.len(), 3);
            self.findings.add(Doubt::Cut { span: span.into() });
        }
    }
}

fn is_one_of(value: &Value, words: &[&str]) -> bool {
    matches!(value, Value::Text(text) | Value::Plain(text) if words.contains(&text.as_str()))
}

fn near_tool(tool: &str) -> String {
    match nearest_tool(tool) {
        Some(near) => format!("did you mean `{near}`? Upper and lower case count"),
        None => "take it out, or name a tool that the client has".to_owned(),
    }
}

fn is_model(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let words = [
        "opus", "sonnet", "haiku", "fable", "inherit", "default", "best", "opusplan",
    ];
    let bare = model.split('[').next().unwrap_or(&model).trim();
    words.contains(&bare) || model.contains("claude-") || model.starts_with("arn:")
}
