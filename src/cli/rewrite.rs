//! Changes of files that people wrote: shown line by line, and written all or none.

use std::path::Path;

use similar::TextDiff;

use crate::emit;

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

/// Writes all of `rewrites` below `root`, or none of them: where one leads out of the project, or is no
/// longer what was read, or can't be written.
pub(super) fn write(root: &Path, rewrites: &[Rewrite]) -> miette::Result<()> {
    let texts = rewrites.iter().map(|rewrite| {
        (
            rewrite.path.as_str(),
            rewrite.before.as_str(),
            rewrite.after.as_str(),
        )
    });
    let found = emit::rewrite(root, texts);
    if let Some(conflict) = found.conflicts.first() {
        return Err(miette::miette!(
            help = "nothing was written",
            "`{}` can't be written: {}",
            conflict.path,
            conflict.why
        ));
    }
    Ok(emit::write(&found)?)
}
