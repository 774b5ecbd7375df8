//! Gates that run a command.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::{
    super::process::{self, Exit, Finished, Launch},
    checkout::Hands,
    environment::{Environment, Ingredients, Variables, marks},
    key,
    session::{Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    boundary::NamePattern,
    cache::{self, Action, Diff, Digest, Kept, Lock, Lookup, Makes, Record, ShownPath, Store},
    plan::Gate,
};

/// How long a command whose output is part of a key may take.
const TOOL_WALL: Duration = Duration::from_mins(1);
/// How often one looks whether someone else is done with the same gate on the same work.
const PATIENCE: Duration = Duration::from_millis(20);
/// How many paths are named of those that changed.
const NAMED: usize = 5;

/// Values that are shorter are found in any output.
const SHORTEST_SECRET: usize = 4;

/// All that a verdict depends on, found out without running the gate.
pub(super) struct Asked {
    environment: Environment,
    /// Values that are nobody's business, with the names of their variables.
    secrets: Vec<(String, Vec<u8>)>,
    /// What of the action's tools are programs.
    marks: BTreeMap<String, Digest>,
    /// What makes the key.
    pub(super) action: Action,
}

/// Why it can't be found out.
#[derive(Debug)]
pub(super) enum Unasked {
    /// A tool gave no answer, for the reason given.
    Tool(String),
    /// The files can't be told.
    Session(SessionError),
}

impl From<SessionError> for Unasked {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl Session<'_> {
    /// Returns what a gate says whose ruling is the exit code of `command`.
    pub(super) async fn run_gate(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
    ) -> Result<Verdict, SessionError> {
        let mut aside = false;
        if self.checkout.hands == Hands::Runner && !gate.sealed.is_empty() {
            let change = self.change().await?.clone();
            let bench = self.bench().await?;
            if let Some(tree) = bench.sealed_tree(&change, &gate.sealed).await? {
                self.switch(&tree).await?;
                aside = true;
            }
        }
        let before = match self.checkout.hands {
            Hands::Runner => Some(self.whole().await?),
            Hands::Person => None,
        };
        let verdict = self.run_as_it_is(name, gate, command).await;
        // What a gate changes is not what its successors are to judge.
        let put_back = match before {
            Some(before) => aside || !self.whole().await?.diff(&before).is_empty(),
            None => false,
        };
        if put_back {
            let tree = self.bench().await?.tree().to_owned();
            self.switch(&tree).await?;
        }
        verdict
    }

    async fn run_as_it_is(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
    ) -> Result<Verdict, SessionError> {
        let mut asked = match self.ask(name, gate, command).await {
            Ok(asked) => asked,
            Err(Unasked::Tool(reason)) => return Ok(Verdict::broken(reason)),
            Err(Unasked::Session(error)) => return self.run_unseen(gate, command, error).await,
        };
        let has_key = gate
            .external
            .as_ref()
            .is_none_or(|external| external.key.is_some());
        if !has_key || !self.uses_cache {
            let (mut verdict, _) = self.run_now(name, gate, command, &mut asked).await?;
            if let Some(external) = gate.external.as_ref().filter(|_| !has_key) {
                let name = &external.name;
                verdict.notes.push(format!(
                    "the verdict depends on `{name}`, so it is not kept"
                ));
            }
            return Ok(verdict);
        }
        let key = asked.action.key();
        if let Some(mut failure) = self.judge.cache.failure(&key) {
            failure
                .notes
                .push("it failed on the same work before in this run".into());
            return Ok(failure);
        }
        let mut notes = Vec::new();
        if let Some(replay) = self.replay(gate, &asked.action, &mut notes) {
            return Ok(replay);
        }
        let lock = match self.judge.cache.store().cloned() {
            Some(store) => match self.lock(&store, &key).await {
                Some(lock) => Some(lock),
                None => return Ok(Verdict::bare(Outcome::Broken("it was cancelled".into()))),
            },
            None => None,
        };
        // Whoever held the lock may have left a verdict.
        if let Some(failure) = self.judge.cache.failure(&key) {
            return Ok(failure);
        }
        if let Some(replay) = self.replay(gate, &asked.action, &mut notes) {
            return Ok(replay);
        }
        let started = SystemTime::now();
        let (mut verdict, stands) = self.run_now(name, gate, command, &mut asked).await?;
        verdict.notes.splice(0..0, notes);
        verdict.key = Some(key);
        match (&verdict.outcome, self.judge.cache.store()) {
            (Outcome::Fail, _) if stands => self.judge.cache.remember(key, &verdict),
            (Outcome::Pass, Some(store)) if stands => {
                let outcome = cache::Outcome {
                    gate: name.to_owned(),
                    exit_code: Some(0),
                    stdout: verdict.stdout.clone(),
                    stderr: verdict.stderr.clone(),
                    started,
                    duration: verdict.elapsed,
                };
                let reason = match store.put(&asked.action, &outcome, self.makes(gate)) {
                    Kept::Stored | Kept::NotAPass => None,
                    Kept::Failed(error) => Some(error.to_string()),
                    Kept::Unkept(reason) => Some(reason),
                };
                let note = reason.map(|reason| format!("it is not kept: {reason}"));
                verdict.notes.extend(note);
            }
            (Outcome::Pass, None) if stands => {
                let note = "it is not kept: no folder is known for the cache";
                verdict.notes.push(note.into());
            }
            (Outcome::Pass | Outcome::Fail | Outcome::Nothing(_) | Outcome::Broken(_), _) => {}
        }
        drop(lock);
        Ok(verdict)
    }

