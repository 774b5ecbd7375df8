//! The parser of KDL, for all that KDL is.

use kdl::{KdlDocument, KdlError};

use super::format::{Kind, tokens};

/// Returns the document that `text` is; places in it are places in `text`.
///
/// The parser takes the `;` behind a node that is commented out for the start of another. A line break
/// ends such a node just as well and is as long, so that it is given this to read.
pub(super) fn parse(text: &str) -> Result<KdlDocument, KdlError> {
    if !text.contains("/-") {
        return KdlDocument::parse_v2(text);
    }
    let mut readable = String::with_capacity(text.len());
    let mut at = 0;
    for semicolon in behind_hidden_nodes(text) {
        readable.push_str(text.get(at..semicolon).unwrap_or_default());
        readable.push('\n');
        at = semicolon + 1;
    }
    readable.push_str(text.get(at..).unwrap_or_default());
    KdlDocument::parse_v2(&readable)
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

    #[test]
    fn places_are_those_of_the_text() {
        let document = parse("/- title \"x\"; description \"y\"").unwrap();
        assert_eq!(document.nodes()[0].span().offset(), 14);
    }
}
