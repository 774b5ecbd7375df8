//! The lints: one file each, with its story beside it, all in one static table.

mod always_green;
mod boundless_grant;
mod comment_in_prompt;
mod copied_secret;
mod decider_writable;
mod delegation_cycle;
mod empty_prompt;
mod empty_commit;
mod failing_example;
#[cfg(test)]
mod fixture;
mod hidden_in_prompt;
mod idle_gate;
mod leaky_never;
mod missing_description;
mod missing_file;
mod moving_model;
mod orchestrator_writes;
mod outside_grant;
mod overlapping_steps;
mod repeated_passage;
mod root_only_pattern;
mod sealed_writable;
mod secret_in_prompt;
mod self_review;
mod swallowed_may;
mod template_in_prompt;
mod too_long;
mod ungated_write;
mod unknown_mention;
mod unknown_tool;
mod unpinned_server;
mod unpriced_budget;
mod unreachable_role;
mod unused_declaration;
mod useless_never;
mod vacuous_rule;
mod writable_command;

use super::{facts::Facts, report::Report};
use crate::diagnostics::{Findings, Lint};

/// A lint and the function that looks.
struct Entry {
    lint: Lint,
    // Whether it sees that something is nowhere: what is broken may be where it should be.
    absence: bool,
    run: fn(&Facts<'_>, &mut Report<'_>),
}

static LINTS: &[&Entry] = &[
    &always_green::LINT,
    &boundless_grant::LINT,
    &comment_in_prompt::LINT,
    &copied_secret::LINT,
    &decider_writable::LINT,
    &delegation_cycle::LINT,
    &empty_prompt::LINT,
    &empty_commit::LINT,
    &failing_example::LINT,
    &hidden_in_prompt::LINT,
    &idle_gate::LINT,
    &leaky_never::LINT,
    &missing_description::LINT,
    &missing_file::LINT,
    &moving_model::LINT,
    &orchestrator_writes::LINT,
    &outside_grant::LINT,
    &overlapping_steps::LINT,
    &repeated_passage::LINT,
    &root_only_pattern::LINT,
    &sealed_writable::LINT,
    &secret_in_prompt::LINT,
    &self_review::LINT,
    &swallowed_may::LINT,
    &template_in_prompt::LINT,
    &too_long::LINT,
    &ungated_write::LINT,
    &unknown_mention::LINT,
    &unknown_tool::LINT,
    &unpinned_server::LINT,
    &unpriced_budget::LINT,
    &unreachable_role::LINT,
    &unused_declaration::LINT,
    &useless_never::LINT,
    &vacuous_rule::LINT,
    &writable_command::LINT,
];

/// Returns every lint, in the order of their codes' rooms.
pub(super) fn all() -> impl Iterator<Item = &'static Lint> {
    LINTS.iter().map(|entry| &entry.lint)
}

/// Has the lint at that place of all look at `facts`. Returns whether there is one.
pub(super) fn run(at: usize, facts: &Facts<'_>, findings: &mut Findings) -> bool {
    let Some(Entry { lint, absence, run }) = LINTS.get(at) else {
        return false;
    };
    if !*absence || facts.whole {
        let mut report = Report {
            model: facts.model,
            lint,
            findings,
        };
        run(facts, &mut report);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_stories_have_a_title() {
        let codes: BTreeSet<_> = all().map(|lint| lint.code).collect();
        assert_eq!(codes.len(), all().count());
        for lint in all() {
            assert!(lint.story.starts_with("# "), "{}", lint.code);
            assert!(lint.code.starts_with("factory::"), "{}", lint.code);
        }
    }

    #[test]
    fn of_what_roles_share_none_speaks_for_another() {
        for (code, shared) in [
            ("factory::path::root-only", "never { read \".env\"; }"),
            ("factory::role::boundless-grant", "may { reach \"*\"; }"),
            (
                "factory::workspace::copied-secret",
                "never { read \"k\"; }; workspace { copy \"k\" for=\"agents\"; }",
            ),
            (
                "factory::role::unpriced-budget",
                "task \"t\" { goal \"G\"; step \"s\" role=\"a\" { stop usd=\"1.00\"; }; step \"u\" role=\"b\" { stop usd=\"1.00\"; }; }",
            ),
        ] {
            let role = |name: &str, level: &str| {
                let lint = format!("lint \"{code}\" level=\"{level}\" because=\"B\"");
                format!(
                    "role \"{name}\" model=\"m\" prompt=\"p.md\" {{ description \"D\"; {lint}; }}\n"
                )
            };
            for (one, two, then) in [
                ("warning", "warning", "warning"),
                ("advice", "warning", "warning"),
                ("warning", "advice", "warning"),
                ("advice", "advice", "advice"),
            ] {
                let safe = all().any(|lint| lint.code == code && lint.safety);
                if safe && [one, two].contains(&"advice") {
                    continue;
                }
                let spec = format!(
                    "factory \"f\" spec=1\nmodel \"m\" id=\"claude-sonnet-5-5\"\n{shared}\n{}{}",
                    role("a", one),
                    role("b", two)
                );
                let said = fixture::said(code, &[("factory.kdl", &spec), ("p.md", "P\n")]);
                let levels: Vec<_> = said
                    .iter()
                    .filter_map(|line| line.split(": ").nth(1))
                    .collect();
                assert_eq!(levels, [then], "{code}: {one}, {two}");
            }
        }
    }
}
