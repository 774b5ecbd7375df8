//! Checkouts: the private clone in which a step's agent works, and the lanes in which gates run.
//!
//! The runner reads files with a git folder and index files of its own, outside of every checkout.
//! The `.git` of a checkout is there for whoever works in it; nothing here ever reads one.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    clock::RunId,
    commands::Commands,
    event::Place,
    folder::{private_folder, remove_tree, stops},
    gate::{Environment, Ingredients},
    git::{Git, GitError, release_indexes},
    keeper,
    process::{Cancel, Exit, Launch},
    project::{Project, RECORDS},
    proposal,
};
use crate::{
    boundary::{Entry, NamePattern, PathPattern},
    plan::{CopyFor, Plan},
};

/// Why a checkout could not be made ready or read.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
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
    /// A command of `workspace` failed.
    #[error("the workspace's `{command}` {ended}\n{output}")]
    Setup {
        /// The command.
        command: String,
        /// How it ended, in words.
        ended: String,
        /// The end of what it said.
        output: String,
    },
    /// The files can't be stored as a tree.
    #[error("git can't store these files: {message}")]
    Unstorable {
        /// What git said.
        message: String,
    },
    /// The run was cancelled meanwhile.
    #[error("the run was cancelled")]
    Cancelled,
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> WorkshopError + '_ {
    move |cause| WorkshopError::File {
        path: path.to_owned(),
        cause,
    }
}

/// Where checkouts are made.
#[derive(Debug)]
pub(super) struct Workshop {
    project: Project,
    plan: Arc<Plan>,
    folder: PathBuf,
    git_dir: PathBuf,
    commands: Commands,
    cancel: Cancel,
    // Locked for as long as someone works in the folder.
    _in_use: File,
}

/// The file in a folder of checkouts that is locked while someone works in it.
const IN_USE: &str = "in-use";

/// Returns whether someone works in a folder of checkouts.
pub(super) fn is_in_use(folder: &Path) -> bool {
    let locked = File::open(folder.join(IN_USE)).map(|file| file.try_lock());
    matches!(locked, Ok(Err(fs::TryLockError::WouldBlock)))
}

/// A clone for an agent.
#[derive(Debug)]
pub(super) struct Cloned {
    /// Its files.
    pub checkout: Checkout,
    /// Whether it was made now, with a home in which nothing is.
    pub anew: bool,
}

/// A folder of files, and what the runner knows of it.
#[derive(Debug, Clone)]
pub(super) struct Checkout {
    /// The files.
    pub tree: PathBuf,
    /// A home and a place for temporary files for what runs in it, outside of the files.
    pub private: PathBuf,
    /// The runner's index of the files.
    pub index: PathBuf,
    // Untracked paths that the set-up made or the workspace copies; only for lanes.
    kept: BTreeSet<PathBuf>,
    /// What stands for `{step}` in the workspace's variables.
    pub step: String,
}

/// What a checkout's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// The tree of the files that git does not ignore.
    pub tree: String,
    /// Repositories within the files, which no tree can hold.
    pub repositories: Vec<String>,
}

/// Whom a checkout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Agents,
    Gates,
}

