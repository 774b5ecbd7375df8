//! A project with a small factory, whose agents are one shell script.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// The part of the spec that most tests leave as it is.
const SPEC: &str = r#"
factory "small" spec=1 {
    planner "ceo"
    include "tasks/*.kdl"
    target "claude-code"
    driver "command" { command "AGENT"; }
    stop attempts=3 usd="5.00" wall="WALL"
    jobs 3
}
model "m" id="claude-sonnet-5-5" { price input="3.00" output="15.00"; }
workspace { SETUP }
gate "check" { run "sh test/check.sh"; sealed "test/check.sh"; timeout "1m"; }
role "ceo" model="m" prompt="roles/ceo.md" { title "CEO"; description "Plans"; may { delegate "*"; }; }
role "builder" model="m" prompt="roles/builder.md" {
    title "Builder"; description "Builds"
    gates "check"
    may { write "app/**"; run "sh *"; }
}
role "writer" model="m" prompt="roles/builder.md" {
    title "Writer"; description "Writes"
    gates "check"
    may { write "docs/**"; }
}
role "qa" model="m" prompt="roles/qa.md" {
    title "QA"; description "Judges"
    gates "check"
    may { write "reports/**"; }
}
"#;

pub const TASK: &str = r#"task "t" {
    goal "Do it."
    step "build" role="builder" { item "Build"; }
}
"#;

/// A project in a temporary folder, with room beside it for what tests look at.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// A project whose agents do what `agent` says; `T` in it is the folder around the project.
    pub fn new(agent: &str) -> Self {
        Self::with(agent, TASK, &[])
    }

    /// As [`Self::new`], with this task, and with words of the spec replaced.
    pub fn with(agent: &str, task: &str, replaced: &[(&str, &str)]) -> Self {
        let project = Self::raw(agent, task, replaced);
        project.lock();
        project
    }

    /// A project that is not locked yet.
    pub fn raw(agent: &str, task: &str, replaced: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(project.folder().join("home")).unwrap();
        fs::create_dir(project.root()).unwrap();
        project.agent(agent);
        let mut spec = SPEC.to_owned();
        for (from, to) in replaced {
            assert!(spec.contains(from), "{from}");
            spec = spec.replace(from, to);
        }
        let agent = project.folder().join("agent/run");
        for (from, to) in [
            ("AGENT", agent.to_str().unwrap()),
            ("WALL", "1m"),
            ("SETUP", ""),
            ("$T", project.folder().to_str().unwrap()),
        ] {
            spec = spec.replace(from, to);
        }
        let folder = project.folder().display().to_string();
        for (path, text) in [
            ("factory.kdl", spec.as_str()),
            ("tasks/t.kdl", &task.replace("$T", &folder)),
            ("roles/builder.md", "You build.\n"),
            ("roles/qa.md", "You judge.\n"),
            ("roles/ceo.md", "You plan.\n"),
            ("app/a.txt", "one\n"),
            ("docs/a.md", "# A\n"),
            ("test/check.sh", "! grep -rq broken app\n"),
            (".gitignore", "ignored/\n*.log\n.env\n"),
        ] {
            project.write(path, text);
        }
        project.git(&["init", "-q", "-b", "main"]);
        project.git(&["config", "user.name", "Owner"]);
        project.git(&["config", "user.email", "owner@example.com"]);
        project
    }

    pub fn lock(&self) {
        self.passes(&["build"]);
        self.passes(&["snap", "accept"]);
        self.commit("start");
    }

    /// Writes the script that all agents are.
    pub fn agent(&self, script: &str) {
        let path = self.folder().join("agent/run");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let folder = self.folder().display().to_string();
        fs::write(
            &path,
            format!("#!/bin/sh\n{}\n", script.replace("$T", &folder)),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The folder around the project.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.folder().join("project")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root())
            .env("HOME", self.folder().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("FACTORY_CACHE_DIR", self.folder().join("cache"))
            .env("SECRET_TOKEN", "hunter2")
            .env_remove("GIT_DIR");
        command
    }

    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub fn factory(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .output()
            .unwrap()
    }

    /// Starts `factory`, which goes on while the test does.
    pub fn starts(&self, args: &[&str]) -> Child {
        self.command(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[track_caller]
    pub fn passes(&self, args: &[&str]) -> String {
        self.ends(args, 0)
    }

    /// Returns what `factory` says, which has to end with `code`.
    #[track_caller]
    pub fn ends(&self, args: &[&str], code: i32) -> String {
        let output = self.factory(args);
        let said = said(&output);
        assert_eq!(
            output.status.code(),
            Some(code),
            "factory {args:?}:\n{said}"
        );
        said
    }

    /// Returns what the branch of the task has at `path`.
    pub fn landed(&self, path: &str) -> String {
        self.git(&["show", &format!("factory/t:{path}")])
    }

    /// Returns the journal of the latest run, as text.
    pub fn journal(&self) -> String {
        let runs = self.root().join(".git/factory/runs");
        let mut runs: Vec<_> = fs::read_dir(runs)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        runs.sort();
        fs::read_to_string(runs.last().unwrap().join("journal.jsonl")).unwrap()
    }

    /// Waits for a file beside the project and returns what is in it.
    pub fn awaits(&self, name: &str) -> String {
        let path = self.folder().join(name);
        until(&format!("`{name}` is there"), || {
            fs::read_to_string(&path)
                .ok()
                .filter(|text| text.ends_with('\n'))
        })
    }
}

/// What a command said on both of its streams.
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits until there is something, and gives up on a machine where it never comes.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came that {what}");
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: &str) -> bool {
    let Ok(stat) = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")) else {
        return false;
    };
    let state = stat.rsplit(')').next().unwrap_or_default();
    !matches!(state.trim_start().chars().next(), Some('Z' | 'X') | None)
}
