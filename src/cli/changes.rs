//! How a change of prompts is shown.

use std::fmt::Write as _;

use crate::{
    diagnostics::Sources,
    emit::{PromptChange, Tag},
};

/// How many roles are named where a change touches many.
const MOST_NAMED: usize = 8;

/// Returns the line above a change: what causes it, and whom it touches.
pub(super) fn heading(change: &PromptChange, sources: &Sources) -> String {
    let named = change.roles.iter().take(MOST_NAMED);
    let mut roles = named.map(String::as_str).collect::<Vec<_>>().join(", ");
    if change.roles.len() > MOST_NAMED {
        let _ = write!(roles, ", and {} more", change.roles.len() - MOST_NAMED);
    }
    match place(change, sources) {
        Some(place) => format!("{place}, in {roles}:\n"),
        None => format!("in {roles}:\n"),
    }
}

/// Returns what has to be edited to change the words, as `path:line`.
pub(super) fn place(change: &PromptChange, sources: &Sources) -> Option<String> {
    let cause = change.cause(sources)?;
    let line = cause.line.map(|line| format!(":{line}"));
    Some(format!("{}{}", cause.path, line.unwrap_or_default()))
}

/// Returns the lines of a change; new and gone words are marked.
pub(super) fn lines(change: &PromptChange, colour: bool) -> String {
    let mut text = String::new();
    for line in &change.lines {
        let (mark, code, open, close) = match line.tag {
            Tag::Kept => (' ', "2", "", ""),
            Tag::Gone => ('-', "31", "[-", "-]"),
            Tag::New => ('+', "32", "{+", "+}"),
        };
        let mut words = String::new();
        for (marked, piece) in &line.pieces {
            match (marked, colour) {
                (true, true) => {
                    let _ = write!(words, "\u{1b}[7m{piece}\u{1b}[27m");
                }
                // A line that is new as a whole needs no marks within.
                (true, false) if line.pieces.len() > 1 => {
                    let _ = write!(words, "{open}{piece}{close}");
                }
                _ => words.push_str(piece),
            }
        }
        let line = format!("  {mark} {words}");
        let line = line.trim_end();
        let _ = if colour {
            writeln!(text, "\u{1b}[{code}m{line}\u{1b}[0m")
        } else {
            writeln!(text, "{line}")
        };
    }
    text
}