impl Workshop {
    /// Opens the workshop of a run. Nothing works in it that an earlier process started.
    pub(super) fn open(
        project: &Project,
        plan: Arc<Plan>,
        run: &RunId,
        commands: Commands,
        cancel: Cancel,
    ) -> Result<Self, WorkshopError> {
        let folder = project.work(run);
        let git_dir = folder.join("git");
        let indexes = git_dir.join("indexes");
        make(&indexes)?;
        let path = folder.join(IN_USE);
        let in_use = File::create(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let in_use = in_use.map_err(file_error(&path))?;
        let records = folder.join(RECORDS);
        let left = keeper::end_all(&records).map_err(file_error(&records))?;
        for name in left {
            set_aside(&folder.join(STEPS), &name)?;
        }
        release_indexes(&indexes).map_err(file_error(&indexes))?;
        let workshop = Self {
            project: project.clone(),
            plan,
            folder,
            git_dir,
            commands,
            cancel,
            _in_use: in_use,
        };
        workshop.write_repository(&workshop.git_dir, None, "")?;
        Ok(workshop)
    }

    fn objects(&self) -> PathBuf {
        self.project.common().join("objects")
    }

    /// Returns git as the runner uses it on `tree`: objects go to the project, all else is its own.
    pub(super) fn git(&self, tree: &Path, index: &Path) -> Git {
        Git::new(&self.git_dir, Some(tree))
            .index(index)
            .env("GIT_OBJECT_DIRECTORY", self.objects())
            .cancel(self.cancel.clone())
    }

    /// Returns the runner's own git without files: objects of the project, and no configuration of
    /// anyone's.
    pub(super) fn repository(&self) -> Git {
        Git::new(&self.git_dir, None)
            .env("GIT_OBJECT_DIRECTORY", self.objects())
            .cancel(self.cancel.clone())
    }

    /// Makes the clone in which an agent works on `place`: the files of `tree` on the commit `base`.
    /// A clone that is there is put into that state; what git ignores stays in it.
    pub(super) async fn clone_for(
        &self,
        place: &Place,
        base: &str,
        tree: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Cloned, WorkshopError> {
        let folder = self
            .folder
            .join(STEPS)
            .join(format!("{}.{}", place.task, place.step));
        let checkout = self.checkout_in(&folder, &place.step)?;
        let ready = folder.join("ready");
        let git = self.git(&checkout.tree, &checkout.index);
        let made = ready.is_file();
        if !made {
            clear(&checkout.tree)?;
            make(&checkout.tree)?;
        }
        self.put(&git, base).await?;
        self.sweep(&checkout, For::Agents).await?;
        self.write_clone(&checkout, base, &place.task)?;
        self.copy(&checkout, For::Agents)?;
        if !made {
            self.set_up(&checkout, base, For::Agents, notes).await?;
            fs::write(&ready, "").map_err(file_error(&ready))?;
        }
        if let Some(tree) = tree {
            self.put(&git, tree).await?;
        }
        Ok(Cloned {
            checkout,
            anew: !made,
        })
    }

    /// Makes a lane for gates, with the files of the commit `base`.
    pub(super) async fn lane(
        &self,
        number: usize,
        base: &str,
        notes: &mut Vec<String>,
    ) -> Result<Checkout, WorkshopError> {
        let name = format!("gates-{number}");
        let folder = self.folder.join(&name);
        clear(&folder)?;
        let mut checkout = self.checkout_in(&folder, "gates")?;
        self.reset(&checkout, base, base).await?;
        self.set_up(&checkout, base, For::Gates, notes).await?;
        let git = self.git(&checkout.tree, &checkout.index);
        let made = git
            .fields(["ls-files", "-z", "--others", "--directory"])
            .await?;
        checkout.kept = made.into_iter().map(PathBuf::from).collect();
        Ok(checkout)
    }

    /// Puts a lane into the state of `tree` on the commit `base`, whatever was done in it.
    pub(super) async fn reset(
        &self,
        lane: &Checkout,
        base: &str,
        tree: &str,
    ) -> Result<(), WorkshopError> {
        let git = self.git(&lane.tree, &lane.index);
        self.put(&git, tree).await?;
        self.sweep(lane, For::Gates).await?;
        self.write_clone(lane, base, "")?;
        self.copy(lane, For::Gates)
    }

    /// Returns the subject of the last commit that an agent made by itself in its clone, if it made one.
    pub(super) async fn proposed(
        &self,
        checkout: &Checkout,
    ) -> Result<Option<String>, WorkshopError> {
        let aside = tempfile::Builder::new()
            .prefix("commit-")
            .tempdir_in(&self.folder)
            .map_err(file_error(&self.folder))?;
        let repository = checkout.tree.join(".git");
        let git = self.repository();
        Ok(proposal::subject(&repository, &git, aside.path()).await?)
    }

    /// Returns the tree of the files of `checkout`, stored in the project.
    pub(super) async fn take(&self, checkout: &Checkout) -> Result<Taken, WorkshopError> {
        // Git would wait for someone to write into one of these.
        let stops = stops(&checkout.tree).map_err(file_error(&checkout.tree))?;
        if let Some(path) = stops.first() {
            let path = below(&checkout.tree, path).display();
            return Err(WorkshopError::Unstorable {
                message: format!("`{path}` is no plain file"),
            });
        }
        let git = self.git(&checkout.tree, &checkout.index);
        let args = [
            "diff-files",
            "-z",
            "--name-only",
            "--ignore-submodules=none",
        ];
        let mut changed = self.unless_endless(git.fields(args).await)?;
        let args = ["ls-files", "-z", "--others", "--exclude-standard"];
        let others = self.unless_endless(git.fields(args).await)?;
        let mut repositories = Vec::new();
        for path in others {
            if path.as_bytes().ends_with(b"/") || names_git(&path) {
                repositories.push(path.to_string_lossy().into_owned());
            } else if !self.is_scratch(&path) {
                changed.push(path);
            }
        }
        repositories.extend(self.repositories_in(&git, checkout).await?);
        repositories.sort_unstable();
        repositories.dedup();
        // Git does not look behind a link; what was there before is gone.
        let (gone, changed): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|path| is_beyond_link(&checkout.tree, Path::new(path)));
        if !gone.is_empty() {
            let zero = "0".repeat(if self.project.object_format() == "sha1" {
                40
            } else {
                64
            });
            let mut input = Vec::new();
            for path in gone {
                input.extend_from_slice(format!("0 {zero}\t").as_bytes());
                input.extend_from_slice(path.as_bytes());
                input.push(0);
            }
            let args = ["update-index", "-z", "--index-info"];
            self.unless_unstorable(git.output(args, Some(input)).await)?;
        }
        let mut input = Vec::new();
        for path in changed {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let args = [
            "update-index",
            "-z",
            "--add",
            "--remove",
            "--replace",
            "--stdin",
        ];
        self.unless_unstorable(git.output(args, Some(input)).await)?;
        let tree = self.unless_unstorable(git.text(["write-tree"]).await)?;
        Ok(Taken { tree, repositories })
    }

    /// Returns the tree that a lane was reset to, with the present content of the files at `paths`.
    pub(super) async fn take_files(
        &self,
        lane: &Checkout,
        paths: &[String],
    ) -> Result<String, WorkshopError> {
        let git = self.git(&lane.tree, &lane.index);
        let input = paths.join("\0").into_bytes();
        git.output(["update-index", "-z", "--add", "--stdin"], Some(input))
            .await?;
        Ok(git.text(["write-tree"]).await?)
    }

    // What git can't do with an agent's files is the agent's matter; that the disk is full is not.
    fn unless_unstorable<T>(&self, result: Result<T, GitError>) -> Result<T, WorkshopError> {
        match result {
            Err(GitError::Failed { message, exit, .. })
                if matches!(exit, Exit::Code(_)) && !is_of_the_disk(&message) =>
            {
                Err(WorkshopError::Unstorable { message })
            }
            other => self.unless_endless(other),
        }
    }

    fn unless_endless<T>(&self, result: Result<T, GitError>) -> Result<T, WorkshopError> {
        match result {
            Err(_) if self.cancel.is_made() => Err(WorkshopError::Cancelled),
            Err(GitError::Failed {
                exit: Exit::TimedOut,
                command,
                ..
            }) => Err(WorkshopError::Unstorable {
                message: format!("`git {command}` took too long on them"),
            }),
            other => Ok(other?),
        }
    }

    // A folder of tracked files may have been made a repository, which git passes over in silence.
    async fn repositories_in(
        &self,
        git: &Git,
        checkout: &Checkout,
    ) -> Result<Vec<String>, WorkshopError> {
        let mut folders = BTreeSet::new();
        for path in git.fields(["ls-files", "-z"]).await? {
            let mut path = PathBuf::from(path);
            while path.pop() && !path.as_os_str().is_empty() && folders.insert(path.clone()) {}
        }
        let found = folders.into_iter().filter_map(|folder| {
            let inner = folder.join(".git");
            fs::symlink_metadata(checkout.tree.join(&inner)).ok()?;
            Some(inner.to_string_lossy().into_owned())
        });
        Ok(found.collect())
    }

    fn is_scratch(&self, path: &OsStr) -> bool {
        path.to_str()
            .is_some_and(|path| gives(&self.plan.workspace.scratch, path))
    }

    fn checkout_in(&self, folder: &Path, step: &str) -> Result<Checkout, WorkshopError> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".index");
        let checkout = Checkout {
            tree: folder.join("tree"),
            private: folder.join("private"),
            index: self.git_dir.join("indexes").join(name),
            kept: BTreeSet::new(),
            step: step.to_owned(),
        };
        make(&checkout.tree)?;
        make(&checkout.private.join("home"))?;
        make(&checkout.private.join("tmp"))?;
        Ok(checkout)
    }

