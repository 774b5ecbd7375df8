use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Decision, Place, RefusalKind, Setting, ToolCall, answer, context, decide};
use crate::{
    boundary::{Capability, PathPattern},
    plan::{Plan, Protected, Reserved},
};

fn protected() -> Protected {
    let mut protected = Protected::fixed();
    for path in ["factory.kdl", "roles/builder.md"] {
        protected.add(Reserved::Input, PathPattern::literal(path).unwrap());
    }
    protected
}

fn lock() -> Value {
    let role = |name: &str, boundary: Value| {
        json!({
            "title": name, "description": name, "model": "m",
            "snapshot": format!("snapshots/{name}.snap"), "prompt": "0".repeat(64),
            "boundary": boundary, "held": {}, "gates": ["smoke"], "tools": [],
            "stop": {"attempts": 1, "usd": "1.00", "wall": 60},
        })
    };
    json!({
        "format": Plan::FORMAT, "compiler": "0", "protected": protected(),
        "factory": {
            "name": "f", "targets": [], "driver": {"kind": "replay"},
            "stop": {"attempts": 1, "usd": "1.00", "wall": 60}, "jobs": 1,
        },
        "clients": {}, "models": {}, "servers": {},
        "gates": {"smoke": {
            "title": "Smoke", "kind": {"kind": "run", "command": "true"}, "timeout": 60, "sealed": ["app/sealed/**"],
        }},
        "documents": {}, "tasks": {},
        "inputs": {
            "factory.kdl": {"sha256": "0".repeat(64)},
            "roles/builder.md": {"sha256": "0".repeat(64)},
        },
        "outputs": {
            ".claude/agents/builder.md": {"kind": "file", "sha256": "0".repeat(64)},
            "CLAUDE.md": {"kind": "sections", "titles": ["Roles"]},
        },
        "workspace": {"scratch": ["tmp/**"]},
        "roles": {
            "builder": role("builder", json!({
                "read": {"never": ["**/.env*", "config/master.key"]},
                "write": {
                    "may": ["app/**", "roles/**", "snapshots/**", "factory.*", "CLAUDE.md", "sub/**"],
                    "never": ["app/secret/**"],
                },
                "run": {"may": ["cat *", "echo *", "tee *", "rm *", "cp *", "grep *", "ls *"], "never": ["echo secret *"]},
                "reach": {"may": ["gems.example.org", "*.example.com"], "never": ["evil.example.com"]},
                "use": {"may": ["mcp:browser", "mcp:db/query"], "never": ["mcp:browser/upload"]},
                "delegate": {"may": ["qa"]},
            })),
            "qa": role("qa", json!({"reach": {"may": ["*"]}})),
        },
    })
}

pub(super) fn plan() -> Plan {
    serde_json::from_value(lock()).unwrap()
}

// A project with links and secrets, in a folder that goes with the value.
struct Project {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let root = top.join("project");
        for path in [
            "app/secret",
            "config",
            "tmp",
            "snapshots",
            "roles",
            "sub/.git",
            "docs",
            ".git",
        ] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in [
            "app/a.rb",
            "config/master.key",
            "config/deploy.yml",
            "docs/a.md",
            "factory.kdl",
            ".env.test",
            "sub/.git/HEAD",
            "CLAUDE.md",
        ] {
            fs::write(root.join(path), "x\n").unwrap();
        }
        fs::write(root.join("factory.lock"), plan().to_text()).unwrap();
        fs::create_dir_all(top.join("elsewhere")).unwrap();
        fs::write(top.join("elsewhere/private"), "").unwrap();
        symlink("../config", root.join("app/config")).unwrap();
        symlink("../config/new.yml", root.join("app/dangling.rb")).unwrap();
        symlink("../../elsewhere", root.join("app/out")).unwrap();
        symlink("a.rb", root.join("app/alias.rb")).unwrap();
        symlink("../.env.test", root.join("app/innocent.rb")).unwrap();
        fs::write(root.join("app/twice.rb"), "").unwrap();
        fs::hard_link(root.join("app/twice.rb"), root.join("config/twice.rb")).unwrap();
        Self {
            _folder: folder,
            root,
        }
    }

    fn place(&self) -> Place {
        Place {
            root: self.root.clone(),
            private: None,
            role: None,
            environment: [("PATH".into(), "/usr/bin".into())].into(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "tables read better")]
    fn call(&self, agent: Option<&str>, tool: &str, input: Value) -> ToolCall {
        let call = json!({
            "session_id": "s", "cwd": self.root, "hook_event_name": "PreToolUse",
            "agent_type": agent, "tool_name": tool, "tool_input": input,
        });
        ToolCall::parse(call.to_string().as_bytes()).unwrap()
    }

    fn decide(&self, agent: Option<&str>, tool: &str, input: Value) -> Decision {
        decide(&plan(), &self.call(agent, tool, input), &self.place())
    }

    #[expect(clippy::needless_pass_by_value, reason = "tables read better")]
    // Given a call of the builder, then it passes (no text) or is refused with this text.
    fn check(&self, tool: &str, input: Value, refused: Option<&str>) {
        let decision = self.decide(Some("builder"), tool, input.clone());
        match (&decision, refused) {
            (Decision::Pass, None) => {}
            (Decision::Refuse(refusal), Some(text)) if refusal.why.contains(text) => {
                assert!(refusal.why.lines().count() <= 2, "{refusal}");
            }
            _ => panic!("{tool} {input}: {decision:?}, expected {refused:?}"),
        }
    }
}

