//! What agents leave behind that is not what anyone expects.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use serde_json::json;

use super::bench::{Agents, Bench, commits, done, plan, plan_with, write};
use crate::run::{ChangeKind, Event, Failure, RunEnd, Sender, StepEnd};

fn fifo(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

// Commits to the task's branch, as someone else while an agent works.
fn intrude(folder: &Path, path: &str, text: &str) {
    let bench = Bench::at(folder.to_owned());
    let other = folder.join("other");
    bench.git(&[
        "worktree",
        "add",
        "-q",
        other.to_str().unwrap(),
        "factory/t",
    ]);
    write(&other.join(path), text);
    for args in [&["add", "-A"][..], &["commit", "-q", "-m", "by hand"]] {
        let mut git = Command::new("git");
        assert!(
            git.args(args)
                .current_dir(&other)
                .status()
                .unwrap()
                .success()
        );
    }
    bench.git(&["worktree", "remove", "--force", other.to_str().unwrap()]);
}

#[tokio::test]
async fn no_mark_of_a_conflict_lands() {
    // (what the attempt after the conflict writes, how the step ends, after how many attempts)
    let cases = [
        (None, Err(Failure::NoChange), 2),
        (Some("half\n<<<<<<< HEAD\ntheirs\n"), Ok(()), 3),
        (Some("half\n>>>>>>>\n"), Ok(()), 3),
        // What only looks like one, or was there before, is none.
        (
            Some("<<<<<<<<< a heading\n<<<<<<< theirs\nours\n"),
            Ok(()),
            2,
        ),
    ];
    for (written, ends, attempts) in cases {
        let bench = Bench::new();
        let folder = bench.folder().to_owned();
        let agents = Agents::default()
            .on("build", 1, move |assignment| {
                intrude(&folder, "app/a.txt", "<<<<<<< theirs\n");
                write(&assignment.checkout.join("app/a.txt"), "ours\n");
                done()
            })
            .on("build", 2, move |assignment| {
                let path = assignment.checkout.join("app/a.txt");
                let text = fs::read_to_string(&path).unwrap();
                assert!(
                    text.contains("ours\n") && text.contains("theirs\n"),
                    "{text}"
                );
                if let Some(written) = written {
                    write(&path, written);
                }
                done()
            })
            .writes("build", 3, &[("app/a.txt", "both\n")]);
        let ran = bench
            .exec(plan(json!([commits("build", "builder", &[])])), &agents)
            .await;
        let ended = match &ran.step("build").end {
            StepEnd::Failed(why) => Err(why.clone()),
            other => {
                assert_eq!(*other, StepEnd::Accepted);
                Ok(())
            }
        };
        assert_eq!((ended, ran.attempts()), (ends, attempts), "{written:?}");
        if attempts == 3 {
            assert_eq!(bench.landed("app/a.txt"), "both");
            let asked = agents.asked.borrow();
            assert!(asked[2].2.contains("`app/a.txt`"), "{}", asked[2].2);
        }
    }
}

#[tokio::test]
async fn the_subject_of_an_agents_own_commit_is_the_message_where_it_gives_none() {
    // (what the agent commits in its clone, what it hands over, the subject that lands)
    let cases = [
        (Some("Add b\n\nFactory-Role: ceo\n"), None, "Add b"),
        (Some("Add b"), Some("Say b"), "Say b"),
        (Some("Factory-Gates: all"), None, "t: build"),
        (None, None, "t: build"),
    ];
    for (committed, handed, subject) in cases {
        let bench = Bench::new();
        let agents = Agents::default().on("build", 1, move |assignment| {
            write(&assignment.checkout.join("app/b.txt"), "two\n");
            if let Some(message) = committed {
                for args in [
                    &["add", "-A"][..],
                    &[
                        "-c",
                        "user.name=n",
                        "-c",
                        "user.email=e",
                        "commit",
                        "-q",
                        "-m",
                        message,
                    ],
                ] {
                    let mut git = Command::new("git");
                    git.args(args).current_dir(&assignment.checkout);
                    assert!(git.status().unwrap().success());
                }
            }
            crate::run::agent::Attempt {
                message: handed.map(str::to_owned),
                ..done()
            }
        });
        let ran = bench
            .exec(plan(json!([commits("build", "builder", &[])])), &agents)
            .await;
        assert_eq!(ran.ok().end, RunEnd::Finished);
        let log = bench.git(&[
            "log",
            "-1",
            "--format=%s|%(trailers:key=Factory-Role,valueonly)",
            "factory/t",
        ]);
        assert_eq!(log.trim(), format!("{subject}|builder"));
    }
}

#[tokio::test]
async fn a_pipe_in_place_of_a_file_holds_nobody_up() {
    let names = [
        ".gitignore",
        "app/.gitignore",
        "app/.gitattributes",
        "app/a.txt",
    ];
    for name in names {
        let bench = Bench::new();
        let agents = Agents::default()
            .on("build", 1, move |assignment| {
                write(&assignment.checkout.join("app/b.txt"), "two\n");
                fifo(&assignment.checkout.join(name));
                // What git does not look at is nobody's matter.
                fs::create_dir_all(assignment.checkout.join("ignored")).unwrap();
                fifo(&assignment.checkout.join("ignored/socket"));
                done()
            })
            .on("build", 2, move |assignment| {
                fs::remove_file(assignment.checkout.join(name)).unwrap();
                let mut git = Command::new("git");
                git.args(["checkout", "-q", "--", "."]);
                git.current_dir(&assignment.checkout).status().unwrap();
                done()
            });
        let ran = bench
            .exec(plan(json!([commits("build", "builder", &[])])), &agents)
            .await;
        assert_eq!(
            (ran.ok().end, ran.attempts()),
            (RunEnd::Finished, 2),
            "{name}"
        );
        assert!(agents.asked.borrow()[1].2.contains(name), "{name}");
        assert_eq!(bench.landed("app/b.txt"), "two");
    }
}

#[tokio::test]
async fn a_folder_that_became_a_link_is_audited_like_anything_else() {
    let bench = Bench::new();
    bench.write("app/sub/s.txt", "s\n");
    bench.commit("more");
    // (where the link leads, what is refused)
    for (number, (to, refused)) in [("real", None), ("../../..", Some("app/sub"))]
        .into_iter()
        .enumerate()
    {
        bench.git(&["update-ref", "-d", "refs/heads/factory/t"]);
        let agents = Agents::default()
            .on("build", 1, move |assignment| {
                let at = |path: &str| assignment.checkout.join(path);
                fs::rename(at("app/sub"), at("app/real")).unwrap();
                symlink(to, at("app/sub")).unwrap();
                done()
            })
            .on("build", 2, |assignment| {
                let link = assignment.checkout.join("app/sub");
                fs::remove_file(&link).unwrap();
                symlink("real", link).unwrap();
                done()
            });
        let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
            plan["tasks"]["t"]["goal"] = json!(number.to_string());
        });
        let ran = bench.exec(order, &agents).await;
        assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
        let named: Vec<_> = ran
            .step("build")
            .refused
            .iter()
            .map(|one| one.path.as_str())
            .collect();
        assert_eq!(named, refused.into_iter().collect::<Vec<_>>());
        assert_eq!(bench.landed("app/real/s.txt"), "s");
        assert_eq!(bench.landed("app/sub"), "real");
    }
}

