//! Checked factory → plan → the text of `factory.lock`, and back.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    Accept, Agent, Factory, Gate, Held, Input, Model, Output, Plan, Previous, Price, Proof, Role,
    Step, StepKind, Task,
};
use crate::{
    boundary::{Entry, PathPattern},
    cache::Digest,
    check::Checked,
    diagnostics::Sources,
    document::{Section, SectionSource, sides, with_line_feeds},
    model::{self, SectionFrom, Work},
};

/// What the compiler made of a factory, beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The digest of each role's prompt, by role.
    pub prompts: BTreeMap<String, Digest>,
    /// The path of each role's accepted prompt, by role.
    pub snapshots: BTreeMap<String, String>,
    /// The client's tools that each role is offered, by role.
    pub tools: BTreeMap<String, Vec<String>>,
    /// What each agent is asked, by task and step.
    pub briefs: BTreeMap<(String, String), String>,
    /// The text of each section that a template makes, by document and title.
    pub sections: BTreeMap<(String, String), String>,
    /// What was written, by path.
    pub outputs: BTreeMap<String, Output>,
    /// The client versions that the output was made for, by client.
    pub clients: BTreeMap<String, String>,
}

/// Returns the plan of a factory: equal factories make equal plans.
pub fn lock(checked: &Checked, sources: &Sources, mut compiled: Compiled) -> Plan {
    let model = checked.model();
    let input =
        |source: &crate::diagnostics::Source| (source.path().to_owned(), Input::of(source.text()));
    Plan {
        format: Plan::FORMAT,
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        factory: Factory {
            name: model.name.value.clone(),
            description: model.description.clone(),
            targets: model
                .targets
                .iter()
                .map(|target| target.value.clone())
                .collect(),
            planner: model
                .planner
                .map(|id| model.role(id.value).name.value.clone()),
            driver: model.driver.clone(),
            stop: model.stop,
            jobs: model.jobs,
            notify: model.notify.clone(),
        },
        clients: std::mem::take(&mut compiled.clients),
        // A memory changes with the work.
        inputs: sources
            .files()
            .iter()
            .filter(|source| !model.memories.iter().any(|path| path == source.path()))
            .map(input)
            .collect(),
        outputs: std::mem::take(&mut compiled.outputs),
        models: model
            .models
            .iter()
            .map(|known| (known.name.value.clone(), language_model(known)))
            .collect(),
        servers: model
            .servers
            .iter()
            .map(|server| (server.name.value.clone(), server.start.clone()))
            .collect(),
        workspace: model.workspace.clone(),
        gates: model
            .gates
            .iter()
            .map(|known| (known.name.value.clone(), gate(known)))
            .collect(),
        sets: BTreeMap::new(),
        protected: model.protected.clone(),
        roles: model
            .roles()
            .map(|(id, known)| {
                (
                    known.name.value.clone(),
                    role(checked, id, known, &mut compiled),
                )
            })
            .collect(),
        documents: documents(model, &compiled),
        tasks: model
            .tasks
            .iter()
            .map(|known| (known.name.value.clone(), task(model, known, &compiled)))
            .collect(),
        prompts: own_prompts(model),
    }
}

// The prompts that one role alone is made of.
fn own_prompts(model: &model::Model) -> BTreeSet<String> {
    let preamble = model.preamble.iter().map(|path| &path.value);
    let shared = preamble.chain(&model.spec_files).chain(&model.templates);
    let mut shared: BTreeSet<&String> = shared.collect();
    let mut own = BTreeSet::new();
    for (_, role) in model.roles() {
        let path = &role.prompt.value;
        if !own.insert(path) {
            shared.insert(path);
        }
    }
    own.difference(&shared)
        .map(|path| (*path).clone())
        .collect()
}

fn language_model(known: &model::LanguageModel) -> Model {
    let price = known.price.map(|price| Price { ..price });
    Model {
        id: known.id.value.clone(),
        price,
    }
}

