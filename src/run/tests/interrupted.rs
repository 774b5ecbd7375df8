//! Runs that are killed, cancelled, and gone on with.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, fail, pass, plan_with, reviews, write};
use crate::run::{Event, Order, RunEnd, agent::AgentError, process::Cancel, status};

// Everything that can be interrupted: a refusal, a failing gate, a merge, a verdict that sends back,
// a criterion, the landing of the task. Each attempt leaves a mark outside of the repository.
fn order() -> Order {
    let steps = json!([
        commits("build", "builder", &[]),
        commits("write", "writer", &[]),
        reviews("qa", &["build", "write"], "build"),
    ]);
    plan_with(steps, |plan| {
        plan["tasks"]["t"]["accept"] =
            json!([{"text": "three", "proof": {"by": "command", "run": "grep three app/b.txt"}}]);
    })
}

fn agents(marks: PathBuf) -> Agents {
    let mark = move |name: String| write(&marks.join(name), "");
    let writes = |files: &'static [(&'static str, &'static str)]| {
        let mark = mark.clone();
        move |assignment: &crate::run::agent::Assignment| {
            for (path, text) in files {
                write(&assignment.checkout.join(path), text);
            }
            mark(format!("{}-{}", assignment.step, assignment.attempt));
            done()
        }
    };
    Agents::default()
        .on(
            "build",
            1,
            writes(&[("docs/no.md", "refused\n"), ("app/b.txt", "one\n")]),
        )
        .on("build", 2, |assignment| {
            let refused = assignment.checkout.join("docs/no.md");
            assert!(refused.exists(), "the attempt before is still there");
            fs::remove_file(refused).unwrap();
            done()
        })
        .on(
            "write",
            1,
            writes(&[("docs/b.md", "broken\n"), ("docs/c.md", "# C\n")]),
        )
        .says("qa", 1, fail("say three"))
        .on("build", 3, writes(&[("app/b.txt", "three\n")]))
        .says("qa", 2, pass())
}

// Not a test of its own: the process that `killed_at_any_event` kills.
#[test]
fn child() {
    let (Ok(folder), Ok(at)) = (std::env::var("BENCH"), std::env::var("KILLED_AT")) else {
        return;
    };
    let bench = Bench::at(PathBuf::from(folder));
    let marks = bench.folder().join("marks");
    let at: usize = at.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut seen = 0;
    runtime.block_on(
        bench.exec_until(order(), &agents(marks), Cancel::never(), &mut |_| {
            seen += 1;
            if seen == at {
                std::process::abort();
            }
        }),
    );
}

#[tokio::test]
async fn killed_at_any_event_a_run_goes_on_and_pays_for_nothing_twice() {
    let whole = {
        let bench = Bench::new();
        let ran = bench
            .exec(order(), &agents(bench.folder().join("marks")))
            .await;
        assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
        ran.events.len()
    };
    assert!(whole > 25, "{whole}");
    // Every third, since each takes a second; which ones they are differs as the list of events grows.
    for at in (1..=whole).step_by(3) {
        let bench = Bench::new();
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "run::tests::interrupted::child",
                "--test-threads=1",
            ])
            .env("BENCH", bench.folder())
            .env("KILLED_AT", at.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        // How many events there are depends on who lands first.
        assert!(status.signal() == Some(6) || at > 25, "at {at}: {status}");
        let project = bench.project().await;
        let runs = crate::run::status(&project).unwrap().runs;
        let [run] = runs.as_slice() else {
            panic!("{runs:?}");
        };
        let before = crate::run::events(&project, &run.run).unwrap();
        let ran = bench
            .exec(
                Order::Resume(run.run.clone()),
                &agents(bench.folder().join("marks")),
            )
            .await;
        assert_eq!(ran.ok().end, RunEnd::Finished, "at {at}: {:#?}", ran.events);
        let all: Vec<_> = before
            .iter()
            .map(|entry| &entry.event)
            .chain(&ran.events)
            .collect();
        let ended = |step: &str| {
            let of = |event: &&&Event| matches!(event, Event::AttemptEnded { place, .. } if place.step == step);
            all.iter().filter(of).count()
        };
        assert_eq!(
            (ended("build"), ended("write"), ended("qa")),
            (3, 1, 2),
            "at {at}"
        );
        let landed = all
            .iter()
            .filter(|event| matches!(event, Event::Landed { .. }))
            .count();
        assert_eq!((landed, bench.subjects().len()), (3, 3), "at {at}");
        assert_eq!(
            (
                bench.landed("app/b.txt").as_str(),
                bench.landed("docs/c.md").as_str()
            ),
            ("three", "# C")
        );
        assert_eq!(ran.ok().cost.to_string(), "6.00", "at {at}");
        assert_eq!(ran.ok().attempts, 6, "at {at}");
    }
}

#[tokio::test]
async fn what_is_on_its_branch_already_lands_once_wherever_that_is_checked_out() {
    let bench = Bench::new();
    let order = plan_with(json!([commits("build", "builder", &[])]), |_| {});
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let run = bench.exec(order, &agents).await.ok().run.clone();
    // As it is where the process is killed after the branch was moved, and before that was written down.
    let path = bench.project().await.run(&run).join("journal.jsonl");
    let journal = fs::read_to_string(&path).unwrap();
    let landing = journal.find("\"landing\"").unwrap();
    let end = landing + journal[landing..].find('\n').unwrap() + 1;
    fs::write(&path, &journal[..end]).unwrap();
    let said = bench.git(&["for-each-ref", "--format=%(refname)", "refs/factory/landed"]);
    bench.git(&["update-ref", "-d", &said]);
    bench.git(&["checkout", "-q", "factory/t"]);
    let tip = bench.git(&["rev-parse", "HEAD"]);

    let ran = bench.exec(Order::Resume(run), &Agents::default()).await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 0));
    assert_eq!(bench.git(&["rev-parse", "HEAD"]), tip);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(bench.subjects().len(), 1);
}

