//! Answers by schema: what a reviewer and a planner are asked for, and how it is read.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a reviewer says of the work before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether it passes.
    pub verdict: Ruling,
    /// Why; never empty for a fail.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

/// Pass or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The work is as it should be.
    Pass,
    /// Something has to be repaired.
    Fail,
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// What was found.
    pub text: String,
    /// The file that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a planner makes of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedTask {
    /// Its name: lower-case letters, digits, and hyphens.
    pub name: String,
    /// What is wanted.
    pub goal: String,
    /// How one sees that it is there.
    pub accept: Vec<PlannedAccept>,
    /// Who does what.
    pub steps: Vec<PlannedStep>,
}

/// An acceptance criterion; at most one of `run` and `by` is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAccept {
    /// The criterion, in words.
    pub text: String,
    /// The shell command that proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The role whose passing verdict proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// One step of a planned task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its name within the task.
    pub name: String,
    /// Who works.
    pub role: String,
    /// What comes out; a commit where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yields: Option<crate::plan::Yields>,
    /// What is to be done, one thing each.
    pub items: Vec<String>,
    /// The patterns of what it may write; empty for all that the role may.
    #[serde(default)]
    pub files: Vec<String>,
    /// The files to read before anything else.
    #[serde(default)]
    pub read_first: Vec<String>,
    /// The steps that it comes after.
    #[serde(default)]
    pub after: Vec<String>,
    /// The step that repairs what this one's failing verdict names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_back: Option<String>,
}

/// An answer that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no {expected}: {fault}")]
pub struct AnswerError {
    /// What was asked for.
    pub expected: &'static str,
    /// What is wrong with it, in words for its author.
    pub fault: String,
}

impl Verdict {
    /// Reads a verdict.
    ///
    /// # Errors
    ///
    /// Where `answer` is none, or a fail gives no reason.
    pub fn parse(answer: &Value) -> Result<Self, AnswerError> {
        let fault = |fault: String| AnswerError {
            expected: "verdict",
            fault,
        };
        let verdict = Self::deserialize(answer).map_err(|error| fault(error.to_string()))?;
        if verdict.verdict == Ruling::Fail && verdict.reasons.is_empty() {
            return Err(fault("a `fail` needs at least one of `reasons`".into()));
        }
        if verdict
            .reasons
            .iter()
            .any(|reason| reason.text.trim().is_empty())
        {
            return Err(fault("a reason has an empty `text`".into()));
        }
        Ok(verdict)
    }
}

impl PlannedTask {
    /// Reads a planned task. Whether its roles and paths exist is for the checker to say.
    ///
    /// # Errors
    ///
    /// Where `answer` is none.
    pub fn parse(answer: &Value) -> Result<Self, AnswerError> {
        let fault = |fault: String| AnswerError {
            expected: "task",
            fault,
        };
        let task = Self::deserialize(answer).map_err(|error| fault(error.to_string()))?;
        for name in std::iter::once(&task.name).chain(task.steps.iter().map(|step| &step.name)) {
            if !is_name(name) {
                return Err(fault(format!(
                    "`{name}` is no name: lower-case letters, digits, and hyphens, a letter first"
                )));
            }
        }
        if task.goal.trim().is_empty() {
            return Err(fault("`goal` is empty".into()));
        }
        if task.steps.is_empty() {
            return Err(fault("`steps` is empty".into()));
        }
        if let Some(accept) = task
            .accept
            .iter()
            .find(|accept| accept.run.is_some() && accept.by.is_some())
        {
            return Err(fault(format!(
                "the criterion `{}` has both `run` and `by`; one thing proves it",
                accept.text
            )));
        }
        Ok(task)
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Returns the JSON schema of a [`Verdict`].
pub fn verdict_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["verdict", "reasons"],
        "properties": {
            "verdict": { "type": "string", "enum": ["pass", "fail"] },
            "reasons": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["text"],
                    "properties": {
                        "text": { "type": "string", "minLength": 1 },
                        "path": { "type": "string" }
                    }
                }
            }
        }
    })
}

