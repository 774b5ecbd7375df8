//! What many roles of a plan have in common is written once: the members of standard sets, and what no
//! role may write.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Plan;
use crate::boundary::{CommandPattern, Entry, Shared, standard, standard_names};

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.clone().folded(|folded| folded.serialize(serializer))
    }
}

/// A plan in which stands once what its roles share.
pub(super) struct Folded<'a>(&'a Plan);

impl Serialize for Folded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plan::serialize(self.0, serializer)
    }
}

impl Plan {
    /// Returns what `write` makes of the plan as it is written. To copy it first takes longer.
    pub(super) fn folded<T>(&mut self, write: impl FnOnce(Folded<'_>) -> T) -> T {
        fold(self);
        let written = write(Folded(self));
        unfold(self);
        written
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut plan = Self::deserialize(deserializer)?;
        unfold(&mut plan);
        let protected = Arc::new(Shared::new(plan.protected.entries()));
        for role in plan.roles.values_mut() {
            role.boundary.write.never.share(Arc::clone(&protected));
        }
        Ok(plan)
    }
}

// Puts the name of a standard set in place of its members wherever a role is given all of them in a
// row, and keeps the sets that are named.
fn fold(plan: &mut Plan) {
    for set in standard_names().filter_map(standard) {
        // A name is no program: it parses as a pattern, and the grammar gives it to sets alone.
        let Ok(name) = set.name.parse::<CommandPattern>() else {
            continue;
        };
        let members = set.entries();
        for role in plan.roles.values_mut() {
            let may = &mut role.boundary.run.may;
            let mut rows = may.windows(members.len().max(1));
            if let Some(at) = rows.position(|row| row == members) {
                may.splice(at..at + members.len(), [name.clone().into()]);
                plan.sets
                    .entry(set.name.to_owned())
                    .or_insert_with(|| members.to_vec());
            }
        }
    }
}

// Puts the members of the sets that the plan names where they are named.
fn unfold(plan: &mut Plan) {
    let sets = std::mem::take(&mut plan.sets);
    let members = |entry: &Entry<CommandPattern>| sets.get(entry.pattern.as_str());
    for role in plan.roles.values_mut() {
        let may = &mut role.boundary.run.may;
        let mut from = 0;
        while let Some((at, members)) = may
            .iter()
            .enumerate()
            .skip(from)
            .find_map(|(at, entry)| Some((at, members(entry)?)))
        {
            may.splice(at..=at, members.iter().cloned());
            from = at + members.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(run: &serde_json::Value) -> Plan {
        serde_json::from_value(json!({
            "format": Plan::FORMAT, "compiler": "0", "clients": {}, "inputs": {}, "outputs": {},
            "factory": {
                "name": "f", "targets": [], "driver": { "kind": "command" },
                "stop": { "attempts": 1, "usd": "1.00", "wall": 1 }, "jobs": 1,
            },
            "models": {}, "servers": {}, "workspace": {}, "gates": {}, "documents": {}, "tasks": {},
            "protected": { "input": ["factory.kdl"] },
            "sets": { "@old/set": ["ls *", { "pattern": "cat *", "except": ["cat x *"] }] },
            "roles": { "a": {
                "title": "A", "description": "", "model": "m", "snapshot": "s",
                "prompt": "0".repeat(64), "boundary": { "run": { "may": run } },
                "held": {}, "gates": [], "tools": [], "stop": { "attempts": 1, "usd": "1.00", "wall": 1 },
            } },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_shared_stands_once_in_the_text_and_everywhere_in_the_plan() {
        let plan = plan(&json!(["make", "@old/set"]));
        let role = &plan.roles["a"];
        assert_eq!(role.boundary.run.may.len(), 3);
        assert!(role.boundary.write.never.taker("FACTORY.kdl").is_some());
        let mut again = plan.clone();
        let inspect = standard("@std/inspect").unwrap().entries();
        let may = &mut again.roles.get_mut("a").unwrap().boundary.run.may;
        may.extend_from_slice(inspect);
        let text = again.to_text();
        assert_eq!(text.matches("\"nproc *\"").count(), 1, "{text}");
        assert_eq!(text.matches("factory.kdl").count(), 1, "{text}");
        assert_eq!(Plan::from_text(&text).unwrap(), again);
    }

    #[test]
    fn a_hand_edit_is_seen_and_line_breaks_of_another_system_are_none() {
        let mut plan = plan(&json!(["make"]));
        let text = plan.to_text();
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(Plan::from_text(&crlf).unwrap(), plan);
        let edited = text.replace("make", "sudo");
        assert!(matches!(
            Plan::from_text(&edited),
            Err(crate::plan::LockError::Edited)
        ));
    }
}
