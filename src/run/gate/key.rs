//! What the verdict of a `run` gate depends on.

use std::collections::BTreeMap;

use super::environment::Environment;
use crate::{
    boundary::{Entry, PathPattern},
    cache::{Action, Definition, Digest, InputSelection, Platform, Tree},
    plan::{Gate, GateKind, Plan},
};

/// Returns which files are the inputs of a gate: those that it declares or all, what it seals, the
/// files that its command names, and what the workspace copies; scratch files are none.
pub(super) fn selection(gate: &Gate, plan: &Plan) -> InputSelection {
    let mut always = gate.sealed.clone();
    if let GateKind::Run { command } = &gate.kind {
        always.extend(files_named(command));
    }
    let copied = plan.workspace.copy.iter();
    always.extend(copied.filter_map(|copy| literal(&copy.path)));
    InputSelection {
        patterns: gate.inputs.clone(),
        always,
        exclude: plan.workspace.scratch.clone(),
    }
}

// The words of a command that can name a file of the project: its script among them.
fn files_named(command: &str) -> impl Iterator<Item = Entry<PathPattern>> {
    command
        .split(|letter: char| letter.is_whitespace() || "'\"`;&|<>()=$".contains(letter))
        .filter(|word| word.contains(['/', '.']))
        .filter_map(|word| literal(word.trim_start_matches("./")))
}

/// Returns the pattern that means just `path`.
pub(super) fn literal(path: &str) -> Option<Entry<PathPattern>> {
    let pattern: PathPattern = path.parse().ok()?;
    pattern.is_literal().then(|| Entry::from(pattern))
}

// A pattern with its exceptions, as the lock writes it.
fn written(entry: &Entry<PathPattern>) -> String {
    serde_json::to_string(entry).unwrap_or_default()
}

/// Returns the action whose key a pass of the gate is kept under.
pub(super) fn action(
    gate: &Gate,
    command: &str,
    environment: &Environment,
    tools: BTreeMap<String, Digest>,
    inputs: Tree,
) -> Action {
    let sealed = (!gate.sealed.is_empty()).then(|| {
        let sealed = inputs.inputs().filter(|input| {
            let path = input.path();
            let path = String::from_utf8_lossy(&path);
            gate.sealed.iter().any(|entry| entry.gives(&path))
        });
        let sealed = sealed.map(|input| input.to_input());
        sealed.collect::<Tree>().root_digest()
    });
    Action {
        definition: Definition {
            kind: "run".to_owned(),
            arguments: ["/bin/sh", "-c", command].map(str::to_owned).into(),
            outputs: gate.outputs.iter().map(written).collect(),
            ..Definition::default()
        },
        environment: environment.keyed.clone(),
        tools,
        platform: Platform::current(),
        sealed,
        inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::files_named;

    #[test]
    fn a_command_names_its_scripts() {
        let named = |command| -> Vec<String> {
            files_named(command)
                .map(|entry| entry.pattern.as_str().to_owned())
                .collect()
        };
        assert_eq!(
            named("ruby bin/rails runner 'test/smoke_test.rb' > /dev/null && ./run.sh *.x"),
            ["bin/rails", "test/smoke_test.rb", "run.sh"]
        );
        assert_eq!(named("cargo test"), [""; 0]);
    }
}
