//! KDL → nodes that fit the grammar, and a finding for each that does not.

use std::{collections::BTreeMap, fmt::Write as _, ops::Range};

use kdl::{KdlEntry, KdlNode, KdlValue};

use super::{
    SpecError,
    format::{Kind as TokenKind, is_blank, is_break, tokens},
    grammar::{ArgDef, Kind, NodeDef, ROOT},
    nearest,
    nearest::{certain_slip, rivals},
    parse::{Piece, parse_in_pieces},
    scan::{scan, swallowed},
    secrets,
    slips::{slips, without_quotes},
};
use crate::diagnostics::{Edit, Findings, Source, Span, Spanned, hidden_name, shows_nothing};

/// A node that stands where the grammar has it, with arguments and properties of the right kinds.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) def: &'static NodeDef,
    /// The whole node.
    pub(super) span: Span,
    /// Its name.
    pub(super) name: Span,
    pub(super) args: Vec<Spanned<Value>>,
    pub(super) props: BTreeMap<&'static str, Spanned<Value>>,
    pub(super) children: Vec<Node>,
    /// Whether a finding has spoken of something in it: what it lacks may be just that.
    pub(super) flawed: bool,
}

/// A value, as its kind reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Bool(bool),
}

/// How many hidden characters of one file are reported.
const MAX_HIDDEN: usize = 5;

/// Returns the nodes of `source`, parsed by at most `threads` threads; what does not fit is left out and
/// reported.
pub(super) fn nodes(source: &Source, threads: usize, findings: &mut Findings) -> Vec<Node> {
    let Some(pieces) = pieces(source, threads, findings) else {
        return Vec::new();
    };
    let mut reader = Reader {
        source,
        at: 0,
        findings,
        bare: Vec::new(),
        cut: false,
    };
    let nodes: Vec<_> = pieces
        .iter()
        .map(|piece| (piece.at, piece.document.nodes()))
        .collect();
    reader.children(&ROOT, "at the top of a file", &nodes)
}

/// Returns the document that `source` is, in pieces, or nothing where it is not KDL, which is reported.
pub(super) fn pieces(
    source: &Source,
    threads: usize,
    findings: &mut Findings,
) -> Option<Vec<Piece>> {
    let hidden = hidden(source);
    let hides = !hidden.is_empty();
    for (fault, edits) in hidden {
        findings.add_with_fix(fault, edits);
    }
    if let Some(fault) = scan(source) {
        let edits = quoted_words(source, &fault);
        findings.add_with_fix(fault, edits);
        return None;
    }
    match parse_in_pieces(source.text(), threads) {
        Ok(pieces) => Some(pieces),
        Err(error) => {
            // The parser goes on after a fault and then complains of what follows from it; and it
            // complains of hidden characters too, in words that do not help.
            let slips = slips(source);
            if !slips.is_empty() {
                for fault in slips {
                    findings.add(fault);
                }
                return None;
            }
            let first = error
                .diagnostics
                .iter()
                .min_by_key(|fault| fault.span.offset());
            if let Some(first) = first.filter(|_| !hides) {
                findings.add(syntax(source, first));
            }
            None
        }
    }
}

