//! Build as a whole, with real files.

use std::{collections::BTreeMap, fs, path::Path};

use super::{Comparison, Fact, Note, compare, fixture::Factory, render, write};
use crate::document::{Folder, OnEdit};

type Tree = BTreeMap<String, String>;

fn tree(root: &Path) -> Tree {
    let files = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten();
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .display()
                .to_string();
            (path, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

const ROLES: &str = r#"
role "builder" model="m" prompt="roles/builder.md" { title "Builder"; description "Builds"; may { write "app/**"; }; gates "smoke"; }
role "qa" model="m" prompt="roles/qa.md" { title "QA"; description "Tests: all"; may { use "mcp:browser"; }; }
"#;

fn spec(roles: &str) -> String {
    format!(
        r#"factory "f" spec=1 {{ target "claude-code"; }}
model "m" id="claude-opus-5-5"
gate "smoke" {{ run "sh smoke.sh"; }}
server "browser" {{ command "npx" "-y" "browser@1.2.3"; env "TOKEN"; }}
{roles}
document "CLAUDE.md" {{ section "Roles" {{ template "sections/roles.md.hbs"; }}; section "Notes" {{ from "docs/notes.md"; }}; }}
"#
    )
}

// A project with its last lock.
struct Project {
    folder: tempfile::TempDir,
    previous: BTreeMap<String, Fact>,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            previous: BTreeMap::new(),
        };
        project.put("docs/notes.md", "# Notes\n\nOne.\n");
        for (path, text) in files {
            project.put(path, text);
        }
        project
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn compare(
        &mut self,
        factory: &Factory,
        on_edit: OnEdit,
    ) -> (Comparison, BTreeMap<String, Fact>) {
        let composer = factory.composer();
        let prompts = composer.prompts().unwrap();
        let mut artifacts = render(&composer, &prompts, &Folder::new(self.root())).unwrap();
        artifacts.whole("factory.lock", "{}\n");
        (
            compare(self.root(), &artifacts, &self.previous, on_edit),
            artifacts.facts(),
        )
    }

    // Builds, and returns what was done and what stands against it, a line each.
    fn build(&mut self, factory: &Factory, on_edit: OnEdit) -> Vec<String> {
        let (comparison, facts) = self.compare(factory, on_edit);
        let done = comparison
            .changes
            .iter()
            .map(|change| format!("{} {}", change.verb(), change.path));
        let mut lines: Vec<_> = done.collect();
        if write(&comparison).is_ok() {
            self.previous = facts;
        } else {
            lines = comparison
                .conflicts
                .iter()
                .map(ToString::to_string)
                .collect();
        }
        lines.extend(comparison.notes.iter().map(ToString::to_string));
        lines
    }
}

fn factory() -> Factory {
    Factory::of(&spec(ROLES), &[])
}

#[test]
fn a_build_from_nothing_makes_everything_and_the_next_one_nothing() {
    let mut project = Project::new(&[]);
    let files = [
        ".claude/agents/builder.md",
        ".claude/agents/qa.md",
        ".claude/settings.json",
        ".mcp.json",
        "CLAUDE.md",
        "factory.lock",
    ];
    let made = project.build(&factory(), OnEdit::Keep);
    assert_eq!(made, files.map(|path| format!("created {path}")));
    let before = tree(project.root());
    assert!(project.build(&factory(), OnEdit::Keep).is_empty());
    assert_eq!(tree(project.root()), before);
    // A lost lock changes nothing either.
    project.previous.clear();
    assert!(project.build(&factory(), OnEdit::Keep).is_empty());

    insta::assert_snapshot!(project.read(".mcp.json"), @r#"
    {
      "mcpServers": {
        "browser": {
          "args": [
            "-y",
            "browser@1.2.3"
          ],
          "command": "npx",
          "env": {
            "TOKEN": "${TOKEN:-}"
          },
          "type": "stdio"
        }
      }
    }
    "#);
    let settings: serde_json::Value =
        serde_json::from_str(&project.read(".claude/settings.json")).unwrap();
    assert_eq!(settings["hooks"]["PreToolUse"][0]["matcher"], "*");
    assert_eq!(
        settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"],
        crate::client::hook_command()
    );
    assert_eq!(settings["hooks"].as_object().unwrap().len(), 2);
    assert_eq!(
        settings.as_object().unwrap().len(),
        1,
        "no permissions, no union of what roles may"
    );
    let document = project.read("CLAUDE.md");
    assert!(
        document.contains("## Roles\n") && document.contains("**QA** (`qa`): Tests: all."),
        "{document}"
    );
}

#[test]
fn equal_factories_make_equal_files_in_any_folder() {
    let mut projects = [Project::new(&[]), Project::new(&[])];
    let trees = projects.each_mut().map(|project| {
        project.build(&factory(), OnEdit::Keep);
        (tree(project.root()), project.previous.clone())
    });
    assert_eq!(trees[0], trees[1]);
    let folder = projects[0].root().display().to_string();
    assert!(trees[0].0.values().all(|text| !text.contains(&folder)));
}

#[test]
fn hand_edits_stop_the_build_and_are_kept_to_the_byte() {
    let edits: [(&str, &str, &str, &str); 4] = [
        (
            ".claude/agents/qa.md",
            "Do it well.",
            "Do it my way.",
            "`.claude/agents/qa.md` was edited by hand",
        ),
        (
            ".claude/settings.json",
            "\"timeout\": 60",
            "\"timeout\": 7",
            "`.claude/settings.json` has an entry `hooks.PreToolUse` that was edited by hand",
        ),
        (
            ".mcp.json",
            "browser@1.2.3",
            "browser@9",
            "`.mcp.json` has an entry `mcpServers.browser` that was edited by hand",
        ),
        (
            "CLAUDE.md",
            "One.",
            "Two.",
            "`CLAUDE.md` has a section `Notes` that was edited by hand",
        ),
    ];
    for (path, from, to, then) in edits {
        let mut project = Project::new(&[]);
        project.build(&factory(), OnEdit::Keep);
        let edited = project.read(path).replacen(from, to, 1);
        assert_ne!(edited, project.read(path), "{path}");
        project.put(path, &edited);
        project.put("docs/notes.md", "# Notes\n\nThree.\n");
        let before = tree(project.root());
        assert_eq!(project.build(&factory(), OnEdit::Keep), [then]);
        assert_eq!(
            tree(project.root()),
            before,
            "{path}: nothing else was written either"
        );
        let (comparison, _) = project.compare(&factory(), OnEdit::Keep);
        let diff = comparison.conflicts[0].diff.clone().unwrap();
        assert!(diff.contains(to.trim_matches('"')), "{path}: {diff}");

        project.build(&factory(), OnEdit::Overwrite);
        assert!(!project.read(path).contains(to), "{path}");
        assert!(project.build(&factory(), OnEdit::Keep).is_empty(), "{path}");
    }
}

#[test]
fn what_is_not_ours_is_never_written() {
    let agent = "---\nname: qa\ndescription: mine\n---\nMine.\n";
    let servers = "{\"mcpServers\": {\"browser\": {\"command\": \"mine\"}}}";
    for (path, text, then) in [
        (
            ".claude/agents/qa.md",
            agent,
            "`.claude/agents/qa.md` was not written by `factory build`",
        ),
        (
            ".mcp.json",
            servers,
            "`.mcp.json` has an entry `mcpServers.browser` that was not written by `factory build`",
        ),
        (
            ".mcp.json",
            "{ not json",
            "`.mcp.json` is no JSON: a member's name is missing at line 1",
        ),
        (
            ".mcp.json",
            "{\"mcpServers\": []}",
            "`.mcp.json` has something else where `mcpServers.browser` belongs",
        ),
        (
            ".claude/settings.json",
            "{\"hooks\": {\"PreToolUse\": {}}}",
            "`.claude/settings.json` has something else where `hooks.PreToolUse` belongs",
        ),
        (
            "CLAUDE.md",
            "a\n<!-- factory:end notes -->\n",
            "`CLAUDE.md` can't be refreshed: the managed section `notes` ends here and does not begin, at line 2",
        ),
        (
            ".claude",
            "a file",
            "`.claude/agents/builder.md` needs a folder where `.claude` is a file",
        ),
    ] {
        let mut project = Project::new(&[(path, text)]);
        let before = tree(project.root());
        for on_edit in [OnEdit::Keep, OnEdit::Overwrite] {
            assert_eq!(project.build(&factory(), on_edit)[0], then);
        }
        assert_eq!(tree(project.root()), before, "{path}");
    }
}

#[test]
fn the_rest_of_someone_elses_files_keeps_its_bytes() {
    let settings = "\u{feff}{\r\n\t// mine\r\n\t\"model\": \"x\",\r\n\t\"hooks\": { \"PreToolUse\": [ { \"matcher\": \"Bash\", \"hooks\": [] } ] }, // c\r\n\t\"z\": 1e3\r\n}";
    let document = "# Mine\r\n\r\nText without end";
    let mut project = Project::new(&[(".claude/settings.json", settings), ("CLAUDE.md", document)]);
    project.build(&factory(), OnEdit::Keep);
    assert!(project.read("CLAUDE.md").starts_with(document));
    let written = project.read(".claude/settings.json");
    for kept in [
        "\u{feff}{\r\n\t// mine\r\n\t\"model\": \"x\",\r\n\t\"hooks\": { \"PreToolUse\": [ { \"matcher\": \"Bash\", \"hooks\": [] }",
        " }, // c\r\n\t\"z\": 1e3\r\n}",
    ] {
        assert!(written.contains(kept), "{written}");
    }
    assert!(project.build(&factory(), OnEdit::Keep).is_empty());
    // Without the target our entries go, and the file is as it was.
    let bare = Factory::of(
        &spec("")
            .replace("target \"claude-code\";", "")
            .replace("server \"browser\"", "server \"other\""),
        &[],
    );
    project.build(&bare, OnEdit::Keep);
    assert_eq!(project.read(".claude/settings.json"), settings);
}

#[test]
fn a_role_that_is_gone_takes_its_file_along_unless_someone_edited_it() {
    let less = Factory::of(&spec(ROLES.lines().nth(1).unwrap()), &[]);
    for previous_known in [true, false] {
        let mut project = Project::new(&[(".claude/agents/mine.md", "---\nname: mine\n---\n")]);
        project.build(&factory(), OnEdit::Keep);
        if !previous_known {
            project.previous.clear();
        }
        let done = project.build(&less, OnEdit::Keep);
        assert!(
            done.contains(&"removed .claude/agents/qa.md".to_owned()),
            "{done:?}"
        );
        assert!(!project.root().join(".claude/agents/qa.md").exists());
        assert!(project.root().join(".claude/agents/mine.md").exists());
    }
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    let edited = project.read(".claude/agents/qa.md") + "mine\n";
    project.put(".claude/agents/qa.md", &edited);
    let why = "`.claude/agents/qa.md` is no longer made from the spec, and was edited by hand";
    assert_eq!(project.build(&less, OnEdit::Keep), [why]);
    assert_eq!(project.read(".claude/agents/qa.md"), edited);
}

#[test]
fn a_lock_can_not_make_build_remove_what_it_did_not_write() {
    let mut project = Project::new(&[("app/mine.md", "mine"), ("app/mine.json", "{\"a\": 1}")]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.md"), "x").unwrap();
    let file = Fact::File {
        sha256: crate::cache::Digest::of("mine"),
    };
    for path in [
        "app/mine.md",
        "../x.md",
        outside.path().join("x.md").to_str().unwrap(),
    ] {
        project.previous.insert(path.to_owned(), file.clone());
    }
    let mut before = tree(project.root());
    project.build(&factory(), OnEdit::Overwrite);
    let after = tree(project.root());
    before.retain(|path, text| after.get(path) != Some(text));
    assert!(before.is_empty(), "{before:?}");
    assert!(outside.path().join("x.md").exists());
}

#[test]
fn line_ends_that_git_changed_are_no_edit() {
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    for (path, text) in tree(project.root()) {
        project.put(&path, &text.replace('\n', "\r\n"));
    }
    let before = tree(project.root());
    assert!(project.build(&factory(), OnEdit::Keep).is_empty());
    assert_eq!(tree(project.root()), before);
}

#[cfg(unix)]
#[test]
fn links_stay_links() {
    use std::os::unix::fs::symlink;

    let mut project = Project::new(&[("AGENTS.md", "# Mine\n")]);
    fs::create_dir(project.root().join("shared")).unwrap();
    symlink("shared", project.root().join(".claude")).unwrap();
    symlink("AGENTS.md", project.root().join("CLAUDE.md")).unwrap();
    project.build(&factory(), OnEdit::Keep);
    assert!(
        project.root().join("CLAUDE.md").is_symlink()
            && project.root().join(".claude").is_symlink()
    );
    assert!(
        project
            .read("AGENTS.md")
            .starts_with("# Mine\n\n<!-- factory:begin roles")
    );
    assert!(project.root().join("shared/agents/qa.md").is_file());
    assert!(project.build(&factory(), OnEdit::Keep).is_empty());
}

#[test]
fn what_defeats_the_boundary_is_said() {
    let mut project = Project::new(&[
        (".claude/settings.local.json", "{\"disableAllHooks\": true}"),
        (".claude/agents/team/other.md", "---\nname: qa\n---\n"),
        ("CLAUDE.md", "# Mine\n\n## Notes\n\nMy own.\n"),
    ]);
    let (comparison, _) = project.compare(&factory(), OnEdit::Keep);
    assert_eq!(
        comparison.notes,
        [
            Note::HeadingTaken {
                path: "CLAUDE.md".into(),
                title: "Notes".into()
            },
            Note::SameName {
                path: ".claude/agents/team/other.md".into(),
                role: "qa".into()
            },
            Note::HooksOff {
                path: ".claude/settings.local.json".into()
            },
        ]
    );
}

#[test]
fn the_lock_knows_entries_and_sections_by_name() {
    let mut project = Project::new(&[]);
    let (comparison, facts) = project.compare(&factory(), OnEdit::Keep);
    assert_eq!(
        comparison.changes.last().map(|change| change.path.as_str()),
        Some("factory.lock")
    );
    assert!(
        !facts.contains_key("factory.lock"),
        "the lock does not hold its own digest"
    );
    let Fact::Entries { entries, .. } = &facts[".claude/settings.json"] else {
        panic!("{facts:?}")
    };
    assert_eq!(
        entries.keys().collect::<Vec<_>>(),
        ["/hooks/PreToolUse/-", "/hooks/SessionStart/-"]
    );
    let titles = Fact::Sections {
        titles: vec!["Roles".into(), "Notes".into()],
    };
    assert_eq!(facts["CLAUDE.md"], titles);
}

#[test]
fn a_section_without_its_file_is_a_finding_in_the_spec() {
    let factory = factory();
    let composer = factory.composer();
    let empty = tempfile::tempdir().unwrap();
    let found = render(&composer, &[], &Folder::new(empty.path())).unwrap_err();
    let finding = found.iter().next().unwrap();
    assert_eq!(
        factory.sources.text(finding.span),
        Some("\"docs/notes.md\"")
    );
    let said = finding.fault.to_string();
    assert_eq!(
        said,
        "the section `Notes` is made from `docs/notes.md`, which is not there"
    );
}
