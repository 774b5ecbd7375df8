//! The real client in a project that `factory build` has written to, where `FACTORY_TEST_CLAUDE` names
//! it: rows 1 to 22 and 28 of `docs/client.md`.

#![allow(
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    reason = "a test that is skipped says so, and a turn is given what it calls"
)]

mod project;
#[path = "../service/mod.rs"]
mod service;

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::{Value, json};

use project::{Project, ROLES, all_words, offered, results};
use service::{Rule, Service, tool, words};

fn write(project: &Project, path: &str) -> Value {
    tool(
        "Write",
        json!({"file_path": project.path(path), "content": "new\n"}),
    )
}

fn delegate(role: &str) -> Value {
    tool(
        "Agent",
        json!({"subagent_type": role, "prompt": "Do it.", "description": "work"}),
    )
}

// What the builder tries, and the words with which each call ends, if it is refused.
fn attempts(project: &Project) -> Vec<(Value, Option<&'static str>)> {
    let shell = |line: &str| tool("Bash", json!({"command": line, "description": "d"}));
    vec![
        (write(project, "app/new.txt"), None),
        (
            write(project, "config/new.yml"),
            Some("may not write `config/new.yml`"),
        ),
        (write(project, "app/secret/x"), Some("app/secret/x")),
        (
            write(project, "app/../templates/brief.md.hbs"),
            Some("no role may write `templates/brief.md.hbs`"),
        ),
        (
            write(project, ".claude/agents/new.md"),
            Some("no role may write"),
        ),
        (
            shell("cat app/a.txt | tee config/deploy.yml"),
            Some("config/deploy.yml"),
        ),
        (shell("cat app/a.txt | tee app/b.txt"), None),
        (
            shell("python3 -c 'open(\"config/x\", \"w\")'"),
            Some("python3"),
        ),
    ]
}

fn holds(project: &Project, requests: &[Value], offered_agent: bool) {
    let last = requests.last().unwrap();
    let results = results(last);
    let attempts = attempts(project);
    assert!(results.len() >= attempts.len(), "{results:?}");
    for ((call, refused), (is_error, said)) in attempts.iter().zip(&results) {
        match refused {
            Some(why) => assert!(*is_error && said.contains(why), "{call}: {said}"),
            None => assert!(!is_error, "{call}: {said}"),
        }
    }
    if !offered_agent {
        let (is_error, said) = results.last().unwrap();
        assert!(*is_error && said.contains("No such tool"), "{said}");
    }
    assert_eq!(project.read("app/new.txt").as_deref(), Some("new\n"));
    assert_eq!(project.read("app/b.txt").as_deref(), Some("old\n"));
    assert_eq!(project.read("config/deploy.yml").as_deref(), Some("old\n"));
    for kept_out in ["config/new.yml", "app/secret/x", "config/x"] {
        assert_eq!(project.read(kept_out), None, "{kept_out}");
    }
}

fn builders_turns(project: &Project) -> Vec<Value> {
    let mut turns: Vec<_> = attempts(project)
        .into_iter()
        .map(|(call, _)| call)
        .collect();
    // Row 12: a tool that it was not offered.
    turns.push(delegate("qa"));
    turns.push("Built.".into());
    turns
}

#[test]
fn the_client_is_one_that_the_lock_names() {
    let Some(project) = Project::bare() else {
        return;
    };
    let known = factory::client::target("claude-code").unwrap().versions;
    let said = project.version();
    assert!(
        known.split(", ").any(|known| said.starts_with(known)),
        "{said} is none of {known}"
    );
}

