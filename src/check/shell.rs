//! What the command line of a gate runs, as far as its words show it. A look, not a parser: what a
//! gate's command does is the owner's own choice, so nothing here decides what may run.

/// Programs in front of the one that matters, with the words that make them so.
const WRAPPERS: &[&[&str]] = &[
    &["env"],
    &["exec"],
    &["time"],
    &["nice"],
    &["bundle", "exec"],
    &["npx"],
    &["bunx"],
    &["uv", "run"],
    &["poetry", "run"],
    &["pipenv", "run"],
];

/// Programs that run the files that they are given.
const RUNNERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "ksh",
    "zsh",
    "ruby",
    "python",
    "python3",
    "node",
    "deno",
    "bun",
    "perl",
    "php",
    "lua",
    "pwsh",
    "bin/rails",
    "rails",
    "rspec",
    "pytest",
    "jest",
    "vitest",
    "mocha",
    "bats",
    "tsx",
    "ts-node",
];

/// What files that are run end in.
const SCRIPTS: &[&str] = &[
    "sh", "bash", "rb", "py", "js", "mjs", "cjs", "ts", "mts", "pl", "php", "lua", "ps1", "bats",
    "exs",
];

/// Returns the words of each simple command in `line`, less assignments and wrappers before it.
pub(super) fn simple_words(line: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    let parts = line.split(['\n', ';', '|', '&']);
    parts.filter_map(|part| {
        let quotes = |word: &str| word.trim_matches(['"', '\'']).to_owned();
        let mut words: Vec<_> = part.split_whitespace().map(quotes).collect();
        loop {
            let assigns = |word: &String| {
                let name = word.split('=').next().unwrap_or_default();
                word.contains('=')
                    && !name.contains(|letter: char| !letter.is_alphanumeric() && letter != '_')
            };
            let before = words.iter().take_while(|word| assigns(word)).count();
            words.drain(..before);
            let wraps = |wrapper: &&&[&str]| {
                wrapper.len() < words.len()
                    && wrapper.iter().zip(&words).all(|(one, two)| one == two)
            };
            match WRAPPERS.iter().find(wraps) {
                Some(wrapper) => drop(words.drain(..wrapper.len())),
                None => break,
            }
        }
        (!words.is_empty()).then_some(words)
    })
}

/// Returns the files of the project that `line` runs.
pub(super) fn scripts(line: &str) -> impl Iterator<Item = String> + '_ {
    simple_words(line).flat_map(|words| {
        let mut found = Vec::new();
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_default();
        let runs = RUNNERS.contains(&program.as_str());
        let takes_first = runs && !program.contains("rails") && !is_test_runner(&program);
        found.extend(path_of(&program).filter(|_| program.contains('/')));
        let mut first = takes_first;
        for word in words.filter(|_| runs).filter(|word| !word.starts_with('-')) {
            let script = word
                .rsplit_once('.')
                .is_some_and(|(_, end)| SCRIPTS.contains(&end));
            if std::mem::take(&mut first) || script {
                found.extend(path_of(&word));
            }
        }
        found
    })
}

// These take folders and names of tests in place of a script.
fn is_test_runner(program: &str) -> bool {
    [
        "rspec", "pytest", "jest", "vitest", "mocha", "bats", "deno", "bun",
    ]
    .contains(&program)
}

// The word as a path within the project, if it may be the path of one file.
fn path_of(word: &str) -> Option<String> {
    let path = word.strip_prefix("./").unwrap_or(word);
    let odd = |part: &str| part.is_empty() || part == "." || part == "..";
    let plain = !path.contains(['*', '?', '$', '`', '(', '<', '>', '=', '\\']);
    (plain && !path.split('/').any(odd)).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_of_a_line() {
        for (line, then) in [
            ("sh test/run.sh", &["test/run.sh"] as &[&str]),
            ("./check", &["check"]),
            ("./bin/check --fast", &["bin/check"]),
            (
                "ruby bin/rails runner test/smoke_test.rb",
                &["bin/rails", "test/smoke_test.rb"],
            ),
            ("RAILS_ENV=test bundle exec ruby test/a.rb", &["test/a.rb"]),
            ("cargo test --all", &[]),
            ("node --test test/", &[]),
            ("npm ci && npx jest src/a.test.ts", &["src/a.test.ts"]),
            ("eslint src/index.js", &[]),
            ("python3 -m pytest tests", &["pytest"]),
            ("sh ../outside.sh", &[]),
        ] {
            assert_eq!(scripts(line).collect::<Vec<_>>(), then, "{line}");
        }
    }
}
