//! Where compiled prompts differ from the accepted ones, one change at a time.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

use super::{Prompt, snapshot};
use crate::diagnostics::Sources;

/// How many lines that stayed may stand within one change.
const GAP: usize = 1;

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
    /// The lines as they stand in the first role's prompt, with one that stayed before and behind.
    pub lines: Vec<Line>,
    /// What the words come from; nothing where the accepted prompt alone had them.
    pub origin: Option<Origin>,
    before: String,
    after: String,
}

/// The place that the words of a change come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file: of the project, or a template that comes with the compiler.
    pub path: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
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
            match accepted_text(accepted, &prompt.role) {
                None => review.new.push(prompt.role.clone()),
                Some(text) if text == prompt.text => {}
                Some(text) => {
                    review.changed.push(prompt.role.clone());
                    review.add(prompt, &text);
                }
            }
        }
        let known: BTreeSet<_> = prompts
            .iter()
            .map(|prompt| snapshot::path(&prompt.role))
            .collect();
        let gone = accepted
            .iter()
            .filter(|(path, file)| !known.contains(*path) && snapshot::is_ours(file));
        review.orphans = gone.map(|(path, _)| path.clone()).collect();
        review
    }

    /// Returns whether every prompt is the accepted one, and nothing else is accepted.
    pub fn is_clean(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.orphans.is_empty()
    }

    fn add(&mut self, prompt: &Prompt, before: &str) {
        let old = lines_of(before);
        for hunk in hunks(before, &prompt.text) {
            let Hunk::Changed { before, after, at } = hunk else {
                continue;
            };
            let same = |change: &&mut Change| change.before == before && change.after == after;
            if let Some(known) = self.changes.iter_mut().find(same) {
                if known.roles.last() != Some(&prompt.role) {
                    known.roles.push(prompt.role.clone());
                }
                continue;
            }
            let kept = |line: Option<&&str>| {
                let line = line.map(|line| line.trim_end_matches('\n').to_owned());
                let pieces = vec![(false, line?)];
                Some(Line {
                    tag: Tag::Kept,
                    pieces,
                })
            };
            let count = lines_of(&before).len();
            let lines = kept(at.old.checked_sub(1).and_then(|line| old.get(line)))
                .into_iter()
                .chain(inline(&before, &after))
                .chain(kept(old.get(at.old + count)))
                .collect();
            let origin = prompt
                .source_of(at.byte)
                .filter(|_| !after.is_empty())
                .or_else(|| prompt.source_of(at.byte.saturating_sub(1)))
                .map(|(path, line)| Origin {
                    path: path.to_owned(),
                    line,
                });
            self.changes.push(Change {
                roles: vec![prompt.role.clone()],
                lines,
                origin,
                before,
                after,
            });
        }
    }

    /// Returns the text that is accepted as the prompt once `chosen` are, of the one that is accepted now.
    pub fn apply(accepted: &str, prompt: &Prompt, chosen: &[&Change]) -> String {
        let is_chosen = |before: &str, after: &str| {
            chosen.iter().any(|change| {
                change.roles.contains(&prompt.role)
                    && change.before == before
                    && change.after == after
            })
        };
        hunks(accepted, &prompt.text)
            .into_iter()
            .map(|hunk| match hunk {
                Hunk::Kept(text) => text,
                Hunk::Changed { before, after, .. } if is_chosen(&before, &after) => after,
                Hunk::Changed { before, .. } => before,
            })
            .collect()
    }
}

impl Change {
    /// Returns what has to be edited to change these words: the file that says them, or, where a template
    /// made them of the spec, the line of the spec that they are about.
    pub fn cause(&self, sources: &Sources) -> Option<Origin> {
        let origin = self.origin.as_ref()?;
        if origin.line.is_some() {
            return Some(origin.clone());
        }
        // What is gone and still stands in the spec is not what changed.
        let (old, new) = (named(&self.before), named(&self.after));
        let mut words = new.difference(&old).copied();
        let role = self.roles.first().map(String::as_str);
        let found = words
            .find_map(|word| line_about(sources, role.filter(|_| self.roles.len() == 1), word));
        Some(found.unwrap_or_else(|| origin.clone()))
    }
}

fn accepted_text<'a>(accepted: &'a BTreeMap<String, String>, role: &str) -> Option<Cow<'a, str>> {
    accepted
        .get(&snapshot::path(role))
        .and_then(|file| snapshot::parse(file))
}

// A piece of two texts.
enum Hunk {
    Kept(String),
    Changed {
        before: String,
        after: String,
        at: At,
    },
}

// Where a change begins: the line of the old text, from 0, and the byte of the new one.
struct At {
    old: usize,
    byte: usize,
}

fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let (old, new) = (lines_of(before), lines_of(after));
    let joined = |lines: &[&str], range: std::ops::Range<usize>| {
        lines.get(range).unwrap_or_default().concat()
    };
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut found = Vec::new();
    let mut byte = 0;
    for (at, op) in ops.iter().enumerate() {
        let (was, is) = (op.old_range(), op.new_range());
        let (before, after) = (joined(&old, was.clone()), joined(&new, is));
        let inner = at > 0 && at + 1 < ops.len();
        let is_kept = matches!(op, DiffOp::Equal { .. });
        let length = after.len();
        match found.last_mut() {
            // A line between two changes makes them no two decisions.
            Some(Hunk::Changed {
                before: left,
                after: right,
                ..
            }) if !is_kept || (inner && was.len() <= GAP) => {
                left.push_str(&before);
                right.push_str(&after);
            }
            _ if is_kept => found.push(Hunk::Kept(after)),
            _ => found.push(Hunk::Changed {
                before,
                after,
                at: At {
                    old: was.start,
                    byte,
                },
            }),
        }
        byte += length;
    }
    found
}

