//! What holds a boundary: which layer keeps each capability of a role, in `exec` by the driver and the
//! platform, and where a person's client runs it by what that client reads.
//!
//! No client enforces a role's boundary by itself. What is said here is what the layers that `build`
//! and `exec` put around it can hold, and no more.

use std::collections::BTreeMap;

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use crate::{
    boundary::{Capability, Entry, Grant, Layer, NamePattern, PathPattern, Pattern as _, Platform},
    client::{self, Target},
    diagnostics::Findings,
    model::{DriverKind, GuardMode, Hold, HoldPlace, Model, Origin, Role, RoleId},
};

/// What holds one capability of a role, wherever the role is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The layer that holds it in `exec`, on any platform.
    pub layer: Layer,
    /// What does so there, in a few words.
    pub by: &'static str,
    /// What holds it in `exec`, by platform.
    pub exec: BTreeMap<Platform, Holding>,
    /// What holds it where a person's client runs the role, by the target that this client reads.
    pub clients: BTreeMap<&'static str, Holding>,
}

/// A layer, and what it is in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The layer.
    pub layer: Layer,
    /// What holds, in a few words.
    pub by: &'static str,
}

impl Held {
    /// Returns the layer that holds it in `exec` on `platform`.
    pub fn on(&self, platform: Platform) -> Layer {
        let holding = self.exec.get(&platform);
        holding.map_or(self.layer, |holding| holding.layer)
    }

    /// Returns the layer that holds it in any person's client: words alone, where no client is known.
    pub fn interactive(&self) -> Layer {
        let layers = self.clients.values().map(|holding| holding.layer);
        layers.min().unwrap_or(Layer::Advised)
    }
}

// Where a role is at work.
#[derive(Debug, Clone, Copy)]
enum Place {
    Exec(DriverKind, Platform),
    Client(&'static Target),
}

/// Returns what holds each capability of the role of `id`.
pub(super) fn held(model: &Model, id: RoleId) -> BTreeMap<Capability, Held> {
    let role = model.role(id);
    let of = |capability| (capability, in_all_places(model, role, capability));
    Capability::ALL.into_iter().map(of).collect()
}

fn in_all_places(model: &Model, role: &Role, capability: Capability) -> Held {
    let at = |place| of_capability(model, role, capability, place);
    let driver = model.driver.kind;
    let exec: BTreeMap<_, _> = Platform::ALL
        .map(|platform| (platform, at(Place::Exec(driver, platform))))
        .into();
    let clients = targets(model).map(|target| (target.name, at(Place::Client(target))));
    let weakest = at(Place::Exec(driver, Platform::Macos));
    Held {
        layer: weakest.layer,
        by: weakest.by,
        exec,
        clients: clients.collect(),
    }
}

/// Returns the layer that holds `capability` of `role` in `exec` also against what a granted command does
/// once it runs, where one does: the hook sees the line, and no more.
pub(super) fn against_programs(
    model: &Model,
    role: &Role,
    capability: Capability,
) -> Option<Layer> {
    match capability {
        Capability::Write | Capability::Use | Capability::Env | Capability::Delegate => {
            let layer = in_all_places(model, role, capability).layer;
            (layer > Layer::Advised).then_some(layer)
        }
        Capability::Read | Capability::Run | Capability::Reach => None,
    }
}

fn targets(model: &Model) -> impl Iterator<Item = &'static Target> {
    let targets = model.targets.iter();
    targets.filter_map(|target| client::target(&target.value))
}

fn of_capability(model: &Model, role: &Role, capability: Capability, place: Place) -> Holding {
    let holding = |layer, by| Holding { layer, by };
    let hook = || holding(Layer::Guarded, "the hook, call by call");
    let lines = || {
        let by = "the hook, which parses shell lines; not what an allowed program starts";
        holding(Layer::Guarded, by)
    };
    match place {
        Place::Exec(driver, platform) => match (capability, driver) {
            (Capability::Write, _) if platform == Platform::Linux && by_directory(role) => {
                holding(Layer::Prevented, WRITES)
            }
            (Capability::Write, _) => holding(Layer::Rejected, WRITES),
            (Capability::Env, _) => holding(Layer::Prevented, "a closed environment"),
            (_, DriverKind::Command) => holding(
                Layer::Advised,
                "nothing: the program of the driver `command` asks no hook",
            ),
            (_, DriverKind::Replay) => holding(
                Layer::Advised,
                "nothing: what the driver `replay` plays back asks no hook",
            ),
            (Capability::Read | Capability::Reach, DriverKind::ClaudeCode) => hook(),
            (Capability::Run, DriverKind::ClaudeCode) => lines(),
            (Capability::Use, DriverKind::ClaudeCode) => uses(model, role),
            (Capability::Delegate, DriverKind::ClaudeCode) => holding(
                Layer::Prevented,
                "in `exec` there is nobody to hand work to",
            ),
        },
        Place::Client(target) => match (target.is_guarded, role.guard, capability) {
            (false, ..) => holding(Layer::Advised, "words alone: this client asks no hook"),
            (true, _, Capability::Env) => {
                holding(Layer::Advised, "nothing: the environment is that person's")
            }
            (true, GuardMode::Observe, _) => {
                holding(Layer::Advised, "nothing: the hook only observes this role")
            }
            (true, GuardMode::Enforce, Capability::Run) => lines(),
            // An adopted file says itself which tools are offered.
            (true, GuardMode::Enforce, Capability::Use) if !role.verbatim => uses(model, role),
            (true, GuardMode::Enforce, _) => hook(),
        },
    }
}

