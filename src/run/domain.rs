//! What a domain leaves open besides the checkout it is made for: the system, what programs are made
//! of, devices. Never the owner's home, checkout, or repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use crate::client;

/// Devices that any program may write to, and the shared memory that browsers and tests need.
pub(super) const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];

/// Whose domain it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// Their environment, which says where their programs and their home are.
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// The root of their checkout.
    pub project: &'a Path,
}

impl Owner<'_> {
    /// Returns what may be read outside of a checkout whose `.git` is `repository`: the system, the
    /// programs on the PATH, `programs`, and the objects that the checkout shares.
    pub(super) fn readable(&self, repository: &Path, programs: &[PathBuf]) -> BTreeSet<PathBuf> {
        let mut read = client::toolchains(self.environment);
        read.extend(client::SYSTEM.iter().map(PathBuf::from));
        read.extend(
            self.environment
                .get(OsStr::new("SSL_CERT_FILE"))
                .map(PathBuf::from),
        );
        for program in programs {
            let place = program.canonicalize();
            read.extend(place.iter().cloned());
            read.insert(program.clone());
            // Beside a program of the project lies what the owner has not committed.
            if place.is_ok_and(|place| !self.is_in_project(&place)) {
                read.extend(client::installation_of(program, self.environment));
            }
        }
        let lent = shared_objects(&repository.join("objects"), 0);
        // A folder of programs may lie in the project, and what it is taken to belong to around it.
        read.retain(|path| {
            let holds = |inner: &Path| inner.starts_with(path);
            !holds(self.project) && !lent.iter().any(|objects| holds(objects))
        });
        read.extend(lent);
        read
    }

    /// Returns whether `path` lies in the owner's checkout.
    pub(super) fn is_in_project(&self, path: &Path) -> bool {
        path.starts_with(self.project)
    }

    /// Returns whether `path` is, or holds, what is nobody's but the owner's: their checkout or home.
    pub(super) fn is_private(&self, path: &Path) -> bool {
        let home = self.environment.get(OsStr::new("HOME")).map(Path::new);
        self.project.starts_with(path) || home.is_some_and(|home| home.starts_with(path))
    }
}

// The folders of objects that a clone borrows from, and those that they borrow from.
fn shared_objects(objects: &Path, depth: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let text = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let lent = objects.join(line);
        if depth < 5 {
            found.extend(shared_objects(&lent, depth + 1));
        }
        found.push(lent);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsString, fs, path::PathBuf};

    use super::Owner;

    #[test]
    fn a_program_in_the_project_opens_nothing_beside_it() {
        let machine = tempfile::tempdir().unwrap();
        let root = machine.path().canonicalize().unwrap();
        for folder in [
            "work/project/bin",
            "work/project/tools",
            "work/project/node_modules/.bin",
            "work/project/.git/objects",
            "other/tool/bin",
            "checkout/.git/objects/info",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "work/project/.env",
            "work/project/bin/agent",
            "work/project/tools/agent",
            "work/agent",
            "other/tool/bin/agent",
        ] {
            fs::write(root.join(file), "").unwrap();
        }
        let project = root.join("work/project");
        let objects = project.join(".git/objects");
        let lent = format!("{}\n", objects.display());
        fs::write(root.join("checkout/.git/objects/info/alternates"), lent).unwrap();
        let path = ["work/project/bin", "work/project/node_modules/.bin"]
            .map(|folder| root.join(folder).display().to_string())
            .join(":");
        let environment: BTreeMap<OsString, OsString> =
            BTreeMap::from([("PATH".into(), path.into())]);
        let owner = Owner {
            environment: &environment,
            project: &project,
        };
        let programs: Vec<PathBuf> = [
            "work/project/bin/agent",
            "work/project/tools/agent",
            "work/agent",
            "other/tool/bin/agent",
        ]
        .map(|path| root.join(path))
        .into();
        let readable = owner.readable(&root.join("checkout/.git"), &programs);
        let reads = |path: &str| {
            let path = root.join(path);
            readable.iter().any(|open| path.starts_with(open))
        };
        for path in [
            "work/project/bin/agent",
            "work/project/tools/agent",
            "work/project/node_modules/x/index.js",
            "work/project/.git/objects/ab/cd",
            "work/agent",
            "other/tool/lib/x",
        ] {
            assert!(reads(path), "{path}: {readable:?}");
        }
        for path in [
            "work/project/.env",
            "work/project/tools/key",
            "work/project/.git/config",
            "work/other",
        ] {
            assert!(!reads(path), "{path}: {readable:?}");
        }
    }
}
