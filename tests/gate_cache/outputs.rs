//! What a gate makes: kept with its pass, put back when that is replayed.

use std::fs;

use super::Project;

const MAKE: &str = "mkdir -p dist/deep && cp a.txt dist/deep/a && chmod 640 dist/deep/a && \
    printf '#!/bin/sh\\n' >dist/run && chmod 755 dist/run && ln -sfn deep dist/link && : >dist/empty";

fn making() -> Project {
    let project = Project::with_command(MAKE, "    outputs \"dist/**\"");
    project.write(".gitignore", "dist/\n");
    project
}

fn assert_made(project: &Project) {
    assert_eq!(project.read("dist/deep/a"), project.read("a.txt"));
    assert_eq!(project.mode_of("dist/deep/a"), 0o640);
    assert_eq!(project.mode_of("dist/run"), 0o755);
    assert_eq!(project.read("dist/empty"), "");
    let link = fs::read_link(project.root().join("dist/link")).unwrap();
    assert_eq!(link.to_str(), Some("deep"));
}

#[test]
fn outputs_come_back_with_their_modes_and_links() {
    let project = making();
    project.runs_once();
    fs::remove_dir_all(project.root().join("dist")).unwrap();
    project.replays();
    assert_made(&project);
    // And those of a branch with the branch.
    project.write("a.txt", "other\n");
    project.runs_once();
    assert_made(&project);
    project.write("a.txt", "one\n");
    project.replays();
    assert_made(&project);
}

#[test]
fn tampered_outputs_are_put_right() {
    type Tamper = fn(&Project);
    let cases: [Tamper; 6] = [
        |project| project.write("dist/deep/a", "two\n"),
        |project| project.mode("dist/run", 0o644),
        |project| project.remove("dist/empty"),
        |project| {
            project.remove("dist/link");
            project.link("nowhere", "dist/link");
        },
        |project| {
            project.remove("dist/run");
            project.link("/bin/sh", "dist/run");
        },
        |project| project.write_unseen("dist/deep/a", "eno\n"),
    ];
    let project = making();
    project.runs_once();
    for tamper in cases {
        tamper(&project);
        project.replays();
        assert_made(&project);
    }
}

#[test]
fn outputs_as_they_were_are_not_touched() {
    let project = making();
    project.runs_once();
    let before = project.modified("dist/deep/a");
    project.replays();
    assert_eq!(project.modified("dist/deep/a"), before);
}

#[test]
fn an_output_that_is_none_of_its_own_makes_it_run() {
    let project = making();
    project.runs_once();
    project.write("dist/stale", "of another branch");
    let verdict = project.verdict();
    assert!(verdict["replayed"].is_null());
    assert!(
        verdict["notes"].to_string().contains("`dist/stale`"),
        "{verdict}"
    );
    assert_eq!(project.read("dist/stale"), "of another branch");
}

#[test]
fn nothing_outside_the_project_is_written() {
    let project = making();
    project.runs_once();
    let outside = project.home().join("outside");
    fs::create_dir_all(outside.join("deep")).unwrap();
    fs::write(outside.join("deep/a"), "mine\n").unwrap();
    fs::remove_dir_all(project.root().join("dist")).unwrap();
    project.link(outside.to_str().unwrap(), "dist");
    assert!(project.verdict()["replayed"].is_null());
    // The gate itself follows the link, as its owner has set it; putting back does not.
    project.gate("true", "    outputs \"dist/**\"");
    fs::write(outside.join("deep/a"), "mine\n").unwrap();
    project.verdict();
    project.verdict();
    assert_eq!(
        fs::read_to_string(outside.join("deep/a")).unwrap(),
        "mine\n"
    );
    // A pattern can't lead there either.
    project.gate("true", "    outputs \"../**\"");
    assert_eq!(project.factory(&["gate"]).status.code(), Some(3));
}

#[test]
fn a_damaged_output_in_the_store_makes_it_run() {
    let project = making();
    project.write("a.txt", "a content that is long enough to be found\n");
    project.runs_once();
    for blob in project.cached("blobs") {
        if fs::read_to_string(&blob).is_ok_and(|text| text.contains("long enough")) {
            fs::write(blob, "damage").unwrap();
        }
    }
    project.remove("dist/deep/a");
    let verdict = project.verdict();
    assert!(verdict["replayed"].is_null());
    assert!(
        verdict["notes"].to_string().contains("damaged"),
        "{verdict}"
    );
    assert_made(&project);
    project.remove("dist/deep/a");
    project.replays();
    assert_made(&project);
}

#[test]
fn an_output_that_is_no_file_is_not_kept() {
    let project = Project::with_command(
        "mkdir -p dist; mkfifo dist/pipe || true",
        "    outputs \"dist/**\"",
    );
    project.write(".gitignore", "dist/\n");
    assert!(
        project
            .notes()
            .contains("the output `dist/pipe` is no file")
    );
    assert!(project.cached("records").is_empty());
}

