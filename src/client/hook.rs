//! The shell text that the client runs before every tool call.
//!
//! The client lets a tool run where a hook fails in any way but exit 2, so whatever goes wrong here
//! has to become exit 2 for a role. For a person at the keyboard it must become nothing at all.

/// Returns the command of the hook in a project's settings.
///
/// The hook's input is on standard input. Where the `factory` on the PATH can't be run, or ends in
/// any other way than with 0 or 2, a role's call is refused and a person's passes. A role shows as a
/// member `"agent_type"` of the input; the same words inside a string are written `\"agent_type\"`
/// there, and are no member.
pub fn hook_command() -> String {
    format!("sh -c {}", quoted(WRAPPER))
}

// Told apart by the character before the quote: inside a string of the input it is a backslash.
const WRAPPER: &str = concat!(
    r#"input=$(cat) || exit 2; "#,
    r#"if command -v factory >/dev/null 2>&1; then "#,
    r#"printf "%s" "$input" | factory guard; code=$?; "#,
    r#"case $code in 0|2) exit $code;; esac; why="factory guard ended with $code"; "#,
    r#"else why="factory is not installed: cargo install factory"; fi; "#,
    r#"case $input in *[!\\]\"agent_type\"[:\ ]*) echo "refused: $why" >&2; exit 2;; esac"#,
);

/// Returns `word` as one word for a POSIX shell, whatever it holds.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'=' | b':')
    };
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write as _,
        os::unix::fs::PermissionsExt as _,
        process::{Command, Stdio},
    };

    use super::{hook_command, quoted};

    // Runs the hook as a client does; `factory` is the text of a stand-in on the PATH, if any.
    fn run(factory: Option<&str>, input: &str) -> (i32, String, String) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = factory {
            let program = folder.path().join("factory");
            fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut child = Command::new("/bin/sh")
            .args(["-c", &hook_command()])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(input.as_bytes()).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    const ROLE: &str = r#"{"session_id":"1","agent_type":"builder","tool_name":"Write"}"#;
    const PERSON: &str = r#"{"session_id":"1","tool_name":"Write"}"#;

    #[test]
    fn the_guard_is_given_the_input_and_its_answer_is_passed_on() {
        let asks = "cat; echo why >&2; exit 2";
        let input = "{\"a\":\"it's $HOME `x` \\\\ %s ä\"}";
        assert_eq!(run(Some(asks), input), (2, input.into(), "why\n".into()));
        let passes = r#"test "$1" = guard && cat >/dev/null && echo '{}'"#;
        assert_eq!(run(Some(passes), ROLE), (0, "{}\n".into(), String::new()));
    }

    #[test]
    fn a_failing_guard_blocks_roles_only() {
        for factory in [
            None,
            Some("exit 1"),
            Some("exit 101"),
            Some("kill -9 $$"),
            Some("exec /no/such/program"),
        ] {
            let (code, _, stderr) = run(factory, ROLE);
            assert_eq!(code, 2, "{factory:?}");
            assert!(stderr.contains("refused: factory"), "{factory:?}: {stderr}");
            assert_eq!(run(factory, PERSON).0, 0, "{factory:?}");
        }
        assert!(run(None, ROLE).2.contains("cargo install factory"));
    }

    #[test]
    fn a_role_is_told_by_a_member_of_the_input_and_not_by_words_in_a_string() {
        // (the hook's input, how the hook ends where there is no binary)
        let cases = [
            (r#"{"agent_type":"x"}"#, 2),
            (r#"{"a":1,"agent_type":"x"}"#, 2),
            (r#"{ "agent_type" : "x"}"#, 2),
            ("{\n\t\"agent_type\": \"x\"}", 2),
            (r#"{"tool_input":{"content":"{\"agent_type\":\"x\"}"}}"#, 0),
            (r#"{"tool_input":{"content":"\"agent_type\": "}}"#, 0),
            (r#"{"tool_input":{"content":"agent_type: x"}}"#, 0),
            ("", 0),
        ];
        for (input, code) in cases {
            assert_eq!(run(None, input).0, code, "{input}");
        }
    }

    #[test]
    fn a_quoted_word_comes_out_of_a_shell_as_it_went_in() {
        for word in ["", "a", "/a b/c", "it's", "$(x) `y` \\ \" * ~", "ä\n-z"] {
            let output = Command::new("/bin/sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
