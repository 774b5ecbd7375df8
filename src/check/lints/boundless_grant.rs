//! A grant of everything.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Boundary, Capability, Grant},
    check::{
        facts::Facts,
        meet::{Near, PerGrant, may_span, per_grant},
        report::{Report, Shared},
    },
    diagnostics::{Level, Lint, Span},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::boundless-grant",
        level: Level::Warning,
        safety: false,
        story: include_str!("boundless_grant.md"),
    },
    absence: false,
    run: boundless_grant,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` may {what}")]
#[diagnostic(help(
    "name what its work needs; what is missing is one `may` away, and a review shows it"
))]
struct BoundlessGrant {
    role: String,
    what: &'static str,
    #[label(primary, "this is no boundary")]
    grant: SourceSpan,
}

fn boundless_grant(facts: &Facts<'_>, report: &mut Report<'_>) {
    let mut look = Look {
        facts,
        report,
        shared: Shared::default(),
    };
    per_grant(&mut look);
    let Look { shared, report, .. } = look;
    shared.tell(report);
}

struct Look<'a, 'f, 'r> {
    facts: &'a Facts<'f>,
    report: &'a mut Report<'r>,
    shared: Shared<Span, BoundlessGrant>,
}

impl PerGrant for Look<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        let (everything, what) = match capability {
            Capability::Write => ("**", "write every file"),
            Capability::Run => ("*", "run every command"),
            Capability::Reach => ("*", "speak to every host"),
            Capability::Env => ("*", "see every variable of yours, credentials among them"),
            Capability::Use => ("mcp:*", "use every server"),
            // Whoever leads may lead everyone.
            Capability::Delegate | Capability::Read => return,
        };
        for (id, role) in self.facts.model.roles() {
            for (at, may) in of(&role.bounds.boundary).may.iter().enumerate() {
                if may.pattern.to_string() != everything || !may.except.is_empty() {
                    continue;
                }
                let Some(span) = may_span(&role.bounds, capability, at) else {
                    continue;
                };
                self.shared
                    .of_role(self.report, span, id, || BoundlessGrant {
                        role: role.name.value.clone(),
                        what,
                        grant: span.into(),
                    });
            }
        }
    }
}
