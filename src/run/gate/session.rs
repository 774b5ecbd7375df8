//! Some gates and one checkout: what is found out about the files, once for all of the gates.

use std::{collections::BTreeMap, path::PathBuf, pin::pin, sync::Arc, time::Instant};

use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use super::{
    super::process::Waiting,
    bench::{Bench, BenchError},
    change::Change,
    checkout::{Checkout, Hands},
    judge::{Judge, Progress},
    kept, key,
    naming::Names,
    verdict::Verdict,
};
use crate::{
    cache::{
        Digest, InputSelection, ScanError, Scanner, Scans, Standing, Store, Touched, Tree, WorkTree,
    },
    plan::{Gate, GateKind},
};

/// Some gates and one checkout.
pub(super) struct Session<'a> {
    pub(super) judge: &'a Judge,
    pub(super) checkout: &'a Checkout,
    names: &'a [String],
    /// Whether what other runs have found out counts.
    pub(super) uses_cache: bool,
    /// Told of what takes long.
    pub(super) progress: &'a dyn Fn(Progress<'_>),
    bench: Option<Bench>,
    change: Option<Change>,
    scanner: Option<Arc<Scanner>>,
    // Writes down what the scanner has learnt, while there is something else to do.
    remembering: Option<JoinHandle<()>>,
    scans: Option<Looked>,
    // What has become of the files since they were looked at.
    since: Since,
    looks_at_all: bool,
    // Whether commands are run where nothing is known.
    runs: bool,
    // Wakes who looks at files when one has something new in it.
    news: Arc<Notify>,
    /// The keeper of the command that is likely to be run next, if it is started already.
    pub(super) waiting: Option<Waiting>,
    /// What tools have said, by command and by the variables that they saw.
    pub(super) tools: BTreeMap<(String, String), Digest>,
}

/// The inputs of each gate, then the whole tree if anyone looks at it.
#[derive(Clone)]
enum Looked {
    Together(Arc<Scans>),
    /// Each by itself: what can't be told of one is nothing to the others.
    Alone(Vec<Result<Arc<Scans>, Arc<ScanError>>>),
}

#[derive(Clone)]
enum Since {
    /// They are the same, and these were touched, when that was last found out.
    Touched(Arc<Touched>),
    /// Something may have changed.
    Unknown,
}

/// The inputs of one gate as they were found.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) tree: Tree,
    /// The scan that has found them.
    pub(super) scans: Arc<Scans>,
    /// What was touched since then.
    pub(super) touched: Arc<Touched>,
}

impl Looked {
    fn get(&self, at: usize) -> Result<Option<(Tree, Arc<Scans>)>, SessionError> {
        let (scans, at) = match self {
            Self::Together(scans) => (Arc::clone(scans), at),
            Self::Alone(each) => match each.get(at) {
                Some(Ok(scans)) => (Arc::clone(scans), 0),
                Some(Err(error)) => return Err(SessionError::Scan(Arc::clone(error))),
                None => return Ok(None),
            },
        };
        let tree = scans.each.get(at).map(|scan| scan.tree.clone());
        Ok(tree.map(|tree| (tree, scans)))
    }
}

/// Why the files of a checkout can't be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Scan(Arc<ScanError>),
    #[error("the files could not be scanned")]
    Interrupted,
    #[error("it compares two trees, and {0}")]
    Alone(String),
}

impl<'a> Session<'a> {
    pub(super) fn new(judge: &'a Judge, names: &'a [String], checkout: &'a Checkout) -> Self {
        let looks = |name: &String| {
            let kind = judge.plan.gates.get(name).map(|gate| &gate.kind);
            matches!(kind, Some(GateKind::Consistency { .. }))
        };
        Self {
            looks_at_all: checkout.hands == Hands::Runner || names.iter().any(looks),
            tools: BTreeMap::new(),
            judge,
            checkout,
            names,
            uses_cache: true,
            progress: &|_| {},
            bench: None,
            change: None,
            scanner: None,
            remembering: None,
            scans: None,
            since: Since::Unknown,
            runs: false,
            news: Arc::default(),
            waiting: None,
        }
    }

    /// Expects to run commands, so that they begin sooner.
    #[must_use]
    pub(super) fn running(mut self) -> Self {
        let gates = &self.judge.plan.gates;
        let runs = |name| {
            gates
                .get(name)
                .is_some_and(|gate| matches!(gate.kind, GateKind::Run { .. }))
        };
        self.runs = self.names.iter().any(runs);
        self
    }

