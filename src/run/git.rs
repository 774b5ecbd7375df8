//! `git` as a child process: a closed environment, no hooks, no configuration but the repository's.
//!
//! The owner's global and system configuration, ignore and attribute files play no part, so that the
//! same repository answers the same on every machine. Paths given as pathspecs are literal. Nothing
//! is locked that need not be: asking never rewrites the owner's index.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::process::{self, Cancel, Exit, Finished, Launch};

/// How long one call may take; nothing that is asked of git here takes minutes.
const WALL: Duration = Duration::from_mins(10);

/// Settings that hold whatever the repository's own configuration says.
const SETTINGS: [&str; 11] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.quotePath=false",
    "core.pager=cat",
    "protocol.file.allow=user",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
];

/// A repository, and how it is looked at.
#[derive(Debug, Clone)]
pub struct Git {
    repository: PathBuf,
    work_tree: Option<PathBuf>,
    env: BTreeMap<OsString, OsString>,
    cancel: Cancel,
}

/// What can go wrong with a call of git.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started.
    #[error("`git` could not be started")]
    Start(#[source] io::Error),
    /// It ended otherwise than with 0.
    #[error("`git {command}` {exit}: {message}")]
    Failed {
        /// The arguments, for people.
        command: String,
        /// How it ended.
        exit: Exit,
        /// What it said on standard error.
        message: String,
    },
    /// Its answer is not what git writes.
    #[error("`git {command}` gave an answer that can't be read")]
    Unreadable {
        /// The arguments, for people.
        command: String,
    },
}

impl GitError {
    /// Returns the code that git exited with, where it exited by itself.
    pub const fn code(&self) -> Option<i32> {
        match self {
            Self::Failed {
                exit: Exit::Code(code),
                ..
            } => Some(*code),
            Self::Failed { .. } | Self::Start(_) | Self::Unreadable { .. } => None,
        }
    }
}

/// One file that is not the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedFile {
    /// Its path below the top.
    pub path: OsString,
    /// What it was, if it was there.
    pub before: Option<Blob>,
    /// What it is, if it is there.
    pub after: Option<Blob>,
}

/// A file as git knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its type and permissions, in octal digits.
    pub mode: String,
    /// The name of its content.
    pub id: String,
}

/// What putting work on something else made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// The tree; where files conflict, it has both versions, marked.
    pub tree: String,
    /// The files that conflict.
    pub conflicts: Vec<String>,
}

impl Git {
    /// Returns the repository at `git_dir`, looked at through `work_tree`. Without one, what needs a
    /// work tree fails.
    pub fn new(git_dir: impl Into<PathBuf>, work_tree: Option<&Path>) -> Self {
        Self {
            repository: git_dir.into(),
            work_tree: work_tree.map(Path::to_owned),
            env: BTreeMap::new(),
            cancel: Cancel::never(),
        }
    }

    /// Returns the repository that `folder` lies in, with its work tree.
    ///
    /// # Errors
    ///
    /// Where `folder` lies in no work tree.
    pub async fn discover(folder: &Path) -> Result<Self, GitError> {
        Self::discover_as(folder, &[]).await
    }

    /// As [`Self::discover`], where someone else owns the repository of `top`, and its user trusts it.
    pub(super) async fn discover_trusted(folder: &Path, top: &Path) -> Result<Self, GitError> {
        let mut trusted = OsString::from("safe.directory=");
        trusted.push(top);
        Self::discover_as(folder, &["-c".into(), trusted]).await
    }

    async fn discover_as(folder: &Path, options: &[OsString]) -> Result<Self, GitError> {
        let mut probe = Self::new(folder, None);
        let mut args = options.to_vec();
        args.extend(["rev-parse", "--absolute-git-dir", "--show-toplevel"].map(OsString::from));
        let finished = probe.start(&args, None, Some(folder)).await?;
        let answer = checked(&args, finished)?;
        // Neither path can be told apart from the other where it holds a line feed; that is refused.
        let mut lines = answer
            .strip_suffix(b"\n")
            .unwrap_or(&answer)
            .split(|byte| *byte == b'\n');
        let (Some(git_dir), Some(root), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(GitError::Unreadable {
                command: shown(&args),
            });
        };
        probe.repository = PathBuf::from(OsStr::from_bytes(git_dir));
        probe.work_tree = Some(PathBuf::from(OsStr::from_bytes(root)));
        Ok(probe)
    }

    /// Returns where the repository lies.
    pub fn git_dir(&self) -> &Path {
        &self.repository
    }

    /// Returns the work tree that it is looked at through.
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Returns the same repository with another index file.
    #[must_use]
    pub fn index(self, index: &Path) -> Self {
        self.env("GIT_INDEX_FILE", index)
    }

