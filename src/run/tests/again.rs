//! Runs that are gone on with when the world has changed, or their owner's mind.

use std::fs;

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, fail, pass, plan, plan_with, reviews, write};
use crate::run::{
    Event, Failure, Order, RunEnd, StepEnd, agent::Attempt, process::Cancel, report, status,
};

fn again(order: Order) -> Order {
    match order {
        Order::Start {
            plan,
            prompts,
            tasks,
            ..
        } => Order::Start {
            plan,
            prompts,
            tasks,
            again: true,
        },
        resume @ Order::Resume(_) => resume,
    }
}

// Runs `order` until an event of which `is` says that the run is to end there.
async fn cancelled_at(
    bench: &Bench,
    order: Order,
    agents: &Agents,
    is: impl Fn(&Event) -> bool,
) -> crate::run::RunId {
    let (make, cancel) = Cancel::new();
    let ran = bench
        .exec_until(order, agents, cancel, &mut |event| {
            if is(event) {
                make.send_replace(true);
            }
        })
        .await;
    assert_eq!(ran.ok().end, RunEnd::Cancelled, "{:#?}", ran.events);
    ran.ok().run.clone()
}

#[tokio::test]
async fn what_another_run_has_landed_is_not_done_again() {
    for anew in [false, true] {
        let bench = Bench::new();
        let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
        let order = plan(json!([commits("build", "builder", &[])]));
        if anew {
            bench.exec(order.clone(), &agents).await.ok();
        }
        let order = if anew { again(order) } else { order };
        let started = |event: &Event| matches!(event, Event::RunStarted { .. });
        let run = cancelled_at(&bench, order.clone(), &Agents::default(), started).await;
        assert_eq!(bench.exec(order, &agents).await.ok().end, RunEnd::Finished);

        let tip = bench.git(&["rev-parse", "factory/t"]);
        let ran = bench.exec(Order::Resume(run), &Agents::default()).await;
        assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 0));
        assert_eq!(ran.ok().skipped["t"], tip);
        assert_eq!(bench.git(&["rev-parse", "factory/t"]), tip);
    }
}

#[tokio::test]
async fn a_run_that_does_tasks_again_still_does_when_it_goes_on() {
    let bench = Bench::new();
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let order = plan(json!([commits("build", "builder", &[])]));
    bench.exec(order.clone(), &agents).await.ok();
    // It ends before its branch has been reset.
    let started = |event: &Event| matches!(event, Event::RunStarted { .. });
    let run = cancelled_at(&bench, again(order), &Agents::default(), started).await;
    let ran = bench.exec(Order::Resume(run), &agents).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 1));
}

#[tokio::test]
async fn a_run_whose_money_is_used_up_goes_on_with_more() {
    let costs = |micros: u64, ended: crate::run::agent::Ended| {
        move |assignment: &crate::run::agent::Assignment| {
            write(&assignment.checkout.join("app/b.txt"), "two\n");
            Attempt {
                cost: crate::plan::Usd { micros },
                ended: ended.clone(),
                ..done()
            }
        }
    };
    let bench = Bench::new();
    // The run's money ends in the attempt, not the step's.
    let agents = Agents::default()
        .on(
            "build",
            1,
            costs(1_000_000, crate::run::agent::Ended::Budget),
        )
        .on(
            "build",
            2,
            costs(100_000, crate::run::agent::Ended::Completed),
        );
    let order = plan(json!([commits("build", "builder", &[])]));
    let ran = bench.exec_with_cap(order, &agents, "0.50").await;
    let run = ran.ok().run.clone();
    assert!(
        matches!(ran.step("build").end, StepEnd::Failed(Failure::Cap { .. })),
        "{:?}",
        ran.step("build")
    );
    assert!(ran.ok().can_go_on());
    // What is used up stays so until more is given.
    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Failed, 0));
    let ran = bench
        .exec_with_cap(Order::Resume(run), &agents, "5.00")
        .await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 1));
}

#[tokio::test]
async fn what_failed_by_its_work_is_tried_again_where_its_owner_wants_it() {
    let broken: &[(&str, &str)] = &[("app/b.txt", "broken\n")];
    let bench = Bench::new();
    let mut steps = json!([
        commits("write", "writer", &[]),
        commits("build", "builder", &["write"])
    ]);
    steps[1]["kind"]["stop"]["attempts"] = json!(1);
    let agents = Agents::default()
        .writes("write", 1, &[("docs/b.md", "# B\n")])
        .writes("build", 1, broken)
        .writes("build", 2, &[("app/b.txt", "mended\n")]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    assert!(ran.ok().can_retry() && !ran.ok().can_go_on());
    let run = ran.ok().run.clone();

    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Failed, 0));
    bench.retries.set(true);
    let ran = bench.exec(Order::Resume(run), &agents).await;
    // What was accepted is not done again, and the work that failed is still there.
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 1));
    assert_eq!(bench.landed("app/b.txt"), "mended");
    assert!(agents.asked.borrow()[2].2.contains("`check`"));
    assert!(!ran.ok().can_retry());
}

