//! The clients that build writes files for.

/// One client, or one kind of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its name in a spec.
    pub name: &'static str,
    /// Whether it asks the guard before every tool call, so that a boundary is more than words.
    pub is_guarded: bool,
    /// The versions that the output was seen to work with, as the lock says them; empty where the target
    /// is no one program.
    pub versions: &'static str,
}

static TARGETS: &[Target] = &[
    Target {
        name: "claude-code",
        is_guarded: true,
        versions: "2.1.197, 2.1.330",
    },
    Target {
        name: "agents-md",
        is_guarded: false,
        versions: "",
    },
];

/// The names of all targets, as the language has them.
pub const TARGET_NAMES: &[&str] = &["claude-code", "agents-md"];

/// Returns what is known of the target called `name`.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_target() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        assert_eq!(names, TARGET_NAMES);
    }
}
