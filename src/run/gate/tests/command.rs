//! Gates that run a command: what they see, what they are kept under, and what is put back.

use std::{fs, os::unix::fs::symlink, time::Duration};

use serde_json::json;

use super::*;
use crate::run::gate::Progress;

/// A gate that counts its runs beside the project and passes.
fn counting(more: &str) -> Value {
    run(&format!("echo x >> \"$COUNTER\"; {more}"))
}

async fn counted(gate: Value) -> Project {
    let mut gate = gate;
    gate["env"] = json!(["COUNTER"]);
    let mut project = Project::new(json!({"g": gate})).await;
    let counter = project.counter();
    project.owner("COUNTER", counter.to_str().unwrap());
    project.write("a.txt", "one\n");
    project.write("b.txt", "two\n");
    project.commit().await;
    project
}

#[tokio::test]
async fn a_pass_is_replayed_with_its_output_until_an_input_changes() {
    let project = counted(counting("printf 'o\\0\\n'; printf 'e' >&2")).await;
    let first = project.ask("g").await;
    assert_pass(&first);
    assert!(first.replayed.is_none());
    let second = project.ask("g").await;
    assert!(second.replayed.is_some());
    assert_eq!(second.stdout, b"o\0\n");
    assert_eq!(second.stderr, b"e");
    assert_eq!(second.key, first.key);
    assert_eq!(project.runs(), 1);
    let edits: [(&str, Edit); 6] = [
        ("content", |project| project.write("a.txt", "two\n")),
        ("a mode", |project| project.make_executable("a.txt")),
        ("a new file", |project| project.write("c.txt", "")),
        ("a name", |project| {
            fs::rename(project.root.join("c.txt"), project.root.join("d.txt")).unwrap();
        }),
        ("a link", |project| {
            symlink("a.txt", project.root.join("l")).unwrap();
        }),
        ("a deletion", |project| project.remove("d.txt")),
    ];
    for (count, (what, edit)) in edits.into_iter().enumerate() {
        edit(&project);
        assert_pass(&project.ask("g").await);
        assert_eq!(project.runs(), count + 2, "{what}");
    }
    // What git ignores is no input, and what was is known again.
    project.write("ignored/x", "1");
    assert!(project.ask("g").await.replayed.is_some());
}

#[tokio::test]
async fn a_failure_is_known_within_a_run_and_not_beyond() {
    let mut project = counted(counting("exit 3")).await;
    assert_fail(&project.ask("g").await);
    let again = project.ask("g").await;
    assert_fail(&again);
    assert!(
        again.notes.iter().any(|note| note == "it exited with 3"),
        "{:?}",
        again.notes
    );
    assert_eq!(project.runs(), 1);
    project.next_run();
    assert_fail(&project.ask("g").await);
    assert_eq!(project.runs(), 2);
}

#[tokio::test]
async fn the_runner_and_a_person_share_what_is_known() {
    let project = counted(counting("true")).await;
    let base = project.commit().await;
    assert_pass(&project.ask("g").await);
    let lane = project.lane(&base).await;
    assert!(project.judge.judge("g", &lane).await.replayed.is_some());
    assert_eq!(project.runs(), 1);
}

#[tokio::test]
async fn an_input_that_changes_meanwhile_is_named_and_nothing_is_kept() {
    for (command, named) in [
        ("echo late >> b.txt", "`b.txt` (changed)"),
        ("touch new.txt", "`new.txt` (new)"),
        ("rm -f b.txt", "`b.txt` (gone)"),
    ] {
        let project = counted(counting(command)).await;
        let verdict = project.ask("g").await;
        assert_pass(&verdict);
        assert!(
            verdict.notes.iter().any(|note| note.contains(named)),
            "{:?}",
            verdict.notes
        );
        project
            .git
            .output(["reset", "-q", "--hard"], None)
            .await
            .unwrap();
        project.git.output(["clean", "-fdq"], None).await.unwrap();
        assert!(project.ask("g").await.replayed.is_none(), "{command}");
    }
    // Another time on the same content is no change.
    let project = counted(counting("touch b.txt; cat a.txt > c; rm c")).await;
    assert!(project.ask("g").await.notes.is_empty());
    assert!(project.ask("g").await.replayed.is_some());
    // What was written may have been something else in between.
    let project = counted(counting("cat a.txt > c; cat c > a.txt; rm c")).await;
    for _ in 0..2 {
        let verdict = project.ask("g").await;
        assert_pass(&verdict);
        assert!(verdict.notes[0].contains("`a.txt`"), "{:?}", verdict.notes);
    }
    assert_eq!(project.runs(), 2);
}

