//! What is refused, sent back, and stopped.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, fail, pass, plan, plan_with, reviews, write};
use crate::{
    plan::Usd,
    run::{
        ChangeKind, Event, Failure, RunEnd, Sender, StepEnd,
        agent::{Attempt, Ended},
    },
};

// What an attempt does to a path.
fn failure(ran: &super::bench::Ran, step: &str) -> Failure {
    match &ran.step(step).end {
        StepEnd::Failed(why) => why.clone(),
        other => panic!("{other:?}\n{:#?}", ran.events),
    }
}

#[tokio::test]
async fn a_gate_that_is_red_on_the_base_costs_nothing() {
    let bench = Bench::new();
    bench.write("app/a.txt", "broken\n");
    bench.commit("break it");
    let steps = json!([commits("build", "builder", &[])]);
    let ran = bench.exec(plan(steps.clone()), &Agents::default()).await;
    assert_eq!(
        (ran.ok().end, ran.attempts(), ran.ok().cost),
        (RunEnd::Red, 0, Usd::ZERO)
    );
    assert_eq!(ran.ok().red, ["check"]);
    assert_eq!(
        bench.git(&["for-each-ref", "refs/heads/factory", "refs/factory"]),
        ""
    );

    // A change in the owner's checkout is not in the base.
    bench.write("app/a.txt", "fine again\n");
    let ran = bench.exec(plan(steps.clone()), &Agents::default()).await;
    assert_eq!(ran.ok().end, RunEnd::Red);
    bench.commit("mend it");
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    assert_eq!(
        bench.exec(plan(steps), &agents).await.ok().end,
        RunEnd::Finished
    );
}

#[tokio::test]
async fn a_failing_gate_sends_its_output_back_to_the_same_session() {
    let bench = Bench::new();
    bench.write("check.sh", "grep -rn broken app && exit 1; exit 0\n");
    bench.commit("say where");
    let agents = Agents::default()
        .writes(
            "build",
            1,
            &[("app/b.txt", "broken\n"), ("ignored/cache", "kept\n")],
        )
        .on("build", 2, |assignment| {
            assert_eq!(assignment.session.as_deref(), Some("s"));
            assert!(
                assignment.checkout.join("ignored/cache").exists(),
                "the clone stays"
            );
            write(&assignment.checkout.join("app/b.txt"), "mended\n");
            done()
        });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(
        (ran.ok().end, ran.step("build").attempts),
        (RunEnd::Finished, 2)
    );
    assert_eq!(ran.ok().cost, Usd { micros: 2_000_000 });
    assert!(agents.asked.borrow()[1].2.contains("app/b.txt:1:broken"));
    assert_eq!(bench.subjects().len(), 1);
}

