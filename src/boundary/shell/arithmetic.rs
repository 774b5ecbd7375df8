//! Arithmetic of the shell, read strictly: whatever another shell might take for something else than
//! arithmetic is not understood.

use brush_parser::word::{Parameter, ParameterExpr, SpecialParameter, WordPiece};

use super::{environment, parse};

/// What an expression does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expression {
    /// Variables whose value it computes: what they hold is arithmetic in its turn.
    pub(super) reads: Vec<String>,
    /// Variables that it sets.
    pub(super) sets: Vec<String>,
    /// Scripts whose output stands in it.
    pub(super) scripts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number,
    Name(String),
    Operator(&'static str),
    Open,
    Close,
    OpenIndex,
    CloseIndex,
}

// The longest first, so that `<<=` is one operator.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "**", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=",
    "*=", "/=", "%=", "&=", "^=", "|=", "+", "-", "*", "/", "%", "<", ">", "!", "~", "&", "^", "|",
    "?", ":", "=", ",",
];

const SETS: &[&str] = &[
    "=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "<<=", ">>=",
];

/// Reads an expression; nothing if it is not understood to the last character.
pub(super) fn read(text: &str) -> Option<Expression> {
    let mut expression = Expression::default();
    read_into(text, 0, &mut expression).then_some(expression)
}

fn read_into(text: &str, depth: usize, expression: &mut Expression) -> bool {
    const DEEPEST: usize = 8;
    if depth > DEEPEST {
        return false;
    }
    let Ok(pieces) = parse::quoted(text) else {
        return false;
    };
    let mut tokens = Vec::new();
    for piece in pieces {
        let understood = match piece.piece {
            WordPiece::Text(text) => tokenize(&text, &mut tokens),
            WordPiece::ArithmeticExpression(inner) => {
                tokens.push(Token::Number);
                read_into(&inner.value, depth + 1, expression)
            }
            WordPiece::CommandSubstitution(script) => {
                tokens.push(Token::Number);
                let plain = !script.trim_start().starts_with('(');
                expression.scripts.push(script);
                plain
            }
            WordPiece::ParameterExpansion(parameter) => match operand(parameter) {
                Some(token) => {
                    tokens.push(token);
                    true
                }
                None => false,
            },
            WordPiece::SingleQuotedText(_)
            | WordPiece::AnsiCQuotedText(_)
            | WordPiece::DoubleQuotedSequence(_)
            | WordPiece::GettextDoubleQuotedSequence(_)
            | WordPiece::TildeExpansion(_)
            | WordPiece::BackquotedCommandSubstitution(_)
            | WordPiece::EscapeSequence(_) => false,
        };
        if !understood {
            return false;
        }
    }
    check(&tokens, expression)
}

// `$x`, `${x}`, and what is a number for certain.
fn operand(parameter: ParameterExpr) -> Option<Token> {
    match parameter {
        ParameterExpr::Parameter {
            parameter: Parameter::Named(name),
            indirect: false,
        } => Some(Token::Name(name)),
        ParameterExpr::Parameter {
            parameter: Parameter::Special(special),
            indirect: false,
        } => is_number(&special).then_some(Token::Number),
        ParameterExpr::ParameterLength {
            indirect: false, ..
        } => Some(Token::Number),
        _ => None,
    }
}

/// Returns whether a special parameter is a number.
pub(super) const fn is_number(special: &SpecialParameter) -> bool {
    matches!(
        special,
        SpecialParameter::PositionalParameterCount
            | SpecialParameter::LastExitStatus
            | SpecialParameter::ProcessId
            | SpecialParameter::LastBackgroundProcessId
    )
}

fn tokenize(text: &str, tokens: &mut Vec<Token>) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match c {
            ' ' | '\t' | '\n' => 1,
            '(' | ')' | '[' | ']' => {
                tokens.push(match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    '[' => Token::OpenIndex,
                    _ => Token::CloseIndex,
                });
                1
            }
            c if c.is_ascii_digit() => {
                // A number of another base has letters; what it says of the base may stand before a
                // variable.
                let length = rest.find(|c| !name(c) && c != '#').unwrap_or(rest.len());
                if !rest.ends_with('#') || length < rest.len() {
                    tokens.push(Token::Number);
                }
                length
            }
            c if name(c) => {
                let length = rest.find(|c| !name(c)).unwrap_or(rest.len());
                tokens.push(Token::Name(
                    rest.get(..length).unwrap_or_default().to_owned(),
                ));
                length
            }
            _ => match OPERATORS
                .iter()
                .find(|operator| rest.starts_with(**operator))
            {
                Some(operator) => {
                    tokens.push(Token::Operator(operator));
                    operator.len()
                }
                None => return false,
            },
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    true
}

