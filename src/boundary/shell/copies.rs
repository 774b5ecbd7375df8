//! Programs that put files elsewhere: where their content comes from, and every path that it may get.

use super::{
    Kind,
    arguments::{Argument, Piece},
    changes::Change,
    effects::Effects,
    looks::Look,
    options::{Options, Parsed},
    places::{Ground, Places, absolute},
};

/// Returns the options of `cp`, `mv`, `ln`, or `install`. Where what they make has a name of its own, no
/// word says it.
pub(super) fn options(name: &str) -> Options {
    match name {
        "cp" => Options::new(
            "a,archive attributes-only b! backup?! c debug d f,force H i,interactive keep-directory-symlink \
             L,dereference l,link N n,no-clobber P,no-dereference p preserve? no-preserve= parents! \
             r,R,recursive reflink? remove-destination S! suffix=! s,symbolic-link sparse= \
             strip-trailing-slashes T,no-target-directory t,target-directory= u v,verbose update? \
             x,one-file-system X Z context?",
        ),
        "mv" => Options::new(
            "b! backup?! debug exchange! f,force h i,interactive n,no-clobber no-copy S! suffix=! \
             strip-trailing-slashes T,no-target-directory t,target-directory= u v,verbose update? Z,context",
        ),
        "ln" => Options::new(
            "b! backup?! F! f,force h i,interactive L,logical n,no-dereference P,physical r,relative \
             S! suffix=! s,symbolic T,no-target-directory t,target-directory= v,verbose w",
        ),
        _ => Options::new(
            "b! backup?! C,compare c D d,directory debug g,group= m,mode= o,owner= p,preserve-timestamps \
             S! s,strip strip-program=! suffix=! T,no-target-directory t,target-directory= v,verbose Z context?",
        ),
    }
}

/// Returns what `cp`, `mv`, `ln`, and `install` do to files.
pub(super) fn effects(
    name: &str,
    rest: &[Argument],
    ground: &Ground<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let parsed = options(name).parse(rest)?;
    let mut effects = Effects::default();
    if name == "install" && parsed.has(&["d"]) {
        effects.change(parsed.operands, Change::Directory);
        return Ok(effects);
    }
    let (sources, target, is_directory) = targets(name, &parsed)?;
    let recursive = parsed.has(&["r", "a"]);
    let links = name == "ln" || parsed.has(&["l", "s"]);
    // What a link says is copied with it, or what it leads to.
    let follows = name == "install"
        || parsed.has(&["L"])
        || !(name == "mv" || recursive || parsed.has(&["d", "P"]));
    for source in &sources {
        if links {
            let deeper = may_be_directory(&target, ground, places);
            linked(source, &target, &parsed, is_directory, deeper, &mut effects)?;
            continue;
        }
        let look = match follows {
            true if recursive => Look::Through,
            true => Look::File,
            false => Look::Tree,
        };
        // It is removed there, and may be read by its new name.
        if name == "mv" {
            effects.change([source.clone()], Change::Tree);
        }
        effects.look([source.clone()], &look);
    }
    let bare = parsed.has(&["T"]);
    let moves_directories = recursive || name == "mv";
    // What is moved takes a name, and is not written into what has it.
    let change = if name == "mv" {
        Change::Name
    } else {
        Change::File
    };
    for source in &sources {
        let into = into(source, &target)?;
        let tree = moves_directories && !is_file(source, ground, places);
        let mut written = Vec::new();
        if bare || !is_directory && !is_directory_now(&target, ground, places) {
            written.push(target.clone());
        }
        if !bare && (is_directory || may_be_directory(&target, ground, places)) {
            written.push(into);
        }
        for path in written {
            if links {
                effects.links.push(path.clone());
                effects.change([path], Change::Name);
                continue;
            }
            if !follows {
                carried(source, &path, ground, places, &mut effects)?;
            }
            if tree {
                let changes = copied(source, &path, follows, change, ground, places);
                effects.changes.extend(changes);
            } else {
                effects.change([path], change);
            }
        }
    }
    Ok(effects)
}

// The sources, the target, and whether the target is a directory for certain.
fn targets(name: &str, parsed: &Parsed) -> Result<(Vec<Argument>, Argument, bool), String> {
    let named: Vec<&Argument> = parsed.values(&["t"]).collect();
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
            Piece::Odd(_)
            | Piece::Glob(_)
            | Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_)
            | Piece::Unknown { .. } => last.push(piece.clone()),
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
    let symbolic = parsed.has(&["s"]) && !parsed.has(&["r"]);
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
    leads(led, effects);
    Ok(())
}

