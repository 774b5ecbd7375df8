//! Looking names up, each kind in its own table.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::ModelError;
use crate::{
    diagnostics::{Findings, Span, Spanned},
    spec::{Text, name_near, nearest},
};

/// The names of one kind of thing, each with its index.
pub(super) struct Names {
    kind: &'static str,
    index: BTreeMap<String, (usize, Span)>,
    // What was looked up so far.
    used: RefCell<BTreeSet<usize>>,
}

impl Names {
    /// Returns the table of `declared`; a name that stands twice is reported and means the first.
    pub(super) fn new<'a>(
        kind: &'static str,
        declared: impl Iterator<Item = &'a Text>,
        findings: &mut Findings,
    ) -> Self {
        let mut index: BTreeMap<String, (usize, Span)> = BTreeMap::new();
        for (at, name) in declared.enumerate() {
            if let Some((_, first)) = index.get(&name.value) {
                findings.add(ModelError::RepeatedName {
                    kind,
                    name: name.value.clone(),
                    span: name.span.into(),
                    first: (*first).into(),
                });
            } else {
                index.insert(name.value.clone(), (at, name.span));
            }
        }
        Self {
            kind,
            index,
            used: RefCell::default(),
        }
    }

    /// Returns the index of what `name` names; a name that nothing declares is reported.
    pub(super) fn find(&self, name: &Text, findings: &mut Findings) -> Option<Spanned<usize>> {
        if let Some(index) = self.get(&name.value) {
            return Some(Spanned::new(index, name.span));
        }
        // An empty name stands for one that a finding has already spoken of.
        if name.value.is_empty() {
            return None;
        }
        findings.add(ModelError::UnknownName {
            kind: self.kind,
            name: name.value.clone(),
            help: self.help(&name.value),
            span: name.span.into(),
        });
        None
    }

    /// Returns the index of what `name` names.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        let found = self.entry(name).map(|(index, _)| *index);
        self.used.borrow_mut().extend(found);
        found
    }

    /// Returns those of `declared`, in the order that the table was made from, that nothing has looked up.
    pub(super) fn unused<'a>(
        &self,
        declared: impl Iterator<Item = &'a Text>,
    ) -> impl Iterator<Item = &'a Text> {
        let used = self.used.borrow().clone();
        declared
            .enumerate()
            .filter(move |(at, _)| !used.contains(at))
            .map(|(_, name)| name)
    }

    // A name that is none, such as `QA`, was told of where it is declared: what calls it `qa` is not
    // at fault.
    fn entry(&self, name: &str) -> Option<&(usize, Span)> {
        self.index.get(name).or_else(|| {
            let mut entries = self.index.iter();
            let is_meant = |known: &str| known != name && name_near(known) == name;
            entries
                .find(|(known, _)| !name.is_empty() && is_meant(known))
                .map(|(_, entry)| entry)
        })
    }

    /// Returns where `name` is declared.
    pub(super) fn declared(&self, name: &str) -> Option<Span> {
        self.entry(name).map(|(_, span)| *span)
    }

    /// Returns how many names there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns what to say to someone who wrote `name`.
    pub(super) fn help(&self, name: &str) -> String {
        let known = || self.index.keys().map(String::as_str);
        if let Some(near) = nearest(name, known()) {
            return format!("did you mean `{near}`?");
        }
        let some: Vec<_> = known().take(8).map(|name| format!("`{name}`")).collect();
        if some.is_empty() {
            format!("the spec declares no {}", self.kind)
        } else {
            let more = self.index.len() - some.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("there is {}{more}", some.join(", "))
        }
    }
}

/// Returns the first circle in a graph, as the nodes on it with the first one again at the end.
pub fn circle(count: usize, next: impl Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
    // 0: not seen, 1: on the way, 2: done.
    let mut state = vec![0u8; count];
    for start in 0..count {
        let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
        if state.get(start) == Some(&0) {
            way.push((start, next(start)));
            set(&mut state, start, 1);
        }
        while let Some((node, rest)) = way.last_mut() {
            let node = *node;
            let Some(to) = rest.pop() else {
                set(&mut state, node, 2);
                way.pop();
                continue;
            };
            match state.get(to) {
                Some(0) => {
                    set(&mut state, to, 1);
                    way.push((to, next(to)));
                }
                Some(1) => {
                    let from = way
                        .iter()
                        .position(|(node, _)| *node == to)
                        .unwrap_or_default();
                    let mut circle: Vec<_> = way.iter().skip(from).map(|(node, _)| *node).collect();
                    circle.push(to);
                    return Some(circle);
                }
                _ => {}
            }
        }
    }
    None
}

fn set(state: &mut [u8], at: usize, value: u8) {
    if let Some(slot) = state.get_mut(at) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::circle;

    #[test]
    fn circles_are_found_and_trees_are_none() {
        let edges = |list: &'static [(usize, usize)]| {
            move |node: usize| {
                list.iter()
                    .filter(|edge| edge.0 == node)
                    .map(|edge| edge.1)
                    .collect()
            }
        };
        assert_eq!(circle(4, edges(&[(0, 1), (0, 2), (1, 3), (2, 3)])), None);
        assert_eq!(
            circle(3, edges(&[(0, 1), (1, 2), (2, 1)])),
            Some(vec![1, 2, 1])
        );
        assert_eq!(circle(1, edges(&[(0, 0)])), Some(vec![0, 0]));
    }
}
