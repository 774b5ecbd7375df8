//! One file a subcommand: arguments in, exit code out. The only room that prints.

use std::{
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};

mod adopt;
mod ancestry;
mod approve;
mod build;
mod changes;
mod can;
mod cache;
mod check;
mod commands;
mod compile;
mod demo;
mod diff;
mod eject;
mod exec;
mod explain;
mod fmt;
mod gate;
mod grant;
mod guard;
mod held;
mod hidden;
mod init;
mod interrupt;
mod locked;
mod mend;
mod plain;
mod plan;
mod prompt;
mod refusals;
mod report;
mod review;
mod revision;
mod rewrite;
mod screen;
mod show;
mod snap;
mod tell;
mod templates;
mod why;

use crate::{
    cache::{Limits, Store, default_dir},
    diagnostics::{self, Findings, Sources},
    run::{Project, ProjectError},
    spec::on_parse_stack,
};

use commands::Line;

/// How a command ends. The codes stand here and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done, and nothing is wrong.
    Success,
    /// 1: the command did its work and found something wrong: a finding, a difference, a red gate.
    Findings,
    /// 3: a task failed, or the command could not do its work.
    Failed,
    /// 4: a task waits for a person.
    Waiting,
    /// 5: rights were widened, which `diff` was asked about.
    Widened,
}

impl ExitStatus {
    /// Returns the code. 2 is left out: it means wrong usage, and for a client's hook a refusal.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Failed => 3,
            Self::Waiting => 4,
            Self::Widened => 5,
        }
    }
}

/// A compiler and runner for teams of AI agents: what is declared is what holds
#[derive(Debug, Parser)]
#[command(
    name = "factory",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 success, 1 findings, 2 wrong usage, 3 failed, 4 waiting for a person, 5 rights widened (`diff`).\n\
                  New here? `factory demo` shows a whole evening in ten seconds; `factory init` starts your own."
)]
struct Global {
    /// Folder of the project
    #[arg(short = 'C', long = "project", value_name = "DIR", global = true)]
    project: Option<PathBuf>,

    /// When to colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto, global = true)]
    color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(code) = hidden::act(&words) {
        return code;
    }
    let line = Line::read(words).unwrap_or_else(|error| error.exit());
    match line.act_alone() {
        Ok(Some(code)) => return code,
        Ok(None) => {}
        Err(error) => error.exit(),
    }
    let context = match Context::new(&line.global) {
        Ok(context) => context,
        Err(report) => return complain(&report),
    };
    if line.reads_spec() {
        // What panics has said so; what can't have a thread has not.
        on_parse_stack(|| act(&line, &context))
            .unwrap_or_else(|| complain(&miette::miette!("the command came to no end")))
    } else {
        act(&line, &context)
    }
}

fn act(line: &Line, context: &Context) -> ExitCode {
    let mut out = io::stdout().lock();
    let result = line.act(context, &mut out);
    let result = result.unwrap_or_else(|error| error.exit());
    let flushed = out.flush();
    match result {
        Ok(status) => match flushed {
            Ok(()) => ExitCode::from(status.code()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::from(status.code())
            }
            Err(error) => pipe(&error),
        },
        Err(report) => match report.downcast_ref::<Unwritten>() {
            Some(Unwritten(error)) => pipe(error),
            None => complain(&report),
        },
    }
}

/// Does what the command of `words` does alone.
fn dispatch_words(
    words: &[&str],
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let words = std::iter::once(&"factory").chain(words);
    let line = Line::read(words.map(Into::into).collect());
    line.and_then(|line| line.act(context, out))
        .map_err(|error| miette::miette!("{error}"))?
}

// A reader that has seen enough, as `head` does, is no fault.
fn pipe(error: &io::Error) -> ExitCode {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => complain(&miette::miette!("the answer can't be written: {error}")),
    }
}

fn complain(report: &miette::Report) -> ExitCode {
    let _ = writeln!(io::stderr(), "{report:?}");
    ExitCode::from(ExitStatus::Failed.code())
}

/// What every subcommand knows.
struct Context {
    /// Where the command was called.
    start: PathBuf,
    /// The root of the project.
    root: PathBuf,
    colour_out: bool,
    colour_err: bool,
    width: usize,
}