fn syntax(source: &Source, fault: &kdl::KdlDiagnostic) -> SpecError {
    let span = source.span_at(fault.span.offset(), fault.span.len().min(60));
    let text = source.text().get(fault.span.offset()..).unwrap_or_default();
    let shown = text.get(..fault.span.len()).unwrap_or_default();
    let word: String = text
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let said = fault
        .message
        .as_deref()
        .unwrap_or("unexpected text")
        .trim_end_matches('.');
    let (message, label, help) = match (said, word.as_str()) {
        (_, "true" | "false" | "null" | "inf" | "nan") => (
            format!("`{word}` is a keyword and starts with `#` in KDL 2"),
            "without `#`".to_owned(),
            Some(format!("write `#{word}`")),
        ),
        ("Expected property value", _) => (
            "a property without a value".to_owned(),
            "nothing that could be a value stands behind `=`".to_owned(),
            Some("write `name=\"value\"`, without blanks around `=`".to_owned()),
        ),
        ("Expected identifier string", _) if shown.contains('/') && !shown.contains(char::is_whitespace) => {
            return SpecError::BareWord {
                what: "a word with a `/` in it",
                written: format!("\"{shown}\""),
                span: span.into(),
            };
        }
        ("Expected quoted string", _) if text.starts_with('"') && !shown.contains('\\') => (
            "two values without a blank between them".to_owned(),
            "ends here, and the next starts at once".to_owned(),
            Some("put a blank between them".to_owned()),
        ),
        ("Expected quoted string", _) => (
            "this string can't be read".to_owned(),
            "has an escape that KDL does not know".to_owned(),
            Some("write `\\\\` for a backslash, or use a raw string, `#\"…\"#`, which has no escapes".to_owned()),
        ),
        ("Found child block instead of node name", _) => (
            "a block without a node".to_owned(),
            "a name should stand before this `{`".to_owned(),
            Some("write the node's name first; a `;` or a line break ends a node".to_owned()),
        ),
        ("Found invalid node name", _) if text.starts_with(';') => (
            "this `;` ends no node".to_owned(),
            "no node stands before it".to_owned(),
            Some("take it away: one `;` stands behind each node".to_owned()),
        ),
        ("Found invalid node name", _) => (
            "no node can start here".to_owned(),
            "not a name".to_owned(),
            Some("a node starts with its name".to_owned()),
        ),
        ("Expected integer" | "Expected float" | "Expected number", _) => (
            "this is no number".to_owned(),
            "starts like a number and goes on otherwise".to_owned(),
            Some("put it in quotes if it is a text".to_owned()),
        ),
        _ => {
            let mut said = said.to_owned();
            if let Some(first) = said.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            let label = fault.label.clone().unwrap_or_else(|| "here".to_owned());
            (format!("the text is not KDL: {said}"), label, fault.help.clone())
        }
    };
    SpecError::Syntax {
        message,
        label,
        help,
        span: span.into(),
    }
}

// `app/**` without quotes, which opens a comment that nothing closes.
fn quoted_words(source: &Source, fault: &SpecError) -> Vec<Edit> {
    let SpecError::Unclosed { what, span, .. } = fault else {
        return Vec::new();
    };
    if *what != "this comment" {
        return Vec::new();
    }
    let words = swallowed(source, span.offset() - source.span().start);
    words
        .into_iter()
        .filter_map(|span| Some(edit(span, &format!("\"{}\"", text_at(source, span)?))))
        .collect()
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
    words.join(" ")
}

fn text_at(source: &Source, span: Span) -> Option<&str> {
    let from = span.start.checked_sub(source.span().start)?;
    source.text().get(from..from + span.len)
}

fn edit(span: Span, text: &str) -> Edit {
    let text = text.to_owned();
    Edit { span, text }
}

// Characters that a reader of the file would not see, or that reorder what he sees. Where there are
// many, the last one told of stands for the rest.
fn hidden(source: &Source) -> Vec<(SpecError, Vec<Edit>)> {
    let mut left = source.hidden_characters().peekable();
    let Some(_) = left.peek() else {
        return Vec::new();
    };
    let texts = texts(source.text());
    let removed = |(at, letter): (usize, char)| {
        let mut texts = texts.iter();
        let in_text = texts.any(|text| text.contains(&at));
        (in_text && shows_nothing(letter)).then(|| edit(source.span_at(at, letter.len_utf8()), ""))
    };
    let mut found = Vec::new();
    for (at, letter) in left.by_ref().take(MAX_HIDDEN) {
        let fault = SpecError::HiddenCharacter {
            shown: format!("U+{:04X}", u32::from(letter)),
            name: hidden_name(letter),
            span: source.span_at(at, letter.len_utf8()).into(),
        };
        found.push((fault, removed((at, letter)).into_iter().collect::<Vec<_>>()));
    }
    if let Some((_, edits)) = found.last_mut() {
        edits.extend(left.filter_map(removed));
    }
    found
}

