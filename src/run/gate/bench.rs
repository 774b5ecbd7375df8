//! Trees made and moved aside: with an index and objects of the bench's own, so that nothing of the
//! repository changes. What a bench has made is gone when it is dropped.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use super::{
    super::{
        folder::{Temporary, remove_tree, stops},
        git::{Git, GitError},
    },
    change::Change,
    checkout::{Checkout, Hands},
};
use crate::boundary::{Entry, PathPattern};

/// Why a tree could not be made or put in place.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the files of the bench can't be written: {0}")]
    Io(#[from] io::Error),
}

/// A place to make trees for one checkout.
#[derive(Debug)]
pub(super) struct Bench {
    folder: Temporary,
    git: Git,
    base: String,
    tree: String,
    excludes: Vec<u8>,
}

impl Bench {
    /// Sets up a bench; finds the tree of the checkout's files where it is not known.
    pub(super) async fn set_up(checkout: &Checkout) -> Result<Self, BenchError> {
        let folder = Temporary::new("bench")?;
        fs::create_dir_all(folder.path().join("objects"))?;
        fs::create_dir_all(folder.path().join("git/info"))?;
        let index = folder.path().join("git/index");
        let git = checkout
            .git
            .clone()
            .quarantined(&folder.path().join("objects"))
            .await?;
        let tree = format!("{}^{{tree}}", checkout.base);
        let base = match git.text(["rev-parse", "--verify", "-q", &tree]).await {
            // Nothing was committed yet: everything is new.
            Err(error) if error.code() == Some(1) && checkout.base == "HEAD" => {
                git.text(["hash-object", "-t", "tree", "/dev/null"]).await?
            }
            found => found?,
        };
        let own = checkout
            .git
            .line(["rev-parse", "--git-path", "index"])
            .await?;
        let excludes = checkout
            .git
            .line(["rev-parse", "--git-path", "info/exclude"])
            .await?;
        let excludes = match fs::read(checkout.root.join(PathBuf::from(excludes))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found?,
        };
        let git = git.index(&index);
        // What the index at hand knows of unchanged files need not be read again.
        copy_index(&checkout.root.join(PathBuf::from(own)), &index)?;
        let tree = if let Some(tree) = &checkout.tree {
            git.output(["read-tree", "--reset", tree], None).await?;
            tree.clone()
        } else {
            git.output(["add", "-A"], None).await?;
            git.text(["write-tree"]).await?
        };
        Ok(Self {
            folder,
            git,
            base,
            tree,
            excludes,
        })
    }

    /// Returns the repository with the bench's index and objects.
    pub(super) const fn git(&self) -> &Git {
        &self.git
    }

    /// Returns the tree of the base.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the tree of the checkout's files.
    pub(super) fn tree(&self) -> &str {
        &self.tree
    }

    /// Returns what the repository ignores apart from its `.gitignore` files.
    pub(super) fn excludes(&self) -> &[u8] {
        &self.excludes
    }

    /// Returns a git folder that says what the tree tracks and what is ignored, which nothing that
    /// runs in the checkout can have touched.
    pub(super) fn git_folder(&self) -> Result<PathBuf, BenchError> {
        let folder = self.folder.path().join("git");
        fs::write(folder.join("info/exclude"), &self.excludes)?;
        Ok(folder)
    }

    /// Returns what is different between two trees.
    pub(super) async fn change(&self, from: &str, to: &str) -> Result<Change, BenchError> {
        Ok(Change::of(self.git.changed(from, to).await?))
    }

