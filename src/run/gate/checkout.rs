//! Where gates run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::super::git::{Git, GitError};

/// The files that gates look at, and what they are measured against.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The top of the work tree.
    pub root: PathBuf,
    /// The repository, looked at through the work tree. Gates write no object, index, or reference
    /// of it.
    pub git: Git,
    /// The commit or tree that the change is measured against; `HEAD` before the first commit is the
    /// empty tree.
    pub base: String,
    /// The tree of the files that git does not ignore; without it, it is found when it is needed.
    pub tree: Option<String>,
    /// The commit or tree that the change is to land on, where that is another than the base.
    pub tip: Option<String>,
    /// Whose files these are.
    pub hands: Hands,
    /// What stands for `{step}` in the workspace's variables.
    pub step: String,
}

/// Whose files a checkout has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// The runner's: sealed files come from the base, and what a gate changes is put back.
    Runner,
    /// A person's: they are looked at as they are, and nothing is put anywhere.
    Person,
}

/// Why a person's work tree can't be judged.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// Git does not know the folder.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The folder is inside of a work tree.
    #[error("the project is not at the top of its git work tree, which is `{}`", top.display())]
    NotTop {
        /// The top.
        top: PathBuf,
    },
}

impl Checkout {
    /// Returns a person's own work tree, measured against its last commit. What is sealed counts as
    /// it stands there: nobody's work is judged.
    ///
    /// # Errors
    ///
    /// Where `root` is not the top of a git work tree.
    pub async fn of_person(root: &Path) -> Result<Self, CheckoutError> {
        let git = match Self::at_top(root) {
            Some(git) => git,
            None => Git::discover(root).await?,
        };
        let top = git.work_tree().unwrap_or(root);
        let is_top = match (root.canonicalize(), top.canonicalize()) {
            (Ok(root), Ok(top)) => root == top,
            (Err(_), _) | (_, Err(_)) => false,
        };
        if !is_top {
            let top = top.to_owned();
            return Err(CheckoutError::NotTop { top });
        }
        Ok(Self {
            root: top.to_owned(),
            git,
            base: "HEAD".to_owned(),
            tree: None,
            tip: None,
            hands: Hands::Person,
            step: "gate".to_owned(),
        })
    }

    // What git would find, in the one case that is nearly all of them; most gates need no more of it.
    fn at_top(root: &Path) -> Option<Git> {
        let folder = root.join(".git");
        let is_one = fs::symlink_metadata(&folder).is_ok_and(|facts| facts.is_dir())
            && folder.join("HEAD").is_file()
            && folder.join("objects").is_dir();
        is_one.then(|| Git::new(folder, Some(root)))
    }
}
