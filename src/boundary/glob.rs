//! The syntax of path patterns: from text to machines.

use super::{
    PatternError,
    fold::fold,
    nfa::{Class, Nfa, Step},
};

// What `{a,b}` may come to when it is written out.
const MOST_ALTERNATIVES: usize = 256;
const LONGEST: usize = 2048;

/// Returns whether `letter` has a meaning of its own in a pattern; in brackets it stands for itself.
pub(super) const fn is_special(letter: char) -> bool {
    matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\')
}

/// A path pattern, read: every alternative that its braces stand for.
#[derive(Debug)]
pub(super) struct Glob {
    flats: Vec<Vec<Item>>,
}

impl Glob {
    /// Reads a pattern; what means nothing is an error, with its place.
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let flats = alternatives(text, tokens(text)?)?
            .iter()
            .map(|flat| items(flat, text))
            .collect::<Result<_, _>>()?;
        Ok(Self { flats })
    }

    /// Returns the one path that it names, if it is one and nothing else.
    pub(super) fn path(&self) -> Option<String> {
        let [flat] = self.flats.as_slice() else {
            return None;
        };
        let letters = flat.iter().map(|item| match item {
            Item::Char(letter) => Some(*letter),
            Item::Star | Item::One | Item::Class(_) | Item::Deep => None,
        });
        letters.collect()
    }

    /// Returns whether nothing in it stands for a single character.
    pub(super) fn is_plain(&self) -> bool {
        self.flats.iter().flatten().all(|item| match item {
            Item::Char(_) | Item::Star | Item::Deep => true,
            Item::One | Item::Class(_) => false,
        })
    }

    /// Returns the machine that reads what it names, folded or not.
    pub(super) fn compile(&self, folded: bool) -> Nfa {
        let mut steps = Vec::new();
        for (index, flat) in self.flats.iter().enumerate() {
            let split = steps.len();
            let more = index + 1 < self.flats.len();
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
fn alternatives(text: &str, tokens: Tokens) -> Result<Vec<Tokens>, PatternError> {
    let opens = |(_, token): &(usize, Token)| matches!(token, Token::Open);
    let mut done: Vec<Tokens> = Vec::new();
    let mut work: Vec<Tokens> = vec![tokens];
    while let Some(next) = work.pop() {
        let Some(open) = next.iter().position(opens) else {
            done.push(next);
            continue;
        };
        work.extend(write_out(&next, open)?.into_iter().rev());
        if work.len() + done.len() > MOST_ALTERNATIVES {
            let at = next.get(open).map_or(0, |(at, _)| *at);
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
                Token::Class(class) => match class.ranges.as_slice() {
                    // One letter with a meaning of its own, meant as itself.
                    [(low, high)]
                        if !class.negated && low == high && (is_special(*low) || *low == '~') =>
                    {
                        Item::Char(*low)
                    }
                    _ => Item::Class(class.clone()),
                },
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
