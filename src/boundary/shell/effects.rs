//! What common programs do to files, by their arguments.

use super::{
    arguments::Argument,
    changes::Change,
    copies, find, git,
    judge::Indexed,
    looks::Look,
    options::{Options, Use, unclear},
    output,
    places::{Ground, Places},
    readers, sed, within,
};
use crate::boundary::{CommandPattern, programs};

/// What a command does to files, and what it runs.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Paths that it changes.
    pub(super) changes: Vec<(Argument, Change)>,
    /// Paths at which it puts a link, or may put one.
    pub(super) links: Vec<Argument>,
    /// Paths that it shows.
    pub(super) looks: Vec<(Argument, Look)>,
    /// Words that may be paths which it reads.
    pub(super) mentions: Vec<Argument>,
    /// Paths, relative to the root, of which it shows what git has.
    pub(super) history: Vec<Argument>,
    /// Commands that it runs where it runs itself.
    pub(super) commands: Vec<Vec<Argument>>,
    /// Commands that it runs in other directories.
    pub(super) elsewhere: Vec<Vec<Argument>>,
    /// Whether it may do more than is said here.
    pub(super) opaque: bool,
    /// What git may come to track by it.
    pub(super) indexes: Indexed,
    /// Whether it must find no other repository than the project's.
    pub(super) repository: bool,
    /// Where it goes first.
    pub(super) directory: Option<String>,
}

impl Effects {
    pub(super) fn change(&mut self, paths: impl IntoIterator<Item = Argument>, change: Change) {
        self.changes
            .extend(paths.into_iter().map(|path| (path, change)));
    }

