//! Ctrl-C: the first asks the run to stop and clean up, the second ends the process at once.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the signal handler sets. Filled before the handler is installed, and never emptied.
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

extern "C" fn on_signal(_signal: libc::c_int) {
    if let Some(stop) = STOP.get() {
        stop.store(true, Ordering::Relaxed);
    }
}

/// From now on Ctrl-C, and the system's request to end, set this flag, for [`crate::RunOptions::stop`]. All calls give the
/// same flag.
pub fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_RESETHAND | libc::SA_RESTART;
        // SAFETY: the handler only loads a pointer that was stored before and stores to an atomic; both may be done in a
        // signal handler. The old action is not asked for.
        unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
    }
    stop
}

/// Whether the process was asked to stop.
pub(crate) fn is_requested() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// Whether a read of this file gives something within a time, be it its end.
pub(crate) fn is_readable_within(file: &impl AsRawFd, most: Duration) -> io::Result<bool> {
    let mut wait = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let most_ms = libc::c_int::try_from(most.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one struct is handed over, which lives through the call.
    let ready = unsafe { libc::poll(&mut wait, 1, most_ms) };
    if ready >= 0 {
        return Ok(ready > 0);
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_sets_the_flag() {
        let stop = stop_on_interrupt();
        assert!(!stop.load(Ordering::Relaxed));
        // SAFETY: sends this process a signal that it handles.
        unsafe { libc::raise(libc::SIGINT) };
        assert!(stop.load(Ordering::Relaxed));
    }
}
