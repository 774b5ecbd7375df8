//! What the cache survives, and what it gives back.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Project, project::settle};

#[test]
fn both_streams_come_back_byte_for_byte_and_apart() {
    let project = Project::with_command(
        "printf 'o\\000\\377\\033[1mx'; printf 'e\\r\\n\\nlast' >&2",
        "",
    );
    let out = b"o\0\xff\x1b[1mx";
    for replayed in [false, true] {
        let said = project.factory(&["gate", "g", "--raw"]);
        assert_eq!(said.stdout, out);
        let err = String::from_utf8(said.stderr).unwrap();
        let rest = err.strip_prefix("e\r\n\nlast").unwrap();
        assert_eq!(
            rest.lines()
                .filter(|line| line.contains("replayed from 20"))
                .count(),
            usize::from(replayed),
            "{rest}"
        );
    }
    assert_eq!(project.runs(), 1);
}

#[test]
fn an_output_that_is_too_long_is_not_kept() {
    let project = Project::with_command("head -c 17000000 /dev/zero", "");
    assert!(project.notes().contains("too long"));
    assert!(project.cached("records").is_empty());
}

#[test]
fn whatever_is_damaged_is_a_miss_with_a_note() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let damages: [Damage; 6] = [
        |_| Vec::new(),
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        |_| b"{}".to_vec(),
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        },
        |mut bytes| {
            bytes.push(b'\n');
            bytes
        },
        |bytes| vec![0; bytes.len()],
    ];
    for kind in ["records", "blobs"] {
        for damage in damages {
            let project = Project::with_command("echo said", "");
            project.runs_once();
            for file in project.cached(kind) {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, damage(bytes)).unwrap();
            }
            let verify = project.factory(&["cache", "verify"]);
            assert_eq!(verify.status.code(), Some(1), "{verify:?}");
            let verdict = project.verdict();
            assert!(verdict["replayed"].is_null(), "{verdict}");
            assert!(
                verdict["notes"].to_string().contains("can't be used"),
                "{verdict}"
            );
            project.replays();
            assert!(project.factory(&["cache", "verify"]).status.success());
        }
    }
}

#[test]
fn missing_outputs_and_a_record_that_is_a_folder_are_misses() {
    let project = Project::with_command("echo said", "");
    project.runs_once();
    for blob in project.cached("blobs") {
        fs::remove_file(blob).unwrap();
    }
    project.runs_once();
    for record in project.cached("records") {
        fs::remove_file(&record).unwrap();
        fs::create_dir(&record).unwrap();
    }
    for _ in 0..2 {
        let verdict = project.verdict();
        assert_eq!(verdict["verdict"], "pass");
        assert!(
            verdict["notes"].to_string().contains("not kept"),
            "{verdict}"
        );
    }
}

#[test]
fn an_entry_under_another_name_is_no_hit() {
    let project = Project::new("");
    project.runs_once();
    let first = project.cached("records").remove(0);
    project.write("a.txt", "2");
    project.runs_once();
    let second = project
        .cached("records")
        .into_iter()
        .find(|record| *record != first)
        .unwrap();
    fs::copy(&first, &second).unwrap();
    project.runs_once();
}

#[test]
fn a_damaged_stat_index_is_made_anew() {
    let project = Project::new("");
    settle();
    project.runs_once();
    for damage in [&b""[..], b"factory-stats 1\n\xff\xff\xff\xff", &[0; 4096]] {
        for index in project.cached("stats") {
            fs::write(index, damage).unwrap();
        }
        project.replays();
        project.write("a.txt", "eno\n");
        assert!(project.verdict()["verdict"] == "pass");
        project.write("a.txt", "one\n");
        project.replays();
    }
}

