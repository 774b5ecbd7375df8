//! What happens in a run, as people read it while it does.

use std::fmt::Write as _;

use super::plain::{one_line, visible};
use crate::run::{
    AttemptEnd, Complaint, Event, Failure, Judgement, Place, Proven, Sender, TaskEnd,
};

/// Writes events as lines, one thought each.
pub(super) struct Teller {
    colour: bool,
    // How wide the names of steps are shown.
    width: usize,
}

#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Good,
    Bad,
    Quiet,
}

impl Teller {
    /// Returns a teller of a run whose longest step name has `width` letters.
    pub(super) fn new(colour: bool, width: usize) -> Self {
        Self {
            colour,
            width: width.clamp(8, 24),
        }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            _ if !self.colour => return text.to_owned(),
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Quiet => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn at(&self, place: &Place, tone: Tone, text: &str) -> String {
        format!(
            "  {:width$}  {}\n",
            place.step,
            self.paint(tone, &one_line(text)),
            width = self.width
        )
    }

    fn head(&self, name: &str, tone: Tone, text: &str) -> String {
        format!(
            "  {name:width$}  {}\n",
            self.paint(tone, &one_line(text)),
            width = self.width
        )
    }

    // A line that goes on with the one before.
    fn more(&self, tone: Tone, text: &str) -> String {
        format!(
            "  {:width$}    {}\n",
            "",
            self.paint(tone, &one_line(text)),
            width = self.width
        )
    }

    /// Returns what to show of `event`; nothing where a person need not be told.
    pub(super) fn tell(&self, event: &Event) -> String {
        match event {
            Event::RunStarted {
                run, base, tasks, ..
            } => {
                format!("run {run} from {}: {}\n", short(base), tasks.join(", "))
            }
            Event::RunResumed { retry: false, .. } => "the run goes on\n".to_owned(),
            Event::RunResumed { retry: true, .. } => {
                "the run goes on, and what failed is tried again\n".to_owned()
            }
            Event::TaskSkipped { task, commit } => {
                let text = format!("{task} has landed before, at {}", short(commit));
                self.head("skipped", Tone::Quiet, &text)
            }
            Event::GateJudged {
                place,
                gate,
                outcome,
                replayed,
                millis,
            } => {
                let how = if *replayed {
                    "replayed".to_owned()
                } else {
                    seconds(*millis)
                };
                let (tone, word) = match outcome {
                    Judgement::Pass => (Tone::Good, "passes"),
                    Judgement::Fail => (Tone::Bad, "fails"),
                    Judgement::Nothing => (Tone::Quiet, "has nothing to check"),
                    Judgement::Broken => (Tone::Bad, "could not judge"),
                };
                let text = format!("gate {gate} {word} ({how})");
                match place {
                    Some(place) => self.at(place, tone, &text),
                    None => self.head("baseline", tone, &text),
                }
            }
            Event::BaselineHeld
            | Event::StepStarted { .. }
            | Event::Landing { .. }
            | Event::RunEnded => String::new(),
            Event::BaselineRed { gates, output } => {
                let text = format!("{} without any change: no agent is started", fails(gates));
                format!(
                    "{}{}",
                    self.head("baseline", Tone::Bad, &text),
                    indented(output)
                )
            }
            Event::TaskStarted { task, branch, .. } => format!("{task} on branch {branch}\n"),
            Event::AttemptStarted {
                place,
                attempt,
                budget,
            } => self.at(
                place,
                Tone::Plain,
                &format!("attempt {attempt} starts, up to ${budget}"),
            ),
            Event::AttemptEnded {
                place,
                attempt,
                end,
                cost,
                guarded,
                ..
            } => {
                let (tone, how) = match end {
                    AttemptEnd::Completed => (Tone::Plain, "is done".to_owned()),
                    AttemptEnd::Budget => (Tone::Bad, "used up its budget".to_owned()),
                    AttemptEnd::TimedOut => (Tone::Bad, "used up its time".to_owned()),
                    AttemptEnd::Limit => (Tone::Quiet, "met the provider's limit".to_owned()),
                    AttemptEnd::Failed { why } => (Tone::Bad, format!("failed: {why}")),
                };
                let mut text = self.at(place, tone, &format!("attempt {attempt} {how}, ${cost}"));
                for refused in guarded {
                    text.push_str(&self.more(Tone::Bad, &format!("guard refused: {refused}")));
                }
                text
            }
            Event::LimitReached { place, seconds } => {
                let text = format!("waits {} for the provider's limit", minutes(*seconds));
                self.at(place, Tone::Quiet, &text)
            }
            Event::SentBack {
                place,
                by,
                feedback,
            } => self.sent_back(place, by, feedback),
            Event::Repair {
                place, by, again, ..
            } => self.repair(place, by, again),
            Event::Merged {
                place,
                onto,
                conflicts,
                ..
            } => {
                let text = if conflicts.is_empty() {
                    format!("the branch moved; put on {} and judged again", short(onto))
                } else {
                    format!("the branch moved, and {} conflict", conflicts.join(", "))
                };
                self.at(place, Tone::Plain, &text)
            }
            Event::Landed {
                place,
                commit,
                subject,
            } => self.at(
                place,
                Tone::Good,
                &format!("commit {} {subject}", short(commit)),
            ),
            Event::Accepted {
                place,
                verdict,
                files,
            } => {
                let mut text = match verdict {
                    Some(_) => "verdict: pass".to_owned(),
                    None => "done".to_owned(),
                };
                if !files.is_empty() {
                    let _ = write!(text, "; kept with the run: {}", files.join(", "));
                }
                self.at(place, Tone::Good, &text)
            }
            Event::StepFailed { place, why, kept } => {
                let mut text = self.at(place, Tone::Bad, &format!("stopped: {why}"));
                if let Failure::Attempts { last, .. } = why {
                    text.push_str(&indented(end(last)));
                }
                if let Some(kept) = kept {
                    text.push_str(&self.more(Tone::Plain, &format!("its work is kept as {kept}")));
                }
                text
            }
            Event::Criterion { text, proof, .. } => {
                let (tone, how) = match proof {
                    Proven::Command { run } => (Tone::Good, format!("proven by `{run}`")),
                    Proven::Refuted { run, .. } => (Tone::Bad, format!("refuted by `{run}`")),
                    Proven::Verdict { role, .. } => {
                        (Tone::Good, format!("proven by the verdict of {role}"))
                    }
                    Proven::Nobody => (Tone::Quiet, "proven by nobody".to_owned()),
                };
                self.head("criterion", tone, &format!("{how}: {text}"))
            }
            Event::TaskLanded { task, commit, .. } => self.head(
                "landed",
                Tone::Good,
                &format!("{task} at {}", short(commit)),
            ),
            Event::Waiting {
                place,
                approval,
                started,
            } => {
                let text = format!("waits for {approval}: factory approve {place}");
                let mut text = self.at(place, Tone::Plain, &text);
                if *started {
                    text.push_str(&self.more(Tone::Bad, STARTED));
                }
                text
            }
            Event::Approved { place, by } => {
                self.at(place, Tone::Plain, &format!("approved by {by}"))
            }
            Event::EffectStarted { place, commit } => {
                self.at(place, Tone::Plain, &format!("runs at {}", short(commit)))
            }
            Event::EffectEnded {
                place,
                code,
                output,
            } => {
                let (tone, how) = match code {
                    Some(0) => (Tone::Good, "done".to_owned()),
                    Some(code) => (Tone::Bad, format!("exited with {code}")),
                    None => (Tone::Bad, "was ended".to_owned()),
                };
                let more = if *code == Some(0) {
                    String::new()
                } else {
                    indented(output)
                };
                format!("{}{more}", self.at(place, tone, &how))
            }
            Event::TaskTroubled { task, what } => {
                self.head("trouble", Tone::Bad, &format!("{task}: {what}"))
            }
            Event::TaskEnded { task, end, landed } => {
                let (tone, how) = match (end, landed) {
                    (TaskEnd::Finished, _) => (Tone::Good, "finished"),
                    (TaskEnd::Waiting, _) => (Tone::Plain, "waits for a person"),
                    (TaskEnd::Failed, true) => (Tone::Bad, "has landed, and stopped after that"),
                    (TaskEnd::Failed, false) => (Tone::Bad, "has stopped without landing"),
                };
                format!("{}\n", self.paint(tone, &format!("{task} {how}")))
            }
            Event::Note { text } => self.head("note", Tone::Quiet, text),
            Event::RunCancelled => "cancelled; `factory exec --resume` goes on\n".to_owned(),
        }
    }

    fn sent_back(&self, place: &Place, by: &Sender, feedback: &str) -> String {
        match by {
            Sender::Audit { refused } => {
                let mut text = self.at(
                    place,
                    Tone::Bad,
                    "refused: changes outside its boundary; sent back",
                );
                for refusal in refused {
                    let line = format!("{} {}: {}", refusal.change, refusal.path, refusal.why);
                    text.push_str(&self.more(Tone::Bad, &line));
                }
                text
            }
            Sender::Gates { gates } => {
                let text = format!("{}; sent back with what it said", fails(gates));
                self.at(place, Tone::Bad, &text)
            }
            Sender::Runner => {
                let first = feedback.lines().next().unwrap_or_default();
                self.at(place, Tone::Bad, &format!("sent back: {first}"))
            }
        }
    }

    fn repair(&self, place: &Place, by: &Complaint, again: &[String]) -> String {
        let mut text = match by {
            Complaint::Verdict { from, verdict } => {
                let text = format!("{from} says fail; sent back to {}", place.step);
                let mut text = self.at(place, Tone::Bad, &text);
                for reason in &verdict.reasons {
                    text.push_str(&self.more(Tone::Bad, &reason.text));
                }
                text
            }
            Complaint::Criterion { text } => {
                let text = format!("to repair, for it is not proven: {text}");
                self.at(place, Tone::Bad, &text)
            }
        };
        if !again.is_empty() {
            let again = format!("then again: {}", again.join(", "));
            text.push_str(&self.more(Tone::Plain, &again));
        }
        text
    }
}

/// What there is to know of a step that is to be started again.
pub(super) const STARTED: &str =
    "its command was started before, and nobody knows how far it came; look before you approve";

/// How many lines are shown of what came back from the last attempt.
const LAST: usize = 20;

/// Returns the last lines of a text, without the empty ones around them.
pub(super) fn end(text: &str) -> &str {
    let text = text.trim();
    let from = text.rmatch_indices('\n').nth(LAST - 1);
    from.map_or(text, |(at, _)| text.get(at + 1..).unwrap_or(text))
}

fn fails(gates: &[String]) -> String {
    match gates {
        [gate] => format!("gate {gate} fails"),
        gates => format!("gates {} fail", gates.join(", ")),
    }
}

/// Returns the first letters of a commit's id.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

fn seconds(millis: u64) -> String {
    if millis < 1000 {
        format!("{millis} ms")
    } else {
        format!("{}.{} s", millis / 1000, millis % 1000 / 100)
    }
}

fn minutes(seconds: u64) -> String {
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds.div_ceil(60))
    }
}

/// Returns a text of someone else's, set apart.
pub(super) fn indented(text: &str) -> String {
    visible(text).lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "    | {line}");
        all
    })
}
