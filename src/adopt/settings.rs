//! The client's permission rules → grants, where a grant says just what the rule says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{doubt::Doubt, spec::quoted};
use crate::{
    boundary::{CommandPattern, NamePattern, PathPattern},
    diagnostics::{Findings, Source, Span},
};

/// A settings file of the client.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What became of one permission rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleReport {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// `allow`, `deny`, or `ask`.
    pub list: &'static str,
    /// The rule.
    pub rule: String,
    /// The grant that says it, or nothing where it is kept as it is.
    pub grant: Option<String>,
}

/// What the rules of all files become.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What became of each rule.
    pub rules: Vec<RuleReport>,
    may: BTreeMap<&'static str, BTreeSet<String>>,
    never: BTreeMap<&'static str, BTreeSet<String>>,
    // What the profile of each capability is called, and whether the spec has it already.
    names: BTreeMap<&'static str, (String, bool)>,
}

/// The profiles that grants of rules stand in: what each grants, and the tools that it needs.
const PROFILES: [(&str, &str, &[&str]); 3] = [
    ("client-writes", "write", &["Edit", "Write"]),
    ("client-commands", "run", &["Bash"]),
    ("client-hosts", "reach", &["WebFetch"]),
];

/// The lists of rules.
const LISTS: [&str; 3] = ["deny", "ask", "allow"];

/// The modes that the client knows.
const MODES: [&str; 7] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "plan",
    "manual",
];

// A member, what its value has to be, and what it is otherwise.
type Kind = (&'static str, fn(&Value) -> bool, &'static str);

// Why the client drops the whole of the settings, if it does, and the member that is to blame; each was
// seen on the real client, version 2.1.330.
fn dropped(settings: &Value) -> Option<(&'static str, String)> {
    let Some(members) = settings.as_object() else {
        return Some(("", "it holds no object".to_owned()));
    };
    let kinds: [Kind; 5] = [
        ("model", Value::is_string, "no text"),
        ("cleanupPeriodDays", Value::is_number, "no number"),
        ("disableAllHooks", Value::is_boolean, "no truth value"),
        ("sandbox", Value::is_object, "no object"),
        ("statusLine", Value::is_object, "no object"),
    ];
    for (name, is_right, what) in kinds {
        if members.get(name).is_some_and(|value| !is_right(value)) {
            return Some((name, format!("`{name}` is {what}")));
        }
    }
    if let Some(permissions) = members.get("permissions") {
        let fault = |why: &str| Some(("permissions", why.to_owned()));
        if !permissions.is_object() {
            return fault("`permissions` is no object");
        }
        for list in LISTS.into_iter().chain(["additionalDirectories"]) {
            if permissions.get(list).is_some_and(|list| !list.is_array()) {
                return fault(&format!("`permissions.{list}` is no list"));
            }
        }
        let is_mode = |mode: &Value| mode.as_str().is_some_and(|mode| MODES.contains(&mode));
        let mode = permissions.get("defaultMode");
        if mode.is_some_and(|mode| !is_mode(mode)) {
            return fault("`permissions.defaultMode` is no mode that it knows");
        }
        let switch = permissions.get("disableBypassPermissionsMode");
        if switch.is_some_and(|switch| switch != "disable") {
            return fault(
                "`permissions.disableBypassPermissionsMode` is something else than `disable`",
            );
        }
    }
    let before = members.get("hooks")?.get("PreToolUse")?;
    let is_hook = |hook: &Value| {
        let has = |name: &str| hook.get(name).is_some_and(Value::is_string);
        match hook.get("type").and_then(Value::as_str) {
            Some("command") => has("command"),
            Some("prompt" | "agent") => has("prompt"),
            Some("http") => has("url"),
            Some("mcp_tool") => true,
            Some(_) | None => false,
        }
    };
    let is_item = |item: &Value| {
        let hooks = item.get("hooks").and_then(Value::as_array);
        hooks.is_some_and(|hooks| hooks.iter().all(is_hook))
    };
    let is_right = before
        .as_array()
        .is_some_and(|items| items.iter().all(is_item));
    (!is_right).then(|| {
        let why = "`hooks.PreToolUse` is no list of matchers, each with `hooks` of a known `type`";
        ("hooks", why.to_owned())
    })
}

