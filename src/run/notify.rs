//! Tells the owner that a task has finished, failed, or waits.

use std::time::Duration;

use super::{
    commands::Commands,
    process::{Cancel, Launch},
    project::Project,
};
use crate::plan::{Notice, Plan};

/// How long a notification may take.
const WALL: Duration = Duration::from_secs(30);

/// What there is to tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    /// What kind of thing.
    pub notice: Notice,
    /// Of which task.
    pub task: &'a str,
    /// What has happened.
    pub summary: &'a str,
}

/// Runs the commands that are to run on `news`, with the owner's own environment. Returns a note for
/// each that fails.
pub(super) async fn tell(
    project: &Project,
    plan: &Plan,
    news: News<'_>,
    commands: &Commands,
    cancel: &Cancel,
) -> Vec<String> {
    let mut notes = Vec::new();
    for notify in &plan.factory.notify {
        if !notify.on.contains(&news.notice) {
            continue;
        }
        let event = match news.notice {
            Notice::Finished => "finished",
            Notice::Failed => "failed",
            Notice::Waiting => "waiting",
        };
        let mut environment = project.environment().clone();
        for (name, value) in [
            ("FACTORY_EVENT", event),
            ("FACTORY_TASK", news.task),
            ("FACTORY_SUMMARY", news.summary),
        ] {
            environment.insert(name.into(), value.into());
        }
        let folder = project.root().to_owned();
        let launch = Launch::shell(&notify.run, folder, environment, WALL);
        let command = &notify.run;
        match commands.act("notify", launch, cancel.clone()).await {
            Ok(finished) if finished.exit.success() => {}
            Ok(finished) => notes.push(format!("the notification `{command}` {}", finished.exit)),
            Err(error) => notes.push(format!(
                "the notification `{command}` can't be started: {error}"
            )),
        }
    }
    notes
}
