//! A role that may write the file in which its gate's command is defined.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Capability, Decision},
    check::{facts::Facts, meet::may_span, report::Report, shell::simple_words},
    diagnostics::{Level, Lint},
    model::GateKind,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::gate::decider-writable",
        level: Level::Advice,
        safety: false,
        story: include_str!("decider_writable.md"),
    },
    absence: false,
    run: decider_writable,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` may write `{file}`, which says what `{command}` of gate `{gate}` does")]
#[diagnostic(help("let the gate call the program itself, or seal the file: `sealed \"{file}\"`"))]
struct DeciderWritable {
    role: String,
    file: &'static str,
    command: String,
    gate: String,
    #[label(primary, "granted here")]
    grant: SourceSpan,
    #[label("this gate judges `{role}`")]
    of_gate: SourceSpan,
}

// Programs that look up what to do in a file: which words of theirs make them, and the file.
const DECIDERS: &[(&str, &[&str], &str)] = &[
    ("npm", &["test", "t", "run", "run-script"], "package.json"),
    ("pnpm", &["test", "t", "run"], "package.json"),
    ("yarn", &["test", "run"], "package.json"),
    ("bun", &["run"], "package.json"),
    ("composer", &["test", "run", "run-script"], "composer.json"),
    ("make", &[], "Makefile"),
    ("gmake", &[], "Makefile"),
    ("just", &[], "justfile"),
    ("task", &[], "Taskfile.yml"),
    ("rake", &[], "Rakefile"),
    ("tox", &[], "tox.ini"),
    ("nox", &[], "noxfile.py"),
    ("cargo", &[], ".cargo/config.toml"),
];

fn decider_writable(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        let grant = &role.bounds.boundary.write;
        for gate in facts.gates(role).filter(|_| !grant.may.is_empty()) {
            let GateKind::Run { command } = &gate.kind else {
                continue;
            };
            let Some(file) = decider(command) else {
                continue;
            };
            // What is sealed is another lint's.
            if gate.sealed.iter().any(|sealed| sealed.value.gives(file)) {
                continue;
            }
            let Decision::Permitted { may } = grant.decide(file) else {
                continue;
            };
            let span = may_span(&role.bounds, Capability::Write, may);
            let fault = DeciderWritable {
                role: role.name.value.clone(),
                file,
                command: command.clone(),
                gate: gate.name.value.clone(),
                grant: span.unwrap_or(role.name.span).into(),
                of_gate: gate.name.span.into(),
            };
            report.of_role(id, fault);
        }
    }
}

fn decider(command: &str) -> Option<&'static str> {
    simple_words(command).find_map(|words| {
        let program = words.first()?;
        let (_, verbs, file) = DECIDERS.iter().find(|(known, ..)| program == known)?;
        let verb = words.iter().skip(1).find(|word| !word.starts_with('-'));
        let decided = verbs.is_empty() || verb.is_some_and(|verb| verbs.contains(&verb.as_str()));
        decided.then_some(*file)
    })
}
