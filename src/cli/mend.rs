//! What mends a spec for certain, made and looked at again.
//!
//! A finding brings edits where only one thing can have been meant. That is a guess all the same, so
//! that each is tried: what is mended must be gone, and nothing new may be wrong. Lints are left
//! aside, as they wait until the rest is right.

use std::collections::BTreeMap;

use super::rewrite::Rewrite;
use crate::{
    diagnostics::{Edit, Findings, Level, Sources, edited},
    model::resolve,
    spec::Loaded,
};

/// Texts that stand in for the files of these paths.
pub(super) type Texts = BTreeMap<String, String>;

// Every round of edits may show what was hidden by what it mended.
const MOST_ROUNDS: usize = 100;

/// Returns the files that change where all certain edits are made. `load` reads the spec with some
/// texts in place of the files.
pub(super) fn mend(load: &dyn Fn(Texts) -> miette::Result<Loaded>) -> miette::Result<Vec<Rewrite>> {
    let mender = Mender { load };
    let mut state = mender.state(Texts::new())?;
    let mut before = Texts::new();
    for _ in 0..MOST_ROUNDS {
        let Some(better) = mender.round(&state)? else {
            break;
        };
        for source in state.sources.files() {
            if better.texts.contains_key(source.path()) {
                let text = || source.text().to_owned();
                before.entry(source.path().to_owned()).or_insert_with(text);
            }
        }
        state = better;
    }
    let rewrite = |(path, before): (String, String)| {
        let after = state.texts.get(&path)?.clone();
        (after != before).then_some(Rewrite {
            path,
            before,
            after,
        })
    };
    Ok(before.into_iter().filter_map(rewrite).collect())
}

// A spec with some texts of our own.
struct State {
    texts: Texts,
    sources: Sources,
    mendable: Vec<Mendable>,
    // The files that can't be read as KDL. What else is wrong in them is not known.
    broken: usize,
    errors: usize,
}

// A finding that edits mend.
#[derive(Clone)]
struct Mendable {
    edits: Vec<Edit>,
    // Whether it is gone for certain: what makes a file unreadable may stand in it again.
    counts: bool,
}

struct Mender<'a> {
    load: &'a dyn Fn(Texts) -> miette::Result<Loaded>,
}

impl Mender<'_> {
    fn state(&self, texts: Texts) -> miette::Result<State> {
        let mut loaded = (self.load)(texts.clone())?;
        let mut findings = std::mem::take(&mut loaded.findings);
        if loaded.complete {
            resolve(&loaded, &mut findings);
        }
        let findings: Findings = findings.sorted();
        let of_broken = |edit: &Edit| {
            let source = loaded.sources.of(edit.span);
            source.is_some_and(|source| loaded.broken.iter().any(|path| path == source.path()))
        };
        let mendable = findings
            .iter()
            .filter(|finding| !finding.edits.is_empty())
            .map(|finding| Mendable {
                edits: finding.edits.clone(),
                counts: !finding.edits.iter().any(of_broken),
            })
            .collect();
        Ok(State {
            mendable,
            broken: loaded.broken.len(),
            errors: findings.count(Level::Error),
            sources: loaded.sources,
            texts,
        })
    }

    // The state after all edits of `state` that make it better, or nothing where none does.
    fn round(&self, state: &State) -> miette::Result<Option<State>> {
        let mut taken = Vec::new();
        let mut best = None;
        self.take(state, &state.mendable, &mut taken, &mut best)?;
        Ok(best)
    }

    // Makes the edits of `group` beside those that are `taken`: all, or where that makes nothing better,
    // those of one half and then those of the other.
    fn take(
        &self,
        state: &State,
        group: &[Mendable],
        taken: &mut Vec<Mendable>,
        best: &mut Option<State>,
    ) -> miette::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let all = taken.iter().chain(group).flat_map(|finding| &finding.edits);
        let changed = edited(&state.sources, all);
        let mut texts = state.texts.clone();
        texts.extend(changed.into_iter().map(|(path, _, after)| (path, after)));
        let tried = self.state(texts)?;
        if is_better(&tried, best.as_ref().unwrap_or(state), group) {
            taken.extend(group.iter().cloned());
            *best = Some(tried);
            return Ok(());
        }
        let (one, two) = group.split_at(group.len() / 2);
        if !one.is_empty() {
            self.take(state, one, taken, best)?;
            self.take(state, two, taken, best)?;
        }
        Ok(())
    }
}

// Whether all of `group` is mended in `after`, and nothing else is wrong that was not in `before`.
fn is_better(after: &State, before: &State, group: &[Mendable]) -> bool {
    let mended = group.iter().filter(|finding| finding.counts).count();
    after.texts != before.texts
        && (after.broken < before.broken
            || after.broken == before.broken && after.errors + mended <= before.errors)
}

#[cfg(test)]
mod tests {
    use miette::IntoDiagnostic as _;
    use proptest::prelude::*;