fn gate(known: &model::Gate) -> Gate {
    Gate {
        title: known.title.clone(),
        kind: known.kind.clone(),
        inputs: known.inputs.clone(),
        outputs: known.outputs.clone(),
        env: known.env.clone(),
        tools: known.tools.clone(),
        sealed: known
            .sealed
            .iter()
            .map(|entry| entry.value.clone())
            .collect(),
        external: known.external.clone(),
        timeout: known.timeout,
    }
}

fn role(
    checked: &Checked,
    id: model::RoleId,
    known: &model::Role,
    compiled: &mut Compiled,
) -> Role {
    let model = checked.model();
    let name = &known.name.value;
    let mut boundary = known.bounds.boundary.clone();
    for sealed in sealed_for(model, known) {
        boundary.write.never.push(sealed);
    }
    Role {
        title: known.title.clone(),
        description: known
            .description
            .as_ref()
            .map(|text| text.value.clone())
            .unwrap_or_default(),
        model: model.model(known.model.value).name.value.clone(),
        snapshot: compiled.snapshots.remove(name).unwrap_or_default(),
        prompt: compiled.prompts.remove(name).unwrap_or(Digest::of("")),
        boundary,
        held: held(checked, id),
        gates: known
            .gates
            .iter()
            .map(|gate| model.gate(gate.value).name.value.clone())
            .collect(),
        tools: compiled.tools.remove(name).unwrap_or_default(),
        agent: Some(model.client_name(id))
            .filter(|client| *client != name)
            .map(str::to_owned),
        verbatim: known.verbatim,
        guard: known.guard,
        memory: known.memory.clone(),
        stop: known.stop,
    }
}

// What the gates that judge a role seal is taken away from it.
fn sealed_for<'a>(
    model: &'a model::Model,
    role: &'a model::Role,
) -> impl Iterator<Item = Entry<PathPattern>> + 'a {
    let gates = role.gates.iter().map(|gate| model.gate(gate.value));
    gates.flat_map(|gate| gate.sealed.iter().map(|sealed| sealed.value.clone()))
}

fn held(checked: &Checked, role: model::RoleId) -> Held {
    let mut written = Held::default();
    for (capability, held) in checked.held(role) {
        for (platform, holding) in held.exec {
            let layers = written.exec.entry(platform).or_default();
            layers.insert(capability, holding.layer);
        }
        for (target, holding) in held.clients {
            let layers = written.interactive.entry(target.to_owned()).or_default();
            layers.insert(capability, holding.layer);
        }
    }
    written
}

fn documents(model: &model::Model, compiled: &Compiled) -> BTreeMap<String, Vec<Section>> {
    let mut documents = BTreeMap::new();
    for document in &model.documents {
        let path = &document.path.value;
        let section = |section: &model::Section| Section {
            title: section.title.value.clone(),
            source: match &section.from {
                SectionFrom::File(file) => SectionSource::File {
                    path: file.value.clone(),
                },
                SectionFrom::Template(_) => {
                    let key = (path.clone(), section.title.value.clone());
                    SectionSource::Text {
                        text: compiled.sections.get(&key).cloned().unwrap_or_default(),
                    }
                }
                SectionFrom::Files { patterns, max } => SectionSource::Files {
                    patterns: patterns.clone(),
                    max: *max,
                },
            },
        };
        documents.insert(
            path.clone(),
            document.sections.iter().map(section).collect(),
        );
    }
    documents
}

