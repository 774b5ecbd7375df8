//! Roles that hand work to each other in a circle.

use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::Capability,
    check::{facts::Facts, meet::may_span, report::Report},
    diagnostics::{Level, Lint},
    model::{RoleId, circle},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::delegation-cycle",
        level: Level::Warning,
        safety: false,
        story: include_str!("delegation_cycle.md"),
    },
    absence: false,
    run: delegation_cycle,
};

#[derive(Debug, Error, Diagnostic)]
#[error("roles hand work to each other in a circle: {cycle}")]
#[diagnostic(help(
    "take one of these grants away: work that nobody keeps is never done, and each hand-over is paid for"
))]
struct DelegationCycle {
    cycle: String,
    #[label(collection)]
    places: Vec<LabeledSpan>,
}

fn delegation_cycle(facts: &Facts<'_>, report: &mut Report<'_>) {
    let next = |role: usize| {
        facts
            .delegates(RoleId(role))
            .iter()
            .map(|role| role.0)
            .collect()
    };
    let Some(way) = circle(facts.model.roles.len(), next) else {
        return;
    };
    let role = |at: usize| facts.model.role(RoleId(at));
    let names: Vec<_> = way.iter().map(|at| role(*at).name.value.as_str()).collect();
    let place = |(from, to): (&usize, &usize)| {
        let (from, to) = (role(*from), &role(*to).name.value);
        let mut may = from.bounds.boundary.delegate.may.iter();
        let may = may.position(|may| may.gives(to))?;
        let span = may_span(&from.bounds, Capability::Delegate, may)?;
        let label = format!("`{}` may hand work to `{to}`", from.name.value);
        Some(LabeledSpan::new_with_span(Some(label), span))
    };
    report.add(DelegationCycle {
        cycle: names.join(" → "),
        places: way
            .iter()
            .zip(way.iter().skip(1))
            .filter_map(place)
            .collect(),
    });
}
