//! A file that a prompt sends its reader to, and that is not there.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    boundary::Pattern as _,
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
    model::Reserved,
    spec::MissingFile,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::missing-file",
        level: Level::Warning,
        safety: false,
        story: include_str!("missing_file.md"),
    },
    absence: false,
    run: missing_file,
};

#[derive(Debug, Error, Diagnostic)]
#[error("no file called `{path}`{outlook}")]
#[diagnostic(help(
    "correct the path, seen from the root of the project or from here, or take it away; one that is only \
     an example stands between backticks"
))]
struct NoSuchFile {
    path: String,
    outlook: &'static str,
    #[label(primary, "the role is sent there")]
    span: SourceSpan,
}

fn missing_file(facts: &Facts<'_>, report: &mut Report<'_>) {
    for missing in &facts.model.missing {
        let Some(source) = facts.sources.of(missing.path.span) else {
            continue;
        };
        if is_made(facts, missing) {
            continue;
        }
        let may_come = is_writable(facts, missing);
        let fault = NoSuchFile {
            path: missing.path.value.clone(),
            outlook: if may_come {
                " yet, though a role may write it"
            } else {
                ""
            },
            span: missing.path.span.into(),
        };
        let readers = facts.readers(source.path());
        if may_come {
            report.hint_of_roles(&readers, fault);
        } else {
            report.of_roles(&readers, fault);
        }
    }
}

// Whether build makes it, or what works in a checkout does.
fn is_made(facts: &Facts<'_>, missing: &MissingFile) -> bool {
    let made = |reserved| match reserved {
        Reserved::Lock | Reserved::Snapshot | Reserved::Output | Reserved::Sections => true,
        Reserved::Repository | Reserved::OtherLock | Reserved::Input | Reserved::Client => false,
    };
    missing.places.iter().any(|place| {
        let mut protected = facts.model.protected.iter();
        let mut scratch = facts.model.workspace.scratch.iter();
        let mut copies = facts.model.workspace.copy.iter();
        protected.any(|(reserved, pattern)| made(reserved) && pattern.gives(place))
            || scratch.any(|entry| entry.gives(place))
            || copies.any(|copy| copy.path == *place)
    })
}

fn is_writable(facts: &Facts<'_>, missing: &MissingFile) -> bool {
    let mut roles = facts.model.roles.iter();
    roles.any(|role| {
        let mut places = missing.places.iter();
        places.any(|place| role.bounds.boundary.write.permits(place))
    })
}
