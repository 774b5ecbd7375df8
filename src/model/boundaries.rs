//! Grants: patterns parsed, sets put in, and where each entry was written.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use super::{ModelError, SetMembers, names::Names};
use crate::{
    boundary::{
        Boundary, Capability, CommandPattern, Entry, Grant, NamePattern, PathPattern, PatternError,
        Shared, denied_variable, standard, standard_names,
    },
    diagnostics::{Findings, Span, Spanned},
    spec::{ActionItem, Grants, Text, nearest},
};

/// A boundary, and where each of its entries was written.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// The grants.
    pub boundary: Boundary,
    /// Where their entries were written, by the same indices.
    pub origins: BTreeMap<Capability, Origins>,
}

/// Where the entries of one grant were written.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Those of `may`.
    pub may: Vec<Origin>,
    /// Those of `never`.
    pub never: Vec<Origin>,
}

/// Where an entry was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the spec.
    Written {
        /// The pattern, or the `@set` that brought it.
        span: Span,
        /// Where the pattern stands in the set.
        member: Option<Span>,
    },
    /// Nowhere: it holds for every role, whatever the spec says.
    Universal,
}

impl Origin {
    /// Returns the place to show a person.
    pub const fn span(&self) -> Option<Span> {
        match self {
            Self::Written { span, .. } => Some(*span),
            Self::Universal => None,
        }
    }
}

impl Bounds {
    /// Returns where the `may` entry `index` of `capability` was written.
    pub fn may_origin(&self, capability: Capability, index: usize) -> Option<&Origin> {
        self.origins.get(&capability)?.may.get(index)
    }

    /// Returns where the `never` entry `index` of `capability` was written.
    pub fn never_origin(&self, capability: Capability, index: usize) -> Option<&Origin> {
        let written = self.origins.get(&capability);
        let written = written.and_then(|origins| origins.never.get(index));
        written.or_else(|| {
            let shared = capability == Capability::Write;
            let shared = shared
                .then(|| self.boundary.write.never.get(index))
                .flatten();
            shared.map(|_| &Origin::Universal)
        })
    }

    /// Adds all that `other` grants and takes away.
    pub(super) fn extend(&mut self, other: &Self) {
        fn put<P: Clone>(grant: &mut Grant<P>, other: &Grant<P>) {
            grant.may.extend(other.may.iter().cloned());
            grant.never.extend(other.never.own().iter().cloned());
        }
        let (own, more) = (&mut self.boundary, &other.boundary);
        put(&mut own.read, &more.read);
        put(&mut own.write, &more.write);
        put(&mut own.run, &more.run);
        put(&mut own.reach, &more.reach);
        put(&mut own.uses, &more.uses);
        put(&mut own.env, &more.env);
        put(&mut own.delegate, &more.delegate);
        for (capability, more) in &other.origins {
            let own = self.origins.entry(*capability).or_default();
            own.may.extend(more.may.iter().cloned());
            own.never.extend(more.never.iter().cloned());
        }
    }

    /// Takes paths away from writing that no role may write, whatever grants them.
    pub(super) fn protect(&mut self, universal: Arc<Shared<PathPattern>>) {
        self.boundary.write.never.share(universal);
    }
}

/// The sets of the spec, resolved, and the table of their names.
pub(super) struct Sets<'a> {
    pub(super) names: &'a Names,
    pub(super) members: &'a [SetMembers],
    pub(super) servers: &'a Names,
    pub(super) roles: &'a Names,
}

/// Parses one pattern; what means nothing is reported.
pub(super) fn pattern<P: FromStr<Err = PatternError>>(
    text: &Text,
    findings: &mut Findings,
) -> Option<P> {
    read(text, P::from_str, findings)
}

/// Reads the names of variables that `text` stands for; what is none is reported.
pub(super) fn variable(text: &Text, findings: &mut Findings) -> Option<NamePattern> {
    read(text, NamePattern::variable, findings)
}

