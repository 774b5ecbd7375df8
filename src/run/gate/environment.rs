//! What a gate sees of the owner's environment, and what of that is in its key.
//!
//! The base is fixed: an empty HOME and TMPDIR of its own, `LANG=C.UTF-8`, `TZ=UTC`, `CI=true` (a
//! gate never waits for an answer and never accepts a snapshot), the owner's PATH or that of a shell
//! without one, and where toolchains keep themselves outside of the PATH. Then what the workspace
//! sets, then what the gate declares, then what the caller adds; a later one wins. All else is hidden.
//!
//! Values that differ from one machine to the next although they mean the same (HOME, PATH, the
//! folders of toolchains) are not in the key; what they lead to is, as far as it can be known
//! cheaply: see [`super::marks`].

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{super::folder::Temporary, secrets::is_secret};
use crate::{
    boundary::{NamePattern, Pattern as _},
    cache::{Digest, EnvValue},
    client::toolchain_variables,
};

/// Where package managers keep what they have fetched: variable, and its usual place in the home. A
/// gate must not need the network for it. The paths are the owner's own, since Cargo compiles
/// everything anew where its home has another name.
const FETCHED: [(&str, &str); 2] = [("CARGO_HOME", ".cargo"), ("GOMODCACHE", "go/pkg/mod")];

/// What of a package manager's folder is what it has fetched: it may be added to. What steers programs,
/// and credentials, lie beside it.
const FETCHED_PARTS: [(&str, &[&str]); 2] = [
    (
        "CARGO_HOME",
        &["registry", "git", ".package-cache", ".package-cache-mutate"],
    ),
    ("GOMODCACHE", &[""]),
];
/// What of it may be read besides.
const READ_PARTS: [(&str, &[&str]); 1] = [(
    "CARGO_HOME",
    &[
        "bin",
        "env",
        "config",
        "config.toml",
        ".crates.toml",
        ".crates2.json",
    ],
)];

/// Variables by name.
pub(in crate::run) type Variables = BTreeMap<OsString, OsString>;

/// The environment of one gate.
#[derive(Debug)]
pub(in crate::run) struct Environment {
    /// What the child is given.
    pub given: Variables,
    /// What of it is in the key.
    pub keyed: BTreeMap<String, EnvValue>,
    // The home and the temporary folder, once they are needed; gone when this is dropped.
    private: Option<Temporary>,
}

/// What an environment is made of.
pub(in crate::run) struct Ingredients<'a> {
    /// The owner's environment.
    pub owner: &'a Variables,
    /// What the workspace sets.
    pub workspace: &'a BTreeMap<String, String>,
    /// What stands for `{step}` in it.
    pub step: &'a str,
    /// What the gate declares.
    pub declared: &'a [NamePattern],
    /// What the caller adds.
    pub extra: &'a BTreeMap<String, String>,
}

impl Environment {
    /// Makes an environment and its private folders.
    pub(in crate::run) fn make(from: &Ingredients<'_>) -> io::Result<Self> {
        let mut environment = Self::describe(from);
        environment.furnish()?;
        Ok(environment)
    }

    /// Returns an environment whose private folders are still to be made.
    pub(super) fn describe(from: &Ingredients<'_>) -> Self {
        let mut given = Variables::new();
        let mut keyed = BTreeMap::new();
        for (name, value) in toolchain_variables(from.owner) {
            keyed.insert(text(&name), EnvValue::Set(b"{toolchain}".to_vec()));
            given.insert(name, value);
        }
        for (name, _) in FETCHED {
            // Also where nothing was fetched yet: that is no other verdict.
            keyed.insert(name.to_owned(), EnvValue::Set(b"{toolchain}".to_vec()));
        }
        for (name, value) in fetched(from.owner) {
            given.insert(name.into(), value.into());
        }
        let path = from.owner.get(OsStr::new("PATH")).cloned();
        given.insert("PATH".into(), path.unwrap_or_else(|| SHELLS_PATH.into()));
        for (name, _) in PRIVATE {
            given.insert(name.into(), OsString::new());
            keyed.insert(name.to_owned(), EnvValue::Set(b"{private}".to_vec()));
        }
        for (name, value) in [("CI", "true"), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            set(&mut given, &mut keyed, name, value.as_bytes());
        }
        for (name, value) in from.workspace {
            // The step's name is in the child's value and not in the key: a verdict is not to
            // depend on who asks for it.
            given.insert(name.into(), value.replace("{step}", from.step).into());
            keyed.insert(name.clone(), EnvValue::of(Some(value.as_bytes())));
        }
        for pattern in from.declared {
            let literal = pattern.as_str();
            if !literal.contains('*') && !given.contains_key(OsStr::new(literal)) {
                keyed.insert(literal.to_owned(), EnvValue::Unset);
            }
            for (name, value) in from.owner {
                if name.to_str().is_some_and(|name| pattern.gives(name)) {
                    set(&mut given, &mut keyed, &text(name), value.as_bytes());
                }
            }
        }
        for (name, value) in from.extra {
            set(&mut given, &mut keyed, name, value.as_bytes());
        }
        Self {
            given,
            keyed,
            private: None,
        }
    }

