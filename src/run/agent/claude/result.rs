//! What the client says at its end, and how much of it is believed.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{
    Ended,
    child::{last_words, shortened},
    reply::{FORMLESS, after_epoch},
};
use crate::{plan::Usd, run::process::Finished};

/// What the client said.
#[derive(Debug)]
pub(super) struct Said {
    pub text: String,
    pub structured: Option<Value>,
    /// What it says that it cost.
    pub cost: Option<Usd>,
    pub denied: Vec<Denied>,
    pub ended: Ended,
}

/// A call that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// The client's name for the call.
    pub call: Option<String>,
    /// The tool and what it was about, in one line.
    pub what: String,
}

impl Said {
    /// Nothing was said, and it ended like this.
    pub(super) fn ended(ended: Ended) -> Self {
        Self {
            text: String::new(),
            structured: None,
            cost: None,
            denied: Vec::new(),
            ended,
        }
    }
}

// The members of the result that matter. All may be missing: the client leaves out what it has not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    subtype: String,
    is_error: Option<bool>,
    api_error_status: Option<u16>,
    num_turns: u64,
    result: Option<String>,
    total_cost_usd: Option<f64>,
    structured_output: Option<Value>,
    terminal_reason: Option<String>,
    permission_denials: Vec<Denial>,
    errors: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Denial {
    #[serde(rename = "tool_name")]
    name: String,
    #[serde(rename = "tool_use_id")]
    call: Option<String>,
    #[serde(rename = "tool_input")]
    input: Map<String, Value>,
}

/// Reads the client's result; nothing where it gave none.
///
/// A session is completed only where the exit code is 0, the client reports no error, says itself that
/// it ended because it was completed, took at least one turn, and answered; by schema, where one was
/// given. Anything else has another name, whatever the client calls it.
pub(super) fn read(finished: &Finished, by_schema: bool, now: SystemTime) -> Option<Said> {
    let value: Value = serde_json::from_slice(&finished.stdout).ok()?;
    value.get("type").filter(|kind| *kind == "result")?;
    let object: Object = serde_json::from_value(value).ok()?;
    let text = object.result.clone().unwrap_or_default();
    let ended = if let Some(fault) = object.fault(finished) {
        object.unfinished(fault, now)
    } else if object.is_formless(by_schema) {
        Ended::Formless(FORMLESS.to_owned())
    } else {
        Ended::Completed
    };
    Some(Said {
        text,
        structured: object.structured_output,
        cost: object.total_cost_usd.map(Usd::from_estimate),
        denied: object
            .permission_denials
            .into_iter()
            .map(Denied::from)
            .collect(),
        ended,
    })
}

/// Returns how a session ended that left only the words `last` behind.
pub(super) fn unsaid(last: &str, now: SystemTime) -> Ended {
    limit(last, now).unwrap_or_else(|| Ended::Failed(last.to_owned()))
}

impl Object {
    // What keeps the session from being believed, if anything does.
    fn fault(&self, finished: &Finished) -> Option<String> {
        let result = self.result.as_deref().unwrap_or_default();
        let reason = self.terminal_reason.as_deref().unwrap_or("nothing");
        if self.is_error != Some(false) || self.subtype != "success" {
            Some(format!(
                "the client reports `{}`: {}",
                self.subtype,
                self.words()
            ))
        } else if !finished.exit.success() {
            Some(last_words(finished))
        } else if reason != "completed" {
            Some(format!("the client stopped because of `{reason}`"))
        } else if self.num_turns == 0 {
            Some(format!(
                "the client asked no model: {}",
                shortened(result, 300)
            ))
        } else if result.trim().is_empty() {
            Some("it ended without an answer".to_owned())
        } else {
            None
        }
    }

    fn is_formless(&self, by_schema: bool) -> bool {
        let given = self.structured_output.as_ref();
        by_schema && !given.is_some_and(Value::is_object)
    }

    fn unfinished(&self, fault: String, now: SystemTime) -> Ended {
        let said = self.words();
        match self.api_error_status {
            _ if self.subtype == "error_max_budget_usd" => Ended::Budget,
            // Too many requests, and an overloaded service.
            Some(429 | 529) => limit(&said, now).unwrap_or(Ended::Limit { resets_at: None }),
            Some(_) | None if self.is_error == Some(true) => {
                limit(&said, now).unwrap_or(Ended::Failed(fault))
            }
            Some(_) | None => Ended::Failed(fault),
        }
    }

