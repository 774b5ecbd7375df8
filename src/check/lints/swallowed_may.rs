//! A grant of which a `never` leaves nothing.

use std::collections::{BTreeMap, BTreeSet};

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
    diagnostics::{Level, Lint, Span},
    model::{Origin, Role, RoleId},
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
#[error("{what}, and a `never` takes all of it away")]
#[diagnostic(help("{help}"))]
struct SwallowedMay {
    what: String,
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

// A grant as it is written, of which nothing was found to be left yet.
struct Gone<'a, P> {
    role: RoleId,
    grant: &'a Grant<P>,
    // The first of its entries.
    at: usize,
}

impl PerGrant for Look<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        // To take something out of a set, or from one role out of a profile, is what a `never` is for:
        // only what leaves nothing of what is written to anyone is a mistake.
        let mut left: BTreeSet<Span> = BTreeSet::new();
        let mut gone: BTreeMap<Span, Gone<'_, P>> = BTreeMap::new();
        for (id, role) in self.facts.model.roles() {
            let grant = of(&role.bounds.boundary);
            for at in 0..grant.may.len() {
                let origin = role.bounds.may_origin(capability, at);
                let Some(span) = origin.and_then(Origin::span) else {
                    continue;
                };
                if left.contains(&span) {
                    continue;
                }
                if leaves(grant, at) {
                    left.insert(span);
                    continue;
                }
                let new = || Gone {
                    role: id,
                    grant,
                    at,
                };
                gone.entry(span).or_insert_with(new);
            }
        }
        for (span, gone) in gone {
            if left.contains(&span) {
                continue;
            }
            let role = self.facts.model.role(gone.role);
            let never = taker(role, capability, gone.grant, gone.at);
            let may = gone.grant.may.get(gone.at);
            let written = self
                .facts
                .sources
                .text(span)
                .map(|text| text.trim_matches('"'));
            let pattern = may.map(|may| may.pattern.to_string()).unwrap_or_default();
            let pattern = written.map_or(pattern, str::to_owned);
            let fault = SwallowedMay {
                what: if within(role.span, span) {
                    format!("role `{}` is granted `{pattern}`", role.name.value)
                } else {
                    format!("`{pattern}` is granted to all that share this grant")
                },
                help: match never {
                    Some(Origin::Universal) => {
                        "no role may ever write what the factory itself is made of; take the grant away"
                    }
                    Some(Origin::Written { .. }) | None => {
                        "a `never` always wins: narrow it, or take the grant away"
                    }
                },
                may: span.into(),
                never: never.and_then(Origin::span).map(Into::into),
            };
            self.report.of_role(gone.role, fault);
        }
    }
}

// Whether anything is left of entry `at`. What can't be decided may well be.
fn leaves<P: Near>(grant: &Grant<P>, at: usize) -> bool {
    let Some(alone) = alone(grant, at).filter(|alone| !alone.never.is_empty()) else {
        return true;
    };
    let mut may = alone.may.iter();
    let example = may.next().and_then(|may| may.pattern.example());
    example.is_some_and(|thing| alone.permits(&thing)) || alone.shortest() != Ok(None)
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
