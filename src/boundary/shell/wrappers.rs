//! Programs that run the command in their arguments.

use super::{
    arguments::{Argument, Piece},
    environment,
    places::Change,
};
use crate::boundary::programs::base_name;

/// What a wrapper runs.
#[derive(Debug, Default)]
pub(super) struct Wrapped {
    /// Whether the wrapper itself changes what may happen, so that it must be granted as a whole.
    pub(super) needs_grant: bool,
    /// Commands, by their words.
    pub(super) commands: Vec<Vec<Argument>>,
    /// Shell scripts.
    pub(super) scripts: Vec<Argument>,
    /// Whether it reads a script from its standard input.
    pub(super) reads_script: bool,
    /// Variables that it sets for the command.
    pub(super) sets: Vec<String>,
    /// Paths that it writes itself.
    pub(super) changes: Vec<(Argument, Change)>,
}

// A wrapper by its options: those without a value, those with one, and how many words stand before
// the command.
struct Simple {
    name: &'static str,
    flags: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
    long_valued: &'static [&'static str],
    before: usize,
    needs_grant: bool,
}

const fn simple(name: &'static str, flags: &'static str, valued: &'static str) -> Simple {
    Simple {
        name,
        flags,
        valued,
        long: &[],
        long_valued: &[],
        before: 0,
        needs_grant: false,
    }
}

const fn runner(name: &'static str) -> Simple {
    simple(name, "", "")
}

static SIMPLE: &[Simple] = &[
    Simple {
        long: &["adjustment"],
        ..simple("nice", "0123456789", "n")
    },
    simple("nohup", "", ""),
    Simple {
        long: &["foreground", "preserve-status", "verbose"],
        long_valued: &["kill-after", "signal"],
        before: 1,
        ..simple("timeout", "fpv", "ks")
    },
    Simple {
        long: &["foreground", "preserve-status", "verbose"],
        long_valued: &["kill-after", "signal"],
        before: 1,
        ..simple("gtimeout", "fpv", "ks")
    },
    Simple {
        long_valued: &["input", "output", "error"],
        ..simple("stdbuf", "", "ioe")
    },
    Simple {
        long: &["ctty", "fork", "wait"],
        ..simple("setsid", "cfw", "")
    },
    simple("ionice", "t", "cn"),
    simple("caffeinate", "dimsu", "t"),
    Simple {
        long: &["portability", "verbose", "quiet"],
        ..simple("time", "pvql", "")
    },
    Simple {
        before: 1,
        ..simple("taskset", "", "")
    },
    simple("unbuffer", "p", ""),
    Simple {
        needs_grant: true,
        long: &[
            "preserve-env",
            "non-interactive",
            "login",
            "set-home",
            "stdin",
        ],
        long_valued: &["user", "group", "prompt", "host"],
        ..simple("sudo", "AbEHiknPSs", "ughpCTrtU")
    },
    Simple {
        needs_grant: true,
        ..simple("doas", "Lns", "uC")
    },
    Simple {
        needs_grant: true,
        before: 1,
        ..simple("chroot", "", "")
    },
    Simple {
        needs_grant: true,
        ..simple("unshare", "mnpuirUf", "")
    },
    Simple {
        needs_grant: true,
        ..simple("busybox", "", "")
    },
    Simple {
        needs_grant: true,
        ..simple("toybox", "", "")
    },
    Simple {
        needs_grant: true,
        ..simple("strace", "fqv", "eops")
    },
    Simple {
        needs_grant: true,
        ..simple("catchsegv", "", "")
    },
    Simple {
        long: &["yes", "no", "quiet"],
        ..simple("npx", "yq", "")
    },
    runner("bunx"),
    runner("pnpx"),
    Simple {
        long: &["quiet"],
        ..simple("uvx", "q", "")
    },
    simple("dotenv", "", "f"),
];

