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
#[error("`{id}` is no fixed model: it names {what}")]
#[diagnostic(help("write the full id, such as `claude-sonnet-5-5`"))]
struct MovingId {
    id: String,
    what: &'static str,
    #[label(primary, "an alias")]
    span: SourceSpan,
}

const NEWEST: &str = "whichever is the newest";

/// The words that the client takes for a model, and what each of them names.
const ALIASES: &[(&str, &str)] = &[
    ("opus", NEWEST),
    ("sonnet", NEWEST),
    ("haiku", NEWEST),
    ("fable", NEWEST),
    ("best", "whichever the client takes to be the best"),
    ("default", "the one that the client would take anyway"),
    ("inherit", "that of the session that starts the agent"),
    ("opusplan", "one model to plan, and another to work"),
];

fn moving_model(facts: &Facts<'_>, report: &mut Report<'_>) {
    for model in &facts.model.models {
        if let Some(what) = named(&model.id.value) {
            report.add(MovingId {
                id: model.id.value.clone(),
                what,
                span: model.id.span.into(),
            });
        }
    }
}

// What `id` names where that is no fixed model.
fn named(id: &str) -> Option<&'static str> {
    let id = id.to_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == id);
    let digits = id.contains(|letter: char| letter.is_ascii_digit());
    let newest = (id.starts_with("claude-") && !digits)
        || id.ends_with("-latest")
        || id.ends_with(":latest");
    alias
        .map(|(_, what)| *what)
        .or_else(|| newest.then_some(NEWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_says_what_it_names() {
        for (id, then) in [
            ("claude-sonnet-5-5", None),
            ("vendor/model-2", None),
            ("sonnet", Some(NEWEST)),
            ("Opus", Some(NEWEST)),
            ("claude-haiku", Some(NEWEST)),
            ("claude-opus-latest", Some(NEWEST)),
            ("qwen:latest", Some(NEWEST)),
            ("inherit", Some("that of the session that starts the agent")),
            ("default", Some("the one that the client would take anyway")),
        ] {
            assert_eq!(named(id), then, "{id}");
        }
    }
}
