//! The `command` driver: any program that reads a brief. The `replay` driver is one, too.
//!
//! The program starts in the checkout. On standard input it finds the prompt and the brief; in
//! `FACTORY_ROLE`, `FACTORY_TASK`, `FACTORY_STEP`, `FACTORY_ATTEMPT`, and `FACTORY_SESSION` where it
//! is; in `FACTORY_ASKED` what is expected as its last word (`text`, `verdict`, or `task`); in
//! `FACTORY_ANSWER` the path of a file to which it may write a [`Reply`]. Exit code 0 means that it
//! is done.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    AgentError, Answer, Assignment, Attempt, Ended, Held, Reply,
    child::{self, Program, last_words},
    private::{Private, environment, file, fresh},
};
use crate::run::process::{Cancel, Exit};

/// Runs the program that the plan names.
pub(super) async fn attempt(
    assignment: &Assignment,
    cancel: Cancel,
) -> Result<Attempt, AgentError> {
    let command = &assignment.plan.factory.driver.command;
    let (program, files) = program(assignment, command, "")?;
    let args = command.iter().skip(1).map(OsString::from).collect();
    run(assignment, program, args, files, cancel).await
}

/// Plays the recorded answer of this attempt.
pub(super) async fn replay(assignment: &Assignment, cancel: Cancel) -> Result<Attempt, AgentError> {
    let recording = recording(assignment)?;
    let args = vec!["replay-agent".into(), recording.clone().into()];
    let program = assignment.exe.clone().into();
    run(assignment, program, args, vec![recording], cancel).await
}

/// Returns the program that the driver's `command` begins with, and the files outside the checkout
/// that it names. A path with a slash counts from the project, where it was reviewed, and not from the
/// checkout, where an agent may have written it.
pub(super) fn program(
    assignment: &Assignment,
    command: &[String],
    otherwise: &str,
) -> Result<(OsString, Vec<PathBuf>), AgentError> {
    let first = command.first().map_or(otherwise, String::as_str);
    if first.is_empty() {
        return Err(AgentError::Driver(
            "the driver's command is empty".to_owned(),
        ));
    }
    let named: Vec<PathBuf> = command
        .iter()
        .map(PathBuf::from)
        .filter(|word| word.is_absolute() && word.exists())
        .collect();
    if first.contains('/') {
        let path = assignment.project.join(first);
        let program = path.clone().into();
        return Ok((program, [named, vec![path]].concat()));
    }
    Ok((first.into(), named))
}

// Where the recorded answer of this attempt lies.
fn recording(assignment: &Assignment) -> Result<PathBuf, AgentError> {
    let Some(folder) = &assignment.plan.factory.driver.recordings else {
        return Err(AgentError::Driver(
            "the driver `replay` has no folder of recordings".to_owned(),
        ));
    };
    let folder = assignment.project.join(folder);
    let Assignment {
        task,
        step,
        attempt,
        ..
    } = assignment;
    let path = match assignment.answer {
        Answer::Task => folder.join(format!("plan.{attempt}.json")),
        Answer::Text | Answer::Verdict => folder.join(task).join(format!("{step}.{attempt}.json")),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(AgentError::NoRecording { path })
    }
}

async fn run(
    assignment: &Assignment,
    program: OsString,
    args: Vec<OsString>,
    files: Vec<PathBuf>,
    cancel: Cancel,
) -> Result<Attempt, AgentError> {
    let boundary = assignment.boundary()?;
    let private = Private::prepare(&assignment.private)?;
    let answer = fresh(&private.out, "answer.json")?;
    let passes = &assignment.plan.factory.driver.env;
    let mut environment = environment(assignment, &boundary, &private, passes);
    environment.insert("FACTORY_ANSWER".into(), answer.clone().into());
    let asked = match assignment.answer {
        Answer::Text => "text",
        Answer::Verdict => "verdict",
        Answer::Task => "task",
    };
    environment.insert("FACTORY_ASKED".into(), asked.into());
    if let Some(session) = &assignment.session {
        environment.insert("FACTORY_SESSION".into(), session.into());
    }
    let input = brief(assignment).into_bytes();
    let program = Program {
        command: program,
        args,
        input,
        environment,
        files,
    };
    let (finished, held) = child::run(assignment, &boundary, &private, program, cancel).await?;
    let ended = match finished.exit {
        Exit::Code(0) => Ended::Completed,
        Exit::TimedOut => Ended::TimedOut,
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => Ended::Failed(last_words(&finished)),
    };
    let stdout = String::from_utf8_lossy(&finished.stdout)
        .trim_end()
        .to_owned();
    hand_over(assignment, &answer, stdout, held, ended)
}

fn hand_over(
    assignment: &Assignment,
    answer: &Path,
    stdout: String,
    held: Held,
    ended: Ended,
) -> Result<Attempt, AgentError> {
    let (reply, ended) = match read(answer) {
        Ok(reply) => (reply.unwrap_or_default(), ended),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => (
            Reply::default(),
            match ended {
                Ended::Completed => Ended::Formless(format!("its answer can't be read: {error}")),
                ended => ended,
            },
        ),
        Err(cause) => return Err(file(answer, cause)),
    };
    Ok(reply.into_attempt(assignment.answer, assignment.budget, stdout, held, ended))
}

// The agent wrote the file, so it may be anything; a link is not followed.
fn read(path: &Path) -> io::Result<Option<Reply>> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => {}
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no plain file",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let text = fs::read(path)?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

// The prompt and the brief, with a line between them that neither begins with by chance.
fn brief(assignment: &Assignment) -> String {
    format!(
        "{}\n\n===== factory: brief for {}/{}, attempt {} =====\n\n{}\n",
        assignment.prompt.trim_end(),
        assignment.task,
        assignment.step,
        assignment.attempt,
        assignment.brief.trim_end()
    )
}
