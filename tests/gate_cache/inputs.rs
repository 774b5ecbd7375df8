//! Which files count, and what of them.

use std::{
    ffi::OsStr,
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use rustix::fs::{Mode, OFlags, mkdirat, openat};

use super::{
    Project,
    project::{Did, settle},
};

#[test]
fn nothing_changed_is_a_hit() {
    let project = Project::new("");
    project.runs_once();
    project.replays();
}

#[test]
fn an_edit_of_the_same_size_is_a_miss() {
    let project = Project::new("");
    project.runs_once();
    settle();
    project.replays();
    project.write("a.txt", "eno\n");
    project.runs_once();
}

#[test]
fn an_edit_with_its_time_put_back_is_a_miss() {
    let project = Project::new("");
    settle();
    project.runs_once();
    project.write_unseen("a.txt", "eno\n");
    project.runs_once();
}

#[test]
fn a_touch_is_a_hit() {
    let project = Project::new("");
    project.runs_once();
    project.set_modified("a.txt", SystemTime::now() + Duration::from_secs(5));
    project.replays();
    project.set_modified("a.txt", SystemTime::UNIX_EPOCH);
    project.replays();
    project.set_modified("a.txt", SystemTime::UNIX_EPOCH - Duration::from_secs(100));
    project.replays();
}

#[test]
fn an_edit_under_a_time_in_the_future_is_a_miss() {
    let project = Project::new("");
    let future = SystemTime::now() + Duration::from_hours(24);
    project.set_modified("a.txt", future);
    project.runs_once();
    project.write("a.txt", "eno\n");
    project.set_modified("a.txt", future);
    project.runs_once();
}

#[test]
fn the_executable_bit_counts_and_other_bits_do_not() {
    let project = Project::new("");
    project.runs_once();
    project.mode("a.txt", 0o755);
    project.runs_once();
    project.mode("a.txt", 0o700);
    project.replays();
    project.mode("a.txt", 0o600);
    project.replays();
}

#[test]
fn a_rename_is_a_miss() {
    let project = Project::new("");
    project.runs_once();
    project.rename("a.txt", "c.txt");
    project.runs_once();
    project.rename("c.txt", "C.txt");
    project.runs_once();
}

#[test]
fn two_swapped_files_are_a_miss() {
    let project = Project::new("");
    let time = project.modified("a.txt");
    project.set_modified("b.txt", time);
    settle();
    project.runs_once();
    project.rename("a.txt", "c.txt");
    project.rename("b.txt", "a.txt");
    project.rename("c.txt", "b.txt");
    project.runs_once();
}

#[test]
fn content_that_moves_between_two_files_is_a_miss() {
    let project = Project::new("");
    project.write("x", "ab");
    project.write("y", "c");
    project.runs_once();
    project.write("x", "a");
    project.write("y", "bc");
    project.runs_once();
    project.rename("x", "xy");
    project.runs_once();
}

#[test]
fn a_new_file_a_deleted_one_and_an_empty_one_are_misses() {
    let project = Project::new("");
    project.runs_once();
    project.write("deep/in/new.txt", "");
    project.runs_once();
    project.write("deep/in/new.txt", "1");
    project.runs_once();
    project.remove("deep/in/new.txt");
    project.replays();
    project.remove("b.txt");
    project.runs_once();
}

#[test]
fn what_comes_into_a_folder_whose_time_is_put_back_is_a_miss() {
    let project = Project::new("");
    let before = SystemTime::now() - Duration::from_secs(100);
    for folder in [".", "deep"] {
        project.write(&format!("{folder}/old.txt"), "1");
        project.set_modified(folder, before);
        settle();
        project.runs_once();
        settle();
        project.replays();
        project.write(&format!("{folder}/new.txt"), "1");
        project.set_modified(folder, before);
        project.runs_once();
        project.remove(&format!("{folder}/old.txt"));
        project.set_modified(folder, before);
        project.runs_once();
        settle();
        project.replays();
    }
}

#[test]
fn a_file_that_becomes_a_folder_or_a_link_is_a_miss() {
    let project = Project::new("");
    project.runs_once();
    project.remove("a.txt");
    project.write("a.txt/in", "one\n");
    project.runs_once();
    fs::remove_dir_all(project.root().join("a.txt")).unwrap();
    project.write("c.txt", "one\n");
    project.link("c.txt", "a.txt");
    project.runs_once();
}

#[test]
fn an_edit_through_a_hard_link_is_a_miss() {
    let project = Project::new("");
    let outside = project.home().join("outside");
    fs::hard_link(project.root().join("a.txt"), &outside).unwrap();
    settle();
    project.runs_once();
    fs::write(outside, "eno\n").unwrap();
    project.runs_once();
}

#[test]
fn a_retargeted_link_is_a_miss() {
    let project = Project::new("");
    project.write("c.txt", "one\n");
    project.link("a.txt", "l");
    project.runs_once();
    project.remove("l");
    project.link("c.txt", "l");
    project.runs_once();
}

#[test]
fn what_a_link_shows_counts_where_it_is_an_input() {
    let project = Project::new("");
    project.write("deep/in.txt", "1");
    project.link("deep", "folder");
    project.runs_once();
    project.write("deep/in.txt", "2");
    project.runs_once();
}

#[test]
fn a_link_out_of_the_inputs_is_never_kept() {
    let project = Project::new("");
    let outside = project.home().join("outside");
    fs::write(&outside, "1").unwrap();
    project.link(outside.to_str().unwrap(), "l");
    for _ in 0..2 {
        assert!(project.notes().contains("`l` leads to what is no input"));
    }
    assert_eq!(project.runs(), 2);
    // Also where it leads to what git ignores.
    project.write(".gitignore", "made\n");
    project.write("made", "");
    project.remove("l");
    project.link("made", "l");
    assert!(project.notes().contains("`l` leads to what is no input"));
}

#[test]
fn links_in_a_circle_and_into_nothing_are_defined() {
    let project = Project::new("");
    project.link("two", "one");
    project.link("one", "two");
    project.link(".", "here");
    project.link("nowhere", "dangling");
    project.runs_once();
    // What a link leads to comes to be.
    project.write("nowhere", "");
    project.runs_once();
}

#[test]
fn pipes_and_sockets_are_seen_and_never_opened() {
    let project = Project::new("");
    project.runs_once();
    let made = Command::new("mkfifo")
        .arg(project.root().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    project.runs_once();
    let _socket = UnixListener::bind(project.root().join("socket")).unwrap();
    project.runs_once();
}

#[test]
fn a_file_that_cannot_be_read_is_no_hit() {
    let project = Project::new("");
    project.write("secret", "1");
    project.mode("secret", 0o000);
    if fs::read(project.root().join("secret")).is_ok() {
        // Nothing can be kept from this user.
        return;
    }
    for _ in 0..2 {
        assert!(project.notes().contains("cannot read `secret`"));
    }
    assert_eq!(project.runs(), 2);
}

#[test]
fn any_byte_in_a_name_is_a_name() {
    let names: [&[u8]; 9] = [
        b"new\nline",
        b"\xff\xfe",
        b"-rf",
        b"quote\"'",
        b" ",
        b"tab\t",
        b"\\",
        b"*?[x]",
        b"caf\xc3\xa9",
    ];
    for name in names {
        let project = Project::new("");
        let place = project.root().join(OsStr::from_bytes(name));
        fs::write(&place, "1").unwrap();
        project.runs_once();
        fs::write(&place, "2").unwrap();
        project.runs_once();
        fs::remove_file(&place).unwrap();
        project.runs_once();
    }
}

#[test]
fn names_that_are_shown_alike_are_not_the_same() {
    let project = Project::new("");
    fs::write(project.root().join(OsStr::from_bytes(b"\xff")), "1").unwrap();
    project.runs_once();
    project.rename("a.txt", "a");
    fs::rename(
        project.root().join(OsStr::from_bytes(b"\xff")),
        format!("{}/{}", project.root().display(), r"\xff"),
    )
    .unwrap();
    project.rename("a", "a.txt");
    project.runs_once();
}

#[test]
fn long_paths_and_deep_folders_are_inputs() {
    let project = Project::new("");
    let deep = format!("{}/x", vec!["d".repeat(50); 30].join("/"));
    project.write(&deep, "1");
    project.runs_once();
    project.write(&deep, "2");
    project.runs_once();
}

#[test]
fn an_ignored_file_is_no_input() {
    let project = Project::new("");
    project.write(".gitignore", "ignored/\n*.log\n");
    project.write("ignored/a", "1");
    project.runs_once();
    project.write("ignored/a", "2");
    project.write("x.log", "2");
    project.replays();
}

#[test]
fn an_ignore_rule_counts_as_it_is_now() {
    let project = Project::new("");
    project.write("build/x", "1");
    project.runs_once();
    // Not committed, and in force.
    project.write(".gitignore", "build/\n");
    project.runs_once();
    project.write("build/x", "2");
    project.replays();
    project.write(".gitignore", "build/*\n!build/x\n");
    project.runs_once();
    project.write("build/x", "3");
    project.runs_once();
}

#[test]
fn nested_ignore_files_and_the_repositorys_own_count() {
    let project = Project::new("");
    project.write("sub/.gitignore", "/x\n!y.log\n");
    project.write(".gitignore", "*.log\n");
    project.write(".git/info/exclude", "hidden\n");
    project.write("sub/y.log", "1");
    project.runs_once();
    project.write("sub/x", "1");
    project.write("hidden", "1");
    project.write("z.log", "1");
    project.replays();
    project.write("sub/y.log", "2");
    project.runs_once();
}

#[test]
fn a_tracked_file_that_is_ignored_is_an_input() {
    let project = Project::new("");
    project.write("kept.log", "1");
    project.commit("kept");
    project.write(".gitignore", "*.log\n");
    project.runs_once();
    project.write("kept.log", "2");
    project.runs_once();
}

#[test]
fn an_ignored_file_counts_where_a_pattern_names_it() {
    let project = Project::new("    inputs \"a.txt\" \"local.env\" \"dist/**\"");
    project.write(".gitignore", "local.env\ndist/\n");
    project.write("local.env", "1");
    project.write("dist/deep/x", "1");
    project.runs_once();
    project.write("local.env", "2");
    project.runs_once();
    project.write("dist/deep/x", "2");
    project.runs_once();
    project.write("dist/new", "");
    project.runs_once();
}

#[test]
fn what_git_is_told_to_overlook_is_seen() {
    let project = Project::new("");
    project.runs_once();
    project.git(&["update-index", "--assume-unchanged", "a.txt"]);
    project.git(&["update-index", "--skip-worktree", "b.txt"]);
    project.replays();
    project.write("a.txt", "eno\n");
    project.runs_once();
    project.write("b.txt", "owt\n");
    project.runs_once();
}

#[test]
fn staging_and_committing_change_nothing() {
    let project = Project::new("");
    project.write("a.txt", "2");
    project.write("new.txt", "");
    project.runs_once();
    project.git(&["add", "-A"]);
    project.replays();
    project.commit("new");
    project.replays();
    project.git(&["gc", "-q"]);
    project.replays();
}

#[test]
fn a_branch_there_and_back_is_a_hit() {
    let project = Project::new("");
    project.runs_once();
    project.git(&["switch", "-q", "-c", "other"]);
    project.write("a.txt", "other");
    project.commit("other");
    project.runs_once();
    project.git(&["switch", "-q", "main"]);
    project.replays();
    project.git(&["switch", "-q", "other"]);
    project.replays();
    project.write("b.txt", "stashed");
    project.runs_once();
    project.git(&["stash", "-q"]);
    project.replays();
}

#[test]
fn bytes_count_as_they_are_on_disk() {
    let project = Project::new("");
    project.git(&["config", "core.autocrlf", "true"]);
    project.runs_once();
    project.write("a.txt", "one\r\n");
    project.runs_once();
}

#[test]
fn a_work_tree_shares_what_is_known_and_runs_its_own() {
    let mut project = Project::with_command("pwd", "");
    project.runs_once();
    let other = project.home().join("other");
    project.git(&[
        "worktree",
        "add",
        "-q",
        other.to_str().unwrap(),
        "-b",
        "other",
    ]);
    project.move_to(other.clone());
    project.replays();
    project.write("a.txt", "other");
    let verdict = project.verdict();
    assert_eq!(
        verdict["stdout"],
        format!("{}\n", other.canonicalize().unwrap().display())
    );
}

#[test]
fn a_copy_elsewhere_shares_what_is_known_and_reads_its_own() {
    let mut project = Project::with_command("cat a.txt", "");
    project.runs_once();
    let copy = project.home().join("copy");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(project.root())
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    project.write("a.txt", "the first one changed\n");
    project.move_to(copy);
    project.replays();
    project.write("a.txt", "mine\n");
    assert_eq!(project.verdict()["stdout"], "mine\n");
}

#[test]
fn a_nested_repository_is_an_input_by_its_own_rules() {
    let project = Project::new("");
    project.write("inner/.gitignore", "made\n");
    project.write("inner/x", "1");
    project.runs_once();
    let init = Command::new("git")
        .args(["init", "-q"])
        .current_dir(project.root().join("inner"))
        .status();
    assert!(init.unwrap().success());
    project.replays();
    project.write("inner/made", "");
    project.replays();
    project.write("inner/x", "2");
    project.runs_once();
}

#[test]
fn a_submodule_is_an_input() {
    let project = Project::new("");
    let inner = project.home().join("inner");
    for args in [
        &["init", "-q", "-b", "main", inner.to_str().unwrap()][..],
        &[
            "-C",
            inner.to_str().unwrap(),
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        ],
    ] {
        project.git(args);
    }
    project.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        inner.to_str().unwrap(),
        "sub",
    ]);
    project.write("sub/x", "1");
    project.runs_once();
    project.write("sub/x", "2");
    project.runs_once();
}

