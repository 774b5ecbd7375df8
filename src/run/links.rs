//! Links of a tree, and where they lead.

use std::collections::BTreeMap;

use super::git::{Git, GitError};

const LINK: &str = "120000";

// Like the kernel, which follows 40.
const MOST: usize = 40;

/// The links of a tree, and what each says.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<String, String>);

impl Links {
    /// Reads the links of `tree`.
    pub(super) async fn of(git: &Git, tree: &str) -> Result<Self, GitError> {
        let (mut paths, mut ids) = (Vec::new(), Vec::new());
        for field in git.fields(["ls-tree", "-r", "-z", tree]).await? {
            let field = field.to_string_lossy();
            let Some((facts, path)) = field.split_once('\t') else {
                continue;
            };
            let mut facts = facts.split(' ');
            if facts.next() == Some(LINK) {
                paths.push(path.to_owned());
                ids.push(facts.nth(1).unwrap_or_default().to_owned());
            }
        }
        let targets = git.blobs(&ids).await?;
        let targets = targets
            .iter()
            .map(|target| String::from_utf8_lossy(target).into_owned());
        Ok(Self(paths.into_iter().zip(targets).collect()))
    }

    /// Returns their paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns those that lead out of the tree, or into a `.git`, with what they say.
    ///
    /// A link is followed through the other links of the tree. What it names need not be there.
    pub(super) fn leaving(&self) -> BTreeMap<String, String> {
        let links = self.0.iter();
        links
            .filter(|(path, target)| self.leads_out(path, target))
            .map(|(path, target)| (path.clone(), target.clone()))
            .collect()
    }

    /// Returns where `path` leads within the tree, if that is elsewhere.
    pub(super) fn real(&self, path: &str) -> Option<String> {
        let real = self.walk(Vec::new(), path, |_| false)?.join("/");
        (real != path).then_some(real)
    }

    fn leads_out(&self, path: &str, target: &str) -> bool {
        let mut at: Vec<String> = path.split('/').map(str::to_owned).collect();
        at.pop();
        let is_repository = |name: &str| name.eq_ignore_ascii_case(".git");
        target.starts_with('/') || self.walk(at, target, is_repository).is_none()
    }

    // Where `path` leads from the folder `at`; nothing where that is outside, or where a part of the way is
    // one that `stops`.
    fn walk(
        &self,
        mut at: Vec<String>,
        path: &str,
        stops: impl Fn(&str) -> bool,
    ) -> Option<Vec<String>> {
        // The components still to walk, the next one last.
        let mut rest: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut followed = 0;
        while let Some(component) = rest.pop() {
            match component.as_str() {
                "" | "." => {}
                ".." => {
                    at.pop()?;
                }
                name if stops(name) => return None,
                _ => {
                    at.push(component);
                    if let Some(target) = self.0.get(&at.join("/")) {
                        followed += 1;
                        if target.starts_with('/') || followed > MOST {
                            return None;
                        }
                        at.pop();
                        rest.extend(target.rsplit('/').map(str::to_owned));
                    }
                }
            }
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Links;

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
            let target = links[asked].clone();
            let links = Links(links);
            assert_eq!(links.leads_out(asked, &target), out, "{asked} of {links:?}");
        }
    }

    #[test]
    fn a_path_is_found_where_links_on_its_way_lead() {
        let links = [
            (".claude", "shared/claude"),
            ("roles", "docs/roles"),
            ("docs/roles/b.md", "../../kept/b.md"),
            ("out", "../elsewhere"),
            ("turn", "turn"),
        ];
        let links = Links(
            links
                .map(|(path, target)| (path.to_owned(), target.to_owned()))
                .into(),
        );
        for (path, then) in [
            (".claude", Some("shared/claude")),
            (".claude/settings.json", Some("shared/claude/settings.json")),
            ("roles/a.md", Some("docs/roles/a.md")),
            ("roles/b.md", Some("kept/b.md")),
            ("app/a.rb", None),
            ("out/x", None),
            ("turn", None),
            (".git", None),
        ] {
            assert_eq!(links.real(path).as_deref(), then, "{path}");
        }
    }
}
