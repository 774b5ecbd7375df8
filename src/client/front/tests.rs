//! Each file here was given to the real client, and is read as it read it.

use serde_json::json;

use super::{Head, Style, Unread, Value, read};

// What the client lists of an agent: its name, its description, and its tools where not all.
fn listed(text: &str) -> Option<(String, String, Option<Vec<String>>)> {
    let file = read(text).ok().filter(super::AgentText::is_loaded)?;
    let tools = file.field("tools").map(|found| match &found.field.value {
        Value::List(tools) => tools.clone(),
        _ => Vec::new(),
    });
    let words = |key| file.text(key).unwrap_or_default().to_owned();
    Some((words("name"), words("description"), tools))
}

fn head(lines: &str) -> String {
    format!("---\n{lines}\n---\nPrompt.\n")
}

#[test]
fn descriptions_are_read_as_the_client_reads_them() {
    let cases = [
        ("Use it", "Use it"),
        (
            "Use when: things: happen. user: \"x\"",
            "Use when: things: happen. user: \"x\"",
        ),
        (
            "Use.\\n\\n<example>\\nuser: \"x: y\"\\n</example>",
            "Use.\n\n<example>\nuser: \"x: y\"\n</example>",
        ),
        ("plain\\nnext\\ttab", "plain\nnext\\ttab"),
        ("|\n  one\n  two: x", "one\ntwo: x\n"),
        (">-\n  one\n  two: x", "one two: x"),
        ("first\n  second", "first second"),
        ("'it''s'", "it's"),
        ("\"a\\nb: c\"", "a\nb: c"),
        ("\"it\" said: x", "\"it\" said: x"),
        ("a\\d: \"q\" x", "a\\d: \"q\" x"),
        ("issue #12: x", "issue"),
        ("d # why", "d"),
        ("{curly} use", "{curly} use"),
        ("*bold* use", "*bold* use"),
        ("@mention `tick`", "@mention `tick`"),
        ("- a list: x", "- a list: x"),
        ("> text: after", "> text: after"),
        ("%percent", "%percent"),
        ("!important thing", "thing"),
        ("&anchor x", "x"),
        ("  d  d   ", "d  d"),
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("one\ndescription: two", "two"),
        ("d\n# comment: here", "d"),
    ];
    for (written, then) in cases {
        let file = head(&format!("name: a\ndescription: {written}\ntools: Read"));
        let tools = Some(vec!["Read".to_owned()]);
        assert_eq!(
            listed(&file),
            Some(("a".into(), then.into(), tools)),
            "{written}"
        );
    }
}

#[test]
fn what_the_client_leaves_aside_is_no_agent() {
    let heads = [
        "name: a",
        "description: d",
        "name: 123\ndescription: d",
        "name: true\ndescription: d",
        "name: 0x1F\ndescription: d",
        "name: [x]\ndescription: d",
        "name: a:b\ndescription: d",
        "name: a\ndescription: 12",
        "name: a\ndescription:",
        "name: a\ndescription: \"\"",
        "name: a\ndescription: [x, y]",
        "Name: a\nDescription: d",
        "name: a\n\tdescription: d",
        "name: a\ndescription: Use this\n\nExamples:\n<example>\nContext: x\n</example>",
        "name: a\ndescription: Use this\nmore text\ntools: Read",
        "name: a\ndescription: Use: this\n  more: text",
        "name: a\ndescription: \"unclosed\ntools: Read",
        "name: a\ndescription: \"quoted\" and: more \"q\"",
        "name: a\ndescription: |\n  x: y\ntools: Read: Grep",
        "name: a\ndescription: d\nfoo2: *x\nbar: {a: b",
        "name: a\ndescription: d\ntools: - Read",
        "name:a\ndescription:d",
        "name: a\ndescription: d\nhooks: []",
        "name: a\ndescription: d\nhooks: nonsense",
        "- a\n- b",
        "just text",
        "",
    ];
    for lines in heads {
        assert_eq!(listed(&head(lines)), None, "{lines}");
    }
    for file in [
        "# Read me\n",
        "\n\n---\nname: a\ndescription: d\n---\n",
        "---\nname: a\ndescription: d\n",
        "----\nname: a\ndescription: d\n----\n",
        "---\rname: a\rdescription: d\r---\r",
        "---\r\nname: a\r\ndescription: Use: x\r\n---\r\nB\r\n",
        "",
    ] {
        assert_eq!(listed(file), None, "{file}");
    }
}

