//! What `factory` starts of itself: nobody types these.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

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
    let rest = words.get(2..).unwrap_or_default();
    let done = match words.get(1)?.to_str()? {
        "confine" => Started::read(rest, &["--policy", "--keeper"]).and_then(|it| confine(&it)),
        "keep" => Started::read(rest, &["--runner", "--policy", "--records", "--name"])
            .and_then(|it| keep(&it)),
        _ => return None,
    };
    Some(done.unwrap_or_else(|report| super::complain(&report)))
}

// What such a line says: options with their values, and behind `--` a program and its arguments.
struct Started<'a> {
    options: BTreeMap<&'a str, &'a OsStr>,
    program: &'a [OsString],
}

impl<'a> Started<'a> {
    fn read(mut words: &'a [OsString], known: &[&str]) -> miette::Result<Self> {
        let mut options = BTreeMap::new();
        loop {
            match words {
                [end, program @ ..] if end == "--" && !program.is_empty() => {
                    return Ok(Self { options, program });
                }
                [name, value, rest @ ..] => {
                    let name = name.to_str().filter(|name| known.contains(name));
                    let name = name.ok_or_else(|| miette::miette!("an option is not known"))?;
                    options.insert(name, value);
                    words = rest;
                }
                _ => return Err(miette::miette!("no program is named")),
            }
        }
    }

    fn path(&self, name: &str) -> Option<&'a Path> {
        self.options.get(name).copied().map(Path::new)
    }

    fn process(&self, name: &str) -> miette::Result<Option<u32>> {
        let number = self.options.get(name).map(|number| {
            let number = number.to_str().and_then(|number| number.parse().ok());
            number.ok_or_else(|| miette::miette!("`{name}` is no process"))
        });
        number.transpose()
    }
}

// Leaves the terminal, enters a kernel domain, and becomes another program.
fn confine(started: &Started<'_>) -> miette::Result<ExitCode> {
    let Some((program, rest)) = started.program.split_first() else {
        return Err(miette::miette!("no program is named"));
    };
    let entry = confine::Entry {
        policy: started.path("--policy"),
        keeper: started.process("--keeper")?,
    };
    // Returns only where the program could not be started.
    Err(super::chain(confine::apply_and_exec(entry, program, rest)))
}

// Starts a program, and ends with all that it started.
fn keep(started: &Started<'_>) -> miette::Result<ExitCode> {
    let Some(runner) = started.process("--runner")? else {
        return Err(miette::miette!("nobody is named for whom it is kept"));
    };
    let name = started.options.get("--name").map(|name| name.to_str());
    let record = match (started.path("--records"), name) {
        (Some(records), Some(Some(name))) => Some((records, name)),
        (None, None) => None,
        _ => return Err(miette::miette!("a record is not named")),
    };
    keeper::keep(&keeper::Charge {
        runner,
        program: started.program,
        policy: started.path("--policy"),
        record,
    })
    .map_err(super::chain)
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

    fn read(line: &str) -> Option<(Vec<(String, String)>, usize)> {
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let read = Started::read(&words, &["--policy", "--keeper"]).ok()?;
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        let options = read.options.iter();
        let options = options.map(|(name, value)| ((*name).to_owned(), text(value)));
        Some((options.collect(), read.program.len()))
    }

    #[test]
    fn a_line_that_is_not_understood_as_a_whole_starts_nothing() {
        let policy = vec![("--policy".to_owned(), "a".to_owned())];
        assert_eq!(read("--policy a -- ls -l"), Some((policy.clone(), 2)));
        // What stands behind is the program's.
        assert_eq!(read("--policy a -- ls --keeper x"), Some((policy, 3)));
        assert_eq!(read("-- ls"), Some((Vec::new(), 1)));
        for line in [
            "",
            "--",
            "ls",
            "--policy -- ls",
            "--polcy a -- ls",
            "--policy a ls",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        let words = ["--keeper", "x", "--", "ls"].map(OsString::from);
        let started = Started::read(&words, &["--keeper"]).unwrap();
        assert!(started.process("--keeper").is_err());
    }
}