// Programs with a subcommand that runs a command.
static WITH_SUBCOMMAND: &[(&str, &[&str])] = &[
    ("bundle", &["exec"]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx"]),
    ("bun", &["x"]),
    ("uv", &["run"]),
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("pdm", &["run"]),
    ("hatch", &["run"]),
    ("rbenv", &["exec"]),
    ("pyenv", &["exec"]),
    ("nodenv", &["exec"]),
    ("asdf", &["exec"]),
    ("mise", &["exec", "x"]),
    ("heroku", &["local:run"]),
    ("foreman", &["run"]),
    ("opam", &["exec"]),
    ("stack", &["exec"]),
    ("composer", &["exec"]),
];

// Of the simple wrappers, those that fetch and run packages.
const RUNNERS: &[&str] = &["bunx", "npx", "pnpx", "uvx"];

const SHELLS: &[&str] = &[
    "ash", "bash", "dash", "ksh", "mksh", "rbash", "sh", "yash", "zsh",
];
const OTHERS: &[&str] = &[
    "env", "xargs", "gxargs", "flock", "watch", "su", "script", "parallel",
];

/// Returns whether a program of that name runs the command in its arguments.
pub(super) fn is_wrapper(name: &str) -> bool {
    SHELLS.contains(&name)
        || OTHERS.contains(&name)
        || SIMPLE.iter().any(|wrapper| wrapper.name == name)
        || WITH_SUBCOMMAND.iter().any(|(program, _)| *program == name)
}

/// One way to call a wrapper: what stands before the command.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The words, the wrapper's name first.
    pub(super) words: Vec<&'static str>,
    /// Whether what follows is a script in one word.
    pub(super) script: bool,
}

/// Returns the shortest call of each wrapper.
pub(super) fn calls() -> impl Iterator<Item = Call> {
    let call = |words| Call {
        words,
        script: false,
    };
    let simple = SIMPLE.iter().map(move |wrapper| {
        // A time, a mask, a directory.
        let before = std::iter::repeat_n("1", wrapper.before);
        call([wrapper.name].into_iter().chain(before).collect())
    });
    let with_subcommand = WITH_SUBCOMMAND
        .iter()
        .flat_map(move |(program, subcommands)| {
            subcommands
                .iter()
                .map(move |subcommand| call(vec![program, subcommand]))
        });
    let others = ["env", "xargs", "gxargs"].map(|name| call(vec![name]));
    let shells = SHELLS.iter().map(|shell| Call {
        words: vec![shell, "-c"],
        script: true,
    });
    simple.chain(with_subcommand).chain(others).chain(shells)
}

/// Returns what the program runs, nothing if it is no wrapper, or the reason why that is not known,
/// as the rest of a sentence about the command.
pub(super) fn unwrap(program: &str, rest: &[Argument]) -> Result<Option<Wrapped>, String> {
    let name = base_name(program);
    if let Some(wrapper) = SIMPLE.iter().find(|wrapper| wrapper.name == name) {
        return match wrapper.unwrap(rest) {
            Err(_) if RUNNERS.contains(&name) => anywhere(rest).map(Some),
            unwrapped => unwrapped.map(Some),
        };
    }
    if SHELLS.contains(&name) {
        return shell(rest);
    }
    match name {
        "env" => env(rest).map(Some),
        "xargs" | "gxargs" => xargs(rest).map(Some),
        "flock" => flock(rest).map(Some),
        "watch" | "su" | "script" | "parallel" => {
            Err("runs a command that is not looked into; run the command itself".to_owned())
        }
        _ => match WITH_SUBCOMMAND.iter().find(|(program, _)| *program == name) {
            Some((_, subcommands)) => with_subcommand(subcommands, rest),
            None => Ok(None),
        },
    }
}

impl Simple {
    fn unwrap(&self, rest: &[Argument]) -> Result<Wrapped, String> {
        let command = self.skip(rest)?;
        let mut wrapped = Wrapped {
            needs_grant: self.needs_grant,
            ..Wrapped::default()
        };
        let mut command = command
            .get(self.before.min(command.len())..)
            .unwrap_or_default()
            .to_vec();
        // `sudo V=x cmd` sets a variable as `env` does.
        if self.name == "sudo" || self.name == "doas" {
            while let Some((name, _)) = command.first().and_then(assignment) {
                wrapped.sets.push(name);
                command.remove(0);
            }
        }
        if command.is_empty() {
            wrapped.needs_grant = true;
        } else {
            wrapped.commands.push(command);
        }
        Ok(wrapped)
    }

