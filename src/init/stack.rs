//! What a language or framework brings to a factory: where its source is, how it is built and tested.

/// One stack that was found in a project.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// What people call it.
    pub name: &'static str,
    /// The same as a part of names.
    pub slug: &'static str,
    /// Patterns of the application's source.
    pub source: Vec<String>,
    /// Files that name what the source depends on; they are changed with it.
    pub manifests: Vec<String>,
    /// Patterns of the tests.
    pub tests: Vec<String>,
    /// Patterns of the files that a newcomer would look at.
    pub key_files: Vec<String>,
    /// Patterns of the files that hold the data model.
    pub data_model: Vec<String>,
    /// Patterns of the pages that visitors see.
    pub pages: Vec<String>,
    /// Commands to build with.
    pub toolchain: Vec<String>,
    /// Commands that test and change nothing.
    pub checks: Vec<String>,
    /// Commands that look for known faults in dependencies.
    pub audits: Vec<String>,
    /// Commands that measure.
    pub benchmarks: Vec<String>,
    /// Commands by which something leaves the machine.
    pub deploy: Vec<String>,
    /// What no role reads.
    pub secrets: Vec<String>,
    /// What a fresh checkout needs.
    pub setup: Vec<String>,
    /// Folders that tools write and git ignores.
    pub scratch: Vec<String>,
    /// Variables that are set in every checkout.
    pub env: Vec<(&'static str, &'static str)>,
    /// The least check that the project works.
    pub smoke: Smoke,
}

/// The least check that a project works.
#[derive(Debug, Clone, Default)]
pub struct Smoke {
    /// The command.
    pub run: String,
    /// Why it is this one.
    pub why: &'static str,
    /// Commands whose output is part of the key.
    pub tools: Vec<&'static str>,
    /// Variables of the owner that it needs.
    pub env: Vec<&'static str>,
    /// What the command is decided by, and so comes from the base of each step.
    pub sealed: Vec<String>,
    /// Whether the command means what a file says that roles have to write.
    pub indirect: bool,
    /// Something beside files on which its verdict depends.
    pub external: Option<&'static str>,
    /// How long it may take.
    pub timeout: &'static str,
}

/// Returns `texts` as owned ones.
pub(super) fn all(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
