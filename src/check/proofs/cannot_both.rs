//! `cannot-both`: no one role can do something of each kind, also not together with roles that it hands
//! work to.

use std::collections::BTreeSet;

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Proof, Statement, Unseen, answer::unseen, handed, handing};
use crate::{
    boundary::Capability,
    check::{
        facts::{Facts, Reached},
        meet::{Deed, Doubt, Meeting, deeds, may_span},
    },
    diagnostics::Span,
    model::{CannotBoth, RoleId, Rule},
};

pub(super) const CODE: &str = "factory::rule::cannot-both";

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` does not hold: role `{role}` can {deeds}")]
#[diagnostic(code("factory::rule::cannot-both"), help("{help}"))]
struct Broken {
    rule: String,
    role: String,
    deeds: String,
    help: String,
    #[label(collection)]
    places: Vec<LabeledSpan>,
}

// How one kind of thing stands for a role and those that it hands work to.
enum Kind<'a> {
    Can {
        doer: RoleId,
        capability: Capability,
        meeting: &'a Meeting,
    },
    Doubt {
        doer: RoleId,
        doubt: Doubt,
        item: Option<Span>,
    },
    Cannot(Vec<Unseen>),
}

/// Proves one statement for every role. As with `cannot`, the planner is meant with its own hands.
pub(super) fn prove(statement: &mut Statement<'_, '_>, both: &CannotBoth) {
    let facts = statement.facts;
    let own: Vec<Vec<Deed>> = facts
        .model
        .roles()
        .map(|(id, _)| deeds(facts, id, &both.what))
        .collect();
    // A role that can do both by itself is spoken of once, and not for all that hand work to it.
    let alone: BTreeSet<RoleId> = facts
        .model
        .roles()
        .filter(|(id, _)| {
            let can = |kind: &Capability| {
                let mut own = own.get(id.0).into_iter().flatten();
                own.any(|deed| deed.capability == *kind && deed.met.is_ok())
            };
            both.what.origins.keys().all(can)
        })
        .map(|(id, _)| id)
        .collect();
    for (id, _) in facts.model.roles() {
        let direct = both.direct_only || facts.planner() == Some(id);
        let reached = facts.reached(id);
        let reached = reached.get(..1).filter(|_| direct).unwrap_or(reached);
        let kinds = both.what.origins.keys();
        let kinds: Vec<_> = kinds
            .map(|kind| stands(facts, statement.rule, reached, &own, *kind))
            .collect();
        let others = reached.iter().skip(1);
        let told = !alone.contains(&id) && others.clone().any(|other| alone.contains(&other.role));
        let answer = answer(statement, both, (id, reached), &kinds, told);
        statement.proofs.push(Proof {
            rule: statement.at,
            span: both.span,
            role: id,
            answer,
        });
    }
}

fn stands<'a>(
    facts: &Facts<'_>,
    rule: &Rule,
    reached: &[Reached],
    own: &'a [Vec<Deed>],
    capability: Capability,
) -> Kind<'a> {
    let of = |reached: &Reached| {
        let role = reached.role;
        let own = own.get(role.0).into_iter().flatten();
        own.filter(|deed| deed.capability == capability)
            .map(move |deed| (role, deed))
    };
    let mut doubts = None;
    // Of the nearest role, a shortest.
    for next in reached {
        let can = of(next).filter_map(|(doer, deed)| Some((doer, deed.met.as_ref().ok()?)));
        let length = |(_, meeting): &(RoleId, &Meeting)| meeting.witness.len();
        if let Some((doer, meeting)) = can.min_by_key(length) {
            return Kind::Can {
                doer,
                capability,
                meeting,
            };
        }
        doubts = doubts.or_else(|| {
            of(next).find_map(|(doer, deed)| Some((doer, deed.met.as_ref().err()?, deed.item)))
        });
    }
    match doubts {
        Some((doer, doubt, item)) => Kind::Doubt {
            doer,
            doubt: *doubt,
            item,
        },
        None => {
            let roles = reached.iter().map(|next| next.role);
            Kind::Cannot(unseen(facts, rule, roles, capability))
        }
    }
}

// One kind that it can't do is enough: the one that is kept best counts.
fn answer(
    statement: &mut Statement<'_, '_>,
    both: &CannotBoth,
    (id, reached): (RoleId, &[Reached]),
    kinds: &[Kind<'_>],
    told: bool,
) -> Answer {
    let cannot = kinds.iter().filter_map(|kind| match kind {
        Kind::Cannot(unseen) => Some(unseen),
        Kind::Can { .. } | Kind::Doubt { .. } => None,
    });
    let worst = |unseen: &&Vec<Unseen>| unseen.iter().map(|unseen| unseen.kept).max();
    if let Some(best) = cannot.min_by_key(worst) {
        statement.not_held.add(statement.facts, both.span, best);
        return Answer::Shown(best.clone());
    }
    let doubt = kinds.iter().find_map(|kind| match kind {
        Kind::Doubt { doer, doubt, item } => Some((*doer, *doubt, *item)),
        Kind::Can { .. } | Kind::Cannot(_) => None,
    });
    if let Some((doer, doubt, item)) = doubt {
        statement.doubt(doer, doubt, item.unwrap_or(both.span));
        return Answer::Undecided;
    }
    if !told {
        let fault = broken(statement.facts, statement.rule, both, (id, reached), kinds);
        statement.findings.add(fault);
    }
    Answer::Broken
}

fn broken(
    facts: &Facts<'_>,
    rule: &Rule,
    both: &CannotBoth,
    (id, reached): (RoleId, &[Reached]),
    kinds: &[Kind<'_>],
) -> Broken {
    let name = |id: RoleId| facts.model.role(id).name.value.as_str();
    let mut places = vec![LabeledSpan::new_with_span(
        Some("no one role may do all of this".to_owned()),
        both.span,
    )];
    let mut said = Vec::new();
    let mut hands = false;
    for kind in kinds {
        let Kind::Can {
            doer,
            capability,
            meeting,
        } = kind
        else {
            continue;
        };
        for place in handing(facts, &handed(reached, *doer)) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let bounds = &facts.model.role(*doer).bounds;
        let grant = meeting
            .may
            .and_then(|may| may_span(bounds, *capability, may));
        let label = format!("`{}` may {capability} this", name(*doer));
        places.extend(grant.map(|span| LabeledSpan::new_with_span(Some(label), span)));
        let deed = format!("{capability} `{}`", meeting.witness);
        said.push(if *doer == id {
            deed
        } else {
            hands = true;
            format!("{deed} by handing work to `{}`", name(*doer))
        });
    }
    let role = name(id).to_owned();
    let help = if hands {
        "take a delegation away; or add `direct-only=#true` if the rule speaks of what one role does itself"
            .to_owned()
    } else {
        format!("take one of these grants away from role `{role}`, or give it to another role")
    };
    Broken {
        rule: rule.title.value.clone(),
        role,
        deeds: said.join(" and "),
        help,
        places,
    }
}
