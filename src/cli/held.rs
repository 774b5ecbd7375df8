//! `factory check --held`: what holds each boundary, and how each rule stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use serde::Serialize;

use super::can::{At, Layers};
use crate::{
    boundary::{Capability, Layer, Platform},
    check::{self, Answer, Checked, Kept, Proof, Unseen, verb},
    client,
    diagnostics::Sources,
    emit::claude_code,
    guard::observed,
    model::{DriverKind, Model, Rule},
    plan::Plan,
};

/// Returns, for every role and capability, the layer that holds it in each place where the role may be at
/// work, what is left open as the project at `root` is now, and for every rule how it stands.
pub(super) fn held(checked: &Checked, root: &Path) -> String {
    let model = checked.model();
    let off = hindrances(checked, root);
    let targets: Vec<&str> = model
        .targets
        .iter()
        .filter_map(|target| Some(client::target(&target.value)?.name))
        .collect();
    let mut text = table(checked, &targets, &off);
    text.push_str(&by_what(checked, &targets));
    text.push_str(&left_open(checked, &off));
    text.push_str(&rules(checked));
    text
}

fn table(checked: &Checked, targets: &[&str], off: &[String]) -> String {
    let model = checked.model();
    let exec = Platform::ALL.map(|platform| format!("in exec on {}", platform.name()));
    let clients = targets.iter().map(|target| with_client(target));
    let places: Vec<String> = exec.into_iter().chain(clients).collect();
    let mut text = format!("What holds each boundary: {}\n", places.join(" / "));
    let names = model.roles.iter().map(|role| role.name.value.len());
    let width = names.max().unwrap_or_default();
    for (id, role) in model.roles() {
        for (index, (capability, held)) in checked.held(id).into_iter().enumerate() {
            let name = if index == 0 {
                role.name.value.as_str()
            } else {
                ""
            };
            let exec = Platform::ALL.map(|platform| held.on(platform));
            let clients = targets.iter().map(|target| now(&held, target, off));
            let layers: Vec<String> = exec
                .into_iter()
                .chain(clients)
                .map(|layer| format!("{:9}", layer.word()))
                .collect();
            let layers = layers.join(" / ");
            let _ = writeln!(
                text,
                "  {name:width$}  {:8}  {}",
                capability.word(),
                layers.trim_end()
            );
        }
    }
    text
}

fn with_client(target: &str) -> String {
    format!("where a person starts it with {target}")
}

// The layer in a client as the project is now: a guard that is not asked holds nothing.
fn now(held: &check::Held, target: &str, off: &[String]) -> Layer {
    let holding = held.clients.get(target);
    match holding {
        Some(holding) if off.is_empty() || !is_guarded(target) => holding.layer,
        Some(_) | None => Layer::Advised,
    }
}

fn is_guarded(target: &str) -> bool {
    client::target(target).is_some_and(|target| target.is_guarded)
}

fn by_what(checked: &Checked, targets: &[&str]) -> String {
    let model = checked.model();
    let mut exec: BTreeMap<Capability, Vec<&str>> = BTreeMap::new();
    let mut clients: Vec<BTreeMap<Capability, Vec<&str>>> = vec![BTreeMap::new(); targets.len()];
    let add = |by: &mut BTreeMap<Capability, Vec<&str>>, capability, words| {
        let known = by.entry(capability).or_default();
        if !known.contains(&words) {
            known.push(words);
        }
    };
    for (id, _) in model.roles() {
        for (capability, held) in checked.held(id) {
            add(&mut exec, capability, held.by);
            for (by, target) in clients.iter_mut().zip(targets) {
                if let Some(holding) = held.clients.get(target) {
                    add(by, capability, holding.by);
                }
            }
        }
    }
    let driver = match model.driver.kind {
        DriverKind::ClaudeCode => "claude-code",
        DriverKind::Command => "command",
        DriverKind::Replay => "replay",
    };
    let exec = (format!("in exec with the driver {driver}"), exec);
    let clients = targets
        .iter()
        .map(|target| with_client(target))
        .zip(clients);
    let mut text = String::new();
    for (place, by) in std::iter::once(exec).chain(clients) {
        let _ = writeln!(text, "\nBy what, {place}");
        for (capability, words) in by {
            let _ = writeln!(text, "  {:8}  {}", capability.word(), words.join("; or "));
        }
    }
    text
}

// What keeps the client from asking the guard in this project now. Before the first build nothing is
// there that could.
fn hindrances(checked: &Checked, root: &Path) -> Vec<String> {
    let mut targets = checked.model().targets.iter();
    if !targets.any(|target| is_guarded(&target.value)) || !root.join(Plan::LOCK).is_file() {
        return Vec::new();
    }
    let mut found = claude_code::hindrances(root);
    if let Some(seconds) = observed::is_off(root) {
        let minutes = seconds.div_ceil(60);
        found.push(format!(
            "`factory guard off` lets everything pass for {minutes} more minutes"
        ));
    }
    found
}

fn left_open(checked: &Checked, off: &[String]) -> String {
    let model = checked.model();
    let mut text = String::new();
    let mut targets = model.targets.iter();
    if !targets.any(|target| target.value == claude_code::TARGET) {
        return text;
    }
    if !off.is_empty() {
        text.push_str(
            "\nIn this project the guard is not asked now where a person starts a role\n",
        );
        for why in off {
            let _ = writeln!(text, "  {why}");
        }
    }
    text.push_str("\nLeft open where a person starts a role with claude-code\n");
    text.push_str(
        "  in a folder below the root, or with `--add-dir`: the guard is asked only where that person has \
         trusted the repository\n  settings of a person's own that turn hooks off, `--bare`, and \
         `--safe-mode`: no hook runs\n",
    );
    let bare: Vec<&str> = model
        .roles()
        .filter(|(id, _)| !claude_code::guards_itself(model, *id))
        .map(|(_, role)| role.name.value.as_str())
        .collect();
    if !bare.is_empty() {
        let _ = writeln!(
            text,
            "  in a folder below the root, or with `--add-dir`, the guard is not asked for {}: their files \
             are kept as they were",
            bare.join(", ")
        );
    }
    text
}

fn rules(checked: &Checked) -> String {
    let model = checked.model();
    let mut text = String::new();
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
        let verb = verb(capability);
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
