//! A model, server, set, or profile that nothing names.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    spec::Text,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::model::unused-declaration",
        level: Level::Advice,
        safety: false,
        story: include_str!("unused_declaration.md"),
    },
    absence: true,
    run: unused_declaration,
};

#[derive(Debug, Error, Diagnostic)]
#[error("{kind} `{name}` is used by {nobody}")]
#[diagnostic(help("take it away, or {cure}"))]
struct Unused {
    kind: &'static str,
    name: String,
    nobody: &'static str,
    cure: String,
    #[label(primary, "declared here and nowhere used")]
    span: SourceSpan,
}

fn unused_declaration(facts: &Facts<'_>, report: &mut Report<'_>) {
    let model = facts.model;
    let models: BTreeSet<_> = model.roles.iter().map(|role| role.model.value.0).collect();
    for (_, unused) in model
        .models
        .iter()
        .enumerate()
        .filter(|(at, _)| !models.contains(at))
    {
        let cure = format!("run a role on it: `model=\"{}\"`", unused.name.value);
        report.add(fault("model", &unused.name, cure));
    }
    // What the client has anyway is used by whoever works with it.
    for server in model.servers.iter().filter(|server| !server.keep) {
        let tool = format!("mcp:{}", server.name.value);
        let of_tool = format!("{tool}/");
        let uses = model
            .roles
            .iter()
            .flat_map(|role| &role.bounds.boundary.uses.may);
        let mut named = uses.map(|may| may.pattern.as_str());
        if !named.any(|name| name == tool || name.starts_with(&of_tool) || name.contains('*')) {
            let cure = format!("let a role use it: `may {{ use \"{tool}\"; }}`");
            report.add(fault("server", &server.name, cure));
        }
    }
    for (kind, name) in &model.unused {
        let cure = match *kind {
            "set" => format!("name it where its members are meant: `\"@{}\"`", name.value),
            _ => format!("give it to a role: `profile \"{}\"`", name.value),
        };
        report.add(fault(kind, name, cure));
    }
}

fn fault(kind: &'static str, name: &Text, cure: String) -> Unused {
    Unused {
        kind,
        nobody: match kind {
            "set" => "nothing",
            _ => "no role",
        },
        name: name.value.clone(),
        cure,
        span: name.span.into(),
    }
}
