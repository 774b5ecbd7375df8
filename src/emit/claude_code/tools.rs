//! The client's tools that a role is offered.

use crate::{
    boundary::{Grant, NamePattern, Pattern as _},
    model::{Model, RoleId},
};

/// Returns the tools that the role is offered, whole ones only and in the client's spelling. What of
/// a tool is permitted is for the guard to say.
pub fn tools(model: &Model, id: RoleId) -> Vec<String> {
    let boundary = &model.role(id).bounds.boundary;
    let mut tools = vec!["Read", "Grep", "Glob"];
    if !boundary.write.may.is_empty() {
        tools.extend(["Edit", "Write"]);
    }
    if !boundary.run.may.is_empty() {
        tools.push("Bash");
    }
    if !boundary.reach.may.is_empty() {
        tools.push("WebFetch");
    }
    // A search shows pages of any host.
    if boundary
        .reach
        .may
        .iter()
        .any(|entry| entry.pattern.as_str() == "*")
    {
        tools.push("WebSearch");
    }
    if model.delegates(id).next().is_some() {
        tools.push("Agent");
    }
    let mut tools: Vec<String> = tools.into_iter().map(str::to_owned).collect();
    for server in &model.servers {
        tools.extend(of_server(&server.name.value, &boundary.uses));
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
