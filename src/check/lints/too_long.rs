//! A prompt that is longer than a client takes, or takes gladly.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use serde_json::json;
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    client::{BYTES_A_TOKEN, LARGE_INSTRUCTIONS, LONGEST_ARGUMENT},
    diagnostics::{Level, Lint, Source},
    model::{DriverKind, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::too-long",
        level: Level::Warning,
        safety: false,
        story: include_str!("too_long.md"),
    },
    absence: false,
    run: too_long,
};

#[derive(Debug, Error, Diagnostic)]
#[error(
    "`{path}` makes a prompt of {letters} characters, about {} tokens at {BYTES_A_TOKEN} bytes each",
    bytes.div_ceil(BYTES_A_TOKEN)
)]
#[diagnostic(help(
    "every call reads it again; the client warns of instructions above {LARGE_INSTRUCTIONS} characters: put what is \
     needed at times into files that the prompt names"
))]
struct Large {
    path: String,
    letters: usize,
    bytes: usize,
    #[label(
        primary,
        "from here on it is more than {LARGE_INSTRUCTIONS} characters{with}"
    )]
    span: SourceSpan,
    with: &'static str,
}

#[derive(Debug, Error, Diagnostic)]
#[error(
    "`{path}` is too long for the client in `exec`: {bytes} bytes as it is given them, at most {LONGEST_ARGUMENT}"
)]
#[diagnostic(help(
    "no attempt can be started: put what is needed at times into files that the prompt names"
))]
struct Unstartable {
    path: String,
    bytes: usize,
    #[label(primary, "this is about {} tokens at {BYTES_A_TOKEN} bytes each", bytes.div_ceil(BYTES_A_TOKEN))]
    span: SourceSpan,
}

#[derive(Debug, Error, Diagnostic)]
#[error(
    "the prompt of role `{role}` with its memory can become too long for the client in `exec`: {bytes} bytes, at most {LONGEST_ARGUMENT}"
)]
#[diagnostic(help(
    "give the memory a smaller `limit`: once it is too long, no attempt can be started"
))]
struct Growing {
    role: String,
    bytes: usize,
    #[label(primary, "up to {limit} bytes of it are put into the prompt")]
    memory: SourceSpan,
    limit: u64,
}

fn too_long(facts: &Facts<'_>, report: &mut Report<'_>) {
    let preamble = facts.model.preamble.as_ref();
    let preamble = preamble.and_then(|path| facts.source(&path.value));
    if let Some(preamble) = preamble {
        look(facts, report, preamble, "");
    }
    // What the preamble has too much is said once, and not of every prompt that begins with it.
    let preamble = preamble.map_or("", Source::text);
    let preamble = if preamble.len() > LARGE_INSTRUCTIONS {
        ""
    } else {
        preamble
    };
    let mut seen = BTreeSet::new();
    for (id, role) in facts.model.roles() {
        let Some(own) = facts.source(&role.prompt.value) else {
            continue;
        };
        let before = if role.verbatim { "" } else { preamble };
        if seen.insert(own.path()) {
            look(facts, report, own, before);
        }
        if let Some(fault) = growing(facts, role, before, own) {
            report.of_role(id, fault);
        }
    }
}

// Reports what is wrong with the length of `own` behind `before`.
fn look(facts: &Facts<'_>, report: &mut Report<'_>, own: &Source, before: &str) {
    let bytes = before.len() + own.text().len();
    if bytes <= LARGE_INSTRUCTIONS {
        return;
    }
    let path = own.path().to_owned();
    let readers = facts.readers(own.path());
    let given = given(before) + given(own.text());
    if given > LONGEST_ARGUMENT && starts_client(facts) {
        let fault = Unstartable {
            path,
            bytes: given,
            span: own.span_at(0, first_line(own.text())).into(),
        };
        report.of_roles(&readers, fault);
        return;
    }
    let letters = |text: &str| text.chars().count();
    let ahead = letters(before);
    let all = ahead + letters(own.text());
    if all <= LARGE_INSTRUCTIONS {
        return;
    }
    let mut places = own.text().char_indices();
    let at = places.nth(LARGE_INSTRUCTIONS.saturating_sub(ahead));
    let at = at.map_or(0, |(at, _)| at);
    let rest = own.text().get(at..).unwrap_or_default();
    let fault = Large {
        path,
        letters: all,
        bytes,
        span: own.span_at(at, first_line(rest)).into(),
        with: if before.is_empty() {
            ""
        } else {
            ", with the preamble"
        },
    };
    report.hint_of_roles(&readers, fault);
}

