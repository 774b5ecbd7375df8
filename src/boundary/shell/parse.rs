//! The parser of shell text, kept from hostile input.

use brush_parser::{
    Parser, ParserOptions, Token, TokenizerOptions, ast,
    word::{self, WordPieceWithSource},
};

use super::Refusal;

/// The longest line that is read.
const LONGEST: usize = 256 * 1024;

// The parser goes down a level of its stack for each of these; the judge's thread has room for more.
const MOST_OPENERS: usize = 400;

// How deep parentheses and `case` may lie in each other. The parser tries each way to read one to its end
// before it tries the next, so that its work doubles from level to level.
const DEEPEST: usize = 12;

// How many elements of arrays one word has at most whose index is more than plain text. The parser reads an
// index anew for each of the twenty ways in which `${…}` may go on, and so on in the index of an index.
const MOST_INDICES: usize = 4;

// How many digits a number has at most that the parser makes a number of: one that does not fit ends it.
const MOST_DIGITS: usize = 9;

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
    let opens = |token: &&Token| OPENERS.contains(&token.to_str());
    let has_many_indices = |token: &Token| indices(token.to_str()) > MOST_INDICES;
    if tokens.iter().filter(opens).count() > MOST_OPENERS
        || depth(&tokens) > DEEPEST
        || tokens.iter().any(has_many_indices)
    {
        return Err(refuse("is nested too deeply to be judged"));
    }
    if has_odd_descriptor(&tokens) {
        return Err(refuse("names a file descriptor that there is none"));
    }
    Parser::new(text.as_bytes(), &options())
        .parse_program()
        .map_err(|_| unreadable())
}

// How deep parentheses and `case` lie in each other, and no less.
fn depth(tokens: &[Token]) -> usize {
    #[derive(PartialEq)]
    enum Open {
        Parenthesis,
        Case,
    }
    let (mut open, mut deepest) = (Vec::new(), 0);
    // Whether a reserved word may come next that closes something.
    let mut may_close = false;
    for token in tokens {
        let mut ends = false;
        match token {
            Token::Operator(operator, _) => {
                for c in operator.chars() {
                    match c {
                        '(' => open.push(Open::Parenthesis),
                        ')' if open.last() == Some(&Open::Parenthesis) => drop(open.pop()),
                        // The end of a pattern.
                        ')' => ends = true,
                        _ => {}
                    }
                }
                ends |= matches!(operator.as_str(), ";" | ";;" | ";&" | ";;&" | "&" | "\n");
            }
            Token::Word(word, _) if word == "case" => open.push(Open::Case),
            Token::Word(word, _) if word == "esac" => {
                if may_close && open.last() == Some(&Open::Case) {
                    open.pop();
                }
            }
            Token::Word(..) => {}
        }
        deepest = deepest.max(open.len());
        may_close = ends;
    }
    deepest
}

// Whether the number of a file descriptor stands before a redirection that no descriptor has.
fn has_odd_descriptor(tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| match pair {
        [Token::Word(number, here), Token::Operator(operator, next)] => {
            number.len() > MOST_DIGITS
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && operator.starts_with(['<', '>'])
                && here.end.index == next.start.index
        }
        _ => false,
    })
}

// Whether `~` with a number may stand for a folder of which there are not as many.
fn has_odd_tilde(word: &str) -> bool {
    word.split('~').skip(1).any(|rest| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit);
        digits.count() > MOST_DIGITS
    })
}

// How many elements of arrays a word has whose index is more than plain text: one may lie in another.
fn indices(word: &str) -> usize {
    let is_before = |c: char| c.is_ascii_alphanumeric() || "_!#".contains(c);
    let is_one = |(at, mark): &(usize, &str)| {
        let rest = word.get(at + mark.len()..).unwrap_or_default();
        let index = rest.trim_start_matches(is_before).strip_prefix('[');
        index.is_some_and(|rest| {
            let index = rest.split(']').next().unwrap_or(rest);
            index.contains(['\'', '"', '\\', '`', '(', '{'])
        })
    };
    word.match_indices("${").filter(is_one).count()
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
    plain_enough(text)?;
    word::parse(text, &options())
        .map_err(|_| Refusal::new(excerpt(text), "is not understood as a word"))
}

// The bounds of a word.
fn plain_enough(text: &str) -> Result<(), Refusal> {
    let refuse = |reason| Err(Refusal::new(excerpt(text), reason));
    if indices(text) > MOST_INDICES {
        return refuse("is nested too deeply to be judged");
    }
    if has_odd_tilde(text) {
        return refuse("names a folder by a number that there is none for");
    }
    Ok(())
}

/// Returns the pieces of text in which quotes mean nothing, as in a here-document.
pub(super) fn quoted(text: &str) -> Result<Vec<WordPieceWithSource>, Refusal> {
    plain_enough(text)?;
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
