//! Whether two boundaries meet: something that a role can do and a list names, as a shortest witness.
//!
//! The list is read as a `never` is: in any case and normalisation, and commands by base name, behind
//! global options, behind wrappers, and in scripts. So a rule forbids what a `never` of the same words
//! takes away. A line is only shown once the judge of shell lines has said that it may run, and that it
//! may not with such a `never`.
//!
//! An automaton is only made for two patterns whose literal beginnings can meet; most can't.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    facts::Facts,
    question::{Ground, permits, runs_unless},
};
use crate::{
    boundary::{
        Boundary, Capability, CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern,
        Regular, TooComplex, entry_within, lines_around, lines_without_grant, may_run_within,
        runs_others, takes_ungranted,
    },
    diagnostics::Span,
    model::{Bounds, Model, Origin, Role, RoleId},
};

/// Something that a role can do and a list names.
#[derive(Debug, Clone)]
pub(super) struct Meeting {
    /// A shortest one.
    pub(super) witness: String,
    /// The index of the `may` that grants it; none where it takes no grant.
    pub(super) may: Option<usize>,
}

/// Why it is not known whether a role can do what a list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The patterns are too complex to be compared.
    TooComplex,
    /// This `may` gives lines that the list names, and none was found that may run.
    Unshown {
        /// Its index.
        may: usize,
    },
}

/// What a role can do of an entry of a list, by the index of the entry; nothing where it can't.
pub(super) type Met = Vec<(usize, Result<Meeting, Doubt>)>;

/// What can be told of two patterns by the texts they begin with.
pub(super) trait Near: Regular + Clone + std::fmt::Display + 'static {
    /// Returns what everything that the pattern matches begins with, whatever the case; nothing
    /// where it may begin in many ways.
    fn begin(&self) -> Option<String>;

    /// Returns the word at its beginning that a person may have misspelled.
    fn head(&self) -> Option<&str>;

    /// Returns whether what `self` gives may hold more than itself that a `never` can take.
    fn holds_more(&self) -> bool {
        false
    }

    /// Returns whether `never` may take something within what `self` gives.
    fn near_within(&self, _never: &Self) -> bool {
        false
    }

    /// Returns whether a `never` with this pattern may take what needs no grant.
    fn takes_ungranted(&self) -> bool {
        false
    }
}

impl Near for PathPattern {
    fn begin(&self) -> Option<String> {
        self.start().map(Into::into)
    }

    fn head(&self) -> Option<&str> {
        let first = self.leading().split('/').next();
        first.filter(|first| !first.is_empty())
    }
}

impl Near for CommandPattern {
    fn begin(&self) -> Option<String> {
        let base = self.program()?;
        base.is_ascii().then(|| base.to_lowercase())
    }

    fn head(&self) -> Option<&str> {
        self.program()
    }

    fn holds_more(&self) -> bool {
        runs_others(self)
    }

    fn near_within(&self, never: &Self) -> bool {
        may_run_within(self, never)
    }

    fn takes_ungranted(&self) -> bool {
        takes_ungranted(self)
    }
}

impl Near for NamePattern {
    fn begin(&self) -> Option<String> {
        let first = self.as_str().chars().next()?;
        (first.is_ascii() && first != '*').then(|| first.to_ascii_lowercase().to_string())
    }

    fn head(&self) -> Option<&str> {
        Some(self.as_str())
    }
}

/// Returns entry `index` of what `grant` gives, less what its nevers may take of it.
pub(super) fn alone<P: Near>(grant: &Grant<P>, index: usize) -> Option<Grant<P>> {
    let may = grant.may.get(index)?;
    let near = grant.never.about(&may.pattern);
    let near = near.filter(|never| may.pattern.near_never(&never.pattern));
    Some(Grant {
        may: vec![may.clone()],
        never: near.cloned().collect::<Vec<_>>().into(),
        only: grant.only.clone(),
    })
}

// How readers order witnesses: the shorter first.
fn rank(witness: &str) -> (usize, &str) {
    (witness.len(), witness)
}

/// Returns what `grant` permits of each entry of `what`.
pub(super) fn meet<P: Near>(grant: &Grant<P>, what: &[Entry<P>]) -> Met {
    let of = |named: &Entry<P>| {
        let mut best: Option<Meeting> = None;
        let mut doubt = None;
        for (may, entry) in grant.may.iter().enumerate() {
            if !entry.pattern.near_never(&named.pattern) {
                continue;
            }
            match alone(grant, may).map(|alone| alone.loses(named)) {
                Some(Ok(Some(thing))) => {
                    let witness = P::show(&thing);
                    let known = best.as_ref().map(|best| rank(&best.witness));
                    if known.is_none_or(|known| rank(&witness) < known) {
                        let may = Some(may);
                        best = Some(Meeting { witness, may });
                    }
                }
                Some(Err(TooComplex)) => doubt = Some(Doubt::TooComplex),
                Some(Ok(None)) | None => {}
            }
        }
        best.map(Ok).or(doubt.map(Err))
    };
    let met = what.iter().enumerate();
    met.filter_map(|(at, named)| Some((at, of(named)?)))
        .collect()
}

