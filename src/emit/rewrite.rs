//! Files that people wrote, and that a command was asked to change.

use std::path::Path;

use super::{Comparison, Known, compare::Work, place::Place};
use crate::document::OnEdit;

/// Returns what writes `texts` below `root`: each the path of a file, what was read there, and what is
/// to stand there. A file that leads out of the project, or that is read-only, is a conflict; one
/// that is no longer what was read is seen when it is written.
pub fn rewrite<'a>(
    root: &Path,
    texts: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Comparison {
    let known = Known::default();
    let mut work = Work::new(root, &known, OnEdit::Keep);
    for (path, before, after) in texts {
        if let Some(place) = work.place(path) {
            let text = Some(before.to_owned());
            work.change(path, Place { text, ..place }, Some(after.to_owned()));
        }
    }
    work.found
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::emit::write;

    #[test]
    fn all_is_rewritten_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("a.kdl"), "a").unwrap();
        fs::write(root.join("real.kdl"), "b").unwrap();
        fs::write(folder.path().join("theirs.kdl"), "c").unwrap();
        symlink("real.kdl", root.join("b.kdl")).unwrap();
        symlink("../theirs.kdl", root.join("out.kdl")).unwrap();
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();

        // A link stays a link.
        write(&rewrite(&root, [("a.kdl", "a", "A"), ("b.kdl", "b", "B")])).unwrap();
        assert_eq!((text("a.kdl"), text("real.kdl")), ("A".into(), "B".into()));
        assert!(root.join("b.kdl").is_symlink());

        for second in [
            ("out.kdl", "c", "C"),
            ("../theirs.kdl", "c", "C"),
            ("real.kdl", "b, as it was", "C"),
            ("gone.kdl", "c", "C"),
        ] {
            let found = rewrite(&root, [("a.kdl", "A", "x"), second]);
            assert!(write(&found).is_err(), "{second:?}");
            assert_eq!(text("a.kdl"), "A", "{second:?}");
            assert_eq!(text("../theirs.kdl"), "c", "{second:?}");
        }
    }
}
