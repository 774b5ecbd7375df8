//! Real files in real folders: what is an input, and that no scan is ever stale.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use tempfile::TempDir;

use super::{
    Diff, Digest, Input, InputSelection, Kind, Scanner, Special, Standing, Tree,
    stat_index::{Stamp, StatIndex},
};
use crate::boundary::{Entry, PathPattern};

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
        let scanner = self.scanner();
        let known = scanner.scan(&InputSelection::default()).unwrap().tree;
        scanner.remember();
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
            .map(|input| String::from_utf8_lossy(&input.path()).into())
            .collect();
        paths.sort();
        paths
    }
}

fn git(root: &Path, arguments: &[&str]) -> String {
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
    String::from_utf8_lossy(&out.stdout).into_owned()
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
    assert_eq!(
        *first.get(b"pipe").unwrap().kind,
        Kind::Other(Special::Fifo)
    );
    assert_eq!(
        *first.get(b"socket").unwrap().kind,
        Kind::Other(Special::Socket)
    );
    let elsewhere: Vec<_> = first
        .links_elsewhere()
        .iter()
        .map(super::InputRef::path)
        .collect();
    assert_eq!(elsewhere, [Box::from(*b"d/root")]);

    fs::remove_file(root.join("link")).unwrap();
    symlink("d/b", root.join("link")).unwrap();
    assert_eq!(changed(&folder.scan().diff(&first)), (0, 0, 1));
}

#[test]
fn names_are_bytes_and_any_of_them_is_a_name() {
    let folder = Folder::repository();
    folder.write(".gitignore", "ignored*\n");
    let names: [&[u8]; 6] = [b"a\nb", b"caf\xe9", b"caf\\xe9", b" ", b"\"", b"d\xff/\xfe"];
    for name in names {
        let path = folder.root.join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "1").unwrap();
    }
    fs::write(folder.root.join(OsStr::from_bytes(b"ignored\xff")), "1").unwrap();
    let first = folder.scan();
    assert_eq!(first.len(), names.len() + 1);
    for name in names {
        let path = folder.root.join(OsStr::from_bytes(name));
        fs::write(&path, "2").unwrap();
        let diff = folder.scan().diff(&first);
        assert_eq!((changed(&diff), &*diff.changed[0]), ((0, 0, 1), name));
        fs::write(&path, "1").unwrap();
    }
    let (old, new) = (b"caf\xe9".as_slice(), b"caf\xe8".as_slice());
    let at = |name: &[u8]| folder.root.join(OsStr::from_bytes(name));
    fs::rename(at(old), at(new)).unwrap();
    assert_ne!(folder.scan().root_digest(), first.root_digest());
}

#[test]
fn nested_repositories_are_inputs_by_their_own_rules_and_dot_git_never_is() {
    let folder = Folder::repository();
    folder
        .write(".gitignore", "*.log\n/away/\n")
        .write("a", "1")
        .write("away/b", "1");
    for nested in ["nested", "away/nested"] {
        folder
            .write(&format!("{nested}/c.log"), "1")
            .write(&format!("{nested}/d.tmp"), "1");
        folder.write(&format!("{nested}/.gitignore"), "*.tmp\n");
        git(&folder.root.join(nested), &["init", "-q"]);
    }
    assert_eq!(
        folder.paths(),
        [".gitignore", "a", "nested/.gitignore", "nested/c.log"]
    );

    // A linked work tree has a file for `.git`, and its own list of what is tracked.
    git(&folder.root, &["add", "a", ".gitignore"]);
    git(&folder.root, &["commit", "-qm", "a"]);
    git(&folder.root, &["worktree", "add", "-q", "../linked"]);
    let linked = folder.root.join("../linked");
    fs::write(linked.join("x.log"), "1").unwrap();
    fs::write(linked.join("y.log"), "1").unwrap();
    git(&linked, &["add", "-f", "x.log"]);
    let tree = Scanner::new(&linked)
        .scan(&InputSelection::default())
        .unwrap()
        .tree;
    assert!(tree.get(b"x.log").is_some() && tree.get(b"y.log").is_none());
    assert!(tree.get(b".git").is_none());
}