#[test]
fn the_cache_may_be_deleted_at_any_time() {
    let project = Project::new("");
    for part in [
        "v1/records",
        "v1/blobs",
        "v1/stats",
        "v1/salt",
        "v1/locks",
        "v1/sweep",
        "v1",
        "",
    ] {
        project.runs_once();
        let place = project.cache().join(part);
        if place.is_dir() {
            fs::remove_dir_all(place).unwrap();
        } else {
            fs::remove_file(place).unwrap();
        }
        assert_eq!(project.verdict()["verdict"], "pass", "{part}");
        fs::remove_dir_all(project.cache()).ok();
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let mut project = Project::new("");
    fs::write(project.home().join("file"), "").unwrap();
    let place = project.home().join("file/cache");
    project.env("FACTORY_CACHE_DIR", place.to_str());
    for _ in 0..2 {
        let verdict = project.verdict();
        assert_eq!(verdict["verdict"], "pass");
        assert!(
            verdict["notes"]
                .to_string()
                .contains("it is not kept: cannot make"),
            "{verdict}"
        );
    }
    assert_eq!(project.runs(), 2);
    // A folder without permission, for whom that holds.
    project.env(
        "FACTORY_CACHE_DIR",
        project.cache().to_str().map(str::to_owned).as_deref(),
    );
    project.runs_once();
    for folder in ["v1/records", "v1/blobs", "v1/locks", "v1/stats", "v1"] {
        fs::set_permissions(
            project.cache().join(folder),
            fs::Permissions::from_mode(0o500),
        )
        .unwrap();
    }
    project.replays();
    project.write("a.txt", "2");
    assert_eq!(project.verdict()["verdict"], "pass");
    fs::set_permissions(
        project.cache().join("v1"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
}

#[test]
fn without_any_place_for_it_gates_run() {
    let mut project = Project::new("");
    project.env("FACTORY_CACHE_DIR", None).env("HOME", None);
    for _ in 0..2 {
        assert!(project.notes().contains("no folder is known for the cache"));
    }
    assert_eq!(project.runs(), 2);
}

#[test]
fn one_gate_that_is_started_twice_runs_once() {
    let project = Project::with_command("sleep 0.5; echo done", "");
    let children: Vec<_> = (0..4)
        .map(|_| project.spawn(&["gate", "g", "--raw"]))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, b"done\n");
    }
    assert_eq!(project.runs(), 1);
}

#[test]
fn the_next_one_runs_if_the_first_is_killed() {
    let project = Project::with_command("sleep 1", "");
    let mut first = project.spawn(&["gate"]);
    let end = Instant::now() + Duration::from_secs(20);
    while project.runs() == 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    let second = project.spawn(&["gate"]);
    thread::sleep(Duration::from_millis(100));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(second.wait_with_output().unwrap().status.success());
    assert_eq!(project.runs(), 2);
    project.replays();
}

#[test]
fn different_work_does_not_wait() {
    let mut project = Project::with_command("sleep 1", "    env \"WORK\"");
    let started = Instant::now();
    let mut children = Vec::new();
    for work in ["1", "2", "3"] {
        project.env("WORK", Some(work));
        children.push(project.spawn(&["gate"]));
    }
    // All three are at it before the first can be done.
    while project.runs() < 3 {
        assert!(started.elapsed() < Duration::from_mins(1));
        assert!(
            children
                .iter_mut()
                .all(|child| child.try_wait().unwrap().is_none())
        );
        thread::sleep(Duration::from_millis(5));
    }
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
}

#[test]
fn what_was_used_least_recently_goes_first_and_by_itself() {
    let mut project = Project::with_command("head -c 60000 /dev/urandom", "    inputs \"a.txt\"");
    project.env("FACTORY_CACHE_SIZE", Some("400KiB"));
    project.write("a.txt", "first");
    project.runs_once();
    for at in 0..20 {
        project.write("a.txt", at.to_string());
        assert_eq!(project.verdict()["verdict"], "pass");
        // The first stays in use.
        project.write("a.txt", "first");
        project.replays();
        thread::sleep(Duration::from_millis(5));
    }
    let bytes: u64 = project
        .cached("")
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    assert!(bytes < 450 * 1024, "{bytes}");
    assert!(project.factory(&["cache", "verify"]).status.success());
    project.write("a.txt", "0");
    assert!(project.verdict()["replayed"].is_null());
}

#[test]
fn what_nobody_uses_goes_with_time() {
    let mut project = Project::new("");
    project.runs_once();
    let old = SystemTime::now() - Duration::from_hours(72);
    for file in project
        .cached("records")
        .into_iter()
        .chain(project.cached("sweep"))
    {
        fs::File::open(file).unwrap().set_modified(old).unwrap();
    }
    project.env("FACTORY_CACHE_AGE", Some("2d"));
    project.write("b.txt", "3");
    project.runs_once();
    assert_eq!(project.cached("records").len(), 1);
}

#[test]
fn the_cache_is_looked_after() {
    let mut project = Project::with_command("echo said", "");
    project.runs_once();
    let stats = |project: &Project| -> serde_json::Value {
        serde_json::from_slice(&project.factory(&["cache", "stats", "--json"]).stdout).unwrap()
    };
    assert_eq!(stats(&project)["records"], 1);
    assert!(project.factory(&["cache", "verify"]).status.success());
    assert!(project.factory(&["cache", "gc"]).status.success());
    assert_eq!(stats(&project)["records"], 1);
    assert!(
        project
            .factory(&["cache", "gc", "--size", "1KiB"])
            .status
            .success()
    );
    assert_eq!(stats(&project)["records"], 0);
    project.runs_once();
    assert!(project.factory(&["cache", "clear"]).status.success());
    assert_eq!(stats(&project)["bytes"], 0);
    assert_eq!(
        project
            .factory(&["cache", "gc", "--size", "many"])
            .status
            .code(),
        Some(2)
    );
    project.env("FACTORY_CACHE_SIZE", Some("many"));
    assert_eq!(project.factory(&["gate"]).status.code(), Some(3));
}

#[test]
fn a_cache_that_is_copied_runs_nothing_elsewhere() {
    let mut project = Project::with_command("pwd >>where", "    inputs \"a.txt\"");
    project.runs_once();
    let copied = project.home().join("copied");
    let copy = Command::new("cp")
        .arg("-r")
        .arg(project.cache())
        .arg(&copied)
        .status();
    assert!(copy.unwrap().success());
    for file in project.cached("records") {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains(project.root().to_str().unwrap()), "{text}");
    }
    let other = project.home().join("other");
    project.git(&[
        "worktree",
        "add",
        "-q",
        other.to_str().unwrap(),
        "-b",
        "other",
    ]);
    let before = project.read("where");
    let first = project.root().to_owned();
    project.move_to(other);
    project.env("FACTORY_CACHE_DIR", copied.to_str());
    project.replays();
    project.write("a.txt", "2");
    project.runs_once();
    assert_eq!(fs::read_to_string(first.join("where")).unwrap(), before);
}