// Whether the tokens are one expression.
fn check(tokens: &[Token], expression: &mut Expression) -> bool {
    if tokens.is_empty() {
        return true;
    }
    let mut open = Vec::new();
    // Whether an operand stands before this place.
    let mut operand = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let after = tokens.get(at + 1);
        operand = match token {
            Token::Number | Token::Name(_) if operand => return false,
            Token::Number => true,
            Token::Name(name) => {
                if !names(name, before, after, expression) {
                    return false;
                }
                true
            }
            Token::Open if operand => return false,
            Token::OpenIndex if !matches!(before, Some(Token::Name(_))) => return false,
            Token::Open | Token::OpenIndex => {
                open.push(token);
                false
            }
            Token::Close | Token::CloseIndex => {
                let pair = match open.pop() {
                    Some(Token::Open) => *token == Token::Close,
                    Some(Token::OpenIndex) => *token == Token::CloseIndex,
                    _ => false,
                };
                if !operand || !pair {
                    return false;
                }
                true
            }
            Token::Operator("++" | "--") => operand,
            Token::Operator("!" | "~") if !operand => false,
            Token::Operator("+" | "-") => false,
            Token::Operator(_) if !operand => return false,
            Token::Operator(operator) => {
                let place = matches!(before, Some(Token::Name(_) | Token::CloseIndex));
                if SETS.contains(operator) && !place {
                    return false;
                }
                false
            }
        };
    }
    operand && open.is_empty()
}

fn names(
    name: &str,
    before: Option<&Token>,
    after: Option<&Token>,
    expression: &mut Expression,
) -> bool {
    if !environment::is_name(name) || environment::holds_text(name) {
        return false;
    }
    let step = |token: Option<&Token>| matches!(token, Some(Token::Operator("++" | "--")));
    let set = matches!(after, Some(Token::Operator(operator)) if SETS.contains(operator));
    if set || step(before) || step(after) || after == Some(&Token::OpenIndex) {
        expression.sets.push(name.to_owned());
    }
    if after != Some(&Token::Operator("=")) {
        expression.reads.push(name.to_owned());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arithmetic_is_arithmetic() {
        for (text, reads, sets) in [
            ("1 + 2", "", ""),
            ("", "", ""),
            ("n+1", "n", ""),
            ("$n * ${m}", "n m", ""),
            ("i++", "i", "i"),
            ("--i", "i", "i"),
            ("x = y", "y", "x"),
            ("x += 1", "x", "x"),
            ("(a + b) * 2", "a b", ""),
            ("a ? b : c", "a b c", ""),
            ("16#ff + 0x1f", "", ""),
            ("10#$n + 1", "n", ""),
            ("a[i + 1]", "a i", "a"),
            ("$# + $? - ${#x}", "", ""),
            ("1 + $((2 * k))", "k", ""),
            ("a = b, c", "b c", "a"),
            ("!x && ~y", "x y", ""),
            ("-x + -1", "x", ""),
        ] {
            let read = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (read.reads.join(" "), read.sets.join(" ")),
                (reads.to_owned(), sets.to_owned()),
                "{text}"
            );
        }
        for text in [
            "kamal deploy",
            "kamal deploy) | (cat",
            "1 +",
            "+ ",
            "(1",
            "1)",
            "a; b",
            "'a'",
            "\"a\"",
            "a\\b",
            "`a`",
            "$1",
            "$@",
            "${x:-1}",
            "a(1)",
            "1[2]",
            "a b",
            "_",
            "REPLY",
            "BASH_REMATCH",
            "$_",
            "\u{e9}",
            "1 = 2",
            "$((a b))",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("$(ls) + 1").unwrap().scripts, ["ls"]);
    }
}
