//! Agent files: front matter, and the compiled prompt as their body.
//!
//! The file carries the digest of its own content in a field that the client does not know and does
//! not read, so the prompt is not one byte longer than it was accepted.

use super::{hooks, tools};
use crate::{
    cache::Digest,
    emit::phrase::sentence,
    model::{Model, RoleId},
};

/// The field that holds the agent's hooks.
const HOOKS: &str = "hooks: ";

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
    let guard = hooks_of(model, id).map(|hooks| format!("{HOOKS}{hooks}\n"));
    let made = |key: &str| MADE.contains(&key) || key == "hooks" && guard.is_some();
    let kept = fields.filter(|field| !made(&field.key));
    let head: String = std::iter::once(head)
        .chain(kept.map(|field| field.lines("\n")))
        .chain(guard.clone())
        .collect();
    let source = &role.prompt.value;
    let digest = digits(&format!("---\n{head}---\n{prompt}"));
    let note = quoted(&format!(
        "sha256 {digest}, made by factory build: edit {source}, not this file"
    ));
    format!("---\n{head}{FIELD}{note}\n---\n{prompt}")
}

// The hooks of the role's file: its owner's, and the guard. Nothing where its owner's can't be kept beside
// the guard; then they stand alone.
fn hooks_of(model: &Model, id: RoleId) -> Option<serde_json::Value> {
    let agent = model.role(id).agent.as_ref();
    let has_own = agent.is_some_and(|agent| agent.head.field("hooks").is_some());
    let own = agent.and_then(|agent| agent.head.json("hooks"));
    if has_own && own.is_none() {
        return None;
    }
    hooks::of_agent(model.client_name(id), own)
}

/// Returns whether the file of the role has the guard's hook: so a session has it in whatever folder it
/// starts. An adopted file that keeps its bytes has not.
pub fn guards_itself(model: &Model, id: RoleId) -> bool {
    let role = model.role(id);
    !(role.agent.is_some() && role.verbatim) && hooks_of(model, id).is_some()
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

/// Returns the agent file `text` without the line that says that it was made here, and without the guard.
pub(in crate::emit) fn unmarked(text: &str) -> String {
    if owner(text) == Owner::Other {
        return text.to_owned();
    }
    let mut taken = false;
    let lines = text.split_inclusive('\n').filter_map(|line| {
        let mark = !taken && line.starts_with(FIELD) && line.contains("sha256 ");
        taken |= mark;
        let hooks = line.strip_prefix(HOOKS).filter(|_| !taken && !mark);
        match hooks.and_then(|hooks| serde_json::from_str(hooks).ok()) {
            Some(hooks) => hooks::without_guard(hooks).map(|hooks| format!("{HOOKS}{hooks}\n")),
            None => (!mark).then(|| line.to_owned()),
        }
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
            let file = file.trim_end_matches("# P\n").replace(digest, "[digest]");
            let guard = file.lines().find(|line| line.starts_with(HOOKS)).unwrap();
            let hooks: serde_json::Value =
                serde_json::from_str(guard.trim_start_matches(HOOKS)).unwrap();
            assert_eq!(
                hooks["PreToolUse"][0]["hooks"][0]["command"],
                crate::client::agent_hook_command(role)
            );
            file.replace(guard, "hooks: [guard]")
        };
        insta::assert_snapshot!(head("builder"), @r#"
        ---
        name: builder
        description: "Writes application code (Rails, Astro, Next.js)."
        tools: Read, Grep, Glob, Edit, Write, Bash, WebFetch
        model: claude-opus-5-5
        hooks: [guard]
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
    fn the_guard_stands_beside_the_hooks_of_an_adopted_file_and_goes_alone() {
        let spec = |field: &str, compile: &str| {
            format!(
                r#"factory "f" spec=1 {{ target "claude-code"; }}
model "m" id="claude-opus-5-5"
role "a" model="m" prompt="roles/a.md" {compile} {{
    description "Does it"
    agent ".claude/agents/a.md" {{ name; description; {field}; }}
}}"#
            )
        };
        let text = |spec: &str| {
            let factory = fixture::Factory::of(spec, &[]);
            let model = factory.checked.model();
            let guards = guards_itself(model, RoleId(0));
            (agent_file(model, RoleId(0), "# P\n"), guards)
        };
        let own = r#"hooks as="hooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: say\n""#;
        let (file, guards) = text(&spec(own, ""));
        assert!(guards, "{file}");
        let hooks = file.lines().find(|line| line.starts_with(HOOKS)).unwrap();
        let hooks: serde_json::Value = serde_json::from_str(&hooks[HOOKS.len()..]).unwrap();
        assert_eq!(hooks["Stop"][0]["hooks"][0]["command"], "say");
        assert!(hooks["PreToolUse"][0].to_string().contains(hooks::GUARD));
        assert_eq!(owner(&file), Owner::Ours);
        let bare = unmarked(&file);
        assert!(!bare.contains("factory"), "{bare}");
        assert!(
            bare.contains(r#"hooks: {"Stop":[{"hooks":[{"command":"say","type":"command"}]}]}"#),
            "{bare}"
        );
        // Of a file without hooks of its own nothing is left but what was there.
        let factory = fixture::aicpo();
        let bare = unmarked(&agent_file(factory.checked.model(), RoleId(1), "# P\n"));
        assert!(
            !bare.contains("hooks:") && !bare.contains("factory guard"),
            "{bare}"
        );
        // What can't be read as hooks stands as it was, and the guard is not beside it.
        let (file, guards) = text(&spec(r#"hooks "a" style="flow""#, ""));
        assert!(!guards && file.contains("hooks: [a]\n"), "{file}");
        assert!(!text(&spec(own, "compile=\"verbatim\"")).1);
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
