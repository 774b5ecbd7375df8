//! `cannot`: none of these roles can do this, also not through a role that it hands work to.

use std::collections::{BTreeMap, BTreeSet};

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Proof, Statement, answer::unseen, handed};
use crate::{
    boundary::Capability,
    check::{
        facts::Facts,
        meet::{Deed, Meeting, deeds, may_span},
    },
    diagnostics::Span,
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

/// Proves one statement for each role that it names: what is forbidden item by item, each through the
/// nearest role that can do it.
///
/// The planner hands out all work there is, in the steps of tasks that a person accepts, so a rule
/// speaks of what it does with its own hands.
pub(super) fn prove(statement: &mut Statement<'_, '_>, cannot: &Cannot) {
    let facts = statement.facts;
    // What each role can do by itself.
    let mut known: BTreeMap<RoleId, Vec<Deed>> = BTreeMap::new();
    for id in cannot.roles.iter().copied() {
        let direct = cannot.direct_only || facts.planner() == Some(id);
        let reached = facts.reached(id);
        let reached = reached.get(..1).filter(|_| direct).unwrap_or(reached);
        for next in reached {
            let own = || deeds(facts, next.role, &cannot.what);
            known.entry(next.role).or_insert_with(own);
        }
        let done = reached.iter().flat_map(|next| {
            let own = known.get(&next.role).into_iter().flatten();
            own.map(|deed| (next.role, deed))
        });
        let mut answer = None;
        let mut seen = BTreeSet::new();
        for (role, deed) in done.clone() {
            let Ok(meeting) = &deed.met else { continue };
            if seen.insert((deed.item, deed.capability)) {
                let way = handed(reached, role);
                let fault = broken(facts, statement.rule, cannot, &way, (deed, meeting));
                statement.findings.add(fault);
                answer = Some(Answer::Broken);
            }
        }
        for (role, deed) in done {
            let Err(doubt) = deed.met else { continue };
            if seen.insert((deed.item, deed.capability)) {
                statement.doubt(role, doubt, deed.item.unwrap_or(cannot.span));
                answer.get_or_insert(Answer::Undecided);
            }
        }
        let answer = answer.unwrap_or_else(|| {
            let capabilities = cannot.what.origins.keys();
            let roles = || reached.iter().map(|next| next.role);
            let unseen: Vec<_> = capabilities
                .flat_map(|capability| unseen(facts, statement.rule, roles(), *capability))
                .collect();
            statement.not_held.add(facts, cannot.span, &unseen);
            Answer::Shown(unseen)
        });
        statement.proofs.push(Proof {
            rule: statement.at,
            span: cannot.span,
            role: id,
            answer,
        });
    }
}

fn broken(
    facts: &Facts<'_>,
    rule: &Rule,
    cannot: &Cannot,
    way: &[RoleId],
    (deed, meeting): (&Deed, &Meeting),
) -> Broken {
    let roles: Vec<&Role> = way.iter().map(|id| facts.model.role(*id)).collect();
    let name = |role: &Role| role.name.value.clone();
    let role = roles.first().map(|role| name(role)).unwrap_or_default();
    let mut places = Vec::new();
    places.push(LabeledSpan::new_with_span(
        Some("the rule forbids this".to_owned()),
        deed.item.unwrap_or(cannot.span),
    ));
    places.extend(super::handing(facts, way));
    if let Some(last) = roles.last() {
        let (span, label) = granted(last, deed.capability, meeting);
        places.push(LabeledSpan::new_with_span(Some(label), span));
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
        witness: meeting.witness.clone(),
        through,
        help,
        places,
    }
}

// Where it is granted to the role that does it.
fn granted(doer: &Role, capability: Capability, meeting: &Meeting) -> (Span, String) {
    let name = &doer.name.value;
    let grant = meeting
        .may
        .and_then(|may| may_span(&doer.bounds, capability, may));
    let label = match (capability, meeting.may) {
        (Capability::Read, _) => "reading is allowed unless a `never` takes it away".to_owned(),
        (Capability::Write, None) => "`scratch` of the workspace lends it to every role".to_owned(),
        (Capability::Run, None) => "every role that may run something can do this".to_owned(),
        (_, _) => format!("`{name}` is granted it here"),
    };
    (grant.unwrap_or(doer.name.span), label)
}
