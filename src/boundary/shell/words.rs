//! What the words of a line become, and the commands within them.

use brush_parser::ast;
use brush_parser::word::{
    Parameter, ParameterExpr, ParameterTransformOp, SpecialParameter, TildeExpr, WordPiece,
    WordPieceWithSource,
};

use super::{
    Refusal,
    arguments::{Argument, Piece},
    environment,
    judge::{Context, Judge},
    parse,
    places::{Place, Places},
};

// What the braces of one word may come to.
const MOST_WORDS: usize = 64;
const MOST_MARKS: usize = 256;

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
        let mut splits = !quoted;
        // Text that is expanded in its turn.
        let mut inner: Vec<String> = Vec::new();
        let parameter = match expression {
            ParameterExpr::Parameter {
                parameter,
                indirect,
            } => {
                if let (Parameter::Named(name), false) = (&parameter, indirect)
                    && let Some(value) = self.value(name, quoted, context, places)
                {
                    pieces.extend(value);
                    return Ok(());
                }
                (parameter, indirect)
            }
            ParameterExpr::UseDefaultValues {
                parameter,
                indirect,
                default_value,
                ..
            } => {
                inner.extend(default_value);
                (parameter, indirect)
            }
            ParameterExpr::AssignDefaultValues {
                parameter,
                indirect,
                default_value,
                ..
            } => {
                inner.extend(default_value);
                if let Parameter::Named(name) = &parameter {
                    self.assigned(name, false)?;
                }
                (parameter, indirect)
            }
            ParameterExpr::IndicateErrorIfNullOrUnset {
                parameter,
                indirect,
                error_message,
                ..
            } => {
                inner.extend(error_message);
                (parameter, indirect)
            }
            ParameterExpr::UseAlternativeValue {
                parameter,
                indirect,
                alternative_value,
                ..
            } => {
                inner.extend(alternative_value);
                (parameter, indirect)
            }
            ParameterExpr::ParameterLength {
                parameter,
                indirect,
            } => {
                splits = false;
                (parameter, indirect)
            }
            ParameterExpr::RemoveSmallestSuffixPattern {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::RemoveLargestSuffixPattern {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::RemoveSmallestPrefixPattern {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::RemoveLargestPrefixPattern {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::UppercaseFirstChar {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::UppercasePattern {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::LowercaseFirstChar {
                parameter,
                indirect,
                pattern,
            }
            | ParameterExpr::LowercasePattern {
                parameter,
                indirect,
                pattern,
            } => {
                inner.extend(pattern);
                (parameter, indirect)
            }
            ParameterExpr::ReplaceSubstring {
                parameter,
                indirect,
                pattern,
                replacement,
                ..
            } => {
                inner.push(pattern);
                inner.extend(replacement);
                (parameter, indirect)
            }
            ParameterExpr::Substring {
                parameter,
                indirect,
                offset,
                length,
            } => {
                self.arithmetic(&offset.value, context, places)?;
                if let Some(length) = length {
                    self.arithmetic(&length.value, context, places)?;
                }
                (parameter, indirect)
            }
            ParameterExpr::Transform {
                parameter,
                indirect,
                op,
            } => {
                if matches!(op, ParameterTransformOp::PromptExpand) {
                    return Err(Refusal::new(
                        "@P",
                        "runs the commands in what a variable holds",
                    ));
                }
                (parameter, indirect)
            }
            ParameterExpr::VariableNames { .. } | ParameterExpr::MemberKeys { .. } => {
                pieces.push(Piece::Unknown { splits: true });
                return Ok(());
            }
        };
        let (parameter, indirect) = parameter;
        if indirect {
            return Err(Refusal::new(
                format!("{parameter}"),
                "looks a variable up by a name that is not known",
            ));
        }
        for text in inner {
            self.count(0)?;
            let deeper = context.deeper(&text)?;
            // Within quotes and without, a quote has another meaning; both readings must be allowed.
            self.here_document(&text, &deeper, places)?;
            if text.contains(['\'', '"', '\\', '~']) {
                self.word(&text, &deeper, places)?;
            }
        }
        match parameter {
            Parameter::NamedWithIndex { index, .. } => self.arithmetic(&index, context, places)?,
            Parameter::NamedWithAllIndices {
                concatenate: false, ..
            }
            | Parameter::Special(SpecialParameter::AllPositionalParameters {
                concatenate: false,
            }) => {
                splits = true;
            }
            Parameter::Named(_)
            | Parameter::Positional(_)
            | Parameter::Special(_)
            | Parameter::NamedWithAllIndices { .. } => {}
        }
        pieces.push(Piece::Unknown { splits });
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
        match glob.and_then(|length| Some((rest.get(..length)?, rest.get(length..)?))) {
            Some((glob, after)) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Glob(glob.to_owned()));
                rest = after;
            }
            None => {
                literal.push(c);
                rest = after;
            }
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

enum Braces {
    None,
    Words(Vec<String>),
    Unclear,
}

// What `a{b,c}` becomes. Braces beside anything that is expanded are not looked into.
fn expand_braces(word: &str) -> Braces {
    let Some(marks) = braces(word).filter(|marks| marks.len() <= MOST_MARKS) else {
        return if word.contains('{') {
            Braces::Unclear
        } else {
            Braces::None
        };
    };
    let open = marks.iter().any(|(_, c)| *c == '{');
    if !open || !word.contains([',', '.']) {
        return Braces::None;
    }
    if word.contains(['$', '`']) {
        // `${x}` is no brace; `{a,$x}` is one.
        return if marks.is_empty() {
            Braces::None
        } else {
            Braces::Unclear
        };
    }
    let mut done = Vec::new();
    let mut work = vec![word.to_owned()];
    while let Some(next) = work.pop() {
        if work.len() + done.len() > MOST_WORDS {
            return Braces::Unclear;
        }
        match expand_first(&next) {
            Some(Some(words)) => work.extend(words.into_iter().rev()),
            Some(None) => done.push(next),
            None => return Braces::Unclear,
        }
    }
    Braces::Words(done)
}

// The unquoted braces and commas of a word, where they stand; nothing if a quote is never closed.
fn braces(word: &str) -> Option<Vec<(usize, char)>> {
    let mut marks = Vec::new();
    let mut depth = 0usize;
    let mut chars = word.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' => while chars.next()?.1 != '\'' {},
            '"' => loop {
                match chars.next()?.1 {
                    '"' => break,
                    '\\' => {
                        chars.next();
                    }
                    _ => {}
                }
            },
            '$' if chars.next_if(|(_, c)| *c == '{').is_some() => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '{' | ',' | '}' if depth == 0 => marks.push((at, c)),
            _ => {}
        }
    }
    Some(marks)
}

// The words that the first braces make of a word; `Some(None)` if it has none, nothing if unclear.
#[expect(
    clippy::option_option,
    reason = "three answers: several words, one, and not known"
)]
fn expand_first(word: &str) -> Option<Option<Vec<String>>> {
    let marks = braces(word)?;
    for (open, _) in marks.iter().filter(|(_, c)| *c == '{') {
        let mut depth = 0usize;
        let mut cuts = vec![*open];
        let mut close = None;
        for (at, c) in marks.iter().filter(|(at, _)| at >= open) {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => {
                    close = Some(*at);
                    break;
                }
                '}' => depth -= 1,
                _ if depth == 1 => cuts.push(*at),
                _ => {}
            }
        }
        let Some(close) = close else {
            // One that is never closed stands for itself, but what is within it may not.
            return if marks.iter().any(|(_, c)| *c == ',') {
                None
            } else {
                Some(None)
            };
        };
        cuts.push(close);
        let (before, inside, after) = (
            word.get(..*open)?,
            word.get(open + 1..close)?,
            word.get(close + 1..)?,
        );
        if cuts.len() > 2 {
            let items = cuts.iter().zip(cuts.iter().skip(1));
            let item = |(start, end): (&usize, &usize)| {
                Some(format!("{before}{}{after}", word.get(start + 1..*end)?))
            };
            return Some(Some(items.map(item).collect::<Option<Vec<_>>>()?));
        }
        if inside.contains("..") {
            let items = sequence(inside)?;
            return Some(Some(
                items
                    .iter()
                    .map(|item| format!("{before}{item}{after}"))
                    .collect(),
            ));
        }
    }
    Some(None)
}

