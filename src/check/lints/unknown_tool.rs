//! A tool in the client's file of a role that the client does not have.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    client::{parted, tool_exists},
    diagnostics::{Level, Lint},
    spec::nearest_tool,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::unknown-tool",
        level: Level::Warning,
        safety: false,
        story: include_str!("unknown_tool.md"),
    },
    absence: false,
    run: unknown_tool,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{tool}` is no tool of the client{effect}")]
#[diagnostic(help("{help}"))]
struct UnknownTool {
    tool: String,
    effect: &'static str,
    help: String,
    #[label(primary, "names no tool")]
    span: SourceSpan,
}

fn unknown_tool(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        let Some(agent) = &role.agent else {
            continue;
        };
        let given = agent
            .tools
            .iter()
            .map(|word| (word, ", and the agent does without it"));
        let taken = agent
            .disallowed
            .iter()
            .map(|word| (word, ": nothing is taken away"));
        for (word, effect) in given.chain(taken) {
            let (tool, _) = parted(&word.value);
            if tool == "*" || tool_exists(tool) {
                continue;
            }
            let help = match nearest_tool(tool) {
                Some(near) => format!("did you mean `{near}`? Upper and lower case count"),
                None => "take it out, or name a tool that the client has".to_owned(),
            };
            let fault = UnknownTool {
                tool: word.value.clone(),
                effect,
                help,
                span: word.span.into(),
            };
            report.of_role(id, fault);
        }
    }
}
