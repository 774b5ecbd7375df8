//! Gates in words.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    emit::phrase::{code, entries, list},
    model::{Gate, GateKind},
};

/// A gate in words.
#[derive(Debug, Serialize)]
pub(super) struct GateData {
    name: String,
    title: String,
    label: String,
    passes_when: String,
    sealed: String,
}

/// Returns the gate in words.
pub(super) fn gate_data(gate: &Gate) -> GateData {
    let name = code(&gate.name.value);
    let label = if gate.title == gate.name.value {
        format!("**{}**", gate.title)
    } else {
        format!("**{}** ({name})", gate.title)
    };
    GateData {
        name: gate.name.value.clone(),
        title: gate.title.clone(),
        label,
        passes_when: passes_when(&gate.kind),
        sealed: entries(gate.sealed.iter().map(|sealed| &sealed.value)),
    }
}

fn passes_when(kind: &GateKind) -> String {
    match kind {
        GateKind::Run { command } => format!("{} exits with 0", code(command)),
        GateKind::Consistency { links, mentions } => {
            let mut parts = Vec::new();
            if !links.is_empty() {
                parts.push(format!("the paths and links in {} exist", entries(links)));
            }
            for mention in mentions {
                let (files, within) = (entries(&mention.files), code(&mention.within));
                parts.push(format!("each file added to {files} is named in {within}"));
            }
            if parts.is_empty() {
                "paths and links exist".to_owned()
            } else {
                parts.join("; ")
            }
        }
        GateKind::Docs { covers, by } => {
            let fresh = "the managed sections are fresh";
            if covers.is_empty() || by.is_empty() {
                fresh.to_owned()
            } else {
                format!(
                    "{fresh}, and a changed file of {} is spoken of in {}",
                    entries(covers),
                    entries(by)
                )
            }
        }
        GateKind::Rollback { undo, passes } => {
            let mut text = "the change can be reverted cleanly".to_owned();
            if let Some(undo) = undo {
                let _ = write!(text, " once {} has run", code(undo));
            }
            if !passes.is_empty() {
                let passes = list(passes.iter().map(|name| code(name)));
                let _ = write!(text, ", and {passes} passes without it");
            }
            text
        }
    }
}
