//! Where lints put what they see, each at the level that is in force.

use std::collections::{BTreeMap, btree_map::Entry};

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
        self.add_at(self.lint.level, fault);
    }

    /// Adds what was seen of the factory as a whole, at `usual` unless the factory sets a level.
    pub(super) fn add_at(&mut self, usual: Level, fault: impl Diagnostic + Send + Sync + 'static) {
        let level = level(self.lint, [&self.model.lints]).unwrap_or(usual);
        self.findings.report(self.lint, level, fault);
    }

    /// Adds what was seen of `role`, whose own levels count before those of the factory.
    pub(super) fn of_role(&mut self, role: RoleId, fault: impl Diagnostic + Send + Sync + 'static) {
        let level = self.level_of(role).unwrap_or(self.lint.level);
        self.findings.report(self.lint, level, fault);
    }

    /// Adds what may be nothing: advice, unless a level is set.
    pub(super) fn hint(&mut self, fault: impl Diagnostic + Send + Sync + 'static) {
        self.add_at(Level::Advice, fault);
    }

    /// Adds what may be nothing of `role`: advice, unless a level is set.
    pub(super) fn hint_of_role(
        &mut self,
        role: RoleId,
        fault: impl Diagnostic + Send + Sync + 'static,
    ) {
        let level = self.level_of(role).unwrap_or(Level::Advice);
        self.findings.report(self.lint, level, fault);
    }

    fn level_of(&self, role: RoleId) -> Option<Level> {
        let of_role = self.model.roles.get(role.0).map(|role| &role.lints);
        level(self.lint, of_role.into_iter().chain([&self.model.lints]))
    }

    /// Adds what was seen of something that `roles` share: the strictest of their levels counts, and that
    /// of the factory where it belongs to none.
    pub(super) fn of_roles(
        &mut self,
        roles: &[RoleId],
        fault: impl Diagnostic + Send + Sync + 'static,
    ) {
        self.of_roles_at(self.lint.level, roles, fault);
    }

    /// Adds what may be nothing of something that `roles` share: advice, unless a level is set.
    pub(super) fn hint_of_roles(
        &mut self,
        roles: &[RoleId],
        fault: impl Diagnostic + Send + Sync + 'static,
    ) {
        self.of_roles_at(Level::Advice, roles, fault);
    }

    fn of_roles_at(
        &mut self,
        usual: Level,
        roles: &[RoleId],
        fault: impl Diagnostic + Send + Sync + 'static,
    ) {
        let of_role = |role: &RoleId| self.level_of(*role).unwrap_or(usual);
        let strictest = roles.iter().map(of_role).max();
        let level = strictest
            .or_else(|| level(self.lint, [&self.model.lints]))
            .unwrap_or(usual);
        self.findings.report(self.lint, level, fault);
    }
}

/// What several roles have in common and is told of once, by what they share: of the first role whose level
/// for it is the highest, so that no role speaks for another.
pub(super) struct Shared<K, F>(BTreeMap<K, (Level, RoleId, F)>);

impl<K, F> Default for Shared<K, F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, F: Diagnostic + Send + Sync + 'static> Shared<K, F> {
    /// Keeps what was seen of `role` in what is known by `key`.
    pub(super) fn of_role(
        &mut self,
        report: &Report<'_>,
        key: K,
        role: RoleId,
        fault: impl FnOnce() -> F,
    ) {
        let level = report.level_of(role).unwrap_or(report.lint.level);
        match self.0.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((level, role, fault()));
            }
            Entry::Occupied(mut entry) if entry.get().0 < level => {
                entry.insert((level, role, fault()));
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Reports all that was kept.
    pub(super) fn tell(self, report: &mut Report<'_>) {
        for (_, role, fault) in self.0.into_values() {
            report.of_role(role, fault);
        }
    }
}

// The level that somebody has set.
fn level<'a>(lint: &Lint, lists: impl IntoIterator<Item = &'a Vec<LintLevel>>) -> Option<Level> {
    let mut set = lists.into_iter().flatten();
    let set = set.find(|set| set.code.value == lint.code)?;
    // That a safety lint is turned off, or into advice, is an error of its own.
    (!lint.safety || set.level.value >= Level::Warning).then_some(set.level.value)
}
