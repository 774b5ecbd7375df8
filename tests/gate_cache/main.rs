//! The gate cache as its users meet it: the built program, real files, real git, real processes.
//! `docs/gate-cache.md` lists every test here by its name.

mod environment;
mod explaining;
mod inputs;
mod outputs;
mod project;
mod recording;
mod store;
mod stress;

use project::Project;

/// Every test is a line of the table, and every line a test.
#[test]
fn the_table_lists_every_case() {
    let table = std::fs::read_to_string("docs/gate-cache.md").unwrap();
    let mut listed: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    listed.sort_unstable();
    let sources = [
        include_str!("environment.rs"),
        include_str!("explaining.rs"),
        include_str!("inputs.rs"),
        include_str!("outputs.rs"),
        include_str!("recording.rs"),
        include_str!("store.rs"),
        include_str!("stress.rs"),
    ];
    let mut tests: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split("#[test]\n").skip(1))
        .map(|test| {
            let start = test.find("fn ").unwrap() + 3;
            test[start..].split('(').next().unwrap()
        })
        .collect();
    tests.sort_unstable();
    assert_eq!(listed, tests);
}
