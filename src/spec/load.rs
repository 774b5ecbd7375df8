//! The one reader of inputs.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use walkdir::WalkDir;

use super::{
    Spec, SpecError, Text,
    ast::SectionFrom,
    lower::lower,
    nearest,
    parse::WORTH_A_THREAD,
    stack::{STACK, on_parse_stack},
    syntax::{Node, nodes},
};
use crate::{
    boundary::{PathPattern, Pattern as _},
    diagnostics::{Findings, Source, Sources, Span},
    document::{
        Pointer,
        path::{folder_of, resolved},
        pointers,
    },
};

/// The largest spec, prompt, or template that is read.
const MAX_BYTES: u64 = 4 << 20;

/// How many paths are looked for because prompts name them; from then on all are taken to be there.
const MOST_ASKED: usize = 10_000;

/// Where templates of the project stand.
const TEMPLATES: &str = "templates";

/// Everything that a factory is made from, as text and as typed nodes.
#[derive(Debug)]
pub struct Loaded {
    /// All texts, in the order in which they were read.
    pub sources: Sources,
    /// The typed nodes of all spec files.
    pub spec: Spec,
    /// What is wrong with the texts by themselves.
    pub findings: Findings,
    /// Whether all spec files could be parsed. Where not, an unknown name may stand in the rest.
    pub complete: bool,
    /// The paths of those that could not.
    pub broken: Vec<String>,
    /// The paths of the spec files.
    pub spec_files: Vec<String>,
    /// The patterns of the includes: a new file that matches one would become part of the spec.
    pub includes: Vec<String>,
    /// The paths of the templates.
    pub templates: Vec<String>,
    /// The paths of the memories that roles have written and nothing else names. What is in them
    /// changes with the work.
    pub memories: Vec<String>,
    /// The files that prompts send their readers to and that are not there, in the order of the texts.
    pub missing: Vec<MissingFile>,
}

/// A file that a prompt sends its reader to, and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFile {
    /// Its path as the prompt has it, and where.
    pub path: Text,
    /// The paths from the root at which it was looked for.
    pub places: Vec<String>,
}

/// Why nothing could be loaded at all.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoadError {
    /// There is no spec.
    #[error("no `{path}` here")]
    #[diagnostic(
        code("factory::spec::no-spec"),
        help("`factory init` writes one for this project; `factory demo` shows one that works")
    )]
    Missing {
        /// The path looked for.
        path: String,
    },
    /// The spec can't be read.
    #[error("`{path}` can't be read: {reason}")]
    #[diagnostic(code("factory::spec::unreadable-spec"))]
    Unreadable {
        /// Its path.
        path: String,
        /// What the system or the text says.
        reason: String,
    },
}

/// Loads the spec at `path`, relative to `root`, with all that it includes and names.
///
/// # Errors
///
/// Where the spec itself is missing or can't be read. Everything else is a finding.
pub fn load(root: &Path, path: &str) -> Result<Loaded, LoadError> {
    load_over(root, path, BTreeMap::new())
}

/// Loads as [`load`] does, with `texts` in place of the files of these paths: what would be if
/// somebody wrote them.
///
/// # Errors
///
/// As [`load`].
pub fn load_over(
    root: &Path,
    path: &str,
    texts: BTreeMap<String, String>,
) -> Result<Loaded, LoadError> {
    let root = root.to_owned();
    load_from(
        path,
        Box::new(Folder {
            root,
            over: Texts(texts),
        }),
    )
}

/// Loads a factory from texts alone, as a test or a story of the linter does.
///
/// # Errors
///
/// Where `path` is not among `texts`.
pub fn load_texts(path: &str, texts: BTreeMap<String, String>) -> Result<Loaded, LoadError> {
    load_from(path, Box::new(Texts(texts)))
}

/// Loads a factory from files that are somewhere else, as in a commit.
///
/// # Errors
///
/// As [`load`].
pub fn load_from(path: &str, files: Box<dyn Files + Send>) -> Result<Loaded, LoadError> {
    let work = move || Loader::new(files).load(path);
    on_parse_stack(work).unwrap_or_else(|| {
        Err(LoadError::Unreadable {
            path: path.to_owned(),
            reason: "the KDL parser gave up on it".to_owned(),
        })
    })
}

