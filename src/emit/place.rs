//! Where a path of a project really is, and what stands there.

use std::{
    fs,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use crate::document::open_file;

/// The largest file that is read: ours are far smaller, and one that is not is no text of anyone's.
const LIMIT: u64 = 16 << 20;

/// A place that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it really is: links are followed.
    pub(super) full: PathBuf,
    /// What stands there, if anything.
    pub(super) text: Option<String>,
    /// Whether its owner has made it read-only: it may stay, and is not changed.
    pub(super) read_only: bool,
    /// Whether the path is a link to it.
    pub(super) linked: bool,
}

impl Place {
    fn empty(full: PathBuf) -> Self {
        Self {
            full,
            text: None,
            read_only: false,
            linked: false,
        }
    }
}

/// Returns the text that stands at `path` below `root`, if anything does, or why it can't be told.
///
/// # Errors
///
/// Where something other than a text file stands there, or a link that leads out of the project.
pub fn text_at(root: &Path, path: &str) -> Result<Option<String>, String> {
    place(root, path).map(|place| place.text)
}

/// Returns the bytes of the file at `full`, which is read only if it is a plain one.
pub(super) fn bytes_of(full: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(full)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns what stands at `path` below `root`, or why nothing can be written there.
///
/// Links are followed as long as they stay in the project. Something other than a text file is left
/// alone.
pub(super) fn place(root: &Path, path: &str) -> Result<Place, String> {
    let relative = Path::new(path);
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !inside || path.is_empty() {
        return Err("is no path below the project".to_owned());
    }
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Place::empty(root.join(relative)));
        }
        Err(error) => return Err(format!("can't be reached: {error}")),
    };
    let wanted = root.join(relative);
    let standing = wanted
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok())
        .unwrap_or(&root);
    let real = standing
        .canonicalize()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("`{}` is a link that leads nowhere", shown(&root, standing))
            }
            _ => format!("can't be reached: {error}"),
        })?;
    if !real.starts_with(&root) {
        return Err(format!(
            "`{}` is a link that leads out of the project",
            shown(&root, standing)
        ));
    }
    let data = fs::metadata(&real).map_err(|error| format!("can't be reached: {error}"))?;
    if standing != wanted {
        if !data.is_dir() {
            return Err(format!(
                "needs a folder where `{}` is a file",
                shown(&root, standing)
            ));
        }
        let rest = wanted.strip_prefix(standing).unwrap_or(relative);
        return Ok(Place::empty(real.join(rest)));
    }
    if data.is_dir() {
        return Err("is a folder, and a file belongs there".to_owned());
    }
    if !data.is_file() {
        return Err("is something other than a file".to_owned());
    }
    if data.len() > LIMIT {
        return Err(format!("is larger than {} MiB", LIMIT >> 20));
    }
    let bytes = bytes_of(&real).map_err(|error| format!("can't be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    Ok(Place {
        full: real,
        text: Some(text),
        read_only: data.permissions().readonly(),
        linked: wanted.is_symlink(),
    })
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_project_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir_all(root.join("real/agents")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(root.join("AGENTS"), "text").unwrap();
        fs::write(root.join("bytes"), b"\xff").unwrap();
        fs::write(root.join("fixed"), "x").unwrap();
        let mut rights = fs::metadata(root.join("fixed")).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(root.join("fixed"), rights).unwrap();
        for (target, link) in [
            ("AGENTS", "CLAUDE"),
            ("real", ".claude"),
            ("../outside", "out"),
            ("nothing", "dangling"),
            ("/etc/hostname", "system"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let full = |path: &str| {
            let place = place(&root, path).unwrap();
            let real = root.canonicalize().unwrap();
            (
                place.full.strip_prefix(real).unwrap().display().to_string(),
                place.text.is_some(),
            )
        };
        assert_eq!(full("CLAUDE"), ("AGENTS".to_owned(), true));
        assert_eq!(
            full(".claude/agents/a.md"),
            ("real/agents/a.md".to_owned(), false)
        );
        assert!(place(&root, "fixed").unwrap().read_only);
        assert_eq!(full("new/a/b"), ("new/a/b".to_owned(), false));
        for (path, then) in [
            ("out/x", "`out` is a link that leads out of the project"),
            ("system", "`system` is a link that leads out of the project"),
            ("dangling", "`dangling` is a link that leads nowhere"),
            ("AGENTS/x", "needs a folder where `AGENTS` is a file"),
            ("real", "is a folder, and a file belongs there"),
            ("bytes", "is not UTF-8 text"),
            ("../outside/x", "is no path below the project"),
            ("/etc/x", "is no path below the project"),
            ("", "is no path below the project"),
        ] {
            assert_eq!(place(&root, path).unwrap_err(), then, "{path}");
        }
    }
}
