//! The servers that a project has declared to the client → nodes of their own, where one says the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{doubt::Doubt, names::name_of, spec::quoted};
use crate::diagnostics::{Findings, Source};

/// What became of one server of the client's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// Its name.
    pub name: String,
    /// Why it is kept as it is; nothing where it has a node.
    pub kept: Option<String>,
}

/// What the servers become.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) reports: Vec<ServerReport>,
    /// The nodes.
    pub(super) kdl: String,
}

/// Reads the servers of the file in `source`; those that `declared` has are left out.
pub(super) fn read(
    source: &Source,
    declared: &BTreeSet<String>,
    findings: &mut Findings,
) -> Servers {
    let mut servers = Servers::default();
    let text = source.text();
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed: Result<Value, _> = serde_json::from_str(bare);
    let entries = match &parsed {
        Ok(file) => file.get("mcpServers").and_then(Value::as_object),
        Err(_) => None,
    };
    let Some(entries) = entries else {
        let why = match parsed {
            Ok(_) => "it has no object `mcpServers`".to_owned(),
            Err(error) => format!("it is no JSON: {error}"),
        };
        findings.add(Doubt::BrokenServers {
            why,
            span: source.span_at(0, text.len().min(1)).into(),
        });
        return servers;
    };
    for (name, entry) in entries {
        if declared.contains(name) {
            continue;
        }
        let kept = match started(name, entry) {
            Ok(node) => {
                servers.kdl.push_str(&node);
                None
            }
            Err(why) => {
                let word = Value::String(name.clone()).to_string();
                let at = text.find(&word).unwrap_or_default();
                findings.add(Doubt::KeptServer {
                    name: name.clone(),
                    what: why.to_owned(),
                    span: source.span_at(at, word.len()).into(),
                });
                Some(why.to_owned())
            }
        };
        servers.reports.push(ServerReport {
            name: name.clone(),
            kept,
        });
    }
    servers
}

// The node of a server, or why none says the same.
fn started(name: &str, entry: &Value) -> Result<String, &'static str> {
    if name_of(name).as_deref() != Some(name) {
        return Err("has a name that no node can have");
    }
    let members = entry.as_object().ok_or("is no object")?;
    let is_started = members.get("type").is_none_or(|kind| kind == "stdio");
    if !is_started || members.contains_key("url") {
        return Err("is reached over the network, and not started");
    }
    if members
        .keys()
        .any(|key| !matches!(key.as_str(), "type" | "command" | "args" | "env"))
    {
        return Err("has members besides its command and its variables");
    }
    let command = members.get("command").and_then(Value::as_str);
    let mut words = vec![
        command
            .filter(|word| !word.is_empty())
            .ok_or("has no command")?,
    ];
    if let Some(arguments) = members.get("args") {
        let arguments = arguments.as_array().ok_or("has `args` that are no list")?;
        for argument in arguments {
            words.push(argument.as_str().ok_or("has an argument that is no text")?);
        }
    }
    if words.iter().any(|word| word.contains("${")) {
        return Err("has variables in its command");
    }
    let variables = match members.get("env") {
        Some(variables) => given(
            variables
                .as_object()
                .ok_or("has an `env` that is no object")?,
        )?,
        None => Vec::new(),
    };
    let list = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    };
    let env = match variables.as_slice() {
        [] => String::new(),
        names => format!(" env {};", list(names)),
    };
    Ok(format!(
        "server {} keep=#true {{ command {};{env} }}\n",
        quoted(name),
        list(&words)
    ))
}

// The variables that a server is given as they are.
fn given(variables: &Map<String, Value>) -> Result<Vec<&str>, &'static str> {
    let mut names = Vec::new();
    for (name, value) in variables {
        let own = [format!("${{{name}}}"), format!("${{{name}:-}}")];
        if !value
            .as_str()
            .is_some_and(|value| own.iter().any(|own| own == value))
        {
            return Err("sets variables to values of its own");
        }
        names.push(name.as_str());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sources;

    #[test]
    fn a_server_has_a_node_where_that_says_the_same() {
        let cases = [
            (
                r#""db": {"command": "npx", "args": ["-y", "db@1.2.3"], "env": {"KEY": "${KEY}"}}"#,
                Ok(
                    "server \"db\" keep=#true { command \"npx\" \"-y\" \"db@1.2.3\"; env \"KEY\"; }\n",
                ),
            ),
            (
                r#""db": {"type": "stdio", "command": "db"}"#,
                Ok("server \"db\" keep=#true { command \"db\"; }\n"),
            ),
            (
                r#""My DB": {"command": "db"}"#,
                Err("has a name that no node can have"),
            ),
            (
                r#""web": {"type": "http", "url": "https://x.org"}"#,
                Err("is reached over the network, and not started"),
            ),
            (
                r#""db": {"command": "db", "env": {"KEY": "4711"}}"#,
                Err("sets variables to values of its own"),
            ),
            (
                r#""db": {"command": "${HOME}/db"}"#,
                Err("has variables in its command"),
            ),
            (
                r#""db": {"command": "db", "cwd": "x"}"#,
                Err("has members besides its command and its variables"),
            ),
            (r#""db": {"args": []}"#, Err("has no command")),
        ];
        for (entry, then) in cases {
            let mut sources = Sources::default();
            let mut findings = Findings::default();
            let text = format!("{{\"mcpServers\": {{{entry}}}}}");
            let source = sources.add(".mcp.json", text.as_str()).clone();
            let servers = read(&source, &BTreeSet::new(), &mut findings);
            assert_eq!(servers.kdl, then.unwrap_or_default(), "{entry}");
            assert_eq!(servers.reports[0].kept.as_deref(), then.err(), "{entry}");
            assert_eq!(findings.is_empty(), then.is_ok(), "{entry}");
            let known = BTreeSet::from(["db".to_owned(), "web".to_owned(), "My DB".to_owned()]);
            assert!(read(&source, &known, &mut findings).reports.is_empty());
        }
        for text in ["{", "[]", "{\"mcpServers\": []}"] {
            let mut sources = Sources::default();
            let mut findings = Findings::default();
            let source = sources.add(".mcp.json", text).clone();
            let servers = read(&source, &BTreeSet::new(), &mut findings);
            assert!(servers.reports.is_empty() && !findings.is_empty(), "{text}");
        }
    }
}
