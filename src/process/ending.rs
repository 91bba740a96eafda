//! Ending programs whose starter is gone.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::GRACE;
use super::waiting::{nap, now};

/// Ends process groups whose starter is gone: TERM, [`GRACE`], KILL.
pub fn end_groups(groups: &[u32]) {
    let mut left: Vec<Pid> = groups.iter().copied().filter_map(pid).collect();
    left.retain(|group| kill_process_group(*group, Signal::TERM).is_ok());
    let give_up = now() + GRACE;
    while !left.is_empty() && now() < give_up {
        nap(Duration::from_millis(5));
        left.retain(|group| test_kill_process_group(*group).is_ok());
    }
    for group in left {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

pub(super) fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}