#[test]
fn tools_are_parted_at_commas_and_blanks() {
    let cases: [(&str, Option<&[&str]>); 20] = [
        ("", None),
        ("tools: Read, Bash", Some(&["Read", "Bash"])),
        ("tools: Read Grep Bash", Some(&["Read", "Grep", "Bash"])),
        ("tools: [Read, \"Grep\"]", Some(&["Read", "Grep"])),
        ("tools:\n  - Read\n  - Grep", Some(&["Read", "Grep"])),
        ("tools:\n- Read\n- Grep", Some(&["Read", "Grep"])),
        ("tools: >\n  Read,\n  Grep", Some(&["Read", "Grep"])),
        ("tools: |\n  Read\n  Grep", Some(&["Read\nGrep"])),
        ("tools: 'Read, Grep'", Some(&["Read", "Grep"])),
        ("tools: Read, Grep,", Some(&["Read", "Grep"])),
        ("tools: Read; Grep", Some(&["Read;", "Grep"])),
        ("tools: Read: x", Some(&["Read:", "x"])),
        ("tools: [Read, Grep", Some(&["[Read", "Grep"])),
        (
            "tools: Bash(git log:*), Read",
            Some(&["Bash(git log:*)", "Read"]),
        ),
        (
            "tools: Agent(builder, qa), Read",
            Some(&["Agent(builder, qa)", "Read"]),
        ),
        ("tools: []", Some(&[])),
        ("tools: \"\"", Some(&[])),
        ("tools:", Some(&[])),
        ("tools: true", Some(&[])),
        ("tools: *", Some(&["*"])),
    ];
    for (line, then) in cases {
        let (_, _, tools) = listed(&head(&format!("name: a\ndescription: d\n{line}"))).unwrap();
        let then = then.map(|tools| tools.iter().map(|tool| (*tool).to_owned()).collect());
        assert_eq!(tools, then, "{line}");
    }
}

#[test]
fn marks_line_ends_and_odd_frames_are_read() {
    let files = [
        "\u{feff}---\nname: a\ndescription: d\n---\nB\n",
        "---\r\nname: a\r\ndescription: d\r\n---\r\nB\r\n",
        "---\r\nname: a\ndescription: d\r\n---\nB\n",
        "--- \nname: a\ndescription: d\n--- \nB\n",
        "---\n\nname: a\n\ndescription: d\n\n---\n\nB\n",
        "---\n  name: a\n  description: d\n---\nB\n",
        "---\n{name: a, description: d}\n---\nB\n",
        "---\n\"name\": a\n'description': d\n---\nB\n",
        "---\nname: a\ndescription: d\n---- x\nmore: y\n---\nB\n",
        "---\nname: a\ndescription: d\n---\nB1\n---\nB2\n",
        "---\nname: a\ndescription: d\n---",
        "---\nname:\ta\ndescription:\td\n---\nB\n",
        "---\n# c\nname: a # x\ndescription: d # y\nmetadata:\n  a: b\n---\nB\n",
    ];
    for file in files {
        assert_eq!(listed(file), Some(("a".into(), "d".into(), None)), "{file}");
        let parts = read(file).unwrap();
        let bom = if parts.bom { "\u{feff}" } else { "" };
        let whole = [bom, parts.open, parts.head, parts.close, parts.body].concat();
        assert_eq!(whole, file);
        let ends = parts.head.matches("\r\n").count();
        if parts.by_line && (ends == 0 || ends == parts.head.matches('\n').count()) {
            let end = if parts.head.contains("\r\n") {
                "\r\n"
            } else {
                "\n"
            };
            let lines: String = parts
                .fields
                .iter()
                .map(|found| found.field.lines(end))
                .collect();
            assert_eq!(lines, parts.head, "{file}");
        }
    }
    // The client ends the front matter at the first three dashes, wherever they stand.
    let cut = read("---\nname: a\ndescription: x --- y\n---\nB\n").unwrap();
    assert_eq!((cut.text("description"), cut.close), (Some("x"), "--- "));
}

