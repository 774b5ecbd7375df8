//! The demo does what it says, and what it says is true.

use std::{fs, process::Command};

use factory::{check::check, demo, model::resolve, spec::load};

#[test]
fn the_project_checks_without_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    demo::unpack(folder.path()).unwrap();
    let mut loaded = load(folder.path(), "factory.kdl").unwrap();
    let mut findings = std::mem::take(&mut loaded.findings);
    let model = resolve(&loaded, &mut findings).unwrap();
    assert_eq!(model.roles.len(), 15);
    check(model, &loaded.sources, &mut findings);
    let said: Vec<_> = findings
        .iter()
        .map(|finding| finding.fault.to_string())
        .collect();
    assert_eq!(said, [""; 0]);
}

#[test]
fn the_evening_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let factory = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .current_dir(folder.path())
            .env("FACTORY_CACHE_DIR", folder.path().join("cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "factory {args:?}: {}\n{said}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        said
    };
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    let said = factory(&["demo", "--dir", "demo"]);
    for claim in [
        "15 roles, 4 gates, 3 rules, 0 tasks: no findings",
        "gate smoke fails; sent back with what it said",
        "refused: changes outside its boundary; sent back",
        "added bin/deploy: nothing grants it",
        "qa says fail; sent back to build",
        "proven by `sh test/pdf_test.sh`",
        "nobody: People find the link useful",
        "8, for $1.21 in all",
        "Try next: cd ",
    ] {
        assert!(said.contains(claim), "`{claim}` is not in:\n{said}");
    }
    // Two steps began before either was done.
    let at = |text: &str| {
        said.find(text)
            .unwrap_or_else(|| panic!("`{text}` is not in:\n{said}"))
    };
    let done = at("attempt 1 is done");
    assert!(at("build      attempt 1 starts") < done && at("help       attempt 1 starts") < done);

    // The commits are there, and none of it in the checkout.
    assert_eq!(
        git(&["rev-list", "--count", "main..factory/pdf-export"]).trim(),
        "3"
    );
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert!(!root.join("lib/pdf.sh").exists());
    assert!(!git(&["ls-tree", "-r", "--name-only", "factory/pdf-export"]).contains("bin/deploy"));

    // What was built works.
    git(&["checkout", "-q", "factory/pdf-export"]);
    let answer = Command::new("sh")
        .args(["bin/artifacts", "request", "GET /pdf/k7Qd2mXw9R"])
        .current_dir(&root)
        .output()
        .unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap();
    let pdf = answer.split_once("\n\n").unwrap().1;
    let table = pdf
        .rsplit("startxref\n")
        .next()
        .unwrap()
        .lines()
        .next()
        .unwrap();
    assert!(
        pdf[table.parse::<usize>().unwrap()..].starts_with("xref\n"),
        "{pdf}"
    );
    git(&["checkout", "-q", "main"]);

    let gates = factory(&["-C", "demo", "gate"]);
    assert!(
        gates.ends_with("4 gates: 3 replayed from the cache, 1 with nothing to check\n"),
        "{gates}"
    );
    let report = factory(&["-C", "demo", "report"]);
    assert!(
        report.contains("refused: added bin/deploy: nothing grants it"),
        "{report}"
    );

    // A folder that holds something is left alone.
    let before = fs::read(root.join("factory.kdl")).unwrap();
    let again = Command::new(env!("CARGO_BIN_EXE_factory"))
        .args(["demo", "--dir", "demo"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(3));
    assert_eq!(fs::read(root.join("factory.kdl")).unwrap(), before);
}
