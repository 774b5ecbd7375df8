//! Filters that git's attributes name, as Git LFS has one. None runs here: what the runner checks out and
//! stores is what git stores, and not what the owner's filter makes of it.

use std::collections::BTreeMap;

use super::git::{Git, GitError};

const ATTRIBUTES: &str = ".gitattributes";

/// Returns the files of `tree` that a filter is meant for, with its name.
pub(super) async fn all(git: &Git, tree: &str) -> Result<BTreeMap<String, String>, GitError> {
    let listed = git.fields(["ls-tree", "-r", "-z", tree]).await?;
    let entries: Vec<(String, String)> = listed
        .iter()
        .filter_map(|entry| {
            let entry = entry.to_string_lossy();
            let (facts, path) = entry.split_once('\t')?;
            let id = facts.split(' ').nth(2)?;
            Some((path.to_owned(), id.to_owned()))
        })
        .collect();
    let is_attributes = |path: &str| path.rsplit('/').next() == Some(ATTRIBUTES);
    let attributes: Vec<String> = entries
        .iter()
        .filter(|(path, _)| is_attributes(path))
        .map(|(_, id)| id.clone())
        .collect();
    let texts = git.blobs(&attributes).await?;
    let names_one = |text: &Vec<u8>| String::from_utf8_lossy(text).contains("filter");
    if !texts.iter().any(names_one) {
        return Ok(BTreeMap::new());
    }
    let mut paths = Vec::new();
    for (path, _) in &entries {
        paths.extend_from_slice(path.as_bytes());
        paths.push(0);
    }
    let source = format!("--source={tree}");
    let args = ["check-attr", "-z", "--stdin", &source, "filter"];
    let answer = git.output(args, Some(paths)).await?;
    let fields: Vec<_> = answer.split(|byte| *byte == 0).collect();
    let mut filtered = BTreeMap::new();
    for attribute in fields.chunks_exact(3) {
        let [path, _, value] = attribute else {
            continue;
        };
        if !matches!(*value, b"unspecified" | b"unset") {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            filtered.insert(text(path), text(value));
        }
    }
    Ok(filtered)
}

/// Returns a note on files that a filter is meant for, if there are any.
pub(super) fn note(filtered: &BTreeMap<String, String>) -> Option<String> {
    let (path, filter) = filtered.first_key_value()?;
    let more = match filtered.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Some(format!(
        "`{path}`{more} has the attribute `filter={filter}`, and no filter runs here: agents and gates see \
         what git stores, and a change of such a file is refused"
    ))
}
