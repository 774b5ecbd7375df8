//! What a role's session is told again when it starts, and after the client has shortened it.

use std::{fmt::Display, path::PathBuf};

use serde::Deserialize;

use super::{Setting, answer::load, decide::role, observed};
use crate::{
    boundary::{Capability, Entry, Grant, Pattern},
    plan::{Boundary, GuardMode, Plan, Role},
};

// How many patterns of a kind are named.
const MOST_SHOWN: usize = 24;

// What is true of a prompt that was compiled.
const IN_THE_PROMPT: &str = "Your rules, your boundary, and your gates are in your instructions, and hold in every turn.\nRead CLAUDE.md and your brief before you go on.\n";

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    agent_type: Option<String>,
    cwd: PathBuf,
}

/// Answers the client's hook at the start of a session: what the role may do, in a few lines. Nothing
/// for a person's own session, for agents that are no roles, while nothing is refused (the role is only
/// observed, or the guard is off), and where anything is wrong: nothing depends on this text, since
/// every call is judged anyway.
pub fn context(input: &[u8], setting: &Setting) -> String {
    let said = || -> Option<String> {
        let start: Start = serde_json::from_slice(input).ok()?;
        let name = setting.role.clone().or(start.agent_type)?;
        let factories = load(&start.cwd, setting).ok()?;
        // In `exec` no role is merely observed, and the guard is never off.
        let judges = |(plan, root): &(Plan, PathBuf)| {
            let passes =
                |role: &Role| role.guard == GuardMode::Observe || observed::is_off(root).is_some();
            role(plan, &name).is_some_and(|role| setting.role.is_some() || !passes(role))
        };
        let (plan, _) = factories.iter().find(|factory| judges(factory))?;
        let role = role(plan, &name)?;
        let told = if role.verbatim { "" } else { IN_THE_PROMPT };
        Some(format!(
            "{told}This is a session of the role `{name}`. Each of its calls is judged before it happens; of what its tools can do, it may\n{}",
            lines(&role.boundary)
        ))
    };
    said().unwrap_or_default()
}

fn lines(boundary: &Boundary) -> String {
    let mut lines = String::new();
    for capability in Capability::ALL {
        let line = match capability {
            Capability::Read => line(&boundary.read, "anything in the project"),
            Capability::Write => line(&boundary.write, "nothing"),
            Capability::Run => line(&boundary.run, "nothing"),
            Capability::Reach => line(&boundary.reach, "nothing"),
            Capability::Use => line(&boundary.uses, "nothing"),
            Capability::Env => line(&boundary.env, "nothing"),
            Capability::Delegate => line(&boundary.delegate, "nothing"),
        };
        lines.push_str("- ");
        lines.push_str(capability.word());
        lines.push_str(": ");
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

fn line<P: Pattern + Display>(grant: &Grant<P>, without: &str) -> String {
    let listed = |entries: &[Entry<P>]| {
        let mut words: Vec<String> = entries
            .iter()
            .take(MOST_SHOWN)
            .map(|entry| {
                let excepted = entry.except.iter().map(|except| format!(" but `{except}`"));
                format!("`{}`{}", entry.pattern, excepted.collect::<String>())
            })
            .collect();
        if entries.len() > MOST_SHOWN {
            words.push(format!("and {} more", entries.len() - MOST_SHOWN));
        }
        words.join(", ")
    };
    let given = if grant.may.is_empty() {
        without.to_owned()
    } else {
        listed(&grant.may)
    };
    if grant.never.own().is_empty() {
        given
    } else {
        format!("{given}; never {}", listed(grant.never.own()))
    }
}
