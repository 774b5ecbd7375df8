//! A role that may write files while no gate judges its work.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::Capability,
    check::{
        facts::{Facts, granted},
        report::Report,
    },
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::ungated-write",
        level: Level::Error,
        safety: true,
        story: include_str!("ungated_write.md"),
    },
    absence: false,
    run: ungated_write,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` may write, and no gate judges its work")]
#[diagnostic(help("{help}"))]
struct UngatedWrite {
    role: String,
    help: String,
    #[label(primary, "granted here")]
    grant: SourceSpan,
}

fn ungated_write(facts: &Facts<'_>, report: &mut Report<'_>) {
    let roles = facts.model.roles();
    for (id, role) in roles.filter(|(_, role)| role.gates.is_empty()) {
        let Some(grant) = granted(role, Capability::Write) else {
            continue;
        };
        let help = match facts.model.gates.first() {
            Some(gate) => format!("add `gates \"{}\"` to the role, or take the grant away", gate.name.value),
            None => "declare a gate, `gate \"tests\" { run \"…\"; }`, and add `gates \"tests\"` to the role".to_owned(),
        };
        let role = role.name.value.clone();
        let grant = grant.into();
        report.of_role(id, UngatedWrite { role, help, grant });
    }
}