// What a link leads to is written and read by its name.
fn leads(led: Argument, effects: &mut Effects) {
    effects.change([led.clone()], Change::Tree);
    effects.look([led], &Look::Tree);
}

/// Returns every absolute path that the argument may name, nothing for one that is not known.
pub(super) fn named(argument: &Argument, places: &Places) -> Vec<Option<String>> {
    match argument.literal() {
        Some(path) => Ground::absolutes(&path, places),
        None => vec![None],
    }
}

fn kinds(argument: &Argument, ground: &Ground<'_>, places: &Places) -> Vec<Kind> {
    let kind = |path: Option<String>| path.map_or(Kind::Unknown, |path| ground.kind(&path));
    named(argument, places).into_iter().map(kind).collect()
}

fn is_file(argument: &Argument, ground: &Ground<'_>, places: &Places) -> bool {
    named(argument, places).into_iter().all(|path| match path {
        // What is not there, and nobody makes, is not moved either.
        Some(path) => match ground.kind(&path) {
            Kind::File | Kind::Linked => true,
            Kind::Missing => !ground.may_be_made(&path),
            Kind::Directory | Kind::Unknown => false,
        },
        None => false,
    })
}

fn is_directory_now(argument: &Argument, ground: &Ground<'_>, places: &Places) -> bool {
    kinds(argument, ground, places)
        .iter()
        .all(|kind| *kind == Kind::Directory)
}

fn may_be_directory(argument: &Argument, ground: &Ground<'_>, places: &Places) -> bool {
    kinds(argument, ground, places)
        .iter()
        .any(|kind| matches!(kind, Kind::Directory | Kind::Unknown))
}

// A link that is moved, or copied as it is, leads elsewhere from its new place.
pub(super) fn carried(
    source: &Argument,
    path: &Argument,
    ground: &Ground<'_>,
    places: &Places,
    effects: &mut Effects,
) -> Result<(), String> {
    let hidden = || {
        format!(
            "might put a link where it leads elsewhere: nobody knows all that lies in `{}`",
            source.shown
        )
    };
    if !ground.looks() {
        return Ok(());
    }
    for from in named(source, places) {
        let from = from.ok_or_else(hidden)?;
        for (inner, target) in ground.links_in(&from).ok_or_else(hidden)? {
            let text = path.literal().ok_or_else(hidden)?;
            let text = text.trim_end_matches('/');
            let link = if inner.is_empty() {
                text.to_owned()
            } else {
                format!("{text}/{inner}")
            };
            // An absolute one leads where it led before.
            if target.starts_with('/') {
                effects.links.push(Argument::text(link));
                continue;
            }
            let led = match link.rsplit_once('/') {
                Some((parent, _)) => format!("{parent}/{target}"),
                None => target,
            };
            let mut led = Argument::text(led);
            led.shown.clone_from(&source.shown);
            // What stays within what is moved is judged with it.
            let stays = places.iter().all(|place| {
                let super::places::Place::At(directory) = place else {
                    return false;
                };
                let led = absolute(directory, &led.literal().unwrap_or_default());
                let moved = absolute(directory, text);
                led.strip_prefix(&moved)
                    .is_some_and(|rest| rest.starts_with('/'))
                    && !inner.is_empty()
            });
            if !stays {
                leads(led, effects);
            }
            effects.links.push(Argument::text(link));
        }
    }
    Ok(())
}

// What `change` of each file it takes that whatever lies in `source` comes to lie at `path`.
fn copied(
    source: &Argument,
    path: &Argument,
    follows: bool,
    change: Change,
    ground: &Ground<'_>,
    places: &Places,
) -> Vec<(Argument, Change)> {
    let from = named(source, places);
    let below = |source: &Option<String>| ground.below(source.as_ref()?);
    let below: Option<Vec<_>> = from.iter().map(below).collect();
    // What lies behind links is not among it.
    let plain = |source: &Option<String>| {
        let source = source.as_ref()?;
        ground.links_in(source).filter(Vec::is_empty)
    };
    let plain = !follows || !ground.looks() || from.iter().all(|source| plain(source).is_some());
    let (Some(below), Some(path_text), true) = (below, path.literal(), plain) else {
        return vec![(path.clone(), Change::Anything)];
    };
    let mut changes = vec![(path.clone(), Change::Directory)];
    for inside in below.iter().flat_map(|below| below.iter()) {
        let mut to = Argument::text(format!("{}/{inside}", path_text.trim_end_matches('/')));
        to.shown.clone_from(&path.shown);
        changes.push((to, change));
    }
    changes
}
