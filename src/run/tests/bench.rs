//! A repository to work on, a plan to carry out, and agents that do as they are told.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    boundary::Layer,
    cache::Digest,
    plan::{Plan, Protected, Usd},
    run::{
        Event, ExecError, Options, Order, Project, RunSummary,
        agent::{AgentError, Assignment, Attempt, Ended, Held},
        exec::{AgentFuture, exec_with},
        process::Cancel,
    },
};

/// The prompt of every role.
pub(super) const PROMPT: &str = "You work.\n";

/// A repository in a temporary folder, and the folder of checkouts beside it.
pub(super) struct Bench {
    folder: PathBuf,
    /// Whether what failed by its work is tried again by who goes on.
    pub retries: Cell<bool>,
    // Removed with the bench that made it.
    _made: Option<TempDir>,
}

impl Bench {
    /// A repository with one commit: a source file, a test, a `.gitignore`.
    pub(super) fn new() -> Self {
        let made = tempfile::tempdir().unwrap();
        let bench = Self {
            folder: made.path().to_owned(),
            retries: Cell::new(false),
            _made: Some(made),
        };
        fs::create_dir(bench.root()).unwrap();
        bench.git(&["init", "-q", "-b", "main"]);
        bench.git(&["config", "user.name", "Owner"]);
        bench.git(&["config", "user.email", "owner@example.com"]);
        for (path, text) in [
            ("app/a.txt", "one\n"),
            ("docs/a.md", "# A\n"),
            ("check.sh", "! grep -rq broken app\n"),
            (".gitignore", "ignored/\n*.log\n"),
        ] {
            bench.write(path, text);
        }
        bench.commit("first");
        bench
    }

    /// The bench that another process made in `folder`.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            retries: Cell::new(false),
            _made: None,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("project")
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        write(&self.root().join(path), text);
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Runs git in the owner's checkout and returns what it says.
    pub(super) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    pub(super) async fn project(&self) -> Project {
        let environment = ["PATH", "HOME"]
            .into_iter()
            .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
            .collect();
        let project = Project::open(&self.root(), environment).await.unwrap();
        project.with_cache(self.folder.join("work"))
    }

    pub(super) async fn exec(&self, order: Order, agents: &Agents) -> Ran {
        self.exec_until(order, agents, Cancel::never(), &mut |_| {})
            .await
    }

    pub(super) async fn exec_until(
        &self,
        order: Order,
        agents: &Agents,
        cancel: Cancel,
        watch: &mut dyn FnMut(&Event),
    ) -> Ran {
        self.exec_as(order, agents, cancel, None, watch).await
    }

    pub(super) async fn exec_with_cap(&self, order: Order, agents: &Agents, cap: &str) -> Ran {
        let cap = Some(cap.parse().unwrap());
        self.exec_as(order, agents, Cancel::never(), cap, &mut |_| {})
            .await
    }

    async fn exec_as(
        &self,
        order: Order,
        agents: &Agents,
        cancel: Cancel,
        cap: Option<Usd>,
        watch: &mut dyn FnMut(&Event),
    ) -> Ran {
        let project = self.project().await;
        let mut events = Vec::new();
        let options = Options {
            jobs: None,
            cap,
            retry: self.retries.get(),
            base: None,
            store: Some(crate::cache::Store::open(self.folder.join("store"))),
            exe: None,
        };
        let summary = exec_with(
            &project,
            order,
            &options,
            &mut |event| {
                events.push(event.clone());
                watch(event);
            },
            cancel,
            &|assignment, cancel| agents.start(assignment, cancel),
        )
        .await;
        Ran { summary, events }
    }

    /// Returns what the branch of the task has at `path`.
    pub(super) fn landed(&self, path: &str) -> String {
        self.git(&["show", &format!("factory/t:{path}")])
    }

    /// Returns the subjects on the branch of the task, the oldest first.
    pub(super) fn subjects(&self) -> Vec<String> {
        let log = self.git(&["log", "--reverse", "--format=%s", "main..factory/t"]);
        log.lines().map(str::to_owned).collect()
    }
}

pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What an exec came to.
pub(super) struct Ran {
    pub summary: Result<RunSummary, ExecError>,
    pub events: Vec<Event>,
}

impl Ran {
    pub(super) fn ok(&self) -> &RunSummary {
        match &self.summary {
            Ok(summary) => summary,
            Err(error) => panic!("{error}\n{:#?}", self.events),
        }
    }

    pub(super) fn step(&self, name: &str) -> &crate::run::StepSummary {
        let steps = &self.ok().tasks[0].steps;
        steps.iter().find(|step| step.name == name).unwrap()
    }

    /// Returns how often agents were started.
    pub(super) fn attempts(&self) -> usize {
        let started = |event: &&Event| matches!(event, Event::AttemptStarted { .. });
        self.events.iter().filter(started).count()
    }
}

type Act = dyn Fn(&Assignment) -> Attempt;

/// Scripted agents: what each attempt of each step does, and what they were asked.
#[derive(Default, Clone)]
pub(super) struct Agents {
    acts: BTreeMap<(String, u32), Rc<Act>>,
    pub asked: Rc<RefCell<Vec<(String, u32, String)>>>,
    // Steps that end only when all of them have begun.
    pub together: Vec<String>,
    begun: Rc<RefCell<Vec<String>>>,
    refused: Rc<RefCell<BTreeMap<String, AgentError>>>,
}

