//! The program outlives a panic in a reader, so a test that looks at an answer alone would not notice one.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// How many panics `work` meets on this thread, also those that somebody below has caught; and what it gives.
pub fn counted<T>(work: impl FnOnce() -> T) -> (u32, T) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
    let before = PANICS.get();
    let given = work();
    (PANICS.get() - before, given)
}

/// What `work` gives, when it has met no panic.
pub fn none<T>(work: impl FnOnce() -> T) -> T {
    let (panics, given) = counted(work);
    assert_eq!(panics, 0, "a panic was caught");
    given
}
