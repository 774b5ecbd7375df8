//! Patterns for commands, matched against the words a shell has made of a line.
//!
//! The word `*` is any number of words, also none; inside a word `*` is any text of that word. Double
//! quotes hold blanks, and `"*"` is exactly one word; in single quotes nothing has a meaning.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use serde::Deserialize;

use super::{
    Pattern, PatternError,
    nfa::{Class, Nfa, Step},
    programs,
};

const LONGEST: usize = 2048;

/// Between two words, where words are one text.
pub(super) const BETWEEN: char = '\0';

/// A pattern for commands.
///
/// `gives` wants the program as written in the pattern. `takes` compares the program by its base name
/// in any case, and looks behind the global options before a subcommand: those with a value are known
/// for common programs; of another program's option both readings are tried.
///
/// ```
/// # use factory::boundary::{CommandPattern, Pattern};
/// let push: CommandPattern = "git push *".parse()?;
/// let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
/// assert!(push.gives(&words("git push origin")) && push.gives(&words("git push")));
/// assert!(!push.gives(&words("git -C d push")) && push.takes(&words("/usr/bin/git -C d push")));
/// # Ok::<(), factory::boundary::PatternError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct CommandPattern {
    text: Arc<str>,
    machines: Arc<Machines>,
}

#[derive(Debug)]
struct Machines {
    words: Vec<Word>,
    // The words before the first wildcard, and where in the first of them the base name begins.
    literal: Vec<String>,
    base: usize,
    // Most patterns of a spec are never asked: each machine is made when it first is, once for a pattern
    // and all its copies.
    exact: OnceLock<Nfa>,
    loose: OnceLock<Nfa>,
}

impl Machines {
    fn exact(&self) -> &Nfa {
        self.exact.get_or_init(|| {
            let mut exact = Vec::new();
            compile_exact(&self.words, &mut exact);
            Nfa::new(exact, BETWEEN, false)
        })
    }

    fn loose(&self) -> &Nfa {
        self.loose.get_or_init(|| {
            let mut loose = Vec::new();
            compile_loose(&self.words, &mut loose);
            Nfa::new(loose, BETWEEN, false)
        })
    }
}

/// A word of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Any number of words.
    Any,
    /// One word.
    One(Vec<Part>),
}

/// A part of a word of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// This character.
    Char(char),
    /// Any text of the word.
    Star,
}

impl Part {
    const fn example(self) -> char {
        match self {
            Self::Char(c) => c,
            Self::Star => 'q',
        }
    }
}

impl CommandPattern {
    /// Returns the words before the first wildcard: of `git commit -m *`, the first three.
    pub fn literal_words(&self) -> &[String] {
        &self.machines.literal
    }

    /// Returns whether it names one command and nothing else.
    pub fn is_literal(&self) -> bool {
        self.literal_words().len() == self.machines.words.len()
    }

    /// Returns the base name of its program, where it names one.
    pub fn program(&self) -> Option<&str> {
        let program = self.literal_words().first()?;
        program.get(self.machines.base..)
    }

