//! Roles: what they may do, what judges and limits them, what they are told.

use std::collections::BTreeSet;

use super::{Comparison, Direction, Phrase, Version, find, said, verb};
use crate::{
    boundary::{Boundary, Capability, Entry, Grant, TooComplex},
    diagnostics::Span,
    model::{
        Bounds, Example, GuardMode, LanguageModel, Memory, Model, ModelId, Origin, Origins, Role,
        Stop,
    },
};

impl Comparison<'_> {
    /// Adds what is different of the roles.
    pub(super) fn roles(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for role in &new.roles {
            match find(&old.roles, &role.name.value, |role| &role.name) {
                Some(known) => self.role(known, role),
                None => self.new_role(role),
            }
        }
        for role in &old.roles {
            let name = &role.name.value;
            if find(&new.roles, name, |role| &role.name).is_none() {
                self.narrowed(said("the role {} is gone", [name]));
            }
        }
    }

    fn new_role(&mut self, role: &Role) {
        let name = role.name.value.as_str();
        let nothing = Boundary::default();
        let mut grants: Vec<Phrase> = Vec::new();
        for capability in Capability::ALL {
            let beyond = self.beyond(&whole(self.new, role), &nothing, capability, name);
            if capability != Capability::Read && beyond != Ok(Vec::new()) {
                let given = Written::of(self.new, role, capability, true);
                let text = said(&format!("may {} ", verb(capability)), []);
                grants.push(text.and(Phrase::list(&given.shown(None))));
            }
        }
        let mut grants = grants.into_iter();
        match grants.next() {
            None => self.changed(said("the role {} is new, and may only read", [name])),
            Some(first) => {
                let text = said("the role {} is new: it ", [name]).and(first);
                let text = grants.fold(text, |text, next| text.and(said("; ", [])).and(next));
                self.widened(text);
            }
        }
        if role.guard == GuardMode::Observe {
            self.widened(said("the hook lets pass what {} may not do", [name]));
        }
        self.agent(None, role);
    }

    fn role(&mut self, known: &Role, role: &Role) {
        let Role {
            name,
            span: _,
            title,
            description,
            model,
            prompt,
            verbatim,
            // Compared field by field, as the client takes it.
            agent: _,
            guard,
            // Compared with what gates seal for the role.
            bounds: _,
            gates: _,
            memory,
            // Where it is written.
            memory_span: _,
            stop,
            // Where the budget is written.
            budget: _,
            can,
            cannot,
            // Compared with what the factory asks of all.
            hold: _,
            lints,
        } = role;
        let name = name.value.as_str();
        self.boundary(known, role);
        self.judges(known, role);
        if known.title != *title {
            let text = said(
                "{} has the title {}, before {}",
                [name, title, &known.title],
            );
            self.changed(text);
        }
        let words = |role: &Option<crate::spec::Text>| role.as_ref().map(|text| text.value.clone());
        if words(&known.description) != words(description) {
            self.changed(said("the description of {}, by which it is asked", [name]));
        }
        self.language_model(name, self.old.model.model(known.model.value), model.value);
        if self.old.words(&known.prompt.value) != self.new.words(&prompt.value) {
            self.changed(said("the prompt of {}", [name]));
        }
        match (known.verbatim, verbatim) {
            (false, true) => {
                let text = "the prompt of {} no longer says its boundary, the rules that bind it, and its gates";
                self.widened(said(text, [name]));
            }
            (true, false) => {
                let text =
                    "the prompt of {} now says its boundary, the rules that bind it, and its gates";
                self.narrowed(said(text, [name]));
            }
            (true, true) | (false, false) => {}
        }
        self.agent(Some(known), role);
        match (known.guard, guard) {
            (GuardMode::Enforce, GuardMode::Observe) => {
                let first = said("the hook now lets pass what ", []);
                self.of_role(Direction::Widened, name, first, said(" may not do", []));
            }
            (GuardMode::Observe, GuardMode::Enforce) => {
                let first = said("the hook now refuses what ", []);
                self.of_role(Direction::Narrowed, name, first, said(" may not do", []));
            }
            (GuardMode::Observe, GuardMode::Observe) | (GuardMode::Enforce, GuardMode::Enforce) => {
            }
        }
        self.memory(name, known.memory.as_ref(), memory.as_ref());
        for (direction, limit) in limits(known.stop, *stop) {
            let limit = said(" ", []).and(limit);
            self.of_role(direction, name, Phrase::default(), limit);
        }
        for (old, new, is, gone) in [
            // That a role can do something holds nobody back.
            (&known.can, can, "can", Direction::Changed),
            (&known.cannot, cannot, "can't", Direction::Widened),
        ] {
            self.examples(name, (old, new), is, gone);
        }
        self.lints_of(name, &known.lints, lints);
    }

    // A model of the same id is compared by its price alone, once for all roles.
    fn language_model(&mut self, name: &str, known: &LanguageModel, id: ModelId) {
        let model = self.new.model.model(id);
        let (before, after) = (&known.id.value, &model.id.value);
        if before == after {
            return;
        }
        self.changed(said("{} runs on {}, before on {}", [name, after, before]));
        if known.price.is_some() && model.price.is_none() {
            let text = "what {} costs is not counted any more: {} has no price";
            self.widened(said(text, [name, after]));
        }
    }

    // What the role may do now, and what it may not do any more.
    fn boundary(&mut self, known: &Role, role: &Role) {
        let name = role.name.value.as_str();
        let (old, new) = (whole(self.old, known), whole(self.new, role));
        for capability in Capability::ALL {
            match self.beyond(&new, &old, capability, name) {
                Ok(things) if things.is_empty() => {}
                Ok(things) => {
                    let text = said(&format!("{{}} may now {} ", verb(capability)), [name]);
                    let text = text.and(Phrase::list(&things));
                    self.widened(text.and(self.by(known, role, capability)));
                }
                Err(error) => {
                    let text = format!("what {{}} may {} changed: {error}", verb(capability));
                    self.widened(said(&text, [name]));
                }
            }
            if let Ok(things) = self.beyond(&old, &new, capability, name)
                && !things.is_empty()
            {
                let text = said(&format!("{{}} may no longer {} ", verb(capability)), [name]);
                self.narrowed(text.and(Phrase::list(&things)));
            }
        }
    }

    // Things of `capability` that `this` permits and `other` does not: of roles those that there are, of
    // all else a shortest one.
    fn beyond(
        &self,
        this: &Boundary,
        other: &Boundary,
        capability: Capability,
        name: &str,
    ) -> Result<Vec<String>, TooComplex> {
        let model = self.new.model;
        let only = |thing: &str, of: fn(&Boundary) -> &Grant<_>| {
            of(this).permits(thing) && !of(other).permits(thing)
        };
        match capability {
            Capability::Delegate if this.delegate == other.delegate => return Ok(Vec::new()),
            Capability::Delegate => {
                let others = model.roles.iter().map(|role| &role.name.value);
                let others = others.filter(|other| *other != name);
                let given = others.filter(|other| only(other, |boundary| &boundary.delegate));
                return Ok(given.cloned().collect());
            }
            Capability::Use => {
                let servers = model.servers.iter();
                let tools = servers.map(|server| format!("mcp:{}", server.name.value));
                let given: Vec<_> = tools
                    .filter(|tool| only(tool, |boundary| &boundary.uses))
                    .collect();
                if !given.is_empty() {
                    return Ok(given);
                }
            }
            Capability::Read
            | Capability::Write
            | Capability::Run
            | Capability::Reach
            | Capability::Env => {}
        }
        Ok(this.beyond(other, capability)?.into_iter().collect())
    }

    // By which patterns or sets.
    fn by(&self, known: &Role, role: &Role, capability: Capability) -> Phrase {
        let differing = |(this, role), (other, known), may| {
            let others = Written::of(other, known, capability, may);
            Written::of(this, role, capability, may).shown(Some(&others))
        };
        let (old, new) = ((self.old, known), (self.new, role));
        let mut text = Phrase::default();
        for (word, patterns) in [
            ("by ", differing(new, old, true)),
            ("no longer taken away: ", differing(old, new, false)),
        ] {
            if !patterns.is_empty() {
                let between = if text == Phrase::default() {
                    ": "
                } else {
                    ", "
                };
                let first = said(&format!("{between}{word}"), []);
                text = text.and(first).and(Phrase::list(&patterns));
            }
        }
        text
    }

    fn judges(&mut self, known: &Role, role: &Role) {
        let name = role.name.value.as_str();
        let gates = |model: &Model, role: &Role| -> Vec<String> {
            let gates = role.gates.iter().map(|gate| model.gate(gate.value));
            gates.map(|gate| gate.name.value.clone()).collect()
        };
        self.names(
            (&gates(self.old.model, known), &gates(self.new.model, role)),
            |gate| {
                let text = said("gate {} no longer judges {}", [gate, name]);
                (Direction::Widened, text)
            },
            |gate| {
                (
                    Direction::Narrowed,
                    said("gate {} now judges {}", [gate, name]),
                )
            },
        );
    }

    // What it keeps is words in its prompt, told as its own.
    fn memory(&mut self, name: &str, old: Option<&Memory>, new: Option<&Memory>) {
        match (old, new) {
            (None, Some(memory)) => {
                let text = "{} now keeps a memory, {}";
                self.changed(said(text, [name, &memory.path]));
            }
            (Some(_), None) => self.changed(said("{} keeps no memory any more", [name])),
            (Some(known), Some(memory)) => {
                let Memory { path, limit } = memory;
                if known.path != *path {
                    let text = "{} keeps its memory in {}, before in {}";
                    self.changed(said(text, [name, path, &known.path]));
                }
                if known.limit != *limit {
                    let text = format!(
                        "up to {limit} bytes of the memory of {{}} are in its prompt, before {}",
                        known.limit
                    );
                    self.changed(said(&text, [name]));
                }
            }
            (None, None) => {}
        }
    }

    fn examples(
        &mut self,
        name: &str,
        (old, new): (&[Example], &[Example]),
        can: &str,
        gone: Direction,
    ) {
        let pairs = |examples: &[Example]| -> BTreeSet<(Capability, String)> {
            let pair = |example: &Example| {
                let Example { capability, thing } = example;
                (*capability, thing.value.clone())
            };
            examples.iter().map(pair).collect()
        };
        let (old, new) = (pairs(old), pairs(new));
        let come = match gone {
            Direction::Widened => Direction::Narrowed,
            Direction::Narrowed | Direction::Changed => gone,
        };
        for (direction, these, others, now) in
            [(gone, &old, &new, "no longer"), (come, &new, &old, "now")]
        {
            for (capability, thing) in these.difference(others) {
                let text = format!("that {{}} {can} {} {{}} is {now} tested", verb(*capability));
                self.add(direction, said(&text, [name, thing]));
            }
        }
    }
}

