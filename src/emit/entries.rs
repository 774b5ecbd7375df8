//! Compares entries of ours with the JSON file of someone else that they stand in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    artifact::{Entry, Fact},
    claude_code,
    compare::Work,
    comparison::{Note, Why, edit_of},
    json::{Edit, Node, edited, parse},
    place::Place,
};
use crate::document::OnEdit;

impl Work<'_> {
    pub(super) fn entries(&mut self, path: &str, place: Place, wanted: &[Entry]) {
        if place.text.is_none() && wanted.is_empty() {
            return;
        }
        let empty = BTreeMap::new();
        let known = match self.previous.get(path) {
            Some(Fact::Entries { entries, .. }) => entries,
            Some(Fact::File { .. } | Fact::Sections { .. }) | None => &empty,
        };
        let mut text = place.text.clone().unwrap_or_default();
        for entry in wanted {
            let done = self.entry(path, &text, entry, known.get(&entry.pointer()));
            match done {
                Some(new) => text = new,
                None => return,
            }
        }
        let pointers: BTreeSet<_> = wanted.iter().map(Entry::pointer).collect();
        for (pointer, value) in known {
            if pointers.contains(pointer) {
                continue;
            }
            match self.gone(path, &text, pointer, value) {
                Some(new) => text = new,
                None => return,
            }
        }
        if let Ok(Some(root)) = parse(&text)
            && claude_code::turns_hooks_off(path, &root.value())
        {
            self.found.notes.push(Note::HooksOff {
                path: path.to_owned(),
            });
        }
        self.change(path, place, Some(text));
    }

    // Returns the text with the entry in it; nothing after a conflict.
    fn entry(
        &mut self,
        path: &str,
        text: &str,
        entry: &Entry,
        known: Option<&Value>,
    ) -> Option<String> {
        let root = match parse(text) {
            Ok(root) => root,
            Err(error) => {
                self.conflict(path, Why::Unusable(format!("is no JSON: {error}")), None);
                return None;
            }
        };
        let name = shown(&entry.pointer());
        let value = &entry.value;
        let stands = root.as_ref().and_then(|root| {
            entry.path.iter().try_fold(root, |node, name| {
                node.get(name).map(|member| &member.value)
            })
        });
        let stands = stands.map(Node::value);
        let edit = match (&stands, entry.sign) {
            (Some(stands), None) if stands == value => return Some(text.to_owned()),
            (None, None) => Edit::Set(&entry.path, value),
            (Some(stands), None) => {
                let ours = known == Some(stands);
                if !ours && known.is_none() {
                    self.conflict(path, Why::EntryNotOurs(name), None);
                    return None;
                }
                if !ours && self.on_edit == OnEdit::Keep {
                    self.conflict(
                        path,
                        Why::EditedEntry(name),
                        Some(edit_of(&pretty(stands), &pretty(value))),
                    );
                    return None;
                }
                Edit::Set(&entry.path, value)
            }
            (Some(Value::Array(items)), Some(sign)) => {
                if items.contains(value) {
                    return Some(text.to_owned());
                }
                let ours = items.iter().find(|item| known == Some(*item));
                let like = items.iter().find(|item| item.to_string().contains(sign));
                match (ours, like) {
                    (Some(old), _) => Edit::Replace(&entry.path, old, value),
                    (None, Some(old)) if self.on_edit == OnEdit::Overwrite => {
                        Edit::Replace(&entry.path, old, value)
                    }
                    (None, Some(old)) => {
                        let diff = edit_of(&pretty(old), &pretty(value));
                        self.conflict(path, Why::EditedEntry(name), Some(diff));
                        return None;
                    }
                    (None, None) => Edit::Append(&entry.path, value),
                }
            }
            (_, Some(_)) => Edit::Append(&entry.path, value),
        };
        let done = edited(text, &edit).ok().flatten();
        if done.is_none() {
            let why = format!("has something else where `{name}` belongs");
            self.conflict(path, Why::Unusable(why), None);
        }
        done
    }

    // Returns the text without an entry that is no longer made; nothing after a conflict.
    fn gone(&mut self, path: &str, text: &str, pointer: &str, value: &Value) -> Option<String> {
        let mut names: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|name| name.replace("~1", "/").replace("~0", "~"))
            .collect();
        let root = match parse(text) {
            Ok(root) => root,
            Err(error) => {
                self.conflict(path, Why::Unusable(format!("is no JSON: {error}")), None);
                return None;
            }
        };
        let item = names.last().is_some_and(|name| name == "-");
        let edit = if item {
            names.pop();
            Edit::RemoveItem(&names, value)
        } else {
            let node = root.as_ref().and_then(|root| {
                names.iter().try_fold(root, |node, name| {
                    node.get(name).map(|member| &member.value)
                })
            });
            match node.map(Node::value) {
                None => return Some(text.to_owned()),
                Some(stands) if stands != *value && self.on_edit == OnEdit::Keep => {
                    let diff = edit_of(&pretty(value), &pretty(&stands));
                    self.conflict(path, Why::EditedEntry(shown(pointer)), Some(diff));
                    return None;
                }
                Some(_) => Edit::Remove(&names),
            }
        };
        Some(
            edited(text, &edit)
                .ok()
                .flatten()
                .unwrap_or_else(|| text.to_owned()),
        )
    }
}

fn pretty(value: &Value) -> String {
    format!(
        "{}\n",
        serde_json::to_string_pretty(value).unwrap_or_default()
    )
}

// The pointer as people write it.
fn shown(pointer: &str) -> String {
    let pointer = pointer.strip_suffix("/-").unwrap_or(pointer);
    pointer.trim_start_matches('/').replace('/', ".")
}
