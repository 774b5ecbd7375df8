//! `factory refusals`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write,
};

use clap::ValueEnum;
use serde_json::json;

use super::{Context, ExitStatus, count, print};
use crate::{
    boundary::Capability,
    client::quoted,
    guard::observed::{Refused, days, refusals},
};

/// From how many files of one folder on the folder is offered.
const MANY: usize = 3;

/// How many things a line shows.
const SHOWN: usize = 3;

/// Show what roles did that nothing grants, and the grants that would allow it
///
/// The guard takes down each call of a role in a person's client that it refuses, or would refuse: a
/// role with `guard "observe"` is let pass. Grouped by role and grant, the most frequent first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Roles to show; all unless some are named
    #[arg(value_name = "ROLE")]
    roles: Vec<String>,

    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Human)]
    format: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    Human,
    Json,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let wanted = |role: &str| args.roles.is_empty() || args.roles.iter().any(|name| name == role);
    let mut by_role: BTreeMap<String, Vec<Refused>> = BTreeMap::new();
    for refusal in refusals(&context.root) {
        if wanted(&refusal.role) {
            by_role
                .entry(refusal.role.clone())
                .or_default()
                .push(refusal);
        }
    }
    let days = days(&context.root);
    let groups: Vec<_> = by_role
        .iter()
        .map(|(role, refusals)| (role.as_str(), grouped(refusals)))
        .collect();
    let text = match args.format {
        Style::Json => as_json(&groups, &days),
        Style::Human => as_text(&groups, &days),
    };
    print(out, &text)?;
    Ok(ExitStatus::Success)
}

// Calls that one grant would allow, or that none would.
struct Group {
    capability: Option<Capability>,
    subjects: BTreeSet<String>,
    calls: usize,
    passed: usize,
    grant: Option<String>,
    why: String,
}

fn grouped(refusals: &[Refused]) -> Vec<Group> {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let writes = refusals
        .iter()
        .filter(|one| one.grantable() == Some(Capability::Write));
    for refusal in writes {
        if let Some((folder, _)) = refusal.subject.split_once('/') {
            files.entry(folder).or_default().insert(&refusal.subject);
        }
    }
    let pattern = |refusal: &Refused| -> Option<String> {
        let capability = refusal.grantable()?;
        let folder = refusal.subject.split_once('/').map(|(folder, _)| folder);
        Some(match folder {
            Some(folder)
                if capability == Capability::Write
                    && files.get(folder).is_some_and(|files| files.len() >= MANY) =>
            {
                format!("{folder}/**")
            }
            _ => refusal.subject.clone(),
        })
    };
    let mut groups: BTreeMap<(Option<Capability>, String), Group> = BTreeMap::new();
    for refusal in refusals {
        let grant = pattern(refusal);
        let key = grant.clone().unwrap_or_else(|| refusal.why.clone());
        let group = groups
            .entry((refusal.capability, key))
            .or_insert_with(|| Group {
                capability: refusal.capability,
                subjects: BTreeSet::new(),
                calls: 0,
                passed: 0,
                grant,
                why: refusal.why.clone(),
            });
        group.subjects.insert(refusal.subject.clone());
        group.calls += 1;
        group.passed += usize::from(refusal.passed);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (group.grant.is_none(), std::cmp::Reverse(group.calls)));
    groups
}

fn command(role: &str, group: &Group) -> Option<String> {
    let (grant, capability) = (group.grant.as_ref()?, group.capability?);
    Some(format!(
        "factory grant {role} {capability} {}",
        quoted(grant)
    ))
}

fn as_text(groups: &[(&str, Vec<Group>)], days: &BTreeMap<String, usize>) -> String {
    if groups.is_empty() {
        let observed = match days.len() {
            0 => "no role was observed at work yet".to_owned(),
            number => format!(
                "{} at work, and all that they did is granted",
                count(number, "role")
            ),
        };
        return format!("nothing was refused, or would have been: {observed}\n");
    }
    let mut text = String::new();
    for (role, groups) in groups {
        let calls = groups.iter().map(|group| group.calls).sum();
        let passed: usize = groups.iter().map(|group| group.passed).sum();
        let _ = write!(text, "{role}: {} that nothing grants", count(calls, "call"));
        if passed > 0 {
            let _ = write!(text, ", {passed} let pass");
        }
        if let Some(days) = days.get(*role) {
            let _ = write!(text, "; {} observed", count(*days, "day"));
        }
        text.push('\n');
        for group in groups {
            let mut subjects: Vec<&str> = group
                .subjects
                .iter()
                .take(SHOWN)
                .map(String::as_str)
                .collect();
            let more = group.subjects.len().saturating_sub(SHOWN);
            let more = format!("and {more} more");
            if group.subjects.len() > SHOWN {
                subjects.push(&more);
            }
            let _ = writeln!(
                text,
                "  {:>4}  {:8}  {}",
                group.calls,
                group.capability.map_or("", Capability::word),
                subjects.join(", ")
            );
            let _ = match command(role, group) {
                Some(command) => writeln!(text, "        {command}"),
                None => writeln!(text, "        no grant: {}", group.why),
            };
        }
    }
    text
}

fn as_json(groups: &[(&str, Vec<Group>)], days: &BTreeMap<String, usize>) -> String {
    let roles: Vec<_> = groups
        .iter()
        .map(|(role, groups)| {
            let groups: Vec<_> = groups
                .iter()
                .map(|group| {
                    json!({
                        "capability": group.capability,
                        "subjects": group.subjects,
                        "calls": group.calls,
                        "passed": group.passed,
                        "grant": group.grant,
                        "command": command(role, group),
                        "why": group.why,
                    })
                })
                .collect();
            json!({"role": role, "days": days.get(*role).unwrap_or(&0), "groups": groups})
        })
        .collect();
    format!("{:#}\n", json!({ "roles": roles }))
}
