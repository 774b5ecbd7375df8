//! Whatever the text of a spec, loading and checking it ends with findings and never with a crash.

use std::collections::BTreeMap;

use factory::{
    check::{check, explain},
    diagnostics::{Format, render},
    model::resolve,
    spec::load_texts,
};
use proptest::prelude::*;

const SPEC: &str = include_str!("fixtures/check/aicpo/factory.kdl");

fn survives(text: String) {
    let texts = BTreeMap::from([("factory.kdl".to_owned(), text)]);
    let mut loaded = load_texts("factory.kdl", texts).expect("the text itself is there");
    let mut findings = std::mem::take(&mut loaded.findings);
    if let Some(model) = resolve(&loaded, &mut findings) {
        check(model, &loaded.sources, &mut findings);
    }
    let findings = findings.sorted();
    for format in [
        Format::Human {
            colour: false,
            width: 80,
        },
        Format::Short,
        Format::Json,
        Format::Sarif { story: explain },
        Format::Github,
    ] {
        render(&findings, &loaded.sources, format);
    }
}

#[test]
fn deep_and_endless_texts_are_refused() {
    for text in [
        "a {".repeat(100_000),
        "}".repeat(100_000),
        "/*".repeat(100_000),
        "\"".repeat(100_001),
        "#".repeat(100_000),
        "a ".repeat(100_000),
        "(".repeat(100_000),
        "\\\n".repeat(50_000),
        "/-".repeat(100_000),
        "a /-{".repeat(20_000),
        format!("a {}", "b=1 ".repeat(20_000)),
        "\u{feff}factory \"a\" spec=1".to_owned(),
        String::new(),
    ] {
        survives(text);
    }
}

// A real spec with a few places overwritten: far more of it is understood than of noise.
fn damaged() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{", "}", "\"", "\\", "/*", "*/", "//", "/-", "#", "=", ";", "\n", "@", "**", "(", "role",
        "may", "never", "\u{202e}", "é", " ", "\"\"\"", "#\"", "..", "{a,b}", "[", "*",
    ]);
    let damage = (any::<prop::sample::Index>(), 0..12_usize, pieces);
    prop::collection::vec(damage, 1..6).prop_map(|damages| {
        let mut text = SPEC.to_owned();
        for (at, cut, piece) in damages {
            let mut start = at.index(text.len().max(1)).min(text.len());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + cut).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn damaged_specs_end_in_findings(text in damaged()) {
        survives(text);
    }

    #[test]
    fn noise_ends_in_findings(text in "(?s).{0,200}") {
        survives(text);
    }
}
