//! What lands, and what is left alone.

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, fail, pass, plan, plan_with, reviews};
use crate::run::{Event, Order, Proven, RunEnd, StepEnd, approve};

#[tokio::test]
async fn accepted_work_is_one_commit_on_the_branch_of_the_task() {
    let bench = Bench::new();
    let agents = Agents::default().on("build", 1, |assignment| {
        super::bench::write(&assignment.checkout.join("app/b.txt"), "two\n");
        super::bench::write(&assignment.checkout.join("ignored/x"), "never lands\n");
        crate::run::agent::Attempt {
            message: Some("Add two\n\nFactory-Gates: everything\n".into()),
            ..done()
        }
    });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    assert_eq!(bench.landed("app/b.txt"), "two");
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt"
    );
    let message = bench.git(&["log", "-1", "--format=%an <%ae>%n%B", "factory/t"]);
    assert_eq!(
        message,
        format!(
            "Owner <owner@example.com>\nAdd two\n\nFactory-Task: t\nFactory-Step: build\n\
             Factory-Role: builder\nFactory-Gates: check\nFactory-Run: {}",
            ran.ok().run
        )
    );
}

#[tokio::test]
async fn the_checkout_of_the_owner_is_not_touched() {
    let bench = Bench::new();
    bench.write("app/a.txt", "changed, not staged\n");
    bench.write("app/staged.txt", "staged\n");
    bench.git(&["add", "app/staged.txt"]);
    bench.write("untracked.txt", "mine\n");
    let look = || {
        (
            bench.git(&["status", "--porcelain=v2", "--branch"]),
            bench.git(&["stash", "list"]),
            bench.git(&["diff"]),
            std::fs::read(bench.root().join(".git/HEAD")).unwrap(),
            std::fs::read(bench.root().join(".git/index")).unwrap(),
        )
    };
    let before = look();
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    assert_eq!(look(), before);
    assert_eq!(bench.landed("app/a.txt"), "one");
}

#[tokio::test]
async fn a_branch_that_is_checked_out_is_not_moved() {
    let bench = Bench::new();
    bench.git(&["checkout", "-q", "-b", "factory/t"]);
    let ran = bench
        .exec(
            plan(json!([commits("build", "builder", &[])])),
            &Agents::default(),
        )
        .await;
    assert!(
        ran.summary
            .unwrap_err()
            .to_string()
            .contains("is checked out")
    );
}

#[tokio::test]
async fn a_second_exec_pays_nothing() {
    let bench = Bench::new();
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let steps = json!([commits("build", "builder", &[])]);
    bench.exec(plan(steps.clone()), &agents).await.ok();
    let tip = bench.git(&["rev-parse", "factory/t"]);

    // What a task may cost is not what it is.
    let mut cheaper = steps.clone();
    cheaper[0]["kind"]["stop"]["attempts"] = json!(1);
    let ran = bench.exec(plan(cheaper), &Agents::default()).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 0));
    assert_eq!(ran.ok().skipped["t"], tip);
    assert!(
        !ran.events
            .iter()
            .any(|event| matches!(event, Event::GateJudged { .. }))
    );

    // Another goal is another task; the branch of the first one is in its way.
    let mut other = plan(steps);
    let Order::Start { plan, .. } = &mut other else {
        unreachable!()
    };
    plan.tasks.get_mut("t").unwrap().goal = "H".into();
    let ran = bench.exec(other.clone(), &Agents::default()).await;
    assert!(ran.summary.unwrap_err().to_string().contains("--again"));
    let Order::Start { again, .. } = &mut other else {
        unreachable!()
    };
    *again = true;
    let ran = bench.exec(other, &agents).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 1));
    let kept = format!("refs/factory/kept/{}/t/before", ran.ok().run);
    assert_eq!(bench.git(&["rev-parse", &kept]), tip);
}

