//! Shell lines: the judge is asked, with what it has to know of the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;
use walkdir::WalkDir;

use super::{Place, Refusal, RefusalKind, paths};
use crate::{
    boundary::{self, Boundary, Entry, Grant, Kind, PathPattern, Resolved, Scope, Tree, judge},
    cache, client,
};

// A folder with more in it is not looked through; the judge then assumes the worst.
const MOST_FILES: usize = 50_000;

/// Judges `line`, which is to run in `cwd`. `kept` is what the role may not write besides what its
/// boundary says, `scratch` what it may.
pub(super) fn judge_line(
    line: &str,
    cwd: &Path,
    place: &Place,
    boundary: &Boundary,
    kept: Vec<Entry<PathPattern>>,
    scratch: &[Entry<PathPattern>],
) -> Result<(), Refusal> {
    let roots = paths::spellings(&place.root);
    let root = roots.last().unwrap_or(&place.root);
    let text = |path: &Path| {
        let text = path.to_str().map(ToOwned::to_owned);
        let unclear = || format!("`{}` is no path that can be judged", path.display());
        text.ok_or_else(|| Refusal::unclear(unclear()))
    };
    let Some(inner) = paths::within(&roots, cwd) else {
        let why = format!("the shell is in `{}`, outside the project", cwd.display());
        return Err(Refusal::new(RefusalKind::Outside, why));
    };

    let mut write = boundary.write.clone();
    write.never.extend(kept);
    write.may.extend_from_slice(scratch);
    if let Some(only) = &mut write.only {
        only.extend_from_slice(scratch);
    }
    // Temporary files are the agent's own only where it has a private folder for them.
    let private = place.private.iter().map(|folder| text(&folder.join("tmp")));
    let own = private.collect::<Result<Vec<_>, _>>()?;
    let toolchains: Vec<String> = client::toolchains(&place.environment)
        .iter()
        .chain(&place.private)
        .filter_map(|folder| folder.to_str().map(ToOwned::to_owned))
        .collect();
    let disk = Disk::new(root.clone()).with_environment(&place.environment);
    let scope = Scope {
        run: &boundary.run,
        write: &write,
        read: &boundary.read,
        env: &boundary.env,
        root: &text(root)?,
        cwd: &inner,
        scratch: &own,
        toolchains: &toolchains,
        tree: &disk,
    };
    judge(line, &scope).map_err(Refusal::from)
}

/// Returns the first write of `line`, which a person's session is about to run in `cwd`, that reaches
/// something in `kept`; as far as the line can be read.
pub(super) fn written(
    line: &str,
    cwd: &Path,
    place: &Place,
    kept: Vec<Entry<PathPattern>>,
) -> Option<boundary::Refusal> {
    let roots = paths::spellings(&place.root);
    let root = roots.last().unwrap_or(&place.root);
    // Everything else is that person's to do.
    let write = Grant {
        may: vec!["**".parse::<PathPattern>().ok()?.into()],
        never: kept.into(),
        only: None,
    };
    let run = Grant {
        may: vec!["*".parse::<boundary::CommandPattern>().ok()?.into()],
        ..Grant::default()
    };
    let env = Grant {
        may: vec!["*".parse::<boundary::NamePattern>().ok()?.into()],
        ..Grant::default()
    };
    let anywhere = ["/".to_owned()];
    let cwd = paths::within(&roots, cwd).or_else(|| cwd.to_str().map(ToOwned::to_owned));
    let disk = Disk::new(root.clone());
    let scope = Scope {
        run: &run,
        write: &write,
        read: &Grant::default(),
        env: &env,
        root: root.to_str()?,
        cwd: &cwd?,
        scratch: &anywhere,
        toolchains: &anywhere,
        tree: &disk,
    };
    boundary::write_against(line, &scope)
}

/// The project as it is on the disk.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    variables: BTreeSet<OsString>,
}