    /// Finds out all that the verdict of a gate depends on, without running it.
    pub(super) async fn ask(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
    ) -> Result<Asked, Unasked> {
        let mut environment = self.environment(gate);
        let secrets = match self.judge.cache.store() {
            Some(store) => environment.hide_secrets(|value| store.hide(value)),
            None => Vec::new(),
        };
        let marks = marks(command, &environment.given, self.judge.cache.store());
        let mut tools = marks.clone();
        self.ask_tools(gate, &mut environment, &mut tools).await?;
        let inputs = self.inputs(name).await?;
        let action = key::action(gate, command, &environment, tools, inputs);
        Ok(Asked {
            environment,
            secrets,
            marks,
            action,
        })
    }

    fn makes<'g>(&'g self, gate: &'g Gate) -> Option<Makes<'g>> {
        (!gate.outputs.is_empty()).then_some(Makes {
            root: &self.checkout.root,
            outputs: &gate.outputs,
        })
    }

    // The verdict that is known, with what the gate made put back; nothing if that can't be done.
    fn replay(&mut self, gate: &Gate, action: &Action, notes: &mut Vec<String>) -> Option<Verdict> {
        let key = action.key();
        let hit = self.look_up(&key, notes)?;
        if let (Some(makes), Some(store)) = (self.makes(gate), self.judge.cache.store()) {
            match store.put_back(&hit.outputs, &makes) {
                Ok(false) => {}
                Ok(true) => {
                    notes.push("its outputs are put back".into());
                    self.forget_scans();
                }
                Err(reason) => {
                    let note = format!("a kept pass is not replayed: {reason}");
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                    self.forget_scans();
                    return None;
                }
            }
        }
        if let Some(store) = self.judge.cache.store() {
            store.mark_used(&key);
        }
        notes.extend(self.unmatched(gate, action));
        Some(Verdict::replay(hit, std::mem::take(notes)))
    }

    // What can't be looked at can't be in a key: a person's gate runs all the same.
    async fn run_unseen(
        &mut self,
        gate: &Gate,
        command: &str,
        error: SessionError,
    ) -> Result<Verdict, SessionError> {
        let is_unseen = matches!(error, SessionError::Scan(_));
        if !is_unseen || self.checkout.hands == Hands::Runner {
            return Err(error);
        }
        let mut environment = self.environment(gate);
        let mut verdict = self.run_child(gate, command, &mut environment).await;
        verdict
            .notes
            .push(format!("{error}, so the verdict is not kept"));
        Ok(verdict)
    }

