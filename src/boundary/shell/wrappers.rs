//! Programs that run the command in their arguments.

use super::{
    arguments::{Argument, Piece},
    changes::Change,
    environment,
    options::{Options, strange, unclear},
};
use crate::boundary::programs::{self, base_name};

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
    /// Whether the shell of the scripts may know no more than POSIX says.
    pub(super) posix: bool,
    /// Whether it makes words of what it reads, and a zero stands between them.
    pub(super) zero: Option<bool>,
    /// Variables that it sets for the command, with their values.
    pub(super) sets: Vec<(String, Option<Argument>)>,
    /// Paths that it writes itself.
    pub(super) changes: Vec<(Argument, Change)>,
}

// A wrapper by its options, and how many words stand before the command.
struct Simple {
    name: &'static str,
    options: &'static str,
    before: usize,
    needs_grant: bool,
}

const fn simple(name: &'static str, options: &'static str) -> Simple {
    Simple {
        name,
        options,
        before: 0,
        needs_grant: false,
    }
}

const fn runner(name: &'static str) -> Simple {
    simple(name, "")
}

const TIMEOUT: &str = "foreground f p,preserve-status v,verbose k,kill-after= s,signal=";

static SIMPLE: &[Simple] = &[
    simple("nice", "n,adjustment= #"),
    simple("nohup", ""),
    Simple {
        before: 1,
        ..simple("timeout", TIMEOUT)
    },
    Simple {
        before: 1,
        ..simple("gtimeout", TIMEOUT)
    },
    simple("stdbuf", "i,input= o,output= e,error="),
    simple("setsid", "c,ctty f,fork w,wait"),
    simple("ionice", "t c= n="),
    simple("caffeinate", "d i m s u t="),
    simple("time", "p,portability v,verbose q,quiet l"),
    Simple {
        before: 1,
        ..simple("taskset", "")
    },
    simple("unbuffer", "p"),
    Simple {
        needs_grant: true,
        ..simple(
            "sudo",
            "A b E,preserve-env? H,set-home i,login k n,non-interactive P S,stdin s u,user= g,group= \
             h,host= p,prompt= C= T= r= t= U=",
        )
    },
    Simple {
        needs_grant: true,
        ..simple("doas", "L n s u= C=")
    },
    Simple {
        needs_grant: true,
        before: 1,
        ..simple("chroot", "")
    },
    Simple {
        needs_grant: true,
        ..simple("unshare", "m n p u i r U f")
    },
    Simple {
        needs_grant: true,
        ..simple("busybox", "")
    },
    Simple {
        needs_grant: true,
        ..simple("toybox", "")
    },
    Simple {
        needs_grant: true,
        ..simple("strace", "f q v e= o= p= s=")
    },
    Simple {
        needs_grant: true,
        ..simple("catchsegv", "")
    },
    simple("npx", "y,yes no q,quiet"),
    runner("bunx"),
    runner("pnpx"),
    simple("uvx", "q,quiet"),
    simple("dotenv", "f="),
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
        return shell(name, rest);
    }
    match name {
        "env" => env(rest).map(Some),
        "xargs" | "gxargs" => xargs(rest).map(Some),
        "flock" => flock(rest).map(Some),
        "watch" | "su" | "script" | "parallel" => {
            Err("runs a command that is not looked into; run the command itself".to_owned())
        }
        _ => match WITH_SUBCOMMAND.iter().find(|(program, _)| *program == name) {
            Some((_, subcommands)) => with_subcommand(name, subcommands, rest),
            None => Ok(None),
        },
    }
}