/// Returns what the role may do: what its gates seal is taken away from it.
pub(super) fn whole(version: Version<'_>, role: &Role) -> Boundary {
    let mut boundary = role.bounds.boundary.clone();
    let gates = role.gates.iter().map(|gate| version.model.gate(gate.value));
    for sealed in gates.flat_map(|gate| &gate.sealed) {
        boundary.write.never.push(sealed.value.clone());
    }
    boundary
}

/// Returns how the limits of a step differ, each as the end of a sentence about a role.
pub(super) fn limits(old: Stop, new: Stop) -> Vec<(Direction, Phrase)> {
    let Stop {
        attempts,
        usd,
        wall,
    } = new;
    let mut found = Vec::new();
    let mut limit = |before: u64, after: u64, text: Phrase| {
        let direction = match after.cmp(&before) {
            std::cmp::Ordering::Greater => Direction::Widened,
            std::cmp::Ordering::Less => Direction::Narrowed,
            std::cmp::Ordering::Equal => return,
        };
        found.push((direction, text));
    };
    let text = format!("may try {attempts} times instead of {}", old.attempts);
    limit(old.attempts.into(), attempts.into(), said(&text, []));
    // A page may take what stands between two signs of the dollar for mathematics.
    let [before, after] = [old.usd, usd].map(|usd| format!("${usd}"));
    let text = said("may spend {} instead of {}", [&after, &before]);
    limit(old.usd.micros, usd.micros, text);
    let text = format!("may work {wall} seconds an attempt instead of {}", old.wall);
    limit(old.wall, wall, said(&text, []));
    found
}

