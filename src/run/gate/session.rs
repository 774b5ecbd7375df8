//! Some gates and one checkout: what is found out about the files, once for all of the gates.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use super::{
    bench::{Bench, BenchError},
    change::Change,
    checkout::{Checkout, Hands},
    judge::Judge,
    kept, key,
    verdict::Verdict,
};
use crate::{
    cache::{Digest, InputSelection, ScanError, Scanner, Scans, Tree, WorkTree},
    plan::GateKind,
};

/// Some gates and one checkout.
pub(super) struct Session<'a> {
    pub(super) judge: &'a Judge,
    pub(super) checkout: &'a Checkout,
    names: &'a [String],
    /// Whether what other runs have found out counts.
    pub(super) uses_cache: bool,
    bench: Option<Bench>,
    change: Option<Change>,
    scanner: Option<Arc<Scanner>>,
    // The inputs of each gate, then the whole tree if anyone looks at it.
    scans: Option<Arc<Scans>>,
    // Whether something may have changed since they were looked at.
    doubtful: bool,
    looks_at_all: bool,
    /// What tools have said, by command and by the variables that they saw.
    pub(super) tools: BTreeMap<(String, String), Digest>,
}

/// Why the files of a checkout can't be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Scan(#[from] ScanError),
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
            bench: None,
            change: None,
            scanner: None,
            scans: None,
            doubtful: false,
        }
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
        self.doubtful = true;
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
        let scans = self.scans().await?;
        Ok(scans
            .each
            .last()
            .map(|scan| scan.tree.clone())
            .unwrap_or_default())
    }

    /// Returns the inputs of a gate.
    pub(super) async fn inputs(&mut self, name: &str) -> Result<Tree, SessionError> {
        let at = self.names.iter().position(|known| known == name);
        let scans = self.scans().await?;
        let scan = at.and_then(|at| scans.each.get(at));
        Ok(scan.map(|scan| scan.tree.clone()).unwrap_or_default())
    }

    async fn scans(&mut self) -> Result<Arc<Scans>, SessionError> {
        if let Some(scans) = self.scans.clone()
            && (!self.doubtful || self.stand(&scans).await?)
        {
            self.doubtful = false;
            return Ok(scans);
        }
        // The old ones take room that the new ones need.
        self.scans = None;
        let scans = Arc::new(self.scan().await?);
        self.doubtful = false;
        self.scans = Some(Arc::clone(&scans));
        Ok(scans)
    }

    async fn stand(&mut self, scans: &Arc<Scans>) -> Result<bool, SessionError> {
        let (scanner, scans) = (self.scanner().await?, Arc::clone(scans));
        let stand = tokio::task::spawn_blocking(move || scanner.stands(&scans)).await;
        stand.map_err(|_| SessionError::Interrupted)
    }

    async fn scan(&mut self) -> Result<Scans, SessionError> {
        let scanner = self.scanner().await?;
        let plan = &self.judge.plan;
        let nothing = InputSelection {
            patterns: Some(Vec::new()),
            ..InputSelection::default()
        };
        let selection = |name: &String| match plan.gates.get(name) {
            Some(gate) => match gate.kind {
                GateKind::Run { .. } => key::selection(gate, plan),
                GateKind::Consistency { .. } | GateKind::Docs { .. } => kept::selection(plan),
                GateKind::Rollback { .. } => nothing.clone(),
            },
            None => nothing.clone(),
        };
        let mut selections: Vec<_> = self.names.iter().map(selection).collect();
        if self.looks_at_all {
            selections.push(InputSelection::default());
        }
        let found = tokio::task::spawn_blocking(move || scanner.scan_all(&selections)).await;
        Ok(found.map_err(|_| SessionError::Interrupted)??)
    }

    async fn scanner(&mut self) -> Result<Arc<Scanner>, SessionError> {
        if let Some(scanner) = &self.scanner {
            return Ok(Arc::clone(scanner));
        }
        let checkout = self.checkout;
        let work_tree = match checkout.hands {
            Hands::Person => WorkTree::Discover,
            // The checkout's own may have been written by what ran in it.
            Hands::Runner => WorkTree::GitDirectory(self.bench().await?.git_folder()?),
        };
        let mut scanner = Scanner::new(&checkout.root).with_work_tree(work_tree);
        if let Some(store) = self.judge.cache.store() {
            scanner = scanner.with_index(store.stat_index(&checkout.root));
            if !store.writes() {
                scanner = scanner.without_learning();
            }
        }
        let scanner = Arc::new(scanner);
        self.scanner = Some(Arc::clone(&scanner));
        Ok(scanner)
    }
}
