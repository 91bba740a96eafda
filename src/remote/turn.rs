//! Taking turns at a repository on this machine: one process at a time looks and pushes.
//!
//! Clones of one repository that race each other on one machine lose most of their work to each other: each loser fetches
//! what the winner did, and loses again. A lock on the repository's own HEAD file (which is only read, so nothing is
//! written there) spares them that. It is for speed and fairness alone: who cannot have it, or not soon, goes without.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A turn at a repository; over when dropped.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

/// Whether it is our turn.
#[derive(Debug)]
pub enum Queued {
    /// It is.
    Ours(Turn),
    /// Somebody else's.
    Theirs,
    /// Nobody takes turns there.
    Free,
}

/// Asks for a turn at the repository at `path`, bare or not.
pub(super) fn ask(path: &Path) -> Queued {
    let places = [path.join("HEAD"), path.join(".git/HEAD")];
    // A pipe in its place would keep us for ever.
    let open = |path: &Path| OpenOptions::new().read(true).custom_flags(nonblocking()).open(path);
    let Some(file) = places.iter().find_map(|path| open(path).ok()) else { return Queued::Free };
    match file.try_lock() {
        Ok(()) => Queued::Ours(Turn { _file: file }),
        Err(TryLockError::WouldBlock) => Queued::Theirs,
        Err(TryLockError::Error(_)) => Queued::Free,
    }
}

fn nonblocking() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default()
}
