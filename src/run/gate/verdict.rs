//! What a gate says.

use std::time::{Duration, SystemTime};

use crate::cache::{Digest, Record};

/// What a gate says of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The ruling.
    pub outcome: Outcome,
    /// What it wrote to standard output; of a built-in its findings, one a line.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// How long this took now; a replay takes next to nothing.
    pub elapsed: Duration,
    /// When it ran, if this is what an earlier run of it has said.
    pub replayed: Option<SystemTime>,
    /// The key of all that the verdict depends on, where it has one.
    pub key: Option<Digest>,
    /// Whether it wrote more than is shown.
    pub truncated: bool,
    /// What a person should know besides, one sentence each.
    pub notes: Vec<String>,
}

/// The ruling of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The tree is as it should be.
    Pass,
    /// It is not.
    Fail,
    /// There was nothing to look at, for the reason given; that is neither.
    Nothing(String),
    /// The gate could not come to a ruling, for the reason given.
    Broken(String),
}

impl Outcome {
    /// Returns whether the gate stands in nobody's way.
    pub const fn lets_pass(&self) -> bool {
        match self {
            Self::Pass | Self::Nothing(_) => true,
            Self::Fail | Self::Broken(_) => false,
        }
    }
}

impl Verdict {
    /// Returns a verdict without output.
    pub(super) const fn bare(outcome: Outcome) -> Self {
        Self {
            outcome,
            stdout: Vec::new(),
            stderr: Vec::new(),
            elapsed: Duration::ZERO,
            replayed: None,
            key: None,
            truncated: false,
            notes: Vec::new(),
        }
    }

    /// Returns the verdict of an earlier run.
    pub(super) fn replay(record: Record, notes: Vec<String>) -> Self {
        Self {
            outcome: Outcome::Pass,
            stdout: record.stdout,
            stderr: record.stderr,
            elapsed: Duration::ZERO,
            replayed: Some(record.started),
            key: Some(record.key),
            truncated: false,
            notes,
        }
    }

    /// Returns the verdict of a built-in that could not work.
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::bare(Outcome::Broken(reason.into()))
    }

    /// Returns the verdict of a built-in: a fail if there are findings.
    pub(super) fn of_findings(findings: &[String], otherwise: Outcome) -> Self {
        if findings.is_empty() {
            return Self::bare(otherwise);
        }
        let mut verdict = Self::bare(Outcome::Fail);
        for finding in findings {
            verdict.stdout.extend_from_slice(finding.as_bytes());
            verdict.stdout.push(b'\n');
        }
        verdict
    }
}
