//! The part of JSON Schema (draft 7) that the client's schema of settings uses. A keyword that is not
//! known here ends the test: nothing is passed over.

use serde_json::Value;

/// Returns what is wrong with `value`, by place; nothing where it is valid.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    Validator { root: schema }.check(schema, value, "", &mut faults);
    faults
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let rules = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return faults.push(format!("{at}: nothing may stand here")),
            Value::Object(rules) => rules,
            other => panic!("no schema: {other}"),
        };
        let length = |text: &str| u64::try_from(text.chars().count()).unwrap();
        for (keyword, rule) in rules {
            let holds = match keyword.as_str() {
                "type" => match rule {
                    Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                    kind => is_of(kind, value),
                },
                "const" => rule == value,
                "enum" => rule.as_array().unwrap().contains(value),
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| length(text) >= rule.as_u64().unwrap()),
                "pattern" => value
                    .as_str()
                    .is_none_or(|text| matches(rule.as_str().unwrap(), text)),
                "minimum" => value
                    .as_f64()
                    .is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|number| number <= rule.as_f64().unwrap()),
                "exclusiveMinimum" => value
                    .as_f64()
                    .is_none_or(|number| number > rule.as_f64().unwrap()),
                "minItems" => count(value).is_none_or(|count| count >= rule.as_u64().unwrap()),
                "maxItems" => count(value).is_none_or(|count| count <= rule.as_u64().unwrap()),
                "uniqueItems" => value.as_array().is_none_or(|items| {
                    let twice = |(index, item)| items[..index].contains(item);
                    !items.iter().enumerate().any(twice)
                }),
                "required" => value.as_object().is_none_or(|members| {
                    let mut names = rule.as_array().unwrap().iter();
                    names.all(|name| members.contains_key(name.as_str().unwrap()))
                }),
                "not" => !self.is_valid(rule, value),
                "anyOf" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| self.is_valid(one, value)),
                "oneOf" => {
                    let all = rule.as_array().unwrap().iter();
                    all.filter(|one| self.is_valid(one, value)).count() == 1
                }
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.root.pointer(pointer).unwrap(), value, at, faults);
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{index}"), faults);
                    }
                    true
                }
                "properties" => {
                    for (name, rule) in rule.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(rule, member, &format!("{at}/{name}"), faults);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    for (name, member) in value.as_object().into_iter().flatten() {
                        if rules
                            .get("properties")
                            .and_then(|known| known.get(name))
                            .is_none()
                        {
                            self.check(rule, member, &format!("{at}/{name}"), faults);
                        }
                    }
                    true
                }
                "propertyNames" => {
                    for name in value
                        .as_object()
                        .into_iter()
                        .flat_map(|members| members.keys())
                    {
                        self.check(
                            rule,
                            &Value::from(name.as_str()),
                            &format!("{at}/{name}"),
                            faults,
                        );
                    }
                    true
                }
                "$schema"
                | "$id"
                | "$defs"
                | "title"
                | "description"
                | "examples"
                | "default"
                | "format"
                | "allowTrailingCommas" => true,
                other => panic!("the keyword `{other}` is not known here"),
            };
            if !holds {
                faults.push(format!("{at}: `{keyword}` does not hold for {value}"));
            }
        }
    }
}

fn count(value: &Value) -> Option<u64> {
    Some(u64::try_from(value.as_array()?.len()).unwrap())
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("the type `{other}` is not known here"),
    }
}

// The client's tools that a rule may speak of. The schema has them in one long expression, of which
// this is the meaning; that it is still the same one is seen by its beginning.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(tools) = pattern
        .strip_prefix("^((")
        .and_then(|rest| rest.strip_suffix(r")(\([^)]+\))?|mcp__.*)$"))
    else {
        panic!("the expression `{pattern}` is not known here");
    };
    let (tool, subject) = match text.split_once('(') {
        Some((tool, rest)) => (tool, rest.strip_suffix(')')),
        None => (text, Some("any")),
    };
    text.starts_with("mcp__")
        || tools.split('|').any(|known| known == tool)
            && subject.is_some_and(|subject| !subject.is_empty() && !subject.contains(')'))
}
