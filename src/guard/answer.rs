//! The whole hook: its input in, its output and exit code out.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

use miette::Diagnostic as _;
use serde_json::json;

use super::{
    Decision, Place, ToolCall,
    decide::{decide, entry},
    observed,
};
use crate::plan::{GuardMode, Plan};

/// How the hook was called.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The lock; without it, the one of the project that the call happens in.
    pub plan: Option<PathBuf>,
    /// The root of the project or clone; without it, the nearest folder above that has a lock.
    pub root: Option<PathBuf>,
    /// The role whose session it is, whatever the call says: `exec` knows.
    pub role: Option<String>,
    /// What the client calls the agent in whose file the hook stands: the call is that agent's, and no
    /// person's.
    pub agent: Option<String>,
    /// The step's private folder, which may be read.
    pub private: Option<PathBuf>,
    /// A file to which every refusal is added: one JSON object a line.
    pub refusals: Option<PathBuf>,
    /// The environment of the session.
    pub environment: BTreeMap<OsString, OsString>,
}

/// What the hook says to the client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code: 0, or 2 for a refusal.
    pub code: u8,
}

impl Reply {
    fn refuse(why: &str) -> Self {
        Self {
            stdout: String::new(),
            stderr: format!("refused: {why}\n"),
            code: 2,
        }
    }
}

/// Answers one hook call. Never fails: what goes wrong refuses the call, unless it is plainly a
/// person's own.
///
/// Where a session starts below several factories, each of them has its say, and the strictest counts:
/// one that does not know the agent treats it as the person, and one that does as its role.
pub fn answer(input: &[u8], setting: &Setting) -> Reply {
    let mut call = match ToolCall::parse(input) {
        Ok(call) => call,
        Err(error) => return Reply::refuse(&error.to_string()),
    };
    call.agent_type = call.agent_type.or_else(|| setting.agent.clone());
    let is_agents = setting.role.is_some() || call.agent_type.is_some();
    let factories = match load(&call.cwd, setting) {
        Ok(found) => found,
        Err(why) if is_agents => return Reply::refuse(&why),
        Err(_) => return Reply::default(),
    };
    if let Some(agent) = setting.agent.as_ref().and(call.agent_type.as_ref())
        && !factories
            .iter()
            .any(|(plan, _)| entry(plan, agent).is_some())
    {
        return Reply::refuse(&format!(
            "`{agent}` is a role of a factory that is not here: start the session in its project"
        ));
    }
    let mut asked = None;
    for (index, (plan, root)) in factories.into_iter().enumerate() {
        match one(&plan, root, &call, setting) {
            Decision::Pass => {}
            Decision::Ask(why) => asked = asked.or(Some(why)),
            Decision::Refuse(refusal) if index == 0 => return Reply::refuse(&refusal.why),
            Decision::Refuse(refusal) => {
                return Reply::refuse(&format!("{refusal}\nso says the factory above this one"));
            }
        }
    }
    match asked {
        None => Reply::default(),
        Some(why) => {
            let output = json!({
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "ask",
                    "permissionDecisionReason": why,
                }
            });
            Reply {
                stdout: format!("{output}\n"),
                ..Reply::default()
            }
        }
    }
}

// What one factory says of a call; what it refuses is taken down.
fn one(plan: &Plan, root: PathBuf, call: &ToolCall, setting: &Setting) -> Decision {
    let place = Place {
        root,
        private: setting.private.clone(),
        role: setting.role.clone(),
        environment: setting.environment.clone(),
    };
    // In `exec` it is never off, and no role is merely observed.
    let interactive = setting.role.is_none();
    if interactive && observed::is_off(&place.root).is_some() {
        return Decision::Pass;
    }
    let who = call.agent_type.as_deref().filter(|_| interactive);
    let who = who.and_then(|name| entry(plan, name));
    let passes = who.is_some_and(|(_, role)| role.guard == GuardMode::Observe);
    if let Some((name, _)) = who.filter(|_| passes) {
        observed::seen(&place.root, name);
    }
    let decision = decide(plan, call, &place);
    let Decision::Refuse(refusal) = &decision else {
        return decision;
    };
    if let Some((name, _)) = who {
        observed::record(plan, &place, name, call, refusal, passes);
    }
    if passes {
        return Decision::Pass;
    }
    if let Some(file) = &setting.refusals {
        record(file, call, &refusal.why);
    }
    decision
}

/// Finds the factories that a hook in the folder `cwd` is about, each with its root, the nearest first.
///
/// The client looks for agents where the session started and in each folder above, up to the root of the
/// repository; so that is where their factories are.
pub(super) fn load(cwd: &Path, setting: &Setting) -> Result<Vec<(Plan, PathBuf)>, String> {
    let roots = match &setting.root {
        Some(root) => vec![root.clone()],
        None => {
            let project = setting
                .environment
                .get(OsStr::new("CLAUDE_PROJECT_DIR"))
                .map(Path::new);
            let starts = [project, Some(cwd)].into_iter().flatten();
            let mut found = starts.map(roots).filter(|roots| !roots.is_empty());
            found
                .next()
                .ok_or_else(|| format!("no `{}` here or above: run `factory build`", Plan::LOCK))?
        }
    };
    let plan = |root: PathBuf| {
        let file = setting
            .plan
            .clone()
            .unwrap_or_else(|| root.join(Plan::LOCK));
        let unusable = |why: String| format!("`{}` can't be used: {why}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
        let plan = Plan::from_text(&text).map_err(|error| {
            let help = error.help().map(|help| format!("\n{help}"));
            unusable(format!("{error}{}", help.unwrap_or_default()))
        })?;
        Ok((plan, root))
    };
    // A lock that is named is that of one place.
    let most = if setting.plan.is_some() {
        1
    } else {
        usize::MAX
    };
    roots.into_iter().take(most).map(plan).collect()
}

// The folders with a lock from `start` up to the root of its repository, or to the top where it is in none.
fn roots(start: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in start.ancestors() {
        if folder.join(Plan::LOCK).is_file() {
            found.push(folder.to_owned());
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    found
}

// For the report only: nothing depends on it, and what can't be written is not missed.
fn record(file: &Path, call: &ToolCall, why: &str) {
    let line = json!({
        "tool": call.tool_name,
        "call": call.tool_use_id,
        "why": why.lines().next().unwrap_or(why),
    });
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file) {
        let _ = writeln!(file, "{line}");
    }
}
