//! Where work is told of while it is done: lines, and on a terminal one more below them that says what
//! is at work, and for how long.

use std::{
    cell::RefCell,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write},
    pin::pin,
    time::{Duration, Instant},
};

use super::Context;
use crate::run::{Event, Place};

/// How often the last line is written anew.
const TICK: Duration = Duration::from_secs(1);

/// Where work is told of.
pub(super) struct Screen<'o> {
    out: &'o mut dyn Write,
    live: Option<Live>,
}

// The line that is not there to stay.
struct Live {
    began: Instant,
    width: usize,
    // What is at work, and since when.
    working: Vec<(String, String, Instant)>,
    shown: bool,
}

impl<'o> Screen<'o> {
    /// Returns a screen that writes to `out`.
    pub(super) fn new(out: &'o mut dyn Write, context: &Context) -> Self {
        let live = io::stdout().is_terminal().then(|| Live {
            began: Instant::now(),
            width: context.width,
            working: Vec::new(),
            shown: false,
        });
        Self { out, live }
    }

    /// Writes lines that stay. A reader that is gone must not end the work; what counts is kept elsewhere.
    pub(super) fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.clear();
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }

    /// Says that `who` does `what` from now on.
    pub(super) fn works(&mut self, who: &str, what: &str) {
        if let Some(live) = &mut self.live {
            live.working.retain(|(known, _, _)| known != who);
            live.working
                .push((who.to_owned(), what.to_owned(), Instant::now()));
        }
    }

    /// Says that `who` does nothing any more.
    pub(super) fn rests(&mut self, who: &str) {
        if let Some(live) = &mut self.live {
            live.working.retain(|(known, _, _)| known != who);
        }
    }

    /// Takes what an event says of who is at work.
    pub(super) fn follow(&mut self, event: &Event) {
        let name = Place::to_string;
        match event {
            Event::RunStarted { .. } => self.works("the base", "gates"),
            Event::BaselineHeld | Event::BaselineRed { .. } => self.rests("the base"),
            Event::StepStarted { place, .. } => self.works(&name(place), "makes ready"),
            Event::AttemptStarted { place, attempt, .. } => {
                self.works(&name(place), &format!("attempt {attempt}"));
            }
            Event::AttemptEnded { place, .. } | Event::Merged { place, .. } => {
                self.works(&name(place), "audit and gates");
            }
            Event::LimitReached { place, .. } => {
                self.works(&name(place), "waits for the provider's limit");
            }
            Event::SentBack { place, .. } => self.works(&name(place), "makes ready"),
            Event::EffectStarted { place, .. } => self.works(&name(place), "its command"),
            Event::Landed { place, .. }
            | Event::Accepted { place, .. }
            | Event::StepFailed { place, .. }
            | Event::EffectEnded { place, .. } => self.rests(&name(place)),
            Event::Repair { by, .. } => {
                if let crate::run::Complaint::Verdict { from, .. } = by
                    && let Some(live) = &mut self.live
                {
                    let from = format!("/{from}");
                    live.working.retain(|(who, _, _)| !who.ends_with(&from));
                }
            }
            Event::RunResumed { .. }
            | Event::TaskSkipped { .. }
            | Event::GateJudged { .. }
            | Event::TaskStarted { .. }
            | Event::Landing { .. }
            | Event::Criterion { .. }
            | Event::TaskLanded { .. }
            | Event::Waiting { .. }
            | Event::Approved { .. }
            | Event::TaskTroubled { .. }
            | Event::TaskEnded { .. }
            | Event::Note { .. }
            | Event::RunCancelled
            | Event::RunEnded => {}
        }
    }

    fn tick(&mut self) {
        self.clear();
        let Some(live) = &mut self.live else {
            return;
        };
        let mut line = format!("  {}", clock(live.began.elapsed()));
        for (who, what, since) in &live.working {
            let _ = write!(line, "  {who}: {what} ({})", clock(since.elapsed()));
        }
        let line: String = line.chars().take(live.width.saturating_sub(1)).collect();
        if self.out.write_all(line.as_bytes()).is_ok() && self.out.flush().is_ok() {
            live.shown = true;
        }
    }

    fn clear(&mut self) {
        if let Some(live) = &mut self.live
            && std::mem::take(&mut live.shown)
        {
            let _ = self.out.write_all(b"\r\x1b[K");
        }
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.clear();
        let _ = self.out.flush();
    }
}

/// Waits for `work`, and shows meanwhile on `screen` that it goes on.
pub(super) async fn show<T>(screen: &RefCell<Screen<'_>>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let is_live = screen.borrow().live.is_some();
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick(), if is_live => screen.borrow_mut().tick(),
        }
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}
