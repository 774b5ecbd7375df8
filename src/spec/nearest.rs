//! "Did you mean": the known name closest to a misspelled one.

use strsim::damerau_levenshtein;

use crate::client::tool_names;

/// Returns the one of `known` that `name` is most likely a misspelling of, if one is near enough:
/// at most a third of its letters wrong, and never more than three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).clamp(1, 3);
    let folded = folded(name);
    known
        .into_iter()
        .map(|candidate| (damerau_levenshtein(&folded, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || (length >= 3 && candidate.starts_with(&folded))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the tool of the client that `name` is most likely a misspelling of, whatever the case.
///
/// ```
/// assert_eq!(factory::spec::nearest_tool("grepp"), Some("Grep"));
/// ```
pub fn nearest_tool(name: &str) -> Option<&'static str> {
    let known: Vec<(String, &'static str)> = tool_names()
        .map(|known| (known.to_lowercase(), known))
        .collect();
    let near = nearest(name, known.iter().map(|(folded, _)| folded.as_str()))?;
    let mut known = known.iter();
    known
        .find(|(folded, _)| folded == near)
        .map(|(_, tool)| *tool)
}

/// Returns the one of `known` that `name` is for certain a slip of the finger for: the same letters in
/// another case or with `_` for `-`, or one letter wrong, missing, too many, or changed for its
/// neighbour in a word of at least four, while no other is as near and it is short for no other:
/// `cant` may be `can`, and may be `cannot`.
pub fn slip<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    match likely(name, known).as_slice() {
        [(0, only), ..] => Some(only),
        [(1, only)] if name.chars().count() >= 4 => Some(only),
        _ => None,
    }
}

/// Returns those of `known` that `name` is a slip for or short for, where these are several, the
/// nearest first.
pub(super) fn rivals<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let likely = likely(name, known);
    let certain = likely.first().is_none_or(|(distance, _)| *distance == 0);
    if certain || likely.len() < 2 || name.chars().count() < 3 {
        return Vec::new();
    }
    likely.into_iter().map(|(_, candidate)| candidate).collect()
}

// Those that are one slip away, and those that `name` is short for, the nearest first.
fn likely<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let folded = folded(name);
    let mut near: Vec<_> = known
        .into_iter()
        .map(|candidate| (damerau_levenshtein(&folded, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 || is_short_for(&folded, candidate))
        .collect();
    near.sort_unstable();
    near.dedup();
    near
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// Returns the one of `here` that `name` is for certain a slip of the finger for, where
/// no other word of the `language` is as near: `stap` may be `step`, and `stop` in the wrong place.
pub(super) fn certain_slip<'a>(
    name: &str,
    here: impl IntoIterator<Item = &'a str>,
    language: &[&str],
) -> Option<&'a str> {
    let found = slip(name, here)?;
    let folded = folded(name);
    let mut others = language.iter().filter(|other| **other != found);
    let near = |other: &&str| damerau_levenshtein(&folded, other) <= 1;
    (folded == found && !language.contains(&name) || !others.any(near)).then_some(found)
}

// Whether `name` is `whole` with letters left out.
fn is_short_for(name: &str, whole: &str) -> bool {
    let mut letters = whole.chars();
    name.chars()
        .all(|letter| letters.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    use super::{certain_slip, nearest, rivals, slip};
    use crate::spec::grammar::ROOT;

    #[test]
    fn a_slip_is_certain_or_none() {
        let known = [
            "may",
            "max",
            "never",
            "gates",
            "gate",
            "sends-back",
            "write",
        ];
        for (given, then) in [
            ("nevr", Some("never")),
            ("Sends_Back", Some("sends-back")),
            ("wirte", Some("write")),
            ("gatess", Some("gates")),
            ("gats", None),
            ("mat", None),
            ("MAY", Some("may")),
            ("neve", Some("never")),
            ("allow", None),
        ] {
            assert_eq!(slip(given, known), then, "{given}");
        }
    }

    #[test]
    fn a_word_of_another_place_is_no_slip() {
        let language = ["gate", "gates", "step", "stop", "never", "run"];
        for (given, here, then) in [
            ("stop", "step", None),
            ("Stop", "step", None),
            ("stap", "step", None),
            ("stepp", "step", Some("step")),
            ("gates", "gate", None),
            ("gate", "gates", None),
            ("Gates", "gates", Some("gates")),
            ("GATE", "gate", Some("gate")),
            ("gats", "gates", None),
            ("nevr", "never", Some("never")),
            ("runn", "run", Some("run")),
        ] {
            assert_eq!(
                certain_slip(given, [here], &language),
                then,
                "{given} for {here}"
            );
        }
    }

    #[test]
    fn a_slip_never_turns_one_word_into_another() {
        let (examples, statements) = (["can", "cannot"], ["cannot", "cannot-both"]);
        for (given, known, then) in [
            ("cant", examples, None),
            ("cann", examples, None),
            ("canot", examples, Some("cannot")),
            ("cannto", examples, Some("cannot")),
            ("cans", examples, Some("can")),
            ("Cannot", examples, Some("cannot")),
            ("cannt", statements, None),
            ("cannot-bth", statements, Some("cannot-both")),
        ] {
            assert_eq!(slip(given, known), then, "{given}");
        }
        assert_eq!(rivals("cant", examples), ["can", "cannot"]);
        assert_eq!(rivals("cannt", statements), ["cannot", "cannot-both"]);
        assert_eq!(rivals("Can", examples), [] as [&str; 0]);
        assert_eq!(rivals("kan", ["can"]), [] as [&str; 0]);
        // Whatever is left out of a word of the language, it does not become its neighbour.
        ROOT.walk(&mut |_, def| {
            let names: Vec<_> = def.children.iter().map(|child| child.name).collect();
            for meant in &names {
                let letters: Vec<_> = meant.chars().collect();
                for first in 0..letters.len() {
                    for second in 0..letters.len() {
                        let kept = letters.iter().enumerate();
                        let kept = kept.filter(|(at, _)| *at != first && *at != second);
                        let short: String = kept.map(|(_, letter)| letter).collect();
                        let found = slip(&short, names.iter().copied());
                        assert!(
                            found.is_none_or(|found| found == *meant || found == short),
                            "{short} in {}",
                            def.name
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn misspellings_find_their_name_and_strangers_none() {
        let known = ["may", "never", "gates", "sends-back", "write"];
        for (given, then) in [
            ("nevr", Some("never")),
            ("sends_back", Some("sends-back")),
            ("Gates", Some("gates")),
            ("wirte", Some("write")),
            ("description", None),
            ("zzz", None),
        ] {
            assert_eq!(nearest(given, known), then, "{given}");
        }
    }
}
