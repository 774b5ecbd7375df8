//! What runs within the commands that a pattern gives, behind wrappers and in scripts; and what runs
//! around them, as a wrapper that needs no grant of its own.
//!
//! A pattern is read as a command of which some words are not known, so the judge's own reading of
//! wrappers says what runs in it. What is found here is likely: the judge has the last word on a line.

use super::{
    arguments::{Argument, Piece},
    builtins,
    wrappers::{self, Call},
};
use crate::boundary::{
    CommandPattern, Entry, Grant, Nevers, Pattern as _, TooComplex,
    automata::{loses_around, loses_behind},
    command::{Part, Word},
    programs::base_name,
};

// Builtins that run the command in their arguments.
const PASS_ON: &[&str] = &["builtin", "command", "exec"];

// How many wrappers stand behind each other before anything may run.
const DEEPEST: usize = 8;

// Stands for a command where it is only asked whether one is run; no pattern has this character.
const MARK: &str = "\u{f8ff}";

/// What a command runs besides itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// Nothing.
    Nothing,
    /// These commands, without a grant for the wrapper if it needs none.
    Commands {
        commands: Vec<Vec<Argument>>,
        needs_grant: bool,
    },
    /// The script in this word.
    Script(Argument),
    /// Whatever its words become.
    Anything,
}

/// Returns what a command runs besides itself.
pub(super) fn inner(words: &[Argument]) -> Inner {
    let Some((program, rest)) = words.split_first() else {
        return Inner::Nothing;
    };
    let Some(name) = program.literal() else {
        return Inner::Anything;
    };
    if PASS_ON.contains(&name.as_str()) {
        return match rest {
            [first, ..] if first.literal().is_none() => Inner::Anything,
            [first, ..] if first.is("-v") || first.is("-V") => Inner::Nothing,
            [first, ..] if first.prefix().starts_with('-') => Inner::Anything,
            [] => Inner::Nothing,
            command => Inner::Commands {
                commands: vec![command.to_vec()],
                needs_grant: false,
            },
        };
    }
    match wrappers::unwrap(&name, rest) {
        Ok(None) => Inner::Nothing,
        Ok(Some(wrapped)) => match wrapped.scripts.into_iter().next() {
            _ if wrapped.reads_script => Inner::Anything,
            Some(script) => Inner::Script(script),
            None if wrapped.commands.is_empty() => Inner::Nothing,
            None => Inner::Commands {
                commands: wrapped.commands,
                needs_grant: wrapped.needs_grant,
            },
        },
        Err(_) => Inner::Anything,
    }
}

/// Returns the pattern as a command of which some words are not known.
pub(super) fn arguments(pattern: &CommandPattern) -> Vec<Argument> {
    let word = |word: &Word| match word {
        Word::Any => Argument::unknown("*", true),
        Word::One(parts) => {
            let mut pieces = vec![Piece::Text(String::new())];
            for part in parts {
                match (part, pieces.last_mut()) {
                    (Part::Char(c), Some(Piece::Text(text))) => text.push(*c),
                    (Part::Char(c), _) => pieces.push(Piece::Text(c.to_string())),
                    (Part::Star, _) => pieces.push(Piece::Unknown { splits: false }),
                }
            }
            Argument {
                shown: pattern.to_string(),
                pieces,
            }
        }
    };
    pattern.words().iter().map(word).collect()
}

/// Returns whether something that `taken` takes away may run within a command that `given` gives. Says
/// no only for certain.
///
/// ```
/// # use factory::boundary::{CommandPattern, may_run_within};
/// let within = |given: &str, taken: &str| {
///     may_run_within(&given.parse().unwrap(), &taken.parse::<CommandPattern>().unwrap())
/// };
/// assert!(within("bundle exec kamal *", "kamal *") && within("npx *", "kamal *"));
/// assert!(!within("bundle install", "kamal *") && !within("timeout 5 ls", "kamal *"));
/// ```
pub fn may_run_within(given: &CommandPattern, taken: &CommandPattern) -> bool {
    may_wrap(given) && reaches(&arguments(given), taken.program(), DEEPEST)
}

// Most programs are none that runs another, which their name alone tells.
fn may_wrap(given: &CommandPattern) -> bool {
    let program = given.literal_words().first();
    program.is_none_or(|program| {
        PASS_ON.contains(&program.as_str()) || wrappers::is_wrapper(base_name(program))
    })
}

