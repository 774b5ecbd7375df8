//! A long passage that stands in several prompts word for word.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use crate::{
    check::{facts::Facts, report::Report},
    diagnostics::{Level, Lint, Source},
    model::RoleId,
};

pub(super) static LINT: super::Entry = super::Entry {
    lint: Lint {
        code: "factory::prompt::repeated-passage",
        level: Level::Advice,
        safety: false,
        story: include_str!("repeated_passage.md"),
    },
    absence: false,
    run: repeated_passage,
};

#[derive(Debug, Error, Diagnostic)]
#[error("{what} {places}{more}")]
#[diagnostic(help("{help}"))]
struct RepeatedPassage {
    what: String,
    places: String,
    more: String,
    help: String,
    #[label(primary, "from here on")]
    first: SourceSpan,
    #[label("and here again")]
    again: SourceSpan,
}

/// The fewest lines of a passage, blank ones not counted.
const LINES: usize = 3;

/// The fewest bytes of a passage, less the blanks around its lines.
const BYTES: usize = 200;

/// How many passages are told of: those with which most bytes are repeated.
const MOST: usize = 5;

/// How many files are named.
const NAMED: usize = 3;

fn repeated_passage(facts: &Facts<'_>, report: &mut Report<'_>) {
    let sources: Vec<&Source> = facts.prompts().collect();
    let texts: Vec<&str> = sources.iter().map(|source| source.text()).collect();
    let mut passages = by_texts(passages(&texts));
    passages.sort_by_key(|passage| std::cmp::Reverse(passage.repeated()));
    let left_out = passages.len().saturating_sub(MOST);
    passages.truncate(MOST);
    passages.sort_by(|one, two| one.places.cmp(&two.places));
    let last = passages.len().saturating_sub(1);
    let preamble = facts.model.preamble.as_ref();
    for (index, passage) in passages.iter().enumerate() {
        let mut places = passage.places.iter().filter_map(|(text, at)| {
            let source = *sources.get(*text)?;
            let line = source.text().get(*at..)?.lines().next()?.len();
            Some((source, source.span_at(*at, line)))
        });
        let (Some((first, one)), Some((_, two))) = (places.next(), places.next()) else {
            continue;
        };
        let paths = || {
            let places = passage.places.iter();
            places.filter_map(|(text, _)| Some(sources.get(*text)?.path()))
        };
        let mut readers: Vec<_> = paths().flat_map(|path| facts.readers(path)).collect();
        readers.sort_unstable();
        readers.dedup();
        let is_verbatim = |id: &RoleId| facts.model.role(*id).verbatim;
        let help = match preamble {
            _ if passage.whole => format!(
                "let the roles share one file: `prompt=\"{}\"`, or keep one of the roles",
                first.path()
            ),
            _ if !readers.is_empty() && readers.iter().all(is_verbatim) => {
                "a role without `compile=\"verbatim\"` is given the preamble too, and can leave this to it".to_owned()
            }
            Some(preamble) if first.path() == preamble.value => format!(
                "take it out of the others: `{}` is put before every prompt",
                preamble.value
            ),
            Some(preamble) => format!(
                "say it once, in `{}`, which is put before every prompt",
                preamble.value
            ),
            None => "say it once: `preamble \"roles/_preamble.md\"` in the factory puts a text before every prompt"
                .to_owned(),
        };
        let fault = RepeatedPassage {
            what: if passage.whole {
                format!(
                    "the same {} lines, word for word, are all of",
                    passage.lines
                )
            } else if passage.parts > 1 {
                format!(
                    "{} lines, in {} passages, stand word for word in",
                    passage.lines, passage.parts
                )
            } else {
                format!("{} lines stand word for word in", passage.lines)
            },
            places: named(&paths().collect::<Vec<_>>()),
            more: match left_out {
                count if count > 0 && index == last => {
                    format!("; {count} passages with less in them are repeated too")
                }
                _ => String::new(),
            },
            help,
            first: one.into(),
            again: two.into(),
        };
        report.of_roles(&readers, fault);
    }
}

fn named(paths: &[&str]) -> String {
    let some: Vec<_> = paths
        .iter()
        .take(NAMED)
        .map(|path| format!("`{path}`"))
        .collect();
    match (some.as_slice(), paths.len().saturating_sub(NAMED)) {
        ([one, two], 0) => format!("{one} and {two}"),
        ([start @ .., last], 0) => format!("{}, and {last}", start.join(", ")),
        (some, more) => format!("{}, and {more} more", some.join(", ")),
    }
}

