//! Whole tiny factories and what `factory check` says of them.
//!
//! Each folder below `tests/fixtures/spec/` and `tests/fixtures/check/` is a factory; its findings are
//! a snapshot of its name. Read each as someone who has never seen the documentation.

use std::{collections::BTreeMap, fs, path::Path};

use factory::{
    check::check,
    diagnostics::{Findings, Format, Sources, render},
    model::resolve,
    spec::{Loaded, load, load_texts},
};

/// What was found in a factory, in file order.
struct Checked {
    sources: Sources,
    findings: Findings,
}

impl Checked {
    fn of(mut loaded: Loaded) -> Self {
        let mut findings = std::mem::take(&mut loaded.findings);
        if loaded.complete
            && let Some(model) = resolve(&loaded, &mut findings)
        {
            check(model, &loaded.sources, &mut findings);
        }
        Self {
            sources: loaded.sources,
            findings: findings.sorted(),
        }
    }

    fn folder(path: &Path) -> Self {
        Self::of(load(path, "factory.kdl").unwrap())
    }

    fn text(spec: &str) -> Self {
        let texts = [("factory.kdl", spec), ("roles/a.md", "You do the work.\n")];
        let texts: BTreeMap<_, _> = texts
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        Self::of(load_texts("factory.kdl", texts).unwrap())
    }

    fn human(&self) -> String {
        let style = Format::Human {
            colour: false,
            width: 100,
        };
        render(&self.findings, &self.sources, style)
    }

    fn codes(&self) -> Vec<&str> {
        let codes = self.findings.iter().map(|finding| finding.code.as_str());
        codes.collect()
    }
}

fn fixtures(room: &str) -> Vec<(String, std::path::PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(room);
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn snapshots(room: &str) {
    for (name, path) in fixtures(room) {
        let checked = Checked::folder(&path);
        if name == "aicpo" {
            continue;
        }
        assert!(
            !checked.findings.is_empty(),
            "`{room}/{name}` has no finding"
        );
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            snapshot_path => format!("snapshots/{room}"),
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, checked.human());
        });
    }
}

#[test]
fn the_design_example_checks_clean() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check/aicpo");
    assert_eq!(Checked::folder(&path).human(), "");
}

#[test]
fn broken_specs_are_told_to_newcomers() {
    snapshots("spec");
}

#[test]
fn lints_and_proofs_are_told_to_newcomers() {
    snapshots("check");
}

#[test]
fn hostile_nesting_is_refused_and_does_not_crash() {
    for hostile in ["a {", "a \"{\" {", "/*", "a { b; "] {
        let checked = Checked::text(&hostile.repeat(100_000));
        assert_eq!(
            checked.codes(),
            ["factory::spec::too-deep"],
            "{hostile} again and again"
        );
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let spec = "factory \"a\" spec=1\n\
                model \"m\" id=\"claude-sonnet-5-5\"\n\
                role \"a\" model=\"m\" prompt=\"roles/a.md\" {\n    \
                description \"Does the work\"\n\
                }\n\
                task \"t\" { goal \"x\"; step \"s\" role=\"a\" yields=\"report\"; }\n";
    for text in [
        spec.to_owned(),
        spec.replace('\n', "\r\n"),
        format!("\u{feff}{}", spec.replace('\n', "\r\n")),
    ] {
        assert_eq!(Checked::text(&text).human(), "");
    }
}
