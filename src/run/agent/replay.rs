//! Recorded answers: what an agent did once, done again by a real process. A demo, a test, or a dry
//! run needs no account.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::Reply;

/// What an agent does in one attempt.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// How long it thinks first, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The files that it changes, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Change>,
    /// The shell lines that it runs in the checkout then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<String>,
    /// What it says at the end.
    pub answer: Reply,
}

/// One changed file: either `text` or `delete` is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its path in the checkout.
    pub path: String,
    /// Its new content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether it may be executed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Whether it is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete: bool,
}

/// Why a recording could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording can't be read.
    #[error("the recording `{}` can't be read: {cause}", path.display())]
    Recording {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A change that means nothing.
    #[error("the recording's change of `{path}` {fault}")]
    Change {
        /// Its path.
        path: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Something on the way failed.
    #[error("can't use `{path}`: {cause}")]
    File {
        /// What.
        path: String,
        /// Why.
        cause: io::Error,
    },
}

/// Does in `checkout` what `recording` says, writes its reply to `answer`, if that is given, and
/// returns the agent's last word. A change that is not permitted and a line that fails are what a real
/// agent would have been told and got over: they are added to what was refused.
///
/// # Errors
///
/// Where the recording is none, or a file can't be written for another reason than permission.
pub fn perform(
    recording: &Path,
    checkout: &Path,
    answer: Option<&Path>,
) -> Result<String, ReplayError> {
    let unreadable = |cause| ReplayError::Recording {
        path: recording.to_owned(),
        cause,
    };
    let text = fs::read(recording).map_err(unreadable)?;
    let recorded: Recording =
        serde_json::from_slice(&text).map_err(|error| unreadable(io::Error::other(error)))?;
    for change in &recorded.files {
        change.check()?;
    }

    thread::sleep(Duration::from_millis(recorded.delay_ms.unwrap_or_default()));
    let mut reply = recorded.answer;
    for change in &recorded.files {
        match change.perform(checkout) {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => {
                reply
                    .refused
                    .push(format!("write `{}`: {}", change.path, describe(&error)));
            }
            Err(cause) => {
                return Err(ReplayError::File {
                    path: change.path.clone(),
                    cause,
                });
            }
        }
    }
    for line in &recorded.run {
        let output = Command::new("/bin/sh")
            .args(["-c", line])
            .current_dir(checkout)
            .stdin(Stdio::null())
            .output()
            .map_err(|cause| ReplayError::File {
                path: "/bin/sh".to_owned(),
                cause,
            })?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let why = stderr
                .lines()
                .next()
                .unwrap_or("it failed without a word")
                .to_owned();
            reply.refused.push(format!("run `{line}`: {why}"));
        }
    }
    let last_word = reply.text.clone().unwrap_or_default();
    if let Some(path) = answer {
        let text = serde_json::to_vec(&reply).unwrap_or_default();
        fs::write(path, text).map_err(|cause| ReplayError::File {
            path: path.display().to_string(),
            cause,
        })?;
    }
    Ok(last_word)
}

impl Change {
    fn check(&self) -> Result<(), ReplayError> {
        let inside = |part| matches!(part, Component::Normal(_));
        let fault = if self.path.is_empty() || !Path::new(&self.path).components().all(inside) {
            "leads out of the checkout"
        } else if self.text.is_some() == self.delete {
            "needs either `text` or `delete`"
        } else {
            return Ok(());
        };
        Err(ReplayError::Change {
            path: self.path.clone(),
            fault,
        })
    }

    fn perform(&self, checkout: &Path) -> io::Result<()> {
        let path = checkout.join(&self.path);
        let Some(text) = &self.text else {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            };
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        if self.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn describe(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        "read-only file system"
    } else {
        "permission denied"
    }
}
