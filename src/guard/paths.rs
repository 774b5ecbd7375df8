//! Paths as named and as resolved.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

// As many as Linux follows.
const MOST_LINKS: u32 = 40;

/// Why a path can't be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum PathFault {
    /// A home, which only a shell knows.
    #[error("`{0}` begins with `~`; give the whole path")]
    Home(String),
    /// More links than anyone follows.
    #[error("`{0}` leads through too many links")]
    Loop(String),
    /// The file system does not say what is there.
    #[error("`{path}` can't be looked up: {cause}")]
    Unknown {
        /// The path.
        path: String,
        /// Why.
        cause: io::Error,
    },
}

/// What a tool reaches by a path.
#[derive(Debug)]
pub(super) struct Target {
    /// The absolute paths that it may take the name for: as written, and with every link followed.
    pub paths: Vec<PathBuf>,
    /// What is there now; of several things the least harmless.
    pub kind: Kind,
}

/// What is at a path, the least harmless last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Nothing.
    Missing,
    /// A file with one name.
    File,
    /// A directory.
    Directory,
    /// A file with several names.
    Linked,
    /// A device, a socket, a pipe.
    Special,
}

/// Finds out what `named` means in the folder `cwd`.
pub(super) fn target(cwd: &Path, named: &str) -> Result<Target, PathFault> {
    if named.starts_with('~') {
        return Err(PathFault::Home(named.to_owned()));
    }
    let unknown = |cause| PathFault::Unknown {
        path: named.to_owned(),
        cause,
    };
    if !cwd.is_absolute() {
        return Err(unknown(io::ErrorKind::InvalidInput.into()));
    }
    let written = cwd.join(named);
    let plain = without_dots(&written);
    // A client that takes `a/../b` for `b` and a kernel that follows `a` first may differ.
    let mut paths = vec![plain.clone()];
    let mut kind = Kind::Missing;
    for path in [&plain, &written] {
        let followed = follow(path).map_err(|fault| match fault {
            Fault::Loop => PathFault::Loop(named.to_owned()),
            Fault::Io(cause) => unknown(cause),
        })?;
        kind = kind.max(Kind::of(&followed).map_err(unknown)?);
        if !paths.contains(&followed) {
            paths.push(followed);
        }
    }
    Ok(Target { paths, kind })
}

impl Kind {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(data) if data.is_file() && data.nlink() > 1 => Ok(Self::Linked),
            Ok(data) if data.is_file() => Ok(Self::File),
            Ok(data) if data.is_dir() => Ok(Self::Directory),
            Ok(_) => Ok(Self::Special),
            Err(error) if is_missing(&error) => Ok(Self::Missing),
            Err(error) => Err(error),
        }
    }
}

/// Returns `path` relative to the folder of `roots` that it is in; empty for the folder itself.
pub(super) fn within(roots: &[PathBuf], path: &Path) -> Option<String> {
    let inner = roots.iter().find_map(|root| path.strip_prefix(root).ok())?;
    inner.to_str().map(ToOwned::to_owned)
}

/// Returns the spellings of a folder: as given, and with its links followed.
pub(super) fn spellings(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![without_dots(folder)];
    if let Ok(real) = folder.canonicalize()
        && !found.contains(&real)
    {
        found.push(real);
    }
    found
}

/// Returns `a/./b//c/../d` as `a/b/d`, by the text alone.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum Fault {
    /// Through too many links.
    Loop,
    /// The file system does not say.
    Io(io::Error),
}

/// Returns where `path` leads, as the kernel would open it for writing: links to what is not there yet
/// are followed too.
pub(super) fn follow(path: &Path) -> Result<PathBuf, Fault> {
    let mut left: VecDeque<OsString> = path
        .components()
        .map(|part| part.as_os_str().into())
        .collect();
    let mut real = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::Normal(_)) => {}
            Some(Component::ParentDir) => {
                real.pop();
                continue;
            }
            Some(Component::RootDir) => {
                real = PathBuf::from("/");
                continue;
            }
            Some(Component::CurDir | Component::Prefix(_)) | None => continue,
        }
        real.push(&part);
        match fs::symlink_metadata(&real) {
            Ok(data) if data.is_symlink() => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Fault::Loop);
                }
                let target = fs::read_link(&real).map_err(Fault::Io)?;
                real.pop();
                for part in target.components().rev() {
                    left.push_front(part.as_os_str().into());
                }
            }
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(Fault::Io(error)),
        }
    }
    Ok(real)
}

/// Returns whether an error says that there is nothing at a path.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        path::{Path, PathBuf},
    };

    use super::{Kind, PathFault, target};

    #[test]
    fn a_path_is_known_by_every_name_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("app/deep")).unwrap();
        fs::create_dir_all(root.join("other/deep")).unwrap();
        fs::write(root.join("app/a"), "").unwrap();
        fs::write(root.join("app/b"), "").unwrap();
        fs::hard_link(root.join("app/b"), root.join("other/b")).unwrap();
        symlink("../other/new", root.join("app/dangling")).unwrap();
        symlink("../other/deep", root.join("app/link")).unwrap();
        symlink("/etc", root.join("app/out")).unwrap();
        symlink("loop", root.join("app/loop")).unwrap();

        // (as named in `app`, the paths it stands for, what is there)
        let cases: [(&str, &[&str], Kind); 12] = [
            ("a", &["app/a"], Kind::File),
            ("./../app//a", &["app/a"], Kind::File),
            ("b", &["app/b"], Kind::Linked),
            ("new/x", &["app/new/x"], Kind::Missing),
            ("a/x", &["app/a/x"], Kind::Missing),
            ("deep", &["app/deep"], Kind::Directory),
            ("dangling", &["app/dangling", "other/new"], Kind::Missing),
            ("link/x", &["app/link/x", "other/deep/x"], Kind::Missing),
            ("link/../b", &["app/b", "other/b"], Kind::Linked),
            ("out/hosts", &["app/out/hosts", "/etc/hosts"], Kind::File),
            ("gone/../a", &["app/a"], Kind::File),
            ("/dev/null", &["/dev/null"], Kind::Special),
        ];
        for (named, paths, kind) in cases {
            let found = target(&root.join("app"), named).unwrap();
            let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
            assert_eq!(found.paths, paths, "{named}");
            assert_eq!(found.kind, kind, "{named}");
        }
        assert!(matches!(target(&root, "app/loop"), Err(PathFault::Loop(_))));
        assert!(matches!(target(&root, "~/x"), Err(PathFault::Home(_))));
        assert!(matches!(
            target(Path::new("x"), "a"),
            Err(PathFault::Unknown { .. })
        ));
    }
}
