//! Model → findings: lints, then proofs of the user's rules. Only this room makes a [`Checked`].
//!
//! Pure: no files, clock, environment, or process. What can't be decided within its budget is an error
//! and never a pass. Time grows with the number of roles, not with that of their pairs: two patterns
//! are only compared by their automata where the words they start with can meet.

mod facts;
mod held;
mod lints;
mod meet;
mod proofs;
mod question;
mod report;
mod settings;
mod shell;
mod stories;

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    boundary::Capability,
    diagnostics::{Findings, Level, Sources, Span},
    model::{Model, RoleId},
};
use facts::Facts;
pub use held::{Held, Holding};
pub use proofs::{Answer, Kept, Proof, Unseen, verb};
pub use question::{Decided, Ground, Verdict};
pub use stories::{explain, short_stories, stories};

/// A factory without errors. Only [`check`] makes one, so nothing unchecked is emitted.
#[derive(Debug)]
pub struct Checked {
    model: Model,
    proofs: Vec<Proof>,
}

impl Checked {
    /// Returns the factory.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Returns what holds each capability of `role`, which is a role of this model.
    pub fn held(&self, role: RoleId) -> BTreeMap<Capability, Held> {
        held::held(&self.model, role)
    }

    /// Returns what the boundary of `role`, which is a role of this model, says of `thing`: a path, a
    /// command line, a name.
    pub fn judge(
        &self,
        role: RoleId,
        capability: Capability,
        thing: &str,
        ground: Ground<'_>,
    ) -> Verdict {
        question::judge(
            &self.model,
            self.model.role(role),
            capability,
            thing,
            ground,
        )
    }

    /// Returns how each statement of each rule stands, in the order of the spec.
    pub fn proofs(&self) -> &[Proof] {
        &self.proofs
    }
}

/// Lints and proves `model`, whose texts are in `sources`. What is found is added to `findings`;
/// a factory with errors, also earlier ones, is not returned.
///
/// Where earlier errors lie within roles alone, nothing more is said of these roles; where they lie
/// elsewhere, their effect is not known, and what is wrong in meaning is not looked for yet.
pub fn check(model: Model, sources: &Sources, findings: &mut Findings) -> Option<Checked> {
    settings::check(&model, findings);
    let mut proofs = Vec::new();
    if let Some(broken) = broken_roles(&model, findings) {
        let mut found = Findings::default();
        proofs = look(&model, sources, broken.is_empty(), &mut found);
        held::check(&model, &mut found);
        found.retain(|finding| {
            let mut labels = finding.fault.labels().into_iter().flatten();
            !labels.any(|label| broken.iter().any(|role| holds(*role, label.offset())))
        });
        findings.append(found);
    }
    (!findings.has_errors()).then_some(Checked { model, proofs })
}

// Runs the proofs and all lints. They ask different things, so two threads share them; what they find is
// told in one order, whoever found it.
fn look(model: &Model, sources: &Sources, whole: bool, findings: &mut Findings) -> Vec<Proof> {
    let next = AtomicUsize::new(0);
    let work = || {
        let facts = Facts::new(model, sources, whole);
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let mut found = Findings::default();
            // The proofs take longest, so they come first; they are told last.
            if at == 0 {
                let proofs = proofs::run(&facts, &mut found);
                done.push((usize::MAX, found, proofs));
            } else if lints::run(at - 1, &facts, &mut found) {
                done.push((at, found, Vec::new()));
            } else {
                return done;
            }
        }
    };
    let mut all = thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, work);
        let mut all = work();
        match other.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => all.extend(done),
            Ok(Err(panic)) => resume_unwind(panic),
            // A thread that could not start has left all of it to this one.
            Err(_) => {}
        }
        all
    });
    all.sort_by_key(|(at, ..)| *at);
    let proofs = all.into_iter().flat_map(|(_, found, proofs)| {
        findings.append(found);
        proofs
    });
    proofs.collect()
}

/// Returns the level that the lint of that code has unless a spec sets it.
pub fn usual_level(code: &str) -> Option<Level> {
    let lint = lints::all().find(|lint| lint.code == code);
    lint.map(|lint| lint.level)
}

// The roles that hold all errors there are, or nothing where one lies elsewhere.
fn broken_roles(model: &Model, findings: &Findings) -> Option<Vec<Span>> {
    let errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error);
    errors
        .map(|error| {
            let mut roles = model.roles.iter().map(|role| role.span);
            roles.find(|role| holds(*role, error.span.start))
        })
        .collect()
}

const fn holds(span: Span, at: usize) -> bool {
    span.start <= at && at < span.end()
}
