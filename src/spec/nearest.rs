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

#[cfg(test)]
mod tests {
    use super::nearest;

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
