//! The kinds of things that a boundary speaks of, and what keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern as _, Regular, TooComplex,
    automata::{entry_within, taken_among},
};

/// A kind of thing that a boundary speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Looking at files.
    Read,
    /// Changing files.
    Write,
    /// Running commands.
    Run,
    /// Speaking to hosts.
    Reach,
    /// Using servers and tools.
    Use,
    /// Seeing variables.
    Env,
    /// Handing work on.
    Delegate,
}

impl Capability {
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Run,
        Self::Reach,
        Self::Use,
        Self::Env,
        Self::Delegate,
    ];

    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Run => "run",
            Self::Reach => "reach",
            Self::Use => "use",
            Self::Env => "env",
            Self::Delegate => "delegate",
        }
    }

    /// Returns the capability of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.word() == word)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What keeps a boundary, ordered by what it achieves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Words that a model may ignore.
    Advised,
    /// A hook refuses the call.
    Guarded,
    /// The audit keeps it from landing.
    Rejected,
    /// The kernel, a missing tool, or a missing credential.
    Prevented,
}

impl Layer {
    /// Returns the word that the KDL and the messages use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advised => "advised",
            Self::Guarded => "guarded",
            Self::Rejected => "rejected",
            Self::Prevented => "prevented",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where `exec` may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Linux, whose kernel can hold what a process writes and reads.
    Linux,
    /// macOS.
    Macos,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Linux, Self::Macos];

    /// Returns the word that the KDL uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Macos => "macos",
        }
    }

    /// Returns the name that its makers give it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Macos => "macOS",
        }
    }
}

/// What a role may do, of every kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// Reading inside the project is allowed unless a `never` takes it away; `may` has no meaning.
    #[serde(default)]
    pub read: Grant<PathPattern>,
    /// Files that it may create, change, or delete.
    #[serde(default)]
    pub write: Grant<PathPattern>,
    /// Commands that it may run.
    #[serde(default)]
    pub run: Grant<CommandPattern>,
    /// Hosts that it may speak to.
    #[serde(default)]
    pub reach: Grant<NamePattern>,
    /// Servers and tools that it may use.
    #[serde(default, rename = "use")]
    pub uses: Grant<NamePattern>,
    /// Variables of the owner's environment that it is given.
    #[serde(default)]
    pub env: Grant<NamePattern>,
    /// Roles that it may hand work to, in interactive sessions.
    #[serde(default)]
    pub delegate: Grant<NamePattern>,
}

impl Boundary {
    /// Returns a shortest thing of `capability` that `self` permits and `other` does not, if there is
    /// one. Of names it is one as they are written: no host begins with a dot.
    ///
    /// # Errors
    ///
    /// Where the patterns are too complex to be compared: then nothing is known.
    pub fn beyond(
        &self,
        other: &Self,
        capability: Capability,
    ) -> Result<Option<String>, TooComplex> {
        match capability {
            Capability::Read => beyond(&self.reading(), &other.reading()),
            Capability::Write => writing(&self.write, &other.write),
            Capability::Run => beyond(&self.run, &other.run),
            Capability::Reach => naming(&self.reach, &other.reach),
            Capability::Use => naming(&self.uses, &other.uses),
            Capability::Env => naming(&self.env, &other.env),
            Capability::Delegate => naming(&self.delegate, &other.delegate),
        }
    }

