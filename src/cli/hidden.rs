//! What `factory` starts of itself: nobody types these.

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

use crate::run::{agent::replay, confine, keeper};

/// Play a recorded answer
#[derive(Debug, clap::Args)]
pub(super) struct ReplayAgent {
    /// The recording
    #[arg(value_name = "FILE")]
    recording: PathBuf,
}

/// Does what the program asks of itself around every other program that it starts; nothing where the words
/// are another command's.
///
/// These words are no person's, so that nobody needs the parser, which takes longer to begin than the work.
pub(super) fn act(words: &[OsString]) -> Option<ExitCode> {
    let work = match words.get(1)?.to_str()? {
        "confine" => confine,
        "keep" => keep,
        _ => return None,
    };
    let done = process(words.get(2..).unwrap_or_default()).and_then(work);
    Some(done.unwrap_or_else(|report| super::complain(&report)))
}

// The process that starts this one, and nothing else.
fn process(words: &[OsString]) -> miette::Result<u32> {
    let [process] = words else {
        return Err(miette::miette!("this is for the program itself to say"));
    };
    let process = process.to_str().and_then(|process| process.parse().ok());
    process.ok_or_else(|| miette::miette!("no process is named"))
}

// Leaves the terminal, enters a kernel domain, and becomes another program.
fn confine(keeper: u32) -> miette::Result<ExitCode> {
    match confine::apply_and_exec(keeper) {
        Some(error) => Err(super::chain(error)),
        None => Ok(ExitCode::from(keeper::UNABLE)),
    }
}

// Starts a program, and ends with all that it started.
fn keep(runner: u32) -> miette::Result<ExitCode> {
    keeper::keep(runner).map_err(super::chain)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_as_a_whole_starts_nothing() {
        let read = |line: &str| {
            let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            process(&words).ok()
        };
        assert_eq!(read("12"), Some(12));
        for line in ["", "-1", "x", "12 13", "12 -- ls"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
