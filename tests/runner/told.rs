//! What its owner is told, and how they go on.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::project::{Project, TASK, said};

#[test]
fn a_new_file_that_an_include_takes_in_is_not_passed_over() {
    let project = Project::new("cat >/dev/null; echo two >app/b.txt");
    project.write("tasks/u.kdl", "never { write \"app/b.txt\"; }\n");
    let said = project.ends(&["exec"], 3);
    assert!(
        said.contains("tasks/u.kdl") && said.contains("factory build"),
        "{said}"
    );
    fs::remove_file(project.root().join("tasks/u.kdl")).unwrap();
    project.passes(&["exec"]);
}

#[test]
fn what_agents_say_does_not_steer_the_terminal() {
    let task = r#"task "t" {
        goal "Do it."
        step "build" role="builder" { item "Build"; }
        step "qa" role="qa" yields="verdict" { item "Judge"; after "build"; sends-back "build"; }
    }"#;
    let project = Project::with(
        r#"cat >/dev/null
case $FACTORY_STEP in
build) echo $FACTORY_ATTEMPT >app/n.txt
    case $FACTORY_ATTEMPT in
    1) : >"$(printf 'app/../docs/evil\033[2J\nt finished')" ; printf '\033]0;pwned\007 fake\n' >&2; exit 4 ;;
    esac
    printf '{"refused": ["write \\u001b[2J x\\nt finished"]}' >$FACTORY_ANSWER ;;
qa) printf '{"verdict": "fail", "reasons": [{"text": "bad\\u001b[2J\\nt finished"}]}' >$FACTORY_ANSWER ;;
esac"#,
        task,
        &[],
    );
    for said in [
        project.ends(&["exec"], 3),
        project.ends(&["report"], 3),
        project.ends(&[], 3),
    ] {
        assert!(
            !said.contains('\u{1b}') && !said.contains('\u{7}'),
            "{said:?}"
        );
        assert!(
            !said.lines().any(|line| line.starts_with("t finished")),
            "{said}"
        );
    }

    let project = Project::raw("true", TASK, &[]);
    project.write(
        "test/check.sh",
        "printf '\\033[31mred\\033[0m \\033[2J\\n'; exit 1\n",
    );
    project.lock();
    let said = project.ends(&["gate"], 1);
    assert!(said.contains("| red \\u{1b}[2J"), "{said:?}");
    let raw = project.ends(&["gate", "--raw"], 1);
    assert!(
        raw.contains("\u{1b}[31mred\u{1b}[0m \u{1b}[2J\n"),
        "{raw:?}"
    );
}

#[test]
fn a_red_gate_is_red_whoever_stops_reading() {
    let project = Project::raw("true", TASK, &[]);
    project.write("test/check.sh", "exit 1\n");
    project.lock();
    let mut gate = project
        .command(env!("CARGO_BIN_EXE_factory"))
        .arg("gate")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads nothing and is gone, as `head` may be.
    drop(gate.stdout.take());
    assert_eq!(gate.wait().unwrap().code(), Some(1));
}

#[test]
fn why_the_last_attempt_failed_is_shown_and_how_to_go_on() {
    let project = Project::raw(
        "cat >/dev/null; echo broken $FACTORY_ATTEMPT >app/n.txt",
        TASK,
        &[],
    );
    project.write("test/check.sh", "grep -rn broken app && exit 1; exit 0\n");
    project.lock();
    let said = project.ends(&["exec"], 3);
    assert!(said.contains("| app/n.txt:1:broken 3"), "{said}");
    let said = project.ends(&[], 3);
    assert!(said.contains("| app/n.txt:1:broken 3"), "{said}");
    assert!(said.contains("factory exec --retry"), "{said}");
    let said = project.ends(&["exec", "--resume"], 3);
    assert!(
        said.contains("no run can be gone on with") && said.contains("--retry"),
        "{said}"
    );
    let said = project.ends(&["exec"], 3);
    assert!(said.contains("--retry"), "{said}");
    project.agent("cat >/dev/null; echo fine >app/n.txt");
    let said = project.passes(&["exec", "--retry"]);
    assert!(said.contains("attempt 4"), "{said}");
}

