//! Waiting for programs: the clock that deadlines are held against, and short naps.

use std::time::{Duration, Instant};

use rustix::event::Timespec;

pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Monotonic, for deadlines alone: no answer of this tool depends on it.
#[expect(clippy::disallowed_methods, reason = "a deadline of a child process, never a time that is written down")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "waits for a child that has closed its pipes; bounded by the deadline")]
pub(super) fn nap(duration: Duration) {
    std::thread::sleep(duration);
}
