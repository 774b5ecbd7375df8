//! A project of which nothing is known.

use std::collections::BTreeSet;

use crate::init::{
    project::{Project, is_source},
    stack::{Smoke, Stack, all},
};

/// Returns what can be said of any project.
pub(super) fn stack(project: &Project<'_>) -> Stack {
    let folders = project
        .files()
        .filter_map(|path| Some(path.split_once('/')?.0));
    let folders: BTreeSet<_> = folders.filter(|folder| is_source(folder)).collect();
    let mut source: Vec<_> = folders
        .iter()
        .map(|folder| format!("{folder}/**"))
        .collect();
    if source.is_empty() {
        source = all(&["src/**", "lib/**"]);
    }
    let key_files = source.clone();
    let script = [
        "test/smoke.sh",
        "tests/smoke.sh",
        "test/run.sh",
        "tests/run.sh",
        "test.sh",
    ]
    .into_iter()
    .find(|path| project.has(path));
    let make = project.text("Makefile").is_some_and(|text| {
        text.lines()
            .any(|line| line.starts_with("test:") || line.starts_with("test "))
    });
    let (run, why, checks) = match script {
        Some(path) => (
            format!("sh {path}"),
            "the project's own check",
            vec![format!("sh {path} *")],
        ),
        None if make => (
            "make test".to_owned(),
            "the project's own check",
            all(&["make test"]),
        ),
        None => (
            // A gate also runs in copies that are no repository, so git is not asked.
            "grep -rnIE --exclude-dir=.git '^(<<<<<<<|>>>>>>>) ' .; test $? -eq 1".to_owned(),
            "nothing is known that could be run, so only half-merged files fail it; put your tests here",
            Vec::new(),
        ),
    };
    Stack {
        name: "nothing that is known",
        slug: "plain",
        source,
        tests: project.tests("test/**"),
        key_files,
        toolchain: checks.clone(),
        checks,
        smoke: Smoke {
            run,
            why,
            tools: Vec::new(),
            env: Vec::new(),
            sealed: script.map(str::to_owned).into_iter().collect(),
            timeout: "10m",
            ..Smoke::default()
        },
        ..Stack::default()
    }
}