    /// Returns the same repository with one more variable in the environment of git: who commits,
    /// and when.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Returns the same repository, its calls ended when `cancel` is made.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Returns the same repository, with new objects written to `objects` and nowhere else. One that
    /// is quarantined already goes on reading what was written so far.
    ///
    /// # Errors
    ///
    /// Where git does not say where the repository's own objects lie.
    pub async fn quarantined(self, objects: &Path) -> Result<Self, GitError> {
        let own = self
            .line([
                "rev-parse",
                "--path-format=absolute",
                "--git-path",
                "objects",
            ])
            .await?;
        // The list is separated by colons; a path with a colon stands in quotes.
        let mut quoted = vec![b'"'];
        for byte in own.as_bytes() {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(*byte);
        }
        quoted.push(b'"');
        let before = OsStr::new("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        if let Some(before) = self.env.get(before) {
            quoted.push(b':');
            quoted.extend_from_slice(before.as_bytes());
        }
        Ok(self.env("GIT_OBJECT_DIRECTORY", objects).env(
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            OsString::from_vec(quoted),
        ))
    }

    /// Returns what `git` with `args` writes to standard output, byte for byte.
    ///
    /// # Errors
    ///
    /// Where it can't be started or does not exit with 0.
    pub async fn output<A: AsRef<OsStr>>(
        &self,
        args: impl AsRef<[A]>,
        input: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, GitError> {
        let args = args.as_ref();
        checked(args, self.start(args, input, None).await?)
    }

    /// Returns the answer of `git` with `args` without its last line feed: an id, a path.
    ///
    /// # Errors
    ///
    /// Where it can't be started or does not exit with 0.
    pub async fn line<A: AsRef<OsStr>>(&self, args: impl AsRef<[A]>) -> Result<OsString, GitError> {
        let mut answer = self.output(args, None).await?;
        if answer.last() == Some(&b'\n') {
            answer.pop();
        }
        Ok(OsString::from_vec(answer))
    }

    /// Returns the answer of `git` with `args` as text without its last line feed: an object's id.
    ///
    /// # Errors
    ///
    /// Where it can't be started, does not exit with 0, or answers in no UTF-8.
    pub async fn text<A: AsRef<OsStr>>(&self, args: impl AsRef<[A]>) -> Result<String, GitError> {
        let args = args.as_ref();
        self.line(args)
            .await?
            .into_string()
            .map_err(|_| GitError::Unreadable {
                command: shown(args),
            })
    }

    /// Returns the fields of an answer in which each ends with a null byte, as `-z` makes it.
    ///
    /// # Errors
    ///
    /// Where it can't be started or does not exit with 0.
    pub async fn fields<A: AsRef<OsStr>>(
        &self,
        args: impl AsRef<[A]>,
    ) -> Result<Vec<OsString>, GitError> {
        let answer = self.output(args, None).await?;
        let answer = answer.strip_suffix(b"\0").unwrap_or(&answer);
        if answer.is_empty() {
            return Ok(Vec::new());
        }
        Ok(answer
            .split(|byte| *byte == 0)
            .map(|field| OsStr::from_bytes(field).to_owned())
            .collect())
    }

    /// Returns the same repository, with commits made in the name of `name`.
    #[must_use]
    pub(super) fn by(mut self, name: &str, email: &str) -> Self {
        for who in ["AUTHOR", "COMMITTER"] {
            self = self
                .env(format!("GIT_{who}_NAME"), name)
                .env(format!("GIT_{who}_EMAIL"), email);
        }
        self
    }

    /// Returns the files that are not the same in the trees `from` and `to`, in the order of their
    /// paths. A rename is two of them.
    pub(super) async fn changed(&self, from: &str, to: &str) -> Result<Vec<ChangedFile>, GitError> {
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            from,
            to,
        ];
        let fields = self.fields(args).await?;
        let unreadable = || GitError::Unreadable {
            command: shown(&args),
        };
        let blob = |mode: &str, id: &str| {
            mode.bytes().any(|digit| digit != b'0').then(|| Blob {
                mode: mode.to_owned(),
                id: id.to_owned(),
            })
        };
        fields
            .chunks(2)
            .map(|pair| {
                let [facts, path] = pair else {
                    return Err(unreadable());
                };
                let facts = facts.to_str().ok_or_else(unreadable)?;
                let facts: Vec<&str> = facts.trim_start_matches(':').split(' ').collect();
                let [old, new, from, to, _] = facts.as_slice() else {
                    return Err(unreadable());
                };
                Ok(ChangedFile {
                    path: path.clone(),
                    before: blob(old, from),
                    after: blob(new, to),
                })
            })
            .collect()
    }

