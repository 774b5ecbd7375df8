//! `factory prompt`

use std::{fmt::Write as _, io::Write};

use super::{Context, ExitStatus, check, compile};
use crate::spec::nearest;

/// Print the compiled prompt of a role, as the client gets it
///
/// With `--parts`, says instead how large it is and which file each part comes from.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role
    #[arg(value_name = "ROLE")]
    role: String,

    /// Say where each part comes from, and how large it is
    #[arg(long)]
    parts: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let prompts = compile::prompts(context, &checked, &sources)?;
    let Some(prompt) = prompts.iter().find(|prompt| prompt.role == args.role) else {
        let names: Vec<_> = prompts.iter().map(|prompt| prompt.role.as_str()).collect();
        let help = nearest(&args.role, names.iter().copied()).map_or_else(
            || format!("there is {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(miette::miette!(
            help = help,
            "no role called `{}`",
            args.role
        ));
    };
    if !args.parts {
        super::print(out, &prompt.text)?;
        return Ok(ExitStatus::Success);
    }
    let mut text = String::new();
    for part in &prompt.parts {
        let _ = writeln!(text, "{:>7}  {}", part.range.len(), part.source);
    }
    // Four bytes a token is what English prose comes to, near enough to compare prompts.
    let _ = writeln!(
        text,
        "{:>7}  bytes in all, about {} tokens at 4 bytes each",
        prompt.text.len(),
        prompt.text.len().div_ceil(4)
    );
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}
