//! Whether a gate would run now, and what has changed since it passed.

use std::time::SystemTime;

use super::{
    command::{Unasked, is_device, leads_elsewhere},
    judge::Judge,
    order::feeds,
    session::{Session, SessionError},
};
use crate::{
    cache::{Action, Differences, Digest, Lookup},
    plan::{Gate, GateKind},
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
    Replayed {
        /// When it was reached.
        passed: SystemTime,
        /// Whether something that it made would be put back.
        puts_back: bool,
    },
    /// It would run, since nothing is known of this work, or what is known can't be used for the
    /// reason given.
    Runs(Option<String>),
    /// It would run, since the pass of this time was not kept, for the reason given.
    Unkept(SystemTime, String),
    /// That depends on what a gate makes that is asked before, which is named.
    Depends(String),
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
        let mut explanations: Vec<Explanation> = Vec::with_capacity(names.len());
        for name in names {
            let mut explanation = session.explain(name).await;
            // What an earlier one makes is not there yet.
            let fed = explanations.iter().find(|earlier| {
                earlier.standing.makes_something() && self.feeds(&earlier.gate, name)
            });
            if let Some(earlier) = fed {
                explanation.standing = Standing::Depends(earlier.gate.clone());
                explanation.nearest = None;
            }
            explanations.push(explanation);
        }
        explanations
    }
}

impl Judge {
    fn feeds(&self, from: &str, to: &str) -> bool {
        let gate = |name| self.plan.gates.get(name);
        gate(from)
            .zip(gate(to))
            .is_some_and(|(from, to)| feeds(from, to))
    }
}

impl Standing {
    // Whether files may be others afterwards.
    const fn makes_something(&self) -> bool {
        match self {
            Self::Replayed { puts_back, .. } => *puts_back,
            Self::Runs(_) | Self::Unkept(..) | Self::Depends(_) | Self::AlwaysRuns(_) => true,
            Self::Broken(_) => false,
        }
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
                Ok(asked) => match asked.marks.doubts.first() {
                    Some(doubt) => return told(Standing::AlwaysRuns(doubt.clone())),
                    None => Ok(asked.action),
                },
                Err(Unasked::Tool(reason)) => return told(Standing::Broken(reason)),
                Err(Unasked::Session(error)) => Err(error),
            },
            GateKind::Consistency { .. } | GateKind::Docs { .. } => {
                self.kept_action(name, gate).await
            }
        };
        match found {
            Ok(action) => self.compare(name, gate, &action),
            Err(error @ SessionError::Scan(_)) => told(Standing::AlwaysRuns(error.to_string())),
            Err(error) => told(Standing::Broken(error.to_string())),
        }
    }

    fn compare(&self, name: &str, gate: &Gate, action: &Action) -> Explanation {
        let key = action.key();
        let store = self.judge.cache.known();
        let standing = match store.map(|store| (store, store.get(&key))) {
            Some((store, Lookup::Hit(record))) => {
                let passed = record.started;
                let makes = self.makes(gate, &[]);
                match makes.map(|makes| store.would_put_back(&record.outputs, &makes)) {
                    None => Standing::Replayed {
                        passed,
                        puts_back: false,
                    },
                    Some(Ok(puts_back)) => Standing::Replayed { passed, puts_back },
                    Some(Err(reason)) => Standing::Runs(Some(reason)),
                }
            }
            Some((_, Lookup::Damaged(reason))) => Standing::Runs(Some(reason)),
            Some((store, Lookup::Miss)) => {
                let device = action.inputs.device();
                let links = action.inputs.links_elsewhere();
                match (links.first(), device, store.unkept(&key)) {
                    (Some(link), ..) => Standing::AlwaysRuns(leads_elsewhere(&link.path())),
                    (_, Some(device), _) => Standing::AlwaysRuns(is_device(&device.path())),
                    (.., Some((passed, reason))) => Standing::Unkept(passed, reason),
                    (None, None, None) => Standing::Runs(None),
                }
            }
            None => Standing::Runs(None),
        };
        let is_known = matches!(standing, Standing::Replayed { .. } | Standing::Unkept(..));
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
