//! The hooks in the client's settings.

use serde_json::{Map, Value, json};

use crate::{
    client::{agent_hook_command, hook_command, quoted},
    emit::artifact::Entry,
};

/// By these words a hook of ours is known again after someone has changed it.
pub(super) const GUARD: &str = "factory guard";
const RULES: &str = "factory rules";

/// Far above what the guard needs: a hook that is too slow lets the tool run.
const TIMEOUT: u32 = 60;

// The client puts CLAUDE.md into the first message, and that is what a compaction sums up. A role is
// told by a member of the input, as the guard's hook tells it. What holds for it is the plan's to say:
// an adopted prompt names no rules, and nothing holds a role that is only observed. Nothing depends on
// this hook: where it fails, the boundary holds as before. The quotes keep it from being taken for the guard's hook.
const BRING_RULES: &str = r#"# factory rules
input=$(cat) || exit 0
case $input in
  *[!\\]\"agent_type\"[:\ ]*) ;;
  *) exit 0;;
esac
command -v factory >/dev/null 2>&1 && printf "%s" "$input" | factory "guard" --context
case $input in
  *[!\\]\"source\":*\"compact\"*) cat "${CLAUDE_PROJECT_DIR:-.}/CLAUDE.md" 2>/dev/null;;
esac
exit 0"#;

/// Returns the entries of the settings: the guard before every tool, and the rules whenever a role's
/// session starts, goes on, or was compacted.
pub(super) fn entries() -> Vec<Entry> {
    let guard = hook("*", &hook_command());
    let rules = hook("startup|resume|clear|compact", &rules_command());
    vec![
        Entry::item(&["hooks", BEFORE_TOOLS], guard, GUARD),
        Entry::item(&["hooks", "SessionStart"], rules, RULES),
    ]
}

/// Returns the hooks in the file of the agent that the client calls `agent`: those that its owner wrote,
/// and the guard before every tool.
///
/// The client reads a project's settings in the folder alone that a session starts in, and agent files in
/// every folder above it too. Nothing where the owner's hooks are something else than hooks.
pub(super) fn of_agent(agent: &str, own: Option<Value>) -> Option<Value> {
    let mut hooks = match own {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(hooks)) => hooks,
        Some(_) => return None,
    };
    let before = hooks.entry(BEFORE_TOOLS).or_insert_with(|| json!([]));
    let items = before.as_array_mut()?;
    items.insert(0, hook("*", &agent_hook_command(agent)));
    Some(Value::Object(hooks))
}

/// Returns the hooks of an agent file without the guard; nothing where none are left.
pub(super) fn without_guard(hooks: Value) -> Option<Value> {
    let Value::Object(mut hooks) = hooks else {
        return Some(hooks);
    };
    if let Some(Value::Array(items)) = hooks.get_mut(BEFORE_TOOLS) {
        items.retain(|item| !item.to_string().contains(GUARD));
        if items.is_empty() {
            hooks.remove(BEFORE_TOOLS);
        }
    }
    (!hooks.is_empty()).then_some(Value::Object(hooks))
}

/// Returns whether the hook of the guard stands in these settings.
pub(super) fn has_guard(settings: &Value) -> bool {
    let items = settings
        .get("hooks")
        .and_then(|hooks| hooks.get(BEFORE_TOOLS));
    let items = items.and_then(Value::as_array);
    items.is_some_and(|items| items.contains(&hook("*", &hook_command())))
}

const BEFORE_TOOLS: &str = "PreToolUse";

fn hook(matcher: &str, command: &str) -> Value {
    json!({
        "matcher": matcher,
        "hooks": [{ "type": "command", "command": command, "timeout": TIMEOUT }],
    })
}

fn rules_command() -> String {
    format!("sh -c {}", quoted(BRING_RULES))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs,
        io::Write as _,
        os::unix::fs::PermissionsExt as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_role_gets_its_rules_back_and_a_person_gets_nothing() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("CLAUDE.md"), "# Mine\n").unwrap();
        // A stand-in for the guard, that says how it was called.
        let guard = project.path().join("factory");
        fs::write(&guard, "#!/bin/sh\necho \"$* was given $(cat)\"\n").unwrap();
        fs::set_permissions(&guard, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", project.path().display());
        let said = |input: &str| {
            let mut child = Command::new("/bin/sh")
                .args(["-c", &rules_command()])
                .env_clear()
                .env("PATH", &path)
                .env("CLAUDE_PROJECT_DIR", project.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(input.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{input}");
            String::from_utf8(output.stdout).unwrap()
        };
        for (input, reminded, whole) in [
            (r#"{"agent_type":"qa","source":"startup"}"#, true, false),
            (r#"{"agent_type":"qa","source":"compact"}"#, true, true),
            (r#"{"agent_type": "qa", "source": "compact"}"#, true, true),
            (r#"{"source":"compact"}"#, false, false),
            (
                r#"{"cwd":"/a/\"agent_type\":","source":"compact"}"#,
                false,
                false,
            ),
            ("", false, false),
        ] {
            let text = said(input);
            let given = format!("guard --context was given {input}\n");
            assert_eq!(text.starts_with(&given), reminded, "{input}: {text}");
            assert_eq!(text.contains("# Mine"), whole, "{input}: {text}");
        }
        fs::remove_file(project.path().join("CLAUDE.md")).unwrap();
        assert!(said(r#"{"agent_type":"qa","source":"compact"}"#).contains("--context"));
        // Where nobody knows what holds, nothing is said of it.
        fs::remove_file(guard).unwrap();
        assert_eq!(said(r#"{"agent_type":"qa","source":"compact"}"#), "");
    }
}
