//! A `never` of a role that takes away what nobody is granted.

use std::collections::{BTreeMap, HashSet};

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Boundary, Capability, Entry as Granted, Grant},
    check::{
        facts::{Facts, within},
        meet::{Near, PerGrant, per_grant, takes},
        report::Report,
    },
    diagnostics::{Level, Lint},
    model::{Origin, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::useless-never",
        level: Level::Advice,
        safety: false,
        story: include_str!("useless_never.md"),
    },
    absence: true,
    run: useless_never,
};

#[derive(Debug, Error, Diagnostic)]
#[error("this `never` takes nothing away: no role is granted any of `{pattern}`")]
#[diagnostic(help("is it spelled as you meant it? what nothing grants is denied anyway"))]
struct UselessNever {
    pattern: String,
    #[label(primary, "nothing here is granted to anyone")]
    never: SourceSpan,
}

fn useless_never(facts: &Facts<'_>, report: &mut Report<'_>) {
    per_grant(&mut Look { facts, report });
}

struct Look<'a, 'f, 'r> {
    facts: &'a Facts<'f>,
    report: &'a mut Report<'r>,
}

impl PerGrant for Look<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        let mut everyone: Option<Index<'_, P>> = None;
        for (id, role) in self.facts.model.roles() {
            let grant = of(&role.bounds.boundary);
            for (at, never) in grant.never.iter().enumerate() {
                // A `never` of the factory or of a profile looks ahead to roles that are still to
                // come, and a set speaks for all its members.
                let origin = role.bounds.never_origin(capability, at);
                let Some(Origin::Written { span, member: None }) = origin else {
                    continue;
                };
                if !within(role.span, *span) || grant.may.iter().any(|may| touches(never, may)) {
                    continue;
                }
                let all = || Index::new(&self.facts.model.roles, of);
                if !everyone.get_or_insert_with(all).touches(never) {
                    let never = UselessNever {
                        pattern: never.pattern.to_string(),
                        never: (*span).into(),
                    };
                    self.report.of_role(id, never);
                }
            }
        }
    }
}

// What can't be decided may well be taken.
fn touches<P: Near>(never: &Granted<P>, may: &Granted<P>) -> bool {
    may.pattern.near_never(&never.pattern) && takes(never, may).unwrap_or(true)
}

// Everything that anyone is granted, by how it begins.
struct Index<'a, P>(BTreeMap<Option<String>, Vec<&'a Granted<P>>>);

impl<'a, P: Near> Index<'a, P> {
    fn new(roles: &'a [Role], of: fn(&Boundary) -> &Grant<P>) -> Self {
        let mut index: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for may in roles.iter().flat_map(|role| &of(&role.bounds.boundary).may) {
            if !may.except.is_empty() || seen.insert(may.pattern.to_string()) {
                index.entry(may.pattern.begin()).or_default().push(may);
            }
        }
        Self(index)
    }

    fn touches(&self, never: &Granted<P>) -> bool {
        let begin = never.pattern.begin();
        let lists = self.0.iter();
        lists
            .filter(|(own, _)| own.is_none() || begin.is_none() || **own == begin)
            .flat_map(|(_, list)| list)
            .any(|may| touches(never, may))
    }
}
