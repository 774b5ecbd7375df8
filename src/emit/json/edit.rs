//! Changes of a JSON text that leave everything else as it is.

use std::ops::Range;

use serde_json::Value;

use super::{
    JsonError, Node, parse,
    parse::{Member, Shape},
};

/// One change. A path names the members that lead to a value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::emit) enum Edit<'a> {
    /// The member at the path has this value, whatever it had.
    Set(&'a [String], &'a Value),
    /// The array at the path ends with this item.
    Append(&'a [String], &'a Value),
    /// The first item of the array at the path that equals the first has the second's value.
    Replace(&'a [String], &'a Value, &'a Value),
    /// The member at the path is gone, and what it alone was in.
    Remove(&'a [String]),
    /// The first item of the array at the path that equals this one is gone, and what it alone was in.
    RemoveItem(&'a [String], &'a Value),
}

/// Returns `text` with `edit` made, or nothing where something on the way is neither an object nor,
/// at its end, an array.
pub(in crate::emit) fn edited(text: &str, edit: &Edit<'_>) -> Result<Option<String>, JsonError> {
    let style = Style::of(text);
    let Some(root) = parse(text)? else {
        // Nothing but comments: they stay in front.
        let front = if text.trim().is_empty() {
            text
        } else {
            &format!("{}{}", text.trim_end(), style.end)
        };
        return edited(&format!("{front}{{}}{}", style.end), edit);
    };
    Ok(match edit {
        Edit::Set(path, value) => set(text, &root, path, value, &style),
        Edit::Append(path, value) => match find(&root, path) {
            None => set(
                text,
                &root,
                path,
                &Value::Array(vec![(*value).clone()]),
                &style,
            ),
            Some(node) => match &node.shape {
                Shape::Array(items) => {
                    let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
                    let depth = path.len() + 1;
                    Some(inserted(
                        text,
                        node,
                        &spans,
                        &style.value(value, depth),
                        depth,
                        &style,
                    ))
                }
                Shape::Object(_) | Shape::Plain(_) => None,
            },
        },
        Edit::Replace(path, old, new) => item(&root, path, old).map(|(_, at, items)| {
            let span = items
                .get(at)
                .map(|item| item.span.clone())
                .unwrap_or_default();
            spliced(text, &span, &style.value(new, path.len() + 1))
        }),
        Edit::Remove(path) => remove(text, &root, path),
        Edit::RemoveItem(path, value) => match item(&root, path, value) {
            Some((_, _, [_])) => remove(text, &root, path),
            Some((node, at, items)) => {
                let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
                Some(without(text, node, &spans, at))
            }
            None => None,
        },
    })
}

fn find<'n>(root: &'n Node, path: &[String]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, name| {
        node.get(name).map(|member| &member.value)
    })
}

fn item<'n>(
    root: &'n Node,
    path: &[String],
    value: &Value,
) -> Option<(&'n Node, usize, &'n [Node])> {
    let node = find(root, path)?;
    match &node.shape {
        Shape::Array(items) => {
            let at = items.iter().position(|item| item.value() == *value)?;
            Some((node, at, items.as_slice()))
        }
        Shape::Object(_) | Shape::Plain(_) => None,
    }
}

fn set(text: &str, root: &Node, path: &[String], value: &Value, style: &Style) -> Option<String> {
    let mut node = root;
    for (depth, name) in path.iter().enumerate() {
        let Shape::Object(members) = &node.shape else {
            return None;
        };
        if let Some(member) = node.get(name) {
            node = &member.value;
            continue;
        }
        // What is missing on the way is made with it.
        let rest = path.get(depth + 1..).unwrap_or_default();
        let value = rest.iter().rev().fold(value.clone(), |value, name| {
            Value::Object([(name.clone(), value)].into_iter().collect())
        });
        let name = Value::String(name.clone());
        let member = format!("{name}: {}", style.value(&value, depth + 1));
        let spans: Vec<_> = members.iter().map(span).collect();
        return Some(inserted(text, node, &spans, &member, depth + 1, style));
    }
    Some(spliced(text, &node.span, &style.value(value, path.len())))
}