/// Returns the files below `root` that `pattern` gives, in order, as an include looks for them.
pub fn files_of(root: &Path, pattern: &PathPattern) -> Vec<String> {
    let text = pattern.as_str();
    if !is_wild(text) {
        let is_file = root.join(text).is_file();
        return is_file.then(|| text.to_owned()).into_iter().collect();
    }
    let folder = Folder {
        root: root.to_owned(),
        over: Texts(BTreeMap::new()),
    };
    folder.matching(pattern)
}

/// Folders that no pattern of the spec looks into.
pub const PASSED_OVER: [&str; 3] = [".git", "target", "node_modules"];

/// Where texts come from. Paths are relative to the project root.
pub trait Files {
    /// Returns the text of a file.
    ///
    /// # Errors
    ///
    /// Where there is none.
    fn read(&self, path: &str) -> Result<String, ReadError>;

    /// Returns the paths of all files that `pattern` gives, in order.
    fn matching(&self, pattern: &PathPattern) -> Vec<String> {
        self.look(pattern).paths
    }

    /// Returns the files that `pattern` gives, and what it gives that is no file to be read.
    fn look(&self, pattern: &PathPattern) -> Found;

    /// Returns whether there is a file or a folder at `path`; what can't be told is there.
    fn exists(&self, path: &str) -> bool;
}

/// What a pattern gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The paths of files, in order.
    pub paths: Vec<String>,
    /// The paths of what is passed over, each with the reason.
    pub passed_over: Vec<(String, String)>,
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such file.
    Missing,
    /// It can't be read, and why.
    Other(String),
}

struct Folder {
    root: PathBuf,
    over: Texts,
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, ReadError> {
        if let Ok(text) = self.over.read(path) {
            return Ok(text);
        }
        let full = self.root.join(path);
        let other = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Missing,
            _ => ReadError::Other(format!("`{path}` can't be read: {error}")),
        };
        let data = fs::metadata(&full).map_err(other)?;
        if !data.is_file() {
            return Err(ReadError::Other(format!("`{path}` is not a file")));
        }
        if data.len() > MAX_BYTES {
            return Err(ReadError::Other(format!(
                "`{path}` is larger than {} MiB",
                MAX_BYTES >> 20
            )));
        }
        let bytes = fs::read(&full).map_err(other)?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            ReadError::Other(format!("`{path}` is not UTF-8 text, from byte {at} on"))
        })
    }

    fn look(&self, pattern: &PathPattern) -> Found {
        let prefix = literal_folder(pattern.as_str());
        let hidden = |name: &std::ffi::OsStr| PASSED_OVER.iter().any(|known| name == *known);
        let walk = WalkDir::new(self.root.join(prefix))
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| !(entry.file_type().is_dir() && hidden(entry.file_name())));
        let below = |path: &Path| {
            let path = path.strip_prefix(&self.root).ok()?.to_str()?;
            Some(path.replace('\\', "/"))
        };
        let mut paths: BTreeSet<_> = self.over.matching(pattern).into_iter().collect();
        let mut passed_over = Vec::new();
        for entry in walk {
            match entry {
                Ok(entry) => {
                    let Some(path) = below(entry.path()).filter(|path| pattern.gives(path)) else {
                        continue;
                    };
                    if entry.file_type().is_file() {
                        paths.insert(path);
                    } else if entry.path_is_symlink() && !paths.contains(&path) {
                        passed_over
                            .push((path, "is a link, and a pattern follows none".to_owned()));
                    }
                }
                Err(error) => {
                    let io = error.io_error();
                    let is_gone = io.is_none_or(|error| error.kind() == io::ErrorKind::NotFound);
                    if let (Some(path), Some(io), false) =
                        (error.path().and_then(below), io, is_gone)
                    {
                        passed_over.push((path, format!("can't be read: {io}")));
                    }
                }
            }
        }
        Found {
            paths: paths.into_iter().collect(),
            passed_over,
        }
    }

    fn exists(&self, path: &str) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound};
        let gone = |error: io::Error| matches!(error.kind(), NotFound | NotADirectory);
        self.over.exists(path) || !fs::metadata(self.root.join(path)).is_err_and(gone)
    }
}

