//! Checked factory → everything that the compiler makes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    panic::resume_unwind,
    path::Path,
    thread,
};

use super::{Context, count};
use crate::{
    cache::Digest,
    check::Checked,
    client::target as target_of,
    diagnostics::{Findings, Level, Sources},
    document::{Folder, Without},
    emit::{
        self, Artifacts, Composer, Fact, Known, Prompt, claude_code, render, snapshot, text_at,
    },
    model::{Model, SectionFrom, StepId, Task, Work},
    plan::{Compiled, Output, Plan},
};

/// What the compiler made of a factory.
pub(super) struct Built {
    /// The files, but for the lock.
    pub(super) artifacts: Artifacts,
    /// What the lock is made from, beside the factory.
    pub(super) compiled: Compiled,
    /// The prompts that agent files are made from, by the path of the file.
    pub(super) made_from: BTreeMap<String, Vec<String>>,
}

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

/// Returns what makes the texts of the factory.
pub(super) fn composer<'a>(
    context: &Context,
    checked: &'a Checked,
    sources: &'a Sources,
) -> miette::Result<Composer<'a>> {
    Composer::new(checked, sources).map_err(|findings| refuse(context, &findings, sources))
}

/// Returns what the agent of a step is asked.
pub(super) fn brief(
    context: &Context,
    checked: &Checked,
    sources: &Sources,
    task: &Task,
    step: StepId,
) -> miette::Result<Option<String>> {
    let composer = composer(context, checked, sources)?;
    composer.brief(task, step).map_err(|fault| {
        let mut findings = Findings::default();
        findings.add(fault);
        refuse(context, &findings, sources)
    })
}

/// A document that can't be written where the spec wants it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{reason}")]
#[diagnostic(
    code("factory::emit::document"),
    help("name a text file of the project, or a path where nothing stands")
)]
struct DocumentError {
    reason: String,
    #[label("sections can't be kept there")]
    span: miette::SourceSpan,
}

/// A file that a step is to read first, and that nobody can have written by then.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("no file called `{path}`, and no role may write it")]
#[diagnostic(
    severity(Warning),
    code("factory::task::missing-file"),
    help("correct the path, which is relative to the root of the project, or take it away")
)]
struct MissingFile {
    path: String,
    #[label("to be read first")]
    span: miette::SourceSpan,
}

// The files that steps are to read first and that are not there. What a role may write may come to be,
// and so may what build writes.
fn missing_files(context: &Context, model: &Model, findings: &mut Findings) {
    let steps = model.tasks.iter().flat_map(|task| &task.steps);
    for step in steps {
        let Work::Agent { read_first, .. } = &step.work else {
            continue;
        };
        for path in read_first {
            let mut documents = model.documents.iter();
            let mut roles = model.roles.iter();
            let may_come = documents.any(|document| document.path.value == path.value)
                || roles.any(|role| role.bounds.boundary.write.permits(&path.value));
            if !may_come && !context.root.join(&path.value).exists() {
                findings.add(MissingFile {
                    path: path.value.clone(),
                    span: path.span.into(),
                });
            }
        }
    }
}

/// Returns why the factory can't be compiled here: templates that ask for what they are not given,
/// sections that can't be made, documents that can't be written; and which files are missed. Nothing is written.
pub(super) fn faults(context: &Context, checked: &Checked, sources: &Sources) -> Findings {
    let mut findings = Findings::default();
    missing_files(context, checked.model(), &mut findings);
    for document in &checked.model().documents {
        let path = &document.path.value;
        if let Err(reason) = text_at(&context.root, path) {
            findings.add(DocumentError {
                // Some reasons name the path by themselves.
                reason: if reason.starts_with('`') {
                    reason
                } else {
                    format!("`{path}` {reason}")
                },
                span: document.path.span.into(),
            });
        }
    }
    let composer = match Composer::new(checked, sources) {
        Ok(composer) => composer,
        Err(faults) => {
            findings.append(faults);
            return findings;
        }
    };
    // Each kind of text has faults of its own, and all of them are told at once. The templates that come
    // with the program have none, whatever the roles are.
    let mut prompts = Vec::new();
    if composer.engine().names().any(|(_, own)| own) {
        match composer.prompts() {
            Ok(composed) => prompts = composed,
            Err(faults) => findings.append(faults),
        }
        if let Err(faults) = texts(&composer, checked) {
            findings.append(faults);
        }
    }
    let files = Folder::new(&context.root);
    findings.append(emit::faults(&composer, &prompts, &files));
    findings
}

/// The texts of a factory, which are the same wherever they are written.
pub(super) struct Composed<'a> {
    composer: Composer<'a>,
    prompts: Vec<Prompt>,
    texts: Compiled,
}

