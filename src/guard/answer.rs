//! The whole hook: its input in, its output and exit code out.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

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
pub fn answer(input: &[u8], setting: &Setting) -> Reply {
    let call = match ToolCall::parse(input) {
        Ok(call) => call,
        Err(error) => return Reply::refuse(&error.to_string()),
    };
    let is_agents = setting.role.is_some() || call.agent_type.is_some();
    let (plan, root) = match load(&call.cwd, setting) {
        Ok(found) => found,
        Err(why) if is_agents => return Reply::refuse(&why),
        Err(_) => return Reply::default(),
    };
    let place = Place {
        root,
        private: setting.private.clone(),
        role: setting.role.clone(),
        environment: setting.environment.clone(),
    };
    // In `exec` it is never off, and no role is merely observed.
    let interactive = setting.role.is_none();
    if interactive && observed::is_off(&place.root).is_some() {
        return Reply::default();
    }
    let who = call.agent_type.as_deref().filter(|_| interactive);
    let who = who.and_then(|name| entry(&plan, name));
    let passes = who.is_some_and(|(_, role)| role.guard == GuardMode::Observe);
    if let Some((name, _)) = who.filter(|_| passes) {
        observed::seen(&place.root, name);
    }
    match decide(&plan, &call, &place) {
        Decision::Pass => Reply::default(),
        Decision::Refuse(why) => {
            if let Some((name, _)) = who {
                observed::record(&place.root, name, &call, &why, passes);
            }
            if passes {
                return Reply::default();
            }
            if let Some(file) = &setting.refusals {
                record(file, &call, &why);
            }
            Reply::refuse(&why)
        }
        Decision::Ask(why) => {
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

/// Finds the plan and the root that a hook in the folder `cwd` is about.
pub(super) fn load(cwd: &Path, setting: &Setting) -> Result<(Plan, PathBuf), String> {
    let root = setting.root.clone().or_else(|| {
        let project = setting
            .environment
            .get(OsStr::new("CLAUDE_PROJECT_DIR"))
            .map(Path::new);
        [project, Some(cwd)]
            .into_iter()
            .flatten()
            .flat_map(Path::ancestors)
            .find(|folder| folder.join(Plan::LOCK).is_file())
            .map(Path::to_owned)
    });
    let root =
        root.ok_or_else(|| format!("no `{}` here or above: run `factory build`", Plan::LOCK))?;
    let file = setting
        .plan
        .clone()
        .unwrap_or_else(|| root.join(Plan::LOCK));
    let unusable = |why: String| format!("`{}` can't be used: {why}", file.display());
    let text = std::fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
    let plan = Plan::from_text(&text).map_err(|error| unusable(error.to_string()))?;
    Ok((plan, root))
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