struct Texts(BTreeMap<String, String>);

impl Files for Texts {
    fn read(&self, path: &str) -> Result<String, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::Missing)
    }

    fn look(&self, pattern: &PathPattern) -> Found {
        let paths = self.0.keys().filter(|path| pattern.gives(path));
        Found {
            paths: paths.cloned().collect(),
            passed_over: Vec::new(),
        }
    }

    fn exists(&self, path: &str) -> bool {
        is_among(&self.0, path)
    }
}

/// Returns whether `path` is one of `files`, or a folder that one of them is in.
pub fn is_among<V>(files: &BTreeMap<String, V>, path: &str) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    let mut below = files.range(folder.clone()..);
    files.contains_key(path)
        || below
            .next()
            .is_some_and(|(file, _)| file.starts_with(&folder))
}

// What a pattern needs to give more than the one path that it is.
const WILD: [char; 4] = ['*', '?', '[', '{'];

fn is_wild(pattern: &str) -> bool {
    pattern.contains(WILD)
}

// The folders that stand in front of the first wildcard.
fn literal_folder(pattern: &str) -> &str {
    let wild = pattern.find(WILD).unwrap_or(pattern.len());
    let end = pattern
        .get(..wild)
        .and_then(|literal| literal.rfind('/'))
        .unwrap_or(0);
    pattern.get(..end).unwrap_or_default()
}

struct Loader {
    files: Box<dyn Files>,
    loaded: Loaded,
    // Spec files that are parsed and not looked at yet, by path.
    ahead: BTreeMap<String, Parsed>,
    // The spec files that are being read, the outermost first.
    open: Vec<String>,
    done: BTreeSet<String>,
}

// One spec file: which of the sources it is, its nodes, and what is wrong with them.
struct Parsed {
    source: usize,
    nodes: Vec<Node>,
    findings: Findings,
}

// Below this, starting threads takes longer than they save.
const WORTH_THREADS: usize = 32 << 10;

// Parses `sources` in their order, on all cores where that pays.
fn parse(sources: &[Source]) -> Vec<(Vec<Node>, Findings)> {
    let bytes: usize = sources.iter().map(|source| source.text().len()).sum();
    let cores = if bytes < WORTH_A_THREAD {
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from)
    };
    // A file that has several cores to itself is cut into pieces.
    let threads = cores / sources.len().max(1);
    let one = |source: &Source| {
        let mut findings = Findings::default();
        let nodes = nodes(source, threads, &mut findings);
        (nodes, findings)
    };
    if bytes < WORTH_THREADS || cores == 1 || sources.len() == 1 {
        return sources.iter().map(one).collect();
    }
    // Large files are spread by giving each thread the next one that nobody has.
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, source)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            sources.get(index).map(|source| (index, source))
        } {
            done.push((index, one(source)));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let start = || {
            std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, work)
        };
        let others: Vec<_> = (1..cores.min(sources.len())).map(|_| start()).collect();
        let mut all = work();
        for other in others {
            // A thread that could not start has left its files to the others.
            match other.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(done)) => all.extend(done),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => {}
            }
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, parsed)| parsed).collect()
}

impl Loader {
    fn new(files: Box<dyn Files>) -> Self {
        let loaded = Loaded {
            sources: Sources::default(),
            spec: Spec::default(),
            findings: Findings::default(),
            complete: true,
            broken: Vec::new(),
            spec_files: Vec::new(),
            includes: Vec::new(),
            templates: Vec::new(),
            memories: Vec::new(),
            missing: Vec::new(),
        };
        Self {
            files,
            loaded,
            ahead: BTreeMap::new(),
            open: Vec::new(),
            done: BTreeSet::new(),
        }
    }

    fn load(mut self, path: &str) -> Result<Loaded, LoadError> {
        let text = self.files.read(path).map_err(|error| match error {
            ReadError::Missing => LoadError::Missing {
                path: path.to_owned(),
            },
            ReadError::Other(reason) => LoadError::Unreadable {
                path: path.to_owned(),
                reason,
            },
        })?;
        self.parse_ahead(vec![(path.to_owned(), text)]);
        self.spec_file(path, true);
        self.texts();
        self.templates();
        self.memories();
        self.missing();
        Ok(self.loaded)
    }

