//! The decision on one tool call.

use std::path::{Path, PathBuf};

use ignore::{WalkBuilder, overrides::OverrideBuilder};

use super::{
    Place, ToolCall,
    paths::{self, Kind, Target},
    sections, shell,
};
use crate::{
    boundary::{self, Entry, Grant, PathPattern, Pattern},
    client::{self, Tool, ToolKind},
    plan::{Boundary, Plan, Reservation, Reserved, Role},
};

/// What the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: the call is left as the client has it.
    Pass,
    /// The call is refused, for this reason.
    Refuse(String),
    /// A person is asked first, for this reason.
    Ask(String),
}

/// Decides one tool call.
///
/// Whose call it is follows from the place, else from the call. An agent that is no role of the plan,
/// in a session that no role has, is treated as the person whose session it is.
pub fn decide(plan: &Plan, call: &ToolCall, place: &Place) -> Decision {
    let reservations = match plan.reservations() {
        Ok(reservations) => reservations,
        Err(error) => return Decision::Refuse(format!("the plan can't be used: {error}")),
    };
    let named = match (&place.role, &call.agent_type) {
        (Some(role), Some(agent)) if role != agent => {
            return Decision::Refuse(format!(
                "this session is `{role}`'s, and `{agent}` is not part of it"
            ));
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
                reservations,
            };
            match session.judge() {
                Ok(()) => Decision::Pass,
                Err(why) => Decision::Refuse(why),
            }
        }
        None if place.role.is_some() => Decision::Refuse(format!(
            "the plan has no role `{}`",
            named.map_or("", String::as_str)
        )),
        None => ask_for(call, &roots, &reservations),
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

// A person's own session: what the factory is made of asks first.
fn ask_for(call: &ToolCall, roots: &[PathBuf], reservations: &[Reservation]) -> Decision {
    let Some(tool) = client::tool(&call.tool_name).filter(|tool| tool.kind == ToolKind::WriteFile)
    else {
        return Decision::Pass;
    };
    // What can't be looked up is the client's to refuse.
    let Some(Ok(target)) = call
        .text(tool.subject)
        .map(|path| paths::target(&call.cwd, path))
    else {
        return Decision::Pass;
    };
    for file in &target.paths {
        let Some(path) = paths::within(roots, file) else {
            continue;
        };
        let reserved = reservations.iter().find(|one| {
            one.reserved.is_of_the_factory()
                && one.pattern.takes(&path)
                && !(one.reserved == Reserved::Sections && sections::are_kept(call, file))
        });
        if let Some(reservation) = reserved {
            let reason = reservation.reserved.reason();
            return Decision::Ask(format!("`{path}` is part of the factory: {reason}"));
        }
    }
    Decision::Pass
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
    reservations: Vec<Reservation>,
}

type Judgement = Result<(), String>;

impl Session<'_> {
    fn judge(&self) -> Judgement {
        if let Some(tool) = self.call.tool_name.strip_prefix("mcp__") {
            return self.judge_use(tool);
        }
        let Some(tool) = client::tool(&self.call.tool_name) else {
            return Err(format!(
                "the tool `{}` is not known, and no grant speaks of it",
                self.call.tool_name
            ));
        };
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
                Some(server) => {
                    self.judge_name("use", &self.boundary.uses, &format!("mcp:{server}"))
                }
                None => Err(format!("`{}` has to name a server", tool.name)),
            },
        }
    }

    fn subject(&self, tool: &Tool) -> Result<&str, String> {
        match self.call.text(tool.subject) {
            Some(text) if !text.is_empty() && !text.contains('\0') => Ok(text),
            Some(_) | None => Err(format!("`{}` has to give a `{}`", tool.name, tool.subject)),
        }
    }

    fn target(&self, named: &str) -> Result<Target, String> {
        paths::target(&self.call.cwd, named).map_err(|fault| fault.to_string())
    }

    fn judge_read(&self, target: &Target) -> Judgement {
        for path in &target.paths {
            match paths::within(&self.roots, path) {
                Some(path) => self.judge_read_inside(&path)?,
                None if self
                    .place
                    .is_readable_outside(path, self.call.transcript_path.as_deref()) => {}
                None => {
                    return Err(format!(
                        "{} may not read `{}`: it is outside the project",
                        self.name,
                        path.display()
                    ));
                }
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
            Some(entry) => Err(format!(
                "{} may not read `{path}`: `never {{ read \"{}\" }}` takes it away",
                self.name, entry.pattern
            )),
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
                return Err(format!(
                    "too many files below `{}` to say that {} may read them all; search a folder of it",
                    folder.display(),
                    self.name
                ));
            }
            let Some(path) = entry
                .ok()
                .and_then(|entry| paths::within(&self.roots, entry.path()))
            else {
                continue;
            };
            self.judge_read_inside(&path).map_err(|why| {
                format!(
                    "{why}\nsearch a folder without it, or leave it out with one `glob` such as \"!{path}\""
                )
            })?;
        }
        Ok(())
    }

    fn files_searched(&self, folder: &Path) -> Result<ignore::Walk, String> {
        let mut walk = WalkBuilder::new(folder);
        walk.hidden(false);
        // More than one pattern in a `glob` is split by rules of the client's own; then all is searched.
        if let Some(glob) = self.call.text("glob")
            && !glob.contains(|c: char| c.is_whitespace() || c == ',')
        {
            let mut only = OverrideBuilder::new(folder);
            let only = only.add(glob).and_then(|only| only.build());
            walk.overrides(
                only.map_err(|error| format!("the glob `{glob}` can't be read: {error}"))?,
            );
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
            return Err(format!(
                "`{pattern}` leaves the folder that is listed; give its `path`"
            ));
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
        for path in &target.paths {
            let Some(inner) = paths::within(&self.roots, path) else {
                let by_link = if target.paths.first() == Some(path) {
                    ""
                } else {
                    ", by a link"
                };
                return Err(format!(
                    "{} may not write `{}`: it is outside the project{by_link}",
                    self.name,
                    path.display()
                ));
            };
            self.judge_write_inside(&inner, path)?;
            if self.call.tool_name != "Write" {
                self.judge_read_inside(&inner)?;
            }
        }
        match target.kind {
            Kind::Missing | Kind::File => Ok(()),
            Kind::Linked => Err(format!(
                "{} may not write `{named}`: the same file has other names, and nobody knows where",
                self.name
            )),
            Kind::Directory => Err(format!("`{named}` is a directory")),
            Kind::Special => Err(format!(
                "{} may not write `{named}`: it is no plain file",
                self.name
            )),
        }
    }

    fn judge_write_inside(&self, path: &str, file: &Path) -> Judgement {
        for reservation in self
            .reservations
            .iter()
            .filter(|one| one.pattern.takes(path))
        {
            if reservation.reserved == Reserved::Sections && sections::are_kept(self.call, file) {
                continue;
            }
            return Err(format!(
                "no role may write `{path}`: {}\nsay in your report what should change there, and why",
                reservation.reserved.reason()
            ));
        }
        if let Some((gate, _)) = self.sealed().find(|(_, entry)| entry.takes(path)) {
            return Err(format!(
                "{} may not write `{path}`: it decides the gate `{gate}`, which judges this work",
                self.name
            ));
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
        Err(self.refused("write", write, decision, path))
    }

    fn judge_shell(&self, line: &str) -> Judgement {
        // What a line makes of a document with managed sections is not known before it runs.
        let reserved = self
            .reservations
            .iter()
            .map(|one| one.pattern.clone().into());
        let kept = reserved
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
        .map_err(|why| format!("{} may not run this: {why}", self.name))
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
            return Err(format!("`{url}` names no host that can be judged"));
        };
        self.judge_name("reach", &self.boundary.reach, &host)
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
                    Some(host) => self.judge_name("reach", reach, &host.to_ascii_lowercase()),
                    None => Err("`allowed_domains` holds something that is no host".to_owned()),
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
                Err(format!(
                    "{} may not search everywhere: no `may {{ reach \"*\" }}`; name hosts that it may reach in `allowed_domains`",
                    self.name
                ))
            }
        }
    }

    fn judge_use(&self, tool: &str) -> Judgement {
        match tool.split_once("__") {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() => {
                self.judge_name("use", &self.boundary.uses, &format!("mcp:{server}/{tool}"))
            }
            Some(_) | None => Err(format!("`mcp__{tool}` names no server and tool")),
        }
    }

    fn judge_delegation(&self, tool: &Tool) -> Judgement {
        if self.place.role.is_some() {
            return Err(
                "in `factory exec` no agent starts another: the plan's steps hand the work on"
                    .to_owned(),
            );
        }
        let to = self.subject(tool)?;
        let named = |(key, role): &(&str, &Role)| {
            *key == to || role.agent.as_deref().is_some_and(|agent| agent == to)
        };
        let Some((to, _)) = entry(self.plan, to).filter(named) else {
            return Err(format!(
                "{} may not hand work to `{to}`: it is no role of this factory",
                self.name
            ));
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
            return Err(format!(
                "`{other}` is not {}'s to choose: the plan says how `{to}` works",
                self.name
            ));
        }
        self.judge_name("delegate", &self.boundary.delegate, to)
    }

    fn judge_name(
        &self,
        what: &str,
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
        what: &str,
        grant: &Grant<P>,
        decision: boundary::Decision,
        subject: &str,
    ) -> String {
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
        format!(
            "{} may not {what} `{subject}`: {because}\nit may {what}: {given}",
            self.name
        )
    }
}

// How many files a search is followed through, and how many patterns a refusal shows.
const MOST_FILES: usize = 50_000;
const MOST_SHOWN: usize = 8;

// The host of an http or https URL, in lower case; nothing where readers of URLs may differ.
fn host(url: &str) -> Option<String> {
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
