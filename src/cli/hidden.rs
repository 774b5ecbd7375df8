//! What `factory` starts of itself: nobody types these.

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

use crate::run::{agent::replay, confine, keeper};

/// Leave the terminal, enter a kernel domain, and become another program
#[derive(Debug, clap::Args)]
pub(super) struct Confine {
    /// What the domain leaves open; without it there is none
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Process without which the program is not to live
    #[arg(long, value_name = "PID")]
    keeper: Option<u32>,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Start a program, and end with all that it started
#[derive(Debug, clap::Args)]
pub(super) struct Keep {
    /// Process for which it is kept
    #[arg(long, value_name = "PID")]
    runner: u32,

    /// What the program's domain leaves open; without it there is none
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Folder in which it is written down that the program runs
    #[arg(long, value_name = "DIR", requires = "name")]
    records: Option<PathBuf>,

    /// What it is called there
    #[arg(long, value_name = "NAME", requires = "records")]
    name: Option<String>,

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

pub(super) fn confine(args: &Confine) -> ExitCode {
    let Some((program, rest)) = args.program.split_first() else {
        return super::complain(&miette::miette!("no program is named"));
    };
    // Returns only where the program could not be started.
    let entry = confine::Entry {
        policy: args.policy.as_deref(),
        keeper: args.keeper,
    };
    super::complain(&super::chain(confine::apply_and_exec(entry, program, rest)))
}

pub(super) fn keep(args: &Keep) -> ExitCode {
    let record = args.records.as_deref().zip(args.name.as_deref());
    let kept = keeper::keep(&keeper::Charge {
        runner: args.runner,
        program: &args.program,
        policy: args.policy.as_deref(),
        record,
    });
    kept.unwrap_or_else(|error| super::complain(&super::chain(error)))
}

pub(super) fn replay_agent(args: &ReplayAgent, out: &mut dyn Write) -> ExitCode {
    let replayed = replay_to(args, out);
    replayed.map_or_else(|report| super::complain(&report), |()| ExitCode::SUCCESS)
}

fn replay_to(args: &ReplayAgent, out: &mut dyn Write) -> miette::Result<()> {
    // What an agent is asked stands on its standard input, also when the answer is recorded.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let checkout = std::env::current_dir().map_err(|error| miette::miette!("{error}"))?;
    let answer = std::env::var_os("FACTORY_ANSWER").map(PathBuf::from);
    let word =
        replay::perform(&args.recording, &checkout, answer.as_deref()).map_err(super::chain)?;
    super::print(out, &format!("{word}\n"))
}
