//! Gates of real projects: git repositories in temporary folders.

mod command;
mod consistency;
mod docs;
mod rollback;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Checkout, GateCache, Hands, Judge, Outcome, Verdict};
use crate::{
    cache::Store,
    plan::Plan,
    run::{Commands, git::Git, process::Cancel},
};

/// A project with gates, and a cache that it alone uses.
struct Project {
    home: TempDir,
    root: PathBuf,
    git: Git,
    judge: Judge,
}

impl Project {
    async fn new(gates: Value) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("project");
        fs::create_dir(&root).unwrap();
        let git = Git::new(root.join(".git"), Some(&root))
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com");
        git.output(["init", "-q", "-b", "main"], None)
            .await
            .unwrap();
        let mut plan = plan(&gates);
        plan.gates.values_mut().for_each(|gate| gate.timeout = 20);
        let judge = Judge {
            plan: Arc::new(plan),
            cache: Arc::new(GateCache::new(Some(Store::open(home.path().join("cache"))))),
            owner: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
            extra: BTreeMap::new(),
            commands: Commands::default(),
            cancel: Cancel::never(),
            probes: true,
        };
        let project = Self {
            home,
            root,
            git,
            judge,
        };
        project.write(".gitignore", "ignored/\n");
        project
    }

    fn plan(&mut self) -> &mut Plan {
        Arc::get_mut(&mut self.judge.plan).unwrap()
    }

    fn owner(&mut self, name: &str, value: &str) {
        self.judge.owner.insert(OsString::from(name), value.into());
    }

    /// Forgets the failures of this run, and keeps the store.
    fn next_run(&mut self) {
        let store = Store::open(self.home.path().join("cache"));
        self.judge.cache = Arc::new(GateCache::new(Some(store)));
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.root, path, text);
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    fn make_executable(&self, path: &str) {
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A file that gates can write to count how often they ran.
    fn counter(&self) -> PathBuf {
        self.home.path().join("ran")
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.counter()).map_or(0, |text| text.lines().count())
    }

    async fn commit(&self) -> String {
        self.git.output(["add", "-A"], None).await.unwrap();
        self.git
            .output(["commit", "-q", "--allow-empty", "-m", "x"], None)
            .await
            .unwrap();
        self.git.text(["rev-parse", "HEAD"]).await.unwrap()
    }

    async fn person(&self) -> Checkout {
        Checkout::of_person(&self.root).await
    }

    /// Returns a checkout of the runner's with the files that the project has now.
    async fn lane(&self, base: &str) -> Checkout {
        let lane = self.home.path().join("lane");
        let _ = fs::remove_dir_all(&lane);
        fs::create_dir(&lane).unwrap();
        let index = self.home.path().join("lane-index");
        let _ = fs::remove_file(&index);
        let here = self.git.clone().index(&index);
        here.output(["add", "-A"], None).await.unwrap();
        let tree = here.text(["write-tree"]).await.unwrap();
        fs::remove_file(&index).unwrap();
        let git = Git::new(self.root.join(".git"), Some(&lane)).index(&index);
        git.output(["read-tree", "--reset", "-u", &tree], None)
            .await
            .unwrap();
        Checkout {
            root: lane,
            git,
            base: base.to_owned(),
            tree: Some(tree),
            tip: None,
            hands: Hands::Runner,
            step: "build".to_owned(),
            alone: None,
        }
    }

    /// What gate `name` says of the project's own files.
    async fn ask(&self, name: &str) -> Verdict {
        self.judge.judge(name, &self.person().await).await
    }
}

/// What is done to a project.
type Edit = fn(&Project);

fn write(root: &Path, path: &str, text: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

fn plan(gates: &Value) -> Plan {
    let mut gates = gates.clone();
    for gate in gates.as_object_mut().unwrap().values_mut() {
        let gate = gate.as_object_mut().unwrap();
        gate.entry("title").or_insert("T".into());
        gate.entry("timeout").or_insert(20.into());
    }
    serde_json::from_value(json!({
        "format": Plan::FORMAT, "compiler": "0", "clients": {}, "inputs": {}, "outputs": {},
        "models": {}, "servers": {}, "workspace": {}, "gates": gates, "roles": {}, "protected": {},
        "documents": {}, "tasks": {},
        "factory": {
            "name": "t", "targets": [], "driver": {"kind": "command"}, "jobs": 1,
            "stop": {"attempts": 1, "usd": "0.00", "wall": 1},
        },
    }))
    .unwrap()
}

fn run(command: &str) -> Value {
    json!({"kind": {"kind": "run", "command": command}})
}

fn said(verdict: &Verdict) -> String {
    String::from_utf8_lossy(&verdict.stdout).into_owned()
}

#[track_caller]
fn assert_pass(verdict: &Verdict) {
    assert_eq!(
        verdict.outcome,
        Outcome::Pass,
        "{verdict:?}\n{}",
        said(verdict)
    );
}

#[track_caller]
fn assert_fail(verdict: &Verdict) {
    assert_eq!(
        verdict.outcome,
        Outcome::Fail,
        "{verdict:?}\n{}",
        said(verdict)
    );
}

#[track_caller]
fn broken(verdict: &Verdict) -> &str {
    match &verdict.outcome {
        Outcome::Broken(reason) => reason,
        other => panic!("{other:?}\n{}", said(verdict)),
    }
}
