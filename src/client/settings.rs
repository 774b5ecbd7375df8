//! What the client makes of a project's settings: a file that it can't read it ignores as a whole, and so
//! it does where one of many values is of another kind than it wants. Neither it nor anyone says so.
//!
//! Each kind was tried on the real client, version 2.1.330: a hook beside the wrong value did not run.
//! What is not here may still be ignored.

use serde_json::Value;

/// A value of another kind than the client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The members that lead to it, with dots between.
    pub path: &'static str,
    /// What the client wants there.
    pub wants: &'static str,
}

/// Returns the first value for which the client would ignore these settings, or the hooks before a tool
/// in them.
pub fn misfit(settings: &Value) -> Option<Misfit> {
    let Value::Object(_) = settings else {
        return Some(Misfit {
            path: "",
            wants: Kind::Members.wants(),
        });
    };
    let misfits = KINDS.iter().flat_map(|(kind, paths)| {
        let wrong = |path: &&&str| at(settings, path).is_some_and(|value| !kind.takes(value));
        let misfit = |path: &&'static str| Misfit {
            path,
            wants: kind.wants(),
        };
        paths.iter().filter(wrong).map(misfit)
    });
    misfits.min_by_key(|misfit| misfit.path.matches('.').count())
}

fn at<'a>(settings: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(settings, |value, name| value.get(name))
}

// What stands at a place.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Truth,
    Number,
    Texts,
    List,
    Members,
    Mode,
    Hooks,
}

impl Kind {
    const fn wants(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Truth => "`true` or `false`",
            Self::Number => "a number",
            Self::Texts => "a list of texts",
            Self::List => "a list",
            Self::Members => "an object",
            Self::Mode => "a mode that the client knows",
            Self::Hooks => "a list of whole hooks",
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Truth => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::Texts => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string)),
            Self::List => value.is_array(),
            Self::Members => value.is_object(),
            Self::Mode => value.as_str().is_some_and(|mode| MODES.contains(&mode)),
            Self::Hooks => value
                .as_array()
                .is_some_and(|items| items.iter().all(is_matcher)),
        }
    }
}

// One item of an event's hooks: a broken one takes all others of the event with it.
fn is_matcher(item: &Value) -> bool {
    let hooks = item.get("hooks").and_then(Value::as_array);
    item.get("matcher").is_none_or(Value::is_string)
        && hooks.is_some_and(|hooks| hooks.iter().all(is_hook))
}

fn is_hook(hook: &Value) -> bool {
    let kind = hook.get("type").and_then(Value::as_str);
    let timeout = hook.get("timeout");
    kind.is_some_and(|kind| HOOKS.contains(&kind))
        && (kind != Some("command") || hook.get("command").is_some_and(Value::is_string))
        && timeout.is_none_or(|time| time.as_f64().is_some_and(|time| time > 0.0))
}

const HOOKS: &[&str] = &["command", "prompt", "agent", "http", "mcp_tool"];

const MODES: &[&str] = &[
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "manual",
    "plan",
];

