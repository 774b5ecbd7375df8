//! Jobs that run at the same time on one thread, and may borrow from whoever runs them.

use std::{future::poll_fn, pin::Pin, task::Poll};

use super::{error::ExecError, schedule::Job};

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), ExecError>> + 'a>>;

/// What runs. Dropping it ends all of it.
#[derive(Default)]
pub(super) struct Jobs<'a>(Vec<(Job, Running<'a>)>);

impl<'a> Jobs<'a> {
    /// Returns what runs.
    pub(super) fn names(&self) -> impl Iterator<Item = &Job> {
        self.0.iter().map(|(job, _)| job)
    }

    /// Adds a job; it starts with the next [`Self::next`].
    pub(super) fn push(
        &mut self,
        job: Job,
        work: impl Future<Output = Result<(), ExecError>> + 'a,
    ) {
        self.0.push((job, Box::pin(work)));
    }

    /// Waits for the end of any job; nothing where none runs.
    pub(super) async fn next(&mut self) -> Option<(Job, Result<(), ExecError>)> {
        if self.0.is_empty() {
            return None;
        }
        poll_fn(|context| {
            for (index, (_, work)) in self.0.iter_mut().enumerate() {
                if let Poll::Ready(result) = work.as_mut().poll(context) {
                    let (job, _) = self.0.remove(index);
                    return Poll::Ready(Some((job, result)));
                }
            }
            Poll::Pending
        })
        .await
    }
}
