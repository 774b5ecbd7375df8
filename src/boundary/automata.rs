//! Proofs over grants: what two permit, what one permits and another does not, with a witness.
//!
//! A grant is a regular language. The product of its machines is made as the search goes, one set of
//! places a state, and searched cheapest first, so the first text found is a shortest readable one.
//! Characters that no machine tells apart at a state are tried once. The answer is exact for texts of
//! the characters that the patterns name, in either case, and of such that they do not name; a letter
//! that folds to others (`ß`, the Kelvin sign) counts as unnamed unless a pattern names it.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
};

use super::{
    CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern,
    command::{BETWEEN, quote},
    fold::{fold_char, variants},
    nfa::{Nfa, PlaceSet, Step},
};

/// How many states a proof may look at before it gives up.
pub const STATE_BUDGET: usize = 20_000;

/// A proof needs more than its budget of states.
///
/// Nothing is known then: it must count as an error, never as a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the patterns are too complex to be compared within {STATE_BUDGET} states")]
pub struct TooComplex;

/// A pattern whose matches are a regular language.
///
/// Only the patterns of this module are.
pub trait Regular: Pattern + sealed::Machines {}

impl Regular for PathPattern {}
impl Regular for CommandPattern {}
impl Regular for NamePattern {}

mod sealed {
    use super::Nfa;

    /// The machines of a pattern, and the texts that they are asked about.
    pub trait Machines {
        /// Returns the machine that reads what the pattern gives.
        #[expect(private_interfaces, reason = "the trait is sealed")]
        fn giving(&self) -> &Nfa;
        /// Returns the machines that read what the pattern takes.
        #[expect(private_interfaces, reason = "the trait is sealed")]
        fn taking(&self) -> Vec<&Nfa>;
        /// Returns the state of a text after `c`, from 0 at its start, or nothing when it can no
        /// longer become a subject; and what a reader pays for the character.
        fn shape(state: u8, c: char) -> Option<(u8, u32)>;
        /// Returns the character that stands between segments or words.
        fn separator() -> char;
        /// Returns whether a text of this state is a subject.
        fn whole(state: u8) -> bool;
        /// Writes the text for a reader.
        fn show(text: String) -> String;
    }
}

impl sealed::Machines for PathPattern {
    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn giving(&self) -> &Nfa {
        Self::giving(self)
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn taking(&self) -> Vec<&Nfa> {
        Self::taking(self).collect()
    }

    // 0: at the start of a segment; 1: after `.`; 2: after `..`; 3: within a name.
    fn shape(state: u8, c: char) -> Option<(u8, u32)> {
        match (state, c) {
            (_, '\0') | (0..=2, '/') => None,
            (_, '/') => Some((0, 1)),
            (0, '.') => Some((1, 4)),
            (1, '.') => Some((2, 1)),
            (_, c) => Some((3, price(c))),
        }
    }

    fn separator() -> char {
        '/'
    }

    fn whole(state: u8) -> bool {
        state == 3
    }

    fn show(text: String) -> String {
        text
    }
}

impl sealed::Machines for CommandPattern {
    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn giving(&self) -> &Nfa {
        Self::giving(self)
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn taking(&self) -> Vec<&Nfa> {
        Self::taking(self).collect()
    }

    // 0: at the start; 1: within the program; 2: after a word; 3: within a word.
    fn shape(state: u8, c: char) -> Option<(u8, u32)> {
        match (state, c) {
            (0, BETWEEN) => None,
            // An empty word is odd to read.
            (2, BETWEEN) => Some((2, 8)),
            (_, BETWEEN) => Some((2, 1)),
            (0 | 1, c) => Some((1, price(c))),
            (_, c) => Some((3, price(c))),
        }
    }

    fn separator() -> char {
        BETWEEN
    }

    fn whole(state: u8) -> bool {
        state == 2
    }

    fn show(text: String) -> String {
        quote(text.strip_suffix(BETWEEN).unwrap_or(&text).split(BETWEEN))
    }
}

impl sealed::Machines for NamePattern {
    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn giving(&self) -> &Nfa {
        Self::giving(self)
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn taking(&self) -> Vec<&Nfa> {
        Self::taking(self).collect()
    }

    fn shape(_: u8, c: char) -> Option<(u8, u32)> {
        (c != '\0').then(|| (1, price(c)))
    }

    fn separator() -> char {
        '*'
    }

    fn whole(state: u8) -> bool {
        state == 1
    }

    fn show(text: String) -> String {
        text
    }
}

fn price(c: char) -> u32 {
    if c.is_alphanumeric() || "._-/:".contains(c) {
        1
    } else {
        2
    }
}

impl<P: Regular> Grant<P> {
    /// Returns a shortest thing that is permitted, or nothing if nothing is.
    pub fn shortest(&self) -> Result<Option<String>, TooComplex> {
        let mut search = Search::<P>::default();
        let this = search.side(self);
        search.run(&Question { this, other: None })
    }