    // Makes the tracked files those of `tree`, whatever stands in the way.
    async fn put(&self, git: &Git, tree: &str) -> Result<(), WorkshopError> {
        if let Some(files) = git.work_tree() {
            clear_stops(files)?;
        }
        git.output(["read-tree", "--reset", "-u", tree], None)
            .await?;
        Ok(())
    }

    // Removes what is not tracked: for gates all but scratch and what the set-up made, for agents
    // only what git does not ignore.
    async fn sweep(&self, checkout: &Checkout, whom: For) -> Result<(), WorkshopError> {
        let git = self.git(&checkout.tree, &checkout.index);
        let list = match whom {
            For::Gates => {
                git.fields(["ls-files", "-z", "--others", "--directory"])
                    .await?
            }
            For::Agents => {
                git.fields(["ls-files", "-z", "--others", "--exclude-standard"])
                    .await?
            }
        };
        for path in list {
            let path = PathBuf::from(path);
            self.sweep_path(checkout, &path)?;
        }
        Ok(())
    }

    fn sweep_path(&self, checkout: &Checkout, path: &Path) -> Result<(), WorkshopError> {
        if checkout.kept.contains(path) || self.is_scratch(path.as_os_str()) {
            return Ok(());
        }
        let full = checkout.tree.join(path);
        let is_folder = fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_dir());
        if !is_folder || full.join(".git").exists() || self.holds_nothing_kept(checkout, path) {
            return clear(&full);
        }
        for entry in fs::read_dir(&full).map_err(file_error(&full))? {
            let entry = entry.map_err(file_error(&full))?;
            self.sweep_path(checkout, &path.join(entry.file_name()))?;
        }
        Ok(())
    }

    fn holds_nothing_kept(&self, checkout: &Checkout, folder: &Path) -> bool {
        self.plan.workspace.scratch.is_empty()
            && !checkout.kept.iter().any(|kept| kept.starts_with(folder))
    }

    // Makes the `.git` that whoever works in the checkout sees: on `base`, with no remote, no hook.
    fn write_clone(
        &self,
        checkout: &Checkout,
        base: &str,
        task: &str,
    ) -> Result<(), WorkshopError> {
        let folder = checkout.tree.join(".git");
        clear(&folder)?;
        make(&folder)?;
        self.write_repository(&folder, Some(base), task)?;
        let index = folder.join("index");
        fs::copy(&checkout.index, &index).map_err(file_error(&index))?;
        Ok(())
    }

    fn write_repository(
        &self,
        folder: &Path,
        commit: Option<&str>,
        task: &str,
    ) -> Result<(), WorkshopError> {
        for inner in [
            "objects/info",
            "objects/pack",
            "refs/heads",
            "refs/tags",
            "info",
        ] {
            make(&folder.join(inner))?;
        }
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(file_error(&path))
        };
        let mut alternates = self.objects().into_os_string().into_vec();
        alternates.push(b'\n');
        write("objects/info/alternates", &alternates)?;
        let format = match self.project.object_format() {
            "sha1" => "\trepositoryformatversion = 0\n".to_owned(),
            other => format!(
                "\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = {other}\n[core]\n"
            ),
        };
        write(
            "config",
            format!("[core]\n{format}\tbare = false\n\tfilemode = true\n\tlogAllRefUpdates = true\n[user]\n\tname = factory\n\temail = factory@localhost\n")
                .as_bytes(),
        )?;
        match (commit, task) {
            (None, _) => write("HEAD", b"ref: refs/heads/main\n")?,
            (Some(commit), "") => write("HEAD", format!("{commit}\n").as_bytes())?,
            (Some(commit), task) => {
                make(&folder.join("refs/heads/factory"))?;
                write(
                    "HEAD",
                    format!("ref: refs/heads/factory/{task}\n").as_bytes(),
                )?;
                write(
                    &format!("refs/heads/factory/{task}"),
                    format!("{commit}\n").as_bytes(),
                )?;
            }
        }
        // What the owner's repository leaves out of its history or its sight, this one does too.
        for name in ["shallow", "info/exclude"] {
            let own = self.project.common().join(name);
            if own.is_file() {
                let path = folder.join(name);
                fs::copy(&own, &path).map_err(file_error(&path))?;
            }
        }
        Ok(())
    }

    fn copy(&self, checkout: &Checkout, whom: For) -> Result<(), WorkshopError> {
        for copy in &self.plan.workspace.copy {
            if whom == For::Agents && copy.for_whom == CopyFor::Gates {
                continue;
            }
            let from = self.project.root().join(&copy.path);
            let to = checkout.tree.join(&copy.path);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(file_error(parent))?;
                // A link among the folders would take the copy somewhere else.
                let real = fs::canonicalize(parent).map_err(file_error(parent))?;
                let root = fs::canonicalize(&checkout.tree).map_err(file_error(&checkout.tree))?;
                if Path::new(&copy.path).parent().map(|below| root.join(below)) != Some(real) {
                    return Err(file_error(&to)(io::Error::other(
                        "a folder on the way is a link",
                    )));
                }
            }
            clear(&to)?;
            fs::copy(&from, &to).map_err(file_error(&from))?;
        }
        Ok(())
    }

    /// Returns the closed environment of what the runner starts in `checkout`: that of a gate, and
    /// the owner's variables that are `granted`.
    pub(super) fn environment(
        &self,
        checkout: &Checkout,
        granted: &[String],
    ) -> Result<Environment, WorkshopError> {
        let declared: Vec<NamePattern> = granted
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        Environment::make(&Ingredients {
            owner: self.project.environment(),
            workspace: &self.plan.workspace.env,
            step: &checkout.step,
            declared: &declared,
            extra: &BTreeMap::new(),
        })
        .map_err(file_error(Path::new("TMPDIR")))
    }

    // Runs the workspace's commands and puts back what they did to files that git knows.
    async fn set_up(
        &self,
        checkout: &Checkout,
        base: &str,
        whom: For,
        notes: &mut Vec<String>,
    ) -> Result<(), WorkshopError> {
        let setup = &self.plan.workspace.setup;
        if setup.is_empty() {
            return Ok(());
        }
        let mut environment = self.environment(checkout, &[])?;
        if whom == For::Agents {
            // What is installed into a home is for whoever has it.
            for (name, folder) in [("HOME", "home"), ("TMPDIR", "tmp")] {
                let folder = checkout.private.join(folder);
                environment.given.insert(name.into(), folder.into());
            }
        }
        let name = match whom {
            For::Agents => "set-up of a clone",
            For::Gates => "set-up of a lane",
        };
        for command in setup {
            let launch = Launch {
                keep: 1 << 20,
                ..Launch::shell(
                    command,
                    checkout.tree.clone(),
                    environment.given.clone(),
                    Duration::from_secs(self.plan.factory.stop.wall.max(60)),
                )
            };
            let cancel = self.cancel.clone();
            let finished = self.commands.run(name, launch, &environment, cancel).await;
            let finished = finished.map_err(file_error(Path::new("/bin/sh")))?;
            let ended = match finished.exit {
                Exit::Code(0) => continue,
                Exit::Cancelled => return Err(WorkshopError::Cancelled),
                exit @ (Exit::Code(_) | Exit::Signal(_) | Exit::TimedOut) => exit.to_string(),
            };
            let mut said = finished.stdout;
            said.extend(finished.stderr);
            return Err(WorkshopError::Setup {
                command: command.clone(),
                ended,
                output: tail(&said, 4 << 10),
            });
        }
        let git = self.git(&checkout.tree, &checkout.index);
        let stopped = clear_stops(&checkout.tree)?;
        let mut touched = git.fields(["diff-files", "-z", "--name-only"]).await?;
        let others = git
            .fields(["ls-files", "-z", "--others", "--exclude-standard"])
            .await?;
        touched.extend(others.into_iter().filter(|path| !self.is_scratch(path)));
        self.put(&git, base).await?;
        self.sweep(checkout, For::Agents).await?;
        let stopped = stopped.iter().map(|path| below(&checkout.tree, path));
        touched.extend(stopped.map(|path| path.as_os_str().to_owned()));
        touched.sort_unstable();
        touched.dedup();
        if !touched.is_empty() {
            let names: Vec<_> = touched
                .iter()
                .map(|path: &OsString| path.to_string_lossy())
                .collect();
            notes.push(format!(
                "the workspace's set-up changes files that git does not ignore: {}",
                names.join(", ")
            ));
        }
        Ok(())
    }

    /// Removes the checkouts of this run.
    pub(super) fn remove(&self) -> Result<(), WorkshopError> {
        clear(&self.folder)
    }
}

