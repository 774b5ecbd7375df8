//! What the words of a program hold that it runs: commands behind options, and code in other languages.

use super::arguments::Argument;

/// What runs besides a program, as its words say.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Shell scripts.
    pub(super) scripts: Vec<Argument>,
    /// Commands by their words.
    pub(super) commands: Vec<Vec<Argument>>,
    /// Code of other languages, which may run commands and read files.
    pub(super) code: Vec<Argument>,
    /// Where more code may come from.
    pub(super) reads: Reads,
}

/// Where a program may find code that its words do not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reads {
    /// Nowhere.
    #[default]
    Nothing,
    /// In its standard input, if it likes.
    Input,
    /// In its standard input, as no word names code.
    Code,
}

// Options, separated by blanks, whose value is a command. A value that holds `name=` is one behind that name.
struct Options {
    names: &'static [&'static str],
    commands: &'static str,
    // The same of code, for programs that read some.
    code: Option<&'static str>,
}

const fn commands(names: &'static [&'static str], commands: &'static str) -> Options {
    Options {
        names,
        commands,
        code: None,
    }
}

const fn code(names: &'static [&'static str], code: &'static str) -> Options {
    Options {
        names,
        commands: "",
        code: Some(code),
    }
}

static OPTIONS: &[Options] = &[
    commands(
        &["bsdtar", "gtar", "tar"],
        "-I -F --use-compress-program --to-command --info-script --new-volume-script --rsh-command \
         --rmt-command --checkpoint-action",
    ),
    commands(&["rsync"], "-e --rsh --rsync-path"),
    commands(&["scp", "sftp", "ssh"], "-o"),
    commands(&["zip"], "-TT --unzip-command"),
    commands(&["gsplit", "split"], "--filter"),
    commands(&["go"], "-exec -toolexec -vettool"),
    commands(&["c++", "cc", "clang", "clang++", "g++", "gcc"], "-wrapper"),
    commands(&["npm", "pnpm", "yarn"], "--script-shell"),
    commands(&["mvn", "mvnw"], "-Dexec.executable"),
    commands(&["rails", "uv"], ""),
    commands(&["ack", "ag", "bat", "man"], "-P --pager"),
    commands(&["fzf"], "--preview --bind"),
    commands(&["fd", "fdfind"], "-x -X --exec --exec-batch"),
    commands(&["cmake", "ctest"], "--launcher"),
    Options {
        names: &["gmake", "make"],
        commands: "",
        code: Some("--eval"),
    },
    Options {
        names: &["cargo"],
        commands: "-s --shell",
        code: Some("--config"),
    },
    code(&["perl"], "-e -E"),
    code(&["python", "python2", "python3"], "-c"),
    code(&["ruby", "irb"], "-e"),
    code(&["bun", "deno", "node"], "-e -p --eval --print"),
    code(&["php"], "-r"),
    code(&["lua", "luajit"], "-e"),
    code(&["R", "Rscript", "elixir", "julia", "osascript"], "-e"),
    code(&["awk", "gawk", "mawk", "nawk"], "-e --source"),
    code(
        &["rake"],
        "-e -E -p --execute --execute-continue --execute-print",
    ),
    code(&["psql"], "-c --command"),
    code(&["mysql", "mariadb"], "-e --execute"),
    code(&["sqlite3"], "-cmd"),
    code(&["ex", "nvim", "vi", "view", "vim"], "-c --cmd"),
    code(&["emacs"], "--eval --execute"),
    code(&["gdb"], "-ex --eval-command"),
    code(&["expect", "tclsh"], "-c"),
    code(&["ed"], ""),
];

// Variables of `make` that name a program.
const MADE_WITH: &[&str] = &[
    "SHELL=", "MAKE=", "CC=", "CXX=", "CPP=", "LD=", "AR=", "AS=",
];