#[test]
fn git_s_own_files_are_never_inputs() {
    let project = Project::new("    inputs \"**\"");
    project.runs_once();
    project.write(".git/description", "x");
    project.git(&["branch", "another"]);
    project.replays();
}

#[test]
fn a_project_outside_git_is_judged_by_its_files() {
    let project = Project::outside_git("true", "");
    project.write(".gitignore", "made\n");
    project.runs_once();
    project.write("made", "1");
    project.write("a.txt", "2");
    project.runs_once();
}

#[test]
fn a_project_below_the_top_is_under_the_rules_above() {
    let mut project = Project::outside_git("true", "");
    let above = project.home().to_path_buf();
    fs::write(above.join(".gitignore"), "made\nruns\ncache\n").unwrap();
    let init = Command::new("git")
        .args(["init", "-q"])
        .current_dir(&above)
        .status();
    assert!(init.unwrap().success());
    project.move_to(above.join("project"));
    project.runs_once();
    project.write("made", "1");
    project.replays();
    project.write("a.txt", "2");
    project.runs_once();
}

#[test]
fn patterns_narrow_what_counts_and_exceptions_too() {
    let project = Project::new("    inputs \"src/**/*.{js,ts}\" \"a.txt\"");
    project.write("src/x.js", "1");
    project.write("src/deep/y.ts", "1");
    project.runs_once();
    project.write("src/x.md", "");
    project.write("b.txt", "2");
    project.replays();
    project.write("src/deep/y.ts", "2");
    project.runs_once();
    project.write("src/.hidden.js", "");
    project.runs_once();
    project.write("src/deep/new.js", "");
    project.runs_once();
}

