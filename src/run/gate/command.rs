//! Gates that run a command.

use std::{
    collections::BTreeMap,
    fmt,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    super::process::{Exit, Finished, Launch},
    checkout::Hands,
    environment::{Environment, Ingredients, Variables},
    judge::Progress,
    key,
    marks::{Marks, marks},
    secrets::looks_secret,
    session::{Inputs, Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    boundary::NamePattern,
    cache::{
        self, Action, Diff, Digest, Happened, InputSelection, Kept, Lock, Lookup, Makes, Output,
        Record, Scanner, ShownPath, Store, Tree, Watch, holds,
    },
    plan::Gate,
};

/// How long a command whose output is part of a key may take.
const TOOL_WALL: Duration = Duration::from_mins(1);
/// How often one looks whether someone else is done with the same gate on the same work.
const PATIENCE: Duration = Duration::from_millis(20);
/// When a person is told whom a gate waits for.
const TOLD: Duration = Duration::from_secs(1);
/// How often one looks what has happened to the files while a gate runs.
const LOOK: Duration = Duration::from_millis(50);
/// How many paths are named of those that changed.
const NAMED: usize = 5;

/// Values that are shorter are found in any output.
const SHORTEST_SECRET: usize = 4;

/// All that a verdict depends on, found out without running the gate.
pub(super) struct Asked {
    environment: Environment,
    /// Values that are nobody's business, with the names of their variables.
    secrets: Secrets,
    /// What is known of what the command names.
    pub(super) marks: Marks,
    /// What the inputs were found to be.
    inputs: Inputs,
    /// What makes the key.
    pub(super) action: Action,
}

type Secrets = Vec<(String, Vec<u8>)>;

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

impl<'a> Session<'a> {
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
            // What can't even be looked at is not as it was.
            Some(before) => {
                let after = self.whole().await;
                aside || !after.is_ok_and(|after| after.diff(&before).is_empty())
            }
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
        if !has_key || !self.uses_cache || !asked.marks.doubts.is_empty() {
            let keeps = false;
            let (mut verdict, _) = self.run_now(name, gate, command, &mut asked, keeps).await?;
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
        // What a gate has made is put back by one at a time.
        if gate.outputs.is_empty()
            && let Some(replay) = self.replay(gate, &asked.action, &mut notes)
        {
            return Ok(replay);
        }
        // It is going to run, unless another process is at it.
        self.get_ready();
        let lock = match self.judge.cache.store().cloned() {
            Some(store) => match self.lock(name, gate, &store, &key, &mut notes).await {
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
        let keeps = true;
        let (mut verdict, reasons) = self.run_now(name, gate, command, &mut asked, keeps).await?;
        verdict.notes.splice(0..0, notes);
        verdict.key = Some(key);
        let stands = reasons.is_empty();
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
                let makes = self.makes(gate, &asked.secrets);
                match store.put(&asked.action, &outcome, makes) {
                    Kept::Stored => {
                        if let Some(makes) = makes
                            && let Lookup::Hit(kept) = store.get(&key)
                        {
                            verdict.notes.extend(unmade(&makes, &kept.outputs));
                        }
                    }
                    Kept::NotAPass => {}
                    Kept::Failed(error) => {
                        verdict.notes.push(format!("it is not kept: {error}"));
                    }
                    Kept::Unkept(reason) => {
                        store.note_unkept(&key, started, &reason);
                        verdict.notes.push(format!("it is not kept: {reason}"));
                    }
                }
            }
            (Outcome::Pass, Some(store)) => {
                let reasons: Vec<_> = reasons.iter().map(Reason::to_string).collect();
                store.note_unkept(&key, started, &reasons.join("; "));
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
        let mut secrets = match self.judge.cache.store() {
            Some(store) => environment.hide_secrets(|value| store.hide(value)),
            None => Vec::new(),
        };
        secrets.retain(|(_, value)| value.len() >= SHORTEST_SECRET);
        let mut said = BTreeMap::new();
        self.ask_tools(gate, &mut environment, &secrets, &mut said)
            .await?;
        // A person's files may be touched by others, and what was touched before it ran is no sign.
        let anew = self.checkout.hands == Hands::Person;
        let marking = self.marking(gate, command, &environment.given);
        let marking = async { marking() };
        let (inputs, marks) = tokio::join!(self.inputs_now(name, anew), marking);
        let inputs = inputs?;
        let mut tools = marks.keyed.clone();
        tools.extend(said);
        let action = key::action(gate, command, &environment, tools, inputs.tree.clone());
        Ok(Asked {
            environment,
            secrets,
            marks,
            inputs,
            action,
        })
    }

    // Finds out what is known of what the command names, which has time while the files are looked at.
    fn marking<'m>(
        &self,
        gate: &Gate,
        command: &str,
        given: &'m Variables,
    ) -> impl FnOnce() -> Marks + use<'a, 'm> {
        let (names, root) = (self.naming(gate, command), self.root());
        let cache = &self.judge.cache;
        move || marks(&names, &root, given, cache.store())
    }

    pub(super) fn makes<'g>(
        &'g self,
        gate: &'g Gate,
        secrets: &'g [(String, Vec<u8>)],
    ) -> Option<Makes<'g>> {
        (!gate.outputs.is_empty()).then_some(Makes {
            root: &self.checkout.root,
            outputs: &gate.outputs,
            secrets,
        })
    }

    // The verdict that is known, with what the gate made put back; nothing if that can't be done.
    fn replay(&mut self, gate: &Gate, action: &Action, notes: &mut Vec<String>) -> Option<Verdict> {
        let key = action.key();
        let hit = self.look_up(&key, notes)?;
        if let (Some(makes), Some(store)) = (self.makes(gate, &[]), self.judge.cache.store()) {
            let unmade = unmade(&makes, &hit.outputs);
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
            notes.extend(unmade);
        }
        if let Some(store) = self.judge.cache.store() {
            store.mark_used(&key);
        }
        notes.extend(Self::unmatched(gate, action));
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
        let (mut verdict, _) = self.run_child(gate, command, &mut environment, None).await;
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
        secrets: &Secrets,
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
            let finished = self.start(command, environment, None, TOOL_WALL).await;
            match finished {
                Ok(finished) if finished.truncated => {
                    let reason = format!("the tool `{command}` says more than can be compared");
                    return Err(Unasked::Tool(reason));
                }
                Ok(finished) if finished.exit.success() => {
                    let mut said = finished.stdout.len().to_string().into_bytes();
                    said.push(b' ');
                    said.extend(finished.stdout);
                    said.extend(finished.stderr);
                    let is_secret =
                        looks_secret(&said) || secrets.iter().any(|(_, value)| holds(&said, value));
                    let said = match self.judge.cache.store() {
                        Some(store) if is_secret => store.hide(&said),
                        Some(_) | None => Digest::of(said),
                    };
                    self.tools.insert(asked, said);
                    tools.insert(command.clone(), said);
                }
                // A tool that fails is no version.
                Ok(finished) => {
                    let said = String::from_utf8_lossy(&finished.stderr);
                    let (how, said) = (finished.exit, said.trim());
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

    // Starts a command with the variables of `environment`, or with others.
    pub(super) async fn start(
        &self,
        command: &str,
        environment: &Environment,
        given: Option<Variables>,
        wall: Duration,
    ) -> std::io::Result<Finished> {
        let mut launch = self.launch(command, environment, wall);
        if let Some(given) = given {
            launch.env = given;
        }
        self.launched(launch, environment).await
    }

    fn launch(&self, command: &str, environment: &Environment, wall: Duration) -> Launch {
        let (root, given) = (self.checkout.root.clone(), environment.given.clone());
        Launch::shell(&key::line(command), root, given, wall)
    }

    async fn launched(
        &self,
        launch: Launch,
        environment: &Environment,
    ) -> std::io::Result<Finished> {
        let commands = &self.judge.commands;
        let cancel = self.judge.cancel.clone();
        commands.run("gate", launch, environment, cancel).await
    }

    // Runs the command and says what of it there is to say, whatever became of the files; and what has
    // happened to those that are to be watched.
    async fn run_child(
        &mut self,
        gate: &Gate,
        command: &str,
        environment: &mut Environment,
        watched: Option<(&Scanner, &Tree)>,
    ) -> (Verdict, Option<Happened>) {
        if let Err(error) = environment.furnish() {
            let verdict = Verdict::broken(format!("no private folder: {error}"));
            return (verdict, None);
        }
        let (ran, happened) = {
            let wall = Duration::from_secs(gate.timeout);
            let mut launch = self.launch(command, environment, wall);
            launch.waiting = self.waiting.take();
            // Its keeper gets ready meanwhile.
            let mut watch = watched.map(|(scanner, inputs)| scanner.watch(inputs));
            let mut run = pin!(self.launched(launch, environment));
            let ran = loop {
                tokio::select! {
                    ran = &mut run => break ran,
                    () = tokio::time::sleep(LOOK) => if let Some(watch) = &mut watch {
                        watch.drain();
                    },
                }
            };
            (ran, watch.map(Watch::end))
        };
        self.forget_files();
        let finished = match ran {
            Ok(finished) => finished,
            Err(error) => {
                let verdict = Verdict::broken(format!("the shell can't be started: {error}"));
                return (verdict, happened);
            }
        };
        let outcome = match finished.exit {
            Exit::Code(0) => Outcome::Pass,
            Exit::Code(_) => Outcome::Fail,
            Exit::TimedOut => {
                Outcome::Broken(format!("it took longer than {} seconds", gate.timeout))
            }
            Exit::Signal(_) | Exit::Cancelled => Outcome::Broken(format!("it {}", finished.exit)),
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
        (verdict, happened)
    }

    // Runs the command. Returns why the verdict is none of what was looked at, if so.
    async fn run_now(
        &mut self,
        name: &str,
        gate: &Gate,
        command: &str,
        asked: &mut Asked,
        keeps: bool,
    ) -> Result<(Verdict, Vec<Reason>), SessionError> {
        let watches = keeps && self.checkout.hands == Hands::Person;
        let scanner = self.scanner().await?;
        let watched = watches.then_some((&*scanner, &asked.inputs.tree));
        let (mut verdict, happened) = self
            .run_child(gate, command, &mut asked.environment, watched)
            .await;
        let used = asked.environment.clear();
        let marking = self.marking(gate, command, &asked.environment.given);
        let marking = async {
            drop(used);
            marking()
        };
        let (after, marks) = tokio::join!(self.inputs_now(name, false), marking);
        let after = match after {
            Ok(after) => after,
            Err(error @ SessionError::Scan(_)) if self.checkout.hands == Hands::Person => {
                let reason = Reason::new(error.to_string());
                verdict.notes.push(reason.note());
                return Ok((verdict, vec![reason]));
            }
            Err(error) => return Err(error),
        };
        let mut reasons = self
            .changes(gate, asked, &after, happened.as_ref(), marks)
            .await?;
        if keeps && reasons.is_empty() && verdict.outcome == Outcome::Pass {
            reasons.extend(self.other_answer(gate, asked).await);
        }
        let action = &asked.action;
        if let Some(link) = action.inputs.links_elsewhere().first() {
            reasons.push(Reason::new(leads_elsewhere(&link.path())));
        }
        if let Some(device) = action.inputs.device() {
            reasons.push(Reason::new(is_device(&device.path())));
        }
        let shows = |(_, value): &&(String, Vec<u8>)| {
            holds(&verdict.stdout, value) || holds(&verdict.stderr, value)
        };
        if let Some((name, _)) = asked.secrets.iter().find(shows) {
            let what = format!("its output shows the value of `{name}`");
            reasons.push(Reason::new(what));
        }
        let unmatched = Self::unmatched(gate, action);
        let patterns = gate.inputs.as_ref().map_or(0, Vec::len);
        if patterns > 0 && unmatched.len() == patterns {
            reasons.push(Reason::new("no input pattern matches a file"));
        }
        verdict.notes.extend(reasons.iter().map(Reason::note));
        verdict.notes.extend(unmatched);
        if verdict.truncated {
            // That was told with the output.
            reasons.push(Reason::new("its output is too long"));
        }
        Ok((verdict, reasons))
    }

    // What is no longer what the gate was asked about, or may have been something else meanwhile.
    async fn changes(
        &mut self,
        gate: &Gate,
        asked: &Asked,
        after: &Inputs,
        happened: Option<&Happened>,
        now: Marks,
    ) -> Result<Vec<Reason>, SessionError> {
        let mut reasons = Vec::new();
        let before = &asked.inputs;
        let diff = after.tree.diff(&before.tree);
        // Another scan knows nothing of what was touched before it.
        let touched = Arc::ptr_eq(&after.scans, &before.scans).then(|| Arc::clone(&after.touched));
        let untouched = touched.as_ref().is_some_and(|touched| !touched.is_any());
        if !diff.is_empty() {
            let what = "its inputs changed while it ran";
            reasons.push(Reason::naming(what, &changed(&diff)));
        } else if let Some(happened) = happened.filter(|_| !untouched) {
            let scanner = self.scanner().await?;
            let mut doubtful =
                scanner.doubtful(&before.scans, &before.tree, happened, touched.as_deref());
            // What it makes it writes, and always the same from the same.
            doubtful.retain(|path| {
                let path = String::from_utf8_lossy(path);
                !gate.outputs.iter().any(|output| output.gives(&path))
            });
            let named: Vec<_> = doubtful.iter().map(|path| shown(path)).collect();
            if !named.is_empty() {
                let what = "its inputs may have been something else while it ran";
                reasons.push(Reason::naming(what, &named));
            }
        }
        if let Some(name) = now.differing(&asked.marks) {
            reasons.push(Reason::new(format!("`{name}` changed while it ran")));
        }
        let mut doubts = asked.marks.doubts.clone();
        doubts.extend(now.doubts);
        doubts.sort();
        doubts.dedup();
        reasons.extend(doubts.into_iter().map(Reason::new));
        Ok(reasons)
    }

    // What a tool, or the key of what is no file, says now, if that is something else.
    async fn other_answer(&mut self, gate: &Gate, asked: &mut Asked) -> Option<Reason> {
        let mut now = BTreeMap::new();
        let (environment, secrets) = (&mut asked.environment, &asked.secrets);
        match self.ask_tools(gate, environment, secrets, &mut now).await {
            Ok(()) => {
                let is_other = |(tool, said): &(&String, &Digest)| {
                    asked.action.tools.get(*tool) != Some(*said)
                };
                let (tool, _) = now.iter().find(is_other)?;
                let what = format!("`{tool}` says something else than before it ran");
                Some(Reason::new(what))
            }
            Err(Unasked::Tool(reason)) => Some(Reason::new(reason)),
            Err(Unasked::Session(error)) => Some(Reason::new(error.to_string())),
        }
    }

    fn unmatched(gate: &Gate, action: &Action) -> Vec<String> {
        let selection = InputSelection {
            patterns: gate.inputs.clone(),
            ..InputSelection::default()
        };
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

    // Waits until nobody else runs the same gate on the same work; nothing if the run is to end. Whoever
    // takes longer than the gate may is not waited for.
    async fn lock(
        &self,
        name: &str,
        gate: &Gate,
        store: &Store,
        key: &Digest,
        notes: &mut Vec<String>,
    ) -> Option<Lock> {
        let started = Instant::now();
        let mut told = false;
        loop {
            if self.judge.cancel.is_made() {
                return None;
            }
            if let Some(lock) = store.try_lock(key) {
                return Some(lock);
            }
            if started.elapsed() >= Duration::from_secs(gate.timeout) {
                let who = store.holder(key).map_or_else(
                    || "another process".to_owned(),
                    |process| format!("process {process}"),
                );
                notes.push(format!(
                    "{who} has been at the same work for longer than the gate may take, and was not waited for"
                ));
                return Some(Lock::none());
            }
            if !told && started.elapsed() >= TOLD {
                told = true;
                (self.progress)(Progress::Waiting(name, store.holder(key)));
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

/// Why a verdict is not kept.
#[derive(Debug)]
pub(super) struct Reason {
    what: String,
    // What it is about, with a colon before it.
    which: String,
}

impl Reason {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            which: String::new(),
        }
    }

    fn naming(what: &str, named: &[String]) -> Self {
        let mut words: Vec<_> = named.iter().take(NAMED).cloned().collect();
        if let more @ 1.. = named.len().saturating_sub(NAMED) {
            words.push(format!("{more} more"));
        }
        Self {
            what: what.to_owned(),
            which: format!(": {}", words.join(", ")),
        }
    }

    fn note(&self) -> String {
        format!("{}, so the verdict is not kept{}", self.what, self.which)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.what, self.which)
    }
}

/// Returns why nothing is kept of a gate with such an input.
pub(super) fn leads_elsewhere(link: &[u8]) -> String {
    format!("`{}` leads to what is no input", ShownPath(link))
}

/// Returns why nothing is kept of a gate with such an input.
pub(super) fn is_device(path: &[u8]) -> String {
    format!("`{}` is a device", ShownPath(path))
}

fn shown(path: &[u8]) -> String {
    let path = if path.is_empty() { b"." } else { path };
    format!("`{}`", ShownPath(path))
}

// The output patterns that mean nothing of what a gate has made.
fn unmade(makes: &Makes<'_>, outputs: &[Output]) -> Vec<String> {
    let unmatched = makes.unmatched(outputs);
    unmatched
        .iter()
        .map(|entry| format!("the output pattern `{}` matches nothing", entry.pattern))
        .collect()
}

fn changed(diff: &Diff) -> Vec<String> {
    let lists = [
        ("new", &diff.added),
        ("gone", &diff.removed),
        ("changed", &diff.changed),
    ];
    let all = lists.into_iter().flat_map(|(what, paths)| {
        let named = paths.iter().map(move |path| (what, path));
        named.map(|(what, path)| format!("{} ({what})", shown(path)))
    });
    all.collect()
}
