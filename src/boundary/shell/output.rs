//! What commands print, where that is known well enough to be a word of another command.

use std::rc::Rc;

use brush_parser::ast;

use super::{
    Kind, Refusal,
    arguments::{Argument, Found, Piece},
    find, git, git_options,
    judge::{Context, Judge},
    options::Parsed,
    parse,
    places::{Ground, Places, absolute},
    readers,
};

// So many paths stand for themselves; more are as good as unknown.
const MOST_PATHS: usize = 20_000;

// Programs of which something is known here; the words of others need no second look.
const TOLD: &[&str] = &[
    "cat", "date", "find", "git", "grep", "head", "id", "ls", "nproc", "rg", "sort", "stat",
    "tail", "tr", "uniq", "wc",
];

/// What a command prints.
#[derive(Debug, Clone, Default)]
pub(super) enum Output {
    /// Anything.
    #[default]
    Unknown,
    /// This text.
    Text(String),
    /// A decimal number, or nothing.
    Number,
    /// Names of commits, or nothing.
    Revision,
    /// Some of these paths, each on a line of its own, or with a zero behind it.
    Paths {
        /// The paths.
        found: Rc<Found>,
        /// Whether a zero stands behind each.
        zero: bool,
    },
}

impl Output {
    /// Returns what it is as part of a word.
    pub(super) fn piece(self, quoted: bool) -> Piece {
        let splits = !quoted;
        match self {
            Self::Text(text) if quoted || is_plain(&text) => Piece::Text(text),
            Self::Number => Piece::Number { splits },
            Self::Revision => Piece::Revision { splits },
            Self::Paths { found, zero: false }
                if splits && found.paths.iter().all(|path| is_plain(path)) =>
            {
                Piece::Found(found)
            }
            Self::Text(_) | Self::Paths { .. } | Self::Unknown => Piece::Unknown { splits },
        }
    }

    /// Returns the paths that `xargs` makes words of; nothing if what it reads is something else.
    pub(super) fn words(&self, zero: bool) -> Option<Rc<Found>> {
        match self {
            Self::Paths { found, zero: own } if *own == zero => {
                let plain = zero || found.paths.iter().all(|path| is_plain(path));
                plain.then(|| Rc::clone(found))
            }
            Self::Paths { .. } | Self::Unknown | Self::Text(_) | Self::Number | Self::Revision => {
                None
            }
        }
    }
}

// Whether a text is one word to a shell and to `xargs`, and no option.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_./@%+=:,-".contains(c))
}