    /// Returns the tree of the checkout with the files that `sealed` means as the base has them.
    pub(super) async fn sealed_tree(
        &self,
        change: &Change,
        sealed: &[Entry<PathPattern>],
    ) -> Result<Option<String>, BenchError> {
        let mut lines = Vec::new();
        // What is no more goes first, so that a folder can take the place of a file.
        let (gone, stays): (Vec<_>, Vec<_>) = change
            .files()
            .iter()
            .filter(|file| sealed.iter().any(|entry| entry.gives(&file.shown())))
            .partition(|file| file.before.is_none());
        for file in gone.into_iter().chain(stays) {
            let line = match &file.before {
                Some(before) => format!("{} {}\t", before.mode, before.id),
                None => format!("0 {}\t", "0".repeat(self.base.len())),
            };
            lines.extend_from_slice(line.as_bytes());
            lines.extend_from_slice(file.path.as_bytes());
            lines.push(0);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let aside = self.git.clone().index(&self.folder.path().join("aside"));
        aside.output(["read-tree", &self.tree], None).await?;
        aside
            .output(
                ["update-index", "-z", "--replace", "--index-info"],
                Some(lines),
            )
            .await?;
        Ok(Some(aside.text(["write-tree"]).await?))
    }

    /// Makes the files that git does not ignore those of `tree`, whatever they are now.
    pub(super) async fn switch(&self, tree: &str) -> Result<(), BenchError> {
        // What ran in it may have left a pipe at which git would wait.
        for path in self
            .git
            .work_tree()
            .map(stops)
            .transpose()?
            .unwrap_or_default()
        {
            remove_tree(&path)?;
        }
        self.git.output(["add", "-A"], None).await?;
        self.git
            .output(["read-tree", "--reset", "-u", tree], None)
            .await?;
        Ok(())
    }

    /// Returns the tree that comes of applying what leads from `from` to `to` to `onto`; the paths
    /// that can't be merged where it does not apply.
    pub(super) async fn merge(
        &self,
        from: &str,
        to: &str,
        onto: &str,
    ) -> Result<Result<String, Vec<String>>, BenchError> {
        let (from, to, onto) = (
            self.commit(from).await?,
            self.commit(to).await?,
            self.commit(onto).await?,
        );
        let merged = self.git.merge(Some(&from), &onto, &to).await?;
        Ok(if merged.conflicts.is_empty() {
            Ok(merged.tree)
        } else {
            Err(merged.conflicts)
        })
    }

    // A merge wants commits; theirs are never seen by anyone.
    async fn commit(&self, tree: &str) -> Result<String, BenchError> {
        let mut git = self.git.clone().by("factory", "factory@localhost");
        for who in ["AUTHOR", "COMMITTER"] {
            git = git.env(format!("GIT_{who}_DATE"), "@0 +0000");
        }
        let tree = format!("{tree}^{{tree}}");
        let tree = git.text(["rev-parse", "--verify", &tree]).await?;
        Ok(git.text(["commit-tree", "-m", "tree", &tree]).await?)
    }

    /// Writes the files of the checkout to `root`, an empty folder, and returns it as a checkout of
    /// the runner's.
    pub(super) async fn copy(
        &self,
        checkout: &Checkout,
        root: &Path,
    ) -> Result<Checkout, BenchError> {
        let git = Git::new(checkout.git.git_dir(), Some(root));
        let objects = self.folder.path().join("objects");
        let git = git.quarantined(&objects).await?;
        let index = self.folder.path().join("copy");
        let git = git.index(&index);
        git.output(["read-tree", "--reset", "-u", &self.tree], None)
            .await?;
        Ok(Checkout {
            root: root.to_owned(),
            git,
            tree: Some(self.tree.clone()),
            hands: Hands::Runner,
            ..checkout.clone()
        })
    }

    /// Returns the content of a file in a tree, nothing where there is none.
    pub(super) async fn file(&self, tree: &str, path: &str) -> Result<Option<Vec<u8>>, BenchError> {
        let mut name = OsString::from(format!("{tree}:")).into_vec();
        name.extend_from_slice(path.as_bytes());
        let name = OsString::from_vec(name);
        let known = self
            .git
            .run(
                [&OsString::from("cat-file"), &OsString::from("-e"), &name],
                None,
            )
            .await?;
        if !known.exit.success() {
            return Ok(None);
        }
        let args = [OsString::from("cat-file"), OsString::from("blob"), name];
        Ok(Some(self.git.output(args, None).await?))
    }
}

// Copies an index, if there is one, with its time: by that git knows which files may have changed
// since within one tick of the clock.
fn copy_index(from: &Path, to: &Path) -> io::Result<()> {
    let copied = fs::metadata(from).and_then(|facts| {
        fs::copy(from, to)?;
        let to = fs::OpenOptions::new().write(true).open(to)?;
        to.set_modified(facts.modified()?)
    });
    match copied {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
