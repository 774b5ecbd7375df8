//! Where a line writes and reads, and whether it may.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Kind, Obstacle, Refusal, Resolved, SYSTEM_DIRECTORIES, Scope,
    arguments::{self, Argument, Found, Piece},
    globs::{self, Segment},
    judge::{Facts, Maker},
};
use crate::boundary::{Capability, Entry, Grant, PathPattern, automata, search::Work};

/// Where a command may run: every directory that is possible, or that it is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In this absolute directory.
    At(String),
    /// Somewhere.
    Unknown,
}

/// All places where a command may run.
pub(super) type Places = BTreeSet<Place>;

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// A file is written or changed.
    File,
    /// A file or link is removed, or another takes its name: what it leads to, and what else is called so,
    /// stays as it is.
    Name,
    /// A directory is made or removed empty.
    Directory,
    /// A file, or all in a directory, gets the content that git has: git writes through no link.
    Restored,
    /// A directory and all in it is changed or removed, if it is one.
    Tree,
    /// Anything at all may come to lie below it.
    Anything,
}

/// How much of a path is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// A file.
    File,
    /// All files in a directory, if it is one.
    Tree,
    /// All files in a directory, if it is one, and what links in it lead to.
    Through,
    /// All files in a directory, if it is one, that are chosen.
    Chosen(Vec<Chosen>),
    /// All files in a directory, if it is one, that are not hidden, and those that are chosen.
    Visible(Vec<Chosen>),
    /// Of these, those that no ignore file names, and those that are chosen.
    Searched(Vec<Chosen>),
    /// All files in a directory, if it is one, that git tracks; of these the chosen ones, if some are.
    Tracked(Vec<Chosen>),
    /// What git has of all files in a directory, if it is one; of the chosen ones, if some are.
    History(Vec<Chosen>),
}

/// Files that an option chooses among those in a directory: all whose path, relative to it, begins and
/// ends so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What it begins with.
    pub(super) start: String,
    /// What it ends in.
    pub(super) end: String,
}

impl Chosen {
    fn names(&self, path: &str) -> bool {
        let starts = path.get(..self.start.len());
        let at = path.len().checked_sub(self.end.len());
        let ends = at.and_then(|at| path.get(at..));
        starts.is_some_and(|start| start.eq_ignore_ascii_case(&self.start))
            && ends.is_some_and(|end| end.eq_ignore_ascii_case(&self.end))
    }
}

/// What is remembered while a line is read again.
#[derive(Debug)]
pub(super) struct Memory {
    work: Work,
    below: RefCell<BTreeMap<String, Option<Rc<[String]>>>>,
    tracked: OnceCell<Option<Rc<[String]>>>,
}

// What all proofs about one line may cost together.
const LINE_BUDGET: u64 = 30_000_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            work: Work::new(LINE_BUDGET),
            below: RefCell::default(),
            tracked: OnceCell::default(),
        }
    }
}

/// What a line is judged against, and what the line itself does to it.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    scope: &'a Scope<'a>,
    memory: &'a Memory,
    facts: &'a Facts,
    /// The command of which it is asked what it does: it does not come before itself.
    pub(super) now: Option<usize>,
}

// What a path leads to.
enum Location {
    Inside(String),
    Outside(String),
}

/// Returns the absolute path that `path` names in `directory`, `.` and `..` taken as names.
pub(super) fn absolute(directory: &str, path: &str) -> String {
    let joined = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in joined.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

fn within<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let directory = directory.trim_end_matches('/');
    let rest = path.strip_prefix(directory)?;
    if rest.is_empty() {
        return Some("");
    }
    rest.strip_prefix('/')
}

impl Scope<'_> {
    /// Returns where the line starts.
    pub(super) fn start(&self) -> Places {
        BTreeSet::from([Place::At(absolute(self.root, self.cwd))])
    }
}

impl<'a> Ground<'a> {
    /// Makes the ground of a line that does what `facts` say.
    pub(super) const fn new(scope: &'a Scope<'a>, memory: &'a Memory, facts: &'a Facts) -> Self {
        Self {
            scope,
            memory,
            facts,
            now: None,
        }
    }

