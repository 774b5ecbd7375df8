//! `factory approve`

use std::io::Write;

use super::{Context, ExitStatus, exec};
use crate::run::{approve, status};

/// Let a step go on that waits for an approval
///
/// The approval is written into the run's journal with your name; `factory exec --resume` goes on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The step, as TASK/STEP; the only one that waits unless it is named
    #[arg(value_name = "TASK/STEP")]
    step: Option<String>,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    exec::asynchronous(async {
        let project = context.project().await?;
        let runs = status(&project).map_err(super::chain)?.runs;
        let open = runs.iter().filter(|run| run.closed_by.is_none());
        let all = open.flat_map(|run| {
            run.waiting()
                .map(|(task, step)| (run.run.clone(), format!("{task}/{step}")))
        });
        let waiting: Vec<_> = all
            .filter(|(_, name)| args.step.as_ref().is_none_or(|wanted| wanted == name))
            .collect();
        let (run, name) = match waiting.as_slice() {
            [one] => one,
            [] => {
                let help = "`factory report` tells what waits";
                return Err(match &args.step {
                    Some(step) => miette::miette!(help = help, "`{step}` does not wait"),
                    None => miette::miette!(help = help, "nothing waits for an approval"),
                });
            }
            [_, ..] => {
                let names: Vec<_> = waiting.iter().map(|(_, name)| name.as_str()).collect();
                let help = "name one of them";
                return Err(miette::miette!(
                    help = help,
                    "several wait: {}",
                    names.join(", ")
                ));
            }
        };
        let (task, step) = name.split_once('/').unwrap_or((name, ""));
        let (by, _) = project.identity().await;
        approve(&project, run, task, step, &by).map_err(super::chain)?;
        super::print(
            out,
            &format!("{name} is approved by {by}\nnext: factory exec --resume {run}\n"),
        )?;
        Ok(ExitStatus::Success)
    })
}
