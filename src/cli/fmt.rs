//! `factory fmt`

use std::{
    fmt::Write as _,
    io::{Read as _, Write},
};

use super::{
    Context, ExitStatus,
    check::SPEC,
    count,
    rewrite::{self, Rewrite},
};
use crate::{
    guard::without_dots,
    spec::{self, FormatError, format, not_kdl},
};

/// Set the white space of the spec files
///
/// Indentation, blanks around braces, blank lines; what is aligned with the line above or below stays
/// so. Every comment, text, and number stays as written, and the meaning stays the same.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files to format; `-` reads standard input and writes standard output [default: all of the spec]
    #[arg(value_name = "FILE")]
    files: Vec<String>,

    /// Write nothing, show what would change, and fail where anything would
    #[arg(long)]
    check: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    if args.files == ["-"] {
        return standard_input(args, context, out);
    }
    let texts = texts(args, context)?;
    let (mut rewrites, mut said) = (Vec::new(), String::new());
    let mut broken = 0;
    for (path, before) in texts {
        match format(&before) {
            Ok(after) if after == before => {}
            Ok(after) => rewrites.push(Rewrite {
                path,
                before,
                after,
            }),
            Err(error @ (FormatError::NotKdl | FormatError::Changed)) => {
                broken += 1;
                said.push_str(&why(&path, &before, error, context));
                let _ = writeln!(said, "`{path}` is left as it is: {error}");
            }
        }
    }
    let _ = std::io::stderr().write_all(said.as_bytes());
    for rewrite in &rewrites {
        if args.check {
            super::print(out, &rewrite.diff())?;
        }
    }
    if !args.check {
        rewrite::write(&context.root, &rewrites)?;
        for rewrite in &rewrites {
            super::print(out, &format!("formatted {}\n", rewrite.path))?;
        }
    }
    if rewrites.is_empty() && broken == 0 {
        super::print(out, "nothing to do\n")?;
    } else if args.check && !rewrites.is_empty() {
        let files = count(rewrites.len(), "file");
        super::print(out, &format!("{files} to format: `factory fmt`\n"))?;
    }
    Ok(if broken > 0 || (args.check && !rewrites.is_empty()) {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

// What stands in the text that is not KDL.
fn why(path: &str, text: &str, error: FormatError, context: &Context) -> String {
    match error {
        FormatError::NotKdl => {
            let (sources, findings) = not_kdl(path, text);
            context.human(&findings.sorted(), &sources, context.colour_err)
        }
        FormatError::Changed => String::new(),
    }
}

fn standard_input(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let mut before = String::new();
    std::io::stdin()
        .read_to_string(&mut before)
        .map_err(|error| miette::miette!("standard input can't be read: {error}"))?;
    let after = format(&before).map_err(|error| {
        let said = why("standard input", &before, error, context);
        let _ = std::io::stderr().write_all(said.as_bytes());
        miette::miette!("standard input: {error}")
    })?;
    if !args.check {
        super::print(out, &after)?;
    }
    Ok(if args.check && after != before {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

// The texts to format by their paths.
fn texts(args: &Args, context: &Context) -> miette::Result<Vec<(String, String)>> {
    if args.files.is_empty() {
        let loaded = spec::load(&context.root, SPEC)?;
        let sources = loaded.spec_files.iter();
        let texts = sources.filter_map(|path| {
            let source = loaded.sources.get(path)?;
            Some((path.clone(), source.text().to_owned()))
        });
        return Ok(texts.collect());
    }
    let mut texts = Vec::new();
    for file in &args.files {
        let full = without_dots(&context.at(file.as_ref()));
        let text = std::fs::read_to_string(&full)
            .map_err(|error| miette::miette!("`{file}` can't be read: {error}"))?;
        let path = full.strip_prefix(&context.root).unwrap_or(&full);
        texts.push((path.display().to_string(), text));
    }
    Ok(texts)
}
