//! Where a line is, what lies there by then, and which paths its words stand for.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Kind, Refusal, Resolved, Scope,
    arguments::{Argument, Found, Piece},
    changes::Change,
    globs::{self, Segment},
    judge::{Facts, Indexed, Maker},
    looks::Look,
};
use crate::boundary::{PathPattern, search::Work};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In this absolute directory.
    At(String),
    /// Somewhere.
    Unknown,
}

/// All places where a command may run.
pub(super) type Places = BTreeSet<Place>;
/// What is remembered while a line is read again.
#[derive(Debug)]
pub(super) struct Memory {
    work: Work,
    below: RefCell<BTreeMap<String, Option<Rc<[String]>>>>,
    tracked: OnceCell<Option<Rc<[String]>>>,
    addable: OnceCell<Option<Rc<[String]>>>,
}

// What all proofs about one line may cost together.
const LINE_BUDGET: u64 = 30_000_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            work: Work::new(LINE_BUDGET),
            below: RefCell::default(),
            tracked: OnceCell::default(),
            addable: OnceCell::default(),
        }
    }
}

/// What a line is judged against, and what the line itself does to it.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// What is granted.
    pub(super) scope: &'a Scope<'a>,
    memory: &'a Memory,
    facts: &'a Facts,
    /// The command of which it is asked what it does: it does not come before itself.
    pub(super) now: Option<usize>,
    /// The last command that may have run by now; nothing where any of the line may have.
    pub(super) behind: Option<usize>,
    /// The pipeline of which all commands may have run.
    pub(super) pipeline: Option<usize>,
}

/// What a path leads to.
pub(super) enum Location {
    /// A path in the project, relative to its root.
    Inside(String),
    /// An absolute path outside.
    Outside(String),
}

/// A path that a word names, from a directory where the line may be.
pub(super) struct Spelt {
    /// Absolute, `.` and `..` taken as names.
    pub(super) named: String,
    /// Absolute, as it is written.
    pub(super) raw: String,
}

impl Spelt {
    /// Spells `path` out as it is read in `directory`.
    pub(super) fn new(directory: &str, path: &str) -> Self {
        let raw = joined(directory, path);
        Self {
            named: absolute("", &raw),
            raw,
        }
    }
}

