//! Many edits, and processes that are killed: no stale and no torn hit, ever.

use std::{fs, thread, time::Duration};

use super::Project;

#[test]
fn a_thousand_edits_within_a_tick_are_all_seen() {
    let project = Project::with_command("cat a.txt", "");
    for edit in 0..1000 {
        let text = format!("{edit:04}");
        project.write("a.txt", &text);
        let said = project.factory(&["gate", "g", "--raw"]);
        assert_eq!(String::from_utf8_lossy(&said.stdout), text);
    }
    assert_eq!(project.runs(), 1000);
}

#[test]
fn two_hundred_kills_leave_a_sound_cache() {
    let mut project = Project::with_command(
        "cat a.txt; mkdir -p made; cat a.txt a.txt >made/x",
        "    inputs \"a.txt\"\n    outputs \"made/**\"",
    );
    project.write(".gitignore", "made\n");
    // Small enough for every few runs to sweep.
    project.env("FACTORY_CACHE_SIZE", Some("120KiB"));
    let text = |at: usize| format!("{at}\n").repeat(2000);
    let mut random = 0x9e37_79b9_u64;
    for at in 0..200 {
        let content = text(at % 7);
        project.write("a.txt", &content);
        let mut child = project.spawn(&["gate", "g", "--raw"]);
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        thread::sleep(Duration::from_micros((random >> 33) % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        if at % 10 == 9 {
            let verify = project.factory(&["cache", "verify"]);
            assert!(verify.status.success(), "{verify:?}");
        }
        if at % 5 == 4 {
            fs::remove_dir_all(project.root().join("made")).ok();
            let said = project.factory(&["gate", "g", "--raw"]);
            assert!(said.status.success(), "{said:?}");
            assert_eq!(String::from_utf8_lossy(&said.stdout), content);
            assert_eq!(project.read("made/x"), format!("{content}{content}"));
        }
    }
}
