//! What common programs do to files, by their arguments.

use super::{
    Kind, Scope,
    arguments::{Argument, Options, Parsed, Piece},
    git,
    places::{Change, Look, Place, Places, absolute},
    readers, sed,
};
use crate::boundary::CommandPattern;

/// What a command does to files, and what it runs.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Paths that it changes.
    pub(super) changes: Vec<(Argument, Change)>,
    /// Paths that it shows.
    pub(super) looks: Vec<(Argument, Look)>,
    /// Words that may be paths which it reads.
    pub(super) mentions: Vec<Argument>,
    /// Commands that it runs.
    pub(super) commands: Vec<Vec<Argument>>,
}

impl Effects {
    pub(super) fn change(&mut self, paths: impl IntoIterator<Item = Argument>, change: Change) {
        self.changes
            .extend(paths.into_iter().map(|path| (path, change)));
    }

    pub(super) fn look(&mut self, paths: impl IntoIterator<Item = Argument>, look: Look) {
        self.looks
            .extend(paths.into_iter().map(|path| (path, look)));
    }
}

// Commands that change files, and nothing that their words do not say.
const CHANGERS: &[&str] = &[
    "chgrp", "chmod", "chown", "cp", "dd", "find", "install", "ln", "mkdir", "mktemp", "mv", "rm",
    "rmdir", "sed", "shred", "tee", "touch", "truncate", "unlink",
];

// Commands that look at no file's content.
const BLIND: &[&str] = &[
    "basename", "date", "df", "dirname", "du", "echo", "expr", "false", "id", "kill", "ls",
    "nproc", "printf", "ps", "pwd", "readlink", "realpath", "seq", "sleep", "stat", "test", "tree",
    "true", "tty", "type", "uname", "wait", "which", "whoami", "[",
];

/// Returns whether some command that the pattern gives has an effect that is not known here.
///
/// Known are the programs that look at files, those that change files as their words say, and the
/// subcommands of git that do no more than either. Whatever else runs can do anything: `make *`,
/// `bundle *`, `python *`, a shell, a pattern without a program.
///
/// ```
/// # use factory::boundary::{CommandPattern, is_opaque};
/// let opaque = |pattern: &str| is_opaque(&pattern.parse::<CommandPattern>().unwrap());
/// assert!(!opaque("cp *") && !opaque("git commit *"));
/// assert!(opaque("make *") && opaque("git *") && opaque("*"));
/// ```
pub fn is_opaque(pattern: &CommandPattern) -> bool {
    let words = pattern.literal_words();
    let mut words = words.iter().map(String::as_str);
    let Some(program) = words.next() else {
        return true;
    };
    if program.contains('/') {
        return true;
    }
    match (program, words.next()) {
        ("git", Some("--no-pager")) => !git::is_known(words.next(), words.next()),
        ("git", subcommand) => !git::is_known(subcommand, words.next()),
        ("command", option) => option != Some("-v"),
        // What `find` runs is a command of its own, and judged as one.
        (program, _) => {
            !(CHANGERS.contains(&program)
                || BLIND.contains(&program)
                || readers::is_reader(program))
        }
    }
}

/// Returns what the program does to files, or the reason why that is not known, as the rest of a
/// sentence about the command.
pub(super) fn effects(
    name: &str,
    rest: &[Argument],
    scope: &Scope<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let mut effects = Effects::default();
    match name {
        "git" => return git::effects(rest),
        "sed" | "gsed" => return sed::effects(rest),
        "find" | "gfind" => return find(rest),
        "cp" | "mv" | "install" | "ln" | "gcp" | "gmv" => {
            return copy(name.trim_start_matches('g'), rest, scope, places);
        }
        "rm" | "unlink" | "shred" | "rmdir" | "mkdir" | "touch" | "tee" | "truncate" | "mktemp" => {
            let parsed = simple_options(name).parse(rest)?;
            let change = match name {
                "rmdir" | "mkdir" => Change::Directory,
                "rm" if parsed.has(&["r", "R", "recursive", "d", "dir"]) => Change::Tree,
                _ => Change::File,
            };
            effects.look(parsed.values(&["reference"]).cloned(), Look::File);
            effects.change(parsed.values(&["tmpdir", "p"]).cloned(), Change::Directory);
            effects.change(parsed.operands, change);
        }
        "chmod" | "chown" | "chgrp" => return modes(rest),
        "dd" => {
            for argument in rest {
                let prefix = argument.prefix();
                let value = |name: &str| argument.after(name.len());
                if prefix.starts_with("of=") {
                    effects.change(value("of="), Change::File);
                } else if prefix.starts_with("if=") {
                    effects.look(value("if="), Look::File);
                } else if argument.literal().is_none() {
                    return Err(unclear(argument));
                }
            }
        }
        _ if BLIND.contains(&name) => {}
        _ if readers::is_reader(name) => return readers::effects(name, rest),
        _ => effects.mentions.extend(rest.iter().cloned()),
    }
    Ok(effects)
}