    fn words(&self) -> String {
        let errors = self.errors.iter().map(|error| match error.as_str() {
            Some(text) => text.to_owned(),
            None => error.to_string(),
        });
        let all: Vec<String> = self.result.iter().cloned().chain(errors).collect();
        shortened(&all.join("; ").replace('\n', " "), 600)
    }
}

impl From<Denial> for Denied {
    fn from(denial: Denial) -> Self {
        let subject = crate::client::tool(&denial.name)
            .and_then(|tool| denial.input.get(tool.subject))
            .and_then(Value::as_str);
        let what = match subject {
            Some(subject) => {
                let line = subject.lines().next().unwrap_or_default();
                format!("{} `{}`", denial.name, shortened(line, 200))
            }
            None => denial.name.clone(),
        };
        Self {
            call: denial.call,
            what,
        }
    }
}

// A provider's usage limit, by the words that the client has for it.
fn limit(text: &str, now: SystemTime) -> Option<Ended> {
    let lower = text.to_ascii_lowercase();
    let says = [
        "usage limit reached",
        "hit your",
        "limit reached",
        "rate_limit",
        "rate limit",
        "overloaded",
    ];
    let is_limit = says.iter().any(|words| lower.contains(words))
        && (lower.contains("limit") || lower.contains("overloaded"));
    is_limit.then(|| Ended::Limit {
        resets_at: resets_at(&lower, now),
    })
}

