//! `factory explain`

use std::io::Write;

use super::{Context, ExitStatus};
use crate::{
    boundary::{StandardSet, standard, standard_names},
    check::{short_stories, stories},
    spec::{grammar, nearest},
};

/// Explain a node of the language or the code of a finding
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A node such as `gate`, a code such as `factory::role::ungated-write`, or a set of commands that every spec
    /// can name, such as `@std/inspect`; without it, all nodes
    #[arg(value_name = "NODE|CODE|SET")]
    what: Option<String>,
}

pub(super) fn run(
    args: &Args,
    _context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let Some(what) = &args.what else {
        super::print(out, &grammar::language())?;
        super::print(out, "\n## Findings with a story\n\n")?;
        for (code, _) in all() {
            super::print(out, &format!("- `{code}`\n"))?;
        }
        return Ok(ExitStatus::Success);
    };
    // A code can be given by its last part, as people read it out.
    let suffix = format!("::{what}");
    if let Some((_, story)) = all().find(|(code, _)| code == what || code.ends_with(&suffix)) {
        super::print(out, &format!("{}\n", story.trim_end()))?;
        return Ok(ExitStatus::Success);
    }
    if let Some(set) = standard(what) {
        super::print(out, &members(set))?;
        return Ok(ExitStatus::Success);
    }
    let text = grammar::node(what);
    if text.is_empty() {
        let mut names = Vec::new();
        grammar::ROOT.walk(&mut |_, def| names.push(def.name));
        names.extend(all().filter_map(|(code, _)| code.rsplit("::").next()));
        names.extend(standard_names());
        let help = nearest(what, names).map_or_else(
            || "`factory explain` lists all nodes".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(miette::miette!(help = help, "nothing is called `{what}`"));
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

// Every code with its story, those of lints and proofs first.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    stories().chain(short_stories())
}

fn members(set: &StandardSet) -> String {
    let mut text = format!("# {}\n\n", set.name);
    for command in set.commands {
        text.push_str(&format!("- `{}`", command.pattern));
        let except: Vec<_> = command
            .except
            .iter()
            .map(|except| format!("`{except}`"))
            .collect();
        if !except.is_empty() {
            text.push_str(&format!(", but not {}", except.join(", ")));
        }
        text.push('\n');
    }
    text
}