#[test]
fn a_project_below_the_top_of_a_work_tree_is_under_all_its_rules() {
    let folder = Folder::repository();
    folder
        .write(".gitignore", "/apps/*/dist\n/gone/\n")
        .write("apps/.gitignore", "*.log\n")
        .write("apps/web/dist/x", "1")
        .write("apps/web/dist/kept", "1")
        .write("apps/web/a.log", "1")
        .write("apps/web/src/a", "1")
        .write("gone/project/a.log", "1");
    git(&folder.root, &["add", "-f", "apps/web/dist/kept"]);
    let paths = |below: &str| {
        let tree = Scanner::new(folder.root.join(below)).scan(&InputSelection::default());
        let tree = tree.unwrap().tree;
        tree.inputs()
            .map(|input| String::from_utf8_lossy(&input.path()).into())
            .collect()
    };
    let below: Vec<String> = paths("apps/web");
    assert_eq!(below, ["dist/kept", "src/a"]);
    // A project in an ignored folder is not under the rules of that work tree at all.
    let ignored: Vec<String> = paths("gone/project");
    assert_eq!(ignored, ["a.log"]);
}

fn entries(patterns: &[&str]) -> Vec<Entry<PathPattern>> {
    patterns
        .iter()
        .map(|pattern| pattern.parse::<PathPattern>().unwrap().into())
        .collect()
}

// The directories of which the index knows what they hold; it says so of each as the system does.
fn listed(folder: &Folder) -> Vec<String> {
    let index = StatIndex::load(&folder.index);
    let mut listed = Vec::new();
    for (path, _) in index.blocks() {
        let place = folder.root.join(OsStr::from_bytes(path));
        let stat = rustix::fs::stat(&place).unwrap();
        let Some(names) = index.directory(path).listing(&Stamp::of(&stat).unwrap()) else {
            continue;
        };
        let mut there: Vec<_> = fs::read_dir(&place)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        there.sort();
        let names: Vec<_> = names
            .iter()
            .map(|(name, _)| OsStr::from_bytes(name).to_owned())
            .collect();
        assert_eq!(names, there);
        listed.push(String::from_utf8_lossy(path).into_owned());
    }
    listed
}

#[test]
fn a_directory_is_not_listed_again_until_what_it_holds_has_changed() {
    let folder = Folder::repository();
    folder
        .write(".gitignore", "*.log\ntmp/\nkept.txt\n")
        .write("kept.txt", "tracked")
        .write("app/a.rb", "a")
        .write("app/a.log", "ignored")
        .write("app/models/b.rb", "b")
        .write("tmp/c", "ignored");
    git(&folder.root, &["add", "-f", "kept.txt"]);
    symlink("a.rb", folder.root.join("app/link")).unwrap();
    let known = ["", "app", "app/models"];
    let settle = || thread::sleep(Duration::from_millis(60));
    settle();
    let first = folder.scan();
    assert_eq!(listed(&folder), known);
    assert_eq!(folder.scan(), first);

    // What is no input may become one, or hold some, and something else may take its name.
    for change in [
        "mv tmp/c app/c",
        "rm app/a.log; mkdir app/a.log; echo d > app/a.log/d",
        "rm -r app/a.log; ln -s a.rb app/a.log",
        "rm app/a.log app/link; echo e > app/link",
        "git rm -q --cached kept.txt",
        "mkdir -p tmp; echo g > tmp/g; git add -f tmp/g",
        "git rm -q --cached tmp/g",
        "git add -f kept.txt app/a.rb; echo 'a.rb' >> .gitignore",
        "rm -r app/models; echo f > app/models",
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", change]).current_dir(&folder.root);
        assert!(command.status().unwrap().success(), "{change}");
        folder.scan();
        settle();
        folder.scan();
        let last = listed(&folder);
        assert!(last.len() >= 2, "{change}: {last:?}");
        // Nor is git's index read again for what it has told.
        let told = StatIndex::load(&folder.index).told();
        let told = told.into_values().next().expect("what was told is kept");
        let is_tracked = |path: &str| {
            let listed = git(&folder.root, &["ls-files", "--", path]);
            !listed.is_empty()
        };
        for (path, answer) in told.answers {
            let path = String::from_utf8(path.into()).unwrap();
            assert_eq!(answer, is_tracked(&path), "{path} after {change}");
        }
        folder.scan();
    }

    // One edited file is no reason to forget it.
    folder.write("app/a.rb", "another");
    settle();
    folder.scan();
    assert_eq!(listed(&folder), ["", "app"]);
}

