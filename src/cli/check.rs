//! `factory check`

use std::{collections::BTreeMap, io::Write};

use clap::ValueEnum;

use super::{
    Context, ExitStatus, adopt, compile, count,
    held::{self, Held},
    mend::mend,
    rewrite::{self, Rewrite},
};
use crate::{
    check::{Checked, check, explain},
    diagnostics::{Findings, Format, Level, Sources, json_with, render},
    guard::observed::{days, is_off},
    model::{GuardMode, resolve},
    spec,
};

/// The spec of a project.
pub(super) const SPEC: &str = "factory.kdl";

/// Check the spec and write nothing
///
/// Reads factory.kdl with all that it includes, the prompts, and the templates; looks every name up;
/// runs the lints; proves the rules; composes what the project's own templates make. Executes nothing
/// of the project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec to check
    #[arg(value_name = "FILE", default_value = "factory.kdl")]
    spec: String,

    /// How findings are written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    format: Style,

    /// Say what holds each boundary, layer by layer, and how each rule stands
    ///
    /// For people, or with `--format json` for programs.
    #[arg(long)]
    held: bool,

    /// Mend what can be mended for certain, and show it; the rest is told as ever
    #[arg(long)]
    fix: bool,

    /// Show what `--fix` would do, and write nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,

    /// Fail on these too
    #[arg(long, value_enum, value_name = "LEVEL")]
    deny: Option<Deny>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    Human,
    Short,
    Json,
    Sarif,
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    Warnings,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    if args.held && !matches!(args.format, Style::Human | Style::Json) {
        return Err(miette::miette!(
            help = "leave `--format` out, or ask for `--format json`",
            "`--held` is told to people or as JSON"
        ));
    }
    let mut loaded = load_checked(context, &args.spec)?;
    if args.fix {
        let rewrites = mend(&|over| Ok(spec::load_over(&context.root, &args.spec, over)?))?;
        let diff: String = rewrites.iter().map(Rewrite::diff).collect();
        // A program that reads the findings is not to stumble over the diff.
        if args.format == Style::Human {
            super::print(out, &diff)?;
        } else {
            let _ = std::io::stderr().write_all(diff.as_bytes());
        }
        if !args.dry_run {
            rewrite::write(&context.root, &rewrites)?;
            loaded = load_checked(context, &args.spec)?;
        }
    }
    let Loaded {
        sources,
        findings,
        checked,
    } = composed(context, loaded);
    let format = match args.format {
        Style::Human => Format::Human {
            colour: context.colour_out,
            width: context.width,
        },
        Style::Short => Format::Short,
        Style::Json => Format::Json,
        Style::Sarif => Format::Sarif { story: explain },
        Style::Github => Format::Github,
    };
    let text = match format {
        Format::Json if args.held => {
            json_with(&findings, &sources, &Held::new(checked.as_ref(), &sources))
        }
        _ => render(&findings, &sources, format),
    };
    super::print(out, &text)?;
    if let Some(checked) = checked
        .as_ref()
        .filter(|_| args.held && args.format == Style::Human)
    {
        super::print(out, &held::held(checked, &context.root))?;
    }
    if args.format == Style::Human {
        super::print(out, &off(context))?;
    }
    if args.format == Style::Human {
        super::print(out, &summary(&findings, checked.as_ref()))?;
        if let Some(checked) = &checked {
            super::print(out, &observed(context, checked))?;
        }
    }
    let warned = args.deny == Some(Deny::Warnings) && findings.count(Level::Warning) > 0;
    Ok(if findings.has_errors() || warned {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

/// A factory as far as it could be read.
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) findings: Findings,
    /// There is none where the findings have errors.
    pub(super) checked: Option<Checked>,
}

/// Loads, resolves, and checks the spec at `path`.
pub(super) fn load_checked(context: &Context, path: &str) -> miette::Result<Loaded> {
    adopt::mend(&context.root);
    Ok(checked(spec::load(&context.root, path)?))
}

fn checked(mut loaded: spec::Loaded) -> Loaded {
    let mut findings = std::mem::take(&mut loaded.findings);
    let mut checked = None;
    // A name that is not declared may stand in a file that could not be parsed.
    if loaded.complete
        && let Some(model) = resolve(&loaded, &mut findings)
    {
        checked = check(model, &loaded.sources, &mut findings);
    }
    Loaded {
        sources: loaded.sources,
        findings: findings.sorted(),
        checked,
    }
}

