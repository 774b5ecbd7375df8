//! Rust.

use crate::init::{
    project::Project,
    stack::{Smoke, Stack, all},
};

/// Recognises Rust by its manifest.
pub(super) fn find(project: &Project<'_>) -> Option<Stack> {
    if !project.has("Cargo.toml") {
        return None;
    }
    let mut source = project.source(&["rs"]);
    if source.is_empty() {
        source.push("src/**".to_owned());
    }
    let key_files = source
        .iter()
        .filter_map(|pattern| pattern.strip_suffix("/**"));
    let key_files = key_files
        .map(|folder| format!("{folder}/**/*.rs"))
        .collect();
    let tested = [
        "#[test]",
        "#[cfg(test)]",
        "::test]",
        "#[rstest]",
        "proptest!",
    ];
    let has_tests = project.with(&["rs"]).any(|path| {
        project
            .text(path)
            .is_some_and(|text| tested.iter().any(|mark| text.contains(mark)))
    });
    let locked = if project.has("Cargo.lock") {
        " --locked"
    } else {
        ""
    };
    let (run, why) = if has_tests {
        (format!("cargo test{locked}"), "all tests")
    } else {
        (
            format!("cargo check{locked}"),
            "there are no tests yet; then: cargo test",
        )
    };
    Some(Stack {
        name: "Rust",
        slug: "rust",
        source,
        manifests: all(&["Cargo.toml", "Cargo.lock"]),
        tests: project.tests("tests/**"),
        key_files,
        toolchain: all(&[
            "cargo build *",
            "cargo check *",
            "cargo test *",
            "cargo clippy *",
            "cargo fmt *",
            "cargo run *",
            "cargo doc *",
            "cargo tree *",
            "cargo add *",
            "cargo remove *",
            "cargo update *",
        ]),
        checks: all(&["cargo check *", "cargo test *"]),
        audits: all(&["cargo audit *", "cargo deny check *"]),
        benchmarks: all(&["cargo bench *"]),
        deploy: all(&["cargo publish *", "cargo login *", "cargo yank *"]),
        scratch: all(&["target/**"]),
        smoke: Smoke {
            run,
            why,
            tools: vec!["rustc --version"],
            env: vec!["CARGO_HOME", "RUSTUP_HOME"],
            timeout: "20m",
            ..Smoke::default()
        },
        ..Stack::default()
    })
}
