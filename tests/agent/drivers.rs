//! The drivers `command` and `replay`.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use factory::{
    plan::Layer,
    run::{
        agent::{AgentError, Answer, Ended, Ruling, Verdict, attempt},
        process::Cancel,
    },
};
use serde_json::{Value, json};

use crate::{Workbench, has_landlock, usd};

fn shell(script: &str) -> Workbench {
    let driver = json!({"kind": "command", "command": ["sh", "-c", script], "env": ["CLIENT_KEY"]});
    let boundary = json!({
        "write": {"may": ["app/**", "db/new/**", "lib/*.rb"]},
        "env": {"may": ["RAILS_ENV", "LD_*"]},
    });
    Workbench::new(driver, boundary)
}

fn replay() -> Workbench {
    let driver = json!({"kind": "replay", "recordings": "recordings"});
    Workbench::new(driver, json!({"write": {"may": ["app/**"]}}))
}

#[tokio::test]
async fn a_program_is_given_the_brief_and_a_closed_environment() {
    let bench = shell("cat; env | sort");
    let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::Completed);
    assert!(done.text.starts_with(
        "You are the builder.\n\n===== factory: brief for pdf/build, attempt 1 =====\n\nBuild it.\n"
    ));
    let private = bench.root().join("private");
    for line in [
        "FACTORY_ROLE=builder".to_owned(),
        "FACTORY_TASK=pdf".to_owned(),
        "FACTORY_STEP=build".to_owned(),
        "FACTORY_ATTEMPT=1".to_owned(),
        "FACTORY_ASKED=text".to_owned(),
        "RAILS_ENV=test".to_owned(),
        "CLIENT_KEY=key".to_owned(),
        "DATABASE_URL=sqlite3:tmp/build.db".to_owned(),
        format!("HOME={}", private.join("home").display()),
        format!("TMPDIR={}", private.join("tmp").display()),
    ] {
        assert!(
            done.text.lines().any(|found| found == line),
            "{line}\n{}",
            done.text
        );
    }
    for hidden in ["AWS_SECRET", "LD_PRELOAD", "CARGO"] {
        assert!(!done.text.contains(hidden), "{hidden}\n{}", done.text);
    }
}

#[tokio::test]
async fn the_kernel_keeps_an_agent_in_its_folders() {
    let bench = shell(
        "exec 2>&1
        echo new > app/a.rb; mkdir db/new/deep && echo new > db/new/deep/b; echo new > lib/c.rb
        echo new > tmp/scratch; echo new > $TMPDIR/t; echo new > ~/h
        git add app && git -c user.name=n -c user.email=e commit -qm 'Say new'
        echo new > config/deploy.yml; echo new > README; echo new > ../project/app/a.rb
        cat ../owner/secret; echo new > ../private/control/policy.json; echo x > ../private/new
        git -C ../project log -1 --format=%s; git log -2 --format=%s",
    );
    let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::Completed, "{}", done.text);
    if !has_landlock(&done.held) {
        return;
    }
    assert_eq!(done.held.write, Layer::Prevented);
    assert!(
        done.held
            .note
            .contains("only below `app`, `db/new`, `lib`, `tmp`"),
        "{}",
        done.held.note
    );
    for path in ["app/a.rb", "db/new/deep/b", "lib/c.rb", "tmp/scratch"] {
        assert_eq!(
            bench.read(path).as_deref(),
            Some("new\n"),
            "{path}\n{}",
            done.text
        );
    }
    for path in ["config/deploy.yml", "README"] {
        assert_eq!(bench.read(path).as_deref(), Some("old\n"), "{path}");
    }
    let project = bench.root().join("project/app/a.rb");
    assert_eq!(fs::read_to_string(project).unwrap(), "old\n");
    assert!(!bench.root().join("private/new").exists());
    assert!(done.text.ends_with("Say new\nbase"), "{}", done.text);
    assert!(!done.text.contains("secret\n"), "{}", done.text);
}

#[tokio::test]
async fn folders_made_for_the_kernel_go_when_nothing_was_put_into_them() {
    let bench = shell("test -d lib && test -d db/new && echo new > lib/c.rb");
    let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::Completed);
    assert!(!bench.checkout.join("db").exists());
    assert!(!bench.checkout.join("tmp").exists());
    assert_eq!(bench.read("lib/c.rb").as_deref(), Some("new\n"));
}

