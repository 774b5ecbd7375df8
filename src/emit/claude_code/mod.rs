//! The target `claude-code`: what the real client obeys, and nothing that it would drop in silence.
//!
//! Agent files name whole tools only, since the client gives the whole tool where a part is named.
//! Paths, commands, and hosts are held by the guard, which a hook in the settings calls before every
//! tool, and one in each agent file where the client does not read the settings; no permission rule is
//! written, so a person's own session stays as the client has it.

mod agent;
mod hooks;
mod settings;
mod tools;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Composer, Prompt, TemplateError,
    artifact::{Artifacts, Entry},
};

pub use agent::guards_itself;
pub use settings::hindrances;
pub use tools::tools;

pub(super) use agent::{FOLDER, Owner, agent_file, name_of, owner, unmarked};
pub(super) use settings::{BESIDE, Reading, reading};

/// The name of the target in a spec.
pub const TARGET: &str = "claude-code";

const SETTINGS: &str = ".claude/settings.json";
const SERVERS: &str = ".mcp.json";

/// Returns the path of the agent file of `role`.
pub fn path(role: &str) -> String {
    format!("{FOLDER}/{role}.md")
}

/// Adds what the client reads to `artifacts`.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a target is one function, and others use templates that can fail"
)]
pub(super) fn render(
    composer: &Composer<'_>,
    prompts: &[Prompt],
    artifacts: &mut Artifacts,
) -> Result<(), TemplateError> {
    let model = composer.model();
    let prompts: HashMap<&str, &Prompt> = prompts
        .iter()
        .map(|prompt| (prompt.role.as_str(), prompt))
        .collect();
    for (id, role) in model.roles() {
        let name = &role.name.value;
        let Some(prompt) = prompts.get(name.as_str()) else {
            continue;
        };
        let path = match &role.agent {
            Some(agent) => agent.path.value.clone(),
            None => path(name),
        };
        match &role.agent {
            Some(agent) if role.verbatim => {
                artifacts.unmarked(path, agent.head.text() + composer.text_of(role));
            }
            Some(_) | None => artifacts.owned(path, agent_file(model, id, &prompt.text)),
        }
    }
    artifacts.entries(SETTINGS, hooks::entries());
    let written = model.servers.iter().filter(|server| !server.keep);
    let servers = written.map(|server| {
        let (program, arguments) = match server.start.command.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("", [].as_slice()),
        };
        let mut value = Map::new();
        value.insert("type".to_owned(), json!("stdio"));
        value.insert("command".to_owned(), json!(program));
        value.insert("args".to_owned(), json!(arguments));
        if !server.start.env.is_empty() {
            // The client puts the variable of its own environment in; no value is written.
            let variable = |name: &String| (name.clone(), json!(format!("${{{name}:-}}")));
            let env: Map<_, _> = server.start.env.iter().map(variable).collect();
            value.insert("env".to_owned(), Value::Object(env));
        }
        Entry::member(&["mcpServers", &server.name.value], Value::Object(value))
    });
    artifacts.entries(SERVERS, servers.collect());
    Ok(())
}

/// Returns the settings and the hooks of ours in them.
pub(super) fn hooks() -> (&'static str, Vec<Entry>) {
    (SETTINGS, hooks::entries())
}