    /// Returns a shortest thing that both permit, if there is one.
    ///
    /// ```
    /// # use factory::boundary::{Grant, PathPattern};
    /// let grant = |may: &str, never: &str| Grant::<PathPattern> {
    ///     may: vec![may.parse::<PathPattern>().unwrap().into()],
    ///     never: vec![never.parse::<PathPattern>().unwrap().into()],
    ///     only: None,
    /// };
    /// let (source, config) = (grant("app/**", "app/b*"), grant("**/*.yml", "config/**"));
    /// assert_eq!(source.overlap(&config).unwrap().as_deref(), Some("app/a.yml"));
    /// ```
    pub fn overlap(&self, other: &Self) -> Result<Option<String>, TooComplex> {
        let mut search = Search::<P>::default();
        let this = search.side(self);
        let other = Some((search.side(other), true));
        search.run(&Question { this, other })
    }

    /// Returns a shortest thing that `self` permits and `other` does not, if there is one.
    pub fn beyond(&self, other: &Self) -> Result<Option<String>, TooComplex> {
        let mut search = Search::<P>::default();
        let this = search.side(self);
        let other = Some((search.side(other), false));
        search.run(&Question { this, other })
    }
}

impl Grant<PathPattern> {
    /// Returns whether everything that may ever lie below `directory` is permitted; a proof that
    /// would be too complex says no.
    pub fn permits_tree(&self, directory: &str) -> bool {
        let Some(directory) = super::path::clean(directory) else {
            return false;
        };
        let Ok(below) = PathPattern::below(&directory) else {
            return false;
        };
        let below = Self {
            may: vec![below.into()],
            ..Self::default()
        };
        below.beyond(self) == Ok(None)
    }
}

/// Returns a shortest thing that an entry of each list gives, if there is one.
pub fn overlap_entries<P: Regular>(
    left: &[Entry<P>],
    right: &[Entry<P>],
) -> Result<Option<String>, TooComplex> {
    let mut search = Search::<P>::default();
    let this = search.given(left);
    let other = Some((search.given(right), true));
    search.run(&Question { this, other })
}

/// Returns nothing if the `entries` together give all that `entry` gives, else a shortest thing that
/// they leave out.
pub fn entry_within<P: Regular>(
    entry: &Entry<P>,
    entries: &[Entry<P>],
) -> Result<Option<String>, TooComplex> {
    let mut search = Search::<P>::default();
    let this = search.given(std::slice::from_ref(entry));
    let other = Some((search.given(entries), false));
    search.run(&Question { this, other })
}

/// Returns a shortest thing that one of `entries` gives and one of `never` takes away, if there is
/// one.
pub(super) fn taken_among<P: Regular>(
    entries: &[Entry<P>],
    never: &[Entry<P>],
) -> Result<Option<String>, TooComplex> {
    let mut search = Search::<P>::default();
    let this = search.given(entries);
    let other = Side {
        may: never.iter().map(|entry| search.never(entry)).collect(),
        never: Vec::new(),
        only: None,
    };
    search.run(&Question {
        this,
        other: Some((other, true)),
    })
}

/// Returns whether every command that `machine` reads is permitted.
pub(super) fn all_permitted(
    machine: &Nfa,
    grant: &Grant<CommandPattern>,
) -> Result<bool, TooComplex> {
    let mut search = Search::<CommandPattern>::default();
    let this = search.only(machine);
    let other = Some((search.side(grant), false));
    Ok(search.run(&Question { this, other })?.is_none())
}

/// Returns the index of the first of the `never` entries that takes some command that `machine`
/// reads.
pub(super) fn first_taken(
    machine: &Nfa,
    never: &[Entry<CommandPattern>],
) -> Result<Option<usize>, TooComplex> {
    for (index, entry) in never.iter().enumerate() {
        let mut search = Search::<CommandPattern>::default();
        let this = search.only(machine);
        let other = Side {
            may: vec![search.never(entry)],
            never: Vec::new(),
            only: None,
        };
        if search
            .run(&Question {
                this,
                other: Some((other, true)),
            })?
            .is_some()
        {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Returns whether no path at all is read by `machine`.
pub(super) fn accepts_no_path(machine: &Nfa) -> bool {
    let mut search = Search::<PathPattern>::default();
    let this = search.only(machine);
    search.run(&Question { this, other: None }) == Ok(None)
}

// Machines by their place in the search.
#[derive(Debug, Default)]
struct Matches {
    some: Vec<usize>,
    none: Vec<usize>,
}

impl Matches {
    fn holds(&self, accepted: &BTreeSet<usize>) -> bool {
        self.some.iter().any(|machine| accepted.contains(machine))
            && !self.none.iter().any(|machine| accepted.contains(machine))
    }
}

#[derive(Debug)]
struct Side {
    may: Vec<Matches>,
    never: Vec<Matches>,
    only: Option<Vec<Matches>>,
}

impl Side {
    fn permits(&self, accepted: &BTreeSet<usize>) -> bool {
        let any = |list: &[Matches]| list.iter().any(|matches| matches.holds(accepted));
        any(&self.may) && !any(&self.never) && self.only.as_deref().is_none_or(any)
    }

    // Whether a longer text may still be permitted.
    fn lives(&self, live: &BTreeSet<usize>) -> bool {
        let any = |list: &[Matches]| {
            list.iter()
                .any(|matches| matches.some.iter().any(|machine| live.contains(machine)))
        };
        any(&self.may) && self.only.as_deref().is_none_or(any)
    }
}

#[derive(Debug)]
struct Question {
    this: Side,
    // The other side, and whether it must permit the text, or must not.
    other: Option<(Side, bool)>,
}

impl Question {
    fn answered(&self, accepted: &BTreeSet<usize>) -> bool {
        let other = |(side, permits): &(Side, bool)| side.permits(accepted) == *permits;
        self.this.permits(accepted) && self.other.as_ref().is_none_or(other)
    }

    fn open(&self, live: &BTreeSet<usize>) -> bool {
        let other = |(side, permits): &(Side, bool)| !permits || side.lives(live);
        self.this.lives(live) && self.other.as_ref().is_none_or(other)
    }
}

struct Search<'a, P> {
    machines: Vec<&'a Nfa>,
    // Where the places of each machine begin in the one numbering of all.
    bases: Vec<usize>,
    places: usize,
    pattern: std::marker::PhantomData<P>,
}

impl<P> Default for Search<'_, P> {
    fn default() -> Self {
        Self {
            machines: Vec::new(),
            bases: Vec::new(),
            places: 0,
            pattern: std::marker::PhantomData,
        }
    }
}

// A text that was reached: the state of its shape and the places of all machines, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    shape: u8,
    places: Vec<usize>,
}

struct Reached {
    from: usize,
    by: char,
    state: State,
}

impl<'a, P: Regular> Search<'a, P> {
    fn machine(&mut self, machine: &'a Nfa) -> Vec<usize> {
        self.machines.push(machine);
        self.bases.push(self.places);
        self.places += machine.len();
        vec![self.machines.len() - 1]
    }