// `…|1760000000`, or `resets 3pm (UTC)`. Other zones are not known here.
fn resets_at(text: &str, now: SystemTime) -> Option<SystemTime> {
    let epoch = text.rsplit_once('|').and_then(|(_, rest)| {
        let digits: String = rest
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        (digits.len() == 10).then(|| digits.parse().ok()).flatten()
    });
    if let Some(seconds) = epoch {
        return after_epoch(seconds);
    }
    let (_, rest) = text.split_once("resets ")?;
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let (clock, zone) = rest.split_once('(')?;
    if !matches!(zone.split(')').next(), Some("utc" | "gmt" | "etc/utc")) {
        return None;
    }
    let clock = clock.trim().replace(' ', "");
    let (time, noon) = match (clock.strip_suffix("am"), clock.strip_suffix("pm")) {
        (Some(time), _) => (time, 0),
        (None, Some(time)) => (time, 12),
        (None, None) => return None,
    };
    let (hour, minute) = time.split_once(':').unwrap_or((time, "0"));
    let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
    if !(1..=12).contains(&hour) || minute > 59 {
        return None;
    }
    let second = ((hour % 12 + noon) * 60 + minute) * 60;
    let today = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() / 86_400 * 86_400;
    let moment = after_epoch(today + second)?;
    if moment > now {
        Some(moment)
    } else {
        moment.checked_add(Duration::from_hours(24))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::{Value, json};

    use super::{Denied, limit, read, unsaid};
    use crate::run::{
        agent::Ended,
        process::{Exit, Finished},
    };

    fn finished(code: i32, object: &Value) -> Finished {
        Finished {
            exit: Exit::Code(code),
            stdout: object.to_string().into_bytes(),
            stderr: b"last words\n".to_vec(),
            truncated: false,
            elapsed: Duration::ZERO,
        }
    }

    fn whole() -> Value {
        json!({
            "type": "result", "subtype": "success", "is_error": false, "api_error_status": null,
            "num_turns": 1, "result": "done", "total_cost_usd": 0.00075, "terminal_reason": "completed",
            "permission_denials": [], "usage": {"input_tokens": 1}, "structured_output": {"verdict": "pass"},
        })
    }

    #[test]
    fn success_is_believed_only_when_everything_says_so() {
        let now = SystemTime::now();
        let said = read(&finished(0, &whole()), true, now).unwrap();
        assert_eq!(said.ended, Ended::Completed);
        assert_eq!(said.cost.unwrap().to_string(), "0.00075");
        assert_eq!(said.structured, Some(json!({"verdict": "pass"})));

        // (what differs from a whole result, the exit code, how it ended)
        let failed = |why: &str| Ended::Failed(why.to_owned());
        let cases = [
            (json!({}), 1, failed("it exited with 1: last words")),
            (
                json!({"subtype": "error_max_turns", "is_error": true, "result": null, "errors": ["Reached maximum"]}),
                1,
                failed("the client reports `error_max_turns`: Reached maximum"),
            ),
            (
                json!({"subtype": "error_max_budget_usd", "is_error": true, "result": null}),
                1,
                Ended::Budget,
            ),
            (
                json!({"is_error": true, "api_error_status": 400, "result": "API Error: 400 bad"}),
                1,
                failed("the client reports `success`: API Error: 400 bad"),
            ),
            (
                json!({"is_error": true, "api_error_status": 429, "result": "API Error: 429"}),
                1,
                Ended::Limit { resets_at: None },
            ),
            (
                json!({"is_error": true, "api_error_status": 529, "result": "Overloaded"}),
                1,
                Ended::Limit { resets_at: None },
            ),
            (
                json!({"is_error": true, "result": "Claude AI usage limit reached|1800000000"}),
                1,
                Ended::Limit {
                    resets_at: SystemTime::UNIX_EPOCH.checked_add(Duration::from_hours(500_000)),
                },
            ),
            (
                json!({"structured_output": null}),
                0,
                Ended::Formless("it gave no answer of the form that was asked for".to_owned()),
            ),
            (
                json!({"structured_output": "pass"}),
                0,
                Ended::Formless("it gave no answer of the form that was asked for".to_owned()),
            ),
            (
                json!({"terminal_reason": "tool_deferred", "result": ""}),
                0,
                failed("the client stopped because of `tool_deferred`"),
            ),
            (
                json!({"terminal_reason": "hook_stopped", "result": ""}),
                0,
                failed("the client stopped because of `hook_stopped`"),
            ),
            (
                json!({"terminal_reason": null}),
                0,
                failed("the client stopped because of `nothing`"),
            ),
            (
                json!({"num_turns": 0, "result": "Unknown command: /x"}),
                0,
                failed("the client asked no model: Unknown command: /x"),
            ),
            (
                json!({"result": ""}),
                0,
                failed("it ended without an answer"),
            ),
            (
                json!({"is_error": null}),
                0,
                failed("the client reports `success`: done"),
            ),
            // What an agent says of limits is no limit.
            (
                json!({"result": "rate limit reached", "terminal_reason": "x"}),
                0,
                failed("the client stopped because of `x`"),
            ),
        ];
        for (difference, code, ended) in cases {
            let mut object = whole();
            object
                .as_object_mut()
                .unwrap()
                .extend(difference.as_object().unwrap().clone());
            let said = read(&finished(code, &object), true, now).unwrap();
            assert_eq!(said.ended, ended, "{difference}");
        }
        let mut object = whole();
        object["structured_output"] = Value::Null;
        assert_eq!(
            read(&finished(0, &object), false, now).unwrap().ended,
            Ended::Completed
        );
        for no_result in [json!([]), json!("x"), json!(1)] {
            assert!(
                read(&finished(0, &no_result), false, now).is_none(),
                "{no_result}"
            );
        }
    }

    #[test]
    fn refused_calls_are_named_by_what_they_were_about() {
        let mut object = whole();
        object["permission_denials"] = json!([
            {"tool_name": "Bash", "tool_use_id": "1", "tool_input": {"command": "kamal deploy\nx"}},
            {"tool_name": "mcp__a__b", "tool_input": {}},
        ]);
        let said = read(&finished(0, &object), false, SystemTime::now()).unwrap();
        assert_eq!(
            said.denied,
            [
                Denied {
                    call: Some("1".into()),
                    what: "Bash `kamal deploy`".into()
                },
                Denied {
                    call: None,
                    what: "mcp__a__b".into()
                },
            ]
        );
    }

    #[test]
    fn limits_say_when_they_end() {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        // Noon of the first day.
        let now = at(43_200).unwrap();
        let cases = [
            (
                "Claude AI usage limit reached|1800000000",
                at(1_800_000_000),
            ),
            (
                "You've hit your session limit · resets 3pm (UTC)",
                at(54_000),
            ),
            (
                "You've hit your limit · resets 3:30am (UTC)",
                at(86_400 + 12_600),
            ),
            ("5-hour limit reached ∙ resets 12am (UTC)", at(86_400)),
            (
                "5-hour limit reached ∙ resets 12pm (utc)",
                at(86_400 + 43_200),
            ),
            (
                "You've hit your limit · resets 3pm (America/New_York)",
                None,
            ),
            ("You've hit your monthly spend limit", None),
            ("usage limit reached|12", None),
            ("limit reached resets 13pm (UTC)", None),
        ];
        for (text, resets_at) in cases {
            assert_eq!(limit(text, now), Some(Ended::Limit { resets_at }), "{text}");
        }
        for text in ["you hit your head", "the limits of this approach", ""] {
            assert_eq!(limit(text, now), None, "{text}");
        }
        assert_eq!(
            unsaid("it exited with 1: x", now),
            Ended::Failed("it exited with 1: x".into())
        );
    }
}