/// Returns what the role of `id` can do of each entry of `what` that speaks of `capability`.
pub(super) fn can(facts: &Facts<'_>, id: RoleId, capability: Capability, what: &Boundary) -> Met {
    let own = &facts.model.role(id).bounds.boundary;
    match capability {
        Capability::Read => meet(&reading(own), &what.read.may),
        Capability::Write => written(&facts.model.workspace.scratch, own, &what.write.may),
        Capability::Run => lines(facts, id, &what.run.may),
        Capability::Reach => meet(&own.reach, &what.reach.may),
        Capability::Use => meet(&own.uses, &what.uses.may),
        Capability::Env => meet(&own.env, &what.env.may),
        Capability::Delegate => meet(&own.delegate, &what.delegate.may),
    }
}

// Reading is allowed unless something takes it away.
fn reading(own: &Boundary) -> Grant<PathPattern> {
    let everything = "**".parse::<PathPattern>().ok();
    Grant {
        may: everything.into_iter().map(Into::into).collect(),
        never: own.read.never.clone(),
        only: None,
    }
}

// What the workspace lends to everyone as `scratch` never lands, and a list that names more than that
// means the rest. One that names nothing else means just that.
fn written(scratch: &[Entry<PathPattern>], own: &Boundary, what: &[Entry<PathPattern>]) -> Met {
    let mut met = meet(&own.write, what);
    let lent = Grant {
        may: scratch.to_vec(),
        never: own.write.never.clone(),
        only: None,
    };
    for (at, named) in what.iter().enumerate() {
        let near = |lent: &Entry<PathPattern>| lent.pattern.near_never(&named.pattern);
        if !scratch.iter().any(near) || met.iter().any(|(known, _)| *known == at) {
            continue;
        }
        let lent = match entry_within(named, scratch) {
            Ok(None) => meet(&lent, std::slice::from_ref(named)),
            Ok(Some(_)) => continue,
            Err(TooComplex) => vec![(0, Err(Doubt::TooComplex))],
        };
        let of_all = |meeting: Meeting| Meeting {
            may: None,
            ..meeting
        };
        met.extend(lent.into_iter().map(|(_, lent)| (at, lent.map(of_all))));
    }
    met
}

// Without a grant to run something there is no shell.
fn lines(facts: &Facts<'_>, id: RoleId, what: &[Entry<CommandPattern>]) -> Met {
    if facts.model.role(id).bounds.boundary.run.may.is_empty() {
        return Met::new();
    }
    let met = what.iter().enumerate();
    met.filter_map(|(at, named)| Some((at, Lines::new(facts, id, named).find()?)))
        .collect()
}

// How many lines of a kind the judge is asked about before one counts as not found.
const MOST_ASKED: usize = 24;

// How many grants are tried within a wrapper that needs none, and at how many places of a pattern words
// that are missing are tried.
const MOST_WRAPPED: usize = 8;

// The search for a line that a role may run and `named` names.
struct Lines<'a, 'f> {
    facts: &'a Facts<'f>,
    model: &'a Model,
    role: &'a Role,
    named: &'a Entry<CommandPattern>,
    wrappers: &'a BTreeSet<usize>,
    // Lines, with the grant that gives each.
    likely: Vec<(Box<[String]>, Option<usize>)>,
    doubt: Option<Doubt>,
}

impl<'a, 'f> Lines<'a, 'f> {
    fn new(facts: &'a Facts<'f>, id: RoleId, named: &'a Entry<CommandPattern>) -> Self {
        Self {
            facts,
            model: facts.model,
            role: facts.model.role(id),
            named,
            wrappers: &facts.commands(id).wrappers,
            likely: Vec::new(),
            doubt: None,
        }
    }

    fn find(mut self) -> Option<Result<Meeting, Doubt>> {
        let run = &self.role.bounds.boundary.run;
        // The same `never` takes the same away, wherever it stands in a line.
        if run.never.own().contains(self.named) {
            return None;
        }
        for (may, entry) in run.may.iter().enumerate() {
            if entry.pattern.near_never(&self.named.pattern) {
                self.given(may);
            }
            if self.wrappers.contains(&may) && may_run_within(&entry.pattern, &self.named.pattern) {
                self.within(may, entry);
            }
        }
        let mut met = self.confirmed();
        if met.is_none() && self.doubt.is_some() {
            self.filled();
            met = self.confirmed();
        }
        if met.is_none() && takes_ungranted(&self.named.pattern) {
            self.ungranted();
            met = self.confirmed();
            if met.is_none() && self.named.pattern.program().is_some() {
                self.around();
                met = self.confirmed();
            }
        }
        met.map(Ok).or(self.doubt.map(Err))
    }

