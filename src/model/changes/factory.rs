//! The factory as a whole: what is said for all roles at once.

use std::collections::BTreeSet;

use super::{Comparison, Direction, find, phrase::Phrase, said, values};
use crate::{
    client,
    diagnostics::Level,
    model::{
        Document, Hold, HoldPlace, LanguageModel, LintLevel, Model, Price, Role, Section,
        SectionFrom, Set,
    },
    spec::Text,
    template::shipped,
};

/// Where templates of the project stand.
const TEMPLATES: &str = "templates/";

impl Comparison<'_> {
    /// Adds all that is different.
    pub(super) fn factory(&mut self) {
        let old = self.old.model;
        let Model {
            name,
            description,
            preamble,
            planner,
            targets,
            driver,
            // What a role does not say itself; each role's own is compared.
            stop: _,
            jobs,
            notify,
            // Compared for the roles that run on them.
            models: _,
            servers: _,
            sets: _,
            workspace,
            gates: _,
            roles: _,
            rules: _,
            documents: _,
            tasks: _,
            // What it is given, and what is taken from it, is compared for each role.
            everyone: _,
            // It stands behind every role's own nevers, and is compared there.
            protected: _,
            // Where a node is written means nothing.
            spec_files: _,
            // Roles write them for themselves; what is in them is nobody's decision.
            memories: _,
            // What is there changes with the work.
            missing: _,
            templates,
            lints,
            // What is asked of a role is compared for each.
            hold: _,
            unused: _,
        } = self.new.model;
        if old.name.value != name.value {
            let names = [name.value.as_str(), &old.name.value];
            self.changed(said("the factory is called {}, before {}", names));
        }
        if old.description != *description {
            self.changed(said("the description of the factory", []));
        }
        self.preamble(old.preamble.as_ref(), preamble.as_ref());
        let planner = planner.map(|planner| self.new.model.role(planner.value));
        self.planner(old.planner.map(|planner| old.role(planner.value)), planner);
        self.targets(&values(&old.targets), &values(targets));
        self.driver(&old.driver, driver);
        if old.jobs != *jobs {
            let text = format!(
                "up to {jobs} steps run at the same time, before {}",
                old.jobs
            );
            self.changed(said(&text, []));
        }
        self.notify(&old.notify, notify);
        self.prices();
        self.servers();
        self.sets();
        self.workspace(&old.workspace, workspace);
        self.gates();
        self.roles();
        self.floors();
        self.rules();
        self.documents();
        self.tasks();
        self.templates(&old.templates, templates);
        self.lints(&old.lints, lints);
    }

    fn preamble(&mut self, old: Option<&Text>, new: Option<&Text>) {
        let before = old.and_then(|path| self.old.words(&path.value));
        let after = new.and_then(|path| self.new.words(&path.value));
        match (before, after) {
            (Some(_), None) => {
                self.widened(said("the preamble, which was in every prompt, is gone", []));
            }
            (None, Some(_)) => self.changed(said("the preamble is new, and in every prompt", [])),
            (Some(before), Some(after)) if before != after => {
                self.changed(said("the preamble, which is in every prompt", []));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    // It hands out all work there is, and rules leave that aside.
    fn planner(&mut self, old: Option<&Role>, new: Option<&Role>) {
        let name = |role: &Role| role.name.value.clone();
        match (old.map(name), new.map(name)) {
            (None, Some(new)) => {
                let text = "{} now turns sentences into tasks, and rules leave that aside";
                self.widened(said(text, [&new]));
            }
            (Some(old), None) => {
                self.narrowed(said("{} no longer turns sentences into tasks", [&old]));
            }
            (Some(old), Some(new)) if old != new => {
                let text = "{} now turns sentences into tasks, and rules leave that aside; before it was {}";
                self.widened(said(text, [&new, &old]));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn targets(&mut self, old: &[String], new: &[String]) {
        let guarded = |targets: &[String]| {
            let mut known = targets.iter().filter_map(|name| client::target(name));
            known.any(|target| target.is_guarded)
        };
        match (guarded(old), guarded(new)) {
            (true, false) => self.widened(said(
                "no client asks the guard any more: where a person's client runs a role, its boundary is words",
                [],
            )),
            (false, true) => self.narrowed(said(
                "where a person's client runs a role, it now asks the guard",
                [],
            )),
            (true, true) | (false, false) => {}
        }
        let gone = |name: &str| {
            let text = said("nothing is written for {} any more", [name]);
            (Direction::Changed, text)
        };
        let come = |name: &str| {
            let words = client::target(name).is_some_and(|target| !target.is_guarded);
            let text = if words {
                "files are now written for {}, whose clients have a boundary as words alone"
            } else {
                "files are now written for {}"
            };
            (Direction::Changed, said(text, [name]))
        };
        self.names((old, new), gone, come);
    }

    // A budget in dollars is held by what tokens are said to cost.
    fn prices(&mut self) {
        let used = |models: &Model| -> Vec<LanguageModel> {
            let ids: BTreeSet<_> = models.roles.iter().map(|role| role.model.value).collect();
            ids.into_iter().map(|id| models.model(id).clone()).collect()
        };
        let old = used(self.old.model);
        for model in used(self.new.model) {
            let LanguageModel { name: _, id, price } = model;
            let Some(known) = find(&old, &id.value, |known| &known.id) else {
                continue;
            };
            let id = id.value.as_str();
            let (before, after) = (known.price.map(costs), price.map(costs));
            let lower = match (before, after) {
                (Some(before), Some(after)) => {
                    before.iter().zip(after).any(|(old, new)| new < *old)
                }
                (Some(_), None) => true,
                (None, _) => false,
            };
            if lower {
                let text = "a budget counts {} for less than before";
                self.widened(said(text, [id]));
            } else if before != after {
                self.narrowed(said("a budget counts {} for more than before", [id]));
            }
        }
    }

    // The examples of a set are tests of what it means. Of one that is gone, what it meant is compared
    // where it stood.
    fn sets(&mut self) {
        for set in &self.new.model.sets {
            let Set {
                name,
                // Compared where the set stands.
                members: _,
                has,
                lacks,
            } = set;
            let Some(known) = find(&self.old.model.sets, &name.value, |set| &set.name) else {
                continue;
            };
            for (old, new, is) in [(&known.has, has, "is"), (&known.lacks, lacks, "is not")] {
                let sentence = |now: &str, thing: &str| {
                    let text = format!("that {{}} {is} in the set {{}} is {now} tested");
                    said(&text, [thing, &name.value])
                };
                self.names(
                    (&values(old), &values(new)),
                    |thing| (Direction::Widened, sentence("no longer", thing)),
                    |thing| (Direction::Narrowed, sentence("now", thing)),
                );
            }
        }
    }

    // What is asked of a role, by itself and by the factory.
    fn floors(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for role in &new.roles {
            let name = &role.name.value;
            let Some(known) = find(&old.roles, name, |role| &role.name) else {
                continue;
            };
            let of = |model: &Model, role: &Role| -> Vec<Hold> {
                role.hold.iter().chain(&model.hold).cloned().collect()
            };
            let (before, after) = (of(old, known), of(new, role));
            for (direction, these, others, now) in [
                (Direction::Widened, &before, &after, "no longer"),
                (Direction::Narrowed, &after, &before, "now"),
            ] {
                for floor in these.iter().filter(|floor| !kept(floor, others)) {
                    let Hold {
                        capability,
                        layer,
                        platform,
                        place,
                    } = floor;
                    let first = said(&format!("it is {now} asked that {capability} of "), []);
                    let mut last = said(&format!(" be {} at least", layer.value), []);
                    if let Some(platform) = platform {
                        last = last.and(said(" on {}", [&platform.value]));
                    }
                    let place = match place {
                        Some(HoldPlace::Exec) => " in exec",
                        Some(HoldPlace::Interactive) => " where a person starts it",
                        None => "",
                    };
                    last = last.and(said(place, []));
                    self.of_role(direction, name, first, last);
                }
            }
        }
    }

    fn documents(&mut self) {
        let all = |documents: &[Document]| -> Vec<(String, String, String)> {
            let sections = documents.iter().flat_map(|document| {
                let Document { path, sections } = document;
                sections.iter().map(move |section| {
                    let Section { title, from } = section;
                    (path.value.clone(), title.value.clone(), source(from))
                })
            });
            sections.collect()
        };
        let (old, new) = (
            all(&self.old.model.documents),
            all(&self.new.model.documents),
        );
        let title = |(path, title, _): &(String, String, String)| {
            said("the section {} of {}", [title, path])
        };
        for section in &new {
            let same = |known: &&(String, String, String)| {
                (&known.0, &known.1) == (&section.0, &section.1)
            };
            match old.iter().find(same) {
                None => self.changed(title(section).and(said(" is new", []))),
                Some(known) if known.2 != section.2 => {
                    self.changed(title(section).and(said(": what it says", [])));
                }
                Some(_) => {}
            }
        }
        let gone = |known: &&(String, String, String)| {
            !new.iter()
                .any(|section| (&known.0, &known.1) == (&section.0, &section.1))
        };
        for section in old.iter().filter(gone) {
            self.changed(title(section).and(said(" is no longer kept", [])));
        }
    }

    fn templates(&mut self, old: &[String], new: &[String]) {
        let paths: BTreeSet<&String> = old.iter().chain(new).collect();
        for path in paths {
            let usual = path.strip_prefix(TEMPLATES).and_then(shipped);
            let usual = || usual.map(str::to_owned);
            let [before, after] = [self.old, self.new].map(|version| {
                let own = version.model.templates.contains(path);
                if own { version.words(path) } else { usual() }
            });
            if before != after {
                self.changed(said("the template {}", [path]));
            }
        }
    }

    fn lints(&mut self, old: &[LintLevel], new: &[LintLevel]) {
        for code in codes(old, new) {
            let [before, after] = [old, new].map(|set| level(&code, &[set]));
            self.lint(&code, before, after, &said("", []));
        }
    }

    /// Adds what is different of the levels that a role sets for itself.
    pub(super) fn lints_of(&mut self, role: &str, old: &[LintLevel], new: &[LintLevel]) {
        for code in codes(old, new) {
            let before = level(&code, &[old, &self.old.model.lints]);
            let after = level(&code, &[new, &self.new.model.lints]);
            self.lint(&code, before, after, &said(" for {}", [role]));
        }
    }

    fn lint(&mut self, code: &str, old: Option<Level>, new: Option<Level>, whom: &Phrase) {
        let usual = (self.usual)(code);
        let (Some(old), Some(new)) = (old.or(usual), new.or(usual)) else {
            return;
        };
        let direction = match new.cmp(&old) {
            std::cmp::Ordering::Less => Direction::Widened,
            std::cmp::Ordering::Greater => Direction::Narrowed,
            std::cmp::Ordering::Equal => return,
        };
        let first = said("the lint {}", [code]).and(whom.clone());
        let text = first.and(said(&format!(" is {new}, before {old}"), []));
        self.add(direction, text);
    }
}

// The codes that a list on one of the sides sets, each once.
fn codes(old: &[LintLevel], new: &[LintLevel]) -> BTreeSet<String> {
    let code = |lint: &LintLevel| {
        let LintLevel { code, level: _ } = lint;
        code.value.clone()
    };
    old.iter().chain(new).map(code).collect()
}

// The level that the first of `lists` to speak of it sets.
fn level(code: &str, lists: &[&[LintLevel]]) -> Option<Level> {
    let mut set = lists.iter().copied().flatten();
    set.find(|lint| lint.code.value == code)
        .map(|lint| lint.level.value)
}

fn kept(floor: &Hold, others: &[Hold]) -> bool {
    let on = |hold: &Hold| {
        hold.platform
            .as_ref()
            .map(|platform| platform.value.clone())
    };
    others.iter().any(|other| {
        other.capability == floor.capability
            && other.layer.value >= floor.layer.value
            && (other.platform.is_none() || on(other) == on(floor))
            && (other.place.is_none() || other.place == floor.place)
    })
}

// What a million tokens cost, in millionths of a dollar, as they are counted.
fn costs(price: Price) -> [u64; 4] {
    let Price {
        input,
        output,
        cache_read,
        cache_write,
    } = price;
    let cached = [cache_read, cache_write].map(|price| price.unwrap_or(input).micros);
    let [read, written] = cached;
    [input.micros, output.micros, read, written]
}

// Where the text of a section comes from, as one text that differs where that does.
fn source(from: &SectionFrom) -> String {
    match from {
        SectionFrom::File(path) => format!("file {}", path.value),
        SectionFrom::Template(name) => format!("template {}", name.value),
        SectionFrom::Files { patterns, max } => {
            let patterns: Vec<_> = patterns
                .iter()
                .map(|entry| entry.pattern.as_str())
                .collect();
            format!("files {max} {}", patterns.join(" "))
        }
    }
}
