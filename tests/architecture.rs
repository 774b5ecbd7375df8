//! The import table of ARCHITECTURE.md, held against the sources.

use std::{collections::BTreeMap, fs, path::Path};

/// Returns what each room may import, as the table says: `leaves` are the rooms whose line begins so.
fn table(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let rows: Vec<_> = text
        .lines()
        .skip_while(|line| !line.starts_with("| --- "))
        .filter_map(|line| {
            let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
            let [room, what, may] = cells[..] else {
                return None;
            };
            Some((room.strip_suffix("/`")?, what, may.strip_suffix(" |")?))
        })
        .collect();
    let leaves = rows
        .iter()
        .filter(|(_, what, _)| what.starts_with("leaf: "));
    let leaves: Vec<_> = leaves.map(|(room, ..)| *room).collect();
    let words = |may| -> Vec<&str> {
        let words = str::split(may, |letter: char| !letter.is_ascii_lowercase());
        words.filter(|word| !word.is_empty()).collect()
    };
    let may = |may| -> Vec<&str> {
        let mut rooms = words(may);
        if rooms.contains(&"leaves") {
            rooms.extend(&leaves);
        }
        rooms
    };
    rows.iter()
        .map(|(room, _, all)| (*room, may(all)))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

// The rooms that a source names: `crate::room`, also the first words within `use crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => word.clear(),
                    letter if depth == 0 && (letter.is_alphanumeric() || letter == '_') => {
                        word.push(letter);
                    }
                    ':' if depth == 0 && !word.is_empty() => rooms.push(std::mem::take(&mut word)),
                    _ => {}
                }
            }
        } else {
            rooms.push(
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    rooms.sort();
    rooms.dedup();
    rooms
}

#[test]
fn data_flows_one_way() {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let table = table(&text);
    let mut rooms: Vec<_> = fs::read_dir("src")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    rooms.sort();
    assert_eq!(table.keys().copied().collect::<Vec<_>>(), rooms);
    let mut faults = Vec::new();
    for (room, may) in table.iter().filter(|(room, _)| **room != "cli") {
        let mut files = Vec::new();
        sources(&Path::new("src").join(room), &mut files);
        for (path, text) in files {
            for import in imports(&text) {
                let known = table.contains_key(import.as_str());
                if known && import != *room && !may.contains(&import.as_str()) {
                    faults.push(format!("{path} imports {import}"));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "edges that the table does not have:\n{}",
        faults.join("\n")
    );
}

#[test]
fn only_the_command_line_prints() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    for (path, text) in files
        .iter()
        .filter(|(path, _)| !path.starts_with("src/cli") && !path.contains("tests"))
    {
        for word in [
            "println!",
            "eprintln!",
            "print!(",
            "io::stdout()",
            "io::stderr()",
        ] {
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            assert!(
                !code.into_iter().any(|line| line.contains(word)),
                "{path} has {word}"
            );
        }
    }
}

#[test]
fn the_house_holds_nothing_that_steers_a_client() {
    let output = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .output()
        .unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    for path in files.split('\0') {
        let steers = path
            .split('/')
            .any(|part| matches!(part, ".claude" | "CLAUDE.md" | "AGENTS.md"));
        assert!(
            !steers,
            "{path} would be obeyed by a client that is opened here"
        );
    }
}