/// Returns whether the commands that `given` gives run others: it is a wrapper, or may be one.
pub fn runs_others(given: &CommandPattern) -> bool {
    may_wrap(given) && inner(&arguments(given)) != Inner::Nothing
}

fn reaches(words: &[Argument], program: Option<&str>, depth: usize) -> bool {
    match inner(words) {
        Inner::Nothing => false,
        Inner::Script(_) | Inner::Anything => true,
        Inner::Commands { commands, .. } => commands.iter().any(|command| {
            let name = command.first().and_then(Argument::literal);
            let same = match (&name, program) {
                (Some(name), Some(program)) => same_program(base_name(name), program),
                (_, _) => true,
            };
            same || depth == 0 || reaches(command, program, depth - 1)
        }),
    }
}

// As a `never` compares them; what is not plain counts as the same.
fn same_program(one: &str, two: &str) -> bool {
    !one.is_ascii() || !two.is_ascii() || one.eq_ignore_ascii_case(two)
}

/// Returns lines that `alone`, a grant of one entry, permits and in which something runs that `taken`
/// takes away; the shorter ones first.
///
/// # Errors
///
/// Where the patterns are too complex to be compared: then nothing is known.
pub fn lines_within(
    alone: &Grant<CommandPattern>,
    taken: &Entry<CommandPattern>,
) -> Result<Vec<Box<[String]>>, TooComplex> {
    let Some(given) = alone.may.first().map(|may| &may.pattern) else {
        return Ok(Vec::new());
    };
    let mut lines: Vec<Box<[String]>> = Vec::new();
    // A script that the spec itself writes out.
    lines.extend(given.example().filter(|_| given.is_literal()));
    let literal = given.literal_words();
    let inner = about(&alone.never, &taken.pattern);
    for (before, script) in calls_of(given) {
        let next = literal.get(before.len());
        if script {
            lines.extend(script_line(&before, &inner, taken)?);
            continue;
        }
        if let (Some(next), Some(program)) = (next, taken.pattern.program())
            && !same_program(base_name(next), program)
        {
            continue;
        }
        let outer = Grant {
            never: about(&alone.never, given),
            ..alone.clone()
        };
        let line = |before: &[String], command: Box<[String]>| {
            before.iter().cloned().chain(command).collect::<Box<_>>()
        };
        let found = loses_behind(&before, &outer, &inner, taken)?;
        lines.extend(found.map(|command| line(&before, command)));
        if !outer.never.is_empty() {
            // One that a `never` keeps from running so may run behind a second wrapper.
            let before = [before.as_slice(), &["env".to_owned()]].concat();
            let found = loses_behind(&before, &outer, &inner, taken)?;
            lines.extend(found.map(|command| line(&before, command)));
        }
    }
    lines.retain(|line| alone.permits(line));
    Ok(ordered(lines))
}

// The nevers that may take something that `pattern` speaks of.
fn about(never: &Nevers<CommandPattern>, pattern: &CommandPattern) -> Nevers<CommandPattern> {
    let same = |never: &&Entry<CommandPattern>| match (never.pattern.program(), pattern.program()) {
        (Some(one), Some(two)) => same_program(one, two),
        (_, _) => true,
    };
    never
        .iter()
        .filter(same)
        .cloned()
        .collect::<Vec<_>>()
        .into()
}

fn script_line(
    before: &[String],
    never: &Nevers<CommandPattern>,
    taken: &Entry<CommandPattern>,
) -> Result<Option<Box<[String]>>, TooComplex> {
    let everything = "*".parse::<CommandPattern>().ok();
    let free = Grant {
        may: everything.into_iter().map(Into::into).collect(),
        never: never.clone(),
        only: None,
    };
    let inner = free.loses(taken)?;
    let script = inner.map(|inner| CommandPattern::show(&inner));
    Ok(script.map(|script| before.iter().cloned().chain([script]).collect()))
}

