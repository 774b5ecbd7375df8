//! One tool call, as the client puts it to its hooks.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What the client is about to do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ToolCall {
    /// Who does it: the name of the agent; nobody in a person's own session.
    #[serde(default)]
    pub agent_type: Option<String>,
    /// Which run of that agent, where it is not the main one.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// The folder that relative paths start from.
    pub cwd: PathBuf,
    /// The tool.
    pub tool_name: String,
    /// What the tool is given.
    #[serde(default)]
    pub tool_input: Map<String, Value>,
    /// The client's own name for the call.
    #[serde(default)]
    pub tool_use_id: Option<String>,
    /// Where the client keeps the session's transcript.
    #[serde(default)]
    pub transcript_path: Option<PathBuf>,
}

/// A hook input that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the hook's input can't be read: {0}")]
pub struct CallError(#[from] serde_json::Error);

impl ToolCall {
    /// Reads a hook's input.
    ///
    /// # Errors
    ///
    /// Where it is not the JSON object that the client gives before a tool call.
    pub fn parse(input: &[u8]) -> Result<Self, CallError> {
        Ok(serde_json::from_slice(input)?)
    }

    /// Returns the text parameter `name`, if there is one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.tool_input.get(name).and_then(Value::as_str)
    }
}
