//! What a session cost that did not live to say so: counted from the transcript that the client keeps.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::plan::{Model, Usd};

// The client keeps a folder for each place that it was started in; there is one here.
fn find(home: &Path, session: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(home.join(".claude/projects")).ok()?;
    folders
        .flatten()
        .map(|folder| folder.path().join(format!("{session}.jsonl")))
        .find(|path| fs::symlink_metadata(path).is_ok_and(|data| data.is_file()))
}

/// Returns whether the client can go on with a session.
pub(super) fn exists(home: &Path, session: &str) -> bool {
    find(home, session).is_some()
}

/// Returns how long the transcript of a session is so far.
pub(super) fn length(home: &Path, session: &str) -> u64 {
    find(home, session)
        .and_then(|path| fs::metadata(path).ok())
        .map_or(0, |data| data.len())
}

#[derive(Deserialize)]
struct Line {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    usage: Usage,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Usage {
    #[serde(rename = "input_tokens")]
    input: u64,
    #[serde(rename = "output_tokens")]
    output: u64,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: u64,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_write: u64,
}

/// Returns what the model's answers cost that were added to a transcript after its first `already`
/// bytes, by the prices of the plan; nothing where those or the transcript are not known.
pub(super) fn cost(home: &Path, session: &str, already: u64, model: &Model) -> Usd {
    let (Some(price), Some(path)) = (model.price, find(home, session)) else {
        return Usd::ZERO;
    };
    // An answer may stand in several lines, the last of which has the whole count.
    let mut answers: BTreeMap<String, Usage> = BTreeMap::new();
    let Ok(mut file) = File::open(path) else {
        return Usd::ZERO;
    };
    if file.seek(SeekFrom::Start(already)).is_err() {
        return Usd::ZERO;
    }
    let lines = BufReader::new(file.take(64 << 20))
        .split(b'\n')
        .map_while(Result::ok);
    for line in lines.filter_map(|line| serde_json::from_slice::<Line>(&line).ok()) {
        answers.insert(line.message.id, line.message.usage);
    }
    let cost = |tokens: u64, price: Usd| u128::from(tokens) * u128::from(price.micros);
    let millionths: u128 = answers
        .values()
        .map(|usage| {
            cost(usage.input, price.input)
                + cost(usage.output, price.output)
                + cost(usage.cache_read, price.cache_read.unwrap_or(price.input))
                + cost(usage.cache_write, price.cache_write.unwrap_or(price.input))
        })
        .sum();
    Usd {
        micros: u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::{cost, exists, length};
    use crate::plan::Model;

    #[test]
    fn a_session_costs_what_its_new_answers_cost() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".claude/projects/-w");
        fs::create_dir_all(&folder).unwrap();
        let answer = |id: &str, input: u64, output: u64| {
            json!({"type": "assistant", "message": {"id": id, "usage": {
                "input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 1000,
            }}})
            .to_string()
        };
        let old = format!("{}\n", answer("a", 1_000_000, 1_000_000));
        let new = [
            answer("b", 100, 1),
            answer("b", 100, 10),
            "{".to_owned(),
            answer("c", 0, 0),
            json!({"type": "user"}).to_string(),
        ];
        fs::write(folder.join("s.jsonl"), format!("{old}{}\n", new.join("\n"))).unwrap();
        let model: Model = serde_json::from_value(
            json!({"id": "m", "price": {"input": "5.00", "output": "25.00", "cache_read": "0.50"}}),
        )
        .unwrap();
        let already = old.len() as u64;
        // 100 × 5 + 10 × 25 + 2 × 1000 × 0.50 dollars for a million.
        assert_eq!(
            cost(home.path(), "s", already, &model).to_string(),
            "0.00175"
        );
        assert_eq!(cost(home.path(), "t", 0, &model).to_string(), "0.00");
        assert!(exists(home.path(), "s") && !exists(home.path(), "t"));
        assert!(length(home.path(), "s") > already);
        let unpriced = Model {
            price: None,
            ..model
        };
        assert_eq!(cost(home.path(), "s", 0, &unpriced).to_string(), "0.00");
    }
}
