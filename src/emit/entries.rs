//! Compares entries of ours with the JSON file of someone else that they stand in.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    artifact::Entry,
    claude_code::{self, Reading},
    compare::Work,
    comparison::{Note, Why, edit_of},
    json::{Edit, Node, edited, parse},
    known::Record,
    place::Place,
};
use crate::document::OnEdit;

impl Work<'_> {
    pub(super) fn entries(&mut self, path: &str, place: Place, wanted: &[Entry]) {
        if place.text.is_none() && wanted.is_empty() {
            return;
        }
        let before = place.text.clone().unwrap_or_default();
        let Some(after) = self.made(&before, |work, text| work.with_entries(path, text, wanted))
        else {
            return;
        };
        match claude_code::reading(path, &after) {
            // Our hooks would stand there, and never run.
            Reading::Ignored(why) if !wanted.is_empty() => {
                return self.conflict(path, Why::Unusable(why), None);
            }
            // A person's words are not ours to take out.
            Reading::Commented(why) if !wanted.is_empty() => self.found.notes.push(Note::Ignored {
                path: path.to_owned(),
                why,
            }),
            Reading::HooksOff => self.found.notes.push(Note::HooksOff {
                path: path.to_owned(),
            }),
            Reading::Ignored(_) | Reading::Commented(_) | Reading::Read => {}
        }
        let after = if wanted.is_empty() && after != before {
            let stood = self.stood(path, &before);
            stood.or_else(|| self.emptied(path, &place, after))
        } else {
            Some(after)
        };
        self.change(path, place, after);
    }

    // Returns what stood there before the first build, where nothing but ours came to it since: empty lists
    // and objects in it are otherwise taken for ours.
    fn stood(&self, path: &str, now: &str) -> Option<String> {
        let found = self.known.found(path)?;
        let mut again = found.to_owned();
        for (pointer, values) in self.known.entries(path) {
            let value = values.first()?;
            let mut names = names(pointer);
            let is_item = names.pop_if(|name| name == "-").is_some();
            let edit = if is_item {
                Edit::Append(&names, value)
            } else {
                Edit::Set(&names, value)
            };
            again = edited(&again, &edit).ok().flatten()?;
        }
        (again == now).then(|| found.to_owned())
    }

    // Returns the text with the entries that are wanted and without those that are not any more; nothing
    // after a conflict.
    fn with_entries(&mut self, path: &str, text: &str, wanted: &[Entry]) -> Option<String> {
        let all = self.known.entries(path);
        let mut text = text.to_owned();
        for entry in wanted {
            let known = all.get(entry.pointer().as_str());
            text = self.entry(path, &text, entry, known.map_or(&[][..], Vec::as_slice))?;
        }
        let pointers: BTreeSet<_> = wanted.iter().map(Entry::pointer).collect();
        for (pointer, values) in &all {
            if !pointers.contains(*pointer) {
                text = self.gone(path, &text, pointer, values)?;
            }
        }
        Some(text)
    }

    // Returns the text with the entry in it; nothing after a conflict.
    fn entry(&mut self, path: &str, text: &str, entry: &Entry, known: &[&Value]) -> Option<String> {
        let root = self.parsed(path, text)?;
        let name = shown(&entry.pointer());
        let value = &entry.value;
        let stands = value_at(&root, &entry.path);
        let edit = match (stands, entry.sign) {
            (Some(stands), None) if stands == value => return Some(text.to_owned()),
            (None, None) => Edit::Set(&entry.path, value),
            (Some(stands), None) => {
                if let Some(why) = self.not_ours(stands, known, &name) {
                    let diff = edit_of(&pretty(stands), Some(&pretty(value)));
                    self.conflict(path, why, Some(diff));
                    return None;
                }
                Edit::Set(&entry.path, value)
            }
            (Some(Value::Array(items)), Some(_)) => {
                return self.item(path, text, entry, items, known);
            }
            (_, Some(_)) => Edit::Append(&entry.path, value),
        };
        self.with(path, text, &edit, &name)
    }

    // Why what stands in the place of an entry is not replaced.
    fn not_ours(&self, stands: &Value, known: &[&Value], name: &str) -> Option<Why> {
        let name = name.to_owned();
        if known.contains(&stands) {
            return None;
        }
        match (known.is_empty(), self.known.record(), self.on_edit) {
            (true, Record::Whole, _) => Some(Why::EntryNotOurs(name)),
            (_, _, OnEdit::Overwrite) => None,
            (true, Record::Missing | Record::Damaged | Record::Foreign, OnEdit::Keep) => {
                Some(Why::EntryUnknown(name))
            }
            (false, _, OnEdit::Keep) => Some(Why::EditedEntry(name)),
        }
    }

    // Returns the text with one item of ours among `items`; nothing after a conflict.
    fn item(
        &mut self,
        path: &str,
        text: &str,
        entry: &Entry,
        items: &[Value],
        known: &[&Value],
    ) -> Option<String> {
        let value = &entry.value;
        let name = shown(&entry.pointer());
        let is_edited = |item: &&Value| {
            runs_same(item, value) || known.iter().any(|known| runs_same(item, known))
        };
        let ours = items.iter().find(|item| *item == value);
        let ours = ours.or_else(|| items.iter().find(|item| known.contains(item)));
        let ours = ours.or_else(|| items.iter().find(is_edited));
        let mut text = match ours {
            Some(item) if item == value => text.to_owned(),
            Some(item) if known.contains(&item) || self.on_edit == OnEdit::Overwrite => {
                let edit = Edit::Replace(&entry.path, item, value);
                self.with(path, text, &edit, &name)?
            }
            Some(item) => {
                let diff = edit_of(&pretty(item), Some(&pretty(value)));
                self.conflict(path, Why::EditedEntry(name), Some(diff));
                return None;
            }
            None => self.with(path, text, &Edit::Append(&entry.path, value), &name)?,
        };
        for item in items {
            if Some(item) == ours || item == value {
                continue;
            }
            if known.contains(&item) {
                // After a merge, what another build wrote.
                text = self.with(path, &text, &Edit::RemoveItem(&entry.path, item), &name)?;
            } else if let Some(words) = entry.sign.filter(|words| says(item, words)) {
                let path = path.to_owned();
                self.found.notes.push(Note::OtherHook { path, words });
            }
        }
        Some(text)
    }

    // Returns the text without an entry that is no longer made; nothing after a conflict.
    fn gone(&mut self, path: &str, text: &str, pointer: &str, known: &[&Value]) -> Option<String> {
        let mut names = names(pointer);
        let root = self.parsed(path, text)?;
        let name = shown(pointer);
        if names.last().is_none_or(|name| name != "-") {
            return match value_at(&root, &names) {
                None => Some(text.to_owned()),
                Some(stands) if !known.contains(&stands) && self.on_edit == OnEdit::Keep => {
                    let diff = edit_of(&pretty(stands), None);
                    self.conflict(path, Why::EditedOrphanEntry(name), Some(diff));
                    None
                }
                Some(_) => self.with(path, text, &Edit::Remove(&names), &name),
            };
        }
        names.pop();
        let mut text = text.to_owned();
        let Some(Value::Array(items)) = value_at(&root, &names) else {
            return Some(text);
        };
        for item in items {
            let written = known.contains(&item);
            if !written && !known.iter().any(|known| runs_same(item, known)) {
                continue;
            }
            if !written && self.on_edit == OnEdit::Keep {
                let diff = edit_of(&pretty(item), None);
                self.conflict(path, Why::EditedOrphanEntry(name), Some(diff));
                return None;
            }
            text = self.with(path, &text, &Edit::RemoveItem(&names, item), &name)?;
        }
        Some(text)
    }

    // Returns what the file holds; nothing after a conflict.
    fn parsed(&mut self, path: &str, text: &str) -> Option<Value> {
        match parse(text) {
            Ok(root) => Some(root.as_ref().map_or(Value::Null, Node::value)),
            Err(error) => {
                self.conflict(path, Why::Unusable(format!("is no JSON: {error}")), None);
                None
            }
        }
    }

    fn with(&mut self, path: &str, text: &str, edit: &Edit<'_>, name: &str) -> Option<String> {
        let done = edited(text, edit).ok().flatten();
        if done.is_none() {
            let why = format!("has something else where `{name}` belongs");
            self.conflict(path, Why::Unusable(why), None);
        }
        done
    }
}

