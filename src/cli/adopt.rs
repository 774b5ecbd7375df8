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
    adopt::{
        Adoption, AgentFile, Existing, Fate, Kept, Own, SettingsFile, adopt, place, take_back,
    },
    client::front::MOST_BYTES,
    diagnostics::{Format, Level, in_the_open, render},
    document::{self, OnEdit, Rendered},
    emit::Comparison,
    init::Project,
    spec,
};

const SPEC: &str = "factory.kdl";
const AGENTS: &str = ".claude/agents";
const SETTINGS: [&str; 2] = [".claude/settings.json", ".claude/settings.local.json"];
const SERVERS: &str = ".mcp.json";
const DOCUMENT: &str = "CLAUDE.md";

/// The sections that are offered for the document, each with its template.
const SECTIONS: [(&str, &str); 1] = [("Roles", "sections/roles.md.hbs")];

/// How often the spec is tried without what it can't hold.
const MOST_ROUNDS: usize = 8;

/// Take existing agents and settings over, role by role
///
/// Reads .claude/agents, .claude/settings*.json, and .mcp.json as the client reads them; writes or extends
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
    let stage = stage(root).ok_or_else(|| {
        miette::miette!(
            help = "`git init` makes it one; run it in the root of the repository",
            "this folder is no git repository"
        )
    })?;
    if !args.dry_run {
        take_back(root, &stage);
    }
    let Found { agents, missing } = agents(args, context)?;
    if agents.iter().all(|file| !file.wanted) {
        return Err(miette::miette!(
            help = format!("agents are read from `{AGENTS}`; `factory init` starts without any"),
            "there is no agent file to adopt"
        ));
    }
    let existing = existing(root)?;
    let own = Own {
        settings: SETTINGS
            .iter()
            .filter_map(|path| settings(root, path))
            .collect(),
        servers: text_of(&root.join(SERVERS)).map(|text| (SERVERS.to_owned(), text)),
        unfit: None,
    };
    let mut fitting = Fitting {
        context,
        existing: &existing,
        agents,
        own,
        refused: missing,
    };
    let (adoption, built) = fitting.fit()?;
    if let Some((_, text)) = adoption.files.last().filter(|_| built.is_none()) {
        let mut texts = BTreeMap::new();
        texts.insert(SPEC.to_owned(), text.clone());
        texts.extend(adoption.files.iter().cloned());
        check::passed(context, check::load_over(context, texts)?)?;
    }
    // It is said what was done, once it is done.
    if !args.dry_run && !adoption.files.is_empty() {
        place(root, &stage, &adoption.files, existing.spec.as_deref())
            .map_err(|error| miette::miette!("{error}; everything is as it was"))?;
    }
    let outcome = Outcome {
        adoption: &adoption,
        refused: &fitting.refused,
        built: built.as_ref(),
        offers: offers(root, &existing),
        dry_run: args.dry_run,
    };
    match args.format {
        Style::Json => print(out, &outcome.json())?,
        Style::Human | Style::Short => print(out, &outcome.text(args.format, context))?,
    }
    let findings = &adoption.findings;
    let doubtful =
        findings.has_errors() || findings.count(Level::Warning) > 0 || !fitting.refused.is_empty();
    Ok(if doubtful {
        ExitStatus::Findings
    } else {
        ExitStatus::Success
    })
}

/// Takes back what an adoption that was killed half-way has left in the project at `root`.
pub(super) fn mend(root: &Path) {
    if let Some(stage) = stage(root) {
        take_back(root, &stage);
    }
}

// What is adopted together, until it fits into the factory that is there.
struct Fitting<'a> {
    context: &'a Context,
    existing: &'a Existing,
    agents: Vec<AgentFile>,
    own: Own,
    // What was asked for and is left, with why.
    refused: BTreeMap<String, String>,
}

