//! Who judges: a plan's gates, asked in order about one checkout.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    super::{commands::Commands, process::Cancel},
    checkout::Checkout,
    session::Session,
    verdict::{Outcome, Verdict},
};
use crate::{
    cache::{Digest, Store},
    plan::Plan,
};

/// What gates have said, by the keys of all that could change it.
///
/// Passes are kept in the store. Failures are known for as long as this lives, so that one run does
/// not repeat them.
#[derive(Debug, Default)]
pub struct GateCache {
    store: Option<Store>,
    asks_anew: bool,
    failures: Mutex<BTreeMap<Digest, Verdict>>,
}

impl GateCache {
    /// Returns a cache that keeps passes in `store`; without one, every gate runs.
    pub fn new(store: Option<Store>) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    /// Returns the cache with nothing in it known: every gate runs, and its pass is kept.
    #[must_use]
    pub fn asking_anew(mut self) -> Self {
        self.asks_anew = true;
        self
    }

    pub(super) const fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Returns the store to look things up in.
    pub(super) fn known(&self) -> Option<&Store> {
        self.store.as_ref().filter(|_| !self.asks_anew)
    }

    pub(super) fn failure(&self, key: &Digest) -> Option<Verdict> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(key).cloned()
    }

    pub(super) fn remember(&self, key: Digest, failure: &Verdict) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.insert(key, failure.clone());
    }
}

/// Asks gates what they say.
#[derive(Debug, Clone)]
pub struct Judge {
    /// The gates and all that they refer to.
    pub plan: Arc<Plan>,
    /// What they have said before.
    pub cache: Arc<GateCache>,
    /// The owner's environment, of which a gate sees what it declares.
    pub owner: BTreeMap<OsString, OsString>,
    /// More variables, which are in the keys.
    pub extra: BTreeMap<String, String>,
    /// Who starts their commands.
    pub commands: Commands,
    /// The wish that everything ends.
    pub cancel: Cancel,
    /// Whether a failing gate is tried with what is hidden from it, to tell what it wants.
    pub probes: bool,
}

/// How far the gates are.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// This gate is asked.
    Started(&'a str),
    /// This gate is asked of the same work by another process, if that can be told by this one, and that
    /// is waited for.
    Waiting(&'a str, Option<u32>),
    /// This gate has spoken.
    Finished(&'a str, &'a Verdict),
}

impl Judge {
    /// Returns what gate `name` says of `checkout`.
    pub async fn judge(&self, name: &str, checkout: &Checkout) -> Verdict {
        let names = [name.to_owned()];
        let mut verdicts = self.judge_all(&names, checkout, &|_| {}).await;
        verdicts.pop().map_or_else(
            || Verdict::bare(Outcome::Nothing("no gate was asked".into())),
            |(_, verdict)| verdict,
        )
    }

    /// Returns what the gates `names` say of `checkout`, in that order, and tells `progress` as they
    /// do. Every gate is asked, also after one that fails; the files are looked at once for all
    /// of them, and again behind each gate that ran.
    pub async fn judge_all(
        &self,
        names: &[String],
        checkout: &Checkout,
        progress: &dyn Fn(Progress<'_>),
    ) -> Vec<(String, Verdict)> {
        let mut session = Session::new(self, names, checkout).running();
        session.progress = progress;
        let mut verdicts = Vec::with_capacity(names.len());
        for name in names {
            progress(Progress::Started(name));
            let verdict = session.judge(name).await;
            progress(Progress::Finished(name, &verdict));
            verdicts.push((name.clone(), verdict));
        }
        session.settle().await;
        verdicts
    }
}
