//! Every settings file that is made for the client, of factories made by chance: it is valid by the
//! client's own schema, where `FACTORY_TEST_DATA` has it, and holds nothing that the client would
//! drop or not obey.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod schema;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use factory::{
    cache::Digest,
    check,
    diagnostics::Findings,
    document::{Folder, OnEdit},
    emit::{self, Composer, Known, claude_code, snapshot},
    model, plan,
    run::{
        agent::{Answer, Assignment, Ended, attempt},
        process::Cancel,
    },
    spec,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

// What a role's `may` and `never` are made of.
fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        4 => "[a-z]{1,5}",
        1 => "[a-z(),!#@$&'^~=+ äß-]{1,5}[a-z]",
        1 => Just("*.rb".to_owned()),
        1 => Just("{a,b c}".to_owned()),
        1 => Just("[a-c]?".to_owned()),
    ];
    let end = prop_oneof![3 => Just("/**"), 2 => Just(""), 1 => Just("/*")];
    let begin = prop_oneof![4 => Just(""), 1 => Just("**/")];
    (begin, prop::collection::vec(segment, 1..3), end)
        .prop_map(|(begin, segments, end)| format!("{begin}{}{end}", segments.join("/")))
}

fn role(name: &'static str) -> impl Strategy<Value = String> {
    let list = |kind: &'static str, words: Vec<String>| match words.len() {
        0 => String::new(),
        _ => format!(
            "{kind} {}; ",
            words
                .iter()
                .map(|word| format!("{word:?}"))
                .collect::<Vec<_>>()
                .join(" ")
        ),
    };
    let words = |of: &'static [&'static str]| {
        prop::sample::subsequence(of, 0..=of.len())
            .prop_map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    (
        prop::collection::vec(path(), 0..4),
        prop::collection::vec(path(), 0..3),
        prop::collection::vec(path(), 0..2),
        words(&["cargo test *", "cat *", "git commit -m *", "bash -c \"x (y)\""]),
        words(&["rubygems.example.org", "*.example.com", "*"]),
        words(&["mcp:browser", "mcp:browser/click"]),
        words(&["builder", "qa", "lead"]),
        "[ -~]{0,20}[a-z]",
    )
        .prop_map(move |(writes, never_writes, never_reads, runs, hosts, tools, others, words)| {
            let others = others.into_iter().filter(|other| other != name).collect();
            let description = format!("Does {words}").replace(['\\', '{', '}'], "");
            format!(
                "role {name:?} model=\"m\" prompt=\"roles/{name}.md\" {{ title {name:?}; description {description:?}; gates \"g\"\n  may {{ {}{}{}{}{} }}\n  never {{ {}{} }}\n}}\n",
                list("write", writes), list("run", runs), list("reach", hosts), list("use", tools),
                list("delegate", others), list("write", never_writes), list("read", never_reads),
            )
        })
}

fn factories() -> impl Strategy<Value = String> {
    (role("builder"), role("qa"), role("lead"), any::<bool>()).prop_map(|(builder, qa, lead, server)| {
        let server = if server { "server \"browser\" { command \"npx\" \"browser@1.2.3\"; env \"TOKEN\"; }\n" } else { "" };
        format!(
            "factory \"f\" spec=1 {{ target \"claude-code\"; driver \"claude-code\" {{ command \"CLIENT\"; }}; }}\nmodel \"m\" id=\"claude-opus-5-5\"\ngate \"g\" {{ run \"true\"; }}\n{server}{builder}{qa}{lead}"
        )
    })
}