impl Fitting<'_> {
    // Never stops at one bad file or rule: the others are adopted without it.
    fn fit(&mut self) -> miette::Result<(Adoption, Option<Comparison>)> {
        let mut why = String::new();
        for _ in 0..MOST_ROUNDS {
            let adoption = self.adoption();
            let tried = tried(self.context, &adoption)?;
            if tried.faults.is_empty() {
                if tried.built.is_some() {
                    return Ok((adoption, tried.built));
                }
                why = tried.why;
                break;
            }
            self.refuse(&tried.faults);
        }
        // No file is to blame by its place: without the rules, then without one file after the other.
        self.own.unfit = Some(why);
        let adoption = self.adoption();
        let without = tried(self.context, &adoption)?;
        if without.built.is_some() {
            return Ok((adoption, without.built));
        }
        let wanted: Vec<String> = self
            .agents
            .iter_mut()
            .filter(|file| file.wanted)
            .map(|file| {
                file.wanted = false;
                file.path.clone()
            })
            .collect();
        self.take(&wanted)?;
        let adoption = self.adoption();
        let tried = tried(self.context, &adoption)?;
        Ok((adoption, tried.built))
    }

    fn adoption(&self) -> Adoption {
        adopt(&self.agents, &self.own, self.existing)
    }

    fn want(&mut self, paths: &[String], wanted: bool) {
        let named = |file: &&mut AgentFile| paths.contains(&file.path);
        for file in self.agents.iter_mut().filter(named) {
            file.wanted = wanted;
        }
    }

    fn refuse(&mut self, faults: &BTreeMap<String, String>) {
        for (path, why) in faults {
            self.want(std::slice::from_ref(path), false);
            self.refused.insert(path.clone(), why.clone());
        }
    }

    // Takes these files beside those that are taken: all, or where they do not fit, one half and then
    // the other.
    fn take(&mut self, paths: &[String]) -> miette::Result<()> {
        self.want(paths, true);
        let tried = tried(self.context, &self.adoption())?;
        if tried.built.is_some() {
            return Ok(());
        }
        self.want(paths, false);
        if let [path] = paths {
            self.refused.insert(path.clone(), tried.why);
            return Ok(());
        }
        let (one, two) = paths.split_at(paths.len() / 2);
        self.take(one)?;
        self.take(two)
    }
}

// The folder in which files are staged: in git's own folder, where nobody looks. None where there is no
// repository.
fn stage(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    let folder = if fs::metadata(&git).ok()?.is_dir() {
        git
    } else {
        let text = fs::read_to_string(&git).unwrap_or_default();
        let path = text.trim().strip_prefix("gitdir:").unwrap_or_default();
        root.join(path.trim())
    };
    Some(folder.join("factory-adopt"))
}

// The agent files, and what was asked for and is none.
struct Found {
    agents: Vec<AgentFile>,
    missing: BTreeMap<String, String>,
}

