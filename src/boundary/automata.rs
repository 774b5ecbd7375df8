//! Proofs over grants: what two permit, what one permits and another does not, with a witness.
//!
//! A grant is a regular language. The product of its machines is made as the search goes, one set of
//! places a state, and searched cheapest first, so the first text found is a shortest readable one.
//! Characters that no machine tells apart at a state are tried once. How much a proof may do is bounded
//! by the states and by the places that it looks at. The answer is exact for texts of
//! the characters that the patterns name, in either case, and of such that they do not name; a letter
//! that folds to others (`ß`, the Kelvin sign) counts as unnamed unless a pattern names it.

use super::{
    CommandPattern, Entry, Grant, NamePattern, Nevers, PathPattern, Pattern,
    command::{BETWEEN, one_text},
    nfa::Nfa,
    search::{Question, Search, Work},
};

/// How many states a proof may look at before it gives up.
pub const STATE_BUDGET: usize = 20_000;

/// A proof needs more than its budget of states, or of work on each.
///
/// Nothing is known then: it must count as an error, never as a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the patterns are too complex to be compared")]
pub struct TooComplex;

/// A pattern whose matches are a regular language.
///
/// Only the patterns of this module are.
pub trait Regular: sealed::Machines {}

impl Regular for PathPattern {}
impl Regular for CommandPattern {}
impl Regular for NamePattern {}

pub(super) mod sealed {
    use super::{Nfa, Pattern};

    /// The machines of a pattern, and the texts that they are asked about.
    pub trait Machines: Pattern {
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
        /// Returns the subject that the text is.
        fn subject(text: String) -> Box<Self::Subject>;
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

