//! Whether a gate would run now, and what has changed since it passed.

use std::time::SystemTime;

use super::{
    command::Unasked,
    judge::Judge,
    session::{Session, SessionError},
};
use crate::{
    cache::{Action, Differences, Digest, Lookup},
    plan::GateKind,
    run::gate::Checkout,
};

/// What would become of a gate now.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The gate.
    pub gate: String,
    /// What would happen.
    pub standing: Standing,
    /// The key of all that the verdict depends on, where it has one.
    pub key: Option<Digest>,
    /// The earlier pass that was reached on what differs least, and how it differs.
    pub nearest: Option<(SystemTime, Differences)>,
}

/// What would happen to a gate now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The pass of this time would be replayed.
    Replayed(SystemTime),
    /// It would run, since nothing is known of this work, or what is known can't be used for the
    /// reason given.
    Runs(Option<String>),
    /// It would run whatever is known, for the reason given.
    AlwaysRuns(String),
    /// It could not come to a ruling, for the reason given.
    Broken(String),
}

impl Judge {
    /// Returns what would become of the gates `names`. No gate runs; only the commands do whose output
    /// is part of a key.
    pub async fn explain_all(&self, names: &[String], checkout: &Checkout) -> Vec<Explanation> {
        let mut session = Session::new(self, names, checkout);
        let mut explanations = Vec::with_capacity(names.len());
        for name in names {
            explanations.push(session.explain(name).await);
        }
        explanations
    }
}

impl Session<'_> {
    async fn explain(&mut self, name: &str) -> Explanation {
        let told = |standing| Explanation {
            gate: name.to_owned(),
            standing,
            key: None,
            nearest: None,
        };
        let judge = self.judge;
        let Some(gate) = judge.plan.gates.get(name) else {
            return told(Standing::Broken(format!("the lock has no gate `{name}`")));
        };
        let always = gate
            .external
            .as_ref()
            .filter(|external| external.key.is_none());
        let found = match &gate.kind {
            GateKind::Run { .. } if always.is_some() => {
                let what = always.map_or("", |external| &external.name);
                return told(Standing::AlwaysRuns(format!(
                    "its verdict depends on `{what}`"
                )));
            }
            GateKind::Rollback { .. } => {
                let why = "a rollback is tried anew; what its gates say may be replayed";
                return told(Standing::AlwaysRuns(why.to_owned()));
            }
            GateKind::Run { command } => match self.ask(name, gate, command).await {
                Ok(asked) => Ok(asked.action),
                Err(Unasked::Tool(reason)) => return told(Standing::Broken(reason)),
                Err(Unasked::Session(error)) => Err(error),
            },
            GateKind::Consistency { .. } | GateKind::Docs { .. } => {
                self.kept_action(name, gate).await
            }
        };
        match found {
            Ok(action) => self.compare(name, &action),
            Err(error @ SessionError::Scan(_)) => told(Standing::AlwaysRuns(error.to_string())),
            Err(error) => told(Standing::Broken(error.to_string())),
        }
    }

    fn compare(&self, name: &str, action: &Action) -> Explanation {
        let key = action.key();
        let links = action.inputs.links_elsewhere();
        let standing = match self.judge.cache.known().map(|store| store.get(&key)) {
            Some(Lookup::Hit(record)) => Standing::Replayed(record.started),
            Some(Lookup::Damaged(reason)) => Standing::Runs(Some(reason)),
            Some(Lookup::Miss) | None => match links.first() {
                Some(link) => Standing::AlwaysRuns(format!(
                    "`{}` leads to what is no input",
                    crate::cache::ShownPath(&link.path())
                )),
                None => Standing::Runs(None),
            },
        };
        let is_known = matches!(standing, Standing::Replayed(_));
        let nearest = match self.judge.cache.store() {
            Some(store) if !is_known => store.nearest(name, action),
            Some(_) | None => None,
        };
        Explanation {
            gate: name.to_owned(),
            standing,
            key: Some(key),
            nearest: nearest.map(|(past, differences)| (past.started, differences)),
        }
    }
}
