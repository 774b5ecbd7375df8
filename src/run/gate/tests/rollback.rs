//! The gate `rollback`.

use serde_json::json;

use super::*;

fn rollback(undo: Option<&str>, passes: &[&str]) -> Value {
    let mut kind = json!({"kind": "rollback", "passes": passes});
    if let Some(undo) = undo {
        kind["undo"] = undo.into();
    }
    json!({"kind": kind})
}

async fn project(gate: Value, smoke: &str) -> (Project, String) {
    let gates = json!({"rollback": gate, "smoke": run(smoke), "see": run("cat a.txt")});
    let project = Project::new(gates).await;
    project.write("a.txt", "old\n");
    project.write("check.sh", "grep -q old a.txt\n");
    let base = project.commit().await;
    (project, base)
}

fn reason(verdict: &Verdict) -> &str {
    match &verdict.outcome {
        Outcome::Nothing(reason) => reason,
        other => panic!("{other:?}: {}", said(verdict)),
    }
}

#[tokio::test]
async fn with_nothing_to_check_it_says_so() {
    let (project, base) = project(rollback(Some("true"), &["smoke"]), "true").await;
    let lane = project.lane(&base).await;
    assert_eq!(
        reason(&project.judge.judge("rollback", &lane).await),
        "nothing has changed"
    );
    assert_eq!(
        reason(&project.ask("rollback").await),
        "nothing has changed"
    );
    let (project, base) = self::project(rollback(None, &[]), "true").await;
    project.write("a.txt", "new\n");
    let lane = project.lane(&base).await;
    assert_eq!(
        reason(&project.judge.judge("rollback", &lane).await),
        "the gate names neither `undo` nor `passes`"
    );
}

#[tokio::test]
async fn the_named_gates_pass_on_the_reverted_tree() {
    for (smoke, passes) in [
        ("sh check.sh && ! test -e b.txt", true),
        ("test -e b.txt", false),
    ] {
        let (project, base) = project(rollback(None, &["smoke"]), smoke).await;
        project.write("a.txt", "new\n");
        project.write("b.txt", "added\n");
        project.remove("check.sh");
        let lane = project.lane(&base).await;
        for checkout in [project.person().await, lane] {
            let names = ["rollback".to_owned(), "see".to_owned()];
            let verdicts = project.judge.judge_all(&names, &checkout, &|_| {}).await;
            if passes {
                assert_pass(&verdicts[0].1);
            } else {
                assert_fail(&verdicts[0].1);
                assert!(said(&verdicts[0].1).contains("on the reverted tree, `smoke` fails\n"));
            }
            // Afterwards the changed tree is there again, exactly.
            assert_eq!(verdicts[1].1.stdout, b"new\n");
            assert!(checkout.root.join("b.txt").exists());
            assert!(!checkout.root.join("check.sh").exists());
        }
    }
}

#[tokio::test]
async fn what_the_base_has_passed_is_not_run_again() {
    let (project, base) = project(rollback(None, &["smoke"]), "sh check.sh").await;
    assert_pass(
        &project
            .judge
            .judge("smoke", &project.lane(&base).await)
            .await,
    );
    project.write("a.txt", "new\n");
    let verdict = project
        .judge
        .judge("rollback", &project.lane(&base).await)
        .await;
    assert_pass(&verdict);
    assert_eq!(
        said(&verdict),
        "on the reverted tree, `smoke` passes (replayed)\n"
    );
}

#[tokio::test]
async fn undo_runs_in_the_changed_tree_and_what_it_leaves_is_judged() {
    // The state beside the files: a database, as git ignores it.
    let smoke = "test \"$(cat ignored/db)\" = \"$(cat schema)\"";
    for (undo, then) in [
        (
            Some("grep -q 2 schema && echo 1 > ignored/db && echo 1 > schema"),
            "pass",
        ),
        (Some("true"), "fail"),
        (Some("exit 4"), "undo fails"),
    ] {
        let (mut project, _) = project(rollback(undo, &["smoke"]), smoke).await;
        project.write("schema", "1\n");
        let base = project.commit().await;
        let lane = project.lane(&base).await;
        write(&lane.root, "ignored/db", "1\n");
        // The base is known to pass; that says nothing about what a rollback leaves.
        assert_pass(&project.judge.judge("smoke", &lane).await);
        project.write("schema", "2\n");
        let lane = project.lane(&base).await;
        write(&lane.root, "ignored/db", "2\n");
        let verdict = project.judge.judge("rollback", &lane).await;
        match then {
            "pass" => assert_pass(&verdict),
            "fail" => assert_fail(&verdict),
            _ => {
                assert_fail(&verdict);
                assert_eq!(verdict.notes, ["`exit 4` exited with 4"]);
            }
        }
        assert_eq!(fs::read_to_string(lane.root.join("schema")).unwrap(), "2\n");
        // A person's own files and database are not touched: a copy is set up for it.
        project.plan().workspace.setup = vec!["mkdir ignored && cp schema ignored/db".into()];
        project.write("ignored/db", "mine\n");
        let verdict = project.ask("rollback").await;
        assert_eq!(
            verdict.outcome == Outcome::Pass,
            then == "pass",
            "{verdict:?}"
        );
        assert_eq!(
            fs::read_to_string(project.root.join("ignored/db")).unwrap(),
            "mine\n"
        );
        assert_eq!(
            fs::read_to_string(project.root.join("schema")).unwrap(),
            "2\n"
        );
    }
}

#[tokio::test]
async fn a_tip_that_moved_is_what_the_change_is_taken_back_from() {
    let smoke = "grep -q theirs other.txt && grep -q old a.txt";
    let (project, base) = project(rollback(None, &["smoke"]), smoke).await;
    project.write("other.txt", "theirs\n");
    let tip = project.commit().await;
    project
        .git
        .output(["reset", "-q", "--hard", &base], None)
        .await
        .unwrap();
    project.write("a.txt", "new\n");
    let mut lane = project.lane(&base).await;
    assert_fail(&project.judge.judge("rollback", &lane).await);
    lane.tip = Some(tip);
    assert_pass(&project.judge.judge("rollback", &lane).await);
    // A tip that changed the same line.
    project.write("a.txt", "other\n");
    lane.tip = Some(project.commit().await);
    let verdict = project.judge.judge("rollback", &lane).await;
    assert_fail(&verdict);
    assert_eq!(
        said(&verdict),
        "a.txt:1: the change does not apply to the tip\n"
    );
}

#[tokio::test]
async fn the_repository_is_not_written_to() {
    let (project, base) = project(rollback(Some("true"), &["smoke"]), "true").await;
    project.write("a.txt", "new\n");
    let count = || async {
        let objects = project.git.text(["count-objects", "-v"]).await.unwrap();
        let state = project.git.text(["status", "--porcelain"]).await.unwrap();
        (objects, state)
    };
    let before = count().await;
    assert_pass(&project.ask("rollback").await);
    assert_eq!(count().await, before);
    drop(base);
}

#[tokio::test]
async fn a_rollback_within_a_rollback_is_refused() {
    let (project, base) = project(rollback(None, &["rollback"]), "true").await;
    project.write("a.txt", "new\n");
    let lane = project.lane(&base).await;
    let verdict = project.judge.judge("rollback", &lane).await;
    assert!(broken(&verdict).contains("can't be one of `passes`"));
}
