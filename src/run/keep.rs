//! What is kept in the folder of a run for people to read.

use std::{fs, path::PathBuf};

use super::{
    agent::Verdict,
    audit,
    error::{ExecError, file_error},
    event::{Event, Place},
    exec::Runner,
    folder::remove_tree,
};

impl Runner<'_> {
    /// Keeps what a reviewer or reporter wrote with the run, and accepts the step.
    pub(super) async fn accept_files(
        &self,
        place: &Place,
        changes: &[audit::Change],
        verdict: Option<Verdict>,
    ) -> Result<(), ExecError> {
        let folder = self.step_folder(place).join("files");
        // What an earlier round kept may be in the way, and is not what is accepted now.
        remove_tree(&folder).map_err(file_error(&folder))?;
        let kept: Vec<_> = changes
            .iter()
            .filter(|change| change.new_mode.starts_with("100"))
            .collect();
        let ids: Vec<String> = kept.iter().map(|change| change.new_id.clone()).collect();
        let contents = self.workshop.repository().blobs(&ids).await?;
        let mut files = Vec::new();
        for (change, bytes) in kept.into_iter().zip(contents) {
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