    fn parse_ahead(&mut self, files: Vec<(String, String)>) {
        let first = self.loaded.sources.files().len();
        let mut paths = Vec::with_capacity(files.len());
        for (path, text) in files {
            self.loaded.sources.add(path.as_str(), text);
            paths.push(path);
        }
        let sources = self.loaded.sources.files();
        let parsed = parse(sources.get(first..).unwrap_or_default());
        for (index, (path, (nodes, findings))) in paths.into_iter().zip(parsed).enumerate() {
            let source = first + index;
            let parsed = Parsed {
                source,
                nodes,
                findings,
            };
            self.ahead.insert(path, parsed);
        }
    }

    // Takes in a spec file that was parsed ahead.
    fn spec_file(&mut self, path: &str, root: bool) {
        let Some(Parsed {
            source,
            nodes,
            findings: wrong,
        }) = self.ahead.remove(path)
        else {
            return;
        };
        let Some(source) = self.loaded.sources.files().get(source) else {
            return;
        };
        self.done.insert(path.to_owned());
        self.open.push(path.to_owned());
        self.loaded.spec_files.push(path.to_owned());
        let findings = &mut self.loaded.findings;
        let start = source.span_at(0, 0);
        let empty = source.text().trim().is_empty();
        let broken = nodes.is_empty() && wrong.count(crate::diagnostics::Level::Error) > 0;
        findings.append(wrong);
        self.loaded.complete &= !broken;
        self.loaded.broken.extend(broken.then(|| path.to_owned()));
        let lowered = lower(&nodes, root, &mut self.loaded.spec, findings);
        if root {
            let compiler = env!("CARGO_PKG_VERSION");
            if let Some(version) = lowered.version.filter(|version| version.value != 1) {
                findings.add(SpecError::UnknownVersion {
                    version: version.value,
                    compiler,
                    span: version.span.into(),
                });
            }
            let required = lowered.requires;
            if let Some(required) = required
                .as_ref()
                .filter(|required| !is_version(&required.value))
            {
                findings.add(SpecError::WrongValue {
                    what: "factory requires=".to_owned(),
                    expected: "a version such as \"0.1\"".to_owned(),
                    help: Some(
                        "write the numbers alone: this version or a later one is meant".to_owned(),
                    ),
                    span: required.span.into(),
                    found: "no version",
                });
            }
            if let Some(required) = required
                && is_newer(&required.value, compiler)
            {
                findings.add(SpecError::NewerRequired {
                    required: required.value,
                    compiler,
                    span: required.span.into(),
                });
            }
            let named = nodes.iter().any(|node| node.def.name == "factory");
            if !named && (!broken || empty) {
                findings.add(SpecError::NoFactory { span: start.into() });
            }
        }
        for include in lowered.includes {
            self.include(&include);
        }
        self.open.pop();
    }

    fn include(&mut self, include: &Text) {
        let span = include.span;
        let pattern: PathPattern = match include.value.parse() {
            Ok(pattern) => pattern,
            Err(crate::boundary::PatternError { message, help, .. }) => {
                self.loaded.findings.add(SpecError::BadPattern {
                    message,
                    help,
                    span: span.into(),
                });
                return;
            }
        };
        self.loaded.includes.push(include.value.clone());
        let wild = is_wild(&include.value);
        let Found { paths, passed_over } = if wild {
            self.files.look(&pattern)
        } else {
            Found {
                paths: vec![include.value.clone()],
                passed_over: Vec::new(),
            }
        };
        for (path, reason) in passed_over {
            let span = span.into();
            let fault = SpecError::PassedOver { path, reason, span };
            self.loaded.findings.add(fault);
        }
        let mut files = Vec::new();
        for path in &paths {
            let known = self.done.contains(path) || self.ahead.contains_key(path);
            if known || self.open.contains(path) {
                continue;
            }
            match self.files.read(path) {
                Ok(text) => files.push((path.clone(), text)),
                Err(error) => self.unreadable(path, span, error, true),
            }
        }
        self.parse_ahead(files);
        for path in paths {
            if let Some(at) = self.open.iter().position(|open| *open == path) {
                // A pattern such as `*.kdl` means the other files.
                if !wild {
                    let circle = self.open.iter().skip(at).chain([&path]);
                    let cycle: Vec<_> = circle.map(String::as_str).collect();
                    self.loaded.findings.add(SpecError::IncludeCycle {
                        cycle: cycle.join(" → "),
                        span: span.into(),
                    });
                }
                continue;
            }
            if !self.done.contains(&path) {
                self.spec_file(&path, false);
            }
        }
    }