impl Context {
    fn new(global: &Global) -> miette::Result<Self> {
        let start = global.project.clone().unwrap_or_else(|| PathBuf::from("."));
        let root = start
            .canonicalize()
            .map_err(|error| miette::miette!("`{}` is no folder: {error}", start.display()))?;
        let start = root.clone();
        let root = if global.project.is_none() {
            project_root(&root)
        } else {
            root
        };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = |terminal: bool| match global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !plain,
        };
        let (colour_out, colour_err) = (
            coloured(io::stdout().is_terminal()),
            coloured(io::stderr().is_terminal()),
        );
        // For the messages of errors, which miette renders by itself.
        miette::set_hook(Box::new(move |_| {
            let theme = if colour_err {
                miette::GraphicalTheme::unicode()
            } else {
                miette::GraphicalTheme::unicode_nocolor()
            };
            Box::new(miette::GraphicalReportHandler::new_themed(theme).with_links(false))
        }))
        .map_err(|error| miette::miette!("{error}"))?;
        Ok(Self {
            start,
            root,
            colour_out,
            colour_err,
            width: width(),
        })
    }

    /// Returns the context of a command that is called in another project.
    fn in_folder(&self, root: &Path) -> Self {
        Self {
            start: root.to_owned(),
            root: root.to_owned(),
            ..*self
        }
    }

    /// Returns `path` as the person meant it: from where the command was called.
    fn at(&self, path: &Path) -> PathBuf {
        self.start.join(path)
    }

    /// Returns the project as the runner knows it.
    async fn project(&self) -> miette::Result<Project> {
        self.open_project().await.map_err(chain)
    }

    /// Returns the project as the runner knows it, or why it does not.
    async fn open_project(&self) -> Result<Project, ProjectError> {
        Project::open(&self.root, std::env::vars_os().collect()).await
    }

    /// Returns what is known of gates; nothing where no place for it can be told.
    #[expect(
        clippy::unused_self,
        reason = "asked of the context, as all that a command is given"
    )]
    fn store(&self) -> miette::Result<Option<Store>> {
        let env = |name: &str| std::env::var_os(name);
        let limits = Limits::from_environment(&env).map_err(miette::Report::from_err)?;
        Ok(default_dir(&env).map(|folder| Store::open(folder).within(limits)))
    }

    /// Returns this program, which agents are started through.
    #[expect(
        clippy::unused_self,
        reason = "asked of the context, as all that a command is given"
    )]
    fn exe(&self) -> miette::Result<PathBuf> {
        std::env::current_exe()
            .map_err(|error| miette::miette!("this program can't be found: {error}"))
    }

    /// Returns findings as people read them, for the stream that is coloured or not.
    fn human(&self, findings: &Findings, sources: &Sources, colour: bool) -> String {
        let format = diagnostics::Format::Human {
            colour,
            width: self.width,
        };
        diagnostics::render(findings, sources, format)
    }
}

// The nearest folder upwards that holds a spec, so that a command works from below the root.
fn project_root(start: &Path) -> PathBuf {
    start
        .ancestors()
        .find(|folder| folder.join("factory.kdl").is_file())
        .unwrap_or(start)
        .to_owned()
}

fn width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let terminal = || {
        rustix::termios::tcgetwinsize(io::stderr())
            .ok()
            .map(|size| size.ws_col.into())
    };
    columns
        .or_else(terminal)
        .filter(|width| *width >= 40)
        .unwrap_or(100)
        .min(120)
}

/// Returns "1 error", "2 errors".
fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// Writes `text`; an error of the stream ends the command.
fn print(out: &mut dyn Write, text: &str) -> miette::Result<()> {
    let written = out.write_all(text.as_bytes());
    written.map_err(|error| Unwritten(error).into())
}

/// Writes the last words of a command whose status stands whether or not anyone has read so far.
fn conclude(out: &mut dyn Write, text: &str, status: ExitStatus) -> miette::Result<ExitStatus> {
    match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unwritten(error).into()),
        Ok(()) | Err(_) => Ok(status),
    }
}

/// The answer could not be written; a reader who has seen enough is no fault.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the answer can't be written")]
struct Unwritten(#[source] io::Error);

/// Returns an error with all its causes, as one message after the other.
fn chain(error: impl std::error::Error + Send + Sync + 'static) -> miette::Report {
    miette::IntoDiagnostic::into_diagnostic(Err::<std::convert::Infallible, _>(error))
        .map_or_else(|report| report, |never| match never {})
}
