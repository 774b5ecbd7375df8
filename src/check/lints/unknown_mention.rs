//! A server named in a prompt that the role may not use.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    spec::nearest,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::unusable-tool",
        level: Level::Warning,
        safety: false,
        story: include_str!("unknown_mention.md"),
    },
    absence: false,
    run: unknown_mention,
};

#[derive(Debug, Error, Diagnostic)]
#[error("the prompt of role `{role}` speaks of `{tool}`, which {fault}")]
#[diagnostic(help("{help}"))]
struct UnusableTool {
    role: String,
    tool: String,
    fault: &'static str,
    help: String,
    #[label(primary, "the role can't follow this")]
    span: SourceSpan,
}

fn unknown_mention(facts: &Facts<'_>, report: &mut Report<'_>) {
    let servers = || {
        facts
            .model
            .servers
            .iter()
            .map(|server| server.name.value.as_str())
    };
    for (id, role) in facts.model.roles() {
        let Some(source) = facts.source(&role.prompt.value) else {
            continue;
        };
        let mut told = BTreeSet::new();
        for (at, _) in source.text().match_indices("`mcp:") {
            let rest = source.text().get(at + 1..).unwrap_or_default();
            let tool = rest.split(['`', '\n']).next().unwrap_or_default();
            let server = tool
                .trim_start_matches("mcp:")
                .split('/')
                .next()
                .unwrap_or_default();
            if role.bounds.boundary.uses.permits(tool) || !told.insert(tool) {
                continue;
            }
            let (fault, help) = if servers().any(|known| known == server) {
                (
                    "it may not use",
                    format!("add `may {{ use \"{tool}\"; }}` to the role, or change the prompt"),
                )
            } else if let Some(near) = nearest(server, servers()) {
                (
                    "is no server of this factory",
                    format!("did you mean `mcp:{near}`?"),
                )
            } else {
                (
                    "is no server of this factory",
                    format!("declare it: `server \"{server}\" {{ command \"…\"; }}`"),
                )
            };
            let fault = UnusableTool {
                role: role.name.value.clone(),
                tool: tool.to_owned(),
                fault,
                help,
                span: source.span_at(at + 1, tool.len()).into(),
            };
            report.of_role(id, fault);
        }
    }
}
