//! `factory can`

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde::Serialize;

use super::{Context, ExitStatus, check};
use crate::{
    boundary::{Capability, Platform},
    check::{Checked, Decided, Ground, Held, Verdict},
    client,
    diagnostics::{Sources, Span},
    guard::{Disk, without_dots},
    model::{Origin, RoleId},
    spec::nearest,
};

/// Ask whether a role may do a thing, which grant decides, and what holds it
///
/// A command line is judged as the guard would judge it here and now. Ends with 0 for yes and 1 for no.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role
    role: String,

    /// What it would do
    #[arg(value_enum)]
    capability: Verb,

    /// A path, a command line, a host, a tool, a variable, a role
    thing: String,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    format: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Verb {
    Read,
    Write,
    Run,
    Reach,
    Use,
    Env,
    Delegate,
}

impl Verb {
    pub(super) const fn capability(self) -> Capability {
        match self {
            Self::Read => Capability::Read,
            Self::Write => Capability::Write,
            Self::Run => Capability::Run,
            Self::Reach => Capability::Reach,
            Self::Use => Capability::Use,
            Self::Env => Capability::Env,
            Self::Delegate => Capability::Delegate,
        }
    }
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (checked, sources) = check::require(context)?;
    let id = role(&checked, &args.role)?;
    let capability = args.capability.capability();
    let environment: BTreeMap<_, _> = std::env::vars_os().collect();
    let toolchains: Vec<String> = client::toolchains(&environment)
        .iter()
        .filter_map(|folder| folder.to_str().map(str::to_owned))
        .collect();
    let root = context.root.to_string_lossy();
    let disk = Disk::new(context.root.clone()).with_environment(&environment);
    let ground = Ground {
        root: &root,
        toolchains: &toolchains,
        tree: &disk,
    };
    let things = match capability {
        Capability::Read | Capability::Write => match paths(context, &args.thing) {
            Ok(paths) => paths,
            // What a role writes lands from its checkout, and nothing else does.
            Err(_) if capability == Capability::Write => {
                let held = checked.held(id).remove(&capability);
                return answer(args, &outside(), &args.thing, held, &sources, out);
            }
            Err(error) => return Err(error),
        },
        Capability::Run
        | Capability::Reach
        | Capability::Use
        | Capability::Env
        | Capability::Delegate => vec![args.thing.clone()],
    };
    if capability == Capability::Delegate {
        role(&checked, &args.thing)?;
    }
    // A path is judged as it is named and as links lead, and a no of either is a no.
    let mut judged = things
        .into_iter()
        .map(|thing| (checked.judge(id, capability, &thing, ground), thing));
    let Some(first) = judged.next() else {
        return Err(miette::miette!("nothing was asked"));
    };
    let (verdict, thing) = if first.0.permits {
        judged
            .find(|(verdict, _)| !verdict.permits)
            .unwrap_or(first)
    } else {
        first
    };
    let held = checked.held(id).remove(&capability);
    answer(args, &verdict, &thing, held, &sources, out)
}

// No grant reaches a path outside.
fn outside() -> Verdict {
    Verdict {
        permits: false,
        decided: Vec::new(),
        reason: Some("it is outside the project, where a role writes nothing".to_owned()),
        missing: None,
    }
}

fn answer(
    args: &Args,
    verdict: &Verdict,
    thing: &str,
    held: Option<Held>,
    sources: &Sources,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let answer = Answer::new(args, verdict, thing, held, sources);
    let text = match args.format {
        Style::Human => answer.human(),
        Style::Json => format!(
            "{}\n",
            serde_json::to_string_pretty(&answer).unwrap_or_default()
        ),
    };
    super::print(out, &text)?;
    Ok(if verdict.permits {
        ExitStatus::Success
    } else {
        ExitStatus::Findings
    })
}

