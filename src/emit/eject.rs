//! Takes out what build put in: hooks, markers, and headers. What is left works without us.

use std::path::Path;

use super::{
    Comparison, artifact::Fact, claude_code, compare::Work, comparison::Why, known::Known,
};
use crate::document::{self, OnEdit};

/// Compares what is below `root` with what is there without us. `known` is what the last build wrote
/// there, `lock` the path of the lock.
///
/// An adopted file keeps its bytes. A file that build made keeps all but the line that says so and the
/// guard, a section keeps its text, and of a JSON file our entries go alone. An entry that someone has edited is
/// a person's to decide on, as it is in a build.
pub fn eject(root: &Path, known: &Known, lock: &str, on_edit: OnEdit) -> Comparison {
    let mut work = Work::new(root, known, on_edit);
    for path in known.paths() {
        let Some(place) = work.place(path) else {
            continue;
        };
        match known.facts(path).next() {
            Some(Fact::Entries { .. }) => work.entries(path, place, &[]),
            Some(Fact::File { .. }) => {
                if let Some(text) = &place.text {
                    let after = claude_code::unmarked(text);
                    work.change(path, place, Some(after));
                }
            }
            Some(Fact::Sections { .. }) => match place.text.as_deref().map(document::eject) {
                Some(Ok(text)) => work.change(path, place, Some(text)),
                Some(Err(error)) => {
                    let why = format!("can't be read: {error}");
                    work.conflict(path, Why::Unusable(why), None);
                }
                None => {}
            },
            None => {}
        }
    }
    if let Some(place) = work.place(lock) {
        work.change(lock, place, None);
    }
    work.found
}
