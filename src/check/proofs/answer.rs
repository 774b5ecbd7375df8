//! How a statement of a rule stands for a role.

use crate::{
    boundary::{Capability, CommandPattern, Effect, Entry, Layer, entry_within},
    check::{facts::Facts, held},
    diagnostics::Span,
    model::{Model, RoleId, Rule, Trust},
};

/// How one statement of a rule stands for one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The index of the rule in the model.
    pub rule: usize,
    /// Where the statement is made.
    pub span: Span,
    /// The role that it speaks of.
    pub role: RoleId,
    /// How it stands.
    pub answer: Answer,
}

/// How a statement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The grants show it: alone where the list is empty, else for all but what these commands might do
    /// besides, each kept by something else or by nothing.
    Shown(Vec<Unseen>),
    /// It is not so; a finding says why.
    Broken,
    /// It could not be decided; a finding says so.
    Undecided,
}

impl Answer {
    /// Returns the word for it that programs are told.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Undecided => "undecided",
            Self::Shown(unseen) => match unseen.iter().map(|unseen| unseen.kept).max() {
                None => "proven",
                Some(kept) => kept.word(),
            },
        }
    }
}

/// What a granted command might do besides what its words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// The role that may run it.
    pub role: RoleId,
    /// The index of the entry of its `may run` that grants it.
    pub may: usize,
    /// The capability that the statement speaks of.
    pub capability: Capability,
    /// What keeps it to the statement.
    pub kept: Kept,
}

impl Unseen {
    /// Returns the command as it is granted in `model`.
    pub fn command<'a>(&self, model: &'a Model) -> &'a str {
        let mays = &model.role(self.role).bounds.boundary.run.may;
        mays.get(self.may).map_or("", |may| may.pattern.as_str())
    }
}

/// What keeps a command to a statement where nothing is known of its effects; the weaker, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// A layer that does not ask which program does it.
    Held(Layer),
    /// Those who review the project: it runs the project's own code, and nothing that its words name.
    Project,
    /// Somebody answers for it: this `trust` of the rule says who or what.
    Trusted {
        /// Its index.
        trust: usize,
    },
    /// Nothing.
    Nothing,
}

impl Kept {
    /// Returns the word for it that programs are told.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Project => "project",
            Self::Trusted { .. } => "trusted",
            Self::Nothing => "not-held",
        }
    }
}

/// Returns what the roles, each once, might do of `capability` besides what the words of their commands
/// say.
pub(super) fn unseen(
    facts: &Facts<'_>,
    rule: &Rule,
    roles: impl IntoIterator<Item = RoleId>,
    capability: Capability,
) -> Vec<Unseen> {
    let mut found = Vec::new();
    for id in roles {
        let role = facts.model.role(id);
        let layer = held::against_programs(facts.model, role, capability);
        for (at, effect) in &facts.commands(id).unseen {
            let Some(entry) = role.bounds.boundary.run.may.get(*at) else {
                continue;
            };
            let kept = match (layer, effect) {
                (_, Effect::Known) => continue,
                (_, Effect::Speaks) if capability != Capability::Reach => continue,
                (Some(layer), _) => Kept::Held(layer),
                (None, effect) => match trusted(rule, entry) {
                    Some(trust) => Kept::Trusted { trust },
                    None if *effect == Effect::Project => Kept::Project,
                    None => Kept::Nothing,
                },
            };
            found.push(Unseen {
                role: id,
                may: *at,
                capability,
                kept,
            });
        }
    }
    found
}

// Which `trust` of the rule covers all that the entry gives, if one does.
fn trusted(rule: &Rule, entry: &Entry<CommandPattern>) -> Option<usize> {
    let mut trust = rule.trust.iter();
    trust.position(|trust| covers(trust, entry))
}

/// Returns whether `trust` covers all that the entry gives.
pub(in crate::check) fn covers(trust: &Trust, entry: &Entry<CommandPattern>) -> bool {
    let known = &trust.entry;
    let plainly = known.pattern.plainly_covers(&entry.pattern);
    match plainly.filter(|covers| !covers || known.except.is_empty()) {
        Some(covers) => covers,
        None => known == entry || entry_within(entry, std::slice::from_ref(known)) == Ok(None),
    }
}