    use super::*;
    use crate::spec::load_texts;

    const SPEC: &str = "factory.kdl";
    const HEAD: &str = "factory \"shop\" spec=1\n\
                        model \"m\" id=\"claude-sonnet-5-5\"\n\
                        gate \"tests\" { run \"sh test.sh\"; }\n";

    fn load(text: &str) -> impl Fn(Texts) -> miette::Result<Loaded> + '_ {
        move |over| {
            let mut texts = Texts::from([
                (SPEC.to_owned(), text.to_owned()),
                ("roles/a.md".to_owned(), "You do the work.\n".to_owned()),
            ]);
            texts.extend(over);
            load_texts(SPEC, texts).into_diagnostic()
        }
    }

    fn mended(text: &str) -> String {
        let rewrites = mend(&load(text)).unwrap();
        let after = rewrites.into_iter().next().map(|rewrite| rewrite.after);
        after.unwrap_or_else(|| text.to_owned())
    }

    // How many files can't be read, and how many errors there are.
    fn faults(text: &str) -> (usize, usize) {
        let load = load(text);
        let state = Mender { load: &load }.state(Texts::new()).unwrap();
        (state.broken, state.errors)
    }

    fn role(body: &str) -> String {
        format!("{HEAD}role \"a\" model=\"m\" prompt=\"roles/a.md\" {{ {body} }}\n")
    }

    #[test]
    fn slips_are_mended() {
        for (given, then) in [
            ("nevr { run \"b *\"; }", "never { run \"b *\"; }"),
            ("Never { run \"b *\"; }", "never { run \"b *\"; }"),
            ("may { wirte \"b\"; }", "may { write \"b\"; }"),
            ("may { write b c; }", "may { write \"b\" \"c\"; }"),
            (
                "may { env A; reach b.org; }",
                "may { env \"A\"; reach \"b.org\"; }",
            ),
            ("titel My role", "title \"My role\""),
            (
                "may { write app/** lib/*.rb; }",
                "may { write \"app/**\" \"lib/*.rb\"; }",
            ),
            (
                "may { write app/**; }\n never { write app/x/**; }",
                "may { write \"app/**\"; }\n never { write \"app/x/**\"; }",
            ),
            ("titel \"A\" // wri\u{200b}te\n", "title \"A\" // write\n"),
            (
                "title \"a\u{200b}b\u{200b}c\u{200b}d\u{200b}e\u{200b}f\u{200b}g\u{200b}h\"",
                "title \"abcdefgh\"",
            ),
            // One that is no better for it keeps nothing else from being mended.
            (
                "titel \"A\"; may { reach b.org:443; wirte \"c\"; }",
                "title \"A\"; may { reach b.org:443; write \"c\"; }",
            ),
        ] {
            assert_eq!(mended(&role(given)), role(then), "{given}");
        }
        let named = role("").replace("prompt=", "promt = ");
        assert_eq!(mended(&named), named.replace("promt", "prompt"));
        let quoted = role("").replace("prompt=", "\"promt\"=");
        assert_eq!(mended(&quoted), quoted);
    }

    #[test]
    fn what_may_be_meant_otherwise_is_left() {
        for body in [
            // Comments, whatever they stand between.
            "may { reach a.org /- evil.org b.org; }",
            "may { reach a.org /- \"evil.org\" b.org; }",
            "may { env A /* SECRET */ B; }",
            "may { env A/* SECRET */ B; }",
            "may { env A \\\n B; }",
            "may { write app/* note */lib; }",
            "may { write app/* note */; }",
            "may { write app/**/; }",
            "may { write a/**/ app/**; }",
            "title \"My\" role",
            "memory a b limit=\"1KiB\"",
            "may { write app/*note*/lib; }",
            "may { write app/**/*.rb; }",
            "may { write app/* my comment\n; }",
            "may { write app/*\n my comment; }",
            "may { run git commit *; }",
            // Words that are known, or that several are near.
            "expect { cant { run \"b\"; }; }",
            "gate \"tests\"",
            "gate \"q\" { run \"sh q.sh\"; }",
            "stap attempts=3",
            "command \"b\"",
            // No reader can tell what was meant.
            "may { write \"app/\u{200b}**\"; }",
            "title \"a\u{202e}b\"",
            "title \"a\u{3164}b\"",
            "title \"A\" // why\u{2028}",
            // What was a word for one is none for another.
            "may { reach evil.org:443 b.org; }",
            "may { env A-B C; }",
            "may { env PATH; }",
            "may { write (u)b; }",
        ] {
            let text = role(body);
            assert_ne!(faults(&text), (0, 0), "{body}");
            assert_eq!(mended(&text), text, "{body}");
        }
        for text in [
            format!("{HEAD}role b/* my comment\n"),
            format!("{HEAD}gates \"smoke\"\n"),
            format!("{HEAD}task \"t\" {{ goal \"G\"; stop attempts=3; }}\n"),
            format!(
                "{HEAD}{}",
                "rule \"r\" { cannt \"a\" { write \"**\"; }; }\n"
            ),
        ] {
            assert_ne!(faults(&text), (0, 0), "{text}");
            assert_eq!(mended(&text), text);
        }
        // What people write in their own language needs its joiners.
        let text = role("title \"\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}\"");
        assert_eq!((faults(&text), mended(&text)), ((0, 0), text.clone()));
    }

    // The comments of a text that end, and where something is commented out.
    fn comments(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (len, ends) = if rest.starts_with("//") {
                (rest.find('\n').unwrap_or(rest.len()), true)
            } else if rest.starts_with("/*") {
                let (mut len, mut depth) = (2, 1);
                while depth > 0 && len < rest.len() {
                    let step = match &rest[len..] {
                        inner if inner.starts_with("/*") => (2, 1),
                        inner if inner.starts_with("*/") => (2, -1),
                        inner => (inner.chars().next().unwrap().len_utf8(), 0),
                    };
                    (len, depth) = (len + step.0, depth + step.1);
                }
                (len, depth == 0)
            } else if rest.starts_with("/-") {
                (2, true)
            } else if let Some(string) = rest.strip_prefix('"') {
                (string.find('"').map_or(rest.len(), |end| end + 2), false)
            } else {
                (rest.chars().next().unwrap().len_utf8(), false)
            };
            if ends {
                found.push(&rest[..len]);
            }
            at += len;
        }
        found
    }

    // Everything in quotes, and everything that stands apart without quotes or comments.
    fn words(text: &str) -> (Vec<&str>, Vec<&str>) {
        let mut bare = text.to_owned();
        for comment in comments(text)
            .into_iter()
            .filter(|comment| comment.len() > 2)
        {
            bare = bare.replacen(comment, " ", 1);
        }
        let quoted = text.split('"').skip(1).step_by(2).collect();
        let bare = text
            .split(|letter: char| letter.is_whitespace() || ";{}".contains(letter))
            .filter(|word| !word.contains(['"', '=']) && bare.contains(word))
            .collect();
        (quoted, bare)
    }

    // What people write into a role, right and wrong, with comments at every place.
    fn bodies() -> impl Strategy<Value = String> {
        let node = prop::sample::select(vec![
            "may", "nevr", "never", "expect", "can", "cant", "cannot", "write", "wirte", "run",
            "reach", "env", "gates", "gate", "title", "titel", "stop", "step", "memroy",
        ]);
        let word = prop::sample::select(vec![
            "a",
            "b.org",
            "evil.org:443",
            "A",
            "LD_PRELOAD",
            "\"c\"",
            "\"d/**\"",
            "app/**",
            "lib/*.rb",
            "app/*",
            "*",
            "b/* c */d",
            "/* SECRET */",
            "/- e",
            "/-\"f\"",
            "\\\n",
            "// why\n",
            "x=1",
            "attempts=3",
            "#\"g\"#",
            "(t)h",
            "a\u{200b}b",
            "\"i\u{200b}j\"",
        ]);
        let gap = prop::sample::select(vec![" ", "  ", "", "/**/", " /* k */ "]);
        let words = prop::collection::vec((gap, word), 0..4);
        let open = prop::sample::select(vec![" { ", "; ", ";\n", " }; "]);
        let statement = (node, words, open).prop_map(|(node, words, open)| {
            let words: String = words
                .into_iter()
                .map(|(gap, word)| format!("{gap} {word}"))
                .collect();
            format!("{node}{words}{open}")
        });
        prop::collection::vec(statement, 1..5).prop_map(|parts| {
            let body = parts.concat();
            let open = body
                .matches('{')
                .count()
                .saturating_sub(body.matches('}').count());
            format!("{body}{}", " }; ".repeat(open))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn a_mended_spec_says_what_it_said(body in bodies()) {
            let text = role(&body);
            let then = mended(&text);
            // No comment goes, and nothing that is commented out comes back.
            let after = comments(&then);
            let mut left = after.iter().map(|comment| comment.replace('\u{200b}', ""));
            for comment in comments(&text) {
                let comment = comment.replace('\u{200b}', "");
                prop_assert!(left.any(|other| other == comment), "{} in {}", comment, then);
            }
            // Every member was one, or a word without quotes.
            let ((known, bare), (members, _)) = (words(&text), words(&then));
            for member in members.iter().filter(|member| !known.contains(member)) {
                let shown = member.replace('\u{200b}', "");
                let was = shown.split(' ').all(|part| {
                    bare.iter().any(|word| word.replace('\u{200b}', "") == part)
                });
                let seen = known.iter().any(|known| known.replace('\u{200b}', "") == shown);
                prop_assert!(was || seen, "{} in {}", member, then);
            }
            // Nothing more is wrong, and nothing is left to mend.
            prop_assert!(faults(&then) <= faults(&text), "{}", then);
            prop_assert_eq!(mended(&then), then);
        }
    }
}
