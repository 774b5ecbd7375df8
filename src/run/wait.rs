//! Waiting for a provider's usage limit, which is nobody's fault and no attempt.

use std::time::{Duration, SystemTime};

use super::{
    error::ExecError,
    event::{Event, Place},
    exec::Runner,
};

/// The longest wait; a weekly limit is for the owner to decide about.
const MOST: Duration = Duration::from_hours(6);

/// How long is waited where the provider does not say.
const UNKNOWN: Duration = Duration::from_mins(5);

/// How often the clock is looked at: the machine may sleep meanwhile.
const LOOK: Duration = Duration::from_secs(30);

/// What became of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// One may go on.
    Over,
    /// It would take longer than a run waits.
    TooLong,
}

/// Waits until `resets_at`, or for a while where that is not known.
pub(super) async fn wait_for_limit(
    runner: &Runner<'_>,
    place: &Place,
    resets_at: Option<SystemTime>,
) -> Result<Waited, ExecError> {
    let until = resets_at.unwrap_or_else(|| SystemTime::now() + UNKNOWN);
    let left = || until.duration_since(SystemTime::now()).unwrap_or_default();
    if left() > MOST {
        return Ok(Waited::TooLong);
    }
    runner.event(Event::LimitReached {
        place: place.clone(),
        seconds: left().as_secs(),
    })?;
    let mut cancel = runner.cancel.clone();
    while !left().is_zero() {
        tokio::select! {
            () = tokio::time::sleep(left().min(LOOK)) => {}
            () = cancel.made() => return Err(ExecError::Cancelled),
        }
    }
    Ok(Waited::Over)
}