    /// Makes the private folders, if they are not there.
    pub(super) fn furnish(&mut self) -> io::Result<()> {
        if self.private.is_some() {
            return Ok(());
        }
        let private = Temporary::new("gate")?;
        for (name, folder) in PRIVATE {
            // One that is declared, and set, is the owner's.
            if self.keyed.get(name) == Some(&EnvValue::Set(b"{private}".to_vec())) {
                let place = private.path().join(folder);
                fs::create_dir(&place)?;
                self.given.insert(name.into(), place.into());
            }
        }
        self.private = Some(private);
        Ok(())
    }

    /// Returns the private folders, which are gone when that is dropped. What has run in them is over.
    pub(super) fn clear(&mut self) -> Option<Temporary> {
        self.private.take()
    }

    /// Returns the folder around the private ones, which is not open to what runs; nothing before they
    /// are made.
    pub(in crate::run) fn folder(&self) -> Option<&Path> {
        self.private.as_ref().map(Temporary::path)
    }

    /// Returns what is open to a confined command by its environment: its private folders, what was
    /// fetched, and what its variables name.
    pub(in crate::run) fn opened(&self) -> Opened {
        let mut opened = Opened::default();
        for (name, value) in &self.given {
            let Some(name) = name.to_str() else {
                continue;
            };
            let path = Path::new(value);
            if let Some((_, parts)) = FETCHED_PARTS.iter().find(|(known, _)| *known == name) {
                opened
                    .write
                    .extend(parts.iter().map(|part| path.join(part)));
                let read = READ_PARTS.iter().filter(|(known, _)| *known == name);
                let read = read.flat_map(|(_, parts)| parts.iter());
                opened.read.extend(read.map(|part| path.join(part)));
                continue;
            }
            match self.keyed.get(name) {
                // The PATH, which is no folder of the gate's.
                None => {}
                Some(EnvValue::Set(of)) if of == b"{private}" => opened.own.push(path.to_owned()),
                // Open to everyone.
                Some(EnvValue::Set(of)) if of == b"{toolchain}" => {}
                Some(_) => opened.name(value),
            }
        }
        opened
    }

    /// Replaces values that are nobody's business by what `hide` makes of them. Returns those values
    /// with the names of their variables.
    pub(super) fn hide_secrets(
        &mut self,
        hide: impl Fn(&[u8]) -> Digest,
    ) -> Vec<(String, Vec<u8>)> {
        let mut hidden = Vec::new();
        for (name, value) in &mut self.keyed {
            if let EnvValue::Set(bytes) = value
                && is_secret(name, bytes)
            {
                let bytes = std::mem::take(bytes);
                *value = EnvValue::Secret(hide(&bytes));
                hidden.push((name.clone(), bytes));
            }
        }
        hidden
    }
}

/// Where a shell looks for programs that is not told where.
const SHELLS_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an environment opens to a command that is confined.
#[derive(Debug, Default)]
pub(in crate::run) struct Opened {
    /// Folders of the command's own.
    pub own: Vec<PathBuf>,
    /// What else may be written.
    pub write: Vec<PathBuf>,
    /// What else may be read.
    pub read: Vec<PathBuf>,
}

impl Opened {
    // A folder that a variable names is there to be used, a file or a list to be read.
    fn name(&mut self, value: &OsStr) {
        let path = Path::new(value);
        if path.is_absolute() && path.is_dir() {
            self.write.push(path.to_owned());
            return;
        }
        let paths = std::env::split_paths(value).filter(|path| path.is_absolute());
        self.read.extend(paths);
    }
}

/// Folders that a gate has for itself.
const PRIVATE: [(&str, &str); 2] = [("HOME", "home"), ("TMPDIR", "tmp")];

