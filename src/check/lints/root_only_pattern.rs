//! A `never` that means the root of the project alone, though its look says everywhere.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::{Capability, Entry as Granted, Nevers, PathPattern},
    check::{
        facts::Facts,
        report::{Report, Shared},
    },
    diagnostics::{Level, Lint},
    model::Origin,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::path::root-only",
        level: Level::Warning,
        safety: false,
        story: include_str!("root_only_pattern.md"),
    },
    absence: false,
    run: root_only_pattern,
};

#[derive(Debug, Error, Diagnostic)]
#[error("`{pattern}` means the root of the project only")]
#[diagnostic(help("write `**/{pattern}` to mean it in every folder"))]
struct RootOnly {
    pattern: String,
    #[label(primary, "does not match `{example}`")]
    never: SourceSpan,
    example: String,
}

fn root_only_pattern(facts: &Facts<'_>, report: &mut Report<'_>) {
    let mut shared = Shared::default();
    for (id, role) in facts.model.roles() {
        let boundary = &role.bounds.boundary;
        for (capability, grant) in [
            (Capability::Read, &boundary.read),
            (Capability::Write, &boundary.write),
        ] {
            for (at, never) in grant.never.own().iter().enumerate() {
                let Some(Origin::Written { span, member }) =
                    role.bounds.never_origin(capability, at)
                else {
                    continue;
                };
                let span = member.unwrap_or(*span);
                if looks_everywhere(never) && !everywhere_too(&grant.never, never) {
                    shared.of_role(report, span, id, || {
                        let pattern = never.pattern.as_str().to_owned();
                        let name = pattern.replace('*', "");
                        let name = if name.is_empty() { "x" } else { &name };
                        RootOnly {
                            example: format!("config/{name}"),
                            pattern,
                            never: span.into(),
                        }
                    });
                }
            }
        }
    }
    shared.tell(report);
}

// Files that lie in any folder and hold secrets.
const ANYWHERE: &[&str] = &[
    ".env",
    ".npmrc",
    ".netrc",
    ".pypirc",
    "id_rsa",
    "id_ed25519",
];

fn looks_everywhere(never: &Granted<PathPattern>) -> bool {
    let text = never.pattern.as_str();
    let wild = text.contains('*') && text != "*" && text != "**";
    !text.contains('/') && (wild || ANYWHERE.contains(&text))
}

// Whether another `never` of the same list says it of every folder.
fn everywhere_too(nevers: &Nevers<PathPattern>, never: &Granted<PathPattern>) -> bool {
    let everywhere = format!("**/{}", never.pattern.as_str());
    nevers
        .iter()
        .any(|other| other.pattern.as_str() == everywhere)
}
