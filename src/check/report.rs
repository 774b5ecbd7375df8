//! Where lints put what they see, each at the level that is in force.

use miette::Diagnostic;

use crate::{
    diagnostics::{Findings, Level, Lint},
    model::{LintLevel, Model, RoleId},
};

/// What one lint sees.
pub(super) struct Report<'a> {
    pub(super) model: &'a Model,
    pub(super) lint: &'static Lint,
    pub(super) findings: &'a mut Findings,
}

impl Report<'_> {
    /// Adds what was seen of the factory as a whole.
    pub(super) fn add(&mut self, fault: impl Diagnostic + Send + Sync + 'static) {
        let level = level(self.lint, [&self.model.lints]);
        self.findings.report(self.lint, level, fault);
    }

    /// Adds what was seen of `role`, whose own levels count before those of the factory.
    pub(super) fn of_role(&mut self, role: RoleId, fault: impl Diagnostic + Send + Sync + 'static) {
        let of_role = self.model.roles.get(role.0).map(|role| &role.lints);
        let level = level(self.lint, of_role.into_iter().chain([&self.model.lints]));
        self.findings.report(self.lint, level, fault);
    }
}

fn level<'a>(lint: &Lint, lists: impl IntoIterator<Item = &'a Vec<LintLevel>>) -> Level {
    let mut set = lists.into_iter().flatten();
    match set.find(|set| set.code.value == lint.code) {
        // That a safety lint is turned off is an error of its own.
        Some(set) if lint.safety && set.level.value == Level::Off => lint.level,
        Some(set) => set.level.value,
        None => lint.level,
    }
}
