//! Compiles templates when they are first used, and renders them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy as _, Output, RenderContext,
    RenderError, RenderErrorReason, Renderable as _, Template, TemplateError, no_escape,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    TemplateFault,
    fault::near,
    scan::{Fault, Tag, tags},
    shipped::{shipped, shipped_names},
};

/// The helpers that a template can call.
const HELPERS: &[&str] = &[
    "if", "unless", "each", "with", "lookup", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or",
    "not", "len",
];

/// What templates are filled with.
#[derive(Debug)]
pub struct Data(Context);

impl Data {
    /// Returns what `value` is as JSON: once for all templates that are given the same.
    ///
    /// A value that JSON has no form for is as good as none: a template finds nothing of it.
    pub fn of(value: &impl Serialize) -> Self {
        Self(Context::wraps(value).unwrap_or_else(|_| Context::null()))
    }
}

/// All templates of a project: its own, and the shipped ones that it does not replace. Threads may share it.
#[derive(Debug)]
pub struct Engine {
    texts: BTreeMap<String, Cow<'static, str>>,
    compiled: RwLock<Handlebars<'static>>,
}

impl Engine {
    /// Returns the engine for a project whose own templates are `overrides`, by name below its
    /// `templates/`.
    ///
    /// # Errors
    ///
    /// Where templates of the project can't be compiled: all that is wrong with any of them.
    pub fn new(overrides: &BTreeMap<String, String>) -> Result<Self, Vec<TemplateFault>> {
        let mut texts: BTreeMap<String, Cow<'static, str>> = BTreeMap::new();
        for name in shipped_names() {
            texts.insert(
                name.to_owned(),
                Cow::Borrowed(shipped(name).unwrap_or_default()),
            );
        }
        let mut changed = Vec::new();
        for (name, text) in overrides {
            // Line ends are none of a prompt's words.
            let text = text.replace("\r\n", "\n");
            if shipped(name) != Some(text.as_str()) {
                changed.push(name);
                texts.insert(name.clone(), Cow::Owned(text));
            }
        }
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(no_escape);
        registry.register_helper("if", Box::new(Choice { positive: true }));
        registry.register_helper("unless", Box::new(Choice { positive: false }));
        registry.unregister_helper("log");
        let engine = Self {
            texts,
            compiled: RwLock::new(registry),
        };
        let mut faults = Vec::new();
        for name in changed {
            if let Err(fault) = engine.compile(name, &mut Vec::new()) {
                faults.push(fault);
            }
        }
        faults.sort_by(|a, b| (&a.template, a.offset).cmp(&(&b.template, b.offset)));
        faults.dedup();
        if faults.is_empty() {
            Ok(engine)
        } else {
            Err(faults)
        }
    }

