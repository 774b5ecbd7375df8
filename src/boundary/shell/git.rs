//! What `git` shows, changes in the work tree, and runs.

use super::{
    Kind,
    arguments::{Argument, Piece},
    changes::Change,
    copies,
    effects::Effects,
    git_options,
    judge::Indexed,
    looks::{Chosen, Look, Selection},
    options::{Parsed, Use, unclear},
    places::{Ground, Place, Places, absolute},
};
use crate::boundary::programs;

// Configuration that may be given for one command: it changes what is printed, or who commits. A name
// that ends in a dot stands for all below it.
const HARMLESS: &[&str] = &[
    "advice.",
    "blame.blankboundary",
    "blame.coloring",
    "blame.date",
    "blame.showemail",
    "blame.showroot",
    "branch.sort",
    "color.",
    "column.",
    "core.abbrev",
    "core.quotepath",
    "core.whitespace",
    "diff.algorithm",
    "diff.colormoved",
    "diff.colormovedws",
    "diff.context",
    "diff.ignoresubmodules",
    "diff.indentheuristic",
    "diff.interhunkcontext",
    "diff.mnemonicprefix",
    "diff.noprefix",
    "diff.relative",
    "diff.renamelimit",
    "diff.renames",
    "diff.statgraphwidth",
    "diff.submodule",
    "diff.wserrorhighlight",
    "fetch.prune",
    "format.pretty",
    "grep.column",
    "grep.extendedregexp",
    "grep.fullname",
    "grep.linenumber",
    "grep.patterntype",
    "grep.threads",
    "i18n.commitencoding",
    "i18n.logoutputencoding",
    "init.defaultbranch",
    "log.abbrevcommit",
    "log.date",
    "log.decorate",
    "log.follow",
    "log.mailmap",
    "log.showroot",
    "merge.conflictstyle",
    "merge.ff",
    "pull.ff",
    "pull.rebase",
    "push.default",
    "rebase.autosquash",
    "rebase.autostash",
    "rerere.enabled",
    "status.branch",
    "status.relativepaths",
    "status.renames",
    "status.short",
    "status.showuntrackedfiles",
    "status.submodulesummary",
    "tag.sort",
    "user.email",
    "user.name",
];

// Configuration that is harmless with this value alone.
const HARMLESS_SO: &[&str] = &[
    "commit.gpgsign=false",
    "core.pager=",
    "core.pager=cat",
    "gc.auto=0",
    "tag.gpgsign=false",
];

// Subcommands that show the content of what their words name.
const SHOWS: &[&str] = &[
    "annotate",
    "archive",
    "blame",
    "cat-file",
    "diff",
    "diff-files",
    "diff-index",
    "diff-tree",
    "format-patch",
    "grep",
    "log",
    "range-diff",
    "reflog",
    "show",
    "stash",
    "whatchanged",
];

// Subcommands that neither show nor change files of the work tree.
const QUIET: &[&str] = &[
    "--version",
    "add",
    "branch",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "cherry",
    "commit",
    "commit-tree",
    "count-objects",
    "describe",
    "fetch",
    "for-each-ref",
    "fsck",
    "gc",
    "hash-object",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge-base",
    "name-rev",
    "notes",
    "pack-refs",
    "push",
    "remote",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show-branch",
    "show-ref",
    "stage",
    "status",
    "symbolic-ref",
    "tag",
    "update-ref",
    "var",
    "verify-commit",
    "verify-tag",
    "version",
    "write-tree",
];

// Subcommands that run what is configured, or what their words name.
const RUNS: &[&str] = &[
    "archimport",
    "citool",
    "credential",
    "credential-cache",
    "credential-store",
    "cvsexportcommit",
    "cvsimport",
    "cvsserver",
    "daemon",
    "difftool",
    "filter-branch",
    "filter-repo",
    "for-each-repo",
    "gitk",
    "gui",
    "help",
    "hook",
    "http-backend",
    "imap-send",
    "instaweb",
    "maintenance",
    "merge-index",
    "merge-one-file",
    "mergetool",
    "p4",
    "quiltimport",
    "remote-ext",
    "remote-fd",
    "request-pull",
    "scalar",
    "send-email",
    "shell",
    "svn",
    "web--browse",
];