#[test]
fn an_output_that_git_does_not_ignore_is_an_input_too() {
    let project = Project::with_command("cp a.txt made.txt", "    outputs \"made.txt\"");
    assert!(project.notes().contains("`made.txt` (new)"));
    project.runs_once();
    // An edit by hand is an edit, and is not lost without a run of the gate.
    project.write("made.txt", "by hand");
    assert!(project.verdict()["replayed"].is_null());
}

#[test]
fn outputs_go_with_a_copy_of_the_project() {
    let mut project = making();
    project.runs_once();
    let other = project.home().join("other");
    project.commit("all");
    project.git(&[
        "worktree",
        "add",
        "-q",
        other.to_str().unwrap(),
        "-b",
        "other",
    ]);
    project.move_to(other);
    project.replays();
    assert_made(&project);
}

#[test]
fn what_a_killed_replay_leaves_is_no_output() {
    let project = making();
    // The number of a process that is over.
    let mut over = std::process::Command::new("true").spawn().unwrap();
    let number = over.id();
    over.wait().unwrap();
    let left = format!("dist/deep/.factory-put-back-{number}");
    project.runs_once();
    for _ in 0..2 {
        project.write(&left, "half of a fi");
        project.remove("dist/empty");
        project.replays();
        assert_made(&project);
        assert!(!project.root().join(&left).exists());
    }
    project.write(&left, "half of a fi");
    project.write("a.txt", "other\n");
    project.runs_once();
    assert!(!project.root().join(&left).exists());
}

#[test]
fn many_replays_at_once_run_nothing() {
    let project = Project::with_command(
        "mkdir -p dist; for i in $(seq 200); do echo $i >dist/$i; done",
        "    outputs \"dist/**\"",
    );
    project.write(".gitignore", "dist/\n");
    project.runs_once();
    for _ in 0..4 {
        fs::remove_dir_all(project.root().join("dist")).unwrap();
        let children: Vec<_> = (0..6).map(|_| project.spawn(&["gate", "g"])).collect();
        for child in children {
            assert!(child.wait_with_output().unwrap().status.success());
        }
        assert_eq!(
            fs::read_dir(project.root().join("dist")).unwrap().count(),
            200
        );
    }
    assert_eq!(project.runs(), 1);
}

#[test]
fn an_output_pattern_that_matches_nothing_is_told_every_time() {
    let project = Project::with_command(
        "mkdir -p dist; echo 1 >dist/x",
        "    outputs \"dist/**\" \"dits/**\"",
    );
    project.write(".gitignore", "dist/\n");
    for _ in 0..2 {
        let notes = project.notes();
        assert!(
            notes.contains("the output pattern `dits/**` matches nothing")
                && !notes.contains("`dist/**`"),
            "{notes}"
        );
    }
    assert_eq!(project.runs(), 1);
}

#[test]
fn a_link_in_the_way_of_outputs_is_not_kept() {
    let project = making();
    project.write(".gitignore", "dist\n");
    let outside = project.home().join("outside");
    fs::create_dir(&outside).unwrap();
    project.link(outside.to_str().unwrap(), "dist");
    for _ in 0..2 {
        assert!(project.notes().contains("`dist` is a link"));
    }
    assert!(project.cached("records").is_empty());
}

#[test]
fn a_secret_in_an_output_is_not_kept() {
    for make in [
        "printf '%s' \"$API_TOKEN\" >dist/x",
        "ln -sfn \"$API_TOKEN\" dist/x",
        ": >\"dist/$API_TOKEN\"",
    ] {
        let mut project = Project::with_command(
            &format!("mkdir -p dist; {make}"),
            "    outputs \"dist/**\"\n    env \"API_TOKEN\"",
        );
        project.write(".gitignore", "dist/\n");
        project.env("API_TOKEN", Some("hunter2hunter2"));
        let notes = project.notes();
        assert!(
            notes.contains("shows the value of `API_TOKEN`"),
            "{make}: {notes}"
        );
        for file in project.cached("") {
            let text = fs::read(&file).unwrap();
            assert!(
                !String::from_utf8_lossy(&text).contains("hunter2"),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn empty_folders_and_modes_of_folders_come_back() {
    let project = Project::with_command(
        "mkdir -p dist/empty/deep dist/closed; chmod 755 dist/closed; : >dist/closed/x; chmod 555 dist/closed; chmod 700 dist",
        "    outputs \"dist/**\"",
    );
    project.write(".gitignore", "dist/\n");
    project.runs_once();
    for _ in 0..2 {
        project.mode("dist/closed", 0o755);
        fs::remove_dir_all(project.root().join("dist")).unwrap();
        project.replays();
        assert!(project.root().join("dist/empty/deep").is_dir());
        assert_eq!(project.mode_of("dist/closed"), 0o555);
        assert_eq!(project.mode_of("dist"), 0o700);
        assert_eq!(project.read("dist/closed/x"), "");
    }
    // A folder more, in which nothing is, stands in nobody's way.
    fs::create_dir(project.root().join("dist/more")).unwrap();
    project.replays();
    project.mode("dist/closed", 0o755);
}