    fn taken(&mut self, pattern: &'a P) -> Vec<usize> {
        let machines = pattern.taking();
        machines
            .into_iter()
            .flat_map(|machine| self.machine(machine))
            .collect()
    }

    fn entries(&mut self, entries: &'a [Entry<P>]) -> Vec<Matches> {
        let entry = |entry: &'a Entry<P>| Matches {
            some: self.machine(entry.pattern.giving()),
            none: entry
                .except
                .iter()
                .flat_map(|except| self.taken(except))
                .collect(),
        };
        entries.iter().map(entry).collect()
    }

    fn given(&mut self, entries: &'a [Entry<P>]) -> Side {
        Side {
            may: self.entries(entries),
            never: Vec::new(),
            only: None,
        }
    }

    fn only(&mut self, machine: &'a Nfa) -> Side {
        Side {
            may: vec![Matches {
                some: self.machine(machine),
                none: Vec::new(),
            }],
            never: Vec::new(),
            only: None,
        }
    }

    fn never(&mut self, entry: &'a Entry<P>) -> Matches {
        Matches {
            some: self.taken(&entry.pattern),
            none: entry
                .except
                .iter()
                .flat_map(|except| self.machine(except.giving()))
                .collect(),
        }
    }

    fn side(&mut self, grant: &'a Grant<P>) -> Side {
        Side {
            never: grant.never.iter().map(|entry| self.never(entry)).collect(),
            may: self.entries(&grant.may),
            only: grant.only.as_ref().map(|only| self.entries(only)),
        }
    }

