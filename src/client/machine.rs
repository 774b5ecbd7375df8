//! Where this machine keeps its programs: what any agent may read outside the project.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// The folders of the operating system without which programs do not run.
pub const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/proc",
    "/sys",
    "/dev",
    "/var/lib/gems",
    "/run/current-system",
    "/run/opengl-driver",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/home/linuxbrew/.linuxbrew",
    "/Library",
    "/System",
    "/Applications",
    "/private/etc",
    "/private/var/db",
];

// Toolchain managers find themselves by these variables, or by a folder in the home. An agent has
// another home, so it is told. Folders that hold credentials (cargo's home, npm's) are not here.
const TOOLCHAINS: &[(&str, &str)] = &[
    ("RUSTUP_HOME", ".rustup"),
    ("RBENV_ROOT", ".rbenv"),
    ("PYENV_ROOT", ".pyenv"),
    ("NODENV_ROOT", ".nodenv"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("VOLTA_HOME", ".volta"),
    ("NVM_DIR", ".nvm"),
    ("SDKMAN_DIR", ".sdkman"),
    ("GOROOT", ""),
    ("JAVA_HOME", ""),
];

/// Returns the variables that lead toolchain managers to what they have installed, whatever the home.
pub fn toolchain_variables(
    environment: &BTreeMap<OsString, OsString>,
) -> BTreeMap<OsString, OsString> {
    let home = home(environment);
    TOOLCHAINS
        .iter()
        .filter_map(|(name, folder)| {
            let set = environment.get(OsStr::new(name)).map(PathBuf::from);
            let usual = || Some(home?.join(folder)).filter(|_| !folder.is_empty());
            let path = set.or_else(usual)?;
            path.is_dir().then(|| ((*name).into(), path.into()))
        })
        .collect()
}

/// Returns the files and folders outside a project and the system that an agent may read: those on the
/// PATH, and what the programs there are made of. Never a home as a whole.
pub fn toolchains(environment: &BTreeMap<OsString, OsString>) -> BTreeSet<PathBuf> {
    let home = home(environment);
    let mut found = BTreeSet::new();
    let path = environment.get(OsStr::new("PATH"));
    for folder in path.into_iter().flat_map(std::env::split_paths) {
        if !folder.is_absolute() || is_beneath(&folder, SYSTEM) {
            continue;
        }
        found.extend(installation(&folder, home));
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink())
                && let Ok(program) = entry.path().canonicalize()
                && let Some(parent) = program.parent()
                && !is_beneath(parent, SYSTEM)
            {
                found.extend(installation(parent, home));
                found.insert(program);
            }
        }
        found.insert(folder);
    }
    found.extend(
        toolchain_variables(environment)
            .into_values()
            .map(PathBuf::from),
    );
    found
}

/// Returns the files and folders that the program `file` is made of, as far as that can be told from
/// where it lies: its own folder, or the package that it is part of. Never a home as a whole.
pub fn installation_of(
    file: &Path,
    environment: &BTreeMap<OsString, OsString>,
) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    if let Ok(program) = file.canonicalize() {
        found.extend(
            program
                .parent()
                .and_then(|folder| installation(folder, home(environment))),
        );
        found.insert(program);
    }
    found
}

fn home(environment: &BTreeMap<OsString, OsString>) -> Option<&Path> {
    environment
        .get(OsStr::new("HOME"))
        .map(Path::new)
        .filter(|home| home.is_absolute())
}

fn is_beneath(path: &Path, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

// What a folder of programs belongs to: the whole package for `…/node_modules/…`, the folder above for
// a `bin`, else the folder itself; nothing where that would open a home.
fn installation(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let package = folder
        .ancestors()
        .filter(|above| above.file_name() == Some(OsStr::new("node_modules")))
        .last();
    let root = match (package, folder.file_name().and_then(OsStr::to_str)) {
        (Some(package), _) => package,
        (None, Some("bin" | "sbin" | "shims")) => folder.parent()?,
        (None, _) => folder,
    };
    let opens_a_home = home.is_some_and(|home| {
        home.starts_with(root)
            || [".local", ".cargo", ".config"]
                .iter()
                .any(|shared| root == home.join(shared))
    });
    (root.parent().is_some() && !opens_a_home).then(|| root.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsString, fs, os::unix::fs::symlink};

    use super::{toolchain_variables, toolchains};

    #[test]
    fn programs_are_readable_and_the_home_around_them_is_not() {
        let machine = tempfile::tempdir().unwrap();
        let home = machine.path().join("home/me");
        for folder in [
            ".cargo/bin",
            ".local/bin",
            ".local/share/tool/bin",
            ".rbenv/shims",
            "bin",
            ".ssh",
        ] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        fs::write(home.join(".local/share/tool/bin/tool"), "").unwrap();
        symlink("../share/tool/bin/tool", home.join(".local/bin/tool")).unwrap();
        let path = [".cargo/bin", ".local/bin", ".rbenv/shims", "bin"]
            .map(|folder| home.join(folder).display().to_string())
            .join(":");
        let environment: BTreeMap<OsString, OsString> = [
            ("HOME", home.display().to_string()),
            ("PATH", format!("{path}:node_modules/.bin:/usr/bin")),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();

        let readable = toolchains(&environment);
        let reads = |path: &str| {
            let path = home.join(path);
            readable.iter().any(|folder| path.starts_with(folder))
        };
        for path in [
            ".cargo/bin/cargo",
            ".local/bin/tool",
            ".local/share/tool/lib/x",
            ".rbenv/versions/3/bin/ruby",
            "bin/mine",
        ] {
            assert!(reads(path), "{path}: {readable:?}");
        }
        for path in [
            ".ssh/id",
            ".cargo/credentials.toml",
            ".local/share/keyrings/x",
            "work/secret",
            "/root/x",
            "/var/lib/x",
        ] {
            assert!(!reads(path), "{path}: {readable:?}");
        }
        assert!(readable.iter().all(|path| path.is_absolute()));

        let told = toolchain_variables(&environment);
        let rbenv = home.join(".rbenv").into_os_string();
        assert_eq!(told, BTreeMap::from([("RBENV_ROOT".into(), rbenv)]));
    }
}
