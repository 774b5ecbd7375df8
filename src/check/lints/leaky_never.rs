//! A `never` that leaves another way to the same end.

use std::collections::BTreeSet;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{
        Capability, CommandPattern, Decision, Entry as Granted, Grant, Pattern as _, is_opaque,
    },
    check::{
        facts::{Facts, Once},
        meet::{alone, may_span, takes},
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
#[error("role `{role}` is kept from `{never}`, and may still run {way}")]
#[diagnostic(help("grant the subcommands that the work needs, one by one, in place of `{may}`"))]
struct LeakyNever {
    role: String,
    never: String,
    way: String,
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
    "bun",
    "deno",
    "gawk",
    "irb",
    "lua",
    "node",
    "osascript",
    "perl",
    "php",
    "pwsh",
    "python",
    "python3",
    "ruby",
    "tclsh",
];

// What is still allowed beside a `never`.
struct Way {
    what: String,
    // The `may` that gives it.
    may: usize,
    // Whether it may well be meant so.
    hint: bool,
}

fn leaky_never(facts: &Facts<'_>, report: &mut Report<'_>) {
    // What a profile or the factory grants or takes is spoken of once, and not for every role.
    let mut pairs: BTreeSet<(Span, Span)> = BTreeSet::new();
    for (id, role) in facts.model.roles() {
        let grant = &role.bounds.boundary.run;
        let mut seen = Once::default();
        let mut hints = Vec::new();
        for (at, never) in grant.never.own().iter().enumerate() {
            let origin = role.bounds.never_origin(Capability::Run, at);
            let Some(Origin::Written { span, .. }) = origin else {
                continue;
            };
            let Some(way) = way(grant, never) else {
                continue;
            };
            let Some(granted) = may_span(&role.bounds, Capability::Run, way.may) else {
                continue;
            };
            if way.hint {
                hints.push((never, way, *span, granted));
            } else if seen.first(granted) && pairs.insert((*span, granted)) {
                report.of_role(id, fault(role, never, way, (*span, granted)));
            }
        }
        for (never, way, span, granted) in hints {
            if seen.first(granted) && pairs.insert((span, granted)) {
                report.hint_of_role(id, fault(role, never, way, (span, granted)));
            }
        }
    }
}

fn fault(
    role: &Role,
    never: &Granted<CommandPattern>,
    way: Way,
    (taken, granted): (Span, Span),
) -> LeakyNever {
    let may = role.bounds.boundary.run.may.get(way.may);
    LeakyNever {
        role: role.name.value.clone(),
        never: never.pattern.to_string(),
        way: way.what,
        may: may.map(|may| may.pattern.to_string()).unwrap_or_default(),
        taken: taken.into(),
        granted: granted.into(),
    }
}

fn way(grant: &Grant<CommandPattern>, never: &Granted<CommandPattern>) -> Option<Way> {
    known(grant, never)
        .or_else(|| interpreter(grant))
        .or_else(|| sibling(grant, never))
}

// A command of the table that the grant still permits.
fn known(grant: &Grant<CommandPattern>, never: &Granted<CommandPattern>) -> Option<Way> {
    let [program, verb, ..] = never.pattern.literal_words() else {
        return None;
    };
    let ways = WAYS
        .iter()
        .filter(|(known, of, _)| program == known && verb == of);
    ways.flat_map(|(_, _, ways)| *ways).find_map(|line| {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let Decision::Permitted { may } = grant.decide(&words) else {
            return None;
        };
        // The grant is wide, and not one that was written for this other way.
        let wide = grant.may.get(may)?;
        let carved = wide.pattern.near_never(&never.pattern) && takes(never, wide) == Ok(true);
        carved.then(|| Way {
            what: format!("`{line}`, which comes to the same"),
            may,
            hint: false,
        })
    })
}

fn interpreter(grant: &Grant<CommandPattern>) -> Option<Way> {
    let mut mays = grant.may.iter().enumerate();
    mays.find_map(|(at, may)| {
        let [program] = may.pattern.literal_words() else {
            return None;
        };
        let known = INTERPRETERS.contains(&program.as_str()) && !may.pattern.is_literal();
        known.then(|| Way {
            what: format!("`{}`, which can start every program", may.pattern),
            may: at,
            hint: false,
        })
    })
}

// Where a program is granted with whatever stands behind it, less one subcommand: another one. That
// nothing else comes to the same, only its manual says.
fn sibling(grant: &Grant<CommandPattern>, never: &Granted<CommandPattern>) -> Option<Way> {
    let taken = never.pattern.literal_words();
    let mut mays = grant.may.iter().enumerate();
    mays.find_map(|(at, may)| {
        let wide = may.pattern.literal_words();
        let next = taken.get(wide.len())?;
        let open = !may.pattern.is_literal() && !wide.is_empty() && !next.starts_with('-');
        let same = may.pattern.program() == never.pattern.program()
            && wide.iter().zip(taken).skip(1).all(|(one, two)| one == two);
        if !open || !same || !is_opaque(&may.pattern) {
            return None;
        }
        // Beside the whole of it, and beside its first word.
        let beside = [wide.len(), taken.len() - 1].map(|length| {
            let shared = [wide, taken.get(wide.len()..length)?].concat();
            another(grant, at, &shared)
        });
        let mut beside: Vec<_> = beside.into_iter().flatten().collect();
        beside.dedup();
        let examples: Vec<_> = beside.iter().map(|line| format!("`{line}`")).collect();
        (!examples.is_empty()).then(|| Way {
            what: format!(
                "all else that `{}` gives, such as {}",
                may.pattern,
                examples.join(" or ")
            ),
            may: at,
            hint: true,
        })
    })
}

// A shortest line that entry `may` still gives and that goes on from `words` with one more.
fn another(grant: &Grant<CommandPattern>, may: usize, words: &[String]) -> Option<String> {
    let pattern = format!("{} \"*\" *", CommandPattern::show(words));
    let more = Grant {
        may: vec![pattern.parse::<CommandPattern>().ok()?.into()],
        ..Grant::default()
    };
    alone(grant, may)?.overlap(&more).ok()?
}
