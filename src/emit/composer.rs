//! Makes texts of a checked factory: prompts, briefs, and the sections that the spec decides.

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use miette::{Diagnostic, SourceSpan};
use serde_json::Value;

use super::{
    data::{BriefData, PromptData, SectionData},
    prompt::{Block, Part, Prompt},
};
use crate::{
    check::Checked,
    diagnostics::{Findings, Source, Sources},
    document::with_line_feeds,
    model::{Model, Role, RoleId, StepId},
    template::{Data, Engine, TemplateFault, shipped},
};

/// Where templates of the project stand.
const FOLDER: &str = "templates/";

/// Where in there those of sections do.
const SECTIONS: &str = "sections/";

// How many roles there must be for a thread to save more than it takes.
const WORTH_A_THREAD: usize = 64;

/// A template that can't be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code("factory::emit::template"))]
pub struct TemplateError {
    message: String,
    #[help]
    help: Option<String>,
    #[label("in this template")]
    span: Option<SourceSpan>,
}

/// The texts of one checked factory, made by its templates. Threads may share it.
///
/// Equal factories have equal texts, whatever the machine.
#[derive(Debug)]
pub struct Composer<'a> {
    model: &'a Model,
    sources: &'a Sources,
    engine: Engine,
    // What the templates of all sections are given.
    section: OnceLock<Data>,
    // The sections that have been made, by template: each is written, and kept in the lock.
    sections: Mutex<BTreeMap<String, String>>,
}

impl<'a> Composer<'a> {
    /// Returns the composer for a factory whose texts are in `sources`.
    ///
    /// # Errors
    ///
    /// Where a template of the project can't be compiled.
    pub fn new(checked: &'a Checked, sources: &'a Sources) -> Result<Self, Findings> {
        let model = checked.model();
        let mut overrides = BTreeMap::new();
        for path in &model.templates {
            if let (Some(name), Some(source)) = (path.strip_prefix(FOLDER), sources.get(path)) {
                overrides.insert(name.to_owned(), source.text().to_owned());
            }
        }
        match Engine::new(&overrides) {
            Ok(engine) => Ok(Self {
                model,
                sources,
                engine,
                section: OnceLock::new(),
                sections: Mutex::default(),
            }),
            Err(faults) => {
                let mut findings = Findings::default();
                for fault in faults {
                    findings.add(located(sources, &fault));
                }
                Err(findings)
            }
        }
    }

