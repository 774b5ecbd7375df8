//! The search for a shortest text that some machines read and others do not.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    rc::Rc,
};

use super::{
    Entry, Grant, Nevers, Regular, STATE_BUDGET, TooComplex,
    fold::{fold_char, variants},
    nfa::{Nfa, PlaceSet, Step},
};

// How many places one proof may look at. A state holds as many as the patterns have branches, so states
// alone are no measure of time or memory.
const WORK_BUDGET: u64 = 12_000_000;

/// What is left of the work that some searches may do together.
///
/// A unit is one place of a machine that is looked at for one character.
#[derive(Debug)]
pub(super) struct Work {
    left: Cell<u64>,
}

impl Default for Work {
    fn default() -> Self {
        Self::new(WORK_BUDGET)
    }
}

impl Work {
    /// Makes a budget of so many units.
    pub(super) const fn new(units: u64) -> Self {
        Self {
            left: Cell::new(units),
        }
    }

    /// Takes units from what is left; an error once there are not enough.
    pub(super) fn spend(&self, units: usize) -> Result<(), TooComplex> {
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        let left = self.left.get().checked_sub(units);
        self.left.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or(TooComplex)
    }

    // No single proof takes all that a line has left.
    fn share(&self) -> Self {
        Self::new(self.left.get().min(WORK_BUDGET))
    }
}

/// What an entry matches, its machines by their place in the search.
#[derive(Debug, Default)]
pub(super) struct Matches {
    some: Vec<usize>,
    none: Vec<usize>,
}

impl Matches {
    fn holds(&self, accepted: &Machines) -> bool {
        self.some.iter().any(|machine| accepted.has(*machine))
            && !self.none.iter().any(|machine| accepted.has(*machine))
    }
}

/// A grant, its machines by their place in the search.
#[derive(Debug, Default)]
pub(super) struct Side {
    may: Vec<Matches>,
    never: Vec<Matches>,
    only: Option<Vec<Matches>>,
}

impl Side {
    fn permits(&self, accepted: &Machines) -> bool {
        let any = |list: &[Matches]| list.iter().any(|matches| matches.holds(accepted));
        any(&self.may) && !any(&self.never) && self.only.as_deref().is_none_or(any)
    }

    /// Takes more away.
    pub(super) fn less(mut self, never: Vec<Matches>) -> Self {
        self.never.extend(never);
        self
    }

    // Whether a longer text may still be permitted.
    fn lives(&self, live: &Machines) -> bool {
        let any = |list: &[Matches]| {
            list.iter()
                .any(|matches| matches.some.iter().any(|machine| live.has(*machine)))
        };
        any(&self.may) && self.only.as_deref().is_none_or(any)
    }
}

/// What text is looked for.
#[derive(Debug)]
pub(super) struct Question {
    /// The side that must permit it.
    pub(super) this: Side,
    /// The other side, and whether it must permit the text, or must not.
    pub(super) other: Option<(Side, bool)>,
}

impl Question {
    fn answered(&self, accepted: &Machines) -> bool {
        let other = |(side, permits): &(Side, bool)| side.permits(accepted) == *permits;
        self.this.permits(accepted) && self.other.as_ref().is_none_or(other)
    }

    fn open(&self, live: &Machines) -> bool {
        let other = |(side, permits): &(Side, bool)| !permits || side.lives(live);
        self.this.lives(live) && self.other.as_ref().is_none_or(other)
    }
}

// A set of machines by their place in the search.
#[derive(Debug, Default)]
struct Machines(Vec<u64>);

impl Machines {
    fn clear(&mut self, machines: usize) {
        self.0.clear();
        self.0.resize(machines.div_ceil(64), 0);
    }

    fn add(&mut self, machine: usize) {
        if let Some(bits) = self.0.get_mut(machine / 64) {
            *bits |= 1 << (machine % 64);
        }
    }

    fn has(&self, machine: usize) -> bool {
        let bits = self.0.get(machine / 64).copied().unwrap_or_default();
        bits & (1 << (machine % 64)) != 0
    }
}

/// A search over the product of all machines that a question speaks of.
pub(super) struct Search<'a, P> {
    machines: Vec<&'a Nfa>,
    // Where the places of each machine begin in the one numbering of all.
    bases: Vec<usize>,
    places: usize,
    // What a machine that is added next has already read where the search starts, and the places to
    // which that has led each machine.
    before: String,
    starts: Vec<Vec<usize>>,
    marks: RefCell<Marks>,
    pattern: std::marker::PhantomData<P>,
}

impl<P> Default for Search<'_, P> {
    fn default() -> Self {
        Self {
            machines: Vec::new(),
            bases: Vec::new(),
            places: 0,
            before: String::new(),
            starts: Vec::new(),
            marks: RefCell::default(),
            pattern: std::marker::PhantomData,
        }
    }
}

// A text that was reached: the state of its shape and the places of all machines, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    shape: u8,
    places: Rc<[usize]>,
}

struct Reached {
    from: usize,
    by: char,
    state: State,
}

