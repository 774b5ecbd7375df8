//! What is known of the programs that a command may start, and of what it names beyond the project,
//! without starting anything.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::{
    environment::Variables,
    naming::{Names, Outside},
};
use crate::cache::{Digest, Store, digests_of_programs, state_of_git};

/// What of a toolchain's folder decides which version of it runs: variable, file or folder in it.
const DECIDING: [(&str, &str); 8] = [
    ("CARGO_HOME", "config"),
    ("CARGO_HOME", "config.toml"),
    ("NODENV_ROOT", "version"),
    ("PYENV_ROOT", "version"),
    ("RBENV_ROOT", "version"),
    ("RUSTUP_HOME", "settings.toml"),
    ("RUSTUP_HOME", "update-hashes"),
    ("VOLTA_HOME", "tools/user/platform.json"),
];

/// Folders in which nothing is a file as others are.
const OF_THE_KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];
/// What of them gives everyone the same, or nothing.
const HARMLESS: [&str; 11] = [
    "/dev",
    "/dev/fd",
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/stderr",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];

/// How much of a script is read to find what it is written for.
const FIRST_LINE: u64 = 512;
/// How many programs may be written for one another.
const DEEPEST: u32 = 4;

/// What is known of what a command names beyond its inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// What is in the key: by name, and by content.
    pub(super) keyed: BTreeMap<String, Digest>,
    /// Why a pass can't be kept, in words that another sentence goes on with.
    pub(super) doubts: Vec<String>,
}

impl Marks {
    /// Returns what is not the same in both, if something is.
    pub(super) fn differing<'m>(&'m self, other: &'m Self) -> Option<&'m str> {
        let names = self.keyed.keys().chain(other.keyed.keys());
        let mut names = names.filter(|name| self.keyed.get(*name) != other.keyed.get(*name));
        names.next().map(String::as_str)
    }
}

/// Returns what is known of what a command names that starts in `root`.
///
/// For each word of it that is a program on the PATH, and each path that is a file beyond the root: the
/// digest of the file it leads to. For each of these and each script: what its first line says it is
/// written for. For each toolchain folder: the files in it that choose a version. For `git`, the state
/// of the repository. A gate whose scripts start other programs names those with `tool`.
pub(super) fn marks(names: &Names, root: &Path, given: &Variables, store: Option<&Store>) -> Marks {
    let mut looker = Looker {
        root,
        paths: paths(names, given),
        files: BTreeMap::new(),
        marks: Marks::default(),
    };
    for program in &names.programs {
        looker.program(program);
    }
    for (path, outside) in &names.outside {
        looker.outside(path, outside);
    }
    for script in &names.inside {
        looker.written_for(&root.join(script), 0);
    }
    let Looker {
        files, mut marks, ..
    } = looker;
    let is_git = |name: &str| Path::new(name).file_name() == Some(OsStr::new("git"));
    let outside = names.outside.keys().filter_map(|path| path.to_str());
    if names
        .programs
        .iter()
        .map(String::as_str)
        .chain(outside)
        .any(is_git)
    {
        match state_of_git(root) {
            None => {}
            Some(Ok(state)) => drop(marks.keyed.insert("the state of git".to_owned(), state)),
            Some(Err(error)) => marks.doubts.push(error),
        }
    }
    let places: Vec<PathBuf> = files.values().cloned().collect();
    let digests = match store {
        Some(store) => store.digests_of_programs(&places),
        None => digests_of_programs(&places),
    };
    for (name, digest) in files.into_keys().zip(digests) {
        match digest {
            Some(digest) => drop(marks.keyed.insert(name, digest)),
            None => marks.doubts.push(format!("`{name}` can't be read")),
        }
    }
    for (variable, inner) in DECIDING {
        if let Some(folder) = given.get(OsStr::new(variable))
            && let Some(content) = content(&Path::new(folder).join(inner))
        {
            let name = format!("{variable}/{inner}");
            marks.keyed.insert(name, Digest::of(content));
        }
    }
    marks
}

// The PATH, and what the command itself makes it, each with what it is called.
fn paths(names: &Names, given: &Variables) -> Vec<(&'static str, Vec<PathBuf>)> {
    let path = given.get(OsStr::new("PATH")).map(OsStr::new);
    let split = |path: &OsStr| std::env::split_paths(path).collect();
    let mut paths = vec![("on PATH", split(path.unwrap_or_default()))];
    let own = names
        .paths
        .iter()
        .flat_map(|path| std::env::split_paths(path));
    let own: Vec<PathBuf> = own.filter(|folder| folder.is_absolute()).collect();
    if !own.is_empty() {
        paths.push(("on the PATH of the command", own));
    }
    paths
}

struct Looker<'a> {
    root: &'a Path,
    paths: Vec<(&'static str, Vec<PathBuf>)>,
    // Files to be read, by what they are called in the key.
    files: BTreeMap<String, PathBuf>,
    marks: Marks,
}