#[test]
fn files_are_written_within_the_grant_only() {
    let project = Project::new();
    let cases: [(&str, Option<&str>); 34] = [
        ("app/a.rb", None),
        ("app/new/deep/b.rb", None),
        ("./app/../app//a.rb", None),
        ("app/alias.rb", None),
        ("tmp/scratch.txt", None),
        (
            "config/deploy.yml",
            Some("no `may { write … }` gives it\nit may write: `app/**`"),
        ),
        ("docs/a.md", Some("no `may { write … }`")),
        ("APP/a.rb", Some("no `may { write … }`")),
        ("app/secret/k", Some("`never { write \"app/secret/**\" }`")),
        ("app/SECRET/k", Some("`never { write \"app/secret/**\" }`")),
        ("app/../config/deploy.yml", Some("`config/deploy.yml`")),
        (
            "app/config/deploy.yml",
            Some("may not write `config/deploy.yml`"),
        ),
        ("app/dangling.rb", Some("may not write `config/new.yml`")),
        ("app/out/x", Some("outside the project, by a link")),
        ("app/twice.rb", Some("other names")),
        ("app", Some("no `may { write … }`")),
        ("app/secret", Some("is a directory")),
        ("../elsewhere/x", Some("outside the project")),
        ("/etc/passwd", Some("outside the project")),
        ("/dev/null", Some("outside the project")),
        ("~/x", Some("begins with `~`")),
        ("", Some("has to give a `file_path`")),
        ("app/a\0.rb", Some("has to give a `file_path`")),
        ("factory.kdl", Some("the plan is made from it")),
        ("Factory.KDL", Some("the plan is made from it")),
        ("factory.lock", Some("it is the lock")),
        ("roles/builder.md", Some("the plan is made from it")),
        ("snapshots/other.snap.new", Some("accepted prompt")),
        ("sub/.git/config", Some("belongs to the repository")),
        ("sub/.GIT/hooks/x", Some("belongs to the repository")),
        ("sub/.Claude/settings.json", Some("steers the client")),
        ("app/factory.lock", Some("would be judged by it")),
        ("app/.mcp.json", Some("steers the client")),
        ("app/sealed/test.rb", Some("it decides the gate `smoke`")),
    ];
    for (path, refused) in cases {
        project.check("Write", json!({"file_path": path, "content": ""}), refused);
    }
    let absolute = |path: &str| project.root.join(path);
    project.check("Edit", json!({"file_path": absolute("app/a.rb")}), None);
    project.check(
        "Edit",
        json!({"file_path": absolute("docs/a.md")}),
        Some("`docs/a.md`"),
    );
    project.check(
        "MultiEdit",
        json!({"file_path": "docs/a.md"}),
        Some("`docs/a.md`"),
    );
    project.check(
        "NotebookEdit",
        json!({"notebook_path": "docs/a.ipynb"}),
        Some("`docs/a.ipynb`"),
    );
    project.check(
        "NotebookEdit",
        json!({"notebook_path": "app/a.ipynb"}),
        None,
    );
    project.check(
        "Edit",
        json!({"path": "app/a.rb"}),
        Some("has to give a `file_path`"),
    );
    project.check(
        "Write",
        json!({"file_path": ["app/a.rb"]}),
        Some("has to give a `file_path`"),
    );
}

#[test]
fn an_edit_shows_what_it_edits() {
    let project = Project::new();
    let input = json!({"file_path": "app/.env.local"});
    project.check("Write", input.clone(), None);
    project.check("Edit", input, Some("may not read"));
}

#[test]
fn files_are_read_unless_a_never_takes_them() {
    let project = Project::new();
    let cases = [
        ("app/a.rb", None),
        ("CLAUDE.md", None),
        ("factory.lock", None),
        ("/usr/include/stdio.h", None),
        (
            "config/master.key",
            Some("`never { read \"config/master.key\" }`"),
        ),
        ("config/MASTER.key", Some("`never { read")),
        (".env.test", Some("`never { read")),
        ("docs/../.env.test", Some("`never { read")),
        ("app/config/master.key", Some("`never { read")),
        ("app/innocent.rb", Some("may not read `.env.test`")),
        ("app/out/private", Some("outside the project")),
        ("../elsewhere/private", Some("outside the project")),
        ("/root/.ssh/id", Some("outside the project")),
        ("~/.ssh/id", Some("begins with `~`")),
    ];
    for (path, refused) in cases {
        project.check("Read", json!({"file_path": path}), refused);
    }
    let private = project.root.join("../elsewhere").canonicalize().unwrap();
    let place = Place {
        private: Some(private.clone()),
        ..project.place()
    };
    let call = project.call(
        Some("builder"),
        "Read",
        json!({"file_path": private.join("private")}),
    );
    assert_eq!(decide(&plan(), &call, &place), Decision::Pass);
}

