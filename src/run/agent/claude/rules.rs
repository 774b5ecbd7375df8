//! The client's permission rules, made from a boundary. They only ever narrow what the guard permits:
//! where a rule can't say what the boundary says, the tool is allowed and the guard decides.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use super::{
    super::{AgentError, Assignment},
    call,
};
use crate::{
    boundary::{Entry, NamePattern, PathPattern},
    client::{self, ToolKind},
    plan::{Boundary, Reserved},
};

// The guard takes milliseconds; a guard that is stopped by the client's clock lets the call run.
const GUARD_SECONDS: u32 = 600;

/// Returns the settings of the session: the guard before every call, and what is denied in any case.
pub(super) fn settings(
    assignment: &Assignment,
    boundary: &Boundary,
    guard: &str,
) -> Result<Value, AgentError> {
    let checkout = &assignment.checkout;
    let reservations = assignment
        .plan
        .reservations()
        .map_err(|error| AgentError::Driver(format!("the plan can't be used: {error}")))?;
    // What may be written beside managed sections is for the guard to say.
    let writes = reservations
        .iter()
        .filter(|reservation| reservation.reserved != Reserved::Sections)
        .map(|reservation| ("Edit", reservation.pattern.as_str()));
    let reads = plain(boundary.read.never.iter()).map(|pattern| ("Read", pattern.as_str()));
    let written = plain(boundary.write.never.iter()).map(|pattern| ("Edit", pattern.as_str()));
    let mut seen = BTreeSet::new();
    let deny: Vec<String> = writes
        .chain(written)
        .chain(reads)
        .flat_map(|(tool, pattern)| {
            let spelled = spelled_out(pattern);
            spelled
                .into_iter()
                .filter_map(move |pattern| path_rule(tool, checkout, &pattern))
        })
        // By the client's schema each rule stands once.
        .filter(|rule| seen.insert(rule.clone()))
        .collect();
    Ok(json!({
        // Whatever another file says: hooks of this one stay on.
        "disableAllHooks": false,
        "permissions": { "deny": deny },
        "hooks": {
            "PreToolUse": [{
                "matcher": "*",
                "hooks": [{ "type": "command", "command": guard, "timeout": GUARD_SECONDS }],
            }],
        },
    }))
}

/// Returns what the client lets the role do without asking; what it would ask is refused.
pub(super) fn allowed(
    assignment: &Assignment,
    boundary: &Boundary,
) -> Result<Vec<String>, AgentError> {
    let tools = call::tools(assignment)?;
    let has = |kind: ToolKind| {
        tools
            .iter()
            .any(|name| client::tool(name).is_some_and(|tool| tool.kind == kind))
    };
    let mut rules = Vec::new();
    if has(ToolKind::WriteFile) {
        let given = boundary.write.only.as_ref().unwrap_or(&boundary.write.may);
        let mut entries = given
            .iter()
            .chain(&assignment.plan.workspace.scratch)
            .peekable();
        let none = entries.peek().is_none();
        let exact: Option<Vec<String>> = entries
            .map(|entry| {
                exact(entry).and_then(|pattern| path_rule("Edit", &assignment.checkout, pattern))
            })
            .collect();
        match exact {
            Some(exact) if !none => rules.extend(exact),
            Some(_) => {}
            None => rules.extend(
                tools
                    .iter()
                    .filter(|name| {
                        client::tool(name).is_some_and(|tool| tool.kind == ToolKind::WriteFile)
                    })
                    .map(|name| (*name).to_owned()),
            ),
        }
    }
    if has(ToolKind::Shell) && !boundary.run.may.is_empty() {
        rules.push("Bash".to_owned());
    }
    if has(ToolKind::Fetch) && !boundary.reach.may.is_empty() {
        let hosts: Option<Vec<String>> = boundary
            .reach
            .may
            .iter()
            .map(|entry| {
                let host = entry.pattern.as_str();
                (!host.contains('*')).then(|| format!("WebFetch(domain:{host})"))
            })
            .collect();
        rules.extend(hosts.unwrap_or_else(|| vec!["WebFetch".to_owned()]));
    }
    if has(ToolKind::SearchWeb) && !boundary.reach.may.is_empty() {
        rules.push("WebSearch".to_owned());
    }
    for server in assignment.plan.servers.keys() {
        rules.extend(server_tools(boundary, server));
    }
    Ok(rules)
}

