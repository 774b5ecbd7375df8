//! `factory build` as a process: what it says of the lock and of what is there, and that its bytes follow
//! from the spec alone.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
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
            "`factory.lock` has format 99, and this compiler knows 1",
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
    // The lock's own digest, the input, the agent file, and the accepted prompt of the role.
    assert_eq!(changed, 4);
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
