//! `factory refusals`

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write,
};

use clap::ValueEnum;
use serde_json::json;

use super::{
    Context, ExitStatus, count,
    grant::{Offer, Taken, tried},
    print,
};
use crate::{
    boundary::{Capability, PathPattern},
    client::quoted,
    diagnostics::in_the_open,
    guard::observed::{Refused, Want, days, refusals},
};

/// From how many files of one folder on the folder is offered.
const MANY: usize = 3;

/// How many things a line shows.
const SHOWN: usize = 3;

/// Show what roles did that nothing grants, and the grants that would allow it
///
/// The guard takes down each call of a role in a person's client that it refuses, or would refuse: a
/// role with `guard "observe"` is let pass. Grouped by role and grant, the most frequent first. A grant is
/// offered only where `factory grant` would write it, one after the other; what is granted by now is left
/// out.
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
    let mut roles: Vec<_> = by_role
        .iter()
        .map(|(role, refusals)| OfRole {
            name: role.as_str(),
            groups: grouped(refusals),
            calls: refusals.len(),
            passed: refusals.iter().filter(|refusal| refusal.passed).count(),
        })
        .collect();
    settle(context, &mut roles)?;
    let text = match args.format {
        Style::Json => as_json(&roles, &days),
        Style::Human => as_text(&roles, &days),
    };
    print(out, &text)?;
    Ok(ExitStatus::Success)
}

struct OfRole<'a> {
    name: &'a str,
    groups: Vec<Group>,
    calls: usize,
    passed: usize,
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

// Leaves of the grants those that would be written, each after those before it, and takes out what is
// granted by now.
fn settle(context: &Context, roles: &mut [OfRole<'_>]) -> miette::Result<()> {
    let mut offers = Vec::new();
    for role in &mut *roles {
        for group in &mut role.groups {
            // Nobody can read, or type, what is hidden in a command.
            let hidden = |grant: &String| in_the_open(grant) != grant.as_str();
            if group.grant.take_if(|grant| hidden(grant)).is_some() {
                "it has characters in it that can't be seen".clone_into(&mut group.why);
            }
            if let (Some(pattern), Some(capability)) = (&group.grant, group.capability) {
                offers.push(Offer {
                    role: role.name.to_owned(),
                    capability,
                    pattern: pattern.clone(),
                });
            }
        }
    }
    let mut taken = if offers.is_empty() {
        Vec::new()
    } else {
        tried(context, &offers)?
    }
    .into_iter();
    for role in roles {
        role.groups.retain_mut(|group| {
            if group.grant.is_none() || group.capability.is_none() {
                return true;
            }
            match taken.next() {
                Some(Taken::Written) | None => true,
                Some(Taken::Already) => false,
                Some(Taken::Refused(why)) => {
                    group.grant = None;
                    group.why = why;
                    true
                }
            }
        });
        role.groups
            .sort_by_key(|group| (group.grant.is_none(), std::cmp::Reverse(group.calls)));
    }
    Ok(())
}

fn grouped(refusals: &[Refused]) -> Vec<Group> {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let wants = || refusals.iter().flat_map(Refused::wants);
    for want in wants().filter(|want| want.grantable() == Some(Capability::Write)) {
        if let Some((folder, _)) = want.subject.split_once('/') {
            files.entry(folder).or_default().insert(&want.subject);
        }
    }
    let pattern = |want: &Want| -> Option<String> {
        let own = want.grant()?;
        if want.capability != Some(Capability::Write) {
            return Some(own);
        }
        let folder = want.subject.split_once('/').map(|(folder, _)| folder);
        Some(match folder {
            Some(folder) if files.get(folder).is_some_and(|files| files.len() >= MANY) => {
                format!("{}/**", PathPattern::escaped(folder))
            }
            _ => own,
        })
    };
    let mut groups: BTreeMap<(Option<Capability>, String), Group> = BTreeMap::new();
    for refusal in refusals {
        for want in refusal.wants() {
            let grant = pattern(want);
            let key = grant.clone().unwrap_or_else(|| want.why.clone());
            let group = groups
                .entry((want.capability, key))
                .or_insert_with(|| Group {
                    capability: want.capability,
                    subjects: BTreeSet::new(),
                    calls: 0,
                    passed: 0,
                    grant,
                    why: want.why.clone(),
                });
            group.subjects.insert(want.subject.clone());
            group.calls += 1;
            group.passed += usize::from(refusal.passed);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (group.grant.is_none(), std::cmp::Reverse(group.calls)));
    groups
}

fn command(role: &str, group: &Group) -> Option<String> {
    let (grant, capability) = (group.grant.as_ref()?, group.capability?);
    // What begins with a dash is no option here.
    let apart = if grant.starts_with('-') { "-- " } else { "" };
    Some(format!(
        "factory grant {apart}{} {capability} {}",
        quoted(role),
        quoted(grant)
    ))
}

fn as_text(roles: &[OfRole<'_>], days: &BTreeMap<String, usize>) -> String {
    let left = || roles.iter().filter(|role| !role.groups.is_empty());
    if left().next().is_none() {
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
    for role in left() {
        let name = role.name;
        let _ = write!(
            text,
            "{}: {} that nothing grants",
            in_the_open(name),
            count(role.calls, "call")
        );
        if role.passed > 0 {
            let _ = write!(text, ", {} let pass", role.passed);
        }
        if let Some(days) = days.get(name) {
            let _ = write!(text, "; {} observed", count(*days, "day"));
        }
        text.push('\n');
        for group in &role.groups {
            // It was an agent that chose these words.
            let mut subjects: Vec<_> = group
                .subjects
                .iter()
                .take(SHOWN)
                .map(|subject| in_the_open(subject))
                .collect();
            let more = group.subjects.len().saturating_sub(SHOWN);
            if more > 0 {
                subjects.push(format!("and {more} more").into());
            }
            let _ = writeln!(
                text,
                "  {:>4}  {:8}  {}",
                group.calls,
                group.capability.map_or("", Capability::word),
                subjects.join(", ")
            );
            let _ = match command(name, group) {
                Some(command) => writeln!(text, "        {command}"),
                None => writeln!(text, "        no grant: {}", in_the_open(&group.why)),
            };
        }
    }
    text
}

fn as_json(roles: &[OfRole<'_>], days: &BTreeMap<String, usize>) -> String {
    let roles: Vec<_> = roles
        .iter()
        .map(|role| {
            let groups: Vec<_> = role
                .groups
                .iter()
                .map(|group| {
                    json!({
                        "capability": group.capability,
                        "subjects": group.subjects,
                        "calls": group.calls,
                        "passed": group.passed,
                        "grant": group.grant,
                        "command": command(role.name, group),
                        "why": group.why,
                    })
                })
                .collect();
            let days = days.get(role.name).unwrap_or(&0);
            json!({"role": role.name, "days": days, "groups": groups})
        })
        .collect();
    format!("{:#}\n", json!({ "roles": roles }))
}