/// Returns the names that the client has for the tools of `server` that the role may use: the server's
/// where that is simplest, and none where it may use nothing of it.
pub(super) fn server_tools(boundary: &Boundary, server: &str) -> Vec<String> {
    let whole = format!("mcp:{server}");
    let within = format!("mcp:{server}/");
    let mut tools = Vec::new();
    for entry in &boundary.uses.may {
        let text = entry.pattern.as_str();
        match text.strip_prefix(&within) {
            Some(tool) if !tool.contains('*') => tools.push(format!("mcp__{server}__{tool}")),
            Some(_) => return vec![format!("mcp__{server}")],
            None if gives_of(entry, &whole, &within) => return vec![format!("mcp__{server}")],
            None => {}
        }
    }
    tools
}

// Whether a pattern that is not of this server in so many words gives it or some tool of it: the
// server's own name, or one with a `*` before the name of the tool.
fn gives_of(entry: &Entry<NamePattern>, whole: &str, within: &str) -> bool {
    let text = entry.pattern.as_str();
    let fixed = text.split('*').next().unwrap_or_default();
    text == whole
        || (text.contains('*') && (within.starts_with(fixed) || fixed.starts_with(within)))
}

// The patterns of entries without exceptions; a rule knows no exception.
fn plain<'a>(
    entries: impl IntoIterator<Item = &'a Entry<PathPattern>>,
) -> impl Iterator<Item = &'a PathPattern> {
    entries
        .into_iter()
        .filter(|entry| entry.except.is_empty())
        .map(|entry| &entry.pattern)
}

// The pattern, where a rule means by it exactly what we do or less.
fn exact(entry: &Entry<PathPattern>) -> Option<&str> {
    let text = entry.pattern.as_str();
    (entry.except.is_empty() && !text.contains(['?', '[', ']', '{', '}'])).then_some(text)
}

// A rule for the files of `checkout` that `pattern` names; none where its words mean something else to
// the client.
fn path_rule(tool: &str, checkout: &Path, pattern: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@=, ".contains(c);
    let root = checkout.to_str().filter(|root| root.chars().all(plain))?;
    let known = |c: char| plain(c) || "*?[]!~".contains(c);
    // What a leading `!` means to the client within an absolute path nobody has said.
    let segment = |text: &str| !text.starts_with('!') && text.chars().all(known);
    pattern
        .split('/')
        .all(segment)
        .then(|| format!("{tool}(/{root}/{pattern})"))
}

// `a{b,c}` as `ab` and `ac`: rules have no braces. Braces within braces are left to the guard.
fn spelled_out(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return vec![pattern.to_owned()];
    };
    let Some((inner, after)) = rest.split_once('}') else {
        return Vec::new();
    };
    if inner.contains('{') {
        return Vec::new();
    }
    inner
        .split(',')
        .flat_map(|choice| spelled_out(&format!("{before}{choice}{after}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{path_rule, server_tools, spelled_out};
    use crate::plan::Boundary;

    #[test]
    fn rules_name_absolute_paths_or_nothing() {
        let rule = |root: &str, pattern: &str| path_rule("Edit", Path::new(root), pattern);
        assert_eq!(
            rule("/w/c", "app/**").as_deref(),
            Some("Edit(//w/c/app/**)")
        );
        assert_eq!(rule("/w (1)/c", "app/**"), None);
        assert_eq!(rule("/w*/c", "app/**"), None);
        assert_eq!(rule("/w/c", "app/(a)"), None);
        assert_eq!(rule("/w/c", "!a/**"), None);
        assert_eq!(rule("/w/c", "app/!a"), None);
        assert_eq!(
            rule("/w/c", "a!/[!a]").as_deref(),
            Some("Edit(//w/c/a!/[!a])")
        );
        assert_eq!(
            spelled_out("a{b,c}/{d,e}.x"),
            ["ab/d.x", "ab/e.x", "ac/d.x", "ac/e.x"]
        );
        assert!(spelled_out("{a,{b,c}}").is_empty());
    }

    #[test]
    fn tools_of_servers_have_the_clients_names() {
        // (what is granted, the names for the server `db`)
        let cases: [(&[&str], &[&str]); 7] = [
            (&["mcp:db"], &["mcp__db"]),
            (
                &["mcp:db/query", "mcp:db/list"],
                &["mcp__db__query", "mcp__db__list"],
            ),
            (&["mcp:db/q*"], &["mcp__db"]),
            (&["*"], &["mcp__db"]),
            (&["mcp:d*"], &["mcp__db"]),
            (&["mcp:db2", "mcp:other/query"], &[]),
            (&[], &[]),
        ];
        for (may, names) in cases {
            let boundary: Boundary =
                serde_json::from_value(json!({ "use": { "may": may } })).unwrap();
            assert_eq!(server_tools(&boundary, "db"), names, "{may:?}");
        }
    }
}
