//! Build as a whole, with real files.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    Comparison, Fact, Known, Note, Record, compare, compare_last, eject, fixture::Factory, render,
    write,
};
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

// A project with what its lock says.
struct Project {
    folder: tempfile::TempDir,
    previous: BTreeMap<String, Fact>,
    record: Record,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            previous: BTreeMap::new(),
            record: Record::Missing,
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

    fn known(&self) -> Known {
        Known::of(vec![self.previous.clone()], self.record)
    }

    fn lose_the_lock(&mut self) {
        self.previous.clear();
        self.record = Record::Missing;
    }

    fn compare(
        &mut self,
        factory: &Factory,
        on_edit: OnEdit,
    ) -> (Comparison, BTreeMap<String, Fact>) {
        let composer = factory.composer();
        let prompts = composer.prompts().unwrap();
        let artifacts = render(&composer, &prompts, &Folder::new(self.root())).unwrap();
        let known = self.known();
        let found = known.found_below(self.root(), &artifacts);
        let comparison = compare(self.root(), &artifacts, &known, on_edit);
        let lock = "{}\n".to_owned();
        (
            compare_last(comparison, "factory.lock", lock, &known, on_edit),
            artifacts.facts(&found),
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
            self.record = Record::Whole;
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
    project.lose_the_lock();
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
        // There is a lock, and it knows nothing of them.
        project.record = Record::Whole;
        let before = tree(project.root());
        for on_edit in [OnEdit::Keep, OnEdit::Overwrite] {
            assert_eq!(project.build(&factory(), on_edit)[0], then);
        }
        assert_eq!(tree(project.root()), before, "{path}");
    }
}

#[test]
fn what_no_lock_knows_is_kept_unless_its_owner_says_so() {
    let servers = "{\"mcpServers\": {\"browser\": {\"command\": \"mine\"}}}";
    for record in [Record::Missing, Record::Damaged] {
        let mut project = Project::new(&[(".mcp.json", servers)]);
        project.record = record;
        let (comparison, _) = project.compare(&factory(), OnEdit::Keep);
        let conflict = &comparison.conflicts[0];
        assert_eq!(
            conflict.to_string(),
            "`.mcp.json` has an entry `mcpServers.browser`, and no lock says that `factory build` wrote it"
        );
        assert!(conflict.help().contains("--overwrite"));
        assert!(
            conflict
                .diff
                .as_ref()
                .unwrap()
                .contains("-  \"command\": \"mine\"")
        );
        project.build(&factory(), OnEdit::Overwrite);
        assert!(!project.read(".mcp.json").contains("mine"));
    }
}

#[test]
fn what_is_ours_beyond_doubt_goes_without_a_lock_too() {
    let bare = spec("").replace("target \"claude-code\";", "");
    let (bare, _) = bare.split_once("document ").unwrap();
    let bare = Factory::of(bare, &[]);
    let mut project = Project::new(&[("CLAUDE.md", "# Mine\n")]);
    project.build(&factory(), OnEdit::Keep);
    project.lose_the_lock();
    let done = project.build(&bare, OnEdit::Keep);
    assert_eq!(
        done,
        [
            "removed .claude/agents/builder.md",
            "removed .claude/agents/qa.md",
            "removed .claude/settings.json",
            "changed CLAUDE.md"
        ]
    );
    assert_eq!(project.read("CLAUDE.md"), "# Mine\n");
    // Whose the server is nobody can say.
    assert!(project.read(".mcp.json").contains("browser@1.2.3"));

    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    project.put(
        "CLAUDE.md",
        &project.read("CLAUDE.md").replace("One.", "Mine."),
    );
    project.lose_the_lock();
    let before = tree(project.root());
    let section = "`CLAUDE.md` has a section `notes` that is no longer made from the spec, and was edited by hand";
    assert_eq!(project.build(&bare, OnEdit::Keep), [section]);
    assert_eq!(tree(project.root()), before);
}

#[test]
fn a_copy_of_a_file_of_ours_is_its_owners() {
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    let made = project.read(".claude/agents/qa.md");
    let helper = made.replace("name: qa", "name: helper");
    let copies = [
        (".claude/agents/archive/qa-v1.md", made.as_str()),
        (".claude/agents/helper.md", helper.as_str()),
    ];
    for (path, text) in copies {
        project.put(path, text);
    }
    for on_edit in [OnEdit::Keep, OnEdit::Overwrite] {
        let said = project.build(&factory(), on_edit);
        assert_eq!(
            said,
            [
                "`.claude/agents/archive/qa-v1.md` calls itself `qa` too: the client may take it for the role"
            ]
        );
    }
    // Without a lock too, and then it is said.
    project.lose_the_lock();
    let said = project.build(&factory(), OnEdit::Overwrite);
    for (path, text) in copies {
        let told = format!(
            "`{path}` says that it was made by `factory build`, and no lock knows it: it stays"
        );
        assert!(said.contains(&told), "{said:?}");
        assert_eq!(project.read(path), text);
    }
    // A role that came back under its old name is someone's own where the lock says so.
    let less = Factory::of(&spec(ROLES.lines().nth(1).unwrap()), &[]);
    project.build(&less, OnEdit::Keep);
    assert!(!project.root().join(".claude/agents/qa.md").exists());
    project.put(".claude/agents/qa.md", &made);
    assert!(project.build(&less, OnEdit::Overwrite).is_empty());
    assert_eq!(project.read(".claude/agents/qa.md"), made);
}

#[test]
fn a_hook_of_someone_else_stays_whatever_it_says() {
    let own = "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"echo factory guard >> log\"}]}]}}\n";
    for on_edit in [OnEdit::Keep, OnEdit::Overwrite] {
        let mut project = Project::new(&[(".claude/settings.json", own)]);
        let said = project.build(&factory(), on_edit);
        let note = "`.claude/settings.json` has another hook that says `factory guard`: it stays";
        assert!(said.contains(&note.to_owned()), "{said:?}");
        let bare = Factory::of(&spec("").replace("target \"claude-code\";", ""), &[]);
        let hooks: serde_json::Value =
            serde_json::from_str(&project.read(".claude/settings.json")).unwrap();
        let hooks = hooks["hooks"]["PreToolUse"].as_array().unwrap();
        assert_eq!(hooks.len(), 2);
        assert_eq!(hooks[0]["hooks"][0]["command"], "echo factory guard >> log");
        project.build(&bare, on_edit);
        assert_eq!(project.read(".claude/settings.json"), own);
    }
}

#[test]
fn an_edited_hook_is_known_by_what_it_runs() {
    let bare = Factory::of(&spec("").replace("target \"claude-code\";", ""), &[]);
    for lock_is_there in [true, false] {
        let mut project = Project::new(&[]);
        project.build(&factory(), OnEdit::Keep);
        let edited =
            project
                .read(".claude/settings.json")
                .replacen("\"timeout\": 60", "\"timeout\": 5", 1);
        project.put(".claude/settings.json", &edited);
        if !lock_is_there {
            project.lose_the_lock();
        }
        let edited_by_hand =
            "`.claude/settings.json` has an entry `hooks.PreToolUse` that was edited by hand";
        assert_eq!(project.build(&factory(), OnEdit::Keep), [edited_by_hand]);
        if lock_is_there {
            let to_go = "`.claude/settings.json` has an entry `hooks.PreToolUse` that is to go, and was edited by hand";
            assert_eq!(project.build(&bare, OnEdit::Keep), [to_go]);
            let (comparison, _) = project.compare(&bare, OnEdit::Keep);
            let diff = comparison.conflicts[0].diff.as_ref().unwrap();
            assert!(diff.contains("-      \"timeout\": 5"), "{diff}");
            assert_eq!(project.read(".claude/settings.json"), edited);
        }
        project.build(&factory(), OnEdit::Overwrite);
        assert!(
            !project
                .read(".claude/settings.json")
                .contains("\"timeout\": 5")
        );
    }
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    let edited =
        project
            .read(".claude/settings.json")
            .replacen("\"timeout\": 60", "\"timeout\": 5", 1);
    project.put(".claude/settings.json", &edited);
    project.build(&bare, OnEdit::Overwrite);
    assert!(!project.root().join(".claude/settings.json").exists());
}

#[test]
fn leaving_keeps_what_someone_edited_unless_they_say_so() {
    for (path, from, to, entry) in [
        (
            ".mcp.json",
            "browser@1.2.3",
            "browser@9",
            "mcpServers.browser",
        ),
        (
            ".claude/settings.json",
            "\"timeout\": 60",
            "\"timeout\": 5",
            "hooks.PreToolUse",
        ),
    ] {
        let mut project = Project::new(&[]);
        project.build(&factory(), OnEdit::Keep);
        project.put(path, &project.read(path).replacen(from, to, 1));
        let before = tree(project.root());
        let known = project.known();
        let found = eject(project.root(), &known, "factory.lock", OnEdit::Keep);
        let conflict = &found.conflicts[0];
        assert_eq!(
            conflict.to_string(),
            format!("`{path}` has an entry `{entry}` that is to go, and was edited by hand")
        );
        assert!(
            conflict
                .diff
                .as_ref()
                .unwrap()
                .contains(to.trim_matches('"'))
        );
        assert!(write(&found).is_err());
        assert_eq!(tree(project.root()), before);
        let found = eject(project.root(), &known, "factory.lock", OnEdit::Overwrite);
        write(&found).unwrap();
        assert!(!project.root().join(path).exists());
        assert!(!project.root().join("factory.lock").exists());
        assert!(project.read("CLAUDE.md").contains("## Roles"));
    }
}

#[test]
fn what_is_taken_away_leaves_no_trace() {
    let bare = spec("")
        .replace("target \"claude-code\";", "")
        .replace("server \"browser\"", "server \"other\"");
    let (bare, _) = bare.split_once("document ").unwrap();
    let bare = Factory::of(bare, &[]);
    // (what stood there before, if anything did)
    for before in [
        &[][..],
        &[
            (".mcp.json", "{}"),
            (".claude/settings.json", ""),
            ("CLAUDE.md", ""),
        ],
        &[
            (".mcp.json", "{\n}\n"),
            (".claude/settings.json", "\u{feff}{ }\n"),
            ("CLAUDE.md", "\n\n"),
        ],
        &[
            (".mcp.json", "{\"a\": 1}"),
            (".claude/settings.json", "{\"model\": \"x\"}\n"),
            ("CLAUDE.md", "# Mine\n\nText without end"),
        ],
    ] {
        let mut project = Project::new(before);
        project.build(&factory(), OnEdit::Keep);
        project.build(&factory(), OnEdit::Keep);
        project.build(&bare, OnEdit::Keep);
        for path in [".mcp.json", ".claude/settings.json", "CLAUDE.md"] {
            let stands = fs::read_to_string(project.root().join(path)).ok();
            let before = before.iter().find(|(known, _)| *known == path);
            let before = before.map(|(_, text)| (*text).to_owned());
            assert_eq!(stands, before, "{path}");
        }
    }
}

#[test]
fn a_section_that_left_the_spec_is_shown_before_it_goes() {
    let less = Factory::of(
        &spec(ROLES).replace("; section \"Notes\" { from \"docs/notes.md\"; }", ""),
        &[],
    );
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    project.put(
        "CLAUDE.md",
        &project.read("CLAUDE.md").replace("One.", "Mine."),
    );
    let (comparison, _) = project.compare(&less, OnEdit::Keep);
    let conflict = &comparison.conflicts[0];
    assert_eq!(
        conflict.to_string(),
        "`CLAUDE.md` has a section `notes` that is no longer made from the spec, and was edited by hand"
    );
    assert!(conflict.help().ends_with("`--overwrite` removes it"));
    assert!(conflict.diff.as_ref().unwrap().contains("\n-Mine.\n"));
    project.build(&less, OnEdit::Overwrite);
    assert!(!project.read("CLAUDE.md").contains("Mine."));

    let roles = Factory::of(&spec(ROLES.lines().nth(1).unwrap()), &[]);
    let edited = project.read(".claude/agents/qa.md") + "Mine.\n";
    project.put(".claude/agents/qa.md", &edited);
    let (comparison, _) = project.compare(&roles, OnEdit::Keep);
    let diff = comparison.conflicts[0].diff.as_ref().unwrap();
    assert!(diff.contains("\n-Mine.\n"), "{diff}");
}

// What two branches leave that git could not merge.
#[test]
fn a_merge_between_two_builds_is_no_edit() {
    let marked =
        |ours: &str, theirs: &str| format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> topic\n");
    let mut projects = ["Well.", "Better."].map(|how| {
        let mut project = Project::new(&[("docs/notes.md", &format!("# Notes\n\n{how}\n"))]);
        let prompt = format!("# QA\n\n{how}\n");
        let spec = spec(ROLES).replace("1.2.3", &format!("1.{}", how.len()));
        project.build(
            &Factory::of(&spec, &[("roles/qa.md", &prompt)]),
            OnEdit::Keep,
        );
        project
    });
    let [theirs, ours] = &mut projects;
    let paths = [".claude/agents/qa.md", ".mcp.json", "CLAUDE.md"];
    for path in paths {
        ours.put(path, &marked(&ours.read(path), &theirs.read(path)));
    }
    let builds = vec![ours.previous.clone(), theirs.previous.clone()];
    let factory = factory();
    let composer = factory.composer();
    let prompts = composer.prompts().unwrap();
    let artifacts = render(&composer, &prompts, &Folder::new(ours.root())).unwrap();
    let known = Known::of(builds, Record::Whole);
    let comparison = compare(ours.root(), &artifacts, &known, OnEdit::Keep);
    assert!(
        comparison.conflicts.is_empty(),
        "{:?}",
        comparison.conflicts
    );
    write(&comparison).unwrap();
    for path in paths {
        assert!(!ours.read(path).contains("<<<<<<<"), "{path}");
    }
    // What is a person's own stays one for them to decide.
    let mine = marked(
        &(ours.read("CLAUDE.md") + "\nMine.\n"),
        &ours.read("CLAUDE.md"),
    );
    ours.put("CLAUDE.md", &mine);
    let comparison = compare(ours.root(), &artifacts, &known, OnEdit::Overwrite);
    assert_eq!(comparison.conflicts.len(), 1);
}

#[test]
fn what_the_other_side_of_a_merge_wrote_is_ours_too() {
    let mut project = Project::new(&[]);
    project.build(&factory(), OnEdit::Keep);
    // A role, a server, and a document that one branch has taken away, and a server that it has changed.
    let changed = spec(ROLES).replace("1.2.3", "2.0.0");
    project.build(&Factory::of(&changed, &[]), OnEdit::Keep);
    let theirs = project.previous.clone();
    let mut older = Project::new(&[]);
    older.build(&factory(), OnEdit::Keep);
    let known = Known::of(vec![older.previous.clone(), theirs], Record::Whole);
    let less =
        spec(ROLES.lines().nth(1).unwrap()).replace("server \"browser\"", "server \"other\"");
    let (less, _) = less.split_once("document ").unwrap();
    let less = Factory::of(less, &[]);
    let composer = less.composer();
    let prompts = composer.prompts().unwrap();
    let artifacts = render(&composer, &prompts, &Folder::new(project.root())).unwrap();
    let comparison = compare(project.root(), &artifacts, &known, OnEdit::Keep);
    let done: Vec<_> = comparison
        .changes
        .iter()
        .map(|change| format!("{} {}", change.verb(), change.path))
        .collect();
    assert_eq!(
        done,
        [
            "removed .claude/agents/qa.md",
            "changed .mcp.json",
            "removed CLAUDE.md"
        ]
    );
    write(&comparison).unwrap();
    assert!(!project.read(".mcp.json").contains("browser\":"));
}

#[test]
fn a_list_of_files_does_not_have_what_is_written() {
    let spec = spec(ROLES).replace(
        "section \"Notes\"",
        "section \"Key\" { files \"**\"; }; section \"Notes\"",
    );
    let factory = Factory::of(&spec, &[]);
    let mut project = Project::new(&[(".claude/agents/mine.md", "---\nname: mine\n---\n")]);
    project.build(&factory, OnEdit::Keep);
    let listed: Vec<_> = project
        .read("CLAUDE.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- `")?.split('`').next()?.to_owned()))
        .filter(|name| name.contains('.'))
        .collect();
    // The lock is left out by who knows that it is one.
    assert_eq!(listed, [".claude/agents/mine.md", "docs/notes.md"]);
    let again = project.build(&factory, OnEdit::Keep);
    assert_eq!(again, ["changed CLAUDE.md"]);
    assert!(project.read("CLAUDE.md").contains("factory.lock"));
}

