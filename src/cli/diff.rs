//! `factory diff`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write,
};

use clap::ValueEnum;
use serde_json::json;

use super::{Context, ExitStatus, check::SPEC, compile, count, revision::Tree};
use crate::{
    check::{Checked, check, usual_level},
    diagnostics::{Findings, Level, Source, Sources},
    model::{Change, Direction, Driver, Model, Phrase, Version, Workspace, changes, resolve},
    spec::{self, Loaded},
};

/// Say in words what changed in the spec since a revision, widened rights first
///
/// Ends with 5 where someone can do more than before, or less holds someone back, or nobody can tell that
/// it does not; so a review can ask for the right people. Else with 1 where `factory check` finds an error
/// on either side. A spec that can't be read as a whole is not compared.
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
    let since = args.revision.as_str();
    let now = Side::of(
        context,
        spec::load(&context.root, SPEC)?,
        "the spec",
        "`factory check` shows this again",
    )?;
    let tree = Tree::at(&context.root, since)?;
    let mut errors = now.errors;
    let found = if tree.has(SPEC) {
        let then = Side::of(
            context,
            spec::load_from(SPEC, Box::new(tree))?,
            &format!("the spec at {since}"),
            "name a revision whose spec can be read",
        )?;
        errors += then.errors;
        let mut found = changes(then.version(), now.version(), &usual_level);
        found.extend(untold(context, &then, &now)?);
        found.sort();
        found
    } else {
        let then = Version {
            model: &nothing(&now.model),
            sources: &now.sources,
        };
        changes(then, now.version(), &usual_level)
    };
    let text = match args.format {
        Style::Human => human(&found, since),
        Style::Md => markdown(&found, since),
        Style::Json => json(&found, since),
    };
    super::print(out, &text)?;
    let widened = |change: &Change| change.direction == Direction::Widened;
    Ok(if found.iter().any(widened) {
        ExitStatus::Widened
    } else if errors > 0 {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

/// A factory that could be read as a whole, so that what it means is known.
struct Side {
    model: Model,
    sources: Sources,
    /// There is none where the check finds errors.
    checked: Option<Checked>,
    /// How many it finds.
    errors: usize,
}

impl Side {
    // Says what is wrong with it.
    fn of(context: &Context, mut loaded: Loaded, what: &str, help: &str) -> miette::Result<Self> {
        let mut findings = std::mem::take(&mut loaded.findings);
        let model = resolve(&loaded, &mut findings);
        let whole = loaded.complete && !findings.has_errors();
        let sources = loaded.sources;
        let Some(model) = model.filter(|_| whole) else {
            let errors = complain(context, findings, &sources);
            return Err(miette::miette!(
                help = help.to_owned(),
                "{what} has {}, and can't be compared",
                count(errors, "error")
            ));
        };
        let checked = check(model.clone(), &sources, &mut findings);
        let mut errors = 0;
        if checked.is_none() {
            errors = complain(context, findings, &sources);
            let _ = writeln!(
                std::io::stderr(),
                "{what} has {}, and can't be built",
                count(errors, "error")
            );
        }
        Ok(Self {
            model,
            sources,
            checked,
            errors,
        })
    }

    const fn version(&self) -> Version<'_> {
        Version {
            model: &self.model,
            sources: &self.sources,
        }
    }

    // The project's own templates, by path.
    fn templates(&self) -> BTreeMap<&str, Option<&str>> {
        let paths = self.model.templates.iter();
        paths
            .map(|path| {
                let text = self.sources.get(path).map(Source::text);
                (path.as_str(), text)
            })
            .collect()
    }
}

// Prints the errors among the findings, and returns how many there are.
fn complain(context: &Context, mut findings: Findings, sources: &Sources) -> usize {
    findings.retain(|finding| finding.level == Level::Error);
    let findings = findings.sorted();
    let text = context.human(&findings, sources, context.colour_err);
    let _ = std::io::stderr().write_all(text.as_bytes());
    findings.count(Level::Error)
}

// A factory that lets nobody do anything, for a spec that is new as a whole.
fn nothing(new: &Model) -> Model {
    Model {
        unused: Vec::new(),
        name: new.name.clone(),
        description: new.description.clone(),
        preamble: None,
        planner: None,
        targets: new.targets.clone(),
        driver: Driver {
            kind: new.driver.kind,
            command: new.driver.command.clone(),
            recordings: new.driver.recordings.clone(),
            env: Vec::new(),
        },
        stop: new.stop,
        jobs: new.jobs,
        notify: Vec::new(),
        models: Vec::new(),
        servers: Vec::new(),
        sets: Vec::new(),
        workspace: Workspace::default(),
        gates: Vec::new(),
        roles: Vec::new(),
        rules: Vec::new(),
        documents: Vec::new(),
        tasks: Vec::new(),
        everyone: Vec::new(),
        protected: new.protected.clone(),
        spec_files: Vec::new(),
        templates: Vec::new(),
        memories: Vec::new(),
        missing: Vec::new(),
        lints: Vec::new(),
        hold: Vec::new(),
    }
}

/// What the prompt of each role is made from, by role.
type Parts = BTreeMap<String, BTreeSet<String>>;

fn parts(context: &Context, checked: &Checked, sources: &Sources) -> miette::Result<Parts> {
    let prompts = compile::prompts(context, checked, sources)?;
    let parts = prompts.into_iter().map(|prompt| {
        let parts = prompt.parts.into_iter().map(|part| part.source);
        (prompt.role, parts.collect())
    });
    Ok(parts.collect())
}

// What templates leave out of prompts that was in them, and would still be true.
fn untold(context: &Context, then: &Side, now: &Side) -> miette::Result<Vec<Change>> {
    // Of a factory with errors no prompt is made.
    let (Some(old), Some(new)) = (&then.checked, &now.checked) else {
        return Ok(Vec::new());
    };
    if then.templates() == now.templates() {
        return Ok(Vec::new());
    }
    let before = parts(context, old, &then.sources)?;
    let after = parts(context, new, &now.sources)?;
    let preamble = now.model.preamble.as_ref();
    let preamble = preamble.map_or("", |path| path.value.as_str());
    let mut found = Vec::new();
    for (what, path) in [
        ("the preamble", preamble),
        ("the boundary", "templates/prompt/boundary.md.hbs"),
        ("the rules", "templates/prompt/rules.md.hbs"),
        ("the gates", "templates/prompt/gates.md.hbs"),
    ] {
        let lost = now.model.roles.iter().filter(|role| {
            let name = &role.name.value;
            let said = |parts: &Parts| parts.get(name).is_some_and(|parts| parts.contains(path));
            // A role that nothing judges is told of no gate, and one that is verbatim of nothing at all.
            let still = match what {
                "the gates" => !role.gates.is_empty(),
                "the rules" => !now.model.rules.is_empty(),
                _ => true,
            };
            !role.verbatim && still && said(&before) && !said(&after)
        });
        let lost: Vec<_> = lost.map(|role| role.name.value.clone()).collect();
        if !lost.is_empty() {
            let text = format!("templates leave {what} out of the prompt of ");
            found.push(Change {
                direction: Direction::Widened,
                text: Phrase::said(&text, []).and(Phrase::list(&lost)),
            });
        }
    }
    Ok(found)
}

fn human(found: &[Change], since: &str) -> String {
    let mut text = String::new();
    for (title, changes) in listed(found) {
        let _ = writeln!(text, "{title}");
        for change in changes {
            let _ = writeln!(text, "  {}", change.text);
        }
    }
    if text.is_empty() {
        let _ = writeln!(text, "nobody can do more or less than at {since}");
    }
    text
}

fn markdown(found: &[Change], since: &str) -> String {
    let mut text = String::new();
    for (title, changes) in listed(found) {
        let _ = writeln!(text, "### {title}\n");
        for change in changes {
            let _ = writeln!(text, "- {}", change.text.markdown());
        }
        text.push('\n');
    }
    if text.is_empty() {
        let nobody = Phrase::said("nobody can do more or less than at {}", [since]);
        let _ = writeln!(text, "{}", nobody.markdown());
    }
    text
}

fn json(found: &[Change], since: &str) -> String {
    let texts = |direction| -> Vec<String> {
        let changes = of(found, direction).into_iter();
        changes.map(|change| change.text.to_string()).collect()
    };
    let value = json!({
        "version": 1,
        "since": since,
        "widened": texts(Direction::Widened),
        "narrowed": texts(Direction::Narrowed),
        "changed": texts(Direction::Changed),
    });
    format!(
        "{}\n",
        serde_json::to_string_pretty(&value).unwrap_or_default()
    )
}

// The changes of each kind, where there are any, with their heading.
fn listed(found: &[Change]) -> impl Iterator<Item = (&'static str, Vec<&Change>)> {
    let headings = [
        (Direction::Widened, "Widened rights"),
        (Direction::Narrowed, "Narrowed rights"),
        (Direction::Changed, "Changed besides"),
    ];
    let kinds = headings.into_iter();
    let kinds = kinds.map(|(direction, title)| (title, of(found, direction)));
    kinds.filter(|(_, changes)| !changes.is_empty())
}

fn of(found: &[Change], direction: Direction) -> Vec<&Change> {
    let of = found.iter().filter(|change| change.direction == direction);
    of.collect()
}
