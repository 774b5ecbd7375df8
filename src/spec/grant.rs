//! A grant put into a spec where its author would have written it, and nothing else changed.

use kdl::{KdlDocument, KdlNode};

use super::{
    format::{Kind, Token, tokens},
    parse::parse,
    stack::on_parse_stack,
    write::quoted,
};

/// Returns `text`, a spec file that parses, with `may { CAPABILITY "PATTERN" }` added to the role:
/// to the node that grants the like, else to its `may`, else in a `may` of its own. Returns nothing
/// where the text has no such role.
///
/// ```
/// let text = "role \"a\" { // why\n    may { run \"ls\"; }\n}\n";
/// assert_eq!(
///     factory::spec::granted(text, "a", "run", "cat *").unwrap(),
///     "role \"a\" { // why\n    may { run \"ls\" \"cat *\"; }\n}\n"
/// );
/// ```
pub fn granted(text: &str, role: &str, capability: &str, pattern: &str) -> Option<String> {
    let spec = text.to_owned();
    let grant = Grant {
        role: role.to_owned(),
        capability: capability.to_owned(),
        pattern: quoted(pattern),
    };
    let (at, new) = on_parse_stack(move || grant.place(&spec))??;
    let mut granted = text.get(..at)?.to_owned();
    granted.push_str(&new);
    granted.push_str(text.get(at..)?);
    Some(granted)
}

struct Grant {
    role: String,
    capability: String,
    pattern: String,
}

impl Grant {
    // Returns where something is put into `text`, and what.
    fn place(&self, text: &str) -> Option<(usize, String)> {
        let Self {
            role,
            capability,
            pattern,
        } = self;
        let document = parse(text).ok()?;
        let tokens: Vec<_> = tokens(text).collect();
        let file = Block {
            from: 0,
            to: tokens.len(),
        };
        let ours = |node: &Node<'_>| {
            let mut arguments = node
                .kdl
                .entries()
                .iter()
                .filter(|entry| entry.name().is_none());
            let name = arguments.next().and_then(|name| name.value().as_string());
            node.is("role") && name == Some(role.as_str())
        };
        let role = nodes(&tokens, &file, &document)?.into_iter().find(ours)?;
        let end = line_end(&tokens);
        let Some((block, children)) = role.children() else {
            let may = format!(" {{{end}    may {{ {capability} {pattern}; }}{end}}}");
            return Some((behind(tokens.get(role.last)?), may));
        };
        let mut open = None;
        for may in nodes(&tokens, block, children)? {
            let Some((block, children)) = may.children().filter(|_| may.is("may")) else {
                continue;
            };
            let like = nodes(&tokens, block, children)?;
            if let Some(list) = like.into_iter().find(|node| node.is(capability)) {
                let last = tokens.get(*list.words.last()?)?;
                return Some((behind(last), format!(" {pattern}")));
            }
            open.get_or_insert(block.clone());
        }
        match open {
            Some(may) => inside(text, &tokens, &may, &format!("{capability} {pattern}")),
            None => {
                let may = format!("may {{ {capability} {pattern}; }}");
                inside(text, &tokens, block, &may)
            }
        }
    }
}

// How the lines of the text end.
fn line_end(tokens: &[Token<'_>]) -> &'static str {
    let first = tokens.iter().find(|token| token.kind == Kind::Break);
    match first.map(|token| token.text) {
        Some("\r\n") => "\r\n",
        Some("\r") => "\r",
        Some(_) | None => "\n",
    }
}

const fn behind(token: &Token<'_>) -> usize {
    token.at + token.text.len()
}

// The tokens of what stands between two braces, or of a whole file.
#[derive(Debug, Clone)]
struct Block {
    from: usize,
    to: usize,
}

// A node as it is written, and as it is read.
struct Node<'a> {
    // The tokens of its name, arguments, and properties, less those that are commented out.
    words: Vec<usize>,
    // Its last token, commented out or not.
    last: usize,
    block: Option<Block>,
    kdl: &'a KdlNode,
}

impl Node<'_> {
    fn is(&self, name: &str) -> bool {
        self.kdl.name().value() == name
    }

    fn children(&self) -> Option<(&Block, &KdlDocument)> {
        self.block.as_ref().zip(self.kdl.children())
    }
}

