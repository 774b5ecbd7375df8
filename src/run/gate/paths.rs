//! What of a text counts as a path of the project, and what such a path leads to.

use std::collections::BTreeSet;

use crate::{
    cache::{Kind, Tree},
    document::path::{extension, is_path_letter, resolved},
};

/// The files of a tree and the folders that they make.
pub(super) struct Listing {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Listing {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut listing = Self {
            files: BTreeSet::new(),
            folders: BTreeSet::new(),
            links: BTreeSet::new(),
        };
        for input in tree.inputs() {
            let path = input.path();
            let Ok(path) = std::str::from_utf8(&path) else {
                continue;
            };
            let mut above = path;
            while let Some((folder, _)) = above.rsplit_once('/') {
                if !listing.folders.insert(folder.to_owned()) {
                    break;
                }
                above = folder;
            }
            match input.kind {
                Kind::Link { .. } => listing.links.insert(path.to_owned()),
                Kind::File { .. } | Kind::Other(_) => listing.files.insert(path.to_owned()),
            };
        }
        listing
    }

    /// Returns the paths of all files, links and special files left out.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Returns whether there is a folder with this name somewhere.
    pub(super) fn has_folder_named(&self, name: &str) -> bool {
        let below = format!("/{name}");
        self.folders
            .iter()
            .any(|folder| folder == name || folder.ends_with(&below))
    }

    /// Returns whether there is a file, a link, or a folder at `path`. Behind a link to a folder there
    /// may be anything.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.files.contains(path)
            || self.folders.contains(path)
            || self.links.contains(path)
            || path
                .match_indices('/')
                .filter_map(|(at, _)| path.get(..at))
                .any(|above| self.links.contains(above))
    }
}

/// Returns the path that the content of a code span is, without a line number behind it; nothing
/// where it is something else. What is left may still be two words with a slash between them:
/// see [`is_plain`].
pub(super) fn in_code(token: &str) -> Option<&str> {
    let mut path = token.trim();
    for _ in 0..2 {
        if let Some((before, number)) = path.rsplit_once(':')
            && !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            path = before;
        }
    }
    let starts_well = !path.starts_with(['/', '-', '@', '+']);
    let is_path = path.contains('/')
        && path.chars().all(is_path_letter)
        && starts_well
        && !path.contains("//")
        && !path.contains("...")
        && !path.starts_with("path/to/");
    is_path.then_some(path)
}

/// Returns whether nothing but a path of this project is written so: it begins with a dot and a slash
/// or with something that there is, or ends in a slash or in a file name with an extension and does
/// not begin with the name of a host.
pub(super) fn is_plain(path: &str, listing: &Listing, folder: &str) -> bool {
    let first = path
        .split('/')
        .find(|part| *part != ".")
        .unwrap_or_default();
    if first == ".." || path.starts_with("./") {
        return true;
    }
    let is_there = |folder: &str| resolved(folder, first).is_some_and(|first| listing.has(&first));
    if is_there("") || is_there(folder) {
        return true;
    }
    let is_host = first.trim_start_matches('.').contains('.') && !first.starts_with('.');
    !is_host && (path.ends_with('/') || extension(path).is_some())
}

/// Returns whether `text` names `path` as a word of its own.
pub(super) fn names(text: &str, path: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || "/_-".contains(letter);
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let mut after = text.get(at + path.len()..).unwrap_or_default().chars();
        let next = after.next();
        // A dot ends a sentence, or begins another extension.
        let ends = match next {
            Some('.') => !after.next().is_some_and(part),
            Some(letter) => !part(letter),
            None => true,
        };
        ends && !before.is_some_and(|letter| part(letter) || letter == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Digest, Input};

    fn listing(paths: &[&str]) -> Listing {
        let file = |path: &&str| Input {
            path: path.as_bytes().into(),
            kind: Kind::File {
                digest: Digest::of(""),
                size: 0,
                executable: false,
            },
        };
        Listing::of(&paths.iter().map(file).collect())
    }

    #[test]
    fn code_that_is_a_path_is_told_from_code_that_is_not() {
        let listing = listing(&["src/a.rs", "docs/b.md", "bin/rails"]);
        for (token, then) in [
            ("src/a.rs", true),
            ("src/a.rs:12", true),
            ("src/a.rs:12:3", true),
            ("src/", true),
            ("src/none", true),
            ("bin/rails", true),
            ("lib/none.rb", true),
            ("./src/x", true),
            ("../x.md", true),
            (".github/workflows/ci.yml", true),
            ("README.md", false),
            ("and/or", false),
            ("origin/main", false),
            ("application/json", false),
            ("image/svg+xml", false),
            ("1.5/2.0", false),
            ("bin/rails test", false),
            ("src/*.rs", false),
            ("src/{a,b}.rs", false),
            ("src/<name>.rs", false),
            ("src/$NAME.rs", false),
            ("/pdf/:token", false),
            ("/etc/passwd", false),
            ("~/.cargo/bin", false),
            ("@std/inspect", false),
            ("mcp:server/tool.x", false),
            ("std::fs/x.rs", false),
            ("https://a.b/c.md", false),
            ("github.com/a/b.git", false),
            ("path/to/file.rb", false),
            ("a/.../b.rs", false),
        ] {
            let is = in_code(token).is_some_and(|path| is_plain(path, &listing, "docs"));
            assert_eq!(is, then, "{token}");
        }
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        for (text, then) in [
            ("see `a/b.rs`, then", true),
            ("the file a/b.rs.", true),
            ("a/b.rs", true),
            ("x/a/b.rs", false),
            ("a/b.rs.bak", false),
            ("a/b.rs-old and (a/b.rs)", true),
            ("a/b.rst", false),
        ] {
            assert_eq!(names(text, "a/b.rs"), then, "{text}");
        }
    }
}