#[test]
fn the_morning_tells_what_waits_before_what_came_last() {
    let task = r#"task "t" {
        goal "Do it."
        step "build" role="builder" { item "Build"; }
        step "deploy" { after "land"; approval "founder"; run "true"; }
    }
    task "u" { goal "U."; step "write" role="writer" { item "Write"; }; }
    "#;
    let project = Project::with(
        "cat >/dev/null; case $FACTORY_TASK in t) echo two >app/b.txt;; u) echo two >docs/b.md;; esac",
        task,
        &[],
    );
    assert!(
        project
            .ends(&["exec", "t"], 4)
            .contains("waits for founder")
    );
    project.passes(&["exec", "u"]);
    let said = project.passes(&["exec"]);
    assert!(
        said.contains("nothing to do: t, u have landed before"),
        "{said}"
    );
    assert!(!said.contains("run 2"), "{said}");
    let said = project.ends(&[], 4);
    let next = said
        .lines()
        .find(|line| line.starts_with("next: "))
        .unwrap();
    assert!(next.contains("factory approve t/deploy"), "{said}");
    assert!(said.contains("since then: "), "{said}");
}

#[test]
fn an_answer_of_another_form_goes_back_to_the_planner_and_what_it_cost_is_told() {
    let project = Project::new(
        r#"cat >/dev/null
case $FACTORY_ATTEMPT in
1) echo "Sure, here is a plan."; echo '{"cost_usd": 0.10}' >$FACTORY_ANSWER ;;
2) echo '{"structured": {"name": ' >$FACTORY_ANSWER ;;
3) cat >$FACTORY_ANSWER <<'END'
{"cost_usd": 0.05, "structured": {"name": "greet", "goal": "Greet.", "accept": [],
 "steps": [{"name": "build", "role": "builder", "items": ["x"]}]}}
END
;;
esac
[ $FACTORY_ASKED = task ] || { echo hi >app/hi.txt; rm -f $FACTORY_ANSWER; }"#,
    );
    let told = project.passes(&["plan", "Greet", "--leave"]);
    assert_eq!(told.matches("sent back").count(), 2, "{told}");
    assert!(told.contains("planning cost $0.15"), "{told}");
    // Nothing has to be committed before it runs.
    project.passes(&["exec", "greet"]);
    let told = project.passes(&["report"]);
    assert!(told.contains("$0.15 for planning before"), "{told}");

    // Not for ever, and what was paid is told all the same.
    project.agent("cat >/dev/null; echo no; echo '{\"cost_usd\": 0.10}' >$FACTORY_ANSWER");
    let told = project.ends(&["plan", "Greet", "--leave"], 3);
    assert!(
        told.contains("3 rounds") && told.contains("$0.30"),
        "{told}"
    );
    project.agent("cat >/dev/null; echo '{\"cost_usd\": 0.10}' >$FACTORY_ANSWER; exit 7");
    let told = project.ends(&["plan", "Greet", "--leave"], 3);
    assert!(told.contains("planning cost $0.10"), "{told}");
}

#[test]
fn a_plan_is_made_of_the_commit_that_is_checked_out() {
    let project = Project::new(
        r#"cat >/dev/null
printf '{"structured": {"name": "u", "goal": "saw %s", "accept": [], "steps": [{"name": "a", "role": "builder", "items": ["x"]}]}}' "$(ls app | tr '\n' ' ')" >$FACTORY_ANSWER"#,
    );
    let other = project.folder().join("other");
    project.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "feature",
        other.to_str().unwrap(),
    ]);
    fs::write(other.join("app/feature.txt"), "").unwrap();
    for args in [&["add", "-A"][..], &["commit", "-q", "-m", "feature"]] {
        let status = project
            .command("git")
            .args(args)
            .current_dir(&other)
            .status();
        assert!(status.unwrap().success());
    }
    let output = project
        .command(env!("CARGO_BIN_EXE_factory"))
        .args(["plan", "x", "--leave"])
        .current_dir(&other)
        .output()
        .unwrap();
    assert!(said(&output).contains("feature.txt"), "{}", said(&output));

    let empty = Project::raw("true", TASK, &[]);
    empty.passes(&["build"]);
    empty.passes(&["snap", "accept"]);
    for args in [&["plan", "x", "--leave"][..], &["exec"]] {
        let said = empty.ends(args, 3);
        assert!(said.contains("no commit `HEAD`"), "{said}");
    }
}

#[test]
fn planning_leaves_no_clone_behind_however_it_ends() {
    let task = r#"cat >/dev/null; cat >$FACTORY_ANSWER <<'END'
{"structured": {"name": "u", "goal": "U.", "accept": [],
 "steps": [{"name": "a", "role": "builder", "items": ["x"]}]}}
END"#;
    // (the set-up, what the planner does, how planning ends)
    for (setup, agent, code) in [
        ("true", task, 0),
        ("true", "cat >/dev/null; exit 7", 3),
        ("echo no such tool; false", task, 3),
    ] {
        let setup = format!("setup \"{setup}\"");
        let project = Project::with(agent, TASK, &[("SETUP", &setup)]);
        let told = project.ends(&["plan", "x", "--leave"], code);
        assert_eq!(
            setup.contains("false"),
            told.contains("no such tool"),
            "{told}"
        );
        let work = project.folder().join("cache/work");
        let inside = |path: &Path| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let left: Vec<_> = inside(&work).iter().flat_map(|at| inside(at)).collect();
        assert!(left.is_empty(), "{setup}, {agent}: {left:?}");
    }
}

