//! What a line changes, and whether it may.

use super::{
    Kind, Obstacle, Refusal,
    arguments::{self, Argument},
    places::{Ground, Location, Places, Spelt, by_link, is_descriptor, read_differently},
};
use crate::boundary::{Capability, Entry, Grant, PathPattern, automata};

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
    /// The patches of `git format-patch` come to lie in it, a directory that is made where there is none.
    Patches,
    /// Anything at all may come to lie below it.
    Anything,
}

// What `git format-patch` calls what it writes: a number before the name, or a version before the number.
const PATCHES: &str = "[0-9v]*.patch";

impl Ground<'_> {
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
            for spelt in self.spelt(&path, "write", &argument.shown, places)? {
                self.change_one(&argument.shown, &spelt, change)?;
            }
        }
        Ok(())
    }

    fn change_one(&self, shown: &str, spelt: &Spelt, change: Change) -> Result<(), Refusal> {
        let Spelt { named, raw } = spelt;
        let leads = |link: &&str| match change {
            Change::Restored => false,
            Change::Name => link != named,
            Change::File
            | Change::Directory
            | Change::Tree
            | Change::Patches
            | Change::Anything => true,
        };
        if let Some(link) = self.unsettled(named, false).filter(leads) {
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
            (_, _) => self.resolve(raw),
        };
        for location in [Some(self.locate(named)), real].into_iter().flatten() {
            match location {
                Location::Inside(inside) => self.change_inside(shown, &inside, named, change)?,
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
        if inside.is_empty() && !matches!(change, Change::Directory | Change::Patches) {
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
            Change::File
            | Change::Name
            | Change::Directory
            | Change::Patches
            | Change::Anything => self.kind(named),
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
            Change::Patches => self.permits_patches(inside, named),
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
            Change::Patches => {
                let patches = format!("{inside}/*.patch");
                let patches = patches.trim_start_matches('/').to_owned();
                (format!("would write `{patches}`"), patches)
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
                | Change::Patches
                | Change::Anything,
                _,
            ) => None,
        }
    }

    // New ones have a name that nobody knows; those that are there may be links, or have other names.
    fn permits_patches(&self, inside: &str, named: &str) -> bool {
        let directory = if inside.is_empty() {
            String::new()
        } else {
            format!("{}/", arguments::escape(inside))
        };
        let Ok(pattern) = format!("{directory}{PATCHES}").parse::<PathPattern>() else {
            return false;
        };
        let patches = Grant {
            may: vec![pattern.into()],
            ..Grant::default()
        };
        let one = |name: &String| {
            let spelt = Spelt::new(named, name);
            name.strip_suffix(".patch").is_none()
                || self.change_one(name, &spelt, Change::File).is_ok()
        };
        let directory = inside.is_empty() || self.permits_directory(inside);
        let unknown = self.is_filled(named) || self.unsettled(named, true).is_some();
        let there = match self.scope.tree.names(named) {
            Some(names) => !unknown && names.iter().all(one),
            None => !unknown && (!self.looks() || self.scope.tree.kind(named) == Kind::Missing),
        };
        directory && patches.beyond_within(self.scope.write, self.work()) == Ok(None) && there
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
        let below = !matches!(change, Change::File | Change::Name | Change::Directory);
        let named = self.patterns(argument, below, places).ok_or_else(unknown)?;
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
}

fn is_written_device(path: &str) -> bool {
    matches!(
        path,
        "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty"
    ) || is_descriptor(path)
}
