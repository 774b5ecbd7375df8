//! What a gate sees besides files, and what of that counts.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::SystemTime};

use super::Project;

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