#[test]
fn a_planner_at_work_keeps_its_clone_when_exec_starts() {
    let project = Project::new(
        r#"cat >/dev/null
if [ $FACTORY_ASKED = task ]; then
    echo yes >$HOME/planning
    while [ ! -e app/go ] && [ ! -e $HOME/go ]; do sleep 0.1; done
    printf '{"structured": {"name": "u", "goal": "saw %s", "accept": [], "steps": [{"name": "a", "role": "builder", "items": ["x"]}]}}' "$(ls app | tr '\n' ' ')" >$FACTORY_ANSWER
else
    echo two >app/b.txt
fi"#,
    );
    let plan = project.starts(&["plan", "x", "--leave"]);
    let work = project.folder().join("cache/work");
    let find = || {
        let mut find = Command::new("find");
        let found = find.arg(&work).args(["-name", "planning"]).output().ok()?;
        let found = String::from_utf8(found.stdout).ok()?;
        found.lines().next().map(str::to_owned)
    };
    let planning = crate::project::until("the planner works", find);
    project.passes(&["exec"]);
    fs::write(planning.replace("/planning", "/go"), "").unwrap();
    let mut plan = plan;
    assert!(plan.wait().unwrap().success());
    let text = fs::read_to_string(project.root().join("tasks/u.kdl")).unwrap();
    assert!(text.contains("saw a.txt"), "{text}");
}

#[test]
fn a_repository_that_the_owners_git_trusts_is_trusted() {
    let project = Project::new("cat >/dev/null; echo two >app/b.txt");
    let other = Command::new("chown")
        .args(["-R", "65534"])
        .arg(project.root())
        .stderr(Stdio::null())
        .status();
    if !other.unwrap().success() {
        println!("skipped: files can't be given to someone else here");
        return;
    }
    let said = project.ends(&["exec"], 3);
    assert!(said.contains("safe.directory"), "{said}");
    let config = project.folder().join("config");
    let root = project.root();
    fs::write(
        &config,
        format!("[safe]\n\tdirectory = {}\n", root.display()),
    )
    .unwrap();
    let output = project
        .command(env!("CARGO_BIN_EXE_factory"))
        .arg("exec")
        .env("GIT_CONFIG_GLOBAL", &config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", crate::project::said(&output));
}

#[test]
fn what_is_no_work_tree_is_called_what_it_is() {
    let project = Project::new("true");
    let bare = project.folder().join("bare");
    project.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let exec = |folder: &Path, path: Option<&str>| {
        let mut exec = project.command(env!("CARGO_BIN_EXE_factory"));
        exec.args(["report"]).current_dir(folder);
        if let Some(path) = path {
            exec.env("PATH", path);
        }
        said(&exec.output().unwrap())
    };
    let told = exec(&bare, None);
    assert!(told.contains("without a work tree"), "{told}");
    let told = exec(&project.root(), Some("/nowhere"));
    assert!(told.contains("`git` could not be started"), "{told}");
}

#[test]
fn a_second_signal_ends_at_once_and_a_question_is_no_work() {
    let project = Project::new(
        r#"cat >/dev/null
if [ $FACTORY_ASKED = task ]; then cat >$FACTORY_ANSWER <<'END'
{"structured": {"name": "greet", "goal": "Greet.", "accept": [],
 "steps": [{"name": "build", "role": "builder", "items": ["x"]}]}}
END
fi"#,
    );
    // A terminal is asked, so one is lent; where there is no such program there is no such test.
    let line = format!("{} plan greet", env!("CARGO_BIN_EXE_factory"));
    let asked = project
        .command("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut asked) = asked else {
        println!("skipped: there is no `script` here");
        return;
    };
    let mut said = Vec::new();
    let mut byte = [0];
    let out = asked.stdout.as_mut().unwrap();
    while !said.ends_with(b"leave? ") && out.read(&mut byte).unwrap() == 1 {
        said.push(byte[0]);
    }
    assert!(
        said.ends_with(b"leave? "),
        "{}",
        String::from_utf8_lossy(&said)
    );
    asked.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    assert_eq!(asked.wait().unwrap().code(), Some(130));
}
