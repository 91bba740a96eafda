//! Small deeds on files that are safe in folders a repository has filled: no link is followed, nothing is half-written.
//!
//! Deliberately not here: deleting whole folders, which is the trash's job.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use rustix::fs::OFlags;

use super::{CheckoutError, private_dir};
pub(super) use crate::disk::lock::Use;
use crate::disk::lock::{self, Lock};
use crate::disk::whole;

/// Takes the lock of one session's checkout, without waiting.
///
/// # Errors
/// [`CheckoutError::Busy`] when another process has it.
pub(super) fn lock_checkout(common_dir: &Path, name: &str) -> Result<Lock, CheckoutError> {
    let path = lock_path(common_dir, &format!("checkout-{name}"));
    let taken = lock::file(&path).and_then(|file| lock::at_once(file, Use::Changing));
    taken.map_err(CheckoutError::file("lock", &path))?.ok_or_else(|| CheckoutError::Busy { name: name.to_owned() })
}

/// Takes the lock of the repository's small shared files (`config`, `info/exclude`), waiting for it: everyone who
/// holds it reads and rewrites one file, within a deadline of its own.
///
/// # Errors
/// [`CheckoutError::Waited`].
pub(super) fn lock_settings(common_dir: &Path, deadline: Instant) -> Result<Lock, CheckoutError> {
    wait_for("the repository's settings", &lock_path(common_dir, "settings"), Use::Changing, deadline)
}

/// Takes the lock of git's records of worktrees, waiting for it; those who hold it run single git commands, within
/// deadlines of their own.
///
/// `git worktree add` writes a record file by file, and every git command that goes through all records fails while
/// one is half-written (`failed to read …/commondir: Success`, git 2.47): of six at once, one or two failed each time.
///
/// # Errors
/// [`CheckoutError::Waited`].
pub(super) fn lock_worktrees(common_dir: &Path, purpose: Use, deadline: Instant) -> Result<Lock, CheckoutError> {
    wait_for("git's records of worktrees", &lock_path(common_dir, "worktrees"), purpose, deadline)
}

fn wait_for(what: &'static str, path: &Path, purpose: Use, deadline: Instant) -> Result<Lock, CheckoutError> {
    let taken = lock::file(path).and_then(|file| lock::until(file, purpose, deadline));
    let waited = || CheckoutError::Waited { what, path: path.to_owned() };
    taken.map_err(CheckoutError::file("lock", path))?.ok_or_else(waited)
}

fn lock_path(common_dir: &Path, name: &str) -> PathBuf {
    private_dir(common_dir).join("locks").join(name)
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
    whole::write(path, bytes, mode, HALF).map_err(CheckoutError::file("write", path))
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