fn task(model: &model::Model, known: &model::Task, compiled: &Compiled) -> Task {
    let accept = |accept: &model::Accept| Accept {
        text: accept.text.value.clone(),
        proof: match &accept.proof {
            model::AcceptProof::Run(run) => Proof::Command {
                run: run.value.clone(),
            },
            model::AcceptProof::By(role) => Proof::Verdict {
                role: model.role(role.value).name.value.clone(),
            },
            model::AcceptProof::Nobody => Proof::Nobody,
        },
    };
    let name_of = |id: model::StepId| {
        known
            .steps
            .get(id.0)
            .map(|step| step.name.value.clone())
            .unwrap_or_default()
    };
    let step = |step: &model::Step| Step {
        name: step.name.value.clone(),
        after: step.after.iter().map(|id| name_of(id.value)).collect(),
        after_land: step.after_land,
        approval: step.approval.clone(),
        kind: match &step.work {
            Work::Effect(effect) => StepKind::Effect(effect.clone()),
            Work::Agent {
                role,
                yields,
                sends_back,
                only,
                stop,
                items: _,
                read_first: _,
                // Where it is written.
                budget: _,
            } => {
                let key = (known.name.value.clone(), step.name.value.clone());
                StepKind::Agent(Box::new(Agent {
                    role: model.role(role.value).name.value.clone(),
                    yields: *yields,
                    sends_back: sends_back.map(|id| name_of(id.value)),
                    brief: compiled.briefs.get(&key).cloned().unwrap_or_default(),
                    only_write: only
                        .as_ref()
                        .map(|only| only.boundary.write.may.clone())
                        .filter(|only| !only.is_empty()),
                    only_run: only
                        .as_ref()
                        .map(|only| only.boundary.run.may.clone())
                        .filter(|only| !only.is_empty()),
                    stop: *stop,
                }))
            }
        },
    };
    Task {
        goal: known.goal.clone(),
        accept: known.accept.iter().map(accept).collect(),
        steps: known.steps.iter().map(step).collect(),
    }
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// The lock was written by a newer compiler.
    #[error("`factory.lock` has format {found}, and this compiler knows {known}")]
    #[diagnostic(
        code("factory::lock::newer-format"),
        help("use the compiler that wrote it; to go back for good, remove the lock and build")
    )]
    NewerFormat {
        /// Its format.
        found: u64,
        /// The one that is known.
        known: u32,
    },
    /// Two branches changed it and git could not merge it.
    #[error("`factory.lock` has merge conflicts")]
    #[diagnostic(
        code("factory::lock::conflict"),
        help("`factory build` writes it anew from the spec")
    )]
    Conflict,
    /// The text is not a lock.
    #[error("`factory.lock` can't be read: {reason}")]
    #[diagnostic(
        code("factory::lock::unreadable"),
        help("it is written by `factory build`, and not by hand; run that to write it anew")
    )]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// The text does not match its own digests.
    #[error("`factory.lock` was edited by hand")]
    #[diagnostic(
        code("factory::lock::edited"),
        help("what may run is declared in factory.kdl; `factory build` writes the lock anew")
    )]
    Edited,
}

fn unreadable(error: &serde_json::Error) -> LockError {
    LockError::Unreadable {
        reason: error.to_string(),
    }
}

// A lock is a JSON object whose first line is the digest of all that follows but the digests that change
// with the text of one prompt. Each of these is sealed in its own line. So a hand edit is seen, and git
// merges two branches that each changed another prompt. Two that both changed the rest stay a conflict:
// what their changes come to together was never checked.
const HEAD: &str = "{\n  \"sha256\": \"";
const HEAD_END: &str = "\",";

/// The section of a lock in which not every digest is sealed.
const INPUTS: &str = "\"inputs\"";

/// How many digits a digest and its seal have.
const DIGITS: usize = 64;
const SEAL: usize = 16;

// A line of a lock that holds a digest which changes with the text of one prompt.
struct Loose<'a> {
    // All up to the digest, and all behind it and its seal.
    before: &'a str,
    digest: &'a str,
    seal: Option<&'a str>,
    after: &'a str,
    section: &'a str,
    name: &'a str,
}

impl Loose<'_> {
    // The seal says of what the digest is, so that no two lines can change places.
    fn expected_seal(&self) -> String {
        let Self {
            digest,
            section,
            name,
            ..
        } = self;
        let mut seal = Digest::of(format!("{section}\n{name}\n{digest}")).to_string();
        seal.truncate(SEAL);
        seal
    }

    // The name as it is without the quotes of JSON.
    fn path(&self) -> Option<String> {
        serde_json::from_str(self.name).ok()
    }
}

