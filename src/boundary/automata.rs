//! Proofs over grants: what two permit, what one permits and another does not, with a witness.
//!
//! A grant is a regular language. The product of its machines is made as the search goes, one set of
//! places a state, and searched cheapest first, so the first text found is a shortest readable one.
//! Characters that no machine tells apart at a state are tried once. The answer is exact for texts of
//! the characters that the patterns name, in either case, and of such that they do not name; a letter
//! that folds to others (`ß`, the Kelvin sign) counts as unnamed unless a pattern names it.

use super::{
    CommandPattern, Entry, Grant, NamePattern, Nevers, PathPattern, Pattern,
    command::{BETWEEN, quote},
    nfa::Nfa,
    search::{Question, Search},
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

pub(super) mod sealed {
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
    ///     never: vec![never.parse::<PathPattern>().unwrap().into()].into(),
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
    never: &Nevers<P>,
) -> Result<Option<String>, TooComplex> {
    let mut search = Search::<P>::default();
    let this = search.given(entries);
    let other = search.taken_away(never.iter());
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
    never: &Nevers<CommandPattern>,
) -> Result<Option<usize>, TooComplex> {
    for (index, entry) in never.iter().enumerate() {
        let mut search = Search::<CommandPattern>::default();
        let this = search.only(machine);
        let other = search.taken_away([entry]);
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

#[cfg(test)]
mod tests;