/// Lines that several texts have in common.
#[derive(Debug, PartialEq, Eq)]
struct Passage {
    /// Each text by its index, with where its first line starts.
    places: Vec<(usize, usize)>,
    /// How many lines that are not blank.
    lines: usize,
    bytes: usize,
    /// How many passages they are, told of together.
    parts: usize,
    /// Whether they are all that there is in each of these texts.
    whole: bool,
}

impl Passage {
    fn repeated(&self) -> usize {
        self.bytes * (self.places.len() - 1)
    }
}

// Tells together of what the same texts have in common, at the first of its places.
fn by_texts(passages: Vec<Passage>) -> Vec<Passage> {
    let mut all: BTreeMap<Vec<usize>, Passage> = BTreeMap::new();
    for passage in passages {
        let texts = passage.places.iter().map(|(text, _)| *text).collect();
        match all.entry(texts) {
            Entry::Vacant(entry) => {
                entry.insert(passage);
            }
            Entry::Occupied(mut entry) => {
                let first = entry.get_mut();
                first.lines += passage.lines;
                first.bytes += passage.bytes;
                first.parts += passage.parts;
            }
        }
    }
    all.into_values().collect()
}

// A line that is not blank, less the blanks around it.
struct Line {
    text: usize,
    start: usize,
    len: usize,
    hash: u64,
}

// Returns the passages that `texts` have in common, in the order of the first text that has each. Of two
// texts that have a passage twice it is told once. Time grows with the length of the texts: each line is
// hashed once, most never get any further, and what is compared again has a text in it that is new.
fn passages(texts: &[&str]) -> Vec<Passage> {
    let lines: Vec<Line> = texts
        .iter()
        .enumerate()
        .flat_map(|(index, text)| lines_of(index, text))
        .collect();
    let mut starts = starts(&lines);
    let mut covered = vec![false; lines.len()];
    let mut found = Vec::new();
    for at in 0..lines.len() {
        if starts.is_empty() {
            break;
        }
        let places = window(&lines, at).and_then(|hash| starts.remove(&hash));
        let passage = places.and_then(|places| grown(texts, &lines, &covered, places));
        let Some((places, count)) = passage else {
            continue;
        };
        let mut bytes = 0;
        for place in &places {
            let lines = lines.get(*place..place + count).unwrap_or_default();
            bytes = lines.iter().map(|line| line.len).sum();
            if let Some(covered) = covered.get_mut(*place..place + count) {
                covered.fill(true);
            }
        }
        let of = |place: usize| lines.get(place).map(|line| (line.text, line.start));
        found.push(Passage {
            whole: places.iter().all(|place| is_whole(&lines, *place, count)),
            places: places.into_iter().filter_map(of).collect(),
            lines: count,
            bytes,
            parts: 1,
        });
    }
    found
}

// Whether the `count` lines from `at` on are all of their text.
fn is_whole(lines: &[Line], at: usize, count: usize) -> bool {
    let text = |at: Option<usize>| Some(lines.get(at?)?.text);
    let own = text(Some(at));
    text(at.checked_sub(1)) != own && text(at.checked_add(count)) != own
}

fn lines_of(index: usize, text: &str) -> impl Iterator<Item = Line> {
    let mut start = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let here = start;
        start += line.len();
        let words = line.trim();
        if words.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        Some(Line {
            text: index,
            start: here + line.len() - line.trim_start().len(),
            len: words.len(),
            hash: hasher.finish(),
        })
    })
}

// What stands at `at` and behind it, as far as a passage goes at least; nothing where the text ends before.
fn window(lines: &[Line], at: usize) -> Option<u64> {
    let window = lines.get(at..at + LINES)?;
    let (first, last) = (window.first()?, window.last()?);
    (first.text == last.text).then(|| {
        let join = |all: u64, line: &Line| all.rotate_left(21) ^ line.hash;
        window.iter().fold(0, join)
    })
}