    pub(super) fn environment(&self, gate: &Gate) -> Environment {
        Environment::describe(&Ingredients {
            owner: &self.judge.owner,
            workspace: &self.judge.plan.workspace.env,
            step: &self.checkout.step,
            declared: &gate.env,
            extra: &self.judge.extra,
        })
    }

    // The output of each command that stands for something which is no file.
    async fn ask_tools(
        &mut self,
        gate: &Gate,
        environment: &mut Environment,
        tools: &mut BTreeMap<String, Digest>,
    ) -> Result<(), Unasked> {
        let external = gate
            .external
            .as_ref()
            .and_then(|external| external.key.as_ref());
        for command in gate.tools.iter().chain(external) {
            let visible: Vec<&str> = gate.env.iter().map(NamePattern::as_str).collect();
            let asked = (command.clone(), visible.join(" "));
            if let Some(known) = self.tools.get(&asked) {
                tools.insert(command.clone(), *known);
                continue;
            }
            environment
                .furnish()
                .map_err(|error| Unasked::Tool(format!("no private folder: {error}")))?;
            let finished = self.start(command, &environment.given, TOOL_WALL).await;
            match finished {
                Ok(finished) if finished.exit.success() => {
                    let mut said = finished.stdout.len().to_string().into_bytes();
                    said.push(b' ');
                    said.extend(finished.stdout);
                    said.extend(finished.stderr);
                    let said = Digest::of(said);
                    self.tools.insert(asked, said);
                    tools.insert(command.clone(), said);
                }
                // A tool that fails is no version.
                Ok(finished) => {
                    let said = String::from_utf8_lossy(&finished.stderr);
                    let (how, said) = (ended(finished.exit), said.trim());
                    let reason = format!("the tool `{command}` {how}: {said}");
                    return Err(Unasked::Tool(reason));
                }
                Err(error) => {
                    let reason = format!("the tool `{command}` can't be run: {error}");
                    return Err(Unasked::Tool(reason));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn start(
        &self,
        command: &str,
        given: &Variables,
        wall: Duration,
    ) -> std::io::Result<Finished> {
        let launch = Launch::shell(command, self.checkout.root.clone(), given.clone(), wall);
        process::run(launch, self.judge.cancel.clone()).await
    }

    // Runs the command and says what of it there is to say, whatever became of the files.
    async fn run_child(
        &mut self,
        gate: &Gate,
        command: &str,
        environment: &mut Environment,
    ) -> Verdict {
        if let Err(error) = environment.furnish() {
            return Verdict::broken(format!("no private folder: {error}"));
        }
        let wall = Duration::from_secs(gate.timeout);
        let ran = self.start(command, &environment.given, wall).await;
        self.forget_files();
        let finished = match ran {
            Ok(finished) => finished,
            Err(error) => return Verdict::broken(format!("the shell can't be started: {error}")),
        };
        let outcome = match finished.exit {
            Exit::Code(0) => Outcome::Pass,
            Exit::Code(_) => Outcome::Fail,
            Exit::TimedOut => {
                Outcome::Broken(format!("it took longer than {} seconds", gate.timeout))
            }
            Exit::Signal(_) | Exit::Cancelled => {
                Outcome::Broken(format!("it {}", ended(finished.exit)))
            }
        };
        let mut verdict = Verdict::bare(outcome);
        verdict.elapsed = finished.elapsed;
        if let Exit::Code(code @ 1..) = finished.exit {
            verdict.notes.push(format!("it exited with {code}"));
            let wanted = self.wanted(gate, command, environment, &finished).await;
            verdict.notes.extend(wanted);
        }
        if finished.truncated {
            verdict
                .notes
                .push("its output is too long to be kept".into());
        }
        verdict.truncated = finished.truncated;
        verdict.stdout = finished.stdout;
        verdict.stderr = finished.stderr;
        verdict
    }

    // Runs the command. Says whether the verdict is one of what was looked at.
    async fn run_now(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
        asked: &mut Asked,
    ) -> Result<(Verdict, bool), SessionError> {
        let mut verdict = self.run_child(gate, command, &mut asked.environment).await;
        let action = &asked.action;
        let mut reasons = Vec::new();
        let after = match self.inputs(name).await {
            Ok(after) => after,
            Err(error @ SessionError::Scan(_)) if self.checkout.hands == Hands::Person => {
                verdict
                    .notes
                    .push(format!("{error}, so the verdict is not kept"));
                return Ok((verdict, false));
            }
            Err(error) => return Err(error),
        };
        let diff = after.diff(&action.inputs);
        if !diff.is_empty() {
            reasons.push(format!(
                "its inputs changed while it ran, so the verdict is not kept: {}",
                named(&diff)
            ));
        }
        let now = marks(command, &asked.environment.given, self.judge.cache.store());
        if let Some((name, _)) = asked
            .marks
            .iter()
            .find(|(name, mark)| now.get(*name) != Some(mark))
        {
            reasons.push(format!(
                "`{name}` changed while it ran, so the verdict is not kept"
            ));
        }
        if let Some(link) = action.inputs.links_elsewhere().first() {
            reasons.push(format!(
                "`{}` leads to what is no input, so the verdict is not kept",
                ShownPath(&link.path())
            ));
        }
        let shows = |value: &Vec<u8>| {
            let holds = |said: &[u8]| said.windows(value.len()).any(|part| part == &value[..]);
            value.len() >= SHORTEST_SECRET && (holds(&verdict.stdout) || holds(&verdict.stderr))
        };
        if let Some((name, _)) = asked.secrets.iter().find(|(_, value)| shows(value)) {
            reasons.push(format!(
                "its output shows the value of `{name}`, so the verdict is not kept"
            ));
        }
        let unmatched = self.unmatched(gate, action);
        let patterns = gate.inputs.as_ref().map_or(0, Vec::len);
        if patterns > 0 && unmatched.len() == patterns {
            reasons.push("no input pattern matches a file, so the verdict is not kept".to_owned());
        }
        let stands = reasons.is_empty() && !verdict.truncated;
        verdict.notes.extend(reasons);
        verdict.notes.extend(unmatched);
        Ok((verdict, stands))
    }

    fn unmatched(&self, gate: &Gate, action: &Action) -> Vec<String> {
        let selection = key::selection(gate, &self.judge.plan);
        let unmatched = selection.unmatched(&action.inputs);
        unmatched
            .iter()
            .map(|entry| format!("the input pattern `{}` matches no file", entry.pattern))
            .collect()
    }

    pub(super) fn look_up(&self, key: &Digest, notes: &mut Vec<String>) -> Option<Record> {
        match self.judge.cache.known()?.get(key) {
            Lookup::Hit(record) => Some(*record),
            Lookup::Miss => None,
            Lookup::Damaged(reason) => {
                let note = format!("a kept verdict can't be used: {reason}");
                if !notes.contains(&note) {
                    notes.push(note);
                }
                None
            }
        }
    }

    // Waits until nobody else runs the same gate on the same work; nothing if the run is to end.
    async fn lock(&self, store: &Store, key: &Digest) -> Option<Lock> {
        loop {
            if self.judge.cancel.is_made() {
                return None;
            }
            if let Some(lock) = store.try_lock(key) {
                return Some(lock);
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

/// Returns how a child ended, in words that follow its name.
pub(super) fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        Exit::TimedOut => "took too long".into(),
        Exit::Cancelled => "was cancelled".into(),
    }
}

fn named(diff: &Diff) -> String {
    let all = diff
        .added
        .iter()
        .map(|path| ("new", path))
        .chain(diff.removed.iter().map(|path| ("gone", path)))
        .chain(diff.changed.iter().map(|path| ("changed", path)));
    let mut words: Vec<String> = all
        .take(NAMED)
        .map(|(what, path)| format!("`{}` ({what})", ShownPath(path)))
        .collect();
    if let more @ 1.. = diff.len().saturating_sub(NAMED) {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}
