//! Characters in a prompt, a template, or a memory that its readers do not see.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint, hidden_name},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::hidden-character",
        level: Level::Error,
        safety: true,
        story: include_str!("hidden_in_prompt.md"),
    },
    absence: false,
    run: hidden_in_prompt,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{path}` has {count}")]
#[diagnostic(help("take it out: the model reads what a reviewer does not see"))]
struct HiddenCharacter {
    path: String,
    count: String,
    #[label(primary, "{shown}")]
    span: SourceSpan,
    shown: String,
}

fn hidden_in_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    for source in facts.texts() {
        let Some((at, letter)) = source.hidden_characters().next() else {
            continue;
        };
        let count = match source.hidden_characters().count() {
            1 => "a character that nobody sees".to_owned(),
            count => format!("{count} characters that nobody sees; this is the first"),
        };
        report.of_roles(
            &facts.readers(source.path()),
            HiddenCharacter {
                path: source.path().to_owned(),
                count,
                span: source.span_at(at, letter.len_utf8()).into(),
                shown: format!("U+{:04X}, {}", u32::from(letter), hidden_name(letter)),
            },
        );
    }
}