// Where in which texts a window stands that stands in several, the first place of each text, by the window.
fn starts(lines: &[Line]) -> HashMap<u64, Vec<usize>> {
    // Most windows stand nowhere else. A table of bits, some of which are shared, tells so of nearly all.
    let size = lines.len().max(8) * 8;
    let mut once = vec![0_u64; size / 64 + 1];
    let mut again = HashSet::new();
    let windows = || (0..lines.len()).filter_map(|at| Some((at, window(lines, at)?)));
    for (_, hash) in windows() {
        let slot = usize::try_from(hash).unwrap_or(usize::MAX) % size;
        if let Some(bits) = once.get_mut(slot / 64) {
            let bit = 1 << (slot % 64);
            if *bits & bit != 0 {
                again.insert(hash);
            }
            *bits |= bit;
        }
    }
    let mut starts: HashMap<u64, Vec<usize>> = HashMap::new();
    if again.is_empty() {
        return starts;
    }
    let text = |at: usize| lines.get(at).map(|line| line.text);
    for (at, hash) in windows().filter(|(_, hash)| again.contains(hash)) {
        let places = starts.entry(hash).or_default();
        if places.last().is_none_or(|last| text(*last) != text(at)) {
            places.push(at);
        }
    }
    starts.retain(|_, places| places.len() > 1);
    starts
}

