//! The marks that git leaves where it could not merge two versions of a text.

/// Returns what each side of a merge had, ours before theirs; nothing where `text` holds no marks of a
/// merge, or they do not pair up.
///
/// What stood before both sides, which git shows on request, is in neither. Where git did merge, both
/// have what it made.
pub fn sides(text: &str) -> Option<[String; 2]> {
    if !text.contains("<<<<<<< ") {
        return None;
    }
    let mut sides = [String::new(), String::new()];
    let mut part = Part::Both;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        part = match (part, mark(line)) {
            (Part::Both, Some('<')) => {
                found = true;
                Part::Ours
            }
            (Part::Ours, Some('|')) => Part::Before,
            (Part::Ours | Part::Before, Some('=')) => Part::Theirs,
            (Part::Theirs, Some('>')) => Part::Both,
            // A row of equal signs underlines a heading.
            (Part::Both | Part::Theirs, Some('=')) | (_, None) => {
                let [ours, theirs] = &mut sides;
                if matches!(part, Part::Both | Part::Ours) {
                    ours.push_str(line);
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    theirs.push_str(line);
                }
                part
            }
            (Part::Both | Part::Ours | Part::Before | Part::Theirs, Some(_)) => return None,
        };
    }
    (found && part == Part::Both).then_some(sides)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    Ours,
    Before,
    Theirs,
}

// The letter of a line that begins as git's marks do.
fn mark(line: &str) -> Option<char> {
    let line = line.trim_end_matches(['\r', '\n']);
    ['<', '|', '=', '>'].into_iter().find(|letter| {
        let rest = line.trim_start_matches(*letter);
        let seven = line.len() - rest.len() == 7;
        seven && (rest.starts_with(' ') || (rest.is_empty() && matches!(letter, '|' | '=')))
    })
}

#[cfg(test)]
mod tests {
    use super::sides;

    #[test]
    fn each_side_is_told() {
        for (text, then) in [
            (
                "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\nd\n",
                Some(["a\nb\nd\n", "a\nc\nd\n"]),
            ),
            (
                "<<<<<<< HEAD\r\nb\r\n||||||| 1234567\r\no\r\n=======\r\n>>>>>>> topic\r\n",
                Some(["b\r\n", ""]),
            ),
            // Headings that are underlined, and a list of quotes.
            ("A\n=======\n\n>>>>>>>>> b\n", None),
            (
                "<<<<<<< HEAD\n=======\nA\n=======\n>>>>>>> topic\n",
                Some(["", "A\n=======\n"]),
            ),
            ("<<<<<<< HEAD\na\n", None),
            ("a\n>>>>>>> topic\n", None),
            ("<<<<<<< HEAD\n<<<<<<< HEAD\n", None),
            ("", None),
        ] {
            let then = then.map(|sides| sides.map(str::to_owned));
            assert_eq!(sides(text), then, "{text}");
        }
    }
}