/// Returns whether one of `entries` matches `path`.
pub(super) fn gives(entries: &[Entry<PathPattern>], path: &str) -> bool {
    entries.iter().any(|entry| entry.gives(path))
}

/// Returns the last bytes of `said` as text, from the start of a line where that is possible.
pub(super) fn tail(said: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(said);
    let text = text.trim_end();
    let mut from = text.len().saturating_sub(most);
    if from == 0 {
        return text.to_owned();
    }
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
    format!("[…]\n{rest}")
}

/// The folder of the clones, beside those of the lanes.
const STEPS: &str = "steps";

// Moves the clone `name` out of the way of the one that is to be made anew: something that nobody could
// end may still write into it.
fn set_aside(steps: &Path, name: &str) -> Result<(), WorkshopError> {
    let clone = steps.join(name);
    if fs::symlink_metadata(&clone).is_err() {
        return Ok(());
    }
    let aside = steps.join(format!(".{name}"));
    clear(&aside)?;
    fs::rename(&clone, &aside).map_err(file_error(&clone))?;
    // What is still written to is removed with the run.
    let _ = remove_tree(&aside);
    Ok(())
}

// Whether one of the folders above `path` is a link.
fn is_beyond_link(tree: &Path, path: &Path) -> bool {
    let above = path.ancestors().skip(1);
    above
        .filter(|folder| !folder.as_os_str().is_empty())
        .any(|folder| fs::symlink_metadata(tree.join(folder)).is_ok_and(|data| data.is_symlink()))
}

