//! A role that may write what another role runs.

use std::collections::BTreeMap;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Capability, CommandPattern, Decision, Pattern as _},
    check::{facts::Facts, meet::may_span, report::Report},
    diagnostics::{Level, Lint, Span},
    model::RoleId,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::writable-command",
        level: Level::Warning,
        safety: false,
        story: include_str!("writable_command.md"),
    },
    absence: false,
    run: writable_command,
};

#[derive(Debug, Error, Diagnostic)]
#[error(
    "role `{writer}` may write `{file}`, and so what `{command}` does when role `{runner}` runs it"
)]
#[diagnostic(help(
    "add `never {{ write \"{file}\"; }}` to role `{writer}`, or let it run `{command}` itself if it may do the same"
))]
struct WritableCommand {
    writer: String,
    runner: String,
    file: String,
    command: String,
    #[label(primary, "may write it")]
    written: SourceSpan,
    #[label("`{runner}` may run it")]
    run: SourceSpan,
}

// Programs that do what a file of the project says. What npm and its like read is left out: whoever
// adds a dependency has to write it.
const READERS: &[(&str, &str)] = &[
    ("make", "Makefile"),
    ("just", "justfile"),
    ("rake", "Rakefile"),
    ("kamal", "config/deploy.yml"),
    ("cap", "config/deploy.rb"),
];

// Who runs a command, by which grant, and where that is written.
struct Runner<'a> {
    id: RoleId,
    command: &'a CommandPattern,
    span: Span,
}

fn writable_command(facts: &Facts<'_>, report: &mut Report<'_>) {
    let model = facts.model;
    let mut files: BTreeMap<String, Vec<Runner<'_>>> = BTreeMap::new();
    for (id, role) in model.roles() {
        for (at, entry) in role.bounds.boundary.run.may.iter().enumerate() {
            let span = may_span(&role.bounds, Capability::Run, at);
            if let (Some(file), Some(span)) = (decided_by(&entry.pattern), span) {
                files.entry(file).or_default().push(Runner {
                    id,
                    command: &entry.pattern,
                    span,
                });
            }
        }
    }
    // Most roles write elsewhere.
    let mut writers: BTreeMap<Option<Box<str>>, Vec<RoleId>> = BTreeMap::new();
    for (id, role) in model.roles() {
        for entry in &role.bounds.boundary.write.may {
            let ids = writers.entry(entry.pattern.start()).or_default();
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
    }
    for (file, runners) in &files {
        let start = <crate::boundary::PathPattern as crate::boundary::Pattern>::start_of(file);
        let near = [writers.get(&start), writers.get(&None)];
        let mut near: Vec<_> = near.into_iter().flatten().flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        for id in near {
            let role = model.role(id);
            let boundary = &role.bounds.boundary;
            let Decision::Permitted { may } = boundary.write.decide(file) else {
                continue;
            };
            // Who may run it as well gains nothing by writing it.
            let gains = |runner: &&Runner<'_>| {
                let example = runner.command.example();
                runner.id != id && !example.is_some_and(|line| boundary.run.permits(&line))
            };
            let Some(runner) = runners.iter().find(gains) else {
                continue;
            };
            let written = may_span(&role.bounds, Capability::Write, may);
            let fault = WritableCommand {
                writer: role.name.value.clone(),
                runner: model.role(runner.id).name.value.clone(),
                file: file.clone(),
                command: runner.command.to_string(),
                written: written.unwrap_or(role.name.span).into(),
                run: runner.span.into(),
            };
            report.of_role(id, fault);
        }
    }
}

// The file of the project that says what the command does, if it is one.
fn decided_by(command: &CommandPattern) -> Option<String> {
    let words = command.literal_words();
    let program = words.first()?;
    let known = READERS.iter().find(|(reader, _)| program == reader);
    if let Some((_, file)) = known {
        return Some((*file).to_owned());
    }
    let path = program.strip_prefix("./").unwrap_or(program);
    let odd = |part: &str| matches!(part, "" | "." | "..");
    let inside = program.contains('/') && !path.split('/').any(odd) && !path.contains('*');
    inside.then(|| path.to_owned())
}
