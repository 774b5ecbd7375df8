//! What becomes of a verdict: kept, used once, or none.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Project, project::settle};

#[test]
fn a_file_that_changes_meanwhile_is_named_and_nothing_is_kept() {
    let cases = [
        ("echo late >>b.txt", "`b.txt` (changed)"),
        ("echo x >new.txt", "`new.txt` (new)"),
        ("rm -f b.txt", "`b.txt` (gone)"),
        ("chmod +x b.txt", "`b.txt` (changed)"),
        ("mv b.txt c.txt", "`c.txt` (new), `b.txt` (gone)"),
    ];
    for (command, named) in cases {
        let project = Project::with_command(command, "");
        let verdict = project.verdict();
        assert_eq!(verdict["verdict"], "pass", "{verdict}");
        assert!(verdict["notes"].to_string().contains(named), "{verdict}");
        project.git(&["reset", "-q", "--hard"]);
        project.git(&["clean", "-fdq"]);
        project.mode("b.txt", 0o644);
        assert!(project.verdict()["replayed"].is_null(), "{command}");
    }
}

#[test]
fn an_edit_by_someone_else_while_it_runs_is_seen() {
    let project = Project::with_command("sleep 0.4", "");
    let child = project.spawn(&["gate", "g", "--json"]);
    let end = Instant::now() + Duration::from_secs(20);
    while project.runs() == 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    project.write("a.txt", "meanwhile\n");
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.contains("`a.txt` (changed)"), "{said}");
    project.runs_once();
    project.write("a.txt", "one\n");
    // What was there when it started has no verdict either.
    project.runs_once();
}

#[test]
fn other_times_on_the_same_content_are_no_change() {
    let project = Project::with_command("touch b.txt; cat a.txt >c; rm c", "");
    project.runs_once();
}

#[test]
fn what_is_written_meanwhile_is_not_kept_though_it_is_as_it_was() {
    let cases = [
        ("cat a.txt >c; cat c >a.txt; rm c", "`a.txt`"),
        ("mv a.txt c; mv c a.txt", "`a.txt`"),
        ("mv deep gone; mv gone deep", "`deep`"),
        ("rm -r deep; mkdir deep; printf 1 >deep/in", "`deep`"),
    ];
    for (command, named) in cases {
        let project = Project::with_command(command, "");
        project.write("deep/in", "1");
        settle();
        for _ in 0..2 {
            let notes = project.notes();
            assert!(
                notes.contains("may have been something else") && notes.contains(named),
                "{command}: {notes}"
            );
        }
        assert_eq!(project.runs(), 2, "{command}");
    }
}

/// Waits until the gate is at work.
fn at_work(project: &Project) {
    let end = Instant::now() + Duration::from_secs(20);
    while project.runs() == 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_edit_that_someone_takes_back_meanwhile_is_seen() {
    let project = Project::with_command(
        "until test -e ../go; do sleep 0.01; done; grep -q good a.txt; r=$?; touch ../seen; \
         until test -e ../back; do sleep 0.01; done; exit $r",
        "",
    );
    project.write("a.txt", "bad\n");
    settle();
    let child = project.spawn(&["gate", "g", "--json"]);
    at_work(&project);
    project.write("a.txt", "good\n");
    fs::write(project.home().join("go"), "").unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while !project.home().join("seen").exists() && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    project.write("a.txt", "bad\n");
    fs::write(project.home().join("back"), "").unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        said.contains("\"verdict\": \"pass\"") && said.contains("`a.txt`"),
        "{said}"
    );
    assert!(project.cached("records").is_empty());
}

#[test]
fn a_failure_is_never_kept() {
    let project = Project::with_command("exit 3", "");
    for runs in 1..=3 {
        let verdict = project.verdict();
        assert_eq!(verdict["verdict"], "fail");
        assert!(verdict["notes"].to_string().contains("it exited with 3"));
        // Once to fail; what is hidden is no help, and was tried.
        assert!(project.runs() >= runs);
    }
    assert!(project.cached("records").is_empty());
}

#[test]
fn a_gate_that_is_mended_passes() {
    let project = Project::with_command("grep -q good a.txt", "");
    assert_eq!(project.verdict()["verdict"], "fail");
    project.write("a.txt", "good\n");
    project.runs_once();
    project.write("a.txt", "bad\n");
    assert_eq!(project.verdict()["verdict"], "fail");
}