// A memory with which the prompt can become too long; one that is so already is not told of twice.
fn growing(facts: &Facts<'_>, role: &Role, before: &str, own: &Source) -> Option<Growing> {
    let memory = role.memory.as_ref()?;
    let span = role.memory_span?;
    let limit = usize::try_from(memory.limit).unwrap_or(usize::MAX);
    // Written as JSON, no text becomes more than six times as long.
    let texts = before.len() + own.text().len();
    if texts.saturating_mul(6).saturating_add(limit) <= LONGEST_ARGUMENT || !starts_client(facts) {
        return None;
    }
    let texts = given(before) + given(own.text());
    let bytes = texts.saturating_add(limit);
    (texts <= LONGEST_ARGUMENT && bytes > LONGEST_ARGUMENT).then(|| Growing {
        role: role.name.value.clone(),
        bytes,
        memory: span.into(),
        limit: memory.limit,
    })
}

fn starts_client(facts: &Facts<'_>) -> bool {
    facts.model.driver.kind == DriverKind::ClaudeCode
}

// The length of `text` in an argument of the client.
fn given(text: &str) -> usize {
    json!(text).to_string().len()
}

fn first_line(text: &str) -> usize {
    text.lines().next().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::said, LINT};

    const SPEC: &str = "factory \"a\" spec=1 { preamble \"p.md\"; }
        model \"m\" id=\"claude-sonnet-5-5\"
        role \"a\" model=\"m\" prompt=\"a.md\" { description \"A\"; }
        role \"b\" model=\"m\" prompt=\"b.md\" compile=\"verbatim\" { description \"B\"; }\n";

    #[test]
    fn a_prompt_is_measured_as_the_client_is_given_it() {
        let line = |letter: &str, count: usize| format!("{}\n", letter.repeat(count - 1));
        for (case, [preamble, one, verbatim], then) in [
            (
                "just not too long",
                [&line("p", 10_000), &line("a", 30_000), &line("b", 40_000)],
                &[][..],
            ),
            (
                "the preamble counts where it is put",
                [&line("p", 10_000), &line("a", 30_001), &line("b", 40_001)],
                &[
                    "a.md:1:30001: advice: `a.md` makes a prompt of 40001 characters, about 10001 tokens at 4 bytes each",
                    "b.md:1:40001: advice: `b.md` makes a prompt of 40001 characters, about 10001 tokens at 4 bytes each",
                ],
            ),
            (
                "characters count, and tokens go by bytes",
                [&line("p", 2), &line("ä", 30_000), &line("ä", 41_000)],
                &[
                    "b.md:1:40001: advice: `b.md` makes a prompt of 41000 characters, about 20500 tokens at 4 bytes each",
                ],
            ),
            (
                "of a long preamble it is told once",
                [&line("p", 50_000), &line("a", 1_000), &line("b", 1_000)],
                &[
                    "p.md:1:40001: advice: `p.md` makes a prompt of 50000 characters, about 12500 tokens at 4 bytes each",
                ],
            ),
            (
                "what no argument holds can't be started",
                [&line("p", 2), &line("a", 131_080), &line("\"", 70_000)],
                &[
                    "a.md:1:1: warning: `a.md` is too long for the client in `exec`: 131088 bytes as it is given them, at most 131071",
                    "b.md:1:1: warning: `b.md` is too long for the client in `exec`: 140004 bytes as it is given them, at most 131071",
                ],
            ),
        ] {
            let files = [
                ("factory.kdl", SPEC),
                ("p.md", preamble),
                ("a.md", one),
                ("b.md", verbatim),
            ];
            assert_eq!(said(LINT.lint.code, &files), then, "{case}");
        }
    }

    #[test]
    fn another_driver_hands_prompts_over_otherwise() {
        let spec = SPEC.replace(
            "preamble \"p.md\"",
            "driver \"command\" { command \"agent\"; }",
        );
        let long = "a".repeat(200_000);
        let files = [("factory.kdl", &*spec), ("a.md", &long), ("b.md", "b\n")];
        assert_eq!(
            said(LINT.lint.code, &files),
            [
                "a.md:1:40001: advice: `a.md` makes a prompt of 200000 characters, about 50000 tokens at 4 bytes each"
            ]
        );
    }
}