// Subcommands of git's own inner works that write files, or speak to a program that an option names.
const INNER: &[&str] = &[
    "bugreport",
    "checkout-index",
    "diagnose",
    "fast-export",
    "fast-import",
    "fetch-pack",
    "http-fetch",
    "http-push",
    "index-pack",
    "mailinfo",
    "mailsplit",
    "merge-file",
    "multi-pack-index",
    "pack-objects",
    "read-tree",
    "receive-pack",
    "repack",
    "send-pack",
    "submodule--helper",
    "unpack-file",
    "unpack-objects",
    "upload-archive",
    "upload-pack",
];

// Of all these, the subcommands that may speak to a host.
const SPEAKS: &[&str] = &["archive", "fetch", "ls-remote", "push"];

/// Returns whether the effect of a subcommand on files is known here, given the word after it.
pub(super) fn is_known(subcommand: Option<&str>, next: Option<&str>) -> bool {
    match subcommand {
        Some("stash") => matches!(next, Some("list" | "show")),
        Some("worktree") => next == Some("list"),
        Some("mv" | "rm" | "restore") => true,
        Some(subcommand) => SHOWS.contains(&subcommand) || QUIET.contains(&subcommand),
        None => false,
    }
}

/// Returns whether a subcommand whose effect on files is known may speak to a host, given the word
/// after it: an empty one where nothing stands there.
pub(super) fn speaks(subcommand: Option<&str>, next: Option<&str>) -> bool {
    match subcommand {
        Some("remote") => !matches!(next, Some("" | "-v" | "get-url")),
        Some(subcommand) => SPEAKS.contains(&subcommand),
        None => false,
    }
}

// The words of a call: what stands before the subcommand, and what behind it.
struct Call<'w> {
    directory: String,
    before: &'w [Argument],
    subcommand: String,
    rest: &'w [Argument],
}

impl Call<'_> {
    // Nothing if there is no subcommand.
    fn read(words: &[Argument]) -> Result<Option<Call<'_>>, String> {
        let valued = programs::options_with_value("git").unwrap_or_default();
        let mut directory = String::new();
        let mut at = 0;
        loop {
            let Some(first) = words.get(at) else {
                return Ok(None);
            };
            let word = first.literal().ok_or_else(|| unclear(first))?;
            let before = words.get(..at).unwrap_or_default();
            at += 1;
            if !word.starts_with('-') || word == "--version" || word == "--help" {
                return Ok(Some(Call {
                    directory,
                    before,
                    subcommand: word,
                    rest: words.get(at..).unwrap_or_default(),
                }));
            }
            let value = if valued.contains(&word.as_str()) {
                let value = words.get(at).and_then(Argument::literal);
                at += 1;
                value.ok_or_else(|| unclear(first))?
            } else {
                word.split_once('=')
                    .map_or(String::new(), |(_, value)| value.to_owned())
            };
            global(&word, &value, &mut directory)?;
        }
    }

    fn parsed(&self) -> Result<Option<Parsed>, String> {
        let options = git_options::options(&self.subcommand);
        options.map(|options| options.parse(self.rest)).transpose()
    }
}

/// Returns the words of a call with each option alone in a word and long names in full; nothing where
/// that is not known.
pub(super) fn plain(rest: &[Argument]) -> Option<Vec<Argument>> {
    let call = Call::read(rest).ok()??;
    let parsed = call.parsed().ok()??;
    let subcommand = Argument::text(&call.subcommand);
    let before = call.before.iter().cloned();
    Some(before.chain([subcommand]).chain(parsed.plain).collect())
}

/// Returns the words of a call behind its subcommand, if it has no options before it.
pub(super) fn after_subcommand<'w>(
    rest: &'w [Argument],
    subcommand: &str,
) -> Option<&'w [Argument]> {
    let (first, rest) = rest.split_first()?;
    first.is(subcommand).then_some(rest)
}

