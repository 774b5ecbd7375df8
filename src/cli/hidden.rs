//! What `factory` starts of itself: nobody types these.

use std::{ffi::OsString, io::Write, path::PathBuf};

use super::ExitStatus;
use crate::run::agent::{confine, replay};

/// Enter a kernel domain and become another program
#[derive(Debug, clap::Args)]
pub(super) struct Confine {
    /// What the domain leaves open
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Play a recorded answer
#[derive(Debug, clap::Args)]
pub(super) struct ReplayAgent {
    /// The recording
    #[arg(value_name = "FILE")]
    recording: PathBuf,
}

pub(super) fn confine(args: &Confine) -> miette::Result<ExitStatus> {
    let Some((program, rest)) = args.program.split_first() else {
        return Err(miette::miette!("no program is named"));
    };
    // Returns only where the program could not be started.
    let error = confine::apply_and_exec(&args.policy, program, rest);
    Err(super::chain(error))
}

pub(super) fn replay_agent(args: &ReplayAgent, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    // What an agent is asked stands on its standard input, also when the answer is recorded.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let checkout = std::env::current_dir().map_err(|error| miette::miette!("{error}"))?;
    let answer = std::env::var_os("FACTORY_ANSWER").map(PathBuf::from);
    let word =
        replay::perform(&args.recording, &checkout, answer.as_deref()).map_err(super::chain)?;
    super::print(out, &format!("{word}\n"))?;
    Ok(ExitStatus::Success)
}
