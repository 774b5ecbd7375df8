//! Gates in a run: the lanes they run in, and what they say of a tree.

use std::{
    cell::{Cell, RefCell},
    fs,
    pin::pin,
};

use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::{
    error::{ExecError, file_error},
    event::{Event, Judgement, Place},
    exec::Runner,
    gate::{self, Hands, Outcome, Progress},
    workshop::{Checkout, tail},
};
use crate::{
    document::{self, Document, Folder, OnEdit, Without},
    plan::Plan,
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
    fn of(gate: &str, verdict: &gate::Verdict) -> Self {
        let mut output = String::new();
        let (outcome, reason) = match &verdict.outcome {
            Outcome::Pass => (Judgement::Pass, ""),
            Outcome::Fail => (Judgement::Fail, ""),
            Outcome::Nothing(reason) => (Judgement::Nothing, reason.as_str()),
            Outcome::Broken(reason) => (Judgement::Broken, reason.as_str()),
        };
        for said in [&verdict.stdout, &verdict.stderr] {
            output.push_str(&String::from_utf8_lossy(said));
        }
        for line in verdict.notes.iter().map(String::as_str).chain([reason]) {
            if !line.is_empty() {
                output.push_str(line);
                output.push('\n');
            }
        }
        Self {
            gate: gate.to_owned(),
            outcome,
            output,
            replayed: verdict.replayed.is_some(),
            millis: u64::try_from(verdict.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

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
    pub(super) async fn judge_tree(
        &self,
        place: Option<&Place>,
        gates: &[String],
        base: &str,
        tree: &str,
    ) -> Result<Vec<Ruling>, ExecError> {
        let lane = self.lane().await?;
        self.workshop.reset(lane.checkout(), base, tree).await?;
        self.judge_in(&lane, place, gates, base, tree).await
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
        let tree = match self.refresh_all(&lane, base, tree).await? {
            Ok(tree) => tree,
            Err(why) => return Ok(Judged::Unrefreshable(why)),
        };
        let rulings = self
            .judge_in(&lane, Some(place), gates, base, &tree)
            .await?;
        Ok(Judged::Rulings { tree, rulings })
    }

    /// Returns what `gates` say of the commit `base` itself, its managed sections refreshed: the plan may
    /// be newer than they are, and every step has them refreshed. Nothing counts as changed.
    pub(super) async fn judge_base(
        &self,
        gates: &[String],
        base: &str,
    ) -> Result<Judged, ExecError> {
        let lane = self.lane().await?;
        self.workshop.reset(lane.checkout(), base, base).await?;
        let tree = match self.refresh_all(&lane, base, base).await? {
            Ok(tree) => tree,
            Err(why) => return Ok(Judged::Unrefreshable(why)),
        };
        let rulings = self.judge_in(&lane, None, gates, &tree, &tree).await?;
        Ok(Judged::Rulings { tree, rulings })
    }

    // Refreshes the managed sections in a lane that has the files of `tree`. Returns the tree of its
    // files, or why it can't be done.
    async fn refresh_all(
        &self,
        lane: &Lane<'_>,
        base: &str,
        tree: &str,
    ) -> Result<Result<String, String>, ExecError> {
        let mut refreshed = Vec::new();
        for path in self.plan.documents.keys() {
            if !self.has_sections(base, path).await? {
                continue;
            }
            match self.refresh(lane.checkout(), path)? {
                Ok(true) => refreshed.push(path.clone()),
                Ok(false) => {}
                Err(why) => return Ok(Err(why)),
            }
        }
        if refreshed.is_empty() {
            return Ok(Ok(tree.to_owned()));
        }
        let files = self.workshop.take_files(lane.checkout(), &refreshed);
        Ok(Ok(files.await?))
    }

    // Whether the document has managed sections to begin with; who works may not take them out.
    async fn has_sections(&self, base: &str, path: &str) -> Result<bool, ExecError> {
        let Some(bytes) = self.project.git().file(base, path).await? else {
            return Ok(false);
        };
        let text = String::from_utf8_lossy(&bytes);
        Ok(Document::parse(&text).is_ok_and(|document| !document.regions().is_empty()))
    }

    // Writes the managed sections of a document anew. Returns whether it changed.
    fn refresh(&self, lane: &Checkout, path: &str) -> Result<Result<bool, String>, ExecError> {
        let full = lane.tree.join(path);
        if !fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Ok(false));
        }
        let text = fs::read_to_string(&full).map_err(file_error(&full))?;
        let files = Without::new(Folder::new(&lane.tree), self.plan.written());
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

    // Tells of each verdict as it is given, not when all are.
    async fn judge_in(
        &self,
        lane: &Lane<'_>,
        place: Option<&Place>,
        gates: &[String],
        base: &str,
        tree: &str,
    ) -> Result<Vec<Ruling>, ExecError> {
        let checkout = lane.checkout();
        let checkout = gate::Checkout {
            root: checkout.tree.clone(),
            git: self.workshop.git(&checkout.tree, &checkout.index),
            base: base.to_owned(),
            tree: Some(tree.to_owned()),
            tip: None,
            hands: Hands::Runner,
            step: checkout.step.clone(),
            alone: None,
        };
        let mut rulings = Vec::with_capacity(gates.len());
        if gates.is_empty() {
            return Ok(rulings);
        }
        let (tell, mut told) = mpsc::unbounded_channel();
        let progress = |progress: Progress<'_>| {
            if let Progress::Finished(gate, verdict) = progress {
                // The other end is there for as long as this is called.
                let _ = tell.send(Ruling::of(gate, verdict));
            }
        };
        let mut judging = pin!(self.judge.judge_all(gates, &checkout, &progress));
        loop {
            tokio::select! {
                biased;
                Some(ruling) = told.recv() => {
                    if self.cancel.is_made() {
                        return Err(ExecError::Cancelled);
                    }
                    self.event(Event::GateJudged {
                        place: place.cloned(),
                        gate: ruling.gate.clone(),
                        outcome: ruling.outcome,
                        replayed: ruling.replayed,
                        millis: ruling.millis,
                    })?;
                    rulings.push(ruling);
                }
                _ = &mut judging => {}
            }
            if rulings.len() == gates.len() {
                return Ok(rulings);
            }
        }
    }
}
