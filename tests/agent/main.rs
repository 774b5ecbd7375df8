//! Agents for real: the binary, child processes, the kernel's part, and the client where there is one.

#![allow(
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    reason = "a bench is given what it keeps, and a test that is skipped says so"
)]

mod client;
mod drivers;
#[path = "../service/mod.rs"]
mod service;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use factory::{
    plan::{self, Plan, Usd},
    run::agent::{Answer, Assignment},
};
use serde_json::{Value, json};

/// A project with a clone to work in, and one step for the role `builder`.
struct Workbench {
    folder: tempfile::TempDir,
    checkout: PathBuf,
    plan: Value,
}

impl Workbench {
    fn new(driver: Value, boundary: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let project = root.join("project");
        for path in ["app", "config", "recordings/pdf"] {
            fs::create_dir_all(project.join(path)).unwrap();
        }
        for path in ["app/a.rb", "config/deploy.yml", "README"] {
            fs::write(project.join(path), "old\n").unwrap();
        }
        git(&project, &["init", "-q"]);
        git(&project, &["add", "."]);
        git(
            &project,
            &[
                "-c",
                "user.name=n",
                "-c",
                "user.email=e",
                "commit",
                "-qm",
                "base",
            ],
        );
        let checkout = root.join("checkout");
        git(&root, &["clone", "-q", "--shared", "project", "checkout"]);
        fs::create_dir_all(root.join("owner")).unwrap();
        fs::write(root.join("owner/secret"), "secret\n").unwrap();
        let stop = json!({"attempts": 1, "usd": "1.00", "wall": 60});
        let mut protected = plan::Protected::fixed();
        protected.add(plan::Reserved::Input, "factory.kdl".parse().unwrap());
        let plan = json!({
            "format": Plan::FORMAT, "compiler": "0", "protected": protected,
            "factory": {"name": "f", "targets": [], "driver": driver, "stop": stop, "jobs": 1},
            "clients": {}, "servers": {}, "gates": {}, "documents": {}, "tasks": {}, "outputs": {},
            "inputs": {"factory.kdl": {"sha256": "0".repeat(64)}},
            "models": {"m": {
                "id": "claude-opus-4-8",
                "price": {"input": "5.00", "output": "25.00"},
            }},
            "workspace": {"scratch": ["tmp/**"], "env": {"DATABASE_URL": "sqlite3:tmp/{step}.db"}},
            "roles": {"builder": {
                "title": "Builder", "description": "Builds", "model": "m",
                "snapshot": "snapshots/builder.snap", "prompt": "0".repeat(64),
                "boundary": boundary, "held": {}, "gates": [],
                "tools": ["Read", "Edit", "Write", "Bash", "Agent"], "stop": stop,
            }},
        });
        Self {
            folder,
            checkout,
            plan,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn record(&self, name: &str, recording: Value) {
        let path = self.root().join("project/recordings").join(name);
        fs::write(path, recording.to_string()).unwrap();
    }

    fn assignment(&self) -> Assignment {
        let plan: Plan = serde_json::from_value(self.plan.clone()).unwrap();
        let stop = plan.roles["builder"].stop;
        let home = self.root().join("owner").into_os_string();
        Assignment {
            plan: Arc::new(plan),
            task: "pdf".into(),
            step: "build".into(),
            role: "builder".into(),
            agent: plan::Agent {
                role: "builder".into(),
                yields: plan::Yields::Commit,
                sends_back: None,
                brief: String::new(),
                only_write: None,
                only_run: None,
                stop,
            },
            prompt: "You are the builder.".into(),
            brief: "Build it.".into(),
            checkout: self.checkout.clone(),
            private: self.root().join("private"),
            project: self.root().join("project"),
            exe: env!("CARGO_BIN_EXE_factory").into(),
            records: None,
            environment: Arc::new(
                [
                    ("PATH".into(), std::env::var_os("PATH").unwrap()),
                    ("HOME".into(), home),
                    ("RAILS_ENV".into(), "test".into()),
                    ("AWS_SECRET".into(), "hidden".into()),
                    ("LD_PRELOAD".into(), "/hidden.so".into()),
                    ("CLIENT_KEY".into(), "key".into()),
                ]
                .into(),
            ),
            session: None,
            attempt: 1,
            budget: "1.00".parse().unwrap(),
            wall: Duration::from_mins(1),
            answer: Answer::Text,
        }
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.checkout.join(path)).ok()
    }
}

fn git(folder: &Path, args: &[&str]) {
    assert!(
        Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(args)
            .status()
            .unwrap()
            .success()
    );
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// Whether this kernel can hold anything; said once where it can't.
fn has_landlock(held: &factory::run::agent::Held) -> bool {
    let has = held.note.starts_with("Landlock");
    if !has {
        eprintln!("skipped: {}", held.note);
    }
    has
}
