//! What a gate sees besides files, and what of that counts.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::PathBuf, time::SystemTime};

use super::{Project, project::Did};

fn tool(project: &Project, name: &str, text: &str) -> PathBuf {
    let folder = project.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let place = folder.join(name);
    fs::write(&place, text).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    PathBuf::from(path)
}

#[test]
fn a_variable_that_is_not_declared_is_not_visible() {
    let mut project = Project::with_command("env", "");
    project.env("HIDDEN", Some("1"));
    project.runs_once();
    let said = project.verdict()["stdout"].to_string();
    assert!(
        !said.contains("HIDDEN") && said.contains("CI=true"),
        "{said}"
    );
    project.env("HIDDEN", Some("2"));
    project.replays();
}

#[test]
fn a_declared_variable_counts_and_unset_is_not_empty() {
    let mut project = Project::with_command("echo \"${RAILS_ENV-unset}\"", "    env \"RAILS_ENV\"");
    let cases = [
        (None, "unset\n"),
        (Some(""), "\n"),
        (Some("test"), "test\n"),
        (Some("two\nlines"), "two\nlines\n"),
    ];
    for (value, said) in cases {
        project.env("RAILS_ENV", value);
        project.runs_once();
        assert_eq!(project.verdict()["stdout"], said);
    }
    project.env("RAILS_ENV", None);
    project.replays();
}

#[test]
fn a_wildcard_declares_what_it_matches() {
    let mut project = Project::new("    env \"VITE_*\"");
    project.runs_once();
    project.env("VITE_A", Some("1"));
    project.runs_once();
    project.env("VITE_B", Some(""));
    project.runs_once();
    project.env("VITE_A", None);
    project.runs_once();
    project.env("OTHER", Some("1"));
    project.replays();
}

#[test]
fn the_name_of_a_place_does_not_count() {
    let mut project = Project::new("");
    project.runs_once();
    let home = project.home().join("another");
    fs::create_dir(&home).unwrap();
    project.env("HOME", home.to_str());
    project.env("LANG", Some("de_DE.UTF-8"));
    project.env("TERM", Some("xterm"));
    project.replays();
}

#[test]
fn a_program_on_the_path_counts_by_its_content() {
    let mut project = Project::with_command("lint", "");
    let path = tool(&project, "lint", "#!/bin/sh\necho 1\n");
    let lint = project.home().join("bin/lint");
    project.env("PATH", path.to_str());
    project.runs_once();
    // Its time and size are put back, its content is another.
    let time = fs::metadata(&lint).unwrap().modified().unwrap();
    fs::write(&lint, "#!/bin/sh\necho 2\n").unwrap();
    fs::File::open(&lint).unwrap().set_modified(time).unwrap();
    project.runs_once();
    fs::File::open(&lint)
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    project.replays();
    // The same content in another place is the same program.
    let other = project.home().join("elsewhere");
    fs::create_dir(&other).unwrap();
    fs::copy(&lint, other.join("lint")).unwrap();
    let path = format!("{}:{}", other.display(), std::env::var("PATH").unwrap());
    project.env("PATH", Some(&path));
    project.replays();
}

#[test]
fn a_tool_that_says_another_thing_is_a_miss_and_one_that_fails_is_an_error() {
    let mut project = Project::new("    tool \"lint --version\"");
    let path = tool(&project, "lint", "#!/bin/sh\necho 1\n");
    project.env("PATH", path.to_str());
    project.runs_once();
    tool(&project, "lint", "#!/bin/sh\necho 2\n");
    project.runs_once();
    tool(
        &project,
        "lint",
        "#!/bin/sh\necho 2; echo broken >&2; exit 1\n",
    );
    let verdict = project.verdict();
    assert_eq!(verdict["verdict"], "broken");
    assert!(
        verdict["reason"]
            .as_str()
            .unwrap()
            .contains("exited with 1: broken"),
        "{verdict}"
    );
    assert_eq!(project.runs(), 2);
}

#[test]
fn what_depends_on_more_than_files_is_keyed_by_a_command_or_runs() {
    let project = Project::new("    external \"postgres\"");
    for _ in 0..2 {
        assert!(project.notes().contains("depends on `postgres`"));
    }
    assert_eq!(project.runs(), 2);
    let state = project.home().join("state");
    let project = Project::new(&format!(
        "    external \"postgres\" key=\"cat {}\"",
        state.display()
    ));
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    fs::write(&state, "1").unwrap();
    project.runs_once();
    fs::write(&state, "2").unwrap();
    project.runs_once();
}