impl Judge<'_> {
    /// Returns what a script prints that has been judged.
    pub(super) fn output_of_script(
        &mut self,
        script: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Output, Refusal> {
        let program = parse::program(script)?;
        let [ast::CompoundList(items)] = program.complete_commands.as_slice() else {
            return Ok(Output::Unknown);
        };
        let [ast::CompoundListItem(chain, ast::SeparatorOperator::Sequence)] = items.as_slice()
        else {
            return Ok(Output::Unknown);
        };
        let plain = chain.additional.is_empty() && !chain.first.bang && chain.first.timed.is_none();
        if !plain {
            return Ok(Output::Unknown);
        }
        let deeper = context.deeper(script)?;
        self.output_of(&chain.first.seq, &deeper, places)
    }

    /// Returns what the last of some commands prints, each of which reads what the one before prints.
    pub(super) fn output_of(
        &mut self,
        commands: &[ast::Command],
        context: &Context,
        places: &Places,
    ) -> Result<Output, Refusal> {
        let mut output = Output::Unknown;
        for command in commands {
            let ast::Command::Simple(simple) = command else {
                return Ok(Output::Unknown);
            };
            output = self.printed(simple, &output, context, places)?;
        }
        Ok(output)
    }

    fn printed(
        &mut self,
        command: &ast::SimpleCommand,
        input: &Output,
        context: &Context,
        places: &Places,
    ) -> Result<Output, Refusal> {
        let Some(program) = command
            .word_or_name
            .as_ref()
            .map(|word| word.value.as_str())
        else {
            return Ok(Output::Unknown);
        };
        let hidden = self.defined.contains(program) || self.functions.contains(program);
        if command.prefix.is_some() || hidden || !TOLD.contains(&program) {
            return Ok(Output::Unknown);
        }
        let mut words = Vec::new();
        let mut reads_file = false;
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                ast::CommandPrefixOrSuffixItem::Word(word) => {
                    words.extend(self.words(&word.value, context, places)?);
                }
                ast::CommandPrefixOrSuffixItem::IoRedirect(ast::IoRedirect::HereDocument(
                    None,
                    document,
                )) if program == "cat" => {
                    // The way to write text of several lines as a word.
                    let text = document.doc.value.trim_end_matches('\n');
                    let fixed = !document.requires_expansion || !text.contains(['$', '`', '\\']);
                    let alone = command
                        .suffix
                        .as_ref()
                        .is_some_and(|suffix| suffix.0.len() == 1);
                    return Ok(if fixed && alone {
                        Output::Text(text.to_owned())
                    } else {
                        Output::Unknown
                    });
                }
                ast::CommandPrefixOrSuffixItem::IoRedirect(ast::IoRedirect::File(fd, kind, _)) => {
                    match (fd, kind) {
                        (None | Some(0), ast::IoFileRedirectKind::Read) => reads_file = true,
                        // What goes wrong is said elsewhere.
                        (Some(2), ast::IoFileRedirectKind::Write) => {}
                        (_, _) => return Ok(Output::Unknown),
                    }
                }
                ast::CommandPrefixOrSuffixItem::IoRedirect(_)
                | ast::CommandPrefixOrSuffixItem::AssignmentWord(..)
                | ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {
                    return Ok(Output::Unknown);
                }
            }
        }
        let words = self
            .ground
            .written_out(&words, places)
            .map_err(|reason| Refusal::new(program, reason))?;
        let input = if reads_file { &Output::Unknown } else { input };
        let ground = &self.ground;
        let output = match program {
            "git" => of_git(&words, ground, places),
            "find" => of_find(&words, ground, places),
            "grep" | "rg" => of_search(program, &words, ground, places),
            "ls" => of_ls(&words, ground, places),
            _ => None,
        };
        Ok(output
            .or_else(|| number(program, &words))
            .unwrap_or_else(|| filtered(program, &words, input)))
    }
}

// Commands that print a number whatever they read.
fn number(program: &str, words: &[Argument]) -> Option<Output> {
    let literal: Vec<String> = words.iter().map_while(Argument::literal).collect();
    let words: Vec<&str> = literal.iter().map(String::as_str).collect();
    let number = match (program, words.as_slice()) {
        ("wc", ["-l" | "-c" | "-w" | "-m" | "--lines" | "--bytes" | "--words" | "--chars"]) => true,
        ("nproc", []) => true,
        ("id", ["-u" | "-g"]) => true,
        ("date", [format]) => {
            let digits = ["%s", "%Y", "%m", "%d", "%H", "%M", "%S", "%j", "%N"];
            let rest = format.strip_prefix('+').map(|format| {
                digits
                    .iter()
                    .fold(format.to_owned(), |rest, digits| rest.replace(digits, ""))
            });
            rest.is_some_and(|rest| rest.is_empty()) && format.len() > 1
        }
        ("stat", ["-c", "%s" | "%Y", _] | ["-f", "%z" | "%m", _]) => literal.len() == 3,
        _ => false,
    };
    (number && literal.len() == words.len()).then_some(Output::Number)
}

// Commands that print some of the lines that they read.
fn filtered(program: &str, words: &[Argument], input: &Output) -> Output {
    let passes = match program {
        "head" | "tail" | "sort" | "uniq" | "grep" => readers::options(program)
            .and_then(|options| options.parse(words).ok())
            .is_some_and(|parsed| {
                let changes = [
                    "b", "c", "n", "o", "H", "Z", "A", "B", "C", "w", "group", "D", "f", "F", "r",
                    "R", "d",
                ];
                let given = usize::from(program == "grep" && !parsed.has(&["e"]));
                let number = parsed.has(&["n"]) && program != "grep";
                let changes = changes.iter().filter(|name| !(number && **name == "n"));
                let sorts = program == "sort" && !parsed.has(&["o", "c", "C", "m"]);
                parsed.operands.len() == given
                    && (sorts || !changes.copied().any(|name| parsed.has(&[name])))
            }),
        _ => false,
    };
    let trims = program == "tr" && matches!(input, Output::Number) && {
        let literal: Vec<String> = words.iter().filter_map(Argument::literal).collect();
        matches!(
            literal
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
            ["-d", " " | "[:space:]" | "[:blank:]" | "\\n" | " \\n"]
        )
    };
    if passes || trims {
        input.clone()
    } else {
        Output::Unknown
    }
}

