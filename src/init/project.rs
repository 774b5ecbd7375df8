//! A project as far as `init` looks at it.

use std::collections::BTreeSet;

/// Top folders that hold no source, whatever lies in them.
const NOT_SOURCE: [&str; 36] = [
    "ansible",
    "benches",
    "build",
    "content",
    "coverage",
    "cypress",
    "dist",
    "doc",
    "docs",
    "e2e",
    "examples",
    "fixtures",
    "infra",
    "k8s",
    "log",
    "memory",
    "node_modules",
    "out",
    "deploy",
    "reports",
    "roles",
    "snapshots",
    "spec",
    "storage",
    "target",
    "tasks",
    "terraform",
    "test",
    "tests",
    "third_party",
    "tmp",
    "transcripts",
    "vendor",
    "venv",
    "__tests__",
    "__pycache__",
];

/// Folders of tests.
const TESTS: [&str; 7] = [
    "test",
    "tests",
    "spec",
    "e2e",
    "cypress",
    "__tests__",
    "benches",
];

// Gives the text of a file, where there is one that can be read.
type Reader<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// The paths of a project's files, and their texts on request.
pub struct Project<'a> {
    name: String,
    files: BTreeSet<String>,
    read: Reader<'a>,
}

impl<'a> Project<'a> {
    /// Returns the project in a folder called `folder` with these `files`, relative to its root and
    /// with `/`: those that git does not ignore. `read` returns the text of one.
    pub fn new(
        folder: &str,
        files: impl IntoIterator<Item = String>,
        read: impl Fn(&str) -> Option<String> + 'a,
    ) -> Self {
        // A path that would have to be escaped in a pattern is not worth a pattern of its own.
        let plain = |path: &String| {
            !path.contains(|letter: char| letter.is_control() || matches!(letter, '*' | '?' | '\\'))
        };
        Self {
            name: name_of(folder),
            files: files.into_iter().filter(plain).collect(),
            read: Box::new(read),
        }
    }

    /// Returns what a factory for it can be called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns all paths, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Returns whether there is a file at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Returns the text of the file at `path`; nothing where there is none.
    pub fn text(&self, path: &str) -> Option<String> {
        self.has(path).then(|| (self.read)(path)).flatten()
    }

    /// Returns whether the file at `path` says `word`.
    pub fn says(&self, path: &str, word: &str) -> bool {
        self.text(path).is_some_and(|text| text.contains(word))
    }

    /// Returns whether anything lies in the folder `path`.
    pub fn has_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|file| file.starts_with(&prefix))
    }

    /// Returns those of `paths` that are there, folders as patterns of all that lies in them.
    pub fn present(&self, paths: &[&str]) -> Vec<String> {
        let here = |path: &&str| match path.strip_suffix("/**") {
            Some(folder) => self.has_folder(folder),
            None => self.has(path),
        };
        paths
            .iter()
            .filter(|path| here(path))
            .map(|path| (*path).to_owned())
            .collect()
    }

    /// Returns patterns for the source written in files with these `extensions`: every top folder
    /// that holds some, and those that lie in the root itself.
    pub fn source(&self, extensions: &[&str]) -> Vec<String> {
        let mut patterns = BTreeSet::new();
        for path in self.with(extensions) {
            match path.split_once('/') {
                Some((folder, _)) if is_source(folder) => {
                    patterns.insert(format!("{folder}/**"));
                }
                Some(_) => {}
                None => {
                    let extension = path.rsplit('.').next().unwrap_or_default();
                    patterns.insert(format!("*.{extension}"));
                }
            }
        }
        patterns.into_iter().collect()
    }

    /// Returns patterns for the folders of tests that are there; `usual` where there are none.
    pub fn tests(&self, usual: &str) -> Vec<String> {
        let folders: Vec<_> = TESTS
            .iter()
            .filter(|folder| self.has_folder(folder))
            .collect();
        match folders.as_slice() {
            [] => vec![usual.to_owned()],
            folders => folders
                .iter()
                .map(|folder| format!("{folder}/**"))
                .collect(),
        }
    }

    /// Returns the paths of files with one of these `extensions`.
    pub fn with<'b>(&'b self, extensions: &'b [&str]) -> impl Iterator<Item = &'b str> {
        self.files().filter(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            name.rsplit_once('.')
                .is_some_and(|(_, extension)| extensions.contains(&extension))
        })
    }

    /// Returns whether git is told to ignore the folder called `name`.
    pub fn ignores(&self, name: &str) -> bool {
        let rules = self.text(".gitignore").unwrap_or_default();
        rules
            .lines()
            .any(|line| line.trim().trim_matches('/').trim_end_matches("/*") == name)
    }
}

pub(super) fn is_source(folder: &str) -> bool {
    !folder.starts_with('.')
        && !NOT_SOURCE.contains(&folder)
        && !folder.contains(['[', ']', '{', '}'])
}

// The nearest name that the language allows.
fn name_of(folder: &str) -> String {
    let mut name = String::new();
    for letter in folder.chars() {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => name.push(letter),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name
        .trim_start_matches(|letter: char| !letter.is_ascii_lowercase())
        .trim_end_matches('-');
    if name.is_empty() {
        "project".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_names() {
        for (folder, then) in [
            ("shop", "shop"),
            ("My Shop 2", "my-shop-2"),
            ("2048_game", "game"),
            ("--", "project"),
            ("Été", "t"),
            ("", "project"),
        ] {
            assert_eq!(name_of(folder), then, "{folder}");
        }
    }

    #[test]
    fn source_is_where_the_language_is() {
        let files = [
            "build.rs",
            "src/a.rs",
            "crates/x/src/b.rs",
            "docs/c.rs",
            "tests/d.rs",
            ".hidden/e.rs",
            "web/f.ts",
        ];
        let project = Project::new("p", files.map(str::to_owned), |_| None);
        assert_eq!(project.source(&["rs"]), ["*.rs", "crates/**", "src/**"]);
        assert_eq!(project.source(&["py"]), Vec::<String>::new());
        assert_eq!(project.tests("tests/**"), ["tests/**"]);
        assert_eq!(
            project.present(&["docs/**", "doc/**", "build.rs"]),
            ["docs/**", "build.rs"]
        );
    }
}