// Where comments stand, and texts for people: what a character that shows nothing is taken out of
// means the same. In a pattern or a name nobody knows which of the two was meant.
fn texts(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // The name of the node at hand, once it was read.
    let mut name: Option<&str> = None;
    for token in tokens(text) {
        let is_text = match token.kind {
            TokenKind::LineComment | TokenKind::BlockComment => true,
            TokenKind::Open | TokenKind::Close | TokenKind::Semicolon | TokenKind::Break => {
                name = None;
                false
            }
            TokenKind::Word => {
                let is_string = token.text.starts_with(['"', '#']);
                let name = name.get_or_insert(token.text);
                is_string && is_prose(name)
            }
            TokenKind::SlashDash | TokenKind::Continue | TokenKind::Blank => false,
        };
        if is_text {
            found.push(token.at..token.at + token.text.len());
        }
    }
    found
}

// Whether the arguments of such a node are words for people, wherever it stands.
fn is_prose(name: &str) -> bool {
    let (mut some, mut others) = (false, false);
    ROOT.walk(&mut |_, def| {
        for argument in def
            .args
            .iter()
            .chain(&def.rest)
            .filter(|_| def.name == name)
        {
            some |= argument.kind == Kind::Prose;
            others |= !matches!(argument.kind, Kind::Prose | Kind::Verbatim);
        }
    });
    some && !others
}

struct Reader<'a> {
    source: &'a Source,
    // Where the piece at hand begins.
    at: usize,
    findings: &'a mut Findings,
    // The values of the node at hand that should be quoted and are not.
    bare: Vec<(Kind, Span)>,
    // Whether one of them is cut by a comment.
    cut: bool,
}