#[tokio::test]
async fn a_link_opens_no_folder_and_a_step_narrows_them() {
    let mut bench =
        shell("echo new > app/a.rb; echo new > db/new/b; echo new > config/deploy.yml; true");
    bench.plan["roles"]["builder"]["boundary"]["write"]["may"] = json!(["**"]);
    std::os::unix::fs::symlink("config", bench.checkout.join("db")).unwrap();
    let mut assignment = bench.assignment();
    assignment.agent.only_write = Some(
        ["app/**", "db/**"]
            .map(|text| {
                text.parse::<factory::boundary::PathPattern>()
                    .unwrap()
                    .into()
            })
            .into(),
    );
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    if has_landlock(&done.held) {
        assert!(
            done.held.note.contains("only below `app`, `tmp`"),
            "{}",
            done.held.note
        );
        assert_eq!(bench.read("app/a.rb").as_deref(), Some("new\n"));
        assert_eq!(bench.read("config/deploy.yml").as_deref(), Some("old\n"));
    }
}

#[tokio::test]
async fn what_a_program_hands_over() {
    let verdict = json!({"verdict": "fail", "reasons": [{"text": "no test"}]});
    // (the script, what is asked, how it ended, the cost, the answer)
    let cases: [(&str, Answer, Ended, &str, Option<Value>); 9] = [
        (
            r#"echo '{"text":"t","message":"m","cost_usd":0.25,"session":"s"}' > $FACTORY_ANSWER"#,
            Answer::Text,
            Ended::Completed,
            "0.25",
            None,
        ),
        (
            r#"echo '{"verdict":"fail","reasons":[{"text":"no test"}],"cost_usd":"0.10"}' > $FACTORY_ANSWER"#,
            Answer::Verdict,
            Ended::Completed,
            "0.10",
            Some(verdict.clone()),
        ),
        (
            r#"echo '{"verdict":"fail","reasons":[{"text":"no test"}]}'"#,
            Answer::Verdict,
            Ended::Completed,
            "0",
            Some(verdict),
        ),
        (
            "echo fine",
            Answer::Verdict,
            Ended::Formless("it gave no answer of the form that was asked for".into()),
            "0",
            None,
        ),
        (
            r#"echo '{"cost":1}' > $FACTORY_ANSWER"#,
            Answer::Text,
            Ended::Formless("its answer can't be read: unknown field `cost`".into()),
            "0",
            None,
        ),
        (
            "ln -s /etc/hostname $FACTORY_ANSWER",
            Answer::Text,
            Ended::Formless("its answer can't be read: it is no plain file".into()),
            "0",
            None,
        ),
        (
            r#"echo '{"cost_usd":2}' > $FACTORY_ANSWER"#,
            Answer::Text,
            Ended::Budget,
            "2",
            None,
        ),
        (
            r#"echo '{"limit":{"resets_at":1800000000}}' > $FACTORY_ANSWER; exit 1"#,
            Answer::Text,
            Ended::Limit {
                resets_at: std::time::SystemTime::UNIX_EPOCH
                    .checked_add(Duration::from_hours(500_000)),
            },
            "0",
            None,
        ),
        (
            "echo broken >&2; exit 3",
            Answer::Text,
            Ended::Failed("it exited with 3: broken".into()),
            "0",
            None,
        ),
    ];
    for (script, asked, ended, cost, structured) in cases {
        let bench = shell(script);
        let mut assignment = bench.assignment();
        assignment.answer = asked;
        let done = attempt(assignment, Cancel::never()).await.unwrap();
        match (&done.ended, &ended) {
            (Ended::Failed(why), Ended::Failed(begins))
            | (Ended::Formless(why), Ended::Formless(begins)) => {
                assert!(why.starts_with(begins), "{script}: {why}");
            }
            (found, ended) => assert_eq!(found, ended, "{script}"),
        }
        assert_eq!(done.cost, usd(cost), "{script}");
        assert_eq!(done.structured, structured, "{script}");
    }
}

#[tokio::test]
async fn what_an_attempt_made_of_its_answer_is_in_nobodys_way() {
    let bench = shell("test $FACTORY_ATTEMPT != 1 || mkdir -p $FACTORY_ANSWER/inner");
    let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
    assert!(matches!(done.ended, Ended::Formless(_)), "{:?}", done.ended);
    let mut assignment = bench.assignment();
    assignment.attempt = 2;
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::Completed);
}

#[tokio::test]
async fn a_program_that_is_not_there_or_not_ready_in_time() {
    let mut bench = shell("");
    bench.plan["factory"]["driver"]["command"] = json!(["no-such-program"]);
    let error = attempt(bench.assignment(), Cancel::never())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("can't start `no-such-program`"),
        "{error}"
    );

    let bench = shell("sleep 60");
    let mut assignment = bench.assignment();
    assignment.wall = Duration::from_millis(300);
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::TimedOut);

    let (wish, cancel) = Cancel::new();
    let bench = shell("sleep 60");
    let work = tokio::spawn(attempt(bench.assignment(), cancel));
    tokio::time::sleep(Duration::from_millis(200)).await;
    wish.send(true).unwrap();
    assert!(matches!(work.await.unwrap(), Err(AgentError::Cancelled)));
}