/// Returns a call without the options that only say from where it is made, and that directory; nothing if
/// it has none.
pub(super) fn as_from_there(rest: &[Argument]) -> Option<(Vec<Argument>, String)> {
    let call = Call::read(rest).ok()??;
    if call.directory.is_empty() {
        return None;
    }
    let mut before = call.before.iter();
    let mut words = Vec::new();
    while let Some(word) = before.next() {
        if word.is("-C") {
            before.next();
        } else {
            words.push(word.clone());
        }
    }
    words.push(Argument::text(&call.subcommand));
    words.extend_from_slice(call.rest);
    Some((words, call.directory))
}

/// Returns what `git` does to files, or the reason why that is not known.
pub(super) fn effects(
    rest: &[Argument],
    ground: &Ground<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let Some(call) = Call::read(rest)? else {
        return Ok(Effects::default());
    };
    let directory = Some(call.directory.clone()).filter(|directory| !directory.is_empty());
    let places = match &directory {
        Some(directory) => &ground.moved(directory, true, places),
        None => places,
    };
    let parsed = call.parsed()?;
    let mut effects = Effects {
        repository: !matches!(
            call.subcommand.as_str(),
            "--version" | "version" | "clone" | "init"
        ),
        directory,
        ..Effects::default()
    };
    if let Some(parsed) = &parsed {
        effects.look(parsed.used(Use::Read).cloned(), &Look::File);
        effects.change(parsed.used(Use::Write).cloned(), Change::File);
    }
    let subject = Subject {
        name: &call.subcommand,
        rest: call.rest,
        literal: call
            .before
            .iter()
            .any(|word| word.is("--literal-pathspecs")),
        parsed: parsed.unwrap_or_default(),
        ground,
        places,
    };
    subject.effects(&mut effects)?;
    Ok(effects)
}

fn global(option: &str, value: &str, directory: &mut String) -> Result<(), String> {
    let name = option.split('=').next().unwrap_or(option);
    match name {
        "-c" if is_harmless(value) => Ok(()),
        "-c" => Err(format!(
            "sets `{value}` for git, which may change what git runs"
        )),
        "-C" => {
            if value.starts_with('/') || directory.is_empty() {
                value.clone_into(directory);
            } else {
                *directory = format!("{directory}/{value}");
            }
            Ok(())
        }
        "--no-pager"
        | "-P"
        | "--no-optional-locks"
        | "--literal-pathspecs"
        | "--no-replace-objects"
        | "--no-advice" => Ok(()),
        _ => Err(format!(
            "has the option `{option}`, which changes what repository or program git uses"
        )),
    }
}

fn is_harmless(setting: &str) -> bool {
    let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
    let key = key.to_ascii_lowercase();
    let named = |harmless: &&str| match harmless.strip_suffix('.') {
        Some(section) => key
            .strip_prefix(section)
            .is_some_and(|rest| rest.starts_with('.')),
        None => key == **harmless,
    };
    let unpaged = key.starts_with("pager.") && matches!(value, "false" | "no" | "off" | "0");
    unpaged
        || HARMLESS.iter().any(named)
        || HARMLESS_SO.contains(&format!("{key}={value}").as_str())
}

// A subcommand with its words.
struct Subject<'a> {
    name: &'a str,
    rest: &'a [Argument],
    // Whether its paths are no patterns.
    literal: bool,
    parsed: Parsed,
    ground: &'a Ground<'a>,
    places: &'a Places,
}

