//! Folders that are made for one run and removed with all that is in them.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};

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

    use super::{private_folder, remove_tree};

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