    // Lines that a grant gives by themselves: these are all there are.
    fn given(&mut self, may: usize) {
        let Some(mut alone) = alone(&self.role.bounds.boundary.run, may) else {
            return;
        };
        match alone.loses(self.named) {
            Ok(Some(words)) => {
                self.doubt.get_or_insert(Doubt::Unshown { may });
                // One that does what is forbidden tells more than one that a `never` takes for it.
                let alikes = self.named.pattern.look_alikes();
                let better = alikes.iter().any(|alike| alike.takes(&words)).then(|| {
                    alone.never.extend(alikes.into_iter().map(Into::into));
                    alone.loses(self.named).ok().flatten()
                });
                self.likely
                    .push((better.flatten().unwrap_or(words), Some(may)));
            }
            Err(TooComplex) => self.doubt = Some(Doubt::TooComplex),
            Ok(None) => {}
        }
    }

    // Lines in which more runs than the program that is granted. Where there may be others, the program
    // can do anything, and that is not passed over.
    fn within(&mut self, may: usize, entry: &Entry<CommandPattern>) {
        let alone = Grant {
            may: vec![entry.clone()],
            ..self.role.bounds.boundary.run.clone()
        };
        match self.facts.lines_within(&alone, self.named) {
            Ok(lines) => self
                .likely
                .extend(lines.into_iter().map(|line| (line, Some(may)))),
            Err(TooComplex) => self.doubt = Some(Doubt::TooComplex),
        }
    }

    // Lines of builtins, and of a wrapper around something that the role can run.
    fn ungranted(&mut self) {
        let lines = lines_without_grant(self.named).into_iter();
        self.likely.extend(lines.map(|line| (line, None)));
        let run = &self.role.bounds.boundary.run;
        let runs = |line: &[String]| {
            run.permits(line)
                && permits(
                    self.model,
                    self.role,
                    Capability::Run,
                    &CommandPattern::show(line),
                    Ground::UNSEEN,
                )
        };
        let mut around = Vec::new();
        for (may, entry) in run.may.iter().enumerate().take(MOST_WRAPPED) {
            let example = entry.pattern.example().into_iter();
            let mut lines = example.chain(self.with_words(&entry.pattern));
            if let Some(line) = lines.find(|line| runs(line)) {
                let wrapped = lines_around(&Grant::default(), Some(&line), self.named);
                let wrapped = wrapped.unwrap_or_default().into_iter();
                around.extend(wrapped.map(|line| (line, Some(may))));
            }
        }
        self.likely.extend(around);
    }

    // Whatever a wrapper that needs no grant may run: these are all there are, but for odd options.
    fn around(&mut self) {
        let run = &self.role.bounds.boundary.run;
        for (may, entry) in run.may.iter().enumerate() {
            let alone = Grant {
                may: vec![entry.clone()],
                ..run.clone()
            };
            match lines_around(&alone, None, self.named) {
                Ok(lines) => self
                    .likely
                    .extend(lines.into_iter().map(|line| (line, Some(may)))),
                Err(TooComplex) => self.doubt = Some(Doubt::TooComplex),
            }
        }
    }

    // The commands of a pattern with words that a program may want before it does anything.
    fn with_words(&self, pattern: &CommandPattern) -> Vec<Box<[String]>> {
        let boundary = &self.role.bounds.boundary;
        let path = boundary.write.may.iter().find_map(|may| {
            let path = may.pattern.example()?;
            boundary.write.permits(&path).then(|| path.into_string())
        });
        let path = path.as_deref().unwrap_or("a");
        let words: [&[&str]; 5] = [&[path], &[path, path], &["a"], &["1", path], &["--version"]];
        words
            .iter()
            .flat_map(|words| pattern.filled(words).into_iter().take(MOST_WRAPPED))
            .collect()
    }

    // Lines of the grants that meet what is named, with such words.
    fn filled(&mut self) {
        let run = &self.role.bounds.boundary.run;
        let mut lines = Vec::new();
        for (may, entry) in run.may.iter().enumerate() {
            if !entry.pattern.near_never(&self.named.pattern) {
                continue;
            }
            let filled = self.with_words(&entry.pattern).into_iter();
            let filled = filled.chain(self.with_words(&self.named.pattern));
            let fits = |line: &[String]| entry.gives(line) && self.named.takes(line);
            lines.extend(
                filled
                    .filter(|line| fits(line))
                    .map(|line| (line, Some(may))),
            );
        }
        self.likely.extend(lines);
    }