    fn subject(text: String) -> Box<str> {
        text.into()
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

    fn subject(text: String) -> Box<[String]> {
        let words = text.strip_suffix(BETWEEN).unwrap_or(&text).split(BETWEEN);
        words.map(str::to_owned).collect()
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

    fn subject(text: String) -> Box<str> {
        text.into()
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

    /// Returns what [`Self::overlap`] does, at the expense of `work`.
    pub(super) fn overlap_within(
        &self,
        other: &Self,
        work: &Work,
    ) -> Result<Option<String>, TooComplex> {
        self.against(other, true, work)
    }

    /// Returns what [`Self::beyond`] does, at the expense of `work`.
    pub(super) fn beyond_within(
        &self,
        other: &Self,
        work: &Work,
    ) -> Result<Option<String>, TooComplex> {
        self.against(other, false, work)
    }

    fn against(
        &self,
        other: &Self,
        permits: bool,
        work: &Work,
    ) -> Result<Option<String>, TooComplex> {
        let mut search = Search::<P>::default();
        let this = search.side(self);
        let other = Some((search.side(other), permits));
        search.run_within(&Question { this, other }, work)
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
        self.against(other, true, &Work::default())
    }

    /// Returns a shortest thing that `self` permits and `other` does not, if there is one.
    pub fn beyond(&self, other: &Self) -> Result<Option<String>, TooComplex> {
        self.against(other, false, &Work::default())
    }
}

impl<P: Regular> Grant<P> {
    /// Returns a shortest thing that is permitted and that a `never` with `entry` would take away, if
    /// there is one.
    ///
    /// ```
    /// # use factory::boundary::{CommandPattern, Grant};
    /// let may = "/usr/bin/git *".parse::<CommandPattern>().unwrap();
    /// let grant = Grant { may: vec![may.into()], ..Grant::default() };
    /// let push = "git push *".parse::<CommandPattern>().unwrap().into();
    /// assert_eq!(grant.loses(&push).unwrap().unwrap().join(" "), "/usr/bin/git push");
    /// ```
    pub fn loses(&self, entry: &Entry<P>) -> Result<Option<Box<P::Subject>>, TooComplex> {
        let mut search = Search::<P>::default();
        let this = search.side(self);
        let other = Some((search.taken_away([entry]), true));
        search.find(&Question { this, other })
    }
}

/// Returns a shortest command that `entry` takes away and `inner` does not, and that `grant` permits with the
/// words `before` put before it, if there is one.
pub(super) fn loses_behind(
    before: &[String],
    grant: &Grant<CommandPattern>,
    inner: &Nevers<CommandPattern>,
    entry: &Entry<CommandPattern>,
) -> Result<Option<Box<[String]>>, TooComplex> {
    let mut search = Search::<CommandPattern>::default();
    let other = Some((search.taken_away([entry]), true));
    let inner = search.nevers(inner);
    search.begin_behind(one_text(before));
    let this = search.side(grant).less(inner);
    search.find(&Question { this, other })
}

/// Returns a shortest command that `grant` permits and that, with the words `before` put before it, `entry`
/// takes away and `outer` does not, if there is one.
pub(super) fn loses_around(
    before: &[String],
    grant: &Grant<CommandPattern>,
    outer: &Nevers<CommandPattern>,
    entry: &Entry<CommandPattern>,
) -> Result<Option<Box<[String]>>, TooComplex> {
    let mut search = Search::<CommandPattern>::default();
    let this = search.side(grant);
    search.begin_behind(one_text(before));
    let this = this.less(search.nevers(outer));
    let other = Some((search.taken_away([entry]), true));
    search.find(&Question { this, other })
}

impl Grant<PathPattern> {
    /// Returns whether everything that may ever lie below `directory` is permitted; a proof that
    /// would be too complex says no.
    pub fn permits_tree(&self, directory: &str) -> bool {
        self.permits_tree_within(directory, &Work::default())
    }

    /// Returns what [`Self::permits_tree`] does, at the expense of `work`.
    pub(super) fn permits_tree_within(&self, directory: &str, work: &Work) -> bool {
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
        below.beyond_within(self, work) == Ok(None)
    }
}

/// Returns a shortest thing that an entry of each list gives, if there is one.
pub fn overlap_entries<P: Regular + Clone>(
    left: &[Entry<P>],
    right: &[Entry<P>],
) -> Result<Option<String>, TooComplex> {
    // What two patterns give they also take, so that only those that are near have something in common.
    let near = |one: &Entry<P>, others: &[Entry<P>]| {
        let mut others = others.iter();
        others.any(|other| one.pattern.near_never(&other.pattern))
    };
    let near = |entries: &[Entry<P>], others: &[Entry<P>]| -> Vec<Entry<P>> {
        let entries = entries.iter().filter(|entry| near(entry, others));
        entries.cloned().collect()
    };
    let left = near(left, right);
    let right = near(right, &left);
    if left.is_empty() || right.is_empty() {
        return Ok(None);
    }
    let mut search = Search::<P>::default();
    let this = search.given(&left);
    let other = Some((search.given(&right), true));
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
    taken_among_within(entries, never, &Work::default())
}

/// Returns what [`taken_among`] does, at the expense of `work`.
pub(super) fn taken_among_within<P: Regular>(
    entries: &[Entry<P>],
    never: &Nevers<P>,
    work: &Work,
) -> Result<Option<String>, TooComplex> {
    let mut search = Search::<P>::default();
    let this = search.given(entries);
    let other = search.taken_away(never.iter());
    let other = Some((other, true));
    search.run_within(&Question { this, other }, work)
}

/// Returns whether every command that `machine` reads is permitted.
pub(super) fn all_permitted(
    machine: &Nfa,
    grant: &Grant<CommandPattern>,
    work: &Work,
) -> Result<bool, TooComplex> {
    let mut search = Search::<CommandPattern>::default();
    let this = search.only(machine);
    let other = Some((search.side(grant), false));
    let found = search.run_within(&Question { this, other }, work)?;
    Ok(found.is_none())
}

/// Returns the index of the first of the `never` entries that takes some command that `machine`
/// reads.
pub(super) fn first_taken(
    machine: &Nfa,
    never: &Nevers<CommandPattern>,
    work: &Work,
) -> Result<Option<usize>, TooComplex> {
    for (index, entry) in never.iter().enumerate() {
        let mut search = Search::<CommandPattern>::default();
        let this = search.only(machine);
        let other = Some((search.taken_away([entry]), true));
        let found = search.run_within(&Question { this, other }, work)?;
        if found.is_some() {
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
