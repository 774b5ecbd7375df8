//! The parser of KDL, for all that KDL is.

use std::{iter, thread};

use kdl::{KdlDocument, KdlError};

use super::{
    format::{Kind, tokens},
    stack::STACK,
};

/// Below this many bytes, starting a thread takes longer than it saves.
pub(super) const WORTH_A_THREAD: usize = 2 << 10;

/// Some whole nodes of a text's outermost level.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where in the text it begins; the places in the document are counted from there.
    pub(super) at: usize,
    pub(super) document: KdlDocument,
}

/// Returns the document that `text` is, as pieces in their order, parsed by at most `threads` threads.
pub(super) fn parse_in_pieces(text: &str, threads: usize) -> Result<Vec<Piece>, KdlError> {
    let threads = threads.min(text.len() / WORTH_A_THREAD);
    let cuts = match threads {
        0 | 1 => Vec::new(),
        _ => cuts(text, threads),
    };
    parse_cut(text, cuts)
}

fn parse_cut(text: &str, cuts: Vec<usize>) -> Result<Vec<Piece>, KdlError> {
    let whole = || {
        let document = parse(text)?;
        Ok(vec![Piece { at: 0, document }])
    };
    if cuts.is_empty() {
        return whole();
    }
    let mut starts = vec![0];
    starts.extend(cuts);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let ranges: Vec<_> = starts.iter().copied().zip(ends).collect();
    let piece = |(at, end): (usize, usize)| {
        let document = parse(text.get(at..end).unwrap_or_default()).ok()?;
        Some(Piece { at, document })
    };
    let pieces: Option<Vec<Piece>> = thread::scope(|scope| {
        let start = |range: &(usize, usize)| {
            let range = *range;
            let thread = thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, move || piece(range))
        };
        let others: Vec<_> = ranges.iter().skip(1).map(start).collect();
        let first = ranges.first().copied().and_then(piece);
        let others = others
            .into_iter()
            .map(|other| other.ok().and_then(|other| other.join().ok().flatten()));
        iter::once(first).chain(others).collect()
    });
    // What is wrong with a text is told of the whole.
    pieces.map_or_else(whole, Ok)
}

// Where a text may be cut so that it becomes about `pieces` pieces of one size: behind line breaks that end
// a node of the outermost level.
fn cuts(text: &str, pieces: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut depth, mut hides_next, mut goes_on) = (0_usize, false, false);
    for token in tokens(text) {
        match token.kind {
            Kind::Blank | Kind::BlockComment | Kind::LineComment | Kind::Semicolon => {}
            Kind::Continue => goes_on = true,
            Kind::SlashDash => hides_next = true,
            Kind::Word => (hides_next, goes_on) = (false, false),
            Kind::Open => {
                (hides_next, goes_on) = (false, false);
                depth += 1;
            }
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Break if std::mem::take(&mut goes_on) || hides_next || depth > 0 => {}
            Kind::Break => {
                let at = token.at + token.text.len();
                if at < text.len() && at >= text.len() * (found.len() + 1) / pieces {
                    found.push(at);
                }
                if found.len() + 1 == pieces {
                    break;
                }
            }
        }
    }
    found
}

/// Returns the document that `text` is; places in it are places in `text`.
pub(super) fn parse(text: &str) -> Result<KdlDocument, KdlError> {
    if text.contains("//") || text.contains("/-") {
        KdlDocument::parse_v2(&readable(text))
    } else {
        KdlDocument::parse_v2(text)
    }
}

// Returns what the parser is given to read in place of `text`: something that means the same and is as long.
//
// It takes the `;` behind a node that is commented out for the start of another; a line break ends such a
// node just as well. And at each letter of a line comment it asks anew whether the line ends here, which
// takes longer than all else of a well explained spec; the line may as well end where the comment begins.
fn readable(text: &str) -> String {
    let hides = text.contains("/-");
    let semicolons = hides.then(|| behind_hidden_nodes(text));
    let mut semicolons = semicolons.into_iter().flatten().peekable();
    let mut readable = String::with_capacity(text.len());
    let mut goes_on = false;
    for token in tokens(text) {
        match token.kind {
            Kind::LineComment => {
                // A line that goes on does so behind its own end.
                let end = if goes_on { ' ' } else { '\n' };
                let blanks = iter::repeat_n(' ', token.text.len() - 1);
                readable.extend(iter::once(end).chain(blanks));
            }
            Kind::Semicolon if semicolons.next_if_eq(&token.at).is_some() => readable.push('\n'),
            _ => readable.push_str(token.text),
        }
        goes_on = match token.kind {
            Kind::Continue => true,
            Kind::Blank | Kind::BlockComment | Kind::LineComment => goes_on,
            Kind::Word
            | Kind::Open
            | Kind::Close
            | Kind::Semicolon
            | Kind::SlashDash
            | Kind::Break => false,
        };
    }
    readable
}

