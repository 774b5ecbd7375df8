//! What no role may write, as named and as the links on the disk lead.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::paths;
use crate::plan::Reservations;

/// Returns `reservations` with what the links in the project make of them. `cwd` is where the session is:
/// what steers the client is looked for in each folder from there up to the root, as the client does.
pub(super) fn followed(reservations: Reservations, roots: &[PathBuf], cwd: &Path) -> Reservations {
    let Some(root) = roots.last() else {
        return reservations;
    };
    let inner = paths::within(roots, &paths::without_dots(cwd)).unwrap_or_default();
    let folders: Vec<String> = Path::new(&inner)
        .ancestors()
        .filter_map(Path::to_str)
        .filter(|folder| !folder.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    let mut plain = HashSet::new();
    reservations.followed(&folders, |path| real(root, path, &mut plain))
}

// Where `path` leads within the project, if a link is on the way. `plain` are paths that are known to be
// none.
fn real(root: &Path, path: &str, plain: &mut HashSet<PathBuf>) -> Option<String> {
    let mut at = root.to_owned();
    let mut is_led = false;
    for part in path.split('/') {
        at.push(part);
        if plain.contains(&at) {
            continue;
        }
        let Ok(data) = fs::symlink_metadata(&at) else {
            break;
        };
        if data.is_symlink() {
            is_led = true;
            break;
        }
        plain.insert(at.clone());
    }
    if !is_led {
        return None;
    }
    // What leads nowhere, or out of the project, no role reaches there.
    let real = paths::follow(&root.join(path)).ok()?;
    let inside = real.strip_prefix(root).ok()?.to_str()?;
    Some(inside.to_owned())
}