fn selection(patterns: Option<&[&str]>, always: &[&str], exclude: &[&str]) -> InputSelection {
    InputSelection {
        patterns: patterns.map(entries),
        always: entries(always),
        exclude: entries(exclude),
        ..InputSelection::default()
    }
}

#[test]
fn patterns_narrow_and_an_ignored_file_is_taken_only_by_its_name() {
    let folder = Folder::repository();
    folder
        .write(".gitignore", "/log/\n*.key\n")
        .write("app/a.rb", "1")
        .write("app/b/c.rb", "1")
        .write("app/b/c.md", "1")
        .write("appendix", "1")
        .write("log/test.log", "1")
        .write("config/master.key", "1")
        .write("tmp/x", "1")
        .write("README.md", "1");
    let cases: [(InputSelection, &[&str]); 9] = [
        (
            selection(Some(&["app/**"]), &[], &[]),
            &["app/a.rb", "app/b/c.md", "app/b/c.rb"],
        ),
        (selection(Some(&["app/*.rb"]), &[], &[]), &["app/a.rb"]),
        (
            selection(Some(&["**/*.md"]), &[], &["app/**"]),
            &["README.md"],
        ),
        (
            selection(Some(&["**/c.rb"]), &["README.md"], &[]),
            &["README.md", "app/b/c.rb"],
        ),
        (selection(Some(&["**/*.log", "*.key"]), &[], &[]), &[]),
        (
            selection(Some(&["log/test.log"]), &[], &["log/**"]),
            &["log/test.log"],
        ),
        (
            selection(Some(&["config/master.key", "app/a.rb"]), &[], &[]),
            &["app/a.rb", "config/master.key"],
        ),
        (selection(Some(&[".git/HEAD", "app"]), &[], &[]), &[]),
        (
            selection(None, &[], &["tmp/**", "**/b/**"]),
            &[".gitignore", "README.md", "app/a.rb", "appendix"],
        ),
    ];
    for round in 0..2 {
        let scanner = folder.scanner();
        let all = scanner
            .scan_all(cases.iter().map(|(given, _)| given))
            .unwrap();
        for ((given, then), together) in cases.iter().zip(all.each) {
            let alone = scanner.scan(given).unwrap().tree;
            assert_eq!(alone, together.tree, "{given:?}");
            let anew: Tree = alone.inputs().map(|input| input.to_input()).collect();
            assert_eq!(alone.root_digest(), anew.root_digest(), "{given:?}");
            assert_eq!(alone.root_digest(), together.tree.root_digest());
            let mut paths: Vec<_> = alone
                .inputs()
                .map(|input| String::from_utf8_lossy(&input.path()).into_owned())
                .collect();
            paths.sort();
            assert_eq!(paths, *then, "{given:?}");
        }
        thread::sleep(Duration::from_millis(if round == 0 { 60 } else { 0 }));
    }
    let given = selection(Some(&["app/**", "lib/**"]), &[], &[]);
    let tree = folder.scanner().scan(&given).unwrap().tree;
    let unmatched: Vec<_> = given
        .unmatched(&tree)
        .into_iter()
        .map(|entry| entry.pattern.as_str())
        .collect();
    assert_eq!(unmatched, ["lib/**"]);
}

#[test]
fn an_ignored_folder_is_looked_into_only_where_a_pattern_names_it() {
    let folder = Folder::repository();
    folder
        .write(".gitignore", "dist/\nsrc/made/\n")
        .write("src/a.js", "")
        .write("src/made/b.js", "")
        .write("dist/c.js", "")
        .write("dist/deep/d.js", "")
        .write("dist/deep/e.css", "")
        .write("dist/.git/HEAD", "");
    let cases: [(&[&str], &[&str]); 6] = [
        (&["**/*.js"], &["src/a.js"]),
        (&["src/**"], &["src/a.js"]),
        (&["dist/deep/*.js"], &["dist/deep/d.js"]),
        (
            &["dist/deep/**", "**/*.js"],
            &["dist/deep/d.js", "dist/deep/e.css", "src/a.js"],
        ),
        (&["src/made/**"], &["src/made/b.js"]),
        (&["dis*/**"], &[]),
    ];
    for (patterns, expected) in cases {
        let scan = folder
            .scanner()
            .scan(&selection(Some(patterns), &[], &[]))
            .unwrap();
        let paths: Vec<_> = scan
            .tree
            .inputs()
            .map(|input| String::from_utf8_lossy(&input.path()).into_owned())
            .collect();
        assert_eq!(paths, expected, "{patterns:?}");
    }
    let scratch = selection(Some(&["dist/deep/**"]), &[], &["dist/**"]);
    assert!(folder.scanner().scan(&scratch).unwrap().tree.is_empty());
}