// Where the `;` stand that end nodes that are commented out.
fn behind_hidden_nodes(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    // Of each block that is open, whether a node stands at its end, and whether that is hidden.
    let mut open: Vec<Option<bool>> = vec![None];
    let (mut hides_next, mut goes_on) = (false, false);
    for token in tokens(text) {
        let Some(node) = open.last_mut() else { break };
        match token.kind {
            Kind::Blank | Kind::BlockComment | Kind::LineComment => {}
            Kind::Continue => goes_on = true,
            Kind::Break if std::mem::take(&mut goes_on) => {}
            // What is commented out may stand on another line.
            Kind::Break if hides_next => {}
            Kind::Break => *node = None,
            Kind::Semicolon => {
                if node.take() == Some(true) {
                    found.push(token.at);
                }
            }
            Kind::SlashDash => hides_next = true,
            Kind::Word => {
                let hidden = std::mem::take(&mut hides_next);
                node.get_or_insert(hidden);
            }
            Kind::Open => {
                hides_next = false;
                open.push(None);
            }
            Kind::Close => {
                open.pop();
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut left: Vec<kdl::KdlNode> = parse(text).ok()?.nodes().to_vec();
        while !left.is_empty() {
            let node = left.remove(0);
            names.push(node.name().value().to_owned());
            if let Some(children) = node.children() {
                left.splice(0..0, children.nodes().to_vec());
            }
        }
        Some(names.join(" "))
    }

    #[test]
    fn a_node_that_is_commented_out_may_end_as_any_other() {
        for (text, then) in [
            ("/- title \"x\"; description \"y\"", Some("description")),
            ("/-a;b\n", Some("b")),
            ("/- a;", Some("")),
            ("a; /- b; /- c; d", Some("a d")),
            ("/- a { b; c; }; d", Some("d")),
            ("/- a {\n b; /- c; d\n}; e", Some("e")),
            ("a { /- b \"x\"; c \"y\"; }", Some("a c")),
            ("a /-{ /- b; c; } { d; /- e; }; f", Some("a d f")),
            ("/-\n\na \\\n \"x\"; b", Some("b")),
            ("a /-b; c", Some("a c")),
            ("a \"/- b;\"; c", Some("a c")),
            // No node at all is none that KDL has.
            ("a;;b", None),
            ("/- a;; b", None),
            ("a { ; }", None),
        ] {
            assert_eq!(names(text).as_deref(), then, "{text:?}");
        }
    }

    // Everything that is said of a text in so many pieces.
    fn told(text: &str, pieces: usize) -> Option<Vec<String>> {
        parse_cut(text, cuts(text, pieces))
            .ok()
            .map(|pieces| told_of(&pieces))
    }

    // Everything that the parser says of a text that it is given as it stands.
    fn told_as_it_stands(text: &str) -> Option<Vec<String>> {
        let document = KdlDocument::parse_v2(text).ok()?;
        Some(told_of(&[Piece { at: 0, document }]))
    }

    fn told_of(pieces: &[Piece]) -> Vec<String> {
        // An entry as it is written, without what stands before it.
        fn words(entry: &kdl::KdlEntry) -> String {
            let written = entry.format().map(|format| &format.value_repr);
            let name = |name: Option<&kdl::KdlIdentifier>| name.map(|name| name.value().to_owned());
            let (name, kind) = (name(entry.name()), name(entry.ty()));
            format!("{name:?} {kind:?} {:?} {written:?}", entry.value())
        }
        fn tell(nodes: &[kdl::KdlNode], at: usize, told: &mut Vec<String>) {
            for node in nodes {
                let place = |span: miette::SourceSpan| (span.offset() + at, span.len());
                let entries = node.entries().iter();
                let entries: Vec<_> = entries
                    .map(|entry| (words(entry), place(entry.span())))
                    .collect();
                let name = (node.name().value(), place(node.name().span()));
                told.push(format!("{name:?} {:?} {entries:?}", place(node.span())));
                if let Some(children) = node.children() {
                    told.push("{".to_owned());
                    tell(children.nodes(), at, told);
                    told.push("}".to_owned());
                }
            }
        }
        let mut told = Vec::new();
        for piece in pieces {
            tell(piece.document.nodes(), piece.at, &mut told);
        }
        told
    }

    #[test]
    fn pieces_together_are_the_whole() {
        let own = include_str!("../../factory.kdl");
        let odd = [
            "node \"a\" {\n inner /* { */ 1;\n}\n",
            "text \"\"\"\n  {\n  \"\"\"\nraw #\"}{\"#\n",
            "/- hidden {\n a\n}\n/-\n\nalso \"hidden\"\n",
            "long \\\n  1 \\ // on it goes\n  2\nnext\r\nlast; very; /* \n\n */ end\n\n",
            "a /-{\n b\n} {\n c\n}\n// a comment {\n/* and\nmore */\n",
        ];
        let many = odd.concat();
        let fault = format!("{many}{many}node {{\n");
        let late = format!("{many}node \"a\"\"b\"\n{many}");
        assert_eq!(told(own, 1), told_as_it_stands(own));
        for text in [own, &many, &fault, &late] {
            assert!(cuts(text, 2).len() == 1, "it can be cut");
            for pieces in [2, 3, 8] {
                assert_eq!(told(text, pieces), told(text, 1), "{pieces} pieces");
            }
        }
        assert!(told(&many, 2).is_some() && told(&fault, 2).is_none());
    }

    proptest! {
        #[test]
        fn no_text_means_something_else_in_pieces(
            parts in proptest::collection::vec(
                prop::sample::select(vec![
                    "a", "\n", "\n", "b \"x\"", "{", "}", ";", "\\\n", "\\ // c\n", "// {\n", "//–", "/* \n */", "/-",
                    "\"\"\"\n  x\n  \"\"\"", "\"", "#\"", "\"#", "#\"}\n{\"#", " ", "\r\n", "p=1", "#true", "(t)", "/*", "*/",
                ]),
                1..40,
            ),
            pieces in 2..6_usize,
        ) {
            let text = parts.concat();
            prop_assert_eq!(told(&text, pieces), told(&text, 1));
            if !text.contains("/-") || !text.contains(';') {
                prop_assert_eq!(told(&text, 1), told_as_it_stands(&text));
            }
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let document = parse("/- title \"x\"; description \"y\"").unwrap();
        assert_eq!(document.nodes()[0].span().offset(), 14);
    }
}
