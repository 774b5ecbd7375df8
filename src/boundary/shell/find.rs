//! What `find` does with what it finds: its expression, read to the last word.

use std::rc::Rc;

use super::{
    arguments::{Argument, Found, Piece},
    changes::Change,
    effects::Effects,
    options::{strange, unclear},
};

// Tests and actions, by how many words follow them.
const ALONE: &[&str] = &[
    "!",
    "(",
    ")",
    ",",
    "-a",
    "-and",
    "-daystart",
    "-depth",
    "-d",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-ignore_readdir_race",
    "-ls",
    "-mount",
    "-nogroup",
    "-noignore_readdir_race",
    "-noleaf",
    "-not",
    "-nouser",
    "-nowarn",
    "-o",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-true",
    "-warn",
    "-writable",
    "-x",
    "-xdev",
    "--help",
    "--version",
    "-help",
    "-version",
];
const WITH_ONE: &[&str] = &[
    "-amin",
    "-anewer",
    "-atime",
    "-Bmin",
    "-Btime",
    "-cmin",
    "-cnewer",
    "-context",
    "-ctime",
    "-flags",
    "-fstype",
    "-gid",
    "-group",
    "-ilname",
    "-iname",
    "-inum",
    "-ipath",
    "-iregex",
    "-iwholename",
    "-links",
    "-lname",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mnewer",
    "-mtime",
    "-name",
    "-newer",
    "-path",
    "-perm",
    "-printf",
    "-regex",
    "-regextype",
    "-samefile",
    "-size",
    "-type",
    "-uid",
    "-used",
    "-user",
    "-wholename",
    "-xattrname",
    "-xtype",
];

/// An expression, as far as it matters.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of its own in the expression"
)]
#[derive(Debug, Default)]
pub(super) struct Expression {
    /// Where it looks.
    pub(super) starts: Vec<Argument>,
    /// Whether links are followed.
    pub(super) follows: bool,
    /// Whether what is found is removed.
    pub(super) deletes: bool,
    /// Files that it writes.
    pub(super) writes: Vec<Argument>,
    /// Commands that it runs, and whether each runs where its file lies.
    pub(super) commands: Vec<(Vec<Argument>, bool)>,
    /// What the names end in of all that is found, where that is said.
    pub(super) ends: Vec<String>,
    /// Whether nothing but files is found.
    pub(super) files: bool,
    /// Whether it prints nothing but the paths of what it finds.
    pub(super) prints_paths: bool,
    /// Whether a zero stands behind each.
    pub(super) zero: bool,
}

/// Reads the words of a `find`; an error where one is not understood.
pub(super) fn read(rest: &[Argument]) -> Result<Expression, String> {
    let mut found = Expression {
        prints_paths: true,
        ..Expression::default()
    };
    let mut words = rest.iter().peekable();
    while let Some(word) = words.peek() {
        match word.literal().as_deref() {
            Some("-L" | "-X" | "-s" | "-x" | "-E" | "-d" | "-H" | "-P" | "-O" | "-D") => {}
            Some(level) if level.starts_with("-O") => {}
            _ => break,
        }
        let option = words.next().and_then(Argument::literal);
        match option.as_deref() {
            Some("-L") => found.follows = true,
            Some("-D") => {
                words.next();
            }
            Some(_) | None => {}
        }
    }
    let _ = words.next_if(|word| word.is("--"));
    let begins = |word: &Argument| word.prefix().starts_with(['-', '(', ')', '!', ',']);
    while let Some(start) = words.next_if(|word| !begins(word)) {
        if start.literal().is_none() && start.prefix().is_empty() && !start.has_globs() {
            return Err(unclear(start));
        }
        found.starts.push(start.clone());
    }
    if found.starts.is_empty() {
        found.starts.push(Argument::text("."));
    }
    // Whether every test narrows what is found.
    let mut narrows = true;
    while let Some(word) = words.next() {
        let Some(text) = word.literal() else {
            return Err(unclear(word));
        };
        match text.as_str() {
            "-delete" => found.deletes = true,
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                found.writes.extend(words.next().cloned());
                if text == "-fprintf" {
                    words.next();
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let command = command(&mut words);
                found.commands.push((command, text.ends_with("dir")));
                found.prints_paths = false;
            }
            "-name" | "-iname" => {
                let glob = words.next().and_then(Argument::literal);
                let glob = glob.ok_or_else(|| unclear(word))?;
                let end = glob.rfind(['*', '?', '[', ']', '\\']);
                let end = end.map_or(glob.as_str(), |at| glob.get(at + 1..).unwrap_or_default());
                found.ends.push(end.to_owned());
            }
            "-type" => {
                let kind = words.next().and_then(Argument::literal);
                found.files |= kind.as_deref() == Some("f");
            }
            "-follow" => found.follows = true,
            "-ls" | "-printf" => {
                found.prints_paths = false;
                if text == "-printf" {
                    words.next();
                }
            }
            "-print0" => found.zero = true,
            "!" | "-not" | "-o" | "-or" | "," | "(" => narrows = false,
            _ if ALONE.contains(&text.as_str()) => {}
            _ if WITH_ONE.contains(&text.as_str()) || text.starts_with("-newer") => {
                words.next();
            }
            _ => return Err(strange(&text)),
        }
    }
    if !narrows {
        found.ends.clear();
        found.files = false;
    }
    if found.follows && (found.deletes || !found.commands.is_empty()) {
        return Err("follows links to where nobody looked; leave out `-L`".to_owned());
    }
    Ok(found)
}