#[test]
fn what_is_settled_is_not_read_again_and_a_narrow_scan_forgets_nothing() {
    let folder = Folder::new();
    for at in 0..300 {
        folder
            .write(&format!("many/{at}"), "1")
            .write(&format!("d{}/{at}", at % 7), "1");
    }
    thread::sleep(Duration::from_millis(60));
    let everything = InputSelection::default();
    let read = |selection: &InputSelection| {
        let scanner = folder.scanner();
        let read = scanner.scan(selection).unwrap().read;
        scanner.remember();
        read
    };
    assert_eq!(read(&everything), 600);
    assert_eq!(read(&everything), 0);
    folder.write("many/7", "2").write("d1/1", "2");
    thread::sleep(Duration::from_millis(60));
    let narrow = selection(Some(&["many/7", "many/8"]), &[], &[]);
    assert_eq!((read(&narrow), read(&narrow)), (1, 0));
    assert_eq!((read(&everything), read(&everything)), (1, 0));
    let mut touch = Command::new("sh");
    touch
        .args(["-c", "touch many/* d*/*"])
        .current_dir(&folder.root);
    assert!(touch.status().unwrap().success());
    thread::sleep(Duration::from_millis(60));
    assert_eq!((read(&everything), read(&everything)), (600, 0));
}

#[test]
fn a_thousand_edits_within_the_tick_of_the_clock_are_all_seen() {
    let folder = Folder::new();
    folder.write("old", "never changes").write("a", "0000");
    let scanner = folder.scanner();
    for edit in 0..1000 {
        let text = format!("{edit:04}");
        folder.write("a", &text);
        let tree = scanner.scan(&InputSelection::default()).unwrap().tree;
        let Kind::File { digest, .. } = *tree.get(b"a").unwrap().kind else {
            panic!()
        };
        assert_eq!(digest, Digest::of(&text));
        if edit % 100 == 99 {
            // Now and then a state is old enough to be trusted, and must not be when it is over.
            thread::sleep(Duration::from_millis(30));
            assert_eq!(folder.scan(), tree);
        }
    }
}

#[test]
fn a_damaged_index_only_makes_a_scan_slower() {
    let folder = Folder::new();
    for at in 0..20 {
        folder.write(&format!("{}/{at}", at % 3), &format!("{at}"));
    }
    thread::sleep(Duration::from_millis(60));
    let whole = folder.scan();
    let bytes = fs::read(&folder.index).unwrap();
    assert!(bytes.len() > 1000);
    for at in (0..bytes.len()).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        for damaged in [&bytes[..at], &damaged[..]] {
            fs::write(&folder.index, damaged).unwrap();
            assert_eq!(folder.scan(), whole, "at {at}");
        }
    }
    fs::remove_file(&folder.index).unwrap();
    fs::create_dir(&folder.index).unwrap();
    assert_eq!(folder.scan(), whole);
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = Folder::new();
    folder.write("a", "1").write("closed/b", "1");
    let close = |path: &str, mode| {
        fs::set_permissions(folder.root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    close("closed", 0);
    // Whoever may read anything, such as root, finds nothing closed.
    if fs::read_dir(folder.root.join("closed")).is_err() {
        let error = folder
            .scanner()
            .scan(&InputSelection::default())
            .unwrap_err();
        assert!(error.to_string().contains("`closed`"), "{error}");
        let narrow = selection(Some(&["a"]), &[], &[]);
        assert_eq!(folder.scanner().scan(&narrow).unwrap().tree.len(), 1);
    }
    close("closed", 0o755);
    let error = Scanner::new(folder.root.join("a"))
        .scan(&InputSelection::default())
        .unwrap_err();
    assert!(error.to_string().contains("`.`"), "{error}");
}

/// What `git` itself takes for the files that are not ignored.
fn files_by_git(root: &Path) -> Vec<String> {
    let out = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    let mut files: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    files.retain(|file| fs::symlink_metadata(root.join(file)).is_ok());
    files.sort();
    files.dedup();
    files
}

fn rule() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "c.d",
        "*",
        "**",
        "?",
        "a*",
        "*b",
        "[ab]",
        "[!a]",
        "[^b-z]",
        "\\a",
        "a\\*",
        "*.d",
        "[[:alpha:]]",
        "[a",
        "{a,b}",
        "a ",
        "a\\ ",
        "**b",
        "a**",
        "***",
        "[]a]",
        "\\",
        "#",
        "[a-]",
        "[\\]a]",
        "*?",
        "c*d",
        "[[:bogus:]a]",
    ]);
    let parts = prop::collection::vec(part, 1..4);
    let ends = prop::sample::select(vec!["", "/", "/*", "/**", " ", "\r", "  "]);
    let starts = prop::sample::select(vec!["", "", "!", "/", "!/", "**/", "#", " "]);
    (starts, parts, ends).prop_map(|(start, parts, end)| format!("{start}{}{end}", parts.join("/")))
}

