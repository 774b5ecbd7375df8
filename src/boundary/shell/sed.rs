//! What a `sed` script may do besides editing text: it can write files and run commands.

use super::{
    arguments::{Argument, Piece},
    changes::Change,
    effects::Effects,
    looks::Look,
    options::Options,
};

/// The options of GNU's and of BSD's.
pub(super) const OPTIONS: Options = Options::new(
    "a b,binary debug E,r,regexp-extended e,expression= f,file=! follow-symlinks H help i,I,in-place? \
     l,line-length= n,quiet,silent posix s,separate sandbox u,unbuffered version z,null-data,zero-terminated",
);

/// Returns what `sed` does to files.
pub(super) fn effects(rest: &[Argument]) -> Result<Effects, String> {
    let mut effects = Effects::default();
    let parsed = OPTIONS.parse(rest)?;
    let mut in_place = None;
    for option in parsed.options.iter().filter(|option| option.name == "i") {
        let suffix = option.value.as_ref();
        let suffix = suffix.map_or(Some(String::new()), Argument::literal);
        in_place = Some(suffix.ok_or("makes backups whose names are not known before it runs")?);
    }
    let mut operands = parsed.operands.clone();
    let mut scripts: Vec<Argument> = parsed.values(&["e"]).cloned().collect();
    if scripts.is_empty() && !operands.is_empty() {
        // BSD's `sed -i '' script file`.
        if in_place.is_some()
            && operands.first().is_some_and(|first| first.is(""))
            && operands.len() > 1
        {
            operands.remove(0);
        }
        scripts.push(operands.remove(0));
    }
    // Several are one script of as many lines.
    let whole: Option<Vec<String>> = scripts.iter().map(script).collect();
    let shown: Vec<&str> = scripts.iter().map(|script| script.shown.as_str()).collect();
    if !whole.is_some_and(|whole| only_edits(&whole.join("\n"))) {
        return Err(format!(
            "has the script `{}`, which might write a file or run a command",
            super::parse::excerpt(&shown.join(" "))
        ));
    }
    let Some(suffix) = in_place else {
        effects.look(operands, &Look::File);
        return Ok(effects);
    };
    if suffix.contains(['*', '/']) {
        return Err("makes backups whose names are not worked out here".to_owned());
    }
    for file in operands {
        if !suffix.is_empty() {
            let mut backup = file.clone();
            backup.pieces.push(Piece::Text(suffix.clone()));
            effects.change([backup], Change::File);
        }
        effects.look([file.clone()], &Look::File);
        effects.change([file], Change::File);
    }
    Ok(effects)
}

// A script with a digit for every number in it that is not known.
fn script(argument: &Argument) -> Option<String> {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => Some(text.clone()),
        // To another shell a backslash in it is two.
        Piece::Odd(text) if text.contains('\\') => None,
        Piece::Odd(text) => Some(text.clone()),
        Piece::Number { splits: false } => Some("1".to_owned()),
        Piece::Number { splits: true }
        | Piece::Glob(_)
        | Piece::Revision { .. }
        | Piece::Found(_)
        | Piece::Unknown { .. } => None,
    };
    argument.pieces.iter().map(piece).collect()
}

