//! The `claude-code` driver: the client without a screen, one process for one role.
//!
//! The client enforces no boundary by itself, so it is called in the one way that was tried against
//! hostile projects: none of the project's own settings, the role's tools alone, nothing asked, every
//! call put to the guard, the kernel around all of it. Its word is believed only as far as
//! [`result::read`] says.

mod call;
mod result;
#[cfg(test)]
mod tests;
mod rules;
mod transcript;

use std::{
    ffi::OsString,
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    AgentError, Answer, Assignment, Attempt, Ended, Held,
    child::{self, Program, last_words},
    command,
    private::{Private, environment, file, fresh},
};
use crate::{
    cache::Digest,
    plan::{Plan, Usd},
    run::process::{Cancel, Exit},
};
use result::Said;

/// What the client needs of the owner's environment where the plan does not name it.
const CREDENTIALS: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
];

/// Runs the client.
pub(super) async fn attempt(
    assignment: &Assignment,
    cancel: Cancel,
) -> Result<Attempt, AgentError> {
    if assignment.budget == Usd::ZERO {
        return Ok(spent(assignment));
    }
    let boundary = assignment.boundary()?;
    let private = Private::prepare(&assignment.private)?;
    let driver = &assignment.plan.factory.driver;
    let (program, files) = command::program(assignment, &driver.command, "claude")?;

    // What the guard is to judge by is the role as this step has it.
    let mut narrowed = Plan::clone(&assignment.plan);
    if let Some(role) = narrowed.roles.get_mut(&assignment.role) {
        role.boundary = boundary.clone();
    }
    let plan = private.steer("plan.json", narrowed.to_text())?;
    let refusals = fresh(&private.out, "refused.jsonl")?;
    let guard = call::guard(assignment, &plan, &refusals);
    let settings = rules::settings(assignment, &boundary, &guard)?;
    let settings = private.steer("role.json", settings.to_string())?;
    let servers = private.steer(
        "servers.json",
        call::servers(assignment, &boundary).to_string(),
    )?;
    let context = match instructions(&assignment.checkout, &boundary) {
        Some(text) => Some(private.steer("context.md", text)?),
        None => None,
    };
    identify(&private, assignment)?;

    let session = assignment
        .session
        .clone()
        .unwrap_or_else(|| new_session(assignment));
    let mut args: Vec<OsString> = driver.command.iter().skip(1).map(OsString::from).collect();
    args.extend(call::arguments(
        assignment,
        &boundary,
        &session,
        &settings,
        &servers,
        context.as_deref(),
    )?);
    let defaults = CREDENTIALS.map(str::to_owned);
    let passes = if driver.env.is_empty() {
        &defaults[..]
    } else {
        &driver.env
    };
    let mut environment = environment(assignment, &boundary, &private, passes);
    environment.extend(call::SWITCHES.map(|(name, value)| (name.into(), value.into())));
    environment.insert("CLAUDE_CODE_TMPDIR".into(), private.tmp.clone().into());

    let already = transcript::length(&private.home, &session);
    let input = call::prompt(assignment).into_bytes();
    let program = Program {
        command: program,
        args,
        input,
        environment,
        files,
    };
    let (finished, held) = child::run(assignment, &boundary, &private, program, cancel).await?;

    let said = match finished.exit {
        Exit::TimedOut => Said::ended(Ended::TimedOut),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => result::read(
            &finished,
            assignment.answer != Answer::Text,
            SystemTime::now(),
        )
        .unwrap_or_else(|| Said::ended(result::unsaid(&last_words(&finished), SystemTime::now()))),
    };
    let model = call::model(assignment)?;
    let cost = said
        .cost
        .unwrap_or_else(|| transcript::cost(&private.home, &session, already, model));
    Ok(Attempt {
        text: said.text,
        structured: said.structured,
        cost,
        session: transcript::exists(&private.home, &session).then_some(session),
        refused: refused(&refusals, said.denied),
        message: None,
        held,
        ended: said.ended,
    })
}

// There is nothing left to spend, and a client takes a budget of nothing for none at all.
fn spent(assignment: &Assignment) -> Attempt {
    Attempt {
        text: String::new(),
        structured: None,
        cost: Usd::ZERO,
        session: assignment.session.clone(),
        refused: Vec::new(),
        message: None,
        held: Held {
            write: crate::plan::Layer::Prevented,
            note: "it was not started: nothing was left to spend".to_owned(),
        },
        ended: Ended::Budget,
    }
}

// A session's name has the form of a random UUID, and the client takes none twice in one home.
fn new_session(assignment: &Assignment) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let place = assignment.private.display();
    let hex = Digest::of(format!(
        "{now} {} {place} {}",
        std::process::id(),
        assignment.attempt
    ))
    .to_string();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

// The text that people wrote for every agent of the project. The client would load it by itself, had
// it not been told to leave the project's settings alone. It goes with every request, so that it
// outlives what the client does to a long conversation.
fn instructions(checkout: &Path, boundary: &crate::plan::Boundary) -> Option<String> {
    const NAME: &str = "CLAUDE.md";
    let path = checkout.join(NAME);
    // An agent may have left a link to what only its reader may read.
    let plain = fs::symlink_metadata(&path)
        .is_ok_and(|data| data.is_file() && std::os::unix::fs::MetadataExt::nlink(&data) == 1);
    if !plain || boundary.read.never.iter().any(|entry| entry.takes(NAME)) {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    Some(format!(
        "# The project's instructions\n\nFrom `{NAME}` in its root. Your role's own instructions and \
         boundary come first where they differ.\n\n{}\n",
        text.trim()
    ))
}

// Whom the agent's own commits are from; nobody keeps those commits.
fn identify(private: &Private, assignment: &Assignment) -> Result<(), AgentError> {
    // An earlier attempt may have left a link there, or a pipe.
    let path = fresh(&private.home, ".gitconfig")?;
    let text = format!(
        "[user]\n\tname = {0}\n\temail = {0}@factory.invalid\n",
        assignment.role
    );
    fs::write(&path, text).map_err(|cause| file(&path, cause))
}

// What the guard wrote down, and what the client refused before it asked the guard.
fn refused(file: &Path, denied: Vec<result::Denied>) -> Vec<String> {
    let text = match fs::symlink_metadata(file) {
        Ok(data) if data.is_file() => fs::read_to_string(file).unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    };
    let mut lines = Vec::new();
    let mut known = Vec::new();
    for line in text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
    {
        let word = |name: &str| {
            line.get(name)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        known.extend(word("call"));
        lines.extend(word("why"));
    }
    lines.extend(
        denied
            .into_iter()
            .filter(|denied| {
                !denied
                    .call
                    .as_ref()
                    .is_some_and(|call| known.contains(call))
            })
            .map(|denied| denied.what),
    );
    lines
}
