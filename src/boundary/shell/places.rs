//! Where a line writes and reads, and whether it may.

use std::collections::BTreeSet;

use super::{
    Kind, Obstacle, Refusal, Resolved, SYSTEM_DIRECTORIES, Scope,
    arguments::{Argument, Piece},
};
use crate::boundary::{Capability, Entry, Grant, PathPattern, Pattern as _, automata};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A file is written or changed.
    File,
    /// A file is removed, or another takes its name: what else is called so stays as it is.
    Name,
    /// A directory and all in it is changed or removed, if it is one.
    Tree,
    /// A directory is made or removed empty.
    Directory,
    /// Anything at all may come to lie below it.
    Anything,
}

/// How much of a path is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A file.
    File,
    /// All files in a directory, if it is one.
    Tree,
    /// All files in a directory but hidden ones, if it is one.
    Visible,
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

    fn locate(&self, path: &str) -> Location {
        match within(path, &absolute("", self.root)) {
            Some(inside) => Location::Inside(inside.to_owned()),
            None => Location::Outside(path.to_owned()),
        }
    }

    fn resolve(&self, path: &str) -> Option<Location> {
        match self.tree.resolve(path) {
            Resolved::Inside(inside) => Some(Location::Inside(inside)),
            Resolved::Outside(outside) => Some(Location::Outside(outside)),
            Resolved::Unknown => None,
        }
    }

    fn in_scratch(&self, path: &str) -> bool {
        self.scratch
            .iter()
            .any(|scratch| within(path, scratch).is_some_and(|rest| !rest.is_empty()))
    }

    /// Judges a change of the path that `argument` names.
    pub(super) fn change(
        &self,
        argument: &Argument,
        change: Change,
        places: &Places,
    ) -> Result<(), Refusal> {
        let Some(path) = argument.literal() else {
            return self.change_globbed(argument, change, places);
        };
        if path.is_empty() {
            return Err(Refusal::new(&argument.shown, "is no path"));
        }
        if is_written_device(&path) {
            return Ok(());
        }
        for directory in directories(&path, places) {
            let directory = directory.ok_or_else(|| {
                let reason = "would write in a directory that is not known before it runs; \
                              name the path from the project root in a line of its own";
                Refusal::new(&argument.shown, reason)
            })?;
            self.change_one(&argument.shown, &directory, &path, change)?;
        }
        Ok(())
    }

    fn change_one(
        &self,
        shown: &str,
        directory: &str,
        path: &str,
        change: Change,
    ) -> Result<(), Refusal> {
        let named = absolute(directory, path);
        let raw = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{directory}/{path}")
        };
        // As named and as resolved: a link may lead anywhere.
        for location in [Some(self.locate(&named)), self.resolve(&raw)]
            .into_iter()
            .flatten()
        {
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
        let taker = self.write.never.taker(inside);
        if let Some(never) = taker.and_then(|index| self.write.never.get(index)) {
            let reason = format!(
                "would write `{inside}`, which `never write {:?}` forbids",
                never.pattern.as_str()
            );
            return Err(Refusal::new(shown, reason).taken(Capability::Write, inside));
        }
        let kind = self.tree.kind(named);
        let permitted = match change {
            Change::File | Change::Name => {
                self.write.permits(inside) || self.is_directory_to_change(kind, inside)
            }
            Change::Tree => match kind {
                Kind::Missing | Kind::File | Kind::Linked => self.write.permits(inside),
                Kind::Directory | Kind::Unknown => self.permits_all_in(inside, named),
            },
            Change::Directory => inside.is_empty() || self.permits_directory(inside),
            Change::Anything => self.write.permits_tree(inside),
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
            Change::File | Change::Name | Change::Directory => {
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
                let linked =
                    |path: &&String| self.tree.kind(&format!("{named}/{path}")) == Kind::Linked;
                let below = self.tree.below(named).unwrap_or_default();
                let path = below.iter().find(linked)?;
                Some(format!("{inside}/{path}"))
            }
            (
                Change::File | Change::Name | Change::Tree | Change::Directory | Change::Anything,
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
        self.write.permits(inside) || matches!(self.write.overlap(&below), Ok(Some(_)))
    }

    fn permits_all_in(&self, inside: &str, named: &str) -> bool {
        if self.write.permits_tree(inside) {
            return true;
        }
        self.tree.below(named).is_some_and(|below| {
            below
                .iter()
                .all(|path| self.write.permits(&format!("{inside}/{path}")))
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
            if matches!(change, Change::Tree | Change::Anything) {
                argument.pieces.push(Piece::Glob("{,/**}".to_owned()));
            }
            named.push(argument.as_path_pattern(&directory).ok_or_else(unknown)?);
        }
        let entries: Vec<Entry<PathPattern>> = named.iter().cloned().map(Entry::from).collect();
        if let Ok(Some(path)) = automata::taken_among(&entries, &self.write.never) {
            let reason = format!("would write `{path}`, which may not be written");
            return Err(Refusal::new(&argument.shown, reason).taken(Capability::Write, path));
        }
        let all = Grant {
            may: entries,
            ..Grant::default()
        };
        let reaches = change == Change::File;
        // Links among the names are followed as far as anyone looks.
        if matches!(change, Change::File | Change::Name)
            && all.beyond(self.write) == Ok(None)
            && self.no_link_below(argument, places, |path| {
                reaches && named.iter().any(|pattern| pattern.gives(path))
            })
        {
            return Ok(());
        }
        Err(unknown())
    }

    // Whether nothing below the folder that the globs stand in is a link, or has another name where the
    // change would reach what is called so.
    fn no_link_below(
        &self,
        argument: &Argument,
        places: &Places,
        reaches: impl Fn(&str) -> bool,
    ) -> bool {
        let prefix = argument.prefix();
        let parent = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
        places.iter().all(|place| {
            let Place::At(directory) = place else {
                return false;
            };
            let parent = absolute(directory, parent);
            if self.tree.resolve(&parent) == Resolved::Unknown {
                return true;
            }
            let Location::Inside(inside) = self.locate(&parent) else {
                return false;
            };
            self.tree.below(&parent).is_some_and(|below| {
                below.iter().all(|path| {
                    let expected = if inside.is_empty() {
                        path.clone()
                    } else {
                        format!("{inside}/{path}")
                    };
                    let named = format!("{parent}/{path}");
                    !(reaches(&expected) && self.tree.kind(&named) == Kind::Linked)
                        && self.tree.resolve(&named) == Resolved::Inside(expected)
                })
            })
        })
    }

    /// Judges a look at the path that `argument` names, by a program that is known to show it.
    pub(super) fn look(
        &self,
        argument: &Argument,
        look: Look,
        places: &Places,
    ) -> Result<(), Refusal> {
        let Some(path) = argument.literal() else {
            return self.look_globbed(argument, look, places);
        };
        if path.is_empty() || path == "-" || is_read_device(&path) {
            return Ok(());
        }
        for directory in directories(&path, places) {
            let directory = directory.ok_or_else(|| {
                let reason = "would read in a directory that is not known before it runs";
                Refusal::new(&argument.shown, reason)
            })?;
            let named = absolute(&directory, &path);
            let raw = if path.starts_with('/') {
                path.clone()
            } else {
                format!("{directory}/{path}")
            };
            for location in [Some(self.locate(&named)), self.resolve(&raw)]
                .into_iter()
                .flatten()
            {
                match location {
                    Location::Inside(inside) => {
                        self.look_inside(&argument.shown, &inside, &named, look)?;
                    }
                    Location::Outside(outside) => self.look_outside(&argument.shown, &outside)?,
                }
            }
        }
        Ok(())
    }

    fn look_outside(&self, shown: &str, outside: &str) -> Result<(), Refusal> {
        let system = SYSTEM_DIRECTORIES
            .iter()
            .any(|system| within(outside, system).is_some());
        let toolchain = self
            .toolchains
            .iter()
            .any(|toolchain| within(outside, toolchain).is_some());
        let scratch = self
            .scratch
            .iter()
            .any(|scratch| within(outside, scratch).is_some());
        if system || toolchain || scratch {
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
        look: Look,
    ) -> Result<(), Refusal> {
        self.may_read(shown, inside)?;
        let kind = self.tree.kind(named);
        if look == Look::File || kind.is_file() || kind == Kind::Missing {
            return Ok(());
        }
        if let Some(below) = self.tree.below(named) {
            for path in below {
                let hidden = path.split('/').any(|segment| segment.starts_with('.'));
                if look == Look::Visible && hidden {
                    continue;
                }
                let path = if inside.is_empty() {
                    path
                } else {
                    format!("{inside}/{path}")
                };
                self.may_read(shown, &path)?;
            }
            return Ok(());
        }
        let found = PathPattern::below(inside)
            .ok()
            .and_then(|below| self.never_read_among(below));
        match found {
            Some(path) => {
                let reason = format!(
                    "would read all of a directory, and `{path}` may not be read; name the files"
                );
                Err(Refusal::new(shown, reason).taken(Capability::Read, path))
            }
            None => Ok(()),
        }
    }

    // Some path that the pattern names and that may not be read.
    fn never_read_among(&self, pattern: PathPattern) -> Option<String> {
        match automata::taken_among(&[Entry::from(pattern)], &self.read.never) {
            Ok(found) => found,
            Err(_) => Some("some file".to_owned()),
        }
    }

    /// Judges a path that any command names, of which nothing is known but its name.
    pub(super) fn mention(&self, text: &str, shown: &str, places: &Places) -> Result<(), Refusal> {
        if self.read.never.is_empty() || text.is_empty() {
            return Ok(());
        }
        for directory in directories(text, places).flatten() {
            if let Location::Inside(inside) = self.locate(&absolute(&directory, text)) {
                self.may_read(shown, &inside)?;
            }
        }
        Ok(())
    }

    fn may_read(&self, shown: &str, inside: &str) -> Result<(), Refusal> {
        let Some(never) = self.read.never.iter().find(|entry| entry.takes(inside)) else {
            return Ok(());
        };
        let never = never.pattern.as_str();
        let reason = format!("would read `{inside}`, which `never read {never:?}` forbids");
        Err(Refusal::new(shown, reason).taken(Capability::Read, inside))
    }

    fn look_globbed(
        &self,
        argument: &Argument,
        look: Look,
        places: &Places,
    ) -> Result<(), Refusal> {
        let unknown = || {
            let reason =
                "names a file to read that is not known before it runs; write the path out";
            Refusal::new(&argument.shown, reason)
        };
        if argument.is_unknown() || argument.prefix().starts_with('/') {
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
            if look != Look::File {
                argument.pieces.push(Piece::Glob("{,/**}".to_owned()));
            }
            let pattern = argument.as_path_pattern(&directory).ok_or_else(unknown)?;
            if let Some(path) = self.never_read_among(pattern) {
                let reason = format!("would read `{path}`, which may not be read");
                return Err(Refusal::new(&argument.shown, reason).taken(Capability::Read, path));
            }
        }
        Ok(())
    }
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
