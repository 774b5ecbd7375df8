//! `factory why`: what would happen now, and what has changed.

use std::fs;

use serde_json::{Value, json};

use super::{Project, project::settle};

fn why(project: &Project) -> Value {
    let output = project.factory(&["why", "g", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let gates: Value = serde_json::from_slice(&output.stdout).unwrap();
    gates["gates"][0].clone()
}

fn nearest(project: &Project) -> Value {
    let mut found = why(project);
    assert_eq!(found["standing"], "miss", "{found}");
    let mut nearest = found["nearest"].take();
    nearest
        .as_object_mut()
        .unwrap()
        .retain(|name, value| name != "started" && *value != json!([]) && *value != json!(false));
    nearest
}

#[test]
fn why_names_files_that_were_added_removed_and_changed() {
    let project = Project::new("");
    project.write("gone", "");
    project.write("mode", "");
    project.runs_once();
    assert_eq!(why(&project)["standing"], "hit");
    project.write("a.txt", "eno\n");
    project.write("new\n", "");
    project.remove("gone");
    project.mode("mode", 0o755);
    assert_eq!(
        nearest(&project),
        json!({"added": ["new\\n"], "removed": ["gone"], "changed": ["a.txt", "mode"]})
    );
    let said = String::from_utf8(project.factory(&["why", "g"]).stdout).unwrap();
    assert!(said.contains("file changed     a.txt\n"), "{said}");
}

#[test]
fn why_names_variables_tools_and_the_command() {
    let mut project =
        Project::new("    inputs \"a.txt\"\n    env \"NAME\" \"VITE_*\"\n    tool \"cat version\"");
    project.write("version", "1");
    project.env("NAME", Some("value-before"));
    project.runs_once();
    project
        .env("NAME", Some("value-after"))
        .env("VITE_X", Some("1"));
    project.write("version", "2");
    let said = nearest(&project);
    assert_eq!(
        said,
        json!({"variables": ["NAME", "VITE_X"], "tools": ["cat version"]})
    );
    let output = project.factory(&["why"]).stdout;
    assert!(!String::from_utf8_lossy(&output).contains("value-"));
    project
        .env("NAME", Some("value-before"))
        .env("VITE_X", None);
    project.write("version", "1");
    project.gate(
        "true  ",
        "    inputs \"a.txt\"\n    env \"NAME\" \"VITE_*\"\n    tool \"cat version\"",
    );
    assert_eq!(nearest(&project), json!({"definition": ["command"]}));
}

#[test]
fn why_compares_with_the_nearest_pass() {
    let project = Project::new("");
    project.runs_once();
    for path in ["a.txt", "b.txt", "c.txt"] {
        project.write(path, "changed");
    }
    project.runs_once();
    for path in ["a.txt", "b.txt"] {
        project.git(&["checkout", "-q", path]);
    }
    project.remove("c.txt");
    project.write("b.txt", "third");
    assert_eq!(nearest(&project), json!({"changed": ["b.txt"]}));
}

#[test]
fn why_tells_of_a_gate_that_never_passed_or_always_runs() {
    let project = Project::new("");
    let said = String::from_utf8(project.factory(&["why"]).stdout).unwrap();
    assert!(
        said.contains("g: miss; would run") && said.contains("no earlier pass"),
        "{said}"
    );
    let project = Project::new("    external \"postgres\"");
    assert_eq!(why(&project)["standing"], "always-runs");
    assert_eq!(project.factory(&["why", "nowhere"]).status.code(), Some(3));
}

#[test]
fn why_and_a_dry_run_change_nothing() {
    let project = Project::new("");
    let state = |project: &Project| -> Vec<(String, std::time::SystemTime, Vec<u8>)> {
        let mut files = project.cached("");
        files.extend([
            project.root().join("a.txt"),
            project.root().join(".git/index"),
        ]);
        let facts = files.into_iter().map(|file| {
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            (
                file.display().to_string(),
                modified,
                fs::read(file).unwrap(),
            )
        });
        facts.collect()
    };
    for edit in 0..2 {
        let before = state(&project);
        for args in [&["why"][..], &["gate", "-n"], &["gate", "-n", "--json"]] {
            assert!(project.factory(args).status.success());
        }
        assert_eq!(state(&project), before);
        project.runs_once();
        settle();
        project.write("a.txt", edit.to_string());
    }
    assert_eq!(project.runs(), 2);
}

#[test]
fn a_tool_that_fails_is_told() {
    let project = Project::new("    tool \"exit 3\"");
    let found = why(&project);
    assert_eq!(found["standing"], "broken");
    assert!(
        found["reason"].as_str().unwrap().contains("exited with 3"),
        "{found}"
    );
}