pub(super) fn unclear(word: &Argument) -> String {
    format!(
        "has the word `{}`, which might turn out to be an option",
        word.shown
    )
}

fn simple_options(name: &str) -> Options {
    let options = |flags, valued, long, long_valued| Options {
        flags,
        valued,
        long,
        long_valued,
    };
    match name {
        "rm" => options(
            "fiIrRdv",
            "",
            &[
                "force",
                "interactive",
                "recursive",
                "dir",
                "verbose",
                "one-file-system",
                "preserve-root",
            ],
            &[],
        ),
        "shred" => options(
            "fuvxz",
            "ns",
            &["force", "remove", "verbose", "exact", "zero"],
            &["iterations", "size"],
        ),
        "rmdir" => options(
            "pv",
            "",
            &["ignore-fail-on-non-empty", "parents", "verbose"],
            &[],
        ),
        "mkdir" => options("pv", "m", &["parents", "verbose"], &["mode"]),
        "touch" => options(
            "acfhm",
            "drt",
            &["no-create", "no-dereference"],
            &["date", "time", "reference"],
        ),
        "tee" => options(
            "aip",
            "",
            &["append", "ignore-interrupts", "output-error"],
            &[],
        ),
        "truncate" => options(
            "co",
            "sr",
            &["no-create", "io-blocks"],
            &["size", "reference"],
        ),
        "mktemp" => options(
            "dqu",
            "p",
            &["directory", "quiet", "dry-run", "tmpdir"],
            &["suffix"],
        ),
        _ => options("", "", &[], &[]),
    }
}

fn modes(rest: &[Argument]) -> Result<Effects, String> {
    const LONG: &[&str] = &[
        "changes",
        "silent",
        "quiet",
        "verbose",
        "no-dereference",
        "recursive",
        "preserve-root",
    ];
    let mut effects = Effects::default();
    let mut recursive = false;
    let mut mode = false;
    let mut only_operands = false;
    for argument in rest {
        let prefix = argument.prefix();
        let option = prefix.starts_with('-') && !only_operands;
        let is_mode =
            prefix.chars().skip(1).all(|c| "rwxXstugoa+=,-".contains(c)) && prefix != "--";
        if option && prefix == "--" {
            only_operands = true;
        } else if option && prefix.starts_with("--reference=") {
            mode = true;
        } else if option && prefix.starts_with("--") {
            let name = prefix.trim_start_matches('-');
            if !LONG.contains(&name) {
                return Err(format!(
                    "has the option `{prefix}`, whose effect is not known here"
                ));
            }
            recursive |= name == "recursive";
        } else if option && !is_mode {
            if !prefix.chars().skip(1).all(|c| "cfvRhHLP".contains(c)) {
                return Err(format!(
                    "has the option `{prefix}`, whose effect is not known here"
                ));
            }
            recursive |= prefix.contains('R');
        } else if !mode {
            mode = true;
        } else {
            let change = if recursive {
                Change::Tree
            } else {
                Change::File
            };
            effects.change([argument.clone()], change);
        }
    }
    Ok(effects)
}

