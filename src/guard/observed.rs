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

use super::{Refusal, RefusalKind, ToolCall};
use crate::boundary::Capability;

const REFUSALS: &str = "refusals.jsonl";
const DAYS: &str = "observed";
const OFF: &str = "guard-off";

/// How large the record may become before it starts anew; the one before it is kept.
const MOST_BYTES: u64 = 8 << 20;

/// A refused call as it was taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Seconds since 1970.
    pub time: u64,
    /// Whose call it was.
    pub role: String,
    /// The client's tool.
    pub tool: String,
    /// The client's own name for the call: two hooks may have seen the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What stands against it.
    #[serde(default)]
    pub kind: RefusalKind,
    /// Of which kind the thing is; nothing where no grant speaks of it.
    pub capability: Option<Capability>,
    /// The thing.
    pub subject: String,
    /// Why it is refused, in one line.
    pub why: String,
    /// Whether it passed, as the role was only observed.
    pub passed: bool,
}

impl Refused {
    /// Returns of which kind of grant it speaks, if a grant would allow it.
    pub fn grantable(&self) -> Option<Capability> {
        self.capability
            .filter(|_| self.kind == RefusalKind::NotGranted)
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

/// Takes down a refused call.
pub(super) fn record(root: &Path, role: &str, call: &ToolCall, refusal: &Refusal, passed: bool) {
    let Some(folder) = folder(root) else { return };
    let wanted = refusal.wanted.as_ref();
    let refusal = Refused {
        time: now(),
        role: role.to_owned(),
        tool: call.tool_name.clone(),
        call: call.tool_use_id.clone(),
        kind: refusal.kind,
        capability: wanted.map(|thing| thing.capability),
        subject: wanted.map_or_else(|| call.tool_name.clone(), |thing| thing.name.clone()),
        why: refusal.why.lines().next().unwrap_or_default().to_owned(),
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

/// Returns all that was taken down for the project at `root`, the oldest first and each call once. A line
/// that can't be read is left out.
pub fn refusals(root: &Path) -> Vec<Refused> {
    let Some(folder) = folder(root) else {
        return Vec::new();
    };
    let texts = ["refusals.1.jsonl", REFUSALS].map(|name| fs::read_to_string(folder.join(name)));
    let mut known = BTreeSet::new();
    let mut once = |one: &Refused| {
        let call = one.call.clone();
        call.is_none_or(|call| known.insert((one.role.clone(), call)))
    };
    texts
        .iter()
        .flatten()
        .flat_map(|text| text.lines())
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|one| once(one))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::refusal::thing;

    fn call(tool: &str, input: &str) -> ToolCall {
        let text = format!(
            r#"{{"agent_type":"a","cwd":"/p","tool_name":"{tool}","tool_input":{input},"tool_use_id":"t"}}"#
        );
        ToolCall::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_taken_down_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let call = call("Write", r#"{"file_path":"a"}"#);
        let refusal = Refusal::new(RefusalKind::NotGranted, "b may not write\nmore")
            .about(Some(thing(Capability::Write, "a")));
        // By two hooks, in the settings and in the agent's file.
        record(root.path(), "b", &call, &refusal, true);
        record(root.path(), "b", &call, &refusal, true);
        seen(root.path(), "b");
        seen(root.path(), "b");
        let found = refusals(root.path());
        assert_eq!((found.len(), found[0].why.as_str()), (1, "b may not write"));
        assert_eq!(found[0].grantable(), Some(Capability::Write));
        assert!(found[0].passed && found[0].subject == "a");
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
