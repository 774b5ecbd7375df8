//! What a command says reaches its reader, or the command says that it did not.

use std::{
    fs::File,
    io::pipe,
    process::{Command, Output, Stdio},
};

fn explain(out: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
    command.arg("explain").stdin(Stdio::null()).stdout(out);
    command.output().expect("the program")
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let output = explain(writer);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = File::options().write(true).open("/dev/full");
    let output = explain(full.expect("the device that is always full"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the answer can't be written"), "{said}");
    assert_eq!(output.status.code(), Some(3));
}
