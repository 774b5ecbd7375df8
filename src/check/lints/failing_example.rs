//! An example beside a boundary or a set that is not so.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{CommandPattern, Entry as Member, Pattern},
    check::{
        facts::Facts,
        question::{self, Ground},
        report::Report,
    },
    diagnostics::{Level, Lint, Span, Spanned},
    model::{Example, Model, Role, Set, SetMembers},
    spec::Text,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::expect::failing-example",
        level: Level::Error,
        safety: true,
        story: include_str!("failing_example.md"),
    },
    absence: false,
    run: failing_example,
};

#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(help("{help}"))]
struct FailingExample {
    message: String,
    help: String,
    #[label(primary, "{expected}")]
    example: SourceSpan,
    expected: &'static str,
    #[label("{label}")]
    decided: Option<SourceSpan>,
    label: &'static str,
}

fn failing_example(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        for example in &role.can {
            if let Some(fault) = should(facts.model, role, example) {
                report.of_role(id, fault);
            }
        }
        for example in &role.cannot {
            if let Some(fault) = should_not(facts.model, role, example) {
                report.of_role(id, fault);
            }
        }
    }
    for set in &facts.model.sets {
        of_set(set, report);
    }
}

fn should(model: &Model, role: &Role, example: &Example) -> Option<FailingExample> {
    let Example { capability, thing } = example;
    if question::permits(model, role, *capability, &thing.value, Ground::UNSEEN) {
        return None;
    }
    let verdict = question::judge(model, role, *capability, &thing.value, Ground::UNSEEN);
    let name = &role.name.value;
    let decided = verdict.decided.first();
    let help = match (verdict.reason, verdict.missing) {
        (Some(reason), Some(missing)) => {
            format!("{reason}: add `{missing}`, or correct the example")
        }
        (Some(reason), None) => reason,
        (None, _) => "a `never` always wins: narrow it, or correct the example".to_owned(),
    };
    Some(FailingExample {
        message: format!("role `{name}` can't {capability} `{}`", thing.value),
        help,
        example: thing.span.into(),
        expected: "expected to be allowed",
        decided: decided
            .and_then(|decided| decided.origin.span())
            .map(Into::into),
        label: "taken away here",
    })
}

fn should_not(model: &Model, role: &Role, example: &Example) -> Option<FailingExample> {
    let Example { capability, thing } = example;
    if !question::permits(model, role, *capability, &thing.value, Ground::EMPTY) {
        return None;
    }
    let verdict = question::judge(model, role, *capability, &thing.value, Ground::EMPTY);
    let name = &role.name.value;
    let decided = verdict.decided.first();
    Some(FailingExample {
        message: format!("role `{name}` can {capability} `{}`", thing.value),
        help: format!(
            "narrow the grant, add `never {{ {capability} \"…\"; }}`, or correct the example"
        ),
        example: thing.span.into(),
        expected: "expected to be denied",
        decided: decided
            .and_then(|decided| decided.origin.span())
            .map(Into::into),
        label: "granted here",
    })
}

fn of_set(set: &Set, report: &mut Report<'_>) {
    let name = &set.name.value;
    for (examples, belongs) in [(&set.has, true), (&set.lacks, false)] {
        for example in examples {
            let member = match &set.members {
                SetMembers::Paths(members) => member(members, example.value.as_str()),
                SetMembers::Commands(members) => command(members, example),
            };
            if member.is_some() == belongs {
                continue;
            }
            let (says, expected) = if belongs {
                ("is not", "expected to be in the set")
            } else {
                ("is", "expected not to be in the set")
            };
            report.add(FailingExample {
                message: format!("`{}` {says} in set `{name}`", example.value),
                help: "correct the members, the `except`, or the example".to_owned(),
                example: example.span.into(),
                expected,
                decided: Some(member.unwrap_or(set.name.span).into()),
                label: if belongs {
                    "no member of this set matches it"
                } else {
                    "this member matches it"
                },
            });
        }
    }
}

fn member<P: Pattern>(members: &[Spanned<Member<P>>], example: &P::Subject) -> Option<Span> {
    let found = members.iter().find(|member| member.value.gives(example));
    found.map(|member| member.span)
}

fn command(members: &[Spanned<Member<CommandPattern>>], example: &Text) -> Option<Span> {
    let words: Vec<_> = example
        .value
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    member(members, words.as_slice())
}
