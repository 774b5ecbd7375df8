//! A `never` that leaves another way to the same end.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Capability, CommandPattern, Decision, Entry as Granted, Grant},
    check::{
        facts::{Facts, Once, within},
        meet::{Near as _, may_span, takes},
        report::Report,
    },
    diagnostics::{Level, Lint, Span},
    model::{Origin, Role},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::role::leaky-never",
        level: Level::Warning,
        safety: false,
        story: include_str!("leaky_never.md"),
    },
    absence: false,
    run: leaky_never,
};

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` is kept from `{never}`, and may still run `{other}`, which {effect}")]
#[diagnostic(help("grant the subcommands that the work needs, one by one, in place of `{may}`"))]
struct LeakyNever {
    role: String,
    never: String,
    other: String,
    effect: String,
    may: String,
    #[label(primary, "leaves another way")]
    taken: SourceSpan,
    #[label("grants that way")]
    granted: SourceSpan,
}

// Other ways to what a subcommand does.
const WAYS: &[(&str, &str, &[&str])] = &[
    (
        "git",
        "push",
        &[
            "git send-pack origin main",
            "git subtree push --prefix a origin main",
            "git config alias.p push",
        ],
    ),
    (
        "git",
        "commit",
        &[
            "git merge main",
            "git cherry-pick main",
            "git config alias.c commit",
        ],
    ),
    ("gh", "pr", &["gh api repos/o/r/pulls/1/merge"]),
    ("gh", "release", &["gh api repos/o/r/releases"]),
    ("gh", "workflow", &["gh api repos/o/r/dispatches"]),
    ("docker", "push", &["docker buildx build --push ."]),
    ("docker", "run", &["docker compose up", "docker create a"]),
    (
        "kubectl",
        "delete",
        &[
            "kubectl replace --force -f a.yml",
            "kubectl apply --prune -f a.yml",
        ],
    ),
    (
        "kubectl",
        "apply",
        &[
            "kubectl create -f a.yml",
            "kubectl patch deployment a",
            "kubectl replace -f a.yml",
        ],
    ),
    ("npm", "publish", &["npm run release", "npm exec a"]),
    ("npm", "install", &["npm ci", "npm exec a"]),
    ("terraform", "destroy", &["terraform apply -destroy"]),
    (
        "systemctl",
        "stop",
        &["systemctl kill a", "systemctl isolate a"],
    ),
];

// Programs that do whatever the text they are given says.
const INTERPRETERS: &[&str] = &[
    "awk",
    "deno",
    "gawk",
    "lua",
    "node",
    "osascript",
    "perl",
    "php",
    "python",
    "python3",
    "ruby",
    "tclsh",
];

fn leaky_never(facts: &Facts<'_>, report: &mut Report<'_>) {
    for (id, role) in facts.model.roles() {
        let grant = &role.bounds.boundary.run;
        let mut seen = Once::default();
        for (at, never) in grant.never.iter().enumerate() {
            let origin = role.bounds.never_origin(Capability::Run, at);
            let Some(Origin::Written { span, .. }) = origin else {
                continue;
            };
            // A `never` of the factory speaks to all roles at once, and not of this grant.
            if !within(role.span, *span) {
                continue;
            }
            if let Some((other, effect, may)) = way(grant, never)
                && let Some(granted) = may_span(&role.bounds, Capability::Run, may)
                && seen.first(granted)
            {
                report.of_role(
                    id,
                    fault(role, never, (other, effect, may), (*span, granted)),
                );
            }
        }
    }
}

fn fault(
    role: &Role,
    never: &Granted<CommandPattern>,
    (other, effect, may): (String, &str, usize),
    (taken, granted): (Span, Span),
) -> LeakyNever {
    let may = role.bounds.boundary.run.may.get(may);
    LeakyNever {
        role: role.name.value.clone(),
        never: never.pattern.to_string(),
        other,
        effect: effect.to_owned(),
        may: may.map(|may| may.pattern.to_string()).unwrap_or_default(),
        taken: taken.into(),
        granted: granted.into(),
    }
}

// A command that the grant still permits, what it can do, and the `may` that gives it.
fn way(
    grant: &Grant<CommandPattern>,
    never: &Granted<CommandPattern>,
) -> Option<(String, &'static str, usize)> {
    let words = never.pattern.literal_words();
    let [program, verb, ..] = words else {
        return interpreter(grant);
    };
    let ways = WAYS
        .iter()
        .filter(|(known, of, _)| program == known && verb == of);
    let other = ways.flat_map(|(_, _, ways)| *ways).find_map(|line| {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let Decision::Permitted { may } = grant.decide(&words) else {
            return None;
        };
        // The grant is wide, and not one that was written for this other way.
        let wide = grant.may.get(may)?;
        let carved = wide.pattern.near_never(&never.pattern) && takes(never, wide) == Ok(true);
        carved.then(|| ((*line).to_owned(), "comes to the same", may))
    });
    other.or_else(|| interpreter(grant))
}

fn interpreter(grant: &Grant<CommandPattern>) -> Option<(String, &'static str, usize)> {
    let mut mays = grant.may.iter().enumerate();
    mays.find_map(|(at, may)| {
        let words = may.pattern.literal_words();
        let [program] = words else {
            return None;
        };
        let known = INTERPRETERS.contains(&program.as_str()) && !may.pattern.is_literal();
        known.then(|| (may.pattern.to_string(), "can start every program", at))
    })
}