// `1..5`.
fn sequence(inside: &str) -> Option<Vec<String>> {
    let (first, last) = inside.split_once("..")?;
    let plain = |number: &str| number == "0" || !number.starts_with('0');
    if !plain(first) || !plain(last) {
        return None;
    }
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let most = u32::try_from(MOST_WORDS).ok()?;
    if last < first || last - first >= most {
        return None;
    }
    Some((first..=last).map(|number| number.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_become_words() {
        for (word, words) in [
            ("a{b,c}d", Some(vec!["abd", "acd"])),
            ("{a,{b,c}}", Some(vec!["a", "b", "c"])),
            ("x{1..3}", Some(vec!["x1", "x2", "x3"])),
            ("a{,.bak}", Some(vec!["a", "a.bak"])),
            ("'{a,b}'", Some(vec![])),
            ("{}", Some(vec![])),
            ("{a", Some(vec![])),
            ("{a,b", None),
            ("{a,$x}", None),
            ("${x}", Some(vec![])),
            ("${x:-a,b}", Some(vec![])),
            ("{a..z}", None),
            ("{1..99999}", None),
            ("./{}", Some(vec!["./{}"])),
            ("{a}.{b,c}", Some(vec!["{a}.b", "{a}.c"])),
        ] {
            let found = match expand_braces(word) {
                Braces::None => Some(Vec::new()),
                Braces::Words(words) => Some(words),
                Braces::Unclear => None,
            };
            assert_eq!(
                found,
                words.map(|words| words.into_iter().map(str::to_owned).collect()),
                "{word}"
            );
        }
    }
}