#[test]
fn a_field_is_written_as_it_was_spelled_until_it_says_something_else() {
    let cases = [
        ("tools", "tools: Read, Grep\n", Style::Plain),
        ("tools", "tools: Read,Grep\n", Style::Tight),
        ("tools", "tools: Read Grep\n", Style::Blanks),
        ("tools", "tools: [Read, Grep]\n", Style::Flow),
        ("tools", "tools: [\"Read\", \"Grep\"]\n", Style::FlowQuoted),
        ("tools", "tools:\n  - Read\n  - Grep\n", Style::Block),
        ("tools", "tools:   Read,  Grep # why\n", Style::Other),
        ("description", "description: a\\nb: c\n", Style::Escaped),
        (
            "description",
            "description: \"a: \\\"b\\\"\"\n",
            Style::Double,
        ),
        ("description", "description: 'a: b'\n", Style::Single),
        ("description", "description: |\n  a\n  b\n", Style::Other),
        ("color", "color: red\n", Style::Plain),
        ("maxTurns", "maxTurns: 5\n", Style::Plain),
    ];
    for (key, line, style) in cases {
        let text = format!("---\n{line}---\n");
        let file = read(&text).unwrap();
        let mut field = file.field(key).unwrap().field.clone();
        assert_eq!((field.style, field.lines("\n").as_str()), (style, line));
        field.value = match field.value {
            Value::List(_) => Value::List(vec!["Bash".into()]),
            _ => Value::Text("x: \"y\"\nz".into()),
        };
        let changed = format!("---\n{}---\n", field.lines("\n"));
        let again = read(&changed).unwrap();
        assert_eq!(
            again.field(key).unwrap().field.value,
            field.value,
            "{changed}"
        );
    }
}

#[test]
fn a_place_is_that_of_the_fields_line() {
    let text = "\u{feff}---\nname: a\ntoolz: Read\n---\n";
    let file = read(text).unwrap();
    let found = file.field("toolz").unwrap();
    assert_eq!(&text[found.start..found.start + found.len], "toolz: Read");
}

#[test]
fn windows_line_ends_keep_the_client_from_mending() {
    let text = "---\r\nname: a\r\ndescription: Use: x\r\n---\r\n";
    assert!(matches!(read(text), Err(Unread::NoYaml { crlf: true, .. })));
    let text = "---\nname: a\ndescription: d\njunk\n---\n";
    assert!(matches!(
        read(text),
        Err(Unread::NoYaml { crlf: false, .. })
    ));
}

#[test]
fn a_field_with_parts_is_said_as_json_where_it_can_be() {
    for (text, then) in [
        (
            "hooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: \"true\"\n          timeout: 5\n",
            Some(
                json!({"Stop": [{"hooks": [{"type": "command", "command": "true", "timeout": 5}]}]}),
            ),
        ),
        (
            "hooks: {\"Stop\": [\"a: b\", ~, true]}\n",
            Some(json!({"Stop": ["a: b", null, true]})),
        ),
        ("hooks:\n", Some(json!(null))),
        ("hooks: a\nhooks: b\n", Some(json!("b"))),
        ("name: x\n", None),
        ("name: &a {b: c}\nhooks: *a\n", None),
        ("hooks: !x {a: b}\n", Some(json!({"a": "b"}))),
    ] {
        let file = format!("---\nname: n\ndescription: d\n{text}---\nP\n");
        let head = Head::of(&read(&file).unwrap());
        assert_eq!(head.json("hooks"), then, "{text}");
    }
}