#[test]
fn what_the_client_put_aside_for_the_agent_is_readable() {
    let project = Project::new();
    let mut call = project.call(
        Some("builder"),
        "Read",
        json!({"file_path": "/home/me/s1/tool-results/1.txt"}),
    );
    assert!(matches!(
        decide(&plan(), &call, &project.place()),
        Decision::Refuse(_)
    ));
    call.transcript_path = Some("/home/me/s1.jsonl".into());
    assert_eq!(decide(&plan(), &call, &project.place()), Decision::Pass);
}

#[test]
fn a_search_reads_what_it_goes_through() {
    let project = Project::new();
    let cases = [
        (json!({"pattern": "x", "path": "app"}), None),
        (
            json!({"pattern": "x", "path": "config"}),
            Some("may not read `config/master.key`"),
        ),
        (json!({"pattern": "x"}), Some("may not read")),
        (
            json!({"pattern": "x", "path": "config", "glob": "!master.key"}),
            None,
        ),
        (
            json!({"pattern": "x", "path": "config", "glob": "*.yml"}),
            None,
        ),
        (
            json!({"pattern": "x", "path": "config", "glob": "*.yml,*.key"}),
            Some("master.key"),
        ),
        (
            json!({"pattern": "x", "path": "config", "glob": "[z-a"}),
            Some("can't be read"),
        ),
        (json!({"pattern": "x", "path": "config/deploy.yml"}), None),
        (json!({"pattern": "x", "path": "/usr/include"}), None),
        (
            json!({"pattern": "x", "path": ".."}),
            Some("outside the project"),
        ),
        (
            json!({"pattern": "x", "path": "app/out"}),
            Some("outside the project"),
        ),
    ];
    for (input, refused) in cases {
        project.check("Grep", input, refused);
    }
    let cases = [
        (json!({"pattern": "**/*"}), None),
        (json!({"pattern": "*", "path": "config"}), None),
        (json!({"pattern": "../**"}), Some("leaves the folder")),
        (
            json!({"pattern": "/root/**/*.key"}),
            Some("outside the project"),
        ),
        (json!({"pattern": "~/**"}), Some("leaves the folder")),
        (json!({"pattern": project.root.join("app/**")}), None),
        (
            json!({"pattern": "*", "path": "/root"}),
            Some("outside the project"),
        ),
    ];
    for (input, refused) in cases {
        project.check("Glob", input, refused);
    }
}

#[test]
fn hosts_are_reached_by_the_name_that_is_spoken_to() {
    let project = Project::new();
    let cases = [
        ("https://gems.example.org/gems?q=1", None),
        ("HTTPS://Gems.Example.ORG.:443/x", None),
        ("http://api.example.com", None),
        (
            "https://evil.example.com/",
            Some("`never { reach \"evil.example.com\" }`"),
        ),
        ("https://EVIL.example.com", Some("`never { reach")),
        (
            "https://gems.example.org.evil.net/",
            Some("may not reach `gems.example.org.evil.net`"),
        ),
        (
            "https://gems.example.org@evil.net/",
            Some("may not reach `evil.net`"),
        ),
        (
            "https://evil.net/#@gems.example.org/",
            Some("may not reach `evil.net`"),
        ),
        (
            "https://evil.net\\@gems.example.org/",
            Some("names no host"),
        ),
        (
            "https://evil.net\t.gems.example.org/",
            Some("names no host"),
        ),
        ("https://%67ems.example.org/", Some("names no host")),
        ("https://[::1]/", Some("names no host")),
        ("https://:80/", Some("names no host")),
        ("file:///etc/passwd", Some("names no host")),
        ("gems.example.org", Some("names no host")),
        ("https://rübygems.org", Some("names no host")),
    ];
    for (url, refused) in cases {
        project.check("WebFetch", json!({"url": url, "prompt": "x"}), refused);
    }
    project.check(
        "WebSearch",
        json!({"query": "x"}),
        Some("may not search everywhere"),
    );
    project.check(
        "WebSearch",
        json!({"query": "x", "allowed_domains": ["gems.example.org"]}),
        None,
    );
    project.check(
        "WebSearch",
        json!({"query": "x", "allowed_domains": ["gems.example.org", "a.net"]}),
        Some("`a.net`"),
    );
    project.check(
        "WebSearch",
        json!({"query": "x", "allowed_domains": []}),
        Some("everywhere"),
    );
    assert_eq!(
        project.decide(Some("qa"), "WebSearch", json!({"query": "x"})),
        Decision::Pass
    );
}

#[test]
fn servers_are_used_tool_by_tool() {
    let project = Project::new();
    for (tool, refused) in [
        ("mcp__browser__click", None),
        ("mcp__browser__upload", Some("`never { use")),
        ("mcp__browser__Upload", Some("`never { use")),
        ("mcp__db__query", None),
        ("mcp__db__drop", Some("no `may { use … }`")),
        ("mcp__other__x", Some("no `may { use … }`")),
        ("mcp__browser", Some("names no server and tool")),
        ("mcp__browser__", Some("names no server and tool")),
        ("mcp____click", Some("names no server and tool")),
    ] {
        project.check(tool, json!({}), refused);
    }
    project.check(
        "ReadMcpResourceTool",
        json!({"server": "browser", "uri": "x"}),
        None,
    );
    project.check(
        "ReadMcpResourceTool",
        json!({"server": "other", "uri": "x"}),
        Some("may not use"),
    );
    project.check(
        "ListMcpResourcesTool",
        json!({}),
        Some("has to name a server"),
    );
}