#[test]
fn another_command_is_a_miss_and_another_title_is_not() {
    let project = Project::new("    inputs \"a.txt\"");
    project.runs_once();
    project.gate(
        "true",
        "    inputs \"a.txt\"\n    title \"Another\"\n    timeout \"9m\"",
    );
    project.replays();
    project.gate("true ", "    inputs \"a.txt\"");
    project.runs_once();
    project.gate("true", "    inputs \"a.txt\"\n    outputs \"made/**\"");
    project.runs_once();
}

#[test]
fn the_gate_is_asked_as_the_spec_says_now() {
    let project = Project::with_command("echo old", "    inputs \"a.txt\"");
    assert!(project.factory(&["build"]).status.success());
    project.runs_once();
    project.gate("echo new", "    inputs \"a.txt\"");
    assert_eq!(project.verdict()["stdout"], "new\n");
}

#[test]
fn a_secret_counts_and_appears_nowhere() {
    let mut project = Project::new("    env \"API_TOKEN\" \"DATABASE_URL\"");
    project.env("API_TOKEN", Some("hunter2hunter2"));
    project.env(
        "DATABASE_URL",
        Some("postgres://me:swordfish@example.org/db"),
    );
    project.runs_once();
    for file in project.cached("") {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("hunter2") && !text.contains("swordfish"),
            "{}",
            file.display()
        );
    }
    project.env("API_TOKEN", Some("hunter3hunter3"));
    project.runs_once();
    let said = String::from_utf8(project.factory(&["why", "--json"]).stdout).unwrap();
    assert!(!said.contains("hunter"), "{said}");
    // An output that shows it is not kept.
    project.gate("echo $API_TOKEN", "    env \"API_TOKEN\"");
    for _ in 0..2 {
        assert!(project.notes().contains("shows the value of `API_TOKEN`"));
    }
    for file in project.cached("") {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains("hunter"));
    }
}

#[test]
fn a_gate_that_fails_for_want_of_a_variable_is_told_which() {
    let mut project =
        Project::with_command("test -n \"$GEM_HOME\" && test -n \"$BUNDLE_PATH\"", "");
    for name in ["AAA", "GEM_HOME", "BUNDLE_PATH", "ZZZ"] {
        project.env(name, Some("/x"));
    }
    let notes = project.notes();
    assert!(
        notes.contains("it passes with GEM_HOME and BUNDLE_PATH, which")
            || notes.contains("it passes with BUNDLE_PATH and GEM_HOME, which"),
        "{notes}"
    );
    // What fails anyhow wants nothing, and a secret is not tried.
    project.gate("exit 3", "");
    assert!(!project.notes().contains("hidden"));
    project.gate("test -n \"$MY_SECRET\"", "");
    project.env("MY_SECRET", Some("x"));
    assert!(!project.notes().contains("MY_SECRET"));
}

#[test]
fn a_file_beyond_the_project_counts_by_its_content() {
    for (command, path) in [
        ("sh ../script", "script"),
        ("cat {home}/script </dev/null", "script"),
        ("cd sub && cat ../../script", "script"),
        ("test ! -e ../new || true", "new"),
    ] {
        let project = Project::with_command("true", "");
        let place = project.home().join(path);
        project.write("sub/x", "");
        if path == "script" {
            fs::write(&place, "true\n").unwrap();
        }
        let home = project.home().to_str().unwrap().to_owned();
        project.gate(&command.replace("{home}", &home), "");
        project.runs_once();
        fs::write(&place, "true #\n").unwrap();
        project.runs_once();
    }
    // What the gate itself makes there is no state that it was asked in.
    let project = Project::with_command("cat ../state 2>/dev/null; touch ../state", "");
    assert!(
        project
            .notes()
            .contains("`../state (not executable)` changed while it ran")
    );
}