    // Splits the places by machine.
    fn by_machine<'s>(
        &'s self,
        places: &'s [usize],
    ) -> impl Iterator<Item = (usize, &'a Nfa, usize, &'s [usize])> + 's {
        let mut rest = places;
        let machines = self.machines.iter().zip(&self.bases).enumerate();
        machines.filter_map(move |(index, (machine, base))| {
            let end = base + machine.len();
            let count = rest.iter().take_while(|place| **place < end).count();
            let (own, after) = rest.split_at(count);
            rest = after;
            (!own.is_empty()).then_some((index, *machine, *base, own))
        })
    }

    fn run(&self, question: &Question) -> Result<Option<String>, TooComplex> {
        let mut start = Vec::new();
        for (machine, base) in self.machines.iter().zip(&self.bases) {
            let mut places = Numbered::after(&mut start, *base);
            machine.enter(0, &mut places);
            places.sort();
        }
        let start = State {
            shape: 0,
            places: start,
        };
        let mut reached: Vec<Reached> = Vec::new();
        let mut known: HashMap<State, u32> = HashMap::from([(start.clone(), 0)]);
        let mut queue = BinaryHeap::new();
        if question.open(&self.live(&start)) {
            reached.push(Reached {
                from: usize::MAX,
                by: '\0',
                state: start,
            });
            queue.push(Reverse((0u32, 0usize)));
        }
        while let Some(Reverse((cost, index))) = queue.pop() {
            let Some(state) = reached.get(index).map(|reached| reached.state.clone()) else {
                continue;
            };
            if known.get(&state).is_some_and(|cheapest| *cheapest < cost) {
                continue;
            }
            if P::whole(state.shape) && question.answered(&self.accepted(&state)) {
                return Ok(Some(P::show(text(&reached, index))));
            }
            for c in self.characters(&state) {
                let Some((shape, price)) = P::shape(state.shape, c) else {
                    continue;
                };
                let next = State {
                    shape,
                    places: self.after(&state.places, c),
                };
                let cost = cost + price;
                if known.get(&next).is_some_and(|known| *known <= cost)
                    || !question.open(&self.live(&next))
                {
                    continue;
                }
                if reached.len() >= STATE_BUDGET {
                    return Err(TooComplex);
                }
                known.insert(next.clone(), cost);
                queue.push(Reverse((cost, reached.len())));
                reached.push(Reached {
                    from: index,
                    by: c,
                    state: next,
                });
            }
        }
        Ok(None)
    }

    fn live(&self, state: &State) -> BTreeSet<usize> {
        self.by_machine(&state.places)
            .map(|(index, ..)| index)
            .collect()
    }

    fn accepted(&self, state: &State) -> BTreeSet<usize> {
        self.by_machine(&state.places)
            .filter(|(_, machine, base, places)| {
                places.iter().any(|place| machine.accepts(place - base))
            })
            .map(|(index, ..)| index)
            .collect()
    }

