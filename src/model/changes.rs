//! What a change of the spec does to what roles can do, and to what holds them back.

use std::fmt;

use super::{Gate, Model, Role, Rule};
use crate::boundary::{Boundary, Capability, Entry};

/// Whether a change gives, takes, or only changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Someone can do more, or less holds someone back.
    Widened,
    /// Someone can do less, or more holds someone back.
    Narrowed,
    /// Neither, or nobody can tell.
    Changed,
}

/// One change between two factories.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it does to rights.
    pub direction: Direction,
    /// The change as a sentence without its end.
    pub text: String,
}

/// Returns all changes of rights and of what guards them from `old` to `new`, widened rights first.
/// Two specs that say the same in other words have none.
pub fn changes(old: &Model, new: &Model) -> Vec<Change> {
    let mut found = Found::default();
    found.roles(old, new);
    found.gates(old, new);
    found.rules(old, new);
    found.workspace(old, new);
    found.rest(old, new);
    found.0.sort();
    found.0.dedup();
    found.0
}

#[derive(Default)]
struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, direction: Direction, text: String) {
        self.0.push(Change { direction, text });
    }

    fn roles(&mut self, old: &Model, new: &Model) {
        for role in &new.roles {
            let name = &role.name.value;
            let known = old.roles.iter().find(|known| known.name.value == *name);
            match known {
                Some(known) => {
                    self.boundary(name, &known.bounds.boundary, &role.bounds.boundary);
                    self.role(old, known, new, role);
                }
                None => self.new_role(role),
            }
        }
        for role in &old.roles {
            let name = &role.name.value;
            if !new.roles.iter().any(|known| known.name.value == *name) {
                self.add(Direction::Narrowed, format!("the role `{name}` is gone"));
            }
        }
    }

    fn new_role(&mut self, role: &Role) {
        let name = &role.name.value;
        let mut grants = Vec::new();
        for capability in Capability::ALL {
            let given = patterns(&role.bounds.boundary, capability, true);
            if !given.is_empty() && capability != Capability::Read {
                grants.push(format!("may {capability} {}", list(&given)));
            }
        }
        if grants.is_empty() {
            let text = format!("the role `{name}` is new, and may only read");
            self.add(Direction::Changed, text);
        } else {
            let text = format!("the role `{name}` is new: it {}", grants.join("; "));
            self.add(Direction::Widened, text);
        }
    }

    fn boundary(&mut self, name: &str, old: &Boundary, new: &Boundary) {
        for capability in Capability::ALL {
            let (given, taken) = (
                differing(old, new, capability, true),
                differing(new, old, capability, false),
            );
            match new.beyond(old, capability) {
                Ok(Some(thing)) => {
                    let by = by(&[("by", &given), ("no longer taken away:", &taken)]);
                    let text = format!("`{name}` may now {capability} {}{by}", code(&thing));
                    self.add(Direction::Widened, text);
                }
                Ok(None) => {}
                Err(error) => {
                    let text = format!("what `{name}` may {capability} changed: {error}");
                    self.add(Direction::Widened, text);
                }
            }
            if let Ok(Some(thing)) = old.beyond(new, capability) {
                let text = format!("`{name}` may no longer {capability} {}", code(&thing));
                self.add(Direction::Narrowed, text);
            }
        }
    }

    fn role(&mut self, old: &Model, known: &Role, new: &Model, role: &Role) {
        let name = &role.name.value;
        let gates = |model: &Model, role: &Role| -> Vec<String> {
            let gates = role.gates.iter();
            gates
                .map(|gate| model.gate(gate.value).name.value.clone())
                .collect()
        };
        let (before, after) = (gates(old, known), gates(new, role));
        for gate in before.iter().filter(|gate| !after.contains(gate)) {
            let text = format!("gate `{gate}` no longer judges `{name}`");
            self.add(Direction::Widened, text);
        }
        for gate in after.iter().filter(|gate| !before.contains(gate)) {
            self.add(
                Direction::Narrowed,
                format!("gate `{gate}` now judges `{name}`"),
            );
        }
        let ids = [(old, known), (new, role)]
            .map(|(model, role)| model.model(role.model.value).id.value.as_str());
        if let [before, after] = ids
            && before != after
        {
            let text = format!("`{name}` runs on {after}, before on {before}");
            self.add(Direction::Changed, text);
        }
        if known.stop != role.stop {
            let stop = |role: &Role| {
                let stop = &role.stop;
                format!("{} attempts, ${}, {}s", stop.attempts, stop.usd, stop.wall)
            };
            let text = format!(
                "`{name}` stops at {}, before at {}",
                stop(role),
                stop(known)
            );
            self.add(Direction::Changed, text);
        }
        self.floors(&format!("of `{name}`"), &known.hold, &role.hold);
        self.lints(&format!("for `{name}`"), &known.lints, &role.lints);
    }

    fn floors(&mut self, whose: &str, old: &[Floor], new: &[Floor]) {
        for (capability, layer, platform) in old {
            let platform = platform.as_ref().map(|platform| platform.value.as_str());
            let kept = new.iter().any(|(other, asked, on)| {
                let on = on.as_ref().map(|on| on.value.as_str());
                other == capability && asked.value >= layer.value && on == platform
            });
            if !kept {
                let text = format!(
                    "that `{capability}` {whose} is {} is no longer asked for",
                    layer.value
                );
                self.add(Direction::Widened, text);
            }
        }
    }

    fn lints(&mut self, whose: &str, old: &[super::LintLevel], new: &[super::LintLevel]) {
        for lint in new {
            let same = |other: &super::LintLevel| {
                other.code.value == lint.code.value && other.level.value == lint.level.value
            };
            if !old.iter().any(same) {
                let text = format!(
                    "the lint `{}` is {} {whose}",
                    lint.code.value, lint.level.value
                );
                self.add(Direction::Changed, text);
            }
        }
    }

    fn gates(&mut self, old: &Model, new: &Model) {
        for gate in &new.gates {
            let name = &gate.name.value;
            match old.gates.iter().find(|known| known.name.value == *name) {
                Some(known) => self.gate(known, gate),
                None => self.add(Direction::Narrowed, format!("the gate `{name}` is new")),
            }
        }
        for gate in &old.gates {
            let name = &gate.name.value;
            if !new.gates.iter().any(|known| known.name.value == *name) {
                self.add(Direction::Widened, format!("the gate `{name}` is gone"));
            }
        }
    }

    fn gate(&mut self, old: &Gate, new: &Gate) {
        let name = &new.name.value;
        let sealed = |gate: &Gate| -> Vec<_> {
            gate.sealed
                .iter()
                .map(|sealed| sealed.value.clone())
                .collect()
        };
        let (before, after) = (sealed(old), sealed(new));
        for entry in before.iter().filter(|entry| !after.contains(entry)) {
            let text = format!("the gate `{name}` no longer seals {}", code(&entry.pattern));
            self.add(Direction::Widened, text);
        }
        for entry in after.iter().filter(|entry| !before.contains(entry)) {
            let text = format!("the gate `{name}` now seals {}", code(&entry.pattern));
            self.add(Direction::Narrowed, text);
        }
        // Whether another check is a stronger one, nobody can tell from outside.
        for (what, differs) in [
            ("what it checks", old.kind != new.kind),
            ("its inputs", old.inputs != new.inputs),
            ("the variables that it sees", old.env != new.env),
            ("the tools in its key", old.tools != new.tools),
            ("its time limit", old.timeout != new.timeout),
        ] {
            if differs {
                self.add(Direction::Changed, format!("the gate `{name}`: {what}"));
            }
        }
    }

    fn rules(&mut self, old: &Model, new: &Model) {
        let said = |rule: &Rule| {
            let cannot = rule.cannot.iter().map(|cannot| {
                let roles = cannot.roles.iter().map(|role| role.0);
                let what = json(&cannot.what.boundary);
                (roles.collect::<Vec<_>>(), cannot.direct_only, what)
            });
            let both = rule.cannot_both.iter();
            let require = rule.require.iter().map(|require| {
                let gates = require.gates.iter().map(|gate| gate.value.0);
                let when = require.when.as_ref().map(|when| json(&when.boundary));
                (gates.collect::<Vec<_>>(), when)
            });
            (
                cannot.collect::<Vec<_>>(),
                both.map(|both| json(&both.what.boundary))
                    .collect::<Vec<_>>(),
                require.collect::<Vec<_>>(),
            )
        };
        for rule in &old.rules {
            let title = &rule.title.value;
            match new.rules.iter().find(|known| known.title.value == *title) {
                None => self.add(Direction::Widened, format!("the rule \"{title}\" is gone")),
                // Ids of roles and gates are only the same where the lists are.
                Some(known) if names(old) == names(new) && said(known) != said(rule) => {
                    let text = format!("the rule \"{title}\" says something else");
                    self.add(Direction::Changed, text);
                }
                Some(_) => {}
            }
        }
        for rule in &new.rules {
            let title = &rule.title.value;
            if !old.rules.iter().any(|known| known.title.value == *title) {
                self.add(Direction::Narrowed, format!("the rule \"{title}\" is new"));
            }
        }
    }

    fn workspace(&mut self, old: &Model, new: &Model) {
        let (before, after) = (&old.workspace, &new.workspace);
        for entry in &after.scratch {
            if !before.scratch.contains(entry) {
                let pattern = code(&entry.pattern);
                let text = format!("every role may now write {pattern}, which never lands");
                self.add(Direction::Widened, text);
            }
        }
        for copy in &after.copy {
            if !before.copy.contains(copy) {
                let whom = match copy.for_whom {
                    super::CopyFor::Gates => "gates",
                    super::CopyFor::Agents => "agents",
                };
                let text = format!("{whom} are now given `{}`", copy.path);
                self.add(Direction::Widened, text);
            }
        }
        if before.setup != after.setup {
            self.add(Direction::Changed, "what sets a checkout up".to_owned());
        }
        if before.env != after.env {
            let text = "the variables of a checkout".to_owned();
            self.add(Direction::Changed, text);
        }
    }

    fn rest(&mut self, old: &Model, new: &Model) {
        self.floors("of every role", &old.hold, &new.hold);
        self.lints("everywhere", &old.lints, &new.lints);
        for server in &new.servers {
            let name = &server.name.value;
            let known = old.servers.iter().find(|known| known.name.value == *name);
            if known.is_some_and(|known| known.start != server.start) {
                let text = format!("how the server `{name}` is started");
                self.add(Direction::Changed, text);
            }
        }
        if old.driver != new.driver {
            self.add(Direction::Changed, "how agents are started".to_owned());
        }
        for task in &new.tasks {
            let name = &task.name.value;
            let Some(known) = old.tasks.iter().find(|known| known.name.value == *name) else {
                continue;
            };
            for step in &task.steps {
                let step_name = &step.name.value;
                let known = known
                    .steps
                    .iter()
                    .find(|known| known.name.value == *step_name);
                if known.is_some_and(|known| known.approval.is_some()) && step.approval.is_none() {
                    let text = format!(
                        "step `{step_name}` of task `{name}` no longer waits for an approval"
                    );
                    self.add(Direction::Widened, text);
                }
            }
        }
    }
}