// The artifacts and the plan of a factory; none where it is not a valid one.
fn built(text: &str, into: &Path) -> Option<plan::Plan> {
    let mut texts = BTreeMap::from([("factory.kdl".to_owned(), text.to_owned())]);
    for role in ["builder", "qa", "lead"] {
        texts.insert(
            format!("roles/{role}.md"),
            format!("# {role}\n\nDo it well.\n"),
        );
    }
    let loaded = spec::load_texts("factory.kdl", texts).ok()?;
    let mut findings = Findings::default();
    let model = model::resolve(&loaded, &mut findings)?;
    let checked = check::check(model, &loaded.sources, &mut findings)?;
    let composer = Composer::new(&checked, &loaded.sources).unwrap();
    let prompts = composer.prompts().unwrap();
    let artifacts = emit::render(&composer, &prompts, &Folder::new(into)).unwrap();
    let comparison = emit::compare(into, &artifacts, &Known::default(), OnEdit::Keep);
    assert!(
        comparison.conflicts.is_empty(),
        "{:?}",
        comparison.conflicts
    );
    emit::write(&comparison).unwrap();
    let mut compiled = plan::Compiled::default();
    for prompt in prompts {
        compiled
            .snapshots
            .insert(prompt.role.clone(), snapshot::path(&prompt.role));
        compiled
            .prompts
            .insert(prompt.role, Digest::of(&prompt.text));
    }
    for (id, role) in checked.model().roles() {
        compiled.tools.insert(
            role.name.value.clone(),
            claude_code::tools(checked.model(), id),
        );
    }
    Some(plan::lock(&checked, &loaded.sources, compiled))
}

fn schema() -> Option<Value> {
    let Some(data) = std::env::var_os("FACTORY_TEST_DATA") else {
        eprintln!("skipped: FACTORY_TEST_DATA names no folder with the client's schema");
        return None;
    };
    let path = Path::new(&data).join("tools/claude-code-settings.schema.json");
    Some(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
}

// Shapes that the client accepts and does not obey, or that make it drop the whole file.
fn ineffective(settings: &Value, anchor: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |what: &str, value: &Value| found.push(format!("{what}: {value}"));
    for (name, list) in settings["permissions"].as_object().into_iter().flatten() {
        if name != "deny" {
            say(
                "a rule that holds for everyone, or is ignored in an untrusted folder",
                list,
            );
        }
        for rule in list.as_array().unwrap() {
            let text = rule.as_str().unwrap();
            let path = ["Edit(", "Read("]
                .iter()
                .find_map(|tool| text.strip_prefix(tool));
            match path.and_then(|path| path.strip_suffix(')')) {
                None => say("no path rule that is consulted", rule),
                Some(path) => {
                    if !path.starts_with(anchor) {
                        say("an anchor that matches something else", rule);
                    }
                    if path.contains(['{', '}', '(', ')']) || path.contains("/!") {
                        say("what the client does not know in a path", rule);
                    }
                }
            }
        }
    }
    if settings["disableAllHooks"] == true {
        say("no hook would run", settings);
    }
    for (event, matchers) in settings["hooks"].as_object().into_iter().flatten() {
        if !["PreToolUse", "SessionStart"].contains(&event.as_str()) {
            say("an event that decides nothing", matchers);
        }
        for matcher in matchers.as_array().unwrap() {
            if event == "PreToolUse" && matcher["matcher"] != "*" {
                say("a matcher that leaves tools out", matcher);
            }
            for hook in matcher["hooks"].as_array().unwrap() {
                let names: Vec<_> = hook.as_object().unwrap().keys().collect();
                if names != ["command", "timeout", "type"] || hook["timeout"].as_u64() < Some(30) {
                    say("a hook that may not run, or not to its end", hook);
                }
                if event == "PreToolUse" && !hook["command"].as_str().unwrap().contains("exit 2") {
                    say("a guard that lets the tool run where it fails", hook);
                }
            }
        }
    }
    found
}

fn assert_sound(schema: Option<&Value>, settings: &Value, anchor: &str) {
    let faults = schema
        .map(|schema| schema::faults(schema, settings))
        .unwrap_or_default();
    assert!(faults.is_empty(), "{faults:?}\n{settings:#}");
    let found = ineffective(settings, anchor);
    assert!(found.is_empty(), "{found:?}\n{settings:#}");
}

// Runs `test` on factories that are valid, and sees that most are.
fn of_factories(cases: u32, mut test: impl FnMut(&plan::Plan, &Path)) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let (seen, valid) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let test = std::cell::RefCell::new(&mut test);
    runner
        .run(&factories(), |text| {
            let folder = tempfile::tempdir().unwrap();
            seen.set(seen.get() + 1);
            if let Some(plan) = built(&text, folder.path()) {
                valid.set(valid.get() + 1);
                (test.borrow_mut())(&plan, folder.path());
            }
            Ok(())
        })
        .unwrap();
    assert!(
        valid.get() * 4 > seen.get(),
        "{} of {} are valid",
        valid.get(),
        seen.get()
    );
}

