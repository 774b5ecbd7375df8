//! A gate that passes whatever was done.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    model::GateKind,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::gate::always-green",
        level: Level::Warning,
        safety: false,
        story: include_str!("always_green.md"),
    },
    absence: false,
    run: always_green,
};

#[derive(Debug, Error, Diagnostic)]
#[error("gate `{gate}` passes whatever was done: `{command}` never fails")]
#[diagnostic(help("let the exit code of the check decide, without `{part}`"))]
struct AlwaysGreen {
    gate: String,
    command: String,
    part: String,
    #[label(primary, "judges nothing")]
    name: SourceSpan,
}

fn always_green(facts: &Facts<'_>, report: &mut Report<'_>) {
    for gate in &facts.model.gates {
        let GateKind::Run { command } = &gate.kind else {
            continue;
        };
        if let Some(part) = green(command) {
            report.add(AlwaysGreen {
                gate: gate.name.value.clone(),
                command: command.clone(),
                part: part.to_owned(),
                name: gate.name.span.into(),
            });
        }
    }
}

// The part of a command that makes it pass, where one does for certain.
fn green(command: &str) -> Option<&str> {
    let command = command.trim();
    let passes = |text: &str| matches!(text.trim(), "true" | ":" | "exit 0");
    if passes(command) {
        return Some(command);
    }
    let at = command.rfind("||").max(command.rfind(';'))?;
    let part = command.get(at..)?;
    passes(part.trim_start_matches(['|', ';'])).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::green;

    #[test]
    fn what_never_fails_is_told_from_what_may() {
        for (command, then) in [
            ("true", Some("true")),
            (" : ", Some(":")),
            ("cargo test || true", Some("|| true")),
            ("cargo test||:", Some("||:")),
            ("cargo test; exit 0", Some("; exit 0")),
            ("cargo test && true", None),
            ("false || cargo test", None),
            ("sh -c 'x || true'", None),
            ("grep -q x y; test $? -eq 1", None),
            ("cargo test", None),
        ] {
            assert_eq!(green(command), then, "{command}");
        }
    }
}
