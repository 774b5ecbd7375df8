//! The hooks in the client's settings.

use serde_json::{Value, json};

use crate::{client::hook_command, emit::artifact::Entry};

/// By these words a hook of ours is known again after someone has changed it.
const SIGN: &str = "factory guard";

/// Far above what the guard needs: a hook that is too slow lets the tool run.
const TIMEOUT: u32 = 60;

/// Brings a role its rules back when its session starts, and after its context was compacted. It may
/// fail: then nothing is added. The guard does not depend on it.
const CONTEXT: &str =
    "sh -c 'if command -v factory >/dev/null 2>&1; then exec factory guard --context; fi'";

/// Returns the entries of the settings: a guard before every tool, and the rules at every start.
pub(super) fn entries() -> Vec<Entry> {
    let hook = |matcher: &str, command: &str| -> Value {
        json!({
            "matcher": matcher,
            "hooks": [{ "type": "command", "command": command, "timeout": TIMEOUT }],
        })
    };
    let guard = hook("*", &hook_command());
    let context = hook("startup|resume|clear|compact", CONTEXT);
    vec![
        Entry::item(&["hooks", "PreToolUse"], guard, SIGN),
        Entry::item(&["hooks", "SessionStart"], context, SIGN),
    ]
}
