//! Prompts reviewed like code: what changed, whom it touches, what causes it, and one decision each.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

const SPEC: &str = r#"factory "f" spec=1 { preamble "roles/_preamble.md"; }
model "m" id="claude-opus-5-5"
gate "g" { run "true"; }
role "builder" model="m" prompt="roles/builder.md" {
    title "Builder"
    description "Builds"
    gates "g"
    may { write "app/**"; }
}
role "qa" model="m" prompt="roles/qa.md" { title "QA"; description "Looks"; }
role "ceo" model="m" prompt="roles/ceo.md" { title "CEO"; description "Decides"; }
task "page" {
    goal "A page"
    step "build" role="builder" { item "Write it"; }
}
"#;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("factory.kdl", SPEC);
        project.write("roles/_preamble.md", "# Rules\n\nBe kind.\n\nBe exact.\n");
        for role in ["builder", "qa", "ceo"] {
            project.write(
                &format!("roles/{role}.md"),
                &format!("# {role}\n\nDo it well.\n"),
            );
        }
        assert_eq!(project.factory(&["snap", "accept"], "").0, 0);
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

    fn read_bytes(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    // Every file below the project, links not followed.
    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.folder.path();
        let entries = walkdir::WalkDir::new(root).into_iter().flatten();
        entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry.path().strip_prefix(root).unwrap();
                (path.display().to_string(), fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path}");
        self.write(path, &text.replace(from, to));
    }

    // Returns the exit code and what was said.
    fn factory(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .current_dir(self.folder.path())
            .env("FACTORY_CACHE_DIR", self.path("../cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(input.as_bytes()).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout) + &text(output.stderr),
        )
    }
}

#[test]
fn a_line_of_the_preamble_is_one_decision() {
    let project = Project::new();
    project.replace("roles/_preamble.md", "Be kind.", "Be very kind.");
    let (code, said) = project.factory(&["snap", "--check"], "");
    assert_eq!(code, 1);
    assert_eq!(said.matches("very").count(), 1, "{said}");
    for told in [
        "roles/_preamble.md:3, in builder, qa, ceo:",
        "- Be kind.",
        "+ Be {+very +}kind.",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let (code, said) = project.factory(&["snap", "review"], "a\n");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("(1/1)") && said.contains("accepted 1, rejected 0"),
        "{said}"
    );
    for role in ["builder", "qa", "ceo"] {
        assert!(
            project
                .read(&format!("snapshots/{role}.snap"))
                .contains("very kind")
        );
    }
    assert_eq!(project.factory(&["snap", "--check"], "").0, 0);
}

#[test]
fn each_change_is_accepted_rejected_or_left() {
    let project = Project::new();
    project.replace("roles/_preamble.md", "Be exact.", "Be quick.");
    project.replace("roles/qa.md", "Do it well.", "Do it badly.");
    project.replace("factory.kdl", "\"app/**\"", "\"app/**\" \"config/**\"");
    // In the order of the roles: what all share, the builder's boundary, the prompt of qa.
    let (code, said) = project.factory(&["snap", "review"], "x\no\na\no\nr\n");
    assert_eq!(code, 1, "{said}");
    for told in [
        "a letter of these",
        ">    5  Be quick.",
        "factory.kdl:8, in builder:",
        ">    8      may { write \"app/**\" \"config/**\"; }",
        "accepted 1, rejected 1, undecided 1",
        "to take it back, edit factory.kdl:8",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let builder = project.read("snapshots/builder.snap");
    assert!(
        builder.contains("Be quick.") && !builder.contains("config/**"),
        "{builder}"
    );
    let qa = project.read("snapshots/qa.snap");
    assert!(
        qa.contains("Be quick.") && qa.contains("Do it well."),
        "{qa}"
    );

    // What is left is asked again, and nothing else.
    let (_, said) = project.factory(&["snap", "review"], "s\na\n");
    assert!(
        said.contains("(2/2)") && !said.contains("Be quick."),
        "{said}"
    );
    assert!(project.read("snapshots/qa.snap").contains("Do it badly."));
    assert_eq!(project.factory(&["snap", "accept", "builder"], "").0, 0);
    assert_eq!(project.factory(&["snap", "--check"], "").0, 0);
}

#[test]
fn a_new_role_and_one_that_is_gone_are_decided_too() {
    let project = Project::new();
    project.replace(
        "factory.kdl",
        "role \"ceo\" model=\"m\" prompt=\"roles/ceo.md\"",
        "role \"boss\" model=\"m\" prompt=\"roles/ceo.md\"",
    );
    let (code, said) = project.factory(&["snap", "review"], "o\na\na\n");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("boss: a prompt that nobody has accepted yet"),
        "{said}"
    );
    assert!(said.contains("# ceo"), "the prompt is shown: {said}");
    assert!(project.path("snapshots/boss.snap").exists());
    assert!(!project.path("snapshots/ceo.snap").exists());
}