const WRITES: &str = "the audit of every change; on Linux the kernel, by directory";

// A server is offered as a whole unless its tools are named one by one. What is offered and may not be
// used is for the hook to refuse.
fn uses(model: &Model, role: &Role) -> Holding {
    let grant = &role.bounds.boundary.uses;
    let surplus = model.servers.iter().any(|server| {
        let all = format!("mcp:{}", server.name.value);
        let within = format!("{all}/");
        let mut named = Vec::new();
        for entry in &grant.may {
            let text = entry.pattern.as_str();
            match text.strip_prefix(&within) {
                Some(tool) if !tool.contains('*') => named.push(entry.pattern.clone()),
                None if text != all && !(text.contains('*') && may_be_of(entry, &all)) => {}
                Some(_) | None => named.extend(format!("{within}*").parse::<NamePattern>()),
            }
        }
        let offered = Grant {
            may: named.into_iter().map(Entry::from).collect(),
            ..Grant::default()
        };
        offered.beyond(grant) != Ok(None)
    });
    if surplus {
        Holding {
            layer: Layer::Guarded,
            by: "the hook, call by call: a server is offered as a whole",
        }
    } else {
        Holding {
            layer: Layer::Prevented,
            by: "tools and servers that are not offered",
        }
    }
}

// Whether a pattern with a `*` gives the server called `all`, or some tool of it.
fn may_be_of(entry: &Entry<NamePattern>, all: &str) -> bool {
    let Ok(server) = all.parse::<NamePattern>() else {
        return true;
    };
    let server = Grant {
        may: vec![Entry::from(server)],
        ..Grant::default()
    };
    let given = Grant {
        may: vec![entry.clone()],
        ..Grant::default()
    };
    server.overlap(&given) != Ok(None)
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
#[diagnostic(code("factory::hold::too-weak"), help("{help}"))]
struct TooWeak {
    role: String,
    capability: Capability,
    asked: Layer,
    found: Layer,
    place: String,
    help: String,
    #[label(primary, "more than there is")]
    span: SourceSpan,
}

/// Reports every capability that is held by less than the spec asks for.
pub(super) fn check(model: &Model, findings: &mut Findings) {
    for (_, role) in model.roles() {
        for hold in role.hold.iter().chain(&model.hold) {
            floor(model, role, hold, findings);
        }
    }
}

fn floor(model: &Model, role: &Role, hold: &Hold, findings: &mut Findings) {
    let Hold {
        capability,
        layer: asked,
        platform,
        place,
    } = hold;
    let in_exec = *place != Some(HoldPlace::Interactive);
    let in_clients = *place != Some(HoldPlace::Exec);
    let platforms = Platform::ALL.into_iter().filter(|known| {
        let named = platform.as_ref().map(|platform| platform.value.as_str());
        in_exec && named.is_none_or(|named| named == known.word())
    });
    let driver = model.driver.kind;
    let exec = platforms.map(|platform| Place::Exec(driver, platform));
    let clients = targets(model).filter(|_| in_clients).map(Place::Client);
    let places: Vec<Place> = exec.chain(clients).collect();
    let at = |place| of_capability(model, role, *capability, place);
    let granted = super::facts::granted(role, *capability).is_some();
    // For what a role may not do at all its client has no tool, and that needs nothing to hold it.
    let asks = |place: &Place| {
        let offers = match place {
            Place::Exec(driver, _) => *driver == DriverKind::ClaudeCode,
            Place::Client(target) => target.is_guarded && !role.verbatim,
        };
        granted || *capability == Capability::Read || !offers
    };
    let weakest = places
        .into_iter()
        .filter(asks)
        .min_by_key(|place| at(*place).layer);
    let Some(weakest) = weakest else {
        return;
    };
    let Holding { layer: found, by } = at(weakest);
    if found >= asked.value {
        return;
    }
    let (place, otherwise) = match weakest {
        Place::Exec(_, platform) => {
            let everywhere = Platform::ALL
                .into_iter()
                .all(|other| at(Place::Exec(driver, other)).layer == found);
            let place = if everywhere {
                "in `exec`".to_owned()
            } else {
                format!("in `exec` on {}", platform.name())
            };
            (place, "")
        }
        Place::Client(target) => {
            let place = format!("where a person's client runs it (`{}`)", target.name);
            let otherwise = if in_exec {
                ", say `hold in=\"exec\"` where only `exec` counts"
            } else {
                ""
            };
            (place, otherwise)
        }
    };
    findings.add(TooWeak {
        role: role.name.value.clone(),
        capability: *capability,
        asked: asked.value,
        found,
        place,
        help: format!("ask for `{found}`{otherwise}, or take the grant away; what holds it: {by}"),
        span: asked.span.into(),
    });
}
