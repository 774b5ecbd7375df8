//! `factory show`

mod table;

use std::{collections::BTreeSet, fmt::Write as _, io::Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use super::{
    Context, ExitStatus,
    can::{At, Layers, role},
    check,
};
use crate::{
    boundary::{Capability, Entry, standard, standard_names},
    check::Checked,
    diagnostics::{Sources, Span},
    model::{Bounds, Model, Origin, Role, RoleId, SetMembers},
    spec::nearest,
};

/// Show the resolved factory: who may do what, a role, or a set
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A role, or a set with its `@`; all roles unless it is given
    #[arg(value_name = "ROLE|@SET")]
    what: Option<String>,

    /// Say where each entry is written
    #[arg(long)]
    origin: bool,

    /// How it is written
    #[arg(long, value_enum, default_value_t = Style::Table)]
    format: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    Table,
    Json,
    Mermaid,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    // What the language brings needs no project.
    if let Some(name) = args
        .what
        .as_deref()
        .filter(|name| name.starts_with("@std/"))
    {
        super::print(out, &standard_set(name, args)?)?;
        return Ok(ExitStatus::Success);
    }
    let (checked, sources) = check::require(context)?;
    let view = View {
        checked: &checked,
        model: checked.model(),
        sources: &sources,
        origin: args.origin,
        width: context.width,
    };
    let text = match (&args.what, args.format) {
        (Some(set), style) if set.starts_with('@') => view.set(set, style)?,
        (Some(name), Style::Table) => view.role(role(&checked, name)?),
        (None, Style::Table) => view.table(),
        (name, Style::Json) => {
            let only = name.as_ref().map(|name| role(&checked, name)).transpose()?;
            let roles = view.model.roles().map(|(id, _)| id);
            let roles: Vec<_> = roles
                .filter(|id| only.is_none_or(|only| *id == only))
                .map(|id| view.json(id))
                .collect();
            pretty(&json!({
                "version": 1,
                "factory": view.model.name.value,
                "roles": roles,
            }))
        }
        (_, Style::Mermaid) => view.mermaid(),
    };
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn pretty(value: &serde_json::Value) -> String {
    format!(
        "{}\n",
        serde_json::to_string_pretty(value).unwrap_or_default()
    )
}

fn standard_set(name: &str, args: &Args) -> miette::Result<String> {
    let Some(set) = standard(name) else {
        let names: Vec<_> = standard_names().collect();
        let help = nearest(name, names.iter().copied()).map_or_else(
            || format!("there is {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(miette::miette!(help = help, "no standard set `{name}`"));
    };
    let members: Vec<_> = set.entries().iter().map(Member::of).collect();
    Ok(match args.format {
        Style::Json => pretty(&json!({
            "version": 1, "set": name, "description": set.doc, "members": members,
        })),
        Style::Table | Style::Mermaid => {
            format!("{name}: {}\n{}", set.doc, listed(&members))
        }
    })
}

#[derive(Serialize)]
struct Member<'a> {
    pattern: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<At<'a>>,
}

impl Member<'_> {
    fn of<P: std::fmt::Display>(entry: &Entry<P>) -> Self {
        Self {
            pattern: entry.pattern.to_string(),
            except: entry.except.iter().map(ToString::to_string).collect(),
            written: None,
        }
    }
}

fn listed(members: &[Member<'_>]) -> String {
    let mut text = String::new();
    for member in members {
        let _ = write!(text, "  {}", member.pattern);
        if !member.except.is_empty() {
            let _ = write!(text, "    but not {}", member.except.join(", "));
        }
        if let Some(written) = &member.written {
            let _ = write!(text, "    {written}");
        }
        text.push('\n');
    }
    text
}

/// What is shown, and how.
struct View<'a> {
    checked: &'a Checked,
    model: &'a Model,
    sources: &'a Sources,
    origin: bool,
    width: usize,
}

/// One entry of a grant as its author wrote it: a pattern, or the `@set` that brought several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written<'a> {
    text: &'a str,
    span: Span,
}