// Goes through the lines of a lock, and gives each with what it holds of loose digests. The layout is
// that of `to_text`: two spaces for each level.
fn lines(text: &str) -> impl Iterator<Item = (&str, Option<Loose<'_>>)> {
    let (mut section, mut name, mut kind) = ("", "", "");
    text.split_inclusive('\n').map(move |line| {
        let words = line.trim_start_matches(' ');
        let loose = match line.len() - words.len() {
            2 => {
                section = words.split(':').next().unwrap_or_default();
                None
            }
            4 => {
                name = words.rsplit_once("\": {").map_or("", |(name, _)| name);
                // The closing quote belongs to the name.
                name = words.get(..name.len() + 1).unwrap_or_default();
                kind = "";
                None
            }
            6 if words.starts_with("\"kind\": ") => {
                kind = words.trim_end();
                None
            }
            6 => {
                let is_digest = match section {
                    INPUTS => words.starts_with("\"sha256\": \""),
                    "\"outputs\"" => {
                        words.starts_with("\"sha256\": \"") && kind == "\"kind\": \"file\","
                    }
                    "\"roles\"" => words.starts_with("\"prompt\": \""),
                    _ => false,
                };
                is_digest.then(|| loose(line, section, name)).flatten()
            }
            _ => None,
        };
        (line, loose)
    })
}

fn loose<'a>(line: &'a str, section: &'a str, name: &'a str) -> Option<Loose<'a>> {
    let (_, rest) = line.split_once("\": \"")?;
    let before = line.get(..line.len() - rest.len())?;
    let (value, _) = rest.split_once('"')?;
    let after = rest.get(value.len()..)?;
    let (digest, seal) = match value.split_once('.') {
        Some((digest, seal)) => (digest, Some(seal)),
        None => (value, None),
    };
    (digest.len() == DIGITS).then_some(Loose {
        before,
        digest,
        seal,
        after,
        section,
        name,
    })
}

// A lock that is as it was written.
struct Opened {
    // The object, without its own digest and without seals.
    object: String,
    // The inputs whose digests are sealed.
    prompts: BTreeSet<String>,
}

// Reads the text of a lock and sees that it is as it was written.
fn open(text: &str) -> Result<Opened, LockError> {
    // Line breaks may have become those of another system on the way through git.
    let text = with_line_feeds(text);
    if has_marks_of_a_merge(&text) {
        return Err(LockError::Conflict);
    }
    let sealed = text.strip_prefix(HEAD);
    let sealed = sealed.and_then(|sealed| sealed.split_once(HEAD_END));
    let Some((digest, rest)) = sealed else {
        return Err(LockError::Unreadable {
            reason: "it does not begin with its digest".to_owned(),
        });
    };
    let mut object = String::with_capacity(text.len());
    object.push('{');
    let mut prompts = BTreeSet::new();
    let mut broken = false;
    // What the digest at the top is of.
    let mut frame = String::with_capacity(rest.len());
    for (line, loose) in lines(rest) {
        let Some((seal, loose)) = loose.and_then(|loose| Some((loose.seal?, loose))) else {
            object.push_str(line);
            frame.push_str(line);
            continue;
        };
        broken |= loose.expected_seal() != seal;
        let _ = write!(object, "{}{}{}", loose.before, loose.digest, loose.after);
        let _ = write!(frame, "{}{}", loose.before, loose.after);
        if loose.section == INPUTS {
            prompts.extend(loose.path());
        }
    }
    let Head { format: found } =
        serde_json::from_str(&object).map_err(|error| unreadable(&error))?;
    if found > u64::from(Plan::FORMAT) {
        return Err(LockError::NewerFormat {
            found,
            known: Plan::FORMAT,
        });
    }
    if broken || Digest::of(&frame).to_string() != digest {
        return Err(LockError::Edited);
    }
    Ok(Opened { object, prompts })
}

fn has_marks_of_a_merge(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
}

// What every lock has, whatever its format.
#[derive(serde::Deserialize)]
struct Head {
    format: u64,
}

/// What a text says that stands where the lock belongs and is none that can be used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Salvaged {
    /// Whether it is, or was, a lock. If not, it is someone else's text.
    pub is_a_lock: bool,
    /// What it says of what was written. After a merge that failed, this is what each side says.
    pub outputs: Vec<BTreeMap<String, Output>>,
}

