//! A grant put into a spec where its author would have written it, and nothing else changed.

use super::{
    format::{Kind, tokens},
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
    let tokens: Vec<_> = tokens(text).collect();
    let file = Block {
        from: 0,
        to: tokens.len(),
    };
    let names = [role.to_owned(), format!("\"{role}\"")];
    let named = |node: &Node| {
        let argument = node.words.get(1).and_then(|at| tokens.get(*at));
        argument.is_some_and(|token| names.iter().any(|name| name == token.text))
    };
    let role = nodes(&tokens, &file)
        .into_iter()
        .find(|node| node.is("role", &tokens) && named(node))?;
    let pattern = quoted(pattern);
    let (at, new) = match &role.block {
        None => (
            role.end(&tokens)?,
            format!(" {{\n    may {{ {capability} {pattern}; }}\n}}"),
        ),
        Some(block) => {
            let inner = nodes(&tokens, block);
            let mays = || inner.iter().filter(|node| node.is("may", &tokens));
            let lists = mays().filter_map(|may| may.block.as_ref());
            let list = lists
                .flat_map(|block| nodes(&tokens, block))
                .find(|node| node.is(capability, &tokens));
            let may = mays().find_map(|may| may.block.as_ref());
            match (list, may) {
                (Some(list), _) => (list.end(&tokens)?, format!(" {pattern}")),
                (None, Some(may)) => {
                    inside(text, &tokens, may, &format!("{capability} {pattern}"))?
                }
                (None, None) => {
                    let may = format!("may {{ {capability} {pattern}; }}");
                    inside(text, &tokens, block, &may)?
                }
            }
        }
    };
    let mut granted = text.get(..at)?.to_owned();
    granted.push_str(&new);
    granted.push_str(text.get(at..)?);
    Some(granted)
}

type Token<'a> = super::format::Token<'a>;

// The tokens of what stands between two braces, or of a whole file.
#[derive(Debug, Clone)]
struct Block {
    from: usize,
    to: usize,
}

struct Node {
    // The tokens of its name, arguments, and properties.
    words: Vec<usize>,
    block: Option<Block>,
}

impl Node {
    fn is(&self, name: &str, tokens: &[Token<'_>]) -> bool {
        let first = self.words.first().and_then(|at| tokens.get(*at));
        first.is_some_and(|token| token.text == name)
    }

    // The byte behind its last word.
    fn end(&self, tokens: &[Token<'_>]) -> Option<usize> {
        let last = tokens.get(*self.words.last()?)?;
        Some(last.at + last.text.len())
    }
}

// The nodes of `block`, less those that are commented out.
fn nodes(tokens: &[Token<'_>], block: &Block) -> Vec<Node> {
    let mut found = Vec::new();
    let mut node: Option<Node> = None;
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
                    if !std::mem::take(&mut hides_next) {
                        node.words.push(at);
                    }
                }
                None => {
                    hidden = std::mem::take(&mut hides_next);
                    node = Some(Node {
                        words: vec![at],
                        block: None,
                    });
                }
            },
            Kind::Open => {
                let close = closing(tokens, at);
                if let Some(node) = &mut node
                    && !std::mem::take(&mut hides_next)
                {
                    node.block = Some(Block {
                        from: at + 1,
                        to: close,
                    });
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
    let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(line..start)?;
    if first.is_some() && indent.trim().is_empty() {
        // `may { …` and `run …` end with their line.
        return Some((start, format!("{node}\n{indent}")));
    }
    Some((open.at + 1, format!("\n    {node}")))
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
}
