//! Who started this process: whether a client of agents is among them.
//!
//! An environment is easily emptied and a terminal easily made; who started whom is the system's to say.
//! A process whose starters have all ended is nobody's any more, and then nothing is known.

use std::{fs, path::Path, process::Command};

use super::guard::is_of_a_client;

/// How many starters are looked at.
const MOST: usize = 64;

/// Returns whether one of those that started this process is a client, or was started by one.
pub(super) fn is_below_a_client() -> bool {
    let mut next = std::os::unix::process::parent_id();
    for _ in 0..MOST {
        if next <= 1 {
            return false;
        }
        let Some(process) = Starter::of(next) else {
            return false;
        };
        if process.is_a_clients() {
            return true;
        }
        next = process.parent;
    }
    // A chain as long as this is nobody's at a terminal.
    true
}

#[derive(Debug)]
struct Starter {
    parent: u32,
    // Its words, the program first.
    words: Vec<String>,
    // The names of the variables that it was started with, where the system says.
    variables: Vec<String>,
}

impl Starter {
    fn of(id: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(id.to_string());
        let Ok(stat) = fs::read_to_string(folder.join("stat")) else {
            return Self::listed(id);
        };
        // The name in parentheses may hold anything; what follows the last one is numbers.
        let (_, rest) = stat.rsplit_once(')')?;
        let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
        let texts = |name: &str| -> Vec<String> {
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            let texts = bytes.split(|byte| *byte == 0);
            texts
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect()
        };
        let name = |text: String| text.split('=').next().unwrap_or_default().to_owned();
        let mut words = texts("cmdline");
        if let Ok(program) = fs::read_link(folder.join("exe")) {
            words.insert(0, program.to_string_lossy().into_owned());
        }
        Some(Self {
            parent,
            words,
            variables: texts("environ").into_iter().map(name).collect(),
        })
    }

    // Where the system shows processes by a program alone.
    fn listed(id: u32) -> Option<Self> {
        let output = Command::new("ps")
            .args(["-o", "ppid=", "-o", "command=", "-p", &id.to_string()])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split_whitespace().map(str::to_owned);
        let parent = words.next()?.parse().ok()?;
        Some(Self {
            parent,
            words: words.collect(),
            variables: Vec::new(),
        })
    }

    fn is_a_clients(&self) -> bool {
        let names_a_client = |word: &String| {
            let mut parts = word.split('/');
            parts.any(|part| part.starts_with("claude-code"))
                || word.rsplit('/').next() == Some("claude")
        };
        // The program, and what it interprets.
        self.words.iter().take(3).any(names_a_client)
            || self.variables.iter().any(|name| is_of_a_client(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_by_its_program_or_by_what_it_gives() {
        let starter = |words: &[&str], variables: &[&str]| Starter {
            parent: 1,
            words: words.iter().map(|&word| word.to_owned()).collect(),
            variables: variables.iter().map(|&name| name.to_owned()).collect(),
        };
        for (words, variables, then) in [
            (&["/usr/bin/bash", "-bash"][..], &["HOME"][..], false),
            (&["/usr/bin/vim", "vim", "claude.md"], &[], false),
            (&["/opt/bin/claude", "claude"], &[], true),
            (
                &[
                    "/usr/bin/node",
                    "node",
                    "/x/@anthropic-ai/claude-code/cli.js",
                ],
                &[],
                true,
            ),
            (&["/bin/sh", "sh"], &["CLAUDECODE"], true),
            (&["/bin/sh", "sh"], &["CLAUDE_CODE_SESSION_ID"], true),
        ] {
            assert_eq!(starter(words, variables).is_a_clients(), then, "{words:?}");
        }
        let own = Starter::of(std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
    }
}
