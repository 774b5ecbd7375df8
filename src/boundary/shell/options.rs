//! Options of programs, told from operands as the programs' own parsers tell them: bundled, attached,
//! shortened, and behind `--`.

use super::arguments::{Argument, Piece};

/// The options of a program, written as a table.
///
/// Entries stand between blanks: the names of one option between commas, short ones of one letter, then
/// `=` if a value follows, `==` if a name and a value do, or `?` if a value may be attached, then what
/// it does to a file that is its value: `<` reads it, `>` writes it. An option that ends in `!` has an
/// effect that no line may have. `#` stands for a number as an option, as in `head -5`, and `no-*` for
/// every long option with `no-` before it; `@` says that no value is attached to a letter. The first name of an entry is what the code calls it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    table: &'static str,
    // Whether a word that begins with a wildcard counts as an operand where nobody can look.
    globs_are_operands: bool,
}

/// What an option does with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Nothing that is a matter of files.
    Plain,
    /// Reads the file of that name.
    Read,
    /// Writes the file of that name.
    Write,
}

/// An option as given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// Its first name in the table.
    pub(super) name: &'static str,
    /// What it does with its value.
    pub(super) uses: Use,
    /// Its value.
    pub(super) value: Option<Argument>,
}

/// Arguments, told apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Options in order.
    pub(super) options: Vec<Given>,
    /// All that is no option.
    pub(super) operands: Vec<Argument>,
    /// How many of the operands stand before `--`, where there is one.
    pub(super) before_dashes: Option<usize>,
    /// The same arguments with each option alone in a word and long names in full.
    pub(super) plain: Vec<Argument>,
}

impl Parsed {
    /// Returns whether one of these options is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|option| names.contains(&option.name))
    }

    /// Returns the values of these options.
    pub(super) fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Argument> {
        let named = move |option: &'a Given| {
            names
                .contains(&option.name)
                .then_some(option.value.as_ref())
                .flatten()
        };
        self.options.iter().filter_map(named)
    }

    /// Returns the values that are put to such a use.
    pub(super) fn used(&self, uses: Use) -> impl Iterator<Item = &Argument> {
        let used = move |option: &&Given| option.uses == uses;
        let options = self.options.iter().filter(used);
        options.filter_map(|option| option.value.as_ref())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Attached,
    Value,
    Pair,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    takes: Takes,
    uses: Use,
    refused: bool,
}

impl Known {
    // Whether it is the same option whatever its value is.
    fn may_be_odd(self) -> bool {
        self.takes == Takes::Value && self.uses == Use::Plain
    }
}

// An entry of a table.
fn entry(text: &'static str) -> (impl Iterator<Item = &'static str>, Known) {
    let names = text.trim_end_matches(['=', '?', '<', '>', '!']);
    let marks = text.get(names.len()..).unwrap_or_default();
    let known = Known {
        name: names.split(',').next().unwrap_or_default(),
        takes: match marks.chars().next() {
            Some('=') if marks.starts_with("==") => Takes::Pair,
            Some('=') => Takes::Value,
            Some('?') => Takes::Attached,
            Some(_) | None => Takes::Nothing,
        },
        uses: match marks.contains('<') {
            true => Use::Read,
            false if marks.contains('>') => Use::Write,
            false => Use::Plain,
        },
        refused: marks.ends_with('!'),
    };
    (names.split(','), known)
}

/// Returns whether a word that is not known to the last character may turn out to be an option.
fn may_be_option(argument: &Argument, globs_are_operands: bool) -> bool {
    if let Some(literal) = argument.literal() {
        return literal.starts_with('-') && literal != "-";
    }
    if argument.prefix().starts_with('-') {
        return true;
    }
    let first = argument.pieces.iter().find(|piece| match piece {
        Piece::Text(text) | Piece::Odd(text) => !text.is_empty(),
        Piece::Glob(_)
        | Piece::Number { .. }
        | Piece::Revision { .. }
        | Piece::Found(_)
        | Piece::Unknown { .. } => true,
    });
    match first {
        Some(Piece::Glob(_)) => !globs_are_operands,
        Some(Piece::Unknown { .. }) => true,
        // What a command has found begins with no dash, and a negative number names no file.
        Some(
            Piece::Text(_)
            | Piece::Odd(_)
            | Piece::Number { .. }
            | Piece::Revision { .. }
            | Piece::Found(_),
        )
        | None => false,
    }
}