// The nodes of `block`, which `document` is read from, less those that are commented out. Nothing where
// the two do not agree.
fn nodes<'a>(
    tokens: &[Token<'_>],
    block: &Block,
    document: &'a KdlDocument,
) -> Option<Vec<Node<'a>>> {
    let written = written(tokens, block);
    let read = document.nodes();
    if written.len() != read.len() {
        return None;
    }
    let both = written.into_iter().zip(read);
    let node = |(written, kdl): (Written, _)| Node {
        words: written.words,
        last: written.last,
        block: written.block,
        kdl,
    };
    Some(both.map(node).collect())
}

struct Written {
    words: Vec<usize>,
    last: usize,
    block: Option<Block>,
}

fn written(tokens: &[Token<'_>], block: &Block) -> Vec<Written> {
    let mut found = Vec::new();
    let mut node: Option<Written> = None;
    let (mut at, mut hidden, mut hides_next, mut goes_on) = (block.from, false, false, false);
    while at < block.to {
        let Some(token) = tokens.get(at) else { break };
        match token.kind {
            Kind::Blank | Kind::BlockComment | Kind::LineComment => {}
            Kind::Continue => goes_on = true,
            Kind::Break if goes_on => goes_on = false,
            // A slashdash reaches over line breaks.
            Kind::Break if hides_next => {}
            Kind::Break | Kind::Semicolon | Kind::Close => {
                found.extend(node.take().filter(|_| !hidden));
                hidden = false;
            }
            Kind::SlashDash => hides_next = true,
            Kind::Word => match &mut node {
                Some(node) => {
                    node.last = at;
                    if !std::mem::take(&mut hides_next) {
                        node.words.push(at);
                    }
                }
                None => {
                    hidden = std::mem::take(&mut hides_next);
                    node = Some(Written {
                        words: vec![at],
                        last: at,
                        block: None,
                    });
                }
            },
            Kind::Open => {
                let close = closing(tokens, at);
                let hides = std::mem::take(&mut hides_next);
                if let Some(node) = &mut node {
                    node.last = close;
                    if !hides {
                        node.block = Some(Block {
                            from: at + 1,
                            to: close,
                        });
                    }
                }
                at = close;
            }
        }
        at += 1;
    }
    found.extend(node.filter(|_| !hidden));
    found
}

fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

// Where in `block` a node is added, and its text: on a line of its own where the others are, before
// the first of them.
fn inside(text: &str, tokens: &[Token<'_>], block: &Block, node: &str) -> Option<(usize, String)> {
    let open = tokens.get(block.from.checked_sub(1)?)?;
    let within = tokens.get(block.from..block.to)?;
    let lines = within.iter().any(|token| token.kind == Kind::Break);
    if !lines {
        let empty = within.iter().all(|token| token.kind == Kind::Blank);
        let end = if empty { " " } else { "" };
        return Some((open.at + 1, format!(" {node};{end}")));
    }
    let first = within.iter().find(|token| token.kind == Kind::Word);
    let start = first.map_or(open.at, |first| first.at);
    let line = text.get(..start)?.rfind(['\n', '\r']);
    let indent = text.get(line.map_or(0, |at| at + 1)..start)?;
    let end = line_end(tokens);
    if first.is_some() && indent.trim().is_empty() {
        // `may { …` and `run …` end with their line.
        return Some((start, format!("{node}{end}{indent}")));
    }
    Some((open.at + 1, format!("{end}    {node}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::format;

    #[test]
    fn a_grant_stands_where_its_author_would_have_put_it() {
        for (given, then) in [
            (
                "role \"a\" model=\"m\"\n",
                "role \"a\" model=\"m\" {\n    may { run \"ls *\"; }\n}\n",
            ),
            ("role \"a\" {}\n", "role \"a\" { may { run \"ls *\"; }; }\n"),
            (
                "role \"a\" { title \"A\"; }\n",
                "role \"a\" { may { run \"ls *\"; }; title \"A\"; }\n",
            ),
            (
                "role \"a\" {\n    // why\n    title \"A\"\n}\n",
                "role \"a\" {\n    // why\n    may { run \"ls *\"; }\n    title \"A\"\n}\n",
            ),
            (
                "role \"a\" {\n  may { write \"b\" }\n}\n",
                "role \"a\" {\n  may { run \"ls *\"; write \"b\" }\n}\n",
            ),
            (
                "role \"a\" {\n    may {\n        write \"b\" // c\n    }\n}\n",
                "role \"a\" {\n    may {\n        run \"ls *\"\n        write \"b\" // c\n    }\n}\n",
            ),
            (
                "role \"a\" {\n    may { write \"b\"; run \"c\" \\\n  \"d\" /* e */; }\n}\n",
                "role \"a\" {\n    may { write \"b\"; run \"c\" \\\n  \"d\" \"ls *\" /* e */; }\n}\n",
            ),
            // What is commented out, another role's, or a `never` is left alone.
            (
                "/-role \"a\" { may { run \"b\"; }; }\nrole \"b\" { may { run \"c\"; }; }\n\
                 role a {\n    never { run \"d\"; }\n    /-may { run \"e\"; }\n    may {\n        /-run \"f\"\n        run \"g\"\n    }\n}\n",
                "/-role \"a\" { may { run \"b\"; }; }\nrole \"b\" { may { run \"c\"; }; }\n\
                 role a {\n    never { run \"d\"; }\n    /-may { run \"e\"; }\n    may {\n        /-run \"f\"\n        run \"g\" \"ls *\"\n    }\n}\n",
            ),
        ] {
            assert_eq!(granted(given, "a", "run", "ls *").as_deref(), Some(then));
            assert!(format(then).is_ok(), "{then}");
        }
        assert_eq!(granted("role \"b\"\n", "a", "run", "ls"), None);
    }

    #[test]
    fn a_role_is_found_however_it_is_written() {
        for (given, then) in [
            ("role #\"a\"# model=\"m\"", "role #\"a\"# model=\"m\""),
            ("role model=\"m\" \"a\"", "role model=\"m\" \"a\""),
            ("role model = \"m\" \"a\"", "role model = \"m\" \"a\""),
            ("\"role\" a", "\"role\" a"),
            ("role \"\\u{61}\"", "role \"\\u{61}\""),
            ("role /-\"b\" \"a\" /* c */", "role /-\"b\" \"a\""),
            ("role \"a\" /-model=\"m\"", "role \"a\" /-model=\"m\""),
            ("role \"a\" /-{ b; }", "role \"a\" /-{ b; }"),
            ("/- role \"a\"; role a", "/- role \"a\"; role a"),
        ] {
            let rest = given.strip_prefix(then).unwrap();
            let then = format!("role \"b\"\n{then} {{\n    may {{ run \"ls\"; }}\n}}{rest}\n");
            let given = format!("role \"b\"\n{given}\n");
            assert_eq!(
                granted(&given, "a", "run", "ls").as_deref(),
                Some(then.as_str())
            );
            assert!(format(&then).is_ok(), "{then}");
        }
        for (given, then) in [
            (
                "role a { \"may\" { #\"run\"# \"b\"; }; }",
                "role a { \"may\" { #\"run\"# \"b\" \"ls\"; }; }",
            ),
            (
                "role a { may { write \"b\"; }; may { run \"c\"; }; }",
                "role a { may { write \"b\"; }; may { run \"c\" \"ls\"; }; }",
            ),
        ] {
            assert_eq!(granted(given, "a", "run", "ls").as_deref(), Some(then));
        }
    }

    #[test]
    fn lines_end_as_those_of_the_file() {
        for text in [
            "role a\n",
            "role a { title \"A\"; }\n",
            "role a {\n    title \"A\"\n}\n",
            "role a {\n}\n",
            "role a {\n    may {\n        write \"b\"\n    }\n}\n",
        ] {
            let granted = |text: &str| granted(text, "a", "run", "ls").unwrap();
            for end in ["\r\n", "\r"] {
                let then = granted(text).replace('\n', end);
                assert_eq!(granted(&text.replace('\n', end)), then, "{text:?}");
            }
        }
    }
}
