//! Commands of the plan that the runner starts itself: gates, criteria, set-ups, effects.
//!
//! Each is kept, so that it ends with the runner. What runs on an agent's work runs code that the agent
//! wrote, so in a run it is confined as the agent was: to its checkout, its own folders, what was
//! fetched, and what the gate declares. On a person's own files nobody confines it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    charge::Record,
    confine::{self, Policy},
    domain::{self, Owner},
    gate::Environment,
    process::{self, Cancel, Exit, Finished, Keeper, Launch, Waiting},
    project,
};

/// Starts commands of the plan.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    exe: Option<PathBuf>,
    records: Option<PathBuf>,
    confined: Option<Arc<Confined>>,
}

#[derive(Debug)]
struct Confined {
    environment: project::Environment,
    project: PathBuf,
}

impl Commands {
    /// Returns commands that the binary `exe` of `factory` keeps. Those of the default nobody keeps.
    pub fn kept_by(exe: PathBuf) -> Self {
        Self {
            exe: Some(exe),
            ..Self::default()
        }
    }

    /// Returns the same commands, with a record in `folder` of each that runs.
    #[must_use]
    pub(super) fn recorded_in(mut self, folder: PathBuf) -> Self {
        self.records = Some(folder);
        self
    }

    /// Returns the same commands, confined where they run code that an agent may have written:
    /// `environment` is that of the owner of the checkout `project`.
    #[must_use]
    pub(super) fn confined(mut self, environment: project::Environment, project: PathBuf) -> Self {
        if self.exe.is_some() {
            self.confined = Some(Arc::new(Confined {
                environment,
                project,
            }));
        }
        self
    }

    /// Returns why nothing is confined though it should be, if so.
    pub(super) fn unconfined(&self) -> Option<String> {
        self.confined.as_ref()?;
        match confine::support() {
            confine::Confinement::Kernel { .. } => None,
            confine::Confinement::None { why } => Some(why),
        }
    }

    /// Starts a keeper for a command that is soon to be started, if such commands have one. Where it
    /// can't be started, that is told when it is needed.
    pub(super) fn get_ready(&self) -> Option<Waiting> {
        Waiting::start(self.exe.as_ref()?).ok()
    }

    /// Starts `launch`, which acts outside and with the owner's rights, and waits for its end.
    pub(super) async fn act(
        &self,
        name: &str,
        mut launch: Launch,
        cancel: Cancel,
    ) -> io::Result<Finished> {
        launch.keeper = self.keeper(name, None);
        process::run(launch, cancel).await
    }

    /// Starts `launch` with the folders of `environment`, confined if these commands are, and waits
    /// for its end.
    pub(super) async fn run(
        &self,
        name: &str,
        mut launch: Launch,
        environment: &Environment,
        cancel: Cancel,
    ) -> io::Result<Finished> {
        let Some(confined) = &self.confined else {
            return self.act(name, launch, cancel).await;
        };
        let folder = environment.folder();
        let folder = folder.ok_or_else(|| io::Error::other("it has no private folder"))?;
        let report = folder.join("report.jsonl");
        match fs::remove_file(&report) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let policy = folder.join("policy.json");
        let domain = self.domain(confined, &launch.folder, environment, report.clone());
        fs::write(&policy, serde_json::to_vec(&domain)?)?;
        launch.keeper = self.keeper(name, Some(policy));
        let finished = process::run(launch, cancel).await?;
        match confine::confinement(&report) {
            Ok(Ok(_)) => Ok(finished),
            // It did not come to it.
            _ if matches!(finished.exit, Exit::TimedOut | Exit::Cancelled) => Ok(finished),
            Ok(Err(why)) => {
                let said = String::from_utf8_lossy(&finished.stderr);
                let why = why.unwrap_or_else(|| said.trim().to_owned());
                Err(io::Error::other(why))
            }
            Err(error) => Err(error),
        }
    }

    fn keeper(&self, name: &str, policy: Option<PathBuf>) -> Option<Keeper> {
        let record = self.records.clone().map(|folder| Record {
            folder,
            name: name.to_owned(),
        });
        self.exe.clone().map(|exe| Keeper {
            exe,
            policy,
            record,
        })
    }

    fn domain(
        &self,
        confined: &Confined,
        checkout: &Path,
        environment: &Environment,
        report: PathBuf,
    ) -> Policy {
        let owner = Owner {
            environment: &confined.environment,
            project: &confined.project,
        };
        let opened = environment.opened();
        let free = |path: &PathBuf| !owner.is_private(path) && !owner.is_in_project(path);
        let mut write = vec![checkout.to_owned()];
        write.extend(opened.own);
        write.extend(opened.write.into_iter().filter(free));
        write.extend(domain::DEVICES.iter().map(PathBuf::from));
        let exe: Vec<PathBuf> = self.exe.iter().cloned().collect();
        let mut read = owner.readable(&checkout.join(".git"), &[]);
        read.extend(exe.iter().filter_map(|exe| exe.canonicalize().ok()));
        read.extend(exe);
        read.extend(opened.read.into_iter().filter(free));
        Policy {
            write,
            read: read.into_iter().collect(),
            report,
        }
    }
}
