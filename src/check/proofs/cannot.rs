//! `cannot`: none of these roles can do this, also not through a role that it hands work to.

use std::collections::BTreeMap;

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Proof, answer::shown, undecided};
use crate::{
    boundary::Capability,
    check::{
        facts::Facts,
        meet::{Meeting, can, may_span},
    },
    diagnostics::{Findings, Span},
    model::{Cannot, Role, RoleId, Rule},
};

pub(super) const CODE: &str = "factory::rule::cannot";

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` does not hold: role `{role}` can {capability} `{witness}`{through}")]
#[diagnostic(code("factory::rule::cannot"), help("{help}"))]
struct Broken {
    rule: String,
    role: String,
    capability: Capability,
    witness: String,
    through: String,
    help: String,
    #[label(collection)]
    places: Vec<LabeledSpan>,
}

// What a role can do by itself that it should not.
#[derive(Debug, Clone)]
struct Deed {
    capability: Capability,
    meeting: Meeting,
}

/// Proves one statement for each role that it names.
///
/// The planner hands out all work there is, in the steps of tasks that a person accepts, so a rule
/// speaks of what it does with its own hands.
pub(super) fn prove(
    facts: &Facts<'_>,
    (at, rule): (usize, &Rule),
    cannot: &Cannot,
    findings: &mut Findings,
    proofs: &mut Vec<Proof>,
) {
    let capabilities: Vec<_> = cannot.what.origins.keys().copied().collect();
    let mut deeds = Deeds {
        facts,
        cannot,
        capabilities: &capabilities,
        known: BTreeMap::new(),
    };
    for id in cannot.roles.iter().copied() {
        let direct = cannot.direct_only || facts.planner() == Some(id);
        let answer = match deeds.way(id, direct) {
            Ok(None) => shown(facts.model, id, capabilities.iter().copied()),
            Ok(Some((way, deed))) => {
                findings.add(broken(facts, rule, cannot, &way, &deed));
                Answer::Broken
            }
            Err(role) => {
                findings.add(undecided(facts, role, cannot.span));
                Answer::Undecided
            }
        };
        proofs.push(Proof {
            rule: at,
            span: cannot.span,
            role: id,
            answer,
        });
    }
}

struct Deeds<'a, 'f> {
    facts: &'a Facts<'f>,
    cannot: &'a Cannot,
    capabilities: &'a [Capability],
    // What is known of each role by itself.
    known: BTreeMap<RoleId, Result<Option<Deed>, RoleId>>,
}

impl Deeds<'_, '_> {
    // The shortest way by delegation from `id` to a role that can do it, both at its ends.
    fn way(&mut self, id: RoleId, direct: bool) -> Result<Option<(Vec<RoleId>, Deed)>, RoleId> {
        let mut from: BTreeMap<RoleId, Option<RoleId>> = BTreeMap::from([(id, None)]);
        let mut open = std::collections::VecDeque::from([id]);
        while let Some(next) = open.pop_front() {
            if let Some(deed) = self.of(next)? {
                let back = |role: &RoleId| from.get(role).copied().flatten();
                let mut way: Vec<_> = std::iter::successors(Some(next), back).collect();
                way.reverse();
                return Ok(Some((way, deed)));
            }
            if direct {
                break;
            }
            for to in self.facts.delegates(next) {
                if !from.contains_key(to) {
                    from.insert(*to, Some(next));
                    open.push_back(*to);
                }
            }
        }
        Ok(None)
    }

    fn of(&mut self, id: RoleId) -> Result<Option<Deed>, RoleId> {
        let (facts, cannot, capabilities) = (self.facts, self.cannot, self.capabilities);
        let known = self.known.entry(id);
        known
            .or_insert_with(|| {
                for capability in capabilities.iter().copied() {
                    let met = can(facts.model.role(id), capability, &cannot.what.boundary);
                    if let Some(meeting) = met.map_err(|_| id)? {
                        return Ok(Some(Deed {
                            capability,
                            meeting,
                        }));
                    }
                }
                Ok(None)
            })
            .clone()
    }
}

fn broken(facts: &Facts<'_>, rule: &Rule, cannot: &Cannot, way: &[RoleId], deed: &Deed) -> Broken {
    let roles: Vec<&Role> = way.iter().map(|id| facts.model.role(*id)).collect();
    let name = |role: &Role| role.name.value.clone();
    let role = roles.first().map(|role| name(role)).unwrap_or_default();
    let doer = roles.last().map(|role| name(role)).unwrap_or_default();
    let mut places = Vec::new();
    let mut place = |span: Option<Span>, label: String| {
        places.extend(span.map(|span| LabeledSpan::new_with_span(Some(label), span)));
    };
    let what = may_span(&cannot.what, deed.capability, deed.meeting.what);
    place(
        what.or(Some(cannot.span)),
        "the rule forbids this".to_owned(),
    );
    for (from, to) in roles.iter().zip(roles.iter().skip(1)) {
        let grant = &from.bounds.boundary.delegate;
        let may = grant
            .may
            .iter()
            .position(|may| may.gives(&to.name.value))
            .and_then(|may| may_span(&from.bounds, Capability::Delegate, may));
        place(may, format!("hands work to `{}`", to.name.value));
    }
    if let Some(last) = roles.last() {
        let grant = may_span(&last.bounds, deed.capability, deed.meeting.may);
        let label = match deed.capability {
            Capability::Read => "reading is allowed unless a `never` takes it away".to_owned(),
            _ => format!("`{doer}` is granted it here"),
        };
        place(grant.or(Some(last.name.span)), label);
    }
    let (through, help) = if roles.len() > 1 {
        let between: Vec<_> = roles
            .iter()
            .skip(1)
            .map(|role| format!("`{}`", name(role)))
            .collect();
        (
            format!(
                ", by handing work to {}",
                between.join(", which hands it to ")
            ),
            format!(
                "take the delegation away; or add `direct-only=#true` if the rule speaks of what `{role}` does itself"
            ),
        )
    } else {
        let never = format!("never {{ {} \"…\"; }}", deed.capability);
        (
            String::new(),
            format!("narrow the grant, add `{never}` to role `{role}`, or change the rule"),
        )
    };
    Broken {
        rule: rule.title.value.clone(),
        role,
        capability: deed.capability,
        witness: deed.meeting.witness.clone(),
        through,
        help,
        places,
    }
}
