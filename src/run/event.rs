//! What happens in a run, one event each: what the journal holds and what is shown while it runs.

use serde::{Deserialize, Serialize};

use super::{agent::Verdict, clock::RunId};
use crate::{
    cache::Digest,
    plan::{Layer, Usd},
};

/// One thing that happened in a run.
///
/// The state of a run is what these add up to, in their order, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run began.
    RunStarted {
        /// Its name.
        run: RunId,
        /// The digest of the lock that it carries out.
        lock: Digest,
        /// The version of `factory` that runs it.
        compiler: String,
        /// The commit that the work starts from.
        base: String,
        /// The tasks that it carries out, in order.
        tasks: Vec<String>,
        /// What all attempts may cost together, where that is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<Usd>,
        /// Whether tasks that have landed before are done again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// A run that had been interrupted goes on.
    RunResumed {
        /// The version of `factory` that goes on with it.
        compiler: String,
        /// What all attempts may cost together from now on, where that is said anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<Usd>,
        /// Whether what failed by its work is tried again, with attempts and budgets as at first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retry: bool,
    },
    /// A task is left out since it has landed before, in this run or in another.
    TaskSkipped {
        /// The task.
        task: String,
        /// The commit that it landed with.
        commit: String,
    },
    /// A gate gave its verdict.
    GateJudged {
        /// On whose work; without one, on the untouched base.
        #[serde(flatten)]
        place: Option<Place>,
        /// The gate.
        gate: String,
        /// What it says.
        outcome: Judgement,
        /// Whether the verdict was replayed from the cache.
        replayed: bool,
        /// How long it took, in milliseconds.
        millis: u64,
    },
    /// The gates do not fail on the untouched base.
    BaselineHeld,
    /// A gate fails on the untouched base: no agent is started.
    BaselineRed {
        /// The gates that fail.
        gates: Vec<String>,
        /// What they said.
        output: String,
    },
    /// Work on a task begins.
    TaskStarted {
        /// The task.
        task: String,
        /// The branch that it lands on.
        branch: String,
        /// The commit that the branch starts from.
        base: String,
    },
    /// A step begins a round of work on the tip of its branch.
    StepStarted {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The tip.
        base: String,
    },
    /// An agent is started.
    AttemptStarted {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Which attempt of the step.
        attempt: u32,
        /// What it may cost.
        budget: Usd,
    },
    /// An agent ended, and its files are safe.
    AttemptEnded {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Which attempt of the step.
        attempt: u32,
        /// How.
        end: AttemptEnd,
        /// What it cost.
        cost: Usd,
        /// The tree of its files.
        tree: String,
        /// Repositories among its files, which no tree can hold.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        repositories: Vec<String>,
        /// The session that can go on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        /// The commit message that it proposes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Its verdict, as it gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<serde_json::Value>,
        /// What its guard refused, one line each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        guarded: Vec<String>,
        /// What held its writes while it ran.
        held: Layer,
    },
    /// The provider's limit is reached and waited for.
    LimitReached {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// How long it is waited for, in seconds.
        seconds: u64,
    },
    /// An attempt is not accepted; the same round of work goes on with the next one.
    SentBack {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Who sends it back.
        by: Sender,
        /// What the agent is told.
        feedback: String,
    },
    /// What was accepted is to be repaired: a step begins a new round, and others run again.
    Repair {
        /// The step that repairs.
        #[serde(flatten)]
        place: Place,
        /// Who wants it.
        by: Complaint,
        /// What the agent is told.
        feedback: String,
        /// The steps that run again after it, in order.
        again: Vec<String>,
    },
    /// The branch moved while a step worked; its work was put on the new tip.
    Merged {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The new tip.
        onto: String,
        /// The tree of the work on it.
        tree: String,
        /// The files that conflict; the tree has both versions, marked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        conflicts: Vec<String>,
        /// What the agent is told of the conflicts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feedback: Option<String>,
    },
    /// Work has passed its gates, and the branch is about to be moved.
    Landing {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The commit that is to be the tip.
        commit: String,
        /// The tip that it replaces.
        onto: String,
    },
    /// The branch has been moved.
    Landed {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The new tip.
        commit: String,
        /// Its subject.
        subject: String,
    },
    /// A step is done that lands nothing: a passing verdict, a report, work that needed no change.
    Accepted {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Its verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Verdict>,
        /// The files that are kept in the run's folder.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// A step has ended without being accepted.
    StepFailed {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Why.
        why: Failure,
        /// The reference that keeps its work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<String>,
    },
    /// An acceptance criterion was looked at on the final tree.
    Criterion {
        /// The task.
        task: String,
        /// The criterion.
        text: String,
        /// What proves it.
        proof: Proven,
    },
    /// Everything of a task that lands has landed.
    TaskLanded {
        /// The task.
        task: String,
        /// What the task is, whatever the rest of the lock says.
        identity: Digest,
        /// The tip of its branch.
        commit: String,
    },
    /// A step waits for an approval.
    Waiting {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Whose.
        approval: String,
        /// Whether its command was started before, and nobody knows how far it came.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        started: bool,
    },
    /// A step was approved.
    Approved {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// By whom.
        by: String,
    },
    /// A command with an effect is started.
    EffectStarted {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// The commit in whose checkout it runs.
        commit: String,
    },
    /// A command with an effect ended.
    EffectEnded {
        /// Where.
        #[serde(flatten)]
        place: Place,
        /// Its exit code; none where it did not exit by itself.
        code: Option<i32>,
        /// The end of what it said.
        output: String,
    },
    /// Something outside of its steps keeps a task from going on.
    TaskTroubled {
        /// The task.
        task: String,
        /// What.
        what: String,
    },
    /// A task ended in this run.
    TaskEnded {
        /// The task.
        task: String,
        /// How.
        end: TaskEnd,
        /// Whether what it lands has landed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        landed: bool,
    },
    /// Something that changes nothing, and that the owner may want to know.
    Note {
        /// What, in one sentence.
        text: String,
    },
    /// The run was cancelled; it can be resumed.
    RunCancelled,
    /// Nothing is left to do, or nothing can be done without the owner.
    RunEnded,
}

impl Event {
    /// Returns whether work would be lost, paid for again, or done twice if the journal forgot it.
    pub const fn matters(&self) -> bool {
        !matches!(
            self,
            Self::GateJudged { .. }
                | Self::TaskSkipped { .. }
                | Self::Note { .. }
                | Self::LimitReached { .. }
        )
    }
}

/// A step of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The task.
    pub task: String,
    /// The step.
    pub step: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.task, self.step)
    }
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// All is well.
    Pass,
    /// Something is wrong with the work.
    Fail,
    /// There was nothing to judge.
    Nothing,
    /// It could not judge.
    Broken,
}

