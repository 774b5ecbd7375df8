//! How the client is called.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use serde_json::{Map, Value, json};

use super::{
    super::{AgentError, Answer, Assignment, task_schema, verdict_schema},
    rules,
};
use crate::{
    client::{self, LONGEST_ARGUMENT, ToolKind},
    plan::{Boundary, Model},
};

/// What the client is told by its environment: to reach nothing but the model, and to give up on an
/// overloaded service soon, since the run waits better.
pub(super) const SWITCHES: [(&str, &str); 5] = [
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "3"),
];

// Ends a session that goes in circles without spending much; the budget and the time limit end others.
const MOST_TURNS: &str = "250";

/// Returns the model that the role runs on.
pub(super) fn model(assignment: &Assignment) -> Result<&Model, AgentError> {
    let name = &assignment.planned_role()?.model;
    assignment
        .plan
        .models
        .get(name)
        .ok_or_else(|| AgentError::Unplanned {
            what: "model",
            name: name.clone(),
        })
}

/// Returns the command of the hook: the guard, as this binary has it, and a refusal where it fails.
pub(super) fn guard(assignment: &Assignment, plan: &Path, refusals: &Path) -> String {
    let words: [&OsStr; 12] = [
        assignment.exe.as_os_str(),
        OsStr::new("guard"),
        OsStr::new("--plan"),
        plan.as_os_str(),
        OsStr::new("--root"),
        assignment.checkout.as_os_str(),
        OsStr::new("--role"),
        OsStr::new(&assignment.role),
        OsStr::new("--private"),
        assignment.private.as_os_str(),
        OsStr::new("--refusals"),
        refusals.as_os_str(),
    ];
    let words: Vec<String> = words
        .iter()
        .map(|word| client::quoted(&word.to_string_lossy()))
        .collect();
    format!("{} || exit 2", words.join(" "))
}

/// Returns the servers that the role may use, as the client wants to be told of them.
pub(super) fn servers(assignment: &Assignment, boundary: &Boundary) -> Value {
    let mut known = Map::new();
    for (name, server) in &assignment.plan.servers {
        let Some((program, args)) = server.command.split_first() else {
            continue;
        };
        if rules::server_tools(boundary, name).is_empty() {
            continue;
        }
        let env: Map<String, Value> = server
            .env
            .iter()
            .filter_map(|name| {
                let value = assignment.environment.get(OsStr::new(name))?;
                Some((name.clone(), value.to_str()?.into()))
            })
            .collect();
        known.insert(
            name.clone(),
            json!({ "command": program, "args": args, "env": env }),
        );
    }
    json!({ "mcpServers": known })
}

/// Returns the client's own tools that the role is offered: those of the plan that the guard knows,
/// less the one that starts agents.
pub(super) fn tools(assignment: &Assignment) -> Result<Vec<&str>, AgentError> {
    let offered = assignment.planned_role()?.tools.iter().map(String::as_str);
    Ok(offered
        .filter(|name| client::tool(name).is_some_and(|tool| tool.kind != ToolKind::Delegate))
        .collect())
}