    // The words after the options.
    fn skip<'w>(&self, rest: &'w [Argument]) -> Result<&'w [Argument], String> {
        let mut rest = rest;
        while let Some((first, after)) = rest.split_first() {
            if !first.prefix().starts_with('-') {
                if first.literal().is_none() && first.prefix().is_empty() {
                    return Err(unclear(first));
                }
                break;
            }
            let Some(option) = first.literal() else {
                return Err(unclear(first));
            };
            rest = after;
            if option == "--" {
                break;
            }
            if let Some(long) = option.strip_prefix("--") {
                let (name, value) = long
                    .split_once('=')
                    .map_or((long, None), |(name, value)| (name, Some(value)));
                if self.long_valued.contains(&name) {
                    if value.is_none() {
                        rest = rest.split_first().map_or(rest, |(_, after)| after);
                    }
                } else if !self.long.contains(&name) {
                    return Err(strange(&option));
                }
                continue;
            }
            for (at, flag) in option.char_indices().skip(1) {
                if self.valued.contains(flag) {
                    if at + flag.len_utf8() == option.len() {
                        rest = rest.split_first().map_or(rest, |(_, after)| after);
                    }
                    break;
                }
                if !self.flags.contains(flag) {
                    return Err(strange(&option));
                }
            }
        }
        Ok(rest)
    }
}

fn strange(option: &str) -> String {
    format!("has the option `{option}`, whose effect is not known here")
}

fn unclear(word: &Argument) -> String {
    format!(
        "has the word `{}`, which might turn out to be an option",
        word.shown
    )
}

// `name=value`, with the value.
fn assignment(word: &Argument) -> Option<(String, Argument)> {
    let prefix = word.prefix();
    let (name, _) = prefix.split_once('=')?;
    let value = word.after(name.len() + 1)?;
    Some((name.to_owned(), value))
}

fn env(rest: &[Argument]) -> Result<Wrapped, String> {
    let mut wrapped = Wrapped::default();
    let options = Simple {
        long: &["ignore-environment", "null", "debug"],
        long_valued: &["unset"],
        ..simple("env", "i0v", "u")
    };
    let mut rest = options.skip(rest)?;
    while let Some((first, after)) = rest.split_first() {
        if first.literal().is_none() && first.prefix().is_empty() {
            return Err(unclear(first));
        }
        let Some((name, _)) = assignment(first) else {
            break;
        };
        if !environment::is_name(&name) {
            return Err(format!(
                "sets the variable `{name}`, whose name is not plain"
            ));
        }
        wrapped.sets.push(name);
        rest = after;
    }
    if rest.is_empty() {
        // It prints the environment.
        wrapped.needs_grant = true;
    } else {
        wrapped.commands.push(rest.to_vec());
    }
    Ok(wrapped)
}

fn xargs(rest: &[Argument]) -> Result<Wrapped, String> {
    let options = Simple {
        long: &[
            "null",
            "no-run-if-empty",
            "verbose",
            "exit",
            "replace",
            "max-lines",
        ],
        long_valued: &["delimiter", "max-args", "max-procs", "max-chars"],
        ..simple("xargs", "0rtx", "dnPsIL")
    };
    let command = options.skip(rest)?;
    let mut command = command.to_vec();
    if command.is_empty() {
        command.push(Argument::text("echo"));
    }
    let options = rest
        .get(..rest.len() - command.len().min(rest.len()))
        .unwrap_or_default();
    let replaces = |option: &Argument| {
        let prefix = option.prefix();
        prefix.starts_with("-I")
            || prefix.contains("replace")
            || (prefix.starts_with('-') && prefix.contains('I'))
    };
    if options.iter().any(replaces) {
        // What is replaced may stand anywhere in the words after the program.
        for word in command.iter_mut().skip(1) {
            word.pieces.push(Piece::Unknown { splits: false });
            word.pieces.insert(0, Piece::Unknown { splits: false });
        }
        if command
            .first()
            .is_some_and(|program| program.prefix().contains(['{', '}', '%', '@']))
        {
            return Err("runs a command whose name comes from its input".to_owned());
        }
    } else {
        command.push(Argument::unknown("…", true));
    }
    Ok(Wrapped {
        commands: vec![command],
        ..Wrapped::default()
    })
}