impl Agents {
    pub(super) fn on(
        mut self,
        step: &str,
        attempt: u32,
        act: impl Fn(&Assignment) -> Attempt + 'static,
    ) -> Self {
        self.acts.insert((step.to_owned(), attempt), Rc::new(act));
        self
    }

    /// Attempt `attempt` of `step` writes these files; `-` deletes one.
    pub(super) fn writes(self, step: &str, attempt: u32, files: &'static [(&str, &str)]) -> Self {
        self.on(step, attempt, move |assignment| {
            for (path, text) in files {
                let path = assignment.checkout.join(path);
                if *text == "-" {
                    fs::remove_file(path).unwrap();
                } else {
                    write(&path, text);
                }
            }
            done()
        })
    }

    pub(super) fn says(self, step: &str, attempt: u32, verdict: Value) -> Self {
        self.on(step, attempt, move |_| Attempt {
            structured: Some(verdict.clone()),
            ..done()
        })
    }

    /// The agent of `step` can't be started.
    pub(super) fn refuses(self, step: &str, error: AgentError) -> Self {
        self.refused.borrow_mut().insert(step.to_owned(), error);
        self
    }

    fn start(&self, assignment: Assignment, cancel: Cancel) -> AgentFuture {
        let agents = self.clone();
        Box::pin(async move {
            let key = (assignment.step.clone(), assignment.attempt);
            agents
                .asked
                .borrow_mut()
                .push((key.0.clone(), key.1, assignment.brief.clone()));
            agents.begun.borrow_mut().push(key.0.clone());
            if agents.together.contains(&key.0) {
                let all = || {
                    let begun = agents.begun.borrow();
                    agents.together.iter().all(|step| begun.contains(step))
                };
                while !all() {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
            if cancel.is_made() {
                return Err(AgentError::Cancelled);
            }
            if let Some(error) = agents.refused.borrow_mut().remove(&key.0) {
                return Err(error);
            }
            let Some(act) = agents.acts.get(&key) else {
                panic!("nothing is scripted for attempt {} of {}", key.1, key.0);
            };
            Ok(act(&assignment))
        })
    }
}

/// An attempt that completed for a dollar.
pub(super) fn done() -> Attempt {
    Attempt {
        text: "Done.".into(),
        structured: None,
        cost: Usd { micros: 1_000_000 },
        session: Some("s".into()),
        refused: Vec::new(),
        message: None,
        held: Held {
            write: Layer::Rejected,
            note: String::new(),
        },
        ended: Ended::Completed,
    }
}

pub(super) fn pass() -> Value {
    json!({"verdict": "pass", "reasons": []})
}

pub(super) fn fail(text: &str) -> Value {
    json!({"verdict": "fail", "reasons": [{"text": text}]})
}

/// A plan with the task `t` of these steps; `change` may alter the rest.
#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
pub(super) fn plan_with(steps: Value, change: impl FnOnce(&mut Value)) -> Order {
    let role = |may: Value, gates: Value| {
        json!({
            "title": "R", "description": "", "model": "m", "snapshot": "snapshots/r.snap",
            "prompt": Digest::of(PROMPT),
            "boundary": {"write": {"may": may, "never": ["**/secret"]}},
            "held": {}, "gates": gates, "tools": [],
            "stop": {"attempts": 3, "usd": "15.00", "wall": 60},
        })
    };
    let mut plan = json!({
        "format": Plan::FORMAT, "compiler": "0", "clients": {}, "inputs": {}, "outputs": {}, "models": {},
        "protected": Protected::fixed(),
        "servers": {}, "workspace": {}, "documents": {},
        "factory": {
            "name": "f", "targets": [], "driver": {"kind": "command"}, "jobs": 4,
            "stop": {"attempts": 3, "usd": "15.00", "wall": 60},
        },
        "gates": {"check": {
            "title": "Check", "timeout": 60,
            "kind": {"kind": "run", "command": "sh check.sh"},
        }},
        "roles": {
            "builder": role(json!(["app/**"]), json!(["check"])),
            "writer": role(json!(["docs/**"]), json!(["check"])),
            "qa": role(json!(["reports/**"]), json!([])),
        },
        "tasks": {"t": {"goal": "G", "accept": [], "steps": steps}},
    });
    change(&mut plan);
    Order::Start {
        prompts: ["builder", "writer", "qa"]
            .map(|role| (role.to_owned(), PROMPT.to_owned()))
            .into(),
        plan: Box::new(serde_json::from_value::<Plan>(plan).unwrap()),
        tasks: Vec::new(),
        again: false,
    }
}

pub(super) fn plan(steps: Value) -> Order {
    plan_with(steps, |_| {})
}

/// A step in which `role` makes a commit.
pub(super) fn commits(name: &str, role: &str, after: &[&str]) -> Value {
    json!({"name": name, "after": after, "kind": {
        "kind": "agent", "role": role, "yields": "commit", "brief": format!("Do {name}.\n"),
        "stop": {"attempts": 3, "usd": "15.00", "wall": 60},
    }})
}

/// A step in which `qa` gives a verdict on what `sends_back` made.
pub(super) fn reviews(name: &str, after: &[&str], sends_back: &str) -> Value {
    json!({"name": name, "after": after, "kind": {
        "kind": "agent", "role": "qa", "yields": "verdict", "brief": "Look.\n",
        "sends_back": sends_back,
        "stop": {"attempts": 3, "usd": "15.00", "wall": 60},
    }})
}
