//! How much text the client takes.

/// The longest argument that the kernel takes, in bytes. The client is given the agent of a session,
/// its prompt included, as one argument of JSON.
pub const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// From how many characters on the client warns, when it starts, that the instructions of a project
/// cost performance: every call reads them again.
pub const LARGE_INSTRUCTIONS: usize = 40_000;

/// What a token of English prose comes to in bytes: near enough to compare prompts by.
pub const BYTES_A_TOKEN: usize = 4;