/// Returns whether `text` has an empty list or object where one of `entries` would stand: once ours are out
/// again, nobody could tell that it was there.
pub(super) fn is_hollow(text: &str, entries: &[Entry]) -> bool {
    let Ok(Some(root)) = parse(text) else {
        return false;
    };
    let root = root.value();
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    entries.iter().any(|entry| {
        (1..=entry.path.len()).any(|length| {
            let path = entry.path.get(..length).unwrap_or_default();
            value_at(&root, path).is_some_and(is_empty)
        })
    })
}

// The members that a pointer leads through.
fn names(pointer: &str) -> Vec<String> {
    let names = pointer.split('/').skip(1);
    names
        .map(|name| name.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Returns the value that these members lead to.
pub(super) fn value_at<'v>(root: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(root, |value, name| value.get(name))
}

// The commands that an item of the hooks runs.
fn commands(item: &Value) -> impl Iterator<Item = &str> {
    let hooks = item.get("hooks").and_then(Value::as_array);
    let hooks = hooks.into_iter().flatten();
    hooks.filter_map(|hook| hook.get("command")?.as_str())
}

/// Returns whether both run a command of the same text: then the one is the other, and was edited.
pub(super) fn runs_same(one: &Value, two: &Value) -> bool {
    commands(one).any(|command| commands(two).any(|other| other == command))
}

fn says(item: &Value, words: &str) -> bool {
    commands(item).any(|command| command.contains(words))
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