// Where a command has what is found.
const PLACE: &str = "{}";

/// Returns a command with all that may be found wherever it has a word for that.
pub(super) fn filled(command: Vec<Argument>, found: &Rc<Found>) -> Vec<Argument> {
    let place = Argument::unknown(PLACE, false);
    let fill = |word: Argument| {
        if word != place {
            return word;
        }
        Argument {
            pieces: vec![Piece::Found(Rc::clone(found))],
            ..word
        }
    };
    command.into_iter().map(fill).collect()
}

fn command<'w>(words: &mut impl Iterator<Item = &'w Argument>) -> Vec<Argument> {
    let mut command: Vec<Argument> = Vec::new();
    for word in words {
        if word.is(";") || word.is("+") && command.last().is_some_and(Argument::is_unknown) {
            break;
        }
        command.push(found(word));
    }
    command
}

// `{}` is a path that is not known before it runs.
fn found(word: &Argument) -> Argument {
    match word.literal() {
        Some(text) if text == PLACE => Argument::unknown(PLACE, false),
        Some(text) if text.contains("{}") => {
            let mut pieces = Vec::new();
            for (at, part) in text.split("{}").enumerate() {
                if at > 0 {
                    pieces.push(Piece::Unknown { splits: false });
                }
                pieces.push(Piece::Text(part.to_owned()));
            }
            Argument {
                shown: word.shown.clone(),
                pieces,
            }
        }
        Some(_) | None => word.clone(),
    }
}

/// Returns what `find` does to files, but for the commands that it runs.
pub(super) fn effects(expression: &Expression) -> Effects {
    let mut effects = Effects::default();
    if expression.deletes {
        effects.change(expression.starts.iter().cloned(), Change::Tree);
    }
    effects.change(expression.writes.iter().cloned(), Change::File);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Argument> {
        line.split(' ').map(Argument::text).collect()
    }

    #[test]
    fn an_expression_is_read_to_its_last_word() {
        for (line, starts, deletes, commands) in [
            ("app -name *.rb", "app", false, 0),
            ("-O3 ../config -delete", "../config", true, 0),
            ("-D exec ../config -delete", "../config", true, 0),
            ("-- ../config -delete", "../config", true, 0),
            ("-P -O2 -- a b -delete", "a b", true, 0),
            ("-delete", ".", true, 0),
            ("a -exec ls {} ; -exec cat {} +", "a", false, 2),
            ("a ( -name b -o -name c ) -print", "a", false, 0),
        ] {
            let read = read(&words(line)).unwrap();
            let named: Vec<_> = read.starts.iter().filter_map(Argument::literal).collect();
            let found = (named.join(" "), read.deletes, read.commands.len());
            assert_eq!(found, (starts.to_owned(), deletes, commands), "{line}");
        }
        for line in [
            "a -files0-from x",
            "-L a -delete",
            "a -follow -delete",
            "a -zap",
            "-Z a",
        ] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
        let hidden = Argument {
            shown: "-e\"$x\"".to_owned(),
            pieces: vec![
                Piece::Text("-e".to_owned()),
                Piece::Unknown { splits: false },
            ],
        };
        assert!(read(&[Argument::text("."), hidden]).is_err());
        assert_eq!(read(&words("a -name *.rb -type f")).unwrap().ends, [".rb"]);
        assert!(read(&words("a ! -name *.rb")).unwrap().ends.is_empty());
    }
}
