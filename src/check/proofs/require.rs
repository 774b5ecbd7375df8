//! `require … when`: every role that can do this is judged by these gates.

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Answer, Kept, Proof, Statement, answer::unseen};
use crate::{
    boundary::Capability,
    check::{
        facts::Facts,
        meet::{Doubt, Meeting, deeds, may_span},
    },
    diagnostics::Span,
    model::{Require, Role, RoleId, Rule},
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
///
/// Delegation needs no following here: whoever does the thing in the end is asked for the gates itself.
pub(super) fn prove(statement: &mut Statement<'_, '_>, require: &Require) {
    let facts = statement.facts;
    for (id, role) in facts.model.roles() {
        let missing = missing(facts, role, require);
        let answer = match asked(facts, id, require) {
            // Where the gates are there, nothing needs to be decided.
            Asked::By(_) | Asked::Perhaps(..) if missing.is_empty() => Answer::Shown(Vec::new()),
            Asked::By(deed) => {
                let fault = broken(statement.rule, require, role, deed.as_ref(), &missing);
                statement.findings.add(fault);
                Answer::Broken
            }
            Asked::Perhaps(doubt, item) => {
                statement.doubt(id, doubt, item.unwrap_or(require.span));
                Answer::Undecided
            }
            Asked::Not => {
                let when = require.when.iter().flat_map(|when| when.origins.keys());
                let mut unseen: Vec<_> = when
                    .flat_map(|capability| unseen(facts, statement.rule, [id], *capability))
                    .collect();
                // What nothing looks into may do what `when` names.
                unseen.retain(|unseen| matches!(unseen.kept, Kept::Trusted { .. } | Kept::Nothing));
                if unseen.is_empty() || missing.is_empty() {
                    continue;
                }
                statement.not_held.add(facts, require.span, &unseen);
                Answer::Shown(unseen)
            }
        };
        statement.proofs.push(Proof {
            rule: statement.at,
            span: require.span,
            role: id,
            answer,
        });
    }
}

// Whether a statement speaks of a role.
enum Asked {
    By(Option<(Capability, Meeting)>),
    Perhaps(Doubt, Option<Span>),
    Not,
}

fn asked(facts: &Facts<'_>, id: RoleId, require: &Require) -> Asked {
    let Some(when) = &require.when else {
        return Asked::By(None);
    };
    let mut doubt = Asked::Not;
    for deed in deeds(facts, id, when) {
        match deed.met {
            Ok(meeting) => return Asked::By(Some((deed.capability, meeting))),
            Err(found) => doubt = Asked::Perhaps(found, deed.item),
        }
    }
    doubt
}

fn missing(facts: &Facts<'_>, role: &Role, require: &Require) -> Vec<String> {
    let has = |gate: usize| role.gates.iter().any(|own| own.value.0 == gate);
    let missing = require.gates.iter().filter(|gate| !has(gate.value.0));
    missing
        .map(|gate| facts.model.gate(gate.value).name.value.clone())
        .collect()
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
    let grant = deed.and_then(|(capability, meeting)| {
        meeting
            .may
            .and_then(|may| may_span(&role.bounds, *capability, may))
    });
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
