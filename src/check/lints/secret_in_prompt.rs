//! A secret in a prompt, a template, or a memory.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    spec::secrets,
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
    "take it out and revoke it, or write `<token>` in place of an example; a role is given a variable \
     with `may {{ env \"NAME\"; }}`"
))]
struct SecretInPrompt {
    path: String,
    what: &'static str,
    #[label(primary, "committed, and sent to a provider with every call")]
    span: SourceSpan,
}

fn secret_in_prompt(facts: &Facts<'_>, report: &mut Report<'_>) {
    for source in facts.texts() {
        for secret in secrets(source.text()) {
            report.of_roles(
                &facts.readers(source.path()),
                SecretInPrompt {
                    path: source.path().to_owned(),
                    what: secret.what,
                    span: source
                        .span_at(secret.place.start, secret.place.len())
                        .into(),
                },
            );
        }
    }
}
