//! `factory adopt`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::json;

use super::{Context, ExitStatus, build, check, count, print};
use crate::{
    adopt::{Adoption, AgentFile, Existing, Fate, SettingsFile, adopt, place, take_back},
    boundary::Capability,
    diagnostics::{Format, Level, render},
    emit::Comparison,
    init::Project,
    spec,
};

const SPEC: &str = "factory.kdl";
const AGENTS: &str = ".claude/agents";
const SETTINGS: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];

/// The largest agent file that is adopted: what is larger could not be read back as a prompt.
const MOST_BYTES: u64 = 4 << 20;

/// How often the spec is tried without what it can't hold.
const MOST_ROUNDS: usize = 8;

/// Take existing agents and settings over, role by role
///
/// Reads .claude/agents and .claude/settings*.json as the client reads them; writes or extends
/// factory.kdl, and puts the body of each agent file into roles/, byte for byte. Touches none of the
/// client's files: `factory build` makes the same bytes again. Says what was lost or doubtful before,
/// and ends with exit code 1 if anything was.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Agent files, folders of them, or names of agents; all unless some are given
    #[arg(value_name = "PATH")]
    paths: Vec<String>,

    /// Show everything, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    format: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    Human,
    Short,
    Json,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let root = &context.root;
    let stage = stage(root)?;
    if !args.dry_run {
        take_back(root, &stage);
    }
    let mut agents = agents(args, context)?;
    if agents.iter().all(|file| !file.wanted) {
        return Err(miette::miette!(
            help = format!("agents are read from `{AGENTS}`; `factory init` starts without any"),
            "there is no agent file to adopt"
        ));
    }
    let existing = existing(root)?;
    let settings: Vec<_> = SETTINGS
        .iter()
        .filter_map(|path| settings(root, path))
        .collect();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    let mut adoption = adopt(&agents, &settings, &existing);
    let mut built = None;
    for _ in 0..MOST_ROUNDS {
        let (found, faults) = tried(context, &adoption)?;
        built = found;
        if faults.is_empty() {
            break;
        }
        // Never stop at one bad file: the others are adopted without it.
        for file in &mut agents {
            if let Some(why) = faults.get(&file.path) {
                file.wanted = false;
                refused.insert(file.path.clone(), why.clone());
            }
        }
        adoption = adopt(&agents, &settings, &existing);
    }
    if let Some((_, text)) = adoption.files.last().filter(|_| built.is_none()) {
        let mut texts = BTreeMap::new();
        texts.insert(SPEC.to_owned(), text.clone());
        texts.extend(adoption.files.iter().cloned());
        check::passed(context, check::load_over(context, texts)?)?;
    }
    let outcome = Outcome {
        adoption: &adoption,
        refused: &refused,
        built: built.as_ref(),
        dry_run: args.dry_run,
    };
    match args.format {
        Style::Json => print(out, &outcome.json())?,
        Style::Human | Style::Short => print(out, &outcome.text(args.format, context))?,
    }
    if !args.dry_run && !adoption.files.is_empty() {
        place(root, &stage, &adoption.files, existing.spec.as_deref())
            .map_err(|error| miette::miette!("{error}; everything is as it was"))?;
    }
    let findings = &adoption.findings;
    let doubtful =
        findings.has_errors() || findings.count(Level::Warning) > 0 || !refused.is_empty();
    Ok(if doubtful {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

// The folder in which files are staged: in git's own folder, where nobody looks.
fn stage(root: &Path) -> miette::Result<PathBuf> {
    let git = root.join(".git");
    let folder = match fs::metadata(&git) {
        Ok(data) if data.is_dir() => git,
        Ok(_) => {
            let text = fs::read_to_string(&git).unwrap_or_default();
            let path = text
                .trim()
                .strip_prefix("gitdir:")
                .unwrap_or_default()
                .trim();
            root.join(path)
        }
        Err(_) => {
            return Err(miette::miette!(
                help = "`git init` makes it one; run it in the root of the repository",
                "this folder is no git repository"
            ));
        }
    };
    Ok(folder.join("factory-adopt"))
}

fn agents(args: &Args, context: &Context) -> miette::Result<Vec<AgentFile>> {
    let root = &context.root;
    let walk = walkdir::WalkDir::new(root.join(AGENTS)).sort_by_file_name();
    let mut files: Vec<AgentFile> = walk
        .into_iter()
        .flatten()
        .filter(|entry| {
            !entry.file_type().is_dir() && entry.path().extension().is_some_and(|end| end == "md")
        })
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(root).ok()?.to_str()?.to_owned();
            let text = if entry.file_type().is_symlink() {
                Err("it is a link; adopt the file that it leads to".to_owned())
            } else {
                text(entry.path())
            };
            Some(AgentFile {
                path,
                text,
                wanted: args.paths.is_empty(),
            })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for asked in &args.paths {
        let full = context.at(Path::new(asked));
        let full = full.canonicalize().unwrap_or(full);
        let path = full.strip_prefix(root).ok().and_then(Path::to_str);
        let mut found = false;
        for file in &mut files {
            let is_named = || {
                let text = file.text.as_deref().unwrap_or_default();
                let parts = crate::client::front::read(text);
                parts.is_ok_and(|parts| parts.text("name") == Some(asked))
            };
            let below = path.is_some_and(|path| {
                file.path == path || path.is_empty() || file.path.starts_with(&format!("{path}/"))
            });
            if below || is_named() {
                file.wanted = true;
                found = true;
            }
        }
        if !found {
            return Err(miette::miette!(
                help = format!("the client reads agents from `{AGENTS}` and the folders in it"),
                "`{asked}` is no agent file, no folder of them, and no agent's name"
            ));
        }
    }
    Ok(files)
}

fn text(path: &Path) -> Result<String, String> {
    let data = fs::metadata(path).map_err(|error| format!("it can't be read: {error}"))?;
    if !data.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if data.len() > MOST_BYTES {
        return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
    }
    let bytes = fs::read(path).map_err(|error| format!("it can't be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is no UTF-8 text, from byte {at} on")
    })
}

fn settings(root: &Path, path: &str) -> Option<SettingsFile> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(SettingsFile {
        path: path.to_owned(),
        text,
    })
}

