//! The frozen plan in a checkout: compared with what was claimed, write-protected, brought back.
//!
//! Deliberately not here: what a changed plan means. The blob id is the truth; the write protection is a courtesy that
//! clones, branch switches and root users do not notice.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use git2::{ObjectType, Oid};

use super::CheckoutError;
use super::files::{beneath, create_folders, look, open_regular, read_regular, write_atomically};
use super::worktree::git_in;

/// The name of the plan's file in the session's own folder.
pub const FILE: &str = "SESSION.md";

/// How the plan in a checkout compares with the claimed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It is the claimed one; line ends that git turned into CRLF count as the same.
    Same,
    /// It is another text, or no regular file.
    Changed,
    /// It is not there.
    Missing,
}

/// Compares the plan in the session's folder `own` below `top` with the blob that was claimed.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way to it, [`CheckoutError::File`].
pub fn compare(top: &Path, own: &str, claimed: Oid) -> Result<Plan, CheckoutError> {
    let path = folder(top, own)?.join(FILE);
    let bytes = match read_regular(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Plan::Missing),
        Err(CheckoutError::Link { .. }) => return Ok(Plan::Changed),
        Err(other) => return Err(other),
    };
    Ok(if is_text(&bytes, claimed)? { Plan::Same } else { Plan::Changed })
}

/// Whether a file in a checkout is the text of a blob; line ends that git turned into CRLF count as the same.
///
/// # Errors
/// [`CheckoutError::Git`] when libgit2 cannot hash.
pub fn is_text(bytes: &[u8], blob: Oid) -> Result<bool, CheckoutError> {
    let is = |bytes: &[u8]| Oid::hash_object(ObjectType::Blob, bytes).map(|oid| oid == blob);
    Ok(is(bytes)? || is(&without_crlf(bytes))?)
}

/// Whether it is a regular file that somebody may write to.
pub fn can_be_written(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o222 != 0)
}

/// Takes the plan's write permission away; one that is not there is left so.
///
/// # Errors
/// [`CheckoutError::Link`] when it is a link or a link is on the way, [`CheckoutError::File`].
pub fn freeze(top: &Path, own: &str) -> Result<(), CheckoutError> {
    set_mode(&folder(top, own)?.join(FILE), 0o444)
}

/// Gives the owner the write permission back, for programs that write files in place.
///
/// # Errors
/// As [`freeze`].
pub fn thaw(top: &Path, own: &str) -> Result<(), CheckoutError> {
    set_mode(&folder(top, own)?.join(FILE), 0o644)
}

/// Brings the claimed text back, write-protected, whatever stands there now: a link is replaced, not followed.
///
/// # Errors
/// [`CheckoutError::Link`] when a link is on the way, [`CheckoutError::File`].
pub fn restore(top: &Path, own: &str, text: &[u8]) -> Result<(), CheckoutError> {
    let path = create_folders(top, Path::new(own))?.join(FILE);
    write_atomically(&path, text, 0o444)
}

/// Commits the plan as it stands in the checkout, and nothing else: what is staged stays staged. The user's hooks do not
/// run: they judge finished work.
///
/// # Errors
/// Faults of git; a merge that is not finished is one.
pub fn commit(checkout: &Path, own: &str, message: &str, deadline: Instant) -> Result<(), CheckoutError> {
    let path = format!("{own}/{FILE}");
    // An index that was told to pass changes over would take the old text along.
    git_in(checkout)
        .args(["update-index", "--no-assume-unchanged", "--no-skip-worktree", "--", &path])
        .deadline(deadline)
        .succeed()?;
    git_in(checkout)
        .args(["commit", "--quiet", "--no-verify", "--only", "-m", message, "--", &path])
        .deadline(deadline)
        .succeed()?;
    Ok(())
}

fn folder(top: &Path, own: &str) -> Result<PathBuf, CheckoutError> {
    beneath(top, Path::new(own))
}

/// Changes the mode through an open file: between a look at the path and a change of it, it could become a link.
fn set_mode(path: &Path, mode: u32) -> Result<(), CheckoutError> {
    let failed = CheckoutError::file("change the mode of", path);
    let Some(file) = open_regular(path)? else { return Ok(()) };
    if look(path)?.is_some_and(|found| found.permissions().mode() & 0o777 == mode) {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed)
}

fn without_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            kept.push(*byte);
        }
    }
    kept
}
