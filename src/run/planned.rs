//! What planning has cost: one line for each sentence that a planner was given, beside the runs.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
};

use serde::{Deserialize, Serialize};

use super::{clock::Moment, project::Project};
use crate::plan::Usd;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: Moment,
    /// The task that came of it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    cost: Usd,
}

/// Writes down what it cost to plan `task`, or what was paid for no task.
///
/// # Errors
///
/// Where it can't be written.
pub fn note(project: &Project, task: Option<&str>, cost: Usd) -> io::Result<()> {
    if cost == Usd::ZERO {
        return Ok(());
    }
    let path = file(project);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut line = serde_json::to_vec(&Line {
        at: Moment::now(),
        task: task.map(str::to_owned),
        cost,
    })?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)
}

/// Returns what the tasks that `counts` names have cost to plan, as far as that is known.
pub(super) fn cost_of(project: &Project, counts: impl Fn(&str) -> bool) -> Usd {
    let text = fs::read_to_string(file(project)).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .filter(|line| line.task.as_deref().is_some_and(&counts))
        .fold(Usd::ZERO, |all, line| all.plus(line.cost))
}

fn file(project: &Project) -> std::path::PathBuf {
    project.common().join("factory/planned.jsonl")
}