    fn unreadable(&mut self, path: &str, span: Span, error: ReadError, include: bool) {
        let near = match error {
            ReadError::Missing => self
                .nearest_file(path)
                .map(|near| format!("did you mean `{near}`?")),
            ReadError::Other(_) => None,
        };
        let findings = &mut self.loaded.findings;
        match error {
            ReadError::Missing if include => findings.add(SpecError::MissingInclude {
                path: path.to_owned(),
                help: near.unwrap_or_else(|| {
                    "write the file, or take the `include` away; a pattern such as `tasks/*.kdl` may match nothing"
                        .to_owned()
                }),
                span: span.into(),
            }),
            ReadError::Missing => findings.add(SpecError::UnreadableFile {
                reason: format!("no file called `{path}`"),
                help: near.unwrap_or_else(|| {
                    "write it, or correct the path; it is relative to the project root".to_owned()
                }),
                span: span.into(),
            }),
            ReadError::Other(reason) => findings.add(SpecError::UnreadableFile {
                reason,
                help: "specs, prompts, templates, and memories are UTF-8 text files".to_owned(),
                span: span.into(),
            }),
        }
    }

    // The file of the same folder that `path` is most likely a misspelling of.
    fn nearest_file(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/')?;
        let siblings = self.files.matching(&format!("{folder}/*").parse().ok()?);
        let names = siblings.iter().filter_map(|path| path.rsplit('/').next());
        Some(format!("{folder}/{}", nearest(name, names)?))
    }

    // The prompts that the spec names.
    fn texts(&mut self) {
        let spec = &self.loaded.spec;
        let preamble = spec
            .factory
            .iter()
            .filter_map(|factory| factory.preamble.clone());
        let prompts = spec.roles.iter().map(|role| role.prompt.clone());
        // An empty path stands for one that a finding has already spoken of.
        let named: Vec<Text> = preamble
            .chain(prompts)
            .filter(|path| !path.value.is_empty())
            .collect();
        for Text { value: path, span } in named {
            if !self.done.insert(path.clone()) {
                continue;
            }
            match self.files.read(&path) {
                Ok(text) => {
                    self.loaded.sources.add(path, text);
                }
                Err(error) => self.unreadable(&path, span, error, false),
            }
        }
    }

    // All templates of the project, and those that sections name.
    fn templates(&mut self) {
        let sections = self
            .loaded
            .spec
            .documents
            .iter()
            .flat_map(|document| &document.sections);
        let named: Vec<Text> = sections
            .filter_map(|section| match &section.from {
                SectionFrom::Template(path) => Some(path.clone()),
                SectionFrom::File(_) | SectionFrom::Files { .. } | SectionFrom::Nothing => None,
            })
            .collect();
        let Ok(pattern) = format!("{TEMPLATES}/**/*.hbs").parse() else {
            return;
        };
        for path in self.files.matching(&pattern) {
            if let Ok(text) = self.files.read(&path) {
                self.loaded.sources.add(path.clone(), text);
                self.loaded.templates.push(path);
            }
        }
        for Text { value, span } in named {
            let path = format!("{TEMPLATES}/{value}");
            let shipped = crate::template::shipped(&value).is_some();
            if !shipped && !self.loaded.templates.contains(&path) {
                let help = self.template_help(&value);
                let fault = SpecError::MissingTemplate {
                    name: value,
                    help,
                    span: span.into(),
                };
                self.loaded.findings.add(fault);
            }
        }
    }

