//! What the hook takes down of roles that it observes, and for how long it is off.
//!
//! All of it lies in git's common folder, below `factory/`: no role may write there, and nothing of it
//! lands. A call that can't be taken down passes as it would have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::ToolCall;
use crate::client::{self, ToolKind};

const REFUSALS: &str = "refusals.jsonl";
const DAYS: &str = "observed";
const OFF: &str = "guard-off";

/// How large the record may become before it starts anew; the one before it is kept.
const MOST_BYTES: u64 = 8 << 20;

/// A call that nothing grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Seconds since 1970.
    pub time: u64,
    /// Whose call it was.
    pub role: String,
    /// The client's tool.
    pub tool: String,
    /// What kind of thing it is: `write`, `run`, …; empty where no grant speaks of it.
    pub capability: String,
    /// The thing.
    pub subject: String,
    /// Why it is refused, in one line.
    pub why: String,
    /// Whether it passed, as the role was only observed.
    pub passed: bool,
}

impl Refusal {
    /// Returns whether a grant could allow it: nothing takes it away, and it is kept from no one.
    pub fn is_grantable(&self) -> bool {
        !self.capability.is_empty()
            && self.capability != "read"
            && !self.why.contains("takes it away")
            && !self.why.contains("no role may")
            && !self.why.contains("decides the gate")
            && !self.why.contains("outside the project")
    }
}

/// Returns the folder in which things are taken down for the project at `root`.
pub fn folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git.join("factory"));
    }
    let text = fs::read_to_string(&git).ok()?;
    let own = root.join(text.trim().strip_prefix("gitdir:")?.trim());
    let common = fs::read_to_string(own.join("commondir"));
    let common = common.map_or_else(|_| own.clone(), |path| own.join(path.trim()));
    Some(common.join("factory"))
}

/// Takes down that the role called `role` was observed today.
pub(super) fn seen(root: &Path, role: &str) {
    let Some(folder) = folder(root) else { return };
    let folder = folder.join(DAYS).join(role);
    let day = folder.join((now() / 86_400).to_string());
    if !day.exists() {
        let _ = fs::create_dir_all(&folder);
        let _ = fs::write(day, "");
    }
}

/// Takes down a call that nothing grants.
pub(super) fn record(root: &Path, role: &str, call: &ToolCall, why: &str, passed: bool) {
    let Some(folder) = folder(root) else { return };
    let (capability, subject) = asked(root, call, why);
    let refusal = Refusal {
        time: now(),
        role: role.to_owned(),
        tool: call.tool_name.clone(),
        capability,
        subject,
        why: why.lines().next().unwrap_or_default().to_owned(),
        passed,
    };
    let Ok(line) = serde_json::to_string(&refusal) else {
        return;
    };
    let path = folder.join(REFUSALS);
    if fs::metadata(&path).is_ok_and(|data| data.len() > MOST_BYTES) {
        let _ = fs::rename(&path, folder.join("refusals.1.jsonl"));
    }
    let _ = fs::create_dir_all(&folder);
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) {
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// Returns all that was taken down for the project at `root`, the oldest first. A line that can't be
/// read is left out.
pub fn refusals(root: &Path) -> Vec<Refusal> {
    let Some(folder) = folder(root) else {
        return Vec::new();
    };
    let texts = ["refusals.1.jsonl", REFUSALS].map(|name| fs::read_to_string(folder.join(name)));
    texts
        .iter()
        .flatten()
        .flat_map(|text| text.lines())
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Returns on how many days each role was observed at work.
pub fn days(root: &Path) -> BTreeMap<String, usize> {
    let entries = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect::<BTreeSet<_>>()
    };
    let Some(folder) = folder(root) else {
        return BTreeMap::new();
    };
    let folder = folder.join(DAYS);
    let roles = entries(&folder).into_iter();
    roles
        .map(|role| {
            let days = entries(&folder.join(&role)).len();
            (role, days)
        })
        .collect()
}

/// Turns the hook off for the project at `root`, for a time from now.
///
/// # Errors
///
/// Where that can't be written down.
pub fn turn_off(root: &Path, time: Duration) -> io::Result<()> {
    let folder = folder(root).ok_or_else(|| io::Error::other("this is no git repository"))?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(OFF), (now() + time.as_secs()).to_string())
}