impl Simple {
    fn unwrap(&self, rest: &[Argument]) -> Result<Wrapped, String> {
        let (_, command) = Options::new(self.options).leading(rest)?;
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
            while let Some((name, value)) = command.first().and_then(assignment) {
                wrapped.sets.push((name, Some(value)));
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
}

// `name=value`, with the value.
fn assignment(word: &Argument) -> Option<(String, Argument)> {
    let prefix = word.prefix();
    let (name, _) = prefix.split_once('=')?;
    let value = word.after(name.len() + 1)?;
    Some((name.to_owned(), value))
}

fn env(rest: &[Argument]) -> Result<Wrapped, String> {
    let options = Options::new("i,ignore-environment 0,null v,debug u,unset=");
    let (parsed, mut rest) = options.leading(rest)?;
    let mut wrapped = Wrapped::default();
    for name in parsed.values(&["u"]) {
        let name = name.literal().ok_or_else(|| unclear(name))?;
        wrapped.sets.push((name, None));
    }
    while let Some((first, after)) = rest.split_first() {
        if first.literal().is_none() && first.prefix().is_empty() {
            return Err(unclear(first));
        }
        let Some((name, value)) = assignment(first) else {
            break;
        };
        if !environment::is_name(&name) {
            return Err(format!(
                "sets the variable `{name}`, whose name is not plain"
            ));
        }
        wrapped.sets.push((name, Some(value)));
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
    let options = Options::new(
        "0,null d,delimiter= E= e,eof? I= i,replace? J= L= l,max-lines? n,max-args= o,open-tty \
         P,max-procs= p,interactive R= r,no-run-if-empty s,max-chars= t,verbose x,exit",
    );
    let (parsed, command) = options.leading(rest)?;
    let mut command = command.to_vec();
    if command.is_empty() {
        command.push(Argument::text("echo"));
    }
    let mut zero = Some(parsed.has(&["0"]));
    if parsed.has(&["d", "E", "e", "L", "l"]) {
        zero = None;
    }
    let mut places = parsed
        .options
        .iter()
        .filter(|option| matches!(option.name, "I" | "i" | "J"));
    if let Some(place) = places.next_back() {
        let mark = match &place.value {
            Some(mark) => mark.literal().ok_or_else(|| unclear(mark))?,
            None => "{}".to_owned(),
        };
        let program = command.first().and_then(Argument::literal);
        if mark.is_empty() || program.is_none_or(|program| program.contains(&mark)) {
            return Err("runs a command whose name comes from its input".to_owned());
        }
        for word in command.iter_mut().skip(1) {
            *word = replaced(word, &mark, place.name == "J");
        }
        zero = None;
    } else {
        command.push(Argument::unknown("…", true));
    }
    Ok(Wrapped {
        commands: vec![command],
        zero,
        ..Wrapped::default()
    })
}

// The word with something that is not known wherever the mark stands in it.
fn replaced(word: &Argument, mark: &str, several: bool) -> Argument {
    let unknown = Piece::Unknown { splits: several };
    let Some(text) = word.literal() else {
        let mut word = word.clone();
        word.pieces.push(unknown.clone());
        word.pieces.insert(0, unknown);
        return word;
    };
    let mut pieces = Vec::new();
    for (at, part) in text.split(mark).enumerate() {
        if at > 0 {
            pieces.push(unknown.clone());
        }
        pieces.push(Piece::Text(part.to_owned()));
    }
    Argument {
        shown: word.shown.clone(),
        pieces,
    }
}

fn flock(rest: &[Argument]) -> Result<Wrapped, String> {
    let options = Options::new(
        "e,exclusive s,shared x n,nonblock,nb u,unlock o,close F,no-fork verbose v w,timeout,wait= \
         E,conflict-exit-code=",
    );
    let (_, rest) = options.leading(rest)?;
    match rest {
        [lock, option, script] if option.is("-c") || option.is("--command") => Ok(Wrapped {
            changes: vec![(lock.clone(), Change::File)],
            scripts: vec![script.clone()],
            posix: true,
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

// Shells that know arrays, tests in double brackets, and quotes behind a dollar sign.
const FULL: &[&str] = &["bash", "ksh", "mksh", "rbash", "zsh"];

fn shell(name: &str, rest: &[Argument]) -> Result<Option<Wrapped>, String> {
    const LONG: &[&str] = &["--login", "--norc", "--noprofile", "--posix", "--verbose"];
    let posix = !FULL.contains(&name);
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
            posix,
            ..Wrapped::default()
        }));
    }
    if rest.is_empty() || standard_input {
        return Ok(Some(Wrapped {
            reads_script: true,
            posix,
            ..Wrapped::default()
        }));
    }
    // A script in a file is a program like any other.
    Ok(None)
}

fn with_subcommand(
    program: &str,
    subcommands: &[&str],
    rest: &[Argument],
) -> Result<Option<Wrapped>, String> {
    let valued = programs::options_with_value(program).unwrap_or_default();
    let mut at = 0;
    // Options of the program itself, which stand before the subcommand.
    let mut odd = false;
    while let Some(word) = rest.get(at).filter(|word| word.prefix().starts_with('-')) {
        let Some(option) = word.literal() else {
            return Err(unclear(word));
        };
        odd = true;
        at += 1 + usize::from(valued.contains(&option.as_str()));
    }
    let Some(first) = rest.get(at) else {
        return Ok(None);
    };
    let command = rest.get(at + 1..).unwrap_or_default();
    let Some(subcommand) = first.literal() else {
        let known = first.prefix();
        if subcommands
            .iter()
            .any(|subcommand| subcommand.starts_with(&known))
        {
            return Err(format!(
                "has the word `{}`, which might turn out to run the words behind it",
                first.shown
            ));
        }
        return Ok(None);
    };
    if !subcommands.contains(&subcommand.as_str()) {
        // An option of which nobody knows whether a value follows may hide the subcommand.
        let hidden = odd
            && rest
                .iter()
                .any(|word| subcommands.iter().any(|name| word.is(name)));
        if hidden {
            return anywhere(rest).map(Some);
        }
        // What is no subcommand of theirs is a script, or a program of a package.
        if !matches!(program, "pnpm" | "yarn") || is_subcommand(&subcommand) {
            return Ok(None);
        }
        if odd {
            return anywhere(rest).map(Some);
        }
        return Ok(Some(Wrapped {
            needs_grant: true,
            commands: vec![rest.to_vec()],
            ..Wrapped::default()
        }));
    }
    let command = match command {
        [dashes, command @ ..] if dashes.is("--") => command,
        command => command,
    };
    let Some(program) = command.first() else {
        return Ok(None);
    };
    if odd || program.prefix().starts_with('-') {
        return anywhere(command).map(Some);
    }
    Ok(Some(Wrapped {
        commands: vec![command.to_vec()],
        ..Wrapped::default()
    }))
}

// The subcommands of `pnpm` and `yarn`.
fn is_subcommand(name: &str) -> bool {
    const SUBCOMMANDS: &[&str] = &[
        "add",
        "approve-builds",
        "audit",
        "autoclean",
        "bin",
        "build",
        "cache",
        "cat-file",
        "cat-index",
        "check",
        "ci",
        "config",
        "constraints",
        "create",
        "dedupe",
        "deploy",
        "doctor",
        "env",
        "explain",
        "export",
        "fetch",
        "find-hash",
        "generate-lock-entry",
        "global",
        "help",
        "i",
        "ignored-builds",
        "import",
        "info",
        "init",
        "install",
        "install-test",
        "it",
        "licenses",
        "link",
        "list",
        "licenses",
        "ln",
        "login",
        "logout",
        "ls",
        "node",
        "npm",
        "outdated",
        "owner",
        "pack",
        "patch",
        "patch-commit",
        "patch-remove",
        "plugin",
        "policies",
        "prune",
        "publish",
        "rb",
        "rebuild",
        "recursive",
        "remove",
        "rm",
        "root",
        "run",
        "run-script",
        "search",
        "self-update",
        "server",
        "set",
        "setup",
        "start",
        "stop",
        "store",
        "t",
        "tag",
        "team",
        "test",
        "tst",
        "un",
        "uninstall",
        "unlink",
        "unplug",
        "up",
        "update",
        "upgrade",
        "upgrade-interactive",
        "version",
        "versions",
        "view",
        "why",
        "workspace",
        "workspaces",
    ];
    SUBCOMMANDS.contains(&name)
}

// With options that are not known, only a grant of the whole can say what a wrapper does; and
// wherever the command begins, it must not be denied.
fn anywhere(words: &[Argument]) -> Result<Wrapped, String> {
    let mut scripts = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let prefix = word.prefix();
        let long = prefix
            .strip_prefix("--")
            .map(|long| long.split('=').next().unwrap_or(long));
        // `-c`, alone or behind other letters, and `--call`, as far as it is written.
        let short = prefix.starts_with('-') && long.is_none() && prefix.contains('c');
        let call = long.is_some_and(|long| {
            !long.is_empty()
                && ["call", "command"]
                    .iter()
                    .any(|name| name.starts_with(long))
        });
        if !short && !call {
            continue;
        }
        let attached = prefix.find('=').and_then(|equals| word.after(equals + 1));
        match (attached, word.literal()) {
            (Some(script), _) => scripts.push(script),
            (None, Some(option)) if call || option == "-c" => {
                scripts.extend(words.get(at + 1).cloned());
            }
            (None, _) => return Err(strange(&word.shown)),
        }
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
        scripts,
        posix: true,
        ..Wrapped::default()
    })
}