fn rules() -> impl Strategy<Value = String> {
    prop::collection::vec(rule(), 1..5).prop_map(|rules| rules.join("\n"))
}

fn path() -> impl Strategy<Value = String> {
    let names = vec![
        "a", "b", "ab", "c.d", "a*", "ba", "a ", "#", "[a", "{a,b}", "é",
    ];
    prop::collection::vec(prop::sample::select(names), 1..4).prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_inputs_are_what_git_lists(
        ignore in rules(),
        below in prop::option::of((path(), rules())),
        exclude in prop::option::of(rules()),
        paths in prop::collection::vec(path(), 1..12),
        tracked in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        version in prop::sample::select(vec!["2", "3", "4"]),
    ) {
        let folder = Folder::repository();
        let write = |path: &str, text: &str| {
            let path = folder.root.join(path);
            let made = fs::create_dir_all(path.parent().unwrap()).is_ok();
            made && !path.is_dir() && fs::write(path, text).is_ok()
        };
        let mut written: Vec<&String> = paths.iter().filter(|path| write(path, "1")).collect();
        written.retain(|path| folder.root.join(path).is_file());
        write(".gitignore", &ignore);
        if let Some((path, rules)) = &below {
            write(&format!("{path}/.gitignore"), rules);
        }
        if let Some(rules) = &exclude {
            write(".git/info/exclude", rules);
        }
        for index in tracked {
            git(&folder.root, &["--literal-pathspecs", "add", "-f", "--", index.get(&written).as_str()]);
        }
        git(&folder.root, &["update-index", "--force-write-index", "--index-version", version]);
        prop_assert_eq!(folder.paths(), files_by_git(&folder.root));
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Write(u8, u8),
    Append(u8),
    Touch(u8),
    RestoreTime(u8, u8),
    Executable(u8, bool),
    Rename(u8, u8),
    Swap(u8, u8),
    Link(u8, u8),
    HardLink(u8, u8),
    Remove(u8),
    RemoveFolder(u8),
    Ignore(u8),
    Commit,
    Checkout(u8),
    Clock(u8, i8),
    Settle,
    Damage(u16),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation as O;
    prop_oneof![
        6 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::Write(a, b)),
        1 => any::<u8>().prop_map(O::Append),
        1 => any::<u8>().prop_map(O::Touch),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::RestoreTime(a, b)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(a, b)| O::Executable(a, b)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::Rename(a, b)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::Swap(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::Link(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| O::HardLink(a, b)),
        1 => any::<u8>().prop_map(O::Remove),
        1 => any::<u8>().prop_map(O::RemoveFolder),
        1 => any::<u8>().prop_map(O::Ignore),
        1 => Just(O::Commit),
        2 => any::<u8>().prop_map(O::Checkout),
        1 => (any::<u8>(), any::<i8>()).prop_map(|(a, b)| O::Clock(a, b)),
        1 => Just(O::Settle),
        1 => any::<u16>().prop_map(O::Damage),
    ]
}

/// Does it, as far as it can be done.
fn operate(folder: &Folder, operation: &Operation) {
    let path = |at: u8| folder.root.join(format!("{}/{}", at % 3, at / 3 % 8));
    let write = |path: &Path, text: &str| {
        let _ = fs::create_dir_all(path.parent().unwrap());
        let _ = fs::write(path, text);
    };
    match *operation {
        Operation::Write(at, text) => write(&path(at), &format!("{text:03}")),
        Operation::Append(at) => {
            let text = fs::read_to_string(path(at)).unwrap_or_default();
            write(&path(at), &format!("{text}+"));
        }
        Operation::Touch(at) => {
            let _ = fs::File::open(path(at)).map(|file| file.set_modified(SystemTime::now()));
        }
        Operation::RestoreTime(at, text) => {
            let time = fs::metadata(path(at)).and_then(|metadata| metadata.modified());
            write(&path(at), &format!("{text:03}"));
            if let (Ok(time), Ok(file)) = (time, fs::File::open(path(at))) {
                let _ = file.set_modified(time);
            }
        }
        Operation::Executable(at, executable) => {
            let mode = if executable { 0o755 } else { 0o644 };
            let _ = fs::set_permissions(path(at), fs::Permissions::from_mode(mode));
        }
        Operation::Rename(from, to) => drop(fs::rename(path(from), path(to))),
        Operation::Swap(a, b) => {
            let aside = folder.root.join("aside");
            if path(a) != path(b) && path(a).exists() && path(b).exists() {
                let _ = fs::rename(path(a), &aside);
                let _ = fs::rename(path(b), path(a));
                let _ = fs::rename(aside, path(b));
            }
        }
        Operation::Link(at, to) => {
            let _ = fs::create_dir_all(path(at).parent().unwrap());
            let _ = symlink(format!("../{}/{}", to % 3, to / 3 % 8), path(at));
        }
        Operation::HardLink(at, to) => drop(fs::hard_link(path(at), path(to))),
        Operation::Remove(at) => drop(fs::remove_file(path(at))),
        Operation::RemoveFolder(at) => {
            drop(fs::remove_dir_all(folder.root.join(format!("{}", at % 3))));
        }
        // Rules that ignore one file, or none.
        Operation::Ignore(at) => write(
            &folder.root.join(format!("{}/.gitignore", at % 3)),
            &format!("/{}\n", at / 3 % 16),
        ),
        Operation::Commit => {
            git(&folder.root, &["add", "-A"]);
            git(&folder.root, &["commit", "-q", "--allow-empty", "-m", "x"]);
        }
        // Some commit of before, with whatever stands in the way.
        Operation::Checkout(back) => {
            let back = format!("HEAD~{}", back % 3);
            let mut checkout = Command::new("git");
            checkout.args(["checkout", "-q", "-f", &back]);
            let _ = checkout.current_dir(&folder.root).output();
        }
        // What a clock that was set leaves on a file: a time far away, or some moments.
        Operation::Clock(at, by) => {
            let far = if by % 2 == 0 { 1 } else { 3_600_000 };
            let by = Duration::from_millis(u64::from(by.unsigned_abs()) * far);
            let now = SystemTime::now();
            let time = if at % 2 == 0 { now + by } else { now - by };
            let _ = fs::File::open(path(at)).map(|file| file.set_modified(time));
        }
        Operation::Settle => thread::sleep(Duration::from_millis(30)),
        Operation::Damage(at) => {
            let mut bytes = fs::read(&folder.index).unwrap_or_default();
            let length = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
                *byte ^= 1;
                fs::write(&folder.index, bytes).unwrap();
            }
        }
    }
}

