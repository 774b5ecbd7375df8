//! What the client makes of the project's settings: whether it runs the hooks that stand in them.

use std::path::Path;

use serde_json::{Value, json};

use super::{SERVERS, SETTINGS, hooks};
use crate::{
    client::{Misfit, misfit},
    emit::{
        json::{Node, parse},
        place::{Place, place},
    },
};

const LOCAL_SETTINGS: &str = ".claude/settings.local.json";

/// The files of the client beside those that are written that say whether the hooks run.
pub(in crate::emit) const BESIDE: &[&str] = &[LOCAL_SETTINGS];

/// What the client makes of one of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::emit) enum Reading {
    /// It reads it.
    Read,
    /// It ignores all of it, in silence, for this reason; in words that follow the path.
    Ignored(String),
    /// So it does, and what is wrong is nothing but someone's comments, or a comma at an end.
    Commented(String),
    /// It reads there that no hook is to run.
    HooksOff,
}

/// Returns what the client makes of its file `path` with this text; of files that are not its own nothing
/// is known.
pub(in crate::emit) fn reading(path: &str, text: &str) -> Reading {
    let text = text.trim_start_matches('\u{feff}');
    let is_settings = matches!(path, SETTINGS | LOCAL_SETTINGS);
    if !is_settings && path != SERVERS || text.trim().is_empty() {
        return Reading::Read;
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let why = format!(
                "is no JSON to the client, which knows no comments and no comma at an end and \
                 ignores the whole file in silence: see line {}",
                error.line()
            );
            return if parse(text).is_ok() {
                Reading::Commented(why)
            } else {
                Reading::Ignored(why)
            };
        }
    };
    if !is_settings {
        return Reading::Read;
    }
    if let Some(Misfit { path, wants }) = misfit(&value) {
        let line = parse(text)
            .ok()
            .flatten()
            .and_then(|root| line(text, &root, path));
        let line = line.map_or_else(String::new, |line| format!(", line {line}"));
        return Reading::Ignored(match path {
            "" => {
                format!("holds something else than {wants}, and the client ignores it in silence")
            }
            path => format!(
                "holds something else than {wants} at `{path}`{line}, and the client ignores the \
                 hooks beside it in silence"
            ),
        });
    }
    if value.get("disableAllHooks") == Some(&json!(true)) {
        return Reading::HooksOff;
    }
    Reading::Read
}

// The line on which the member stands that `path` leads to.
fn line(text: &str, root: &Node, path: &str) -> Option<usize> {
    let mut node = root;
    let mut start = root.span.start;
    for name in path.split('.') {
        let member = node.get(name)?;
        start = member.start;
        node = &member.value;
    }
    Some(text.get(..start)?.matches('\n').count() + 1)
}

/// Returns what keeps the client, as its files below `root` are now, from asking the guard in a session
/// that starts there: each in a few words.
pub fn hindrances(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in std::iter::once(&SETTINGS).chain(BESIDE) {
        let text = match place(root, path) {
            Ok(Place { text, .. }) => text.unwrap_or_default(),
            Err(why) => {
                found.push(format!("`{path}` {why}"));
                continue;
            }
        };
        match reading(path, &text) {
            Reading::HooksOff => {
                found.push(format!("`{path}` says `disableAllHooks`, and no hook runs"));
            }
            // Of the local settings nothing is missed.
            Reading::Ignored(why) | Reading::Commented(why) if *path == SETTINGS => {
                found.push(format!("`{path}` {why}"));
            }
            Reading::Read if *path == SETTINGS => {
                let settings = serde_json::from_str(text.trim_start_matches('\u{feff}'));
                if !settings.is_ok_and(|settings: Value| hooks::has_guard(&settings)) {
                    found.push(format!(
                        "`{path}` has no hook of this guard: `factory build` writes it"
                    ));
                }
            }
            Reading::Ignored(_) | Reading::Commented(_) | Reading::Read => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_ignores_is_told_with_its_line() {
        let ignored = |path: &str, text: &str| match reading(path, text) {
            Reading::Ignored(why) | Reading::Commented(why) => why,
            other => panic!("{text}: {other:?}"),
        };
        for (text, words) in [
            ("{\n  // mine\n}\n", "see line 2"),
            ("{\"a\": [1,]}\n", "see line 1"),
            (
                "{\n\"permissions\": {\n\"defaultMode\": \"bogus\"\n}}",
                "at `permissions.defaultMode`, line 3",
            ),
            (
                "{\"permissions\": {\"allow\": \"Bash\"}}",
                "a list at `permissions.allow`",
            ),
            (
                "{\"cleanupPeriodDays\": \"x\"}",
                "a number at `cleanupPeriodDays`, line 1",
            ),
            ("{\"env\": [\"A\"]}", "an object at `env`"),
            ("[]", "than an object"),
        ] {
            let why = ignored(SETTINGS, text);
            assert!(why.contains(words), "{text}: {why}");
        }
        assert!(ignored(SERVERS, "{} // x").contains("line 1"));
        for (path, text, then) in [
            (SETTINGS, "\u{feff}{\"model\": \"x\"}\r\n", Reading::Read),
            (SETTINGS, "", Reading::Read),
            (SETTINGS, "{\"disableAllHooks\": true}", Reading::HooksOff),
            (SETTINGS, "{\"disableAllHooks\": false}", Reading::Read),
            (
                LOCAL_SETTINGS,
                "{\"disableAllHooks\": true}",
                Reading::HooksOff,
            ),
            (SERVERS, "{\"permissions\": 7}", Reading::Read),
            ("other.json", "// x", Reading::Read),
        ] {
            assert_eq!(reading(path, text), then, "{path} {text}");
        }
        // What is ignored turns nothing off.
        assert!(matches!(
            reading(LOCAL_SETTINGS, "// x\n{\"disableAllHooks\": true}"),
            Reading::Commented(_)
        ));
        // A person's words, or a text that nobody can read.
        for (text, commented) in [
            ("{} // x", true),
            ("{\"a\": 1,}", true),
            ("{\"a\" 1}", false),
            ("{\"env\": []}", false),
        ] {
            let found = reading(SETTINGS, text);
            assert_eq!(matches!(found, Reading::Commented(_)), commented, "{text}");
        }
    }
}
