//! `factory check --held`: what holds each boundary, and how each rule stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde::Serialize;

use super::can::{At, Layers};
use crate::{
    boundary::Capability,
    check::{Answer, Checked, Kept, Proof, Unseen},
    client,
    diagnostics::Sources,
    model::{Model, Rule},
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
            let how = how(model, rule, &proof.answer);
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

// How a statement stands, in words.
fn how(model: &Model, rule: &Rule, answer: &Answer) -> String {
    let unseen = match answer {
        Answer::Broken => return "broken".to_owned(),
        Answer::Undecided => return "not decided".to_owned(),
        Answer::Shown(unseen) if unseen.is_empty() => {
            return "proven by the grants alone".to_owned();
        }
        Answer::Shown(unseen) => unseen,
    };
    let mut groups: BTreeMap<(Kept, Capability), BTreeSet<&str>> = BTreeMap::new();
    for one in unseen {
        let group = groups.entry((one.kept, one.capability)).or_default();
        group.insert(one.command(model));
    }
    let said = groups.into_iter().map(|((kept, capability), commands)| {
        let commands: Vec<_> = commands.iter().map(|command| format!("`{command}`")).collect();
        let commands = commands.join(", ");
        let verb = match capability {
            Capability::Read => "read",
            Capability::Write => "write",
            Capability::Run => "start",
            Capability::Reach => "reach",
            Capability::Use => "use",
            Capability::Env => "see",
            Capability::Delegate => "hand on",
        };
        match kept {
            Kept::Held(layer) => format!("{layer}, whatever {commands} may {verb}"),
            Kept::Project => format!(
                "proven of every line; nothing looks into what the project's own code may {verb} under {commands}"
            ),
            Kept::Trusted { .. } => format!(
                "trusted, as \"{}\": nothing looks into what {commands} may {verb}",
                because(rule, kept).unwrap_or_default()
            ),
            Kept::Nothing => format!("not held: nothing looks into what {commands} may {verb}"),
        }
    });
    said.collect::<Vec<_>>().join("; ")
}

// Who or what answers for a command, where somebody does.
fn because(rule: &Rule, kept: Kept) -> Option<&str> {
    match kept {
        Kept::Trusted { trust } => Some(&rule.trust.get(trust)?.because),
        Kept::Held(_) | Kept::Project | Kept::Nothing => None,
    }
}

/// What holds each boundary and how each rule stands, for programs.
#[derive(Serialize)]
pub(super) struct Held<'a> {
    // None where the spec has errors: what holds it is not known then.
    held: Option<Report<'a>>,
}

#[derive(Serialize)]
struct Report<'a> {
    roles: Vec<RoleEntry<'a>>,
    rules: Vec<RuleEntry<'a>>,
}

#[derive(Serialize)]
struct RoleEntry<'a> {
    role: &'a str,
    capabilities: BTreeMap<&'static str, Layers>,
}

#[derive(Serialize)]
struct RuleEntry<'a> {
    rule: &'a str,
    statements: Vec<StatementEntry<'a>>,
}

// How one statement stands for one role.
#[derive(Serialize)]
struct StatementEntry<'a> {
    statement: Option<At<'a>>,
    role: &'a str,
    answer: &'static str,
    commands: Vec<CommandEntry<'a>>,
}

// What a granted command might do besides what its words say, and what keeps it to the statement.
#[derive(Serialize)]
struct CommandEntry<'a> {
    role: &'a str,
    command: &'a str,
    capability: &'static str,
    kept: &'static str,
    layer: Option<&'static str>,
    because: Option<&'a str>,
}

impl<'a> Held<'a> {
    pub(super) fn new(checked: Option<&'a Checked>, sources: &'a Sources) -> Self {
        Self {
            held: checked.map(|checked| report(checked, sources)),
        }
    }
}

fn report<'a>(checked: &'a Checked, sources: &'a Sources) -> Report<'a> {
    let model = checked.model();
    let name = |id| model.role(id).name.value.as_str();
    let capabilities = |id| {
        let held = checked.held(id).into_iter();
        held.map(|(capability, held)| (capability.word(), Layers::from(held)))
            .collect()
    };
    let command = |rule: &'a Rule, unseen: &Unseen| CommandEntry {
        role: name(unseen.role),
        command: unseen.command(model),
        capability: unseen.capability.word(),
        kept: unseen.kept.word(),
        layer: match unseen.kept {
            Kept::Held(layer) => Some(layer.word()),
            Kept::Project | Kept::Trusted { .. } | Kept::Nothing => None,
        },
        because: because(rule, unseen.kept),
    };
    let statement = |rule: &'a Rule, proof: &Proof| StatementEntry {
        statement: At::of(proof.span, sources),
        role: name(proof.role),
        answer: proof.answer.word(),
        commands: match &proof.answer {
            Answer::Shown(unseen) => unseen.iter().map(|one| command(rule, one)).collect(),
            Answer::Broken | Answer::Undecided => Vec::new(),
        },
    };
    let rule = |(index, rule): (usize, &'a Rule)| {
        let proofs = checked.proofs().iter();
        RuleEntry {
            rule: &rule.title.value,
            statements: proofs
                .filter(|proof| proof.rule == index)
                .map(|proof| statement(rule, proof))
                .collect(),
        }
    };
    Report {
        roles: model
            .roles()
            .map(|(id, role)| RoleEntry {
                role: &role.name.value,
                capabilities: capabilities(id),
            })
            .collect(),
        rules: model.rules.iter().enumerate().map(rule).collect(),
    }
}
