//! Gates: what they look at, what they see, and what can't be changed under them.

use super::{Comparison, Direction, find, said, values};
use crate::{
    boundary::{Boundary, Capability, Entry, Grant, PathPattern},
    model::{External, Gate, GateKind, Mention, Model},
};

/// The inputs of a gate that names some.
type Inputs<'a> = Option<&'a [Entry<PathPattern>]>;

impl Comparison<'_> {
    /// Adds what is different of the gates.
    pub(super) fn gates(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for gate in &new.gates {
            let name = gate.name.value.as_str();
            let known = find(&old.gates, name, |gate| &gate.name);
            // What a gate that judges nobody finds holds nobody back.
            let judges = match known {
                Some(_) => judges(old, name, new),
                None => judges(new, name, old),
            };
            let (less, more) = if judges {
                (Direction::Widened, Direction::Narrowed)
            } else {
                (Direction::Changed, Direction::Changed)
            };
            match known {
                Some(known) => self.gate(known, gate, less, more),
                None => {
                    self.add(more, said("the gate {} is new", [name]));
                    self.seen(name, (&Boundary::default(), &seen(gate)), less);
                }
            }
        }
        for gate in &old.gates {
            let name = gate.name.value.as_str();
            if find(&new.gates, name, |gate| &gate.name).is_none() {
                let direction = if judges(old, name, new) {
                    Direction::Widened
                } else {
                    Direction::Changed
                };
                self.add(direction, said("the gate {} is gone", [name]));
            }
        }
    }

    fn gate(&mut self, known: &Gate, gate: &Gate, less: Direction, more: Direction) {
        let Gate {
            name,
            title,
            kind,
            // By their names in what it does.
            passes: _,
            inputs,
            outputs,
            env: _,
            tools,
            sealed,
            external,
            timeout,
        } = gate;
        let name = name.value.as_str();
        if known.title != *title {
            let text = "the gate {} has the title {}, before {}";
            self.changed(said(text, [name, title, &known.title]));
        }
        self.kind(name, (&known.kind, kind), less, more);
        self.inputs(
            name,
            (known.inputs.as_deref(), inputs.as_deref()),
            less,
            more,
        );
        self.paths(
            (&known.outputs, outputs),
            |path| {
                let text = said("the gate {} no longer keeps {}", [name, path]);
                (Direction::Changed, text)
            },
            |path| {
                (
                    Direction::Changed,
                    said("the gate {} now keeps {}", [name, path]),
                )
            },
        );
        self.seen(name, (&seen(known), &seen(gate)), less);
        let tool = |now: &str, tool: &str| {
            let text = format!("the gate {{}} {now} goes by what {{}} says");
            said(&text, [name, tool])
        };
        self.names(
            (&known.tools, tools),
            |line| (less, tool("no longer", line)),
            |line| (more, tool("now", line)),
        );
        self.paths(
            (&values(&known.sealed), &values(sealed)),
            |path| (less, said("the gate {} no longer seals {}", [name, path])),
            |path| (more, said("the gate {} now seals {}", [name, path])),
        );
        self.external(
            name,
            (known.external.as_ref(), external.as_ref()),
            less,
            more,
        );
        if known.timeout != *timeout {
            let text = format!(
                "the gate {{}} may take {timeout} seconds, before {}",
                known.timeout
            );
            self.changed(said(&text, [name]));
        }
    }

    fn kind(
        &mut self,
        name: &str,
        (old, new): (&GateKind, &GateKind),
        less: Direction,
        more: Direction,
    ) {
        match (old, new) {
            (GateKind::Run { command: before }, GateKind::Run { command }) => {
                if before != command {
                    // Whether another command finds as much, nobody can tell from outside.
                    let text = "the gate {} runs {}, before {}";
                    self.add(less, said(text, [name, command, before]));
                }
            }
            (
                GateKind::Consistency {
                    links: before,
                    mentions: known,
                },
                GateKind::Consistency { links, mentions },
            ) => {
                self.paths(
                    (before, links),
                    |path| (less, said("the gate {} no longer reads {}", [name, path])),
                    |path| (more, said("the gate {} now reads {}", [name, path])),
                );
                self.mentions(name, (known, mentions), less, more);
            }
            (
                GateKind::Docs {
                    covers: before,
                    by: known,
                },
                GateKind::Docs { covers, by },
            ) => {
                let asks = |now: &str, path: &str| {
                    let text =
                        format!("the gate {{}} {now} asks that a change of {{}} is documented");
                    said(&text, [name, path])
                };
                self.paths(
                    (before, covers),
                    |path| (less, asks("no longer", path)),
                    |path| (more, asks("now", path)),
                );
                let takes = |now: &str, path: &str| {
                    let text =
                        format!("the gate {{}} {now} takes a change of {{}} for documentation");
                    said(&text, [name, path])
                };
                self.paths(
                    (known, by),
                    |path| (more, takes("no longer", path)),
                    |path| (less, takes("now", path)),
                );
            }
            (
                GateKind::Rollback {
                    undo: before,
                    passes: known,
                },
                GateKind::Rollback { undo, passes },
            ) => {
                match (before, undo) {
                    (None, Some(undo)) => {
                        let text = said("the gate {} now undoes with {}", [name, undo]);
                        self.add(more, text);
                    }
                    (Some(before), None) => {
                        let text = said("the gate {} no longer undoes with {}", [name, before]);
                        self.add(less, text);
                    }
                    (Some(before), Some(undo)) if before != undo => {
                        let text = "the gate {} undoes with {}, before with {}";
                        self.add(less, said(text, [name, undo, before]));
                    }
                    (Some(_), Some(_)) | (None, None) => {}
                }
                let asks = |now: &str, gate: &str| {
                    let text =
                        format!("the gate {{}} {now} asks that {{}} passes without the change");
                    said(&text, [name, gate])
                };
                self.names(
                    (known, passes),
                    |gate| (less, asks("no longer", gate)),
                    |gate| (more, asks("now", gate)),
                );
            }
            (
                GateKind::Run { .. }
                | GateKind::Consistency { .. }
                | GateKind::Docs { .. }
                | GateKind::Rollback { .. },
                _,
            ) => self.add(less, said("the gate {} is another check", [name])),
        }
    }

    fn mentions(
        &mut self,
        name: &str,
        (old, new): (&[Mention], &[Mention]),
        less: Direction,
        more: Direction,
    ) {
        let mut pages: Vec<&str> = Vec::new();
        for mention in old.iter().chain(new) {
            let Mention { files: _, within } = mention;
            if !pages.contains(&within.as_str()) {
                pages.push(within);
            }
        }
        for page in pages {
            let files = |mentions: &[Mention]| -> Vec<Entry<PathPattern>> {
                let these = mentions.iter().filter(|mention| mention.within == page);
                these.flat_map(|mention| mention.files.clone()).collect()
            };
            let asks = |now: &str, path: &str| {
                let text = format!("the gate {{}} {now} asks that {{}} mentions {{}}");
                said(&text, [name, page, path])
            };
            self.paths(
                (&files(old), &files(new)),
                |path| (less, asks("no longer", path)),
                |path| (more, asks("now", path)),
            );
        }
    }

    // Without any, its inputs are all files that git does not ignore.
    fn inputs(
        &mut self,
        name: &str,
        (old, new): (Inputs<'_>, Inputs<'_>),
        less: Direction,
        more: Direction,
    ) {
        let all: Vec<_> = "**"
            .parse::<PathPattern>()
            .map(Entry::from)
            .into_iter()
            .collect();
        let sees = |now: &str, path: &str| {
            let text = format!("the gate {{}} {now} runs again where {{}} changes");
            said(&text, [name, path])
        };
        let before = self.found.len();
        self.paths(
            (old.unwrap_or(&all), new.unwrap_or(&all)),
            |path| (less, sees("no longer", path)),
            |path| (more, sees("now", path)),
        );
        // Of files that git ignores, only what is named in so many words is an input.
        let named = |inputs: Inputs<'_>| {
            let mut named: Vec<_> = inputs
                .into_iter()
                .flatten()
                .map(|entry| entry.pattern.to_string())
                .collect();
            named.sort();
            named
        };
        if self.found.len() == before && named(old) != named(new) {
            self.changed(said("the gate {} names its inputs in another way", [name]));
        }
    }

    // The variables of the owner that it sees, and with it the work that it runs.
    fn seen(&mut self, name: &str, (old, new): (&Boundary, &Boundary), less: Direction) {
        let beyond = |this: &Boundary, other: &Boundary| {
            this.beyond(other, Capability::Env)
                .unwrap_or_else(|error| Some(error.to_string()))
        };
        if let Some(variable) = beyond(new, old) {
            let text = said("the gate {} is now given your {}", [name, &variable]);
            self.add(less, text);
        }
        if let Some(variable) = beyond(old, new) {
            let text = "the gate {} no longer sees your {}";
            self.changed(said(text, [name, &variable]));
        }
    }

    // A verdict that depends on more than files is kept for as long as its key says.
    fn external(
        &mut self,
        name: &str,
        (old, new): (Option<&External>, Option<&External>),
        less: Direction,
        more: Direction,
    ) {
        match (old, new) {
            (None, Some(new)) => {
                let text = "the gate {} now depends on {}, beside files";
                self.add(more, said(text, [name, &new.name]));
            }
            (Some(old), None) => {
                let text = "the gate {} no longer depends on {}, beside files";
                self.add(less, said(text, [name, &old.name]));
            }
            (Some(old), Some(new)) => {
                let External {
                    name: thing,
                    key: after,
                } = new;
                let (direction, text) = match (&old.key, after) {
                    (before, after) if before == after && old.name == *thing => return,
                    (before, after) if before == after => (
                        Direction::Changed,
                        "on what the gate {} depends is called {}",
                    ),
                    (Some(_), None) => (more, "the gate {} now runs always, as it depends on {}"),
                    (None | Some(_), _) => {
                        (less, "the gate {} keeps its pass by another state of {}")
                    }
                };
                self.add(direction, said(text, [name, thing]));
            }
            (None, None) => {}
        }
    }
}

// Whether the gate has a say, by itself or through a rollback, in what a role does that is there on both
// sides.
fn judges(model: &Model, name: &str, other: &Model) -> bool {
    let gates = model.gates.iter();
    let through = gates.filter(|gate| {
        let passes = gate.passes.iter().map(|gate| model.gate(gate.value));
        passes
            .map(|gate| &gate.name.value)
            .any(|passed| passed == name)
    });
    let names: Vec<&str> = through.map(|gate| gate.name.value.as_str()).collect();
    model.roles.iter().any(|role| {
        let mut gates = role
            .gates
            .iter()
            .map(|gate| &model.gate(gate.value).name.value);
        find(&other.roles, &role.name.value, |role| &role.name).is_some()
            && gates.any(|gate| gate == name || names.contains(&gate.as_str()))
    })
}

fn seen(gate: &Gate) -> Boundary {
    Boundary {
        env: Grant {
            may: gate.env.iter().cloned().map(Entry::from).collect(),
            ..Grant::default()
        },
        ..Boundary::default()
    }
}
