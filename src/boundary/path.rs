//! Patterns for paths, relative to the project root.
//!
//! `*` and `?` match leading dots and never `/`; `**` is a whole segment and stands for any number
//! of directories, at the end for everything below; `[a-z]` and `[!a]` are one character; `{a,b}` is
//! one of several texts. A pattern names files, links, and special files, never a directory as such.

use std::{borrow::Cow, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Pattern, PatternError, automata,
    fold::fold,
    nfa::{Class, Nfa, Step},
};

// What `{a,b}` may come to when it is written out.
const MOST_ALTERNATIVES: usize = 256;
const LONGEST: usize = 2048;

/// A pattern for paths.
///
/// `gives` compares exactly. `takes` also takes whatever differs from a match in case or in Unicode
/// normalisation alone, and first reads `a//b`, `./a/b`, and `a/x/../b` as `a/b`.
///
/// ```
/// # use factory::boundary::{PathPattern, Pattern};
/// let source: PathPattern = "app/**/*.rb".parse()?;
/// assert!(source.gives("app/a.rb") && source.gives("app/models/.b.rb"));
/// assert!(!source.gives("App/a.rb") && source.takes("App/A.RB"));
/// # Ok::<(), factory::boundary::PatternError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
    machines: Arc<Machines>,
}

#[derive(Debug)]
struct Machines {
    exact: Nfa,
    folded: Nfa,
    literal: bool,
    // Whether something may match exactly and not when both are folded.
    exact_takes_more: bool,
}

impl PathPattern {
    /// Returns whether it names one path and nothing else.
    pub fn is_literal(&self) -> bool {
        self.machines.literal
    }

    /// Returns the longest directory that everything it names lies below, without a trailing slash;
    /// empty for the project root.
    ///
    /// ```
    /// # use factory::boundary::PathPattern;
    /// assert_eq!("app/models/*.rb".parse::<PathPattern>()?.literal_prefix(), "app/models");
    /// assert_eq!("config/routes.rb".parse::<PathPattern>()?.literal_prefix(), "config");
    /// assert_eq!("**/*.md".parse::<PathPattern>()?.literal_prefix(), "");
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn literal_prefix(&self) -> &str {
        let plain = self.text.split(['*', '?', '[', '{']).next().unwrap_or("");
        plain
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory)
    }

    /// Makes the pattern that names everything below `directory` (the project root, if empty) and
    /// nothing else, whatever characters its name has.
    pub(super) fn below(directory: &str) -> Result<Self, PatternError> {
        let mut text = String::with_capacity(directory.len() + 3);
        for c in directory.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
                text.extend(['[', c, ']']);
            } else {
                text.push(c);
            }
        }
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str("**");
        text.parse()
    }

    pub(super) fn giving(&self) -> &Nfa {
        &self.machines.exact
    }

    pub(super) fn taking(&self) -> impl Iterator<Item = &Nfa> {
        let exact = self
            .machines
            .exact_takes_more
            .then_some(&self.machines.exact);
        std::iter::once(&self.machines.folded).chain(exact)
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut tokens = tokens(text)?;
        let flats = alternatives(text, &mut tokens)?
            .iter()
            .map(|flat| items(flat, text))
            .collect::<Result<Vec<_>, _>>()?;
        let literal = match flats.as_slice() {
            [flat] => flat.iter().all(|item| matches!(item, Item::Char(_))),
            _ => false,
        };
        let plain = flats.iter().flatten().all(|item| match item {
            Item::Char(_) | Item::Star | Item::Deep => true,
            Item::One | Item::Class(_) => false,
        });
        let exact = compile(&flats, false);
        if !plain && automata::accepts_no_path(&exact) {
            return Err(fault(0, "the pattern can match nothing", None));
        }
        Ok(Self {
            text: text.to_owned(),
            machines: Arc::new(Machines {
                exact,
                folded: compile(&flats, true),
                literal,
                exact_takes_more: !plain,
            }),
        })
    }
}

impl Pattern for PathPattern {
    type Subject = str;

    fn gives(&self, path: &str) -> bool {
        is_clean(path) && self.machines.exact.matches(path)
    }

    fn takes(&self, path: &str) -> bool {
        let Some(path) = clean(path) else {
            return false;
        };
        self.taking().any(|machine| machine.matches(&path))
    }
}

