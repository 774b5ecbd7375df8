//! The front matter of the client's agent files: read as the client reads it, written byte for byte.
//!
//! The client reads a file that is no strict YAML a second time, with its values put in quotes, and
//! leaves a file that it can't read aside without a word. What is read here is what it reads; each
//! rule was seen on the real client, version 2.1.330.

mod field;
mod head;
#[cfg(test)]
mod tests;
mod text;
mod yaml;

pub use field::{Field, Style, Value, tool_words};
pub use head::Head;
pub use text::{AgentText, Found, MOST_BYTES, Unread, read};