#[tokio::test]
async fn a_cancelled_run_says_so_and_goes_on() {
    let bench = Bench::new();
    let order = plan_with(
        json!([
            commits("build", "builder", &[]),
            commits("more", "builder", &["build"])
        ]),
        |_| {},
    );
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("more", 1, &[("app/c.txt", "three\n")]);
    let (make, cancel) = Cancel::new();
    let ran = bench
        .exec_until(order, &agents, cancel, &mut |event| {
            if matches!(event, Event::AttemptStarted { place, .. } if place.step == "more") {
                make.send_replace(true);
            }
        })
        .await;
    assert_eq!(ran.ok().end, RunEnd::Cancelled);
    assert_eq!(ran.events.last(), Some(&Event::RunCancelled));
    assert!(ran.ok().can_go_on());
    let ran = bench
        .exec(Order::Resume(ran.ok().run.clone()), &agents)
        .await;
    assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Finished, 1));
    // What was cancelled was no attempt.
    assert_eq!(
        (ran.step("build").attempts, ran.step("more").attempts),
        (1, 1)
    );
    assert_eq!(bench.subjects().len(), 2);
    assert!(!ran.ok().can_go_on());
}

#[tokio::test]
async fn a_run_is_bound_to_the_plan_that_it_began_with() {
    let bench = Bench::new();
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let steps = json!([
        commits("build", "builder", &[]),
        {"name": "deploy", "after_land": true, "approval": "founder",
         "kind": {"kind": "effect", "run": "true"}},
    ]);
    let ran = bench.exec(plan_with(steps, |_| {}), &agents).await;
    let run = ran.ok().run.clone();
    let folder = bench.project().await.run(&run);
    for name in ["plan.json", "prompts/builder.md"] {
        let path = folder.join(name);
        let kept = fs::read_to_string(&path).unwrap();
        fs::write(&path, kept.replace("\"true\"", "\"false\"") + " ").unwrap();
        let refused = bench.exec(Order::Resume(run.clone()), &agents).await;
        assert!(
            refused
                .summary
                .unwrap_err()
                .to_string()
                .contains("not the one"),
            "{name}"
        );
        fs::write(&path, kept).unwrap();
    }
    assert_eq!(
        bench.exec(Order::Resume(run), &agents).await.ok().end,
        RunEnd::Waiting
    );
}

#[tokio::test]
async fn one_run_at_a_time() {
    let bench = Bench::new();
    let project = bench.project().await;
    let hold = project.hold("run x").unwrap();
    let ran = bench.exec(order(), &Agents::default()).await;
    let error = ran.summary.unwrap_err().to_string();
    assert!(error.contains("run x"), "{error}");
    assert!(status(&project).unwrap().runs.is_empty());
    drop(hold);
}

#[tokio::test]
async fn trouble_ends_a_step_and_a_resume_tries_again() {
    let bench = Bench::new();
    let order = plan_with(json!([commits("build", "builder", &[])]), |_| {});
    let ran = bench
        .exec(
            order,
            &Agents::default().refuses("build", AgentError::Driver("no client".into())),
        )
        .await;
    assert_eq!(ran.ok().end, RunEnd::Failed);
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let ran = bench
        .exec(Order::Resume(ran.ok().run.clone()), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
}

#[tokio::test]
async fn an_effect_that_nobody_saw_the_end_of_is_not_repeated_without_a_word() {
    // (the approval of the effect, how the resumed run ends)
    for (approval, end) in [(None, RunEnd::Failed), (Some("founder"), RunEnd::Waiting)] {
        let bench = Bench::new();
        let mut deploy = json!({"name": "deploy", "after_land": true, "kind": {
            "kind": "effect", "run": format!("echo once >> {}", bench.folder().join("out").display()),
        }});
        if let Some(approval) = approval {
            deploy["approval"] = json!(approval);
        }
        let order = plan_with(json!([commits("build", "builder", &[]), deploy]), |_| {});
        let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
        let project = bench.project().await;
        let mut order = order;
        if approval.is_some() {
            let run = bench.exec(order, &agents).await.ok().run.clone();
            crate::run::approve(&project, &run, "t", "deploy", "me").unwrap();
            order = Order::Resume(run);
        }
        // The process dies once the effect is on its way.
        let (make, cancel) = Cancel::new();
        let ran = bench
            .exec_until(order, &agents, cancel, &mut |event| {
                if matches!(event, Event::EffectStarted { .. }) {
                    make.send_replace(true);
                }
            })
            .await;
        assert_eq!(ran.ok().end, RunEnd::Cancelled, "{:#?}", ran.events);
        let run = ran.ok().run.clone();
        let ran = bench.exec(Order::Resume(run.clone()), &agents).await;
        assert_eq!(ran.ok().end, end, "{:#?}", ran.events);
        // Who is asked to approve it once more is told.
        let told = |event: &Event| matches!(event, Event::Waiting { started: true, .. });
        assert_eq!(ran.events.iter().any(told), approval.is_some());
        assert!(!bench.folder().join("out").exists());
        if approval.is_some() {
            crate::run::approve(&project, &run, "t", "deploy", "me").unwrap();
            let ran = bench.exec(Order::Resume(run), &agents).await;
            assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
            assert!(bench.folder().join("out").exists());
        }
    }
}
