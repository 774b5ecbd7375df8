//! What the hook takes down of roles that it observes, and for how long it is off.
//!
//! All of it lies in git's common folder, below `factory/`: no role may write there, and nothing of it
//! lands. A call that can't be taken down passes as it would have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{Decision, Place, Refusal, RefusalKind, ToolCall, decide::decide};
use crate::{
    boundary::{Boundary, Capability, Grant, NamePattern, PathPattern, Pattern},
    plan::Plan,
};

const REFUSALS: &str = "refusals.jsonl";
const DAYS: &str = "observed";
const OFF: &str = "guard-off";

/// How large the record may become before it starts anew; the one before it is kept.
const MOST_BYTES: u64 = 8 << 20;

/// For how long the hook may be off, at most.
pub const LONGEST: Duration = Duration::from_hours(24);

/// How many grants are looked for that one call would take.
const MOST_GRANTS: usize = 16;

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
    /// The first thing that it would take.
    #[serde(flatten)]
    pub want: Want,
    /// What it would take besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Want>,
    /// Whether it passed, as the role was only observed.
    pub passed: bool,
}

/// One thing that a refused call would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// What stands against it.
    #[serde(default)]
    pub kind: RefusalKind,
    /// Of which kind the thing is; nothing where no grant speaks of it.
    pub capability: Option<Capability>,
    /// The thing.
    pub subject: String,
    /// Why it is refused, in one line.
    pub why: String,
}

impl Refused {
    /// Returns all that it would take.
    pub fn wants(&self) -> impl Iterator<Item = &Want> {
        std::iter::once(&self.want).chain(&self.also)
    }
}

