//! Whole tiny factories and what `factory check` says of them.
//!
//! Each folder below `tests/fixtures/spec/` and `tests/fixtures/check/` is a factory; its findings are
//! a snapshot of its name. Read each as someone who has never seen the documentation.

use std::{collections::BTreeMap, fs, path::Path};

use factory::{
    check::{check, explain, short_stories, stories},
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
fn every_lint_and_proof_has_a_fixture_that_shows_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check");
    for (code, _) in stories().filter(|(code, _)| !code.starts_with("factory::spec::")) {
        let parts: Vec<_> = code.split("::").collect();
        let name = match parts.as_slice() {
            [_, "prompt", name] => format!("prompt-{name}"),
            [.., name] => (*name).to_owned(),
            [] => unreachable!("a code has parts"),
        };
        let checked = Checked::folder(&folder.join(&name));
        assert!(
            checked.codes().contains(&code),
            "`check/{name}` shows {code}"
        );
    }
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

/// The blocks of a story that are marked `LANGUAGE right` or `LANGUAGE wrong`.
fn blocks<'a>(story: &'a str, mark: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for block in story.split("\n```").skip(1) {
        let (info, text) = block.split_once('\n').unwrap_or((block, ""));
        if let Some(language) = info.strip_suffix(mark) {
            found.push((language.trim(), text));
        }
    }
    found
}

/// The factory that a story tells of: what it does not say is as plain as can be.
fn told(language: &str, text: &str) -> Checked {
    if language == "files" {
        return told_by_files(text);
    }
    let role = "role \"builder\" model=\"sonnet\" prompt=\"roles/builder.md\" { description \"Writes\"; }\n";
    let (spec, prompt) = match language {
        "md" => (role, text),
        _ => (text, "You do the work.\n"),
    };
    let mut spec = spec.to_owned();
    for (node, otherwise) in [
        ("role \"", role),
        (
            "gate \"tests\"",
            "gate \"tests\" { run \"sh test/run.sh\"; }\n",
        ),
        (
            "model \"sonnet\"",
            "model \"sonnet\" id=\"claude-sonnet-5-5\"\n",
        ),
        ("factory \"", "factory \"story\" spec=1\n"),
    ] {
        if !spec.contains(node) {
            spec.insert_str(0, otherwise);
        }
    }
    let mut texts = BTreeMap::from([("factory.kdl".to_owned(), spec.clone())]);
    for (_, rest) in spec
        .match_indices("prompt=\"")
        .map(|(at, word)| spec.split_at(at + word.len()))
    {
        let path = rest.split('"').next().unwrap();
        texts.insert(path.to_owned(), prompt.to_owned());
    }
    Checked::of(load_texts("factory.kdl", texts).unwrap())
}

/// The factory whose prompts a story shows, each below a line with its path; the preamble among them.
fn told_by_files(text: &str) -> Checked {
    let mut spec = "model \"sonnet\" id=\"claude-sonnet-5-5\"\n".to_owned();
    let mut texts = BTreeMap::new();
    let mut preamble = String::new();
    for file in text.split("==> ").skip(1) {
        let (path, text) = file.split_once(" <==\n").unwrap();
        texts.insert(path.to_owned(), text.to_owned());
        let name = path.trim_start_matches("roles/").trim_end_matches(".md");
        if name == "_preamble" {
            preamble = format!("{{ preamble \"{path}\"; }}");
        } else {
            spec.push_str(&format!(
                "role \"{name}\" model=\"sonnet\" prompt=\"{path}\" {{ description \"Works\"; }}\n"
            ));
        }
    }
    spec.insert_str(0, &format!("factory \"story\" spec=1 {preamble}\n"));
    texts.insert("factory.kdl".to_owned(), spec);
    Checked::of(load_texts("factory.kdl", texts).unwrap())
}