#[test]
fn patterns_tell_cases_apart() {
    let project = Project::new("    inputs \"src/**\"");
    project.write("src/x", "1");
    project.runs_once();
    project.write("SRC/x", "1");
    project.replays();
    project.rename("src/x", "src/X");
    project.runs_once();
}

#[test]
fn a_pattern_that_matches_nothing_is_told_every_time() {
    let project = Project::new("    inputs \"a.txt\" \"lib/**\"");
    for _ in 0..2 {
        assert!(
            project
                .notes()
                .contains("the input pattern `lib/**` matches no file")
        );
    }
    assert_eq!(project.runs(), 1);
    project.write("lib/x", "");
    project.runs_once();
    // With no input at all nothing is known of what the verdict depends on.
    let project = Project::new("    inputs \"scr/**\"");
    for _ in 0..2 {
        assert!(project.notes().contains("no input pattern matches a file"));
    }
    assert_eq!(project.runs(), 2);
}

#[test]
fn the_script_that_a_command_names_is_an_input() {
    let project = Project::with_command("sh bin/check.sh", "    inputs \"a.txt\"");
    project.write("bin/check.sh", "true\n");
    project.runs_once();
    project.write("bin/check.sh", "true #\n");
    project.runs_once();
}

#[test]
fn one_of_many_files_in_a_folder_is_seen() {
    let project = Project::new("");
    for at in 0..600 {
        project.write(&format!("many/{at:03}"), "1");
    }
    project.runs_once();
    settle();
    project.replays();
    project.write("many/599", "2");
    project.runs_once();
    symlink("600", project.root().join("many/601")).unwrap();
    project.runs_once();
}

