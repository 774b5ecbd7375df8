//! A file that agents may not read, and that is copied into their checkout.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::Capability,
    check::{
        facts::Facts,
        report::{Report, Shared},
    },
    diagnostics::{Level, Lint},
    model::{CopyFor, Origin},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::workspace::copied-secret",
        level: Level::Warning,
        safety: false,
        story: include_str!("copied_secret.md"),
    },
    absence: false,
    run: copied_secret,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{path}` is copied into the checkout of agents, and role `{role}` may not read it")]
#[diagnostic(help("write `copy \"{path}\" for=\"gates\"`: gates then have it and agents do not"))]
struct CopiedSecret {
    path: String,
    role: String,
    #[label(primary, "agents are to be kept from it")]
    never: SourceSpan,
}

fn copied_secret(facts: &Facts<'_>, report: &mut Report<'_>) {
    let copies = facts.model.workspace.copy.iter();
    for copy in copies.filter(|copy| copy.for_whom == CopyFor::Agents) {
        let mut shared = Shared::default();
        for (id, role) in facts.model.roles() {
            let nevers = &role.bounds.boundary.read.never;
            let Some(at) = nevers.iter().position(|never| never.takes(&copy.path)) else {
                continue;
            };
            let span = role
                .bounds
                .never_origin(Capability::Read, at)
                .and_then(Origin::span);
            if let Some(never) = span {
                shared.of_role(report, never, id, || CopiedSecret {
                    path: copy.path.clone(),
                    role: role.name.value.clone(),
                    never: never.into(),
                });
            }
        }
        shared.tell(report);
    }
}