impl Subject<'_> {
    fn runs(&self) -> String {
        format!(
            "runs another command through `git {}`; run that command itself",
            self.name
        )
    }

    // The word that says what a subcommand with subcommands of its own does.
    fn verb(&self) -> Result<Option<String>, String> {
        match self.rest.first() {
            Some(first) => match first.literal() {
                Some(verb) => Ok(Some(verb)),
                None => Err(unclear(first)),
            },
            None => Ok(None),
        }
    }

    fn effects(&self, effects: &mut Effects) -> Result<(), String> {
        let parsed = &self.parsed;
        let has = |names: &[&str]| parsed.has(names);
        if RUNS.contains(&self.name) {
            return Err(self.runs());
        }
        if INNER.contains(&self.name) {
            return Err(format!(
                "is `git {}`, a part of git's inner works that is not looked into",
                self.name
            ));
        }
        if self
            .rest
            .iter()
            .any(|word| word.prefix().starts_with("ext::"))
        {
            return Err(self.runs());
        }
        if self.shows_hunks() {
            self.shows_all(self.left_out(), effects);
        }
        match self.name {
            "add" | "stage" => {
                effects.indexes = if has(&["f", "pathspec-from-file"]) {
                    Indexed::Anything
                } else if has(&["u"]) || self.are_files(&parsed.operands) {
                    Indexed::Nothing
                } else {
                    Indexed::Addable
                };
                // What is added is shown by whatever shows the index.
                effects.mentions.extend(parsed.operands.iter().cloned());
                if has(&["f"]) {
                    effects.look(parsed.operands.iter().cloned(), &Look::Tree);
                }
            }
            "update-index" => {
                effects.indexes = Indexed::Anything;
                effects.mentions.extend(self.rest.iter().cloned());
            }
            "apply" => {
                self.opaque(effects);
                effects.look(parsed.operands.iter().cloned(), &Look::File);
            }
            "bisect" => match self.verb()?.as_deref() {
                Some("run" | "view" | "visualize") => return Err(self.runs()),
                verb => {
                    if verb == Some("replay") {
                        effects.look(self.rest.get(1).cloned(), &Look::File);
                    }
                    self.opaque(effects);
                }
            },
            "bundle" => match self.verb()?.as_deref() {
                Some("create") => {
                    let named = self.rest.iter().skip(1);
                    let mut named = named.filter(|word| !word.prefix().starts_with('-'));
                    effects.change(named.next().cloned(), Change::File);
                }
                _ => effects.look(self.rest.iter().skip(1).cloned(), &Look::File),
            },
            "checkout" => self.checkout(effects)?,
            "clean" => {
                if !has(&["n"]) {
                    let mut paths = parsed.operands.clone();
                    if paths.is_empty() {
                        paths.push(Argument::text("."));
                    }
                    Self::pathspecs(&paths, Change::Tree, effects)?;
                }
            }
            "clone" => {
                let named = match parsed.operands.as_slice() {
                    [source] => {
                        let source = source.literal().ok_or_else(|| unclear(source))?;
                        let name = source.trim_end_matches('/').trim_end_matches(".git");
                        let name = name.rsplit(['/', ':']).next().unwrap_or_default();
                        Argument::text(name)
                    }
                    [_, directory] => directory.clone(),
                    _ => return Ok(()),
                };
                effects.links.push(named.clone());
                effects.change([named], Change::Anything);
            }
            "config" => self.config(effects),
            "init" => {
                let here = Argument::text(".");
                let directory = parsed.operands.first().unwrap_or(&here);
                effects.change([directory.clone()], Change::Anything);
            }
            "mv" => {
                effects.indexes = Indexed::Anything;
                Self::plain_paths(&parsed.operands)?;
                if !has(&["n"]) {
                    let moved = copies::effects("mv", &parsed.operands, self.ground, self.places)?;
                    effects.changes.extend(moved.changes);
                    effects.looks.extend(moved.looks);
                    effects.links.extend(moved.links);
                }
            }
            "restore" => {
                effects.indexes = Indexed::Anything;
                if !has(&["S"]) || has(&["W"]) {
                    self.brought_back(&parsed.operands, effects)?;
                }
            }
            "rm" => {
                effects.indexes = Indexed::Anything;
                let change = if has(&["r"]) {
                    Change::Tree
                } else {
                    Change::Name
                };
                if !has(&["cached", "n"]) {
                    Self::pathspecs(&parsed.operands, change, effects)?;
                }
            }
            "stash" => match self.verb()?.as_deref() {
                Some("list" | "show") => self.shows(effects)?,
                _ => self.opaque(effects),
            },
            "submodule" => match self
                .rest
                .iter()
                .find(|word| !word.prefix().starts_with('-'))
            {
                Some(verb) if verb.literal().is_none() => return Err(unclear(verb)),
                Some(verb) if verb.is("foreach") => return Err(self.runs()),
                Some(_) | None => self.opaque(effects),
            },
            "worktree" => match self.verb()?.as_deref() {
                Some("list" | "lock" | "prune" | "unlock") => {}
                _ => {
                    let named = parsed.operands.get(1..).unwrap_or_default();
                    let named = if self.rest.first().is_some_and(|verb| verb.is("add")) {
                        named.get(..1).unwrap_or_default()
                    } else {
                        named
                    };
                    effects.links.extend(named.iter().cloned());
                    effects.change(named.iter().cloned(), Change::Anything);
                }
            },
            "format-patch" => {
                let directory = parsed.values(&["o"]).last().cloned();
                if !has(&["stdout"]) {
                    let directory = directory.unwrap_or_else(|| Argument::text("."));
                    let odd = has(&["suffix", "numbered-files", "filename-max-length"]);
                    let change = if odd {
                        Change::Anything
                    } else {
                        Change::Patches
                    };
                    effects.change([directory], change);
                }
                self.shows(effects)?;
            }
            "grep" => self.grep(effects)?,
            "blame" | "annotate" => {
                self.shows(effects)?;
                effects.look(parsed.operands.last().cloned(), &Look::File);
            }
            "hash-object" => effects.look(parsed.operands.iter().cloned(), &Look::File),
            name if SHOWS.contains(&name) => self.shows(effects)?,
            name if QUIET.contains(&name) => {}
            _ => self.opaque(effects),
        }
        Ok(())
    }

    // Whether the words name files, and no pattern of git's and no directory.
    fn are_files(&self, words: &[Argument]) -> bool {
        let file = |word: &Argument| {
            let paths = word
                .literal()
                .map(|path| Ground::absolutes(&path, self.places));
            let mut paths = paths.into_iter().flatten().peekable();
            let kind = |path: Option<String>| path.map(|path| self.ground.kind(&path));
            paths.peek().is_some() && paths.all(|path| kind(path).is_some_and(Kind::is_file))
        };
        !words.is_empty() && words.iter().all(file) && Self::plain_paths(words).is_ok()
    }

    fn opaque(&self, effects: &mut Effects) {
        effects.opaque = true;
        effects.indexes = Indexed::Anything;
        if !self.leaves_the_tree() {
            effects.links.push(Argument::text(self.ground.root()));
        }
        effects.mentions.extend(self.rest.iter().cloned());
    }

    // Whether nothing comes into the work tree, where links might be among it.
    fn leaves_the_tree(&self) -> bool {
        let has = |names: &[&str]| self.parsed.has(names);
        let first = self.rest.first().and_then(Argument::literal);
        let bare = self.parsed.operands.is_empty();
        match self.name {
            // A new branch from where one is.
            "checkout" => bare,
            "switch" => bare && has(&["c", "C"]),
            "reset" => !has(&["hard", "merge", "keep"]),
            "stash" => matches!(
                first.as_deref(),
                Some("clear" | "create" | "drop" | "store")
            ),
            "bisect" => matches!(first.as_deref(), Some("log" | "terms")),
            "submodule" => matches!(first.as_deref(), None | Some("status" | "summary")),
            "rerere" | "replace" | "prune" | "stripspace" => true,
            _ => false,
        }
    }

    // git looks for paths by patterns of its own, also in quoted words.
    fn plain_paths(paths: &[Argument]) -> Result<(), String> {
        let pattern = |word: &&Argument| {
            let globs = |text: String| text.contains(['*', '?', '[']);
            word.prefix().starts_with(':') || word.literal().is_some_and(globs)
        };
        match paths.iter().find(pattern) {
            Some(word) => Err(format!(
                "names paths by the pattern `{}`; write the paths out",
                word.shown
            )),
            None => Ok(()),
        }
    }

    fn pathspecs(paths: &[Argument], change: Change, effects: &mut Effects) -> Result<(), String> {
        Self::plain_paths(paths)?;
        effects.change(paths.iter().cloned(), change);
        Ok(())
    }

    // Files that get another content, of which nobody knows whether they are links in it.
    fn brought_back(&self, paths: &[Argument], effects: &mut Effects) -> Result<(), String> {
        Self::pathspecs(paths, Change::Restored, effects)?;
        effects.links.extend(paths.iter().cloned());
        for path in paths
            .iter()
            .filter_map(|path| Some((path, path.literal()?)))
        {
            let (path, text) = path;
            for place in Ground::absolutes(&text, self.places).into_iter().flatten() {
                let inner = self.ground.tracked_below(&place).unwrap_or_default();
                effects.change(
                    inner.into_iter().map(|inner| Argument {
                        shown: path.shown.clone(),
                        pieces: vec![Piece::Text(format!("{place}/{inner}"))],
                    }),
                    Change::Restored,
                );
            }
        }
        Ok(())
    }

    fn checkout(&self, effects: &mut Effects) -> Result<(), String> {
        let parsed = &self.parsed;
        self.opaque(effects);
        let operands = parsed.operands.as_slice();
        let paths = match parsed.before_dashes {
            Some(before) => operands.get(before..).unwrap_or_default(),
            None if parsed.has(&["b", "B", "orphan"]) => &[],
            None => match operands {
                [first, ..] if self.is_path(first) => operands,
                [_, paths @ ..] => paths,
                [] => &[],
            },
        };
        if !paths.is_empty() {
            effects.opaque = false;
            effects.links.clear();
            self.brought_back(paths, effects)?;
        }
        Ok(())
    }

    fn config(&self, effects: &mut Effects) {
        let parsed = &self.parsed;
        let verb = parsed.operands.first().and_then(Argument::literal);
        let reads = parsed.has(&[
            "get",
            "get-all",
            "get-regexp",
            "get-urlmatch",
            "get-color",
            "get-colorbool",
            "l",
        ]) || matches!(verb.as_deref(), Some("get" | "list"));
        let only_named = parsed.operands.len() == 1
            && !matches!(
                verb.as_deref(),
                Some("set" | "unset" | "rename-section" | "remove-section" | "edit")
            );
        let changes = parsed.has(&[
            "replace-all",
            "add",
            "unset",
            "unset-all",
            "rename-section",
            "remove-section",
            "e",
            "append",
        ]);
        let file = parsed.values(&["f"]).next().cloned();
        if (reads || only_named) && !changes {
            effects.look(file, &Look::File);
            return;
        }
        let home = parsed.has(&["global", "system"]);
        let own = if home {
            "/etc/gitconfig"
        } else {
            ".git/config"
        };
        effects.change([file.unwrap_or_else(|| Argument::text(own))], Change::File);
    }

    // Whether a word without `--` before it is a path to git.
    fn is_path(&self, word: &Argument) -> bool {
        let Some(text) = word.literal() else {
            return word.has_globs();
        };
        let there = |path: Option<String>| {
            let kind = path.map(|path| self.ground.kind(&path));
            matches!(kind, Some(Kind::File | Kind::Linked | Kind::Directory))
        };
        let mut named = Ground::absolutes(&text, self.places).into_iter();
        text.starts_with('/') || text.starts_with("../") || text == "." || named.any(there)
    }

    // Whether more is shown of a file than its name.
    fn shows_content(&self) -> bool {
        let parsed = &self.parsed;
        let patch = parsed.has(&[
            "p",
            "U",
            "W",
            "L",
            "c",
            "cc",
            "word-diff",
            "word-diff-regex",
            "color-words",
            "patch-with-raw",
            "patch-with-stat",
            "remerge-diff",
            "diff-merges",
            "binary",
        ]);
        let names = parsed.has(&[
            "name-only",
            "name-status",
            "numstat",
            "raw",
            "s",
            "shortstat",
            "stat",
            "summary",
            "compact-summary",
            "X",
            "dirstat-by-file",
            "quiet",
        ]);
        match self.name {
            "log" | "whatchanged" | "reflog" | "diff-tree" | "diff-files" | "diff-index" => patch,
            "stash" => patch && !names,
            "show" | "diff" | "range-diff" => patch || !names,
            _ => true,
        }
    }

    // What the words of a subcommand name that shows content.
    fn shows(&self, effects: &mut Effects) -> Result<(), String> {
        let parsed = &self.parsed;
        let hides = self.ground.hides_files();
        let content = self.shows_content();
        if self.name == "cat-file" && hides {
            if parsed.has(&["batch", "batch-command"]) {
                return Err("shows what its input names, which the line does not show".to_owned());
            }
            let id = |word: &Argument| {
                let id = |text: String| {
                    text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                };
                word.literal().is_none_or(id)
            };
            let whole = parsed.has(&["p", "textconv", "filters"])
                || parsed.operands.first().is_some_and(|kind| kind.is("blob"));
            if let Some(word) = parsed.operands.iter().find(|word| whole && id(word)) {
                return Err(format!(
                    "shows `{}`, and nobody knows what file that is; name it `REVISION:path`",
                    word.shown
                ));
            }
        }
        for range in parsed.values(&["L"]) {
            let file = range.literal().and_then(|range| {
                let (_, file) = range.rsplit_once(':')?;
                Some(file.to_owned())
            });
            effects.look(
                file.map(Argument::text),
                &Look::History(Selection::default()),
            );
        }
        let before = parsed.before_dashes.unwrap_or(usize::MAX);
        let left_out = self.left_out();
        let mut paths = 0;
        // Files of a commit, where nothing else is shown.
        let mut named = parsed
            .operands
            .iter()
            .filter(|word| !is_exclusion(word))
            .peekable();
        let files = named.peek().is_some()
            && named.all(|word| word.literal().is_some_and(|text| text.contains(':')));
        for (at, word) in parsed.operands.iter().enumerate() {
            let dashed = at >= before;
            if word.literal().is_none() && !word.has_globs() {
                let text = word.prefix();
                if hides && (dashed || !word.is_revision() || text.contains(':')) {
                    return Err(format!(
                        "has the word `{}`, which might name what may not be read",
                        word.shown
                    ));
                }
                continue;
            }
            self.named(word, dashed, content, &left_out, effects);
            if !is_exclusion(word) {
                paths += usize::from(dashed || self.is_path(word));
            }
        }
        if self.name == "archive" && paths == 0 && hides {
            effects.look([Argument::text(".")], &Look::History(Selection::default()));
        } else if paths == 0 && content && !files && !parsed.has(&["L", "no-index"]) {
            self.shows_all(left_out, effects);
        }
        Ok(())
    }

    // What is shown where no path is named: all that git tracks.
    fn shows_all(&self, left_out: Vec<String>, effects: &mut Effects) {
        if !self.ground.hides_files() || !self.ground.looks() {
            return;
        }
        let mut all = Argument::text(self.ground.root());
        all.shown = format!("git {}", self.name);
        let selection = Selection {
            left_out,
            ..Selection::default()
        };
        effects.look([all], &Look::Tracked(selection));
    }

    // Whether it shows what it does with files, hunk by hunk.
    fn shows_hunks(&self) -> bool {
        let has = |names: &[&str]| self.parsed.has(names);
        match self.name {
            "add" | "checkout" | "commit" | "reset" | "restore" | "stage" | "stash" => {
                has(&["p", "i", "interactive", "v"]) && (self.name == "commit" || !has(&["v"]))
            }
            "status" => has(&["v"]),
            _ => false,
        }
    }

    // The paths, relative to the root, that words such as `:!path` leave out.
    fn left_out(&self) -> Vec<String> {
        if self.literal {
            return Vec::new();
        }
        let mut places = self.places.iter();
        let (Some(Place::At(directory)), None) = (places.next(), places.next()) else {
            return Vec::new();
        };
        let path = |word: &Argument| {
            let text = word.literal()?;
            let path = EXCLUDES.iter().find_map(|mark| text.strip_prefix(mark))?;
            let plain = !path.is_empty() && !path.contains(['*', '?', '[', '\\', ':', '(']);
            plain.then(|| self.ground.inside(&absolute(directory, path)))?
        };
        self.parsed.operands.iter().filter_map(path).collect()
    }

    // `HEAD:path`, `path`, and patterns of both.
    fn named(
        &self,
        word: &Argument,
        dashed: bool,
        content: bool,
        left_out: &[String],
        effects: &mut Effects,
    ) {
        if is_exclusion(word) {
            return;
        }
        effects.mentions.push(word.clone());
        let Some(text) = word.literal() else {
            effects.look([word.clone()], &Look::File);
            return;
        };
        for (at, _) in text.match_indices([':', ')']) {
            let part = text.get(at + 1..).unwrap_or_default();
            effects.mentions.push(Argument::text(part));
            effects.history.push(Argument::text(part));
        }
        let part = text.rsplit([':', ')']).next().unwrap_or_default();
        if part.contains(['*', '?', '[']) {
            if self.ground.looks() {
                if content {
                    let here = Selection {
                        chosen: vec![chosen(part)],
                        left_out: left_out.to_vec(),
                    };
                    effects.look([Argument::text(".")], &Look::History(here));
                }
                return;
            }
            effects.looks.push((pattern(word, part), Look::File));
        } else if self.parsed.has(&["no-index"]) {
            effects.look([word.clone()], &Look::Tree);
        } else if content && (dashed && !text.starts_with(':') || self.is_path(word)) {
            let selection = Selection {
                left_out: left_out.to_vec(),
                ..Selection::default()
            };
            let root = Some(self.ground.root());
            let mut named = Ground::absolutes(&text, self.places).into_iter();
            // The root is as good as no path.
            let look = if self.ground.looks() && named.all(|path| path == root) {
                Look::Tracked(selection)
            } else {
                Look::History(selection)
            };
            effects.look([word.clone()], &look);
        }
    }

    fn grep(&self, effects: &mut Effects) -> Result<(), String> {
        let parsed = &self.parsed;
        let mut operands = parsed.operands.iter().enumerate();
        let given = parsed.has(&["e", "f"]);
        let dashes = parsed.before_dashes.unwrap_or(usize::MAX);
        let anywhere = parsed.has(&["no-index", "untracked"]);
        let left_out = self.left_out();
        let mut paths = Vec::new();
        if !given {
            operands.next();
        }
        for (at, word) in operands {
            if word.is("(") || word.is(")") {
                continue;
            }
            let Some(text) = word.literal() else {
                if self.ground.hides_files() && !(at < dashes && word.is_revision()) {
                    return Err(format!(
                        "has the word `{}`, which might name what may not be read",
                        word.shown
                    ));
                }
                if word.has_globs() {
                    paths.push((word.clone(), Vec::new()));
                }
                continue;
            };
            if is_exclusion(word) {
                continue;
            }
            effects.mentions.push(word.clone());
            for (colon, _) in text.match_indices(':') {
                effects
                    .history
                    .push(Argument::text(text.get(colon + 1..).unwrap_or_default()));
            }
            if at < dashes && !self.is_path(word) {
                continue;
            }
            if text.contains(['*', '?', '[']) {
                paths.push((Argument::text("."), vec![chosen(&text)]));
            } else if text.starts_with(':') {
                paths.push((Argument::text("."), vec![Chosen::default()]));
            } else {
                paths.push((word.clone(), Vec::new()));
            }
        }
        if paths.is_empty() && self.ground.looks() {
            paths.push((Argument::text("."), Vec::new()));
        }
        for (path, chosen) in paths {
            let look = match (anywhere, chosen.is_empty()) {
                (true, true) => Look::Tree,
                (true, false) => Look::Chosen(chosen),
                (false, _) => Look::Tracked(Selection {
                    chosen,
                    left_out: left_out.clone(),
                }),
            };
            effects.look([path], &look);
        }
        Ok(())
    }
}

