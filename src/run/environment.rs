//! The closed environment of what runs in a checkout: a search path, a home of its own, a language,
//! what the workspace sets, and nothing else of the owner's.

use std::{collections::BTreeMap, ffi::OsStr, path::Path};

use super::project::Environment;
use crate::client::toolchain_variables;

// What a process needs to find its programs and speak its user's language. None is a credential.
const PASSED: [&str; 8] = [
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL",
];

/// Returns the environment of a process whose home is below `private`.
///
/// Of the owner's variables it has those that say where programs are and how to speak, and those
/// that `granted` names; `set` comes last, `{step}` in it replaced by `step`.
pub(super) fn closed(
    owner: &Environment,
    private: &Path,
    granted: &[String],
    set: &BTreeMap<String, String>,
    step: &str,
) -> Environment {
    let mut closed = toolchain_variables(owner);
    for name in PASSED.into_iter().chain(granted.iter().map(String::as_str)) {
        if let Some(value) = owner.get(OsStr::new(name)) {
            closed.insert(name.into(), value.clone());
        }
    }
    closed.insert("HOME".into(), private.join("home").into());
    closed.insert("TMPDIR".into(), private.join("tmp").into());
    for (name, value) in set {
        closed.insert(name.into(), value.replace("{step}", step).into());
    }
    closed
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::closed;

    #[test]
    fn only_what_is_granted_is_seen() {
        let owner = [
            ("PATH", "/bin"),
            ("TOKEN", "t"),
            ("SECRET", "s"),
            ("HOME", "/none"),
        ];
        let owner = owner
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        let set = BTreeMap::from([("DB".to_owned(), "tmp/{step}.db".to_owned())]);
        let closed = closed(
            &owner,
            Path::new("/p"),
            &["TOKEN".into(), "NONE".into()],
            &set,
            "build",
        );
        let seen: Vec<(&str, &str)> = closed
            .iter()
            .map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            seen,
            [
                ("DB", "tmp/build.db"),
                ("HOME", "/p/home"),
                ("PATH", "/bin"),
                ("TMPDIR", "/p/tmp"),
                ("TOKEN", "t"),
            ]
        );
    }
}
