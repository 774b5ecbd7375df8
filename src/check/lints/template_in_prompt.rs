//! Template syntax in a prompt, which is plain text.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::template-syntax",
        level: Level::Advice,
        safety: false,
        story: include_str!("template_in_prompt.md"),
    },
    absence: false,
    run: template_in_prompt,
};

#[derive(Debug, Error, Diagnostic)]
#[error("prompts are plain text: `{text}` goes to the model as it stands")]
#[diagnostic(help("write what was meant, or put it between backticks if the model is to see it"))]
struct TemplateSyntax {
    text: String,
    #[label(primary, "not filled in")]
    span: SourceSpan,
}

fn template_in_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    for source in facts.prompts() {
        if let Some((at, text)) = expression(source.text()) {
            report.of_roles(
                &facts.readers(source.path()),
                TemplateSyntax {
                    text: text.to_owned(),
                    span: source.span_at(at, text.len()).into(),
                },
            );
        }
    }
}

// The first `{{…}}` that is no example between backticks.
fn expression(text: &str) -> Option<(usize, &str)> {
    if !text.contains("{{") {
        return None;
    }
    let mut fenced = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        let found = line.find("{{").and_then(|at| {
            let rest = line.get(at..)?;
            let end = rest.find("}}")? + 2;
            let before = line.get(..at)?;
            let quoted = before.matches('`').count() % 2 == 1 || before.ends_with('$');
            (!quoted).then(|| rest.get(..end).map(|text| (start + at, text)))?
        });
        if let Some(found) = found.filter(|_| !fenced) {
            return Some(found);
        }
        start += line.len();
    }
    None
}