// How a path begins that is left out.
const EXCLUDES: &[&str] = &[":!", ":^", ":(exclude)"];

fn is_exclusion(word: &Argument) -> bool {
    let start = word.prefix();
    EXCLUDES.iter().any(|mark| start.starts_with(mark))
}

// The files that a pattern of git's names: its `*` crosses slashes.
fn chosen(pattern: &str) -> Chosen {
    let wild = ['*', '?', '[', ']', '\\'];
    let start = pattern.find(wild).and_then(|at| pattern.get(..at));
    let end = pattern.rfind(wild).and_then(|at| pattern.get(at + 1..));
    Chosen {
        // What is excluded, or begins elsewhere, may be anything here.
        start: start
            .filter(|start| !start.starts_with(':'))
            .unwrap_or_default()
            .to_owned(),
        end: end.unwrap_or_default().to_owned(),
    }
}

// The same where nobody looks, as a word of the shell's.
fn pattern(word: &Argument, part: &str) -> Argument {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    for c in part.chars() {
        if c == '*' || c == '?' || c == '[' {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
            pieces.push(Piece::Glob("{*,*/**/*}".to_owned()));
            if c == '[' {
                break;
            }
        } else {
            literal.push(c);
        }
    }
    pieces.push(Piece::Text(literal));
    Argument {
        shown: word.shown.clone(),
        pieces,
    }
}
