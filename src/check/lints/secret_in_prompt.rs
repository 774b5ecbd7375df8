//! A secret in a prompt or a template.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    spec::secret,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::secret",
        level: Level::Error,
        safety: true,
        story: include_str!("secret_in_prompt.md"),
    },
    absence: false,
    run: secret_in_prompt,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{path}` holds what looks like {what}")]
#[diagnostic(help(
    "take it out and revoke it; a role is given a variable with `may {{ env \"NAME\"; }}`"
))]
struct SecretInPrompt {
    path: String,
    what: &'static str,
    #[label(primary, "committed, and sent to a provider with every call")]
    span: SourceSpan,
}

fn secret_in_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    let templates = facts.model.templates.iter();
    let templates = templates.filter_map(|path| facts.source(path));
    for source in facts.prompts().chain(templates) {
        if secret(source.text()).is_none() {
            continue;
        }
        let mut start = 0;
        for line in source.text().split_inclusive('\n') {
            if let Some(what) = secret(line) {
                report.add(SecretInPrompt {
                    path: source.path().to_owned(),
                    what,
                    span: source.span_at(start, line.trim_end().len()).into(),
                });
            }
            start += line.len();
        }
    }
}