#[test]
fn an_ignored_file_that_the_command_names_is_an_input() {
    let cases = [
        ("sh ./local", "", ""),
        ("cat local", "    inputs \"a.txt\"", ""),
        ("true", "    sealed \"local\"", ""),
        ("true", "", "workspace { copy \"local\" for=\"agents\"; }\n"),
    ];
    for (command, parts, top) in cases {
        let project = Project::with_command(command, parts);
        let spec = project.read("factory.kdl");
        project.write("factory.kdl", format!("{spec}{top}"));
        project.write(".gitignore", "local\n");
        project.write("local", "true\n");
        project.runs_once();
        project.write("local", "true #\n");
        project.runs_once();
    }
}

#[test]
fn what_a_gate_makes_is_no_input_by_its_name() {
    let project = Project::with_command(
        "mkdir -p out; cp a.txt out/x; cat out/x >log.txt",
        "    inputs \"a.txt\"\n    outputs \"out/**\"",
    );
    project.write(".gitignore", "out\nlog.txt\n");
    project.runs_once();
    project.remove("out/x");
    project.replays();
    // What is made, named, and no output is an input; so its pass is none of what was looked at.
    let project = Project::with_command("date +%N >made; cat made", "    inputs \"a.txt\"");
    project.write(".gitignore", "made\n");
    assert!(project.notes().contains("`made` (new)"));
}

