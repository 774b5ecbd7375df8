//! The end of a task: its acceptance criteria on the final tree, and the commands with an effect.

use std::time::Duration;

use super::{
    agent::Ruling,
    brief,
    error::{ExecError, file_error},
    event::{Complaint, Event, Failure, Place, Proven},
    exec::Runner,
    process::{self, Exit, Finished, Launch},
    progress::Phase,
    schedule,
    workshop::tail,
};
use crate::plan::{Proof, StepKind, Task, Yields};

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
        let wall = Duration::from_secs(self.plan.factory.stop.wall.max(60));
        let finished = self.run_on(run, tip, &[], wall).await?;
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

    // Runs a command in a lane with the files of `commit`.
    async fn run_on(
        &self,
        command: &str,
        commit: &str,
        granted: &[String],
        wall: Duration,
    ) -> Result<Finished, ExecError> {
        let lane = self.lane().await?;
        let checkout = lane.checkout();
        self.workshop.reset(checkout, commit, commit).await?;
        let environment = self.workshop.environment(checkout, granted)?;
        let given = environment.given.clone();
        let launch = Launch {
            keep: 1 << 20,
            ..Launch::shell(command, checkout.tree.clone(), given, wall)
        };
        let finished = process::run(launch, self.cancel.clone())
            .await
            .map_err(file_error(&checkout.tree))?;
        if finished.exit == Exit::Cancelled {
            return Err(ExecError::Cancelled);
        }
        Ok(finished)
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
        if state.attempts >= stop.attempts || state.spent >= stop.usd {
            return self.fail(&place, Failure::Criterion { text }, None);
        }
        let again = schedule::again(planned, &last.name, None);
        let schedule = schedule::Schedule::of(&self.plan, &[task.to_owned()]);
        let again = again.into_iter().filter(|step| {
            !schedule.is_late(&Place {
                task: task.to_owned(),
                step: step.clone(),
            })
        });
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
        self.event(Event::EffectStarted {
            place: place.clone(),
            commit: commit.clone(),
        })?;
        let wall = Duration::from_secs(self.plan.factory.stop.wall.max(60));
        let finished = self.run_on(&effect.run, &commit, &effect.env, wall).await?;
        let code = match finished.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) | Exit::TimedOut | Exit::Cancelled => None,
        };
        let mut said = finished.stdout;
        said.extend(finished.stderr);
        self.event(Event::EffectEnded {
            place: place.clone(),
            code,
            output: tail(&said, SHOWN),
        })
    }
}
