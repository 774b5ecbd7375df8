//! Trouble that is no agent's: it ends what it must, and nothing else.

use std::fs;

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, plan, plan_with, write};
use crate::run::{Event, Failure, Order, RunEnd, StepEnd, TaskEnd, approve};

fn two_tasks() -> Order {
    plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["tasks"]["u"] =
            json!({"goal": "U", "accept": [], "steps": [commits("write", "writer", &[])]});
    })
}

#[tokio::test]
async fn the_trouble_of_one_task_does_not_end_another() {
    let bench = Bench::new();
    let root = bench.root();
    let marks = bench.folder().join("told");
    let mut order = two_tasks();
    if let Order::Start { plan, .. } = &mut order {
        let run = format!("echo $FACTORY_EVENT $FACTORY_TASK >> {}", marks.display());
        plan.factory.notify =
            serde_json::from_value(json!([{"on": ["finished", "failed"], "run": run}])).unwrap();
    }
    let mut agents = Agents::default()
        .on("build", 1, move |assignment| {
            // Its owner checks out its branch, which nobody then moves any more.
            let bench = Bench::at(root.parent().unwrap().to_owned());
            bench.git(&["checkout", "-q", "factory/t"]);
            write(&assignment.checkout.join("app/b.txt"), "two\n");
            done()
        })
        .writes("write", 1, &[("docs/b.md", "# B\n")]);
    agents.together = vec!["build".into(), "write".into()];
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    let StepEnd::Failed(Failure::Trouble { what }) = &ran.step("build").end else {
        panic!("{:?}", ran.step("build"));
    };
    assert!(what.contains("is checked out"), "{what}");
    assert_eq!(ran.ok().tasks[1].end, Some(TaskEnd::Finished));
    let told = fs::read_to_string(marks).unwrap();
    let mut told: Vec<_> = told.lines().collect();
    told.sort_unstable();
    assert_eq!(told, ["failed t", "finished u"]);

    // Once it is over, the work that was done lands, and is not paid for again.
    bench.git(&["checkout", "-q", "main"]);
    let run = ran.ok().run.clone();
    let ran = bench.exec(Order::Resume(run), &Agents::default()).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 0));
    assert_eq!(bench.landed("app/b.txt"), "two");
}

#[tokio::test]
async fn a_branch_that_can_not_be_made_is_told_of_before_anything_runs() {
    for name in ["factory", "factory/t/x"] {
        let bench = Bench::new();
        bench.git(&["branch", name]);
        let ran = bench
            .exec(
                plan(json!([commits("build", "builder", &[])])),
                &Agents::default(),
            )
            .await;
        let error = ran.summary.unwrap_err().to_string();
        assert!(error.contains(&format!("a branch `{name}`")), "{error}");
        assert!(ran.events.is_empty());
    }
}