    /// Returns what is left of the work that one line may take.
    pub(super) const fn work(&self) -> &'a Work {
        &self.memory.work
    }

    /// Returns whether a file may never be read at all.
    pub(super) fn hides_files(&self) -> bool {
        !self.scope.read.never.is_empty()
    }

    /// Returns whether somebody looks at what lies in the project.
    pub(super) fn looks(&self) -> bool {
        self.scope.tree.resolve(self.scope.root) != Resolved::Unknown
    }

    /// Returns whether commands are given a variable of this name whatever the line says.
    pub(super) fn exports(&self, name: &str) -> bool {
        self.scope.tree.exports(name)
    }

    /// Returns the directory for temporary files, where it is known.
    pub(super) fn temporary(&self) -> Option<&'a str> {
        self.scope.scratch.first().map(String::as_str)
    }

    fn locate(&self, path: &str) -> Location {
        match within(path, &absolute("", self.scope.root)) {
            Some(inside) => Location::Inside(inside.to_owned()),
            None => Location::Outside(path.to_owned()),
        }
    }

    fn resolve(&self, path: &str) -> Option<Location> {
        match self.scope.tree.resolve(path) {
            Resolved::Inside(inside) => Some(Location::Inside(inside)),
            Resolved::Outside(outside) => Some(Location::Outside(outside)),
            Resolved::Unknown => None,
        }
    }

    fn in_scratch(&self, path: &str) -> bool {
        self.scope
            .scratch
            .iter()
            .any(|scratch| within(path, scratch).is_some_and(|rest| !rest.is_empty()))
    }

    /// Returns what lies at the absolute `path`, also where the line itself changes that.
    pub(super) fn kind(&self, path: &str) -> Kind {
        let kind = self.scope.tree.kind(path);
        let mut above = path;
        loop {
            let own = above.len() == path.len();
            match self.facts.written.get(above) {
                Some(Change::Restored | Change::Tree | Change::Anything) => return Kind::Unknown,
                Some(Change::Directory) if own => return Kind::Unknown,
                Some(Change::Name) if own && kind == Kind::Directory => return Kind::Unknown,
                Some(Change::File) if own && kind == Kind::Missing => return Kind::File,
                Some(Change::File | Change::Name | Change::Directory) | None => {}
            }
            match above.rsplit_once('/') {
                Some((parent, _)) if !parent.is_empty() => above = parent,
                Some(_) | None => break,
            }
        }
        if self.unsettled(path, false).is_some() {
            return Kind::Unknown;
        }
        kind
    }

    /// Returns whether something may come to lie at the absolute `path` before it is looked at, made by a
    /// program of which nobody knows what it writes.
    pub(super) fn may_be_made(&self, path: &str) -> bool {
        self.facts.opaque && self.scope.tree.kind(path) == Kind::Missing
    }

    /// Returns a path at which the line may have made a link by then: one on the way to the absolute
    /// `path`, or, if asked, one below it.
    pub(super) fn unsettled(&self, path: &str, below: bool) -> Option<&'a str> {
        let on_the_way = |(link, maker): &(&String, &Maker)| {
            let own = self.now.is_some_and(|now| **maker == Maker::One(now));
            !own && (within(path, link).is_some() || below && within(link, path).is_some())
        };
        let mut links = self.facts.links.iter();
        links.find(on_the_way).map(|(link, _)| link.as_str())
    }

    /// Returns everything below the absolute `directory`, as [`super::Tree::below`] does, with what the
    /// line itself puts there.
    pub(super) fn below(&self, directory: &str) -> Option<Rc<[String]>> {
        let known = self.memory.below.borrow().get(directory).cloned();
        let told = known.unwrap_or_else(|| {
            let told: Option<Rc<[String]>> = self.scope.tree.below(directory).map(Into::into);
            let remembered = (directory.to_owned(), told.clone());
            self.memory.below.borrow_mut().extend([remembered]);
            told
        });
        let start = format!("{}/", directory.trim_end_matches('/'));
        let written = self.facts.written.range(start.clone()..);
        let mut more = Vec::new();
        for (path, change) in written.take_while(|(path, _)| path.starts_with(&start)) {
            match change {
                Change::Anything => return None,
                Change::File | Change::Name => {
                    more.extend(path.strip_prefix(&start).map(ToOwned::to_owned));
                }
                Change::Directory | Change::Restored | Change::Tree => {}
            }
        }
        let all = match told {
            Some(told) if more.is_empty() => told,
            Some(told) => {
                more.retain(|path| !told.contains(path));
                told.iter().cloned().chain(more).collect()
            }
            // Nothing is there yet but what the line makes.
            None if self.scope.tree.kind(directory) == Kind::Missing && !self.facts.opaque => {
                more.into()
            }
            None => return None,
        };
        self.work().spend(all.len()).ok()?;
        Some(all)
    }

    // Everything that git tracks, relative to the root.
    fn tracked(&self) -> Option<Rc<[String]>> {
        if self.facts.indexed {
            return None;
        }
        let told = || self.scope.tree.tracked().map(Into::into);
        let tracked = self.memory.tracked.get_or_init(told).clone()?;
        self.work().spend(tracked.len()).ok()?;
        Some(tracked)
    }

    /// Returns the top of the work tree, if that is the project's root and git would say so.
    pub(super) fn top(&self, places: &Places) -> Option<String> {
        let root = absolute("", self.scope.root);
        let here = Self::only(places)?;
        let own = self.scope.tree.kind(&format!("{root}/.git"));
        let within = within(here, &root).is_some();
        (within && matches!(own, Kind::File | Kind::Linked | Kind::Directory)).then_some(root)
    }

    /// Returns everything below the absolute `directory` with its directories, relative to it; nothing if
    /// nobody knows.
    pub(super) fn everything_below(&self, directory: &str) -> Option<Vec<String>> {
        const MOST: usize = 20_000;
        let mut all = Vec::new();
        let mut open = vec![String::new()];
        while let Some(inner) = open.pop() {
            for name in self.names(&format!("{directory}/{inner}"))? {
                let path = if inner.is_empty() {
                    name
                } else {
                    format!("{inner}/{name}")
                };
                let named = format!("{directory}/{path}");
                let tree = self.scope.tree;
                // What is not there yet may be a directory that the line makes.
                if !tree.kind(&named).is_file() && tree.link(&named).is_none() {
                    open.push(path.clone());
                }
                all.push(path);
                if all.len() > MOST {
                    return None;
                }
            }
        }
        Some(all)
    }

    /// Returns the files below the absolute `directory`, relative to it, that such a look shows.
    pub(super) fn files_for(&self, directory: &str, look: &Look) -> Option<Vec<String>> {
        match self.locate(directory) {
            Location::Inside(inside) => self.looked_at(&inside, directory, look),
            Location::Outside(_) => None,
        }
    }

    /// Returns where one is after going to `target`.
    pub(super) fn moved(&self, target: &str, places: &Places) -> Places {
        let go = |directory: Option<String>| match directory {
            Some(directory) if self.unsettled(&directory, false).is_none() => Place::At(directory),
            Some(_) | None => Place::Unknown,
        };
        Self::absolutes(target, places)
            .into_iter()
            .map(go)
            .collect()
    }

    /// Returns what git tracks below the absolute `directory`, relative to it.
    pub(super) fn tracked_below(&self, directory: &str) -> Option<Vec<String>> {
        let Location::Inside(inside) = self.locate(directory) else {
            return None;
        };
        let tracked = self.tracked()?;
        let below = tracked.iter().filter_map(|path| within_of(path, &inside));
        Some(below.map(ToOwned::to_owned).collect())
    }

    /// Returns whether the line runs in one known directory, and which.
    pub(super) fn only(places: &Places) -> Option<&str> {
        let mut places = places.iter();
        match (places.next(), places.next()) {
            (Some(Place::At(directory)), None) => Some(directory),
            (_, _) => None,
        }
    }

    /// Returns a directory at or above which git might find a repository that is not the project's: one
    /// that lies in the project, or outside.
    pub(super) fn other_repository(&self, places: &Places) -> Option<String> {
        places.iter().find_map(|place| {
            let Place::At(directory) = place else {
                return Some("a directory that is not known before it runs".to_owned());
            };
            let named = self.locate(directory);
            let real = self.resolve(directory);
            [Some(named), real]
                .into_iter()
                .flatten()
                .find_map(|location| {
                    let inside = match location {
                        Location::Outside(outside) => return Some(format!("`{outside}`")),
                        Location::Inside(inside) => inside,
                    };
                    let mut above = inside.as_str();
                    while !above.is_empty() {
                        if self.may_be_repository(&absolute(self.scope.root, above)) {
                            return Some(format!("`{above}`"));
                        }
                        above = above.rsplit_once('/').map_or("", |(parent, _)| parent);
                    }
                    None
                })
        })
    }

    // Whether git would take the directory for a repository: it has `.git`, or looks as `.git` does.
    fn may_be_repository(&self, directory: &str) -> bool {
        let there = |name: &str| {
            let path = format!("{directory}/{name}");
            let kind = self.scope.tree.kind(&path);
            matches!(kind, Kind::File | Kind::Linked | Kind::Directory)
                || self.facts.written.contains_key(&path)
        };
        let made = |name: &str| {
            let start = format!("{directory}/{name}");
            let written = self.facts.written.keys();
            let mut rests = written.filter_map(|path| {
                let (path, rest) = path.split_at_checked(start.len())?;
                path.eq_ignore_ascii_case(&start).then_some(rest)
            });
            rests.any(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let anything =
            self.facts.written.iter().any(|(path, change)| {
                *change == Change::Anything && within(directory, path).is_some()
            });
        there(".git")
            || made(".git")
            || made("HEAD")
            || there("HEAD")
                && ["objects", "refs", "commondir"]
                    .iter()
                    .any(|name| there(name))
            || anything
            || self.unsettled(directory, false).is_some()
    }

    /// Judges a change of the path that `argument` names.
    pub(super) fn change(
        &self,
        argument: &Argument,
        change: Change,
        places: &Places,
    ) -> Result<(), Refusal> {
        if argument.is_odd() {
            return Err(read_differently(argument));
        }
        let Some(paths) = self.paths(argument, places) else {
            return self.change_globbed(argument, change, places);
        };
        for path in paths {
            if path.is_empty() {
                return Err(Refusal::new(&argument.shown, "is no path"));
            }
            if is_written_device(&path) {
                continue;
            }
            for directory in directories(&path, places) {
                let directory = directory.ok_or_else(|| {
                    let reason = "would write in a directory that is not known before it runs; \
                                  name the path from the project root in a line of its own";
                    Refusal::new(&argument.shown, reason)
                })?;
                self.change_one(&argument.shown, &directory, &path, change)?;
            }
        }
        Ok(())
    }

    // The paths that a word stands for, where it is known or somebody looked.
    fn paths(&self, argument: &Argument, places: &Places) -> Option<Vec<String>> {
        if let Some(literal) = argument.literal() {
            return Some(vec![literal]);
        }
        if let Some(found) = found(argument) {
            return Some(found.paths.clone());
        }
        let names = self.expand(argument, places)?;
        Some(if names.is_empty() {
            vec![as_written(argument)]
        } else {
            names
        })
    }

    fn change_one(
        &self,
        shown: &str,
        directory: &str,
        path: &str,
        change: Change,
    ) -> Result<(), Refusal> {
        self.work()
            .spend(1 + path.len())
            .map_err(|_| too_much(shown))?;
        let named = absolute(directory, path);
        let raw = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{directory}/{path}")
        };
        let leads = |link: &&str| match change {
            Change::Restored => false,
            Change::Name => *link != named,
            Change::File | Change::Directory | Change::Tree | Change::Anything => true,
        };
        if let Some(link) = self.unsettled(&named, false).filter(leads) {
            return Err(by_link(shown, link));
        }
        // As named and as resolved: a link may lead anywhere.
        let real = match (change, raw.trim_end_matches('/').rsplit_once('/')) {
            (Change::Name | Change::Restored, Some((parent, name))) => {
                self.resolve(parent).map(|real| match real {
                    Location::Inside(parent) if parent.is_empty() => {
                        Location::Inside(name.to_owned())
                    }
                    Location::Inside(parent) => Location::Inside(format!("{parent}/{name}")),
                    Location::Outside(parent) => Location::Outside(format!("{parent}/{name}")),
                })
            }
            (_, _) => self.resolve(&raw),
        };
        for location in [Some(self.locate(&named)), real].into_iter().flatten() {
            match location {
                Location::Inside(inside) => self.change_inside(shown, &inside, &named, change)?,
                Location::Outside(outside) if self.in_scratch(&outside) => {}
                Location::Outside(outside) => {
                    let reason = format!("would write `{outside}`, which is outside the project");
                    return Err(Refusal::new(shown, reason).by(Obstacle::Outside));
                }
            }
        }
        Ok(())
    }

    fn change_inside(
        &self,
        shown: &str,
        inside: &str,
        named: &str,
        change: Change,
    ) -> Result<(), Refusal> {
        if inside.is_empty() && change != Change::Directory {
            return Err(
                Refusal::new(shown, "is the project root itself").taken(Capability::Write, "**")
            );
        }
        let write = self.scope.write;
        let taker = write.never.taker(inside);
        if let Some(never) = taker.and_then(|index| write.never.get(index)) {
            let reason = format!(
                "would write `{inside}`, which `never write {:?}` forbids",
                never.pattern.as_str()
            );
            return Err(Refusal::new(shown, reason).taken(Capability::Write, inside));
        }
        // What the line itself has made there is gone with what it removes.
        let kind = match change {
            Change::Restored | Change::Tree => self.scope.tree.kind(named),
            Change::File | Change::Name | Change::Directory | Change::Anything => self.kind(named),
        };
        let permitted = match change {
            Change::File | Change::Name => {
                write.permits(inside) || self.is_directory_to_change(kind, inside)
            }
            Change::Restored | Change::Tree => match kind {
                Kind::Missing | Kind::File | Kind::Linked => write.permits(inside),
                Kind::Directory | Kind::Unknown => self.permits_all_in(inside, named),
            },
            Change::Directory => inside.is_empty() || self.permits_directory(inside),
            Change::Anything => write.permits_tree_within(inside, self.work()),
        };
        if permitted {
            return match self.linked(change, kind, inside, named) {
                Some(linked) => {
                    let reason = format!(
                        "would write `{linked}`, a file that has other names, and nobody knows where"
                    );
                    Err(Refusal::new(shown, reason))
                }
                None => Ok(()),
            };
        }
        let (what, missing) = match change {
            Change::File | Change::Name | Change::Restored | Change::Directory => {
                (format!("would write `{inside}`"), inside.to_owned())
            }
            Change::Tree | Change::Anything => (
                format!("would write everything in `{inside}`"),
                format!("{inside}/**"),
            ),
        };
        Err(
            Refusal::new(shown, format!("{what}, which this role may not write"))
                .granted_by(Capability::Write, missing),
        )
    }

    // A file at `inside`, or below it, whose content the change would reach under names that nobody has
    // judged.
    fn linked(&self, change: Change, kind: Kind, inside: &str, named: &str) -> Option<String> {
        match (change, kind) {
            (Change::File, Kind::Linked) => Some(inside.to_owned()),
            (Change::Anything, Kind::Directory) => {
                let tree = self.scope.tree;
                let linked = |path: &&String| tree.kind(&format!("{named}/{path}")) == Kind::Linked;
                let below = tree.below(named).unwrap_or_default();
                let path = below.iter().find(linked)?;
                Some(format!("{inside}/{path}"))
            }
            (
                Change::File
                | Change::Name
                | Change::Restored
                | Change::Tree
                | Change::Directory
                | Change::Anything,
                _,
            ) => None,
        }
    }

    // The mode or the time of a directory is changed as if the directory were made.
    fn is_directory_to_change(&self, kind: Kind, inside: &str) -> bool {
        kind == Kind::Directory && self.permits_directory(inside)
    }

    fn permits_directory(&self, inside: &str) -> bool {
        let Ok(below) = PathPattern::below(inside) else {
            return false;
        };
        let below = Grant {
            may: vec![below.into()],
            ..Grant::default()
        };
        let write = self.scope.write;
        write.permits(inside) || matches!(write.overlap_within(&below, self.work()), Ok(Some(_)))
    }

    fn permits_all_in(&self, inside: &str, named: &str) -> bool {
        let write = self.scope.write;
        if write.permits_tree_within(inside, self.work()) {
            return true;
        }
        self.below(named).is_some_and(|below| {
            // It may be a file by then.
            let itself = below.is_empty() && !self.is_directory(named);
            (!itself || write.permits(inside))
                && below
                    .iter()
                    .all(|path| write.permits(&format!("{inside}/{path}")))
        })
    }

    fn is_directory(&self, named: &str) -> bool {
        self.scope.tree.kind(named) == Kind::Directory
    }

    /// Returns whether nothing that this role may write lies at or below the absolute `path`, which lies
    /// in the project.
    pub(super) fn is_out_of_reach(&self, path: &str) -> bool {
        let locations = [Some(self.locate(path)), self.resolve(path)];
        locations.into_iter().flatten().all(|location| {
            let Location::Inside(inside) = location else {
                return false;
            };
            let Ok(below) = PathPattern::below(&inside) else {
                return false;
            };
            let below = Grant {
                may: vec![below.into()],
                ..Grant::default()
            };
            let write = self.scope.write;
            !write.permits(&inside) && write.overlap_within(&below, self.work()) == Ok(None)
        })
    }

    fn change_globbed(
        &self,
        argument: &Argument,
        change: Change,
        places: &Places,
    ) -> Result<(), Refusal> {
        let unknown = || {
            let reason =
                "names a path to write that is not known before it runs; write the path out";
            Refusal::new(&argument.shown, reason)
        };
        if argument.is_unknown() || argument.prefix().starts_with('/') {
            return Err(unknown());
        }
        let mut named = Vec::new();
        for place in places {
            let Place::At(directory) = place else {
                return Err(unknown());
            };
            let Location::Inside(inside) = self.locate(directory) else {
                return Err(unknown());
            };
            let directory = if inside.is_empty() {
                inside
            } else {
                inside + "/"
            };
            let mut argument = argument.clone();
            if !matches!(change, Change::File | Change::Name | Change::Directory) {
                argument.pieces.push(Piece::Glob("{,/**}".to_owned()));
            }
            named.push(argument.as_path_pattern(&directory).ok_or_else(unknown)?);
        }
        let named: Vec<Entry<PathPattern>> = named.into_iter().map(Entry::from).collect();
        if let Ok(Some(path)) = automata::taken_among(&named, &self.scope.write.never) {
            let reason = format!("would write `{path}`, which may not be written");
            return Err(Refusal::new(&argument.shown, reason).taken(Capability::Write, path));
        }
        let named = Grant {
            may: named,
            ..Grant::default()
        };
        // Whoever looks, and can't tell all names, can't tell links among them either.
        let one = matches!(change, Change::File | Change::Name) && !self.looks();
        if one && named.beyond_within(self.scope.write, self.work()) == Ok(None) {
            return Ok(());
        }
        Err(unknown())
    }

    /// Returns the words with those that stand for names of files written out, where somebody looked.
    pub(super) fn written_out(
        &self,
        words: &[Argument],
        places: &Places,
    ) -> Result<Vec<Argument>, String> {
        let mut all = Vec::with_capacity(words.len());
        for word in words {
            let names = word.has_globs().then(|| self.expand(word, places));
            let Some(names) = names.flatten() else {
                all.push(word.clone());
                continue;
            };
            let work = self.work().spend(names.len());
            work.map_err(|_| "names too many files to be judged".to_owned())?;
            if names.is_empty() {
                // Where nothing matches, the pattern itself is the word.
                all.push(Argument::text(as_written(word)));
            }
            all.extend(names.into_iter().map(|name| Argument {
                shown: word.shown.clone(),
                pieces: vec![Piece::Text(name)],
            }));
        }
        Ok(all)
    }

    // The names that a word with wildcards may become; nothing if some of it is not known, or nobody
    // looked.
    fn expand(&self, argument: &Argument, places: &Places) -> Option<Vec<String>> {
        const MOST_NAMES: usize = 20_000;
        let segments = globs::segments(&argument.pieces)?;
        let patterns = segments.iter().filter_map(|segment| match segment {
            Segment::Pattern(pattern) => Some(pattern),
            Segment::Name(_) => None,
        });
        if patterns
            .clone()
            .any(|pattern| pattern.matches(".") || pattern.matches(".."))
        {
            return None;
        }
        let rooted = segments.first() == Some(&Segment::Name(String::new()));
        let mut all = BTreeSet::new();
        for place in places {
            let start = match place {
                _ if rooted => String::new(),
                Place::At(directory) => directory.clone(),
                Place::Unknown => return None,
            };
            let mut reached = vec![(start, String::new())];
            for (at, segment) in segments.iter().enumerate() {
                let mut next = Vec::new();
                for (directory, text) in &reached {
                    let go = |name: &str| {
                        let slash = if at == 0 { "" } else { "/" };
                        (
                            format!("{directory}/{name}"),
                            format!("{text}{slash}{name}"),
                        )
                    };
                    match segment {
                        Segment::Name(name) => next.push(go(name)),
                        Segment::Pattern(pattern) if pattern.is_deep() => {
                            let last = at + 1 == segments.len();
                            for name in self.names_below(directory, last)? {
                                next.push(go(&name));
                            }
                            // Also no directory at all, which drops a slash.
                            if !last {
                                next.push((directory.clone(), text.clone()));
                            }
                        }
                        Segment::Pattern(pattern) => {
                            let names = self.names(directory)?;
                            let names = names.iter().filter(|name| pattern.matches(name));
                            next.extend(names.map(|name| go(name)));
                        }
                    }
                }
                self.work().spend(next.len()).ok()?;
                if next.len() > MOST_NAMES {
                    return None;
                }
                reached = next;
            }
            let texts = reached.into_iter().map(|(_, text)| {
                // Where `**` stood for nothing at the start.
                match text.strip_prefix('/') {
                    Some(rest) if !rooted => rest.to_owned(),
                    Some(_) | None => text,
                }
            });
            all.extend(texts);
        }
        Some(all.into_iter().collect())
    }

    // The names in a directory, with those that the line makes there.
    fn names(&self, directory: &str) -> Option<BTreeSet<String>> {
        let directory = absolute("", directory);
        if self.unsettled(&directory, false).is_some() {
            return None;
        }
        let told = match self.scope.tree.names(&directory) {
            Some(told) => told,
            None if self.scope.tree.names(self.scope.root).is_some()
                && !self.is_directory(&directory) =>
            {
                Vec::new()
            }
            None => return None,
        };
        self.work().spend(told.len()).ok()?;
        let start = format!("{}/", directory.trim_end_matches('/'));
        let written = self.facts.written.keys().chain(self.facts.links.keys());
        let made = written.filter_map(|path| path.strip_prefix(&start)?.split('/').next());
        let made: Vec<String> = made.map(ToOwned::to_owned).collect();
        Some(told.into_iter().chain(made).collect())
    }

    // The directories at any depth below a directory, relative to it, and files too if asked.
    fn names_below(&self, directory: &str, files: bool) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for path in self.below(&absolute("", directory))?.iter() {
            if path.split('/').any(|name| name.starts_with('.')) {
                continue;
            }
            if files {
                names.insert(path.clone());
            }
            let mut above = path.as_str();
            while let Some((parent, _)) = above.rsplit_once('/') {
                names.insert(parent.to_owned());
                above = parent;
            }
        }
        Some(names)
    }

    /// Judges a look at the path that `argument` names, by a program that is known to show it.
    pub(super) fn look(
        &self,
        argument: &Argument,
        look: &Look,
        places: &Places,
    ) -> Result<(), Refusal> {
        if argument.is_odd() {
            return Err(read_differently(argument));
        }
        let Some(paths) = self.paths(argument, places) else {
            return self.look_globbed(argument, look, places);
        };
        for path in paths {
            if path.is_empty() || path == "-" || is_read_device(&path) {
                continue;
            }
            for directory in directories(&path, places) {
                let directory = directory.ok_or_else(|| {
                    let reason = "would read in a directory that is not known before it runs";
                    Refusal::new(&argument.shown, reason)
                })?;
                self.look_one(&argument.shown, &directory, &path, look, 0)?;
            }
        }
        Ok(())
    }

    fn look_one(
        &self,
        shown: &str,
        directory: &str,
        path: &str,
        look: &Look,
        depth: usize,
    ) -> Result<(), Refusal> {
        self.work()
            .spend(1 + path.len())
            .map_err(|_| too_much(shown))?;
        let named = absolute(directory, path);
        let raw = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{directory}/{path}")
        };
        if let Some(link) = self.unsettled(&named, *look == Look::Through) {
            return Err(by_link(shown, link));
        }
        for location in [Some(self.locate(&named)), self.resolve(&raw)]
            .into_iter()
            .flatten()
        {
            match location {
                Location::Inside(inside) => {
                    self.look_inside(shown, &inside, &named, look, depth)?;
                }
                Location::Outside(outside) => self.look_outside(shown, &outside)?,
            }
        }
        Ok(())
    }

    fn look_outside(&self, shown: &str, outside: &str) -> Result<(), Refusal> {
        let system = SYSTEM_DIRECTORIES
            .iter()
            .any(|system| within(outside, system).is_some());
        let scope = self.scope;
        let mut own = scope.toolchains.iter().chain(scope.scratch);
        if system || own.any(|directory| within(outside, directory).is_some()) {
            return Ok(());
        }
        let reason = format!("would read `{outside}`, which is outside the project");
        Err(Refusal::new(shown, reason).by(Obstacle::Outside))
    }

    fn look_inside(
        &self,
        shown: &str,
        inside: &str,
        named: &str,
        look: &Look,
        depth: usize,
    ) -> Result<(), Refusal> {
        self.may_read(shown, inside)?;
        // What git has may lie where nothing is now.
        if let Look::History(chosen) = look
            && chosen.is_empty()
            && let Some(path) = self.never_read_for_certain(inside)
        {
            let reason = format!("would show what git has of `{path}`, which may not be read");
            return Err(Refusal::new(shown, reason).taken(Capability::Read, path));
        }
        let kind = self.kind(named);
        if *look == Look::File || kind.is_file() || kind == Kind::Missing {
            return Ok(());
        }
        let Some(below) = self.looked_at(inside, named, look) else {
            return match self.never_read_below(inside, look) {
                Some(path) => {
                    let reason = format!(
                        "would read all of a directory, and `{path}` may not be read; name the files"
                    );
                    Err(Refusal::new(shown, reason).taken(Capability::Read, path))
                }
                None if *look == Look::Through && self.looks() => {
                    let reason = "follows links to where nobody looked; name the files";
                    Err(Refusal::new(shown, reason))
                }
                None => Ok(()),
            };
        };
        let work = self.work().spend(below.len());
        work.map_err(|_| too_much(shown))?;
        for path in below {
            let path_inside = if inside.is_empty() {
                path.clone()
            } else {
                format!("{inside}/{path}")
            };
            self.may_read(shown, &path_inside)?;
            if *look == Look::Through {
                self.look_through(shown, named, &path, &path_inside, depth)?;
            }
        }
        Ok(())
    }

    // What a link in a directory leads to, where the program follows it.
    fn look_through(
        &self,
        shown: &str,
        directory: &str,
        path: &str,
        inside: &str,
        depth: usize,
    ) -> Result<(), Refusal> {
        const DEEPEST: usize = 8;
        let plain = match self.resolve(&format!("{directory}/{path}")) {
            Some(Location::Inside(real)) => real == inside,
            Some(Location::Outside(_)) => false,
            None => true,
        };
        if plain {
            return Ok(());
        }
        if depth >= DEEPEST {
            let reason = format!("follows the link `{inside}` to too many others");
            return Err(Refusal::new(shown, reason));
        }
        self.look_one(shown, directory, path, &Look::Through, depth + 1)
    }

    // The files in a directory that are looked at, relative to it; nothing if nobody knows.
    fn looked_at(&self, inside: &str, named: &str, look: &Look) -> Option<Vec<String>> {
        let below = self.below(named);
        let chosen = |chosen: &[Chosen]| -> Option<Vec<String>> {
            let named = |path: &&String| chosen.iter().any(|chosen| chosen.names(path));
            Some(below.as_ref()?.iter().filter(named).cloned().collect())
        };
        let visible = || {
            let hidden = |path: &String| path.split('/').any(|name| name.starts_with('.'));
            let all = below.as_ref()?.iter();
            Some(all.filter(|path| !hidden(path)).cloned().collect())
        };
        let searched = || self.scope.tree.searched(named).or_else(visible);
        match look {
            Look::File => Some(Vec::new()),
            Look::Tree | Look::Through => Some(below?.to_vec()),
            Look::Chosen(names) => chosen(names),
            Look::Visible(names) => Some([chosen(names)?, visible()?].concat()),
            Look::Searched(names) => Some([chosen(names)?, searched()?].concat()),
            Look::Tracked(names) | Look::History(names) => {
                let tracked = self.tracked();
                let tracked = tracked.as_deref().map(|tracked| {
                    let below = tracked.iter().filter_map(|path| within_of(path, inside));
                    below.map(ToOwned::to_owned).collect()
                });
                let all = || below.as_ref().map(|below| below.to_vec());
                let files: Vec<String> = match look {
                    Look::Tracked(_) => tracked.or_else(all)?,
                    _ => [all()?, tracked.unwrap_or_default()].concat(),
                };
                let named = |path: &String| {
                    names.is_empty() || names.iter().any(|chosen| chosen.names(path))
                };
                Some(files.into_iter().filter(named).collect())
            }
        }
    }

    // Some path below a directory that may not be read and might be looked at.
    fn never_read_below(&self, inside: &str, look: &Look) -> Option<String> {
        let below = PathPattern::below(inside).ok()?;
        if let Look::History(_) = look {
            return self.never_read_for_certain(inside);
        }
        let Look::Chosen(chosen) = look else {
            return self.never_read_among(vec![below]);
        };
        let pattern = |chosen: &Chosen| {
            let end = arguments::escape(&chosen.end);
            format!("{}/*{end}", below.as_str()).parse().ok()
        };
        match chosen.iter().map(pattern).collect() {
            Some(patterns) => self.never_read_among(patterns),
            None => self.never_read_among(vec![below]),
        }
    }

    // Some one file below a directory that may not be read, whether it is there or not.
    fn never_read_for_certain(&self, inside: &str) -> Option<String> {
        let mut never = self.scope.read.never.iter();
        never.find_map(|never| {
            let path = never.pattern.as_str();
            let below = never.pattern.is_literal() && within_of(path, inside).is_some();
            below.then(|| path.to_owned())
        })
    }

    // Some path that the patterns name and that may not be read.
    fn never_read_among(&self, patterns: Vec<PathPattern>) -> Option<String> {
        let entries: Vec<Entry<PathPattern>> = patterns.into_iter().map(Entry::from).collect();
        match automata::taken_among_within(&entries, &self.scope.read.never, self.work()) {
            Ok(found) => found,
            Err(_) => Some("some file".to_owned()),
        }
    }

    /// Judges a path that any command names, of which nothing is known but its name.
    pub(super) fn mention(&self, text: &str, shown: &str, places: &Places) -> Result<(), Refusal> {
        if !self.hides_files() || text.is_empty() {
            return Ok(());
        }
        for directory in directories(text, places).flatten() {
            if let Location::Inside(inside) = self.locate(&absolute(&directory, text)) {
                self.may_read(shown, &inside)?;
            }
        }
        Ok(())
    }

    /// Judges a path, relative to the root, as git has it: it names what was there at some time.
    pub(super) fn mention_in_history(&self, path: &str, shown: &str) -> Result<(), Refusal> {
        let root = Places::from([Place::At(absolute("", self.scope.root))]);
        self.mention(path.trim_start_matches('/'), shown, &root)
    }

    fn may_read(&self, shown: &str, inside: &str) -> Result<(), Refusal> {
        let mut never = self.scope.read.never.iter();
        let Some(never) = never.find(|entry| entry.takes(inside)) else {
            return Ok(());
        };
        let never = never.pattern.as_str();
        let reason = format!("would read `{inside}`, which `never read {never:?}` forbids");
        Err(Refusal::new(shown, reason).taken(Capability::Read, inside))
    }

    // Where nobody looked, all that may be there counts.
    fn look_globbed(
        &self,
        argument: &Argument,
        look: &Look,
        places: &Places,
    ) -> Result<(), Refusal> {
        let unknown = || {
            let reason =
                "names a file to read that is not known before it runs; write the path out";
            Refusal::new(&argument.shown, reason)
        };
        if self.looks() || argument.is_unknown() || argument.prefix().starts_with('/') {
            return Err(unknown());
        }
        for place in places {
            let Place::At(directory) = place else {
                return Err(unknown());
            };
            let Location::Inside(inside) = self.locate(directory) else {
                return Err(unknown());
            };
            let directory = if inside.is_empty() {
                inside
            } else {
                inside + "/"
            };
            let mut argument = argument.clone();
            if *look != Look::File {
                argument.pieces.push(Piece::Glob("{,/**}".to_owned()));
            }
            let pattern = argument.as_path_pattern(&directory).ok_or_else(unknown)?;
            if let Some(path) = self.never_read_among(vec![pattern]) {
                let reason = format!("would read `{path}`, which may not be read");
                return Err(Refusal::new(&argument.shown, reason).taken(Capability::Read, path));
            }
        }
        Ok(())
    }

    /// Returns the absolute paths that `path` may name.
    pub(super) fn absolutes(path: &str, places: &Places) -> Vec<Option<String>> {
        let at = |directory: Option<String>| Some(absolute(&directory?, path));
        directories(path, places).map(at).collect()
    }

    /// Returns what the links at and below the absolute `path` say, with where they lie relative to it:
    /// empty for the path itself. Nothing if nobody knows what lies there.
    pub(super) fn links_in(&self, path: &str) -> Option<Vec<(String, String)>> {
        let tree = self.scope.tree;
        if self.unsettled(path, true).is_some() {
            return None;
        }
        if let Some(target) = tree.link(path) {
            return Some(vec![(String::new(), target)]);
        }
        let kind = tree.kind(path);
        if kind.is_file() || kind == Kind::Missing {
            return Some(Vec::new());
        }
        let below = self.below(path)?;
        let link = |inner: &String| Some((inner.clone(), tree.link(&format!("{path}/{inner}"))?));
        Some(below.iter().filter_map(link).collect())
    }
}

