//! Branches: the commit that the runner makes, and moving a branch to it and nowhere else.

use super::{
    error::ExecError,
    event::{Event, Place},
    exec::Runner,
    git::{Git, GitError, Merged},
    identity,
    project::Project,
};

/// Returns the branch on which a task lands.
pub(super) fn branch(task: &str) -> String {
    format!("factory/{task}")
}

fn reference(task: &str) -> String {
    format!("refs/heads/factory/{task}")
}

/// Returns the commit that `name` refers to, if there is one.
pub(super) async fn resolve(git: &Git, name: &str) -> Result<Option<String>, GitError> {
    let name = format!("{name}^{{commit}}");
    match git.text(["rev-parse", "--verify", "--quiet", &name]).await {
        Ok(commit) => Ok(Some(commit)),
        Err(error) if error.code() == Some(1) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn is_ancestor(git: &Git, commit: &str, of: &str) -> Result<bool, GitError> {
    match git
        .output(["merge-base", "--is-ancestor", commit, of], None)
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(1) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How the branch of a task stands before work on it begins.
pub(super) struct Standing {
    /// Its tip, if there is such a branch.
    pub tip: Option<String>,
    /// Whether it has commits that are not in the base.
    pub foreign: bool,
}

/// Returns how the branch of `task` stands beside the commit `base`.
///
/// # Errors
///
/// Where it is checked out: what someone has checked out would change under them.
pub(super) async fn standing(
    project: &Project,
    task: &str,
    base: &str,
) -> Result<Standing, ExecError> {
    refuse_checked_out(project, task).await?;
    let git = project.git();
    let tip = resolve(&git, &reference(task)).await?;
    let foreign = match &tip {
        Some(tip) => !is_ancestor(&git, tip, base).await?,
        None => false,
    };
    Ok(Standing { tip, foreign })
}

async fn refuse_checked_out(project: &Project, task: &str) -> Result<(), ExecError> {
    let list = project
        .checkout()
        .fields(["worktree", "list", "--porcelain", "-z"])
        .await?;
    let mut folder = String::new();
    for line in list {
        let line = line.to_string_lossy();
        match line.split_once(' ') {
            Some(("worktree", path)) => path.clone_into(&mut folder),
            Some(("branch", name)) if name == reference(task) => {
                let branch = branch(task);
                return Err(ExecError::CheckedOut { branch, folder });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a repository in which the branch of `task` can't be made, since another has a name that is
/// the beginning of its own, or begins with it.
pub(super) async fn refuse_in_the_way(project: &Project, task: &str) -> Result<(), ExecError> {
    let own = reference(task);
    let list = project
        .git()
        .text(["for-each-ref", "--format=%(refname)", "refs/heads/factory"])
        .await?;
    let is_in_the_way = |name: &&str| {
        let below = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        below(&own, name) || below(name, &own)
    };
    match list.lines().find(is_in_the_way) {
        None => Ok(()),
        Some(name) => Err(ExecError::BranchInTheWay {
            branch: branch(task),
            other: name.trim_start_matches("refs/heads/").to_owned(),
        }),
    }
}

impl Runner<'_> {
    /// Makes the task's branch on the base, if it has not been begun yet.
    pub(super) async fn begin_task(&self, task: &str) -> Result<(), ExecError> {
        let (started, base) = self.look(|progress| {
            let state = progress.tasks.get(task);
            let started = state.is_some_and(|state| state.started.is_some());
            (started, progress.base.clone())
        });
        if started {
            return Ok(());
        }
        let git = self.project.git();
        let reference = reference(task);
        let Standing { tip, foreign } = standing(self.project, task, &base).await?;
        if let (Some(tip), true) = (&tip, foreign) {
            if !self.again {
                let branch = branch(task);
                return Err(ExecError::BranchTaken { branch });
            }
            let kept = format!("refs/factory/kept/{}/{task}/before", self.run);
            git.output(["update-ref", &kept, tip], None).await?;
            self.event(Event::Note {
                text: format!("what `{}` was before is kept as `{kept}`", branch(task)),
            })?;
        }
        let old = tip.unwrap_or_else(|| "0".repeat(base.len()));
        git.output(["update-ref", &reference, &base, &old], None)
            .await?;
        self.event(Event::TaskStarted {
            task: task.to_owned(),
            branch: branch(task),
            base,
        })
    }

    /// Returns the tip of the task's branch.
    pub(super) async fn tip(&self, task: &str) -> Result<String, ExecError> {
        let git = self.project.git();
        let name = format!("{}^{{commit}}", reference(task));
        Ok(git.text(["rev-parse", "--verify", &name]).await?)
    }

    /// Returns the tree of a commit.
    pub(super) async fn tree_of(&self, commit: &str) -> Result<String, ExecError> {
        let name = format!("{commit}^{{tree}}");
        Ok(self
            .project
            .git()
            .text(["rev-parse", "--verify", &name])
            .await?)
    }

    /// Returns whether `commit` is `of` or an ancestor of it.
    pub(super) async fn is_ancestor(&self, commit: &str, of: &str) -> Result<bool, ExecError> {
        Ok(is_ancestor(&self.project.git(), commit, of).await?)
    }

    /// Makes a commit of `tree` on `parent` in the owner's name.
    pub(super) async fn commit(
        &self,
        tree: &str,
        parent: &str,
        message: &str,
    ) -> Result<String, ExecError> {
        let (name, email) = &self.identity;
        let git = self.project.git().by(name, email);
        let args = ["commit-tree", tree, "-p", parent, "-F", "-"];
        let id = git.output(args, Some(message.as_bytes().to_vec())).await?;
        Ok(String::from_utf8_lossy(&id).trim_end().to_owned())
    }

    /// Keeps the tree of a step's files under a reference of the run's, so that nothing sweeps it
    /// away. Returns the reference.
    pub(super) async fn keep(
        &self,
        place: &Place,
        tree: &str,
        base: &str,
    ) -> Result<String, ExecError> {
        let message = format!("{place}: work that is not accepted\n");
        let commit = self.commit(tree, base, &message).await?;
        let reference = self.kept_reference(place);
        let git = self.project.git();
        git.output(["update-ref", &reference, &commit], None)
            .await?;
        Ok(reference)
    }

    /// Returns the reference under which a step's work is kept.
    pub(super) fn kept_reference(&self, place: &Place) -> String {
        format!(
            "refs/factory/kept/{}/{}/{}",
            self.run, place.task, place.step
        )
    }

    /// Forgets what [`Self::keep`] kept.
    pub(super) async fn release(&self, place: &Place) -> Result<(), ExecError> {
        let reference = self.kept_reference(place);
        let git = self.project.git();
        git.output(["update-ref", "-d", &reference], None).await?;
        Ok(())
    }

    /// Moves the task's branch from `onto` to `commit`. Returns whether it was still there.
    pub(super) async fn move_branch(
        &self,
        task: &str,
        commit: &str,
        onto: &str,
    ) -> Result<bool, ExecError> {
        refuse_checked_out(self.project, task).await?;
        let git = self.project.git();
        let args = [
            "update-ref",
            "-m",
            "factory: land",
            &reference(task),
            commit,
            onto,
        ];
        match git.output(args, None).await {
            Ok(_) => Ok(true),
            Err(error) if self.tip(task).await? == onto => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// Puts the work of `tree` on `base` onto the new tip `onto`.
    pub(super) async fn merge(
        &self,
        tree: &str,
        base: &str,
        onto: &str,
    ) -> Result<Merged, ExecError> {
        let work = self.commit(tree, base, "work\n").await?;
        let git = self.workshop.repository();
        Ok(git.merge(None, onto, &work).await?)
    }

    /// Says that everything of the task that lands has landed.
    pub(super) async fn mark_landed(&self, task: &str, commit: &str) -> Result<(), ExecError> {
        let Some(planned) = self.plan.tasks.get(task) else {
            return Ok(());
        };
        let identity = identity::of(task, planned)?;
        let reference = identity::reference(task, identity);
        let git = self.project.git();
        git.output(["update-ref", &reference, commit], None).await?;
        self.event(Event::TaskLanded {
            task: task.to_owned(),
            identity,
            commit: commit.to_owned(),
        })
    }
}