    fn behind_program(&self) -> Behind<'_> {
        Behind {
            words: self.literal_words().get(1..).unwrap_or_default(),
            ends: self.is_literal(),
        }
    }

    /// Returns the commands that it becomes with `words` for one of its `*` and nothing for the others.
    ///
    /// ```
    /// # use factory::boundary::CommandPattern;
    /// let pattern: CommandPattern = "cp * app/* *".parse()?;
    /// let filled: Vec<_> = pattern.filled(&["a"]).iter().map(|words| words.join(" ")).collect();
    /// assert_eq!(filled, ["cp a app/q", "cp app/q a"]);
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn filled(&self, words: &[&str]) -> Vec<Box<[String]>> {
        let places = self.words().iter().enumerate();
        let places = places.filter(|(_, word)| **word == Word::Any);
        let filled = places.map(|(place, _)| {
            let word = |(at, word): (usize, &Word)| match word {
                Word::Any if at == place => words.iter().map(|word| (*word).to_owned()).collect(),
                Word::Any => Vec::new(),
                Word::One(parts) => vec![parts.iter().copied().map(Part::example).collect()],
            };
            let words = self.words().iter().enumerate().flat_map(word);
            words.collect::<Box<[String]>>()
        });
        filled.filter(|words| is_command(words)).collect()
    }

    /// Returns whether a `may` with this pattern gives all that one with `other` gives, where their words
    /// tell: it is some words and then `*`.
    ///
    /// ```
    /// # use factory::boundary::CommandPattern;
    /// let gives = |one: &str, two: &str| {
    ///     one.parse::<CommandPattern>().unwrap().plainly_covers(&two.parse().unwrap())
    /// };
    /// assert_eq!(gives("cargo *", "cargo build *"), Some(true));
    /// assert_eq!([gives("cargo *", "make *"), gives("cargo b*", "cargo build")], [Some(false), None]);
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn plainly_covers(&self, other: &Self) -> Option<bool> {
        let (own, others) = (self.literal_words(), other.literal_words());
        if own.iter().zip(others).any(|(one, two)| one != two) {
            return Some(false);
        }
        let plain = self.words().get(own.len()..) == Some(&[Word::Any]);
        (plain && others.len() >= own.len()).then_some(true)
    }

    /// Returns patterns for what `takes` only takes because it reads the value of a global option as the
    /// subcommand: `git -C push` does not push.
    ///
    /// ```
    /// # use factory::boundary::{CommandPattern, Pattern};
    /// let push: CommandPattern = "git push *".parse()?;
    /// let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    /// let alike = |line: &str| push.look_alikes().iter().any(|alike| alike.takes(&words(line)));
    /// assert!(alike("git -C push") && !alike("git -C a push"));
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn look_alikes(&self) -> Vec<Self> {
        let [program, verb, ..] = self.literal_words() else {
            return Vec::new();
        };
        let options = programs::options_with_value(program).unwrap_or_default();
        let alike = |option: &&str| {
            let [program, verb] = [program, verb].map(|word| quote([word.as_str()]));
            format!("{program} * {option} {verb} *").parse().ok()
        };
        options.iter().filter_map(alike).collect()
    }

    /// Returns its words.
    pub(super) fn words(&self) -> &[Word] {
        &self.machines.words
    }

    pub(super) fn giving(&self) -> &Nfa {
        self.machines.exact()
    }

    pub(super) fn taking(&self) -> impl Iterator<Item = &Nfa> {
        std::iter::once(self.machines.loose())
    }
}

impl FromStr for CommandPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let words = words(text)?;
        let literal: Vec<String> = words.iter().map_while(literal).collect();
        let base = literal.first().map_or(0, |program| {
            program.len() - programs::base_name(program).len()
        });
        Ok(Self {
            text: text.into(),
            machines: Arc::new(Machines {
                literal,
                base,
                words,
                exact: OnceLock::new(),
                loose: OnceLock::new(),
            }),
        })
    }
}

// The text of a word without a wildcard.
fn literal(word: &Word) -> Option<String> {
    let Word::One(parts) = word else {
        return None;
    };
    let text = parts.iter().map(|part| match part {
        Part::Char(c) => Some(*c),
        Part::Star => None,
    });
    text.collect()
}

impl Pattern for CommandPattern {
    type Subject = [String];

    fn gives(&self, words: &[String]) -> bool {
        is_command(words) && self.machines.exact().matches(&one_text(words))
    }

    fn takes(&self, words: &[String]) -> bool {
        self.machines.loose().matches(&one_text(words))
    }

    fn example(&self) -> Option<Box<[String]>> {
        let text = |word: &Word| match word {
            Word::Any => None,
            Word::One(parts) => Some(parts.iter().copied().map(Part::example).collect()),
        };
        let mut words: Vec<String> = self.machines.words.iter().filter_map(text).collect();
        if words.is_empty() {
            words.push("q".to_owned());
        }
        is_command(&words).then(|| words.into())
    }

    fn near_never(&self, never: &Self) -> bool {
        let (Some(one), Some(two)) = (self.program(), never.program()) else {
            return true;
        };
        if !one.is_ascii() || !two.is_ascii() {
            return true;
        }
        if !one.eq_ignore_ascii_case(two) {
            return false;
        }
        let program = never.literal_words().first();
        let known = program.and_then(|program| programs::options_with_value(program));
        near_behind_options(self.behind_program(), never.behind_program(), known)
    }

