//! `factory diff`

use std::{fmt::Write as _, io::Write};

use clap::ValueEnum;
use serde_json::json;

use super::{Context, ExitStatus, check::SPEC, count, revision};
use crate::{
    diagnostics::Level,
    model::{Change, Direction, Model, changes, resolve},
    spec::{self, Loaded},
};

/// Say in words what changed in the spec since a revision, widened rights first
///
/// Ends with 5 where someone can do more than before, or less holds someone back; so a review can ask
/// for the right people.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A commit, a branch, or a tag
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,

    /// How it is written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    format: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    Human,
    Md,
    Json,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let mut now = spec::load(&context.root, SPEC)?;
    let new = model(&mut now, "the spec")?;
    let named: Vec<_> = now
        .sources
        .files()
        .iter()
        .map(crate::diagnostics::Source::path)
        .collect();
    let texts = revision::texts(&context.root, &args.revision, &named)?;
    let found = if texts.contains_key(SPEC) {
        let mut then = spec::load_texts(SPEC, texts)?;
        let old = model(&mut then, &format!("the spec at {}", args.revision))?;
        let mut found = changes(&old, &new);
        found.extend(prompts(&then, &old, &now, &new));
        found.sort();
        found
    } else {
        changes(&nothing(&new), &new)
    };
    let widened = found
        .iter()
        .any(|change| change.direction == Direction::Widened);
    let text = match args.format {
        Style::Human => words(&found, &args.revision, false),
        Style::Md => words(&found, &args.revision, true),
        Style::Json => {
            let of = |direction| {
                let of = found.iter().filter(|change| change.direction == direction);
                of.map(|change| change.text.as_str()).collect::<Vec<_>>()
            };
            let value = json!({
                "version": 1,
                "since": args.revision,
                "widened": of(Direction::Widened),
                "narrowed": of(Direction::Narrowed),
                "changed": of(Direction::Changed),
            });
            format!(
                "{}\n",
                serde_json::to_string_pretty(&value).unwrap_or_default()
            )
        }
    };
    super::print(out, &text)?;
    Ok(if widened {
        ExitStatus::Widened
    } else {
        ExitStatus::Success
    })
}

fn model(loaded: &mut Loaded, what: &str) -> miette::Result<Model> {
    let mut findings = std::mem::take(&mut loaded.findings);
    let model = resolve(loaded, &mut findings).filter(|_| loaded.complete);
    model.ok_or_else(|| {
        let first = findings
            .iter()
            .find(|finding| finding.level == Level::Error);
        miette::miette!(
            help = first.map_or_else(String::new, |first| first.fault.to_string()),
            "{what} has {}, and can't be compared",
            count(findings.count(Level::Error), "error")
        )
    })
}

// A factory that lets nobody do anything, for a spec that is new as a whole.
fn nothing(new: &Model) -> Model {
    let mut model = new.clone();
    model.roles.clear();
    model.gates.clear();
    model.rules.clear();
    model.tasks.clear();
    model.servers.clear();
    model
}

fn prompts(then: &Loaded, old: &Model, now: &Loaded, new: &Model) -> Vec<Change> {
    let changed = |before: &str, after: &str| {
        then.sources
            .get(before)
            .map(crate::diagnostics::Source::text)
            != now.sources.get(after).map(crate::diagnostics::Source::text)
    };
    let mut found = Vec::new();
    for role in &new.roles {
        let known = old
            .roles
            .iter()
            .find(|known| known.name.value == role.name.value);
        if known.is_some_and(|known| changed(&known.prompt.value, &role.prompt.value)) {
            found.push(Change {
                direction: Direction::Changed,
                text: format!("the prompt of `{}`", role.name.value),
            });
        }
    }
    if let (Some(before), Some(after)) = (&old.preamble, &new.preamble)
        && changed(&before.value, &after.value)
    {
        found.push(Change {
            direction: Direction::Changed,
            text: "the preamble, which is in every prompt".to_owned(),
        });
    }
    found
}

fn words(found: &[Change], since: &str, markdown: bool) -> String {
    let mut text = String::new();
    for (direction, heading) in [
        (Direction::Widened, "Widened rights"),
        (Direction::Narrowed, "Narrowed rights"),
        (Direction::Changed, "Changed besides"),
    ] {
        let mut of = found
            .iter()
            .filter(|change| change.direction == direction)
            .peekable();
        if of.peek().is_none() {
            continue;
        }
        let _ = if markdown {
            writeln!(text, "### {heading}\n")
        } else {
            writeln!(text, "{heading}")
        };
        for change in of {
            let mark = if markdown { "- " } else { "  " };
            let _ = writeln!(text, "{mark}{}", change.text);
        }
        if markdown {
            text.push('\n');
        }
    }
    if text.is_empty() {
        let _ = writeln!(text, "nobody can do more or less than at {since}");
    }
    text
}
