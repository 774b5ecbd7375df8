//! The gate `consistency`.

use serde_json::json;

use super::*;

async fn project(mentions: Value) -> Project {
    let project = Project::new(json!({"consistency": {"kind": {
        "kind": "consistency", "links": ["**/*.md"], "mentions": mentions,
    }}}))
    .await;
    for path in ["src/a.rs", "docs/img.png", "app/models/a.rb"] {
        project.write(path, "");
    }
    project.write(
        "docs/guide.md",
        "# Guide\n\n## First steps\n\n## First steps\n",
    );
    project.write("README.md", "# R\n\nSee [guide](docs/guide.md).\n");
    project.commit().await;
    project
}

#[tokio::test]
async fn what_is_named_is_there() {
    for (line, fault) in [
        (
            "[g](docs/guide.md#first-steps) and ![i](docs/img.png)",
            None,
        ),
        ("[g](docs/guide.md#first-steps-1)", None),
        ("[g](docs/guide)", None),
        (
            "[g](docs/guide.md#missing)",
            Some("`docs/guide.md` has no heading `#missing`"),
        ),
        (
            "[top](#r) [no](#s)",
            Some("`README.md` has no heading `#s`"),
        ),
        ("[g](docs/none.md)", Some("`docs/none.md` does not exist")),
        (
            "[g](docs/none%20x.md)",
            Some("`docs/none x.md` does not exist"),
        ),
        (
            "![i](none.png \"title\")",
            Some("`none.png` does not exist"),
        ),
        (
            "[g][ref]\n\n[ref]: none.md",
            Some("`none.md` does not exist"),
        ),
        (
            "[out](https://example.com/none.md) [up](../../issues) [abs](/pdf)",
            None,
        ),
        ("`src/a.rs:12` and `src/` and `app/models`", None),
        (
            "`models/` is one, `controllers/` is none",
            Some("`controllers/` does not exist"),
        ),
        ("`src/b.rs`", Some("`src/b.rs` does not exist")),
        ("a span `src/\n\nno` span", None),
        ("`lib/none.rb`", Some("`lib/none.rb` does not exist")),
        (
            "`and/or` `application/json` `src/*.rs` `bin/x test` `@std/inspect`",
            None,
        ),
        ("@docs/guide.md", None),
        ("@docs/none.md", Some("`@docs/none.md` does not exist")),
        ("mail@example.com and @someone", None),
        ("```\n[g](none.md) `src/none.rs`\n```", None),
        ("<!-- [g](none.md) -->", None),
        ("`ignored/made/later.txt`", None),
        (
            "`target/none.txt`",
            Some("`target/none.txt` does not exist"),
        ),
        ("[i](ignored/x)", Some("`ignored/x` does not exist")),
        ("`.claude/agents/built.md`", None),
    ] {
        let mut project = project(json!([])).await;
        let built = json!({"kind": "file", "sha256": "0".repeat(64)});
        let built = serde_json::from_value(built).unwrap();
        let path = ".claude/agents/built.md".to_owned();
        project.plan().outputs.insert(path, built);
        project.write("README.md", &format!("# R\n\n{line}\n"));
        // On a person's disk, but in nobody's checkout.
        project.write("ignored/x", "");
        let verdict = project.ask("consistency").await;
        match fault {
            None => assert_pass(&verdict),
            Some(fault) => {
                assert_fail(&verdict);
                let at = 3 + usize::from(line.contains("[ref]:")) * 2;
                assert_eq!(
                    said(&verdict),
                    format!("README.md:{at}: {fault}\n"),
                    "{line}"
                );
            }
        }
    }
}

#[tokio::test]
async fn paths_are_seen_from_the_root_and_from_the_file() {
    let project = project(json!([])).await;
    project.write(
        "docs/more.md",
        "`src/a.rs` `img.png` `./img.png` [g](guide.md) [r](../README.md)\n",
    );
    assert_pass(&project.ask("consistency").await);
    // A file that is deleted is missed where it is named.
    project.remove("docs/img.png");
    let verdict = project.ask("consistency").await;
    assert_eq!(
        said(&verdict),
        "docs/more.md:1: `./img.png` does not exist\n"
    );
}

#[tokio::test]
async fn what_was_added_is_mentioned() {
    let project = project(json!([{"files": ["app/**"], "within": "docs/guide.md"}])).await;
    project.write("app/models/b.rb", "");
    project.write("src/b.rs", "");
    project.write("app/models/a.rb", "changed");
    let base = project.git.text(["rev-parse", "HEAD"]).await.unwrap();
    for checkout in [project.person().await, project.lane(&base).await] {
        let verdict = project.judge.judge("consistency", &checkout).await;
        assert_fail(&verdict);
        assert_eq!(
            said(&verdict),
            "app/models/b.rb:1: is new, and `docs/guide.md` does not mention it\n"
        );
    }
    project.write("docs/guide.md", "# Guide\n\n- `app/models/b.rb`\n");
    assert_pass(&project.ask("consistency").await);
}

#[tokio::test]
async fn without_markdown_there_is_nothing_to_look_at() {
    let mut project = project(json!([])).await;
    *project.plan() = plan(&json!({"consistency": {"kind": {
        "kind": "consistency", "links": ["none/**"],
    }}}));
    let verdict = project.ask("consistency").await;
    assert!(
        matches!(verdict.outcome, Outcome::Nothing(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn what_it_said_is_known_until_something_it_depends_on_changes() {
    let mut project = project(json!([])).await;
    assert!(project.ask("consistency").await.replayed.is_none());
    assert!(project.ask("consistency").await.replayed.is_some());
    // A path that build writes may be missing, until build writes it no more.
    project.write("README.md", "`src/built.rs`\n");
    let built = json!({"kind": "file", "sha256": "0".repeat(64)});
    let built = serde_json::from_value(built).unwrap();
    project.plan().outputs.insert("src/built.rs".into(), built);
    assert_pass(&project.ask("consistency").await);
    project.plan().outputs.clear();
    assert_fail(&project.ask("consistency").await);
    // So may one that this repository alone ignores.
    let exclude = project.root.join(".git/info/exclude");
    fs::write(&exclude, "built.rs\n").unwrap();
    assert_pass(&project.ask("consistency").await);
    fs::write(&exclude, "").unwrap();
    assert_fail(&project.ask("consistency").await);
}
