//! Rules: what must be true of the factory. Statements are compared by what they ask, whichever rule
//! makes them, and by names: the order of roles and gates means nothing.

use super::{Comparison, Direction, Phrase, find, roles::patterns, said, verb};
use crate::{
    boundary::{Boundary, Capability, Pattern as _},
    model::{Bounds, Cannot, CannotBoth, Model, Require, Role, RoleId, Rule, Trust},
};

/// Something that one side alone asks: a sentence around the role of whom it is asked, if it is one.
struct Asked {
    role: Option<String>,
    before: Phrase,
    after: Phrase,
}

impl Comparison<'_> {
    /// Adds what is different of the rules.
    pub(super) fn rules(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for (direction, these, others, now, is, besides) in [
            (
                Direction::Widened,
                old,
                new,
                "no longer",
                "is gone",
                ", and nobody is held by less",
            ),
            (
                Direction::Narrowed,
                new,
                old,
                "now",
                "is new",
                ", and nobody is held by more",
            ),
        ] {
            for rule in &these.rules {
                let title = rule.title.value.as_str();
                let asked = self.asked(rule, these, others);
                let known = find(&others.rules, title, |rule| &rule.title);
                let text = said(&format!("the rule {{}} {is}"), [title]);
                match known {
                    None if asked.is_empty() => self.changed(text.and(said(besides, []))),
                    None => self.add(direction, text),
                    Some(_) => {
                        for Asked {
                            role,
                            before,
                            after,
                        } in asked
                        {
                            let first = said(&format!("the rule {{}} {now} "), [title]).and(before);
                            match role {
                                Some(role) => self.of_role(direction, &role, first, after),
                                None => self.add(direction, first.and(after)),
                            }
                        }
                    }
                }
            }
        }
        for rule in &new.rules {
            let title = rule.title.value.as_str();
            let known = find(&old.rules, title, |rule| &rule.title);
            if known.is_some_and(|known| known.because != rule.because) {
                self.changed(said("why there is the rule {}", [title]));
            }
            if let Some(known) = known {
                self.trust(&known.trust, rule);
            }
        }
    }

    // What a rule that is new or gone trusts makes it ask for less, and it is told as a whole.
    fn trust(&mut self, old: &[Trust], rule: &Rule) {
        let title = rule.title.value.as_str();
        let mut differ = |these: &[Trust], others: &[Trust], direction, verb: &str| {
            let is_known = |trust: &&Trust| others.iter().any(|known| known.entry == trust.entry);
            for trust in these.iter().filter(|trust| !is_known(trust)) {
                let Trust {
                    span: _,
                    entry,
                    because: _,
                } = trust;
                let text = format!("the rule {{}} {verb} {{}}");
                self.add(direction, said(&text, [title, entry.pattern.as_str()]));
            }
        };
        differ(&rule.trust, old, Direction::Widened, "now trusts");
        differ(old, &rule.trust, Direction::Narrowed, "no longer trusts");
    }

    // What `rule` of `these` asks of roles that are on both sides, and no rule of `others` does.
    fn asked(&self, rule: &Rule, these: &Model, others: &Model) -> Vec<Asked> {
        let Rule {
            title: _,
            because: _,
            cannot,
            cannot_both,
            require,
            trust: _,
        } = rule;
        let mut asked = Vec::new();
        for cannot in cannot {
            self.cannot(cannot, these, others, &mut asked);
        }
        for both in cannot_both {
            let CannotBoth {
                span: _,
                direct_only: _,
                what,
            } = both;
            let known = others.rules.iter().flat_map(|rule| &rule.cannot_both);
            let known = known.filter(|known| asks_no_more(known, both));
            let lost: Vec<_> = known.map(|known| self.lost(known, both)).collect();
            // A statement that loses nothing is as strict.
            if lost.iter().all(|lost| lost.iter().any(Option::is_some)) {
                let lost = lost.into_iter().next().unwrap_or_default();
                asked.push(Asked {
                    role: None,
                    before: said("says that no role can do all of this: ", []),
                    after: deeds(&what.boundary, &lost),
                });
            }
        }
        for require in require {
            self.require(require, these, others, &mut asked);
        }
        asked
    }

    fn cannot(&self, cannot: &Cannot, these: &Model, others: &Model, asked: &mut Vec<Asked>) {
        let Cannot {
            span: _,
            roles,
            direct_only,
            what,
        } = cannot;
        for role in roles {
            let name = &these.role(*role).name.value;
            if find(&others.roles, name, |role| &role.name).is_none() {
                continue;
            }
            // Those that leave delegation aside keep a role from less.
            let kept = |direct: bool| -> Vec<&Boundary> {
                let statements = others.rules.iter().flat_map(|rule| &rule.cannot);
                let binding = statements.filter(|known| {
                    let bound = |role: &RoleId| others.role(*role).name.value == *name;
                    (direct || !known.direct_only) && known.roles.iter().any(bound)
                });
                binding.map(|known| &known.what.boundary).collect()
            };
            for capability in kinds(&what.boundary) {
                let own = self.named(what, &kept(true), capability);
                let through = || self.named(what, &kept(false), capability);
                let (can, thing) = match own {
                    Some(thing) => (format!(" can't {} ", verb(capability)), thing),
                    None if *direct_only => continue,
                    None => match through() {
                        Some(thing) => (format!(" can't have others {} ", verb(capability)), thing),
                        None => continue,
                    },
                };
                asked.push(Asked {
                    role: Some(name.clone()),
                    before: said("says that ", []),
                    after: said(&format!("{can}{{}}"), [&thing]),
                });
            }
        }
    }

    // Of each kind of `both`, something that `known` leaves out; of a kind that it does not ask for nothing.
    fn lost(&self, known: &CannotBoth, both: &CannotBoth) -> Vec<Option<String>> {
        let asked = kinds(&known.what.boundary);
        let lost = |kind: Capability| {
            let known = asked.contains(&kind).then_some(&known.what.boundary)?;
            self.named(&both.what, &[known], kind)
        };
        kinds(&both.what.boundary).into_iter().map(lost).collect()
    }

    fn require(&self, require: &Require, these: &Model, others: &Model, asked: &mut Vec<Asked>) {
        let Require {
            span: _,
            gates,
            when,
        } = require;
        for gate in gates {
            let gate = &these.gate(gate.value).name.value;
            let known: Vec<&Require> = others
                .rules
                .iter()
                .flat_map(|rule| &rule.require)
                .filter(|known| {
                    let mut gates = known.gates.iter().map(|gate| others.gate(gate.value));
                    gates.any(|known| known.name.value == *gate)
                })
                .collect();
            if known.iter().any(|known| known.when.is_none()) {
                continue;
            }
            let mut ask = |of_whom: Phrase| {
                let before = said("asks that gate {} judges ", [gate]);
                asked.push(Asked {
                    role: None,
                    before,
                    after: of_whom,
                });
            };
            let Some(when) = when else {
                ask(said("every role", []));
                continue;
            };
            let spoken: Vec<&Boundary> = known
                .iter()
                .filter_map(|known| known.when.as_ref())
                .map(|when| &when.boundary)
                .collect();
            for capability in kinds(&when.boundary) {
                if let Some(thing) = self.named(when, &spoken, capability) {
                    let text = format!("whoever can {} {{}}", verb(capability));
                    ask(said(&text, [&thing]));
                }
            }
        }
    }

    // Something that `what` names and none of `others` does; of roles one that there is. What can't be
    // decided counts as such, with a pattern for a witness.
    fn named(&self, what: &Bounds, others: &[&Boundary], capability: Capability) -> Option<String> {
        let what = &what.boundary;
        if capability == Capability::Delegate {
            let gives = |boundary: &Boundary, name: &str| {
                let mut may = boundary.delegate.may.iter();
                may.any(|entry| entry.pattern.gives(name))
            };
            let roles = self.new.model.roles.iter();
            let mut names = roles.map(|role: &Role| &role.name.value);
            let only = |name: &&String| {
                gives(what, name) && !others.iter().any(|other| gives(other, name))
            };
            return names.find(only).cloned();
        }
        what.names_beyond(others, capability)
            .unwrap_or_else(|_| patterns(what, capability).into_iter().next())
    }
}

// Of what a list speaks.
fn kinds(what: &Boundary) -> Vec<Capability> {
    let spoken = |kind: &Capability| !patterns(what, *kind).is_empty();
    Capability::ALL.into_iter().filter(spoken).collect()
}

// Whether `known` is broken by no deeds of other kinds than `both` is.
fn asks_no_more(known: &CannotBoth, both: &CannotBoth) -> bool {
    let wanted = kinds(&both.what.boundary);
    let asked = kinds(&known.what.boundary);
    // One that leaves delegation aside is broken by fewer.
    (both.direct_only || !known.direct_only) && asked.iter().all(|kind| wanted.contains(kind))
}

// All deeds of a list; where one is `lost`, that in place of all of its kind.
fn deeds(what: &Boundary, lost: &[Option<String>]) -> Phrase {
    let mut text = Phrase::default();
    for (index, kind) in kinds(what).into_iter().enumerate() {
        let between = if index == 0 { "" } else { "; " };
        let things = match lost.get(index).cloned().flatten() {
            Some(thing) => vec![thing],
            None => patterns(what, kind),
        };
        let first = said(&format!("{between}{} ", verb(kind)), []);
        text = text.and(first).and(Phrase::list(&things));
    }
    text
}