impl Reader<'_> {
    fn span(&self, span: miette::SourceSpan) -> Span {
        self.source.span_at(self.at + span.offset(), span.len())
    }

    // Reads the nodes of a block, each with where its piece begins.
    fn children(
        &mut self,
        parent: &'static NodeDef,
        place: &str,
        pieces: &[(usize, &[KdlNode])],
    ) -> Vec<Node> {
        let mut seen: BTreeMap<&'static str, Span> = BTreeMap::new();
        let mut read = Vec::with_capacity(pieces.iter().map(|(_, nodes)| nodes.len()).sum());
        let nodes = pieces
            .iter()
            .flat_map(|(at, nodes)| nodes.iter().map(|node| (*at, node)));
        for (at, node) in nodes {
            self.at = at;
            let name = self.span(node.name().span());
            let known = parent.child(node.name().value());
            // What is misspelled is read as what was most likely meant, so that a name that it
            // declares is not unknown too; a node that stands elsewhere is not misspelled.
            let Some(def) = known.or_else(|| self.unknown_node(parent, place, node)) else {
                continue;
            };
            if known.is_none() && !def.many && seen.contains_key(def.name) {
                continue;
            }
            if let Some(first) = seen.insert(def.name, name)
                && !def.many
            {
                self.findings.add(SpecError::RepeatedNode {
                    node: def.name,
                    span: name.into(),
                    first: first.into(),
                });
            }
            read.push(self.node(def, node));
        }
        read
    }

    // Reports the node and returns what it was most likely meant to be.
    fn unknown_node(
        &mut self,
        parent: &'static NodeDef,
        place: &str,
        node: &KdlNode,
    ) -> Option<&'static NodeDef> {
        let name = node.name().value();
        let here = || parent.children.iter().map(|child| child.name);
        let mut elsewhere = Vec::new();
        ROOT.walk(&mut |within, def| {
            if def.name == name {
                let home = within.last().map_or_else(
                    || "at the top of a file".to_owned(),
                    |parent| format!("in `{parent}`"),
                );
                if !elsewhere.contains(&home) {
                    elsewhere.push(home);
                }
            }
        });
        elsewhere.truncate(3);
        let meant = nearest(name, here()).map(str::to_owned);
        let synonym = synonym(name);
        let synonym_here = synonym.filter(|near| here().any(|known| known == *near));
        let home =
            (!elsewhere.is_empty()).then(|| format!("`{name}` stands {}", elsewhere.join(" or ")));
        let rivals = rivals(name, here());
        let help = if let Some(near) = synonym_here {
            format!("write `{near}`")
        } else if elsewhere.is_empty() && !rivals.is_empty() {
            format!("did you mean {}?", list(rivals.iter().copied()))
        } else if let (Some(near), Some(home)) = (&meant, &home) {
            format!("{home}; did you mean `{near}`?")
        } else if let Some(near) = &meant {
            format!("did you mean `{near}`?")
        } else if is_tool_list(name) && parent.child("may").is_some() {
            "there are no lists of tools: what may be done stands in `may { write \"…\"; run \"…\"; use \"…\"; }`"
                .to_owned()
        } else if let Some(home) = home {
            home
        } else if parent.children.is_empty() {
            format!("nothing stands in `{}`", parent.name)
        } else {
            format!("here may stand {}", list(here()))
        };
        let span = self.span(node.name().span());
        let fault = SpecError::UnknownNode {
            name: name.to_owned(),
            place: place.to_owned(),
            help,
            span: span.into(),
        };
        let slip = certain_slip(name, here(), &words()).filter(|_| synonym.is_none());
        let edits = slip.and_then(|near| self.renamed(span, name, near));
        self.findings
            .add_with_fix(fault, edits.into_iter().collect());
        let meant = meant.filter(|_| elsewhere.is_empty() && rivals.is_empty());
        parent.child(synonym_here.or(meant.as_deref())?)
    }

    // Another name in place of one that is written without quotes.
    fn renamed(&self, span: Span, name: &str, near: &str) -> Option<Edit> {
        (text_at(self.source, span) == Some(name)).then(|| edit(span, near))
    }

    fn node(&mut self, def: &'static NodeDef, node: &KdlNode) -> Node {
        let name = self.span(node.name().span());
        let told = self.findings.len();
        if let Some(annotation) = node.ty() {
            self.annotation(annotation.value(), self.span(annotation.span()));
        }
        let (args, props) = self.entries(def, node);
        let children = match node.children() {
            Some(children) => {
                let place = format!("in `{}`", def.name);
                self.children(def, &place, &[(self.at, children.nodes())])
            }
            None => Vec::new(),
        };
        Node {
            def,
            span: self.span(node.span()),
            name,
            args,
            props,
            children,
            flawed: self.findings.len() > told,
        }
    }

    fn entries(
        &mut self,
        def: &'static NodeDef,
        node: &KdlNode,
    ) -> (Vec<Spanned<Value>>, BTreeMap<&'static str, Spanned<Value>>) {
        let mut args = Vec::new();
        let mut given = 0;
        let mut surplus = false;
        let mut props: BTreeMap<&'static str, Spanned<Value>> = BTreeMap::new();
        // Those that were most likely meant by a misspelled name.
        let mut meant = Vec::new();
        // How many findings there were before the arguments.
        let told = self.findings.len();
        let mut before: Option<&KdlEntry> = None;
        for entry in node.entries() {
            let span = self.span(entry.span());
            if let Some(annotation) = entry.ty() {
                self.annotation(annotation.value(), self.span(annotation.span()));
            }
            if let Some(key) = entry.name() {
                before = None;
                let known = def.prop(key.value());
                if known.is_none() {
                    self.unknown_property(def, key.value(), self.span(key.span()));
                }
                let near = || nearest(key.value(), def.props.iter().map(|prop| prop.name));
                let Some(prop) = known.or_else(|| def.prop(near()?)) else {
                    continue;
                };
                if known.is_none() && props.contains_key(prop.name) {
                    continue;
                }
                if known.is_none() {
                    meant.push(prop.name);
                } else if let Some(first) =
                    props.get(prop.name).filter(|_| !meant.contains(&prop.name))
                {
                    self.findings.add(SpecError::RepeatedProperty {
                        name: prop.name.to_owned(),
                        span: span.into(),
                        first: first.span.into(),
                    });
                    continue;
                }
                // The value ends the entry; blanks may stand around `=`.
                let written = entry.format().map_or(0, |format| format.value_repr.len());
                let value = span.part(span.len.saturating_sub(written), span.len);
                let what = format!("{} {}=", def.name, prop.name);
                if let Some(read) = self.value(&what, prop.kind, entry, value) {
                    props.insert(prop.name, Spanned::new(read, value));
                } else {
                    // It is there, if wrong: that it is missing too would be noise.
                    props.insert(prop.name, Spanned::new(Value::Text(String::new()), value));
                }
                continue;
            }
            if self.cut_by_comment(before, entry) {
                self.cut = true;
                self.bare.push((Kind::PathPattern, span));
                before = Some(entry);
                continue;
            }
            before = Some(entry);
            let wanted = def.args.get(given).copied().or(def.rest);
            given += 1;
            let Some(ArgDef { kind, .. }) = wanted else {
                // A text whose words all stand without quotes.
                if matches!(self.bare.last(), Some((Kind::Prose, _))) {
                    self.bare.push((Kind::Prose, span));
                } else if !std::mem::replace(&mut surplus, true) && self.findings.len() == told {
                    self.surplus(def, span);
                }
                continue;
            };
            let value = self.value(def.name, kind, entry, span);
            args.push(Spanned::new(
                value.unwrap_or(Value::Text(String::new())),
                span,
            ));
        }
        self.bare_words(surplus);
        self.missing(def, node, given, &props);
        (args, props)
    }

    // Reports the unquoted values of a node, all at once; `surplus` says that it has too many values.
    fn bare_words(&mut self, surplus: bool) {
        let bare = std::mem::take(&mut self.bare);
        let cut = std::mem::take(&mut self.cut);
        let (Some((kind, first)), Some((_, last))) = (bare.first(), bare.last()) else {
            return;
        };
        let span = Span::new(first.start, last.end() - first.start);
        let text = text_at(self.source, span).unwrap_or_default();
        if cut {
            // A comment without a blank is a part of the word to whoever wrote it.
            let mut tokens = tokens(text);
            let in_words = tokens.all(|token| match token.kind {
                TokenKind::Word | TokenKind::Blank => true,
                TokenKind::BlockComment => !token.text.contains(char::is_whitespace),
                _ => false,
            });
            let help = if in_words && !text.contains('"') {
                format!("write `{}`, in quotes", quoted(text.split_whitespace()))
            } else {
                "put a blank before the comment; a word with `/*` in it stands in quotes".to_owned()
            };
            let span = span.into();
            self.findings.add(SpecError::CutByComment { help, span });
            return;
        }
        let words: Vec<_> = bare
            .iter()
            .filter_map(|(_, span)| text_at(self.source, *span))
            .collect();
        let is_command = matches!(kind, Kind::CommandPattern | Kind::Command);
        let other_marks = without_quotes(text);
        let written = match (kind, other_marks) {
            (_, Some(inner)) => format!("\"{inner}\""),
            (_, None) if text.contains('"') => "\"…\"".to_owned(),
            (Kind::Prose, None) => format!("\"{}\"", words.join(" ")),
            (_, None) if is_command => format!("\"{}\"", words.join(" ")),
            (_, None) => quoted(words.iter().copied()),
        };
        // Several words of a command may be one pattern or several. Where anything but blanks stands
        // between two words, or one runs into a comment, they are not what they look like.
        let between = |pair: &[(Kind, Span)]| match pair {
            [(_, one), (_, two)] => {
                let gap = Span::new(one.end(), two.start.saturating_sub(one.end()));
                let gap = text_at(self.source, gap);
                gap.is_some_and(|gap| !gap.is_empty() && gap.chars().all(is_blank))
            }
            _ => true,
        };
        let is_word = |word: &&str| !word.contains(['(', '"', '#', '\\', '/']);
        let certain = !surplus
            && other_marks.is_none()
            && words.iter().all(is_word)
            && (words.len() == 1 || !is_command)
            && self.stands_apart(span)
            && bare.windows(2).all(between);
        let edits: Vec<_> = certain.then(|| edit(span, &written)).into_iter().collect();
        let what = match kind {
            _ if other_marks.is_some() => "a text between other marks than `\"`",
            Kind::PathPattern => "a path pattern",
            Kind::CommandPattern => "a command pattern",
            Kind::Command => "a command line",
            Kind::File => "a path",
            Kind::Prose => "a text",
            _ => "this value",
        };
        let fault = SpecError::BareWord {
            what,
            written,
            span: span.into(),
        };
        self.findings.add_with_fix(fault, edits);
    }

    // Whether nothing but what may stand beside a word touches what is at `span`.
    fn stands_apart(&self, span: Span) -> bool {
        let at = span.start - self.source.span().start;
        let text = self.source.text();
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let behind = text
            .get(at + span.len..)
            .and_then(|text| text.chars().next());
        let apart = |letter: char| is_blank(letter) || is_break(letter);
        before.is_none_or(|letter| apart(letter) || letter == '=')
            && behind.is_none_or(|letter| apart(letter) || matches!(letter, ';' | '{' | '}'))
    }

    // `app/**/*.rb` without quotes: two words with a comment between them and no blank.
    fn cut_by_comment(&self, before: Option<&KdlEntry>, entry: &KdlEntry) -> bool {
        let Some(before) = before else { return false };
        let (start, end) = (before.span().offset(), entry.span().offset());
        let between = self
            .source
            .text()
            .get(self.at + start + before.span().len()..self.at + end)
            .unwrap_or_default();
        between.starts_with("/*") && between.ends_with("*/")
    }

    fn missing(
        &mut self,
        def: &'static NodeDef,
        node: &KdlNode,
        given: usize,
        props: &BTreeMap<&'static str, Spanned<Value>>,
    ) {
        let span = self.span(node.name().span());
        let rest = def.rest.filter(|rest| rest.required);
        let wanted = def
            .args
            .get(given)
            .or(rest.as_ref().filter(|_| given <= def.args.len()));
        if let Some(wanted) = wanted.filter(|wanted| wanted.required) {
            let mut usage = def.name.to_owned();
            for ArgDef { name, .. } in def.args.iter().chain(&rest) {
                let _ = write!(usage, " \"{name}\"");
            }
            if !def.children.is_empty() {
                usage.push_str(" { … }");
            }
            self.findings.add(SpecError::MissingArgument {
                node: def.name,
                what: match wanted.kind {
                    Kind::Reference => format!("the name of a {}", wanted.name.to_lowercase()),
                    _ => wanted.kind.article().to_owned(),
                },
                usage,
                span: span.into(),
            });
        }
        for prop in def
            .props
            .iter()
            .filter(|prop| prop.required && !props.contains_key(prop.name))
        {
            let example = match prop.kind {
                Kind::Integer => "1",
                Kind::Bool => "#true",
                Kind::File => "\"FILE\"",
                Kind::Reference => "\"NAME\"",
                _ => "\"…\"",
            };
            let mut doc = prop.doc.trim_end_matches('.').to_owned();
            if let Some(first) = doc.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            self.findings.add(SpecError::MissingProperty {
                node: def.name,
                name: prop.name,
                example,
                doc,
                span: span.into(),
            });
        }
    }

    fn surplus(&mut self, def: &'static NodeDef, span: Span) {
        let count = match def.args.len() {
            0 => "no argument",
            1 => "one argument",
            _ => "two arguments",
        };
        let help = if def.children.is_empty() {
            "take it away, or start a new node with `;` or a line break".to_owned()
        } else {
            format!(
                "what `{}` has more of stands in its block: {}",
                def.name,
                list(def.children.iter().map(|child| child.name))
            )
        };
        self.findings.add(SpecError::SurplusArgument {
            node: def.name,
            count,
            help,
            span: span.into(),
        });
    }

    fn annotation(&mut self, name: &str, span: Span) {
        self.findings.add(SpecError::TypeAnnotation {
            name: name.to_owned(),
            span: span.into(),
        });
    }

    fn unknown_property(&mut self, def: &'static NodeDef, name: &str, span: Span) {
        let known = || def.props.iter().map(|prop| prop.name);
        let help = if let Some(near) = nearest(name, known()) {
            format!("did you mean `{near}`?")
        } else if def.child(name).is_some() {
            format!(
                "`{name}` is a node of its own: write `{} … {{ {name} … }}`",
                def.name
            )
        } else if def.props.is_empty() {
            format!("`{}` has no properties", def.name)
        } else {
            format!("it has {}", list(known()))
        };
        let fault = SpecError::UnknownProperty {
            node: def.name,
            name: name.to_owned(),
            help,
            span: span.into(),
        };
        let slip = certain_slip(name, known(), &words());
        let edits = slip.and_then(|near| self.renamed(span, name, near));
        self.findings
            .add_with_fix(fault, edits.into_iter().collect());
    }

    // Reads one value; `what` is what a message calls its place.
    fn value(&mut self, what: &str, kind: Kind, entry: &KdlEntry, span: Span) -> Option<Value> {
        match (kind, entry.value()) {
            (Kind::Integer, KdlValue::Integer(number)) => Some(Value::Integer(*number)),
            (Kind::Bool, KdlValue::Bool(value)) => Some(Value::Bool(*value)),
            (Kind::Integer | Kind::Bool, _) => self.wrong(what, kind, entry, span),
            (_, KdlValue::String(text)) => self.text(what, kind, entry, text, span),
            (_, _) => self.wrong(what, kind, entry, span),
        }
    }

    fn text(
        &mut self,
        place: &str,
        kind: Kind,
        entry: &KdlEntry,
        text: &str,
        span: Span,
    ) -> Option<Value> {
        if kind.quoted() && is_bare(entry) {
            self.bare.push((kind, span));
            return None;
        }
        let control = |letter: &char| {
            letter.is_control()
                && kind != Kind::Verbatim
                && !(kind == Kind::Prose && *letter == '\n')
        };
        if let Some(letter) = text.chars().find(control) {
            let what = kind.article().trim_start_matches("a quoted ");
            let shown = format!("U+{:04X}", u32::from(letter));
            self.findings.add(SpecError::ControlCharacter {
                what,
                span: span.into(),
                shown,
            });
            return None;
        }
        for secret in secrets(text) {
            self.findings.add(SpecError::Secret {
                what: secret.what,
                span: span.into(),
            });
        }
        match kind {
            Kind::Name if !is_name(text) => {
                self.bad_name(text, span);
                // It is declared all the same: what refers to it is not at fault.
                Some(Value::Text(text.to_owned()))
            }
            Kind::Choice(words) if !words.contains(&text) => {
                let near = nearest(text, words.iter().copied());
                self.findings.add(SpecError::WrongValue {
                    what: place.to_owned(),
                    expected: list(words.iter().copied()),
                    help: near.map(|near| format!("did you mean `{near}`?")),
                    span: span.into(),
                    found: "another word",
                });
                None
            }
            Kind::File if !is_inside(text) => {
                self.findings.add(SpecError::OutsidePath {
                    path: text.to_owned(),
                    span: span.into(),
                });
                None
            }
            Kind::Prose | Kind::Command | Kind::Word | Kind::Reference | Kind::Thing
                if text.trim().is_empty() && kind != Kind::Word =>
            {
                self.findings.add(SpecError::WrongValue {
                    what: place.to_owned(),
                    expected: kind.article().to_owned(),
                    help: Some("say something, or leave it out".to_owned()),
                    span: span.into(),
                    found: "empty",
                });
                None
            }
            _ => Some(Value::Text(text.to_owned())),
        }
    }

    fn bad_name(&mut self, text: &str, span: Span) {
        let near = name_near(text);
        let suggestion = if is_name(&near) {
            format!(": `{near}`")
        } else {
            String::new()
        };
        self.findings.add(SpecError::BadName {
            name: text.to_owned(),
            suggestion,
            span: span.into(),
        });
    }

    fn wrong(&mut self, place: &str, kind: Kind, entry: &KdlEntry, span: Span) -> Option<Value> {
        let found = match entry.value() {
            KdlValue::String(_) => "a text",
            KdlValue::Integer(_) => "a number",
            KdlValue::Float(number) if number.is_finite() => "a decimal number",
            KdlValue::Float(_) => "no number at all",
            KdlValue::Bool(_) => "a truth value",
            KdlValue::Null => "nothing",
        };
        let written = entry
            .format()
            .map_or("…", |format| format.value_repr.as_str());
        let help = match (kind, entry.value()) {
            (Kind::Integer, KdlValue::String(text)) if text.parse::<i128>().is_ok() => {
                Some(format!("write `{text}` without quotes"))
            }
            (Kind::Money, KdlValue::Integer(_) | KdlValue::Float(_)) => {
                Some(format!("write `\"{written}\"`, in quotes"))
            }
            (Kind::Duration, KdlValue::Integer(number)) => Some(format!(
                "write `\"{number}s\"` if seconds are meant, `\"{number}m\"` for minutes"
            )),
            (Kind::Size, KdlValue::Integer(number)) => Some(format!(
                "write `\"{number}B\"` if bytes are meant, `\"{number}KiB\"` for 1024 times as many"
            )),
            (Kind::Bool, _) => Some("write `#true` or `#false`".to_owned()),
            _ => None,
        };
        self.findings.add(SpecError::WrongValue {
            what: place.to_owned(),
            expected: kind.article().to_owned(),
            help,
            span: span.into(),
            found,
        });
        None
    }
}