#[test]
fn work_is_handed_only_to_granted_roles_as_the_plan_has_them() {
    let project = Project::new();
    let task = |to: &str| json!({"subagent_type": to, "prompt": "x", "description": "y"});
    for tool in ["Agent", "Task"] {
        project.check(tool, task("qa"), None);
        project.check(tool, task("builder"), Some("no `may { delegate … }`"));
        for foreign in ["general-purpose", "Explore", "QA", "someone"] {
            project.check(tool, task(foreign), Some("no role of this factory"));
        }
        project.check(
            tool,
            json!({"prompt": "x"}),
            Some("has to give a `subagent_type`"),
        );
        let mut other = task("qa");
        other["model"] = json!("opus");
        project.check(tool, other, Some("`model` is not builder's to choose"));
    }
    let place = Place {
        role: Some("builder".into()),
        ..project.place()
    };
    let call = project.call(Some("builder"), "Agent", task("qa"));
    let Decision::Refuse(refusal) = decide(&plan(), &call, &place) else {
        panic!("an agent was started in exec");
    };
    assert!(refusal.why.contains("no agent starts another"));
}

#[test]
fn tools_that_nobody_knows_are_refused() {
    let project = Project::new();
    for tool in ["TodoWrite", "StructuredOutput", "ToolSearch"] {
        project.check(tool, json!({}), None);
    }
    for tool in [
        "Skill",
        "SlashCommand",
        "Monitor",
        "PowerShell",
        "bash",
        "EnterWorktree",
        "CronCreate",
        "",
    ] {
        project.check(tool, json!({}), Some("is not known"));
    }
}

#[test]
fn whose_call_it_is() {
    let project = Project::new();
    let outside = || json!({"file_path": "config/deploy.yml"});
    let forced = |role: &str| Place {
        role: Some(role.into()),
        ..project.place()
    };
    let refuses = |agent: Option<&str>, place: &Place| {
        let call = project.call(agent, "Write", outside());
        matches!(decide(&plan(), &call, place), Decision::Refuse(_))
    };
    // (the agent of the call, the role that the place forces, whether it is refused)
    let cases = [
        (Some("builder"), None, true),
        (Some("Builder"), None, true),
        (Some("general-purpose"), None, false),
        (Some("someone-elses"), None, false),
        (None, None, false),
        (None, Some("builder"), true),
        (Some("builder"), Some("builder"), true),
        (Some("general-purpose"), Some("builder"), true),
        (None, Some("nobody"), true),
    ];
    for (agent, role, refused) in cases {
        let place = role.map_or_else(|| project.place(), forced);
        assert_eq!(
            refuses(agent, &place),
            refused,
            "{agent:?} in the session of {role:?}"
        );
    }
}

#[test]
fn a_person_is_asked_before_the_factory_itself_changes() {
    let project = Project::new();
    // (the tool, the path, whether it asks)
    let cases = [
        ("Write", "factory.kdl", true),
        ("Edit", "./roles/../factory.KDL", true),
        ("Edit", "roles/builder.md", true),
        ("Write", "factory.lock", true),
        ("Write", "snapshots/builder.snap", true),
        ("Write", ".claude/agents/builder.md", true),
        ("Write", ".claude/agents/mine.md", false),
        ("Write", "config/deploy.yml", false),
        ("Write", ".git/config", false),
        ("Write", "/tmp/elsewhere", false),
        ("Write", "~/x", false),
        ("Read", "factory.kdl", false),
    ];
    for agent in [None, Some("someone-elses")] {
        for (tool, path, asks) in cases {
            let decision = project.decide(agent, tool, json!({"file_path": path}));
            assert_eq!(
                matches!(decision, Decision::Ask(_)),
                asks,
                "{tool} {path}: {decision:?}"
            );
            assert!(!matches!(decision, Decision::Refuse(_)), "{tool} {path}");
        }
        // (the line, whether it asks)
        let lines = [
            ("rm factory.lock", true),
            ("echo x > factory.kdl", true),
            ("rm -rf snapshots", true),
            ("sed -i s/a/b/ roles/builder.md", true),
            ("make $TARGET; echo x >> CLAUDE.md", true),
            ("cd roles && rm builder.md", true),
            ("rm .claude/agents/builder.md", true),
            ("rm .claude/agents/mine.md", false),
            ("cat factory.kdl > /tmp/x", false),
            ("rm app/twice.rb && echo x > app/a.rb", false),
            ("echo 'x", false),
            ("factory build", false),
            ("git checkout main", false),
            ("rm -rf tmp", false),
        ];
        for (line, asks) in lines {
            let decision = project.decide(agent, "Bash", json!({"command": line}));
            let right = match &decision {
                Decision::Ask(why) => asks && why.contains("of the factory"),
                Decision::Pass => !asks,
                Decision::Refuse(_) => false,
            };
            assert!(right, "{line}: {decision:?}");
        }
        for tool in ["Bash", "Skill", "Agent", "mcp__x__y"] {
            assert_eq!(
                project.decide(agent, tool, json!({})),
                Decision::Pass,
                "{tool}"
            );
        }
    }
}