#[test]
fn a_prompt_says_what_it_is_made_of() {
    let project = Project::new();
    let (_, said) = project.factory(&["prompt", "builder", "--parts"], "");
    for told in [
        "  roles/_preamble.md:1",
        "  roles/builder.md:1",
        "  templates/prompt/boundary.md.hbs",
        "bytes in all",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let step = ["prompt", "builder", "--task", "page", "--step", "build"];
    let (code, said) = project.factory(&step, "");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("# Your boundary") && said.contains("Write it"),
        "{said}"
    );
    let (code, said) = project.factory(&["prompt", "qa", "--task", "page", "--step", "build"], "");
    assert!(
        code == 3 && said.contains("factory prompt builder --task page --step build"),
        "{said}"
    );

    let git = |args: &[&str]| {
        let author = ["-c", "user.name=n", "-c", "user.email=e"];
        let done = Command::new("git")
            .arg("-C")
            .arg(project.path(""))
            .args(author)
            .args(args)
            .output();
        assert!(done.unwrap().status.success(), "{args:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "Start"]);
    let diff = ["prompt", "builder", "--diff", "HEAD"];
    assert_eq!(
        project.factory(&diff, ""),
        (0, "nothing is different\n".into())
    );
    project.replace("roles/builder.md", "well", "better");
    let (code, said) = project.factory(&diff, "");
    assert!(
        code == 1 && said.contains("roles/builder.md:3") && said.contains("{+better.+}"),
        "{said}"
    );
    let (code, said) = project.factory(&["prompt", "builder", "--diff", "--output=x"], "");
    assert!(code != 0 && !project.path("x").exists(), "{said}");
}

#[test]
fn templates_are_replaced_one_by_one() {
    let project = Project::new();
    let (_, said) = project.factory(&["templates"], "");
    assert!(
        said.contains("prompt/gates.md.hbs  (comes with factory)"),
        "{said}"
    );
    assert!(
        said.contains("boundary.write.may") && said.contains("gates[].passes_when"),
        "{said}"
    );
    let (_, text) = project.factory(&["templates", "prompt/gates.md.hbs"], "");
    project.write("templates/prompt/gates.md.hbs", &text);
    assert_eq!(project.factory(&["snap", "--check"], "").0, 0);
    project.write("templates/prompt/gates.md.hbs", "# Gates of mine\n");
    let (_, said) = project.factory(&["templates"], "");
    assert!(
        said.contains("prompt/gates.md.hbs  (templates/prompt/gates.md.hbs)"),
        "{said}"
    );
    let (code, said) = project.factory(&["snap", "--check"], "");
    assert!(
        code == 1 && said.contains("templates/prompt/gates.md.hbs, in builder:"),
        "{said}"
    );
    let (code, said) = project.factory(&["templates", "prompt/gate.md.hbs"], "");
    assert!(
        code == 3 && said.contains("did you mean `prompt/gates.md.hbs`?"),
        "{said}"
    );
}

#[test]
fn what_is_not_ours_is_not_replaced_and_then_nothing_is() {
    type Make = fn(&Project);
    let cases: [(Make, &str); 6] = [
        (
            |project| {
                project.write(
                    "snapshots/qa.snap",
                    "---\nsource: tests/a.rs\nexpression: x\n---\nmine\n",
                );
            },
            "`snapshots/qa.snap` was not written by `factory snap accept`",
        ),
        (
            |project| project.write("snapshots/qa.snap", "plain text\n"),
            "`snapshots/qa.snap` was not written by `factory snap accept`",
        ),
        (
            |project| fs::write(project.path("snapshots/qa.snap"), b"\xff\xfe").unwrap(),
            "`snapshots/qa.snap` is not UTF-8 text",
        ),
        (
            |project| {
                fs::remove_file(project.path("snapshots/qa.snap")).unwrap();
                fs::create_dir(project.path("snapshots/qa.snap")).unwrap();
            },
            "`snapshots/qa.snap` is a folder",
        ),
        (
            |project| {
                fs::remove_dir_all(project.path("snapshots")).unwrap();
                std::os::unix::fs::symlink("/usr", project.path("snapshots")).unwrap();
            },
            "`snapshots` is a link that leads out of the project",
        ),
        (
            |project| {
                fs::remove_dir_all(project.path("snapshots")).unwrap();
                project.write("snapshots", "a file");
            },
            "needs a folder where `snapshots` is a file",
        ),
    ];
    for (make, told) in cases {
        for args in [&["snap", "accept"][..], &["snap", "review"]] {
            let project = Project::new();
            project.replace("roles/builder.md", "well", "better");
            project.replace("roles/qa.md", "well", "better");
            make(&project);
            let before = project.tree();
            let (code, said) = project.factory(args, "a\na\na\n");
            assert_eq!(code, 1, "{told}: {said}");
            assert!(
                said.contains(told) && said.contains("nothing was accepted"),
                "{told}: {said}"
            );
            if args == ["snap", "accept"] {
                assert_eq!(project.tree(), before, "{told}");
            } else {
                // Each change is one decision.
                let stays = project.read_bytes("snapshots/qa.snap");
                assert_eq!(stays.as_ref(), before.get("snapshots/qa.snap"), "{told}");
            }
        }
    }
}

// A crate that asserts the compiled prompts, in the folder of the project.
fn crate_of(project: &Project, roles: &[&str]) {
    let lock = include_str!("../Cargo.lock");
    let (_, insta) = lock.split_once("name = \"insta\"\nversion = \"").unwrap();
    let version = insta.split('"').next().unwrap();
    project.write("Cargo.lock", lock);
    project.write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"accepted\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\ninsta = \"={version}\"\n\n[workspace]\n"
        ),
    );
    let mut tests = String::new();
    for role in roles {
        let (code, text) = project.factory(&["prompt", role], "");
        assert_eq!(code, 0, "{text}");
        project.write(&format!("prompts/{role}.md"), &text);
        tests.push_str(&format!(
            "insta::assert_snapshot!(\"{role}\", include_str!(\"../prompts/{role}.md\"));\n"
        ));
    }
    project.write(
        "src/lib.rs",
        &format!(
            "#[test]\nfn prompts() {{\ninsta::with_settings!({{ snapshot_path => \"../snapshots\", prepend_module_to_snapshot => false }}, {{\n{tests}}});\n}}\n"
        ),
    );
}