fn span(member: &Member) -> Range<usize> {
    member.start..member.value.span.end
}

fn spliced(text: &str, span: &Range<usize>, new: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    format!("{before}{new}{after}")
}

// Puts `new` behind the last of what `node` holds.
fn inserted(
    text: &str,
    node: &Node,
    held: &[Range<usize>],
    new: &str,
    depth: usize,
    style: &Style,
) -> String {
    let inner = style.indent.repeat(depth);
    let outer = style.indent.repeat(depth.saturating_sub(1));
    let end = style.end;
    let Some(last) = held.last() else {
        let open = text.get(node.span.start..=node.span.start).unwrap_or("{");
        let close = if open == "[" { "]" } else { "}" };
        // A comment inside stays.
        let inside = text
            .get(node.span.start + 1..node.span.end.saturating_sub(1))
            .unwrap_or_default()
            .trim();
        let inside = if inside.is_empty() {
            String::new()
        } else {
            format!("{end}{inner}{inside}")
        };
        return spliced(
            text,
            &node.span,
            &format!("{open}{inside}{end}{inner}{new}{end}{outer}{close}"),
        );
    };
    // On one line, as the rest, where the rest is.
    let whole = text.get(node.span.clone()).unwrap_or_default();
    let (comma, tail) = trailing_comma(text, last.end);
    let between = if whole.contains('\n') {
        let first = held.first().map_or(last.start, |first| first.start);
        let line = text
            .get(..first)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let lead = text.get(line..first).unwrap_or_default();
        let own = if lead.trim().is_empty() { lead } else { &inner };
        format!("{end}{own}")
    } else {
        " ".to_owned()
    };
    // A comment on the last line belongs to what stands before it.
    let comment = line_comment(text, tail);
    let place = tail + comment;
    if comma {
        spliced(text, &(place..place), &format!("{between}{new}"))
    } else {
        let text = spliced(text, &(last.end..last.end), ",");
        spliced(&text, &(place + 1..place + 1), &format!("{between}{new}"))
    }
}

// Whether a comma follows the value that ends at `at`, and where one goes on behind it.
fn trailing_comma(text: &str, at: usize) -> (bool, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let mut from = 0;
    loop {
        let blank = rest.get(from..).unwrap_or_default();
        from += blank.len() - blank.trim_start().len();
        let next = rest.get(from..).unwrap_or_default();
        if next.starts_with(',') {
            return (true, at + from + 1);
        }
        let comment = if next.starts_with("//") {
            next.find('\n')
        } else if next.starts_with("/*") {
            next.find("*/").map(|end| end + 2)
        } else {
            None
        };
        match comment {
            Some(len) => from += len,
            None => return (false, at),
        }
    }
}

// How long the comment is that follows on the same line.
fn line_comment(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.trim_start().starts_with("//") {
        line.len()
    } else {
        0
    }
}

fn remove(text: &str, root: &Node, path: &[String]) -> Option<String> {
    let (name, outer) = path.split_last()?;
    let node = find(root, outer)?;
    let Shape::Object(members) = &node.shape else {
        return None;
    };
    let at = members.iter().rposition(|member| member.name == *name)?;
    if members.len() == 1 && !outer.is_empty() {
        return remove(text, root, outer);
    }
    let spans: Vec<_> = members.iter().map(span).collect();
    Some(without(text, node, &spans, at))
}

