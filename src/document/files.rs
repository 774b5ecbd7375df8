//! The files of a project, as far as sections read them.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;

use crate::boundary::{Entry, PathPattern};

/// The files of a project. Paths are relative to its root, with slashes.
pub trait ProjectFiles {
    /// Returns the paths of the files that `patterns` mean and git does not ignore, in the order of
    /// their bytes. A path that is no UTF-8 is left out.
    ///
    /// # Errors
    ///
    /// Where a folder can't be read.
    fn list(&self, patterns: &[Entry<PathPattern>]) -> io::Result<Vec<String>>;

    /// Returns the first `limit` bytes of a file, or nothing where there is no such file.
    ///
    /// # Errors
    ///
    /// Where it can't be read.
    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;
}

/// The files below one folder, read when asked. What a link shows outside of the folder is not
/// there.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Returns the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl ProjectFiles for Folder {
    fn list(&self, patterns: &[Entry<PathPattern>]) -> io::Result<Vec<String>> {
        // The owner's global ignore file plays no part: everyone's list is to be the same.
        let walk = WalkBuilder::new(&self.root)
            .hidden(false)
            .ignore(false)
            .git_global(false)
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        let mut paths = Vec::new();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                // What vanishes during the walk is not there.
                Err(error) if error.io_error().is_some_and(is_gone) => continue,
                Err(error) => return Err(io::Error::other(error)),
            };
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            let relative = entry.path().strip_prefix(&self.root).ok();
            let Some(path) = relative.and_then(Path::to_str) else {
                continue;
            };
            if patterns.iter().any(|pattern| pattern.gives(path)) {
                paths.push(path.to_owned());
            }
        }
        paths.sort_unstable();
        Ok(paths)
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match open(&self.root, path) {
            Ok(Some(file)) => {
                let mut bytes = Vec::new();
                file.take(limit).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Ok(None) => Ok(None),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn open(root: &Path, path: &str) -> io::Result<Option<File>> {
    let place = root.join(path).canonicalize()?;
    if !place.starts_with(root.canonicalize()?) || !fs::metadata(&place)?.is_file() {
        return Ok(None);
    }
    File::open(place).map(Some)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_list_has_what_git_does_not_ignore() {
        let home = tempfile::tempdir().unwrap();
        for path in [
            "b/x.rs",
            "a.rs",
            "a.txt",
            ".git/c.rs",
            "target/d.rs",
            ".hidden/e.rs",
        ] {
            let place = home.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, "").unwrap();
        }
        fs::write(home.path().join(".gitignore"), "target/\n").unwrap();
        let patterns = [Entry::from("**/*.rs".parse::<PathPattern>().unwrap())];
        let listed = Folder::new(home.path()).list(&patterns).unwrap();
        assert_eq!(listed, [".hidden/e.rs", "a.rs", "b/x.rs"]);
    }

    #[test]
    fn what_lies_outside_is_not_there() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("own"), "hello").unwrap();
        fs::create_dir(home.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), home.path().join("link")).unwrap();
        symlink("own", home.path().join("alias")).unwrap();
        let files = Folder::new(home.path());
        let up = format!(
            "../{}/secret",
            outside.path().file_name().unwrap().to_str().unwrap()
        );
        for (path, then) in [
            ("own", Some("hell")),
            ("alias", Some("hell")),
            ("link", None),
            (up.as_str(), None),
            ("folder", None),
            ("own/x", None),
            ("missing", None),
        ] {
            let read = files.read(path, 4).unwrap();
            assert_eq!(read.as_deref(), then.map(str::as_bytes), "{path}");
        }
    }
}
