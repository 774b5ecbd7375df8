//! The gate `rollback`: the change can be taken back.

use std::{fs, time::Duration};

use super::{
    super::{
        folder::Temporary,
        process::{self, Exit, Launch},
    },
    bench::BenchError,
    checkout::{Checkout, Hands},
    environment::{Environment, Ingredients},
    key,
    session::{Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    boundary::NamePattern,
    plan::{Gate, GateKind},
};

/// How long a command that prepares a checkout may take.
const SETUP_WALL: Duration = Duration::from_mins(30);

impl Session<'_> {
    /// Returns whether the change reverts cleanly on the tip, `undo` runs in the changed tree, and the
    /// gates `passes` pass on the reverted tree.
    pub(super) async fn rollback(
        &mut self,
        gate: &Gate,
        undo: Option<&str>,
        passes: &[String],
    ) -> Result<Verdict, SessionError> {
        if self.change().await?.is_empty() {
            return Ok(nothing("nothing has changed"));
        }
        let tip = self.checkout.tip.clone();
        let bench = self.bench().await?;
        let (base, changed) = (bench.base().to_owned(), bench.tree().to_owned());
        let landed = match tip {
            None => changed.clone(),
            Some(tip) => match bench.merge(&base, &changed, &tip).await? {
                Ok(landed) => landed,
                Err(paths) => return Ok(conflicts(&paths, "the change does not apply to the tip")),
            },
        };
        let reverted = if landed == changed {
            base
        } else {
            match bench.merge(&changed, &base, &landed).await? {
                Ok(reverted) => reverted,
                Err(paths) => return Ok(conflicts(&paths, "the change can't be taken back here")),
            }
        };
        if undo.is_none() && passes.is_empty() {
            return Ok(nothing("the gate names neither `undo` nor `passes`"));
        }
        match self.checkout.hands {
            Hands::Runner => {
                let place = Checkout {
                    git: self.bench().await?.git().clone(),
                    ..self.checkout.clone()
                };
                let verdict = self.try_out(&place, gate, undo, passes, &reverted).await;
                self.switch(&changed).await?;
                verdict
            }
            // Nobody's own files are moved about: the same is done in a copy.
            Hands::Person => {
                let folder = Temporary::new("rollback").map_err(BenchError::Io)?;
                let root = folder.path().join("files");
                fs::create_dir(&root).map_err(BenchError::Io)?;
                let checkout = self.checkout;
                let place = self.bench().await?.copy(checkout, &root).await?;
                if let Err(reason) = self.prepare(&place).await {
                    return Ok(Verdict::broken(reason));
                }
                self.try_out(&place, gate, undo, passes, &reverted).await
            }
        }
    }

    async fn try_out(
        &mut self,
        place: &Checkout,
        gate: &Gate,
        undo: Option<&str>,
        passes: &[String],
        reverted: &str,
    ) -> Result<Verdict, SessionError> {
        let mut verdict = Verdict::bare(Outcome::Pass);
        if let Some(undo) = undo {
            let wall = Duration::from_secs(gate.timeout);
            let finished = match self.run_in(place, undo, &gate.env, wall).await {
                Ok(finished) => finished,
                Err(error) => {
                    return Ok(Verdict::broken(format!("`{undo}` can't be run: {error}")));
                }
            };
            verdict.stdout = finished.stdout;
            verdict.stderr = finished.stderr;
            match finished.exit {
                Exit::Code(0) => {}
                Exit::Code(code) => {
                    verdict.outcome = Outcome::Fail;
                    verdict.notes.push(format!("`{undo}` exited with {code}"));
                    return Ok(verdict);
                }
                Exit::Signal(_) | Exit::TimedOut | Exit::Cancelled => {
                    let how = finished.exit;
                    verdict.outcome = Outcome::Broken(format!("`{undo}` {how}"));
                    return Ok(verdict);
                }
            }
            if !passes.is_empty() {
                // What it left behind beside the files is in no key.
                let note = "the gates of `passes` ran anew, because `undo` leaves more than files";
                verdict.notes.push(note.into());
            }
        }
        let git = &place.git;
        git.output(["add", "-A"], None)
            .await
            .map_err(BenchError::Git)?;
        git.output(["read-tree", "--reset", "-u", reverted], None)
            .await
            .map_err(BenchError::Git)?;
        self.forget_scans();
        let place = Checkout {
            base: reverted.to_owned(),
            tree: Some(reverted.to_owned()),
            tip: None,
            hands: Hands::Runner,
            ..place.clone()
        };
        let mut judged = 0;
        for name in passes {
            let known = self.judge.plan.gates.get(name);
            if known.is_some_and(|gate| matches!(gate.kind, GateKind::Rollback { .. })) {
                return Ok(Verdict::broken(format!(
                    "`{name}` is itself a rollback, which can't be one of `passes`"
                )));
            }
            let names = std::slice::from_ref(name);
            let mut inner = Session::new(self.judge, names, &place);
            inner.uses_cache = undo.is_none();
            let said = Box::pin(inner.judge(name)).await;
            inner.settle().await;
            judged += usize::from(!matches!(said.outcome, Outcome::Nothing(_)));
            add(&mut verdict, name, said);
        }
        if judged == 0 && undo.is_none() && verdict.outcome == Outcome::Pass {
            verdict.outcome = Outcome::Nothing("no gate of `passes` had anything to judge".into());
        }
        Ok(verdict)
    }

    async fn run_in(
        &self,
        place: &Checkout,
        command: &str,
        declared: &[NamePattern],
        wall: Duration,
    ) -> std::io::Result<process::Finished> {
        let environment = Environment::make(&Ingredients {
            owner: &self.judge.owner,
            workspace: &self.judge.plan.workspace.env,
            step: &place.step,
            declared,
            extra: &self.judge.extra,
        })?;
        let given = environment.given.clone();
        let launch = Launch::shell(&key::line(command), place.root.clone(), given, wall);
        let cancel = self.judge.cancel.clone();
        let commands = &self.judge.commands;
        commands.run("gate", launch, &environment, cancel).await
    }

    // Makes a copy of a person's work tree ready as the workspace says.
    async fn prepare(&self, place: &Checkout) -> Result<(), String> {
        let workspace = &self.judge.plan.workspace;
        for copy in &workspace.copy {
            let (from, to) = (
                self.checkout.root.join(&copy.path),
                place.root.join(&copy.path),
            );
            if !from.is_file() {
                continue;
            }
            let made = to.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::copy(from, to))
                .map_err(|error| format!("`{}` can't be copied: {error}", copy.path))?;
        }
        for command in &workspace.setup {
            let finished = self
                .run_in(place, command, &[], SETUP_WALL)
                .await
                .map_err(|error| format!("`{command}` can't be run: {error}"))?;
            if !finished.exit.success() {
                let said = String::from_utf8_lossy(&finished.stderr);
                return Err(format!(
                    "a copy of the work tree can't be prepared: `{command}` {}: {}",
                    finished.exit,
                    said.trim()
                ));
            }
        }
        Ok(())
    }
}