// Takes the one at `at` of what `node` holds away, with its comma and its line.
fn without(text: &str, node: &Node, held: &[Range<usize>], at: usize) -> String {
    let Some(gone) = held.get(at) else {
        return text.to_owned();
    };
    if held.len() == 1 {
        let open = text.get(node.span.start..=node.span.start).unwrap_or("{");
        let close = if open == "[" { "]" } else { "}" };
        let inside = text
            .get(node.span.start + 1..node.span.end.saturating_sub(1))
            .unwrap_or_default();
        if trailing_comma(text, gone.end).0
            || inside.trim() == text.get(gone.clone()).unwrap_or_default()
        {
            return spliced(text, &node.span, &format!("{open}{close}"));
        }
    }
    let (comma, tail) = trailing_comma(text, gone.end);
    let before = text.get(..gone.start).unwrap_or_default();
    let lead = before.trim_end_matches([' ', '\t']);
    let alone = lead.ends_with('\n');
    if comma {
        let rest = text.get(tail..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let line = rest.get(blank..).unwrap_or_default();
        let end = if line.starts_with("\r\n") {
            2
        } else {
            usize::from(line.starts_with('\n'))
        };
        if alone && end > 0 {
            return spliced(text, &(lead.len()..tail + blank + end), "");
        }
        return spliced(text, &(gone.start..tail + blank), "");
    }
    // The last one: the comma before it goes too.
    let from = before.trim_end();
    match (
        at.checked_sub(1).and_then(|previous| held.get(previous)),
        from.strip_suffix(','),
    ) {
        (Some(_), Some(kept)) => spliced(text, &(kept.len()..gone.end), ""),
        (Some(previous), None) => {
            // A comment stands between the comma and the value: only the two go.
            let text = spliced(text, gone, "");
            let (_, tail) = trailing_comma(&text, previous.end);
            spliced(&text, &(tail - 1..tail), "")
        }
        (None, _) => spliced(text, gone, ""),
    }
}

// How the text is laid out.
struct Style {
    indent: String,
    end: &'static str,
}

impl Style {
    fn of(text: &str) -> Self {
        let end = match text.split_once('\n') {
            Some((first, _)) if first.ends_with('\r') => "\r\n",
            Some(_) | None => "\n",
        };
        // The first line that is further in than its bracket shows it.
        let indented = text.lines().skip(1).find_map(|line| {
            let lead = line.len() - line.trim_start_matches([' ', '\t']).len();
            let starts = line.trim_start().starts_with(['"', '{', '[']);
            line.get(..lead).filter(|lead| !lead.is_empty() && starts)
        });
        Self {
            indent: indented.unwrap_or("  ").to_owned(),
            end,
        }
    }

    // The value on lines of its own, at this depth.
    fn value(&self, value: &Value, depth: usize) -> String {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(self.indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // Writing to memory does not fail.
        let _ = serde::Serialize::serialize(value, &mut serializer);
        let text = String::from_utf8(bytes).unwrap_or_default();
        text.replace('\n', &format!("{}{}", self.end, self.indent.repeat(depth)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    fn after(text: &str, edit: &Edit<'_>) -> String {
        edited(text, edit).unwrap().unwrap()
    }

    #[test]
    fn what_is_missing_is_made_in_the_style_of_the_rest() {
        let value = json!({ "x": 1 });
        let hooks = path("hooks/Pre");
        for (given, then) in [
            (
                "",
                "{\n  \"hooks\": {\n    \"Pre\": [\n      {\n        \"x\": 1\n      }\n    ]\n  }\n}\n",
            ),
            (
                "{}",
                "{\n  \"hooks\": {\n    \"Pre\": [\n      {\n        \"x\": 1\n      }\n    ]\n  }\n}",
            ),
            (
                "{\r\n\t\"a\": 1 // mine\r\n}\r\n",
                "{\r\n\t\"a\": 1, // mine\r\n\t\"hooks\": {\r\n\t\t\"Pre\": [\r\n\t\t\t{\r\n\t\t\t\t\"x\": 1\r\n\t\t\t}\r\n\t\t]\r\n\t}\r\n}\r\n",
            ),
            (
                "{\"hooks\": {\"Pre\": [2]}, \"z\": []}",
                "{\"hooks\": {\"Pre\": [2, {\n        \"x\": 1\n      }]}, \"z\": []}",
            ),
            (
                "{\n    \"hooks\": {\n        \"Pre\": [\n            2, // two\n        ],\n    },\n}\n",
                "{\n    \"hooks\": {\n        \"Pre\": [\n            2, // two\n            {\n                \"x\": 1\n            }\n        ],\n    },\n}\n",
            ),
        ] {
            assert_eq!(after(given, &Edit::Append(&hooks, &value)), then, "{given}");
        }
    }

    #[test]
    fn what_goes_takes_its_comma_and_its_line_along() {
        for (given, at, then) in [
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a", "{\n  \"b\": 2\n}\n"),
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n}\n"),
            (
                "{\n  \"a\": 1, // one\n  \"b\": 2 // two\n}\n",
                "b",
                "{\n  \"a\": 1 // one\n   // two\n}\n",
            ),
            (
                "{\"a\": 1, \"b\": 2, \"c\": 3}",
                "b",
                "{\"a\": 1, \"c\": 3}",
            ),
            (
                "{\"a\": {\"b\": {\"c\": 1}}, \"d\": 2}",
                "a/b/c",
                "{\"d\": 2}",
            ),
            ("{\"a\": 1}", "a", "{}"),
            ("{\n  \"a\": 1,\n}", "a", "{}"),
        ] {
            assert_eq!(after(given, &Edit::Remove(&path(at))), then, "{given} {at}");
        }
        let two = json!(2);
        assert_eq!(
            after("{\"a\": [1, 2, 3]}", &Edit::RemoveItem(&path("a"), &two)),
            "{\"a\": [1, 3]}"
        );
        assert_eq!(
            after(
                "{\"x\": 1, \"a\": [2]}",
                &Edit::RemoveItem(&path("a"), &two)
            ),
            "{\"x\": 1}"
        );
        let text = "{\"a\": [1, 2 /* two */]}";
        assert_eq!(
            after(text, &Edit::Replace(&path("a"), &two, &json!([]))),
            "{\"a\": [1, [] /* two */]}"
        );
    }

    #[test]
    fn nothing_is_put_where_something_else_stands() {
        let one = json!(1);
        for given in ["[]", "{\"a\": 1}", "{\"a\": {\"b\": 1}}"] {
            assert_eq!(
                edited(given, &Edit::Append(&path("a/b"), &one)).unwrap(),
                None,
                "{given}"
            );
        }
        assert!(edited("{", &Edit::Set(&path("a"), &one)).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            Just(json!("s,]}//")),
            (0..9).prop_map(|n| json!(n))
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::btree_map("[abc]", inner, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    // A text of `value` with blanks and comments strewn in.
    fn strewn(value: &Value, noise: &mut impl Iterator<Item = usize>) -> String {
        let blanks = ["", " ", "\n  ", " // c, ]\n", "/* } */", "\r\n"];
        let mut text = String::new();
        let mut inside = false;
        let plain = value.to_string();
        let mut escaped = false;
        for c in plain.chars() {
            let mark = !inside && matches!(c, '{' | '}' | '[' | ']' | ',' | ':');
            if c == '"' && !escaped {
                inside = !inside;
            }
            escaped = inside && c == '\\' && !escaped;
            if mark {
                text.push_str(blanks[noise.next().unwrap_or(0) % blanks.len()]);
            }
            text.push(c);
            if mark {
                text.push_str(blanks[noise.next().unwrap_or(0) % blanks.len()]);
            }
        }
        text
    }

    proptest! {
        #[test]
        fn an_edit_changes_the_value_and_nothing_else(
            members in prop::collection::btree_map("[abc]", values(), 0..4),
            new in values(),
            noise in prop::collection::vec(0_usize..6, 0..80),
        ) {
            let before = Value::Object(members.into_iter().collect());
            let text = strewn(&before, &mut noise.into_iter());
            prop_assert_eq!(&parse(&text).unwrap().unwrap().value(), &before);

            let at = path("d/e");
            let added = after(&text, &Edit::Append(&at, &new));
            let mut then = before.clone();
            then["d"] = json!({ "e": [new] });
            prop_assert_eq!(&parse(&added).unwrap().unwrap().value(), &then);
            let back = after(&added, &Edit::RemoveItem(&at, &new));
            prop_assert_eq!(&parse(&back).unwrap().unwrap().value(), &before);

            let at = path("a");
            let set = after(&text, &Edit::Set(&at, &new));
            let mut then = before.clone();
            then["a"] = new;
            prop_assert_eq!(&parse(&set).unwrap().unwrap().value(), &then);
            if let Some(gone) = edited(&set, &Edit::Remove(&at)).unwrap() {
                then.as_object_mut().unwrap().remove("a");
                prop_assert_eq!(&parse(&gone).unwrap().unwrap().value(), &then);
            }
        }
    }
}
