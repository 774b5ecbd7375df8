//! The kernel's part: a Landlock domain around an agent, a gate, and everything that they start.
//!
//! What is confined is started through this binary, which enters the domain and becomes the program.
//! What the kernel holds, it holds by folder: a role that may write `app/*.rb` can write anything below
//! `app`, and the audit says which of it may land. Where the kernel has no Landlock the program starts
//! all the same, and the report says so.
//!
//! A superuser goes through a domain's walls by other doors: what a process has in its environment can
//! be read with a capability, a disk with a device. So a confined program has none of those that
//! installing software takes no use of.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};

use super::{charge::Charge, keeper::parent};

/// What a domain leaves open. Everything else is closed to writing and reading, the names of files
/// apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Files and folders that may be read, changed, and run from.
    pub write: Vec<PathBuf>,
    /// Files and folders that may be read and run from.
    pub read: Vec<PathBuf>,
    /// Where is written down what came of it, see [`Report`].
    pub report: PathBuf,
}

/// What the kernel does for a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confinement {
    /// It holds the policy.
    Kernel {
        /// The version of its Landlock interface; older ones hold less.
        abi: i32,
    },
    /// It does nothing.
    None {
        /// Why.
        why: String,
    },
}

/// One line of a policy's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The domain was entered.
    Confined(Confinement),
    /// The program was not started.
    NotStarted(String),
}

/// Why a program was not entered.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The policy can't be read, or the report not written.
    #[error("can't use `{}`: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Nobody can say what to start.
    #[error("what to start can't be heard: {0}")]
    Charge(io::Error),
    /// The kernel has Landlock and does not take the policy.
    #[error("the kernel does not take the policy: {0}")]
    Kernel(String),
    /// The program can't be started.
    #[error("can't start `{program}`: {cause}")]
    Start {
        /// Which.
        program: String,
        /// Why.
        cause: io::Error,
    },
}

/// Becomes the program that the [`Charge`] on standard input names, in a session of its own, in the domain
/// that it names, and never without process `keeper`. Returns only where that failed; the program has
/// not run then. Where nothing is named, nothing was to be run, and there is no error.
pub fn apply_and_exec(keeper: u32) -> Option<ConfineError> {
    let told = settle(keeper).and_then(|()| told());
    let charge = match told {
        Ok(charge) => charge?,
        Err(error) => return Some(ConfineError::Charge(error)),
    };
    let start = |cause| ConfineError::Start {
        program: charge.program.to_string_lossy().into_owned(),
        cause,
    };
    let mut command = match command(&charge) {
        Ok(command) => command,
        Err(cause) => return Some(start(cause)),
    };
    let Some(policy) = &charge.policy else {
        return Some(start(command.exec()));
    };
    let (policy, mut report) = match read(policy) {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    // The report is open before the domain is entered, which it is not part of.
    let mut tell = |line: &Report| {
        // A report that can't be written is missed by its reader, who knows that nothing is sure then.
        let _ = serde_json::to_writer(&mut report, line);
        let _ = report.write_all(b"\n");
    };
    let error = match enter(&policy) {
        Ok(confinement) => {
            tell(&Report::Confined(confinement));
            start(command.exec())
        }
        Err(error) => error,
    };
    tell(&Report::NotStarted(error.to_string()));
    Some(error)
}

// What is to be run. Nothing behind it is read: that is the program's.
fn told() -> io::Result<Option<Charge>> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    Charge::read(&mut File::from(stdin))
}

fn command(charge: &Charge) -> io::Result<Command> {
    let mut command = Command::new(&charge.program);
    command
        .args(&charge.args)
        .current_dir(&charge.folder)
        .env_clear()
        .envs(&charge.env);
    if charge.input.is_none() {
        // The domain may not have it.
        command.stdin(File::open("/dev/null")?);
    }
    Ok(command)
}

/// Returns what the file at `path` says of a program that was to be confined. Where it was not
/// started, the error says why, if the report does.
pub(super) fn confinement(path: &Path) -> io::Result<Result<Confinement, Option<String>>> {
    let report = std::fs::read_to_string(path)?;
    let mut entered = Err(None);
    for line in report.lines() {
        match serde_json::from_str(line) {
            Ok(Report::Confined(confinement)) => entered = Ok(confinement),
            Ok(Report::NotStarted(why)) => return Ok(Err(Some(why))),
            Err(_) => return Ok(Err(None)),
        }
    }
    Ok(entered)
}

/// Returns what this kernel would do for a domain.
pub fn support() -> Confinement {
    let everything = Policy {
        write: vec!["/".into()],
        read: Vec::new(),
        report: PathBuf::new(),
    };
    // A thread enters it and is gone; nobody else is in it.
    let tried = std::thread::spawn(move || enter(&everything)).join();
    match tried {
        Ok(Ok(confinement)) => confinement,
        Ok(Err(error)) => none(&error.to_string()),
        Err(_) => none("it can't be tried"),
    }
}

// Away from the terminal: what reads from one in the background is stopped for ever. And never alive
// without the keeper, which may be gone before this is said.
fn settle(keeper: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    if parent() != Some(keeper) {
        return Err(io::Error::other("who keeps it is gone"));
    }
    // Whoever leads a group already can't; then there is nothing to leave.
    let _ = rustix::process::setsid();
    Ok(())
}

