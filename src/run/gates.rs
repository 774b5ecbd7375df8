//! Gates in a run: the lanes they run in, and what they say of a tree.

use std::{
    cell::{Cell, RefCell},
    fs,
    time::Instant,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    event::{Event, Judgement, Place},
    exec::{ExecError, Runner, file_error},
    process::{self, Exit, Launch},
    workshop::{Checkout, tail},
};
use crate::{
    document::{self, Document, Folder, OnEdit},
    plan::{GateKind, Plan},
};

/// How much of what a gate said goes back to an agent.
const SHOWN: usize = 6 << 10;

/// The checkouts in which gates run, as many as there can be steps at the same time. Agents never
/// write in them.
pub(super) struct Lanes {
    turns: Semaphore,
    free: RefCell<Vec<Checkout>>,
    made: Cell<usize>,
}

impl Lanes {
    /// Returns up to `most` lanes; each is made when it is needed first.
    pub(super) fn new(most: usize) -> Self {
        Self {
            turns: Semaphore::new(most),
            free: RefCell::default(),
            made: Cell::new(0),
        }
    }
}

/// A lane that nobody else uses; it is free again when this is dropped.
pub(super) struct Lane<'l> {
    lanes: &'l Lanes,
    checkout: Checkout,
    _turn: SemaphorePermit<'l>,
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.lanes.free.borrow_mut().push(self.checkout.clone());
    }
}

impl Lane<'_> {
    /// Returns its files.
    pub(super) const fn checkout(&self) -> &Checkout {
        &self.checkout
    }
}

