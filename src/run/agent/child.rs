//! The agent as a child process: confined, closed in, waited for.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use super::{
    AgentError, Assignment, Held,
    private::{Private, Writable, file, fresh, policy},
};
use crate::{
    boundary::Boundary,
    run::{
        charge::Record,
        confine,
        process::{self, Cancel, Exit, Finished, Keeper, Launch},
    },
};

// What is kept of each output stream.
const KEPT: usize = 16 << 20;

/// What is started as the agent.
#[derive(Debug)]
pub(super) struct Program {
    /// The program, looked up on the PATH of its environment when it has no slash.
    pub command: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// Its whole environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// Files that it reads though they are neither the system's nor in the checkout.
    pub files: Vec<PathBuf>,
}

/// Starts the agent in the checkout and waits for its end.
pub(super) async fn run(
    assignment: &Assignment,
    boundary: &Boundary,
    private: &Private,
    program: Program,
    cancel: Cancel,
) -> Result<(Finished, Held), AgentError> {
    let scratch = &assignment.plan.workspace.scratch;
    let writable = Writable::prepare(&assignment.checkout, boundary, scratch)?;
    let report = fresh(&private.control, "report.jsonl")?;
    let policy = policy(
        assignment,
        private,
        &writable,
        &program.files,
        report.clone(),
    );
    let policy = serde_json::to_vec(&policy)
        .map_err(|error| AgentError::Driver(format!("the domain can't be written: {error}")))?;
    let policy = private.steer("policy.json", policy)?;
    let name = format!("{}.{}", assignment.task, assignment.step);
    let record = assignment.records.clone();
    let launch = Launch {
        program: program.command,
        args: program.args,
        folder: assignment.checkout.clone(),
        env: program.environment,
        input: Some(program.input),
        wall: assignment.wall,
        keep: KEPT,
        keeper: Some(Keeper {
            exe: assignment.exe.clone(),
            policy: Some(policy),
            record: record.map(|folder| Record { folder, name }),
        }),
        waiting: None,
    };
    let ended = process::run(launch, cancel).await;
    writable.tidy();
    let finished = ended.map_err(|cause| AgentError::Start {
        program: assignment.exe.display().to_string(),
        cause,
    })?;
    if finished.exit == Exit::Cancelled {
        return Err(AgentError::Cancelled);
    }
    let reported = confine::confinement(&report).map_err(|cause| file(&report, cause))?;
    let confinement = reported.map_err(|why| {
        let why = why.unwrap_or_else(|| last_words(&finished));
        AgentError::Driver(format!("the agent was not started: {why}"))
    })?;
    Ok((finished, writable.held(&confinement)))
}

/// Returns the end of what a child wrote to standard error, or how it ended, in one line.
pub(super) fn last_words(finished: &Finished) -> String {
    let stderr = String::from_utf8_lossy(&finished.stderr);
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines
        .iter()
        .rev()
        .take(3)
        .rev()
        .copied()
        .collect::<Vec<_>>()
        .join("; ");
    let ended = format!("it {}", finished.exit);
    if last.is_empty() {
        ended
    } else {
        format!("{ended}: {}", shortened(&last, 600))
    }
}

/// Returns `text`, or as much of its beginning as `most` bytes hold.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}
