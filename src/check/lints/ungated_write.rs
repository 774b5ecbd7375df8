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
    diagnostics::{Level, Lint, Span},
    model::{GuardMode, Model, Role, RoleId, Work},
};

/// How many roles a message names.
const SHOWN: usize = 4;

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

#[derive(Debug, Error, Diagnostic)]
#[error("{roles} may write, and no gate judges the work: so far the guard only observes")]
#[diagnostic(help("{help}"))]
struct NotYetGated {
    roles: String,
    help: String,
    #[label(primary, "granted here")]
    grant: SourceSpan,
}

fn ungated_write(facts: &Facts<'_>, report: &mut Report<'_>) {
    let mut waiting: Vec<(&str, Span)> = Vec::new();
    let roles = facts.model.roles();
    for (id, role) in roles.filter(|(_, role)| role.gates.is_empty()) {
        let Some(grant) = granted(role, Capability::Write) else {
            continue;
        };
        if is_waiting(facts.model, id, role) {
            waiting.push((role.name.value.as_str(), grant));
            continue;
        }
        let help = match facts.model.gates.first() {
            Some(gate) => format!("add `gates \"{}\"` to the role, or take the grant away", gate.name.value),
            None => "declare a gate, `gate \"tests\" { run \"…\"; }`, and add `gates \"tests\"` to the role".to_owned(),
        };
        let role = role.name.value.clone();
        let grant = grant.into();
        report.of_role(id, UngatedWrite { role, help, grant });
    }
    // What is true of many is said once.
    if let Some((_, grant)) = waiting.first() {
        let mut names: Vec<String> = waiting
            .iter()
            .take(SHOWN)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if waiting.len() > SHOWN {
            names.push(format!("{} more", waiting.len() - SHOWN));
        }
        let gate = facts
            .model
            .gates
            .first()
            .map(|gate| gate.name.value.as_str());
        let fault = NotYetGated {
            roles: match waiting.len() {
                1 => format!("role {}", names.concat()),
                _ => format!("roles {}", names.join(", ")),
            },
            help: format!(
                "before you write `guard \"enforce\"`, add `gates \"{}\"` to each that is to write",
                gate.unwrap_or("…")
            ),
            grant: (*grant).into(),
        };
        report.add_at(Level::Warning, fault);
    }
}

// Whether what the role writes is a person's to take or leave: the guard refuses it nothing yet, and no
// step of a task lets its work land.
fn is_waiting(model: &Model, id: RoleId, role: &Role) -> bool {
    let steps = || model.tasks.iter().flat_map(|task| &task.steps);
    let works = |work: &Work| matches!(work, Work::Agent { role, .. } if role.value == id);
    let said = |code: &str| code == LINT.lint.code;
    role.guard == GuardMode::Observe
        && !steps().any(|step| works(&step.work))
        && !role.lints.iter().any(|set| said(&set.code.value))
}