/// What a gate says of a tree.
#[derive(Debug, Clone)]
pub(super) struct Ruling {
    /// The gate.
    pub gate: String,
    /// What it says.
    pub outcome: Judgement,
    /// What it printed.
    pub output: String,
    /// Whether the verdict was replayed.
    pub replayed: bool,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl Ruling {
    /// Returns the ruling in words.
    pub(super) fn for_people(&self, plan: &Plan) -> String {
        let title = plan
            .gates
            .get(&self.gate)
            .map_or("", |gate| gate.title.as_str());
        let what = match self.outcome {
            Judgement::Pass => "passes",
            Judgement::Fail => "fails",
            Judgement::Nothing => "has nothing to judge",
            Judgement::Broken => "could not be run",
        };
        let output = tail(self.output.as_bytes(), SHOWN);
        format!("The gate `{}` ({title}) {what}:\n\n{output}\n", self.gate)
    }
}

/// What became of a tree before the gates.
pub(super) enum Judged {
    /// The gates have spoken about the tree with its managed sections refreshed.
    Rulings {
        /// That tree.
        tree: String,
        /// What they say.
        rulings: Vec<Ruling>,
    },
    /// A document's managed sections can't be refreshed, for the reason given.
    Unrefreshable(String),
}

impl Runner<'_> {
    /// Returns a lane, waiting for one where all are in use.
    pub(super) async fn lane(&self) -> Result<Lane<'_>, ExecError> {
        // The semaphore is never closed, so this waits and does not fail.
        let Ok(turn) = self.lanes.turns.acquire().await else {
            return Err(ExecError::Cancelled);
        };
        let free = self.lanes.free.borrow_mut().pop();
        let checkout = if let Some(checkout) = free {
            checkout
        } else {
            let number = self.lanes.made.get() + 1;
            self.lanes.made.set(number);
            let base = self.look(|progress| progress.base.clone());
            let mut notes = Vec::new();
            let checkout = self.workshop.lane(number, &base, &mut notes).await?;
            self.notes(notes)?;
            checkout
        };
        Ok(Lane {
            lanes: &self.lanes,
            checkout,
            _turn: turn,
        })
    }

    /// Returns what `gates` say of `tree` on the commit `base`.
    pub(super) async fn judge(
        &self,
        place: Option<&Place>,
        gates: &[String],
        base: &str,
        tree: &str,
    ) -> Result<Vec<Ruling>, ExecError> {
        let lane = self.lane().await?;
        self.workshop.reset(lane.checkout(), base, tree).await?;
        self.judge_in(&lane, place, gates).await
    }

    /// Refreshes the managed sections of `tree` and returns what `gates` say of the result.
    pub(super) async fn judge_work(
        &self,
        place: &Place,
        gates: &[String],
        base: &str,
        tree: &str,
    ) -> Result<Judged, ExecError> {
        let lane = self.lane().await?;
        self.workshop.reset(lane.checkout(), base, tree).await?;
        let mut refreshed = Vec::new();
        for path in self.plan.documents.keys() {
            match self.refresh(lane.checkout(), path)? {
                Ok(true) => refreshed.push(path.clone()),
                Ok(false) => {}
                Err(why) => return Ok(Judged::Unrefreshable(why)),
            }
        }
        let tree = if refreshed.is_empty() {
            tree.to_owned()
        } else {
            self.workshop
                .take_files(lane.checkout(), &refreshed)
                .await?
        };
        let rulings = self.judge_in(&lane, Some(place), gates).await?;
        Ok(Judged::Rulings { tree, rulings })
    }

    // Writes the managed sections of a document anew where it has any. Returns whether it changed.
    fn refresh(&self, lane: &Checkout, path: &str) -> Result<Result<bool, String>, ExecError> {
        let full = lane.tree.join(path);
        if !fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Ok(false));
        }
        let text = fs::read_to_string(&full).map_err(file_error(&full))?;
        match Document::parse(&text) {
            Ok(document) if document.regions().is_empty() => return Ok(Ok(false)),
            Ok(_) => {}
            Err(error) => return Ok(Err(format!("`{path}`: {error}"))),
        }
        let files = Folder::new(&lane.tree);
        let mut sections = Vec::new();
        for section in self.plan.documents.get(path).into_iter().flatten() {
            match document::render(path, section, &files) {
                Ok(rendered) => sections.push(rendered),
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
        match document::refresh(&text, &sections, OnEdit::Overwrite) {
            Ok(refreshed) if refreshed.text == text => Ok(Ok(false)),
            Ok(refreshed) => {
                fs::write(&full, refreshed.text).map_err(file_error(&full))?;
                Ok(Ok(true))
            }
            Err(error) => Ok(Err(format!("`{path}`: {error}"))),
        }
    }

    async fn judge_in(
        &self,
        lane: &Lane<'_>,
        place: Option<&Place>,
        gates: &[String],
    ) -> Result<Vec<Ruling>, ExecError> {
        let mut rulings = Vec::new();
        for name in gates {
            let ruling = self.run_gate(lane.checkout(), name).await?;
            self.event(Event::GateJudged {
                place: place.cloned(),
                gate: ruling.gate.clone(),
                outcome: ruling.outcome,
                replayed: ruling.replayed,
                millis: ruling.millis,
            })?;
            rulings.push(ruling);
        }
        Ok(rulings)
    }

    async fn run_gate(&self, lane: &Checkout, name: &str) -> Result<Ruling, ExecError> {
        let started = Instant::now();
        let Some(gate) = self.plan.gates.get(name) else {
            return Err(ExecError::Plan(format!("the lock has no gate `{name}`")));
        };
        let (outcome, output) = match &gate.kind {
            GateKind::Run { command } => {
                let launch = Launch::shell(
                    command,
                    lane.tree.clone(),
                    self.workshop.environment(lane, &[]),
                    std::time::Duration::from_secs(gate.timeout),
                );
                let finished = process::run(launch, self.cancel.clone())
                    .await
                    .map_err(file_error(&lane.tree))?;
                let mut output = finished.stdout;
                output.extend(finished.stderr);
                let outcome = match finished.exit {
                    Exit::Code(0) => Judgement::Pass,
                    Exit::Code(126 | 127) | Exit::Signal(_) | Exit::TimedOut => Judgement::Broken,
                    Exit::Code(_) => Judgement::Fail,
                    Exit::Cancelled => return Err(ExecError::Cancelled),
                };
                (outcome, String::from_utf8_lossy(&output).into_owned())
            }
            _ => (Judgement::Nothing, String::new()),
        };
        Ok(Ruling {
            gate: name.to_owned(),
            outcome,
            output,
            replayed: false,
            millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}
