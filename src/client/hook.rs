//! The shell text that the client runs before every tool call.
//!
//! The client lets a tool run where a hook fails in any way but exit 2, so whatever goes wrong here
//! has to become exit 2 for a role. For a person at the keyboard it must become nothing at all.

/// How the guard ends for the hook where a call may go on. Another program that is called `factory`, and
/// a shell that can't start one, end in other ways.
pub const PASSED: u8 = 100;

/// How the guard ends for the hook where a call is refused.
pub const REFUSED: u8 = 102;

/// Returns the command of the hook in a project's settings.
///
/// The hook's input is on standard input. Where the `factory` on the PATH can't be run, or does not end as
/// the guard does, a role's call is refused and a person's passes. A role shows as a member
/// `"agent_type"` of the input; the same words inside a string are written `\"agent_type\"` there, and are
/// no member.
pub fn hook_command() -> String {
    // Told apart by the character before the quote: inside a string of the input it is a backslash.
    let role =
        r#"case $input in *[!\\]\"agent_type\"[:\ ]*) echo "refused: $why" >&2; exit 2;; esac"#;
    wrapped("", role)
}

/// Returns the command of the hook in the file of the agent that the client calls `agent`.
///
/// The client runs it for that agent alone, also where it does not read the project's settings; so
/// whatever goes wrong refuses the call.
pub fn agent_hook_command(agent: &str) -> String {
    let role = r#"echo "refused: $why" >&2; exit 2"#;
    wrapped(&format!(" --agent {}", quoted(agent)), role)
}

fn wrapped(arguments: &str, otherwise: &str) -> String {
    let text = format!(
        concat!(
            r#"input=$(cat) || exit 2; "#,
            r#"why="factory is not on the PATH: build it as its README says"; "#,
            r#"if command -v factory >/dev/null 2>&1; then "#,
            r#"said=$(printf "%s" "$input" | factory guard --hook{arguments}); code=$?; "#,
            r#"case $code in {passed}) printf "%s" "$said"; exit 0;; {refused}) exit 2;; esac; "#,
            r#"why="the factory on the PATH is not the guard, or failed: it ended with $code"; "#,
            r#"fi; {otherwise}"#,
        ),
        arguments = arguments,
        passed = PASSED,
        refused = REFUSED,
        otherwise = otherwise,
    );
    format!("sh -c {}", quoted(&text))
}

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

    use super::{PASSED, REFUSED, agent_hook_command, hook_command, quoted};

    // Runs the settings' hook as a client does; `factory` is the text of a stand-in on the PATH, if any.
    fn run(factory: Option<&str>, input: &str) -> (i32, String, String) {
        run_hook(&hook_command(), factory, input)
    }

    fn run_hook(hook: &str, factory: Option<&str>, input: &str) -> (i32, String, String) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = factory {
            let program = folder.path().join("factory");
            fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut child = Command::new("/bin/sh")
            .args(["-c", hook])
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
        let input = "{\"a\":\"it's $HOME `x` \\\\ %s ä\"}";
        let refuses = format!("cat; echo why >&2; exit {REFUSED}");
        let passes = format!("cat; exit {PASSED}");
        for (hook, arguments) in [
            (hook_command(), "guard --hook"),
            (agent_hook_command("it's"), "guard --hook --agent it's"),
        ] {
            let refused = run_hook(&hook, Some(&refuses), input);
            assert_eq!(refused, (2, String::new(), "why\n".into()));
            let passed = run_hook(&hook, Some(&passes), input);
            assert_eq!(passed, (0, input.into(), String::new()));
            let told = format!("cat >/dev/null; echo \"$*\"; exit {PASSED}");
            assert_eq!(run_hook(&hook, Some(&told), ROLE).1, arguments);
        }
    }

    #[test]
    fn another_program_of_that_name_refuses_roles_and_lets_people_be() {
        for other in [
            "exit 2",
            "exit 0",
            "echo usage >&2; exit 2",
            "echo '{}'; exit 1",
        ] {
            let (code, stdout, stderr) = run(Some(other), ROLE);
            assert_eq!((code, stdout.as_str()), (2, ""), "{other}");
            assert!(stderr.contains("not the guard"), "{other}: {stderr}");
            let (code, stdout, _) = run(Some(other), PERSON);
            assert_eq!((code, stdout.as_str()), (0, ""), "{other}");
            // In the file of an agent it is a role's call whatever the input says.
            let hook = agent_hook_command("builder");
            assert_eq!(run_hook(&hook, Some(other), PERSON).0, 2, "{other}");
        }
        assert_eq!(run_hook(&agent_hook_command("builder"), None, PERSON).0, 2);
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
            assert!(stderr.contains("refused: "), "{factory:?}: {stderr}");
            assert_eq!(run(factory, PERSON).0, 0, "{factory:?}");
        }
        let (_, _, stderr) = run(None, ROLE);
        assert!(
            stderr.contains("not on the PATH") && !stderr.contains("install"),
            "{stderr}"
        );
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
