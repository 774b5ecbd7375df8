//! New files, put where nothing stands yet.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// A file that is written into a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path, relative to the root of the project.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it can be run.
    pub executable: bool,
}

impl File {
    /// Returns a file that can't be run.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            executable: false,
        }
    }
}

/// What [`place`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// The paths that were written.
    pub written: Vec<String>,
    /// The paths that had the same bytes already.
    pub same: Vec<String>,
}

/// Why nothing was placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Other files stand there.
    #[error("{} already there", .0.join(", "))]
    Taken(Vec<String>),
    /// A folder on the way is a link, which could lead anywhere.
    #[error("`{0}` is a link or a file, and files of the factory belong into that folder")]
    NotAFolder(String),
    /// A file could not be read or written.
    #[error("can't write `{path}`")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Writes `files` into `root`, all or none, the first of them last. What stands there already is
/// never changed: with other bytes it stops everything.
///
/// # Errors
///
/// Where something else stands in the way, or can't be written; then nothing is left behind.
pub fn place(root: &Path, files: &[File]) -> Result<Placed, PlaceError> {
    let mut placed = Placed::default();
    let mut fresh = Vec::new();
    let mut taken = Vec::new();
    for file in files {
        folders_of(root, &file.path)?;
        match fs::symlink_metadata(root.join(&file.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fresh.push(file),
            Ok(data) if data.is_file() && same(root, file)? => placed.same.push(file.path.clone()),
            Ok(_) => taken.push(file.path.clone()),
            Err(cause) => {
                return Err(PlaceError::File {
                    path: file.path.clone(),
                    cause,
                });
            }
        }
    }
    if !taken.is_empty() {
        return Err(PlaceError::Taken(taken));
    }
    let mut made = Made::default();
    // A factory without its prompts would be broken, prompts without a factory are only files.
    for file in fresh.iter().rev() {
        if let Err(cause) = made.write(root, file) {
            made.undo();
            return Err(match cause.kind() {
                io::ErrorKind::AlreadyExists => PlaceError::Taken(vec![file.path.clone()]),
                _ => PlaceError::File {
                    path: file.path.clone(),
                    cause,
                },
            });
        }
    }
    placed
        .written
        .extend(fresh.iter().map(|file| file.path.clone()));
    Ok(placed)
}

fn same(root: &Path, file: &File) -> Result<bool, PlaceError> {
    let bytes = fs::read(root.join(&file.path));
    let bytes = bytes.map_err(|cause| PlaceError::File {
        path: file.path.clone(),
        cause,
    })?;
    Ok(bytes == file.text.as_bytes())
}

fn folders_of(root: &Path, path: &str) -> Result<(), PlaceError> {
    let mut folder = PathBuf::new();
    for part in Path::new(path)
        .parent()
        .into_iter()
        .flat_map(Path::components)
    {
        folder.push(part);
        if fs::symlink_metadata(root.join(&folder)).is_ok_and(|data| !data.is_dir()) {
            return Err(PlaceError::NotAFolder(folder.display().to_string()));
        }
    }
    Ok(())
}

// What was made so far, in order.
#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, root: &Path, file: &File) -> io::Result<()> {
        let path = root.join(&file.path);
        let folder = path.parent().unwrap_or(root);
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|folder| !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        let mut temporary = NamedTempFile::new_in(folder)?;
        temporary.write_all(file.text.as_bytes())?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        temporary
            .as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
        temporary
            .persist_noclobber(&path)
            .map_err(|error| error.error)?;
        self.files.push(path);
        Ok(())
    }

    // As far as possible: an error has happened already, and that one is told.
    fn undo(&self) {
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> [File; 3] {
        [
            File::new("a.kdl", "a"),
            File::new("deep/er/b.md", "b"),
            File::new("deep/c.md", "c"),
        ]
    }

    fn tree(root: &Path) -> Vec<String> {
        let entries = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name();
        entries
            .into_iter()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn files_go_where_nothing_is() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("deep")).unwrap();
        fs::write(root.path().join("deep/c.md"), "c").unwrap();
        let placed = place(root.path(), &files()).unwrap();
        assert_eq!(placed.written, ["a.kdl", "deep/er/b.md"]);
        assert_eq!(placed.same, ["deep/c.md"]);
        assert_eq!(
            tree(root.path()),
            ["a.kdl", "deep", "deep/c.md", "deep/er", "deep/er/b.md"]
        );
    }

    #[test]
    fn nothing_is_written_over_another_file() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("deep")).unwrap();
        fs::write(root.path().join("deep/c.md"), "mine").unwrap();
        let error = place(root.path(), &files()).unwrap_err();
        assert!(
            matches!(&error, PlaceError::Taken(paths) if paths == &["deep/c.md"]),
            "{error}"
        );
        assert_eq!(tree(root.path()), ["deep", "deep/c.md"]);
        assert_eq!(
            fs::read_to_string(root.path().join("deep/c.md")).unwrap(),
            "mine"
        );
    }

    #[test]
    fn no_folder_on_the_way_is_a_link() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("deep")).unwrap();
        let error = place(root.path(), &files()).unwrap_err();
        assert!(
            matches!(&error, PlaceError::NotAFolder(path) if path == "deep"),
            "{error}"
        );
        assert_eq!(tree(root.path()), ["deep"]);
        assert_eq!(tree(elsewhere.path()), Vec::<String>::new());
    }

    #[test]
    fn what_was_begun_is_taken_back() {
        let root = tempfile::tempdir().unwrap();
        // The last one written can't be: its name is longer than any file system allows.
        let long = File::new("x".repeat(400), "x");
        let [spec, deep, _] = files();
        let error = place(root.path(), &[long, spec, deep]);
        assert!(error.is_err());
        assert_eq!(tree(root.path()), Vec::<String>::new());
    }
}
