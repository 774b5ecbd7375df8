//! A stand-in for the service that the client speaks to: on this machine, by a script, and it keeps
//! what it was asked.
//!
//! Which turn answers is the number of answers that the conversation holds already, so a script starts
//! anew for each conversation, and a client that asks twice is told the same. Past the last turn the
//! last one is repeated.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// What the service answers to those whose system prompt holds some words.
pub struct Rule {
    name: &'static str,
    system: String,
    turns: Vec<Value>,
}

impl Rule {
    /// The rule called `name` for requests that offer tools and whose system prompt holds `system`.
    ///
    /// A turn is a text, or an object: `content` (texts and `{tool, input}`) or `text`, and `usage`,
    /// `delay_ms`, or `error` with a `status`.
    pub fn new(name: &'static str, system: &str, turns: Vec<Value>) -> Self {
        Self {
            name,
            system: system.to_owned(),
            turns,
        }
    }
}

/// A turn that calls the tool `name`.
pub fn tool(name: &str, input: Value) -> Value {
    json!({"content": [{"tool": name, "input": input}]})
}

/// The service, until the process ends.
pub struct Service {
    /// Where it listens.
    pub url: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Service {
    pub fn start(rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let rules = Arc::new(rules);
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rules, kept) = (Arc::clone(&rules), Arc::clone(&kept));
                // A client that hangs up is no event.
                thread::spawn(move || serve(stream, &rules, &kept));
            }
        });
        Self { url, asked }
    }

    /// Returns the requests that the rule called `name` answered, in order.
    pub fn requests(&self, name: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let of_rule = asked.iter().filter(|(rule, _)| rule == name);
        of_rule.map(|(_, body)| body.clone()).collect()
    }
}

fn serve(mut stream: TcpStream, rules: &[Rule], kept: &Mutex<Vec<(String, Value)>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = first.split([' ', '?']).nth(1)?;
    let (status, kind, text) = match path {
        "/v1/messages" => {
            let body: Value = serde_json::from_slice(&body).ok()?;
            answer(&body, rules, kept)
        }
        "/v1/messages/count_tokens" => plain(200, &json!({"input_tokens": length / 4 + 1})),
        "/v1/models" => plain(200, &json!({"data": [], "has_more": false})),
        _ => plain(404, &failure("not_found_error", path)),
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\nrequest-id: req_1\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(text.as_bytes()).ok()
}

fn answer(
    body: &Value,
    rules: &[Rule],
    kept: &Mutex<Vec<(String, Value)>>,
) -> (u16, &'static str, String) {
    let offers = body["tools"]
        .as_array()
        .is_some_and(|tools| !tools.is_empty());
    let system = words(&body["system"]);
    let rule = rules
        .iter()
        .find(|rule| offers && system.contains(&rule.system));
    let name = rule.map_or("", |rule| rule.name);
    let serial = {
        let mut kept = kept.lock().unwrap();
        kept.push((name.to_owned(), body.clone()));
        kept.len()
    };
    let turns = rule.map_or(&[][..], |rule| &rule.turns);
    let messages = body["messages"].as_array().into_iter().flatten();
    let said = messages
        .filter(|message| message["role"] == "assistant")
        .count();
    let turn = turns.get(said).or(turns.last()).cloned();
    let turn = match turn {
        Some(Value::String(text)) => json!({"text": text}),
        Some(turn) => turn,
        None => json!({"text": "(no rule)"}),
    };
    if let Some(delay) = turn["delay_ms"].as_u64() {
        thread::sleep(Duration::from_millis(delay));
    }
    if let Some(status) = turn["error"]["status"].as_u64() {
        let kind = turn["error"]["type"].as_str().unwrap_or("api_error");
        let status = u16::try_from(status).unwrap();
        return plain(status, &failure(kind, "by the script"));
    }
    let message = message(body, &turn, serial);
    if body["stream"] == true {
        (200, "text/event-stream", events(&message))
    } else {
        plain(200, &message)
    }
}

fn plain(status: u16, value: &Value) -> (u16, &'static str, String) {
    (status, "application/json", value.to_string())
}

fn failure(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn message(body: &Value, turn: &Value, serial: usize) -> Value {
    let text = json!([{"text": turn["text"]}]);
    let items = turn["content"].as_array().or(text.as_array()).unwrap();
    let mut calls = false;
    let mut content = Vec::new();
    for (index, item) in items.iter().enumerate() {
        content.push(if item["tool"].is_string() {
            calls = true;
            let id = format!("toolu_{serial:06}_{index}");
            json!({"type": "tool_use", "id": id, "name": item["tool"], "input": item["input"]})
        } else {
            let text = item.as_str().or(item["text"].as_str()).unwrap_or_default();
            json!({"type": "text", "text": text})
        });
    }
    let mut usage = json!({
        "input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": 10,
    });
    for (name, value) in turn["usage"].as_object().into_iter().flatten() {
        usage[name] = value.clone();
    }
    json!({
        "id": format!("msg_{serial:06}"), "type": "message", "role": "assistant",
        "model": body["model"], "content": content, "stop_sequence": null, "usage": usage,
        "stop_reason": if calls { "tool_use" } else { "end_turn" },
    })
}

// The streamed form of a message.
fn events(message: &Value) -> String {
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    let mut events = vec![json!({"type": "message_start", "message": start})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let mut empty = block.clone();
        let delta = if block["type"] == "tool_use" {
            empty["input"] = json!({});
            json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
        } else {
            empty["text"] = json!("");
            json!({"type": "text_delta", "text": block["text"]})
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": message["stop_reason"], "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    let event = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    events.iter().map(event).collect()
}

/// Returns all text of a prompt or of a message's content, the results of tools included.
pub fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(block) => block
            .get("text")
            .or(block.get("content"))
            .map(words)
            .unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}
