//! A budget in dollars for a model that has no price.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{
        facts::Facts,
        report::{Report, Shared},
    },
    diagnostics::{Level, Lint},
    model::Work,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::unpriced-budget",
        level: Level::Warning,
        safety: false,
        story: include_str!("unpriced_budget.md"),
    },
    absence: false,
    run: unpriced_budget,
};

#[derive(Debug, Error, Diagnostic)]
#[error("a budget in dollars, and model `{model}` of role `{role}` has no price")]
#[diagnostic(help(
    "add `price input=\"…\" output=\"…\"` to the model, in dollars for a million tokens"
))]
struct UnpricedBudget {
    model: String,
    role: String,
    #[label(primary, "without a price, nothing can be reckoned before it is spent")]
    name: SourceSpan,
    #[label("the budget")]
    budget: SourceSpan,
}

fn unpriced_budget(facts: &Facts<'_>, report: &mut Report<'_>) {
    let model = facts.model;
    let of_roles = model.roles().map(|(id, role)| (id, role.budget));
    let steps = model.tasks.iter().flat_map(|task| &task.steps);
    let of_steps = steps.filter_map(|step| match &step.work {
        Work::Agent { role, budget, .. } => Some((role.value, *budget)),
        Work::Effect(_) => None,
    });
    // What a model costs is missing once, whoever runs on it.
    let mut shared = Shared::default();
    for (id, budget) in of_roles.chain(of_steps) {
        let role = model.role(id);
        let (Some(budget), Some(model)) = (budget, facts.language_model(role)) else {
            continue;
        };
        if model.price.is_none() {
            shared.of_role(report, role.model.value, id, || UnpricedBudget {
                model: model.name.value.clone(),
                role: role.name.value.clone(),
                name: model.name.span.into(),
                budget: budget.into(),
            });
        }
    }
    shared.tell(report);
}
