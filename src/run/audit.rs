//! The audit: every change between two trees, judged by what its author may write.
//!
//! It looks at trees that the runner made from files, so whatever made a change and however it was
//! hidden from others, it is one of two things here: permitted, or refused by name.

use std::collections::BTreeMap;

use super::{
    event::{ChangeKind, Refusal},
    filter,
    git::{Blob, ChangedFile, Git, GitError},
    links::Links,
};
use crate::{
    boundary::{Decision, Grant, PathPattern, PatternError},
    plan::{Agent, Gate, GateKind, Plan, Reservations, Reserved, Role},
};

const LINK: &str = "120000";
const REPOSITORY: &str = "160000";
const NOTHING: &str = "000000";

/// A path that is not the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The path; what is no UTF-8 in it is replaced, and `readable` is false.
    pub path: String,
    /// Whether the path is UTF-8.
    pub readable: bool,
    /// What was done.
    pub kind: ChangeKind,
    /// The mode before, as git writes it.
    pub old_mode: String,
    /// The mode afterwards.
    pub new_mode: String,
    /// The name of the content afterwards; empty where there is none.
    pub new_id: String,
}

/// Why two trees could not be compared or judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuditError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The plan holds a path that is none.
    #[error("the plan names a path that is none: {0}")]
    Pattern(#[from] PatternError),
}

/// Returns the changes from the tree `old` to the tree `new`, by path. A rename is two of them.
pub(super) async fn changes(git: &Git, old: &str, new: &str) -> Result<Vec<Change>, GitError> {
    let changed = git.changed(old, new).await?;
    Ok(changed.iter().map(Change::of).collect())
}

impl Change {
    fn of(file: &ChangedFile) -> Self {
        let mode = |blob: &Option<Blob>| match blob {
            Some(blob) => blob.mode.clone(),
            None => NOTHING.to_owned(),
        };
        let (old_mode, new_mode) = (mode(&file.before), mode(&file.after));
        let kind = match (&file.before, &file.after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            (Some(old), Some(new)) if old.mode.get(..3) != new.mode.get(..3) => ChangeKind::Type,
            (Some(old), Some(new)) if old.id == new.id => ChangeKind::Mode,
            (Some(_), Some(_)) => ChangeKind::Modified,
        };
        Self {
            path: file.path.to_string_lossy().into_owned(),
            readable: file.path.to_str().is_some(),
            kind,
            old_mode,
            new_mode,
            new_id: file
                .after
                .as_ref()
                .map(|blob| blob.id.clone())
                .unwrap_or_default(),
        }
    }
}

/// Who made the changes, and from where to where.
pub(super) struct Work<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The role that worked.
    pub role: &'a Role,
    /// The step that it worked in.
    pub agent: &'a Agent,
    /// The tree that it started from.
    pub old: &'a str,
    /// The tree that it left.
    pub new: &'a str,
}

/// Returns the changes of `work` that may not land, by path, each once.
pub(super) async fn refusals(
    git: &Git,
    work: &Work<'_>,
    changes: &[Change],
) -> Result<Vec<Refusal>, AuditError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let links_changed = changes
        .iter()
        .any(|change| change.old_mode == LINK || change.new_mode == LINK);
    let before = Links::of(git, work.old).await?;
    let after = if links_changed {
        Some(Links::of(git, work.new).await?)
    } else {
        None
    };
    // What is kept by a name is kept where links lead from there, before the work and after it.
    let mut kept = work.plan.reservations()?;
    for links in std::iter::once(&before).chain(&after) {
        let named = links
            .paths()
            .filter(|path| kept.taking(path).next().is_some());
        let folders: Vec<String> = named
            .filter_map(|path| Some(path.rsplit_once('/')?.0.to_owned()))
            .collect();
        kept = kept.followed(&folders, |path| links.real(path));
    }
    let judge = Judge::new(work, kept);
    let mut refused: BTreeMap<String, Refusal> = BTreeMap::new();
    for change in changes {
        if let Some(why) = judge.refuses(change) {
            let refusal = Refusal {
                path: change.path.clone(),
                change: change.kind,
                why,
            };
            refused.insert(change.path.clone(), refusal);
        }
    }
    let filtered = filter::all(git, work.new).await?;
    for change in changes {
        if let Some(filter) = filtered.get(&change.path) {
            refused
                .entry(change.path.clone())
                .or_insert_with(|| Refusal {
                    path: change.path.clone(),
                    change: change.kind,
                    why: format!("its attribute is `filter={filter}`, and no filter runs here"),
                });
        }
    }
    if let Some(after) = after {
        let before = before.leaving();
        let after = after.leaving();
        for (path, target) in &after {
            if before.contains_key(path) && !changes.iter().any(|change| &change.path == path) {
                continue;
            }
            let kind = changes.iter().find(|change| &change.path == path);
            refused.entry(path.clone()).or_insert_with(|| Refusal {
                path: path.clone(),
                change: kind.map_or(ChangeKind::Modified, |change| change.kind),
                why: format!("the link leads out of the project, to `{target}`"),
            });
        }
    }
    Ok(refused.into_values().collect())
}

