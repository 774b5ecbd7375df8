//! A compiled prompt, and from where each of its parts came.

use std::{collections::BTreeMap, ops::Range};

/// The text that a role's agent is given as its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The name of the role.
    pub role: String,
    /// The text, with the line ends of Unix; it ends with one, unless it is a role's own text as it stands.
    pub text: String,
    /// The parts of the text in order, without a gap.
    pub parts: Vec<Part>,
}

/// A part of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The path of what it was made from, relative to the project: a prompt file, or a template, also
    /// where that is a shipped one.
    pub source: String,
    /// The bytes of the prompt.
    pub range: Range<usize>,
    /// The line of the source, from 1, with which the part begins; nothing where a template made it.
    pub line: Option<usize>,
}

/// One block of a prompt before it stands in the layout.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub(super) source: String,
    pub(super) text: String,
    /// Whether the text is that of the source itself.
    pub(super) written: bool,
}

impl Prompt {
    /// Returns the prompt whose `blocks` stand where the layout, given a mark for each, leaves the
    /// marks. A block without words has no mark, so that the layout can ask whether it is there.
    pub(super) fn compose<E>(
        role: &str,
        layout: &str,
        blocks: &[(&'static str, Block)],
        render: impl FnOnce(&BTreeMap<&'static str, String>) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut marks = BTreeMap::new();
        for (index, (name, block)) in blocks.iter().enumerate() {
            let empty = block.text.trim().is_empty();
            marks.insert(
                *name,
                if empty {
                    String::new()
                } else {
                    format!("{MARK}{index}{MARK}")
                },
            );
        }
        let frame = render(&marks)?;
        let mut prompt = Self {
            role: role.to_owned(),
            text: String::new(),
            parts: Vec::new(),
        };
        for (index, piece) in frame.split(MARK).enumerate() {
            // Between two marks stands the number of a block.
            let block = piece
                .parse()
                .ok()
                .filter(|_| index % 2 == 1)
                .and_then(|at: usize| blocks.get(at));
            match block {
                Some((_, block)) => {
                    let text = plain(&block.text);
                    let words = text.trim_start_matches('\n');
                    let line = block.written.then(|| text.len() - words.len() + 1);
                    prompt.push(&block.source, words.trim_end(), line);
                }
                None => prompt.push(layout, piece, None),
            }
        }
        Ok(prompt)
    }

    fn push(&mut self, source: &str, text: &str, line: Option<usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        match self.parts.last_mut() {
            Some(last) if last.source == source => last.range.end = end,
            Some(_) | None if start < end => {
                self.parts.push(Part {
                    source: source.to_owned(),
                    range: start..end,
                    line,
                });
            }
            Some(_) | None => {}
        }
    }

    /// Returns the source of the byte at `offset` of the text, and its line there, from 1, where the
    /// source itself says these words.
    pub fn source_of(&self, offset: usize) -> Option<(&str, Option<usize>)> {
        let part = self
            .parts
            .iter()
            .find(|part| part.range.contains(&offset))?;
        let before = self.text.get(part.range.start..offset).unwrap_or_default();
        let line = part.line.map(|line| line + before.matches('\n').count());
        Some((&part.source, line))
    }
}

// No text that a person writes holds it: the reader of inputs would show it as a control character.
const MARK: char = '\u{0}';

// Without what an editor may add and nobody reads.
fn plain(text: &str) -> String {
    text.trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace(MARK, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(source: &str, text: &str) -> Block {
        Block {
            source: source.to_owned(),
            text: text.to_owned(),
            written: !source.starts_with("t/"),
        }
    }

    #[test]
    fn parts_cover_the_prompt_without_a_gap() {
        let blocks = [
            ("preamble", block("p.md", "\u{feff}# P\r\nrules\r\n\n")),
            ("text", block("r.md", "\n\n# R\0\n")),
            ("boundary", block("t/b", "b\n")),
            ("rules", Block::default()),
            ("gates", Block::default()),
            ("hand_over", Block::default()),
            ("memory", Block::default()),
        ];
        let prompt = Prompt::compose::<()>("r", "t/layout", &blocks, |marks| {
            assert!(marks["rules"].is_empty());
            Ok(format!(
                "{}\n\n{}\n-- {} --\n",
                marks["preamble"], marks["text"], marks["boundary"]
            ))
        })
        .unwrap();
        assert_eq!(prompt.text, "# P\nrules\n\n# R\n-- b --\n");
        let parts: Vec<_> = prompt
            .parts
            .iter()
            .map(|part| (part.source.as_str(), &prompt.text[part.range.clone()]))
            .collect();
        assert_eq!(
            parts,
            [
                ("p.md", "# P\nrules"),
                ("t/layout", "\n\n"),
                ("r.md", "# R"),
                ("t/layout", "\n-- "),
                ("t/b", "b"),
                ("t/layout", " --\n")
            ]
        );
        assert_eq!(prompt.source_of(1), Some(("p.md", Some(1))));
        assert_eq!(prompt.source_of(5), Some(("p.md", Some(2))));
        assert_eq!(prompt.source_of(12), Some(("r.md", Some(3))));
        assert_eq!(prompt.source_of(18), Some(("t/b", None)));
    }
}