    /// Returns a shortest thing of `capability` that a `may` of `self` names and none of `others` does, if
    /// there is one: of lists that decide nothing by themselves, as those of a rule.
    ///
    /// # Errors
    ///
    /// Where the patterns are too complex to be compared: then nothing is known.
    pub fn names_beyond(
        &self,
        others: &[&Self],
        capability: Capability,
    ) -> Result<Option<String>, TooComplex> {
        fn all<P: Clone>(others: &[&Boundary], of: fn(&Boundary) -> &Grant<P>) -> Vec<Entry<P>> {
            let entries = others.iter().flat_map(|other| &of(other).may);
            entries.cloned().collect()
        }
        fn names(
            this: &Boundary,
            others: &[&Boundary],
            of: fn(&Boundary) -> &Grant<NamePattern>,
        ) -> Result<Option<String>, TooComplex> {
            let (these, others) = (&of(this).may, all(others, of));
            let gives = |entries: &[Entry<NamePattern>], name: &str| {
                entries.iter().any(|entry| entry.gives(name))
            };
            let found = given_beyond(these, &others)?;
            Ok(
                found
                    .map(|name| readable(name, |name| gives(these, name) && !gives(&others, name))),
            )
        }
        match capability {
            Capability::Read => given_beyond(&self.read.may, &all(others, |other| &other.read)),
            Capability::Write => given_beyond(&self.write.may, &all(others, |other| &other.write)),
            Capability::Run => given_beyond(&self.run.may, &all(others, |other| &other.run)),
            Capability::Reach => names(self, others, |other| &other.reach),
            Capability::Use => names(self, others, |other| &other.uses),
            Capability::Env => names(self, others, |other| &other.env),
            Capability::Delegate => names(self, others, |other| &other.delegate),
        }
    }

    // Reading is allowed unless something takes it away.
    fn reading(&self) -> Grant<PathPattern> {
        let everything = "**".parse::<PathPattern>().ok();
        Grant {
            may: everything.into_iter().map(Into::into).collect(),
            never: self.read.never.own().to_vec().into(),
            only: None,
        }
    }
}

/// What everything that a pattern matches begins with, folded, where that is one thing.
trait Begins: Regular + Clone + PartialEq {
    fn begins(&self) -> Option<String>;
}

impl Begins for PathPattern {
    fn begins(&self) -> Option<String> {
        self.start().map(Into::into)
    }
}

impl Begins for CommandPattern {
    // A `never` goes by the base name.
    fn begins(&self) -> Option<String> {
        let base = self.program()?;
        base.is_ascii().then(|| base.to_lowercase())
    }
}

impl Begins for NamePattern {
    fn begins(&self) -> Option<String> {
        None
    }
}

/// Returns a shortest path that one of `paths` names and none of `others` does, if there is one.
///
/// # Errors
///
/// Where the patterns are too complex to be compared: then nothing is known.
pub fn paths_beyond(
    paths: &[Entry<PathPattern>],
    others: &[Entry<PathPattern>],
) -> Result<Option<String>, TooComplex> {
    given_beyond(paths, others)
}

fn given_beyond<P: Begins>(
    entries: &[Entry<P>],
    others: &[Entry<P>],
) -> Result<Option<String>, TooComplex> {
    let mut shortest: Option<String> = None;
    for entry in entries.iter().filter(|entry| !others.contains(entry)) {
        if let Some(found) = entry_within(entry, &near(entry, others))? {
            shorter(&mut shortest, found);
        }
    }
    Ok(shortest)
}

// Those of `others` that do not begin otherwise.
fn near<P: Begins>(entry: &Entry<P>, others: &[Entry<P>]) -> Vec<Entry<P>> {
    let begins = entry.pattern.begins();
    let meets = |other: &&Entry<P>| {
        let (one, two) = (begins.as_ref(), other.pattern.begins());
        one.is_none() || two.is_none() || one == two.as_ref()
    };
    others.iter().filter(meets).cloned().collect()
}

// What no role may write is thousands of paths, and hardly ever what is found: only those that take it
// away are asked about, one after the other.
fn writing(
    this: &Grant<PathPattern>,
    other: &Grant<PathPattern>,
) -> Result<Option<String>, TooComplex> {
    let with = |grant: &Grant<PathPattern>, more: Vec<Entry<PathPattern>>| {
        let own = grant.never.own().iter().cloned();
        Grant {
            may: grant.may.clone(),
            never: own.chain(more).collect::<Vec<_>>().into(),
            only: grant.only.clone(),
        }
    };
    let other = with(other, other.never.shared_beyond(&this.never));
    let mut asked = with(this, Vec::new());
    for _ in 0..=this.never.iter().count() {
        let Some(path) = beyond(&asked, &other)? else {
            return Ok(None);
        };
        let taker = this.never.taker(&path);
        match taker.and_then(|index| this.never.get(index)) {
            None => return Ok(Some(path)),
            Some(taker) => asked.never.push(taker.clone()),
        }
    }
    Err(TooComplex)
}