#[test]
fn the_settings_of_a_project_are_valid_and_obeyed() {
    let schema = schema();
    of_factories(96, |_, folder| {
        let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
        let settings = serde_json::from_str(&read(".claude/settings.json")).unwrap();
        assert_sound(schema.as_ref(), &settings, "/");
        assert_eq!(
            settings.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["hooks"]
        );
        for role in ["builder", "qa", "lead"] {
            let file = read(&format!(".claude/agents/{role}.md"));
            let head = file
                .strip_prefix("---\n")
                .unwrap()
                .split("\n---\n")
                .next()
                .unwrap();
            let fields: Vec<_> = head
                .lines()
                .map(|line| line.split(": ").next().unwrap())
                .collect();
            assert_eq!(
                fields,
                ["name", "description", "tools", "model", "hooks", "factory"],
                "{file}"
            );
            // The hooks of an agent are those that settings may have.
            let hooks = head.lines().find_map(|line| line.strip_prefix("hooks: "));
            let hooks: Value = serde_json::from_str(hooks.unwrap()).unwrap();
            assert_sound(schema.as_ref(), &json!({ "hooks": hooks }), "/");
            let tools = head
                .lines()
                .find_map(|line| line.strip_prefix("tools: "))
                .unwrap();
            for tool in tools.split(", ") {
                let known =
                    factory::client::tool(tool).is_some() || tool.starts_with("mcp__browser__");
                assert!(known && !tool.contains('('), "{tool}");
            }
        }
    });
}

#[test]
fn the_settings_of_an_attempt_are_valid_and_obeyed() {
    let schema = schema();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    of_factories(24, |plan, folder| {
        // A client that says nothing: what it was given lies in the private folder of the attempt.
        let mut plan = serde_json::to_value(plan).unwrap();
        plan["factory"]["driver"]["command"] = json!(["true"]);
        let folder = folder.canonicalize().unwrap();
        let private = folder.join("private");
        let checkout = folder.join("checkout");
        fs::create_dir(&checkout).unwrap();
        let done = runtime.block_on(attempt(
            assignment(plan, &checkout, &private),
            Cancel::never(),
        ));
        let ended = done.unwrap().ended;
        assert!(matches!(ended, Ended::Failed(_)), "{ended:?}");
        let file = walkdir::WalkDir::new(&private)
            .into_iter()
            .flatten()
            .find(|entry| entry.file_name() == "role.json");
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let settings: Value = serde_json::from_str(&text).unwrap();
        assert_sound(
            schema.as_ref(),
            &settings,
            &format!("/{}/", checkout.display()),
        );
        assert_eq!(settings["disableAllHooks"], false);
    });
}

fn assignment(plan: Value, checkout: &Path, private: &Path) -> Assignment {
    let plan: plan::Plan = serde_json::from_value(plan).unwrap();
    let stop = plan.roles["builder"].stop;
    Assignment {
        plan: Arc::new(plan),
        task: "t".into(),
        step: "s".into(),
        role: "builder".into(),
        agent: plan::Agent {
            role: "builder".into(),
            yields: plan::Yields::Commit,
            sends_back: None,
            brief: String::new(),
            only_write: None,
            only_run: None,
            stop,
        },
        prompt: "You are the builder.".into(),
        brief: "Build it.".into(),
        checkout: checkout.to_owned(),
        private: private.to_owned(),
        project: checkout.to_owned(),
        exe: env!("CARGO_BIN_EXE_factory").into(),
        records: None,
        environment: Arc::new([("PATH".into(), "/usr/bin:/bin".into())].into()),
        session: None,
        attempt: 1,
        budget: "1.00".parse().unwrap(),
        wall: Duration::from_secs(20),
        answer: Answer::Text,
    }
}