impl Disk {
    /// Returns the project at `root`, an absolute path without links.
    pub const fn new(root: PathBuf) -> Self {
        Self {
            root,
            variables: BTreeSet::new(),
        }
    }

    /// Tells which variables a shell gets that is started in it.
    #[must_use]
    pub fn with_environment(mut self, environment: &BTreeMap<OsString, OsString>) -> Self {
        self.variables = environment.keys().cloned().collect();
        self
    }
}

// All files that a walk finds, relative to the folder; nothing if some of it can't be seen, or it is too much.
fn walked(walk: &WalkBuilder, folder: &Path) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for entry in walk.build() {
        let entry = entry.ok()?;
        if entry.file_type().is_none_or(|kind| kind.is_dir()) {
            continue;
        }
        if found.len() >= MOST_FILES {
            return None;
        }
        found.push(entry.path().strip_prefix(folder).ok()?.to_str()?.to_owned());
    }
    Some(found)
}

impl Tree for Disk {
    fn kind(&self, path: &str) -> Kind {
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => Kind::Directory,
            Ok(data) if data.is_file() && data.nlink() > 1 => Kind::Linked,
            Ok(_) => Kind::File,
            // A link to nothing is something.
            Err(error) if paths::is_missing(&error) => match fs::symlink_metadata(path) {
                Ok(_) => Kind::File,
                Err(error) if paths::is_missing(&error) => Kind::Missing,
                Err(_) => Kind::Unknown,
            },
            Err(_) => Kind::Unknown,
        }
    }

    fn resolve(&self, path: &str) -> Resolved {
        let Ok(real) = paths::follow(Path::new(path)) else {
            return Resolved::Unknown;
        };
        let inside = real.strip_prefix(&self.root).ok().map(Path::to_str);
        match (inside, real.to_str()) {
            (Some(Some(inner)), _) => Resolved::Inside(inner.to_owned()),
            (None, Some(outer)) => Resolved::Outside(outer.to_owned()),
            (Some(None), _) | (None, None) => Resolved::Unknown,
        }
    }

    fn below(&self, directory: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        // A link to a folder is entered by those who name it, and by no walk.
        let folder = Path::new(directory).canonicalize().ok()?;
        for entry in WalkDir::new(&folder).follow_links(false).min_depth(1) {
            let entry = entry.ok()?;
            if entry.file_type().is_dir() {
                continue;
            }
            if found.len() >= MOST_FILES {
                return None;
            }
            found.push(
                entry
                    .path()
                    .strip_prefix(&folder)
                    .ok()?
                    .to_str()?
                    .to_owned(),
            );
        }
        Some(found)
    }

    fn names(&self, directory: &str) -> Option<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory).ok()? {
            names.push(entry.ok()?.file_name().into_string().ok()?);
            if names.len() > MOST_FILES {
                return None;
            }
        }
        Some(names)
    }

    fn link(&self, path: &str) -> Option<String> {
        fs::read_link(path)
            .ok()?
            .into_os_string()
            .into_string()
            .ok()
    }

    fn searched(&self, directory: &str) -> Option<Vec<String>> {
        let folder = Path::new(directory).canonicalize().ok()?;
        // A rule that is left out here only makes more files count.
        let mut walk = WalkBuilder::new(&folder);
        walk.git_global(false)
            .git_exclude(false)
            .add_custom_ignore_filename(".rgignore");
        walked(&walk, &folder)
    }

    fn tracked(&self) -> Option<Vec<String>> {
        cache::tracked_paths(&self.root)
    }

    fn addable(&self) -> Option<Vec<String>> {
        // A rule that is left out here only makes more files count.
        let mut walk = WalkBuilder::new(&self.root);
        walk.hidden(false)
            .ignore(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .filter_entry(|entry| entry.file_name() != ".git");
        walked(&walk, &self.root)
    }

    fn exports(&self, name: &str) -> bool {
        self.variables.contains(OsStr::new(name))
    }
}