#[tokio::test]
async fn only_what_is_declared_is_visible() {
    let mut gate =
        run("test -z \"$SECRET\" && test \"$SHOWN\" = yes && test -z \"$(ls -A \"$HOME\")\"");
    gate["env"] = json!(["SHOWN"]);
    let mut project = Project::new(json!({"g": gate})).await;
    project.owner("SECRET", "s");
    project.owner("SHOWN", "yes");
    assert_pass(&project.ask("g").await);
    project.owner("SECRET", "other");
    assert!(project.ask("g").await.replayed.is_some());
    project.owner("SHOWN", "no");
    assert_fail(&project.ask("g").await);
}

#[tokio::test]
async fn what_did_not_end_by_itself_is_broken_and_never_kept() {
    let mut project =
        Project::new(json!({"slow": run("sleep 30"), "killed": run("kill -9 $$")})).await;
    for gate in project.plan().gates.values_mut() {
        gate.timeout = 1;
    }
    assert_eq!(
        broken(&project.ask("slow").await),
        "it took longer than 1 seconds"
    );
    assert_eq!(
        broken(&project.ask("killed").await),
        "it was ended by signal 9"
    );
    let (wish, cancel) = Cancel::new();
    wish.send(true).unwrap();
    project.judge.cancel = cancel;
    assert_eq!(broken(&project.ask("slow").await), "it was cancelled");
}

#[tokio::test]
async fn a_tools_answer_is_in_the_key_and_its_failure_is_no_answer() {
    let mut gate = counting("true");
    gate["tools"] = json!(["cat \"$VERSION\""]);
    let mut project = Project::new(json!({})).await;
    gate["env"] = json!(["COUNTER", "VERSION"]);
    *project.plan() = plan(&json!({"g": gate}));
    let (counter, version) = (project.counter(), project.home.path().join("version"));
    project.owner("COUNTER", counter.to_str().unwrap());
    project.owner("VERSION", version.to_str().unwrap());
    assert!(
        broken(&project.ask("g").await).starts_with("the tool `cat \"$VERSION\"` exited with 1")
    );
    for (version_is, runs) in [("1", 1), ("1", 1), ("2", 2), ("1", 2)] {
        fs::write(&version, version_is).unwrap();
        assert_pass(&project.ask("g").await);
        assert_eq!(project.runs(), runs);
    }
}

#[tokio::test]
async fn what_depends_on_more_than_files_is_kept_by_its_own_key_or_not_at_all() {
    let mut gate = counting("true");
    gate["external"] = json!({"name": "postgres"});
    let mut project = counted(gate).await;
    for runs in [1, 2] {
        let verdict = project.ask("g").await;
        assert!(
            verdict.notes[0].contains("`postgres`"),
            "{:?}",
            verdict.notes
        );
        assert_eq!(project.runs(), runs);
    }
    let state = project.home.path().join("state");
    let key = Some(format!("cat {}", state.display()));
    let gate = project.plan().gates.get_mut("g").unwrap();
    gate.external.as_mut().unwrap().key = key;
    for (content, runs) in [("1", 3), ("1", 3), ("2", 4)] {
        fs::write(&state, content).unwrap();
        assert_pass(&project.ask("g").await);
        assert_eq!(project.runs(), runs);
    }
}

#[tokio::test]
async fn inputs_narrow_what_counts() {
    let mut gate = counting("sh check.sh");
    gate["inputs"] = json!(["a.txt", "nowhere/**"]);
    let project = counted(gate).await;
    project.write("check.sh", "true\n");
    let first = project.ask("g").await;
    assert_eq!(
        first.notes,
        ["the input pattern `nowhere/**` matches no file"]
    );
    project.write("b.txt", "changed");
    assert!(project.ask("g").await.replayed.is_some());
    for (path, runs) in [("a.txt", 2), ("check.sh", 3)] {
        project.write(path, "true # changed\n");
        assert!(project.ask("g").await.replayed.is_none(), "{path}");
        assert_eq!(project.runs(), runs);
    }
}