// The codes that the sources name in the attributes of findings and errors, and as those of lints.
fn codes_of_the_sources() -> Vec<String> {
    let mut codes = Vec::new();
    for entry in walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let entry = entry.unwrap();
        if entry
            .path()
            .extension()
            .is_none_or(|extension| extension != "rs")
        {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        for start in [
            "code(\"factory::",
            "code: \"factory::",
            "CODE: &str = \"factory::",
        ] {
            for (at, _) in text.match_indices(start) {
                let rest = &text[at + start.len()..];
                codes.push(format!("factory::{}", rest.split('"').next().unwrap()));
            }
        }
    }
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn every_code_has_a_story_and_every_story_a_code() {
    let codes = codes_of_the_sources();
    assert!(codes.len() > 80, "{codes:?}");
    let without: Vec<_> = codes
        .iter()
        .filter(|code| explain(code).is_none())
        .collect();
    assert!(without.is_empty(), "no story: {without:?}");
    for (code, story) in stories().chain(short_stories()) {
        assert!(codes.iter().any(|known| known == code), "{code} is no code");
        assert!(story.starts_with("# "), "{code}");
        assert_eq!(explain(code), Some(story), "{code} has one story");
    }
}

#[test]
fn every_story_is_true() {
    for (code, _) in stories() {
        let story = explain(code).unwrap();
        assert!(
            story.contains(" wrong\n") && story.contains(" right\n"),
            "{code} shows both"
        );
    }
    for (code, story) in stories().chain(short_stories()) {
        let (wrong, right) = (blocks(story, " wrong"), blocks(story, " right"));
        assert_eq!(wrong.is_empty(), right.is_empty(), "{code} shows both");
        for (language, text) in wrong {
            let checked = told(language, text);
            assert!(
                checked.codes().contains(&code),
                "{code}: {}",
                checked.human()
            );
        }
        for (language, text) in right {
            let checked = told(language, text);
            assert!(
                !checked.codes().contains(&code),
                "{code}: {}",
                checked.human()
            );
            assert!(
                !checked.findings.has_errors(),
                "{code}: {}",
                checked.human()
            );
        }
    }
    assert_eq!(explain("factory::nothing::of-the-kind"), None);
}

#[test]
fn sets_that_hold_each_other_twice_stay_small() {
    let mut spec = String::from(
        "factory \"a\" spec=1\nmodel \"m\" id=\"claude-sonnet-5-5\"\npaths \"s0\" \"app/**\" \"lib/**\"\n",
    );
    for level in 1..60 {
        spec.push_str(&format!(
            "paths \"s{level}\" \"@s{0}\" \"@s{0}\"\n",
            level - 1
        ));
    }
    spec.push_str(
        "role \"a\" model=\"m\" prompt=\"roles/a.md\" { description \"D\"; may { write \"@s59\"; }; gates \"g\"; }\n\
         gate \"g\" { run \"npm test\"; }\n\
         task \"t\" { goal \"x\"; step \"s\" role=\"a\"; }\n",
    );
    assert_eq!(Checked::text(&spec).human(), "");
}

#[cfg(unix)]
#[test]
fn an_include_says_what_it_passes_over() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "factory.kdl",
        "factory \"a\" spec=1 { include \"more/*.kdl\"; include \"tasks/*.kdl\"; }\nmodel \"m\" id=\"claude-sonnet-5-5\"\n\
         role \"a\" model=\"m\" prompt=\"roles/a.md\" { description \"D\"; }\n\
         task \"t\" { goal \"x\"; step \"s\" role=\"a\" yields=\"report\"; }\n",
    );
    write("roles/a.md", "You do the work.\n");
    write("rules.txt", "never { read \"**/.env\"; }\n");
    fs::create_dir(folder.path().join("more")).unwrap();
    std::os::unix::fs::symlink("../rules.txt", folder.path().join("more/rules.kdl")).unwrap();
    let checked = Checked::folder(folder.path());
    assert_eq!(checked.codes(), ["factory::spec::passed-over"]);
    let told = checked.human();
    assert!(
        told.contains("`more/rules.kdl` is a link, and a pattern follows none"),
        "{told}"
    );
}
