//! The files of a project, as far as sections read them.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;
use rustix::fs::OFlags;

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
        // A list is to be the same for everyone: what one machine or one clone alone ignores plays no
        // part, and neither does what stands above the project.
        let mut walk = WalkBuilder::new(&self.root);
        walk.hidden(false)
            .ignore(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false);
        let root = self.root.clone();
        let leading: Vec<String> = patterns
            .iter()
            .map(|entry| entry.pattern.leading().to_owned())
            .collect();
        walk.filter_entry(move |entry| {
            let path = entry.path().strip_prefix(&root).ok();
            let path = path.and_then(Path::to_str).unwrap_or_default();
            entry.file_name() != ".git" && leading.iter().any(|leading| meets(path, leading))
        });
        let mut paths = Vec::new();
        for entry in walk.build() {
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
        match open_below(&self.root, path) {
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

// Whether one of the paths is the other, or lies below it.
fn meets(one: &str, two: &str) -> bool {
    let is_below = |path: &str, folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
    };
    is_below(one, two) || is_below(two, one)
}

/// Files of which some are on no list, such as those that are written from the lists.
#[derive(Debug, Clone)]
pub struct Without<F> {
    files: F,
    paths: BTreeSet<String>,
}

impl<F> Without<F> {
    /// Returns `files` with `paths` on no list. They can still be read.
    pub const fn new(files: F, paths: BTreeSet<String>) -> Self {
        Self { files, paths }
    }
}

impl<F: ProjectFiles> ProjectFiles for Without<F> {
    fn list(&self, patterns: &[Entry<PathPattern>]) -> io::Result<Vec<String>> {
        let mut listed = self.files.list(patterns)?;
        listed.retain(|path| !self.paths.contains(path));
        Ok(listed)
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        self.files.read(path, limit)
    }
}

impl<F: ProjectFiles> ProjectFiles for &F {
    fn list(&self, patterns: &[Entry<PathPattern>]) -> io::Result<Vec<String>> {
        (*self).list(patterns)
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        (*self).read(path, limit)
    }
}

/// Opens the file at `path` for reading. Waits for nobody: what is no plain file, such as a pipe, is
/// not opened.
///
/// # Errors
///
/// Where there is no such file, it is something else, or the system refuses.
pub fn open_file(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its writer.
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is something other than a file",
        ))
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn open_below(root: &Path, path: &str) -> io::Result<Option<File>> {
    let place = root.join(path).canonicalize()?;
    if !place.starts_with(root.canonicalize()?) {
        return Ok(None);
    }
    match open_file(&place) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, process::Command};

    use super::*;

    fn made(paths: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in paths {
            let place = home.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        home
    }

    fn listed(root: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|text| Entry::from(text.parse::<PathPattern>().unwrap()))
            .collect();
        Folder::new(root).list(&patterns).unwrap()
    }

    #[test]
    fn a_list_is_the_same_in_every_clone() {
        // What is ignored above the project, in one clone alone, or by a file that is not git's.
        let home = made(&[
            (".gitignore", "*.rs\n"),
            ("project/.git/info/exclude", "b.rs\n"),
            ("project/.ignore", "c.rs\n"),
            ("project/a.rs", ""),
            ("project/b.rs", ""),
            ("project/c.rs", ""),
            ("project/d.rs", ""),
            ("project/in/.gitignore", "a.rs\n"),
            ("project/in/a.rs", ""),
            ("project/.gitignore", "d.rs\n"),
        ]);
        let root = home.path().join("project");
        assert_eq!(listed(&root, &["**/*.rs"]), ["a.rs", "b.rs", "c.rs"]);
    }

    #[test]
    fn only_the_folders_are_entered_that_a_pattern_can_name_something_in() {
        let home = made(&[
            ("src/a/b.rs", ""),
            ("src/c.rs", ""),
            ("srcs/d.rs", ""),
            ("one/file.txt", ""),
            ("one/other.txt", ""),
            ("target/e.rs", ""),
        ]);
        let patterns = ["src/**/*.rs", "one/file.txt"];
        let then = ["one/file.txt", "src/a/b.rs", "src/c.rs"];
        assert_eq!(listed(home.path(), &patterns), then);
        // A folder that can't be read is no matter to who does not look there.
        if Command::new("id").arg("-u").output().unwrap().stdout != b"0\n" {
            let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
            fs::set_permissions(home.path().join("target"), closed).unwrap();
            assert_eq!(listed(home.path(), &patterns), then);
        }
        for (one, two, then) in [
            ("", "src", true),
            ("src", "src/a", true),
            ("src/a", "src", true),
            ("src", "", true),
            ("srcs", "src", false),
            ("one", "src", false),
        ] {
            assert_eq!(meets(one, two), then, "{one} {two}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let home = made(&[("file", "x")]);
        let pipe = home.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(open_file(&home.path().join("file")).is_ok());
        for path in [&pipe, home.path()] {
            let error = open_file(path).unwrap_err();
            assert_eq!(error.to_string(), "it is something other than a file");
        }
        assert_eq!(Folder::new(home.path()).read("pipe", 9).unwrap(), None);
    }

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
