//! Links of a tree, and where they lead.

use std::collections::BTreeMap;

use super::git::{Git, GitError};

const LINK: &str = "120000";

// Like the kernel, which follows 40.
const MOST: usize = 40;

/// Returns the links of `tree` that lead out of it, or into a `.git`, with what they say.
///
/// A link is followed through the other links of the tree. What it names need not be there.
pub(super) async fn leaving(git: &Git, tree: &str) -> Result<BTreeMap<String, String>, GitError> {
    let links = links_of(git, tree).await?;
    let leaving = links
        .iter()
        .filter(|(path, target)| leads_out(&links, path, target))
        .map(|(path, target)| (path.clone(), target.clone()));
    Ok(leaving.collect())
}

async fn links_of(git: &Git, tree: &str) -> Result<BTreeMap<String, String>, GitError> {
    let mut links = BTreeMap::new();
    for field in git.fields(["ls-tree", "-r", "-z", tree]).await? {
        let field = field.to_string_lossy();
        let Some((facts, path)) = field.split_once('\t') else {
            continue;
        };
        let mut facts = facts.split(' ');
        if facts.next() != Some(LINK) {
            continue;
        }
        let id = facts.nth(1).unwrap_or_default();
        let target = git.output(["cat-file", "blob", id], None).await?;
        links.insert(
            path.to_owned(),
            String::from_utf8_lossy(&target).into_owned(),
        );
    }
    Ok(links)
}

fn leads_out(links: &BTreeMap<String, String>, path: &str, target: &str) -> bool {
    let mut at: Vec<String> = path.split('/').map(str::to_owned).collect();
    at.pop();
    // The components still to walk, the next one last.
    let mut rest: Vec<String> = target.rsplit('/').map(str::to_owned).collect();
    if target.starts_with('/') {
        return true;
    }
    let mut followed = 0;
    while let Some(component) = rest.pop() {
        match component.as_str() {
            "" | "." => {}
            ".." => {
                if at.pop().is_none() {
                    return true;
                }
            }
            name if name.eq_ignore_ascii_case(".git") => return true,
            _ => {
                at.push(component);
                if let Some(target) = links.get(&at.join("/")) {
                    followed += 1;
                    if target.starts_with('/') || followed > MOST {
                        return true;
                    }
                    at.pop();
                    rest.extend(target.rsplit('/').map(str::to_owned));
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::leads_out;

    #[test]
    fn links_are_followed_as_a_file_system_would() {
        // (links of the tree, the one that is asked about, whether it leads out)
        type Links = &'static [(&'static str, &'static str)];
        let cases: [(Links, &str, bool); 11] = [
            (&[("a", "b")], "a", false),
            (&[("a", "/etc/passwd")], "a", true),
            (&[("a", "..")], "a", true),
            (&[("d/a", "..")], "d/a", false),
            (&[("d/a", "../../x")], "d/a", true),
            (&[("d/a", "./../e//f/../g")], "d/a", false),
            (&[("a", ".git/config")], "a", true),
            (&[("a", "a")], "a", true),
            // Where `d/e/top` is the root, one step up from it is outside.
            (
                &[("d/e/top", "../.."), ("d/e/a", "top/../x")],
                "d/e/a",
                true,
            ),
            (&[("d/e/top", "../.."), ("d/e/a", "top/x")], "d/e/a", false),
            (&[("d/out", "../../x"), ("a", "d/out/y")], "a", true),
        ];
        for (links, asked, out) in cases {
            let links: BTreeMap<String, String> = links
                .iter()
                .map(|(path, target)| ((*path).to_owned(), (*target).to_owned()))
                .collect();
            assert_eq!(
                leads_out(&links, asked, &links[asked]),
                out,
                "{asked} of {links:?}"
            );
        }
    }
}
