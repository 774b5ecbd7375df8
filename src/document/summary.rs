//! The first line of a file's own documentation.

use super::markdown::{LineKind, lines};

/// How many characters of a line are shown.
const WIDTH: usize = 100;

/// How a language writes comments.
struct Comments {
    line: &'static [&'static str],
    block: Option<(&'static str, &'static str)>,
    // Python writes it in a string.
    docstring: bool,
}

/// Returns the first line of what the file `path` says of itself: the comment, docstring, or heading
/// at its beginning. `head` is its first bytes; some thousand are enough.
///
/// Lines that speak to tools (`#!`, `frozen_string_literal`, `eslint-disable`, licences) are passed
/// over, and so are imports. Code ends the search.
///
/// ```
/// let head = "#!/bin/sh\n# Runs the tests.\nset -e\n";
/// assert_eq!(factory::document::summary("bin/test", head).as_deref(), Some("Runs the tests."));
/// ```
pub fn summary(path: &str, head: &str) -> Option<String> {
    let head = head.strip_prefix('\u{feff}').unwrap_or(head);
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let found = match extension {
        "md" | "markdown" | "mdx" => return markdown(head).map(|line| tidy(&line)),
        "rs" => leading(
            head,
            &Comments {
                line: &["//!"],
                block: Some(("/*!", "*/")),
                docstring: false,
            },
        ),
        "py" | "pyi" => leading(
            head,
            &Comments {
                line: &["#"],
                block: None,
                docstring: true,
            },
        ),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "go" | "java" | "kt" | "swift"
        | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "php" | "scala" | "dart" | "zig" | "kdl"
        | "scss" | "proto" => leading(
            head,
            &Comments {
                line: &["///", "//"],
                block: Some(("/*", "*/")),
                docstring: false,
            },
        ),
        "css" => leading(
            head,
            &Comments {
                line: &[],
                block: Some(("/*", "*/")),
                docstring: false,
            },
        ),
        "html" | "htm" | "vue" | "svelte" | "astro" | "xml" | "hbs" => leading(
            head,
            &Comments {
                line: &["//"],
                block: Some(("<!--", "-->")),
                docstring: false,
            },
        ),
        "erb" => leading(
            head,
            &Comments {
                line: &["<%#"],
                block: Some(("<!--", "-->")),
                docstring: false,
            },
        ),
        "sql" | "lua" | "hs" | "elm" => leading(
            head,
            &Comments {
                line: &["--"],
                block: None,
                docstring: false,
            },
        ),
        // Shells, Ruby, YAML, TOML, make and docker files, and most else that has comments at all.
        _ => leading(
            head,
            &Comments {
                line: &["#"],
                block: None,
                docstring: false,
            },
        ),
    };
    found
        .map(|line| tidy(&line))
        .filter(|line| !line.is_empty())
}

fn markdown(head: &str) -> Option<String> {
    let lines = lines(head);
    let heading = lines.iter().find_map(|line| match line.kind {
        LineKind::Heading { title, .. } if !title.is_empty() => Some(title),
        LineKind::Heading { .. }
        | LineKind::Text
        | LineKind::Blank
        | LineKind::Underline
        | LineKind::Code
        | LineKind::Comment => None,
    });
    let text = || {
        lines
            .iter()
            .find(|line| line.kind == LineKind::Text && !line.text.trim_start().starts_with("<!--"))
            .map(|line| line.text)
    };
    heading.or_else(text).map(str::to_owned)
}

fn leading(head: &str, comments: &Comments) -> Option<String> {
    let mut lines = head.lines();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.is_empty() || text.starts_with("#!") || is_import(text) {
            continue;
        }
        if let Some((open, close)) = comments.block
            && let Some(inside) = text.strip_prefix(open)
        {
            match first_of_block(inside, close, &mut lines) {
                Some(found) => return Some(found),
                None => continue,
            }
        }
        if comments.docstring
            && let Some(quote) = ["\"\"\"", "'''"]
                .into_iter()
                .find(|quote| docstring(text, quote).is_some())
        {
            return first_of_block(docstring(text, quote)?, quote, &mut lines);
        }
        let inside = comments
            .line
            .iter()
            .find_map(|open| text.strip_prefix(open))?;
        let said = inside.trim_end_matches("%>").trim();
        if !said.trim_matches(['#', '-', '=', '*', '/', ' ']).is_empty() && !is_for_tools(said) {
            return Some(said.to_owned());
        }
    }
    None
}

