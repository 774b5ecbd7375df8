//! What a role's session is told again when it starts, and after the client has shortened it.

use std::fmt::Display;

use serde::Deserialize;

use super::{Setting, answer::load, decide::role};
use crate::{
    boundary::{Capability, Entry, Grant, Pattern},
    plan::Boundary,
};

// How many patterns of a kind are named.
const MOST_SHOWN: usize = 24;

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    agent_type: Option<String>,
    cwd: std::path::PathBuf,
}

/// Answers the client's hook at the start of a session: what the role may do, in a few lines. Nothing
/// for a person's own session, for agents that are no roles, and where anything is wrong: nothing
/// depends on this text, since every call is judged anyway.
pub fn context(input: &[u8], setting: &Setting) -> String {
    let said = || -> Option<String> {
        let start: Start = serde_json::from_slice(input).ok()?;
        let name = setting.role.clone().or(start.agent_type)?;
        let factories = load(&start.cwd, setting).ok()?;
        let role = factories.iter().find_map(|(plan, _)| role(plan, &name))?;
        Some(format!(
            "This is a session of the role `{name}`. Each of its calls is judged before it happens; it may\n{}",
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
