//! `factory grant`

use std::{collections::BTreeMap, fmt::Write as _, io::Write};

use super::{
    Context, ExitStatus,
    can::{Verb, role},
    check::{self, load_over},
    rewrite::{self, Rewrite},
};
use crate::{
    boundary::{Capability, TooComplex, is_opaque},
    diagnostics::{Findings, Level},
    model::Role,
    spec::granted,
};

/// Give a role a grant: edits the spec in place, and says what that opens
///
/// Comments and everything else stay as they are. A grant that the rules or lints forbid, or that opens
/// nothing, is not written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role
    role: String,

    /// Of what the grant is
    #[arg(value_enum)]
    capability: Verb,

    /// The pattern, or `@set`
    pattern: String,

    /// Show it, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let capability = args.capability.capability();
    if capability == Capability::Read {
        return Err(miette::miette!(
            help = "reading in the project is allowed unless a `never` takes it away: narrow that",
            "there is no grant to read"
        ));
    }
    let loaded = check::load_checked(context, check::SPEC)?;
    let before: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    let (checked, sources) = check::passed(context, loaded)?;
    let id = role(&checked, &args.role)?;
    let old = checked.model().role(id);
    let source = sources.of(old.span);
    let edited = source.and_then(|source| {
        let text = granted(source.text(), &args.role, capability.word(), &args.pattern)?;
        Some(Rewrite {
            path: source.path().to_owned(),
            before: source.text().to_owned(),
            after: text,
        })
    });
    let Some(rewrite) = edited else {
        return Err(miette::miette!(
            help = format!("add `may {{ {capability} \"…\"; }}` to the role by hand"),
            "the role `{}` is not written in a way that can be edited",
            args.role
        ));
    };
    let over = BTreeMap::from([(rewrite.path.clone(), rewrite.after.clone())]);
    let mut after = load_over(context, over)?;
    super::print(out, &rewrite.diff())?;
    after
        .findings
        .retain(|finding| !before.contains(&finding.to_string()));
    let news: Findings = std::mem::take(&mut after.findings);
    super::print(
        out,
        &context.human(&news, &after.sources, context.colour_out),
    )?;
    let Some(changed) = after.checked else {
        super::print(out, "nothing was written\n")?;
        return Ok(ExitStatus::Findings);
    };
    let new = changed.model().role(role(&changed, &args.role)?);
    let gives = new.bounds.boundary.beyond(&old.bounds.boundary, capability);
    let mut text = opens(&gives, old, new, capability);
    if gives == Ok(None) {
        text.push_str("nothing was written\n");
        super::print(out, &text)?;
        return Ok(ExitStatus::Findings);
    }
    if let Some(held) = changed.held(id).get(&capability) {
        let _ = writeln!(text, "held: {} in exec: {}", held.layer, held.by);
    }
    if news.count(Level::Warning) > 0 {
        text.push_str("read the warnings above before you build\n");
    }
    if args.dry_run {
        text.push_str("nothing was written\n");
    } else {
        rewrite::write(&context.root, std::slice::from_ref(&rewrite))?;
        let _ = writeln!(text, "wrote {}; `factory build` compiles it", rewrite.path);
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn opens(
    gives: &Result<Option<String>, TooComplex>,
    old: &Role,
    new: &Role,
    capability: Capability,
) -> String {
    let name = &new.name.value;
    let (before, after) = (&old.bounds.boundary, &new.bounds.boundary);
    let mut text = match gives {
        Ok(Some(thing)) => format!("opens: {name} may now {capability} `{thing}`, for one\n"),
        Ok(None) => format!("opens nothing: what {name} may {capability} stays the same\n"),
        Err(error) => format!("what it opens can't be said: {error}\n"),
    };
    let known = &before.run.may;
    for entry in &after.run.may {
        if capability == Capability::Run && !known.contains(entry) && is_opaque(&entry.pattern) {
            let _ = writeln!(
                text,
                "`{}` may do anything: nobody knows what it runs or writes",
                entry.pattern
            );
        }
    }
    text
}
