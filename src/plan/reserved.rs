//! What no role may write, whatever its boundary says.

use std::collections::HashMap;

use super::{Output, Plan};
use crate::{
    boundary::{PathPattern, Pattern as _, PatternError},
    model::Reserved,
};

/// A pattern of paths that no role may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Which paths. It counts as a `never` does.
    pub pattern: PathPattern,
    /// Why.
    pub reserved: Reserved,
}

/// All that no role may write, ready to be asked many times.
#[derive(Debug, Clone, Default)]
pub struct Reservations {
    // In the order in which reasons are told, each with what everything that it names begins with.
    list: Vec<(Option<Box<str>>, Reservation)>,
}

impl Reservations {
    fn add(&mut self, reserved: Reserved, pattern: PathPattern) {
        let start = pattern.start();
        let reservation = Reservation { pattern, reserved };
        self.list.push((start, reservation));
    }

    /// Returns them, in the order in which reasons are told.
    pub fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.list.iter().map(|(_, reservation)| reservation)
    }

    /// Returns those that keep `path` from every role.
    pub fn taking<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Reservation> {
        let begins = PathPattern::start_of(path);
        let near = self.list.iter().filter(move |(start, _)| {
            let (start, begins) = (start.as_deref(), begins.as_deref());
            start.is_none() || begins.is_none() || start == begins
        });
        near.map(|(_, reservation)| reservation)
            .filter(move |reservation| reservation.pattern.takes(path))
    }

    /// Returns these, and what links make of them: what is kept by a name is kept where that leads.
    ///
    /// `real` says where a path of the project leads within it, if that is elsewhere. What is kept in every
    /// folder, such as `**/.claude`, is looked for in the root and in `folders`.
    ///
    /// ```
    /// # use factory::plan::Reservations;
    /// # use factory::model::{Protected, Reserved};
    /// let kept = Reservations::from(&Protected::fixed());
    /// let links = |path: &str| (path == ".claude").then(|| "shared/claude".to_owned());
    /// let kept = kept.followed(&[], links);
    /// let why = kept.taking("shared/claude/settings.json").next();
    /// assert_eq!(why.map(|one| one.reserved), Some(Reserved::Client));
    /// ```
    #[must_use]
    pub fn followed(
        mut self,
        folders: &[String],
        mut real: impl FnMut(&str) -> Option<String>,
    ) -> Self {
        let mut known: HashMap<String, Option<String>> = HashMap::new();
        let mut led = |path: String| -> Option<String> {
            let found = known.get(&path).cloned();
            found.unwrap_or_else(|| {
                let found = real(&path);
                known.insert(path, found.clone());
                found
            })
        };
        let mut found = Vec::new();
        for Reservation { pattern, reserved } in self.iter() {
            let anywhere = pattern.as_str().strip_prefix("**/");
            let Some(rest) = anywhere else {
                let named = pattern.path();
                let named = named.unwrap_or_else(|| pattern.leading().to_owned());
                let moved = led(named.clone()).and_then(|real| pattern.moved(&named, &real));
                found.extend(moved.map(|pattern| (*reserved, pattern)));
                continue;
            };
            let Ok(rest) = rest.parse::<PathPattern>() else {
                continue;
            };
            let name = rest.leading();
            for folder in std::iter::once("").chain(folders.iter().map(String::as_str)) {
                let named = match folder {
                    "" => name.to_owned(),
                    folder => format!("{folder}/{name}"),
                };
                let moved = led(named).and_then(|real| rest.moved(name, &real));
                found.extend(moved.map(|pattern| (*reserved, pattern)));
            }
        }
        for (reserved, pattern) in found {
            self.add(reserved, pattern);
        }
        self
    }
}

impl From<&crate::model::Protected> for Reservations {
    fn from(protected: &crate::model::Protected) -> Self {
        let mut reservations = Self::default();
        for (reserved, pattern) in protected.iter() {
            reservations.add(reserved, pattern.clone());
        }
        reservations
    }
}

impl Plan {
    /// The path of the lock.
    pub const LOCK: &'static str = "factory.lock";

    /// Returns what no role may write, whatever its boundary says: what is protected, and what `build`
    /// has written.
    ///
    /// # Errors
    ///
    /// Where a path of the plan can't be one of a project.
    pub fn reservations(&self) -> Result<Reservations, PatternError> {
        let mut protected = self.protected.clone();
        for (path, output) in &self.outputs {
            let reserved = match output {
                Output::File { .. } | Output::Entries { .. } => Reserved::Output,
                Output::Sections { .. } => Reserved::Sections,
            };
            protected.add(reserved, PathPattern::literal(path)?);
        }
        Ok(Reservations::from(&protected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protected;

    fn reservations() -> Reservations {
        let mut protected = Protected::fixed();
        for path in ["factory.kdl", "roles/b.md", "roles/deep/c.md"] {
            protected.add(Reserved::Input, PathPattern::literal(path).unwrap());
        }
        let sections = PathPattern::literal("CLAUDE.md").unwrap();
        protected.add(Reserved::Sections, sections);
        Reservations::from(&protected)
    }

    #[test]
    fn what_a_name_keeps_is_kept_where_links_lead() {
        let links = [
            (".claude", "shared/claude"),
            ("app/.claude", "shared/mine"),
            ("CLAUDE.md", "AGENTS.md"),
            ("roles/b.md", "docs/roles/b.md"),
            ("roles/deep/c.md", "docs/roles/deep/c.md"),
            ("snapshots", "kept"),
        ];
        let real = |path: &str| {
            let link = links.iter().find(|(from, _)| *from == path);
            link.map(|(_, to)| (*to).to_owned())
        };
        let kept = reservations().followed(&["app".to_owned()], real);
        for (path, then) in [
            ("shared/claude/settings.json", Some(Reserved::Client)),
            ("shared/Claude", Some(Reserved::Client)),
            ("shared/mine/agents/x.md", Some(Reserved::Client)),
            ("AGENTS.md", Some(Reserved::Sections)),
            ("docs/roles/b.md", Some(Reserved::Input)),
            ("docs/roles/deep/c.md", Some(Reserved::Input)),
            ("kept/b.snap", Some(Reserved::Snapshot)),
            // As named they are kept as before.
            ("roles/b.md", Some(Reserved::Input)),
            ("lib/.claude/x", Some(Reserved::Client)),
            ("shared/other", None),
            ("docs/roles/other.md", None),
        ] {
            let why = kept.taking(path).next().map(|one| one.reserved);
            assert_eq!(why, then, "{path}");
        }
    }

    #[test]
    fn each_path_is_looked_up_once_and_what_leads_nowhere_else_adds_nothing() {
        let before = reservations().iter().count();
        let mut asked = Vec::new();
        let kept = reservations().followed(&[], |path| {
            asked.push(path.to_owned());
            None
        });
        assert_eq!(kept.iter().count(), before);
        let all = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), all);
    }
}
