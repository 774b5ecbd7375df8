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
    cache::{self, Action, Diff, Digest, Kept, Lock, Lookup, Record, ShownPath, Store},
    plan::Gate,
};

/// How long a command whose output is part of a key may take.
const TOOL_WALL: Duration = Duration::from_mins(1);
/// How often one looks whether someone else is done with the same gate on the same work.
const PATIENCE: Duration = Duration::from_millis(20);
/// How many paths are named of those that changed.
const NAMED: usize = 5;

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
        let environment = match self.environment(gate) {
            Ok(environment) => environment,
            Err(error) => return Ok(Verdict::broken(format!("no private folder: {error}"))),
        };
        let mut tools = marks(command, &environment.given);
        if let Err(reason) = self.ask_tools(gate, &environment.given, &mut tools).await {
            return Ok(Verdict::broken(reason));
        }
        let inputs = self.inputs(name).await?;
        let action = key::action(gate, command, &environment, tools, inputs);
        let key = action.key();
        let has_key = gate
            .external
            .as_ref()
            .is_none_or(|external| external.key.is_some());
        if !has_key || !self.uses_cache {
            let (mut verdict, _) = self
                .run_now(name, gate, command, &environment, &action)
                .await?;
            if let Some(external) = gate.external.as_ref().filter(|_| !has_key) {
                let name = &external.name;
                verdict.notes.push(format!(
                    "the verdict depends on `{name}`, so it is not kept"
                ));
            }
            return Ok(verdict);
        }
        if let Some(mut failure) = self.judge.cache.failure(&key) {
            failure
                .notes
                .push("it failed on the same work before in this run".into());
            return Ok(failure);
        }
        let mut notes = Vec::new();
        if let Some(hit) = self.look_up(&key, &mut notes) {
            return Ok(Verdict::replay(hit, notes));
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
        if let Some(hit) = self.look_up(&key, &mut notes) {
            return Ok(Verdict::replay(hit, notes));
        }
        let started = SystemTime::now();
        let (mut verdict, stands) = self
            .run_now(name, gate, command, &environment, &action)
            .await?;
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
                match store.put(&action, &outcome) {
                    Kept::Stored | Kept::NotAPass => {}
                    Kept::Failed(error) => verdict.notes.push(format!("it is not kept: {error}")),
                }
            }
            (Outcome::Pass | Outcome::Fail | Outcome::Nothing(_) | Outcome::Broken(_), _) => {}
        }
        drop(lock);
        Ok(verdict)
    }

    fn environment(&self, gate: &Gate) -> std::io::Result<Environment> {
        Environment::make(&Ingredients {
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
        given: &Variables,
        tools: &mut BTreeMap<String, Digest>,
    ) -> Result<(), String> {
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
            let finished = self.start(command, given, TOOL_WALL).await;
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
                    return Err(format!(
                        "the tool `{command}` {}: {}",
                        ended(finished.exit),
                        said.trim()
                    ));
                }
                Err(error) => return Err(format!("the tool `{command}` can't be run: {error}")),
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

    // Runs the command. Says whether the verdict is one of the inputs as they were looked at.
    async fn run_now(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
        environment: &Environment,
        action: &Action,
    ) -> Result<(Verdict, bool), SessionError> {
        let wall = Duration::from_secs(gate.timeout);
        let ran = self.start(command, &environment.given, wall).await;
        self.forget_files();
        let finished = match ran {
            Ok(finished) => finished,
            Err(error) => {
                let reason = format!("the shell can't be started: {error}");
                return Ok((Verdict::broken(reason), false));
            }
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
        match finished.exit {
            Exit::Code(0) | Exit::Signal(_) | Exit::TimedOut | Exit::Cancelled => {}
            Exit::Code(code @ (126 | 127)) => verdict.notes.push(format!(
                "it exited with {code}: the shell could not start a program; if it works outside, \
                 the gate may need a variable that it does not declare"
            )),
            Exit::Code(code) => verdict.notes.push(format!("it exited with {code}")),
        }
        let mut stands = true;
        if finished.truncated {
            verdict
                .notes
                .push("its output is too long to be kept".into());
            stands = false;
        }
        verdict.stdout = finished.stdout;
        verdict.stderr = finished.stderr;
        let after = self.inputs(name).await?;
        let diff = after.diff(&action.inputs);
        if !diff.is_empty() {
            verdict.notes.push(format!(
                "its inputs changed while it ran, so the verdict is not kept: {}",
                named(&diff)
            ));
            stands = false;
        }
        let elsewhere = action.inputs.links_elsewhere();
        if let Some(link) = elsewhere.first() {
            verdict.notes.push(format!(
                "`{}` leads to what is no input, so the verdict is not kept",
                ShownPath(&link.path)
            ));
            stands = false;
        }
        verdict.notes.extend(self.unmatched(gate, action));
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