#[test]
fn every_role_is_listed_with_its_prompt_its_model_and_its_tools() {
    let Some(project) = Project::built() else {
        return;
    };
    let service = Service::start(vec![Rule::new("any", "", vec!["Hello.".into()])]);
    let session = project.session(&service, "Hello", &[]);
    let listed = session.beginning()["agents"].to_string();
    let request = service.requests("any").pop().unwrap();
    for (role, _, _) in ROLES {
        assert!(listed.contains(&format!("\"{role}\"")), "{listed}");
    }
    for description in [
        "Hands the work out",
        "Writes what is in app",
        "Looks, and writes nothing",
    ] {
        assert!(request.to_string().contains(description), "{request}");
    }

    for (role, tools, model) in ROLES {
        project.session(&service, "Go", &["--agent", role]);
        let request = service.requests("any").pop().unwrap();
        let system = words(&request["system"]);
        assert!(
            system.contains(project.accepted(role).trim_end()),
            "{role}: {system}"
        );
        assert!(system.contains("rule 4711"), "{system}");
        assert_eq!(request["model"], model, "{role}");
        assert_eq!(offered(&request), tools, "{role}");
        assert!(all_words(&request).contains("rule 4712"), "{role}");
    }
}

#[test]
fn a_role_writes_within_its_boundary_and_nowhere_else() {
    for mode in ["acceptEdits", "bypassPermissions"] {
        let Some(project) = Project::built() else {
            return;
        };
        let turns = builders_turns(&project);
        let service = Service::start(vec![Rule::new("builder", "the builder of the lane", turns)]);
        // What the client itself would ask for is not what is tried here.
        let args = [
            "--agent",
            "builder",
            "--permission-mode",
            mode,
            "--allowedTools",
            "Bash",
        ];
        project.session(&service, "Go", &args);
        holds(&project, &service.requests("builder"), false);
    }
}

#[test]
fn a_role_that_a_person_calls_has_the_same_boundary() {
    let Some(project) = Project::built() else {
        return;
    };
    let turns = builders_turns(&project);
    let service = Service::start(vec![
        Rule::new("builder", "the builder of the lane", turns),
        Rule::new(
            "person",
            "",
            vec![delegate("builder"), "Waiting.".into(), "Done.".into()],
        ),
    ]);
    project.session(&service, "Go", &["--permission-mode", "bypassPermissions"]);
    let requests = service.requests("builder");
    holds(&project, &requests, false);
    let system = words(&requests[0]["system"]);
    assert!(
        system.contains(project.accepted("builder").trim_end()),
        "{system}"
    );
    assert_eq!(requests[0]["model"], "claude-opus-5-5");
    assert_eq!(offered(&requests[0]), ROLES[1].1);
}

#[test]
fn nobody_starts_an_agent_that_was_not_granted() {
    let Some(project) = Project::built() else {
        return;
    };
    let bypass = ["--permission-mode", "bypassPermissions"];
    let service = Service::start(vec![
        Rule::new("builder", "the builder of the lane", vec!["Built.".into()]),
        Rule::new(
            "qa",
            "the qa of the lane",
            vec![
                delegate("lead"),
                delegate("general-purpose"),
                delegate("builder"),
                "Seen.".into(),
            ],
        ),
        Rule::new("lead", "the lead of the lane", vec!["Led.".into()]),
        Rule::new(
            "person",
            "",
            vec![delegate("qa"), "Waiting.".into(), "Done.".into()],
        ),
    ]);
    let refused = |results: &[(bool, String)]| {
        for (is_error, said) in &results[..2] {
            assert!(is_error, "{said}");
        }
        assert!(!results[2].0, "{results:?}");
    };
    // As the session's own agent, and as somebody's.
    project.session(&service, "Go", &[&["--agent", "qa"], &bypass[..]].concat());
    refused(&results(service.requests("qa").last().unwrap()));
    let before = service.requests("qa").len();
    project.session(&service, "Go", &bypass);
    let as_subagent = service.requests("qa");
    assert!(as_subagent.len() > before);
    let results = results(as_subagent.last().unwrap());
    refused(&results);
    assert!(results[0].1.contains("lead"), "{results:?}");
    assert!(service.requests("lead").is_empty());
    assert!(!service.requests("builder").is_empty());
}

