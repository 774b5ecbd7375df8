//! A check of JSON against a JSON Schema of draft 4, as far as the schemas here go: a keyword that it
//! does not know is a panic and no pass. The crates for it bring an HTTP client and some eighty others.

use serde_json::Value;

/// Keywords that say nothing of what is valid.
const WORDS: [&str; 7] = [
    "$schema",
    "id",
    "title",
    "description",
    "default",
    "definitions",
    "format",
];

/// A schema.
pub struct Schema(Value);

impl Schema {
    /// Reads a schema.
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Returns all that is wrong with `value`, each with its place.
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.look(&self.0, value, "", &mut faults);
        faults
    }

    fn look(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let keywords = schema.as_object().unwrap();
        if let Some(other) = keywords.get("$ref") {
            let pointer = other.as_str().unwrap().strip_prefix('#').unwrap();
            return self.look(self.0.pointer(pointer).unwrap(), value, at, faults);
        }
        for (keyword, said) in keywords {
            let right = match keyword.as_str() {
                "type" => match said.as_array() {
                    Some(types) => types.iter().any(|name| is(value, name)),
                    None => is(value, said),
                },
                "enum" => said.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|n| n >= said.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|n| n <= said.as_f64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|list| list.len() as u64 >= said.as_u64().unwrap()),
                "uniqueItems" => value.as_array().is_none_or(|list| {
                    let twice = |(index, one)| list.iter().skip(index + 1).any(|two| two == one);
                    said == false || !list.iter().enumerate().any(twice)
                }),
                "required" => said.as_array().unwrap().iter().all(|name| {
                    value
                        .as_object()
                        .is_none_or(|fields| fields.contains_key(name.as_str().unwrap()))
                }),
                "anyOf" => self.matching(said, value) >= 1,
                "oneOf" => self.matching(said, value) == 1,
                "pattern" => matches(said.as_str().unwrap(), value),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.look(said, item, &format!("{at}/{index}"), faults);
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in said.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.look(schema, value, &format!("{at}/{name}"), faults);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known = keywords.get("properties").and_then(Value::as_object);
                    for (name, value) in value.as_object().into_iter().flatten() {
                        let at = format!("{at}/{name}");
                        if known.is_some_and(|known| known.contains_key(name)) {
                        } else if said == false {
                            faults.push(format!("{at} is not known"));
                        } else if said != true {
                            self.look(said, value, &at, faults);
                        }
                    }
                    true
                }
                word if WORDS.contains(&word) => true,
                other => panic!("no schema here has said `{other}` so far"),
            };
            if !right {
                faults.push(format!("{at} breaks `{keyword}`: {said}"));
            }
        }
    }

    fn matching(&self, schemas: &Value, value: &Value) -> usize {
        let fits = |schema: &&Value| {
            let mut faults = Vec::new();
            self.look(schema, value, "", &mut faults);
            faults.is_empty()
        };
        schemas.as_array().unwrap().iter().filter(fits).count()
    }
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("no type is called `{other}`"),
    }
}

// The few patterns that our output meets.
fn matches(pattern: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return true;
    };
    match pattern {
        "^factory::[a-z-]+::[a-z-]+$" => {
            let parts: Vec<_> = text.split("::").collect();
            let plain = |part: &&str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            };
            parts.len() == 3 && parts.first() == Some(&"factory") && parts.iter().all(plain)
        }
        other => panic!("no output here has met the pattern `{other}` so far"),
    }
}
