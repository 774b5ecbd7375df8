//! What a role's boundary says of one thing: a path, a command line, a name; and which entry says so.

use crate::{
    boundary::{
        self, Boundary, Capability, CommandPattern, Decision, Entry, Grant, Kind, PathPattern,
        Pattern, Resolved, Scope, Tree,
    },
    model::{Bounds, Model, Origin, Role},
    spec::quoted,
};

/// What is known of the project that a question is asked in.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Its root, absolute.
    pub root: &'a str,
    /// Absolute directories outside it that hold programs and may be read.
    pub toolchains: &'a [String],
    /// What lies in it.
    pub tree: &'a (dyn Tree + Sync),
}

impl Ground<'static> {
    /// A project of which nobody has looked what lies in it: what is permitted here is permitted
    /// whatever does.
    pub(super) const UNSEEN: Self = Self {
        root: "/project",
        toolchains: &[],
        tree: &(),
    };

    /// A project with nothing in it: what is refused here is not refused for what might lie there.
    pub(super) const EMPTY: Self = Self {
        root: "/project",
        toolchains: &[],
        tree: &Empty,
    };
}

struct Empty;

impl Tree for Empty {
    fn kind(&self, _: &str) -> Kind {
        Kind::Missing
    }

    fn resolve(&self, _: &str) -> Resolved {
        Resolved::Unknown
    }

    fn below(&self, _: &str) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}

/// What is decided of one thing, and by what.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether the role may.
    pub permits: bool,
    /// The grants that give it, or the `never` that takes it away; none where nothing speaks of it.
    pub decided: Vec<Decided>,
    /// Why, where the entries do not say it all.
    pub reason: Option<String>,
    /// The grant that would allow it, where one would.
    pub missing: Option<String>,
}

/// An entry that decides.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Its pattern, or the set that brought it.
    pub pattern: String,
    /// Where it is written.
    pub origin: Origin,
}

/// Returns what the boundary of `role` says of `thing`, and which entries say so.
pub(super) fn judge(
    model: &Model,
    role: &Role,
    capability: Capability,
    thing: &str,
    ground: Ground<'_>,
) -> Verdict {
    let bounds = &role.bounds;
    let boundary = &bounds.boundary;
    match capability {
        Capability::Read => read(bounds, thing),
        Capability::Write => write(model, bounds, thing),
        Capability::Run => line(model, role, thing, ground),
        Capability::Reach => named(bounds, capability, &boundary.reach, thing),
        Capability::Use => named(bounds, capability, &boundary.uses, thing),
        Capability::Env => named(bounds, capability, &boundary.env, thing),
        Capability::Delegate => named(bounds, capability, &boundary.delegate, thing),
    }
}

/// Returns whether the boundary of `role` permits `thing`, without asking which entry says so.
pub(super) fn permits(
    model: &Model,
    role: &Role,
    capability: Capability,
    thing: &str,
    ground: Ground<'_>,
) -> bool {
    match capability {
        Capability::Run => ask(model, role, &role.bounds.boundary.run, thing, ground).is_ok(),
        _ => judge(model, role, capability, thing, ground).permits,
    }
}

/// Returns whether `role` may run `line`, and could not if `never` stood in its boundary.
pub(super) fn runs_unless(
    model: &Model,
    role: &Role,
    line: &str,
    never: &Entry<CommandPattern>,
    ground: Ground<'_>,
) -> bool {
    let run = &role.bounds.boundary.run;
    if ask(model, role, run, line, ground).is_err() {
        return false;
    }
    let mut narrowed = run.clone();
    narrowed.never.push(never.clone());
    ask(model, role, &narrowed, line, ground).is_err()
}

fn read(bounds: &Bounds, path: &str) -> Verdict {
    let grant = &bounds.boundary.read;
    match grant.never.iter().position(|never| never.takes(path)) {
        Some(never) => of(
            bounds,
            Capability::Read,
            grant,
            path,
            Decision::Taken { never },
        ),
        None => Verdict {
            permits: true,
            decided: Vec::new(),
            reason: Some("reading in the project is allowed unless a `never` takes it away".into()),
            missing: None,
        },
    }
}

fn write(model: &Model, bounds: &Bounds, path: &str) -> Verdict {
    let grant = &bounds.boundary.write;
    let decision = grant.decide(path);
    let scratch = model
        .workspace
        .scratch
        .iter()
        .find(|entry| entry.gives(path));
    match (decision, scratch) {
        (Decision::NotGranted | Decision::Narrowed, Some(scratch)) => Verdict {
            permits: true,
            decided: Vec::new(),
            reason: Some(format!(
                "`scratch \"{}\"` of the workspace is everyone's, and never lands",
                scratch.pattern
            )),
            missing: None,
        },
        _ => of(bounds, Capability::Write, grant, path, decision),
    }
}

fn named<P: Pattern<Subject = str> + std::fmt::Display>(
    bounds: &Bounds,
    capability: Capability,
    grant: &Grant<P>,
    thing: &str,
) -> Verdict {
    of(bounds, capability, grant, thing, grant.decide(thing))
}

