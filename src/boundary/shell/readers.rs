//! Programs that show the content of files, and which of their words are files.

use super::{
    arguments::{Argument, Options},
    effects::Effects,
    places::{Change, Look},
};

// Every operand is a file.
const PLAIN: &[&str] = &[
    "ag",
    "b2sum",
    "base32",
    "base64",
    "bat",
    "cat",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cut",
    "diff",
    "expand",
    "file",
    "fmt",
    "fold",
    "head",
    "hexdump",
    "iconv",
    "join",
    "less",
    "md5sum",
    "more",
    "nl",
    "od",
    "paste",
    "pr",
    "rev",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shasum",
    "sort",
    "strings",
    "sum",
    "tac",
    "tail",
    "tr",
    "tsort",
    "unexpand",
    "uniq",
    "wc",
    "xxd",
    "zcat",
];

// The first operand is a pattern or a program, unless an option gives it.
const WITH_PATTERN: &[&str] = &["egrep", "fgrep", "grep", "jq", "rg", "yq", "zgrep", "ack"];

/// Returns whether the program, by its base name, shows files.
pub(super) fn is_reader(name: &str) -> bool {
    PLAIN.contains(&name) || WITH_PATTERN.contains(&name)
}

/// Returns what a reader looks at, and what it may write.
pub(super) fn effects(name: &str, rest: &[Argument]) -> Result<Effects, String> {
    let mut effects = match name {
        "sort" => sort(rest)?,
        "uniq" | "xxd" => second_is_written(name, rest)?,
        _ => Effects::default(),
    };
    if name == "tr" {
        return Ok(effects);
    }
    let recursion = recursion(name, rest);
    let mut pattern = WITH_PATTERN.contains(&name) && !gives_pattern(name, rest);
    let mut only_operands = false;
    let mut operands = 0usize;
    for argument in rest {
        let prefix = argument.prefix();
        if !only_operands && prefix.starts_with('-') && prefix != "-" {
            if argument.is("--") {
                only_operands = true;
            }
            // A value may be a file: `-ffile`, `--file=file`.
            let attached = match (prefix.strip_prefix("--"), prefix.split_once('=')) {
                (Some(_), Some((option, _))) => argument.after(option.len() + 1),
                (Some(_), None) => None,
                (None, _) => argument.after(2.min(prefix.len())),
            };
            effects.mentions.extend(attached);
            continue;
        }
        if pattern {
            pattern = false;
            continue;
        }
        operands += 1;
        effects.look([argument.clone()], recursion.unwrap_or(Look::File));
    }
    if let Some(look) = recursion
        && operands == 0
    {
        effects.look([Argument::text(".")], look);
    }
    Ok(effects)
}

// How a program reads a directory, if it does.
fn recursion(name: &str, rest: &[Argument]) -> Option<Look> {
    let short = |flags: &str| {
        rest.iter().map(Argument::prefix).any(|word| {
            word.starts_with('-') && !word.starts_with("--") && word.contains(|c| flags.contains(c))
        })
    };
    let long = |names: &[&str]| {
        rest.iter()
            .map(Argument::prefix)
            .any(|word| names.iter().any(|name| word.starts_with(name)))
    };
    match name {
        "rg" if short("u.") || long(&["--hidden", "--unrestricted", "--no-ignore"]) => {
            Some(Look::Tree)
        }
        "rg" if long(&["--files", "--type-list"]) => None,
        "rg" => Some(Look::Visible),
        "ag" | "ack" => Some(Look::Tree),
        "grep" | "egrep" | "fgrep" | "zgrep"
            if short("rRd") || long(&["--rec", "--deref", "--dir"]) =>
        {
            Some(Look::Tree)
        }
        "diff" if short("r") || long(&["--rec"]) => Some(Look::Tree),
        _ => None,
    }
}

fn gives_pattern(name: &str, rest: &[Argument]) -> bool {
    let flags: &[char] = if name == "jq" || name == "yq" {
        &['f']
    } else {
        &['e', 'f']
    };
    rest.iter().map(Argument::prefix).any(|word| {
        let cluster = word.starts_with('-') && !word.starts_with("--");
        cluster && word.ends_with(flags)
            || [
                "--regexp",
                "--file",
                "--from-file",
                "--files",
                "--type-list",
            ]
            .iter()
            .any(|long| word.starts_with(long))
    })
}

fn sort(rest: &[Argument]) -> Result<Effects, String> {
    let options = Options {
        flags: "bdfgiMhnRrVcCmsuz",
        valued: "koStT",
        long: &[
            "check",
            "debug",
            "dictionary-order",
            "general-numeric-sort",
            "human-numeric-sort",
            "ignore-case",
            "ignore-leading-blanks",
            "ignore-nonprinting",
            "merge",
            "month-sort",
            "numeric-sort",
            "random-sort",
            "reverse",
            "stable",
            "unique",
            "version-sort",
            "zero-terminated",
        ],
        long_valued: &[
            "batch-size",
            "buffer-size",
            "field-separator",
            "key",
            "output",
            "parallel",
            "sort",
            "temporary-directory",
        ],
    };
    let parsed = options.parse(rest)?;
    let mut effects = Effects::default();
    effects.change(parsed.values(&["o", "output"]).cloned(), Change::File);
    effects.change(
        parsed.values(&["T", "temporary-directory"]).cloned(),
        Change::Anything,
    );
    Ok(effects)
}

fn second_is_written(name: &str, rest: &[Argument]) -> Result<Effects, String> {
    let options = match name {
        "uniq" => Options {
            flags: "cdDuiz",
            valued: "fsw",
            long: &[
                "count",
                "repeated",
                "all-repeated",
                "group",
                "ignore-case",
                "unique",
                "zero-terminated",
            ],
            long_valued: &["skip-fields", "skip-chars", "check-chars"],
        },
        _ => Options {
            flags: "abCeEipruv",
            valued: "cglnos",
            long: &[],
            long_valued: &[],
        },
    };
    let parsed = options.parse(rest)?;
    let mut effects = Effects::default();
    effects.change(parsed.operands.get(1).cloned(), Change::File);
    Ok(effects)
}