static KINDS: &[(Kind, &[&str])] = &[
    (Kind::Hooks, &["hooks.PreToolUse"]),
    (Kind::Mode, &["permissions.defaultMode"]),
    (
        Kind::Members,
        &[
            "attribution",
            "autoMode",
            "enabledPlugins",
            "env",
            "fileSuggestion",
            "hooks",
            "modelOverrides",
            "permissions",
            "pluginConfigs",
            "sandbox",
            "sandbox.credentials",
            "sandbox.filesystem",
            "sandbox.ignoreViolations",
            "sandbox.network",
            "sandbox.ripgrep",
            "skillOverrides",
            "spinnerVerbs",
            "statusLine",
            "voice",
            "worktree",
        ],
    ),
    (
        Kind::List,
        &[
            "allowedChannelPlugins",
            "autoMode.allow",
            "autoMode.environment",
            "autoMode.hard_deny",
            "autoMode.soft_deny",
            "blockedMarketplaces",
            "permissions.allow",
            "permissions.ask",
            "permissions.deny",
            "sandbox.excludedCommands",
            "spinnerVerbs.verbs",
            "sshConfigs",
            "strictKnownMarketplaces",
            "worktree.sparsePaths",
            "worktree.symlinkDirectories",
        ],
    ),
    (
        Kind::Texts,
        &[
            "allowedHttpHookUrls",
            "availableModels",
            "claudeMdExcludes",
            "companyAnnouncements",
            "fallbackModel",
            "httpHookAllowedEnvVars",
            "permissions.additionalDirectories",
            "pluginSuggestionMarketplaces",
        ],
    ),
    (
        Kind::Number,
        &[
            "cleanupPeriodDays",
            "feedbackSurveyRate",
            "skillListingBudgetFraction",
            "skillListingMaxDescChars",
            "statusLine.padding",
            "statusLine.refreshInterval",
        ],
    ),
    (
        Kind::Text,
        &[
            "$schema",
            "advisorModel",
            "agent",
            "apiKeyHelper",
            "attribution.commit",
            "attribution.pr",
            "autoMemoryDirectory",
            "autoUpdatesChannel",
            "awsAuthRefresh",
            "awsCredentialExport",
            "claudeMd",
            "defaultShell",
            "disableAutoMode",
            "disableDeepLinkRegistration",
            "fileSuggestion.command",
            "fileSuggestion.type",
            "gcpAuthRefresh",
            "language",
            "minimumVersion",
            "model",
            "otelHeadersHelper",
            "outputStyle",
            "parentSettingsBehavior",
            "permissions.disableAutoMode",
            "permissions.disableBypassPermissionsMode",
            "plansDirectory",
            "pluginTrustMessage",
            "prUrlTemplate",
            "processWrapper",
            "requiredMaximumVersion",
            "requiredMinimumVersion",
            "spinnerVerbs.mode",
            "statusLine.command",
            "statusLine.type",
            "tui",
            "voice.mode",
            "workflowSizeGuideline",
            "worktree.baseRef",
        ],
    ),
    (
        Kind::Truth,
        &[
            "agentPushNotifEnabled",
            "allowAllClaudeAiMcps",
            "allowManagedHooksOnly",
            "allowManagedMcpServersOnly",
            "allowManagedPermissionRulesOnly",
            "alwaysThinkingEnabled",
            "attribution.sessionUrl",
            "autoCompactEnabled",
            "autoMemoryEnabled",
            "autoMode.classifyAllShell",
            "autoScrollEnabled",
            "awaySummaryEnabled",
            "axScreenReader",
            "channelsEnabled",
            "disableAgentView",
            "disableAllHooks",
            "disableArtifact",
            "disableBundledSkills",
            "disableClaudeAiConnectors",
            "disableRemoteControl",
            "disableSideloadFlags",
            "disableSkillShellExecution",
            "disableWorkflows",
            "emojiCompletionEnabled",
            "enableAllProjectMcpServers",
            "enableArtifact",
            "enforceAvailableModels",
            "fastMode",
            "fastModePerSessionOptIn",
            "fileCheckpointingEnabled",
            "forceRemoteSettingsRefresh",
            "includeCoAuthoredBy",
            "includeGitInstructions",
            "inputNeededNotifEnabled",
            "prefersReducedMotion",
            "remoteControlAtStartup",
            "respectGitignore",
            "respondToBashCommands",
            "sandbox.allowAppleEvents",
            "sandbox.allowUnsandboxedCommands",
            "sandbox.autoAllowBashIfSandboxed",
            "sandbox.enableWeakerNestedSandbox",
            "sandbox.enableWeakerNetworkIsolation",
            "sandbox.enabled",
            "sandbox.failIfUnavailable",
            "showClearContextOnPlanAccept",
            "showThinkingSummaries",
            "showTurnDuration",
            "skipDangerousModePermissionPrompt",
            "skipWebFetchPreflight",
            "spinnerTipsEnabled",
            "statusLine.hideVimModeIndicator",
            "syntaxHighlightingDisabled",
            "terminalProgressBarEnabled",
            "useAutoModeDuringPlan",
            "verbose",
            "voice.autoSubmit",
            "voice.enabled",
            "voiceEnabled",
            "wheelScrollAccelerationEnabled",
            "workflowKeywordTriggerEnabled",
            "wslInheritsWindowsSettings",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_client_ignores_is_known_by_its_place() {
        let guard =
            json!({"matcher": "*", "hooks": [{"type": "command", "command": "x", "timeout": 60}]});
        let hooks = |item: Value| json!({"hooks": {"PreToolUse": [item, guard.clone()]}});
        // (the settings, where the client wants something else, what)
        let cases = [
            (json!({}), None),
            (json!({"unknown": 7, "env": {"A": 7}}), None),
            (
                json!({"model": "x", "permissions": {"allow": ["Bash", 7], "defaultMode": "plan"}}),
                None,
            ),
            (
                json!({"hooks": {"Stop": "x", "PreToolUse": [guard.clone()]}}),
                None,
            ),
            (json!([]), Some("")),
            (
                json!({"permissions": {"defaultMode": "bogus"}}),
                Some("permissions.defaultMode"),
            ),
            (
                json!({"permissions": {"allow": "Bash"}}),
                Some("permissions.allow"),
            ),
            (json!({"permissions": null}), Some("permissions")),
            (json!({"cleanupPeriodDays": "x"}), Some("cleanupPeriodDays")),
            (json!({"env": ["A"]}), Some("env")),
            (json!({"model": null}), Some("model")),
            (json!({"disableAllHooks": "true"}), Some("disableAllHooks")),
            (json!({"availableModels": [7]}), Some("availableModels")),
            (json!({"hooks": []}), Some("hooks")),
            (
                json!({"hooks": {"PreToolUse": {}}}),
                Some("hooks.PreToolUse"),
            ),
            (hooks(json!(7)), Some("hooks.PreToolUse")),
            (hooks(json!({"matcher": "X"})), Some("hooks.PreToolUse")),
            (
                hooks(json!({"matcher": 7, "hooks": []})),
                Some("hooks.PreToolUse"),
            ),
            (
                hooks(json!({"hooks": [{"command": "x"}]})),
                Some("hooks.PreToolUse"),
            ),
            (
                hooks(json!({"hooks": [{"type": "command"}]})),
                Some("hooks.PreToolUse"),
            ),
            (
                hooks(json!({"hooks": [{"type": "command", "command": "x", "timeout": -1}]})),
                Some("hooks.PreToolUse"),
            ),
            (hooks(json!({"matcher": "X", "more": 1, "hooks": []})), None),
            (
                hooks(json!({"hooks": [{"type": "prompt", "prompt": "x"}]})),
                None,
            ),
        ];
        for (settings, then) in cases {
            let found = misfit(&settings);
            assert_eq!(
                found.as_ref().map(|one| one.path),
                then,
                "{settings}: {found:?}"
            );
        }
    }

    #[test]
    fn a_place_has_one_kind() {
        let all: Vec<_> = KINDS.iter().flat_map(|(_, paths)| *paths).collect();
        let each: BTreeSet<_> = all.iter().collect();
        assert_eq!(each.len(), all.len());
    }
}
