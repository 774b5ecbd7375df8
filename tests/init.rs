//! `factory init`: what it writes has no finding, whatever it finds.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use factory::{
    check::check,
    emit::Composer,
    init::{FirstFactory, Project, ROLES, first_factory, role},
    model::resolve,
    spec::load_texts,
};

type Files = &'static [(&'static str, &'static str)];

/// Projects, each with what it is taken for and the smoke test that it is given.
const PROJECTS: &[(&str, Files, &str, &str)] = &[
    (
        "Rust with tests",
        &[
            ("Cargo.toml", "[package]\nname = \"x\"\n"),
            ("Cargo.lock", "version = 4\n"),
            ("src/lib.rs", "#[cfg(test)]\nmod tests {}\n"),
            (".gitignore", "/target\n"),
            ("README.md", "# x\n"),
            ("ARCHITECTURE.md", "# Rooms\n"),
        ],
        "Rust",
        "cargo test --locked",
    ),
    (
        "Rust without tests, in a workspace",
        &[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/a/src/main.rs", "fn main() {}\n"),
        ],
        "Rust",
        "cargo check",
    ),
    (
        "Node with tests of its own",
        &[
            (
                "package.json",
                r#"{"scripts": {"test": "node --test", "pretest": "x", "deploy": "wrangler deploy"}}"#,
            ),
            ("src/index.js", "export {}\n"),
            ("docs/api.md", "# API\n"),
        ],
        "Node",
        "npm test",
    ),
    (
        "Node with a test runner",
        &[
            (
                "package.json",
                r#"{"scripts": {"test": "vitest run", "lint": "eslint ."}, "devDependencies": {"vitest": "3"}}"#,
            ),
            ("src/index.test.js", "export {}\n"),
        ],
        "Node",
        "npx --no-install vitest run",
    ),
    (
        "Node with a script that only its manager can run",
        &[
            (
                "package.json",
                r#"{"scripts": {"test": "npm run build && mocha"}}"#,
            ),
            ("lib/index.js", "export {}\n"),
        ],
        "Node",
        "npm test",
    ),
    (
        "Node as `npm init` leaves it",
        &[
            (
                "package.json",
                r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}, "dependencies": {"x": "1"}}"#,
            ),
            ("index.js", "1\n"),
            ("package-lock.json", "{}"),
        ],
        "Node",
        "find . -name '.?*' -prune -o -name node_modules -prune -o -type f -name '*[.cm]js' -print0 | xargs -0rn1 node --check",
    ),
    (
        "Node with pnpm and types",
        &[
            (
                "package.json",
                r#"{"packageManager": "pnpm@9.1.0", "devDependencies": {"typescript": "5"}}"#,
            ),
            ("tsconfig.json", "{}"),
            ("app/page.tsx", "export {}\n"),
            ("public/robots.txt", ""),
        ],
        "Node",
        "pnpm exec tsc --noEmit",
    ),
    (
        "Node with a broken manifest",
        &[("package.json", "{")],
        "Node",
        "find . -name '.?*' -prune -o -name node_modules -prune -o -type f -name '*[.cm]js' -print0 | xargs -0rn1 node --check",
    ),
    (
        "Rails",
        &[
            (
                "Gemfile",
                "source 'https://gems.example.org'\ngem \"rails\", \"~> 8.0\"\ngem \"pg\"\n",
            ),
            ("bin/rails", "#!/usr/bin/env ruby\n"),
            ("app/models/post.rb", "class Post\nend\n"),
            ("test/models/post_test.rb", "require 'test_helper'\n"),
            ("db/schema.rb", "\n"),
            ("config/deploy.yml", "service: x\n"),
            ("config/routes.rb", "\n"),
        ],
        "Rails",
        "bin/rails test",
    ),
    (
        "Rails with a front end of its own",
        &[
            ("Gemfile", "gem 'rails'\n"),
            ("app/javascript/a.js", "1\n"),
            ("package.json", r#"{"scripts": {"build": "esbuild"}}"#),
            ("yarn.lock", ""),
        ],
        "Rails, Node",
        "bundle exec rails runner 'Rails.application.eager_load!'",
    ),
    (
        "Ruby",
        &[
            ("Gemfile", "gem 'rake'\n"),
            ("lib/a.rb", "1\n"),
            ("Rakefile", "Rake::TestTask.new\n"),
        ],
        "Ruby",
        "bundle exec rake test",
    ),
    (
        "Python with pytest",
        &[
            ("pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("shop/cart.py", "1\n"),
            ("tests/test_cart.py", "1\n"),
            ("uv.lock", ""),
        ],
        "Python",
        "uv run python3 -m pytest -q",
    ),
    (
        "Python with unittest",
        &[
            ("pyproject.toml", ""),
            ("a.py", ""),
            ("tests/test_a.py", "import unittest\n"),
        ],
        "Python",
        "python3 -m unittest discover -s tests",
    ),
    (
        "Python with packages of tests, and folders that are none",
        &[
            ("setup.py", ""),
            ("a/__init__.py", ""),
            ("a/tests/__init__.py", ""),
            ("a/tests/a_test.py", "import unittest\n"),
            ("tests/test_none.py", "def test_a(): assert True\n"),
            ("tests/two two/test_a.py", "import unittest\n"),
        ],
        "Python",
        "python3 -m unittest discover -s 'tests/two two' && \
         python3 -m unittest discover -s a -t . -p '*_test.py'",
    ),
    (
        "Go",
        &[
            ("go.mod", "module x\n"),
            ("main.go", "package main\n"),
            ("internal/a.go", "package a\n"),
        ],
        "Go",
        "go test ./...",
    ),
    (
        "a script that tests",
        &[("bin/run", "#!/bin/sh\n"), ("test/smoke.sh", "exit 0\n")],
        "nothing that is known",
        "sh test/smoke.sh",
    ),
    (
        "nothing",
        &[],
        "nothing that is known",
        "grep -rnIE --exclude-dir=.git '^(<<<<<<<|>>>>>>>) ' .; test $? -eq 1",
    ),
    (
        "a name that needs care",
        &[
            ("sr c\"x/a.rs", ""),
            ("Cargo.toml", ""),
            ("we[i]rd/b.rs", ""),
        ],
        "Rust",
        "cargo check",
    ),
];

/// Roles to start with: all, few, one alone.
const STARTS: &[&[&str]] = &[
    &[],
    &["ceo", "builder", "qa"],
    &["builder"],
    &["ceo"],
    &["qa"],
    &["devops"],
    &["researcher", "cto"],
    &["landing-builder"],
    &["transcriber", "ceo"],
];

fn first(files: Files, names: &[&str]) -> FirstFactory {
    let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
    let paths: Vec<String> = texts.keys().map(|path| (*path).to_owned()).collect();
    let project = Project::new("My Shop", paths, |path| {
        texts.get(path).map(|text| (*text).to_owned())
    });
    let roles: Vec<_> = if names.is_empty() {
        ROLES.iter().collect()
    } else {
        names.iter().map(|name| role(name).unwrap()).collect()
    };
    first_factory(&project, &roles)
}

fn findings(first: &FirstFactory) -> String {
    let texts = first
        .files
        .iter()
        .map(|file| (file.path.clone(), file.text.clone()))
        .collect();
    let mut loaded = load_texts("factory.kdl", texts).unwrap();
    let mut findings = std::mem::take(&mut loaded.findings);
    let model = resolve(&loaded, &mut findings);
    let checked = model.and_then(|model| check(model, &loaded.sources, &mut findings));
    // Composing takes its time, and differs by role alone.
    if let Some(checked) = checked.filter(|checked| checked.model().roles.len() != 1) {
        let prompts =
            Composer::new(&checked, &loaded.sources).and_then(|composer| composer.prompts());
        match prompts {
            Ok(prompts) => assert_eq!(prompts.len(), checked.model().roles.len()),
            Err(faults) => findings.append(faults),
        }
    }
    let format = factory::diagnostics::Format::Short;
    factory::diagnostics::render(&findings, &loaded.sources, format)
}

#[test]
fn every_stack_is_recognised_and_has_no_finding() {
    for (name, files, taken_for, smoke) in PROJECTS {
        // Whoever starts, the stack is the same; a few of them show that what is left out fits.
        let starts = if files.len() > 5 {
            STARTS
        } else {
            &STARTS[..2]
        };
        for start in starts {
            let first = first(files, start);
            let stacks: Vec<_> = first.stacks.iter().map(|stack| stack.name).collect();
            assert_eq!(stacks.join(", "), *taken_for, "{name}");
            assert_eq!(first.stacks[0].smoke.run, *smoke, "{name}");
            let spec = &first.files[0].text;
            assert_eq!(findings(&first), "", "{name} with {start:?}:\n{spec}");
            assert!(
                spec.lines().all(|line| line.chars().count() <= 140),
                "{name}: a line nobody reviews\n{spec}"
            );
        }
    }
}

// Git tracks it, and a plain `git diff` would show it.
#[test]
fn a_file_that_only_shows_what_secrets_look_like_may_be_read() {
    let files: Files = &[
        ("package.json", "{}"),
        ("src/index.js", "export {}\n"),
        (".env.sample", "TOKEN=\n"),
        ("app/.env.example", "TOKEN=\n"),
    ];
    let first = first(files, &[]);
    let spec = &first.files[0].text;
    let set = "paths \"secrets\" \"**/.env*\" { except \"**/.env.example\" \"**/.env.sample\"; }";
    assert!(
        spec.contains(set) && spec.contains("never { read \"@secrets\""),
        "{spec}"
    );
    assert_eq!(findings(&first), "", "{spec}");
}

#[test]
fn every_role_can_start_alone() {
    for role in &ROLES {
        let first = first(&[("Cargo.toml", ""), ("src/main.rs", "")], &[role.name]);
        assert_eq!(
            findings(&first),
            "",
            "{}:\n{}",
            role.name,
            first.files[0].text
        );
        assert_eq!(first.files.len(), 3);
    }
}

#[test]
fn a_dependency_is_no_change_that_has_to_be_told() {
    for (name, files, ..) in PROJECTS {
        let first = first(files, &[]);
        let spec = &first.files[0].text;
        let gate = spec.split("gate \"docs\"").nth(1).unwrap();
        let covers = gate.split("; by").next().unwrap();
        for manifest in ["Cargo.lock", "package.json", "Gemfile", "go.sum", "uv.lock"] {
            assert!(!covers.contains(manifest), "{name}: {covers}");
        }
        let notes = first.notes.join("\n");
        let unlocked = files.iter().any(|(path, _)| *path == "Cargo.toml")
            && !files.iter().any(|(path, _)| *path == "Cargo.lock");
        assert_eq!(
            notes.contains("cargo generate-lockfile"),
            unlocked,
            "{name}: {notes}"
        );
    }
}

#[test]
fn what_leaves_the_machine_is_for_devops_alone() {
    let first = first(PROJECTS[2].1, &[]);
    let spec = &first.files[0].text;
    let line = |start: &str| {
        spec.lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .to_owned()
    };
    assert!(
        line("commands \"deploy\"").contains("\"npm run deploy *\""),
        "{spec}"
    );
    assert!(!line("commands \"toolchain\"").contains("deploy"), "{spec}");
    assert!(
        !line("commands \"toolchain\"").contains("pretest"),
        "{spec}"
    );
}

struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new(files: Files) -> Self {
        let scratch = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        scratch.sh("git init -q .");
        for (path, text) in files {
            let path = scratch.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        scratch
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn sh(&self, line: &str) -> Output {
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(self.root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn factory(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(arguments)
            .current_dir(self.root())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let walk = walkdir::WalkDir::new(self.root()).into_iter().flatten();
        walk.filter(|entry| {
            entry.file_type().is_file() && !entry.path().starts_with(self.root().join(".git"))
        })
        .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
        .collect()
    }
}

fn is_here(program: &str) -> bool {
    let here = Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !here {
        eprintln!("skipped: no {program} on this machine");
    }
    here
}

fn starts_well(scratch: &Scratch, smoke: &str) {
    let before = scratch.tree();
    let (code, shown) = scratch.factory(&["init", "--dry-run"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("would write factory.kdl\n"), "{shown}");
    assert_eq!(scratch.tree(), before, "a dry run wrote");

    let (code, shown) = scratch.factory(&["init"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(smoke), "{shown}");
    for command in [
        "git commit",
        "factory gate",
        "factory build",
        "factory plan",
    ] {
        assert!(shown.contains(command), "{shown}");
    }
    let (code, shown) = scratch.factory(&["check", "--deny", "warnings"]);
    assert_eq!(
        (code, shown.ends_with(": no findings\n")),
        (Some(0), true),
        "{shown}"
    );
    scratch.sh(smoke);

    let after = scratch.tree();
    let (code, shown) = scratch.factory(&["init"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("factory.kdl is already there; nothing was written"),
        "{shown}"
    );
    assert_eq!(scratch.tree(), after, "a second init wrote");
}

#[test]
fn a_rust_project_starts() {
    let scratch = Scratch::new(&[
        (
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        (
            "src/lib.rs",
            "pub fn two() -> u32 { 2 }\n#[test]\nfn is_two() { assert_eq!(two(), 2); }\n",
        ),
        (".gitignore", "/target\n"),
    ]);
    starts_well(&scratch, "cargo test");
}

#[test]
fn a_node_project_starts() {
    if !is_here("node") || !is_here("npm") {
        return;
    }
    let scratch = Scratch::new(&[
        (
            "package.json",
            r#"{"name": "shop", "version": "1.0.0", "scripts": {"test": "node test/two.js"}}"#,
        ),
        ("src/two.js", "exports.two = 2;\n"),
        (
            "test/two.js",
            "require('node:assert').equal(require('../src/two.js').two, 2);\n",
        ),
        (".gitignore", "node_modules\n"),
    ]);
    starts_well(&scratch, "npm test");
}

#[test]
fn a_python_project_starts() {
    if !is_here("python3") {
        return;
    }
    let scratch = Scratch::new(&[
        ("pyproject.toml", "[project]\nname = \"shop\"\n"),
        ("shop/two.py", "TWO = 2\n"),
    ]);
    scratch.sh("git add -A");
    let (code, shown) = scratch.factory(&["init"]);
    assert_eq!(code, Some(0), "{shown}");
    let spec = fs::read_to_string(scratch.root().join("factory.kdl")).unwrap();
    assert!(spec.contains("rglob('*.py')"), "{spec}");
    assert_eq!(scratch.factory(&["check", "--deny", "warnings"]).0, Some(0));
}

#[test]
fn a_project_of_which_nothing_is_known_starts() {
    let scratch = Scratch::new(&[("notes.txt", "hello\n")]);
    starts_well(
        &scratch,
        "grep -rnIE --exclude-dir=.git '^(<<<<<<<|>>>>>>>) ' .; test $? -eq 1",
    );
    fs::write(scratch.root().join("notes.txt"), "<<<<<<< mine\n").unwrap();
    let spec = fs::read_to_string(scratch.root().join("factory.kdl")).unwrap();
    assert!(spec.contains("put your tests here"), "{spec}");
}

/// What each of these would be, where the program is on this machine.
const STARTS_GREEN: &[(&str, &str, Files)] = &[
    ("an empty folder", "sh", &[]),
    (
        "an unknown stack",
        "sh",
        &[("notes.txt", "hello\n"), ("bin/run", "#!/bin/sh\n")],
    ),
    (
        "Python without tests",
        "python3",
        &[
            ("pyproject.toml", "[project]\nname = \"shop\"\n"),
            ("shop/two.py", "TWO = 2\n"),
        ],
    ),
    (
        "Python with tests in a folder that is no package",
        "python3",
        &[
            ("pyproject.toml", "[project]\nname = \"shop\"\n"),
            ("shop/two.py", "TWO = 2\n"),
            (
                "tests/test_two.py",
                "import unittest\nfrom shop.two import TWO\nclass Two(unittest.TestCase):\n    \
                 def test_two(self): self.assertEqual(TWO, 2)\n",
            ),
        ],
    ),
    (
        "Python with tests of which nobody says what runs them",
        "python3",
        &[
            ("setup.py", ""),
            ("test_a.py", "def test_a(): assert True\n"),
        ],
    ),
    (
        "Node without a file",
        "node",
        &[("package.json", r#"{"name": "shop", "version": "1.0.0"}"#)],
    ),
    (
        "Node without tests",
        "node",
        &[
            ("package.json", r#"{"name": "shop", "version": "1.0.0"}"#),
            ("src/two.js", "exports.two = 2;\n"),
            ("src/three.mjs", "export const three = 3;\n"),
        ],
    ),
    (
        "Rust",
        "cargo",
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            ),
            (
                "src/lib.rs",
                "pub fn two() -> u32 { 2 }\n#[test]\nfn is_two() { assert_eq!(two(), 2); }\n",
            ),
            (".gitignore", "/target\n"),
        ],
    ),
];

// The copy that a change is taken back in has no `.git`.
#[test]
fn the_gates_of_a_first_factory_are_green_at_once() {
    for (name, program, files) in STARTS_GREEN {
        if *program != "sh" && !is_here(program) {
            continue;
        }
        let scratch = Scratch::new(files);
        let passes = |arguments: &[&str]| {
            let (code, shown) = scratch.factory(arguments);
            assert_eq!(code, Some(0), "{name}: {arguments:?}: {shown}");
        };
        passes(&["init"]);
        scratch
            .sh("git add -A && git -c user.name=a -c user.email=a@example.org commit -q -m start");
        passes(&["gate"]);
        passes(&["check", "--deny", "warnings"]);
        passes(&["build"]);
        passes(&["gate"]);
    }
}

#[test]
fn a_file_that_does_not_parse_is_red() {
    for (program, manifest, path) in [
        ("python3", "pyproject.toml", "shop/two.py"),
        ("node", "package.json", "src/two.js"),
    ] {
        if !is_here(program) {
            continue;
        }
        let scratch = Scratch::new(&[]);
        fs::write(scratch.root().join(manifest), "").unwrap();
        let path = scratch.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "two = (\n").unwrap();
        assert_eq!(scratch.factory(&["init"]).0, Some(0));
        let (code, shown) = scratch.factory(&["gate", "smoke"]);
        assert_eq!(code, Some(1), "{program}: {shown}");
    }
}

#[test]
fn a_start_with_few_roles_writes_only_those() {
    let scratch = Scratch::new(&[("go.mod", "module x\n"), ("main.go", "package main\n")]);
    let (code, shown) = scratch.factory(&["init", "--roles", "qa,ceo,builder"]);
    assert_eq!(code, Some(0), "{shown}");
    let mut names: Vec<_> = fs::read_dir(scratch.root().join("roles"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["_preamble.md", "builder.md", "ceo.md", "qa.md"]);
    let (code, shown) = scratch.factory(&["check", "--deny", "warnings"]);
    assert_eq!(code, Some(0), "{shown}");

    let (code, shown) = scratch.factory(&["init", "--roles", "bilder"]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("'builder'"), "{shown}");
}

#[test]
fn nothing_is_written_over() {
    let scratch = Scratch::new(&[("roles/ceo.md", "mine\n")]);
    let before = scratch.tree();
    let (code, shown) = scratch.factory(&["init"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("  roles/ceo.md\n") && !shown.contains("roles/qa.md"),
        "{shown}"
    );
    assert_eq!(scratch.tree(), before);

    // The other roles do not need that file, and one that is the same stands in nobody's way.
    fs::write(
        scratch.root().join("roles/qa.md"),
        role("qa").unwrap().prompt,
    )
    .unwrap();
    let (code, shown) = scratch.factory(&["init", "--roles", "builder,qa"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("already there, and the same: roles/qa.md"),
        "{shown}"
    );
}

#[test]
fn a_factory_belongs_into_the_root_of_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = Scratch { folder };
    let (code, shown) = scratch.factory(&["init"]);
    assert_eq!(code, Some(3), "{shown}");
    assert!(shown.contains("git init"), "{shown}");

    let scratch = Scratch::new(&[("deep/a.txt", "")]);
    let (code, shown) = scratch.factory(&["-C", "deep", "init"]);
    assert_eq!(code, Some(3), "{shown}");
    assert!(
        Path::new(&scratch.root())
            .join("deep")
            .read_dir()
            .unwrap()
            .count()
            == 1,
        "{shown}"
    );
}