impl Want {
    fn of(call: &ToolCall, refusal: &Refusal) -> Self {
        let wanted = refusal.wanted.as_ref();
        Self {
            kind: refusal.kind,
            capability: wanted.map(|thing| thing.capability),
            subject: wanted.map_or_else(|| call.tool_name.clone(), |thing| thing.name.clone()),
            why: refusal.why.lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// Returns of which kind of grant it speaks, if a grant would allow it.
    pub fn grantable(&self) -> Option<Capability> {
        self.capability
            .filter(|_| self.kind == RefusalKind::NotGranted)
    }

    /// Returns the pattern of the grant that would allow it, if one would.
    pub fn grant(&self) -> Option<String> {
        let subject = &self.subject;
        Some(match (self.grantable()?, subject.strip_suffix("/**")) {
            // A line may write all that lies in a folder.
            (Capability::Write, Some("")) => "**".to_owned(),
            (Capability::Write, Some(folder)) => format!("{}/**", PathPattern::escaped(folder)),
            (Capability::Write, None) => PathPattern::escaped(subject),
            (_, _) => subject.clone(),
        })
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

/// Takes down a call of the role called `role` that `plan` refuses, with all that it would take.
pub(super) fn record(
    plan: &Plan,
    place: &Place,
    role: &str,
    call: &ToolCall,
    refusal: &Refusal,
    passed: bool,
) {
    let root = &place.root;
    let Some(folder) = folder(root) else { return };
    let mut wants = wants(plan, place, role, call, refusal).into_iter();
    let Some(want) = wants.next() else { return };
    let refusal = Refused {
        time: now(),
        role: role.to_owned(),
        tool: call.tool_name.clone(),
        call: call.tool_use_id.clone(),
        want,
        also: wants.collect(),
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

/// Returns for how many more seconds the hook is off; nothing where it is on. A time that nobody could
/// have asked for counts as none.
pub fn is_off(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(folder(root)?.join(OFF)).ok()?;
    let until: u64 = text.trim().parse().ok()?;
    let left = until.checked_sub(now())?;
    (1..=LONGEST.as_secs()).contains(&left).then_some(left)
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs())
}

// All that a refused call would take: each thing is granted in thought, and the call judged again.
fn wants(plan: &Plan, place: &Place, role: &str, call: &ToolCall, refusal: &Refusal) -> Vec<Want> {
    let mut found = vec![Want::of(call, refusal)];
    let mut widened = plan.clone();
    let mut named = call.clone();
    named.agent_type = Some(role.to_owned());
    while found.len() < MOST_GRANTS {
        let last = found.last().zip(widened.roles.get_mut(role));
        let Some((want, role)) = last else { break };
        if widen(&mut role.boundary, want).is_none() {
            break;
        }
        // In the plan it goes by its own name, whatever the client calls it.
        role.agent = None;
        let Decision::Refuse(refusal) = decide(&widened, &named, place) else {
            break;
        };
        let next = Want::of(call, &refusal);
        if found.contains(&next) {
            break;
        }
        found.push(next);
    }
    found
}

// Gives `boundary` what `want` names; nothing where that can't be said.
fn widen(boundary: &mut Boundary, want: &Want) -> Option<()> {
    fn give<P: Pattern + FromStr>(grant: &mut Grant<P>, text: &str) -> Option<()> {
        grant.may.push(text.parse::<P>().ok()?.into());
        Some(())
    }
    let text = want.grant()?;
    match want.capability? {
        Capability::Run => give(&mut boundary.run, &text),
        Capability::Write => give(&mut boundary.write, &text),
        Capability::Env => {
            let name = NamePattern::variable(&text).ok()?;
            boundary.env.may.push(name.into());
            Some(())
        }
        Capability::Reach => {
            let name = NamePattern::host(&text).ok()?;
            boundary.reach.may.push(name.into());
            Some(())
        }
        Capability::Read | Capability::Use | Capability::Delegate => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{refusal::thing, tests::plan};

    fn call(tool: &str, input: &str) -> ToolCall {
        let text = format!(
            r#"{{"agent_type":"a","cwd":"/p","tool_name":"{tool}","tool_input":{input},"tool_use_id":"t"}}"#
        );
        ToolCall::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_call_is_told_in_the_patterns_of_grants() {
        let unwanted =
            Refusal::new(RefusalKind::Taken, "").about(Some(thing(Capability::Run, "a")));
        assert_eq!(Want::of(&call("Bash", "{}"), &unwanted).grant(), None);
        for (capability, name, grant) in [
            (Capability::Write, "src/a.rs", "src/a.rs"),
            (Capability::Write, "a/[b].rs", "a/[[]b[]].rs"),
            (Capability::Write, "a/{b}/**", "a/[{]b[}]/**"),
            (Capability::Write, "/**", "**"),
            (Capability::Run, "npm test *", "npm test *"),
            (Capability::Reach, "docs.rs", "docs.rs"),
        ] {
            let refusal =
                Refusal::new(RefusalKind::NotGranted, "").about(Some(thing(capability, name)));
            let want = Want::of(&call("Bash", "{}"), &refusal);
            assert_eq!(want.grant().as_deref(), Some(grant));
        }
    }

    #[test]
    fn a_call_is_told_with_all_that_it_would_take() {
        let root = tempfile::tempdir().unwrap();
        let place = Place {
            root: root.path().to_owned(),
            private: None,
            role: None,
            environment: BTreeMap::new(),
        };
        let mut call = call("Bash", r#"{"command":"make > docs/a && npm test"}"#);
        call.cwd = root.path().to_owned();
        call.agent_type = Some("builder".into());
        let plan = plan();
        let Decision::Refuse(refusal) = decide(&plan, &call, &place) else {
            panic!("nothing was refused");
        };
        let wants = wants(&plan, &place, "builder", &call, &refusal);
        let grants: BTreeSet<_> = wants
            .iter()
            .map(|want| (want.capability.unwrap().word(), want.grant().unwrap()))
            .collect();
        let all = [
            ("run", "make *"),
            ("run", "npm test *"),
            ("write", "docs/a"),
        ];
        assert_eq!(
            grants,
            all.map(|(word, grant)| (word, grant.to_owned())).into()
        );
    }

    #[test]
    fn what_is_taken_down_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let call = call("Write", r#"{"file_path":"a"}"#);
        let place = Place {
            root: root.path().to_owned(),
            private: None,
            role: None,
            environment: BTreeMap::new(),
        };
        let plan = plan();
        let refusal = Refusal::new(RefusalKind::NotGranted, "b may not write\nmore")
            .about(Some(thing(Capability::Write, "a")));
        // By two hooks, in the settings and in the agent's file.
        record(&plan, &place, "b", &call, &refusal, true);
        record(&plan, &place, "b", &call, &refusal, true);
        seen(root.path(), "b");
        seen(root.path(), "b");
        let found = refusals(root.path());
        assert_eq!(
            (found.len(), found[0].want.why.as_str()),
            (1, "b may not write")
        );
        assert_eq!(found[0].want.grantable(), Some(Capability::Write));
        assert!(found[0].passed && found[0].want.subject == "a");
        assert_eq!(days(root.path()), BTreeMap::from([("b".to_owned(), 1)]));
        assert_eq!(is_off(root.path()), None);
        turn_off(root.path(), Duration::from_mins(1)).unwrap();
        assert!(is_off(root.path()).is_some_and(|left| left <= 60));
        turn_on(root.path()).unwrap();
        assert_eq!(is_off(root.path()), None);
        // Longer than anybody may ask for: written by someone else.
        let far = now() + LONGEST.as_secs() + 60;
        fs::write(folder(root.path()).unwrap().join(OFF), far.to_string()).unwrap();
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
