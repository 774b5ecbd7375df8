//! What an agent is asked: the step's brief, its role's memory, and what came back to it.

use std::fmt::Write as _;

use super::{
    event::{Judgement, Refusal},
    gates::Ruling,
};
use crate::plan::Plan;

/// Returns what is asked in an attempt. A session that goes on knows the brief already.
pub(super) fn ask(brief: &str, feedback: Option<&str>, goes_on: bool) -> String {
    match feedback {
        None => brief.to_owned(),
        Some(feedback) if goes_on => feedback.to_owned(),
        Some(feedback) => format!("{}\n\n# What came back\n\n{feedback}", brief.trim_end()),
    }
}

/// Returns what an agent is told of changes that may not land.
pub(super) fn of_refusals(refused: &[Refusal]) -> String {
    let mut text = String::from(
        "Nothing of this attempt is accepted, since it changes what you may not change here. Put \
         these back as they were, and do the work without them:\n\n",
    );
    for refusal in refused {
        let Refusal { path, change, why } = refusal;
        let _ = writeln!(text, "- `{path}` ({change}): {why}");
    }
    text
}

/// Returns what an agent is told of gates that fail.
pub(super) fn of_gates(plan: &Plan, rulings: &[Ruling]) -> String {
    let mut text =
        String::from("The work is not accepted yet. Repair it so that the gates pass.\n\n");
    for ruling in rulings {
        if matches!(ruling.outcome, Judgement::Fail | Judgement::Broken) {
            text.push_str(&ruling.for_people(plan));
            text.push('\n');
        }
    }
    text
}

/// Returns what an agent is told of reasons for a failing verdict.
pub(super) fn of_reasons(from: &str, reasons: &[String]) -> String {
    let mut text = format!(
        "The step `{from}` looked at the work that has landed and does not pass it. Repair what it \
         names; your files are at the present tip of the branch.\n\n"
    );
    for reason in reasons {
        let _ = writeln!(text, "- {reason}");
    }
    text
}

/// Returns what a reviewer is told when the work that it did not pass was changed.
pub(super) fn of_repair(reasons: &[String]) -> String {
    let mut text = String::from(
        "You did not pass the work before. It was changed since; look at all of it again, and judge \
         it as it is now. What you named was:\n\n",
    );
    for reason in reasons {
        let _ = writeln!(text, "- {reason}");
    }
    text
}

/// Returns what an agent is told of a criterion whose command fails.
pub(super) fn of_criterion(text: &str, run: &str, output: &str) -> String {
    format!(
        "Everything has landed, and one acceptance criterion does not hold: {text}\n\n`{run}` fails:\
         \n\n{output}\n\nRepair it; your files are at the present tip of the branch.\n"
    )
}

/// Returns what an agent is told of work that landed meanwhile.
pub(super) fn of_conflicts(paths: &[String]) -> String {
    format!(
        "Other work has landed on the branch meanwhile, and yours was put on top of it. These files \
         have both versions, between conflict markers; make one of them:\n\n- `{}`\n",
        paths.join("`\n- `")
    )
}

/// Returns what an agent is told of files in which conflicts are left.
pub(super) fn of_markers(paths: &[String]) -> String {
    format!(
        "These files still have both versions between conflict markers; make one of them, and take the \
         markers away:\n\n- `{}`\n",
        paths.join("`\n- `")
    )
}
