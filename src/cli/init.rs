//! `factory init`

use std::{fs, io::Write, path::Path};

use clap::builder::PossibleValuesParser;
use ignore::WalkBuilder;

use super::{Context, ExitStatus, check, compile, count, print};
use crate::{
    emit::{Prompt, snapshot},
    init::{File, FirstFactory, PlaceError, Placed, Project, ROLES, first_factory, place},
};

const SPEC: &str = "factory.kdl";

const STANDS: &str = "factory.kdl is already there; nothing was written\n\n\
                      `factory check` checks it, `factory explain role` tells how to add to it\n";

/// How many files of a project are looked at; more would tell nothing new of its stack.
const MOST_FILES: usize = 50_000;

/// The longest file that is read to tell the stack.
const MOST_BYTES: u64 = 1 << 20;

/// Write a first factory for this project
///
/// Looks at what is there (Cargo.toml, package.json, Gemfile, pyproject.toml, go.mod) and writes
/// factory.kdl and roles/, with gates that can run here. Never writes over a file: where one stands
/// in the way, it says which, and writes nothing. Templates are shipped with the compiler; a project
/// has its own only where it wants other words.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Roles to start with
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = PossibleValuesParser::new(ROLES.iter().map(|role| role.name)))]
    roles: Vec<String>,

    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let root = &context.root;
    if !root.join(".git").exists() {
        return Err(not_a_repository(root));
    }
    // In the order of declaration, each once, whatever was typed.
    let wanted = |name: &str| args.roles.is_empty() || args.roles.iter().any(|asked| asked == name);
    let roles: Vec<_> = ROLES.iter().filter(|role| wanted(role.name)).collect();
    let folder = root.file_name().unwrap_or_default().to_string_lossy();
    let project = Project::new(&folder, files(root), |path| text(root, path));
    let first = first_factory(&project, &roles);
    if args.dry_run {
        return dry_run(&first, out);
    }
    if root.join(SPEC).exists() {
        print(out, STANDS)?;
        return Ok(ExitStatus::Findings);
    }
    let mut files = first.files.clone();
    files.extend(accepted_prompts(context, &first)?);
    let placed = match place(root, &files) {
        Ok(placed) => placed,
        Err(PlaceError::Taken(paths)) => {
            print(out, &refusal(&paths))?;
            return Ok(ExitStatus::Findings);
        }
        Err(error) => return Err(miette::miette!("{error}; nothing was written")),
    };
    print(out, &report(&first, &placed))?;
    Ok(ExitStatus::Success)
}

// The prompts are the shipped ones, so there is nothing in them to review. What would not pass its
// own check is not written.
fn accepted_prompts(context: &Context, first: &FirstFactory) -> miette::Result<Vec<File>> {
    let texts = first
        .files
        .iter()
        .map(|file| (file.path.clone(), file.text.clone()));
    let loaded = check::load_over(context, texts.collect())?;
    let (checked, sources) = check::passed(context, loaded)?;
    let prompts = compile::prompts(context, &checked, &sources)?;
    let file = |prompt: &Prompt| File::new(snapshot::path(&prompt.role), snapshot::render(prompt));
    Ok(prompts.iter().map(file).collect())
}

fn refusal(taken: &[String]) -> String {
    let list: String = taken.iter().map(|path| format!("  {path}\n")).collect();
    format!(
        "already there, and not what would be written:\n{list}\n\
         nothing was written; move them away, or start with other `--roles`\n"
    )
}

fn not_a_repository(root: &Path) -> miette::Report {
    match root.ancestors().find(|folder| folder.join(".git").exists()) {
        Some(top) => miette::miette!(
            help = format!("run it there, or with `-C {}`", top.display()),
            "a factory belongs into the root of its repository, and this folder lies below that"
        ),
        None => miette::miette!(
            help = "`git init` makes it one; work is done in clones and lands as commits",
            "this folder is no git repository"
        ),
    }
}

// The files that git does not ignore.
fn files(root: &Path) -> Vec<String> {
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let found = walk
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let paths = found.filter_map(|entry| {
        let path = entry.path().strip_prefix(root).ok()?;
        path.to_str().map(str::to_owned)
    });
    paths.take(MOST_FILES).collect()
}

fn text(root: &Path, path: &str) -> Option<String> {
    let path = root.join(path);
    let small = fs::metadata(&path).is_ok_and(|data| data.len() <= MOST_BYTES);
    small.then(|| fs::read_to_string(path).ok()).flatten()
}

fn dry_run(first: &FirstFactory, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    let mut text = String::new();
    for file in &first.files {
        text.push_str(&format!("would write {}\n", file.path));
    }
    if let Some(spec) = first.files.first() {
        text.push('\n');
        text.push_str(&spec.text);
    }
    print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn report(first: &FirstFactory, placed: &Placed) -> String {
    let stacks: Vec<_> = first.stacks.iter().map(|stack| stack.name).collect();
    let mut text = format!("This looks like {}.\n", stacks.join(" and "));
    for stack in &first.stacks {
        text.push_str(&format!(
            "  smoke test: {}   ({})\n",
            stack.smoke.run, stack.smoke.why
        ));
    }
    text.push_str(&format!(
        "\nwrote factory.kdl and {} in roles/, accepted in snapshots/\n",
        count(
            placed
                .written
                .iter()
                .filter(|path| path.starts_with("roles/"))
                .count(),
            "prompt"
        )
    ));
    if !placed.same.is_empty() {
        text.push_str(&format!(
            "already there, and the same: {}\n",
            placed.same.join(", ")
        ));
    }
    for note in &first.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.push_str(
        "\nNext:\n  \
         git add -A && git commit          work starts from a commit, and gates look at what changed since\n  \
         factory gate                      are the gates green before anyone works?\n  \
         factory build                     compile it: prompts, client files, CLAUDE.md, factory.lock\n  \
         factory plan \"what you want\"      a sentence becomes steps\n",
    );
    text
}
