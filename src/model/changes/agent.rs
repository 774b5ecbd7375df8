//! The client's own file of a role: what its front matter gives beside the boundary.

use std::collections::BTreeSet;

use super::{Comparison, Direction, Version, said};
use crate::{
    client::front::{Field, Head, Value, read},
    model::{AgentFile, Role},
};

impl Comparison<'_> {
    /// Adds what is different of the client's file of `role`, which is new where nothing is `known`.
    pub(super) fn agent(&mut self, known: Option<&Role>, role: &Role) {
        let name = role.name.value.as_str();
        let file = |role: &Role| role.agent.as_ref().map(|agent| agent.path.value.clone());
        let called = |role: &Role| {
            let agent = role.agent.as_ref().map(|agent| agent.name.clone());
            agent.unwrap_or_else(|| role.name.value.clone())
        };
        if let Some(known) = known {
            if file(known) != file(role) {
                self.changed(said("where the client's file of {} stands", [name]));
            }
            if called(known) != called(role) {
                let text = said("the client calls {} {}", [name, &called(role)]);
                self.changed(text);
            }
        }
        let none = Head::default();
        let old = known.map_or(&none, |known| head(known, &none));
        let new = head(role, &none);
        // What a compiled role is offered follows from its boundary.
        let offered = role.verbatim && known.is_some_and(|known| known.verbatim);
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        keys.extend(
            old.fields
                .iter()
                .chain(&new.fields)
                .map(|field| field.key.as_str()),
        );
        for key in keys {
            let [before, after] = [old, new].map(|head| Said::of(head, key));
            let own = match key {
                // What the client calls it was compared above.
                "name" => true,
                "description" | "model" => {
                    known.is_none_or(|known| is_own(self.old, known, key, before.as_ref()))
                        && is_own(self.new, role, key, after.as_ref())
                }
                "tools" | "disallowedTools" => !offered,
                _ => false,
            };
            if own || before == after {
                continue;
            }
            let direction = direction(key, before.as_ref(), after.as_ref());
            if known.is_none() && direction == Direction::Changed {
                continue;
            }
            let text = said("{} in the client's file of {}", [key, name]);
            let text = text.and(match (&before, &after) {
                (_, None) => said(" is gone", []),
                (_, Some(after)) if !after.shown.is_empty() => said(" is {}", [&after.shown]),
                (_, Some(after)) if after.words.is_empty() => said(" names nothing", []),
                (None, Some(_)) => said(" is new", []),
                (Some(_), Some(_)) => said(" says something else", []),
            });
            self.add(direction, text);
        }
    }
}

// Whether the client is told what the role itself says, which is compared there.
fn is_own(version: Version<'_>, role: &Role, key: &str, said: Option<&Said>) -> bool {
    let own = match key {
        "description" => role.description.as_ref().map(|text| &text.value),
        _ => Some(&version.model.model(role.model.value).id.value),
    };
    said.is_none_or(|said| said.words.first() == own)
}

fn head<'a>(role: &'a Role, none: &'a Head) -> &'a Head {
    let Some(agent) = &role.agent else {
        return none;
    };
    let AgentFile {
        path: _,
        name: _,
        head,
        // Words of the head, and where they are written.
        tools: _,
        disallowed: _,
    } = agent;
    head
}

/// What a field says, and how that is told.
#[derive(PartialEq)]
struct Said {
    words: Vec<String>,
    shown: String,
}

impl Said {
    fn of(head: &Head, key: &str) -> Option<Self> {
        // How a field is spelled and framed says nothing.
        let Head {
            bom: _,
            crlf: _,
            open: _,
            close: _,
            written: _,
            fields: _,
        } = head;
        let field = head.field(key)?;
        let Field {
            key: _,
            value,
            style: _,
            spelled: _,
        } = field;
        Some(match value {
            Value::Null | Value::Text(_) | Value::Plain(_) | Value::List(_) => Self {
                shown: value.words().join(", "),
                words: value.words(),
            },
            // What has parts of its own is only there as its lines.
            Value::Other => Self {
                words: vec![lines(head, field)],
                shown: String::new(),
            },
        })
    }
}

// The lines of a field, or, where they can't be told from others, of all.
fn lines(head: &Head, field: &Field) -> String {
    let text = head.text();
    let lines = read(&text)
        .ok()
        .and_then(|file| file.field(&field.key)?.field.spelled.clone());
    lines.unwrap_or(text)
}

fn direction(key: &str, old: Option<&Said>, new: Option<&Said>) -> Direction {
    let words = |said: Option<&Said>| said.map(|said| said.words.clone());
    let (old, new) = (words(old), words(new));
    // Of what the client takes as a restriction: whether nothing of it is lost.
    let kept = |kept: bool| {
        if kept {
            Direction::Narrowed
        } else {
            Direction::Widened
        }
    };
    match key {
        // Without the field, every tool of the session is offered.
        "tools" => kept(
            new.is_some_and(|new| old.is_none_or(|old| new.iter().all(|tool| old.contains(tool)))),
        ),
        "disallowedTools" => {
            let new = new.unwrap_or_default();
            kept(
                old.unwrap_or_default()
                    .iter()
                    .all(|tool| new.contains(tool)),
            )
        }
        "permissionMode" => {
            let (old, new) = (mode(old.as_deref()), mode(new.as_deref()));
            match (old, new) {
                (Some(old), Some(new)) if old == new => Direction::Changed,
                (old, Some(new)) => kept(new == 0 || old.is_some_and(|old| new < old)),
                (_, None) => Direction::Widened,
            }
        }
        "maxTurns" => {
            let turns = |words: Option<Vec<String>>| words?.first()?.parse::<u64>().ok();
            kept(match (turns(old), turns(new)) {
                (Some(old), Some(new)) => new <= old,
                (None, new) => new.is_some(),
                (Some(_), None) => false,
            })
        }
        // A place of its own.
        "isolation" => kept(old.is_none()),
        // Servers of its own; a memory comes with the tools to write it.
        "mcpServers" | "memory" => kept(new.is_none()),
        // They are run beside every boundary, and may refuse what it does.
        "hooks" => Direction::Widened,
        _ => Direction::Changed,
    }
}

// How much a permission mode allows, where that is known. It can't lower what the session allows.
fn mode(words: Option<&[String]>) -> Option<u8> {
    match words.and_then(<[String]>::first).map(String::as_str) {
        None | Some("default" | "plan") => Some(0),
        Some("acceptEdits") => Some(1),
        Some("bypassPermissions") => Some(2),
        Some(_) => None,
    }
}
