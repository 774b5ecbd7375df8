//! Whether a change of a document leaves its managed sections as they are.

use std::{fs, io, path::Path};

use serde_json::Value;

use super::ToolCall;
use crate::document::Document;

/// Returns whether the call, which writes the document at `path`, changes nothing between the markers
/// of managed sections. What can't be foreseen counts as a change.
pub(super) fn are_kept(call: &ToolCall, path: &Path) -> bool {
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(_) => return false,
    };
    let Some(after) = after(call, &before) else {
        return false;
    };
    match (regions(&before), regions(&after)) {
        (Some(before), Some(after)) => before == after,
        (_, _) => false,
    }
}

fn regions(text: &str) -> Option<Vec<String>> {
    let document = Document::parse(text).ok()?;
    let regions = document.regions().iter();
    regions
        .map(|region| Some(text.get(region.span.clone())?.to_owned()))
        .collect()
}

// What the document will hold.
fn after(call: &ToolCall, before: &str) -> Option<String> {
    match call.tool_name.as_str() {
        "Write" => call.text("content").map(ToOwned::to_owned),
        "Edit" => edited(before, &Value::Object(call.tool_input.clone())),
        "MultiEdit" => {
            let edits = call.tool_input.get("edits")?.as_array()?;
            edits
                .iter()
                .try_fold(before.to_owned(), |text, edit| edited(&text, edit))
        }
        _ => None,
    }
}

fn edited(text: &str, edit: &Value) -> Option<String> {
    let old = edit.get("old_string")?.as_str()?;
    let new = edit.get("new_string")?.as_str()?;
    let all = edit
        .get("replace_all")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    if old.is_empty() {
        return text.is_empty().then(|| new.to_owned());
    }
    // The client also finds what is only nearly so; then nobody here knows where.
    if !text.contains(old) {
        return None;
    }
    Some(if all {
        text.replace(old, new)
    } else {
        text.replacen(old, new, 1)
    })
}