#[tokio::test]
async fn what_a_filter_is_meant_for_is_named_first_and_does_not_land_raw() {
    let bench = Bench::new();
    bench.write(".gitattributes", "*.bin filter=lfs\n*.txt text\n");
    bench.write("app/a.bin", "version https://git-lfs.github.com/spec/v1\n");
    bench.commit("store it elsewhere");
    let agents = Agents::default()
        .writes(
            "build",
            1,
            &[("app/a.bin", "raw\n"), ("app/b.txt", "two\n")],
        )
        .on("build", 2, |assignment| {
            let pointer = "version https://git-lfs.github.com/spec/v1\n";
            write(&assignment.checkout.join("app/a.bin"), pointer);
            done()
        });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    let notes = &ran.ok().notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("`app/a.bin`") && note.contains("`filter=lfs`")),
        "{notes:?}"
    );
    let refused = &ran.step("build").refused;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (refused[0].path.as_str(), refused[0].change),
        ("app/a.bin", ChangeKind::Modified)
    );
    assert!(refused[0].why.contains("filter=lfs"), "{refused:?}");
    assert_eq!(
        bench.git(&["diff", "--name-only", "main", "factory/t"]),
        "app/b.txt"
    );
}

#[tokio::test]
async fn an_agent_that_leaves_a_link_behind_is_not_sent_back_for_the_links_of_others() {
    let bench = Bench::new();
    symlink("a.txt", bench.root().join("app/old")).unwrap();
    bench.commit("a link");
    let agents = Agents::default().on("build", 1, |assignment| {
        for number in 0..200 {
            symlink("a.txt", assignment.checkout.join(format!("app/l{number}"))).unwrap();
        }
        done()
    });
    let ran = bench
        .exec(plan(json!([commits("build", "builder", &[])])), &agents)
        .await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(bench.landed("app/l199"), "a.txt");
    assert!(!ran.events.iter().any(|event| {
        matches!(
            event,
            Event::SentBack {
                by: Sender::Audit { .. },
                ..
            }
        )
    }));
}

#[tokio::test]
async fn a_gate_that_leaves_pipes_behind_holds_nobody_up() {
    let bench = Bench::new();
    bench.write(
        "check.sh",
        "test -f app/b.txt || exit 0
         for name in .gitignore .gitattributes app/.gitignore app/.gitattributes docs/a.md; do
         rm -f $name; mkfifo $name; done\n",
    );
    bench.commit("leave pipes");
    let agents = Agents::default()
        .writes("build", 1, &[("app/b.txt", "two\n")])
        .writes("build", 2, &[("app/b.txt", "-"), ("app/c.txt", "two\n")]);
    let order = plan_with(json!([commits("build", "builder", &[])]), |plan| {
        plan["workspace"]["setup"] = json!([
            "for name in app/.gitattributes docs/.gitignore; do test -p $name || mkfifo $name; done"
        ]);
        plan["gates"]["links"] = json!({
            "title": "Links", "timeout": 60,
            "kind": {"kind": "consistency", "links": ["**/*.md"], "mentions": []},
        });
        plan["gates"]["more"] = plan["gates"]["check"].clone();
        plan["roles"]["builder"]["gates"] = json!(["check", "links", "more"]);
    });
    let ran = bench.exec(order, &agents).await;
    assert_eq!(ran.ok().end, RunEnd::Finished, "{:#?}", ran.events);
    assert_eq!(bench.landed("app/c.txt"), "two");
}