    pub(super) fn look(&mut self, paths: impl IntoIterator<Item = Argument>, look: &Look) {
        self.looks
            .extend(paths.into_iter().map(|path| (path, look.clone())));
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
    ground: &Ground<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let mut effects = Effects::default();
    match name {
        "git" => return git::effects(rest, ground, places),
        "sed" | "gsed" => return sed::effects(rest),
        "find" | "gfind" => {
            let expression = find::read(rest)?;
            effects = find::effects(&expression);
            let found = output::found_by(&expression, ground, places);
            for (command, elsewhere) in expression.commands {
                if elsewhere {
                    effects.elsewhere.push(command);
                } else {
                    effects.commands.push(match &found {
                        Some(found) => find::filled(command, found),
                        None => command,
                    });
                }
            }
        }
        "cp" | "mv" | "install" | "ln" | "gcp" | "gmv" => {
            return copies::effects(name.trim_start_matches('g'), rest, ground, places);
        }
        "rm" | "unlink" | "shred" | "rmdir" | "mkdir" | "touch" | "tee" | "truncate" => {
            let parsed = changer(name).parse(rest)?;
            let change = match name {
                "rmdir" | "mkdir" => Change::Directory,
                "rm" if parsed.has(&["r", "d"]) => Change::Tree,
                "rm" | "unlink" => Change::Name,
                _ => Change::File,
            };
            effects.look(parsed.used(Use::Read).cloned(), &Look::File);
            effects.change(parsed.operands, change);
        }
        "mktemp" => mktemp(rest, ground, &mut effects)?,
        "chmod" | "chown" | "chgrp" => modes(rest, &mut effects)?,
        "dd" => {
            for argument in rest {
                let prefix = argument.prefix();
                let value = |name: &str| argument.after(name.len());
                if prefix.starts_with("of=") {
                    effects.change(value("of="), Change::File);
                } else if prefix.starts_with("if=") {
                    effects.look(value("if="), &Look::File);
                } else if argument.literal().is_none() {
                    return Err(unclear(argument));
                }
            }
        }
        _ if readers::is_reader(name) || readers::options(name).is_some() => {
            return readers::effects(name, rest, ground, places);
        }
        _ if BLIND.contains(&name) => {}
        _ => {
            effects.opaque = true;
            effects.mentions.extend(rest.iter().cloned());
            effects.links.extend(unpacked(name, rest));
        }
    }
    Ok(effects)
}

// Programs that put somewhere what an archive or another place holds, and there may be links among it.
const UNPACK: &[&str] = &[
    "7z",
    "7za",
    "7zz",
    "bsdtar",
    "cpio",
    "ditto",
    "gtar",
    "jar",
    "patch",
    "pax",
    "rclone",
    "rsync",
    "tar",
    "unar",
    "unsquashfs",
    "unzip",
];

// Where a program may put what it unpacks: below where it runs, or wherever else a word leads.
fn unpacked(name: &str, rest: &[Argument]) -> Vec<Argument> {
    let extracts = |(at, word): (usize, &Argument)| {
        let text = word.prefix();
        let letters = at == 0 || !text.starts_with("--") && text.starts_with('-');
        word.literal().is_none()
            || letters && text.contains('x')
            || text.starts_with("--ex")
            || text.starts_with("--ge")
    };
    let tar = name.ends_with("tar");
    if !UNPACK.contains(&name) || tar && !rest.iter().enumerate().any(extracts) {
        return Vec::new();
    }
    let elsewhere = |word: &Argument| {
        let Some(text) = word.literal() else {
            return Some(word.clone());
        };
        let start = text.find("..").or_else(|| text.find('/'))?;
        text.get(start..).map(Argument::text)
    };
    let elsewhere = rest.iter().filter_map(elsewhere);
    elsewhere.chain([Argument::text(".")]).collect()
}

/// Returns the words of a command with each option alone in a word and long names in full, so that a
/// pattern for an option finds it however it is written. Nothing where that is not known.
pub(super) fn plain(name: &str, rest: &[Argument]) -> Option<Vec<Argument>> {
    let options = match name {
        "git" => return git::plain(rest),
        "sed" | "gsed" => sed::OPTIONS,
        "cp" | "mv" | "install" | "ln" | "gcp" | "gmv" => {
            copies::options(name.trim_start_matches('g'))
        }
        "rm" | "unlink" | "shred" | "rmdir" | "mkdir" | "touch" | "tee" | "truncate" => {
            changer(name)
        }
        "mktemp" => MKTEMP,
        name => readers::options(name)?,
    };
    Some(options.parse(rest).ok()?.plain)
}

/// Returns the words of a command without those that only say from where it is called, and that directory.
pub(super) fn as_from_there(program: &str, rest: &[Argument]) -> Option<(Vec<Argument>, String)> {
    match programs::base_name(program) {
        "git" => git::as_from_there(rest),
        _ => None,
    }
}

fn changer(name: &str) -> Options {
    match name {
        "rm" => Options::new(
            "f,force i I interactive? r,R,recursive d,dir v,verbose P W x one-file-system preserve-root?",
        ),
        "shred" => Options::new(
            "f,force n,iterations= s,size= u v,verbose x,exact z,zero remove? random-source=<",
        ),
        "rmdir" => Options::new("p,parents v,verbose ignore-fail-on-non-empty"),
        "mkdir" => Options::new("p,parents v,verbose m,mode= Z context?"),
        "touch" => {
            Options::new("a A= c,no-create d,date= f h,no-dereference m r,reference=< t= time=")
        }
        "tee" => Options::new("a,append i,ignore-interrupts p output-error?"),
        "truncate" => Options::new("c,no-create o,io-blocks s,size= r,reference=<"),
        _ => Options::new(""),
    }
}

const MKTEMP: Options = Options::new("d,directory q,quiet u,dry-run p= tmpdir? t suffix=");

// A template is relative to the directory that an option names.
fn mktemp(rest: &[Argument], ground: &Ground<'_>, effects: &mut Effects) -> Result<(), String> {
    let parsed = MKTEMP.parse(rest)?;
    let named = parsed.values(&["p", "tmpdir"]).next().cloned();
    let moved = parsed.has(&["p", "tmpdir", "t"]);
    // Without a template, and where one is asked for, it is a temporary file of the agent's own.
    let directory = match named.filter(|value| !value.is("")) {
        Some(directory) => Some(directory.literal().ok_or_else(|| unclear(&directory))?),
        None if moved || parsed.operands.is_empty() => ground.temporary().map(ToOwned::to_owned),
        None => Some(".".to_owned()),
    };
    let Some(directory) = directory else {
        return Ok(());
    };
    if parsed.operands.is_empty() {
        effects.change([Argument::text(format!("{directory}/tmp"))], Change::File);
    }
    for template in &parsed.operands {
        if template.prefix().starts_with('/') {
            effects.change([template.clone()], Change::File);
            continue;
        }
        let mut path = template.behind(&format!("{}/", directory.trim_end_matches('/')));
        path.shown.clone_from(&template.shown);
        effects.change([path], Change::File);
    }
    Ok(())
}

fn modes(rest: &[Argument], effects: &mut Effects) -> Result<(), String> {
    const OPTIONS: Options = Options::new(
        "c,changes f,silent,quiet v,verbose R,recursive H L! P h,no-dereference n preserve-root \
         no-preserve-root from= reference= dereference",
    );
    // `-x` takes a mode away, and is no option.
    let is_mode = |word: &Argument| {
        let mode = |text: String| {
            text.len() > 1
                && text.starts_with('-')
                && text.chars().skip(1).all(|c| "rwxXstugoa+=,-".contains(c))
                && text != "--"
        };
        word.literal().is_some_and(mode)
    };
    let mode = rest.iter().position(is_mode);
    let mut words = rest.to_vec();
    if let Some(mode) = mode {
        words.remove(mode);
    }
    let parsed = OPTIONS.parse(&words)?;
    let given = mode.is_some() || parsed.has(&["reference"]);
    let change = if parsed.has(&["R"]) {
        Change::Tree
    } else {
        Change::File
    };
    let skip = usize::from(!given);
    effects.change(parsed.operands.into_iter().skip(skip), change);
    Ok(())
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
