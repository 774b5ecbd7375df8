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

#[test]
fn why_says_what_outputs_do_to_a_hit() {
    let project = Project::with_command(
        "mkdir -p dist; echo 123456 >dist/x",
        "    outputs \"dist/**\"",
    );
    project.write(".gitignore", "dist/\n");
    project.runs_once();
    assert_eq!(why(&project)["puts_back"], false);
    project.remove("dist/x");
    let found = why(&project);
    assert_eq!(
        (&found["standing"], &found["puts_back"]),
        (&json!("hit"), &json!(true))
    );
    project.replays();
    project.write("dist/more", "");
    let found = why(&project);
    assert_eq!(found["standing"], "miss");
    assert!(
        found["reason"].to_string().contains("`dist/more`"),
        "{found}"
    );
    project.remove("dist/more");
    project.remove("dist/x");
    for blob in project.cached("blobs") {
        if fs::read(&blob).is_ok_and(|text| text == b"123456\n") {
            fs::write(blob, "garbage").unwrap();
        }
    }
    let found = why(&project);
    assert_eq!(found["standing"], "miss");
    assert!(found["reason"].to_string().contains("damaged"), "{found}");
}

#[test]
fn why_says_what_depends_on_another_gate() {
    let project = Project::new("");
    project.write(
        "factory.kdl",
        "factory \"t\" spec=1\n\
         gate \"make\" { run \"mkdir -p out; cp a.txt out/x\"; inputs \"a.txt\"; outputs \"out/**\"; }\n\
         gate \"see\" { run \"cat out/x\"; inputs \"out/**\"; }\n",
    );
    project.write(".gitignore", "out/\n");
    let standings = |args: &[&str]| -> Vec<String> {
        let said: Value = serde_json::from_slice(&project.factory(args).stdout).unwrap();
        let gates = said["gates"].as_array().unwrap().iter();
        gates
            .map(|gate| gate["standing"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(standings(&["why", "--json"]), ["miss", "depends"]);
    assert!(project.factory(&["gate"]).status.success());
    assert_eq!(standings(&["why", "--json"]), ["hit", "hit"]);
    fs::remove_dir_all(project.root().join("out")).unwrap();
    assert_eq!(standings(&["why", "--json"]), ["hit", "depends"]);
    assert_eq!(standings(&["gate", "-n", "--json"]), ["hit", "depends"]);
    // Asked alone it would find nothing there.
    assert_eq!(standings(&["why", "see", "--json"]), ["miss"]);
}

#[test]
fn why_looks_back_further_than_a_few_passes() {
    let project = Project::new("");
    project.runs_once();
    for at in 0..30 {
        project.write("c.txt", at.to_string());
        project.write("a.txt", at.to_string());
        assert_eq!(project.verdict()["verdict"], "pass");
    }
    project.remove("c.txt");
    project.write("a.txt", "one\n");
    project.write("b.txt", "third");
    assert_eq!(nearest(&project), json!({"changed": ["b.txt"]}));
}

#[test]
fn why_tells_for_what_a_pass_was_not_kept() {
    let project = Project::with_command("date +%N >made", "");
    project.write("made", "");
    for _ in 0..2 {
        project.write("made", "");
        assert_eq!(project.verdict()["verdict"], "pass");
    }
    project.write("made", "");
    let found = why(&project);
    assert_eq!(found["standing"], "miss");
    let reason = found["reason"].as_str().unwrap();
    assert!(
        reason.contains("was not kept: its inputs changed while it ran: `made` (changed)"),
        "{reason}"
    );
    // Once one is kept, that is over.
    project.gate("true", "");
    project.runs_once();
    assert_eq!(why(&project)["standing"], "hit");
}
