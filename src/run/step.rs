//! One step, carried to its end: attempts, the audit, the gates, the landing.
//!
//! What is done next follows from what the journal says of the step, so a step that was interrupted
//! anywhere goes on from there.

use std::{sync::Arc, time::Duration};

use super::{
    agent::{AgentError, Answer, Assignment, Attempt, Ended, Ruling as Verdicted, Verdict},
    audit::{self, Work},
    brief,
    error::ExecError,
    event::{AttemptEnd, ChangeKind, Complaint, Event, Failure, Judgement, Place, Refusal, Sender},
    exec::Runner,
    gates::{Judged, Ruling},
    message,
    progress::{Phase, StepState},
    schedule,
    wait::{Waited, wait_for_limit},
    workshop::{Checkout, WorkshopError},
};
use crate::{
    plan::{Agent, Role, StepKind, Usd, Yields},
    template::with_memory,
};

impl Runner<'_> {
    /// Carries a step to its end.
    pub(super) async fn work_on(&self, place: &Place) -> Result<(), ExecError> {
        if let StepKind::Effect(_) = self.step(place)?.kind {
            return self.act(place).await;
        }
        let mut begun = false;
        loop {
            if self.cancel.is_made() {
                return Err(ExecError::Cancelled);
            }
            let state = self.state(place);
            match &state.phase {
                // Its verdict wants a repair, and its turn comes again after that.
                Phase::Pending if begun => break,
                Phase::Pending => {
                    let base = self.tip(&place.task).await?;
                    let place = place.clone();
                    self.event(Event::StepStarted { place, base })?;
                }
                Phase::Working => self.attempt(place, &state).await?,
                Phase::Judging { attempted } => self.weigh(place, &state, *attempted).await?,
                Phase::Landing { commit, onto } => self.settle(place, commit, onto).await?,
                Phase::Acting | Phase::Accepted | Phase::Failed(_) => break,
            }
            begun = true;
        }
        self.clones.borrow_mut().remove(place);
        if self.state(place).phase == Phase::Accepted {
            self.release(place).await?;
        }
        Ok(())
    }

    pub(super) fn role(&self, agent: &Agent) -> Result<&Role, ExecError> {
        let role = self.plan.roles.get(&agent.role);
        role.ok_or_else(|| ExecError::Plan(format!("the lock has no role `{}`", agent.role)))
    }

    // One attempt, as far as `stop` allows it.
    async fn attempt(&self, place: &Place, state: &StepState) -> Result<(), ExecError> {
        let agent = self.agent(place)?;
        let base = state.base.clone().unwrap_or_default();
        let kept = match &state.tree {
            Some(tree) => Some(self.keep(place, tree, &base).await?),
            None => None,
        };
        if state.attempts >= agent.stop.attempts {
            let why = Failure::Attempts {
                attempts: state.attempts,
                last: state.feedback.clone().unwrap_or_default(),
            };
            return self.fail(place, why, kept);
        }
        if state.spent >= agent.stop.usd {
            return self.fail(place, Failure::Usd { spent: state.spent }, kept);
        }
        let Some(budget) = self.reserve(agent.stop.usd.less(state.spent)).await else {
            let spent = self.look(|progress| progress.spent);
            return self.fail(place, Failure::Cap { spent }, kept);
        };
        let result = self
            .start_agent(place, agent, state, &base, budget.amount)
            .await;
        let (attempt, checkout) = match result {
            Ok(done) => done,
            Err(Started::Not(what)) => return self.fail(place, Failure::Trouble { what }, kept),
            Err(Started::Failed(error)) => return Err(error),
        };
        let end = self
            .record_attempt(place, state, &base, attempt, &checkout)
            .await?;
        // Only now is what was spent of it counted.
        drop(budget);
        self.after_attempt(place, agent, end).await
    }

    // Makes the clone ready and runs the agent in it.
    async fn start_agent(
        &self,
        place: &Place,
        agent: &Agent,
        state: &StepState,
        base: &str,
        budget: Usd,
    ) -> Result<(Attempt, Checkout), Started> {
        let checkout = match self.clone_of(place, base, state).await {
            Ok(checkout) => checkout,
            Err(ExecError::Workshop(error @ WorkshopError::Setup { .. })) => {
                return Err(Started::Not(error.to_string()));
            }
            Err(error) => return Err(Started::Failed(error)),
        };
        let number = state.attempts + 1;
        let session = state.session.clone();
        let feedback = feedback(state);
        let asked = brief::ask(&agent.brief, feedback.as_deref(), session.is_some());
        let prompt = self.prompt(agent, base).await.map_err(Started::Failed)?;
        self.show(place, number, "brief.md", &asked)
            .map_err(Started::Failed)?;
        self.event(Event::AttemptStarted {
            place: place.clone(),
            attempt: number,
            budget,
        })
        .map_err(Started::Failed)?;
        let assignment = Assignment {
            plan: Arc::clone(&self.plan),
            task: place.task.clone(),
            step: place.step.clone(),
            role: agent.role.clone(),
            agent: agent.clone(),
            prompt,
            brief: asked,
            checkout: checkout.tree.clone(),
            private: checkout.private.clone(),
            project: self.project.root().to_owned(),
            exe: self.exe.clone(),
            environment: Arc::new(self.project.environment().clone()),
            session,
            attempt: number,
            budget,
            wall: Duration::from_secs(agent.stop.wall),
            answer: match agent.yields {
                Yields::Verdict => Answer::Verdict,
                Yields::Commit | Yields::Report => Answer::Text,
            },
        };
        match (self.agents)(assignment, self.cancel.clone()).await {
            Ok(attempt) => Ok((attempt, checkout)),
            Err(AgentError::Cancelled) => Err(Started::Failed(ExecError::Cancelled)),
            Err(_) if self.cancel.is_made() => Err(Started::Failed(ExecError::Cancelled)),
            Err(error) => Err(Started::Not(with_causes(&error))),
        }
    }

    async fn clone_of(
        &self,
        place: &Place,
        base: &str,
        state: &StepState,
    ) -> Result<Checkout, ExecError> {
        let known = self.clones.borrow().get(place).cloned();
        // Between attempts of one round the clone stays as the agent left it.
        let made_of = format!("{base} {}", state.tree.as_deref().unwrap_or_default());
        if let Some((known, checkout)) = known
            && known == made_of
        {
            return Ok(checkout);
        }
        let mut notes = Vec::new();
        let checkout = self
            .workshop
            .clone_for(place, base, state.tree.as_deref(), &mut notes)
            .await?;
        self.notes(notes)?;
        Ok(checkout)
    }

    // Puts what the attempt left where nothing can take it away, and then writes it down.
    async fn record_attempt(
        &self,
        place: &Place,
        state: &StepState,
        base: &str,
        attempt: Attempt,
        checkout: &Checkout,
    ) -> Result<Recorded, ExecError> {
        let number = state.attempts + 1;
        self.show(place, number, "answer.md", &attempt.text)?;
        let mut end = match &attempt.ended {
            Ended::Completed => AttemptEnd::Completed,
            Ended::Budget => AttemptEnd::Budget,
            Ended::TimedOut => AttemptEnd::TimedOut,
            Ended::Limit { .. } => AttemptEnd::Limit,
            Ended::Failed(why) => AttemptEnd::Failed { why: why.clone() },
        };
        let (tree, repositories) = match self.workshop.take(checkout).await {
            Ok(taken) => (taken.tree, taken.repositories),
            Err(error @ WorkshopError::Unstorable { .. }) => {
                if end == AttemptEnd::Completed {
                    let why = error.to_string();
                    end = AttemptEnd::Failed { why };
                }
                let before = match &state.tree {
                    Some(tree) => tree.clone(),
                    None => self.tree_of(base).await?,
                };
                (before, Vec::new())
            }
            Err(WorkshopError::Cancelled) => return Err(ExecError::Cancelled),
            Err(error) => return Err(error.into()),
        };
        self.keep(place, &tree, base).await?;
        self.clones
            .borrow_mut()
            .insert(place.clone(), (format!("{base} {tree}"), checkout.clone()));
        self.event(Event::AttemptEnded {
            place: place.clone(),
            attempt: number,
            end: end.clone(),
            cost: attempt.cost,
            tree,
            repositories,
            session: attempt.session,
            message: attempt.message,
            answer: attempt.structured,
            guarded: attempt.refused,
            held: attempt.held.write,
        })?;
        Ok(Recorded {
            end,
            ended: attempt.ended,
        })
    }

    async fn after_attempt(
        &self,
        place: &Place,
        agent: &Agent,
        recorded: Recorded,
    ) -> Result<(), ExecError> {
        let kept = Some(self.kept_reference(place));
        match recorded.end {
            AttemptEnd::Completed => Ok(()),
            AttemptEnd::Budget => {
                let spent = self.state(place).spent;
                self.fail(place, Failure::Usd { spent }, kept)
            }
            AttemptEnd::TimedOut => {
                let seconds = agent.stop.wall;
                self.fail(place, Failure::Wall { seconds }, kept)
            }
            AttemptEnd::Limit => {
                let resets_at = match recorded.ended {
                    Ended::Limit { resets_at } => resets_at,
                    _ => None,
                };
                match wait_for_limit(self, place, resets_at).await? {
                    Waited::Over => Ok(()),
                    Waited::TooLong => self.fail(place, Failure::Limit, kept),
                }
            }
            AttemptEnd::Failed { why } => self.send_back(
                place,
                Sender::Runner,
                format!("The last attempt did not come to its end: {why}\n\nGo on with the work."),
            ),
        }
    }

    fn send_back(&self, place: &Place, by: Sender, feedback: String) -> Result<(), ExecError> {
        self.event(Event::SentBack {
            place: place.clone(),
            by,
            feedback,
        })
    }

    // The audit and the gates on what an attempt left or a merge made of it.
    async fn weigh(
        &self,
        place: &Place,
        state: &StepState,
        attempted: bool,
    ) -> Result<(), ExecError> {
        let agent = self.agent(place)?;
        let role = self.role(agent)?;
        let (base, tree) = match (&state.base, &state.tree) {
            (Some(base), Some(tree)) => (base.clone(), tree.clone()),
            _ => {
                return Err(ExecError::Plan(format!(
                    "the journal lost the work of `{place}`"
                )));
            }
        };
        let old = self.tree_of(&base).await?;
        if attempted && agent.yields == Yields::Commit {
            let kept = Some(self.kept_reference(place));
            if state.refused_trees.contains(&tree) {
                return self.fail(place, Failure::SameTree, kept);
            }
            let must_change = state.repairs || !state.accepted_before;
            if tree == old && must_change && state.repositories.is_empty() {
                return self.fail(place, Failure::NoChange, kept);
            }
        }
        let git = self.workshop.repository();
        let changes = audit::changes(&git, &old, &tree).await?;
        let work = Work {
            plan: &self.plan,
            role,
            agent,
            old: &old,
            new: &tree,
        };
        let mut refused = audit::refusals(&git, &work, &changes).await?;
        refused.extend(state.repositories.iter().map(|path| Refusal {
            path: path.clone(),
            change: ChangeKind::Added,
            why: "it is a repository of its own, or a part of one".into(),
        }));
        if !refused.is_empty() {
            let feedback = brief::of_refusals(&refused);
            return self.send_back(place, Sender::Audit { refused }, feedback);
        }
        let verdict = match self.verdict_of(place, agent, state)? {
            Ok(verdict) => verdict,
            Err(fault) => return self.send_back(place, Sender::Runner, fault),
        };
        let (tree, rulings) = match self.judge_work(place, &role.gates, &base, &tree).await? {
            Judged::Rulings { tree, rulings } => (tree, rulings),
            Judged::Unrefreshable(why) => {
                let feedback = format!("The managed sections can't be refreshed: {why}\n");
                let gates = Vec::new();
                return self.send_back(place, Sender::Gates { gates }, feedback);
            }
        };
        let failing: Vec<String> = rulings
            .iter()
            .filter(|ruling| !ruling.outcome.lets_pass())
            .map(|ruling| ruling.gate.clone())
            .collect();
        if !failing.is_empty() {
            let feedback = brief::of_gates(&self.plan, &rulings);
            return self.send_back(place, Sender::Gates { gates: failing }, feedback);
        }
        match (agent.yields, verdict) {
            (Yields::Commit, _) if tree == old => self.event(Event::Accepted {
                place: place.clone(),
                verdict: None,
                files: Vec::new(),
            }),
            (Yields::Commit, _) => self.land(place, agent, state, &base, &tree, &rulings).await,
            (Yields::Verdict, Some(verdict)) if verdict.verdict == Verdicted::Fail => {
                self.complain(place, agent, verdict)
            }
            (Yields::Verdict, verdict) => self.accept_files(place, &tree, &changes, verdict).await,
            (Yields::Report, _) => {
                let writes = !role.boundary.write.may.is_empty();
                if writes
                    && !changes
                        .iter()
                        .any(|change| change.kind != ChangeKind::Deleted)
                {
                    let feedback = "Write the report to a file that you may write.\n".to_owned();
                    return self.send_back(place, Sender::Runner, feedback);
                }
                self.accept_files(place, &tree, &changes, None).await
            }
        }
    }

    fn verdict_of(
        &self,
        place: &Place,
        agent: &Agent,
        state: &StepState,
    ) -> Result<Result<Option<Verdict>, String>, ExecError> {
        if agent.yields != Yields::Verdict {
            return Ok(Ok(None));
        }
        let verdict = match &state.answer {
            Some(answer) => Verdict::parse(answer).map_err(|error| error.to_string()),
            None => Err("there is no verdict in the answer".into()),
        };
        if let Ok(verdict) = &verdict {
            let text = serde_json::to_string_pretty(verdict)
                .map_err(|error| ExecError::Plan(error.to_string()))?;
            self.show(place, state.attempts, "verdict.json", &text)?;
        }
        Ok(verdict
            .map(Some)
            .map_err(|fault| format!("The answer can't be used: {fault}\n")))
    }

    // Moves the branch to the work, or puts the work on the branch where that has moved.
    async fn land(
        &self,
        place: &Place,
        agent: &Agent,
        state: &StepState,
        base: &str,
        tree: &str,
        rulings: &[Ruling],
    ) -> Result<(), ExecError> {
        let tip = self.tip(&place.task).await?;
        if tip != base {
            // What the agent left is merged, not its refreshed sections: those are made anew.
            let left = state.tree.as_deref().unwrap_or(tree);
            let merge = self.merge(left, base, &tip).await?;
            let feedback =
                (!merge.conflicts.is_empty()).then(|| brief::of_conflicts(&merge.conflicts));
            return self.event(Event::Merged {
                place: place.clone(),
                onto: tip,
                tree: merge.tree,
                conflicts: merge.conflicts,
                feedback,
            });
        }
        let gates: Vec<String> = rulings
            .iter()
            .map(|ruling| match ruling.outcome {
                Judgement::Nothing => format!("{} (nothing to judge)", ruling.gate),
                Judgement::Pass | Judgement::Fail | Judgement::Broken => ruling.gate.clone(),
            })
            .collect();
        let message = message::of_commit(&message::Facts {
            proposed: state.message.as_deref(),
            task: &place.task,
            step: &place.step,
            role: &agent.role,
            gates: &gates,
            run: self.run.as_str(),
        });
        let commit = self.commit(tree, base, &message).await?;
        self.event(Event::Landing {
            place: place.clone(),
            commit: commit.clone(),
            onto: base.to_owned(),
        })?;
        self.settle(place, &commit, base).await
    }

    // Moves the branch as the journal says it is to be moved, unless that was done already.
    async fn settle(&self, place: &Place, commit: &str, onto: &str) -> Result<(), ExecError> {
        let moved = self.move_branch(&place.task, commit, onto).await?;
        let tip = self.tip(&place.task).await?;
        if !moved && !self.is_ancestor(commit, &tip).await? {
            // Someone was faster; the work is put on the new tip and judged there.
            let state = self.state(place);
            let left = state.tree.as_deref().unwrap_or(commit).to_owned();
            let merge = self.merge(&left, onto, &tip).await?;
            let feedback =
                (!merge.conflicts.is_empty()).then(|| brief::of_conflicts(&merge.conflicts));
            return self.event(Event::Merged {
                place: place.clone(),
                onto: tip,
                tree: merge.tree,
                conflicts: merge.conflicts,
                feedback,
            });
        }
        let subject = self
            .project
            .git()
            .text(["log", "-1", "--format=%s", commit])
            .await?;
        self.event(Event::Landed {
            place: place.clone(),
            commit: commit.to_owned(),
            subject,
        })
    }

    // A verdict of fail: back to the step that repairs, while both may still go on.
    fn complain(&self, place: &Place, agent: &Agent, verdict: Verdict) -> Result<(), ExecError> {
        let reasons = reasons(&verdict);
        let state = self.state(place);
        let spent = state.attempts >= agent.stop.attempts || state.spent >= agent.stop.usd;
        let task = self.plan.tasks.get(&place.task);
        let (Some(to), Some(task), false) = (&agent.sends_back, task, spent) else {
            return self.fail(place, Failure::Verdict { reasons }, None);
        };
        let repairer = Place {
            task: place.task.clone(),
            step: to.clone(),
        };
        self.event(Event::Repair {
            place: repairer,
            feedback: brief::of_reasons(&place.step, &reasons),
            again: schedule::again(task, to, Some(&place.step)),
            by: Complaint::Verdict {
                from: place.step.clone(),
                verdict,
            },
        })
    }

    // The accepted prompt with the role's memory, as the commit `base` has it, in its place.
    async fn prompt(&self, agent: &Agent, base: &str) -> Result<String, ExecError> {
        let role = self.role(agent)?;
        let prompt = self.prompts.get(&agent.role).cloned().unwrap_or_default();
        let Some(memory) = &role.memory else {
            return Ok(prompt);
        };
        let name = format!("{base}:{}", memory.path);
        let git = self.project.git();
        // A memory that nothing was written to yet is no file.
        let bytes = git
            .output(["cat-file", "blob", &name], None)
            .await
            .unwrap_or_default();
        let most = usize::try_from(memory.limit).unwrap_or(usize::MAX);
        let bytes = bytes.get(..most).unwrap_or(&bytes);
        Ok(with_memory(&prompt, &String::from_utf8_lossy(bytes)))
    }
}

// What comes back to an agent; a reviewer whose fail was repaired is told so.
fn feedback(state: &StepState) -> Option<String> {
    let repaired = state.verdict.as_ref().filter(|_| state.feedback.is_none());
    match repaired {
        Some(verdict) if verdict.verdict == Verdicted::Fail => {
            Some(brief::of_repair(&reasons(verdict)))
        }
        _ => state.feedback.clone(),
    }
}

// Why an agent did not run to an end that can be recorded.
enum Started {
    // It could not be started, for the reason given.
    Not(String),
    // The run can't go on.
    Failed(ExecError),
}

// How an attempt ended, as written down and as reported.
struct Recorded {
    end: AttemptEnd,
    ended: Ended,
}

/// Returns the reasons of a verdict, one line each.
pub(super) fn reasons(verdict: &Verdict) -> Vec<String> {
    let line = |reason: &super::agent::Reason| match &reason.path {
        Some(path) => format!("{} (`{path}`)", reason.text),
        None => reason.text.clone(),
    };
    verdict.reasons.iter().map(line).collect()
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