fn read<P>(
    text: &Text,
    read: impl Fn(&str) -> Result<P, PatternError>,
    findings: &mut Findings,
) -> Option<P> {
    match read(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(PatternError { message, help, at }) => {
            // The opening quote stands before the first byte of the pattern.
            let rest = text.span.len.saturating_sub(at + 2);
            let span = if at > 0 && rest > 0 {
                text.span.part(at + 1, rest)
            } else {
                text.span
            };
            findings.add(ModelError::BadPattern {
                message,
                help,
                span: span.into(),
            });
            None
        }
    }
}

impl Sets<'_> {
    fn find(&self, name: &Text, findings: &mut Findings) -> Option<&SetMembers> {
        let bare = name.value.strip_prefix('@')?;
        let bare = Spanned::new(bare.to_owned(), name.span);
        let index = self.names.find(&bare, findings)?;
        self.members.get(index.value)
    }

    /// Returns the entries that `text` stands for: a pattern or all of a set.
    pub(super) fn paths(
        &self,
        text: &Text,
        findings: &mut Findings,
    ) -> Vec<(Entry<PathPattern>, Origin)> {
        let span = text.span;
        if !text.value.starts_with('@') {
            let written = Origin::Written { span, member: None };
            let parsed = pattern::<PathPattern>(text, findings);
            return parsed
                .map(|pattern| (pattern.into(), written))
                .into_iter()
                .collect();
        }
        match self.find(text, findings) {
            Some(SetMembers::Paths(members)) => from_set(members, span),
            Some(SetMembers::Commands(_)) => {
                self.wrong_set(text, "commands", "paths", findings);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Returns the entries that `text` stands for: a pattern, all of a set, or a standard set.
    pub(super) fn commands(
        &self,
        text: &Text,
        findings: &mut Findings,
    ) -> Vec<(Entry<CommandPattern>, Origin)> {
        let span = text.span;
        let written = || Origin::Written { span, member: None };
        if text.value.starts_with("@std/") {
            if let Some(set) = standard(&text.value) {
                return set
                    .entries()
                    .iter()
                    .map(|entry| (entry.clone(), written()))
                    .collect();
            }
            let names: Vec<_> = standard_names().collect();
            findings.add(ModelError::UnknownName {
                kind: "standard set",
                name: text.value.clone(),
                help: nearest(&text.value, names.iter().copied()).map_or_else(
                    || format!("there is {}", names.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                ),
                span: span.into(),
            });
            return Vec::new();
        }
        if !text.value.starts_with('@') {
            let parsed = pattern::<CommandPattern>(text, findings);
            return parsed
                .map(|pattern| (pattern.into(), written()))
                .into_iter()
                .collect();
        }
        match self.find(text, findings) {
            Some(SetMembers::Commands(members)) => from_set(members, span),
            Some(SetMembers::Paths(_)) => {
                self.wrong_set(text, "paths", "commands", findings);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn wrong_set(
        &self,
        text: &Text,
        is: &'static str,
        wanted: &'static str,
        findings: &mut Findings,
    ) {
        let name = text.value.trim_start_matches('@').to_owned();
        let declared = self.names.declared(&name).map(Into::into);
        findings.add(ModelError::WrongSet {
            name,
            is,
            wanted,
            span: text.span.into(),
            declared,
        });
    }

    fn things(
        &self,
        item: &ActionItem,
        findings: &mut Findings,
    ) -> Option<(Entry<NamePattern>, Origin)> {
        let text = &item.text;
        match item.capability {
            Capability::Use => {
                let Some(tool) = text.value.strip_prefix("mcp:") else {
                    findings.add(ModelError::BadPattern {
                        message: format!("`{}` is no tool", text.value),
                        help: Some(
                            "write `mcp:SERVER` for all tools of a server, `mcp:SERVER/TOOL` for one"
                                .to_owned(),
                        ),
                        span: text.span.into(),
                    });
                    return None;
                };
                let server = tool.split('/').next().unwrap_or_default();
                if !server.contains('*') {
                    let name = Spanned::new(server.to_owned(), text.span);
                    self.servers.find(&name, findings)?;
                }
            }
            Capability::Delegate if !text.value.contains('*') => {
                self.roles.find(text, findings)?;
            }
            Capability::Read
            | Capability::Write
            | Capability::Run
            | Capability::Reach
            | Capability::Env
            | Capability::Delegate => {}
        }
        let parsed = match item.capability {
            Capability::Reach => read(text, NamePattern::host, findings)?,
            Capability::Env => variable(text, findings)?,
            Capability::Read
            | Capability::Write
            | Capability::Run
            | Capability::Use
            | Capability::Delegate => pattern::<NamePattern>(text, findings)?,
        };
        Some((
            parsed.into(),
            Origin::Written {
                span: text.span,
                member: None,
            },
        ))
    }

    /// Adds `grants` to `bounds`.
    pub(super) fn add(&self, grants: &Grants, bounds: &mut Bounds, findings: &mut Findings) {
        for item in &grants.may {
            if !is_denied(item, findings) {
                self.put(item, bounds, Side::May, findings);
            }
        }
        for item in &grants.never {
            self.put(item, bounds, Side::Never, findings);
        }
    }

    /// Returns bounds whose `may` holds `items`.
    pub(super) fn bounds(&self, items: &[ActionItem], findings: &mut Findings) -> Bounds {
        let mut bounds = Bounds::default();
        for item in items {
            self.put(item, &mut bounds, Side::May, findings);
        }
        bounds
    }

    fn put(&self, item: &ActionItem, bounds: &mut Bounds, side: Side, findings: &mut Findings) {
        let origins = bounds.origins.entry(item.capability).or_default();
        let boundary = &mut bounds.boundary;
        match item.capability {
            Capability::Read => {
                side.put(
                    &mut boundary.read,
                    origins,
                    self.paths(&item.text, findings),
                );
            }
            Capability::Write => {
                side.put(
                    &mut boundary.write,
                    origins,
                    self.paths(&item.text, findings),
                );
            }
            Capability::Run => {
                side.put(
                    &mut boundary.run,
                    origins,
                    self.commands(&item.text, findings),
                );
            }
            Capability::Reach => {
                side.put(&mut boundary.reach, origins, self.things(item, findings));
            }
            Capability::Use => side.put(&mut boundary.uses, origins, self.things(item, findings)),
            Capability::Env => side.put(&mut boundary.env, origins, self.things(item, findings)),
            Capability::Delegate => {
                side.put(&mut boundary.delegate, origins, self.things(item, findings));
            }
        }
    }
}

// Reports a grant of a variable that the judge of lines lets nobody set.
fn is_denied(item: &ActionItem, findings: &mut Findings) -> bool {
    let ActionItem {
        capability: Capability::Env,
        text,
    } = item
    else {
        return false;
    };
    let parsed = NamePattern::variable(&text.value).ok();
    let Some(denied) = parsed.and_then(|pattern| denied_variable(&pattern)) else {
        return false;
    };
    let (message, help) = if text.value.contains('*') {
        (
            format!(
                "`{}` gives `{denied}`, which no role can be given",
                text.value
            ),
            "it changes what later programs are or do: name the variables that are meant"
                .to_owned(),
        )
    } else {
        (
            format!("no role can be given the variable `{denied}`"),
            format!(
                "it changes what later programs are or do: take it away, or set it in every checkout, \
                 `workspace {{ env \"{denied}\" value=\"…\"; }}`"
            ),
        )
    };
    findings.add(ModelError::Impossible {
        message,
        help,
        span: text.span.into(),
        label: "denied, whatever grants it".to_owned(),
    });
    true
}

fn from_set<P: Clone>(members: &[Spanned<Entry<P>>], span: Span) -> Vec<(Entry<P>, Origin)> {
    let origin = |member: Span| Origin::Written {
        span,
        member: Some(member),
    };
    members
        .iter()
        .map(|member| (member.value.clone(), origin(member.span)))
        .collect()
}

#[derive(Clone, Copy)]
enum Side {
    May,
    Never,
}

impl Side {
    fn put<P>(
        self,
        grant: &mut Grant<P>,
        origins: &mut Origins,
        entries: impl IntoIterator<Item = (Entry<P>, Origin)>,
    ) {
        for (entry, origin) in entries {
            match self {
                Self::May => {
                    grant.may.push(entry);
                    origins.may.push(origin);
                }
                Self::Never => {
                    grant.never.push(entry);
                    origins.never.push(origin);
                }
            }
        }
    }
}
