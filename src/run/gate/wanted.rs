//! Which of the variables that are hidden from a gate it fails for want of: found out by running it
//! with them, never guessed.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    time::{Duration, Instant},
};

use super::{
    super::process::{Exit, Finished},
    checkout::Hands,
    environment::{Environment, Variables},
    secrets::is_secret,
    session::Session,
};
use crate::plan::Gate;

/// A gate that took longer to fail is not run again for this.
const QUICK: Duration = Duration::from_secs(20);
/// How long all tries may take together.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many variables are looked for.
const MOST: usize = 4;
/// What a shell sets for itself, and what would be no answer.
const NEVER: [&str; 6] = ["PATH", "PWD", "OLDPWD", "SHLVL", "_", "TERM"];

impl Session<'_> {
    /// Returns what a gate that has just failed wants, in words; nothing where it fails with all that
    /// may be shown to it. Only on a person's own files, and never with what looks like a secret.
    pub(super) async fn wanted(
        &self,
        gate: &Gate,
        command: &str,
        environment: &Environment,
        failed: &Finished,
    ) -> Option<String> {
        let asks = self.judge.probes && self.checkout.hands == Hands::Person;
        if !asks || failed.elapsed > QUICK {
            return None;
        }
        let hidden: Vec<(OsString, OsString)> = self
            .judge
            .owner
            .iter()
            .filter(|(name, value)| {
                is_shown(name, value) && environment.given.get(*name) != Some(value)
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let end = Instant::now() + PATIENCE;
        let wall = Duration::from_secs(gate.timeout);
        let passes = async |with: &[&(OsString, OsString)]| -> Option<bool> {
            let left = end.checked_duration_since(Instant::now())?;
            let mut given: Variables = environment.given.clone();
            given.extend(with.iter().map(|pair| (*pair).clone()));
            let finished = self
                .start(command, environment, Some(given), wall.min(left))
                .await
                .ok()?;
            match finished.exit {
                Exit::Code(code) => Some(code == 0),
                Exit::Signal(_) | Exit::TimedOut | Exit::Cancelled => None,
            }
        };
        let all: Vec<&(OsString, OsString)> = hidden.iter().collect();
        if all.is_empty() || !passes(&all).await? {
            return None;
        }
        // The last of the shortest beginning that passes is wanted; then the same with it in front.
        let mut wanted: Vec<&(OsString, OsString)> = Vec::new();
        let mut rest = all;
        while !passes(&wanted).await? {
            if wanted.len() == MOST {
                return None;
            }
            let (mut low, mut high) = (0, rest.len());
            while low < high {
                let middle = low.midpoint(high);
                let mut tried = wanted.clone();
                tried.extend(rest.iter().take(middle));
                if passes(&tried).await? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            wanted.push(rest.get(low.checked_sub(1)?).copied()?);
            rest.truncate(low - 1);
        }
        let names: Vec<_> = wanted
            .iter()
            .map(|(name, _)| name.to_string_lossy())
            .collect();
        let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        (!names.is_empty()).then(|| {
            format!(
                "it passes with {}, which is hidden from it; add `env {}` to the gate",
                names.join(" and "),
                quoted.join(" ")
            )
        })
    }
}

fn is_shown(name: &OsStr, value: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| !NEVER.contains(&name) && !is_secret(name, value.as_bytes()))
}
