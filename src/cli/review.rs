//! `factory snap review`: one question for each change.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, Write},
};

use super::{Context, ExitStatus, changes, count, print, snap};
use crate::{
    diagnostics::Sources,
    emit::{Prompt, PromptChange, Review, snapshot},
};

/// How many lines of a source are shown around the one that a change comes from.
const AROUND: usize = 3;

// What a person can say to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accept,
    Reject,
    Skip,
    Source,
    Quit,
}

// One thing to decide.
enum Question<'a> {
    Change(&'a PromptChange),
    New(&'a Prompt),
    Orphan(&'a str),
}

/// Asks for each change of `prompts` against what is `accepted`, and writes each that is accepted at once.
///
/// A change that several roles share is asked for once. The end of the input leaves the rest undecided.
pub(super) fn run(
    context: &Context,
    prompts: &[Prompt],
    accepted: &BTreeMap<String, String>,
    sources: &Sources,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let review = Review::of(prompts, accepted);
    if review.is_clean() {
        print(out, "the prompts are the accepted ones\n")?;
        return Ok(ExitStatus::Success);
    }
    let of_role = |role: &str| prompts.iter().find(|prompt| prompt.role == role);
    let new = review.new.iter().filter_map(|role| of_role(role));
    let questions: Vec<_> = (review.changes.iter().map(Question::Change))
        .chain(new.map(Question::New))
        .chain(review.orphans.iter().map(|path| Question::Orphan(path)))
        .collect();
    let mut chosen: Vec<&PromptChange> = Vec::new();
    let mut rejected = Vec::new();
    let mut taken = 0;
    for (index, question) in questions.iter().enumerate() {
        print(out, &format!("({}/{}) ", index + 1, questions.len()))?;
        print(out, &shown(question, sources, context))?;
        match ask(question, sources, input, out)? {
            Answer::Accept => {}
            Answer::Reject => {
                rejected.push(question);
                continue;
            }
            Answer::Skip | Answer::Source => continue,
            Answer::Quit => break,
        }
        let texts = match question {
            Question::Change(change) => {
                chosen.push(change);
                let roles = change.roles.iter().filter_map(|role| of_role(role));
                let text = |prompt: &Prompt| {
                    let path = snapshot::path(&prompt.role);
                    let file = accepted.get(&path).and_then(|file| snapshot::parse(file));
                    let text = Review::apply(&file.unwrap_or_default(), prompt, &chosen);
                    (path, Some(snapshot::render_text(&prompt.role, &text)))
                };
                roles.map(text).collect()
            }
            Question::New(prompt) => {
                let path = snapshot::path(&prompt.role);
                BTreeMap::from([(path, Some(snapshot::render(prompt)))])
            }
            Question::Orphan(path) => BTreeMap::from([((*path).to_owned(), None)]),
        };
        if let Some(conflicts) = snap::put(&context.root, &texts)? {
            print(out, &conflicts)?;
            if let Question::Change(_) = question {
                chosen.pop();
            }
            continue;
        }
        taken += 1;
    }
    let mut text = format!(
        "accepted {taken}, rejected {}, undecided {}\n",
        rejected.len(),
        questions.len() - taken - rejected.len()
    );
    for question in &rejected {
        if let Some(place) = edited_at(question, sources) {
            let _ = writeln!(text, "  to take it back, edit {place}");
        }
    }
    print(out, &text)?;
    Ok(if taken == questions.len() {
        ExitStatus::Success
    } else {
        ExitStatus::Findings
    })
}

fn shown(question: &Question<'_>, sources: &Sources, context: &Context) -> String {
    match question {
        Question::Change(change) => {
            changes::heading(change, sources) + &changes::lines(change, context.colour_out)
        }
        Question::New(prompt) => {
            let mut parts: Vec<&str> = Vec::new();
            for part in &prompt.parts {
                if part.line.is_some() && !parts.contains(&part.source.as_str()) {
                    parts.push(&part.source);
                }
            }
            format!(
                "{}: a prompt that nobody has accepted yet, {} from {}\n",
                prompt.role,
                count(prompt.text.lines().count(), "line"),
                parts.join(", ")
            )
        }
        Question::Orphan(path) => format!("{path} is accepted, and its role is gone: remove it?\n"),
    }
}

// What has to be edited where a change is not wanted.
fn edited_at(question: &Question<'_>, sources: &Sources) -> Option<String> {
    match question {
        Question::Change(change) => changes::place(change, sources),
        Question::New(prompt) => {
            let written = prompt.parts.iter().rfind(|part| part.line.is_some());
            written.map(|part| part.source.clone())
        }
        Question::Orphan(_) => None,
    }
}

fn ask(
    question: &Question<'_>,
    sources: &Sources,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> miette::Result<Answer> {
    loop {
        print(
            out,
            "accept, reject, skip, open the source, or quit? [a/r/s/o/q] ",
        )?;
        out.flush().map_err(miette::Report::from_err)?;
        let mut line = String::new();
        let read = input
            .read_line(&mut line)
            .map_err(miette::Report::from_err)?;
        let answer = match line.trim() {
            _ if read == 0 => Some(Answer::Quit),
            "a" | "accept" => Some(Answer::Accept),
            "r" | "reject" => Some(Answer::Reject),
            "s" | "skip" => Some(Answer::Skip),
            "o" | "open" => Some(Answer::Source),
            "q" | "quit" => Some(Answer::Quit),
            _ => None,
        };
        match answer {
            Some(Answer::Source) => print(out, &source(question, sources))?,
            Some(answer) => {
                // The answer of a person ends its line; one from a file does not.
                print(out, if read == 0 { "\n" } else { "" })?;
                return Ok(answer);
            }
            None => print(out, "a letter of these: a, r, s, o, q\n")?,
        }
    }
}

// The lines that a change comes from, or the whole of a prompt that is new.
fn source(question: &Question<'_>, sources: &Sources) -> String {
    let change = match question {
        Question::Change(change) => change,
        Question::New(prompt) => return prompt.text.clone(),
        Question::Orphan(_) => return "nothing makes it any more\n".to_owned(),
    };
    let cause = change.cause(sources);
    let known = cause.and_then(|cause| Some((sources.get(&cause.path)?, cause.line?)));
    let Some((source, line)) = known else {
        return "it comes from a template of the compiler: `factory templates` prints it\n"
            .to_owned();
    };
    let mut text = format!("{}\n", source.path());
    let lines = source.text().lines().enumerate();
    for (index, words) in lines
        .skip(line.saturating_sub(AROUND + 1))
        .take(2 * AROUND + 1)
    {
        let mark = if index + 1 == line { '>' } else { ' ' };
        let _ = writeln!(text, "{mark} {:>4}  {words}", index + 1);
    }
    text
}