#[tokio::test]
async fn sealed_files_are_those_of_the_base_while_the_gate_runs() {
    let mut gate = run("sh test/smoke.sh && ! test -e test/extra.sh && test -e app.txt");
    gate["sealed"] = json!(["test/**"]);
    let project =
        Project::new(json!({"g": gate, "see": run("cat test/smoke.sh test/extra.sh")})).await;
    project.write("test/smoke.sh", "grep -q good app.txt\n");
    project.write("test/gone.sh", "\n");
    project.write("app.txt", "good\n");
    let base = project.commit().await;
    // The work is bad, and so is what it did to the test.
    project.write("app.txt", "bad\n");
    project.write("test/smoke.sh", "true\n");
    project.write("test/extra.sh", "true\n");
    project.remove("test/gone.sh");
    let lane = project.lane(&base).await;
    let names = ["g".to_owned(), "see".to_owned()];
    let verdicts = project.judge.judge_all(&names, &lane, &|_| {}).await;
    assert_fail(&verdicts[0].1);
    // Afterwards the tree is the one that was given.
    assert_pass(&verdicts[1].1);
    assert_eq!(verdicts[1].1.stdout, b"true\ntrue\n");
    assert!(!lane.root.join("test/gone.sh").exists());
    // A person is not judged: the files are as they stand there.
    project.remove("test/extra.sh");
    project.write("app.txt", "good\n");
    assert_pass(&project.ask("g").await);
}

#[tokio::test]
async fn what_a_gate_does_to_the_runners_files_is_put_back() {
    let gates = json!({
        "spoil": run("echo bad > a.txt; rm b.txt; touch c.txt; mkdir -p ignored; touch ignored/kept"),
        "see": run("cat a.txt b.txt; ls; ls ignored"),
    });
    let project = Project::new(gates).await;
    project.write("a.txt", "one\n");
    project.write("b.txt", "two\n");
    let base = project.commit().await;
    let lane = project.lane(&base).await;
    let names = ["spoil".to_owned(), "see".to_owned()];
    let verdicts = project.judge.judge_all(&names, &lane, &|_| {}).await;
    assert!(!verdicts[0].1.notes.is_empty());
    assert_eq!(
        verdicts[1].1.stdout,
        b"one\ntwo\na.txt\nb.txt\nignored\nkept\n"
    );
}

#[tokio::test]
async fn gates_that_feed_each_other_take_their_keys_in_order() {
    let mut check = run("cat made/x");
    check["inputs"] = json!(["made/**"]);
    let project =
        Project::new(json!({"make": run("mkdir -p made; cat a.txt > made/x"), "check": check}))
            .await;
    let names = ["make".to_owned(), "check".to_owned()];
    for content in ["one", "two", "one"] {
        project.write("a.txt", content);
        let verdicts = project
            .judge
            .judge_all(&names, &project.person().await, &|_| {})
            .await;
        assert_eq!(verdicts[1].1.stdout, content.as_bytes());
    }
}

#[tokio::test]
async fn a_gate_judges_the_change_as_earlier_gates_have_left_it() {
    let docs = json!({"kind": {"kind": "docs", "covers": ["made/**"], "by": ["docs/**"]}});
    let project =
        Project::new(json!({"make": run("mkdir made; touch made/x"), "docs": docs})).await;
    project.commit().await;
    let names = ["docs", "make", "docs"].map(str::to_owned);
    let verdicts = project
        .judge
        .judge_all(&names, &project.person().await, &|_| {})
        .await;
    assert!(matches!(verdicts[0].1.outcome, Outcome::Nothing(_)));
    assert_fail(&verdicts[2].1);
}

#[tokio::test]
async fn one_gate_on_the_same_work_runs_once() {
    let project = counted(counting("sleep 0.3; echo done")).await;
    let person = project.person().await;
    let (one, two) = tokio::join!(
        project.judge.judge("g", &person),
        project.judge.judge("g", &person)
    );
    assert_eq!(
        usize::from(one.replayed.is_some()) + usize::from(two.replayed.is_some()),
        1
    );
    assert_eq!((one.stdout, project.runs()), (two.stdout, 1));
}