impl Looker<'_> {
    fn program(&mut self, name: &str) {
        let found: Vec<_> = self
            .paths
            .iter()
            .filter_map(|(on, folders)| {
                // One that is relative, or empty, is meant from where the gate starts.
                let mut places = folders
                    .iter()
                    .map(|folder| self.root.join(folder).join(name));
                let place = places.find_map(|place| executable(&place))?;
                Some((format!("{name} ({on})"), place))
            })
            .collect();
        for (name, place) in found {
            self.file(name, &place, 0);
        }
    }

    fn outside(&mut self, path: &Path, outside: &Outside) {
        let shown = &outside.shown;
        let facts = match fs::metadata(path) {
            Ok(facts) => facts,
            Err(error) if is_absent(&error) => return,
            Err(error) => {
                self.doubt(format!("`{shown}` can't be looked at: {error}"));
                return;
            }
        };
        if HARMLESS.iter().any(|harmless| path == Path::new(harmless))
            || path.starts_with("/dev/fd")
        {
            return;
        }
        if facts.is_dir() {
            if outside.here {
                self.doubt(format!("`{shown}` leads to a folder beyond the project"));
            }
            return;
        }
        let is_kernel = OF_THE_KERNEL.iter().any(|folder| path.starts_with(folder));
        if outside.pattern {
            return;
        }
        match path.canonicalize() {
            Ok(place) if facts.is_file() && !is_kernel => {
                let plain = if executable(&place).is_some() {
                    ""
                } else {
                    " (not executable)"
                };
                self.file(format!("{shown}{plain}"), &place, 0);
            }
            Ok(_) => self.doubt(format!("`{shown}` is no file")),
            Err(error) => self.doubt(format!("`{shown}` can't be looked at: {error}")),
        }
    }

    fn file(&mut self, name: String, place: &Path, depth: u32) {
        if let Entry::Vacant(vacant) = self.files.entry(name) {
            vacant.insert(place.to_owned());
            self.written_for(place, depth);
        }
    }

    // The program that the first line of a script names, and that which `env` looks for.
    fn written_for(&mut self, script: &Path, depth: u32) {
        if depth == DEEPEST {
            return;
        }
        let Some(line) = first_line(script) else {
            return;
        };
        let mut words = line.split_whitespace();
        let Some(interpreter) = words.next() else {
            return;
        };
        if let Some(place) = executable(&self.root.join(interpreter)) {
            self.file(interpreter.to_owned(), &place, depth + 1);
        }
        if Path::new(interpreter).file_name() == Some(OsStr::new("env")) {
            let mut wanted = words.filter(|word| !word.starts_with('-') && !word.contains('='));
            if let Some(wanted) = wanted.next() {
                self.program(wanted);
            }
        }
    }

    fn doubt(&mut self, doubt: String) {
        if !self.marks.doubts.contains(&doubt) {
            self.marks.doubts.push(doubt);
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

// Where a path leads, if that is a file that the owner may execute.
fn executable(path: &Path) -> Option<PathBuf> {
    // Most are not there, which one question tells.
    let runs = fs::metadata(path).ok()?.is_file()
        && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
    runs.then(|| path.canonicalize().ok())?
}

// What stands behind `#!` in the first line of a file.
fn first_line(script: &Path) -> Option<String> {
    if !fs::metadata(script).ok()?.is_file() {
        return None;
    }
    let mut line = Vec::new();
    let file = File::open(script).ok()?;
    file.take(FIRST_LINE).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?;
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = line.get(..end.unwrap_or(line.len()))?;
    Some(String::from_utf8_lossy(line).into_owned())
}

// The bytes of a file, or of the small files in a folder with their names.
fn content(place: &Path) -> Option<Vec<u8>> {
    if !place.is_dir() {
        return fs::read(place).ok();
    }
    let mut names: Vec<_> = fs::read_dir(place)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    names.sort_unstable();
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend(fs::read(place.join(name)).unwrap_or_default());
        bytes.push(0);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn write(place: &Path, text: &str, mode: u32) {
        fs::write(place, text).unwrap();
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn marked(command: &str, root: &Path, path: &str) -> Marks {
        let given = Variables::from([("PATH".into(), path.into())]);
        marks(&Names::of(command, root), root, &given, None)
    }

    #[test]
    fn another_program_of_the_same_name_has_another_mark() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let tool = root.join("tool");
        let marked = || marked("A=1 tool --x && other", root, root.to_str().unwrap());
        assert_eq!(marked(), Marks::default());
        for content in ["\u{7f}ELF", "\u{7f}ELF 2", "#!/bin/sh\n"] {
            let before = marked();
            write(&tool, content, 0o755);
            assert_ne!(marked(), before);
        }
        let names: Vec<_> = marked().keyed.into_keys().collect();
        assert_eq!(names, ["/bin/sh", "tool (on PATH)"]);
    }

    #[test]
    fn what_a_script_is_written_for_is_known_by_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let own = root.join("own");
        write(&own, "#!/bin/sh\n", 0o755);
        write(
            &root.join("check"),
            "#!/usr/bin/env -S A=1 own --x\n",
            0o644,
        );
        let found = marked("./check", &root, root.to_str().unwrap());
        let names: Vec<_> = found.keyed.keys().map(String::as_str).collect();
        assert_eq!(names, ["/bin/sh", "/usr/bin/env", "own (on PATH)"]);
    }

    #[test]
    fn a_path_beyond_the_root_is_known_by_its_content_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("root");
        fs::create_dir(&root).unwrap();
        let ask = |command: &str| {
            let found = marked(command, &root, "");
            (found.keyed.into_keys().collect::<Vec<_>>(), found.doubts)
        };
        assert_eq!(ask("cat ../a </dev/null >/dev/null"), (vec![], vec![]));
        write(&root.join("../a"), "", 0o644);
        assert_eq!(
            ask("cat ../a"),
            (vec!["../a (not executable)".to_owned()], vec![])
        );
        for (command, shown) in [
            ("ls ..", ".."),
            ("cat ../*", "../*"),
            ("cat /proc/version", "/proc/version"),
        ] {
            let (keyed, doubts) = ask(command);
            assert_eq!(keyed, [""; 0], "{command}");
            assert!(doubts[0].contains(shown), "{command}: {doubts:?}");
        }
    }
}
