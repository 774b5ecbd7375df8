//! `cannot-both`: no one role can do something of each kind.

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Proof, answer::shown, undecided};
use crate::{
    boundary::{Capability, TooComplex},
    check::{
        facts::Facts,
        meet::{Meeting, can, may_span},
    },
    diagnostics::Findings,
    model::{CannotBoth, Role, Rule},
};

pub(super) const CODE: &str = "factory::rule::cannot-both";

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` does not hold: role `{role}` can {deeds}")]
#[diagnostic(
    code("factory::rule::cannot-both"),
    help("take one of these grants away from role `{role}`, or give it to another role")
)]
struct Broken {
    rule: String,
    role: String,
    deeds: String,
    #[label(collection)]
    places: Vec<LabeledSpan>,
}

/// Proves one statement for every role.
pub(super) fn prove(
    facts: &Facts<'_>,
    (at, rule): (usize, &Rule),
    both: &CannotBoth,
    findings: &mut Findings,
    proofs: &mut Vec<Proof>,
) {
    let kinds: Vec<_> = both.what.origins.keys().copied().collect();
    for (id, role) in facts.model.roles() {
        let answer = match deeds(role, &kinds, both) {
            Ok(None) => shown(facts.model, id, kinds.iter().copied()),
            Ok(Some(deeds)) => {
                findings.add(broken(rule, both, role, &deeds));
                Answer::Broken
            }
            Err(TooComplex) => {
                findings.add(undecided(facts, id, both.span));
                Answer::Undecided
            }
        };
        proofs.push(Proof {
            rule: at,
            span: both.span,
            role: id,
            answer,
        });
    }
}

// What the role can do of each kind, or nothing where it can't of one.
fn deeds(
    role: &Role,
    kinds: &[Capability],
    both: &CannotBoth,
) -> Result<Option<Vec<(Capability, Meeting)>>, TooComplex> {
    let mut deeds = Vec::new();
    for kind in kinds.iter().copied() {
        match can(role, kind, &both.what.boundary)? {
            Some(meeting) => deeds.push((kind, meeting)),
            None => return Ok(None),
        }
    }
    Ok((!deeds.is_empty()).then_some(deeds))
}

fn broken(rule: &Rule, both: &CannotBoth, role: &Role, deeds: &[(Capability, Meeting)]) -> Broken {
    let mut places = vec![LabeledSpan::new_with_span(
        Some("no one role may do all of this".to_owned()),
        both.span,
    )];
    for (capability, meeting) in deeds {
        let grant = may_span(&role.bounds, *capability, meeting.may);
        let label = format!("`{}` may {capability} this", role.name.value);
        places.extend(grant.map(|span| LabeledSpan::new_with_span(Some(label), span)));
    }
    let said = deeds
        .iter()
        .map(|(capability, meeting)| format!("{capability} `{}`", meeting.witness));
    Broken {
        rule: rule.title.value.clone(),
        role: role.name.value.clone(),
        deeds: said.collect::<Vec<_>>().join(" and "),
        places,
    }
}