fn inline(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for op in diff.ops() {
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
    lines
}

// The words between backticks.
fn named(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

// The first line of a spec that says `word`, within the node of `role` if one is given and says it.
fn line_about(sources: &Sources, role: Option<&str>, word: &str) -> Option<Origin> {
    let quoted = format!("\"{word}\"");
    let head = role.map(|role| format!("role \"{role}\""));
    let mut first = None;
    for source in sources.files() {
        let path = source.path();
        if std::path::Path::new(path).extension() != Some("kdl".as_ref()) {
            continue;
        }
        let mut within = false;
        for (index, line) in source.text().lines().enumerate() {
            if line.starts_with("role ") {
                within = head.as_ref().is_some_and(|head| line.starts_with(head));
            }
            if line.contains(&quoted) {
                let place = Origin {
                    path: path.to_owned(),
                    line: Some(index + 1),
                };
                if within {
                    return Some(place);
                }
                first.get_or_insert(place);
            }
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::{fixture, prompt::Part};

    fn prompt(role: &str, text: &str) -> Prompt {
        Prompt {
            role: role.into(),
            text: text.into(),
            parts: vec![Part {
                source: format!("roles/{role}.md"),
                range: 0..text.len(),
                line: Some(1),
            }],
        }
    }

    fn accepted(prompts: &[Prompt]) -> BTreeMap<String, String> {
        prompts
            .iter()
            .map(|prompt| (snapshot::path(&prompt.role), snapshot::render(prompt)))
            .collect()
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

        // What stands around it may differ.
        let text = |first: &str| {
            [
                prompt("a", &format!("# A\n{first}\na\n\n")),
                prompt("b", &format!("# B\n{first}\nb\n\n")),
            ]
        };
        let review = Review::of(&text("be very kind"), &accepted(&text("be kind")));
        assert_eq!(review.changes.len(), 1);
        let change = &review.changes[0];
        assert_eq!(change.roles, ["a", "b"]);
        let origin = Origin {
            path: "roles/a.md".into(),
            line: Some(2),
        };
        assert_eq!(change.origin, Some(origin));
        let new = change.lines.iter().find(|line| line.tag == Tag::New);
        assert!(
            new.unwrap()
                .pieces
                .iter()
                .any(|(marked, piece)| *marked && piece.contains("very")),
            "{new:?}"
        );
    }

    #[test]
    fn a_part_of_the_changes_can_be_accepted() {
        let before = "one\ntwo\nthree\nfour\nfive\n";
        let after = prompt("a", "ONE\ntwo\nthree\nfour\nsix\nseven\n");
        let review = Review::of(
            std::slice::from_ref(&after),
            &accepted(&[prompt("a", before)]),
        );
        let changes: Vec<_> = review.changes.iter().collect();
        assert_eq!(changes.len(), 2);
        for (chosen, then) in [
            (&[][..], before),
            (&changes[..1], "ONE\ntwo\nthree\nfour\nfive\n"),
            (&changes[1..], "one\ntwo\nthree\nfour\nsix\nseven\n"),
            (&changes[..], after.text.as_str()),
        ] {
            assert_eq!(Review::apply(before, &after, chosen), then);
        }
    }

    #[test]
    fn what_a_template_made_is_traced_to_the_spec() {
        let text = |grants: &str| {
            format!(
                "factory \"f\" spec=1\nmodel \"m\" id=\"m-1\"\ngate \"g\" {{ run \"true\"; }}\nrole \"b\" model=\"m\" prompt=\"roles/b.md\" {{ title \"B\"; description \"Does\"; gates \"g\"\n    may {{ write \"docs/*\"; }}\n}}\nrole \"a\" model=\"m\" prompt=\"roles/a.md\" {{ title \"A\"; description \"Does\"; gates \"g\"\n    may {{ write {grants}; }}\n}}\n"
            )
        };
        let before = fixture::Factory::of(&text("\"app/*\""), &[]);
        let after = fixture::Factory::of(&text("\"app/*\" \"docs/*\""), &[]);
        let accepted = accepted(&before.composer().prompts().unwrap());
        let review = Review::of(&after.composer().prompts().unwrap(), &accepted);
        assert_eq!(review.changed, ["a"]);
        let place = |path: &str, line| {
            Some(Origin {
                path: path.into(),
                line,
            })
        };
        let template = place("templates/prompt/boundary.md.hbs", None);
        assert_eq!(review.changes[0].origin, template);
        assert_eq!(
            review.changes[0].cause(&after.sources),
            place("factory.kdl", Some(8))
        );
    }

    #[test]
    fn what_is_accepted_is_clean() {
        let prompts = [prompt("a", "x\n")];
        assert!(Review::of(&prompts, &accepted(&prompts)).is_clean());
    }
}
