//! A grant of which a `never` leaves nothing.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Boundary, Capability, Entry as Granted, Grant},
    check::{
        facts::{Facts, within},
        meet::{Near, PerGrant, alone, per_grant},
        report::Report,
    },
    diagnostics::{Level, Lint},
    model::{Origin, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::swallowed-may",
        level: Level::Warning,
        safety: false,
        story: include_str!("swallowed_may.md"),
    },
    absence: false,
    run: swallowed_may,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` is granted `{pattern}`, and a `never` takes all of it away")]
#[diagnostic(help("{help}"))]
struct SwallowedMay {
    role: String,
    pattern: String,
    help: &'static str,
    #[label(primary, "granted here")]
    may: SourceSpan,
    #[label("taken away here")]
    never: Option<SourceSpan>,
}

fn swallowed_may(facts: &Facts<'_>, report: &mut Report<'_>) {
    per_grant(&mut Look { facts, report });
}

struct Look<'a, 'f, 'r> {
    facts: &'a Facts<'f>,
    report: &'a mut Report<'r>,
}

impl PerGrant for Look<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        for (id, role) in self.facts.model.roles() {
            let grant = of(&role.bounds.boundary);
            for (at, may) in grant.may.iter().enumerate() {
                // To take something out of a set or a profile is what a `never` in a role is for.
                let origin = role.bounds.may_origin(capability, at);
                let Some(Origin::Written { span, member: None }) = origin else {
                    continue;
                };
                if !within(role.span, *span) {
                    continue;
                }
                let Some(alone) = alone(grant, at).filter(|alone| !alone.never.is_empty()) else {
                    continue;
                };
                let example = may.pattern.example();
                if example.is_some_and(|thing| alone.permits(&thing)) {
                    continue;
                }
                // What can't be decided may well be left.
                if alone.shortest() != Ok(None) {
                    continue;
                }
                let never = taker(role, capability, grant, at);
                let fault = SwallowedMay {
                    role: role.name.value.clone(),
                    pattern: may.pattern.to_string(),
                    help: match never {
                        Some(Origin::Universal) => {
                            "no role may ever write what the factory itself is made of; take the grant away"
                        }
                        Some(Origin::Written { .. }) | None => {
                            "a `never` always wins: narrow it, or take the grant away"
                        }
                    },
                    may: (*span).into(),
                    never: never.and_then(Origin::span).map(Into::into),
                };
                self.report.of_role(id, fault);
            }
        }
    }
}

// Where the one `never` is written that takes all of it away, if one does it alone.
fn taker<'a, P: Near>(
    role: &'a Role,
    capability: Capability,
    grant: &Grant<P>,
    may: usize,
) -> Option<&'a Origin> {
    let may = grant.may.get(may)?;
    let takes_all = |never: &Granted<P>| {
        let left = Grant {
            may: vec![may.clone()],
            never: vec![never.clone()].into(),
            only: None,
        };
        may.pattern.near_never(&never.pattern) && left.shortest() == Ok(None)
    };
    let at = grant.never.iter().position(takes_all)?;
    role.bounds.never_origin(capability, at)
}
