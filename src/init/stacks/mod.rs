//! The stacks that are known, each with how it is recognised.

mod go;
mod node;
mod plain;
mod python;
mod ruby;
mod rust;

use super::{project::Project, stack::Stack};

/// Returns the stacks of `project`; where none is recognised, one that assumes nothing.
pub(super) fn find(project: &Project<'_>) -> Vec<Stack> {
    let known = [ruby::find, rust::find, go::find, python::find, node::find];
    let found: Vec<Stack> = known.into_iter().filter_map(|find| find(project)).collect();
    if found.is_empty() {
        vec![plain::stack(project)]
    } else {
        found
    }
}