#[test]
fn a_section_is_not_made_from_what_is_made() {
    for (from, then) in [
        (
            "CLAUDE.md",
            "the section `Notes` is made from the document it stands in",
        ),
        (
            ".claude/agents/qa.md",
            "the section `Notes` is made from `.claude/agents/qa.md`, which `factory build` writes",
        ),
    ] {
        let factory = Factory::of(&spec(ROLES).replace("docs/notes.md", from), &[]);
        let mut project = Project::new(&[]);
        project.build(&self::factory(), OnEdit::Keep);
        let composer = factory.composer();
        let prompts = composer.prompts().unwrap();
        let found = render(&composer, &prompts, &Folder::new(project.root())).unwrap_err();
        let finding = found.iter().next().unwrap();
        assert_eq!(finding.fault.to_string(), then);
        assert_eq!(
            factory.sources.text(finding.span),
            Some(format!("{from:?}").as_str())
        );
    }
    // Of another document what its author wrote.
    let both = spec(ROLES) + "document \"OTHER.md\" { section \"All\" { from \"CLAUDE.md\"; }; }\n";
    let factory = Factory::of(&both, &[]);
    let mut project = Project::new(&[("CLAUDE.md", "# Mine\n\nText.\n")]);
    project.build(&factory, OnEdit::Keep);
    assert!(project.build(&factory, OnEdit::Keep).is_empty());
    let other = project.read("OTHER.md");
    assert!(
        other.contains("Text.") && !other.contains("Roles"),
        "{other}"
    );
}