fn flock(rest: &[Argument]) -> Result<Wrapped, String> {
    let options = Simple {
        long: &[
            "exclusive",
            "shared",
            "nonblock",
            "nb",
            "unlock",
            "close",
            "no-fork",
            "verbose",
        ],
        long_valued: &["timeout", "wait", "conflict-exit-code"],
        ..simple("flock", "sexnuoFv", "wE")
    };
    let rest = options.skip(rest)?;
    match rest {
        [lock, option, script] if option.is("-c") || option.is("--command") => Ok(Wrapped {
            changes: vec![(lock.clone(), Change::File)],
            scripts: vec![script.clone()],
            ..Wrapped::default()
        }),
        [lock, command @ ..] if !command.is_empty() => Ok(Wrapped {
            changes: vec![(lock.clone(), Change::File)],
            commands: vec![command.to_vec()],
            ..Wrapped::default()
        }),
        _ => Err("runs a command that is not looked into; run the command itself".to_owned()),
    }
}

fn shell(rest: &[Argument]) -> Result<Option<Wrapped>, String> {
    const LONG: &[&str] = &["--login", "--norc", "--noprofile", "--posix", "--verbose"];
    let mut script = false;
    let mut standard_input = false;
    let mut rest = rest;
    while let Some((first, after)) = rest.split_first() {
        if first.literal().is_none() && first.prefix().is_empty() {
            return Err(unclear(first));
        }
        if !first.prefix().starts_with(['-', '+']) {
            break;
        }
        let option = first.literal().ok_or_else(|| unclear(first))?;
        rest = after;
        if option == "--" || option == "-" {
            break;
        }
        if LONG.contains(&option.as_str()) {
            continue;
        }
        for flag in option.chars().skip(1) {
            match flag {
                'c' => script = true,
                's' => standard_input = true,
                'o' => rest = rest.split_first().map_or(rest, |(_, after)| after),
                'e' | 'f' | 'h' | 'l' | 'n' | 'u' | 'v' | 'x' | 'C' | 'p' => {}
                _ => return Err(strange(&option)),
            }
        }
    }
    if script {
        let Some(script) = rest.first() else {
            return Err("has `-c` without a script".to_owned());
        };
        return Ok(Some(Wrapped {
            scripts: vec![script.clone()],
            ..Wrapped::default()
        }));
    }
    if rest.is_empty() || standard_input {
        return Ok(Some(Wrapped {
            reads_script: true,
            ..Wrapped::default()
        }));
    }
    // A script in a file is a program like any other.
    Ok(None)
}

fn with_subcommand(subcommands: &[&str], rest: &[Argument]) -> Result<Option<Wrapped>, String> {
    let Some((first, command)) = rest.split_first() else {
        return Ok(None);
    };
    let Some(subcommand) = first.literal() else {
        let known = first.prefix();
        if subcommands
            .iter()
            .any(|subcommand| subcommand.starts_with(&known))
        {
            let shown = &first.shown;
            return Err(format!(
                "has the word `{shown}`, which might turn out to run the words behind it"
            ));
        }
        return Ok(None);
    };
    if !subcommands.contains(&subcommand.as_str()) {
        return Ok(None);
    }
    let command = match command {
        [dashes, command @ ..] if dashes.is("--") => command,
        command => command,
    };
    let Some(program) = command.first() else {
        return Ok(None);
    };
    if program.prefix().starts_with('-') {
        return anywhere(command).map(Some);
    }
    Ok(Some(Wrapped {
        commands: vec![command.to_vec()],
        ..Wrapped::default()
    }))
}

// With options that are not known, only a grant of the whole can say what a wrapper does; and
// wherever the command begins, it must not be denied.
fn anywhere(words: &[Argument]) -> Result<Wrapped, String> {
    if let Some(script) = words
        .iter()
        .find(|word| word.prefix().starts_with("-c") || word.is("--call"))
    {
        return Err(strange(&script.shown));
    }
    let starts = |command: &&[Argument]| {
        command
            .first()
            .is_some_and(|word| !word.prefix().starts_with('-') || word.literal().is_none())
    };
    let tails = (0..words.len()).filter_map(|start| words.get(start..));
    Ok(Wrapped {
        needs_grant: true,
        commands: tails.filter(starts).map(<[Argument]>::to_vec).collect(),
        ..Wrapped::default()
    })
}