/// Returns whether `path` is relative and written in the one plain way: no empty segment, `.`, `..`,
/// or NUL.
pub(super) fn is_clean(path: &str) -> bool {
    !path.contains('\0')
        && path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Returns `path` written in the one plain way, or nothing if it is absolute, leads out of the
/// project, or is the root itself.
pub(super) fn clean(path: &str) -> Option<Cow<'_, str>> {
    if is_clean(path) {
        return Some(Cow::Borrowed(path));
    }
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    (!segments.is_empty()).then(|| Cow::Owned(segments.join("/")))
}

#[derive(Debug, Clone)]
enum Token {
    Char(char),
    Star,
    One,
    Class(Class),
    Open,
    Comma,
    Close,
}

#[derive(Debug, Clone)]
enum Item {
    Char(char),
    Star,
    One,
    Class(Class),
    // `**`: whole segments with their slashes; at the end followed by a `Star`.
    Deep,
}

type Tokens = Vec<(usize, Token)>;

fn fault(at: usize, message: impl Into<String>, help: Option<String>) -> PatternError {
    PatternError {
        message: message.into(),
        help,
        at,
    }
}

fn tokens(text: &str) -> Result<Tokens, PatternError> {
    if text.is_empty() {
        let help = "write `**` for everything in the project".to_owned();
        return Err(fault(0, "the pattern is empty", Some(help)));
    }
    if text.len() > LONGEST {
        return Err(fault(
            LONGEST,
            format!("the pattern is longer than {LONGEST} bytes"),
            None,
        ));
    }
    if text.starts_with("~/") || text == "~" {
        let help = "paths are relative to the project root, and nothing outside can be granted";
        return Err(fault(0, "`~` is not expanded", Some(help.to_owned())));
    }
    let mut tokens = Vec::new();
    let mut depth = 0usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let token = match c {
            '\\' => {
                let help = "segments are separated by `/`; for a literal `*` write `[*]`";
                return Err(fault(
                    at,
                    "a backslash has no meaning in a pattern",
                    Some(help.to_owned()),
                ));
            }
            c if c.is_control() => {
                return Err(fault(at, "a control character in the pattern", None));
            }
            '*' => Token::Star,
            '?' => Token::One,
            '[' => Token::Class(class(text, at, &mut chars)?),
            '{' => {
                depth += 1;
                Token::Open
            }
            ',' if depth > 0 => Token::Comma,
            '}' if depth > 0 => {
                depth -= 1;
                Token::Close
            }
            '}' => {
                let help = "for a literal `}` write `[}]`".to_owned();
                return Err(fault(at, "`}` closes nothing", Some(help)));
            }
            c => Token::Char(c),
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn class(text: &str, start: usize, chars: &mut Chars<'_>) -> Result<Class, PatternError> {
    let unclosed = || {
        let help = "close it with `]`; for a literal `[` write `[[]`".to_owned();
        fault(start, "`[` is never closed", Some(help))
    };
    let negated = chars.next_if(|(_, c)| *c == '!').is_some();
    if let Some((at, '^')) = chars.peek() {
        let rest = text.get(at + 1..).unwrap_or("");
        let rest = rest.split(']').next().unwrap_or("");
        let help = format!("write `[!{rest}]` for any character but these");
        return Err(fault(*at, "`[^` has no meaning here", Some(help)));
    }
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let (at, low) = chars.next().ok_or_else(unclosed)?;
        match low {
            ']' if !ranges.is_empty() => break,
            '/' => {
                let help = "`/` only stands between segments".to_owned();
                return Err(fault(at, "`/` within brackets", Some(help)));
            }
            '[' if matches!(chars.peek(), Some((_, ':' | '.' | '='))) => {
                let help = "write a range, for instance `[a-z]`".to_owned();
                return Err(fault(at, "named classes are not known", Some(help)));
            }
            c if c.is_control() => {
                return Err(fault(at, "a control character in the pattern", None));
            }
            _ => {}
        }
        let mut ahead = chars.clone();
        let range = match (ahead.next(), ahead.next()) {
            (Some((_, '-')), Some((_, high))) if high != ']' => Some(high),
            (_, _) => None,
        };
        match range {
            Some(high) if high < low => {
                let help = format!("write `{high}-{low}`");
                return Err(fault(
                    at,
                    format!("the range `{low}-{high}` is empty"),
                    Some(help),
                ));
            }
            Some(high) => {
                ranges.push((low, high));
                chars.next();
                chars.next();
            }
            None => ranges.push((low, low)),
        }
    }
    Ok(Class { negated, ranges })
}

// Writes out every `{a,b}`, so that what is checked and compiled afterwards is flat.
fn alternatives(text: &str, tokens: &mut Tokens) -> Result<Vec<Tokens>, PatternError> {
    let Some(open) = tokens
        .iter()
        .position(|(_, token)| matches!(token, Token::Open))
    else {
        return Ok(vec![std::mem::take(tokens)]);
    };
    let at = tokens.get(open).map_or(0, |(at, _)| *at);
    let mut done: Vec<Tokens> = Vec::new();
    let mut work: Vec<Tokens> = vec![std::mem::take(tokens)];
    while let Some(next) = work.pop() {
        let Some(open) = next
            .iter()
            .position(|(_, token)| matches!(token, Token::Open))
        else {
            done.push(next);
            continue;
        };
        work.extend(write_out(&next, open)?.into_iter().rev());
        if work.len() + done.len() > MOST_ALTERNATIVES {
            let message = format!("the braces stand for more than {MOST_ALTERNATIVES} patterns");
            let help = format!("split `{text}` into several patterns");
            return Err(fault(at, message, Some(help)));
        }
    }
    Ok(done)
}

fn write_out(tokens: &Tokens, open: usize) -> Result<Vec<Tokens>, PatternError> {
    let at = tokens.get(open).map_or(0, |(at, _)| *at);
    let (before, rest) = tokens.split_at(open);
    let mut choices: Vec<Tokens> = vec![Vec::new()];
    let mut depth = 0usize;
    for (index, (place, token)) in rest.iter().enumerate() {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            Token::Comma if depth == 1 => {
                choices.push(Vec::new());
                continue;
            }
            Token::Char(_) | Token::Star | Token::One | Token::Class(_) | Token::Comma => {}
        }
        if depth == 0 {
            if choices.len() == 1 {
                let help = "write it without braces, or `[{]` for a literal `{`".to_owned();
                return Err(fault(at, "braces with one alternative", Some(help)));
            }
            let after = rest.get(index + 1..).unwrap_or_default();
            let whole = |choice: Tokens| [before, &choice, after].concat();
            return Ok(choices.into_iter().map(whole).collect());
        }
        if index > 0
            && let Some(choice) = choices.last_mut()
        {
            choice.push((*place, token.clone()));
        }
    }
    let help = "close it with `}`; for a literal `{` write `[{]`".to_owned();
    Err(fault(at, "`{` is never closed", Some(help)))
}

