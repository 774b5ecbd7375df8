//! What earlier passes were reached on, and what is no longer as it was then.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    Action, Definition, Diff, Digest, EnvValue, Platform, Store, Tree, manifest, store::Entry,
};

/// How many bytes of manifests are read to find the nearest pass; always those of the latest.
const READ: u64 = 64 << 20;

/// What an earlier pass was reached on.
#[derive(Debug, Clone)]
pub struct Past {
    /// When it started.
    pub started: SystemTime,
    /// Its key.
    pub key: Digest,
    action: ActionRecord,
    inputs: Tree,
    salt: [u8; 32],
}

/// What is no longer as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The inputs.
    pub inputs: Diff,
    /// The variables, by name.
    pub environment: Vec<String>,
    /// The tools, by name.
    pub tools: Vec<String>,
    /// Of what the gate does: `command`, `folder`, `outputs`, `kind`, `options`.
    pub definition: Vec<&'static str>,
    /// Whether it was another system or architecture.
    pub platform: bool,
    /// Whether the sealed files are others.
    pub sealed: bool,
}

impl Differences {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.inputs.len()
            + self.environment.len()
            + self.tools.len()
            + self.definition.len()
            + usize::from(self.platform)
    }

    /// Returns whether all is as it was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.sealed
    }
}

/// An action without its inputs and without the values of its variables.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ActionRecord {
    definition: Definition,
    environment: BTreeMap<String, Mark>,
    tools: BTreeMap<String, Digest>,
    platform: Platform,
    sealed: Option<Digest>,
}

/// What is kept of a variable: enough to tell whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mark {
    Unset,
    Empty,
    Set(Digest),
}

impl ActionRecord {
    pub(super) fn of(action: &Action, salt: &[u8; 32]) -> Self {
        let marks = action.environment.iter();
        Self {
            definition: action.definition.clone(),
            environment: marks
                .map(|(name, value)| (name.clone(), Mark::of(value, salt)))
                .collect(),
            tools: action.tools.clone(),
            platform: action.platform.clone(),
            sealed: action.sealed,
        }
    }
}

impl Mark {
    fn of(value: &EnvValue, salt: &[u8; 32]) -> Self {
        match value {
            EnvValue::Unset => Self::Unset,
            EnvValue::Empty => Self::Empty,
            EnvValue::Set(value) => Self::Set(Digest::of([&salt[..], value].concat())),
            EnvValue::Secret(digest) => Self::Set(*digest),
        }
    }
}

impl Store {
    /// Returns the pass of a gate with this name that was reached on what differs least from `now`,
    /// of as many as can be read in a moment, the latest first; and the differences.
    pub fn nearest(&self, gate: &str, now: &Action) -> Option<(Past, Differences)> {
        let mut entries: Vec<Entry> = self
            .files("records")
            .into_iter()
            .filter_map(|file| Entry::read(&file.path).ok().flatten())
            .filter(|entry| entry.gate == gate)
            .collect();
        entries.sort_by_key(|entry| Reverse(entry.started_ms));
        let salt = self.read_salt()?;
        let mut left = READ;
        let is_within = |entry: &Entry| {
            let is_first = left == READ;
            let rest = left.checked_sub(entry.manifest.size);
            left = rest.unwrap_or(0);
            is_first || rest.is_some()
        };
        let entries = entries.into_iter().take_while(is_within);
        let pasts = entries.filter_map(|entry| {
            let past = Past {
                started: UNIX_EPOCH + Duration::from_millis(entry.started_ms),
                key: entry.key,
                inputs: manifest::decode(&self.blob(entry.manifest).ok()?)?,
                action: entry.action,
                salt,
            };
            let differences = past.differences(now);
            Some((past, differences))
        });
        pasts.min_by_key(|(_, differences)| differences.len())
    }
}

impl Past {
    /// Returns what is no longer as it was then.
    pub fn differences(&self, now: &Action) -> Differences {
        let record = ActionRecord::of(now, &self.salt);
        let then = &self.action;
        let (new, old) = (&record.definition, &then.definition);
        let parts = [
            ("kind", new.kind != old.kind),
            ("command", new.arguments != old.arguments),
            ("folder", new.directory != old.directory),
            ("outputs", new.outputs != old.outputs),
            ("options", new.options != old.options),
        ];
        Differences {
            inputs: now.inputs.diff(&self.inputs),
            environment: differing(&then.environment, &record.environment),
            tools: differing(&then.tools, &record.tools),
            definition: parts
                .into_iter()
                .filter(|(_, differs)| *differs)
                .map(|(part, _)| part)
                .collect(),
            platform: then.platform != record.platform,
            sealed: then.sealed != record.sealed,
        }
    }
}

fn differing<V: PartialEq>(then: &BTreeMap<String, V>, now: &BTreeMap<String, V>) -> Vec<String> {
    let gone = then.keys().filter(|name| !now.contains_key(*name));
    let other = now.keys().filter(|name| then.get(*name) != now.get(*name));
    let mut names: Vec<String> = other.chain(gone).cloned().collect();
    names.sort();
    names
}
