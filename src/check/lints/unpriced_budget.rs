//! A budget in dollars for a model that has no price.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
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
    let mut told = BTreeSet::new();
    for (id, role) in facts.model.roles() {
        let (Some(budget), Some(model)) = (role.budget, facts.language_model(role)) else {
            continue;
        };
        if model.price.is_none() && told.insert(role.model.value) {
            let fault = UnpricedBudget {
                model: model.name.value.clone(),
                role: role.name.value.clone(),
                name: model.name.span.into(),
                budget: budget.into(),
            };
            report.of_role(id, fault);
        }
    }
}