#[tokio::test]
async fn a_damaged_or_unwritable_store_changes_no_verdict() {
    let mut project = counted(counting("true")).await;
    assert_pass(&project.ask("g").await);
    let mut records = vec![project.home.path().join("cache/v1/records")];
    while let Some(place) = records.pop() {
        if place.is_dir() {
            records.extend(
                fs::read_dir(place)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            fs::write(place, "x").unwrap();
        }
    }
    let verdict = project.ask("g").await;
    assert_pass(&verdict);
    assert!(
        verdict.notes[0].starts_with("a kept verdict can't be used"),
        "{:?}",
        verdict.notes
    );
    assert_eq!(project.runs(), 2);
    let file = project.home.path().join("file");
    fs::write(&file, "").unwrap();
    project.judge.cache = Arc::new(GateCache::new(Some(Store::open(&file))));
    let verdict = project.ask("g").await;
    assert_pass(&verdict);
    assert!(
        verdict
            .notes
            .iter()
            .any(|note| note.starts_with("it is not kept")),
        "{:?}",
        verdict.notes
    );
}

#[tokio::test]
async fn a_link_to_what_is_no_input_keeps_a_pass_from_being_kept() {
    let project = counted(counting("true")).await;
    let outside = project.home.path().join("outside");
    fs::write(&outside, "").unwrap();
    symlink(&outside, project.root.join("link")).unwrap();
    assert!(project.ask("g").await.notes[0].contains("`link` leads to what is no input"));
    assert!(project.ask("g").await.replayed.is_none());
}

#[tokio::test]
async fn progress_is_told_in_order_and_unknown_gates_are_broken() {
    let project = Project::new(json!({"a": run("true"), "b": run("false")})).await;
    let names = ["a", "nowhere", "b"].map(str::to_owned);
    let told = std::sync::Mutex::new(Vec::new());
    let verdicts = project
        .judge
        .judge_all(&names, &project.person().await, &|progress| {
            told.lock().unwrap().push(match progress {
                Progress::Started(name) => format!("+{name}"),
                Progress::Finished(name, _) => format!("-{name}"),
                Progress::Waiting(name, _) => format!("?{name}"),
            });
        })
        .await;
    let told = told.into_inner().unwrap();
    assert_eq!(told, ["+a", "-a", "+nowhere", "-nowhere", "+b", "-b"]);
    assert_eq!(broken(&verdicts[1].1), "the lock has no gate `nowhere`");
    assert_fail(&verdicts[2].1);
    assert!(verdicts[2].1.elapsed < Duration::from_secs(10));
}

#[tokio::test]
async fn a_project_without_a_commit_or_below_the_top_is_told_apart() {
    let docs = json!({"kind": {"kind": "docs", "covers": ["a.txt"], "by": ["b.txt"]}});
    let project = Project::new(json!({"g": run("true"), "docs": docs})).await;
    assert_pass(&project.ask("g").await);
    // Everything is new.
    project.write("a.txt", "");
    assert_fail(&project.ask("docs").await);
    // Below the top a command judges as anywhere, and there is nothing to compare.
    project.write("below/b.txt", "");
    let below = Checkout::of_person(&project.root.join("below")).await;
    assert_pass(&project.judge.judge("g", &below).await);
    let verdict = project.judge.judge("docs", &below).await;
    assert!(broken(&verdict).contains("not at the top"), "{verdict:?}");
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = Checkout::of_person(elsewhere.path()).await;
    assert_pass(&project.judge.judge("g", &outside).await);
    assert!(project.judge.judge("g", &outside).await.replayed.is_some());
    assert!(broken(&project.judge.judge("docs", &outside).await).contains("in no git work tree"));
}

#[tokio::test]
async fn toolchains_work_in_the_closed_environment() {
    let mut project = Project::new(json!({
        "rust": run("cargo check --offline --quiet"),
        "node": run("node --test"),
    }))
    .await;
    project.judge.owner = std::env::vars_os().collect();
    project.write(".gitignore", "target/\n");
    project.write(
        "Cargo.toml",
        "[package]\nname = \"t\"\nedition = \"2024\"\n",
    );
    project.write("src/lib.rs", "");
    project.write("a.test.js", "require('node:test')('a', () => {});\n");
    for (name, program) in [("rust", "cargo"), ("node", "node")] {
        let path = std::env::var_os("PATH").unwrap();
        if std::env::split_paths(&path).any(|folder| folder.join(program).exists()) {
            assert_pass(&project.ask(name).await);
        }
    }
}
