//! A server that is another program tomorrow.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint},
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::server::unpinned",
        level: Level::Warning,
        safety: false,
        story: include_str!("unpinned_server.md"),
    },
    absence: false,
    run: unpinned_server,
};

#[derive(Debug, Error, Diagnostic)]
#[error("server `{server}` runs whatever version of `{package}` is the newest")]
#[diagnostic(help("pin it: `{package}{example}`"))]
struct UnpinnedServer {
    server: String,
    package: String,
    example: &'static str,
    #[label(primary, "its command names no version")]
    name: SourceSpan,
}

// Programs that fetch what they run: which words make them so, and how a version is written.
const FETCHERS: &[(&[&str], &str)] = &[
    (&["npx"], "@1.2.3"),
    (&["bunx"], "@1.2.3"),
    (&["pnpx"], "@1.2.3"),
    (&["pnpm", "dlx"], "@1.2.3"),
    (&["yarn", "dlx"], "@1.2.3"),
    (&["npm", "exec"], "@1.2.3"),
    (&["uvx"], "==1.2.3"),
    (&["uv", "tool", "run"], "==1.2.3"),
    (&["pipx", "run"], "==1.2.3"),
    (&["docker", "run"], ":1.2.3"),
    (&["podman", "run"], ":1.2.3"),
];

// Options with a value of their own, before the package.
const WITH_VALUE: &[&str] = &[
    "-e",
    "--env",
    "-v",
    "--volume",
    "--mount",
    "--name",
    "--network",
    "-p",
    "--publish",
    "-w",
    "--workdir",
    "-u",
    "--user",
    "--env-file",
    "--python",
    "--with",
    "--entrypoint",
];

fn unpinned_server(facts: &Facts<'_>, report: &mut Report<'_>) {
    for server in &facts.model.servers {
        let words: Vec<_> = server.start.command.iter().map(String::as_str).collect();
        let fetcher = FETCHERS
            .iter()
            .find(|(fetcher, _)| words.starts_with(fetcher));
        let Some((fetcher, example)) = fetcher else {
            continue;
        };
        let rest = words.get(fetcher.len()..).unwrap_or_default();
        let Some(package) = package(rest) else {
            continue;
        };
        if !is_pinned(package) {
            let package = package.strip_suffix("@latest").unwrap_or(package);
            report.add(UnpinnedServer {
                server: server.name.value.clone(),
                package: package
                    .strip_suffix(":latest")
                    .unwrap_or(package)
                    .to_owned(),
                example,
                name: server.name.span.into(),
            });
        }
    }
}

fn package<'a>(words: &[&'a str]) -> Option<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-p" | "--package" | "--from" => return words.next().copied(),
            option if WITH_VALUE.contains(&option) => drop(words.next()),
            option if option.starts_with('-') => {
                let named = option
                    .strip_prefix("--package=")
                    .or(option.strip_prefix("--from="));
                if named.is_some() {
                    return named;
                }
            }
            package => return Some(package),
        }
    }
    None
}

// Whether a version with a number in it, a digest, or a place on this machine is named.
fn is_pinned(package: &str) -> bool {
    if package.starts_with(['.', '/']) {
        return true;
    }
    let scope = usize::from(package.starts_with('@'));
    let name = package.get(scope..).unwrap_or_default();
    let image = name.rsplit('/').next().unwrap_or(name);
    let version = name
        .split_once("==")
        .or_else(|| name.split_once('@'))
        .or_else(|| image.split_once(':'))
        .or_else(|| name.split_once('#'));
    version.is_some_and(|(_, version)| {
        version.starts_with(|first: char| first.is_ascii_digit() || first == 'v')
            || version.contains(':')
            || version.len() >= 40
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned() {
        for (words, pinned) in [
            (&["-y", "chrome-devtools-mcp@1.2.3"] as &[&str], true),
            (&["-y", "chrome-devtools-mcp"], false),
            (&["chrome-devtools-mcp@latest"], false),
            (&["@scope/server"], false),
            (&["@scope/server@2.0.0", "--port", "1"], true),
            (&["--from", "mcp-server==1.0", "serve"], true),
            (&["mcp-server-git"], false),
            (&["--rm", "-i", "-e", "TOKEN", "ghcr.io/a/server:1.4"], true),
            (&["--rm", "ghcr.io:443/a/server"], false),
            (&["a/server@sha256:0123"], true),
            (&["./server.js"], true),
        ] {
            assert_eq!(package(words).is_some_and(is_pinned), pinned, "{words:?}");
        }
    }
}
