//! What is kept in the folder of a run for people to read.

use std::{fs, path::PathBuf};

use super::{
    agent::Verdict,
    audit,
    error::{ExecError, file_error},
    event::{ChangeKind, Event, Place},
    exec::Runner,
};

impl Runner<'_> {
    /// Keeps what a reviewer or reporter wrote with the run, and accepts the step.
    pub(super) async fn accept_files(
        &self,
        place: &Place,
        tree: &str,
        changes: &[audit::Change],
        verdict: Option<Verdict>,
    ) -> Result<(), ExecError> {
        let git = self.workshop.repository();
        let folder = self.step_folder(place).join("files");
        let mut files = Vec::new();
        for change in changes {
            if change.kind == ChangeKind::Deleted || !change.new_mode.starts_with("100") {
                continue;
            }
            let name = format!("{tree}:{}", change.path);
            let bytes = git.output(["cat-file", "blob", &name], None).await?;
            let path = folder.join(&change.path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(file_error(parent))?;
            }
            fs::write(&path, bytes).map_err(file_error(&path))?;
            files.push(change.path.clone());
        }
        self.event(Event::Accepted {
            place: place.clone(),
            verdict,
            files,
        })
    }

    /// Returns the folder in which a step's texts and files are kept.
    pub(super) fn step_folder(&self, place: &Place) -> PathBuf {
        let name = format!("{}.{}", place.task, place.step);
        self.folder().join("steps").join(name)
    }

    /// Writes a text of an attempt where a person can read it.
    pub(super) fn show(
        &self,
        place: &Place,
        attempt: u32,
        name: &str,
        text: &str,
    ) -> Result<(), ExecError> {
        let folder = self.step_folder(place).join(format!("attempt-{attempt}"));
        fs::create_dir_all(&folder).map_err(file_error(&folder))?;
        let path = folder.join(name);
        fs::write(&path, text).map_err(file_error(&path))
    }
}
