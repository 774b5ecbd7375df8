//! What the verdict of a `run` gate depends on.

use std::collections::BTreeMap;

use super::{environment::Environment, naming::Names};
use crate::{
    boundary::{Entry, PathPattern},
    cache::{Action, Definition, Digest, InputSelection, Platform, Tree},
    plan::{Gate, Plan},
};

/// Returns which files are the inputs of a gate: those that it declares or all, what it seals, the
/// files that its command names, and what the workspace copies. Scratch files are none.
pub(super) fn selection(gate: &Gate, names: &Names, plan: &Plan) -> InputSelection {
    let copied = plan.workspace.copy.iter().map(|copy| &copy.path);
    InputSelection {
        patterns: gate.inputs.clone(),
        always: gate.sealed.clone(),
        named: names.inside.iter().chain(copied).cloned().collect(),
        exclude: plan.workspace.scratch.clone(),
    }
}

/// Returns what the shell is given: files are made with the same permissions whoever asks.
pub(super) fn line(command: &str) -> String {
    format!("umask 022; {command}")
}

// A pattern with its exceptions, as the lock writes it.
fn written(entry: &Entry<PathPattern>) -> String {
    serde_json::to_string(entry).unwrap_or_default()
}

// Where all that an entry means is.
fn place(entry: &Entry<PathPattern>) -> String {
    entry.pattern.leading().to_owned()
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
            arguments: ["/bin/sh", "-c", &line(command)].map(str::to_owned).into(),
            outputs: gate.outputs.iter().map(written).collect(),
            output_paths: gate.outputs.iter().map(place).collect(),
            ..Definition::default()
        },
        environment: environment.keyed.clone(),
        tools,
        platform: Platform::current(),
        sealed,
        inputs,
    }
}