/// Returns the role called `name`.
pub(super) fn role(checked: &Checked, name: &str) -> miette::Result<RoleId> {
    let model = checked.model();
    if let Some((id, _)) = model.roles().find(|(_, role)| role.name.value == name) {
        return Ok(id);
    }
    let names = || model.roles.iter().map(|role| role.name.value.as_str());
    let help = nearest(name, names()).map_or_else(
        || format!("there is {}", names().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Err(miette::miette!(help = help, "no role called `{name}`"))
}

// The path from the root of the project: as named, and as links lead where that is elsewhere.
fn paths(context: &Context, named: &str) -> miette::Result<Vec<String>> {
    let outside = || {
        miette::miette!(
            help =
                "outside the project a role may read the system and its tools, and write nothing",
            "`{named}` is outside the project"
        )
    };
    let full = without_dots(&context.at(Path::new(named)));
    let inside = |path: &Path| {
        let path = path.strip_prefix(&context.root).ok()?;
        Some(path.to_str()?.to_owned())
    };
    let path = inside(&full)
        .filter(|path| !path.is_empty())
        .ok_or_else(outside)?;
    let mut paths = vec![path];
    // What is not there yet leads where its folder does.
    let mut there = full.clone();
    let mut rest = PathBuf::new();
    while !there.exists() {
        let Some(name) = there.file_name().map(ToOwned::to_owned) else {
            break;
        };
        rest = Path::new(&name).join(&rest);
        there.pop();
    }
    if let Ok(real) = there.canonicalize() {
        let real = if rest.as_os_str().is_empty() {
            real
        } else {
            real.join(rest)
        };
        paths.push(inside(&real).ok_or_else(outside)?);
    }
    paths.dedup();
    Ok(paths)
}

#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    role: &'a str,
    capability: Capability,
    thing: &'a str,
    can: bool,
    decided: Vec<Entry<'a>>,
    reason: Option<&'a str>,
    missing: Option<&'a str>,
    held: Option<Layers>,
}

#[derive(Serialize)]
struct Entry<'a> {
    pattern: &'a str,
    written: Option<At<'a>>,
    member: Option<At<'a>>,
}

/// A place and what stands there.
#[derive(Serialize)]
pub(super) struct At<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> At<'a> {
    pub(super) fn of(span: Span, sources: &'a Sources) -> Option<Self> {
        let place = sources.place(span)?;
        Some(Self {
            file: place.path,
            line: place.line,
            column: place.column,
            text: sources.text(span)?,
        })
    }
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What holds a capability.
#[derive(Serialize)]
pub(super) struct Layers {
    exec: &'static str,
    linux: &'static str,
    interactive: &'static str,
    by: &'static str,
}

impl From<Held> for Layers {
    fn from(held: Held) -> Self {
        Self {
            exec: held.layer.word(),
            linux: held.on(Platform::Linux).word(),
            interactive: held.interactive().word(),
            by: held.by,
        }
    }
}

impl<'a> Answer<'a> {
    fn new(
        args: &'a Args,
        verdict: &'a Verdict,
        thing: &'a str,
        held: Option<Held>,
        sources: &'a Sources,
    ) -> Self {
        let entry = |decided: &'a Decided| {
            let (written, member) = match &decided.origin {
                Origin::Written { span, member } => (
                    At::of(*span, sources),
                    member.and_then(|member| At::of(member, sources)),
                ),
                Origin::Universal => (None, None),
            };
            Entry {
                pattern: &decided.pattern,
                written,
                member,
            }
        };
        Self {
            version: 1,
            role: &args.role,
            capability: args.capability.capability(),
            thing,
            can: verdict.permits,
            decided: verdict.decided.iter().map(entry).collect(),
            reason: verdict.reason.as_deref(),
            missing: verdict.missing.as_deref(),
            held: held.map(Layers::from),
        }
    }

    fn human(&self) -> String {
        let Self {
            role,
            capability,
            thing,
            ..
        } = self;
        let (word, may, verb) = if self.can {
            ("yes", "may", "granted by")
        } else {
            ("no", "may not", "taken by")
        };
        let mut text = format!("{word}: {role} {may} {capability} `{thing}`\n");
        let mut line = |name: &str, said: &str| {
            let _ = writeln!(text, "  {name:11}{said}");
        };
        if let Some(reason) = self.reason {
            line("because", reason);
        }
        for entry in &self.decided {
            let said = match (&entry.written, &entry.member) {
                (Some(written), Some(member)) => {
                    format!(
                        "{written}: {}, its member {} at {member}",
                        written.text, member.text
                    )
                }
                (Some(written), None) if written.text.trim_matches('"') != entry.pattern => {
                    format!("{written}: {}, its `{}`", written.text, entry.pattern)
                }
                (Some(written), None) => format!("{written}: {}", written.text),
                (None, _) => format!("`{}`, in every factory", entry.pattern),
            };
            line(verb, &said);
        }
        if let Some(missing) = self.missing {
            line("it takes", &format!("`{missing}`"));
        }
        if let Some(held) = &self.held {
            let mut layers = format!("{} in exec", held.exec);
            if held.linux != held.exec {
                let _ = write!(layers, ", {} on Linux", held.linux);
            }
            if held.interactive != held.exec {
                let _ = write!(layers, ", {} in a person's client", held.interactive);
            }
            line("held", &format!("{layers}: {}", held.by));
        }
        text
    }
}
