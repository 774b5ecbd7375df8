//! What several lints and proofs want to know of a model, worked out once.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    boundary::Capability,
    diagnostics::{Source, Sources, Span},
    model::{Gate, LanguageModel, Model, Role, RoleId},
};

/// A model and what follows from it.
pub(super) struct Facts<'a> {
    pub(super) model: &'a Model,
    pub(super) sources: &'a Sources,
    // Whether no role has an error.
    pub(super) whole: bool,
    delegation: OnceCell<Vec<Vec<RoleId>>>,
    by_path: OnceCell<BTreeMap<&'a str, &'a Source>>,
}

impl<'a> Facts<'a> {
    pub(super) const fn new(model: &'a Model, sources: &'a Sources, whole: bool) -> Self {
        Self {
            model,
            sources,
            whole,
            delegation: OnceCell::new(),
            by_path: OnceCell::new(),
        }
    }

    /// Returns the roles that `role` may hand work to itself.
    pub(super) fn delegates(&self, role: RoleId) -> &[RoleId] {
        let all = self.delegation.get_or_init(|| {
            let of = |(id, role): (RoleId, &Role)| {
                let grant = &role.bounds.boundary.delegate;
                if grant.may.is_empty() {
                    Vec::new()
                } else {
                    self.model.delegates(id).collect()
                }
            };
            self.model.roles().map(of).collect()
        });
        all.get(role.0).map_or(&[], Vec::as_slice)
    }

    /// Returns the text that was read from `path`.
    pub(super) fn source(&self, path: &str) -> Option<&'a Source> {
        let by_path = || {
            self.sources
                .files()
                .iter()
                .map(|file| (file.path(), file))
                .collect()
        };
        self.by_path.get_or_init(by_path).get(path).copied()
    }

    /// Returns the texts of all prompts, the preamble first, each once.
    pub(super) fn prompts(&self) -> impl Iterator<Item = &'a Source> + '_ {
        let preamble = self.model.preamble.iter();
        let paths = preamble.chain(self.model.roles.iter().map(|role| &role.prompt));
        let mut seen = BTreeSet::new();
        let paths = paths.filter(move |path| seen.insert(path.value.as_str()));
        paths.filter_map(|path| self.source(&path.value))
    }

    /// Returns all texts that people write for a model to read: prompts, templates, memories.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a Source> + '_ {
        let further = self.model.templates.iter().chain(&self.model.memories);
        let further = further.filter_map(|path| self.source(path));
        self.prompts().chain(further)
    }

    /// Returns the model that `role` runs on.
    pub(super) fn language_model(&self, role: &Role) -> Option<&'a LanguageModel> {
        self.model.models.get(role.model.value.0)
    }

    /// Returns the gates that judge `role`.
    pub(super) fn gates(&self, role: &Role) -> impl Iterator<Item = &'a Gate> + use<'a> {
        let gates: Vec<_> = role.gates.iter().map(|gate| gate.value.0).collect();
        let model = self.model;
        gates
            .into_iter()
            .filter_map(move |gate| model.gates.get(gate))
    }

    /// Returns the role that turns a sentence into a task.
    pub(super) fn planner(&self) -> Option<RoleId> {
        self.model.planner.map(|planner| planner.value)
    }
}

/// Returns where the first grant of `capability` to `role` is written.
pub(super) fn granted(role: &Role, capability: Capability) -> Option<Span> {
    let origins = role.bounds.origins.get(&capability)?;
    origins.may.iter().find_map(crate::model::Origin::span)
}

/// Returns whether `inner` lies within `outer`.
pub(super) const fn within(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end() <= outer.end()
}

/// Lets each thing through once: what many roles share is spoken of once.
#[derive(Default)]
pub(super) struct Once(BTreeSet<Span>);

impl Once {
    pub(super) fn first(&mut self, span: Span) -> bool {
        self.0.insert(span)
    }
}