#[test]
fn the_rules_are_there_after_a_compaction() {
    let Some(project) = Project::built() else {
        return;
    };
    let service = Service::start(vec![Rule::new("any", "", vec!["Summed up.".into()])]);
    let session = project.session(&service, "Go", &["--agent", "builder"]);
    let id = session.id();
    project.session(
        &service,
        "/compact",
        &["--agent", "builder", "--resume", id],
    );
    project.session(&service, "Go on", &["--agent", "builder", "--resume", id]);
    let request = service.requests("any").pop().unwrap();
    assert!(all_words(&request).contains("Go on"), "{request}");
    let system = words(&request["system"]);
    assert!(
        system.contains(project.accepted("builder").trim_end()),
        "{system}"
    );
    let all = all_words(&request);
    for rule in [
        "rule 4711",
        "rule 4712",
        "session of the role `builder`",
        "app/secret/**",
    ] {
        assert!(all.contains(rule), "{rule}: {all}");
    }
}

#[test]
fn a_session_without_a_role_is_as_without_a_factory() {
    let Some(built) = Project::built() else {
        return;
    };
    let Some(bare) = Project::bare() else { return };
    for mode in [
        "default",
        "acceptEdits",
        "dontAsk",
        "plan",
        "bypassPermissions",
    ] {
        let held = [&built, &bare].map(|project| {
            let shell = |line: &str| tool("Bash", json!({"command": line, "description": "d"}));
            let turns = vec![
                write(project, "app/secret/y"),
                write(project, "config/y.yml"),
                tool(
                    "Read",
                    json!({"file_path": project.path("config/deploy.yml")}),
                ),
                shell("echo new | tee config/z.yml"),
                shell("mkdir -p other && cat app/a.txt"),
                delegate("general-purpose"),
                tool("TodoWrite", json!({"todos": []})),
                "Done.".into(),
            ];
            let service = Service::start(vec![Rule::new("any", "", turns)]);
            project.session(&service, "Go", &["--permission-mode", mode]);
            let requests = service.requests("any");
            let main = |request: &&Value| offered(request).contains(&"Agent");
            let last = requests.iter().rfind(main).unwrap();
            let root = project.root().display().to_string();
            let said: Vec<_> = results(last)
                .into_iter()
                .map(|(is_error, said)| (is_error, plain(&said, &root)))
                .collect();
            let system = plain(&words(&last["system"]), &root);
            let tools = offered(last)
                .into_iter()
                .filter(|name| !name.starts_with("mcp__"))
                .map(str::to_owned)
                .collect::<Vec<_>>();
            (said, system, tools)
        });
        let [with, without] = held;
        assert_eq!(with.0, without.0, "{mode}");
        assert_eq!(with.1, without.1, "{mode}");
        assert_eq!(with.2, without.2, "{mode}");
        assert_eq!(
            built.read("config/y.yml"),
            bare.read("config/y.yml"),
            "{mode}"
        );
    }
}

// A text without what differs from one session to the next: where the project is, and the number of an
// agent, which stands below the first line.
fn plain(text: &str, root: &str) -> String {
    let name = root
        .split("/.")
        .find_map(|part| part.strip_suffix("/project"));
    let text = text.replace(name.unwrap(), "NAME");
    match text.split_once("agentId: ") {
        Some((before, _)) => before.to_owned(),
        None => text,
    }
}

#[test]
fn every_hook_in_the_settings_fires() {
    let Some(project) = Project::built() else {
        return;
    };
    let read = tool("Read", json!({"file_path": project.path("app/a.txt")}));
    let service = Service::start(vec![Rule::new("any", "", vec![read, "Done.".into()])]);
    let session = project.session(&service, "Go", &["--agent", "builder"]);
    let settings: Value =
        serde_json::from_str(&project.read(".claude/settings.json").unwrap()).unwrap();
    let fired: Vec<_> = session
        .of("hook_response")
        .map(|event| (event["hook_event"].to_string(), event["exit_code"].clone()))
        .collect();
    for event in settings["hooks"].as_object().unwrap().keys() {
        let fine = (format!("\"{event}\""), json!(0));
        assert!(fired.contains(&fine), "{event}: {fired:?}");
    }
}