// The beginnings of what a pattern names behind which a command stands, or a script: those that it spells
// out itself, also with a value or two behind them, and the shortest call of the wrapper that it names.
fn calls_of(pattern: &CommandPattern) -> Vec<(Vec<String>, bool)> {
    let literal = pattern.literal_words();
    let values = |more: usize| [literal.to_vec(), vec!["1".to_owned(); more]].concat();
    let spelled = (1..=literal.len()).filter_map(|length| Some(literal.get(..length)?.to_vec()));
    let spelled = spelled.chain((1..=2).filter(|_| !literal.is_empty()).map(values));
    let own = spelled.filter_map(|before| {
        let mut words: Vec<_> = before.iter().map(Argument::text).collect();
        words.push(Argument::text(MARK));
        passes(&words, DEEPEST).map(|script| (before, script))
    });
    let mut calls: Vec<_> = own.collect();
    if let Some((program, rest)) = literal.split_first() {
        let shortest = wrappers::calls().filter_map(|Call { words, script, .. }| {
            let (name, more) = words.split_first()?;
            let goes_on = more.len() > rest.len() && more.iter().zip(rest).all(|(a, b)| a == b);
            (base_name(program) == *name && goes_on).then(|| {
                let more = more.iter().map(|word| (*word).to_owned());
                ([program.clone()].into_iter().chain(more).collect(), script)
            })
        });
        calls.extend(shortest);
    }
    calls
}

// Whether the mark behind the words is run as a command, or as a script.
fn passes(words: &[Argument], depth: usize) -> Option<bool> {
    match inner(words) {
        Inner::Nothing | Inner::Anything => None,
        Inner::Script(script) => script.is(MARK).then_some(true),
        Inner::Commands { commands, .. } => commands.iter().find_map(|command| {
            if command.first().is_some_and(|first| first.is(MARK)) {
                return Some(false);
            }
            let deeper = depth.checked_sub(1)?;
            passes(command, deeper)
        }),
    }
}

/// Returns whether `taken` takes away something that needs no grant of its own: a builtin of the shell,
/// or a wrapper around a command that is granted. Says no only for certain.
pub fn takes_ungranted(taken: &CommandPattern) -> bool {
    let Some(program) = taken.program() else {
        return true;
    };
    let lower = program.to_lowercase();
    builtins::is_special(&lower) || PASS_ON.contains(&lower.as_str()) || !program.is_ascii()
}

/// Returns lines that `taken` takes away and in which a wrapper that needs no grant runs what `alone`, a
/// grant of one entry, permits; or runs `granted`, which it permits.
///
/// # Errors
///
/// Where the patterns are too complex to be compared: then nothing is known.
pub fn lines_around(
    alone: &Grant<CommandPattern>,
    granted: Option<&[String]>,
    taken: &Entry<CommandPattern>,
) -> Result<Vec<Box<[String]>>, TooComplex> {
    let mut lines: Vec<Box<[String]>> = Vec::new();
    let outer = about(&alone.never, &taken.pattern);
    let given = alone.may.first().map(|may| &may.pattern);
    let inner = Grant {
        never: given.map_or_else(Nevers::default, |given| about(&alone.never, given)),
        ..alone.clone()
    };
    for (before, script) in calls_of(&taken.pattern) {
        let found = match (granted, script) {
            (Some(granted), _) => Some(granted.into()),
            (None, false) => loses_around(&before, &inner, &outer, taken)?,
            (None, true) => None,
        };
        let line = |command: Box<[String]>| {
            let command = if script {
                vec![CommandPattern::show(&command)]
            } else {
                command.into_vec()
            };
            before.iter().cloned().chain(command).collect()
        };
        lines.extend(found.map(line));
    }
    lines.retain(|line| taken.takes(line));
    Ok(ordered(lines))
}

/// Returns lines that `taken` takes away and that need no grant.
pub fn lines_without_grant(taken: &Entry<CommandPattern>) -> Vec<Box<[String]>> {
    let program = taken.pattern.program();
    let mut lines: Vec<Box<[String]>> = taken.pattern.example().into_iter().collect();
    lines.extend(taken.pattern.filled(&["a"]));
    let examples = lines.clone();
    for name in builtins::names() {
        let rest = match program {
            Some(program) if !same_program(name, program) => continue,
            Some(_) => 1,
            None => 0,
        };
        let line = |example: &[String]| {
            let rest = example.get(rest..).unwrap_or_default();
            [name.to_owned()]
                .into_iter()
                .chain(rest.iter().cloned())
                .collect()
        };
        lines.extend(examples.iter().map(|example| line(example)));
    }
    lines.retain(|line| taken.takes(line));
    ordered(lines)
}

// The shorter ones first, each once.
fn ordered(mut lines: Vec<Box<[String]>>) -> Vec<Box<[String]>> {
    let length = |line: &[String]| line.iter().map(|word| word.len() + 1).sum::<usize>();
    lines.sort_by(|one, two| (length(one), one).cmp(&(length(two), two)));
    lines.dedup();
    lines
}