    fn show(words: &[String]) -> String {
        quote(words.iter().map(String::as_str))
    }
}

// How a pattern goes on behind its program: with these words, and whether with no more.
#[derive(Clone, Copy)]
struct Behind<'a> {
    words: &'a [String],
    ends: bool,
}

// Whether a command of the one may be one of the other once its options are passed over, as the machine of
// a `never` does.
fn near_behind_options(one: Behind<'_>, two: Behind<'_>, known: Option<&[&str]>) -> bool {
    let goes_on = |words: &[String]| {
        let alike = words.iter().zip(two.words).all(|(one, two)| one == two);
        let too_short = one.ends && words.len() < two.words.len();
        let too_long = two.ends && two.words.len() < words.len();
        alike && !too_short && !too_long
    };
    // Whether so many words may be options and their values: an option may have one or not.
    let mut passed = vec![false; one.words.len() + 1];
    let pass = |passed: &mut Vec<bool>, count: usize| {
        let last = passed.len().saturating_sub(1);
        if let Some(passed) = passed.get_mut(count.min(last)) {
            *passed = true;
        }
    };
    pass(&mut passed, 0);
    for at in 0..=one.words.len() {
        if passed.get(at) != Some(&true) {
            continue;
        }
        let words = one.words.get(at..).unwrap_or_default();
        if goes_on(words) {
            return true;
        }
        let Some(word) = words.first().filter(|word| word.starts_with(['-', '+'])) else {
            continue;
        };
        pass(&mut passed, at + 1);
        if known.is_none_or(|known| known.contains(&word.as_str())) {
            pass(&mut passed, at + 2);
        }
    }
    false
}

fn is_command(words: &[String]) -> bool {
    words.first().is_some_and(|program| !program.is_empty())
        && !words.iter().any(|word| word.contains(BETWEEN))
}

/// Returns the text that machines read for these words.
pub(super) fn one_text(words: &[String]) -> String {
    let mut text = String::with_capacity(words.iter().map(|word| word.len() + 1).sum());
    for word in words {
        text.extend(word.chars().filter(|c| *c != BETWEEN));
        text.push(BETWEEN);
    }
    text
}

/// Writes `words` as a line that a shell would read as these words.
pub(super) fn quote<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+^*".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            line.push_str(word);
        } else if word.contains('\'') {
            line.push('"');
            for c in word.chars() {
                if matches!(c, '"' | '\\' | '$' | '`') {
                    line.push('\\');
                }
                line.push(c);
            }
            line.push('"');
        } else {
            line.push('\'');
            line.push_str(word);
            line.push('\'');
        }
    }
    line
}

fn fault(at: usize, message: impl Into<String>, help: &str) -> PatternError {
    PatternError {
        message: message.into(),
        help: Some(help.to_owned()),
        at,
    }
}

fn words(text: &str) -> Result<Vec<Word>, PatternError> {
    if text.len() > LONGEST {
        let message = format!("the pattern is longer than {LONGEST} bytes");
        return Err(fault(LONGEST, message, "end it with `*`"));
    }
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.peek().copied() {
        if c == ' ' || c == '\t' {
            chars.next();
            continue;
        }
        let word = word(at, &mut chars)?;
        if words.is_empty() {
            assignment(at, &word)?;
        }
        words.push(word);
    }
    match words.first() {
        None => Err(fault(
            0,
            "the pattern is empty",
            "write `*` for every command",
        )),
        Some(Word::One(parts)) if parts.is_empty() => Err(fault(
            0,
            "the program has no name",
            "start with the name of a program",
        )),
        Some(_) => Ok(words),
    }
}

