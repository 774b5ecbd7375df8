//! `factory build` as a process: what it says of the lock and of what is there, and that its bytes follow
//! from the spec alone.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use factory::plan::Plan;

const SPEC: &str = r#"factory "f" spec=1 { target "claude-code"; preamble "roles/_preamble.md"; }
model "m" id="claude-opus-5-5"
gate "g" { run "true"; }
server "browser" { command "npx" "-y" "browser@1.2.3"; }
role "builder" model="m" prompt="roles/builder.md" {
    title "Builder"
    description "Builds"
    gates "g"
    may { write "app/**"; use "mcp:browser"; }
}
role "qa" model="m" prompt="roles/qa.md" { title "QA"; description "Looks"; }
document "CLAUDE.md" {
    section "Notes" { from "docs/notes.md"; }
    section "Roles" { template "sections/roles.md.hbs"; }
}
"#;

struct Project {
    folder: tempfile::TempDir,
}

type Tree = BTreeMap<String, String>;

impl Project {
    fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("factory.kdl", SPEC);
        project.write("roles/_preamble.md", "# Rules\n\nBe exact.\n");
        project.write("docs/notes.md", "# Notes\n\nOne.\n");
        for role in ["builder", "qa"] {
            project.write(
                &format!("roles/{role}.md"),
                &format!("# {role}\n\nDo it well.\n"),
            );
        }
        project
    }

    fn built() -> Self {
        let project = Self::new();
        assert_eq!(project.factory(&["build"]).0, 0);
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path}: {text}");
        self.write(path, &text.replacen(from, to, 1));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
        command.args(args).current_dir(self.folder.path());
        command
    }

    // Returns the exit code and what was said.
    fn factory(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout) + &text(output.stderr),
        )
    }

    fn tree(&self) -> Tree {
        tree(self.folder.path())
    }

    // Returns what git said, and whether it was content.
    fn try_git(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e"])
            .args([
                "-c",
                "commit.gpgsign=false",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }

    fn git(&self, args: &[&str]) {
        let (done, said) = self.try_git(args);
        assert!(done, "{args:?}: {said}");
    }

    // A repository with all that is built and accepted.
    fn committed() -> Self {
        let project = Self::built();
        assert_eq!(project.factory(&["snap", "accept"]).0, 0);
        project.git(&["init", "-q"]);
        project.commit();
        project
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "Change"]);
    }

    // Commits on a new branch what `change` does and a build makes of it, and goes back to the first one.
    fn on_branch(&self, name: &str, change: impl FnOnce(&Self)) {
        self.git(&["checkout", "-qb", name, "main"]);
        change(self);
        let (code, said) = self.factory(&["build"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(self.factory(&["snap", "accept"]).0, 0);
        self.commit();
        self.git(&["checkout", "-q", "main"]);
    }
}

fn tree(root: &Path) -> Tree {
    let entries = walkdir::WalkDir::new(root).into_iter().flatten();
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .display()
                .to_string();
            let bytes = fs::read(entry.path()).unwrap();
            (path, String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

// The plan of the lock, changed and sealed again, as another compiler would have written it.
fn sealed(project: &Project, change: impl FnOnce(&mut Plan)) -> String {
    let mut plan = Plan::from_text(&project.read("factory.lock")).unwrap();
    change(&mut plan);
    plan.to_text()
}

#[test]
fn what_is_wrong_has_its_own_words() {
    type Break = fn(&Project);
    // (what happened, what is said of it, the code of `build --check`)
    let cases: [(Break, &str, i32); 9] = [
        (
            |project| project.replace("factory.lock", "\"title\": \"QA\"", "\"title\": \"Boss\""),
            "note: `factory.lock` was edited by hand; it is written anew from the spec",
            1,
        ),
        (
            |project| project.replace(".claude/agents/qa.md", "Do it well.", "Do it badly."),
            "conflict: `.claude/agents/qa.md` was edited by hand",
            1,
        ),
        (
            |project| fs::remove_file(project.path(".claude/agents/qa.md")).unwrap(),
            "missing .claude/agents/qa.md  (it was written, and is gone)",
            1,
        ),
        (
            |project| project.replace("roles/qa.md", "well", "better"),
            "stale .claude/agents/qa.md  (with roles/qa.md)",
            1,
        ),
        (
            |project| project.write("docs/notes.md", "# Notes\n\nTwo.\n"),
            "stale CLAUDE.md  (a file that its sections are made from changed)",
            1,
        ),
        (
            |project| {
                let text = sealed(project, |plan| plan.format = 99);
                project.write("factory.lock", &text);
            },
            "`factory.lock` has format 99, and this compiler knows 2",
            3,
        ),
        (
            |project| {
                let text = sealed(project, |plan| plan.compiler = "0.0.9".into());
                project.write("factory.lock", &text);
            },
            "note: `factory.lock` was written by factory 0.0.9, and this is",
            1,
        ),
        (
            |project| {
                let text = project.read("factory.lock");
                let (ours, theirs) = text.split_at(text.find("\"roles\"").unwrap());
                let merged = format!("{ours}<<<<<<< ours\n=======\n>>>>>>> theirs\n{theirs}");
                project.write("factory.lock", &merged);
            },
            "note: `factory.lock` has merge conflicts; it is written anew from the spec",
            1,
        ),
        (
            |project| project.write("factory.lock", "{}\n"),
            "note: `factory.lock` can't be read",
            1,
        ),
    ];
    for (happens, said_of_it, code) in cases {
        let project = Project::built();
        let before = project.tree();
        happens(&project);
        let broken = project.tree();
        let (found, said) = project.factory(&["build", "--check"]);
        assert_eq!(found, code, "{said_of_it}: {said}");
        let line = said.lines().find(|line| line.contains(said_of_it));
        assert!(line.is_some(), "{said_of_it}: {said}");
        assert_eq!(project.tree(), broken, "only looked: {said_of_it}");

        let (found, said) = project.factory(&["build"]);
        match said_of_it {
            // These a person decides.
            text if text.starts_with("conflict") || text.contains("format 99") => {
                assert_ne!(found, 0, "{said}");
                assert_eq!(project.tree(), broken, "{said_of_it}");
            }
            text => {
                assert_eq!(found, 0, "{said}");
                let healed = project.tree();
                if !text.starts_with("stale") {
                    assert_eq!(healed, before, "{said_of_it}");
                }
                assert_eq!(project.factory(&["build", "--check"]).0, 0, "{said_of_it}");
            }
        }
    }
}

#[test]
fn what_an_upgrade_changes_is_told_apart() {
    // What an older compiler would have made: by another template, with the inputs of today.
    let today = Project::built();
    let project = Project::new();
    project.write("templates/prompt/hand-over.md.hbs", "# As it was\n");
    assert_eq!(project.factory(&["build"]).0, 0);
    fs::remove_dir_all(project.path("templates")).unwrap();
    let inputs = Plan::from_text(&today.read("factory.lock")).unwrap().inputs;
    let text = sealed(&project, |plan| {
        plan.compiler = "0.0.9".into();
        plan.inputs = inputs;
    });
    project.write("factory.lock", &text);
    project.replace("roles/qa.md", "well", "better");

    let (_, said) = project.factory(&["build"]);
    for told in [
        "changed .claude/agents/builder.md  (changed by the upgrade from 0.0.9)",
        "changed .claude/agents/qa.md  (with roles/qa.md)",
    ] {
        assert!(said.lines().any(|line| line == told), "{told}: {said}");
    }
    assert_eq!(
        project.factory(&["build", "--check"]),
        (0, "up to date\n".into())
    );
}

#[test]
fn a_change_of_one_role_touches_no_other_line_of_the_lock() {
    let project = Project::built();
    let before = project.read("factory.lock");
    project.replace("roles/qa.md", "well", "better");
    assert_eq!(project.factory(&["build"]).0, 0);
    let after = project.read("factory.lock");
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    assert_eq!(before.len(), after.len());
    let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    // The input, the agent file, and the accepted prompt of the role.
    assert_eq!(changed, 3);
}

#[test]
fn the_bytes_follow_from_the_spec_alone() {
    let mut trees = Vec::new();
    for (index, (locale, zone, mask)) in [
        ("C", "UTC", "022"),
        ("tr_TR.UTF-8", "Asia/Kathmandu", "077"),
        ("de_DE.ISO-8859-1", "America/St_Johns", "002"),
    ]
    .into_iter()
    .enumerate()
    {
        let project = Project::new();
        let root = project.path(&format!("{}project", "deep/".repeat(index)));
        fs::create_dir_all(&root).unwrap();
        for folder in ["factory.kdl", "roles", "docs"] {
            fs::rename(project.path(folder), root.join(folder)).unwrap();
        }
        let script = format!("umask {mask}; exec \"$0\" build");
        let done = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_factory")])
            .current_dir(&root)
            .env("LC_ALL", locale)
            .env("LANG", locale)
            .env("TZ", zone)
            .output()
            .unwrap();
        assert!(done.status.success());
        trees.push(tree(&root));
    }
    assert_eq!(trees[0], trees[1]);
    assert_eq!(trees[0], trees[2]);
}

#[test]
fn what_stands_in_the_way_is_never_written() {
    type Make = fn(&Project);
    let cases: [(Make, &str); 6] = [
        (
            |project| fs::create_dir_all(project.path("CLAUDE.md")).unwrap(),
            "`CLAUDE.md` is a folder",
        ),
        (
            |project| fs::create_dir_all(project.path(".claude/agents/qa.md")).unwrap(),
            "`.claude/agents/qa.md` is a folder",
        ),
        (
            |project| {
                project.write("CLAUDE.md", "# Mine\n");
                let read_only = fs::Permissions::from_mode(0o444);
                fs::set_permissions(project.path("CLAUDE.md"), read_only).unwrap();
            },
            "`CLAUDE.md` is read-only",
        ),
        (
            |project| fs::write(project.path("CLAUDE.md"), b"\xff\xfe").unwrap(),
            "`CLAUDE.md` is not UTF-8 text",
        ),
        (
            |project| std::os::unix::fs::symlink("/", project.path(".claude")).unwrap(),
            "leads out of the project",
        ),
        (
            |project| std::os::unix::fs::symlink("nowhere", project.path("CLAUDE.md")).unwrap(),
            "leads nowhere",
        ),
    ];
    for (make, told) in cases {
        let project = Project::new();
        make(&project);
        let before = project.tree();
        for args in [&["build"][..], &["build", "--overwrite"]] {
            let (code, said) = project.factory(args);
            assert_eq!(code, 1, "{told}: {said}");
            assert!(said.contains(told), "{told}: {said}");
            assert!(
                said.ends_with("nothing was written\n") && !said.contains("\ncreated "),
                "{said}"
            );
        }
        assert_eq!(project.tree(), before, "{told}");
    }
}

#[test]
fn a_document_keeps_its_bytes_whatever_its_ends() {
    for mine in [
        "\u{feff}# Mine\n\nText.\n",
        "# Mine\r\n\r\nText.\r\n",
        "# Mine\n\nText without end",
        "\n\n",
        "",
    ] {
        let project = Project::new();
        project.write("CLAUDE.md", mine);
        let (code, said) = project.factory(&["build"]);
        assert_eq!(code, 0, "{mine:?}: {said}");
        let text = project.read("CLAUDE.md");
        assert!(text.starts_with(mine), "{mine:?}: {text:?}");
        assert!(text.contains("One.") && text.contains("**QA**"), "{text}");
        let lines = text.matches('\n').count();
        let crlf = text.matches("\r\n").count();
        assert!(
            crlf == if mine.contains('\r') { lines } else { 0 },
            "{text:?}"
        );
        assert_eq!(project.factory(&["build", "--check"]).0, 0, "{mine:?}");
    }
}

#[test]
fn two_branches_that_changed_two_prompts_merge() {
    let project = Project::committed();
    project.on_branch("one", |project| {
        project.replace("roles/qa.md", "well", "better");
    });
    project.on_branch("two", |project| {
        project.replace("roles/builder.md", "well", "at once");
    });
    project.git(&["merge", "-q", "one"]);
    let (merged, said) = project.try_git(&["merge", "-q", "two"]);
    assert!(merged, "{said}");
    // And there is nothing left to do.
    assert_eq!(
        project.factory(&["build", "--check"]),
        (0, "up to date\n".into())
    );
    assert_eq!(project.factory(&["snap", "--check"]).0, 0);
    let said = project.factory(&["exec"]).1;
    assert!(!said.contains("factory.lock"), "{said}");
}

// What their changes come to together was never checked, so somebody has to build.
#[test]
fn two_branches_that_changed_the_spec_are_built_again() {
    let project = Project::new();
    project.replace(
        "factory.kdl",
        "preamble \"roles/_preamble.md\";",
        "preamble \"roles/_preamble.md\"; include \"more/*.kdl\";",
    );
    for name in ["a", "b"] {
        let spec = format!("server \"{name}\" {{ command \"npx\" \"{name}@1.0.0\"; }}\n");
        project.write(&format!("more/{name}.kdl"), &spec);
    }
    let spec = project.read("factory.kdl");
    let (spec, document) = spec.split_at(spec.find("document ").unwrap());
    project.write("factory.kdl", spec);
    project.write("more/documents.kdl", document);
    assert_eq!(project.factory(&["build"]).0, 0);
    assert_eq!(project.factory(&["snap", "accept"]).0, 0);
    project.git(&["init", "-q"]);
    project.commit();
    project.on_branch("one", |project| {
        fs::remove_file(project.path("more/a.kdl")).unwrap();
        project.replace("factory.kdl", "role \"qa\"", "role \"boss\"");
    });
    project.on_branch("two", |project| {
        project.replace("more/b.kdl", "1.0.0", "2.0.0");
        fs::remove_file(project.path("more/documents.kdl")).unwrap();
    });
    project.git(&["merge", "-q", "one"]);
    let (merged, said) = project.try_git(&["merge", "-q", "two"]);
    assert!(!merged, "{said}");
    assert!(said.contains("Merge conflict in factory.lock"), "{said}");
    assert!(project.read("factory.lock").contains("<<<<<<< "));
    // A person merges the spec; the rest is left as git has left it.
    for path in ["factory.kdl", "CLAUDE.md"] {
        assert!(!project.read(path).contains("<<<<<<< "), "{path}: {said}");
    }
    let (code, said) = project.factory(&["exec"]);
    assert!(code != 0 && said.contains("merge conflicts"), "{said}");
    let (code, said) = project.factory(&["build"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("note: `factory.lock` has merge conflicts"),
        "{said}"
    );
    let servers = project.read(".mcp.json");
    assert!(
        servers.contains("b@2.0.0") && !servers.contains("\"a\""),
        "{servers}"
    );
    assert!(!project.path("CLAUDE.md").exists() && !project.path(".claude/agents/qa.md").exists());
    assert!(project.path(".claude/agents/boss.md").exists());
    assert_eq!(project.factory(&["build", "--check"]).0, 0);
}

#[test]
fn leaving_works_with_a_lock_that_git_could_not_merge() {
    let project = Project::committed();
    for (name, version) in [("one", "2.0.0"), ("two", "3.0.0")] {
        project.on_branch(name, |project| {
            project.replace("factory.kdl", "1.2.3", version);
        });
    }
    project.git(&["merge", "-q", "one"]);
    assert!(!project.try_git(&["merge", "-q", "two"]).0);
    assert!(project.read("factory.lock").contains("<<<<<<< "));
    let (code, said) = project.factory(&["eject"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("note: `factory.lock` has merge conflicts"),
        "{said}"
    );
    for path in ["factory.lock", ".mcp.json", ".claude/settings.json"] {
        assert!(!project.path(path).exists(), "{path}: {said}");
    }
}

#[test]
fn leaving_shows_what_was_edited_and_removes_it_only_when_told() {
    let project = Project::built();
    project.replace(".mcp.json", "browser@1.2.3", "browser@mine");
    let before = project.tree();
    for args in [&["eject"][..], &["eject", "--dry-run"]] {
        let (code, said) = project.factory(args);
        assert_eq!(code, 1, "{said}");
        for told in [
            "conflict: `.mcp.json` has an entry `mcpServers.browser` that is to go, and was edited by hand",
            "  | -    \"browser@mine\"",
            "nothing was written",
        ] {
            assert!(said.contains(told), "{told}: {said}");
        }
        assert!(!said.contains("\nremoved "), "{said}");
    }
    assert_eq!(project.tree(), before);
    let (code, said) = project.factory(&["eject", "--overwrite"]);
    assert_eq!(code, 0, "{said}");
    assert!(!project.path(".mcp.json").exists());
}

#[test]
fn a_lost_lock_is_no_dead_end() {
    let project = Project::built();
    fs::remove_file(project.path("factory.lock")).unwrap();
    project.replace("factory.kdl", "browser@1.2.3", "browser@2.0.0");
    let (code, said) = project.factory(&["build"]);
    assert!(
        code == 1 && said.contains("no lock says that `factory build` wrote it"),
        "{said}"
    );
    assert!(said.contains("--overwrite"), "{said}");
    assert_eq!(project.factory(&["build", "--overwrite"]).0, 0);
    assert!(project.read(".mcp.json").contains("browser@2.0.0"));
    assert_eq!(project.factory(&["build", "--check"]).0, 0);
}

#[test]
fn a_clone_with_the_line_ends_of_another_system_is_up_to_date() {
    let project = Project::new();
    project.write(
        "templates/sections/roles.md.hbs",
        "Who:\n{{#each roles}}\n- {{name}}\n{{/each}}\n",
    );
    project.write("tasks/page.kdl", "task \"page\" {\n    goal \"\"\"\n        A page.\n        With a title.\n        \"\"\"\n    step \"build\" role=\"builder\" { item \"Write it\"; }\n}\n");
    project.replace(
        "factory.kdl",
        "preamble \"roles/_preamble.md\";",
        "preamble \"roles/_preamble.md\"; include \"tasks/*.kdl\";",
    );
    project.replace(
        "factory.kdl",
        "prompt=\"roles/qa.md\" {",
        "prompt=\"roles/qa.md\" compile=\"verbatim\" { agent \".claude/agents/qa.md\" { name; description; model; };",
    );
    let (code, said) = project.factory(&["build"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(project.factory(&["snap", "accept"]).0, 0);
    project.git(&["init", "-q"]);
    project.commit();
    project.git(&["-c", "core.autocrlf=true", "clone", "-q", ".", "clone"]);
    let clone = |args: &[&str]| {
        let args = [&["-C", "clone"], args].concat();
        project.factory(&args)
    };
    for path in [
        "factory.lock",
        "snapshots/qa.snap",
        "roles/qa.md",
        "factory.kdl",
    ] {
        let text = project.read(&format!("clone/{path}"));
        assert!(text.contains("\r\n"), "{path}");
    }
    let before = tree(&project.path("clone"));
    assert_eq!(clone(&["build", "--check"]), (0, "up to date\n".into()));
    assert_eq!(clone(&["build"]), (0, "up to date\n".into()));
    assert_eq!(
        clone(&["snap", "--check"]),
        (0, "the prompts are the accepted ones\n".into())
    );
    assert_eq!(tree(&project.path("clone")), before);
    let (_, said) = clone(&["exec", "no-such-task"]);
    for told in ["accepted", "changed since", "factory.lock"] {
        assert!(!said.contains(told), "{told}: {said}");
    }
    // A change is still one.
    let edited = project
        .read("clone/roles/builder.md")
        .replace("well", "better");
    project.write("clone/roles/builder.md", &edited);
    let (code, said) = clone(&["build", "--check"]);
    assert!(
        code == 1 && said.contains("stale .claude/agents/builder.md  (with roles/builder.md)"),
        "{said}"
    );
}

#[test]
fn a_text_of_someone_else_in_the_place_of_the_lock_stays() {
    for text in ["# My notes\n", "{\"packages\": [1]}\n"] {
        let project = Project::new();
        project.write("factory.lock", text);
        for args in [&["build"][..], &["build", "--check"]] {
            let (code, said) = project.factory(args);
            assert_eq!(code, 1, "{said}");
            assert!(
                said.contains("conflict: `factory.lock` is someone else's text"),
                "{said}"
            );
        }
        assert_eq!(project.read("factory.lock"), text);
        assert!(!project.path("CLAUDE.md").exists());
        let (code, said) = project.factory(&["eject"]);
        assert!(code == 3 && said.contains("someone else's"), "{said}");
        assert_eq!(project.factory(&["build", "--overwrite"]).0, 0);
        assert_eq!(project.factory(&["build", "--check"]).0, 0);
    }
}

#[test]
fn who_asks_for_the_difference_gets_nothing_written() {
    let project = Project::built();
    project.replace("roles/qa.md", "well", "better");
    let before = project.tree();
    for (args, code) in [
        (&["build", "--diff"][..], 0),
        (&["build", "--diff", "--check"], 1),
    ] {
        let (found, said) = project.factory(args);
        assert_eq!(found, code, "{said}");
        let line = "-Do it well.\n+Do it better.\n";
        assert!(said.contains(line), "{said}");
        assert_eq!(project.tree(), before);
    }
    let (_, said) = project.factory(&["build", "--diff"]);
    assert!(
        said.contains("would be changed .claude/agents/qa.md"),
        "{said}"
    );
    assert_eq!(project.factory(&["build"]).0, 0);
    assert_eq!(
        project.factory(&["build", "--diff"]),
        (0, "up to date\n".into())
    );
}

fn errors(said: &str) -> Vec<&str> {
    said.lines()
        .filter(|line| line.contains(": error["))
        .collect()
}

#[test]
fn check_says_what_could_not_be_built_and_where() {
    let section = "templates/sections/roles.md.hbs";
    for (path, text, told) in [
        (
            "templates/prompt/boundary.md.hbs",
            "a\n{{bondary}}\n",
            ":2:3: error[factory::emit::template]: no variable called `bondary`",
        ),
        (
            "templates/prompt.md.hbs",
            "{{iff text}}\n",
            ":1:3: error[factory::emit::template]: no helper called `iff`",
        ),
        (
            section,
            "{{#if roles}}\n",
            ":1:1: error[factory::emit::template]: the block `if` is not closed",
        ),
        (
            section,
            "\n{{> nowhere.hbs}}\n",
            ":2:1: error[factory::emit::template]: no template called `nowhere.hbs`",
        ),
        (
            section,
            "{{rolls}}\n",
            ":1:3: error[factory::emit::template]: no variable called `rolls`",
        ),
    ] {
        let project = Project::new();
        project.write(path, text);
        let (code, said) = project.factory(&["check", "--format", "short"]);
        assert_eq!(
            (code, errors(&said)),
            (1, vec![format!("{path}{told}").as_str()])
        );
        let (code, said) = project.factory(&["build"]);
        assert_ne!(code, 0, "{said}");
    }
}

#[test]
fn check_misses_a_file_that_nobody_can_have_written() {
    let project = Project::new();
    let task = "task \"t\" {\n    goal \"x\"\n    step \"one\" role=\"builder\" {\n        \
                read-first \"docs/notes.md\" \"app/later.md\" \"docs/nots.md\" \"CLAUDE.md\"\n    }\n}\n";
    project.write("factory.kdl", &format!("{SPEC}{task}"));
    let (code, said) = project.factory(&["check", "--format", "short"]);
    assert_eq!(code, 0, "{said}");
    let told: Vec<_> = said
        .lines()
        .filter(|line| line.contains("factory::task::missing-file"))
        .collect();
    let [told] = told.as_slice() else {
        panic!("{said}")
    };
    assert!(told.contains("no file called `docs/nots.md`"), "{told}");
}

#[test]
fn check_says_where_a_section_or_document_can_not_be_kept() {
    let outside = tempfile::tempdir().unwrap();
    let project = Project::new();
    fs::remove_file(project.path("docs/notes.md")).unwrap();
    fs::create_dir(project.path("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("x.md"), project.path("linked.md")).unwrap();
    fs::write(outside.path().join("x.md"), "theirs\n").unwrap();
    let mut spec = SPEC.to_owned();
    for path in ["folder", "linked.md"] {
        spec.push_str(&format!(
            "document \"{path}\" {{ section \"Roles\" {{ template \"sections/roles.md.hbs\"; }}; }}\n"
        ));
    }
    project.write("factory.kdl", &spec);
    let (code, said) = project.factory(&["check", "--format", "short"]);
    assert_eq!(code, 1, "{said}");
    let said = errors(&said);
    let [notes, folder, linked] = said.as_slice() else {
        panic!("{said:?}")
    };
    for (said, at) in [
        (notes, "factory.kdl:13:28: error[factory::emit::section]: "),
        (
            folder,
            "factory.kdl:16:10: error[factory::emit::document]: `folder` ",
        ),
        (
            linked,
            "factory.kdl:17:10: error[factory::emit::document]: `linked.md` ",
        ),
    ] {
        assert!(said.starts_with(at), "{said}");
    }
    assert_eq!(
        fs::read_to_string(outside.path().join("x.md")).unwrap(),
        "theirs\n"
    );
}

#[test]
fn nothing_is_said_to_be_done_that_was_not() {
    let project = Project::new();
    // Nothing can be staged there.
    fs::create_dir_all(project.path(".CLAUDE.md.factory-new")).unwrap();
    let before = project.tree();
    let (code, said) = project.factory(&["build"]);
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("`CLAUDE.md` can't be written; everything is as it was"),
        "{said}"
    );
    assert!(!said.contains("created"), "{said}");
    assert_eq!(project.tree(), before);
}

#[test]
fn a_pipe_keeps_nobody_waiting() {
    // (where the pipe is, what is asked, how it ends)
    let cases: [(&str, &[&str], i32, &str); 5] = [
        (
            "factory.lock",
            &["build"],
            1,
            "is something other than a file",
        ),
        (
            "factory.lock",
            &["eject"],
            3,
            "is something other than a file",
        ),
        (
            "factory.lock",
            &["exec"],
            3,
            "is something other than a file",
        ),
        (
            "snapshots/zz.snap",
            &["snap", "accept"],
            0,
            "accepted 2 prompts",
        ),
        (
            "snapshots/qa.snap",
            &["snap", "accept"],
            1,
            "is something other than a file",
        ),
    ];
    for (path, args, code, told) in cases {
        let project = Project::new();
        project.git(&["init", "-q"]);
        fs::create_dir_all(project.path("snapshots")).unwrap();
        let made = Command::new("mkfifo").arg(project.path(path)).status();
        assert!(made.unwrap().success());
        let output = Command::new("timeout")
            .arg("60")
            .arg(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .current_dir(project.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{path} {args:?}: {said}");
        assert!(said.contains(told), "{path} {args:?}: {said}");
    }
}

#[test]
fn builds_at_the_same_time_all_come_to_their_end() {
    for _ in 0..10 {
        let project = Project::new();
        let children: Vec<_> = (0..3)
            .map(|_| {
                let mut command = project.command(&["build"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
        }
        assert_eq!(project.factory(&["build", "--check"]).0, 0);
        assert!(
            project
                .tree()
                .keys()
                .all(|path| !path.contains(".factory-"))
        );
    }
}

#[test]
fn a_list_of_files_is_right_after_one_build() {
    let project = Project::new();
    project.replace(
        "factory.kdl",
        "section \"Notes\"",
        "section \"Key\" { files \"**\"; }\n    section \"Notes\"",
    );
    let settled = |what: &str| {
        let (code, said) = project.factory(&["build"]);
        assert_eq!(code, 0, "{what}: {said}");
        let (code, said) = project.factory(&["build", "--check"]);
        assert_eq!(code, 0, "{what}: {said}");
    };
    settled("the first build");
    assert_eq!(project.factory(&["snap", "accept"]).0, 0);
    assert_eq!(project.factory(&["build", "--check"]).0, 0);
    project.replace(
        "factory.kdl",
        "role \"qa\" model=\"m\" prompt=\"roles/qa.md\" { title \"QA\"; description \"Looks\"; }",
        "",
    );
    project.replace("factory.kdl", "target \"claude-code\";", "");
    settled("a role and a target less");
    project.write(".mcp.json", "{\"mine\": 1}\n");
    settled("a file more");
    assert!(project.read("CLAUDE.md").contains("`.mcp.json`"));
}

#[test]
fn what_a_killed_build_left_of_a_removed_file_is_cleared() {
    let project = Project::built();
    project.replace(
        "factory.kdl",
        "role \"qa\" model=\"m\" prompt=\"roles/qa.md\" { title \"QA\"; description \"Looks\"; }",
        "",
    );
    // As it is between the last two steps: the file is gone, and what it was is still beside it.
    let agents = project.path(".claude/agents");
    fs::rename(agents.join("qa.md"), agents.join(".qa.md.factory-old")).unwrap();
    assert_eq!(project.factory(&["build"]).0, 0);
    assert!(!agents.join(".qa.md.factory-old").exists());
    // The same with the lock written already.
    fs::write(agents.join(".qa.md.factory-old"), "x").unwrap();
    assert_eq!(project.factory(&["build"]).0, 0);
    assert!(!agents.join(".qa.md.factory-old").exists());
}

#[test]
fn a_gate_is_asked_by_the_lock_unless_a_file_of_the_spec_is_new_or_other() {
    let project = Project::new();
    project.write(
        "factory.kdl",
        &format!(
            "include \"tasks/*.kdl\"\n{}",
            SPEC.replace(
                "description \"Looks\"",
                "description \"Looks\"; memory \"docs/memory/qa.md\" limit=\"8KiB\""
            )
        ),
    );
    let (code, said) = project.factory(&["build"]);
    assert_eq!(code, 0, "{said}");
    // (what somebody writes, whether the lock is then another's)
    for (path, text, is_other) in [
        ("docs/memory/qa.md", "Seen.\n", false),
        ("templates/README", "Ours.\n", false),
        ("tasks/notes.txt", "Later.\n", false),
        ("templates/brief.md.hbs", "Do it.\n", true),
        ("tasks/one.kdl", "// Nothing yet.\n", true),
        ("roles/qa.md", "# QA\n\nLook twice.\n", true),
    ] {
        let before = fs::read(project.path(path)).ok();
        project.write(path, text);
        let (code, said) = project.factory(&["gate"]);
        assert_eq!(code, 0, "{path}: {said}");
        let is_told = said.contains("the spec has changed since");
        assert_eq!(is_told, is_other, "{path}: {said}");
        match before {
            Some(before) => fs::write(project.path(path), before).unwrap(),
            None if is_other => fs::remove_file(project.path(path)).unwrap(),
            None => {}
        }
    }
}
