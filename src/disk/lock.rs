//! Locks between the processes of a machine: taken at once, or asked for again until a deadline.
//!
//! They are for speed, and keep two writers of one small file apart; who holds a session is the server's to decide. A
//! file system without locks gives one that holds nobody off.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The first pause before a lock is asked for again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(1);

/// The longest pause. Whoever holds one of these locks holds it for a file or a git command.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// What a lock is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Looking: many may at once, while nobody changes anything.
    Reading,
    /// Changing: alone.
    Changing,
}

/// A lock that ends with the value or with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// The file that is locked.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that another thread is just starting has a copy of the file until it runs.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Opens a file that is there to be locked, made with its folders if need be. It stays for ever: removing it would let
/// two holders in. Started programs do not get it, because git may leave daemons behind that would hold the lock.
pub(crate) fn file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // For reading too: over a network some file systems share only what could be read.
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Takes the lock if nobody is in the way; `None` otherwise.
pub(crate) fn at_once(file: File, purpose: Use) -> io::Result<Option<Lock>> {
    Ok(take(&file, purpose)?.then(|| Lock { file }))
}

/// Takes the lock, asking again until `deadline`; `None` when somebody has it even then, such as a process that was
/// stopped. It is asked for once at least, however late it is.
pub(crate) fn until(file: File, purpose: Use, deadline: Instant) -> io::Result<Option<Lock>> {
    again(file, purpose, |pause| {
        let left = deadline.saturating_duration_since(now());
        if left.is_zero() {
            return ControlFlow::Break(());
        }
        wait(pause.min(left));
        ControlFlow::Continue(())
    })
}

/// The same for who has a clock of its own: `rest` waits for as long as it is told, or says that there is no time left.
pub(crate) fn again(
    file: File,
    purpose: Use,
    mut rest: impl FnMut(Duration) -> ControlFlow<()>,
) -> io::Result<Option<Lock>> {
    let mut pause = PAUSE;
    loop {
        if take(&file, purpose)? {
            return Ok(Some(Lock { file }));
        }
        if rest(pause).is_break() {
            return Ok(None);
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Takes the lock whenever it is had, in the order in which processes came. Nothing ends the wait, so it is for a thread
/// that may be left to it.
pub(crate) fn in_turn(file: File) -> io::Result<Lock> {
    locked(&file, FlockOperation::LockExclusive)?;
    Ok(Lock { file })
}

fn take(file: &File, purpose: Use) -> io::Result<bool> {
    match purpose {
        Use::Reading => locked(file, FlockOperation::NonBlockingLockShared),
        Use::Changing => locked(file, FlockOperation::NonBlockingLockExclusive),
    }
}

fn locked(file: &File, operation: FlockOperation) -> io::Result<bool> {
    loop {
        match flock(file, operation) {
            Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            // A signal that is handled says nothing of the lock.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the deadline of a wait for another process, never a time that is written"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "waits for another process to let go; bounded by the deadline")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/one");
        (folder, path)
    }

    #[test]
    fn one_changes_or_many_read() {
        let (_folder, path) = place();
        let take = |purpose| at_once(file(&path).unwrap(), purpose).unwrap();
        let readers = [take(Use::Reading), take(Use::Reading)];
        assert!(readers.iter().all(Option::is_some));
        assert!(take(Use::Changing).is_none());
        drop(readers);
        let writer = take(Use::Changing);
        assert!(writer.is_some());
        assert!(take(Use::Reading).is_none());
        let late = now();
        assert!(until(file(&path).unwrap(), Use::Changing, late).unwrap().is_none(), "a deadline that is over is kept");
    }

    #[test]
    fn a_copy_of_the_file_in_a_program_that_starts_does_not_keep_the_lock() {
        let (_folder, path) = place();
        let lock = at_once(file(&path).unwrap(), Use::Changing).unwrap().unwrap();
        let _copy = lock.file().try_clone().unwrap();
        drop(lock);
        assert!(at_once(file(&path).unwrap(), Use::Changing).unwrap().is_some());
    }

    #[test]
    fn who_waits_gets_it_when_it_is_let_go() {
        let (_folder, path) = place();
        let lock = at_once(file(&path).unwrap(), Use::Changing).unwrap().unwrap();
        let (begun, begins) = mpsc::channel();
        let other = path.clone();
        let waits = std::thread::spawn(move || {
            begun.send(()).unwrap();
            until(file(&other).unwrap(), Use::Changing, now() + Duration::from_secs(600)).unwrap().is_some()
        });
        begins.recv().unwrap();
        drop(lock);
        assert!(waits.join().unwrap());
    }
}
