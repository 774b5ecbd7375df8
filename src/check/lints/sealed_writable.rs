//! A role that may write what decides its own gate.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Capability, Decision, Grant, PathPattern},
    check::{
        facts::Facts,
        meet::{Meeting, may_span, meet},
        report::Report,
        shell::scripts,
    },
    diagnostics::{Level, Lint, Span},
    model::{Gate, GateKind, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::gate::sealed-writable",
        level: Level::Error,
        safety: true,
        story: include_str!("sealed_writable.md"),
    },
    absence: false,
    run: sealed_writable,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` may write `{path}`, which decides gate `{gate}` that judges it")]
#[diagnostic(help(
    "add `never {{ write \"{path}\"; }}` to the role, or grant the file to a role that the gate does not judge"
))]
struct SealedWritable {
    role: String,
    path: String,
    gate: String,
    #[label(primary, "granted here")]
    grant: SourceSpan,
    #[label("{label}")]
    decided: SourceSpan,
    label: &'static str,
}

fn sealed_writable(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        let grant = &role.bounds.boundary.write;
        if grant.may.is_empty() {
            continue;
        }
        for gate in facts.gates(role) {
            if let Some(fault) = sealed(role, gate).or_else(|| script(role, gate)) {
                report.of_role(id, fault);
            }
        }
    }
}

fn sealed(role: &Role, gate: &Gate) -> Option<SealedWritable> {
    gate.sealed.iter().find_map(|sealed| {
        let what = std::slice::from_ref(&sealed.value);
        let (_, met) = meet(&role.bounds.boundary.write, what).into_iter().next()?;
        // What can't be decided counts as writable, with the pattern itself for a witness.
        let (witness, may) = match met {
            Ok(Meeting { witness, may }) => (witness, may.unwrap_or_default()),
            Err(_) => (sealed.value.pattern.as_str().to_owned(), 0),
        };
        let label = "the gate seals it";
        Some(fault(role, gate, &witness, may, (sealed.span, label)))
    })
}

fn script(role: &Role, gate: &Gate) -> Option<SealedWritable> {
    let GateKind::Run { command } = &gate.kind else {
        return None;
    };
    let grant: &Grant<PathPattern> = &role.bounds.boundary.write;
    scripts(command).find_map(|path| {
        let Decision::Permitted { may } = grant.decide(&path) else {
            return None;
        };
        let label = "the gate runs it";
        Some(fault(role, gate, &path, may, (gate.name.span, label)))
    })
}

fn fault(
    role: &Role,
    gate: &Gate,
    path: &str,
    may: usize,
    (decided, label): (Span, &'static str),
) -> SealedWritable {
    let grant = may_span(&role.bounds, Capability::Write, may);
    SealedWritable {
        role: role.name.value.clone(),
        path: path.to_owned(),
        gate: gate.name.value.clone(),
        grant: grant.unwrap_or(role.name.span).into(),
        decided: decided.into(),
        label,
    }
}