// What is there of a factory. One that can't be read is not extended.
fn existing(root: &Path) -> miette::Result<Existing> {
    let folder = root.file_name().unwrap_or_default().to_string_lossy();
    let mut existing = Existing {
        name: Project::new(&folder, [], |_| None).name().to_owned(),
        prompts: prompts(root),
        ..Existing::default()
    };
    if fs::symlink_metadata(root.join(SPEC)).is_err() {
        return Ok(existing);
    }
    let loaded = spec::load(root, SPEC)?;
    if loaded.findings.has_errors() {
        return Err(miette::miette!(
            help = "`factory check` shows what is wrong",
            "`{SPEC}` has errors, and is not extended before they are mended"
        ));
    }
    existing.spec = loaded
        .sources
        .get(SPEC)
        .map(|source| source.text().to_owned());
    let spec = &loaded.spec;
    for role in &spec.roles {
        existing.roles.insert(role.name.value.clone());
        if let Some(agent) = &role.agent {
            existing
                .agents
                .insert(agent.path.value.clone(), role.name.value.clone());
        } else {
            // What build writes for a role is not adopted as another.
            let path = format!("{AGENTS}/{}.md", role.name.value);
            existing.agents.insert(path, role.name.value.clone());
        }
    }
    for model in &spec.models {
        existing.model_names.insert(model.name.value.clone());
        existing
            .models
            .insert(model.id.value.clone(), model.name.value.clone());
    }
    let profiles = spec
        .profiles
        .iter()
        .map(|profile| profile.name.value.clone());
    existing.declared.extend(profiles);
    let nevers = spec.grants.never.iter().map(|item| {
        let capability: Capability = item.capability;
        format!("never {} {}", capability.word(), item.text.value)
    });
    existing.declared.extend(nevers);
    Ok(existing)
}

