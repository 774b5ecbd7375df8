//! The decision on one tool call.

use std::path::{Path, PathBuf};

use ignore::{WalkBuilder, overrides::OverrideBuilder};

use super::{
    Place, Refusal, RefusalKind, ToolCall, kept,
    paths::{self, Kind, Target},
    refusal::thing,
    sections, shell,
};
use crate::{
    boundary::{self, Capability, Entry, Grant, PathPattern, Pattern, Thing},
    client::{self, Tool, ToolKind},
    plan::{Boundary, Plan, Reservations, Reserved, Role},
};

/// What the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: the call is left as the client has it.
    Pass,
    /// The call is refused, for this reason.
    Refuse(Refusal),
    /// A person is asked first, for this reason.
    Ask(String),
}

/// Decides one tool call.
///
/// Whose call it is follows from the place, else from the call. An agent that is no role of the plan,
/// in a session that no role has, is treated as the person whose session it is.
pub fn decide(plan: &Plan, call: &ToolCall, place: &Place) -> Decision {
    let named = match (&place.role, &call.agent_type) {
        (Some(role), Some(agent)) if role != agent => {
            return Decision::Refuse(Refusal::unclear(format!(
                "this session is `{role}`'s, and `{agent}` is not part of it"
            )));
        }
        (Some(role), _) | (None, Some(role)) => Some(role),
        (None, None) => None,
    };
    let roots = paths::spellings(&place.root);
    match named.and_then(|name| role(plan, name).map(|role| (name, role))) {
        Some((name, role)) => {
            let session = Session {
                plan,
                call,
                place,
                roots,
                name,
                boundary: &role.boundary,
                gates: &role.gates,
            };
            match session.judge() {
                Ok(()) => Decision::Pass,
                Err(refusal) => Decision::Refuse(refusal),
            }
        }
        None if place.role.is_some() => Decision::Refuse(Refusal::unclear(format!(
            "the plan has no role `{}`",
            named.map_or("", String::as_str)
        ))),
        None => ask_for(plan, call, place, &roots),
    }
}

/// Returns the role called `name`.
pub(super) fn role<'a>(plan: &'a Plan, name: &str) -> Option<&'a Role> {
    entry(plan, name).map(|(_, role)| role)
}

/// Returns the role that the client or the plan calls `name`, with its name in the plan. A name that
/// differs from what the client calls a role in case alone is taken for it.
pub(super) fn entry<'a>(plan: &'a Plan, name: &str) -> Option<(&'a str, &'a Role)> {
    let client =
        |(key, role): &(&'a String, &'a Role)| -> &'a str { role.agent.as_deref().unwrap_or(key) };
    let mut roles = plan.roles.iter();
    let found = plan
        .roles
        .get_key_value(name)
        .filter(|(_, role)| role.agent.is_none())
        .or_else(|| plan.roles.iter().find(|entry| client(entry) == name))
        .or_else(|| plan.roles.get_key_value(name))
        .or_else(|| roles.find(|entry| client(entry).eq_ignore_ascii_case(name)));
    found.map(|(key, role)| (key.as_str(), role))
}

// A person's own session: what the factory is made of asks first. What can't be looked up is the client's
// to refuse.
fn ask_for(plan: &Plan, call: &ToolCall, place: &Place, roots: &[PathBuf]) -> Decision {
    let Some(tool) = client::tool(&call.tool_name) else {
        return Decision::Pass;
    };
    let Some(subject) = call.text(tool.subject) else {
        return Decision::Pass;
    };
    let asked = match tool.kind {
        ToolKind::WriteFile => written_file(plan, call, roots, subject),
        ToolKind::Shell => written_by_line(plan, call, place, roots, subject),
        ToolKind::Harmless
        | ToolKind::ReadFile
        | ToolKind::Search
        | ToolKind::List
        | ToolKind::Fetch
        | ToolKind::SearchWeb
        | ToolKind::Delegate
        | ToolKind::Server => None,
    };
    asked.map_or(Decision::Pass, Decision::Ask)
}

fn written_file(plan: &Plan, call: &ToolCall, roots: &[PathBuf], named: &str) -> Option<String> {
    let kept = kept::followed(plan.reservations().ok()?, roots, &call.cwd);
    let target = paths::target(&call.cwd, named).ok()?;
    target.paths.iter().find_map(|file| {
        let path = paths::within(roots, file)?;
        let reserved = kept.taking(&path).map(|one| one.reserved).find(|reserved| {
            reserved.is_of_the_factory()
                && !(*reserved == Reserved::Sections && sections::are_kept(call, file))
        });
        reserved.map(|reserved| of_the_factory(&path, reserved))
    })
}