#[tokio::test]
async fn what_the_boundary_does_not_give_is_refused_by_name() {
    type Act = fn(&std::path::Path);
    let bench = Bench::new();
    bench.write("app/sealed.txt", "sealed\n");
    bench.write("app/spec.kdl", "spec\n");
    bench.commit("more");
    let cases: [(&str, Act, ChangeKind, &str); 12] = [
        (
            "docs/b.md",
            |at| write(at, "x"),
            ChangeKind::Added,
            "nothing grants",
        ),
        (
            "docs/a.md",
            |at| fs::remove_file(at).unwrap(),
            ChangeKind::Deleted,
            "nothing grants",
        ),
        (
            "app/x/secret",
            |at| write(at, "x"),
            ChangeKind::Added,
            "`**/secret`",
        ),
        (
            "app/only.txt",
            |at| write(at, "x"),
            ChangeKind::Added,
            "`only`",
        ),
        (
            "app/sealed.txt",
            |at| write(at, "x"),
            ChangeKind::Modified,
            "gate `check`",
        ),
        (
            "app/spec.kdl",
            |at| write(at, "x"),
            ChangeKind::Modified,
            "no role may",
        ),
        (
            "app/copied.key",
            |at| write(at, "x"),
            ChangeKind::Added,
            "copied",
        ),
        (
            "check.sh",
            |at| {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
            },
            ChangeKind::Mode,
            "gate `check`",
        ),
        (
            "docs/a.md",
            |at| {
                fs::remove_file(at).unwrap();
                symlink("../app/a.txt", at).unwrap();
            },
            ChangeKind::Type,
            "nothing grants",
        ),
        (
            "app/link",
            |at| symlink("../../..", at).unwrap(),
            ChangeKind::Added,
            "out of the project",
        ),
        (
            "app/link",
            |at| symlink("../.git/config", at).unwrap(),
            ChangeKind::Added,
            "out of the project",
        ),
        (
            "app/inner/.git",
            |at| {
                write(&at.parent().unwrap().join("a"), "x");
                let run = |args: &[&str]| {
                    let mut git = std::process::Command::new("git");
                    git.args(args).current_dir(at.parent().unwrap());
                    assert!(git.output().unwrap().status.success());
                };
                run(&["init", "-q"]);
                run(&[
                    "-c",
                    "user.name=a",
                    "-c",
                    "user.email=a@b",
                    "commit",
                    "-q",
                    "--allow-empty",
                    "-m",
                    "x",
                ]);
            },
            ChangeKind::Added,
            "repository",
        ),
    ];
    for (number, (path, act, change, why)) in cases.into_iter().enumerate() {
        bench.git(&["update-ref", "-d", "refs/heads/factory/t"]);
        let agents = Agents::default()
            .on("build", 1, move |assignment| {
                write(&assignment.checkout.join("app/b.txt"), "two\n");
                act(&assignment.checkout.join(path));
                done()
            })
            .on("build", 2, move |assignment| {
                let git = |args: &[&str]| {
                    let mut git = std::process::Command::new("git");
                    git.args(args)
                        .current_dir(&assignment.checkout)
                        .output()
                        .unwrap();
                };
                // It puts back what it was told to.
                git(&["checkout", "-q", "--", "docs", "check.sh", "app"]);
                git(&["clean", "-qffd", "docs", "app"]);
                write(&assignment.checkout.join("app/b.txt"), "two\n");
                done()
            });
        let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
            plan["tasks"]["t"]["goal"] = json!(number.to_string());
            plan["tasks"]["t"]["steps"][0]["kind"]["only_write"] =
                json!([{"pattern": "app/**", "except": ["app/only.txt"]}]);
            plan["gates"]["check"]["sealed"] = json!(["app/sealed.txt"]);
            plan["protected"]["input"] = json!(["app/spec.kdl"]);
            plan["workspace"]["copy"] = json!([{"path": "app/copied.key", "for": "gates"}]);
        });
        write(&bench.root().join("app/copied.key"), "key");
        let ran = bench.exec(order, &agents).await;
        let refused = &ran.step("build").refused;
        assert_eq!(refused.len(), 1, "{path}: {refused:?}");
        let said = path.strip_suffix(".git").unwrap_or(path);
        assert!(refused[0].path.starts_with(said), "{refused:?}");
        assert_eq!(refused[0].change, change, "{path}");
        assert!(refused[0].why.contains(why), "{path}: {refused:?}");
        assert!(agents.asked.borrow()[1].2.contains(&refused[0].path));
        assert_eq!(ran.ok().end, RunEnd::Finished, "{path}: {:#?}", ran.events);
        assert_eq!(ran.step("build").attempts, 2);
        assert_eq!(
            bench.git(&["diff", "--name-only", "main", "factory/t"]),
            "app/b.txt"
        );
    }
}

#[tokio::test]
async fn what_a_link_of_the_project_leads_to_is_kept_as_what_is_called_so() {
    let bench = Bench::new();
    bench.write("common/claude/settings.json", "{}\n");
    bench.write("common/roles/r.md", "You work.\n");
    bench.write("common/deep/x", "x\n");
    for (target, link) in [
        ("common/claude", ".claude"),
        ("common/roles", "roles"),
        ("../common/deep", "app/.claude"),
    ] {
        symlink(target, bench.root().join(link)).unwrap();
    }
    bench.commit("links");
    let kept = [
        "common/claude/settings.json",
        "common/deep/x",
        "common/roles/r.md",
    ];
    let agents = Agents::default()
        .on("build", 1, move |assignment| {
            for path in kept.iter().chain(&["app/b.txt", "common/free"]) {
                write(&assignment.checkout.join(path), "mine\n");
            }
            done()
        })
        .on("build", 2, move |assignment| {
            for path in kept {
                let text = fs::read_to_string(assignment.project.join(path)).unwrap();
                write(&assignment.checkout.join(path), &text);
            }
            done()
        });
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["roles"]["builder"]["boundary"]["write"]["may"] = json!(["app/**", "common/**"]);
        plan["protected"]["input"] = json!(["roles/r.md"]);
    });
    let ran = bench.exec(order, &agents).await;
    let refused: Vec<_> = ran.step("build").refused.iter().collect();
    let paths: Vec<_> = refused.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, kept, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|one| one.why.contains("no role may write it"))
    );
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt\ncommon/free"
    );
}