fn fetched(owner: &Variables) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let home = owner.get(OsStr::new("HOME")).map(Path::new);
    FETCHED.into_iter().filter_map(move |(name, usual)| {
        let set = owner.get(OsStr::new(name)).map(PathBuf::from);
        let folder = set.or_else(|| Some(home?.join(usual)))?;
        (folder.is_absolute() && folder.is_dir()).then_some((name, folder))
    })
}

fn set(given: &mut Variables, keyed: &mut BTreeMap<String, EnvValue>, name: &str, value: &[u8]) {
    given.insert(name.into(), OsStr::from_bytes(value).to_owned());
    keyed.insert(name.to_owned(), EnvValue::of(Some(value)));
}

fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::gate::{marks::marks, naming::Names};

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn make(owner: &Variables, declared: &[&str]) -> Environment {
        let declared: Vec<NamePattern> =
            declared.iter().map(|name| name.parse().unwrap()).collect();
        Environment::make(&Ingredients {
            owner,
            workspace: &BTreeMap::from([("DB".to_owned(), "tmp/{step}.db".to_owned())]),
            step: "build",
            declared: &declared,
            extra: &BTreeMap::new(),
        })
        .unwrap()
    }

    #[test]
    fn what_is_not_declared_is_hidden() {
        let owner = variables(&[
            ("PATH", "/bin"),
            ("TOKEN", "secret"),
            ("VITE_A", "1"),
            ("VITE_B", ""),
            ("LANG", "de_DE.UTF-8"),
            ("HOME", "/nowhere"),
        ]);
        let made = make(&owner, &["VITE_*", "RAILS_ENV"]);
        let names: Vec<_> = made
            .given
            .keys()
            .map(|name| name.to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "CI", "DB", "HOME", "LANG", "PATH", "TMPDIR", "TZ", "VITE_A", "VITE_B"
            ]
        );
        let given = |name: &str| made.given[OsStr::new(name)].to_str().unwrap();
        assert_eq!(given("DB"), "tmp/build.db");
        assert_eq!(given("LANG"), "C.UTF-8");
        assert!(
            Path::new(given("HOME"))
                .read_dir()
                .unwrap()
                .next()
                .is_none()
        );
        // Unset, empty, and set are three things; folders and the step's name are in no key.
        assert_eq!(made.keyed["RAILS_ENV"], EnvValue::Unset);
        assert_eq!(made.keyed["VITE_B"], EnvValue::Empty);
        assert_eq!(made.keyed["VITE_A"], EnvValue::Set(b"1".to_vec()));
        assert_eq!(made.keyed["DB"], EnvValue::Set(b"tmp/{step}.db".to_vec()));
        assert_eq!(made.keyed, make(&owner, &["VITE_*", "RAILS_ENV"]).keyed);
    }

    #[test]
    fn package_managers_find_what_was_fetched() {
        let home = tempfile::tempdir().unwrap();
        let cargo = home.path().join(".cargo");
        let owner = variables(&[("HOME", home.path().to_str().unwrap())]);
        assert!(
            !make(&owner, &[])
                .given
                .contains_key(OsStr::new("CARGO_HOME"))
        );
        fs::create_dir(&cargo).unwrap();
        let made = make(&owner, &[]);
        assert_eq!(made.given[OsStr::new("CARGO_HOME")], cargo);
        // How they fetch is in the key, where they keep it is not.
        let marked = || marks(&Names::default(), home.path(), &made.given, None);
        let before = marked();
        fs::write(cargo.join("config.toml"), "[build]\n").unwrap();
        assert_ne!(marked(), before);
        assert_eq!(make(&owner, &[]).keyed, make(&variables(&[]), &[]).keyed);
        assert_eq!(
            made.keyed["CARGO_HOME"],
            EnvValue::Set(b"{toolchain}".to_vec())
        );
    }

    #[test]
    fn a_declared_name_that_the_owner_has_not_set_is_as_it_was() {
        let declared = ["LANG", "DB", "OTHER"];
        let made = make(&variables(&[("PATH", "/bin")]), &declared);
        let plain = make(&variables(&[("PATH", "/bin")]), &[]);
        assert!(made.given.keys().eq(plain.given.keys()));
        assert_eq!(made.keyed["LANG"], plain.keyed["LANG"]);
        assert_eq!(made.keyed["OTHER"], EnvValue::Unset);
        let owner = variables(&[("PATH", "/bin"), ("LANG", "de"), ("DB", "mine")]);
        let made = make(&owner, &declared);
        assert_eq!(made.given[OsStr::new("LANG")], "de");
        assert_eq!(made.keyed["DB"], EnvValue::Set(b"mine".to_vec()));
    }
}