type Floor = (
    Capability,
    crate::diagnostics::Spanned<crate::boundary::Layer>,
    Option<crate::spec::Text>,
);

// What a boundary says, as the lock would write it.
fn json(boundary: &Boundary) -> serde_json::Value {
    serde_json::to_value(boundary).unwrap_or_default()
}

fn names(model: &Model) -> Vec<&str> {
    let roles = model.roles.iter().map(|role| role.name.value.as_str());
    let gates = model.gates.iter().map(|gate| gate.name.value.as_str());
    roles.chain(gates).collect()
}

// The patterns of `new` that `old` has not, of `may` or of `never`.
fn differing(old: &Boundary, new: &Boundary, capability: Capability, may: bool) -> Vec<String> {
    let old = patterns(old, capability, may);
    let mut new = patterns(new, capability, may);
    new.retain(|pattern| !old.contains(pattern));
    new
}

fn patterns(boundary: &Boundary, capability: Capability, may: bool) -> Vec<String> {
    fn texts<P: fmt::Display>(grant: &crate::boundary::Grant<P>, may: bool) -> Vec<String> {
        let entries: &[Entry<P>] = if may { &grant.may } else { grant.never.own() };
        let text = |entry: &Entry<P>| entry.pattern.to_string();
        entries.iter().map(text).collect()
    }
    match capability {
        Capability::Read => texts(&boundary.read, may),
        Capability::Write => texts(&boundary.write, may),
        Capability::Run => texts(&boundary.run, may),
        Capability::Reach => texts(&boundary.reach, may),
        Capability::Use => texts(&boundary.uses, may),
        Capability::Env => texts(&boundary.env, may),
        Capability::Delegate => texts(&boundary.delegate, may),
    }
}

fn by(parts: &[(&str, &[String])]) -> String {
    let parts = parts.iter().filter(|(_, patterns)| !patterns.is_empty());
    let said: Vec<_> = parts
        .map(|(word, patterns)| format!("{word} {}", list(patterns)))
        .collect();
    if said.is_empty() {
        String::new()
    } else {
        format!(": {}", said.join(", "))
    }
}

// How many patterns a sentence names.
const MOST_NAMED: usize = 6;

fn list(patterns: &[String]) -> String {
    let mut named: Vec<_> = patterns.iter().take(MOST_NAMED).map(code).collect();
    if patterns.len() > MOST_NAMED {
        named.push(format!("{} more", patterns.len() - MOST_NAMED));
    }
    named.join(", ")
}

fn code(text: impl fmt::Display) -> String {
    format!("`{text}`")
}
