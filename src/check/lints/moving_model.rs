//! A model whose id means another model tomorrow.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::model::moving-id",
        level: Level::Warning,
        safety: false,
        story: include_str!("moving_model.md"),
    },
    absence: false,
    run: moving_model,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{id}` is no fixed model: it names whichever is the newest")]
#[diagnostic(help("write the full id, such as `claude-sonnet-5-5`"))]
struct MovingId {
    id: String,
    #[label(primary, "an alias")]
    span: SourceSpan,
}

const ALIASES: &[&str] = &[
    "opus", "sonnet", "haiku", "default", "best", "opusplan", "inherit",
];

fn moving_model(facts: &Facts<'_>, report: &mut Report<'_>) {
    for model in &facts.model.models {
        let id = model.id.value.to_lowercase();
        let digits = id.contains(|letter: char| letter.is_ascii_digit());
        let family = ALIASES.contains(&id.as_str()) || (id.starts_with("claude-") && !digits);
        if family || id.ends_with("-latest") || id.ends_with(":latest") {
            report.add(MovingId {
                id: model.id.value.clone(),
                span: model.id.span.into(),
            });
        }
    }
}
