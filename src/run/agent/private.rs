//! What an attempt finds around it: its private folder, its environment, its domain.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{AgentError, Assignment, Held};
use crate::{
    boundary::{Boundary, Entry, PathPattern},
    client,
    plan::Layer,
    run::{
        confine::{Confinement, Policy},
        domain::{self, Owner},
        folder::remove_tree,
    },
};

/// The parts of a step's private folder.
#[derive(Debug)]
pub(super) struct Private {
    /// The agent's home. It may write it.
    pub home: PathBuf,
    /// Its room for temporary files. It may write it.
    pub tmp: PathBuf,
    /// What it hands over beside its changes. It may write it.
    pub out: PathBuf,
    /// What steers and guards it. It may only read it.
    pub control: PathBuf,
}

impl Private {
    /// Makes the folders of an attempt. What an earlier attempt left in the home stays.
    pub(super) fn prepare(folder: &Path) -> Result<Self, AgentError> {
        let part = |name: &str| folder.join(name);
        let private = Self {
            home: part("home"),
            tmp: part("tmp"),
            out: part("out"),
            control: part("control"),
        };
        for made in [&private.home, &private.tmp, &private.out, &private.control] {
            fs::create_dir_all(made).map_err(|cause| file(made, cause))?;
        }
        Ok(private)
    }

