//! Lines that mean to do more than they seem to, run by real shells where the judge lets them; and plain
//! lines of everyday work that it must let.

use super::{bash::Stage, *};

// A line each; `⏎` stands for the end of a line in it.
const CLEVER: &str = include_str!("clever.txt");

// What a stage has besides, where the machine has it.
const PROGRAMS: &[&str] = &[
    "awk", "chmod", "cp", "cut", "dd", "ex", "find", "flock", "git", "grep", "head", "ln", "ls",
    "make", "mawk", "od", "perl", "python3", "sed", "setsid", "sort", "split", "stdbuf", "tar",
    "tee", "vim", "xxd", "zip",
];

// One who may do much: what is refused is refused for what the line does, not for want of a grant.
fn worker() -> Role {
    let mut role = bash::role();
    for set in ["@std/inspect", "@std/files", "@std/commit"] {
        role.run
            .may
            .extend_from_slice(standard(set).unwrap().entries());
    }
    role.run.may.extend(entries(&[
        "awk *",
        "bin/rails *",
        "bun *",
        "bundle *",
        "cargo *",
        "curl *",
        "docker compose *",
        "ex *",
        "find *",
        "gcc *",
        "git *",
        "go *",
        "jq *",
        "less *",
        "make *",
        "man *",
        "mvn *",
        "npm *",
        "npx *",
        "parallel *",
        "perl *",
        "pnpm *",
        "poetry *",
        "psql *",
        "pytest *",
        "python3 *",
        "rails *",
        "rake *",
        "rg *",
        "rspec *",
        "rsync *",
        "split *",
        "sqlite3 *",
        "ssh *",
        "strace *",
        "tar *",
        "uv *",
        "vim *",
        "yarn *",
        "zip *",
    ]));
    role.read
        .never
        .push("**/.env*".parse::<PathPattern>().unwrap().into());
    role
}

#[test]
fn no_clever_line_that_is_allowed_does_what_is_not() {
    let Some(stage) = Stage::new() else {
        // Without a bash there is nothing to compare.
        return;
    };
    stage.lend(PROGRAMS);
    let role = worker();
    let root = stage.root();
    let mut wrong = Vec::new();
    let mut allowed = 0;
    for line in CLEVER.lines().map(|line| line.replace('⏎', "\n")) {
        if judge(&line, &role.scope(&root, "", &())).is_err() {
            continue;
        }
        allowed += 1;
        for shell in stage.shells() {
            let misdeed = stage.misdeed(shell, &line);
            wrong.extend(misdeed.map(|misdeed| format!("{line}: {misdeed}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allowed > 20, "only {allowed} lines are worth running");
}
