//! The end of a task: its acceptance criteria on the final tree, and the commands with an effect.

use std::{io, os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use super::{
    agent::Ruling,
    brief,
    error::{ExecError, file_error},
    event::{Complaint, Event, Failure, Place, Proven},
    exec::Runner,
    gate::Environment,
    gates::Lane,
    process::{Exit, Finished, Launch},
    progress::Phase,
    project::Environment as Owner,
    schedule,
    workshop::tail,
};
use crate::{
    boundary::{NamePattern, Pattern as _},
    plan::{Proof, StepKind, Task, Yields},
};

/// How much of what a command said is kept.
const SHOWN: usize = 4 << 10;

impl Runner<'_> {
    /// Looks at the acceptance criteria of a task whose steps are all accepted. Where a command
    /// fails, the last step that landed something repairs it while it may; else the task has landed.
    pub(super) async fn accept(&self, task: &str) -> Result<(), ExecError> {
        let Some(planned) = self.plan.tasks.get(task) else {
            return Ok(());
        };
        let tip = self.tip(task).await?;
        let mut refuted = None;
        for accept in &planned.accept {
            let proof = match &accept.proof {
                Proof::Command { run } => self.prove(run, &tip).await?,
                Proof::Verdict { role } => self.verdict_by(task, planned, role),
                Proof::Nobody => Proven::Nobody,
            };
            if let (Proven::Refuted { run, output }, None) = (&proof, &refuted) {
                refuted = Some((accept.text.clone(), run.clone(), output.clone()));
            }
            self.event(Event::Criterion {
                task: task.to_owned(),
                text: accept.text.clone(),
                proof,
            })?;
        }
        match refuted {
            None => self.mark_landed(task, &tip).await,
            Some((text, run, output)) => self.repair_criterion(task, planned, text, &run, &output),
        }
    }

    async fn prove(&self, run: &str, tip: &str) -> Result<Proven, ExecError> {
        let lane = self.lane().await?;
        let room = self.room(&lane, tip, &[]).await?;
        let launch = self.launch(run, &lane, &room);
        let cancel = self.cancel.clone();
        let finished = self.commands.run("accept", launch, &room, cancel).await;
        let finished = seen(finished)?;
        let run = run.to_owned();
        if finished.exit.success() {
            return Ok(Proven::Command { run });
        }
        let mut said = finished.stdout;
        said.extend(finished.stderr);
        let output = match finished.exit {
            Exit::TimedOut => format!("{}\n(it took too long)", tail(&said, SHOWN)),
            Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => tail(&said, SHOWN),
        };
        Ok(Proven::Refuted { run, output })
    }

    // Makes a lane ready for a command: with the files of `commit`, and the variables `granted`.
    async fn room(
        &self,
        lane: &Lane<'_>,
        commit: &str,
        granted: &[String],
    ) -> Result<Environment, ExecError> {
        let checkout = lane.checkout();
        self.workshop.reset(checkout, commit, commit).await?;
        Ok(self.workshop.environment(checkout, granted)?)
    }

    fn launch(&self, command: &str, lane: &Lane<'_>, room: &Environment) -> Launch {
        let wall = Duration::from_secs(self.plan.factory.stop.wall.max(60));
        let folder = lane.checkout().tree.clone();
        Launch {
            keep: 1 << 20,
            ..Launch::shell(command, folder, room.given.clone(), wall)
        }
    }

    fn verdict_by(&self, task: &str, planned: &Task, role: &str) -> Proven {
        let gave = planned.steps.iter().find(|step| {
            let StepKind::Agent(agent) = &step.kind else {
                return false;
            };
            let place = Place {
                task: task.to_owned(),
                step: step.name.clone(),
            };
            let state = self.state(&place);
            agent.role == role
                && agent.yields == Yields::Verdict
                && state.phase == Phase::Accepted
                && state
                    .verdict
                    .is_some_and(|verdict| verdict.verdict == Ruling::Pass)
        });
        gave.map_or(Proven::Nobody, |step| Proven::Verdict {
            role: role.to_owned(),
            step: step.name.clone(),
        })
    }

    fn repair_criterion(
        &self,
        task: &str,
        planned: &Task,
        text: String,
        run: &str,
        output: &str,
    ) -> Result<(), ExecError> {
        let last = planned.steps.iter().rev().find(|step| match &step.kind {
            StepKind::Agent(agent) => agent.yields == Yields::Commit,
            StepKind::Effect(_) => false,
        });
        let Some(last) = last else {
            // Nothing lands in this task; whoever comes last can't repair anything.
            let step = planned.steps.last().map(|step| step.name.clone());
            let place = Place {
                task: task.to_owned(),
                step: step.unwrap_or_default(),
            };
            return self.fail(&place, Failure::Criterion { text }, None);
        };
        let place = Place {
            task: task.to_owned(),
            step: last.name.clone(),
        };
        let state = self.state(&place);
        let stop = self.agent(&place)?.stop;
        if state.used() >= stop.attempts || state.cost() >= stop.usd {
            return self.fail(&place, Failure::Criterion { text }, None);
        }
        let late = schedule::late(planned);
        let again = schedule::again(planned, &last.name, None);
        let again = again
            .into_iter()
            .filter(|step| !late.contains(step.as_str()));
        self.event(Event::Repair {
            place,
            feedback: brief::of_criterion(&text, run, output),
            again: again.collect(),
            by: Complaint::Criterion { text },
        })
    }

    /// Runs a command with an effect, once for an approval or, where none is needed, once.
    pub(super) async fn act(&self, place: &Place) -> Result<(), ExecError> {
        let StepKind::Effect(effect) = &self.step(place)?.kind else {
            return Ok(());
        };
        if self.state(place).phase == Phase::Acting {
            // It was started, and nobody saw its end; to start it again is not for us to decide.
            return self.fail(place, Failure::Effect { code: None }, None);
        }
        let commit = self.tip(&place.task).await?;
        let lane = self.lane().await?;
        let room = self.room(&lane, &commit, &effect.env).await?;
        let launch = self.launch(&effect.run, &lane, &room);
        // From here on nobody knows how far it came, until its end is written down.
        self.event(Event::EffectStarted {
            place: place.clone(),
            commit,
        })?;
        let name = format!("{}.{}", place.task, place.step);
        let finished = self.commands.act(&name, launch, self.cancel.clone()).await;
        let finished = seen(finished)?;
        let code = match finished.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) | Exit::TimedOut | Exit::Cancelled => None,
        };
        let mut said = finished.stdout;
        said.extend(finished.stderr);
        let said = without_secrets(&said, self.project.environment(), &effect.env);
        self.event(Event::EffectEnded {
            place: place.clone(),
            code,
            output: tail(&said, SHOWN),
        })
    }
}