/// Returns what runs besides the program, as far as its words say.
pub(super) fn carried(name: &str, rest: &[Argument]) -> Carried {
    let mut carried = Carried::default();
    let Some(options) = OPTIONS.iter().find(|options| options.names.contains(&name)) else {
        return carried;
    };
    carried.scripts = values(options.commands, rest);
    if let Some(code) = options.code {
        carried.code = values(code, rest);
        let input = |word: &Argument| word.is("-") || word.is("/dev/stdin");
        let names_code = |word: &Argument| !word.prefix().starts_with('-');
        let code = carried.code.is_empty() && !rest.iter().any(names_code);
        let code = code || rest.iter().any(input);
        carried.reads = if code { Reads::Code } else { Reads::Input };
    }
    for script in &mut carried.scripts {
        // `exec=command`, `ProxyCommand=command`.
        let text = script.prefix();
        let named = text
            .split_once('=')
            .filter(|(name, _)| super::environment::is_name(name));
        if let Some(command) = named.and_then(|(name, _)| script.after(name.len() + 1)) {
            *script = command;
        }
    }
    match name {
        // Letters without a dash, whose values follow in their order.
        "bsdtar" | "gtar" | "tar" => {
            let letters = rest.first().map(Argument::prefix).unwrap_or_default();
            if !letters.starts_with('-') && letters.contains(['I', 'F']) {
                let values = rest.get(1..=letters.len()).or(rest.get(1..));
                carried.scripts.extend(values.unwrap_or_default().to_vec());
            }
        }
        "gmake" | "make" => {
            for word in rest {
                let text = word.prefix();
                let program = MADE_WITH.iter().find(|start| text.starts_with(**start));
                carried
                    .scripts
                    .extend(program.and_then(|start| word.after(start.len())));
            }
        }
        // Their first word that is no option is a program, unless an option gives one.
        "awk" | "gawk" | "mawk" | "nawk" | "sqlite3" => {
            carried.code.extend(rest.iter().cloned());
        }
        "cargo" => {
            let watches = rest.iter().any(|word| word.is("watch"));
            carried.scripts.retain(|_| watches);
            let dashes = rest.iter().position(|word| word.is("--"));
            let command = dashes.filter(|_| watches).and_then(|at| rest.get(at + 1..));
            carried.commands.extend(command.map(<[Argument]>::to_vec));
        }
        "npm" | "pnpm" | "yarn" => {
            carried.commands = behind(&["exec", "explore", "workspace"], rest);
        }
        "uv" if rest.first().is_some_and(|word| word.is("tool")) => {
            carried.commands = behind(&["run"], rest);
        }
        "rails" => {
            let runner = rest
                .first()
                .is_some_and(|word| word.is("runner") || word.is("r"));
            carried.code.extend(rest.iter().filter(|_| runner).cloned());
        }
        "ex" | "nvim" | "vi" | "view" | "vim" => {
            let commands = rest.iter().filter(|word| word.prefix().starts_with('+'));
            carried.code.extend(commands.cloned());
        }
        _ => {}
    }
    carried
}

// All that a command behind one of these words may be, wherever it begins.
fn behind(leads: &[&str], rest: &[Argument]) -> Vec<Vec<Argument>> {
    let lead = rest
        .iter()
        .position(|word| leads.iter().any(|lead| word.is(lead)));
    let behind = lead.and_then(|at| rest.get(at + 1..)).unwrap_or_default();
    let tails = (0..behind.len()).filter_map(|at| behind.get(at..));
    let begins = |tail: &&[Argument]| {
        tail.first()
            .is_some_and(|word| !word.prefix().starts_with('-'))
    };
    tails.filter(begins).map(<[Argument]>::to_vec).collect()
}

// The values of such options, however they are written.
fn values(options: &str, rest: &[Argument]) -> Vec<Argument> {
    let mut values = Vec::new();
    for (at, word) in rest.iter().enumerate() {
        for option in options.split_whitespace() {
            match value_of(option, word) {
                Value::None => {}
                Value::Here(value) => values.push(value),
                Value::Next => values.extend(rest.get(at + 1).cloned()),
            }
        }
    }
    values
}

enum Value {
    None,
    Here(Argument),
    Next,
}

fn value_of(option: &str, word: &Argument) -> Value {
    let text = word.prefix();
    let behind = |length: usize| word.after(length).map_or(Value::None, Value::Here);
    if let Some(long) = option.strip_prefix("--") {
        // It may be shortened.
        let Some(given) = text.strip_prefix("--").filter(|given| given.len() > 1) else {
            return Value::None;
        };
        return match given.split_once('=') {
            Some((name, _)) if long.starts_with(name) => behind(name.len() + 3),
            None if long.starts_with(given) && word.literal().is_some() => Value::Next,
            Some(_) | None => Value::None,
        };
    }
    let name = option.trim_start_matches('-');
    if name.len() > 1 {
        // Long, with one dash or two.
        let given = text.strip_prefix('-').unwrap_or_default();
        let given = given.strip_prefix('-').unwrap_or(given);
        return match given.strip_prefix(name) {
            Some("") => Value::Next,
            Some(value) if value.starts_with('=') => behind(text.len() - value.len() + 1),
            Some(_) | None => Value::None,
        };
    }
    if !text.starts_with('-') || text.starts_with("--") {
        return Value::None;
    }
    match text.split_once(name) {
        Some((_, "")) if word.literal().is_some() => Value::Next,
        Some(("-", _)) => behind(option.len()),
        Some(_) | None => Value::None,
    }
}

/// Returns the words of a piece of code: names, and paths.
pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| c.is_alphanumeric() || "_./~-".contains(c);
    code.split(move |c: char| !word(c))
        .filter(|word| !word.is_empty())
}

/// Returns what of a word a program may take for a path: the word, what an option or a name stands before
/// (`-d@f`, `--data=f`, `f=@f`), and the parts of a list.
pub(super) fn paths(text: &str) -> impl Iterator<Item = &str> {
    let marks = ['=', '@', ':', ',', '<'];
    let attached = text.strip_prefix('-').and_then(|rest| {
        let mut chars = rest.chars();
        chars.next().filter(char::is_ascii_alphabetic)?;
        Some(chars.as_str())
    });
    let behind = text
        .match_indices(marks)
        .filter_map(|(at, _)| text.get(at + 1..));
    [text]
        .into_iter()
        .chain(attached)
        .chain(behind)
        .chain(text.split(marks))
}
