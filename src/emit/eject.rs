//! Takes out what build put in: hooks, markers, and headers. What is left works without us.

use std::{collections::BTreeMap, path::Path};

use super::{Comparison, artifact::Fact, claude_code, compare::Work, comparison::Why};
use crate::document::{self, OnEdit};

/// What is left of a JSON file that nothing but entries of ours was in.
const EMPTY: [&str; 2] = ["{}\n", ""];

/// Compares what is below `root` with what is there without us. `previous` is what the lock keeps of
/// the last build there, `lock` the path of the lock.
///
/// An adopted file keeps its bytes. A file that build made keeps all but the line that says so, a
/// section keeps its text, and of a JSON file our entries go alone.
pub fn eject(root: &Path, previous: &BTreeMap<String, Fact>, lock: &str) -> Comparison {
    let mut work = Work::new(root, previous, OnEdit::Overwrite);
    for (path, fact) in previous {
        match fact {
            Fact::Entries { .. } => {
                let Some(place) = work.place(path) else {
                    continue;
                };
                let before = work.found.changes.len();
                work.entries(path, place, &[]);
                if let Some(change) = work.found.changes.get_mut(before)
                    && change
                        .after
                        .as_deref()
                        .is_some_and(|text| EMPTY.contains(&text))
                {
                    change.after = None;
                }
            }
            Fact::File { .. } => {
                let Some(place) = work.place(path) else {
                    continue;
                };
                if let Some(text) = &place.text {
                    let after = claude_code::unmarked(text);
                    work.change(path, place, Some(after));
                }
            }
            Fact::Sections { .. } => {
                let Some(place) = work.place(path) else {
                    continue;
                };
                match place.text.as_deref().map(document::eject) {
                    Some(Ok(text)) => work.change(path, place, Some(text)),
                    Some(Err(error)) => {
                        let why = format!("can't be read: {error}");
                        work.conflict(path, Why::Unusable(why), None);
                    }
                    None => {}
                }
            }
        }
    }
    if let Some(place) = work.place(lock) {
        work.change(lock, place, None);
    }
    work.found
}
