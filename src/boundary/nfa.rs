//! Patterns as small machines: the one form that both matching and proofs read.
//!
//! A machine reads characters; where it stands is a set of steps, so its time is the length of the
//! text times the length of the pattern, whatever the pattern.

use super::fold::{fold, is_mark, variants};

/// What a machine does at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Reads this character.
    Lit(char),
    /// Reads this character, given in lower case, in either case.
    Caseless(char),
    /// Reads any character but the separator.
    One,
    /// Reads a character of the class, never the separator.
    Class(Class),
    /// Reads any characters but the separator, also none.
    Star,
    /// Reads any characters at all, also none.
    Any,
    /// Reads any combining marks, also none.
    Marks,
    /// Goes on at both places without reading.
    Split(usize, usize),
    /// Goes on at this place without reading.
    Goto(usize),
    /// Has read a text that the pattern matches, if it ends here.
    Accept,
}

/// Characters between brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) negated: bool,
    pub(super) ranges: Vec<(char, char)>,
}

impl Class {
    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|&(low, high)| low <= c && c <= high) != self.negated
    }
}

/// A pattern made into steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nfa {
    steps: Vec<Step>,
    separator: char,
    folded: bool,
}

impl Nfa {
    /// Makes a machine that starts at the first of `steps`; one that is `folded` reads folded text.
    pub(super) fn new(steps: Vec<Step>, separator: char, folded: bool) -> Self {
        Self {
            steps,
            separator,
            folded,
        }
    }

    /// Returns how many steps it has.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns whether it reads folded text.
    pub(super) const fn is_folded(&self) -> bool {
        self.folded
    }

    /// Returns the step at `place`.
    pub(super) fn step(&self, place: usize) -> Option<&Step> {
        self.steps.get(place)
    }

    /// Returns whether it matches the whole of `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        let places = self.after(text);
        places.iter().any(|place| self.accepts(*place))
    }

    /// Returns the places to which reading `text` leads from the start, in no order.
    pub(super) fn after(&self, text: &str) -> Vec<usize> {
        let folded;
        let text = if self.folded {
            folded = fold(text);
            folded.as_ref()
        } else {
            text
        };
        let mut now = Places::new(self.len());
        let mut next = Places::new(self.len());
        self.enter(0, &mut now);
        for c in text.chars() {
            if now.list.is_empty() {
                break;
            }
            next.clear();
            for &place in &now.list {
                self.read(place, c, &mut next);
            }
            std::mem::swap(&mut now, &mut next);
        }
        now.list
    }

    /// Returns whether the text that led to `place` is matched.
    pub(super) fn accepts(&self, place: usize) -> bool {
        matches!(self.step(place), Some(Step::Accept))
    }

    /// Adds `place`, and all it goes on to without reading, to `places`.
    pub(super) fn enter(&self, place: usize, places: &mut impl PlaceSet) {
        // Few places branch, so few calls need more than the one they follow.
        let mut open = Vec::new();
        let mut next = Some(place);
        while let Some(place) = next.take().or_else(|| open.pop()) {
            let Some(step) = self.step(place) else {
                continue;
            };
            if !places.insert(place) {
                continue;
            }
            match step {
                Step::Split(left, right) => {
                    open.push(*right);
                    next = Some(*left);
                }
                Step::Goto(to) => next = Some(*to),
                Step::Star | Step::Any | Step::Marks => next = Some(place + 1),
                Step::Lit(_) | Step::Caseless(_) | Step::One | Step::Class(_) | Step::Accept => {}
            }
        }
    }

    /// Adds to `places` where reading `c` at `place` leads.
    pub(super) fn read(&self, place: usize, c: char, places: &mut impl PlaceSet) {
        let inside = c != self.separator;
        let to = match self.step(place) {
            Some(Step::Lit(lit)) if *lit == c => place + 1,
            Some(Step::Caseless(lit)) if *lit == c || c.to_lowercase().eq([*lit]) => place + 1,
            Some(Step::One) if inside => place + 1,
            Some(Step::Class(class)) if inside && self.class_reads(class, c) => place + 1,
            Some(Step::Star) if inside => place,
            Some(Step::Any) => place,
            Some(Step::Marks) if is_mark(c) => place,
            Some(_) | None => return,
        };
        self.enter(to, places);
    }

    fn class_reads(&self, class: &Class, c: char) -> bool {
        if self.folded && c.is_ascii() {
            // The common case, without looking case up in a table.
            class.contains(c)
                || class.contains(c.to_ascii_lowercase())
                || class.contains(c.to_ascii_uppercase())
        } else if self.folded {
            variants(c).any(|variant| class.contains(variant))
        } else {
            class.contains(c)
        }
    }
}

/// A set of places that tells whether a place is new to it.
pub(super) trait PlaceSet {
    /// Adds `place`; returns whether it was not there.
    fn insert(&mut self, place: usize) -> bool;
}

struct Places {
    list: Vec<usize>,
    seen: Vec<bool>,
}

impl Places {
    fn new(len: usize) -> Self {
        Self {
            list: Vec::with_capacity(len.min(16)),
            seen: vec![false; len],
        }
    }

    fn clear(&mut self) {
        for place in self.list.drain(..) {
            if let Some(seen) = self.seen.get_mut(place) {
                *seen = false;
            }
        }
    }
}

impl PlaceSet for Places {
    fn insert(&mut self, place: usize) -> bool {
        match self.seen.get_mut(place) {
            Some(seen) if !*seen => {
                *seen = true;
                self.list.push(place);
                true
            }
            Some(_) | None => false,
        }
    }
}
