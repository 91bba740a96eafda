//! Small deeds on files that are safe in folders a repository has filled: no link is followed, nothing is half-written.
//!
//! Deliberately not here: deleting whole folders, which is the trash's job.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::{CheckoutError, private_dir};
use crate::steps::step;

/// A lock that ends with the value or with the process.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that another thread is just starting has a copy of the file until it runs.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Takes the lock of one session's checkout, without waiting.
///
/// Its file stays for ever: removing it would let two holders in. It is not passed on to started programs, because
/// git may leave daemons behind that would hold it.
///
/// # Errors
/// [`CheckoutError::Busy`] when another process has it.
pub(super) fn lock_checkout(common_dir: &Path, name: &str) -> Result<Lock, CheckoutError> {
    let file = lock_file(common_dir, &format!("checkout-{name}"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock { file }),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(CheckoutError::Busy { name: name.to_owned() }),
        // A file system without locks: they keep two calls for one session apart, and git's own locks remain.
        Err(_) => Ok(Lock { file }),
    }
}

/// Takes the lock of the repository's small shared files (`config`, `info/exclude`), waiting for it: everyone who
/// holds it reads and rewrites one file, within a deadline of its own.
pub(super) fn lock_settings(common_dir: &Path) -> Result<Lock, CheckoutError> {
    let file = lock_file(common_dir, "settings")?;
    // Without lock support two first claims may collide, and then git's own `config.lock` lets one of them fail.
    let _ = flock(&file, FlockOperation::LockExclusive);
    Ok(Lock { file })
}

/// What the lock of the worktree records is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Running a git command that goes through all of them: `worktree list`, `fetch`.
    Reading,
    /// Adding, moving or removing one.
    Changing,
}

/// Takes the lock of git's records of worktrees, waiting for it; those who hold it run single git commands, within
/// deadlines of their own.
///
/// `git worktree add` writes a record file by file, and every git command that goes through all records fails while
/// one is half-written (`failed to read …/commondir: Success`, git 2.47): of six at once, one or two failed each time.
pub(super) fn lock_worktrees(common_dir: &Path, purpose: Use) -> Result<Lock, CheckoutError> {
    let file = lock_file(common_dir, "worktrees")?;
    let operation = match purpose {
        Use::Reading => FlockOperation::LockShared,
        Use::Changing => FlockOperation::LockExclusive,
    };
    // Without lock support a command may fail as above, and the same call again succeeds.
    let _ = flock(&file, operation);
    Ok(Lock { file })
}

fn lock_file(common_dir: &Path, name: &str) -> Result<File, CheckoutError> {
    let folder = private_dir(common_dir).join("locks");
    fs::create_dir_all(&folder).map_err(CheckoutError::file("create", &folder))?;
    let path = folder.join(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(CheckoutError::file("open", &path))
}

/// `anchor/relative`, after making sure that nothing below `anchor` on the way is a symbolic link.
///
/// # Errors
/// [`CheckoutError::Outside`] for a path that is absolute or has `..`, [`CheckoutError::Link`].
pub(super) fn beneath(anchor: &Path, relative: &Path) -> Result<PathBuf, CheckoutError> {
    let mut path = anchor.to_owned();
    for component in relative.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => continue,
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => {
                return Err(CheckoutError::Outside { path: relative.to_owned(), folder: anchor.to_owned() });
            }
        }
        if is_link(&path)? {
            return Err(CheckoutError::Link { path });
        }
    }
    Ok(path)
}

/// Makes the folders down to `anchor/relative`, following no link.
pub(super) fn create_folders(anchor: &Path, relative: &Path) -> Result<PathBuf, CheckoutError> {
    let path = beneath(anchor, relative)?;
    fs::create_dir_all(&path).map_err(CheckoutError::file("create", &path))?;
    beneath(anchor, relative)
}

/// How the names of files begin that are still being written. In a session's folder git ignores such names and nobody
/// publishes them, so what a kill leaves of one goes nowhere until it is swept away.
pub(super) const HALF: &str = ".session-env.writing-";

/// Writes `bytes` to a new file beside `path` and moves it there, so that nobody ever reads half of it.
pub(super) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CheckoutError> {
    let failed = |source| CheckoutError::File { act: "write", path: path.to_owned(), source };
    let folder = path.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let mut file = tempfile::Builder::new().prefix(HALF).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(failed)?;
    step("write");
    file.persist(path).map_err(|error| failed(error.error))?;
    step("written");
    Ok(())
}

/// Copies an index with its time: git trusts an entry whose file is as old as its index only after a look into the file,
/// and a copy that seems newer would hide what was changed within the same second to the same length.
pub(super) fn copy_index(from: &Path, to: &Path) -> Result<(), CheckoutError> {
    let failed = |source| CheckoutError::File { act: "copy", path: from.to_owned(), source };
    let written = fs::metadata(from).and_then(|data| data.modified()).map_err(failed)?;
    fs::copy(from, to).map_err(failed)?;
    OpenOptions::new().write(true).open(to).and_then(|copy| copy.set_modified(written)).map_err(failed)
}

/// Opens a regular file for reading; `None` when it is not there.
///
/// # Errors
/// [`CheckoutError::Link`] when a link or something else stands there.
pub(super) fn open_regular(path: &Path) -> Result<Option<File>, CheckoutError> {
    // Without NONBLOCK the mere opening of a named pipe waits for a writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => {
            let is_file = file.metadata().map_err(CheckoutError::file("read", path))?.is_file();
            if is_file { Ok(Some(file)) } else { Err(CheckoutError::Link { path: path.to_owned() }) }
        }
        Err(error) if is_absence(&error) => Ok(None),
        Err(_) if is_link(path)? => Err(CheckoutError::Link { path: path.to_owned() }),
        Err(source) => Err(CheckoutError::File { act: "read", path: path.to_owned(), source }),
    }
}

/// The bytes of a regular file; `None` when it is not there.
pub(super) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, CheckoutError> {
    let Some(mut file) = open_regular(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(CheckoutError::file("read", path))?;
    Ok(Some(bytes))
}

/// Whether a symbolic link is at `path`.
pub(super) fn is_link(path: &Path) -> Result<bool, CheckoutError> {
    Ok(look(path)?.is_some_and(|found| found.is_symlink()))
}

/// What is at `path` itself, links not followed; `None` for nothing.
pub(super) fn look(path: &Path) -> Result<Option<fs::Metadata>, CheckoutError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(source) => Err(CheckoutError::File { act: "look at", path: path.to_owned(), source }),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
