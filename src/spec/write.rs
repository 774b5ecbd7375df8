//! Typed values → KDL text, for what a program and not a person adds to a spec.

use std::fmt::Write as _;

/// A task as somebody proposes it: texts that nobody has looked up yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTask {
    /// Its name.
    pub name: String,
    /// What is wanted.
    pub goal: String,
    /// How one sees that it is there.
    pub accept: Vec<NewAccept>,
    /// Who does what.
    pub steps: Vec<NewStep>,
}

/// An acceptance criterion of a [`NewTask`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewAccept {
    /// The criterion.
    pub text: String,
    /// The command that proves it.
    pub run: Option<String>,
    /// The role whose verdict proves it.
    pub by: Option<String>,
}

/// A step of a [`NewTask`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewStep {
    /// Its name.
    pub name: String,
    /// Who works.
    pub role: String,
    /// What comes out, where that is no commit.
    pub yields: Option<&'static str>,
    /// What to do.
    pub items: Vec<String>,
    /// What it may write, where that is less than the role may.
    pub files: Vec<String>,
    /// What to read before.
    pub read_first: Vec<String>,
    /// What must be accepted before.
    pub after: Vec<String>,
    /// Who repairs.
    pub sends_back: Option<String>,
}

impl NewTask {
    /// Returns the text of a spec file that holds just this task.
    pub fn to_kdl(&self) -> String {
        let mut text = String::new();
        let mut line = |depth: usize, words: &str| {
            let _ = writeln!(text, "{}{words}", "    ".repeat(depth));
        };
        line(0, &format!("task {} {{", quoted(&self.name)));
        line(1, &format!("goal {}", quoted(&self.goal)));
        for accept in &self.accept {
            let proof = match (&accept.run, &accept.by) {
                (Some(run), _) => format!(" {{ run {}; }}", quoted(run)),
                (None, Some(by)) => format!(" {{ by {}; }}", quoted(by)),
                (None, None) => String::new(),
            };
            line(1, &format!("accept {}{proof}", quoted(&accept.text)));
        }
        for step in &self.steps {
            let yields = step
                .yields
                .map(|yields| format!(" yields={}", quoted(yields)));
            let role = quoted(&step.role);
            let name = quoted(&step.name);
            line(
                1,
                &format!("step {name} role={role}{} {{", yields.unwrap_or_default()),
            );
            for (node, words) in [("after", &step.after), ("read-first", &step.read_first)] {
                if !words.is_empty() {
                    line(2, &format!("{node} {}", list(words)));
                }
            }
            if let Some(back) = &step.sends_back {
                line(2, &format!("sends-back {}", quoted(back)));
            }
            for item in &step.items {
                line(2, &format!("item {}", quoted(item)));
            }
            if !step.files.is_empty() {
                line(2, &format!("only {{ write {}; }}", list(&step.files)));
            }
            line(1, "}");
        }
        line(0, "}");
        text
    }
}

fn list(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// Returns `text` as a quoted KDL string, on one line whatever it holds.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() || is_line_break(letter) => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

// What KDL takes for a line break beside the control characters.
fn is_line_break(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_reads_back_as_it_was() {
        for text in [
            "",
            "a b",
            "say \"no\" \\ yes",
            "two\nlines\t",
            "#\"raw\"#",
            "\u{7}\u{2028}ü",
            "/* */ // {",
        ] {
            let document = kdl::KdlDocument::parse_v2(&format!("n {}", quoted(text))).unwrap();
            assert_eq!(document.get_arg("n").unwrap().as_string(), Some(text));
        }
    }

    #[test]
    fn a_task_is_written_as_a_person_would() {
        let task = NewTask {
            name: "pdf".into(),
            goal: "Export".into(),
            accept: vec![
                NewAccept {
                    text: "It answers".into(),
                    run: Some("sh t.sh".into()),
                    by: None,
                },
                NewAccept {
                    text: "It is neat".into(),
                    run: None,
                    by: None,
                },
            ],
            steps: vec![
                NewStep {
                    name: "build".into(),
                    role: "builder".into(),
                    items: vec!["Do it".into()],
                    ..NewStep::default()
                },
                NewStep {
                    name: "qa".into(),
                    role: "qa".into(),
                    yields: Some("verdict"),
                    after: vec!["build".into()],
                    sends_back: Some("build".into()),
                    files: vec!["reports/**".into()],
                    ..NewStep::default()
                },
            ],
        };
        insta::assert_snapshot!(task.to_kdl(), @r#"
        task "pdf" {
            goal "Export"
            accept "It answers" { run "sh t.sh"; }
            accept "It is neat"
            step "build" role="builder" {
                item "Do it"
            }
            step "qa" role="qa" yields="verdict" {
                after "build"
                sends-back "build"
                only { write "reports/**"; }
            }
        }
        "#);
    }
}
