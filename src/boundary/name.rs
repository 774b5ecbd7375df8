//! Patterns for names: hosts, environment variables, MCP servers and their tools, roles.

use std::{str::FromStr, sync::Arc};

use serde::Deserialize;

use super::{
    Pattern, PatternError,
    fold::fold,
    nfa::{Nfa, Step},
};

/// A pattern for names, in which `*` is any text, also none.
///
/// The pattern `mcp:server` names all tools of that server. `gives` compares exactly, `takes`
/// whatever the case and the Unicode normalisation.
///
/// ```
/// # use factory::boundary::{NamePattern, Pattern};
/// let browser: NamePattern = "mcp:chrome-devtools".parse()?;
/// assert!(browser.gives("mcp:chrome-devtools/click"));
/// let hosts: NamePattern = "*.gems.example.org".parse()?;
/// assert!(hosts.gives("index.gems.example.org") && !hosts.gives("gems.example.org"));
/// # Ok::<(), factory::boundary::PatternError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct NamePattern {
    text: Arc<str>,
    machines: Arc<Machines>,
}

#[derive(Debug)]
struct Machines {
    exact: Nfa,
    folded: Nfa,
}

impl NamePattern {
    pub(super) fn giving(&self) -> &Nfa {
        &self.machines.exact
    }

    pub(super) fn taking(&self) -> impl Iterator<Item = &Nfa> {
        std::iter::once(&self.machines.folded)
    }
}

impl FromStr for NamePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let fault = |at: usize, message: &str, help: String| PatternError {
            message: message.to_owned(),
            help: Some(help),
            at,
        };
        if text.is_empty() {
            return Err(fault(
                0,
                "the name is empty",
                "write `*` for every name".to_owned(),
            ));
        }
        if let Some(at) = text.find(|c: char| c.is_whitespace() || c.is_control()) {
            let help = "give each name a string of its own".to_owned();
            return Err(fault(at, "a blank or a control character in a name", help));
        }
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or(rest);
            let at = text.len() - rest.len();
            return Err(fault(
                at,
                "a URL where a name is expected",
                format!("write `{host}`"),
            ));
        }
        if let Some(at) = text.find('=') {
            let name = text.get(..at).unwrap_or(text);
            let help = format!("write `{name}`: the value comes from elsewhere");
            return Err(fault(at, "an assignment where a name is expected", help));
        }
        Ok(Self {
            text: text.into(),
            machines: Arc::new(Machines {
                exact: compile(text, false),
                folded: compile(&fold(text), true),
            }),
        })
    }
}

impl Pattern for NamePattern {
    type Subject = str;

    fn gives(&self, name: &str) -> bool {
        self.machines.exact.matches(name)
    }

    fn takes(&self, name: &str) -> bool {
        self.machines.folded.matches(name)
    }

    fn example(&self) -> Option<Box<str>> {
        Some(self.text.replace('*', "q").into())
    }
}

fn compile(text: &str, folded: bool) -> Nfa {
    let mut steps: Vec<Step> = text
        .chars()
        .map(|c| if c == '*' { Step::Any } else { Step::Lit(c) })
        .collect();
    if text.starts_with("mcp:") && !text.contains('/') {
        let here = steps.len();
        steps.extend([Step::Split(here + 3, here + 1), Step::Lit('/'), Step::Any]);
    }
    steps.push(Step::Accept);
    Nfa::new(steps, '\0', folded)
}

super::grant::written_as_text!(NamePattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_exactly_and_taken_in_any_case() {
        for (pattern, name, gives, takes) in [
            ("RAILS_ENV", "RAILS_ENV", true, true),
            ("RAILS_ENV", "rails_env", false, true),
            ("AWS_*", "AWS_", true, true),
            ("AWS_*", "XAWS_A", false, false),
            ("*.example.com", "A.Example.com", false, true),
            ("*.example.com", "example.com.evil.org", false, false),
            ("mcp:chrome", "mcp:chrome", true, true),
            ("mcp:chrome", "mcp:chrome/click", true, true),
            ("mcp:chrome", "mcp:chrome2/click", false, false),
            ("mcp:chrome/click", "mcp:chrome/drag", false, false),
            ("mcp:chrome/*", "mcp:chrome/drag", true, true),
            ("*", "builder", true, true),
        ] {
            let parsed: NamePattern = pattern.parse().unwrap();
            assert_eq!(parsed.gives(name), gives, "{pattern} gives {name}");
            assert_eq!(parsed.takes(name), takes, "{pattern} takes {name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_help() {
        for (text, help) in [
            ("", "write `*` for every name"),
            ("a b", "give each name a string of its own"),
            ("https://gems.example.org/gems", "write `gems.example.org`"),
            ("A=1", "write `A`: the value comes from elsewhere"),
        ] {
            let error = text.parse::<NamePattern>().unwrap_err();
            assert_eq!(error.help.as_deref(), Some(help), "{text}");
        }
    }
}
