//! What a role's boundary says of one thing: a path, a command line, a name.

use super::{meet::may_span, shell::simple_words};
use crate::{
    boundary::{Capability, Decision, Grant, Pattern},
    diagnostics::Span,
    model::{Origin, Role},
};

/// What is decided of one thing, and by what.
pub(super) struct Verdict {
    pub(super) permits: bool,
    /// Where the grant or the `never` that decides is written.
    pub(super) decided: Option<Span>,
    /// Why not, where no single entry decides.
    pub(super) reason: Option<String>,
}

/// Returns what the boundary of `role` says of `thing`.
pub(super) fn judge(role: &Role, capability: Capability, thing: &str) -> Verdict {
    let boundary = &role.bounds.boundary;
    let decision = match capability {
        Capability::Read => {
            let never = boundary
                .read
                .never
                .iter()
                .position(|never| never.takes(thing));
            match never {
                Some(never) => Decision::Taken { never },
                None => return verdict(true, None),
            }
        }
        Capability::Write => boundary.write.decide(thing),
        Capability::Run => return line(role, thing),
        Capability::Reach => name(&boundary.reach, thing),
        Capability::Use => name(&boundary.uses, thing),
        Capability::Env => name(&boundary.env, thing),
        Capability::Delegate => name(&boundary.delegate, thing),
    };
    of(role, capability, decision)
}

fn name<P: Pattern<Subject = str>>(grant: &Grant<P>, thing: &str) -> Decision {
    grant.decide(thing)
}

fn of(role: &Role, capability: Capability, decision: Decision) -> Verdict {
    match decision {
        Decision::Permitted { may } => verdict(true, may_span(&role.bounds, capability, may)),
        Decision::Taken { never } => {
            let origin = role.bounds.never_origin(capability, never);
            let mut verdict = verdict(false, origin.and_then(Origin::span));
            if origin == Some(&Origin::Universal) {
                verdict.reason =
                    Some("no role may ever write what the factory itself is made of".to_owned());
            }
            verdict
        }
        Decision::Narrowed | Decision::NotGranted => verdict(false, None),
    }
}

const fn verdict(permits: bool, decided: Option<Span>) -> Verdict {
    Verdict {
        permits,
        decided,
        reason: None,
    }
}

// Every command of the line must be granted, and none of them taken away, also not what a wrapper such
// as `env` or `bundle exec` starts.
fn line(role: &Role, line: &str) -> Verdict {
    let run = &role.bounds.boundary.run;
    let mut decided = verdict(false, None);
    for part in line
        .split(['\n', ';', '|', '&'])
        .filter(|part| !part.trim().is_empty())
    {
        let words: Vec<_> = part.split_whitespace().map(str::to_owned).collect();
        let inner = simple_words(part).next().unwrap_or_default();
        let taken = run.never.iter().position(|never| never.takes(&inner));
        let decision = taken.map_or_else(|| run.decide(&words), |never| Decision::Taken { never });
        decided = of(role, Capability::Run, decision);
        if !decided.permits {
            return decided;
        }
    }
    decided
}
