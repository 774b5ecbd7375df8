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
    /// Reads a pattern for hosts, as they are spoken to: without a scheme, a port, or a path.
    ///
    /// # Errors
    ///
    /// Where no host is called so.
    pub fn host(text: &str) -> Result<Self, PatternError> {
        let pattern: Self = text.parse()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c);
        let fault = |at: usize, message: String, help: String| PatternError {
            message,
            help: Some(help),
            at,
        };
        if let Some(at) = text.find(|c| !plain(c)) {
            let host = text.get(..at).unwrap_or_default();
            let rest = text.get(at..).unwrap_or_default();
            let help = match rest.chars().next() {
                Some(':' | '/') if host.contains(|c: char| c.is_ascii_alphanumeric()) => {
                    format!("write `{host}`: a host is meant with all its ports and paths")
                }
                Some(letter) if !letter.is_ascii() => {
                    "write the name as it is looked up, `xn--…`".to_owned()
                }
                _ => "write a name such as `rubygems.org`; `*` in it is any text".to_owned(),
            };
            let letter: String = rest.chars().take(1).collect();
            let message = format!("`{letter}` is in no name of a host");
            return Err(fault(at, message, help));
        }
        if let Some(host) = text.strip_suffix('.') {
            let message = "a host is named without a dot at its end".to_owned();
            return Err(fault(host.len(), message, format!("write `{host}`")));
        }
        Ok(pattern)
    }

    /// Reads a pattern for environment variables.
    ///
    /// # Errors
    ///
    /// Where no variable is called so.
    pub fn variable(text: &str) -> Result<Self, PatternError> {
        let pattern: Self = text.parse()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '*');
        let digit = text.starts_with(|c: char| c.is_ascii_digit());
        let wrong = text.find(|c| !plain(c)).or(digit.then_some(0));
        let Some(at) = wrong else {
            return Ok(pattern);
        };
        let letter: String = text
            .get(at..)
            .into_iter()
            .flat_map(str::chars)
            .take(1)
            .collect();
        let place = if plain(letter.chars().next().unwrap_or('/')) {
            "begins no name of a variable"
        } else {
            "is in no name of a variable"
        };
        Err(PatternError {
            message: format!("`{letter}` {place}"),
            help: Some(
                "write letters, digits, and `_`, as in `RAILS_ENV`; `*` is any text".to_owned(),
            ),
            at,
        })
    }

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

    fn near_never(&self, never: &Self) -> bool {
        let (one, two) = (self.as_str(), never.as_str());
        let length = [one, two].map(|text| text.find('*').unwrap_or(text.len()));
        let length = length.into_iter().min().unwrap_or_default();
        !one.is_ascii()
            || !two.is_ascii()
            || one
                .bytes()
                .zip(two.bytes())
                .take(length)
                .all(|(one, two)| one.eq_ignore_ascii_case(&two))
    }

    fn show(name: &str) -> String {
        name.to_owned()
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
    fn hosts_and_variables_are_called_as_such() {
        for (text, help) in [
            ("gems.example.org", None),
            ("*.example.org", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("*", None),
            ("evil.org:443", Some("write `evil.org`: a host is meant")),
            ("evil.org/a", Some("write `evil.org`: a host is meant")),
            ("https://evil.org/a", Some("write `evil.org`")),
            ("evil.org.", Some("write `evil.org`")),
            ("m\u{fc}ller.example", Some("`xn--…`")),
            ("/*", Some("a name such as")),
            ("*/", Some("a name such as")),
            ("/-evil.org", Some("a name such as")),
            ("::1", Some("a name such as")),
        ] {
            let read = NamePattern::host(text);
            assert_eq!(read.is_ok(), help.is_none(), "{text}");
            if let Err(error) = read {
                assert!(error.help.unwrap().contains(help.unwrap()), "{text}");
            }
        }
        for (text, then) in [
            ("RAILS_ENV", true),
            ("_x1", true),
            ("AWS_*", true),
            ("*_URL", true),
            ("/*", false),
            ("*/", false),
            ("/-SECRET", false),
            ("A-B", false),
            ("1A", false),
            ("\u{c4}", false),
        ] {
            let read = NamePattern::variable(text);
            assert_eq!(read.is_ok(), then, "{text}");
            if let Err(error) = read {
                assert!(error.help.unwrap().contains("`RAILS_ENV`"), "{text}");
            }
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