fn find(rest: &[Argument]) -> Result<Effects, String> {
    let mut effects = Effects::default();
    let options = |word: &Argument| matches!(word.literal().as_deref(), Some("-H" | "-L" | "-P"));
    let mut words = rest.iter().skip_while(|word| options(word)).peekable();
    let mut starts = Vec::new();
    while let Some(start) = words.next_if(|word| !word.prefix().starts_with(['-', '(', '!'])) {
        if start.literal().is_none() && start.prefix().is_empty() {
            return Err(unclear(start));
        }
        starts.push(start.clone());
    }
    if starts.is_empty() {
        starts.push(Argument::text("."));
    }
    while let Some(word) = words.next() {
        let Some(text) = word.literal() else {
            if word.prefix().is_empty() {
                return Err(unclear(word));
            }
            continue;
        };
        match text.as_str() {
            "-delete" => effects.change(starts.iter().cloned(), Change::Tree),
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                effects.change(words.next().cloned(), Change::File);
            }
            "-files0-from" => effects.look(words.next().cloned(), Look::File),
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let mut command = Vec::new();
                for word in words.by_ref() {
                    if word.is(";") {
                        break;
                    }
                    if word.is("+")
                        && command
                            .last()
                            .is_some_and(|last: &Argument| last.is_unknown())
                    {
                        break;
                    }
                    command.push(found(word));
                }
                effects.commands.push(command);
            }
            "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-regex" | "-iregex"
            | "-newer" | "-type" | "-size" | "-mtime" | "-mmin" | "-maxdepth" | "-mindepth"
            | "-perm" | "-user" | "-group" | "-printf" => {
                words.next();
            }
            _ => {}
        }
    }
    Ok(effects)
}

// `{}` is a path that is not known before it runs.
fn found(word: &Argument) -> Argument {
    match word.literal() {
        Some(text) if text.contains("{}") => Argument {
            shown: word.shown.clone(),
            pieces: vec![
                Piece::Text(text.split("{}").next().unwrap_or("").to_owned()),
                Piece::Unknown { splits: false },
            ],
        },
        Some(_) | None => word.clone(),
    }
}

fn copy_options(name: &str) -> Options {
    match name {
        "cp" => Options {
            flags: "abdfHiLlnPpRrsTuvx",
            valued: "St",
            long: &[
                "archive",
                "attributes-only",
                "backup",
                "dereference",
                "force",
                "interactive",
                "link",
                "no-clobber",
                "no-dereference",
                "no-target-directory",
                "one-file-system",
                "parents",
                "preserve",
                "recursive",
                "reflink",
                "remove-destination",
                "strip-trailing-slashes",
                "symbolic-link",
                "update",
                "verbose",
            ],
            long_valued: &["no-preserve", "sparse", "suffix", "target-directory"],
        },
        "mv" => Options {
            flags: "bfinTuv",
            valued: "St",
            long: &[
                "backup",
                "force",
                "interactive",
                "no-clobber",
                "no-target-directory",
                "strip-trailing-slashes",
                "update",
                "verbose",
            ],
            long_valued: &["suffix", "target-directory"],
        },
        "ln" => Options {
            flags: "bfinPrsTvL",
            valued: "St",
            long: &[
                "backup",
                "force",
                "interactive",
                "logical",
                "no-dereference",
                "physical",
                "relative",
                "symbolic",
                "no-target-directory",
                "verbose",
            ],
            long_valued: &["suffix", "target-directory"],
        },
        _ => Options {
            flags: "bcCDdpTv",
            valued: "gmoSt",
            long: &[
                "backup",
                "compare",
                "directory",
                "no-target-directory",
                "preserve-timestamps",
                "verbose",
            ],
            long_valued: &["group", "mode", "owner", "suffix", "target-directory"],
        },
    }
}

