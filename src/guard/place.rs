//! Where a tool call happens.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{boundary::SYSTEM_DIRECTORIES, client};

/// Where a tool call happens, and in whose name.
#[derive(Debug, Clone)]
pub struct Place {
    /// The root of the project, or of the clone in which an agent works.
    pub root: PathBuf,
    /// In `exec`: the step's private folder, which may be read.
    pub private: Option<PathBuf>,
    /// In `exec`: whose session it is, whatever the call says.
    pub role: Option<String>,
    /// The environment of the session.
    pub environment: BTreeMap<OsString, OsString>,
}

impl Place {
    /// Returns whether a role may read `path`, which is not in the project; `transcript` is where the
    /// client keeps the session, beside which it leaves long outputs for the agent to read.
    pub(super) fn is_readable_outside(&self, path: &Path, transcript: Option<&Path>) -> bool {
        let outputs = transcript.map(|path| path.with_extension("").join("tool-results"));
        let own = [self.private.as_deref(), outputs.as_deref()];
        own.into_iter()
            .flatten()
            .any(|folder| path.starts_with(folder))
            || SYSTEM_DIRECTORIES
                .iter()
                .any(|folder| path.starts_with(folder))
            || client::toolchains(&self.environment)
                .iter()
                .any(|folder| path.starts_with(folder))
    }
}
