//! The lock and the accepted prompts, as they lie in the project.

use std::collections::BTreeMap;

use super::{Context, check};
use crate::{
    cache::Digest,
    diagnostics::Source,
    document::open_file,
    emit::{snapshot, text_at},
    model::Reserved,
    plan::{Input, LockError, Plan},
    spec,
};

/// A plan that may be carried out, and the accepted prompt of each role.
pub(super) struct Locked {
    pub(super) plan: Plan,
    pub(super) prompts: BTreeMap<String, String>,
}

/// Returns the plan of the lock; there is none where the project has no lock.
pub(super) fn read(context: &Context) -> miette::Result<Option<Plan>> {
    match text_at(&context.root, Plan::LOCK) {
        Ok(Some(text)) => Ok(Some(Plan::from_text(&text)?)),
        Ok(None) => Ok(None),
        Err(why) => Err(LockError::Unreadable {
            reason: format!("it {why}"),
        }
        .into()),
    }
}

/// Returns the plan of the lock where it is what the spec says now and somebody accepted its prompts.
pub(super) fn current(context: &Context) -> miette::Result<Locked> {
    let plan = read(context)?.ok_or_else(|| {
        miette::miette!(
            help = "`factory build` writes it",
            "there is no `{}` here",
            Plan::LOCK
        )
    })?;
    fresh(context, &plan)?;
    let mut prompts = BTreeMap::new();
    let mut unaccepted = Vec::new();
    for (name, role) in &plan.roles {
        let text = text_at(&context.root, &role.snapshot).ok().flatten();
        let accepted = text.and_then(|text| Some(snapshot::parse(&text)?.into_owned()));
        match accepted {
            Some(prompt) if Digest::of(&prompt) == role.prompt => {
                prompts.insert(name.clone(), prompt);
            }
            Some(_) | None => unaccepted.push(name.as_str()),
        }
    }
    if !unaccepted.is_empty() {
        return Err(miette::miette!(
            help = "`factory snap` shows what is new; `factory snap accept` accepts it",
            "nobody has accepted the prompt of {}",
            unaccepted.join(", ")
        ));
    }
    Ok(Locked { plan, prompts })
}

/// Returns the files that are no longer those which the lock was made from: changed, gone, or new.
pub(super) fn changed(context: &Context, plan: &Plan) -> Vec<String> {
    let is_other = |path: &str, input: &Input| {
        let file = open_file(&context.root.join(path));
        let text = file.and_then(std::io::read_to_string);
        text.map_or(true, |text| Input::of(&text) != *input)
    };
    let inputs = plan.inputs.iter();
    let mut changed: Vec<String> = inputs
        .filter(|(path, input)| is_other(path, input))
        .map(|(path, _)| path.clone())
        .collect();
    if changed.is_empty() && !has_new_files(context, plan) {
        return changed;
    }
    // What is new may be included. A spec that can't be read at all is among the changed.
    if let Ok(loaded) = spec::load(&context.root, check::SPEC) {
        let files = loaded.sources.files().iter().map(Source::path);
        let is_new = |path: &&str| {
            !plan.inputs.contains_key(*path) && !loaded.memories.iter().any(|known| known == path)
        };
        changed.extend(files.filter(is_new).map(str::to_owned));
    }
    changed
}

// Whether there is a file that a pattern of the unchanged spec gives, and that the lock was not made from.
fn has_new_files(context: &Context, plan: &Plan) -> bool {
    let protected = plan.protected.iter();
    let of_inputs = protected.filter(|(reserved, _)| *reserved == Reserved::Input);
    of_inputs
        .map(|(_, pattern)| pattern)
        .flat_map(|pattern| spec::files_of(&context.root, pattern))
        .any(|path| !plan.inputs.contains_key(&path))
}

// The lock was made from these very texts.
fn fresh(context: &Context, plan: &Plan) -> miette::Result<()> {
    let changed = changed(context, plan);
    if changed.is_empty() {
        return Ok(());
    }
    Err(miette::miette!(
        help = "`factory build` locks what the spec says now",
        "changed since the lock was written: {}",
        changed.join(", ")
    ))
}
