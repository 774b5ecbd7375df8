//! All agent files of a project together.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    agent::look,
    doubt::Doubt,
    names::{free, name_of},
    servers::{self, ServerReport, Servers},
    settings::{Settings, SettingsFile},
    spec::{NewRole, quoted},
};
use crate::{
    client::front::{AgentText, Head, Unread, Value, read},
    diagnostics::{Findings, Sources, Span},
};

/// An agent file of the client.
#[derive(Debug, Clone)]
pub struct AgentFile {
    /// Its path.
    pub path: String,
    /// Its text, as far as it can be read.
    pub text: String,
    /// Why it can't be adopted whatever it holds, if it can't.
    pub kept: Option<Kept>,
    /// Whether it was asked for; others only have a say in which of two the client takes.
    pub wanted: bool,
}

/// Why an agent file is not adopted whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The reason, as the rest of a sentence that ends with it.
    pub why: String,
    /// Whether the client loads it all the same.
    pub is_loaded: bool,
}

/// What a project has for its client beside the agents.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The settings files.
    pub settings: Vec<SettingsFile>,
    /// The file that declares servers, its text.
    pub servers: Option<(String, String)>,
    /// Why none of the rules is to become a grant, if none is.
    pub unfit: Option<String>,
}

/// What a project has of a factory already.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// The text of the spec, if there is one.
    pub spec: Option<String>,
    /// The names of its roles.
    pub roles: BTreeSet<String>,
    /// The agent files of its roles, by path.
    pub agents: BTreeMap<String, String>,
    /// The names of its models, by id.
    pub models: BTreeMap<String, String>,
    /// All names of its models.
    pub model_names: BTreeSet<String>,
    /// What it takes away from everyone, as `never CAPABILITY PATTERN`.
    pub declared: BTreeSet<String>,
    /// Its profiles by name, with all that each says, as `may CAPABILITY PATTERN`.
    pub profiles: BTreeMap<String, BTreeSet<String>>,
    /// The names of its servers.
    pub servers: BTreeSet<String>,
    /// The texts of files in `roles/`, by path.
    pub prompts: BTreeMap<String, String>,
    /// What a new factory is called.
    pub name: String,
}

/// What became of an agent file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is a role now.
    Adopted {
        /// Which.
        role: String,
    },
    /// It was a role before.
    Known {
        /// Which.
        role: String,
    },
    /// It stays its owner's alone.
    Left {
        /// Why.
        why: String,
    },
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its path.
    pub path: String,
    /// What became of it.
    pub fate: Fate,
}

/// What is adopted.
#[derive(Debug, Default)]
pub struct Adoption {
    /// What becomes of each file that was asked for.
    pub reports: Vec<Report>,
    /// The files to write, the spec last; none where nothing is new.
    pub files: Vec<(String, String)>,
    /// What was found, the worst first.
    pub findings: Findings,
    /// The texts that the findings speak of.
    pub sources: Sources,
    /// What became of the client's permission rules.
    pub settings: Settings,
    /// What became of the client's servers.
    pub servers: Vec<ServerReport>,
}

const SPEC: &str = "factory.kdl";

/// How many names a message shows.
const SHOWN: usize = 4;