fn read(path: &Path) -> Result<(Policy, File), ConfineError> {
    let fault = |path: &Path, cause| ConfineError::File {
        path: path.to_owned(),
        cause,
    };
    let text = std::fs::read(path).map_err(|cause| fault(path, cause))?;
    let policy: Policy =
        serde_json::from_slice(&text).map_err(|error| fault(path, io::Error::other(error)))?;
    let report = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&policy.report);
    let report = report.map_err(|cause| fault(&policy.report, cause))?;
    Ok((policy, report))
}

/// Enters the domain, for this thread and whatever it starts, for good.
#[cfg(target_os = "linux")]
fn enter(policy: &Policy) -> Result<Confinement, ConfineError> {
    use landlock::{
        ABI, Access as _, AccessFs, LandlockStatus, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, Scope, path_beneath_rules,
    };

    // What a newer kernel could hold besides has not been tried with real agents.
    const NEWEST: ABI = ABI::V7;
    let confine = || -> Result<_, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .add_rules(path_beneath_rules(
                &policy.read,
                AccessFs::from_read(NEWEST),
            ))?
            .add_rules(path_beneath_rules(
                &policy.write,
                AccessFs::from_all(NEWEST),
            ))?
            .restrict_self()
    };
    let status = confine().map_err(|error| ConfineError::Kernel(error.to_string()))?;
    give_up().map_err(|error| ConfineError::Kernel(format!("capabilities: {error}")))?;
    Ok(match status.landlock {
        LandlockStatus::NotEnabled => none("Landlock is switched off in this kernel"),
        LandlockStatus::NotImplemented => none("this kernel has no Landlock"),
        LandlockStatus::Available { effective_abi, .. } => Confinement::Kernel {
            abi: effective_abi as i32,
        },
    })
}

// Gives up all capabilities but those with which package managers make files and become other users.
// The program that follows can't get them back, since the domain lets nobody gain rights.
#[cfg(target_os = "linux")]
fn give_up() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    let kept = CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FOWNER
        | CapabilitySet::FSETID
        | CapabilitySet::KILL
        | CapabilitySet::SETGID
        | CapabilitySet::SETUID
        | CapabilitySet::NET_BIND_SERVICE;
    let mut sets = capabilities(None)?;
    sets.effective &= kept;
    sets.permitted &= kept;
    sets.inheritable &= kept;
    Ok(set_capabilities(None, sets)?)
}

/// Says that this platform has nothing of the kind.
#[cfg(not(target_os = "linux"))]
fn enter(_policy: &Policy) -> Result<Confinement, ConfineError> {
    Ok(none("Landlock is there on Linux only"))
}

fn none(why: &str) -> Confinement {
    Confinement::None {
        why: why.to_owned(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::{Confinement, Policy, enter};
    use crate::client::SYSTEM;

    // Runs a shell line in the domain, which a thread of its own enters and takes with it.
    fn run(policy: &Policy, folder: &Path, line: &str) -> (Confinement, bool, String) {
        std::thread::scope(|scope| {
            let confined = scope.spawn(|| {
                let confinement = enter(policy).unwrap();
                let output = Command::new("/bin/sh")
                    .args(["-c", line])
                    .current_dir(folder)
                    .env("HOME", folder)
                    .output()
                    .unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
                (confinement, output.status.success(), stderr)
            });
            confined.join().unwrap()
        })
    }

    #[test]
    fn the_kernel_holds_the_policy_for_whatever_an_agent_starts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["work/app/deep", "work/config", "home", "owner/.ssh"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("work/app/a"), "a").unwrap();
        fs::write(root.join("work/config/b"), "b").unwrap();
        fs::write(root.join("owner/.ssh/id"), "secret").unwrap();
        let mut read: Vec<_> = SYSTEM.iter().map(Into::into).collect();
        read.push(root.join("work"));
        let write = ["work/app", "home", "gone"].map(|path| root.join(path));
        let write = [&write[..], &["/dev/null".into()]].concat();
        let policy = Policy {
            write,
            read,
            report: root.join("report"),
        };

        // (a line in the work folder, whether it succeeds)
        let cases = [
            ("echo x > app/new", true),
            ("cat config/b > app/deep/c", true),
            (
                "mv app/new app/deep/new && rm app/deep/new && mkdir app/d && rmdir app/d",
                true,
            ),
            ("sh -c 'sh -c \"echo x > ../home/x\"'", true),
            ("git init -q ../home/repository", true),
            ("cat config/b >/dev/null", true),
            ("echo x > config/b", false),
            ("echo x | tee config/new", false),
            ("rm config/b", false),
            ("mv app/a config/a", false),
            ("ln app/a config/a", false),
            ("ln -s ../config app/link && echo x > app/link/b", false),
            ("truncate -s 0 config/b", false),
            ("mkdir config/d", false),
            ("cat ../owner/.ssh/id", false),
            ("cp -r ../owner/.ssh app/", false),
            ("ls ../owner", false),
            ("kill -0 $PPID", false),
        ];
        for (line, succeeds) in cases {
            let (confinement, done, stderr) = run(&policy, &root.join("work"), line);
            let Confinement::Kernel { abi } = confinement else {
                // A kernel without Landlock holds nothing, and says so.
                return;
            };
            if line.starts_with("kill") && abi < 6 {
                continue;
            }
            assert_eq!(done, succeeds, "{line}: {stderr}");
            if !succeeds {
                let refused =
                    stderr.contains("ermission denied") || stderr.contains("not permitted");
                assert!(
                    refused || stderr.contains("cross-device"),
                    "{line}: {stderr}"
                );
            }
        }
        assert_eq!(fs::read_to_string(root.join("work/config/b")).unwrap(), "b");
    }
}