#[tokio::test]
async fn steps_that_can_not_meet_run_at_the_same_time_and_both_land() {
    let bench = Bench::new();
    let mut agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("write", 1, &[("docs/b.md", "# B\n")])
        .says("qa", 1, pass());
    // Neither ends before both have begun, so they do run at the same time.
    agents.together = vec!["build".into(), "write".into()];
    let steps = json!([
        commits("build", "builder", &[]),
        commits("write", "writer", &[]),
        reviews("qa", &["build", "write"], "build"),
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(
        (bench.landed("app/b.txt"), bench.landed("docs/b.md")),
        ("two".into(), "# B".into())
    );
    // One commit each, on one line.
    assert_eq!(bench.subjects().len(), 2);
    assert!(
        ran.events
            .iter()
            .any(|event| matches!(event, Event::Merged { conflicts, .. } if conflicts.is_empty()))
    );
}

#[tokio::test]
async fn steps_that_may_write_the_same_file_take_turns() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("one", 1, &[("app/b.txt", "two\n")])
        .on("two", 1, |assignment| {
            assert!(assignment.checkout.join("app/b.txt").exists());
            super::bench::write(&assignment.checkout.join("app/c.txt"), "three\n");
            done()
        });
    let steps = json!([
        commits("one", "builder", &[]),
        commits("two", "builder", &[])
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    assert!(
        !ran.events
            .iter()
            .any(|event| matches!(event, Event::Merged { .. }))
    );
}

#[tokio::test]
async fn a_tip_that_moved_is_merged_and_judged_again() {
    let bench = Bench::new();
    // Together they break what each alone does not, until one of them is mended.
    bench.write(
        "check.sh",
        "! { test -f app/b.txt && test -f docs/b.md && ! grep -q both app/b.txt docs/b.md; }\n",
    );
    bench.commit("check both");
    let mut agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("write", 1, &[("docs/b.md", "# B\n")])
        .writes("build", 2, &[("app/b.txt", "both\n")])
        .writes("write", 2, &[("docs/b.md", "# both\n")]);
    agents.together = vec!["build".into(), "write".into()];
    let steps = json!([
        commits("build", "builder", &[]),
        commits("write", "writer", &[])
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!((ran.attempts(), bench.subjects().len()), (3, 2));
    let asked = agents.asked.borrow();
    assert!(
        asked
            .iter()
            .any(|(_, attempt, brief)| *attempt == 2 && brief.contains("`check`"))
    );
}

#[tokio::test]
async fn a_failing_verdict_sends_the_work_back() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("polish", 1, &[("docs/b.md", "# B\n")])
        .says("qa", 1, fail("b should say three"))
        .on("build", 2, |assignment| {
            assert_eq!(assignment.session.as_deref(), Some("s"));
            assert!(
                assignment.checkout.join("docs/b.md").exists(),
                "it works on the tip"
            );
            super::bench::write(&assignment.checkout.join("app/b.txt"), "three\n");
            done()
        })
        // It has nothing to add this time, and that is no fault.
        .writes("polish", 2, &[])
        .says("qa", 2, pass());
    let steps = json!([
        commits("build", "builder", &[]),
        commits("polish", "writer", &["build"]),
        reviews("qa", &["polish"], "build"),
    ]);
    let order = plan_with(steps, |plan| {
        plan["tasks"]["t"]["accept"] = json!([
            {"text": "b says three", "proof": {"by": "command", "run": "grep -q three app/b.txt"}},
            {"text": "it looks right", "proof": {"by": "verdict", "role": "qa"}},
            {"text": "it is loved", "proof": {"by": "nobody"}},
        ]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(bench.landed("app/b.txt"), "three");
    assert_eq!(bench.subjects().len(), 3);
    let asked = agents.asked.borrow();
    let order: Vec<_> = asked
        .iter()
        .map(|(step, attempt, _)| format!("{step} {attempt}"))
        .collect();
    assert_eq!(
        order,
        ["build 1", "polish 1", "qa 1", "build 2", "polish 2", "qa 2"]
    );
    let to = |step: &str, attempt| {
        asked
            .iter()
            .find(|asked| asked.0 == step && asked.1 == attempt)
            .unwrap()
    };
    assert!(to("build", 2).2.contains("b should say three"));
    assert!(to("qa", 2).2.contains("b should say three"));
    let proofs: Vec<_> = ran.ok().tasks[0]
        .criteria
        .iter()
        .map(|(_, proof)| proof.clone())
        .collect();
    assert_eq!(
        proofs,
        [
            Proven::Command {
                run: "grep -q three app/b.txt".into()
            },
            Proven::Verdict {
                role: "qa".into(),
                step: "qa".into()
            },
            Proven::Nobody,
        ]
    );
}

#[tokio::test]
async fn a_criterion_that_does_not_hold_goes_back_to_the_last_commit() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .says("qa", 1, pass())
        .writes("build", 2, &[("app/b.txt", "three\n")])
        .says("qa", 2, pass());
    let steps = json!([
        commits("build", "builder", &[]),
        reviews("qa", &["build"], "build")
    ]);
    let order = plan_with(steps.clone(), |plan| {
        plan["tasks"]["t"]["accept"] =
            json!([{"text": "three", "proof": {"by": "command", "run": "grep three app/b.txt"}}]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(
        (bench.landed("app/b.txt").as_str(), ran.attempts()),
        ("three", 4)
    );

    // While `stop` allows it.
    let bench = Bench::new();
    let order = plan_with(steps, |plan| {
        plan["tasks"]["t"]["steps"][0]["kind"]["stop"]["attempts"] = json!(1);
        plan["tasks"]["t"]["accept"] =
            json!([{"text": "three", "proof": {"by": "command", "run": "grep three app/b.txt"}}]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    assert!(ran.ok().tasks[0].landed.is_none());
}

#[tokio::test]
async fn what_has_an_effect_waits_for_its_approval_and_runs_once() {
    let bench = Bench::new();
    let marks = bench.folder().join("marks");
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let steps = json!([
        commits("build", "builder", &[]),
        {"name": "deploy", "after_land": true, "approval": "founder", "kind": {
            "kind": "effect", "run": format!("cat app/b.txt >> {}; echo $HOME", marks.display()),
        }},
    ]);
    let order = plan(steps);
    let ran = bench.exec(order.clone(), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Waiting);
    assert!(ran.ok().tasks[0].landed.is_some() && !marks.exists());
    let run = ran.ok().run.clone();

    // Nothing but an approval makes it go on.
    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!((ran.ok().end, marks.exists()), (RunEnd::Waiting, false));
    let project = bench.project().await;
    assert!(approve(&project, &run, "t", "build", "me").is_err());
    approve(&project, &run, "t", "deploy", "me").unwrap();
    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(ran.step("deploy").end, StepEnd::Accepted);
    let ran = bench.exec(Order::Resume(run), &agents).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 0));
    assert_eq!(std::fs::read_to_string(marks).unwrap(), "two\n");
}

#[tokio::test]
async fn what_a_reviewer_writes_is_kept_with_the_run_and_does_not_land() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .on("qa", 1, |assignment| {
            super::bench::write(&assignment.checkout.join("reports/qa.md"), "fine\n");
            crate::run::agent::Attempt {
                structured: Some(pass()),
                ..done()
            }
        });
    let steps = json!([
        commits("build", "builder", &[]),
        reviews("qa", &["build"], "build")
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.step("qa").files, ["reports/qa.md"]);
    let kept = bench
        .project()
        .await
        .run(&ran.ok().run)
        .join("steps/t.qa/files/reports/qa.md");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "fine\n");
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt"
    );
}

#[tokio::test]
async fn managed_sections_are_refreshed_before_the_gates_and_land_with_the_work() {
    let bench = Bench::new();
    let section = crate::document::Rendered {
        title: "Key files".into(),
        text: "old\n".into(),
    };
    let keep = crate::document::OnEdit::Keep;
    let text = crate::document::refresh("# Mine\n", &[section], keep)
        .unwrap()
        .text;
    bench.write("GUIDE.md", &text);
    bench.write("docs/a.md", "# A\n\nThe body of A.\n");
    bench.commit("guide");
    let agents = Agents::default()
        .on("build", 1, |assignment| {
            super::bench::write(&assignment.checkout.join("app/b.txt"), "two\n");
            std::fs::remove_file(assignment.checkout.join("GUIDE.md")).unwrap();
            done()
        })
        .on("build", 2, |assignment| {
            let guide = assignment.checkout.join("GUIDE.md");
            super::bench::write(&guide, "# Mine\n\nMore.\n");
            done()
        });
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["roles"]["builder"]["boundary"]["write"]["may"] = json!(["app/**", "GUIDE.md"]);
        plan["outputs"]["GUIDE.md"] = json!({"kind": "sections", "titles": ["Key files"]});
        plan["documents"]["GUIDE.md"] =
            json!([{"title": "Key files", "source": {"from": "file", "path": "docs/a.md"}}]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    // To delete it is refused; a section that was taken out is put in again.
    assert_eq!(ran.step("build").refused.len(), 1);
    let guide = bench.landed("GUIDE.md");
    assert!(guide.starts_with("# Mine\n\nMore.\n"), "{guide}");
    assert!(
        guide.contains("## Key files\n") && guide.contains("The body of A."),
        "{guide}"
    );
    assert!(!guide.contains("\nold\n"), "{guide}");
}

#[tokio::test]
async fn what_someone_else_put_on_the_branch_is_kept_and_conflicts_go_to_the_agent() {
    let bench = Bench::new();
    let root = bench.root();
    // Someone commits to the task's branch while the agent works.
    let intrude = move |path: &str, text: &str| {
        let other = Bench::at(root.parent().unwrap().to_owned());
        let folder = other.folder().join("other");
        other.git(&[
            "worktree",
            "add",
            "-q",
            folder.to_str().unwrap(),
            "factory/t",
        ]);
        super::bench::write(&folder.join(path), text);
        let git = |args: &[&str]| {
            let mut git = std::process::Command::new("git");
            assert!(
                git.args(args)
                    .current_dir(&folder)
                    .output()
                    .unwrap()
                    .status
                    .success()
            );
        };
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "by hand"]);
        other.git(&["worktree", "remove", "--force", folder.to_str().unwrap()]);
    };
    let again = intrude.clone();
    let agents = Agents::default()
        .on("build", 1, move |assignment| {
            intrude("docs/theirs.md", "theirs\n");
            super::bench::write(&assignment.checkout.join("app/b.txt"), "two\n");
            done()
        })
        .on("more", 1, move |assignment| {
            again("app/b.txt", "theirs\n");
            super::bench::write(&assignment.checkout.join("app/b.txt"), "ours\n");
            done()
        })
        .on("more", 2, |assignment| {
            let path = assignment.checkout.join("app/b.txt");
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                text.contains("<<<<<<<") && text.contains("theirs\n") && text.contains("ours\n")
            );
            super::bench::write(&path, "theirs\nours\n");
            done()
        });
    let steps = json!([
        commits("build", "builder", &[]),
        commits("more", "builder", &["build"])
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(bench.landed("docs/theirs.md"), "theirs");
    assert_eq!(bench.landed("app/b.txt"), "theirs\nours");
    assert_eq!(
        bench.subjects(),
        ["by hand", "t: build", "by hand", "t: more"]
    );
    assert!(agents.asked.borrow()[2].2.contains("app/b.txt"));
    assert_eq!(ran.step("build").refused, []);
}
