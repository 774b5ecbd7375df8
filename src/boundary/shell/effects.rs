//! What common programs do to files, by their arguments.

use super::{
    Scope,
    arguments::{Argument, Options, Piece},
    copies, git,
    places::{Change, Look, Places},
    readers, sed, within,
};
use crate::boundary::{CommandPattern, programs};

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

/// What is known of the effects of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Their words say all that they do.
    Known,
    /// Their words say all but which hosts they speak to: that stands in the repository.
    Speaks,
    /// They run the code of the project and of what it depends on, and nothing that their words name.
    Project,
    /// They can do anything.
    Unknown,
}

/// Returns what is known of the effects of all commands that the pattern gives.
///
/// ```
/// # use factory::boundary::{CommandPattern, Effect, effect};
/// let of = |pattern: &str| effect(&pattern.parse::<CommandPattern>().unwrap());
/// assert_eq!([of("cp *"), of("git push *")], [Effect::Known, Effect::Speaks]);
/// assert_eq!([of("bin/rails test *"), of("bin/rails *")], [Effect::Project, Effect::Unknown]);
/// ```
pub fn effect(pattern: &CommandPattern) -> Effect {
    if is_opaque(pattern) {
        return if runs_project(&within::arguments(pattern)) {
            Effect::Project
        } else {
            Effect::Unknown
        };
    }
    let mut words = pattern.literal_words().iter().map(String::as_str);
    let whole = pattern.is_literal().then_some("");
    let speaks = words.next() == Some("git")
        && git::speaks(
            words.find(|word| !word.starts_with('-')),
            words.next().or(whole),
        );
    if speaks {
        Effect::Speaks
    } else {
        Effect::Known
    }
}

fn runs_project(words: &[Argument]) -> bool {
    let literal: Vec<String> = words.iter().map_while(Argument::literal).collect();
    if programs::is_task(&literal, literal.len() == words.len()) {
        return true;
    }
    // A wrapper that adds nothing to the one command in it.
    match within::inner(words) {
        within::Inner::Commands {
            commands,
            needs_grant: false,
        } => {
            matches!(commands.as_slice(), [command] if command.len() < words.len() && runs_project(command))
        }
        within::Inner::Commands { .. }
        | within::Inner::Nothing
        | within::Inner::Script(_)
        | within::Inner::Anything => false,
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
            return copies::effects(name.trim_start_matches('g'), rest, scope, places);
        }
        "rm" | "unlink" | "shred" | "rmdir" | "mkdir" | "touch" | "tee" | "truncate" | "mktemp" => {
            let parsed = simple_options(name).parse(rest)?;
            let change = match name {
                "rmdir" | "mkdir" => Change::Directory,
                "rm" if parsed.has(&["r", "R", "recursive", "d", "dir"]) => Change::Tree,
                "rm" | "unlink" => Change::Name,
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
    fn what_runs_the_code_of_the_project_is_told_from_what_can_do_anything() {
        for (pattern, then) in [
            ("cat *", Effect::Known),
            ("git status *", Effect::Known),
            ("git --no-pager log *", Effect::Known),
            ("git push *", Effect::Speaks),
            ("git --no-pager push *", Effect::Speaks),
            ("git fetch", Effect::Speaks),
            ("git remote *", Effect::Speaks),
            ("git remote", Effect::Known),
            ("git remote -v", Effect::Known),
            ("git remote get-url *", Effect::Known),
            ("bin/rails test *", Effect::Project),
            ("bin/rails db:migrate", Effect::Project),
            ("bundle install", Effect::Project),
            ("bundle exec rspec", Effect::Project),
            ("timeout 5 npm test", Effect::Project),
            ("npm test", Effect::Project),
            ("make test", Effect::Project),
            // What stands behind may name a program, or be code.
            ("make test *", Effect::Unknown),
            ("npm test *", Effect::Unknown),
            ("cargo test *", Effect::Unknown),
            ("bin/rails db:migrate *", Effect::Unknown),
            ("bin/rails runner *", Effect::Unknown),
            ("bundle *", Effect::Unknown),
            ("bundle exec *", Effect::Unknown),
            ("sudo make test", Effect::Unknown),
            ("make deploy", Effect::Unknown),
            ("sh -c 'make test'", Effect::Unknown),
            ("bin/setup", Effect::Unknown),
            ("python *", Effect::Unknown),
            ("git *", Effect::Unknown),
            ("*", Effect::Unknown),
        ] {
            assert_eq!(effect(&pattern.parse().unwrap()), then, "{pattern}");
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
