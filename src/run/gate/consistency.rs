//! The gate `consistency`: what Markdown names is there, and what is new is named.

use std::{collections::BTreeMap, io::Read as _, os::unix::ffi::OsStrExt as _};

use super::{
    super::folder::open_plain,
    bench::BenchError,
    paths::{Listing, in_code, is_plain, names},
    session::{Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    boundary::{Entry, PathPattern},
    document::{
        Inline, InlineKind, Line, LineKind, anchor, inlines, lines,
        path::{decoded, extension, folder_of, is_path_letter, resolved},
    },
    plan::Mention,
};

/// A path or an anchor that leads nowhere.
struct Fault {
    file: String,
    line: usize,
    message: String,
    // What git is asked: where it ignores that, the path is made elsewhere, and this is no fault.
    unless_ignored: Vec<String>,
}

/// The Markdown files that were read, with the anchors of their headings.
struct Reader<'a> {
    listing: &'a Listing,
    anchors: BTreeMap<String, Vec<String>>,
    faults: Vec<Fault>,
}

impl Session<'_> {
    /// Returns whether what the files that `links` means name exists, and what was added is mentioned.
    pub(super) async fn consistency(
        &mut self,
        links: &[Entry<PathPattern>],
        mentions: &[Mention],
    ) -> Result<Verdict, SessionError> {
        let listing = Listing::of(&self.whole().await?);
        let root = self.checkout.root.clone();
        let read = |path: &str| {
            let mut bytes = Vec::new();
            // What can't be read has no links.
            let _ = open_plain(&root.join(path)).and_then(|mut file| file.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let looked_at: Vec<&str> = listing
            .files()
            .filter(|path| links.iter().any(|entry| entry.gives(path)))
            .collect();
        let texts: BTreeMap<&str, String> = listing
            .files()
            .filter(|path| is_markdown(path) || looked_at.contains(path))
            .map(|path| (path, read(path)))
            .collect();
        let mut reader = Reader {
            listing: &listing,
            anchors: texts
                .iter()
                .filter(|(path, _)| is_markdown(path))
                .map(|(path, text)| ((*path).to_owned(), anchors(text)))
                .collect(),
            faults: Vec::new(),
        };
        for path in &looked_at {
            if let Some(text) = texts.get(path) {
                reader.look(path, text);
            }
        }
        let mut faults = reader.faults;
        self.drop_ignored(&mut faults).await?;
        let added = self.unmentioned(mentions, &mut faults, &read).await?;
        faults.sort_by(|one, two| (&one.file, one.line).cmp(&(&two.file, two.line)));
        let findings: Vec<String> = faults
            .iter()
            .map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.message))
            .collect();
        let otherwise = if looked_at.is_empty() && added == 0 {
            Outcome::Nothing("no file of `links` is there, and none was added".into())
        } else {
            Outcome::Pass
        };
        Ok(Verdict::of_findings(&findings, otherwise))
    }

    // Forgets faults about paths that build writes or git ignores: they are made where they are used.
    async fn drop_ignored(&self, faults: &mut Vec<Fault>) -> Result<(), SessionError> {
        let plan = &self.judge.plan;
        faults.retain(|fault| {
            !fault.unless_ignored.iter().any(|path| {
                plan.outputs.contains_key(path)
                    || plan.workspace.scratch.iter().any(|entry| entry.gives(path))
            })
        });
        let mut asked = Vec::new();
        for path in faults.iter().flat_map(|fault| &fault.unless_ignored) {
            asked.extend_from_slice(path.as_bytes());
            asked.push(0);
        }
        if asked.is_empty() {
            return Ok(());
        }
        let args = ["check-ignore", "-z", "--stdin", "--no-index"];
        // This command knows of no literal paths; what is asked has no letter that means anything.
        let git = self.checkout.git.clone().env("GIT_LITERAL_PATHSPECS", "0");
        let answer = match git.output(args, Some(asked)).await {
            Ok(answer) => answer,
            // None of them.
            Err(error) if error.code() == Some(1) => Vec::new(),
            Err(error) => return Err(BenchError::Git(error).into()),
        };
        let ignored: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
        faults.retain(|fault| {
            !fault
                .unless_ignored
                .iter()
                .any(|path| ignored.contains(&path.as_bytes()))
        });
        Ok(())
    }

    // Finds added files that are not mentioned; returns how many were looked for.
    async fn unmentioned(
        &mut self,
        mentions: &[Mention],
        faults: &mut Vec<Fault>,
        read: &impl Fn(&str) -> String,
    ) -> Result<usize, SessionError> {
        let mut looked_for = 0;
        if mentions.is_empty() {
            return Ok(looked_for);
        }
        let change = self.change().await?;
        for mention in mentions {
            let text = read(&mention.within);
            let folder = format!("{}/", folder_of(&mention.within));
            for file in change.among(&mention.files).filter(|file| file.is_added()) {
                let Some(path) = file.path.to_str() else {
                    continue;
                };
                looked_for += 1;
                let near = path.strip_prefix(&folder);
                if !names(&text, path) && !near.is_some_and(|near| names(&text, near)) {
                    faults.push(Fault {
                        file: String::from_utf8_lossy(file.path.as_bytes()).into_owned(),
                        line: 1,
                        message: format!("is new, and `{}` does not mention it", mention.within),
                        unless_ignored: Vec::new(),
                    });
                }
            }
        }
        Ok(looked_for)
    }
}

