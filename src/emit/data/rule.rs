//! Rules, as they are told to the roles that they bind.

use serde::Serialize;

use crate::{
    boundary::{Boundary, Capability, Entry, Grant, Regular, overlap_entries},
    emit::phrase::{entries, sentence},
    model::{Model, RoleId, Rule},
};

/// A rule in words.
#[derive(Debug, Serialize)]
pub(super) struct RuleData {
    title: String,
    because: Option<String>,
    means: String,
}

/// Returns the rule as it is told to the role, if it binds it.
pub(super) fn rule_for(rule: &Rule, model: &Model, id: RoleId) -> Option<RuleData> {
    let bound = model.role(id);
    let boundary = &bound.bounds.boundary;
    let cannot: Vec<_> = rule
        .cannot
        .iter()
        .filter(|cannot| cannot.roles.contains(&id))
        .collect();
    let both: Vec<_> = rule
        .cannot_both
        .iter()
        .filter(|both| meets(&both.what.boundary, boundary))
        .collect();
    let binds = !cannot.is_empty() || !both.is_empty();
    // What a `never` of the boundary says is not said again.
    let unsaid = |what: &Boundary| {
        kinds(what)
            .filter(|kind| !is_said(what, boundary, *kind))
            .collect::<Vec<_>>()
    };
    let mut means = Vec::new();
    for cannot in cannot {
        let kinds = unsaid(&cannot.what.boundary);
        if !kinds.is_empty() {
            means.push(format!(
                "You never {}.",
                actions(&cannot.what.boundary, kinds, " and never ")
            ));
        }
    }
    for both in both {
        let what = &both.what.boundary;
        if unsaid(what).len() == kinds(what).count() {
            means.push(format!(
                "No one role may both {}.",
                actions(what, kinds(what), " and ")
            ));
        }
    }
    if binds && means.is_empty() {
        means.push("Your boundary keeps it.".to_owned());
    }
    let required = rule.require.iter().any(|require| {
        let has = |gate| bound.gates.iter().any(|known| known.value == gate);
        require.gates.iter().all(|gate| has(gate.value))
            && require
                .when
                .as_ref()
                .is_none_or(|when| meets(&when.boundary, boundary))
    });
    (required || binds).then(|| RuleData {
        title: sentence(&rule.title.value),
        because: rule
            .because
            .as_deref()
            .map(sentence)
            .filter(|because| !because.is_empty()),
        means: means.join(" "),
    })
}

// Whether a role of the boundary `role` can do one of the things in `what`. What is too complex to
// be proven counts as yes: a rule is rather told than left out.
fn meets(what: &Boundary, role: &Boundary) -> bool {
    fn any<P: Regular + Clone + Eq>(what: &Grant<P>, role: &Grant<P>) -> bool {
        let (what, may) = (&what.may, &role.may);
        let same = |entry: &Entry<P>| may.iter().any(|given| given.pattern == entry.pattern);
        !what.is_empty()
            && !may.is_empty()
            && (what.iter().any(same) || overlap_entries(what, may) != Ok(None))
    }
    any(&what.write, &role.write)
        || any(&what.run, &role.run)
        || any(&what.reach, &role.reach)
        || any(&what.uses, &role.uses)
        || any(&what.env, &role.env)
        || any(&what.delegate, &role.delegate)
}

// The kinds of things that `what` speaks of.
fn kinds(what: &Boundary) -> impl Iterator<Item = Capability> {
    Capability::ALL
        .into_iter()
        .filter(|kind| !things(what, *kind).is_empty())
}

// Whether the boundary `role` takes away, in so many words, all that `what` has of the kind.
fn is_said(what: &Boundary, role: &Boundary, kind: Capability) -> bool {
    fn all<P: Eq>(what: &Grant<P>, role: &Grant<P>) -> bool {
        what.may
            .iter()
            .all(|entry| role.never.iter().any(|never| never == entry))
    }
    match kind {
        Capability::Read => all(&what.read, &role.read),
        Capability::Write => all(&what.write, &role.write),
        Capability::Run => all(&what.run, &role.run),
        Capability::Reach => all(&what.reach, &role.reach),
        Capability::Use => all(&what.uses, &role.uses),
        Capability::Env => all(&what.env, &role.env),
        Capability::Delegate => all(&what.delegate, &role.delegate),
    }
}

fn things(what: &Boundary, kind: Capability) -> String {
    match kind {
        Capability::Read => entries(&what.read.may),
        Capability::Write => entries(&what.write.may),
        Capability::Run => entries(&what.run.may),
        Capability::Reach => entries(&what.reach.may),
        Capability::Use => entries(&what.uses.may),
        Capability::Env => entries(&what.env.may),
        Capability::Delegate => entries(&what.delegate.may),
    }
}

// The things in `what` with the verb of each kind.
fn actions(what: &Boundary, kinds: impl IntoIterator<Item = Capability>, between: &str) -> String {
    let phrases = kinds.into_iter().map(|kind| {
        let verb = match kind {
            Capability::Env => "see the variables",
            Capability::Delegate => "hand work to",
            Capability::Read
            | Capability::Write
            | Capability::Run
            | Capability::Reach
            | Capability::Use => kind.word(),
        };
        format!("{verb} {}", things(what, kind))
    });
    phrases.collect::<Vec<_>>().join(between)
}
