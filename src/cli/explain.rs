//! `factory explain`

use std::io::Write;

use super::{Context, ExitStatus};
use crate::{
    check::stories,
    spec::{grammar, nearest},
};

/// Explain a node of the language or the code of a finding
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A node such as `gate`, or a code such as `factory::role::ungated-write`; without it, all nodes
    #[arg(value_name = "NODE|CODE")]
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
        for (code, _) in stories() {
            super::print(out, &format!("- `{code}`\n"))?;
        }
        return Ok(ExitStatus::Success);
    };
    // A code can be given by its last part, as people read it out.
    let suffix = format!("::{what}");
    if let Some((_, story)) = stories().find(|(code, _)| code == what || code.ends_with(&suffix)) {
        super::print(out, story)?;
        return Ok(ExitStatus::Success);
    }
    let text = grammar::node(what);
    if text.is_empty() {
        let mut names = Vec::new();
        grammar::ROOT.walk(&mut |_, def| names.push(def.name));
        names.extend(stories().filter_map(|(code, _)| code.rsplit("::").next()));
        let help = nearest(what, names).map_or_else(
            || "`factory explain` lists all nodes".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(miette::miette!(help = help, "nothing is called `{what}`"));
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}
