//! Where texts are parsed: the parser recurses, and the scan before it allows 32 levels.

use std::thread;

/// The stack that texts are parsed on, in bytes.
pub(super) const STACK: usize = 64 << 20;

/// Does `work` on a stack that the parser can't run out of. Returns nothing where the parser gave up.
pub(super) fn on_parse_stack<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let thread = thread::Builder::new()
        .name("parse".to_owned())
        .stack_size(STACK)
        .spawn(work);
    thread.ok()?.join().ok()
}
