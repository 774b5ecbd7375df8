//! What several lints and proofs want to know of a model, worked out once.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
};

use super::meet::alone;
use crate::{
    boundary::{
        Capability, CommandPattern, Effect, Entry, Grant, TooComplex, effect, lines_within,
        runs_others,
    },
    diagnostics::{Source, Sources, Span},
    model::{Gate, LanguageModel, Model, Role, RoleId},
};

/// A role that work gets to, and who hands it there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub(super) role: RoleId,
    /// None for the role where it begins.
    pub(super) from: Option<RoleId>,
}

/// What is known of the commands that a role may run.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// The entries of its `may` whose words do not say all that they do.
    pub(super) unseen: Vec<(usize, Effect)>,
    /// The entries of its `may` that run other commands.
    pub(super) wrappers: BTreeSet<usize>,
}

// A grant of one entry, and what is looked for in its lines.
type Within = Vec<(CommandPattern, Vec<CommandPattern>)>;

// Lines by their words.
type Lines = Result<Vec<Box<[String]>>, TooComplex>;

/// A model and what follows from it.
pub(super) struct Facts<'a> {
    pub(super) model: &'a Model,
    pub(super) sources: &'a Sources,
    // Whether no role has an error.
    pub(super) whole: bool,
    delegation: OnceCell<Vec<Vec<RoleId>>>,
    reached: OnceCell<Vec<OnceCell<Vec<Reached>>>>,
    commands: OnceCell<Vec<Commands>>,
    within: RefCell<HashMap<Within, Lines>>,
    by_path: OnceCell<BTreeMap<&'a str, &'a Source>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(model: &'a Model, sources: &'a Sources, whole: bool) -> Self {
        Self {
            model,
            sources,
            whole,
            delegation: OnceCell::new(),
            reached: OnceCell::new(),
            commands: OnceCell::new(),
            within: RefCell::default(),
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

    /// Returns the roles that work of `role` may get to, the nearest first and itself before all.
    pub(super) fn reached(&self, role: RoleId) -> &[Reached] {
        let all = self.reached.get_or_init(|| {
            let none = |_: &Role| OnceCell::new();
            self.model.roles.iter().map(none).collect()
        });
        let search = || {
            let mut seen = vec![false; self.model.roles.len()];
            let mut found = Vec::new();
            let mut open = VecDeque::from([Reached { role, from: None }]);
            while let Some(next) = open.pop_front() {
                match seen.get_mut(next.role.0) {
                    Some(seen) if !*seen => *seen = true,
                    Some(_) | None => continue,
                }
                found.push(next);
                let from = Some(next.role);
                let handed = self.delegates(next.role).iter();
                open.extend(handed.map(|role| Reached { role: *role, from }));
            }
            found
        };
        all.get(role.0)
            .map_or(&[], |reached| reached.get_or_init(search))
    }

    /// Returns what is known of the commands of `role`.
    pub(super) fn commands(&self, role: RoleId) -> &Commands {
        static NONE: Commands = Commands {
            unseen: Vec::new(),
            wrappers: BTreeSet::new(),
        };
        let all = self.commands.get_or_init(|| {
            // Most roles have most of their commands from the same sets.
            let mut known = HashMap::new();
            let roles = self.model.roles.iter();
            roles.map(|role| commands(role, &mut known)).collect()
        });
        all.get(role.0).unwrap_or(&NONE)
    }

    /// Returns the lines that `alone` permits, a grant of one entry, and in which something runs that
    /// `taken` takes away. Many roles have the same grant, so each is looked at once.
    pub(super) fn lines_within(
        &self,
        alone: &Grant<CommandPattern>,
        taken: &Entry<CommandPattern>,
    ) -> Lines {
        let of = |entry: &Entry<CommandPattern>| (entry.pattern.clone(), entry.except.clone());
        let entries = alone.may.iter().chain([taken]).chain(alone.never.iter());
        let key: Within = entries.map(of).collect();
        if let Some(known) = self.within.borrow().get(&key) {
            return known.clone();
        }
        let found = lines_within(alone, taken);
        self.within.borrow_mut().insert(key, found.clone());
        found
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

    /// Returns the roles that the text at `path` is the prompt or the memory of; none where it is everyone's.
    pub(super) fn readers(&self, path: &str) -> Vec<RoleId> {
        let roles = self.model.roles();
        let reads = |role: &Role| {
            role.prompt.value == path
                || role
                    .memory
                    .as_ref()
                    .is_some_and(|memory| memory.path == path)
        };
        roles
            .filter(|(_, role)| reads(role))
            .map(|(id, _)| id)
            .collect()
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

fn commands<'a>(role: &'a Role, known: &mut HashMap<&'a str, (Effect, bool)>) -> Commands {
    let boundary = &role.bounds.boundary;
    let mut commands = Commands::default();
    for (at, may) in boundary.run.may.iter().enumerate() {
        let pattern = &may.pattern;
        let of = || (effect(pattern), runs_others(pattern));
        let (effect, wraps) = *known.entry(pattern.as_str()).or_insert_with(of);
        if wraps {
            commands.wrappers.insert(at);
        }
        if effect == Effect::Known {
            continue;
        }
        // What is wholly taken away does nothing; what can't be decided may well be left.
        let left = alone(&boundary.run, at);
        let left = left.filter(|left| !left.never.is_empty());
        if left.is_some_and(|left| left.shortest() == Ok(None)) {
            continue;
        }
        // A program that the role can write is whatever it makes of it.
        let program = pattern.literal_words().first();
        let path = program.map(|program| program.strip_prefix("./").unwrap_or(program));
        let own = path.is_some_and(|path| path.contains('/') && boundary.write.permits(path));
        let effect = if own { Effect::Unknown } else { effect };
        commands.unseen.push((at, effect));
    }
    commands
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