fn nothing(reason: &str) -> Verdict {
    Verdict::bare(Outcome::Nothing(reason.into()))
}

fn conflicts(paths: &[String], message: &str) -> Verdict {
    let lines: Vec<String> = paths
        .iter()
        .map(|path| format!("{path}:1: {message}"))
        .collect();
    Verdict::of_findings(&lines, Outcome::Fail)
}

// Adds what a gate said of the reverted tree to what the rollback says.
fn add(verdict: &mut Verdict, name: &str, said: Verdict) {
    let what = match &said.outcome {
        Outcome::Pass if said.replayed.is_some() => "passes (replayed)".to_owned(),
        Outcome::Pass => "passes".to_owned(),
        Outcome::Fail => "fails".to_owned(),
        Outcome::Nothing(reason) => format!("has nothing to judge: {reason}"),
        Outcome::Broken(reason) => format!("could not be run: {reason}"),
    };
    let line = format!("on the reverted tree, `{name}` {what}\n");
    verdict.stdout.extend_from_slice(line.as_bytes());
    verdict.outcome = match (&verdict.outcome, &said.outcome) {
        (Outcome::Broken(_) | Outcome::Fail, _) | (_, Outcome::Pass | Outcome::Nothing(_)) => {
            verdict.outcome.clone()
        }
        (_, Outcome::Broken(reason)) => Outcome::Broken(format!("`{name}`: {reason}")),
        (_, Outcome::Fail) => Outcome::Fail,
    };
    if !said.outcome.lets_pass() {
        verdict.stdout.extend(said.stdout);
        verdict.stderr.extend(said.stderr);
    }
    let notes = said.notes.into_iter().map(|note| format!("{name}: {note}"));
    verdict.notes.extend(notes);
}
