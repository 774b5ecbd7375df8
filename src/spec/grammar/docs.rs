//! docs/language.md, made from the table.

use std::fmt::Write as _;

use super::{ArgDef, Kind, NodeDef, ROOT};

/// Returns the reference of the language as Markdown.
pub fn language() -> String {
    let mut text = String::from(
        "# The language\n\n\
         Every node of `factory.kdl`, made from the table that the parser reads. \
         What a node does not list, it does not have: anything else is an error.\n\n\
         `NAME…` stands for one or more, `[NAME…]` for any number. Nodes marked *once* may stand once at \
         their place; all others add up.\n",
    );
    for node in ROOT.children {
        let _ = write!(text, "\n## {}\n\n{}\n\n", node.name, describe(node));
        rows(node, 0, &mut text);
    }
    text
}

/// Returns what there is to know of the nodes called `name`, at each place where one may stand;
/// nothing where there is no such node.
pub fn node(name: &str) -> String {
    let mut text = String::new();
    let mut seen: Vec<*const NodeDef> = Vec::new();
    ROOT.walk(&mut |within, def| {
        if def.name == name && !seen.contains(&std::ptr::from_ref(def)) {
            seen.push(def);
            let place = match within {
                [] => "at the top of a file".to_owned(),
                path => format!("in `{}`", path.join(" › ")),
            };
            let _ = writeln!(
                text,
                "{}{}\n",
                if text.is_empty() { "" } else { "\n" },
                describe(def)
            );
            let _ = writeln!(text, "Stands {place}.\n");
            rows(def, 0, &mut text);
        }
    });
    text
}

fn describe(node: &NodeDef) -> String {
    format!(
        "    {}\n\n{}{}",
        usage(node),
        node.doc,
        if node.many { "" } else { " *once*" }
    )
}

fn rows(node: &NodeDef, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for prop in node.props {
        let need = if prop.required { "" } else { " (optional)" };
        let _ = writeln!(
            text,
            "{indent}- `{}={}`{need}: {}",
            prop.name,
            value(prop.kind),
            prop.doc
        );
    }
    for child in node.children {
        let once = if child.many { "" } else { " *once*" };
        let _ = writeln!(text, "{indent}- `{}`: {}{once}", usage(child), child.doc);
        rows(child, depth + 1, text);
    }
}

fn usage(node: &NodeDef) -> String {
    let mut line = String::from(node.name);
    for ArgDef { name, kind, .. } in node.args {
        let _ = write!(line, " {}", word(name, *kind));
    }
    if let Some(ArgDef {
        name,
        kind,
        required,
    }) = node.rest
    {
        let word = word(name, kind);
        let _ = if required {
            write!(line, " {word}…")
        } else {
            write!(line, " [{word}…]")
        };
    }
    for prop in node.props.iter().filter(|prop| prop.required) {
        let _ = write!(line, " {}={}", prop.name, value(prop.kind));
    }
    if !node.children.is_empty() {
        line.push_str(" { … }");
    }
    line
}

fn word(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words.join("|"),
        kind if kind.quoted() => format!("\"{name}\""),
        _ => name.to_owned(),
    }
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Choice(words) => words.join("|"),
        Kind::Name | Kind::Reference => "NAME".to_owned(),
        Kind::Integer => "NUMBER".to_owned(),
        Kind::Bool => "#true|#false".to_owned(),
        Kind::Money => "\"DOLLARS\"".to_owned(),
        Kind::Duration => "\"TIME\"".to_owned(),
        Kind::Size => "\"SIZE\"".to_owned(),
        Kind::File => "\"FILE\"".to_owned(),
        Kind::Command => "\"COMMAND\"".to_owned(),
        Kind::Prose
        | Kind::PathPattern
        | Kind::CommandPattern
        | Kind::Thing
        | Kind::Word
        | Kind::Verbatim => "\"TEXT\"".to_owned(),
    }
}
