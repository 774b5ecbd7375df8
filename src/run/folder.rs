//! Folders that are made for one run and removed with all that is in them.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Once,
};

use tempfile::TempDir;

/// A folder in the system's place for temporary files. It is gone when this is dropped, and where the
/// process is killed, when the next one has no more use for such a folder.
#[derive(Debug)]
pub(super) struct Temporary {
    folder: TempDir,
    // Locked for as long as the folder is in use.
    _in_use: File,
}

/// What is locked in a temporary folder that is in use.
const IN_USE: &str = ".factory-in-use";

impl Temporary {
    /// Makes a folder whose name begins with `factory-` and `name`: where the owner says that such things
    /// are, else where they usually are.
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let prefix = format!("factory-{name}-");
        let make = |within: &Path| tempfile::Builder::new().prefix(&prefix).tempdir_in(within);
        let folder = make(&std::env::temp_dir()).or_else(|error| {
            let mut usual = ["/tmp", "/var/tmp"].into_iter().map(Path::new);
            usual.find_map(|usual| make(usual).ok()).ok_or(error)
        })?;
        // It has its name only once it is locked: before, one that sweeps would take it for left.
        let making = folder.path().join(".making");
        let in_use = File::create(&making)?;
        in_use.lock()?;
        fs::rename(&making, folder.path().join(IN_USE))?;
        Ok(Self {
            folder,
            _in_use: in_use,
        })
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Now, since whoever makes a folder waits for it.
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
    }
}

// Removes what killed processes of this user have left. What can't be told or removed stays.
fn sweep(place: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"factory-")
            && entry
                .metadata()
                .is_ok_and(|facts| facts.is_dir() && facts.uid() == own);
        if !is_ours {
            continue;
        }
        let path = entry.path();
        let left = File::open(path.join(IN_USE)).is_ok_and(|file| file.try_lock().is_ok());
        if left {
            let _ = remove_tree(&path);
        }
    }
}

/// Makes a folder, and those above it, that only its owner can look into.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes whatever is at `path`, if anything is; links are not followed.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let remove = || match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    if gone(remove()).is_ok() {
        return Ok(());
    }
    open_up(path);
    gone(remove())
}

/// Opens the file at `path` for reading. What is no plain file, such as a pipe, is not waited for.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    let why = "it is something other than a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

/// Returns what in a folder of files git would read, and is no file: it would wait there until someone
/// wrote into it.
pub(super) fn stops(tree: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut next = vec![tree.to_owned()];
    while let Some(folder) = next.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Git can't look into it either.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            if kind.is_dir() {
                if name != ".git" {
                    next.push(entry.path());
                }
            } else if (name == ".gitignore" || name == ".gitattributes")
                && !kind.is_file()
                // Git follows no link to one of these.
                && !kind.is_symlink()
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

// A tool may have left folders that nobody may write, such as a module cache. Where this fails, the
// removal says so.
fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
    };

    use super::{IN_USE, Temporary, private_folder, remove_tree, sweep};

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_is_in_use_is_not() {
        let used = Temporary::new("test").unwrap();
        let place = tempfile::tempdir().unwrap();
        for name in ["factory-left", "factory-other", "other"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        for name in ["factory-left", "other"] {
            fs::write(place.path().join(name).join(IN_USE), "").unwrap();
        }
        sweep(place.path());
        sweep(used.path().parent().unwrap());
        let left = |name: &str| place.path().join(name).exists();
        assert!(!left("factory-left") && left("factory-other") && left("other"));
        assert!(used.path().exists());
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        private_folder(&at("a/locked/inner")).unwrap();
        private_folder(&at("kept")).unwrap();
        fs::write(at("kept/file"), "").unwrap();
        symlink(at("kept"), at("a/link")).unwrap();
        for path in ["a/locked/inner", "a/locked", "a"] {
            fs::set_permissions(at(path), fs::Permissions::from_mode(0o500)).unwrap();
        }
        for path in ["a", "a", "nothing"] {
            remove_tree(&at(path)).unwrap();
        }
        assert!(!at("a").exists() && at("kept/file").exists());
    }
}