#[test]
fn every_word_of_a_command_may_name_a_script() {
    let cases = [
        ("sh check", "check"),
        ("sh 'my check.sh'", "my check.sh"),
        ("sh my\\ check.sh", "my check.sh"),
        ("cd sub && sh ./run.sh", "sub/run.sh"),
        ("(cd sub; cat ../top)", "top"),
        ("true @args.txt", "args.txt"),
        ("true --config=x/y", "x/y"),
        ("true -Ix/y", "x/y"),
        ("cat cfg:a.ini", "cfg:a.ini"),
        ("sh -c 'cat x/y'", "x/y"),
        ("cat <in", "in"),
        ("cat '[x]'", "[x]"),
    ];
    for (command, path) in cases {
        let project = Project::with_command(command, "    inputs \"a.txt\"");
        fs::create_dir_all(project.root().join("sub")).unwrap();
        project.write("sub/run.sh", "true\n");
        for other in ["cfg:a.ini", "in", "[x]", "x/y"] {
            project.write(other, "true\n");
        }
        project.write(path, "true\n");
        project.runs_once();
        project.write(path, "true #\n");
        assert_eq!(project.asks(), Did::Run, "{command}");
    }
}

#[test]
fn a_link_on_the_way_to_a_named_file_is_an_input() {
    let project = Project::with_command("sh tools/run.sh", "    inputs \"a.txt\"");
    project.write("real/run.sh", "true\n");
    project.write("other/run.sh", "true\n");
    project.link("real", "tools");
    project.runs_once();
    project.write("real/run.sh", "true #\n");
    project.runs_once();
    project.remove("tools");
    project.link("other", "tools");
    project.runs_once();
    // Also where all of it is ignored, as what a package manager has fetched is.
    project.write(".gitignore", "node_modules/\n");
    project.write("node_modules/x/cli.sh", "true\n");
    fs::create_dir(project.root().join("node_modules/.bin")).unwrap();
    project.link("../x/cli.sh", "node_modules/.bin/x");
    project.gate("sh node_modules/.bin/x", "    inputs \"a.txt\"");
    project.runs_once();
    project.write("node_modules/x/cli.sh", "true #\n");
    project.runs_once();
    // What it leads to may be no input.
    project.remove("tools");
    project.link(project.home().to_str().unwrap(), "tools");
    project.gate("ls tools/project", "    inputs \"a.txt\"");
    for _ in 0..2 {
        assert!(
            project
                .notes()
                .contains("`tools` leads to what is no input")
        );
    }
}

