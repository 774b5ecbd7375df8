//! Tells the owner that a task has finished, failed, or waits.

use std::time::Duration;

use super::{
    process::{self, Cancel, Launch},
    project::Project,
};
use crate::plan::{Notice, Plan};

/// How long a notification may take.
const WALL: Duration = Duration::from_secs(30);

/// Runs the commands that are to run on `notice`, with the owner's own environment. Returns a note
/// for each that fails.
pub(super) async fn tell(
    project: &Project,
    plan: &Plan,
    notice: Notice,
    task: &str,
    summary: &str,
) -> Vec<String> {
    let mut notes = Vec::new();
    for notify in &plan.factory.notify {
        if !notify.on.contains(&notice) {
            continue;
        }
        let event = match notice {
            Notice::Finished => "finished",
            Notice::Failed => "failed",
            Notice::Waiting => "waiting",
        };
        let mut environment = project.environment().clone();
        for (name, value) in [
            ("FACTORY_EVENT", event),
            ("FACTORY_TASK", task),
            ("FACTORY_SUMMARY", summary),
        ] {
            environment.insert(name.into(), value.into());
        }
        let folder = project.root().to_owned();
        let launch = Launch::shell(&notify.run, folder, environment, WALL);
        let command = &notify.run;
        match process::run(launch, Cancel::never()).await {
            Ok(finished) if finished.exit.success() => {}
            Ok(finished) => notes.push(format!(
                "the notification `{command}` failed: {:?}",
                finished.exit
            )),
            Err(error) => notes.push(format!(
                "the notification `{command}` can't be started: {error}"
            )),
        }
    }
    notes
}