/// Returns whether the script does nothing but edit text, as far as it is understood.
pub(super) fn only_edits(script: &str) -> bool {
    let mut chars = script.chars().peekable();
    loop {
        while chars
            .next_if(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}'))
            .is_some()
        {}
        if chars.peek().is_none() {
            return true;
        }
        if address(&mut chars).is_none() {
            return false;
        }
        while chars
            .next_if(|c| *c == ' ' || *c == '!' || *c == '\t')
            .is_some()
        {}
        let ends = chars.peek().copied();
        let understood = match chars.next() {
            Some(
                '{' | '}' | '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x'
                | 'z' | 'F',
            ) => Some(()),
            Some('q' | 'Q' | 'l' | 'L') => {
                while chars.next_if(|c| c.is_ascii_digit() || *c == ' ').is_some() {}
                Some(())
            }
            Some('s') => substitution(&mut chars),
            Some('y') => delimited(&mut chars, 2),
            Some('a' | 'i' | 'c') => {
                text(&mut chars);
                Some(())
            }
            // A comment ends with its line, whatever stands before the end.
            Some('#') => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                Some(())
            }
            // A label ends at a blank for some, and with its line for others.
            Some('b' | 't' | 'T' | ':') => {
                while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
                while chars
                    .next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
                    .is_some()
                {}
                Some(())
            }
            Some(_) | None => None,
        };
        if understood.is_none() {
            return false;
        }
        while chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        if ends == Some('{') {
            continue;
        }
        match chars.peek() {
            None | Some('\n' | ';' | '}' | '{') => {}
            Some(_) => return false,
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn address(chars: &mut Chars<'_>) -> Option<()> {
    loop {
        match chars.peek() {
            Some('0'..='9' | '$' | '+' | '~' | ',' | ' ') => {
                chars.next();
            }
            Some('/') => {
                chars.next();
                until(chars, '/')?;
                while chars.next_if(|c| matches!(c, 'I' | 'M')).is_some() {}
            }
            Some('\\') => {
                chars.next();
                let delimiter = chars.next().filter(char::is_ascii_punctuation)?;
                until(chars, delimiter)?;
                while chars.next_if(|c| matches!(c, 'I' | 'M')).is_some() {}
            }
            Some(_) | None => return Some(()),
        }
    }
}

// To the next delimiter that is not escaped; one between brackets counts for some seds, not for
// others, so it is not understood.
fn until(chars: &mut Chars<'_>, delimiter: char) -> Option<()> {
    let mut bracket = false;
    loop {
        match chars.next()? {
            '\\' => {
                chars.next()?;
            }
            c if c == delimiter && bracket => return None,
            c if c == delimiter => return Some(()),
            '[' => bracket = true,
            ']' => bracket = false,
            '\n' => return None,
            _ => {}
        }
    }
}

fn delimited(chars: &mut Chars<'_>, times: usize) -> Option<()> {
    let delimiter = chars
        .next()
        .filter(|c| c.is_ascii() && !c.is_alphanumeric() && !matches!(c, '\\' | '\n'))?;
    for _ in 0..times {
        // What replaces may hold line ends after a backslash, and brackets mean nothing there.
        loop {
            match chars.next()? {
                '\\' => {
                    chars.next()?;
                }
                c if c == delimiter => break,
                '\n' => return None,
                _ => {}
            }
        }
    }
    Some(())
}

fn substitution(chars: &mut Chars<'_>) -> Option<()> {
    let delimiter = chars
        .next()
        .filter(|c| c.is_ascii() && !c.is_alphanumeric() && !matches!(c, '\\' | '\n'))?;
    until(chars, delimiter)?;
    loop {
        match chars.next()? {
            '\\' => {
                chars.next()?;
            }
            c if c == delimiter => break,
            '\n' => return None,
            _ => {}
        }
    }
    // `e` runs the result, `w` writes it.
    while chars
        .next_if(|c| c.is_ascii_digit() || matches!(c, 'g' | 'p' | 'i' | 'I' | 'm' | 'M'))
        .is_some()
    {}
    Some(())
}

// The text of `a`, `i`, and `c`: to the end of a line without a backslash.
fn text(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        if c == '\\' {
            chars.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_only_edits_is_told_from_one_that_does_more() {
        for (script, then) in [
            ("p", true),
            ("1,5p", true),
            ("$!d", true),
            ("/a/,/b/p", true),
            ("s/a/b/", true),
            ("s|a|b|gI; s/c/d/2", true),
            ("/x/{s/a/b/;p}", true),
            ("\\,x,d", true),
            ("1i\\\nw file", true),
            ("y/abc/def/", true),
            ("w out", false),
            ("1w out", false),
            ("s/a/b/w out", false),
            ("s/a/rm x/e", false),
            ("e rm x", false),
            ("1e", false),
            ("r .env", false),
            ("/a/ w out", false),
            ("s/[/]/x/;w out", false),
            ("s/a\\/b/c/;e", false),
            ("p;w out", false),
            ("p\nw out", false),
            ("{p;e\n}", false),
            ("y/a/b/w out", false),
            (":a;w out", false),
            ("s/a/b", false),
            ("#x\\\ne rm x", false),
            ("# a comment\np", true),
            (":a e rm x", false),
            (":a w out", false),
            ("ta e rm x\n:a", false),
            (":a;N;$!ba;s/\\n/ /g", true),
            ("b end; s/a/b/; :end", true),
            ("{/a/b x\n}\n:x", true),
        ] {
            assert_eq!(only_edits(script), then, "{script}");
        }
    }
}
