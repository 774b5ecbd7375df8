//! What can end a run that is no agent's fault.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    audit::AuditError, clock::RunId, git::GitError, journal::JournalError, project::ProjectError,
    workshop::WorkshopError,
};

/// Why a plan could not be carried out. The journal of a run that began can be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The project can't be worked on.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A checkout could not be made ready or read.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The plan names a path that is none.
    #[error("{0}")]
    Plan(String),
    /// A file could not be used.
    #[error("can't use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no such task.
    #[error("the lock has no task `{name}`")]
    NoTask {
        /// Its name.
        name: String,
    },
    /// There is no commit to start from.
    #[error("there is no commit `{name}` to start from")]
    NoBase {
        /// What was named, or `HEAD`.
        name: String,
    },
    /// Another branch has a name with which the task's own can't be.
    #[error(
        "the branch `{branch}` can't be made while there is a branch `{other}`: a name is either a branch \
         or the folder of one; rename it with `git branch -m {other} NEW`"
    )]
    BranchInTheWay {
        /// The branch.
        branch: String,
        /// The other one.
        other: String,
    },
    /// A prompt is not the accepted one.
    #[error("the prompt of `{role}` is not the accepted one")]
    Prompt {
        /// Whose.
        role: String,
    },
    /// There is no such run.
    #[error("there is no run {run}")]
    NoRun {
        /// Its name.
        run: RunId,
    },
    /// A run's process was killed before anything was written down.
    #[error("run {run} never began: its journal is empty")]
    NeverBegan {
        /// Its name.
        run: RunId,
    },
    /// What an earlier process started has not ended.
    #[error("what an earlier process started in `{}` may still run", folder.display())]
    StillRunning {
        /// The folder of its checkouts.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A run's folder is not what the run began with.
    #[error("the plan in the folder of run {run} is not the one that it began with")]
    Tampered {
        /// Its name.
        run: RunId,
    },
    /// The task's branch holds work that this run did not make.
    #[error(
        "the branch `{branch}` has commits that are not in the base; go on with the run that made them \
         (`factory exec --resume`, or `--retry` where a step of it failed), delete it, or start over with \
         `--again`"
    )]
    BranchTaken {
        /// The branch.
        branch: String,
    },
    /// The task's branch is checked out, and what is checked out is never touched.
    #[error("the branch `{branch}` is checked out in `{folder}`; check out another one there")]
    CheckedOut {
        /// The branch.
        branch: String,
        /// Where.
        folder: String,
    },
    /// The branch was moved by someone else over and over again.
    #[error("the branch `{branch}` does not stand still")]
    Unsteady {
        /// The branch.
        branch: String,
    },
    /// The run was cancelled. Never returned by [`exec`](super::exec()).
    #[error("the run was cancelled")]
    Cancelled,
}

impl From<AuditError> for ExecError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Git(error) => error.into(),
            AuditError::Pattern(error) => Self::Plan(error.to_string()),
        }
    }
}

/// Returns what an error says, with its causes.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> ExecError + '_ {
    move |cause| ExecError::File {
        path: path.to_owned(),
        cause,
    }
}