    /// Returns the templates.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) const fn model(&self) -> &'a Model {
        self.model
    }

    /// Returns the compiled prompt of the role.
    ///
    /// # Errors
    ///
    /// Where a template asks for something that it is not given.
    pub fn prompt(&self, id: RoleId) -> Result<Prompt, TemplateError> {
        let role = self.model.role(id);
        if role.verbatim {
            return Ok(self.own_text(role));
        }
        let data = PromptData::of(self.model, self.sources, id);
        let written = |path: &str| Block {
            source: path.to_owned(),
            text: self
                .sources
                .get(path)
                .map(Source::text)
                .unwrap_or_default()
                .to_owned(),
            written: true,
        };
        let given = Data::of(&data);
        let made = |name: &str, wanted: bool| -> Result<Block, TemplateError> {
            let template = format!("prompt/{name}.md.hbs");
            let text = if wanted {
                self.render(&template, &given)?
            } else {
                String::new()
            };
            Ok(Block {
                source: format!("{FOLDER}{template}"),
                text,
                written: false,
            })
        };
        let preamble = self
            .model
            .preamble
            .as_ref()
            .map(|path| written(&path.value));
        let blocks = [
            ("preamble", preamble.unwrap_or_default()),
            ("text", written(&role.prompt.value)),
            ("boundary", made("boundary", true)?),
            ("rules", made("rules", data.has_rules())?),
            ("gates", made("gates", data.has_gates())?),
            ("hand_over", made("hand-over", true)?),
            ("memory", made("memory", data.has_memory())?),
        ];
        let layout = "prompt.md.hbs";
        Prompt::compose(
            &role.name.value,
            &format!("{FOLDER}{layout}"),
            &blocks,
            |marks| self.render(layout, &Data::of(marks)),
        )
    }

    // The role's text as it stands in its file; line ends are git's to choose.
    fn own_text(&self, role: &Role) -> Prompt {
        let path = &role.prompt.value;
        let text = with_line_feeds(self.text_of(role));
        Prompt {
            role: role.name.value.clone(),
            text: text.clone().into_owned(),
            parts: vec![Part {
                source: path.clone(),
                range: 0..text.len(),
                line: Some(1),
            }],
        }
    }

    /// Returns the bytes of the role's own text.
    pub(super) fn text_of(&self, role: &Role) -> &'a str {
        let source = self.sources.get(&role.prompt.value);
        source.map(Source::text).unwrap_or_default()
    }

    /// Returns the compiled prompts of all roles, in the order of the spec.
    ///
    /// # Errors
    ///
    /// Where templates ask for something that they are not given; each such fault once.
    pub fn prompts(&self) -> Result<Vec<Prompt>, Findings> {
        let roles: Vec<RoleId> = self.model.roles().map(|(id, _)| id).collect();
        let (own, rest) = match roles.len() {
            0..WORTH_A_THREAD => (roles.as_slice(), [].as_slice()),
            many => roles.split_at(many / 2),
        };
        let work = |roles: &[RoleId]| -> Vec<Result<Prompt, TemplateError>> {
            roles.iter().map(|id| self.prompt(*id)).collect()
        };
        let made = thread::scope(|scope| {
            let other = || work(rest);
            let start = || thread::Builder::new().spawn_scoped(scope, other).ok();
            let other = (!rest.is_empty()).then(start).flatten();
            let mut made = work(own);
            match other.map(thread::ScopedJoinHandle::join) {
                Some(Ok(more)) => made.extend(more),
                Some(Err(panic)) => resume_unwind(panic),
                None => made.extend(work(rest)),
            }
            made
        });
        let mut prompts = Vec::new();
        let mut findings = Findings::default();
        for made in made {
            match made {
                Ok(prompt) => prompts.push(prompt),
                Err(fault) => findings.add(fault),
            }
        }
        if findings.is_empty() {
            Ok(prompts)
        } else {
            Err(findings.sorted())
        }
    }

    /// Returns what the agent of a step is asked, or nothing where no agent works in it.
    ///
    /// # Errors
    ///
    /// Where the template asks for something that it is not given.
    pub fn brief(
        &self,
        task: &crate::model::Task,
        step: StepId,
    ) -> Result<Option<String>, TemplateError> {
        let data = task
            .steps
            .get(step.0)
            .and_then(|step| BriefData::of(self.model, task, step));
        data.map(|data| self.render("brief.md.hbs", &Data::of(&data)))
            .transpose()
    }

    /// Returns the text of a managed section that the template called `name` makes, without its
    /// heading.
    ///
    /// # Errors
    ///
    /// Where the template asks for something that it is not given.
    pub fn section(&self, name: &str) -> Result<String, TemplateError> {
        let made = || self.sections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = made().get(name) {
            return Ok(text.clone());
        }
        let data = || Data::of(&SectionData::of(self.model));
        let text = self.render(name, self.section.get_or_init(data))?;
        made().insert(name.to_owned(), text.clone());
        Ok(text)
    }

    /// Returns whether the section of the template called `name` can be made, whatever the factory is: it came
    /// with the program, and so did all that it may put in.
    pub(super) fn is_certain(&self, name: &str) -> bool {
        let mut names = self.engine.names();
        name.starts_with(SECTIONS) && shipped(name).is_some() && !names.any(|(_, own)| own)
    }

    /// Returns the text that the template called `name` makes of one role, given what a prompt is.
    ///
    /// # Errors
    ///
    /// Where the template asks for something that it is not given.
    pub fn of_role(&self, name: &str, id: RoleId) -> Result<String, TemplateError> {
        let data = PromptData::of(self.model, self.sources, id);
        self.render(name, &Data::of(&data))
    }

    /// Returns the variables that the template called `name` is given: members with a `.`, those of a list's
    /// items with `[]`. Of what this factory has none of, the list alone.
    pub fn variables(&self, name: &str) -> Vec<String> {
        let value = if name == "prompt.md.hbs" {
            let blocks = [
                "preamble",
                "text",
                "boundary",
                "rules",
                "gates",
                "hand_over",
                "memory",
            ];
            return blocks.map(str::to_owned).to_vec();
        } else if name == "brief.md.hbs" {
            let mut steps = self
                .model
                .tasks
                .iter()
                .flat_map(|task| task.steps.iter().map(move |step| (task, step)));
            let data = steps.find_map(|(task, step)| BriefData::of(self.model, task, step));
            match data {
                Some(data) => serde_json::to_value(data),
                None => return ["factory", "task", "step"].map(str::to_owned).to_vec(),
            }
        } else if name.starts_with("prompt/") || name == "targets/agents-md/role.md.hbs" {
            let mut all = Value::Null;
            for (id, _) in self.model.roles() {
                let data = serde_json::to_value(PromptData::of(self.model, self.sources, id));
                fill(&mut all, data.unwrap_or_default());
            }
            Ok(all)
        } else {
            serde_json::to_value(SectionData::of(self.model))
        };
        let mut names = Vec::new();
        list_names(&value.unwrap_or_default(), "", &mut names);
        names
    }

    // The rendered text with one line end behind its last line.
    fn render(&self, name: &str, data: &Data) -> Result<String, TemplateError> {
        let text = self
            .engine
            .render(name, data)
            .map_err(|fault| located(self.sources, &fault))?;
        // A template may have the line ends of another system.
        let text = with_line_feeds(&text);
        Ok(format!("{}\n", text.trim_end()))
    }
}