struct Judge<'a> {
    plan: &'a Plan,
    kept: Reservations,
    write: Grant<PathPattern>,
    gates: Vec<(&'a str, &'a Gate)>,
}

impl<'a> Judge<'a> {
    fn new(work: &Work<'a>, kept: Reservations) -> Self {
        let plan = work.plan;
        let mut names: Vec<&String> = Vec::new();
        let mut next: Vec<&String> = work.role.gates.iter().collect();
        while let Some(name) = next.pop() {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            if let Some(Gate {
                kind: GateKind::Rollback { passes, .. },
                ..
            }) = plan.gates.get(name)
            {
                next.extend(passes);
            }
        }
        let gates = names
            .into_iter()
            .filter_map(|name| Some((name.as_str(), plan.gates.get(name)?)));
        Self {
            plan,
            kept,
            write: Plan::boundary_in(work.role, work.agent).write,
            gates: gates.collect(),
        }
    }

    fn refuses(&self, change: &Change) -> Option<String> {
        if !change.readable {
            return Some("its name is no UTF-8".into());
        }
        if change.old_mode == REPOSITORY || change.new_mode == REPOSITORY {
            return Some("it is a repository of its own".into());
        }
        let path = change.path.as_str();
        for reserved in self.kept.taking(path).map(|one| one.reserved) {
            match reserved {
                // The runner writes the managed sections itself before the gates.
                Reserved::Sections => {
                    if matches!(change.kind, ChangeKind::Deleted | ChangeKind::Type) {
                        return Some("it holds managed sections".into());
                    }
                }
                reserved => {
                    return Some(format!("no role may write it: {}", reserved.reason()));
                }
            }
        }
        if let Some(gate) = self.seals(path) {
            return Some(format!(
                "it decides the gate `{gate}`, which judges this work"
            ));
        }
        let mut copied = self.plan.workspace.copy.iter();
        if copied.any(|copy| copy.path == path) {
            return Some("it is copied into the workspace and never lands".into());
        }
        match self.write.decide(path) {
            Decision::Permitted { .. } => None,
            Decision::Taken { never } => Some(match self.write.never.get(never) {
                Some(entry) => format!("`never` takes it away: `{}`", entry.pattern),
                None => "`never` takes it away".into(),
            }),
            Decision::Narrowed => Some("this step's `only` leaves it out".into()),
            Decision::NotGranted => Some("nothing grants it".into()),
        }
    }

    fn seals(&self, path: &str) -> Option<&'a str> {
        let (name, _) = self.gates.iter().find(|(_, gate)| {
            gate.sealed.iter().any(|entry| entry.takes(path))
                || script(gate).is_some_and(|script| script == path)
        })?;
        Some(name)
    }
}

// The file that a gate's command starts with, by itself or by an interpreter: who writes it decides
// the gate.
fn script(gate: &Gate) -> Option<&str> {
    const INTERPRETERS: [&str; 10] = [
        "sh", "bash", "dash", "zsh", "ruby", "python", "python3", "node", "perl", "php",
    ];
    let GateKind::Run { command } = &gate.kind else {
        return None;
    };
    let mut words = command.split_ascii_whitespace();
    let mut first = words.next()?;
    let program = first.rsplit('/').next()?;
    if INTERPRETERS.contains(&program) {
        first = words.find(|word| !word.starts_with('-'))?;
    }
    Some(first.strip_prefix("./").unwrap_or(first))
}