#[test]
fn a_pattern_that_begins_at_a_link_has_the_link() {
    let project = Project::with_command("cat d/x", "    inputs \"d/**\" \"a.txt\"");
    project.write("real/x", "1");
    project.link("real", "d");
    project.write(".gitignore", "d\n");
    // The command names what is behind it, and so that counts; what else is there does not.
    project.runs_once();
    project.write("real/x", "2");
    project.runs_once();
    let project = Project::new("    inputs \"d/**\" \"a.txt\"");
    project.write("real/x", "1");
    project.link("real", "d");
    for _ in 0..2 {
        assert!(project.notes().contains("`d` leads to what is no input"));
    }
    project.gate("true", "    inputs \"d/**\" \"real/**\"");
    project.runs_once();
    project.write("real/x", "2");
    project.runs_once();
}

#[test]
fn a_link_through_what_is_no_input_is_never_kept() {
    let project = Project::with_command("cat l", "");
    let outside = project.home().join("out");
    fs::create_dir_all(outside.join("d")).unwrap();
    fs::create_dir_all(outside.join("src")).unwrap();
    fs::write(outside.join("src/a"), "outside").unwrap();
    project.write("src/a", "inside");
    project.write(".gitignore", "away\n");
    project.link(outside.join("d").to_str().unwrap(), "away");
    project.link("away/../src/a", "l");
    for content in ["1", "2"] {
        fs::write(outside.join("src/a"), content).unwrap();
        let verdict = project.verdict();
        assert_eq!(verdict["stdout"], content);
        assert!(
            verdict["notes"]
                .to_string()
                .contains("`l` leads to what is no input")
        );
    }
}

#[test]
fn an_empty_folder_is_no_input() {
    let project = Project::new("");
    project.runs_once();
    fs::create_dir(project.root().join("empty")).unwrap();
    project.replays();
}

#[test]
fn a_device_is_never_kept() {
    let project = Project::new("");
    let made = Command::new("mknod")
        .arg(project.root().join("device"))
        .args(["c", "1", "9"])
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        // Not everyone may make one.
        return;
    }
    for _ in 0..2 {
        assert!(project.notes().contains("`device` is a device"));
    }
    assert_eq!(project.runs(), 2);
}

#[test]
fn what_an_outer_repository_tracks_in_a_nested_one_stays_an_input() {
    let project = Project::new("");
    project.write("inner/data", "1");
    project.commit("inner");
    project.git(&["init", "-q", "inner"]);
    project.write("inner/.gitignore", "data\nmade\n");
    project.write("inner/made", "1");
    project.runs_once();
    project.write("inner/made", "2");
    project.replays();
    project.write("inner/data", "2");
    project.runs_once();
}

#[test]
fn a_sparse_index_tracks_what_is_below_its_folders() {
    let project = Project::new("");
    project.write("one/x", "1");
    project.write("two/deep/y", "1");
    project.commit("folders");
    project.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    project.git(&["sparse-checkout", "set", "one"]);
    project.write(".gitignore", "two\n");
    project.write("two/deep/y", "2");
    project.runs_once();
    project.write("two/deep/y", "3");
    project.runs_once();
}