impl Options {
    /// Makes the options of a program that changes files.
    pub(super) const fn new(table: &'static str) -> Self {
        Self {
            table,
            globs_are_operands: false,
        }
    }

    /// Makes the options of a program that looks at files.
    pub(super) const fn of_reader(table: &'static str) -> Self {
        Self {
            table,
            globs_are_operands: true,
        }
    }

    /// Tells options from operands. An option that is not known, or a word that may turn out to be
    /// one, is an error: the reason, as the rest of a sentence about the command.
    pub(super) fn parse(&self, arguments: &[Argument]) -> Result<Parsed, String> {
        let mut parsed = Parsed::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if !self.option(argument, &mut rest, &mut parsed)? {
                parsed.operands.push(argument.clone());
                parsed.plain.push(argument.clone());
            }
        }
        Ok(parsed)
    }

    /// Tells the options before the first operand from what follows them, which is left as it is.
    pub(super) fn leading<'w>(
        &self,
        arguments: &'w [Argument],
    ) -> Result<(Parsed, &'w [Argument]), String> {
        let mut parsed = Parsed::default();
        let mut rest = arguments.iter();
        loop {
            let left = rest.as_slice();
            let Some(argument) = rest.next() else {
                return Ok((parsed, left));
            };
            let ends = argument.is("--");
            if ends || !self.option(argument, &mut rest, &mut parsed)? {
                let left = if ends { rest.as_slice() } else { left };
                return Ok((parsed, left));
            }
        }
    }

    // Returns whether the argument is an option, and takes it with its value if it is.
    fn option(
        &self,
        argument: &Argument,
        rest: &mut std::slice::Iter<'_, Argument>,
        parsed: &mut Parsed,
    ) -> Result<bool, String> {
        if !may_be_option(argument, self.globs_are_operands) {
            return Ok(false);
        }
        let prefix = argument.prefix();
        if !prefix.starts_with('-') {
            return Err(unclear(argument));
        }
        if argument.is("--") {
            parsed.before_dashes = Some(parsed.operands.len());
            parsed.plain.push(argument.clone());
            for operand in rest {
                parsed.operands.push(operand.clone());
                parsed.plain.push(operand.clone());
            }
        } else if let Some(long) = prefix.strip_prefix("--") {
            self.long(long, argument, rest, parsed)?;
        } else {
            self.short(&prefix, argument, rest, parsed)?;
        }
        Ok(true)
    }

    fn long(
        &self,
        long: &str,
        argument: &Argument,
        rest: &mut std::slice::Iter<'_, Argument>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        let (name, attached) = match long.split_once('=') {
            Some((name, _)) => (name, argument.after(name.len() + 3)),
            None if argument.literal().is_none() => return Err(unknown(argument)),
            None => (long, None),
        };
        let (full, known) = self.find_long(name)?;
        let written = match known.name {
            "no-*" => format!("--no-{full}"),
            _ => format!("--{full}"),
        };
        if known.refused {
            return Err(refused(&written));
        }
        let plain = known.may_be_odd() && argument.plain_start() > name.len() + 2;
        if argument.is_odd() && !plain {
            return Err(odd(argument));
        }
        let value = match known.takes {
            Takes::Nothing | Takes::Pair if attached.is_some() => {
                return Err(strange(&argument.shown));
            }
            Takes::Nothing | Takes::Attached => attached,
            Takes::Pair => {
                let name = next(&written, rest)?;
                parsed.plain.extend([Argument::text(&written), name]);
                let value = next(&written, rest)?;
                parsed.plain.push(value.clone());
                parsed.options.push(Given {
                    name: known.name,
                    uses: known.uses,
                    value: Some(value),
                });
                return Ok(());
            }
            Takes::Value => Some(match attached {
                Some(value) => value,
                None => next(&written, rest)?,
            }),
        };
        parsed.plain.push(match &value {
            Some(value) => value.behind(&format!("{written}=")),
            None => Argument::text(written),
        });
        parsed.options.push(Given {
            name: known.name,
            uses: known.uses,
            value,
        });
        Ok(())
    }

    // An option by its name, or by a beginning that is no other's.
    fn find_long(&self, name: &str) -> Result<(&'static str, Known), String> {
        let mut found: Option<(&'static str, Known)> = None;
        for (names, known) in self.table.split_whitespace().map(entry) {
            for full in names.filter(|full| full.len() > 1) {
                if full == name {
                    return Ok((full, known));
                }
                if full.starts_with(name) {
                    if found.is_some_and(|(_, other)| other.name != known.name) {
                        return Err(format!(
                            "has the option `--{name}`, which might be one of several"
                        ));
                    }
                    found = Some((full, known));
                }
            }
        }
        let negated = name.strip_prefix("no-").filter(|_| self.has("no-*"));
        if let (None, Some(negated)) = (found, negated) {
            let (full, _) = self.find_long(negated)?;
            let known = Known {
                name: "no-*",
                takes: Takes::Nothing,
                uses: Use::Plain,
                refused: false,
            };
            return Ok((full, known));
        }
        found.ok_or_else(|| strange(&format!("--{name}")))
    }

    fn find_short(&self, flag: char) -> Option<Known> {
        let short = |name: &str| name.chars().eq([flag]);
        let mut entries = self.table.split_whitespace().map(entry);
        let known = entries.find_map(|(mut names, known)| names.any(short).then_some(known));
        known.filter(|known| !matches!(known.name, "#" | "@" | "no-*"))
    }

    fn short(
        &self,
        prefix: &str,
        argument: &Argument,
        rest: &mut std::slice::Iter<'_, Argument>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        let literal = argument.literal();
        for (at, flag) in prefix.char_indices().skip(1) {
            let written = format!("-{flag}");
            if flag.is_ascii_digit() && self.has("#") && self.find_short(flag).is_none() {
                parsed.plain.push(Argument::text(written));
                continue;
            }
            let known = self.find_short(flag).ok_or_else(|| strange(&written))?;
            if known.refused {
                return Err(refused(&written));
            }
            let ends = at + flag.len_utf8();
            let plain = known.takes == Takes::Nothing || known.may_be_odd();
            if argument.is_odd() && (!plain || argument.plain_start() < ends) {
                return Err(odd(argument));
            }
            let more = ends < prefix.len() || literal.is_none();
            if more && known.takes != Takes::Nothing && self.has("@") {
                return Err(strange(&argument.shown));
            }
            let attached = || more.then(|| argument.after(ends)).flatten();
            let value = match known.takes {
                Takes::Nothing => None,
                Takes::Attached => attached(),
                Takes::Value | Takes::Pair => Some(match attached() {
                    Some(value) => value,
                    None => next(&written, rest)?,
                }),
            };
            match (known.takes, &value) {
                (Takes::Attached, Some(value)) => parsed.plain.push(value.behind(&written)),
                (_, value) => {
                    parsed.plain.push(Argument::text(written));
                    parsed.plain.extend(value.clone());
                }
            }
            parsed.options.push(Given {
                name: known.name,
                uses: known.uses,
                value,
            });
            if known.takes != Takes::Nothing {
                return Ok(());
            }
        }
        match literal {
            Some(_) if argument.is_odd() => Err(odd(argument)),
            Some(_) => Ok(()),
            None => Err(unknown(argument)),
        }
    }

    fn has(&self, mark: &str) -> bool {
        self.table.split_whitespace().any(|entry| entry == mark)
    }
}