#[test]
fn only_the_owner_can_read_the_cache() {
    let project = Project::with_command("echo said", "");
    project.runs_once();
    let mode = fs::metadata(project.cache().join("v1"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn what_is_no_file_in_the_cache_is_never_waited_for() {
    type Replace = fn(&std::path::Path);
    let pipe: Replace = |place| {
        let made = Command::new("mkfifo").arg(place).status();
        assert!(made.unwrap().success());
    };
    let endless: Replace = |place| symlink("/dev/zero", place).unwrap();
    for replace in [pipe, endless] {
        let project = Project::with_command("echo said", "    env \"A_KEY\"");
        settle();
        project.runs_once();
        let key = project.verdict()["key"].as_str().unwrap().to_owned();
        let mut files = project.cached("");
        files.push(project.cache().join("v1/locks").join(key));
        for file in files {
            fs::remove_file(&file).ok();
            replace(&file);
            let verdict = project.verdict();
            assert_eq!(
                (&verdict["verdict"], &verdict["stdout"]),
                (&"pass".into(), &"said\n".into())
            );
            for args in [&["why"][..], &["cache", "verify"], &["cache", "stats"]] {
                project.factory(args);
            }
            assert_eq!(project.verdict()["verdict"], "pass");
        }
        assert!(project.factory(&["cache", "clear"]).status.success());
        assert!(project.cached("records").is_empty() && project.cached("locks").is_empty());
    }
}

#[test]
fn a_holder_that_stands_still_is_waited_for_no_longer_than_the_gate_may_take() {
    let project = Project::with_command("sleep 0.2", "    timeout \"2s\"");
    let mut first = project.spawn(&["gate"]);
    let end = Instant::now() + Duration::from_secs(20);
    while project.runs() == 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    let pid = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let output = project.factory(&["gate"]);
    kill_process(pid, Signal::CONT).unwrap();
    first.wait().unwrap();
    assert!(output.status.success());
    let (said, told) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let who = format!("process {}", first.id());
    assert!(told.contains(&format!("waiting for {who}")), "{told}");
    assert!(
        said.contains(&who) && said.contains("was not waited for"),
        "{said}"
    );
    assert_eq!(project.runs(), 2);
}

#[test]
fn damage_of_a_stat_index_is_found_too() {
    let project = Project::new("");
    settle();
    project.runs_once();
    for index in project.cached("stats") {
        let bytes = fs::read(&index).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&index, damaged).unwrap();
            let verify = project.factory(&["cache", "verify"]);
            assert_eq!(verify.status.code(), Some(1), "{at}: {verify:?}");
            assert!(String::from_utf8_lossy(&verify.stdout).contains("stats/"));
        }
        fs::write(&index, bytes).unwrap();
        assert!(project.factory(&["cache", "verify"]).status.success());
    }
}