fn found(mut paths: Vec<String>) -> Option<Rc<Found>> {
    paths.sort();
    paths.dedup();
    // One that looks like an option is none that may stand for a word.
    let odd = paths.len() > MOST_PATHS || paths.iter().any(|path| path.starts_with('-'));
    (!odd).then(|| Rc::new(Found { paths }))
}

fn paths(paths: Vec<String>, zero: bool) -> Option<Output> {
    found(paths).map(|found| Output::Paths { found, zero })
}

fn of_find(words: &[Argument], ground: &Ground<'_>, places: &Places) -> Option<Output> {
    let expression = find::read(words).ok()?;
    if !expression.prints_paths || !expression.commands.is_empty() {
        return None;
    }
    let zero = expression.zero;
    found_by(&expression, ground, places).map(|found| Output::Paths { found, zero })
}

/// Returns all that a `find` may find, as it names it; nothing if nobody knows.
pub(super) fn found_by(
    expression: &find::Expression,
    ground: &Ground<'_>,
    places: &Places,
) -> Option<Rc<Found>> {
    if expression.follows {
        return None;
    }
    let directory = Ground::only(places)?;
    let mut all = Vec::new();
    for start in &expression.starts {
        let start = start.literal()?;
        let path = absolute(directory, &start);
        let below = if expression.files {
            ground.below(&path)?.to_vec()
        } else {
            ground.everything_below(&path)?
        };
        let named = start.trim_end_matches('/');
        let inner = below.iter().map(|path| format!("{named}/{path}"));
        all.extend(inner.chain([start.clone()]));
    }
    for end in &expression.ends {
        let ends = |path: &String| {
            let at = path.len().checked_sub(end.len());
            let tail = at.and_then(|at| path.get(at..));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        all.retain(ends);
    }
    found(all)
}

// The files that are named; what lies in a directory is named from there.
fn of_ls(words: &[Argument], ground: &Ground<'_>, places: &Places) -> Option<Output> {
    let directory = Ground::only(places)?;
    let mut files = Vec::new();
    for word in words {
        let word = word.literal()?;
        if matches!(word.as_str(), "-1" | "-d" | "-r" | "-S" | "-t" | "-tr") {
            continue;
        }
        let kind = ground.kind(&absolute(directory, &word));
        if word.starts_with('-') || !kind.is_file() {
            return None;
        }
        files.push(word);
    }
    // Without a file it lists where it is.
    (!files.is_empty()).then(|| paths(files, false)).flatten()
}

// The names of files in which something is found.
fn of_search(
    program: &str,
    words: &[Argument],
    ground: &Ground<'_>,
    places: &Places,
) -> Option<Output> {
    let parsed = readers::options(program)?.parse(words).ok()?;
    if program == "grep" && parsed.has(&["c"]) && !parsed.has(&["r", "R", "d", "H", "l"]) {
        let given = usize::from(!parsed.has(&["e", "f"]));
        return (parsed.operands.len() <= given + 1).then_some(Output::Number);
    }
    let listing = parsed.has(&["l", "L", "files", "files-without-match"])
        && (program == "rg" || parsed.has(&["l"]));
    let plain = !parsed.has(&["c", "count-matches", "json", "path-separator", "o"]);
    if !listing || !plain {
        return None;
    }
    let directory = Ground::only(places)?;
    let given = parsed.has(&["e", "f", "files"]);
    let mut files = parsed.operands.get(usize::from(!given)..)?.to_vec();
    let look = readers::recursion(program, &parsed, ground, &files);
    let here = files.is_empty();
    if here {
        look.as_ref()?;
        files.push(Argument::text("."));
    }
    let mut found = Vec::new();
    for file in &files {
        let file = file.literal()?;
        let path = absolute(directory, &file);
        if ground.kind(&path) != Kind::Directory {
            found.push(file);
            continue;
        }
        let inner = ground.files_for(&path, look.as_ref()?)?;
        let named = file.trim_end_matches('/');
        for inner in inner {
            found.push(format!("{named}/{inner}"));
            if here {
                found.push(inner);
            }
        }
    }
    paths(found, parsed.has(&["Z", "0"]))
}

fn of_git(words: &[Argument], ground: &Ground<'_>, places: &Places) -> Option<Output> {
    if ground.other_repository(places).is_some() {
        return None;
    }
    let subcommand = words.first()?.literal()?;
    let rest = git::after_subcommand(words, &subcommand)?;
    let literal: Vec<String> = rest.iter().map_while(Argument::literal).collect();
    let all = literal.len() == rest.len();
    let literal: Vec<&str> = literal.iter().map(String::as_str).collect();
    // Words that name commits and nothing within them.
    let commits = |words: &[&str]| words.iter().all(|word| !word.contains(':'));
    match subcommand.as_str() {
        "rev-parse" if literal == ["--show-toplevel"] => ground.top(places).map(Output::Text),
        "rev-parse" if all => {
            let (options, names): (Vec<&str>, Vec<&str>) = literal
                .iter()
                .copied()
                .partition(|word| word.starts_with('-'));
            let known = options.iter().all(|option| {
                let known = ["--verify", "-q", "--quiet", "--short", "--abbrev-ref"];
                known.contains(option) || option.starts_with("--short=")
            });
            (known && !names.is_empty() && commits(&names)).then_some(Output::Revision)
        }
        "merge-base" => {
            let plain = rest
                .iter()
                .all(|word| word.is_revision() && !word.prefix().contains(':'));
            plain.then_some(Output::Revision)
        }
        "describe" if all => {
            let known = literal.iter().all(|word| {
                let known = [
                    "--tags",
                    "--always",
                    "--all",
                    "--long",
                    "--exact-match",
                    "--first-parent",
                ];
                known.contains(word) || word.starts_with("--abbrev=") || !word.starts_with('-')
            });
            known.then_some(Output::Revision)
        }
        "branch" if literal == ["--show-current"] => Some(Output::Revision),
        "symbolic-ref" if literal == ["--short", "HEAD"] => Some(Output::Revision),
        "rev-list" if all && literal.contains(&"--count") => Some(Output::Number),
        "log" if all => {
            let parsed = git_options::options("log")?.parse(rest).ok()?;
            let mut formats = parsed
                .values(&["format", "pretty"])
                .filter_map(Argument::literal);
            let format = formats.next()?;
            let plain = matches!(format.trim_start_matches("format:"), "%H" | "%h");
            (plain && !prints_more(&parsed)).then_some(Output::Revision)
        }
        "ls-files" if all => {
            let (options, names): (Vec<&str>, Vec<&str>) = literal
                .iter()
                .copied()
                .partition(|word| word.starts_with('-'));
            let known = ["-z", "-c", "--cached", "-m", "--modified", "--"];
            let known = options.iter().all(|option| known.contains(option));
            let zero = options.contains(&"-z");
            // What lies above is printed from here.
            if names
                .iter()
                .any(|name| name.starts_with(':') || name.contains(".."))
            {
                return None;
            }
            let directory = known.then(|| Ground::only(places)).flatten()?;
            let tracked = ground.tracked_below(directory)?;
            let named =
                |path: &String| names.is_empty() || names.iter().any(|name| names_path(name, path));
            paths(tracked.into_iter().filter(named).collect(), zero)
        }
        _ => None,
    }
}

fn prints_more(parsed: &Parsed) -> bool {
    parsed.has(&[
        "p",
        "stat",
        "name-only",
        "name-status",
        "numstat",
        "raw",
        "graph",
        "c",
        "cc",
        "L",
        "show-notes",
        "notes",
        "left-right",
        "boundary",
        "shortstat",
        "summary",
        "U",
        "W",
        "word-diff",
        "children",
        "parents",
        "source",
        "X",
    ])
}

// Whether a path, as a subcommand of git's takes one, may name `path`; never no where it does.
fn names_path(pathspec: &str, path: &str) -> bool {
    let wild = ['*', '?', '[', '\\'];
    let Some(first) = pathspec.find(wild) else {
        let directory = pathspec.trim_start_matches("./").trim_end_matches('/');
        return directory == "."
            || path == directory
            || path
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with('/'));
    };
    let end = pathspec
        .rfind(['*', '?', '[', ']', '\\'])
        .map_or("", |at| pathspec.get(at + 1..).unwrap_or_default());
    let start = pathspec.get(..first).unwrap_or_default();
    path.starts_with(start) && path.ends_with(end)
}