fn naming(
    this: &Grant<NamePattern>,
    other: &Grant<NamePattern>,
) -> Result<Option<String>, TooComplex> {
    let only = |name: &str| this.permits(name) && !other.permits(name);
    Ok(beyond(this, other)?.map(|name| readable(name, only)))
}

// The name with a letter wherever two signs, or a sign and an end, have nothing between them, if that is
// an answer too: `a.org` for `.org`, `AWS_A` for `AWS_`.
fn readable(name: String, answers: impl Fn(&str) -> bool) -> String {
    let letter = if name.contains(|c: char| c.is_ascii_uppercase()) {
        'A'
    } else {
        'a'
    };
    let mut whole = String::with_capacity(name.len() + 2);
    let mut bare = true;
    for c in name.chars() {
        let sign = !c.is_alphanumeric();
        if sign && bare {
            whole.push(letter);
        }
        whole.push(c);
        bare = sign;
    }
    if bare {
        whole.push(letter);
    }
    if answers(&whole) { whole } else { name }
}

// What begins otherwise is left out of each question, and an entry that both give is only asked for
// what `other` takes away and `this` does not.
fn beyond<P: Begins>(this: &Grant<P>, other: &Grant<P>) -> Result<Option<String>, TooComplex> {
    let (nevers, others) = (this.never.own(), other.never.own());
    let removed: Vec<_> = others
        .iter()
        .filter(|never| !nevers.contains(never))
        .cloned()
        .collect();
    if removed.is_empty() && this.may == other.may && this.only == other.only {
        return Ok(None);
    }
    let mut shortest: Option<String> = None;
    for entry in &this.may {
        let alone = Grant {
            may: vec![entry.clone()],
            never: near(entry, nevers).into(),
            only: this.only.clone(),
        };
        let rest = if other.may.contains(entry) {
            let removed = near(entry, &removed);
            // What is read loosely is a larger question than what is written.
            let written = Grant {
                may: removed.clone(),
                ..Grant::default()
            };
            if let Some(found) = alone.overlap(&written)? {
                shorter(&mut shortest, found);
                continue;
            }
            let taken = taken_among(std::slice::from_ref(entry), &removed.clone().into())?;
            if taken.is_none() && this.only == other.only {
                continue;
            }
            Grant {
                may: vec![entry.clone()],
                never: removed.into(),
                only: other.only.clone(),
            }
        } else {
            // What `this` takes away too is no answer anyhow.
            Grant {
                may: near(entry, &other.may),
                never: near(entry, &removed).into(),
                only: other.only.clone(),
            }
        };
        // Exceptions only make it less, and many of them make a large question.
        if !entry.except.is_empty() {
            let whole = Grant {
                may: vec![entry.pattern.clone().into()],
                ..alone.clone()
            };
            if whole.beyond(&rest) == Ok(None) {
                continue;
            }
        }
        if let Some(found) = alone.beyond(&rest)? {
            shorter(&mut shortest, found);
        }
    }
    Ok(shortest)
}

