//! However `factory` ends, nothing that it started goes on.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::project::{Project, is_alive, until};

// A script that leaves processes behind in every way there is, and says which: in its group, in a
// session of their own, orphaned, deaf to polite signals.
const CLINGS: &str = r#"
cat >/dev/null
sleep 1000 & one=$!
setsid sleep 1001 >/dev/null 2>&1 </dev/null & two=$!
(setsid sh -c 'echo $$ >"$0"; trap "" TERM INT HUP; while :; do sleep 1; echo late >>app/late.txt; done' "$T/three" >/dev/null 2>&1 </dev/null &) &
trap '' TERM INT HUP
while [ ! -s "$T/three" ]; do sleep 0.05; done
echo $one $two $$ $(cat "$T/three") >"$T/pids"
while :; do sleep 1; done
"#;

fn kill(signal: &str, pid: u32) {
    let mut kill = Command::new("kill");
    assert!(
        kill.args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

// Whoever runs the tests with `nohup` hands down that nothing hears of a terminal that is gone.
fn heard(signals: &'static [&str]) -> impl Iterator<Item = &'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    let ignores = u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1;
    let signals = signals.iter().copied();
    signals.filter(move |signal| !(ignores && *signal == "-HUP"))
}

#[test]
fn whatever_ends_exec_ends_its_agents() {
    for signal in heard(&["-TERM", "-HUP", "-INT", "-KILL"]) {
        // `T` is written by the agent where it may write, which is its home.
        let project = Project::new(&CLINGS.replace("$T", "$HOME"));
        let mut exec = project.starts(&["exec"]);
        let home = until("the agent has a home", || {
            let work = project.folder().join("cache/work");
            let found = glob(&work, "steps/t.build/private/home/pids");
            found.filter(|path| fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n')))
        });
        let pids = fs::read_to_string(home).unwrap();
        kill(signal, exec.id());
        let status = exec.wait().unwrap();
        let pids: Vec<&str> = pids.split_whitespace().collect();
        assert_eq!(pids.len(), 4, "{pids:?}");
        if signal == "-KILL" {
            // Nobody waited for them, but it does not take a person.
            until("nothing is left", || {
                (!pids.iter().any(|pid| is_alive(pid))).then_some(())
            });
        } else {
            assert_eq!(status.code(), Some(3), "{signal}");
            assert!(project.journal().contains("run-cancelled"), "{signal}");
            for pid in &pids {
                assert!(!is_alive(pid), "{signal}: {pid} of {pids:?}");
            }
        }
        // What goes on then is alone.
        project.agent("cat >/dev/null; echo \"by $$\" >>app/n.txt");
        project.passes(&["exec", "--resume"]);
        assert_eq!(project.landed("app/n.txt").lines().count(), 1, "{signal}");
        assert!(
            !project
                .git(&["ls-tree", "-r", "--name-only", "factory/t"])
                .contains("late")
        );
    }
}

// The file at `path` below any folder two levels down.
fn glob(work: &std::path::Path, path: &str) -> Option<std::path::PathBuf> {
    let inner = |folder: &std::path::Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let runs = inner(work).into_iter().flat_map(|folder| inner(&folder));
    runs.map(|run| run.join(path)).find(|path| path.exists())
}

#[test]
fn a_step_that_ends_leaves_nothing_behind() {
    // (how the script goes on, how long the step may take)
    for (goes_on, wall) in [("exit 0", "1m"), ("while :; do sleep 1; done", "3s")] {
        let script = CLINGS
            .replace("$T", "$HOME")
            .replace("while :; do sleep 1; done\n", goes_on);
        let script = format!("cp /dev/null app/n.txt\n{script}");
        let project = Project::with(&script, crate::project::TASK, &[("WALL", wall)]);
        // The pids are in the home, which is gone with the run; a gate looks at them in time.
        project.factory(&["exec"]);
        let left = Command::new("sh")
            .args(["-c", "for p in /proc/[0-9]*; do readlink $p/cwd; done"])
            .output()
            .unwrap();
        let left = String::from_utf8_lossy(&left.stdout).into_owned();
        let cache = project.folder().join("cache");
        assert!(!left.contains(cache.to_str().unwrap()), "{goes_on}: {left}");
    }
}

#[test]
fn a_gate_does_not_outlive_whoever_asked_it() {
    for signal in heard(&["-TERM", "-HUP", "-KILL"]) {
        let project = Project::raw("true", crate::project::TASK, &[]);
        let gate = CLINGS
            .replace("$T", project.folder().to_str().unwrap())
            .replace("cat >/dev/null\n", "");
        project.write("test/check.sh", &gate);
        project.lock();
        let mut asked = project.starts(&["gate", "check"]);
        let pids = project.awaits("pids");
        kill(signal, asked.id());
        asked.wait().unwrap();
        until("nothing is left", || {
            let mut pids = pids.split_whitespace();
            (!pids.any(is_alive)).then_some(())
        });
    }
}

#[test]
fn an_effect_ends_with_the_run_and_is_not_started_again_unasked() {
    let task = r#"task "t" {
        goal "Do it."
        step "build" role="builder" { item "Build"; }
        step "deploy" { after "land"; approval "founder"; run "echo $$ >>$T/deployed; sleep 1000"; }
    }"#;
    let project = Project::with("cat >/dev/null; echo two >app/b.txt", task, &[]);
    assert!(project.ends(&["exec"], 4).contains("waits for founder"));
    project.passes(&["approve"]);
    let mut exec = project.starts(&["exec", "--resume"]);
    let pid = project.awaits("deployed");
    kill("-KILL", exec.id());
    exec.wait().unwrap();
    until("the effect is gone", || (!is_alive(&pid)).then_some(()));
    let told = project.ends(&["exec", "--resume"], 4);
    assert!(told.contains("nobody knows how far it came"), "{told}");
    let told = project.ends(&["report"], 4);
    assert!(told.contains("nobody knows how far it came"), "{told}");
    assert_eq!(project.awaits("deployed"), pid);
}

#[test]
fn what_is_started_has_a_session_of_its_own() {
    // Whoever leads a session without a terminal is never stopped for reading from one.
    let leads = r#"test "$(ps -o sid= -p $$)" = "$(ps -o pgid= -p $$)""#;
    let project = Project::raw(
        &format!("cat >/dev/null\n{leads} && echo two >app/b.txt"),
        crate::project::TASK,
        &[],
    );
    project.write("test/check.sh", &format!("{leads}\n"));
    project.lock();
    project.passes(&["gate"]);
    project.passes(&["exec"]);
    assert_eq!(project.landed("app/b.txt"), "two");
}

#[test]
fn how_a_gate_ended_is_told_through_its_keeper() {
    // (what the gate does, what is told of it)
    for (script, told) in [
        ("exit 7", "it exited with 7"),
        ("kill -9 $$", "was ended by signal 9"),
        ("kill -TERM $$", "was ended by signal 15"),
        ("kill -SEGV $$", "was ended by signal 11"),
        ("kill -PIPE $$", "was ended by signal 13"),
    ] {
        let project = Project::raw("true", crate::project::TASK, &[]);
        // The shell itself, and not the one that reads the script.
        let spec = fs::read_to_string(project.root().join("factory.kdl")).unwrap();
        let own = format!("run #\"{script}\"#; sealed");
        project.write(
            "factory.kdl",
            &spec.replace("run \"sh test/check.sh\"; sealed", &own),
        );
        project.lock();
        let said = project.ends(&["gate"], 1);
        assert!(said.contains(told), "{script}: {said}");
    }
}

#[test]
fn a_second_signal_is_obeyed_at_once() {
    let project = Project::new(
        &CLINGS
            .replace("\"$T/pids\"", "app/pids")
            .replace("$T", "$HOME"),
    );
    let mut exec = project.starts(&["exec"]);
    let work = project.folder().join("cache/work");
    let pids = until("the agent works", || {
        let path = glob(&work, "steps/t.build/tree/app/pids")?;
        fs::read_to_string(path)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    // The agent is deaf to the first, which is waited for.
    kill("-INT", exec.id());
    kill("-INT", exec.id());
    let code = exec.wait().unwrap().code();
    // Two that come together may be heard as one.
    assert!(matches!(code, Some(130 | 3)), "{code:?}");
    until("nothing is left", || {
        (!pids.split_whitespace().any(is_alive)).then_some(())
    });
}

#[test]
fn a_notification_holds_nobody_up() {
    let notify = r#"jobs 3
    notify "finished" { run "echo $$ >$T/notified; sleep 1000"; }"#;
    let project = Project::raw(
        "cat >/dev/null; echo two >app/b.txt",
        crate::project::TASK,
        &[("jobs 3", notify)],
    );
    project.lock();
    let mut exec = project.starts(&["exec"]);
    let pid = project.awaits("notified");
    kill("-INT", exec.id());
    assert_eq!(exec.wait().unwrap().code(), Some(0));
    assert!(!is_alive(&pid));
    assert!(
        project.journal().contains("was cancelled"),
        "{}",
        project.journal()
    );
}

// It is started before anybody knows whether it is needed.
#[test]
fn a_keeper_that_has_nothing_to_keep_leaves_nothing() {
    for killed in [false, true] {
        let mut keeper = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(["keep", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let id = keeper.id();
        let child = until("what becomes the program is there", || {
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            children.ok()?.split_whitespace().next().map(str::to_owned)
        });
        if killed {
            kill("-KILL", id);
        } else {
            drop(keeper.stdin.take());
        }
        let ended = keeper.wait().unwrap();
        assert_eq!(ended.code(), (!killed).then_some(127));
        until("nothing is left", || (!is_alive(&child)).then_some(()));
    }
}