// Checks one flat pattern segment by segment.
fn items(flat: &Tokens, text: &str) -> Result<Vec<Item>, PatternError> {
    let segments: Vec<&[(usize, Token)]> = flat
        .split(|(_, token)| matches!(token, Token::Char('/')))
        .collect();
    let last = segments.len() - 1;
    let mut items = Vec::new();
    let mut slashes = flat
        .iter()
        .filter(|(_, token)| matches!(token, Token::Char('/')));
    let mut at = flat.first().map_or(0, |(at, _)| *at);
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            at = slashes.next().map_or(at, |(slash, _)| slash + 1);
        }
        at = segment.first().map_or(at, |(first, _)| *first);
        match segment {
            [] => return Err(empty_segment(index, last, at, text)),
            [(_, Token::Char('.'))] => {
                let help = match text.strip_prefix("./") {
                    Some(rest) if !rest.is_empty() => format!("write `{rest}`"),
                    Some(_) | None => "leave it out".to_owned(),
                };
                return Err(fault(at, "`.` as a segment", Some(help)));
            }
            [(_, Token::Char('.')), (_, Token::Char('.'))] => {
                let help = "paths are relative to the project root and never lead out of it";
                return Err(fault(at, "`..` as a segment", Some(help.to_owned())));
            }
            [(_, Token::Star), (_, Token::Star)] => {
                items.push(Item::Deep);
                if index == last {
                    items.push(Item::Star);
                }
                continue;
            }
            _ => {}
        }
        let mut starred = false;
        for (place, token) in *segment {
            let star = matches!(token, Token::Star);
            if star && starred {
                let help =
                    "write `*` within a segment, or give `**` a segment of its own: `a/**/b`";
                return Err(fault(
                    place - 1,
                    "`**` within a segment",
                    Some(help.to_owned()),
                ));
            }
            starred = star;
            items.push(match token {
                Token::Star => Item::Star,
                Token::One => Item::One,
                Token::Class(class) => Item::Class(class.clone()),
                Token::Char(c) => Item::Char(*c),
                Token::Comma => Item::Char(','),
                Token::Open | Token::Close => return Err(fault(*place, "a stray brace", None)),
            });
        }
        if index < last {
            items.push(Item::Char('/'));
        }
    }
    Ok(items)
}