#[test]
fn the_tool_of_insta_takes_accepted_prompts_for_its_own() {
    let Some(tool) = std::env::var_os("FACTORY_TEST_CARGO_INSTA") else {
        eprintln!("skipped: FACTORY_TEST_CARGO_INSTA names no cargo-insta");
        return;
    };
    let project = Project::new();
    crate_of(&project, &["builder", "qa", "ceo"]);
    let insta = |args: &[&str]| {
        let output = Command::new(&tool)
            .arg("insta")
            .args(args)
            .current_dir(project.path(""))
            .env_remove("INSTA_UPDATE")
            .env(
                "CARGO_TARGET_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/insta"),
            )
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        (output.status.success(), stdout, stderr)
    };
    let check = ["test", "--check", "--unreferenced", "reject"];
    let before = project.read("snapshots/qa.snap");
    let (done, stdout, stderr) = insta(&check);
    assert!(done, "{stdout}{stderr}");
    let (done, stdout, stderr) = insta(&["pending-snapshots", "--as-json"]);
    assert!(done && stdout.is_empty(), "{stdout}{stderr}");
    assert_eq!(project.read("snapshots/qa.snap"), before);
    // It does look: another text is not the accepted one.
    project.replace("snapshots/qa.snap", "Do it well.", "Do it badly.");
    let (done, stdout, stderr) = insta(&check);
    // On which of the two depends on who reads.
    let said = stdout + &stderr;
    assert!(!done && said.contains("snapshots/qa.snap"), "{said}");
}
