//! Where a project's repository lies, and where the runner keeps what is its own.
//!
//! What a run did lies in the repository's common git folder, under `factory/`, for all its work
//! trees. Checkouts that can be made again lie in the owner's cache folder, outside of the project:
//! tools do not like to work below a `.git`, and an agent shall not find the owner's checkout above
//! its own.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{
    clock::RunId,
    git::{Git, GitError},
    process::{self, Cancel, Launch},
};
use crate::cache::{self, Digest};

/// The folder of records, beside the checkouts of a run.
pub(super) const RECORDS: &str = "children";

/// The variables of a process.
pub type Environment = BTreeMap<OsString, OsString>;

/// A project: a git repository with a checkout of its owner's.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
    checkout: Git,
    common: PathBuf,
    cache: PathBuf,
    format: String,
    environment: Environment,
}

/// Why a folder can't be worked on as a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It is no git repository.
    #[error("`{}` is in no git repository", root.display())]
    NoRepository {
        /// The folder.
        root: PathBuf,
        /// What git said.
        #[source]
        cause: GitError,
    },
    /// It is a repository without a work tree.
    #[error("`{}` is a git repository without a work tree; clone it, and work there", root.display())]
    Bare {
        /// The folder.
        root: PathBuf,
    },
    /// Git trusts nobody's repository but its user's own.
    #[error(
        "`{root}` belongs to someone else, and git does not trust it; if you do, \
         `git config --global --add safe.directory {root}`",
        root = root.display()
    )]
    NotTrusted {
        /// The folder.
        root: PathBuf,
    },
    /// It lies below the root of its repository.
    #[error("`{}` lies below the root of its git repository, `{}`", root.display(), top.display())]
    NotTop {
        /// The folder.
        root: PathBuf,
        /// The root of the repository.
        top: PathBuf,
    },
    /// Another process works on it.
    #[error("another `factory exec` is at work in this repository ({holder})")]
    Busy {
        /// Who, as far as it said.
        holder: String,
    },
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be used.
    #[error("can't use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The right to be the only one that carries out runs in a repository; lost when dropped.
#[derive(Debug)]
pub struct Hold {
    file: File,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A child that is just being started may have the file too; what is not unlocked by hand
        // would stay locked until that has become another program.
        let _ = self.file.unlock();
    }
}