/// Returns the texts of the factory, or why they can't be made.
pub(super) fn compose<'a>(
    checked: &'a Checked,
    sources: &'a Sources,
) -> Result<Composed<'a>, Findings> {
    let composer = Composer::new(checked, sources)?;
    let (texts, prompts) = both(|| texts(&composer, checked), || composer.prompts());
    let (prompts, texts) = (prompts?, texts?);
    Ok(Composed {
        composer,
        prompts,
        texts,
    })
}

/// Does both at the same time, or one after the other where no thread is to be had.
pub(super) fn both<A: Send, B>(one: impl Fn() -> A + Sync, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, &one);
        let other = other();
        match beside.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(one)) => (one, other),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => (one(), other),
        }
    })
}

/// Where what the compiler makes is to stand.
pub(super) struct Target<'a> {
    /// The folder.
    pub(super) root: &'a Path,
    /// What the last build wrote there.
    pub(super) known: &'a Known,
    /// The paths of files that are there now and will not be.
    pub(super) gone: &'a BTreeSet<String>,
}

/// Returns all that the compiler makes of the factory.
///
/// # Errors
///
/// Where a section can't be made.
pub(super) fn build(
    context: &Context,
    checked: &Checked,
    composed: &Composed<'_>,
    target: &Target<'_>,
) -> Result<Built, Findings> {
    let Composed {
        composer,
        prompts,
        texts,
    } = composed;
    let mut unlisted = target.gone.clone();
    unlisted.insert(Plan::LOCK.to_owned());
    unlisted.extend(prompts.iter().map(|prompt| snapshot::path(&prompt.role)));
    let files = Without::new(Folder::new(&context.root), unlisted);
    let artifacts = render(composer, prompts, &files)?;
    let mut compiled = texts.clone();
    let mut made_from = BTreeMap::new();
    for prompt in prompts {
        let written = prompt.parts.iter().filter(|part| part.line.is_some());
        let sources = written.map(|part| part.source.clone()).collect();
        let role = &prompt.role;
        made_from.insert(claude_code::path(role), sources);
        compiled
            .snapshots
            .insert(role.clone(), snapshot::path(role));
        compiled
            .prompts
            .insert(role.clone(), Digest::of(&prompt.text));
    }
    let model = checked.model();
    for (id, role) in model.roles() {
        compiled
            .tools
            .insert(role.name.value.clone(), claude_code::tools(model, id));
    }
    for target in &model.targets {
        if let Some(known) = target_of(&target.value)
            && !known.versions.is_empty()
        {
            let versions = known.versions.to_owned();
            compiled.clients.insert(known.name.to_owned(), versions);
        }
    }
    let found = target.known.found_below(target.root, &artifacts);
    compiled.outputs = outputs(artifacts.facts(&found));
    Ok(Built {
        artifacts,
        compiled,
        made_from,
    })
}

// The briefs, and the sections that templates make.
fn texts(composer: &Composer<'_>, checked: &Checked) -> Result<Compiled, Findings> {
    let mut compiled = Compiled::default();
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

fn outputs(facts: BTreeMap<String, Fact>) -> BTreeMap<String, Output> {
    let output = |fact| match fact {
        Fact::File { sha256 } => Output::File { sha256 },
        Fact::Entries {
            sha256,
            entries,
            found,
        } => Output::Entries {
            sha256,
            entries,
            found,
        },
        Fact::Sections { titles, found } => Output::Sections { titles, found },
    };
    facts
        .into_iter()
        .map(|(path, fact)| (path, output(fact)))
        .collect()
}

/// Returns what a lock says of what was written with it.
pub(super) fn facts(outputs: BTreeMap<String, Output>) -> BTreeMap<String, Fact> {
    let fact = |output| match output {
        Output::File { sha256 } => Fact::File { sha256 },
        Output::Entries {
            sha256,
            entries,
            found,
        } => Fact::Entries {
            sha256,
            entries,
            found,
        },
        Output::Sections { titles, found } => Fact::Sections { titles, found },
    };
    outputs
        .into_iter()
        .map(|(path, output)| (path, fact(output)))
        .collect()
}

/// Shows findings of templates and sections, and returns the error that ends the command.
pub(super) fn refuse(context: &Context, findings: &Findings, sources: &Sources) -> miette::Report {
    let text = context.human(findings, sources, context.colour_err);
    let _ = std::io::stderr().write_all(text.as_bytes());
    miette::miette!(
        help = "nothing was written",
        "the spec can't be compiled: {}",
        count(findings.count(Level::Error), "error")
    )
}