#[test]
fn a_server_is_started_for_those_who_may_use_it() {
    let Some(project) = Project::built() else {
        return;
    };
    let say = tool("mcp__echo__say", json!({}));
    let service = Service::start(vec![Rule::new("any", "", vec![say, "Done.".into()])]);
    for (role, heard) in [("qa", true), ("builder", false)] {
        let args = ["--agent", role, "--permission-mode", "bypassPermissions"];
        project.session(&service, "Go", &args);
        let results = results(service.requests("any").last().unwrap());
        assert_eq!(
            results[0].1.contains("echo 4714"),
            heard,
            "{role}: {results:?}"
        );
    }
}

#[test]
fn settings_that_turn_the_hooks_off_are_told_of() {
    let Some(project) = Project::built() else {
        return;
    };
    project.write(
        ".claude/settings.local.json",
        "{\"disableAllHooks\": true}\n",
    );
    let turns = vec![write(&project, "config/new.yml"), "Done.".into()];
    let service = Service::start(vec![Rule::new("any", "", turns)]);
    let args = [
        "--agent",
        "builder",
        "--permission-mode",
        "bypassPermissions",
    ];
    project.session(&service, "Go", &args);
    assert_eq!(project.read("config/new.yml").as_deref(), Some("new\n"));
    let said = project.factory(&["build", "--check"]);
    assert!(said.contains("disableAllHooks"), "{said}");
}

const BYPASS: [&str; 2] = ["--permission-mode", "bypassPermissions"];

fn shell(line: &str) -> Value {
    tool("Bash", json!({"command": line, "description": "d"}))
}

// Holds a session of the builder with these calls, and returns how each ended.
fn builder_tries(
    project: &Project,
    folder: &Path,
    args: &[&str],
    calls: Vec<Value>,
) -> Vec<(bool, String)> {
    let mut turns = calls;
    turns.push("Built.".into());
    let service = Service::start(vec![
        Rule::new("builder", "the builder of the lane", turns),
        Rule::new(
            "person",
            "",
            vec![delegate("builder"), "Waiting.".into(), "Done.".into()],
        ),
    ]);
    project.session_in(folder, &service, "Go", &[args, &BYPASS[..]].concat());
    results(service.requests("builder").last().unwrap())
}

#[test]
fn a_session_below_the_root_has_the_same_boundary() {
    for args in [&["--agent", "builder"][..], &[]] {
        let Some(project) = Project::built() else {
            return;
        };
        let calls = vec![
            write(&project, "app/new.txt"),
            write(&project, "config/new.yml"),
            shell("cat a.txt | tee ../config/deploy.yml"),
            write(&project, "app/factory.lock"),
        ];
        let said = builder_tries(&project, &project.root().join("app"), args, calls);
        assert!(!said[0].0, "{said:?}");
        for (refused, why) in [
            (1, "may not write `config/new.yml`"),
            (2, "config/deploy.yml"),
            (3, "would be judged by it"),
        ] {
            let (is_error, words) = &said[refused];
            assert!(*is_error && words.contains(why), "{why}: {said:?}");
        }
        assert_eq!(project.read("app/new.txt").as_deref(), Some("new\n"));
        assert_eq!(project.read("config/new.yml"), None);
        assert_eq!(project.read("config/deploy.yml").as_deref(), Some("old\n"));
    }
}