    /// Puts the commit `work` onto the commit `onto`, from their common ancestor or the one given.
    pub(super) async fn merge(
        &self,
        ancestor: Option<&str>,
        onto: &str,
        work: &str,
    ) -> Result<Merged, GitError> {
        let mut args = vec![
            "merge-tree",
            "--write-tree",
            "--no-messages",
            "--name-only",
            "-z",
        ];
        let ancestor = ancestor.map(|ancestor| format!("--merge-base={ancestor}"));
        args.extend(ancestor.as_deref());
        args.extend([onto, work]);
        let finished = self.run(&args, None).await?;
        let text = String::from_utf8_lossy(&finished.stdout);
        let mut fields = text.split('\0').filter(|field| !field.is_empty());
        let tree = fields.next().map(|tree| tree.trim().to_owned());
        let mut conflicts: Vec<String> = fields.map(str::to_owned).collect();
        conflicts.dedup();
        match (finished.exit, tree) {
            (Exit::Code(0), Some(tree)) if conflicts.is_empty() => Ok(Merged { tree, conflicts }),
            (Exit::Code(1), Some(tree)) => {
                if conflicts.is_empty() {
                    conflicts.push("(unknown)".into());
                }
                Ok(Merged { tree, conflicts })
            }
            (exit, _) => Err(GitError::Failed {
                command: shown(&args),
                exit,
                message: String::from_utf8_lossy(&finished.stderr)
                    .trim_end()
                    .to_owned(),
            }),
        }
    }

    /// Returns the content of the file at `path` in `tree`; nothing where there is none.
    pub(super) async fn file(&self, tree: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let args = ["ls-tree", "-z", "--full-tree", tree, "--", path];
        let listed = self.fields(args).await?;
        let Some(entry) = listed.first() else {
            return Ok(None);
        };
        let entry = entry.to_string_lossy();
        let facts: Vec<&str> = entry.split(['\t', ' ']).take(3).collect();
        match facts.as_slice() {
            [_, "blob", id] => Ok(Some(self.output(["cat-file", "blob", id], None).await?)),
            _ => Ok(None),
        }
    }

    /// Returns the contents of the blobs `names`, in their order, by one call.
    pub(super) async fn blobs(&self, names: &[String]) -> Result<Vec<Vec<u8>>, GitError> {
        let args = ["cat-file", "--batch"];
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let input = format!("{}\n", names.join("\n")).into_bytes();
        let answer = self.output(args, Some(input)).await?;
        let unreadable = || GitError::Unreadable {
            command: shown(&args),
        };
        let mut rest = answer.as_slice();
        let mut contents = Vec::with_capacity(names.len());
        for _ in names {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (head, body) = rest.split_at(end.ok_or_else(unreadable)?);
            let head = String::from_utf8_lossy(head);
            let size = match head.split(' ').collect::<Vec<_>>().as_slice() {
                [_, "blob", size] => size.parse::<usize>().map_err(|_| unreadable())?,
                _ => return Err(unreadable()),
            };
            let content = body.get(1..=size).ok_or_else(unreadable)?;
            contents.push(content.to_vec());
            rest = body.get(size + 2..).ok_or_else(unreadable)?;
        }
        Ok(contents)
    }

    /// Runs `git` with `args` and returns how it ended: for commands whose exit code is an answer.
    ///
    /// # Errors
    ///
    /// Where it can't be started.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        args: impl AsRef<[A]>,
        input: Option<Vec<u8>>,
    ) -> Result<Finished, GitError> {
        self.start(args.as_ref(), input, None).await
    }

    async fn start<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        input: Option<Vec<u8>>,
        discover: Option<&Path>,
    ) -> Result<Finished, GitError> {
        let mut env = BTreeMap::from(
            [
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_ATTR_NOSYSTEM", "1"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_LITERAL_PATHSPECS", "1"),
                ("GIT_NO_REPLACE_OBJECTS", "1"),
                ("GIT_EDITOR", "false"),
                ("GIT_PAGER", "cat"),
                ("GIT_ASKPASS", "false"),
                ("LC_ALL", "C"),
            ]
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        );
        if let Some(path) = std::env::var_os("PATH") {
            env.insert("PATH".into(), path);
        }
        let mut words: Vec<OsString> = Vec::new();
        for setting in SETTINGS {
            words.extend(["-c".into(), setting.into()]);
        }
        let folder = match (discover, &self.work_tree) {
            (Some(folder), _) => folder,
            (None, Some(root)) => {
                env.insert("GIT_DIR".into(), self.repository.clone().into());
                env.insert("GIT_WORK_TREE".into(), root.clone().into());
                root
            }
            (None, None) => {
                env.insert("GIT_DIR".into(), self.repository.clone().into());
                words.extend(["-c".into(), "core.bare=true".into()]);
                &self.repository
            }
        };
        env.extend(self.env.clone());
        words.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        let launch = Launch {
            program: "git".into(),
            args: words,
            folder: folder.to_owned(),
            env,
            input,
            wall: WALL,
            keep: usize::MAX,
            keeper: None,
            waiting: None,
        };
        process::run(launch, self.cancel.clone())
            .await
            .map_err(GitError::Start)
    }
}