fn of<P: std::fmt::Display>(
    bounds: &Bounds,
    capability: Capability,
    grant: &Grant<P>,
    thing: &str,
    decision: Decision,
) -> Verdict {
    let (entry, origin) = match decision {
        Decision::Permitted { may } => (grant.may.get(may), bounds.may_origin(capability, may)),
        Decision::Taken { never } => (
            grant.never.get(never),
            bounds.never_origin(capability, never),
        ),
        Decision::Narrowed | Decision::NotGranted => (None, None),
    };
    let decided = entry.zip(origin).map(|(entry, origin)| Decided {
        pattern: entry.pattern.to_string(),
        origin: origin.clone(),
    });
    let reason = match (decision, origin) {
        (Decision::Taken { .. }, Some(Origin::Universal)) => {
            Some("no role may ever write what the factory itself is made of".to_owned())
        }
        (Decision::Narrowed | Decision::NotGranted, _) => Some("nothing grants it".to_owned()),
        (Decision::Permitted { .. } | Decision::Taken { .. }, _) => None,
    };
    Verdict {
        permits: decision.permits(),
        decided: decided.into_iter().collect(),
        reason,
        missing: (decision == Decision::NotGranted)
            .then(|| format!("may {{ {capability} {}; }}", quoted(thing))),
    }
}

fn ask(
    model: &Model,
    role: &Role,
    run: &Grant<CommandPattern>,
    line: &str,
    ground: Ground<'_>,
) -> Result<(), boundary::Refusal> {
    let Boundary { read, env, .. } = &role.bounds.boundary;
    let scope = Scope {
        run,
        write: &with_scratch(model, role),
        read,
        env,
        root: ground.root,
        cwd: "",
        scratch: &[],
        toolchains: ground.toolchains,
        tree: ground.tree,
    };
    boundary::judge(line, &scope)
}

// As the guard does: what the workspace leaves to everyone is granted too.
fn with_scratch(model: &Model, role: &Role) -> Grant<PathPattern> {
    let mut write = role.bounds.boundary.write.clone();
    write.may.extend_from_slice(&model.workspace.scratch);
    write
}

fn line(model: &Model, role: &Role, line: &str, ground: Ground<'_>) -> Verdict {
    let bounds = &role.bounds;
    let run = &bounds.boundary.run;
    let origins = bounds.origins.get(&Capability::Run);
    let ask = |run: &Grant<CommandPattern>| ask(model, role, run, line, ground);
    match ask(run) {
        Ok(()) => {
            // What it takes: without any one of these it would be refused.
            let mut groups = groups(&run.may, origins.map_or(&[], |origins| &origins.may));
            let mut decided = Vec::new();
            for index in (0..groups.len()).rev() {
                let group = groups.remove(index);
                let may = groups.iter().flat_map(|group| group.entries.clone());
                let without = Grant {
                    may: may.collect(),
                    ..run.clone()
                };
                if ask(&without).is_err() {
                    let one = |entry: &&Entry<CommandPattern>| {
                        let mut with = without.clone();
                        with.may.push((*entry).clone());
                        ask(&with).is_ok()
                    };
                    decided.extend(group.decided(group.entries.iter().find(one)));
                    groups.insert(index, group);
                }
            }
            decided.reverse();
            Verdict {
                permits: true,
                decided,
                reason: None,
                missing: None,
            }
        }
        Err(refusal) => {
            let groups = groups(
                run.never.own(),
                origins.map_or(&[], |origins| &origins.never),
            );
            let takes = groups.iter().enumerate().find(|(index, _)| {
                let others = groups.iter().enumerate();
                let others = others.filter(|(other, _)| other != index);
                let without = Grant {
                    never: others
                        .flat_map(|(_, group)| group.entries.clone())
                        .collect::<Vec<_>>()
                        .into(),
                    ..run.clone()
                };
                ask(&without).err().as_ref() != Some(&refusal)
            });
            Verdict {
                permits: false,
                decided: takes
                    .and_then(|(_, group)| group.decided(None))
                    .into_iter()
                    .collect(),
                reason: Some(format!("`{}` {}", refusal.part, refusal.reason)),
                missing: refusal.missing().map(ToString::to_string),
            }
        }
    }
}

// The entries that were written at one place.
struct Group {
    origin: Origin,
    entries: Vec<Entry<CommandPattern>>,
}

impl Group {
    // With `entry`, if it is one alone that counts.
    fn decided(&self, entry: Option<&Entry<CommandPattern>>) -> Option<Decided> {
        Some(Decided {
            pattern: entry.or(self.entries.first())?.pattern.to_string(),
            origin: self.origin.clone(),
        })
    }
}

fn groups(entries: &[Entry<CommandPattern>], origins: &[Origin]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (entry, origin) in entries.iter().zip(origins) {
        match groups.last_mut().filter(|group| group.origin == *origin) {
            Some(group) => group.entries.push(entry.clone()),
            None => groups.push(Group {
                origin: origin.clone(),
                entries: vec![entry.clone()],
            }),
        }
    }
    groups
}