impl Judgement {
    /// Returns whether work may go on.
    pub const fn lets_pass(self) -> bool {
        matches!(self, Self::Pass | Self::Nothing)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum AttemptEnd {
    /// The agent says that it is done.
    Completed,
    /// It used up what it may cost.
    Budget,
    /// It used up its time.
    TimedOut,
    /// The provider's limit was reached: no attempt.
    Limit,
    /// It failed.
    Failed {
        /// Why.
        why: String,
    },
}

impl AttemptEnd {
    /// Returns whether it counts as one of the attempts that `stop` allows.
    pub const fn counts(&self) -> bool {
        match self {
            Self::Completed | Self::Budget | Self::TimedOut | Self::Failed { .. } => true,
            Self::Limit => false,
        }
    }
}

/// Who does not accept an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "kebab-case")]
pub enum Sender {
    /// The audit: changes over the boundary.
    Audit {
        /// The changes.
        refused: Vec<Refusal>,
    },
    /// Gates that fail.
    Gates {
        /// Which.
        gates: Vec<String>,
    },
    /// The runner: an answer that is not what was asked for, an agent that failed.
    Runner,
}

/// Who wants accepted work to be repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "kebab-case")]
pub enum Complaint {
    /// A failing verdict.
    Verdict {
        /// The step that gave it.
        from: String,
        /// What it says.
        verdict: Verdict,
    },
    /// An acceptance criterion whose command fails on the final tree.
    Criterion {
        /// The criterion.
        text: String,
    },
}

/// A change that may not land.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refusal {
    /// The path.
    pub path: String,
    /// What was done to it.
    pub change: ChangeKind,
    /// Why it may not land.
    pub why: String,
}

/// What was done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// Its content is another.
    Modified,
    /// It is not there any more.
    Deleted,
    /// Only its mode is another.
    Mode,
    /// It is another kind of thing.
    Type,
}