    /// Returns what the gate `name` says.
    pub(super) async fn judge(&mut self, name: &str) -> Verdict {
        let started = Instant::now();
        let judge = self.judge;
        let Some(gate) = judge.plan.gates.get(name) else {
            return Verdict::broken(format!("the lock has no gate `{name}`"));
        };
        let verdict = match &gate.kind {
            GateKind::Run { command } => self.run_gate(name, gate, command).await,
            GateKind::Consistency { .. } | GateKind::Docs { .. } => {
                self.kept_gate(name, gate).await
            }
            GateKind::Rollback { undo, passes } => {
                self.rollback(gate, undo.as_deref(), passes).await
            }
        };
        let mut verdict = verdict.unwrap_or_else(|error| Verdict::broken(error.to_string()));
        verdict.elapsed = started.elapsed();
        verdict
    }

    /// Returns the bench, set up when it is needed first.
    pub(super) async fn bench(&mut self) -> Result<&Bench, SessionError> {
        if let Some(why) = &self.checkout.alone {
            return Err(SessionError::Alone(why.clone()));
        }
        let bench = match self.bench.take() {
            Some(bench) => bench,
            None => Bench::set_up(self.checkout).await?,
        };
        Ok(self.bench.insert(bench))
    }

    /// Returns what is different between the base and the checkout.
    pub(super) async fn change(&mut self) -> Result<&Change, SessionError> {
        let change = if let Some(change) = self.change.take() {
            change
        } else {
            let bench = self.bench().await?;
            bench.change(bench.base(), bench.tree()).await?
        };
        Ok(self.change.insert(change))
    }

    /// Makes the files those of `tree`.
    pub(super) async fn switch(&mut self, tree: &str) -> Result<(), SessionError> {
        self.forget_scans();
        Ok(self.bench().await?.switch(tree).await?)
    }

    /// Forgets what the files are: something may have changed them.
    pub(super) fn forget_scans(&mut self) {
        self.since = Since::Unknown;
        self.tools.clear();
    }

    /// Forgets what the files are, and of a person's what the change is: a gate has run.
    pub(super) fn forget_files(&mut self) {
        self.forget_scans();
        match self.checkout.hands {
            // What it did is put back.
            Hands::Runner => {}
            Hands::Person => {
                self.bench = None;
                self.change = None;
            }
        }
    }

    /// Returns all files that git does not ignore.
    pub(super) async fn whole(&mut self) -> Result<Tree, SessionError> {
        let last = self.names.len();
        let found = self.scans(false).await?.get(last)?;
        Ok(found.map(|(tree, _)| tree).unwrap_or_default())
    }

    /// Returns the inputs of a gate.
    pub(super) async fn inputs(&mut self, name: &str) -> Result<Tree, SessionError> {
        Ok(self.inputs_now(name, false).await?.tree)
    }

    /// Returns the inputs of a gate; with `anew` by a scan since which nothing was touched.
    pub(super) async fn inputs_now(
        &mut self,
        name: &str,
        anew: bool,
    ) -> Result<Inputs, SessionError> {
        let at = self.names.iter().position(|known| known == name);
        let looked = self.scans(anew).await?;
        let found = at.map_or(Ok(None), |at| looked.get(at))?;
        let (tree, scans) = found.ok_or(SessionError::Interrupted)?;
        let touched = match &self.since {
            Since::Touched(touched) => Arc::clone(touched),
            Since::Unknown => return Err(SessionError::Interrupted),
        };
        Ok(Inputs {
            tree,
            scans,
            touched,
        })
    }

    async fn scans(&mut self, anew: bool) -> Result<Looked, SessionError> {
        if let Some(looked) = self.scans.clone() {
            if let Since::Unknown = self.since {
                self.since = match self.stand(&looked).await? {
                    Standing::Untouched => Since::Touched(Arc::default()),
                    Standing::Same(touched) => Since::Touched(Arc::new(touched)),
                    Standing::Changed => Since::Unknown,
                };
            }
            if let Since::Touched(touched) = &self.since
                && !(anew && touched.is_any())
            {
                return Ok(looked);
            }
        }
        // The old ones take room that the new ones need.
        self.scans = None;
        let looked = self.scan().await?;
        self.since = Since::Touched(Arc::default());
        self.scans = Some(looked.clone());
        Ok(looked)
    }