#[test]
fn a_nested_repositorys_own_excludes_count() {
    let project = Project::new("");
    project.git(&["init", "-q", "inner"]);
    project.write("inner/x", "1");
    project.write("inner/.git/info/exclude", "/hidden\n");
    project.runs_once();
    project.write("inner/hidden", "1");
    project.replays();
    project.write("inner/x", "2");
    project.runs_once();
}

#[test]
fn a_folder_that_only_looks_like_a_repository_is_under_the_rules_above() {
    let project = Project::new("");
    project.write(".gitignore", "*.log\n");
    fs::create_dir_all(project.root().join("empty/.git")).unwrap();
    project.write("broken/.git", "nothing that leads anywhere");
    project.write("empty/x", "1");
    project.write("broken/x", "1");
    project.runs_once();
    for folder in ["empty", "broken"] {
        project.write(&format!("{folder}/y.log"), "1");
        project.replays();
        project.write(&format!("{folder}/x"), "2");
        project.runs_once();
    }
}

#[test]
fn the_users_own_ignore_file_is_not_asked() {
    let project = Project::new("");
    let own = project.home().join(".config/git");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("ignore"), "mine\n").unwrap();
    project.runs_once();
    project.write("mine", "1");
    project.runs_once();
}

#[test]
fn a_rule_without_end_hides_nothing() {
    let project = Project::new("");
    project.write(".gitignore", format!("{}x\n", "**/".repeat(30_000)));
    project.write("a/b/x", "1");
    project.runs_once();
    project.write("a/b/x", "2");
    project.runs_once();
}

#[test]
fn what_one_gate_cannot_look_at_is_nothing_to_another() {
    let project = Project::new("");
    project.write(
        "factory.kdl",
        "factory \"t\" spec=1\n\
         gate \"g\" { run \"echo x >>../runs\"; inputs \"a.txt\"; }\n\
         gate \"h\" { run \"true\"; inputs \"deep/**\"; }\n",
    );
    // Nobody can open what has too long a path.
    fs::create_dir(project.root().join("deep")).unwrap();
    let name = "d".repeat(200);
    let mut here = fs::File::open(project.root().join("deep")).unwrap();
    for _ in 0..25 {
        mkdirat(&here, &name, Mode::RWXU).unwrap();
        here = openat(&here, &name, OFlags::DIRECTORY, Mode::empty())
            .unwrap()
            .into();
    }
    for replayed in [false, true] {
        let said = project.factory(&["gate", "--json"]).stdout;
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        let notes = |at: usize| said["gates"][at]["notes"].to_string();
        assert_eq!(
            !said["gates"][0]["replayed"].is_null(),
            replayed,
            "{}",
            notes(0)
        );
        assert!(notes(1).contains("cannot read `deep/"), "{}", notes(1));
    }
    assert_eq!(project.runs(), 1);
}

#[test]
fn a_cache_in_the_project_is_no_input() {
    let mut project = Project::new("");
    for place in [".cache", "deep/in/cache"] {
        let place = project.root().join(place);
        project.env("FACTORY_CACHE_DIR", place.to_str());
        project.runs_once();
        fs::write(place.join("v1/records/x"), "").unwrap();
        project.replays();
    }
}

#[test]
fn a_file_that_grows_without_pause_ends_the_scan() {
    const MOST: u64 = 1 << 28;
    let project = Project::new("");
    let grown = fs::File::create(project.root().join("grows")).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let block = vec![b'x'; 1 << 20];
            let mut length = 0;
            while !stop.load(Ordering::Relaxed) {
                // It has an end, far away, for the sake of the disk. What is cut off takes a while, in which the
                // rest stands still: it is longer than can be read by then.
                if length == MOST {
                    length = MOST / 2;
                    grown.set_len(length).unwrap();
                    (&grown).seek(SeekFrom::Start(length)).unwrap();
                }
                (&grown).write_all(&block).unwrap();
                length += block.len() as u64;
            }
        });
        let verdict = project.verdict();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(verdict["verdict"], "pass");
        assert!(
            verdict["notes"].to_string().contains("`grows`"),
            "{verdict}"
        );
    });
}