    /// Returns the text of the template called `name`, the project's before the shipped one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(AsRef::as_ref)
    }

    /// Returns the names of all templates, in order, each with whether the project changed it.
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.texts
            .iter()
            .map(|(name, text)| (name.as_str(), matches!(text, Cow::Owned(_))))
    }

    /// Returns the template called `name` filled with `data`.
    ///
    /// # Errors
    ///
    /// Where the template, or one that it puts in, can't be compiled, or asks for something that
    /// `data` does not have.
    pub fn render(&self, name: &str, data: &Data) -> Result<String, TemplateFault> {
        self.compile(name, &mut Vec::new())?;
        let Data(context) = data;
        self.compiled()
            .render_with_context(name, context)
            .map_err(|error| self.unrendered(name, &error, context.data()))
    }

    // A thread that ends in a panic has not left a template half in place.
    fn compiled(&self) -> RwLockReadGuard<'_, Handlebars<'static>> {
        self.compiled.read().unwrap_or_else(PoisonError::into_inner)
    }

    // Compiles `name` and all that it puts in; `open` are the templates that led here.
    fn compile(&self, name: &str, open: &mut Vec<String>) -> Result<(), TemplateFault> {
        if self.compiled().has_template(name) {
            return Ok(());
        }
        let Some(text) = self.text(name) else {
            return Err(TemplateFault::new(
                name,
                "",
                0..0,
                format!("no template called `{name}`"),
                None,
            ));
        };
        let place =
            |(span, message, help): Fault| TemplateFault::new(name, text, span, message, help);
        let tags = tags(text).map_err(place)?;
        open.push(name.to_owned());
        for tag in &tags {
            let Some(partial) = tag.partial() else {
                continue;
            };
            if open.iter().any(|known| known == partial) {
                let circle = format!("{} → {partial}", open.join(" → "));
                return Err(place((
                    tag.span.clone(),
                    format!("templates put each other in: {circle}"),
                    None,
                )));
            }
            if partial == "@partial-block" {
                continue;
            }
            if self.text(partial).is_none() {
                let nearest = near(partial, self.texts.keys().map(String::as_str));
                let help = match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("write `templates/{partial}`"),
                };
                return Err(place((
                    tag.span.clone(),
                    format!("no template called `{partial}`"),
                    Some(help),
                )));
            }
            self.compile(partial, open)?;
        }
        open.pop();
        let template = Template::compile_with_name(text, name.to_owned())
            .map_err(|error| place(unparsed(text, &tags, &error)))?;
        let compiled = self.compiled.write();
        compiled
            .unwrap_or_else(PoisonError::into_inner)
            .register_template(name, template);
        Ok(())
    }

    // Says in a reader's words why nothing was rendered.
    fn unrendered(&self, name: &str, error: &RenderError, data: &Value) -> TemplateFault {
        let template = error.template_name.as_deref().unwrap_or(name);
        let text = self.text(template).unwrap_or_default();
        let at = offset(
            text,
            error.line_no.unwrap_or(1),
            error.column_no.unwrap_or(1),
        );
        let known = keys(data);
        let tags = tags(text).unwrap_or_default();
        let tag = tags.iter().find(|tag| tag.span.contains(&at));
        let (span, message, help) = match error.reason() {
            RenderErrorReason::MissingVariable(Some(path)) => unknown(text, tag, at, path, &known),
            RenderErrorReason::HelperNotFound(helper) => {
                let span = word(text, tag, helper).unwrap_or(at..at);
                let help = match near(helper, HELPERS.iter().copied()) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("there are {}", HELPERS.join(", ")),
                };
                (span, format!("no helper called `{helper}`"), Some(help))
            }
            reason => {
                // A helper that was given a variable that is not there speaks of its own parameter.
                let strange = tag.and_then(|tag| {
                    let words = tag.words(text).into_iter();
                    words.map(|(_, word)| word).find(|word| {
                        let last = word.rsplit(['.', '/']).next().unwrap_or(word);
                        last.starts_with(|c: char| c.is_alphabetic())
                            && !HELPERS.contains(word)
                            && !matches!(last, "true" | "false" | "null" | "this" | "as")
                            && !known.contains(last)
                    })
                });
                match strange {
                    Some(path) => unknown(text, tag, at, path, &known),
                    None => (
                        tag.map_or(at..at, |tag| tag.span.clone()),
                        reason.to_string(),
                        None,
                    ),
                }
            }
        };
        TemplateFault::new(template, text, span, message, help)
    }
}

fn unknown(
    text: &str,
    tag: Option<&Tag<'_>>,
    at: usize,
    path: &str,
    known: &BTreeSet<String>,
) -> Fault {
    let last = path.rsplit(['.', '/']).next().unwrap_or(path);
    let span = word(text, tag, path)
        .or_else(|| tag.map(|tag| tag.span.clone()))
        .unwrap_or(at..at);
    let help = match near(last, known.iter().map(String::as_str)) {
        Some(nearest) if nearest == last => {
            format!("`{last}` is known, but not here; `../{last}` is that of the block around")
        }
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "`factory templates` lists what each template is given".to_owned(),
    };
    (span, format!("no variable called `{path}`"), Some(help))
}

// Where `wanted` stands in the tag.
fn word(text: &str, tag: Option<&Tag<'_>>, wanted: &str) -> Option<Range<usize>> {
    let words = tag?.words(text);
    let (at, found) = words.into_iter().find(|(_, word)| *word == wanted)?;
    Some(at..at + found.len())
}

// What the parser did not read although the tags stand well.
fn unparsed(text: &str, tags: &[Tag<'_>], error: &TemplateError) -> Fault {
    let at = error
        .pos()
        .map_or(0, |(line, column)| offset(text, line, column));
    let tag = tags
        .iter()
        .find(|tag| tag.span.contains(&at) || tag.span.end == at);
    let message = match tag {
        Some(tag) => format!(
            "`{}` is no tag",
            text.get(tag.span.clone()).unwrap_or_default()
        ),
        None => "this can't be read as a template".to_owned(),
    };
    let help =
        "a tag is a variable, `#if`, `#each` or `#with` and a variable, or `> NAME` of a template";
    (
        tag.map_or(at..at, |tag| tag.span.clone()),
        message,
        Some(help.to_owned()),
    )
}

// The byte at a line and a column in characters, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(start..).unwrap_or_default();
    let within = rest
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(rest.len(), |(at, _)| at);
    start + within
}

