//! What a line reads, and whether it may.

use super::{
    Kind, Obstacle, Refusal, SYSTEM_DIRECTORIES,
    arguments::{self, Argument},
    places::{
        Ground, Location, Place, Places, Spelt, absolute, by_link, directories, is_descriptor,
        read_differently, too_much, within, within_of,
    },
};
use crate::boundary::{Capability, Entry, PathPattern, automata};

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
    /// All files in a directory, if it is one, that git tracks and that are selected.
    Tracked(Selection),
    /// What git has of all files in a directory, if it is one, that are selected.
    History(Selection),
}

/// Which of the files in a directory git shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// These alone, if there are some.
    pub(super) chosen: Vec<Chosen>,
    /// None at or below these paths, which are relative to the root.
    pub(super) left_out: Vec<String>,
}

impl Selection {
    // Whether a file of a directory is among them, by its paths from there and from the root.
    fn names(&self, path: &str, inside: &str) -> bool {
        let chosen = self.chosen.is_empty() || self.chosen.iter().any(|one| one.names(path));
        chosen && !self.leaves_out(inside)
    }

    fn leaves_out(&self, inside: &str) -> bool {
        let mut out = self.left_out.iter();
        out.any(|out| inside == out || within_of(inside, out).is_some())
    }
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

impl Ground<'_> {
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
            for spelt in self.spelt(&path, "read", &argument.shown, places)? {
                self.look_one(&argument.shown, &spelt, look, 0)?;
            }
        }
        Ok(())
    }

    fn look_one(
        &self,
        shown: &str,
        spelt: &Spelt,
        look: &Look,
        depth: usize,
    ) -> Result<(), Refusal> {
        let Spelt { named, raw } = spelt;
        // What git shows of a link is what the link says.
        let follows = !matches!(look, Look::Tracked(_) | Look::History(_));
        let link = self.unsettled(named, *look == Look::Through);
        if let Some(link) = link.filter(|_| follows) {
            return Err(by_link(shown, link));
        }
        for location in [Some(self.locate(named)), self.resolve(raw)]
            .into_iter()
            .flatten()
        {
            match location {
                Location::Inside(inside) => {
                    self.look_inside(shown, &inside, named, look, depth)?;
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
        if let Look::History(selection) = look
            && selection.chosen.is_empty()
            && let Some(path) = self.never_read_for_certain(inside, selection)
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
            let path_inside = joined_inside(inside, &path);
            self.may_read(shown, &path_inside)
                .map_err(|refusal| match look {
                    Look::Tracked(_) => left_out_by_name(refusal, &path_inside),
                    _ => refusal,
                })?;
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
        self.work()
            .spend(1 + path.len())
            .map_err(|_| too_much(shown))?;
        self.look_one(
            shown,
            &Spelt::new(directory, path),
            &Look::Through,
            depth + 1,
        )
    }

    /// Returns the files in a directory that are looked at, relative to it; nothing if nobody knows.
    pub(super) fn looked_at(&self, inside: &str, named: &str, look: &Look) -> Option<Vec<String>> {
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
            Look::Tracked(selection) | Look::History(selection) => {
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
                let named = |path: &String| selection.names(path, &joined_inside(inside, path));
                Some(files.into_iter().filter(named).collect())
            }
        }
    }

    // Some path below a directory that may not be read and might be looked at.
    fn never_read_below(&self, inside: &str, look: &Look) -> Option<String> {
        let below = PathPattern::below(inside).ok()?;
        if let Look::History(selection) = look {
            return self.never_read_for_certain(inside, selection);
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
    fn never_read_for_certain(&self, inside: &str, selection: &Selection) -> Option<String> {
        let mut never = self.scope.read.never.iter();
        never.find_map(|never| {
            let path = never.pattern.as_str();
            let below = never.pattern.is_literal() && within_of(path, inside).is_some();
            let below = below && !selection.leaves_out(path);
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
        if self.looks() {
            return Err(unknown());
        }
        let below = *look != Look::File;
        for pattern in self.patterns(argument, below, places).ok_or_else(unknown)? {
            if let Some(path) = self.never_read_among(vec![pattern]) {
                let reason = format!("would read `{path}`, which may not be read");
                return Err(Refusal::new(&argument.shown, reason).taken(Capability::Read, path));
            }
        }
        Ok(())
    }
}

// `path` in `directory`, both as they are from the root.
fn joined_inside(directory: &str, path: &str) -> String {
    if directory.is_empty() {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}

fn left_out_by_name(refusal: Refusal, path: &str) -> Refusal {
    let reason = format!("{}; leave it out with `-- . ':!{path}'`", refusal.reason);
    Refusal { reason, ..refusal }
}

fn is_read_device(path: &str) -> bool {
    matches!(
        path,
        "/dev/null" | "/dev/stdin" | "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/tty"
    ) || is_descriptor(path)
}
