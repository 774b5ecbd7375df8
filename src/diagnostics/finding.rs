//! What is wrong with a user's factory, and how bad it is.

use std::fmt;

use miette::Diagnostic;

use super::{Edit, Span};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not reported.
    Off,
    /// Worth knowing; never fails a check.
    Advice,
    /// Likely wrong; fails a check under `--deny warnings`.
    Warning,
    /// Wrong; fails a check.
    Error,
}

impl Level {
    /// Returns the word that the KDL, the messages, and the machine formats use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the linter knows of one lint, without the function that looks.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// The stable code, `factory::ROOM::NAME`.
    pub code: &'static str,
    /// The level unless the user sets another.
    pub level: Level,
    /// Whether the lint guards a boundary, and so can't be turned off.
    pub safety: bool,
    /// The long story for `factory explain`: why, the fault, the cure.
    pub story: &'static str,
}

/// One thing that is wrong with the user's factory.
#[derive(Debug)]
pub struct Finding {
    /// The stable code.
    pub code: String,
    /// How much it weighs.
    pub level: Level,
    /// The place by which findings are sorted: that of the first label.
    pub span: Span,
    /// Message, labels, and help.
    pub fault: Box<dyn Diagnostic + Send + Sync>,
    /// What mends it for certain; empty where a person has to choose.
    pub edits: Vec<Edit>,
}

/// A place that a finding points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What the place has to do with it.
    pub text: Option<String>,
    /// Whether it is the place of the fault itself.
    pub primary: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.level, self.code, self.fault)
    }
}

impl Finding {
    /// Returns the places that it points at; the first is that of the fault unless another says so.
    pub fn labels(&self) -> impl Iterator<Item = Label> + '_ {
        let labels = self.fault.labels().into_iter().flatten();
        labels.enumerate().map(|(index, label)| Label {
            span: Span::new(label.offset(), label.len()),
            text: label.label().map(str::to_owned),
            primary: label.primary() || index == 0,
        })
    }
}

/// All findings of one run.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Adds a fault that carries its own code; it is an error unless its severity says less.
    pub fn add(&mut self, fault: impl Diagnostic + Send + Sync + 'static) {
        self.add_with_fix(fault, Vec::new());
    }

    /// Adds a fault as [`Findings::add`] does, with the edits that mend it for certain.
    pub fn add_with_fix(
        &mut self,
        fault: impl Diagnostic + Send + Sync + 'static,
        edits: Vec<Edit>,
    ) {
        let code = fault
            .code()
            .map(|code| code.to_string())
            .unwrap_or_default();
        let level = match fault.severity() {
            Some(miette::Severity::Advice) => Level::Advice,
            Some(miette::Severity::Warning) => Level::Warning,
            Some(miette::Severity::Error) | None => Level::Error,
        };
        self.push(code, level, Box::new(fault), edits);
    }

    /// Adds what `lint` saw, at the level that is in force for it.
    pub fn report(
        &mut self,
        lint: &Lint,
        level: Level,
        fault: impl Diagnostic + Send + Sync + 'static,
    ) {
        if level != Level::Off {
            self.push(lint.code.to_owned(), level, Box::new(fault), Vec::new());
        }
    }

    fn push(
        &mut self,
        code: String,
        level: Level,
        fault: Box<dyn Diagnostic + Send + Sync>,
        edits: Vec<Edit>,
    ) {
        let span = fault
            .labels()
            .and_then(|labels| {
                let labels: Vec<_> = labels.collect();
                let primary = labels
                    .iter()
                    .find(|label| label.primary())
                    .or(labels.first());
                primary.map(|label| Span::new(label.offset(), label.len()))
            })
            .unwrap_or_default();
        self.list.push(Finding {
            code,
            level,
            span,
            fault,
            edits,
        });
    }

    /// Takes all findings of `other` in.
    pub fn append(&mut self, mut other: Self) {
        self.list.append(&mut other.list);
    }

    /// Keeps those findings that `keep` says yes to.
    pub fn retain(&mut self, keep: impl FnMut(&Finding) -> bool) {
        self.list.retain(keep);
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns how many findings weigh just `level`.
    pub fn count(&self, level: Level) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    }

    /// Returns whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    /// Returns the findings in file order, each once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.list.sort_by(|a, b| {
            (a.span, &a.code, a.fault.to_string()).cmp(&(b.span, &b.code, b.fault.to_string()))
        });
        self.list.dedup_by(|a, b| {
            a.span == b.span && a.code == b.code && a.fault.to_string() == b.fault.to_string()
        });
        self
    }

    /// Returns the findings with those of the codes of `first` first, in their order, and the others by
    /// level, the worst first; else as they stand.
    #[must_use]
    pub fn worst_first(mut self, first: &[&str]) -> Self {
        self.list.sort_by_key(|finding| {
            let code = first.iter().position(|code| *code == finding.code);
            (
                code.unwrap_or(first.len()),
                std::cmp::Reverse(finding.level),
            )
        });
        self
    }

    /// Returns the findings in the order in which they stand.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
