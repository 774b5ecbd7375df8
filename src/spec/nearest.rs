//! "Did you mean": the known name closest to a misspelled one.

use strsim::damerau_levenshtein;

/// Returns the one of `known` that `name` is most likely a misspelling of, if one is near enough:
/// at most a third of its letters wrong, and never more than three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).clamp(1, 3);
    let folded = name.to_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|candidate| (damerau_levenshtein(&folded, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || (length >= 3 && candidate.starts_with(&folded))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the one of `known` that `name` is for certain a slip of the finger for: the same letters
/// in another case or with `_` for `-`, or one letter wrong, missing, too many, or changed for its
/// neighbour in a word of at least four, while no other is as near.
pub(super) fn slip<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase().replace('_', "-");
    let mut near: Vec<_> = known
        .into_iter()
        .map(|candidate| (damerau_levenshtein(&folded, candidate), candidate))
        .filter(|(distance, _)| *distance <= 1)
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(0, only), ..] => Some(only),
        [(1, only)] if folded.chars().count() >= 4 => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{nearest, slip};

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