// What can't be compiled is wrong too, and there is no need to build to be told. What has errors already
// is composed of nothing.
fn composed(context: &Context, mut loaded: Loaded) -> Loaded {
    if let Some(checked) = &loaded.checked {
        let faults = compile::faults(context, checked, &loaded.sources);
        if !faults.is_empty() {
            loaded.findings.append(faults);
            loaded.findings = loaded.findings.sorted();
        }
    }
    loaded.checked = loaded.checked.filter(|_| !loaded.findings.has_errors());
    loaded
}

/// Loads, resolves, and checks the project's spec with `texts` in place of the files of these paths.
pub(super) fn load_over(
    context: &Context,
    texts: BTreeMap<String, String>,
) -> miette::Result<Loaded> {
    Ok(checked(spec::load_over(&context.root, SPEC, texts)?))
}

/// Loads the spec for a command that needs it without errors; prints the findings where it has any.
pub(super) fn require(context: &Context) -> miette::Result<(Checked, Sources)> {
    passed(context, load_checked(context, SPEC)?)
}

/// Returns a factory without errors; prints the findings where it has any.
pub(super) fn passed(context: &Context, loaded: Loaded) -> miette::Result<(Checked, Sources)> {
    let Loaded {
        sources,
        findings,
        checked,
    } = loaded;
    if let Some(checked) = checked {
        return Ok((checked, sources));
    }
    let text = context.human(&findings, &sources, context.colour_err);
    let _ = std::io::stderr().write_all(text.as_bytes());
    Err(miette::miette!(
        help = "`factory check` shows this again; nothing was written",
        "the spec has {}",
        count(findings.count(Level::Error), "error")
    ))
}

/// How many roles of the same days are named.
const MOST_NAMED: usize = 8;

// Which roles are observed and not held yet, and for how long.
fn observed(context: &Context, checked: &Checked) -> String {
    let roles = checked.model().roles.iter();
    let observed: Vec<&str> = roles
        .filter(|role| role.guard == GuardMode::Observe)
        .map(|role| role.name.value.as_str())
        .collect();
    if observed.is_empty() {
        return String::new();
    }
    let days = days(&context.root);
    let of = |role: &&str| days.get(*role).copied().unwrap_or_default();
    let (least, most) = (
        observed.iter().map(of).min().unwrap_or_default(),
        observed.iter().map(of).max().unwrap_or_default(),
    );
    let span = if least == most {
        count(most, "day")
    } else {
        format!("{least} to {}", count(most, "day"))
    };
    let mut text = format!(
        "the guard only observes {}, for {span} of work so far; `factory refusals` says what it let pass\n",
        count(observed.len(), "role")
    );
    let mut by_days: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for role in observed {
        by_days.entry(of(&role)).or_default().push(role);
    }
    for (days, roles) in by_days.iter().rev() {
        let span = match days {
            0 => "no day".to_owned(),
            days => count(*days, "day"),
        };
        let named = roles.get(..MOST_NAMED).unwrap_or(roles);
        let more = match roles.len() - named.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        text.push_str(&format!("  {span}: {}{more}\n", named.join(", ")));
    }
    text
}

// That the guard is off, where it is.
fn off(context: &Context) -> String {
    match is_off(&context.root) {
        Some(left) => format!(
            "the guard is off in a person's client, and judges nothing there for {} more; `factory guard on` ends that\n",
            count(
                usize::try_from(left.div_ceil(60)).unwrap_or(usize::MAX),
                "minute"
            )
        ),
        None => String::new(),
    }
}

fn summary(findings: &Findings, checked: Option<&Checked>) -> String {
    let counts = [
        (Level::Error, "error"),
        (Level::Warning, "warning"),
        (Level::Advice, "piece of advice"),
    ];
    let found: Vec<_> = counts
        .into_iter()
        .filter(|(level, _)| findings.count(*level) > 0)
        .map(|(level, word)| match (level, findings.count(level)) {
            (Level::Advice, number @ 2..) => format!("{number} pieces of advice"),
            (_, number) => count(number, word),
        })
        .collect();
    let found = if found.is_empty() {
        "no findings".to_owned()
    } else {
        found.join(", ")
    };
    let Some(checked) = checked else {
        return format!("{found}\n");
    };
    let model = checked.model();
    format!(
        "{}: {}, {}, {}, {}: {found}\n",
        model.name.value,
        count(model.roles.len(), "role"),
        count(model.gates.len(), "gate"),
        count(model.rules.len(), "rule"),
        count(model.tasks.len(), "task"),
    )
}
