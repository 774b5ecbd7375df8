//! The accepted text of every prompt, in insta's file format.

use std::borrow::Cow;

use super::Prompt;
use crate::document::with_line_feeds;

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
    render_text(&prompt.role, &prompt.text)
}

/// Returns the text of the snapshot file in which `text` is accepted as the prompt of `role`.
pub fn render_text(role: &str, text: &str) -> String {
    format!("---\n{SOURCE}\nexpression: prompt of {role}\n---\n{text}")
}

/// Returns the prompt that a snapshot file accepts, or nothing where it is no snapshot file. Line ends are
/// git's to choose: the prompt has those of Unix, whatever the file has.
pub fn parse(file: &str) -> Option<Cow<'_, str>> {
    let text = match with_line_feeds(file) {
        Cow::Borrowed(file) => Cow::Borrowed(split(file)?.1),
        Cow::Owned(file) => Cow::Owned(split(&file)?.1.to_owned()),
    };
    Some(text)
}

/// Returns whether a snapshot file was written by this compiler.
pub fn is_ours(file: &str) -> bool {
    let file = with_line_feeds(file);
    split(&file).is_some_and(|(head, _)| head.lines().next() == Some(SOURCE))
}

// What stands between the two lines of dashes, and what behind them.
fn split(file: &str) -> Option<(&str, &str)> {
    file.strip_prefix("---\n")?.split_once("\n---\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn prompt(role: &str, text: &str) -> Prompt {
        Prompt {
            role: role.into(),
            text: text.into(),
            parts: Vec::new(),
        }
    }

    #[test]
    fn a_snapshot_reads_back_and_knows_whose_it_is() {
        let file = render(&prompt("qa", "# QA\n---\nmore\n"));
        for file in [&file, &file.replace('\n', "\r\n")] {
            assert_eq!(parse(file).as_deref(), Some("# QA\n---\nmore\n"));
            assert!(is_ours(file));
        }
        assert!(!is_ours("---\nsource: tests/a.rs\n---\nx\n") && !is_ours("x"));
        assert!(!is_ours("---\nsource: factory.kdl.rs\n---\nx\n"));
    }

    #[test]
    fn insta_takes_an_accepted_prompt_for_its_own() {
        for (index, text) in [
            "# QA\n\nTabs\tand \"quotes\".\n---\nmore\n",
            "one\n",
            "\u{fc}\n\n\n- x\n",
        ]
        .into_iter()
        .enumerate()
        {
            let folder = tempfile::tempdir().unwrap();
            let role = format!("qa-{index}");
            fs::write(
                folder.path().join(format!("{role}.snap")),
                render(&prompt(&role, text)),
            )
            .unwrap();
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(folder.path());
            settings.set_prepend_module_to_snapshot(false);
            settings.bind(|| insta::assert_snapshot!(role, text));
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
            assert_eq!(left.len(), 1, "nothing is pending: {left:?}");
        }
    }
}
