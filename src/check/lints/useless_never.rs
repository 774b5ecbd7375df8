//! A `never` of a role or a profile that takes away what nobody is granted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Boundary, Capability, Entry as Granted, Grant},
    check::{
        facts::Facts,
        meet::{Near, PerGrant, per_grant, takes},
        report::Report,
    },
    diagnostics::{Level, Lint, Span},
    model::{Origin, Role, RoleId},
    spec::slip,
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
#[diagnostic(help("{help}"))]
struct UselessNever {
    pattern: String,
    help: String,
    #[label(primary, "nothing here is granted to anyone")]
    never: SourceSpan,
    #[label("this member of the set")]
    member: Option<SourceSpan>,
}

fn useless_never(facts: &Facts<'_>, report: &mut Report<'_>) {
    per_grant(&mut Look { facts, report });
}

struct Look<'a, 'f, 'r> {
    facts: &'a Facts<'f>,
    report: &'a mut Report<'r>,
}

// A `never` as it is written, with what it stands for.
struct Item<'a, P> {
    role: RoleId,
    entries: Vec<(&'a Granted<P>, Option<Span>)>,
}

impl PerGrant for Look<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        let model = self.facts.model;
        let mut items: BTreeMap<Span, Item<'_, P>> = BTreeMap::new();
        let mut useful: BTreeSet<Span> = BTreeSet::new();
        for (id, role) in model.roles() {
            let grant = of(&role.bounds.boundary);
            for (at, never) in grant.never.own().iter().enumerate() {
                let origin = role.bounds.never_origin(capability, at);
                let Some(Origin::Written { span, member }) = origin else {
                    continue;
                };
                // A `never` of the factory looks ahead to roles that are still to come.
                let known = items.get(span);
                let elsewhere = known.is_some_and(|known| known.role != id);
                if model.is_everyones(*span) || useful.contains(span) || elsewhere {
                    continue;
                }
                // Most take something from the role itself.
                let taken = || grant.may.iter().any(|may| touches(never, may));
                if member.is_none() && (never.pattern.takes_ungranted() || taken()) {
                    useful.insert(*span);
                    continue;
                }
                let new = || Item {
                    role: id,
                    entries: Vec::new(),
                };
                let item = items.entry(*span).or_insert_with(new);
                item.entries.push((never, *member));
            }
        }
        if items.is_empty() {
            return;
        }
        let everyone = Index::new(&model.roles, of);
        for (span, item) in items {
            let idle = |(never, _): &&(&Granted<P>, Option<Span>)| !everyone.touches(never);
            let all = item.entries.iter().all(|entry| idle(&entry));
            let mut tell = |pattern: String, near: Option<String>, member: Option<Span>| {
                let help = near.map_or_else(
                    || {
                        "is it spelled as you meant it? what nothing grants is denied anyway"
                            .to_owned()
                    },
                    |near| format!("did you mean `{near}`? that is granted"),
                );
                let fault = UselessNever {
                    pattern,
                    help,
                    never: span.into(),
                    member: member.map(Into::into),
                };
                self.report.of_role(item.role, fault);
            };
            if all {
                let first = item.entries.first();
                let pattern = first.map(|(never, _)| never.pattern.to_string());
                let set = self
                    .facts
                    .sources
                    .text(span)
                    .map(|text| text.trim_matches('"'));
                let set = set.filter(|_| first.is_some_and(|(_, member)| member.is_some()));
                let pattern = set.map(str::to_owned).or(pattern);
                tell(pattern.unwrap_or_default(), None, None);
                continue;
            }
            // A set speaks for all its members; one that is a slip of the finger away from what is
            // granted is likely to be a mistake all the same.
            for (never, member) in item.entries.iter().filter(idle) {
                if let Some(near) = everyone.near(never) {
                    tell(never.pattern.to_string(), Some(near), *member);
                }
            }
        }
    }
}

// What can't be decided may well be taken; and a wrapper may run what is taken.
fn touches<P: Near>(never: &Granted<P>, may: &Granted<P>) -> bool {
    may.pattern.near_never(&never.pattern) && takes(never, may).unwrap_or(true)
        || may.pattern.near_within(&never.pattern)
}

// Everything that anyone is granted, by how it begins.
struct Index<'a, P>(BTreeMap<Option<String>, Vec<&'a Granted<P>>>);

impl<'a, P: Near> Index<'a, P> {
    fn new(roles: &'a [Role], of: fn(&Boundary) -> &Grant<P>) -> Self {
        let mut index: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for may in roles.iter().flat_map(|role| &of(&role.bounds.boundary).may) {
            if !may.except.is_empty() || seen.insert(may.pattern.to_string()) {
                let begin = may.pattern.begin().filter(|_| !may.pattern.holds_more());
                index.entry(begin).or_default().push(may);
            }
        }
        Self(index)
    }

    fn touches(&self, never: &Granted<P>) -> bool {
        if never.pattern.takes_ungranted() {
            return true;
        }
        let begin = never.pattern.begin();
        let lists = self.0.iter();
        lists
            .filter(|(own, _)| own.is_none() || begin.is_none() || **own == begin)
            .flat_map(|(_, list)| list)
            .any(|may| touches(never, may))
    }

    // The pattern with the one word in its place that it is likely to be a misspelling of.
    fn near(&self, never: &Granted<P>) -> Option<String> {
        let head = never.pattern.head()?;
        let heads = self
            .0
            .values()
            .flatten()
            .filter_map(|may| may.pattern.head());
        let near = slip(head, heads).filter(|near| *near != head)?;
        Some(never.pattern.to_string().replacen(head, near, 1))
    }
}
