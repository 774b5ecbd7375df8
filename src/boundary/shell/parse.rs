//! The parser of shell text, kept from hostile input.

use brush_parser::{
    Parser, ParserOptions, TokenizerOptions, ast,
    word::{self, WordPieceWithSource},
};

use super::Refusal;

/// The longest line that is read.
const LONGEST: usize = 256 * 1024;

// The parser goes down a level of its stack for each of these; the judge's thread has room for more.
const MOST_OPENERS: usize = 400;

/// The stack that a judge needs for a line within these bounds.
pub(super) const STACK: usize = 128 << 20;

// Words that open a level of nesting.
const OPENERS: &[&str] = &[
    "(", "((", "{", "[[", "!", "if", "elif", "while", "until", "for", "case", "do", "then", "else",
    "coproc", "time", "function", ")",
];

// How many words a line has at most that is told to be flat: each may be a wrapper around the next.
const MOST_FLAT: usize = 8;

/// Returns whether a line is so plain that nothing in it lies within anything else, but for a few wrappers:
/// any stack has room for that.
pub(super) fn is_flat(line: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -_./:=@+,".contains(&byte);
    line.bytes().all(plain)
        && line.split(' ').count() <= MOST_FLAT
        && !line.split(' ').any(|word| OPENERS.contains(&word))
}

fn options() -> ParserOptions {
    ParserOptions {
        // As `bash -c` does; a bracketed list after a word is then an error.
        enable_extended_globbing: false,
        ..ParserOptions::default()
    }
}

fn tokenizer() -> TokenizerOptions {
    TokenizerOptions {
        enable_extended_globbing: false,
        posix_mode: false,
        sh_mode: false,
    }
}

/// Returns the program that `text` is.
pub(super) fn program(text: &str) -> Result<ast::Program, Refusal> {
    let refuse = |reason: &str| Refusal::new(excerpt(text), reason);
    if text.len() > LONGEST {
        return Err(refuse("is too long to be judged"));
    }
    let odd = |c: &char| {
        (c.is_whitespace() && !" \t\n".contains(*c)) || (c.is_control() && !"\t\n".contains(*c))
    };
    if text.chars().any(|c| odd(&c)) {
        return Err(refuse(
            "has a control character or a blank that shells read differently",
        ));
    }
    let expansions = ["$(", "${", "<(", ">(", "`", "$["];
    let within: usize = expansions
        .iter()
        .map(|mark| text.matches(mark).count())
        .sum();
    if within > MOST_OPENERS {
        return Err(refuse("has too many expansions to be judged"));
    }
    if comments_in_arithmetic(text) {
        return Err(refuse(
            "has a `#` within `((…))`, where shells read it differently",
        ));
    }
    if document_in_parameter(text) {
        return Err(refuse(
            "has a `<<` within `${…}`, where shells read it differently",
        ));
    }
    let unreadable = || refuse("is not understood as shell text");
    let tokens =
        brush_parser::uncached_tokenize_str(text, &tokenizer()).map_err(|_| unreadable())?;
    let opens = |token: &&brush_parser::Token| OPENERS.contains(&token.to_str());
    if tokens.iter().filter(opens).count() > MOST_OPENERS {
        return Err(refuse("is nested too deeply to be judged"));
    }
    Parser::new(text.as_bytes(), &options())
        .parse_program()
        .map_err(|_| unreadable())
}

// Whether something that looks like a comment stands within arithmetic: a shell knows none there, and our
// parser leaves it out before anyone looks.
fn comments_in_arithmetic(text: &str) -> bool {
    let (Some(open), Some(close)) = (text.find("(("), text.rfind("))")) else {
        return false;
    };
    let within = text.get(open + 2..close).unwrap_or_default();
    let before = |at: usize| within.get(..at).and_then(|text| text.chars().next_back());
    within
        .match_indices('#')
        .any(|(at, _)| before(at).is_none_or(|c| c.is_whitespace() || "();&|".contains(c)))
}

// Whether a here-document may begin within `${…}`: there it is none to a shell. Where quotes and inner
// expansions leave open which brace closes, the last one counts.
fn document_in_parameter(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        let rest = text.get(at + 2..).unwrap_or_default();
        let first = rest.find('}').unwrap_or(rest.len());
        let plain = rest.get(..first).unwrap_or_default();
        let within = if plain.contains(['\'', '"', '\\', '`', '{', '(', '<']) {
            rest.rfind('}').and_then(|last| rest.get(..last))
        } else {
            Some(plain)
        };
        within.unwrap_or(rest).contains("<<")
    })
}

/// Returns the pieces of a word.
pub(super) fn word(text: &str) -> Result<Vec<WordPieceWithSource>, Refusal> {
    word::parse(text, &options())
        .map_err(|_| Refusal::new(excerpt(text), "is not understood as a word"))
}

/// Returns the pieces of text in which quotes mean nothing, as in a here-document.
pub(super) fn quoted(text: &str) -> Result<Vec<WordPieceWithSource>, Refusal> {
    word::parse_heredoc(text, &options())
        .map_err(|_| Refusal::new(excerpt(text), "is not understood as text with expansions"))
}

/// Returns the start of `text`, for a message.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 120;
    let line = text.trim();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}