fn found(argument: &Argument) -> Option<&Found> {
    let mut pieces = argument.pieces.iter().filter(|piece| match piece {
        Piece::Text(text) => !text.is_empty(),
        Piece::Odd(_)
        | Piece::Glob(_)
        | Piece::Number { .. }
        | Piece::Revision { .. }
        | Piece::Found(_)
        | Piece::Unknown { .. } => true,
    });
    match (pieces.next(), pieces.next()) {
        (Some(Piece::Found(found)), None) => Some(found),
        (_, _) => None,
    }
}

// A word with wildcards as the program gets it where nothing matches.
fn as_written(word: &Argument) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) | Piece::Odd(text) | Piece::Glob(text) => text.clone(),
        Piece::Number { .. } | Piece::Revision { .. } | Piece::Found(_) | Piece::Unknown { .. } => {
            String::new()
        }
    };
    word.pieces.iter().map(text).collect()
}

fn read_differently(argument: &Argument) -> Refusal {
    let reason = "is another path to another shell; write it in plain quotes";
    Refusal::new(&argument.shown, reason)
}

fn by_link(shown: &str, link: &str) -> Refusal {
    let name = link.rsplit('/').next().unwrap_or(link);
    let reason = format!(
        "may lead elsewhere once the line has put something at `{name}`; do that in a line of its own"
    );
    Refusal::new(shown, reason)
}

fn too_much(shown: &str) -> Refusal {
    Refusal::new(shown, "takes too much to be judged; name fewer files")
}

// `path` relative to `directory`, both relative to the root.
fn within_of<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    if directory.is_empty() {
        return Some(path);
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

// The directories that `path` may start from; it starts from none that is unknown if it is absolute.
fn directories<'p>(path: &'p str, places: &'p Places) -> impl Iterator<Item = Option<String>> + 'p {
    let absolute = path.starts_with('/');
    let root = absolute.then(|| Some(String::new()));
    let relative = places
        .iter()
        .filter(move |_| !absolute)
        .map(|place| match place {
            Place::At(directory) => Some(directory.clone()),
            Place::Unknown => None,
        });
    root.into_iter().chain(relative)
}

fn is_written_device(path: &str) -> bool {
    matches!(
        path,
        "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty"
    ) || path.strip_prefix("/dev/fd/").is_some_and(is_number)
}

fn is_read_device(path: &str) -> bool {
    matches!(
        path,
        "/dev/null" | "/dev/stdin" | "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/tty"
    ) || path.strip_prefix("/dev/fd/").is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