#[tokio::test]
async fn nothing_that_is_hidden_from_git_lands() {
    let bench = Bench::new();
    let agents = Agents::default().on("build", 1, |assignment| {
        let at = |path: &str| assignment.checkout.join(path);
        write(&at("app/b.txt"), "two\n");
        write(&at("app/x.log"), "ignored\n");
        // The clone's own `.git` is the agent's; nobody believes it.
        write(&at(".git/info/exclude"), "app/b.txt\n");
        write(&at(".git/hooks/pre-commit"), "exit 1\n");
        write(
            &at("../private/home/.gitconfig"),
            "[core]\n\texcludesFile = /dev/null\n",
        );
        fs::remove_dir_all(at(".git/refs")).unwrap();
        done()
    });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt"
    );
    assert!(!bench.root().join(".git/hooks/pre-commit").exists());
}

#[tokio::test]
async fn an_attempt_that_brings_nothing_new_ends_the_step() {
    let broken: &[(&str, &str)] = &[("app/b.txt", "broken\n")];
    // (what the attempts write, why the step ends, after how many)
    let cases = [
        (vec![&[] as &[_]], Failure::NoChange, 1),
        (vec![broken, &[("app/b.txt", "-")]], Failure::NoChange, 2),
        (vec![broken, &[]], Failure::SameTree, 2),
        (
            vec![broken, &[("app/b.txt", "broken more\n")], broken],
            Failure::SameTree,
            3,
        ),
    ];
    for (attempts, why, count) in cases {
        let bench = Bench::new();
        let mut agents = Agents::default();
        for (number, files) in (1..).zip(attempts) {
            agents = agents.writes("build", number, files);
        }
        let ran = bench
            .exec(plan(json!([commits("build", "builder", &[])])), &agents)
            .await;
        assert_eq!((failure(&ran, "build"), ran.attempts()), (why, count));
        assert_eq!(ran.ok().end, RunEnd::Failed);
        assert_eq!(bench.subjects(), [""; 0]);
        // What there was is kept.
        assert!(
            !bench
                .git(&["rev-parse", ran.step("build").kept.as_ref().unwrap()])
                .is_empty()
        );
    }
}

#[tokio::test]
async fn budgets_end_a_step_and_keep_its_work() {
    let ended = |ended: Ended, micros: u64| {
        move |assignment: &crate::run::agent::Assignment| {
            let attempt = assignment.attempt;
            write(
                &assignment.checkout.join("app/b.txt"),
                &format!("broken {attempt}\n"),
            );
            Attempt {
                cost: Usd { micros },
                ended: ended.clone(),
                ..done()
            }
        }
    };
    let usd = |micros| Usd { micros };
    // (how attempts end, what one costs, why the step ends, after how many)
    let cases = [
        (
            Ended::Completed,
            0,
            Failure::Attempts {
                attempts: 3,
                last: String::new(),
            },
            3,
        ),
        (
            Ended::Completed,
            8_000_000,
            Failure::Usd {
                spent: usd(16_000_000),
            },
            2,
        ),
        (
            Ended::Failed("lost".into()),
            0,
            Failure::Attempts {
                attempts: 3,
                last: String::new(),
            },
            3,
        ),
        (
            Ended::Budget,
            15_100_000,
            Failure::Usd {
                spent: usd(15_100_000),
            },
            1,
        ),
        (Ended::TimedOut, 0, Failure::Wall { seconds: 60 }, 1),
        (
            Ended::Limit {
                resets_at: Some(std::time::SystemTime::now() + std::time::Duration::from_hours(40)),
            },
            0,
            Failure::Limit,
            1,
        ),
    ];
    for (how, cost, why, count) in cases {
        let bench = Bench::new();
        let mut agents = Agents::default();
        for number in 1..=3 {
            agents = agents.on("build", number, ended(how.clone(), cost));
        }
        let ran = bench
            .exec(plan(json!([commits("build", "builder", &[])])), &agents)
            .await;
        let mut found = failure(&ran, "build");
        if let Failure::Attempts { last, .. } = &mut found {
            assert!(!last.is_empty());
            last.clear();
        }
        assert_eq!((found, ran.attempts()), (why, count), "{how:?}");
        assert_eq!(ran.ok().cost, usd(cost * count as u64));
        let kept = format!("{}:app/b.txt", ran.step("build").kept.as_ref().unwrap());
        assert!(bench.git(&["show", &kept]).contains("broken"));
    }
}

