//! `factory templates`

use std::{fmt::Write as _, io::Write};

use super::{Context, ExitStatus, check, compile};
use crate::spec::nearest;

/// List the templates, where each comes from, and what it is given
///
/// With a name, prints that template, to be changed as a file of the same name below `templates/`:
/// factory templates prompt/gates.md.hbs > templates/prompt/gates.md.hbs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Template to print
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let composer = compile::composer(context, &checked, &sources)?;
    let engine = composer.engine();
    if let Some(name) = &args.name {
        let name = name.strip_prefix("templates/").unwrap_or(name);
        let Some(text) = engine.text(name) else {
            let help = nearest(name, engine.names().map(|(known, _)| known)).map_or_else(
                || "`factory templates` lists all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(miette::miette!(help = help, "no template called `{name}`"));
        };
        super::print(out, text)?;
        return Ok(ExitStatus::Success);
    }
    let mut text = String::new();
    for (name, is_own) in engine.names() {
        let origin = if is_own {
            format!("templates/{name}")
        } else {
            "comes with factory".to_owned()
        };
        let _ = writeln!(text, "{name}  ({origin})");
        let mut line = String::from("   ");
        for variable in composer.variables(name) {
            if line.len() + variable.len() + 1 > context.width {
                let _ = writeln!(text, "{line}");
                line = String::from("   ");
            }
            line.push(' ');
            line.push_str(&variable);
        }
        let _ = writeln!(text, "{line}");
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}