    fn after(&self, places: &[usize], c: char) -> Vec<usize> {
        let folded = fold_char(c);
        let mut next = Vec::with_capacity(places.len());
        for (_, machine, base, own) in self.by_machine(places) {
            let mut to = Numbered::after(&mut next, base);
            if machine.is_folded() {
                let mut now: Vec<usize> = own.to_vec();
                for part in folded.chars() {
                    let mut step = Vec::new();
                    let mut places = Numbered::after(&mut step, base);
                    for place in &now {
                        machine.read(place - base, part, &mut places);
                    }
                    now = step;
                }
                for place in &now {
                    to.insert(place - base);
                }
            } else {
                for place in own {
                    machine.read(place - base, c, &mut to);
                }
            }
            to.sort();
        }
        next
    }

    // One of every kind of character that the machines tell apart here, readable ones first.
    fn characters(&self, state: &State) -> Vec<char> {
        let mut named = BTreeSet::new();
        for (_, machine, base, places) in self.by_machine(&state.places) {
            for place in places {
                match machine.step(place - base) {
                    Some(Step::Lit(c)) if machine.is_folded() => named.extend(variants(*c)),
                    Some(Step::Lit(c)) => {
                        named.insert(*c);
                    }
                    Some(Step::Caseless(c)) => named.extend(variants(*c)),
                    Some(Step::Class(class)) => {
                        named.extend(' '..='~');
                        for (low, high) in &class.ranges {
                            let around = [before(*low), Some(*low), Some(*high), after(*high)];
                            named.extend(around.into_iter().flatten().flat_map(variants));
                        }
                    }
                    Some(Step::Marks) => {
                        named.insert('\u{301}');
                    }
                    Some(_) | None => {}
                }
            }
        }
        named.insert(P::separator());
        let mut unnamed = ('a'..='z').chain('0'..='9').chain('\u{4e00}'..);
        named.extend(unnamed.find(|c| variants(*c).all(|c| !named.contains(&c))));
        let mut characters: Vec<char> = named.into_iter().collect();
        characters.sort_by_key(|c| (rank(*c), *c));
        characters
    }
}

fn rank(c: char) -> u8 {
    match c {
        'a'..='z' => 0,
        '0'..='9' => 1,
        'A'..='Z' => 2,
        '/' | '\0' => 3,
        '.' | '-' | '_' => 4,
        c if c.is_ascii_graphic() => 5,
        c if c.is_alphanumeric() => 6,
        _ => 7,
    }
}

fn before(c: char) -> Option<char> {
    u32::from(c).checked_sub(1).and_then(char::from_u32)
}

fn after(c: char) -> Option<char> {
    u32::from(c).checked_add(1).and_then(char::from_u32)
}

fn text(reached: &[Reached], mut index: usize) -> String {
    let mut chars = Vec::new();
    while let Some(at) = reached.get(index)
        && at.from != usize::MAX
    {
        chars.push(at.by);
        index = at.from;
    }
    chars.iter().rev().collect()
}

// The places of one machine, at the end of those of all.
struct Numbered<'v> {
    all: &'v mut Vec<usize>,
    start: usize,
    base: usize,
}

impl<'v> Numbered<'v> {
    fn after(all: &'v mut Vec<usize>, base: usize) -> Self {
        let start = all.len();
        Self { all, start, base }
    }

    fn own(&mut self) -> &mut [usize] {
        self.all.get_mut(self.start..).unwrap_or_default()
    }

    fn sort(&mut self) {
        self.own().sort_unstable();
    }
}

