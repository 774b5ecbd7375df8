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
    /// Why there is nothing to compare the files with, if so: then only commands can judge them.
    pub alone: Option<String>,
}

/// Whose files a checkout has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// The runner's: sealed files come from the base, and what a gate changes is put back.
    Runner,
    /// A person's: they are looked at as they are, and nothing is put anywhere.
    Person,
}

impl Checkout {
    /// Returns a person's own files, measured against the last commit. What is sealed counts as it
    /// stands there: nobody's work is judged. Outside of git, and below the top of a work tree, there
    /// is nothing to measure them against.
    pub async fn of_person(root: &Path) -> Self {
        let (git, alone) = Self::repository(root).await;
        Self {
            root: root.to_owned(),
            git,
            base: "HEAD".to_owned(),
            tree: None,
            tip: None,
            hands: Hands::Person,
            step: "gate".to_owned(),
            alone,
        }
    }

    // What git would find, without asking it in the cases that are nearly all: most gates need no more.
    async fn repository(root: &Path) -> (Git, Option<String>) {
        let here = |why: String| (Git::new(root.join(".git"), Some(root)), Some(why));
        let below = |top: &Path| {
            format!(
                "the project is not at the top of its git work tree, which is `{}`",
                top.display()
            )
        };
        if let Some(folder) = git_folder(root) {
            return (Git::new(folder, Some(root)), None);
        }
        let is_there = |folder: &&Path| fs::symlink_metadata(folder.join(".git")).is_ok();
        let Some(top) = root.ancestors().find(is_there) else {
            return here("the project is in no git work tree".to_owned());
        };
        match Git::discover(root).await {
            Ok(git) if is_same(git.work_tree(), root) => (git, None),
            Ok(git) => {
                let why = below(git.work_tree().unwrap_or(top));
                (git, Some(why))
            }
            Err(GitError::Failed { .. }) => here("the project is in no git work tree".to_owned()),
            Err(error @ (GitError::Start(_) | GitError::Unreadable { .. })) => {
                here(error.to_string())
            }
        }
    }
}

// The git folder of a work tree whose top is `root`, if that is plain to see.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let place = root.join(".git");
    if fs::symlink_metadata(&place).ok()?.is_dir() {
        let is_one = place.join("HEAD").is_file() && place.join("objects").is_dir();
        return is_one.then_some(place);
    }
    let text = fs::read_to_string(&place).ok()?;
    let folder = root.join(text.strip_prefix("gitdir: ")?.trim_end());
    folder.join("HEAD").is_file().then_some(folder)
}

fn is_same(top: Option<&Path>, root: &Path) -> bool {
    match (top.map(Path::canonicalize), root.canonicalize()) {
        (Some(Ok(top)), Ok(root)) => top == root,
        (Some(Ok(_) | Err(_)) | None, Ok(_) | Err(_)) => false,
    }
}