#[test]
fn a_name_that_links_make_does_not_lead_around_what_is_kept() {
    let project = Project::new();
    let root = &project.root;
    fs::create_dir_all(root.join("shared/claude/agents")).unwrap();
    fs::create_dir_all(root.join("kept")).unwrap();
    fs::create_dir_all(root.join("app/own")).unwrap();
    fs::rename(root.join("roles"), root.join("docs/roles")).unwrap();
    fs::write(root.join("docs/roles/builder.md"), "x\n").unwrap();
    fs::remove_dir(root.join("snapshots")).unwrap();
    fs::remove_file(root.join("CLAUDE.md")).unwrap();
    fs::write(root.join("AGENTS.md"), format!("# Mine\n\n{REGION}")).unwrap();
    symlink("shared/claude", root.join(".claude")).unwrap();
    symlink("docs/roles", root.join("roles")).unwrap();
    symlink("kept", root.join("snapshots")).unwrap();
    symlink("AGENTS.md", root.join("CLAUDE.md")).unwrap();
    symlink("../common/mine", root.join("app/.claude")).unwrap();
    let mut lock = lock();
    lock["roles"]["builder"]["boundary"]["write"]["may"] =
        json!(["shared/**", "AGENTS.md", "docs/**", "kept/**"]);
    let plan: Plan = serde_json::from_value(lock).unwrap();
    let said = |agent: Option<&str>, cwd: &str, tool: &str, input: Value| {
        let mut call = project.call(agent, tool, input);
        call.cwd = root.join(cwd);
        decide(&plan, &call, &project.place())
    };
    // (where the session is, the path, why nobody may)
    let cases = [
        ("", "shared/claude/settings.json", Some("steers the client")),
        ("", ".claude/settings.json", Some("steers the client")),
        (
            "",
            "shared/claude/agents/builder.md",
            Some("`factory build` writes it"),
        ),
        (
            "",
            "docs/roles/builder.md",
            Some("the plan is made from it"),
        ),
        ("", "kept/builder.snap", Some("accepted prompt")),
        ("", "AGENTS.md", Some("writes sections of it")),
        (
            "app/own",
            "../../common/mine/settings.json",
            Some("steers the client"),
        ),
        ("", "shared/other", None),
        ("", "docs/a.md", None),
        ("", "docs/roles/other.md", None),
    ];
    for (cwd, path, why) in cases {
        let written = [
            ("Write", json!({"file_path": path, "content": "all mine"})),
            ("Bash", json!({"command": format!("echo x > {path}")})),
        ];
        for (tool, input) in written {
            let decision = said(Some("builder"), cwd, tool, input);
            match (&decision, why) {
                (Decision::Pass, None) => {}
                (Decision::Refuse(refusal), Some(why)) => {
                    assert!(
                        tool == "Bash" || refusal.why.contains(why),
                        "{path}: {refusal}"
                    );
                    assert_ne!(refusal.kind, RefusalKind::NotGranted, "{path}: {refusal}");
                }
                _ => panic!("{tool} {path}: {decision:?}"),
            }
        }
        // A person is asked by the same names, but for what steers the client alone.
        let asks = why.is_some_and(|why| !why.contains("steers"));
        let asked = said(
            None,
            cwd,
            "Write",
            json!({"file_path": path, "content": ""}),
        );
        assert_eq!(matches!(asked, Decision::Ask(_)), asks, "{path}: {asked:?}");
    }
}