#[test]
fn a_session_elsewhere_that_adds_the_project_does_nothing_in_it() {
    let Some(project) = Project::built() else {
        return;
    };
    let root = project.root().display().to_string();
    let calls = vec![write(&project, "config/new.yml"), write(&project, "app/x")];
    let args = ["--agent", "builder", "--add-dir", &root];
    let said = builder_tries(&project, &project.elsewhere(), &args, calls);
    assert!(said.iter().all(|(is_error, _)| *is_error), "{said:?}");
    assert!(said[0].1.contains("factory.lock"), "{said:?}");
    // Nor where another factory is that would take an agent that it does not know for the person.
    let other = project.elsewhere();
    fs::create_dir_all(other.join("roles")).unwrap();
    fs::write(other.join("roles/other.md"), "You are another.\n").unwrap();
    let spec = "factory \"other\" spec=1 { target \"claude-code\"; }\nmodel \"m\" id=\"claude-opus-5-5\"\n\
                role \"other\" model=\"m\" prompt=\"roles/other.md\" { description \"Looks\"; }\n";
    fs::write(other.join("factory.kdl"), spec).unwrap();
    let built = project.command_in(&other, &["build"]);
    assert!(built.status.success(), "{built:?}");
    let calls = vec![write(&project, "config/new.yml"), write(&project, "app/x")];
    let said = builder_tries(&project, &other, &args, calls);
    assert!(
        said[0].0 && said[0].1.contains("start the session in its project"),
        "{said:?}"
    );
    assert_eq!(
        (project.read("config/new.yml"), project.read("app/x")),
        (None, None)
    );
}

#[test]
fn below_the_root_of_what_nobody_trusts_nothing_is_held_and_that_is_said() {
    let Some(project) = Project::built() else {
        return;
    };
    project.distrust();
    let calls = || vec![write(&project, "config/new.yml")];
    let args = ["--agent", "builder"];
    let said = builder_tries(&project, &project.root(), &args, calls());
    assert!(said[0].0, "in the root the settings are read: {said:?}");
    let said = builder_tries(&project, &project.root().join("app"), &args, calls());
    assert!(
        !said[0].0,
        "the client has learnt to run the hook: {said:?}"
    );
    let held = project.factory(&["check", "--held"]);
    assert!(
        held.contains("only where that person has trusted"),
        "{held}"
    );
}

#[test]
fn two_hooks_of_one_guard_are_as_one() {
    let Some(project) = Project::built() else {
        return;
    };
    fs::create_dir(project.root().join(".git")).unwrap();
    let calls = vec![write(&project, "app/x"), write(&project, "config/new.yml")];
    let said = builder_tries(&project, &project.root(), &["--agent", "builder"], calls);
    assert!(!said[0].0 && said[1].0, "{said:?}");
    let refusals = project.factory(&["refusals"]);
    assert!(
        refusals.contains("builder: 1 call that nothing grants"),
        "{refusals}"
    );
}

#[test]
fn settings_that_the_client_ignores_are_told_of() {
    let Some(project) = Project::built() else {
        return;
    };
    let settings = project.read(".claude/settings.json").unwrap();
    let more = |text: &str| settings.replacen('{', text, 1);
    // (the settings, what build says of them, whether it leaves them as they are)
    let cases = [
        (format!("// mine\n{settings}"), "see line 1", true),
        (more("{\"x\": [1,],"), "no comma at an end", true),
        (
            more("{\"permissions\": {\"defaultMode\": \"bogus\"},"),
            "permissions.defaultMode",
            false,
        ),
        (
            more("{\"permissions\": {\"allow\": \"Bash\"},"),
            "permissions.allow",
            false,
        ),
        (
            more("{\"cleanupPeriodDays\": \"x\","),
            "cleanupPeriodDays",
            false,
        ),
        (more("{\"env\": [\"A\"],"), "`env`", false),
    ];
    for (number, (settings, words, kept)) in cases.into_iter().enumerate() {
        project.write(".claude/settings.json", &settings);
        // Without the hook in the file of an agent, so that this one is seen alone.
        project.write(
            ".claude/agents/bare.md",
            "---\nname: bare\ndescription: Bare\n---\nYou are bare.\n",
        );
        let path = format!("config/{number}.yml");
        let turns = vec![write(&project, &path), "Done.".into()];
        let service = Service::start(vec![Rule::new("any", "", turns)]);
        let session = project.session(
            &service,
            "Go",
            &[&["--agent", "bare"], &BYPASS[..]].concat(),
        );
        let ran = session.of("hook_response").count();
        assert_eq!(ran, 0, "{words}: a hook ran");
        let said = if kept {
            project.factory(&["build"])
        } else {
            project.refused(&["build"])
        };
        assert!(said.contains(words), "{said}");
        assert_eq!(said.contains("nothing was written"), !kept, "{said}");
        let held = project.factory(&["check", "--held"]);
        assert!(held.contains("not asked now"), "{held}");
    }
}

