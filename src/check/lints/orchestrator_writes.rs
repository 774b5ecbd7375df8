//! A role that hands out work and may do it itself.

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
    model::{Role, RoleId},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::orchestrator-writes",
        level: Level::Warning,
        safety: false,
        story: include_str!("orchestrator_writes.md"),
    },
    absence: false,
    run: orchestrator_writes,
};

#[derive(Debug, Error, Diagnostic)]
#[error("{what} `{role}` hands out the work and may write files itself")]
#[diagnostic(help("take the grant away, and give it to the role whose work it is"))]
struct OrchestratorWrites {
    what: &'static str,
    role: String,
    #[label(primary, "may write this")]
    grant: SourceSpan,
    #[label("{label}")]
    because: SourceSpan,
    label: &'static str,
}

fn orchestrator_writes(facts: &Facts<'_>, report: &mut Report<'_>) {
    let writes = |role: &&Role| granted(role, Capability::Write).is_some();
    // Whoever works alone has nobody to hand work to.
    if facts.model.roles.iter().filter(writes).count() < 2 {
        return;
    }
    for (id, role) in facts.model.roles() {
        let Some(grant) = granted(role, Capability::Write) else {
            continue;
        };
        let planner = facts.model.planner.filter(|planner| planner.value == id);
        let (what, because, label) = if let Some(planner) = planner {
            ("the planner", planner.span, "it turns requests into tasks")
        } else if hands_to_all(facts, id, role) {
            let Some(delegates) = granted(role, Capability::Delegate) else {
                continue;
            };
            ("role", delegates, "it may hand work to every role")
        } else {
            continue;
        };
        let fault = OrchestratorWrites {
            what,
            role: role.name.value.clone(),
            grant: grant.into(),
            because: because.into(),
            label,
        };
        report.of_role(id, fault);
    }
}

fn hands_to_all(facts: &Facts<'_>, id: RoleId, role: &Role) -> bool {
    let grant = &role.bounds.boundary.delegate;
    grant.may.iter().any(|may| may.pattern.as_str() == "*") && !facts.delegates(id).is_empty()
}
