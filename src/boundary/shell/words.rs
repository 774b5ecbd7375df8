//! What the words of a line become, and the commands within them.

use brush_parser::word::{
    Parameter, ParameterExpr, ParameterTransformOp, SpecialParameter, TildeExpr, WordPiece,
    WordPieceWithSource,
};

use super::{
    Refusal,
    arguments::{Argument, Piece},
    arithmetic,
    braces::{Braces, expand_braces},
    globs,
    judge::{Class, Context, Judge},
    output::Output,
    parse,
    places::{Place, Places},
};

// A word of more pieces is no word that anyone writes.
const MOST_PIECES: usize = 256;

impl Judge<'_> {
    /// Returns the words that `word` becomes, and judges the commands in it.
    pub(super) fn words(
        &mut self,
        word: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Vec<Argument>, Refusal> {
        match expand_braces(word) {
            Braces::None => Ok(vec![self.word(word, context, places)?]),
            Braces::Words(words) => {
                if context.posix {
                    let reason =
                        "is several words to some shells and one to others; write them out";
                    return Err(Refusal::new(word, reason));
                }
                // A word of which nothing is left, without a quote, is none.
                words
                    .iter()
                    .filter(|word| !word.is_empty())
                    .map(|word| self.word(word, context, places))
                    .collect()
            }
            Braces::Unclear => {
                self.word(word, context, places)?;
                Ok(vec![Argument::unknown(word, true)])
            }
        }
    }

    /// Returns what `word` becomes where braces and several words have no meaning.
    pub(super) fn word(
        &mut self,
        word: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Argument, Refusal> {
        // The most common long words are scripts of other languages; they hold no expansion.
        let plain = word
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        if let Some(plain) = plain
            && !plain.contains('\'')
        {
            return Ok(Argument {
                shown: word.to_owned(),
                pieces: vec![Piece::Text(plain.to_owned())],
            });
        }
        self.count_text(word)?;
        let mut pieces = Vec::new();
        for piece in parse::word(word)? {
            self.piece(piece, false, context, places, &mut pieces)?;
            if pieces.len() > MOST_PIECES {
                let reason = "has too many parts in one word to be judged";
                return Err(Refusal::new(parse::excerpt(word), reason));
            }
        }
        // Where a bracket is not closed before a quote or an expansion, all that follows may belong to it.
        let open = |piece: &Piece| matches!(piece, Piece::Glob(glob) if glob == "[");
        if let Some(open) = pieces.iter().position(open) {
            pieces.truncate(open);
            pieces.push(Piece::Unknown { splits: true });
        }
        Ok(Argument {
            shown: word.to_owned(),
            pieces,
        })
    }

    /// Judges the commands within text in which quotes mean nothing; returns what it becomes.
    pub(super) fn here_document(
        &mut self,
        text: &str,
        context: &Context,
        places: &Places,
    ) -> Result<Argument, Refusal> {
        self.count_text(text)?;
        let mut pieces = Vec::new();
        for piece in parse::quoted(text)? {
            self.piece(piece, true, context, places, &mut pieces)?;
        }
        Ok(Argument {
            shown: parse::excerpt(text),
            pieces,
        })
    }

    fn piece(
        &mut self,
        piece: WordPieceWithSource,
        quoted: bool,
        context: &Context,
        places: &Places,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Refusal> {
        match piece.piece {
            WordPiece::Text(text) if quoted => pieces.push(Piece::Text(text)),
            WordPiece::Text(text) => unquoted(&text, pieces),
            WordPiece::SingleQuotedText(text) => pieces.push(Piece::Text(text)),
            WordPiece::AnsiCQuotedText(text) => {
                // To a shell that does not know these quotes, they are plain ones behind a dollar sign.
                if context.posix || text.contains('\'') {
                    let reason =
                        "stands in quotes that end elsewhere for another shell; write `'…'`";
                    return Err(Refusal::new(parse::excerpt(&format!("$'{text}'")), reason));
                }
                pieces.push(match ansi(&text) {
                    Some(text) => Piece::Odd(text),
                    None => Piece::Unknown { splits: false },
                });
            }
            WordPiece::GettextDoubleQuotedSequence(_) => {
                let reason = "begins quotes that not all shells know; write `\"…\"`";
                return Err(Refusal::new("$\"", reason));
            }
            WordPiece::DoubleQuotedSequence(inner) => {
                pieces.push(Piece::Text(String::new()));
                for piece in inner {
                    self.piece(piece, true, context, places, pieces)?;
                }
            }
            WordPiece::TildeExpansion(tilde) => {
                let here = matches!(tilde, TildeExpr::WorkingDir)
                    .then(|| only(places))
                    .flatten();
                pieces.push(here.map_or(Piece::Unknown { splits: false }, Piece::Text));
            }
            WordPiece::ParameterExpansion(parameter) => {
                self.parameter(parameter, quoted, context, places, pieces)?;
            }
            WordPiece::CommandSubstitution(script) => {
                // A shell tries arithmetic first, in which nothing is a comment.
                if script.starts_with('(') {
                    let reason = "begins as arithmetic does; write `$( (…) )`";
                    return Err(Refusal::new(parse::excerpt(&script), reason));
                }
                self.subshell(&script, context, places)?;
                let output = self.output_of_script(&script, context, places)?;
                pieces.push(output.piece(quoted));
            }
            WordPiece::BackquotedCommandSubstitution(script) => {
                if script.contains('\\') {
                    let reason = "has a backslash within backquotes; write `$(…)`";
                    return Err(Refusal::new(parse::excerpt(&script), reason));
                }
                self.subshell(&script, context, places)?;
                pieces.push(Piece::Unknown { splits: !quoted });
            }
            WordPiece::EscapeSequence(escaped) => {
                let escaped = escaped.strip_prefix('\\').unwrap_or(&escaped);
                if escaped != "\n" {
                    pieces.push(Piece::Text(escaped.to_owned()));
                }
            }
            WordPiece::ArithmeticExpression(expression) => {
                self.arithmetic(&expression.value, context, places)?;
                pieces.push(Piece::Number { splits: false });
            }
        }
        Ok(())
    }

    fn parameter(
        &mut self,
        expression: ParameterExpr,
        quoted: bool,
        context: &Context,
        places: &Places,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Refusal> {
        match &expression {
            ParameterExpr::Parameter {
                parameter: Parameter::Named(name),
                indirect: false,
            } => {
                if let Some(value) = self.value(name, quoted, context, places) {
                    pieces.extend(value);
                    return Ok(());
                }
            }
            ParameterExpr::Parameter {
                parameter: Parameter::Special(special),
                indirect: false,
            } if arithmetic::is_number(special) => {
                // Nothing has run in the background yet, perhaps.
                let empty = matches!(special, SpecialParameter::LastBackgroundProcessId);
                pieces.push(Piece::Number {
                    splits: empty && !quoted,
                });
                return Ok(());
            }
            _ => {}
        }
        let Some(expansion) = expansion(expression)? else {
            pieces.push(Piece::Unknown { splits: true });
            return Ok(());
        };
        if let (true, Parameter::Named(name)) = (expansion.assigns, &expansion.parameter) {
            self.assigned(name, None, context)?;
        }
        for text in expansion.texts.iter().chain(&expansion.arithmetic) {
            ends_plainly(text, quoted)?;
        }
        for text in expansion.arithmetic {
            self.arithmetic(&text, context, places)?;
        }
        for text in expansion.texts {
            self.count(0)?;
            let deeper = context.deeper(&text)?;
            // Within quotes and without, a quote has another meaning; both readings must be allowed.
            self.here_document(&text, &deeper, places)?;
            if text.contains(['\'', '"', '\\', '~']) {
                self.word(&text, &deeper, places)?;
            }
        }
        let splits = match expansion.parameter {
            Parameter::NamedWithIndex { index, .. } => {
                self.arithmetic(&index, context, places)?;
                !quoted
            }
            Parameter::NamedWithAllIndices { concatenate, .. }
            | Parameter::Special(SpecialParameter::AllPositionalParameters { concatenate }) => {
                !quoted || !concatenate
            }
            Parameter::Named(_) | Parameter::Positional(_) | Parameter::Special(_) => !quoted,
        };
        pieces.push(if expansion.number {
            Piece::Number { splits: false }
        } else {
            Piece::Unknown { splits }
        });
        Ok(())
    }

    // The value of a variable, where it is known.
    fn value(
        &self,
        name: &str,
        quoted: bool,
        context: &Context,
        places: &Places,
    ) -> Option<Vec<Piece>> {
        let known = match (name, context.values.get(name), self.class(name)) {
            ("PWD", ..) => vec![Piece::Text(only(places)?)],
            ("TMPDIR", ..) => vec![Piece::Text(self.scope.scratch.first()?.clone())],
            (_, Some(value), _) => value.pieces.clone(),
            (_, None, Class::Number) => vec![Piece::Number { splits: false }],
            (_, None, Class::Count) => vec![Piece::Number { splits: !quoted }],
            (_, None, Class::Revision) => vec![Piece::Revision { splits: !quoted }],
            (_, None, Class::Any) => return None,
        };
        let one_word = |piece: &Piece| match piece {
            Piece::Text(text) => !text.contains([' ', '\t', '\n', '*', '?', '[']),
            Piece::Number { .. } | Piece::Revision { .. } => true,
            // Each of the paths is plain.
            Piece::Found(_) => true,
            Piece::Odd(_) | Piece::Glob(_) | Piece::Unknown { .. } => false,
        };
        (quoted || known.iter().all(one_word)).then_some(known)
    }

    /// Judges an arithmetic expression: what it reads must be numbers.
    pub(super) fn arithmetic(
        &mut self,
        expression: &str,
        context: &Context,
        places: &Places,
    ) -> Result<(), Refusal> {
        self.count(0)?;
        self.count_text(expression)?;
        let shown = || parse::excerpt(expression);
        let Some(read) = arithmetic::read(expression) else {
            let reason =
                "is arithmetic that is not understood, or might hold something else than a number";
            return Err(Refusal::new(shown(), reason));
        };
        let deeper = context.deeper(expression)?;
        for script in &read.scripts {
            self.subshell(script, &deeper, places)?;
            if !matches!(
                self.output_of_script(script, &deeper, places)?,
                Output::Number
            ) {
                let reason =
                    "does arithmetic with what a command prints, which might not be a number";
                return Err(Refusal::new(shown(), reason));
            }
        }
        for name in &read.sets {
            self.assigned(name, Some(&Argument::number()), context)?;
        }
        for name in read.reads {
            self.computed.entry(name).or_insert_with(shown);
        }
        Ok(())
    }
}

fn only(places: &Places) -> Option<String> {
    let mut places = places.iter();
    match (places.next(), places.next()) {
        (Some(Place::At(directory)), None) => Some(directory.clone()),
        (_, _) => None,
    }
}

fn unquoted(text: &str, pieces: &mut Vec<Piece>) {
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let glob = match c {
            '*' | '?' => Some(1),
            '[' if text == "[" || text == "[[" => None,
            '[' => Some(globs::class_length(rest).unwrap_or(1)),
            _ => None,
        };
        if let Some((glob, after)) = glob.and_then(|length| rest.split_at_checked(length)) {
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Glob(glob.to_owned()));
            rest = after;
        } else {
            literal.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(literal));
    }
}

fn ansi(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                c @ ('\\' | '\'' | '"') => c,
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

// Shells do not agree on where `${…}` ends when there are quotes and braces in it.
fn ends_plainly(text: &str, quoted: bool) -> Result<(), Refusal> {
    let braces = text.matches('{').count();
    let plain = braces == text.matches("${").count()
        && braces == text.matches('}').count()
        && !text.contains('\n')
        && !text.contains("<<")
        && !(quoted && text.contains(['\'', '"', '\\', '`']));
    if plain {
        return Ok(());
    }
    let reason = "stands within `${…}`, where shells read it differently";
    Err(Refusal::new(parse::excerpt(text), reason))
}

// What the shell does to expand a parameter.
struct Expansion {
    parameter: Parameter,
    // Text that is expanded in its turn.
    texts: Vec<String>,
    arithmetic: Vec<String>,
    assigns: bool,
    number: bool,
}

// Returns nothing for what only lists names.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for every form that a shell has"
)]
fn expansion(expression: ParameterExpr) -> Result<Option<Expansion>, Refusal> {
    use ParameterExpr as Expr;
    let mut texts = Vec::new();
    let mut arithmetic = Vec::new();
    let assigns = matches!(expression, Expr::AssignDefaultValues { .. });
    let number = matches!(expression, Expr::ParameterLength { .. });
    let (parameter, indirect) = match expression {
        Expr::Transform {
            op: ParameterTransformOp::PromptExpand,
            parameter,
            ..
        } => {
            let reason = "runs the commands in what a variable holds, by `@P`";
            return Err(Refusal::new(format!("{parameter}"), reason));
        }
        Expr::Transform {
            parameter,
            indirect,
            ..
        }
        | Expr::Parameter {
            parameter,
            indirect,
        }
        | Expr::ParameterLength {
            parameter,
            indirect,
        } => (parameter, indirect),
        Expr::UseDefaultValues {
            parameter,
            indirect,
            default_value: text,
            ..
        }
        | Expr::AssignDefaultValues {
            parameter,
            indirect,
            default_value: text,
            ..
        }
        | Expr::IndicateErrorIfNullOrUnset {
            parameter,
            indirect,
            error_message: text,
            ..
        }
        | Expr::UseAlternativeValue {
            parameter,
            indirect,
            alternative_value: text,
            ..
        }
        | Expr::RemoveSmallestSuffixPattern {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::RemoveLargestSuffixPattern {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::RemoveSmallestPrefixPattern {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::RemoveLargestPrefixPattern {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::UppercaseFirstChar {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::UppercasePattern {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::LowercaseFirstChar {
            parameter,
            indirect,
            pattern: text,
        }
        | Expr::LowercasePattern {
            parameter,
            indirect,
            pattern: text,
        } => {
            texts.extend(text);
            (parameter, indirect)
        }
        Expr::ReplaceSubstring {
            parameter,
            indirect,
            pattern,
            replacement,
            ..
        } => {
            texts.push(pattern);
            texts.extend(replacement);
            (parameter, indirect)
        }
        Expr::Substring {
            parameter,
            indirect,
            offset,
            length,
        } => {
            arithmetic.push(offset.value);
            arithmetic.extend(length.map(|length| length.value));
            (parameter, indirect)
        }
        Expr::VariableNames { .. } | Expr::MemberKeys { .. } => return Ok(None),
    };
    if indirect {
        let reason = "looks a variable up by a name that is not known";
        return Err(Refusal::new(format!("{parameter}"), reason));
    }
    Ok(Some(Expansion {
        parameter,
        texts,
        arithmetic,
        assigns,
        number,
    }))
}
