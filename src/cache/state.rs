//! What a directory takes over from the one above it: the rules for what is ignored, the repository
//! it is in, and what the selections want there.

use std::{
    fs::File,
    io::{self, Read as _},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, openat, statat},
    io::Errno,
};

use super::{
    ScanError, Scanner, WorkTree,
    git::Repository,
    gitignore::Rules,
    seen::Sources,
    selection::{Reach, Selector},
};

/// The file with the rules for a directory and what is below it.
pub(super) const IGNORE_FILE: &str = ".gitignore";

/// What a directory takes over from the one above it.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) reaches: Arc<Vec<Reach>>,
    pub(super) rules: Option<Arc<Rules>>,
    pub(super) repository: Option<At>,
    /// Whether all in it is ignored that is not tracked.
    pub(super) ignored: bool,
    /// The outermost ignored directory that it is in, seen from the root.
    pub(super) ignored_top: Option<Arc<[u8]>>,
    /// Whether it is looked into only because a pattern names it.
    pub(super) named: bool,
}

/// A repository, and how long the path of its top is, with its last slash.
#[derive(Debug, Clone)]
pub(super) struct At {
    repository: Arc<Repository>,
    top: usize,
    // The one whose work tree this one is in, which may track files here all the same.
    outer: Option<Arc<At>>,
}

impl State {
    /// Takes over nothing but the selections, and what is tracked, if the directory is the top of
    /// another work tree: `full` is its path as the top of the outer one sees it, `path` that on disk.
    pub(super) fn enter_repository(&mut self, full: &[u8], path: &Path, sources: &Sources) {
        let Some(repository) = sources.repository(path.join(".git")) else {
            return;
        };
        let excludes = sources.text(repository.excludes()).unwrap_or_default();
        self.rules = Some(Arc::new(Rules::parse(full, &excludes, None)));
        self.repository = Some(At {
            repository,
            top: full.len() + 1,
            outer: self.repository.take().map(Arc::new),
        });
        self.ignored = false;
        self.ignored_top = None;
    }

    /// Adds the rules of the ignore file in `directory`, whose path is `full`, if it has one. Returns
    /// its text.
    pub(super) fn read_rules(
        &mut self,
        directory: BorrowedFd<'_>,
        full: &[u8],
    ) -> Result<Option<Vec<u8>>, Errno> {
        let text = read_ignore_file(directory)?;
        if let Some(text) = &text {
            let full = full.strip_suffix(b"/").unwrap_or(full);
            self.rules = Some(Arc::new(Rules::parse(full, text, self.rules.take())));
        }
        Ok(text)
    }

    /// Returns whether this path, as seen from the top of the work tree, is tracked although it
    /// is ignored; a directory, whether something in it is.
    pub(super) fn tracks(&self, path: &[u8], is_directory: bool) -> Result<bool, ScanError> {
        let mut next = self.repository.as_ref();
        while let Some(at) = next {
            let path = path.get(at.top..).unwrap_or_default();
            let tracks = if is_directory {
                at.repository.tracks_within(path)
            } else {
                at.repository.tracks(path)
            };
            if tracks.map_err(ScanError::Repository)? {
                return Ok(true);
            }
            next = at.outer.as_deref();
        }
        Ok(false)
    }
}

/// Reads an ignore file as git does: a regular file, and not through a link.
pub(super) fn read_ignore_file(directory: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match statat(directory, IGNORE_FILE, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {}
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = match openat(directory, IGNORE_FILE, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    let read = (&file).read_to_end(&mut text);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(Some(text))
}

/// Returns where the root lies in its work tree, and what holds for it from outside.
pub(super) fn surroundings(
    scanner: &Scanner,
    selector: &Selector<'_>,
    sources: &Sources,
) -> Result<(Vec<u8>, State), ScanError> {
    let mut state = State {
        reaches: Arc::new(selector.root()),
        rules: None,
        repository: None,
        ignored: false,
        ignored_top: None,
        named: false,
    };
    let outside = Ok((Vec::new(), state.clone()));
    let root_failed = |reason: io::Error| ScanError::Unreadable {
        path: ".".to_owned(),
        reason,
    };
    let (top, repository) = match &scanner.work_tree {
        WorkTree::None => return outside,
        WorkTree::GitDirectory(directory) => (None, sources.given_repository(directory.clone())),
        WorkTree::Discover => {
            let root = scanner.root.canonicalize().map_err(root_failed)?;
            let mut found = root.ancestors().filter_map(|top| {
                let repository = sources.repository(top.join(".git"));
                repository.map(|repository| (top.to_path_buf(), repository))
            });
            let Some((top, repository)) = found.next() else {
                return outside;
            };
            (Some((root.clone(), top)), repository)
        }
    };
    let excludes = sources.text(repository.excludes()).unwrap_or_default();
    state.rules = Some(Arc::new(Rules::parse(b"", &excludes, None)));
    let mut prefix: Vec<u8> = Vec::new();
    if let Some((root, top)) = top {
        let mut here = top.clone();
        for segment in root
            .strip_prefix(&top)
            .unwrap_or(Path::new(""))
            .components()
        {
            let opened = File::open(&here).map_err(root_failed)?;
            state
                .read_rules(opened.as_fd(), &prefix)
                .map_err(|error| root_failed(error.into()))?;
            sources.text(here.join(IGNORE_FILE));
            let name = segment.as_os_str();
            here.push(name);
            prefix.extend_from_slice(name.as_bytes());
            if state
                .rules
                .as_ref()
                .is_some_and(|rules| rules.ignores(&prefix, true))
            {
                // Ignored with all that is in it; it is in that work tree if something is tracked.
                state.ignored = true;
            }
            prefix.push(b'/');
        }
    }
    let within = prefix.strip_suffix(b"/").unwrap_or_default();
    if state.ignored
        && !repository
            .tracks_within(within)
            .map_err(ScanError::Repository)?
    {
        return outside;
    }
    state.repository = Some(At {
        repository,
        top: 0,
        outer: None,
    });
    Ok((prefix, state))
}