impl<'a, P: Regular + 'a> Search<'a, P> {
    /// Has what is taken from now on read `text` before the text that is looked for.
    pub(super) fn begin_behind(&mut self, text: String) {
        self.before = text;
    }

    fn machine(&mut self, machine: &'a Nfa) -> Vec<usize> {
        self.starts.push(machine.after(&self.before));
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

    /// Takes what entries give.
    pub(super) fn given(&mut self, entries: &'a [Entry<P>]) -> Side {
        Side {
            may: self.entries(entries),
            ..Side::default()
        }
    }

    /// Takes what one machine reads.
    pub(super) fn only(&mut self, machine: &'a Nfa) -> Side {
        Side {
            may: vec![Matches {
                some: self.machine(machine),
                none: Vec::new(),
            }],
            ..Side::default()
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

    /// Takes what entries take away.
    pub(super) fn taken_away(&mut self, never: impl IntoIterator<Item = &'a Entry<P>>) -> Side {
        Side {
            may: never.into_iter().map(|entry| self.never(entry)).collect(),
            ..Side::default()
        }
    }

    /// Takes nevers.
    pub(super) fn nevers(&mut self, nevers: &'a Nevers<P>) -> Vec<Matches> {
        nevers.iter().map(|entry| self.never(entry)).collect()
    }

    /// Takes what a grant permits.
    pub(super) fn side(&mut self, grant: &'a Grant<P>) -> Side {
        Side {
            never: self.nevers(&grant.never),
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
        std::iter::from_fn(move || {
            let first = rest.first()?;
            let index = self.bases.partition_point(|base| base <= first);
            let index = index.checked_sub(1)?;
            let (machine, base) = (*self.machines.get(index)?, *self.bases.get(index)?);
            let end = base + machine.len();
            let count = rest.iter().take_while(|place| **place < end).count();
            let (own, after) = rest.split_at(count);
            rest = after;
            Some((index, machine, base, own))
        })
    }

    /// Returns a shortest readable text that answers the question, written for a reader, if there is
    /// one.
    pub(super) fn run(&self, question: &Question) -> Result<Option<String>, TooComplex> {
        self.run_within(question, &Work::default())
    }

    /// Returns what [`Self::run`] does, at the expense of `work`.
    pub(super) fn run_within(
        &self,
        question: &Question,
        work: &Work,
    ) -> Result<Option<String>, TooComplex> {
        let found = self.find_within(question, work)?;
        Ok(found.map(|subject| P::show(&subject)))
    }

    /// Returns a shortest readable thing that answers the question, if there is one.
    pub(super) fn find(&self, question: &Question) -> Result<Option<Box<P::Subject>>, TooComplex> {
        self.find_within(question, &Work::default())
    }

    fn find_within(
        &self,
        question: &Question,
        work: &Work,
    ) -> Result<Option<Box<P::Subject>>, TooComplex> {
        let share = work.share();
        let before = share.left.get();
        let found = self.search(question, &share);
        let spent = before - share.left.get();
        work.spend(usize::try_from(spent).unwrap_or(usize::MAX))?;
        found
    }

    fn search(
        &self,
        question: &Question,
        work: &Work,
    ) -> Result<Option<Box<P::Subject>>, TooComplex> {
        work.spend(self.places)?;
        let mut marks = self.marks.borrow_mut();
        marks.reach(self.places);
        let mut start = Vec::new();
        for (own, base) in self.starts.iter().zip(&self.bases) {
            let mut places = Numbered::after(&mut start, *base, &mut marks);
            for place in own {
                places.insert(*place);
            }
            places.sort();
        }
        let start = State {
            shape: 0,
            places: start.into(),
        };
        let mut reached: Vec<Reached> = Vec::new();
        let mut known: HashMap<State, u32> = HashMap::from([(start.clone(), 0)]);
        let mut queue = BinaryHeap::new();
        let mut machines = Machines::default();
        self.live(&start, &mut machines);
        if question.open(&machines) {
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
            if P::whole(state.shape) {
                self.accepted(&state, &mut machines);
                if question.answered(&machines) {
                    return Ok(Some(P::subject(text(&reached, index))));
                }
            }
            let readers = self.readers(&state.places);
            for c in self.characters(&state) {
                let Some((shape, price)) = P::shape(state.shape, c) else {
                    continue;
                };
                let places = self.after(&readers.of(c), c, &mut marks);
                // Every machine is asked whether it still lives.
                work.spend(state.places.len() + places.len() + self.machines.len())?;
                let next = State {
                    shape,
                    places: places.into(),
                };
                let cost = cost + price;
                if known.get(&next).is_some_and(|known| *known <= cost) {
                    continue;
                }
                self.live(&next, &mut machines);
                if !question.open(&machines) {
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

    fn live(&self, state: &State, live: &mut Machines) {
        live.clear(self.machines.len());
        for (index, ..) in self.by_machine(&state.places) {
            live.add(index);
        }
    }

    fn accepted(&self, state: &State, accepted: &mut Machines) {
        accepted.clear(self.machines.len());
        for (index, machine, base, places) in self.by_machine(&state.places) {
            if places.iter().any(|place| machine.accepts(place - base)) {
                accepted.add(index);
            }
        }
    }

    fn readers(&self, places: &[usize]) -> Readers {
        let mut readers = Readers::default();
        for (_, machine, base, own) in self.by_machine(places) {
            for place in own {
                match machine.step(place - base) {
                    Some(Step::Lit(c)) if !machine.is_folded() => readers.of_one.push((*c, *place)),
                    Some(Step::Accept | Step::Split(..) | Step::Goto(_)) | None => {}
                    Some(_) => readers.of_many.push(*place),
                }
            }
        }
        readers.of_one.sort_unstable();
        readers
    }

    fn after(&self, places: &[usize], c: char, marks: &mut Marks) -> Vec<usize> {
        let folded = fold_char(c);
        let mut next = Vec::with_capacity(places.len());
        for (_, machine, base, own) in self.by_machine(places) {
            if machine.is_folded() {
                let mut now: Vec<usize> = own.to_vec();
                for part in folded.chars() {
                    let mut step = Vec::new();
                    let mut places = Numbered::after(&mut step, base, marks);
                    for place in &now {
                        machine.read(place - base, part, &mut places);
                    }
                    places.sort();
                    now = step;
                }
                next.extend(now);
            } else {
                let mut to = Numbered::after(&mut next, base, marks);
                for place in own {
                    machine.read(place - base, c, &mut to);
                }
                to.sort();
            }
        }
        next
    }

    // One of every kind of character that the machines tell apart here, readable ones first.
    fn characters(&self, state: &State) -> Vec<char> {
        let mut named = vec![P::separator()];
        let mut classes = false;
        for (_, machine, base, places) in self.by_machine(&state.places) {
            for place in places {
                match machine.step(place - base) {
                    Some(Step::Lit(c)) if machine.is_folded() => named.extend(variants(*c)),
                    Some(Step::Lit(c)) => named.push(*c),
                    Some(Step::Caseless(c)) => named.extend(variants(*c)),
                    Some(Step::Class(class)) => {
                        classes = true;
                        for (low, high) in &class.ranges {
                            let around = [before(*low), Some(*low), Some(*high), after(*high)];
                            named.extend(around.into_iter().flatten().flat_map(variants));
                        }
                    }
                    Some(Step::Marks) => named.push('\u{301}'),
                    Some(_) | None => {}
                }
            }
        }
        if classes {
            named.extend(' '..='~');
        }
        named.sort_unstable();
        named.dedup();
        let is_named = |c: char| named.binary_search(&c).is_ok();
        let mut unnamed = ('a'..='z').chain('0'..='9').chain('\u{4e00}'..);
        let unnamed = unnamed.find(|c| !variants(*c).any(is_named));
        named.extend(unnamed);
        named.sort_by_key(|c| (rank(*c), *c));
        named
    }
}

// The places of a state that read something, by what they read, so that not all of them are asked about
// each character.
#[derive(Debug, Default)]
struct Readers {
    // Those that read one character and no other, in the order of these.
    of_one: Vec<(char, usize)>,
    of_many: Vec<usize>,
}

impl Readers {
    // The places that may read `c`, in order.
    fn of(&self, c: char) -> Cow<'_, [usize]> {
        let from = self.of_one.partition_point(|(own, _)| *own < c);
        let rest = self.of_one.get(from..).unwrap_or_default();
        let own = rest.iter().take_while(|(own, _)| *own == c);
        let mut own = own.map(|(_, place)| *place).peekable();
        if own.peek().is_none() {
            return Cow::Borrowed(&self.of_many);
        }
        let mut places: Vec<usize> = self.of_many.iter().copied().chain(own).collect();
        places.sort_unstable();
        Cow::Owned(places)
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

// Which places are in the set that is being made.
#[derive(Debug, Default)]
struct Marks {
    set_of: Vec<u32>,
    set: u32,
}

impl Marks {
    fn reach(&mut self, places: usize) {
        self.set_of.resize(places, 0);
    }

    // Begins a set with nothing in it.
    fn begin(&mut self) {
        self.set = self.set.wrapping_add(1);
        if self.set == 0 {
            self.set_of.fill(0);
            self.set = 1;
        }
    }

    fn insert(&mut self, place: usize) -> bool {
        let Some(set) = self.set_of.get_mut(place) else {
            return false;
        };
        let new = *set != self.set;
        *set = self.set;
        new
    }
}

// The places of one machine, at the end of those of all.
struct Numbered<'v> {
    all: &'v mut Vec<usize>,
    start: usize,
    base: usize,
    marks: &'v mut Marks,
}

impl<'v> Numbered<'v> {
    fn after(all: &'v mut Vec<usize>, base: usize, marks: &'v mut Marks) -> Self {
        let start = all.len();
        marks.begin();
        Self {
            all,
            start,
            base,
            marks,
        }
    }

    fn sort(&mut self) {
        let own = self.all.get_mut(self.start..).unwrap_or_default();
        own.sort_unstable();
    }
}

impl PlaceSet for Numbered<'_> {
    fn insert(&mut self, place: usize) -> bool {
        let place = place + self.base;
        let new = self.marks.insert(place);
        if new {
            self.all.push(place);
        }
        new
    }
}
