//! The project that `factory demo` unpacks: a small application, the fifteen roles that work on it,
//! and what they answered when it was recorded.

use std::{fs, io, path::Path};

use crate::init::{PREAMBLE, ROLES};

/// What its owner wants, and what the recorded planner was asked.
pub const SENTENCE: &str =
    "Add PDF export for artifacts. Public link, no login required, print-ready.";

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFile {
    /// Its path, relative to the root.
    pub path: String,
    /// Its text.
    pub text: &'static str,
    /// Whether it is a program.
    pub executable: bool,
}

macro_rules! project {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("project/", $path)))),*]
    };
}

static PROJECT: &[(&str, &str)] = project![
    "README.md",
    "bin/artifacts",
    "data/interviews.txt",
    "data/roadmap.txt",
    "docs/architecture.md",
    "docs/help.md",
    "factory.kdl",
    "lib/http.sh",
    "lib/store.sh",
    "recordings/pdf-export/build.1.json",
    "recordings/pdf-export/build.2.json",
    "recordings/pdf-export/build.3.json",
    "recordings/pdf-export/build.4.json",
    "recordings/pdf-export/help.1.json",
    "recordings/pdf-export/qa.1.json",
    "recordings/pdf-export/qa.2.json",
    "recordings/pdf-export/review.1.json",
    "recordings/plan.1.json",
    "test/smoke.sh",
];

// What the owner wrote for every agent. It has another name here, where a client would obey it.
const OWNER_NOTES: (&str, &str) = ("CLAUDE.md", include_str!("project/owner-notes.txt"));

/// Returns the files of the project, each path once.
pub fn files() -> Vec<DemoFile> {
    let file = |(path, text): &(&str, &'static str)| DemoFile {
        path: (*path).to_owned(),
        text,
        executable: path.starts_with("bin/"),
    };
    let roles = ROLES.iter().map(|role| DemoFile {
        path: format!("roles/{}.md", role.name),
        text: role.prompt,
        executable: false,
    });
    let preamble = ("roles/_preamble.md", PREAMBLE);
    PROJECT
        .iter()
        .chain([&OWNER_NOTES, &preamble])
        .map(file)
        .chain(roles)
        .collect()
}

/// Writes the project into `folder`, which holds nothing yet.
///
/// # Errors
///
/// Where a file is there already or can't be written.
pub fn unpack(folder: &Path) -> io::Result<()> {
    for file in files() {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut created = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        io::Write::write_all(&mut created, file.text.as_bytes())?;
        #[cfg(unix)]
        if file.executable {
            use std::os::unix::fs::PermissionsExt as _;
            created.set_permissions(fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_unpacked_into_an_empty_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        unpack(folder.path()).unwrap();
        assert_eq!(
            unpack(folder.path()).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    }
}