impl std::fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Mode => "mode changed",
            Self::Type => "type changed",
        })
    }
}

/// Why a step ended without being accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Failure {
    /// It used up its attempts.
    Attempts {
        /// How many there were.
        attempts: u32,
        /// What came back from the last one.
        last: String,
    },
    /// It used up what it may cost.
    Usd {
        /// What it cost.
        spent: Usd,
    },
    /// The run used up what it may cost.
    Cap {
        /// What the run cost.
        spent: Usd,
    },
    /// An attempt used up its time.
    Wall {
        /// How long that was, in seconds.
        seconds: u64,
    },
    /// An attempt changed nothing.
    NoChange,
    /// An attempt came back to a tree that was judged before.
    SameTree,
    /// The verdict is fail, and nothing can repair it.
    Verdict {
        /// The reasons.
        reasons: Vec<String>,
    },
    /// The provider's limit lasts longer than a run waits.
    Limit,
    /// An acceptance criterion does not hold, and nothing may repair it any more.
    Criterion {
        /// The criterion.
        text: String,
    },
    /// Something outside the work failed.
    Trouble {
        /// What.
        what: String,
    },
    /// The command with an effect failed.
    Effect {
        /// Its exit code; none where it did not exit by itself.
        code: Option<i32>,
    },
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Attempts { attempts: 1, .. } => write!(f, "its one attempt was not accepted"),
            Self::Attempts { attempts, .. } => {
                write!(f, "none of its {attempts} attempts was accepted")
            }
            Self::Usd { spent } => write!(f, "it used up its budget: ${spent}"),
            Self::Cap { spent } => write!(f, "the run used up its budget: ${spent}"),
            Self::Wall { seconds } => write!(f, "an attempt took longer than {seconds} s"),
            Self::NoChange => write!(f, "an attempt changed nothing"),
            Self::SameTree => write!(f, "an attempt came back to what had been refused before"),
            Self::Verdict { reasons } => write!(f, "the verdict is fail: {}", reasons.join("; ")),
            Self::Limit => write!(
                f,
                "the provider's usage limit lasts too long to be waited for"
            ),
            Self::Criterion { text } => write!(f, "a criterion does not hold: {text}"),
            Self::Trouble { what } => f.write_str(what),
            Self::Effect { code: Some(code) } => write!(f, "its command exited with {code}"),
            Self::Effect { code: None } => write!(f, "its command was ended"),
        }
    }
}

/// What proves an acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Proven {
    /// A command that exited 0 on the final tree.
    Command {
        /// The command.
        run: String,
    },
    /// A command that fails on the final tree.
    Refuted {
        /// The command.
        run: String,
        /// The end of what it said.
        output: String,
    },
    /// The passing verdict of a step.
    Verdict {
        /// The role.
        role: String,
        /// The step.
        step: String,
    },
    /// Nobody: nothing is said to prove it, or the role that should has given no verdict.
    Nobody,
}

/// How a task ended in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskEnd {
    /// All of it is done.
    Finished,
    /// It waits for an approval; what lands has landed or not, as its events say.
    Waiting,
    /// It has stopped.
    Failed,
}