#[test]
fn a_real_path_is_kept_like_the_name_that_a_link_gives_it() {
    let Some(project) = Project::bare() else {
        return;
    };
    let root = project.root();
    fs::create_dir_all(root.join("shared/claude")).unwrap();
    fs::create_dir_all(root.join("docs/roles")).unwrap();
    symlink("shared/claude", root.join(".claude")).unwrap();
    symlink("docs/roles", root.join("roles")).unwrap();
    fs::rename(root.join("CLAUDE.md"), root.join("AGENTS.md")).unwrap();
    symlink("AGENTS.md", root.join("CLAUDE.md")).unwrap();
    project.build(r#""shared/**" "docs/**" "AGENTS.md""#);
    let kept = [
        "shared/claude/settings.json",
        "docs/roles/builder.md",
        "AGENTS.md",
    ];
    let before = kept.map(|path| project.read(path));
    let mut calls: Vec<Value> = kept.map(|path| write(&project, path)).to_vec();
    calls.push(shell("cat app/a.txt | tee shared/claude/settings.json"));
    calls.push(write(&project, "docs/free.md"));
    let said = builder_tries(&project, &root, &["--agent", "builder"], calls);
    for (is_error, words) in &said[..4] {
        assert!(is_error, "{words}");
    }
    assert!(!said[4].0, "{said:?}");
    assert_eq!(kept.map(|path| project.read(path)), before);
}

#[test]
fn a_file_with_a_name_elsewhere_is_not_written() {
    let Some(project) = Project::built() else {
        return;
    };
    let root = project.root();
    fs::hard_link(root.join("config/deploy.yml"), root.join("app/hard")).unwrap();
    let calls = vec![
        write(&project, "app/hard"),
        shell("cat app/a.txt | tee app/hard"),
    ];
    let said = builder_tries(&project, &root, &["--agent", "builder"], calls);
    for (is_error, words) in &said[..2] {
        assert!(*is_error && words.contains("other names"), "{words}");
    }
    assert_eq!(project.read("config/deploy.yml").as_deref(), Some("old\n"));
}

#[test]
fn a_person_is_asked_before_a_line_changes_the_factory() {
    let Some(project) = Project::built() else {
        return;
    };
    let calls = [
        "rm factory.lock",
        "echo x > factory.kdl",
        "rm -rf snapshots",
        "echo x > config/mine.yml",
    ];
    let mut turns: Vec<Value> = calls.map(shell).to_vec();
    turns.push("Done.".into());
    let service = Service::start(vec![Rule::new("any", "", turns)]);
    // Without a person at the keyboard what asks is refused.
    project.session(&service, "Go", &BYPASS);
    let said = results(service.requests("any").last().unwrap());
    for (is_error, words) in &said[..3] {
        assert!(is_error, "{words}");
    }
    assert!(!said[3].0, "{said:?}");
    for path in ["factory.lock", "factory.kdl", "snapshots/builder.snap"] {
        assert!(
            project.read(path).is_some_and(|text| text != "x\n"),
            "{path}"
        );
    }
    assert_eq!(project.read("config/mine.yml").as_deref(), Some("x\n"));
}

#[test]
fn another_program_called_factory_stops_roles_and_no_person() {
    let Some(project) = Project::built() else {
        return;
    };
    project.shadow("cat >/dev/null; echo usage: factory COMMAND >&2; exit 2");
    let turns = vec![write(&project, "config/mine.yml"), "Done.".into()];
    let service = Service::start(vec![Rule::new("any", "", turns)]);
    project.session(&service, "Go", &BYPASS);
    assert_eq!(project.read("config/mine.yml").as_deref(), Some("new\n"));
    let calls = vec![write(&project, "app/x")];
    let said = builder_tries(&project, &project.root(), &["--agent", "builder"], calls);
    assert!(said[0].0 && said[0].1.contains("not the guard"), "{said:?}");
}

// Agents as people have them: each with its name to the client.
const ADOPTED: [(&str, &str, &str); 9] = [
    ("plain", "plain.md", "tools: Read, Grep\nmodel: haiku\n"),
    ("everything", "everything.md", ""),
    ("nothing", "nothing.md", "tools:\nmodel:\n"),
    (
        "My Agent",
        "my.md",
        "tools: [\"Read\", \"Bash(git log:*)\"]\nmodel: inherit\n",
    ),
    ("alias", "alias.md", "own: &t [Read]\ntools: *t\n"),
    ("lost", "lost.md", "toolz: Read\ncolor: red\n"),
    (
        "less",
        "sub/less.md",
        "disallowedTools: Write, Edit\nmodel: \"\"\n",
    ),
    ("a--b", "dashes.md", "tools: read, Grep\n"),
    (
        "hooked",
        "hooked.md",
        "tools: Read\nhooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: \"true\"\n",
    ),
];

#[test]
fn an_adopted_agent_is_to_the_client_what_it_was() {
    let Some(project) = Project::bare() else {
        return;
    };
    project.init();
    for (name, file, fields) in ADOPTED {
        project.write(
            &format!(".claude/agents/{file}"),
            &format!("---\nname: {name}\ndescription: Use when: {name} is asked\n{fields}---\n\nYou are {name} of 4713.\n"),
        );
    }
    // The client loads none of these, before or after.
    project.write(
        ".claude/agents/dash.md",
        "---\nname: -x\ndescription: d\n---\nP\n",
    );
    project.write(".claude/agents/README.md", "# Agents\n");
    let seen = || {
        let service = Service::start(vec![Rule::new("any", "", vec!["Hello.".into()])]);
        let session = project.session(&service, "Hello", &[]);
        let listed = session.beginning()["agents"].clone();
        let request = service.requests("any").pop().unwrap();
        let mut all = vec![(listed, described(&request), Value::Null, String::new())];
        for (name, _, _) in ADOPTED {
            project.session(&service, "Go", &["--agent", name]);
            // A request that offers no tool is answered by no rule.
            let requests = [service.requests("any"), service.requests("")].concat();
            let own = format!("You are {name} of 4713.");
            let is_own = |request: &&Value| words(&request["system"]).contains(&own);
            let request = requests.iter().find(is_own).unwrap();
            all.push((
                request["model"].clone(),
                name.to_owned(),
                request["tools"].clone(),
                words(&request["system"]),
            ));
        }
        all
    };
    let before = seen();
    for (name, _, _) in ADOPTED {
        assert!(
            before[0].0.to_string().contains(&format!("\"{name}\"")),
            "{name}"
        );
    }
    project.adopted();
    let after = seen();
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before, after, "{index}");
    }
}

// What the client says of the agents that can be started.
fn described(request: &Value) -> String {
    let all = all_words(request);
    let lines = all.lines().filter(|line| line.contains("is asked"));
    lines.collect::<Vec<_>>().join("\n")
}
