//! Every command by its name, and how its line is read.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{ArgMatches, Args, Command, CommandFactory as _, Error, FromArgMatches as _};

use super::{
    Context, ExitStatus, Global, adopt, approve, build, cache, can, check, demo, diff, eject, exec,
    explain, fmt, gate, grant, guard, hidden, init, plan, prompt, refusals, report, show, snap,
    templates, why,
};

/// One command.
struct Entry {
    name: &'static str,
    describe: fn(Command) -> Command,
    act: Act,
}

#[derive(Clone, Copy)]
enum Act {
    /// In a project.
    InProject(InProject),
    /// In a project, by what its spec says.
    BySpec(InProject),
    /// With no more than its arguments.
    Alone(fn(&ArgMatches) -> Result<ExitCode, Error>),
}

type InProject =
    fn(&ArgMatches, &Context, &mut dyn Write) -> Result<miette::Result<ExitStatus>, Error>;

macro_rules! command {
    ($name:literal, $room:ident, $act:ident) => {
        Entry {
            name: $name,
            describe: <$room::Args as Args>::augment_args,
            act: Act::$act(|matches, context, out| {
                let args = $room::Args::from_arg_matches(matches)?;
                Ok($room::run(&args, context, out))
            }),
        }
    };
}

// In the order in which help lists them.
const COMMANDS: &[Entry] = &[
    command!("init", init, InProject),
    command!("adopt", adopt, InProject),
    command!("check", check, BySpec),
    command!("build", build, BySpec),
    command!("plan", plan, BySpec),
    command!("exec", exec, InProject),
    command!("report", report, InProject),
    command!("snap", snap, BySpec),
    command!("gate", gate, InProject),
    command!("fmt", fmt, InProject),
    command!("can", can, BySpec),
    command!("show", show, BySpec),
    command!("diff", diff, BySpec),
    command!("grant", grant, BySpec),
    command!("why", why, InProject),
    command!("cache", cache, InProject),
    command!("approve", approve, InProject),
    command!("demo", demo, InProject),
    command!("prompt", prompt, BySpec),
    command!("templates", templates, BySpec),
    // A client waits for the hook, which needs nothing of a project.
    Entry {
        name: "guard",
        describe: guard::Args::augment_args,
        act: Act::Alone(|matches| {
            let args = guard::Args::from_arg_matches(matches)?;
            let code = guard::run(&args, &mut io::stdout().lock(), &mut io::stderr());
            Ok(ExitCode::from(code))
        }),
    },
    command!("refusals", refusals, InProject),
    command!("eject", eject, InProject),
    command!("explain", explain, InProject),
    Entry {
        name: "replay-agent",
        describe: |command| hidden::ReplayAgent::augment_args(command).hide(true),
        act: Act::Alone(|matches| {
            let args = hidden::ReplayAgent::from_arg_matches(matches)?;
            Ok(hidden::replay_agent(&args, &mut io::stdout().lock()))
        }),
    },
];

/// A line that was understood.
pub(super) struct Line {
    pub(super) global: Global,
    command: Option<(Act, ArgMatches)>,
}

impl Line {
    /// Understands the words of a command line, the first of which names the program.
    ///
    /// Only the command that stands first is described to the parser: to describe all of them takes
    /// longer than many a command does.
    ///
    /// # Errors
    ///
    /// Where the line asks for help, or can't be understood.
    pub(super) fn read(words: Vec<OsString>) -> Result<Self, Error> {
        let first = words.get(1).and_then(|word| word.to_str());
        let mut parser = Global::command();
        match COMMANDS.iter().find(|entry| Some(entry.name) == first) {
            Some(entry) => parser = parser.subcommand(entry.described()),
            None => parser = parser.subcommands(COMMANDS.iter().map(Entry::described)),
        }
        let mut matches = parser.try_get_matches_from(words)?;
        let command = matches.remove_subcommand().and_then(|(name, matches)| {
            let entry = COMMANDS.iter().find(|entry| entry.name == name)?;
            Some((entry.act, matches))
        });
        Ok(Self {
            global: Global::from_arg_matches(&matches)?,
            command,
        })
    }

    /// Does what needs no project; nothing if the command is none of these.
    ///
    /// # Errors
    ///
    /// Where its arguments can't be understood.
    pub(super) fn act_alone(&self) -> Result<Option<ExitCode>, Error> {
        match &self.command {
            Some((Act::Alone(act), matches)) => act(matches).map(Some),
            Some((Act::InProject(_) | Act::BySpec(_), _)) | None => Ok(None),
        }
    }

    /// Returns whether the command begins with the spec.
    pub(super) const fn reads_spec(&self) -> bool {
        matches!(self.command, Some((Act::BySpec(_), _)))
    }

    /// Does what is done in a project; without a command, tells how things stand.
    ///
    /// # Errors
    ///
    /// Where its arguments can't be understood.
    pub(super) fn act(
        &self,
        context: &Context,
        out: &mut dyn Write,
    ) -> Result<miette::Result<ExitStatus>, Error> {
        match &self.command {
            Some((Act::InProject(act) | Act::BySpec(act), matches)) => act(matches, context, out),
            Some((Act::Alone(_), _)) => Ok(Ok(ExitStatus::Success)),
            None => Ok(report::morning(context, out)),
        }
    }
}

impl Entry {
    fn described(&self) -> Command {
        (self.describe)(Command::new(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Line};

    fn said(words: &[&str]) -> String {
        let words = std::iter::once(&"factory").chain(words);
        match Line::read(words.map(Into::into).collect()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_command_is_the_same_whether_it_stands_first_or_not() {
        for entry in COMMANDS {
            for option in ["--help", "-h", "--no-such-option"] {
                let first = said(&[entry.name, option]);
                assert_eq!(first, said(&["--color=never", entry.name, option]));
                assert!(
                    first.contains(&format!("factory {}", entry.name)),
                    "{first}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_command_is_answered_with_those_there_are() {
        assert!(said(&["chek"]).contains("'check'"));
        let help = said(&["--help"]);
        for entry in COMMANDS {
            let is_hidden = entry.described().is_hide_set();
            assert_ne!(help.contains(&format!("\n  {} ", entry.name)), is_hidden);
        }
    }
}
