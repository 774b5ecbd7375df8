//! What holds a boundary: which layer keeps each capability of a role, by the client and the platform.
//!
//! No client enforces a role's boundary by itself. What is said here is what the layers that `build`
//! and `exec` put around it can hold, and no more.

use std::collections::BTreeMap;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::meet::Near;
use crate::{
    boundary::{Capability, Layer, PathPattern},
    client,
    diagnostics::{Findings, Spanned},
    model::{GuardMode, Model, Origin, Role, RoleId},
    spec::Text,
};

/// What holds one capability of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The layer that holds it in `exec`, on any platform.
    pub layer: Layer,
    /// The layer that holds it in `exec` on Linux.
    pub linux: Layer,
    /// The layer that holds it where a person's client runs the role.
    pub interactive: Layer,
    /// What does so, in a few words.
    pub by: &'static str,
}

/// Returns what holds each capability of the role of `id`.
pub(super) fn held(model: &Model, id: RoleId) -> BTreeMap<Capability, Held> {
    let role = model.role(id);
    // Without a client that asks the guard, words are all that a person's session has.
    let guarded = model
        .targets
        .iter()
        .any(|target| client::target(&target.value).is_some_and(|target| target.is_guarded));
    let of = |capability| {
        let held = of_capability(role, capability);
        let interactive = if guarded && role.guard == GuardMode::Enforce {
            held.interactive
        } else {
            Layer::Advised
        };
        let held = Held {
            interactive,
            ..held
        };
        (capability, held)
    };
    Capability::ALL.into_iter().map(of).collect()
}

fn of_capability(role: &Role, capability: Capability) -> Held {
    let everywhere = |layer, interactive, by| Held {
        layer,
        linux: layer,
        interactive,
        by,
    };
    match capability {
        Capability::Read | Capability::Reach => {
            everywhere(Layer::Guarded, Layer::Guarded, "the hook, call by call")
        }
        Capability::Write => Held {
            layer: Layer::Rejected,
            linux: if by_directory(role) {
                Layer::Prevented
            } else {
                Layer::Rejected
            },
            interactive: Layer::Guarded,
            by: "the audit of every change; on Linux the kernel, by directory",
        },
        Capability::Run => everywhere(
            Layer::Guarded,
            Layer::Guarded,
            "the hook, which parses shell lines; not what an allowed program starts",
        ),
        Capability::Use => everywhere(
            Layer::Prevented,
            Layer::Guarded,
            "tools and servers that are not offered",
        ),
        Capability::Env => everywhere(
            Layer::Prevented,
            Layer::Advised,
            "a closed environment; in a person's client it is that person's",
        ),
        Capability::Delegate => everywhere(
            Layer::Prevented,
            Layer::Guarded,
            "in `exec` there is nobody to hand work to",
        ),
    }
}

/// Returns the layer that holds `capability` of `role` also against what a granted command does once it
/// runs, where one does: the hook sees the line, and no more.
pub(super) fn against_programs(role: &Role, capability: Capability) -> Option<Layer> {
    match capability {
        Capability::Write | Capability::Use | Capability::Env | Capability::Delegate => {
            Some(of_capability(role, capability).layer)
        }
        Capability::Read | Capability::Run | Capability::Reach => None,
    }
}

// Whether a kernel that knows directories and single files can hold the role's writes: each grant is
// one of these, and nothing is taken out of the middle of one.
fn by_directory(role: &Role) -> bool {
    let grant = &role.bounds.boundary.write;
    let plain = |pattern: &PathPattern| {
        let text = pattern.as_str();
        let directory = text.strip_suffix("/**").unwrap_or(text);
        !directory.is_empty() && !directory.contains(['*', '?', '[', '{'])
    };
    let written = |at: usize| {
        matches!(
            role.bounds.never_origin(Capability::Write, at),
            Some(Origin::Written { .. })
        )
    };
    grant.may.iter().all(|may| {
        let mut nevers = grant.never.iter().enumerate();
        plain(&may.pattern)
            && may.except.is_empty()
            && !nevers.any(|(at, never)| written(at) && may.pattern.near_never(&never.pattern))
    })
}

#[derive(Debug, Error, Diagnostic)]
#[error("role `{role}` asks that its `{capability}` be {asked}, and {place} it is only {found}")]
#[diagnostic(
    code("factory::hold::too-weak"),
    help("ask for `{found}`, or take the grant away; what holds it: {by}")
)]
struct TooWeak {
    role: String,
    capability: Capability,
    asked: Layer,
    found: Layer,
    place: &'static str,
    by: &'static str,
    #[label(primary, "more than there is")]
    span: SourceSpan,
}

/// Reports every capability that is held by less than the spec asks for.
pub(super) fn check(model: &Model, findings: &mut Findings) {
    for (_, role) in model.roles() {
        for (capability, layer, platform) in role.hold.iter().chain(&model.hold) {
            floor(role, *capability, *layer, platform.as_ref(), findings);
        }
    }
}

fn floor(
    role: &Role,
    capability: Capability,
    asked: Spanned<Layer>,
    platform: Option<&Text>,
    findings: &mut Findings,
) {
    // What a role can't do at all needs nothing to hold it.
    if capability != Capability::Read && super::facts::granted(role, capability).is_none() {
        return;
    }
    let held = of_capability(role, capability);
    let (found, place) = match platform.map(|platform| platform.value.as_str()) {
        Some("linux") => (held.linux, "on Linux"),
        Some(_) => (held.layer, "on macOS"),
        None => (held.layer, "on some platforms"),
    };
    if found < asked.value {
        findings.add(TooWeak {
            role: role.name.value.clone(),
            capability,
            asked: asked.value,
            found,
            place,
            by: held.by,
            span: asked.span.into(),
        });
    }
}
