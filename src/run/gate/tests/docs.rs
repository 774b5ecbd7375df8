//! The gate `docs`.

use serde_json::json;

use super::*;
use crate::document::{Folder, OnEdit, refresh, render};

async fn project() -> Project {
    let mut project = Project::new(json!({"docs": {"kind": {
        "kind": "docs", "covers": ["app/**"], "by": ["CLAUDE.md", "docs/**", "app/**/*.md"],
    }}}))
    .await;
    let sections = json!([
        {"title": "Release gate", "source": {"from": "text", "text": "Run it.\n"}},
        {"title": "Key files", "source": {"from": "files", "patterns": ["app/**"], "max": 9}},
    ]);
    let sections = serde_json::from_value(sections).unwrap();
    project
        .plan()
        .documents
        .insert("CLAUDE.md".into(), sections);
    project.write("app/a.rb", "# One.\n");
    project.write("docs/guide.md", "# Guide\n");
    project.write("CLAUDE.md", "# Mine\n");
    build(&project);
    project.commit().await;
    project
}

/// Refreshes the managed sections, as build and the runner do.
fn build(project: &Project) {
    let files = Folder::new(&project.root);
    let text = fs::read_to_string(project.root.join("CLAUDE.md")).unwrap();
    let sections: Vec<_> = project.judge.plan.documents["CLAUDE.md"]
        .iter()
        .map(|section| render("CLAUDE.md", section, &files).unwrap())
        .collect();
    let text = refresh(&text, &sections, OnEdit::Keep).unwrap().text;
    project.write("CLAUDE.md", &text);
}

fn edit(project: &Project, from: &str, to: &str) {
    let text = fs::read_to_string(project.root.join("CLAUDE.md")).unwrap();
    assert!(text.contains(from));
    project.write("CLAUDE.md", &text.replace(from, to));
}

#[tokio::test]
async fn managed_sections_are_fresh() {
    let project = project().await;
    assert_pass(&project.ask("docs").await);
    project.write("docs/guide.md", "# Changed\n");
    project.write("app/b.rb", "# Two.\n");
    assert_eq!(
        said(&project.ask("docs").await),
        "CLAUDE.md:9: the section `Key files` is stale\n"
    );
    build(&project);
    assert_pass(&project.ask("docs").await);
    edit(&project, "Run it.", "Skip it.");
    let verdict = project.ask("docs").await;
    assert_fail(&verdict);
    let said = said(&verdict);
    assert!(
        said.starts_with("CLAUDE.md:3: the section `Release gate` was edited by hand\n"),
        "{said}"
    );
    assert!(said.contains("-Skip it.\n+Run it.\n"), "{said}");
}

#[tokio::test]
async fn missing_sections_and_broken_markers_are_faults() {
    let project = project().await;
    project.write("CLAUDE.md", "# Mine\n");
    assert_eq!(
        said(&project.ask("docs").await),
        "CLAUDE.md:1: the section `Release gate` is missing\n\
         CLAUDE.md:1: the section `Key files` is missing\n"
    );
    build(&project);
    edit(&project, "<!-- factory:end key-files -->\n", "");
    assert_eq!(
        said(&project.ask("docs").await),
        "CLAUDE.md:9: the managed section `key-files` begins here and does not end\n"
    );
    project.remove("CLAUDE.md");
    assert_fail(&project.ask("docs").await);
}

#[tokio::test]
async fn a_project_need_not_keep_what_build_writes() {
    let project = project().await;
    project.write("CLAUDE.md", "# Mine\n");
    assert_fail(&project.ask("docs").await);
    project.commit().await;
    let verdict = project.ask("docs").await;
    assert!(
        matches!(verdict.outcome, Outcome::Nothing(_)),
        "{verdict:?}"
    );
    project.remove("CLAUDE.md");
    project.write("docs/guide.md", "");
    project.write("app/a.rb", "");
    assert_pass(&project.ask("docs").await);
}

#[tokio::test]
async fn what_is_covered_does_not_change_alone() {
    let alone = "app/a.rb:1: changed, and nothing of `CLAUDE.md`, `docs/**`, `app/**/*.md` did\n";
    let cases: [(&str, Edit, &str); 7] = [
        ("alone", |_| {}, alone),
        (
            "with a page",
            |project| project.write("docs/guide.md", "# More\n"),
            "",
        ),
        (
            "with a new page",
            |project| project.write("docs/new.md", ""),
            "",
        ),
        (
            "with a page beside it",
            |project| project.write("app/notes.md", ""),
            "",
        ),
        (
            "with one page less",
            |project| project.remove("docs/guide.md"),
            alone,
        ),
        (
            "with the document's own text",
            |project| edit(project, "# Mine", "# Ours"),
            "",
        ),
        (
            "with another blank line",
            |project| edit(project, "# Mine\n", "# Mine\n\n"),
            alone,
        ),
    ];
    for (case, other, then) in cases {
        let project = project().await;
        let base = project.git.text(["rev-parse", "HEAD"]).await.unwrap();
        // The comment is in a managed section, which the runner refreshes: that documents nothing.
        project.write("app/a.rb", "# Uno.\n");
        other(&project);
        build(&project);
        for checkout in [project.person().await, project.lane(&base).await] {
            let verdict = project.judge.judge("docs", &checkout).await;
            assert_eq!(said(&verdict), then, "{case}");
            assert_eq!(verdict.outcome == Outcome::Pass, then.is_empty(), "{case}");
        }
    }
}

#[tokio::test]
async fn without_sections_and_changes_there_is_nothing_to_look_at() {
    let mut project = project().await;
    project.plan().documents.clear();
    let verdict = project.ask("docs").await;
    assert!(
        matches!(verdict.outcome, Outcome::Nothing(_)),
        "{verdict:?}"
    );
}