fn assignment(at: usize, word: &Word) -> Result<(), PatternError> {
    let Word::One(parts) = word else {
        return Ok(());
    };
    let name: String = parts
        .iter()
        .map_while(|part| match part {
            Part::Char(c) if c.is_ascii_alphanumeric() || *c == '_' => Some(*c),
            Part::Char(_) | Part::Star => None,
        })
        .collect();
    if !name.is_empty() && parts.get(name.len()) == Some(&Part::Char('=')) {
        let help = format!("name the command alone, and grant the variable with `env \"{name}\"`");
        return Err(fault(at, "an assignment before the command", &help));
    }
    Ok(())
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn word(start: usize, chars: &mut Chars<'_>) -> Result<Word, PatternError> {
    let mut parts = Vec::new();
    let mut quoted = false;
    while let Some((at, c)) = chars.next_if(|(_, c)| !matches!(c, ' ' | '\t')) {
        match c {
            '"' | '\'' => {
                quoted = true;
                in_quotes(at, c, chars, &mut parts)?;
            }
            '*' => parts.push(Part::Star),
            '\\' => {
                let help = "put the word in single quotes to take every character as it is";
                return Err(fault(at, "a backslash has no meaning in a pattern", help));
            }
            c => {
                operator(at, c, chars.peek().map(|(_, next)| *next))?;
                parts.push(Part::Char(c));
            }
        }
    }
    match parts.as_slice() {
        [Part::Star] if !quoted => Ok(Word::Any),
        [Part::Star, Part::Star] if !quoted => Err(fault(
            start,
            "`**` has no meaning in a command",
            "write `*` for any number of words",
        )),
        _ => Ok(Word::One(parts)),
    }
}

fn in_quotes(
    start: usize,
    quote: char,
    chars: &mut Chars<'_>,
    parts: &mut Vec<Part>,
) -> Result<(), PatternError> {
    for (at, c) in chars.by_ref() {
        match c {
            c if c == quote => return Ok(()),
            '*' if quote == '"' => parts.push(Part::Star),
            c if c.is_control() => {
                return Err(fault(
                    at,
                    "a control character in the pattern",
                    "leave it out",
                ));
            }
            c => parts.push(Part::Char(c)),
        }
    }
    Err(fault(
        start,
        "the quote is never closed",
        &format!("close it with `{quote}`"),
    ))
}

fn operator(at: usize, c: char, next: Option<char>) -> Result<(), PatternError> {
    let operator = match (c, next) {
        ('&', Some('&')) => "&&",
        ('|', Some('|')) => "||",
        ('$', Some('(')) => "$(",
        ('$', Some(next)) if next.is_ascii_alphabetic() || next == '{' || next == '_' => "$",
        ('|', _) => "|",
        ('&', _) => "&",
        (';', _) => ";",
        ('>', _) => ">",
        ('<', _) => "<",
        ('`', _) => "`",
        (c, _) if c.is_control() => {
            return Err(fault(
                at,
                "a control character in the pattern",
                "leave it out",
            ));
        }
        (_, _) => return Ok(()),
    };
    let help = match operator {
        "$(" | "`" => "name the inner command in a pattern of its own",
        "$" => "variables are not expanded in a pattern; write `*`, or quote the word with `'`",
        ">" | "<" => "redirections are judged by `write` and `read`; name the command alone",
        _ => "a pattern names one command: write one for each, the shell may then join them",
    };
    Err(fault(at, format!("`{operator}` is a shell operator"), help))
}

fn any_words(steps: &mut Vec<Step>) {
    let start = steps.len();
    steps.extend([
        Step::Split(start + 4, start + 1),
        Step::Star,
        Step::Lit(BETWEEN),
        Step::Goto(start),
    ]);
}

fn compile_exact(words: &[Word], steps: &mut Vec<Step>) {
    for (index, word) in words.iter().enumerate() {
        match word {
            Word::Any => any_words(steps),
            Word::One(parts) => {
                for part in parts {
                    match part {
                        Part::Char(c) => steps.push(Step::Lit(*c)),
                        Part::Star if index == 0 => within_name(steps),
                        Part::Star => steps.push(Step::Star),
                    }
                }
                steps.push(Step::Lit(BETWEEN));
            }
        }
    }
    steps.push(Step::Accept);
}

// A program's name is given with the slashes that the pattern has, never with more.
fn within_name(steps: &mut Vec<Step>) {
    let start = steps.len();
    let class = Class {
        negated: true,
        ranges: vec![('/', '/')],
    };
    steps.extend([
        Step::Split(start + 3, start + 1),
        Step::Class(class),
        Step::Goto(start),
    ]);
}

fn compile_loose(words: &[Word], steps: &mut Vec<Step>) {
    match words {
        [] => steps.push(Step::Accept),
        [Word::One(program), rest @ ..] => {
            compile_program(program, steps);
            compile_options(program, steps);
            compile_words(rest, steps);
        }
        // What follows may be the program itself.
        [Word::Any, rest @ ..] => {
            let split = steps.len();
            steps.push(Step::Goto(split + 1));
            compile_words(words, steps);
            let next = steps.len();
            if !rest.is_empty()
                && let Some(step) = steps.get_mut(split)
            {
                *step = Step::Split(split + 1, next);
                compile_loose(rest, steps);
            }
        }
    }
}

fn compile_program(program: &[Part], steps: &mut Vec<Step>) {
    let start = steps.len();
    steps.extend([
        Step::Split(start + 3, start + 1),
        Step::Star,
        Step::Lit('/'),
    ]);
    let base = program.iter().rposition(|part| *part == Part::Char('/'));
    for part in program.iter().skip(base.map_or(0, |slash| slash + 1)) {
        match part {
            Part::Char(c) => {
                let mut lower = c.to_lowercase();
                steps.push(match (lower.next(), lower.next()) {
                    (Some(one), None) => Step::Caseless(one),
                    (_, _) => Step::Lit(*c),
                });
            }
            Part::Star => steps.push(Step::Star),
        }
    }
    steps.push(Step::Lit(BETWEEN));
}

// Any options that may stand between the program and its subcommand.
fn compile_options(program: &[Part], steps: &mut Vec<Step>) {
    let name: Option<String> = program
        .iter()
        .map(|part| match part {
            Part::Char(c) => Some(*c),
            Part::Star => None,
        })
        .collect();
    let known = name.as_deref().and_then(programs::options_with_value);
    let start = steps.len();
    // Where to go on is known only once the options are written.
    steps.push(Step::Goto(0));
    let mut ways = vec![steps.len()];
    steps.extend([
        Step::Lit('-'),
        Step::Star,
        Step::Lit(BETWEEN),
        Step::Goto(start),
    ]);
    if known.is_none() {
        ways.push(steps.len());
        steps.extend([Step::Lit('-'), Step::Star, Step::Lit(BETWEEN)]);
        steps.extend([Step::Star, Step::Lit(BETWEEN), Step::Goto(start)]);
    }
    for option in known.unwrap_or_default() {
        ways.push(steps.len());
        steps.extend(option.chars().map(Step::Lit));
        steps.push(Step::Lit(BETWEEN));
        steps.extend([Step::Star, Step::Lit(BETWEEN), Step::Goto(start)]);
    }
    if name
        .as_deref()
        .is_some_and(|name| programs::base_name(name) == "cargo")
    {
        ways.push(steps.len());
        steps.extend([
            Step::Lit('+'),
            Step::Star,
            Step::Lit(BETWEEN),
            Step::Goto(start),
        ]);
    }
    let fork = steps.len();
    for way in &ways {
        let here = steps.len();
        steps.push(Step::Split(here + 1, *way));
    }
    if let Some(step) = steps.get_mut(start) {
        *step = Step::Goto(fork);
    }
}

fn compile_words(words: &[Word], steps: &mut Vec<Step>) {
    for word in words {
        match word {
            Word::Any => any_words(steps),
            Word::One(parts) => {
                steps.extend(parts.iter().map(|part| match part {
                    Part::Char(c) => Step::Lit(*c),
                    Part::Star => Step::Star,
                }));
                steps.push(Step::Lit(BETWEEN));
            }
        }
    }
    steps.push(Step::Accept);
}

super::grant::written_as_text!(CommandPattern);

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn an_example_is_given() {
        for (pattern, example) in [
            ("git commit -m * --amend", "git commit -m --amend"),
            ("bin/test* 'a b' \"*\"", "bin/testq a b q"),
            ("*", "q"),
        ] {
            let parsed: CommandPattern = pattern.parse().unwrap();
            let words = parsed.example().unwrap();
            assert_eq!(words.join(" "), example, "{pattern}");
            assert!(parsed.gives(&words), "{pattern} gives {words:?}");
        }
    }

    #[test]
    fn words_are_matched() {
        for (pattern, command, gives, takes) in [
            ("git push *", "git push", true, true),
            ("git push *", "git push origin main", true, true),
            ("git push *", "git pushy", false, false),
            ("git push", "git push origin", false, false),
            ("git push *", "/usr/bin/git push", false, true),
            ("git push *", "GIT push", false, true),
            ("git push *", "git PUSH", false, false),
            ("git push *", "git -C d -c k=v push origin", false, true),
            ("git push *", "git --git-dir=.git push", false, true),
            ("git push *", "git --no-pager push", false, true),
            ("git push *", "git --no-pager log push", false, false),
            ("git push *", "git stash push", false, false),
            ("kamal *", "kamal deploy", true, true),
            ("kamal deploy *", "kamal -d staging deploy", false, true),
            ("cap * deploy", "cap production deploy", true, true),
            ("cap * deploy", "cap deploy", true, true),
            ("cap * deploy", "cap production deploy:check", false, false),
            (
                "cargo publish *",
                "cargo +nightly --config a=b publish",
                false,
                true,
            ),
            ("tool go *", "tool --level 3 go", false, true),
            ("tool go *", "tool --fast go", false, true),
            ("bin/rails test *", "bin/rails test", true, true),
            ("bin/rails test *", "./bin/rails test", false, true),
            ("bin/rails test *", "rails test", false, true),
            ("bin/*", "bin/setup", true, true),
            ("bin/*", "bin/../evil", false, true),
            ("npm run test:*", "npm run test:unit", true, true),
            ("npm run test:*", "npm run test:unit -- -u", false, false),
            ("* --force *", "git push --force", true, true),
            ("* kamal deploy", "KAMAL deploy", false, true),
            ("*", "anything at all", true, true),
            ("rm -rf *", "rm -v -rf x", false, true),
        ] {
            let parsed: CommandPattern = pattern.parse().unwrap();
            assert_eq!(
                parsed.gives(&split(command)),
                gives,
                "{pattern} gives {command}"
            );
            assert_eq!(
                parsed.takes(&split(command)),
                takes,
                "{pattern} takes {command}"
            );
        }
    }

    #[test]
    fn quotes_hold_words_together() {
        let one: CommandPattern = r#"git commit -m "*""#.parse().unwrap();
        let words = |last: &[&str]| {
            let head = ["git", "commit", "-m"].iter();
            head.chain(last)
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert!(one.gives(&words(&["a b"])));
        assert!(!one.gives(&words(&["a", "b"])) && !one.gives(&words(&[])));
        let literal: CommandPattern = "git commit -m '* $x'".parse().unwrap();
        assert!(literal.gives(&words(&["* $x"])) && !literal.gives(&words(&["a $x"])));
        assert!(literal.is_literal() && !one.is_literal());
        assert_eq!(one.literal_words(), ["git", "commit", "-m"]);
    }

    #[test]
    fn what_is_no_command_is_refused_where_it_goes_wrong() {
        for (pattern, at, message) in [
            ("", 0, "the pattern is empty"),
            ("  ", 0, "the pattern is empty"),
            ("''", 0, "the program has no name"),
            ("ls | wc", 3, "`|` is a shell operator"),
            ("a && b", 2, "`&&` is a shell operator"),
            ("a; b", 1, "`;` is a shell operator"),
            ("a > b", 2, "`>` is a shell operator"),
            ("echo $(date)", 5, "`$(` is a shell operator"),
            ("echo $HOME", 5, "`$` is a shell operator"),
            ("A=1 make", 0, "an assignment before the command"),
            ("git commit -m \"x", 14, "the quote is never closed"),
            ("ls **", 3, "`**` has no meaning in a command"),
            ("a\\ b", 1, "a backslash has no meaning in a pattern"),
        ] {
            let error = pattern.parse::<CommandPattern>().unwrap_err();
            assert_eq!(
                (error.message.as_str(), error.at),
                (message, at),
                "{pattern}"
            );
            assert!(error.help.is_some(), "{pattern}");
        }
    }
}