fn agents(args: &Args, context: &Context) -> miette::Result<Found> {
    let root = &context.root;
    let mut files = listed(root);
    for file in &mut files {
        file.wanted = args.paths.is_empty();
    }
    let mut missing = BTreeMap::new();
    for asked in &args.paths {
        let full = context.at(Path::new(asked));
        let full = full.canonicalize().unwrap_or(full);
        let path = full.strip_prefix(root).ok().and_then(Path::to_str);
        let mut found = false;
        for file in &mut files {
            let is_named = || {
                let parts = crate::client::front::read(&file.text);
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
            let why = "it is no agent file, no folder of them, and no agent's name";
            missing.insert(asked.clone(), why.to_owned());
        }
    }
    if let Some(asked) = missing.keys().next()
        && files.iter().all(|file| !file.wanted)
    {
        return Err(miette::miette!(
            help = format!("the client reads agents from `{AGENTS}` and the folders in it"),
            "`{asked}` is no agent file, no folder of them, and no agent's name"
        ));
    }
    Ok(Found {
        agents: files,
        missing,
    })
}

// All files that the client looks at, by path; it follows links.
fn listed(root: &Path) -> Vec<AgentFile> {
    let folder = root.join(AGENTS);
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let walk = walkdir::WalkDir::new(&folder)
        .follow_links(true)
        .sort_by_file_name();
    let mut files = Vec::new();
    for entry in walk {
        let (path, file) = match &entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => (entry.path(), Some(entry.path())),
            // No agents at all are no fault.
            Err(error) => match error.path() {
                Some(path) if path != folder => (path, None),
                Some(_) | None => continue,
            },
        };
        let is_agent = path.extension().is_some_and(|end| end == "md");
        if !is_agent && (file.is_some() || path.is_symlink()) {
            continue;
        }
        let inner = path.strip_prefix(&folder).unwrap_or(path);
        let (text, kept) = match (file, &entry) {
            (Some(file), _) => {
                let (text, kept) = read(file);
                match file.canonicalize() {
                    Ok(target) if target != real.join(inner) => linked(text, &target, &real),
                    Ok(_) | Err(_) => (text, kept),
                }
            }
            (None, Err(error)) => (String::new(), Some(kept(&unreadable(error), false))),
            (None, Ok(_)) => continue,
        };
        files.push(AgentFile {
            path: format!("{AGENTS}/{}", inner.display()),
            text,
            kept,
            wanted: false,
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn kept(why: &str, is_loaded: bool) -> Kept {
    Kept {
        why: why.to_owned(),
        is_loaded,
    }
}

fn unreadable(error: &walkdir::Error) -> String {
    match error.io_error() {
        Some(error) => format!("it can't be read: {error}"),
        None => "it is a link that leads back to where it is".to_owned(),
    }
}

// A link stays one; the client loads what it leads to, under the path of the link.
fn linked(text: String, target: &Path, agents: &Path) -> (String, Option<Kept>) {
    if target.starts_with(agents) {
        // The same agent under its own path: the link has no say of its own.
        let why = "it is a link to an agent file that is read by itself";
        return (String::new(), Some(kept(why, true)));
    }
    let why = "it is a link, and what it leads to is not in this folder; put a file in its place";
    (text, Some(kept(why, true)))
}

fn read(path: &Path) -> (String, Option<Kept>) {
    let fault = |why: &str, is_loaded| (String::new(), Some(kept(why, is_loaded)));
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) => return fault(&format!("it can't be read: {error}"), false),
    };
    if !data.is_file() {
        return fault("it is no plain file", false);
    }
    if data.len() > MOST_BYTES {
        return fault(
            &format!("it is larger than {} MiB", MOST_BYTES >> 20),
            false,
        );
    }
    match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => (text, None),
        Ok(Err(error)) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let why = format!("it is no UTF-8 text, from byte {at} on");
            let is_loaded = !is_utf16(bytes);
            let text = String::from_utf8_lossy(bytes).into_owned();
            (text, Some(kept(&why, is_loaded)))
        }
        Err(error) => fault(&format!("it can't be read: {error}"), false),
    }
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

// The text of a file of JSON as the client reads it: UTF-16 by its mark, else UTF-8 with a sign for what
// is none.
fn text_of(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) else {
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    };
    let units: Vec<u16> = rest
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)))
        .collect();
    Some(String::from_utf16_lossy(&units))
}

fn settings(root: &Path, path: &str) -> Option<SettingsFile> {
    Some(SettingsFile {
        path: path.to_owned(),
        text: text_of(&root.join(path))?,
    })
}