    async fn stand(&mut self, looked: &Looked) -> Result<Standing, SessionError> {
        let Looked::Together(scans) = looked else {
            return Ok(Standing::Changed);
        };
        let (scanner, scans) = (self.scanner().await?, Arc::clone(scans));
        let standing = tokio::task::spawn_blocking(move || scanner.standing(&scans)).await;
        standing.map_err(|_| SessionError::Interrupted)
    }

    async fn scan(&mut self) -> Result<Looked, SessionError> {
        let scanner = self.scanner().await?;
        let plan = &self.judge.plan;
        let nothing = InputSelection {
            patterns: Some(Vec::new()),
            ..InputSelection::default()
        };
        let selection = |name: &String| match plan.gates.get(name) {
            Some(gate) => match &gate.kind {
                GateKind::Run { command } => {
                    key::selection(gate, &self.naming(gate, command), plan)
                }
                GateKind::Consistency { .. } | GateKind::Docs { .. } => kept::selection(plan),
                GateKind::Rollback { .. } => nothing.clone(),
            },
            None => nothing.clone(),
        };
        let mut selections: Vec<_> = self.names.iter().map(selection).collect();
        if self.looks_at_all {
            selections.push(InputSelection::default());
        }
        let scan = move |scanner: &Scanner| match scanner.scan_all(&selections) {
            Ok(scans) => Ok(Looked::Together(Arc::new(scans))),
            Err(_) if selections.len() > 1 => {
                let alone = selections.iter().map(|selection| {
                    let scans = scanner.scan_all([selection]);
                    scans.map(Arc::new).map_err(Arc::new)
                });
                Ok(Looked::Alone(alone.collect()))
            }
            Err(error) => Err(SessionError::Scan(Arc::new(error))),
        };
        // One thread looks, and writes down what it has learnt when that is no longer waited for.
        self.settle().await;
        let remembers = self.judge.cache.store().is_some_and(Store::writes);
        let (tell, told) = oneshot::channel();
        self.remembering = Some(tokio::task::spawn_blocking(move || {
            let _ = tell.send(scan(&scanner));
            if remembers {
                scanner.remember();
            }
        }));
        let mut told = pin!(told);
        loop {
            tokio::select! {
                biased;
                found = &mut told => return found.map_err(|_| SessionError::Interrupted)?,
                // Nothing is known of what is new, so its gate is going to run.
                () = self.news.notified(), if self.runs => self.get_ready(),
            }
        }
    }

    /// Starts a keeper for the command that is likely to be run next.
    pub(super) fn get_ready(&mut self) {
        if self.waiting.is_none() {
            self.waiting = self.judge.commands.get_ready();
        }
    }

    /// Waits until all that was learnt is written down.
    pub(super) async fn settle(&mut self) {
        if let Some(remembering) = self.remembering.take() {
            // What could not be written is learnt again.
            let _ = remembering.await;
        }
    }

    /// Returns what a gate's command names that runs in the checkout.
    pub(super) fn naming(&self, gate: &Gate, command: &str) -> Names {
        Names::of_gate(gate, command, &self.root())
    }

    /// Returns where the checkout is, without links on the way.
    pub(super) fn root(&self) -> PathBuf {
        let root = &self.checkout.root;
        root.canonicalize().unwrap_or_else(|_| root.clone())
    }

    pub(super) async fn scanner(&mut self) -> Result<Arc<Scanner>, SessionError> {
        if let Some(scanner) = &self.scanner {
            return Ok(Arc::clone(scanner));
        }
        let checkout = self.checkout;
        let work_tree = match checkout.hands {
            Hands::Person => WorkTree::Discover,
            // The checkout's own may have been written by what ran in it.
            Hands::Runner => WorkTree::GitDirectory(self.bench().await?.git_folder()?),
        };
        let news = Arc::clone(&self.news);
        let mut scanner = Scanner::new(&checkout.root)
            .with_work_tree(work_tree)
            .with_listener(move || news.notify_one());
        if let Some(store) = self.judge.cache.store() {
            store.prepare();
            scanner = scanner
                .with_index(store.stat_index(&checkout.root))
                .without(store.folder());
        }
        let scanner = Arc::new(scanner);
        self.scanner = Some(Arc::clone(&scanner));
        Ok(scanner)
    }
}