/// Adopts `agents`, in the order of their paths, and the rules and servers of `own` into a factory of which
/// `existing` is there. The same input gives the same texts, and what was adopted is not adopted again.
pub fn adopt(agents: &[AgentFile], own: &Own, existing: &Existing) -> Adoption {
    let mut adoption = Adoption::default();
    let mut findings = Findings::default();
    let mut rules = None;
    for file in &own.settings {
        let source = adoption.sources.add(&file.path, file.text.as_str());
        adoption.settings.read(source, &mut findings);
        rules.get_or_insert(source.span_at(0, 1));
    }
    if let Some((why, span)) = own.unfit.as_ref().zip(rules) {
        adoption.settings.leave(why, span, &mut findings);
    }
    adoption.settings.name(&existing.profiles);
    let servers = own.servers.as_ref().map(|(path, text)| {
        let source = adoption.sources.add(path, text.as_str());
        servers::read(source, &existing.servers, &mut findings)
    });
    let mut work = Work {
        existing,
        names: existing.roles.clone(),
        models: existing.models.clone(),
        model_names: existing.model_names.clone(),
        new_models: Vec::new(),
        prompts: existing.prompts.clone(),
        roles: Vec::new(),
        files: Vec::new(),
        everything: Vec::new(),
        unknown: Vec::new(),
        bare: Vec::new(),
        servers: servers.unwrap_or_default(),
        adoption,
        findings,
    };
    // The client takes the last of a name.
    let mut last: BTreeMap<String, &str> = BTreeMap::new();
    let loaded = |file: &&AgentFile| file.kept.as_ref().is_none_or(|kept| kept.is_loaded);
    for file in agents.iter().filter(loaded) {
        if let Ok(parts) = read(&file.text)
            && parts.is_loaded()
            && let Some(name) = parts.text("name")
        {
            last.insert(name.to_owned(), &file.path);
        }
    }
    for file in agents.iter().filter(|file| file.wanted) {
        let fate = work.file(file, &last);
        work.adoption.reports.push(Report {
            path: file.path.clone(),
            fate,
        });
    }
    work.finish()
}

struct Work<'a> {
    existing: &'a Existing,
    names: BTreeSet<String>,
    models: BTreeMap<String, String>,
    model_names: BTreeSet<String>,
    new_models: Vec<(String, String)>,
    prompts: BTreeMap<String, String>,
    roles: Vec<NewRole>,
    files: Vec<(String, String)>,
    everything: Vec<(String, Span)>,
    unknown: Vec<(String, Span)>,
    bare: Vec<(String, Span)>,
    servers: Servers,
    adoption: Adoption,
    findings: Findings,
}