fn prompts(root: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(root.join("roles"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| {
            let path = format!("roles/{}", entry.file_name().to_str()?);
            // What is no text is another's all the same.
            let text = fs::read(entry.path())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            Some((path, text.unwrap_or_else(|| "\0".to_owned())))
        })
        .collect()
}

type Tried = (Option<Comparison>, BTreeMap<String, String>);

// What build would do with the adopted factory; and where it can't be built, which agent files are at
// fault, each with why.
fn tried(context: &Context, adoption: &Adoption) -> miette::Result<Tried> {
    if adoption.files.is_empty() {
        return Ok((Some(Comparison::default()), BTreeMap::new()));
    }
    let texts: BTreeMap<String, String> = adoption.files.iter().cloned().collect();
    let loaded = check::load_over(context, texts)?;
    if loaded.checked.is_some() {
        let (checked, sources) = check::passed(context, loaded)?;
        return Ok((
            Some(build::compared(context, &checked, &sources)?),
            BTreeMap::new(),
        ));
    }
    let spec = adoption
        .files
        .last()
        .map(|(_, text)| text.as_str())
        .unwrap_or_default();
    let of_role: BTreeMap<&str, &str> = adoption
        .reports
        .iter()
        .filter_map(|report| match &report.fate {
            Fate::Adopted { role } => Some((role.as_str(), report.path.as_str())),
            Fate::Known { .. } | Fate::Left { .. } => None,
        })
        .collect();
    let mut faults = BTreeMap::new();
    for finding in loaded
        .findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
    {
        let Some(place) = loaded.sources.place(finding.span) else {
            continue;
        };
        let role = if place.path == SPEC {
            let before = spec.get(..place.offset).unwrap_or_default();
            let line = before.rfind("\nrole \"").map(|at| at + 7);
            line.and_then(|at| spec.get(at..)?.split('"').next())
        } else {
            of_role.keys().copied().find(|role| {
                spec.contains(&format!("role \"{role}\" ")) && {
                    let node = format!("prompt=\"{}\"", place.path);
                    let start = spec.find(&format!("role \"{role}\" ")).unwrap_or_default();
                    let line = spec.get(start..).and_then(|rest| rest.lines().next());
                    line.is_some_and(|line| line.contains(&node))
                }
            })
        };
        if let Some(path) = role.and_then(|role| of_role.get(role)) {
            faults
                .entry((*path).to_owned())
                .or_insert_with(|| format!("{} ({})", finding.fault, finding.code));
        }
    }
    Ok((None, faults))
}

struct Outcome<'a> {
    adoption: &'a Adoption,
    refused: &'a BTreeMap<String, String>,
    built: Option<&'a Comparison>,
    dry_run: bool,
}