/// The entries of one grant, each with the `@set` that brought it, where one did.
struct Written(Vec<(Said, Option<String>)>);

/// An entry in words: its pattern, and what is not meant although that matches it.
#[derive(PartialEq)]
struct Said {
    pattern: String,
    except: Vec<String>,
}

impl Written {
    fn of(version: Version<'_>, role: &Role, capability: Capability, may: bool) -> Self {
        let Bounds { boundary, origins } = &role.bounds;
        let none = Origins::default();
        let Origins {
            may: given,
            never: taken,
        } = origins.get(&capability).unwrap_or(&none);
        let set = |span: Span| {
            let written = version.sources.text(span)?.trim_matches(['#', '"']);
            written.starts_with('@').then(|| written.to_owned())
        };
        let sets = if may { given } else { taken };
        let sets = sets.iter().map(|origin| match origin {
            Origin::Written { span, .. } => set(*span),
            Origin::Universal => None,
        });
        let entries = entries(boundary, capability, may).into_iter();
        Self(entries.zip(sets).collect())
    }

    // Returns what `others` has not; a set in place of its patterns, where `others` does not have it at
    // all.
    fn shown(&self, others: Option<&Self>) -> Vec<String> {
        let others = others.map(|others| others.0.as_slice()).unwrap_or_default();
        let is_new = |set: &&String| !others.iter().any(|(_, known)| known.as_ref() == Some(*set));
        let mut shown: Vec<String> = Vec::new();
        for (entry, set) in &self.0 {
            if others.iter().any(|(known, _)| known == entry) {
                continue;
            }
            let name = set.as_ref().filter(is_new).unwrap_or(&entry.pattern);
            if !shown.contains(name) {
                shown.push(name.clone());
            }
        }
        shown
    }
}

fn entries(boundary: &Boundary, capability: Capability, may: bool) -> Vec<Said> {
    fn all<P: std::fmt::Display>(grant: &Grant<P>, may: bool) -> Vec<Said> {
        let entries: &[Entry<P>] = if may { &grant.may } else { grant.never.own() };
        let said = |entry: &Entry<P>| {
            let Entry { pattern, except } = entry;
            Said {
                pattern: pattern.to_string(),
                except: except.iter().map(P::to_string).collect(),
            }
        };
        entries.iter().map(said).collect()
    }
    match capability {
        Capability::Read => all(&boundary.read, may),
        Capability::Write => all(&boundary.write, may),
        Capability::Run => all(&boundary.run, may),
        Capability::Reach => all(&boundary.reach, may),
        Capability::Use => all(&boundary.uses, may),
        Capability::Env => all(&boundary.env, may),
        Capability::Delegate => all(&boundary.delegate, may),
    }
}

/// Returns the patterns that a boundary gives of `capability`.
pub(super) fn patterns(boundary: &Boundary, capability: Capability) -> Vec<String> {
    let entries = entries(boundary, capability, true).into_iter();
    entries.map(|entry| entry.pattern).collect()
}
