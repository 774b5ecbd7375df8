//! `require … when`: every role that can do this is judged by these gates.

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Proof, undecided};
use crate::{
    boundary::{Capability, TooComplex},
    check::{
        facts::Facts,
        meet::{Meeting, can, may_span},
    },
    diagnostics::Findings,
    model::{Require, Role, Rule},
};

pub(super) const CODE: &str = "factory::rule::require";

#[derive(Debug, Error, Diagnostic)]
#[error("rule `{rule}` does not hold: role `{role}`{deed} is not judged by {gates}")]
#[diagnostic(
    code("factory::rule::require"),
    help("add `gates {add}` to role `{role}`, or take the grant away")
)]
struct Broken {
    rule: String,
    role: String,
    deed: String,
    gates: String,
    add: String,
    #[label(collection)]
    places: Vec<LabeledSpan>,
}

/// Proves one statement for each role that it speaks of.
pub(super) fn prove(
    facts: &Facts<'_>,
    (at, rule): (usize, &Rule),
    require: &Require,
    findings: &mut Findings,
    proofs: &mut Vec<Proof>,
) {
    for (id, role) in facts.model.roles() {
        let missing = missing(facts, role, require);
        let answer = match deed(role, require) {
            Ok(None) if require.when.is_some() => continue,
            // Where the gates are there, nothing needs to be decided.
            Ok(_) | Err(TooComplex) if missing.is_empty() => Answer::Proven,
            Ok(deed) => {
                findings.add(broken(rule, require, role, deed.as_ref(), &missing));
                Answer::Broken
            }
            Err(TooComplex) => {
                findings.add(undecided(facts, id, require.span));
                Answer::Undecided
            }
        };
        proofs.push(Proof {
            rule: at,
            span: require.span,
            role: id,
            answer,
        });
    }
}

fn missing(facts: &Facts<'_>, role: &Role, require: &Require) -> Vec<String> {
    let has = |gate: usize| role.gates.iter().any(|own| own.value.0 == gate);
    let missing = require.gates.iter().filter(|gate| !has(gate.value.0));
    missing
        .map(|gate| facts.model.gate(gate.value).name.value.clone())
        .collect()
}

fn deed(role: &Role, require: &Require) -> Result<Option<(Capability, Meeting)>, TooComplex> {
    let Some(when) = &require.when else {
        return Ok(None);
    };
    for capability in when.origins.keys().copied() {
        if let Some(meeting) = can(role, capability, &when.boundary)? {
            return Ok(Some((capability, meeting)));
        }
    }
    Ok(None)
}

fn broken(
    rule: &Rule,
    require: &Require,
    role: &Role,
    deed: Option<&(Capability, Meeting)>,
    missing: &[String],
) -> Broken {
    let mut places = vec![LabeledSpan::new_with_span(
        Some("the rule asks for these gates".to_owned()),
        require.span,
    )];
    let grant =
        deed.and_then(|(capability, meeting)| may_span(&role.bounds, *capability, meeting.may));
    let label = if grant.is_some() {
        format!("granted to `{}` here", role.name.value)
    } else {
        "this role".to_owned()
    };
    let span = grant.unwrap_or(role.name.span);
    places.push(LabeledSpan::new_with_span(Some(label), span));
    let quote = |left: &str, right: &str, between: &str| {
        let quoted = missing.iter().map(|gate| format!("{left}{gate}{right}"));
        quoted.collect::<Vec<_>>().join(between)
    };
    Broken {
        rule: rule.title.value.clone(),
        role: role.name.value.clone(),
        deed: deed.map_or_else(String::new, |(capability, meeting)| {
            format!(" can {capability} `{}` and", meeting.witness)
        }),
        gates: quote("`", "`", ", "),
        add: quote("\"", "\"", " "),
        places,
    }
}
