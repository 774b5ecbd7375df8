//! `factory check --held`: what holds each boundary, and how each rule stands.

use std::fmt::Write as _;

use crate::{
    boundary::Capability,
    check::{Answer, Checked},
    client,
};

/// Returns, for every role and capability, the layer that holds it, and for every rule how it stands.
pub(super) fn held(checked: &Checked) -> String {
    let model = checked.model();
    let mut text = String::from(
        "What holds each boundary: in exec / on Linux / where a person starts the role\n",
    );
    let width = model
        .roles
        .iter()
        .map(|role| role.name.value.len())
        .max()
        .unwrap_or_default();
    let mut by: Vec<(Capability, &str)> = Vec::new();
    for (id, role) in model.roles() {
        for (index, (capability, held)) in checked.held(id).into_iter().enumerate() {
            let name = if index == 0 {
                role.name.value.as_str()
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  {name:width$}  {:8}  {:9} / {:9} / {}",
                capability.word(),
                held.layer.word(),
                held.linux.word(),
                held.interactive.word()
            );
            if !by.contains(&(capability, held.by)) {
                by.push((capability, held.by));
            }
        }
    }
    by.sort();
    for target in &model.targets {
        if client::target(&target.value).is_some_and(|target| !target.is_guarded) {
            let _ = writeln!(
                text,
                "\nWhere a person's client reads what is written for `{}`, every boundary is advised",
                target.value
            );
        }
    }
    text.push_str("\nBy what\n");
    for (capability, by) in by {
        let _ = writeln!(text, "  {:8}  {by}", capability.word());
    }
    if !model.rules.is_empty() {
        text.push_str("\nRules\n");
    }
    for (index, rule) in model.rules.iter().enumerate() {
        let _ = writeln!(text, "  {}", rule.title.value);
        let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
        for proof in checked.proofs().iter().filter(|proof| proof.rule == index) {
            let how = match &proof.answer {
                Answer::Proven => "proven by the grants alone".to_owned(),
                Answer::Held { layer, opaque } => format!(
                    "{layer}: of what {} may do besides nothing is known",
                    opaque
                        .iter()
                        .map(|command| format!("`{command}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                Answer::Broken => "broken".to_owned(),
                Answer::Undecided => "not decided".to_owned(),
            };
            let role = model.role(proof.role).name.value.as_str();
            match lines.iter_mut().find(|(known, _)| *known == how) {
                Some((_, roles)) if roles.contains(&role) => {}
                Some((_, roles)) => roles.push(role),
                None => lines.push((how, vec![role])),
            }
        }
        for (how, roles) in lines {
            let _ = writeln!(text, "    {}: {how}", roles.join(", "));
        }
    }
    text
}
