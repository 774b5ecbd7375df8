//! What is known of the client and of the machine that agents work on: facts as data, no decisions.
//! A leaf.

pub mod front;
mod hook;
mod limits;
mod machine;
mod settings;
mod target;
mod tools;

pub use hook::{PASSED, REFUSED, agent_hook_command, hook_command, quoted};
pub use limits::{BYTES_A_TOKEN, LARGE_INSTRUCTIONS, LONGEST_ARGUMENT};
pub use machine::{SYSTEM, installation_of, toolchain_variables, toolchains};
pub use settings::{Misfit, misfit};
pub use target::{TARGET_NAMES, Target, target};
pub use tools::{Tool, ToolKind, parted, tool, tool_exists, tool_names};
