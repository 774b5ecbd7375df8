//! Waiting for a provider's usage limit, which is nobody's fault and no attempt.

use std::time::{Duration, SystemTime};

use super::{
    error::ExecError,
    event::{Event, Place},
    exec::Runner,
};

/// How long is waited in all before one attempt; a weekly limit is for the owner to decide about.
const MOST: Duration = Duration::from_hours(6);

/// How long is waited where the provider does not say.
const UNKNOWN: Duration = Duration::from_mins(5);

/// How long is waited at least where the last wait was in vain; then twice as long, each time.
const LEAST: Duration = Duration::from_secs(1);

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

/// Waits until `resets_at`, or for a while where that is not known, has passed, or has shown to be wrong.
pub(super) async fn wait_for_limit(
    runner: &Runner<'_>,
    place: &Place,
    resets_at: Option<SystemTime>,
) -> Result<Waited, ExecError> {
    let state = runner.state(place);
    let now = SystemTime::now();
    let Some(pause) = pause(
        resets_at,
        now,
        state.limits,
        Duration::from_secs(state.waited),
    ) else {
        return Ok(Waited::TooLong);
    };
    let until = now + pause;
    let left = || until.duration_since(SystemTime::now()).unwrap_or_default();
    runner.event(Event::LimitReached {
        place: place.clone(),
        seconds: pause.as_secs(),
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

// How long to wait after `limits` waits that were in vain and took `waited` together; nothing where that
// is too long.
fn pause(
    resets_at: Option<SystemTime>,
    now: SystemTime,
    limits: u32,
    waited: Duration,
) -> Option<Duration> {
    let said = match resets_at {
        Some(moment) => moment.duration_since(now).unwrap_or_default(),
        None => UNKNOWN,
    };
    let is_past = resets_at.is_some_and(|moment| moment <= now);
    let rounds = limits + u32::from(is_past);
    let least = match rounds.checked_sub(1) {
        None => Duration::ZERO,
        Some(rounds) => LEAST
            .saturating_mul(2_u32.saturating_pow(rounds))
            .min(UNKNOWN),
    };
    let pause = said.max(least);
    (waited.saturating_add(pause) <= MOST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::pause;

    #[test]
    fn no_provider_makes_a_run_start_agents_without_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000);
        let seconds = Duration::from_secs;
        let at = |from_now: u64| Some(now + seconds(from_now));
        let past = Some(now - seconds(60));
        // (when it ends, how often it was met before, how long that was waited for, how long is waited)
        let cases = [
            (at(0), 0, 0, Some(1)),
            (past, 0, 0, Some(1)),
            (past, 1, 1, Some(2)),
            (past, 20, 600, Some(300)),
            (at(10), 0, 0, Some(10)),
            (at(10), 8, 100, Some(128)),
            (None, 0, 0, Some(300)),
            (at(3600 * 6), 0, 0, Some(3600 * 6)),
            (at(3600 * 6 + 1), 0, 0, None),
            (past, 80, 3600 * 6 - 10, None),
        ];
        for (resets_at, limits, waited, expected) in cases {
            let found = pause(resets_at, now, limits, seconds(waited));
            assert_eq!(
                found,
                expected.map(seconds),
                "{resets_at:?} {limits} {waited}"
            );
        }
        // However it goes on, it comes to an end, and soon to few starts.
        let (mut limits, mut waited) = (0, Duration::ZERO);
        while let Some(pause) = pause(past, now, limits, waited) {
            limits += 1;
            waited += pause;
        }
        assert!(limits < 90, "{limits}");
    }
}