// Puts into `all` what it does not know yet of `more`.
fn fill(all: &mut Value, more: Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (name, value) in more {
                fill(all.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(all), Value::Array(more)) if all.is_empty() => *all = more,
        (all @ Value::Null, more) => *all = more,
        _ => {}
    }
}

fn list_names(value: &Value, at: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                list_names(member, &name, names);
            }
        }
        Value::Array(items) => {
            let at = format!("{at}[]");
            match items.first() {
                Some(item) => list_names(item, &at, names),
                None => names.push(at),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            names.push(at.to_owned());
        }
    }
}

// The fault with its place in the project's template; a shipped one has none.
fn located(sources: &Sources, fault: &TemplateFault) -> TemplateError {
    let path = format!("{FOLDER}{}", fault.template);
    let span = sources.get(&path).map(|source| {
        // The engine reads a template without carriage returns.
        let crlf = source.text().contains("\r\n");
        let offset = if crlf {
            fault.offset + fault.line - 1
        } else {
            fault.offset
        };
        source.span_at(offset, fault.len).into()
    });
    let message = match span {
        Some(_) => fault.message.clone(),
        None => format!(
            "{} in the shipped template `{}`",
            fault.message, fault.template
        ),
    };
    TemplateError {
        message,
        help: fault.help.clone(),
        span,
    }
}

#[cfg(test)]
mod tests {
    use crate::{emit::fixture, template::shipped_names};

