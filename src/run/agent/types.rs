//! What an agent is given, and what it leaves.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::plan::{self, Boundary, Layer, Plan, Role, Usd};

/// One attempt of one role at one step.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The plan that is carried out.
    pub plan: Arc<Plan>,
    /// The task; for the planner, which has none yet, any word.
    pub task: String,
    /// The step within the task.
    pub step: String,
    /// Who works: a role of the plan.
    pub role: String,
    /// What the step asks, and to what it narrows the role.
    pub agent: plan::Agent,
    /// The accepted prompt, with the role's memory in its place.
    pub prompt: String,
    /// What is asked in this attempt: the step's brief, and what came back from gates or verdicts.
    pub brief: String,
    /// The private clone in which it works.
    pub checkout: PathBuf,
    /// A folder of the step's own that lasts from its first attempt to its last: a home, room for
    /// temporary files, and what steers the client. Neither in the checkout nor around it.
    pub private: PathBuf,
    /// The root of the owner's project.
    pub project: PathBuf,
    /// The binary of `factory`, which confines the child, guards its calls, and plays recordings.
    pub exe: PathBuf,
    /// Where it is written down that the agent runs, for whoever goes on after this process was killed.
    pub records: Option<PathBuf>,
    /// The owner's environment, from which what is granted is taken.
    pub environment: Arc<BTreeMap<OsString, OsString>>,
    /// The session to go on with: [`Attempt::session`] of an earlier attempt.
    pub session: Option<String>,
    /// How often this step's agent has been started in this task, this time included.
    pub attempt: u32,
    /// What this attempt may cost.
    pub budget: Usd,
    /// How long it may take.
    pub wall: Duration,
    /// What is expected as its last word.
    pub answer: Answer,
}

impl Assignment {
    /// Returns the role, as the plan has it.
    ///
    /// # Errors
    ///
    /// Where the plan has no such role.
    pub fn planned_role(&self) -> Result<&Role, AgentError> {
        self.plan
            .roles
            .get(&self.role)
            .ok_or_else(|| AgentError::Unplanned {
                what: "role",
                name: self.role.clone(),
            })
    }

    /// Returns what the role may do in this step.
    ///
    /// # Errors
    ///
    /// Where the plan has no such role.
    pub fn boundary(&self) -> Result<Boundary, AgentError> {
        Ok(Plan::boundary_in(self.planned_role()?, &self.agent))
    }
}

/// What is expected of an agent as its last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Prose.
    Text,
    /// A [`super::Verdict`].
    Verdict,
    /// A [`super::PlannedTask`].
    Task,
}

/// What an attempt left, beside its changes to the checkout.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its last word.
    pub text: String,
    /// Its last word by schema; there whenever one was asked for and the attempt completed.
    pub structured: Option<serde_json::Value>,
    /// What it cost, as far as that is known.
    pub cost: Usd,
    /// What the client calls the session, so that it can go on.
    pub session: Option<String>,
    /// What was refused while it worked, one line each.
    pub refused: Vec<String>,
    /// The commit message that it proposes.
    pub message: Option<String>,
    /// What kept it within its boundary while it ran.
    pub held: Held,
    /// How it ended.
    pub ended: Ended,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It says that it is done.
    Completed,
    /// It used up what it may cost.
    Budget,
    /// It used up its time.
    TimedOut,
    /// The provider's limit is reached; this was no attempt.
    Limit {
        /// When one may go on, where the provider says so.
        resets_at: Option<SystemTime>,
    },
    /// It says that it is done, and its answer is not of the form that was asked for.
    Formless(String),
    /// It did not come to an end of its own, for the reason given.
    Failed(String),
}

/// What kept an agent within its boundary while it ran; the audit comes afterwards in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What held writes: [`Layer::Prevented`] where the kernel did, by directory.
    pub write: Layer,
    /// The same in words, for the journal.
    pub note: String,
}

/// Why an agent could not be started or waited for.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The run was cancelled while the agent worked, and the agent is gone.
    #[error("the run was cancelled")]
    Cancelled,
    /// A name of the assignment that the plan does not have.
    #[error("the plan has no {what} `{name}`")]
    Unplanned {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is no recorded answer to play.
    #[error("no recording for this attempt: looked for `{}`", path.display())]
    NoRecording {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The driver can't be used as the plan has it.
    #[error("{0}")]
    Driver(String),
    /// A file of the attempt could not be read or written.
    #[error("can't use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A program could not be started.
    #[error("can't start `{program}`")]
    Start {
        /// Which.
        program: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}