    // A shortest of the lines that the judge says of what the rule says.
    fn confirmed(&mut self) -> Option<Meeting> {
        let run = &self.role.bounds.boundary.run;
        let mut likely: Vec<_> = std::mem::take(&mut self.likely)
            .into_iter()
            .filter(|(words, _)| run.never.taker(words).is_none())
            .map(|(words, may)| (CommandPattern::show(&words), may))
            .collect();
        // Another spelling in letters that nobody wrote is a way too, but not the one that tells most.
        let odd = |(line, may): &(String, Option<usize>)| {
            let may = may.and_then(|may| run.may.get(may));
            let written = may.map_or("", |may| may.pattern.as_str());
            let plain = |c: char| c.is_ascii_lowercase() || !c.is_alphabetic();
            let wrote = |c: char| written.contains(c) || self.named.pattern.as_str().contains(c);
            !line.chars().all(|c| plain(c) || wrote(c))
        };
        likely.sort_by(|one, two| (odd(one), rank(&one.0)).cmp(&(odd(two), rank(&two.0))));
        likely.dedup_by(|(one, _), (two, _)| one == two);
        likely.truncate(MOST_ASKED);
        let runs = |(line, _): &(String, Option<usize>)| {
            runs_unless(self.model, self.role, line, self.named, Ground::UNSEEN)
        };
        let (witness, may) = likely.into_iter().find(runs)?;
        Some(Meeting { witness, may })
    }
}

/// Something that a rule speaks of, as one item of the spec, and whether a role can do it.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) capability: Capability,
    /// Where the item is written.
    pub(super) item: Option<Span>,
    pub(super) met: Result<Meeting, Doubt>,
}

/// Returns what the role of `id` can do of `what`: a shortest thing of each item that it can do
/// something of, in the order of the spec.
pub(super) fn deeds(facts: &Facts<'_>, id: RoleId, what: &Bounds) -> Vec<Deed> {
    let mut items: BTreeMap<(Option<Span>, Capability), Deed> = BTreeMap::new();
    for capability in what.origins.keys().copied() {
        for (at, met) in can(facts, id, capability, &what.boundary) {
            let item = may_span(what, capability, at);
            let deed = Deed {
                capability,
                item,
                met,
            };
            let shorter = |known: &Deed| match (&deed.met, &known.met) {
                (Ok(one), Ok(two)) => rank(&one.witness) < rank(&two.witness),
                (Ok(_), Err(_)) => true,
                (Err(_), _) => false,
            };
            let known = items.get(&(item, capability));
            if known.is_none_or(shorter) {
                items.insert((item, capability), deed);
            }
        }
    }
    items.into_values().collect()
}

/// Returns whether `never` takes something away that `may` gives.
pub(super) fn takes<P: Near>(never: &Entry<P>, may: &Entry<P>) -> Result<bool, TooComplex> {
    let mut examples = [never, may]
        .into_iter()
        .filter_map(|entry| entry.pattern.example());
    if examples.any(|thing| may.gives(&thing) && never.takes(&thing)) {
        return Ok(true);
    }
    let whole = Grant {
        may: vec![may.clone()],
        ..Grant::default()
    };
    Ok(whole.loses(never)?.is_some())
}

/// What is to be done with the grant of each capability that is granted at all.
pub(super) trait PerGrant {
    /// Does it with the grants of `capability`, which `of` finds in a boundary.
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>);
}

/// Has `visitor` look at the grants of each capability but reading, which nothing needs to grant.
pub(super) fn per_grant(visitor: &mut impl PerGrant) {
    visitor.grant(Capability::Write, |boundary| &boundary.write);
    visitor.grant(Capability::Run, |boundary| &boundary.run);
    visitor.grant(Capability::Reach, |boundary| &boundary.reach);
    visitor.grant(Capability::Use, |boundary| &boundary.uses);
    visitor.grant(Capability::Env, |boundary| &boundary.env);
    visitor.grant(Capability::Delegate, |boundary| &boundary.delegate);
}

/// Returns where entry `index` of what `bounds` give is written.
pub(super) fn may_span(bounds: &Bounds, capability: Capability, index: usize) -> Option<Span> {
    bounds.may_origin(capability, index).and_then(Origin::span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_a_shortest_one_and_names_its_grant() {
        let entry = |text: &str| Entry::from(text.parse::<PathPattern>().unwrap());
        let grant = Grant {
            may: vec![entry("docs/**"), entry("app/**"), entry("app/b")],
            never: vec![entry("app/a")].into(),
            only: None,
        };
        let met = meet(&grant, &[entry("config/**"), entry("APP/**")]);
        let [(1, Ok(meeting))] = met.as_slice() else {
            panic!("{met:?}");
        };
        assert_eq!(meeting.may, Some(1));
        assert!(meeting.witness.starts_with("app/") && meeting.witness != "app/a");
        assert!(meet(&grant, &[entry("lib/**")]).is_empty());
    }
}
