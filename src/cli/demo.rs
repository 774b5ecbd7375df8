//! `factory demo`

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use super::{Context, ExitStatus, count, exec, tell::short};
use crate::{
    demo::{SENTENCE, unpack},
    run::{Proven, RunSummary, status},
};

/// Show a whole evening on a project of its own: no account, no network
///
/// Unpacks a small application with fifteen roles into a new folder and does what its owner would do:
/// check, build, plan a feature from one sentence, run it. The agents are recorded; everything else is
/// real.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to unpack into; it must not hold anything yet
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let started = Instant::now();
    let root = folder(args, context)?;
    let failed = |error: std::io::Error| miette::miette!("`{}`: {error}", root.display());
    unpack(&root).map_err(failed)?;
    let here = context.in_folder(&root);
    super::print(
        out,
        &format!(
            "A small application and its fifteen roles: {}\n",
            root.display()
        ),
    )?;
    git(&root, &["init", "--quiet", "--initial-branch=main"])?;
    git(&root, &["config", "user.name", "Owner"])?;
    git(&root, &["config", "user.email", "owner@example.com"])?;
    commit(&root, "Start")?;

    step(&here, &["check"], out)?;
    step(&here, &["build"], out)?;
    step(&here, &["snap", "accept"], out)?;
    commit(&root, "Found the factory")?;
    step(&here, &["plan", SENTENCE, "--leave"], out)?;
    commit(&root, "Plan the PDF export")?;
    step(&here, &["exec"], out)?;

    let summary = exec::asynchronous(async {
        let project = here.project().await?;
        let runs = status(&project).map_err(super::chain)?.runs;
        runs.into_iter()
            .next()
            .ok_or_else(|| miette::miette!("nothing has run"))
    })?;
    super::print(out, &closing(&summary, &root, started))?;
    Ok(exec::exit_status(&summary))
}

fn folder(args: &Args, context: &Context) -> miette::Result<PathBuf> {
    let Some(dir) = &args.dir else {
        let made = tempfile::Builder::new().prefix("factory-demo-").tempdir();
        let made = made.map_err(|error| miette::miette!("no temporary folder: {error}"))?;
        return Ok(made.keep());
    };
    let dir = context.at(dir);
    fs::create_dir_all(&dir).map_err(|error| miette::miette!("`{}`: {error}", dir.display()))?;
    let mut entries =
        fs::read_dir(&dir).map_err(|error| miette::miette!("`{}`: {error}", dir.display()))?;
    if entries.next().is_some() {
        return Err(miette::miette!(
            help = "name a new folder, or leave `--dir` out",
            "`{}` holds something already",
            dir.display()
        ));
    }
    dir.canonicalize()
        .map_err(|error| miette::miette!("`{}`: {error}", dir.display()))
}

// Shows a command as its owner would type it, and what it says: the same code as the command alone.
fn step(here: &Context, words: &[&str], out: &mut dyn Write) -> miette::Result<()> {
    let typed: Vec<_> = words
        .iter()
        .filter(|word| **word != "--leave")
        .map(|word| {
            if word.contains(' ') {
                format!("\"{word}\"")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    let typed = format!("$ factory {}", typed.join(" "));
    let shown = if here.colour_out {
        format!("\u{1b}[1m{typed}\u{1b}[0m")
    } else {
        typed
    };
    super::print(out, &format!("\n{shown}\n"))?;
    match super::dispatch_words(words, here, out)? {
        ExitStatus::Success => Ok(()),
        status => Err(miette::miette!(
            "`factory {}` ended with {}",
            words.join(" "),
            status.code()
        )),
    }
}

fn git(root: &Path, args: &[&str]) -> miette::Result<()> {
    let output = Command::new("git")
        .args(args)
        .current_dir(root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .map_err(|error| {
            miette::miette!(help = "the demo needs git", "git can't be started: {error}")
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(miette::miette!("git {}: {}", args.join(" "), said.trim()))
}

fn commit(root: &Path, message: &str) -> miette::Result<()> {
    git(root, &["add", "--all"])?;
    git(root, &["commit", "--quiet", "--message", message])
}

// Ten lines: what happened, and where to go on.
fn closing(run: &RunSummary, root: &Path, started: Instant) -> String {
    let steps = || run.tasks.iter().flat_map(|task| &task.steps);
    let commits: Vec<_> = steps().flat_map(|step| &step.commits).collect();
    let refused: Vec<_> = steps()
        .flat_map(|step| step.refused.iter().map(move |refusal| (step, refusal)))
        .map(|(step, refusal)| format!("{} ({}: {})", refusal.path, step.name, refusal.why))
        .collect();
    let shown: Vec<_> = commits
        .iter()
        .map(|(commit, subject)| format!("{} {subject}", short(commit)))
        .collect();
    let mut proofs: [Vec<String>; 3] = Default::default();
    for (criterion, proof) in run.tasks.iter().flat_map(|task| &task.criteria) {
        let [command, verdict, nobody] = &mut proofs;
        match proof {
            Proven::Command { run } => command.push(format!("`{run}`: {criterion}")),
            Proven::Refuted { run, .. } => nobody.push(format!("refuted by `{run}`: {criterion}")),
            Proven::Verdict { role, .. } => {
                verdict.push(format!("the verdict of {role}: {criterion}"));
            }
            Proven::Nobody => nobody.push(format!("nobody: {criterion}")),
        }
    }
    let proof = |list: &[String]| {
        if list.is_empty() {
            "nothing".to_owned()
        } else {
            list.join("; ")
        }
    };
    let [command, verdict, nobody] = &proofs;
    let branch = run
        .tasks
        .iter()
        .find_map(|task| task.branch.as_deref())
        .unwrap_or("factory/…");
    let mut text = String::from("\nWhat happened:\n");
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "  {name:9} {what}");
    };
    line(
        "commits",
        &format!("{} on {branch}: {}", commits.len(), shown.join("; ")),
    );
    line(
        "gates",
        &format!(
            "{}, {} replayed from the cache",
            count(run.judged as usize, "verdict"),
            run.replayed
        ),
    );
    line(
        "attempts",
        &format!("{}, for ${} in all", run.attempts, run.cost),
    );
    line("refused", &proof(&refused));
    line("proven by", &proof(command));
    line("", &proof(verdict));
    line("", &proof(nobody));
    line(
        "folder",
        &format!(
            "{} (after {:.1} s)",
            root.display(),
            started.elapsed().as_secs_f64()
        ),
    );
    line(
        "yours",
        "your own checkout there is untouched: main is where you left it",
    );
    let name = program();
    let _ = writeln!(
        text,
        "Try next: cd {}\n  {name} gate            every gate on your checkout, from the cache\n  \
         {name} report          the whole story, step by step\n  git log -p main..{branch}",
        root.display()
    );
    text
}

// How this program can be called again: by its name where that finds it.
fn program() -> String {
    let this = std::env::current_exe().ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("factory"))
        .find(|file| file.is_file());
    match (this, found) {
        (Some(this), Some(found)) if found.canonicalize().ok() == this.canonicalize().ok() => {
            "factory".to_owned()
        }
        (Some(this), _) => this.display().to_string(),
        (None, _) => "factory".to_owned(),
    }
}