#[tokio::test]
async fn a_usage_limit_is_waited_out_and_is_no_attempt() {
    let bench = Bench::new();
    let limited = std::cell::Cell::new(true);
    let agents = Agents::default().on("build", 1, move |assignment| {
        write(&assignment.checkout.join("app/b.txt"), "two\n");
        let ended = if limited.replace(false) {
            let soon = std::time::Duration::from_millis(50);
            let resets_at = Some(std::time::SystemTime::now() + soon);
            Ended::Limit { resets_at }
        } else {
            Ended::Completed
        };
        Attempt { ended, ..done() }
    });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(
        (ran.ok().end, ran.step("build").attempts),
        (RunEnd::Finished, 1)
    );
    assert_eq!(ran.attempts(), 2);
    assert_eq!(ran.ok().cost, Usd { micros: 2_000_000 });
}

#[tokio::test]
async fn a_verdict_of_fail_ends_the_task_where_nobody_may_repair() {
    // (the attempts of the builder, those of the reviewer, how often agents are started)
    for (build, qa, count) in [(1, 3, 2), (3, 1, 2)] {
        let bench = Bench::new();
        let agents = Agents::default()
            .writes("build", 1, &[("app/b.txt", "two\n")])
            .says("qa", 1, fail("no"));
        let mut steps = json!([
            commits("build", "builder", &[]),
            reviews("qa", &["build"], "build")
        ]);
        steps[0]["kind"]["stop"]["attempts"] = json!(build);
        steps[1]["kind"]["stop"]["attempts"] = json!(qa);
        let ran = bench.exec(plan(steps), &agents).await;
        assert_eq!((ran.ok().end, ran.attempts()), (RunEnd::Failed, count));
        assert!(ran.ok().tasks[0].landed.is_none());
        assert_eq!(bench.git(&["for-each-ref", "refs/factory/landed"]), "");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_verdict_is_asked_for_again() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .says("qa", 1, json!({"verdict": "maybe"}))
        .says("qa", 2, pass());
    let steps = json!([
        commits("build", "builder", &[]),
        reviews("qa", &["build"], "build")
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(
        (ran.ok().end, ran.step("qa").attempts),
        (RunEnd::Finished, 2)
    );
    assert!(agents.asked.borrow()[2].2.contains("`maybe`"));
}

#[tokio::test]
async fn a_reviewer_who_changes_the_work_is_refused() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .on("qa", 1, |assignment| {
            write(&assignment.checkout.join("app/b.txt"), "mine\n");
            Attempt {
                structured: Some(pass()),
                ..done()
            }
        })
        .on("qa", 2, |assignment| {
            write(&assignment.checkout.join("app/b.txt"), "two\n");
            Attempt {
                structured: Some(pass()),
                ..done()
            }
        });
    let steps = json!([
        commits("build", "builder", &[]),
        reviews("qa", &["build"], "build")
    ]);
    let ran = bench.exec(plan(steps), &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    let audited = |event: &&Event| {
        matches!(
            event,
            Event::SentBack {
                by: Sender::Audit { .. },
                ..
            }
        )
    };
    assert_eq!(ran.events.iter().filter(audited).count(), 1);
    assert_eq!(bench.landed("app/b.txt"), "two");
}

#[tokio::test]
async fn the_workspace_is_prepared_for_agents_and_for_gates() {
    let bench = Bench::new();
    bench.write("config.key", "key\n");
    bench.write("agents.key", "key\n");
    bench.write(".gitignore", "ignored/\n*.key\ntmp/\n");
    bench.write("check.sh", "test -f ignored/made && test -f config.key && test -n \"$DB\" && date >> tmp/ran; test ! -f stray\n");
    bench.git(&["add", ".gitignore", "check.sh"]);
    bench.git(&["commit", "-q", "-m", "more"]);
    let agents = Agents::default().on("build", 1, |assignment| {
        let at = |path: &str| assignment.checkout.join(path);
        assert!(at("ignored/made").exists() && at("agents.key").exists());
        assert!(!at("config.key").exists(), "it is for gates");
        assert_eq!(
            fs::read_to_string(at("app/a.txt")).unwrap(),
            "one\n",
            "put back"
        );
        write(&at("app/b.txt"), "two\n");
        done()
    });
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["workspace"] = json!({
            "setup": ["mkdir -p ignored tmp && echo made > ignored/made && echo x >> app/a.txt && echo x > stray"],
            "scratch": ["tmp/**"],
            "copy": [{"path": "config.key", "for": "gates"}, {"path": "agents.key", "for": "agents"}],
            "env": {"DB": "tmp/{step}.db"},
        });
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt"
    );
    assert!(
        ran.ok()
            .notes
            .iter()
            .any(|note| note.contains("app/a.txt, stray")),
        "{:?}",
        ran.ok().notes
    );
}

#[tokio::test]
async fn the_owner_is_told() {
    let bench = Bench::new();
    let told = bench.folder().join("told");
    let agents = Agents::default().writes("build", 1, &[("app/b.txt", "two\n")]);
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        let run = format!(
            "echo \"$FACTORY_EVENT $FACTORY_TASK $FACTORY_SUMMARY\" >> {}",
            told.display()
        );
        plan["factory"]["notify"] = json!([
            {"on": ["finished"], "run": run},
            {"on": ["finished"], "run": "exit 3"},
            {"on": ["failed", "waiting"], "run": "exit 4"},
        ]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished);
    assert_eq!(
        fs::read_to_string(told).unwrap(),
        "finished t landed on factory/t\n"
    );
    assert_eq!(ran.ok().notes.len(), 1);
}

#[tokio::test]
async fn the_cap_of_a_run_is_never_promised_twice() {
    let bench = Bench::new();
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("write", 1, &[("docs/b.md", "# B\n")]);
    // (the cap, what the attempts are allowed, how the run ends): an attempt costs 1.00.
    for (number, (cap, allowed, end)) in [
        ("20.00", vec!["15.00", "5.00"], RunEnd::Finished),
        ("2.00", vec!["2.00", "1.00"], RunEnd::Finished),
        ("1.00", vec!["1.00"], RunEnd::Failed),
    ]
    .into_iter()
    .enumerate()
    {
        let steps = json!([
            commits("build", "builder", &[]),
            commits("write", "writer", &[])
        ]);
        let order = plan_with(steps, |plan| {
            plan["tasks"]["t"]["goal"] = json!(number.to_string());
        });
        bench.git(&["update-ref", "-d", "refs/heads/factory/t"]);
        let ran = bench.exec_with_cap(order, &agents, cap).await;
        let mut budgets: Vec<_> = ran
            .events
            .iter()
            .filter_map(|event| match event {
                Event::AttemptStarted { budget, .. } => Some(*budget),
                _ => None,
            })
            .collect();
        // Whose clone is made first is nobody's promise.
        budgets.sort_unstable_by_key(|budget| std::cmp::Reverse(budget.micros));
        let budgets: Vec<_> = budgets.iter().map(ToString::to_string).collect();
        assert_eq!(
            (budgets, ran.ok().end),
            (allowed.iter().map(|text| (*text).to_owned()).collect(), end),
            "{cap}"
        );
    }
    assert_eq!(bench.subjects().len(), 1);
}
