//! What attempts may cost together: an amount is set aside before an agent starts, so that agents
//! that run at the same time can't spend the same dollar.

use std::cell::Cell;

use tokio::sync::Notify as Bell;

use super::exec::Runner;
use crate::plan::Usd;

/// An amount that is set aside until this is dropped.
pub(super) struct Reserved<'r> {
    /// How much.
    pub amount: Usd,
    total: &'r Cell<Usd>,
    bell: &'r Bell,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.total.set(self.total.get().less(self.amount));
        self.bell.notify_waiters();
    }
}

impl Runner<'_> {
    /// Sets aside `wanted`, or as much of it as the run's cap leaves. Where all that is left is set
    /// aside for others, it waits for them; where nothing is left at all, it returns nothing.
    pub(super) async fn reserve(&self, wanted: Usd) -> Option<Reserved<'_>> {
        loop {
            let bell = self.bell.notified();
            let (cap, spent) = self.look(|progress| (progress.cap, progress.spent));
            let others = self.reserved.get();
            let amount = match cap {
                None => wanted,
                Some(cap) => wanted.min(cap.less(spent).less(others)),
            };
            if amount > Usd::ZERO {
                self.reserved.set(others.plus(amount));
                return Some(Reserved {
                    amount,
                    total: &self.reserved,
                    bell: &self.bell,
                });
            }
            if others == Usd::ZERO {
                return None;
            }
            bell.await;
        }
    }
}
