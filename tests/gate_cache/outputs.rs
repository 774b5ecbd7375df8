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
