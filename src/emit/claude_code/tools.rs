//! The client's tools that a role is offered.

use crate::{
    boundary::{Grant, NamePattern, Pattern as _},
    client::tool,
    model::{Model, RoleId},
};

// The built-in tools that a role can be offered, in the order in which they are named.
const BUILT_IN: [&str; 9] = [
    "Read",
    "Grep",
    "Glob",
    "Edit",
    "Write",
    "Bash",
    "WebFetch",
    "WebSearch",
    "Agent",
];

/// Returns the tools that the role is offered, whole ones only and in the client's spelling. What of
/// a tool is permitted is for the guard to say.
pub fn tools(model: &Model, id: RoleId) -> Vec<String> {
    let uses = &model.role(id).bounds.boundary.uses;
    let is_offered = |name: &&str| tool(name).is_some_and(|tool| model.offers(id, tool.kind));
    let built_in = BUILT_IN.iter().copied().filter(is_offered);
    let mut tools: Vec<String> = built_in.map(str::to_owned).collect();
    for server in &model.servers {
        tools.extend(of_server(&server.name.value, uses));
    }
    tools
}

// The tools of one server: all where any pattern opens more than single ones.
fn of_server(server: &str, uses: &Grant<NamePattern>) -> Vec<String> {
    let all = format!("mcp:{server}");
    if uses.never.iter().any(|entry| entry.takes(&all)) {
        return Vec::new();
    }
    let mut single = Vec::new();
    for entry in &uses.may {
        let text = entry.pattern.as_str();
        match text
            .strip_prefix(&all)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(tool) if !tool.contains('*') => single.push(format!("mcp__{server}__{tool}")),
            Some(_) => return vec![format!("mcp__{server}__*")],
            None if entry.pattern.gives(&all) || entry.pattern.gives(&format!("{all}/any")) => {
                return vec![format!("mcp__{server}__*")];
            }
            None => {}
        }
    }
    single.dedup();
    single
}