// The passage that starts at `places`, as long as all of them have it, and how many lines that is; nothing
// where it is short. Of the places that are in a passage already, the first one stands for all.
fn grown(
    texts: &[&str],
    lines: &[Line],
    covered: &[bool],
    mut places: Vec<usize>,
) -> Option<(Vec<usize>, usize)> {
    let words = |at: usize| {
        let line = lines.get(at)?;
        let words = texts
            .get(line.text)?
            .get(line.start..line.start + line.len)?;
        Some((line.text, words))
    };
    let first = *places.first()?;
    let same = |place: usize, step: usize| {
        let (own, other) = (words(first + step), words(place + step));
        let goes_on = |at: usize| words(at + step).map(|it| it.0) == words(at).map(|it| it.0);
        goes_on(first) && goes_on(place) && own.map(|it| it.1) == other.map(|it| it.1)
    };
    let is_free = |place: usize| {
        let window = covered.get(place..place + LINES);
        window.is_some_and(|window| !window.contains(&true))
    };
    let mut is_told = false;
    places.retain(|place| {
        // Two windows can have one hash.
        let is_same = (0..LINES).all(|step| same(*place, step));
        is_same && (is_free(*place) || !std::mem::replace(&mut is_told, true))
    });
    if places.len() < 2 {
        return None;
    }
    let count =
        (LINES..=lines.len()).find(|count| !places.iter().all(|place| same(*place, *count)))?;
    let own = lines.get(first..first + count)?;
    let bytes: usize = own.iter().map(|line| line.len).sum();
    (bytes >= BYTES).then_some((places, count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::fixture::said, *};

    // A line of 80 bytes that is like no other.
    fn line(number: usize) -> String {
        format!("{number:-^79}\n")
    }

    fn text(numbers: impl IntoIterator<Item = usize>) -> String {
        numbers.into_iter().map(line).collect()
    }

    fn found(texts: &[&str]) -> Vec<(Vec<usize>, usize)> {
        let passages = passages(texts).into_iter();
        let places = |passage: &Passage| passage.places.iter().map(|(text, _)| *text).collect();
        passages
            .map(|passage| (places(&passage), passage.lines))
            .collect()
    }

    #[test]
    fn a_passage_is_told_of_once_and_whole() {
        let short = "a short line that ends here\n".repeat(2) + "and one more\n";
        for (case, texts, then) in [
            ("nothing", vec![text(0..9), text(10..19)], vec![]),
            (
                "too few lines",
                vec![text([1, 2, 10]), text([1, 2, 20])],
                vec![],
            ),
            ("too few bytes", vec![short.clone(), short], vec![]),
            (
                "anywhere",
                vec![text([1, 2, 3, 4]), text([10, 2, 3, 4, 11])],
                vec![(vec![0, 1], 3)],
            ),
            (
                "blanks mean nothing",
                vec![
                    text([1, 2, 3]),
                    text([1, 2, 3]).replace('\n', " \r\n\r\n    "),
                ],
                vec![(vec![0, 1], 3)],
            ),
            (
                "all that have it",
                vec![text(0..9), text(0..9), text(20..30), text(0..9)],
                vec![(vec![0, 1, 3], 9)],
            ),
            (
                "two of them go on",
                vec![text(0..9), text(0..9), text(0..4)],
                vec![(vec![0, 1, 2], 4), (vec![0, 1], 5)],
            ),
            (
                "a third has a part of it",
                vec![text(0..9), text(0..9), text(3..7)],
                vec![(vec![0, 1], 9), (vec![0, 2], 4)],
            ),
            (
                "not over the end of a text",
                vec![text([1, 2]), text([3, 4]), text([1, 2, 3, 4])],
                vec![],
            ),
            (
                "not within one text",
                vec![text([1, 2, 3, 9, 1, 2, 3]), text([4])],
                vec![],
            ),
            (
                "twice in each",
                vec![text([1, 2, 3, 9, 1, 2, 3]), text([1, 2, 3, 8, 1, 2, 3])],
                vec![(vec![0, 1], 3)],
            ),
            (
                "one line again and again",
                vec![text([1; 50]), text([1; 80])],
                vec![(vec![0, 1], 50)],
            ),
        ] {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            assert_eq!(found(&texts), then, "{case}");
        }
    }

    #[test]
    fn all_of_a_text_is_told_from_a_part() {
        for (texts, then) in [
            ([text(0..9), text(0..9), text(0..9)], true),
            ([text(0..9), text(0..9), text(0..10)], false),
            ([text(1..9), text(0..9), text(1..9)], false),
        ] {
            let texts = texts.each_ref().map(String::as_str);
            let whole: Vec<_> = passages(&texts).iter().map(|it| it.whole).collect();
            assert_eq!(whole, [then], "{texts:?}");
        }
    }

    #[test]
    fn what_the_same_texts_have_in_common_is_told_of_together() {
        let texts = [
            text([1, 2, 3, 10, 4, 5, 6, 7]),
            text([1, 2, 3, 11, 4, 5, 6, 7]),
            text([4, 5, 6]),
        ];
        let texts = texts.each_ref().map(String::as_str);
        let told = by_texts(passages(&texts)).into_iter();
        let told: Vec<_> = told.map(|it| (it.places, it.lines, it.parts)).collect();
        assert_eq!(
            told,
            [
                (vec![(0, 0), (1, 0)], 3, 1),
                (vec![(0, 320), (1, 320), (2, 0)], 3, 1),
            ]
        );
        let [one, two, _] = texts;
        let told = by_texts(passages(&[one, two])).into_iter();
        let told: Vec<_> = told.map(|it| (it.places, it.lines, it.parts)).collect();
        assert_eq!(told, [(vec![(0, 0), (1, 0)], 7, 2)]);
    }

    #[test]
    fn few_are_told_of_and_the_rest_is_counted() {
        let mut spec = "factory \"a\" spec=1\nmodel \"m\" id=\"claude-sonnet-5-5\"\n".to_owned();
        let mut files = Vec::new();
        for role in 0..24 {
            spec += &format!(
                "role \"r{role}\" model=\"m\" prompt=\"{role}.md\" {{ description \"R\"; }}\n"
            );
            let from = role / 2 * 100;
            files.push((format!("{role}.md"), text(from..from + 3 + role / 2)));
        }
        files.push(("factory.kdl".to_owned(), spec));
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let said = said(LINT.lint.code, &files);
        assert_eq!(said.len(), MOST, "{said:#?}");
        assert_eq!(
            said.last().map(String::as_str),
            Some(
                "22.md:1:1: advice: the same 14 lines, word for word, are all of `22.md` and `23.md`; \
                 7 passages with less in them are repeated too"
            )
        );
        assert!(
            said.iter().all(|line| !line.starts_with("0.md")),
            "{said:#?}"
        );
    }

    proptest! {
        #[test]
        fn every_passage_stands_where_it_is_said_to(
            texts in prop::collection::vec(prop::collection::vec(0_usize..6, 0..30), 0..5)
        ) {
            let texts: Vec<String> = texts.into_iter().map(text).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let found = passages(&texts);
            for passage in &found {
                let words = |(index, at): &(usize, usize)| &texts[*index][*at..*at + passage.lines * 80];
                let first = words(&passage.places[0]);
                prop_assert!(passage.places.iter().all(|place| words(place) == first));
            }
            // The slow way: whatever three lines two texts share, there is a passage.
            let windows = |text: &str| -> HashSet<String> {
                let lines: Vec<&str> = text.lines().collect();
                lines.windows(LINES).map(<[&str]>::concat).collect()
            };
            let shared = texts.iter().enumerate().any(|(at, one)| {
                let mut others = texts.iter().skip(at + 1);
                others.any(|other| !windows(one).is_disjoint(&windows(other)))
            });
            prop_assert_eq!(shared, !found.is_empty());
        }
    }
}