fn empty_segment(index: usize, last: usize, at: usize, text: &str) -> PatternError {
    if last == 0 {
        return fault(at, "one of the alternatives is empty", None);
    }
    if index == 0 {
        let help = match text.trim_start_matches('/') {
            "" => "paths are relative to the project root; write `**` for everything".to_owned(),
            rest => format!("paths are relative to the project root: write `{rest}`"),
        };
        return fault(0, "the path is absolute", Some(help));
    }
    if index == last {
        let help = format!(
            "write `{}/**` for everything in the directory",
            text.trim_end_matches('/')
        );
        return fault(
            text.len().saturating_sub(1),
            "a pattern names files, not a directory",
            Some(help),
        );
    }
    fault(at, "an empty segment", Some("write one `/`".to_owned()))
}

fn compile(flats: &[Vec<Item>], folded: bool) -> Nfa {
    let mut steps = Vec::new();
    for (index, flat) in flats.iter().enumerate() {
        let split = steps.len();
        let more = index + 1 < flats.len();
        if more {
            steps.push(Step::Split(split + 1, 0));
        }
        compile_flat(flat, folded, &mut steps);
        let next = steps.len();
        if more && let Some(step) = steps.get_mut(split) {
            *step = Step::Split(split + 1, next);
        }
    }
    Nfa::new(steps, '/', folded)
}

fn compile_flat(flat: &[Item], folded: bool, steps: &mut Vec<Step>) {
    let mut literal = String::new();
    for item in flat {
        if let Item::Char(c) = item {
            literal.push(*c);
            continue;
        }
        compile_literal(&mut literal, folded, steps);
        match item {
            Item::Char(_) => {}
            Item::Star => steps.push(Step::Star),
            Item::One => steps.push(Step::One),
            Item::Class(class) => steps.push(Step::Class(class.clone())),
            Item::Deep => {
                let start = steps.len();
                steps.extend([
                    Step::Split(start + 4, start + 1),
                    Step::Star,
                    Step::Lit('/'),
                    Step::Goto(start),
                ]);
            }
        }
        if folded && matches!(item, Item::One | Item::Class(_)) {
            steps.push(Step::Marks);
        }
    }
    compile_literal(&mut literal, folded, steps);
    steps.push(Step::Accept);
}

fn compile_literal(literal: &mut String, folded: bool, steps: &mut Vec<Step>) {
    if folded {
        steps.extend(fold(literal).chars().map(Step::Lit));
    } else {
        steps.extend(literal.chars().map(Step::Lit));
    }
    literal.clear();
}

