//! The hooks in the client's settings.

use serde_json::{Value, json};

use crate::{
    client::{hook_command, quoted},
    emit::artifact::Entry,
};

/// By these words a hook of ours is known again after someone has changed it.
const GUARD: &str = "factory guard";
const RULES: &str = "factory rules";

/// Far above what the guard needs: a hook that is too slow lets the tool run.
const TIMEOUT: u32 = 60;

// The client puts CLAUDE.md into the first message, and that is what a compaction sums up. A role is
// told by a member of the input, as the guard's hook tells it. Nothing depends on this hook: where it
// fails, the boundary holds as before. The quotes keep it from being taken for the guard's hook.
const BRING_RULES: &str = r#"# factory rules
input=$(cat) || exit 0
case $input in
  *[!\\]\"agent_type\"[:\ ]*) ;;
  *) exit 0;;
esac
echo "Your rules, your boundary, and your gates are in your instructions, and hold in every turn."
echo "Read CLAUDE.md and your brief before you go on."
command -v factory >/dev/null 2>&1 && printf "%s" "$input" | factory "guard" --context
case $input in
  *[!\\]\"source\":*\"compact\"*) cat "${CLAUDE_PROJECT_DIR:-.}/CLAUDE.md" 2>/dev/null;;
esac
exit 0"#;

/// Returns the entries of the settings: the guard before every tool, and the rules whenever a role's
/// session starts, goes on, or was compacted.
pub(super) fn entries() -> Vec<Entry> {
    let hook = |matcher: &str, command: &str| -> Value {
        json!({
            "matcher": matcher,
            "hooks": [{ "type": "command", "command": command, "timeout": TIMEOUT }],
        })
    };
    let guard = hook("*", &hook_command());
    let rules = hook("startup|resume|clear|compact", &rules_command());
    vec![
        Entry::item(&["hooks", "PreToolUse"], guard, GUARD),
        Entry::item(&["hooks", "SessionStart"], rules, RULES),
    ]
}

fn rules_command() -> String {
    format!("sh -c {}", quoted(BRING_RULES))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs,
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_role_gets_its_rules_back_and_a_person_gets_nothing() {
        let project = tempfile::tempdir().unwrap();
        fs::write(project.path().join("CLAUDE.md"), "# Mine\n").unwrap();
        let said = |input: &str| {
            let mut child = Command::new("/bin/sh")
                .args(["-c", &rules_command()])
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
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
            assert_eq!(text.contains("your boundary"), reminded, "{input}: {text}");
            assert_eq!(text.contains("# Mine"), whole, "{input}: {text}");
        }
        fs::remove_file(project.path().join("CLAUDE.md")).unwrap();
        assert!(said(r#"{"agent_type":"qa","source":"compact"}"#).contains("your boundary"));
    }
}