impl<'a> View<'a> {
    // The entries of `may` or `never`, each place once.
    fn written(&self, origins: &[Origin]) -> Vec<Written<'a>> {
        let mut seen = BTreeSet::new();
        let spans = origins.iter().filter_map(Origin::span);
        spans
            .filter(|span| seen.insert(*span))
            .map(|span| Written {
                text: self
                    .sources
                    .text(span)
                    .unwrap_or_default()
                    .trim_matches(['"', '#']),
                span,
            })
            .collect()
    }

    fn entries(&self, bounds: &Bounds, capability: Capability) -> [Vec<Written<'a>>; 2] {
        let origins = bounds.origins.get(&capability);
        [
            self.written(origins.map_or(&[], |origins| &origins.may)),
            self.written(origins.map_or(&[], |origins| &origins.never)),
        ]
    }

    fn gates(&self, role: &Role) -> Vec<&'a str> {
        let gates = role.gates.iter();
        gates
            .map(|gate| self.model.gate(gate.value).name.value.as_str())
            .collect()
    }

    fn set(&self, name: &str, style: Style) -> miette::Result<String> {
        let bare = name.trim_start_matches('@');
        let sets = || self.model.sets.iter();
        let Some(set) = sets().find(|set| set.name.value == bare) else {
            let names = sets().map(|set| set.name.value.as_str());
            let help = nearest(bare, names).map_or_else(
                || "`factory show @std/inspect` shows a set of the language".to_owned(),
                |near| format!("did you mean `@{near}`?"),
            );
            return Err(miette::miette!(help = help, "no set called `{name}`"));
        };
        let at = |span| {
            let shown = self.origin || style == Style::Json;
            shown.then(|| At::of(span, self.sources)).flatten()
        };
        let members: Vec<_> = match &set.members {
            SetMembers::Paths(members) => members
                .iter()
                .map(|member| Member {
                    written: at(member.span),
                    ..Member::of(&member.value)
                })
                .collect(),
            SetMembers::Commands(members) => members
                .iter()
                .map(|member| Member {
                    written: at(member.span),
                    ..Member::of(&member.value)
                })
                .collect(),
        };
        Ok(match style {
            Style::Json => pretty(&json!({ "version": 1, "set": name, "members": members })),
            Style::Table | Style::Mermaid => format!("{name}\n{}", listed(&members)),
        })
    }

    fn role(&self, id: RoleId) -> String {
        let role = self.model.role(id);
        let mut text = format!("{}: {}\n", role.name.value, role.title);
        if let Some(description) = &role.description {
            let _ = writeln!(text, "{}", description.value);
        }
        let model = self.model.model(role.model.value);
        let mut line = |name: &str, what: &str, said: &str| {
            let _ = writeln!(text, "  {}", format!("{name:9} {what:6} {said}").trim_end());
        };
        line(
            "model",
            "",
            &format!("{} ({})", model.name.value, model.id.value),
        );
        line("prompt", "", &role.prompt.value);
        let gates = self.gates(role);
        line("gates", "", &or_nothing(gates.join(", ")));
        let held = self.checked.held(id);
        for capability in Capability::ALL {
            let [may, never] = self.entries(&role.bounds, capability);
            let mut name = capability.word();
            if may.is_empty() {
                let nothing = match capability {
                    Capability::Read => "all of the project",
                    _ => "nothing",
                };
                line(name, "may", nothing);
                name = "";
            }
            for (what, entries) in [("may", may), ("never", never)] {
                if entries.is_empty() {
                    continue;
                }
                if self.origin {
                    let mut what = what;
                    for entry in entries {
                        let at = At::of(entry.span, self.sources)
                            .map_or_else(String::new, |at| format!("    {at}"));
                        line(name, what, &format!("{}{at}", entry.text));
                        (name, what) = ("", "");
                    }
                } else {
                    let entries: Vec<_> = entries.iter().map(|entry| entry.text).collect();
                    line(name, what, &entries.join(", "));
                }
                name = "";
            }
            if let Some(held) = held.get(&capability) {
                line("", "held", &format!("{} in exec: {}", held.layer, held.by));
            }
        }
        text
    }

    fn json(&self, id: RoleId) -> serde_json::Value {
        let role = self.model.role(id);
        let entry = |written: &Written<'_>| json!({ "pattern": written.text, "written": At::of(written.span, self.sources) });
        let mut held = self.checked.held(id);
        let boundary: serde_json::Map<_, _> = Capability::ALL
            .into_iter()
            .map(|capability| {
                let [may, never] = self.entries(&role.bounds, capability);
                let said = json!({
                    "may": may.iter().map(entry).collect::<Vec<_>>(),
                    "never": never.iter().map(entry).collect::<Vec<_>>(),
                    "held": held.remove(&capability).map(Layers::from),
                });
                (capability.word().to_owned(), said)
            })
            .collect();
        json!({
            "name": role.name.value,
            "title": role.title,
            "description": role.description.as_ref().map(|text| &text.value),
            "model": self.model.model(role.model.value).id.value,
            "prompt": role.prompt.value,
            "gates": self.gates(role),
            "delegates": self.model.delegates(id).map(|to| &self.model.role(to).name.value).collect::<Vec<_>>(),
            "boundary": boundary,
        })
    }

    // Who hands work to whom, and which gates judge it.
    fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        let quoted = |text: &str| text.replace('"', "#quot;");
        for (_, role) in self.model.roles() {
            let name = &role.name.value;
            let _ = writeln!(text, "    role-{name}[\"{name}: {}\"]", quoted(&role.title));
        }
        for gate in &self.model.gates {
            let name = &gate.name.value;
            let _ = writeln!(text, "    gate-{name}{{{{\"{}\"}}}}", quoted(&gate.title));
        }
        for (id, role) in self.model.roles() {
            let name = &role.name.value;
            for to in self.model.delegates(id) {
                let _ = writeln!(
                    text,
                    "    role-{name} --> role-{}",
                    self.model.role(to).name.value
                );
            }
            for gate in self.gates(role) {
                let _ = writeln!(text, "    role-{name} -.-> gate-{gate}");
            }
        }
        text
    }
}

fn or_nothing(text: String) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text
    }
}
