//! Signals: the first one asks what is at work to end, a second one ends the process at once.
//!
//! A thread hears them for as long as the process lives, so that none is lost where nothing waits for
//! one: once a runtime has heard of a signal, the system's own answer to it does not come back. What is
//! ended at once takes all that it has started with it, and leaves a run that can be gone on with.

use std::{
    future::poll_fn,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::Poll,
    thread,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::run::process::Cancel;

const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;

/// What signals are heard as.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    cancel: Cancel,
    // Whether nothing is at work that could end by itself.
    idle: Arc<AtomicBool>,
}

/// Signals that are soon heard, while something else is done.
#[derive(Debug)]
pub(super) struct Hearing {
    interrupt: Interrupt,
    told: mpsc::Receiver<io::Result<()>>,
}

impl Hearing {
    /// Waits until signals are heard.
    pub(super) fn heard(self) -> miette::Result<Interrupt> {
        let heard = self.told.recv().map_err(io::Error::other);
        heard.flatten().map_err(unheard)?;
        Ok(self.interrupt)
    }
}

impl Interrupt {
    /// Hears signals from now on.
    pub(super) fn heard() -> miette::Result<Self> {
        Self::begin()?.heard()
    }

    /// Begins to hear signals.
    pub(super) fn begin() -> miette::Result<Hearing> {
        let (make, cancel) = Cancel::new();
        let idle = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let is_idle = Arc::clone(&idle);
        let hear = move || {
            let heard = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match heard {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            runtime.block_on(async {
                let mut signals = match signals() {
                    Ok(signals) => signals,
                    Err(error) => return drop(tell.send(Err(error))),
                };
                let _ = tell.send(Ok(()));
                let first = next(&mut signals).await;
                if is_idle.load(Ordering::SeqCst) {
                    end(first);
                }
                make.send_replace(true);
                end(next(&mut signals).await);
            });
        };
        let started = thread::Builder::new()
            .name("signals".to_owned())
            .spawn(hear);
        started.map_err(unheard)?;
        Ok(Hearing {
            interrupt: Self { cancel, idle },
            told,
        })
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

fn unheard(error: io::Error) -> miette::Report {
    miette::miette!("signals can't be heard: {error}")
}

fn signals() -> io::Result<Vec<(i32, Signal)>> {
    let mut signals = vec![
        (INTERRUPT, signal(SignalKind::interrupt())?),
        (TERMINATE, signal(SignalKind::terminate())?),
    ];
    // Whoever was told to outlive its terminal does.
    if !ignores_hangup() {
        signals.push((HANGUP, signal(SignalKind::hangup())?));
    }
    Ok(signals)
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
    mask.is_none_or(|mask| mask & (1 << (HANGUP - 1)) != 0)
}

async fn next(signals: &mut [(i32, Signal)]) -> i32 {
    poll_fn(|context| {
        for (number, signal) in &mut *signals {
            if let Poll::Ready(Some(())) = signal.poll_recv(context) {
                return Poll::Ready(*number);
            }
        }
        Poll::Pending
    })
    .await
}

// As a shell says it of a process that a signal ended.
fn end(number: i32) -> ! {
    std::process::exit(128 + number)
}