/// Returns the absolute path that `path` names in `directory`, `.` and `..` taken as names.
pub(super) fn absolute(directory: &str, path: &str) -> String {
    let joined = joined(directory, path);
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

fn joined(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}

/// Returns `path` relative to `directory`, both absolute, if it lies in it.
pub(super) fn within<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
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
            behind: None,
            pipeline: None,
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

    /// Returns what the absolute `path` leads to by its name alone.
    pub(super) fn locate(&self, path: &str) -> Location {
        match within(path, &self.root()) {
            Some(inside) => Location::Inside(inside.to_owned()),
            None => Location::Outside(path.to_owned()),
        }
    }

    /// Returns what `path` leads to once links are followed; nothing if nobody looked.
    pub(super) fn resolve(&self, path: &str) -> Option<Location> {
        match self.scope.tree.resolve(path) {
            Resolved::Inside(inside) => Some(Location::Inside(inside)),
            Resolved::Outside(outside) => Some(Location::Outside(outside)),
            Resolved::Unknown => None,
        }
    }

    /// Returns the project root, absolute.
    pub(super) fn root(&self) -> String {
        absolute("", self.scope.root)
    }

    /// Returns the absolute path relative to the root, if it is in the project.
    pub(super) fn inside(&self, path: &str) -> Option<String> {
        match self.locate(path) {
            Location::Inside(inside) => Some(inside),
            Location::Outside(_) => None,
        }
    }

    /// Returns whether a place is known and lies in the project.
    pub(super) fn is_within(&self, place: &Place) -> bool {
        match place {
            Place::At(directory) => self.inside(directory).is_some(),
            Place::Unknown => false,
        }
    }

    /// Returns whether the absolute path lies in a directory for scratch.
    pub(super) fn in_scratch(&self, path: &str) -> bool {
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
                Some(Change::Restored | Change::Tree | Change::Patches | Change::Anything) => {
                    return Kind::Unknown;
                }
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
            let other = match **maker {
                Maker::One { command, pipeline } => {
                    let beside = pipeline.is_some() && pipeline == self.pipeline;
                    let behind = self.behind.is_none_or(|behind| command <= behind);
                    self.now != Some(command) && (beside || behind)
                }
                Maker::Several => true,
            };
            other && (within(path, link).is_some() || below && within(link, path).is_some())
        };
        let mut links = self.facts.links.iter();
        links.find(on_the_way).map(|(link, _)| link.as_str())
    }

    /// Returns whether the line puts files into the absolute directory of which it does not say the names.
    pub(super) fn is_filled(&self, directory: &str) -> bool {
        self.facts
            .written
            .iter()
            .any(|(path, change)| *change == Change::Anything && within(directory, path).is_some())
    }

    fn gets_patches(&self, directory: &str) -> bool {
        self.facts.written.get(directory) == Some(&Change::Patches)
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
        if self.is_filled(directory) || self.gets_patches(directory) {
            return None;
        }
        let start = format!("{}/", directory.trim_end_matches('/'));
        let written = self.facts.written.range(start.clone()..);
        let mut more = Vec::new();
        for (path, change) in written.take_while(|(path, _)| path.starts_with(&start)) {
            match change {
                Change::Anything | Change::Patches => return None,
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

    /// Returns everything that git tracks, relative to the root.
    pub(super) fn tracked(&self) -> Option<Rc<[String]>> {
        let told = || self.scope.tree.tracked().map(Into::into);
        let tracked = || self.memory.tracked.get_or_init(told).clone();
        let tracked: Rc<[String]> = match self.facts.indexed {
            Indexed::Nothing => tracked()?,
            Indexed::Addable if !self.facts.written.iter().any(may_be_ignore_file) => {
                let told = || self.scope.tree.addable().map(Into::into);
                let addable = self.memory.addable.get_or_init(told).clone()?;
                tracked()?.iter().chain(addable.iter()).cloned().collect()
            }
            Indexed::Addable | Indexed::Anything => return None,
        };
        self.work().spend(tracked.len()).ok()?;
        Some(tracked)
    }

    /// Returns the top of the work tree, if that is the project's root and git would say so.
    pub(super) fn top(&self, places: &Places) -> Option<String> {
        let root = self.root();
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
        self.looked_at(&self.inside(directory)?, directory, look)
    }

    /// Returns where one is after going to `target`: by its name, as a shell goes, or to where links lead.
    pub(super) fn moved(&self, target: &str, follows: bool, places: &Places) -> Places {
        let go = |directory: Option<String>| {
            let Some(Spelt { named, raw }) = directory.map(|from| Spelt::new(&from, target)) else {
                return Place::Unknown;
            };
            if self.unsettled(&named, false).is_some() {
                return Place::Unknown;
            }
            match self.resolve(&raw).filter(|_| follows) {
                Some(Location::Inside(inside)) => Place::At(absolute(self.scope.root, &inside)),
                Some(Location::Outside(outside)) => Place::At(outside),
                None => Place::At(named),
            }
        };
        directories(target, places).map(go).collect()
    }

    /// Returns what git tracks below the absolute `directory`, relative to it.
    pub(super) fn tracked_below(&self, directory: &str) -> Option<Vec<String>> {
        let inside = self.inside(directory)?;
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
        there(".git")
            || made(".git")
            || made("HEAD")
            || there("HEAD")
                && ["objects", "refs", "commondir"]
                    .iter()
                    .any(|name| there(name))
            || self.is_filled(directory)
            || self.unsettled(directory, false).is_some()
    }

    /// Returns a path of a word as it is spelt from every place where the line may be; `what` is done to it.
    pub(super) fn spelt(
        &self,
        path: &str,
        what: &str,
        shown: &str,
        places: &Places,
    ) -> Result<Vec<Spelt>, Refusal> {
        let spell = |directory: Option<String>| {
            let work = self.work().spend(1 + path.len());
            work.map_err(|_| too_much(shown))?;
            let directory = directory.ok_or_else(|| {
                let reason = format!(
                    "would {what} in a directory that is not known before it runs; name the path from the \
                     project root in a line of its own"
                );
                Refusal::new(shown, reason)
            })?;
            Ok(Spelt::new(&directory, path))
        };
        directories(path, places).map(spell).collect()
    }

    /// Returns the paths that a word stands for, where it is known or somebody looked.
    pub(super) fn paths(&self, argument: &Argument, places: &Places) -> Option<Vec<String>> {
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

    /// Returns whether a directory lies at the absolute path now.
    pub(super) fn is_directory(&self, named: &str) -> bool {
        self.scope.tree.kind(named) == Kind::Directory
    }

    /// Returns patterns of all paths in the project that a word with wildcards may become, if asked with all
    /// that lies below them; nothing where the word says too little.
    pub(super) fn patterns(
        &self,
        argument: &Argument,
        below: bool,
        places: &Places,
    ) -> Option<Vec<PathPattern>> {
        if argument.is_unknown() || argument.prefix().starts_with('/') {
            return None;
        }
        let mut argument = argument.clone();
        if below {
            argument.pieces.push(Piece::Glob("{,/**}".to_owned()));
        }
        let pattern = |place: &Place| {
            let Place::At(directory) = place else {
                return None;
            };
            let mut inside = self.inside(directory)?;
            if !inside.is_empty() {
                inside.push('/');
            }
            argument.as_path_pattern(&inside)
        };
        places.iter().map(pattern).collect()
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
        if self.unsettled(&directory, false).is_some()
            || self.is_filled(&directory)
            || self.gets_patches(&directory)
        {
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

// Whether what is written may say which files git leaves out.
fn may_be_ignore_file((path, change): (&String, &Change)) -> bool {
    match change {
        Change::File | Change::Name => path.ends_with("/.gitignore"),
        Change::Restored | Change::Tree | Change::Anything => true,
        Change::Directory | Change::Patches => false,
    }
}

/// Refuses a path that shells spell differently.
pub(super) fn read_differently(argument: &Argument) -> Refusal {
    let reason = "is another path to another shell; write it in plain quotes";
    Refusal::new(&argument.shown, reason)
}

/// Refuses a path on which the line may have put a link by then.
pub(super) fn by_link(shown: &str, link: &str) -> Refusal {
    let name = link.rsplit('/').next().unwrap_or(link);
    let reason = format!(
        "may lead elsewhere once the line has put something at `{name}`; do that in a line of its own"
    );
    Refusal::new(shown, reason)
}

/// Refuses what takes too much work.
pub(super) fn too_much(shown: &str) -> Refusal {
    Refusal::new(shown, "takes too much to be judged; name fewer files")
}

/// Returns `path` relative to `directory`, both relative to the root, if it lies below it.
pub(super) fn within_of<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    if directory.is_empty() {
        return Some(path);
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// Returns the directories that `path` may start from; it starts from none that is unknown if it is absolute.
pub(super) fn directories<'p>(
    path: &'p str,
    places: &'p Places,
) -> impl Iterator<Item = Option<String>> + 'p {
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

/// Returns whether the path is a descriptor that is open already.
pub(super) fn is_descriptor(path: &str) -> bool {
    let number = path.strip_prefix("/dev/fd/");
    number.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}