/// Returns the JSON schema of a [`PlannedTask`].
pub fn task_schema() -> Value {
    let name = json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]*$" });
    let texts = json!({ "type": "array", "items": { "type": "string", "minLength": 1 } });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "goal", "accept", "steps"],
        "properties": {
            "name": name,
            "goal": { "type": "string", "minLength": 1 },
            "accept": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["text"],
                    "properties": {
                        "text": { "type": "string", "minLength": 1 },
                        "run": { "type": "string", "minLength": 1 },
                        "by": name
                    }
                }
            },
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name", "role", "items"],
                    "properties": {
                        "name": name,
                        "role": name,
                        "yields": { "type": "string", "enum": ["commit", "verdict", "report"] },
                        "items": texts,
                        "files": texts,
                        "read_first": texts,
                        "after": texts,
                        "sends_back": name
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PlannedTask, Verdict};

    #[test]
    fn verdicts() {
        // (what is answered, the fault that is named)
        let cases: [(Value, Option<&str>); 7] = [
            (json!({"verdict": "pass", "reasons": []}), None),
            (json!({"verdict": "pass"}), None),
            (
                json!({"verdict": "fail", "reasons": [{"text": "no test", "path": "a.rb"}]}),
                None,
            ),
            (
                json!({"verdict": "fail", "reasons": []}),
                Some("at least one"),
            ),
            (json!({"verdict": "maybe", "reasons": []}), Some("`maybe`")),
            (json!({"verdict": "pass", "reason": "ok"}), Some("`reason`")),
            (
                json!({"verdict": "fail", "reasons": [{"text": " "}]}),
                Some("empty `text`"),
            ),
        ];
        for (answer, fault) in cases {
            match (Verdict::parse(&answer), fault) {
                (Ok(_), None) => {}
                (Err(error), Some(fault)) => {
                    assert!(error.to_string().contains(fault), "{error}");
                }
                (result, _) => panic!("{answer}: {result:?}"),
            }
        }
    }

    #[test]
    fn planned_tasks() {
        let whole = json!({
            "name": "pdf-export", "goal": "Export.",
            "accept": [{"text": "prints", "by": "qa"}, {"text": "answers", "run": "true"}, {"text": "nice"}],
            "steps": [
                {"name": "build", "role": "builder", "items": ["a"], "files": ["app/**"], "read_first": ["a"]},
                {"name": "qa", "role": "qa", "yields": "verdict", "items": ["b"], "after": ["build"], "sends_back": "build"},
            ],
        });
        let task = PlannedTask::parse(&whole).unwrap();
        assert_eq!(task.steps[1].sends_back.as_deref(), Some("build"));
        assert_eq!(
            PlannedTask::parse(&serde_json::to_value(&task).unwrap()),
            Ok(task)
        );

        // (where, what is put there, the fault that is named)
        let cases = [
            ("/name", json!("PDF export"), "`PDF export` is no name"),
            ("/steps/0/name", json!("-x"), "`-x` is no name"),
            ("/goal", json!(" "), "`goal` is empty"),
            ("/steps", json!([]), "`steps` is empty"),
            ("/steps/1/yields", json!("code"), "`code`"),
            ("/steps/0/items", json!("one"), "expected a sequence"),
            (
                "/accept/0",
                json!({"text": "x", "by": "qa", "run": "y"}),
                "both `run` and `by`",
            ),
            ("/accept/0", json!({"words": "x"}), "`words`"),
        ];
        for (pointer, value, fault) in cases {
            let mut answer = whole.clone();
            *answer.pointer_mut(pointer).unwrap() = value;
            let error = PlannedTask::parse(&answer).unwrap_err().to_string();
            assert!(error.contains(fault), "{pointer}: {error}");
        }
    }
}