// All names in `data`.
fn keys(data: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![data];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                found.extend(members.keys().cloned());
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

// `if` and `unless` of the crate take a missing variable for false, also in strict mode.
#[derive(Clone, Copy)]
struct Choice {
    positive: bool,
}

impl HelperDef for Choice {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name = if self.positive { "if" } else { "unless" };
        let value = helper
            .param(0)
            .ok_or(RenderErrorReason::ParamNotFoundForIndex(name, 0))?;
        if value.is_value_missing() {
            return Err(RenderError::strict_error(value.relative_path()));
        }
        let chosen = if value.value().is_truthy(false) == self.positive {
            helper.template()
        } else {
            helper.inverse()
        };
        chosen.map_or(Ok(()), |template| {
            template.render(registry, context, state, out)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn engine(overrides: &[(&str, &str)]) -> Result<Engine, Vec<TemplateFault>> {
        let own = overrides
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Engine::new(&own.collect())
    }

    fn told(faults: &[TemplateFault]) -> Vec<String> {
        let told = |fault: &TemplateFault| {
            let help = fault.help.as_deref().unwrap_or("-");
            format!(
                "{}:{}:{} {} ({help})",
                fault.template, fault.line, fault.column, fault.message
            )
        };
        faults.iter().map(told).collect()
    }

    #[test]
    fn what_data_does_not_have_is_a_fault_with_its_place() {
        let data =
            json!({ "role": { "name": "qa" }, "gates": [{ "title": "Smoke" }], "none": null });
        for (text, then) in [
            (
                "a\n  {{role.nam}}",
                "t:2:5 no variable called `role.nam` (did you mean `name`?)",
            ),
            (
                "{{#if gatess}}x{{/if}}",
                "t:1:7 no variable called `gatess` (did you mean `gates`?)",
            ),
            (
                "{{#unless gatess}}x{{/unless}}",
                "t:1:11 no variable called `gatess` (did you mean `gates`?)",
            ),
            (
                "{{#each gates}}{{tilte}}{{/each}}",
                "t:1:18 no variable called `tilte` (did you mean `title`?)",
            ),
            (
                "{{#each gates}}{{role}}{{/each}}",
                "t:1:18 no variable called `role` (`role` is known, but not here; `../role` is that of the block around)",
            ),
            (
                "{{#if (eq titel 1)}}x{{/if}}",
                "t:1:11 no variable called `titel` (did you mean `title`?)",
            ),
            (
                "{{iff none}}",
                "t:1:3 no helper called `iff` (did you mean `if`?)",
            ),
            (
                "ä {{> p.hbs}}",
                "p.hbs:1:6 no variable called `zzzz` (`factory templates` lists what each template is given)",
            ),
        ] {
            let engine = engine(&[("t", text), ("p.hbs", "in {{zzzz}}")]).unwrap();
            let fault = engine.render("t", &Data::of(&data)).unwrap_err();
            assert_eq!(told(std::slice::from_ref(&fault)), [then], "{text}");
            let at = engine
                .text(&fault.template)
                .unwrap()
                .get(fault.offset..fault.offset + fault.len)
                .unwrap();
            assert!(fault.message.contains(at), "{text}: {at}");
        }
    }

    #[test]
    fn a_changed_template_that_can_not_be_compiled_is_a_fault_at_once() {
        for (text, then) in [
            (
                "{{#if x}}",
                "t:1:1 the block `if` is not closed (end it with `{{/if}}`)",
            ),
            (
                "{{> promt.md.hbs}}",
                "t:1:1 no template called `promt.md.hbs` (did you mean `prompt.md.hbs`?)",
            ),
            (
                "{{> nothing/near}}",
                "t:1:1 no template called `nothing/near` (write `templates/nothing/near`)",
            ),
            ("{{> t}}", "t:1:1 templates put each other in: t → t (-)"),
            (
                "{{x y=}}",
                "t:1:1 `{{x y=}}` is no tag (a tag is a variable, `#if`, `#each` or `#with` and a variable, or `> NAME` of a template)",
            ),
        ] {
            assert_eq!(told(&engine(&[("t", text)]).unwrap_err()), [then], "{text}");
        }
        let circle = [("a", "{{> b}}"), ("b", "{{> a}}")];
        assert_eq!(told(&engine(&circle).unwrap_err()).len(), 2);
    }

    #[test]
    fn nothing_is_escaped_and_a_projects_template_stands_in() {
        let data = json!({ "x": "<a & \"b\">", "n": null, "list": ["1", "2"] });
        let own = [(
            "prompt.md.hbs",
            "{{x}} {{#if n}}no{{else}}yes{{/if}}\r\n{{#each list}}\r\n- {{this}}\r\n{{/each}}\r\n",
        )];
        let engine = engine(&own).unwrap();
        assert_eq!(
            engine.render("prompt.md.hbs", &Data::of(&data)).unwrap(),
            "<a & \"b\"> yes\n- 1\n- 2\n"
        );
        let changed: Vec<_> = engine.names().filter(|(_, own)| *own).collect();
        assert_eq!(changed, [("prompt.md.hbs", true)]);
    }

    #[test]
    fn every_shipped_template_compiles() {
        let engine = engine(&[]).unwrap();
        for name in shipped_names() {
            engine.compile(name, &mut Vec::new()).unwrap();
        }
    }
}
