//! What a lock says of the last build, and why the next one writes something else.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{Input, Output, Plan};

/// What a lock says of the build that wrote it. The default one knows nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Previous {
    /// The version of `factory` that built.
    pub compiler: String,
    /// What it was made from, by path.
    pub inputs: BTreeMap<String, Input>,
    /// What it wrote, by path.
    pub outputs: BTreeMap<String, Output>,
}

/// Why an output is not what the last build wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// These inputs changed.
    #[error("with {}", few(.0))]
    Inputs(Vec<String>),
    /// No input of it changed; another compiler makes it.
    #[error("changed by the upgrade from {from}")]
    Upgrade {
        /// The version that wrote it.
        from: String,
    },
    /// No input changed; what its sections are made from did.
    #[error("a file that its sections are made from changed")]
    Files,
    /// Another compiler makes it, and what its sections are made from may have changed.
    #[error("changed by the upgrade from {from}, or by a file that its sections are made from")]
    UpgradeOrFiles {
        /// The version that wrote it.
        from: String,
    },
    /// It was written, and is not there any more.
    #[error("it was written, and is gone")]
    Gone,
}

// The most inputs that are named.
const MOST_NAMED: usize = 3;

fn few(paths: &[String]) -> String {
    let named = paths.iter().take(MOST_NAMED).map(String::as_str);
    let mut text = named.collect::<Vec<_>>().join(", ");
    if let Some(more) = paths.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

impl Previous {
    /// Returns the version that built, if it is another one than that of `now`.
    pub fn upgraded(&self, now: &Plan) -> Option<&str> {
        let known = !self.compiler.is_empty() && self.compiler != now.compiler;
        known.then_some(self.compiler.as_str())
    }

    /// Returns the inputs that are new, changed, or gone in `now`, in order.
    pub fn changed_inputs(&self, now: &Plan) -> Vec<String> {
        let paths = self.inputs.keys().chain(now.inputs.keys());
        let changed = paths.filter(|path| self.inputs.get(*path) != now.inputs.get(*path));
        let mut changed: Vec<_> = changed.cloned().collect();
        changed.sort();
        changed.dedup();
        changed
    }

    /// Returns why `now` has something else at `path`, as far as it can be told. `made_from` are the prompts
    /// that the output is made from; the spec and its templates may be part of every one.
    pub fn reason(
        &self,
        path: &str,
        now: &Plan,
        made_from: &[String],
        is_there: bool,
    ) -> Option<Reason> {
        let written = self.outputs.get(path)?;
        if !is_there {
            return Some(Reason::Gone);
        }
        let of_all = |input: &String| {
            Path::new(input).extension() == Some("kdl".as_ref()) || input.starts_with("templates/")
        };
        let mut changed = self.changed_inputs(now);
        changed.retain(|input| of_all(input) || made_from.contains(input));
        if !changed.is_empty() {
            return Some(Reason::Inputs(changed));
        }
        let from = self.upgraded(now).map(str::to_owned);
        match (written, from) {
            (Output::Sections { .. }, Some(from)) => Some(Reason::UpgradeOrFiles { from }),
            (Output::Sections { .. }, None) => Some(Reason::Files),
            (Output::File { .. } | Output::Entries { .. }, Some(from)) => {
                Some(Reason::Upgrade { from })
            }
            (Output::File { .. } | Output::Entries { .. }, None) => None,
        }
    }
}
