//! What `git` shows, changes in the work tree, and runs.

use super::{
    arguments::{Argument, Piece},
    effects::{Effects, unclear},
    places::{Change, Look},
};
use crate::boundary::programs;

// Configuration that may be given for one command: it changes what is printed, or who commits.
const HARMLESS: &[&str] = &[
    "advice.",
    "blame.",
    "branch.sort",
    "color.",
    "column.",
    "commit.gpgsign=false",
    "core.abbrev",
    "core.pager=cat",
    "core.quotepath",
    "diff.algorithm",
    "diff.context",
    "diff.colormoved",
    "diff.mnemonicprefix",
    "diff.noprefix",
    "diff.renames",
    "diff.renamelimit",
    "diff.wserrorhighlight",
    "gc.auto=0",
    "grep.",
    "init.defaultbranch",
    "log.",
    "pager.",
    "pull.ff",
    "pull.rebase",
    "status.",
    "tag.gpgsign=false",
    "tag.sort",
    "user.email",
    "user.name",
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
    "check-ignore",
    "commit",
    "count-objects",
    "describe",
    "fetch",
    "for-each-ref",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge-base",
    "name-rev",
    "notes",
    "push",
    "remote",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show-ref",
    "status",
    "tag",
    "var",
    "version",
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

/// Returns what `git` does to files, or the reason why that is not known.
pub(super) fn effects(rest: &[Argument]) -> Result<Effects, String> {
    let valued = programs::options_with_value("git").unwrap_or_default();
    let mut directory = String::new();
    let mut rest = rest;
    let subcommand = loop {
        let Some((first, after)) = rest.split_first() else {
            return Ok(Effects::default());
        };
        let word = first.literal().ok_or_else(|| unclear(first))?;
        if !word.starts_with('-') || word == "--version" || word == "--help" {
            rest = after;
            break word;
        }
        rest = after;
        let takes_next = valued.contains(&word.as_str());
        let value = if takes_next {
            let value = rest
                .first()
                .and_then(Argument::literal)
                .ok_or_else(|| unclear(first))?;
            rest = rest.get(1..).unwrap_or_default();
            value
        } else {
            word.split_once('=')
                .map_or(String::new(), |(_, value)| value.to_owned())
        };
        global(&word, &value, &mut directory)?;
    };
    let mut effects = subcommand_effects(&subcommand, rest)?;
    if !directory.is_empty() {
        for (path, _) in &mut effects.changes {
            below(&directory, path);
        }
        for (path, _) in &mut effects.looks {
            below(&directory, path);
        }
        for path in &mut effects.mentions {
            below(&directory, path);
        }
    }
    Ok(effects)
}

fn global(option: &str, value: &str, directory: &mut String) -> Result<(), String> {
    let name = option.split('=').next().unwrap_or(option);
    match name {
        "-c" => {
            let setting = value.to_ascii_lowercase();
            let harmless = HARMLESS
                .iter()
                .any(|harmless| setting.starts_with(harmless));
            let runs = setting.starts_with("pager.") && !setting.ends_with("=false");
            if harmless && !runs {
                return Ok(());
            }
            Err(format!(
                "sets `{value}` for git, which may change what git runs"
            ))
        }
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

fn below(directory: &str, path: &mut Argument) {
    if !path.prefix().starts_with('/') {
        path.pieces.insert(0, Piece::Text(format!("{directory}/")));
    }
}

fn subcommand_effects(subcommand: &str, rest: &[Argument]) -> Result<Effects, String> {
    let mut effects = Effects::default();
    let runs = || {
        Err(format!(
            "runs another command through `git {subcommand}`; run that command itself"
        ))
    };
    let has = |names: &[&str]| {
        rest.iter()
            .map(Argument::prefix)
            .any(|word| names.iter().any(|name| word.starts_with(name)))
    };
    match subcommand {
        "bisect" if has(&["run"]) => return runs(),
        "submodule" if has(&["foreach"]) => return runs(),
        "filter-branch" | "difftool" | "mergetool" | "send-email" | "daemon" | "shell"
        | "instaweb" => return runs(),
        "rebase" if has(&["-x", "--exec", "-i", "--interactive"]) => return runs(),
        "grep" if has(&["-O", "--open"]) => return runs(),
        "push" if has(&["--receive-pack", "--exec", "ext::"]) => return runs(),
        "clone" | "fetch" | "pull" | "ls-remote" | "archive"
            if has(&["--upload-pack", "--exec", "-u", "ext::", "-c", "--config"]) =>
        {
            return runs();
        }
        "config" => {
            let reads = has(&["--get", "--list", "-l", "--show-", "get", "list"]);
            if !reads {
                effects.change([Argument::text(".git/config")], Change::File);
            }
        }
        "rm" if has(&["--cached"]) => {}
        "rm" => {
            let recursive = has(&["-r"]);
            pathspecs(
                rest,
                if recursive {
                    Change::Tree
                } else {
                    Change::Name
                },
                &mut effects,
            )?;
        }
        "mv" => {
            pathspecs(rest, Change::Tree, &mut effects)?;
            if let Some((target, sources)) = operands(rest)
                .split_last()
                .map(|(target, sources)| (target.clone(), sources.to_vec()))
            {
                moved(&sources, &target, &mut effects);
            }
        }
        "restore" if has(&["--staged", "-S"]) && !has(&["--worktree", "-W", "-SW", "-WS"]) => {}
        "restore" => pathspecs(rest, Change::Tree, &mut effects)?,
        "checkout" if rest.iter().any(|word| word.is("--")) => {
            let paths: Vec<Argument> = rest
                .iter()
                .skip_while(|word| !word.is("--"))
                .skip(1)
                .cloned()
                .collect();
            pathspecs(&paths, Change::Tree, &mut effects)?;
        }
        _ => {}
    }
    if SHOWS.contains(&subcommand) {
        for word in rest {
            shown(word, &mut effects);
        }
        for (word, value) in rest.iter().filter_map(|word| Some((word, word.literal()?))) {
            if value.starts_with("--ou") {
                let path = match value.split_once('=') {
                    Some((option, _)) => word.after(option.len() + 1),
                    None => {
                        return Err(
                            "writes a file that is named by the next word; use a redirection"
                                .to_owned(),
                        );
                    }
                };
                effects.change(path, Change::File);
            }
        }
    } else if !QUIET.contains(&subcommand) {
        effects.mentions.extend(rest.iter().cloned());
    }
    Ok(effects)
}

fn operands(rest: &[Argument]) -> Vec<Argument> {
    let option = |word: &Argument| word.prefix().starts_with('-');
    rest.iter().filter(|word| !option(word)).cloned().collect()
}

fn moved(sources: &[Argument], target: &Argument, effects: &mut Effects) {
    let Some(directory) = target.literal() else {
        return;
    };
    for source in sources.iter().filter_map(Argument::literal) {
        let name = source
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or("")
            .to_owned();
        // Into the directory of that name if there is one; as both must be allowed, it does not matter.
        if directory.ends_with('/') || sources.len() > 1 {
            effects.change(
                [Argument::text(format!(
                    "{}/{name}",
                    directory.trim_end_matches('/')
                ))],
                Change::Tree,
            );
        }
    }
}

// git looks for paths by patterns of its own, also in quoted words.
fn pathspecs(rest: &[Argument], change: Change, effects: &mut Effects) -> Result<(), String> {
    if rest
        .iter()
        .any(|word| word.prefix().starts_with("--pathspec-from"))
    {
        return Err(
            "takes paths from a file, which can't be judged; write them in the line".to_owned(),
        );
    }
    for word in operands(rest) {
        let text = word.prefix();
        if text.starts_with(':')
            || word
                .literal()
                .is_some_and(|text| text.contains(['*', '?', '[']))
        {
            return Err(format!(
                "names paths by the pattern `{}`; write the paths out",
                word.shown
            ));
        }
        effects.change([word], change);
    }
    Ok(())
}

// `HEAD:path`, `path`, and patterns of both.
fn shown(word: &Argument, effects: &mut Effects) {
    let Some(text) = word.literal() else {
        effects.mentions.push(word.clone());
        return;
    };
    effects.mentions.push(word.clone());
    for part in [text.as_str(), text.rsplit([':', ')']).next().unwrap_or("")] {
        if part.contains(['*', '?', '[']) {
            let mut pieces = Vec::new();
            let mut literal = String::new();
            for c in part.chars() {
                if c == '*' || c == '?' || c == '[' {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    // git's `*` crosses slashes.
                    pieces.push(Piece::Glob("{*,*/**/*}".to_owned()));
                    if c == '[' {
                        break;
                    }
                } else {
                    literal.push(c);
                }
            }
            pieces.push(Piece::Text(literal));
            if word.prefix().starts_with('-') {
                continue;
            }
            effects.looks.push((
                Argument {
                    shown: word.shown.clone(),
                    pieces,
                },
                Look::File,
            ));
        } else if part != text {
            effects.mentions.push(Argument::text(part));
        }
    }
}