fn is_of_the_disk(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "no space left",
        "out of diskspace",
        "quota exceeded",
        "read-only file system",
        "input/output error",
        "unable to write",
        "write error",
    ]
    .iter()
    .any(|words| message.contains(words))
}

// Whether a component of `path` is `.git` to some file system.
fn names_git(path: &OsStr) -> bool {
    Path::new(path).components().any(|component| {
        let Component::Normal(name) = component else {
            return false;
        };
        let name = name.to_string_lossy().to_lowercase();
        matches!(name.trim_end_matches(['.', ' ']), ".git" | "git~1")
    })
}

fn make(folder: &Path) -> Result<(), WorkshopError> {
    private_folder(folder).map_err(file_error(folder))
}

fn clear(path: &Path) -> Result<(), WorkshopError> {
    remove_tree(path).map_err(file_error(path))
}

// Removes what git would wait at for ever, and returns it.
fn clear_stops(tree: &Path) -> Result<Vec<PathBuf>, WorkshopError> {
    let stops = stops(tree).map_err(file_error(tree))?;
    stops.iter().try_for_each(|path| clear(path))?;
    Ok(stops)
}

fn below<'p>(tree: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(tree).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::is_of_the_disk;

    #[test]
    fn a_full_disk_is_not_the_agents_fault() {
        for (message, is_it) in [
            (
                "fatal: sha1 file '/x.lock' write error. Out of diskspace",
                true,
            ),
            ("error: file write error: No space left on device", true),
            ("fatal: Unable to write new index file", true),
            ("error: app/fifo: can only add regular files", false),
            ("error: 'app/a' is beyond a symbolic link", false),
        ] {
            assert_eq!(is_of_the_disk(message), is_it, "{message}");
        }
    }
}
