use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;

use super::{
    super::{Answer, Assignment},
    call, new_session, rules,
};
use crate::plan::{Agent, Plan, Protected, Reserved, Yields};

fn assignment() -> Assignment {
    let stop = json!({"attempts": 1, "usd": "1.00", "wall": 60});
    let mut protected = Protected::fixed();
    protected.add(Reserved::Input, "factory.kdl".parse().unwrap());
    let plan = json!({
        "format": Plan::FORMAT, "compiler": "0", "protected": protected,
        "factory": {"name": "f", "targets": [], "driver": {"kind": "claude-code"}, "stop": stop, "jobs": 1},
        "clients": {}, "gates": {}, "documents": {}, "tasks": {}, "outputs": {},
        "inputs": {"factory.kdl": {"sha256": "0".repeat(64)}},
        "models": {"opus": {"id": "claude-opus-5-5"}},
        "servers": {
            "browser": {"command": ["npx", "-y", "browser@1"], "env": ["BROWSER_KEY", "UNSET"]},
            "db": {"command": ["db"]},
        },
        "workspace": {"scratch": ["log/**"]},
        "roles": {"builder": {
            "title": "Builder", "description": "Builds", "model": "opus",
            "snapshot": "snapshots/builder.snap", "prompt": "0".repeat(64), "held": {}, "gates": [],
            "tools": ["Read", "Grep", "Edit", "Write", "Bash", "WebFetch", "Agent", "Skill"], "stop": stop,
            "boundary": {
                "read": {"never": ["**/.env*", "config/{master.key,credentials/**}", {"pattern": "x/**", "except": ["x/a"]}]},
                "write": {"may": ["app/**", "db/*.rb"], "never": ["app/secret/**"]},
                "run": {"may": ["cat *"]},
                "reach": {"may": ["gems.example.org"]},
                "use": {"may": ["mcp:browser"]},
            },
        }},
    });
    let plan: Plan = serde_json::from_value(plan).unwrap();
    Assignment {
        task: "pdf".into(),
        step: "build".into(),
        role: "builder".into(),
        agent: Agent {
            role: "builder".into(),
            yields: Yields::Commit,
            sends_back: None,
            brief: String::new(),
            only_write: None,
            only_run: None,
            stop: plan.factory.stop,
        },
        plan: Arc::new(plan),
        prompt: "Build.\n\"Well\".".into(),
        brief: "/clear".into(),
        checkout: "/w/clone".into(),
        private: "/w/it's private".into(),
        project: "/home/me/project".into(),
        exe: "/bin/factory".into(),
        records: None,
        environment: Arc::new([("BROWSER_KEY".into(), "k".into())].into()),
        session: None,
        attempt: 1,
        budget: "0.5".parse().unwrap(),
        wall: Duration::from_mins(1),
        answer: Answer::Text,
    }
}

fn arguments(assignment: &Assignment, context: Option<&Path>) -> String {
    let boundary = assignment.boundary().unwrap();
    let [settings, servers] = [Path::new("/c/role.json"), Path::new("/c/servers.json")];
    let args = call::arguments(assignment, &boundary, "S", settings, servers, context).unwrap();
    let lines: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
    lines.join("\n")
}