#[test]
fn what_did_not_end_by_itself_is_no_pass() {
    for (command, parts, reason) in [
        ("kill -9 $$", "", "ended by signal 9"),
        ("kill -TERM $$", "", "ended by signal 15"),
        ("kill -PIPE $$", "", "ended by signal 13"),
        ("sleep 20", "    timeout \"1s\"", "longer than 1 seconds"),
    ] {
        let project = Project::with_command(command, parts);
        let verdict = project.verdict();
        assert_eq!(verdict["verdict"], "broken");
        assert!(verdict["reason"].to_string().contains(reason), "{verdict}");
        assert!(project.cached("records").is_empty());
    }
}

#[test]
fn an_interrupted_run_keeps_nothing() {
    for signal in [Signal::INT, Signal::KILL] {
        let project = Project::with_command("sleep 2", "");
        let child = project.spawn(&["gate"]);
        let end = Instant::now() + Duration::from_secs(20);
        while project.runs() == 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_ne!(child.wait_with_output().unwrap().status.code(), Some(0));
        assert!(project.cached("records").is_empty());
    }
}

#[test]
fn a_reader_that_leaves_changes_no_verdict() {
    let project = Project::with_command("seq 100000", "");
    let mut child = project.spawn(&["gate", "g", "--raw"]);
    drop(child.stdout.take());
    drop(child.stderr.take());
    child.wait().unwrap();
    project.replays();
}

#[test]
fn nobody_answers_a_gate_that_asks() {
    let project = Project::with_command("read answer || true; cat", "");
    project.runs_once();
}

#[test]
fn what_a_gate_leaves_running_writes_nothing_afterwards() {
    let project = Project::with_command("(sleep 0.5; echo late >>a.txt) & true", "");
    project.runs_once();
    thread::sleep(Duration::from_millis(700));
    assert_eq!(project.read("a.txt"), "one\n");
    project.replays();
}

#[test]
fn gates_that_feed_each_other_take_their_keys_in_order() {
    let project = Project::new("");
    project.write(
        "factory.kdl",
        "factory \"t\" spec=1\n\
         gate \"a-make\" { run \"mkdir -p made; cat a.txt >made/x\"; inputs \"a.txt\"; }\n\
         gate \"b-see\" { run \"cat made/x\"; inputs \"made/**\"; }\n",
    );
    for content in ["one", "two", "one"] {
        project.write("a.txt", content);
        fs::remove_dir_all(project.root().join("made")).ok();
        let said = project.factory(&["gate", "--raw", "--force"]);
        assert_eq!(String::from_utf8_lossy(&said.stdout), content);
        let said = project.factory(&["gate", "b-see", "--raw"]);
        assert_eq!(String::from_utf8_lossy(&said.stdout), content);
    }
}

#[test]
fn gates_are_asked_in_the_order_in_which_they_feed_each_other() {
    let project = Project::new("");
    project.write(
        "factory.kdl",
        "factory \"t\" spec=1\n\
         gate \"z-make\" { run \"mkdir -p made; cat a.txt >made/x\"; inputs \"a.txt\"; outputs \"made/**\"; }\n\
         gate \"m-name\" { run \"cat made/x >more\"; inputs \"b.txt\"; outputs \"more\"; }\n\
         gate \"b-see\" { run \"cat more\"; inputs \"more\"; }\n\
         gate \"a-alone\" { run \"true\"; inputs \"a.txt\"; }\n",
    );
    project.write(".gitignore", "made/\nmore\n");
    let asked = |args: &[&str]| -> Vec<String> {
        let said = project.factory(args).stdout;
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        let gates = said["gates"].as_array().unwrap().iter();
        gates
            .map(|gate| gate["gate"].as_str().unwrap().to_owned())
            .collect()
    };
    let fed = ["a-alone", "z-make", "m-name", "b-see"];
    assert_eq!(asked(&["gate", "--json"]), fed);
    assert_eq!(asked(&["why", "--json"]), fed);
    // Where they are named, that is the order.
    assert_eq!(
        asked(&["gate", "b-see", "z-make", "--json"]),
        ["b-see", "z-make"]
    );
}

#[test]
fn force_runs_and_keeps() {
    let project = Project::new("");
    project.runs_once();
    assert!(project.factory(&["gate", "--force"]).status.success());
    assert_eq!(project.runs(), 2);
    project.replays();
}
