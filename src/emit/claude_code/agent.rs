//! Agent files: front matter, and the compiled prompt as their body.
//!
//! The file carries the digest of its own content in a field that the client does not know and does
//! not read, so the prompt is not one byte longer than it was accepted.

use super::tools;
use crate::{
    cache::Digest,
    emit::phrase::sentence,
    model::{Model, RoleId},
};

/// Where the client looks for agents.
pub(in crate::emit) const FOLDER: &str = ".claude/agents";

/// The field that says whose the file is.
const FIELD: &str = "factory: ";

/// How many digits of the digest stand there: it finds slips of the hand, and keeps nobody out.
const DIGITS: usize = 16;

/// Returns the agent file of the role whose compiled prompt is `prompt`.
pub(in crate::emit) fn agent_file(model: &Model, id: RoleId, prompt: &str) -> String {
    let role = model.role(id);
    let description = role
        .description
        .as_ref()
        .map_or(&role.title, |text| &text.value);
    let head = [
        ("name", scalar(model.client_name(id))),
        ("description", quoted(&sentence(description))),
        ("tools", tools(model, id).join(", ")),
        ("model", scalar(&model.model(role.model.value).id.value)),
    ];
    let head = head
        .map(|(name, value)| format!("{name}: {value}\n"))
        .concat();
    // What else an adopted file says is kept.
    let fields = role.agent.iter().flat_map(|agent| &agent.head.fields);
    let kept = fields.filter(|field| !MADE.contains(&field.key.as_str()));
    let head: String = std::iter::once(head)
        .chain(kept.map(|field| field.lines("\n")))
        .collect();
    let source = &role.prompt.value;
    let digest = digits(&format!("---\n{head}---\n{prompt}"));
    let note = quoted(&format!(
        "sha256 {digest}, made by factory build: edit {source}, not this file"
    ));
    format!("---\n{head}{FIELD}{note}\n---\n{prompt}")
}

/// The fields that follow from the spec.
const MADE: [&str; 6] = [
    "name",
    "description",
    "tools",
    "disallowedTools",
    "model",
    "factory",
];

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emit) enum Owner {
    /// It is as it was written.
    Ours,
    /// It was written here and edited since.
    Edited,
    /// It was not written here.
    Other,
}

/// Returns whose the agent file `text` is. Line ends play no part.
pub(in crate::emit) fn owner(text: &str) -> Owner {
    let text = text.replace("\r\n", "\n");
    let head = text.split("\n---").next().unwrap_or_default();
    let Some(line) = head.lines().find(|line| line.starts_with(FIELD)) else {
        return Owner::Other;
    };
    let Some(digest) = line
        .split("sha256 ")
        .nth(1)
        .and_then(|rest| rest.get(..DIGITS))
    else {
        return Owner::Other;
    };
    let content = text.replacen(&format!("{line}\n"), "", 1);
    if digits(&content) == digest {
        Owner::Ours
    } else {
        Owner::Edited
    }
}

/// Returns the agent file `text` without the line that says that it was made here.
pub(in crate::emit) fn unmarked(text: &str) -> String {
    if owner(text) == Owner::Other {
        return text.to_owned();
    }
    let mut taken = false;
    let lines = text.split_inclusive('\n').filter(|line| {
        let mark = !taken && line.starts_with(FIELD) && line.contains("sha256 ");
        taken |= mark;
        !mark
    });
    lines.collect()
}

/// Returns the name by which the client calls the agent of the file `text`.
pub(in crate::emit) fn name_of(text: &str) -> Option<&str> {
    let head = text
        .trim_start_matches('\u{feff}')
        .strip_prefix("---")?
        .split("\n---")
        .next()?;
    let name = head.lines().find_map(|line| line.strip_prefix("name:"))?;
    let name = name.split(" #").next().unwrap_or(name).trim();
    Some(name.trim_matches(['"', '\'']))
}

fn digits(content: &str) -> String {
    let mut digits = Digest::of(content).to_string();
    digits.truncate(DIGITS);
    digits
}

// A text as YAML reads it back, whatever it holds: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    let printed: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    serde_json::Value::String(printed).to_string()
}

// A name without quotes where no reader could take it for something else.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::fixture;

    #[test]
    fn an_agent_file_names_whole_tools_and_ends_with_the_prompt() {
        let factory = fixture::aicpo();
        let model = factory.checked.model();
        let head = |role: &str| {
            let (id, _) = model
                .roles()
                .find(|(_, known)| known.name.value == role)
                .unwrap();
            let file = agent_file(model, id, "# P\n");
            assert!(file.ends_with("\n---\n# P\n"), "{file}");
            let digest = file
                .split("sha256 ")
                .nth(1)
                .and_then(|rest| rest.get(..DIGITS))
                .unwrap();
            file.trim_end_matches("# P\n").replace(digest, "[digest]")
        };
        insta::assert_snapshot!(head("builder"), @r#"
        ---
        name: builder
        description: "Writes application code (Rails, Astro, Next.js)."
        tools: Read, Grep, Glob, Edit, Write, Bash, WebFetch
        model: claude-opus-5-5
        factory: "sha256 [digest], made by factory build: edit roles/builder.md, not this file"
        ---
        "#);
        for (role, then) in [
            ("ceo", "tools: Read, Grep, Glob, Bash, Agent"),
            (
                "qa",
                "tools: Read, Grep, Glob, Edit, Write, Bash, mcp__chrome-devtools__*",
            ),
        ] {
            assert!(
                head(role).lines().any(|line| line == then),
                "{}",
                head(role)
            );
        }
    }

    #[test]
    fn a_file_knows_whose_it_is() {
        let factory = fixture::aicpo();
        let model = factory.checked.model();
        let file = agent_file(model, RoleId(1), "# P\n\nfactory: x\n");
        let unmarked = file
            .lines()
            .filter(|line| !line.starts_with("factory: \""))
            .collect::<Vec<_>>()
            .join("\n");
        for (text, then) in [
            (file.clone(), Owner::Ours),
            (file.replace('\n', "\r\n"), Owner::Ours),
            (file.replace("# P", "# Q"), Owner::Edited),
            (
                file.replace("tools: Read", "tools: Bash, Read"),
                Owner::Edited,
            ),
            (format!("\u{feff}{file}"), Owner::Edited),
            (format!("{file}\n"), Owner::Edited),
            (unmarked, Owner::Other),
            (
                "---\nname: x\n---\nfactory: sha256 0000000000000000\n".to_owned(),
                Owner::Other,
            ),
            (String::new(), Owner::Other),
        ] {
            assert_eq!(owner(&text), then, "{text}");
        }
        assert_eq!(name_of(&file), Some(model.roles[1].name.value.as_str()));
        assert_eq!(name_of("---\r\nname: 'x' # mine\r\n---\r\n"), Some("x"));
    }

    #[test]
    fn front_matter_is_safe_whatever_the_words() {
        for (text, then) in [
            ("a \"b\": c # d\u{7f}", "\"a \\\"b\\\": c # d \""),
            ("ä\\", "\"ä\\\\\""),
        ] {
            assert_eq!(quoted(text), then);
        }
        assert_eq!(
            (scalar("claude-opus-5.5"), scalar("no"), scalar("a:b")),
            (
                "claude-opus-5.5".to_owned(),
                "\"no\"".to_owned(),
                "\"a:b\"".to_owned()
            )
        );
    }
}