    /// Writes a file that steers the agent, and returns its path.
    pub(super) fn steer(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, AgentError> {
        let path = self.control.join(name);
        fs::write(&path, text).map_err(|cause| file(&path, cause))?;
        Ok(path)
    }
}

/// Returns the path of a file that this attempt writes anew: an earlier attempt's is taken away.
pub(super) fn fresh(folder: &Path, name: &str) -> Result<PathBuf, AgentError> {
    let path = folder.join(name);
    // An agent may have made anything of it, a folder too.
    remove_tree(&path).map_err(|cause| file(&path, cause))?;
    Ok(path)
}

/// Says which file could not be used.
pub(super) fn file(path: &Path, cause: io::Error) -> AgentError {
    AgentError::File {
        path: path.to_owned(),
        cause,
    }
}

// What a process needs to find its programs and to speak its user's language; no credentials.
const PLAIN: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "USER",
    "LOGNAME",
    "SHELL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

// What would change which code a program runs; no grant gives it.
fn steers_programs(name: &str) -> bool {
    let prefixes = ["LD_", "DYLD_", "GIT_", "FACTORY_", "CLAUDE"];
    matches!(
        name,
        "PATH" | "HOME" | "TMPDIR" | "BASH_ENV" | "ENV" | "IFS" | "SHELLOPTS"
    ) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the whole environment of the agent: of the owner's, what finds programs, what the role is
/// granted, and what the driver `passes` on to the client; besides, what the workspace sets and what
/// the agent has to know.
pub(super) fn environment(
    assignment: &Assignment,
    boundary: &Boundary,
    private: &Private,
    passes: &[String],
) -> BTreeMap<OsString, OsString> {
    let owner = &assignment.environment;
    let mut closed = client::toolchain_variables(owner);
    for (name, value) in owner.iter() {
        let granted = name.to_str().is_some_and(|name| {
            PLAIN.contains(&name)
                || passes.iter().any(|passed| passed == name)
                || (boundary.env.permits(name) && !steers_programs(name))
        });
        if granted {
            closed.insert(name.clone(), value.clone());
        }
    }
    if let Some(path) = owner.get(OsStr::new("PATH")) {
        // A folder that depends on where one stands could be one that the agent writes.
        let fixed = std::env::split_paths(path).filter(|folder| folder.is_absolute());
        if let Ok(path) = std::env::join_paths(fixed) {
            closed.insert("PATH".into(), path);
        }
    }
    for (name, value) in &assignment.plan.workspace.env {
        closed.insert(
            name.into(),
            value.replace("{step}", &assignment.step).into(),
        );
    }
    let attempt = assignment.attempt.to_string();
    let told: [(&str, &OsStr); 11] = [
        ("HOME", private.home.as_os_str()),
        ("TMPDIR", private.tmp.as_os_str()),
        ("TMP", private.tmp.as_os_str()),
        ("TEMP", private.tmp.as_os_str()),
        ("TERM", OsStr::new("dumb")),
        ("GIT_TERMINAL_PROMPT", OsStr::new("0")),
        ("GIT_CONFIG_NOSYSTEM", OsStr::new("1")),
        ("FACTORY_ROLE", OsStr::new(&assignment.role)),
        ("FACTORY_TASK", OsStr::new(&assignment.task)),
        ("FACTORY_STEP", OsStr::new(&assignment.step)),
        ("FACTORY_ATTEMPT", OsStr::new(&attempt)),
    ];
    closed.extend(told.map(|(name, value)| (name.into(), value.into())));
    closed
}

/// The folders of a checkout that a role may write, made where they were missing.
#[derive(Debug, Default)]
pub(super) struct Writable {
    /// The folders, relative to the checkout; the empty path for all of it.
    folders: BTreeSet<PathBuf>,
    made: Vec<PathBuf>,
}

impl Writable {
    /// Finds the folders that hold everything `boundary` lets a role write, and makes those that are
    /// not there: the kernel opens only what is. A folder that a link leads to is left out.
    pub(super) fn prepare(
        checkout: &Path,
        boundary: &Boundary,
        scratch: &[Entry<PathPattern>],
    ) -> Result<Self, AgentError> {
        let top = checkout
            .canonicalize()
            .map_err(|cause| file(checkout, cause))?;
        let mut writable = Self::default();
        for folder in folders(boundary, scratch) {
            let path = top.join(&folder);
            let standing = path
                .ancestors()
                .find(|above| above.symlink_metadata().is_ok());
            let straight =
                standing.is_some_and(|above| above.canonicalize().is_ok_and(|real| real == above));
            if !straight
                || folder
                    .components()
                    .any(|part| !matches!(part, Component::Normal(_)))
            {
                continue;
            }
            for missing in path
                .ancestors()
                .take_while(|above| Some(*above) != standing)
            {
                writable.made.push(missing.to_owned());
            }
            // What is in the way of a folder is not this place's to judge.
            if fs::create_dir_all(&path).is_ok() {
                writable.folders.insert(folder);
            }
        }
        writable.made.sort();
        Ok(writable)
    }

    /// Takes away the folders that were made and are still empty.
    pub(super) fn tidy(&self) {
        for folder in self.made.iter().rev() {
            // One that is not empty stays, which is what it was made for.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Says what holds the role's writes.
    pub(super) fn held(&self, confinement: &Confinement) -> Held {
        let names: Vec<_> = self
            .folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        match confinement {
            Confinement::None { why } => Held {
                write: Layer::Rejected,
                note: format!("only the audit holds writes: {why}"),
            },
            Confinement::Kernel { abi } if self.folders.contains(Path::new("")) => Held {
                write: Layer::Rejected,
                note: format!(
                    "Landlock {abi} holds writes outside the checkout, the audit those within: \
                     a pattern of the role begins at the root"
                ),
            },
            Confinement::Kernel { abi } if names.is_empty() => Held {
                write: Layer::Prevented,
                note: format!("Landlock {abi} holds writes: none in the checkout"),
            },
            Confinement::Kernel { abi } => Held {
                write: Layer::Prevented,
                note: format!(
                    "Landlock {abi} holds writes: in the checkout only below {}",
                    names.join(", ")
                ),
            },
        }
    }
}

// A pattern's longest folder; with an `only`, the deeper of two that lie within one another.
fn folders(boundary: &Boundary, scratch: &[Entry<PathPattern>]) -> BTreeSet<PathBuf> {
    let of = |entries: &[Entry<PathPattern>]| -> BTreeSet<PathBuf> {
        entries
            .iter()
            .map(|entry| PathBuf::from(entry.pattern.literal_prefix()))
            .collect()
    };
    let may = of(&boundary.write.may);
    let mut found = match &boundary.write.only {
        None => may,
        Some(only) => {
            let only = of(only);
            may.iter()
                .flat_map(|may| only.iter().map(move |only| (may, only)))
                .filter_map(
                    |(may, only)| match (may.starts_with(only), only.starts_with(may)) {
                        (true, _) => Some(may.clone()),
                        (false, true) => Some(only.clone()),
                        (false, false) => None,
                    },
                )
                .collect()
        }
    };
    found.extend(of(scratch));
    found
}

/// Returns the domain of an attempt; `programs` are files outside the system that its program needs.
pub(super) fn policy(
    assignment: &Assignment,
    private: &Private,
    writable: &Writable,
    programs: &[PathBuf],
    report: PathBuf,
) -> Policy {
    let checkout = &assignment.checkout;
    let mut write: Vec<PathBuf> = writable
        .folders
        .iter()
        .map(|folder| checkout.join(folder))
        .collect();
    // The clone's own repository is the agent's to use; nobody trusts it.
    write.push(checkout.join(".git"));
    write.extend([&private.home, &private.tmp, &private.out].map(Clone::clone));
    write.extend(domain::DEVICES.iter().map(PathBuf::from));

    // The owner's home says where toolchains are, though the agent has another.
    let owner = Owner {
        environment: &assignment.environment,
        project: &assignment.project,
    };
    let mut read = owner.readable(&checkout.join(".git"), programs);
    read.extend([
        checkout.clone(),
        assignment.private.clone(),
        assignment.exe.clone(),
    ]);
    read.extend(assignment.exe.canonicalize());
    Policy {
        write,
        read: read.into_iter().collect(),
        report,
    }
}
