//! Checked factory → everything that the compiler makes of it.

use std::io::Write as _;

use super::{Context, count};
use crate::{
    check::Checked,
    diagnostics::{Findings, Sources},
    emit::{Composer, Prompt},
    model::{SectionFrom, StepId},
    plan::Compiled,
};

/// Returns the prompts of all roles, in the order of the spec.
pub(super) fn prompts(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
) -> miette::Result<Vec<Prompt>> {
    let composer = Composer::new(checked, sources);
    let prompts = composer.and_then(|composer| composer.prompts());
    prompts.map_err(|findings| refuse(context, &findings, sources))
}

/// Returns what the plan needs to know of the prompts, briefs, and sections of the factory.
pub(super) fn compile(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
) -> miette::Result<Compiled> {
    texts(checked, sources).map_err(|findings| refuse(context, &findings, sources))
}

fn texts(checked: &Checked, sources: &Sources) -> Result<Compiled, Findings> {
    let composer = Composer::new(checked, sources)?;
    let mut compiled = Compiled::default();
    for prompt in composer.prompts()? {
        compiled.prompts.insert(prompt.role.clone(), prompt.text);
    }
    let mut findings = Findings::default();
    for task in &checked.model().tasks {
        for (index, step) in task.steps.iter().enumerate() {
            match composer.brief(task, StepId(index)) {
                Ok(Some(brief)) => {
                    let key = (task.name.value.clone(), step.name.value.clone());
                    compiled.briefs.insert(key, brief);
                }
                Ok(None) => {}
                Err(fault) => findings.add(fault),
            }
        }
    }
    for document in &checked.model().documents {
        for section in &document.sections {
            let SectionFrom::Template(name) = &section.from else {
                continue;
            };
            match composer.section(&name.value) {
                Ok(text) => {
                    let key = (document.path.value.clone(), section.title.value.clone());
                    compiled.sections.insert(key, text);
                }
                Err(fault) => findings.add(fault),
            }
        }
    }
    if findings.is_empty() {
        Ok(compiled)
    } else {
        Err(findings.sorted())
    }
}

// Shows findings of templates, and returns the error that ends the command.
fn refuse(context: &Context, findings: &Findings, sources: &Sources) -> miette::Report {
    let text = context.human(findings, sources, context.colour_err);
    let _ = std::io::stderr().write_all(text.as_bytes());
    miette::miette!(
        help = "nothing was written",
        "the templates have {}",
        count(findings.count(crate::diagnostics::Level::Error), "error")
    )
}
