//! Programs that put files elsewhere: where their content comes from, and every path that it may get.

use super::{
    Kind, Scope,
    arguments::{Argument, Options, Parsed, Piece},
    effects::Effects,
    places::{Change, Look, Place, Places, absolute},
};

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

/// Returns what `cp`, `mv`, `ln`, and `install` do to files.
pub(super) fn effects(
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
            } else if name == "mv" {
                effects.change([path], Change::Name);
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
        .all(|kind| kind.is_file())
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
