//! Real files in real folders: what is an input, and that no scan is ever stale.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Diff, InputSelection, Kind, Scanner, Special, Tree};

/// A folder with a scanner that has a stat index, and what changes it.
struct Folder {
    _temporary: TempDir,
    root: PathBuf,
    index: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("project");
        fs::create_dir(&root).unwrap();
        let index = temporary.path().join("index/stats");
        Self {
            _temporary: temporary,
            root,
            index,
        }
    }

    fn repository() -> Self {
        let folder = Self::new();
        git(&folder.root, &["init", "-q"]);
        folder
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn scanner(&self) -> Scanner {
        Scanner::new(&self.root).with_index(&self.index)
    }

    /// Scans with the index on disk, and proves the result against a scan without one.
    fn scan(&self) -> Tree {
        let known = self
            .scanner()
            .scan(&InputSelection::default())
            .unwrap()
            .tree;
        let fresh = Scanner::new(&self.root)
            .scan(&InputSelection::default())
            .unwrap()
            .tree;
        assert_eq!(known, fresh);
        assert_eq!(known.root_digest(), fresh.root_digest());
        known
    }

    fn paths(&self) -> Vec<String> {
        let tree = self.scan();
        let mut paths: Vec<String> = tree
            .inputs()
            .map(|input| String::from_utf8_lossy(&input.path).into())
            .collect();
        paths.sort();
        paths
    }
}

fn git(root: &Path, arguments: &[&str]) {
    let out = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(root)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
}

fn changed(diff: &Diff) -> (usize, usize, usize) {
    (diff.added.len(), diff.removed.len(), diff.changed.len())
}

#[test]
fn the_inputs_are_what_git_does_not_ignore_by_the_state_of_its_rules_now() {
    let folder = Folder::repository();
    folder
        .write("app/a.rb", "1")
        .write("build/out", "1")
        .write("build/kept", "1")
        .write("log/dev.log", "1")
        .write("sub/x.tmp", "1")
        .write(".gitignore", "/build/\n*.log\n");
    assert_eq!(folder.paths(), [".gitignore", "app/a.rb", "sub/x.tmp"]);
    git(&folder.root, &["add", "-f", "build/kept"]);
    assert_eq!(
        folder.paths(),
        [".gitignore", "app/a.rb", "build/kept", "sub/x.tmp"]
    );
    folder.write("sub/.gitignore", "*.tmp\n");
    assert_eq!(
        folder.paths(),
        [".gitignore", "app/a.rb", "build/kept", "sub/.gitignore"]
    );
    folder.write(".git/info/exclude", "/app\n");
    assert_eq!(
        folder.paths(),
        [".gitignore", "build/kept", "sub/.gitignore"]
    );
}

#[test]
fn every_change_of_content_shows_and_no_change_of_times_does() {
    let folder = Folder::repository();
    folder
        .write("a", "one")
        .write("b", "two")
        .write("d/c", "three");
    let first = folder.scan();
    let touch = |path: &str, like: Option<&str>| {
        let mut touch = Command::new("touch");
        if let Some(like) = like {
            touch.arg("-r").arg(folder.root.join(like));
        }
        assert!(
            touch
                .arg(folder.root.join(path))
                .status()
                .unwrap()
                .success()
        );
    };
    touch("a", None);
    assert!(folder.scan().diff(&first).is_empty(), "touch");

    folder.write("a", "eno");
    touch("a", Some("b"));
    assert_eq!(
        changed(&folder.scan().diff(&first)),
        (0, 0, 1),
        "edited, time restored"
    );
    folder.write("a", "one");
    assert!(folder.scan().diff(&first).is_empty(), "put back");

    fs::rename(folder.root.join("a"), folder.root.join("t")).unwrap();
    fs::rename(folder.root.join("b"), folder.root.join("a")).unwrap();
    fs::rename(folder.root.join("t"), folder.root.join("b")).unwrap();
    assert_eq!(changed(&folder.scan().diff(&first)), (0, 0, 2), "swapped");
    let swapped = folder.scan();

    fs::rename(folder.root.join("d"), folder.root.join("e")).unwrap();
    assert_eq!(
        changed(&folder.scan().diff(&swapped)),
        (1, 1, 0),
        "directory renamed"
    );
    let renamed = folder.scan();

    let mode = |mode| fs::set_permissions(folder.root.join("a"), fs::Permissions::from_mode(mode));
    mode(0o755).unwrap();
    assert_eq!(
        changed(&folder.scan().diff(&renamed)),
        (0, 0, 1),
        "executable"
    );
    mode(0o640).unwrap();
    assert!(folder.scan().diff(&renamed).is_empty(), "other permissions");
}

#[test]
fn links_are_their_texts_and_special_files_are_never_opened() {
    let folder = Folder::new();
    folder.write("a", "1").write("d/b", "2");
    let root = &folder.root;
    symlink("a", root.join("link")).unwrap();
    symlink("cycle", root.join("cycle")).unwrap();
    symlink("/nowhere/at/all", root.join("d/out")).unwrap();
    symlink("..", root.join("d/up")).unwrap();
    symlink("/", root.join("d/root")).unwrap();
    let fifo = Command::new("mkfifo")
        .arg(root.join("pipe"))
        .status()
        .unwrap();
    assert!(fifo.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let first = folder.scan();
    assert_eq!(first.len(), 9);
    assert_eq!(first.get(b"pipe").unwrap().kind, Kind::Other(Special::Fifo));
    assert_eq!(
        first.get(b"socket").unwrap().kind,
        Kind::Other(Special::Socket)
    );
    let elsewhere: Vec<_> = first
        .links_elsewhere()
        .iter()
        .map(|input| &*input.path)
        .collect();
    assert_eq!(elsewhere, [b"d/root"]);

    fs::remove_file(root.join("link")).unwrap();
    symlink("d/b", root.join("link")).unwrap();
    assert_eq!(changed(&folder.scan().diff(&first)), (0, 0, 1));
}
