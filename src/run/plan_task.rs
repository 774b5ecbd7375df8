//! A sentence → a task, by the role that plans.

use std::{fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use super::{
    agent::{self, AgentError, Answer, Assignment, Ended, PlannedTask},
    clock::RunId,
    commands::Commands,
    error::ExecError,
    event::Place,
    land,
    process::Cancel,
    project::Project,
    workshop::{Cloned, Workshop},
};
use crate::{
    boundary::{Entry, PathPattern},
    plan::{Agent, Plan, Usd, Yields},
};

/// What the planner is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What its owner wants, in their own words.
    pub sentence: &'a str,
    /// The planner's accepted prompt.
    pub prompt: &'a str,
    /// What was wrong with its last answer.
    pub feedback: Option<&'a str>,
    /// Which answer this will be, from 1.
    pub round: u32,
}

/// What the planner answered.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The task, or what is wrong with the answer, in words for the planner.
    pub task: Result<PlannedTask, String>,
    /// What it cost.
    pub cost: Usd,
}

/// Why nothing could be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanTaskError {
    /// The factory has no planner.
    #[error("the factory has no planner")]
    NoPlanner,
    /// The project can't be worked on.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The agent could not be started.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The agent came to no end of its own.
    #[error("the planner did not finish: {why}")]
    Unfinished {
        /// Why.
        why: String,
        /// What it cost.
        cost: Usd,
    },
}

/// Lets the planner of `plan` turn a sentence into a task. It works in a clone of the owner's last
/// commit, in which it may write nothing.
///
/// # Errors
///
/// Where the planner can't be started, or ends without an answer.
pub async fn plan_task(
    project: &Project,
    plan: Arc<Plan>,
    asked: &Asked<'_>,
    exe: PathBuf,
    cancel: Cancel,
) -> Result<Planned, PlanTaskError> {
    let planner = plan
        .factory
        .planner
        .clone()
        .ok_or(PlanTaskError::NoPlanner)?;
    let role = plan.roles.get(&planner).ok_or(PlanTaskError::NoPlanner)?;
    let stop = role.stop;
    let run = RunId::new();
    let base = land::resolve(project.checkout(), "HEAD").await;
    let base = base.map_err(ExecError::from)?.ok_or(ExecError::NoBase {
        name: "HEAD".to_owned(),
    })?;
    let commands = Commands::kept_by(exe.clone())
        .recorded_in(project.records(&run))
        .confined(project.environment().clone(), project.root().to_owned());
    let workshop = Workshop::open(project, Arc::clone(&plan), &run, commands, cancel.clone())
        .map_err(ExecError::from)?;
    let place = Place {
        task: "plan".to_owned(),
        step: "plan".to_owned(),
    };
    let mut notes = Vec::new();
    let cloned = workshop.clone_for(&place, &base, None, &mut notes).await;
    let Cloned { checkout, .. } = match cloned {
        Ok(cloned) => cloned,
        Err(error) => {
            workshop.remove().map_err(ExecError::from)?;
            return Err(ExecError::from(error).into());
        }
    };
    let assignment = Assignment {
        plan: Arc::clone(&plan),
        task: place.task,
        step: place.step,
        role: planner.clone(),
        agent: Agent {
            role: planner,
            yields: Yields::Report,
            sends_back: None,
            brief: String::new(),
            only_write: Some(Vec::new()),
            only_run: None,
            stop,
        },
        prompt: asked.prompt.to_owned(),
        brief: brief(&plan, asked),
        checkout: checkout.tree,
        private: checkout.private,
        project: project.root().to_owned(),
        exe,
        records: Some(project.records(&run)),
        environment: Arc::new(project.environment().clone()),
        session: None,
        attempt: asked.round,
        budget: stop.usd,
        wall: Duration::from_secs(stop.wall),
        answer: Answer::Task,
    };
    let attempt = agent::attempt(assignment, cancel).await;
    workshop.remove().map_err(ExecError::from)?;
    let attempt = attempt?;
    let cost = attempt.cost;
    let unfinished = |why: &str| {
        let why = why.to_owned();
        Err(PlanTaskError::Unfinished { why, cost })
    };
    let task = match (&attempt.ended, &attempt.structured) {
        (Ended::Completed, Some(answer)) => {
            PlannedTask::parse(answer).map_err(|error| error.to_string())
        }
        (Ended::Completed, None) => Err("the answer holds no task".to_owned()),
        (Ended::Formless(why), _) => Err(format!(
            "{why}; answer with one JSON object of the form that was asked for, and nothing around it"
        )),
        (Ended::Budget, _) => return unfinished("it used up its budget"),
        (Ended::TimedOut, _) => return unfinished("it used up its time"),
        (Ended::Limit { .. }, _) => return unfinished("the provider's usage limit is reached"),
        (Ended::Failed(why), _) => return unfinished(why),
    };
    Ok(Planned { task, cost })
}

// What the planner reads: the wish, who there is, and what makes a task a good one.
fn brief(plan: &Plan, asked: &Asked<'_>) -> String {
    let mut text = format!(
        "# Plan a task\n\nYour owner wants:\n\n> {}\n\n\
         Look at the project as far as you need to, then answer with the task: a short `name` (lower-case letters, \
         digits, hyphens), the `goal` in your owner's words, criteria in `accept`, and `steps`.\n\n\
         - A criterion is something that can be seen from outside. Give `run` where a command can prove it on the \
         finished tree, `by` where a role's verdict has to; with neither, nobody proves it.\n\
         - A step is the work of one role. Its `items` are concrete: names, routes, files, edge cases. `files` are \
         patterns of what it may write and never more than the role may; `read_first` are files that exist; `after` \
         names steps that it builds on. Steps that touch other files need no `after` and run at the same time.\n\
         - A step with `yields` \"verdict\" judges what came before and names in `sends_back` the step that repairs.\n\
         - As few steps as the work needs. The gates below run by themselves behind every step that commits.\n\n\
         ## Roles\n\n",
        asked.sentence.lines().collect::<Vec<_>>().join("\n> ")
    );
    for (name, role) in &plan.roles {
        let _ = write!(text, "- `{name}` ({}): {}", role.title, role.description);
        let writes = patterns(&role.boundary.write.may);
        let _ = match writes.as_str() {
            "" => writeln!(text, " It writes nothing."),
            writes => writeln!(text, " It may write {writes}."),
        };
    }
    text.push_str("\n## Gates\n\n");
    for (name, gate) in &plan.gates {
        let _ = writeln!(text, "- `{name}`: {}", gate.title);
    }
    if let Some(feedback) = asked.feedback {
        let _ = write!(
            text,
            "\n## Your last answer was not accepted\n\n{feedback}\n"
        );
    }
    text
}

fn patterns(entries: &[Entry<PathPattern>]) -> String {
    let written: Vec<_> = entries
        .iter()
        .map(|entry| format!("`{}`", entry.pattern))
        .collect();
    written.join(", ")
}
