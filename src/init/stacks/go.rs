//! Go.

use crate::init::{
    project::Project,
    stack::{Smoke, Stack, all},
};

/// Recognises Go by its module file.
pub(super) fn find(project: &Project<'_>) -> Option<Stack> {
    if !project.has("go.mod") {
        return None;
    }
    let mut source = project.source(&["go"]);
    if source.is_empty() {
        source.push("*.go".to_owned());
    }
    let key_files = source
        .iter()
        .map(|pattern| match pattern.strip_suffix("/**") {
            Some(folder) => format!("{folder}/**/*.go"),
            None => pattern.clone(),
        })
        .collect();
    Some(Stack {
        name: "Go",
        slug: "go",
        source,
        manifests: all(&["go.mod", "go.sum"]),
        // Go keeps tests beside the code; folders hold what they need.
        tests: project.tests("testdata/**"),
        key_files,
        toolchain: all(&[
            "go build *",
            "go test *",
            "go vet *",
            "go run *",
            "go fmt *",
            "gofmt *",
            "go get *",
            "go mod tidy",
            "go list *",
            "go doc *",
        ]),
        checks: all(&["go vet *", "go test *"]),
        audits: all(&["govulncheck *"]),
        benchmarks: all(&["go test -bench *"]),
        smoke: Smoke {
            run: "go test ./...".to_owned(),
            why: "builds everything and runs what tests there are",
            tools: vec!["go version"],
            env: vec!["GOPATH", "GOFLAGS", "GOCACHE", "GOMODCACHE"],
            timeout: "10m",
            ..Smoke::default()
        },
        ..Stack::default()
    })
}
