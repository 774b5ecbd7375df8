//! What programs read: every format that findings are written in, held against its schema.

mod schema;

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use factory::{
    check::{check, explain},
    diagnostics::{Findings, Format, Sources, render},
    model::resolve,
    spec::{Loaded, load, load_texts},
};
use schema::Schema;
use serde_json::Value;

const FORMATS: [(&str, Format); 4] = [
    ("short", Format::Short),
    ("json", Format::Json),
    ("sarif", Format::Sarif { story: explain }),
    ("github", Format::Github),
];

fn found(mut loaded: Loaded) -> (Findings, Sources) {
    let mut findings = std::mem::take(&mut loaded.findings);
    if loaded.complete
        && let Some(model) = resolve(&loaded, &mut findings)
    {
        check(model, &loaded.sources, &mut findings);
    }
    (findings.sorted(), loaded.sources)
}

/// A factory with a finding of each level, one of them in two files, one with an edit.
fn sample() -> (Findings, Sources) {
    let spec = "factory \"shop\" spec=1 { include \"a, b/100%.kdl\"; }\n\
                model \"m\" id=\"claude-sonnet-5-5\"\n\
                role \"writer\" model=\"m\" prompt=\"roles/a.md\" {\n    \
                description \"Wrïtes\"\n    may { write \"app/**\"; }\n}\n";
    let more =
        "role \"writer\" model=\"m\" prompt=\"roles/a.md\" {\n    descripton \"Writes\"\n}\n";
    let texts = [
        ("factory.kdl", spec),
        ("a, b/100%.kdl", more),
        ("roles/a.md", "You write.\n"),
    ];
    let texts: BTreeMap<_, _> = texts
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    found(load_texts("factory.kdl", texts).unwrap())
}

fn fixtures() -> impl Iterator<Item = (PathBuf, Findings, Sources)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    ["spec", "check"]
        .into_iter()
        .flat_map(move |room| fs::read_dir(folder.join(room)).unwrap())
        .map(|entry| {
            let path = entry.unwrap().path();
            let (findings, sources) = found(load(&path, "factory.kdl").unwrap());
            (path, findings, sources)
        })
}

#[test]
fn each_format_is_as_programs_know_it() {
    let (findings, sources) = sample();
    for (name, format) in FORMATS {
        let text = render(&findings, &sources, format);
        let text = text.replace(
            &format!("\"semanticVersion\": \"{}\"", env!("CARGO_PKG_VERSION")),
            "\"semanticVersion\": \"VERSION\"",
        );
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            snapshot_path => "../snapshots/formats",
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn nothing_found_is_said_too() {
    let (sources, none) = (Sources::default(), Findings::default());
    for (name, format) in FORMATS {
        let text = render(&none, &sources, format);
        match name {
            "short" | "github" => assert_eq!(text, ""),
            _ => assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name}"),
        }
    }
}

#[test]
fn json_is_as_documented() {
    let schema = include_str!("../../docs/diagnostics.schema.json");
    let schema = Schema::new(schema);
    let mut count = 0;
    for (path, findings, sources) in fixtures() {
        let text = render(&findings, &sources, Format::Json);
        let faults = schema.faults(&serde_json::from_str(&text).unwrap());
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        count += findings.iter().count();
    }
    assert!(count > 50, "the fixtures have findings");
    let other = serde_json::json!({"version": 2, "findings": [{"code": 1}]});
    assert_eq!(schema.faults(&other).len(), 3);
}

fn held(fixture: &str, format: &str) -> (String, Option<i32>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check");
    let output = Command::new(env!("CARGO_BIN_EXE_factory"))
        .args(["check", "--held", "--format", format])
        .current_dir(folder.join(fixture))
        .output()
        .unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

#[test]
fn what_holds_is_told_to_programs_as_documented() {
    let schema = Schema::new(include_str!("../../docs/diagnostics.schema.json"));
    for (fixture, status) in [("aicpo", 0), ("not-held", 1)] {
        let (text, code) = held(fixture, "json");
        assert_eq!(code, Some(status), "{fixture}");
        let said: Value = serde_json::from_str(&text).unwrap();
        let faults = schema.faults(&said);
        assert!(faults.is_empty(), "{fixture}: {faults:#?}");
        // What holds a spec with errors is not known.
        assert_eq!(said["held"].is_null(), status == 1, "{fixture}");
    }
    let (text, _) = held("aicpo", "json");
    let said: Value = serde_json::from_str(&text).unwrap();
    let builder = said["held"]["rules"][1]["statements"][0].clone();
    assert_eq!(builder["statement"]["text"], "cannot");
    assert_eq!(
        (&builder["role"], &builder["answer"]),
        (&"builder".into(), &"project".into())
    );
    let commands = builder["commands"].as_array().unwrap();
    let commands: Vec<_> = commands.iter().map(|command| &command["command"]).collect();
    assert_eq!(
        commands,
        ["bin/rails test *", "bin/rails db:migrate", "bundle install"]
    );
    let (human, _) = held("aicpo", "human");
    for line in [
        "    ceo: proven by the grants alone\n",
        "    builder: proven of every line; nothing looks into what the project's own code may start under \
         `bin/rails db:migrate`, `bin/rails test *`, `bundle install`\n",
        "rejected, whatever `bin/rails test *` may write\n",
    ] {
        assert!(human.contains(line), "{line} in {human}");
    }
    for format in ["short", "sarif", "github"] {
        assert_eq!(held("aicpo", format).0, "", "{format}");
    }
}

#[test]
fn sarif_is_as_its_standard_says() {
    let Some(folder) = std::env::var_os("FACTORY_TEST_DATA") else {
        eprintln!("skipped: FACTORY_TEST_DATA names no folder with the schema of SARIF");
        return;
    };
    let path = PathBuf::from(folder).join("tools/sarif-2.1.0.schema.json");
    let schema = Schema::new(&fs::read_to_string(path).unwrap());
    for (path, findings, sources) in fixtures() {
        let text = render(&findings, &sources, Format::Sarif { story: explain });
        let log = serde_json::from_str(&text).unwrap();
        let faults = schema.faults(&log);
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
    }
    // The check can fail: a level and a property that the standard does not have.
    let (findings, sources) = sample();
    let text = render(&findings, &sources, Format::Sarif { story: explain });
    for (right, wrong) in [
        ("\"level\": \"error\"", "\"level\": \"bad\""),
        ("\"ruleId\"", "\"rule\""),
    ] {
        assert!(text.contains(right), "{right}");
        let log = serde_json::from_str(&text.replace(right, wrong)).unwrap();
        assert!(!schema.faults(&log).is_empty(), "{wrong}");
    }
}