// The sections that could be kept up to date in the document, where no heading says the same and the
// factory has none there yet.
fn offers(root: &Path, existing: &Existing) -> Vec<String> {
    let Ok(text) = fs::read_to_string(root.join(DOCUMENT)) else {
        return Vec::new();
    };
    let is_free = |title: &str| {
        let section = Rendered {
            title: title.to_owned(),
            text: String::new(),
        };
        let refreshed = document::refresh(&text, &[section], OnEdit::Keep);
        let mut added = refreshed.iter().flat_map(|refreshed| &refreshed.changes);
        added.any(|change| matches!(change, document::Change::Added { .. }))
    };
    let spec = existing.spec.as_deref().unwrap_or_default();
    SECTIONS
        .iter()
        .filter(|(title, template)| is_free(title) && !spec.contains(template))
        .map(|(title, template)| {
            format!(
                "document \"{DOCUMENT}\" {{ section \"{title}\" {{ template \"{template}\"; }}; }}"
            )
        })
        .collect()
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
    for profile in &spec.profiles {
        let grants = &profile.grants;
        let said = |word: &str, items: &[spec::ActionItem]| {
            let item = |item: &spec::ActionItem| {
                format!("{word} {} {}", item.capability.word(), item.text.value)
            };
            items.iter().map(item).collect::<Vec<_>>()
        };
        let others = profile.profiles.iter().chain(&profile.gates);
        let mut says: BTreeSet<String> = others.map(|name| name.value.clone()).collect();
        says.extend(said("may", &grants.may));
        says.extend(said("never", &grants.never));
        existing.profiles.insert(profile.name.value.clone(), says);
    }
    let servers = spec.servers.iter().map(|server| server.name.value.clone());
    existing.servers.extend(servers);
    let nevers = spec
        .grants
        .never
        .iter()
        .map(|item| format!("never {} {}", item.capability.word(), item.text.value));
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

// What build would do with an adopted factory; and where it can't be built, which agent files are at
// fault, each with why, and what is wrong first of all.
#[derive(Default)]
struct Tried {
    built: Option<Comparison>,
    faults: BTreeMap<String, String>,
    why: String,
}

fn tried(context: &Context, adoption: &Adoption) -> miette::Result<Tried> {
    if adoption.files.is_empty() {
        return Ok(Tried {
            built: Some(Comparison::default()),
            ..Tried::default()
        });
    }
    let texts: BTreeMap<String, String> = adoption.files.iter().cloned().collect();
    let loaded = check::load_over(context, texts)?;
    if loaded.checked.is_some() {
        let (checked, sources) = check::passed(context, loaded)?;
        return Ok(Tried {
            built: Some(build::compared(context, &checked, &sources)?),
            ..Tried::default()
        });
    }
    let mut why = None;
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
        why.get_or_insert_with(|| format!("{} ({})", finding.fault, finding.code));
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
    Ok(Tried {
        built: None,
        faults,
        why: why.unwrap_or_default(),
    })
}

struct Outcome<'a> {
    adoption: &'a Adoption,
    refused: &'a BTreeMap<String, String>,
    built: Option<&'a Comparison>,
    // Nodes that could be added.
    offers: Vec<String>,
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
            let _ = writeln!(text, "  {}: {}", in_the_open(path), in_the_open(why));
        }
        self.rules(&mut text);
        self.servers(&mut text);
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

    fn servers(&self, text: &mut String) {
        let servers = &self.adoption.servers;
        if servers.is_empty() {
            return;
        }
        let said = servers.iter().filter(|server| server.kept.is_none());
        let _ = writeln!(
            text,
            "{} of {} of {SERVERS} {} nodes, and all of them stay in the file",
            said.count(),
            count(servers.len(), "server"),
            if self.dry_run {
                "would become"
            } else {
                "became"
            },
        );
        for server in servers {
            let name = in_the_open(&server.name);
            let _ = match &server.kept {
                Some(why) => writeln!(text, "  {name}: kept as it is; it {why}"),
                None => writeln!(text, "  {name}: server \"{name}\""),
            };
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
        if !self.offers.is_empty() {
            let _ = writeln!(
                text,
                "\n{DOCUMENT} keeps its text. No heading of it says the same, so this could be kept up to date in it:"
            );
            for node in &self.offers {
                let _ = writeln!(text, "  {node}");
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
        let servers: Vec<_> = adoption
            .servers
            .iter()
            .map(|server| json!({"name": server.name, "kept": server.kept}))
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
            "servers": servers,
            "offers": self.offers,
        });
        format!("{report:#}\n")
    }
}