#[test]
fn a_refusal_says_in_kind_what_stands_against_the_call() {
    use Capability::{Delegate, Reach, Read, Run, Use, Write};

    let project = Project::new();
    let place = Place {
        role: Some("builder".into()),
        ..project.place()
    };
    let refusal = |place: &Place, tool: &str, input: Value| {
        let call = project.call(Some("builder"), tool, input);
        match decide(&plan(), &call, place) {
            Decision::Refuse(refusal) => refusal,
            other => panic!("{tool}: {other:?}"),
        }
    };
    let open = project.place();
    let file = |path: &str| json!({"file_path": path});
    let line = |line: &str| json!({"command": line});
    // (the tool, its input, what stands against it, what it is about)
    let cases = [
        (
            "Write",
            file("docs/a.md"),
            RefusalKind::NotGranted,
            Some((Write, "docs/a.md")),
        ),
        (
            "Write",
            file("docs/../new/[b].rs"),
            RefusalKind::NotGranted,
            Some((Write, "new/[b].rs")),
        ),
        (
            "Edit",
            file("app/secret/k"),
            RefusalKind::Taken,
            Some((Write, "app/secret/k")),
        ),
        (
            "Write",
            file("app/config/x.yml"),
            RefusalKind::NotGranted,
            Some((Write, "config/x.yml")),
        ),
        (
            "Write",
            file("factory.kdl"),
            RefusalKind::Reserved,
            Some((Write, "factory.kdl")),
        ),
        (
            "Write",
            file("app/sealed/t"),
            RefusalKind::Sealed,
            Some((Write, "app/sealed/t")),
        ),
        (
            "Write",
            file("/etc/passwd"),
            RefusalKind::Outside,
            Some((Write, "/etc/passwd")),
        ),
        (
            "Write",
            file("app/twice.rb"),
            RefusalKind::Unclear,
            Some((Write, "app/twice.rb")),
        ),
        (
            "Read",
            file(".env.test"),
            RefusalKind::Taken,
            Some((Read, ".env.test")),
        ),
        (
            "Read",
            file("/root/x"),
            RefusalKind::Outside,
            Some((Read, "/root/x")),
        ),
        (
            "Bash",
            line("ls && npm test"),
            RefusalKind::NotGranted,
            Some((Run, "npm test *")),
        ),
        (
            "Bash",
            line("echo x > docs/b"),
            RefusalKind::NotGranted,
            Some((Write, "docs/b")),
        ),
        (
            "Bash",
            line("echo secret x"),
            RefusalKind::Taken,
            Some((Run, "echo secret x")),
        ),
        (
            "Bash",
            line("a $x"),
            RefusalKind::NotGranted,
            Some((Run, "a *")),
        ),
        (
            "Bash",
            line("$x\nls"),
            RefusalKind::Unclear,
            Some((Run, "$x")),
        ),
        (
            "Bash",
            line("echo x > /tmp/x"),
            RefusalKind::Outside,
            Some((Run, "echo x > /tmp/x")),
        ),
        (
            "WebFetch",
            json!({"url": "https://me:pw@docs.example.net:443/x"}),
            RefusalKind::NotGranted,
            Some((Reach, "docs.example.net")),
        ),
        (
            "WebFetch",
            json!({"url": "file:///x"}),
            RefusalKind::Unclear,
            Some((Reach, "file:///x")),
        ),
        (
            "WebSearch",
            json!({"query": "x"}),
            RefusalKind::NotGranted,
            Some((Reach, "*")),
        ),
        (
            "WebSearch",
            json!({"query": "x", "allowed_domains": ["a.org"]}),
            RefusalKind::NotGranted,
            Some((Reach, "a.org")),
        ),
        (
            "mcp__db__drop",
            json!({}),
            RefusalKind::NotGranted,
            Some((Use, "mcp:db/drop")),
        ),
        (
            "mcp__browser__upload",
            json!({}),
            RefusalKind::Taken,
            Some((Use, "mcp:browser/upload")),
        ),
        (
            "Agent",
            json!({"subagent_type": "builder"}),
            RefusalKind::NotGranted,
            Some((Delegate, "builder")),
        ),
        (
            "Agent",
            json!({"subagent_type": "Explore"}),
            RefusalKind::Unclear,
            Some((Delegate, "Explore")),
        ),
        ("Skill", json!({}), RefusalKind::Unclear, None),
    ];
    for (tool, input, kind, wanted) in cases {
        let found = refusal(&open, tool, input.clone());
        let about = found.wanted.as_ref();
        let about = about.map(|thing| (thing.capability, thing.name.as_str()));
        assert_eq!(
            (found.kind, about),
            (kind, wanted),
            "{tool} {input}: {found}"
        );
    }
    let other = project.call(Some("qa"), "Read", file("x"));
    let Decision::Refuse(found) = decide(&plan(), &other, &place) else {
        panic!("qa worked in the builder's session");
    };
    assert_eq!(found.kind, RefusalKind::Unclear);
}

#[test]
fn every_factory_above_a_session_has_its_say() {
    let project = Project::new();
    let own = |name: &str, may: &[&str]| {
        let mut lock = lock();
        let mut role = lock["roles"]["builder"].clone();
        role["boundary"]["write"] = json!({ "may": may });
        lock["roles"] = json!({ name: role });
        serde_json::from_value::<Plan>(lock).unwrap().to_text()
    };
    let below = |path: &str, lock: String| {
        let folder = project.root.join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("factory.lock"), lock).unwrap();
        folder
    };
    let same = below("app/same", own("builder", &["**"]));
    let other = below("app/other", own("other", &["**"]));
    let docs = below("docs/other", own("other", &["**"]));
    let repository = below("sub", own("other", &["**"]));
    let code = |cwd: &Path, agent: Option<&str>, path: &str| {
        answer(hook(cwd, agent, path).as_bytes(), &Setting::default()).code
    };
    // (where the session is, whose call, the path, whether it is refused)
    let cases = [
        // The nearer one may be what a role has made of it.
        (&same, Some("builder"), "x.rb", false),
        (&same, Some("builder"), "../../docs/a.md", true),
        (&same, Some("builder"), "../a.rb", true),
        // One that does not know the agent is not the one that decides.
        (&other, Some("builder"), "x.rb", false),
        (&docs, Some("builder"), "x.md", true),
        (&docs, Some("other"), "x.md", false),
        (&docs, Some("other"), "../a.md", true),
        (&docs, Some("someone-elses"), "../a.md", false),
        (&docs, None, "../a.md", false),
        // Nor is one above another repository: the client finds no agent there.
        (&repository, Some("builder"), "x", false),
        (&repository, Some("other"), "../app/a.rb", true),
    ];
    for (cwd, agent, path, refused) in cases {
        let said = code(cwd, agent, path);
        assert_eq!(
            said,
            if refused { 2 } else { 0 },
            "{agent:?} {}: {path}",
            cwd.display()
        );
    }
    let asked = answer(
        hook(&docs, None, "factory.lock").as_bytes(),
        &Setting::default(),
    );
    assert!(asked.stdout.contains("\"ask\""), "{asked:?}");
    let why = answer(
        hook(&docs, Some("builder"), "x.md").as_bytes(),
        &Setting::default(),
    )
    .stderr;
    assert!(why.contains("so says the factory above"), "{why}");
    // What the client says the session started in counts, wherever the shell has gone.
    let setting = Setting {
        environment: [("CLAUDE_PROJECT_DIR".into(), docs.clone().into())].into(),
        ..Setting::default()
    };
    let input = hook(
        &repository,
        Some("other"),
        project.root.join("docs/a.md").to_str().unwrap(),
    );
    assert_eq!(answer(input.as_bytes(), &setting).code, 2);
    // A lock that can't be read is none that permits.
    fs::write(docs.join("factory.lock"), "{").unwrap();
    assert_eq!(code(&docs, Some("other"), "x.md"), 2);
    assert_eq!(code(&docs, None, "x.md"), 0);
}