    // Templates are named by what stands below their folder.
    fn template_help(&self, name: &str) -> String {
        let mut known: Vec<&str> = crate::template::shipped_names().collect();
        for path in &self.loaded.templates {
            let own = path.strip_prefix(TEMPLATES);
            known.extend(own.and_then(|path| path.strip_prefix('/')));
        }
        let below = name.strip_prefix(TEMPLATES);
        let below = below.and_then(|name| name.strip_prefix('/'));
        if let Some(below) = below {
            return format!(
                "a template is named by what stands below `{TEMPLATES}/`: write `{}`",
                nearest(below, known).unwrap_or(below)
            );
        }
        match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "write it as `{TEMPLATES}/{name}`; `factory templates` lists those there are"
            ),
        }
    }
}

impl Loader {
    // What roles keep between runs becomes a part of their prompts. One that nothing was written to
    // yet is no file.
    fn memories(&mut self) {
        let roles = self.loaded.spec.roles.iter();
        let named: Vec<Text> = roles
            .filter_map(|role| Some(role.memory.as_ref()?.path.clone()))
            .collect();
        for Text { value: path, span } in named {
            if self.loaded.templates.contains(&path) || !self.done.insert(path.clone()) {
                continue;
            }
            match self.files.read(&path) {
                Ok(text) => {
                    self.loaded.sources.add(path.clone(), text);
                    self.loaded.memories.push(path);
                }
                Err(ReadError::Missing) => {}
                Err(error @ ReadError::Other(_)) => self.unreadable(&path, span, error, false),
            }
        }
    }
}

impl Loader {
    // The files that prompts send their readers to: from the root, from where the prompt stands, or
    // from where the client's file stood that it was adopted from.
    fn missing(&mut self) {
        let spec = &self.loaded.spec;
        let preamble = spec.factory.iter().filter_map(|it| it.preamble.as_ref());
        let mut prompts: BTreeMap<&str, Option<&str>> =
            preamble.map(|path| (path.value.as_str(), None)).collect();
        for role in &spec.roles {
            let adopted = role.agent.as_ref().map(|agent| agent.path.value.as_str());
            prompts.insert(&role.prompt.value, adopted.map(folder_of));
        }
        let mut known: HashMap<String, bool> = HashMap::new();
        let mut missing = Vec::new();
        for source in self.loaded.sources.files() {
            let Some(adopted) = prompts.get(source.path()) else {
                continue;
            };
            let folders = [Some(""), Some(folder_of(source.path())), *adopted];
            for Pointer { span, path } in pointers(source.text()) {
                let mut places: Vec<String> = folders
                    .into_iter()
                    .flatten()
                    .filter_map(|folder| resolved(folder, &path))
                    .collect();
                places.dedup();
                let mut exists = |place: &String| {
                    if let Some(exists) = known.get(place) {
                        return *exists;
                    }
                    let exists = known.len() >= MOST_ASKED || self.files.exists(place);
                    known.insert(place.clone(), exists);
                    exists
                };
                // What lies outside of the project is not looked at.
                if !places.is_empty() && !places.iter().any(&mut exists) {
                    let span = source.span_at(span.start, span.len());
                    let path = Text::new(path, span);
                    missing.push(MissingFile { path, places });
                }
            }
        }
        self.loaded.missing = missing;
    }
}

fn is_version(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

// Compares versions by their numbers, part by part.
fn is_newer(required: &str, compiler: &str) -> bool {
    let parts = |version: &str| -> Vec<u64> {
        version
            .split(['.', '-'])
            .map_while(|part| part.parse().ok())
            .collect()
    };
    parts(required) > parts(compiler)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (required, compiler, then) in [
            ("0.1", "0.1.0", false),
            ("0.2", "0.1.9", true),
            ("0.10", "0.9.1", true),
            ("1", "0.1.0", true),
        ] {
            assert_eq!(
                is_newer(required, compiler),
                then,
                "{required} of {compiler}"
            );
        }
    }

    #[test]
    fn folders_before_the_first_wildcard() {
        for (pattern, then) in [
            ("tasks/*.kdl", "tasks"),
            ("*.kdl", ""),
            ("a/b/c.kdl", "a/b"),
            ("a/{b,c}/d", "a"),
        ] {
            assert_eq!(literal_folder(pattern), then, "{pattern}");
        }
    }
}