#[test]
fn the_client_is_called_closed() {
    insta::assert_snapshot!(arguments(&assignment(), Some(Path::new("/c/context.md"))), @r##"
    -p

    --output-format
    json
    --setting-sources
    user
    --settings
    /c/role.json
    --agents
    {"builder":{"description":"Builds","prompt":"Build.\n\"Well\".","tools":["Read","Grep","Edit","Write","Bash","WebFetch","mcp__browser"]}}
    --agent
    builder
    --model
    claude-opus-5-5
    --tools
    Read,Grep,Edit,Write,Bash,WebFetch
    --permission-mode
    dontAsk
    --strict-mcp-config
    --mcp-config
    /c/servers.json
    --max-turns
    250
    --max-budget-usd
    0.50
    --session-id
    S
    --append-system-prompt-file
    /c/context.md
    --allowedTools
    Edit(//w/clone/app/**)
    Edit(//w/clone/db/*.rb)
    Edit(//w/clone/log/**)
    Bash
    WebFetch(domain:gems.example.org)
    mcp__browser
    "##);
}

#[test]
fn a_session_goes_on_and_answers_by_schema() {
    let mut again = assignment();
    again.session = Some("S".into());
    again.answer = Answer::Verdict;
    let args = arguments(&again, None);
    assert!(
        args.contains("\n--resume\nS\n") && !args.contains("--session-id"),
        "{args}"
    );
    assert!(
        args.contains("\n--json-schema\n{\"additionalProperties\":false"),
        "{args}"
    );
    assert!(
        args.contains("\"WebFetch\",\"StructuredOutput\",\"mcp__browser\"]"),
        "{args}"
    );
    assert!(!args.contains("--append-system-prompt-file"), "{args}");
}

#[test]
fn the_settings_hold_the_guard_and_what_is_denied() {
    let assignment = assignment();
    let guard = call::guard(
        &assignment,
        Path::new("/c/plan.json"),
        Path::new("/o/refused"),
    );
    let boundary = assignment.boundary().unwrap();
    let settings = rules::settings(&assignment, &boundary, &guard).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&settings).unwrap(), @r##"
    {
      "disableAllHooks": false,
      "hooks": {
        "PreToolUse": [
          {
            "hooks": [
              {
                "command": "/bin/factory guard --plan /c/plan.json --root /w/clone --role builder --private '/w/it'\\''s private' --refusals /o/refused || exit 2",
                "timeout": 600,
                "type": "command"
              }
            ],
            "matcher": "*"
          }
        ]
      },
      "permissions": {
        "deny": [
          "Edit(//w/clone/**/.git)",
          "Edit(//w/clone/**/.git/**)",
          "Edit(//w/clone/factory.lock)",
          "Edit(//w/clone/**/factory.lock)",
          "Edit(//w/clone/snapshots)",
          "Edit(//w/clone/snapshots/**)",
          "Edit(//w/clone/factory.kdl)",
          "Edit(//w/clone/templates)",
          "Edit(//w/clone/templates/**)",
          "Edit(//w/clone/**/.claude)",
          "Edit(//w/clone/**/.claude/**)",
          "Edit(//w/clone/**/.mcp.json)",
          "Edit(//w/clone/**/CLAUDE.local.md)",
          "Edit(//w/clone/app/secret/**)",
          "Read(//w/clone/**/.env*)",
          "Read(//w/clone/config/master.key)",
          "Read(//w/clone/config/credentials/**)"
        ]
      }
    }
    "##);
}

#[test]
fn servers_are_those_that_the_role_may_use() {
    let assignment = assignment();
    let servers = call::servers(&assignment, &assignment.boundary().unwrap());
    assert_eq!(
        servers,
        json!({"mcpServers": {"browser": {"command": "npx", "args": ["-y", "browser@1"], "env": {"BROWSER_KEY": "k"}}}})
    );
}

#[test]
fn a_grant_that_rules_cannot_say_is_left_to_the_guard() {
    let mut given = assignment();
    let allowed = |assignment: &Assignment| {
        rules::allowed(assignment, &assignment.boundary().unwrap()).unwrap()
    };
    let write = |assignment: &mut Assignment, may: serde_json::Value| {
        let plan = Arc::make_mut(&mut assignment.plan);
        let role = plan.roles.get_mut("builder").unwrap();
        role.boundary.write.may = serde_json::from_value(may).unwrap();
    };
    let rest = ["Bash", "WebFetch(domain:gems.example.org)", "mcp__browser"];
    // (what may be written, the rules for it)
    let cases = [
        (
            json!(["app/**"]),
            vec!["Edit(//w/clone/app/**)", "Edit(//w/clone/log/**)"],
        ),
        (json!(["app/[ab].rb"]), vec!["Edit", "Write"]),
        (
            json!([{"pattern": "app/**", "except": ["app/x"]}]),
            vec!["Edit", "Write"],
        ),
        (json!([]), vec!["Edit(//w/clone/log/**)"]),
    ];
    for (may, rules) in cases {
        write(&mut given, may.clone());
        assert_eq!(allowed(&given), [rules, rest.to_vec()].concat(), "{may}");
    }
    write(&mut given, json!(["**"]));
    given.agent.only_write = Some(vec![
        "app/a.rb"
            .parse::<crate::boundary::PathPattern>()
            .unwrap()
            .into(),
    ]);
    assert_eq!(allowed(&given)[0], "Edit(//w/clone/app/a.rb)");
}

#[test]
fn a_session_has_a_name_of_its_own_and_a_brief_is_no_command() {
    let assignment = assignment();
    let [one, other] = [new_session(&assignment), new_session(&assignment)];
    assert_ne!(one, other);
    let parts: Vec<_> = one.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!(
        call::prompt(&assignment),
        "# pdf/build, attempt 1\n\n/clear"
    );
}

#[test]
fn a_prompt_that_no_command_line_takes_is_an_error() {
    let mut long = assignment();
    long.prompt = "x".repeat(200_000);
    let boundary = long.boundary().unwrap();
    let error = call::arguments(
        &long,
        &boundary,
        "S",
        Path::new("/s"),
        Path::new("/m"),
        None,
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("too long for the client"),
        "{error}"
    );
}