#[test]
fn a_hook_in_an_agents_file_knows_whose_call_it_is() {
    let project = Project::new();
    let setting = |agent: &str| Setting {
        agent: Some(agent.into()),
        ..Setting::default()
    };
    let said = |cwd: &Path, agent: Option<&str>, path: &str, of: &str| {
        answer(hook(cwd, agent, path).as_bytes(), &setting(of))
    };
    for agent in [None, Some("builder")] {
        assert_eq!(said(&project.root, agent, "app/a.rb", "builder").code, 0);
        assert_eq!(said(&project.root, agent, "docs/a.md", "builder").code, 2);
    }
    // Where its factory is not, another one does not take it for a person.
    let mut lock = lock();
    let roles = lock["roles"].as_object_mut().unwrap();
    roles.remove("builder");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut plan: Plan = serde_json::from_value(lock).unwrap();
    fs::write(elsewhere.path().join("factory.lock"), plan.to_text()).unwrap();
    for agent in [None, Some("builder")] {
        let reply = said(elsewhere.path(), agent, "x", "builder");
        assert_eq!(reply.code, 2);
        assert!(
            reply.stderr.contains("start the session in its project"),
            "{reply:?}"
        );
    }
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(said(empty.path(), None, "x", "builder").code, 2);
}

fn hook(root: &Path, agent: Option<&str>, path: &str) -> String {
    json!({"cwd": root, "agent_type": agent, "tool_name": "Write", "tool_input": {"file_path": path}})
        .to_string()
}

#[test]
fn the_hook_speaks_the_clients_language() {
    let project = Project::new();
    let setting = Setting::default();
    let reply = |input: &str| answer(input.as_bytes(), &setting);

    // The lock is found from a folder below the root, and paths count from that folder.
    let app = project.root.join("app");
    let passed = reply(&hook(&app, Some("builder"), "a.rb"));
    assert_eq!(
        (passed.code, passed.stdout.as_str(), passed.stderr.as_str()),
        (0, "", "")
    );

    let refused = reply(&hook(&app, Some("builder"), "../docs/a.md"));
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(
        refused
            .stderr
            .starts_with("refused: builder may not write `docs/a.md`")
    );

    let asked = reply(&hook(&project.root, None, "factory.kdl"));
    let output: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!(asked.code, 0);
    assert_eq!(output["hookSpecificOutput"]["permissionDecision"], "ask");
    assert_eq!(output["hookSpecificOutput"]["hookEventName"], "PreToolUse");
}

#[test]
fn what_goes_wrong_refuses_agents_and_lets_people_be() {
    let project = Project::new();
    let empty = tempfile::tempdir().unwrap();
    let broken = tempfile::tempdir().unwrap();
    fs::write(broken.path().join("factory.lock"), "{").unwrap();
    for root in [empty.path(), broken.path()] {
        let setting = Setting::default();
        for agent in ["builder", "general-purpose"] {
            let reply = answer(hook(root, Some(agent), "a").as_bytes(), &setting);
            assert_eq!(reply.code, 2, "{agent}");
            assert!(reply.stderr.contains("factory.lock"), "{}", reply.stderr);
            assert!(reply.stderr.contains("factory build"), "{}", reply.stderr);
        }
        assert_eq!(answer(hook(root, None, "a").as_bytes(), &setting).code, 0);
        let forced = Setting {
            role: Some("builder".into()),
            ..Setting::default()
        };
        assert_eq!(answer(hook(root, None, "a").as_bytes(), &forced).code, 2);
    }
    for input in [
        "",
        "null",
        "[]",
        "{",
        "{}",
        r#"{"tool_name":"Write"}"#,
        r#"{"agent_type":7,"cwd":"/","tool_name":"Write"}"#,
    ] {
        assert_eq!(
            answer(input.as_bytes(), &Setting::default()).code,
            2,
            "{input}"
        );
    }
    let edited = plan()
        .to_text()
        .replace("docs/**", "**")
        .replace("app/**", "**");
    fs::write(project.root.join("factory.lock"), edited).unwrap();
    let input = hook(&project.root, Some("builder"), "app/a.rb");
    assert_eq!(answer(input.as_bytes(), &Setting::default()).code, 2);
}

#[test]
fn refusals_are_written_down_where_that_is_asked() {
    let project = Project::new();
    let file = project.root.join("tmp/refused");
    let setting = Setting {
        refusals: Some(file.clone()),
        ..Setting::default()
    };
    answer(
        hook(&project.root, Some("builder"), "docs/a.md").as_bytes(),
        &setting,
    );
    answer(
        hook(&project.root, Some("builder"), "app/a.rb").as_bytes(),
        &setting,
    );
    let text = fs::read_to_string(file).unwrap();
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["tool"], "Write");
    assert!(line["why"].as_str().unwrap().contains("`docs/a.md`"));
}