/// Reads what can be read of a damaged lock: of one that was edited by hand, cut off, or left by git with
/// the marks of a merge.
pub fn salvage(text: &str) -> Salvaged {
    let text = with_line_feeds(text);
    let sides = match sides(&text) {
        Some(sides) => sides.into_iter().map(Cow::Owned).collect(),
        None => vec![Cow::Borrowed(text.as_ref())],
    };
    Salvaged {
        is_a_lock: sides.iter().any(|side| is_a_lock(side)),
        outputs: sides.iter().filter_map(|side| outputs_of(side)).collect(),
    }
}

// The outputs stand between two lines, also where the rest is not JSON.
fn outputs_of(text: &str) -> Option<BTreeMap<String, Output>> {
    const BEGIN: &str = "\n  \"outputs\": ";
    let (_, rest) = text.split_once(BEGIN)?;
    let end = rest.find("\n  }").map(|end| end + "\n  }".len());
    // Where nothing was written they are one line.
    let object = if rest.starts_with("{}") {
        "{}"
    } else {
        rest.get(..end?)?
    };
    let framed = format!("{BEGIN}{object}");
    let mut plain = String::with_capacity(framed.len());
    for (line, loose) in lines(&framed) {
        match loose {
            Some(loose) => {
                let _ = write!(plain, "{}{}{}", loose.before, loose.digest, loose.after);
            }
            None => plain.push_str(line),
        }
    }
    serde_json::from_str(plain.strip_prefix(BEGIN)?).ok()
}

// What is nothing, or has the marks of a lock, is no one's own text.
fn is_a_lock(text: &str) -> bool {
    let names = |value: serde_json::Value| {
        let object = value.as_object()?;
        Some(object.keys().all(|name| MEMBERS.contains(&name.as_str())))
    };
    text.trim().is_empty()
        || text.starts_with(HEAD)
        || serde_json::from_str(text)
            .ok()
            .and_then(names)
            .unwrap_or_default()
}

/// The members of a lock.
const MEMBERS: [&str; 16] = [
    "sha256",
    "format",
    "compiler",
    "factory",
    "clients",
    "inputs",
    "outputs",
    "models",
    "servers",
    "workspace",
    "gates",
    "sets",
    "protected",
    "roles",
    "documents",
    "tasks",
];