/// Turns the hook on again.
///
/// # Errors
///
/// Where that can't be written down.
pub fn turn_on(root: &Path) -> io::Result<()> {
    let Some(folder) = folder(root) else {
        return Ok(());
    };
    match fs::remove_file(folder.join(OFF)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns for how many more seconds the hook is off; nothing where it is on.
pub fn is_off(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(folder(root)?.join(OFF)).ok()?;
    let until: u64 = text.trim().parse().ok()?;
    until.checked_sub(now()).filter(|left| *left > 0)
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs())
}

// Of what kind a refused call is, and the thing itself.
fn asked(root: &Path, call: &ToolCall, why: &str) -> (String, String) {
    let of = |capability: &str, subject: &str| (capability.to_owned(), subject.to_owned());
    if let Some(tool) = call.tool_name.strip_prefix("mcp__") {
        return match tool.split_once("__") {
            Some((server, tool)) => of("use", &format!("mcp:{server}/{tool}")),
            None => of("", tool),
        };
    }
    let Some(tool) = client::tool(&call.tool_name) else {
        return of("", &call.tool_name);
    };
    let subject = call.text(tool.subject).unwrap_or_default();
    let file = || {
        let path = call.cwd.join(subject);
        let inner = path.strip_prefix(root).unwrap_or(&path);
        inner.display().to_string()
    };
    match tool.kind {
        ToolKind::WriteFile => of("write", &file()),
        ToolKind::ReadFile | ToolKind::Search | ToolKind::List => of("read", &file()),
        ToolKind::Shell => {
            wanted(why).unwrap_or_else(|| of("run", subject.lines().next().unwrap_or_default()))
        }
        ToolKind::Fetch => {
            let rest = subject.split_once("://").map_or(subject, |(_, rest)| rest);
            of(
                "reach",
                rest.split(['/', '?', '#', ':']).next().unwrap_or(rest),
            )
        }
        ToolKind::SearchWeb => of("reach", "*"),
        ToolKind::Delegate => of("delegate", subject),
        ToolKind::Server => of("use", &format!("mcp:{subject}")),
        ToolKind::Harmless => of("", &call.tool_name),
    }
}

// The grant that a refused shell line would take, as its reason says: `may { run "make"; }`.
fn wanted(why: &str) -> Option<(String, String)> {
    let (_, rest) = why.split_once("it would take `may { ")?;
    let (capability, rest) = rest.split_once(' ')?;
    let end = rest.rfind("; }`")?;
    let subject: String = serde_json::from_str(rest.get(..end)?).ok()?;
    Some((capability.to_owned(), subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, input: &str) -> ToolCall {
        let text =
            format!(r#"{{"agent_type":"a","cwd":"/p","tool_name":"{tool}","tool_input":{input}}}"#);
        ToolCall::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_call_is_told_in_the_words_of_grants() {
        let cases = [
            (
                call("Write", r#"{"file_path":"/p/src/a.rs"}"#),
                "",
                "write",
                "src/a.rs",
            ),
            (
                call("Edit", r#"{"file_path":"src/a.rs"}"#),
                "",
                "write",
                "src/a.rs",
            ),
            (
                call("Bash", r#"{"command":"make && npm test"}"#),
                "a may not run this: `npm test` is a command that this role may not run; it would take `may { run \"npm test\"; }`",
                "run",
                "npm test",
            ),
            (call("Bash", r#"{"command":"a $x"}"#), "no", "run", "a $x"),
            (
                call("WebFetch", r#"{"url":"https://docs.rs/x"}"#),
                "",
                "reach",
                "docs.rs",
            ),
            (
                call("Agent", r#"{"subagent_type":"qa"}"#),
                "",
                "delegate",
                "qa",
            ),
            (call("mcp__db__query", "{}"), "", "use", "mcp:db/query"),
            (call("Skill", "{}"), "", "", "Skill"),
        ];
        for (call, why, capability, subject) in cases {
            let then = (capability.to_owned(), subject.to_owned());
            assert_eq!(asked(Path::new("/p"), &call, why), then);
        }
    }

    #[test]
    fn what_is_taken_down_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let call = call("Write", r#"{"file_path":"a"}"#);
        record(root.path(), "b", &call, "b may not write\nmore", true);
        seen(root.path(), "b");
        seen(root.path(), "b");
        let found = refusals(root.path());
        assert_eq!((found.len(), found[0].why.as_str()), (1, "b may not write"));
        assert!(found[0].is_grantable() && found[0].passed);
        assert_eq!(days(root.path()), BTreeMap::from([("b".to_owned(), 1)]));
        assert_eq!(is_off(root.path()), None);
        turn_off(root.path(), Duration::from_mins(1)).unwrap();
        assert!(is_off(root.path()).is_some_and(|left| left <= 60));
        turn_on(root.path()).unwrap();
        assert_eq!(is_off(root.path()), None);
    }

    #[test]
    fn a_work_tree_shares_the_folder_of_its_repository() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("main/.git/worktrees/w");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        let tree = root.path().join("w");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        turn_off(&tree, Duration::from_mins(1)).unwrap();
        assert!(is_off(&root.path().join("main")).is_some());
    }
}