// What a rule becomes.
enum Meaning {
    Grant(&'static str, Vec<String>),
    Dead(&'static str, String),
    Wide(&'static str),
    Kept(&'static str),
}

impl Settings {
    /// Reads the rules of the file in `source`.
    pub(super) fn read(&mut self, source: &Source, findings: &mut Findings) {
        let broken = |why: String, span: Span| Doubt::BrokenSettings {
            why,
            span: span.into(),
        };
        // A byte order mark in front is nothing to the client.
        let text = source.text();
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let settings: Value = match serde_json::from_str(bare) {
            Ok(settings) => settings,
            Err(error) => {
                let lines = text.split_inclusive('\n');
                let at: usize = lines
                    .take(error.line().saturating_sub(1))
                    .map(str::len)
                    .sum();
                let why = format!("it is no JSON: {error}");
                findings.add(broken(why, source.span_at(at, 1)));
                return;
            }
        };
        if let Some((member, why)) = dropped(&settings) {
            let start = text.find(&format!("\"{member}\"")).unwrap_or_default();
            findings.add(broken(why, source.span_at(start, member.len() + 2)));
            return;
        }
        let Some(permissions) = settings.get("permissions") else {
            return;
        };
        let mode = permissions.get("defaultMode");
        if let Some(mode) = mode.and_then(Value::as_str)
            && matches!(mode, "bypassPermissions" | "acceptEdits" | "auto")
        {
            findings.add(Doubt::WideRule {
                rule: format!("defaultMode: {mode}"),
                what: "lets calls pass that nobody is asked about",
                help: "with `guard \"enforce\"` the grants decide for each role, whatever the mode",
                span: place(source, &quoted(mode), 0).into(),
            });
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for list in LISTS {
            let rules = permissions.get(list).and_then(Value::as_array);
            for rule in rules.into_iter().flatten().filter_map(Value::as_str) {
                let count = seen.entry(rule.to_owned()).or_default();
                let span = place(source, &Value::String(rule.to_owned()).to_string(), *count);
                *count += 1;
                self.rule(list, rule, span, source, findings);
            }
        }
    }

    fn rule(
        &mut self,
        list: &'static str,
        rule: &str,
        span: Span,
        source: &Source,
        findings: &mut Findings,
    ) {
        let grant = match meaning(list, rule) {
            Meaning::Grant(capability, patterns) => {
                let node = if list == "deny" { "never" } else { "may" };
                let into = if list == "deny" {
                    &mut self.never
                } else {
                    &mut self.may
                };
                let words: Vec<_> = patterns.iter().map(|pattern| quoted(pattern)).collect();
                into.entry(capability).or_default().extend(patterns);
                Some(format!("{node} {{ {capability} {}; }}", words.join(" ")))
            }
            Meaning::Dead(why, help) => {
                findings.add(Doubt::DeadRule {
                    rule: rule.to_owned(),
                    why,
                    help,
                    span: span.into(),
                });
                None
            }
            Meaning::Wide(what) => {
                findings.add(Doubt::WideRule {
                    rule: rule.to_owned(),
                    what,
                    help: "`guard \"observe\"` takes down what is used of it; grant that, then `guard \"enforce\"`",
                    span: span.into(),
                });
                None
            }
            Meaning::Kept(what) => {
                findings.add(Doubt::KeptRule {
                    rule: rule.to_owned(),
                    what,
                    span: span.into(),
                });
                None
            }
        };
        let before = source
            .text()
            .get(..span.start.saturating_sub(source.span().start))
            .unwrap_or_default();
        self.rules.push(RuleReport {
            path: source.path().to_owned(),
            line: before.matches('\n').count() + 1,
            list,
            rule: rule.to_owned(),
            grant,
        });
    }

    /// Leaves every rule where it stands, as no grant of them fits into the factory for the reason `why`.
    pub(super) fn leave(&mut self, why: &str, span: Span, findings: &mut Findings) {
        let grants = self.rules.iter_mut().filter(|rule| rule.grant.is_some());
        let left = grants.map(|rule| rule.grant = None).count();
        if left > 0 {
            findings.add(Doubt::UnfitRules {
                why: why.to_owned(),
                span: span.into(),
            });
        }
        self.may.clear();
        self.never.clear();
    }

    /// Names the profiles, where `declared` has those of the spec and all that each says.
    pub(super) fn name(&mut self, declared: &BTreeMap<String, BTreeSet<String>>) {
        for (base, capability, _) in PROFILES {
            let Some(patterns) = self.may.get(capability) else {
                continue;
            };
            let says: BTreeSet<String> = patterns
                .iter()
                .map(|pattern| format!("may {capability} {pattern}"))
                .collect();
            let mut number = 1;
            let name = loop {
                let name = match number {
                    1 => base.to_owned(),
                    number => format!("{base}-{number}"),
                };
                match declared.get(&name) {
                    Some(known) if *known == says => break (name, true),
                    Some(_) => number += 1,
                    None => break (name, false),
                }
            };
            self.names.insert(capability, name);
        }
    }

    /// Returns the profiles that grant what the rules allow, of those whose tools `has` knows.
    pub(super) fn profiles(&self, has: impl Fn(&str) -> bool) -> Vec<String> {
        let fitting = PROFILES
            .iter()
            .filter(|(.., tools)| tools.iter().all(|tool| has(tool)));
        fitting
            .filter_map(|(_, capability, _)| Some(self.names.get(capability)?.0.clone()))
            .collect()
    }

    /// Returns the nodes of what the rules become, but for the `never`s that `declared` already has; no
    /// profile that `used` does not name.
    pub(super) fn to_kdl(&self, declared: &BTreeSet<String>, used: &BTreeSet<&str>) -> String {
        let list = |patterns: &BTreeSet<String>| {
            let words: Vec<_> = patterns.iter().map(|pattern| quoted(pattern)).collect();
            words.join(" ")
        };
        let mut text = String::new();
        for (capability, (name, is_declared)) in &self.names {
            if let Some(patterns) = self.may.get(capability)
                && used.contains(name.as_str())
                && !is_declared
            {
                let patterns = list(patterns);
                text += &format!(
                    "profile {} {{ may {{ {capability} {patterns}; }}; }}\n",
                    quoted(name)
                );
            }
        }
        // An added `never` is said again only where the spec does not have it yet.
        let nevers: String = self
            .never
            .iter()
            .filter_map(|(capability, patterns)| {
                let new: BTreeSet<String> = patterns
                    .iter()
                    .filter(|pattern| !declared.contains(&format!("never {capability} {pattern}")))
                    .cloned()
                    .collect();
                (!new.is_empty()).then(|| format!("    {capability} {}\n", list(&new)))
            })
            .collect();
        if !nevers.is_empty() {
            text += &format!("never {{\n{nevers}}}\n");
        }
        text
    }
}

// Where the JSON text of a rule stands, the `count`th time.
fn place(source: &Source, json: &str, count: usize) -> Span {
    let start = source.text().find("\"permissions\"").unwrap_or_default();
    let rest = source.text().get(start..).unwrap_or_default();
    let found = rest.match_indices(json).nth(count);
    let (at, len) = found.map_or((0, 1), |(at, json)| (at, json.len()));
    source.span_at(start + at, len)
}

fn meaning(list: &str, rule: &str) -> Meaning {
    let denies = list == "deny";
    if list == "ask" {
        return Meaning::Kept("asks a person, and no grant does");
    }
    let (tool, part) = match rule.split_once('(') {
        Some((tool, rest)) => match rest.strip_suffix(')') {
            Some(part) => (tool, Some(part)),
            None => return Meaning::Kept("is no rule that can be read"),
        },
        None => (rule, None),
    };
    // A part that is a star alone is no part.
    let part = part.filter(|part| *part != "*");
    match (tool, part) {
        ("Write" | "NotebookEdit" | "MultiEdit", Some(path)) => Meaning::Dead(
            "path rules are those of `Edit` and `Read` alone",
            if denies {
                format!(
                    "nothing keeps anyone from it now; write `never {{ write \"{}\"; }}`",
                    path.trim_start_matches('/')
                )
            } else {
                "it allows nothing; take it out".to_owned()
            },
        ),
        ("Bash", None | Some(":*")) if !denies => Meaning::Wide("allows every command"),
        ("Write", None) if !denies => {
            Meaning::Wide("allows writing everywhere, also outside of the project")
        }
        ("WebFetch" | "WebSearch", None) if !denies => Meaning::Wide("allows every host"),
        ("Edit", None) if !denies => {
            Meaning::Wide("allows every change of what is there; `Write` still asks")
        }
        ("Edit", Some("**" | "/**" | "./**")) if !denies => Meaning::Wide("allows every file"),
        ("Bash", Some(command)) => command_rule(command),
        ("Edit", Some(path)) => path_rule("write", path, denies),
        ("Read", Some(path)) if denies => path_rule("read", path, true),
        ("Read", _) => Meaning::Kept("is not needed: a role may read what lies in the project"),
        ("WebFetch", Some(host)) => match host.strip_prefix("domain:") {
            Some(host) if NamePattern::host(host).is_ok() && !host.contains('*') => {
                Meaning::Grant("reach", vec![host.to_owned()])
            }
            _ => Meaning::Kept("names no single host"),
        },
        (_, None) if denies => {
            Meaning::Kept("takes one tool away; other ways to do the same stay open")
        }
        ("Agent" | "Task", _) => Meaning::Kept("holds for agents by their client's names"),
        (tool, _) if tool.starts_with("mcp__") => {
            Meaning::Kept("speaks of a server; declare it with `server`, then grant `use`")
        }
        _ => Meaning::Kept("has no grant of its kind"),
    }
}

fn command_rule(command: &str) -> Meaning {
    let bare = command
        .strip_suffix(":*")
        .or_else(|| command.strip_suffix(" *"));
    let words = bare.unwrap_or(command).trim();
    let odd = |c: char| "*?[]{}\"'\\`$;&|<>()#~!=@".contains(c) || c.is_control();
    if words.is_empty() || words.contains(odd) {
        return Meaning::Kept("has a pattern of commands that is not read word by word");
    }
    let pattern = match bare {
        Some(_) => format!("{words} *"),
        None => words.to_owned(),
    };
    if pattern.parse::<CommandPattern>().is_err() {
        return Meaning::Kept("is no command that can be judged");
    }
    Meaning::Grant("run", vec![pattern])
}

// A rule's path is read as a line of .gitignore, from the root of the project.
fn path_rule(capability: &'static str, path: &str, denies: bool) -> Meaning {
    if path.starts_with("//") || path.starts_with('~') {
        return Meaning::Kept("speaks of files outside of the project");
    }
    if path.contains(['{', '}', '[', ']', '!', '\\']) || path.split('/').any(|part| part == "..") {
        return Meaning::Kept("has a pattern of paths that the client reads in its own way");
    }
    let anchored = path.starts_with('/');
    let inner = path.trim_start_matches("./").trim_start_matches('/');
    let folder = inner
        .strip_suffix("/**")
        .or_else(|| inner.strip_suffix("/*"));
    let name = folder.unwrap_or(inner).trim_end_matches('/');
    if name.is_empty() || name.chars().all(|c| matches!(c, '*' | '/')) {
        return if denies {
            Meaning::Grant(capability, vec!["**".to_owned()])
        } else {
            Meaning::Wide("allows every file")
        };
    }
    let below = |name: &str| format!("{name}/**");
    let loose = !anchored && !name.contains('/') && folder.is_none() && !inner.ends_with('/');
    let patterns = match (denies, anchored) {
        // A denial holds at any depth unless it is anchored.
        (true, true) if folder.is_some() => vec![below(name)],
        (true, true) => vec![name.to_owned(), below(name)],
        (true, false) if folder.is_some() || inner.ends_with('/') => {
            vec![below(&format!("**/{}", name.trim_start_matches("**/")))]
        }
        (true, false) => {
            let name = format!("**/{}", name.trim_start_matches("**/"));
            vec![below(&name), name]
        }
        (false, _) if folder.is_some() => vec![below(name)],
        (false, _) if loose && name.contains('*') => vec![format!("**/{name}")],
        (false, true)
            if name
                .rsplit('/')
                .next()
                .is_some_and(|last| last.contains('.')) =>
        {
            vec![name.to_owned()]
        }
        (false, _) => {
            return Meaning::Kept("may name a file or a folder; grant `PATH` or `PATH/**`");
        }
    };
    if patterns
        .iter()
        .any(|pattern| pattern.parse::<PathPattern>().is_err())
    {
        return Meaning::Kept("has a pattern of paths that no grant has");
    }
    Meaning::Grant(capability, patterns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sources;

    fn read(text: &str) -> (Settings, Findings) {
        let mut sources = Sources::default();
        let mut findings = Findings::default();
        let mut settings = Settings::default();
        settings.read(sources.add(".claude/settings.json", text), &mut findings);
        (settings, findings)
    }

    #[test]
    fn a_rule_becomes_the_grant_that_says_the_same() {
        let cases = [
            (
                "allow",
                "Bash(npm run test:*)",
                Some("may { run \"npm run test *\"; }"),
            ),
            (
                "allow",
                "Bash(npm run test *)",
                Some("may { run \"npm run test *\"; }"),
            ),
            (
                "allow",
                "Bash(make check)",
                Some("may { run \"make check\"; }"),
            ),
            (
                "deny",
                "Bash(git push:*)",
                Some("never { run \"git push *\"; }"),
            ),
            ("allow", "Edit(/src/**)", Some("may { write \"src/**\"; }")),
            ("allow", "Edit(/src/*)", Some("may { write \"src/**\"; }")),
            ("allow", "Edit(src/**)", Some("may { write \"src/**\"; }")),
            ("allow", "Edit(*.txt)", Some("may { write \"**/*.txt\"; }")),
            (
                "allow",
                "Edit(/README.md)",
                Some("may { write \"README.md\"; }"),
            ),
            ("deny", "Edit(/src/**)", Some("never { write \"src/**\"; }")),
            (
                "deny",
                "Edit(src/**)",
                Some("never { write \"**/src/**\"; }"),
            ),
            (
                "deny",
                "Edit(/src)",
                Some("never { write \"src\" \"src/**\"; }"),
            ),
            (
                "deny",
                "Read(.env)",
                Some("never { read \"**/.env/**\" \"**/.env\"; }"),
            ),
            (
                "deny",
                "Read(./.env.*)",
                Some("never { read \"**/.env.*/**\" \"**/.env.*\"; }"),
            ),
            (
                "allow",
                "WebFetch(domain:docs.rs)",
                Some("may { reach \"docs.rs\"; }"),
            ),
            ("allow", "Bash", None),
            ("allow", "Bash(*)", None),
            ("allow", "Bash(git * main)", None),
            ("allow", "Bash(FOO=1 make)", None),
            ("allow", "Edit", None),
            ("allow", "Edit(/**)", None),
            ("allow", "Edit(*)", None),
            ("deny", "Edit(*)", None),
            ("deny", "Read(*)", None),
            ("deny", "Bash(*)", None),
            ("allow", "Edit(/src)", None),
            ("allow", "Edit(//etc/**)", None),
            ("allow", "Edit(~/x/**)", None),
            ("allow", "Edit(/{a,b}/**)", None),
            ("allow", "Edit(/../x)", None),
            ("allow", "Write", None),
            ("allow", "Write(/src/**)", None),
            ("deny", "Write(/src/**)", None),
            ("deny", "Write", None),
            ("allow", "mcp__a__b", None),
            ("allow", "Agent(x)", None),
            ("ask", "Bash(git push:*)", None),
            ("allow", "Bash(broken", None),
        ];
        for (list, rule, then) in cases {
            let text = format!("{{\n\"permissions\": {{\"{list}\": [\"{rule}\"]}}}}");
            let (settings, findings) = read(&text);
            assert_eq!(settings.rules[0].grant.as_deref(), then, "{list} {rule}");
            assert_eq!(settings.rules[0].line, 2);
            assert_eq!(findings.is_empty(), then.is_some(), "{list} {rule}");
        }
    }

    #[test]
    fn settings_that_the_client_ignores_are_an_error() {
        for text in [
            "{",
            "{\"permissions\": []}",
            "{\"permissions\": {\"deny\": \"Bash\"}}",
            "{\"permissions\": {\"defaultMode\": \"bogus\", \"deny\": [\"Bash\"]}}",
            "{\"permissions\": {\"defaultMode\": \"delegate\", \"deny\": [\"Bash\"]}}",
            "{\"permissions\": {\"allow\": null, \"deny\": [\"Bash\"]}}",
            "{\"permissions\": {\"additionalDirectories\": \"x\", \"deny\": [\"Bash\"]}}",
            "{\"permissions\": {\"disableBypassPermissionsMode\": true, \"deny\": [\"Bash\"]}}",
            "{\"permissions\": {\"deny\": [\"Bash\"]}, \"model\": 5}",
            "{\"permissions\": {\"deny\": [\"Bash\"]}, \"sandbox\": \"x\"}",
            "{\"permissions\": {\"deny\": [\"Bash\"]}, \"hooks\": {\"PreToolUse\": {}}}",
            "{\"permissions\": {\"deny\": [\"Bash\"]}, \"hooks\": {\"PreToolUse\": [{\"matcher\": \"x\"}]}}",
            "{\"permissions\": {\"deny\": [\"Bash\"]}, \"hooks\": {\"PreToolUse\": [{\"hooks\": [{\"type\": \"command\"}]}]}}",
            "{\"permissions\": {\"deny\": [\"Bash\",]}}",
            "[]",
            "",
        ] {
            let (settings, findings) = read(text);
            assert!(findings.has_errors() && settings.rules.is_empty(), "{text}");
        }
        // What it takes in spite of a fault is taken here too.
        for text in [
            "\u{feff}{\"permissions\": {\"deny\": [\"Bash(x)\"]}}",
            "{\"permissions\": {\"deny\": [\"Bash(x)\", 5]}, \"env\": {\"A\": 5}}",
            "{\"permissions\": {\"deny\": [\"Bash(x)\"]}, \"hooks\": {\"Stop\": \"x\"}}",
            "{\"permissions\": {\"deny\": [\"Bash(x)\"], \"z\": 1}, \"hooks\": []}",
        ] {
            let (settings, findings) = read(text);
            assert!(!findings.has_errors(), "{text}");
            assert_eq!(settings.rules.len(), 1, "{text}");
        }
        let (_, findings) = read("{\"permissions\": {\"deny\": [\"Write(/src/**)\"]}}");
        assert!(findings.has_errors());
    }
}