    #[test]
    fn a_prompt_has_its_parts_in_order_and_only_those_that_say_something() {
        let factory = fixture::aicpo();
        let prompts = factory.composer().prompts().unwrap();
        let headings = |role: &str| -> Vec<String> {
            let prompt = prompts.iter().find(|prompt| prompt.role == role).unwrap();
            let lines = prompt
                .text
                .lines()
                .filter_map(|line| line.strip_prefix("# "));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(
            headings("builder"),
            [
                "Ground rules",
                "The role of roles/builder.md",
                "Your boundary",
                "Rules that bind you",
                "Your gates",
                "The form of your answer",
                "Your memory",
            ]
        );
        let ceo = [
            "Ground rules",
            "The role of roles/ceo.md",
            "Your boundary",
            "Rules that bind you",
            "The form of your answer",
        ];
        assert_eq!(headings("ceo"), ceo);
    }

    #[test]
    fn every_byte_of_a_prompt_has_its_source() {
        let factory = fixture::aicpo();
        for prompt in factory.composer().prompts().unwrap() {
            let mut end = 0;
            for part in &prompt.parts {
                assert_eq!(part.range.start, end, "{part:?}");
                end = part.range.end;
            }
            assert_eq!(end, prompt.text.len());
            let role = prompt
                .text
                .find("Do it well.")
                .and_then(|at| prompt.source_of(at));
            let file = format!("roles/{}.md", prompt.role);
            assert_eq!(role, Some((file.as_str(), Some(3))));
        }
    }

    #[test]
    fn every_template_says_what_it_is_given() {
        let factory = fixture::aicpo();
        let composer = factory.composer();
        for (name, _) in composer.engine().names() {
            let variables = composer.variables(name);
            let text = composer.engine().text(name).unwrap();
            for variable in &variables {
                assert!(!variable.is_empty() && !variable.starts_with('.'), "{name}");
            }
            // What a shipped template uses at its outermost level is in its list.
            let used = text
                .split("{{")
                .skip(1)
                .filter_map(|tag| tag.split("}}").next())
                .filter_map(|tag| tag.split(' ').next_back())
                .filter(|word| {
                    word.contains('.') && !word.contains(['/', '@', '"']) && !word.contains(".hbs")
                });
            for word in used {
                let known = |variable: &String| {
                    variable == word
                        || variable.starts_with(&format!("{word}."))
                        || variable.starts_with(&format!("{word}["))
                        || variable.ends_with(&format!(".{word}"))
                        || variable.ends_with(&format!("[].{word}"))
                        || variable.contains(&format!("[].{word}."))
                };
                assert!(variables.iter().any(known), "{name}: {word}: {variables:?}");
            }
        }
    }

    #[test]
    fn what_is_certain_can_be_made_even_of_nothing() {
        let none = fixture::Factory::of("factory \"f\" spec=1\n", &[]);
        let full = fixture::aicpo();
        for name in shipped_names() {
            for composer in [none.composer(), full.composer()] {
                assert_eq!(composer.is_certain(name), name.starts_with("sections/"));
                assert!(
                    !composer.is_certain(name) || composer.section(name).is_ok(),
                    "{name}"
                );
            }
        }
        let own = (
            "templates/sections/roles.md.hbs",
            "{{#each roles}}{{nmae}}{{/each}}",
        );
        let text = "factory \"f\" spec=1\nmodel \"m\" id=\"m-1\"\nrole \"a\" model=\"m\" prompt=\"roles/a.md\" { title \"A\"; description \"Does a\"; }\n";
        let changed = fixture::Factory::of(text, &[own]);
        assert!(!changed.composer().is_certain("sections/roles.md.hbs"));
    }

    #[test]
    fn a_fault_is_shown_in_the_projects_template() {
        let text = "factory \"f\" spec=1\nmodel \"m\" id=\"m-1\"\nrole \"a\" model=\"m\" prompt=\"roles/a.md\" { title \"A\"; description \"Does a\"; }\n";
        let layout = "{{text}}\r\n\r\n{{bondary}}\r\n";
        let factory = fixture::Factory::of(text, &[("templates/prompt.md.hbs", layout)]);
        let found = factory.composer().prompts().unwrap_err();
        let finding = found.iter().next().unwrap();
        assert_eq!(factory.sources.text(finding.span), Some("bondary"));
        assert_eq!(finding.fault.to_string(), "no variable called `bondary`");
    }
}
