//! Changes of files that people wrote: shown line by line, and written all or none.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use similar::TextDiff;
use tempfile::NamedTempFile;

/// A file as it is, and as it should be.
pub(super) struct Rewrite {
    /// Its path from the root of the project.
    pub(super) path: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl Rewrite {
    /// Returns the change line by line.
    pub(super) fn diff(&self) -> String {
        TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .context_radius(2)
            .header(&self.path, &self.path)
            .to_string()
    }
}

/// Writes all of `rewrites` below `root`. Every new text is on the disk before the first file is
/// replaced, each in one step, and a link stays a link. Nothing is written where a file is no longer
/// what was read.
pub(super) fn write(root: &Path, rewrites: &[Rewrite]) -> miette::Result<()> {
    let mut staged: Vec<(NamedTempFile, PathBuf, &str)> = Vec::new();
    for rewrite in rewrites {
        let failed =
            |error: std::io::Error| miette::miette!("`{}` can't be written: {error}", rewrite.path);
        let full = root.join(&rewrite.path).canonicalize().map_err(failed)?;
        let folder = full.parent().unwrap_or(root);
        let mut file = tempfile::Builder::new()
            .prefix(".factory-")
            .tempfile_in(folder)
            .map_err(failed)?;
        file.write_all(rewrite.after.as_bytes()).map_err(failed)?;
        let permissions = fs::metadata(&full).map_err(failed)?.permissions();
        file.as_file()
            .set_permissions(permissions)
            .map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        if fs::read(&full).map_err(failed)? != rewrite.before.as_bytes() {
            return Err(miette::miette!(
                help = "run the command again",
                "`{}` changed while it was to be written; nothing was",
                rewrite.path
            ));
        }
        staged.push((file, full, &rewrite.path));
    }
    for (file, full, path) in staged {
        file.persist(full)
            .map_err(|error| miette::miette!("`{path}` can't be written: {error}"))?;
    }
    Ok(())
}
