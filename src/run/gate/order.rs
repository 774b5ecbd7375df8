//! In which order gates are asked where nobody says: one that makes what another looks at comes first.

use std::collections::BTreeSet;

use super::{judge::Judge, naming::Names};
use crate::{
    boundary::overlap_entries,
    plan::{Gate, GateKind},
};

impl Judge {
    /// Returns the gates `names` in an order in which what a gate makes is there before another looks
    /// at it, as far as their outputs, inputs, and commands say; else in the order that they have.
    pub fn in_order(&self, names: &[String]) -> Vec<String> {
        let gates = names.iter().map(|name| self.plan.gates.get(name));
        let gates: Vec<_> = gates.enumerate().collect();
        let feeders = |(to, gate): &(usize, Option<&Gate>)| -> Vec<usize> {
            let feeds = |(from, other): &&(usize, Option<&Gate>)| {
                from != to
                    && other
                        .zip(*gate)
                        .is_some_and(|(other, gate)| feeds(other, gate))
            };
            gates.iter().filter(feeds).map(|(from, _)| *from).collect()
        };
        let fed_by: Vec<_> = gates.iter().map(feeders).collect();
        let mut left: BTreeSet<usize> = (0..names.len()).collect();
        let mut ordered = Vec::with_capacity(names.len());
        while let Some(first) = left.first().copied() {
            let is_fed = |to: &usize| {
                let by = fed_by.get(*to);
                by.is_some_and(|by| by.iter().any(|from| left.contains(from)))
            };
            // Of those that feed each other in a circle the first.
            let next = left.iter().copied().find(|at| !is_fed(at)).unwrap_or(first);
            left.remove(&next);
            ordered.extend(names.get(next).cloned());
        }
        ordered
    }
}

/// Returns whether `from` may make what `to` looks at. In doubt it does.
pub(super) fn feeds(from: &Gate, to: &Gate) -> bool {
    let GateKind::Run { command } = &to.kind else {
        return false;
    };
    if from.outputs.is_empty() {
        return false;
    }
    let inputs = to.inputs.as_deref().unwrap_or_default();
    let names = Names::of(command, std::path::Path::new("/project"));
    names
        .inside
        .iter()
        .any(|path| from.outputs.iter().any(|output| output.gives(path)))
        || overlap_entries(&from.outputs, inputs) != Ok(None)
}