/// The slow and obvious way: lists what git lists, reads everything, remembers nothing.
fn model(root: &Path) -> Tree {
    let files = files_by_git(root);
    let files = files.iter().map(|file| root.join(file));
    let files = files.filter(|file| fs::symlink_metadata(file).is_ok_and(|facts| !facts.is_dir()));
    let input = |path: PathBuf| {
        let facts = fs::symlink_metadata(&path).unwrap();
        let kind = if facts.is_symlink() {
            let text = fs::read_link(&path).unwrap();
            let text = text.as_os_str().as_bytes().into();
            Kind::Link {
                text,
                dangling: fs::metadata(&path).is_err(),
            }
        } else {
            let bytes = fs::read(&path).unwrap();
            let executable = facts.permissions().mode() & 0o100 != 0;
            Kind::File {
                digest: Digest::of(&bytes),
                size: bytes.len() as u64,
                executable,
            }
        };
        let path = path
            .strip_prefix(root)
            .unwrap()
            .as_os_str()
            .as_bytes()
            .into();
        Input { path, kind }
    };
    files.map(input).collect()
}

// What has failed once is tried first from then on.
fn ten_thousand_operations() -> ProptestConfig {
    let seeds = FileFailurePersistence::SourceParallel("proptest-regressions");
    ProptestConfig {
        cases: 100,
        failure_persistence: Some(Box::new(seeds)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(ten_thousand_operations())]

    #[test]
    fn no_order_of_changes_makes_a_scan_differ_from_reading_everything(
        operations in prop::collection::vec(operation(), 100),
    ) {
        let folder = Folder::repository();
        let lasting = folder.scanner();
        let everything = InputSelection::default();
        let mut before = lasting.scan_all([&everything]).unwrap();
        for (at, operation) in operations.iter().enumerate() {
            operate(&folder, operation);
            let model = model(&folder.root);
            // What is said to stand as it was must do so.
            let stands = lasting.standing(&before) != Standing::Changed;
            prop_assert!(!stands || before.each[0].tree == model, "stands after {:?}", operation);
            before = lasting.scan_all([&everything]).unwrap();
            let stands = lasting.standing(&before) != Standing::Changed;
            prop_assert!(stands, "nothing has changed after {:?}", operation);
            let tree = &before.each[0].tree;
            prop_assert_eq!(tree, &model, "after {:?}", operation);
            prop_assert_eq!(tree.root_digest(), model.root_digest());
            // Now and then another process looks, with what this one has learnt.
            if at % 5 == 4 {
                lasting.remember();
                let other = folder.scanner();
                let tree = other.scan(&everything).unwrap().tree;
                prop_assert_eq!(&tree, &model, "another process after {:?}", operation);
                prop_assert_eq!(tree.root_digest(), model.root_digest());
                other.remember();
            }
        }
    }
}

#[test]
fn what_was_looked_at_stands_until_anything_of_it_changes() {
    type Change = fn(&Folder);
    fn write(folder: &Folder, path: &str, text: &str) {
        folder.write(path, text);
    }
    let touch = |folder: &Folder, path: &str| {
        let file = fs::File::open(folder.root.join(path)).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    };
    // (what happens, whether all that was looked at still stands)
    let cases: [(&str, Change, bool); 13] = [
        ("nothing", |_| {}, true),
        ("an edit", |folder| write(folder, "src/a", "2"), false),
        ("a new file", |folder| write(folder, "src/new", ""), false),
        (
            "a file in a new folder",
            |folder| write(folder, "src/new/a", ""),
            false,
        ),
        (
            "a file less",
            |folder| fs::remove_file(folder.root.join("src/a")).unwrap(),
            false,
        ),
        (
            "an edit of what is ignored",
            |folder| write(folder, "log/x", "2"),
            true,
        ),
        (
            "a file that is ignored",
            |folder| write(folder, "log/y", "2"),
            true,
        ),
        (
            "a named file",
            |folder| write(folder, "log/named", "2"),
            false,
        ),
        (
            "a named file that was not there",
            |folder| write(folder, "log/missing", ""),
            false,
        ),
        (
            "other rules",
            |folder| write(folder, ".gitignore", "/src/\n"),
            false,
        ),
        (
            "rules below",
            |folder| write(folder, "src/.gitignore", "a\n"),
            false,
        ),
        (
            "rules of the repository",
            |folder| {
                write(folder, ".git/info/exclude", "a\n");
            },
            false,
        ),
        (
            "what is tracked",
            |folder| drop(git(&folder.root, &["add", "-f", "log/x"])),
            false,
        ),
    ];
    for settled in [true, false] {
        for (what, change, stands) in cases {
            let folder = Folder::repository();
            folder
                .write(".gitignore", "/log/\n")
                .write("src/a", "1")
                .write("src/b", "1")
                .write("log/x", "1")
                .write("log/named", "1");
            git(&folder.root, &["add", "src"]);
            if settled {
                thread::sleep(Duration::from_millis(60));
            }
            let scanner = folder.scanner();
            let named = selection(Some(&["src/**", "log/named", "log/missing"]), &[], &[]);
            let scans = scanner
                .scan_all([&named, &InputSelection::default()])
                .unwrap();
            touch(&folder, "src/b");
            change(&folder);
            let standing = scanner.standing(&scans);
            assert_eq!(
                standing != Standing::Changed,
                stands,
                "{what}, settled: {settled}"
            );
        }
    }
}
