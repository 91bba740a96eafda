//! Taking turns at a repository on this machine: one process at a time looks and pushes.
//!
//! Clones of one repository that race each other on one machine lose most of their work to each other: each loser fetches
//! what the winner did, and loses again. A lock on the repository's own HEAD file (which is only read, so nothing is
//! written there) spares them that. It is for speed and fairness alone: who cannot have it, or not soon, goes without.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::disk::lock::{self, Lock, Use};

/// A turn at a repository; over when dropped.
#[derive(Debug)]
pub struct Turn {
    _lock: Lock,
}

/// Waits at most `most` for a turn at the repository at `path`, bare or not; `None` where nobody takes turns.
///
/// The wait is the system's own, which wakes those who wait in the order in which they came; asking again and again
/// would not, and thirty who ask keep a processor busy. It cannot be given up, so it is a thread's: one that gets its
/// turn when nobody wants it any more passes it on.
pub(super) fn wait(path: &Path, most: Duration) -> Option<Turn> {
    let places = [path.join("HEAD"), path.join(".git/HEAD")];
    // A pipe in its place would keep us for ever.
    let open = |path: &Path| OpenOptions::new().read(true).custom_flags(nonblocking()).open(path);
    let file = || places.iter().find_map(|path| open(path).ok());
    if let Some(lock) = lock::at_once(file()?, Use::Changing).ok()? {
        return Some(Turn { _lock: lock });
    }
    let (file, (done, wait)) = (file()?, mpsc::channel());
    std::thread::spawn(move || {
        // Whether it is had or cannot be: who waits goes on either way.
        let _ = done.send(lock::in_turn(file));
    });
    let lock = wait.recv_timeout(most).ok()?.ok()?;
    Some(Turn { _lock: lock })
}

fn nonblocking() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default()
}