impl Outcome<'_> {
    // Every file and what became of it; why where it was left.
    fn left(&self) -> BTreeMap<&str, &str> {
        let reports = self
            .adoption
            .reports
            .iter()
            .filter_map(|report| match &report.fate {
                Fate::Left { why } => Some((report.path.as_str(), why.as_str())),
                Fate::Adopted { .. } | Fate::Known { .. } => None,
            });
        let refused = self
            .refused
            .iter()
            .map(|(path, why)| (path.as_str(), why.as_str()));
        reports.chain(refused).collect()
    }

    fn adopted(&self) -> usize {
        let reports = self.adoption.reports.iter();
        reports
            .filter(|report| matches!(report.fate, Fate::Adopted { .. }))
            .count()
    }

    fn text(&self, style: Style, context: &Context) -> String {
        let adoption = self.adoption;
        let format = match style {
            Style::Short => Format::Short,
            Style::Human | Style::Json => Format::Human {
                colour: context.colour_out,
                width: context.width,
            },
        };
        let mut text = render(&adoption.findings, &adoption.sources, format);
        let left = self.left();
        let known = adoption.reports.len() + self.refused.len() - self.adopted() - left.len();
        let all = adoption.reports.len() + self.refused.len();
        let word = if self.dry_run {
            "would adopt"
        } else {
            "adopted"
        };
        let _ = write!(
            text,
            "{word} {} of {}",
            self.adopted(),
            count(all, "agent file")
        );
        if known > 0 {
            let _ = write!(text, ", {known} adopted before");
        }
        if !left.is_empty() {
            let _ = write!(text, ", {} left as they are", left.len());
        }
        text.push('\n');
        for (path, why) in left {
            let _ = writeln!(text, "  {path}: {why}");
        }
        self.rules(&mut text);
        self.next(&mut text);
        text
    }

    fn rules(&self, text: &mut String) {
        let rules = &self.adoption.settings.rules;
        if rules.is_empty() {
            return;
        }
        let said = rules.iter().filter(|rule| rule.grant.is_some()).count();
        let _ = writeln!(
            text,
            "{} of {} of the settings {} grants, which stay in the settings too",
            said,
            count(rules.len(), "rule"),
            if self.dry_run {
                "would become"
            } else {
                "became"
            },
        );
        for rule in rules {
            let what = rule.grant.as_deref().unwrap_or("kept as it is");
            let _ = writeln!(
                text,
                "  {}:{} {} {}: {what}",
                rule.path, rule.line, rule.list, rule.rule
            );
        }
    }

    fn next(&self, text: &mut String) {
        if self.adoption.files.is_empty() {
            text.push_str("nothing is new, and nothing was written\n");
            return;
        }
        let prompts = self.adoption.files.len() - 1;
        let word = if self.dry_run { "would write" } else { "wrote" };
        let _ = writeln!(
            text,
            "{word} {SPEC} and {} in roles/",
            count(prompts, "prompt")
        );
        if let Some(built) = self.built {
            let lock = |path: &str| path == "factory.lock";
            let changes: Vec<_> = built
                .changes
                .iter()
                .filter(|change| !lock(&change.path))
                .collect();
            text.push_str("\nWhat `factory build` will change, besides writing factory.lock:\n");
            for change in &changes {
                let _ = writeln!(text, "  {} {}", change.verb(), change.path);
                for line in change.diff().lines().skip(2) {
                    let _ = writeln!(text, "    {line}");
                }
            }
            if changes.is_empty() {
                text.push_str("  nothing\n");
            }
            for conflict in &built.conflicts {
                let _ = writeln!(
                    text,
                    "  conflict: {conflict}\n    help: {}",
                    conflict.help()
                );
            }
            for note in &built.notes {
                let _ = writeln!(text, "  note: {note}");
            }
        }
        if self.dry_run {
            return;
        }
        text.push_str(
            "\nNext:\n  \
             factory check        what the compiler thinks of it\n  \
             factory build        the hooks, and the lock; every agent file keeps its bytes\n  \
             factory refusals     after some days of work: what the roles did that nothing grants\n  \
             factory eject        leave again\n",
        );
    }

    fn json(&self) -> String {
        let adoption = self.adoption;
        let findings: serde_json::Value =
            serde_json::from_str(&render(&adoption.findings, &adoption.sources, Format::Json))
                .unwrap_or_default();
        let left = self.left();
        let known: BTreeSet<&str> = left.keys().copied().collect();
        let mut files: Vec<_> = adoption
            .reports
            .iter()
            .filter_map(|report| match &report.fate {
                Fate::Adopted { role } => {
                    Some(json!({"path": report.path, "fate": "adopted", "role": role}))
                }
                Fate::Known { role } => {
                    Some(json!({"path": report.path, "fate": "known", "role": role}))
                }
                Fate::Left { .. } => None,
            })
            .collect();
        let kept = left.iter().filter(|(path, _)| known.contains(*path));
        files.extend(kept.map(|(path, why)| json!({"path": path, "fate": "left", "why": why})));
        files.sort_by_key(|file| file["path"].as_str().unwrap_or_default().to_owned());
        let rules: Vec<_> = adoption
            .settings
            .rules
            .iter()
            .map(|rule| {
                json!({
                    "path": rule.path, "line": rule.line, "list": rule.list,
                    "rule": rule.rule, "grant": rule.grant,
                })
            })
            .collect();
        let written: Vec<_> = adoption.files.iter().map(|(path, _)| path).collect();
        let changes: Vec<_> = self
            .built
            .iter()
            .flat_map(|built| &built.changes)
            .map(|change| json!({"path": change.path, "change": change.verb()}))
            .collect();
        let report = json!({
            "dry_run": self.dry_run,
            "files": files,
            "rules": rules,
            "findings": findings,
            "writes": written,
            "build": changes,
        });
        format!("{report:#}\n")
    }
}