fn written_by_line(
    plan: &Plan,
    call: &ToolCall,
    place: &Place,
    roots: &[PathBuf],
    line: &str,
) -> Option<String> {
    let kept = kept::followed(plan.reservations().ok()?, roots, &call.cwd);
    let of_factory = kept.iter().filter(|one| one.reserved.is_of_the_factory());
    let nevers = of_factory.map(|one| one.pattern.clone().into()).collect();
    let refusal = shell::written(line, &call.cwd, place, nevers)?;
    let path = refusal.written()?;
    let mut reserved = kept.taking(path).map(|one| one.reserved);
    Some(match reserved.find(|one| one.is_of_the_factory()) {
        Some(reserved) => of_the_factory(path, reserved),
        None => format!("`{path}` holds a part of the factory"),
    })
}

fn of_the_factory(path: &str, reserved: Reserved) -> String {
    format!("`{path}` is part of the factory: {}", reserved.reason())
}

// One call in a role's session. Every judgement is the reason for a refusal, or nothing.
struct Session<'a> {
    plan: &'a Plan,
    call: &'a ToolCall,
    place: &'a Place,
    roots: Vec<PathBuf>,
    name: &'a str,
    boundary: &'a Boundary,
    gates: &'a [String],
}

type Judgement = Result<(), Refusal>;

