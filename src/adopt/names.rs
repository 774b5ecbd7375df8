//! Names of a spec, made from what people call things.

use std::collections::BTreeSet;

/// Returns the nearest name that the language allows; nothing where no letter is left.
pub(super) fn name_of(text: &str) -> Option<String> {
    let mut name = String::new();
    for letter in text.chars() {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => name.push(letter),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    match name.chars().next()? {
        'a'..='z' => Some(name.to_owned()),
        _ => Some(format!("agent-{name}")),
    }
}

/// Returns `name`, or the first of `name-2`, `name-3`, … that `taken` does not have, and takes it.
pub(super) fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut found = name.to_owned();
    let mut number = 2;
    while taken.contains(&found) {
        found = format!("{name}-{number}");
        number += 1;
    }
    taken.insert(found.clone());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_what_is_there() {
        for (text, then) in [
            ("sql-pro", Some("sql-pro")),
            ("SQL Pro", Some("sql-pro")),
            ("a.b.c", Some("a-b-c")),
            ("ünïc", Some("n-c")),
            ("9lives", Some("agent-9lives")),
            ("../up", Some("up")),
            ("日本", None),
        ] {
            assert_eq!(name_of(text).as_deref(), then, "{text}");
        }
        let mut taken = BTreeSet::from(["a".to_owned()]);
        assert_eq!(
            (free("a", &mut taken), free("a", &mut taken)),
            ("a-2".into(), "a-3".into())
        );
    }
}
