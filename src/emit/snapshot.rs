//! The accepted text of every prompt, in insta's file format, and what changed since.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use super::Prompt;

/// The folder of the accepted prompts.
pub const FOLDER: &str = "snapshots";

/// Says whose a snapshot is: one with another source is not ours to change or remove.
const SOURCE: &str = "source: factory.kdl";

/// Returns the path of the accepted prompt of `role`.
pub fn path(role: &str) -> String {
    format!("{FOLDER}/{role}.snap")
}

/// Returns the text of the snapshot file in which `prompt` is accepted.
pub fn render(prompt: &Prompt) -> String {
    format!(
        "---\n{SOURCE}\nexpression: prompt of {}\n---\n{}",
        prompt.role, prompt.text
    )
}

/// Returns the prompt that a snapshot file accepts, or nothing where it is no snapshot file.
pub fn parse(file: &str) -> Option<&str> {
    let (_, text) = file.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(text)
}

/// Returns whether a snapshot file was written by this compiler.
pub fn is_ours(file: &str) -> bool {
    file.strip_prefix("---\n")
        .is_some_and(|rest| rest.starts_with(SOURCE))
        && parse(file).is_some()
}

/// Where the prompts of a factory differ from what was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    /// The roles whose prompt nobody has accepted yet.
    pub new: Vec<String>,
    /// The roles whose prompt is not the accepted one.
    pub changed: Vec<String>,
    /// The snapshots of ours whose role is gone, by path.
    pub orphans: Vec<String>,
    /// What changed, each change once with all the roles that it touches.
    pub changes: Vec<Change>,
}

/// One change, in the prompts of one or more roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The roles that it touches.
    pub roles: Vec<String>,
    /// The lines: kept ones start with a blank, others with `-` or `+`.
    pub lines: Vec<Line>,
}

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What became of it.
    pub tag: Tag,
    /// Its pieces; those that are themselves new or gone are marked.
    pub pieces: Vec<(bool, String)>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// It stayed.
    Kept,
    /// It is gone.
    Gone,
    /// It is new.
    New,
}

impl Review {
    /// Compares `prompts` with the snapshot files `accepted`, by path.
    pub fn of(prompts: &[Prompt], accepted: &BTreeMap<String, String>) -> Self {
        let mut review = Self::default();
        for prompt in prompts {
            match accepted
                .get(&path(&prompt.role))
                .and_then(|file| parse(file))
            {
                None => review.new.push(prompt.role.clone()),
                Some(text) if text == prompt.text => {}
                Some(text) => {
                    review.changed.push(prompt.role.clone());
                    review.add(&prompt.role, text, &prompt.text);
                }
            }
        }
        let known: Vec<_> = prompts.iter().map(|prompt| path(&prompt.role)).collect();
        let gone = accepted
            .iter()
            .filter(|(path, file)| !known.contains(path) && is_ours(file));
        review.orphans = gone.map(|(path, _)| path.clone()).collect();
        review
    }

    /// Returns whether every prompt is the accepted one, and nothing else is accepted.
    pub fn is_clean(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.orphans.is_empty()
    }

    fn add(&mut self, role: &str, before: &str, after: &str) {
        let diff = TextDiff::from_lines(before, after);
        for group in diff.grouped_ops(1) {
            let mut lines = Vec::new();
            for op in &group {
                for change in diff.iter_inline_changes(op) {
                    let tag = match change.tag() {
                        ChangeTag::Equal => Tag::Kept,
                        ChangeTag::Delete => Tag::Gone,
                        ChangeTag::Insert => Tag::New,
                    };
                    let pieces = change
                        .iter_strings_lossy()
                        .map(|(marked, piece)| (marked, piece.trim_end_matches('\n').to_owned()))
                        .filter(|(_, piece)| !piece.is_empty())
                        .collect();
                    lines.push(Line { tag, pieces });
                }
            }
            match self.changes.iter_mut().find(|change| change.lines == lines) {
                Some(known) => known.roles.push(role.to_owned()),
                None => self.changes.push(Change {
                    roles: vec![role.to_owned()],
                    lines,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(role: &str, text: &str) -> Prompt {
        Prompt {
            role: role.into(),
            text: text.into(),
            parts: Vec::new(),
        }
    }

    fn accepted(prompts: &[Prompt]) -> BTreeMap<String, String> {
        prompts
            .iter()
            .map(|prompt| (path(&prompt.role), render(prompt)))
            .collect()
    }

    #[test]
    fn a_snapshot_reads_back_and_knows_whose_it_is() {
        let file = render(&prompt("qa", "# QA\n---\nmore\n"));
        assert_eq!(parse(&file), Some("# QA\n---\nmore\n"));
        assert!(is_ours(&file));
        assert!(!is_ours("---\nsource: tests/a.rs\n---\nx\n") && !is_ours("x"));
    }

    #[test]
    fn one_changed_line_of_the_preamble_is_one_change() {
        let before = [
            prompt("ceo", "rules\nceo\n"),
            prompt("qa", "rules\nqa\n"),
            prompt("old", "x\n"),
        ];
        let after = [
            prompt("ceo", "Rules\n\nceo\n"),
            prompt("qa", "rules\nqa\n"),
            prompt("new", "y\n"),
        ];
        let review = Review::of(&after, &accepted(&before));
        assert_eq!(
            (review.new, review.changed),
            (vec!["new".into()], vec!["ceo".into()])
        );
        assert_eq!(review.orphans, ["snapshots/old.snap"]);

        let text = |first: &str| {
            [
                prompt("a", &format!("{first}\n\n\n\na\n")),
                prompt("b", &format!("{first}\n\n\n\nb\n")),
            ]
        };
        let review = Review::of(&text("be very kind"), &accepted(&text("be kind")));
        assert_eq!(review.changes.len(), 1);
        assert_eq!(review.changes[0].roles, ["a", "b"]);
        let new = review.changes[0]
            .lines
            .iter()
            .find(|line| line.tag == Tag::New)
            .unwrap();
        assert!(
            new.pieces
                .iter()
                .any(|(marked, piece)| *marked && piece.contains("very")),
            "{new:?}"
        );
    }

    #[test]
    fn what_is_accepted_is_clean() {
        let prompts = [prompt("a", "x\n")];
        assert!(Review::of(&prompts, &accepted(&prompts)).is_clean());
    }
}
