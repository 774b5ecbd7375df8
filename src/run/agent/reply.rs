//! What an agent hands over in a file, where it is no client with a protocol of its own.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize, de};
use serde_json::{Value, json};

use super::{Answer, Attempt, Ended, Held, Reason, Ruling};
use crate::plan::Usd;

/// What the file named by `FACTORY_ANSWER` may hold, and what a recording answers. All of it may be
/// left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The last word; without it, what the program wrote to standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The commit message that is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// A verdict, with its `reasons`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Ruling>,
    /// The reasons for the verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The answer by schema, whatever the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    /// What the attempt cost: a number, or a decimal as a string.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "cost")]
    pub cost_usd: Option<Usd>,
    /// How many tokens it took, in any form; kept for people who read the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Value>,
    /// What the agent calls the session, so that it can go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What was refused while it worked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// That the provider's limit is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// What is wrong with an answer that is not what was asked for.
pub(super) const FORMLESS: &str = "it gave no answer of the form that was asked for";

/// A provider's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// When one may go on, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<u64>,
}

impl Reply {
    /// Turns what was handed over and written into what the attempt left. `ended` is how the process
    /// did.
    pub(super) fn into_attempt(
        mut self,
        asked: Answer,
        budget: Usd,
        stdout: String,
        held: Held,
        ended: Ended,
    ) -> Attempt {
        let cost = self.cost_usd.unwrap_or_default();
        let structured = self.answer(asked, &stdout);
        let ended = match (ended, self.limit, &structured) {
            (Ended::Completed | Ended::Formless(_) | Ended::Failed(_), Some(limit), _) => {
                Ended::Limit {
                    resets_at: limit.resets_at.and_then(after_epoch),
                }
            }
            (Ended::Completed, None, _) if cost > budget => Ended::Budget,
            (Ended::Completed, None, None) if asked != Answer::Text => {
                Ended::Formless(FORMLESS.to_owned())
            }
            (ended, _, _) => ended,
        };
        Attempt {
            text: self.text.unwrap_or(stdout),
            structured,
            cost,
            session: self.session,
            refused: self.refused,
            message: self.message,
            held,
            ended,
        }
    }

    // The answer by schema: handed over as such, or as a verdict, or as all that was written.
    fn answer(&mut self, asked: Answer, stdout: &str) -> Option<Value> {
        if asked == Answer::Text {
            return None;
        }
        self.structured
            .take()
            .or_else(|| Some(json!({ "verdict": self.verdict?, "reasons": self.reasons })))
            .or_else(|| serde_json::from_str(self.text.as_deref().unwrap_or(stdout)).ok())
            .filter(Value::is_object)
    }
}

/// Returns the moment `seconds` after the beginning of 1970.
pub(super) fn after_epoch(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))
}

fn cost<'de, D: de::Deserializer<'de>>(deserializer: D) -> Result<Option<Usd>, D::Error> {
    struct Dollars;
    impl de::Visitor<'_> for Dollars {
        type Value = Option<Usd>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("dollars, as a number or as a decimal string")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            text.parse().map(Some).map_err(E::custom)
        }

        fn visit_f64<E: de::Error>(self, dollars: f64) -> Result<Self::Value, E> {
            if dollars.is_finite() && dollars >= 0.0 {
                Ok(Some(Usd::from_estimate(dollars)))
            } else {
                Err(E::invalid_value(de::Unexpected::Float(dollars), &self))
            }
        }

        fn visit_u64<E: de::Error>(self, dollars: u64) -> Result<Self::Value, E> {
            Ok(Some(Usd {
                micros: dollars.saturating_mul(1_000_000),
            }))
        }
    }
    deserializer.deserialize_any(Dollars)
}
