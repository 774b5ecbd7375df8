//! An evening in a project of one's own: init, check, build, plan, exec, and a second exec that pays
//! nothing. Real `git`, real `cargo`, real `node`; the agents are a shell script.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Plans, writes, and judges, by what it is asked for; appends a line to a file for every start.
const AGENT: &str = r#"#!/bin/sh
cat >/dev/null
case $FACTORY_ASKED in
task)
    cat >"$FACTORY_ANSWER" <<'END'
{"cost_usd": 0.05, "structured": {
  "name": "greet", "goal": "Greet by name.",
  "accept": [{"text": "The greeting names whom it greets", "run": "grep -q greeting SOURCE"}],
  "steps": [
    {"name": "build", "role": "builder", "items": ["Add greeting"], "files": ["SOURCE", "README.md"]},
    {"name": "qa", "role": "qa", "yields": "verdict", "items": ["Try it"], "after": ["build"], "sends_back": "build"}
  ]}}
END
    ;;
verdict)
    echo '{"cost_usd": 0.10, "verdict": "pass"}' >"$FACTORY_ANSWER" ;;
*)
    printf '%s\n' 'LINE' >>SOURCE
    printf '%s\n' 'Ask for a greeting by name.' >>README.md
    echo '{"cost_usd": 0.20, "message": "Greet by name"}' >"$FACTORY_ANSWER" ;;
esac
"#;

struct Evening {
    folder: tempfile::TempDir,
}

impl Evening {
    fn new(files: &[(&str, &str)]) -> Self {
        let evening = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(evening.root()).unwrap();
        for (path, text) in files {
            evening.write(path, text);
        }
        evening.git(&["init", "-q", "-b", "main"]);
        evening.git(&["config", "user.name", "Owner"]);
        evening.git(&["config", "user.email", "owner@example.com"]);
        evening.commit("Start");
        evening
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("FACTORY_CACHE_DIR", self.folder.path().join("cache"))
            .env_remove("GIT_DIR");
        command
    }

    fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    fn factory(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn passes(&self, args: &[&str]) -> String {
        let output = self.factory(args);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "factory {args:?} ended with {}:\n{said}",
            output.status
        );
        said
    }

    // What its owner sees of the checkout: the commit, the branch, the state of every file.
    fn checkout(&self) -> [String; 3] {
        [
            self.git(&["rev-parse", "HEAD"]),
            self.git(&["symbolic-ref", "HEAD"]),
            self.git(&["status", "--porcelain", "--untracked-files=all"]),
        ]
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// A project with a factory that is built, accepted, and committed.
fn founded(files: &[(&str, &str)], source: &str, line: &str) -> Evening {
    let evening = Evening::new(files);
    evening.passes(&["init", "--roles", "ceo,builder,qa"]);
    let checked = evening.passes(&["check"]);
    assert!(checked.contains("no findings"), "{checked}");

    let agent = evening.folder.path().join("agent");
    fs::write(
        &agent,
        AGENT.replace("SOURCE", source).replace("LINE", line),
    )
    .unwrap();
    executable(&agent);
    let spec = fs::read_to_string(evening.root().join("factory.kdl")).unwrap();
    let driver = spec
        .lines()
        .find(|line| line.trim_start().starts_with("driver "))
        .unwrap();
    let own = format!(
        "    driver \"command\" {{ command \"{}\"; }}",
        agent.display()
    );
    evening.write("factory.kdl", &spec.replace(driver, &own));

    evening.passes(&["check"]);
    evening.passes(&["build"]);
    evening.passes(&["build", "--check"]);
    evening.passes(&["snap", "accept"]);
    evening.commit("Found a factory");
    evening
}

fn an_evening(files: &[(&str, &str)], source: &str, line: &str) {
    let evening = founded(files, source, line);
    let planned = evening.passes(&["plan", "Greet people by name"]);
    assert!(planned.contains("tasks/greet.kdl"), "{planned}");
    evening.commit("Plan the greeting");
    evening.write("notes.txt", "not committed");
    let before = evening.checkout();

    let ran = evening.passes(&["exec"]);
    assert_eq!(
        evening.checkout(),
        before,
        "the checkout of the owner was touched:\n{ran}"
    );
    let log = evening.git(&["log", "--format=%s%n%b", "main..factory/greet"]);
    assert!(
        log.contains("Greet by name") && log.contains("Factory-Role: builder"),
        "{log}"
    );
    assert_eq!(
        evening
            .git(&["diff", "--name-only", "main", "factory/greet", "--", source])
            .trim(),
        source
    );
    let report = evening.passes(&["report"]);
    assert!(report.contains("$0.30"), "{report}");
    assert!(report.contains("proven by `grep -q greeting"), "{report}");

    let again = evening.passes(&["exec"]);
    assert!(again.contains("has landed before"), "{again}");
    assert!(again.contains("0 attempts, $0.00"), "{again}");
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_task_runs_right_after_it_is_planned() {
    let files = [
        ("src/app.py", "print('hello')\n"),
        ("README.md", "# greet\n\nGreets people, see src/app.py.\n"),
    ];
    let evening = founded(&files, "src/app.py", "greeting = 'Hello'");
    let ran = evening.passes(&["plan", "Greet people by name", "--run"]);
    assert!(ran.contains("greet finished"), "{ran}");
    // The plan has changed sections that are committed as they were before; that is no red base, and
    // what landed has them as the plan wants them.
    let stale = evening.git(&["diff", "--name-only"]);
    assert!(stale.lines().any(|path| path == "CLAUDE.md"), "{stale}");
    let landed = evening.git(&["show", "factory/greet:CLAUDE.md"]);
    let now = fs::read_to_string(evening.root().join("CLAUDE.md")).unwrap();
    assert_eq!(landed, now);
    evening.commit("Plan the greeting");
    let again = evening.passes(&["exec"]);
    assert!(again.contains("has landed before"), "{again}");
    evening.passes(&["build", "--check"]);
}

#[test]
fn an_evening_in_a_rust_project() {
    an_evening(
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"greet\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            ),
            (
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"greet\"\nversion = \"0.1.0\"\n",
            ),
            (
                "src/lib.rs",
                "//! Greets.\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn it_works() {}\n}\n",
            ),
            (".gitignore", "/target\n"),
            ("README.md", "# greet\n\nGreets people.\n"),
        ],
        "src/lib.rs",
        "/// Returns a greeting.\npub fn greeting(name: &str) -> String {\n    format!(\"Hello, {name}!\")\n}",
    );
}

#[test]
fn an_evening_in_a_node_project() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no node on this machine");
        return;
    }
    an_evening(
        &[
            (
                "package.json",
                "{\"name\": \"greet\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node --test\"}}\n",
            ),
            ("src/index.js", "// Greets.\n"),
            (
                "test/index.test.js",
                "const test = require('node:test');\ntest('it loads', () => { require('../src/index.js'); });\n",
            ),
            (".gitignore", "/node_modules\n"),
            ("README.md", "# greet\n\nGreets people.\n"),
        ],
        "src/index.js",
        "const greeting = (name) => `Hello, ${name}!`;\nmodule.exports = { greeting };",
    );
}
