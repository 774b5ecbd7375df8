//! What the words of a line become, and the commands within them.

use brush_parser::ast;
use brush_parser::word::{
    Parameter, ParameterExpr, ParameterTransformOp, SpecialParameter, TildeExpr, WordPiece,
    WordPieceWithSource,
};

use super::{
    Refusal,
    arguments::{Argument, Piece},
    braces::{Braces, expand_braces},
    environment,
    judge::{Context, Judge},
    parse,
    places::{Place, Places},
};

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
            Braces::Words(words) => words
                .iter()
                .map(|word| self.word(word, context, places))
                .collect(),
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
        let mut pieces = Vec::new();
        for piece in parse::word(word)? {
            self.piece(piece, false, context, places, &mut pieces)?;
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
            WordPiece::AnsiCQuotedText(text) => pieces.push(match ansi(&text) {
                Some(text) => Piece::Text(text),
                None => Piece::Unknown { splits: false },
            }),
            WordPiece::DoubleQuotedSequence(inner)
            | WordPiece::GettextDoubleQuotedSequence(inner) => {
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
                pieces.push(match printed(&script) {
                    Some(text) if quoted && !self.functions.contains("cat") => Piece::Text(text),
                    Some(_) | None => Piece::Unknown { splits: !quoted },
                });
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
                pieces.push(Piece::Unknown { splits: false });
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
        if let ParameterExpr::Parameter {
            parameter: Parameter::Named(name),
            indirect: false,
        } = &expression
            && let Some(value) = self.value(name, quoted, context, places)
        {
            pieces.extend(value);
            return Ok(());
        }
        let Some(expansion) = expansion(expression)? else {
            pieces.push(Piece::Unknown { splits: true });
            return Ok(());
        };
        if let (true, Parameter::Named(name)) = (expansion.assigns, &expansion.parameter) {
            self.assigned(name, false)?;
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
        pieces.push(Piece::Unknown {
            splits: splits && !expansion.number,
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
        let known = match name {
            "PWD" => vec![Piece::Text(only(places)?)],
            "TMPDIR" => vec![Piece::Text(self.scope.scratch.first()?.clone())],
            name => context.values.get(name)?.pieces.clone(),
        };
        let one_word = |piece: &Piece| match piece {
            Piece::Text(text) => !text.contains([' ', '\t', '\n', '*', '?', '[']),
            Piece::Glob(_) | Piece::Unknown { .. } => false,
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
        let refuse = |reason: &str| Err(Refusal::new(parse::excerpt(expression), reason));
        if expression.contains(['`', '\'', '"', '\\']) {
            return refuse("is arithmetic that is not understood");
        }
        if expression.matches("$(").count() > expression.matches("$((").count() {
            return refuse(
                "does arithmetic with what a command prints, which might not be a number",
            );
        }
        self.here_document(expression, context, places)?;
        let mut name = String::new();
        for c in expression.chars().chain([' ']) {
            if c.is_ascii_alphanumeric() || c == '_' {
                name.push(c);
                continue;
            }
            if environment::is_name(&name) {
                self.computed
                    .entry(name.clone())
                    .or_insert_with(|| parse::excerpt(expression));
            }
            name.clear();
            if c == '$' {
                name.push('$');
            } else if !c.is_ascii() {
                return refuse("is arithmetic that is not understood");
            }
        }
        self.positional(expression)
    }

    fn positional(&mut self, expression: &str) -> Result<(), Refusal> {
        let mut chars = expression.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '$' {
                continue;
            }
            let _ = chars.next_if_eq(&'{');
            match chars.peek() {
                Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '!') => {
                    let reason = "does arithmetic with an argument, which might not be a number";
                    return Err(Refusal::new(parse::excerpt(expression), reason));
                }
                Some(_) | None => {}
            }
            let mut name = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                name.push(c);
            }
            if environment::is_name(&name) {
                self.computed
                    .entry(name)
                    .or_insert_with(|| parse::excerpt(expression));
            }
        }
        Ok(())
    }
}

// What a script prints that is nothing but `cat` and a here-document: the way to write text of several
// lines as a word.
fn printed(script: &str) -> Option<String> {
    let program = parse::program(script).ok()?;
    let [ast::CompoundList(items)] = program.complete_commands.as_slice() else {
        return None;
    };
    let [ast::CompoundListItem(chain, ast::SeparatorOperator::Sequence)] = items.as_slice() else {
        return None;
    };
    let [ast::Command::Simple(command)] = chain.first.seq.as_slice() else {
        return None;
    };
    let plain = chain.additional.is_empty()
        && !chain.first.bang
        && chain.first.timed.is_none()
        && command.prefix.is_none()
        && command
            .word_or_name
            .as_ref()
            .is_some_and(|word| word.value == "cat");
    let [ast::CommandPrefixOrSuffixItem::IoRedirect(ast::IoRedirect::HereDocument(None, document))] =
        command.suffix.as_ref()?.0.as_slice()
    else {
        return None;
    };
    let text = document.doc.value.trim_end_matches('\n');
    let fixed = !document.requires_expansion || !text.contains(['$', '`', '\\']);
    (plain && fixed).then(|| text.to_owned())
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
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        let glob = match c {
            '*' | '?' => Some(1),
            '[' if text == "[" || text == "[[" => None,
            '[' => Some(
                after
                    .get(1..)
                    .and_then(|more| more.find(']'))
                    .map_or(rest.len(), |end| end + 3),
            ),
            _ => None,
        };
        if let Some((glob, after)) =
            glob.and_then(|length| Some((rest.get(..length)?, rest.get(length..)?)))
        {
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Glob(glob.to_owned()));
            rest = after;
        } else {
            literal.push(c);
            rest = after;
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