#[test]
fn the_rest_of_someone_elses_files_keeps_its_bytes() {
    let settings = "\u{feff}{\r\n\t\"model\": \"x\",\r\n\t\"hooks\": { \"PreToolUse\": [ { \"matcher\": \"Bash\", \"hooks\": [] } ] },  \r\n\t\"z\": 1e3\r\n}";
    let document = "# Mine\r\n\r\nText without end";
    let mut project = Project::new(&[(".claude/settings.json", settings), ("CLAUDE.md", document)]);
    project.build(&factory(), OnEdit::Keep);
    assert!(project.read("CLAUDE.md").starts_with(document));
    let written = project.read(".claude/settings.json");
    for kept in [
        "\u{feff}{\r\n\t\"model\": \"x\",\r\n\t\"hooks\": { \"PreToolUse\": [ { \"matcher\": \"Bash\", \"hooks\": [] }",
        " },  \r\n\t\"z\": 1e3\r\n}",
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
fn a_file_that_the_client_would_ignore_is_a_conflict_and_keeps_its_bytes() {
    let settings = ".claude/settings.json";
    for (path, text, words) in [
        (
            settings,
            "{ \"permissions\": {\n  \"defaultMode\": \"bogus\" } }\n",
            "at `permissions.defaultMode`, line 2",
        ),
        (
            settings,
            "{ \"permissions\": { \"allow\": \"Bash\" } }\n",
            "`permissions.allow`",
        ),
        (
            settings,
            "{ \"cleanupPeriodDays\": \"x\" }\n",
            "`cleanupPeriodDays`",
        ),
        (settings, "{ \"env\": [\"A\"] }\n", "`env`"),
        (
            settings,
            "{ \"disableAllHooks\": \"yes\" }\n",
            "`disableAllHooks`",
        ),
        (
            settings,
            "{ \"hooks\": { \"PreToolUse\": [ { \"matcher\": \"Bash\" } ] } }\n",
            "`hooks.PreToolUse`",
        ),
    ] {
        let mut project = Project::new(&[(path, text)]);
        let before = tree(project.root());
        let said = project.build(&factory(), OnEdit::Overwrite);
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(said[0].starts_with(&format!("`{path}` ")), "{said:?}");
        assert!(said[0].contains(words), "{text}: {said:?}");
        assert_eq!(tree(project.root()), before, "{text}");
    }
    // Of a local file that it ignores nothing is missed, and it turns nothing off.
    let local = ".claude/settings.local.json";
    let mut project = Project::new(&[(local, "// x\n{\"disableAllHooks\": true}\n")]);
    let said = project.build(&factory(), OnEdit::Keep);
    assert!(
        said.iter().all(|line| line.starts_with("created ")),
        "{said:?}"
    );
}

#[test]
fn comments_are_kept_and_that_the_client_reads_nothing_of_them_is_said() {
    let settings = ".claude/settings.json";
    for (path, text, line) in [
        (settings, "{\n  // mine\n  \"model\": \"x\"\n}\n", "line 2"),
        (settings, "{ \"env\": { \"A\": \"x\", } }\n", "line 1"),
        (settings, "// nothing yet\n", "line 1"),
        (
            ".mcp.json",
            "{\n  /* mine */ \"mcpServers\": {}\n}\n",
            "line 2",
        ),
    ] {
        let mut project = Project::new(&[(path, text)]);
        let (comparison, _) = project.compare(&factory(), OnEdit::Keep);
        let [note @ Note::Ignored { .. }] = comparison.notes.as_slice() else {
            panic!("{text}: {:?}", comparison.notes);
        };
        let note = note.to_string();
        assert!(
            note.starts_with(&format!("`{path}` ")) && note.contains(line),
            "{note}"
        );
        project.build(&factory(), OnEdit::Keep);
        let built = project.read(path);
        for words in ["// mine", "// nothing yet", "/* mine */", "\"x\", }"] {
            assert_eq!(built.contains(words), text.contains(words), "{built}");
        }
    }
}

#[test]
fn what_a_person_has_to_know_of_the_guard_is_read_from_the_files() {
    use super::claude_code::hindrances;

    let mut project = Project::new(&[]);
    let without = hindrances(project.root());
    assert!(
        without.len() == 1 && without[0].contains("has no hook of this guard"),
        "{without:?}"
    );
    project.build(&factory(), OnEdit::Keep);
    assert_eq!(hindrances(project.root()), Vec::<String>::new());
    let settings = project.read(".claude/settings.json");
    project.put(".claude/settings.json", &format!("// mine\n{settings}"));
    project.put(
        ".claude/settings.local.json",
        "{\"disableAllHooks\": true}\n",
    );
    let said = hindrances(project.root());
    assert!(
        said[0].contains("see line 1") && said[1].contains("disableAllHooks"),
        "{said:?}"
    );
}

#[test]
fn a_role_that_is_gone_takes_its_file_along_unless_someone_edited_it() {
    let less = Factory::of(&spec(ROLES.lines().nth(1).unwrap()), &[]);
    for previous_known in [true, false] {
        let mut project = Project::new(&[(".claude/agents/mine.md", "---\nname: mine\n---\n")]);
        project.build(&factory(), OnEdit::Keep);
        if !previous_known {
            project.lose_the_lock();
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
        found: None,
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