// All words of the language.
fn words() -> Vec<&'static str> {
    let mut words = Vec::new();
    ROOT.walk(&mut |_, def| {
        words.push(def.name);
        words.extend(def.props.iter().map(|prop| prop.name));
    });
    words.sort_unstable();
    words.dedup();
    words
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

// Whether the value is a text without quotes.
fn is_bare(entry: &KdlEntry) -> bool {
    let written = entry.format().map(|format| format.value_repr.as_str());
    matches!(entry.value(), KdlValue::String(_))
        && written.is_some_and(|written| !written.starts_with(['"', '#']))
}

/// Returns what `text` would be as a name, as far as its letters allow.
pub fn name_near(text: &str) -> String {
    let letters = text.chars().flat_map(char::to_lowercase).map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    });
    let near: String = letters.collect();
    near.trim_matches('-').to_owned()
}

/// Returns whether `text` may name something.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns whether `path` is relative and stays inside the project as written.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\\')
        && !path.ends_with('/')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

// What people who come from other tools list tools in.
fn is_tool_list(name: &str) -> bool {
    let lists = [
        "tools",
        "allowed-tools",
        "disallowed-tools",
        "permission-mode",
        "permissions",
    ];
    nearest(name, lists).is_some()
}

// What people call our nodes who come from other tools.
fn synonym(name: &str) -> Option<&'static str> {
    Some(match name {
        "allow" | "allows" | "grant" | "permit" => "may",
        "deny" | "forbid" | "disallow" | "denied" => "never",
        "agent" | "subagent" => "role",
        "bash" | "exec" | "command" | "shell" | "cmd" => "run",
        "edit" | "modify" => "write",
        "network" | "host" | "hosts" => "reach",
        "tools" | "tool" | "mcp" => "use",
        "checks" | "quality-gates" => "gates",
        "depends-on" | "needs" | "dependsOn" => "after",
        "acceptance" | "criteria" => "accept",
        "steps" => "step",
        "todo" | "items" => "item",
        "reason" | "why" => "because",
        "import" => "include",
        "exclude" | "but" => "except",
        "environment" => "env",
        _ => return None,
    })
}