fn copy(
    name: &str,
    rest: &[Argument],
    scope: &Scope<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let parsed = copy_options(name).parse(rest)?;
    let mut effects = Effects::default();
    if parsed.has(&["S", "suffix", "b", "backup", "parents"]) {
        return Err(
            "makes files whose names are not worked out here; leave out the option".to_owned(),
        );
    }
    if name == "install" && parsed.has(&["d", "directory"]) {
        effects.change(parsed.operands, Change::Directory);
        return Ok(effects);
    }
    let (sources, target, is_directory) = targets(name, &parsed)?;
    let recursive = parsed.has(&["r", "R", "a", "recursive", "archive"]);
    let links = name == "ln" || parsed.has(&["l", "s", "link", "symbolic-link"]);
    for source in &sources {
        if links {
            let deeper = may_be_directory(&target, scope, places);
            linked(source, &target, &parsed, is_directory, deeper, &mut effects)?;
            continue;
        }
        match name {
            // It is removed there, and may be read by its new name.
            "mv" => {
                effects.change([source.clone()], Change::Tree);
                effects.look([source.clone()], Look::Tree);
            }
            _ if recursive => effects.look([source.clone()], Look::Tree),
            _ => effects.look([source.clone()], Look::File),
        }
    }
    let bare = parsed.has(&["T", "no-target-directory"]);
    let moves_directories = recursive || name == "mv";
    for source in &sources {
        let into = into(source, &target)?;
        let tree = moves_directories && !is_file(source, scope, places);
        let mut written = Vec::new();
        if bare || !is_directory && !is_directory_now(&target, scope, places) {
            written.push((target.clone(), Look::File));
        }
        if !bare && (is_directory || may_be_directory(&target, scope, places)) {
            written.push((into, Look::File));
        }
        for (path, _) in written {
            if tree {
                copied(source, &path, scope, places, &mut effects);
            } else {
                effects.change([path], Change::File);
            }
        }
    }
    Ok(effects)
}

// The sources, the target, and whether the target is a directory for certain.
fn targets(name: &str, parsed: &Parsed) -> Result<(Vec<Argument>, Argument, bool), String> {
    let named: Vec<&Argument> = parsed.values(&["t", "target-directory"]).collect();
    if let Some(target) = named.last() {
        return Ok((parsed.operands.clone(), (*target).clone(), true));
    }
    match parsed.operands.as_slice() {
        [] => Err("has no operand".to_owned()),
        [source] if name == "ln" => Ok((vec![source.clone()], Argument::text("."), true)),
        [_] => Err("has only one operand".to_owned()),
        [source, target] => {
            let slash = target.literal().is_some_and(|target| {
                target.ends_with('/') || target == "." || target.ends_with("/.")
            });
            let globs = source.literal().is_none();
            Ok((vec![source.clone()], target.clone(), slash || globs))
        }
        [sources @ .., target] => Ok((sources.to_vec(), target.clone(), true)),
    }
}

// The path of `source` within the directory `target`.
fn into(source: &Argument, target: &Argument) -> Result<Argument, String> {
    let unknown = || {
        format!(
            "writes a path that is not known before it runs: `{}` into `{}`",
            source.shown, target.shown
        )
    };
    let directory = target.literal().ok_or_else(unknown)?;
    let separator = if directory.ends_with('/') { "" } else { "/" };
    let mut into = Argument::text(format!("{directory}{separator}"));
    if let Some(source) = source.literal() {
        let name = source
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or("")
            .to_owned();
        if matches!(name.as_str(), "" | "." | "..") {
            return Err(unknown());
        }
        into.pieces.push(Piece::Text(name));
        into.shown = into.literal().unwrap_or_default();
        return Ok(into);
    }
    if source.is_unknown() {
        return Err(unknown());
    }
    // Of a glob, the last segment.
    let mut last: Vec<Piece> = Vec::new();
    for piece in &source.pieces {
        match piece {
            Piece::Text(text) => match text.rsplit_once('/') {
                Some((_, after)) => last = vec![Piece::Text(after.to_owned())],
                None => last.push(piece.clone()),
            },
            Piece::Glob(_) | Piece::Unknown { .. } => last.push(piece.clone()),
        }
    }
    into.pieces.extend(last);
    into.shown = format!("{directory}{separator}…");
    Ok(into)
}

