//! The laws that the fuzz targets hold, for their seeds and for all that was ever found.

#![allow(
    clippy::print_stdout,
    reason = "the seed at hand is named before it runs"
)]

#[path = "../fuzz/laws.rs"]
mod laws;

use std::{fs, path::Path};

fn seeds(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut count = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        // Named before it runs: what hangs or aborts says nothing afterwards.
        println!("{}", path.display());
        law(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "there are seeds in {}", folder.display());
}

#[test]
fn no_spec_breaks_the_checker() {
    seeds("spec", laws::spec);
}

#[test]
fn no_pattern_breaks_a_proof() {
    seeds("globs", laws::globs);
}

#[test]
fn no_line_breaks_the_judge() {
    seeds("shell", laws::shell);
}

#[test]
fn no_template_breaks_the_engine() {
    seeds("templates", laws::templates);
}
