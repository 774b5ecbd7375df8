//! One step, carried to its end: attempts, the audit, the gates, the landing.
//!
//! What is done next follows from what the journal says of the step, so a step that was interrupted
//! anywhere goes on from there.

use std::{sync::Arc, time::Duration};

use super::{
    agent::{AgentError, Answer, Assignment, Attempt, Ended, Ruling as Verdicted, Verdict},
    audit::{self, Work},
    brief,
    error::{ExecError, with_causes},
    event::{AttemptEnd, ChangeKind, Complaint, Event, Failure, Judgement, Place, Refusal, Sender},
    exec::Runner,
    gates::{Judged, Ruling},
    message,
    progress::{Phase, StepState},
    schedule,
    wait::{Waited, wait_for_limit},
    workshop::{Checkout, Cloned, WorkshopError},
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
        if state.used() >= agent.stop.attempts {
            let why = Failure::Attempts {
                attempts: state.attempts,
                last: state.feedback.clone().unwrap_or_default(),
            };
            return self.fail(place, why, kept);
        }
        if state.cost() >= agent.stop.usd {
            return self.fail(place, Failure::Usd { spent: state.spent }, kept);
        }
        let wanted = agent.stop.usd.less(state.cost());
        let Some(budget) = self.reserve(wanted).await else {
            let spent = self.look(|progress| progress.spent);
            return self.fail(place, Failure::Cap { spent }, kept);
        };
        let is_capped = budget.amount < wanted;
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
        self.after_attempt(place, agent, end, is_capped).await
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
        let Cloned { checkout, anew } = match self.clone_of(place, base, state).await {
            Ok(cloned) => cloned,
            Err(ExecError::Workshop(error @ WorkshopError::Setup { .. })) => {
                return Err(Started::Not(error.to_string()));
            }
            Err(error) => return Err(Started::Failed(error)),
        };
        let number = state.attempts + 1;
        // A session lives in the home beside its clone.
        let session = state.session.clone().filter(|_| !anew);
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
            exe: self.exe.clone().unwrap_or_default(),
            records: Some(self.project.records(&self.run)),
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
    ) -> Result<Cloned, ExecError> {
        let known = self.clones.borrow().get(place).cloned();
        // Between attempts of one round the clone stays as the agent left it.
        let made_of = format!("{base} {}", state.tree.as_deref().unwrap_or_default());
        if let Some((known, checkout)) = known
            && known == made_of
        {
            let anew = false;
            return Ok(Cloned { checkout, anew });
        }
        let mut notes = Vec::new();
        let cloned = self
            .workshop
            .clone_for(place, base, state.tree.as_deref(), &mut notes)
            .await?;
        self.notes(notes)?;
        Ok(cloned)
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
            Ended::Formless(why) | Ended::Failed(why) => AttemptEnd::Failed { why: why.clone() },
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
        let message = match attempt.message {
            Some(message) => Some(message),
            None => self.workshop.proposed(checkout).await?,
        };
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
            message,
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
        is_capped: bool,
    ) -> Result<(), ExecError> {
        let kept = Some(self.kept_reference(place));
        match recorded.end {
            AttemptEnd::Completed => Ok(()),
            AttemptEnd::Budget => {
                // What it was given may have been all that the run had left, and less than its own.
                let why = if is_capped {
                    let spent = self.look(|progress| progress.spent);
                    Failure::Cap { spent }
                } else {
                    let spent = self.state(place).spent;
                    Failure::Usd { spent }
                };
                self.fail(place, why, kept)
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
            let has_nothing = tree == old && must_change && state.repositories.is_empty();
            let leaves_conflicts = state
                .conflicts
                .as_ref()
                .is_some_and(|(merged, _)| *merged == tree);
            if has_nothing || leaves_conflicts {
                return self.fail(place, Failure::NoChange, kept);
            }
        }
        let git = self.workshop.repository();
        if let Some((_, conflicts)) = &state.conflicts {
            let marked = self.still_marked(conflicts, &base, &tree).await?;
            if !marked.is_empty() {
                let feedback = brief::of_markers(&marked);
                return self.send_back(place, Sender::Runner, feedback);
            }
        }
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
            (Yields::Verdict, verdict) => self.accept_files(place, &changes, verdict).await,
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
                self.accept_files(place, &changes, None).await
            }
        }
    }

    // The files of a merge in which markers of conflicts are left that the file on the tip does not have.
    async fn still_marked(
        &self,
        conflicts: &[String],
        base: &str,
        tree: &str,
    ) -> Result<Vec<String>, ExecError> {
        let git = self.workshop.repository();
        let mut marked = Vec::new();
        for path in conflicts {
            let Some(text) = git.file(tree, path).await? else {
                continue;
            };
            let before = git.file(base, path).await?.unwrap_or_default();
            let lines = |text: &[u8]| -> Vec<Vec<u8>> {
                let lines = text.split(|byte| *byte == b'\n');
                lines
                    .filter(|line| is_marker(line))
                    .map(<[u8]>::to_vec)
                    .collect()
            };
            let own = lines(&before);
            if lines(&text).iter().any(|line| !own.contains(line)) {
                marked.push(path.clone());
            }
        }
        Ok(marked)
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
        // Where it is there already, nothing is moved, whoever has checked it out since.
        let tip = self.tip(&place.task).await?;
        let is_there = self.is_ancestor(commit, &tip).await?;
        if !is_there && !self.move_branch(&place.task, commit, onto).await? {
            // Someone was faster; the work is put on the new tip and judged there.
            let state = self.state(place);
            let left = state.tree.as_deref().unwrap_or(commit).to_owned();
            let tip = self.tip(&place.task).await?;
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
        let spent = state.used() >= agent.stop.attempts || state.cost() >= agent.stop.usd;
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
        let prompt = self.prompts.get(&agent.role).cloned();
        let prompt = prompt.ok_or_else(|| ExecError::Prompt {
            role: agent.role.clone(),
        })?;
        let Some(memory) = &role.memory else {
            return Ok(prompt);
        };
        let bytes = self.project.git().file(base, &memory.path).await?;
        let most = usize::try_from(memory.limit).unwrap_or(usize::MAX);
        let (path, who) = (&memory.path, &agent.role);
        match &bytes {
            // One that nothing was written to yet is no file.
            None => self.note_once(format!("{who} has no memory yet: there is no `{path}`"))?,
            Some(bytes) if bytes.len() > most => self.note_once(format!(
                "{who} is told the first {most} bytes of `{path}`, which is longer than its limit"
            ))?,
            Some(_) => {}
        }
        let bytes = bytes.unwrap_or_default();
        let bytes = bytes.get(..most).unwrap_or(&bytes);
        Ok(with_memory(&prompt, &String::from_utf8_lossy(bytes)))
    }
}

// Whether a line is the beginning or the end of a conflict as git marks it.
fn is_marker(line: &[u8]) -> bool {
    let rest = line
        .strip_prefix(b"<<<<<<<")
        .or_else(|| line.strip_prefix(b">>>>>>>"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\r')))
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