impl Project {
    /// Opens the project at `root`, the top of a git work tree. `environment` is the owner's.
    ///
    /// # Errors
    ///
    /// Where `root` is no such folder.
    pub async fn open(root: &Path, environment: Environment) -> Result<Self, ProjectError> {
        let root = fs::canonicalize(root).map_err(|cause| file_error(root, cause))?;
        let git = discover(&root, &environment).await?;
        let top = git.work_tree().unwrap_or(&root);
        let top = fs::canonicalize(top).map_err(|cause| file_error(top, cause))?;
        if top != root {
            return Err(ProjectError::NotTop { root, top });
        }
        let common = git
            .line(["rev-parse", "--path-format=absolute", "--git-common-dir"])
            .await?;
        let common =
            fs::canonicalize(&common).map_err(|cause| file_error(Path::new(&common), cause))?;
        let format = git.text(["rev-parse", "--show-object-format"]).await?;
        let name = Digest::of(common.as_os_str().as_encoded_bytes()).short();
        let folder = cache::default_dir(&|name| environment.get(OsStr::new(name)).cloned());
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("factory"));
        let cache = root.join(folder).join("work").join(name);
        Ok(Self {
            root,
            checkout: git,
            common,
            cache,
            format,
            environment,
        })
    }

    /// Returns the same project with its checkouts under `cache`.
    #[must_use]
    pub fn with_cache(mut self, cache: PathBuf) -> Self {
        self.cache = cache;
        self
    }

    /// Returns the root of the owner's checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the git folder that all work trees of the repository share.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Returns the owner's environment.
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the folder of all runs.
    pub fn runs(&self) -> PathBuf {
        self.common.join("factory/runs")
    }

    /// Returns the folder of one run.
    pub fn run(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }

    /// Returns the folder of a run's checkouts, which can be made again.
    pub fn work(&self, run: &RunId) -> PathBuf {
        self.cache.join(run.as_str())
    }

    /// Returns the folder of records of what a run has started and not seen the end of.
    pub(super) fn records(&self, run: &RunId) -> PathBuf {
        self.work(run).join(RECORDS)
    }

    /// Returns the folder of all runs' checkouts.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Returns how the repository names objects: `sha1` or `sha256`.
    pub fn object_format(&self) -> &str {
        &self.format
    }

    /// Returns the repository without a work tree: references and objects.
    pub fn git(&self) -> Git {
        Git::new(&self.common, None)
    }

    /// Returns the owner's checkout: what is asked of it never changes it.
    pub const fn checkout(&self) -> &Git {
        &self.checkout
    }

    /// Returns the runs there are, the latest first.
    ///
    /// # Errors
    ///
    /// Where the folder of runs is there and can't be read.
    pub fn list_runs(&self) -> Result<Vec<RunId>, ProjectError> {
        let folder = self.runs();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(file_error(&folder, cause)),
        };
        let mut runs: Vec<RunId> = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| file_error(&folder, cause))?;
            if let Some(run) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            {
                runs.push(run);
            }
        }
        runs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(runs)
    }

    /// Returns the run that is at work at this moment, if one is.
    pub(super) fn at_work(&self) -> Option<RunId> {
        let path = self.common.join("factory/exec.lock");
        let mut file = File::open(path).ok()?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {}
            Ok(()) | Err(fs::TryLockError::Error(_)) => return None,
        }
        let mut holder = String::new();
        file.read_to_string(&mut holder).ok()?;
        holder.rsplit(' ').next()?.parse().ok()
    }

    /// Takes the right to carry out runs.
    ///
    /// # Errors
    ///
    /// Where another process has it.
    pub fn hold(&self, what: &str) -> Result<Hold, ProjectError> {
        let folder = self.common.join("factory");
        let path = folder.join("exec.lock");
        let failed = |cause| file_error(&path, cause);
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        // Whoever only asks who is at work has the lock for a moment, too.
        let mut locked = file.try_lock();
        for _ in 0..5 {
            if !matches!(locked, Err(fs::TryLockError::WouldBlock)) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only makes the message better.
                let _ = file.read_to_string(&mut holder);
                return Err(ProjectError::Busy { holder });
            }
            Err(fs::TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "process {}, {what}", std::process::id()).map_err(failed)?;
        Ok(Hold { file })
    }

    /// Returns who commits: the owner as git knows them, or `factory` itself.
    pub async fn identity(&self) -> (String, String) {
        let name = self.owner_setting("user.name").await;
        let email = self.owner_setting("user.email").await;
        match (name, email) {
            (Some(name), Some(email)) => (name, email),
            _ => ("factory".to_owned(), "factory@localhost".to_owned()),
        }
    }

    // The owner's own configuration counts here, global and of the repository.
    async fn owner_setting(&self, key: &str) -> Option<String> {
        let args = ["config", "--get", key];
        let said = as_owner(&self.root, &self.environment, &args).await?;
        let value = said.trim();
        let usable = !value.is_empty() && !value.contains(['\n', '<', '>', '\0']);
        usable.then(|| value.to_owned())
    }
}

// The repository of a checkout. Whom the owner trusts stands in their own configuration, which counts
// for nothing else.
async fn discover(root: &Path, environment: &Environment) -> Result<Git, ProjectError> {
    match Git::discover(root).await {
        Ok(git) => return Ok(git),
        Err(error @ GitError::Start(_)) => return Err(error.into()),
        Err(cause) => {
            let message = cause.to_string();
            if message.contains("must be run in a work tree") {
                let root = root.to_owned();
                return Err(ProjectError::Bare { root });
            }
            if !message.contains("dubious ownership") {
                let root = root.to_owned();
                return Err(ProjectError::NoRepository { root, cause });
            }
        }
    }
    let asked = ["rev-parse", "--show-toplevel"];
    let Some(top) = as_owner(root, environment, &asked).await else {
        let root = root.to_owned();
        return Err(ProjectError::NotTrusted { root });
    };
    // What is dubious is the top, which may lie above.
    let top = PathBuf::from(top.trim_end_matches('\n'));
    Ok(Git::discover_trusted(root, &top).await?)
}

// What git says to the owner themselves, with their configuration and environment; nothing where it
// fails.
async fn as_owner(root: &Path, environment: &Environment, args: &[&str]) -> Option<String> {
    let wall = Duration::from_secs(20);
    let mut launch = Launch::shell("", root.to_owned(), environment.clone(), wall);
    launch.program = "git".into();
    launch.args = args.iter().map(OsString::from).collect();
    let finished = process::run(launch, Cancel::never()).await.ok()?;
    finished.exit.success().then_some(())?;
    String::from_utf8(finished.stdout).ok()
}

fn file_error(path: &Path, cause: io::Error) -> ProjectError {
    ProjectError::File {
        path: path.to_owned(),
        cause,
    }
}