fn linked(
    source: &Argument,
    target: &Argument,
    parsed: &Parsed,
    is_directory: bool,
    may_be_directory: bool,
    effects: &mut Effects,
) -> Result<(), String> {
    // Whoever may write a link may write what it leads to; so that must be writable already.
    let symbolic =
        parsed.has(&["s", "symbolic", "symbolic-link"]) && !parsed.has(&["r", "relative"]);
    let (Some(path), Some(link)) = (source.literal(), target.literal()) else {
        return Err("makes a link whose ends are not known before it runs".to_owned());
    };
    let led = if symbolic && !path.starts_with('/') {
        let from = if is_directory {
            link.trim_end_matches('/')
        } else {
            link.rsplit_once('/')
                .map_or(".", |(directory, _)| directory)
        };
        let mut led = Argument::text(format!("{from}/{path}"));
        led.shown.clone_from(&source.shown);
        led
    } else {
        source.clone()
    };
    if symbolic && !is_directory && may_be_directory {
        // The link may come to lie in a directory of that name, and then lead elsewhere.
        let mut deeper = Argument::text(format!("{link}/{path}"));
        deeper.shown.clone_from(&source.shown);
        if !path.starts_with('/') && path.contains("..") {
            effects.change([deeper], Change::Tree);
        }
    }
    effects.change([led.clone()], Change::Tree);
    effects.look([led], Look::Tree);
    Ok(())
}

fn named(argument: &Argument, places: &Places) -> Vec<Option<String>> {
    let Some(path) = argument.literal() else {
        return vec![None];
    };
    let at = |place: &Place| match place {
        Place::At(directory) => Some(absolute(directory, &path)),
        Place::Unknown => None,
    };
    places.iter().map(at).collect()
}

fn kinds(argument: &Argument, scope: &Scope<'_>, places: &Places) -> Vec<Kind> {
    let kind = |path: Option<String>| path.map_or(Kind::Unknown, |path| scope.tree.kind(&path));
    named(argument, places).into_iter().map(kind).collect()
}

fn is_file(argument: &Argument, scope: &Scope<'_>, places: &Places) -> bool {
    kinds(argument, scope, places)
        .iter()
        .all(|kind| *kind == Kind::File)
}

fn is_directory_now(argument: &Argument, scope: &Scope<'_>, places: &Places) -> bool {
    kinds(argument, scope, places)
        .iter()
        .all(|kind| *kind == Kind::Directory)
}

fn may_be_directory(argument: &Argument, scope: &Scope<'_>, places: &Places) -> bool {
    kinds(argument, scope, places)
        .iter()
        .any(|kind| matches!(kind, Kind::Directory | Kind::Unknown))
}

// Whatever lies in `source` comes to lie at `path`.
fn copied(
    source: &Argument,
    path: &Argument,
    scope: &Scope<'_>,
    places: &Places,
    effects: &mut Effects,
) {
    let below: Option<Vec<Vec<String>>> = named(source, places)
        .into_iter()
        .map(|source| scope.tree.below(&source?))
        .collect();
    let (Some(below), Some(path_text)) = (below, path.literal()) else {
        effects.change([path.clone()], Change::Anything);
        return;
    };
    effects.change([path.clone()], Change::Directory);
    for inside in below.into_iter().flatten() {
        let mut to = Argument::text(format!("{}/{inside}", path_text.trim_end_matches('/')));
        to.shown.clone_from(&path.shown);
        effects.change([to], Change::File);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::standard;

    #[test]
    fn what_the_standard_sets_name_is_known() {
        for set in ["@std/inspect", "@std/files", "@std/commit"] {
            for command in standard(set).unwrap().commands {
                assert!(
                    !is_opaque(&command.pattern.parse().unwrap()),
                    "{}",
                    command.pattern
                );
            }
        }
    }

    #[test]
    fn what_can_do_anything_is_opaque() {
        for pattern in [
            "bundle *",
            "make *",
            "python *",
            "bin/rails *",
            "bin/rails db:migrate",
            "npm test",
            "*",
            "git *",
            "git push --force *",
            "git rebase *",
            "git checkout *",
            "./cat *",
            "bash *",
            "env *",
            "xargs *",
            "awk *",
            "c* x",
            "git stash *",
            "git worktree add *",
        ] {
            let opaque = is_opaque(&pattern.parse().unwrap());
            // A push changes nothing here; where it goes is for `reach`.
            assert_eq!(opaque, pattern != "git push --force *", "{pattern}");
        }
    }
}
