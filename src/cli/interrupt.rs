//! Signals: the first one asks what is at work to end, a second one ends the process at once.
//!
//! A thread hears them for as long as the process lives, so that none is lost where nothing waits for
//! one: once a signal is heard, the system's own answer to it does not come back. What is ended at once
//! takes all that it has started with it, and leaves a run that can be gone on with.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::run::process::Cancel;

/// What signals are heard as.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    cancel: Cancel,
    // Whether nothing is at work that could end by itself.
    idle: Arc<AtomicBool>,
}

impl Interrupt {
    /// Hears signals from now on.
    pub(super) fn heard() -> miette::Result<Self> {
        let unheard = |error: io::Error| miette::miette!("signals can't be heard: {error}");
        let (make, cancel) = Cancel::new();
        let idle = Arc::new(AtomicBool::new(false));
        let mut signals = signals().map_err(unheard)?;
        let is_idle = Arc::clone(&idle);
        let hear = move || {
            let mut signals = signals.forever();
            if let Some(first) = signals.next() {
                if is_idle.load(Ordering::SeqCst) {
                    end(first);
                }
                make.send_replace(true);
            }
            if let Some(second) = signals.next() {
                end(second);
            }
        };
        let started = thread::Builder::new()
            .name("signals".to_owned())
            .spawn(hear);
        started.map_err(unheard)?;
        Ok(Self { cancel, idle })
    }

    /// Returns the wish that the first signal makes.
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Does what a person is asked in; a signal ends the process meanwhile.
    pub(super) fn while_idle<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.idle.store(true, Ordering::SeqCst);
        let answer = ask();
        self.idle.store(false, Ordering::SeqCst);
        answer
    }
}

fn signals() -> io::Result<Signals> {
    let heard = [SIGINT, SIGTERM, SIGHUP];
    // Whoever was told to outlive its terminal does.
    let count = if ignores_hangup() { 2 } else { 3 };
    Signals::new(heard.iter().take(count))
}

// `nohup` says so by the signals that a process ignores, which no safe call tells.
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

// As a shell says it of a process that a signal ended.
fn end(number: i32) -> ! {
    std::process::exit(128 + number)
}