fn is_markdown(path: &str) -> bool {
    matches!(extension(path), Some("md" | "markdown" | "mdx"))
}

impl Reader<'_> {
    fn look(&mut self, file: &str, text: &str) {
        let lines = lines(text);
        let mut seen: Vec<(usize, &str)> = Vec::new();
        for inline in inlines(text, &lines) {
            let Some(content) = text.get(inline.span.clone()) else {
                continue;
            };
            let line = line_of(&lines, &inline);
            if seen.contains(&(line, content)) {
                continue;
            }
            seen.push((line, content));
            match inline.kind {
                InlineKind::Code => self.code(file, line, content),
                InlineKind::Link => self.link(file, line, content),
                InlineKind::Mention => self.mention(file, line, content),
            }
        }
    }

    fn code(&mut self, file: &str, line: usize, token: &str) {
        let Some(path) = in_code(token) else { return };
        let folder = folder_of(file);
        if !is_plain(path, self.listing, folder) {
            return;
        }
        // From the root as most write it, or from where it is written.
        let places: Vec<String> = ["", folder]
            .into_iter()
            .filter_map(|folder| resolved(folder, path))
            .collect();
        // What lies outside of the project is not looked at.
        if places.is_empty() || places.iter().any(|place| self.listing.has(place)) {
            return;
        }
        // One folder's name with a slash behind it is often seen from the folder that is spoken of.
        let name = path.strip_suffix('/').filter(|name| !name.contains('/'));
        if name.is_some_and(|name| self.listing.has_folder_named(name)) {
            return;
        }
        self.fault(file, line, format!("`{path}` does not exist"), places);
    }

    fn mention(&mut self, file: &str, line: usize, word: &str) {
        let known = matches!(
            extension(word),
            Some("md" | "mdx" | "txt" | "json" | "kdl" | "toml" | "yml" | "yaml")
        );
        let is_path = !word.starts_with(['~', '/'])
            && word.chars().all(is_path_letter)
            && if word.contains('/') {
                extension(word).is_some()
            } else {
                known
            };
        if !is_path {
            return;
        }
        let places: Vec<String> = [folder_of(file), ""]
            .into_iter()
            .filter_map(|folder| resolved(folder, word))
            .collect();
        if !places.is_empty() && !places.iter().any(|place| self.listing.has(place)) {
            self.fault(file, line, format!("`@{word}` does not exist"), places);
        }
    }

    fn link(&mut self, file: &str, line: usize, target: &str) {
        let place_holder = target.contains(['{', '<', '$']);
        let scheme = target
            .split_once(':')
            .is_some_and(|(scheme, _)| !scheme.contains(['/', '#', '?']));
        if target.is_empty() || place_holder || scheme || target.starts_with('/') {
            return;
        }
        let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
        let path = decoded(path.split('?').next().unwrap_or_default());
        let place = if path.is_empty() {
            file.to_owned()
        } else {
            let Some(place) = resolved(folder_of(file), &path) else {
                return;
            };
            let Some(page) = self.page(&place) else {
                self.fault(file, line, format!("`{path}` does not exist"), Vec::new());
                return;
            };
            page
        };
        if fragment.is_empty() {
            return;
        }
        let wanted = decoded(fragment).to_lowercase();
        if let Some(anchors) = self.anchors.get(&place)
            && !anchors.contains(&wanted)
        {
            let message = format!("`{place}` has no heading `#{fragment}`");
            self.fault(file, line, message, Vec::new());
        }
    }

    // What a link to `place` shows; pages are also linked without their extension.
    fn page(&self, place: &str) -> Option<String> {
        if self.listing.has(place) {
            return Some(place.to_owned());
        }
        let bare = place.strip_suffix(".html").unwrap_or(place);
        let page = format!("{bare}.md");
        (!place.ends_with('/') && self.listing.has(&page)).then_some(page)
    }

    fn fault(&mut self, file: &str, line: usize, message: String, unless_ignored: Vec<String>) {
        self.faults.push(Fault {
            file: file.to_owned(),
            line,
            message,
            unless_ignored,
        });
    }
}

fn line_of(lines: &[Line<'_>], inline: &Inline) -> usize {
    lines.partition_point(|line| line.span.start <= inline.span.start)
}

// The anchors that forges give the headings of a text, and those that it sets itself.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in lines(text) {
        if let LineKind::Heading { title, .. } = line.kind {
            let first = anchor(title);
            let mut own = first.clone();
            let mut count = 0;
            while found.contains(&own) {
                count += 1;
                own = format!("{first}-{count}");
            }
            found.push(own);
        }
        for attribute in ["id=\"", "name=\"", "{#"] {
            for (at, _) in line.text.match_indices(attribute) {
                let rest = line.text.get(at + attribute.len()..).unwrap_or_default();
                found.extend(rest.split(['"', '}']).next().map(str::to_lowercase));
            }
        }
    }
    found
}
