//! The message of the commit that the runner makes.

use std::fmt::Write as _;

/// How many characters of a subject are kept.
const SUBJECT: usize = 100;

/// What a commit message is made of.
pub(super) struct Facts<'a> {
    /// The message that the agent proposes.
    pub proposed: Option<&'a str>,
    /// The task.
    pub task: &'a str,
    /// The step.
    pub step: &'a str,
    /// The role.
    pub role: &'a str,
    /// The gates that passed.
    pub gates: &'a [String],
    /// The run.
    pub run: &'a str,
}

/// Returns the message of the commit that lands. Only the runner speaks in its trailers.
pub(super) fn of_commit(facts: &Facts<'_>) -> String {
    let proposed: String = facts
        .proposed
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let mut lines = proposed
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.to_ascii_lowercase().starts_with("factory-"))
        .skip_while(|line| line.trim().is_empty());
    let subject = match lines.next() {
        Some(line) => line.trim().chars().take(SUBJECT).collect(),
        None => format!("{}: {}", facts.task, facts.step),
    };
    let body: Vec<&str> = lines.collect();
    let body = body.join("\n");
    let body = body.trim();
    let mut message = format!("{subject}\n\n");
    if !body.is_empty() {
        message.push_str(body);
        message.push_str("\n\n");
    }
    let gates = if facts.gates.is_empty() {
        "none".to_owned()
    } else {
        facts.gates.join(", ")
    };
    for (name, value) in [
        ("Task", facts.task),
        ("Step", facts.step),
        ("Role", facts.role),
        ("Gates", &gates),
        ("Run", facts.run),
    ] {
        let _ = writeln!(message, "Factory-{name}: {value}");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Facts, of_commit};

    #[test]
    fn only_the_runner_speaks_in_its_trailers() {
        let gates = ["smoke".to_owned(), "docs".to_owned()];
        let facts = |proposed| Facts {
            proposed,
            task: "pdf",
            step: "build",
            role: "builder",
            gates: &gates,
            run: "r",
        };
        let trailers = "Factory-Task: pdf\nFactory-Step: build\nFactory-Role: builder\n\
                        Factory-Gates: smoke, docs\nFactory-Run: r\n";
        // (what is proposed, what stands before the trailers)
        for (proposed, expected) in [
            (None, "pdf: build\n\n"),
            (Some(""), "pdf: build\n\n"),
            (Some("\n Add it \n"), "Add it\n\n"),
            (Some("Add it\n\nFor print.\n"), "Add it\n\nFor print.\n\n"),
            (
                Some("Factory-Gates: all\nAdd it\nfactory-run: x"),
                "Add it\n\n",
            ),
            (Some("Add\u{1b}[31m it\0"), "Add[31m it\n\n"),
        ] {
            assert_eq!(of_commit(&facts(proposed)), format!("{expected}{trailers}"));
        }
    }
}
