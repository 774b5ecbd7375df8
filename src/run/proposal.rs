//! The subject of the last commit that an agent made in its clone. It lends its words to the commit that
//! the runner makes, and nothing else of it counts.
//!
//! The clone's `.git` is the agent's: no git is ever run on it. One file says where its head is, one
//! object is copied, and of that one line is read.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::git::{Git, GitError};

// No commit that a person would read is larger, nor any file that says where a head is.
const MOST: u64 = 64 << 10;

/// Returns the subject of the commit at the head of `repository`, where it was made there. `git` looks
/// at `aside`, an empty folder of objects.
pub(super) async fn subject(
    repository: &Path,
    git: &Git,
    aside: &Path,
) -> Result<Option<String>, GitError> {
    let Some((commit, object)) = head(repository).and_then(|commit| {
        let (folder, name) = commit.split_at_checked(2)?;
        let path = Path::new("objects").join(folder).join(name);
        Some((commit.clone(), plain(repository, &path)?))
    }) else {
        return Ok(None);
    };
    let Some((folder, name)) = commit.split_at_checked(2) else {
        return Ok(None);
    };
    let folder = aside.join(folder);
    if fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join(name), object))
        .is_err()
    {
        return Ok(None);
    }
    let git = git.clone().env("GIT_OBJECT_DIRECTORY", aside);
    // Whatever is wrong with it, it is the agent's.
    let told = |result: Result<String, GitError>| match result {
        Ok(text) => Ok(Some(text)),
        Err(GitError::Failed { .. } | GitError::Unreadable { .. }) => Ok(None),
        Err(error @ GitError::Start(_)) => Err(error),
    };
    let size = told(git.text(["cat-file", "-s", &commit]).await)?;
    let fits = |size: &String| size.parse::<u64>().is_ok_and(|size| size <= MOST);
    if !size.as_ref().is_some_and(fits) {
        return Ok(None);
    }
    let text = told(git.text(["cat-file", "commit", &commit]).await)?;
    let subject = text.as_deref().and_then(|text| {
        let (_, message) = text.split_once("\n\n")?;
        let subject = message.trim_start().lines().next()?.trim();
        (!subject.is_empty()).then(|| subject.to_owned())
    });
    Ok(subject)
}

// The commit at the head of a repository, as far as plain files say.
fn head(repository: &Path) -> Option<String> {
    let text = |path: &Path| String::from_utf8(plain(repository, path)?).ok();
    let head = text(Path::new("HEAD"))?;
    let commit = match head.trim().strip_prefix("ref: ") {
        Some(reference) => text(Path::new(reference))?,
        None => head,
    };
    let commit = commit.trim();
    let is_id = matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| commit.to_owned())
}

// The content of a small plain file of a repository that is no link and is reached by none.
fn plain(repository: &Path, path: &Path) -> Option<Vec<u8>> {
    let is_inside = |part| matches!(part, Component::Normal(_));
    if !path.components().all(is_inside) {
        return None;
    }
    let full: PathBuf = repository.join(path);
    let above = repository.parent()?.canonicalize().ok()?;
    let straight = above.join(repository.file_name()?).join(path);
    let facts = fs::symlink_metadata(&full).ok()?;
    let is_plain = facts.is_file() && facts.len() <= MOST && full.canonicalize().ok()? == straight;
    is_plain.then(|| fs::read(&full).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

    use super::subject;
    use crate::run::git::Git;

    fn git(root: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(args).current_dir(root);
        for (name, value) in [
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ] {
            git.env(name, value);
        }
        let output = git.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {said}");
    }

    async fn of(root: &Path) -> Option<String> {
        let aside = tempfile::tempdir().unwrap();
        let own = tempfile::tempdir().unwrap();
        git(own.path(), &["init", "-q", "--bare"]);
        let repository = Git::new(own.path(), None);
        subject(&root.join(".git"), &repository, aside.path())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_own_commit_lends_its_subject_and_nothing_else_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let owner = folder.path().join("owner");
        fs::create_dir(&owner).unwrap();
        git(&owner, &["init", "-q", "-b", "main"]);
        git(
            &owner,
            &["commit", "-q", "--allow-empty", "-m", "the owner's"],
        );
        let root = folder.path().join("clone");
        git(
            folder.path(),
            &["clone", "-q", "--shared", "owner", "clone"],
        );
        // What it shares is not its own.
        assert_eq!(of(&root).await, None);
        let message = "  Add it  \n\nFactory-Task: x\n";
        git(&root, &["commit", "-q", "--allow-empty", "-m", message]);
        assert_eq!(of(&root).await.as_deref(), Some("Add it"));
        git(&root, &["checkout", "-q", "--detach"]);
        assert_eq!(of(&root).await.as_deref(), Some("Add it"));

        // (what an agent makes of its head)
        let head = root.join(".git/HEAD");
        for text in [
            "ref: ../../owner/.git/HEAD\n",
            "ref: /etc/hostname\n",
            "x\n",
            "",
        ] {
            fs::write(&head, text).unwrap();
            assert_eq!(of(&root).await, None, "{text}");
        }
        fs::remove_file(&head).unwrap();
        symlink(owner.join(".git/refs/heads/main"), &head).unwrap();
        assert_eq!(of(&root).await, None);
        fs::remove_dir_all(root.join(".git")).unwrap();
        symlink(owner.join(".git"), root.join(".git")).unwrap();
        assert_eq!(of(&root).await, None);
    }
}