fn next(option: &str, rest: &mut std::slice::Iter<'_, Argument>) -> Result<Argument, String> {
    let value = rest.next().ok_or_else(|| lacks(option))?;
    if value.splits() {
        return Err(format!(
            "has the word `{}`, which may become several; put it in double quotes",
            value.shown
        ));
    }
    Ok(value.clone())
}

/// Says that an option is not known.
pub(super) fn strange(option: &str) -> String {
    format!("has the option `{option}`, whose effect is not known here")
}

fn refused(option: &str) -> String {
    format!(
        "has the option `{option}`, which runs another command, or reads or writes what no word of the line \
         says"
    )
}

fn odd(option: &Argument) -> String {
    format!(
        "has the option `{}`, which another shell reads as something else",
        option.shown
    )
}

fn lacks(option: &str) -> String {
    format!("has the option `{option}` without its value")
}

fn unknown(argument: &Argument) -> String {
    format!(
        "has the option `{}`, which is not known before it runs",
        argument.shown
    )
}

/// Says that a word may turn out to be an option.
pub(super) fn unclear(word: &Argument) -> String {
    format!(
        "has the word `{}`, which is not known before it runs and might turn out to be an option",
        word.shown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Options = Options::new(
        "arg== no-* r,recursive n,line-number e,regexp= f,file=< color? i,in-place? o,output=> ext-diff! #",
    );

    fn words(line: &str) -> Vec<Argument> {
        line.split_whitespace().map(Argument::text).collect()
    }

    #[test]
    fn options_are_told_from_operands_however_they_are_written() {
        for (line, plain, operands) in [
            ("-rn a b", "-r -n a b", "a b"),
            ("a -nex b", "a -n -e x b", "a b"),
            ("-e x -fy a", "-e x -f y a", "a"),
            ("--reg x --col --out=y", "--regexp=x --color --output=y", ""),
            ("--color=z a", "--color=z a", "a"),
            ("-i.bak -i a", "-i.bak -i a", "a"),
            ("-5 -12n a", "-5 -1 -2 -n a", "a"),
            ("a -- -n -e", "a -- -n -e", "a -n -e"),
            ("- a", "- a", "- a"),
            ("--arg n v a", "--arg n v a", "a"),
            ("--no-rec --no-color a", "--no-recursive --no-color a", "a"),
        ] {
            let parsed = TABLE.parse(&words(line)).unwrap();
            let shown = |words: &[Argument]| {
                let words: Vec<String> = words.iter().filter_map(Argument::literal).collect();
                words.join(" ")
            };
            assert_eq!(shown(&parsed.plain), plain, "{line}");
            assert_eq!(shown(&parsed.operands), operands, "{line}");
        }
        let parsed = TABLE.parse(&words("-fa --out b -n")).unwrap();
        let used = |uses| {
            parsed
                .used(uses)
                .filter_map(Argument::literal)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (used(Use::Read), used(Use::Write)),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
        assert!(parsed.has(&["n"]) && !parsed.has(&["r"]));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (line, reason) in [
            ("-x", "`-x`, whose effect is not known"),
            ("-nx", "`-x`, whose effect is not known"),
            ("--x", "`--x`, whose effect is not known"),
            ("--e", "`--ext-diff`, which runs another command"),
            ("-e", "`-e` without its value"),
            ("--recursive=x", "whose effect is not known"),
        ] {
            let said = TABLE.parse(&words(line)).unwrap_err();
            assert!(said.contains(reason), "{line}: {said}");
        }
        let unknown = |prefix: &str| Argument {
            shown: "$x".to_owned(),
            pieces: vec![
                Piece::Text(prefix.to_owned()),
                Piece::Unknown { splits: false },
            ],
        };
        for (prefix, known) in [
            ("", false),
            ("-", false),
            ("-n", false),
            ("--reg", false),
            ("-e", true),
            ("--regexp=", true),
            ("a", true),
        ] {
            let parsed = TABLE.parse(&[unknown(prefix)]);
            assert_eq!(parsed.is_ok(), known, "{prefix}: {parsed:?}");
        }
    }

    #[test]
    fn what_follows_the_first_operand_is_left_alone() {
        let words = words("-n -e x cmd -r --unknown");
        let (parsed, rest) = TABLE.leading(&words).unwrap();
        assert!(parsed.has(&["n"]) && !parsed.has(&["r"]));
        assert_eq!(rest.len(), 3);
    }
}
