//! A project with gates in a temporary folder, and a cache of its own.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use serde_json::Value;

/// A project. The gate `g` notes every run beside it.
pub struct Project {
    home: tempfile::TempDir,
    root: PathBuf,
    variables: Vec<(String, Option<String>)>,
}

/// Waits until what was written is old enough for the stat index.
pub fn settle() {
    thread::sleep(Duration::from_millis(40));
}

/// What a gate has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    Run,
    Replay,
}

impl Project {
    /// A git project with the files `a.txt` and `b.txt` and a gate `g` that passes; `parts` are more
    /// nodes of the gate.
    pub fn new(parts: &str) -> Self {
        Self::with_command("true", parts)
    }

    /// As `new`, with what the gate does besides noting its run.
    pub fn with_command(command: &str, parts: &str) -> Self {
        let project = Self::outside_git(command, parts);
        project.git(&["init", "-q", "-b", "main"]);
        project.git(&["config", "user.name", "Owner"]);
        project.git(&["config", "user.email", "owner@example.com"]);
        project.commit("start");
        project
    }

    /// As `with_command`, in a folder that is in no repository.
    pub fn outside_git(command: &str, parts: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("project");
        fs::create_dir(&root).unwrap();
        let project = Self {
            home,
            root,
            variables: Vec::new(),
        };
        project.gate(command, parts);
        project.write("a.txt", "one\n");
        project.write("b.txt", "two\n");
        project
    }

    /// Writes the spec with the gate `g`.
    pub fn gate(&self, command: &str, parts: &str) {
        let run = self.home.path().join("runs");
        let command = format!("echo x >>{}; {command}", run.display());
        self.write(
            "factory.kdl",
            format!("factory \"t\" spec=1\ngate \"g\" {{\n    run #\"{command}\"#\n{parts}\n}}\n"),
        );
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    /// Works in another folder from now on.
    pub fn move_to(&mut self, root: PathBuf) {
        self.root = root;
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let place = self.root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.root.join(from), self.root.join(to)).unwrap();
    }

    pub fn link(&self, text: &str, path: &str) {
        symlink(text, self.root.join(path)).unwrap();
    }

    pub fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn mode_of(&self, path: &str) -> u32 {
        fs::metadata(self.root.join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    }

    pub fn modified(&self, path: &str) -> SystemTime {
        fs::metadata(self.root.join(path))
            .unwrap()
            .modified()
            .unwrap()
    }

    pub fn set_modified(&self, path: &str, time: SystemTime) {
        fs::File::open(self.root.join(path))
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    /// Writes a file and puts its time back.
    pub fn write_unseen(&self, path: &str, text: &str) {
        let time = self.modified(path);
        self.write(path, text);
        self.set_modified(path, time);
    }

    pub fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .args(args)
            .current_dir(&self.root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Gives the program a variable from now on; none takes it away.
    pub fn env(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables
            .push((name.to_owned(), value.map(str::to_owned)));
        self
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
        command
            .args(args)
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home())
            .env("FACTORY_CACHE_DIR", self.cache())
            .stdin(Stdio::null());
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    pub fn factory(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// How often the gate has run.
    pub fn runs(&self) -> usize {
        fs::read_to_string(self.home.path().join("runs")).map_or(0, |text| text.lines().count())
    }

    /// What the program says of the gate.
    pub fn verdict(&self) -> Value {
        let output = self.factory(&["gate", "g", "--json"]);
        let verdicts: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let verdict = verdicts["gates"][0].clone();
        let lets_pass = verdict["verdict"] == "pass" || verdict["verdict"] == "nothing";
        assert_eq!(
            output.status.code(),
            Some(i32::from(!lets_pass)),
            "{verdict}"
        );
        verdict
    }

    /// Asks the gate, which passes.
    #[track_caller]
    pub fn asks(&self) -> Did {
        let before = self.runs();
        let verdict = self.verdict();
        assert_eq!(verdict["verdict"], "pass", "{verdict}");
        match (verdict["replayed"].is_null(), self.runs() - before) {
            (true, 1) => Did::Run,
            (false, 0) => Did::Replay,
            odd => panic!("{odd:?} {verdict}"),
        }
    }

    /// Asks the gate twice: it runs, and is replayed.
    #[track_caller]
    pub fn runs_once(&self) {
        assert_eq!(self.asks(), Did::Run);
        assert_eq!(self.asks(), Did::Replay);
    }

    #[track_caller]
    pub fn replays(&self) {
        assert_eq!(self.asks(), Did::Replay);
    }

    /// The notes of a verdict, as one text.
    pub fn notes(&self) -> String {
        self.verdict()["notes"].to_string()
    }

    /// Every file of the cache.
    pub fn cached(&self, kind: &str) -> Vec<PathBuf> {
        let mut ahead = vec![self.cache().join("v1").join(kind)];
        let mut files = Vec::new();
        while let Some(place) = ahead.pop() {
            if place.is_dir() {
                let entries = fs::read_dir(place).unwrap();
                ahead.extend(entries.map(|entry| entry.unwrap().path()));
            } else if place.exists() {
                files.push(place);
            }
        }
        files.sort();
        files
    }
}