#[tokio::test]
async fn sections_that_the_plan_has_left_behind_are_no_red_base() {
    let bench = Bench::new();
    let section = |text: &str| crate::document::Rendered {
        title: "Key files".into(),
        text: text.into(),
    };
    let keep = crate::document::OnEdit::Keep;
    let text = crate::document::refresh("# Mine\n", &[section("old\n")], keep)
        .unwrap()
        .text;
    bench.write("GUIDE.md", &text);
    bench.commit("guide");
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["gates"]["docs"] = json!({
            "title": "Docs", "timeout": 60,
            "kind": {"kind": "docs", "covers": [], "by": []},
        });
        plan["roles"]["builder"]["gates"] = json!(["check", "docs"]);
        plan["outputs"]["GUIDE.md"] = json!({"kind": "sections", "titles": ["Key files"]});
        plan["documents"]["GUIDE.md"] =
            json!([{"title": "Key files", "source": {"from": "text", "text": "new\n"}}]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert!(bench.landed("GUIDE.md").contains("\nnew\n"));
}

#[tokio::test]
async fn a_late_step_that_fails_takes_nothing_back() {
    let bench = Bench::new();
    let steps = json!([
        commits("build", "builder", &[]),
        {"name": "deploy", "after_land": true, "kind": {"kind": "effect", "run": "exit 3"}},
    ]);
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    let ended = ran
        .events
        .iter()
        .find(|event| matches!(event, Event::TaskEnded { .. }));
    let landed = Event::TaskEnded {
        task: "t".into(),
        end: TaskEnd::Failed,
        landed: true,
    };
    assert_eq!(ended, Some(&landed));
}

#[tokio::test]
async fn what_stops_an_effect_before_it_starts_does_not_use_up_its_approval() {
    let bench = Bench::new();
    let marks = bench.folder().join("deployed");
    let trouble = bench.folder().join("trouble");
    let steps = json!([
        commits("build", "builder", &[]),
        {"name": "deploy", "after_land": true, "approval": "founder", "kind": {
            "kind": "effect", "run": format!("echo once >> {}", marks.display()),
        }},
    ]);
    let order = plan_with(steps, |plan| {
        plan["workspace"]["setup"] = json!([format!("test ! -e {}", trouble.display())]);
    });
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let run = bench.exec(order, &agents).await.ok().run.clone();
    approve(&bench.project().await, &run, "t", "deploy", "me").unwrap();
    fs::write(&trouble, "").unwrap();
    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    assert!(
        !ran.events
            .iter()
            .any(|event| matches!(event, Event::EffectStarted { .. }))
    );
    fs::remove_file(&trouble).unwrap();
    let ran = bench.exec(Order::Resume(run), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(fs::read_to_string(marks).unwrap(), "once\n");
}

#[tokio::test]
async fn what_is_kept_of_a_report_is_what_it_says_last() {
    let bench = Bench::new();
    let report = json!({"name": "look", "after": ["build"], "kind": {
        "kind": "agent", "role": "qa", "yields": "report", "brief": "Look.\n",
        "stop": {"attempts": 3, "usd": "15.00", "wall": 60},
    }});
    let order = plan_with(json!([commits("build", "builder", &[]), report]), |plan| {
        plan["tasks"]["t"]["accept"] =
            json!([{"text": "three", "proof": {"by": "command", "run": "grep three app/b.txt"}}]);
    });
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes(
            "look",
            1,
            &[("reports/x", "a file\n"), ("reports/y", "gone then\n")],
        )
        .writes("build", 2, &[("app/b.txt", "three\n")])
        .writes("look", 2, &[("reports/x/inner", "a folder\n")]);
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(ran.step("look").files, ["reports/x/inner"]);
    let kept = bench
        .project()
        .await
        .run(&ran.ok().run)
        .join("steps/t.look/files/reports");
    assert_eq!(
        fs::read_to_string(kept.join("x/inner")).unwrap(),
        "a folder\n"
    );
    assert!(!kept.join("y").exists());
}

#[tokio::test]
async fn a_memory_that_is_not_told_in_full_is_named() {
    // (what is remembered, what is said of it)
    let cases = [
        (
            None,
            Some("builder has no memory yet: there is no `memory/b.md`"),
        ),
        (
            Some("123456789"),
            Some(
                "builder is told the first 8 bytes of `memory/b.md`, which is longer than its limit",
            ),
        ),
        (Some("12345678"), None),
    ];
    for (remembered, said) in cases {
        let bench = Bench::new();
        if let Some(remembered) = remembered {
            bench.write("memory/b.md", remembered);
            bench.commit("remember");
        }
        let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
            plan["roles"]["builder"]["memory"] = json!({"path": "memory/b.md", "limit": 8});
        });
        let agents = Agents::default()
            .writes("build", 1, &[("app/b.txt", "broken\n")])
            .writes("build", 2, &[("app/b.txt", "two\n")]);
        let ran = bench.exec(order, &agents).await;
        assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
        let expected: Vec<_> = said.into_iter().collect();
        assert_eq!(ran.ok().notes, expected);
    }
}
