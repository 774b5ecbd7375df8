//! A gate that judges nobody.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::gate::idle",
        level: Level::Warning,
        safety: false,
        story: include_str!("idle_gate.md"),
    },
    absence: true,
    run: idle_gate,
};

#[derive(Debug, Error, Diagnostic)]
#[error("gate `{gate}` judges nobody")]
#[diagnostic(help(
    "add `gates \"{gate}\"` to the roles or the profile whose work it is to judge, or take the gate away"
))]
struct IdleGate {
    gate: String,
    #[label(primary, "no role and no other gate names it")]
    name: SourceSpan,
}

fn idle_gate(facts: &Facts<'_>, report: &mut Report<'_>) {
    let model = facts.model;
    let of_roles = model.roles.iter().flat_map(|role| &role.gates);
    let of_gates = model.gates.iter().flat_map(|gate| &gate.passes);
    let named: BTreeSet<_> = of_roles.chain(of_gates).map(|gate| gate.value.0).collect();
    for (at, gate) in model.gates.iter().enumerate() {
        if !named.contains(&at) {
            report.add(IdleGate {
                gate: gate.name.value.clone(),
                name: gate.name.span.into(),
            });
        }
    }
}