#[tokio::test]
async fn a_program_of_the_project_is_the_reviewed_one() {
    let mut bench = shell("");
    bench.plan["factory"]["driver"]["command"] = json!(["bin/agent", "x"]);
    for (folder, text) in [
        (bench.root().join("project"), "reviewed"),
        (bench.checkout.clone(), "changed"),
    ] {
        fs::create_dir_all(folder.join("bin")).unwrap();
        let path = folder.join("bin/agent");
        fs::write(&path, format!("#!/bin/sh\necho {text} $1\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
    assert_eq!(done.text, "reviewed x");
}

#[tokio::test]
async fn a_recording_is_done_again() {
    let bench = replay();
    bench.record(
        "pdf/build.2.json",
        json!({
            "delay_ms": 1,
            "files": [
                {"path": "app/new/b.rb", "text": "b\n"},
                {"path": "app/run", "text": "#!/bin/sh\necho ran > app/ran\n", "executable": true},
                {"path": "app/a.rb", "delete": true},
                {"path": "config/deploy.yml", "text": "mine\n"},
            ],
            "run": ["app/run", "echo 1 >&2; exit 7"],
            "answer": {"text": "Done.", "message": "Add b", "cost_usd": 0.5, "tokens": {"in": 1}},
        }),
    );
    let mut assignment = bench.assignment();
    assignment.attempt = 2;
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    assert_eq!(done.ended, Ended::Completed);
    assert_eq!(
        (done.text.as_str(), done.message.as_deref(), done.cost),
        ("Done.", Some("Add b"), usd("0.5"))
    );
    assert_eq!(bench.read("app/new/b.rb").as_deref(), Some("b\n"));
    assert_eq!(bench.read("app/ran").as_deref(), Some("ran\n"));
    assert_eq!(bench.read("app/a.rb"), None);
    assert_eq!(done.refused.last().unwrap(), "run `echo 1 >&2; exit 7`: 1");
    if has_landlock(&done.held) {
        assert_eq!(
            done.refused[0],
            "write `config/deploy.yml`: permission denied"
        );
        assert_eq!(bench.read("config/deploy.yml").as_deref(), Some("old\n"));
    }
}

#[tokio::test]
async fn recordings_are_found_by_step_and_attempt() {
    let bench = replay();
    let error = attempt(bench.assignment(), Cancel::never())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("project/recordings/pdf/build.1.json`"),
        "{error}"
    );

    bench.record(
        "plan.1.json",
        json!({"answer": {"structured": {"name": "x"}}}),
    );
    let mut assignment = bench.assignment();
    assignment.answer = Answer::Task;
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    assert_eq!(done.structured, Some(json!({"name": "x"})));

    bench.record("pdf/build.1.json", json!({"answer": {"verdict": "pass"}}));
    let mut assignment = bench.assignment();
    assignment.answer = Answer::Verdict;
    let done = attempt(assignment, Cancel::never()).await.unwrap();
    assert_eq!(
        Verdict::parse(&done.structured.unwrap()).unwrap().verdict,
        Ruling::Pass
    );

    for (recording, fault) in [
        (json!({"file": []}), "unknown field `file`"),
        (
            json!({"files": [{"path": "../x", "text": ""}]}),
            "leads out of the checkout",
        ),
        (
            json!({"files": [{"path": "/x", "text": ""}]}),
            "leads out of the checkout",
        ),
        (
            json!({"files": [{"path": "x"}]}),
            "needs either `text` or `delete`",
        ),
        (
            json!({"files": [{"path": "x", "text": "", "delete": true}]}),
            "needs either",
        ),
    ] {
        bench.record("pdf/build.1.json", recording);
        let done = attempt(bench.assignment(), Cancel::never()).await.unwrap();
        let Ended::Failed(why) = done.ended else {
            panic!("{fault}")
        };
        assert!(why.contains(fault), "{why}");
    }
}

#[tokio::test]
async fn nothing_is_written_through_what_an_attempt_left_in_its_home() {
    for leaves in [
        "ln -sf ../../owner/secret $HOME/.gitconfig",
        "rm -f $HOME/.gitconfig; mkfifo $HOME/.gitconfig",
        "rm -f $HOME/.gitconfig; mkdir $HOME/.gitconfig",
    ] {
        let mut bench = shell("");
        let client = bench.root().join("client");
        fs::write(&client, format!("#!/bin/sh\n{leaves}\n")).unwrap();
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
        bench.plan["factory"]["driver"] =
            json!({"kind": "claude-code", "command": [client.to_str().unwrap()]});
        for number in [1, 2] {
            let mut assignment = bench.assignment();
            assignment.attempt = number;
            let done = attempt(assignment, Cancel::never()).await.unwrap();
            assert!(matches!(done.ended, Ended::Failed(_)), "{:?}", done.ended);
        }
        let secret = fs::read_to_string(bench.root().join("owner/secret")).unwrap();
        assert_eq!(secret, "secret\n", "{leaves}");
    }
}
