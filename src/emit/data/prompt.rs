//! What a compiled prompt is made from.

use serde::Serialize;

use super::{
    FactoryData, factory,
    gate::{GateData, gate_data},
    rule::{RuleData, rule_for},
};
use crate::{
    boundary::{Capability, Grant, Pattern, StandardSet, standard},
    diagnostics::Sources,
    emit::phrase::{Shown, code, entries, list, sentence, size},
    model::{Bounds, Model, Origin, RoleId},
    template::MEMORY,
};

/// What a compiled prompt is made from.
#[derive(Debug, Serialize)]
pub(in crate::emit) struct PromptData {
    factory: FactoryData,
    role: RoleData,
    boundary: BoundaryData,
    rules: Vec<RuleData>,
    gates: Vec<GateData>,
    memory: Option<MemoryData>,
}

#[derive(Debug, Serialize)]
struct RoleData {
    name: String,
    title: String,
    description: Option<String>,
    model: String,
    // The file of its own text.
    prompt: String,
    // Whether it may write anything at all.
    writes: bool,
}

// The phrases are lists of patterns, empty where there are none.
#[derive(Debug, Serialize)]
struct BoundaryData {
    read: GrantData,
    write: GrantData,
    run: GrantData,
    standard: Vec<StandardData>,
    reach: GrantData,
    #[serde(rename = "use")]
    uses: GrantData,
    env: GrantData,
    delegate: String,
    // Whether any pattern holds a `*`.
    patterns: bool,
}

#[derive(Debug, Serialize)]
struct GrantData {
    may: String,
    never: String,
}

// A standard set of commands with the names of its programs.
#[derive(Debug, Serialize)]
struct StandardData {
    name: &'static str,
    programs: String,
}

#[derive(Debug, Serialize)]
struct MemoryData {
    path: String,
    limit: String,
    writable: bool,
    place: &'static str,
}

impl PromptData {
    /// Returns what the prompt of the role is made from.
    pub(in crate::emit) fn of(model: &Model, sources: &Sources, id: RoleId) -> Self {
        let role = model.role(id);
        let boundary = boundary(model, sources, id);
        let rules: Vec<RuleData> = model
            .rules
            .iter()
            .filter_map(|rule| rule_for(rule, model, id))
            .collect();
        Self {
            factory: factory(model),
            role: RoleData {
                name: role.name.value.clone(),
                title: role.title.clone(),
                description: role.description.as_ref().map(|text| sentence(&text.value)),
                model: model.model(role.model.value).id.value.clone(),
                prompt: role.prompt.value.clone(),
                writes: !role.bounds.boundary.write.may.is_empty(),
            },
            boundary,
            rules,
            gates: role
                .gates
                .iter()
                .map(|gate| gate_data(model.gate(gate.value)))
                .collect(),
            memory: role.memory.as_ref().map(|memory| MemoryData {
                path: memory.path.clone(),
                limit: size(memory.limit),
                writable: role.bounds.boundary.write.permits(&memory.path),
                place: MEMORY,
            }),
        }
    }

    /// Returns whether any rule binds the role.
    pub(in crate::emit) const fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Returns whether any gate judges the role.
    pub(in crate::emit) const fn has_gates(&self) -> bool {
        !self.gates.is_empty()
    }

    /// Returns whether the role keeps a memory.
    pub(in crate::emit) const fn has_memory(&self) -> bool {
        self.memory.is_some()
    }
}

fn boundary(model: &Model, sources: &Sources, id: RoleId) -> BoundaryData {
    let bounds = &model.role(id).bounds;
    let boundary = &bounds.boundary;
    let delegates = model
        .delegates(id)
        .map(|other| code(&model.role(other).name.value));
    let commands = run(bounds, sources);
    let mut data = BoundaryData {
        read: grant(&boundary.read),
        write: grant(&boundary.write),
        run: commands.0,
        standard: commands.1,
        reach: grant(&boundary.reach),
        uses: grant(&boundary.uses),
        env: grant(&boundary.env),
        delegate: list(delegates),
        patterns: false,
    };
    let phrases = [&data.read, &data.write, &data.run];
    data.patterns = phrases
        .iter()
        .any(|phrase| phrase.may.contains('*') || phrase.never.contains('*'));
    data
}

// Commands that came with a standard set are told by its name.
fn run(bounds: &Bounds, sources: &Sources) -> (GrantData, Vec<StandardData>) {
    let run = &bounds.boundary.run;
    let mut own = Vec::new();
    let mut sets: Vec<&'static StandardSet> = Vec::new();
    for (index, entry) in run.may.iter().enumerate() {
        let span = bounds
            .may_origin(Capability::Run, index)
            .and_then(Origin::span);
        let written = span.and_then(|span| sources.text(span)).unwrap_or_default();
        match standard(written.trim_matches(['#', '"'])) {
            Some(set) if !sets.iter().any(|known| known.name == set.name) => sets.push(set),
            Some(_) => {}
            None => own.push(entry),
        }
    }
    sets.sort_by_key(|set| set.name);
    let sets = sets.into_iter().map(|set| StandardData {
        name: set.name,
        programs: programs(set),
    });
    (
        GrantData {
            may: entries(own),
            never: entries(run.never.own()),
        },
        sets.collect(),
    )
}

// The names of the programs, those with subcommands with these behind them.
fn programs(set: &StandardSet) -> String {
    let mut alone: Vec<&str> = Vec::new();
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for command in set.commands {
        let mut words = command
            .pattern
            .split(' ')
            .take_while(|word| !word.starts_with(['*', '-']));
        let Some(program) = words.next() else {
            continue;
        };
        match (
            words.next(),
            groups.iter_mut().find(|(known, _)| *known == program),
        ) {
            (None, _) if alone.contains(&program) => {}
            (None, _) => alone.push(program),
            (Some(word), Some((_, group))) if group.contains(&word) => {}
            (Some(word), Some((_, group))) => group.push(word),
            (Some(word), None) => groups.push((program, vec![word])),
        }
    }
    alone.retain(|program| !groups.iter().any(|(known, _)| known == program));
    let mut parts = Vec::new();
    if !alone.is_empty() {
        parts.push(code(&alone.join(" ")));
    }
    for (program, words) in groups {
        parts.push(format!("{} with {}", code(program), code(&words.join(" "))));
    }
    parts.join("; ")
}

// What holds for every role is said once, by the template.
fn grant<P: Pattern + Shown>(grant: &Grant<P>) -> GrantData {
    GrantData {
        may: entries(&grant.may),
        never: entries(grant.never.own()),
    }
}