fn checked<A: AsRef<OsStr>>(args: &[A], finished: Finished) -> Result<Vec<u8>, GitError> {
    if finished.exit.success() {
        return Ok(finished.stdout);
    }
    let said = String::from_utf8_lossy(&finished.stderr);
    Err(GitError::Failed {
        command: shown(args),
        exit: finished.exit,
        message: said.trim_end().to_owned(),
    })
}

fn shown<A: AsRef<OsStr>>(args: &[A]) -> String {
    let words: Vec<_> = args
        .iter()
        .map(|arg| arg.as_ref().to_string_lossy())
        .collect();
    words.join(" ")
}

/// Takes away the locks that a git which was killed has left on the indexes `*.index` in `folder`.
///
/// Nobody but the one process that holds the repository's own lock works on them. A git that has
/// outlived the process before is given two seconds to end by itself.
pub(super) fn release_indexes(folder: &Path) -> io::Result<()> {
    for last in (0..20).map(|round| round == 19) {
        let mut held = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.as_os_str().as_bytes().ends_with(b".index.lock") {
                held.push(path);
            }
        }
        if held.is_empty() {
            return Ok(());
        }
        if last {
            for path in held {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
        } else {
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::Git;

    async fn repository(root: &Path) -> Git {
        let git = Git::new(root.join(".git"), Some(root))
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.com");
        git.output(["init", "-q", "-b", "main"], None)
            .await
            .unwrap();
        fs::write(root.join("a b\n*.txt"), "one\n").unwrap();
        git.output(["add", "-A"], None).await.unwrap();
        git.output(["commit", "-q", "-m", "one"], None)
            .await
            .unwrap();
        git
    }

    #[test]
    fn a_lock_that_a_killed_git_left_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["gates-1.index", "gates-1.index.lock", "t.lock.index"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        super::release_indexes(folder.path()).unwrap();
        let left = fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["gates-1.index", "t.lock.index"]);
    }

    #[tokio::test]
    async fn names_come_back_byte_for_byte() {
        let home = tempfile::tempdir().unwrap();
        let git = repository(home.path()).await;
        assert_eq!(
            git.fields(["ls-files", "-z"]).await.unwrap(),
            ["a b\n*.txt"]
        );
        assert_eq!(
            git.fields(["ls-files", "-z", "--", "nothing"])
                .await
                .unwrap(),
            Vec::<std::ffi::OsString>::new()
        );
        let found = Git::discover(home.path()).await.unwrap();
        assert_eq!(found.text(["rev-parse", "HEAD"]).await.unwrap().len(), 40);
    }

    #[tokio::test]
    async fn hooks_and_configured_programs_do_not_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let git = repository(home.path()).await;
        let trap = home.path().join(".git/hooks/pre-commit");
        fs::create_dir_all(trap.parent().unwrap()).unwrap();
        fs::write(&trap, "#!/bin/sh\ntouch ../ran; touch ran\n").unwrap();
        fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
        git.output(["config", "core.fsmonitor", trap.to_str().unwrap()], None)
            .await
            .unwrap();
        git.output(["status", "--porcelain"], None).await.unwrap();
        git.output(["commit", "-q", "--allow-empty", "-m", "two"], None)
            .await
            .unwrap();
        assert!(!home.path().join("ran").exists());
    }

    #[tokio::test]
    async fn quarantined_objects_leave_the_repository_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let git = repository(home.path()).await;
        let aside = tempfile::tempdir().unwrap();
        let quarantined = git.clone().quarantined(aside.path()).await.unwrap();
        let id = String::from_utf8(
            quarantined
                .output(["hash-object", "-w", "--stdin"], Some(b"new\n".to_vec()))
                .await
                .unwrap(),
        )
        .unwrap();
        let ask = ["cat-file", "-e", id.trim()];
        assert!(quarantined.output(ask, None).await.is_ok());
        assert!(git.output(ask, None).await.is_err());
        let more = tempfile::tempdir().unwrap();
        let twice = quarantined.clone().quarantined(more.path()).await.unwrap();
        for name in ["HEAD", id.trim()] {
            twice.output(["cat-file", "-e", name], None).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_failure_says_what_was_asked_and_what_git_said() {
        let home = tempfile::tempdir().unwrap();
        let git = repository(home.path()).await;
        let error = git
            .text(["rev-parse", "--verify", "no-such"])
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(128));
        assert!(
            error.to_string().contains("rev-parse --verify no-such"),
            "{error}"
        );
    }
}