#[test]
fn a_folder_beyond_the_project_is_never_kept() {
    for command in [
        "ls ../beside",
        "cat ../beside/*",
        "cat \"../beside/$CI\" || true",
        "cd .. && ls",
    ] {
        let project = Project::with_command(command, "");
        fs::create_dir(project.home().join("beside")).unwrap();
        fs::write(project.home().join("beside/x"), "").unwrap();
        for _ in 0..2 {
            let notes = project.notes();
            assert!(
                notes.contains("leads to a folder beyond the project"),
                "{command}: {notes}"
            );
        }
        assert_eq!(project.runs(), 2, "{command}");
        let said = String::from_utf8(project.factory(&["why"]).stdout).unwrap();
        assert!(said.contains("would run: `"), "{said}");
    }
    // There and back within the project is no way out.
    let project = Project::with_command("cd sub && ls && cd .. && ls >/dev/null", "");
    project.write("sub/x", "");
    project.runs_once();
}

#[test]
fn a_program_that_cannot_be_read_is_never_kept() {
    let mut project = Project::with_command("lint", "");
    let path = tool(&project, "lint", "\u{7f}");
    fs::copy("/bin/true", project.home().join("bin/lint")).unwrap();
    let lint = project.home().join("bin/lint");
    fs::set_permissions(&lint, fs::Permissions::from_mode(0o111)).unwrap();
    project.env("PATH", path.to_str());
    if fs::read(&lint).is_ok() {
        // Nothing can be kept from this user.
        return;
    }
    for _ in 0..2 {
        assert!(project.notes().contains("`lint (on PATH)` can't be read"));
    }
}

#[test]
fn programs_are_looked_for_as_the_shell_does() {
    let script = |project: &Project, place: &str, says: &str, mode: u32| {
        let place = project.home().join(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, format!("#!/bin/sh\n{says}\n")).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    };
    // What may not be executed is passed over.
    let mut project = Project::with_command("lint", "");
    script(&project, "early/lint", "exit 1", 0o644);
    script(&project, "late/lint", "true", 0o755);
    let usual = std::env::var("PATH").unwrap();
    let home = project.home().display().to_string();
    project.env("PATH", Some(&format!("{home}/early:{home}/late:{usual}")));
    project.runs_once();
    script(&project, "late/lint", "true #", 0o755);
    project.runs_once();
    // A folder that is relative, or empty, is meant from where the gate starts.
    for (path, place) in [("tools:", "tools/lint"), ("", "lint")] {
        let mut project = Project::with_command("lint", "    inputs \"a.txt\"");
        script(&project, &format!("project/{place}"), "true", 0o755);
        project.env("PATH", Some(&format!("{path}:{usual}")));
        project.runs_once();
        script(&project, &format!("project/{place}"), "true #", 0o755);
        project.runs_once();
    }
    // Also on the PATH that the command makes itself, and on none.
    let mut project = Project::with_command("", "");
    script(&project, "own/lint", "true", 0o755);
    let home = project.home().display().to_string();
    project.gate(&format!("PATH={home}/own:$PATH lint"), "");
    project.runs_once();
    script(&project, "own/lint", "true #", 0o755);
    project.runs_once();
    project.gate("echo \"$PATH\"", "");
    project.env("PATH", None);
    let said = project.verdict()["stdout"].to_string();
    assert!(said.contains("/usr/local/bin:"), "{said}");
}

#[test]
fn what_a_script_is_written_for_counts() {
    let mut project = Project::with_command("./check", "    inputs \"a.txt\"");
    let path = tool(&project, "ruler", "#!/bin/sh\ntrue\n");
    project.env("PATH", path.to_str());
    project.write("check", "#!/usr/bin/env ruler\n");
    project.mode("check", 0o755);
    project.runs_once();
    tool(&project, "ruler", "#!/bin/sh\ntrue #\n");
    project.runs_once();
}

#[test]
fn any_letter_may_be_in_the_name_of_a_program() {
    for name in [
        "my@tool", "my:tool", "my,tool", "my~tool", "my%tool", "my=tool",
    ] {
        let mut project = Project::with_command(&format!("'{name}'"), "");
        let path = tool(&project, name, "#!/bin/sh\ntrue\n");
        project.env("PATH", path.to_str());
        project.runs_once();
        tool(&project, name, "#!/bin/sh\ntrue #\n");
        assert_eq!(project.asks(), Did::Run, "{name}");
    }
}

