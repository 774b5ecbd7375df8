//! All roles on one screen.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{View, Written};
use crate::{
    boundary::Capability,
    diagnostics::Span,
    model::{Origin, RoleId},
};

const HEADINGS: [&str; 6] = ["role", "model", "gates", "write", "run", "besides"];

// Blanks between two columns.
const GAP: usize = 2;

impl View<'_> {
    /// Returns a row for each role; what all roles share is said once, above.
    pub(super) fn table(&self) -> String {
        let mut text = self.model.name.value.clone();
        if let Some(description) = &self.model.description {
            let _ = write!(text, ": {description}");
        }
        text.push('\n');
        let common = self.common();
        let shared = self.shared(&common);
        if !shared.is_empty() {
            let _ = writeln!(text, "every role: {}", shared.join("; "));
        }
        text.push('\n');
        let mut rows = vec![HEADINGS.map(|heading| vec![heading.to_owned()])];
        rows.extend(self.model.roles().map(|(id, _)| self.row(id, &common)));
        text.push_str(&draw(&rows, self.width));
        text
    }

    // The places of what every role has, where there is more than one.
    fn common(&self) -> BTreeSet<Span> {
        let mut roles = self.model.roles.iter().map(|role| {
            let origins = role.bounds.origins.values();
            let origins = origins.flat_map(|origins| origins.may.iter().chain(&origins.never));
            origins.filter_map(Origin::span).collect::<BTreeSet<_>>()
        });
        match roles.next() {
            Some(first) if self.model.roles.len() > 1 => {
                roles.fold(first, |common, role| &common & &role)
            }
            Some(_) | None => BTreeSet::new(),
        }
    }

    fn shared(&self, common: &BTreeSet<Span>) -> Vec<String> {
        let Some(role) = self.model.roles.first() else {
            return Vec::new();
        };
        let mut said = Vec::new();
        for capability in Capability::ALL {
            let [may, never] = self.entries(&role.bounds, capability);
            for (verb, entries) in [("may", may), ("may never", never)] {
                let shared: Vec<_> = entries
                    .iter()
                    .filter(|entry| common.contains(&entry.span))
                    .map(|entry| entry.text)
                    .collect();
                if !shared.is_empty() {
                    said.push(format!("{verb} {capability} {}", shared.join(", ")));
                }
            }
        }
        said
    }

    fn row(&self, id: RoleId, common: &BTreeSet<Span>) -> [Vec<String>; 6] {
        let role = self.model.role(id);
        let cell = |capability, with_word: bool| {
            let own = |entry: &Written<'_>| !common.contains(&entry.span);
            let entries = self.entries(&role.bounds, capability);
            let [may, never] = entries.map(|mut entries| {
                entries.retain(own);
                entries
            });
            let word = |never: &str, entry: &Written<'_>| {
                let capability = if with_word {
                    format!("{capability} ")
                } else {
                    String::new()
                };
                let at = super::At::of(entry.span, self.sources).filter(|_| self.origin);
                let at = at.map_or_else(String::new, |at| format!(" ({at})"));
                format!("{never}{capability}{}{at}", entry.text)
            };
            let may = may.iter().map(|entry| word("", entry));
            may.chain(never.iter().map(|entry| word("never ", entry)))
                .collect::<Vec<_>>()
        };
        let besides = [
            Capability::Read,
            Capability::Reach,
            Capability::Use,
            Capability::Env,
            Capability::Delegate,
        ];
        [
            vec![role.name.value.clone()],
            vec![self.model.model(role.model.value).name.value.clone()],
            self.gates(role).into_iter().map(str::to_owned).collect(),
            cell(Capability::Write, false),
            cell(Capability::Run, false),
            besides
                .into_iter()
                .flat_map(|capability| cell(capability, true))
                .collect(),
        ]
    }
}

// Lays cells out in columns. A cell is a list, broken between its items where it is too wide.
fn draw(rows: &[[Vec<String>; 6]], width: usize) -> String {
    let mut widths = [0; 6];
    let natural = |cell: &Vec<String>| cell.join(", ").chars().count();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = natural(cell).max(*width);
        }
    }
    // The widest column gives way until all fit, or none can.
    let least = 14;
    while widths.iter().sum::<usize>() + GAP * 5 > width {
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > least) else {
            break;
        };
        *widest -= 1;
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| broken(cell, width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        for at in 0..height {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                let words = cell.get(at).map_or("", String::as_str);
                let _ = write!(line, "{words:width$}{:GAP$}", "");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

fn broken(items: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let comma = if index + 1 < items.len() { "," } else { "" };
        let word = format!("{item}{comma}");
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    if lines.is_empty() {
        lines.push("-".to_owned());
    }
    lines
}