impl Plan {
    /// Returns the text of the lock: pretty JSON in a stable order, with its own digest in front. The
    /// text ends with a line break. Afterwards the plan is what it was.
    pub fn to_text(&mut self) -> String {
        // A plan is made of strings, numbers, and maps with string keys, so it can be written.
        let whole = self.folded(|folded| serde_json::to_string_pretty(&folded).unwrap_or_default());
        let rest = whole.strip_prefix('{').unwrap_or_default();
        let (mut text, mut frame) = (String::with_capacity(whole.len()), String::new());
        for (line, loose) in lines(rest) {
            let is_sealed = |loose: &Loose<'_>| {
                loose.section != INPUTS
                    || loose
                        .path()
                        .is_some_and(|path| self.prompts.contains(&path))
            };
            match loose.filter(is_sealed) {
                Some(loose) => {
                    let seal = loose.expected_seal();
                    let Loose {
                        before,
                        digest,
                        after,
                        ..
                    } = loose;
                    let _ = write!(text, "{before}{digest}.{seal}{after}");
                    let _ = write!(frame, "{before}{after}");
                }
                None => {
                    text.push_str(line);
                    frame.push_str(line);
                }
            }
        }
        for text in [&mut text, &mut frame] {
            text.push('\n');
        }
        format!("{HEAD}{}{HEAD_END}{text}", Digest::of(&frame))
    }

    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// Where the text is no lock of this format, or is not as it was written.
    pub fn from_text(text: &str) -> Result<Self, LockError> {
        let Opened { object, prompts } = open(text)?;
        let plan: Self = serde_json::from_str(&object).map_err(|error| unreadable(&error))?;
        Ok(Self { prompts, ..plan })
    }

    /// Reads of the text of a lock what it says of the build that wrote it, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Plan::from_text`].
    pub fn previous_from_text(text: &str) -> Result<Previous, LockError> {
        serde_json::from_str(&open(text)?.object).map_err(|error| unreadable(&error))
    }

    /// Returns the paths of what is written with the plan: by `build`, and by who accepts prompts. No list
    /// of files in a document has them, or it would change with what it stands in.
    pub fn written(&self) -> BTreeSet<String> {
        let outputs = self.outputs.keys().cloned();
        let snapshots = self.roles.values().map(|role| role.snapshot.clone());
        outputs
            .chain(snapshots)
            .chain([Self::LOCK.to_owned()])
            .collect()
    }

    /// Returns the digest by which a run is bound to this plan.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let digest = |letter: &str| letter.repeat(DIGITS);
        let role = |name: &str| {
            json!({
                "title": name, "description": "", "model": "m", "snapshot": format!("snapshots/{name}.snap"),
                "prompt": digest("a"), "boundary": {}, "held": {}, "gates": [], "tools": [],
                "stop": { "attempts": 1, "usd": "1.00", "wall": 1 },
            })
        };
        let plan: Plan = serde_json::from_value(json!({
            "format": Plan::FORMAT, "compiler": "0", "clients": {},
            "inputs": {
                "factory.kdl": { "sha256": digest("1") },
                "roles/a\"b.md": { "sha256": digest("2") },
                "roles/qa.md": { "sha256": digest("3") },
            },
            "outputs": {
                ".claude/agents/qa.md": { "kind": "file", "sha256": digest("4") },
                ".mcp.json": { "kind": "entries", "sha256": digest("5"), "entries": {} },
                "CLAUDE.md": { "kind": "sections", "titles": ["A"] },
            },
            "factory": {
                "name": "f", "targets": [], "driver": { "kind": "command" },
                "stop": { "attempts": 1, "usd": "1.00", "wall": 1 }, "jobs": 1,
            },
            "models": {}, "servers": {}, "workspace": {}, "gates": {}, "documents": {}, "tasks": {},
            "protected": {},
            "roles": { "boss": role("boss"), "qa": role("qa") },
        }))
        .unwrap();
        Plan {
            prompts: ["roles/a\"b.md", "roles/qa.md"].map(str::to_owned).into(),
            ..plan
        }
    }

    // The members of a lock are those of a plan.
    #[test]
    fn every_member_is_known() {
        let mut plan = Plan {
            sets: [("@a".to_owned(), Vec::new())].into(),
            protected: model::Protected::fixed(),
            ..plan()
        };
        let text = plan.to_text();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut names: Vec<_> = value.as_object().unwrap().keys().collect();
        let mut members = MEMBERS.to_vec();
        names.sort();
        members.sort_unstable();
        assert_eq!(names, members);
    }

    #[test]
    fn what_changes_with_one_prompt_is_sealed_in_its_own_line() {
        let mut plan = plan();
        let text = plan.to_text();
        assert_eq!(Plan::from_text(&text).unwrap(), plan);
        let sealed = text.lines().filter(|line| {
            let value = line.rsplit('"').nth(1).unwrap_or_default();
            value.len() == DIGITS + 1 + SEAL
        });
        assert_eq!(sealed.count(), 5, "{text}");
        let mut other = plan.clone();
        other.inputs.insert("roles/qa.md".into(), Input::of("x"));
        let qa = other.roles.get_mut("qa").unwrap();
        qa.prompt = Digest::of("x");
        let file = Output::File {
            sha256: Digest::of("x"),
        };
        other.outputs.insert(".claude/agents/qa.md".into(), file);
        let changed: Vec<_> = other
            .to_text()
            .lines()
            .zip(text.lines())
            .filter(|(a, b)| a != b)
            .map(|(line, _)| line.trim().chars().take(8).collect::<String>())
            .collect();
        assert_eq!(changed, ["\"sha256\"", "\"sha256\"", "\"prompt\""]);
        // A spec file is no one's alone.
        other.inputs.insert("factory.kdl".into(), Input::of("x"));
        let top = |plan: &mut Plan| plan.to_text().lines().nth(1).map(str::to_owned);
        assert_ne!(top(&mut other), top(&mut plan));
    }

    #[test]
    fn every_edit_is_seen() {
        let text = plan().to_text();
        let lines: Vec<_> = text.lines().collect();
        let line = |part: &str| *lines.iter().find(|line| line.contains(part)).unwrap();
        let prompt = line("\"prompt\"");
        let of_qa = {
            let at = text.find("roles/qa.md").unwrap();
            text[at..].lines().nth(1).unwrap()
        };
        let of_other = {
            let at = text.find("roles/a").unwrap();
            text[at..].lines().nth(1).unwrap()
        };
        let seal = |line: &str| {
            line.rsplit('.')
                .next()
                .unwrap()
                .replace("\",", "")
                .replace('"', "")
        };
        for (case, edited) in [
            (
                "a title",
                text.replacen("\"title\": \"qa\"", "\"title\": \"Q\"", 1),
            ),
            ("a digest", text.replacen("aaaaaaaa", "aaaaaaab", 1)),
            (
                "a seal",
                text.replacen(&seal(prompt), "0000000000000000", 1),
            ),
            (
                "no seal",
                text.replacen(&format!(".{}", seal(prompt)), "", 1),
            ),
            (
                "two that changed places",
                text.replacen(of_qa, "@", 1)
                    .replacen(of_other, of_qa, 1)
                    .replacen('@', of_other, 1),
            ),
            (
                "a line less",
                text.replacen(&format!("{}\n", line("\"compiler\"")), "", 1),
            ),
            (
                "the first line",
                text.replacen(lines[1], "  \"sha256\": \"0\",", 1),
            ),
        ] {
            assert_ne!(edited, text, "{case}");
            let found = Plan::from_text(&edited);
            assert!(matches!(found, Err(LockError::Edited)), "{case}: {found:?}");
        }
    }

    // A lock of a compiler that sealed nothing is one whose first digest is of all the rest.
    #[test]
    fn a_lock_without_seals_is_read() {
        let plan = plan();
        let whole = serde_json::to_string_pretty(&plan).unwrap();
        let rest = format!("{}\n", whole.strip_prefix('{').unwrap());
        let text = format!("{HEAD}{}{HEAD_END}{rest}", Digest::of(&rest));
        assert_eq!(Plan::from_text(&text).unwrap().inputs, plan.inputs);
        let edited = text.replacen("aaaaaaaa", "aaaaaaab", 1);
        assert!(matches!(Plan::from_text(&edited), Err(LockError::Edited)));
    }

    #[test]
    fn a_damaged_lock_still_says_what_was_written() {
        let mut plan = plan();
        let text = plan.to_text();
        let mut other = plan.clone();
        other.outputs.remove("CLAUDE.md");
        let (head, rest) = text.split_at(text.find("\"outputs\"").unwrap());
        let theirs = other.to_text();
        let (_, their_rest) = theirs.split_at(theirs.find("\"outputs\"").unwrap());
        let merged = format!("{head}\n<<<<<<< a\n  {rest}=======\n  {their_rest}>>>>>>> b\n");
        let cut = &text[..text.find("\"gates\"").unwrap()];
        for (case, text, then) in [
            (
                "edited",
                text.replace("\"0\"", "\"9\""),
                vec![&plan.outputs],
            ),
            (
                "another system's",
                text.replace('\n', "\r\n"),
                vec![&plan.outputs],
            ),
            ("cut off", cut.to_owned(), vec![&plan.outputs]),
            ("merged", merged, vec![&plan.outputs, &other.outputs]),
        ] {
            let found = salvage(&text);
            assert!(found.is_a_lock, "{case}");
            assert_eq!(found.outputs.iter().collect::<Vec<_>>(), then, "{case}");
        }
        for (text, then) in [
            ("", true),
            ("{}\n", true),
            ("{\"roles\": {}, \"tasks\": 1}", true),
            ("{\n  \"sha256\": \"12", true),
            ("{\"packages\": []}", false),
            ("[]", false),
            ("# mine\n", false),
        ] {
            let found = salvage(text);
            assert_eq!((found.is_a_lock, found.outputs.len()), (then, 0), "{text}");
        }
    }
}