// How a command ended; one that ended with the run has not.
fn seen(finished: io::Result<Finished>) -> Result<Finished, ExecError> {
    let finished = finished.map_err(file_error(Path::new("/bin/sh")))?;
    if finished.exit == Exit::Cancelled {
        return Err(ExecError::Cancelled);
    }
    Ok(finished)
}

/// Values that are shorter are found in any output.
const SHORTEST_SECRET: usize = 4;

// What a command said without the values of the variables that it was granted: the journal is no place
// for them.
fn without_secrets(said: &[u8], owner: &Owner, granted: &[String]) -> Vec<u8> {
    let granted: Vec<NamePattern> = granted
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let mut said = said.to_vec();
    for (name, value) in owner {
        let value = value.as_bytes();
        let is_granted = name
            .to_str()
            .is_some_and(|name| granted.iter().any(|pattern| pattern.gives(name)));
        if !is_granted || value.len() < SHORTEST_SECRET {
            continue;
        }
        let hidden = format!("[{}]", name.to_string_lossy()).into_bytes();
        let mut at = 0;
        while let Some(rest) = said.get(at..) {
            let Some(found) = rest.windows(value.len()).position(|part| part == value) else {
                break;
            };
            let from = at + found;
            said.splice(from..from + value.len(), hidden.iter().copied());
            at = from + hidden.len();
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn what_was_granted_is_not_told() {
        let owner = [
            ("TOKEN_A", "hunter2"),
            ("TOKEN_B", "x"),
            ("HOME", "/home/me"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        let granted = ["TOKEN_*".to_owned()];
        let said = b"hunter2 in /home/me, hunter2hunter2 x";
        let told = without_secrets(said, &owner, &granted);
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told, "[TOKEN_A] in /home/me, [TOKEN_A][TOKEN_A] x");
    }
}