#[tokio::test]
async fn a_failing_verdict_sends_the_work_back_once_there_are_attempts_again() {
    let bench = Bench::new();
    let mut steps = json!([
        commits("build", "builder", &[]),
        reviews("qa", &["build"], "build")
    ]);
    for step in steps.as_array_mut().unwrap() {
        step["kind"]["stop"]["attempts"] = json!(1);
    }
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .says("qa", 1, fail("say three"))
        .writes("build", 2, &[("app/b.txt", "three\n")])
        .says("qa", 2, pass());
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    bench.retries.set(true);
    let ran = bench
        .exec(Order::Resume(ran.ok().run.clone()), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(bench.landed("app/b.txt"), "three");
    assert!(agents.asked.borrow()[2].2.contains("say three"));
}

#[tokio::test]
async fn an_attempt_that_changes_nothing_in_a_fresh_set_ends_the_step_again() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[])
        .writes("build", 2, &[])
        .writes("build", 3, &[("app/b.txt", "two\n")]);
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    bench.retries.set(true);
    let run = ran.ok().run.clone();
    let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
    assert_eq!(ran.step("build").end, StepEnd::Failed(Failure::NoChange));
    let ran = bench.exec(Order::Resume(run), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
}

#[tokio::test]
async fn a_run_that_can_not_be_read_is_in_nobodys_way() {
    let bench = Bench::new();
    let project = bench.project().await;
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let order = |goal: &str| {
        plan_with(json!([commits("build", "builder", &[])]), |plan| {
            plan["tasks"]["t"]["goal"] = json!(goal);
        })
    };
    let whole = bench.exec(order("a"), &agents).await.ok().run.clone();
    let folder = project.run(&whole);
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let odd = journal.replacen("baseline-held", "of-the-future", 1);
    // (the name of a run, its journal, whether its plan is there)
    for (name, journal, has_plan) in [
        ("29991231-000000-0001", "", true),
        ("29991231-000000-0002", odd.as_str(), true),
        ("29991231-000000-0003", journal.as_str(), false),
    ] {
        let other = project.runs().join(name);
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("journal.jsonl"), journal).unwrap();
        if has_plan {
            fs::copy(folder.join("plan.json"), other.join("plan.json")).unwrap();
        }
    }
    let found = status(&project).unwrap();
    let named: Vec<_> = found
        .unreadable
        .iter()
        .map(|(run, _)| run.as_str())
        .collect();
    assert_eq!(
        named,
        [
            "29991231-000000-0003",
            "29991231-000000-0002",
            "29991231-000000-0001"
        ]
    );
    assert_eq!(found.runs.len(), 1);
    let ran = bench
        .exec(
            Order::Resume("29991231-000000-0001".parse().unwrap()),
            &agents,
        )
        .await;
    let error = ran.summary.unwrap_err().to_string();
    assert!(error.contains("never began"), "{error}");
    bench.git(&["update-ref", "-d", "refs/heads/factory/t"]);
    assert_eq!(
        bench.exec(order("b"), &agents).await.ok().end,
        RunEnd::Finished
    );
}

#[tokio::test]
async fn whoever_does_a_task_anew_closes_the_run_that_left_it_undone() {
    let bench = Bench::new();
    bench.write("app/a.txt", "broken\n");
    bench.commit("break it");
    let order = plan(json!([commits("build", "builder", &[])]));
    let red = bench.exec(order.clone(), &Agents::default()).await;
    let red = red.ok().run.clone();
    let project = bench.project().await;
    let closed = || {
        let found = status(&project).unwrap();
        let run = found.runs.into_iter().find(|run| run.run == red).unwrap();
        (run.closed_by, report(&project, &red).unwrap().end)
    };
    assert_eq!(closed(), (None, RunEnd::Red));
    bench.write("app/a.txt", "fine\n");
    bench.commit("mend it");
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let ran = bench.exec(order.clone(), &agents).await;
    assert_eq!(closed(), (Some(ran.ok().run.clone()), RunEnd::Red));

    // A run with nothing to do leaves nothing behind.
    let before = status(&project).unwrap().runs.len();
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().tasks.len(), 0);
    assert!(ran.ok().skipped.contains_key("t"));
    assert_eq!(status(&project).unwrap().runs.len(), before);
}