#[test]
fn shell_lines_are_judged_with_the_disk_in_view() {
    let project = Project::new();
    let cases = [
        ("cat app/a.rb | tee app/b.rb", None),
        ("echo x > tmp/scratch", None),
        ("rm app/a.rb", None),
        ("grep -r x app docs", None),
        ("kamal deploy", Some("kamal")),
        ("echo secret x", Some("secret")),
        ("echo x > config/deploy.yml", Some("config/deploy.yml")),
        ("echo x > app/config/new.yml", Some("config/new.yml")),
        ("echo x | tee app/dangling.rb", Some("config/new.yml")),
        ("echo x > app/out/x", Some("app/out/x")),
        ("cp app/a.rb factory.lock", Some("factory.lock")),
        ("echo x >> CLAUDE.md", Some("CLAUDE.md")),
        ("echo x > app/sealed/test.rb", Some("app/sealed")),
        ("cp app/a.rb app/factory.lock", Some("factory.lock")),
        ("cat app/a.rb | tee app/twice.rb", Some("has other names")),
        ("rm app/twice.rb", None),
        ("rm -r sub", Some("sub")),
        ("cat .env.test", Some(".env.test")),
        ("cat app/innocent.rb", Some(".env.test")),
        ("grep -r x .", Some(".")),
        ("cat /root/.ssh/id", Some("/root/.ssh/id")),
        ("echo x > /tmp/x", Some("/tmp/x")),
        ("echo $(kamal deploy)", Some("kamal")),
        ("", Some("has to give a `command`")),
        ("echo 'x", Some("may not run this")),
    ];
    for (line, refused) in cases {
        project.check("Bash", json!({"command": line}), refused);
    }
    let mut call = project.call(Some("builder"), "Bash", json!({"command": "echo x > a.rb"}));
    let decided =
        |call: &ToolCall| matches!(decide(&plan(), call, &project.place()), Decision::Pass);
    assert!(!decided(&call));
    call.cwd = project.root.join("app");
    assert!(decided(&call));
    call.cwd = "/".into();
    assert!(!decided(&call));
}

// A region as `build` writes it.
const REGION: &str = "<!-- factory:begin roles sha256=39ad5d9847b8a8e0 (made by `factory build`: edit its source, not this text) -->\nThe roles.\n<!-- factory:end roles -->\n";

#[test]
fn a_document_is_anyones_but_for_its_managed_sections() {
    let project = Project::new();
    let text = format!("# Mine\n\nOld text.\n\n{REGION}\nMore.\n");
    assert!(
        crate::document::Document::parse(&text)
            .unwrap()
            .region("roles")
            .is_some()
    );
    fs::write(project.root.join("CLAUDE.md"), &text).unwrap();
    let edit = |old: &str, new: &str| json!({"file_path": "CLAUDE.md", "old_string": old, "new_string": new});
    // (the tool, its input, whether the sections stay as they are)
    let cases = [
        ("Edit", edit("Old text.", "New text."), true),
        ("Edit", edit("The roles.", "My roles."), false),
        (
            "Edit",
            edit("Old text.", "<!-- factory:end roles -->"),
            false,
        ),
        ("Edit", edit("nearly there", "x"), false),
        ("Edit", edit("", "x"), false),
        (
            "Write",
            json!({"file_path": "CLAUDE.md", "content": text.replace("More", "Less")}),
            true,
        ),
        (
            "Write",
            json!({"file_path": "CLAUDE.md", "content": "all mine"}),
            false,
        ),
        ("Write", json!({"file_path": "CLAUDE.md"}), false),
        (
            "MultiEdit",
            json!({"file_path": "CLAUDE.md", "edits": [edit("Mine", "Ours"), edit("Ours", "Its")]}),
            true,
        ),
        (
            "MultiEdit",
            json!({"file_path": "CLAUDE.md", "edits": [edit("Mine", "Ours"), edit("roles", "x")]}),
            false,
        ),
    ];
    for (tool, input, kept) in cases {
        project.check(
            tool,
            input.clone(),
            (!kept).then_some("writes sections of it"),
        );
        let person = project.decide(None, tool, input.clone());
        assert_eq!(
            matches!(person, Decision::Pass),
            kept,
            "{tool} {input}: {person:?}"
        );
    }
}

#[test]
fn a_roles_session_is_told_what_it_may_do() {
    let project = Project::new();
    let told = |agent: Option<&str>| {
        let input =
            json!({"cwd": project.root, "agent_type": agent, "source": "compact"}).to_string();
        context(input.as_bytes(), &Setting::default())
    };
    let text = told(Some("builder"));
    assert!(text.contains("the role `builder`"), "{text}");
    assert!(
        text.contains("\n- read: anything in the project; never `**/.env*`"),
        "{text}"
    );
    assert!(text.contains("\n- delegate: `qa`\n"), "{text}");
    assert_eq!(
        (told(None), told(Some("general-purpose"))),
        (String::new(), String::new())
    );
    assert_eq!(context(b"{", &Setting::default()), "");
}