/// Returns the arguments of the client.
pub(super) fn arguments(
    assignment: &Assignment,
    boundary: &Boundary,
    session: &str,
    settings: &Path,
    servers: &Path,
    context: Option<&Path>,
) -> Result<Vec<OsString>, AgentError> {
    let role = assignment.planned_role()?;
    let tools = tools(assignment)?;
    let schema = match assignment.answer {
        Answer::Text => None,
        Answer::Verdict => Some(verdict_schema().to_string()),
        Answer::Task => Some(task_schema().to_string()),
    };
    let mut named: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
    // A list that leaves this one out takes it away.
    named.extend(schema.as_ref().map(|_| "StructuredOutput".to_owned()));
    for server in assignment.plan.servers.keys() {
        named.extend(rules::server_tools(boundary, server));
    }
    let agents = json!({
        &assignment.role: {
            "description": role.description,
            "prompt": assignment.prompt,
            "tools": named,
        }
    })
    .to_string();
    if agents.len() > LONGEST_ARGUMENT {
        return Err(AgentError::Driver(format!(
            "the prompt of `{}` is too long for the client: {} bytes with its memory, at most {LONGEST_ARGUMENT}",
            assignment.role,
            agents.len()
        )));
    }

    let budget = assignment.budget.to_string();
    let tools = tools.join(",");
    let allowed = rules::allowed(assignment, boundary)?;
    let mut args: Vec<OsString> = Vec::new();
    let mut add = |words: &[&OsStr]| args.extend(words.iter().map(|word| (*word).to_owned()));
    let option = |name: &'static str| OsStr::new(name);
    add(&[option("-p"), option("")]);
    add(&[option("--output-format"), option("json")]);
    add(&[option("--setting-sources"), option("user")]);
    add(&[option("--settings"), settings.as_os_str()]);
    add(&[option("--agents"), OsStr::new(&agents)]);
    add(&[option("--agent"), OsStr::new(&assignment.role)]);
    add(&[option("--model"), OsStr::new(&model(assignment)?.id)]);
    add(&[option("--tools"), OsStr::new(&tools)]);
    add(&[option("--permission-mode"), option("dontAsk")]);
    add(&[
        option("--strict-mcp-config"),
        option("--mcp-config"),
        servers.as_os_str(),
    ]);
    add(&[option("--max-turns"), option(MOST_TURNS)]);
    add(&[option("--max-budget-usd"), OsStr::new(&budget)]);
    let how = if assignment.session.is_some() {
        "--resume"
    } else {
        "--session-id"
    };
    add(&[option(how), OsStr::new(session)]);
    if let Some(context) = context {
        add(&[option("--append-system-prompt-file"), context.as_os_str()]);
    }
    if let Some(schema) = &schema {
        add(&[option("--json-schema"), OsStr::new(schema)]);
    }
    // Takes all words up to the next option, so it stands last.
    if !allowed.is_empty() {
        add(&[option("--allowedTools")]);
        for rule in &allowed {
            add(&[OsStr::new(rule)]);
        }
    }
    Ok(args)
}

/// Returns the words that the session starts or goes on with.
///
/// They begin with no `/`, which would be a command of the client. A word `@path` makes the client
/// read that file wherever it is, and asks neither its rules nor the guard; what a gate printed may
/// hold one, so none is left that names something.
pub(super) fn prompt(assignment: &Assignment) -> String {
    let heading = format!(
        "# {}/{}, attempt {}\n\n",
        assignment.task, assignment.step, assignment.attempt
    );
    heading + &without_mentions(&assignment.brief, &assignment.checkout)
}

fn without_mentions(text: &str, checkout: &Path) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        safe.push(letter);
        // The blanks and the sentence marks that the client takes for the beginning of a word.
        let starts = before.is_whitespace()
            || matches!(
                before,
                '\u{3001}' | '\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{feff}'
            );
        if letter == '@' && starts {
            let rest = text.get(at + 1..).unwrap_or_default();
            let word = rest.split(char::is_whitespace).next().unwrap_or_default();
            if may_be_opened(word, checkout) {
                safe.push(' ');
            }
        }
        before = letter;
    }
    safe
}

// Whether the client could take `word` for something to open: a path that leaves the checkout, one that
// begins with something in it, a quoted one, or the resource of a server.
fn may_be_opened(word: &str, checkout: &Path) -> bool {
    let first = word
        .split(['/', '#', ':', ',', ')', ']', '"', '\'', '`', ';'])
        .next()
        .unwrap_or_default();
    let trimmed = first.trim_end_matches(|c: char| !c.is_alphanumeric());
    word.starts_with(['/', '~', '"', '.'])
        || word.contains("..")
        || word.contains(':')
        || [first, trimmed]
            .into_iter()
            .any(|name| !name.is_empty() && checkout.join(name).symlink_metadata().is_ok())
}

#[cfg(test)]
mod tests {
    use super::without_mentions;

    #[test]
    fn no_word_of_a_brief_makes_the_client_open_a_file() {
        let checkout = tempfile::tempdir().unwrap();
        std::fs::create_dir(checkout.path().join("app")).unwrap();
        std::fs::write(checkout.path().join("key"), "").unwrap();
        // (what a brief holds, what the client is given)
        let cases = [
            ("see @/etc/passwd", "see @ /etc/passwd"),
            ("@~/.ssh/id", "@ ~/.ssh/id"),
            ("\n@../x\t@./x", "\n@ ../x\t@ ./x"),
            ("@\"/etc/a b\"", "@ \"/etc/a b\""),
            (
                "@app/a.rb and @key#L1-2 or @key, @key.",
                "@ app/a.rb and @ key#L1-2 or @ key, @ key.",
            ),
            ("@server:resource", "@ server:resource"),
            ("x。@/etc/passwd", "x。@ /etc/passwd"),
            (
                "@artifact = a@/b.c @scope/pkg @",
                "@artifact = a@/b.c @scope/pkg @",
            ),
        ];
        for (text, safe) in cases {
            assert_eq!(without_mentions(text, checkout.path()), safe);
        }
    }
}