impl Work<'_> {
    fn file(&mut self, file: &AgentFile, last: &BTreeMap<String, &str>) -> Fate {
        if let Some(role) = self.existing.agents.get(&file.path) {
            return Fate::Known { role: role.clone() };
        }
        let left = |why: &str| Fate::Left {
            why: why.to_owned(),
        };
        if let Some(Kept { why, is_loaded }) = &file.kept {
            let span = self.adoption.sources.add(&file.path, "").span().into();
            let (why, help) = (why.clone(), "mend it, and adopt again".to_owned());
            let fate = left(&why);
            self.findings.add(if *is_loaded {
                Doubt::NotAdopted { why, help, span }
            } else {
                Doubt::NotLoaded { why, help, span }
            });
            return fate;
        }
        let text = &file.text;
        let source = self.adoption.sources.add(&file.path, text.as_str()).clone();
        let first = text.lines().next().map_or(0, str::len);
        let parts = match read(text) {
            Ok(parts) => parts,
            Err(Unread::NoFrontMatter) => {
                self.bare
                    .push((file.path.clone(), source.span_at(0, first)));
                return left("no front matter, so it is no agent to the client either");
            }
            Err(Unread::NoYaml { why, crlf }) => {
                let help = if crlf {
                    "its line ends are those of Windows, and the client does not mend such a file: save it with plain ones"
                } else {
                    "put the value in double quotes, or indent what follows its first line"
                };
                self.findings.add(Doubt::NotLoaded {
                    why: format!("its front matter is no YAML ({why})"),
                    help: help.to_owned(),
                    span: source.span_at(0, first).into(),
                });
                return left("its front matter is no YAML, and the client does not load it");
            }
        };
        if !parts.is_loaded() {
            let (why, span) = unloaded(&parts, &source);
            self.findings.add(Doubt::NotLoaded {
                why: why.to_owned(),
                help: "mend it, and adopt again; or leave it, if it is no agent".to_owned(),
                span: span.into(),
            });
            return left(&format!("the client does not load it: {why}"));
        }
        let name = parts.text("name").unwrap_or_default().to_owned();
        if let Some(other) = last.get(&name).filter(|other| **other != file.path) {
            let place = parts
                .field("name")
                .map_or((0, 0), |found| (found.start, found.len));
            self.findings.add(Doubt::Shadowed {
                name: name.clone(),
                other: (*other).to_owned(),
                span: source.span_at(place.0, place.1).into(),
            });
            return left(&format!(
                "`{other}` has the same name, and the client takes that one"
            ));
        }
        let seen = look(&parts, &source, &mut self.findings);
        let place = parts
            .field("name")
            .map_or((0, 0), |found| (found.start, found.len));
        if seen.everything {
            self.everything
                .push((name.clone(), source.span_at(place.0, place.1)));
        }
        self.unknown.extend(seen.unknown);
        let role = self.role(file, &parts, name, seen.everything);
        Fate::Adopted { role }
    }

    fn role(
        &mut self,
        file: &AgentFile,
        parts: &AgentText<'_>,
        client_name: String,
        everything: bool,
    ) -> String {
        let stem = file.path.rsplit('/').next().unwrap_or(&file.path);
        let near = name_of(&client_name)
            .or_else(|| name_of(stem.trim_end_matches(".md")))
            .unwrap_or_else(|| "agent".to_owned());
        let name = free(&near, &mut self.names);
        let tools = parts.field("tools").map(|found| found.field.value.words());
        let gone = parts
            .field("disallowedTools")
            .map(|found| found.field.value.words());
        let has = |tool: &str| {
            let named = |words: &Vec<String>| {
                words
                    .iter()
                    .any(|word| word.split('(').next() == Some(tool))
            };
            (everything || tools.as_ref().is_some_and(named)) && !gone.as_ref().is_some_and(named)
        };
        let profiles = self.adoption.settings.profiles(has);
        let id = match parts.field("model").map(|found| &found.field.value) {
            Some(Value::Text(id) | Value::Plain(id)) if !id.trim().is_empty() => id.clone(),
            _ => "inherit".to_owned(),
        };
        let prompt = self.prompt(&name, parts.body);
        let model = self.model(&id);
        self.roles.push(NewRole {
            client_name,
            description: parts.text("description").unwrap_or_default().to_owned(),
            model: (model, id),
            prompt,
            agent: file.path.clone(),
            head: Head::of(parts),
            profiles,
            observe: self.existing.spec.is_some(),
            name: name.clone(),
        });
        name
    }

    // The path of the prompt: the first that is free, or holds the same text.
    fn prompt(&mut self, name: &str, body: &str) -> String {
        let mut number = 1;
        loop {
            let path = match number {
                1 => format!("roles/{name}.md"),
                number => format!("roles/{name}-{number}.md"),
            };
            match self.prompts.get(&path) {
                Some(text) if text == body => return path,
                Some(_) => number += 1,
                None => {
                    self.prompts.insert(path.clone(), body.to_owned());
                    self.files.push((path.clone(), body.to_owned()));
                    return path;
                }
            }
        }
    }

    fn model(&mut self, id: &str) -> String {
        if let Some(name) = self.models.get(id) {
            return name.clone();
        }
        let near = name_of(id).unwrap_or_else(|| "model".to_owned());
        let name = free(&near, &mut self.model_names);
        self.models.insert(id.to_owned(), name.clone());
        self.new_models.push((name.clone(), id.to_owned()));
        name
    }

    fn finish(mut self) -> Adoption {
        self.summaries();
        let mut adoption = self.adoption;
        adoption.findings = self.findings.sorted().worst_first(&Doubt::FIRST);
        let used: BTreeSet<&str> = self
            .roles
            .iter()
            .flat_map(|role| role.profiles.iter().map(String::as_str))
            .collect();
        let rules = adoption.settings.to_kdl(&self.existing.declared, &used);
        let is_new = !rules.is_empty() || !self.servers.kdl.is_empty();
        adoption.servers = self.servers.reports;
        if self.roles.is_empty() && (!is_new || self.existing.spec.is_none()) {
            return adoption;
        }
        let mut text = match &self.existing.spec {
            Some(spec) => {
                let end = if spec.ends_with('\n') || spec.is_empty() {
                    ""
                } else {
                    "\n"
                };
                format!("{spec}{end}\n")
            }
            None => {
                format!(
                    "factory {} spec=1 {{\n    target \"claude-code\"\n    \
                     // Everything passes and is taken down; `factory refusals` offers grants, and `enforce` is next.\n    \
                     guard \"observe\"\n}}\n\n",
                    quoted(&self.existing.name)
                )
            }
        };
        for (name, id) in &self.new_models {
            text.push_str(&format!("model {} id={}\n", quoted(name), quoted(id)));
        }
        if !self.new_models.is_empty() {
            text.push('\n');
        }
        if !rules.is_empty() {
            text.push_str("// What the client's settings allow and deny to everyone.\n");
            text.push_str(&rules);
            text.push('\n');
        }
        if !self.servers.kdl.is_empty() {
            text.push_str("// The servers of .mcp.json, whose entries stay as they are.\n");
            text.push_str(&self.servers.kdl);
            text.push('\n');
        }
        let roles: Vec<_> = self.roles.iter().map(NewRole::to_kdl).collect();
        text.push_str(&roles.join("\n"));
        adoption.files = self.files;
        adoption.files.push((SPEC.to_owned(), text));
        adoption
    }

    // One finding for what is true of many.
    fn summaries(&mut self) {
        let shown = |names: &[(String, Span)]| {
            let mut list: Vec<String> = Vec::new();
            for (name, _) in names {
                let name = format!("`{name}`");
                if !list.contains(&name) {
                    list.push(name);
                }
            }
            let more = list.len().saturating_sub(SHOWN);
            list.truncate(SHOWN);
            if more > 0 {
                list.push(format!("and {more} more"));
            }
            list.join(", ")
        };
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        if let Some((_, span)) = self.everything.first() {
            self.findings.add(Doubt::Everything {
                count: count(self.everything.len(), "agent"),
                names: shown(&self.everything),
                span: (*span).into(),
            });
        }
        if let Some((_, span)) = self.bare.first() {
            self.findings.add(Doubt::NoFrontMatter {
                count: count(self.bare.len(), "file"),
                names: shown(&self.bare),
                span: (*span).into(),
            });
        }
        if let Some((_, span)) = self.unknown.first() {
            self.findings.add(Doubt::UnknownFields {
                count: count(self.unknown.len(), "field"),
                names: shown(&self.unknown),
                span: (*span).into(),
            });
        }
    }
}

// Why the client does not load what it could read, and where.
fn unloaded(parts: &AgentText<'_>, source: &crate::diagnostics::Source) -> (&'static str, Span) {
    let at = |key: &str| {
        let found = parts.field(key);
        let (start, len) = found.map_or((0, 3), |found| (found.start, found.len));
        source.span_at(start, len)
    };
    let empty = |key: &str| parts.text(key).is_none_or(str::is_empty);
    if parts.field("name").is_none() {
        ("it has no `name`", at(""))
    } else if empty("name") {
        ("its `name` is no text", at("name"))
    } else if parts.field("description").is_none() {
        ("it has no `description`", at(""))
    } else if empty("description") {
        (
            "its `description` is no text, or an empty one",
            at("description"),
        )
    } else if !parts.hooks_are_a_mapping() {
        ("its `hooks` are no mapping", at("hooks"))
    } else if parts.text("name").is_some_and(|name| name.contains(':')) {
        ("its `name` has a colon in it", at("name"))
    } else if parts.text("name").is_some_and(|name| name.starts_with('-')) {
        ("its `name` begins with a dash", at("name"))
    } else {
        ("its `name` is longer than 256 letters", at("name"))
    }
}