// What stands behind the quotes that open a docstring.
fn docstring<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    text.trim_start_matches(['r', 'R', 'u', 'U'])
        .strip_prefix(quote)
}

fn first_of_block<'a>(
    first: &'a str,
    close: &str,
    rest: &mut impl Iterator<Item = &'a str>,
) -> Option<String> {
    let mut line = Some(first);
    let mut found = None;
    while let Some(text) = line {
        let (inside, last) = match text.split_once(close) {
            Some((inside, _)) => (inside, true),
            None => (text, false),
        };
        let said = inside.trim().trim_start_matches(['*', '!']).trim();
        if found.is_none() && !said.is_empty() && !is_for_tools(said) {
            found = Some(said.to_owned());
        }
        if last {
            break;
        }
        line = rest.next();
    }
    found
}

fn is_import(text: &str) -> bool {
    let text = text.trim_end_matches(';');
    matches!(
        text,
        "\"use strict\"" | "'use strict'" | "\"use client\"" | "'use client'" | "<?php" | "---"
    ) || [
        "require ",
        "require_relative ",
        "<!DOCTYPE",
        "<!doctype",
        "from __future__ ",
    ]
    .iter()
    .any(|word| text.starts_with(word))
}

fn is_for_tools(said: &str) -> bool {
    let said = said.to_lowercase();
    [
        "frozen_string_literal",
        "typed:",
        "encoding:",
        "coding:",
        "-*-",
        "vim:",
        "rubocop",
        "eslint",
        "prettier-",
        "shellcheck",
        "@ts-",
        "<reference",
        "copyright",
        "spdx-",
        "licensed under",
        "(c) ",
        "syntax=",
        "yaml-language-server",
        "pylint",
        "ruff:",
        "type: ",
        "mypy:",
        "noqa",
        "@jsx",
        "@flow",
        "@format",
        "go:build",
        "+build",
        "biome-",
        "jshint",
        "istanbul",
        "c8 ",
        "warn_indent",
        "locals:",
        "@license",
        "@preserve",
        "%yaml",
    ]
    .iter()
    .any(|start| said.starts_with(start))
}

// One line that is safe in a list: no control characters, no comment that would open.
fn tidy(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let line = line.replace("<!--", "&lt;!--");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut short: String = line.chars().take(WIDTH - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn files_say_what_they_are_in_many_languages() {
        for (path, head, then) in [
            (
                "a.rb",
                "# frozen_string_literal: true\n\nrequire \"x\"\n\n# Sends mail.\nclass A\n",
                "Sends mail.",
            ),
            ("a.rb", "class A\n  # Not this.\n", ""),
            ("a.rs", "//! Parses.\n//!\n//! More.\n", "Parses."),
            ("a.rs", "// Not a doc.\n//! Late.\n", ""),
            (
                "a.py",
                "#!/usr/bin/env python3\n\"\"\"\n  Reads.\n\"\"\"\n",
                "Reads.",
            ),
            (
                "a.py",
                "# -*- coding: utf-8 -*-\n'''One line.'''\nimport a\n",
                "One line.",
            ),
            ("a.js", "'use strict';\n// Draws.\n", "Draws."),
            (
                "a.ts",
                "/* eslint-disable */\n/**\n * Fetches.\n * @x\n */\n",
                "Fetches.",
            ),
            ("a.css", "/* Colours */", "Colours"),
            ("bin/x", "#!/bin/sh\n#\n# ----\n# Deploys.\n", "Deploys."),
            (
                "a.md",
                "---\ntitle: x\n---\n<!-- c -->\n# The *title*\n",
                "The *title*",
            ),
            ("a.md", "Only text\nhere\n", "Only text"),
            (
                "a.html",
                "<!DOCTYPE html>\n<!-- Landing page. -->\n",
                "Landing page.",
            ),
            ("a.erb", "<%# Shows one. %>\n", "Shows one."),
            ("a.sql", "-- Tables.\n", "Tables."),
            ("a.yml", "# Copyright 2020\n# CI.\n", "CI."),
            ("a.rs", "", ""),
            (
                "a.sh",
                "# opens <!-- a comment\n",
                "opens &lt;!-- a comment",
            ),
        ] {
            assert_eq!(
                summary(path, head).unwrap_or_default(),
                then,
                "{path}: {head:?}"
            );
        }
        let long = format!("# {}", "word ".repeat(50));
        let short = summary("a.sh", &long).unwrap();
        assert!(short.ends_with("word…") && short.chars().count() <= 100);
    }
}