impl Session<'_> {
    fn judge(&self) -> Judgement {
        if let Some(tool) = self.call.tool_name.strip_prefix("mcp__") {
            return self.judge_use(tool);
        }
        let Some(tool) = client::tool(&self.call.tool_name) else {
            return Err(Refusal::unclear(format!(
                "the tool `{}` is not known, and no grant speaks of it",
                self.call.tool_name
            )));
        };
        self.judge_tool(tool)
            .map_err(|refusal| refusal.about(self.asked(tool)))
    }

    // What a call of the tool is about, in the words of grants.
    fn asked(&self, tool: &Tool) -> Option<Thing> {
        let subject = self.call.text(tool.subject).unwrap_or_default();
        let path = || {
            let path = paths::without_dots(&self.call.cwd.join(subject));
            paths::within(&self.roots, &path).unwrap_or_else(|| path.display().to_string())
        };
        Some(match tool.kind {
            ToolKind::ReadFile | ToolKind::Search | ToolKind::List => {
                thing(Capability::Read, path())
            }
            ToolKind::WriteFile => thing(Capability::Write, path()),
            ToolKind::Shell => thing(Capability::Run, subject.lines().next().unwrap_or_default()),
            ToolKind::Fetch => thing(
                Capability::Reach,
                host(subject).unwrap_or_else(|| subject.to_owned()),
            ),
            ToolKind::SearchWeb => thing(Capability::Reach, "*"),
            ToolKind::Delegate => thing(Capability::Delegate, subject),
            ToolKind::Server => thing(Capability::Use, format!("mcp:{subject}")),
            ToolKind::Harmless => return None,
        })
    }

    fn judge_tool(&self, tool: &Tool) -> Judgement {
        match tool.kind {
            ToolKind::Harmless => Ok(()),
            ToolKind::ReadFile => {
                let target = self.target(self.subject(tool)?)?;
                self.judge_read(&target)
            }
            ToolKind::Search => self.judge_search(tool),
            ToolKind::List => self.judge_list(tool),
            ToolKind::WriteFile => self.judge_write(self.subject(tool)?),
            ToolKind::Shell => self.judge_shell(self.subject(tool)?),
            ToolKind::Fetch => self.judge_fetch(self.subject(tool)?),
            ToolKind::SearchWeb => self.judge_web_search(),
            ToolKind::Delegate => self.judge_delegation(tool),
            ToolKind::Server => match self.call.text(tool.subject) {
                Some(server) => self.judge_name(
                    Capability::Use,
                    &self.boundary.uses,
                    &format!("mcp:{server}"),
                ),
                None => Err(Refusal::unclear(format!(
                    "`{}` has to name a server",
                    tool.name
                ))),
            },
        }
    }

    // What no role may write, and where that really is.
    fn kept(&self) -> Result<Reservations, Refusal> {
        let reservations = self.plan.reservations();
        let reservations = reservations
            .map_err(|error| Refusal::unclear(format!("the plan can't be used: {error}")))?;
        Ok(kept::followed(reservations, &self.roots, &self.call.cwd))
    }

    fn subject(&self, tool: &Tool) -> Result<&str, Refusal> {
        match self.call.text(tool.subject) {
            Some(text) if !text.is_empty() && !text.contains('\0') => Ok(text),
            Some(_) | None => Err(Refusal::unclear(format!(
                "`{}` has to give a `{}`",
                tool.name, tool.subject
            ))),
        }
    }

    fn target(&self, named: &str) -> Result<Target, Refusal> {
        paths::target(&self.call.cwd, named).map_err(|fault| Refusal::unclear(fault.to_string()))
    }

    fn outside(&self, what: Capability, path: &Path, how: &str) -> Refusal {
        let path = path.display().to_string();
        let why = format!(
            "{} may not {what} `{path}`: it is outside the project{how}",
            self.name
        );
        Refusal::new(RefusalKind::Outside, why).about(Some(thing(what, path)))
    }

    fn judge_read(&self, target: &Target) -> Judgement {
        for path in &target.paths {
            match paths::within(&self.roots, path) {
                Some(path) => self.judge_read_inside(&path)?,
                None if self
                    .place
                    .is_readable_outside(path, self.call.transcript_path.as_deref()) => {}
                None => return Err(self.outside(Capability::Read, path, "")),
            }
        }
        Ok(())
    }

    fn judge_read_inside(&self, path: &str) -> Judgement {
        match self
            .boundary
            .read
            .never
            .iter()
            .find(|entry| entry.takes(path))
        {
            Some(entry) => {
                let why = format!(
                    "{} may not read `{path}`: `never {{ read \"{}\" }}` takes it away",
                    self.name, entry.pattern
                );
                let taken = Refusal::new(RefusalKind::Taken, why);
                Err(taken.about(Some(thing(Capability::Read, path))))
            }
            None => Ok(()),
        }
    }

    // Reads every file below a folder that ripgrep would.
    fn judge_search(&self, tool: &Tool) -> Judgement {
        let named = self.call.text(tool.subject).filter(|path| !path.is_empty());
        let target = self.target(named.unwrap_or("."))?;
        self.judge_read(&target)?;
        let inside = target
            .paths
            .iter()
            .any(|path| paths::within(&self.roots, path).is_some());
        if target.kind != Kind::Directory || !inside || self.boundary.read.never.is_empty() {
            return Ok(());
        }
        let Some(folder) = target.paths.last() else {
            return Ok(());
        };
        for (seen, entry) in self.files_searched(folder)?.enumerate() {
            if seen >= MOST_FILES {
                return Err(Refusal::unclear(format!(
                    "too many files below `{}` to say that {} may read them all; search a folder of it",
                    folder.display(),
                    self.name
                )));
            }
            let Some(path) = entry
                .ok()
                .and_then(|entry| paths::within(&self.roots, entry.path()))
            else {
                continue;
            };
            self.judge_read_inside(&path).map_err(|refusal| {
                refusal.said(|why| {
                    format!(
                        "{why}\nsearch a folder without it, or leave it out with one `glob` such as \"!{path}\""
                    )
                })
            })?;
        }
        Ok(())
    }

    fn files_searched(&self, folder: &Path) -> Result<ignore::Walk, Refusal> {
        let mut walk = WalkBuilder::new(folder);
        walk.hidden(false);
        // More than one pattern in a `glob` is split by rules of the client's own; then all is searched.
        if let Some(glob) = self.call.text("glob")
            && !glob.contains(|c: char| c.is_whitespace() || c == ',')
        {
            let mut only = OverrideBuilder::new(folder);
            let only = only.add(glob).and_then(|only| only.build());
            let unread =
                |error| Refusal::unclear(format!("the glob `{glob}` can't be read: {error}"));
            walk.overrides(only.map_err(unread)?);
        }
        Ok(walk.build())
    }

    fn judge_list(&self, tool: &Tool) -> Judgement {
        let named = self.call.text(tool.subject).filter(|path| !path.is_empty());
        self.judge_read(&self.target(named.unwrap_or("."))?)?;
        let Some(pattern) = self.call.text("pattern") else {
            return Ok(());
        };
        if pattern.split('/').any(|part| part == "..") || pattern.starts_with('~') {
            return Err(Refusal::unclear(format!(
                "`{pattern}` leaves the folder that is listed; give its `path`"
            )));
        }
        if pattern.starts_with('/') {
            let plain = pattern.split(['*', '?', '[', '{']).next().unwrap_or("/");
            let folder = plain.rsplit_once('/').map_or("/", |(folder, _)| folder);
            let folder = if folder.is_empty() { "/" } else { folder };
            self.judge_read(&self.target(folder)?)?;
        }
        Ok(())
    }

    fn judge_write(&self, named: &str) -> Judgement {
        let target = self.target(named)?;
        let kept = self.kept()?;
        for path in &target.paths {
            let Some(inner) = paths::within(&self.roots, path) else {
                let by_link = if target.paths.first() == Some(path) {
                    ""
                } else {
                    ", by a link"
                };
                return Err(self.outside(Capability::Write, path, by_link));
            };
            self.judge_write_inside(&inner, path, &kept)
                .map_err(|refusal| refusal.about(Some(thing(Capability::Write, &inner))))?;
            if self.call.tool_name != "Write" {
                self.judge_read_inside(&inner)?;
            }
        }
        match target.kind {
            Kind::Missing | Kind::File => Ok(()),
            Kind::Linked => Err(Refusal::unclear(format!(
                "{} may not write `{named}`: the same file has other names, and nobody knows where",
                self.name
            ))),
            Kind::Directory => Err(Refusal::unclear(format!("`{named}` is a directory"))),
            Kind::Special => Err(Refusal::unclear(format!(
                "{} may not write `{named}`: it is no plain file",
                self.name
            ))),
        }
    }

    fn judge_write_inside(&self, path: &str, file: &Path, kept: &Reservations) -> Judgement {
        for reservation in kept.taking(path) {
            if reservation.reserved == Reserved::Sections && sections::are_kept(self.call, file) {
                continue;
            }
            let why = format!(
                "no role may write `{path}`: {}\nsay in your report what should change there, and why",
                reservation.reserved.reason()
            );
            return Err(Refusal::new(RefusalKind::Reserved, why));
        }
        if let Some((gate, _)) = self.sealed().find(|(_, entry)| entry.takes(path)) {
            let why = format!(
                "{} may not write `{path}`: it decides the gate `{gate}`, which judges this work",
                self.name
            );
            return Err(Refusal::new(RefusalKind::Sealed, why));
        }
        let write = &self.boundary.write;
        let decision = write.decide(path);
        let scratch = &self.plan.workspace.scratch;
        if decision.permits()
            || (!matches!(decision, boundary::Decision::Taken { .. })
                && scratch.iter().any(|entry| entry.gives(path)))
        {
            return Ok(());
        }
        Err(self.refused(Capability::Write, write, decision, path))
    }

    fn judge_shell(&self, line: &str) -> Judgement {
        // What a line makes of a document with managed sections is not known before it runs.
        let reserved = self.kept()?;
        let kept = reserved
            .iter()
            .map(|one| one.pattern.clone().into())
            .chain(self.sealed().map(|(_, entry)| entry.clone()))
            .collect();
        let scratch = &self.plan.workspace.scratch;
        shell::judge_line(
            line,
            &self.call.cwd,
            self.place,
            self.boundary,
            kept,
            scratch,
        )
        .map_err(|refusal| refusal.said(|why| format!("{} may not run this: {why}", self.name)))
    }

    // What gates that judge this role take from the base of its work.
    fn sealed(&self) -> impl Iterator<Item = (&str, &Entry<PathPattern>)> {
        self.gates
            .iter()
            .filter_map(|name| Some((name, self.plan.gates.get(name)?)))
            .flat_map(|(name, gate)| gate.sealed.iter().map(move |entry| (name.as_str(), entry)))
    }

    fn judge_fetch(&self, url: &str) -> Judgement {
        let Some(host) = host(url) else {
            return Err(Refusal::unclear(format!(
                "`{url}` names no host that can be judged"
            )));
        };
        self.judge_name(Capability::Reach, &self.boundary.reach, &host)
    }

    // The engine may answer from any host, unless the call says from which.
    fn judge_web_search(&self) -> Judgement {
        let reach = &self.boundary.reach;
        let hosts = self
            .call
            .tool_input
            .get("allowed_domains")
            .and_then(|hosts| hosts.as_array());
        match hosts {
            Some(hosts) if !hosts.is_empty() => {
                hosts.iter().try_for_each(|host| match host.as_str() {
                    Some(host) => {
                        self.judge_name(Capability::Reach, reach, &host.to_ascii_lowercase())
                    }
                    None => Err(Refusal::unclear(
                        "`allowed_domains` holds something that is no host",
                    )),
                })
            }
            Some(_) | None => {
                let everywhere = reach
                    .may
                    .iter()
                    .any(|entry| entry.pattern.as_str() == "*" && entry.except.is_empty());
                if everywhere && reach.never.is_empty() && reach.only.is_none() {
                    return Ok(());
                }
                let why = format!(
                    "{} may not search everywhere: no `may {{ reach \"*\" }}`; name hosts that it may reach in `allowed_domains`",
                    self.name
                );
                Err(Refusal::new(RefusalKind::NotGranted, why))
            }
        }
    }

    fn judge_use(&self, tool: &str) -> Judgement {
        match tool.split_once("__") {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() => {
                let name = format!("mcp:{server}/{tool}");
                self.judge_name(Capability::Use, &self.boundary.uses, &name)
            }
            Some(_) | None => Err(Refusal::unclear(format!(
                "`mcp__{tool}` names no server and tool"
            ))),
        }
    }

    fn judge_delegation(&self, tool: &Tool) -> Judgement {
        if self.place.role.is_some() {
            return Err(Refusal::unclear(
                "in `factory exec` no agent starts another: the plan's steps hand the work on",
            ));
        }
        let to = self.subject(tool)?;
        let named = |(key, role): &(&str, &Role)| {
            *key == to || role.agent.as_deref().is_some_and(|agent| agent == to)
        };
        let Some((to, _)) = entry(self.plan, to).filter(named) else {
            return Err(Refusal::unclear(format!(
                "{} may not hand work to `{to}`: it is no role of this factory",
                self.name
            )));
        };
        let known = [
            "description",
            "prompt",
            "subagent_type",
            "run_in_background",
        ];
        if let Some(other) = self
            .call
            .tool_input
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            return Err(Refusal::unclear(format!(
                "`{other}` is not {}'s to choose: the plan says how `{to}` works",
                self.name
            )));
        }
        self.judge_name(Capability::Delegate, &self.boundary.delegate, to)
    }

    fn judge_name(
        &self,
        what: Capability,
        grant: &Grant<boundary::NamePattern>,
        name: &str,
    ) -> Judgement {
        let decision = grant.decide(name);
        if decision.permits() {
            return Ok(());
        }
        Err(self.refused(what, grant, decision, name))
    }

    fn refused<P: Pattern + std::fmt::Display>(
        &self,
        what: Capability,
        grant: &Grant<P>,
        decision: boundary::Decision,
        subject: &str,
    ) -> Refusal {
        let kind = match decision {
            boundary::Decision::Taken { .. } => RefusalKind::Taken,
            boundary::Decision::Narrowed => RefusalKind::Narrowed,
            boundary::Decision::Permitted { .. } | boundary::Decision::NotGranted => {
                RefusalKind::NotGranted
            }
        };
        let because = match decision {
            boundary::Decision::Permitted { .. } => String::new(),
            boundary::Decision::Taken { never } => match grant.never.get(never) {
                Some(entry) => format!("`never {{ {what} \"{}\" }}` takes it away", entry.pattern),
                None => "a `never` takes it away".to_owned(),
            },
            boundary::Decision::Narrowed => "this step's `only` leaves it out".to_owned(),
            boundary::Decision::NotGranted => format!("no `may {{ {what} … }}` gives it"),
        };
        let given = match (&grant.only, decision) {
            (Some(only), boundary::Decision::Narrowed) => only,
            (Some(_) | None, _) => &grant.may,
        };
        let mut patterns: Vec<String> = given
            .iter()
            .take(MOST_SHOWN)
            .map(|entry| format!("`{}`", entry.pattern))
            .collect();
        if given.len() > MOST_SHOWN {
            patterns.push(format!("{} more", given.len() - MOST_SHOWN));
        }
        let given = if patterns.is_empty() {
            "nothing".to_owned()
        } else {
            patterns.join(", ")
        };
        let why = format!(
            "{} may not {what} `{subject}`: {because}\nit may {what}: {given}",
            self.name
        );
        Refusal::new(kind, why).about(Some(thing(what, subject)))
    }
}

// How many files a search is followed through, and how many patterns a refusal shows.
const MOST_FILES: usize = 50_000;
const MOST_SHOWN: usize = 8;

/// Returns the host of an http or https URL, in lower case; nothing where readers of URLs may differ.
pub(super) fn host(url: &str) -> Option<String> {
    if url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host_and_port,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(plain)).then(|| host.to_ascii_lowercase())
}