#[test]
fn a_command_that_names_git_depends_on_its_state() {
    let project = Project::with_command("git log -1 --format=%s", "");
    project.runs_once();
    project.commit("second");
    project.runs_once();
    project.git(&["tag", "here"]);
    project.runs_once();
    let project = Project::with_command("git diff --cached --quiet", "    inputs \"b.txt\"");
    project.runs_once();
    project.set_modified("a.txt", SystemTime::now());
    project.git(&["status"]);
    project.replays();
    project.write("a.txt", "2");
    project.git(&["add", "-A"]);
    assert_eq!(project.verdict()["verdict"], "fail");
    // A command that does not is as it was.
    let project = Project::new("");
    project.runs_once();
    project.git(&["tag", "here"]);
    project.replays();
}

#[test]
fn a_tool_that_says_another_thing_afterwards_is_not_kept() {
    let project = Project::new("    tool \"cat version\"");
    for part in [
        "tool \"cat version\"",
        "external \"it\" key=\"cat version\"",
    ] {
        project.write(".gitignore", "version\n");
        project.write("version", "1");
        project.gate(
            "printf 2 >version",
            &format!("    {part}\n    inputs \"a.txt\""),
        );
        let notes = project.notes();
        assert!(
            notes.contains("`cat version` says something else"),
            "{notes}"
        );
        assert!(project.cached("records").is_empty());
    }
}

#[test]
fn a_tool_that_says_too_much_is_an_error() {
    let project = Project::new("    tool \"head -c 17000000 /dev/zero\"");
    let verdict = project.verdict();
    assert_eq!(verdict["verdict"], "broken");
    assert!(
        verdict["reason"]
            .to_string()
            .contains("more than can be compared")
    );
}

#[test]
fn a_tool_that_shows_a_secret_is_kept_as_nobody_can_guess() {
    let secret = "hunter2hunter2";
    let mut project = Project::new("    env \"API_TOKEN\"\n    tool \"echo $API_TOKEN\"");
    project.env("API_TOKEN", Some(secret));
    project.runs_once();
    let said = format!("{} {secret}\n", secret.len() + 1);
    let mut hash = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    hash.stdin
        .take()
        .unwrap()
        .write_all(said.as_bytes())
        .unwrap();
    let hash = String::from_utf8(hash.wait_with_output().unwrap().stdout).unwrap();
    for file in project.cached("records") {
        assert!(!fs::read_to_string(file).unwrap().contains(&hash[..64]));
    }
}

#[test]
fn secrets_are_told_by_names_and_by_looks() {
    let names = [
        "MYSQL_PWD",
        "COOKIE",
        "SENTRY_DSN",
        "SLACK_WEBHOOK",
        "DB_CREDS",
        "PASSPHRASE",
    ];
    let plain = names.map(|name| (name, "zzzzzzzz".to_owned()));
    // Put together here, so that nobody takes one for a real one.
    let looks = [
        ["gh", "p_a1B2a1B2a1B2a1B2"],
        ["AK", "IAIOSFODNN7EXAMPLE"],
        ["https://x0token", "value@example.org"],
    ];
    let looks = looks.map(|parts| ("PLAIN", parts.concat()));
    for (name, value) in plain.into_iter().chain(looks) {
        let mut project =
            Project::with_command(&format!("echo \"${name}\""), &format!("    env \"{name}\""));
        project.env(name, Some(&value));
        let notes = project.notes();
        assert!(
            notes.contains(&format!("shows the value of `{name}`")),
            "{name}: {notes}"
        );
        for file in project.cached("") {
            let bytes = fs::read(&file).unwrap();
            assert!(
                !String::from_utf8_lossy(&bytes).contains(&value),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn a_home_in_which_nothing_was_fetched_is_no_difference() {
    let project = Project::new("");
    project.runs_once();
    fs::create_dir(project.home().join(".cargo")).unwrap();
    project.replays();
}

#[test]
fn files_are_made_with_the_same_permissions_whoever_asks() {
    let project = Project::with_command("umask", "");
    project.runs_once();
    let said = project.verdict()["stdout"].to_string();
    assert!(said.contains("022"), "{said}");
    let factory = env!("CARGO_BIN_EXE_factory");
    let strict = std::process::Command::new("sh")
        .args(["-c", "umask 077; exec \"$0\" gate g --force --raw", factory])
        .current_dir(project.root())
        .env("FACTORY_CACHE_DIR", project.cache())
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&strict.stdout).contains("022"),
        "{strict:?}"
    );
}

#[test]
fn a_temporary_folder_that_is_not_there_is_replaced() {
    let mut project = Project::with_command("test -d \"$TMPDIR\"", "");
    project.env("TMPDIR", Some("/nonexistent"));
    project.runs_once();
}
