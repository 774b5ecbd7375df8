//! A rule that speaks of no role at all.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Boundary, Capability, Effect, Grant},
    check::{
        facts::Facts,
        meet::{Near, PerGrant, can, may_span, per_grant},
        proofs::covers,
        report::Report,
    },
    diagnostics::{Level, Lint},
    model::{Bounds, RoleId, Rule, Trust},
    spec::slip,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::rule::vacuous",
        level: Level::Warning,
        safety: false,
        story: include_str!("vacuous_rule.md"),
    },
    absence: true,
    run: vacuous_rule,
};

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` asks nothing of anyone: no role can do what its `when` names")]
#[diagnostic(help("is it spelled as you meant it? `factory show` lists what each role can do"))]
struct AsksNothing {
    rule: String,
    #[label(primary, "no role can do this")]
    when: SourceSpan,
}

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` forbids `{pattern}`, which no role is granted any of")]
#[diagnostic(help("did you mean `{near}`? that is granted"))]
struct ForbidsNothing {
    rule: String,
    pattern: String,
    near: String,
    #[label(primary, "nothing here is granted to anyone")]
    item: SourceSpan,
}

#[derive(Debug, Error, Diagnostic)]
#[error(
    "rule `{rule}` trusts `{command}`, and no role is granted that without its effects being known"
)]
#[diagnostic(help("is it spelled as it is granted? else take it away: it covers nothing"))]
struct TrustsNothing {
    rule: String,
    command: String,
    #[label(primary, "nothing here needs to be trusted")]
    span: SourceSpan,
}

fn vacuous_rule(facts: &Facts<'_>, report: &mut Report<'_>) {
    for rule in &facts.model.rules {
        for require in &rule.require {
            let Some(when) = &require.when else {
                continue;
            };
            if facts
                .model
                .roles()
                .any(|(id, _)| speaks_of(facts, when, id))
            {
                continue;
            }
            let origins = when.origins.values().flat_map(|origins| &origins.may);
            let span = origins.filter_map(crate::model::Origin::span).min();
            report.add(AsksNothing {
                rule: rule.title.value.clone(),
                when: span.unwrap_or(require.span).into(),
            });
        }
        trusts(facts, rule, report);
    }
    per_grant(&mut Misspelled { facts, report });
}

// What can't be decided may well be so, and what nothing looks into may do it.
fn speaks_of(facts: &Facts<'_>, when: &Bounds, role: RoleId) -> bool {
    let mut capabilities = when.origins.keys().copied();
    capabilities.any(|capability| {
        let unseen = || facts.commands(role).unseen.iter();
        let opaque =
            capability == Capability::Run && unseen().any(|(_, effect)| *effect == Effect::Unknown);
        opaque || !can(facts, role, capability, &when.boundary).is_empty()
    })
}

// That nobody is granted what a rule forbids is what it is for. Only where a grant is one slip of the
// finger away it is likely to be a mistake.
struct Misspelled<'a, 'f, 'r> {
    facts: &'a Facts<'f>,
    report: &'a mut Report<'r>,
}

impl PerGrant for Misspelled<'_, '_, '_> {
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>) {
        let roles = self.facts.model.roles.iter();
        let granted = || {
            roles
                .clone()
                .flat_map(|role| &of(&role.bounds.boundary).may)
        };
        let heads: BTreeSet<&str> = granted().filter_map(|may| may.pattern.head()).collect();
        for rule in &self.facts.model.rules {
            let cannot = rule.cannot.iter().map(|cannot| &cannot.what);
            let both = rule.cannot_both.iter().map(|both| &both.what);
            for what in cannot.chain(both) {
                for (at, named) in of(&what.boundary).may.iter().enumerate() {
                    let Some(head) = named.pattern.head().filter(|head| !heads.contains(head))
                    else {
                        continue;
                    };
                    let near = |other: &&str| other.len().abs_diff(head.len()) <= 1;
                    let Some(near) = slip(head, heads.iter().copied().filter(near)) else {
                        continue;
                    };
                    if granted().any(|may| may.pattern.near_never(&named.pattern)) {
                        continue;
                    }
                    if let Some(item) = may_span(what, capability, at) {
                        let pattern = named.pattern.to_string();
                        self.report.hint(ForbidsNothing {
                            rule: rule.title.value.clone(),
                            near: pattern.replacen(head, near, 1),
                            pattern,
                            item: item.into(),
                        });
                    }
                }
            }
        }
    }
}

// Whether anything is granted that a `trust` covers, and that needs it. A set speaks for all its members.
fn trusts(facts: &Facts<'_>, rule: &Rule, report: &mut Report<'_>) {
    let needed = |trust: &Trust| {
        let covers = |(id, at): (RoleId, usize)| {
            let may = facts.model.role(id).bounds.boundary.run.may.get(at);
            may.is_some_and(|may| covers(trust, may))
        };
        let mut unseen = facts.model.roles().flat_map(|(id, _)| {
            let unseen = facts.commands(id).unseen.iter();
            unseen.map(move |(at, _)| (id, *at))
        });
        unseen.any(covers)
    };
    for item in rule.trust.chunk_by(|one, two| one.span == two.span) {
        if let Some(first) = item.first()
            && !item.iter().any(needed)
        {
            let pattern = first.entry.pattern.to_string();
            let written = facts.sources.text(first.span);
            let written = written.map(|text| text.trim_matches('"').to_owned());
            report.add(TrustsNothing {
                rule: rule.title.value.clone(),
                command: written.unwrap_or(pattern),
                span: first.span.into(),
            });
        }
    }
}