fn shorter(shortest: &mut Option<String>, found: String) {
    let known = shortest.as_ref();
    if known.is_none_or(|known| (found.len(), &found) < (known.len(), known)) {
        *shortest = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::boundary::Shared;

    #[test]
    fn a_never_that_goes_is_seen_behind_all_that_may_be_run() {
        let inspect = crate::boundary::standard("@std/inspect").unwrap().entries();
        let never = |patterns: &[&str]| -> Vec<Entry<CommandPattern>> {
            let entries = patterns
                .iter()
                .map(|text| text.parse::<CommandPattern>().unwrap().into());
            entries.collect()
        };
        let with = |patterns: &[&str]| Boundary {
            run: Grant {
                may: inspect.to_vec(),
                never: never(patterns).into(),
                only: None,
            },
            ..Boundary::default()
        };
        // With all that may be run besides, nothing is decided by many exceptions at once.
        let mut git = with(&["git push *"]);
        git.run.may = vec!["git *".parse::<CommandPattern>().unwrap().into()];
        let mut both = with(&["git push *"]);
        both.run.may.extend(git.run.may.clone());
        assert_eq!(
            both.beyond(&git, Capability::Run),
            Ok(Some("df".to_owned()))
        );

        let old = with(&["kamal *", "cap * deploy", "git push *", "git log *"]);
        for (new, then) in [
            (with(&["kamal *", "git push *", "git log *"]), None),
            (with(&["git push *"]), Some("git log")),
            (with(&["git *"]), None),
        ] {
            let found = new.beyond(&old, Capability::Run).unwrap();
            assert_eq!(found.as_deref(), then);
        }
    }

    #[test]
    fn what_no_role_may_write_is_no_answer() {
        let paths = |texts: &[&str]| -> Vec<Entry<PathPattern>> {
            let paths = texts.iter().map(|text| text.parse::<PathPattern>());
            paths.map(|path| path.unwrap().into()).collect()
        };
        let boundary = |may: &[&str], protected: &[&str]| {
            let mut boundary = Boundary::default();
            boundary.write.may = paths(may);
            let protected = Arc::new(Shared::new(paths(protected)));
            boundary.write.never.share(protected);
            boundary
        };
        let protected = ["factory.kdl", "roles/a.md", ".claude/**"];
        let old = boundary(&["app/**"], &protected);
        for (may, protected, then) in [
            (&["app/**", "factory.kdl"][..], &protected[..], None),
            (&["app/**", ".claude/**", "Factory.kdl"], &protected, None),
            (&["app/**", "roles/*.md"], &protected, Some("roles/b.md")),
            (
                &["app/**", "roles/?.md"],
                &["roles/[ac-z].md", ".claude/**"],
                Some("roles/b.md"),
            ),
            // What is protected no more may be written by whom it was granted to all the time.
            (&["**"], &["factory.kdl"], Some("a")),
            (&["app/**"], &["factory.kdl"], None),
        ] {
            let new = boundary(may, protected);
            let found = new.beyond(&old, Capability::Write).unwrap();
            assert_eq!(found.as_deref(), then, "{may:?}");
        }
        let old = boundary(&["roles/**"], &protected);
        let new = boundary(&["roles/**"], &["factory.kdl"]);
        let freed = new.beyond(&old, Capability::Write).unwrap();
        assert_eq!(freed.as_deref(), Some("roles/a.md"));
        assert_eq!(old.beyond(&new, Capability::Write), Ok(None));
    }

    #[test]
    fn a_name_that_is_told_could_stand_there() {
        let boundary = |may: &[&str], never: &[&str]| {
            let names = |texts: &[&str]| -> Vec<Entry<NamePattern>> {
                let names = texts.iter().map(|text| text.parse::<NamePattern>());
                names.map(|name| name.unwrap().into()).collect()
            };
            let mut boundary = Boundary::default();
            boundary.env.may = names(may);
            boundary.env.never = names(never).into();
            boundary
        };
        for (may, never, then) in [
            (&["*.org"][..], &[][..], "a.org"),
            (&["*.*.org"], &[], "a.a.org"),
            (&["AWS_*"], &[], "AWS_A"),
            (&["mcp:*/click"], &[], "mcp:a/click"),
            (&["*"], &[], "a"),
            // Where nothing else is an answer, it is told as it is.
            (&["AWS_*"], &["AWS_?*", "*A"], "AWS_"),
            (&["_FOO"], &[], "_FOO"),
        ] {
            let new = boundary(may, never);
            let none = Boundary::default();
            let found = new.beyond(&none, Capability::Env).unwrap();
            assert_eq!(found.as_deref(), Some(then), "{may:?}");
            if never.is_empty() {
                let named = new.names_beyond(&[&none], Capability::Env).unwrap();
                assert_eq!(named.as_deref(), Some(then), "{may:?}");
            }
        }
    }

    #[test]
    fn what_a_step_leaves_of_a_role_is_compared_too() {
        let whole = Boundary {
            run: Grant {
                may: vec!["git *".parse::<CommandPattern>().unwrap().into()],
                ..Grant::default()
            },
            ..Boundary::default()
        };
        let mut narrowed = whole.clone();
        narrowed.run.only = Some(vec!["git log *".parse::<CommandPattern>().unwrap().into()]);
        let found = whole.beyond(&narrowed, Capability::Run).unwrap();
        assert_eq!(found.as_deref(), Some("git"));
        assert_eq!(narrowed.beyond(&whole, Capability::Run), Ok(None));
    }

    #[test]
    fn nothing_is_opened_that_no_role_may_ever_write() {
        let entry =
            |text: &str| -> Entry<PathPattern> { text.parse::<PathPattern>().unwrap().into() };
        let shared = ["factory.kdl", "roles/a.md", "**/.git/**"].map(entry);
        let shared = Arc::new(Shared::new(shared.to_vec()));
        let with = |patterns: &[&str], never: &[&str]| {
            let mut write = Grant {
                may: patterns.iter().map(|text| entry(text)).collect(),
                never: never
                    .iter()
                    .map(|text| entry(text))
                    .collect::<Vec<_>>()
                    .into(),
                only: None,
            };
            write.never.share(shared.clone());
            Boundary {
                write,
                ..Boundary::default()
            }
        };
        let old = with(&["app/**"], &["app/b*"]);
        for (new, then) in [
            (with(&["app/**", "factory.kdl"], &["app/b*"]), None),
            (with(&["FACTORY.kdl"], &[]), None),
            (with(&["x/.git/hooks/*"], &[]), None),
            (with(&["roles/*.md"], &[]), Some("roles/b.md")),
            (with(&["{factory,other}.kdl"], &[]), Some("other.kdl")),
            (with(&["app/**"], &[]), Some("app/b")),
        ] {
            let found = new.beyond(&old, Capability::Write).unwrap();
            assert_eq!(found.as_deref(), then, "{:?}", new.write.may);
        }
    }

    #[test]
    fn what_one_boundary_gives_beyond_another() {
        fn grant<P>(may: &[&str], never: &[&str]) -> Grant<P>
        where
            P: std::str::FromStr<Err: fmt::Debug>,
        {
            let list = |texts: &[&str]| -> Vec<Entry<P>> {
                let entries = texts.iter().map(|text| text.parse::<P>().unwrap().into());
                entries.collect()
            };
            Grant {
                may: list(may),
                never: list(never).into(),
                only: None,
            }
        }
        let boundary = |write: (&[&str], &[&str]), run: (&[&str], &[&str])| Boundary {
            write: grant(write.0, write.1),
            run: grant(run.0, run.1),
            ..Boundary::default()
        };
        let old = boundary((&["app/**"], &["app/b*"]), (&["git *"], &["git push *"]));
        for (new, write, run) in [
            (old.clone(), None, None),
            // The same said otherwise is the same.
            (
                boundary(
                    (&["app/**", "app/a/**"], &["app/b*"]),
                    (&["git *"], &["git push *"]),
                ),
                None,
                None,
            ),
            (
                boundary((&["app/**", "lib/a"], &["app/b*"]), (&["git *"], &[])),
                Some("lib/a"),
                Some("git push"),
            ),
            (
                boundary((&["app/**"], &[]), (&["git status *"], &[])),
                Some("app/b"),
                None,
            ),
            (
                boundary((&[], &[]), (&["ls"], &["git *"])),
                None,
                Some("ls"),
            ),
        ] {
            assert_eq!(
                new.beyond(&old, Capability::Write).unwrap().as_deref(),
                write
            );
            assert_eq!(new.beyond(&old, Capability::Run).unwrap().as_deref(), run);
            assert_eq!(new.beyond(&old, Capability::Read), Ok(None));
        }
    }
}