impl PlaceSet for Numbered<'_> {
    fn insert(&mut self, place: usize) -> bool {
        let place = place + self.base;
        if self.own().contains(&place) {
            return false;
        }
        self.all.push(place);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(may: &[&str], never: &[&str]) -> Grant<PathPattern> {
        grant(may, never)
    }

    fn grant<P: Pattern + std::str::FromStr<Err: std::fmt::Debug>>(
        may: &[&str],
        never: &[&str],
    ) -> Grant<P> {
        let entries = |list: &[&str]| -> Vec<Entry<P>> {
            list.iter()
                .map(|text| text.parse::<P>().unwrap().into())
                .collect()
        };
        Grant {
            may: entries(may),
            never: entries(never),
            only: None,
        }
    }

    #[test]
    fn two_grants_overlap_in_a_shortest_readable_path() {
        for (left, right, witness) in [
            (
                &["app/**"][..],
                &["app/models/*.rb"][..],
                Some("app/models/a.rb"),
            ),
            (&["app/**"], &["lib/**"], None),
            (&["app/**"], &["**/*.md"], Some("app/a.md")),
            (&["**/.env*"], &["app/**"], Some("app/.env")),
            (&["app/[a-c]*"], &["app/[c-e]?"], Some("app/ca")),
            (&["a/{b,c}/d"], &["*/c/*"], Some("a/c/d")),
            (&["*.rb"], &["*.py"], None),
            (&["**"], &["**"], Some("a")),
        ] {
            let found = paths(left, &[]).overlap(&paths(right, &[])).unwrap();
            assert_eq!(found.as_deref(), witness, "{left:?} and {right:?}");
        }
    }

    #[test]
    fn what_is_never_permitted_is_no_witness() {
        for (may, never, other, overlap) in [
            (
                &["app/**"][..],
                &["app/*.rb"][..],
                &["app/*"][..],
                Some("app/a"),
            ),
            (&["app/**"], &["APP/**"], &["**"], None),
            (&["app/**"], &["**/*"], &["**"], None),
            (&["app/A"], &["app/a"], &["**"], None),
            (&["app/?"], &["app/[a-y]"], &["**"], Some("app/z")),
            (&["**/x"], &["**/X"], &["**"], None),
        ] {
            let found = paths(may, never).overlap(&paths(other, &[])).unwrap();
            assert_eq!(
                found.as_deref(),
                overlap,
                "{may:?} less {never:?}, and {other:?}"
            );
        }
    }

    #[test]
    fn a_grant_goes_beyond_another_or_does_not() {
        let source = paths(&["app/**", "lib/**"], &["app/b*"]);
        for (may, never, witness) in [
            (&["app/*.rb"][..], &[][..], Some("app/b.rb")),
            (&["app/c/**"], &[], None),
            (&["lib/a/*", "app/c/*"], &[], None),
            (&["app/**"], &[], Some("app/b")),
            (&["app/**"], &["app/B*"], None),
            (&["db/schema.rb"], &[], Some("db/schema.rb")),
        ] {
            let found = paths(may, never).beyond(&source).unwrap();
            assert_eq!(found.as_deref(), witness, "{may:?} less {never:?}");
        }
    }

    #[test]
    fn exceptions_and_narrowing_count() {
        let entry = |pattern: &str, except: &[&str]| Entry::<PathPattern> {
            pattern: pattern.parse().unwrap(),
            except: except.iter().map(|text| text.parse().unwrap()).collect(),
        };
        let tests = entry("test/**", &["test/smoke_test.rb"]);
        let smoke = Entry::from("test/smoke*".parse::<PathPattern>().unwrap());
        assert_eq!(
            entry_within(&smoke, std::slice::from_ref(&tests))
                .unwrap()
                .as_deref(),
            Some("test/smoke_test.rb")
        );
        assert_eq!(entry_within(&tests, &[entry("test/**", &[])]), Ok(None));
        let mut narrowed = paths(&["test/**", "app/**"], &[]);
        narrowed.only = Some(vec![tests]);
        assert_eq!(narrowed.overlap(&paths(&["app/**"], &[])), Ok(None));
        assert_eq!(narrowed.shortest().unwrap().as_deref(), Some("test/a"));
        let inverted = Grant {
            may: vec![entry("**", &[])],
            never: vec![entry("app/**", &["app/a"])],
            only: None,
        };
        let found = inverted.overlap(&paths(&["app/*"], &[])).unwrap();
        assert_eq!(found.as_deref(), Some("app/a"));
    }

    #[test]
    fn commands_overlap_in_a_line_one_could_type() {
        for (left, right, witness) in [
            ("git *", "* push *", Some("git push")),
            ("git push *", "git pull *", None),
            ("bin/rails test *", "bin/* * -v", Some("bin/rails test -v")),
            (r#"echo "*""#, "echo 'a b'", Some("echo 'a b'")),
        ] {
            let found = grant::<CommandPattern>(&[left], &[])
                .overlap(&grant(&[right], &[]))
                .unwrap();
            assert_eq!(found.as_deref(), witness, "{left} and {right}");
        }
        let less =
            grant::<CommandPattern>(&["/usr/bin/git * push", "git -C * push"], &["git push *"]);
        assert_eq!(less.shortest().unwrap().as_deref(), Some("git -C a a push"));
        let none = grant::<CommandPattern>(&["/usr/bin/git push *"], &["git push *"]);
        assert_eq!(none.shortest(), Ok(None));
    }

    #[test]
    fn a_tree_is_permitted_only_as_a_whole() {
        let grant = paths(
            &["app/**", "l[i]b/**"],
            &["app/views/secret*", "app/[[]id]/x"],
        );
        for (directory, then) in [
            ("app/models", true),
            ("app/views", false),
            ("app", false),
            ("lib", true),
            ("lib/a/../b", true),
            ("app/[id]", false),
            ("app/i", true),
            ("..", false),
            ("", false),
        ] {
            assert_eq!(grant.permits_tree(directory), then, "{directory}");
        }
    }

    #[test]
    fn too_much_is_an_error_and_no_pass() {
        let names: Vec<String> = (0..15).map(|n| format!("*a{}", "?".repeat(n))).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.extend(["*/**", "[!a]*"]);
        let all = paths(&["**"], &[]);
        let most = paths(&names, &[]);
        assert_eq!(all.beyond(&most), Err(TooComplex));
    }

    fn pattern() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            4 => "[ab.]{1,2}",
            2 => r"[ab]?\*[ab]?",
            1 => r"[ab]?\?",
            1 => Just("[a-b]".to_owned()),
            1 => Just("[!a]".to_owned()),
            1 => Just("{a,bA}".to_owned()),
            2 => Just("**".to_owned()),
        ];
        prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"))
    }

    fn grants() -> impl Strategy<Value = Grant<PathPattern>> {
        let entries = |most| {
            let entry = (pattern(), prop::option::weighted(0.2, pattern()));
            prop::collection::vec(entry, 0..most).prop_map(|entries| {
                let parse = |text: String| text.parse::<PathPattern>().ok();
                let entry = |(pattern, except): (String, Option<String>)| {
                    Some(Entry {
                        pattern: parse(pattern)?,
                        except: except.and_then(parse).into_iter().collect(),
                    })
                };
                entries.into_iter().filter_map(entry).collect::<Vec<_>>()
            })
        };
        (
            entries(4),
            entries(3),
            prop::option::weighted(0.2, entries(3)),
        )
            .prop_map(|(may, never, only)| Grant { may, never, only })
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec("[abcAB.]{1,3}", 1..4).prop_map(|segments| segments.join("/"))
    }

    proptest! {
        #[test]
        fn a_witness_is_in_the_one_and_not_in_the_other(
            left in grants(),
            right in grants(),
            samples in prop::collection::vec(path(), 30),
        ) {
            let overlap = left.overlap(&right).unwrap();
            let beyond = left.beyond(&right).unwrap();
            let shortest = left.shortest().unwrap();
            if let Some(witness) = &overlap {
                prop_assert!(left.permits(witness) && right.permits(witness), "{}", witness);
            }
            if let Some(witness) = &beyond {
                prop_assert!(left.permits(witness) && !right.permits(witness), "{}", witness);
            }
            prop_assert_eq!(shortest.is_some(), overlap.is_some() || beyond.is_some());
            for sample in samples.iter().filter(|sample| left.permits(sample)) {
                let found = if right.permits(sample) { &overlap } else { &beyond };
                prop_assert!(found.is_some(), "{}", sample);
            }
        }

        #[test]
        fn never_wins_in_any_order(mut given in grants(), sample in path()) {
            let before = given.permits(&sample);
            given.may.reverse();
            given.never.reverse();
            prop_assert_eq!(given.permits(&sample), before);
            if given.never.iter().any(|entry| entry.takes(&sample)) {
                prop_assert!(!before);
            }
        }

        #[test]
        fn what_is_given_is_taken_and_so_is_every_spelling(text in pattern(), sample in path()) {
            let Ok(parsed) = text.parse::<PathPattern>() else { return Ok(()) };
            if parsed.gives(&sample) {
                prop_assert!(parsed.takes(&sample));
                prop_assert!(parsed.takes(&sample.to_uppercase()) || text.contains('['));
            }
        }
    }
}
