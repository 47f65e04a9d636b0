//! Signals that end a process, while it has changed the terminal: they are taken note of, so that it can be put right
//! first.

use std::sync::atomic::{AtomicI32, Ordering};

const SIGNALS: [libc::c_int; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

static HELD: AtomicI32 = AtomicI32::new(0);

extern "C" fn take_note(signal: libc::c_int) {
    HELD.store(signal, Ordering::Relaxed);
}

/// From now on these signals do nothing but tell [`held_signal`].
pub(crate) fn hold_signals() {
    set(take_note as *const () as libc::sighandler_t);
}

/// From now on these signals end this process, as usual.
pub(crate) fn release_signals() {
    set(libc::SIG_DFL);
}

fn set(handler: libc::sighandler_t) {
    for signal in SIGNALS {
        // SAFETY: the handler does nothing but store a number in an atomic.
        unsafe {
            // Whoever started this program may have it ignore some.
            if libc::signal(signal, handler) == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
}

/// Answers the last signal that has come.
pub(crate) fn held_signal() -> Option<i32> {
    Some(HELD.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// Ends this process by a signal, as if it had never been held.
pub(crate) fn end_by(signal: i32) -> ! {
    release_signals();
    // SAFETY: a plain call.
    unsafe { libc::raise(signal) };
    // Where even that does not end it.
    std::process::exit(128 + signal)
}