super::grant::written_as_text!(PathPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_given_exactly_and_taken_in_any_spelling() {
        for (pattern, path, gives, takes) in [
            ("app/**", "app/a", true, true),
            ("app/**", "app/a/b/.c", true, true),
            ("app/**", "app", false, false),
            ("app/**", "APP/x", false, true),
            ("app/**", "application/x", false, false),
            ("app/**/*.rb", "app/a.rb", true, true),
            ("app/**/*.rb", "app/m/n/a.rb", true, true),
            ("app/**/*.rb", "app/m/n/a.rbx", false, false),
            ("**/.env*", ".env", true, true),
            ("**/.env*", "a/b/.ENV.local", false, true),
            (".env*", "a/.env", false, false),
            ("*", ".hidden", true, true),
            ("*", "a/b", false, false),
            ("?", ".", false, false),
            ("a?c", "a/c", false, false),
            ("a?c", "a\u{e9}c", true, true),
            ("a?c", "ae\u{301}c", false, true),
            ("caf\u{e9}", "CAFE\u{301}", false, true),
            ("[a-c]x", "bx", true, true),
            ("[a-c]x", "Bx", false, true),
            ("[!a-c]x", "dx", true, true),
            ("[!a-c]x", "ax", false, true),
            ("[*]", "*", true, true),
            ("[*]", "a", false, false),
            ("[]a]", "]", true, true),
            ("{app,lib}/**/*.{rb,rake}", "lib/tasks/a.rake", true, true),
            ("{app,lib}/**/*.{rb,rake}", "test/a.rb", false, false),
            ("{app/**,Gemfile}", "Gemfile", true, true),
            ("{a,{b,c}d}", "cd", true, true),
            ("foo{,.bak}", "foo", true, true),
            ("a,b", "a,b", true, true),
            ("app/**", "app/../config/x", false, false),
            ("config/**", "app/../config/x", false, true),
            ("app/**", "./app//x", false, true),
            ("**", "../x", false, false),
            ("**", "/etc/passwd", false, false),
            ("**", "a", true, true),
            ("**/.git/**", "A/.G\u{200c}it/hooks/x", false, true),
            ("a/**/b", "a/b", true, true),
            ("a/**/b", "a/x/y/b", true, true),
            ("a/**/b", "axb", false, false),
            ("stra\u{df}e", "STRASSE", false, true),
        ] {
            let parsed: PathPattern = pattern.parse().unwrap();
            assert_eq!(parsed.gives(path), gives, "{pattern} gives {path}");
            assert_eq!(parsed.takes(path), takes, "{pattern} takes {path}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused_where_it_goes_wrong() {
        for (pattern, at, message, help) in [
            (
                "",
                0,
                "the pattern is empty",
                "write `**` for everything in the project",
            ),
            (
                "/etc/passwd",
                0,
                "the path is absolute",
                "paths are relative to the project root: write `etc/passwd`",
            ),
            (
                "~/x",
                0,
                "`~` is not expanded",
                "paths are relative to the project root, and nothing outside can be granted",
            ),
            (
                "../x",
                0,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
            (
                "a/../b",
                2,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
            ("./a", 0, "`.` as a segment", "write `a`"),
            ("a//b", 2, "an empty segment", "write one `/`"),
            (
                "app/",
                3,
                "a pattern names files, not a directory",
                "write `app/**` for everything in the directory",
            ),
            (
                "a\\b",
                1,
                "a backslash has no meaning in a pattern",
                "segments are separated by `/`; for a literal `*` write `[*]`",
            ),
            (
                "app/**.rb",
                4,
                "`**` within a segment",
                "write `*` within a segment, or give `**` a segment of its own: `a/**/b`",
            ),
            (
                "[a-z",
                0,
                "`[` is never closed",
                "close it with `]`; for a literal `[` write `[[]`",
            ),
            (
                "x{a,b",
                1,
                "`{` is never closed",
                "close it with `}`; for a literal `{` write `[{]`",
            ),
            (
                "x}",
                1,
                "`}` closes nothing",
                "for a literal `}` write `[}]`",
            ),
            (
                "[^a]",
                1,
                "`[^` has no meaning here",
                "write `[!a]` for any character but these",
            ),
            ("[z-a]", 1, "the range `z-a` is empty", "write `a-z`"),
            (
                "[a/b]",
                2,
                "`/` within brackets",
                "`/` only stands between segments",
            ),
            (
                "[[:alpha:]]",
                1,
                "named classes are not known",
                "write a range, for instance `[a-z]`",
            ),
            (
                "{a}",
                0,
                "braces with one alternative",
                "write it without braces, or `[{]` for a literal `{`",
            ),
            (
                "a/{b,..}/c",
                5,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
        ] {
            let error = pattern.parse::<PathPattern>().unwrap_err();
            let found = (error.at, error.message.as_str(), error.help.as_deref());
            assert_eq!(found, (at, message, Some(help)), "{pattern}");
        }
        for (pattern, message) in [
            ("a\0b", "a control character in the pattern"),
            ("[.]", "the pattern can match nothing"),
            ("a/[.][.]/b", "the pattern can match nothing"),
            ("{a,}", "one of the alternatives is empty"),
            (
                "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
                "the braces stand for more than 256 patterns",
            ),
        ] {
            assert_eq!(
                pattern.parse::<PathPattern>().unwrap_err().message,
                message,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_long_pattern_is_no_slower_than_its_length() {
        let pattern: PathPattern = format!("{}b", "a*/**/".repeat(200)).parse().unwrap();
        assert!(!pattern.gives(&"a".repeat(200).replace('a', "a/")));
        assert!(!pattern.takes(&"a/".repeat(2000)));
    }

    #[test]
    fn a_pattern_is_written_to_the_lock_as_text() {
        let pattern: PathPattern = "app/**".parse().unwrap();
        assert_eq!(serde_json::to_string(&pattern).unwrap(), "\"app/**\"");
        assert_eq!(
            serde_json::from_str::<PathPattern>("\"app/**\"").unwrap(),
            pattern
        );
        assert!(serde_json::from_str::<PathPattern>("\"/app\"").is_err());
        assert!(!pattern.is_literal() && "a/b".parse::<PathPattern>().unwrap().is_literal());
    }
}
