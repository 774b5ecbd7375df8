//! Where texts are parsed: the parser recurses, and the scan before it allows 32 levels.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

/// The stack that texts are parsed on, in bytes.
pub(super) const STACK: usize = 64 << 20;

thread_local! {
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a stack that the parser can't run out of: on this thread where it has one, else on one of
/// its own. Returns nothing where the work panicked, or where no thread is to be had.
///
/// What reads a spec and then works with it is best done here as a whole: a thread takes time to start, and
/// what it has allocated is of little use to another.
pub fn on_parse_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if IS_DEEP.get() {
        return catch_unwind(AssertUnwindSafe(work)).ok();
    }
    thread::scope(|scope| {
        let deep = || {
            IS_DEEP.set(true);
            work()
        };
        let thread = thread::Builder::new()
            .name("parse".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, deep);
        thread.ok()?.join().ok()
    })
}
